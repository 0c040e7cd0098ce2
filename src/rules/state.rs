//! Which rules the program keeps, and which tests show it.

use super as azure;
use super::RuleId;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Rules that no answer rests on, each with the reason and what a trace says instead.
const NOT_MODELLED: &[(RuleId, &str)] =
    &[(azure::NW_7, "the verifier's intents are Azure's own; its questions are asked as flows")];

/// The tests that name each rule, a line each: written by `tests/rules.rs`, which fails where it is not so.
const TESTS: &str = include_str!("tests.txt");

/// Why a rule is not modelled; `None` where it is.
pub fn not_modelled(rule: RuleId) -> Option<&'static str> {
    NOT_MODELLED.iter().find(|(id, _)| *id == rule).map(|(_, why)| *why)
}

/// The tests and scenarios that name a rule.
pub fn tests(rule: RuleId) -> &'static [&'static str] {
    static TABLE: OnceLock<BTreeMap<&'static str, Vec<&'static str>>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let mut table: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (id, test) in TESTS.lines().filter_map(|line| line.split_once('\t')) {
            table.entry(id).or_default().push(test);
        }
        table
    });
    table.get(rule.id()).map_or(&[], Vec::as_slice)
}
