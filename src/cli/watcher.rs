//! Network Watcher's questions: `effective-routes`, `effective-rules`, `next-hop`, `ip-flow-verify`,
//! `connectivity`, `nsg-diagnostics`, asked of files.
//!
//! Flags are those of `az network watcher`, shortened; the JSON is Azure's.

use super::args::{EstateArgs, OutputArgs};
use super::console::Console;
use super::exit;
use super::sink::Sink;
use super::{Failure, load};
use crate::analysis::{self, AskError, FlowQuestion, Profile, Subject, TrafficEnd};
use crate::diag::{At, Sources};
use crate::inventory::Direction;
use crate::net::{IpAddr, Protocol};
use crate::network::Network;
use crate::report::{Style, json, watcher as text};
use crate::scenario::{self, Question};
use clap::{Args as ClapArgs, ValueEnum};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;

/// What every question shares.
#[derive(Debug, ClapArgs)]
pub(super) struct Common {
    /// Files and folders that describe the estate, any mix of formats; `-` is standard input
    #[arg(value_name = "ESTATE", required = true)]
    estate: Vec<PathBuf>,
    #[command(flatten)]
    settings: EstateArgs,
    /// Output format; `json` has Azure's field names
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT", help_heading = "Output")]
    format: Format,
    #[command(flatten)]
    output: OutputArgs,
}

/// Output formats of these questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// Azure's own answer
    Json,
}

/// Direction as Azure spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Way {
    /// Towards the machine
    #[value(alias = "Inbound")]
    Inbound,
    /// Away from it
    #[value(alias = "Outbound")]
    Outbound,
}

impl From<Way> for Direction {
    fn from(way: Way) -> Self {
        match way {
            Way::Inbound => Direction::Inbound,
            Way::Outbound => Direction::Outbound,
        }
    }
}

/// The interface asked about.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Question")]
pub(super) struct Interface {
    /// A machine, an interface or a subnet, by name or id
    #[arg(long, visible_aliases = ["vm", "nic"], value_name = "NAME")]
    resource: String,
    /// The address of the interface, where the machine has several
    #[arg(long, visible_alias = "source-ip", value_name = "IP")]
    address: Option<IpAddr>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct EffectiveArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    interface: Interface,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:\n  netwhy next-hop estate.yaml --vm web --dest-ip 10.20.0.4")]
pub(super) struct NextHopArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    interface: Interface,
    /// Where the packet goes
    #[arg(long, visible_alias = "to", value_name = "IP", help_heading = "Question")]
    dest_ip: IpAddr,
}

#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example:\n  netwhy ip-flow-verify estate.yaml --vm web --direction inbound --protocol tcp --local 10.0.1.4:443 --remote 203.0.113.10:50000"
)]
pub(super) struct FlowVerifyArgs {
    #[command(flatten)]
    common: Common,
    /// A machine or an interface, by name or id
    #[arg(long, visible_aliases = ["vm", "nic"], value_name = "NAME", help_heading = "Question")]
    resource: String,
    /// Which way the packet goes
    #[arg(long, value_enum, ignore_case = true, help_heading = "Question")]
    direction: Way,
    /// TCP or UDP
    #[arg(long, default_value = "tcp", value_name = "NAME", help_heading = "Question")]
    protocol: String,
    /// The machine's end; the address may be left out where it has one
    #[arg(long, value_name = "[IP:]PORT", help_heading = "Question")]
    local: String,
    /// The other end
    #[arg(long, value_name = "IP:PORT", help_heading = "Question")]
    remote: String,
}

#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example:\n  netwhy connectivity estate.yaml --from web --to https://mcr.microsoft.com"
)]
pub(super) struct ConnectivityArgs {
    #[command(flatten)]
    common: Common,
    /// Sender, as for `trace`
    #[arg(long, visible_alias = "source-resource", value_name = "A", help_heading = "Question")]
    from: String,
    /// Receiver, as for `trace`
    #[arg(long, visible_aliases = ["dest-resource", "dest-address"], value_name = "B[:PORT]", help_heading = "Question")]
    to: String,
    /// Protocol
    #[arg(long, default_value = "tcp", value_name = "NAME", help_heading = "Question")]
    protocol: String,
    /// Destination port
    #[arg(long, visible_alias = "dest-port", value_name = "PORT", help_heading = "Question")]
    port: Option<u16>,
    /// Source port; otherwise an ephemeral one
    #[arg(long, value_name = "PORT", help_heading = "Question")]
    source_port: Option<u16>,
}

#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example:\n  netwhy nsg-diagnostics estate.yaml --vm web --direction inbound --source Internet --destination 10.0.1.4 --port 443"
)]
pub(super) struct DiagnosticsArgs {
    #[command(flatten)]
    common: Common,
    /// A machine or an interface, by name or id
    #[arg(long, visible_aliases = ["vm", "nic"], value_name = "NAME", help_heading = "Question")]
    resource: String,
    /// Which way the traffic goes
    #[arg(long, value_enum, ignore_case = true, help_heading = "Question")]
    direction: Way,
    /// A protocol, or `*`
    #[arg(long, default_value = "tcp", value_name = "NAME", help_heading = "Question")]
    protocol: String,
    /// An address, a prefix, a service tag, or `*`
    #[arg(long, value_name = "WHERE", help_heading = "Question")]
    source: String,
    /// An address, a prefix, a service tag, or `*`
    #[arg(long, value_name = "WHERE", help_heading = "Question")]
    destination: String,
    /// Destination port, or `*`
    #[arg(long, default_value = "*", value_name = "PORT", help_heading = "Question")]
    port: String,
}

/// `effective-routes`.
pub(super) async fn effective_routes(args: EffectiveArgs, console: &Console) -> Result<u8, Failure> {
    answer(&args.common, console, text::routes, |network| {
        let subject = Subject::find(network, &args.interface.resource)?;
        Ok(analysis::effective_routes(network, &subject, args.interface.address)?)
    })
    .await
}

/// `effective-rules`.
pub(super) async fn effective_rules(args: EffectiveArgs, console: &Console) -> Result<u8, Failure> {
    answer(&args.common, console, text::rules, |network| {
        let subject = Subject::find(network, &args.interface.resource)?;
        Ok(analysis::effective_rules(network, &subject, args.interface.address)?)
    })
    .await
}

/// `next-hop`.
pub(super) async fn next_hop(args: NextHopArgs, console: &Console) -> Result<u8, Failure> {
    answer(&args.common, console, text::next_hop, |network| {
        let subject = Subject::find(network, &args.interface.resource)?;
        Ok(analysis::next_hop(network, &subject, args.interface.address, args.dest_ip)?)
    })
    .await
}

/// `ip-flow-verify`.
pub(super) async fn ip_flow_verify(args: FlowVerifyArgs, console: &Console) -> Result<u8, Failure> {
    let (local_ip, local_port) = end("--local", &args.local)?;
    let (remote_ip, remote_port) = end("--remote", &args.remote)?;
    let Some(remote_ip) = remote_ip else {
        return Err(Failure::Usage(format!("`--remote`: `{}` is not of the form IP:PORT", args.remote)));
    };
    let direction = args.direction.into();
    let (flag, receiver) = match direction {
        Direction::Inbound => ("--local", &args.local),
        Direction::Outbound => ("--remote", &args.remote),
    };
    if receiver.rsplit(':').next() == Some("*") {
        let why = format!("`{flag}`: `*` stands for the sender's port alone; the receiver's is one number");
        return Err(Failure::Usage(why));
    }
    let question = FlowQuestion {
        direction,
        protocol: protocol(&args.protocol)?,
        local_ip,
        local_port,
        remote_ip,
        remote_port,
    };
    answer(&args.common, console, text::flow_verify, |network| {
        let subject = Subject::find(network, &args.resource)?;
        Ok(analysis::ip_flow_verify(network, &subject, &question)?)
    })
    .await
}

/// `connectivity`.
pub(super) async fn connectivity(args: ConnectivityArgs, console: &Console) -> Result<u8, Failure> {
    let end = |flag: &str, text: &str| {
        scenario::endpoint(text).map_err(|e| Failure::Usage(format!("`{flag}`: {e}")))
    };
    let (from, to) = (end("--from", &args.from)?, end("--to", &args.to)?);
    if args.port.is_some() && to.port.is_some() && args.port != to.port {
        return Err(Failure::Usage("the port is said twice: in `--to` and in `--port`".into()));
    }
    let question = Question {
        from: from.endpoint,
        to: to.endpoint,
        protocol: protocol(&args.protocol)?,
        port: args.port.or(to.port),
        source_port: args.source_port,
        identity: None,
        action: None,
        path: to.path,
    };
    answer(&args.common, console, text::connectivity, |network| {
        let flow = question.flow(None, At::NOWHERE, &network.inventory);
        let flow = flow.map_err(|fault| match fault.help {
            Some(help) => Fault::Said(format!("{}; {help}", fault.message)),
            None => Fault::Said(fault.message),
        })?;
        Ok(analysis::connectivity(network, &flow)?)
    })
    .await
}

/// `nsg-diagnostics`.
pub(super) async fn nsg_diagnostics(args: DiagnosticsArgs, console: &Console) -> Result<u8, Failure> {
    let end = |flag: &str, text: &str| {
        let bad = || Failure::Usage(format!("`{flag}`: `{text}` is no address, prefix, service tag, or `*`"));
        TrafficEnd::parse(text).ok_or_else(bad)
    };
    let profile = Profile {
        direction: args.direction.into(),
        protocol: if args.protocol == "*" { None } else { Some(protocol(&args.protocol)?) },
        source: end("--source", &args.source)?,
        destination: end("--destination", &args.destination)?,
        destination_port: if args.port == "*" { None } else { Some(port("--port", &args.port)?) },
    };
    answer(&args.common, console, text::diagnosis, |network| {
        let subject = Subject::find(network, &args.resource)?;
        Ok(analysis::nsg_diagnostics(network, &subject, std::slice::from_ref(&profile))?)
    })
    .await
}

/// Why a question has no answer.
enum Fault {
    Ask(AskError),
    Said(String),
}

impl From<AskError> for Fault {
    fn from(error: AskError) -> Self {
        Fault::Ask(error)
    }
}

/// Loads the estate, asks, and writes the answer.
async fn answer<T: Serialize>(
    common: &Common,
    console: &Console,
    text: impl Fn(&mut String, &T, &Style),
    ask: impl Fn(&Network) -> Result<T, Fault>,
) -> Result<u8, Failure> {
    let profile = load::profile(&common.settings.profile_set)?;
    let settings = common.settings.settings();
    let mut loaded = load::loaded(&common.estate, &[], &settings, Sources::default()).await?;
    let changes = std::mem::take(&mut loaded.changes);
    let (network, log) = load::consumed(&mut loaded, &changes, profile, common.settings.lenient, console)?;
    log.iter().for_each(|line| console.say(&format!("changed: {line}")));
    let answer = ask(&network).map_err(|fault| {
        Failure::Input(vec![match fault {
            Fault::Ask(error) => error.to_string(),
            Fault::Said(message) => message,
        }])
    })?;
    let mut out = Sink::open(common.output.output.as_deref(), console)?;
    let style = console.style(out.colors(console), false);
    let mut written = String::new();
    match common.format {
        Format::Text => text(&mut written, &answer, &style),
        Format::Json => json::pretty(&mut written, &answer),
    }
    out.write_all(written.as_bytes())?;
    out.finish()?;
    Ok(exit::DONE)
}

fn protocol(text: &str) -> Result<Protocol, Failure> {
    let bad = || Failure::Usage(format!("`--protocol`: `{text}` is none of tcp, udp, icmp, esp, ah"));
    Protocol::parse(text).ok_or_else(bad)
}

fn port(flag: &str, text: &str) -> Result<u16, Failure> {
    let bad = || Failure::Usage(format!("`{flag}`: `{text}` is not a port from 0 to 65535"));
    text.trim().parse().map_err(|_| bad())
}

/// `443`, `10.0.0.4:443` or `[fd00::4]:443`; `*` as a port is any ephemeral one.
fn end(flag: &str, text: &str) -> Result<(Option<IpAddr>, u16), Failure> {
    let (ip, port_text) = match text.rsplit_once(':') {
        None => (None, text),
        Some((ip, port)) => (Some(ip.trim_start_matches('[').trim_end_matches(']')), port),
    };
    let bad = |ip: &str| Failure::Usage(format!("`{flag}`: `{ip}` is not an address"));
    let ip = ip.map(|ip| ip.parse().map_err(|_| bad(ip))).transpose()?;
    let port = if port_text == "*" { analysis::ANY_SOURCE_PORT } else { port(flag, port_text)? };
    Ok((ip, port))
}
