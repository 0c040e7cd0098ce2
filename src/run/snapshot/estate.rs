//! What was read, in few bytes: every text once, trees as lists of their nodes, children before parents.

use crate::diag::{At, DocId, Sources};
use crate::doc::{Entry, Node, Number, Object, Value};
use crate::inventory::{Origin, RawResource, ResourceId};
use crate::tags::ServiceTags;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Trees deeper than this are in no document that was read.
const DEEPEST: usize = 1_024;

/// A place: document, beginning, length.
type Place = (u32, u32, u32);

#[derive(Serialize, Deserialize)]
struct Resource {
    id: u32,
    at: Place,
    origin: u8,
    uncertain: Option<u32>,
    api_version: Option<u32>,
    /// How many nodes its body has.
    nodes: u32,
}

/// A node of a tree; its children come before it.
#[derive(Serialize, Deserialize)]
enum Part {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(u32),
    Unknown(u32),
    /// So many nodes before it.
    List(u32),
    /// A key for the node before it.
    Key(u32, Place),
    /// So many keyed nodes before it.
    Object(u32),
}

#[derive(Default, Serialize, Deserialize)]
struct Stored {
    texts: Vec<String>,
    resources: Vec<Resource>,
    parts: Vec<(Part, Place)>,
}

const ORIGINS: [Origin; 5] =
    [Origin::Mentioned, Origin::Template, Origin::Deployed, Origin::Planned, Origin::Estate];

/// What is written never fails: everything in it has a form.
fn written(value: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(value).expect("INVARIANT: numbers, texts and lists can be written")
}

/// Writes documents.
pub(super) fn documents(sources: &Sources) -> Vec<u8> {
    let all: Vec<(&str, &str)> = sources.iter().map(|(_, s)| (&*s.name, &*s.text)).collect();
    written(&all)
}

/// Reads them behind those there.
pub(super) fn read_documents(bytes: &[u8], sources: &mut Sources) -> Option<()> {
    let all: Vec<(String, String)> = postcard::from_bytes(bytes).ok()?;
    for (name, text) in all {
        sources.add(name, text);
    }
    Some(())
}

/// Writes service tags.
pub(super) fn tags(tags: &ServiceTags) -> Vec<u8> {
    let all: Vec<(&str, Vec<String>)> = tags
        .iter()
        .map(|id| (tags.name(id), tags.prefixes(id).iter().map(ToString::to_string).collect()))
        .collect();
    written(&(tags.cloud(), tags.change_number(), tags.source_name(), all))
}

/// Reads them.
pub(super) fn read_tags(bytes: &[u8]) -> Option<ServiceTags> {
    type Tag = (String, Vec<String>);
    let (cloud, change, source, all): (String, u64, String, Vec<Tag>) = postcard::from_bytes(bytes).ok()?;
    let tag = |(name, prefixes): Tag| {
        let prefixes = prefixes.iter().map(|p| p.parse().ok()).collect::<Option<Vec<_>>>();
        Some((name.into(), prefixes?))
    };
    let named = all.into_iter().map(tag).collect::<Option<Vec<_>>>()?;
    Some(ServiceTags::of_prefixes(&cloud, change, &source, named))
}

/// Writes resources.
pub(super) fn resources(raws: &[RawResource]) -> Vec<u8> {
    let mut writer = Writer::default();
    for raw in raws {
        let before = writer.stored.parts.len();
        writer.tree(&raw.body);
        let nodes = (writer.stored.parts.len() - before) as u32;
        let origin = ORIGINS.iter().position(|o| *o == raw.origin).unwrap_or_default() as u8;
        let resource = Resource {
            id: writer.text(raw.id.as_str()),
            at: place(raw.at),
            origin,
            uncertain: raw.uncertain.as_deref().map(|text| writer.text(text)),
            api_version: raw.api_version.as_deref().map(|text| writer.text(text)),
            nodes,
        };
        writer.stored.resources.push(resource);
    }
    written(&writer.stored)
}

#[derive(Default)]
struct Writer {
    stored: Stored,
    numbers: HashMap<String, u32>,
}

impl Writer {
    fn text(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.stored.texts.len() as u32;
        self.stored.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }

    fn tree(&mut self, node: &Node) {
        let part = match &node.value {
            Value::Null => Part::Null,
            Value::Bool(value) => Part::Bool(*value),
            Value::Number(Number::Int(value)) => Part::Int(*value),
            Value::Number(Number::Float(value)) => Part::Float(*value),
            Value::String(text) => Part::Text(self.text(text)),
            Value::Unknown(why) => Part::Unknown(self.text(why)),
            Value::Array(items) => self.list(items),
            Value::Packed(packed) => self.list(packed.full()),
            Value::Object(object) => {
                for entry in object.iter() {
                    self.tree(&entry.value);
                    let key = self.text(&entry.key);
                    self.stored.parts.push((Part::Key(key, place(entry.key_at)), (0, 0, 0)));
                }
                Part::Object(object.iter().count() as u32)
            }
        };
        self.stored.parts.push((part, place(node.at)));
    }

    fn list(&mut self, items: &[Node]) -> Part {
        items.iter().for_each(|item| self.tree(item));
        Part::List(items.len() as u32)
    }
}

fn place(at: At) -> Place {
    (at.doc.0, at.start, at.end.wrapping_sub(at.start))
}

/// Reads resources; documents are numbered from `first` on.
pub(super) fn read_resources(bytes: &[u8], first: u32) -> Option<Vec<RawResource>> {
    let stored: Stored = postcard::from_bytes(bytes).ok()?;
    let reader = Reader { texts: stored.texts.into_iter().map(Into::into).collect(), first };
    let mut parts = stored.parts.into_iter();
    let mut out = Vec::with_capacity(stored.resources.len());
    for resource in stored.resources {
        let body = reader.tree(&mut parts, resource.nodes)?;
        let text = |number: Option<u32>| match number {
            Some(number) => reader.text(number).map(Some),
            None => Some(None),
        };
        out.push(RawResource {
            id: ResourceId::new(&reader.text(resource.id)?),
            at: reader.at(resource.at),
            origin: *ORIGINS.get(usize::from(resource.origin))?,
            uncertain: text(resource.uncertain)?,
            api_version: text(resource.api_version)?,
            body,
        });
    }
    parts.next().is_none().then_some(out)
}

struct Reader {
    texts: Vec<Arc<str>>,
    first: u32,
}

impl Reader {
    fn text(&self, number: u32) -> Option<Arc<str>> {
        self.texts.get(number as usize).cloned()
    }

    fn at(&self, (doc, start, length): Place) -> At {
        // What stands nowhere stays there.
        let doc = if doc == At::NOWHERE.doc.0 { doc } else { doc.saturating_add(self.first) };
        At { doc: DocId(doc), start, end: start.wrapping_add(length) }
    }

    fn tree(&self, parts: &mut impl Iterator<Item = (Part, Place)>, count: u32) -> Option<Node> {
        let mut values: Vec<(Node, usize)> = Vec::new();
        let mut keys: Vec<(Arc<str>, At)> = Vec::new();
        for _ in 0..count {
            let (part, place) = parts.next()?;
            let mut depth = 1;
            let mut last = |values: &mut Vec<(Node, usize)>, count: u32| {
                let from = values.len().checked_sub(count as usize)?;
                depth = 1 + values[from..].iter().map(|(_, depth)| *depth).max().unwrap_or(0);
                Some(values.drain(from..).map(|(node, _)| node).collect::<Vec<Node>>())
            };
            let value = match part {
                Part::Null => Value::Null,
                Part::Bool(value) => Value::Bool(value),
                Part::Int(value) => Value::Number(Number::Int(value)),
                Part::Float(value) => Value::Number(Number::Float(value)),
                Part::Text(text) => Value::String(self.text(text)?),
                Part::Unknown(why) => Value::Unknown(self.text(why)?),
                Part::List(count) => Value::Array(Arc::new(last(&mut values, count)?)),
                Part::Key(key, at) => {
                    keys.push((self.text(key)?, self.at(at)));
                    continue;
                }
                Part::Object(count) => {
                    let from = keys.len().checked_sub(count as usize)?;
                    let nodes = last(&mut values, count)?;
                    let entry = |((key, key_at), value)| Entry { key, key_at, value };
                    let entries = keys.drain(from..).zip(nodes).map(entry);
                    Value::Object(Arc::new(entries.collect::<Object>()))
                }
            };
            // Dropping a tree takes as many frames as it is deep.
            if depth > DEEPEST {
                return None;
            }
            values.push((Node { at: self.at(place), value }, depth));
        }
        match (values.len(), keys.is_empty()) {
            (1, true) => values.pop().map(|(node, _)| node),
            _ => None,
        }
    }
}
