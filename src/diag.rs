//! What is wrong with the input, and where.
//!
//! Three things are kept apart: an *error* (the work could not be done), a *diagnostic* (it was done
//! and the input has a fault: this module), and an *answer* (a denial, a loop: see `trace`).

mod code;
mod source;

pub use code::Code;
pub use source::{At, DocId, Letters, Position, Source, Sources, Text};

use std::fmt;

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; the answer does not suffer.
    Note,
    /// The answer may be less complete, or the estate has a fault Azure would accept.
    Warning,
    /// The input could not be used as it stands.
    Error,
}

impl Severity {
    /// Lower-case word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One fault of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which kind of fault.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// One line, lower case, no final stop.
    pub message: String,
    /// Where it is; [`At::NOWHERE`] when no place applies.
    pub at: At,
    /// A second place that decided, with its label.
    pub second: Option<(At, String)>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A diagnostic with the default severity of its code.
    pub fn new(code: Code, at: At, message: impl Into<String>) -> Self {
        Self { code, severity: code.severity(), message: message.into(), at, second: None, help: None }
    }

    /// Adds a help line.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a second labelled place.
    pub fn also(mut self, at: At, label: impl Into<String>) -> Self {
        self.second = Some((at, label.into()));
        self
    }

    /// Gives it another severity.
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: {}", self.severity.name(), self.code.name(), self.message)
    }
}

/// Collects diagnostics beside a result.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    dropped: usize,
}

/// More diagnostics than this are counted and not kept: a hostile file must not fill the memory.
const KEPT: usize = 10_000;

impl Diagnostics {
    /// An empty collection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.list.len() < KEPT {
            self.list.push(diagnostic);
        } else {
            self.dropped += 1;
        }
    }

    /// Adds all of another collection.
    pub fn extend(&mut self, other: Diagnostics) {
        self.dropped += other.dropped;
        for diagnostic in other.list {
            self.push(diagnostic);
        }
    }

    /// Each as it is told, or not; what was not kept stays counted.
    pub fn retold(self, tell: impl FnMut(Diagnostic) -> Option<Diagnostic>) -> Self {
        Self { list: self.list.into_iter().filter_map(tell).collect(), dropped: self.dropped }
    }

    /// Those kept, in order of arrival.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// How many were not kept.
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// How many there are in all.
    pub fn len(&self) -> usize {
        self.list.len() + self.dropped
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|d| d.severity == Severity::Error)
    }

    /// Sorts by document and place, then code, so that output does not depend on the order of work.
    pub fn sort(&mut self) {
        self.list.sort_by(|a, b| (a.at, a.code, &a.message).cmp(&(b.at, b.code, &b.message)));
        self.list.dedup();
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}

/// The candidate nearest to what was typed, if one is near enough to be meant.
pub fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let limit = typed.chars().count() / 3 + 1;
    candidates
        .into_iter()
        .map(|c| (strsim::osa_distance(&typed, &c.to_lowercase()), c))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_spelling() {
        let names = ["addressPrefixes", "subnets", "routeTable"];
        assert_eq!(nearest("adressPrefixes", names), Some("addressPrefixes"));
        assert_eq!(nearest("routetables", names), Some("routeTable"));
        assert_eq!(nearest("zzz", names), None);
    }

    #[test]
    fn too_many_are_counted() {
        let mut all = Diagnostics::new();
        for _ in 0..KEPT + 5 {
            all.push(Diagnostic::new(Code::UnknownField, At::NOWHERE, "x"));
        }
        assert_eq!((all.iter().count(), all.dropped(), all.len()), (KEPT, 5, KEPT + 5));
    }
}
