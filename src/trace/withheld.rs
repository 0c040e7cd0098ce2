//! Values that the files hold and do not tell, and whether an answer leans on one.
//!
//! Most properties are read where they decide, and an unknown one is told there. Some say how resources hang together:
//! which networks are peers, what a pool holds, who is a member. Read as nothing, an unknown one of these would make a
//! sure answer of a wrong picture. So every sure answer is held against the list of what is withheld: a value of a
//! plane that the flow took part in makes it unknown. That may be too careful; it is never too sure.

use super::cause::Cause;
use super::model::{Endpoint, Flow, HopKind, Missing};
use super::question::{Origin, Target};
use super::state::{Arrival, End, Place, State, Terminal};
use crate::inventory::{Id, Slot, TableTag, VirtualNetwork, Withheld};
use crate::net::IpAddr;
use crate::network::{AttachmentId, AttachmentKind, HOST_ADDRESS, Network};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What an answer leans on and the files do not tell, if there is such a thing.
pub(super) fn about(net: &Network, s: &State, end: &End, flow: &Flow) -> Option<Missing> {
    // What is unknown already says why.
    if !net.inventory.is_withheld() || s.blockers.is_empty() && !s.missing.is_empty() {
        return None;
    }
    let part = Part::of(net, s, end, flow);
    let found = net.inventory.withheld.iter().find(|withheld| part.has(withheld))?;
    let name = net.inventory.id_of(found.slot).map(|id| id.full_name()).unwrap_or_default();
    Some(Missing {
        cause: Cause::UnknownValue,
        text: format!("`{}` of `{name}`: {}", found.path, found.unknown.why),
        at: found.unknown.at,
    })
}

/// What a flow took part in.
struct Part<'a> {
    net: &'a Network,
    /// The resources it met.
    met: BTreeSet<(TableTag, u32)>,
    /// Their networks, and the neighbours of these.
    vnets: BTreeSet<Id<VirtualNetwork>>,
    /// It never left one network, and both ends are known there.
    inside: bool,
    /// It was on the internet, or it would have been.
    public: bool,
    /// It did not come to somebody who could be named.
    astray: bool,
    /// It goes to the machine's own host, which answers beside it, whatever lies between others.
    host: bool,
    /// It is sent from an address that nobody is known to hold.
    stranger: bool,
    /// Somebody passed it on.
    passed_on: bool,
    /// A name was looked up.
    named: bool,
    /// The name.
    name: Option<Arc<str>>,
    service: bool,
    balanced: bool,
    firewall: bool,
    front_door: bool,
    identity: bool,
    /// It came to a service through a private endpoint.
    privately: bool,
}

fn first_word(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}

impl<'a> Part<'a> {
    fn of(net: &'a Network, s: &State, end: &End, flow: &Flow) -> Part<'a> {
        let hop = |kind: HopKind| s.hops.iter().any(|h| h.kind == kind);
        let mut part = Part {
            net,
            met: BTreeSet::new(),
            vnets: BTreeSet::new(),
            inside: false,
            public: hop(HopKind::Internet) || matches!(s.origin, Origin::Internet(_)),
            astray: !matches!(end, End::Arrived(terminal, _) if !matches!(terminal, Terminal::Subnet(_))),
            host: s.addressed == Some(HOST_ADDRESS) || matches!(end, End::Arrived(Terminal::Platform, _)),
            stranger: matches!(flow.from, Endpoint::Address(_)) && !matches!(s.origin, Origin::Attachment(_)),
            passed_on: false,
            named: s.host.is_some(),
            name: match &flow.to {
                Endpoint::Fqdn(name) => Some(name.to_ascii_lowercase().into()),
                _ => s.host.clone(),
            },
            service: hop(HopKind::Service) || matches!(end, End::Arrived(Terminal::Service(_), _)),
            balanced: hop(HopKind::LoadBalancer) || hop(HopKind::ApplicationGateway),
            firewall: hop(HopKind::AzureFirewall) || hop(HopKind::VirtualHub),
            front_door: hop(HopKind::FrontDoor),
            identity: flow.identity.is_some(),
            privately: matches!(
                end,
                End::Arrived(Terminal::Service(Arrival::PrivateEndpoint(_) | Arrival::ManagedEndpoint), _)
            ),
        };
        if let Origin::Managed(_, workspace) = s.origin {
            part.met.insert((TableTag::PlatformService, workspace.raw()));
        }
        s.hops.iter().filter_map(|h| net.inventory.slot(h.id.as_ref()?)).for_each(|slot| part.meet(slot));
        for (place, header) in &s.trail {
            part.visit(place);
            part.public |= net.is_public(header.destination);
        }
        match s.target {
            Some(Target::Attachment(id)) => part.attach(id),
            Some(Target::Service(..)) => part.service = true,
            _ => {}
        }
        let sender = match s.origin {
            Origin::Attachment(id) => Some(net.attachment(id).vnet),
            _ => None,
        };
        let receiver = s.addressed.and_then(|ip| part.home(ip));
        part.inside = sender.is_some() && sender == receiver && part.vnets.len() == 1;
        part.passed_on = part.is_passed_on(s);
        part.neighbours();
        part
    }

    fn meet(&mut self, slot: Slot) {
        self.met.insert((slot.table, slot.row));
        let attachments = self.net.attachments.iter().filter(|a| a.owner == slot);
        self.vnets.extend(attachments.map(|a| a.vnet));
    }

    fn attach(&mut self, id: AttachmentId) {
        let row = self.net.attachment(id);
        self.met.insert((row.owner.table, row.owner.row));
        self.vnets.insert(row.vnet);
        let table = self.net.inventory.subnets[row.subnet].route_table.known();
        let table = table.and_then(|r| self.net.inventory.follow(r).row());
        self.met.extend(table.map(|t| (TableTag::RouteTable, t.raw())));
        let groups = [self.net.ground(row.subnet).nsg.row(), row.nsg.row()];
        self.met.extend(groups.into_iter().flatten().map(|g| (TableTag::Nsg, g.raw())));
        self.service |= matches!(row.kind, AttachmentKind::PrivateEndpoint(..));
    }

    fn visit(&mut self, place: &Place) {
        match place {
            Place::Leave(id) | Place::Arrive(id) => self.attach(*id),
            Place::Inside(vnet) => {
                self.vnets.insert(*vnet);
            }
            Place::Public => self.public = true,
            Place::AtService(_) => self.service = true,
            Place::AtSite(_) | Place::Hub(..) => {}
        }
    }

    /// The network whose attachment has an address.
    fn home(&self, ip: IpAddr) -> Option<Id<VirtualNetwork>> {
        let mine = |a: &&crate::network::Attachment| a.address == Some(ip) && self.vnets.contains(&a.vnet);
        self.net.attachments.iter().find(mine).map(|a| a.vnet)
    }

    /// Whether somebody stands on the way who is neither sender nor receiver.
    fn is_passed_on(&self, s: &State) -> bool {
        let owner = |id: AttachmentId| self.net.inventory.id_of(self.net.attachment(id).owner);
        let sender = match s.origin {
            Origin::Attachment(id) => owner(id),
            _ => None,
        };
        let mine = |a: &&crate::network::Attachment| a.address.is_some() && a.address == s.addressed;
        let receiver = self.net.attachments.iter().find(mine).and_then(|a| self.net.inventory.id_of(a.owner));
        let mut hops = s.hops.iter().filter(|h| matches!(h.kind, HopKind::Interface | HopKind::Appliance));
        hops.any(|h| h.id.as_ref() != sender && h.id.as_ref() != receiver)
    }

    fn neighbours(&mut self) {
        let links = self.vnets.iter().flat_map(|id| self.net.vnet(*id).links.iter().filter_map(|l| l.remote));
        let near: Vec<_> = links.collect();
        self.vnets.extend(near);
    }

    fn near(&self, slot: Slot) -> bool {
        let id = self.net.inventory.id_of(slot);
        let network = |vnet: &Id<VirtualNetwork>| &self.net.inventory.virtual_networks[*vnet].id;
        self.vnets.iter().any(|v| {
            slot == Slot { table: TableTag::VirtualNetwork, row: v.raw() }
                || id.and_then(|id| id.parent()).is_some_and(|parent| parent == *network(v))
        })
    }

    /// Whether the name asked for is one that the service has in some region.
    fn may_be_named(&self, slot: Slot) -> bool {
        let (Some(host), Some(id)) = (&self.name, self.net.inventory.id_of(slot)) else { return false };
        let kind = crate::services::service_kind(&id.kind());
        let regional =
            kind.map_or(&[][..], |k| k.endpoints).iter().filter_map(|e| e.host.rsplit_once("{region}"));
        let fits = regional.into_iter().any(|(_, end)| host.ends_with(end));
        fits || kind.is_some_and(|k| k.section == "workspaces") && self.asks_for_instance()
    }

    /// Whether the name asked for is one that a service of this kind has, whatever it is called.
    fn has_names_like(&self, slot: Slot) -> bool {
        let (Some(host), Some(id)) = (&self.name, self.net.inventory.id_of(slot)) else { return false };
        let kind = crate::services::service_kind(&id.kind());
        let ends = kind.map_or(&[][..], |k| k.endpoints).iter().filter_map(|e| e.host.strip_prefix("{name}"));
        ends.into_iter().any(|end| host.ends_with(end))
    }

    fn asks_for_instance(&self) -> bool {
        let ends = crate::services::INSTANCE_HOSTS.iter().filter_map(|h| h.rsplit_once("{region}"));
        self.name.as_ref().is_some_and(|host| ends.into_iter().any(|(_, end)| host.ends_with(end)))
    }

    fn met(&self, slot: Slot) -> bool {
        self.met.contains(&(slot.table, slot.row))
    }

    /// Whether a value may have had a part in what came out.
    fn has(&self, withheld: &Withheld) -> bool {
        use TableTag as T;
        let slot = withheld.slot;
        let region = withheld.path.eq_ignore_ascii_case("location");
        match slot.table {
            // Its rules tell of themselves where they are asked; what balancers ask of them is told nowhere.
            T::Nsg => {
                let tag = withheld.path.ends_with("destinationAddressPrefix");
                self.balanced || tag && self.met(slot) && (self.public || self.host)
            }
            _ if self.host => false,
            // Which region a network is in matters to balancers of others (PEER-9); storage tells of it itself.
            T::VirtualNetwork if region => self.balanced,
            T::VirtualNetwork if withheld.path.eq_ignore_ascii_case("subnets") => {
                !self.inside || self.near(slot)
            }
            T::PublicIpAddress if region => self.public,
            // Whether a service endpoint covers it (SE-5), and which names it has; of all others no rule asks the region.
            T::PlatformService if region => self.met(slot) || self.may_be_named(slot),
            T::MlCompute if region => self.asks_for_instance(),
            T::MlCompute if withheld.path.ends_with("computeType") => {
                self.met(slot) || self.asks_for_instance()
            }
            _ if region => false,
            T::VirtualNetwork | T::Subnet | T::VirtualNetworkPeering => self.near(slot) || self.astray,
            T::HubVirtualNetworkConnection if withheld.path.ends_with("enableInternetSecurity") => {
                self.public
            }
            T::NetworkInterface | T::ScaleSet | T::Host => {
                self.met(slot) || self.balanced || self.astray || self.passed_on || self.stranger
            }
            T::VirtualMachine => self.met(slot) || self.balanced || self.passed_on,
            T::RouteTable => {
                let flags = ["disablePeeringRoute", "hasBgpOverride"];
                let flag = flags.iter().any(|flag| withheld.path.ends_with(flag));
                self.met(slot) && (flag || self.service || self.public)
            }
            T::PublicIpAddress | T::PublicIpPrefix | T::NatGateway => self.public,
            T::VirtualNetworkGateway
            | T::LocalNetworkGateway
            | T::Connection
            | T::ExpressRouteCircuit
            | T::OnPremisesSite
            | T::BgpRoute
            | T::VirtualWan
            | T::VirtualHub
            | T::HubVirtualNetworkConnection
            | T::HubRouteTable
            | T::RoutingIntent
            | T::HubGateway => !self.inside,
            T::LoadBalancer | T::ApplicationGateway => self.balanced || self.public || !self.inside,
            T::AzureFirewall => self.firewall || self.public || self.named || self.astray,
            T::FirewallPolicy | T::RuleCollectionGroup | T::IpGroup => self.firewall,
            T::PrivateEndpoint | T::PrivateDnsZoneGroup | T::PrivateLinkService => {
                self.met(slot) || self.named || self.service || self.astray || self.stranger
            }
            T::PrivateDnsZone
            | T::DnsZone
            | T::VirtualNetworkLink
            | T::DnsResolver
            | T::InboundEndpoint
            | T::OutboundEndpoint
            | T::DnsForwardingRuleset
            | T::RulesetLink
            | T::InternetHost => self.named,
            T::NetworkManager
            | T::NetworkGroup
            | T::StaticMember
            | T::ConnectivityConfiguration
            | T::SecurityAdminConfiguration
            | T::AdminRuleCollection
            | T::AdminRule => !self.vnets.is_empty(),
            T::NetworkSecurityPerimeter
            | T::PerimeterProfile
            | T::PerimeterAccessRule
            | T::PerimeterAssociation
            | T::ServiceEndpointPolicy => self.service,
            T::FrontDoorProfile
            | T::FrontDoorEndpoint
            | T::OriginGroup
            | T::FrontDoorOrigin
            | T::FrontDoorRoute
            | T::CustomDomain
            | T::FrontDoorSecurityPolicy => self.front_door,
            T::WafPolicy => self.front_door || self.balanced,
            T::UserAssignedIdentity
            | T::Principal
            | T::RoleAssignment
            | T::RoleDefinition
            | T::DenyAssignment => self.identity,
            T::PlatformService if withheld.path.eq_ignore_ascii_case("workspaceId") => self.named,
            T::PlatformService if withheld.path.eq_ignore_ascii_case("customSubDomainName") => {
                self.met(slot) || self.has_names_like(slot)
            }
            // A service's firewall is not asked of what comes in privately (PE-10).
            T::PlatformService if crate::inventory::is_rule_word(first_word(&withheld.path)) => {
                self.met(slot) && !self.privately
            }
            _ => self.met(slot),
        }
    }
}
