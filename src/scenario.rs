//! Scenarios: an estate, flows, and what is expected of them, with variants.
//!
//! Input: a scenario file and, for each flow, a [`Trace`](crate::trace::Trace). Output: one [`Verdict`] for each
//! expectation. A scenario that makes no sense is refused when it is read, with line and nearest spelling, so
//! that an expectation is never passed over. No files here: paths are handed on to the rim.
//!
//! ```yaml
//! netwhy: scenario/1
//! name: web front end
//! estate: estate.yaml
//! flows:
//!   - { name: https in, from: internet, to: web, port: 443, expect: allowed }
//!   - { name: ssh in, from: internet, to: web, port: 22, expect: blocked, cause: NSG_DEFAULT_DENY }
//! variants:
//!   - name: rule removed
//!     changes: [{ remove: web-nsg/allow-https }]
//!     flows: { https in: { expect: blocked, cause: NSG_DEFAULT_DENY } }
//! ```

mod endpoint;
mod evaluate;
mod file;
mod flows;
mod schema;

pub use endpoint::{Asked, EndpointError, endpoint};
pub use evaluate::{Difference, Verdict, evaluate, never_open, noticed, resolved};
pub use file::{VERSION, is_scenario, load};
pub use flows::{Layout, LineError, Lines, Row};
pub use schema::schema;

pub use crate::formats::Word;

use crate::catalogue::Catalogue;
use crate::diag::{At, Code, Diagnostic};
use crate::doc::Node;
use crate::inventory::change::Change;
use crate::inventory::{Inventory, Slot, TableTag};
use crate::net::{IpAddr, Protocol};
use crate::profile::{Profile, ProfileError};
use crate::rules::RuleId;
use crate::services;
use crate::trace::{Cause, Disposition, Endpoint, Flow, Noticed, Outcome};
use std::sync::Arc;

/// Where the estate of a scenario comes from.
#[derive(Clone, Debug)]
pub enum EstatePart {
    /// A file or folder, relative to the scenario file.
    Path(Word),
    /// Sections written in the scenario itself.
    Inline(Node),
}

/// A knob of the profile as a scenario sets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The knob.
    pub knob: Arc<str>,
    /// Its value.
    pub value: String,
    /// Where it is written.
    pub at: At,
}

/// A scenario file.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name; where the file gives none, the caller's.
    pub name: Arc<str>,
    /// What it is about.
    pub description: Option<Arc<str>>,
    /// The estate.
    pub estate: Vec<EstatePart>,
    /// Microsoft's service tag file to use instead of the built-in table.
    pub service_tags: Option<Word>,
    /// Knobs.
    pub settings: Vec<Setting>,
    /// Parameters of templates in the estate.
    pub parameters: Vec<(Word, Node)>,
    /// Changes that hold for the whole scenario.
    pub changes: Vec<Change>,
    /// The semantics rules it exercises.
    pub rules: Vec<RuleId>,
    /// The flows with what is expected of them.
    pub cases: Vec<Case>,
    /// The same with changes.
    pub variants: Vec<Variant>,
    /// Changes one after the other, while flows are established.
    pub then: Vec<Stage>,
}

/// A flow and what is expected of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name, unique in the scenario.
    pub name: Arc<str>,
    /// The name before ports were expanded; variants may use either.
    pub group: Arc<str>,
    /// What it stands for: needs of the [catalogue](crate::catalogue), or ids of a list of one's own.
    pub refs: Vec<Arc<str>>,
    /// Where it is written.
    pub at: At,
    /// What is asked.
    pub question: Question,
    /// When in the life of a workload it happens: create, start, run, scale ...
    pub phase: Option<Arc<str>>,
    /// What does not work without it.
    pub needed_for: Vec<Arc<str>>,
    /// What is expected.
    pub expectation: Expectation,
}

/// A flow as asked for: the port may follow from the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The sender.
    pub from: Endpoint,
    /// The receiver.
    pub to: Endpoint,
    /// The protocol.
    pub protocol: Protocol,
    /// The destination port, where one is given.
    pub port: Option<u16>,
    /// The source port.
    pub source_port: Option<u16>,
    /// The caller's identity.
    pub identity: Option<Arc<str>>,
    /// The action the caller wants.
    pub action: Option<Arc<str>>,
    /// The path of the URL asked for, where it is more than the root.
    pub path: Option<Arc<str>>,
}

/// What is expected of a flow; what is not said is not judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expectation {
    /// The answer.
    pub outcome: Option<Outcome>,
    /// Why it ends.
    pub cause: Option<Cause>,
    /// What decides: `resource/rule`, or the end of it.
    pub decider: Option<Arc<str>>,
    /// How it ends.
    pub disposition: Option<Disposition>,
    /// Hops that come in this order, by name or kind.
    pub via: Vec<Arc<str>>,
    /// Hops that do not come.
    pub not_via: Vec<Arc<str>>,
    /// Addresses the name resolves to.
    pub resolves_to: Vec<IpAddr>,
    /// What the caller notices.
    pub notices: Option<Noticed>,
    /// Where it is written.
    pub at: At,
}

impl Expectation {
    /// Whether nothing is expected.
    pub fn is_empty(&self) -> bool {
        Expectation { at: At::NOWHERE, ..self.clone() } == Expectation::default()
    }
}

/// The scenario with changes of its own.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Its name.
    pub name: Arc<str>,
    /// What it is about.
    pub description: Option<Arc<str>>,
    /// Where it is written.
    pub at: At,
    /// Changes after those of the scenario.
    pub changes: Vec<Change>,
    /// Knobs after those of the scenario.
    pub settings: Vec<Setting>,
    /// What is expected instead, by number of the case.
    pub expectations: Vec<(usize, Expectation)>,
    /// The cases that are looked at; absent means all.
    pub only: Option<Vec<usize>>,
}

/// One step of a sequence: changes made while flows are established.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is written.
    pub at: At,
    /// Changes after those of the scenario and of the steps before.
    pub changes: Vec<Change>,
    /// What is expected of new flows, by number of the case.
    pub expectations: Vec<(usize, Expectation)>,
    /// What is expected of flows that were established before the change.
    pub established: Vec<(usize, Expectation)>,
}

/// One pass over an estate: the scenario as it stands, a variant, or a step of its sequence.
#[derive(Clone, Debug)]
pub struct Pass {
    /// The variant or step; absent for the scenario as it stands.
    pub variant: Option<Arc<str>>,
    /// Where its own changes begin; nowhere for the scenario as it stands.
    pub at: At,
    /// Whether it goes on from the pass before it, as the steps of a sequence do.
    pub follows: bool,
    /// All changes, in order.
    pub changes: Vec<Change>,
    /// All knobs.
    pub profile: Profile,
    /// The cases to trace, with what is expected of each.
    pub cases: Vec<(usize, Expectation)>,
    /// What is expected of flows that were open before the changes of this pass.
    pub established: Vec<(usize, Expectation)>,
    /// The cases that are held open through the sequence, as it stands and from step to step.
    pub held_open: Vec<usize>,
}

impl Scenario {
    /// The passes, in order: as it stands, each variant, each step of the sequence.
    pub fn passes(&self) -> Vec<Pass> {
        let held_open = self.held_open();
        let all = |case: usize| (case, self.cases[case].expectation.clone());
        let mut passes = vec![Pass {
            variant: None,
            at: At::NOWHERE,
            follows: false,
            changes: self.changes.clone(),
            profile: profile(&self.settings),
            cases: (0..self.cases.len()).filter(|c| self.is_asked(*c, &self.settings)).map(all).collect(),
            established: Vec::new(),
            held_open: held_open.clone(),
        }];
        for variant in &self.variants {
            let settings = [&self.settings[..], &variant.settings].concat();
            let named = |case: &usize| variant.expectations.iter().any(|(c, _)| c == case);
            let wanted = |case: &usize| {
                variant.only.as_ref().is_none_or(|only| only.contains(case))
                    && (named(case) || self.is_asked(*case, &settings))
            };
            let own = |case: usize| {
                let own = variant.expectations.iter().find(|(c, _)| *c == case);
                own.cloned().unwrap_or_else(|| all(case))
            };
            passes.push(Pass {
                variant: Some(variant.name.clone()),
                at: variant.changes.first().map_or(variant.at, Change::at),
                follows: false,
                changes: [&self.changes[..], &variant.changes].concat(),
                profile: profile(&settings),
                cases: (0..self.cases.len()).filter(wanted).map(own).collect(),
                established: Vec::new(),
                held_open: Vec::new(),
            });
        }
        let mut changes = self.changes.clone();
        for stage in &self.then {
            changes.extend(stage.changes.iter().cloned());
            passes.push(Pass {
                variant: Some(stage.name.clone()),
                at: stage.changes.first().map_or(stage.at, Change::at),
                follows: true,
                changes: changes.clone(),
                profile: profile(&self.settings),
                cases: stage.expectations.clone(),
                established: stage.established.clone(),
                held_open: held_open.clone(),
            });
        }
        passes
    }

    /// Whether a case is a matter at all in the generation of texts that the settings name: what the catalogue says
    /// was asked for earlier or later only is left out. Where no generation is named, everything is asked.
    fn is_asked(&self, case: usize, settings: &[Setting]) -> bool {
        if !settings.iter().any(|setting| setting.knob.eq_ignore_ascii_case("mlEra")) {
            return true;
        }
        let era = profile(settings).ml_era;
        let refs = self.cases[case].refs.iter();
        let needs: Vec<_> = refs.filter_map(|id| Catalogue::builtin().need(id)).collect();
        needs.is_empty() || needs.iter().any(|need| need.holds_in(era))
    }

    /// The cases of which some step expects something while they are open.
    fn held_open(&self) -> Vec<usize> {
        let mut cases: Vec<usize> =
            self.then.iter().flat_map(|stage| stage.established.iter().map(|(case, _)| *case)).collect();
        cases.sort_unstable();
        cases.dedup();
        cases
    }
}

/// A profile with these settings, which were checked when they were read.
fn profile(settings: &[Setting]) -> Profile {
    let mut profile = Profile::default();
    for setting in settings {
        let _: Result<(), ProfileError> = profile.set(&setting.knob, &setting.value);
    }
    profile
}

/// Tables whose names are DNS names and not places a flow can come from or go to.
const NAME_TABLES: &[TableTag] =
    &[TableTag::PrivateDnsZone, TableTag::DnsZone, TableTag::InternetHost, TableTag::CustomDomain];

impl Question {
    /// The flow, as soon as the estate is known: a dotted word that names a resource means that resource, and
    /// a service without a port means its usual one.
    pub fn flow(&self, name: Option<Arc<str>>, at: At, inventory: &Inventory) -> Result<Flow, Diagnostic> {
        let (from, to) = (settle(&self.from, inventory), settle(&self.to, inventory));
        let port = match self.plain_port() {
            Some(port) => port,
            None => usual_port(&to, inventory).ok_or_else(|| {
                Diagnostic::new(Code::MissingField, at, format!("no port is said for `{to}`"))
                    .help("name the port: `B:443`, a URL, or `port`")
            })?,
        };
        Ok(self.between(name, from, to, port))
    }

    /// The flow, where it takes no estate to know its port. What its dotted words mean is still to be settled.
    pub fn plain_flow(&self, name: Option<Arc<str>>) -> Option<Flow> {
        Some(self.between(name, self.from.clone(), self.to.clone(), self.plain_port()?))
    }

    /// The port that is said; 0 where the protocol has none.
    fn plain_port(&self) -> Option<u16> {
        self.port.or_else(|| (!self.protocol.has_ports()).then_some(0))
    }

    fn between(&self, name: Option<Arc<str>>, from: Endpoint, to: Endpoint, port: u16) -> Flow {
        Flow {
            name,
            from,
            to,
            protocol: self.protocol,
            port,
            source_port: self.source_port,
            identity: self.identity.clone(),
            action: self.action.clone(),
            path: self.path.clone(),
        }
    }
}

fn settle(endpoint: &Endpoint, inventory: &Inventory) -> Endpoint {
    let Endpoint::Fqdn(name) = endpoint else { return endpoint.clone() };
    let place = |slot: &&Slot| !NAME_TABLES.contains(&slot.table);
    match inventory.named(name).iter().find(place) {
        Some(_) => Endpoint::Named(name.clone()),
        None => endpoint.clone(),
    }
}

/// The port a platform service answers on, where the target is one.
fn usual_port(to: &Endpoint, inventory: &Inventory) -> Option<u16> {
    match to {
        Endpoint::Fqdn(name) => services::service_of_host(name).map(|(_, endpoint, _)| endpoint.port),
        Endpoint::Named(text) => {
            let kind = inventory.follow_any(text).and_then(|slot| inventory.id_of(slot))?.kind();
            services::service_kind(&kind)?.endpoints.first().map(|endpoint| endpoint.port)
        }
        Endpoint::Internet | Endpoint::Address(_) => None,
    }
}
