//! Documents and places in them.
//!
//! Every fact remembers where it was read as a document and a byte range: twelve bytes. Line, column
//! and JSON pointer are computed only when a person wants to see them.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Number of a document within [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocId(pub u32);

/// A byte range in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At {
    /// The document.
    pub doc: DocId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl At {
    /// No place: the fact is built in or was typed on the command line.
    pub const NOWHERE: At = At { doc: DocId(u32::MAX), start: 0, end: 0 };

    /// Whether this names a place.
    pub fn is_somewhere(self) -> bool {
        self.doc != Self::NOWHERE.doc
    }
}

impl Default for At {
    fn default() -> Self {
        Self::NOWHERE
    }
}

/// A document as read.
#[derive(Clone, Debug)]
pub struct Source {
    /// The name to show, usually the path as given.
    pub name: Arc<str>,
    /// The whole text.
    pub text: Text,
}

/// Letters that lie somewhere: in a `String`, or in a file that somebody mapped.
pub trait Letters: Send + Sync + 'static {
    /// The same letters at every call.
    fn letters(&self) -> &str;
}

impl Letters for String {
    fn letters(&self) -> &str {
        self
    }
}

/// A shared text. Made from a `String`, or from where it lies, without copying it, for it may have gigabytes.
#[derive(Clone)]
pub struct Text(Arc<dyn Letters>);

impl Text {
    /// A text where it lies.
    pub fn lying(letters: impl Letters) -> Self {
        Self(Arc::new(letters))
    }
}

impl Default for Text {
    fn default() -> Self {
        String::new().into()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text {}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::lying(text)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl std::ops::Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        self.0.letters()
    }
}

/// Line and column, both from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line number.
    pub line: usize,
    /// Column in characters.
    pub column: usize,
}

/// All documents of one run, in the order given.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    list: Vec<Source>,
}

impl Sources {
    /// Adds a document.
    pub fn add(&mut self, name: impl Into<Arc<str>>, text: impl Into<Text>) -> DocId {
        self.list.push(Source { name: name.into(), text: text.into() });
        DocId((self.list.len() - 1) as u32)
    }

    /// The document, if it exists.
    pub fn get(&self, doc: DocId) -> Option<&Source> {
        self.list.get(doc.0 as usize)
    }

    /// All documents.
    pub fn iter(&self) -> impl Iterator<Item = (DocId, &Source)> {
        self.list.iter().enumerate().map(|(i, s)| (DocId(i as u32), s))
    }

    /// How many documents there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The name of the document a place lies in.
    pub fn name(&self, at: At) -> Option<&str> {
        self.get(at.doc).map(|s| &*s.name)
    }

    /// Line and column of a place.
    pub fn position(&self, at: At) -> Option<Position> {
        let text = &self.get(at.doc)?.text;
        let before = text.get(..at.start as usize)?;
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        Some(Position {
            line: before.bytes().filter(|b| *b == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        })
    }

    /// `file:line`, or nothing when the place is nowhere.
    pub fn short(&self, at: At) -> Option<String> {
        Some(format!("{}:{}", self.name(at)?, self.position(at)?.line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_characters() {
        let mut sources = Sources::default();
        let doc = sources.add("a.yaml", "é: 1\nü: 2\n");
        let at = At { doc, start: 9, end: 10 };
        assert_eq!(sources.position(at), Some(Position { line: 2, column: 3 }));
        assert_eq!(sources.short(at).as_deref(), Some("a.yaml:2"));
        assert_eq!(sources.short(At::NOWHERE), None);
    }
}
