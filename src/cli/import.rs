//! `netwhy import`: anything readable into our own estate file.

use super::args::ImportArgs;
use super::console::Console;
use super::exit;
use super::sink::Sink;
use super::{Failure, load};
use crate::diag::{Diagnostics, Sources};
use crate::formats::arm;
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
    summary(&written, &loaded.expressions, console);
    Ok(exit::DONE)
}

/// So many names of one type are told.
const NAMED: usize = 4;

type Kinds<'a> = Vec<(&'a String, &'a Vec<String>)>;

fn summary(written: &Written, expressions: &arm::Stats, console: &Console) {
    let (aside, unknown): (Kinds<'_>, Kinds<'_>) =
        written.unmodelled.iter().partition(|(kind, _)| has_no_network_meaning(kind));
    let count = |kinds: &Kinds<'_>| kinds.iter().map(|(_, names)| names.len()).sum::<usize>();
    let (aside_count, unknown_count) = (count(&aside), count(&unknown));
    let kinds = unknown.len();
    let plural = if kinds == 1 { "" } else { "s" };
    console.say(&format!(
        "understood {} of {} resources, {kinds} unknown kind{plural}, {aside_count} without network meaning",
        written.resources - aside_count - unknown_count,
        written.resources
    ));
    if written.with_unknowns > 0 {
        console
            .say(&format!("  {} of those understood have values that are not known", written.with_unknowns));
    }
    if expressions.expressions > 0 {
        let arm::Stats { expressions, evaluated, unknown, deployments, .. } = expressions;
        let nested = match deployments {
            0 => String::new(),
            1 => " (one nested deployment)".to_owned(),
            n => format!(" ({n} nested deployments)"),
        };
        console.say(&format!(
            "  {expressions} template expressions{nested}: {evaluated} evaluated, {unknown} unknown"
        ));
    }
    list("unknown kinds, which a flow that meets them names", &unknown, console);
    list("without network meaning", &aside, console);
}

fn list(title: &str, kinds: &Kinds<'_>, console: &Console) {
    if kinds.is_empty() {
        return;
    }
    console.say(&format!("{title}:"));
    for (kind, names) in kinds {
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        let number = names.len();
        names.sort_unstable();
        names.dedup();
        let more = names.len().saturating_sub(NAMED);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        names.truncate(NAMED);
        console.say(&format!("  {number:>5} {}: {}{more}", clean(kind), clean(&names.join(", "))));
    }
}
