//! Hops and steps.

use super::super::locate::Locator;
use super::evidence::EvidenceView;
use super::word;
use crate::net::IpAddr;
use crate::trace::{Action, Header, Hop, HopKind, Outcome, Return, Step, StepKind, Zone};
use serde::Serialize;

/// The fields that forwarding and filters read and rewrite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeaderView {
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// Protocol, in Azure's spelling.
    pub protocol: &'static str,
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub port: u16,
}

impl HeaderView {
    fn new(header: Header) -> Self {
        Self {
            source: header.source,
            destination: header.destination,
            protocol: header.protocol.name(),
            source_port: header.source_port,
            port: header.port,
        }
    }
}

/// One decision inside a hop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepView {
    /// What it is about.
    #[serde(serialize_with = "word")]
    pub kind: StepKind,
    /// What it did.
    #[serde(serialize_with = "word")]
    pub action: Action,
    /// One line for a person.
    pub text: String,
    /// Header before, where it changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<HeaderView>,
    /// Header after, where it changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<HeaderView>,
    /// What decided.
    pub evidence: EvidenceView,
    /// The code of the cause, where it stops here or is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'static str>,
    /// The number of the blocker this step is, from one: 1 is the primary one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocker: Option<usize>,
    /// Whether the flow gets as far as this; later steps are judged as if the blockers were opened.
    pub reached: bool,
}

impl StepView {
    fn new(step: &Step, locator: &Locator<'_>) -> Self {
        Self {
            kind: step.kind,
            action: step.action,
            text: step.text.clone(),
            before: step.before.map(HeaderView::new),
            after: step.after.map(HeaderView::new),
            evidence: EvidenceView::new(&step.evidence, locator),
            cause: step.cause.map(|c| c.code()),
            blocker: None,
            reached: true,
        }
    }
}

/// One node visited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HopView {
    /// Its place on the way, from one.
    pub number: usize,
    /// What it is.
    #[serde(serialize_with = "word")]
    pub kind: HopKind,
    /// Its name for a person.
    pub name: String,
    /// Its resource id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whose it is.
    #[serde(serialize_with = "word")]
    pub zone: Zone,
    /// Whether the flow gets as far as this.
    pub reached: bool,
    /// The numbers of the blockers found here, from one: 1 is the primary one.
    pub blockers: Vec<usize>,
    /// What was decided there.
    pub steps: Vec<StepView>,
}

impl HopView {
    fn new(number: usize, hop: &Hop, locator: &Locator<'_>) -> Self {
        Self {
            number,
            kind: hop.kind,
            name: hop.name.clone(),
            id: hop.id.as_ref().map(|id| id.as_str().to_owned()),
            zone: hop.zone,
            reached: true,
            blockers: Vec::new(),
            steps: hop.steps.iter().map(|s| StepView::new(s, locator)).collect(),
        }
    }

    /// Notes that a blocker stands here, at the step that says so if there is one.
    pub(super) fn mark(&mut self, number: usize, cause: &str) {
        self.blockers.push(number);
        let mut open = self.steps.iter_mut().filter(|s| s.action == Action::Block && s.blocker.is_none());
        if let Some(step) = open.find(|s| s.cause == Some(cause)) {
            step.blocker = Some(number);
        }
    }
}

pub(super) fn hops(hops: &[Hop], locator: &Locator<'_>) -> Vec<HopView> {
    hops.iter().enumerate().map(|(i, hop)| HopView::new(i + 1, hop, locator)).collect()
}

/// Marks what comes after the primary blocker.
pub(super) fn mark_unreached(hops: &mut [HopView]) {
    let mut reached = true;
    for hop in hops {
        hop.reached = reached;
        for step in &mut hop.steps {
            step.reached = reached;
            reached &= step.blocker != Some(1);
        }
        reached &= !hop.blockers.contains(&1);
    }
}

/// The way back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReturnView {
    /// Whether the answer comes back.
    #[serde(serialize_with = "word")]
    pub outcome: Outcome,
    /// The hops, from the receiver.
    pub hops: Vec<HopView>,
}

impl ReturnView {
    pub(super) fn new(back: &Return, locator: &Locator<'_>) -> Self {
        Self { outcome: back.outcome, hops: hops(&back.hops, locator) }
    }
}
