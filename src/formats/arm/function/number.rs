//! Numeric functions.

use super::{Function, MANY, Run, function, whole};
use crate::doc::{Node, Number, Value};
use crate::formats::arm::engine::{Context, Engine};
use crate::formats::arm::expression::Expr;
use crate::formats::arm::value::{Fault, Outcome, failed, int, items, wrong};

pub(super) const FUNCTIONS: &[Function] = &[
    function("add", 2, 2, Run::Values(|_, ctx, args| calculate(ctx, args, i64::checked_add))),
    function("sub", 2, 2, Run::Values(|_, ctx, args| calculate(ctx, args, i64::checked_sub))),
    function("mul", 2, 2, Run::Values(|_, ctx, args| calculate(ctx, args, i64::checked_mul))),
    function("div", 2, 2, Run::Values(|_, ctx, args| calculate(ctx, args, i64::checked_div))),
    function("mod", 2, 2, Run::Values(|_, ctx, args| calculate(ctx, args, i64::checked_rem))),
    function("int", 1, 1, Run::Values(to_int)),
    function("float", 1, 1, Run::Values(to_float)),
    function("min", 1, MANY, Run::Values(|_, ctx, args| extreme(ctx, args, i64::min))),
    function("max", 1, MANY, Run::Values(|_, ctx, args| extreme(ctx, args, i64::max))),
    function("copyIndex", 0, 2, Run::Lazy(copy_index)),
];

fn calculate(ctx: &Context, args: &[Node], run: fn(i64, i64) -> Option<i64>) -> Outcome {
    let (a, b) = (int(&args[0])?, int(&args[1])?);
    match run(a, b) {
        Some(value) => whole(ctx, value),
        None if b == 0 => failed("divides by zero"),
        None => failed("leaves the range of whole numbers"),
    }
}

fn to_int(_: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    match &args[0].value {
        Value::Number(Number::Int(value)) => whole(ctx, *value),
        Value::Number(Number::Float(value)) => whole(ctx, *value as i64),
        Value::String(text) => match text.trim().parse() {
            Ok(value) => whole(ctx, value),
            Err(_) => failed(format!("cannot read `{text}` as a whole number")),
        },
        _ => wrong(&args[0], "a string or a number"),
    }
}

fn to_float(_: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let value = match &args[0].value {
        Value::Number(Number::Int(value)) => *value as f64,
        Value::Number(Number::Float(value)) => *value,
        Value::String(text) => match text.trim().parse::<f64>() {
            Ok(value) if value.is_finite() => value,
            _ => return failed(format!("cannot read `{text}` as a number")),
        },
        _ => return wrong(&args[0], "a string or a number"),
    };
    Ok(ctx.node(Value::Number(Number::Float(value))))
}

fn extreme(ctx: &Context, args: &[Node], pick: fn(i64, i64) -> i64) -> Outcome {
    let args = if args.len() == 1 { items(&args[0])? } else { args };
    let mut numbers = args.iter().map(int);
    let Some(first) = numbers.next() else { return failed("needs at least one number") };
    let best = numbers.try_fold(first?, |best, n| Ok::<i64, Fault>(pick(best, n?)))?;
    whole(ctx, best)
}

/// `copyIndex()`, `copyIndex(offset)`, `copyIndex(loop)`, `copyIndex(loop, offset)`.
fn copy_index(engine: &mut Engine<'_>, ctx: &Context, args: &[Expr]) -> Outcome {
    let args = engine.eval_all(args, &ctx.naming(false))?;
    let (name, offset) = match &args[..] {
        [] => (None, 0),
        [one] if one.as_str().is_some() => (one.as_str(), 0),
        [one] => (None, int(one)?),
        [name, offset, ..] => (name.as_str(), int(offset)?),
    };
    let mut loops = Vec::new();
    let mut here = ctx.loops.as_ref();
    while let Some(turn) = here {
        loops.push(turn);
        here = turn.outer.as_ref();
    }
    let found = match name {
        Some(name) => loops.iter().find(|l| l.name.eq_ignore_ascii_case(name)),
        // AZURE: without a name the loop over resources is meant; where there is none, the innermost loop.
        None => loops.iter().find(|l| !l.fills).or_else(|| loops.first()),
    };
    let Some(found) = found else {
        return match name {
            Some(name) => failed(format!("`copyIndex`: there is no loop `{name}` around")),
            None => failed("`copyIndex`: there is no loop around"),
        };
    };
    match &found.turn {
        Ok(turn) => whole(ctx, turn.saturating_add(offset)),
        Err(why) => Err(Fault::Unknown(why.clone())),
    }
}
