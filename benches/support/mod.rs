//! What the benches share: estates out of a seed, flows through them, what a user would write instead, and a count of
//! allocations.

#![allow(dead_code, reason = "each bench uses its own part")]

pub(crate) mod allocations;
pub(crate) mod naive;
pub(crate) mod weighing;

use netwhy::diag::Diagnostics;
use netwhy::fast::{Asker, Fast, FlowIds, Verdict};
use netwhy::generate::{self, Flows, Layout, Mix, Profile as Size, Settings, Shape, Sizes};
use netwhy::net::Protocol;
use netwhy::network::{self, Network};
use netwhy::profile::Profile;
use netwhy::tags::ServiceTags;
use netwhy::trace::{Endpoint, Flow};

/// A size of estate for the benches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// What it is called in the ids of benches.
    pub(crate) name: &'static str,
    /// Its numbers.
    pub(crate) sizes: Sizes,
}

/// 2,000 interfaces: everything in the second cache.
pub(crate) fn small() -> Scale {
    Scale { name: "small", sizes: Size::M.sizes() }
}

/// 100,000 interfaces in 2,000 networks.
pub(crate) fn medium() -> Scale {
    let sizes = Sizes {
        hubs: 8,
        spokes: 2_000,
        endpoints: 100_000,
        groups: 6_000,
        tables: 2_000,
        routes: 40,
        private_endpoints: 2_000,
        firewall_rules: 2_000,
        collection_groups: 20,
        machines: false,
        every: 10,
        ..Size::M.sizes()
    };
    Scale { name: "medium", sizes }
}

/// 1,000,000 interfaces in 20,000 networks: the profile `giga`, every rule and route of it.
pub(crate) fn giga() -> Scale {
    Scale { name: "giga", sizes: Size::Giga.sizes() }
}

/// What the estate of a scale is made of.
pub(crate) fn settings(scale: &Scale) -> Settings {
    Settings { sizes: scale.sizes, shape: Shape::HubSpoke, seed: 1, unique: false }
}

/// The network of a scale.
pub(crate) fn network(scale: &Scale) -> (Settings, Network) {
    let settings = settings(scale);
    let mut notes = Diagnostics::new();
    let inventory = generate::inventory(&settings, &mut notes);
    let network = network::compile(inventory, ServiceTags::builtin(), Profile::default(), &mut notes);
    (settings, network)
}

/// The most memory this process has held so far, in MiB; 0 where the system does not tell.
#[expect(clippy::disallowed_methods, reason = "a bench asks the system")]
pub(crate) fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

/// Flows of a generated estate.
pub(crate) fn flows(settings: Settings, mix: Mix, count: usize) -> Vec<Flow> {
    let lines = Flows::new(settings, mix, Layout::Csv);
    let mut text = String::new();
    (0..count as u64)
        .map(|number| {
            text.clear();
            lines.line(number, &mut text);
            let words: Vec<&str> = text.trim().split(',').collect();
            Flow::new(
                endpoint(words[0]),
                endpoint(words[1]),
                Protocol::parse(words[2]).expect("a protocol"),
                words[3].parse().expect("a port"),
            )
        })
        .collect()
}

fn endpoint(text: &str) -> Endpoint {
    match text.parse() {
        Ok(ip) => Endpoint::Address(ip),
        Err(_) if text == "internet" => Endpoint::Internet,
        Err(_) if text.contains('.') => Endpoint::Fqdn(text.into()),
        Err(_) => Endpoint::Named(text.into()),
    }
}

/// Flows that the walk decides by itself, with their numbers and answers; and the share that it leaves.
pub(crate) fn decided<'n>(
    network: &'n Network,
    fast: &'n Fast,
    flows: &[Flow],
) -> (Asker<'n>, Vec<Flow>, Vec<FlowIds>, Vec<Verdict>, f64) {
    let mut asker = Asker::new(network, fast);
    let read: Vec<(Flow, FlowIds)> =
        flows.iter().filter_map(|f| Some((f.clone(), asker.read(f).ok()?))).collect();
    let all: Vec<FlowIds> = read.iter().map(|(_, ids)| *ids).collect();
    let mut verdicts = vec![Verdict::PENDING; all.len()];
    asker.walk_only(&all, &mut verdicts);
    let total = verdicts.len();
    let kept: Vec<usize> = (0..total).filter(|n| !verdicts[*n].deferred).collect();
    let left = (total - kept.len()) as f64 / total.max(1) as f64;
    let flows = kept.iter().map(|n| read[*n].0.clone()).collect();
    let ids = kept.iter().map(|n| all[*n]).collect();
    let verdicts = kept.iter().map(|n| verdicts[*n]).collect();
    (asker, flows, ids, verdicts, left)
}
