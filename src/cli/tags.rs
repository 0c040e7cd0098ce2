//! `netwhy tags`: service tags, who holds an address, and what a new publication changes.

use super::console::Console;
use super::sink::Sink;
use super::{Failure, exit, load};
use crate::diag::{Diagnostics, Sources, nearest};
use crate::net::{AddressSet, parse_addresses};
use crate::report::{Style, tags as report};
use crate::run::load::Settings;
use crate::tags::{ServiceTags, TagId, is_symbolic};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct TagsArgs {
    #[command(subcommand)]
    what: What,
    /// Microsoft's weekly service tag file, instead of the built-in table
    #[arg(long, global = true, value_name = "FILE")]
    service_tags: Option<PathBuf>,
    /// Output format
    #[arg(long, global = true, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    format: Format,
    /// Show every prefix
    #[arg(short, long, global = true)]
    verbose: bool,
}

const EXAMPLES: &str = "\
Examples:
  netwhy tags list Storage --service-tags ServiceTags_Public_20251110.json
  netwhy tags show AzureMachineLearning
  netwhy tags find 20.38.98.100 2603:1030:601::/48
  netwhy tags diff ServiceTags_Public_20250127.json ServiceTags_Public_20251110.json";

#[derive(Debug, Subcommand)]
enum What {
    /// List tags, or those whose name contains a text
    List {
        /// A part of the name, without regard to case
        #[arg(value_name = "TEXT")]
        text: Option<String>,
    },
    /// Print the prefixes of a tag, in any usual spelling of its name
    Show {
        /// The tag
        #[arg(value_name = "TAG")]
        tag: String,
    },
    /// Tell which tags hold an address or prefix
    Find {
        /// Addresses, prefixes or ranges, IPv4 or IPv6
        #[arg(value_name = "ADDRESS", required = true)]
        addresses: Vec<String>,
    },
    /// Compare two files
    Diff {
        /// The older file
        #[arg(value_name = "OLD")]
        old: PathBuf,
        /// The newer file
        #[arg(value_name = "NEW")]
        new: PathBuf,
        /// Only tags whose name contains this text
        #[arg(long, value_name = "TEXT")]
        tag: Option<String>,
    },
}

/// Output formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One document
    Json,
}

/// Answers a question about tags.
pub(super) async fn run(args: TagsArgs, console: &Console) -> Result<u8, Failure> {
    let style = console.style(console.colors_stdout(), args.verbose);
    let answer = Answer { format: args.format, style, out: String::new() };
    let answer = match args.what {
        What::Diff { old, new, tag } => diff(old, new, tag.as_deref(), answer, console).await?,
        What::List { text } => {
            list(&tables(args.service_tags, None, console).await?.0, text.as_deref(), answer)?
        }
        What::Show { tag } => show(&tables(args.service_tags, None, console).await?.0, &tag, answer)?,
        What::Find { addresses } => {
            find(&tables(args.service_tags, None, console).await?.0, &addresses, answer)?
        }
    };
    let mut out = Sink::open(None, console)?;
    out.write_all(answer.out.as_bytes())?;
    out.finish()?;
    Ok(exit::DONE)
}

/// An answer under construction.
struct Answer {
    format: Format,
    style: Style,
    out: String,
}

impl Answer {
    /// The answer as text or as data.
    fn of<T: Serialize>(
        mut self,
        data: &T,
        text: impl FnOnce(&mut String, &Style),
    ) -> Result<Answer, Failure> {
        match self.format {
            Format::Text => text(&mut self.out, &self.style),
            Format::Json => {
                self.out = serde_json::to_string_pretty(data).map_err(std::io::Error::other)?;
                self.out.push('\n');
            }
        }
        Ok(self)
    }
}

/// The table to ask, and another one.
async fn tables(
    first: Option<PathBuf>,
    second: Option<PathBuf>,
    console: &Console,
) -> Result<(Arc<ServiceTags>, Option<Arc<ServiceTags>>), Failure> {
    let settings = Settings { service_tags: first, service_tags_after: second, ..Settings::default() };
    let mut loaded = load::loaded(&[], &[], &settings, Sources::default()).await?;
    let mut notes: Diagnostics = std::mem::take(&mut loaded.notes);
    notes.sort();
    console.diagnostics(&notes, &loaded.sources);
    if notes.has_errors() {
        return Err(Failure::Input(vec!["the service tag file cannot be used".into()]));
    }
    Ok((loaded.tags, loaded.tags_after))
}

fn contains(name: &str, text: Option<&str>) -> bool {
    text.is_none_or(|text| name.to_lowercase().contains(&text.to_lowercase()))
}

fn list(tags: &ServiceTags, text: Option<&str>, answer: Answer) -> Result<Answer, Failure> {
    let ids: Vec<TagId> = tags.iter().filter(|id| contains(tags.name(*id), text)).collect();
    let views: Vec<_> = ids.iter().map(|id| report::tag_view(tags, *id)).collect();
    answer.of(&views, |out, style| report::list(out, tags, &ids, style))
}

fn show(tags: &ServiceTags, name: &str, answer: Answer) -> Result<Answer, Failure> {
    let Some(id) = tags.find(name) else { return Err(Failure::Input(vec![no_tag(tags, name)])) };
    answer.of(&report::tag_view(tags, id), |out, style| report::show(out, tags, id, style))
}

fn no_tag(tags: &ServiceTags, name: &str) -> String {
    if is_symbolic(name) {
        return format!("`{name}` has no prefixes of its own: what it means depends on where it is used");
    }
    match tags.nearest(name).or_else(|| nearest(name, [])) {
        Some(near) => {
            format!("there is no tag `{name}` in the {}; did you mean `{near}`?", tags.source_name())
        }
        None => format!("there is no tag `{name}` in the {}", tags.source_name()),
    }
}

fn find(tags: &ServiceTags, addresses: &[String], answer: Answer) -> Result<Answer, Failure> {
    let read = |text: &String| -> Result<(String, AddressSet), Failure> {
        let set = parse_addresses(text.trim());
        set.map(|set| (text.clone(), set))
            .ok_or_else(|| Failure::Usage(format!("`{text}` is no address, prefix or range")))
    };
    let asked: Vec<(String, AddressSet)> = addresses.iter().map(read).collect::<Result<_, _>>()?;
    let views: Vec<_> = asked.iter().map(|(text, set)| report::holders_view(tags, text, set)).collect();
    answer.of(&views, |out, style| {
        views.iter().for_each(|view| report::holders(out, tags, view, style));
    })
}

async fn diff(
    old: PathBuf,
    new: PathBuf,
    text: Option<&str>,
    answer: Answer,
    console: &Console,
) -> Result<Answer, Failure> {
    let (before, after) = tables(Some(old), Some(new), console).await?;
    let after = after.ok_or_else(|| Failure::Input(vec!["the newer file cannot be used".into()]))?;
    let mut changes = before.changes_to(&after);
    changes.retain(|change| contains(&change.name, text));
    let view = report::changes_view(&before, &after, &changes);
    answer.of(&view, |out, style| report::changes(out, &view, style))
}
