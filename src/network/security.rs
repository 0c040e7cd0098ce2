//! Compiles the rules of network security groups.

use super::rules::{AddressMatch, CompiledRule, Platform, RuleBody, RuleSet, Verdict, default_rules};
use crate::diag::{Code, Diagnostic, Diagnostics, Severity};
use crate::inventory::{
    Access, AddressMeaning, AddressWord, Asg, Direction, Field, Id, Inventory, Many, Nsg, Origin, Ref,
    SecurityRule, SecurityRuleBody, Unknown,
};
use crate::net::{AddressSet, PortRange, PortSet, ProtocolMatch};
use crate::tags::ServiceTags;
use hashbrown::{HashMap, HashSet};
use std::sync::Arc;

/// Rule sets of every network security group.
#[derive(Debug, Default)]
pub struct SecurityTables {
    /// Inbound rules, with the default rules, by row.
    pub inbound: Vec<RuleSet>,
    /// Outbound rules, with the default rules, by row.
    pub outbound: Vec<RuleSet>,
}

pub(super) fn security(inventory: &Inventory, tags: &ServiceTags, notes: &mut Diagnostics) -> SecurityTables {
    let mut tables = SecurityTables::default();
    let mut compiler = Compiler::new(inventory, tags);
    for nsg in inventory.nsgs.iter() {
        tables.inbound.push(compiler.rule_set(nsg, Direction::Inbound, notes));
        tables.outbound.push(compiler.rule_set(nsg, Direction::Outbound, notes));
    }
    tables
}

/// The rules of one group, in and out.
pub(super) fn rule_sets(
    inventory: &Inventory,
    nsg: Id<Nsg>,
    tags: &ServiceTags,
    notes: &mut Diagnostics,
) -> [RuleSet; 2] {
    let mut compiler = Compiler::new(inventory, tags);
    [Direction::Inbound, Direction::Outbound].map(|d| compiler.rule_set(&inventory.nsgs[nsg], d, notes))
}

/// Compiles rules, each text once.
struct Compiler<'a> {
    inventory: &'a Inventory,
    tags: &'a ServiceTags,
    /// What came of a text that stands in several groups.
    known: HashMap<*const SecurityRuleBody, Arc<RuleBody>, foldhash::fast::FixedState>,
    /// Sets of ports, each once: few are named, and often.
    ports: HashSet<PortSet, foldhash::fast::FixedState>,
    /// The default rules, in and out.
    defaults: [[CompiledRule; 3]; 2],
}

impl<'a> Compiler<'a> {
    fn new(inventory: &'a Inventory, tags: &'a ServiceTags) -> Self {
        let defaults = [true, false].map(default_rules);
        Self { inventory, tags, known: HashMap::default(), ports: HashSet::default(), defaults }
    }

    fn rule_set(&mut self, nsg: &Nsg, direction: Direction, notes: &mut Diagnostics) -> RuleSet {
        let here = |rule: &&SecurityRule| rule.direction.known().is_none_or(|d| *d == direction);
        let defaults = usize::from(direction == Direction::Outbound);
        let mut rules = Vec::with_capacity(nsg.security_rules.iter().filter(here).count() + 3);
        for rule in nsg.security_rules.iter().filter(here) {
            rules.push(self.rule(nsg, rule, notes));
        }
        rules.sort_by(|a: &CompiledRule, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
        contradict(&mut rules, "which Azure refuses (NSG-2)");
        shadowed(nsg, &rules, notes);
        rules.extend(self.defaults[defaults].iter().cloned());
        RuleSet { rules, unknown: nsg.security_rules.unknown.clone() }
    }

    /// A rule. What a text comes to without a doubt and without a note is the same wherever it stands.
    fn rule(&mut self, nsg: &Nsg, rule: &SecurityRule, notes: &mut Diagnostics) -> CompiledRule {
        let text = rule.body();
        if let Some(known) = self.known.get(&Arc::as_ptr(text)) {
            return CompiledRule::new(rule.at, known.clone());
        }
        let noted = notes.len();
        let own = nsg.origin == Origin::Estate;
        let mut body = compiled(self.inventory, own, rule, self.tags, notes);
        for ports in [&mut body.source_ports, &mut body.destination_ports] {
            *ports = self.ports.get_or_insert_with(ports, |ports| ports.clone()).clone();
        }
        let body = Arc::new(body);
        if Arc::strong_count(text) > 1 && notes.len() == noted && !body.is_in_doubt() {
            self.known.insert(Arc::as_ptr(text), body.clone());
        }
        CompiledRule::new(rule.at, body)
    }
}

/// Azure refuses two rules of one priority and direction, so nobody knows which of them would count where one allows
/// and the other denies (NSG-2).
pub(super) fn contradict(rules: &mut [CompiledRule], because: &str) {
    for equal in rules.chunk_by_mut(|a, b| a.priority == b.priority) {
        let Some(other) = equal.iter().find(|r| r.verdict != equal[0].verdict) else { continue };
        let why = format!(
            "whether `{}` or `{}` counts: both have priority {}, {because}",
            equal[0].name, other.name, other.priority
        );
        for rule in equal {
            let at = rule.at;
            rule.unknown.get_or_insert_with(|| Unknown::new(at, why.clone()));
        }
    }
}

/// Notes rules that stand behind one that matches everything.
fn shadowed(nsg: &Nsg, rules: &[CompiledRule], notes: &mut Diagnostics) {
    let everything = |r: &CompiledRule| {
        r.unknown.is_none()
            && r.protocol == ProtocolMatch::ANY
            && r.source.any
            && r.destination.any
            && r.source_ports.is_all()
            && r.destination_ports.is_all()
    };
    let Some(first) = rules.iter().position(everything) else { return };
    for rule in &rules[first + 1..] {
        let message = format!(
            "`{}` of `{}` never matches: `{}` before it matches everything",
            rule.name,
            nsg.id.name(),
            rules[first].name
        );
        notes.push(
            Diagnostic::new(Code::RuleNeverMatches, rule.at, message)
                .also(rules[first].at, "this rule matches first"),
        );
    }
}

pub(super) fn compiled(
    inventory: &Inventory,
    own: bool,
    rule: &SecurityRule,
    tags: &ServiceTags,
    notes: &mut Diagnostics,
) -> RuleBody {
    let mut unknown = None;
    // A rule without a priority cannot be placed: it may come before any other.
    let priority = *known_or(&rule.priority, 0, rule, "priority", &mut unknown);
    let verdict = match &rule.access {
        Field::Known(Access::Allow) => Some(Verdict::Allow),
        Field::Known(Access::Deny) => Some(Verdict::Deny),
        other => {
            unknown.get_or_insert(missing(other, rule, "access"));
            None
        }
    };
    if !matches!(rule.direction, Field::Known(_)) {
        unknown.get_or_insert(missing(&rule.direction, rule, "direction"));
    }
    let protocol = *known_or(&rule.protocol, ProtocolMatch::ANY, rule, "protocol", &mut unknown);
    let mut side = |words: &Many<AddressWord>, asgs: &Many<Ref<Asg>>, what: &str| {
        let mut side = address_match(words, tags, notes);
        for reference in asgs {
            match inventory.follow(reference).row() {
                Some(asg) => side.asgs.push(asg),
                None => {
                    let why = format!(
                        "the application security group `{}` is in none of the files",
                        reference.text
                    );
                    side.unknown.get_or_insert(Unknown::new(reference.at, why));
                }
            }
        }
        side.unknown = side.unknown.take().or_else(|| asgs.unknown.clone());
        // An empty list names nobody, which Azure refuses as it does none.
        let untold = words.unknown.is_some() || asgs.unknown.is_some();
        if !untold && words.items.is_empty() && asgs.items.is_empty() {
            let why = format!("the rule `{}` has no {what}", rule.name);
            let severity = if own { Severity::Error } else { Severity::Warning };
            let help = format!("write `*` where every {what} is meant");
            notes.push(
                Diagnostic::new(Code::MissingField, rule.at, why.clone()).severity(severity).help(help),
            );
            side.unknown.get_or_insert(Unknown::new(rule.at, why));
        }
        side
    };
    let source = side(&rule.source, &rule.source_asgs, "source");
    let destination = side(&rule.destination, &rule.destination_asgs, "destination");
    let source_ports = port_set(&rule.source_ports, &mut unknown);
    let destination_ports = port_set(&rule.destination_ports, &mut unknown);
    RuleBody {
        name: rule.name.clone(),
        priority,
        verdict,
        default: false,
        protocol,
        source,
        source_ports,
        destination,
        destination_ports,
        unknown,
    }
}

fn missing<T>(field: &Field<T>, rule: &SecurityRule, what: &str) -> Unknown {
    match field {
        Field::Unknown(unknown) => unknown.clone(),
        _ => Unknown::new(rule.at, format!("the rule `{}` has no {what}", rule.name)),
    }
}

fn known_or<'a, T>(
    field: &'a Field<T>,
    fallback: T,
    rule: &SecurityRule,
    what: &str,
    unknown: &mut Option<Unknown>,
) -> std::borrow::Cow<'a, T>
where
    T: Clone,
{
    match field {
        Field::Known(value) => std::borrow::Cow::Borrowed(value),
        other => {
            unknown.get_or_insert(missing(other, rule, what));
            std::borrow::Cow::Owned(fallback)
        }
    }
}

/// Ports; an absent list means every port, an unknown one may be any.
pub(super) fn port_set(ports: &Many<PortRange>, unknown: &mut Option<Unknown>) -> PortSet {
    if let Some(why) = &ports.unknown {
        unknown.get_or_insert(why.clone());
        return PortSet::all();
    }
    if ports.given { PortSet::new(ports.items.iter().copied()) } else { PortSet::all() }
}

/// The addresses a rule names.
pub(super) fn address_match(
    words: &Many<AddressWord>,
    tags: &ServiceTags,
    notes: &mut Diagnostics,
) -> AddressMatch {
    let mut out = AddressMatch { unknown: words.unknown.clone(), ..AddressMatch::default() };
    for word in words {
        match &word.means {
            AddressMeaning::Any => out.any = true,
            AddressMeaning::Addresses(set) => {
                out.any |= set.is_all_v4();
                out.set.extend(set);
            }
            AddressMeaning::Tag(name) => tag_match(&mut out, name, tags, notes),
        }
    }
    if out.any {
        out.set = AddressSet::empty();
    }
    out
}

fn tag_match(out: &mut AddressMatch, name: &str, tags: &ServiceTags, notes: &mut Diagnostics) {
    match name.to_ascii_lowercase().as_str() {
        "virtualnetwork" => out.virtual_network = true,
        "internet" => out.internet = true,
        "azureloadbalancer" => out.load_balancer = true,
        _ => match (Platform::parse(name), tags.find(name)) {
            (Some(platform), _) => out.platform = Some(platform),
            (None, Some(tag)) => out.tags.push(tag),
            (None, None) => {
                let why = format!("the prefixes of the service tag `{name}` are not in the table in use");
                let mut diagnostic =
                    Diagnostic::new(Code::UnknownServiceTag, crate::diag::At::NOWHERE, why.clone());
                diagnostic.help = match tags.nearest(name) {
                    Some(near) => {
                        Some(format!("did you mean `{near}`? else give an official file with --service-tags"))
                    }
                    None => Some("give an official service tag file with --service-tags".into()),
                };
                notes.push(diagnostic);
                out.unknown.get_or_insert(Unknown::new(crate::diag::At::NOWHERE, why));
            }
        },
    }
}
