//! The trace view: what it holds, and that its schema describes it.

#[path = "report_samples.rs"]
mod samples;
#[path = "support/schema.rs"]
mod support;

use netwhy::report::TraceView;
use netwhy::report::view::{Way, schema};
use serde_json::Value;
use support::validate;

fn view(trace: &netwhy::trace::Trace) -> TraceView {
    let world = samples::world();
    TraceView::new(trace, &world.network, &world.sources)
}

#[test]
fn a_blocked_flow_says_where_it_ends_and_what_would_come_next() {
    let view = view(&samples::blocked());
    assert_eq!(view.question.from.resource_kind.as_deref(), Some("virtual machine"));
    assert_eq!(view.question.from.address, "10.1.1.4".parse().ok());
    assert_eq!(view.question.to.resource_kind.as_deref(), Some("key vault"));
    assert_eq!(view.decider(), Some("spoke-nsg/deny-endpoints"));
    let hops: Vec<_> = view.hops.iter().map(|h| (h.reached, h.blockers.clone())).collect();
    assert_eq!(hops, [(true, vec![]), (true, vec![1]), (false, vec![]), (false, vec![2])]);
    let reached: Vec<_> = view.hops[1].steps.iter().map(|s| s.reached).collect();
    assert_eq!(reached, [true, true, false]);
    let evidence = &view.blockers[0].evidence;
    assert_eq!(evidence.pointer.as_deref(), Some("/networkSecurityGroups/0/securityRules/3"));
    assert_eq!(view.blockers[0].quote.lines[0].text, "- name: deny-endpoints");
}

#[test]
fn a_lost_answer_is_marked_on_the_way_back() {
    let view = view(&samples::return_lost());
    assert_eq!(view.blockers[0].way, Way::Back);
    assert!(view.hops.iter().all(|h| h.reached && h.blockers.is_empty()));
    assert_eq!(view.back.expect("a way back").hops[0].blockers, [1]);
}

#[test]
fn the_view_keeps_its_form() {
    let mut out = String::new();
    netwhy::report::json::pretty(&mut out, &view(&samples::blocked()));
    samples::check("blocked.json", &out);
}

#[test]
fn the_schema_describes_every_sample() {
    let schema = schema();
    for (name, trace) in samples::samples() {
        let json = serde_json::to_value(view(&trace)).expect("views are JSON");
        let mut faults = Vec::new();
        validate(&schema, &schema, &json, name, &mut faults);
        assert!(faults.is_empty(), "{faults:#?}");
    }
}

#[test]
fn the_schema_refuses_what_is_not_a_trace() {
    let schema = schema();
    let good = serde_json::to_value(view(&samples::blocked())).expect("views are JSON");
    let spoilt: [fn(&mut Value); 5] = [
        |v| v["outcome"] = "perhaps".into(),
        |v| v["extra"] = 1.into(),
        |v| v["hops"][0]["steps"][0]["kind"] = "dance".into(),
        |v| v["blockers"][0]["hop"] = 0.into(),
        |v| drop(v.as_object_mut().and_then(|o| o.remove("notices"))),
    ];
    for spoil in spoilt {
        let mut bad = good.clone();
        spoil(&mut bad);
        let mut faults = Vec::new();
        validate(&schema, &schema, &bad, "", &mut faults);
        assert_eq!(faults.len(), 1, "{faults:#?}");
    }
}
