//! `netwhy requirements`: the smallest allow-list with which flows work.

use super::args::{RequirementsArgs, RequirementsFormat};
use super::console::Console;
use super::sink::Sink;
use super::{Failure, catalogue, exit, load, names};
use crate::analysis::impact::{PERSON, people_at, too_many};
use crate::analysis::implied::{self, Implied, Kind as Reached};
use crate::analysis::needs::{self, NeededFlow};
use crate::analysis::requirements::{self, Ask, Estate, Prefer, Requirements};
use crate::analysis::residue::{self, Finding};
use crate::catalogue::{Actor, Catalogue};
use crate::diag::{At, Diagnostics, Sources};
use crate::formats::change as change_file;
use crate::inventory::change::Change;
use crate::inventory::{Id, PlatformService, Subnet};
use crate::network::{Network, SubnetRole};
use crate::profile::Profile;
use crate::report::requirements::{RequirementsView, finding_view, markdown, residue_text, text};
use crate::report::{Locator, json, snippet};
use crate::run::files;
use crate::run::load::{self as loader, Loaded, Settings, beside};
use crate::run::snapshot;
use crate::run::what_if::{stood_in, with_stand_ins};
use crate::scenario::{self, EstatePart, Scenario};
use crate::trace::{self, Endpoint, Origin, Outcome};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Computes and prints allow-lists.
pub(super) async fn run(args: RequirementsArgs, console: &Console) -> Result<u8, Failure> {
    let known = catalogue::with(&args.catalogue, console)?;
    let (scenarios, estate) = sorted(&args.paths, console)?;
    let mut jobs = Vec::new();
    for (path, sources, scenario) in scenarios {
        jobs.push(Job::of_scenario(&args, &path, sources, scenario, &estate).await?);
    }
    if jobs.is_empty() {
        jobs.push(Job::of_estate(&args, &estate).await?);
    }
    let mut out = Sink::open(args.output.output.as_deref(), console)?;
    let style = console.style(out.colors(console), args.verbose);
    let mut whole = true;
    let mut documents = Vec::new();
    for (number, job) in jobs.into_iter().enumerate() {
        let answer = job.answer(&args, &known, console)?;
        whole &= answer.view.is_whole();
        let break_line = if number == 0 { "" } else { "\n" };
        let written = match args.format {
            RequirementsFormat::Text => text(&answer.view, &style),
            RequirementsFormat::Markdown => markdown(&answer.view),
            RequirementsFormat::Changes => answer.found.changes.file(&answer.about),
            RequirementsFormat::Arm => snippet::arm(&answer.found),
            RequirementsFormat::Bicep => snippet::bicep(&answer.found),
            RequirementsFormat::Terraform => snippet::terraform(&answer.found),
            RequirementsFormat::Json => {
                documents.push(answer.view);
                continue;
            }
        };
        write!(out, "{break_line}{written}")?;
    }
    if args.format == RequirementsFormat::Json {
        let mut text = String::new();
        match &documents[..] {
            [one] => json::pretty(&mut text, one),
            several => json::pretty(&mut text, several),
        }
        out.write_all(text.as_bytes())?;
    }
    out.finish()?;
    Ok(if whole { exit::DONE } else { exit::FAILED })
}

/// Scenario files as read, and the paths of an estate.
type Sorted = (Vec<(PathBuf, Sources, Scenario)>, Vec<PathBuf>);

/// Scenario files among the paths, and the rest, which is the estate.
fn sorted(paths: &[PathBuf], console: &Console) -> Result<Sorted, Failure> {
    let (mut scenarios, mut estate) = (Vec::new(), Vec::new());
    for path in paths {
        // A compiled estate is no text, and no scenario.
        let text = path.is_file() && !snapshot::is_snapshot(path);
        let readable = text.then(|| files::read_text(path)).transpose()?;
        let mut sources = Sources::default();
        let mut notes = Diagnostics::new();
        let root = readable.as_ref().and_then(|text| {
            let doc = sources.add(path.display().to_string(), text.as_str());
            loader::parse(doc, text, &mut notes)
        });
        let Some(root) = root.filter(scenario::is_scenario) else {
            estate.push(path.clone());
            continue;
        };
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let scenario = scenario::load(&root, &stem, &mut notes);
        console.diagnostics(&notes, &sources);
        match scenario.filter(|_| !notes.has_errors()) {
            Some(scenario) => scenarios.push((path.clone(), sources, scenario)),
            None => return Err(Failure::Input(vec![format!("`{}` is faulty", path.display())])),
        }
    }
    Ok((scenarios, estate))
}

/// An estate with the flows to ask about.
struct Job {
    name: String,
    loaded: Loaded,
    changes: Vec<Change>,
    profile: Profile,
    scenario: Option<Scenario>,
}

/// What came of it.
struct Answer {
    view: RequirementsView,
    found: Requirements,
    about: String,
}

impl Job {
    async fn of_scenario(
        args: &RequirementsArgs,
        path: &Path,
        sources: Sources,
        scenario: Scenario,
        estate: &[PathBuf],
    ) -> Result<Job, Failure> {
        let mut paths = estate.to_vec();
        let mut inline = Vec::new();
        if paths.is_empty() {
            for part in &scenario.estate {
                match part {
                    EstatePart::Path(word) => paths.push(beside(path, &word.text)),
                    EstatePart::Inline(node) => inline.push(node.clone()),
                }
            }
        }
        let tags = scenario.service_tags.as_ref().map(|word| beside(path, &word.text));
        let own: Settings = args.settings.settings();
        let settings = Settings {
            parameters: scenario.parameters.clone(),
            service_tags: own.service_tags.clone().or(tags),
            ..own
        };
        let mut loaded = load::loaded(&paths, &inline, &settings, sources).await?;
        let knobs: Vec<String> =
            scenario.settings.iter().map(|s| format!("{}={}", s.knob, s.value)).collect();
        let profile = load::profile(&[knobs, args.settings.profile_set.clone()].concat())?;
        let changes = [scenario.changes.clone(), std::mem::take(&mut loaded.changes)].concat();
        Ok(Job { name: scenario.name.to_string(), loaded, changes, profile, scenario: Some(scenario) })
    }

    async fn of_estate(args: &RequirementsArgs, estate: &[PathBuf]) -> Result<Job, Failure> {
        let mut loaded = load::loaded(estate, &[], &args.settings.settings(), Sources::default()).await?;
        let profile = load::profile(&args.settings.profile_set)?;
        let changes = std::mem::take(&mut loaded.changes);
        Ok(Job { name: "The workloads of the estate".into(), loaded, changes, profile, scenario: None })
    }

    fn answer(
        mut self,
        args: &RequirementsArgs,
        known: &Catalogue,
        console: &Console,
    ) -> Result<Answer, Failure> {
        let (network, _) = load::compiled(
            &mut self.loaded,
            &self.changes.clone(),
            self.profile.clone(),
            args.settings.lenient,
            console,
        )?;
        self.changes.extend(residue::stand_ins(known, &network));
        let mut notes = Diagnostics::new();
        let Asked { asks, left_out, remarks } = match &self.scenario {
            Some(scenario) => of_scenario(scenario, &network, args.all)?,
            None => self.of_estate_with_stand_ins(args, known, &network, &mut notes)?,
        };
        if asks.is_empty() && self.scenario.is_some() {
            return Err(Failure::Input(vec!["the scenario has no flow to ask about".into()]));
        }
        if self.loaded.raws.len() > LARGE {
            console.say(&format!(
                "{} flows over {} resources: the proof compiles the estate more than once for each line, which takes a while; `--places N` asks about fewer places",
                asks.len(),
                self.loaded.raws.len()
            ));
        }
        let estate = Estate {
            raws: &self.loaded.raws,
            changes: &self.changes,
            profile: &self.profile,
            tags: &self.loaded.tags,
        };
        let prefer = if args.prefer_names { Prefer::Names } else { Prefer::Tags };
        let found = requirements::requirements(&estate, asks, prefer, &mut notes);
        let about = format!("What {} needs, and nothing else.", self.name);
        let mut sources = self.loaded.sources.clone();
        let findings = leaks(&estate, &found, known, &mut sources, &about, &mut notes);
        if notes.has_errors() {
            console.diagnostics(&notes, &sources);
            return Err(Failure::Input(vec!["the lines cannot be put into the estate".into()]));
        }
        let locator = Locator::new(&sources);
        let view = RequirementsView::new(&self.name, &found, &left_out, remarks, &findings, &locator);
        Ok(Answer { view, found, about })
    }

    /// What the workloads of the estate need, once what Azure makes beside them is stood in for: what a change breaks is
    /// judged by the same.
    fn of_estate_with_stand_ins(
        &mut self,
        args: &RequirementsArgs,
        known: &Catalogue,
        network: &Network,
        notes: &mut Diagnostics,
    ) -> Result<Asked, Failure> {
        let sources = &mut self.loaded.sources;
        let computes = with_stand_ins(known, network, &mut self.changes, sources, notes);
        let estate = Estate {
            raws: &self.loaded.raws,
            changes: &self.changes,
            profile: &self.profile,
            tags: &self.loaded.tags,
        };
        let network = estate.network(&[], notes);
        let mut asked = of_catalogue(args, known, &network)?;
        asked.remarks.extend(stood_in(&computes));
        Ok(asked)
    }
}

/// With more resources than this, a proof takes long enough to say so.
const LARGE: usize = 3_000;

/// What can still leave with the lines in place.
fn leaks(
    estate: &Estate<'_>,
    found: &Requirements,
    known: &Catalogue,
    sources: &mut Sources,
    about: &str,
    notes: &mut Diagnostics,
) -> Vec<Finding> {
    let file = found.changes.file(about);
    let doc = sources.add("<required>", file.as_str());
    let changes =
        loader::parse(doc, &file, notes).map(|root| change_file::load(&root, notes)).unwrap_or_default();
    let network = estate.network(&changes, notes);
    residue::residue(&network, &senders(&network, found), known)
}

/// One sender for each place that flows leave from: what leaves there is the same for all.
fn senders(network: &Network, found: &Requirements) -> Vec<Endpoint> {
    let mut seen = BTreeSet::new();
    let mut senders = Vec::new();
    for ask in &found.asks {
        let Ok(question) = trace::understand(network, &ask.flow) else { continue };
        let place = match question.origin {
            Origin::Attachment(id) => subnet(network, network.attachment(id).subnet),
            Origin::Subnet(id, _) => subnet(network, id),
            Origin::Managed(_, workspace) => Some(format!("workspace {}", workspace.index())),
            _ => None,
        };
        if place.is_some_and(|place| seen.insert(place)) {
            senders.push(ask.flow.from.clone());
        }
    }
    senders
}

/// A subnet of one's own machines; gateways and Bastion send for others.
fn subnet(network: &Network, id: Id<Subnet>) -> Option<String> {
    (network.subnet(id).role == SubnetRole::Ordinary).then(|| format!("subnet {}", id.index()))
}

/// The flows that shall work.
#[derive(Default)]
struct Asked {
    asks: Vec<Ask>,
    /// Flows that are not asked about: name, destination, why.
    left_out: Vec<(String, String, String)>,
    /// What to know beside.
    remarks: Vec<String>,
}

/// The flows of a scenario that are expected to work.
fn of_scenario(scenario: &Scenario, network: &Network, all: bool) -> Result<Asked, Failure> {
    let mut asked = Asked::default();
    for case in &scenario.cases {
        let flow = case.question.flow(Some(case.name.clone()), case.at, &network.inventory);
        let flow =
            flow.map_err(|fault| Failure::Input(vec![format!("`{}`: {}", case.name, fault.message)]))?;
        let outcome = case.expectation.outcome.unwrap_or(Outcome::Allowed);
        if outcome != Outcome::Allowed && !all {
            asked.left_out.push((
                case.name.to_string(),
                flow.to.to_string(),
                format!("the scenario expects it to be {outcome}"),
            ));
            continue;
        }
        // Names that begin with `example` stand for any label, as everywhere in scenarios.
        let pattern = match &flow.to {
            Endpoint::Fqdn(name) => name.strip_prefix("example.").map(|rest| format!("*.{rest}").into()),
            _ => None,
        };
        asked.asks.push(Ask {
            name: case.name.clone(),
            flow,
            pattern,
            phase: case.phase.clone(),
            needed_for: case.needed_for.clone(),
            at: case.at,
        });
    }
    Ok(asked)
}

/// The flows that the workloads of an estate need.
fn of_catalogue(args: &RequirementsArgs, known: &Catalogue, network: &Network) -> Result<Asked, Failure> {
    let mut workloads = names::all_workloads(network, &args.workload)?;
    features(args, known)?;
    let mut asked = Asked::default();
    workloads.extend(people(args, network, &mut asked.remarks)?);
    for workload in &workloads {
        for needed in needs::needs(known, network, workload) {
            match reason(args, &needed) {
                Some(why) => {
                    let to = needed.target.as_ref().map_or_else(String::new, |t| t.host.clone());
                    asked.left_out.push((needed.label(), to, why));
                }
                None => asked.asks.extend(ask(needed)),
            }
        }
    }
    asked.left_out.dedup();
    // Where the catalogue knows nothing of the estate but its clusters, what works today is to go on working.
    let named = !args.workload.is_empty() || !args.client.is_empty();
    let nothing = asked.asks.is_empty() && asked.left_out.is_empty();
    if nothing || !named && !needs::has_learning(network) {
        of_resources(network, args.places.unwrap_or(implied::PLACES), &mut asked);
    }
    Ok(asked)
}

/// People with a browser and a shell, where there is something for them to work with.
fn people(
    args: &RequirementsArgs,
    network: &Network,
    remarks: &mut Vec<String>,
) -> Result<Vec<needs::Workload>, Failure> {
    for name in &args.client {
        names::sender(network, "--client", name)?;
    }
    let is = |service: &PlatformService| service.id.is_kind("Microsoft.MachineLearningServices/workspaces");
    if args.client.is_empty() && !network.inventory.services.iter().any(is) {
        return Ok(Vec::new());
    }
    let (places, remark) = people_at(network, &args.client);
    remarks.extend(remark);
    if places.is_empty() {
        let text = "no machine or office is in the estate, so people are left out: no line of the estate's concerns those on the internet; `--client NAME` says where they work";
        remarks.push(text.to_owned());
    }
    // What somebody bound by hand is asked already.
    let bound = |place: &str, actor: Actor| {
        args.workload.iter().any(|given| {
            given
                .split_once('=')
                .is_some_and(|(name, kind)| name == place && Actor::parse(kind) == Some(actor))
        })
    };
    let person = |place: &String| PERSON.map(|actor| (place.clone(), actor));
    let all = places.iter().flat_map(person).filter(|(place, actor)| !bound(place, *actor));
    Ok(all.map(|(place, actor)| needs::named(network, &place, actor)).collect())
}

/// Features that no need of the catalogue has are misspelt.
fn features(args: &RequirementsArgs, known: &Catalogue) -> Result<(), Failure> {
    let has = |name: &str| {
        known.needs.iter().filter_map(|n| n.feature.as_deref()).any(|f| f.eq_ignore_ascii_case(name))
    };
    let Some(unknown) = args.feature.iter().find(|f| !f.eq_ignore_ascii_case("all") && !has(f)) else {
        return Ok(());
    };
    let list: BTreeSet<&str> = known.needs.iter().filter_map(|need| need.feature.as_deref()).collect();
    let list = list.into_iter().collect::<Vec<_>>().join(", ");
    Err(Failure::Usage(format!("`--feature`: `{unknown}` is none of all, {list}")))
}

/// The ways between the estate's own resources that are open as it stands. The internet as such is left out: an
/// allow-list that holds it holds everything.
fn of_resources(network: &Network, most: usize, asked: &mut Asked) {
    let found = implied::implied(network, most);
    asked.remarks.extend(too_many(found.left_out));
    for Implied { what, kind, flow } in found.flows {
        let name: std::sync::Arc<str> = format!("{} to {what}:{}", flow.from, flow.port).into();
        let decision = trace::decide(network, &flow);
        let why = match (kind, decision.outcome) {
            (Reached::Internet, _) => {
                "the internet as such is no dependency: say what is needed of it".to_owned()
            }
            (_, Outcome::Allowed) => {
                asked.asks.push(Ask {
                    name,
                    flow,
                    pattern: None,
                    phase: None,
                    needed_for: Vec::new(),
                    at: At::NOWHERE,
                });
                continue;
            }
            _ => format!("it does not work as the estate stands: {}", requirements::told(&decision)),
        };
        asked.left_out.push((name.to_string(), flow.to.to_string(), why));
    }
}

/// Why a need is left out.
fn reason(args: &RequirementsArgs, needed: &NeededFlow<'_>) -> Option<String> {
    let need = needed.need;
    if needed.flow.is_none() {
        return Some(needed.note.clone().unwrap_or_else(|| "it cannot be traced".into()));
    }
    if let Some(why) = &need.disputed
        && !args.all
    {
        return Some(format!("disputed: {why}"));
    }
    let feature = need.feature.as_deref()?;
    let wanted =
        args.feature.iter().any(|f| f.eq_ignore_ascii_case("all") || f.eq_ignore_ascii_case(feature));
    (!wanted && !args.all)
        .then(|| format!("needed for {feature} alone; take it in with --feature \"{feature}\""))
}

fn ask(needed: NeededFlow<'_>) -> Option<Ask> {
    let pattern = needed.target.as_ref().filter(|_| needed.example).map(|t| t.host.as_str().into());
    let pattern = pattern.filter(|p: &std::sync::Arc<str>| p.starts_with("*."));
    let flow = needed.flow.clone()?;
    Some(Ask {
        name: format!("{}/{}:{}", needed.need.id, flow.to, flow.port).into(),
        flow,
        pattern,
        phase: needed.need.phases.first().map(|p| p.word().into()),
        needed_for: needed.need.needed_for.clone(),
        at: At::NOWHERE,
    })
}

/// What can leave an estate as it stands, for `--as-is`.
pub(super) async fn as_is(args: RequirementsArgs, console: &Console) -> Result<u8, Failure> {
    let known = catalogue::with(&args.catalogue, console)?;
    let (scenarios, estate) = sorted(&args.paths, console)?;
    if !scenarios.is_empty() {
        return Err(Failure::Usage("`--as-is` looks at an estate, not at a scenario".into()));
    }
    let mut job = Job::of_estate(&args, &estate).await?;
    let (network, _) = load::compiled(
        &mut job.loaded,
        &job.changes.clone(),
        job.profile.clone(),
        args.settings.lenient,
        console,
    )?;
    job.changes.extend(residue::stand_ins(&known, &network));
    let estate = Estate {
        raws: &job.loaded.raws,
        changes: &job.changes,
        profile: &job.profile,
        tags: &job.loaded.tags,
    };
    let network = estate.network(&[], &mut Diagnostics::new());
    let mut senders: Vec<Endpoint> = Vec::new();
    for workload in needs::workloads(&network) {
        senders.push(Endpoint::Named(workload.name));
    }
    for given in &args.workload {
        // What it is does not matter here, only where it stands.
        let name = given.split_once('=').map_or(given.as_str(), |(name, _)| name);
        names::sender(&network, "--workload", name)?;
        senders.push(Endpoint::Named(name.into()));
    }
    if senders.is_empty() {
        senders.extend(implied::senders(&network));
    }
    let findings = residue::residue(&network, &senders, &known);
    let locator = Locator::new(&job.loaded.sources);
    let views: Vec<_> = findings.iter().map(|finding| finding_view(finding, &locator)).collect();
    let mut out = Sink::open(args.output.output.as_deref(), console)?;
    let mut written = String::new();
    match args.format {
        RequirementsFormat::Json => json::pretty(&mut written, &views),
        _ => written = residue_text(&views, &console.style(out.colors(console), args.verbose)),
    }
    out.write_all(written.as_bytes())?;
    out.finish()?;
    Ok(exit::DONE)
}
