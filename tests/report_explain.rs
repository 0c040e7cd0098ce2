//! What `netwhy explain` says.

#[path = "report_samples.rs"]
mod samples;

use netwhy::diag::Code;
use netwhy::profile::KNOBS;
use netwhy::report::Style;
use netwhy::report::explain::{explain, index, rules_json, rules_table};
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
    // Which tests name a rule is held elsewhere, and grows.
    let page = |word: &&str| {
        let page = explain(word, &style).expect("a word");
        let (before, rest) = page.split_once("\n  tests ").unwrap_or((&page, ""));
        let after = rest.split_once("\n\n").map_or("", |(_, after)| after);
        format!("{before}\n{}{after}", if after.is_empty() { "" } else { "\n" })
    };
    let pages: Vec<String> = words.iter().map(page).collect();
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
    let mut out = String::new();
    rules_table(&mut out, &Style { width: 120, ..Style::default() });
    let shown = |line: &&str| ["rule ", "NSG-4 ", "SAR-10 "].iter().any(|w| line.starts_with(w));
    let shown: Vec<&str> = out.lines().filter(shown).collect();
    check("explain.rules.txt", &(shown.join("\n") + "\n"));
    assert_eq!(out.lines().count(), rules::RuleId::all().count() + 3);
    let mut json = String::new();
    rules_json(&mut json);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let first = &json[0];
    assert_eq!((&first["id"], &first["state"]), (&"PKT-1".into(), &"implemented".into()));
    assert!(first["tests"].as_array().is_some_and(|t| !t.is_empty()) && first["summary"].is_string());
}
