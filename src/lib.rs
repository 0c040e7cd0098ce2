//! Ask your Azure network why.
//!
//! `netwhy` reads an Azure estate as its owners already have it (ARM and Bicep JSON, exports, or a short
//! file of our own), compiles it into one immutable network, and traces any flow through it hop by hop:
//! name resolution, security rules, routes, peerings, firewalls, private endpoints, the service's own
//! firewall, role assignments, and the way back. Nothing is deployed, no credentials are needed.
//!
//! # What is not modelled
//!
//! Not knowing is an answer: a flow that meets one of these says `unknown` and what is missing. Packet
//! contents, throughput and timing are not modelled at all. Resource types without a table of their own are
//! kept by id ([`inventory::Unmodelled`]).
//!
//! # The road the data takes
//!
//! ```text
//!  formats ─► inventory ─► network ─► trace ─► scenario / analysis ─► report
//!  bytes      typed        compiled,  hops,    verdicts, changes       text json junit
//!             resources,   immutable, steps,                           sarif dot ...
//!             provenance   u32 ids    evidence
//!  rim (files, clocks, tokio): run, cli
//! ```
//!
//! One way, no way back: each layer knows only those to its left. [`LAYERS`] is that table, and a test
//! keeps it. What-if makes new raw resources and sends them down the same road.
//!
//! | layer | knows | never knows |
//! |---|---|---|
//! | `net`, `diag`, `rules`, `services`, `profile` | numbers, places, facts about Azure | an estate |
//! | `doc`, `tags` | JSON and YAML trees; published prefixes | resources |
//! | `inventory` | typed resources and references | formats, files |
//! | `formats` | how others write resources | flows |
//! | `catalogue` | what workloads need | an estate |
//! | `generate` | how large estates look | files |
//! | `network` | compiled tables | flows, formats, files |
//! | `trace` | one flow through one network | files, clocks, other flows |
//! | `fast` | the same network as lines, many flows at once | files, clocks |
//! | `analysis` | Network Watcher's questions and words | how answers are printed |
//! | `scenario` | expectations | how answers are printed |
//! | `report` | words and pictures | files |
//! | `run`, `cli` | files, terminals, tokio | rules of Azure |
//!
//! # A first trace
//!
//! ```
//! use netwhy::{diag, doc, formats, inventory, net, network, profile, tags, trace};
//!
//! let text = "
//! netwhy: estate/1
//! virtualNetworks:
//!   - name: hub
//!     addressPrefixes: [10.0.0.0/16]
//!     subnets: [{ name: apps, addressPrefix: 10.0.1.0/24, networkSecurityGroup: closed }]
//! networkSecurityGroups:
//!   - name: closed
//!     securityRules:
//!       - { name: deny-out, priority: 100, direction: Outbound, access: Deny, protocol: '*',
//!           sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '*' }
//! hosts: [{ name: web, subnet: hub/apps }]
//! ";
//! let mut notes = diag::Diagnostics::new();
//! let mut sources = diag::Sources::default();
//! let file = sources.add("estate.yaml", text);
//! let root = doc::parse_yaml(file, text, &mut notes).expect("well-formed");
//! let estate = inventory::build(formats::native::load(&root, &mut notes), &mut notes);
//! let network = network::compile(estate, tags::ServiceTags::builtin(), profile::Profile::default(), &mut notes);
//! let flow = trace::Flow {
//!     name: None,
//!     from: trace::Endpoint::Named("web".into()),
//!     to: trace::Endpoint::Internet,
//!     protocol: net::Protocol::Tcp,
//!     port: 443,
//!     source_port: None,
//!     identity: None,
//!     action: None,
//!     path: None,
//!     scheme: None,
//! };
//! let answer = trace::trace(&network, &flow);
//! assert_eq!(answer.outcome, trace::Outcome::Blocked);
//! assert_eq!(answer.decision().decider.as_deref(), Some("closed/deny-out"));
//! ```
//!
//! # Guarantees
//!
//! The same input gives the same output, byte for byte, whatever the order of resources. A [`network::Network`]
//! is immutable and may be shared between threads. No input makes the core panic.
//!
//! Start reading at [`inventory`], then [`network`], then [`trace`].

pub mod analysis;
pub mod catalogue;
pub mod cli;
pub mod diag;
pub mod doc;
pub mod fast;
pub mod formats;
pub mod generate;
pub mod inventory;
pub mod net;
pub mod network;
pub mod profile;
pub mod report;
pub mod rules;
pub mod run;
pub mod scenario;
pub mod services;
pub mod tags;
pub mod trace;

/// Which module may use which: each only those in its list.
pub const LAYERS: &[(&str, &[&str])] = &[
    ("net", &[]),
    ("diag", &[]),
    ("rules", &[]),
    ("services", &[]),
    ("profile", &["diag", "net"]),
    ("doc", &["diag"]),
    ("tags", &["diag", "doc", "net", "services"]),
    ("inventory", &["diag", "doc", "net", "services"]),
    ("formats", &["diag", "doc", "inventory", "net", "services", "tags"]),
    ("catalogue", &["diag", "doc", "formats", "net", "profile", "services"]),
    ("generate", &["diag", "doc", "inventory", "net", "services"]),
    ("network", &["diag", "inventory", "net", "profile", "rules", "services", "tags"]),
    ("trace", &["diag", "inventory", "net", "network", "profile", "rules", "services"]),
    ("fast", &["diag", "inventory", "net", "network", "profile", "rules", "services", "tags", "trace"]),
    (
        "analysis",
        &[
            "catalogue",
            "diag",
            "doc",
            "formats",
            "inventory",
            "net",
            "network",
            "profile",
            "rules",
            "services",
            "tags",
            "trace",
        ],
    ),
    (
        "scenario",
        &["catalogue", "diag", "doc", "formats", "inventory", "net", "profile", "rules", "services", "trace"],
    ),
    (
        "report",
        &[
            "analysis",
            "catalogue",
            "diag",
            "doc",
            "inventory",
            "net",
            "network",
            "profile",
            "rules",
            "scenario",
            "services",
            "tags",
            "trace",
        ],
    ),
    (
        "run",
        &[
            "analysis",
            "catalogue",
            "diag",
            "doc",
            "fast",
            "formats",
            "inventory",
            "net",
            "network",
            "profile",
            "report",
            "rules",
            "scenario",
            "services",
            "tags",
            "trace",
        ],
    ),
    (
        "cli",
        &[
            "analysis",
            "catalogue",
            "diag",
            "doc",
            "fast",
            "formats",
            "generate",
            "inventory",
            "net",
            "network",
            "profile",
            "report",
            "rules",
            "run",
            "scenario",
            "services",
            "tags",
            "trace",
        ],
    ),
];
