//! How a need is judged by its flows and uses.

use super::*;
use crate::trace::{Disposition, Endpoint};

fn flow() -> Flow {
    Flow::tcp(Endpoint::Internet, Endpoint::Internet, 443)
}

fn trace(outcome: Outcome) -> Trace {
    Trace {
        flow: flow(),
        outcome,
        disposition: Disposition::Accepted,
        cause: (outcome == Outcome::Blocked).then_some(Cause::NsgRuleDeny),
        blockers: Vec::new(),
        hops: Vec::new(),
        back: None,
        assumptions: Vec::new(),
        missing: Vec::new(),
        warnings: Vec::new(),
        branches: Vec::new(),
    }
}

fn used(phase: &str, weight: Weight) -> Use {
    Use { phase: phase.into(), needed_for: "something".into(), sees: None, weight }
}

fn impact(uses: &[(&str, Weight)], flows: &[(Outcome, Outcome)]) -> Impact {
    let uses = uses.iter().map(|(phase, weight)| used(phase, *weight)).collect();
    let need = Need {
        workload: 0,
        id: "n".into(),
        dependency: "d".into(),
        uses,
        flows: vec![flow(); flows.len()],
        untraced: None,
    };
    let change =
        |(before, after): &(Outcome, Outcome)| FlowChange { before: trace(*before), after: trace(*after) };
    Impact::new(need, flows.iter().map(change).collect())
}

fn check(uses: &[(&str, Weight)], flows: &[(Outcome, Outcome)], want: Status) {
    assert_eq!(impact(uses, flows).status, want, "{uses:?} {flows:?}");
}

#[test]
fn the_phase_tells_now_from_later_and_the_weight_tells_broken_from_degraded() {
    use Outcome::{Allowed, Blocked};
    use Weight::{Essential, Feature};
    let cut = &[(Allowed, Blocked)];
    check(&[("run", Essential)], cut, Status::BrokenNow);
    check(&[("scale", Essential)], cut, Status::BrokenLater);
    check(&[("scale", Essential), ("run", Essential)], cut, Status::BrokenNow);
    check(&[("scale", Essential), ("run", Feature)], cut, Status::BrokenLater);
    check(&[("run", Feature)], cut, Status::Degraded);
    check(&[], cut, Status::BrokenNow);
}

#[test]
fn outcomes_before_and_after_make_the_status() {
    use Outcome::{Allowed, Blocked, Mixed, Unknown};
    let run = &[("run", Weight::Essential)];
    check(run, &[(Allowed, Allowed)], Status::Works);
    check(run, &[(Blocked, Blocked)], Status::BrokenBefore);
    check(run, &[(Blocked, Blocked), (Allowed, Blocked)], Status::BrokenNow);
    check(run, &[(Blocked, Allowed)], Status::Repaired);
    check(run, &[(Allowed, Unknown)], Status::Unknown);
    check(run, &[(Unknown, Blocked)], Status::BrokenNow);
    check(run, &[(Allowed, Mixed)], Status::Degraded);
    check(run, &[(Mixed, Mixed)], Status::Works);
}

#[test]
fn impacts_come_worst_first_and_share_their_cause() {
    use Outcome::{Allowed, Blocked, Unknown};
    let mut impacts = vec![
        impact(&[], &[(Allowed, Allowed)]),
        impact(&[("scale", Weight::Essential)], &[(Allowed, Blocked)]),
        impact(&[], &[(Allowed, Unknown)]),
        impact(&[("run", Weight::Essential)], &[(Allowed, Blocked)]),
    ];
    sort(&mut impacts);
    let statuses: Vec<Status> = impacts.iter().map(|i| i.status).collect();
    assert_eq!(statuses, [Status::BrokenNow, Status::BrokenLater, Status::Unknown, Status::Works]);
    let causes = root_causes(&impacts);
    assert_eq!(causes.iter().map(|c| c.impacts.clone()).collect::<Vec<_>>(), [vec![0, 1], vec![2]]);
    assert_eq!(impacts[1].events(), ["next scale-up"]);
}
