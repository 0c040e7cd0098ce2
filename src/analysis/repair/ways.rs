//! Ways for a flow: routes, peerings, a way out.

use super::super::change_text::{ChangeText, host_prefix, quoted, target_of};
use super::rules::{slug, unused};
use super::{Case, Means, Proposal};
use crate::inventory::{Id, NetworkInterface, RouteTable, Subnet, VirtualNetwork, VirtualNetworkPeering};
use crate::net::IpAddr;
use crate::network::Network;
use crate::trace::{Hop, HopKind};

impl Case<'_> {
    /// A route past the one that drops, for a tag or an address; at last, no such route.
    pub(super) fn routes(&self) -> Vec<Proposal> {
        let inventory = &self.network.inventory;
        let evidence = &self.blocker.evidence;
        let table = evidence.resource.as_ref().and_then(|id| inventory.row::<RouteTable>(id));
        let (Some(header), Some(table)) = (self.header, table) else { return Vec::new() };
        let id = &inventory.route_tables[table].id;
        let target = target_of(inventory, id);
        let mut found = Vec::new();
        let hop = if self.network.is_public(header.destination) { "Internet" } else { "VnetLocal" };
        for (means, prefix) in self.prefixes(header.destination) {
            let name = self.route_name(table, &prefix);
            let route = format!(
                "{{ name: {}, addressPrefix: {}, nextHopType: {hop} }}",
                quoted(&name),
                quoted(&prefix)
            );
            let mut changes = ChangeText::default();
            changes.append(&target, "routes", &route);
            let text = format!("send {prefix} to {hop} in `{}`", id.name());
            found.push(Proposal::new(means, text, changes).mind("this way passes no firewall"));
        }
        if let Some(route) = &evidence.name {
            let mut changes = ChangeText::default();
            changes.remove(&format!("{target}/{route}"));
            let text = format!("take the route `{route}` out of `{}`", id.name());
            found.push(Proposal::new(Means::Removal, text, changes));
        }
        found
    }

    /// Routes that send the answers to the caller back as they came, past a firewall that never saw the question.
    pub(super) fn straight_back(&self) -> Vec<Proposal> {
        let inventory = &self.network.inventory;
        let Some(header) = self.trace.hops.first().and_then(|hop| hop.header) else { return Vec::new() };
        let back = self.trace.back.as_ref();
        let tables = back.into_iter().flat_map(|b| &b.hops).flat_map(|hop| &hop.steps).filter_map(|step| {
            let id = step.evidence.resource.as_ref()?;
            inventory.row::<RouteTable>(id)
        });
        let Some(table) = tables.into_iter().next() else { return Vec::new() };
        if !self.network.is_public(header.source) {
            return Vec::new();
        }
        let id = &inventory.route_tables[table].id;
        let mut found = Vec::new();
        for (means, prefix) in self.prefixes(header.source) {
            let name = self.route_name(table, &prefix);
            let route = format!(
                "{{ name: {}, addressPrefix: {}, nextHopType: Internet }}",
                quoted(&name),
                quoted(&prefix)
            );
            let mut changes = ChangeText::default();
            changes.append(&target_of(inventory, id), "routes", &route);
            let text = format!("send answers to {prefix} to Internet in `{}`", id.name());
            found.push(Proposal::new(means, text, changes));
        }
        found
    }

    /// A route by which answers pass the firewall that the question came by, or questions the one that answers come by.
    pub(super) fn same_way_back(&self) -> Vec<Proposal> {
        let Some(back) = &self.trace.back else { return Vec::new() };
        let (Some(there), Some(here)) = (self.guard_of(&self.trace.hops), self.guard_of(&back.hops)) else {
            let there = self.guard_of(&self.trace.hops).map(|guard| (guard, true));
            let here = self.guard_of(&back.hops).map(|guard| (guard, false));
            return there.or(here).map(|(guard, answers)| self.by_guard(guard, answers)).unwrap_or_default();
        };
        if there == here { Vec::new() } else { self.by_guard(there, true) }
    }

    /// The private address of the first device on a way that remembers connections.
    fn guard_of(&self, hops: &[Hop]) -> Option<IpAddr> {
        let stateful = |hop: &&Hop| matches!(hop.kind, HopKind::AzureFirewall | HopKind::Appliance);
        let id = hops.iter().find(stateful)?.id.as_ref()?;
        let own = self.network.attachments.iter().find(|a| self.network.inventory.id_of(a.owner) == Some(id));
        own?.address
    }

    /// A route to a device, for answers or for questions.
    fn by_guard(&self, guard: IpAddr, answers: bool) -> Vec<Proposal> {
        let inventory = &self.network.inventory;
        let Some(header) = self.trace.hops.iter().filter_map(|hop| hop.header).next_back() else {
            return Vec::new();
        };
        let (from, to) =
            if answers { (header.destination, header.source) } else { (header.source, header.destination) };
        let subnets = || inventory.subnets.rows().map(|(id, _)| id);
        let Some(subnet) = subnets().find(|id| self.network.subnet(*id).space.contains(from)) else {
            return Vec::new();
        };
        let prefix = self.own_prefix(to);
        let route = |name: &str| {
            format!(
                "{{ name: {}, addressPrefix: {}, nextHopType: VirtualAppliance, nextHopIpAddress: {guard} }}",
                quoted(name),
                quoted(&prefix)
            )
        };
        let mut changes = ChangeText::default();
        let whose = target_of(inventory, &inventory.subnets[subnet].id);
        match self.network.subnet(subnet).route_table.row() {
            Some(table) => {
                let name = self.route_name(table, &prefix);
                changes.append(
                    &target_of(inventory, &inventory.route_tables[table].id),
                    "routes",
                    &route(&name),
                );
            }
            None => {
                let name = unused("through-the-firewall", |name| !inventory.named(name).is_empty());
                let route = route(&format!("to-{}", slug(&prefix)));
                changes.add("routeTables", &format!("{{ name: {name}, routes: [{route}] }}"));
                changes.set(&whose, "routeTable", &name);
            }
        }
        let what = if answers { "answers" } else { "questions" };
        let text = format!("send {what} of `{whose}` to {prefix} by {guard}");
        vec![Proposal::new(Means::Way, text, changes)]
    }

    /// A route table of its own, which leads out, for the subnet of an appliance that gets its own traffic back.
    pub(super) fn out_of_the_loop(&self) -> Vec<Proposal> {
        let inventory = &self.network.inventory;
        let appliance = self.trace.hops.iter().rev().filter_map(|hop| hop.id.as_ref());
        let subnets = appliance.filter_map(|id| {
            let own = |a: &&crate::network::Attachment| inventory.id_of(a.owner) == Some(id);
            self.network.attachments.iter().find(own).map(|a| a.subnet)
        });
        let routed = |subnet: &Id<Subnet>| self.network.subnet(*subnet).route_table.row().is_some();
        let Some(subnet) = subnets.into_iter().find(routed) else { return Vec::new() };
        let mut changes = ChangeText::default();
        let target = target_of(inventory, &inventory.subnets[subnet].id);
        changes.set(&target, "routeTable", "null");
        let text = format!("take the route table away from `{target}`, where the appliance stands");
        vec![Proposal::new(Means::Way, text, changes)]
    }

    /// The gateway of a peered network, for a spoke that has none.
    pub(super) fn remote_gateways(&self) -> Vec<Proposal> {
        let inventory = &self.network.inventory;
        let networks = [self.vnet(), self.answering_vnet()];
        let mut found = Vec::new();
        for own in networks.into_iter().flatten() {
            let id = &inventory.virtual_networks[own].id;
            for (number, peering) in inventory.peerings.rows() {
                let other = reverse(self.network, number);
                let uses = peering.use_remote_gateways.is(true);
                let (Some(other), false) = (other, uses || peering.id.parent().as_ref() != Some(id)) else {
                    continue;
                };
                let (target, there) =
                    (target_of(inventory, &peering.id), target_of(inventory, &inventory.peerings[other].id));
                let mut changes = ChangeText::default();
                changes.set(&target, "useRemoteGateways", "true");
                if !inventory.peerings[other].allow_gateway_transit.is(true) {
                    changes.set(&there, "allowGatewayTransit", "true");
                }
                let text = format!("let `{}` use the gateway behind the peering `{target}`", id.name());
                found.push(Proposal::new(Means::Setting, text, changes));
            }
        }
        found
    }

    /// Learnt routes, for a subnet whose table keeps them out.
    pub(super) fn propagation(&self) -> Vec<Proposal> {
        let inventory = &self.network.inventory;
        let networks = [self.vnet(), self.answering_vnet()];
        let subnets = inventory.subnets.rows().map(|(id, _)| id);
        let near = subnets.filter(|id| networks.contains(&Some(self.network.subnet(*id).vnet)));
        let mut tables: Vec<Id<RouteTable>> =
            near.filter_map(|id| self.network.subnet(id).route_table.row()).collect();
        tables.sort();
        tables.dedup();
        tables.retain(|table| inventory.route_tables[*table].disable_bgp_route_propagation.is(true));
        let propose = |table: Id<RouteTable>| {
            let id = &inventory.route_tables[table].id;
            let mut changes = ChangeText::default();
            changes.set(&target_of(inventory, id), "disableBgpRoutePropagation", "false");
            let text = format!("let learnt routes into `{}`", id.name());
            Proposal::new(Means::Setting, text, changes)
        };
        tables.into_iter().map(propose).collect()
    }

    /// The network that answers.
    fn answering_vnet(&self) -> Option<Id<VirtualNetwork>> {
        let to = self.trace.hops.iter().filter_map(|hop| hop.header).next_back()?.destination;
        let mut subnets = self.network.inventory.subnets.rows().map(|(id, _)| id);
        subnets.find(|id| self.network.subnet(*id).space.contains(to)).map(|id| self.network.subnet(id).vnet)
    }

    fn prefixes(&self, ip: IpAddr) -> Vec<(Means, String)> {
        let mut tags = if self.network.is_public(ip) { self.tags(ip) } else { Vec::new() };
        // `Internet` is a word of rules, not of routes; there it is a prefix.
        tags.iter_mut().filter(|tag| *tag == "Internet").for_each(|tag| "0.0.0.0/0".clone_into(tag));
        let tags = tags.into_iter().map(|tag| (Means::ServiceTag, tag));
        tags.chain(self.real(ip).map(|ip| (Means::Address, host_prefix(ip)))).collect()
    }

    fn route_name(&self, table: Id<RouteTable>, prefix: &str) -> String {
        let routes = &self.network.inventory.route_tables[table].routes.items;
        unused(&format!("to-{}", slug(prefix)), |name| {
            routes.iter().any(|r| r.name.eq_ignore_ascii_case(name))
        })
    }

    /// The switch of an appliance's interface.
    pub(super) fn ip_forwarding(&self) -> Vec<Proposal> {
        let inventory = &self.network.inventory;
        let hop = self.trace.hops.get(self.blocker.hop).and_then(|hop| hop.id.as_ref());
        let ids = [self.blocker.evidence.resource.as_ref(), hop];
        let nic = ids.into_iter().flatten().find_map(|id| inventory.row::<NetworkInterface>(id));
        let Some(nic) = nic else { return Vec::new() };
        let target = target_of(inventory, &inventory.network_interfaces[nic].id);
        let mut changes = ChangeText::default();
        changes.set(&target, "enableIPForwarding", "true");
        vec![Proposal::new(Means::Setting, format!("turn on IP forwarding of `{target}`"), changes)]
    }

    /// The other side of a peering, or the switch that is off.
    pub(super) fn peerings(&self) -> Vec<Proposal> {
        use crate::trace::Cause;
        let inventory = &self.network.inventory;
        let resource = self.blocker.evidence.resource.as_ref();
        let peering = resource.and_then(|id| inventory.row::<VirtualNetworkPeering>(id));
        let Some(peering) = peering else { return Vec::new() };
        let row = &inventory.peerings[peering];
        let target = target_of(inventory, &row.id);
        let mut changes = ChangeText::default();
        let text = match self.blocker.cause {
            Cause::PeeringNoAccess => {
                changes.set(&target, "allowVirtualNetworkAccess", "true");
                if let Some(reverse) = reverse(self.network, peering) {
                    changes.set(
                        &target_of(inventory, &inventory.peerings[reverse].id),
                        "allowVirtualNetworkAccess",
                        "true",
                    );
                }
                format!("give virtual network access over the peering `{target}`")
            }
            Cause::ForwardedTrafficDropped => {
                changes.set(&target, "allowForwardedTraffic", "true");
                format!("accept forwarded traffic over the peering `{target}`")
            }
            _ => {
                let Some(own) = row.id.parent() else { return Vec::new() };
                let remote = row.remote_virtual_network.known().and_then(|r| inventory.follow(r).row());
                let Some(remote) = remote else { return Vec::new() };
                let remote = target_of(inventory, &inventory.virtual_networks[remote].id);
                match reverse(self.network, peering) {
                    Some(reverse) => {
                        let reverse = &inventory.peerings[reverse];
                        for side in [row, reverse].iter().filter(|side| !side.peering_state.is_absent()) {
                            changes.set(&target_of(inventory, &side.id), "peeringState", "Connected");
                        }
                        format!("connect the peering `{target}` again, both sides")
                    }
                    None => {
                        if !row.peering_state.is_absent() {
                            changes.set(&target, "peeringState", "Connected");
                        }
                        let item = format!(
                            "{{ name: to-{}, remoteVirtualNetwork: {} }}",
                            slug(own.name()),
                            quoted(own.as_str())
                        );
                        changes.append(&remote, "virtualNetworkPeerings", &item);
                        format!("peer `{remote}` back with `{}`", own.name())
                    }
                }
            }
        };
        vec![Proposal::new(Means::Setting, text, changes)]
    }

    /// A peering with the network that holds the destination, both sides.
    pub(super) fn new_peering(&self) -> Vec<Proposal> {
        let (Some(header), Some(own)) = (self.header, self.vnet()) else { return Vec::new() };
        let network = self.network;
        let holds = |vnet: &Id<VirtualNetwork>| network.vnet(*vnet).space.contains(header.destination);
        let mut remotes = network.inventory.virtual_networks.rows().map(|(id, _)| id).filter(holds);
        let (Some(remote), None) = (remotes.next(), remotes.next()) else { return Vec::new() };
        if remote == own || network.vnet(own).space.meets(&network.vnet(remote).space) {
            return Vec::new();
        }
        let id = |vnet: Id<VirtualNetwork>| &network.inventory.virtual_networks[vnet].id;
        let mut changes = ChangeText::default();
        for (from, to) in [(own, remote), (remote, own)] {
            let item = format!(
                "{{ name: to-{}, remoteVirtualNetwork: {} }}",
                slug(id(to).name()),
                quoted(id(to).as_str())
            );
            changes.append(&target_of(&network.inventory, id(from)), "virtualNetworkPeerings", &item);
        }
        let text = format!("peer `{}` with `{}`", id(own).name(), id(remote).name());
        vec![Proposal::new(Means::Way, text, changes)]
    }

    /// A NAT gateway for the subnet the flow leaves from.
    pub(super) fn outbound_methods(&self) -> Vec<Proposal> {
        let Some(subnet) = self.leaving().or_else(|| self.subnet()) else { return Vec::new() };
        let inventory = &self.network.inventory;
        let row = &inventory.subnets[subnet];
        let target = target_of(inventory, &row.id);
        let name = unused("nat-out", |name| !inventory.named(name).is_empty());
        let mut changes = ChangeText::default();
        changes.add(
            "publicIPAddresses",
            &format!("{{ name: {name}-ip, sku: Standard, publicIPAllocationMethod: Static }}"),
        );
        changes.add("natGateways", &format!("{{ name: {name}, publicIpAddresses: [{name}-ip] }}"));
        changes.set(&target, "natGateway", &name);
        let text = format!("give `{target}` a NAT gateway");
        vec![Proposal::new(Means::Way, text, changes)]
    }

    /// The subnet of the last address inside the estate that the flow had as its source.
    fn leaving(&self) -> Option<Id<Subnet>> {
        let source = self.header?.source;
        let subnets = self.network.inventory.subnets.rows();
        let mut holding =
            subnets.map(|(id, _)| id).filter(|id| self.network.subnet(*id).space.contains(source));
        match (holding.next(), holding.next()) {
            (Some(one), None) => Some(one),
            _ => None,
        }
    }
}

/// The other side's object of a peering.
fn reverse(network: &Network, peering: Id<VirtualNetworkPeering>) -> Option<Id<VirtualNetworkPeering>> {
    let links = network.vnets.iter().flat_map(|vnet| &vnet.links);
    links.into_iter().find(|link| link.peering == peering).and_then(|link| link.reverse)
}
