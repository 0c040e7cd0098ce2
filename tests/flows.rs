//! Every documented flow of Azure Machine Learning is asked for in some scenario, and what a scenario says of it agrees
//! with the catalogue: whom it leads to, by which port, and when.

use netwhy::catalogue::{Catalogue, Need};
use netwhy::diag::{Diagnostics, Sources};
use netwhy::doc;
use netwhy::net::Protocol;
use netwhy::scenario::{self, Case};
use netwhy::services::name_matches;
use netwhy::trace::Endpoint;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The flows that Microsoft's texts on secured workspaces come to, by the ids of our inventory.
const FLOWS: [&str; 93] = [
    "platform.dns",
    "platform.wire",
    "studio.shell",
    "studio.auth",
    "studio.arm",
    "studio.api.private",
    "studio.api.shared",
    "studio.notebook",
    "studio.notebook.content",
    "studio.storage.browser",
    "studio.ci.ui",
    "profile.request",
    "profile.check",
    "profile.read",
    "profile.user",
    "automl.store",
    "automl.assets",
    "ci.create",
    "ci.in.aml",
    "ci.in.batch",
    "ci.in.pls",
    "ci.out.batch",
    "ci.out.msstorage",
    "ci.out.tundra",
    "ci.out.auth",
    "ci.out.arm",
    "ci.out.aml",
    "ci.out.workspace",
    "ci.out.files",
    "ci.out.blob",
    "ci.out.kv",
    "ci.out.kv.batch",
    "ci.out.monitor",
    "ci.out.packages",
    "ci.out.rstudio",
    "ci.ssh",
    "ci.img",
    "job.upload",
    "job.submit",
    "job.submit.v2",
    "job.dispatch",
    "job.secrets",
    "job.image",
    "job.data",
    "job.packages",
    "oe.dns",
    "oe.score.private",
    "oe.score.public",
    "oe.control",
    "mv.pe.core",
    "mv.tags",
    "mv.fqdn",
    "mv.internet",
    "mv.batch",
    "mv.huggingface",
    "legacy.egress.private",
    "legacy.egress.public",
    "aks.api",
    "aks.tunnel.legacy",
    "aks.mcr",
    "aks.azure",
    "aks.binaries",
    "aks.optional",
    "aks.gpu",
    "aks.extension",
    "aks.aml.logs",
    "aks.aml.api",
    "aks.acr",
    "aks.blob",
    "aks.train.packages",
    "aks.incluster",
    "aks.score.internal",
    "aks.score.public",
    "img.mcr",
    "img.viennaglobal",
    "img.acr.private",
    "img.acr.public",
    "img.build.serverless",
    "img.build.cluster",
    "vsc.web",
    "vsc.desktop",
    "vsc.server",
    "vsc.extensions",
    "vsc.websocket",
    "vsc.ports",
    "hyb.dns",
    "hyb.workspace",
    "hyb.storage",
    "hyb.public",
    "hyb.bastion",
    "meta.default",
    "meta.cmk",
    "meta.servicecmk",
];

/// Cases that stand for a flow and differ from the catalogue on purpose, with the reason.
const APART: &[(&str, &str)] = &[
    ("mv.fqdn/http", "a rule by name passes port 80 as well; the catalogue asks for what is needed"),
    ("aks.tunnel.legacy/udp", "the address of an old cluster's API server, which has no name here"),
    ("aks.tunnel.legacy/tcp", "the address of an old cluster's API server, which has no name here"),
    ("aks.extension/registry data", "the host of the layers follows from the registry's name"),
    ("oe.dns", "the question goes to the resolver, its name is what the other flows ask for"),
    ("aks.score.internal/http", "without encryption, which nobody needs"),
    ("job.dispatch/classic", "it leads to compute, which has no name"),
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// Every scenario with its path below the folder.
#[expect(clippy::disallowed_methods, reason = "a test reads its data")]
fn scenarios(folder: &Path, below: &str, out: &mut Vec<(String, Vec<Case>)>) {
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).expect("the folder").map(|e| e.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            scenarios(&path, &format!("{below}{name}/"), out);
        } else if name.ends_with(".yaml") {
            let text = std::fs::read_to_string(&path).expect("the file");
            let mut notes = Diagnostics::new();
            let file = Sources::default().add(name.clone(), text.as_str());
            let root = doc::parse_yaml(file, &text, &mut notes).expect("well-formed");
            if scenario::is_scenario(&root) {
                let scenario = scenario::load(&root, &name, &mut notes).expect("a scenario");
                out.push((format!("{below}{name}"), scenario.cases));
            }
        }
    }
}

fn all() -> Vec<(String, Vec<Case>)> {
    let mut out = Vec::new();
    scenarios(&folder(), "", &mut out);
    out
}

#[test]
fn every_flow_has_a_scenario() {
    let mut covered: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, cases) in all() {
        for id in cases.iter().flat_map(|case| &case.refs) {
            covered.entry(id.to_string()).or_default().insert(path.clone());
        }
    }
    let missing: Vec<_> = FLOWS.iter().filter(|id| !covered.contains_key(**id)).collect();
    assert!(missing.is_empty(), "no scenario asks for {missing:?}");
    let needs = Catalogue::builtin().needs.iter().map(|need| need.id.to_string());
    let missing: Vec<_> = needs.filter(|id| !covered.contains_key(id)).collect();
    assert!(missing.is_empty(), "needs of the catalogue that no scenario asks for: {missing:?}");
    let known = |id: &&String| FLOWS.contains(&id.as_str()) || Catalogue::builtin().need(id).is_some();
    let odd: Vec<_> = covered.keys().filter(|id| !known(id)).collect();
    assert!(odd.is_empty(), "ids of nothing: {odd:?}");
    index(&covered);
}

/// The table of `scenarios/FLOWS.md`: where each flow is asked for.
#[expect(clippy::disallowed_methods, reason = "a test reads and writes its data")]
fn index(covered: &BTreeMap<String, BTreeSet<String>>) {
    let mut text = String::from(
        "# Where each flow is asked for\n\nWritten by a test (`NETWHY_BLESS=1 cargo test --test flows`). `netwhy catalogue` \
         tells what each is for.\n\n| Flow | Scenarios |\n|---|---|\n",
    );
    for id in FLOWS {
        let paths: Vec<_> = covered[id].iter().map(|path| format!("[{path}]({path})")).collect();
        text.push_str(&format!("| `{id}` | {} |\n", paths.join(", ")));
    }
    let path = folder().join("FLOWS.md");
    if std::env::var("NETWHY_BLESS").is_ok() {
        std::fs::write(&path, &text).expect("the index can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "scenarios/FLOWS.md is not up to date; NETWHY_BLESS=1 rewrites it");
}

#[test]
fn scenarios_agree_with_the_catalogue() {
    let mut faults = Vec::new();
    let mut judged = 0;
    for (path, cases) in all() {
        for case in &cases {
            let apart = APART.iter().any(|(name, _)| case.group.ends_with(name));
            let needs: Vec<&Need> = case.refs.iter().filter_map(|id| Catalogue::builtin().need(id)).collect();
            if needs.is_empty() || apart {
                continue;
            }
            judged += 1;
            if !needs.iter().any(|need| leads_there(need, case) && by_that_port(need, case)) {
                faults.push(format!("{path}: {}: the catalogue leads elsewhere", case.name));
            }
            let phase = case.phase.as_deref().unwrap_or_default();
            if !needs.iter().any(|need| need.phases.iter().any(|p| p.word() == phase)) {
                faults.push(format!("{path}: {}: the catalogue knows no phase `{phase}` of it", case.name));
            }
            if case.needed_for.is_empty() {
                faults.push(format!("{path}: {}: not said what it is needed for", case.name));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(judged > 200, "only {judged} cases stand for a need of the catalogue");
}

/// Whether the need leads where the case asks for.
fn leads_there(need: &Need, case: &Case) -> bool {
    let Endpoint::Fqdn(host) = &case.question.to else {
        return need.hosts.is_empty() && need.own.is_empty();
    };
    let public =
        need.hosts.iter().any(|pattern| name_matches(&pattern.replace("{region}", "westeurope"), host));
    let own =
        || need.own.iter().filter_map(|own| own.kind()).any(|(_, endpoint)| has_shape(endpoint.host, host));
    public || own() || need.hosts.is_empty() && need.own.is_empty()
}

/// Whether a name has the fixed parts of a pattern such as `{name}.blob.core.windows.net`, in order.
fn has_shape(pattern: &str, host: &str) -> bool {
    let pattern = pattern.replace('*', "{any}");
    let fixed: Vec<&str> = pattern.split(['{', '}']).step_by(2).collect();
    let mut rest = host;
    for part in &fixed {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    fixed.last().is_some_and(|last| host.ends_with(last))
}

fn by_that_port(need: &Need, case: &Case) -> bool {
    let port = case.question.port.unwrap_or(443);
    let protocol = |p: Option<Protocol>| p.is_none_or(|p| p == case.question.protocol);
    need.ports.iter().any(|ports| protocol(ports.protocol) && ports.range.contains(port))
}
