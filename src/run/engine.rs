//! The seam to the engine: raw resources and changes in, a network out.

use super::snapshot::Standby;
use crate::diag::{At, Code, Diagnostic, Diagnostics, Severity};
use crate::fast::trail::Trails;
use crate::fast::{Asker, FlowIds, Known, Verdict, path};
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
    let read: Vec<Result<Flow, Diagnostic>> =
        rows.iter().map(|row| read(asker, network, row, &mut ids)).collect();
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

/// Answers many questions at once by stored tables; the network is made, once for all, where they do not tell, and
/// `asker` is the asker of it from then on. What keeps the network from being made ends the batch.
pub fn decide_stored<'n>(
    known: &mut Known<'n>,
    asker: &mut Option<Asker<'n>>,
    standby: &'n Standby,
    rows: &[&Row],
) -> Result<Vec<Decided>, String> {
    let mut answers = decide_known(known, rows);
    let open = |answers: &[Option<_>]| (0..rows.len()).filter(|n| answers[*n].is_none()).collect::<Vec<_>>();
    let rest = open(&answers);
    if !rest.is_empty() {
        let network = &*standby.network()?.network;
        let asker = asker.get_or_insert_with(|| Asker::new(network, &standby.tables));
        let asked: Vec<&Row> = rest.iter().map(|n| rows[*n]).collect();
        for (number, answer) in rest.iter().zip(decide_all(asker, network, &asked)) {
            answers[*number] = Some(answer);
        }
    }
    Ok(answers.into_iter().flatten().collect())
}

/// Answers many questions at once, each with its path.
pub fn trace_all(asker: &mut Asker<'_>, network: &Network, rows: &[&Row]) -> Vec<Traced> {
    asker.tidy();
    let mut ids = Vec::with_capacity(rows.len());
    let read: Vec<Result<Flow, Diagnostic>> =
        rows.iter().map(|row| read(asker, network, row, &mut ids)).collect();
    let (mut verdicts, mut trails) = (vec![Verdict::PENDING; ids.len()], Trails::default());
    asker.trace(&ids, &mut verdicts, &mut trails);
    let mut numbers = 0..ids.len();
    read.into_iter()
        .map(|flow| {
            let flow = flow?;
            let number =
                numbers.next().unwrap_or_else(|| unreachable!("INVARIANT: every flow read has a verdict"));
            let decision = asker.decision(&verdicts[number]);
            let (records, verdict) = (trails.of(number), &verdicts[number]);
            let path = match path::is_told(&ids[number], verdict, records) {
                true => path::told(asker, records, verdict.outcome != trace::Outcome::Blocked),
                false => path::traced(&trace::trace(network, &flow)),
            };
            Ok((flow, decision, path.into_iter().map(|stage| (stage.kind.word(), stage.name)).collect()))
        })
        .collect()
}

/// Reads a row for an asker, which gets another flow where it means something.
fn read(
    asker: &mut Asker<'_>,
    network: &Network,
    row: &Row,
    ids: &mut Vec<FlowIds>,
) -> Result<Flow, Diagnostic> {
    let flow = row.question.flow(row.name.clone(), At::NOWHERE, &network.inventory)?;
    ids.push(asker.read(&flow).map_err(|error| misunderstood(&error, At::NOWHERE))?);
    Ok(flow)
}

/// The answer to a flow with its path, or what is wrong with the question.
pub type Traced = Result<(Flow, Decision, Vec<(&'static str, Option<String>)>), Diagnostic>;

/// The answers that stored tables give alone.
fn decide_known(known: &mut Known<'_>, rows: &[&Row]) -> Vec<Option<Decided>> {
    known.tidy();
    let mut ids = Vec::with_capacity(rows.len());
    let read: Vec<Option<Flow>> = rows
        .iter()
        .map(|row| {
            let mut flow = row.question.plain_flow(row.name.clone())?;
            ids.push(known.read(&mut flow)?);
            Some(flow)
        })
        .collect();
    let mut verdicts = vec![Verdict::PENDING; ids.len()];
    known.decide(&ids, &mut verdicts);
    let mut verdicts = verdicts.iter();
    read.into_iter()
        .map(|flow| {
            let flow = flow?;
            let decision = known.decision(verdicts.next()?)?;
            Some(Ok((flow, decision)))
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
