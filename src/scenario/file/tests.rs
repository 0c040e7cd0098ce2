//! Scenario files are tested on what they say and on what is said about them.

use super::*;
use crate::diag::{DocId, Sources};
use crate::doc::parse_yaml;

fn read(text: &str) -> (Option<Scenario>, Vec<String>) {
    let mut notes = Diagnostics::new();
    let mut sources = Sources::default();
    sources.add("s.yaml", text);
    let root = match parse_yaml(DocId(0), text, &mut notes) {
        Ok(root) => root,
        Err(fault) => return (None, vec![fault.to_string()]),
    };
    let scenario = load(&root, "s", &mut notes);
    let show = |note: &Diagnostic| {
        let line = sources.position(note.at).map_or(0, |p| p.line);
        let help = note.help.as_deref().map_or(String::new(), |h| format!(" ({h})"));
        format!("{}@{line}: {}{help}", note.code.name(), note.message)
    };
    (scenario, notes.iter().map(show).collect())
}

/// Reads a scenario with one flow that gets these fields, and compares what is said about it.
fn check_flow(fields: &str, expected: &[&str]) {
    let (_, notes) = read(&format!("netwhy: scenario/1\nflows:\n  - {{ from: a, to: b, {fields} }}\n"));
    assert_eq!(notes, expected, "{fields}");
}

/// The same for what stands beside the flows.
fn check_top(text: &str, expected: &[&str]) {
    let head = "netwhy: scenario/1\nflows: [{ name: f, from: a, to: b, ports: [80, 443] }]\n";
    let (_, notes) = read(&format!("{head}{text}\n"));
    assert_eq!(notes, expected, "{text}");
}

#[test]
fn a_whole_scenario_is_read() {
    let (scenario, notes) = read(
        "
netwhy: scenario/1
name: front
description: what reaches the web
estate: [estate.yaml, { virtualNetworks: [] }]
serviceTags: tags.json
profile: { forwardedTrafficMode: platformDrop, extraNoneRoutes: [198.18.0.0/15, 203.0.113.0/24], smtpBlocked: true }
parameters: { count: 2 }
changes: [{ remove: x }]
rules: [NSG-4, rt24a]
flows:
  - { name: in, from: internet, to: web, ports: [80, 443], phase: run, needed-for: [scoring], expect: allowed, via: subnet }
  - { from: web, to: https://pypi.org, as: web, expect: blocked, cause: nsg_rule_deny, decider: nsg/deny, disposition: denied-out, notices: timeout, resolves-to: [10.0.0.4] }
  - { from: web, to: 10.0.0.9, protocol: icmp }
variants:
  - name: closed
    changes: [{ remove: y }]
    profile: { smtpBlocked: false }
    flows: { in: { expect: blocked }, \"in:80\": { expect: blocked, not-via: [firewall] } }
    only: [in]
then:
  - { changes: [{ remove: z }], flows: { in: { expect: blocked } }, established: { \"in:443\": { expect: allowed } } }
",
    );
    assert_eq!(notes, [] as [&str; 0]);
    let scenario = scenario.expect("it reads");
    let names: Vec<_> = scenario.cases.iter().map(|c| &*c.name).collect();
    assert_eq!(names, ["in:80", "in:443", "web -> pypi.org:443", "web -> 10.0.0.9"]);
    assert_eq!(scenario.rules.iter().map(|r| r.id()).collect::<Vec<_>>(), ["NSG-4", "RT-24a"]);
    assert_eq!(scenario.cases[2].expectation.cause, Some(Cause::NsgRuleDeny));
    assert_eq!(scenario.cases[2].expectation.disposition, Some(Disposition::DeniedOut));

    let passes = scenario.passes();
    assert_eq!(passes.len(), 3);
    let [base, variant, stage] = &passes[..] else { unreachable!() };
    assert_eq!((base.changes.len(), variant.changes.len(), stage.changes.len()), (1, 2, 2));
    assert_eq!((base.profile.smtp_blocked, variant.profile.smtp_blocked), (Some(true), Some(false)));
    assert_eq!(base.profile.extra_none_routes.len(), 2);
    assert_eq!(variant.cases.iter().map(|(c, _)| *c).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(variant.cases[0].1.outcome, Some(Outcome::Blocked));
    assert!(variant.cases[0].1.via.is_empty(), "a variant's expectation replaces all of it");
    assert_eq!(stage.cases.len(), 2);
    assert_eq!(stage.established.len(), 1);
    assert_eq!((&base.held_open[..], &variant.held_open[..]), (&[1][..], &[][..]));
}

#[test]
fn faults_of_flows_are_named() {
    check_flow("expct: allowed", &["unknown-field@3: a flow has no field `expct` (did you mean `expect`?)"]);
    check_flow(
        "neededFor: x",
        &["unknown-field@3: a flow has no field `neededFor` (did you mean `needed-for`?)"],
    );
    check_flow(
        "expect: allow",
        &["bad-value@3: `allow` is nothing that `expect` takes (did you mean `allowed`?)"],
    );
    check_flow(
        "cause: NSG_RULE_DENIED",
        &["bad-value@3: `NSG_RULE_DENIED` is nothing that `cause` takes (did you mean `NSG_RULE_DENY`?)"],
    );
    check_flow(
        "notices: nxdomian",
        &["bad-value@3: `nxdomian` is nothing that `notices` takes (did you mean `nxdomain`?)"],
    );
    check_flow(
        "protocol: tpc",
        &["bad-value@3: `tpc` is nothing that `protocol` takes (did you mean `tcp`?)"],
    );
    check_flow("port: 0", &["bad-value@3: `0` where `port` takes a number from 1 to 65535"]);
    check_flow("port: 80, ports: [81]", &["bad-value@3: a flow has `port` or `ports`, not both"]);
    check_flow("port: 80, protocol: icmp", &["bad-value@3: Icmp has no ports"]);
    check_flow("resolves-to: x", &["bad-value@3: `x` is not an IP address"]);
    check_flow(
        "expect: allowed, cause: UDR_NONE",
        &["bad-value@3: an allowed flow has no cause, so it cannot end with `UDR_NONE`"],
    );
    check_flow("as: {}", &["wrong-type@3: an object where `as` takes a text"]);
    check_flow("decider: ''", &["bad-value@3: `decider` is empty"]);
    let (_, notes) = read("netwhy: scenario/1\nflows: [{ from: a }, { from: '*.x', to: b:1, port: 2 }]\n");
    assert_eq!(
        notes,
        [
            "missing-field@2: the flow has no `to`",
            "bad-value@2: `*.x` is a pattern; a flow goes to one name, such as `pypi.org`",
        ]
    );
}

#[test]
fn faults_of_the_rest_are_named() {
    check_top("estates: x", &["unknown-field@3: a scenario has no field `estates` (did you mean `estate`?)"]);
    check_top("rules: [NGS-4]", &["bad-value@3: there is no semantics rule `NGS-4` (did you mean `NSG-4`?)"]);
    check_top(
        "profile: { forwardTrafficMode: tagOnly }",
        &["bad-value@3: there is no knob `forwardTrafficMode`; did you mean `forwardedTrafficMode`?"],
    );
    check_top(
        "profile: { smtpBlocked: maybe }",
        &["bad-value@3: `maybe` does not fit; the knob takes true|false|unknown"],
    );
    check_top(
        "changes: [{ remov: x }]",
        &["unknown-field@3: a change has no field `remov` (did you mean `remove`?)"],
    );
    check_top("variants: [{}]", &["missing-field@3: the variant has no `name`"]);
    check_top(
        "variants: [{ name: v, flows: { g: { expect: blocked } } }]",
        &["bad-value@3: no flow is called `g` (did you mean `f`?)"],
    );
    check_top("variants: [{ name: v, flows: { f: {} } }]", &["missing-field@3: nothing is expected of `f`"]);
    check_top(
        "variants: [{ name: v, only: ['f:80'], flows: { f: { expect: blocked } } }]",
        &["bad-value@3: `f:443` is not among `only`, so this is never judged"],
    );
    check_top(
        "variants: [{ name: v }, { name: V }]",
        &["bad-value@3: a variant or step is called `V` already"],
    );
    check_top(
        "then: [{ established: { h: { expect: allowed } } }]",
        &["bad-value@3: no flow is called `h` (did you mean `f`?)"],
    );
    assert_eq!(read("netwhy: scenario/1\n").1, ["missing-field@1: the scenario has no `flows`"]);
    assert_eq!(
        read("netwhy: scenario/2\nflows: [{from: a, to: b}]").1,
        ["unsupported-version@1: version \"scenario/2\" is not known here (this program reads `scenario/1`)",]
    );
    assert_eq!(read("[]").1, ["wrong-type@1: a list where a scenario belongs"]);
    assert_eq!(
        read("netwhy: scenario/1\nflows: [{name: x, from: a, to: b}, {name: X, from: a, to: b}]").1,
        ["bad-value@2: a flow is called `X` already"]
    );
}
