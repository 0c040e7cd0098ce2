//! The arguments of Network Watcher's questions.

use super::{EstateArgs, OutputArgs};
use clap::{Args as ClapArgs, ValueEnum};
use std::net::IpAddr;
use std::path::PathBuf;

/// What every question has.
#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct AskArgs {
    /// Files and folders that describe the estate, any mix of formats; `-` is standard input
    #[arg(value_name = "ESTATE", required = true)]
    pub(in crate::cli) estate: Vec<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) settings: EstateArgs,
    /// Output format: Azure's own JSON, or text for people
    #[arg(long, value_enum, default_value_t = AnswerFormat::Json, value_name = "FORMAT", help_heading = "Output")]
    pub(in crate::cli) format: AnswerFormat,
    #[command(flatten)]
    pub(in crate::cli) output: OutputArgs,
}

/// Output formats of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum AnswerFormat {
    /// Azure's own field names and spellings; fields of ours begin with `x-`
    Json,
    /// For people
    Text,
}

/// A question about one interface.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  netwhy effective-routes estate.yaml --of web
  netwhy effective-rules export/ --of web-nic --format text

The JSON is that of `az network nic show-effective-route-table` and `list-effective-nsg`.")]
pub(in crate::cli) struct EffectiveArgs {
    /// A machine, an interface or a subnet, by name or id
    #[arg(long, value_name = "NAME", help_heading = "Question")]
    pub(in crate::cli) of: String,
    /// Which of its addresses, where it has interfaces in several subnets
    #[arg(long, value_name = "IP", help_heading = "Question")]
    pub(in crate::cli) address: Option<IpAddr>,
    #[command(flatten)]
    pub(in crate::cli) ask: AskArgs,
}

/// Where does a packet go?
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:\n  netwhy next-hop estate.yaml --from web --to 8.8.8.8")]
pub(in crate::cli) struct NextHopArgs {
    /// A machine, an interface or a subnet, by name or id
    #[arg(long, value_name = "NAME", help_heading = "Question")]
    pub(in crate::cli) from: String,
    /// Where it wants to go
    #[arg(long, value_name = "IP", help_heading = "Question")]
    pub(in crate::cli) to: IpAddr,
    /// Which of its addresses it sends from
    #[arg(long, value_name = "IP", help_heading = "Question")]
    pub(in crate::cli) address: Option<IpAddr>,
    #[command(flatten)]
    pub(in crate::cli) ask: AskArgs,
}

/// May a packet pass?
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Example:
  netwhy ip-flow-verify estate.yaml --of web --direction inbound --local 10.0.1.4:443 --remote 203.0.113.9:50000")]
pub(in crate::cli) struct FlowVerifyArgs {
    /// A machine or an interface, by name or id
    #[arg(long, value_name = "NAME", help_heading = "Question")]
    pub(in crate::cli) of: String,
    /// Whether the packet comes in or goes out
    #[arg(long, value_enum, ignore_case = true, value_name = "WAY", help_heading = "Question")]
    pub(in crate::cli) direction: Way,
    /// Tcp or Udp
    #[arg(long, value_name = "NAME", default_value = "tcp", help_heading = "Question")]
    pub(in crate::cli) protocol: String,
    /// The interface's own end; its primary address where only a port is named
    #[arg(long, value_name = "[IP:]PORT", help_heading = "Question")]
    pub(in crate::cli) local: String,
    /// The other end
    #[arg(long, value_name = "IP:PORT", help_heading = "Question")]
    pub(in crate::cli) remote: String,
    #[command(flatten)]
    pub(in crate::cli) ask: AskArgs,
}

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Way {
    /// To the interface
    Inbound,
    /// From the interface
    Outbound,
}

/// Does a connection come about?
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:\n  netwhy connectivity estate.yaml --from web --to db:1433")]
pub(in crate::cli) struct ConnectivityArgs {
    /// Sender: a resource by name or id, `internet`, a site or host, an address
    #[arg(long, value_name = "A", help_heading = "Question")]
    pub(in crate::cli) from: String,
    /// Receiver: as --from, or a DNS name or URL; `:port` behind it
    #[arg(long, value_name = "B[:PORT]", help_heading = "Question")]
    pub(in crate::cli) to: String,
    /// Protocol
    #[arg(long, value_name = "NAME", default_value = "tcp", help_heading = "Question")]
    pub(in crate::cli) protocol: String,
    #[command(flatten)]
    pub(in crate::cli) ask: AskArgs,
}

/// Why do rules allow or deny?
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Example:
  netwhy nsg-diagnostics estate.yaml --of web --direction inbound --source Internet --destination-port 443")]
pub(in crate::cli) struct DiagnosticsArgs {
    /// A machine, an interface or a subnet, by name or id
    #[arg(long, value_name = "NAME", help_heading = "Question")]
    pub(in crate::cli) of: String,
    /// Whether the traffic comes in or goes out
    #[arg(long, value_enum, ignore_case = true, value_name = "WAY", help_heading = "Question")]
    pub(in crate::cli) direction: Way,
    /// Tcp, Udp, Icmp, Esp, Ah or *
    #[arg(long, value_name = "NAME", default_value = "tcp", help_heading = "Question")]
    pub(in crate::cli) protocol: String,
    /// An address, a prefix, a service tag or *
    #[arg(long, value_name = "WHO", default_value = "*", help_heading = "Question")]
    pub(in crate::cli) source: String,
    /// An address, a prefix, a service tag or *
    #[arg(long, value_name = "WHO", default_value = "*", help_heading = "Question")]
    pub(in crate::cli) destination: String,
    /// A port or *
    #[arg(long, value_name = "PORT", default_value = "*", help_heading = "Question")]
    pub(in crate::cli) destination_port: String,
    #[command(flatten)]
    pub(in crate::cli) ask: AskArgs,
}

/// Are recorded answers ours too?
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  netwhy replay checks.json
  netwhy replay export/ nic-routes.json --of web

A recording holds `checks` with operation, request, response and resources. Exported effective routes are compared
with those of `--of`; without it the table itself tells the network around it.
Exit codes: 0 every answer is ours, 1 one differs.")]
pub(in crate::cli) struct ReplayArgs {
    /// Recordings, exported effective routes or rules, and the estate they are of
    #[arg(value_name = "FILE", required = true)]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// Whose effective routes and rules are exported: a machine, an interface or a subnet
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) of: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) settings: EstateArgs,
    /// Output format
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text, value_name = "FORMAT", help_heading = "Output")]
    pub(in crate::cli) format: AnswerFormat,
    #[command(flatten)]
    pub(in crate::cli) output: OutputArgs,
}
