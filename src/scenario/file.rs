//! The scenario file, read strictly into [`Scenario`].

use super::endpoint::Asked;
use super::{Case, EstatePart, Expectation, Question, Scenario, Setting, Stage, Variant, Word, endpoint};
use crate::catalogue::Catalogue;
use crate::diag::{At, Code, Diagnostic, Diagnostics};
use crate::doc::{Node, Value};
use crate::formats::fields::{Fields, not_one_of, word};
use crate::formats::{change, native};
use crate::inventory::change::Change;
use crate::net::{IpAddr, Protocol};
use crate::profile::Profile;
use crate::rules::RuleId;
use crate::trace::{Cause, Disposition, Noticed, Outcome};
use std::sync::Arc;

/// The version line of a scenario file.
pub const VERSION: &str = "scenario/1";

pub(super) const TOP: &[&str] = &[
    "netwhy",
    "name",
    "description",
    "estate",
    "serviceTags",
    "profile",
    "parameters",
    "changes",
    "rules",
    "flows",
    "variants",
    "then",
];

/// Fields of a flow that say what is asked.
pub(super) const ASKED: &[&str] = &[
    "name",
    "ref",
    "from",
    "to",
    "port",
    "ports",
    "protocol",
    "as",
    "action",
    "sourcePort",
    "phase",
    "needed-for",
];

/// Fields of a flow, and of a variant's flow, that say what is expected.
pub(super) const EXPECTED: &[&str] =
    &["expect", "cause", "decider", "disposition", "via", "not-via", "resolves-to", "notices"];

pub(super) const VARIANT: &[&str] = &["name", "description", "changes", "profile", "flows", "only"];

pub(super) const STAGE: &[&str] = &["name", "description", "changes", "flows", "established"];

/// What the caller may notice, by short names.
pub(super) const NOTICES: &[(&str, Noticed)] = &[
    ("works", Noticed::Works),
    ("timeout", Noticed::Timeout),
    ("reset", Noticed::Reset),
    ("reset-after-handshake", Noticed::ResetAfterHandshake),
    ("http-403-network", Noticed::Http403Network),
    ("login-refused", Noticed::LoginRefused),
    ("refused-by-service", Noticed::RefusedByService),
    ("http-403-permission", Noticed::Http403Permission),
    ("http-502", Noticed::Http502),
    ("nxdomain", Noticed::NxDomain),
    ("lookup-failed", Noticed::LookupFailed),
    ("untold", Noticed::Untold),
];

/// Whether the document says it is a scenario.
pub fn is_scenario(node: &Node) -> bool {
    node.get("netwhy").and_then(Node::as_str).is_some_and(|v| v.starts_with("scenario/"))
}

/// Reads a scenario file. `name` is used where the file gives none. Errors among `notes` mean that it must not
/// be run.
pub fn load(root: &Node, name: &str, notes: &mut Diagnostics) -> Option<Scenario> {
    if let Some(fault) = stranger(root) {
        notes.push(fault);
        return None;
    }
    let fields = Fields::new(root, "a scenario", TOP, notes)?;
    native::check_version(root, VERSION, notes);
    let mut cases = Vec::new();
    for item in fields.list("flows", notes) {
        flow(item, &mut cases, notes);
    }
    if cases.is_empty() && fields.get("flows").and_then(Node::as_array).is_none_or(<[Node]>::is_empty) {
        notes.push(Diagnostic::new(Code::MissingField, fields.at, "the scenario has no `flows`"));
    }
    unique(cases.iter().map(|c| (&*c.name, c.at)), "a flow", notes);
    let variants: Vec<_> =
        fields.list("variants", notes).iter().filter_map(|item| variant(item, &cases, notes)).collect();
    let then: Vec<_> = fields
        .list("then", notes)
        .iter()
        .enumerate()
        .filter_map(|(number, item)| stage(item, number, &cases, notes))
        .collect();
    let names = variants.iter().map(|v| (&*v.name, v.at)).chain(then.iter().map(|s| (&*s.name, s.at)));
    unique(names, "a variant or step", notes);
    Some(Scenario {
        name: fields.text("name", notes).unwrap_or_else(|| name.into()),
        description: fields.text("description", notes),
        estate: estate(&fields, notes),
        service_tags: fields.word("serviceTags", notes),
        settings: settings(&fields, notes),
        parameters: parameters(&fields, notes),
        changes: changes(&fields, notes),
        rules: rules(&fields, notes),
        cases,
        variants,
        then,
    })
}

/// What to say of a file that is meant for something else; its fields are no faults of a scenario.
fn stranger(root: &Node) -> Option<Diagnostic> {
    const OTHERS: &[(&str, &str)] =
        &[("estate/", "an estate file"), ("changes/", "a change file"), ("catalogue/", "a catalogue file")];
    let object = root.as_object()?;
    let (at, what) = match object.get("netwhy") {
        Some(line) => {
            let text = line.as_str()?;
            let (_, what) = OTHERS.iter().find(|(start, _)| text.starts_with(start))?;
            (line.at, format!("this is {what}"))
        }
        None if object.get("flows").is_none() => (
            At { end: root.at.start, ..root.at },
            format!("this file has neither the line `netwhy: {VERSION}` nor `flows`"),
        ),
        None => return None,
    };
    let message = format!("{what}, and a scenario is wanted here");
    let help = "an estate is asked by `netwhy trace FILE --from A --to B:PORT`; a scenario names it in `estate`, and says \
                in `flows` what is expected";
    Some(Diagnostic::new(Code::UnknownFormat, at, message).help(help))
}

fn unique<'a>(names: impl Iterator<Item = (&'a str, At)>, what: &str, notes: &mut Diagnostics) {
    let mut seen: Vec<(&str, At)> = Vec::new();
    for (name, at) in names {
        match seen.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)) {
            None => seen.push((name, at)),
            Some((_, first)) => {
                let message = format!("{what} is called `{name}` already");
                notes.push(Diagnostic::new(Code::BadValue, at, message).also(*first, "the first one"));
            }
        }
    }
}

fn estate(fields: &Fields<'_>, notes: &mut Diagnostics) -> Vec<EstatePart> {
    let Some(node) = fields.get("estate") else {
        return Vec::new();
    };
    let items = node.as_array().unwrap_or(std::slice::from_ref(node));
    let part = |item: &Node, notes: &mut Diagnostics| match &item.value {
        Value::Object(_) => Some(EstatePart::Inline(item.clone())),
        _ => word(item, "estate", notes).map(EstatePart::Path),
    };
    items.iter().filter_map(|item| part(item, notes)).collect()
}

fn settings(fields: &Fields<'_>, notes: &mut Diagnostics) -> Vec<Setting> {
    let mut out = Vec::new();
    for entry in fields.object("profile", notes).into_iter().flat_map(|o| o.iter()) {
        let value = match &entry.value.value {
            Value::Array(items) => items.iter().map(plain).collect::<Option<Vec<_>>>().map(|v| v.join(",")),
            _ => plain(&entry.value),
        };
        let Some(value) = value else {
            let message = format!("{} where a knob takes a word", entry.value.value.kind());
            notes.push(Diagnostic::new(Code::WrongType, entry.value.at, message));
            continue;
        };
        match Profile::default().set(&entry.key, &value) {
            Ok(()) => out.push(Setting { knob: entry.key.clone(), value, at: entry.key_at }),
            Err(error) => {
                notes.push(Diagnostic::new(Code::BadValue, entry.key_at, error.to_string()));
            }
        }
    }
    out
}

fn plain(node: &Node) -> Option<String> {
    match &node.value {
        Value::String(text) => Some(text.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

fn parameters(fields: &Fields<'_>, notes: &mut Diagnostics) -> Vec<(Word, Node)> {
    let entries = fields.object("parameters", notes).into_iter().flat_map(|o| o.iter());
    entries.map(|e| (Word { text: e.key.clone(), at: e.key_at }, e.value.clone())).collect()
}

fn changes(fields: &Fields<'_>, notes: &mut Diagnostics) -> Vec<Change> {
    fields.get("changes").map_or_else(Vec::new, |list| change::read(list, notes))
}

fn rules(fields: &Fields<'_>, notes: &mut Diagnostics) -> Vec<RuleId> {
    let mut out = Vec::new();
    for word in fields.words("rules", notes) {
        match RuleId::find(&word.text) {
            Some(rule) => out.push(rule),
            None => {
                let message = format!("there is no semantics rule `{}`", word.text);
                let diagnostic = Diagnostic::new(Code::BadValue, word.at, message);
                notes.push(match RuleId::nearest(&word.text) {
                    Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                    None => diagnostic.help("`netwhy explain --rules` lists them"),
                });
            }
        }
    }
    out
}

/// Reads a flow; a list of ports makes one case for each.
fn flow(item: &Node, cases: &mut Vec<Case>, notes: &mut Diagnostics) {
    let Some(fields) = Fields::new(item, "a flow", &[ASKED, EXPECTED].concat(), notes) else { return };
    let expectation = expectation(&fields, false, notes);
    let from = fields.required("from", "the flow", notes).and_then(|w| end(&w, notes));
    let to = fields.required("to", "the flow", notes).and_then(|w| end(&w, notes));
    let (Some(from), Some(to)) = (from, to) else { return };
    let (from, path, scheme) = (from.endpoint, to.path, to.scheme);
    let (to, own_port) = (to.endpoint, to.port);
    let protocol = protocol(&fields, notes);
    let mut ports = ports(&fields, notes);
    if let Some(own) = own_port {
        if !ports.is_empty() {
            let message = "the port is said twice: in `to` and on its own";
            notes.push(Diagnostic::new(Code::BadValue, fields.at, message));
        }
        ports = vec![own];
    }
    if !protocol.has_ports() && !ports.is_empty() {
        notes.push(Diagnostic::new(Code::BadValue, fields.at, format!("{protocol} has no ports")));
    }
    let source_port = fields.word("sourcePort", notes).and_then(|w| port(&w, "sourcePort", notes));
    let question = Question {
        from,
        to,
        protocol,
        port: None,
        source_port,
        identity: fields.text("as", notes),
        action: fields.text("action", notes),
        path,
        scheme,
    };
    let given = fields.text("name", notes);
    let group = given.clone().unwrap_or_else(|| format!("{} -> {}", question.from, question.to).into());
    let texts = |key: &str, notes: &mut Diagnostics| -> Vec<Arc<str>> {
        fields.words(key, notes).into_iter().map(|w| w.text).collect()
    };
    let refs = texts("ref", notes);
    let mut phase = fields.text("phase", notes);
    let mut needed_for = texts("needed-for", notes);
    // What the catalogue knows of the flow need not be said again.
    if let Some(need) = refs.iter().find_map(|id| Catalogue::builtin().need(id)) {
        phase = phase.or_else(|| need.phases.first().map(|phase| phase.word().into()));
        if needed_for.is_empty() {
            needed_for.clone_from(&need.needed_for);
        }
    }
    let several = ports.len() > 1 || (given.is_none() && !ports.is_empty());
    let ports: Vec<Option<u16>> =
        if ports.is_empty() { vec![None] } else { ports.into_iter().map(Some).collect() };
    cases.extend(ports.into_iter().map(|port| Case {
        name: match port {
            Some(port) if several => format!("{group}:{port}").into(),
            _ => group.clone(),
        },
        group: group.clone(),
        refs: refs.clone(),
        at: item.at,
        question: Question { port, ..question.clone() },
        phase: phase.clone(),
        needed_for: needed_for.clone(),
        expectation: expectation.clone(),
    }));
}

fn end(word: &Word, notes: &mut Diagnostics) -> Option<Asked> {
    match endpoint(&word.text) {
        Ok(asked) => Some(asked),
        Err(error) => {
            notes.push(Diagnostic::new(Code::BadValue, word.at, error.to_string()));
            None
        }
    }
}

fn protocol(fields: &Fields<'_>, notes: &mut Diagnostics) -> Protocol {
    let Some(word) = fields.word("protocol", notes) else { return Protocol::Tcp };
    Protocol::parse(&word.text).unwrap_or_else(|| {
        notes.push(not_one_of("protocol", &word, ["tcp", "udp", "icmp", "esp", "ah"].into_iter()));
        Protocol::Tcp
    })
}

fn ports(fields: &Fields<'_>, notes: &mut Diagnostics) -> Vec<u16> {
    if let (Some(_), Some(both)) = (fields.get("port"), fields.get("ports")) {
        let message = "a flow has `port` or `ports`, not both";
        notes.push(Diagnostic::new(Code::BadValue, both.at, message));
    }
    let mut words = fields.words("ports", notes);
    words.extend(fields.word("port", notes));
    words.iter().filter_map(|w| port(w, "port", notes)).collect()
}

fn port(word: &Word, key: &str, notes: &mut Diagnostics) -> Option<u16> {
    let port = word.text.trim().parse().ok().filter(|port| *port != 0);
    if port.is_none() {
        let message = format!("`{}` where `{key}` takes a number from 1 to 65535", word.text);
        notes.push(Diagnostic::new(Code::BadValue, word.at, message));
    }
    port
}

/// The words for what becomes of an open flow, beside those for a new one.
pub(super) const OPEN_OUTCOMES: &[(&str, Outcome)] =
    &[("continues", Outcome::Allowed), ("cut", Outcome::Blocked)];

fn expectation(fields: &Fields<'_>, open: bool, notes: &mut Diagnostics) -> Expectation {
    let outcomes = [Outcome::Allowed, Outcome::Blocked, Outcome::Unknown, Outcome::Mixed];
    let outcomes = outcomes.into_iter().map(|o| (o.word(), o));
    let outcomes = outcomes.chain(OPEN_OUTCOMES.iter().copied().filter(|_| open));
    let texts = |key: &str, notes: &mut Diagnostics| {
        fields.words(key, notes).into_iter().map(|w| w.text).collect::<Vec<_>>()
    };
    let expectation = Expectation {
        outcome: fields.one_of("expect", outcomes.map(|(word, o)| (word.into(), o)), notes),
        cause: fields.one_of("cause", Cause::ALL.iter().map(|c| (c.code().into(), *c)), notes),
        decider: fields.text("decider", notes),
        disposition: fields.one_of(
            "disposition",
            Disposition::ALL.iter().map(|d| (d.word().into(), *d)),
            notes,
        ),
        via: texts("via", notes),
        not_via: texts("not-via", notes),
        resolves_to: addresses(fields, notes),
        notices: fields.one_of("notices", NOTICES.iter().map(|(w, n)| ((*w).into(), *n)), notes),
        at: EXPECTED.iter().find_map(|key| fields.get(key)).map_or(fields.at, |node| node.at),
    };
    if let (Some(Outcome::Allowed), Some(cause)) = (expectation.outcome, expectation.cause) {
        let message = format!("an allowed flow has no cause, so it cannot end with `{}`", cause.code());
        notes.push(Diagnostic::new(Code::BadValue, expectation.at, message));
    }
    expectation
}

fn addresses(fields: &Fields<'_>, notes: &mut Diagnostics) -> Vec<IpAddr> {
    let mut out = Vec::new();
    for word in fields.words("resolves-to", notes) {
        match word.text.trim().parse() {
            Ok(address) => out.push(address),
            Err(_) => {
                let message = format!("`{}` is not an IP address", word.text);
                notes.push(Diagnostic::new(Code::BadValue, word.at, message));
            }
        }
    }
    out
}

fn variant(item: &Node, cases: &[Case], notes: &mut Diagnostics) -> Option<Variant> {
    let fields = Fields::new(item, "a variant", VARIANT, notes)?;
    let only = fields.get("only").map(|_| {
        let words = fields.words("only", notes);
        words.iter().flat_map(|w| named(w, cases, notes)).collect::<Vec<_>>()
    });
    let expectations = expectations(&fields, "flows", cases, notes);
    for (case, expectation) in &expectations {
        if only.as_ref().is_some_and(|only| !only.contains(case)) {
            let message = format!("`{}` is not among `only`, so this is never judged", cases[*case].name);
            notes.push(Diagnostic::new(Code::BadValue, expectation.at, message));
        }
    }
    Some(Variant {
        name: fields.required("name", "the variant", notes)?.text,
        description: fields.text("description", notes),
        at: item.at,
        changes: changes(&fields, notes),
        settings: settings(&fields, notes),
        expectations,
        only,
    })
}

fn stage(item: &Node, number: usize, cases: &[Case], notes: &mut Diagnostics) -> Option<Stage> {
    let fields = Fields::new(item, "a step of `then`", STAGE, notes)?;
    fields.text("description", notes);
    Some(Stage {
        name: fields.text("name", notes).unwrap_or_else(|| format!("then {}", number + 1).into()),
        at: item.at,
        changes: changes(&fields, notes),
        expectations: expectations(&fields, "flows", cases, notes),
        established: expectations(&fields, "established", cases, notes),
    })
}

/// `flows: {NAME: {expect: ...}}`: what is expected instead.
fn expectations(
    fields: &Fields<'_>,
    key: &str,
    cases: &[Case],
    notes: &mut Diagnostics,
) -> Vec<(usize, Expectation)> {
    let mut out = Vec::new();
    for entry in fields.object(key, notes).into_iter().flat_map(|o| o.iter()) {
        let name = Word { text: entry.key.clone(), at: entry.key_at };
        let known = named(&name, cases, notes);
        let Some(inner) = Fields::new(&entry.value, "an expectation", EXPECTED, notes) else { continue };
        let mut expectation = expectation(&inner, key == "established", notes);
        expectation.at = entry.key_at;
        if expectation.is_empty() {
            let message = format!("nothing is expected of `{}`", entry.key);
            notes.push(Diagnostic::new(Code::MissingField, entry.value.at, message));
        }
        out.extend(known.into_iter().map(|case| (case, expectation.clone())));
    }
    out
}

/// The cases a name means: itself, or all that came of one flow with several ports.
fn named(word: &Word, cases: &[Case], notes: &mut Diagnostics) -> Vec<usize> {
    let by = |name: fn(&Case) -> &str| -> Vec<usize> {
        (0..cases.len()).filter(|i| name(&cases[*i]).eq_ignore_ascii_case(&word.text)).collect()
    };
    let mut found = by(|case| &case.name);
    if found.is_empty() {
        found = by(|case| &case.group);
    }
    if found.is_empty() {
        let message = format!("no flow is called `{}`", word.text);
        let diagnostic = Diagnostic::new(Code::BadValue, word.at, message);
        let near = crate::diag::nearest(&word.text, cases.iter().map(|c| &*c.group));
        notes.push(match near {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic,
        });
    }
    found
}

#[cfg(test)]
mod tests;
