//! `netwhy schema`: JSON Schemas for editors.

use super::Failure;
use super::args::{SchemaArgs, SchemaOf};
use super::console::Console;
use super::exit;
use super::sink::Sink;
use crate::catalogue;
use crate::formats::{change, native};
use crate::report::{diff, flow, flow_changes, impact, reach, view};
use crate::scenario;
use std::io::Write;

/// Prints a schema.
pub(super) fn run(args: &SchemaArgs, console: &Console) -> Result<u8, Failure> {
    let schema = match args.what {
        SchemaOf::Estate => native::schema(),
        SchemaOf::Scenario => scenario::schema(),
        SchemaOf::Catalogue => catalogue::schema(),
        SchemaOf::Changes => change::schema(),
        SchemaOf::Trace => view::schema(),
        SchemaOf::Impact => impact::schema(),
        SchemaOf::Diff => diff::schema(),
        SchemaOf::Reach => reach::schema(),
        SchemaOf::FlowAnswer => flow::schema(),
        SchemaOf::FlowChanges => flow_changes::schema(),
    };
    let mut out = Sink::open(None, console)?;
    writeln!(out, "{schema:#}")?;
    out.finish()?;
    Ok(exit::DONE)
}
