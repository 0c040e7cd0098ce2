//! What `netwhy explain` says.

#[path = "report_samples.rs"]
mod samples;

use netwhy::diag::Code;
use netwhy::profile::KNOBS;
use netwhy::report::Style;
use netwhy::report::explain::{RuleState, State, explain, index, rules_table};
use netwhy::rules;
use netwhy::trace::Cause;
use samples::check;

#[test]
fn words_are_explained() {
    let style = Style { width: 90, ..Style::default() };
    let words = [
        "NSG_DEFAULT_DENY",
        "peering-one-sided",
        "RT-24",
        "D-2",
        "forwardedTrafficMode",
        "denied out",
        "smtpBlocked",
    ];
    let pages: Vec<String> = words.iter().map(|w| explain(w, &style).expect(w)).collect();
    check("explain.txt", &pages.join("\n----\n"));
}

#[test]
fn the_index_lists_every_word() {
    let index = index(&Style::default());
    let words = Cause::ALL.iter().map(|c| c.code()).chain(Code::ALL.iter().map(|c| c.name()));
    for word in words.chain(KNOBS.iter().map(|k| k.name)) {
        assert!(index.lines().any(|line| line.trim_start().starts_with(word)), "{word}");
    }
}

#[test]
fn rules_with_their_state() {
    let states = [
        RuleState {
            rule: rules::NSG_4,
            state: State::Implemented,
            tests: vec!["first_match_by_priority", "deny_wins"],
        },
        RuleState {
            rule: rules::NSG_13,
            state: State::NotModelled("flows already open are not modelled"),
            tests: vec![],
        },
    ];
    let mut out = String::new();
    rules_table(&mut out, &states, &Style::default());
    let shown: Vec<&str> = out.lines().filter(|l| !l.contains("not stated")).collect();
    check("explain.rules.txt", &(shown.join("\n") + "\n"));
    assert_eq!(out.lines().count(), rules::RuleId::all().count() + 3);
}
