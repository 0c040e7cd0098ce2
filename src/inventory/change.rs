//! Typed changes to an estate: what a what-if, a variant of a scenario or a change file says.
//!
//! Input: raw resources and [`Change`]s. Output: new raw resources and a [`ChangeLog`] for each thing done; the
//! input stays as it was. A change that fits nothing, or that would have no effect, is an error with the nearest
//! spelling: a change that is silently passed over would make the answer wrong.

mod place;
pub(super) mod property;

use super::{Inside, RawResource, ResourceId, Shape, TableTag, inline_children, normalize};
use crate::diag::{At, Code, Diagnostic, Diagnostics, nearest};
use crate::doc::{Node, Value};
use hashbrown::HashMap;
use place::Place;
use std::fmt;
use std::sync::Arc;

/// What a change is about: the id or name of a resource, `parent/child`, or a part of one such as `nsg/rule`,
/// `routeTable/route`, `zone/record`.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// As written.
    pub text: Arc<str>,
    /// Where it is written.
    pub at: At,
}

/// One change.
#[derive(Clone, Debug)]
pub enum Change {
    /// A new resource.
    Add {
        /// The resource.
        resource: RawResource,
        /// Whether the author said subscription and group (or the id); otherwise it joins the estate's group.
        placed: bool,
    },
    /// New items of a list of a resource: rules, routes, records, subnets, addresses.
    Append {
        /// Which resource.
        target: Target,
        /// Which list.
        list: Target,
        /// The items.
        items: Vec<Node>,
    },
    /// Takes a resource away with its children, or a part of one.
    Remove {
        /// Which.
        target: Target,
        /// Whether references to it go too; otherwise they dangle, and what depends on them is unknown.
        detach: bool,
    },
    /// Sets a property; `null` takes it away.
    Set {
        /// Which resource or part.
        target: Target,
        /// Which property, dotted.
        property: Target,
        /// Its new value, whole.
        value: Node,
    },
}

impl Change {
    /// Where it is written.
    pub fn at(&self) -> At {
        match self {
            Change::Add { resource, .. } => resource.at,
            Change::Append { target, .. } | Change::Remove { target, .. } => target.at,
            Change::Set { property, .. } => property.at,
        }
    }
}

/// What one change did.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeLog {
    /// The change.
    pub at: At,
    /// The resource it touched.
    pub resource: ResourceId,
    /// The part or property of it; empty for the whole.
    pub part: String,
    /// What was done.
    pub did: Did,
}

/// What was done.
#[derive(Clone, Debug, PartialEq)]
pub enum Did {
    /// The resource or part is new.
    Added,
    /// It is gone.
    Removed,
    /// It refers to something removed no longer.
    Detached,
    /// A property has another value.
    Set {
        /// What it was; absent where it was not written.
        before: Option<Node>,
        /// What it is.
        after: Node,
    },
}

impl ChangeLog {
    /// Whether it left everything as it was.
    pub fn is_idle(&self) -> bool {
        match &self.did {
            Did::Set { before: None, after } => matches!(after.value, Value::Null),
            Did::Set { before: Some(before), after } => before.to_string() == after.to_string(),
            Did::Added | Did::Removed | Did::Detached => false,
        }
    }
}

impl fmt::Display for ChangeLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.resource.full_name();
        let dot = if self.part.is_empty() { "" } else { " " };
        match &self.did {
            Did::Added => write!(f, "added `{name}`{dot}{}", self.part),
            Did::Removed => write!(f, "removed `{name}`{dot}{}", self.part),
            Did::Detached => write!(f, "detached `{name}`{dot}{}", self.part),
            Did::Set { before, after } => {
                let before = before.as_ref().map_or("not set".to_owned(), ToString::to_string);
                write!(f, "`{name}` {}: {before} -> {after}", self.part)
            }
        }
    }
}

/// Applies changes one after the other; each sees what those before it did. The order of `raws` does not matter.
pub fn apply(
    raws: &[RawResource],
    changes: &[Change],
    notes: &mut Diagnostics,
) -> (Vec<RawResource>, Vec<ChangeLog>) {
    apply_to(raws.to_vec(), changes, notes)
}

/// The same for resources that nobody else needs.
pub fn apply_to(
    raws: Vec<RawResource>,
    changes: &[Change],
    notes: &mut Diagnostics,
) -> (Vec<RawResource>, Vec<ChangeLog>) {
    if changes.is_empty() {
        return (raws, Vec::new());
    }
    let mut estate = Estate::new(normalize(raws, notes));
    for change in changes {
        match change {
            Change::Add { resource, placed } => estate.add(resource.clone(), *placed, notes),
            Change::Append { target, list, items } => estate.append(target, list, items, notes),
            Change::Remove { target, detach } => estate.remove(target, *detach, notes),
            Change::Set { target, property, value } => estate.set(target, property, value, notes),
        }
    }
    (estate.rows.into_iter().flatten().collect(), estate.log)
}

/// The resources while changes are applied.
struct Estate {
    /// Rows keep their number; a removed one leaves a hole.
    rows: Vec<Option<RawResource>>,
    ids: HashMap<ResourceId, usize>,
    /// By lower-case name and full name.
    names: HashMap<String, Vec<usize>>,
    log: Vec<ChangeLog>,
}

impl Estate {
    fn new(raws: Vec<RawResource>) -> Self {
        let mut estate = Self {
            rows: Vec::with_capacity(raws.len()),
            ids: HashMap::new(),
            names: HashMap::new(),
            log: Vec::new(),
        };
        raws.into_iter().for_each(|raw| estate.push(raw));
        estate
    }

    fn push(&mut self, raw: RawResource) {
        let row = self.rows.len();
        for name in names_of(&raw.id) {
            self.names.entry(name).or_default().push(row);
        }
        self.ids.insert(raw.id.clone(), row);
        self.rows.push(Some(raw));
    }

    fn drop_row(&mut self, row: usize) -> Option<RawResource> {
        let raw = self.rows[row].take()?;
        self.ids.remove(&raw.id);
        for name in names_of(&raw.id) {
            if let Some(rows) = self.names.get_mut(&name) {
                rows.retain(|r| *r != row);
            }
        }
        Some(raw)
    }

    fn raw(&self, row: usize) -> &RawResource {
        self.rows[row].as_ref().expect("INVARIANT: rows found by name or id are not removed")
    }

    fn raw_mut(&mut self, row: usize) -> &mut RawResource {
        self.rows[row].as_mut().expect("INVARIANT: rows found by name or id are not removed")
    }

    fn record(&mut self, at: At, resource: ResourceId, part: impl Into<String>, did: Did) {
        self.log.push(ChangeLog { at, resource, part: part.into(), did });
    }

    fn add(&mut self, mut raw: RawResource, placed: bool, notes: &mut Diagnostics) {
        if !placed {
            raw.id = self.home(&raw.id);
        }
        if let Some(&row) = self.ids.get(&raw.id) {
            let message = format!("`{}` is there already", raw.id.full_name());
            notes.push(
                Diagnostic::new(Code::DuplicateResource, raw.at, message)
                    .severity(crate::diag::Severity::Error)
                    .also(self.raw(row).at, "it is described here")
                    .help("change it with `set`, or add items with `add: {target: NAME, LIST: [...]}`"),
            );
            return;
        }
        self.record(raw.at, raw.id.clone(), "", Did::Added);
        for raw in normalize(vec![raw], notes) {
            self.push(raw);
        }
    }

    /// The id a resource without a stated place gets: under its parent where that is known, else in the
    /// group of the estate if there is only one.
    fn home(&self, id: &ResourceId) -> ResourceId {
        let (kind, full) = (id.kind(), id.full_name());
        if let Some((parent, name)) = full.rsplit_once('/') {
            let (parent_kind, segment) = kind.rsplit_once('/').unwrap_or((&kind, ""));
            let rows = self.names.get(&parent.to_ascii_lowercase()).map_or(&[][..], Vec::as_slice);
            let mut fits = rows.iter().map(|row| &self.raw(*row).id).filter(|id| id.is_kind(parent_kind));
            if let (Some(parent), None) = (fits.next(), fits.next()) {
                return parent.child(segment, name);
            }
        }
        let mut groups = self.rows.iter().flatten().map(|raw| raw.id.scope()).filter(|s| group_of(s));
        match groups.next() {
            Some(first) if groups.all(|g| g.eq_ignore_ascii_case(first)) => {
                ResourceId::under(first, &kind, &full)
            }
            _ => id.clone(),
        }
    }

    fn remove(&mut self, target: &Target, detach: bool, notes: &mut Diagnostics) {
        let Some(place) = place::find(self, target, notes) else { return };
        if !place.steps.is_empty() {
            let id = self.raw(place.row).id.clone();
            let raw = self.raw_mut(place.row);
            raw.body = place::removed(&raw.body, &place.steps);
            self.record(target.at, id, place.label(), Did::Removed);
            return;
        }
        let id = self.raw(place.row).id.clone();
        let inside: Vec<usize> = (0..self.rows.len())
            .filter(|row| self.rows[*row].as_ref().is_some_and(|raw| raw.id.is_within(id.as_str())))
            .collect();
        let gone: Vec<ResourceId> =
            inside.into_iter().filter_map(|row| self.drop_row(row)).map(|raw| raw.id).collect();
        self.record(target.at, id, "", Did::Removed);
        if detach {
            self.detach(target.at, &gone);
        }
    }

    fn detach(&mut self, at: At, gone: &[ResourceId]) {
        let mut done = Vec::new();
        for raw in self.rows.iter_mut().flatten() {
            let Some(shape) = TableTag::of(&raw.id.kind()).shape() else { continue };
            let mut parts = Vec::new();
            if let Some(body) = property::without_references(&raw.body, &shape, gone, &mut parts) {
                raw.body = body;
                done.extend(parts.into_iter().map(|part| (raw.id.clone(), part)));
            }
        }
        for (id, part) in done {
            self.record(at, id, part, Did::Detached);
        }
    }

    fn append(&mut self, target: &Target, list: &Target, items: &[Node], notes: &mut Diagnostics) {
        let Some(place) = place::find(self, target, notes) else { return };
        let value = Node::array(list.at, items.to_vec());
        let Some(list) = self.checked(&place, list, &value, notes) else { return };
        let id = self.raw(place.row).id.clone();
        let field = self.shape_at(&place).and_then(|shape| shape.field(&list.text).cloned());
        if field.is_some_and(|field| !field.list) {
            return notes.push(cannot(&list, &id, "it is no list; use `set`"));
        }
        for item in items {
            let name = item.get("name").and_then(Node::as_str).unwrap_or_default();
            if !name.is_empty() && self.has_part(&place, &list.text, name) {
                let message = format!("`{}` has `{name}` already", id.full_name());
                notes.push(
                    Diagnostic::new(Code::DuplicateResource, item.at, message)
                        .severity(crate::diag::Severity::Error)
                        .help("change it with `set`, or remove it first"),
                );
                return;
            }
        }
        let row = place.row;
        let edit = |node: &Node| property::appended(node, &list.text, list.at, items);
        let raw = self.raw_mut(row);
        match place::edited(&raw.body, &place.steps, edit) {
            Ok(body) => raw.body = body,
            Err(what) => return notes.push(cannot(&list, &id, &what)),
        }
        for (number, item) in items.iter().enumerate() {
            let part = property::item_label(item, number);
            self.record(item.at, id.clone(), format!("{} {part}", list.text), Did::Added);
        }
        self.settle(row, notes);
    }

    /// Whether the list has an item of this name, or the resource a child of this name.
    fn has_part(&self, place: &Place, list: &str, name: &str) -> bool {
        let raw = self.raw(place.row);
        let segment = inline_children(&raw.id.kind()).find(|(p, _)| p.eq_ignore_ascii_case(list));
        if let Some((_, segment)) = segment {
            return self.ids.contains_key(&raw.id.child(segment, name));
        }
        place::node(&raw.body, &place.steps).is_some_and(|node| property::has_item(node, list, name))
    }

    /// Children written inside a changed resource become rows of their own.
    fn settle(&mut self, row: usize, notes: &mut Diagnostics) {
        let kind = self.raw(row).id.kind();
        if inline_children(&kind).next().is_none() {
            return;
        }
        let Some(raw) = self.drop_row(row) else { return };
        for raw in normalize(vec![raw], notes) {
            self.push(raw);
        }
    }

    fn set(&mut self, target: &Target, property: &Target, value: &Node, notes: &mut Diagnostics) {
        let Some(place) = place::find(self, target, notes) else { return };
        let Some(property) = self.checked(&place, property, value, notes) else { return };
        let row = place.row;
        let (id, shape) = (self.raw(row).id.clone(), self.shape_at(&place));
        if place.steps.is_empty() {
            self.drop_children(&id, &property.text);
        }
        let mut before = None;
        // A rule or route that was changed stands where it was changed: that is what decides, and its old line tells
        // another story.
        let part = !place.steps.is_empty();
        let edit = |node: &Node| {
            let edited = property::set(node, shape.as_ref(), &property, value, &mut before)?;
            Ok(if part { Node::new(property.at, edited.value) } else { edited })
        };
        let raw = self.raw_mut(row);
        match place::edited(&raw.body, &place.steps, edit) {
            Ok(body) => raw.body = body,
            Err(what) => return notes.push(cannot(&property, &id, &what)),
        }
        let part = [place.label(), property.text.to_string()].join(" ").trim().to_owned();
        self.record(property.at, id, part, Did::Set { before, after: value.clone() });
        self.settle(row, notes);
    }

    /// A list of children that is set takes the place of those there were.
    fn drop_children(&mut self, id: &ResourceId, property: &str) {
        let kind = id.kind();
        let Some((_, segment)) = inline_children(&kind).find(|(p, _)| p.eq_ignore_ascii_case(property))
        else {
            return;
        };
        let below = format!("{id}/{segment}");
        for row in 0..self.rows.len() {
            if self.rows[row].as_ref().is_some_and(|raw| raw.id.is_within(&below)) {
                self.drop_row(row);
            }
        }
    }

    fn shape_at(&self, place: &Place) -> Option<Shape> {
        let shape = TableTag::of(&self.raw(place.row).id.kind()).shape()?;
        place.steps.iter().try_fold(Inside::Block(shape), place::inside).and_then(|inside| match inside {
            Inside::Block(shape) => Some(shape),
            _ => None,
        })
    }

    /// The property as declared, if setting it can have an effect.
    fn checked(
        &self,
        place: &Place,
        property: &Target,
        value: &Node,
        notes: &mut Diagnostics,
    ) -> Option<Target> {
        let id = &self.raw(place.row).id;
        let Some(shape) = self.shape_at(place) else {
            let message = format!("`{}` is not modelled, so the change has no effect", id.kind());
            notes.push(Diagnostic::new(Code::NotUnderstood, property.at, message));
            return Some(property.clone());
        };
        let bare =
            property.text.strip_prefix("properties.").filter(|_| shape.field(&property.text).is_none());
        let property = Target { text: bare.unwrap_or(&property.text).into(), at: property.at };
        let Err(fault) = property::check(&shape, &property, value, place.steps.is_empty()) else {
            return Some(property);
        };
        let near = nearest(&fault.text, shape.paths());
        let message = format!("`{}` has no property `{}` that decides anything", id.full_name(), fault.text);
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it has {}", shape.paths().collect::<Vec<_>>().join(", ")),
        };
        notes.push(Diagnostic::new(Code::UnknownField, fault.at, message).help(help));
        None
    }
}

/// Whether a scope is a resource group.
fn group_of(scope: &str) -> bool {
    ResourceId::new(scope).is_kind("Microsoft.Resources/resourceGroups")
}

/// The lower-case names a resource is found by.
fn names_of(id: &ResourceId) -> Vec<String> {
    let full = id.full_name().to_ascii_lowercase();
    let short = id.name().to_ascii_lowercase();
    if short == full { vec![full] } else { vec![full, short] }
}

fn cannot(property: &Target, id: &ResourceId, why: &str) -> Diagnostic {
    let message = format!("`{}` of `{}` cannot be changed: {why}", property.text, id.full_name());
    Diagnostic::new(Code::UnknownValue, property.at, message).severity(crate::diag::Severity::Error)
}

#[cfg(test)]
mod tests;
