//! What was read, in few bytes: every text once, trees as lists of their nodes, children before parents, and objects of
//! packed lists once for each text. It is written and read as a stream: neither side holds more than the resources.

use super::mapped::{Mapped, MappedText};
use crate::diag::{At, DocId, Sources, Text};
use crate::doc::{Entry, Node, Number, Object, Packed, Shelf, Value};
use crate::inventory::{Origin, RawResource, ResourceId};
use crate::tags::ServiceTags;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

/// Trees deeper than this are in no document that was read.
const DEEPEST: usize = 1_024;

/// So many texts are remembered; those that come later are written each time.
const REMEMBERED: usize = 1 << 22;

/// Bytes that are put together before they are written.
const BUFFER: usize = 1 << 16;

/// A place: document, beginning, length.
type Place = (u32, u32, u32);

/// No place.
const NO_PLACE: Place = (0, 0, 0);

/// A text: one that stood before, by number, or one that gets the next.
#[derive(Serialize, Deserialize)]
enum Word<'a> {
    Old(u32),
    New(&'a str),
}

/// What a resource is, apart from its body, which stands before.
#[derive(Serialize, Deserialize)]
struct Resource<'a> {
    #[serde(borrow)]
    id: Word<'a>,
    at: Place,
    origin: u8,
    uncertain: Option<Word<'a>>,
    api_version: Option<Word<'a>>,
}

/// A node of a tree; its children come before it.
#[derive(Serialize, Deserialize)]
enum Part<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    #[serde(borrow)]
    Text(Word<'a>),
    Unknown(Word<'a>),
    /// So many nodes before it.
    List(u32),
    /// A key for the node before it.
    Key(Word<'a>, Place),
    /// So many keyed nodes before it.
    Object(u32),
    /// The node before it is an object of packed lists, and gets the next number.
    Shape,
    /// A packed list: so many pairs of place and number follow.
    Packed(u32),
    /// The node before it is the body of this resource.
    End(Resource<'a>),
}

const ORIGINS: [Origin; 5] =
    [Origin::Mentioned, Origin::Template, Origin::Deployed, Origin::Planned, Origin::Estate];

/// What is written never fails: everything in it has a form.
pub(super) fn written(value: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(value).expect("INVARIANT: numbers, texts and lists can be written")
}

/// Names of documents, and how many bytes of text each has.
pub(super) fn titles(sources: &Sources) -> Vec<u8> {
    let all: Vec<(&str, u64)> = sources.iter().map(|(_, s)| (&*s.name, s.text.len() as u64)).collect();
    written(&all)
}

/// The texts of documents, one behind the other.
pub(super) fn documents(sources: &Sources, out: &mut impl Write) -> io::Result<()> {
    sources.iter().try_for_each(|(_, source)| out.write_all(source.text.as_bytes()))
}

/// Puts documents behind those there, their texts where they lie.
pub(super) fn read_documents(
    titles: &[u8],
    memory: &Arc<Mapped>,
    range: Range<usize>,
    sources: &mut Sources,
) -> Option<()> {
    let all: Vec<(String, u64)> = postcard::from_bytes(titles).ok()?;
    let mut from = range.start;
    for (name, length) in all {
        let to = from.checked_add(usize::try_from(length).ok()?).filter(|to| *to <= range.end)?;
        sources.add(name, Text::lying(MappedText::of(memory.clone(), from..to)?));
        from = to;
    }
    (from == range.end).then_some(())
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
pub(super) fn resources(raws: &[RawResource], out: &mut impl Write) -> io::Result<()> {
    let mut writer = Writer { out, buffer: Vec::new(), numbers: HashMap::new(), shapes: HashMap::new() };
    for raw in raws {
        writer.tree(&raw.body)?;
        let origin = ORIGINS.iter().position(|o| *o == raw.origin).unwrap_or_default() as u8;
        let Writer { numbers, .. } = &mut writer;
        let resource = Resource {
            id: word(numbers, raw.id.as_str()),
            at: place(raw.at),
            origin,
            uncertain: raw.uncertain.as_deref().map(|text| word(numbers, text)),
            api_version: raw.api_version.as_deref().map(|text| word(numbers, text)),
        };
        writer.part(&Part::End(resource), NO_PLACE)?;
    }
    writer.out.write_all(&writer.buffer)
}

struct Writer<'w, W> {
    out: &'w mut W,
    buffer: Vec<u8>,
    numbers: HashMap<Arc<str>, u32>,
    /// Numbers of objects of packed lists, by their table and number there.
    shapes: HashMap<(usize, usize), u32>,
}

fn word<'t>(numbers: &mut HashMap<Arc<str>, u32>, text: &'t str) -> Word<'t> {
    if let Some(number) = numbers.get(text) {
        return Word::Old(*number);
    }
    if numbers.len() < REMEMBERED {
        numbers.insert(text.into(), numbers.len() as u32);
    }
    Word::New(text)
}

impl<W: Write> Writer<'_, W> {
    fn put(&mut self, value: &impl Serialize) -> io::Result<()> {
        let buffer = std::mem::take(&mut self.buffer);
        let buffer = postcard::to_extend(value, buffer);
        self.buffer = buffer.expect("INVARIANT: numbers, texts and lists can be written");
        if self.buffer.len() >= BUFFER {
            self.out.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }

    fn part(&mut self, part: &Part<'_>, place: Place) -> io::Result<()> {
        self.put(&(part, place))
    }

    fn tree(&mut self, node: &Node) -> io::Result<()> {
        let part = match &node.value {
            Value::Null => Part::Null,
            Value::Bool(value) => Part::Bool(*value),
            Value::Number(Number::Int(value)) => Part::Int(*value),
            Value::Number(Number::Float(value)) => Part::Float(*value),
            Value::String(text) => Part::Text(word(&mut self.numbers, text)),
            Value::Unknown(why) => Part::Unknown(word(&mut self.numbers, why)),
            Value::Array(items) => {
                items.iter().try_for_each(|item| self.tree(item))?;
                Part::List(items.len() as u32)
            }
            Value::Packed(packed) => return self.packed(packed, node.at),
            Value::Object(object) => {
                for entry in object.iter() {
                    self.tree(&entry.value)?;
                    let key = word(&mut self.numbers, &entry.key);
                    self.part(&Part::Key(key, place(entry.key_at)), NO_PLACE)?;
                }
                Part::Object(object.len() as u32)
            }
        };
        self.part(&part, place(node.at))
    }

    fn packed(&mut self, packed: &Packed, at: At) -> io::Result<()> {
        let mut items = Vec::with_capacity(packed.len());
        for item in packed.iter() {
            let next = self.shapes.len() as u32;
            let number = *self.shapes.entry((packed.table(), item.shape)).or_insert(next);
            if number == next {
                self.tree(item.node)?;
                self.part(&Part::Shape, NO_PLACE)?;
            }
            items.push((item.at.start, number));
        }
        self.part(&Part::Packed(items.len() as u32), place(at))?;
        items.iter().try_for_each(|item| self.put(item))
    }
}

fn place(at: At) -> Place {
    (at.doc.0, at.start, at.end.wrapping_sub(at.start))
}

/// Reads resources; documents are numbered from `first` on.
pub(super) fn read_resources(bytes: &[u8], first: u32) -> Option<Vec<RawResource>> {
    let mut reader = Reader { rest: bytes, first, texts: Vec::new(), shelf: Shelf::default() };
    let (mut trees, mut out) = (Trees::default(), Vec::new());
    while !reader.rest.is_empty() {
        let (part, place): (Part<'_>, Place) = reader.take()?;
        match part {
            Part::End(resource) => out.push(reader.resource(resource, trees.only()?)?),
            part => reader.part(part, place, &mut trees)?,
        }
    }
    reader.shelf.close();
    trees.is_empty().then_some(out)
}

struct Reader<'a> {
    rest: &'a [u8],
    first: u32,
    texts: Vec<Arc<str>>,
    shelf: Shelf,
}

/// Trees that are being put together, with their depths, and keys for some of them.
#[derive(Default)]
struct Trees {
    values: Vec<(Node, usize)>,
    keys: Vec<(Arc<str>, At)>,
}

impl Trees {
    fn is_empty(&self) -> bool {
        self.values.is_empty() && self.keys.is_empty()
    }

    /// The one tree there is.
    fn only(&mut self) -> Option<Node> {
        let (node, _) = self.values.pop()?;
        self.is_empty().then_some(node)
    }

    /// The last of them, and how deep something is that holds them.
    fn last(&mut self, count: u32) -> Option<(impl Iterator<Item = Node> + '_, usize)> {
        let from = self.values.len().checked_sub(count as usize)?;
        let depth = 1 + self.values[from..].iter().map(|(_, depth)| *depth).max().unwrap_or(0);
        Some((self.values.drain(from..).map(|(node, _)| node), depth))
    }
}

impl<'a> Reader<'a> {
    fn take<T: Deserialize<'a>>(&mut self) -> Option<T> {
        let (value, rest) = postcard::take_from_bytes(self.rest).ok()?;
        self.rest = rest;
        Some(value)
    }

    fn word(&mut self, word: Word<'_>) -> Option<Arc<str>> {
        match word {
            Word::Old(number) => self.texts.get(number as usize).cloned(),
            Word::New(text) => {
                let text: Arc<str> = text.into();
                if self.texts.len() < REMEMBERED {
                    self.texts.push(text.clone());
                }
                Some(text)
            }
        }
    }

    fn maybe(&mut self, word: Option<Word<'_>>) -> Option<Option<Arc<str>>> {
        match word {
            Some(word) => self.word(word).map(Some),
            None => Some(None),
        }
    }

    fn at(&self, (doc, start, length): Place) -> At {
        // What stands nowhere stays there.
        let doc = if doc == At::NOWHERE.doc.0 { doc } else { doc.saturating_add(self.first) };
        At { doc: DocId(doc), start, end: start.wrapping_add(length) }
    }

    fn resource(&mut self, resource: Resource<'_>, body: Node) -> Option<RawResource> {
        let Resource { id, at, origin, uncertain, api_version } = resource;
        Some(RawResource {
            id: ResourceId::new(&self.word(id)?),
            at: self.at(at),
            origin: *ORIGINS.get(usize::from(origin))?,
            uncertain: self.maybe(uncertain)?,
            api_version: self.maybe(api_version)?,
            body,
        })
    }

    fn part(&mut self, part: Part<'_>, place: Place, trees: &mut Trees) -> Option<()> {
        let mut depth = 1;
        let value = match part {
            Part::Null => Value::Null,
            Part::Bool(value) => Value::Bool(value),
            Part::Int(value) => Value::Number(Number::Int(value)),
            Part::Float(value) => Value::Number(Number::Float(value)),
            Part::Text(word) => Value::String(self.word(word)?),
            Part::Unknown(word) => Value::Unknown(self.word(word)?),
            Part::List(count) => {
                let (nodes, deep) = trees.last(count)?;
                depth = deep;
                Value::Array(Arc::new(nodes.collect()))
            }
            Part::Key(word, at) => {
                let key = (self.word(word)?, self.at(at));
                trees.keys.push(key);
                return Some(());
            }
            Part::Object(count) => {
                let from = trees.keys.len().checked_sub(count as usize)?;
                let keys = trees.keys.split_off(from);
                let (nodes, deep) = trees.last(count)?;
                depth = deep;
                let entry = |((key, key_at), value)| Entry { key, key_at, value };
                Value::Object(Arc::new(keys.into_iter().zip(nodes).map(entry).collect::<Object>()))
            }
            Part::Shape => {
                let (node, _) = trees.values.pop()?;
                self.shelf.add(node)?;
                return Some(());
            }
            Part::Packed(count) => Value::Packed(Arc::new(self.packed(count, place)?)),
            Part::End(_) => return None,
        };
        // Dropping a tree takes as many frames as it is deep.
        if depth > DEEPEST {
            return None;
        }
        trees.values.push((Node { at: self.at(place), value }, depth));
        Some(())
    }

    fn packed(&mut self, count: u32, place: Place) -> Option<Packed> {
        // Each pair takes two bytes at least.
        let mut items = Vec::with_capacity((count as usize).min(self.rest.len() / 2));
        for _ in 0..count {
            items.push(self.take::<(u32, u32)>()?);
        }
        self.shelf.list(self.at(place).doc, items)
    }
}
