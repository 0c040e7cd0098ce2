//! The template functions: one table, and how a call is run.
//!
//! Input: a call with its arguments. Output: a value. Names are found without regard to case. A function that
//! gets an unknown argument gives an unknown value, unless it can tell without.

mod array;
mod cidr;
mod date;
mod deployment;
mod encode;
mod lambda;
mod logic;
mod number;
mod object;
mod resource;
mod text;

use super::engine::{Context, Engine, FAILS};
use super::expression::{Call, Expr};
use super::value::{Fault, Outcome, failed};
use crate::doc::{Node, Value};
use hashbrown::HashMap;
use std::sync::OnceLock;

/// One function of the template language.
pub(super) struct Function {
    name: &'static str,
    min: usize,
    max: usize,
    run: Run,
}

/// How a function gets its arguments.
#[derive(Clone, Copy)]
enum Run {
    /// Evaluated.
    Values(fn(&mut Engine<'_>, &Context, &[Node]) -> Outcome),
    /// Evaluated, and the result may be larger than the arguments.
    Growing(fn(&mut Engine<'_>, &Context, &[Node]) -> Outcome),
    /// As written, to evaluate only what is needed.
    Lazy(fn(&mut Engine<'_>, &Context, &[Expr]) -> Outcome),
    /// Evaluated, and the result is an id.
    Id(fn(&mut Engine<'_>, &Context, &[Node]) -> Result<String, Fault>),
}

/// Any number of arguments.
const MANY: usize = usize::MAX;

const fn function(name: &'static str, min: usize, max: usize, run: Run) -> Function {
    Function { name, min, max, run }
}

/// Every function, by the page of Microsoft's reference it stands on.
const TABLES: [&[Function]; 11] = [
    array::FUNCTIONS,
    cidr::FUNCTIONS,
    date::FUNCTIONS,
    deployment::FUNCTIONS,
    encode::FUNCTIONS,
    lambda::FUNCTIONS,
    logic::FUNCTIONS,
    number::FUNCTIONS,
    object::FUNCTIONS,
    resource::FUNCTIONS,
    text::FUNCTIONS,
];

fn table() -> &'static HashMap<String, &'static Function> {
    static TABLE: OnceLock<HashMap<String, &'static Function>> = OnceLock::new();
    TABLE.get_or_init(|| {
        TABLES.iter().flat_map(|table| table.iter()).map(|f| (f.name.to_ascii_lowercase(), f)).collect()
    })
}

/// The function with this name. Everything that begins with `list` is one, for each resource type has its own.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    let lower = name.to_ascii_lowercase();
    match table().get(&lower) {
        Some(function) => Some(function),
        None if lower.starts_with("list") => Some(&resource::LIST),
        None => None,
    }
}

/// Every name, in the order of the tables.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TABLES.iter().flat_map(|table| table.iter()).map(|f| f.name)
}

/// Whether a stand-in for an unknown part of a name may pass through this function. The others would compare
/// it or cut it, and the result would look like a name that is known.
pub(super) fn is_transparent(name: &str) -> bool {
    const TRANSPARENT: [&str; 18] = [
        "parameters",
        "variables",
        "concat",
        "format",
        "toLower",
        "toUpper",
        "trim",
        "if",
        "coalesce",
        "createObject",
        "createArray",
        "reference",
        "resourceId",
        "subscriptionResourceId",
        "tenantResourceId",
        "extensionResourceId",
        "managementGroupResourceId",
        "uri",
    ];
    TRANSPARENT.iter().any(|t| t.eq_ignore_ascii_case(name))
}

/// Refuses a call with the wrong number of arguments.
pub(super) fn check_arity(function: &Function, got: usize) -> Result<(), Fault> {
    let Function { name, min, max, .. } = *function;
    if (min..=max).contains(&got) {
        return Ok(());
    }
    let wanted = match max {
        MANY => format!("at least {min}"),
        _ if min == max => format!("{min}"),
        _ => format!("{min} to {max}"),
    };
    failed(format!("`{name}` takes {wanted} arguments, not {got}"))
}

/// Runs a function.
pub(super) fn run(engine: &mut Engine<'_>, function: &Function, call: &Call, ctx: &Context) -> Outcome {
    match function.run {
        Run::Lazy(run) => run(engine, ctx, &call.args),
        Run::Values(run) => {
            let args = engine.eval_all(&call.args, ctx)?;
            charge(engine, function, &args)?;
            named(call, run(engine, ctx, &args))
        }
        Run::Growing(run) => {
            let args = engine.eval_all(&call.args, ctx)?;
            charge(engine, function, &args)?;
            let node = named(call, run(engine, ctx, &args))?;
            engine.made(node)
        }
        Run::Id(run) => id(engine, run, call, ctx),
    }
}

/// Functions that walk through all of their arguments, nested values included.
const DEEP: [&str; 11] = [
    "contains",
    "equals",
    "format",
    "guid",
    "indexOf",
    "intersection",
    "join",
    "lastIndexOf",
    "string",
    "union",
    "uniqueString",
];

/// Takes steps for the size of the arguments.
fn charge(engine: &mut Engine<'_>, function: &Function, args: &[Node]) -> Result<(), Fault> {
    for arg in args {
        let size = match &arg.value {
            Value::Array(items) => items.len() / 8,
            Value::Object(object) => object.len() / 8,
            Value::String(text) => text.len() / 64,
            _ => 0,
        };
        engine.spend(size)?;
        if DEEP.contains(&function.name) && matches!(arg.value, Value::Array(_) | Value::Object(_)) {
            engine.weighed(arg.clone())?;
        }
    }
    Ok(())
}

/// An id. With an unknown part it is known all the same when it is that of a declared resource: whatever the
/// name turns out to be, both mean the same thing. A name that no deployment can compute means nothing.
fn id(
    engine: &mut Engine<'_>,
    run: fn(&mut Engine<'_>, &Context, &[Node]) -> Result<String, Fault>,
    call: &Call,
    ctx: &Context,
) -> Outcome {
    let args = engine.eval_all(&call.args, ctx)?;
    match named(call, run(engine, ctx, &args)) {
        Ok(id) => engine.text(ctx, id),
        Err(Fault::Unknown(why)) if !ctx.naming && !why.starts_with(FAILS) => {
            let args = engine.eval_all(&call.args, &ctx.naming(true))?;
            let id = run(engine, &ctx.naming(true), &args)?;
            if engine.is_declared(&id) { engine.text(ctx, id) } else { Err(Fault::Unknown(why)) }
        }
        Err(fault) => Err(fault),
    }
}

/// Puts the function's name before a failure of its own.
fn named<T>(call: &Call, outcome: Result<T, Fault>) -> Result<T, Fault> {
    outcome.map_err(|fault| match fault {
        Fault::Failed(message) => Fault::Failed(format!("`{}`: {message}", call.name)),
        other => other,
    })
}

/// A truth value as a node.
fn truth(ctx: &Context, value: bool) -> Outcome {
    Ok(ctx.node(Value::Bool(value)))
}

/// A whole number as a node.
fn whole(ctx: &Context, value: i64) -> Outcome {
    Ok(ctx.node(Value::Number(crate::doc::Number::Int(value))))
}

impl Engine<'_> {
    /// Whether an id, or that of the resource it is a part of, is declared.
    fn is_declared(&mut self, id: &str) -> bool {
        let mut here = Some(crate::inventory::ResourceId::new(id));
        while let Some(id) = here {
            if self.find(id.as_str()).is_some() {
                return true;
            }
            here = id.parent();
        }
        false
    }
}

#[cfg(test)]
mod tests;
