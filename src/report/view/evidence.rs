//! What decided, where it stands, and what came near.

use super::super::locate::{Locator, Quote};
use super::word;
use crate::diag::At;
use crate::trace::{Blocker, Cause, Disposition, Evidence, Missing, NearMiss, Trace};
use serde::{Serialize, Serializer};

/// A cause with its code and meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CauseView {
    /// The stable code.
    #[serde(serialize_with = "code")]
    pub code: Cause,
    /// What it means.
    pub text: &'static str,
}

fn code<S: Serializer>(cause: &Cause, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(cause.code())
}

impl CauseView {
    pub(in crate::report) fn new(cause: Cause) -> Self {
        Self { code: cause, text: cause.what() }
    }
}

/// What decided, and where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceView {
    /// The id of the resource that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The rule, route or record by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Both, short: `nsg/rule`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decider: Option<String>,
    /// The semantics rules that make it decide.
    pub rules: Vec<&'static str>,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The column in characters, from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// JSON pointer into the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Rules looked at before that did not match.
    pub near_misses: Vec<NearMissView>,
}

impl EvidenceView {
    pub(in crate::report) fn new(evidence: &Evidence, locator: &Locator<'_>) -> Self {
        let place = locator.place(evidence.at);
        let place = place.as_deref();
        Self {
            resource: evidence.resource.as_ref().map(|r| r.as_str().to_owned()),
            name: evidence.name.as_deref().map(str::to_owned),
            decider: evidence.decider(),
            rules: evidence.rules.iter().map(|r| r.id()).collect(),
            file: place.map(|p| p.file.clone()),
            line: place.map(|p| p.line),
            column: place.map(|p| p.column),
            pointer: place.and_then(|p| p.pointer.clone()),
            near_misses: evidence.near_misses.iter().map(|m| NearMissView::new(m, locator)).collect(),
        }
    }

    /// A place that nobody decided at.
    pub(in crate::report) fn at(at: At, locator: &Locator<'_>) -> Self {
        Self::new(&Evidence { at, ..Evidence::default() }, locator)
    }

    /// `file:line`.
    pub fn place(&self) -> Option<String> {
        short_place(self.file.as_deref(), self.line)
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.decider.is_none() && self.rules.is_empty() && self.file.is_none() && self.near_misses.is_empty()
    }
}

fn short_place(file: Option<&str>, line: Option<usize>) -> Option<String> {
    Some(format!("{}:{}", file?, line?))
}

/// A rule that was looked at and did not match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NearMissView {
    /// The rule.
    pub name: String,
    /// Its priority.
    pub priority: i64,
    /// `Allow` or `Deny`.
    pub access: &'static str,
    /// Whether the protocol matched; `null` where that is not known, as in the fields below.
    pub protocol: Option<bool>,
    /// Whether the source matched.
    pub source: Option<bool>,
    /// Whether the source port matched.
    pub source_port: Option<bool>,
    /// Whether the destination matched.
    pub destination: Option<bool>,
    /// Whether the destination port matched.
    pub destination_port: Option<bool>,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

impl NearMissView {
    fn new(miss: &NearMiss, locator: &Locator<'_>) -> Self {
        let place = locator.place(miss.at);
        Self {
            name: miss.name.to_string(),
            priority: miss.priority,
            access: if miss.allows { "Allow" } else { "Deny" },
            protocol: miss.protocol,
            source: miss.source,
            source_port: miss.source_port,
            destination: miss.destination,
            destination_port: miss.destination_port,
            file: place.as_ref().map(|p| p.file.clone()),
            line: place.as_ref().map(|p| p.line),
        }
    }

    /// `file:line`.
    pub fn place(&self) -> Option<String> {
        short_place(self.file.as_deref(), self.line)
    }

    /// Each field with what people call it, in the order of a rule.
    pub fn fields(&self) -> [(&'static str, Option<bool>); 5] {
        [
            ("protocol", self.protocol),
            ("source", self.source),
            ("source port", self.source_port),
            ("destination", self.destination),
            ("destination port", self.destination_port),
        ]
    }
}

/// Whether something lies on the way there or on the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Way {
    /// From sender to receiver.
    There,
    /// From receiver to sender.
    Back,
}

/// Something that stops the flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockerView {
    /// Why.
    pub cause: CauseView,
    /// How the flow would end here.
    #[serde(serialize_with = "word")]
    pub disposition: Disposition,
    /// On which way.
    pub way: Way,
    /// The number of the hop on that way, from one.
    pub hop: usize,
    /// One line for a person.
    pub text: String,
    /// What the caller would notice if this were the only blocker.
    pub notices: &'static str,
    /// What decided.
    pub evidence: EvidenceView,
    /// What stands there.
    pub quote: QuoteView,
}

/// Lines of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QuoteView {
    /// The lines.
    pub lines: Vec<QuotedLineView>,
    /// How many lines follow that are not quoted.
    pub more: usize,
}

/// One line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QuotedLineView {
    /// Line number, from one.
    pub line: usize,
    /// Its text.
    pub text: String,
}

impl QuoteView {
    fn new(quote: Quote) -> Self {
        let line = |l: super::super::locate::QuotedLine| QuotedLineView { line: l.line, text: l.text };
        Self { lines: quote.lines.into_iter().map(line).collect(), more: quote.more }
    }

    /// What stands at a place; empty for a place that is nowhere.
    pub fn at(at: At, locator: &Locator<'_>) -> Self {
        if at.is_somewhere() { Self::new(locator.quote(at)) } else { Self::default() }
    }
}

/// On which way each blocker lies and at which hop of it, from zero: hops are numbered on through the way
/// there and the way back.
pub(super) fn places(trace: &Trace) -> Vec<(Way, usize)> {
    let there = trace.hops.len();
    let place = |blocker: &Blocker| match blocker.hop.checked_sub(there) {
        Some(hop) if trace.back.is_some() => (Way::Back, hop),
        _ => (Way::There, blocker.hop),
    };
    trace.blockers.iter().map(place).collect()
}

pub(super) fn blockers(trace: &Trace, places: &[(Way, usize)], locator: &Locator<'_>) -> Vec<BlockerView> {
    let view = |(blocker, (way, hop)): (&Blocker, &(Way, usize))| BlockerView {
        cause: CauseView::new(blocker.cause),
        disposition: blocker.disposition,
        way: *way,
        hop: hop + 1,
        text: blocker.text.clone(),
        notices: trace.noticed_of(blocker).word(),
        evidence: EvidenceView::new(&blocker.evidence, locator),
        quote: quote(blocker.evidence.at, locator),
    };
    trace.blockers.iter().zip(places).map(view).collect()
}

fn quote(at: At, locator: &Locator<'_>) -> QuoteView {
    QuoteView::at(at, locator)
}

/// Something the files would have to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MissingView {
    /// Why it matters.
    pub cause: CauseView,
    /// What is missing.
    pub text: String,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// JSON pointer into the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// What stands there.
    pub quote: QuoteView,
}

impl MissingView {
    pub(super) fn new(missing: &Missing, locator: &Locator<'_>) -> Self {
        let place = locator.place(missing.at);
        let place = place.as_deref();
        Self {
            cause: CauseView::new(missing.cause),
            text: missing.text.clone(),
            file: place.map(|p| p.file.clone()),
            line: place.map(|p| p.line),
            pointer: place.and_then(|p| p.pointer.clone()),
            quote: quote(missing.at, locator),
        }
    }

    /// `file:line`.
    pub fn place(&self) -> Option<String> {
        short_place(self.file.as_deref(), self.line)
    }
}
