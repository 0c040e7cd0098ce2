//! `netwhy trace`: flows through an estate.

use super::args::{Depth, EstateArgs, TraceArgs, TraceFormat};
use super::console::{Console, Progress};
use super::exit;
use super::sink::Sink;
use super::{Failure, load};
use crate::diag::{At, Diagnostics, DocId, Sources};
use crate::doc::Node;
use crate::inventory::change::Change;
use crate::network::Network;
use crate::profile::Profile;
use crate::report::text::FlowRow;
use crate::report::view::FixView;
use crate::report::{self, Locator, Style, TraceView};
use crate::run::batch::{self, Ask, Batch, BatchError, Short};
use crate::run::load::{self as loader, Loaded, Settings, beside};
use crate::run::repair::{self, Budget};
use crate::run::snapshot::{self, Snapshot, Standby};
use crate::run::what_if::Estate;
use crate::run::{Cancel, engine, files, render};
use crate::scenario::{self, EstatePart, Question, Row, Scenario};
use crate::trace::{Flow, Outcome};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Traces what is asked for.
pub(super) async fn run(args: Box<TraceArgs>, console: &Console, cancel: Cancel) -> Result<u8, Failure> {
    let scenario = match &args.scenario {
        Some(path) => Some(read_scenario(path, console)?),
        None => None,
    };
    let question = question(&args)?;
    if question.is_none() && matches!(args.format, TraceFormat::Mermaid | TraceFormat::Dot) {
        let message =
            "a picture shows one flow: name it with `--from` and `--to`; `netwhy graph` draws the estate";
        return Err(Failure::Usage(message.into()));
    }
    if args.depth == Depth::Trace && !matches!(args.format, TraceFormat::Json | TraceFormat::Ndjson) {
        return Err(Failure::Usage(
            "`--depth trace` is told as JSON: it needs `--format ndjson` or `json`".into(),
        ));
    }
    if args.format == TraceFormat::Csv && args.flows.is_none() {
        return Err(Failure::Usage("`--format csv` is for batches: it needs `--flows`".into()));
    }
    let read = args.estate.iter().chain(&args.settings.parameters).chain(&args.settings.change);
    let read = read.chain(&args.settings.service_tags).chain(&args.flows).chain(&args.scenario);
    if read.filter(|path| path.as_os_str() == "-").count() > 1 {
        return Err(Failure::Usage(
            "standard input can be read only once, and `-` stands there twice".into(),
        ));
    }
    if let Some(standby) = stored(&args)? {
        let mut out = Sink::open(args.output.output.as_deref(), console)?;
        let style = console.style(out.colors(console), args.verbose);
        let path = args.flows.clone().unwrap_or_default();
        let estate = batch::Estate::Stored(standby.clone());
        let code = batch(&path, estate, console, cancel, args.format, style, &mut out).await?;
        tracing::info!(network = standby.is_made(), "answered by stored tables");
        out.finish()?;
        return Ok(code);
    }
    let ready = estate(&args, scenario.as_ref(), console).await?;
    let mut out = Sink::open(args.output.output.as_deref(), console)?;
    let style = console.style(out.colors(console), args.verbose);
    let code = if let Some(question) = question {
        let fixes = !args.no_fixes;
        single(&question, &ready, fixes, console, args.format, &style, &mut out)?
    } else if let Some((_, scenario)) = &scenario {
        every(scenario, &ready, args.fixes, console, args.format, &style, &mut out)?
    } else {
        let path = args.flows.clone().unwrap_or_default();
        let Ready { loaded, network, changes, profile } = ready;
        let as_compiled = changes.is_empty() && profile == Profile::default();
        let tables = load::tables(&loaded, &network, as_compiled);
        let whole = style.verbose && args.format != TraceFormat::Csv;
        let short = match (whole, args.depth) {
            (true, _) => Short::No,
            (false, Depth::Trace) => Short::Path(tables),
            (false, Depth::Decide) => tables.map_or(Short::Yes, Short::By),
        };
        let estate = batch::Estate::Ready(network, Arc::new(loaded.sources), short);
        batch(&path, estate, console, cancel, args.format, style, &mut out).await?
    };
    out.finish()?;
    Ok(code)
}

/// The tables of a compiled estate, where a list of flows is asked of it as it is, and short answers are wanted.
fn stored(args: &TraceArgs) -> Result<Option<Arc<Standby>>, Failure> {
    let [path] = &args.estate[..] else { return Ok(None) };
    let plain = args.settings.change.is_empty() && args.settings.profile_set.is_empty();
    let short = (!args.verbose || args.format == TraceFormat::Csv) && args.depth == Depth::Decide;
    if args.flows.is_none() || !plain || !short || !snapshot::is_snapshot(path) {
        return Ok(None);
    }
    loader::is_plain(path, &args.settings.settings())?;
    let told = |refused: snapshot::Refused| Failure::Input(vec![refused.to_string()]);
    let standby = Snapshot::open(path).and_then(Standby::of).map_err(told)?;
    Ok(standby.ok().map(Arc::new))
}

/// The one flow of `--from` and `--to`.
fn question(args: &TraceArgs) -> Result<Option<Question>, Failure> {
    let (Some(from), Some(to)) = (&args.from, &args.to) else { return Ok(None) };
    let end = |flag: &str, text: &str| {
        scenario::endpoint(text).map_err(|e| Failure::Usage(format!("`{flag}`: {e}")))
    };
    let port = |flag: &str, text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => match text.trim().parse::<u16>() {
            Ok(port) if port != 0 => Ok(Some(port)),
            _ => Err(Failure::Usage(format!("`{flag}`: `{text}` is not a port from 1 to 65535"))),
        },
    };
    let (from, to) = (end("--from", from)?, end("--to", to)?);
    let own = port("--port", &args.port)?;
    if own.is_some() && to.port.is_some() && own != to.port {
        return Err(Failure::Usage("the port is said twice: in `--to` and in `--port`".into()));
    }
    let protocol = crate::net::Protocol::parse(&args.protocol).ok_or_else(|| {
        Failure::Usage(format!("`--protocol`: `{}` is none of tcp, udp, icmp, esp, ah", args.protocol))
    })?;
    Ok(Some(Question {
        from: from.endpoint,
        to: to.endpoint,
        protocol,
        port: own.or(to.port),
        source_port: port("--source-port", &args.source_port)?,
        identity: args.identity.as_deref().map(Into::into),
        action: args.action.as_deref().map(Into::into),
        path: to.path,
    }))
}

/// Reads a scenario, its diagnostics to the console.
pub(super) fn read_scenario(path: &Path, console: &Console) -> Result<(Sources, Scenario), Failure> {
    let text = files::read_text(path)?;
    let mut sources = Sources::default();
    let mut notes = Diagnostics::new();
    let doc: DocId = sources.add(path.display().to_string(), text.as_str());
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let root = loader::parse(doc, &text, &mut notes);
    let scenario = root.and_then(|root| scenario::load(&root, &stem, &mut notes));
    console.diagnostics(&notes, &sources);
    match scenario.filter(|_| !notes.has_errors()) {
        Some(scenario) => Ok((sources, scenario)),
        None => Err(Failure::Input(vec![format!("`{}` is faulty", path.display())])),
    }
}

/// What an estate is loaded from.
pub(super) struct Parts {
    pub(super) settings: Settings,
    pub(super) paths: Vec<PathBuf>,
    pub(super) inline: Vec<Node>,
    pub(super) sources: Sources,
    pub(super) changes: Vec<Change>,
    pub(super) knobs: Vec<String>,
}

/// The estate given, else the scenario's own; a scenario's knobs, parameters and changes hold either way.
pub(super) fn parts(
    estate: &[PathBuf],
    args: &EstateArgs,
    scenario: Option<(&Path, &Sources, &Scenario)>,
) -> Result<Parts, Failure> {
    let mut parts = Parts {
        settings: args.settings(),
        paths: estate.to_vec(),
        inline: Vec::new(),
        sources: Sources::default(),
        changes: Vec::new(),
        knobs: Vec::new(),
    };
    if let Some((file, own, scenario)) = scenario {
        parts.sources = own.clone();
        parts.settings.parameters = scenario.parameters.clone();
        let tags = scenario.service_tags.as_ref().map(|word| beside(file, &word.text));
        parts.settings.service_tags = parts.settings.service_tags.or(tags);
        if parts.paths.is_empty() {
            for part in &scenario.estate {
                match part {
                    EstatePart::Path(word) => parts.paths.push(beside(file, &word.text)),
                    EstatePart::Inline(node) => parts.inline.push(node.clone()),
                }
            }
        }
        if parts.paths.is_empty() && parts.inline.is_empty() {
            return Err(Failure::Usage("neither the scenario nor the command line names an estate".into()));
        }
        parts.changes.extend(scenario.changes.iter().cloned());
        parts.knobs.extend(scenario.settings.iter().map(|s| format!("{}={}", s.knob, s.value)));
    }
    parts.knobs.extend(args.profile_set.iter().cloned());
    Ok(parts)
}

/// Loads and compiles the estate given, else the scenario's own.
async fn estate(
    args: &TraceArgs,
    scenario: Option<&(Sources, Scenario)>,
    console: &Console,
) -> Result<Ready, Failure> {
    let own = scenario.zip(args.scenario.as_deref()).map(|((own, scenario), file)| (file, own, scenario));
    let mut parts = parts(&args.estate, &args.settings, own)?;
    let profile = load::profile(&parts.knobs)?;
    let mut loaded = load::loaded(&parts.paths, &parts.inline, &parts.settings, parts.sources).await?;
    parts.changes.append(&mut loaded.changes);
    let lenient = args.settings.lenient;
    // A batch asks nothing of the resources any more; a single flow that is blocked may.
    let compile = if args.flows.is_some() { load::consumed } else { load::compiled };
    let (network, log) = compile(&mut loaded, &parts.changes, profile.clone(), lenient, console)?;
    for line in &log {
        console.say(&format!("changed: {line}"));
    }
    Ok(Ready { loaded, network: Arc::new(network), changes: parts.changes, profile })
}

/// An estate ready to be asked.
struct Ready {
    loaded: Loaded,
    network: Arc<Network>,
    changes: Vec<Change>,
    profile: Profile,
}

/// So many ways to open a flow are shown.
const FIXES: usize = 3;

impl Ready {
    /// What would open a blocked flow, tried out.
    fn fixes(&self, flow: &Flow) -> (Vec<FixView>, Option<String>) {
        let estate = Estate {
            raws: &self.loaded.raws,
            base: &self.changes,
            profile: &self.profile,
            tags: &self.loaded.tags,
            known: &self.loaded.notes,
        };
        let mut budget = Budget::for_resources(self.loaded.raws.len());
        let found = repair::repairs(estate, &self.network, flow, FIXES, &mut budget);
        (found.found.iter().map(|repair| repair.view(Vec::new())).collect(), found.reason)
    }
}

/// One answer, or a told fault of the question.
fn view(
    question: &Question,
    name: Option<Arc<str>>,
    at: At,
    ready: &Ready,
    fixes: bool,
    locator: &Locator<'_>,
    console: &Console,
) -> Option<TraceView> {
    match engine::answer(question, name, at, &ready.network) {
        Ok(trace) => {
            let mut view = TraceView::with(&trace, &ready.network, locator);
            if fixes && trace.outcome == Outcome::Blocked {
                (view.fixes, view.no_fix) = ready.fixes(&trace.flow);
            }
            Some(view)
        }
        Err(fault) => {
            let mut notes = Diagnostics::new();
            notes.push(fault);
            console.diagnostics(&notes, locator.sources());
            None
        }
    }
}

/// The flow of the command line.
fn single(
    question: &Question,
    ready: &Ready,
    fixes: bool,
    console: &Console,
    format: TraceFormat,
    style: &Style,
    out: &mut Sink,
) -> Result<u8, Failure> {
    let locator = Locator::new(&ready.loaded.sources);
    let Some(view) = view(question, None, At::NOWHERE, ready, fixes, &locator, console) else {
        return Err(Failure::Input(Vec::new()));
    };
    let mut text = String::new();
    match format {
        TraceFormat::Text => report::text::trace(&mut text, &view, style),
        TraceFormat::Json => report::json::pretty(&mut text, &view),
        TraceFormat::Ndjson | TraceFormat::Csv => report::json::line(&mut text, &view),
        TraceFormat::Mermaid => text = report::mermaid::trace(&view),
        TraceFormat::Dot => text = report::dot::trace(&view),
    }
    out.write_all(text.as_bytes())?;
    Ok(exit::DONE)
}

/// Every flow of a scenario, as it stands.
fn every(
    scenario: &Scenario,
    ready: &Ready,
    fixes: bool,
    console: &Console,
    format: TraceFormat,
    style: &Style,
    out: &mut Sink,
) -> Result<u8, Failure> {
    let locator = Locator::new(&ready.loaded.sources);
    let mut code = exit::DONE;
    let mut rows = Vec::new();
    let mut list = List::new(format);
    for case in &scenario.cases {
        let name = Some(case.name.clone());
        let Some(view) = view(&case.question, name, case.at, ready, fixes, &locator, console) else {
            code = exit::INPUT;
            continue;
        };
        let mut text = String::new();
        match format {
            TraceFormat::Text if style.verbose => {
                report::text::trace(&mut text, &view, style);
                text.push('\n');
            }
            TraceFormat::Text => {}
            _ => report::json::line(&mut text, &view),
        }
        rows.push(FlowRow::from(&view));
        list.item(out, &text)?;
    }
    list.end(out)?;
    if format == TraceFormat::Text {
        let mut text = String::new();
        report::text::flows_table(&mut text, &rows, style);
        out.write_all(text.as_bytes())?;
    }
    Ok(code)
}

/// How many faulty lines are shown one by one.
const SHOWN: usize = 20;

async fn batch(
    path: &Path,
    estate: batch::Estate,
    console: &Console,
    cancel: Cancel,
    format: TraceFormat,
    style: Style,
    out: &mut Sink,
) -> Result<u8, Failure> {
    let batch = Batch::open(path.to_owned())?;
    let progress = Progress::flows(batch.length(), !out.is_watched());
    let mut list = List::new(format);
    list.begin(out)?;
    let (mut answered, mut faulty) = (0, 0);
    let answer = move |ask: Ask<'_>, row: Row, text: &mut String| answer(ask, row, format, &style, text);
    let result = batch
        .run(estate, cancel.clone(), answer, |answers| {
            answered += answers.flows;
            progress.flows_done(answered, answers.bytes);
            for fault in &answers.faults {
                faulty += 1;
                if faulty <= SHOWN {
                    progress.beside(|| console.error(&format!("{}: {fault}", path.display())));
                }
            }
            list.item(out, &answers.text)
        })
        .await;
    progress.clear();
    match result {
        Ok(()) => {}
        Err(BatchError::File(error)) => return Err(error.into()),
        Err(BatchError::Write(error)) => return Err(error.into()),
        Err(BatchError::Estate(why)) => return Err(Failure::Input(vec![why])),
    }
    list.end(out)?;
    if faulty > SHOWN {
        console.error(&format!("{}: {} more faulty lines", path.display(), faulty - SHOWN));
    }
    if cancel.is_asked() {
        // What was answered is kept, and the file is as well-formed as a whole one.
        console.error(&format!("stopped before the end: {answered} flows are answered"));
        return Ok(exit::INTERRUPTED);
    }
    if answered == 0 && faulty == 0 {
        console.say(&no_flow(path));
    }
    Ok(if faulty == 0 { exit::DONE } else { exit::INPUT })
}

/// What to say of a list without flows: nothing asked is not nothing found.
pub(super) fn no_flow(path: &Path) -> String {
    format!("there is no flow in `{}`, so nothing was asked", path.display())
}

/// The answer to a line of a batch: short, or the whole trace where that is wanted.
fn answer(
    ask: Ask<'_>,
    row: Row,
    format: TraceFormat,
    style: &Style,
    text: &mut String,
) -> Result<(), crate::diag::Diagnostic> {
    let line = row.line;
    let (flow, decision, path) = match ask {
        Ask::Short(decided) => {
            let (flow, decision) = decided?;
            (flow, decision, None)
        }
        Ask::Path(traced) => {
            let (flow, decision, path) = traced?;
            (flow, decision, Some(path))
        }
        Ask::Whole(desk) => {
            let trace = engine::answer(&row.question, row.name, At::NOWHERE, desk.network)?;
            let view = TraceView::with(&trace, desk.network, desk.locator);
            match format {
                TraceFormat::Text => {
                    report::text::trace(text, &view, style);
                    text.push('\n');
                }
                _ => in_list(format, text, |text| report::json::line(text, &view)),
            }
            return Ok(());
        }
    };
    match format {
        TraceFormat::Text => {
            text.push_str(&render::line(&FlowRow::new(&flow, &decision, None)));
            text.push('\n');
        }
        TraceFormat::Csv => report::flow::csv(text, line, &flow, &decision),
        _ => {
            in_list(format, text, |text| report::flow::json(text, line, &flow, &decision, path.as_deref()));
        }
    }
    Ok(())
}

/// In a JSON list, a comma between items in place of the line break behind each.
fn in_list(format: TraceFormat, text: &mut String, write: impl FnOnce(&mut String)) {
    if format == TraceFormat::Json && !text.is_empty() {
        text.truncate(text.trim_end().len());
        text.push_str(",\n");
    }
    write(text);
}

/// Writes texts that end with a line break one after the other; in JSON as items of a list, in CSV under a header.
struct List {
    json: bool,
    csv: bool,
    written: usize,
}

impl List {
    fn new(format: TraceFormat) -> Self {
        Self { json: format == TraceFormat::Json, csv: format == TraceFormat::Csv, written: 0 }
    }

    fn begin(&self, out: &mut Sink) -> io::Result<()> {
        if self.csv { out.write_all(report::flow::HEADER.as_bytes()) } else { Ok(()) }
    }

    fn item(&mut self, out: &mut Sink, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        if self.json {
            out.write_all(if self.written == 0 { b"[\n" } else { b",\n" })?;
        }
        self.written += 1;
        out.write_all(if self.json { text.trim_end().as_bytes() } else { text.as_bytes() })
    }

    fn end(&self, out: &mut Sink) -> io::Result<()> {
        match (self.json, self.written) {
            (true, 0) => out.write_all(b"[]\n"),
            (true, _) => out.write_all(b"\n]\n"),
            (false, _) => Ok(()),
        }
    }
}
