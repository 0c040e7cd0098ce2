//! What-if: an estate before and after changes, and what becomes of the workloads on it.
//!
//! Flags become the text of a change file, which is read like any other; so a rule that was only asked for on the
//! command line has a line to show where it decides.

use super::engine;
use super::load::{parse, workers};
use crate::analysis::block::{self, Block, Obstacle, Places};
use crate::analysis::change_text::ChangeText;
use crate::analysis::impact::{self, FlowChange, Impact, Need, Subjects, Use, Weight, Who, Workload};
use crate::analysis::needs;
use crate::catalogue::Catalogue;
use crate::diag::{At, Code, Diagnostic, Diagnostics, Severity, Sources};
use crate::formats::change;
use crate::inventory::change::{Change, ChangeLog};
use crate::inventory::{Id, RawResource, ResourceId, Subnet};
use crate::net::IpAddr;
use crate::network::{Network, SubnetRole};
use crate::profile::Profile;
use crate::scenario::Case;
use crate::tags::{ServiceTags, TagChange, TagChangeKind};
use crate::trace::{self, Flow, Origin, Outcome};
use hashbrown::{HashMap, HashSet};
use std::sync::Arc;

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// The question in words, as a headline and on top of the change file: `--block-outbound --by nsg`.
    pub words: String,
    /// What to block.
    pub blocks: Vec<Block>,
    /// Where to block it; empty means wherever workloads send from.
    pub subnets: Vec<String>,
    /// Changes written on the command line.
    pub typed: ChangeText,
    /// Changes of files, after all others.
    pub files: Vec<Change>,
    /// The service tags that hold afterwards, where they are others.
    pub tags: Option<Arc<ServiceTags>>,
}

/// The estate to ask about.
#[derive(Clone, Copy, Debug)]
pub struct Estate<'a> {
    /// The resources.
    pub raws: &'a [RawResource],
    /// Changes that hold before and after.
    pub base: &'a [Change],
    /// The knobs.
    pub profile: &'a Profile,
    /// The service tags.
    pub tags: &'a ServiceTags,
    /// What is wrong with it, and was told.
    pub known: &'a Diagnostics,
}

impl Estate<'_> {
    /// The network with further changes. The notes get what is wrong with the changes, not with the estate.
    pub fn network(&self, changes: &[Change], notes: &mut Diagnostics) -> (Network, Vec<ChangeLog>) {
        let all = [self.base, changes].concat();
        let mut found = Diagnostics::new();
        let (network, mut log) =
            engine::network(self.raws, &all, self.profile.clone(), self.tags, &mut found);
        let known: HashSet<(Code, At, &str)> = self.known.iter().map(key).collect();
        found.iter().filter(|note| !known.contains(&key(note))).for_each(|note| notes.push(note.clone()));
        // What holds before and after is not news.
        log.retain(|entry| changes.iter().any(|change| change.at().doc == entry.at.doc));
        (network, log)
    }
}

fn key(note: &Diagnostic) -> (Code, At, &str) {
    (note.code, note.at, &note.message)
}

/// An estate before and after.
#[derive(Debug)]
pub struct WhatIf {
    /// The workloads.
    pub workloads: Vec<Workload>,
    /// What becomes of their needs, worst first.
    pub impacts: Vec<Impact>,
    /// The network before.
    pub before: Network,
    /// The network after.
    pub after: Network,
    /// What was changed.
    pub log: Vec<ChangeLog>,
    /// The changes that made it.
    pub changes: Vec<Change>,
    /// The change file that the flags stand for; absent where there are only files.
    pub text: Option<String>,
    /// What to know beside.
    pub remarks: Vec<String>,
    /// How many places and services are not asked about at least.
    pub left_out: usize,
}

/// The name of the change file that flags stand for.
pub const TYPED: &str = "<what-if>";

/// The name of the document with what Azure makes by itself.
const STAND_INS: &str = "<made by Azure>";

/// Adds what no file names to an estate's changes: what Azure makes beside computes, and Microsoft's own accounts. Gives
/// the computes.
pub fn with_stand_ins(
    catalogue: &Catalogue,
    network: &Network,
    base: &mut Vec<Change>,
    sources: &mut Sources,
    notes: &mut Diagnostics,
) -> Vec<String> {
    let (text, computes) = impact::stand_ins(network);
    if !text.is_empty() {
        base.extend(read(&text.file("made by Azure beside computes"), STAND_INS, sources, notes));
    }
    base.extend(needs::stand_ins(catalogue, network));
    computes
}

/// The workloads of an estate and what they need. What no file names and Azure makes by itself joins `base`; the network
/// is that with it.
pub fn of_estate(
    catalogue: &Catalogue,
    who: &Who,
    before: &Network,
    base: &mut Vec<Change>,
    sources: &mut Sources,
    notes: &mut Diagnostics,
    compile: impl FnOnce(&[Change], &mut Diagnostics) -> Network,
) -> (Network, Subjects) {
    let computes = with_stand_ins(catalogue, before, base, sources, notes);
    let network = compile(base, notes);
    let mut subjects = Subjects::of_estate(catalogue, &network, who);
    subjects.remarks.extend(stood_in(&computes));
    (network, subjects)
}

/// What to know of computes whose public address Azure makes.
pub fn stood_in(computes: &[String]) -> Option<String> {
    let names = computes.join(", ");
    (!names.is_empty()).then(|| {
        format!("the public address and security group that Azure makes for {names} are stood in for")
    })
}

/// Asks. `None` where the input is faulty; the notes say why.
pub fn ask(
    estate: Estate<'_>,
    before: Network,
    subjects: Subjects,
    ask: &Ask,
    sources: &mut Sources,
    notes: &mut Diagnostics,
) -> Result<Option<WhatIf>, Obstacle> {
    let (mut remarks, left_out) = (subjects.remarks, subjects.left_out);
    let mut text = ChangeText::default();
    if !ask.blocks.is_empty() {
        let Some(places) = places(&before, &subjects.needs, &ask.subnets, notes) else { return Ok(None) };
        let plan = block::plan(&before, &places, &ask.blocks)?;
        remarks.extend(plan.remarks);
        text.extend(&plan.text);
    }
    text.extend(&ask.typed);
    let newer = ask.tags.as_ref().map(|newer| newer.moved_from(estate.tags));
    let text = (!text.is_empty()).then(|| text.file(&ask.words));
    let mut changes = Vec::new();
    if let Some(text) = &text {
        changes = read(text, TYPED, sources, notes);
    }
    changes.extend(ask.files.iter().cloned());
    let later = Estate { tags: newer.as_ref().unwrap_or(estate.tags), ..estate };
    let mut found = Diagnostics::new();
    let (after, log) = later.network(&changes, &mut found);
    found.iter().for_each(|note| notes.push(refused(note, &changes)));
    if notes.has_errors() {
        return Ok(None);
    }
    let (same, log): (Vec<ChangeLog>, Vec<ChangeLog>) = log.into_iter().partition(ChangeLog::is_idle);
    remarks.extend(same.iter().map(|entry| format!("no change, it was so before: {entry}")));
    let flows = subjects.needs.iter().flat_map(|need| &need.flows);
    let answers = answers(&before, &after, flows);
    let mut impacts: Vec<Impact> = subjects
        .needs
        .into_iter()
        .map(|need| {
            let flows = need.flows.iter().map(|flow| answers[flow].clone()).collect();
            Impact::new(need, flows)
        })
        .collect();
    impact::sort(&mut impacts);
    if let Some(newer) = &newer {
        remarks.extend(moves(estate.tags, newer, &impacts));
    }
    let workloads = subjects.workloads;
    Ok(Some(WhatIf { workloads, impacts, before, after, log, changes, text, remarks, left_out }))
}

/// A note on changes: one that refers to a name that nothing has is no change that could be made, whatever the property.
/// An id may be of a resource outside the files.
fn refused(note: &Diagnostic, changes: &[Change]) -> Diagnostic {
    let note = note.clone();
    let name = note.message.rsplit('`').nth(1).unwrap_or_default();
    let ours = changes.iter().any(|change| change.at().doc == note.at.doc);
    match note.code == Code::DanglingReference && ours && !ResourceId::looks_like_one(name) {
        true => note.severity(Severity::Error),
        false => note,
    }
}

/// What another publication of the tags does to the destinations asked about.
fn moves(older: &ServiceTags, newer: &ServiceTags, impacts: &[Impact]) -> Vec<String> {
    let changes = older.changes_to(newer);
    let mut asked: Vec<IpAddr> = Vec::new();
    for change in impacts.iter().flat_map(|impact| &impact.flows) {
        for trace in [&change.before, &change.after] {
            asked.extend(trace.hops.iter().filter_map(|hop| hop.header).map(|header| header.destination));
        }
    }
    asked.sort_unstable();
    asked.dedup();
    let touched = |change: &&TagChange| {
        let meets = |ip: &IpAddr| {
            let holds =
                |tags: &ServiceTags| tags.find(&change.name).is_some_and(|id| tags.set(id).contains(*ip));
            holds(older) || holds(newer)
        };
        !change.name.starts_with("AzureCloud") && asked.iter().any(meets)
    };
    let touched: Vec<&TagChange> = changes.iter().filter(touched).collect();
    let mut remarks = vec![format!(
        "{} of the {} differ from the {}; {} of them hold what is asked about, which is asked at addresses that are new to its tag: a service may be moved there any day",
        changes.len(),
        newer.source_name(),
        older.source_name(),
        touched.len(),
    )];
    remarks.extend(touched.iter().take(MOVES).map(|change| {
        let (added, removed) = (change.added.to_prefixes().len(), change.removed.to_prefixes().len());
        match change.kind {
            TagChangeKind::New => format!("tag `{}` is new, with {added} prefixes", change.name),
            TagChangeKind::Gone => format!("tag `{}` is gone, with {removed} prefixes", change.name),
            TagChangeKind::Changed => format!("tag `{}`: {added} prefixes more, {removed} less", change.name),
        }
    }));
    remarks.extend(
        touched
            .len()
            .checked_sub(MOVES)
            .filter(|more| *more > 0)
            .map(|more| format!("and {more} more tags; `netwhy tags diff` shows all")),
    );
    remarks
}

/// So many tags are told of.
const MOVES: usize = 12;

/// Reads the text of a change file as a document of its own.
pub fn read(text: &str, name: &str, sources: &mut Sources, notes: &mut Diagnostics) -> Vec<Change> {
    let doc = sources.add(name, text);
    let root = parse(doc, text, notes);
    root.map(|root| change::load(&root, notes)).unwrap_or_default()
}

/// Where a block takes effect: the subnets named, else wherever the needs' flows start.
fn places(network: &Network, needs: &[Need], named: &[String], notes: &mut Diagnostics) -> Option<Places> {
    let mut places = Places::default();
    // Bastion, gateways and firewalls send too; rules and routes of one's own have no place in their subnets (NSG-21 to 24).
    let own = |id: &Id<Subnet>| network.subnet(*id).role == SubnetRole::Ordinary;
    for need in needs.iter().flat_map(|need| &need.flows) {
        let Ok(question) = trace::understand(network, need) else { continue };
        match question.origin {
            Origin::Attachment(id) => places.subnets.extend(Some(network.attachment(id).subnet).filter(own)),
            Origin::Subnet(id, _) => places.subnets.extend(Some(id).filter(own)),
            Origin::Managed(_, workspace) => places.workspaces.push(workspace),
            Origin::Site(..) | Origin::Branch(..) | Origin::Internet(_) | Origin::Service(_) => {}
        }
    }
    if !named.is_empty() {
        places.subnets = named.iter().map(|name| subnet(network, name, notes)).collect::<Option<_>>()?;
    }
    places.subnets.sort();
    places.subnets.dedup();
    places.workspaces.sort();
    places.workspaces.dedup();
    Some(places)
}

fn subnet(network: &Network, name: &str, notes: &mut Diagnostics) -> Option<Id<Subnet>> {
    let found = network.inventory.find::<Subnet>(name).row();
    if found.is_none() {
        let names: Vec<String> = network.inventory.subnets.iter().map(|s| s.id.full_name()).collect();
        let mut note = Diagnostic::new(
            Code::DanglingReference,
            At::NOWHERE,
            format!("`--subnet {name}` is no subnet of the estate"),
        )
        .severity(Severity::Error);
        if let Some(near) = crate::diag::nearest(name, names.iter().map(String::as_str)) {
            note = note.help(format!("did you mean `{near}`?"));
        }
        notes.push(note);
    }
    found
}

/// Every flow before and after, each traced once, on all cores.
fn answers<'f>(
    before: &Network,
    after: &Network,
    flows: impl Iterator<Item = &'f Flow>,
) -> HashMap<Flow, FlowChange> {
    let mut distinct: Vec<&Flow> = flows.collect();
    distinct.sort();
    distinct.dedup();
    let size = distinct.len().div_ceil(workers()).max(1);
    let answer = |flow: &Flow| {
        let change = FlowChange { before: trace::trace(before, flow), after: trace::trace(after, flow) };
        (flow.clone(), change)
    };
    std::thread::scope(|scope| {
        let work = |chunk: &[&'f Flow]| chunk.iter().map(|flow| answer(flow)).collect::<Vec<_>>();
        let running: Vec<_> = distinct.chunks(size).map(|chunk| scope.spawn(move || work(chunk))).collect();
        let done = running.into_iter().map(|handle| match handle.join() {
            Ok(answers) => answers,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        done.flatten().collect()
    })
}

/// What a flow of a scenario is for. What a person sees and whether the work goes on without it is the catalogue's to
/// tell, for flows that refer to it; the others are essential.
fn uses_of(case: &Case, catalogue: &Catalogue) -> Vec<Use> {
    let needs: Vec<_> = case.refs.iter().filter_map(|id| catalogue.need(id)).collect();
    let lesser = !needs.is_empty() && needs.iter().all(|need| need.degrades || need.feature.is_some());
    let weight = if lesser { Weight::Feature } else { Weight::Essential };
    let sees = needs.iter().find(|need| !need.breaks.is_empty()).map(|need| need.breaks.clone());
    let mut phases: Vec<Arc<str>> = needs.iter().flat_map(|n| &n.phases).map(|p| p.word().into()).collect();
    // The phase that the scenario says is the one it asks about.
    if let Some(said) = case.phase.clone().filter(|said| phases.first() != Some(said)) {
        phases = vec![said];
    }
    if phases.is_empty() {
        phases.push("run".into());
    }
    let group = [case.group.clone()];
    let needed_for = if case.needed_for.is_empty() { &group[..] } else { &case.needed_for[..] };
    let used = |phase: &Arc<str>, what: &Arc<str>| Use {
        phase: phase.clone(),
        needed_for: what.clone(),
        sees: sees.clone(),
        weight,
    };
    let mut uses: Vec<Use> =
        phases.iter().flat_map(|phase| needed_for.iter().map(move |what| used(phase, what))).collect();
    let mut seen = Vec::new();
    uses.retain(|one| {
        let key = (one.phase.clone(), one.needed_for.clone());
        !seen.contains(&key) && {
            seen.push(key);
            true
        }
    });
    uses
}

/// The flows of a scenario as needs: each sender a workload, each flow a dependency.
pub fn of_pack(
    cases: &[Case],
    catalogue: &Catalogue,
    network: &Network,
    notes: &mut Diagnostics,
) -> Subjects {
    let mut subjects = Subjects::default();
    let mut kept_out = 0;
    for case in cases {
        // A flow that is there to be stopped is no dependency of anybody.
        if case.expectation.outcome == Some(Outcome::Blocked) {
            kept_out += 1;
            continue;
        }
        let flow = match case.question.flow(Some(case.name.clone()), case.at, &network.inventory) {
            Ok(flow) => flow,
            Err(fault) => {
                notes.push(fault);
                continue;
            }
        };
        if let Err(fault) = engine::understood(network, &flow, case.at) {
            notes.push(fault);
            continue;
        }
        let name: Arc<str> = case.question.from.to_string().into();
        let workload = subjects.workloads.iter().position(|w| w.name == name).unwrap_or_else(|| {
            subjects.workloads.push(Workload { name, kind: "sender".into(), resource: None, at: case.at });
            subjects.workloads.len() - 1
        });
        let same = |need: &&mut Need| need.workload == workload && need.id == case.group;
        if let Some(need) = subjects.needs.iter_mut().find(same) {
            need.flows.push(flow);
            continue;
        }
        subjects.needs.push(Need {
            workload,
            id: case.group.clone(),
            dependency: case.group.clone(),
            uses: uses_of(case, catalogue),
            flows: vec![flow],
            untraced: None,
        });
    }
    if kept_out > 0 {
        let plural = if kept_out == 1 { " is" } else { "s are" };
        subjects
            .remarks
            .push(format!("{kept_out} flow{plural} left out: the scenario expects them to be blocked"));
    }
    subjects
}
