//! `netwhy trace`: flows through an estate.

use super::args::{EstateArgs, TraceArgs, TraceFormat};
use super::console::Console;
use super::exit;
use super::sink::Sink;
use super::{Failure, load};
use crate::diag::{At, Diagnostics, DocId, Sources};
use crate::network::Network;
use crate::run::batch::{self, Answer, BatchError};
use crate::run::load::{self as loader, Loaded, Settings, beside};
use crate::run::render::{self, Style, View};
use crate::run::{Cancel, engine, files};
use crate::scenario::{self, EstatePart, Question, Scenario};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// Traces what is asked for.
pub(super) async fn run(args: Box<TraceArgs>, console: &Console, cancel: Cancel) -> Result<u8, Failure> {
    let scenario = match &args.scenario {
        Some(path) => Some(read_scenario(path, console)?),
        None => None,
    };
    let question = question(&args)?;
    let (loaded, network) = estate(&args, scenario.as_ref(), console).await?;
    let mut out = Sink::open(args.output.output.as_deref(), console)?;
    let style = Style { color: out.colors(console), verbose: args.verbose, width: console.width() };
    let mut writer = Writer { format: args.format, style, written: 0 };
    let code = if let Some(question) = question {
        let view = one(&question, None, At::NOWHERE, &loaded, &network, console)?;
        writer.single(&mut out, &view)?;
        exit::DONE
    } else if let Some((_, scenario)) = &scenario {
        let code = every(scenario, &loaded, &network, console, &mut writer, &mut out)?;
        writer.end(&mut out)?;
        code
    } else {
        let path = args.flows.clone().unwrap_or_default();
        let code = batch(&path, loaded, network, console, cancel, &mut writer, &mut out).await?;
        writer.end(&mut out)?;
        code
    };
    out.finish()?;
    Ok(code)
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
    }))
}

/// Reads a scenario, its diagnostics to the console.
fn read_scenario(path: &Path, console: &Console) -> Result<(Sources, Scenario), Failure> {
    let text = files::read_text(path)?;
    let mut sources = Sources::default();
    let mut notes = Diagnostics::new();
    let doc: DocId = sources.add(path.display().to_string(), text.as_str());
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let root = loader::parse(doc, &text, &mut notes);
    let scenario = root.and_then(|root| scenario::load(&root, &stem, &mut notes));
    console.write(&render::diagnostics(&notes, &sources, console.colors_stderr()));
    match scenario.filter(|_| !notes.has_errors()) {
        Some(scenario) => Ok((sources, scenario)),
        None => Err(Failure::Input(vec![format!("`{}` is faulty", path.display())])),
    }
}

/// Loads and compiles the estate given, else the scenario's own.
async fn estate(
    args: &TraceArgs,
    scenario: Option<&(Sources, Scenario)>,
    console: &Console,
) -> Result<(Loaded, Arc<Network>), Failure> {
    let mut settings: Settings = args.settings.settings();
    let mut paths = args.estate.clone();
    let mut inline = Vec::new();
    let mut sources = Sources::default();
    let mut changes = Vec::new();
    let mut knobs = Vec::new();
    if let (Some((own, scenario)), Some(file)) = (scenario, &args.scenario) {
        sources = own.clone();
        settings.parameters = scenario.parameters.clone();
        let tags = scenario.service_tags.as_ref().map(|word| beside(file, &word.text));
        settings.service_tags = settings.service_tags.or(tags);
        if paths.is_empty() {
            for part in &scenario.estate {
                match part {
                    EstatePart::Path(word) => paths.push(beside(file, &word.text)),
                    EstatePart::Inline(node) => inline.push(node.clone()),
                }
            }
        }
        if paths.is_empty() && inline.is_empty() {
            return Err(Failure::Usage("neither the scenario nor the command line names an estate".into()));
        }
        changes.extend(scenario.changes.iter().cloned());
        knobs.extend(scenario.settings.iter().map(|s| format!("{}={}", s.knob, s.value)));
    }
    knobs.extend(args.settings.profile_set.iter().cloned());
    let profile = load::profile(&knobs)?;
    let mut loaded = load::loaded(&paths, &inline, &settings, sources).await?;
    changes.append(&mut loaded.changes);
    let EstateArgs { lenient, .. } = args.settings;
    let (network, log) = load::compiled(&mut loaded, &changes, profile, lenient, console)?;
    for line in &log {
        console.say(&format!("changed: {line}"));
    }
    Ok((loaded, Arc::new(network)))
}

fn one(
    question: &Question,
    name: Option<Arc<str>>,
    at: At,
    loaded: &Loaded,
    network: &Network,
    console: &Console,
) -> Result<View, Failure> {
    match engine::flow(question, name, at, network) {
        Ok(flow) => Ok(render::view(&engine::answer(network, &flow), network, &loaded.sources)),
        Err(fault) => {
            let mut notes = Diagnostics::new();
            notes.push(fault);
            console.write(&render::diagnostics(&notes, &loaded.sources, console.colors_stderr()));
            Err(Failure::Input(Vec::new()))
        }
    }
}

/// Every flow of a scenario, as it stands.
fn every(
    scenario: &Scenario,
    loaded: &Loaded,
    network: &Network,
    console: &Console,
    writer: &mut Writer,
    out: &mut Sink,
) -> Result<u8, Failure> {
    let mut code = exit::DONE;
    for case in &scenario.cases {
        match one(&case.question, Some(case.name.clone()), case.at, loaded, network, console) {
            Ok(view) => writer.next(out, &view)?,
            Err(_) => code = exit::INPUT,
        }
    }
    Ok(code)
}

/// How many faulty lines are shown one by one.
const SHOWN: usize = 20;

async fn batch(
    path: &Path,
    loaded: Loaded,
    network: Arc<Network>,
    console: &Console,
    cancel: Cancel,
    writer: &mut Writer,
    out: &mut Sink,
) -> Result<u8, Failure> {
    let progress = super::console::Progress::lines(!out.is_watched());
    let (format, style, sources) = (writer.format, writer.style, Arc::new(loaded.sources));
    let shown = {
        let (network, sources) = (network.clone(), sources.clone());
        move |trace: &crate::trace::Trace| {
            let view = render::view(trace, &network, &sources);
            match format {
                TraceFormat::Text if style.verbose => {
                    let mut text = String::new();
                    render::text(&mut text, &view, &style);
                    text
                }
                TraceFormat::Text => render::line(&view),
                TraceFormat::Json | TraceFormat::Ndjson => render::json(&view).to_string(),
            }
        }
    };
    let mut faulty = 0;
    let result = batch::run(path.to_owned(), network, cancel.clone(), shown, |answer| {
        progress.step();
        match answer {
            Answer::Traced(_, text) => writer.raw(out, &text),
            Answer::Faulty(error) => {
                faulty += 1;
                if faulty <= SHOWN {
                    console.error(&format!("{}: {error}", path.display()));
                }
                Ok(())
            }
        }
    })
    .await;
    progress.clear();
    let count = match result {
        Ok(count) => count,
        Err(BatchError::File(error)) => return Err(error.into()),
        Err(BatchError::Write(error)) => return Err(error.into()),
    };
    if cancel.is_asked() {
        return Err(Failure::Interrupted);
    }
    if faulty > SHOWN {
        console.error(&format!("{}: {} more faulty lines", path.display(), faulty - SHOWN));
    }
    tracing::info!(traced = count.traced, faulty = count.faulty, "batch done");
    Ok(if faulty == 0 { exit::DONE } else { exit::INPUT })
}

/// Writes answers one after the other in their format.
struct Writer {
    format: TraceFormat,
    style: Style,
    written: usize,
}

impl Writer {
    /// The only answer: no list around it.
    fn single(&self, out: &mut Sink, view: &View) -> io::Result<()> {
        match self.format {
            TraceFormat::Text => {
                let mut text = String::new();
                render::text(&mut text, view, &self.style);
                out.write_all(text.as_bytes())
            }
            TraceFormat::Json => writeln!(out, "{:#}", render::json(view)),
            TraceFormat::Ndjson => writeln!(out, "{}", render::json(view)),
        }
    }

    /// One of several.
    fn next(&mut self, out: &mut Sink, view: &View) -> io::Result<()> {
        match self.format {
            TraceFormat::Text => {
                let mut text = String::new();
                render::text(&mut text, view, &self.style);
                self.raw(out, &text)
            }
            TraceFormat::Json | TraceFormat::Ndjson => self.raw(out, &render::json(view).to_string()),
        }
    }

    /// One of several, as text already.
    fn raw(&mut self, out: &mut Sink, text: &str) -> io::Result<()> {
        let whole = self.format == TraceFormat::Text && text.ends_with('\n');
        match (self.format, self.written) {
            (TraceFormat::Json, 0) => out.write_all(b"[\n")?,
            (TraceFormat::Json, _) => out.write_all(b",\n")?,
            (TraceFormat::Text, 1..) if whole => out.write_all(b"\n")?,
            _ => {}
        }
        self.written += 1;
        out.write_all(text.as_bytes())?;
        if self.format == TraceFormat::Json || whole { Ok(()) } else { out.write_all(b"\n") }
    }

    /// What comes after the last.
    fn end(&self, out: &mut Sink) -> io::Result<()> {
        match (self.format, self.written) {
            (TraceFormat::Json, 0) => out.write_all(b"[]\n"),
            (TraceFormat::Json, _) => out.write_all(b"\n]\n"),
            _ => Ok(()),
        }
    }
}
