//! Logical functions and comparisons.

use super::{Function, MANY, Run, function, truth};
use crate::doc::{Node, Value};
use crate::formats::arm::engine::{Context, Engine};
use crate::formats::arm::expression::Expr;
use crate::formats::arm::value::{Fault, Outcome, as_float, boolean, failed, same, text, wrong};
use std::cmp::Ordering;

pub(super) const FUNCTIONS: &[Function] = &[
    function("and", 1, MANY, Run::Lazy(|e, ctx, args| connect(e, ctx, args, false))),
    function("or", 1, MANY, Run::Lazy(|e, ctx, args| connect(e, ctx, args, true))),
    function("not", 1, 1, Run::Values(|_, ctx, args| truth(ctx, !boolean(&args[0])?))),
    function("bool", 1, 1, Run::Values(to_bool)),
    function("true", 0, 0, Run::Values(|_, ctx, _| truth(ctx, true))),
    function("false", 0, 0, Run::Values(|_, ctx, _| truth(ctx, false))),
    function("if", 3, 3, Run::Lazy(choose)),
    function("coalesce", 1, MANY, Run::Lazy(coalesce)),
    function("equals", 2, 2, Run::Values(|_, ctx, args| truth(ctx, same(&args[0], &args[1])?))),
    function("less", 2, 2, Run::Values(|_, ctx, args| truth(ctx, order(args)?.is_lt()))),
    function("lessOrEquals", 2, 2, Run::Values(|_, ctx, args| truth(ctx, order(args)?.is_le()))),
    function("greater", 2, 2, Run::Values(|_, ctx, args| truth(ctx, order(args)?.is_gt()))),
    function("greaterOrEquals", 2, 2, Run::Values(|_, ctx, args| truth(ctx, order(args)?.is_ge()))),
];

/// `and` and `or`: the first argument that decides ends it, also past an unknown one.
fn connect(engine: &mut Engine<'_>, ctx: &Context, args: &[Expr], decides: bool) -> Outcome {
    let mut unknown = None;
    for arg in args {
        let value = engine.eval(arg, ctx)?;
        match &value.value {
            Value::Unknown(why) => unknown = unknown.or_else(|| Some(why.clone())),
            Value::Bool(value) if *value == decides => return truth(ctx, decides),
            Value::Bool(_) => {}
            other => return failed(format!("`and` and `or` take truth values, not {}", other.kind())),
        }
    }
    match unknown {
        Some(why) => Err(Fault::Unknown(why)),
        None => truth(ctx, !decides),
    }
}

/// `if`: only the branch that is taken is evaluated.
fn choose(engine: &mut Engine<'_>, ctx: &Context, args: &[Expr]) -> Outcome {
    let condition = engine.eval(&args[0], &ctx.naming(false))?;
    let condition = match &condition.value {
        Value::Bool(value) => *value,
        Value::Unknown(why) => return Err(Fault::Unknown(why.clone())),
        other => return failed(format!("`if` takes a truth value, not {}", other.kind())),
    };
    engine.eval(&args[if condition { 1 } else { 2 }], ctx)
}

fn coalesce(engine: &mut Engine<'_>, ctx: &Context, args: &[Expr]) -> Outcome {
    for arg in args {
        let value = engine.eval(arg, ctx)?;
        if !value.is_null() {
            return Ok(value);
        }
    }
    Ok(ctx.node(Value::Null))
}

fn to_bool(_: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    match &args[0].value {
        Value::Bool(value) => truth(ctx, *value),
        Value::Number(number) => truth(ctx, as_float(*number) != 0.0),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => truth(ctx, true),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => truth(ctx, false),
        Value::String(text) if text.parse::<i64>().is_ok() => truth(ctx, text.parse() != Ok(0)),
        Value::String(text) => failed(format!("cannot read `{text}` as a truth value")),
        _ => wrong(&args[0], "a string or a number"),
    }
}

fn order(args: &[Node]) -> Result<Ordering, Fault> {
    match (&args[0].value, &args[1].value) {
        (Value::Number(a), Value::Number(b)) => {
            as_float(*a).partial_cmp(&as_float(*b)).map_or_else(|| failed("cannot compare these numbers"), Ok)
        }
        (Value::String(a), Value::String(b)) => text_order(a, b),
        (Value::String(_), _) | (Value::Unknown(_), _) => Err(text(&args[1]).err().unwrap_or(mixed())),
        (_, Value::Unknown(why)) => Err(Fault::Unknown(why.clone())),
        _ => Err(mixed()),
    }
    .map_err(|fault| match (&args[0].value, fault) {
        (Value::Unknown(why), _) => Fault::Unknown(why.clone()),
        (_, fault) => fault,
    })
}

fn mixed() -> Fault {
    Fault::Failed("compares two numbers or two strings".into())
}

/// AZURE: strings compare as words do: letters first without case, then lower case before upper case (the
/// documented example: `greater('A', 'a')` is true). How other signs sort is not documented.
fn text_order(a: &str, b: &str) -> Result<Ordering, Fault> {
    let folded = |c: char| c.to_lowercase().next().unwrap_or(c);
    let (mut left, mut right) = (a.chars(), b.chars());
    let mut tie = Ordering::Equal;
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ok(tie),
            (None, Some(_)) => return Ok(Ordering::Less),
            (Some(_), None) => return Ok(Ordering::Greater),
            (Some(x), Some(y)) if folded(x) == folded(y) => {
                // Lower case has the higher code point and sorts first.
                tie = tie.then(y.cmp(&x));
            }
            (Some(x), Some(y)) if x.is_ascii_alphanumeric() && y.is_ascii_alphanumeric() => {
                return Ok(folded(x).cmp(&folded(y)));
            }
            (Some(_), Some(_)) => {
                return Err(Fault::Unknown(
                    format!("how Azure orders `{a}` and `{b}` is not documented").into(),
                ));
            }
        }
    }
}
