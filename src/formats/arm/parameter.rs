//! The value of a parameter: given, default, missing, secret or a placeholder.
//!
//! Input: a parameter's declaration and what was given for it. Output: its value. A placeholder of a
//! quickstart parameter file (`GEN-...`, `GET-PREREQ-...`) is not a value, a secret is not carried over.

use super::engine::{Context, Engine};
use super::frame::Given;
use super::value::{Outcome, failed, same};
use super::{Options, stand_in};
use crate::diag::{At, Code, Diagnostic, Severity};
use crate::doc::{Entry, Node, Object, Value};
use hashbrown::HashMap;
use std::sync::Arc;

/// What the template says of a parameter.
pub(super) struct Facts {
    pub(super) name: Arc<str>,
    /// Where its name stands.
    pub(super) at: At,
    pub(super) definition: Node,
}

/// `$ref` of types is followed this often.
const MAX_TYPE_DEPTH: usize = 16;
/// `GEN-UNIQUE` without a number means this many characters, as the quickstart guide has it.
const GENERATED_LENGTH: usize = 16;

/// The values of parameter files and the caller's own, by lower-case name; the later win.
pub(super) fn given(files: &[&Node], options: &Options) -> HashMap<String, Given> {
    let mut out = HashMap::new();
    for file in files {
        let entries = file.get("parameters").or(Some(file)).and_then(Node::as_object);
        for entry in entries.into_iter().flat_map(Object::iter) {
            let given = if let Some(value) = entry.value.get("value") {
                Given::Value(value.clone())
            } else if let Some(secret) = entry.value.get("reference") {
                Given::Secret(secret.clone())
            } else if entry.value.get("expression").is_some() {
                Given::Unknown("a parameter file computes it with inputs from outside".into())
            } else {
                continue;
            };
            out.insert(entry.key.to_lowercase(), given);
        }
    }
    for (name, value) in &options.parameters {
        out.insert(name.to_lowercase(), Given::Value(value.clone()));
    }
    out
}

impl Engine<'_> {
    /// The value of a parameter, computed once.
    pub(super) fn resolve_parameter(&mut self, facts: &Facts, given: Option<Given>, ctx: &Context) -> Node {
        let kind = self.type_of(&facts.definition, ctx.frame);
        let value = match given {
            None => None,
            Some(Given::Value(node)) => Some(self.without_placeholders(&node, facts, &kind, ctx)),
            Some(Given::Entry(entry, outer)) => self.passed(&entry, facts, &outer.naming(ctx.naming), ctx),
            Some(Given::Whole(all, outer)) => self.passed_in_one(&all, facts, &outer.naming(ctx.naming), ctx),
            Some(Given::Secret(node)) => Some(self.secret(facts, node.at, ctx)),
            Some(Given::Unknown(why)) => Some(self.unknown_parameter(&facts.name, facts.at, why, ctx)),
        };
        let is_given = value.as_ref().is_some_and(|v| !v.is_null());
        let value = match value.filter(|v| !v.is_null()) {
            Some(value) => value,
            // A null that is passed counts as nothing passed, so the default applies.
            None => match facts.definition.get("defaultValue") {
                Some(default) => self.template(default, &Context::of_frame(ctx.frame).naming(ctx.naming)),
                None if kind.is_nullable => Node { at: facts.at, value: Value::Null },
                None => return self.missing_parameter(&facts.name, facts.at, ctx),
            },
        };
        if is_given && !ctx.naming {
            self.check_value(&value, facts, &kind, ctx.frame);
        }
        self.mask(&value, &facts.definition, facts, ctx, 0)
    }

    /// What a deployment passes for a parameter.
    fn passed(&mut self, entry: &Node, facts: &Facts, outer: &Context, ctx: &Context) -> Option<Node> {
        if let Some(value) = entry.get("value") {
            return Some(self.template(value, outer));
        }
        if let Some(secret) = entry.get("reference") {
            return Some(self.secret(facts, secret.at, ctx));
        }
        // The entry as a whole is an expression, or a copy loop fills its `value`.
        let entry = self.template(entry, outer);
        match &entry.value {
            Value::Object(object) => match (object.get("value"), object.get("reference")) {
                (Some(value), _) => Some(value.clone()),
                (None, Some(secret)) => Some(self.secret(facts, secret.at, ctx)),
                (None, None) => None,
            },
            Value::Unknown(why) => Some(self.unknown_parameter(&facts.name, entry.at, why.clone(), ctx)),
            Value::String(_) if ctx.naming => Some(entry),
            _ => None,
        }
    }

    /// The same where one expression gives all parameters.
    fn passed_in_one(&mut self, all: &Node, facts: &Facts, outer: &Context, ctx: &Context) -> Option<Node> {
        let all = self.template(all, &outer.naming(false));
        match &all.value {
            Value::Unknown(why) => Some(self.unknown_parameter(&facts.name, all.at, why.clone(), ctx)),
            _ => all.get(&facts.name).and_then(|entry| entry.get("value")).cloned(),
        }
    }

    fn secret(&mut self, facts: &Facts, at: At, ctx: &Context) -> Node {
        let why = format!("the parameter `{}` is a secret of a key vault", facts.name);
        self.unknown_parameter(&facts.name, at, why.into(), ctx)
    }

    // ---- placeholders ----

    fn without_placeholders(&mut self, node: &Node, facts: &Facts, kind: &Kind, ctx: &Context) -> Node {
        match &node.value {
            Value::String(text) if is_placeholder(text) => self.placeholder(text, node.at, facts, kind, ctx),
            Value::Array(items) => {
                let items = items.iter().map(|n| self.without_placeholders(n, facts, kind, ctx));
                Node::array(node.at, items.collect())
            }
            Value::Object(object) => {
                let entries = object.iter().map(|e| Entry {
                    value: self.without_placeholders(&e.value, facts, kind, ctx),
                    ..e.clone()
                });
                Node::object(node.at, entries.collect())
            }
            _ => node.clone(),
        }
    }

    fn placeholder(&mut self, text: &str, at: At, facts: &Facts, kind: &Kind, ctx: &Context) -> Node {
        match generated_length(text) {
            Some(length) if !kind.is_secure => {
                let made = stand_in::generated(&facts.name, length);
                let message = format!("`{text}` stands for a value made up at deployment; taken as `{made}`");
                self.note(Diagnostic::new(Code::UnknownValue, at, message).severity(Severity::Note));
                Node::string(at, made)
            }
            _ if ctx.naming => Node::string(at, stand_in::parameter(text)),
            _ => {
                let why = format!(
                    "`{text}` of the parameter `{}` stands for a value of the deployment",
                    facts.name
                );
                let severity = if kind.is_secure { Severity::Note } else { Severity::Warning };
                self.unknown(&ctx.at(at), severity, why)
            }
        }
    }

    // ---- types ----

    /// The type of a parameter, `$ref` followed.
    fn type_of(&self, definition: &Node, frame: usize) -> Kind {
        let mut kind = Kind::default();
        let mut here = definition.clone();
        for _ in 0..MAX_TYPE_DEPTH {
            kind.is_nullable |= here.get("nullable").and_then(Node::as_bool) == Some(true);
            if let Some(name) = here.get("type").and_then(Node::as_str) {
                kind.name = name.to_lowercase();
            }
            if kind.allowed.is_empty() {
                kind.allowed =
                    here.get("allowedValues").and_then(Node::as_array).unwrap_or_default().to_vec();
            }
            let Some(next) = self.referred_type(&here, frame) else { break };
            here = next;
        }
        kind.is_secure = kind.name.starts_with("secure");
        kind
    }

    /// The definition a `$ref` means.
    fn referred_type(&self, definition: &Node, frame: usize) -> Option<Node> {
        referred(&self.frames.get(frame)?.template, definition).cloned()
    }

    /// Replaces what the type declares as secret. Empty strings stay: that nothing was given is no secret.
    fn mask(&mut self, value: &Node, definition: &Node, facts: &Facts, ctx: &Context, depth: usize) -> Node {
        if depth > MAX_TYPE_DEPTH {
            return value.clone();
        }
        let name = definition.get("type").and_then(Node::as_str).unwrap_or_default();
        if name.get(..6).is_some_and(|head| head.eq_ignore_ascii_case("secure")) {
            return self.masked(value, facts, ctx);
        }
        if let Some(target) = self.referred_type(definition, ctx.frame) {
            return self.mask(value, &target, facts, ctx, depth + 1);
        }
        match &value.value {
            Value::Object(object) if definition.get("properties").is_some() => {
                let entries = object.iter().map(|e| {
                    let inner = definition.get("properties").and_then(|p| p.get(&e.key));
                    let inner = inner.map(|d| self.mask(&e.value, d, facts, ctx, depth + 1));
                    Entry { value: inner.unwrap_or_else(|| e.value.clone()), ..e.clone() }
                });
                Node::object(value.at, entries.collect())
            }
            Value::Array(items) if definition.get("items").is_some_and(|d| d.as_object().is_some()) => {
                let Some(inner) = definition.get("items") else { return value.clone() };
                let items = items.iter().map(|n| self.mask(n, inner, facts, ctx, depth + 1));
                Node::array(value.at, items.collect())
            }
            _ => value.clone(),
        }
    }

    fn masked(&mut self, value: &Node, facts: &Facts, ctx: &Context) -> Node {
        match &value.value {
            Value::String(text) if !text.is_empty() => {
                let why = format!("the parameter `{}` is a secret", facts.name);
                self.unknown_parameter(&facts.name, value.at, why.into(), ctx)
            }
            Value::Array(items) => {
                Node::array(value.at, items.iter().map(|n| self.masked(n, facts, ctx)).collect())
            }
            Value::Object(object) => {
                let entries =
                    object.iter().map(|e| Entry { value: self.masked(&e.value, facts, ctx), ..e.clone() });
                Node::object(value.at, entries.collect())
            }
            _ => value.clone(),
        }
    }

    /// Checks every value that was given, also one that nothing asks for.
    pub(super) fn check_values(&mut self, frame: usize) {
        for (facts, given) in self.frames[frame].given_values() {
            if !holds_placeholder(&given) {
                let kind = self.type_of(&facts.definition, frame);
                self.check_value(&given, &facts, &kind, frame);
            }
        }
    }

    /// Says what Azure would refuse: a value of another type or outside the allowed ones.
    fn check_value(&mut self, value: &Node, facts: &Facts, kind: &Kind, frame: usize) {
        // A deployment that may not happen is refused only if it does.
        let unit = self.frames.get(frame).and_then(|frame| self.units.get(frame.unit));
        let is_uncertain = unit.is_some_and(|unit| unit.uncertain.is_some());
        let severity = if is_uncertain { Severity::Warning } else { Severity::Error };
        let help = "Azure refuses this deployment before it begins";
        let Some(fits) = kind.fits(value) else { return };
        if !fits {
            let message =
                format!("the parameter `{}` takes {}, not {}", facts.name, kind.words(), value.value.kind());
            self.note(Diagnostic::new(Code::WrongType, value.at, message).severity(severity).help(help));
            return;
        }
        let allows = |allowed: &Node| !matches!(same(allowed, value), Ok(false));
        let is_allowed = match &value.value {
            _ if kind.allowed.is_empty() || kind.allowed.iter().any(allows) => true,
            Value::Array(items) => items
                .iter()
                .all(|n| kind.allowed.iter().any(|allowed| !matches!(same(allowed, n), Ok(false)))),
            _ => false,
        };
        if !is_allowed {
            let message = format!("the parameter `{}` does not allow {value}", facts.name);
            let note = Diagnostic::new(Code::BadValue, value.at, message).severity(severity).help(help);
            self.note(note.also(facts.at, "declared here"));
        }
    }

    /// `externalInput(kind, config)`: what a parameter file asks its tool for.
    pub(super) fn external_input(&mut self, ctx: &Context, args: &[Node]) -> Outcome {
        let Some(kind) = args.first().and_then(Node::as_str) else {
            return failed("takes the kind of input");
        };
        let why = format!("the input `{kind}` comes from outside the files");
        Ok(self.unknown(ctx, Severity::Warning, why))
    }
}

/// The definition of a template that a `$ref` means.
fn referred<'t>(template: &'t Node, definition: &Node) -> Option<&'t Node> {
    let name = definition.get("$ref")?.as_str()?.strip_prefix("#/definitions/")?;
    let name = name.replace("~1", "/").replace("~0", "~");
    template.get("definitions")?.get(&name)
}

/// Whether following `$ref` from a definition never ends.
pub(super) fn refers_to_itself(template: &Node, definition: &Node) -> bool {
    let mut seen = Vec::new();
    let mut here = definition;
    while let Some(next) = referred(template, here) {
        if std::ptr::eq(next, definition) {
            return true;
        }
        if seen.len() >= MAX_TYPE_DEPTH || seen.iter().any(|old| std::ptr::eq(*old, next)) {
            return false;
        }
        seen.push(next);
        here = next;
    }
    false
}

fn holds_placeholder(node: &Node) -> bool {
    match &node.value {
        Value::String(text) => is_placeholder(text),
        Value::Array(items) => items.iter().any(holds_placeholder),
        Value::Object(object) => object.iter().any(|entry| holds_placeholder(&entry.value)),
        _ => false,
    }
}

/// A parameter's type as far as it matters here.
#[derive(Default)]
struct Kind {
    name: String,
    is_secure: bool,
    is_nullable: bool,
    allowed: Vec<Node>,
}

impl Kind {
    /// Whether a value has this type; nothing when either is not known.
    fn fits(&self, value: &Node) -> Option<bool> {
        let wanted = match self.name.trim_start_matches("secure") {
            "string" => matches!(value.value, Value::String(_)),
            "int" => matches!(value.value, Value::Number(_)),
            "bool" => matches!(value.value, Value::Bool(_)),
            "array" => matches!(value.value, Value::Array(_)),
            "object" => matches!(value.value, Value::Object(_)),
            _ => return None,
        };
        value.why_unknown().is_none().then_some(wanted)
    }

    fn words(&self) -> &'static str {
        match self.name.trim_start_matches("secure") {
            "string" => "a string",
            "int" => "a number",
            "bool" => "a truth value",
            "array" => "a list",
            _ => "an object",
        }
    }
}

fn is_placeholder(text: &str) -> bool {
    text.starts_with("GEN-") || text.starts_with("GET-PREREQ-")
}

/// The length that `GEN-UNIQUE` or `GEN-UNIQUE-n` states.
fn generated_length(text: &str) -> Option<usize> {
    match text.strip_prefix("GEN-UNIQUE")? {
        "" => Some(GENERATED_LENGTH),
        rest => rest.strip_prefix('-')?.parse().ok().filter(|n| (1..=64).contains(n)),
    }
}
