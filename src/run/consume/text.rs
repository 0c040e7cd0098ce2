//! For people: a line for each scenario, more for what differs.

use super::Consumer;
use crate::run::check::Summary;
use crate::run::event::{End, Event, Finished, Started, Tally, VerdictReached};
use crate::run::render::{self, Style};
use crate::scenario::Verdict;
use std::io::{self, Write};

/// Writes what differs, and with `style.verbose` everything.
#[derive(Debug)]
pub struct Text {
    style: Style,
    started: Option<Started>,
    /// Whether the head of the scenario was written.
    headed: bool,
}

impl Text {
    /// A writer in a style.
    pub fn new(style: Style) -> Self {
        Self { style, started: None, headed: false }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.style.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn head(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if let (false, Some(started)) = (self.headed, &self.started) {
            self.headed = true;
            writeln!(out, "{}: {}", started.path, self.paint("1", &started.name))?;
        }
        Ok(())
    }

    fn verdict(&mut self, reached: &VerdictReached, out: &mut dyn Write) -> io::Result<()> {
        let label = reached.flow.label();
        match &reached.verdict {
            Verdict::Held if self.style.verbose => {
                self.head(out)?;
                writeln!(out, "  {}      {label}", self.paint("32", "held"))?;
            }
            Verdict::Held => {}
            Verdict::Unjudged(why) => {
                if self.style.verbose {
                    self.head(out)?;
                    writeln!(out, "  {}  {label}: {why}", self.paint("33", "unjudged"))?;
                }
            }
            Verdict::Failed(differences) => {
                self.head(out)?;
                writeln!(out, "  {}    {label}", self.paint("1;31", "FAILED"))?;
                for difference in differences {
                    writeln!(out, "            {difference}")?;
                }
                self.evidence(reached, out)?;
            }
        }
        Ok(())
    }

    fn evidence(&self, reached: &VerdictReached, out: &mut dyn Write) -> io::Result<()> {
        if let Some((decider, place)) = &reached.decider {
            let place = place.as_ref().map_or(String::new(), |p| format!(" ({}:{})", p.file, p.line));
            writeln!(out, "            decided by {decider}{place}")?;
        }
        if let Some(place) = &reached.place {
            writeln!(out, "            expected at {}:{}", place.file, place.line)?;
        }
        if !reached.needed_for.is_empty() {
            writeln!(out, "            needed for {}", reached.needed_for.join(", "))?;
        }
        if let (true, Some(view)) = (self.style.verbose, &reached.view) {
            let mut text = String::new();
            render::text(&mut text, view, &self.style);
            for line in text.lines() {
                writeln!(out, "            {line}")?;
            }
        }
        Ok(())
    }

    fn finished(&mut self, finished: &Finished, out: &mut dyn Write) -> io::Result<()> {
        let name = self.started.take().map_or(String::new(), |started| format!(": {}", started.name));
        let Tally { held, failed, unjudged } = finished.tally;
        let counts = counts(finished.tally);
        match finished.end {
            _ if self.headed => writeln!(out, "  {counts}")?,
            End::Judged => writeln!(out, "{}{name}: {counts}", finished.path)?,
            _ if held + failed + unjudged > 0 => writeln!(out, "{}{name}: {counts}", finished.path)?,
            _ => {}
        }
        let word = match finished.end {
            End::Judged => return out.flush(),
            End::Stopped => "stopped before its end",
            End::Faulty => "its input is faulty, so it is not judged to the end",
            End::Crashed => "the program failed on it",
        };
        writeln!(out, "{}: {}", finished.path, self.paint("1;31", word))?;
        out.flush()
    }
}

impl Consumer for Text {
    fn take(&mut self, event: &Event, out: &mut dyn Write) -> io::Result<()> {
        match event {
            Event::Started(started) => {
                self.started = Some(started.clone());
                self.headed = false;
                Ok(())
            }
            Event::FlowTraced(_) => Ok(()),
            Event::VerdictReached(reached) => self.verdict(reached, out),
            Event::Finished(finished) => {
                self.finished(finished, out)?;
                self.headed = false;
                Ok(())
            }
        }
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
