//! Judging a trace against what was expected.

use super::Expectation;
use super::file::NOTICES;
use crate::net::IpAddr;
use crate::trace::{Hop, Noticed, StepKind, Trace};
use std::fmt;
use std::sync::Arc;

/// Whether an expectation held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything that was expected is so.
    Held,
    /// Something is not; each difference.
    Failed(Vec<Difference>),
    /// It was not judged, and why.
    Unjudged(Arc<str>),
}

impl Verdict {
    /// The word for reports.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Failed(_) => "failed",
            Self::Unjudged(_) => "unjudged",
        }
    }
}

/// One field of an expectation that is not so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The field as the scenario names it.
    pub field: &'static str,
    /// What was expected.
    pub wanted: String,
    /// What is.
    pub got: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, got {}", self.field, self.wanted, self.got)
    }
}

/// Judges a trace.
pub fn evaluate(expectation: &Expectation, trace: &Trace) -> Verdict {
    if expectation.is_empty() {
        return Verdict::Unjudged("nothing is expected".into());
    }
    let mut judge = Judge { differences: Vec::new() };
    judge.outcome(expectation, trace);
    judge.decider(expectation, trace);
    judge.way(expectation, trace);
    judge.names(expectation, trace);
    match judge.differences {
        none if none.is_empty() => Verdict::Held,
        some => Verdict::Failed(some),
    }
}

/// What to say of an expectation on an open flow where the flow never got through before.
pub fn never_open() -> Verdict {
    let got = "a flow that did not get through before the change".into();
    Verdict::Failed(vec![Difference { field: "established", wanted: "an open flow".into(), got }])
}

/// What the caller notices.
pub fn noticed(trace: &Trace) -> Noticed {
    trace.noticed()
}

/// The addresses the target's name resolved to, in order.
pub fn resolved(trace: &Trace) -> Vec<IpAddr> {
    let steps = trace.hops.iter().flat_map(|hop| &hop.steps);
    let found = steps.filter(|s| s.kind == StepKind::Resolve).filter_map(|s| s.after);
    let mut out: Vec<IpAddr> = Vec::new();
    for header in found {
        if !out.contains(&header.destination) {
            out.push(header.destination);
        }
    }
    out
}

struct Judge {
    differences: Vec<Difference>,
}

impl Judge {
    fn differs(&mut self, field: &'static str, wanted: impl fmt::Display, got: impl fmt::Display) {
        self.differences.push(Difference { field, wanted: wanted.to_string(), got: got.to_string() });
    }

    fn outcome(&mut self, expectation: &Expectation, trace: &Trace) {
        if let Some(wanted) = expectation.outcome.filter(|o| *o != trace.outcome) {
            self.differs("expect", wanted, trace.outcome);
        }
        if let Some(wanted) = expectation.cause.filter(|c| Some(*c) != trace.cause) {
            self.differs("cause", wanted.code(), trace.cause.map_or("none", |c| c.code()));
        }
        if let Some(wanted) = expectation.disposition.filter(|d| *d != trace.disposition) {
            self.differs("disposition", wanted, trace.disposition);
        }
        let got = noticed(trace);
        if let Some(wanted) = expectation.notices.filter(|n| *n != got) {
            self.differs("notices", notice_name(wanted), notice_name(got));
        }
    }

    fn decider(&mut self, expectation: &Expectation, trace: &Trace) {
        let Some(wanted) = &expectation.decider else { return };
        let deciders = deciders(trace);
        if !deciders.iter().any(|got| is_end_of(got, wanted)) {
            let got = if deciders.is_empty() { "none".to_owned() } else { deciders.join(", ") };
            self.differs("decider", wanted, got);
        }
    }

    fn way(&mut self, expectation: &Expectation, trace: &Trace) {
        let way = || trace.hops.iter().map(|h| h.name.as_str()).collect::<Vec<_>>().join(" -> ");
        let mut hops = trace.hops.iter();
        if let Some(missing) = expectation.via.iter().find(|word| !hops.any(|hop| is_called(hop, word))) {
            self.differs("via", format!("{} (no `{missing}` there)", expectation.via.join(" -> ")), way());
        }
        for word in &expectation.not_via {
            if trace.hops.iter().any(|hop| is_called(hop, word)) {
                self.differs("not-via", format!("not by `{word}`"), way());
            }
        }
    }

    fn names(&mut self, expectation: &Expectation, trace: &Trace) {
        if expectation.resolves_to.is_empty() {
            return;
        }
        let show = |list: &[IpAddr]| list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let got = resolved(trace);
        if expectation.resolves_to.iter().any(|ip| !got.contains(ip)) {
            let got = if got.is_empty() { "nothing".to_owned() } else { show(&got) };
            self.differs("resolves-to", show(&expectation.resolves_to), got);
        }
    }
}

fn notice_name(noticed: Noticed) -> &'static str {
    NOTICES.iter().find(|(_, n)| *n == noticed).map_or(noticed.word(), |(name, _)| name)
}

/// What decided: the primary blocker; for a flow that is not blocked, everything that let it through.
fn deciders(trace: &Trace) -> Vec<String> {
    if let Some(blocker) = trace.blockers.first() {
        return blocker.evidence.decider().into_iter().collect();
    }
    let mut out: Vec<String> = Vec::new();
    let steps = trace.hops.iter().flat_map(|hop| &hop.steps);
    for decider in steps.filter_map(|step| step.evidence.decider()) {
        if !out.contains(&decider) {
            out.push(decider);
        }
    }
    out
}

/// Whether `wanted` is the whole or an end of `got`, whole segments only, without regard to case.
fn is_end_of(got: &str, wanted: &str) -> bool {
    let (got, wanted) = (got.to_lowercase(), wanted.trim().to_lowercase());
    got == wanted || got.strip_suffix(&wanted).is_some_and(|head| head.ends_with('/'))
}

/// Whether a hop is meant by a word: its name, its kind, or the name of its resource.
fn is_called(hop: &Hop, word: &str) -> bool {
    let same = |text: &str| text.eq_ignore_ascii_case(word);
    let plain = word.replace(['-', '_'], " ");
    // A hop shows its address after its name: `office-dns (192.168.0.53)`.
    let name = hop.name.split(" (").next().unwrap_or(&hop.name);
    same(&hop.name)
        || same(name)
        || hop.kind.word().eq_ignore_ascii_case(&plain)
        || hop.id.as_ref().is_some_and(|id| same(id.as_str()) || same(&id.full_name()) || same(id.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::ResourceId;
    use crate::net::Protocol;
    use crate::trace::{
        Action, Blocker, Cause, Disposition, Endpoint, Evidence, Flow, Header, HopKind, Outcome, Step, Zone,
    };

    fn step(kind: StepKind, evidence: Evidence) -> Step {
        let (source, destination) = ([10, 0, 0, 4].into(), [10, 0, 2, 4].into());
        let header = Header { source, destination, protocol: Protocol::Tcp, source_port: 50000, port: 443 };
        Step {
            kind,
            action: Action::Pass,
            text: String::new(),
            before: None,
            after: Some(header),
            evidence,
            cause: None,
        }
    }

    fn rule(name: &str) -> Evidence {
        let id = ResourceId::in_group("s", "g", "Microsoft.Network/networkSecurityGroups", "web-nsg");
        Evidence { resource: Some(id), name: Some(name.into()), ..Evidence::default() }
    }

    fn hop(kind: HopKind, name: &str, steps: Vec<Step>) -> Hop {
        Hop { kind, name: name.into(), id: None, zone: Zone::Yours, header: None, steps }
    }

    /// A blocked flow, by way of a resolver, an interface and a firewall.
    fn trace() -> Trace {
        Trace {
            flow: Flow::tcp(Endpoint::Internet, Endpoint::Internet, 443),
            outcome: Outcome::Blocked,
            disposition: Disposition::DeniedOut,
            cause: Some(Cause::NsgRuleDeny),
            blockers: vec![Blocker {
                cause: Cause::NsgRuleDeny,
                disposition: Disposition::DeniedOut,
                hop: 1,
                text: String::new(),
                evidence: rule("deny-all"),
            }],
            hops: vec![
                hop(HopKind::Resolver, "Azure DNS", vec![step(StepKind::Resolve, Evidence::default())]),
                hop(HopKind::Interface, "vm1-nic", vec![step(StepKind::Filter, rule("allow-web"))]),
                hop(HopKind::AzureFirewall, "hub-fw", Vec::new()),
            ],
            back: None,
            assumptions: Vec::new(),
            missing: Vec::new(),
            warnings: Vec::new(),
            branches: Vec::new(),
        }
    }

    fn check(edit: impl FnOnce(&mut Expectation), expected: &[&str]) {
        check_of(&trace(), edit, expected);
    }

    fn check_of(trace: &Trace, edit: impl FnOnce(&mut Expectation), expected: &[&str]) {
        let mut expectation = Expectation::default();
        edit(&mut expectation);
        let got = match evaluate(&expectation, trace) {
            Verdict::Held => Vec::new(),
            Verdict::Failed(differences) => differences.iter().map(ToString::to_string).collect(),
            Verdict::Unjudged(why) => vec![why.to_string()],
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn outcomes_causes_and_notices() {
        check(|_| {}, &["nothing is expected"]);
        check(|e| e.outcome = Some(Outcome::Blocked), &[]);
        check(|e| e.outcome = Some(Outcome::Allowed), &["expect: expected allowed, got blocked"]);
        check(|e| e.outcome = Some(Outcome::Unknown), &["expect: expected unknown, got blocked"]);
        check(|e| e.cause = Some(Cause::UdrNone), &["cause: expected UDR_NONE, got NSG_RULE_DENY"]);
        check(
            |e| e.disposition = Some(Disposition::DeniedIn),
            &["disposition: expected denied in, got denied out"],
        );
        check(|e| e.notices = Some(Noticed::Timeout), &[]);
        check(|e| e.notices = Some(Noticed::NxDomain), &["notices: expected nxdomain, got timeout"]);
    }

    #[test]
    fn deciders_match_whole_or_by_their_end() {
        for good in ["web-nsg/deny-all", "WEB-NSG/Deny-All", "deny-all"] {
            check(|e| e.decider = Some(good.into()), &[]);
        }
        for bad in ["all", "nsg/deny-all", "web-nsg", "allow-web"] {
            check(
                |e| e.decider = Some(bad.into()),
                &[&format!("decider: expected {bad}, got web-nsg/deny-all")],
            );
        }
        let mut open = trace();
        open.blockers.clear();
        open.outcome = Outcome::Allowed;
        check_of(&open, |e| e.decider = Some("allow-web".into()), &[]);
    }

    #[test]
    fn hops_come_in_order() {
        check(|e| e.via = vec!["dns".into(), "firewall".into()], &[]);
        check(|e| e.via = vec!["vm1-nic".into(), "HUB-FW".into()], &[]);
        check(
            |e| e.via = vec!["hub-fw".into(), "vm1-nic".into()],
            &["via: expected hub-fw -> vm1-nic (no `vm1-nic` there), got Azure DNS -> vm1-nic -> hub-fw"],
        );
        check(|e| e.not_via = vec!["nat-gateway".into()], &[]);
        check(
            |e| e.not_via = vec!["firewall".into()],
            &["not-via: expected not by `firewall`, got Azure DNS -> vm1-nic -> hub-fw"],
        );
    }

    #[test]
    fn names_resolve() {
        check(|e| e.resolves_to = vec![[10, 0, 2, 4].into()], &[]);
        check(
            |e| e.resolves_to = vec![[20, 0, 0, 1].into()],
            &["resolves-to: expected 20.0.0.1, got 10.0.2.4"],
        );
    }
}
