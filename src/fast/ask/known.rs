//! Flows answered without a network: by stored tables and what is written down beside them.
//!
//! It answers a flow only where everything it takes stands in the [`Directory`], and gives back the others. Whoever asks
//! makes the network then, and an [`super::Asker`] for it, which has the last word.

use super::Parts;
use crate::fast::directory::{Directory, Meant};
use crate::fast::flow::{Aim, Decider, FlowIds, Start, Verdict};
use crate::fast::names::Found;
use crate::fast::tables::{Fast, NOBODY, slot};
use crate::fast::walk::ChosenRoute;
use crate::net::IpAddr;
use crate::trace::{Decision, EPHEMERAL_PORT, Endpoint, Flow, INTERNET_CLIENT, INTERNET_HOST};
use std::sync::Arc;

/// Names and texts that are kept at most.
const MOST_KEPT: usize = 1 << 21;

/// Answers flows by stored tables alone. Each thread has its own.
#[derive(Debug)]
pub struct Known<'n> {
    fast: &'n Fast,
    directory: &'n Directory,
    parts: Parts,
}

impl<'n> Known<'n> {
    /// One that asks these tables.
    pub fn new(fast: &'n Fast, directory: &'n Directory) -> Self {
        Self { fast, directory, parts: Parts::default() }
    }

    /// Forgets names, once they are many. Numbers read before mean nothing afterwards.
    pub fn tidy(&mut self) {
        let names = &self.parts.names;
        if names.texts.len().max(names.found.len()) > MOST_KEPT {
            self.parts = Parts::default();
        }
    }

    /// Reads a flow whose words were settled as far as they can be without a network; `None` where the network must say
    /// what they mean. A dotted word that names a resource is told as [`Endpoint::Named`].
    pub fn read(&mut self, flow: &mut Flow) -> Option<FlowIds> {
        if flow.identity.is_some() || flow.action.is_some() {
            return None;
        }
        let start = self.start(&mut flow.from)?;
        let mut ids = FlowIds {
            start,
            port: if flow.protocol.has_ports() { flow.port } else { 0 },
            source_port: flow.source_port.unwrap_or(EPHEMERAL_PORT),
            protocol: flow.protocol as u8,
            ..FlowIds::NOTHING
        };
        let directory = self.directory;
        match &flow.to {
            Endpoint::Internet => self.address(&mut ids, v4(INTERNET_HOST)?, Aim::Public)?,
            Endpoint::Address(ip) => (ids.destination, ids.aim) = (v4(*ip)?, Aim::Nothing),
            Endpoint::Fqdn(name) => self.name(&mut ids, &name.to_ascii_lowercase())?,
            Endpoint::Named(name) => match directory.meant(name, |own| self.ip_of(own))? {
                Meant::Address(ip, aim) => self.address(&mut ids, ip, aim)?,
                Meant::Name(name) => self.name(&mut ids, name)?,
            },
        }
        Some(ids)
    }

    fn ip_of(&self, own: u32) -> Option<u32> {
        self.is_slot(own).then(|| self.fast.spot(own).ip)
    }

    /// Whether there is such a slot.
    fn is_slot(&self, own: u32) -> bool {
        ((self.fast.slot_line(own)) as usize) < self.fast.lines.len()
    }

    fn start(&self, from: &mut Endpoint) -> Option<Start> {
        let start = match &*from {
            Endpoint::Internet => Start::Internet(self.directory.client().and(v4(INTERNET_CLIENT))?),
            Endpoint::Address(_) => return None,
            Endpoint::Fqdn(name) | Endpoint::Named(name) => {
                let (start, name) = (self.directory.start(name)?, name.clone());
                *from = Endpoint::Named(name);
                start
            }
        };
        let sound = match start {
            Start::Slot(own) => self.is_slot(own),
            Start::Subnet(subnet, _) => subnet < self.fast.subnet_count,
            Start::Internet(_) => true,
            Start::Other => false,
        };
        sound.then_some(start)
    }

    fn address(&self, ids: &mut FlowIds, ip: u32, aim: Aim) -> Option<()> {
        (ids.destination, ids.aim) = (ip, aim);
        if let (Start::Internet(_), Aim::Slot(own)) = (ids.start, aim)
            && let Some(seen) = self.directory.outside(own)
        {
            ids.destination = seen?;
        }
        Some(())
    }

    /// What a name is to the sender: asked once for each network.
    fn name(&mut self, ids: &mut FlowIds, name: &str) -> Option<()> {
        let vnet = match ids.start {
            Start::Slot(own) => match self.fast.slot(own) {
                row if row.has(slot::OWN_DNS) => return None,
                row => row.vnet,
            },
            Start::Internet(_) => NOBODY,
            _ => return None,
        };
        let number = self.parts.names.number(&Arc::from(name));
        let found = match self.parts.names.found.get(&(vnet, number)) {
            Some(found) => *found,
            None => {
                let found = self.look_up(vnet, name);
                self.parts.names.keep_found((vnet, number), found, None);
                found
            }
        };
        let Found::Address { ip, aim, shadow, server } = found else { return None };
        ids.name = number;
        (ids.destination, ids.aim, ids.shadow, ids.server) = (ip, aim, shadow, server);
        Some(())
    }

    fn look_up(&mut self, vnet: u32, name: &str) -> Found {
        match self.directory.name(vnet, name) {
            Some((Found::Address { ip, aim, server, .. }, shadow)) => {
                let shadow = shadow.map_or(NOBODY, |text| self.parts.names.keep(text.map(str::to_owned)));
                Found::Address { ip, aim, shadow, server }
            }
            _ => Found::Doubt,
        }
    }

    /// Answers flows; the verdict of one that only the network can answer stays pending.
    pub fn decide(&mut self, flows: &[FlowIds], verdicts: &mut [Verdict]) {
        let count = flows.len().min(verdicts.len());
        let (flows, verdicts) = (&flows[..count], &mut verdicts[..count]);
        self.walk(flows, None, verdicts);
        self.learn(flows, verdicts);
        self.parts.servers(self.fast, flows, verdicts);
    }

    fn walk(&mut self, flows: &[FlowIds], only: Option<&[u32]>, verdicts: &mut [Verdict]) {
        self.parts.walk(self.fast, flows, only, verdicts, None);
        for ChosenRoute { out, destination, length } in &self.parts.scratch.chosen {
            let verdict = &mut verdicts[*out as usize];
            if let Decider::Route { subnet, route } = &mut verdict.decider {
                match self.directory.route_of(*subnet, *destination, *length) {
                    Some(number) => *route = number,
                    None => *verdict = Verdict::PENDING,
                }
            }
        }
    }

    /// Looks up what firewalls asked about names, and walks those flows again until none asks what is written.
    fn learn(&mut self, flows: &[FlowIds], verdicts: &mut [Verdict]) {
        while !self.parts.scratch.wanted.is_empty() {
            let mut wanted = std::mem::take(&mut self.parts.scratch.wanted);
            wanted.sort_unstable();
            wanted.dedup();
            let mut learnt = false;
            for (firewall, number) in &wanted {
                let name = self.parts.names.name(*number).cloned();
                if let Some(row) = self.directory.application_row(*firewall, name.as_deref()) {
                    self.parts.names.keep_row(*firewall, *number, &row);
                    learnt = true;
                }
            }
            wanted.clear();
            self.parts.scratch.wanted = wanted;
            if !learnt {
                return;
            }
            let again: Vec<u32> =
                (0..flows.len() as u32).filter(|n| verdicts[*n as usize].deferred).collect();
            self.walk(flows, Some(&again), verdicts);
        }
    }

    /// A verdict in words; `None` where they do not stand in the directory, or the verdict is pending.
    pub fn decision(&self, verdict: &Verdict) -> Option<Decision> {
        let &Verdict { outcome, disposition, cause, decider, deferred } = verdict;
        let decider = match (deferred, decider) {
            (true, _) => return None,
            (false, decider) => self.words(decider)?,
        };
        Some(Decision { outcome, disposition, cause, decider })
    }

    fn words(&self, decider: Decider) -> Option<Option<String>> {
        let text = |text: Option<&str>| text.map(|text| Some(text.to_owned()));
        match decider {
            Decider::Nobody => Some(None),
            Decider::Text(number) => {
                let text = self.parts.names.texts.get(number as usize)?;
                Some(text.as_ref().map(|text| text.to_string()))
            }
            Decider::Said(_) => None,
            Decider::Resource(slot) => text(self.directory.resource(slot)),
            Decider::Owner(attachment) => text(self.directory.owner(attachment)),
            Decider::Group { nsg, inbound, rule } => self.directory.group_rule(nsg, inbound, rule).map(Some),
            Decider::Admin { vnet, inbound, rule } => text(self.directory.admin_rule(vnet, inbound, rule)),
            Decider::Route { subnet, route } => self.directory.route(subnet, route),
            Decider::Firewall { firewall, application, rule } => {
                let names = &self.fast.firewalls.get(usize::from(firewall))?.names[usize::from(application)];
                let rule = names.get(rule)?;
                let owner = self.directory.resource(rule.owner)?;
                Some(Some(format!("{owner}/{}/{}", rule.collection, rule.rule)))
            }
        }
    }
}

fn v4(ip: IpAddr) -> Option<u32> {
    match ip {
        IpAddr::V4(ip) => Some(ip.into()),
        IpAddr::V6(_) => None,
    }
}
