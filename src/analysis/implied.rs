//! What the resources of an estate imply of its traffic, where nobody says what anybody needs.
//!
//! Input: a network. Output: [`Implied`] flows: from one sender of every subnet, every site and the internet, to every
//! service that has a name, to every other place, and to the internet. That is no statement of what is wanted: it is what
//! can be asked of any estate, so that a change is seen wherever it makes a difference.
//!
//! Ports are those that somebody wrote down: of listening hosts, of load balancers, of rules that let something in, of
//! the service's kind; 443 where nobody did.

use crate::diag::At;
use crate::inventory::{
    Access, Direction, Id, LoadBalancer, Nsg, OnPremisesSite, PlatformService, Slot, Subnet, TableTag,
    VirtualMachine,
};
use crate::net::PortRange;
use crate::network::{Attachment, AttachmentKind, Network, SubnetRole, machine_of};
use crate::services::service_kind;
use crate::trace::{Endpoint, Flow};
use std::sync::Arc;

/// A flow that nobody asked for, and that the estate could carry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Implied {
    /// Whom it leads to, for a person.
    pub what: Arc<str>,
    /// What kind of thing that is.
    pub kind: Kind,
    /// The flow.
    pub flow: Flow,
}

/// What an implied flow leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Another place of the estate.
    Place,
    /// A platform service of the estate.
    Service,
    /// A host outside that the estate gives a name.
    Host,
    /// The internet as such.
    Internet,
}

/// Implied flows, and what they leave out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImpliedFlows {
    /// The flows, by sender.
    pub flows: Vec<Implied>,
    /// How many senders, receivers or services are left out at least, because there are too many to ask about each.
    pub left_out: usize,
}

/// So many places, services and hosts stand for all of an estate, where nobody wants more.
pub const PLACES: usize = 30;

/// So many ports of a place are asked.
const PORTS: usize = 3;

/// So many times as many are looked at; that more are left out is all there is to say of the rest.
const FULL: usize = 8;

/// The port where nobody wrote one down.
const USUAL: u16 = 443;

/// Something a flow may lead to.
struct Target {
    to: Endpoint,
    what: Arc<str>,
    kind: Kind,
    ports: Vec<u16>,
    /// Whether the internet may ask for it.
    public: bool,
}

/// What the estate implies: `most` senders, receivers, services and hosts of each.
pub fn implied(network: &Network, most: usize) -> ImpliedFlows {
    let mut found = ImpliedFlows::default();
    let mut cut = |many: usize| {
        found.left_out += many.saturating_sub(most);
        most
    };
    let mut senders = senders(network);
    senders.truncate(cut(senders.len()));
    let mut targets = receivers(network, most.saturating_mul(FULL));
    targets.truncate(cut(targets.len()));
    for mut more in [services(network), hosts(network)] {
        more.truncate(cut(more.len()));
        targets.extend(more);
    }
    for from in &senders {
        targets.iter().filter(|target| target.to != *from).for_each(|target| found.add(from, target));
        let (what, kind, to) = (Arc::from("the internet"), Kind::Internet, Endpoint::Internet);
        found.add(from, &Target { to, what, kind, ports: vec![USUAL], public: false });
    }
    targets.iter().filter(|target| target.public).for_each(|t| found.add(&Endpoint::Internet, t));
    found
}

impl ImpliedFlows {
    fn add(&mut self, from: &Endpoint, target: &Target) {
        self.flows.extend(target.ports.iter().map(|port| Implied {
            what: target.what.clone(),
            kind: target.kind,
            flow: Flow::tcp(from.clone(), target.to.clone(), *port),
        }));
    }
}

/// One sender of each subnet, and the sites.
pub fn senders(network: &Network) -> Vec<Endpoint> {
    let sites = network.inventory.on_premises_sites.iter().map(|site| site_end(site).0);
    places(network).into_iter().chain(sites).collect()
}

/// Somebody at a site, and the ports that answer there.
fn site_end(site: &OnPremisesSite) -> (Endpoint, Vec<u16>) {
    match site.hosts.iter().next() {
        Some(host) => {
            let name = format!("{}/{}", site.id.name(), host.name);
            (Endpoint::Named(name.into()), lows(host.listens.items.iter()))
        }
        None => (Endpoint::Named(site.id.name().into()), Vec::new()),
    }
}

/// What stands in the networks and answers: machines, frontends, application gateways, and the sites.
fn receivers(network: &Network, full: usize) -> Vec<Target> {
    let mut found: Vec<Target> = Vec::new();
    for attachment in &network.attachments {
        if found.len() > full {
            return found;
        }
        let ports = match attachment.kind {
            AttachmentKind::Host(host) => lows(network.inventory.hosts[host].listens.items.iter()),
            AttachmentKind::Frontend(balancer, _) => frontend_ports(network, balancer),
            AttachmentKind::ApplicationGateway(gateway) => {
                let row = &network.inventory.application_gateways[gateway];
                // A listener for certain hosts does not answer who asks by another name.
                if !row.http_listeners.items.iter().any(|listener| listener.host_names.items.is_empty()) {
                    continue;
                }
                let ports = row.frontend_ports.items.iter().filter_map(|p| p.port.known());
                ports.filter_map(|p| u16::try_from(*p).ok()).collect()
            }
            kind if sends(kind)
                && !matches!(kind, AttachmentKind::ServiceNode(_) | AttachmentKind::Compute(_)) =>
            {
                Vec::new()
            }
            _ => continue,
        };
        let Some(to) = endpoint(network, owner(network, attachment)) else { continue };
        let ports = if ports.is_empty() { written(network, attachment) } else { ports };
        push(&mut found, to, ports, !attachment.public_ip.is_none());
    }
    for (id, balancer) in network.inventory.load_balancers.rows() {
        let public =
            balancer.frontend_ip_configurations.iter().any(|f| f.public_ip_address.known().is_some());
        let slot = Slot { table: TableTag::LoadBalancer, row: id.raw() };
        if let (true, Some(to)) = (public, endpoint(network, slot)) {
            push(&mut found, to, frontend_ports(network, id), true);
        }
    }
    let first = first_senders(network);
    for (id, subnet) in stations(network) {
        if first[id.index()].is_none()
            && let Some(to) = whole(network, id, subnet)
        {
            let group = network.subnet(id).nsg.row();
            push(&mut found, to, group.map(|group| let_in(network, group)).unwrap_or_default(), false);
        }
    }
    for site in network.inventory.on_premises_sites.iter() {
        let (to, ports) = site_end(site);
        push(&mut found, to, ports, false);
    }
    found
}

/// Adds a place; what it is reached by in two ways stays one.
fn push(found: &mut Vec<Target>, to: Endpoint, ports: Vec<u16>, public: bool) {
    let mut ports = if ports.is_empty() { vec![USUAL] } else { ports };
    if let Some(known) = found.iter_mut().find(|known| known.to == to) {
        known.public |= public;
        return;
    }
    ports.sort_unstable();
    ports.dedup();
    ports.truncate(PORTS);
    let what: Arc<str> = to.to_string().into();
    found.push(Target { to, what, kind: Kind::Place, ports, public });
}

fn frontend_ports(network: &Network, balancer: Id<LoadBalancer>) -> Vec<u16> {
    let rules = network.inventory.load_balancers[balancer].load_balancing_rules.items.iter();
    let ports = rules.filter_map(|rule| rule.frontend_port.known()).filter_map(|p| u16::try_from(*p).ok());
    ports.filter(|port| *port != 0).collect()
}

/// The ports that rules in front of a place let in.
fn written(network: &Network, attachment: &Attachment) -> Vec<u16> {
    let groups = [attachment.nsg.row(), network.subnet(attachment.subnet).nsg.row()];
    groups.into_iter().flatten().flat_map(|group| let_in(network, group)).collect()
}

fn let_in(network: &Network, group: Id<Nsg>) -> Vec<u16> {
    let rules = network.inventory.nsgs[group].security_rules.items.iter();
    let open = rules.filter(|rule| {
        rule.direction.known() == Some(&Direction::Inbound) && rule.access.known() == Some(&Access::Allow)
    });
    lows(open.flat_map(|rule| rule.destination_ports.items.iter()))
}

/// The first port of each range that is not all there are.
fn lows<'a>(ranges: impl Iterator<Item = &'a PortRange>) -> Vec<u16> {
    ranges.filter(|range| **range != PortRange::ALL).map(|range| range.low.max(1)).collect()
}

/// The endpoints of services that have names.
fn services(network: &Network) -> Vec<Target> {
    let mut found = Vec::new();
    for (id, row) in network.inventory.services.rows() {
        let kind = service_kind(&row.id.kind());
        let copy = |n: usize| kind.and_then(|k| k.endpoints.get(n)).is_some_and(|part| part.is_secondary());
        let hosts = network.names.service_hosts[id.index()].iter().enumerate().filter(|(n, _)| !copy(*n));
        let named = hosts.filter_map(|(n, host)| Some((n, host.clone()?)));
        found.extend(named.filter(|(_, host)| !host.starts_with('*')).map(|(number, host)| {
            let part = kind.and_then(|kind| kind.endpoints.get(number));
            service(row, host, part.map_or(USUAL, |part| part.port))
        }));
    }
    found
}

fn service(row: &PlatformService, host: Arc<str>, port: u16) -> Target {
    Target {
        to: Endpoint::Fqdn(host),
        what: row.id.name().into(),
        kind: Kind::Service,
        ports: vec![port],
        public: true,
    }
}

/// Hosts outside that the estate gives names.
fn hosts(network: &Network) -> Vec<Target> {
    let hosts = network.inventory.internet_hosts.iter();
    // What stands in for others is nobody's wish.
    let hosts = hosts.filter(|host| host.at != At::NOWHERE);
    let named = hosts.filter_map(|host| Some((host, host.names.items.iter().find(|n| !n.starts_with('*'))?)));
    let target = |(host, name): (&crate::inventory::InternetHost, &Arc<str>)| {
        let ports = lows(host.listens.items.iter()).into_iter().take(PORTS).collect::<Vec<_>>();
        Target {
            to: Endpoint::Fqdn(name.clone()),
            what: host.id.name().into(),
            kind: Kind::Host,
            ports: if ports.is_empty() { vec![USUAL] } else { ports },
            public: false,
        }
    };
    named.map(target).collect()
}

/// One sender of each subnet; the subnet as such, where nothing in it sends.
pub(super) fn places(network: &Network) -> Vec<Endpoint> {
    let first = first_senders(network);
    let place = |(id, subnet): (Id<Subnet>, &Subnet)| {
        let own = first[id.index()].and_then(|a| endpoint(network, owner(network, a)));
        own.or_else(|| whole(network, id, subnet))
    };
    stations(network).into_iter().filter_map(place).collect()
}

/// Subnets that machines stand in or may be put in. One that holds private endpoints, gateways and the like alone is
/// none, unless its network has no other.
fn stations(network: &Network) -> Vec<(Id<Subnet>, &Subnet)> {
    let mut held = vec![false; network.inventory.subnets.len()];
    let mut sending = vec![false; network.inventory.subnets.len()];
    for attachment in &network.attachments {
        held[attachment.subnet.index()] = true;
        sending[attachment.subnet.index()] |= sends(attachment.kind);
    }
    let usable = |(id, subnet): &(Id<Subnet>, &Subnet)| {
        let special = subnet.id.name().eq_ignore_ascii_case("AzureFirewallManagementSubnet");
        network.subnet(*id).role == SubnetRole::Ordinary && !special
    };
    let subnets: Vec<(Id<Subnet>, &Subnet)> = network.inventory.subnets.rows().filter(usable).collect();
    let free = |id: Id<Subnet>| sending[id.index()] || !held[id.index()];
    let with_room: std::collections::BTreeSet<_> =
        subnets.iter().filter(|(id, _)| free(*id)).map(|(id, _)| network.subnet(*id).vnet).collect();
    let stays = |(id, _): &(Id<Subnet>, &Subnet)| free(*id) || !with_room.contains(&network.subnet(*id).vnet);
    subnets.into_iter().filter(stays).collect()
}

/// The first sender of each subnet, by its number.
fn first_senders(network: &Network) -> Vec<Option<&Attachment>> {
    let mut first = vec![None; network.inventory.subnets.len()];
    for attachment in network.attachments.iter().filter(|a| sends(a.kind)) {
        first[attachment.subnet.index()].get_or_insert(attachment);
    }
    first
}

/// What people call an attachment: the machine behind an interface.
fn owner(network: &Network, attachment: &Attachment) -> Slot {
    let machine = match attachment.kind {
        AttachmentKind::Interface(nic) => machine_of(&network.inventory, nic),
        _ => None,
    };
    // A machine with several interfaces is no place in one network.
    let single = |row: &Id<VirtualMachine>| {
        network.inventory.virtual_machines[*row].network_interfaces.items.len() < 2
    };
    machine
        .filter(single)
        .map_or(attachment.owner, |row| Slot { table: TableTag::VirtualMachine, row: row.raw() })
}

fn sends(kind: AttachmentKind) -> bool {
    matches!(
        kind,
        AttachmentKind::Interface(_)
            | AttachmentKind::Host(_)
            | AttachmentKind::ScaleSet(_)
            | AttachmentKind::Compute(_)
            | AttachmentKind::ServiceNode(_)
    )
}

/// A resource as flows call it: by name where that means one thing, else by id.
pub(super) fn endpoint(network: &Network, slot: Slot) -> Option<Endpoint> {
    let id = network.inventory.id_of(slot)?;
    let full = id.full_name();
    let alone = |name: &str| network.inventory.named(name).len() == 1;
    // A machine and its interface of one name are one endpoint.
    let own =
        alone(id.name()) || (slot.table == TableTag::VirtualMachine && is_one_machine(network, id.name()));
    let name: Arc<str> = match own {
        true => id.name().into(),
        false if alone(&full) => full.into(),
        false => id.as_str().into(),
    };
    Some(Endpoint::Named(name))
}

/// Whether a name that several resources have means one machine with what belongs to it.
fn is_one_machine(network: &Network, name: &str) -> bool {
    let machines = [TableTag::VirtualMachine, TableTag::NetworkInterface];
    let named = network.inventory.named(name);
    let count = |table: TableTag| named.iter().filter(|slot| slot.table == table).count();
    count(TableTag::VirtualMachine) == 1
        && count(TableTag::NetworkInterface) < 2
        && named.iter().all(|slot| machines.contains(&slot.table))
}

/// A subnet as such, where nothing in it sends.
fn whole(network: &Network, id: Id<Subnet>, subnet: &Subnet) -> Option<Endpoint> {
    if network.subnet(id).space.is_empty() {
        return None;
    }
    endpoint(network, Slot { table: TableTag::Subnet, row: id.raw() })
        .or_else(|| Some(Endpoint::Named(subnet.id.as_str().into())))
}
