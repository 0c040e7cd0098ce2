//! The catalogue file, read strictly into [`Catalogue`].

use super::target::plain;
use super::words::{Actor, Condition, Direction, Phase, Workload};
use super::{Catalogue, Need, OwnEndpoint, Ports, Service, Source, TagFact};
use crate::diag::{Code, Diagnostic, Diagnostics, nearest};
use crate::doc::Node;
use crate::formats::fields::{Fields, Word, not_one_of};
use crate::formats::native::check_version;
use crate::net::IpAddr;
use crate::profile::MlEra;
use std::sync::Arc;

/// The version line of a catalogue file.
pub const VERSION: &str = "catalogue/1";

pub(super) const TOP: &[&str] =
    &["netwhy", "name", "description", "sources", "tags", "services", "needs", "replace"];
pub(super) const SOURCE: &[&str] = &["id", "page", "date"];
pub(super) const TAG: &[&str] =
    &["name", "what", "ports", "direction", "azureFirewall", "others", "probe", "sources"];
pub(super) const SERVICE: &[&str] = &["name", "label", "purpose"];
pub(super) const NEED: &[&str] = &[
    "id",
    "service",
    "direction",
    "workloads",
    "from",
    "hosts",
    "own",
    "addresses",
    "tags",
    "ports",
    "phases",
    "needed-for",
    "breaks",
    "degrades",
    "feature",
    "only",
    "setup",
    "outside",
    "platform",
    "disputed",
    "since",
    "until",
    "sources",
];

/// The generations of texts, by their names in files.
pub(super) const ERAS: &[(&str, MlEra)] = &[
    ("aml-2021", MlEra::Y2021),
    ("aml-2022", MlEra::Y2022),
    ("aml-2023", MlEra::Y2023),
    ("aml-2026", MlEra::Y2026),
];

/// The name of a generation of texts in files.
pub fn era_word(era: MlEra) -> &'static str {
    ERAS.iter().find(|(_, e)| *e == era).map_or("", |(name, _)| name)
}

/// Whether the document says it is a catalogue.
pub fn is_catalogue(node: &Node) -> bool {
    node.get("netwhy").and_then(Node::as_str).is_some_and(|v| v.starts_with("catalogue/"))
}

/// Reads a catalogue. A need that is faulty is left out, and `notes` has an error that says why.
pub fn load(root: &Node, notes: &mut Diagnostics) -> Option<Catalogue> {
    let fields = Fields::new(root, "a catalogue", TOP, notes)?;
    check_version(root, VERSION, notes);
    let mut catalogue = Catalogue {
        name: fields.text("name", notes).unwrap_or_else(|| "catalogue".into()),
        ..Catalogue::default()
    };
    for item in fields.list("sources", notes) {
        catalogue.sources.extend(source(item, notes));
    }
    for item in fields.list("tags", notes) {
        catalogue.tags.extend(tag(item, notes));
    }
    for item in fields.list("services", notes) {
        catalogue.services.extend(service(item, notes));
    }
    for item in fields.list("needs", notes) {
        let need = need(item, notes);
        if let Some(need) = &need
            && catalogue.need(&need.id).is_some()
        {
            let message = format!("the need `{}` stands here twice", need.id);
            notes.push(Diagnostic::new(Code::BadValue, need.at, message));
        }
        catalogue.needs.extend(need);
    }
    let replaced = fields.object("replace", notes).into_iter().flat_map(|o| o.iter());
    let replaced: Vec<(Arc<str>, Vec<Arc<str>>)> = replaced
        .map(|entry| {
            let items = entry.value.as_array().unwrap_or(std::slice::from_ref(&entry.value));
            (entry.key.clone(), items.iter().filter_map(Node::as_str).map(plain).collect())
        })
        .collect();
    catalogue.replaced = replaced;
    Some(catalogue)
}

fn source(node: &Node, notes: &mut Diagnostics) -> Option<Source> {
    let fields = Fields::new(node, "a source", SOURCE, notes)?;
    Some(Source {
        id: fields.required("id", "a source", notes)?.text,
        page: fields.required("page", "a source", notes)?.text,
        date: fields.text("date", notes),
    })
}

fn tag(node: &Node, notes: &mut Diagnostics) -> Option<TagFact> {
    let fields = Fields::new(node, "a tag", TAG, notes)?;
    Some(TagFact {
        name: fields.required("name", "a tag", notes)?.text,
        what: fields.text("what", notes).unwrap_or_default(),
        ports: ports(&fields, notes),
        direction: direction(&fields, notes),
        azure_firewall: flag(&fields, "azureFirewall", notes).unwrap_or(true),
        others: text_or_none(&fields, "others"),
        probe: text_or_none(&fields, "probe"),
        sources: texts(&fields, "sources", notes),
        at: node.at,
    })
}

/// A text that may be empty on purpose.
fn text_or_none(fields: &Fields<'_>, key: &str) -> Option<Arc<str>> {
    fields.get(key).and_then(Node::as_str).filter(|text| !text.trim().is_empty()).map(Into::into)
}

fn service(node: &Node, notes: &mut Diagnostics) -> Option<Service> {
    let fields = Fields::new(node, "a service", SERVICE, notes)?;
    let name = fields.required("name", "a service", notes)?.text;
    Some(Service {
        label: fields.text("label", notes).unwrap_or_else(|| name.clone()),
        purpose: fields.text("purpose", notes).unwrap_or_default(),
        name,
        at: node.at,
    })
}

fn need(node: &Node, notes: &mut Diagnostics) -> Option<Need> {
    let fields = Fields::new(node, "a need", NEED, notes)?;
    let id = fields.required("id", "a need", notes)?.text;
    let service = fields.required("service", "a need", notes)?.text;
    let need = Need {
        direction: direction(&fields, notes),
        workloads: all_of(&fields, "workloads", Workload::ALL, Workload::parse, Workload::word, notes),
        from: all_of(&fields, "from", Actor::ALL, Actor::parse, Actor::word, notes),
        hosts: hosts(&fields, notes),
        own: all_of(&fields, "own", OwnEndpoint::ALL, OwnEndpoint::parse, |own| own.word, notes),
        addresses: parsed(&fields, "addresses", "an address", |text| text.parse::<IpAddr>().ok(), notes),
        tags: texts(&fields, "tags", notes),
        ports: ports(&fields, notes),
        phases: all_of(&fields, "phases", Phase::ALL, Phase::parse, Phase::word, notes),
        needed_for: texts(&fields, "needed-for", notes),
        breaks: fields.text("breaks", notes).unwrap_or_default(),
        degrades: flag(&fields, "degrades", notes).unwrap_or(false),
        feature: fields.text("feature", notes),
        only: all_of(&fields, "only", Condition::ALL, Condition::parse, Condition::word, notes),
        setup: texts(&fields, "setup", notes),
        outside: flag(&fields, "outside", notes).unwrap_or(false),
        platform: flag(&fields, "platform", notes).unwrap_or(false),
        disputed: fields.text("disputed", notes),
        since: era(&fields, "since", notes),
        until: era(&fields, "until", notes),
        sources: texts(&fields, "sources", notes),
        at: node.at,
        id,
        service,
    };
    whole(&fields, &need, notes);
    Some(need)
}

/// A need says who, whereto and by which port; otherwise nothing can be traced and nothing allowed.
fn whole(fields: &Fields<'_>, need: &Need, notes: &mut Diagnostics) {
    let missing = |key: &str| {
        Diagnostic::new(Code::MissingField, fields.at, format!("the need `{}` has no `{key}`", need.id))
    };
    for (key, empty) in
        [("from", need.from.is_empty()), ("ports", need.ports.is_empty()), ("phases", need.phases.is_empty())]
    {
        if empty {
            notes.push(missing(key));
        }
    }
    let nowhere =
        need.hosts.is_empty() && need.own.is_empty() && need.addresses.is_empty() && need.tags.is_empty();
    if nowhere && !need.outside {
        notes.push(
            missing("hosts").help("`hosts`, `own`, `addresses` or `tags` say whom the connection is with"),
        );
    }
    if let (Some(since), Some(until)) = (need.since, need.until)
        && since > until
    {
        let message = format!("the need `{}` ends before it begins", need.id);
        notes.push(Diagnostic::new(Code::BadValue, fields.at, message));
    }
}

fn direction(fields: &Fields<'_>, notes: &mut Diagnostics) -> Direction {
    let words = Direction::ALL.iter().map(|d| (d.word().to_owned(), *d));
    fields.one_of("direction", words, notes).unwrap_or(Direction::Outbound)
}

fn era(fields: &Fields<'_>, key: &str, notes: &mut Diagnostics) -> Option<MlEra> {
    fields.one_of(key, ERAS.iter().map(|(name, era)| ((*name).to_owned(), *era)), notes)
}

fn texts(fields: &Fields<'_>, key: &str, notes: &mut Diagnostics) -> Vec<Arc<str>> {
    fields.words(key, notes).into_iter().map(|word| word.text).collect()
}

fn flag(fields: &Fields<'_>, key: &str, notes: &mut Diagnostics) -> Option<bool> {
    fields.one_of(key, [("true".to_owned(), true), ("false".to_owned(), false)].into_iter(), notes)
}

/// Words of a closed list.
fn all_of<T: Copy>(
    fields: &Fields<'_>,
    key: &str,
    all: &'static [T],
    parse: impl Fn(&str) -> Option<T>,
    word: impl Fn(T) -> &'static str,
    notes: &mut Diagnostics,
) -> Vec<T> {
    let mut found = Vec::new();
    for text in fields.words(key, notes) {
        match parse(&text.text) {
            Some(value) => found.push(value),
            None => notes.push(not_one_of(
                key,
                &text,
                all.iter().map(|v| word(*v)).collect::<Vec<_>>().into_iter(),
            )),
        }
    }
    found
}

fn parsed<T>(
    fields: &Fields<'_>,
    key: &str,
    what: &str,
    parse: impl Fn(&str) -> Option<T>,
    notes: &mut Diagnostics,
) -> Vec<T> {
    let mut found = Vec::new();
    for word in fields.words(key, notes) {
        match parse(&word.text) {
            Some(value) => found.push(value),
            None => {
                notes.push(Diagnostic::new(Code::BadValue, word.at, format!("`{}` is not {what}", word.text)))
            }
        }
    }
    found
}

fn ports(fields: &Fields<'_>, notes: &mut Diagnostics) -> Vec<Ports> {
    parsed(fields, "ports", "a protocol and port such as `tcp/443`", Ports::parse, notes)
}

/// Names; `*` stands in front alone, and of what is in braces `{region}` alone is known.
fn hosts(fields: &Fields<'_>, notes: &mut Diagnostics) -> Vec<Arc<str>> {
    let mut found = Vec::new();
    for word in fields.words("hosts", notes) {
        match fault(&word) {
            Some(fault) => notes.push(fault),
            None => found.push(plain(&word.text)),
        }
    }
    found
}

fn fault(word: &Word) -> Option<Diagnostic> {
    let bad = |message: String| Some(Diagnostic::new(Code::BadValue, word.at, message));
    let text = word.text.trim().replace("{region}", "region");
    if let Some(at) = text.find('{') {
        let name = text[at..].trim_matches(['{', '}']).to_owned();
        let near = nearest(&name, ["region"]);
        let help = if near.is_some() {
            "did you mean `{region}`?"
        } else {
            "`{region}` is the only stand-in of hosts; resources of the workspace's own belong under `own`"
        };
        return bad(format!("`{}` has a stand-in that is not known", word.text)).map(|d| d.help(help));
    }
    let rest = text.strip_prefix("*.").unwrap_or(&text);
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    if rest.len() > 253 || !rest.split('.').all(label) {
        return bad(format!("`{}` is not a host name; `*.` may stand in front", word.text));
    }
    None
}
