//! The seam to the engine: raw resources and changes in, a network out.

use crate::diag::{At, Diagnostic, Diagnostics};
use crate::inventory::change::{self, Change, ChangeLog};
use crate::inventory::{RawResource, build};
use crate::network::{Network, compile};
use crate::profile::Profile;
use crate::scenario::Question;
use crate::tags::ServiceTags;
use crate::trace::{Flow, Trace, trace};
use std::sync::Arc;

/// Applies changes, builds the inventory and compiles it.
pub fn network(
    raws: &[RawResource],
    changes: &[Change],
    profile: Profile,
    tags: &ServiceTags,
    notes: &mut Diagnostics,
) -> (Network, Vec<ChangeLog>) {
    let _span = tracing::info_span!("compile", resources = raws.len(), changes = changes.len()).entered();
    let (raws, log) = change::apply(raws, changes, notes);
    let inventory = build(raws, notes);
    let network = compile(inventory, tags.clone(), profile, notes);
    tracing::info!(
        networks = network.vnets.len(),
        subnets = network.subnets.len(),
        addresses = network.attachments.len(),
        "compiled"
    );
    (network, log)
}

/// The flow a question means in this network, or what is wrong with the question.
pub fn flow(
    question: &Question,
    name: Option<Arc<str>>,
    at: At,
    network: &Network,
) -> Result<Flow, Diagnostic> {
    question.flow(name, at, &network.inventory)
}

/// Follows a flow.
pub fn answer(network: &Network, flow: &Flow) -> Trace {
    trace(network, flow)
}
