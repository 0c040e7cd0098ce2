//! The private address of an Azure Firewall, which routes of the same template name as their next hop.
//!
//! Azure gives a firewall the first address of its subnet that it gives out at all, the fourth after the network's
//! own (PLAT-5): nothing else may stand in that subnet. So a template that asks for the address by `reference()`
//! gets it, with a note that says so.

use super::deployment::Identity;
use super::engine::Engine;
use crate::diag::{Code, Diagnostic};
use crate::doc::{Entry, Node, Object};
use crate::inventory::ResourceId;
use crate::net::{IpAddr, IpNet, parse_prefix};

/// Addresses that Azure keeps for itself at the start of a subnet.
const KEPT: u32 = 4;

impl Engine<'_> {
    /// The properties of a firewall with the address it will have; all others as they are.
    pub(super) fn with_firewall_address(&mut self, properties: &Node, identity: &Identity) -> Node {
        if !identity.kind.eq_ignore_ascii_case("Microsoft.Network/azureFirewalls") {
            return properties.clone();
        }
        let configurations = properties.get("ipConfigurations").and_then(Node::as_array);
        let (Some(configurations), Some(object)) = (configurations, properties.as_object()) else {
            return properties.clone();
        };
        let subnet = configurations.iter().find_map(|c| c.path("properties.subnet.id")?.as_str());
        let Some(address) = subnet.and_then(|id| self.first_address(&ResourceId::new(id))) else {
            return properties.clone();
        };
        let message = format!(
            "the private address of `{}` is taken to be {address}, the first that Azure gives out in its subnet",
            identity.id.name()
        );
        self.note(Diagnostic::new(Code::AssumedAddress, properties.at, message));
        let configurations = configurations.iter().map(|c| with_address(c, address)).collect();
        let mut object = object.clone();
        object.set("ipConfigurations", properties.at, Node::array(properties.at, configurations));
        Node::object(properties.at, object)
    }

    /// The first address that Azure gives out in a subnet of this template.
    fn first_address(&mut self, subnet: &ResourceId) -> Option<IpAddr> {
        let own = self.find_idle(subnet.as_str()).and_then(|instance| self.body(instance).ok());
        let declared = match own.filter(|body| prefix_of(body).is_some()) {
            Some(body) => body,
            None => self.inline_child(subnet).ok().flatten()?,
        };
        match prefix_of(&declared)? {
            IpNet::V4(net) => Some(IpAddr::V4(u32::from(net.network()).checked_add(KEPT)?.into())),
            IpNet::V6(_) => None,
        }
    }
}

/// The only prefix of a subnet; the first of the older version where it has several.
fn prefix_of(subnet: &Node) -> Option<IpNet> {
    let properties = subnet.get("properties")?;
    let listed = properties.get("addressPrefixes").and_then(Node::as_array).unwrap_or_default();
    let words = properties.get("addressPrefix").into_iter().chain(listed).filter_map(Node::as_str);
    words.filter_map(parse_prefix).find(|net| matches!(net, IpNet::V4(_)))
}

fn with_address(configuration: &Node, address: IpAddr) -> Node {
    let at = configuration.at;
    let mut object = configuration.as_object().cloned().unwrap_or_default();
    let mut properties = object.get("properties").and_then(Node::as_object).cloned().unwrap_or_default();
    if properties.get("privateIPAddress").is_none_or(Node::is_null) {
        let value = Node::string(at, address.to_string());
        properties.push(Entry { key: "privateIPAddress".into(), key_at: at, value });
    }
    object.set("properties", at, Node::object(at, properties));
    Node::object(at, Object::from_iter(object.iter().cloned()))
}
