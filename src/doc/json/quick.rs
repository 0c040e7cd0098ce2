//! The quick reader of well-formed JSON.
//!
//! It reads what nearly every file holds, in one pass and without a tree in between, and gives up at anything else:
//! a fault, a key that stands twice, a number out of the ordinary. Then the careful reader says what is wrong and
//! where. Both give the same tree for the same text (a test holds them together).
//!
//! PERF: keys, and texts that come again, are shared. Long lists of objects are packed where the caller wishes:
//! an object whose text stood in the document before is not read again (see [`Packed`]). On the generated estate `l`
//! (63 MB) a whole `netwhy trace` took 7.0 s of processor time and 1.2 GB with the careful reader's trees, and 1.5 s
//! and 0.6 GB with these, indexes in the place of some scans included; text to resources takes 0.42 s on one core.

use super::super::node::{Entry, Node, Number, Object, Value};
use super::super::packed::{Items, Packed, Shape, Shapes};
use super::super::{MAX_DEPTH, UNKNOWN_KEY};
use crate::diag::{At, DocId};
use foldhash::fast::FixedState;
use hashbrown::{HashSet, HashTable};
use std::hash::BuildHasher;
use std::sync::Arc;

/// A list is packed when it has more objects than this.
const FEW: usize = 4;

/// Texts longer than this are not looked for among those that stood before.
const SHORT: usize = 128;

/// How many texts are remembered: a file of nothing but different texts must not fill the memory twice.
const REMEMBERED: usize = 1 << 20;

/// Keys of an object up to this number are compared each with each.
const MANY: usize = 32;

/// Reads a document; `None` where the careful reader has to look.
pub(super) fn read(doc: DocId, text: &str, offset: usize, pack: bool) -> Option<Node> {
    let mut quick = Quick {
        doc,
        text,
        at: offset,
        base: 0,
        pack,
        keys: Known::default(),
        words: Known::default(),
        entries: Vec::new(),
        nodes: Vec::new(),
        found: HashTable::new(),
        shapes: Vec::new(),
        table: Arc::default(),
    };
    quick.space()?;
    let root = quick.value(0)?;
    quick.space()?;
    if quick.at != text.len() {
        return None;
    }
    // INVARIANT: the table is filled once, here.
    let _ = quick.table.set(quick.shapes);
    Some(root)
}

struct Quick<'t> {
    doc: DocId,
    text: &'t str,
    at: usize,
    /// Where places are counted from: the start of a packed object, else 0.
    base: usize,
    pack: bool,
    keys: Known,
    words: Known,
    /// Entries of the objects being read, one behind the other.
    entries: Vec<Entry>,
    /// Items of the lists being read.
    nodes: Vec<Node>,
    found: HashTable<u32>,
    shapes: Vec<Shape>,
    table: Shapes,
}

/// Texts that stood before.
#[derive(Default)]
struct Known {
    table: HashTable<Arc<str>>,
    hasher: FixedState,
}

impl Known {
    fn share(&mut self, text: &str) -> Arc<str> {
        if text.len() > SHORT || self.table.len() >= REMEMBERED {
            return text.into();
        }
        let hash = self.hasher.hash_one(text);
        let entry = self.table.entry(hash, |known| **known == *text, |known| self.hasher.hash_one(&**known));
        entry.or_insert_with(|| text.into()).get().clone()
    }
}

impl Quick<'_> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn place(&self, start: usize) -> At {
        At { doc: self.doc, start: (start - self.base) as u32, end: (self.at - self.base) as u32 }
    }

    /// Passes over blanks and comments.
    fn space(&mut self) -> Option<()> {
        loop {
            match self.byte() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(b'/') => self.comment()?,
                _ => return Some(()),
            }
        }
    }

    fn comment(&mut self) -> Option<()> {
        let rest = &self.text[self.at..];
        let length = match rest.as_bytes().get(1)? {
            b'/' => rest.find('\n').unwrap_or(rest.len()),
            b'*' => rest[2..].find("*/")? + 4,
            _ => return None,
        };
        self.at += length;
        Some(())
    }

    fn value(&mut self, depth: usize) -> Option<Node> {
        if depth > MAX_DEPTH {
            return None;
        }
        let start = self.at;
        let value = match self.byte()? {
            b'"' => Value::String(self.string()?),
            b'{' => return self.object(depth),
            b'[' => return self.array(depth),
            b't' => self.word("true", Value::Bool(true))?,
            b'f' => self.word("false", Value::Bool(false))?,
            b'n' => self.word("null", Value::Null)?,
            b'-' | b'0'..=b'9' => self.number()?,
            _ => return None,
        };
        Some(Node { at: self.place(start), value })
    }

    fn word(&mut self, word: &str, value: Value) -> Option<Value> {
        self.text[self.at..].starts_with(word).then(|| {
            self.at += word.len();
            value
        })
    }

    /// A whole number of few digits; the careful reader knows the others.
    fn number(&mut self) -> Option<Value> {
        let bytes = &self.text.as_bytes()[self.at..];
        let sign = usize::from(bytes.first() == Some(&b'-'));
        let digits = bytes[sign..].iter().take_while(|b| b.is_ascii_digit()).count();
        let end = sign + digits;
        let ordinary = (1..=18).contains(&digits) && (digits == 1 || bytes[sign] != b'0');
        let whole = !matches!(bytes.get(end), Some(b'.' | b'e' | b'E' | b'x' | b'X'));
        if !ordinary {
            return None;
        }
        if !whole {
            return self.float();
        }
        let number = self.text[self.at..self.at + end].parse().ok()?;
        self.at += end;
        Some(Value::Number(Number::Int(number)))
    }

    fn float(&mut self) -> Option<Value> {
        let rest = &self.text[self.at..];
        let end = rest.bytes().position(|b| !matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))?;
        // JSON wants a digit on both sides of the point, as this reader does not check.
        let number: serde_json::Number = serde_json::from_str(&rest[..end]).ok()?;
        let float = number.as_f64().filter(|f| f.is_finite())?;
        self.at += end;
        Some(Value::Number(Number::Float(float)))
    }

    fn string(&mut self) -> Option<Arc<str>> {
        let (start, end) = self.quoted()?;
        let text = &self.text[start..end];
        if text.contains('\\') { Some(unescaped(text)?.into()) } else { Some(self.words.share(text)) }
    }

    /// The text between quotes, with its escapes.
    fn quoted(&mut self) -> Option<(usize, usize)> {
        if self.byte()? != b'"' {
            return None;
        }
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let end = end_of_string(bytes, start)?;
        self.at = end + 1;
        Some((start, end))
    }

    fn object(&mut self, depth: usize) -> Option<Node> {
        let (start, first) = (self.at, self.entries.len());
        self.at += 1;
        loop {
            self.space()?;
            if self.byte()? == b'}' {
                self.at += 1;
                break;
            }
            let key_start = self.at;
            let (from, to) = self.quoted()?;
            let text = &self.text[from..to];
            let key = if text.contains('\\') { return None } else { self.keys.share(text) };
            let key_at = self.place(key_start);
            self.space()?;
            if self.byte()? != b':' {
                return None;
            }
            self.at += 1;
            self.space()?;
            let value = self.value(depth + 1)?;
            let same = |e: &Entry| Arc::ptr_eq(&e.key, &key) || e.key.eq_ignore_ascii_case(&key);
            let here = &self.entries[first..];
            let unknown = self.base > 0 && &*key == UNKNOWN_KEY;
            if unknown || (here.len() <= MANY && here.iter().any(same)) {
                return None;
            }
            self.entries.push(Entry { key, key_at, value });
            self.space()?;
            match self.byte()? {
                b',' => self.at += 1,
                b'}' => {}
                _ => return None,
            }
        }
        let here = &self.entries[first..];
        if here.len() > MANY && has_same_keys(here) {
            return None;
        }
        let object: Object = self.entries.drain(first..).collect();
        Some(Node::object(self.place(start), object))
    }

    fn array(&mut self, depth: usize) -> Option<Node> {
        let (start, first) = (self.at, self.nodes.len());
        self.at += 1;
        let mut objects = self.pack && depth > 2 && self.base == 0;
        loop {
            self.space()?;
            if self.byte()? == b']' {
                self.at += 1;
                break;
            }
            objects &= self.byte()? == b'{';
            if objects && self.nodes.len() - first == FEW {
                let mut packed = Vec::new();
                if let Some(end) = self.objects_of(start, &mut packed) {
                    self.nodes.truncate(first);
                    return self.packed(start, end, &packed, depth);
                }
                objects = false;
            }
            let item = self.value(depth + 1)?;
            self.nodes.push(item);
            self.space()?;
            match self.byte()? {
                b',' => self.at += 1,
                b']' => {}
                _ => return None,
            }
        }
        let items: Vec<Node> = self.nodes.drain(first..).collect();
        Some(Node::array(self.place(start), items))
    }

    /// Where the objects of a list stand that holds nothing else, and where it ends.
    fn objects_of(&self, start: usize, found: &mut Vec<(usize, usize)>) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut at = start + 1;
        let space = |at: &mut usize| {
            while matches!(bytes.get(*at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
                *at += 1;
            }
        };
        loop {
            space(&mut at);
            let end = end_of_object(bytes, at)?;
            found.push((at, end));
            at = end;
            space(&mut at);
            match bytes.get(at)? {
                b',' => at += 1,
                b']' => return Some(at + 1),
                _ => return None,
            }
        }
    }

    fn packed(&mut self, start: usize, end: usize, found: &[(usize, usize)], depth: usize) -> Option<Node> {
        let mut items = Vec::with_capacity(found.len());
        for (from, to) in found {
            items.push((*from as u32, self.shape(*from, *to, depth + 1)?));
        }
        self.at = end;
        let packed = Packed::new(self.doc, Items::from(items), self.table.clone());
        Some(Node { at: self.place(start), value: Value::Packed(Arc::new(packed)) })
    }

    /// The number of an object's text: read where it stands for the first time.
    fn shape(&mut self, from: usize, to: usize, depth: usize) -> Option<u32> {
        let bytes = self.text.as_bytes();
        let text = &bytes[from..to];
        let hasher = self.keys.hasher.clone();
        let hash = hasher.hash_one(text);
        let same = |number: &u32| self.shapes[*number as usize].text(bytes) == text;
        if let Some(number) = self.found.find(hash, same) {
            return Some(*number);
        }
        (self.at, self.base) = (from, from);
        let node = self.object(depth);
        self.base = 0;
        let node = node.filter(|_| self.at == to)?;
        let number = self.shapes.len() as u32;
        self.shapes.push(Shape { node, first: from as u32 });
        let shapes = &self.shapes;
        self.found.insert_unique(hash, number, |n| hasher.hash_one(shapes[*n as usize].text(bytes)));
        Some(number)
    }
}

/// Whether two keys are equal but for their case.
fn has_same_keys(entries: &[Entry]) -> bool {
    let mut seen = HashSet::with_capacity(entries.len());
    !entries.iter().all(|entry| seen.insert(entry.key.to_ascii_lowercase()))
}

/// The closing quote of a string whose text begins here.
fn end_of_string(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The end of the object that begins here. Whether it is well-formed inside is seen when it is read.
fn end_of_object(bytes: &[u8], start: usize) -> Option<usize> {
    if bytes.get(start)? != &b'{' {
        return None;
    }
    let (mut at, mut depth) = (start, 0_usize);
    loop {
        match bytes.get(at)? {
            b'"' => at = end_of_string(bytes, at + 1)?,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            // A comment may hold anything.
            b'/' => return None,
            _ => {}
        }
        at += 1;
    }
}

/// A text with its escapes resolved; the careful reader judges those that are no escapes.
fn unescaped(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let (escape, after) = (*rest.as_bytes().get(at + 1)?, rest.get(at + 2..)?);
        rest = after;
        match escape {
            b'"' => out.push('"'),
            b'\\' => out.push('\\'),
            b'/' => out.push('/'),
            b'n' => out.push('\n'),
            b'r' => out.push('\r'),
            b't' => out.push('\t'),
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'u' => {
                let digits = rest.get(..4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
                // Halves of a pair are left to the careful reader.
                out.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
                rest = &rest[4..];
            }
            _ => return None,
        }
    }
    out.push_str(rest);
    Some(out)
}
