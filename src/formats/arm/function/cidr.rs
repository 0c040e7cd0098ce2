//! Address range functions.

use super::object::built;
use super::{Function, Run, function};
use crate::doc::{Entry, Node, Number, Object, Value};
use crate::formats::arm::engine::{Context, Engine};
use crate::formats::arm::value::{Fault, Outcome, failed, int, text};
use crate::net::{IpAddr, IpNet, Ipv4Addr, Ipv6Addr};

pub(super) const FUNCTIONS: &[Function] = &[
    function("parseCidr", 1, 1, Run::Values(parse_cidr)),
    function("cidrSubnet", 3, 3, Run::Values(subnet)),
    function("cidrHost", 2, 2, Run::Values(host)),
];

/// The range. AZURE: bits behind the prefix must be zero for `cidrSubnet` and are dropped elsewhere; dropping
/// them gives the same range.
fn range(node: &Node) -> Result<IpNet, Fault> {
    let written = text(node)?;
    match written.trim().parse::<IpNet>() {
        Ok(net) => Ok(net.trunc()),
        Err(_) => failed(format!("takes an address range, not `{written}`")),
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(a) => u128::from(u32::from(a)),
        IpAddr::V6(a) => u128::from(a),
    }
}

/// The address with these bits in the family of `like`, if it exists there.
fn address(bits: u128, like: &IpNet) -> Option<IpAddr> {
    match like {
        IpNet::V4(_) => u32::try_from(bits).ok().map(|b| IpAddr::V4(Ipv4Addr::from(b))),
        IpNet::V6(_) => Some(IpAddr::V6(Ipv6Addr::from(bits))),
    }
}

fn parse_cidr(_: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let net = range(&args[0])?;
    let (first, last) = (bits(net.network()), bits(net.broadcast()));
    let is_v4 = matches!(net, IpNet::V4(_));
    // AZURE: the documented IPv6 example counts every address as usable.
    let has_reserved = is_v4 && last - first > 1;
    let usable = |bits| address(bits, &net).map(|a| a.to_string()).unwrap_or_default();
    let reserved = u128::from(has_reserved);
    let mut out = Object::new();
    let mut push = |key: &str, text: String| {
        out.push(Entry { key: key.into(), key_at: ctx.at, value: Node::string(ctx.at, text) });
    };
    push("network", net.network().to_string());
    push("netmask", net.netmask().to_string());
    if is_v4 {
        push("broadcast", net.broadcast().to_string());
    }
    push("firstUsable", usable(first + reserved));
    push("lastUsable", usable(last - reserved));
    let cidr = ctx.node(Value::Number(Number::Int(i64::from(net.prefix_len()))));
    out.push(Entry { key: "cidr".into(), key_at: ctx.at, value: cidr });
    built(ctx, out)
}

fn subnet(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let (net, length, index) = (range(&args[0])?, int(&args[1])?, int(&args[2])?);
    let most = i64::from(net.max_prefix_len());
    if length < i64::from(net.prefix_len()) || length > most {
        return failed(format!("cannot make subnets of /{length} in {net}"));
    }
    let Ok(index) = u128::try_from(index) else { return failed("counts subnets from 0") };
    let room = (length - i64::from(net.prefix_len())) as u32;
    if room < 128 && index >= 1u128 << room {
        return failed(format!("{net} has no subnet {index} of /{length}"));
    }
    let shift = (most - length) as u32;
    let offset = index.checked_shl(shift).unwrap_or(0);
    match address(bits(net.network()) | offset, &net) {
        Some(first) => engine.text(ctx, format!("{first}/{length}")),
        None => failed(format!("{net} has no subnet {index} of /{length}")),
    }
}

fn host(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let (net, index) = (range(&args[0])?, int(&args[1])?);
    let Ok(index) = u128::try_from(index) else { return failed("counts hosts from 0") };
    let (first, last) = (bits(net.network()), bits(net.broadcast()));
    // The first address names the network, the last of IPv4 is the broadcast address.
    let last_usable = if matches!(net, IpNet::V4(_)) { last.saturating_sub(1) } else { last };
    let wanted = first.checked_add(1 + index).filter(|bits| *bits <= last_usable);
    match wanted.and_then(|bits| address(bits, &net)) {
        Some(host) => engine.text(ctx, host.to_string()),
        None => failed(format!("{net} has no host {index}")),
    }
}
