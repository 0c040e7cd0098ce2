//! `netwhy compile`: an estate as one file that is opened instead of read.

use super::args::EstateArgs;
use super::console::Console;
use super::{Failure, exit, load};
use crate::diag::Sources;
use crate::fast;
use crate::inventory::change;
use crate::profile::Profile;
use crate::run::snapshot;
use clap::Args as ClapArgs;
use std::path::PathBuf;

/// An estate as one file.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(super) struct CompileArgs {
    /// Files and folders that describe the estate, any mix of formats; `-` is standard input
    #[arg(value_name = "ESTATE", required = true)]
    pub(super) estate: Vec<PathBuf>,
    /// The file to write, whole or not at all
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: PathBuf,
    #[command(flatten)]
    pub(super) settings: EstateArgs,
}

const EXAMPLES: &str = "\
Examples:
  netwhy compile export/ --service-tags ServiceTags_Public.json -o estate.netwhy
  netwhy trace estate.netwhy --from web-vm --to db-vm:1433
  netwhy trace estate.netwhy --flows flows.csv --format csv -o answers.csv";

/// `2 addresses`.
fn counted(many: usize, one: &str, more: &str) -> String {
    if many == 1 { format!("1 {one}") } else { format!("{many} {more}") }
}

/// Compiles.
pub(super) async fn run(args: CompileArgs, console: &Console) -> Result<u8, Failure> {
    if !args.settings.profile_set.is_empty() {
        let message = "knobs are not compiled in: say `--profile-set` where you ask";
        return Err(Failure::Usage(message.into()));
    }
    let mut loaded = load::loaded(&args.estate, &[], &args.settings.settings(), Sources::default()).await?;
    // What a change makes of the estate is what is compiled; what there is to say of it is said below.
    let changes = std::mem::take(&mut loaded.changes);
    let (raws, log) = change::apply(&loaded.raws, &changes, &mut loaded.notes);
    loaded.raws = raws;
    for line in &log {
        console.say(&format!("changed: {line}"));
    }
    let (network, _) = load::compiled(&mut loaded, &[], Profile::default(), args.settings.lenient, console)?;
    let tables = fast::compile(&network);
    let bytes = snapshot::write(&args.output, &loaded.sources, &loaded.raws, &loaded.tags, &tables)?;
    console.say(&format!(
        "compiled {}, {} and {} into `{}`, {bytes} bytes",
        counted(network.vnets.len(), "network", "networks"),
        counted(network.subnets.len(), "subnet", "subnets"),
        counted(network.attachments.len(), "address", "addresses"),
        args.output.display(),
    ));
    Ok(exit::DONE)
}
