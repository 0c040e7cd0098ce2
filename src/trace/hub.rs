//! Through Virtual WAN hubs: firewalls of routing intent, other hubs, branches (VWAN).

use super::Cause;
use super::engine::Walk;
use super::model::{Evidence, HopKind, StepKind, Zone};
use super::question::Origin;
use super::state::{Device, End, Next, Place, State, by, of};
use crate::inventory::{
    AzureFirewall, Id, LocalRouteOverride, OnPremisesSite, Slot, TableTag, VirtualHub, VirtualNetwork,
};
use crate::net::{Header, IpAddr, IpNet};
use crate::network::HubTarget;
use crate::rules as azure;

/// Address spaces that may be connected to a hub with routing intent (VWAN-14).
const MOST_SPACES: usize = 600;

impl Walk<'_> {
    /// At a hub. `inspected` tells that its firewall has let the flow through.
    pub(super) fn at_hub(&self, s: &mut State, hub: Id<VirtualHub>, inspected: bool) -> Next {
        let row = &self.net.inventory.virtual_hubs[hub];
        let slot = Slot { table: TableTag::VirtualHub, row: hub.raw() };
        s.hop(HopKind::VirtualHub, row.id.name().to_owned(), Some(row.id.clone()), Zone::Azure);
        let table = &self.net.hubs;
        let state = &table.hubs[hub.index()];
        if let Some(unknown) = &state.unknown {
            s.unknown(
                StepKind::Route,
                Cause::UnknownValue,
                unknown,
                of(self.net, Some(slot), &[azure::VWAN_8]),
            );
            return Next::End(End::Stopped);
        }
        if state.spaces > MOST_SPACES && (state.private.is_some() || state.internet.is_some()) {
            let why = format!(
                "{} address spaces are connected to `{}`, and with routing intent {MOST_SPACES} are supported (VWAN-14)",
                state.spaces,
                row.id.name()
            );
            let unknown = crate::inventory::Unknown::new(row.at, why);
            let evidence = of(self.net, Some(slot), &[azure::VWAN_14]);
            s.unknown(StepKind::Route, Cause::UnknownValue, &unknown, evidence);
        }
        let destination = s.header.destination;
        // The answer to what the hub's firewall sent in its own name.
        if let Some(firewall) = self.firewall_of(hub, destination).filter(|_| s.returning && !inspected) {
            return self.through_hub_firewall(s, hub, firewall);
        }
        let private = table.is_private(hub, destination);
        // What the hub knows is not the internet, whatever range it has: unlisted, it bypasses the policies (VWAN-9).
        let bypasses = !private && (table.is_known(hub, destination) || !self.net.is_public(destination));
        let policy = match (private, bypasses) {
            (true, _) => state.private,
            (false, true) => None,
            (false, false) => state.internet,
        };
        if bypasses && state.private.is_some() && !inspected {
            s.note(StepKind::Route, of(self.net, Some(slot), &[azure::VWAN_9]), || {
                format!(
                    "{destination} is in no range that the private policy lists, so it passes the firewall by"
                )
            });
            s.assume(
                None,
                format!(
                    "a range that the private policy of `{}` does not list passes its firewall by (VWAN-9)",
                    row.id.name()
                ),
            );
        }
        if let (Some(firewall), false) = (policy, inspected) {
            s.pass(StepKind::Route, of(self.net, Some(slot), &[azure::VWAN_8, azure::VWAN_9]), || {
                format!(
                    "routing intent sends {} traffic through the hub's firewall",
                    if private { "private" } else { "internet" }
                )
            });
            return self.through_hub_firewall(s, hub, firewall);
        }
        if let (false, true, Some(firewall)) = (private, inspected, policy) {
            return self.hub_to_internet(s, hub, firewall);
        }
        self.by_hub_table(s, hub, slot, inspected)
    }

    /// The network of the files that an address lies in, if it is connected to this hub.
    fn connected_network(&self, hub: Id<VirtualHub>, ip: IpAddr) -> Option<Id<VirtualNetwork>> {
        let here = |v: usize| self.net.hubs.connections[v].as_ref().is_some_and(|c| c.hub == hub);
        (0..self.net.vnets.len()).find(|v| here(*v) && self.net.vnets[*v].space.contains(ip)).map(Id::new)
    }

    fn by_hub_table(&self, s: &mut State, hub: Id<VirtualHub>, slot: Slot, inspected: bool) -> Next {
        let destination = s.header.destination;
        let from = self.connected_network(hub, s.header.source);
        let table = self.net.hubs.table_for(hub, from).to_owned();
        let table = if self.net.hubs.hubs[hub.index()].private.is_some() {
            "defaultroutetable".to_owned()
        } else {
            table
        };
        // Past its firewall a hub leads to whoever is connected, whatever static route led to the firewall.
        let past = if inspected { self.net.hubs.behind_firewall(hub, destination) } else { None };
        let Some(route) = past.or_else(|| self.net.hubs.choose(hub, &table, destination)) else {
            if self.may_be_a_branch(s, hub, slot) {
                return Next::End(End::Stopped);
            }
            // Which table of a hub a packet from another hub is looked up in is not written down (VWAN-3).
            if let Some(other) =
                self.net.hubs.other_table(hub, &table, destination).filter(|_| from.is_none())
            {
                let id = &self.net.inventory.virtual_hubs[hub].id;
                let why = format!(
                    "whether `{}` leads what comes from elsewhere by its table `{other}`, which has a route to {destination}, or by `{table}`, which has none",
                    id.name()
                );
                let unknown = crate::inventory::Unknown::new(self.net.inventory.at_of(slot), why);
                let evidence = of(self.net, Some(slot), &[azure::VWAN_1, azure::VWAN_3]);
                s.unknown(StepKind::Route, Cause::UnknownValue, &unknown, evidence);
                return Next::End(End::Stopped);
            }
            let text = format!("the hub's table `{table}` has no route to {destination}");
            s.block(StepKind::Route, Cause::NoRoute, of(self.net, Some(slot), &[azure::VWAN_1]), text);
            return Next::End(End::Stopped);
        };
        let mut evidence = of(self.net, Some(route.owner), &[azure::VWAN_1, azure::VWAN_7]);
        evidence.at = route.at;
        let prefix = route.prefix;
        match route.target.clone() {
            HubTarget::Connection(vnet, home) => {
                s.pass(StepKind::Route, evidence, || format!("{prefix} is a connected network"));
                match home == hub {
                    true => self.into_connected(s, vnet),
                    false => Next::Go(Place::Hub(home, false)),
                }
            }
            HubTarget::Branch(site, home) => {
                self.between_circuits(s, hub, route.express);
                s.pass(StepKind::Route, evidence, || format!("{prefix} is a branch"));
                if home == hub { Next::Go(Place::AtSite(site)) } else { Next::Go(Place::Hub(home, false)) }
            }
            HubTarget::Firewall(firewall) if !inspected => {
                s.pass(StepKind::Route, evidence, || {
                    format!("a static route sends {prefix} to the firewall")
                });
                self.through_hub_firewall(s, hub, firewall)
            }
            HubTarget::Firewall(firewall) if self.net.is_public(destination) => {
                self.hub_to_internet(s, hub, firewall)
            }
            HubTarget::Firewall(_) if self.may_be_a_branch(s, hub, slot) => Next::End(End::Stopped),
            HubTarget::Firewall(_) => {
                let text = format!("nothing that is connected to the hub holds {destination}");
                s.block(StepKind::Route, Cause::NoRoute, of(self.net, Some(slot), &[azure::VWAN_1]), text);
                Next::End(End::Stopped)
            }
            HubTarget::Appliance(vnet, ip) => {
                s.pass(StepKind::Route, evidence, || {
                    format!("a static route sends {prefix} to the appliance {ip}")
                });
                match self.net.at_address(vnet, ip) {
                    Some(id) => Next::Go(Place::Arrive(id)),
                    None => {
                        let unknown = crate::inventory::Unknown::new(
                            route.at,
                            format!("no resource of the files holds {ip}"),
                        );
                        s.unknown(StepKind::Route, Cause::DanglingReference, &unknown, by(&[azure::VWAN_4]));
                        Next::End(End::Stopped)
                    }
                }
            }
            HubTarget::Unknown(unknown) => {
                s.unknown(StepKind::Route, Cause::DanglingReference, &unknown, evidence);
                Next::End(End::Stopped)
            }
        }
    }

    /// Into a connected network: to its own addresses, or to the appliance that a static route of its connection names
    /// for what is behind it (VWAN-4). A static route that covers the network takes its own addresses, too, unless the
    /// connection bypasses the next hop for them (`vnetLocalRouteOverrideCriteria`).
    fn into_connected(&self, s: &mut State, vnet: Id<VirtualNetwork>) -> Next {
        let destination = s.header.destination;
        let connection = self.net.hubs.connections[vnet.index()].as_ref();
        let Some(connection) = connection else { return Next::Go(Place::Inside(vnet)) };
        let row = &self.net.inventory.hub_connections[connection.row];
        let local = self.net.vnet(vnet).space.contains(destination);
        if local && row.local_override.is(LocalRouteOverride::Equal) {
            return Next::Go(Place::Inside(vnet));
        }
        // An address of the network itself leads to the appliance only by a route that covers the whole network.
        let own = &self.net.inventory.virtual_networks[vnet].address_prefixes;
        let covers = |p: &IpNet| !local || own.iter().any(|o| o.contains(&destination) && p.contains(o));
        let owner = Slot { table: TableTag::HubVirtualNetworkConnection, row: connection.row.raw() };
        let evidence = of(self.net, Some(owner), &[azure::VWAN_4]);
        if let Some(unknown) = &row.static_routes.unknown {
            s.unknown(StepKind::Route, super::filter::cause_of(unknown), unknown, evidence);
            return Next::End(End::Stopped);
        }
        let mut best: Option<(u8, &crate::inventory::StaticVnetRoute)> = None;
        for route in &row.static_routes {
            let fitting = route.address_prefixes.iter().filter(|p| p.contains(&destination) && covers(p));
            if let Some(length) = fitting.map(IpNet::prefix_len).max()
                && best.is_none_or(|(other, _)| length > other)
            {
                best = Some((length, route));
            }
        }
        let Some((_, route)) = best else { return Next::Go(Place::Inside(vnet)) };
        if let Some(unknown) = row.local_override.unknown().filter(|_| local) {
            s.unknown(StepKind::Route, super::filter::cause_of(unknown), unknown, evidence);
            return Next::End(End::Stopped);
        }
        let evidence = Evidence { name: Some(route.name.clone()), at: route.at, ..evidence };
        let held =
            route.next_hop_ip_address.known().and_then(|ip| Some((*ip, self.net.at_address(vnet, *ip)?)));
        match held {
            Some((ip, id)) => {
                s.pass(StepKind::Route, evidence, || {
                    format!("the connection's static route `{}` leads to the appliance {ip}", route.name)
                });
                Next::Go(Place::Arrive(id))
            }
            None => {
                let why =
                    format!("the next hop of the static route `{}` is no resource of the files", route.name);
                let unknown = crate::inventory::Unknown::new(route.at, why);
                s.unknown(StepKind::Route, Cause::DanglingReference, &unknown, evidence);
                Next::End(End::Stopped)
            }
        }
    }

    /// Whether a private address may lie behind a gateway of a hub whose branches no file tells; written down if so.
    fn may_be_a_branch(&self, s: &mut State, hub: Id<VirtualHub>, slot: Slot) -> bool {
        let destination = s.header.destination;
        let unseen = self.net.hubs.unseen[hub.index()].as_ref().filter(|_| !self.net.is_public(destination));
        if let Some(unknown) = unseen {
            let evidence = of(self.net, Some(slot), &[azure::VWAN_2]);
            s.unknown(StepKind::Route, Cause::DanglingReference, unknown, evidence);
        }
        unseen.is_some()
    }

    /// From one ExpressRoute circuit to another a hub carries nothing of its own accord: Global Reach does, or what
    /// support has enabled, and neither is in any file (VWAN-13).
    fn between_circuits(&self, s: &mut State, hub: Id<VirtualHub>, express: bool) {
        if !express || s.returning || !self.net.hubs.over_express_route(hub, s.header.source) {
            return;
        }
        let why = "from one ExpressRoute circuit to another goes over Global Reach, or routing intent with what \
            support has enabled; neither is in the files (VWAN-13)";
        let unknown = crate::inventory::Unknown::new(crate::diag::At::NOWHERE, why);
        s.unknown(StepKind::Route, Cause::UnsupportedResource, &unknown, by(&[azure::VWAN_13]));
    }

    /// The firewall of a hub that has an address there.
    fn firewall_of(&self, hub: Id<VirtualHub>, ip: IpAddr) -> Option<Id<AzureFirewall>> {
        let inventory = &self.net.inventory;
        let here = |f: &AzureFirewall| {
            let own = f.virtual_hub.known().and_then(|r| inventory.follow(r).row());
            own == Some(hub) && f.hub_private_ip_address.is(ip)
        };
        inventory.azure_firewalls.rows().find(|(_, f)| here(f)).map(|(id, _)| id)
    }

    /// FW-29: a hub's firewall judges like any other; the answer must come by it.
    fn through_hub_firewall(&self, s: &mut State, hub: Id<VirtualHub>, firewall: Id<AzureFirewall>) -> Next {
        let row = &self.net.inventory.azure_firewalls[firewall];
        let slot = Slot { table: TableTag::AzureFirewall, row: firewall.raw() };
        s.hop(HopKind::AzureFirewall, row.id.name().to_owned(), Some(row.id.clone()), Zone::Yours);
        if s.returning {
            return self.back_through_hub_firewall(s, hub, slot);
        }
        self.session_begins(s, Device::Hub(hub));
        let before = s.header;
        self.judge_at(s, firewall, &|s| {
            self.seen_as_hub_firewall(s, hub, firewall);
            s.remember(Device::Hub(hub), before, s.header, row.id.name());
            Next::Go(Place::Hub(hub, true))
        })
    }

    /// What the hub's firewall translates on its way to a private destination, by the rules of every firewall (FW-19):
    /// always by an application rule, by a network rule only outside the private ranges of its policy. What goes to
    /// the internet is translated as it leaves.
    fn seen_as_hub_firewall(&self, s: &mut State, hub: Id<VirtualHub>, firewall: Id<AzureFirewall>) {
        let before = s.header;
        let translates = self.translates(s, firewall);
        if !self.net.hubs.is_private(hub, before.destination) {
            let known = self.net.hubs.is_known(hub, before.destination);
            if !translates && !known && self.net.is_public(before.destination) {
                self.kept_private(s, firewall);
            }
            return;
        }
        if !translates {
            return;
        }
        let row = &self.net.inventory.azure_firewalls[firewall];
        let slot = Slot { table: TableTag::AzureFirewall, row: firewall.raw() };
        let evidence = of(self.net, Some(slot), &[azure::FW_19, azure::FW_29]);
        let Some(own) = row.hub_private_ip_address.known().copied() else {
            let why = format!("the private address of `{}`, which the destination sees", row.id.name());
            let unknown = crate::inventory::Unknown::new(row.at, why);
            s.unknown(StepKind::Translate, Cause::UnknownValue, &unknown, evidence);
            return;
        };
        s.rewrite(StepKind::Translate, Header { source: own, ..before }, evidence, || {
            format!("source becomes {own}")
        });
    }

    fn back_through_hub_firewall(&self, s: &mut State, hub: Id<VirtualHub>, slot: Slot) -> Next {
        let header = s.header;
        let known = s
            .sessions
            .iter_mut()
            .rev()
            .find(|x| x.device == Device::Hub(hub) && x.outgoing.reversed() == header);
        match known {
            Some(session) => {
                session.answered = true;
                let after = session.incoming.reversed();
                if after != header {
                    s.rewrite(StepKind::Translate, after, by(&[azure::PKT_6]), || "translated back".into());
                } else {
                    s.note(StepKind::Return, by(&[azure::PKT_6]), || "the session is known".into());
                }
                // What a DNAT rule let in goes back out by the firewall itself.
                match s.origin {
                    Origin::Internet(client) if client == after.destination => Next::Go(Place::Public),
                    _ => Next::Go(Place::Hub(hub, true)),
                }
            }
            None => {
                let text = "the answer reaches the hub's firewall, which never saw the request";
                s.block(
                    StepKind::Return,
                    Cause::AsymmetricReturn,
                    of(self.net, Some(slot), &[azure::ASYM_1]),
                    text,
                );
                Next::End(End::Stopped)
            }
        }
    }

    /// Out of the local hub's firewall to the internet (VWAN-10).
    fn hub_to_internet(&self, s: &mut State, hub: Id<VirtualHub>, firewall: Id<AzureFirewall>) -> Next {
        if s.returning {
            return Next::Go(Place::Public);
        }
        let slot = Slot { table: TableTag::AzureFirewall, row: firewall.raw() };
        let row = &self.net.inventory.azure_firewalls[firewall];
        let known = row.hub_public_ip_addresses.iter().find_map(|a| a.address.known().copied());
        let cloud = || self.net.tags.find("AzureCloud").and_then(|t| self.net.tags.representative(t));
        let public = known.or_else(cloud).unwrap_or(super::INTERNET_CLIENT);
        let before = s.header;
        let after = Header { source: public, ..before };
        let name = row.id.name();
        if known.is_none() {
            s.assume(None, format!("{public} stands for the public address of `{name}`"));
        }
        s.remember(Device::Hub(hub), before, after, name);
        s.rewrite(
            StepKind::Translate,
            after,
            of(self.net, Some(slot), &[azure::FW_19, azure::VWAN_10, azure::VWAN_15]),
            || format!("source becomes {public}"),
        );
        Next::Go(Place::Public)
    }

    /// The hub of a site that leads towards an address, with the length of the prefix it announces. A default route
    /// is taken from a hub only where the site's own routes say so.
    pub(super) fn hub_towards(&self, site: Id<OnPremisesSite>, ip: IpAddr) -> Option<(u8, Id<VirtualHub>)> {
        let table = &self.net.hubs;
        let asked = self.net.inventory.on_premises_sites[site].routes.given;
        let mine = table.sites.iter().filter(|s| s.site == site).map(|s| s.hub);
        let announced = |hub: Id<VirtualHub>| {
            let state = &table.hubs[hub.index()];
            let known = table.choose(hub, "defaultroutetable", ip).map(|r| r.prefix.prefix_len());
            let aggregate = state.private.and_then(|_| table.private_length(hub, ip));
            let default = state.internet.filter(|_| asked).map(|_| 0);
            known.max(aggregate).or(default).filter(|length| *length > 0 || asked)
        };
        let mut best: Option<(u8, Id<VirtualHub>)> = None;
        for (length, hub) in mine.filter_map(|h| Some((announced(h)?, h))) {
            if best.is_none_or(|(known, _)| length > known) {
                best = Some((length, hub));
            }
        }
        best
    }
}
