//! Following a flow through a compiled network.
//!
//! Input: a `Network`, a [`Flow`], limits and scratch memory. Output: a [`Trace`], or only a [`Decision`].
//! It never fails: not knowing is an answer too. No files, no clock, no hash order.

mod cause;
mod model;

pub use cause::{Cause, Disposition, Noticed};
pub use model::{
    Action, Assumption, Blocker, Decision, Endpoint, Evidence, Flow, Header, Hop, HopKind, Missing, NearMiss,
    Outcome, Return, Step, StepKind, Trace, Zone,
};

use crate::network::Network;

/// Follows a flow and gives every decision with its evidence.
pub fn trace(network: &Network, flow: &Flow) -> Trace {
    let _ = network;
    Trace {
        flow: flow.clone(),
        outcome: Outcome::Unknown,
        disposition: Disposition::InsufficientInfo,
        cause: None,
        blockers: Vec::new(),
        hops: Vec::new(),
        back: None,
        assumptions: Vec::new(),
        missing: Vec::new(),
        warnings: Vec::new(),
        branches: Vec::new(),
    }
}
