//! Array functions; those that take strings too stand here as well.

use super::object::follow;
use super::{Function, MANY, Run, function, truth, whole};
use crate::doc::{Node, Number, Value};
use crate::formats::arm::engine::{Context, Engine};
use crate::formats::arm::value::{
    Fault, Outcome, failed, int, items, others, same, text, whole_object, wrong,
};
use std::sync::Arc;

pub(super) const FUNCTIONS: &[Function] = &[
    function("array", 1, 1, Run::Growing(array)),
    function("concat", 1, MANY, Run::Growing(concat)),
    function("contains", 2, 2, Run::Values(contains)),
    function("createArray", 0, MANY, Run::Growing(|_, ctx, args| list(ctx, args.to_vec()))),
    function("empty", 1, 1, Run::Values(empty)),
    function("first", 1, 1, Run::Values(|e, ctx, args| end(e, ctx, args, true))),
    function("last", 1, 1, Run::Values(|e, ctx, args| end(e, ctx, args, false))),
    function("flatten", 1, 1, Run::Growing(flatten)),
    function("indexOf", 2, 2, Run::Values(|_, ctx, args| whole(ctx, position(args, false)?))),
    function("lastIndexOf", 2, 2, Run::Values(|_, ctx, args| whole(ctx, position(args, true)?))),
    function("indexFromEnd", 2, 2, Run::Values(index_from_end)),
    function("tryIndexFromEnd", 2, MANY, Run::Values(try_index_from_end)),
    function("length", 1, 1, Run::Values(length)),
    function("range", 2, 2, Run::Growing(range)),
    function("skip", 2, 2, Run::Values(|e, ctx, args| part(e, ctx, args, false))),
    function("take", 2, 2, Run::Values(|e, ctx, args| part(e, ctx, args, true))),
];

pub(super) fn list(ctx: &Context, items: Vec<Node>) -> Outcome {
    Ok(ctx.node(Value::Array(Arc::new(items))))
}

fn array(_: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    match &args[0].value {
        Value::Array(_) => Ok(args[0].clone()),
        Value::Unknown(why) => Err(Fault::Unknown(why.clone())),
        _ => list(ctx, vec![args[0].clone()]),
    }
}

/// Joins strings or lists. Numbers are written out, as Azure does when the first argument is a string.
fn concat(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    if args.iter().any(|n| n.as_array().is_some()) {
        let mut out = Vec::new();
        for arg in args {
            let items = items(arg)?;
            engine.spend(items.len())?;
            out.extend_from_slice(items);
        }
        return list(ctx, out);
    }
    let mut out = String::new();
    for arg in args {
        let piece = match &arg.value {
            Value::Number(number) => number.to_string(),
            _ => text(arg)?.to_owned(),
        };
        engine.room(out.len() + piece.len())?;
        out.push_str(&piece);
    }
    engine.text(ctx, out)
}

fn contains(_: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let wanted = &args[1];
    let found = match &args[0].value {
        Value::String(whole) => match &wanted.value {
            Value::Number(number) => whole.contains(&number.to_string()),
            _ => whole.contains(text(wanted)?),
        },
        Value::Array(items) => any_same(items, wanted)?,
        Value::Object(object) => {
            let key = text(wanted)?;
            match (object.get(key).is_some(), others(object)) {
                (false, Some(why)) => return Err(Fault::Unknown(why.clone())),
                (found, _) => found,
            }
        }
        _ => return wrong(&args[0], "a string, a list or an object"),
    };
    truth(ctx, found)
}

/// Whether a list holds a value; an unknown item leaves it open unless another one is the value.
pub(super) fn any_same(items: &[Node], wanted: &Node) -> Result<bool, Fault> {
    let mut verdict = Ok(false);
    for item in items {
        match same(item, wanted) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(fault) => verdict = Err(fault),
        }
    }
    verdict
}

fn empty(_: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let empty = match &args[0].value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(object) => match others(object) {
            Some(why) if object.len() == 1 => return Err(Fault::Unknown(why.clone())),
            _ => object.is_empty(),
        },
        _ => return wrong(&args[0], "a string, a list or an object"),
    };
    truth(ctx, empty)
}

fn end(engine: &mut Engine<'_>, ctx: &Context, args: &[Node], is_first: bool) -> Outcome {
    match &args[0].value {
        Value::String(text) => {
            let mut chars = text.chars();
            let end = if is_first { chars.next() } else { chars.next_back() };
            engine.text(ctx, end.map(String::from).unwrap_or_default())
        }
        Value::Array(items) => {
            let end = if is_first { items.first() } else { items.last() };
            Ok(end.cloned().unwrap_or_else(|| ctx.node(Value::Null)))
        }
        _ => wrong(&args[0], "a string or a list"),
    }
}

fn flatten(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let mut out = Vec::new();
    for inner in items(&args[0])? {
        let inner = items(inner)?;
        engine.spend(inner.len())?;
        out.extend_from_slice(inner);
    }
    list(ctx, out)
}

/// AZURE: in strings the comparison ignores case, in lists it does not.
fn position(args: &[Node], is_last: bool) -> Result<i64, Fault> {
    let found = match &args[0].value {
        Value::String(whole) => {
            let fold = |s: &str| s.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect::<Vec<_>>();
            let (whole, wanted) = (fold(whole), fold(text(&args[1])?));
            window(&whole, &wanted, is_last)
        }
        Value::Array(items) => {
            let equal: Result<Vec<bool>, Fault> = items.iter().map(|item| same(item, &args[1])).collect();
            let equal = equal?;
            if is_last { equal.iter().rposition(|e| *e) } else { equal.iter().position(|e| *e) }
        }
        _ => return wrong(&args[0], "a string or a list"),
    };
    Ok(found.map_or(-1, |i| i as i64))
}

fn window(whole: &[char], wanted: &[char], is_last: bool) -> Option<usize> {
    let last = whole.len().checked_sub(wanted.len())?;
    let mut starts = 0..=last;
    let fits = |start: &usize| whole[*start..].starts_with(wanted);
    if is_last { starts.rev().find(fits) } else { starts.find(fits) }
}

fn from_end(args: &[Node]) -> Result<Option<Node>, Fault> {
    let (items, index) = (items(&args[0])?, int(&args[1])?);
    let Ok(index) = usize::try_from(index) else { return failed("counts from 1") };
    Ok(items.len().checked_sub(index).filter(|_| index > 0).and_then(|i| items.get(i)).cloned())
}

fn index_from_end(_: &mut Engine<'_>, _: &Context, args: &[Node]) -> Outcome {
    match from_end(args)? {
        Some(node) => Ok(node),
        None => failed(format!("finds no item {} from the end", args[1])),
    }
}

fn try_index_from_end(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let item = from_end(args)?.unwrap_or_else(|| ctx.node(Value::Null));
    follow(engine, ctx, item, &args[2..])
}

fn length(_: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let length = match &args[0].value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(_) => whole_object(&args[0])?.len(),
        _ => return wrong(&args[0], "a string, a list or an object"),
    };
    whole(ctx, length as i64)
}

fn range(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let (start, count) = (int(&args[0])?, int(&args[1])?);
    let most = engine.options().limits.turns;
    let Ok(count) = usize::try_from(count) else { return failed("cannot count down") };
    if count > most {
        return Err(Fault::Limit(format!("`range` makes {count} numbers; {most} is the limit")));
    }
    let numbers = (0..count as i64).map(|i| ctx.node(Value::Number(Number::Int(start.saturating_add(i)))));
    list(ctx, numbers.collect())
}

fn part(engine: &mut Engine<'_>, ctx: &Context, args: &[Node], is_take: bool) -> Outcome {
    let n = usize::try_from(int(&args[1])?).unwrap_or(0);
    match &args[0].value {
        Value::String(text) => {
            let part: String =
                if is_take { text.chars().take(n).collect() } else { text.chars().skip(n).collect() };
            engine.text(ctx, part)
        }
        Value::Array(items) => {
            engine.spend(items.len())?;
            let n = n.min(items.len());
            list(ctx, if is_take { items[..n].to_vec() } else { items[n..].to_vec() })
        }
        _ => wrong(&args[0], "a string or a list"),
    }
}
