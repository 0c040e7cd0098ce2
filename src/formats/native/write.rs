//! Writing an estate file from resources of any format.
//!
//! Only what has meaning is written, under Azure's names, flat. Reading the file again gives the same inventory:
//! unknown values stay unknown, uncertain resources uncertain.

use super::{ANY, DEFAULT_GROUP, DEFAULT_SUBSCRIPTION, SERVICES, VERSION};
use crate::diag::{At, Diagnostics};
use crate::doc::{Node, Object, Value, emit_yaml};
use crate::inventory::read::{BESIDE, View, is_around, pick};
use crate::inventory::{
    FieldShape, Inside, Inventory, Origin, RawResource, ResourceId, Shape, TableTag, build, inline_children,
    normalize,
};
use crate::services::service_kind;
use hashbrown::{HashMap, HashSet};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a file is written.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Whether references are written as names where a name says the same; otherwise ids stay as they are.
    pub short_names: bool,
}

/// A written estate file.
#[derive(Clone, Debug)]
pub struct Written {
    /// Its text.
    pub text: String,
    /// How many resources it holds.
    pub resources: usize,
    /// Of those that are modelled, how many have a value that is not known.
    pub with_unknowns: usize,
    /// Types that are not modelled, with the names of their resources.
    pub unmodelled: BTreeMap<String, Vec<String>>,
}

/// Writes an estate file.
pub fn write(raws: &[RawResource], style: Style) -> Written {
    let raws = normalize(raws.to_vec(), &mut Diagnostics::new());
    let inventory = build(raws.clone(), &mut Diagnostics::new());
    let writer = Writer { inventory: &inventory, style, home: home(&raws) };
    let mut unmodelled: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut with_unknowns = 0;
    for raw in &raws {
        let kind = raw.id.kind();
        if TableTag::of(&kind) == TableTag::Unmodelled {
            unmodelled.entry(kind).or_default().push(raw.id.full_name());
        } else {
            with_unknowns += usize::from(raw.body.has_unknown());
        }
    }
    let mut root = Object::new();
    put(&mut root, "netwhy", string(VERSION));
    if (&*writer.home.0, &*writer.home.1) != (DEFAULT_SUBSCRIPTION, DEFAULT_GROUP) {
        let mut defaults = Object::new();
        put(&mut defaults, "subscription", string(&writer.home.0));
        put(&mut defaults, "resourceGroup", string(&writer.home.1));
        put(&mut root, "defaults", Node::object(At::NOWHERE, defaults));
    }
    for (section, items) in writer.sections(&raws) {
        put(&mut root, section, Node::array(At::NOWHERE, items));
    }
    let text = emit_yaml(&Node::object(At::NOWHERE, root));
    Written { text, resources: raws.len(), with_unknowns, unmodelled }
}

/// The subscription and group that most resources share.
fn home(raws: &[RawResource]) -> (Arc<str>, Arc<str>) {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for raw in raws {
        if let (Some(subscription), Some(group)) = (raw.id.subscription(), raw.id.resource_group()) {
            *counts.entry((subscription, group)).or_default() += 1;
        }
    }
    let most = counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)));
    most.map_or((DEFAULT_SUBSCRIPTION.into(), DEFAULT_GROUP.into()), |((s, g), _)| (s.into(), g.into()))
}

struct Writer<'a> {
    inventory: &'a Inventory,
    style: Style,
    home: (Arc<str>, Arc<str>),
}

/// The properties, where nothing is known of any.
fn unknown_properties(body: &Node) -> Option<&Node> {
    body.get("properties").filter(|properties| properties.why_unknown().is_some())
}

/// Whether anything is told of a field; where the properties are not known as a whole, what stands beside them.
fn is_told(body: &Node, field: &FieldShape) -> bool {
    let heads = || field.paths.iter().map(|path| path.split('.').next().unwrap_or(path));
    let beside = |head: &str| BESIDE.iter().any(|key| key.eq_ignore_ascii_case(head));
    unknown_properties(body).is_none()
        || heads().any(|head| beside(head) && body.get(head).is_some_and(|value| !value.is_null()))
}

/// Whether a value says nothing: Azure's own files write an empty text where nothing is set, ours do not.
fn says_nothing(node: &Node, origin: Origin) -> bool {
    origin != Origin::Estate && node.as_str() == Some("")
}

impl Writer<'_> {
    /// Sections in the order of the tables, items sorted by id, children inside their parents where they can be.
    fn sections(&self, raws: &[RawResource]) -> Vec<(&'static str, Vec<Node>)> {
        let nested = nested(raws);
        let inside: HashSet<&ResourceId> = nested.values().flatten().map(|(_, raw)| &raw.id).collect();
        let mut by_section: HashMap<&'static str, Vec<Node>> = HashMap::new();
        for raw in raws.iter().filter(|raw| !inside.contains(&raw.id)) {
            by_section.entry(section_of(&raw.id)).or_default().push(self.item(raw, &nested, false));
        }
        let order = TableTag::ALL.iter().map(|(.., section)| *section);
        let order = order.chain(SERVICES.iter().map(|s| s.section)).chain([ANY]);
        let mut out: Vec<(&'static str, Vec<Node>)> = Vec::new();
        for section in order {
            if let Some(items) = by_section.remove(section) {
                out.push((section, items));
            }
        }
        out
    }

    fn item(&self, raw: &RawResource, nested: &Nested<'_>, inside: bool) -> Node {
        let mut item = Object::new();
        let kind = raw.id.kind();
        self.place(raw, &kind, inside, &mut item);
        if !inside {
            if raw.origin == Origin::Mentioned {
                put(&mut item, "existing", Node::built(Value::Bool(true)));
            }
            if let Some(why) = &raw.uncertain {
                put(&mut item, "uncertain", string(why));
            }
            if let Some(version) = &raw.api_version {
                put(&mut item, "apiVersion", string(version));
            }
        }
        if let Some(shape) = TableTag::of(&kind).shape() {
            let location = FieldShape { paths: &["location"], list: false, inside: Inside::Value };
            let told = |field: &&FieldShape| is_told(&raw.body, field);
            std::iter::once(&location)
                .chain(&shape.fields)
                .filter(told)
                .for_each(|field| self.field(&raw.body, field, raw.origin, &mut item));
            if let Some(unknown) = unknown_properties(&raw.body) {
                put(&mut item, "properties", unknown.clone());
            }
        }
        for (property, child) in nested.get(&raw.id).into_iter().flatten() {
            let child = self.item(child, nested, true);
            let mut list = item.get(property).and_then(Node::as_array).unwrap_or_default().to_vec();
            list.push(child);
            put(&mut item, property, Node::array(At::NOWHERE, list));
        }
        Node::object(At::NOWHERE, item)
    }

    /// Name and group, or the id where they would not give it again as it is spelt.
    fn place(&self, raw: &RawResource, kind: &str, inside: bool, item: &mut Object) {
        if inside {
            put(item, "name", string(raw.id.name()));
            return;
        }
        let section = section_of(&raw.id);
        let wanted = section_kind(section, kind);
        let (subscription, group) = (raw.id.subscription(), raw.id.resource_group());
        let again = subscription.zip(group).and_then(|(subscription, group)| {
            let id = ResourceId::in_group(subscription, group, wanted?, &raw.id.full_name());
            (id.as_str() == raw.id.as_str() && !raw.id.full_name().is_empty())
                .then_some((subscription, group))
        });
        match again {
            Some((subscription, group)) => {
                put(item, "name", string(&raw.id.full_name()));
                if *subscription != *self.home.0 {
                    put(item, "subscription", string(subscription));
                }
                if *group != *self.home.1 {
                    put(item, "resourceGroup", string(group));
                }
            }
            None => put(item, "id", string(raw.id.as_str())),
        }
        if section == ANY {
            put(item, "type", string(kind));
        }
    }

    /// The fields that are read, wherever the body has them.
    fn fields(&self, body: &Node, shape: &Shape, origin: Origin, out: &mut Object) {
        for field in &shape.fields {
            self.field(body, field, origin, out);
        }
    }

    /// A list is gathered from all its spellings; anything else is read from the first that is there.
    fn field(&self, body: &Node, field: &FieldShape, origin: Origin, out: &mut Object) {
        let around = |path: &str, value: &Node| is_around(&View { node: body }, field.paths, path, value);
        for path in field.paths {
            if let Some((head, tail)) = path.split_once(".*.") {
                items(body, head, tail, field, origin, out);
            } else if let Some(value) =
                reach(body, path).filter(|value| !around(path, value) && !says_nothing(value, origin))
            {
                set(out, path, self.value(value, field, origin));
                if !field.list {
                    return;
                }
            }
        }
        // `null` says "nothing", which for a resource only mentioned is not the same as saying nothing.
        let null = |p: &&&str| !p.contains('*') && View { node: body }.writes(&[p]) && get(out, p).is_none();
        if let Some(path) = field.paths.iter().find(null).filter(|_| origin == Origin::Mentioned) {
            set(out, path, Node::built(Value::Null));
        }
    }

    fn value(&self, value: &Node, field: &FieldShape, origin: Origin) -> Node {
        let value = said(value, field.list, origin);
        match value.as_array() {
            Some(items) => {
                let items = items.iter().map(|item| self.one(item, &field.inside, origin));
                Node::array(value.at, items.collect())
            }
            None => self.one(&value, &field.inside, origin),
        }
    }

    fn one(&self, value: &Node, inside: &Inside, origin: Origin) -> Node {
        match inside {
            Inside::Value | Inside::Open => value.clone(),
            Inside::Reference(_) => self.reference(value),
            Inside::Block(shape) => {
                if value.as_object().is_none() {
                    return value.clone();
                }
                let mut object = Object::new();
                if let Some(name) = value.get("name").filter(|name| name.as_str().is_some()) {
                    put(&mut object, "name", name.clone());
                }
                self.fields(value, shape, origin, &mut object);
                Node::object(value.at, object)
            }
        }
    }

    /// A reference as a name where that name means this resource and no other.
    fn reference(&self, node: &Node) -> Node {
        let inner = node.get("id").unwrap_or(node);
        let Some(text) = inner.as_str() else { return node.clone() };
        if self.style.short_names && ResourceId::looks_like_one(text) {
            let id = ResourceId::new(text);
            let name = id.full_name();
            if self.inventory.slot(&id).is_some() && self.inventory.named(&name).len() == 1 {
                return Node::string(inner.at, name);
            }
        }
        inner.clone()
    }
}

/// The items of a list of which only one member is read.
fn items(body: &Node, head: &str, tail: &str, field: &FieldShape, origin: Origin, out: &mut Object) {
    let Some(list) = reach(body, head) else { return };
    let Some(items) = list.as_array() else { return set(out, head, list.clone()) };
    let short = |item: &Node| {
        let inner = item.as_object().and_then(|_| pick(item, tail)).filter(|n| !n.is_null())?;
        if says_nothing(inner, origin) {
            return None;
        }
        let mut object = Object::new();
        set(&mut object, tail, said(inner, field.list, origin));
        Some(Node::object(item.at, object))
    };
    let had = get(out, head).and_then(|n| n.as_array().map(<[Node]>::to_vec)).unwrap_or_default();
    let plain = |item: &&Node| item.as_object().is_none() && had.is_empty() && !says_nothing(item, origin);
    let more = items.iter().filter_map(|item| plain(&item).then(|| item.clone()).or_else(|| short(item)));
    let all: Vec<Node> = had.iter().cloned().chain(more).collect();
    set(out, head, Node::array(list.at, all));
}

/// The value of a field without the items of a list that say nothing.
fn said(value: &Node, list: bool, origin: Origin) -> Node {
    match value.as_array().filter(|_| list) {
        Some(items) => {
            let items = items.iter().filter(|item| !says_nothing(item, origin));
            Node::array(value.at, items.cloned().collect())
        }
        None => value.clone(),
    }
}

/// Children by parent, with the property that holds them.
type Nested<'a> = HashMap<ResourceId, Vec<(&'static str, &'a RawResource)>>;

/// The children that can stand inside their parents: what is said of the parent must hold for them too.
fn nested(raws: &[RawResource]) -> Nested<'_> {
    let by_id: HashMap<&ResourceId, &RawResource> = raws.iter().map(|raw| (&raw.id, raw)).collect();
    let mut nested: Nested<'_> = HashMap::new();
    for raw in raws {
        let Some(parent) = raw.id.parent().and_then(|id| by_id.get(&id).copied()) else { continue };
        let kind = raw.id.kind();
        let segment = kind.rsplit('/').next().unwrap_or_default();
        let property = inline_children(&parent.id.kind()).find(|(_, s)| s.eq_ignore_ascii_case(segment));
        let same = raw.uncertain == parent.uncertain
            && raw.api_version == parent.api_version
            && (raw.origin == Origin::Mentioned) == (parent.origin == Origin::Mentioned);
        // A list of children that is not known stays so, and the children stand alone.
        let free = |property: &str| reach(&parent.body, property).is_none();
        if let (Some((property, _)), true) = (property.filter(|(p, _)| free(p)), same) {
            nested.entry(parent.id.clone()).or_default().push((property, raw));
        }
    }
    nested
}

/// The section a resource stands in.
fn section_of(id: &ResourceId) -> &'static str {
    let kind = id.kind();
    match TableTag::of(&kind) {
        TableTag::Unmodelled => ANY,
        TableTag::PlatformService => service_kind(&kind).map_or(ANY, |service| service.section),
        tag => TableTag::ALL.iter().find(|(t, ..)| *t == tag).map_or(ANY, |(.., section)| section),
    }
}

/// The type that the items of a section have.
fn section_kind<'a>(section: &str, kind: &'a str) -> Option<&'a str> {
    let own = super::section_type(section)?;
    match own {
        Some(own) => own.eq_ignore_ascii_case(kind).then_some(kind),
        None => Some(kind),
    }
}

fn string(text: &str) -> Node {
    Node::string(At::NOWHERE, text)
}

fn put(object: &mut Object, key: &str, value: Node) {
    object.set(key, At::NOWHERE, value);
}

/// The value at a path as the readers find it.
fn reach<'a>(node: &'a Node, path: &str) -> Option<&'a Node> {
    View { node }.get(path)
}

fn get(object: &Object, path: &str) -> Option<Node> {
    let (head, rest) = path.split_once('.').map_or((path, None), |(h, r)| (h, Some(r)));
    let inner = object.get(head)?;
    match rest {
        Some(rest) => inner.path(rest).cloned(),
        None => Some(inner.clone()),
    }
}

/// Sets a dotted path, making objects on the way. What is no object on the way stays: it is unknown, and so is
/// all inside.
fn set(object: &mut Object, path: &str, value: Node) {
    match path.split_once('.') {
        None => put(object, path, value),
        Some((head, _)) if object.get(head).is_some_and(|inner| inner.as_object().is_none()) => {}
        Some((head, rest)) => {
            let mut inner = object.get(head).and_then(Node::as_object).cloned().unwrap_or_default();
            set(&mut inner, rest, value);
            put(object, head, Node::object(At::NOWHERE, inner));
        }
    }
}

#[cfg(test)]
mod tests;
