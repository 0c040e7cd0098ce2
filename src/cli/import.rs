//! `netwhy import`: anything readable into our own estate file.

use super::args::ImportArgs;
use super::console::Console;
use super::exit;
use super::sink::Sink;
use super::{Failure, load};
use crate::diag::{Diagnostics, Sources};
use crate::formats::native::{self, Style, Written};
use crate::inventory::{build, change, has_no_network_meaning};
use crate::network::compile;
use crate::profile::Profile;
use crate::report::clean::clean;
use std::io::Write;

/// Writes an estate file and says how much was understood.
pub(super) async fn run(args: ImportArgs, console: &Console) -> Result<u8, Failure> {
    let mut loaded = load::loaded(&args.files, &[], &args.settings.settings(), Sources::default()).await?;
    let mut notes: Diagnostics = std::mem::take(&mut loaded.notes);
    let (raws, log) = change::apply(&loaded.raws, &loaded.changes, &mut notes);
    let written = native::write(&raws, Style { short_names: !args.ids });
    // What only the whole network shows (overlaps, refused set-ups) is told here too.
    compile(build(raws, &mut notes), (*loaded.tags).clone(), Profile::default(), &mut notes);
    notes.sort();
    console.diagnostics(&notes, &loaded.sources);
    log.iter().for_each(|line| console.say(&format!("changed: {}", clean(&line.to_string()))));
    if notes.has_errors() && !args.settings.lenient {
        let message =
            "the input has errors, so nothing is written; `--lenient` writes what is faulty as unknown";
        return Err(Failure::Input(vec![message.into()]));
    }
    let mut out = Sink::open(args.output.output.as_deref(), console)?;
    out.write_all(written.text.as_bytes())?;
    out.finish()?;
    summary(&written, console);
    Ok(exit::DONE)
}

fn summary(written: &Written, console: &Console) {
    let (aside, unknown): (Vec<_>, Vec<_>) =
        written.unmodelled.iter().partition(|(kind, _)| has_no_network_meaning(kind));
    let count = |kinds: &[(&String, &usize)]| kinds.iter().map(|(_, number)| **number).sum::<usize>();
    let (aside_count, unknown_count) = (count(&aside), count(&unknown));
    let kinds = unknown.len();
    let plural = if kinds == 1 { "" } else { "s" };
    console.say(&format!(
        "understood {} of {} resources, {kinds} unknown kind{plural}, {aside_count} without network meaning",
        written.resources - aside_count - unknown_count,
        written.resources
    ));
    for (kind, number) in unknown {
        console.say(&format!("  {number:>5} {}", clean(kind)));
    }
}
