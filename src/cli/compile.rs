//! `netwhy compile`: an estate as one file that is opened instead of read.

use super::args::EstateArgs;
use super::console::Console;
use super::{Failure, exit, load};
use crate::diag::Sources;
use crate::fast;
use crate::inventory::change;
use crate::profile::Profile;
use crate::run::files;
use crate::run::load as loader;
use crate::run::snapshot::{Draft, Refused, Snapshot};
use clap::Args as ClapArgs;
use std::path::PathBuf;

/// An estate as one file.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(super) struct CompileArgs {
    /// Files and folders that describe the estate, any mix of formats; `-` is standard input
    #[arg(value_name = "ESTATE", required_unless_present = "verify")]
    pub(super) estate: Vec<PathBuf>,
    /// The file to write, whole or not at all
    #[arg(short, long, value_name = "FILE", required_unless_present = "verify")]
    pub(super) output: Option<PathBuf>,
    /// Look at every byte of a compiled estate instead, and say whether it is as it was written
    #[arg(long, value_name = "FILE", conflicts_with_all = ["estate", "output"])]
    pub(super) verify: Option<PathBuf>,
    #[command(flatten)]
    pub(super) settings: EstateArgs,
}

const EXAMPLES: &str = "\
Examples:
  netwhy compile export/ --service-tags ServiceTags_Public.json -o estate.netwhy
  netwhy compile --verify estate.netwhy
  netwhy trace estate.netwhy --from web-vm --to db-vm:1433
  netwhy trace estate.netwhy --flows flows.csv --format csv -o answers.csv";

/// `2 addresses`.
fn counted(many: usize, one: &str, more: &str) -> String {
    if many == 1 { format!("1 {one}") } else { format!("{many} {more}") }
}

/// Text of so many bytes is compiled without a look at the memory there is.
const SMALL: u64 = 256 << 20;

/// Bytes of memory that a byte of text takes while it is compiled, at the least.
const TAKES: u64 = 3;

/// Refuses what would fill the memory: better before an hour's work than in the middle of it.
fn fits(paths: &[PathBuf]) -> Result<(), Failure> {
    let bytes = files::size_of(paths)?;
    let gib = |bytes: u64| bytes.div_ceil(1 << 30);
    match files::free_memory() {
        Some(free) if bytes > SMALL && bytes.saturating_mul(TAKES) > free => {
            Err(Failure::Input(vec![format!(
                "compiling {} GiB of text takes {} GiB of memory, and {} GiB are free",
                gib(bytes),
                gib(bytes * TAKES),
                free >> 30,
            )]))
        }
        _ => Ok(()),
    }
}

/// Why a file is refused, and what it is instead where it is no compiled estate at all.
fn told(refused: &Refused) -> String {
    let Refused::Stranger(path) = refused else { return refused.to_string() };
    match loader::kind_of(path) {
        Ok(loader::Kind::Unreadable) => format!("{refused}, nor anything else that can be read"),
        Ok(kind) => {
            format!("{refused}, but {}; `netwhy compile FILE -o estate.netwhy` makes one", kind.label())
        }
        Err(error) => format!("{refused}: {error}"),
    }
}

/// Compiles.
pub(super) async fn run(args: CompileArgs, console: &Console) -> Result<u8, Failure> {
    if let Some(path) = &args.verify {
        let checked = Snapshot::open(path).and_then(|snapshot| snapshot.verify());
        checked.map_err(|refused| Failure::Input(vec![told(&refused)]))?;
        console.say(&format!("`{}` is as it was written", path.display()));
        return Ok(exit::DONE);
    }
    let Some(output) = &args.output else {
        return Err(Failure::Usage("`--output` names the file to write".into()));
    };
    if !args.settings.profile_set.is_empty() {
        let message = "knobs are not compiled in: say `--profile-set` where you ask";
        return Err(Failure::Usage(message.into()));
    }
    if output.as_os_str() == "-" {
        let message =
            "`--output -`: a compiled estate is opened where it lies, so it needs a file: `-o estate.netwhy`";
        return Err(Failure::Usage(message.into()));
    }
    fits(&args.estate)?;
    let mut loaded = load::loaded(&args.estate, &[], &args.settings.settings(), Sources::default()).await?;
    // What a change makes of the estate is what is compiled; what there is to say of it is said below.
    let changes = std::mem::take(&mut loaded.changes);
    let raws = std::mem::take(&mut loaded.raws);
    let (raws, log) = change::apply_to(raws, &changes, &mut loaded.notes);
    for line in &log {
        console.say(&format!("changed: {line}"));
    }
    let draft = Draft::begin(output, &loaded.sources, &raws, &loaded.tags)?;
    // The resources are written, and let go one by one.
    loaded.raws = raws;
    let (network, _) = load::consumed(&mut loaded, &[], Profile::default(), args.settings.lenient, console)?;
    let tables = fast::compile(&network);
    let bytes = draft.end(&network, &tables, loaded.notes.has_errors())?;
    console.say(&format!(
        "compiled {}, {} and {} into `{}`, {bytes} bytes",
        counted(network.vnets.len(), "network", "networks"),
        counted(network.subnets.len(), "subnet", "subnets"),
        counted(network.attachments.len(), "address", "addresses"),
        output.display(),
    ));
    Ok(exit::DONE)
}
