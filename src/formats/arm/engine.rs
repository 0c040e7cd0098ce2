//! The evaluator: template values and expressions to values.
//!
//! Input: a template node and the [`Context`] it stands in. Output: a node without expressions, unknown
//! exactly where something is unknown. Owns the budgets: every walk asks it for steps, and it stops
//! everything once they are used up.

use super::deployment::{Instance, Unit};
use super::expression::{self, Access, Call, Expr, Form};
use super::frame::{Cell, Frame};
use super::function;
use super::reference::Target;
use super::value::{Fault, Outcome, failed, others, text};
use super::{Deployment, Options, Stats, stand_in};
use crate::diag::{At, Code, Diagnostic, Diagnostics, DocId, Severity, nearest};
use crate::doc::{Entry, Node, Object, Value};
use hashbrown::{HashMap, HashSet};
use std::collections::{BTreeSet, VecDeque};
use std::hash::BuildHasher;
use std::rc::Rc;
use std::sync::Arc;

/// Values nested more deeply than this are refused, so that no walk over one can exhaust a stack.
const MAX_VALUE_DEPTH: usize = 200;

/// How the reason of a value begins that a deployment could not compute either.
pub(super) const FAILS: &str = "the expression fails: ";

/// Everything one expansion needs.
pub(super) struct Engine<'a> {
    pub(super) options: &'a Options,
    notes: &'a mut Diagnostics,
    said: HashSet<(Code, At, u64)>,
    checked: HashSet<At>,
    parsed: HashMap<Arc<str>, Result<Rc<Expr>, expression::SyntaxError>>,
    pub(super) frames: Vec<Frame>,
    pub(super) units: Vec<Unit>,
    pub(super) instances: Vec<Instance>,
    /// Declared resources by lower-case id.
    pub(super) index: HashMap<String, Vec<usize>, foldhash::fast::FixedState>,
    /// Instances whose names are not computed yet, and units not expanded yet.
    pub(super) unidentified: VecDeque<usize>,
    pub(super) unexpanded: VecDeque<usize>,
    pub(super) said_full: bool,
    /// Whether resources are still being found, and whether some are looked for ahead of their turn.
    pub(super) is_expanding: bool,
    pub(super) is_forcing: bool,
    /// How much was identified when looking ahead last found nothing.
    pub(super) forced_at: usize,
    /// Changes with everything that may change a provisional result.
    pub(super) epoch: u64,
    /// How often an answer may change once everything is expanded.
    doubts: u64,
    /// Diagnostics of computations under way.
    drafts: Vec<(Vec<Diagnostic>, Stats)>,
    pub(super) stats: Stats,
    /// Ends of links to files that were not handed over.
    pub(super) missing_links: BTreeSet<(DocId, Arc<str>)>,
    steps: u64,
    level: usize,
    levels: usize,
}

/// Where an expression stands: what its functions can see.
#[derive(Clone)]
pub(super) struct Context {
    /// The deployment whose parameters and variables are meant.
    pub(super) frame: usize,
    /// The text that is being evaluated; computed values get this place.
    pub(super) at: At,
    /// Whether a readable stand-in is wanted where a part of a name is unknown.
    pub(super) naming: bool,
    /// The copy loops around, innermost first.
    pub(super) loops: Option<Rc<Loop>>,
    /// The lambda variables in force, innermost first.
    pub(super) locals: Option<Rc<Local>>,
    /// Inside a user function, its arguments; they hide the template's parameters.
    pub(super) arguments: Option<Rc<Arguments>>,
}

/// The arguments of a user function by name.
pub(super) type Arguments = Vec<(Arc<str>, Node)>;

/// One turn of a copy loop.
pub(super) struct Loop {
    pub(super) name: Arc<str>,
    /// The turn, or why it is not known.
    pub(super) turn: Result<i64, Arc<str>>,
    /// Whether it fills a property, a variable or an output rather than resources.
    pub(super) fills: bool,
    pub(super) outer: Option<Rc<Loop>>,
}

/// A lambda variable.
pub(super) struct Local {
    pub(super) name: Arc<str>,
    pub(super) value: Node,
    pub(super) outer: Option<Rc<Local>>,
}

impl Context {
    /// The context of a template's own text.
    pub(super) fn of_frame(frame: usize) -> Self {
        Self { frame, at: At::NOWHERE, naming: false, loops: None, locals: None, arguments: None }
    }

    /// The same for text at another place.
    pub(super) fn at(&self, at: At) -> Self {
        Self { at, ..self.clone() }
    }

    /// The same, wanting names or values.
    pub(super) fn naming(&self, naming: bool) -> Self {
        Self { naming, ..self.clone() }
    }

    /// The same within one more loop.
    pub(super) fn in_loop(&self, name: &str, turn: Result<i64, Arc<str>>, fills: bool) -> Self {
        let inner = Loop { name: name.into(), turn, fills, outer: self.loops.clone() };
        Self { loops: Some(Rc::new(inner)), ..self.clone() }
    }

    /// The same with one more lambda variable.
    pub(super) fn with_local(&self, name: &Arc<str>, value: Node) -> Self {
        let inner = Local { name: name.clone(), value, outer: self.locals.clone() };
        Self { locals: Some(Rc::new(inner)), ..self.clone() }
    }

    /// A computed node.
    pub(super) fn node(&self, value: Value) -> Node {
        Node { at: self.at, value }
    }

    /// Tells apart evaluations of the same text in different turns and deployments.
    pub(super) fn identity(&self) -> String {
        let mut out = format!("{}", self.frame);
        let mut here = self.loops.as_deref();
        while let Some(turn) = here {
            out.push_str(&format!(",{}={:?}", turn.name, turn.turn.as_ref().ok()));
            here = turn.outer.as_deref();
        }
        out
    }
}

impl<'a> Engine<'a> {
    /// An evaluator that may recurse this many levels.
    pub(super) fn new(options: &'a Options, notes: &'a mut Diagnostics, levels: usize) -> Self {
        Self {
            options,
            notes,
            said: HashSet::new(),
            checked: HashSet::new(),
            parsed: HashMap::new(),
            frames: Vec::new(),
            units: Vec::new(),
            instances: Vec::new(),
            index: HashMap::default(),
            unidentified: VecDeque::new(),
            unexpanded: VecDeque::new(),
            said_full: false,
            is_expanding: true,
            is_forcing: false,
            forced_at: usize::MAX,
            epoch: 0,
            doubts: 0,
            drafts: Vec::new(),
            stats: Stats::default(),
            missing_links: BTreeSet::new(),
            steps: options.limits.steps,
            level: 0,
            levels,
        }
    }

    /// Expands a template with its parameter files.
    pub(super) fn run(mut self, template: &Node, parameters: &[&Node]) -> Deployment {
        self.check_syntax(template, 0);
        self.deploy(template, parameters)
    }

    // ---- what is said ----

    /// Adds a diagnostic unless the same was said of the same place.
    pub(super) fn note(&mut self, diagnostic: Diagnostic) {
        if self.said.insert(said_key(&diagnostic)) {
            match self.drafts.last_mut() {
                Some((draft, _)) => draft.push(diagnostic),
                None => self.notes.push(diagnostic),
            }
        }
    }

    // ---- what is computed once ----
    //
    // While deployments are being opened, a look-up may miss what comes later, and looking ahead may run into
    // what is just being computed. The result of such an evaluation is provisional: it serves until something
    // new is known, what it said of the template is forgotten, and it is computed again at the end.

    /// Begins a computation that is to be kept; ended by [`Self::end`].
    pub(super) fn begin(&mut self) -> u64 {
        self.drafts.push((Vec::new(), self.stats));
        self.doubts
    }

    /// Ends a computation: what to keep of it.
    pub(super) fn end(&mut self, mark: u64, node: &Node) -> Cell {
        let is_final = self.is_final(mark);
        self.finish(is_final);
        if is_final { Cell::Done(node.clone()) } else { Cell::Draft(node.clone(), self.epoch) }
    }

    /// Whether nothing since `mark` was provisional.
    pub(super) fn is_final(&self, mark: u64) -> bool {
        !self.is_expanding || self.doubts == mark
    }

    /// Says or forgets what the computation had to say.
    pub(super) fn finish(&mut self, is_said: bool) {
        let Some((draft, stats)) = self.drafts.pop() else { return };
        if !is_said {
            self.stats = Stats { deployments: self.stats.deployments, ..stats };
        }
        for diagnostic in draft {
            self.said.remove(&said_key(&diagnostic));
            if is_said {
                self.note(diagnostic);
            }
        }
    }

    /// Begins to use a cell: its value, or nothing when it is to be computed now.
    pub(super) fn open(&mut self, cell: Cell, what: impl FnOnce() -> String) -> Result<Option<Node>, Fault> {
        match cell {
            Cell::Done(node) => Ok(Some(node)),
            Cell::Draft(node, epoch) if epoch == self.epoch => {
                self.doubts += 1;
                Ok(Some(node))
            }
            Cell::New | Cell::Draft(..) => Ok(None),
            Cell::Busy => {
                self.doubts += 1;
                failed(format!("{} depends on itself", what()))
            }
        }
    }

    /// Marks the computations under way as provisional.
    pub(super) fn doubt(&mut self) {
        self.doubts += 1;
    }

    /// An unknown value that begins here, said once for this text.
    pub(super) fn unknown(&mut self, ctx: &Context, severity: Severity, why: impl Into<Arc<str>>) -> Node {
        let why = why.into();
        self.note(Diagnostic::new(Code::UnknownValue, ctx.at, &*why).severity(severity));
        Node::unknown(ctx.at, why)
    }

    /// What a fault leaves in the place of the value, said once for this text.
    pub(super) fn settle(&mut self, outcome: Outcome, ctx: &Context) -> Node {
        match outcome {
            Ok(node) => node,
            Err(Fault::Unknown(why)) => Node::unknown(ctx.at, why),
            Err(Fault::Failed(message)) => {
                self.note(Diagnostic::new(Code::FailedExpression, ctx.at, message.clone()));
                Node::unknown(ctx.at, format!("{FAILS}{message}"))
            }
            Err(Fault::Limit(message)) => {
                self.limit(ctx.at, &message);
                Node::unknown(ctx.at, message)
            }
        }
    }

    /// Says that a limit was met. The steps are used up for all expressions at once, so that is said once.
    pub(super) fn limit(&mut self, at: At, message: &str) {
        let at = if self.is_exhausted() { At::NOWHERE } else { at };
        self.note(Diagnostic::new(Code::ExpansionLimit, at, message));
    }

    // ---- budgets ----

    /// Takes steps from the budget.
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Fault> {
        self.steps = self.steps.saturating_sub(steps as u64);
        if self.is_exhausted() {
            let steps = self.options.limits.steps;
            return Err(Fault::Limit(format!("the template takes more than {steps} steps to evaluate")));
        }
        Ok(())
    }

    /// Whether nothing may be evaluated any more.
    pub(super) fn is_exhausted(&self) -> bool {
        self.steps == 0
    }

    /// Begins a level of recursion; ended by [`Self::leave`].
    pub(super) fn enter(&mut self) -> Result<(), Fault> {
        self.spend(1)?;
        if self.level >= self.levels {
            let levels = self.levels;
            return Err(Fault::Limit(format!("expressions are nested more than {levels} deep")));
        }
        self.level += 1;
        Ok(())
    }

    /// Ends a level of recursion.
    pub(super) fn leave(&mut self) {
        self.level -= 1;
    }

    /// Passes a value on if it is not too large or too deep.
    pub(super) fn weighed(&mut self, node: Node) -> Outcome {
        let mut left = self.options.limits.values;
        self.weigh_in(&node, &mut left)?;
        Ok(node)
    }

    /// The same for a value that was made just now. What is made may be kept, so it costs more than looking at it:
    /// the steps are what bounds the memory of all values together.
    pub(super) fn made(&mut self, node: Node) -> Outcome {
        let most = self.options.limits.values;
        let mut left = most;
        self.weigh_in(&node, &mut left)?;
        self.spend((most - left) * 5 / 2)?;
        Ok(node)
    }

    /// Takes the values of one part from what is left for the whole.
    pub(super) fn weigh_in(&mut self, node: &Node, left: &mut usize) -> Result<(), Fault> {
        let before = *left;
        let fits = weigh(node, MAX_VALUE_DEPTH, left);
        self.spend((before - *left) / 2)?;
        fits.map_err(Fault::Limit)
    }

    /// A computed string if it is not too long.
    pub(super) fn text(&mut self, ctx: &Context, text: impl Into<Arc<str>>) -> Outcome {
        let text = text.into();
        self.room(text.len())?;
        Ok(ctx.node(Value::String(text)))
    }

    /// Makes sure that a string of this length may be built.
    pub(super) fn room(&mut self, length: usize) -> Result<(), Fault> {
        let most = self.options.limits.text;
        if length > most {
            return Err(Fault::Limit(format!("a computed string is longer than {most} bytes")));
        }
        self.spend(length / 4)
    }

    // ---- template values ----

    /// Evaluates a template value with all expressions inside. What has none is shared, not copied.
    pub(super) fn template(&mut self, node: &Node, ctx: &Context) -> Node {
        self.changed(node, ctx).unwrap_or_else(|| node.clone())
    }

    /// The evaluated value, or nothing if it stays as it is.
    fn changed(&mut self, node: &Node, ctx: &Context) -> Option<Node> {
        if let Err(fault) = self.enter() {
            return Some(self.settle(Err(fault), &ctx.at(node.at)));
        }
        let changed = match &node.value {
            Value::String(text) => self.changed_text(text, node.at, ctx),
            Value::Array(items) => self.changed_array(items, ctx).map(|items| Node::array(node.at, items)),
            Value::Object(object) if property_loops(object).is_some() => {
                Some(self.object_with_loops(object, node.at, ctx))
            }
            Value::Object(object) => self.changed_object(object, ctx).map(|o| Node::object(node.at, o)),
            _ => None,
        };
        self.leave();
        changed
    }

    fn changed_text(&mut self, text: &Arc<str>, at: At, ctx: &Context) -> Option<Node> {
        match expression::form(text) {
            Form::Literal(literal) if literal.len() == text.len() => None,
            Form::Literal(literal) => Some(Node::string(at, literal)),
            Form::Expression(_) => Some(self.expression(text, &ctx.at(at))),
        }
    }

    fn changed_array(&mut self, items: &[Node], ctx: &Context) -> Option<Vec<Node>> {
        let mut out: Option<Vec<Node>> = None;
        for (i, item) in items.iter().enumerate() {
            match (self.changed(item, ctx), &mut out) {
                (Some(new), Some(out)) => out.push(new),
                (Some(new), None) => out = Some(items[..i].iter().cloned().chain([new]).collect()),
                (None, Some(out)) => out.push(item.clone()),
                (None, None) => {}
            }
        }
        out
    }

    fn changed_object(&mut self, object: &Object, ctx: &Context) -> Option<Object> {
        let mut out: Option<Vec<Entry>> = None;
        for (i, entry) in object.iter().enumerate() {
            let key = self.changed_key(entry, ctx);
            let value = self.changed(&entry.value, ctx);
            if out.is_none() && key.is_none() && value.is_none() {
                continue;
            }
            let out = out.get_or_insert_with(|| object.iter().take(i).cloned().collect());
            out.push(Entry {
                key: key.unwrap_or_else(|| entry.key.clone()),
                key_at: entry.key_at,
                value: value.unwrap_or_else(|| entry.value.clone()),
            });
        }
        out.map(|entries| entries.into_iter().collect())
    }

    /// A key that is an expression. One that is unknown keeps a stand-in, so that the value is not lost.
    fn changed_key(&mut self, entry: &Entry, ctx: &Context) -> Option<Arc<str>> {
        match expression::form(&entry.key) {
            Form::Literal(literal) => (literal.len() != entry.key.len()).then(|| literal.into()),
            Form::Expression(_) => {
                let ctx = ctx.at(entry.key_at);
                let key = self.expression(&entry.key, &ctx);
                let key =
                    if key.as_str().is_some() { key } else { self.expression(&entry.key, &ctx.naming(true)) };
                Some(key.as_str().map_or_else(|| "{key}".into(), Arc::from))
            }
        }
    }

    fn object_with_loops(&mut self, object: &Object, at: At, ctx: &Context) -> Node {
        let mut out = Object::new();
        for entry in object.iter() {
            if entry.key.eq_ignore_ascii_case("copy") {
                for one in property_loops(object).into_iter().flatten() {
                    let name = one.get("name").and_then(Node::as_str).unwrap_or_default().to_owned();
                    let filled = self.filled(one, &name, ctx);
                    let filled = self.settle(filled, &ctx.at(one.at));
                    out.set(name, one.at, filled);
                }
                continue;
            }
            let key = self.changed_key(entry, ctx).unwrap_or_else(|| entry.key.clone());
            let value = self.template(&entry.value, ctx);
            out.set(key, entry.key_at, value);
        }
        Node::object(at, out)
    }

    /// The list that a copy loop over `input` gives.
    pub(super) fn filled(&mut self, one: &Node, name: &str, ctx: &Context) -> Outcome {
        let Some(input) = one.get("input") else {
            return failed(format!("the loop `{name}` has no `input`"));
        };
        let count = self.loop_count(one, ctx)?;
        let mut items = Vec::with_capacity(count.min(1024));
        let mut left = self.options.limits.values;
        for turn in 0..count {
            self.spend(1)?;
            let item = self.template(input, &ctx.in_loop(name, Ok(turn as i64), true));
            self.weigh_in(&item, &mut left)?;
            items.push(item);
        }
        self.weighed(Node::array(one.at, items))
    }

    /// How often a copy loop turns.
    pub(super) fn loop_count(&mut self, one: &Node, ctx: &Context) -> Result<usize, Fault> {
        let Some(count) = one.get("count") else { return failed("a copy loop has no `count`") };
        let count = self.template(count, &ctx.naming(false));
        let n = super::value::int(&count)?;
        let most = self.options.limits.turns;
        match usize::try_from(n) {
            Ok(n) if n <= most => Ok(n),
            Ok(n) => Err(Fault::Limit(format!("a copy loop turns {n} times; {most} is the limit"))),
            Err(_) => failed(format!("a copy loop cannot turn {n} times")),
        }
    }

    // ---- expressions ----

    /// Evaluates the text of an expression; `ctx.at` is its place.
    pub(super) fn expression(&mut self, source: &Arc<str>, ctx: &Context) -> Node {
        let parsed = match self.parse(source) {
            Ok(parsed) => parsed,
            Err(error) => {
                self.check_text(source, ctx.at);
                return Node::unknown(ctx.at, format!("the expression cannot be parsed: {}", error.message));
            }
        };
        let outcome = self.eval(&parsed, ctx);
        let node = self.settle(outcome, ctx);
        if !ctx.naming {
            self.stats.expressions += 1;
            let is_unknown = node.why_unknown().is_some();
            *(if is_unknown { &mut self.stats.unknown } else { &mut self.stats.evaluated }) += 1;
        }
        node
    }

    fn parse(&mut self, source: &Arc<str>) -> Result<Rc<Expr>, expression::SyntaxError> {
        if let Some(parsed) = self.parsed.get(source) {
            return parsed.clone();
        }
        let parsed = expression::parse(source).map(Rc::new);
        self.parsed.insert(source.clone(), parsed.clone());
        parsed
    }

    /// Evaluates an expression.
    pub(super) fn eval(&mut self, expr: &Expr, ctx: &Context) -> Outcome {
        self.enter()?;
        let outcome = match expr {
            Expr::Text(text) => Ok(ctx.node(Value::String(text.clone()))),
            Expr::Int(value) => Ok(ctx.node(Value::Number(crate::doc::Number::Int(*value)))),
            Expr::Call(call) if ctx.naming && !function::is_transparent(&call.name) => {
                self.call(call, &ctx.naming(false))
            }
            Expr::Call(call) => self.call(call, ctx),
            Expr::Access(access) => self.access(access, ctx),
        };
        self.leave();
        let outcome = match outcome {
            Err(Fault::Unknown(why)) => Ok(Node::unknown(ctx.at, why)),
            other => other,
        };
        if !ctx.naming {
            return outcome;
        }
        match outcome {
            Err(Fault::Limit(message)) => Err(Fault::Limit(message)),
            Ok(node) if node.why_unknown().is_none() => Ok(node),
            // A part of a name that is not known: the text in braces, the same for the same text and turn.
            _ => Ok(ctx.node(Value::String(stand_in::name(&expr.to_string(), &ctx.identity()).into()))),
        }
    }

    /// Evaluates all arguments.
    pub(super) fn eval_all(&mut self, args: &[Expr], ctx: &Context) -> Result<Vec<Node>, Fault> {
        args.iter().map(|arg| self.eval(arg, ctx)).collect()
    }

    fn call(&mut self, call: &Call, ctx: &Context) -> Outcome {
        if call.name.contains('.') {
            return self.call_user(call, ctx);
        }
        let Some(function) = function::find(&call.name) else { return self.unknown_function(call, ctx) };
        function::check_arity(function, call.args.len())?;
        function::run(self, function, call, ctx)
    }

    fn unknown_function(&mut self, call: &Call, ctx: &Context) -> Outcome {
        let name = &call.name;
        let mut note =
            Diagnostic::new(Code::UnknownValue, ctx.at, format!("`{name}` is not a template function"));
        if let Some(near) = nearest(name, function::names()) {
            note = note.help(format!("did you mean `{near}`?"));
        }
        note.at = inside(ctx.at, call.offset as usize, name.len());
        self.note(note.severity(Severity::Error));
        Err(Fault::Unknown(format!("`{name}` is not a template function").into()))
    }

    fn access(&mut self, access: &Access, ctx: &Context) -> Outcome {
        if let Some(output) = self.output_alone(access, ctx)? {
            return Ok(output);
        }
        let base = self.eval(&access.base, ctx)?;
        let key = self.eval(&access.key, &ctx.naming(false))?;
        if base.is_null() && (access.safe || is_safe_chain(&access.base)) {
            return Ok(base);
        }
        match self.step(&base, &key, ctx)? {
            Some(node) => Ok(node),
            None if access.safe => Ok(ctx.node(Value::Null)),
            None => failed(missing(&base, &key)),
        }
    }

    /// `reference(deployment).outputs.name` without the other outputs; nothing for everything else.
    fn output_alone(&mut self, access: &Access, ctx: &Context) -> Result<Option<Node>, Fault> {
        let (Expr::Access(outputs), Expr::Text(name)) = (&access.base, &access.key) else { return Ok(None) };
        let (Expr::Call(call), Expr::Text(key)) = (&outputs.base, &outputs.key) else { return Ok(None) };
        let is_reference = call.name.eq_ignore_ascii_case("reference") && key.eq_ignore_ascii_case("outputs");
        if !is_reference || call.args.len() > 2 {
            return Ok(None);
        }
        let Some(what) = call.args.first() else { return Ok(None) };
        let what = self.eval(what, ctx)?;
        let Some(what) = what.as_str() else { return Ok(None) };
        match self.target(what, ctx)? {
            Target::Declared(instance) => self.output_of(instance, name, ctx),
            Target::Outside(_) => Ok(None),
        }
    }

    /// One step into a value; nothing when the key or index is certainly not there.
    pub(super) fn step(&mut self, base: &Node, key: &Node, ctx: &Context) -> Result<Option<Node>, Fault> {
        match (&base.value, &key.value) {
            (Value::Unknown(why), _) | (_, Value::Unknown(why)) => Err(Fault::Unknown(why.clone())),
            (Value::Object(object), Value::String(key)) => self.property(object, key, ctx),
            (Value::Array(items), Value::Number(crate::doc::Number::Int(i))) => {
                Ok(usize::try_from(*i).ok().and_then(|i| items.get(i)).cloned())
            }
            (Value::Object(_), _) => {
                failed(format!("an object is asked for {}; it has names", key.value.kind()))
            }
            (Value::Array(_), _) => {
                failed(format!("a list is asked for {}; it has numbers", key.value.kind()))
            }
            (other, _) => {
                let key = text(key).map_or_else(|_| key.to_string(), str::to_owned);
                failed(format!("{} has no `{key}`", other.kind()))
            }
        }
    }

    /// A property of an object, known to be there, known not to be there, or unknown.
    fn property(&mut self, object: &Object, key: &str, ctx: &Context) -> Result<Option<Node>, Fault> {
        self.spend(object.len() / 16)?;
        match (object.get(key), others(object)) {
            (Some(node), _) => Ok(Some(node.clone())),
            (None, Some(why)) => {
                let why = format!("{why}: `{key}`");
                Ok(Some(self.unknown(ctx, Severity::Note, why)))
            }
            (None, None) => Ok(None),
        }
    }

    // ---- syntax ----

    /// Says every expression that cannot be parsed, used or not: Azure refuses such a template.
    pub(super) fn check_syntax(&mut self, node: &Node, depth: usize) {
        if depth == 0 && node.at.is_somewhere() && !self.checked.insert(node.at) {
            return;
        }
        if depth > crate::doc::MAX_DEPTH || self.spend(1).is_err() {
            return;
        }
        match &node.value {
            Value::String(text) => self.check_text(text, node.at),
            Value::Array(items) => items.iter().for_each(|item| self.check_syntax(item, depth + 1)),
            Value::Object(object) => {
                for entry in object.iter().filter(|e| !e.key.eq_ignore_ascii_case("metadata")) {
                    self.check_text(&entry.key, entry.key_at);
                    self.check_syntax(&entry.value, depth + 1);
                }
            }
            _ => {}
        }
    }

    fn check_text(&mut self, text: &Arc<str>, at: At) {
        if !matches!(expression::form(text), Form::Expression(_)) {
            return;
        }
        if let Err(error) = self.parse(text) {
            let place = place(at, text, error.offset);
            let message = format!("{}, at character {} of the expression", error.message, error.offset + 1);
            self.note(Diagnostic::new(Code::BadExpression, place, message));
        }
    }
}

fn said_key(diagnostic: &Diagnostic) -> (Code, At, u64) {
    let hash = foldhash::fast::FixedState::default().hash_one(&diagnostic.message);
    (diagnostic.code, diagnostic.at, hash)
}

/// The place of one byte of a string literal. A literal with escapes gives no exact place: its own.
fn place(at: At, text: &str, offset: usize) -> At {
    let written = (at.end - at.start) as usize;
    if written != text.len() + 2 { at } else { inside(at, offset, 1) }
}

/// A part of a string literal, counted after its opening quote.
fn inside(at: At, offset: usize, length: usize) -> At {
    let start = at.start.saturating_add(1).saturating_add(offset as u32);
    let end = start.saturating_add(length as u32);
    if at.is_somewhere() && end < at.end { At { start, end, ..at } } else { at }
}

/// The copy loops of an object that fill its properties.
fn property_loops(object: &Object) -> Option<&[Node]> {
    let loops = object.get("copy")?.as_array()?;
    let is_loop = |n: &Node| ["name", "count", "input"].iter().all(|key| n.get(key).is_some());
    (!loops.is_empty() && loops.iter().all(is_loop)).then_some(loops)
}

fn is_safe_chain(expr: &Expr) -> bool {
    if let Expr::Access(access) = expr { access.safe || is_safe_chain(&access.base) } else { false }
}

fn missing(base: &Node, key: &Node) -> String {
    match &base.value {
        Value::Array(items) => format!("a list of {} has no item {key}", items.len()),
        Value::Object(object) => {
            let key = key.as_str().unwrap_or_default();
            let near = nearest(key, object.iter().map(|e| &*e.key));
            let near = near.map(|n| format!("; the nearest is `{n}`")).unwrap_or_default();
            format!("an object has no property `{key}`{near}")
        }
        other => format!("{} has no parts", other.kind()),
    }
}

/// Counts the values inside against what is left.
fn weigh(node: &Node, depth: usize, left: &mut usize) -> Result<(), String> {
    if depth == 0 {
        return Err(format!("computed values are nested more than {MAX_VALUE_DEPTH} deep"));
    }
    if *left == 0 {
        return Err("a computed value holds too many values".into());
    }
    *left -= 1;
    match &node.value {
        Value::Array(items) => items.iter().try_for_each(|item| weigh(item, depth - 1, left)),
        Value::Object(object) => object.iter().try_for_each(|e| weigh(&e.value, depth - 1, left)),
        _ => Ok(()),
    }
}
