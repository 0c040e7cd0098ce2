//! Who is asked about: the workloads of an estate with what the catalogue says they need.

use super::{Need, Use, Weight, Workload};
use crate::analysis::implied::{self, Implied, Kind as Reached};
use crate::analysis::needs::{self, NeededFlow};
use crate::catalogue::{Actor, Catalogue, Workload as Kind};
use crate::diag::At;
use crate::inventory::{Field, Id, NetworkInterface, Slot, TableTag};
use crate::network::{AttachmentKind, Network, machine_of};
use crate::trace::{self, Endpoint, Flow, Origin};
use std::sync::Arc;

/// Workloads and what they need.
#[derive(Clone, Debug, Default)]
pub struct Subjects {
    /// The workloads.
    pub workloads: Vec<Workload>,
    /// Their needs.
    pub needs: Vec<Need>,
    /// What was left out, and why.
    pub remarks: Vec<String>,
    /// Whether there is more that could break than is asked about.
    pub partial: bool,
}

/// Whom to ask about, where the estate does not tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Who {
    /// Where people work; nowhere means wherever the estate has a place for them.
    pub clients: Vec<String>,
    /// Resources that are workloads and do not say so.
    pub workloads: Vec<(String, Actor)>,
    /// Whether to ask what the estate's resources imply, although some of its workloads have known needs.
    pub implied: bool,
}

/// So many places of people are asked about; more would say the same.
const PEOPLE: usize = 3;

impl Subjects {
    /// The workloads of an estate. People are where somebody says; otherwise on its machines and in its offices, or
    /// else somewhere on the internet. Where no need is known of anything in its networks, it is asked what its resources
    /// imply.
    pub fn of_estate(catalogue: &Catalogue, network: &Network, who: &Who) -> Self {
        let mut subjects = Self::default();
        let has_workspace = network
            .inventory
            .services
            .iter()
            .any(|service| service.id.is_kind("Microsoft.MachineLearningServices/workspaces"));
        let found = needs::workloads(network);
        if has_workspace || !who.clients.is_empty() {
            subjects.people(catalogue, network, &who.clients);
        }
        let named = who.workloads.iter().map(|(name, actor)| needs::named(network, name, *actor));
        for workload in found.into_iter().chain(named) {
            let slot = workload.slot;
            // A name that several resources have is asked by id, and still read by name.
            let name = match slot.and_then(|slot| network.inventory.id_of(slot)) {
                Some(id) => id.name().into(),
                None => workload.name.clone(),
            };
            let name = match workload.actor {
                Actor::AmlManagedService => format!("profiling by {name}").into(),
                _ => name,
            };
            let row = Workload {
                name,
                kind: label(workload.actor).into(),
                resource: slot.and_then(|slot| network.inventory.id_of(slot)).cloned(),
                at: slot.map_or(At::NOWHERE, |slot| network.inventory.at_of(slot)),
            };
            subjects.add(catalogue, row, &needs::needs(catalogue, network, &workload));
        }
        let known = subjects.sends_from_inside(network);
        if who.implied || !known {
            subjects.implied(network, known);
        }
        subjects
    }

    /// Whether a flow starts in a network of the estate.
    fn sends_from_inside(&self, network: &Network) -> bool {
        let inside = |flow: &Flow| {
            let origin = trace::understand(network, flow).map(|question| question.origin);
            matches!(origin, Ok(Origin::Attachment(_) | Origin::Subnet(..) | Origin::Managed(..)))
        };
        self.needs.iter().flat_map(|need| &need.flows).any(inside)
    }

    /// What the resources of the estate imply, each sender a workload.
    fn implied(&mut self, network: &Network, known: bool) {
        let found = implied::implied(network);
        if found.flows.is_empty() {
            return;
        }
        for Implied { what, kind, flow } in found.flows {
            let name: Arc<str> = flow.from.to_string().into();
            let is = |w: &Workload| w.name == name && &*w.kind == SENDER;
            let workload = self.workloads.iter().position(is).unwrap_or_else(|| {
                self.workloads.push(sender(network, &flow.from, name));
                self.workloads.len() - 1
            });
            let word = match kind {
                Reached::Place => "place",
                Reached::Service => "service",
                Reached::Host => "host",
                Reached::Internet => "internet",
            };
            let id: Arc<str> = match kind {
                Reached::Internet => "implied.internet".into(),
                Reached::Place => format!("implied.{word}.{what}:{}", flow.port).into(),
                _ => format!("implied.{word}.{what}").into(),
            };
            match self.needs.iter_mut().find(|need| need.workload == workload && need.id == id) {
                Some(need) => need.flows.push(flow),
                None => self.needs.push(Need {
                    workload,
                    id,
                    dependency: what,
                    uses: Vec::new(),
                    flows: vec![flow],
                    untraced: None,
                }),
            }
        }
        if !known {
            self.remarks.push(
                "nothing is known of what the machines and subnets need, so every way that the resources imply is asked: from each subnet and site to the services, to the other places, and to the internet; `--workload NAME=KIND` says what something is".into(),
            );
        }
        if found.left_out > 0 {
            self.partial = true;
            self.remarks.push(format!(
                "at least {} more places and services are left out of what the resources imply; a scenario asks about certain ones",
                found.left_out
            ));
        }
    }

    fn people(&mut self, catalogue: &Catalogue, network: &Network, clients: &[String]) {
        let mut places = if clients.is_empty() { places_of_people(network) } else { clients.to_vec() };
        if places.len() > PEOPLE && clients.is_empty() {
            let more = places.split_off(PEOPLE);
            self.remarks.push(format!(
                "people are taken to be at {}; {} more machines and offices are left out, `--client NAME` chooses",
                places.join(", "),
                more.len()
            ));
        }
        if places.is_empty() {
            self.remarks.push(
                "no machine or office is in the estate, so people are taken to be on the internet".into(),
            );
            places.push("internet".into());
        }
        for place in places {
            for actor in [Actor::ClientBrowser, Actor::Client] {
                let workload = needs::named(network, &place, actor);
                let row = Workload {
                    name: format!("{} on {place}", label(actor)).into(),
                    kind: label(actor).into(),
                    resource: workload.slot.and_then(|slot| network.inventory.id_of(slot)).cloned(),
                    at: workload.slot.map_or(At::NOWHERE, |slot| network.inventory.at_of(slot)),
                };
                self.add(catalogue, row, &needs::needs(catalogue, network, &workload));
            }
        }
    }

    fn add(&mut self, catalogue: &Catalogue, workload: Workload, flows: &[NeededFlow<'_>]) {
        let number = self.workloads.len();
        let before = self.needs.len();
        for needed in flows {
            // Where the documents disagree and nothing breaks either way, there is nothing to report.
            if needed.need.disputed.is_some() && needed.need.degrades {
                continue;
            }
            let same = |need: &&mut Need| need.workload == number && need.id == needed.need.id;
            let need = match self.needs.iter_mut().find(same) {
                Some(need) => need,
                None => {
                    self.needs.push(need(catalogue, number, needed));
                    let last = self.needs.len() - 1;
                    &mut self.needs[last]
                }
            };
            match &needed.flow {
                Some(flow) if !need.flows.contains(flow) => need.flows.push(flow.clone()),
                Some(_) => {}
                None => need.untraced = need.untraced.take().or_else(|| needed.note.clone()),
            }
        }
        // What happens outside every network of the estate is nothing a change of it could break.
        let outside =
            |need: &Need| need.flows.is_empty() && catalogue.need(&need.id).is_some_and(|n| n.outside);
        self.needs.retain(|need| need.workload != number || !outside(need));
        if self.needs.len() > before {
            self.workloads.push(workload);
        }
    }
}

/// What senders are called of which nothing else is known.
const SENDER: &str = "sender";

fn sender(network: &Network, from: &Endpoint, name: Arc<str>) -> Workload {
    let slot = match from {
        Endpoint::Named(name) => network.inventory.follow_any(name),
        _ => None,
    };
    Workload {
        name,
        kind: SENDER.into(),
        resource: slot.and_then(|slot| network.inventory.id_of(slot)).cloned(),
        at: slot.map_or(At::NOWHERE, |slot| network.inventory.at_of(slot)),
    }
}

fn need(catalogue: &Catalogue, workload: usize, needed: &NeededFlow<'_>) -> Need {
    let need = needed.need;
    let service = catalogue.service(&need.service).map_or_else(|| need.service.clone(), |s| s.label.clone());
    let port = match need.ports.as_slice() {
        [one] if one.to_string() != "tcp/443" => format!(" {one}"),
        _ => String::new(),
    };
    let weight = if need.degrades || need.feature.is_some() { Weight::Feature } else { Weight::Essential };
    let needed_for: Arc<str> = need.needed_for.join(", ").into();
    let sees = (!need.breaks.is_empty()).then(|| need.breaks.clone());
    let used = |phase: &crate::catalogue::Phase| Use {
        phase: phase.word().into(),
        needed_for: needed_for.clone(),
        sees: sees.clone(),
        weight,
    };
    Need {
        workload,
        id: need.id.clone(),
        dependency: format!("{service}{port}").into(),
        uses: need.phases.iter().map(used).collect(),
        flows: Vec::new(),
        untraced: None,
    }
}

/// What people call an actor.
fn label(actor: Actor) -> &'static str {
    match actor {
        Actor::ClientBrowser => Kind::Studio.word(),
        Actor::Client => "SDK and command line",
        other => other.word(),
    }
}

/// Machines and offices that people could work from: not appliances, not DNS servers.
fn places_of_people(network: &Network) -> Vec<String> {
    let inventory = &network.inventory;
    let mut found = Vec::new();
    for attachment in &network.attachments {
        let person = match attachment.kind {
            AttachmentKind::Interface(nic) => !forwards(network, nic),
            AttachmentKind::Host(host) => {
                let host = &inventory.hosts[host];
                !host.forwards.is(true) && host.dns_forwarding.items.is_empty() && host.identity.is_absent()
            }
            _ => false,
        };
        if person {
            found.push(owner_name(network, attachment.kind, attachment.owner));
        }
    }
    for site in inventory.on_premises_sites.iter() {
        let person = site
            .hosts
            .iter()
            .find(|host| host.listens.items.is_empty() && host.dns_forwarding.items.is_empty());
        found.push(match person {
            Some(host) => format!("{}/{}", site.id.name(), host.name),
            None => site.id.name().to_owned(),
        });
    }
    found.dedup();
    found
}

fn forwards(network: &Network, nic: Id<NetworkInterface>) -> bool {
    let field: &Field<bool> = &network.inventory.network_interfaces[nic].enable_ip_forwarding;
    !field.is_absent() && !field.is(false)
}

/// The machine behind an address, by its name where that means nothing else.
fn owner_name(network: &Network, kind: AttachmentKind, owner: Slot) -> String {
    let inventory = &network.inventory;
    let machine = match kind {
        AttachmentKind::Interface(nic) => machine_of(inventory, nic),
        _ => None,
    };
    let slot = machine.map_or(owner, |row| Slot { table: TableTag::VirtualMachine, row: row.raw() });
    let Some(id) = inventory.id_of(slot) else { return String::new() };
    let same = inventory.named(id.name()).iter().filter(|other| **other != owner).count();
    if same <= 1 { id.name().to_owned() } else { id.as_str().to_owned() }
}
