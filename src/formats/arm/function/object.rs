//! Object functions, and those that merge lists as well.

use super::array::{any_same, list};
use super::{Function, MANY, Run, function};
use crate::diag::{Diagnostics, DocId};
use crate::doc::{Entry, Node, Number, Object, Value, parse_json};
use crate::formats::arm::engine::{Context, Engine};
use crate::formats::arm::value::{
    Fault, LATER, OTHERS, Outcome, failed, items, known, object, replace, same, text, whole_object, wrong,
};
use std::sync::Arc;

pub(super) const FUNCTIONS: &[Function] = &[
    function("createObject", 0, MANY, Run::Growing(create_object)),
    function("intersection", 2, MANY, Run::Growing(intersection)),
    function("items", 1, 1, Run::Growing(pairs)),
    function("json", 1, 1, Run::Growing(json)),
    function("null", 0, 0, Run::Values(|_, ctx, _| Ok(ctx.node(Value::Null)))),
    function("objectKeys", 1, 1, Run::Growing(object_keys)),
    function("shallowMerge", 1, 1, Run::Growing(shallow_merge)),
    function("tryGet", 2, MANY, Run::Values(try_get)),
    function("union", 1, MANY, Run::Growing(union)),
];

pub(super) fn built(ctx: &Context, object: Object) -> Outcome {
    Ok(ctx.node(Value::Object(Arc::new(object))))
}

fn create_object(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    if !args.len().is_multiple_of(2) {
        return failed("takes names and values in pairs");
    }
    let mut out = Object::new();
    for pair in args.chunks_exact(2) {
        engine.spend(out.len() / 8)?;
        out.set(text(&pair[0])?, pair[0].at, pair[1].clone());
    }
    built(ctx, out)
}

fn intersection(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    if args[0].as_object().is_some() {
        return common_entries(ctx, args);
    }
    let mut out: Vec<Node> = Vec::new();
    for item in items(&args[0])? {
        engine.spend(out.len())?;
        let mut is_common = !any_same(&out, item)?;
        for other in &args[1..] {
            let other = items(other)?;
            engine.spend(other.len())?;
            is_common = is_common && any_same(other, item)?;
        }
        if is_common {
            out.push(item.clone());
        }
    }
    list(ctx, out)
}

fn common_entries(ctx: &Context, args: &[Node]) -> Outcome {
    let mut out = Object::new();
    for entry in whole_object(&args[0])?.iter() {
        let mut is_common = true;
        for other in &args[1..] {
            is_common = is_common
                && match whole_object(other)?.get(&entry.key) {
                    Some(value) => same(value, &entry.value)?,
                    None => false,
                };
        }
        if is_common {
            out.push(entry.clone());
        }
    }
    built(ctx, out)
}

/// The entries of an object in the order Azure lists them: by name.
fn sorted(node: &Node) -> Result<Vec<&Entry>, Fault> {
    let mut entries: Vec<&Entry> = whole_object(node)?.iter().collect();
    entries.sort_by_cached_key(|e| (e.key.to_lowercase(), e.key.clone()));
    Ok(entries)
}

fn pairs(_: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let pairs = sorted(&args[0])?.into_iter().map(|e| {
        let fields = [("key", Node::string(e.key_at, e.key.clone())), ("value", e.value.clone())];
        let fields = fields.map(|(key, value)| Entry { key: key.into(), key_at: e.key_at, value });
        Node::object(e.value.at, Object::from_iter(fields))
    });
    list(ctx, pairs.collect())
}

fn object_keys(_: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    list(ctx, sorted(&args[0])?.into_iter().map(|e| Node::string(e.key_at, e.key.clone())).collect())
}

pub(super) fn json(_: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    parse(ctx, text(&args[0])?)
}

/// A JSON text as a value; all of it has the place of the expression.
pub(super) fn parse(ctx: &Context, source: &str) -> Outcome {
    if source.trim().is_empty() {
        return Ok(ctx.node(Value::Null));
    }
    match parse_json(DocId(u32::MAX), source, &mut Diagnostics::new()) {
        Ok(node) => Ok(replace(&node, ctx.at)),
        Err(error) => failed(format!("reads text that is {}", error.message)),
    }
}

fn shallow_merge(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let mut out = Object::new();
    for part in items(&args[0])? {
        if part.is_null() {
            continue;
        }
        let part = object(part)?;
        engine.spend(part.len() * out.len() / 8)?;
        for entry in part.iter() {
            out.set(entry.key.clone(), entry.key_at, entry.value.clone());
        }
    }
    built(ctx, markers_last(out))
}

/// Keeps what says that there are further properties behind all others.
fn markers_last(object: Object) -> Object {
    let is_marker = |e: &&Entry| &*e.key == OTHERS || &*e.key == LATER;
    let plain = object.iter().filter(|e| !is_marker(e)).cloned();
    plain.chain(object.iter().filter(is_marker).cloned()).collect()
}

fn try_get(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    follow(engine, ctx, args[0].clone(), &args[1..])
}

/// The value at the end of some steps; `null` as soon as one of them leads nowhere.
pub(super) fn follow(engine: &mut Engine<'_>, ctx: &Context, mut here: Node, keys: &[Node]) -> Outcome {
    for key in keys {
        if here.is_null() {
            return Ok(here);
        }
        let key = index(&here, key);
        match engine.step(&here, &key, ctx)? {
            Some(next) => here = next,
            None => return Ok(ctx.node(Value::Null)),
        }
    }
    Ok(here)
}

/// What Bicep makes of `[^1]` after a safe step: an index as an object, `{ value: 1, fromEnd: true }`.
fn index(list: &Node, key: &Node) -> Node {
    let value = key.get("value").and_then(Node::as_int);
    let (Some(items), Some(value)) = (list.as_array(), value) else { return key.clone() };
    let from_end = key.get("fromEnd").and_then(Node::as_bool) == Some(true);
    let index = if from_end { (items.len() as i64).saturating_sub(value) } else { value };
    Node { at: key.at, value: Value::Number(Number::Int(index)) }
}

fn union(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let parts: Vec<&Node> = args.iter().filter(|n| !n.is_null()).collect();
    match parts.first().map(|n| &n.value) {
        None => Ok(ctx.node(Value::Null)),
        Some(Value::Array(_)) => {
            let mut out: Vec<Node> = Vec::new();
            for part in parts {
                for item in items(part)? {
                    engine.spend(1 + out.len() / 4)?;
                    if !any_same(&out, item)? {
                        out.push(item.clone());
                    }
                }
            }
            list(ctx, out)
        }
        Some(Value::Object(_)) => {
            let mut out = Object::new();
            for part in parts {
                merge(engine, &mut out, object(part)?, 0)?;
            }
            built(ctx, markers_last(out))
        }
        _ => wrong(parts[0], "lists or objects"),
    }
}

/// AZURE: objects inside objects are merged too, lists inside are replaced.
fn merge(engine: &mut Engine<'_>, into: &mut Object, from: &Object, depth: usize) -> Result<(), Fault> {
    engine.spend(1 + from.len() + from.len() * into.len() / 8)?;
    if depth > crate::doc::MAX_DEPTH {
        return Err(Fault::Limit("`union` merges objects nested too deeply".into()));
    }
    for entry in from.iter() {
        let merged = match (into.get(&entry.key).map(|n| &n.value), &entry.value.value) {
            (Some(Value::Object(old)), Value::Object(new)) => {
                let mut inner = (**old).clone();
                merge(engine, &mut inner, new, depth + 1)?;
                Node::object(entry.value.at, markers_last(inner))
            }
            _ => entry.value.clone(),
        };
        into.set(entry.key.clone(), entry.key_at, merged);
    }
    Ok(())
}

/// The text of a value, as `string()` writes it.
pub(super) fn written(node: &Node) -> Result<String, Fault> {
    match &node.value {
        Value::String(text) => Ok(text.to_string()),
        Value::Bool(true) => Ok("True".into()),
        Value::Bool(false) => Ok("False".into()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Null => Ok(String::new()),
        Value::Unknown(why) => Err(Fault::Unknown(why.clone())),
        Value::Array(_) | Value::Packed(_) | Value::Object(_) => Ok(known(node)?.to_string()),
    }
}
