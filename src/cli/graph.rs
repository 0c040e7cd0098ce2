//! `netwhy graph`: the estate as a picture.

use super::args::{GraphArgs, PictureFormat};
use super::console::Console;
use super::sink::Sink;
use super::{Failure, exit, load};
use crate::diag::Sources;
use crate::report::map::{Detail, Map, dot, mermaid};
use std::io::Write;

/// Draws the estate.
pub(super) async fn run(args: GraphArgs, console: &Console) -> Result<u8, Failure> {
    let mut loaded = load::loaded(&args.estate, &[], &args.settings.settings(), Sources::default()).await?;
    let profile = load::profile(&args.settings.profile_set)?;
    let changes = std::mem::take(&mut loaded.changes);
    let (network, _) = load::compiled(&mut loaded, &changes, profile, args.settings.lenient, console)?;
    let names: Vec<String> =
        args.estate.iter().filter_map(|p| Some(p.file_name()?.to_string_lossy().into_owned())).collect();
    let title = args.title.clone().unwrap_or_else(|| names.join(", "));
    let map = Map::of(&network, &title, Detail { grants: args.grants, all: args.all });
    let mut out = Sink::open(args.output.output.as_deref(), console)?;
    let text = match args.format {
        PictureFormat::Mermaid => mermaid(&map),
        PictureFormat::Dot => dot(&map),
    };
    out.write_all(text.as_bytes())?;
    out.finish()?;
    Ok(exit::DONE)
}
