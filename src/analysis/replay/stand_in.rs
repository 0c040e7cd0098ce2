//! Networks that a recording only mentions: an interface names its subnet, and the network itself is in no file.

use crate::diag::At;
use crate::doc::{Entry, Node, Object};
use crate::inventory::{Origin, RawResource, ResourceId};
use std::collections::BTreeSet;

/// Why nothing more is known of such a network.
const ONLY_NAMED: &str = "the recording names this network and tells nothing of it";

/// The resources, and a stand-in of which all is unknown for each network that an interface names and no file holds.
pub(super) fn with_networks(resources: &[RawResource]) -> Vec<RawResource> {
    let mut out = resources.to_vec();
    let held: BTreeSet<String> = resources.iter().map(|r| r.id.as_str().to_ascii_lowercase()).collect();
    let mut named: BTreeSet<String> = BTreeSet::new();
    for raw in resources.iter().filter(|r| r.id.is_kind("Microsoft.Network/networkInterfaces")) {
        let configs =
            raw.body.path("properties.ipConfigurations").and_then(Node::as_array).unwrap_or_default();
        for config in configs {
            let subnet = config.path("properties.subnet.id").and_then(Node::as_str);
            named.extend(subnet.filter(|id| ResourceId::looks_like_one(id)).map(str::to_owned));
        }
    }
    for subnet in named {
        let subnet = ResourceId::new(&subnet);
        let Some(network) = subnet.parent() else { continue };
        if held.contains(&network.as_str().to_ascii_lowercase()) {
            continue;
        }
        for id in [network, subnet] {
            if !out.iter().any(|raw| raw.id == id) {
                out.push(unknown(id));
            }
        }
    }
    out
}

fn unknown(id: ResourceId) -> RawResource {
    let at = At::NOWHERE;
    let field = |key: &str, value: Node| Entry { key: key.into(), key_at: at, value };
    let body: Object =
        [field("name", Node::string(at, id.name())), field("properties", Node::unknown(at, ONLY_NAMED))]
            .into_iter()
            .collect();
    let body = Node::object(at, body);
    RawResource { id, at, origin: Origin::Mentioned, uncertain: None, api_version: None, body }
}
