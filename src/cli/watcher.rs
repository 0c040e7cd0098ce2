//! Network Watcher's questions, asked of files: `effective-routes`, `next-hop`, `ip-flow-verify` and the others.

use super::args::{
    AnswerFormat, AskArgs, ConnectivityArgs, DiagnosticsArgs, EffectiveArgs, FlowVerifyArgs, NextHopArgs, Way,
};
use super::console::Console;
use super::exit;
use super::sink::Sink;
use super::{Failure, load};
use crate::analysis::{self, AskError, FlowQuestion, Subject, TrafficEnd};
use crate::diag::{At, Sources};
use crate::inventory::Direction;
use crate::net::{IpAddr, Protocol};
use crate::network::Network;
use crate::report;
use crate::scenario::{self, Question};
use serde::Serialize;
use std::io::Write;

/// `netwhy effective-routes`.
pub(super) async fn effective_routes(args: EffectiveArgs, console: &Console) -> Result<u8, Failure> {
    let network = network(&args.ask, console).await?;
    let subject = found(Subject::find(&network, &args.of))?;
    answer(&args.ask, console, &found(analysis::effective_routes(&network, &subject, args.address))?)
}

/// `netwhy effective-rules`.
pub(super) async fn effective_rules(args: EffectiveArgs, console: &Console) -> Result<u8, Failure> {
    let network = network(&args.ask, console).await?;
    let subject = found(Subject::find(&network, &args.of))?;
    answer(&args.ask, console, &found(analysis::effective_rules(&network, &subject, args.address))?)
}

/// `netwhy next-hop`.
pub(super) async fn next_hop(args: NextHopArgs, console: &Console) -> Result<u8, Failure> {
    let network = network(&args.ask, console).await?;
    let subject = found(Subject::find(&network, &args.from))?;
    answer(&args.ask, console, &found(analysis::next_hop(&network, &subject, args.address, args.to))?)
}

/// `netwhy ip-flow-verify`.
pub(super) async fn flow_verify(args: FlowVerifyArgs, console: &Console) -> Result<u8, Failure> {
    let protocol = protocol(&args.protocol)?;
    let (local_ip, local_port) = end("--local", &args.local)?;
    let (remote_ip, remote_port) = end("--remote", &args.remote)?;
    let remote_ip = remote_ip.ok_or_else(|| Failure::Usage("`--remote` names no address".into()))?;
    let direction = direction(args.direction);
    let question = FlowQuestion { direction, protocol, local_ip, local_port, remote_ip, remote_port };
    let network = network(&args.ask, console).await?;
    let subject = found(Subject::find(&network, &args.of))?;
    answer(&args.ask, console, &found(analysis::ip_flow_verify(&network, &subject, &question))?)
}

/// `netwhy connectivity`.
pub(super) async fn connectivity(args: ConnectivityArgs, console: &Console) -> Result<u8, Failure> {
    let end = |flag: &str, text: &str| {
        scenario::endpoint(text).map_err(|e| Failure::Usage(format!("`{flag}`: {e}")))
    };
    let (from, to) = (end("--from", &args.from)?, end("--to", &args.to)?);
    let question = Question {
        from: from.endpoint,
        to: to.endpoint,
        protocol: protocol(&args.protocol)?,
        port: to.port,
        source_port: None,
        identity: None,
        action: None,
    };
    let network = network(&args.ask, console).await?;
    let flow = question
        .flow(None, At::NOWHERE, &network.inventory)
        .map_err(|fault| Failure::Usage(fault.message.to_string()))?;
    answer(&args.ask, console, &found(analysis::connectivity(&network, &flow))?)
}

/// `netwhy nsg-diagnostics`.
pub(super) async fn nsg_diagnostics(args: DiagnosticsArgs, console: &Console) -> Result<u8, Failure> {
    let end = |flag: &str, text: &str| {
        let fault = || Failure::Usage(format!("`{flag}`: `{text}` is no address, prefix or service tag"));
        TrafficEnd::parse(text).ok_or_else(fault)
    };
    let any = |text: &str| text == "*" || text.eq_ignore_ascii_case("any");
    let profile = analysis::Profile {
        direction: direction(args.direction),
        protocol: if any(&args.protocol) { None } else { Some(protocol(&args.protocol)?) },
        source: end("--source", &args.source)?,
        destination: end("--destination", &args.destination)?,
        destination_port: match any(&args.destination_port) {
            true => None,
            false => Some(port("--destination-port", &args.destination_port)?),
        },
    };
    let network = network(&args.ask, console).await?;
    let subject = found(Subject::find(&network, &args.of))?;
    answer(&args.ask, console, &found(analysis::nsg_diagnostics(&network, &subject, &[profile]))?)
}

/// Loads and compiles the estate.
async fn network(args: &AskArgs, console: &Console) -> Result<Network, Failure> {
    let profile = load::profile(&args.settings.profile_set)?;
    let mut loaded = load::loaded(&args.estate, &[], &args.settings.settings(), Sources::default()).await?;
    let changes = std::mem::take(&mut loaded.changes);
    let (network, log) = load::compiled(&mut loaded, &changes, profile, args.settings.lenient, console)?;
    log.iter().for_each(|line| console.say(&format!("changed: {line}")));
    Ok(network)
}

/// A question that cannot be asked is a fault of the arguments.
fn found<T>(result: Result<T, AskError>) -> Result<T, Failure> {
    result.map_err(|error| Failure::Usage(error.to_string()))
}

fn answer<T: Serialize>(args: &AskArgs, console: &Console, value: &T) -> Result<u8, Failure> {
    let mut out = Sink::open(args.output.output.as_deref(), console)?;
    let mut text = String::new();
    match args.format {
        AnswerFormat::Json => report::json::pretty(&mut text, value),
        AnswerFormat::Text => {
            report::answer::text(&mut text, value, &console.style(out.colors(console), false));
        }
    }
    out.write_all(text.as_bytes())?;
    out.finish()?;
    Ok(exit::DONE)
}

fn direction(way: Way) -> Direction {
    match way {
        Way::Inbound => Direction::Inbound,
        Way::Outbound => Direction::Outbound,
    }
}

fn protocol(text: &str) -> Result<Protocol, Failure> {
    let fault = || Failure::Usage(format!("`--protocol`: `{text}` is none of tcp, udp, icmp, esp, ah"));
    Protocol::parse(text).ok_or_else(fault)
}

fn port(flag: &str, text: &str) -> Result<u16, Failure> {
    text.trim().parse().map_err(|_| Failure::Usage(format!("`{flag}`: `{text}` is not a port")))
}

/// `10.0.0.4:443`, `[2001:db8::1]:443`, or a port alone.
fn end(flag: &str, text: &str) -> Result<(Option<IpAddr>, u16), Failure> {
    if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
        return Ok((Some(socket.ip()), socket.port()));
    }
    Ok((None, port(flag, text)?))
}
