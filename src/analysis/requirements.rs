//! The smallest allow-list with which flows work, computed from their traces.
//!
//! Input: an estate (raw resources and changes) and the flows that shall work ([`Ask`]). Output: [`Requirements`]: the
//! lines that security groups, firewalls and managed networks need, each with the flows that break without it, the
//! changes that put them in place, and what is left that no line mends.
//!
//! # How
//!
//! 1. Every flow is traced. A trace goes on behind a rule that denies, so it tells every place that decides, whatever
//!    decides there today: the subnet the flow leaves, firewalls, managed networks, the subnet it arrives in.
//! 2. At each place the flow asks for a line: the destination in the best words the place understands (see
//!    [`Selector`]), one protocol, one port.
//! 3. Everything else is denied at these places, and the lines alone are put in. A line without which every flow still
//!    works is dropped, the widest first, until none is left that can be dropped.
//! 4. The rest is put together by destination and protocol. Then each line is taken away once more and every flow
//!    traced: what breaks is its proof ([`Line::breaks`]).
//! 5. With all lines in place every flow is traced a last time. What works then is told by that trace, not by the
//!    reasoning above.
//!
//! Where a route to an appliance makes the tag `VirtualNetwork` hold every address (TAG-2), the documents leave a doubt
//! (D-3). A list that works in one reading alone is no good, so both are tried, and a line stays that either needs.
//!
//! Minimal means that no line can go, not that no other list is shorter: finding that one is a set cover, and its
//! answer would trade a line for wider ones.

mod apply;
mod crossing;
mod prove;
mod select;

pub use apply::changes;
pub(crate) use apply::{FIRST, LAST, STEP, firewall_rules, group_name, nsg_protocol, port_words, rule_name};
pub use crossing::Place;
pub use select::{Prefer, Selector};

use super::change_text::ChangeText;
use crate::diag::{At, Diagnostics};
use crate::inventory::change::{self, Change};
use crate::inventory::{RawResource, ResourceId, build};
use crate::net::{Header, PortRange, PortSet, Protocol};
use crate::network::{Network, compile};
use crate::profile::Profile;
use crate::tags::ServiceTags;
use crate::trace::{Cause, Decision, Flow, Outcome};
use std::sync::Arc;

/// An estate that can be compiled again with changes.
#[derive(Clone, Copy, Debug)]
pub struct Estate<'a> {
    /// Its resources.
    pub raws: &'a [RawResource],
    /// Changes that hold already.
    pub changes: &'a [Change],
    /// The knobs.
    pub profile: &'a Profile,
    /// The service tags.
    pub tags: &'a ServiceTags,
}

impl Estate<'_> {
    /// Compiles it with further changes. Faults of changes of our own are the estate's to tell: they are errors in
    /// `notes`.
    pub fn network(&self, more: &[Change], notes: &mut Diagnostics) -> Network {
        self.network_as(more, self.profile, notes)
    }

    fn network_as(&self, more: &[Change], profile: &Profile, notes: &mut Diagnostics) -> Network {
        let all = [self.changes, more].concat();
        let (raws, _) = change::apply(self.raws, &all, notes);
        compile(build(raws, notes), self.tags.clone(), profile.clone(), notes)
    }
}

/// A flow that shall work.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// Its name for a person.
    pub name: Arc<str>,
    /// The flow.
    pub flow: Flow,
    /// What its destination is an example of: `*.anaconda.org`.
    pub pattern: Option<Arc<str>>,
    /// When it happens.
    pub phase: Option<Arc<str>>,
    /// What it is needed for.
    pub needed_for: Vec<Arc<str>>,
    /// Where it is asked.
    pub at: At,
}

/// Which way a line lets flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Out of the place.
    Outbound,
    /// Into it.
    Inbound,
}

impl Way {
    /// Azure's spelling.
    pub fn word(self) -> &'static str {
        match self {
            Way::Outbound => "Outbound",
            Way::Inbound => "Inbound",
        }
    }
}

/// One line of the allow-list.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Where it has to stand.
    pub place: Place,
    /// Which way.
    pub way: Way,
    /// The other end: the destination of outbound lines, the source of inbound ones.
    pub selector: Selector,
    /// The protocol; absent means those with ports.
    pub protocol: Option<Protocol>,
    /// The ports.
    pub ports: PortSet,
    /// The senders a firewall's rule names, as prefixes; empty elsewhere.
    pub sources: Vec<String>,
    /// Why the other end is named in these words.
    pub why: String,
    /// What could be better than this line.
    pub advice: Option<String>,
    /// Flows it is there for, by number.
    pub serves: Vec<usize>,
    /// Flows that break when it alone is taken away, by number: the proof that it is needed.
    pub breaks: Vec<usize>,
}

impl Line {
    /// Protocol and ports in words: `tcp/80,443`.
    pub fn traffic(&self) -> String {
        let protocol = self.protocol.map_or("any".into(), |p| p.name().to_ascii_lowercase());
        format!("{protocol}/{}", self.ports)
    }
}

/// A flow that no line can let through.
#[derive(Clone, Debug, PartialEq)]
pub struct Unexpressed {
    /// The flow, by number.
    pub ask: usize,
    /// The place that has no words for it.
    pub place: Place,
    /// Why, and what to do instead.
    pub why: String,
}

/// What becomes of a flow.
#[derive(Clone, Debug, PartialEq)]
pub struct Fate {
    /// As the estate stands.
    pub before: Decision,
    /// With everything denied but the lines.
    pub after: Decision,
    /// What stops it even where each of its own lines is there; absent where it works or has none.
    pub hindered: Option<Decision>,
}

impl Fate {
    /// Whether it works with the lines in place.
    pub fn works(&self) -> bool {
        self.after.outcome == Outcome::Allowed
    }

    /// What stops it: no line is kept for a flow that would not get through with it.
    pub fn stopped_by(&self) -> &Decision {
        self.hindered.as_ref().unwrap_or(&self.after)
    }
}

/// The allow-list and all that is known about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirements {
    /// The flows.
    pub asks: Vec<Ask>,
    /// What becomes of each.
    pub fates: Vec<Fate>,
    /// The lines, by place.
    pub lines: Vec<Line>,
    /// Flows that no line can let through.
    pub unexpressed: Vec<Unexpressed>,
    /// Changes that deny everything at these places and put the lines in.
    pub changes: ChangeText,
    /// How often the estate was compiled and how many flows were traced, for the proof.
    pub effort: Effort,
}

/// What the proof took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Estates compiled.
    pub networks: usize,
    /// Flows traced.
    pub traces: usize,
}

impl Requirements {
    /// Flows that do not work with the lines in place although a line could help: something else stops them.
    pub fn still_blocked(&self) -> impl Iterator<Item = (usize, &Fate)> {
        let unexpressed = |ask: usize| self.unexpressed.iter().any(|u| u.ask == ask);
        self.fates.iter().enumerate().filter(move |(ask, fate)| !fate.works() && !unexpressed(*ask))
    }

    /// How many flows work with the lines in place.
    pub fn working(&self) -> usize {
        self.fates.iter().filter(|fate| fate.works()).count()
    }

    /// The places that lines stand at, in order.
    pub fn places(&self) -> Vec<&Place> {
        let mut places: Vec<&Place> = self.lines.iter().map(|line| &line.place).collect();
        places.sort();
        places.dedup();
        places
    }
}

/// Computes the allow-list. Changes that do not fit the estate are errors in `notes`, and then the answer is not to be
/// trusted.
pub fn requirements(
    estate: &Estate<'_>,
    asks: Vec<Ask>,
    prefer: Prefer,
    notes: &mut Diagnostics,
) -> Requirements {
    prove::prove(estate, asks, prefer, notes)
}

/// One flow's wish at one place, before wishes are put together.
#[derive(Clone, Debug, PartialEq)]
struct Wish {
    place: Place,
    way: Way,
    selector: Selector,
    protocol: Protocol,
    ports: PortRange,
    sources: Vec<String>,
    why: String,
    advice: Option<String>,
    asks: Vec<usize>,
    /// Each ask as it comes by the place.
    headers: Vec<(usize, Header)>,
}

impl Wish {
    /// What makes two wishes the same line.
    fn key(&self) -> (&Place, Way, &Selector, Protocol, PortRange) {
        (&self.place, self.way, &self.selector, self.protocol, self.ports)
    }
}

/// What a decision says in a few words.
pub fn told(decision: &Decision) -> String {
    let cause = decision.cause.map_or("", Cause::code);
    match &decision.decider {
        Some(decider) => format!("{} {cause} by {decider}", decision.outcome),
        None => format!("{} {cause}", decision.outcome),
    }
}

/// A resource id in short.
fn short(id: &ResourceId) -> String {
    id.full_name()
}
