//! `netwhy generate`: synthetic estates and flows.

use super::Failure;
use super::args::{
    EstateFormat, FlowFormat, FlowMix, GenerateArgs, GenerateFlowsArgs, GenerateWhat, NetworkShape, Size,
    SizeArgs,
};
use super::console::{Console, Progress};
use super::exit;
use super::sink::Sink;
use crate::generate::{self, Flows, Format, Layout, Mix, Profile, Settings, Shape, Stopped};
use crate::run::Cancel;
use crate::run::batch::layout_of;
use crate::scenario;
use std::io::{self, Write};
use std::path::Path;

/// Flows written at once.
const CHUNK: u64 = 1024;

/// Makes what is asked for.
pub(super) fn run(args: &GenerateArgs, console: &Console, cancel: &Cancel) -> Result<u8, Failure> {
    if let Some(GenerateWhat::Flows(args)) = &args.flows {
        return flows(args, console, cancel);
    }
    let settings = settings(&args.size);
    let format = match args.format.unwrap_or_else(|| by_name(args.output.output.as_deref())) {
        EstateFormat::Yaml => Format::Yaml,
        EstateFormat::Json => Format::Json,
        EstateFormat::Arm => Format::Arm,
    };
    let title = title(&args.size);
    let mut out = Sink::open(args.output.output.as_deref(), console)?;
    let progress = Progress::resources(!out.is_watched());
    let done = generate::write(&settings, format, &title, &mut out, |_| {
        progress.step();
        if cancel.is_asked() { Err(Stopped) } else { Ok(()) }
    });
    progress.clear();
    match done {
        Ok(_) => {
            out.finish()?;
            Ok(exit::DONE)
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(Failure::Interrupted),
        Err(error) => Err(error.into()),
    }
}

/// The format that the name of a file says.
fn by_name(output: Option<&Path>) -> EstateFormat {
    match output.and_then(Path::extension) {
        Some(extension) if extension.eq_ignore_ascii_case("json") => EstateFormat::Json,
        _ => EstateFormat::Yaml,
    }
}

fn flows(args: &GenerateFlowsArgs, console: &Console, cancel: &Cancel) -> Result<u8, Failure> {
    let mix = match args.mix {
        FlowMix::Uniform => Mix::Uniform,
        FlowMix::Zipf => Mix::Zipf,
        FlowMix::EastWest => Mix::EastWest,
        FlowMix::Internet => Mix::Internet,
        FlowMix::Paas => Mix::Paas,
    };
    let named = args.output.output.as_deref().and_then(layout_of);
    let layout = match (args.format, named) {
        (Some(FlowFormat::Csv), _) => Layout::Csv,
        (Some(FlowFormat::Ndjson), _) | (None, Some(scenario::Layout::Ndjson)) => Layout::Ndjson,
        (None, _) => Layout::Csv,
    };
    let flows = Flows::new(settings(&args.size), mix, layout);
    let mut out = Sink::open(args.output.output.as_deref(), console)?;
    out.write_all(flows.header().as_bytes())?;
    let mut text = String::new();
    let mut next = 0;
    while next < args.count {
        if cancel.is_asked() {
            return Err(Failure::Interrupted);
        }
        text.clear();
        let end = (next + CHUNK).min(args.count);
        (next..end).for_each(|number| flows.line(number, &mut text));
        out.write_all(text.as_bytes())?;
        next = end;
    }
    out.finish()?;
    Ok(exit::DONE)
}

fn settings(args: &SizeArgs) -> Settings {
    let profile = match args.profile {
        Size::S => Profile::S,
        Size::M => Profile::M,
        Size::L => Profile::L,
        Size::Xl => Profile::Xl,
        Size::Giga => Profile::Giga,
    };
    let shape = match args.shape {
        NetworkShape::HubSpoke => Shape::HubSpoke,
        NetworkShape::Vwan => Shape::Vwan,
        NetworkShape::Mesh => Shape::Mesh,
        NetworkShape::Flat => Shape::Flat,
    };
    Settings { sizes: profile.sizes(), shape, seed: args.seed, unique: args.unique }
}

/// The command that makes the same again.
fn title(args: &SizeArgs) -> String {
    use clap::ValueEnum;
    let word = |value: Option<clap::builder::PossibleValue>| {
        value.map_or(String::new(), |v| v.get_name().to_owned())
    };
    let unique = if args.unique { " --unique" } else { "" };
    format!(
        "made by netwhy generate --profile {} --shape {} --seed {}{unique}",
        word(args.profile.to_possible_value()),
        word(args.shape.to_possible_value()),
        args.seed
    )
}
