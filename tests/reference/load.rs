//! From the text of an estate file to a network.

use netwhy::diag::{Code, Diagnostics, DocId, Severity, Sources};
use netwhy::doc::parse_yaml;
use netwhy::formats::native;
use netwhy::inventory::build;
use netwhy::net::{IpAddr, Protocol};
use netwhy::network::{Network, compile};
use netwhy::profile::Profile;
use netwhy::tags::ServiceTags;
use netwhy::trace::{Endpoint, Flow};

/// Reads an estate and compiles it. The text must be one our own format takes: a misspelt field would
/// make a test say nothing. A reference may lead nowhere.
pub(crate) fn network(text: &str, profile: &Profile, tags: &ServiceTags) -> Result<Network, String> {
    let mut notes = Diagnostics::new();
    let mut sources = Sources::default();
    sources.add("estate.yaml", text);
    let root = parse_yaml(DocId(0), text, &mut notes).map_err(|_| format!("no YAML: {notes:?}"))?;
    let raws = native::load(&root, &mut notes);
    let inventory = build(raws, &mut notes);
    let faults: Vec<String> = notes
        .iter()
        .filter(|n| n.severity == Severity::Error && n.code != Code::DanglingReference)
        .map(|n| format!("{n} (line {})", sources.position(n.at).map_or(0, |p| p.line)))
        .collect();
    if !faults.is_empty() {
        return Err(format!("the estate is faulty: {faults:#?}\n{text}"));
    }
    Ok(compile(inventory, tags.clone(), profile.clone(), &mut notes))
}

/// The same estate with one change applied, as a change file has it.
pub(crate) fn changed(
    text: &str,
    change: &serde_json::Value,
    profile: &Profile,
    tags: &ServiceTags,
) -> Result<Network, String> {
    let mut notes = Diagnostics::new();
    let root = parse_yaml(DocId(0), text, &mut notes).map_err(|_| format!("no YAML: {notes:?}"))?;
    let raws = native::load(&root, &mut notes);
    let list = parse_yaml(DocId(1), &format!("[{change}]"), &mut notes).map_err(|_| "no YAML".to_owned())?;
    let changes = netwhy::formats::change::read(&list, &mut notes);
    let (raws, _) = netwhy::inventory::change::apply(&raws, &changes, &mut notes);
    let inventory = build(raws, &mut notes);
    let faults: Vec<String> = notes
        .iter()
        .filter(|n| n.severity == Severity::Error && n.code != Code::DanglingReference)
        .map(ToString::to_string)
        .collect();
    if !faults.is_empty() {
        return Err(format!("{faults:#?}"));
    }
    Ok(compile(inventory, tags.clone(), profile.clone(), &mut notes))
}

/// Reads a flow: `from > to tcp/443`, then perhaps `from-port N`, `as IDENTITY`, `action A`.
pub(crate) fn flow(text: &str) -> Flow {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [from, ">", to, service, rest @ ..] = &words[..] else {
        panic!("a flow reads `a > b tcp/443`: {text}")
    };
    let (protocol, port) = service.split_once('/').unwrap_or((service, "0"));
    let mut flow = Flow::new(
        endpoint(from),
        endpoint(to),
        Protocol::parse(protocol).expect("a protocol"),
        port.parse().expect("a port"),
    );
    for pair in rest.chunks(2) {
        match pair {
            ["from-port", port] => flow.source_port = Some(port.parse().expect("a port")),
            ["as", who] => flow.identity = Some((*who).into()),
            ["action", action] => flow.action = Some((*action).into()),
            _ => panic!("a flow has no `{pair:?}`: {text}"),
        }
    }
    flow
}

fn endpoint(text: &str) -> Endpoint {
    match text.parse::<IpAddr>() {
        Ok(ip) => Endpoint::Address(ip),
        Err(_) if text == "internet" => Endpoint::Internet,
        Err(_) if text.contains('.') => Endpoint::Fqdn(text.into()),
        Err(_) => Endpoint::Named(text.into()),
    }
}
