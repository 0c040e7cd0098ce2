//! The seam to the engine: raw resources and changes in, a network out.

use crate::diag::{At, Code, Diagnostic, Diagnostics, Severity};
use crate::fast::{Asker, Verdict};
use crate::inventory::change::{self, Change, ChangeLog};
use crate::inventory::{RawResource, build};
use crate::network::{Network, compile};
use crate::profile::Profile;
use crate::scenario::{Question, Row};
use crate::tags::ServiceTags;
use crate::trace::{self, Cause, Decision, Flow, Misunderstood, OpenFlow, Trace};
use std::sync::Arc;

/// Applies changes, builds the inventory and compiles it.
pub fn network(
    raws: &[RawResource],
    changes: &[Change],
    profile: Profile,
    tags: &ServiceTags,
    notes: &mut Diagnostics,
) -> (Network, Vec<ChangeLog>) {
    network_of(raws.to_vec(), changes, profile, tags, notes)
}

/// The same for resources that nobody else needs: each is let go as soon as it is read.
pub fn network_of(
    raws: Vec<RawResource>,
    changes: &[Change],
    profile: Profile,
    tags: &ServiceTags,
    notes: &mut Diagnostics,
) -> (Network, Vec<ChangeLog>) {
    let _span = tracing::info_span!("compile", resources = raws.len(), changes = changes.len()).entered();
    let (raws, log) = change::apply_to(raws, changes, notes);
    let inventory = build(raws, notes);
    tracing::info!(resources = inventory.len(), "built");
    let network = compile(inventory, tags.clone(), profile, notes);
    tracing::info!(
        networks = network.vnets.len(),
        subnets = network.subnets.len(),
        addresses = network.attachments.len(),
        "compiled"
    );
    (network, log)
}

/// Follows a question through the network, or says what is wrong with the question.
pub fn answer(
    question: &Question,
    name: Option<Arc<str>>,
    at: At,
    network: &Network,
) -> Result<Trace, Diagnostic> {
    let flow = question.flow(name, at, &network.inventory)?;
    let trace = trace::trace(network, &flow);
    // A flow that was not understood has no hops; only then is it worth asking why.
    if trace.hops.is_empty() {
        trace::understand(network, &flow).map_err(|error| misunderstood(&error, at))?;
    }
    Ok(trace)
}

/// Follows a question as a new flow; where it gets through, it is open from now on.
pub fn open(
    question: &Question,
    name: Option<Arc<str>>,
    at: At,
    network: &Network,
) -> Result<(Trace, Option<OpenFlow>), Diagnostic> {
    let flow = question.flow(name, at, &network.inventory)?;
    trace::open(network, &flow).map_err(|error| misunderstood(&error, at))
}

/// Follows a flow that was open before the network became what it is now.
pub fn follow(
    question: &Question,
    name: Option<Arc<str>>,
    at: At,
    network: &Network,
    open: &OpenFlow,
) -> Result<(Trace, Option<OpenFlow>), Diagnostic> {
    let flow = question.flow(name, at, &network.inventory)?;
    trace::follow(network, &flow, open).map_err(|error| misunderstood(&error, at))
}

/// Whether a flow means something in this network; otherwise what is wrong with it.
pub fn understood(network: &Network, flow: &Flow, at: At) -> Result<(), Diagnostic> {
    trace::understand(network, flow).map(|_| ()).map_err(|error| misunderstood(&error, at))
}

/// Answers a question without evidence.
pub fn decide(
    question: &Question,
    name: Option<Arc<str>>,
    at: At,
    network: &Network,
) -> Result<(Flow, Decision), Diagnostic> {
    let flow = question.flow(name, at, &network.inventory)?;
    let decision = trace::decide(network, &flow);
    if decision.cause == Some(Cause::UnknownName) {
        trace::understand(network, &flow).map_err(|error| misunderstood(&error, at))?;
    }
    Ok((flow, decision))
}

/// Answers many questions at once, each as [`decide`] would.
pub fn decide_all(asker: &mut Asker<'_>, network: &Network, rows: &[&Row]) -> Vec<Decided> {
    asker.tidy();
    let mut ids = Vec::with_capacity(rows.len());
    let read: Vec<Result<Flow, Diagnostic>> = rows
        .iter()
        .map(|row| {
            let flow = row.question.flow(row.name.clone(), At::NOWHERE, &network.inventory)?;
            ids.push(asker.read(&flow).map_err(|error| misunderstood(&error, At::NOWHERE))?);
            Ok(flow)
        })
        .collect();
    let mut verdicts = vec![Verdict::PENDING; ids.len()];
    asker.decide(&ids, &mut verdicts);
    let mut verdicts = verdicts.iter();
    read.into_iter()
        .map(|flow| {
            let flow = flow?;
            let decision = verdicts.next().map(|verdict| asker.decision(verdict));
            Ok((flow, decision.unwrap_or_else(|| unreachable!("INVARIANT: every flow read has a verdict"))))
        })
        .collect()
}

/// The short answer to a flow, or what is wrong with the question.
pub type Decided = Result<(Flow, Decision), Diagnostic>;

/// A question that names nothing, or too much.
pub(super) fn misunderstood(error: &Misunderstood, at: At) -> Diagnostic {
    match error {
        Misunderstood::Nothing { text, near } => {
            let message = format!("nothing in the estate is called `{text}`");
            let diagnostic = Diagnostic::new(Code::DanglingReference, at, message).severity(Severity::Error);
            match near {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None => diagnostic,
            }
        }
        Misunderstood::Ambiguous { text, candidates } => {
            let message = format!("`{text}` fits {} resources", candidates.len());
            Diagnostic::new(Code::AmbiguousReference, at, message)
                .help(format!("use the id: {}", candidates.join(", ")))
        }
        Misunderstood::NoEndpoint { .. } => Diagnostic::new(Code::BadValue, at, error.to_string()),
    }
}
