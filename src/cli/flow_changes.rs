//! `netwhy what-if --flows`: which flows of a list get another answer.

use super::args::{ImpactFormat, WhatIfArgs};
use super::console::Console;
use super::sink::Sink;
use super::{Failure, exit, load, trace};
use crate::analysis::change_text::ChangeText;
use crate::diag::{Diagnostics, Sources};
use crate::report::flow_changes::{ChangeView, FlowChanges, VERSION, text};
use crate::report::json;
use crate::run::batch::layout_of;
use crate::run::files::{FileError, FileFault, open_stream};
use crate::run::standing::{MOST, flows};
use crate::run::what_if::{Estate, TYPED, read};
use crate::scenario::{LineError, Lines, Row};
use std::io::{Read, Write};
use std::path::Path;

/// Faulty lines told one by one.
const SHOWN: usize = 20;

/// Asks every flow of the list before and after the changes.
pub(super) async fn run(
    args: &WhatIfArgs,
    path: &Path,
    typed: &ChangeText,
    console: &Console,
) -> Result<u8, Failure> {
    if args.format == ImpactFormat::Markdown {
        return Err(Failure::Usage("`--flows` answers as text or JSON".into()));
    }
    let profile = load::profile(&args.settings.profile_set)?;
    let settings = args.settings.settings();
    let mut loaded = load::loaded(&args.estate, &[], &settings, Sources::default()).await?;
    let mut notes = Diagnostics::new();
    let mut changes = Vec::new();
    if !typed.is_empty() {
        changes = read(&typed.file("flags"), TYPED, &mut loaded.sources, &mut notes);
    }
    changes.append(&mut loaded.changes);
    let (before, _) = load::compiled(&mut loaded, &[], profile.clone(), args.settings.lenient, console)?;
    let (rows, mut faults) = rows(path)?;
    let estate =
        Estate { raws: &loaded.raws, base: &[], profile: &profile, tags: &loaded.tags, known: &loaded.notes };
    let answer = flows(estate, before, &changes, rows, &mut notes);
    notes.sort();
    console.diagnostics(&notes, &loaded.sources);
    if notes.has_errors() {
        return Err(Failure::Input(Vec::new()));
    }
    faults.extend(answer.faults.iter().cloned());
    for fault in faults.iter().take(SHOWN) {
        console.error(&format!("{}: line {}: {}", path.display(), fault.line, fault.message));
    }
    if faults.len() > SHOWN {
        console.error(&format!("and {} more lines that cannot be asked", faults.len() - SHOWN));
    }
    if answer.flows == 0 && faults.is_empty() {
        console.say(&trace::no_flow(path));
    }
    let view = |c: &crate::run::standing::FlowChange| ChangeView::new(c.line, &c.flow, &c.before, &c.after);
    let told = FlowChanges {
        version: VERSION,
        changes: answer.log.iter().map(ToString::to_string).collect(),
        flows: answer.flows,
        decided_again: answer.decided,
        compiled_anew: !answer.branched,
        changed: answer.changed.iter().map(view).collect(),
    };
    let mut out = Sink::open(args.output.output.as_deref(), console)?;
    let style = console.style(out.colors(console), args.verbose);
    let mut page = String::new();
    match args.format {
        ImpactFormat::Json => json::pretty(&mut page, &told),
        _ => text(&mut page, &told, &style),
    }
    out.write_all(page.as_bytes())?;
    out.finish()?;
    let broken = answer.changed.iter().any(|c| !gets_through(&c.after) && gets_through(&c.before));
    Ok(match (faults.is_empty(), broken && args.fail_on_break) {
        (false, _) => exit::INPUT,
        (true, true) => exit::FAILED,
        (true, false) => exit::DONE,
    })
}

fn gets_through(decision: &crate::trace::Decision) -> bool {
    decision.outcome == crate::trace::Outcome::Allowed
}

/// The flows of a list, and lines that are none.
fn rows(path: &Path) -> Result<(Vec<Row>, Vec<LineError>), Failure> {
    let (mut stream, _) = open_stream(path)?;
    let mut list = Vec::new();
    let unread = |error| FileError { path: path.to_owned(), fault: FileFault::Read(error) };
    stream.read_to_end(&mut list).map_err(unread)?;
    let mut lines = Lines::new(layout_of(path));
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    for line in list.split(|byte| *byte == b'\n') {
        let row = match std::str::from_utf8(line) {
            Ok(text) => lines.take(text),
            Err(_) => Err(lines.refuse("the line is no UTF-8 text")),
        };
        match row {
            Ok(row) => rows.extend(row),
            Err(fault) => faults.push(fault),
        }
        if lines.is_lost() {
            break;
        }
        if rows.len() > MOST {
            return Err(Failure::Input(vec![format!("`{}` has more than {MOST} flows", path.display())]));
        }
    }
    Ok((rows, faults))
}
