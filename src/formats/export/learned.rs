//! Routes that a gateway or Route Server says to have learnt.
//!
//! `az network vnet-gateway list-learned-routes` answers with a list in `value`, `az network routeserver peering
//! list-learned-routes` with one list for each of its instances. Neither names the gateway: its own address in
//! `localAddress` tells. What it announces itself, and prefixes of its own network, are not learnt.

use super::facts::Facts;
use crate::diag::{At, Code, Diagnostic, Diagnostics};
use crate::doc::Node;
use crate::net::{IpAddr, IpNet, parse_prefix};
use std::sync::Arc;

/// One learnt route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LearnedRoute {
    /// Where it is written.
    pub at: At,
    /// The address of the gateway or Route Server instance that learnt it.
    pub local_address: IpAddr,
    /// The prefix.
    pub prefix: IpNet,
    /// Where it leads.
    pub next_hop: Option<IpAddr>,
    /// The AS path, `65001-65002`.
    pub as_path: Option<Arc<str>>,
}

/// Whether an object is one such route, or an announced one.
pub(super) fn is_one(node: &Node) -> bool {
    ["localAddress", "network", "asPath", "origin"].iter().all(|key| node.get(key).is_some())
}

/// Whether an object is the answer of a Route Server: lists of such routes by instance.
pub(super) fn is_by_instance(node: &Node) -> bool {
    instances(node).next().is_some()
}

/// The lists of the instances.
pub(super) fn instances(node: &Node) -> impl Iterator<Item = &Node> {
    let entries = node.as_object().into_iter().flat_map(|o| o.iter());
    entries.map(|e| &e.value).filter(|v| v.as_array().is_some_and(|items| items.first().is_some_and(is_one)))
}

/// Reads one route. The same route learnt from several peers, or by several instances, is one.
pub(super) fn read(node: &Node, facts: &mut Facts, notes: &mut Diagnostics) {
    let word = |key: &str| node.get(key).and_then(Node::as_str).map(str::trim).filter(|t| !t.is_empty());
    let learnt =
        word("origin").is_some_and(|o| o.eq_ignore_ascii_case("EBgp") || o.eq_ignore_ascii_case("IBgp"));
    if !learnt {
        return;
    }
    let (local, prefix) = (word("localAddress"), word("network"));
    let parsed = (local.and_then(|t| t.parse().ok()), prefix.and_then(parse_prefix));
    let (Some(local_address), Some(prefix)) = parsed else {
        let message =
            "a learnt route was left out, because its prefix or its gateway's address cannot be read";
        notes.push(Diagnostic::new(Code::BadValue, node.at, message));
        return;
    };
    let next_hop = word("nextHop").and_then(|t| t.parse().ok());
    let as_path = word("asPath").map(Into::into);
    let route = LearnedRoute { at: node.at, local_address, prefix, next_hop, as_path };
    let same = |other: &LearnedRoute| (other.prefix, other.next_hop) == (route.prefix, route.next_hop);
    if !facts.learned_routes.iter().any(same) {
        facts.learned_routes.push(route);
    }
}
