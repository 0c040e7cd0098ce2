//! Security admin rules and network security groups (sections 2, 3 and 5 of the rules).

use super::facts::{Bound, Facts, Holder, Tri, is_private, is_public, metadata, platform};
use super::worlds::{Stop, Worlds};
use netwhy::inventory::{
    Access, AddressMeaning, AddressWord, AdminAccess, AdminRule, Asg, Direction, Field, Id, Many,
    NetworkGroup, Nsg, Ref, SecurityRule, Subnet, TableTag, VirtualNetwork,
};
use netwhy::net::{IpAddr, PortRange, Protocol, ProtocolMatch};
use netwhy::network::AttachmentKind;
use netwhy::profile::PeeringAccessMode;
use netwhy::trace::Cause;

/// A packet under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) protocol: Protocol,
    pub(crate) source_port: u16,
    pub(crate) port: u16,
}

impl Packet {
    pub(crate) fn reversed(self) -> Packet {
        Packet {
            source: self.destination,
            destination: self.source,
            source_port: self.port,
            port: self.source_port,
            ..self
        }
    }
}

/// PKT-3: security admin rules, then the group of the interface, then the group of the subnet.
pub(crate) fn outbound(f: &Facts, w: &Worlds, holder: &Holder, packet: &Packet) -> Result<(), Stop> {
    if admin(f, w, holder, Direction::Outbound, packet)? == Admin::Delivered {
        return Ok(());
    }
    let asked = Asked { holder, direction: Direction::Outbound, packet, any_source_port: false };
    let groups = [f.nic_nsg(holder), subnet_nsg(f, holder)];
    if groups.iter().all(|g| matches!(g, Bound::Nothing)) {
        return peering_access(f, w, holder, packet.destination);
    }
    for nsg in groups {
        group(f, w, &nsg, &asked)?;
    }
    Ok(())
}

/// PEER-5, D-18: where no group is, an end drops what its own side of the peering gives no access to, unless
/// the `VirtualNetwork` tag holds it for another reason.
fn peering_access(f: &Facts, w: &Worlds, holder: &Holder, other: IpAddr) -> Result<(), Stop> {
    let platform = matches!(
        holder.kind,
        AttachmentKind::Firewall(_)
            | AttachmentKind::Gateway(_)
            | AttachmentKind::Frontend(..)
            | AttachmentKind::PrivateEndpoint(..)
    );
    let Some(vnet) = f.vnet_of(holder.subnet) else { return Ok(()) };
    let closed = f
        .peers(vnet)
        .into_iter()
        .find(|(peer, side)| f.in_vnet(*peer, other) && side.row.allow_virtual_network_access.is(false));
    let Some((_, side)) = closed else { return Ok(()) };
    // PEER-3: a peer whose space is not known does not hold what another peer holds.
    let holds_it = routes_tag(f, holder.subnet, other);
    let drops = match f.profile.peering_access_mode {
        PeeringAccessMode::ByDate => f.profile.as_of.as_str() < "2024",
        mode => mode == PeeringAccessMode::PlatformDrop,
    };
    if platform || !drops || gateway_holds(f, vnet, other) || holds(w, holds_it) {
        return Ok(());
    }
    Err(Stop { cause: Cause::PeeringNoAccess, decider: Some(side.row.id.full_name()) })
}

/// PKT-4: security admin rules, then the group of the subnet, then the group of the interface.
/// `closed` says that the packet came in through a Standard public address (PIP-1, LB-2).
pub(crate) fn inbound(
    f: &Facts,
    w: &Worlds,
    holder: &Holder,
    packet: &Packet,
    closed: bool,
) -> Result<(), Stop> {
    let endpoint = matches!(holder.kind, AttachmentKind::PrivateEndpoint(..));
    let mut delivered = false;
    if endpoint {
        // NSG-26, PE-6: only where the subnet says so. NSG-27: admin rules never, source ports never.
        let policies = f.inv.subnets[holder.subnet].private_endpoint_network_policies.known();
        if !policies.is_some_and(|p| p.filters()) {
            return Ok(());
        }
    } else {
        delivered = admin(f, w, holder, Direction::Inbound, packet)? == Admin::Delivered;
    }
    let asked = Asked { holder, direction: Direction::Inbound, packet, any_source_port: endpoint };
    let groups = [subnet_nsg(f, holder), f.nic_nsg(holder)];
    if closed && groups.iter().all(|g| matches!(g, Bound::Nothing)) {
        let decider = f.owner(holder).map(|id| id.full_name());
        return Err(Stop { cause: Cause::PublicAddressClosed, decider });
    }
    // SAR-4: it skips the groups and nothing else.
    if delivered {
        return Ok(());
    }
    if groups.iter().all(|g| matches!(g, Bound::Nothing)) {
        return peering_access(f, w, holder, packet.source);
    }
    for nsg in groups {
        group(f, w, &nsg, &asked)?;
    }
    Ok(())
}

/// What the rules of a subnet say to a packet that comes in, without any of an interface.
pub(crate) fn subnet_denies(f: &Facts, w: &Worlds, holder: &Holder, packet: &Packet) -> Result<(), Stop> {
    if admin(f, w, holder, Direction::Inbound, packet)? == Admin::Delivered {
        return Ok(());
    }
    let nsg = subnet_nsg(f, holder);
    if matches!(nsg, Bound::Nothing) {
        return peering_access(f, w, holder, packet.source);
    }
    let asked = Asked { holder, direction: Direction::Inbound, packet, any_source_port: false };
    group(f, w, &nsg, &asked)
}

/// What the group of a subnet alone denies.
pub(crate) fn group_denies(
    f: &Facts,
    w: &Worlds,
    holder: &Holder,
    direction: Direction,
    packet: &Packet,
) -> Result<(), Stop> {
    let nsg = subnet_nsg(f, holder);
    if matches!(nsg, Bound::Nothing) {
        return Ok(());
    }
    group(f, w, &nsg, &Asked { holder, direction, packet, any_source_port: false })
}

/// The group of the subnet, where it acts: NSG-21 firewall, NSG-22 gateway, NSG-23 route server.
fn subnet_nsg(f: &Facts, holder: &Holder) -> Bound<Nsg> {
    let exempt = ["AzureFirewallSubnet", "GatewaySubnet", "RouteServerSubnet"];
    if exempt.iter().any(|name| f.subnet_is(holder.subnet, name)) {
        return Bound::Nothing;
    }
    f.bound(&f.inv.subnets[holder.subnet].network_security_group)
}

/// One question to a rule set.
struct Asked<'a> {
    holder: &'a Holder,
    direction: Direction,
    packet: &'a Packet,
    any_source_port: bool,
}

/// One network security group (NSG-2: first match ends it; NSG-5: a missing one allows).
fn group(f: &Facts, w: &Worlds, nsg: &Bound<Nsg>, asked: &Asked) -> Result<(), Stop> {
    let nsg = match nsg {
        Bound::Nothing => return Ok(()),
        Bound::Unknown(cause) => {
            // Any rules may stand there. NSG-17: none is likely to name the platform's addresses.
            return match w.maybe(*cause) {
                true => Err(Stop::supposed(*cause)),
                false => Ok(()),
            };
        }
        Bound::To(row) => &f.inv.nsgs[*row],
    };
    let to_platform = [platform(), metadata()].contains(&asked.packet.destination);
    if to_platform && asked.direction == Direction::Outbound {
        return platform_rules(f, w, nsg, asked);
    }
    for rule in ordered(nsg, asked.direction) {
        if !holds(w, rule_matches(f, rule, asked)) {
            continue;
        }
        return match rule.access.known() {
            Some(Access::Allow) => Ok(()),
            _ => {
                let decider = format!("{}/{}", nsg.id.full_name(), rule.name);
                Err(Stop { cause: Cause::NsgRuleDeny, decider: Some(decider) })
            }
        };
    }
    defaults(f, w, nsg, asked)
}

/// NSG-17, NSG-18: ordinary rules do not act on the platform's addresses; an outbound deny that names one
/// of the platform's tags does, except on the wire server's ports.
fn platform_rules(f: &Facts, w: &Worlds, nsg: &Nsg, asked: &Asked) -> Result<(), Stop> {
    let packet = asked.packet;
    let wire = packet.destination == platform() && packet.protocol == Protocol::Tcp;
    if wire && (packet.port == 80 || packet.port == 32526) {
        return Ok(());
    }
    for rule in ordered(nsg, asked.direction) {
        let names_platform = rule.destination.iter().any(|word| {
            matches!(&word.means, AddressMeaning::Tag(tag) if tag.to_ascii_lowercase().starts_with("azureplatform"))
        });
        if !names_platform || !holds(w, rule_matches(f, rule, asked)) {
            continue;
        }
        return match rule.access.known() {
            Some(Access::Allow) => Ok(()),
            _ => {
                let decider = format!("{}/{}", nsg.id.full_name(), rule.name);
                Err(Stop { cause: Cause::NsgRuleDeny, decider: Some(decider) })
            }
        };
    }
    Ok(())
}

fn ordered(nsg: &Nsg, direction: Direction) -> Vec<&SecurityRule> {
    let mut rules: Vec<_> = nsg.security_rules.iter().filter(|r| r.direction.is(direction)).collect();
    rules.sort_by_key(|r| r.priority.known().copied());
    rules
}

/// NSG-3: the default rules.
fn defaults(f: &Facts, w: &Worlds, nsg: &Nsg, asked: &Asked) -> Result<(), Stop> {
    let subnet = asked.holder.subnet;
    let both = Tri::all([
        virtual_network_tag(f, subnet, asked.packet.source),
        virtual_network_tag(f, subnet, asked.packet.destination),
    ]);
    if holds(w, both) {
        return Ok(());
    }
    let (open, name) = match asked.direction {
        Direction::Inbound => (asked.packet.source == platform(), "DenyAllInBound"),
        Direction::Outbound => (internet_tag(f, subnet, asked.packet.destination), "DenyAllOutBound"),
    };
    if open {
        return Ok(());
    }
    let decider = format!("{}/defaultSecurityRules/{name}", nsg.id.full_name());
    Err(Stop { cause: Cause::NsgDefaultDeny, decider: Some(decider) })
}

fn holds(w: &Worlds, tri: Tri) -> bool {
    match tri {
        Tri::Yes => true,
        Tri::No => false,
        Tri::Unknown(cause) => w.maybe(cause),
    }
}

fn rule_matches(f: &Facts, rule: &SecurityRule, asked: &Asked) -> Tri {
    let packet = asked.packet;
    let own = f.asgs(asked.holder);
    let (source_asgs, destination_asgs) =
        (asgs_at(f, asked, packet.source, &own), asgs_at(f, asked, packet.destination, &own));
    let subnet = asked.holder.subnet;
    let source_ports = match asked.any_source_port {
        true => Tri::Yes,
        false => port_matches(&rule.source_ports, packet.protocol, packet.source_port),
    };
    Tri::all([
        protocol_matches(&rule.protocol, packet.protocol),
        source_ports,
        port_matches(&rule.destination_ports, packet.protocol, packet.port),
        side_matches(f, subnet, &rule.source, &rule.source_asgs, packet.source, &source_asgs),
        side_matches(
            f,
            subnet,
            &rule.destination,
            &rule.destination_asgs,
            packet.destination,
            &destination_asgs,
        ),
    ])
}

/// ASG-1, ASG-2: the groups of whoever holds an address, in the network of the one whose rules are read.
fn asgs_at(f: &Facts, asked: &Asked, address: IpAddr, own: &[Id<Asg>]) -> Vec<Id<Asg>> {
    if asked.holder.ip == Some(address) {
        return own.to_vec();
    }
    f.holder_at(asked.holder.vnet, address).map(|h| f.asgs(&f.holders[h])).unwrap_or_default()
}

fn protocol_matches(field: &Field<ProtocolMatch>, protocol: Protocol) -> Tri {
    match field {
        Field::Known(set) => Tri::of(set.contains(protocol)),
        Field::Absent => Tri::Yes,
        Field::Unknown(_) => Tri::Unknown(Cause::UnknownValue),
    }
}

/// NSG-10: a rule with a specific port cannot match a protocol without ports.
fn port_matches(ports: &Many<PortRange>, protocol: Protocol, port: u16) -> Tri {
    if !ports.given {
        return Tri::Yes;
    }
    Tri::of(ports.iter().any(|r| r.is_all() || (protocol.has_ports() && r.contains(port))))
}

/// NSG-11: addresses and tags, or application security groups.
fn side_matches(
    f: &Facts,
    subnet: Id<Subnet>,
    words: &Many<AddressWord>,
    asgs: &Many<Ref<Asg>>,
    address: IpAddr,
    member_of: &[Id<Asg>],
) -> Tri {
    if asgs.given {
        return Tri::of(asgs.iter().any(|r| f.inv.follow(r).row().is_some_and(|a| member_of.contains(&a))));
    }
    Tri::any(words.iter().map(|word| word_matches(f, subnet, word, address)))
}

/// Whether an address is meant by a word of a rule that acts in a subnet.
fn word_matches(f: &Facts, subnet: Id<Subnet>, word: &AddressWord, address: IpAddr) -> Tri {
    let name = match &word.means {
        AddressMeaning::Any => return Tri::Yes,
        AddressMeaning::Addresses(set) => return Tri::of(set.contains(address)),
        AddressMeaning::Tag(name) => name.to_ascii_lowercase(),
    };
    match name.as_str() {
        "virtualnetwork" => virtual_network_tag(f, subnet, address),
        "internet" => Tri::of(internet_tag(f, subnet, address)),
        "azureloadbalancer" => Tri::of(address == platform()),
        "azureplatformdns" => Tri::of(address == platform()),
        "azureplatformimds" => Tri::of(address == metadata()),
        "azureplatformlkm" => Tri::No,
        _ => tag_matches(f, &name, address),
    }
}

pub(crate) fn tag_matches(f: &Facts, name: &str, address: IpAddr) -> Tri {
    match f.tag(name) {
        Some(set) => Tri::of(set.contains(address)),
        None => Tri::Unknown(Cause::UnknownServiceTag),
    }
}

/// TAG-1, TAG-2: the `VirtualNetwork` tag as rules that act in this subnet see it.
pub(crate) fn virtual_network_tag(f: &Facts, subnet: Id<Subnet>, address: IpAddr) -> Tri {
    let Some(vnet) = f.vnet_of(subnet) else { return Tri::No };
    if address == platform() || f.in_vnet(vnet, address) {
        return Tri::Yes;
    }
    // PEER-5: this side's flag decides whether the peer's space counts.
    let peers = f
        .peers(vnet)
        .into_iter()
        .filter(|(_, side)| side.row.allow_virtual_network_access.or(true) == Ok(true));
    if peers.into_iter().any(|(peer, _)| f.in_vnet(peer, address)) {
        return Tri::Yes;
    }
    if gateway_holds(f, vnet, address) {
        return Tri::Yes;
    }
    // A peer that is in none of the files may hold a private address.
    let access = |s: &super::facts::Side<'_>| !s.row.allow_virtual_network_access.is(false);
    let unknown = super::routes::unknown_peer(f, vnet, address, access)
        || super::routes::unseen_gateway(f, vnet, address);
    let peer = match unknown {
        true => Tri::Unknown(Cause::DanglingReference),
        false => Tri::No,
    };
    Tri::any([routes_tag(f, subnet, address), peer])
}

/// TAG-1: what gateways, Route Servers and hubs know, and networks joined by a network manager.
fn gateway_holds(f: &Facts, vnet: Id<VirtualNetwork>, address: IpAddr) -> bool {
    super::routes::learnt_prefixes(f, vnet).iter().any(|prefix| prefix.contains(&address))
        || f.joined(vnet).iter().any(|v| f.in_vnet(*v, address))
}

/// TAG-2: what user-defined routes put into the `VirtualNetwork` tag.
fn routes_tag(f: &Facts, subnet: Id<Subnet>, address: IpAddr) -> Tri {
    if !f.profile.udr_prefixes_in_virtual_network_tag {
        return Tri::No;
    }
    let table = match f.bound(&f.inv.subnets[subnet].route_table) {
        Bound::Nothing => return Tri::No,
        Bound::Unknown(cause) => return Tri::Unknown(cause),
        Bound::To(row) => &f.inv.route_tables[row],
    };
    Tri::any(table.routes.iter().map(|route| match route.address_prefix.known().map(|w| &w.means) {
        Some(AddressMeaning::Any) => Tri::Yes,
        Some(AddressMeaning::Addresses(set)) => Tri::of(set.contains(address)),
        // TAG-11: tags hold public addresses only.
        Some(AddressMeaning::Tag(tag)) if is_private(address) && f.tag(tag).is_none() => Tri::No,
        Some(AddressMeaning::Tag(tag)) => tag_matches(f, tag, address),
        None => Tri::Unknown(Cause::UnknownValue),
    }))
}

/// TAG-5: what the public internet carries and no network joined to this one holds. A default route learnt from a
/// branch takes nothing from it (D-3).
pub(crate) fn internet_tag(f: &Facts, subnet: Id<Subnet>, address: IpAddr) -> bool {
    let Some(vnet) = f.vnet_of(subnet) else { return false };
    let open = |s: &super::facts::Side<'_>| !s.row.allow_virtual_network_access.is(false);
    let learnt = super::routes::learnt_prefixes(f, vnet);
    let inside = f.in_vnet(vnet, address)
        || f.peers(vnet).iter().any(|(peer, side)| open(side) && f.in_vnet(*peer, address))
        || f.joined(vnet).iter().any(|v| f.in_vnet(*v, address))
        || learnt.iter().any(|prefix| prefix.prefix_len() > 0 && prefix.contains(&address));
    is_public(address) && !inside
}

#[derive(PartialEq, Eq)]
enum Admin {
    /// No rule, or Allow: the groups are asked.
    GoOn,
    /// AlwaysAllow: the groups are not asked (SAR-2).
    Delivered,
}

/// SAR-1, SAR-2: security admin rules of the network, lower priority first.
fn admin(
    f: &Facts,
    w: &Worlds,
    holder: &Holder,
    direction: Direction,
    packet: &Packet,
) -> Result<Admin, Stop> {
    // SAR-7: subnets of these services are left out.
    let special = ["AzureFirewallSubnet", "GatewaySubnet", "AzureBastionSubnet", "RouteServerSubnet"];
    if special.iter().any(|name| f.subnet_is(holder.subnet, name)) {
        return Ok(Admin::GoOn);
    }
    // SAR-7: and those of application gateways without network isolation.
    let here = |c: &netwhy::inventory::IpConfiguration| f.row(&c.subnet) == Some(holder.subnet);
    let mut gateways = f.inv.application_gateways.iter();
    if gateways.any(|g| !g.enable_network_isolation.is(true) && g.gateway_ip_configurations.iter().any(here))
    {
        return Ok(Admin::GoOn);
    }
    // The platform's addresses are exempt like in NSG-17.
    if direction == Direction::Outbound && [platform(), metadata()].contains(&packet.destination) {
        return Ok(Admin::GoOn);
    }
    let mut rules: Vec<&AdminRule> = f.inv.admin_rules.iter().filter(|r| r.direction.is(direction)).collect();
    rules.retain(|rule| applies_to(f, rule, holder.vnet));
    rules.sort_by_key(|r| r.priority.known().copied());
    for rule in rules {
        let side = |words: &Many<AddressWord>, address| {
            if !words.given {
                return Tri::Yes;
            }
            Tri::any(words.iter().map(|word| word_matches(f, holder.subnet, word, address)))
        };
        let matches = Tri::all([
            protocol_matches(&rule.protocol, packet.protocol),
            port_matches(&rule.source_port_ranges, packet.protocol, packet.source_port),
            port_matches(&rule.destination_port_ranges, packet.protocol, packet.port),
            side(&rule.sources, packet.source),
            side(&rule.destinations, packet.destination),
        ]);
        if !holds(w, matches) {
            continue;
        }
        return match rule.access.known() {
            Some(AdminAccess::Allow) => Ok(Admin::GoOn),
            Some(AdminAccess::AlwaysAllow) => Ok(Admin::Delivered),
            _ => Err(Stop { cause: Cause::AdminRuleDeny, decider: Some(rule.id.full_name()) }),
        };
    }
    Ok(Admin::GoOn)
}

/// Whether security admin rules deny the answer, where they are taken as not stateful (SAR-11, D-8).
pub(crate) fn admin_reply(
    f: &Facts,
    w: &Worlds,
    holder: &Holder,
    direction: Direction,
    packet: &Packet,
) -> Result<(), Stop> {
    match f.profile.admin_rules_stateful {
        true => Ok(()),
        false => admin(f, w, holder, direction, packet).map(|_| ()),
    }
}

/// SAR-3: a rule reaches a network through the groups its collection applies to.
fn applies_to(f: &Facts, rule: &AdminRule, vnet: Id<VirtualNetwork>) -> bool {
    let Some(collection) = rule.id.parent().and_then(|id| f.inv.row(&id)) else { return false };
    let collection: &netwhy::inventory::AdminRuleCollection = &f.inv.admin_rule_collections[collection];
    let groups = collection.applies_to_groups.iter().filter_map(|g| f.row(&g.network_group_id));
    groups.into_iter().any(|group| is_member(f, group, vnet))
}

fn is_member(f: &Facts, group: Id<NetworkGroup>, vnet: Id<VirtualNetwork>) -> bool {
    let row = &f.inv.network_groups[group];
    let id = &f.inv.virtual_networks[vnet].id;
    let leads_here = |text: &str| {
        let slot = f.inv.follow_any(text);
        slot.is_some_and(|s| s.table == TableTag::VirtualNetwork && f.inv.id_of(s) == Some(id))
    };
    let short = row.members.iter().any(|r| leads_here(&r.text));
    let own = f.inv.static_members.iter().filter(|m| m.id.parent().as_ref() == Some(&row.id));
    short || own.into_iter().any(|m| m.resource_id.known().is_some_and(|r| leads_here(&r.text)))
}
