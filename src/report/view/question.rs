//! The question as it was understood: a reader checks this before believing the answer.

use crate::inventory::{Inventory, ResourceId, TableTag};
use crate::net::IpAddr;
use crate::network::Network;
use crate::services::service_kind;
use crate::trace::{Endpoint, Header, Hop, HopKind, Trace};
use serde::Serialize;

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QuestionView {
    /// The flow's name in its scenario or batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The sender.
    pub from: EndView,
    /// The receiver.
    pub to: EndView,
    /// The protocol, in Azure's spelling.
    pub protocol: &'static str,
    /// The destination port; absent for protocols without ports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The source port, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_port: Option<u16>,
    /// The caller's identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// The action the caller wants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The path of the URL asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// One end of the flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EndView {
    /// As it was asked.
    pub asked: String,
    /// What it was taken for.
    pub kind: EndKind,
    /// The id of the resource meant, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// What people call its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_kind: Option<String>,
    /// The address used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
}

/// What an end was taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum EndKind {
    /// Something in the estate, by name or id.
    Resource,
    /// A DNS name.
    Name,
    /// An address.
    Address,
    /// Somebody on the internet.
    Internet,
}

impl QuestionView {
    pub(super) fn new(trace: &Trace, network: &Network) -> Self {
        let flow = &trace.flow;
        let text = |t: &Option<std::sync::Arc<str>>| t.as_deref().map(str::to_owned);
        let (source, destination) = addresses(&trace.hops);
        let source = source.or_else(|| sender(&trace.hops, network));
        let destination = destination.or_else(|| receiver(&trace.hops, network));
        Self {
            name: text(&flow.name),
            from: EndView::new(&flow.from, source, trace, &network.inventory),
            to: EndView::new(&flow.to, destination, trace, &network.inventory),
            protocol: flow.protocol.name(),
            port: flow.protocol.has_ports().then_some(flow.port),
            source_port: flow.source_port,
            identity: text(&flow.identity),
            action: text(&flow.action),
            path: text(&flow.path),
        }
    }

    /// `443/tcp`, or only the protocol where it has no ports.
    pub fn service(&self) -> String {
        let protocol = self.protocol.to_lowercase();
        self.port.map_or(protocol.clone(), |port| format!("{port}/{protocol}"))
    }

    /// The receiver with port and protocol: `kv.vault.azure.net:443/tcp`.
    pub fn target(&self) -> String {
        let bare_v6 = self.to.kind == EndKind::Address && self.to.asked.contains(':');
        match (self.port, bare_v6) {
            (None, _) => format!("{}/{}", self.to.asked, self.service()),
            (Some(_), true) => format!("[{}]:{}", self.to.asked, self.service()),
            (Some(_), false) => format!("{}:{}", self.to.asked, self.service()),
        }
    }
}

impl EndView {
    fn new(end: &Endpoint, address: Option<IpAddr>, trace: &Trace, inventory: &Inventory) -> Self {
        let resource = match end {
            Endpoint::Named(text) => named(text, trace, inventory),
            Endpoint::Fqdn(_) => answering(&trace.hops),
            Endpoint::Internet | Endpoint::Address(_) => None,
        };
        Self {
            asked: end.to_string(),
            kind: match end {
                Endpoint::Named(_) => EndKind::Resource,
                Endpoint::Fqdn(_) => EndKind::Name,
                Endpoint::Address(_) => EndKind::Address,
                Endpoint::Internet => EndKind::Internet,
            },
            resource_kind: resource.as_ref().map(|id| kind_of_resource(&id.kind())),
            resource: resource.map(|id| id.as_str().to_owned()),
            address: if let Endpoint::Address(ip) = end { Some(*ip) } else { address },
        }
    }
}

/// The resource a name means: the only one of that name, or the one the trace visits.
fn named(text: &str, trace: &Trace, inventory: &Inventory) -> Option<ResourceId> {
    if ResourceId::looks_like_one(text) {
        return Some(ResourceId::new(text));
    }
    let ids: Vec<&ResourceId> =
        inventory.named(text).iter().filter_map(|slot| inventory.id_of(*slot)).collect();
    if let [only] = ids[..] {
        return Some(only.clone());
    }
    let visited = |id: &&&ResourceId| trace.hops.iter().any(|hop| hop.id.as_ref() == Some(**id));
    ids.iter().find(visited).map(|id| (*id).clone())
}

/// The service at the end of the way.
fn answering(hops: &[Hop]) -> Option<ResourceId> {
    let last = hops.last()?;
    let answers = matches!(last.kind, HopKind::Service | HopKind::FrontDoor | HopKind::ApplicationGateway);
    last.id.clone().filter(|_| answers)
}

/// The sender's and receiver's address as the flow sets out, name resolution done.
fn addresses(hops: &[Hop]) -> (Option<IpAddr>, Option<IpAddr>) {
    let headers = |hop: &Hop| -> Option<Header> { hop.steps.iter().find_map(|s| s.before.or(s.after)) };
    let resolved = |hop: &Hop| hop.steps.iter().rev().find_map(|s| s.after);
    let (names, way): (Vec<&Hop>, Vec<&Hop>) = hops.iter().partition(|h| h.kind == HopKind::Resolver);
    let out = way.iter().find_map(|h| headers(h));
    let asked = names.iter().rev().find_map(|h| resolved(h));
    let source = out.or(asked).map(|h| h.source);
    (source, out.or(asked).map(|h| h.destination))
}

/// The sender's address where no step rewrites a header: that of the first hop.
fn sender(hops: &[Hop], network: &Network) -> Option<IpAddr> {
    address_of(hops.iter().find(|h| h.kind != HopKind::Resolver)?, network)
}

/// The receiver's address where no step rewrites a header: that of the last hop with one.
fn receiver(hops: &[Hop], network: &Network) -> Option<IpAddr> {
    let way: Vec<&Hop> = hops.iter().filter(|h| h.kind != HopKind::Resolver).collect();
    // The first is the sender's: a flow that ends there has found nobody.
    let [_, beyond @ ..] = &way[..] else { return None };
    let last = beyond.iter().rev().find(|h| h.kind != HopKind::Service)?;
    let ends = matches!(last.kind, HopKind::PrivateEndpoint | HopKind::Interface | HopKind::LoadBalancer);
    if ends { address_of(last, network) } else { None }
}

/// The address of a hop's resource, if it has exactly one.
fn address_of(hop: &Hop, network: &Network) -> Option<IpAddr> {
    let slot = network.inventory.slot(hop.id.as_ref()?)?;
    let mut own = network.attachments.iter().filter(|a| a.owner == slot);
    match (own.next(), own.next()) {
        (Some(only), None) => only.address,
        _ => None,
    }
}

/// What people call a resource type: `Microsoft.Network/virtualNetworks/subnets` is a subnet.
pub fn kind_of_resource(kind: &str) -> String {
    if let Some(service) = service_kind(kind) {
        return service.label.to_owned();
    }
    let own = TableTag::ALL.iter().find(|(_, t, _)| t.eq_ignore_ascii_case(kind)).map(|(_, t, _)| *t);
    let last = own.unwrap_or(kind).rsplit('/').next().unwrap_or(kind);
    singular(&spaced(last))
}

/// `publicIPAddresses` as `public IP addresses`.
fn spaced(camel: &str) -> String {
    let chars: Vec<char> = camel.chars().collect();
    let upper = |i: usize| chars.get(i).is_some_and(|c| c.is_uppercase());
    let mut out = String::new();
    for (i, c) in chars.iter().enumerate() {
        let starts = upper(i) && (i == 0 || !upper(i - 1) || (i + 1 < chars.len() && !upper(i + 1)));
        if starts && i > 0 {
            out.push(' ');
        }
        let acronym = upper(i) && (upper(i + 1) || (i > 0 && upper(i - 1) && !starts));
        if acronym { out.push(*c) } else { out.extend(c.to_lowercase()) }
    }
    out
}

fn singular(plural: &str) -> String {
    match plural {
        p if p.ends_with("ies") => format!("{}y", &p[..p.len() - 3]),
        p if p.ends_with("sses") => p[..p.len() - 2].to_owned(),
        p if p.ends_with('s') && !p.ends_with("ss") => p[..p.len() - 1].to_owned(),
        p => p.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_types_in_words() {
        for (kind, words) in [
            ("Microsoft.Compute/virtualMachines", "virtual machine"),
            ("microsoft.network/virtualnetworks/SUBNETS", "subnet"),
            ("Microsoft.Network/publicIPAddresses", "public IP address"),
            ("Microsoft.Network/firewallPolicies", "firewall policy"),
            ("Microsoft.KeyVault/vaults", "key vault"),
            ("netwhy.Estate/hosts", "host"),
        ] {
            assert_eq!(kind_of_resource(kind), words);
        }
    }
}
