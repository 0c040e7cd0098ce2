//! Words to the person at standard error, and whether to colour.

use super::args::{Color, DiagnosticsFormat, LogLevel};
use crate::diag::{Diagnostics, Sources};
use crate::report::Style;
use crate::run::render;
use anstream::{AutoStream, ColorChoice};
use std::io::{self, IsTerminal, Write};
use std::panic::PanicHookInfo;
use tracing::Level;
use tracing_subscriber::fmt::format::FmtSpan;

/// Standard error, and the choice of colour.
#[derive(Debug)]
pub(super) struct Console {
    choice: ColorChoice,
    diagnostics: DiagnosticsFormat,
    /// What an estate's warnings say was not asked for: their number will do.
    brief: bool,
}

impl Console {
    pub(super) fn new(color: Color, diagnostics: DiagnosticsFormat, brief: bool) -> Self {
        let choice = match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Self { choice, diagnostics, brief }
    }

    /// The choice for standard output.
    pub(super) fn choice(&self) -> ColorChoice {
        self.choice
    }

    /// Whether standard output is coloured.
    pub(super) fn colors_stdout(&self) -> bool {
        let auto = || AutoStream::choice(&io::stdout()) != ColorChoice::Never;
        self.colors(auto)
    }

    /// Whether standard error is coloured.
    pub(super) fn colors_stderr(&self) -> bool {
        let auto = || AutoStream::choice(&io::stderr()) != ColorChoice::Never;
        self.colors(auto)
    }

    fn colors(&self, auto: impl FnOnce() -> bool) -> bool {
        match self.choice {
            ColorChoice::Never => false,
            ColorChoice::Auto => auto(),
            _ => true,
        }
    }

    /// Columns of the terminal; 0 where there is none.
    pub(super) fn width(&self) -> usize {
        if !io::stdout().is_terminal() {
            return 0;
        }
        terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0))
    }

    /// How text on standard output is laid out.
    pub(super) fn style(&self, color: bool, verbose: bool) -> Style {
        Style { color, unicode: true, width: self.width(), verbose }
    }

    /// Diagnostics of an estate: all of them, or its errors and the number of the rest.
    pub(super) fn estate_diagnostics(&self, notes: &Diagnostics, sources: &Sources) {
        if !self.brief || self.diagnostics == DiagnosticsFormat::Json {
            return self.diagnostics(notes, sources);
        }
        let (errors, rest) = render::in_short(notes);
        self.diagnostics(&errors, sources);
        if let Some(rest) = rest {
            self.say(&format!("{rest} about the estate; `--verbose` or `netwhy import` shows them\n"));
        }
    }

    /// Diagnostics with the lines they are about.
    pub(super) fn diagnostics(&self, notes: &Diagnostics, sources: &Sources) {
        if self.diagnostics == DiagnosticsFormat::Json {
            self.write(&render::diagnostic_lines(notes, sources));
            return;
        }
        let width =
            terminal_size::terminal_size_of(io::stderr()).map_or(0, |(width, _)| usize::from(width.0));
        let style = Style { color: self.colors_stderr(), unicode: true, width, verbose: false };
        self.write(&render::diagnostics(notes, sources, &style));
    }

    /// An error in one line.
    pub(super) fn error(&self, message: &str) {
        if self.diagnostics == DiagnosticsFormat::Json {
            self.write(&format!("{}\n", serde_json::json!({ "severity": "error", "message": message })));
            return;
        }
        let (on, off) = if self.colors_stderr() { ("\u{1b}[1;31m", "\u{1b}[0m") } else { ("", "") };
        self.say(&format!("{on}error{off}: {message}"));
    }

    /// A line.
    pub(super) fn say(&self, line: &str) {
        match self.diagnostics {
            DiagnosticsFormat::Text => self.write(&format!("{line}\n")),
            DiagnosticsFormat::Json => {
                self.write(&format!("{}\n", serde_json::json!({ "message": line.trim() })))
            }
        }
    }

    /// Text as it is. A standard error that is closed cannot be helped.
    pub(super) fn write(&self, text: &str) {
        let _ = AutoStream::new(io::stderr(), self.choice).write_all(text.as_bytes());
    }
}

/// Stages with counts and durations, to standard error.
pub(super) fn log_to_stderr(level: LogLevel, console: &Console) -> Result<(), String> {
    let level = match level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Trace => Level::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        .with_ansi(console.colors_stderr())
        .with_span_events(FmtSpan::CLOSE)
        .with_target(false)
        .try_init()
        .map_err(|e| e.to_string())
}

/// What is said when the program fails.
pub(super) fn tell_of_panic(info: &PanicHookInfo<'_>) {
    let place = info.location().map_or(String::new(), |l| format!(" at {}:{}", l.file(), l.line()));
    let what = crate::run::check::panic_text(info.payload());
    let version = env!("CARGO_PKG_VERSION");
    let _ = writeln!(
        io::stderr(),
        "internal error: {what}{place}\nthis is a bug of netwhy {version}; please report it with the command and, if you can, the files"
    );
}

/// Progress at standard error, on a terminal only.
#[derive(Debug)]
pub(super) struct Progress(indicatif::ProgressBar);

impl Progress {
    /// Flows of a file, which has so many bytes where that is known.
    pub(super) fn flows(bytes: Option<u64>, wanted: bool) -> Self {
        match bytes {
            Some(bytes) => Self::styled(
                indicatif::ProgressBar::new(bytes),
                "{bar:30} {percent}% {msg}, {elapsed} gone, {eta} to go",
                wanted,
            ),
            None => {
                Self::styled(indicatif::ProgressBar::no_length(), "{spinner} {msg}, {elapsed} gone", wanted)
            }
        }
    }

    /// So many flows are done, with so many bytes more.
    pub(super) fn flows_done(&self, flows: u64, bytes: u64) {
        self.0.inc(bytes);
        let gone = self.0.elapsed().as_secs_f64().max(0.001);
        let rate = indicatif::HumanCount((flows as f64 / gone) as u64);
        self.0.set_message(format!("{} flows, {rate} a second", indicatif::HumanCount(flows)));
    }

    /// Says something without tearing the bar.
    pub(super) fn beside(&self, say: impl FnOnce()) {
        self.0.suspend(say);
    }

    /// A count of resources.
    pub(super) fn resources(wanted: bool) -> Self {
        let template = "{spinner} {human_pos} resources, {per_sec}";
        Self::styled(indicatif::ProgressBar::no_length(), template, wanted)
    }

    /// A count of scenarios.
    pub(super) fn scenarios(number: usize, wanted: bool) -> Self {
        Self::styled(
            indicatif::ProgressBar::new(number as u64),
            "{bar:30} {pos}/{len} scenarios {msg}",
            wanted,
        )
    }

    fn styled(bar: indicatif::ProgressBar, template: &str, wanted: bool) -> Self {
        let shown = wanted && io::stderr().is_terminal();
        bar.set_draw_target(if shown {
            indicatif::ProgressDrawTarget::stderr()
        } else {
            indicatif::ProgressDrawTarget::hidden()
        });
        if let Ok(style) = indicatif::ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// One more.
    pub(super) fn step(&self) {
        self.0.inc(1);
    }

    /// Takes it off the terminal.
    pub(super) fn clear(&self) {
        self.0.finish_and_clear();
    }
}
