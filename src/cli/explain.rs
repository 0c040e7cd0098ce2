//! `netwhy explain`: what a word of an answer means.

use super::Failure;
use super::args::{ExplainArgs, ExplainFormat};
use super::console::Console;
use super::exit;
use super::sink::Sink;
use crate::report::explain;
use std::io::Write;

/// Explains a word, or lists the rules.
pub(super) fn run(args: &ExplainArgs, console: &Console) -> Result<u8, Failure> {
    let style = console.style(console.colors_stdout(), args.verbose);
    let text = match &args.word {
        Some(word) => explain::explain(word, &style).map_err(|error| Failure::Usage(error.to_string()))?,
        None if args.rules => {
            let mut text = String::new();
            match args.format {
                ExplainFormat::Text => explain::rules_table(&mut text, &style),
                ExplainFormat::Json => explain::rules_json(&mut text),
            }
            text
        }
        None => explain::index(&style),
    };
    let mut out = Sink::open(None, console)?;
    out.write_all(text.as_bytes())?;
    out.finish()?;
    Ok(exit::DONE)
}
