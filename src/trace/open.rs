//! Flows that are open while something changes: what becomes of them.
//!
//! Input: a flow that got through one network, and the network after a change. Output: the trace of the open flow's
//! next packet. What asks only about new flows is not asked again - names, network security groups, the load
//! balancer's choice - and what looks at every packet is: routes, peerings, firewalls, private endpoint connections,
//! the service's own rules. A device that keeps state and never saw the flow begin drops it.

use super::Cause;
use super::engine::Walk;
use super::layers::{LayerKind, Layers, Spot};
use super::model::{Flow, StepKind, Trace};
use super::question::{self, Misunderstood, Origin, Target, Wanted};
use super::state::{Arrival, Device, End, State, Terminal, by, of};
use crate::inventory::{Id, PlatformService, ResourceId, Slot, Subnet, TableTag, Unknown};
use crate::net::{Header, IpAddr, Protocol};
use crate::network::{AttachmentId, Network, NextHop};
use crate::rules as azure;
use std::sync::Arc;

/// A flow that got through and stays open, over each equal way it may have taken.
#[derive(Clone, Debug)]
pub struct OpenFlow {
    ways: Vec<Arc<Way>>,
}

/// What has to stay as it is for the flow to go on.
#[derive(Debug)]
pub(super) struct Way {
    /// The address the sender sends to: a name is not resolved again.
    destination: IpAddr,
    /// Whether it goes to its service over a service endpoint.
    by_service_endpoint: bool,
    /// Every resource it passed.
    passed: Vec<ResourceId>,
    /// Devices that keep state and saw it begin.
    devices: Vec<ResourceId>,
    /// The backends it was given to.
    backends: Vec<ResourceId>,
    /// The public address it has outside, and what sends with it.
    public: Option<(ResourceId, IpAddr)>,
    /// The header as the receiver knows it.
    received: Header,
}

/// Follows a new flow; where it gets through, it is open from now on.
pub fn open(network: &Network, flow: &Flow) -> Result<(Trace, Option<OpenFlow>), Misunderstood> {
    let question = question::understand(network, flow)?;
    let walk = Walk { net: network, depth: 0 };
    let ends = walk.all_ends(flow, &question, true);
    let open = walk.remember(&ends);
    Ok((walk.finish(flow, ends), open))
}

/// Follows an open flow after a change. What still gets through is open as before.
pub fn follow(
    network: &Network,
    flow: &Flow,
    open: &OpenFlow,
) -> Result<(Trace, Option<OpenFlow>), Misunderstood> {
    let question = question::understand(network, flow)?;
    let walk = Walk { net: network, depth: 0 };
    let mut ends = Vec::new();
    for way in &open.ways {
        let mut state = State::new(walk.first_header(flow, &question), question.origin.clone(), true);
        state.header.destination = way.destination;
        state.addressed = Some(way.destination);
        state.open = Some(way.clone());
        state.path.clone_from(&flow.path);
        match &question.target {
            Wanted::Name(name) => {
                state.host = Some(name.clone());
                state.target = walk.meant(name);
            }
            Wanted::Address(_, target) => state.target = target.clone(),
            Wanted::Unaddressed(_) => {}
        }
        walk.originate(&mut state);
        state.note(StepKind::Originate, by(&[]), || {
            format!("the flow is open already, to {}: no name is asked again", way.destination)
        });
        if let Wanted::Name(name) = &question.target {
            walk.would_resolve_anew(&mut state, name);
        }
        let first = walk.first_place(&mut state);
        let branches = walk.run(state, first).into_iter();
        ends.extend(branches.flat_map(|(state, end)| walk.judge_end(state, end, flow)));
    }
    let open = walk.remember(&ends);
    Ok((walk.finish(flow, ends), open))
}

impl Walk<'_> {
    /// DNS-20: where the name gives another answer since, the old one remains with whoever asked before, for its TTL.
    fn would_resolve_anew(&self, s: &mut State, name: &Arc<str>) {
        let before = s.header.destination;
        let mut anew = State::new(s.header, s.origin.clone(), false);
        anew.host = Some(name.clone());
        let now = match self.resolve_target(&mut anew, name) {
            true if anew.header.destination == before => return,
            true => format!("is {}", anew.header.destination),
            false => "does not resolve".to_owned(),
        };
        let text = format!(
            "`{name}` {now} by now; who asked before goes on to {before} until the answer's TTL ends (DNS-20)"
        );
        s.note(StepKind::Resolve, by(&[azure::DNS_20]), || text.clone());
        s.warn(text);
    }

    /// The ways of a walk over which the flow got through.
    fn remember(&self, ends: &[(State, End)]) -> Option<OpenFlow> {
        let ways: Vec<_> = ends.iter().filter_map(|(state, end)| self.way(state, end)).collect();
        (!ways.is_empty()).then_some(OpenFlow { ways })
    }

    fn way(&self, s: &State, end: &End) -> Option<Arc<Way>> {
        let End::Arrived(terminal, _) = end else { return None };
        if !s.is_clear() {
            return None;
        }
        let passed: Vec<ResourceId> = s.hops.iter().filter_map(|hop| hop.id.clone()).collect();
        let mut way = Way {
            destination: s.addressed?,
            by_service_endpoint: matches!(terminal, Terminal::Service(Arrival::ServiceEndpoint(..))),
            devices: Vec::new(),
            backends: Vec::new(),
            public: None,
            received: s.header,
            passed,
        };
        for session in &s.sessions {
            let device = self.device(session.device);
            match session.device {
                Device::Inbound(_) => way.backends.extend(device.filter(|id| way.passed.contains(id))),
                Device::Outbound(_) => way.public = device.map(|id| (id, session.outgoing.source)),
                Device::Transit(_) | Device::Hub(_) => way.devices.extend(device),
                Device::Site(_) | Device::Edge => {}
            }
        }
        // A flow keeps its backend when the pool changes, however often it is looked at.
        way.backends.extend(s.open.iter().flat_map(|old| old.backends.clone()));
        Some(Arc::new(way))
    }

    fn device(&self, device: Device) -> Option<ResourceId> {
        let slot = match device {
            Device::Transit(id) | Device::Inbound(id) | Device::Outbound(id) => self.net.attachment(id).owner,
            Device::Hub(hub) => Slot { table: TableTag::VirtualHub, row: hub.raw() },
            Device::Site(_) | Device::Edge => return None,
        };
        self.net.inventory.id_of(slot).cloned()
    }

    /// Whether filters at a place leave the flow alone because it is open (NSG-13). Security admin rules are taken
    /// to keep state as groups do; where the profile says they do not, they are asked about every packet.
    pub(super) fn passes_as_open(&self, s: &mut State, spot: Spot, inbound: bool) -> bool {
        let Some(way) = s.open.clone() else { return false };
        let here = match spot {
            Spot::Attachment(id) => self.net.inventory.id_of(self.net.attachment(id).owner).cloned(),
            Spot::Subnet(_) => None,
        };
        if here.is_some_and(|id| !way.passed.contains(&id)) {
            return false;
        }
        let layers = Layers::of(self.net, spot, &s.header, inbound);
        if layers.layers.iter().any(|l| l.kind == LayerKind::Admin) {
            if !self.net.profile.admin_rules_stateful {
                return false;
            }
            s.assume(
                Some("adminRulesStateful"),
                "security admin rules leave open flows alone, as network security groups do (D-8)",
            );
        }
        if layers.has_group() {
            s.note(StepKind::Filter, by(&[azure::NSG_13]), || {
                "rules of network security groups act on new flows only, and this one is open".into()
            });
        }
        true
    }

    /// SE-8: switching a service endpoint on or off closes the connections to the service.
    pub(super) fn endpoint_switched(
        &self,
        s: &mut State,
        subnet: Id<Subnet>,
        from: Option<AttachmentId>,
        hop: &NextHop,
    ) {
        let Some(way) = s.open.clone().filter(|_| !s.returning) else { return };
        let sender = match (&s.origin, from) {
            (Origin::Attachment(id), Some(from)) => *id == from,
            (Origin::Subnet(own, _), None) => *own == subnet,
            _ => false,
        };
        let on = matches!(hop, NextHop::ServiceEndpoint(_));
        if !sender || on == way.by_service_endpoint {
            return;
        }
        let slot = Slot { table: TableTag::Subnet, row: subnet.raw() };
        let text = match on {
            true => "the service endpoint was switched on: that closes open connections to the service",
            false => "the service endpoint was switched off: that closes open connections to the service",
        };
        s.block(
            StepKind::Route,
            Cause::ServiceEndpointSwitched,
            of(self.net, Some(slot), &[azure::SE_8]),
            text,
        );
    }

    /// A device that keeps state drops what it did not see begin (ASYM-1).
    pub(super) fn session_begins(&self, s: &mut State, device: Device) {
        let Some(way) = s.open.clone() else { return };
        let Some(id) = self.device(device) else { return };
        if !way.devices.contains(&id) {
            let evidence = super::model::Evidence { resource: Some(id.clone()), ..by(&[azure::ASYM_1]) };
            let text = format!("`{}` never saw this flow begin, and drops it", id.name());
            s.block(StepKind::Forward, Cause::SessionNotKnown, evidence, text);
        }
    }

    /// Whether an appliance is the one the flow is already on.
    pub(super) fn is_on(&self, s: &State, id: AttachmentId) -> bool {
        let here = self.net.inventory.id_of(self.net.attachment(id).owner);
        s.open.as_ref().is_some_and(|way| here.is_some_and(|id| way.devices.contains(id)))
    }

    /// The backends that keep an open flow, whether they are in the pool still or not (LB-12).
    pub(super) fn kept_backends(&self, s: &mut State, pool: &[AttachmentId]) -> Option<Vec<AttachmentId>> {
        let way = s.open.clone().filter(|way| !way.backends.is_empty())?;
        let mut kept = Vec::new();
        for number in 0..self.net.attachments.len() {
            let id = AttachmentId(number as u32);
            let row = self.net.attachment(id);
            let own = self.net.inventory.id_of(row.owner);
            if own.is_some_and(|own| way.backends.contains(own)) {
                kept.push(id);
            }
        }
        for id in &kept {
            let name = &self.net.attachment(*id).name;
            if !pool.contains(id) {
                s.note(StepKind::Balance, by(&[azure::LB_12]), || {
                    format!("`{name}` left the pool and keeps the flows it has")
                });
            }
        }
        Some(kept)
    }

    /// Whether an open flow outlives that the probes of its backend are down (LB-3): TCP does, unless every probe of
    /// a Basic balancer's pool is.
    pub(super) fn outlives_probes(&self, s: &mut State, basic: bool, every: bool) -> bool {
        if s.open.is_none() {
            return false;
        }
        let kept = s.header.protocol == Protocol::Tcp && !(basic && every);
        if kept {
            s.note(StepKind::Balance, by(&[azure::LB_3]), || {
                "the probes of its backend are down; the load balancer keeps the TCP flows it has".into()
            });
        }
        kept
    }

    /// The outbound method changed under an open flow: OUT-1 speaks of new flows only.
    /// A NAT gateway resets what it never saw begin (NAT-8), but whether the flow comes to it is not said either.
    pub(super) fn outbound_changed(
        &self,
        s: &mut State,
        from: Option<AttachmentId>,
        public: IpAddr,
        by_nat: bool,
    ) {
        let sender = from.and_then(|id| self.net.inventory.id_of(self.net.attachment(id).owner));
        let before = s.open.as_ref().and_then(|way| way.public.as_ref());
        if before.is_some_and(|(own, before)| Some(own) == sender && *before != public) {
            let why = "what becomes of open flows when the outbound method changes is not documented";
            let unknown = Unknown::new(crate::diag::At::NOWHERE, why);
            let rules: &[_] = if by_nat { &[azure::OUT_1, azure::NAT_8] } else { &[azure::OUT_1] };
            s.unknown(StepKind::Translate, Cause::UnknownValue, &unknown, by(rules));
        }
    }

    /// The receiver knows a connection by its header; one that differs is none of its connections.
    pub(super) fn still_the_same(&self, s: &mut State) {
        let Some(way) = s.open.clone() else { return };
        if s.header != way.received && s.is_clear() {
            let text = format!("the receiver knows this flow as {}, and now gets {}", way.received, s.header);
            s.block(StepKind::Deliver, Cause::SessionNotKnown, by(&[azure::ASYM_1]), text);
        }
    }

    /// In a managed network Microsoft's own rules act; whether open flows outlive a change of them is not documented.
    pub(super) fn managed_rules_changed(&self, s: &mut State, workspace: Id<PlatformService>) -> bool {
        if s.open.is_none() {
            return false;
        }
        let slot = Slot { table: TableTag::PlatformService, row: workspace.raw() };
        let why = "what becomes of open flows when the rules of a managed network change is not documented";
        let unknown = Unknown::new(self.net.inventory.at_of(slot), why);
        s.unknown(StepKind::Filter, Cause::UnknownValue, &unknown, of(self.net, Some(slot), &[azure::AML_5]));
        true
    }

    /// The rule an open flow came in by is gone; only the removal of a backend is documented.
    pub(super) fn balancer_rule_gone(&self, s: &mut State, slot: Slot) -> bool {
        if s.open.is_none() || matches!(s.target, Some(Target::Internet)) {
            return false;
        }
        let why = "what becomes of open flows when a rule of a load balancer is removed is not documented";
        let unknown = Unknown::new(self.net.inventory.at_of(slot), why);
        s.unknown(
            StepKind::Balance,
            Cause::UnknownValue,
            &unknown,
            of(self.net, Some(slot), &[azure::LB_12]),
        );
        true
    }
}
