//! A recorded question in our own terms.

use crate::analysis::{
    self, ANY_SOURCE_PORT, FlowQuestion, Subject, TrafficEnd, connectivity, effective_routes,
    effective_rules, ip_flow_verify, next_hop, nsg_diagnostics, security_group_view,
};
use crate::doc::{Node, Number, Value as Tree};
use crate::formats::export::{Check, Operation};
use crate::inventory::Direction;
use crate::net::{IpAddr, Protocol};
use crate::network::{Network, machine_of};
use crate::trace::{Endpoint, Flow};
use serde::Serialize;
use serde_json::Value;

/// The question in one line, and our answer in Azure's fields.
type Answer = Result<(String, Value), String>;

/// Asks what was asked then.
pub(super) fn ask(network: &Network, check: &Check, azure: &Value) -> Answer {
    match &check.operation {
        Operation::IpFlowVerify => verify(network, &check.request),
        Operation::NextHop => hop(network, &check.request),
        Operation::ConnectivityCheck => connection(network, check, azure),
        Operation::SecurityGroupView => view(network, &check.request),
        Operation::Topology => Err("netwhy has no question for a topology".into()),
        Operation::Other(name) => match name.to_ascii_lowercase().as_str() {
            "networkconfigurationdiagnostic" | "nsgdiagnostics" => diagnosis(network, &check.request),
            "effectiveroutetable" | "effectiveroutes" => {
                let (text, subject) = interface(network, check)?;
                answer(text, effective_routes(network, &subject, None))
            }
            "effectivenetworksecuritygroups" | "effectiverules" => {
                let (text, subject) = interface(network, check)?;
                answer(text, effective_rules(network, &subject, None))
            }
            _ => Err(format!("netwhy has no question for `{name}`")),
        },
    }
}

fn answer<T: Serialize>(question: String, found: Result<T, analysis::AskError>) -> Answer {
    let found = found.map_err(|error| error.to_string())?;
    let value = serde_json::to_value(found).map_err(|error| error.to_string())?;
    Ok((question, value))
}

fn verify(network: &Network, request: &Node) -> Answer {
    let direction = match text(request, "direction")?.to_ascii_lowercase().as_str() {
        "inbound" => Direction::Inbound,
        "outbound" => Direction::Outbound,
        other => return Err(format!("`{other}` is no direction")),
    };
    // Azure takes `*` for the port of the sender alone.
    let inbound = direction == Direction::Inbound;
    let port_of = |key: &str, sender: bool| match text(request, key)?.trim() {
        "*" if sender => Ok(ANY_SOURCE_PORT),
        other => port(other),
    };
    let question = FlowQuestion {
        direction,
        protocol: protocol(&text(request, "protocol")?)?,
        local_ip: Some(address(&text(request, "localIPAddress")?)?),
        local_port: port_of("localPort", !inbound)?,
        remote_ip: address(&text(request, "remoteIPAddress")?)?,
        remote_port: port_of("remotePort", inbound)?,
    };
    let subject = subject(network, &target(request)?)?;
    let line = format!(
        "{direction} {} {}:{} and {}:{}",
        question.protocol,
        text(request, "localIPAddress")?,
        question.local_port,
        question.remote_ip,
        question.remote_port
    );
    answer(line, ip_flow_verify(network, &subject, &question))
}

fn hop(network: &Network, request: &Node) -> Answer {
    let (from, to) = (text(request, "sourceIPAddress")?, text(request, "destinationIPAddress")?);
    let subject = subject(network, &target(request)?)?;
    let found = next_hop(network, &subject, Some(address(&from)?), address(&to)?);
    answer(format!("{from} to {to}"), found)
}

fn view(network: &Network, request: &Node) -> Answer {
    let target = target(request)?;
    let subject = subject(network, &target)?;
    answer(last(&target).to_owned(), security_group_view(network, &subject))
}

fn diagnosis(network: &Network, request: &Node) -> Answer {
    let target = target(request)?;
    let subject = subject(network, &target)?;
    let profiles = request.get("profiles").and_then(Node::as_array).unwrap_or_default();
    let profiles: Vec<analysis::Profile> = profiles.iter().map(profile).collect::<Result<_, _>>()?;
    answer(last(&target).to_owned(), nsg_diagnostics(network, &subject, &profiles))
}

fn profile(node: &Node) -> Result<analysis::Profile, String> {
    let end = |key: &str| {
        let word = text(node, key)?;
        TrafficEnd::parse(&word).ok_or_else(|| format!("`{word}` is no address and no tag"))
    };
    let any = |word: &str| word == "*" || word.eq_ignore_ascii_case("any");
    let (spoken, wanted) = (text(node, "protocol")?, text(node, "destinationPort")?);
    Ok(analysis::Profile {
        direction: match text(node, "direction")?.eq_ignore_ascii_case("Inbound") {
            true => Direction::Inbound,
            false => Direction::Outbound,
        },
        protocol: if any(&spoken) { None } else { Some(protocol(&spoken)?) },
        source: end("source")?,
        destination: end("destination")?,
        destination_port: if any(&wanted) { None } else { Some(port(&wanted)?) },
    })
}

/// Asked where the recording holds no question: any port does as well where no rule looks at ports.
const ANY_PORT: u16 = 22;

/// A connection. Where the question was not recorded, it went from the first hop to the last.
fn connection(network: &Network, check: &Check, azure: &Value) -> Answer {
    let request = &check.request;
    let hops = azure.get("hops").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let told = |hop: Option<&Value>, key: &str| {
        let text = hop?.get(key)?.as_str()?;
        (!text.is_empty()).then(|| text.to_owned())
    };
    let asked = |key: &str| request.path(key).and_then(Node::as_str).map(str::to_owned);
    let from = asked("source.resourceId").or_else(|| told(hops.first(), "resourceId"));
    let from = from.ok_or("the recording does not tell who asked")?;
    let to = match (asked("destination.resourceId"), asked("destination.address")) {
        (Some(id), _) => Endpoint::Named(id.as_str().into()),
        (None, Some(place)) => endpoint(&place),
        (None, None) => {
            let place = told(hops.last(), "address").ok_or("the recording does not tell where it goes")?;
            endpoint(&place)
        }
    };
    let port = match request.path("destination.port").map(number) {
        Some(text) => port(&text?)?,
        None => ANY_PORT,
    };
    let flow = Flow::tcp(Endpoint::Named(interface_of(&from).into()), to, port);
    let line = format!("{} to {}:{port}", last(interface_of(&from)), last(&flow.to.to_string()));
    let (line, mut ours) = answer(line, connectivity(network, &flow))?;
    if before_machines_were_named(check) {
        name_configuration(network, &mut ours);
    }
    Ok((line, ours))
}

/// An id of an IP configuration means its interface.
fn interface_of(id: &str) -> &str {
    let at = id.to_ascii_lowercase().find("/ipconfigurations/");
    at.map_or(id, |at| &id[..at])
}

/// Up to 2018-02-01 machines are told by their IP configurations, from then on by themselves.
fn before_machines_were_named(check: &Check) -> bool {
    let version = check.uri.as_deref().and_then(|uri| uri.split("api-version=").nth(1));
    version.is_some_and(|version| version <= "2018-02-01")
}

fn name_configuration(network: &Network, ours: &mut Value) {
    let hops = ours.get_mut("hops").and_then(Value::as_array_mut);
    for hop in hops.into_iter().flatten() {
        let said = |key: &str| hop.get(key).and_then(Value::as_str).unwrap_or_default();
        let Some(id) = configuration(network, said("resourceId"), said("address")) else { continue };
        if hop["type"] == "VirtualMachine" {
            hop["type"] = "VirtualNetwork".into();
        }
        hop["resourceId"] = id.into();
    }
}

/// The IP configuration of a machine that holds an address.
fn configuration(network: &Network, machine: &str, address: &str) -> Option<String> {
    let ip: IpAddr = address.parse().ok()?;
    let inventory = &network.inventory;
    let owned = |id| {
        let owner = machine_of(inventory, id).map(|m| inventory.virtual_machines[m].id.as_str());
        owner.is_some_and(|owner| owner.eq_ignore_ascii_case(machine))
    };
    let mut own = inventory.network_interfaces.rows().filter(|(id, _)| owned(*id)).map(|(_, nic)| nic);
    own.find_map(|nic| {
        let config = nic.ip_configurations.iter().find(|c| c.private_ip_address.known() == Some(&ip))?;
        Some(nic.id.child("ipConfigurations", &config.name).as_str().to_owned())
    })
}

fn endpoint(place: &str) -> Endpoint {
    match place.parse() {
        Ok(ip) => Endpoint::Address(ip),
        Err(_) => Endpoint::Fqdn(place.into()),
    }
}

/// The interface whose address the request went to.
fn interface(network: &Network, check: &Check) -> Result<(String, Subject), String> {
    let uri = check.uri.as_deref().unwrap_or_default();
    let path = uri.split('?').next().unwrap_or_default();
    let id = path.rsplit_once('/').map_or(path, |(id, _)| id);
    let id = id.find("/subscriptions/").map_or(id, |at| &id[at..]);
    let subject = subject(network, id)?;
    Ok((last(id).to_owned(), subject))
}

fn target(request: &Node) -> Result<String, String> {
    let nic = text(request, "targetNicResourceId").ok().filter(|id| !id.is_empty());
    nic.map_or_else(|| text(request, "targetResourceId"), Ok)
}

fn subject(network: &Network, text: &str) -> Result<Subject, String> {
    Subject::find(network, text).map_err(|error| error.to_string())
}

fn text(node: &Node, key: &str) -> Result<String, String> {
    let found = node.get(key).ok_or_else(|| format!("the recording does not tell `{key}`"))?;
    number(found)
}

/// A text, or a number written as one.
fn number(node: &Node) -> Result<String, String> {
    match &node.value {
        Tree::String(text) => Ok(text.to_string()),
        Tree::Number(Number::Int(number)) => Ok(number.to_string()),
        other => Err(format!("{} stands where a text is wanted", other.kind())),
    }
}

fn protocol(word: &str) -> Result<Protocol, String> {
    Protocol::parse(word).ok_or_else(|| format!("`{word}` is no protocol"))
}

fn address(text: &str) -> Result<IpAddr, String> {
    text.trim().parse().map_err(|_| format!("`{text}` is no address"))
}

fn port(text: &str) -> Result<u16, String> {
    text.trim().parse().map_err(|_| format!("`{text}` is no port"))
}

fn last(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}
