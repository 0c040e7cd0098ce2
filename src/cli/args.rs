//! The arguments.

use super::{exit, replay, watcher};
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
    /// Tell on standard error what is being done
    #[arg(long, global = true, value_enum, value_name = "LEVEL")]
    pub(super) log: Option<LogLevel>,
}

/// How much is told of what is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogLevel {
    /// What fails
    Error,
    /// And what is odd
    Warn,
    /// And each stage, with counts and durations
    Info,
    /// And its parts
    Debug,
    /// And everything
    Trace,
}

const EXAMPLES: &str = "\
Examples:
  netwhy trace estate.yaml --from web-vm --to 10.0.2.4:1433
  netwhy trace main.json main.parameters.json --from internet --to https://app.contoso.com
  netwhy check scenarios/ --format junit -o report.xml
  netwhy what-if main.json --block-outbound
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
    /// Network Watcher: the effective routes of an interface
    #[command(after_help = "Example:\n  netwhy effective-routes estate.yaml --nic web-nic --format json")]
    EffectiveRoutes(watcher::EffectiveArgs),
    /// Network Watcher: the effective security rules of an interface
    #[command(after_help = "Example:\n  netwhy effective-rules estate.yaml --nic web-nic --format json")]
    EffectiveRules(watcher::EffectiveArgs),
    /// Network Watcher: where an interface sends a packet
    NextHop(watcher::NextHopArgs),
    /// Network Watcher: may a packet pass the security rules of an interface
    IpFlowVerify(watcher::FlowVerifyArgs),
    /// Network Watcher: does a connection come about, and what stops it
    Connectivity(watcher::ConnectivityArgs),
    /// Network Watcher: which rules were looked at, and which part of each matched
    NsgDiagnostics(watcher::DiagnosticsArgs),
    /// See what a change breaks: which workload, which dependency, now or later, and why
    WhatIf(Box<WhatIfArgs>),
    /// Compare two estates: what behaves differently, and what is configured differently
    Diff(Box<DiffArgs>),
    /// Write anything readable as our own estate file
    Import(ImportArgs),
    /// Compile an estate into one file that is opened instead of read
    Compile(Box<super::compile::CompileArgs>),
    /// Ask what Network Watcher was asked again, and compare with the answers recorded
    Replay(replay::ReplayArgs),
    /// Compute the smallest allow-list with which flows work, and what can still leave
    Requirements(Box<RequirementsArgs>),
    /// Ask for all pairs of machines: who reaches whom, by which service, and why not
    Reach(Box<super::reach::ReachArgs>),
    /// Draw the estate: networks, subnets, peerings, routes, private endpoints
    Graph(GraphArgs),
    /// Print what workloads need from the network: names, ports, tags, when, and what breaks
    Catalogue(CatalogueArgs),
    /// Make a synthetic estate, or flows through one
    Generate(GenerateArgs),
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
    /// How much is told of each flow of a batch: `trace` adds the places it came by, and the rules and routes that let it
    /// go on, as `path` of each JSON line
    #[arg(long, value_enum, default_value_t = Depth::Decide, value_name = "DEPTH", requires = "flows", help_heading = "Output")]
    pub(super) depth: Depth,
    /// Show all evidence and every rule looked at
    #[arg(short, long, help_heading = "Output")]
    pub(super) verbose: bool,
    /// Do not look for what would open a blocked flow
    #[arg(long, help_heading = "Output")]
    pub(super) no_fixes: bool,
    /// Look for what would open them for the flows of a scenario too
    #[arg(long, help_heading = "Output", requires = "scenario", conflicts_with = "no_fixes")]
    pub(super) fixes: bool,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

const TRACE_EXAMPLES: &str = "\
Examples:
  netwhy trace estate.yaml --from web-vm --to 10.0.2.4:1433
  netwhy trace main.json --parameter location=westeurope --from internet --to https://app.contoso.com
  netwhy trace export/ --from aks-nodes --to https://mcr.microsoft.com --change harden.yaml -v
  netwhy trace estate.yaml --flows flows.csv --format ndjson -o answers.ndjson
  netwhy trace estate.yaml --flows flows.csv --format ndjson --depth trace";

/// How much is told of each flow of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Depth {
    /// The answer, and what decided
    Decide,
    /// And the path, up to what stopped it
    Trace,
}

/// Output formats of traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum TraceFormat {
    /// For people
    Text,
    /// One document; a list where there are several flows
    Json,
    /// One document a line
    Ndjson,
    /// A line for each flow of a batch, under a header
    Csv,
    /// A picture of one flow, for pages that draw it themselves
    Mermaid,
    /// A picture of one flow, for Graphviz
    Dot,
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
#[command(after_help = WHAT_IF_EXAMPLES)]
pub(super) struct WhatIfArgs {
    /// Files and folders that describe the estate, any mix of formats; `-` is standard input
    #[arg(value_name = "ESTATE", required_unless_present = "scenario")]
    pub(super) estate: Vec<PathBuf>,
    /// Ask about the flows of a scenario, over its own estate unless one is given (repeat for several)
    #[arg(long, value_name = "PACK", help_heading = "Question")]
    pub(super) scenario: Vec<PathBuf>,
    /// Ask about the flows of a list instead, CSV or NDJSON as of `netwhy trace --flows`: which get another answer?
    #[arg(long, value_name = "FILE", conflicts_with_all = ["scenario", "client", "workload", "implied", "places", "catalogue", "block_outbound", "subnet", "block_tag", "block_port", "block_prefix", "block_fqdn", "switch_off", "disable_public_access", "service_tags_after"], help_heading = "Question")]
    pub(super) flows: Option<PathBuf>,
    /// Where people work: a machine, an office, `internet` (repeat for several; otherwise those of the estate)
    #[arg(long, value_name = "NAME", help_heading = "Question")]
    pub(super) client: Vec<String>,
    /// Something in the estate that is a workload and does not say so: jumpbox=client-browser, snet=compute-cluster
    #[arg(long, value_name = "NAME=KIND", conflicts_with = "scenario", help_heading = "Question")]
    pub(super) workload: Vec<String>,
    /// Ask every way that the estate's resources imply too: from each subnet to services, other places and the internet
    #[arg(long, conflicts_with = "scenario", help_heading = "Question")]
    pub(super) implied: bool,
    /// So many places, services and hosts stand for all, where every way that the resources imply is asked [default: 30]
    #[arg(long, value_name = "N", conflicts_with = "scenario", help_heading = "Question")]
    pub(super) places: Option<usize>,
    /// Add a catalogue of your own to what workloads need, or the service's own list for a workspace
    #[arg(long, value_name = "FILE", help_heading = "Question")]
    pub(super) catalogue: Vec<PathBuf>,
    /// Close the way out of the subnets that workloads send from
    #[arg(long, help_heading = "Change")]
    pub(super) block_outbound: bool,
    /// By which means the way out is closed
    #[arg(long, value_enum, default_value_t = BlockBy::Nsg, value_name = "MEANS", requires = "block_outbound", help_heading = "Change")]
    pub(super) by: BlockBy,
    /// Block at this subnet instead (repeat for several)
    #[arg(long, value_name = "SUBNET", help_heading = "Change")]
    pub(super) subnet: Vec<String>,
    /// Deny a service tag, for all or some ports: AzureMonitor, AzureMachineLearning:5831/udp
    #[arg(long, value_name = "TAG[:PORTS[/PROTOCOL]]", help_heading = "Change")]
    pub(super) block_tag: Vec<String>,
    /// Deny a port or range to everywhere: 445/tcp
    #[arg(long, value_name = "PORTS[/PROTOCOL]", help_heading = "Change")]
    pub(super) block_port: Vec<String>,
    /// Deny an address prefix
    #[arg(long, value_name = "CIDR", help_heading = "Change")]
    pub(super) block_prefix: Vec<String>,
    /// Deny a name: at the firewalls on the way; elsewhere no private network resolves it any more
    #[arg(long, value_name = "NAME", help_heading = "Change")]
    pub(super) block_fqdn: Vec<String>,
    /// Take away a resource or part: a rule, route, peering, zone link, private endpoint, role
    #[arg(long, value_name = "NAME", help_heading = "Change")]
    pub(super) remove: Vec<String>,
    /// Add something, as `add` of a change file: '{target: web-nsg, securityRules: [...]}'
    #[arg(long, value_name = "YAML", help_heading = "Change")]
    pub(super) add: Vec<String>,
    /// Set a property: vnet/apps:natGateway=null
    #[arg(long, value_name = "NAME:PROPERTY=VALUE", help_heading = "Change")]
    pub(super) set: Vec<String>,
    /// Switch a resource off: a machine, firewall or gateway that is gone, a service that answers nobody
    #[arg(long, value_name = "NAME", help_heading = "Change")]
    pub(super) switch_off: Vec<String>,
    /// Close the public endpoint of a service
    #[arg(long, value_name = "NAME", help_heading = "Change")]
    pub(super) disable_public_access: Vec<String>,
    /// Let another of Microsoft's weekly service tag files hold afterwards: what does its change break?
    #[arg(long, value_name = "FILE", help_heading = "Change")]
    pub(super) service_tags_after: Option<PathBuf>,
    #[command(flatten)]
    pub(super) settings: EstateArgs,
    /// Output format
    #[arg(long, value_enum, default_value_t = ImpactFormat::Text, value_name = "FORMAT", help_heading = "Output")]
    pub(super) format: ImpactFormat,
    /// Do not look for repairs
    #[arg(long, help_heading = "Output")]
    pub(super) no_fixes: bool,
    /// End with exit code 1 where something breaks
    #[arg(long, help_heading = "Output")]
    pub(super) fail_on_break: bool,
    /// Show every change and whole quotations
    #[arg(short, long, help_heading = "Output")]
    pub(super) verbose: bool,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

const WHAT_IF_EXAMPLES: &str = "\
Examples:
  netwhy what-if main.json main.parameters.json --block-outbound
  netwhy what-if export/ --block-outbound --by firewall --format markdown -o impact.md
  netwhy what-if estate.yaml --block-tag AzureMachineLearning:5831/udp
  netwhy what-if --scenario scenarios/secured-workspace/studio.yaml --remove jumpbox
  netwhy what-if estate.yaml --change harden.yaml --fail-on-break
  netwhy what-if network.json --workload vnet/training=compute-cluster --block-outbound
  netwhy what-if estate.yaml --service-tags lastweek.json --service-tags-after thisweek.json

Without --scenario the workloads are those of the estate, and what they need comes from the catalogue. Where it knows of
none in the estate's networks, every way that the resources imply is asked.";

#[derive(Debug, ClapArgs)]
#[command(after_help = DIFF_EXAMPLES)]
pub(super) struct DiffArgs {
    /// The estate before: a file or folder
    #[arg(value_name = "ESTATE_A")]
    pub(super) before: PathBuf,
    /// The estate after; without it, a Terraform plan is compared with itself before and after, and anything else with
    /// itself changed by --change
    #[arg(value_name = "ESTATE_B")]
    pub(super) after: Option<PathBuf>,
    /// A file that belongs to both estates (repeat for several)
    #[arg(long, value_name = "FILE", help_heading = "Estate")]
    pub(super) both: Vec<PathBuf>,
    /// Ask the flows of a scenario (repeat for several); otherwise some are derived from the estates
    #[arg(long, value_name = "FILE", help_heading = "Question")]
    pub(super) scenario: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) settings: EstateArgs,
    /// Output format
    #[arg(long, value_enum, default_value_t = ImpactFormat::Text, value_name = "FORMAT", help_heading = "Output")]
    pub(super) format: ImpactFormat,
    /// End with exit code 1 where something differs: behaviour, configuration, or either
    #[arg(long, value_enum, value_name = "WHAT", num_args = 0..=1, default_missing_value = "any", help_heading = "Output")]
    pub(super) fail_on_difference: Option<FailOn>,
    /// Show every flow, resource and field
    #[arg(short, long, help_heading = "Output")]
    pub(super) verbose: bool,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

const DIFF_EXAMPLES: &str = "\
Examples:
  netwhy diff deployed/ main.json --fail-on-difference behaviour
  netwhy diff estate.yaml --change harden.yaml
  netwhy diff plan.json --format markdown -o difference.md
  netwhy diff old/ new/ --scenario scenarios/studio.yaml

--change changes the estate after. Flows are the same for both estates; without --scenario they are what the workloads
of either need, and some between its subnets, services and the internet.";

/// Which differences fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    /// Either
    Any,
    /// Flows that are answered differently
    Behaviour,
    /// Resources that differ
    Configuration,
}

/// By which means outbound traffic is blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum BlockBy {
    /// A rule of every security group of the subnets that denies the tag Internet, before all other rules
    Nsg,
    /// A route of 0.0.0.0/0 to None
    RouteNone,
    /// A route of 0.0.0.0/0 to a firewall without rules
    Firewall,
    /// No default outbound access
    NoDefaultOutbound,
    /// The workspace's managed network allows approved outbound only
    ManagedNetwork,
}

/// Output formats of impact reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ImpactFormat {
    /// For people
    Text,
    /// One document; a list where there are several scenarios
    Json,
    /// For pull requests and wikis
    Markdown,
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
#[command(after_help = REQUIREMENTS_EXAMPLES)]
pub(super) struct RequirementsArgs {
    /// Scenario files whose flows shall work; or files and folders of an estate, for what its workloads need by the
    /// catalogue; both together ask the scenario's flows of that estate
    #[arg(value_name = "SCENARIO|ESTATE", required = true)]
    pub(super) paths: Vec<PathBuf>,
    /// Something in the estate that is a workload and does not say so: jumpbox=client-browser, snet=compute-cluster
    #[arg(long, value_name = "NAME=KIND", help_heading = "Which flows")]
    pub(super) workload: Vec<String>,
    /// Where people work with a workspace: a machine, an office (repeat for several; otherwise those of the estate)
    #[arg(long, value_name = "NAME", help_heading = "Which flows")]
    pub(super) client: Vec<String>,
    /// So many places, services and hosts stand for all, where nothing is known of what anybody needs [default: 30]
    #[arg(long, value_name = "N", help_heading = "Which flows")]
    pub(super) places: Option<usize>,
    /// Take in what a feature needs: RStudio, "public packages", "VS Code" ...; `all` for every one
    #[arg(long, value_name = "NAME", help_heading = "Which flows")]
    pub(super) feature: Vec<String>,
    /// Take in flows that a scenario expects to be blocked, every feature, and what the documents dispute
    #[arg(long, help_heading = "Which flows")]
    pub(super) all: bool,
    /// Add a catalogue of your own, or the service's own list for a workspace
    #[arg(long, value_name = "FILE", help_heading = "Which flows")]
    pub(super) catalogue: Vec<PathBuf>,
    /// Names before service tags where a firewall can tell both: more lines, less that can leave
    #[arg(long)]
    pub(super) prefer_names: bool,
    /// No allow-list: only what can leave the estate as it stands
    #[arg(long)]
    pub(super) as_is: bool,
    #[command(flatten)]
    pub(super) settings: EstateArgs,
    /// Output format
    #[arg(long, value_enum, default_value_t = RequirementsFormat::Text, value_name = "FORMAT", help_heading = "Output")]
    pub(super) format: RequirementsFormat,
    /// Say why each line is written as it is, and list everything
    #[arg(short, long, help_heading = "Output")]
    pub(super) verbose: bool,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

const REQUIREMENTS_EXAMPLES: &str = "\
Examples:
  netwhy requirements scenarios/secured-workspace/compute-instance.yaml
  netwhy requirements estate.yaml --workload jumpbox=client-browser --feature all -v
  netwhy requirements estate.yaml --format bicep -o required.bicep
  netwhy requirements estate.yaml --format changes -o required.yaml
  netwhy requirements estate.yaml --as-is

Exit codes: 0 every flow that a line can help works, 1 something else still stops one.";

/// Output formats of allow-lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum RequirementsFormat {
    /// For people
    Text,
    /// One document; a list where there are several scenarios
    Json,
    /// Tables for a page
    Markdown,
    /// A change file that puts the lines into the estate and denies the rest
    Changes,
    /// An ARM template: security groups, firewall rules, outbound rules of managed networks
    Arm,
    /// The same as Bicep
    Bicep,
    /// The same as Terraform
    Terraform,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = GRAPH_EXAMPLES)]
pub(super) struct GraphArgs {
    /// Files and folders that describe the estate, any mix of formats; `-` is standard input
    #[arg(value_name = "ESTATE", required = true)]
    pub(super) estate: Vec<PathBuf>,
    /// Draw role assignments too
    #[arg(long)]
    pub(super) grants: bool,
    /// List everything and draw every network, however many are alike
    #[arg(long)]
    pub(super) all: bool,
    /// What to write above it
    #[arg(long, value_name = "TEXT")]
    pub(super) title: Option<String>,
    #[command(flatten)]
    pub(super) settings: EstateArgs,
    /// Output format
    #[arg(long, value_enum, default_value_t = PictureFormat::Mermaid, value_name = "FORMAT", help_heading = "Output")]
    pub(super) format: PictureFormat,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

const GRAPH_EXAMPLES: &str = "\
Examples:
  netwhy graph estate.yaml -o estate.mmd
  netwhy graph export/ --format dot | dot -Tsvg -o estate.svg";

/// Languages of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PictureFormat {
    /// For pages that draw it themselves
    Mermaid,
    /// For Graphviz
    Dot,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = CATALOGUE_EXAMPLES)]
pub(super) struct CatalogueArgs {
    /// Only of this workload: compute-instance, compute-cluster, studio, kubernetes, vscode ...
    #[arg(long, value_name = "NAME", help_heading = "Which needs")]
    pub(super) workload: Option<String>,
    /// Only to this service: entra-id, storage, batch ...
    #[arg(long, value_name = "NAME", help_heading = "Which needs")]
    pub(super) service: Option<String>,
    /// Only in this phase: create, start, scale, run, pull-image, sign-in ...
    #[arg(long, value_name = "NAME", help_heading = "Which needs")]
    pub(super) phase: Option<String>,
    /// Only outbound or inbound
    #[arg(long, value_name = "WAY", help_heading = "Which needs")]
    pub(super) direction: Option<String>,
    /// Generation of Microsoft's texts: aml-2021, aml-2022, aml-2023, aml-2026 (the default)
    #[arg(long, value_name = "ERA", help_heading = "Which needs")]
    pub(super) era: Option<String>,
    /// Every generation of texts
    #[arg(long, conflicts_with = "era", help_heading = "Which needs")]
    pub(super) all_eras: bool,
    /// Region to fill into names
    #[arg(long, value_name = "REGION", default_value = "{region}")]
    pub(super) region: String,
    /// Add a catalogue of your own; what it calls by the same name takes the place of what is there
    #[arg(long, value_name = "FILE")]
    pub(super) catalogue: Vec<PathBuf>,
    /// Read the service's own list for a workspace (outboundNetworkDependenciesEndpoints, JSON) instead
    #[arg(long, value_name = "FILE")]
    pub(super) from: Option<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t = CatalogueFormat::Text, value_name = "FORMAT", help_heading = "Output")]
    pub(super) format: CatalogueFormat,
    /// Tell when, what for, what breaks, and where it was read
    #[arg(short, long, help_heading = "Output")]
    pub(super) verbose: bool,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

const CATALOGUE_EXAMPLES: &str = "\
Examples:
  netwhy catalogue --workload compute-instance --region westeurope
  netwhy catalogue --phase pull-image -v
  netwhy catalogue --catalogue ours.yaml --service feature-store
  az rest --url .../outboundNetworkDependenciesEndpoints?api-version=2018-03-01-preview | netwhy catalogue --from -";

/// Output formats of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CatalogueFormat {
    /// For people
    Text,
    /// One document
    Json,
    /// A table for a page
    Markdown,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = EXPLAIN_EXAMPLES)]
pub(super) struct ExplainArgs {
    /// A cause (UDR_NONE), rule (NSG-4), doubt (D-2), knob (smtpBlocked) or diagnostic (unknown-field);
    /// without it, everything there is
    #[arg(value_name = "WORD")]
    pub(super) word: Option<String>,
    /// List every semantics rule: whether it is kept, and which tests show it
    #[arg(long, conflicts_with = "word")]
    pub(super) rules: bool,
    /// Output format of `--rules`
    #[arg(long, value_enum, default_value_t = ExplainFormat::Text, value_name = "FORMAT", requires = "rules")]
    pub(super) format: ExplainFormat,
    /// Name every test
    #[arg(short, long, requires = "rules")]
    pub(super) verbose: bool,
}

/// Output formats of explanations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ExplainFormat {
    /// For people
    Text,
    /// One document
    Json,
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
    /// The catalogue file
    Catalogue,
    /// The answer of `trace --format json`
    Trace,
    /// The report of `what-if --format json`
    Impact,
    /// The report of `diff --format json`
    Diff,
    /// The summary of `reach --format json`
    Reach,
    /// A line of `trace --flows FILE --format ndjson`, with its path where `--depth trace` asks for it
    FlowAnswer,
    /// The report of `what-if --flows FILE --format json`
    FlowChanges,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = GENERATE_EXAMPLES, args_conflicts_with_subcommands = true)]
pub(super) struct GenerateArgs {
    #[command(subcommand)]
    pub(super) flows: Option<GenerateWhat>,
    #[command(flatten)]
    pub(super) size: SizeArgs,
    /// Format of the estate; otherwise what the name of the output says (`.json`), else YAML
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = "Output")]
    pub(super) format: Option<EstateFormat>,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

const GENERATE_EXAMPLES: &str = "\
Examples:
  netwhy generate --profile s -o estate.yaml
  netwhy generate --profile l --shape vwan --format arm -o export.json
  netwhy generate --profile giga --format json -o giga.json
  netwhy generate flows --profile s --count 1000 -o flows.csv
  netwhy trace estate.yaml --flows flows.csv

The same profile, shape and seed give the same bytes, and the flows of the same settings fit the estate.";

/// What can be made beside an estate.
#[derive(Debug, Subcommand)]
pub(super) enum GenerateWhat {
    /// Make flows through the estate that the same settings give
    Flows(GenerateFlowsArgs),
}

#[derive(Debug, ClapArgs)]
pub(super) struct GenerateFlowsArgs {
    #[command(flatten)]
    pub(super) size: SizeArgs,
    /// Which flows
    #[arg(long, value_enum, default_value_t = FlowMix::Uniform, value_name = "MIX")]
    pub(super) mix: FlowMix,
    /// How many
    #[arg(long, default_value_t = 1000, value_name = "NUMBER")]
    pub(super) count: u64,
    /// Format of the flows; otherwise what the name of the output says (`.ndjson`), else CSV
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = "Output")]
    pub(super) format: Option<FlowFormat>,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// Which estate.
#[derive(Debug, ClapArgs)]
pub(super) struct SizeArgs {
    /// How large
    #[arg(long, value_enum, default_value_t = Size::S, value_name = "SIZE")]
    pub(super) profile: Size,
    /// How the networks hang together
    #[arg(long, value_enum, default_value_t = NetworkShape::HubSpoke, value_name = "SHAPE")]
    pub(super) shape: NetworkShape,
    /// Where the random numbers start
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    pub(super) seed: u64,
    /// Make every security group different, instead of templates with variations
    #[arg(long)]
    pub(super) unique: bool,
}

/// Sizes of a synthetic estate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Size {
    /// 3 spokes, 30 interfaces
    S,
    /// 40 spokes, 2,000 interfaces, two regions
    M,
    /// 400 spokes, 40,000 interfaces, four regions
    L,
    /// Azure's limits: 500 peerings, 1,000 rules, 1,000 private endpoints, 65,536 interfaces
    Xl,
    /// 20,000 networks, 1,000,000 interfaces; some gigabytes
    Giga,
}

/// Shapes of a synthetic estate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum NetworkShape {
    /// Hubs with firewall and gateway, spokes around them
    HubSpoke,
    /// Virtual WAN hubs with firewall and routing intent
    Vwan,
    /// Clusters of spokes that peer with each other
    Mesh,
    /// A few large networks that are not joined
    Flat,
}

/// Formats of a synthetic estate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum EstateFormat {
    /// Our own estate file
    Yaml,
    /// Our own estate file as JSON
    Json,
    /// What `az` and REST answer: resources with ids and properties
    Arm,
}

/// Flows of a synthetic estate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FlowMix {
    /// Other interfaces, services, offices and the internet, evenly
    Uniform,
    /// 65,536 flows, some far more often than others
    Zipf,
    /// From interface to interface
    EastWest,
    /// To the internet
    Internet,
    /// To platform services, by name
    Paas,
}

/// Formats of flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FlowFormat {
    /// Comma-separated values
    Csv,
    /// A JSON object a line
    Ndjson,
}
