//! A case: rules, an estate, questions with their answers.
//!
//! ```yaml
//! bases:
//!   pair: |
//!     virtualNetworks: ...
//! cases:
//!   - rules: NSG-2
//!     says: the lower number is asked first
//!     base: pair                 # or `estate: |`; `and: |` adds sections
//!     ask: |
//!       a -> b:443  blocked NSG_RULE_DENY by group/deny citing NSG-2
//!       ~ priority: 100 => priority: 300
//!       a -> b:443  allowed
//! ```
//!
//! Lines that begin with `~` change the estate as written for the questions below them, up to the next such lines:
//! `~ OLD => NEW` replaces text (`\n` is a line break), `~ + TEXT` adds a section, `~ knob NAME=VALUE` sets a knob of the profile, `~ as
//! written` changes nothing.
//!
//! | question | answer |
//! |---|---|
//! | `A -> B:443/udp [sport N] [as WHO] [doing ACTION]` | `allowed`, `blocked CAUSE by DECIDER`, ... |
//! | `routes OF` | `has PREFIX HOP STATE IP` or `lacks PREFIX HOP` |
//! | `input` | `notes CODE`, `clean` |
//!
//! Behind an answer: `citing RULE,RULE` (evidence on the way), `assuming KNOB`, `warning TEXT-WITHOUT-BLANKS`, `missing
//! TEXT`, `via HOP,HOP`, `without HOP`, `seen ADDRESS` (the source at the last hop), `to ADDRESS` (the destination
//! there), `notices WORD`. A blank inside a word is written `_`.

use netwhy::analysis::{Subject, effective_routes};
use netwhy::diag::{Diagnostics, Sources};
use netwhy::doc::{Node, parse_yaml};
use netwhy::formats::native;
use netwhy::inventory;
use netwhy::net::{IpAddr, Ipv4Addr, Protocol};
use netwhy::network::{self, Network};
use netwhy::profile::Profile;
use netwhy::tags::ServiceTags;
use netwhy::trace::{Flow, StepKind, Trace, trace};
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// A case.
pub(crate) struct Case {
    file: String,
    /// The rules it is about.
    pub(crate) rules: Vec<String>,
    says: String,
    estate: String,
    ask: String,
}

/// Reads the cases of a file.
pub(crate) fn read(file: &str, root: &Node) -> Vec<Case> {
    let text = |node: &Node, key: &str| node.get(key).and_then(Node::as_str).unwrap_or_default().to_owned();
    let items = root.get("cases").and_then(Node::as_array).unwrap_or_default();
    let case = |node: &Node| {
        let base = text(node, "base");
        let known = root.get("bases").and_then(|b| b.get(&base)).and_then(Node::as_str);
        assert!(base.is_empty() || known.is_some(), "{file}: there is no base `{base}`");
        Case {
            file: file.to_owned(),
            rules: text(node, "rules").split_whitespace().map(str::to_owned).collect(),
            says: text(node, "says"),
            estate: format!("{}{}{}", known.unwrap_or_default(), text(node, "estate"), text(node, "and")),
            ask: text(node, "ask"),
        }
    };
    items.iter().map(case).collect()
}

impl Case {
    /// File, rules and what it says.
    pub(crate) fn label(&self) -> String {
        format!("{}: {}: {}", self.file, self.rules.join(" "), self.says)
    }

    /// How the table of rules calls it.
    pub(crate) fn name(&self) -> String {
        format!("rules/{}: {}", self.file, self.says)
    }

    /// Whether two questions have different answers.
    pub(crate) fn flips(&self) -> bool {
        let lines = self.ask.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with(['~', '#']));
        lines.map(|line| Line::read(line).answer).collect::<BTreeSet<_>>().len() > 1
    }

    /// Every form of the estate with the flows that are asked of it.
    pub(crate) fn worlds(&self) -> Vec<(Vec<&str>, Settled, Vec<Question<'_>>)> {
        let mut out: Vec<(Vec<&str>, Vec<Question<'_>>)> = vec![(Vec::new(), Vec::new())];
        for line in self.ask.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
            if let Some(change) = line.strip_prefix('~') {
                if out.last().is_none_or(|(_, questions)| !questions.is_empty()) {
                    out.push((Vec::new(), Vec::new()));
                }
                out.iter_mut().rev().take(1).for_each(|(changes, _)| changes.push(change.trim()));
            } else if let Ok(flow) = flow(&Line::read(line).question) {
                out.iter_mut()
                    .rev()
                    .take(1)
                    .for_each(|(_, all)| all.push(Question { text: line, flow: flow.clone() }));
            }
        }
        let settled = |(changes, questions): (Vec<_>, Vec<_>)| {
            let settled = Settled::new(&self.estate, &changes);
            (changes, settled, questions)
        };
        out.into_iter().filter(|(_, questions)| !questions.is_empty()).map(settled).collect()
    }

    /// Asks everything; what does not hold.
    pub(crate) fn run(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut world = World::new(&self.estate, &[]);
        let mut changes: Vec<&str> = Vec::new();
        let mut changing = false;
        for line in self.ask.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
            if let Some(change) = line.strip_prefix('~') {
                if !std::mem::replace(&mut changing, true) {
                    changes.clear();
                }
                changes.push(change.trim());
                continue;
            }
            if std::mem::take(&mut changing) {
                world = World::new(&self.estate, &changes);
            }
            faults.extend(world.faults.drain(..).map(|f| format!("{}: {changes:?}: {f}", self.label())));
            let answer = world.answer(&Line::read(line));
            faults.extend(
                answer.into_iter().map(|f| format!("{}: {changes:?}: {line}\n    {f}", self.label())),
            );
        }
        faults
    }
}

/// A flow that is asked about, with its line.
pub(crate) struct Question<'a> {
    /// As written.
    pub(crate) text: &'a str,
    /// What it asks.
    pub(crate) flow: Flow,
}

/// A question and the answer expected.
struct Line<'a> {
    question: Vec<&'a str>,
    answer: Vec<&'a str>,
}

/// Words that begin an answer.
const ANSWERS: &[&str] =
    &["allowed", "blocked", "unknown", "mixed", "has", "lacks", "notes", "clean", "silent"];

impl<'a> Line<'a> {
    fn read(line: &'a str) -> Line<'a> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = words.iter().position(|w| ANSWERS.contains(w)).unwrap_or(words.len());
        let (question, answer) = words.split_at(at);
        Line { question: question.to_vec(), answer: answer.to_vec() }
    }
}

/// The built-in service tags, read once.
fn tags() -> &'static ServiceTags {
    static TAGS: OnceLock<ServiceTags> = OnceLock::new();
    TAGS.get_or_init(|| {
        let tags = ServiceTags::builtin();
        // Its index is built once, and every copy has it.
        tags.holding(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        tags
    })
}

/// An estate with the changes of a question applied: its text read, and the knobs.
pub(crate) struct Settled {
    /// The tree, unless the text cannot be read.
    pub(crate) root: Option<Node>,
    profile: Profile,
    notes: Diagnostics,
    faults: Vec<String>,
}

impl Settled {
    fn new(estate: &str, changes: &[&str]) -> Settled {
        let mut text = format!("netwhy: estate/1\ndefaults: {{ location: westeurope }}\n{estate}");
        let mut profile = Profile::default();
        let mut faults = Vec::new();
        for change in changes {
            if let Some(knob) = change.strip_prefix("knob ") {
                let set = knob.split_once('=').map(|(name, value)| profile.set(name, value));
                if set != Some(Ok(())) {
                    faults.push(format!("`{knob}` sets no knob"));
                }
            } else if let Some(more) = change.strip_prefix("+ ") {
                text.push_str(&more.replace("\\n", "\n"));
                text.push('\n');
            } else if let Some((old, new)) = change.split_once("=>") {
                let (old, new) = (old.trim().replace("\\n", "\n"), new.trim().replace("\\n", "\n"));
                if !text.contains(&old) {
                    faults.push(format!("`{old}` does not stand in the estate"));
                }
                text = text.replace(&old, &new);
            } else if *change != "as written" {
                faults.push(format!("`{change}` is no change"));
            }
        }
        let (mut notes, mut sources) = (Diagnostics::new(), Sources::default());
        let doc = sources.add("estate", text.as_str());
        let root = parse_yaml(doc, &text, &mut notes);
        if let Err(fault) = &root {
            faults.push(format!("{fault}"));
        }
        Settled { root: root.ok(), profile, notes, faults }
    }
}

/// An estate, compiled.
pub(crate) struct World {
    network: Option<Network>,
    notes: Diagnostics,
    faults: Vec<String>,
}

impl World {
    fn new(estate: &str, changes: &[&str]) -> World {
        let settled = Settled::new(estate, changes);
        match &settled.root {
            Some(root) => World::of(root, &settled),
            None => World { network: None, notes: settled.notes, faults: settled.faults },
        }
    }

    /// The same with this tree for its text.
    pub(crate) fn of(root: &Node, settled: &Settled) -> World {
        let mut notes = settled.notes.clone();
        let estate = inventory::build(native::load(root, &mut notes), &mut notes);
        let network = network::compile(estate, tags().clone(), settled.profile.clone(), &mut notes);
        World { network: Some(network), notes, faults: settled.faults.clone() }
    }

    /// What the input is told.
    pub(crate) fn notes(&self) -> &Diagnostics {
        &self.notes
    }

    /// The trace of a flow.
    pub(crate) fn trace(&self, flow: &Flow) -> Option<Trace> {
        self.network.as_ref().map(|network| trace(network, flow))
    }

    fn answer(&self, line: &Line<'_>) -> Option<String> {
        let network = self.network.as_ref()?;
        match line.question[..] {
            ["input"] => self.input(&line.answer),
            ["routes", of] => routes(network, of, &line.answer),
            _ => self.flow(network, line),
        }
    }

    fn input(&self, answer: &[&str]) -> Option<String> {
        let found: Vec<&str> = self.notes.iter().map(|n| n.code.name()).collect();
        let holds = match answer {
            ["notes", code] => found.contains(code),
            ["silent", code] => !found.contains(code),
            ["clean"] => found.is_empty(),
            _ => return Some("that is no answer".into()),
        };
        let texts: Vec<String> = self.notes.iter().map(ToString::to_string).collect();
        (!holds).then(|| format!("the input is told {texts:?}"))
    }

    fn flow(&self, network: &Network, line: &Line<'_>) -> Option<String> {
        // A fault of the case's own estate shows in the answer; a fault that is wanted is asked for by `input`.
        let flow = match flow(&line.question) {
            Ok(flow) => flow,
            Err(fault) => return Some(fault),
        };
        let answer = trace(network, &flow);
        let faults = differences(&answer, &line.answer);
        let notes: Vec<String> = self.notes.iter().map(ToString::to_string).collect();
        let notes = if notes.is_empty() { String::new() } else { format!("\n    input: {notes:?}") };
        (!faults.is_empty()).then(|| format!("{}\n    found: {}{notes}", faults.join("; "), shown(&answer)))
    }
}

/// What one question to an estate comes to: outcome and cause.
pub(crate) fn ask(estate: &str, question: &str) -> String {
    let world = World::new(estate, &[]);
    assert!(world.faults.is_empty(), "{:?}", world.faults);
    let words: Vec<&str> = question.split_whitespace().collect();
    let flow = flow(&words).unwrap_or_else(|fault| panic!("{question}: {fault}"));
    let answer = trace(world.network.as_ref().expect("a network"), &flow);
    let cause = answer.cause.map(|c| format!(" {}", c.code())).unwrap_or_default();
    format!("{}{cause}", answer.outcome.word())
}

fn flow(words: &[&str]) -> Result<Flow, String> {
    let [from, "->", to, rest @ ..] = words else { return Err("a question is `A -> B:PORT`".into()) };
    let (to, protocol) = match to.rsplit_once('/') {
        Some((to, word)) if Protocol::parse(word).is_some() => (to, Protocol::parse(word)),
        _ => (*to, None),
    };
    let protocol = protocol.unwrap_or(Protocol::Tcp);
    let end =
        |text: &str| netwhy::scenario::endpoint(&text.replace('_', " ")).map_err(|e| format!("{text}: {e}"));
    let (from, to) = (end(from)?, end(to)?);
    let (path, scheme) = (to.path.clone(), to.scheme);
    let mut flow = Flow::new(
        from.endpoint,
        to.endpoint,
        protocol,
        to.port.unwrap_or(if protocol.has_ports() { 443 } else { 0 }),
    );
    flow.path = path;
    flow.scheme = scheme;
    for pair in rest.chunks(2) {
        match pair {
            ["sport", port] => flow.source_port = port.parse().ok(),
            ["as", who] => flow.identity = Some((*who).into()),
            ["doing", action] => flow.action = Some((*action).into()),
            other => return Err(format!("{other:?} is no part of a question")),
        }
    }
    Ok(flow)
}

/// What of an expectation a trace does not meet.
fn differences(answer: &Trace, expected: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut words = expected.iter().copied();
    let outcome = words.next().unwrap_or_default();
    if answer.outcome.word() != outcome {
        faults.push(format!("outcome is {}", answer.outcome));
    }
    while let Some(word) = words.next() {
        if word.chars().all(|c| c.is_ascii_uppercase() || c == '_') {
            let cause = answer.cause.map_or("", |c| c.code());
            if cause != word {
                faults.push(format!("cause is {cause}"));
            }
            continue;
        }
        let Some(wanted) = words.next() else {
            faults.push(format!("nothing stands behind `{word}`"));
            break;
        };
        let plain = wanted.replace('_', " ");
        if !holds(answer, word, wanted, &plain) {
            faults.push(format!("not {word} {wanted}"));
        }
    }
    faults
}

fn holds(answer: &Trace, word: &str, wanted: &str, plain: &str) -> bool {
    let back = answer.back.iter().flat_map(|b| &b.hops);
    let hops = || answer.hops.iter().chain(answer.back.iter().flat_map(|b| &b.hops));
    let named = |hop: &netwhy::trace::Hop, name: &str| {
        hop.name == name || hop.kind.word() == name || hop.id.as_ref().is_some_and(|id| id.name() == name)
    };
    let last = answer.hops.iter().rev().find_map(|h| h.header);
    match word {
        "by" => {
            let decider = answer.decision().decider.unwrap_or_default();
            decider == plain || decider.ends_with(&format!("/{plain}"))
        }
        "citing" => {
            let steps = || hops().flat_map(|h| &h.steps).map(|s| &s.evidence);
            let said = |rule: &str| {
                steps()
                    .chain(answer.blockers.iter().map(|b| &b.evidence))
                    .any(|e| e.rules.iter().any(|r| r.id() == rule))
            };
            wanted.split(',').all(said)
        }
        "assuming" => answer.assumptions.iter().any(|a| a.knob == Some(wanted) || a.text.contains(plain)),
        "presuming" => answer.assumptions.iter().any(|a| a.text.contains(plain)),
        "warning" => answer.warnings.iter().any(|w| w.contains(plain)),
        "missing" => answer.missing.iter().any(|m| m.text.contains(plain)),
        "saying" => hops().flat_map(|h| &h.steps).any(|s| s.text.contains(plain)),
        "via" => {
            let mut left = answer.hops.iter();
            plain.split(',').all(|name| left.any(|hop| named(hop, name)))
        }
        "without" => !plain.split(',').any(|name| answer.hops.iter().any(|hop| named(hop, name))),
        "back" => {
            let mut left = back;
            plain.split(',').all(|name| left.any(|hop| named(hop, name)))
        }
        "seen" => last.is_some_and(|h| h.source.to_string() == wanted),
        "to" => last.is_some_and(|h| h.destination.to_string() == wanted),
        "port" => last.is_some_and(|h| h.port.to_string() == wanted),
        "notices" => answer.noticed().word().contains(plain),
        "ends" => answer.disposition.word() == plain,
        "and" => answer.blockers.iter().any(|b| b.cause.code() == wanted),
        "resolving" => hops().flat_map(|h| &h.steps).any(|s| {
            s.kind == StepKind::Resolve && s.after.is_some_and(|h| h.destination.to_string() == wanted)
        }),
        _ => false,
    }
}

/// A trace in a few lines, for a fault.
fn shown(answer: &Trace) -> String {
    let mut out = format!("{:?}", answer.decision());
    for hop in &answer.hops {
        out.push_str(&format!("\n      {} {}", hop.kind.word(), hop.name));
        for step in &hop.steps {
            let rules: Vec<&str> = step.evidence.rules.iter().map(|r| r.id()).collect();
            out.push_str(&format!(
                "\n        {} {}: {} {rules:?}",
                step.kind.word(),
                step.action.word(),
                step.text
            ));
        }
    }
    for hop in answer.back.iter().flat_map(|b| &b.hops) {
        let steps: Vec<&str> = hop.steps.iter().map(|s| s.text.as_str()).collect();
        out.push_str(&format!("\n      back {} {} {steps:?}", hop.kind.word(), hop.name));
    }
    let assumed: Vec<&str> = answer.assumptions.iter().map(|a| a.text.as_str()).collect();
    let missing: Vec<&str> = answer.missing.iter().map(|m| m.text.as_str()).collect();
    out + &format!("\n      assumed {assumed:?} missing {missing:?} warnings {:?}", answer.warnings)
}

/// `has PREFIX HOP [STATE] [IP]` or `lacks PREFIX HOP`.
fn routes(network: &Network, of: &str, answer: &[&str]) -> Option<String> {
    let found = Subject::find(network, of).and_then(|subject| effective_routes(network, &subject, None));
    let found = match found {
        Ok(found) => found,
        Err(fault) => return Some(fault.to_string()),
    };
    let line = |r: &netwhy::analysis::EffectiveRouteView| {
        let prefix = match &r.address_prefix[..] {
            [only] => only.clone(),
            _ => "many".into(),
        };
        let ips = r.next_hop_ip_address.join(",");
        format!("{prefix} {} {} {} {ips}", r.next_hop_type.unwrap_or("?"), r.state, r.source)
            .trim_end()
            .to_owned()
    };
    let lines: Vec<String> = found.value.iter().map(line).collect();
    let (there, wanted) = match answer {
        ["has", rest @ ..] => (true, rest),
        ["lacks", rest @ ..] => (false, rest),
        _ => return Some("that is no answer".into()),
    };
    let fits = |line: &String| {
        let words: Vec<&str> = line.split_whitespace().collect();
        wanted.iter().all(|w| words.contains(w))
    };
    let holds = lines.iter().any(fits) == there;
    (!holds).then(|| format!("the routes are\n      {}", lines.join("\n      ")))
}
