//! "What breaks if I block X outbound": the table written down beforehand against what the simulation says.
//!
//! The table of the recovered documents says for each service tag what a studio user, the creation of compute, a running
//! job and endpoints notice when it is blocked. Here it stands as data. Each row blocks its tag on an estate by the same
//! plan as `netwhy what-if`, and the report is read cell by cell. Nothing in the program knows the table. Where they
//! differ, [`DIFFERENCES`] says why; an entry that no cell needs any more fails the test.

use netwhy::analysis::block::Block;
use netwhy::analysis::change_text::ChangeText;
use netwhy::analysis::impact::{Impact, Status, Timing, Weight, Who, timing};
use netwhy::catalogue::Catalogue;
use netwhy::diag::{Diagnostics, Sources};
use netwhy::inventory::change::Change;
use netwhy::net::{PortRange, Protocol};
use netwhy::profile::Profile;
use netwhy::run::load::{Settings, load};
use netwhy::run::what_if::{Ask, Estate, WhatIf, ask, of_estate, read};
use std::fmt;
use std::path::PathBuf;

/// What a cell of the table says, and which needs of the catalogue it speaks of.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cell {
    /// A dash, or "goes on".
    Nothing,
    /// It fails at once.
    Now(&'static [&'static str]),
    /// It fails at an event: the creation, the next scale-up, the next image pull.
    At(&'static str, &'static [&'static str]),
    /// Only a side feature is lost.
    Only(&'static [&'static str]),
}

use Cell::{At, Nothing, Now, Only};

/// One row of the table.
struct Row {
    blocked: &'static str,
    /// The variant of the estate that the row speaks of.
    estate: &'static [&'static str],
    how: How,
    /// Studio user, compute create, running job, endpoints and Kubernetes.
    cells: [Cell; 4],
    /// "Not affected": needs that have to go on.
    spared: &'static [&'static str],
}

/// What is blocked.
enum How {
    Tag(&'static str),
    Ports(&'static str, &'static [u16], Protocol),
    Names(&'static [&'static str]),
    Inbound(&'static str, &'static str),
}

const COLUMNS: [&str; 4] = ["studio user", "compute create", "running job", "endpoints / AKS"];

/// A public registry and no private endpoint to it.
const PUBLIC_REGISTRY: &[&str] = &[
    "remove: { target: pe-registry, detach: true }",
    "set: { target: contosomlacr, publicNetworkAccess: Enabled, networkRuleSet.defaultAction: Allow }",
];

/// Compute with public addresses, their subnet's group open for the callers.
const PUBLIC_IP: &[&str] = &[
    "set: { target: contoso-ml/ci1, enableNodePublicIp: true }",
    "set: { target: contoso-ml/cpu-cluster, enableNodePublicIp: true }",
    "add: { target: outbound, securityRules: [{ name: callers, priority: 200, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRanges: [44224, 29876-29877] }] }",
];

const CLASSIC: &[&str] = &[PUBLIC_IP[0], PUBLIC_IP[1], PUBLIC_IP[2], "mlEra=aml-2022"];

const HBI: &[&str] = &["set: { target: contoso-ml, hbiWorkspace: true }"];

const TABLE: &[Row] = &[
    Row {
        blocked: "AzureActiveDirectory",
        estate: &[],
        how: How::Tag("AzureActiveDirectory"),
        cells: [
            Now(&["studio.auth"]),
            At("next create", &["compute.out.auth"]),
            At("next token", &["compute.out.auth"]),
            Now(&["aks.auth"]),
        ],
        spared: &["compute.out.blob", "compute.out.files", "compute.out.kv"],
    },
    Row {
        blocked: "AzureResourceManager",
        estate: &[],
        how: How::Tag("AzureResourceManager"),
        cells: [
            Now(&["studio.arm"]),
            At("next create", &["ci.create"]),
            Nothing,
            At("next deployment", &["aks.arm", "oe.control"]),
        ],
        spared: &["job.submit", "oe.score.private"],
    },
    Row {
        blocked: "AzureFrontDoor.Frontend",
        estate: &[],
        how: How::Tag("AzureFrontDoor.Frontend"),
        cells: [Now(&["studio.shell"]), Nothing, Only(&["automl.assets"]), Nothing],
        spared: &["client.auth", "job.upload", "job.submit", "job.submit.v2"],
    },
    Row {
        blocked: "AzureMachineLearning tcp/443",
        estate: &[],
        how: How::Ports("AzureMachineLearning", &[443], Protocol::Tcp),
        cells: [
            Now(&["studio.api.shared"]),
            At("next create", &["compute.out.aml"]),
            Now(&["compute.out.aml"]),
            Now(&["aks.aml.shared"]),
        ],
        spared: &["compute.out.blob", "compute.out.files", "compute.out.kv", "compute.out.workspace"],
    },
    Row {
        blocked: "AzureMachineLearning udp/5831",
        estate: &[],
        how: How::Ports("AzureMachineLearning", &[5831], Protocol::Udp),
        cells: [Nothing, At("next create", &["ci.out.tundra"]), Nothing, Nothing],
        spared: &["compute.out.blob", "compute.out.batch"],
    },
    Row {
        blocked: "AzureMachineLearning tcp/18881, 8787",
        estate: &[],
        how: How::Ports("AzureMachineLearning", &[18881, 8787], Protocol::Tcp),
        cells: [Only(&["ci.out.completion", "ci.out.rstudio-port"]), Nothing, Nothing, Nothing],
        spared: &["studio.shell", "studio.api.shared", "compute.out.aml"],
    },
    Row {
        blocked: "BatchNodeManagement 443",
        estate: &[],
        how: How::Tag("BatchNodeManagement"),
        cells: [Nothing, At("next create", &["compute.out.batch"]), Now(&["compute.out.batch"]), Nothing],
        spared: &["compute.out.blob"],
    },
    Row {
        blocked: "Storage 443",
        estate: &[],
        how: How::Ports("Storage", &[443], Protocol::Tcp),
        cells: [
            Nothing,
            At("next create", &["compute.out.msstorage"]),
            At("next scale-up", &["compute.out.msstorage"]),
            Nothing,
        ],
        spared: &["compute.out.blob", "compute.out.files.https", "studio.storage.browser"],
    },
    Row {
        blocked: "Storage 443, ACR public",
        estate: PUBLIC_REGISTRY,
        how: How::Ports("Storage", &[443], Protocol::Tcp),
        cells: [
            Nothing,
            At("next create", &["compute.out.msstorage"]),
            At("next scale-up", &["compute.out.msstorage"]),
            At("next image pull", &["img.acr.layers"]),
        ],
        spared: &["compute.out.blob"],
    },
    Row {
        blocked: "Storage 445",
        estate: &[],
        how: How::Ports("*", &[445], Protocol::Tcp),
        cells: [
            Now(&["studio.storage.files"]),
            At("next create", &["compute.out.files"]),
            Now(&["compute.out.files"]),
            Nothing,
        ],
        spared: &["compute.out.blob", "studio.storage.browser"],
    },
    Row {
        blocked: "AzureKeyVault",
        estate: &[],
        how: How::Tag("AzureKeyVault"),
        cells: [Nothing, Nothing, Nothing, Only(&["aks.csi"])],
        spared: &["compute.out.kv"],
    },
    Row {
        blocked: "AzureKeyVault, HBI",
        estate: HBI,
        how: How::Tag("AzureKeyVault"),
        cells: [Nothing, At("next create", &["compute.out.kv.batch"]), Nothing, Only(&["aks.csi"])],
        spared: &["compute.out.kv"],
    },
    Row {
        blocked: "MicrosoftContainerRegistry",
        estate: &[],
        how: How::Tag("MicrosoftContainerRegistry"),
        cells: [Nothing, Nothing, At("next image pull", &["img.mcr"]), At("next scale-up", &["aks.mcr"])],
        spared: &["img.acr"],
    },
    Row {
        blocked: "AzureFrontDoor.FirstParty",
        estate: &[],
        how: How::Tag("AzureFrontDoor.FirstParty"),
        cells: [Nothing, Nothing, At("next image pull", &["img.mcr"]), At("next scale-up", &["aks.mcr"])],
        spared: &["img.acr"],
    },
    Row {
        blocked: "AzureContainerRegistry",
        estate: PUBLIC_REGISTRY,
        how: How::Tag("AzureContainerRegistry"),
        cells: [Nothing, Nothing, At("next image pull", &["img.acr"]), At("next image pull", &["img.acr"])],
        spared: &["img.mcr"],
    },
    Row {
        blocked: "AzureContainerRegistry, ACR private",
        estate: &[],
        how: How::Tag("AzureContainerRegistry"),
        cells: [Nothing, Nothing, Nothing, Nothing],
        spared: &["img.acr"],
    },
    Row {
        blocked: "AzureMonitor",
        estate: &[],
        how: How::Tag("AzureMonitor"),
        cells: [Only(&["compute.out.monitor"]), Nothing, Nothing, Nothing],
        spared: &["compute.out.aml", "compute.out.blob", "compute.out.batch"],
    },
    Row {
        blocked: "pypi / anaconda",
        estate: &[],
        how: How::Names(&[
            "python-index.example",
            "python-files.example",
            "anaconda.com",
            "*.anaconda.com",
            "*.anaconda.org",
        ]),
        cells: [
            Nothing,
            Nothing,
            At("next image build", &["compute.out.packages", "img.build.packages"]),
            Only(&["aks.train.packages"]),
        ],
        spared: &["img.mcr", "img.acr"],
    },
    Row {
        blocked: "VS Code hosts",
        estate: &[],
        how: How::Names(&[
            "*.vscode.dev",
            "vscode.dev",
            "*.vscode-unpkg.net",
            "*.vscode-cdn.net",
            "*.vscodeexperiments.azureedge.net",
            "default.exp-tas.com",
            "code.visualstudio.com",
            "update.code.visualstudio.com",
            "*.vo.msecnd.net",
            "marketplace.visualstudio.com",
            "vscode.blob.core.windows.net",
            "*.gallerycdn.vsassets.io",
            "vscode.download.prss.microsoft.com",
        ]),
        cells: [Only(&["vsc.web"]), Nothing, Nothing, Nothing],
        spared: &["studio.shell", "studio.ci.ui"],
    },
    Row {
        blocked: "Internet deny with no other allow",
        estate: &[],
        how: How::Tag("Internet"),
        cells: [
            Now(&["studio.shell", "studio.auth", "studio.arm", "studio.api.shared"]),
            At(
                "next create",
                &[
                    "ci.create",
                    "compute.out.msstorage",
                    "compute.out.batch",
                    "ci.out.tundra",
                    "compute.out.auth",
                ],
            ),
            Now(&["compute.out.aml", "compute.out.batch"]),
            At("next image pull", &["img.mcr", "aks.mcr"]),
        ],
        spared: &[
            "compute.out.blob",
            "compute.out.files",
            "compute.out.kv",
            "compute.out.workspace",
            "img.acr",
            "aks.blob",
            "studio.api.private",
        ],
    },
    Row {
        blocked: "inbound 44224 (public IP)",
        estate: PUBLIC_IP,
        how: How::Inbound("AzureMachineLearning", "44224"),
        cells: [Nothing, At("next create", &["ci.in.aml"]), At("next scale-up", &["ci.in.aml"]), Nothing],
        spared: &["compute.out.batch"],
    },
    Row {
        blocked: "inbound 44224, no public IP",
        estate: &[],
        how: How::Inbound("AzureMachineLearning", "44224"),
        cells: [Nothing, Nothing, Nothing, Nothing],
        spared: &["compute.out.batch"],
    },
    Row {
        blocked: "inbound 29876-29877 (public IP, classic)",
        estate: CLASSIC,
        how: How::Inbound("BatchNodeManagement", "29876-29877"),
        cells: [Nothing, At("next create", &["ci.in.batch"]), Now(&["ci.in.batch"]), Nothing],
        spared: &["ci.in.aml"],
    },
    Row {
        blocked: "inbound 29876-29877, simplified mode",
        estate: PUBLIC_IP,
        how: How::Inbound("BatchNodeManagement", "29876-29877"),
        cells: [Nothing, Nothing, Nothing, Nothing],
        spared: &["compute.out.batch", "ci.in.aml"],
    },
    Row {
        blocked: "VirtualNetwork 443",
        // The table speaks of compute; people have a group of their own.
        estate: &[
            "add: { networkSecurityGroups: [{ name: people }] }",
            "set: { target: ml-vnet/snet-jumpbox, networkSecurityGroup: people }",
        ],
        how: How::Ports("VirtualNetwork", &[443], Protocol::Tcp),
        cells: [
            Nothing,
            At("next create", &["compute.out.workspace", "compute.out.blob"]),
            Now(&["compute.out.workspace", "compute.out.blob"]),
            Now(&["aks.aml.api"]),
        ],
        spared: &["compute.out.auth", "compute.out.aml", "studio.shell"],
    },
    Row {
        blocked: "AzureCosmosDB",
        estate: &[],
        how: How::Tag("AzureCosmosDB"),
        cells: [Nothing, Nothing, Nothing, Nothing],
        spared: &["studio.shell", "compute.out.aml", "compute.out.blob", "aks.blob"],
    },
];

/// Where simulation and table differ: row, column, what the simulation says, and why.
const DIFFERENCES: &[(&str, &str, &str, &str)] = &[
    (
        "AzureActiveDirectory",
        "endpoints / AKS",
        "next token: aks.auth",
        "a cluster that runs holds a token as a job does, of which the table itself says that it is latent",
    ),
    (
        "Storage 443",
        "endpoints / AKS",
        "only: aks.aml.logs",
        "system logs go to tables and queues of Microsoft's under the same tag; the table leaves them out",
    ),
    (
        "AzureKeyVault",
        "endpoints / AKS",
        "nothing",
        "the secrets add-on is in none of the documents' lists of flows, so the catalogue does not hold it",
    ),
    (
        "AzureKeyVault, HBI",
        "endpoints / AKS",
        "nothing",
        "the secrets add-on is in none of the documents' lists of flows, so the catalogue does not hold it",
    ),
    (
        "AzureContainerRegistry, ACR private",
        "endpoints / AKS",
        "next install: aks.extension",
        "the extension's own images come from a registry of Microsoft's under the same tag; the table thinks of one's own",
    ),
    (
        "AzureMonitor",
        "studio user",
        "nothing",
        "who misses the metrics is the studio user, who fails to send them is the compute: the report names the sender",
    ),
    (
        "AzureMonitor",
        "running job",
        "only: compute.out.monitor",
        "who misses the metrics is the studio user, who fails to send them is the compute: the report names the sender",
    ),
    (
        "pypi / anaconda",
        "running job",
        "only: compute.out.packages img.build.packages",
        "public packages are needed by those alone whose environments take them; the report calls that degraded",
    ),
    (
        "Internet deny with no other allow",
        "endpoints / AKS",
        "now: aks.aml.shared; next deployment: aks.aml.shared; next deployment: oe.control; next image pull: img.mcr; next create: aks.mcr; next scale-up: aks.mcr; next deployment: aks.arm; next token: aks.auth; next scale-up: aks.binaries; next install: aks.extension; only: aks.optional aks.optional.snapshot aks.gpu aks.aml.logs aks.train.packages aks.train.ubuntu",
        "the cluster survives in scoring; calls of the shared API fail at once, as the table itself says of AzureMachineLearning",
    ),
    (
        "VirtualNetwork 443",
        "studio user",
        "now: ci.out.instances",
        "who works on an instance calls its own names, which lead to the private endpoint; the table thinks of the browser",
    ),
];

async fn simulate(row: &Row) -> WhatIf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios/secured-workspace");
    let paths = ["estate.yaml", "outside.yaml", "kubernetes.yaml"].map(|file| folder.join(file));
    let loaded =
        load(&paths, &[], &Settings::default(), Sources::default()).await.expect("the estate is readable");
    let mut sources = loaded.sources;
    let mut notes = Diagnostics::new();
    let mut profile = Profile::default();
    let mut base = ChangeText::default();
    // One group without rules before everybody, so that a row's block is all there is.
    base.line("add: { networkSecurityGroups: [{ name: outbound }] }".into());
    for subnet in ["snet-jumpbox", "snet-training", "snet-scoring"] {
        base.set(&format!("ml-vnet/{subnet}"), "networkSecurityGroup", "outbound");
    }
    for line in row.estate {
        match line.split_once('=').filter(|_| !line.contains(':')) {
            Some((knob, value)) => profile.set(knob, value).expect("a knob"),
            None => {
                base.line((*line).to_owned());
            }
        }
    }
    let mut base = read(&base.file(row.blocked), "<base>", &mut sources, &mut notes);
    let whole =
        Estate { raws: &loaded.raws, base: &[], profile: &profile, tags: &loaded.tags, known: &loaded.notes };
    let (before, _) = Estate { base: &base, ..whole }.network(&[], &mut notes);
    let compile = |base: &[Change], notes: &mut Diagnostics| Estate { base, ..whole }.network(&[], notes).0;
    let people = Who { clients: vec!["jumpbox".to_owned()], ..Who::default() };
    let (before, subjects) =
        of_estate(Catalogue::builtin(), &people, &before, &mut base, &mut sources, &mut notes, compile);
    let mut question = Ask { words: row.blocked.into(), ..Ask::default() };
    match &row.how {
        How::Tag(tag) => question.blocks.push(block(tag, &[], None)),
        How::Ports(to, ports, protocol) => question.blocks.push(block(to, ports, Some(*protocol))),
        How::Names(names) => question.blocks.extend(names.iter().map(|name| Block::Fqdn((*name).into()))),
        How::Inbound(tag, port) => {
            let rule = format!(
                "{{ name: what-if, priority: 100, direction: Inbound, access: Deny, protocol: Tcp, sourceAddressPrefix: {tag}, sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '{port}' }}"
            );
            question.typed.append("outbound", "securityRules", &rule);
        }
    }
    if row.blocked.starts_with("VirtualNetwork") {
        question.subnets = ["ml-vnet/snet-training", "ml-vnet/snet-scoring"].map(str::to_owned).to_vec();
    }
    let estate = Estate { base: &base, ..whole };
    let answer = ask(estate, before, subjects, &question, &mut sources, &mut notes)
        .expect("there is a place to block at");
    let faults: Vec<String> = notes.iter().map(ToString::to_string).collect();
    answer.unwrap_or_else(|| panic!("{}: {faults:#?}", row.blocked))
}

fn block(to: &str, ports: &[u16], protocol: Option<Protocol>) -> Block {
    let ports = ports.iter().map(|p| PortRange::parse(&p.to_string()).expect("a port")).collect();
    Block::To { destination: to.into(), ports, protocol }
}

/// What the report says in a column.
#[derive(Clone, Debug, Default, PartialEq)]
struct Said {
    now: Vec<String>,
    at: Vec<(&'static str, String)>,
    only: Vec<String>,
}

/// Phases of a workload that a column of the table speaks of.
fn concerns(column: usize, kind: &str, id: &str, phase: &str) -> bool {
    let compute = kind.starts_with("compute-");
    match column {
        // Who works on an instance sits before studio, and notices what is missing there.
        0 => kind == "studio" || (kind == "compute-instance" && phase == "work"),
        1 => id == "ci.create" || (compute && ["create", "start"].contains(&phase)),
        2 => compute && ["run", "sign-in", "pull image", "build image", "install", "scale"].contains(&phase),
        _ => kind == "aks-node" || kind == "online-deployment" || id.starts_with("oe."),
    }
}

fn said(answer: &WhatIf, column: usize) -> Said {
    let mut said = Said::default();
    for impact in answer.impacts.iter().filter(|impact| impact.status.is_harm()) {
        let kind = &answer.workloads[impact.need.workload].kind;
        for used in
            impact.need.uses.iter().filter(|used| concerns(column, kind, &impact.need.id, &used.phase))
        {
            let id = impact.need.id.to_string();
            match (used.weight, timing(&used.phase)) {
                (Weight::Feature, _) => push(&mut said.only, id),
                (Weight::Essential, Timing::Now) => push(&mut said.now, id),
                (Weight::Essential, Timing::At(event)) => push(&mut said.at, (event, id)),
            }
        }
    }
    said
}

fn push<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

impl Said {
    /// Whether it says what the cell says: no worse, no better, and about the same needs.
    fn agrees(&self, cell: &Cell) -> bool {
        let has = |list: &[String], ids: &[&str]| ids.iter().all(|id| list.iter().any(|own| own == id));
        let at = |event: &str| {
            self.at.iter().filter(|(e, _)| *e == event).map(|(_, id)| id.clone()).collect::<Vec<_>>()
        };
        let whole: Vec<String> = self.at.iter().map(|(_, id)| id.clone()).collect();
        match cell {
            Nothing => self.now.is_empty() && self.at.is_empty() && self.only.is_empty(),
            Now(ids) => has(&self.now, ids),
            At(event, ids) => self.now.is_empty() && !at(event).is_empty() && has(&whole, ids),
            Only(ids) => self.now.is_empty() && self.at.is_empty() && has(&self.only, ids),
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        if !self.now.is_empty() {
            words.push(format!("now: {}", self.now.join(" ")));
        }
        for (event, id) in &self.at {
            words.push(format!("{event}: {id}"));
        }
        if !self.only.is_empty() {
            words.push(format!("only: {}", self.only.join(" ")));
        }
        f.write_str(if words.is_empty() { "nothing".into() } else { words.join("; ") }.as_str())
    }
}

fn works(answer: &WhatIf, id: &str) -> bool {
    let mut rows = answer.impacts.iter().filter(|impact: &&Impact| *impact.need.id == *id).peekable();
    rows.peek().is_some() && rows.all(|impact| impact.status == Status::Works)
}

#[tokio::test]
async fn the_table_comes_out_of_the_simulation() {
    let (mut cells, mut agreed, mut spared, mut needed) = (0, 0, 0, Vec::new());
    let mut faults = Vec::new();
    for row in TABLE {
        let answer = simulate(row).await;
        println!("{}", row.blocked);
        for (column, cell) in row.cells.iter().enumerate() {
            cells += 1;
            let said = said(&answer, column);
            let known = DIFFERENCES
                .iter()
                .find(|(blocked, at, ..)| (*blocked, *at) == (row.blocked, COLUMNS[column]));
            let word = match (said.agrees(cell), known) {
                (true, None) => {
                    agreed += 1;
                    "agrees"
                }
                (false, Some((.., says, why))) if said.to_string() == *says => {
                    needed.push((row.blocked, COLUMNS[column]));
                    why
                }
                (true, Some(_)) => {
                    faults.push(format!("{} / {}: agrees by now", row.blocked, COLUMNS[column]));
                    "agrees by now"
                }
                (false, _) => {
                    faults
                        .push(format!("{} / {}: {said}\n    table: {cell:?}", row.blocked, COLUMNS[column]));
                    "DIFFERS"
                }
            };
            println!("  {:<16} {word}: {said}", COLUMNS[column]);
        }
        for id in row.spared {
            match works(&answer, id) {
                true => spared += 1,
                false => {
                    let status: Vec<_> = answer
                        .impacts
                        .iter()
                        .filter(|i| *i.need.id == **id)
                        .map(|i| i.status.word())
                        .collect();
                    faults.push(format!(
                        "{}: `{id}` is not affected by the table, here: {status:?}",
                        row.blocked
                    ));
                }
            }
        }
    }
    println!(
        "{agreed} of {cells} cells agree, {} differ with a reason; {spared} needs not affected",
        needed.len()
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(needed.len(), DIFFERENCES.len());
}
