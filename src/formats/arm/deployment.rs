//! Deployments: which resources a template declares, under which ids, in which order.
//!
//! Input: a template and its scope. Output: instances, one for each turn of a copy loop, nested deployments
//! opened as units of their own. Names are evaluated when first needed, because a template may refer to what
//! it declares further down. Implements "Resource iteration", "Conditional deployment", "Child resources",
//! "Linked and nested templates" and "Cross-scope deployments" of Microsoft's ARM template reference.

use super::engine::{Context, Engine, FAILS};
use super::frame::{Cell, Frame, Given, Symbol};
use super::scope::{Scope, extension_scope, n_names, resource_id};
use super::value::{Fault, boolean};
use super::{Deployment, parameter};

use crate::diag::{At, Code, Diagnostic, Severity};
use crate::doc::{Node, Object, Value};
use crate::inventory::ResourceId;
use hashbrown::{HashMap, HashSet};
use std::sync::Arc;

/// The type of deployments.
pub(super) const DEPLOYMENTS: &str = "Microsoft.Resources/deployments";

/// A deployment: the first one, or one within another.
pub(super) struct Unit {
    /// Whose parameters its expressions see.
    pub(super) frame: usize,
    /// What its resources and outputs stand in.
    pub(super) context: Context,
    /// Where its resources go.
    pub(super) scope: Scope,
    /// Its template, or why there is none.
    pub(super) template: Result<Node, Arc<str>>,
    /// Its resources in template order, children after their parents.
    pub(super) instances: Vec<usize>,
    /// The values of its outputs by lower-case name, for values and for names.
    pub(super) outputs: HashMap<(String, bool), Cell>,
    pub(super) uncertain: Option<Arc<str>>,
    level: usize,
    collected: Progress,
    is_expanded: bool,
}

/// How far something is computed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    New,
    Busy,
    Done,
}

/// A resource declaration in one turn of its loop.
pub(super) struct Instance {
    pub(super) declaration: Node,
    pub(super) context: Context,
    pub(super) unit: usize,
    symbol: Option<Arc<str>>,
    parent: Option<usize>,
    /// Why it is not known whether this turn happens.
    uncertain: Option<Arc<str>>,
    pub(super) identity: Identified,
    /// The unit it opens, if it is a deployment.
    pub(super) opens: Option<usize>,
    /// Its evaluated body, see `body`.
    pub(super) body: Cell,
    /// What `reference()` gives for it.
    pub(super) referred: Cell,
}

impl Instance {
    /// Its symbolic name, if it has one.
    pub(super) fn symbol(&self) -> Option<&str> {
        self.symbol.as_deref()
    }
}

/// How far the name of an instance is known.
#[derive(Clone)]
pub(super) enum Identified {
    NotYet,
    Busy,
    /// Its condition is false.
    Absent,
    Done(Identity),
}

/// What an instance is.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) id: ResourceId,
    pub(super) kind: Arc<str>,
    pub(super) name: Arc<str>,
    /// Only mentioned, not deployed.
    pub(super) is_existing: bool,
    pub(super) uncertain: Option<Arc<str>>,
}

impl Engine<'_> {
    /// Expands the first template.
    pub(super) fn deploy(mut self, template: &Node, files: &[&Node]) -> Deployment {
        let scope = self.first_scope(template);
        let given = parameter::given(files, self.options);
        self.check_given(template, &given, files);
        let name = self.options.deployment_name.clone();
        let frame = self.open_frame(Frame::new(name, "".into(), scope.clone(), template.clone(), given));
        let unit = self.open_unit(Unit::new(frame, Context::of_frame(frame), scope, Ok(template.clone()), 0));
        self.frames[frame].unit = unit;
        self.check_values(frame);
        self.expand(unit);
        let mut opened = 0;
        // What was opened ahead of its turn may have left parts for later; units are opened meanwhile.
        while opened < self.units.len() {
            self.expand(opened);
            opened += 1;
        }
        self.is_expanding = false;
        self.epoch += 1;
        self.check_order();
        let (mut resources, instances) = self.emit(unit);
        self.write_once(&mut resources, &instances);
        let outputs = self.output_values(unit);
        self.stats.resources = resources.len();
        Deployment { resources, outputs, stats: self.stats, missing_links: self.missing_links }
    }

    /// The scope that the template's schema states.
    fn first_scope(&self, template: &Node) -> Scope {
        let schema = super::schema(template).unwrap_or_default();
        let options = self.options();
        let subscription = options.subscription_id.clone();
        if schema.contains("subscriptiondeploymenttemplate") {
            Scope::Subscription(subscription)
        } else if schema.contains("managementgroupdeploymenttemplate") {
            Scope::ManagementGroup(options.management_group.clone())
        } else if schema.contains("tenantdeploymenttemplate") {
            Scope::Tenant
        } else {
            Scope::Group(subscription, options.resource_group.clone())
        }
    }

    /// Says which given parameters the template does not declare; Azure refuses them.
    fn check_given(&mut self, template: &Node, given: &HashMap<String, Given>, files: &[&Node]) {
        let declared = template.get("parameters").and_then(Node::as_object);
        let names: Vec<&str> = declared.into_iter().flat_map(Object::iter).map(|e| &*e.key).collect();
        let of_files = files.iter().filter_map(|file| file.get("parameters").or(Some(file))?.as_object());
        let of_files = of_files.flat_map(Object::iter).map(|e| (&*e.key, e.key_at));
        let of_caller = self.options.parameters.keys().map(|name| (name.as_str(), At::NOWHERE));
        for (name, at) in of_files.chain(of_caller).collect::<Vec<_>>() {
            let is_given = given.contains_key(&name.to_lowercase());
            if !is_given || names.iter().any(|n| n.eq_ignore_ascii_case(name)) {
                continue;
            }
            let note =
                Diagnostic::new(Code::NotUnderstood, at, format!("the template has no parameter `{name}`"));
            let near = crate::diag::nearest(name, names.iter().copied());
            self.note(match near {
                Some(near) => note.help(format!("did you mean `{near}`?")),
                None => note,
            });
        }
    }

    pub(super) fn open_unit(&mut self, unit: Unit) -> usize {
        self.units.push(unit);
        self.unexpanded.push_back(self.units.len() - 1);
        self.units.len() - 1
    }

    // ---- expansion ----

    /// Finds all resources of a unit and of the deployments within.
    pub(super) fn expand(&mut self, unit: usize) {
        self.collect(unit);
        let is_collected = self.units[unit].collected == Progress::Done;
        if !is_collected || std::mem::replace(&mut self.units[unit].is_expanded, true) {
            return;
        }
        for instance in self.units[unit].instances.clone() {
            if matches!(self.identify(instance), Identified::NotYet) {
                // Looked for ahead of its turn; it will be tried again.
                self.units[unit].is_expanded = false;
            }
        }
        for instance in self.units[unit].instances.clone() {
            if let Some(inner) = self.instances[instance].opens {
                self.expand(inner);
            }
        }
    }

    /// Lists the declarations of a unit; their names are not computed yet.
    pub(super) fn collect(&mut self, unit: usize) {
        match self.units[unit].collected {
            Progress::New => {}
            Progress::Busy => return self.doubt(),
            Progress::Done => return,
        }
        self.units[unit].collected = Progress::Busy;
        let template = self.units[unit].template.clone();
        let context = self.units[unit].context.clone();
        let mark = self.begin();
        if let Ok(template) = &template {
            self.check_shape(template);
            if let Some(resources) = template.get("resources") {
                self.declare_all(resources, &context, unit, None);
            }
        }
        let is_kept = self.is_final(mark) || !self.is_forcing;
        self.finish(is_kept);
        self.units[unit].collected = Progress::Done;
        if !is_kept {
            self.forget_declarations(unit);
        }
    }

    /// Undoes [`Self::collect`]: a count was not known yet. It will be tried again.
    fn forget_declarations(&mut self, unit: usize) {
        self.units[unit].collected = Progress::New;
        let forgotten: HashSet<usize> = std::mem::take(&mut self.units[unit].instances).into_iter().collect();
        self.unidentified.retain(|instance| !forgotten.contains(instance));
        let frame = self.units[unit].context.frame;
        self.frames[frame].symbols.retain(|_, symbol| {
            symbol.instances.retain(|instance| !forgotten.contains(instance));
            !symbol.instances.is_empty()
        });
    }

    /// Says what is wrong with the parts of a template as such; Azure refuses it then.
    fn check_shape(&mut self, template: &Node) {
        let wrong = |at, message: String| Diagnostic::new(Code::WrongType, at, message);
        match template.get("resources") {
            Some(resources) if !resources.is_null() => {
                if resources.as_object().is_some() && template.get("languageVersion").is_none() {
                    let message = "resources by symbolic name need `languageVersion` `2.0` in the template";
                    self.note(wrong(resources.at, message.into()).severity(Severity::Warning));
                }
            }
            _ => {
                let message = "the template has no `resources`, so it deploys nothing";
                let note = Diagnostic::new(Code::MissingField, template.at, message);
                self.note(note.severity(Severity::Warning));
            }
        }
        for key in ["parameters", "variables", "outputs", "definitions"] {
            let Some(part) = template.get(key).filter(|part| !part.is_null()) else { continue };
            if part.as_object().is_none() && part.why_unknown().is_none() {
                let message = format!("`{key}` of a template is an object, not {}", part.value.kind());
                self.note(wrong(part.at, message));
            }
        }
        let definitions = template.get("definitions").and_then(Node::as_object);
        for entry in definitions.into_iter().flat_map(Object::iter) {
            if parameter::refers_to_itself(template, &entry.value) {
                let message = format!("the type `{}` is defined by itself", entry.key);
                self.note(Diagnostic::new(Code::BadValue, entry.key_at, message));
            }
        }
    }

    fn declare_all(&mut self, resources: &Node, ctx: &Context, unit: usize, parent: Option<usize>) {
        match &resources.value {
            Value::Array(items) => {
                for item in items.iter() {
                    self.declare(item, None, ctx, unit, parent);
                }
            }
            Value::Object(object) => {
                for entry in object.iter() {
                    self.declare(&entry.value, Some(&entry.key), ctx, unit, parent);
                }
            }
            Value::Null => {}
            _ => {
                let message = "the resources of a template are a list or an object";
                self.note(
                    Diagnostic::new(Code::WrongType, resources.at, message).severity(Severity::Warning),
                );
            }
        }
    }

    fn declare(
        &mut self,
        node: &Node,
        symbol: Option<&Arc<str>>,
        ctx: &Context,
        unit: usize,
        parent: Option<usize>,
    ) {
        if node.as_object().is_none() {
            let message = format!("a resource is an object, not {}", node.value.kind());
            self.note(Diagnostic::new(Code::WrongType, node.at, message).severity(Severity::Warning));
            return;
        }
        let copy = node.get("copy").filter(|c| c.as_object().is_some()).cloned();
        if let Some(symbol) = symbol {
            let known = Symbol { instances: Vec::new(), is_loop: copy.is_some() };
            self.frames[ctx.frame].symbols.entry(symbol.to_lowercase()).or_insert(known);
        }
        let Some(copy) = copy else { return self.declare_one(node, symbol, ctx, unit, parent, None) };
        let name = copy.get("name").and_then(Node::as_str).unwrap_or_default().to_owned();
        let at = copy.get("count").map_or(copy.at, |count| count.at);
        match self.loop_count(&copy, ctx) {
            Ok(count) => {
                for turn in 0..count {
                    if self.is_full(node.at) {
                        break;
                    }
                    self.declare_one(
                        node,
                        symbol,
                        &ctx.in_loop(&name, Ok(turn as i64), false),
                        unit,
                        parent,
                        None,
                    );
                }
            }
            Err(Fault::Unknown(why)) => {
                let message = format!("how often this resource is deployed is not known: {why}");
                self.note(Diagnostic::new(Code::ConditionUnknown, at, message));
                let ctx = ctx.in_loop(&name, Err(why.clone()), false);
                self.declare_one(node, symbol, &ctx, unit, parent, Some(why));
            }
            Err(fault) => {
                let is_uncertain = self.units[unit].uncertain.is_some();
                let why = self.uncounted(fault, &ctx.at(at), is_uncertain);
                let ctx = ctx.in_loop(&name, Err(why.clone()), false);
                self.declare_one(node, symbol, &ctx, unit, parent, Some(why));
            }
        }
    }

    /// Says that no deployment can count a loop. Gives why nothing certain can be said of its resource, which is
    /// kept all the same: without it, what it forbids would seem allowed.
    fn uncounted(&mut self, fault: Fault, ctx: &Context, is_uncertain: bool) -> Arc<str> {
        let Fault::Failed(why) = fault else {
            let limited = self.settle(Err(fault), ctx);
            return limited.why_unknown().cloned().unwrap_or_else(|| "its count is not known".into());
        };
        let message = format!("how often this resource is deployed cannot be computed: {why}");
        let severity = if is_uncertain { Severity::Warning } else { Severity::Error };
        let help = "Azure refuses this deployment; what depends on this resource is unknown";
        self.note(
            Diagnostic::new(Code::FailedExpression, ctx.at, message.clone()).severity(severity).help(help),
        );
        message.into()
    }

    fn declare_one(
        &mut self,
        node: &Node,
        symbol: Option<&Arc<str>>,
        ctx: &Context,
        unit: usize,
        parent: Option<usize>,
        uncertain: Option<Arc<str>>,
    ) {
        if self.is_full(node.at) {
            return;
        }
        let uncertain = uncertain.or_else(|| self.units[unit].uncertain.clone());
        let instance = self.instances.len();
        self.instances.push(Instance {
            declaration: node.clone(),
            context: ctx.clone(),
            unit,
            symbol: symbol.cloned(),
            parent,
            uncertain,
            identity: Identified::NotYet,
            opens: None,
            body: Cell::New,
            referred: Cell::New,
        });
        self.units[unit].instances.push(instance);
        self.unidentified.push_back(instance);
        if let Some(symbol) = symbol {
            let symbols = &mut self.frames[ctx.frame].symbols;
            symbols.entry(symbol.to_lowercase()).or_default().instances.push(instance);
        }
        let is_deployment =
            node.get("type").and_then(Node::as_str).is_some_and(|t| t.eq_ignore_ascii_case(DEPLOYMENTS));
        if let (Some(children), false) = (node.get("resources"), is_deployment) {
            self.declare_all(children, ctx, unit, Some(instance));
        }
    }

    /// Whether no more resources may be added; said once.
    fn is_full(&mut self, at: At) -> bool {
        let most = self.options.limits.resources;
        if self.is_exhausted() {
            return true;
        }
        let is_full = self.instances.len() >= most;
        if is_full && !std::mem::replace(&mut self.said_full, true) {
            self.limit(at, &format!("the template expands to more than {most} resources"));
        }
        is_full
    }

    // ---- identity ----

    /// Computes name, id and condition of an instance, and opens it if it is a deployment.
    pub(super) fn identify(&mut self, instance: usize) -> Identified {
        match &self.instances[instance].identity {
            Identified::NotYet => {}
            Identified::Busy => {
                self.doubt();
                return Identified::Busy;
            }
            known => return known.clone(),
        }
        self.instances[instance].identity = Identified::Busy;
        self.epoch += 1;
        let mark = self.begin();
        let identity = self.identity_of(instance);
        let is_kept = self.is_final(mark) || !self.is_forcing;
        self.finish(is_kept);
        if !is_kept {
            self.instances[instance].identity = Identified::NotYet;
            return Identified::NotYet;
        }
        self.epoch += 1;
        self.instances[instance].identity = identity.clone();
        if let Identified::Done(identity) = &identity {
            let key = identity.id.as_str().to_lowercase();
            self.index.entry(key).or_default().push(instance);
            if identity.kind.eq_ignore_ascii_case(DEPLOYMENTS) && !identity.is_existing {
                self.open_deployment(instance, identity);
            }
        }
        identity
    }

    fn identity_of(&mut self, instance: usize) -> Identified {
        let (node, ctx) =
            (self.instances[instance].declaration.clone(), self.instances[instance].context.clone());
        let mut uncertain = self.instances[instance].uncertain.clone();
        match self.condition(&node, &ctx) {
            Ok(true) => {}
            Ok(false) => return Identified::Absent,
            Err(why) => uncertain = Some(why),
        }
        let parent = self.instances[instance].parent.map(|parent| self.identify(parent));
        let parent = match parent {
            Some(Identified::Done(parent)) => Some(parent),
            // AZURE: a condition does not cascade to children, but a child cannot exist without its parent's name.
            Some(_) => return Identified::Absent,
            None => None,
        };
        let mut kind = self.word(&node, "type", &ctx);
        let mut name = match &self.instances[instance].symbol {
            // A resource of an extension such as Microsoft Graph: no Azure id, a version behind the type.
            Some(symbol) if node.get("name").is_none() && kind.contains('@') => {
                kind.truncate(kind.find('@').unwrap_or(kind.len()));
                symbol.to_string()
            }
            _ => {
                let (name, failed) = self.word_or_failure(&node, "name", &ctx);
                if let Some(why) = failed {
                    uncertain = Some(self.nameless(&node, &name, &why, uncertain.is_some()));
                }
                name
            }
        };
        let scope = match &parent {
            Some(parent) => within_parent(parent, &mut kind, &mut name),
            None => self.scope_of(instance, &node, &ctx),
        };
        name = self.fitting_name(&kind, name, node.get("name").map_or(node.at, |n| n.at));
        let is_existing = match node.get("existing").map(|e| self.template(e, &ctx)) {
            Some(existing) => existing.as_bool() == Some(true),
            None => false,
        };
        let id = resource_id(&scope, &kind, &name);
        Identified::Done(Identity { id, kind: kind.into(), name: name.into(), is_existing, uncertain })
    }

    /// Whether a resource or output is deployed, or why that is not known.
    pub(super) fn condition(&mut self, node: &Node, ctx: &Context) -> Result<bool, Arc<str>> {
        let Some(condition) = node.get("condition") else { return Ok(true) };
        let verdict = self.template(condition, &ctx.naming(false));
        let why: Arc<str> = match (boolean(&verdict), verdict.as_str()) {
            (Ok(verdict), _) => return Ok(verdict),
            (_, Some(text)) if text.eq_ignore_ascii_case("true") => return Ok(true),
            (_, Some(text)) if text.eq_ignore_ascii_case("false") => return Ok(false),
            (Err(Fault::Unknown(why)), _) => why,
            _ => format!("a condition is a truth value, not {}", verdict.value.kind()).into(),
        };
        let message = format!("whether this is deployed is not known: {why}");
        self.note(Diagnostic::new(Code::ConditionUnknown, condition.at, message));
        Err(why)
    }

    /// A string property of a resource, with stand-ins for what is unknown in it.
    fn word(&mut self, node: &Node, key: &str, ctx: &Context) -> String {
        self.word_or_failure(node, key, ctx).0
    }

    /// The same, and why it cannot be computed where that is so for every deployment.
    fn word_or_failure(&mut self, node: &Node, key: &str, ctx: &Context) -> (String, Option<Arc<str>>) {
        let Some(written) = node.get(key) else {
            let message = format!("a resource has no `{key}`");
            self.note(Diagnostic::new(Code::MissingField, node.at, message).severity(Severity::Warning));
            return (format!("{{{key}}}"), None);
        };
        let known = self.template(written, &ctx.naming(false));
        match &known.value {
            Value::String(text) => return (text.to_string(), None),
            Value::Number(number) => return (number.to_string(), None),
            _ => {}
        }
        let name = self.template(written, &ctx.naming(true));
        let name = name.as_str().map_or_else(|| format!("{{{key}}}"), str::to_owned);
        let why =
            known.why_unknown().cloned().unwrap_or_else(|| format!("it is {}", known.value.kind()).into());
        if let Some(failure) = why.strip_prefix(FAILS) {
            return (name, Some(failure.into()));
        }
        let message = format!("the {key} of a resource is not known ({why}); it is called `{name}` here");
        self.note(Diagnostic::new(Code::UnknownValue, written.at, message));
        (name, None)
    }

    /// Says that no deployment can compute a name: an error, unless it is not known whether it has to. Gives why
    /// nothing certain can be said of the resource.
    fn nameless(&mut self, node: &Node, name: &str, why: &str, is_uncertain: bool) -> Arc<str> {
        let at = node.get("name").map_or(node.at, |n| n.at);
        let message = format!("the name of a resource cannot be computed: {why}; it is called `{name}` here");
        let note = Diagnostic::new(Code::FailedExpression, at, message);
        let help = "Azure refuses this deployment; what depends on this resource is unknown";
        let severity = if is_uncertain { Severity::Warning } else { Severity::Error };
        self.note(note.severity(severity).help(help));
        format!("its name cannot be computed: {why}").into()
    }

    /// A name with as many parts as its type; a name that does not fit would give a wrong id.
    fn fitting_name(&mut self, kind: &str, name: String, at: At) -> String {
        let (wanted, got) = (n_names(kind), name.split('/').count());
        if wanted == got || wanted == 0 {
            return name;
        }
        let message = format!("the type `{kind}` takes a name of {wanted} parts, `{name}` has {got}");
        self.note(Diagnostic::new(Code::InvalidConfiguration, at, message));
        if got < wanted {
            return format!("{}{name}", "{parent}/".repeat(wanted - got));
        }
        let parts: Vec<&str> = name.split('/').collect();
        let (head, tail) = parts.split_at(wanted - 1);
        let tail = tail.join("-");
        head.iter().copied().chain([&*tail]).collect::<Vec<_>>().join("/")
    }

    /// The id of the scope a resource lives in.
    fn scope_of(&mut self, instance: usize, node: &Node, ctx: &Context) -> String {
        let deployment = self.units[self.instances[instance].unit].scope.clone();
        let is_deployment = self.instances[instance]
            .declaration
            .get("type")
            .and_then(Node::as_str)
            .is_some_and(|t| t.eq_ignore_ascii_case(DEPLOYMENTS));
        if is_deployment {
            return self.target_scope(node, &deployment, ctx).id();
        }
        if node.get("scope").is_some_and(|s| !s.is_null()) {
            let scope = self.word(node, "scope", ctx);
            return extension_scope(&scope, &deployment);
        }
        self.named_scope(node, &deployment, ctx).id()
    }

    /// The scope that `subscriptionId` and `resourceGroup` of a resource name.
    fn named_scope(&mut self, node: &Node, around: &Scope, ctx: &Context) -> Scope {
        let mut part = |key: &str| match node.get(key) {
            Some(value) if !value.is_null() => Some(Arc::<str>::from(self.word(node, key, ctx))),
            _ => None,
        };
        let (subscription, group) = (part("subscriptionId"), part("resourceGroup"));
        let own = self.options.subscription_id.clone();
        let around_id = around.subscription().cloned();
        match (subscription, group) {
            (Some(subscription), Some(group)) => Scope::Group(subscription, group),
            (None, Some(group)) => Scope::Group(around_id.unwrap_or(own), group),
            (Some(subscription), None) => Scope::Subscription(subscription),
            (None, None) => around.clone(),
        }
    }

    /// Where a nested deployment goes.
    fn target_scope(&mut self, node: &Node, around: &Scope, ctx: &Context) -> Scope {
        let Some(written) = node.get("scope").filter(|s| !s.is_null()) else {
            return self.named_scope(node, around, ctx);
        };
        let scope = self.word(node, "scope", ctx);
        Scope::parse(&scope).unwrap_or_else(|| {
            let message = format!("`{scope}` is not a scope that a deployment can have");
            self.note(Diagnostic::new(Code::BadValue, written.at, message).severity(Severity::Warning));
            around.clone()
        })
    }

    // ---- nested deployments ----

    fn open_deployment(&mut self, instance: usize, identity: &Identity) {
        let (node, ctx) =
            (self.instances[instance].declaration.clone(), self.instances[instance].context.clone());
        let outer = self.instances[instance].unit;
        let level = self.units[outer].level + 1;
        let scope = self.target_scope(&node, &self.units[outer].scope.clone(), &ctx);
        self.stats.deployments += 1;
        let properties =
            node.get("properties").cloned().unwrap_or_else(|| Node::object(node.at, Object::new()));
        let (template, is_linked) = self.template_of(&properties, &ctx, level);
        let is_outer = !is_linked && !self.is_inner(&properties, &ctx);
        let unit = if is_outer {
            Unit::new(ctx.frame, ctx.clone(), scope, template, level)
        } else {
            let given = self.passed_parameters(&properties, &template, &ctx);
            let label: Arc<str> = match &*self.frames[ctx.frame].label {
                "" => identity.name.clone(),
                around => format!("{around}.{}", identity.name).into(),
            };
            let body = template.clone().unwrap_or_else(|_| Node::object(node.at, Object::new()));
            self.spend_frame(&body);
            let frame = Frame::new(identity.name.clone(), label, scope.clone(), body, given);
            let frame = self.open_frame(frame);
            Unit::new(frame, Context::of_frame(frame), scope, template, level)
        };
        let frame = unit.frame;
        let unit = self.open_unit(Unit { uncertain: identity.uncertain.clone(), ..unit });
        if !is_outer {
            self.frames[frame].unit = unit;
        }
        self.instances[instance].opens = Some(unit);
    }

    /// Opening a frame costs as much as it declares.
    fn spend_frame(&mut self, template: &Node) {
        let sections = ["parameters", "variables", "functions"].map(|key| template.get(key));
        let size = sections.iter().flatten().filter_map(|n| n.as_object()).map(Object::len).sum();
        // The budget says so itself at the next expression.
        let _ = self.spend(size);
    }

    fn is_inner(&mut self, properties: &Node, ctx: &Context) -> bool {
        let Some(scope) = properties.path("expressionEvaluationOptions.scope") else { return false };
        self.template(scope, ctx).as_str().is_some_and(|s| s.eq_ignore_ascii_case("inner"))
    }

    /// The template of a deployment, written inside or linked; whether it is linked.
    fn template_of(
        &mut self,
        properties: &Node,
        ctx: &Context,
        level: usize,
    ) -> (Result<Node, Arc<str>>, bool) {
        let most = self.options.limits.deployments_deep;
        if level > most {
            let message = format!("deployments are nested more than {most} deep");
            self.limit(properties.at, &message);
            return (Err(message.into()), false);
        }
        if let Some(template) = properties.get("template") {
            let template = match &template.value {
                Value::String(_) => self.template(template, ctx),
                _ => template.clone(),
            };
            return match &template.value {
                Value::Object(_) => (Ok(template), false),
                Value::Unknown(why) => (Err(why.clone()), false),
                other => (Err(format!("its template is {}", other.kind()).into()), false),
            };
        }
        match properties.get("templateLink") {
            Some(link) => (self.linked_template(link, ctx), true),
            None => {
                let message = "a deployment has neither `template` nor `templateLink`";
                self.note(
                    Diagnostic::new(Code::MissingField, properties.at, message).severity(Severity::Warning),
                );
                (Err("the deployment has no template".into()), false)
            }
        }
    }

    fn passed_parameters(
        &mut self,
        properties: &Node,
        template: &Result<Node, Arc<str>>,
        ctx: &Context,
    ) -> HashMap<String, Given> {
        let mut out = match properties.get("parametersLink") {
            Some(link) => self.linked_parameters(link, template, ctx),
            None => HashMap::new(),
        };
        let Some(passed) = properties.get("parameters") else { return out };
        match &passed.value {
            Value::Object(object) => {
                for entry in object.iter() {
                    out.insert(entry.key.to_lowercase(), Given::Entry(entry.value.clone(), ctx.clone()));
                }
            }
            _ => {
                let declared =
                    template.as_ref().ok().and_then(|t| t.get("parameters")).and_then(Node::as_object);
                for entry in declared.into_iter().flat_map(Object::iter) {
                    out.insert(entry.key.to_lowercase(), Given::Whole(passed.clone(), ctx.clone()));
                }
            }
        }
        out
    }

    // ---- look-up ----

    /// The declared resource with this id. Deployments not yet opened are opened for it.
    pub(super) fn find(&mut self, id: &str) -> Option<usize> {
        let found = self.found(id);
        if found.is_some() || !self.is_expanding {
            return found;
        }
        if !self.is_forcing && self.forced_at != self.index.len() {
            self.is_forcing = true;
            self.identify_pending();
            if self.found(id).is_none() {
                self.expand_pending();
            }
            self.is_forcing = false;
            self.forced_at = self.index.len();
            self.epoch += 1;
        }
        let found = self.found(id);
        if found.is_none() {
            self.doubt();
        }
        found
    }

    /// The same among those whose names are computed already: the first one that is deployed, else the first
    /// that is mentioned.
    pub(super) fn found(&self, id: &str) -> Option<usize> {
        let found = self.index.get(&ResourceId::new(id).as_str().to_lowercase())?;
        let is_deployed = |i: &&usize| matches!(&self.instances[**i].identity, Identified::Done(identity) if !identity.is_existing);
        found.iter().find(is_deployed).or_else(|| found.first()).copied()
    }

    fn identify_pending(&mut self) {
        for _ in 0..self.unidentified.len() {
            let Some(instance) = self.unidentified.pop_front() else { break };
            if matches!(self.identify(instance), Identified::NotYet | Identified::Busy) {
                self.unidentified.push_back(instance);
            }
        }
    }

    fn expand_pending(&mut self) {
        for _ in 0..self.unexpanded.len() {
            let Some(unit) = self.unexpanded.pop_front() else { break };
            self.expand(unit);
            if !self.units[unit].is_expanded {
                self.unexpanded.push_back(unit);
            }
        }
    }
}

impl Unit {
    fn new(
        frame: usize,
        context: Context,
        scope: Scope,
        template: Result<Node, Arc<str>>,
        level: usize,
    ) -> Self {
        Self {
            frame,
            context,
            scope,
            template,
            instances: Vec::new(),
            outputs: HashMap::new(),
            uncertain: None,
            level,
            collected: Progress::New,
            is_expanded: false,
        }
    }
}

/// Completes the type and name of a child declared inside its parent; gives its scope.
fn within_parent(parent: &Identity, kind: &mut String, name: &mut String) -> String {
    let is_full = kind.len() > parent.kind.len()
        && kind.get(..parent.kind.len()).is_some_and(|head| head.eq_ignore_ascii_case(&parent.kind))
        && kind.as_bytes()[parent.kind.len()] == b'/';
    if !is_full && kind.split('/').next().is_some_and(|first| first.contains('.')) {
        // A full type of another provider: an extension of the parent.
        return parent.id.to_string();
    }
    if !is_full {
        *kind = format!("{}/{kind}", parent.kind);
        *name = format!("{}/{name}", parent.name);
    } else if name.split('/').count() < n_names(kind) {
        *name = format!("{}/{name}", parent.name);
    }
    parent.id.scope().to_owned()
}
