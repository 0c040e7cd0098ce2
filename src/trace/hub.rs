//! Through Virtual WAN hubs: firewalls of routing intent, other hubs, branches (VWAN).

use super::Cause;
use super::engine::Walk;
use super::model::{HopKind, StepKind, Zone};
use super::state::{Device, End, Next, Place, Session, State, by, of};
use crate::inventory::{AzureFirewall, Id, OnPremisesSite, Slot, TableTag, VirtualHub};
use crate::net::{Header, IpAddr};
use crate::network::HubTarget;
use crate::rules as azure;

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
        let destination = s.header.destination;
        let private = table.is_private(hub, destination) || !self.net.is_public(destination);
        let policy = if private { state.private } else { state.internet };
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
    fn connected_network(
        &self,
        hub: Id<VirtualHub>,
        ip: IpAddr,
    ) -> Option<Id<crate::inventory::VirtualNetwork>> {
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
        let Some(route) = self.net.hubs.choose(hub, &table, destination) else {
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
                if home == hub { Next::Go(Place::Inside(vnet)) } else { Next::Go(Place::Hub(home, false)) }
            }
            HubTarget::Branch(site, home) => {
                s.pass(StepKind::Route, evidence, || format!("{prefix} is a branch"));
                if home == hub { Next::Go(Place::AtSite(site)) } else { Next::Go(Place::Hub(home, false)) }
            }
            HubTarget::Firewall(firewall) if !inspected => {
                s.pass(StepKind::Route, evidence, || {
                    format!("a static route sends {prefix} to the firewall")
                });
                self.through_hub_firewall(s, hub, firewall)
            }
            HubTarget::Firewall(firewall) => self.hub_to_internet(s, hub, firewall),
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
        self.judge_at(s, firewall);
        // Application rules are a proxy: the destination sees the firewall, and the answer finds it again.
        let session = Session {
            device: Device::Hub(hub),
            incoming: before,
            outgoing: s.header,
            stateful: true,
            answered: false,
            name: row.id.name().to_owned(),
        };
        s.sessions.push(session);
        Next::Go(Place::Hub(hub, true))
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
                s.note(StepKind::Return, by(&[azure::PKT_6]), || "the session is known".into());
                Next::Go(Place::Hub(hub, true))
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
        let public = self
            .net
            .tags
            .find("AzureCloud")
            .and_then(|t| self.net.tags.representative(t))
            .unwrap_or(super::INTERNET_CLIENT);
        let before = s.header;
        let after = Header { source: public, ..before };
        let name = self.net.inventory.azure_firewalls[firewall].id.name().to_owned();
        s.assume(None, format!("{public} stands for the public address of `{name}`"));
        s.sessions.push(Session {
            device: Device::Hub(hub),
            incoming: before,
            outgoing: after,
            stateful: true,
            answered: false,
            name,
        });
        s.rewrite(
            StepKind::Translate,
            after,
            of(self.net, Some(slot), &[azure::FW_19, azure::VWAN_10]),
            || format!("source becomes {public}"),
        );
        Next::Go(Place::Public)
    }

    /// The hub of a site that leads towards an address.
    pub(super) fn hub_towards(&self, site: Id<OnPremisesSite>, ip: IpAddr) -> Option<Id<VirtualHub>> {
        let mine = self.net.hubs.sites.iter().filter(|(s, _)| *s == site).map(|(_, h)| *h);
        let mut mine = mine.filter(|h| {
            let hub = &self.net.hubs.hubs[h.index()];
            self.net.hubs.choose(*h, "defaultroutetable", ip).is_some()
                || hub.private.is_some() && self.net.hubs.is_private(*h, ip)
        });
        mine.next()
    }
}
