//! For people: what differs, a line for each scenario, and a line that counts.

use super::Consumer;
use crate::report::clean::clean;
use crate::report::{self, Style};
use crate::run::check::Summary;
use crate::run::event::{End, Event, Finished, Started, Tally, VerdictReached};
use crate::scenario::Verdict;
use std::io::{self, Write};

/// Writes what differs, and with `style.verbose` everything.
#[derive(Debug)]
pub struct Text {
    style: Style,
    started: Option<Started>,
}

impl Text {
    /// A writer in a style.
    pub fn new(style: Style) -> Self {
        Self { style, started: None }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.style.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn verdict(&self, reached: &VerdictReached, out: &mut dyn Write) -> io::Result<()> {
        let failed = matches!(reached.verdict, Verdict::Failed(_));
        if let (Verdict::Unjudged(why), true) = (&reached.verdict, self.style.verbose) {
            let word = self.paint("33", "skip  ");
            writeln!(out, "{word}{}: {}", clean(&reached.flow.label()), clean(why))?;
        }
        let Some(checked) = reached.checked.as_ref().filter(|_| failed || self.style.verbose) else {
            return Ok(());
        };
        let mut text = String::new();
        report::check::verdict(&mut text, checked, &self.style);
        if failed {
            let elsewhere = checked.file.is_some();
            if let (true, Some(file), Some(line)) = (elsewhere, &checked.scenario_file, checked.scenario_line)
            {
                text.push_str(&format!("      expected at {}:{line}\n", clean(file)));
            }
            if !reached.needed_for.is_empty() {
                let needed: Vec<_> = reached.needed_for.iter().map(|word| clean(word)).collect();
                text.push_str(&format!("      needed for {}\n", needed.join(", ")));
            }
        }
        if let (true, Some(view)) = (self.style.verbose, &reached.view) {
            let mut trace = String::new();
            report::text::trace(&mut trace, view, &self.style);
            text.extend(trace.lines().map(|line| format!("      {line}").trim_end().to_owned() + "\n"));
        }
        out.write_all(text.as_bytes())
    }

    fn finished(&mut self, finished: &Finished, out: &mut dyn Write) -> io::Result<()> {
        let path = clean(&finished.path);
        let name = self.started.take().map_or(String::new(), |s| format!(" ({})", clean(&s.name)));
        let Tally { held, failed, unjudged } = finished.tally;
        let counts = counts(finished.tally);
        let end = match finished.end {
            End::Judged => "",
            End::Stopped => "stopped before its end",
            End::Faulty => "its input is faulty, so it is not judged to its end",
            End::Crashed => "the program failed on it",
        };
        match (finished.end, held + failed + unjudged) {
            (End::Judged, _) => writeln!(out, "{path}{name}: {counts}")?,
            (_, 0) => writeln!(out, "{path}{name}: {}", self.paint("1;31", end))?,
            _ => writeln!(out, "{path}{name}: {counts}; {}", self.paint("1;31", end))?,
        }
        out.flush()
    }
}

impl Consumer for Text {
    fn take(&mut self, event: &Event, out: &mut dyn Write) -> io::Result<()> {
        match event {
            Event::Started(started) => self.started = Some(started.clone()),
            Event::FlowTraced(_) => {}
            Event::VerdictReached(reached) => self.verdict(reached, out)?,
            Event::Finished(finished) => self.finished(finished, out)?,
        }
        Ok(())
    }

    fn end(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        let mut words = vec![counts(summary.tally)];
        if summary.faulty > 0 {
            words.push(format!("{} faulty", plural(summary.faulty, "scenario")));
        }
        if summary.crashed > 0 {
            words.push(format!("{} crashed", plural(summary.crashed, "scenario")));
        }
        if summary.stopped {
            words.push("stopped before the end".into());
        }
        writeln!(out, "{}: {}", plural(summary.scenarios, "scenario"), words.join(", "))
    }
}

fn counts(tally: Tally) -> String {
    let mut words = vec![format!("{} held", tally.held), format!("{} failed", tally.failed)];
    if tally.unjudged > 0 {
        words.push(format!("{} not judged", tally.unjudged));
    }
    words.join(", ")
}

fn plural(number: usize, word: &str) -> String {
    if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") }
}
