//! The arguments.

use super::exit;
use crate::run::load::{DeploymentTarget, Prefer, Settings};
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Ask your Azure network why: trace a flow hop by hop, and see what decides it.
#[derive(Debug, Parser)]
#[command(name = "netwhy", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", exit::HELP))]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
    /// When to colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(super) color: Color,
    /// How faults of the input are told on standard error
    #[arg(long, global = true, value_enum, default_value_t = DiagnosticsFormat::Text, value_name = "FORMAT")]
    pub(super) diagnostics: DiagnosticsFormat,
    /// Tell on standard error what is being done: error, warn, info, debug, trace
    #[arg(long, global = true, value_name = "LEVEL")]
    pub(super) log: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  netwhy trace estate.yaml --from web-vm --to 10.0.2.4:1433
  netwhy trace main.json main.parameters.json --from internet --to https://app.contoso.com
  netwhy check scenarios/ --format junit -o report.xml
  netwhy explain NSG_DEFAULT_DENY

No credentials are needed, and nothing is sent anywhere: the estate is read from files.";

/// How faults of the input are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DiagnosticsFormat {
    /// With the lines they are about, for people
    Text,
    /// One JSON object a line, and everything else that is told too
    Json,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Trace flows through an estate, hop by hop
    Trace(Box<TraceArgs>),
    /// Check what scenarios expect
    Check(CheckArgs),
    /// Write anything readable as our own estate file
    Import(ImportArgs),
    /// List service tags, find which hold an address, compare two files
    Tags(super::tags::TagsArgs),
    /// Explain a cause, a semantics rule, a knob or a diagnostic
    Explain(ExplainArgs),
    /// Print the JSON Schema of a file format
    Schema(SchemaArgs),
}

/// How an estate is read.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Estate")]
pub(super) struct EstateArgs {
    /// Parameter file for every template (repeat for several; later ones win)
    #[arg(long = "parameters", value_name = "FILE")]
    pub(super) parameters: Vec<PathBuf>,
    /// Parameter value for every template; wins over files
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    pub(super) parameter: Vec<String>,
    /// Microsoft's weekly service tag file, instead of the built-in table
    #[arg(long, value_name = "FILE")]
    pub(super) service_tags: Option<PathBuf>,
    /// Change the estate before tracing (repeat for several)
    #[arg(long = "change", value_name = "FILE")]
    pub(super) change: Vec<PathBuf>,
    /// Set a knob of the profile, where Azure's documents leave a doubt; `netwhy explain` lists them
    #[arg(long = "profile-set", value_name = "KNOB=VALUE")]
    pub(super) profile_set: Vec<String>,
    /// Subscription that templates are deployed to
    #[arg(long, value_name = "ID")]
    pub(super) subscription: Option<String>,
    /// Resource group that templates are deployed to
    #[arg(long, value_name = "NAME")]
    pub(super) resource_group: Option<String>,
    /// Region that templates are deployed to
    #[arg(long, value_name = "REGION")]
    pub(super) location: Option<String>,
    /// Take a Terraform plan or a what-if result as what is deployed now, instead of what it will deploy
    #[arg(long)]
    pub(super) before_plan: bool,
    /// Which wins where a template or plan and an export describe one resource
    #[arg(long, value_enum, default_value_t = PreferArg::Deployed, value_name = "SOURCE")]
    pub(super) prefer: PreferArg,
    /// Answer although the input has errors; what is faulty counts as unknown
    #[arg(long)]
    pub(super) lenient: bool,
}

/// Which description of a resource wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PreferArg {
    /// The export or state
    Deployed,
    /// The template or plan
    Planned,
}

impl EstateArgs {
    /// The settings of the loader.
    pub(super) fn settings(&self) -> Settings {
        Settings {
            parameter_files: self.parameters.clone(),
            parameter_texts: self.parameter.clone(),
            parameters: Vec::new(),
            service_tags: self.service_tags.clone(),
            change_files: self.change.clone(),
            target: DeploymentTarget {
                subscription: self.subscription.clone(),
                resource_group: self.resource_group.clone(),
                location: self.location.clone(),
            },
            before_plan: self.before_plan,
            prefer: match self.prefer {
                PreferArg::Deployed => Prefer::Deployed,
                PreferArg::Planned => Prefer::Planned,
            },
            service_tags_after: None,
        }
    }
}

/// Where the answer goes.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    /// Write to a file, whole or not at all, instead of standard output
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = TRACE_EXAMPLES)]
pub(super) struct TraceArgs {
    /// Files and folders that describe the estate, any mix of formats; `-` is standard input
    #[arg(value_name = "ESTATE", required_unless_present = "scenario")]
    pub(super) estate: Vec<PathBuf>,
    /// Sender: a resource by name or id, `internet`, a site or host, an address
    #[arg(long, value_name = "A", requires = "to", required_unless_present_any = ["scenario", "flows"], help_heading = "Question")]
    pub(super) from: Option<String>,
    /// Receiver: as --from, or a DNS name or URL; `:port` behind it
    #[arg(long, value_name = "B[:PORT]", requires = "from", help_heading = "Question")]
    pub(super) to: Option<String>,
    /// Protocol
    #[arg(long, value_name = "NAME", default_value = "tcp", help_heading = "Question")]
    pub(super) protocol: String,
    /// Destination port
    #[arg(long, value_name = "PORT", help_heading = "Question")]
    pub(super) port: Option<String>,
    /// Source port; otherwise an ephemeral one
    #[arg(long, value_name = "PORT", help_heading = "Question")]
    pub(super) source_port: Option<String>,
    /// The caller's identity; without it authorization is not judged
    #[arg(long = "as", value_name = "IDENTITY", help_heading = "Question")]
    pub(super) identity: Option<String>,
    /// The action the caller wants, where authorization is judged
    #[arg(long, value_name = "ACTION", help_heading = "Question")]
    pub(super) action: Option<String>,
    /// Trace all flows of a scenario, over its own estate unless one is given
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "flows"], help_heading = "Question")]
    pub(super) scenario: Option<PathBuf>,
    /// Trace a batch: CSV or NDJSON with from,to,protocol,port and optional source_port,name,as,action
    #[arg(long, value_name = "FILE", conflicts_with = "from", help_heading = "Question")]
    pub(super) flows: Option<PathBuf>,
    #[command(flatten)]
    pub(super) settings: EstateArgs,
    /// Output format
    #[arg(long, value_enum, default_value_t = TraceFormat::Text, value_name = "FORMAT", help_heading = "Output")]
    pub(super) format: TraceFormat,
    /// Show all evidence and every rule looked at
    #[arg(short, long, help_heading = "Output")]
    pub(super) verbose: bool,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

const TRACE_EXAMPLES: &str = "\
Examples:
  netwhy trace estate.yaml --from web-vm --to 10.0.2.4:1433
  netwhy trace main.json --parameter location=westeurope --from internet --to https://app.contoso.com
  netwhy trace export/ --from aks-nodes --to https://mcr.microsoft.com --change harden.yaml -v
  netwhy trace estate.yaml --flows flows.csv --format ndjson -o answers.ndjson";

/// Output formats of traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum TraceFormat {
    /// For people
    Text,
    /// One document; a list where there are several flows
    Json,
    /// One document a line
    Ndjson,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = CHECK_EXAMPLES)]
pub(super) struct CheckArgs {
    /// Scenario files, and folders that hold some
    #[arg(value_name = "SCENARIO", required = true)]
    pub(super) scenarios: Vec<PathBuf>,
    /// Only flows whose name or variant contains this text
    #[arg(long, value_name = "TEXT")]
    pub(super) filter: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = CheckFormat::Text, value_name = "FORMAT", help_heading = "Output")]
    pub(super) format: CheckFormat,
    /// Show every flow and the whole trace of those that differ
    #[arg(short, long, help_heading = "Output")]
    pub(super) verbose: bool,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

const CHECK_EXAMPLES: &str = "\
Examples:
  netwhy check scenarios/
  netwhy check scenarios/ml.yaml --filter 'image pull' -v
  netwhy check scenarios/ --format junit -o report.xml
  netwhy check scenarios/ --format github

Exit codes: 0 all expectations held, 1 one failed, 3 a scenario or estate is faulty.";

/// Output formats of checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CheckFormat {
    /// For people
    Text,
    /// One document
    Json,
    /// One event a line, as it happens
    Ndjson,
    /// JUnit XML, for build services that show tests
    Junit,
    /// SARIF, for services that show findings at lines
    Sarif,
    /// Workflow commands of GitHub
    Github,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = IMPORT_EXAMPLES)]
pub(super) struct ImportArgs {
    /// Files and folders, any mix of formats; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,
    /// Keep resource ids in references, instead of names that mean the same
    #[arg(long, help_heading = "Output")]
    pub(super) ids: bool,
    #[command(flatten)]
    pub(super) settings: EstateArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

const IMPORT_EXAMPLES: &str = "\
Examples:
  netwhy import main.json main.parameters.json -o estate.yaml
  az network vnet list | netwhy import - > vnets.yaml
  netwhy import export/ --change harden.yaml -o hardened.yaml

What a file does not tell stays unknown in the estate file, with the reason.";

#[derive(Debug, ClapArgs)]
#[command(after_help = EXPLAIN_EXAMPLES)]
pub(super) struct ExplainArgs {
    /// A cause (UDR_NONE), rule (NSG-4), doubt (D-2), knob (smtpBlocked) or diagnostic (unknown-field);
    /// without it, everything there is
    #[arg(value_name = "WORD")]
    pub(super) word: Option<String>,
    /// List every semantics rule
    #[arg(long, conflicts_with = "word")]
    pub(super) rules: bool,
}

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  netwhy explain NSG_DEFAULT_DENY
  netwhy explain rt-24a
  netwhy explain forwardedTrafficMode
  netwhy explain --rules";

#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:\n  netwhy schema scenario > scenario.schema.json")]
pub(super) struct SchemaArgs {
    /// Which format
    #[arg(value_enum, value_name = "FORMAT")]
    pub(super) what: SchemaOf,
}

/// Formats with a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaOf {
    /// The estate file
    Estate,
    /// The scenario file
    Scenario,
    /// The change file
    Changes,
    /// The answer of `trace --format json`
    Trace,
}
