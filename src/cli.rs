//! The command line: arguments in, exit code out. Data goes to standard output, everything else to standard
//! error.

mod args;
mod catalogue;
mod check;
mod compile;
mod console;
mod diff;
pub mod exit;
mod explain;
mod flow_changes;
mod generate;
mod graph;
mod import;
mod load;
mod names;
mod reach;
mod replay;
mod requirements;
mod schema;
mod sink;
mod tags;
mod trace;
mod watcher;
mod what_if;

use crate::run::Cancel;
use crate::run::check::panic_text;
use crate::run::files::FileError;
use crate::run::load::Unopened;
use args::{Args, Command};
use clap::{ArgMatches, CommandFactory, FromArgMatches};
use console::Console;
use std::ffi::OsString;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// Why a command could not do its work.
#[derive(Debug)]
enum Failure {
    /// The arguments make no sense together.
    Usage(String),
    /// The input is faulty; what to say that was not said yet.
    Input(Vec<String>),
    /// The output cannot be written.
    Write(io::Error),
    /// It was stopped.
    Interrupted,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Write(error)
    }
}

impl From<Unopened> for Failure {
    fn from(unopened: Unopened) -> Self {
        match unopened {
            Unopened::Misused(why) => Failure::Usage(why),
            other => Failure::Input(other.lines()),
        }
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Failure::Input(vec![error.to_string()])
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    std::panic::set_hook(Box::new(console::tell_of_panic));
    ExitCode::from(guarded(|| run(std::env::args_os())))
}

/// A panic is an error of ours, and is told as one.
fn guarded(work: impl FnOnce() -> u8) -> u8 {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let _ = panic_text(&*panic);
        exit::INTERNAL
    })
}

fn run(words: impl IntoIterator<Item = OsString>) -> u8 {
    let matches = Args::command().try_get_matches_from(words);
    let command_name = matches.as_ref().ok().and_then(ArgMatches::subcommand_name).map(str::to_owned);
    let args = match matches.and_then(|matches| Args::from_arg_matches(&matches)) {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { exit::USAGE } else { exit::DONE };
        }
    };
    let brief = matches!(&args.command, Command::Trace(args) if !args.verbose);
    let console = Console::new(args.color, args.diagnostics, brief);
    if let Some(level) = args.log
        && let Err(error) = console::log_to_stderr(level, &console)
    {
        console.error(&error);
        return exit::USAGE;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            console.error(&format!("cannot start: {error}"));
            return exit::INTERNAL;
        }
    };
    let result = runtime.block_on(command(args.command, &console));
    runtime.shutdown_background();
    end(result, &command_name.unwrap_or_default(), &console)
}

async fn command(command: Command, console: &Console) -> Result<u8, Failure> {
    match command {
        Command::Trace(args) => trace::run(args, console, listen()).await,
        Command::Check(args) => check::run(args, console, listen()).await,
        Command::EffectiveRoutes(args) => watcher::effective_routes(args, console).await,
        Command::EffectiveRules(args) => watcher::effective_rules(args, console).await,
        Command::NextHop(args) => watcher::next_hop(args, console).await,
        Command::IpFlowVerify(args) => watcher::ip_flow_verify(args, console).await,
        Command::Connectivity(args) => watcher::connectivity(args, console).await,
        Command::NsgDiagnostics(args) => watcher::nsg_diagnostics(args, console).await,
        Command::WhatIf(args) => what_if::run(*args, console).await,
        Command::Diff(args) => diff::run(*args, console).await,
        Command::Import(args) => import::run(args, console).await,
        Command::Replay(args) => replay::run(args, console).await,
        Command::Requirements(args) if args.as_is => requirements::as_is(*args, console).await,
        Command::Requirements(args) => requirements::run(*args, console).await,
        Command::Compile(args) => compile::run(*args, console).await,
        Command::Reach(args) => reach::run(*args, console).await,
        Command::Graph(args) => graph::run(args, console).await,
        Command::Catalogue(args) => catalogue::run(&args, console),
        Command::Tags(args) => tags::run(args, console).await,
        Command::Schema(args) => schema::run(&args, console),
        Command::Generate(args) => generate::run(&args, console, &listen()),
        Command::Explain(args) => explain::run(&args, console),
    }
}

/// Ctrl-C asks everybody to stop; a second one ends the program at once.
fn listen() -> Cancel {
    let cancel = Cancel::default();
    let asked = cancel.clone();
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if asked.is_asked() {
                std::process::exit(i32::from(exit::INTERRUPTED));
            }
            asked.now();
        }
    });
    cancel
}

fn end(result: Result<u8, Failure>, command: &str, console: &Console) -> u8 {
    match result {
        Ok(code) => code,
        Err(Failure::Usage(message)) => {
            console.error(&message);
            console.say(&format!("try `netwhy {command} --help`"));
            exit::USAGE
        }
        Err(Failure::Input(messages)) => {
            messages.iter().for_each(|message| console.error(message));
            exit::INPUT
        }
        // Whoever reads has seen enough; that is no fault.
        Err(Failure::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => exit::DONE,
        Err(Failure::Write(error)) => {
            console.error(&format!("cannot write: {error}"));
            exit::INPUT
        }
        Err(Failure::Interrupted) => {
            console.error("stopped before the end");
            exit::INTERRUPTED
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_internal_error() {
        assert_eq!(guarded(|| panic!("a bug of ours")), exit::INTERNAL);
        assert_eq!(guarded(|| exit::FAILED), exit::FAILED);
    }

    #[test]
    fn the_arguments_are_well_formed() {
        Args::command().debug_assert();
    }
}
