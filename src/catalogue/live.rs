//! The service's own list for one workspace, as `outboundNetworkDependenciesEndpoints` answers it.
//!
//! ```json
//! { "value": [ { "category": "Azure Active Directory",
//!     "endpoints": [ { "domainName": "login.microsoftonline.com", "endpointDetails": [ { "port": 443 } ] } ] } ] }
//! ```
//!
//! The list has names and ports alone. What a name is needed for, when, and over which protocol where that is
//! not TCP, comes from the catalogue it is held against; a name that stands there nowhere keeps its category.

use super::target::plain;
use super::words::{Actor, Direction, Phase, Workload};
use super::{Catalogue, Need, Ports, Service};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::doc::Node;
use crate::net::{PortRange, Protocol};

/// Whether a document is such an answer.
pub fn is_live(root: &Node) -> bool {
    let first = items(root).and_then(<[Node]>::first);
    first.is_some_and(|item| inside(item, "category").is_some() && inside(item, "endpoints").is_some())
}

fn items(root: &Node) -> Option<&[Node]> {
    root.as_array().or_else(|| root.get("value")?.as_array())
}

/// A field of an item, bare or below `properties`.
fn inside<'a>(item: &'a Node, key: &str) -> Option<&'a Node> {
    item.get(key).or_else(|| item.get("properties")?.get(key))
}

/// Reads the answer, held against a catalogue.
pub fn load(root: &Node, known: &Catalogue, notes: &mut Diagnostics) -> Catalogue {
    let mut live = Catalogue { name: "the service's own list".into(), ..Catalogue::default() };
    for item in items(root).unwrap_or_default() {
        let Some(category) = inside(item, "category").and_then(Node::as_str) else {
            notes.push(Diagnostic::new(Code::MissingField, item.at, "an item of the list has no `category`"));
            continue;
        };
        for endpoint in inside(item, "endpoints").and_then(Node::as_array).unwrap_or_default() {
            self::endpoint(endpoint, category, known, &mut live, notes);
        }
    }
    live
}

fn endpoint(node: &Node, category: &str, known: &Catalogue, live: &mut Catalogue, notes: &mut Diagnostics) {
    let Some(domain) = node.get("domainName").and_then(Node::as_str).filter(|d| !d.trim().is_empty()) else {
        notes.push(Diagnostic::new(Code::MissingField, node.at, "an endpoint has no `domainName`"));
        return;
    };
    let host = plain(domain);
    let ports = ports(node, &host, known, notes);
    if ports.is_empty() {
        let message = format!("the port of `{host}` is not told, so nothing is known about it");
        notes.push(Diagnostic::new(Code::NotUnderstood, node.at, message));
        return;
    }
    let told = telling(known, &host, &ports);
    let service = match told {
        Some(need) => need.service.clone(),
        None => category.to_ascii_lowercase().replace(' ', "-").into(),
    };
    if live.service(&service).is_none() {
        let own = Service { name: service.clone(), label: category.into(), purpose: "".into(), at: node.at };
        live.services.push(known.service(&service).cloned().unwrap_or(own));
    }
    live.needs.push(Need {
        id: format!("live.{}", live.needs.len() + 1).into(),
        service,
        direction: Direction::Outbound,
        workloads: vec![Workload::Dependency],
        from: vec![Actor::ComputeInstance, Actor::ComputeCluster],
        hosts: vec![host],
        own: Vec::new(),
        addresses: Vec::new(),
        tags: Vec::new(),
        ports,
        phases: told.map_or_else(|| vec![Phase::Run], |need| need.phases.clone()),
        needed_for: told.map_or_else(|| vec![category.into()], |need| need.needed_for.clone()),
        breaks: told.map_or_else(|| "Not told.".into(), |need| need.breaks.clone()),
        degrades: told.is_some_and(|need| need.degrades),
        feature: None,
        only: Vec::new(),
        setup: Vec::new(),
        outside: false,
        platform: false,
        disputed: told.is_none().then(|| "The catalogue of the program does not have this name.".into()),
        since: None,
        until: None,
        sources: Vec::new(),
        at: node.at,
    });
}

fn ports(node: &Node, host: &str, known: &Catalogue, notes: &mut Diagnostics) -> Vec<Ports> {
    let mut found: Vec<Ports> = Vec::new();
    for detail in node.get("endpointDetails").and_then(Node::as_array).unwrap_or_default() {
        let number = detail.get("port").and_then(Node::as_int).and_then(|port| u16::try_from(port).ok());
        let Some(port) = number.filter(|port| *port != 0) else {
            notes.push(Diagnostic::new(Code::BadValue, detail.at, "a port is a number from 1 to 65535"));
            continue;
        };
        let ports =
            Ports { protocol: Some(protocol(host, port, known)), range: PortRange { low: port, high: port } };
        if !found.contains(&ports) {
            found.push(ports);
        }
    }
    found
}

/// The list does not tell the protocol. TCP, unless the catalogue has this name and port over UDP.
fn protocol(host: &str, port: u16, known: &Catalogue) -> Protocol {
    let same = |need: &&Need| need.hosts.iter().any(|pattern| covers(pattern, host));
    let udp = known.needs.iter().filter(same).flat_map(|need| &need.ports);
    let udp = udp.filter(|p| p.range.contains(port)).any(|p| p.protocol == Some(Protocol::Udp));
    if udp { Protocol::Udp } else { Protocol::Tcp }
}

/// Whether a name of the catalogue is the name of the list, in whatever region, or stands above it.
fn covers(pattern: &str, host: &str) -> bool {
    let wanted: Vec<&str> = pattern.split('.').rev().collect();
    let labels: Vec<&str> = host.split('.').rev().collect();
    let any = wanted.last() == Some(&"*");
    let fixed = wanted.len() - usize::from(any);
    let fits = |(want, label): (&&str, &&str)| *want == "{region}" || want.eq_ignore_ascii_case(label);
    (if any { labels.len() > fixed } else { labels.len() == fixed })
        && wanted[..fixed].iter().zip(&labels).all(fits)
}

/// The need that tells most about a name: one that has it over these ports, and names it most closely.
fn telling<'a>(known: &'a Catalogue, host: &str, ports: &[Ports]) -> Option<&'a Need> {
    // The list is about computes, so what the catalogue says of computes comes before what it says of people.
    let compute =
        |need: &Need| need.from.iter().any(|a| matches!(a, Actor::ComputeInstance | Actor::ComputeCluster));
    let closeness = |need: &&Need| {
        let length = need.hosts.iter().filter(|p| covers(p, host)).map(|p| p.len()).max();
        length.map(|length| (need.ports.iter().any(|p| ports.contains(p)), length, compute(need)))
    };
    // The first of equals: the file has the plainest need first.
    known.needs.iter().rev().filter(|need| closeness(need).is_some()).max_by_key(closeness)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::DocId;
    use crate::doc::parse_json;

    /// Reads an answer and prints its needs, then what is wrong with it.
    fn check(text: &str, expected: &[&str]) {
        let mut notes = Diagnostics::new();
        let root = parse_json(DocId(0), text, &mut notes).expect("json");
        assert!(is_live(&root), "{text}");
        let live = load(&root, Catalogue::builtin(), &mut notes);
        let ports = |need: &Need| need.ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let mut got: Vec<String> = live
            .needs
            .iter()
            .map(|n| format!("{} {} {} {}", n.service, n.hosts.join(" "), ports(n), n.phases[0]))
            .collect();
        got.extend(notes.iter().map(ToString::to_string));
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn known_names_are_explained_and_new_ones_kept() {
        check(
            r#"{"value": [
                {"category": "Azure Active Directory", "endpoints": [
                    {"domainName": "login.microsoftonline.com", "endpointDetails": [{"port": 80}, {"port": 443}]}]},
                {"category": "Azure Machine Learning", "endpoints": [
                    {"domainName": "westeurope.tundra.azureml.ms", "endpointDetails": [{"port": 5831}]},
                    {"domainName": "*.westeurope.batch.azure.com", "endpointDetails": [{"port": 443}]}]},
                {"category": "Own Things", "endpoints": [
                    {"domainName": "things.example.org", "endpointDetails": [{"port": 8443}]}]}]}"#,
            &[
                "entra-id login.microsoftonline.com tcp/80 tcp/443 create",
                "compute-management westeurope.tundra.azureml.ms udp/5831 create",
                "batch *.westeurope.batch.azure.com tcp/443 create",
                "own-things things.example.org tcp/8443 run",
            ],
        );
    }

    #[test]
    fn below_properties_and_as_a_bare_list() {
        check(
            r#"[{"properties": {"category": "x", "endpoints": [
                {"domainName": "management.azure.com", "endpointDetails": [{"port": 443}]}]}}]"#,
            &["resource-manager management.azure.com tcp/443 open"],
        );
    }

    #[test]
    fn what_is_not_told_is_not_guessed() {
        let text = r#"[{"category": "x", "endpoints": [
            {"domainName": "a.example"}, {"endpointDetails": []}, {"domainName": "b.example", "endpointDetails": [{"port": 99999}]}]}]"#;
        let mut notes = Diagnostics::new();
        let root = parse_json(DocId(0), text, &mut notes).expect("json");
        let live = load(&root, Catalogue::builtin(), &mut notes);
        assert!(live.needs.is_empty());
        let codes: Vec<_> = notes.iter().map(|n| n.code.name()).collect();
        assert_eq!(codes, ["not-understood", "missing-field", "bad-value", "not-understood"]);
    }
}
