//! Lambda functions.

use super::array::list;
use super::object::built;
use super::{Function, MANY, Run, function};
use crate::doc::{Entry, Node, Number, Object, Value};
use crate::formats::arm::engine::{Context, Engine};
use crate::formats::arm::expression::Expr;
use crate::formats::arm::value::{Fault, Outcome, boolean, failed, items, text, whole_object};
use std::sync::Arc;

pub(super) const FUNCTIONS: &[Function] = &[
    function("filter", 2, 2, Run::Lazy(filter)),
    function("map", 2, 2, Run::Lazy(map)),
    function("mapValues", 2, 2, Run::Lazy(map_values)),
    function("reduce", 3, 3, Run::Lazy(reduce)),
    function("sort", 2, 2, Run::Lazy(sort)),
    function("groupBy", 2, 3, Run::Lazy(group_by)),
    function("toObject", 2, 3, Run::Lazy(to_object)),
    function(
        "lambda",
        1,
        MANY,
        Run::Lazy(|_, _, _| failed("`lambda` stands only as an argument of `map` and its kin")),
    ),
    function("lambdaVariables", 1, 1, Run::Values(lambda_variable)),
];

/// A `lambda(...)`: names and the expression.
struct Lambda<'e> {
    names: Vec<Arc<str>>,
    body: &'e Expr,
}

fn lambda(expr: &Expr) -> Result<Lambda<'_>, Fault> {
    let Expr::Call(call) = expr else { return failed("a `lambda` is wanted here") };
    let Some((body, names)) = call.args.split_last().filter(|_| call.name.eq_ignore_ascii_case("lambda"))
    else {
        return failed("a `lambda` is wanted here");
    };
    let names = names.iter().map(|name| match name {
        Expr::Text(name) => Ok(name.clone()),
        _ => failed("the variables of a `lambda` are named by strings"),
    });
    Ok(Lambda { names: names.collect::<Result<_, _>>()?, body })
}

impl Lambda<'_> {
    fn run(&self, engine: &mut Engine<'_>, ctx: &Context, values: &[Node]) -> Outcome {
        if self.names.len() > values.len() {
            return failed(format!("a `lambda` takes at most {} variables here", values.len()));
        }
        let pairs = self.names.iter().zip(values);
        let inner = pairs.fold(ctx.clone(), |ctx, (name, value)| ctx.with_local(name, value.clone()));
        engine.eval(self.body, &inner)
    }

    /// Runs with an item and its index.
    fn run_item(&self, engine: &mut Engine<'_>, ctx: &Context, item: &Node, index: usize) -> Outcome {
        let index = ctx.node(Value::Number(Number::Int(index as i64)));
        self.run(engine, ctx, &[item.clone(), index])
    }
}

/// The list that is the first argument.
fn input(engine: &mut Engine<'_>, ctx: &Context, args: &[Expr]) -> Result<Vec<Node>, Fault> {
    let node = engine.eval(&args[0], ctx)?;
    engine.spend(node.as_array().map_or(0, <[Node]>::len))?;
    Ok(items(&node)?.to_vec())
}

fn filter(engine: &mut Engine<'_>, ctx: &Context, args: &[Expr]) -> Outcome {
    let (items, lambda) = (input(engine, ctx, args)?, lambda(&args[1])?);
    let mut out = Vec::new();
    for (i, item) in items.into_iter().enumerate() {
        if boolean(&lambda.run_item(engine, ctx, &item, i)?)? {
            out.push(item);
        }
    }
    list(ctx, out)
}

fn map(engine: &mut Engine<'_>, ctx: &Context, args: &[Expr]) -> Outcome {
    let (items, lambda) = (input(engine, ctx, args)?, lambda(&args[1])?);
    let mut out = Vec::with_capacity(items.len());
    let mut left = engine.options().limits.values;
    for (i, item) in items.iter().enumerate() {
        let made = lambda.run_item(engine, ctx, item, i)?;
        engine.weigh_in(&made, &mut left)?;
        out.push(made);
    }
    let out = list(ctx, out)?;
    engine.weighed(out)
}

fn map_values(engine: &mut Engine<'_>, ctx: &Context, args: &[Expr]) -> Outcome {
    let node = engine.eval(&args[0], ctx)?;
    let lambda = lambda(&args[1])?;
    let mut out = Object::new();
    let mut left = engine.options().limits.values;
    for entry in whole_object(&node)?.iter() {
        let value = lambda.run(engine, ctx, std::slice::from_ref(&entry.value))?;
        engine.weigh_in(&value, &mut left)?;
        out.push(Entry { value, ..entry.clone() });
    }
    let out = built(ctx, out)?;
    engine.weighed(out)
}

fn reduce(engine: &mut Engine<'_>, ctx: &Context, args: &[Expr]) -> Outcome {
    let items = input(engine, ctx, args)?;
    let mut current = engine.eval(&args[1], ctx)?;
    let lambda = lambda(&args[2])?;
    for (i, item) in items.into_iter().enumerate() {
        let index = ctx.node(Value::Number(Number::Int(i as i64)));
        current = lambda.run(engine, ctx, &[current, item, index])?;
    }
    engine.weighed(current)
}

/// A stable merge sort; the predicate says whether its first variable belongs before its second.
fn sort(engine: &mut Engine<'_>, ctx: &Context, args: &[Expr]) -> Outcome {
    let (items, lambda) = (input(engine, ctx, args)?, lambda(&args[1])?);
    let sorted = merge_sort(engine, ctx, &lambda, items)?;
    list(ctx, sorted)
}

fn merge_sort(
    engine: &mut Engine<'_>,
    ctx: &Context,
    lambda: &Lambda<'_>,
    mut items: Vec<Node>,
) -> Result<Vec<Node>, Fault> {
    if items.len() < 2 {
        return Ok(items);
    }
    let right = items.split_off(items.len() / 2);
    let left = merge_sort(engine, ctx, lambda, items)?;
    let right = merge_sort(engine, ctx, lambda, right)?;
    let mut out = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let in_order = boolean(&lambda.run(engine, ctx, &[a.clone(), b.clone()])?)?;
        let is_swapped = !in_order && boolean(&lambda.run(engine, ctx, &[b.clone(), a.clone()])?)?;
        out.extend(if is_swapped { right.next() } else { left.next() });
    }
    out.extend(left);
    out.extend(right);
    Ok(out)
}

/// Runs the key lambda, and the value lambda if there is one.
fn key_and_value(
    engine: &mut Engine<'_>,
    ctx: &Context,
    args: &[Expr],
    item: &Node,
    index: usize,
) -> Result<(String, Node), Fault> {
    let key = lambda(&args[1])?.run_item(engine, ctx, item, index)?;
    let key = text(&key)?.to_owned();
    let value = match args.get(2) {
        Some(value) => lambda(value)?.run_item(engine, ctx, item, index)?,
        None => item.clone(),
    };
    Ok((key, value))
}

fn group_by(engine: &mut Engine<'_>, ctx: &Context, args: &[Expr]) -> Outcome {
    let mut groups: Vec<(String, Vec<Node>)> = Vec::new();
    let mut by_key = hashbrown::HashMap::new();
    for (i, item) in input(engine, ctx, args)?.iter().enumerate() {
        let (key, value) = key_and_value(engine, ctx, args, item, i)?;
        let group = *by_key.entry(key.to_lowercase()).or_insert_with(|| {
            groups.push((key, Vec::new()));
            groups.len() - 1
        });
        groups[group].1.push(value);
    }
    let entries = groups.into_iter().map(|(key, group)| Entry {
        key: key.into(),
        key_at: ctx.at,
        value: Node::array(ctx.at, group),
    });
    let out = built(ctx, entries.collect())?;
    engine.weighed(out)
}

fn to_object(engine: &mut Engine<'_>, ctx: &Context, args: &[Expr]) -> Outcome {
    let mut entries: Vec<Entry> = Vec::new();
    let mut by_key = hashbrown::HashMap::new();
    for (i, item) in input(engine, ctx, args)?.iter().enumerate() {
        let (key, value) = key_and_value(engine, ctx, args, item, i)?;
        match by_key.get(&key.to_lowercase()) {
            Some(at) => {
                let entry: &mut Entry = &mut entries[*at];
                entry.value = value;
            }
            None => {
                by_key.insert(key.to_lowercase(), entries.len());
                entries.push(Entry { key: key.into(), key_at: ctx.at, value });
            }
        }
    }
    let out = built(ctx, entries.into_iter().collect())?;
    engine.weighed(out)
}

fn lambda_variable(_: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let name = text(&args[0])?;
    let mut here = ctx.locals.as_deref();
    while let Some(local) = here {
        if local.name.eq_ignore_ascii_case(name) {
            return Ok(local.value.clone());
        }
        here = local.outer.as_deref();
    }
    failed(format!("finds no lambda variable `{name}`"))
}
