//! Where a flow is decided: the places its trace comes by at which a line could stand.

use crate::inventory::{Id, PlatformService, ResourceId, Subnet, TableTag};
use crate::net::{Header, IpAddr};
use crate::network::{Attachment, AttachmentKind, Network, SubnetRole};
use crate::trace::{Action, Hop, HopKind, Origin, StepKind, Trace, understand};

use super::Way;

/// A place where lines stand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The security group of a subnet.
    Subnet(ResourceId),
    /// An Azure Firewall.
    Firewall(ResourceId),
    /// The managed network of a workspace.
    ManagedNetwork(ResourceId),
}

impl Place {
    /// The resource.
    pub fn id(&self) -> &ResourceId {
        match self {
            Place::Subnet(id) | Place::Firewall(id) | Place::ManagedNetwork(id) => id,
        }
    }

    /// What enforces lines there.
    pub fn what(&self) -> &'static str {
        match self {
            Place::Subnet(_) => "security group of",
            Place::Firewall(_) => "Azure Firewall",
            Place::ManagedNetwork(_) => "managed network of",
        }
    }
}

/// A flow at a place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Crossing {
    pub(super) place: Place,
    pub(super) way: Way,
    pub(super) header: Header,
    /// Whether a firewall comes later, which can tell names.
    pub(super) firewall_behind: bool,
    /// Whether a load balancer brought it here, whose probes need a way in.
    pub(super) balanced: bool,
    /// Which private endpoint it leads to.
    pub(super) endpoint: Option<String>,
}

/// The places a flow comes by, in order.
pub(super) fn crossings(network: &Network, trace: &Trace) -> Vec<Crossing> {
    let hops: Vec<&Hop> = trace.hops.iter().filter(|hop| hop.kind != HopKind::Resolver).collect();
    let Some(mut header) = first_header(network, trace) else { return Vec::new() };
    let firewall_after = |at: usize| hops[at + 1..].iter().any(|h| h.kind == HopKind::AzureFirewall);
    let endpoint = hops.iter().find(|h| h.kind == HopKind::PrivateEndpoint).map(|h| h.name.clone());
    let mut found = Vec::new();
    let mut balanced = false;
    for (number, hop) in hops.iter().enumerate() {
        balanced |= hop.kind == HopKind::LoadBalancer;
        header = if number == 0 { header } else { hop.header.unwrap_or(header) };
        let mut cross = |place: Place, way: Way, header: Header| {
            found.push(Crossing {
                place,
                way,
                header,
                firewall_behind: firewall_after(number),
                balanced: balanced && way == Way::Inbound,
                endpoint: endpoint.clone(),
            });
        };
        let arrived = before_filter(hop, header);
        match hop.kind {
            HopKind::ManagedNetwork => {
                if let Some(workspace) = managed_workspace(network, trace) {
                    cross(Place::ManagedNetwork(workspace), Way::Outbound, header);
                }
            }
            HopKind::AzureFirewall => cross_firewall(network, hop, header, &mut cross),
            HopKind::Interface | HopKind::Subnet | HopKind::Appliance | HopKind::PrivateEndpoint => {
                if let Some(subnet) = subnet_of(network, hop, arrived, number == 0) {
                    let id = network.inventory.subnets[subnet].id.clone();
                    if number > 0 && guards(network, hop, subnet) {
                        cross(Place::Subnet(id.clone()), Way::Inbound, arrived);
                    }
                    if number == 0 || hop.kind == HopKind::Appliance || passes_on(hop) {
                        cross(Place::Subnet(id), Way::Outbound, after(hop, header));
                    }
                }
            }
            _ => {}
        }
        header = after(hop, header);
    }
    found
}

fn cross_firewall(network: &Network, hop: &Hop, header: Header, cross: &mut impl FnMut(Place, Way, Header)) {
    let Some(id) = &hop.id else { return };
    if network.inventory.row::<crate::inventory::AzureFirewall>(id).is_some() {
        cross(Place::Firewall(id.clone()), Way::Outbound, before_filter(hop, header));
    }
}

/// The header with which the flow leaves its sender, once its name is resolved.
fn first_header(network: &Network, trace: &Trace) -> Option<Header> {
    let sender = trace.hops.iter().position(|hop| hop.kind != HopKind::Resolver)?;
    let resolved =
        trace.hops[..sender].iter().flat_map(|hop| &hop.steps).filter_map(|step| step.after).next_back();
    let mut header = resolved.or(trace.hops[sender].header)?;
    // The question is sent from the sender's own address.
    if let Ok(question) = understand(network, &trace.flow)
        && let Origin::Attachment(id) = question.origin
        && let Some(address) = network.attachment(id).address
    {
        header.source = address;
    }
    Some(header)
}

/// Whether a machine of the estate's own forwards what reaches it: a receiver first and then a sender, with the group of
/// its subnet at both (PKT-5).
fn passes_on(hop: &Hop) -> bool {
    hop.steps.iter().any(|step| step.kind == StepKind::Forward)
}

/// The header at a hop once it has been translated, and before rules look at it. What is translated after the hop has
/// passed it on or found a route is how it leaves, not how it arrives.
fn before_filter(hop: &Hop, header: Header) -> Header {
    let until = hop.steps.iter().position(|step| match step.kind {
        StepKind::Filter => step.action != Action::Note,
        StepKind::Forward | StepKind::Route => true,
        _ => false,
    });
    let steps = &hop.steps[..until.unwrap_or(hop.steps.len())];
    steps.iter().filter_map(|step| step.after).next_back().unwrap_or(header)
}

fn after(hop: &Hop, header: Header) -> Header {
    hop.steps.iter().filter_map(|step| step.after).next_back().unwrap_or(header)
}

/// The subnet of a hop whose security group could act.
fn subnet_of(network: &Network, hop: &Hop, header: Header, sends: bool) -> Option<Id<Subnet>> {
    let address: IpAddr = if sends { header.source } else { header.destination };
    let id = hop.id.as_ref()?;
    if id.is_kind("Microsoft.Network/virtualNetworks/subnets") {
        return network.inventory.row::<Subnet>(id);
    }
    let own = |a: &&Attachment| network.inventory.id_of(a.owner) == Some(id);
    let exact = network.attachments.iter().filter(own).find(|a| a.address == Some(address));
    let found = exact.or_else(|| network.attachments.iter().find(own))?;
    (network.subnet(found.subnet).role == SubnetRole::Ordinary).then_some(found.subnet)
}

/// Whether a security group of the subnet would look at what arrives.
fn guards(network: &Network, hop: &Hop, subnet: Id<Subnet>) -> bool {
    if hop.kind != HopKind::PrivateEndpoint {
        return true;
    }
    // Policies of the subnet decide whether groups act on private endpoints; the trace has looked.
    let acts = hop.steps.iter().any(|s| s.kind == StepKind::Filter && s.action != Action::Note);
    let endpoint =
        |a: &Attachment| a.subnet == subnet && matches!(a.kind, AttachmentKind::PrivateEndpoint(..));
    acts && network.attachments.iter().any(endpoint)
}

fn managed_workspace(network: &Network, trace: &Trace) -> Option<ResourceId> {
    let Ok(question) = understand(network, &trace.flow) else { return None };
    let Origin::Managed(slot, workspace) = question.origin else { return None };
    // A deployment outside a managed network has no lines of its own.
    let row: &PlatformService = &network.inventory.services[workspace];
    let managed = row.managed_network_isolation.known()?;
    let inside = *managed != crate::inventory::IsolationMode::Disabled;
    let known = matches!(slot.table, TableTag::MlCompute | TableTag::MlEndpoint | TableTag::MlDeployment);
    (inside && known).then(|| row.id.clone())
}
