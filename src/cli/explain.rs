//! `netwhy explain`: what a word of an answer means.

use super::Failure;
use super::args::ExplainArgs;
use super::console::Console;
use super::exit;
use super::sink::Sink;
use crate::run::render;
use std::io::Write;

/// Explains a word, or lists the rules.
pub(super) fn run(args: &ExplainArgs, console: &Console) -> Result<u8, Failure> {
    let text = match &args.word {
        Some(word) => match render::explain(word) {
            Ok(text) => text,
            Err(near) => {
                let help = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                return Err(Failure::Usage(format!("nothing is called `{word}`{help}")));
            }
        },
        None => render::rules(),
    };
    let mut out = Sink::open(None, console)?;
    out.write_all(text.as_bytes())?;
    out.finish()?;
    Ok(exit::DONE)
}
