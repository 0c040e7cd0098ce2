//! Parameters, variables and user functions of one deployment, evaluated when first asked for.
//!
//! Input: a template and how its parameters were given. Output: values, each computed once; one that depends
//! on itself is an error and not a loop.

use super::engine::{Context, Engine};
use super::expression::Call;
use super::parameter::Facts;
use super::value::{Fault, Outcome, failed};
use super::{Options, scope::Scope, stand_in};
use crate::diag::{At, Code, Diagnostic, nearest};
use crate::doc::{Node, Object, Value};
use hashbrown::HashMap;
use std::rc::Rc;
use std::sync::Arc;

/// What expressions of one deployment can see.
pub(super) struct Frame {
    /// The name of the deployment.
    pub(super) name: Arc<str>,
    /// What tells its stand-ins from those of other deployments; empty for the first.
    pub(super) label: Arc<str>,
    /// Where it is evaluated: what `resourceGroup()` and `resourceId()` mean.
    pub(super) scope: Scope,
    /// Its template.
    pub(super) template: Node,
    parameters: HashMap<String, Parameter>,
    variables: HashMap<String, Variable>,
    functions: HashMap<String, Node>,
    /// The resources by symbolic name: one, or the turns of a loop.
    pub(super) symbols: HashMap<String, Symbol>,
    /// The unit that was opened with this frame.
    pub(super) unit: usize,
}

/// What a symbolic name stands for.
#[derive(Clone, Debug, Default)]
pub(super) struct Symbol {
    pub(super) instances: Vec<usize>,
    pub(super) is_loop: bool,
}

/// A value computed when first asked for.
#[derive(Clone, Default)]
pub(super) enum Cell {
    #[default]
    New,
    Busy,
    /// A provisional value and the epoch it is good for.
    Draft(Node, u64),
    Done(Node),
}

/// How a parameter was given.
#[derive(Clone)]
pub(super) enum Given {
    /// A value as it stands: from a parameter file or the caller.
    Value(Node),
    /// An entry of a deployment's `parameters`, to be evaluated in that deployment's surroundings.
    Entry(Node, Context),
    /// An expression that gives all parameters of a deployment at once.
    Whole(Node, Context),
    /// A reference to a secret.
    Secret(Node),
    /// It may have been given, but where is not known.
    Unknown(Arc<str>),
}

struct Parameter {
    name: Arc<str>,
    definition: Node,
    /// Where its name stands.
    at: At,
    given: Option<Given>,
    cells: [Cell; 2],
}

struct Variable {
    source: Source,
    cells: [Cell; 2],
}

#[derive(Clone)]
enum Source {
    Plain(Node),
    Loop(Node, Arc<str>),
}

impl Frame {
    /// The frame of a template. `given` is looked up by the names the template declares.
    pub(super) fn new(
        name: Arc<str>,
        label: Arc<str>,
        scope: Scope,
        template: Node,
        mut given: HashMap<String, Given>,
    ) -> Self {
        let mut parameters = HashMap::new();
        for entry in template.get("parameters").and_then(Node::as_object).into_iter().flat_map(Object::iter) {
            let key = entry.key.to_lowercase();
            let given = given.remove(&key);
            let parameter = Parameter {
                name: entry.key.clone(),
                definition: entry.value.clone(),
                at: entry.key_at,
                given,
                cells: Default::default(),
            };
            parameters.insert(key, parameter);
        }
        Self {
            name,
            label,
            scope,
            parameters,
            variables: variables(&template),
            functions: functions(&template),
            template,
            symbols: HashMap::new(),
            unit: 0,
        }
    }

    /// The parameters that were given a value as it stands, in the order of their places.
    pub(super) fn given_values(&self) -> Vec<(Facts, Node)> {
        let given = self.parameters.values().filter_map(|parameter| match &parameter.given {
            Some(Given::Value(value)) if !value.is_null() => Some((parameter.facts(), value.clone())),
            _ => None,
        });
        let mut out: Vec<_> = given.collect();
        out.sort_by(|a, b| (a.0.at, &a.0.name).cmp(&(b.0.at, &b.0.name)));
        out
    }
}

impl Parameter {
    fn facts(&self) -> Facts {
        Facts { name: self.name.clone(), at: self.at, definition: self.definition.clone() }
    }
}

fn variables(template: &Node) -> HashMap<String, Variable> {
    let mut out = HashMap::new();
    let mut add = |name: &str, source| {
        out.insert(name.to_lowercase(), Variable { source, cells: Default::default() });
    };
    for entry in template.get("variables").and_then(Node::as_object).into_iter().flat_map(Object::iter) {
        let loops = entry.value.as_array().filter(|_| entry.key.eq_ignore_ascii_case("copy"));
        match loops {
            None => add(&entry.key, Source::Plain(entry.value.clone())),
            Some(loops) => {
                for one in loops {
                    if let Some(name) = one.get("name").and_then(Node::as_str) {
                        add(name, Source::Loop(one.clone(), name.into()));
                    }
                }
            }
        }
    }
    out
}

/// User functions by `namespace.name`.
fn functions(template: &Node) -> HashMap<String, Node> {
    let mut out = HashMap::new();
    for space in template.get("functions").and_then(Node::as_array).into_iter().flatten() {
        let Some(name) = space.get("namespace").and_then(Node::as_str) else { continue };
        for member in space.get("members").and_then(Node::as_object).into_iter().flat_map(Object::iter) {
            out.insert(format!("{name}.{}", member.key).to_lowercase(), member.value.clone());
        }
    }
    out
}

impl Engine<'_> {
    /// Opens a frame.
    pub(super) fn open_frame(&mut self, frame: Frame) -> usize {
        self.frames.push(frame);
        self.frames.len() - 1
    }

    /// `parameters(name)`.
    pub(super) fn parameter(&mut self, name: &str, ctx: &Context) -> Outcome {
        if let Some(arguments) = &ctx.arguments {
            let found = arguments.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
            return match found {
                Some((_, value)) => Ok(value.clone()),
                None => failed(format!("the function has no parameter `{name}`")),
            };
        }
        let (key, slot) = (name.to_lowercase(), usize::from(ctx.naming));
        let Some(parameter) = self.frames[ctx.frame].parameters.get(&key) else {
            let names = self.frames[ctx.frame].parameters.values().map(|p| &*p.name);
            return failed(unknown_name("parameter", name, names));
        };
        let cell = parameter.cells[slot].clone();
        let given = parameter.given.clone();
        let facts = parameter.facts();
        if let Some(node) = self.open(cell, || format!("the parameter `{name}`"))? {
            return Ok(node);
        }
        self.set_parameter(ctx.frame, &key, slot, Cell::Busy);
        let mark = self.begin();
        let node = self.resolve_parameter(&facts, given, ctx);
        let node = self.weighed_or_unknown(node, ctx);
        let cell = self.end(mark, &node);
        self.set_parameter(ctx.frame, &key, slot, cell);
        Ok(node)
    }

    fn set_parameter(&mut self, frame: usize, key: &str, slot: usize, cell: Cell) {
        if let Some(parameter) = self.frames[frame].parameters.get_mut(key) {
            parameter.cells[slot] = cell;
        }
    }

    /// `variables(name)`.
    pub(super) fn variable(&mut self, name: &str, ctx: &Context) -> Outcome {
        if ctx.arguments.is_some() {
            return failed("a user function cannot see variables");
        }
        let (key, slot) = (name.to_lowercase(), usize::from(ctx.naming));
        let Some(variable) = self.frames[ctx.frame].variables.get(&key) else {
            let names = self.frames[ctx.frame].variables.keys().map(|k| &**k);
            return failed(unknown_name("variable", name, names));
        };
        let (cell, source) = (variable.cells[slot].clone(), variable.source.clone());
        if let Some(node) = self.open(cell, || format!("the variable `{name}`"))? {
            return Ok(node);
        }
        self.set_variable(ctx.frame, &key, slot, Cell::Busy);
        let mark = self.begin();
        let inner = Context::of_frame(ctx.frame).naming(ctx.naming);
        let node = match &source {
            Source::Plain(node) => self.template(node, &inner),
            Source::Loop(one, name) => {
                let filled = self.filled(one, name, &inner);
                self.settle(filled, &inner.at(one.at))
            }
        };
        let node = self.weighed_or_unknown(node, ctx);
        let cell = self.end(mark, &node);
        self.set_variable(ctx.frame, &key, slot, cell);
        Ok(node)
    }

    fn set_variable(&mut self, frame: usize, key: &str, slot: usize, cell: Cell) {
        if let Some(variable) = self.frames[frame].variables.get_mut(key) {
            variable.cells[slot] = cell;
        }
    }

    /// The value, or why it is too large to keep.
    pub(super) fn weighed_or_unknown(&mut self, node: Node, ctx: &Context) -> Node {
        let at = node.at;
        let outcome = self.weighed(node);
        self.settle(outcome, &ctx.at(at))
    }

    /// `namespace.name(...)`.
    pub(super) fn call_user(&mut self, call: &Call, ctx: &Context) -> Outcome {
        let functions = &self.frames[ctx.frame].functions;
        let Some(function) = functions.get(&call.name.to_lowercase()).cloned() else {
            let mut names: Vec<&str> = functions.keys().map(|k| &**k).collect();
            names.sort_unstable();
            return failed(unknown_name("function", &call.name, names));
        };
        let values = self.eval_all(&call.args, ctx)?;
        let declared = function.get("parameters").and_then(Node::as_array).unwrap_or_default();
        if declared.len() != values.len() {
            let (wanted, got) = (declared.len(), values.len());
            return failed(format!("`{}` takes {wanted} arguments, not {got}", call.name));
        }
        let named = declared
            .iter()
            .zip(values)
            .filter_map(|(parameter, value)| Some((Arc::from(parameter.get("name")?.as_str()?), value)));
        let arguments: Vec<(Arc<str>, Node)> = named.collect();
        let Some(body) = function.path("output.value") else {
            return failed(format!("the function `{}` has no output", call.name));
        };
        let inner = Context {
            at: ctx.at,
            naming: ctx.naming,
            arguments: Some(Rc::new(arguments)),
            ..Context::of_frame(ctx.frame)
        };
        self.enter()?;
        let node = self.template(body, &inner);
        self.leave();
        match &node.value {
            Value::Unknown(why) => Err(Fault::Unknown(why.clone())),
            _ => self.weighed(node),
        }
    }

    /// What a parameter without any value is.
    pub(super) fn missing_parameter(&mut self, name: &Arc<str>, at: At, ctx: &Context) -> Node {
        let why = format!("the parameter `{name}` has no value");
        let note = Diagnostic::new(Code::UnknownValue, at, why.clone());
        self.note(note.help("give it in a parameter file"));
        self.unknown_parameter(name, at, why.into(), ctx)
    }

    /// An unknown parameter, or its stand-in where a name is wanted.
    pub(super) fn unknown_parameter(&mut self, name: &str, at: At, why: Arc<str>, ctx: &Context) -> Node {
        if !ctx.naming {
            return Node::unknown(at, why);
        }
        let label = &self.frames[ctx.frame].label;
        let name = if label.is_empty() { name.to_owned() } else { format!("{label}.{name}") };
        Node::string(at, stand_in::parameter(&name))
    }

    /// The caller's options.
    pub(super) fn options(&self) -> &Options {
        self.options
    }
}

fn unknown_name<'a>(what: &str, name: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    let near = nearest(name, names).map(|n| format!("; the nearest is `{n}`")).unwrap_or_default();
    format!("the template has no {what} `{name}`{near}")
}
