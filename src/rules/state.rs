//! Which rules the program keeps, and which tests show it.

use super as azure;
use super::RuleId;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Rules that no answer rests on, each with the reason and what a trace says instead.
const NOT_MODELLED: &[(RuleId, &str)] = &[
    (
        azure::PE_7,
        "what the portal shows of a private endpoint is no flow: its subnet's rules are shown where it is asked for",
    ),
    (azure::PE_11, "numbers of private endpoints are not counted"),
    (azure::DNS_19, "rates are not counted: one question is always answered"),
    (azure::DNS_20, "no clock: an answer is never an old one out of a cache"),
    (azure::SE_7, "reading and writing of a machine's disks is no flow that can be asked for"),
    (azure::COS_4, "no clock: a change counts at once"),
    (
        azure::KV_3,
        "the list of trusted services is Microsoft's and changes: a caller that only it could let in is told as refused unless it is a resource of the files",
    ),
    (azure::RBAC_6, "permissions to change the network are no flow: what stands in the files counts as made"),
    (azure::NW_7, "the verifier's intents are Azure's own; its questions are asked as flows"),
];

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
