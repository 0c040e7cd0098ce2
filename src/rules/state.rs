//! Which rules the program keeps, and which tests show it.

use super as azure;
use super::RuleId;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Rules that no answer rests on, each with the reason and what a trace says instead.
const NOT_MODELLED: &[(RuleId, &str)] = &[
    (azure::SAR_10, "no clock: a configuration in the files counts as deployed, which every answer assumes"),
    (
        azure::GW_5,
        "FastPath is not followed: an answer over such a connection that leans on the gateway's routes or on a private endpoint is unknown and names it",
    ),
    (
        azure::GW_7,
        "the routes of Microsoft peering are not followed: a gateway's public address stays on the internet",
    ),
    (
        azure::GW_11,
        "numbers of routes, weights and path prepending are not counted: a session is taken to be up",
    ),
    (azure::RS_7, "communities of learnt routes are in no file: what is listed as learnt counts"),
    (
        azure::VWAN_13,
        "ExpressRoute gateways of hubs are no table of their own: a flow that meets one is unknown",
    ),
    (azure::VWAN_14, "numbers of address spaces are not counted"),
    (azure::VWAN_15, "a hub's subnets are Microsoft's and in no file, so no NAT gateway can stand there"),
    (
        azure::FW_13,
        "the names of the infrastructure collection are published nowhere: a name that no rule takes is told as denied, with a warning",
    ),
    (
        azure::FW_27,
        "a limits note that bars no route: a firewall over global peering is followed as any next hop",
    ),
    (azure::NAT_7, "port inventories are not counted: one flow always finds a port"),
    (azure::NAT_8, "a trace is of a new flow, and the reset comes to one that the gateway has forgotten"),
    (azure::LB_10, "port inventories are not counted: one flow always finds a port"),
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
