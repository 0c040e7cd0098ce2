//! Allow-lists: held against Microsoft's table row by row, put into blocked estates and traced again, proven line by
//! line, written in other languages and read back; and what can still leave, shown by flows that pass.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "these tests read scenarios and make their own files, and say what they counted"
)]

use netwhy::analysis::needs;
use netwhy::analysis::requirements::{Ask, Estate, Line, Prefer, Requirements, Way, requirements};
use netwhy::analysis::residue::{self, Finding, Kind};
use netwhy::catalogue::{Actor, Catalogue};
use netwhy::diag::{At, Diagnostics, Sources};
use netwhy::inventory::change::Change;
use netwhy::net::Protocol;
use netwhy::network::Network;
use netwhy::profile::{MlEra, Profile};
use netwhy::report::snippet;
use netwhy::run::load::{Loaded, Settings, load, parse};
use netwhy::scenario;
use netwhy::trace::{self, Endpoint, Outcome};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// An estate with changes, Microsoft's own accounts and strangers' added.
struct World {
    loaded: Loaded,
    changes: Vec<Change>,
    profile: Profile,
}

fn scenarios() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

fn read(text: &str) -> Vec<Change> {
    let mut notes = Diagnostics::new();
    let doc = Sources::default().add("changes.yaml", text);
    let root = parse(doc, text, &mut notes).expect("yaml");
    let changes = netwhy::formats::change::load(&root, &mut notes);
    assert!(!notes.has_errors(), "{:?}", notes.iter().map(ToString::to_string).collect::<Vec<_>>());
    changes
}

fn world_of(paths: &[PathBuf], changes: &str) -> World {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let loaded =
        runtime.block_on(load(paths, &[], &Settings::default(), Sources::default())).expect("the files");
    assert!(!loaded.notes.has_errors());
    let mut world = World {
        loaded,
        changes: read(&format!(
            "netwhy: changes/1\nchanges: {}\n",
            if changes.is_empty() { "[]" } else { changes }
        )),
        profile: Profile::default(),
    };
    let network = world.network(&[]);
    let catalogue = Catalogue::builtin();
    world.changes.extend(needs::stand_ins(catalogue, &network));
    world.changes.extend(residue::stand_ins(catalogue, &network));
    world
}

fn world(files: &[&str], changes: &str) -> World {
    let paths: Vec<PathBuf> = files.iter().map(|f| scenarios().join(f)).collect();
    world_of(&paths, changes)
}

impl World {
    fn estate(&self) -> Estate<'_> {
        Estate {
            raws: &self.loaded.raws,
            changes: &self.changes,
            profile: &self.profile,
            tags: &self.loaded.tags,
        }
    }

    fn network(&self, more: &[Change]) -> Network {
        let mut notes = Diagnostics::new();
        let network = self.estate().network(more, &mut notes);
        assert!(!notes.has_errors(), "{:?}", notes.iter().map(ToString::to_string).collect::<Vec<_>>());
        network
    }

    /// What workloads of the estate need, and people that are named; with every feature unless told otherwise.
    fn asks(&self, people: &[(&str, Actor)], wanted: impl Fn(&str) -> bool) -> Vec<Ask> {
        let network = self.network(&[]);
        let mut workloads = needs::workloads(&network);
        workloads.extend(people.iter().map(|(name, actor)| needs::named(&network, name, *actor)));
        let mut asks = Vec::new();
        for workload in workloads.iter().filter(|w| wanted(&w.name)) {
            for needed in needs::needs(Catalogue::builtin(), &network, workload) {
                let Some(flow) = needed.flow.clone() else { continue };
                let listed = self.profile.ml_era == MlEra::Y2023;
                if needed.need.disputed.is_some() && !listed {
                    continue;
                }
                let host = needed.target.as_ref().map(|t| t.host.as_str()).unwrap_or_default();
                asks.push(Ask {
                    name: format!("{}/{}:{}", needed.need.id, flow.to, flow.port).into(),
                    pattern: host.starts_with("*.").then(|| host.into()),
                    flow,
                    phase: None,
                    needed_for: needed.need.needed_for.clone(),
                    at: At::NOWHERE,
                });
            }
        }
        asks
    }

    fn require(&self, asks: Vec<Ask>) -> Requirements {
        self.require_as(asks, Prefer::Tags)
    }

    fn require_as(&self, asks: Vec<Ask>, prefer: Prefer) -> Requirements {
        let mut notes = Diagnostics::new();
        let found = requirements(&self.estate(), asks, prefer, &mut notes);
        assert!(!notes.has_errors(), "{:?}", notes.iter().map(ToString::to_string).collect::<Vec<_>>());
        found
    }
}

/// The flows of a scenario whose names begin with one of these.
fn of_scenario(world: &World, file: &str, begin: &[&str]) -> Vec<Ask> {
    let text = std::fs::read_to_string(scenarios().join(file)).expect("the scenario");
    let mut notes = Diagnostics::new();
    let doc = Sources::default().add(file, text.as_str());
    let root = parse(doc, &text, &mut notes).expect("yaml");
    let scenario = scenario::load(&root, "scenario", &mut notes).expect("a scenario");
    let network = world.network(&[]);
    let mine = |name: &str| begin.iter().any(|b| name.starts_with(b));
    let cases = scenario.cases.iter().filter(|case| mine(&case.name));
    cases
        .map(|case| Ask {
            name: case.name.clone(),
            flow: case.question.flow(None, case.at, &network.inventory).expect("a flow"),
            pattern: None,
            phase: case.phase.clone(),
            needed_for: case.needed_for.clone(),
            at: case.at,
        })
        .collect()
}

/// Everything over public endpoints: no private endpoint, no security group, no firewall.
const PUBLIC: &str = "
netwhy: estate/1
defaults: { resourceGroup: ml, location: westeurope }
virtualNetworks:
  - name: net
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - { name: training, addressPrefix: 10.0.1.0/24, natGateway: nat }
      - { name: nodes, addressPrefix: 10.0.2.0/24, natGateway: nat }
natGateways: [{ name: nat, publicIpAddresses: [nat-ip] }]
publicIPAddresses: [{ name: nat-ip, sku: Standard, ipAddress: 203.0.113.80 }]
workspaces: [{ name: ws, publicNetworkAccess: Enabled, storageAccount: wsstore, keyVault: wsvault, containerRegistry: wsregistry }]
storageAccounts: [{ name: wsstore, publicNetworkAccess: Enabled, networkAcls: { defaultAction: Allow } }]
keyVaults: [{ name: wsvault, publicNetworkAccess: Enabled, networkAcls: { defaultAction: Allow } }]
containerRegistries: [{ name: wsregistry, publicNetworkAccess: Enabled }]
computes:
  - { name: cluster, parent: ws, computeType: AmlCompute, enableNodePublicIp: false, subnet: net/training }
managedClusters: [{ name: aks, agentPoolProfiles: [{ name: pool, vnetSubnetID: net/nodes }] }]
";

fn public_world() -> World {
    let path = std::env::temp_dir().join(format!("netwhy-requirements-{}.yaml", std::process::id()));
    std::fs::write(&path, PUBLIC).expect("written");
    let world = world_of(std::slice::from_ref(&path), "");
    std::fs::remove_file(&path).expect("removed");
    world
}

const SECURED: &str = "secured-workspace/estate.yaml";

/// The sets of flows that the rows of the table are about.
fn setup(name: &str) -> Requirements {
    match name {
        "studio" => {
            let world = world(&[SECURED], "");
            world.require(world.asks(&[("jumpbox", Actor::ClientBrowser)], |w| w == "jumpbox"))
        }
        "studio, everything public" => {
            let world = public_world();
            world.require(world.asks(&[("net/training", Actor::ClientBrowser)], |w| w == "net/training"))
        }
        "profiling" => {
            let world = world(&[SECURED], "");
            world.require(world.asks(&[], |w| w == "contoso-ml"))
        }
        "compute" => {
            let world = world(&[SECURED], "");
            world.require(world.asks(&[], |w| w == "ci1" || w == "cpu-cluster"))
        }
        "compute, high business impact" => {
            let world = world(&[SECURED], "[{ set: { target: contoso-ml, hbiWorkspace: true } }]");
            world.require(world.asks(&[], |w| w == "cpu-cluster"))
        }
        "compute, as the article of 2023 lists it" => {
            let mut world = world(&[SECURED], "");
            world.profile.ml_era = MlEra::Y2023;
            world.require(world.asks(&[], |w| w == "cpu-cluster"))
        }
        "compute with a public address" => {
            let files = [
                SECURED,
                "secured-workspace/outside.yaml",
                "secured-workspace/public-ip.yaml",
                "secured-workspace/firewall.yaml",
            ];
            let world = world(&files, "");
            world.require(of_scenario(&world, "secured-workspace/compute-instance.yaml", &["ci.in."]))
        }
        "compute, everything public" => {
            let world = public_world();
            world.require(world.asks(&[], |w| w == "cluster"))
        }
        "kubernetes" => {
            let world = public_world();
            world.require(world.asks(&[], |w| w == "aks"))
        }
        "managed network" => {
            let world = world(&["managed-network/estate.yaml"], "");
            world.require(world.asks(&[], |w| w == "mv-cluster" || w == "blue"))
        }
        other => panic!("no set-up is called {other}"),
    }
}

/// One row of the recovered table of service tags, and what becomes of it.
struct Row {
    scenario: &'static str,
    way: Way,
    tag: &'static str,
    traffic: &'static [&'static str],
    setup: &'static str,
    /// Why the computed list does not have it, where it does not.
    differs: Option<&'static str>,
}

const fn row(
    scenario: &'static str,
    way: Way,
    tag: &'static str,
    traffic: &'static [&'static str],
    setup: &'static str,
    differs: Option<&'static str>,
) -> Row {
    Row { scenario, way, tag, traffic, setup, differs }
}

use Way::{Inbound as IN, Outbound as OUT};

/// Microsoft's requirements as service tags, protocols and ports: rows of the table that have a tag.
const TABLE: &[Row] = &[
    row("Studio", OUT, "AzureActiveDirectory", &["tcp/80", "tcp/443"], "studio", None),
    row("Studio", OUT, "AzureFrontDoor.Frontend", &["tcp/443"], "studio", None),
    row("Studio", OUT, "AzureMachineLearning", &["tcp/443"], "studio", None),
    // Behind a private endpoint the names of an instance lead to it (DNS26), and the ports stand under VirtualNetwork.
    row(
        "Studio, notebooks and RStudio, workspace public",
        OUT,
        "AzureMachineLearning",
        &["tcp/18881", "tcp/8787"],
        "studio, everything public",
        None,
    ),
    row(
        "Studio, notebooks and RStudio, workspace private",
        OUT,
        "VirtualNetwork",
        &["tcp/18881", "tcp/8787"],
        "studio",
        None,
    ),
    row("Studio", OUT, "AzureResourceManager", &["tcp/443"], "studio", None),
    row("Compute", IN, "AzureMachineLearning", &["tcp/44224"], "compute with a public address", None),
    row(
        "Compute",
        IN,
        "BatchNodeManagement.westeurope",
        &["tcp/29876", "tcp/29877"],
        "compute with a public address",
        None,
    ),
    row("Compute", OUT, "AzureActiveDirectory", &["tcp/80", "tcp/443"], "compute", None),
    row("Compute", OUT, "AzureResourceManager", &["tcp/443"], "compute", None),
    row(
        "Compute",
        OUT,
        "AzureMachineLearning",
        &["tcp/443", "tcp/8787", "tcp/18881", "udp/5831"],
        "compute",
        None,
    ),
    row("Compute", OUT, "BatchNodeManagement.westeurope", &["tcp/443", "udp/443"], "compute", None),
    row("Compute", OUT, "Storage.westeurope", &["tcp/443"], "compute", ANYWHERE),
    row(
        "Compute, storage not private",
        OUT,
        "Storage.westeurope",
        &["tcp/445"],
        "compute, everything public",
        None,
    ),
    row(
        "Compute, high business impact",
        OUT,
        "AzureKeyVault.westeurope",
        &["tcp/443"],
        "compute, high business impact",
        None,
    ),
    row("Compute", OUT, "AzureMonitor", &["tcp/443"], "compute", None),
    row("Compute", OUT, "VirtualNetwork", &["tcp/443"], "compute", None),
    row("Images", OUT, "MicrosoftContainerRegistry", &["tcp/443"], "compute", None),
    row("Images", OUT, "AzureFrontDoor.FirstParty", &["tcp/443"], "compute", None),
    row(
        "Images, registry not private",
        OUT,
        "AzureContainerRegistry.westeurope",
        &["tcp/443"],
        "compute, everything public",
        None,
    ),
    row("Compute, 2023: Key Vault, as listed", OUT, "AzureKeyVault.westeurope", &["tcp/443"], LISTED, None),
    row("Compute, 2023: Storage account", OUT, "Storage.westeurope", &["tcp/443"], LISTED, None),
    row("Compute, 2023: Azure Resource Manager", OUT, "AzureResourceManager", &["tcp/443"], LISTED, None),
    row("Images, 2023: Microsoft's registry", OUT, "MicrosoftContainerRegistry", &["tcp/443"], LISTED, None),
    row("Images, 2023: viennaglobal", OUT, "AzureContainerRegistry", &["tcp/443"], LISTED, None),
    row("AKS", OUT, "AzureContainerRegistry.westeurope", &["tcp/443"], "kubernetes", ANYWHERE),
    row("Managed network", OUT, "AzureMachineLearning", &["tcp/443", "udp/5831"], "managed network", MANAGED),
    row("Managed network", OUT, "AzureActiveDirectory", &["tcp/443"], "managed network", MANAGED),
    row("Managed network", OUT, "BatchNodeManagement.westeurope", &["tcp/443"], "managed network", MANAGED),
    row("Managed network", OUT, "AzureResourceManager", &["tcp/443"], "managed network", MANAGED),
    row("Managed network", OUT, "AzureFrontDoor.FirstParty", &["tcp/443"], "managed network", MANAGED),
    row("Managed network", OUT, "MicrosoftContainerRegistry", &["tcp/443"], "managed network", MANAGED),
    row("Managed network", OUT, "AzureMonitor", &["tcp/443"], "managed network", MANAGED),
];

const LISTED: &str = "compute, as the article of 2023 lists it";

const ANYWHERE: Option<&str> = Some(
    "an account of Microsoft's own, vscode.blob.core.windows.net or viennaglobal.azurecr.io, may be in any region, so the line \
     has the tag of all regions, which holds this row's (TAG-7)",
);

const MANAGED: Option<&str> = Some(
    "the managed network has the rule by itself, so a list of rules to add is smaller without it (MN26)",
);

/// Lines that the computed lists have and the table has not, and why that is right.
const BEYOND: &[(&str, &str, &str)] = &[
    (
        "studio",
        "VirtualNetwork",
        "the table of tags speaks of public endpoints; workspace and storage are private here",
    ),
    (
        "studio, everything public",
        "",
        "rows of the set-up `studio`, and the workspace's own services by their tags",
    ),
    (
        "compute",
        "Storage tcp/443",
        "the row's region and all others, for an account that may be in any (TAG-7)",
    ),
    ("compute", "VirtualNetwork tcp/445", "the table has 445 under Storage, for storage that is not private"),
    (
        "compute",
        "AzureFrontDoor.Frontend",
        "AutoML's assets, which the article lists as names and not as a tag",
    ),
    ("compute, high business impact", "", "rows of the set-up `compute`"),
    (LISTED, "", "rows of the set-up `compute`"),
    (
        "compute, everything public",
        "",
        "rows of the set-up `compute`, and the workspace's own services by their tags",
    ),
    (
        "compute with a public address",
        "AzureLoadBalancer",
        "probes: Azure's default rule lets them in, so no article lists them",
    ),
    ("kubernetes", "", "the article lists names and leaves the tags to the reader"),
    ("managed network", "", "private endpoints and names, which the table leaves to section 2.6"),
];

fn has(found: &Requirements, row: &Row) -> bool {
    let wanted = row.traffic.iter().map(|t| t.split_once('/').expect("protocol/port"));
    let line = |line: &&Line, protocol: Protocol, port: u16| {
        line.way == row.way
            && line.selector.word().eq_ignore_ascii_case(row.tag)
            && line.protocol.is_none_or(|p| p == protocol)
            && line.ports.contains(port)
    };
    wanted.into_iter().all(|(protocol, port)| {
        let protocol = Protocol::parse(protocol).expect("a protocol");
        let port = port.parse().expect("a port");
        found.lines.iter().any(|l| line(&l, protocol, port))
    })
}

#[test]
fn the_recovered_table_comes_out() {
    let mut setups: BTreeMap<&str, Requirements> = BTreeMap::new();
    let (mut agree, mut differ, mut wrong) = (0, 0, Vec::new());
    for row in TABLE {
        let found = setups.entry(row.setup).or_insert_with(|| setup(row.setup));
        let label = format!("{} {} {} {}", row.scenario, row.way.word(), row.tag, row.traffic.join(" "));
        match (has(found, row), row.differs) {
            (true, None) => {
                agree += 1;
                println!("agrees   {label}");
            }
            (false, Some(why)) => {
                differ += 1;
                println!("differs  {label}: {why}");
            }
            (true, Some(_)) => wrong.push(format!("agrees now, so the reason can go: {label}")),
            (false, None) => wrong.push(format!("not in the list: {label}")),
        }
    }
    // Profiling happens outside the network: no line at all.
    let profiling = setup("profiling");
    assert!(profiling.lines.is_empty(), "{:?}", profiling.lines);
    agree += 1;
    println!("agrees   Profiling: no line in the network\n{agree} rows agree, {differ} differ with a reason");
    for (name, found) in &setups {
        for line in &found.lines {
            let (word, traffic) = (line.selector.word(), line.traffic());
            let in_table = TABLE
                .iter()
                .any(|row| row.setup == *name && row.way == line.way && word.eq_ignore_ascii_case(row.tag));
            let text = format!("{word} {traffic}");
            let beyond = BEYOND.iter().find(|(setup, start, _)| {
                setup == name && (start.is_empty() || text.starts_with(start.split(' ').next().unwrap_or("")))
            });
            match (in_table, beyond) {
                (true, _) => {}
                (false, Some((.., why))) => println!("beyond   {name}: {text}: {why}"),
                (false, None) => wrong.push(format!("the table does not have {name}: {text}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // What the managed network has by itself works without a line.
    assert_eq!(setups["managed network"].still_blocked().count(), 0);
    assert_eq!((agree, differ), (25, 9));
}

/// Puts the emitted rules into the blocked estate and traces every flow again.
fn check_round_trip(label: &str, world: &World, asks: Vec<Ask>, prefer: Prefer) -> Requirements {
    let network = world.network(&[]);
    let works = |network: &Network, ask: &Ask| trace::decide(network, &ask.flow).outcome == Outcome::Allowed;
    let before = asks.iter().filter(|ask| works(&network, ask)).count();
    let found = world.require_as(asks, prefer);
    let repaired = world.network(&read(&found.changes.file("round trip")));
    let after: Vec<bool> = found.asks.iter().map(|ask| works(&repaired, ask)).collect();
    let working = after.iter().filter(|w| **w).count();
    println!(
        "{label}: {before} of {} flows work before, {working} after {} lines; {} have no line",
        found.asks.len(),
        found.lines.len(),
        found.unexpressed.len()
    );
    let lost: Vec<&str> = (0..after.len())
        .filter(|n| !after[*n] && !found.unexpressed.iter().any(|u| u.ask == *n))
        .map(|n| &*found.asks[n].name)
        .collect();
    assert!(lost.is_empty(), "{label}: {lost:?}");
    assert!(working > before, "{label}");
    assert!(found.lines.iter().all(|line| !line.breaks.is_empty()), "{label}: a line nobody needs");
    found
}

const DENY_ALL: &str = "[
  { add: { networkSecurityGroups: [{ name: closed, securityRules: [
      { name: deny-out, priority: 100, direction: Outbound, access: Deny, protocol: '*', sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '*' }] }] } },
  { set: { target: ml-vnet/snet-training, networkSecurityGroup: closed } },
  { set: { target: ml-vnet/snet-jumpbox, networkSecurityGroup: closed } }]";

#[test]
fn emitted_rules_repair_what_is_blocked_by_security_groups() {
    let world = world(&[SECURED], DENY_ALL);
    let people = [("jumpbox", Actor::ClientBrowser)];
    let asks = world.asks(&people, |w| ["ci1", "cpu-cluster", "jumpbox"].contains(&w));
    let found = check_round_trip("security groups", &world, asks, Prefer::Tags);
    // What has no tag cannot be let out by a security group, and nothing else is left.
    assert!(found.unexpressed.iter().all(|u| u.why.contains("no service tag")));
    assert_eq!(found.unexpressed.len(), found.asks.len() - found.working());
    independent_proof(&world, &found, "ml-vnet-snet-training-required");
}

/// Takes every rule of a security group away, one at a time, by the road a user's change file takes.
fn independent_proof(world: &World, found: &Requirements, group: &str) {
    let changes = read(&found.changes.file("proof"));
    let repaired = world.network(&changes);
    let nsg = repaired.inventory.nsgs.iter().find(|nsg| nsg.id.name() == group).expect("the group");
    let names: Vec<String> = nsg
        .security_rules
        .iter()
        .map(|rule| rule.name.to_string())
        .filter(|n| n.starts_with("allow-"))
        .collect();
    assert!(names.len() > 5, "{names:?}");
    for name in names {
        let without = read(&format!("netwhy: changes/1\nchanges: [{{ remove: {group}/{name} }}]"));
        let network = world.network(&[changes.clone(), without].concat());
        let broken = found.asks.iter().enumerate().filter(|(n, ask)| {
            found.fates[*n].works() && trace::decide(&network, &ask.flow).outcome != Outcome::Allowed
        });
        let broken = broken.count();
        assert!(broken > 0, "nothing breaks without {name}");
    }
}

const THROUGH_THE_FIREWALL: &str = "[
  { set: { target: ml-vnet/snet-training, routeTable: rt-to-firewall } },
  { remove: ml-fw-policy/studio }, { remove: ml-fw-policy/compute }]";

#[test]
fn emitted_rules_repair_what_is_blocked_by_a_firewall() {
    let world = world(&[SECURED, "secured-workspace/firewall.yaml"], THROUGH_THE_FIREWALL);
    let asks = world.asks(&[], |w| w == "ci1" || w == "cpu-cluster");
    let found = check_round_trip("firewall", &world, asks.clone(), Prefer::Tags);
    // A firewall knows names, so nothing is left.
    assert!(found.unexpressed.is_empty() && found.working() == found.asks.len());
    let by_name = check_round_trip("firewall, by name", &world, asks, Prefer::Names);
    assert!(by_name.unexpressed.is_empty());
    let front_door =
        |found: &Requirements| found.lines.iter().any(|l| l.selector.word() == "AzureFrontDoor.Frontend");
    let at_firewall =
        |found: &Requirements| found.lines.iter().filter(|l| l.place.what() == "Azure Firewall").count();
    assert!(front_door(&found) && !front_door(&by_name));
    assert!(at_firewall(&by_name) > at_firewall(&found));
}

#[test]
fn emitted_rules_repair_what_a_managed_network_blocks() {
    let world = world(
        &["managed-network/estate.yaml"],
        "[{ set: { target: contoso-mv, managedNetwork.outboundRules: {} } }]",
    );
    let asks = world.asks(&[], |w| w == "mv-cluster" || w == "blue");
    let found = check_round_trip("managed network", &world, asks, Prefer::Tags);
    let lines: Vec<String> = found.lines.iter().map(|l| l.selector.word()).collect();
    // Queue and table of the workspace's account need endpoints of their own; the rest are names.
    assert!(
        lines.contains(&"contosomvst (queue)".to_owned())
            && lines.contains(&"contosomvst (table)".to_owned()),
        "{lines:?}"
    );
    assert!(
        lines.contains(&"python-index.example".to_owned())
            && !lines.contains(&"AzureMachineLearning".to_owned()),
        "{lines:?}"
    );
}

#[test]
fn private_endpoint_before_tag_before_name_before_address() {
    let world = world(&[SECURED, "secured-workspace/firewall.yaml"], THROUGH_THE_FIREWALL);
    let network = world.network(&[]);
    let ask = |to: Endpoint, port: u16| Ask {
        name: to.to_string().into(),
        flow: trace::Flow::tcp(Endpoint::Named("ci1".into()), to, port),
        pattern: None,
        phase: None,
        needed_for: Vec::new(),
        at: At::NOWHERE,
    };
    assert!(network.tags.find("AzureResourceManager").is_some());
    let found = world.require(vec![
        ask(Endpoint::Named("contosomlst".into()), 443),
        ask(Endpoint::Fqdn("management.azure.com".into()), 443),
        ask(Endpoint::Fqdn("pypi.org".into()), 443),
        ask(Endpoint::Address("198.51.100.77".parse().expect("an address")), 8443),
    ]);
    let firewall: Vec<String> = found
        .lines
        .iter()
        .filter(|l| l.place.what() == "Azure Firewall")
        .map(|l| format!("{} {}", l.selector.kind(), l.selector))
        .collect();
    assert_eq!(firewall, ["service tag AzureResourceManager", "FQDN pypi.org", "CIDR 198.51.100.77/32"]);
    let private = found
        .lines
        .iter()
        .find(|l| l.selector.word() == "VirtualNetwork")
        .expect("the private endpoint's line");
    assert!(private.why.contains("private endpoint pe-blob"), "{}", private.why);
}

#[test]
fn snippets_are_read_back() {
    let world = world(&[SECURED], DENY_ALL);
    let found = world.require(world.asks(&[], |w| w == "cpu-cluster"));
    let path = std::env::temp_dir().join(format!("netwhy-snippet-{}.json", std::process::id()));
    std::fs::write(&path, snippet::arm(&found)).expect("written");
    let group = read_group(&path);
    std::fs::remove_file(&path).expect("removed");
    assert_eq!(group, found.lines.len() + 1, "a rule for each line, and one that denies the rest");
    let bicep = snippet::bicep(&found);
    let terraform = snippet::terraform(&found);
    for text in [&bicep, &terraform] {
        assert!(found.lines.iter().all(|line| text.contains(&line.selector.word())), "{text}");
        for (open, close) in [('{', '}'), ('[', ']')] {
            assert_eq!(text.matches(open).count(), text.matches(close).count(), "{text}");
        }
    }
    assert!(bicep.contains("resource required1 'Microsoft.Network/networkSecurityGroups@"));
    assert!(
        terraform.contains("resource \"azurerm_network_security_group\" \"ml_vnet_snet_training_required\"")
    );
}

fn read_group(path: &Path) -> usize {
    let world = world_of(&[path.to_owned()], "");
    let network = world.network(&[]);
    let nsg = network.inventory.nsgs.iter().next().expect("a security group");
    nsg.security_rules.items.len()
}

/// Findings as `kind by`, each checked to be shown by a flow that passes a rule.
fn check_residue(world: &World, found: &Requirements, sender: &str, expected: &[&str]) -> Vec<Finding> {
    let network = world.network(&read(&found.changes.file("residue")));
    let findings = residue::residue(&network, &[Endpoint::Named(sender.into())], Catalogue::builtin());
    let got: Vec<String> =
        findings.iter().map(|f| format!("{} {} {}", f.severity.word(), f.kind.word(), f.by)).collect();
    assert_eq!(got, expected);
    for finding in &findings {
        assert_eq!(finding.outcome, Outcome::Allowed, "{}", finding.text);
        assert_eq!(trace::trace(&network, &finding.probe).outcome, Outcome::Allowed, "{}", finding.text);
        assert!(finding.kind == Kind::Dns || finding.evidence.decider().is_some(), "{}", finding.text);
    }
    findings
}

#[test]
fn what_can_still_leave_is_shown() {
    let world = world(&[SECURED], DENY_ALL);
    let found = world.require(world.asks(&[], |w| w == "cpu-cluster"));
    let findings = check_residue(
        &world,
        &found,
        "cpu-cluster",
        &[
            "high tag-reaches-others AzureFrontDoor.Frontend",
            "high tag-reaches-others Storage.westeurope",
            "medium tag-reaches-others AzureMonitor",
            "low tag-reaches-others AzureActiveDirectory",
            "low tag-reaches-others AzureMachineLearning",
            "low tag-reaches-others AzureResourceManager",
            "low dns-tunnel 168.63.129.16",
        ],
    );
    // A stranger's account passes where the tag passes, and the same name in another region does not.
    let storage = &findings[1];
    assert_eq!(storage.probe.to.to_string(), "exfiltrationwesteurope.blob.core.windows.net");
    let network = world.network(&read(&found.changes.file("residue")));
    let mut elsewhere = storage.probe.clone();
    elsewhere.to = Endpoint::Fqdn("exfiltrationnortheurope.blob.core.windows.net".into());
    assert_eq!(trace::decide(&network, &elsewhere).outcome, Outcome::Blocked);
}

#[test]
fn names_and_service_endpoints_leave_doors_open() {
    let world = world(&[SECURED, "secured-workspace/firewall.yaml"], THROUGH_THE_FIREWALL);
    let asks: Vec<Ask> = world
        .asks(&[], |w| w == "ci1")
        .into_iter()
        .filter(|a| a.name.starts_with("compute.out.packages"))
        .collect();
    let found = world.require(asks);
    check_residue(
        &world,
        &found,
        "ci1",
        &[
            "medium wildcard-name *.anaconda.com",
            "medium wildcard-name *.anaconda.org",
            "medium wildcard-name *.pytorch.org",
            "medium wildcard-name *.tensorflow.org",
            "low dns-tunnel 168.63.129.16",
        ],
    );
    let open = world_of(
        &[scenarios().join(SECURED)],
        "[{ set: { target: ml-vnet/snet-training, serviceEndpoints: [{ service: Microsoft.Storage }] } }]",
    );
    let findings =
        residue::residue(&open.network(&[]), &[Endpoint::Named("ci1".into())], Catalogue::builtin());
    let endpoint = findings.iter().find(|f| f.kind == Kind::ServiceEndpoint).expect("the finding");
    assert_eq!(endpoint.outcome, Outcome::Allowed);
}
