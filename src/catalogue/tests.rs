//! The catalogue that comes with the program, and files of one's own.

use super::*;
use crate::diag::DocId;

/// Reads a file and prints what is wrong with it.
fn check(text: &str, expected: &[&str]) {
    let mut notes = Diagnostics::new();
    let root = parse_yaml(DocId(0), text, &mut notes).expect("yaml");
    load(&root, &mut notes);
    let got: Vec<String> = notes.iter().map(|n| format!("{}: {}", n.code.name(), n.message)).collect();
    assert_eq!(got, expected, "{text}");
}

fn need(fields: &str, expected: &[&str]) {
    let text = format!(
        "netwhy: catalogue/1\nneeds: [{{ id: a, service: b, from: client, phases: run, ports: tcp/443, hosts: a.example, {fields} }}]"
    );
    check(&text, expected);
}

#[test]
fn the_builtin_one_is_whole() {
    let mut notes = Diagnostics::new();
    let root = parse_yaml(DocId(0), Catalogue::builtin_text(), &mut notes).expect("yaml");
    load(&root, &mut notes);
    assert_eq!(notes.iter().map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new());
    let catalogue = Catalogue::builtin();
    assert!(catalogue.needs.len() > 90, "{}", catalogue.needs.len());
    for need in &catalogue.needs {
        let id = &need.id;
        assert!(catalogue.service(&need.service).is_some(), "{id}: no service {}", need.service);
        assert!(!need.sources.is_empty() && !need.breaks.is_empty() && !need.needed_for.is_empty(), "{id}");
        assert!(!need.workloads.is_empty(), "{id}");
        for source in &need.sources {
            assert!(catalogue.sources.iter().any(|s| s.id == *source), "{id}: no source {source}");
        }
        for tag in need.names("westeurope").iter().filter_map(|n| n.tag.as_deref()) {
            assert!(catalogue.tag(tag).is_some(), "{id}: nothing is known about {tag}");
        }
    }
    for service in &catalogue.services {
        assert!(
            catalogue.needs.iter().any(|n| n.service == service.name),
            "{} is needed by nobody",
            service.name
        );
    }
    for source in &catalogue.sources {
        let used = |sources: &[Arc<str>]| sources.contains(&source.id);
        let anywhere = catalogue.needs.iter().any(|n| used(&n.sources))
            || catalogue.tags.iter().any(|t| used(&t.sources));
        assert!(anywhere, "{} is read nowhere", source.id);
    }
}

#[test]
fn names_carry_their_tag_and_zone() {
    let catalogue = Catalogue::builtin();
    let name = |id: &str, at: usize| {
        let name = catalogue.need(id).expect("the need").names("westeurope").swap_remove(at);
        format!(
            "{} {} {}",
            name.host,
            name.tag.as_deref().unwrap_or("-"),
            name.zone.as_deref().unwrap_or("-")
        )
    };
    assert_eq!(name("studio.shell", 0), "ml.azure.com AzureFrontDoor.Frontend -");
    assert_eq!(name("compute.out.batch", 0), "*.westeurope.batch.azure.com BatchNodeManagement.westeurope -");
    assert_eq!(name("compute.out.msstorage", 0), "*.blob.core.windows.net Storage.westeurope -");
    assert_eq!(name("compute.out.graph", 0), "graph.windows.net - -");
    assert_eq!(name("img.mcr", 1), "*.data.mcr.microsoft.com AzureFrontDoor.FirstParty -");
    assert_eq!(
        name("compute.out.files", 0),
        "<storage>.file.core.windows.net Storage.westeurope privatelink.file.core.windows.net"
    );
    assert_eq!(
        name("compute.out.kv", 0),
        "<key-vault>.vault.azure.net AzureKeyVault.westeurope privatelink.vaultcore.azure.net"
    );
    assert_eq!(
        name("studio.notebook", 0),
        "ml-<workspace>-westeurope-<guid>.westeurope.notebooks.azure.net AzureMachineLearning privatelink.notebooks.azure.net"
    );
    for own in OwnEndpoint::ALL {
        assert!(own.kind().is_some(), "{}", own.word);
    }
}

#[test]
fn eras_come_and_go() {
    let catalogue = Catalogue::builtin();
    let holds = |id: &str| {
        let need = catalogue.need(id).expect("the need");
        [MlEra::Y2021, MlEra::Y2022, MlEra::Y2023, MlEra::Y2026].map(|era| need.holds_in(era))
    };
    assert_eq!(holds("ci.in.batch"), [true, true, false, false]);
    assert_eq!(holds("img.viennaglobal"), [true, true, true, false]);
    assert_eq!(holds("ci.out.tundra"), [false, false, true, true]);
    assert_eq!(holds("studio.shell"), [true; 4]);
}

#[test]
fn a_block_shows_by_phase() {
    let catalogue = Catalogue::builtin();
    let moments = |id: &str| catalogue.need(id).expect("the need").moments();
    assert_eq!(moments("img.mcr"), [Moment::NextImagePull]);
    assert_eq!(moments("compute.out.auth"), [Moment::NextToken, Moment::NextCreate]);
    assert_eq!(moments("compute.out.msstorage"), [Moment::NextCreate, Moment::NextScaleUp]);
}

#[test]
fn own_needs_join_and_replace() {
    let text = "
netwhy: catalogue/1
services: [{ name: feature-store, label: our feature store }]
needs:
  - { id: own.store, service: feature-store, workloads: [custom], from: [compute-cluster], hosts: [store.contoso.com], ports: [tcp/8443], phases: [run] }
  - { id: studio.shell, service: studio, workloads: [studio], from: [client-browser], hosts: [ml.azure.us], ports: [tcp/443], phases: [open] }
replace: { python-index.example: [pypi.org], python-files.example: files.pythonhosted.org }
";
    let mut notes = Diagnostics::new();
    let root = parse_yaml(DocId(0), text, &mut notes).expect("yaml");
    let own = load(&root, &mut notes).expect("a catalogue");
    assert!(notes.is_empty(), "{:?}", notes.iter().map(ToString::to_string).collect::<Vec<_>>());
    let mut both = Catalogue::builtin().clone();
    let before = both.needs.len();
    both.add(own);
    assert_eq!(both.needs.len(), before + 1);
    assert_eq!(both.need("studio.shell").expect("it").hosts, ["ml.azure.us".into()]);
    let hosts = &both.need("mv.fqdn").expect("it").hosts;
    assert_eq!(hosts[..], ["pypi.org".into(), "files.pythonhosted.org".into()]);
}

#[test]
fn faults_are_named() {
    check("netwhy: catalogue/2", &["unsupported-version: version \"catalogue/2\" is not known here"]);
    check("netwhy: catalogue/1\nneed: []", &["unknown-field: a catalogue has no field `need`"]);
    check(
        "netwhy: catalogue/1\nneeds: [{ id: a, service: b }]",
        &[
            "missing-field: the need `a` has no `from`",
            "missing-field: the need `a` has no `ports`",
            "missing-field: the need `a` has no `phases`",
            "missing-field: the need `a` has no `hosts`",
        ],
    );
    need("breaks: x", &[]);
    need("workloads: [stduio]", &["bad-value: `stduio` is nothing that `workloads` takes"]);
    need("own: [storage/blobs]", &["bad-value: `storage/blobs` is nothing that `own` takes"]);
    need("addresses: [1.2.3]", &["bad-value: `1.2.3` is not an address"]);
    need("since: aml-2026, until: aml-2021", &["bad-value: the need `a` ends before it begins"]);
    need("degrades: perhaps", &["bad-value: `perhaps` is nothing that `degrades` takes"]);
    let hosts = |host: &str, fault: &str| {
        let text = format!(
            "netwhy: catalogue/1\nneeds: [{{ id: a, service: b, from: client, phases: run, ports: tcp/443, addresses: 10.0.0.1, hosts: [\"{host}\"] }}]"
        );
        check(&text, &[fault]);
    };
    hosts("a.*.example", "bad-value: `a.*.example` is not a host name; `*.` may stand in front");
    hosts("{regoin}.example", "bad-value: `{regoin}.example` has a stand-in that is not known");
    let ports = "netwhy: catalogue/1\nneeds: [{ id: a, service: b, from: client, phases: run, ports: [443], hosts: a.example }]";
    check(
        ports,
        &[
            "bad-value: `443` is not a protocol and port such as `tcp/443`",
            "missing-field: the need `a` has no `ports`",
        ],
    );
}

#[test]
fn tags_are_found_with_their_region() {
    let catalogue = Catalogue::builtin();
    let name = |tag: &str| catalogue.tag(tag).map(|t| &*t.name);
    assert_eq!(name("Storage.WestEurope"), Some("Storage"));
    assert_eq!(name("AzureFrontDoor.Frontend"), Some("AzureFrontDoor.Frontend"));
    assert_eq!(name("azuremachinelearning"), Some("AzureMachineLearning"));
    assert_eq!(name("StorageSyncService"), None);
}
