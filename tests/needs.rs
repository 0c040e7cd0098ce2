//! The catalogue against estates: which workloads are found, which flows they need, and what becomes of them.

use netwhy::analysis::needs::{self, NeededFlow, Workload};
use netwhy::catalogue::{Actor, Catalogue};
use netwhy::diag::{Diagnostics, Sources};
use netwhy::inventory::change::Change;
use netwhy::network::Network;
use netwhy::profile::Profile;
use netwhy::run::engine;
use netwhy::run::load::{Settings, load};
use netwhy::trace::{self, Outcome};
use std::path::PathBuf;

const SECURED: &[&str] = &["secured-workspace/estate.yaml"];

/// A bundled estate, as it stands and with changes; Microsoft's own accounts are added.
fn network(files: &[&str], changes: &str, era: &str) -> Network {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let paths: Vec<PathBuf> = files.iter().map(|f| root.join(f)).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut loaded =
        runtime.block_on(load(&paths, &[], &Settings::default(), Sources::default())).expect("the files");
    let mut notes = std::mem::take(&mut loaded.notes);
    let mut profile = Profile::default();
    profile.set("mlEra", era).expect("an era");
    let mut all = read(changes, &mut notes);
    let (network, _) = engine::network(&loaded.raws, &all, profile.clone(), &loaded.tags, &mut notes);
    all.extend(needs::stand_ins(Catalogue::builtin(), &network));
    let (network, _) = engine::network(&loaded.raws, &all, profile, &loaded.tags, &mut notes);
    assert!(!notes.has_errors(), "{:?}", notes.iter().map(ToString::to_string).collect::<Vec<_>>());
    network
}

fn read(changes: &str, notes: &mut Diagnostics) -> Vec<Change> {
    if changes.is_empty() {
        return Vec::new();
    }
    let doc = Sources::default().add("changes.yaml", changes);
    let root = netwhy::doc::parse_yaml(doc, changes, notes).expect("yaml");
    netwhy::formats::change::read(&root, notes)
}

fn find(network: &Network, name: &str) -> Workload {
    needs::workloads(network).into_iter().find(|w| &*w.name == name).expect("the workload")
}

/// Flows of a workload with what becomes of them, where it is not that they pass.
fn check(network: &Network, workload: &Workload, expected: &[&str]) {
    let flows = needs::needs(Catalogue::builtin(), network, workload);
    assert!(!flows.is_empty());
    let mut got: Vec<String> = flows.iter().filter_map(|flow| told(network, flow)).collect();
    got.sort();
    got.dedup();
    assert_eq!(got, expected, "{}", workload.name);
}

fn told(network: &Network, needed: &NeededFlow<'_>) -> Option<String> {
    let Some(flow) = &needed.flow else { return Some(format!("{} not traced", needed.need.id)) };
    let answer = trace::trace(network, flow);
    (answer.outcome != Outcome::Allowed).then(|| {
        let cause = answer.cause.map_or("", |c| c.code());
        format!("{} {} {} {cause}", needed.need.id, flow.to, answer.outcome)
    })
}

#[test]
fn workloads_are_found() {
    let network =
        network(&["secured-workspace/estate.yaml", "secured-workspace/kubernetes.yaml"], "", "aml-2026");
    let found: Vec<String> =
        needs::workloads(&network).iter().map(|w| format!("{} {}", w.name, w.actor)).collect();
    assert_eq!(
        found,
        [
            "ci1 compute-instance",
            "cpu-cluster compute-cluster",
            "contoso-aks aks-node",
            "contoso-ml aml-managed-service"
        ]
    );
    let managed = self::network(&["managed-network/estate.yaml"], "", "aml-2026");
    let found: Vec<String> =
        needs::workloads(&managed).iter().map(|w| format!("{} {}", w.name, w.actor)).collect();
    assert_eq!(
        found,
        ["mv-cluster managed-compute", "blue online-deployment", "contoso-mv aml-managed-service"]
    );
}

/// The bundled network opens what Microsoft asks for by tag; what has no tag a security group cannot open.
#[test]
fn a_compute_instance_of_the_bundled_estate() {
    let network = network(SECURED, "", "aml-2026");
    let deny = |id: &str, host: &str| format!("{id} {host} blocked NSG_RULE_DENY");
    let mut expected: Vec<String> = [
        "anaconda.com",
        "cloud.r-project.org",
        "example.anaconda.com",
        "example.anaconda.org",
        "example.pytorch.org",
        "example.tensorflow.org",
        "python-files.example",
        "python-index.example",
        "pytorch.org",
    ]
    .iter()
    .map(|host| deny("compute.out.packages", host))
    .collect();
    expected.push(deny("compute.out.graph", "graph.windows.net"));
    expected.push(deny("compute.out.kv.listed", "batchvault.vault.azure.net"));
    for host in ["ghcr.io", "pkg-containers.githubusercontent.com"] {
        expected.push(deny("ci.out.rstudio", host));
    }
    for host in ["example.vo.msecnd.net", "update.code.visualstudio.com"] {
        expected.push(deny("vsc.server", host));
    }
    for host in ["example.gallerycdn.vsassets.io", "marketplace.visualstudio.com"] {
        expected.push(deny("vsc.extensions", host));
    }
    // An account of nobody knows which region, where the rules open Storage of one (TAG-7).
    expected.push("vsc.extensions vscode.blob.core.windows.net unknown UNKNOWN_VALUE".into());
    expected.push(deny("vsc.server.prss", "vscode.download.prss.microsoft.com"));
    expected.push(deny("vsc.websocket.jobs", "github.com"));
    expected.sort();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    check(&network, &find(&network, "ci1"), &expected);
}

#[test]
fn the_era_and_the_set_up_decide_what_is_needed() {
    let ids = |network: &Network, name: &str| -> Vec<String> {
        let mut ids: Vec<String> = needs::needs(Catalogue::builtin(), network, &find(network, name))
            .iter()
            .map(|f| f.need.id.to_string())
            .collect();
        ids.dedup();
        ids
    };
    let old = network(SECURED, "", "aml-2021");
    let new = network(SECURED, "", "aml-2026");
    let has = |ids: &[String], id: &str| ids.iter().any(|i| i == id);
    assert!(!has(&ids(&old, "ci1"), "ci.out.tundra") && has(&ids(&new, "ci1"), "ci.out.tundra"));
    assert!(has(&ids(&old, "ci1"), "img.viennaglobal") && !has(&ids(&new, "ci1"), "img.viennaglobal"));
    // Without a public address nothing has to come in.
    assert!(!has(&ids(&new, "ci1"), "ci.in.aml"));
    let public =
        network(SECURED, "[{ set: { target: contoso-ml/ci1, enableNodePublicIp: true } }]", "aml-2022");
    assert!(has(&ids(&public, "ci1"), "ci.in.aml") && has(&ids(&public, "ci1"), "ci.in.batch"));
    // The cluster that builds images needs what building needs; an instance does not.
    assert!(has(&ids(&new, "cpu-cluster"), "img.build.base") && !has(&ids(&new, "ci1"), "img.build.base"));
    assert!(!has(&ids(&new, "ci1"), "compute.out.kv.batch"));
    let hbi = network(SECURED, "[{ set: { target: contoso-ml, hbiWorkspace: true } }]", "aml-2026");
    assert!(has(&ids(&hbi, "ci1"), "compute.out.kv.batch"));
}

/// A person on the jump box, who is in no file as one.
#[test]
fn people_are_named() {
    let network = network(SECURED, "", "aml-2026");
    let person = needs::named(&network, "jumpbox", Actor::ClientBrowser);
    check(
        &network,
        &person,
        &[
            "studio.notebook.content example.aznbcontent.net blocked NSG_RULE_DENY",
            "studio.notebook.content graph.microsoft.com blocked NSG_RULE_DENY",
            "vsc.web default.exp-tas.com blocked NSG_RULE_DENY",
            "vsc.web example.vscode-cdn.net blocked NSG_RULE_DENY",
            "vsc.web example.vscode-unpkg.net blocked NSG_RULE_DENY",
            "vsc.web example.vscode.dev blocked NSG_RULE_DENY",
            "vsc.web example.vscodeexperiments.azureedge.net blocked NSG_RULE_DENY",
        ],
    );
}

/// An estate written here.
fn written(text: &str) -> Network {
    let mut sources = Sources::default();
    let doc = sources.add("estate.yaml", text);
    let mut notes = Diagnostics::new();
    let root = netwhy::doc::parse_yaml(doc, text, &mut notes).expect("yaml");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let loaded = runtime.block_on(load(&[], &[root], &Settings::default(), sources)).expect("the estate");
    let (network, _) = engine::network(&loaded.raws, &[], Profile::default(), &loaded.tags, &mut notes);
    assert!(!notes.has_errors(), "{:?}", notes.iter().map(ToString::to_string).collect::<Vec<_>>());
    network
}

fn ids_of(network: &Network, workload: &Workload) -> Vec<String> {
    needs::needs(Catalogue::builtin(), network, workload).iter().map(|f| f.need.id.to_string()).collect()
}

/// A cluster that serves no workspace needs what Kubernetes needs; a private one no public control plane.
#[test]
fn a_cluster_without_a_workspace() {
    let estate = |profile: &str| {
        format!(
            "netwhy: estate/1\ndefaults: {{ resourceGroup: rg, location: westeurope }}\nvirtualNetworks: [{{ name: v, addressPrefixes: [10.0.0.0/16], subnets: [{{ name: a, addressPrefix: 10.0.0.0/24 }}] }}]\nmanagedClusters: [{{ name: k, {profile}agentPoolProfiles: [{{ name: p, vnetSubnetID: v/a }}] }}]\n"
        )
    };
    let open = written(&estate(""));
    let private = written(&estate("apiServerAccessProfile: { enablePrivateCluster: true }, "));
    let (open, private) = (ids_of(&open, &find(&open, "k")), ids_of(&private, &find(&private, "k")));
    let has = |ids: &[String], id: &str| ids.iter().any(|known| known == id);
    assert!(has(&open, "aks.api") && has(&open, "aks.mcr"), "{open:?}");
    assert!(!has(&private, "aks.api") && has(&private, "aks.mcr"), "{private:?}");
    for id in ["aks.aml.shared", "aks.extension", "aks.blob", "img.acr"] {
        assert!(!has(&open, id), "{id}");
    }
}

/// Where no workspace tells the region, the network of a machine does; where none does, names without one are asked.
#[test]
fn a_region_is_that_of_the_network() {
    let estate = |location: &str| {
        format!(
            "netwhy: estate/1\nvirtualNetworks: [{{ name: v, {location}addressPrefixes: [10.0.0.0/16], subnets: [{{ name: a, addressPrefix: 10.0.0.0/24 }}] }}]\nnetworkInterfaces: [{{ name: n, ipConfigurations: [{{ name: c, subnet: v/a, privateIPAddress: 10.0.0.4 }}] }}]\nvirtualMachines: [{{ name: m, networkInterfaces: [n] }}]\n"
        )
    };
    let here = written(&estate("location: West Europe, "));
    assert_eq!(needs::named(&here, "m", Actor::Client).region.as_deref(), Some("westeurope"));
    assert_eq!(needs::named(&here, "v/a", Actor::Client).region.as_deref(), Some("westeurope"));
    let nowhere = written(&estate(""));
    let person = needs::named(&nowhere, "m", Actor::ClientBrowser);
    assert_eq!(person.region, None);
    let flows = needs::needs(Catalogue::builtin(), &nowhere, &person);
    let to =
        |host: &str| flows.iter().find(|f| f.target.as_ref().is_some_and(|t| t.host == host)).expect(host);
    assert!(to("login.microsoftonline.com").flow.is_some() && to("ml.azure.com").flow.is_some());
    let regional = flows.iter().find(|f| f.target.as_ref().is_some_and(|t| t.host.contains("<region>")));
    assert!(regional.is_none_or(|f| f.flow.is_none() && f.note.is_some()));
}
