//! IP flow verify: may a packet pass the security rules of one interface (NW-1)?
//!
//! Only rules are asked, those of network security groups and of network managers; no route, no firewall.

use super::subject::{self, AskError, Subject};
use super::words;
use crate::inventory::{Direction, ResourceId};
use crate::net::{Header, IpAddr, Protocol};
use crate::network::{Network, Ruling, Verdict};
use crate::trace::{Layer, LayerKind, Layers, Spot};
use serde::Serialize;

/// A packet at an interface.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowQuestion {
    /// Whether it comes in or goes out.
    pub direction: Direction,
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The interface's address; its primary one where absent.
    pub local_ip: Option<IpAddr>,
    /// The port at the interface.
    pub local_port: u16,
    /// The other end's address.
    pub remote_ip: IpAddr,
    /// The other end's port.
    pub remote_port: u16,
}

/// What `*` stands for as the port of the sender: one that no rule is written for.
pub const ANY_SOURCE_PORT: u16 = 50_000;

/// Whether it may pass.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FlowVerification {
    /// `Allow` or `Deny`; absent where the files do not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<&'static str>,
    /// The rule that decides: `securityRules/NAME` or `defaultSecurityRules/NAME`. Where groups of subnet and
    /// interface both allow, the one asked last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_name: Option<String>,
    /// Its resource id; empty for a default rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<String>,
    /// The group, or the network manager, whose rule it is.
    #[serde(rename = "x-networkSecurityGroupId", skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The interface, subnet or virtual network that the group stands at.
    #[serde(rename = "x-appliedTo", skip_serializing_if = "Option::is_none")]
    pub applied_to: Option<String>,
    /// How the answer came about.
    #[serde(rename = "x-note", skip_serializing_if = "Option::is_none")]
    pub note: Option<&'static str>,
    /// What the files would have to say.
    #[serde(rename = "x-unknown", skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// What the known rules say by themselves.
    #[serde(rename = "x-known", skip_serializing_if = "Option::is_none")]
    pub known: Option<Box<FlowVerification>>,
}

const NO_GROUP: &str = "no network security group applies, so nothing is denied (NSG-5)";
const NOT_ITS_OWN: &str = "the interface does not hold this local address; as Azure does, its rules are asked about it all the same";
const PLATFORM: &str = "rules do not act on the host's own services (NSG-17)";

/// Asks the rules of an interface about a packet.
pub fn ip_flow_verify(
    network: &Network,
    subject: &Subject,
    question: &FlowQuestion,
) -> Result<FlowVerification, AskError> {
    if !question.protocol.has_ports() {
        return Err(AskError::Protocol(question.protocol));
    }
    let (spot, own) = subject.nearest(network, question.local_ip)?;
    let Some(local) = question.local_ip.or(subject::address(network, spot)) else {
        let why = match spot {
            Spot::Attachment(id) => network.attachment(id).address_unknown().why.to_string(),
            Spot::Subnet(_) => format!("`{}` is a subnet: say the address in it", subject.text),
        };
        return Ok(FlowVerification { unknown: vec![why], ..FlowVerification::default() });
    };
    let inbound = question.direction == Direction::Inbound;
    let sent = Header {
        source: local,
        destination: question.remote_ip,
        protocol: question.protocol,
        source_port: question.local_port,
        port: question.remote_port,
    };
    let header = if inbound { sent.reversed() } else { sent };
    let mut found = asked(network, spot, &header, inbound);
    if !own {
        found.note = found.note.or(Some(NOT_ITS_OWN));
    }
    Ok(found)
}

/// Asks the layers one after the other.
fn asked(network: &Network, spot: Spot, header: &Header, inbound: bool) -> FlowVerification {
    let layers = Layers::of(network, spot, header, inbound);
    let place = layers.place(network);
    let mut unknown: Vec<String> = Vec::new();
    // An unknown group can only deny as well; an unknown network manager can also let everything through.
    let mut may_skip = false;
    let mut last = None;
    for layer in &layers.layers {
        let set = match layer.rules {
            Ok(set) => set,
            Err(why) => {
                unknown.push(why.why.to_string());
                continue;
            }
        };
        match layer.ruling(header, &place) {
            Some(Ruling::Rule(number)) => {
                let found = decided(network, spot, layer, number);
                match set.rules[number].verdict {
                    Some(Verdict::Deny) if !may_skip => return FlowVerification { unknown, ..found },
                    Some(Verdict::AlwaysAllow) if unknown.is_empty() => return found,
                    _ => last = Some(found),
                }
            }
            Some(Ruling::Unknown(why, _)) => {
                may_skip |= layer.kind == LayerKind::Admin;
                unknown.push(why.why.to_string());
            }
            Some(Ruling::NoMatch) | None => {}
        }
    }
    let exempt = layers.layers.iter().any(Layer::is_exempt);
    let silent = FlowVerification {
        access: Some("Allow"),
        note: Some(if exempt { PLATFORM } else { NO_GROUP }),
        ..FlowVerification::default()
    };
    let known = last.unwrap_or(silent);
    if unknown.is_empty() {
        return known;
    }
    FlowVerification { unknown, known: Some(Box::new(known)), ..FlowVerification::default() }
}

fn decided(network: &Network, spot: Spot, layer: &Layer<'_>, number: usize) -> FlowVerification {
    let rule = layer.rules.ok().and_then(|set| set.rules.get(number));
    let Some(rule) = rule else { return FlowVerification::default() };
    let owner = layer.owners.get(number);
    let text = |id: Option<&ResourceId>| id.map(|id| id.as_str().to_owned());
    let group = match layer.nsg {
        Some(nsg) => text(Some(&network.inventory.nsgs[nsg].id)),
        None => text(owner.and_then(words::manager_of).as_ref()),
    };
    let admin = layer.kind == LayerKind::Admin;
    FlowVerification {
        access: rule.verdict.map(words::access),
        rule_name: Some(if admin { rule.name.to_string() } else { words::rule_path(rule) }),
        rule_id: layer.nsg.map(|nsg| words::rule_id(network, nsg, rule)).or_else(|| text(owner)),
        group,
        applied_to: text(applied_to(network, spot, layer.kind)),
        ..FlowVerification::default()
    }
}

/// What rules of a layer stand at: an interface, its subnet, its virtual network.
pub(super) fn applied_to(network: &Network, spot: Spot, kind: LayerKind) -> Option<&ResourceId> {
    let subnet = subject::subnet_of(network, spot);
    match kind {
        LayerKind::Interface => subject::resource(network, spot),
        LayerKind::Subnet => Some(&network.inventory.subnets[subnet].id),
        LayerKind::Admin => Some(&network.inventory.virtual_networks[network.subnet(subnet).vnet].id),
    }
}
