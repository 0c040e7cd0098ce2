//! Attributes of an instance, put where Azure Resource Manager has them.

use super::document::{AFTER_APPLY, Instance};
use super::mapping::{Absent, Attr};
use super::world::World;
use crate::diag::At;
use crate::doc::{Entry, Node, Object, Value};
use crate::inventory::ResourceId;

/// Why an attribute is unknown that a whole state would hold.
const UNTOLD: &str = "the document does not tell it";

/// Why an attribute is unknown that reflects what other resources set.
const REFLECTS: &str = "it shows what resources of their own had set, and this plan changes those";

/// Where attributes are read from: the instance, or one of its blocks.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) world: &'a World<'a>,
    pub(super) instance: &'a Instance,
    /// The resource that parts belong to.
    pub(super) base: &'a ResourceId,
    /// The attributes.
    pub(super) values: &'a Node,
    /// Their expressions, if the plan has any for this block.
    pub(super) config: Option<&'a Node>,
}

/// What stands at an attribute.
enum Look<'a> {
    /// Nothing: `null`, an empty text, or a block that is not there.
    Nothing,
    /// The attribute does not exist in this document.
    Missing,
    /// A value.
    Known(&'a Node),
    /// A value that only the deployment knows, and its expression.
    Unknown(At, &'a str, Written<'a>),
}

/// Whether somebody wrote an attribute.
enum Written<'a> {
    /// It has this expression.
    Yes(&'a Node),
    /// It has none: Azure decides.
    No,
    /// The document does not tell.
    Unclear,
}

/// What becomes of an attribute.
enum Taken<'a> {
    /// Nothing is set.
    Nothing,
    /// This is set.
    Value(Node),
    /// The value is unknown; its expression may tell more.
    Unknown(At, &'a str, Option<&'a Node>),
}

/// Head and properties of a resource as they are filled.
#[derive(Default)]
pub(super) struct Body {
    /// What stands beside the properties.
    pub(super) head: Object,
    /// The properties.
    pub(super) properties: Object,
}

impl Body {
    /// Sets a value at a dotted path, below the properties or, with a slash in front, beside them. What
    /// is there already stays, unless it is unknown.
    fn set(&mut self, path: &str, value: Node) {
        let (object, path) = match path.strip_prefix('/') {
            Some(path) => (&mut self.head, path),
            None => (&mut self.properties, path),
        };
        set(object, path, value);
    }

    fn get(&self, path: &str) -> Option<&Node> {
        let (head, rest) = path.split_once('.').map_or((path, None), |(h, r)| (h, Some(r)));
        let first = self.properties.get(head)?;
        rest.map_or(Some(first), |rest| first.path(rest))
    }

    /// Appends items to a list.
    fn append(&mut self, path: &str, at: At, items: Vec<Node>) {
        let mut all = self.get(path).and_then(Node::as_array).unwrap_or_default().to_vec();
        all.extend(items);
        replace(&mut self.properties, path, Node::array(at, all));
    }
}

fn set(object: &mut Object, path: &str, value: Node) {
    let there = match path.split_once('.') {
        None => object.get(path),
        Some((head, rest)) => object.get(head).and_then(|h| h.path(rest)),
    };
    if there.is_none_or(|old| old.why_unknown().is_some() && value.why_unknown().is_none()) {
        replace(object, path, value);
    }
}

fn replace(object: &mut Object, path: &str, value: Node) {
    let at = value.at;
    match path.split_once('.') {
        None => drop(object.set(path, at, value)),
        Some((head, rest)) => {
            let mut inner = object.get(head).and_then(Node::as_object).cloned().unwrap_or_default();
            replace(&mut inner, rest, value);
            object.set(head, at, Node::object(at, inner));
        }
    }
}

/// Fills a body with attributes.
pub(super) fn fill(attrs: &[Attr], context: Context<'_>, body: &mut Body) {
    for attr in attrs {
        context.attribute(attr, body);
    }
}

impl<'a> Context<'a> {
    fn attribute(&self, attr: &Attr, body: &mut Body) {
        match *attr {
            Attr::Copy(from, to, absent) => {
                let taken = self.take(from, absent);
                self.put(taken, to, body, |node| Some(node.clone()));
            }
            Attr::Id(from, to, of) => self.one_id(from, to, of, true, body),
            Attr::IdText(from, to, of) => self.one_id(from, to, of, false, body),
            Attr::Ids(from, to, key, of) => self.many_ids(from, to, key, of, body),
            Attr::Each(from, to, key) => self.each(from, to, key, body),
            Attr::Blocks(from, to, attrs) => self.blocks(from, to, attrs, &|_| true, body),
            Attr::One(from, to, attrs) => self.one(from, to, attrs, body),
            Attr::Where(from, flag, wanted, to, attrs) => {
                let fits =
                    |block: &Node| block.get(flag).and_then(Node::as_bool).unwrap_or_default() == wanted;
                self.blocks(from, to, attrs, &fits, body);
            }
            Attr::Children(from, to, attrs) => self.children(from, to, attrs, body),
            Attr::Make(to, attrs) => {
                let mut item = Body::default();
                fill(attrs, *self, &mut item);
                let at = self.values.at;
                body.append(to, at, vec![Node::object(at, item.properties)]);
            }
            Attr::Switch(from, to, yes, no) => {
                let taken = self.take(from, Absent::Default);
                self.put(taken, to, body, |node| {
                    node.as_bool().map(|on| Node::string(node.at, if on { yes } else { no }))
                });
            }
            Attr::Not(from, to) => {
                let taken = self.take(from, Absent::Default);
                self.put(taken, to, body, |node| {
                    node.as_bool().map(|on| Node::new(node.at, Value::Bool(!on)))
                });
            }
            Attr::Const(word, to) => {
                if !word.is_empty() {
                    body.set(to, Node::string(self.values.at, word));
                }
            }
            Attr::Join(from, to) => {
                let taken = self.take(from, Absent::Default);
                self.put(taken, to, body, joined);
            }
            Attr::Part(from, to, segment) => {
                let taken = self.take(from, Absent::Default);
                self.put(taken, to, body, |node| {
                    let id = node.as_str().map(|name| self.base.child(segment, name))?;
                    Some(reference(node.at, id.as_str(), to != "id"))
                });
            }
            Attr::Must(from, to) => {
                if from.split('|').all(|name| matches!(self.look(name), Look::Missing)) {
                    body.set(to, Node::unknown(self.values.at, UNTOLD));
                }
            }
            Attr::Identity => self.identity(body),
        }
    }

    /// Sets what was taken: a value after a change, or the unknown.
    fn put(&self, taken: Taken<'_>, to: &str, body: &mut Body, change: impl Fn(&Node) -> Option<Node>) {
        match taken {
            Taken::Nothing => {}
            Taken::Value(node) if node.is_null() => body.set(to, node),
            Taken::Value(node) if node.has_unknown() && node.as_array().is_none() => body.set(to, node),
            Taken::Value(node) => {
                let unfit = || Node::unknown(node.at, format!("{} was not expected here", node.value.kind()));
                body.set(to, change(&node).unwrap_or_else(unfit));
            }
            Taken::Unknown(at, why, expression) => {
                body.set(
                    to,
                    self.derived(at, expression).unwrap_or_else(|| self.unknown(at, why, expression)),
                );
            }
        }
    }

    fn unknown(&self, at: At, why: &str, expression: Option<&Node>) -> Node {
        Node::unknown(at, self.world.why(why, expression))
    }

    /// What an attribute comes to: names of older versions follow after a bar.
    fn take(&self, from: &str, absent: Absent) -> Taken<'a> {
        let mut missing = true;
        for name in from.split('|') {
            match self.look(name) {
                Look::Missing => {}
                Look::Nothing => missing = false,
                Look::Known(node) if self.is_stale(name) => return Taken::Unknown(node.at, REFLECTS, None),
                Look::Known(node) => return Taken::Value(node.clone()),
                Look::Unknown(at, why, written) => {
                    return match (written, absent) {
                        (Written::Yes(expression), _) => Taken::Unknown(at, why, Some(expression)),
                        (Written::No, Absent::Unknown) => Taken::Unknown(at, why, None),
                        (Written::No, _) | (Written::Unclear, Absent::Assigned) => Taken::Nothing,
                        (Written::Unclear, _) => Taken::Unknown(at, why, None),
                    };
                }
            }
        }
        let untold = absent == Absent::Unknown || (self.instance.data && absent == Absent::Default);
        match (missing && untold, self.instance.data && !missing) {
            (true, _) => Taken::Unknown(self.values.at, UNTOLD, None),
            // A data source that says there is none must not be taken for one that says nothing.
            (false, true) => Taken::Value(Node::new(self.values.at, Value::Null)),
            (false, false) => Taken::Nothing,
        }
    }

    /// Whether a value that nobody wrote shows what other resources had set before the plan.
    fn is_stale(&self, name: &str) -> bool {
        self.expression(name.split('.').next().unwrap_or(name)).is_none()
            && self.world.is_stale(self.instance, self.base, name)
    }

    /// What stands at a dotted path; blocks on the way are lists with one item.
    fn look(&self, path: &str) -> Look<'a> {
        let (mut here, mut config) = (self.values, self.config);
        let mut steps = path.split('.').peekable();
        while let Some(step) = steps.next() {
            let Some(value) = here.get(step) else { return Look::Missing };
            let expression = config.and_then(|c| c.get(step));
            if let Some(why) = value.why_unknown() {
                let written = match (expression, config) {
                    (Some(expression), _) => Written::Yes(expression),
                    (None, Some(_)) => Written::No,
                    (None, None) => Written::Unclear,
                };
                return Look::Unknown(value.at, why, written);
            }
            if steps.peek().is_none() {
                let nothing = value.is_null() || value.as_str() == Some("");
                return if nothing { Look::Nothing } else { Look::Known(value) };
            }
            let inner = value.as_array().map_or(Some(value), |items| items.first());
            let Some(inner) = inner.filter(|i| i.as_object().is_some()) else { return Look::Nothing };
            config = expression.map(|e| e.as_array().and_then(<[Node]>::first).unwrap_or(e));
            here = inner;
        }
        Look::Missing
    }

    fn one_id(&self, from: &str, to: &str, of: &str, wrapped: bool, body: &mut Body) {
        match self.take(from, Absent::Default) {
            Taken::Unknown(at, why, Some(expression)) => {
                let found = self.world.links(expression, self.instance, of);
                let node = match found.as_slice() {
                    [only] => reference(at, only.as_str(), wrapped),
                    _ => self.unknown(at, why, Some(expression)),
                };
                body.set(to, node);
            }
            taken => self.put(taken, to, body, |node| Some(reference(node.at, node.as_str()?, wrapped))),
        }
    }

    fn many_ids(&self, from: &str, to: &str, key: &str, of: &str, body: &mut Body) {
        let wrap = |at: At, id: &str| match key {
            "" => Node::string(at, id),
            key => keyed(at, key, Node::string(at, id)),
        };
        match self.take(from, Absent::Default) {
            Taken::Nothing => {}
            Taken::Value(null) if null.is_null() => body.set(to, null),
            Taken::Value(list) => {
                let items = list.as_array().unwrap_or(std::slice::from_ref(&list));
                let known = items.iter().filter_map(Node::as_str);
                let mut linked = self.missing_ids(from, of, known, items).into_iter();
                let fill = items.iter().map(|item| match item.as_str() {
                    Some(id) => wrap(item.at, id),
                    None => match linked.next() {
                        Some(id) => wrap(item.at, id.as_str()),
                        None => item.clone(),
                    },
                });
                body.append(to, list.at, fill.collect());
            }
            Taken::Unknown(at, why, expression) => {
                let found = expression.map(|e| self.world.links(e, self.instance, of)).unwrap_or_default();
                let more = self.unknown(at, why, expression);
                let items = found.iter().map(|id| wrap(at, id.as_str())).chain([more]);
                body.append(to, at, items.collect());
            }
        }
    }

    /// The ids of the unknown items of a list, if its expression refers to exactly as many resources.
    fn missing_ids<'n>(
        &self,
        from: &str,
        of: &str,
        known: impl Iterator<Item = &'n str>,
        items: &[Node],
    ) -> Vec<ResourceId> {
        let unknown = items.iter().filter(|i| i.why_unknown().is_some()).count();
        if unknown == 0 {
            return Vec::new();
        }
        let known: Vec<ResourceId> = known.map(ResourceId::new).collect();
        let Some(expression) = from.split('|').find_map(|name| self.expression(name)) else {
            return Vec::new();
        };
        let found = self.world.links(expression, self.instance, of);
        let found: Vec<ResourceId> = found.into_iter().filter(|id| !known.contains(id)).collect();
        if found.len() == unknown { found } else { Vec::new() }
    }

    fn expression(&self, path: &str) -> Option<&'a Node> {
        let mut here = self.config?;
        for step in path.split('.') {
            here = here.as_array().and_then(<[Node]>::first).unwrap_or(here).get(step)?;
        }
        Some(here)
    }

    fn each(&self, from: &str, to: &str, key: &str, body: &mut Body) {
        match self.take(from, Absent::Default) {
            Taken::Nothing => {}
            Taken::Value(null) if null.is_null() => body.set(to, null),
            Taken::Value(list) => {
                let texts = match (&list.value, list.as_array()) {
                    (Value::String(text), _) => {
                        text.split(',').map(|t| Node::string(list.at, t.trim())).collect()
                    }
                    (_, items) => items.unwrap_or_default().to_vec(),
                };
                let items = texts.into_iter().map(|text| keyed(text.at, key, text));
                body.append(to, list.at, items.collect());
            }
            Taken::Unknown(at, why, expression) => {
                body.append(to, at, vec![self.unknown(at, why, expression)]);
            }
        }
    }

    fn blocks(&self, from: &str, to: &str, attrs: &[Attr], fits: &dyn Fn(&Node) -> bool, body: &mut Body) {
        match self.take(from, Absent::Default) {
            Taken::Nothing => {}
            Taken::Value(null) if null.is_null() => body.set(to, null),
            Taken::Value(list) => {
                let config = from.split('|').find_map(|name| self.expression(name));
                let all = list.as_array().unwrap_or(std::slice::from_ref(&list));
                let mut items = Vec::with_capacity(all.len());
                for (number, block) in all.iter().enumerate().filter(|(_, block)| fits(block)) {
                    items.push(self.block(block, block_config(config, number, all.len()), attrs));
                }
                if !items.is_empty() || all.is_empty() {
                    body.append(to, list.at, items);
                }
            }
            Taken::Unknown(at, why, expression) => {
                body.append(to, at, vec![self.unknown(at, why, expression)]);
            }
        }
    }

    fn one(&self, from: &str, to: &str, attrs: &[Attr], body: &mut Body) {
        match self.take(from, Absent::Default) {
            Taken::Value(list) => {
                let config = from.split('|').find_map(|name| self.expression(name));
                if let Some(block) = list.as_array().and_then(<[Node]>::first) {
                    body.set(to, self.block(block, block_config(config, 0, 1), attrs));
                }
            }
            taken => self.put(taken, to, body, |node| Some(node.clone())),
        }
    }

    /// A block as an object with its name.
    fn block(&self, block: &Node, config: Option<&Node>, attrs: &[Attr]) -> Node {
        if block.as_object().is_none() {
            return match block.why_unknown() {
                Some(_) => block.clone(),
                None => Node::unknown(block.at, format!("{} where a block belongs", block.value.kind())),
            };
        }
        let mut item = Body::default();
        if let Some(name) = block.get("name").filter(|n| n.as_str().is_some_and(|t| !t.is_empty())) {
            item.properties.set("name", name.at, name.clone());
        }
        fill(attrs, Context { values: block, config, ..*self }, &mut item);
        Node::object(block.at, item.properties)
    }

    /// Blocks that may stand alone as resources: unknown ones are none of them where such resources exist,
    /// and those that stand alone, or did before the plan, are not taken from here a second time.
    fn children(&self, from: &str, to: &str, attrs: &[Attr], body: &mut Body) {
        match self.take(from, Absent::Unknown) {
            Taken::Unknown(_, _, None) if self.world.has_children(self.base, to) => {}
            Taken::Unknown(at, why, expression) => {
                body.set(to, self.unknown(at, why, expression));
            }
            _ => {
                let segment = to.rsplit('.').next().unwrap_or(to);
                let inside = |block: &Node| {
                    let name = block.get("name").and_then(Node::as_str);
                    !name.is_some_and(|name| self.world.stands_alone(&self.base.child(segment, name)))
                };
                self.blocks(from, to, attrs, &inside, body);
            }
        }
    }

    fn identity(&self, body: &mut Body) {
        let mut inner = Body::default();
        let copy = |from, to| Attr::Copy(from, to, Absent::Assigned);
        self.attribute(&copy("identity.type", "type"), &mut inner);
        self.attribute(&copy("identity.principal_id", "principalId"), &mut inner);
        let user = "Microsoft.ManagedIdentity/userAssignedIdentities";
        self.attribute(&Attr::Ids("identity.identity_ids", "userAssignedIdentities", "", user), &mut inner);
        if !inner.properties.is_empty() {
            let at = self.values.at;
            body.head.set("identity", at, Node::object(at, inner.properties));
        }
    }

    /// A text that follows from the known name of the resource it refers to.
    fn derived(&self, at: At, expression: Option<&Node>) -> Option<Node> {
        let found = self.world.references.targets(expression?, self.instance);
        let [target] = found.as_slice() else { return None };
        let other = self.world.all.get(target.instance)?;
        let [attribute] = target.attribute.as_slice() else { return None };
        let name = super::world::text(other, "name")?;
        let rule = DERIVED.iter().find(|(kind, a, _)| other.kind.contains(kind) && *a == attribute.name);
        rule.map(|(.., pattern)| Node::string(at, pattern.replace("{name}", name)))
    }
}

/// Attributes that Azure derives from a resource's name.
const DERIVED: &[(&str, &str, &str)] = &[
    ("azurerm_storage_account", "primary_blob_host", "{name}.blob.core.windows.net"),
    ("azurerm_storage_account", "primary_file_host", "{name}.file.core.windows.net"),
    ("azurerm_storage_account", "primary_dfs_host", "{name}.dfs.core.windows.net"),
    ("_web_app", "default_hostname", "{name}.azurewebsites.net"),
    ("_function_app", "default_hostname", "{name}.azurewebsites.net"),
    ("azurerm_container_registry", "login_server", "{name}.azurecr.io"),
];

/// The expressions of one of several blocks. Blocks made by `dynamic` have none in a plan.
fn block_config(config: Option<&Node>, number: usize, count: usize) -> Option<&Node> {
    let blocks = config?.as_array()?;
    if blocks.len() == count { blocks.get(number) } else { None }
}

fn keyed(at: At, key: &str, value: Node) -> Node {
    let entry = Entry { key: key.into(), key_at: at, value };
    Node::object(at, std::iter::once(entry).collect())
}

fn reference(at: At, id: &str, wrapped: bool) -> Node {
    let text = Node::string(at, id);
    if wrapped { keyed(at, "id", text) } else { text }
}

fn joined(node: &Node) -> Option<Node> {
    let Some(items) = node.as_array() else { return node.as_str().map(|t| Node::string(node.at, t)) };
    if node.has_unknown() {
        return Some(Node::unknown(node.at, AFTER_APPLY));
    }
    let words: Option<Vec<&str>> = items.iter().map(Node::as_str).collect();
    Some(Node::string(node.at, words?.join(", ")))
}
