//! Reading one object of a file of our own: known fields only, each with its type, faults with a place.

use super::native::unknown_field;
use crate::diag::{At, Code, Diagnostic, Diagnostics, nearest};
use crate::doc::{Node, Object, Value};
use std::sync::Arc;

/// A word and where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The text.
    pub text: Arc<str>,
    /// Its place.
    pub at: At,
}

/// An object being read.
pub(crate) struct Fields<'a> {
    object: &'a Object,
    /// Its place.
    pub(crate) at: At,
}

impl<'a> Fields<'a> {
    /// The object in a node, its fields checked against those known. Anything else is a fault.
    pub(crate) fn new(
        node: &'a Node,
        what: &str,
        known: &[&str],
        notes: &mut Diagnostics,
    ) -> Option<Fields<'a>> {
        let Some(object) = node.as_object() else {
            let message = format!("{} where {what} belongs", node.value.kind());
            notes.push(Diagnostic::new(Code::WrongType, node.at, message));
            return None;
        };
        for entry in object.iter().filter(|e| !known.contains(&&*e.key)) {
            notes.push(unknown_field(what, entry, known.iter().copied()));
        }
        Some(Fields { object, at: node.at })
    }

    /// A field that is written and not null.
    pub(crate) fn get(&self, key: &str) -> Option<&'a Node> {
        self.object.get(key).filter(|node| !node.is_null())
    }

    /// A text; numbers and truth values count as their text.
    pub(crate) fn word(&self, key: &str, notes: &mut Diagnostics) -> Option<Word> {
        word(self.get(key)?, key, notes)
    }

    /// A text without its place.
    pub(crate) fn text(&self, key: &str, notes: &mut Diagnostics) -> Option<Arc<str>> {
        self.word(key, notes).map(|word| word.text)
    }

    /// A text that must be there.
    pub(crate) fn required(&self, key: &str, what: &str, notes: &mut Diagnostics) -> Option<Word> {
        if self.get(key).is_none() {
            notes.push(Diagnostic::new(Code::MissingField, self.at, format!("{what} has no `{key}`")));
        }
        self.word(key, notes)
    }

    /// A list of texts; a single one counts as a list of one.
    pub(crate) fn words(&self, key: &str, notes: &mut Diagnostics) -> Vec<Word> {
        let Some(node) = self.get(key) else { return Vec::new() };
        let items = node.as_array().unwrap_or(std::slice::from_ref(node));
        items.iter().filter_map(|item| word(item, key, notes)).collect()
    }

    /// A list of nodes.
    pub(crate) fn list(&self, key: &str, notes: &mut Diagnostics) -> &'a [Node] {
        let Some(node) = self.get(key) else { return &[] };
        node.as_array().unwrap_or_else(|| {
            let message = format!("{} where `{key}` takes a list", node.value.kind());
            notes.push(Diagnostic::new(Code::WrongType, node.at, message));
            &[]
        })
    }

    /// The entries of an object.
    pub(crate) fn object(&self, key: &str, notes: &mut Diagnostics) -> Option<&'a Object> {
        let node = self.get(key)?;
        let object = node.as_object();
        if object.is_none() {
            let message = format!("{} where `{key}` takes an object", node.value.kind());
            notes.push(Diagnostic::new(Code::WrongType, node.at, message));
        }
        object
    }

    /// A word that must be one of a closed list; the rest is a fault with the nearest spelling.
    pub(crate) fn one_of<T: Copy>(
        &self,
        key: &str,
        values: impl Iterator<Item = (String, T)>,
        notes: &mut Diagnostics,
    ) -> Option<T> {
        let word = self.word(key, notes)?;
        let values: Vec<(String, T)> = values.collect();
        let plain = |text: &str| text.replace(['_', ' '], "-").to_ascii_lowercase();
        let found = values.iter().find(|(name, _)| plain(name) == plain(&word.text));
        if found.is_none() {
            let names = values.iter().map(|(name, _)| name.as_str());
            notes.push(not_one_of(key, &word, names));
        }
        found.map(|(_, value)| *value)
    }
}

/// A value that is none of those a field takes.
pub(crate) fn not_one_of<'a>(
    key: &str,
    word: &Word,
    names: impl Iterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let message = format!("`{}` is nothing that `{key}` takes", word.text);
    let diagnostic = Diagnostic::new(Code::BadValue, word.at, message);
    match nearest(&word.text, names.clone()) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help(format!("one of {}", names.collect::<Vec<_>>().join(", "))),
    }
}

/// A text, or a number or truth value as its text.
pub(crate) fn word(node: &Node, key: &str, notes: &mut Diagnostics) -> Option<Word> {
    let text: Arc<str> = match &node.value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string().into(),
        Value::Bool(truth) => truth.to_string().into(),
        other => {
            let message = format!("{} where `{key}` takes a text", other.kind());
            notes.push(Diagnostic::new(Code::WrongType, node.at, message));
            return None;
        }
    };
    if text.trim().is_empty() {
        notes.push(Diagnostic::new(Code::BadValue, node.at, format!("`{key}` is empty")));
        return None;
    }
    Some(Word { text, at: node.at })
}
