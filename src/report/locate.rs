//! From places to what people and editors use: file, line, column, JSON pointer, the lines themselves.

use crate::diag::{At, Diagnostics, DocId, Sources};
use crate::doc::{Node, Outline, parse_json, parse_yaml, pointer};
use hashbrown::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock};

/// Finds places in documents. Lines are counted once for each document and each is parsed at most once,
/// when the first pointer into it is wanted, so one locator serves the report of many traces, on many
/// threads.
#[derive(Debug)]
pub struct Locator<'s> {
    sources: &'s Sources,
    documents: Vec<Document>,
    places: Mutex<HashMap<At, Arc<Place>, foldhash::fast::FixedState>>,
}

#[derive(Debug, Default)]
struct Document {
    /// The first byte of each line.
    lines: OnceLock<Vec<u32>>,
    root: OnceLock<Option<Node>>,
    outline: OnceLock<Option<Outline>>,
}

/// A place as people and editors name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file as given.
    pub file: String,
    /// Line, from one.
    pub line: usize,
    /// Column in characters, from one.
    pub column: usize,
    /// JSON pointer of the innermost value there.
    pub pointer: Option<String>,
}

/// What is written at a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quote {
    /// The first lines, without their common indentation.
    pub lines: Vec<QuotedLine>,
    /// How many lines follow that are not quoted.
    pub more: usize,
}

/// One line of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotedLine {
    /// Line number, from one.
    pub line: usize,
    /// Its text.
    pub text: String,
}

/// Documents larger than this are looked through for a pointer, and not read into a tree.
const LARGE: usize = 1 << 20;

/// At most this many lines are quoted.
const QUOTED_LINES: usize = 10;

/// At most this many characters of a line are quoted; exports may hold everything on one line.
const QUOTED_CHARS: usize = 240;

impl<'s> Locator<'s> {
    /// A locator for these documents; nothing is read yet.
    pub fn new(sources: &'s Sources) -> Self {
        let documents = std::iter::repeat_with(Document::default).take(sources.len()).collect();
        Self { sources, documents, places: Mutex::default() }
    }

    /// The documents.
    pub fn sources(&self) -> &'s Sources {
        self.sources
    }

    /// File, line, column and pointer; nothing for [`At::NOWHERE`].
    pub fn place(&self, at: At) -> Option<Arc<Place>> {
        if let Ok(places) = self.places.lock()
            && let Some(place) = places.get(&at)
        {
            return Some(Arc::clone(place));
        }
        let place = Arc::new(self.look_up(at)?);
        if let Ok(mut places) = self.places.lock() {
            places.insert(at, Arc::clone(&place));
        }
        Some(place)
    }

    fn look_up(&self, at: At) -> Option<Place> {
        let source = self.sources.get(at.doc)?;
        let line = self.line_of(at.doc, at.start)?;
        let start = *self.lines(at.doc).get(line)? as usize;
        let before = source.text.get(start..at.start as usize)?;
        Some(Place {
            file: source.name.to_string(),
            line: line + 1,
            column: before.chars().count() + 1,
            pointer: self.pointer(at),
        })
    }

    /// The lines a place covers, or the part of a very long line; brackets alone on a line are left out.
    pub fn quote(&self, at: At) -> Quote {
        self.quote_lines(at).unwrap_or_default()
    }

    fn quote_lines(&self, at: At) -> Option<Quote> {
        let text = &self.sources.get(at.doc)?.text;
        let range = text.get(at.start as usize..at.end as usize)?.trim_end();
        let last = at.start + range.len().saturating_sub(1) as u32;
        let (first, last) = (self.line_of(at.doc, at.start)?, self.line_of(at.doc, last)?);
        let mut lines: Vec<QuotedLine> = (first..=last)
            .filter_map(|n| self.line(at.doc, n).map(|text| (n, text)))
            .filter(|(_, text)| text.contains(|c: char| !c.is_whitespace() && !"{}[],-".contains(c)))
            .map(|(n, text)| QuotedLine { line: n + 1, text: shortened(text, range).to_owned() })
            .collect();
        let more = lines.len().saturating_sub(QUOTED_LINES);
        lines.truncate(QUOTED_LINES);
        dedent(&mut lines);
        Some(Quote { lines, more })
    }

    /// The line a place begins in: its number from one, and its bytes without the line feed.
    pub(super) fn line_range(&self, at: At) -> Option<(usize, Range<usize>)> {
        let number = self.line_of(at.doc, at.start)?;
        let start = *self.lines(at.doc).get(number)? as usize;
        let text = self.sources.get(at.doc)?.text.get(start..)?;
        let length = text.find('\n').unwrap_or(text.len());
        let length = text[..length].trim_end_matches('\r').len();
        (at.start as usize <= start + length).then_some((number + 1, start..start + length))
    }

    fn line(&self, doc: DocId, number: usize) -> Option<&'s str> {
        let text = &self.sources.get(doc)?.text;
        let lines = self.lines(doc);
        let start = *lines.get(number)? as usize;
        let end = lines.get(number + 1).map_or(text.len(), |e| *e as usize);
        Some(text.get(start..end)?.trim_end())
    }

    fn line_of(&self, doc: DocId, byte: u32) -> Option<usize> {
        self.lines(doc).partition_point(|start| *start <= byte).checked_sub(1)
    }

    fn lines(&self, doc: DocId) -> &[u32] {
        let (Some(document), Some(source)) = (self.documents.get(doc.0 as usize), self.sources.get(doc))
        else {
            return &[];
        };
        document.lines.get_or_init(|| {
            let feeds = source.text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
            std::iter::once(0).chain(feeds.map(|(i, _)| i as u32 + 1)).collect()
        })
    }

    /// The pointer of a place. A large document is not read into a tree again for it.
    fn pointer(&self, at: At) -> Option<String> {
        let text = &self.sources.get(at.doc)?.text;
        let large = text.len() > LARGE && text.starts_with(['{', '[']);
        let outline =
            || self.documents.get(at.doc.0 as usize)?.outline.get_or_init(|| Outline::of(text)).as_ref();
        let outline = large.then(outline).flatten();
        let found = outline.and_then(|o| o.pointer(text, at.start as usize..at.end as usize));
        found.or_else(|| self.root(at.doc).and_then(|root| pointer(root, at)))
    }

    fn root(&self, doc: DocId) -> Option<&Node> {
        let (document, source) = (self.documents.get(doc.0 as usize)?, self.sources.get(doc)?);
        document.root.get_or_init(|| parse(doc, &source.text)).as_ref()
    }
}

/// Reads a document a second time, for its shape only; its faults were reported the first time.
fn parse(doc: DocId, text: &str) -> Option<Node> {
    let mut notes = Diagnostics::new();
    let json = text.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '[', '/']);
    if json && let Ok(root) = parse_json(doc, text, &mut notes) {
        return Some(root);
    }
    parse_yaml(doc, text, &mut notes).ok()
}

/// The line, or only what the place covers of it where the line is very long.
fn shortened<'a>(line: &'a str, range: &'a str) -> &'a str {
    if line.len() <= QUOTED_CHARS {
        return line;
    }
    let part = if line.contains(range) { range } else { line.trim_start() };
    part.char_indices().nth(QUOTED_CHARS).map_or(part, |(end, _)| &part[..end])
}

fn dedent(lines: &mut [QuotedLine]) {
    let blanks = |text: &str| text.len() - text.trim_start_matches(' ').len();
    let common = lines.iter().map(|l| blanks(&l.text)).min().unwrap_or(0);
    for line in lines {
        line.text.drain(..common);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str =
        "{\n  \"rules\": [\n    {\n      \"name\": \"déný\",\n      \"port\": 1\n    }\n  ]\n}\n";

    fn at(text: &str, start: &str, length: usize) -> At {
        let start = text.find(start).expect("in the text") as u32;
        At { doc: DocId(0), start, end: start + length as u32 }
    }

    fn check(name: &str, text: &str, at: At, place: (usize, usize, &str), quote: &str) {
        let mut sources = Sources::default();
        sources.add(name, text);
        let locator = Locator::new(&sources);
        for _ in 0..2 {
            let found = locator.place(at).expect("a place");
            assert_eq!((found.line, found.column), (place.0, place.1), "{text}");
            assert_eq!(found.pointer.as_deref(), Some(place.2), "{text}");
            assert_eq!(&found.file, name);
        }
        let lines = locator.quote(at).lines;
        let lines: Vec<String> = lines.iter().map(|l| format!("{} {}", l.line, l.text)).collect();
        assert_eq!(lines.join("\n"), quote);
    }

    #[test]
    fn places_in_json_and_yaml() {
        check("a.json", JSON, at(JSON, "\"déný\"", 8), (4, 15, "/rules/0/name"), "4 \"name\": \"déný\",");
        let object = at(JSON, "{\n      \"name\"", JSON.find("    }\n  ]").expect("an end") + 5 - 19);
        check("a.json", JSON, object, (3, 5, "/rules/0"), "4 \"name\": \"déný\",\n5 \"port\": 1");
        let yaml = "rules:\n  - name: a\n  - name: b\n";
        check("a.yaml", yaml, at(yaml, "b\n", 1), (3, 11, "/rules/1/name"), "3 - name: b");
    }

    #[test]
    fn nowhere_and_outside_are_no_place() {
        let mut sources = Sources::default();
        sources.add("a.yaml", "a: 1\n");
        let locator = Locator::new(&sources);
        assert_eq!(locator.place(At::NOWHERE), None);
        assert_eq!(locator.place(At { doc: DocId(0), start: 90, end: 91 }), None);
        assert_eq!(locator.quote(At { doc: DocId(0), start: 90, end: 91 }), Quote::default());
    }

    #[test]
    fn one_long_line_is_cut_to_the_place() {
        let text = format!("{{\"a\": \"{}\", \"b\": {{\"name\": 1}}}}", "x".repeat(900));
        let mut sources = Sources::default();
        sources.add("a.json", text.as_str());
        let quote = Locator::new(&sources).quote(at(&text, "{\"name\": 1}", 11));
        assert_eq!(quote.lines[0].text, "{\"name\": 1}");
    }
}
