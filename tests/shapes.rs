//! What the command line, PowerShell, the REST API, Resource Graph, Network Watcher and the portal write, one small
//! file for each shape: every one is read, or recognised with a word on what to give instead.
//!
//! The files of `tests/shapes/` were written for this test after the documentation of those tools.

#![allow(clippy::disallowed_methods, reason = "tests read their fixtures")]

use netwhy::diag::Sources;
use netwhy::inventory::Origin;
use netwhy::run::load::{Settings, load};
use std::path::{Path, PathBuf};

/// A file, what it is taken for, its resources (`+` described, `?` only named), and the codes of what is said.
const SHAPES: &[(&str, &str)] = &[
    ("aks-show.json", "an exported resource | + aks"),
    ("az-jsonc.json", "not readable | syntax"),
    ("az-nic-show.json", "an exported resource | + nic"),
    ("az-resource-list.json", "a list of exported resources | ? v | unknown-value"),
    ("az-subnet-list.json", "a list of exported resources | + v/apps | + v/dual"),
    ("az-table.txt", "a table for people; `--output json` gives what is needed | unknown-format"),
    ("az-tsv.txt", "a table for people; `--output json` gives what is needed | unknown-format"),
    ("az-vnet-list.json", "a list of exported resources | + v"),
    ("az-yaml.yaml", "a list of exported resources | + v"),
    ("bicep-snapshot.json", "the result of a what-if deployment | + v"),
    ("bom.json", "a list of exported resources | + v"),
    ("deployment-show.json", "an exported resource | + d | not-understood"),
    ("effective-nsg.json", "effective security rules | + nsg | not-understood"),
    ("error.json", "an error answer of a command, not its result | unknown-format"),
    ("graph-batch.json", "a list of exported resources | + v"),
    ("graph-cli.json", "rows of Azure Resource Graph | + v"),
    (
        "graph-portal-csv.csv",
        "a table with commas, as a portal saves it; `az graph query -q QUERY` gives what is needed | unknown-format",
    ),
    ("graph-rest-table.json", "rows of Azure Resource Graph | + v | not-understood"),
    (
        "group-export-rest.json",
        "an ARM template | + {virtualNetworks_v_name} | + {virtualNetworks_v_name}/apps | unknown-value",
    ),
    (
        "group-export.json",
        "an ARM template | + {virtualNetworks_v_name} | + {virtualNetworks_v_name}/apps | unknown-value",
    ),
    (
        "id-list.json",
        "a list of resource ids; `az resource show --ids ID...` tells what they are | unknown-format",
    ),
    ("jsonl.json", "a list of exported resources | + v | + w"),
    ("list-effective-nsg-vm.json", "effective security rules | + nsg | not-understood"),
    ("list-service-tags.json", "a service tag file"),
    ("ml-compute-show.json", "an exported resource | ? ws/ci | unknown-value"),
    ("ml-workspace-show.json", "an exported resource | + ws"),
    ("nic-effective-routes.json", "effective routes | not-understood"),
    ("ps-azresource.json", "a list of exported resources | ? v | unknown-value"),
    ("ps-effective-routes.json", "effective routes | not-understood"),
    ("ps-nsg.json", "a list of exported resources | + nsg"),
    ("ps-service-tags.json", "a service tag file"),
    ("ps-vnet.json", "an exported resource | + v"),
    ("rest-multi.json", "a list of exported resources | + v | + w"),
    ("rest-page.json", "a list of exported resources | + v | not-understood"),
    ("role-assignment-list.json", "a list of exported resources | + a"),
    ("rule-list.json", "a list of exported resources | + nsg/x"),
    ("stack.json", "an exported resource | + s"),
    ("storage-show.json", "an exported resource | + st"),
    (
        "template-spec-show.json",
        "an ARM template | + {virtualNetworks_v_name} | + {virtualNetworks_v_name}/apps | unknown-value",
    ),
    ("topology.json", "a Network Watcher topology | ? v | ? v/apps | ? nsg | ? v/apps"),
    ("utf16.json", "a list of exported resources | + v"),
    ("what-if-rest.json", "the result of a what-if deployment | + v"),
    ("what-if.json", "the result of a what-if deployment | + v"),
];

fn described(path: PathBuf) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let loaded =
        runtime.block_on(load(&[path], &[], &Settings::default(), Sources::default())).expect("readable");
    let mut out = loaded.documents[0].kind.label().to_owned();
    for raw in &loaded.raws {
        let is_bare = raw.body.get("properties").is_some_and(|p| p.why_unknown().is_some());
        let mark = if raw.origin == Origin::Mentioned || is_bare { '?' } else { '+' };
        out.push_str(&format!(" | {mark} {}", raw.id.full_name()));
    }
    let mut codes: Vec<&str> = loaded.notes.iter().map(|n| n.code.name()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes.iter().for_each(|code| out.push_str(&format!(" | {code}")));
    out
}

#[test]
fn every_shape_is_read_or_recognised() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shapes");
    let files = folder.read_dir().expect("a folder").flatten();
    let mut names: Vec<String> = files.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let got: Vec<String> =
        names.iter().map(|name| format!("{name}: {}", described(folder.join(name)))).collect();
    let wanted: Vec<String> = SHAPES.iter().map(|(name, what)| format!("{name}: {what}")).collect();
    assert_eq!(got, wanted, "{got:#?}");
}
