//! Virtual WAN hubs (VWAN-1 to VWAN-12), as far as random estates have them: default tables, nothing propagated or
//! everything, branches, and routing intent.

use super::facts::{Facts, is_public, net};
use netwhy::inventory::{
    AzureFirewall, HubVirtualNetworkConnection, Id, OnPremisesSite, ResourceId, RoutingIntent, Slot,
    TableTag, VirtualHub, VirtualNetwork,
};
use netwhy::net::{IpAddr, IpNet};

/// Who lies behind a hub, and which hub that is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Known {
    Spoke(Id<VirtualNetwork>, Id<VirtualHub>),
    Site(Id<OnPremisesSite>, Id<VirtualHub>),
}

fn hub_of(f: &Facts, id: &ResourceId) -> Option<Id<VirtualHub>> {
    f.inv.row(&id.ancestor("Microsoft.Network/virtualHubs")?)
}

/// The connection of a network, with its hub.
fn connection<'a>(
    f: &Facts<'a>,
    vnet: Id<VirtualNetwork>,
) -> Option<(&'a HubVirtualNetworkConnection, Id<VirtualHub>)> {
    let mine = f.inv.hub_connections.iter().find(|c| f.row(&c.remote_virtual_network) == Some(vnet))?;
    Some((mine, hub_of(f, &mine.id)?))
}

/// The hubs a site is connected to.
pub(crate) fn hubs_of(f: &Facts, site: Id<OnPremisesSite>) -> Vec<Id<VirtualHub>> {
    let refs = f.inv.on_premises_sites[site].connected_to.iter();
    refs.filter_map(|r| match f.inv.follow_any(&r.text) {
        Some(Slot { table: TableTag::VirtualHub, row }) => Some(Id::new(row as usize)),
        _ => None,
    })
    .collect()
}

/// VWAN-8: the firewall that a hub's routing intent names for private traffic, or for the internet.
pub(crate) fn policy(f: &Facts, hub: Id<VirtualHub>, private: bool) -> Option<Id<AzureFirewall>> {
    let word = if private { "PrivateTraffic" } else { "Internet" };
    let intent: &RoutingIntent = f.inv.routing_intents.iter().find(|i| hub_of(f, &i.id) == Some(hub))?;
    let policy = intent
        .routing_policies
        .iter()
        .find(|p| p.destinations.iter().any(|d| d.eq_ignore_ascii_case(word)))?;
    f.inv.find(&policy.next_hop.known()?.text).row()
}

/// VWAN-9: the RFC 1918 aggregates.
fn aggregates() -> Vec<IpNet> {
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map(net).to_vec()
}

/// Whether a hub takes traffic to an address as private: no estate here lists more than the aggregates.
pub(crate) fn is_private(to: IpAddr) -> bool {
    aggregates().iter().any(|p| p.contains(&to))
}

/// The firewall that looks at traffic to an address: what is private, and what is the internet. A range that the hub
/// knows and nobody listed is neither.
pub(crate) fn inspecting(f: &Facts, hub: Id<VirtualHub>, to: IpAddr) -> Option<Id<AzureFirewall>> {
    let known = known(f, hub).iter().any(|(p, _)| p.prefix_len() > 0 && p.contains(&to));
    match is_private(to) {
        true => policy(f, hub, true),
        false if known || !is_public(to) => None,
        false => policy(f, hub, false),
    }
}

/// The hub of a site that tells it of an address, and the length of the prefix. A hub's default route is not for
/// branches that do not ask for it.
pub(crate) fn announcing(f: &Facts, site: Id<OnPremisesSite>, to: IpAddr) -> Option<(u8, Id<VirtualHub>)> {
    let asked = f.inv.on_premises_sites[site].routes.given;
    let told = |hub: Id<VirtualHub>| {
        let mut lengths: Vec<u8> =
            known(f, hub).iter().filter(|(p, _)| p.contains(&to)).map(|(p, _)| p.prefix_len()).collect();
        if policy(f, hub, true).is_some() {
            lengths.extend(aggregates().iter().filter(|p| p.contains(&to)).map(|p| p.prefix_len()));
        }
        if policy(f, hub, false).is_some() {
            lengths.push(0);
        }
        lengths.into_iter().filter(|length| *length > 0 || asked).max()
    };
    let all: Vec<_> = hubs_of(f, site).into_iter().filter_map(|h| Some((told(h)?, h))).collect();
    let best = all.iter().map(|(length, _)| *length).max();
    all.into_iter().find(|(length, _)| Some(*length) == best)
}

/// What a hub's default table knows (VWAN-1 to VWAN-3).
pub(crate) fn known(f: &Facts, hub: Id<VirtualHub>) -> Vec<(IpNet, Known)> {
    known_to(f, hub, false)
}

/// The same, or what the hub's firewall knows: every network that is connected to its hub.
fn known_to(f: &Facts, hub: Id<VirtualHub>, firewall: bool) -> Vec<(IpNet, Known)> {
    let wan = |h: Id<VirtualHub>| f.row(&f.inv.virtual_hubs[h].virtual_wan);
    let near = |h: Id<VirtualHub>| h == hub || (wan(h).is_some() && wan(h) == wan(hub));
    let mut out = Vec::new();
    for (vnet, _) in f.inv.virtual_networks.rows() {
        let Some((row, home)) = connection(f, vnet).filter(|(_, home)| near(*home)) else { continue };
        let somewhere = !row.propagated_route_tables.is_empty() || !row.propagated_labels.is_empty();
        // VWAN-9: with a private policy the hub knows everybody, whatever they propagate.
        if somewhere && policy(f, hub, true).is_none() && !(firewall && home == hub) {
            continue;
        }
        out.extend(f.prefixes(vnet).iter().map(|p| (*p, Known::Spoke(vnet, home))));
    }
    for (site, row) in f.inv.on_premises_sites.rows() {
        for home in hubs_of(f, site).into_iter().filter(|h| near(*h)) {
            let told = if row.advertises.given { &row.advertises } else { &row.address_prefixes };
            // VWAN-5: a default route does not leave its hub.
            let told = told.iter().filter(|p| p.prefix_len() > 0 || home == hub);
            out.extend(told.map(|p| (*p, Known::Site(site, home))));
        }
    }
    out
}

/// Where a hub sends an address, by its table: longest prefix, then its own before another hub's (VWAN-7).
pub(crate) fn towards(f: &Facts, hub: Id<VirtualHub>, to: IpAddr, past_firewall: bool) -> Option<Known> {
    let home = |k: &Known| match k {
        Known::Spoke(_, home) | Known::Site(_, home) => *home == hub,
    };
    let all = known_to(f, hub, past_firewall).into_iter().filter(|(p, _)| p.contains(&to));
    all.max_by_key(|(p, k)| (p.prefix_len(), home(k))).map(|(_, k)| k)
}

/// What a connected network learns from its hub.
pub(crate) fn learnt(f: &Facts, vnet: Id<VirtualNetwork>) -> Vec<(IpNet, Id<VirtualHub>)> {
    let Some((row, hub)) = connection(f, vnet) else { return Vec::new() };
    let mut out: Vec<IpNet> = match policy(f, hub, true) {
        // VWAN-9: the aggregates, and ranges that nobody listed as they are.
        Some(_) => {
            let listed = |p: &IpNet| p.prefix_len() == 0 || aggregates().iter().any(|a| a.contains(p));
            let unlisted = known(f, hub).into_iter().map(|(p, _)| p).filter(|p| !listed(p));
            aggregates().into_iter().chain(unlisted).collect()
        }
        None => known(f, hub).into_iter().map(|(p, _)| p).collect(),
    };
    let default = net("0.0.0.0/0");
    if policy(f, hub, false).is_some() {
        out.push(default);
    }
    if !row.enable_internet_security.or(true).unwrap_or(true) {
        out.retain(|p| *p != default);
    }
    // VWAN-6: the hub attracts nothing that the network holds itself.
    out.retain(|p| !f.prefixes(vnet).iter().any(|own| own.contains(p)));
    out.into_iter().map(|p| (p, hub)).collect()
}
