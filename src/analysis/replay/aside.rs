//! What an answer holds that says nothing of the network, or that no file can tell: it is set aside with the reason.
//!
//! Whether a field is set aside follows from the question and from what Azure says there, never from whether ours agrees.

use super::{Replayed, compare};
use crate::doc::Node;
use crate::net::{IpAddr, parse_prefix};
use crate::network::Network;
use serde_json::Value;

/// Issues that lie in the guest or in its agent.
const GUEST: &[&str] = &[
    "NoListenerOnDestination",
    "GuestFirewall",
    "AgentStopped",
    "SocketBind",
    "PortThrottled",
    "CPU",
    "Memory",
    "DestinationUnreachable",
];

const GUEST_ONLY: &str = "every issue Azure names lies in the guest, which files do not tell of";

const FIRST_HOP: &str =
    "versions of the API call the first hop Source or by what it is; it is who asked in both";

const INTERNET_HOP: &str =
    "a hop of the internet is no resource: versions of the API say `Internet` or nothing";

const PUBLIC_NAME: &str = "the address that a public name had that day is in no file";

const GATEWAY_ADDRESS: &str = "a table alone names the address of a gateway or of who announced the route, and not the resource that holds it";

const WEEKLY: &str =
    "the prefixes of a service tag change every week, and the list of that day is in no file";

const TAGS: &str = "what a service tag stood for that day is in no file; of `Internet` Azure leaves out ranges that no page lists";

const NO_SERVICE: &str = "a table that names no service tag does not tell whose service endpoint it is";

/// Moves the fields that have a reason.
fn part(out: &mut Replayed, why: impl Fn(&compare::Compared) -> Option<&'static str>) {
    for field in std::mem::take(&mut out.fields) {
        match why(&field) {
            Some(why) => out.set_aside.push((field.field, why)),
            None => out.fields.push(field),
        }
    }
}

fn hops(answer: &Value) -> &[Value] {
    answer.get("hops").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A connectivity check: what the guest tells, how versions of the API call the ends, the address of a public name.
pub(super) fn connection(network: &Network, request: &Node, azure: &Value, ours: &Value, out: &mut Replayed) {
    guest(azure, out);
    let asked = request.path("destination.address").and_then(Node::as_str).unwrap_or_default();
    let by_name = !asked.is_empty() && asked.parse::<IpAddr>().is_err();
    part(out, |field| {
        let mut way = field.field.split('/');
        let (Some("hops"), Some(number), Some(key), None) = (way.next(), way.next(), way.next(), way.next())
        else {
            return None;
        };
        let number: usize = number.parse().ok()?;
        let internet = text(hops(azure).get(number)?, "type") == "Internet";
        match key {
            "type" if number == 0 => (field.azure == "VirtualMachine").then_some(FIRST_HOP),
            "resourceId" => (internet && field.azure == "").then_some(INTERNET_HOP),
            "address" if internet && by_name => {
                let own = hops(ours).get(number).map(|hop| text(hop, "address")).unwrap_or_default();
                (!is_told(network, own)).then_some(PUBLIC_NAME)
            }
            _ => None,
        }
    });
}

/// Whether a file tells of a public address: a resource has it, or a record leads to it.
fn is_told(network: &Network, address: &str) -> bool {
    let Ok(ip) = address.parse::<IpAddr>() else { return false };
    let inventory = &network.inventory;
    let zones = inventory.private_dns_zones.iter().flat_map(|zone| zone.record_sets.iter());
    let zones = zones.chain(inventory.dns_zones.iter().flat_map(|zone| zone.record_sets.iter()));
    let mut records = zones.flat_map(|set| set.addresses.iter());
    network.public_addresses.iter().any(|(own, assumed)| *own == Some(ip) && !assumed)
        || records.any(|own| *own == ip)
}

/// Where only the guest stops a connection, the outcome says nothing of the network.
fn guest(azure: &Value, out: &mut Replayed) {
    let issues = hops(azure).iter().filter_map(|hop| hop.get("issues")?.as_array()).flatten();
    let kinds: Vec<&str> = issues.filter_map(|issue| issue.get("type")?.as_str()).collect();
    if kinds.is_empty() || !kinds.iter().all(|kind| GUEST.contains(kind)) {
        return;
    }
    part(out, |c| {
        let told_by_guest = c.field.ends_with("connectionStatus")
            || c.field.ends_with("PortStatus")
            || c.field.contains("/issues");
        told_by_guest.then_some(GUEST_ONLY)
    });
}

/// A table of routes: prefixes of services; and, where the table alone is the estate, addresses of gateways.
pub(super) fn routes(azure: &Value, alone: bool, out: &mut Replayed) {
    let rows = azure.get("value").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let weekly: Vec<(String, bool)> =
        rows.iter().filter_map(|row| Some((compare::weekly(row)?, has_tag(row)))).collect();
    part(out, |field| {
        if alone && field.field.ends_with("/nextHopIpAddress") && is_gateway(&field.field) {
            let told = field.azure.as_array().is_some_and(|list| !list.is_empty());
            return told.then_some(GATEWAY_ADDRESS);
        }
        let (row, tagged) = weekly.iter().find(|(row, _)| field.field.starts_with(row.as_str()))?;
        match &field.field[row.len()..] {
            "/addressPrefix" => Some(WEEKLY),
            _ if alone && !tagged => Some(NO_SERVICE),
            "/destinationServiceTags" if row.contains("endpoint") => Some(WEEKLY),
            _ => None,
        }
    });
}

/// Rules in force: what service tags stood for.
pub(super) fn rules(out: &mut Replayed) {
    let sides = [
        ("expandedSourceAddressPrefix", "sourceAddressPrefix"),
        ("expandedDestinationAddressPrefix", "destinationAddressPrefix"),
    ];
    let named = |field: &str| {
        let (rule, key) = field.rsplit_once('/')?;
        let (_, written) = sides.iter().find(|(expanded, _)| *expanded == key)?;
        Some([format!("{rule}/{written}"), format!("{rule}/{written}es")])
    };
    let tagged: Vec<String> = out
        .fields
        .iter()
        .filter(|field| {
            let Some(written) = named(&field.field) else { return false };
            out.fields
                .iter()
                .any(|f| written.contains(&f.field) && words(&f.azure).into_iter().any(is_listed))
        })
        .map(|field| field.field.clone())
        .collect();
    part(out, |field| tagged.contains(&field.field).then_some(TAGS));
}

fn words(value: &Value) -> Vec<&str> {
    match value {
        Value::String(word) => vec![word],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Whether a word is a tag whose prefixes Microsoft lists; those of a network and of probes follow from the files.
fn is_listed(word: &str) -> bool {
    let own = ["*", "any", "virtualnetwork", "azureloadbalancer"];
    parse_prefix(word).is_none() && !own.contains(&word.to_ascii_lowercase().as_str())
}

fn has_tag(row: &Value) -> bool {
    row.get("destinationServiceTags").and_then(Value::as_array).is_some_and(|tags| !tags.is_empty())
}

fn is_gateway(field: &str) -> bool {
    field.starts_with("value/virtualnetworkgateway ")
}
