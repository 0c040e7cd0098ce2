//! Following a flow through a compiled network.
//!
//! Input: a `Network`, a [`Flow`], limits and scratch memory. Output: a [`Trace`], or only a [`Decision`].
//! It never fails: not knowing is an answer too. No files, no clock, no hash order.

mod appliance;
mod authorize;
mod back;
mod balance;
mod callers;
mod cause;
mod cluster;
mod door;
mod engine;
mod family;
mod filter;
mod firewall;
mod forward;
mod gateway;
mod hub;
mod layers;
mod lean;
mod managed;
mod model;
mod nodes;
mod open;
mod outbound;
mod proxy;
mod published;
mod question;
mod resolve;
mod restriction;
mod scoring;
mod service;
mod site;
mod state;
mod url;
mod withheld;
mod worlds;

pub use crate::net::Header;
pub use crate::network::NearMiss;
pub use cause::{Cause, Disposition, Noticed};
pub(crate) use engine::decide_question;
pub use engine::{decide, trace, understand};
pub(crate) use firewall::{Ranked, application_name, application_protocol, judge_of, names_addresses};
pub use layers::{Layer, LayerKind, Layers, Spot};
pub use model::{
    Action, Assumption, Blocker, Decision, Endpoint, Evidence, Flow, Hop, HopKind, Missing, Outcome, Return,
    Scheme, Step, StepKind, Trace, Zone,
};
pub use open::{OpenFlow, follow, open};
pub(crate) use outbound::{DEFAULT_OUTBOUND, firewall_addresses, outbound_frontends, outbound_rule};
pub(crate) use question::{EPHEMERAL_PORT, origin as understand_origin, wanted as understand_wanted};
pub use question::{
    INTERNET_CLIENT, INTERNET_CLIENT_V6, INTERNET_HOST, Misunderstood, Origin, Question, Target, Wanted,
};
pub(crate) use resolve::{NameFound, NameView, name_view, resolve_name, zones_decide};
pub(crate) use scoring::SCORING_HOST;
