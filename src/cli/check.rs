//! `netwhy check`: what scenarios expect.

use super::Failure;
use super::args::{CheckArgs, CheckFormat};
use super::console::{Console, Progress};
use super::exit;
use super::sink::Sink;
use crate::diag::{Diagnostics, Sources};
use crate::report::Style;
use crate::run::Cancel;
use crate::run::check::{self, CheckSettings, Summary};
use crate::run::consume::{Consumer, Document, GitHub, Junit, Lines, Sarif, Text};
use crate::run::event::{Event, Finished};
use std::io;

/// Checks scenarios. The exit code tells the worst of what came of them.
pub(super) async fn run(args: CheckArgs, console: &Console, cancel: Cancel) -> Result<u8, Failure> {
    let mut notes = Diagnostics::new();
    let paths = check::find(args.scenarios.clone(), &mut notes).await?;
    console.diagnostics(&notes, &Sources::default());
    if paths.is_empty() {
        return Err(Failure::Input(vec!["there is no scenario in what was given".into()]));
    }
    let mut out = Sink::open(args.output.output.as_deref(), console)?;
    let style = console.style(out.colors(console), args.verbose);
    let mut consumer = consumer(args.format, style);
    let progress = Progress::scenarios(paths.len(), !out.is_watched());
    let every_view = args.verbose && args.format != CheckFormat::Text;
    let settings = CheckSettings { every_view, filter: args.filter.clone() };
    let mut pipe = Pipe::default();
    let summary = check::check(paths, settings, cancel, |event| {
        if let Event::Finished(finished) = event {
            progress.step();
            tell(finished, console);
        }
        pipe.guard(|| consumer.take(event, &mut out))
    })
    .await?;
    progress.clear();
    if nothing_matched(&summary, &args) {
        return Err(Failure::Input(vec!["no flow matches `--filter`".into()]));
    }
    pipe.guard(|| consumer.end(&summary, &mut out))?;
    if !pipe.closed {
        out.finish()?;
    }
    Ok(code(&summary))
}

fn consumer(format: CheckFormat, style: Style) -> Box<dyn Consumer> {
    match format {
        CheckFormat::Text => Box::new(Text::new(style)),
        CheckFormat::Json => Box::new(Document::default()),
        CheckFormat::Ndjson => Box::new(Lines::default()),
        CheckFormat::Junit => Box::new(Junit::default()),
        CheckFormat::Sarif => Box::new(Sarif::default()),
        CheckFormat::Github => Box::new(GitHub::default()),
    }
}

/// What is wrong with a scenario's input goes to standard error, whatever the format.
fn tell(finished: &Finished, console: &Console) {
    console.diagnostics(&finished.notes, &finished.sources);
    for fault in &finished.faults {
        console.error(&format!("{}: {fault}", finished.path));
    }
}

fn nothing_matched(summary: &Summary, args: &CheckArgs) -> bool {
    let tally = summary.tally;
    args.filter.is_some()
        && tally.held + tally.failed + tally.unjudged == 0
        && summary.faulty + summary.crashed == 0
        && !summary.stopped
}

fn code(summary: &Summary) -> u8 {
    match summary {
        Summary { crashed: 1.., .. } => exit::INTERNAL,
        Summary { stopped: true, .. } => exit::INTERRUPTED,
        Summary { faulty: 1.., .. } => exit::INPUT,
        summary if summary.tally.failed > 0 => exit::FAILED,
        _ => exit::DONE,
    }
}

/// A reader that went away does not end the check: its exit code is what counts.
#[derive(Default)]
struct Pipe {
    closed: bool,
}

impl Pipe {
    fn guard(&mut self, write: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        match write() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            other => other,
        }
    }
}
