//! A batch allocates nothing for a flow, once it is warm.

#![allow(unsafe_code, reason = "the allocator that counts")]

#[path = "../benches/support/allocations.rs"]
mod allocations;

use allocations::{Counting, count};
use netwhy::diag::Diagnostics;
use netwhy::fast::{self, Asker, FlowIds, Verdict};
use netwhy::generate::{self, Flows, Layout, Mix, Profile as Size, Settings, Shape};
use netwhy::net::Protocol;
use netwhy::network;
use netwhy::profile::Profile;
use netwhy::tags::ServiceTags;
use netwhy::trace::{Endpoint, Flow};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_warm_batch_allocates_nothing() {
    let settings = Settings { sizes: Size::S.sizes(), shape: Shape::HubSpoke, seed: 3, unique: false };
    let mut notes = Diagnostics::new();
    let inventory = generate::inventory(&settings, &mut notes);
    let network = network::compile(inventory, ServiceTags::builtin(), Profile::default(), &mut notes);
    let fast = fast::compile(&network);
    let mut asker = Asker::new(&network, &fast);
    let lines = Flows::new(settings, Mix::Uniform, Layout::Csv);
    let end = |text: &str| match text.parse() {
        Ok(ip) => Endpoint::Address(ip),
        Err(_) if text == "internet" => Endpoint::Internet,
        Err(_) if text.contains('.') => Endpoint::Fqdn(text.into()),
        Err(_) => Endpoint::Named(text.into()),
    };
    let ids: Vec<FlowIds> = (0..5_000)
        .filter_map(|number| {
            let mut text = String::new();
            lines.line(number, &mut text);
            let words: Vec<&str> = text.trim().split(',').collect();
            let (from, to) = (end(words[0]), end(words[1]));
            let port = words[3].parse().expect("a port");
            let (name, source_port, identity, action) = (None, None, None, None);
            let flow = Flow {
                name,
                from,
                to,
                protocol: Protocol::Tcp,
                port,
                source_port,
                identity,
                action,
                path: None,
                scheme: None,
            };
            asker.read(&flow).ok()
        })
        .collect();
    let mut verdicts = vec![Verdict::PENDING; ids.len()];
    asker.walk_only(&ids, &mut verdicts);
    let before = verdicts.clone();
    let ((), made) = count(|| asker.walk_only(&ids, &mut verdicts));
    assert_eq!(made, 0, "allocations for {} flows", ids.len());
    assert_eq!(verdicts, before);
    assert!(verdicts.iter().filter(|v| !v.deferred).count() > 4_500);
}
