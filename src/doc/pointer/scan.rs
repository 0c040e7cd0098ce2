//! The JSON pointer of a place, found in the text itself: for documents too large to be read into a tree a second time.

use std::ops::Range;

/// The pointer of the innermost value or key at a place in well-formed JSON; `None` where the text has comments, or
/// is no JSON on the way there.
fn pointer_in_text(text: &str, place: Range<usize>) -> Option<String> {
    below(text, if text.starts_with('\u{feff}') { 3 } else { 0 }, place)
}

/// The pointer of a place, from the value that begins here.
fn below(text: &str, at: usize, place: Range<usize>) -> Option<String> {
    let mut scan = Scan { bytes: text.as_bytes(), at };
    let mut out = String::new();
    loop {
        scan.space();
        let start = scan.at;
        if start == place.start && scan.end_of_value()? == place.end {
            return Some(out);
        }
        match scan.step(&place)? {
            Some(step) => {
                push(&mut out, &name(text, &step.key));
                if step.is_key {
                    return Some(out);
                }
                scan.at = step.value;
            }
            None => return Some(out),
        }
    }
}

fn push(out: &mut String, name: &str) {
    out.push('/');
    out.push_str(&super::escape(name));
}

/// Where a large JSON document has its resources: the members of its root, and the items of those that are lists. A place
/// is looked for in the one that holds it, and not from the beginning.
#[derive(Debug)]
pub struct Outline {
    members: Vec<Member>,
}

/// A member of the root.
#[derive(Debug)]
struct Member {
    key: Key,
    value: Range<usize>,
    items: Vec<Range<u32>>,
}

impl Member {
    fn start(&self) -> usize {
        self.key.as_ref().map_or(self.value.start, |key| key.start)
    }
}

impl Outline {
    /// Looks through a text once; `None` where it has comments, or is no JSON.
    pub fn of(text: &str) -> Option<Self> {
        let mut members = Vec::new();
        let mut scan = Scan { bytes: text.as_bytes(), at: if text.starts_with('\u{feff}') { 3 } else { 0 } };
        scan.space();
        scan.members(&mut |key, value| members.push(Member { key, value, items: Vec::new() }))?;
        for member in members.iter_mut().filter(|m| text.as_bytes()[m.value.start] == b'[') {
            let mut scan = Scan { bytes: text.as_bytes(), at: member.value.start };
            scan.members(&mut |_, item| member.items.push(item.start as u32..item.end as u32))?;
        }
        Some(Self { members })
    }

    /// What `pointer_in_text` tells.
    pub fn pointer(&self, text: &str, place: Range<usize>) -> Option<String> {
        let at = self.members.partition_point(|m| m.start() <= place.start);
        let member = at.checked_sub(1).map(|at| &self.members[at]);
        let Some(member) = member.filter(|m| m.value.start <= place.start && place.end <= m.value.end) else {
            return pointer_in_text(text, place);
        };
        let mut out = String::new();
        push(&mut out, &name(text, &member.key));
        let at = member.items.partition_point(|item| item.start as usize <= place.start);
        let item = at.checked_sub(1).filter(|at| place.end <= member.items[*at].end as usize);
        let start = match item {
            Some(number) => {
                push(&mut out, &number.to_string());
                member.items[number].start as usize
            }
            None => member.value.start,
        };
        out.push_str(&below(text, start, place)?);
        Some(out)
    }
}

/// What a member is called: where its key stands, or its number in a list.
type Key = Result<Range<usize>, usize>;

fn name(text: &str, key: &Key) -> String {
    match key {
        Ok(range) => {
            let quoted = &text[range.clone()];
            serde_json::from_str(quoted).unwrap_or_else(|_| quoted.trim_matches('"').to_owned())
        }
        Err(number) => number.to_string(),
    }
}

/// A member of an object or list that holds the place.
struct Step {
    key: Key,
    is_key: bool,
    value: usize,
}

struct Scan<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl Scan<'_> {
    fn space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// The member of the object or list here that holds the place; `Some(None)` where none does.
    fn step(&mut self, place: &Range<usize>) -> Option<Option<Step>> {
        let mut found = None;
        self.each(&mut |key, value| {
            let is_key = key.as_ref().is_ok_and(|k| k.start <= place.start && place.end <= k.end);
            if is_key || (value.start <= place.start && place.end <= value.end) {
                found = Some(Step { key, is_key, value: value.start });
            }
            found.is_none() && value.end <= place.start
        })?;
        Some(found)
    }

    /// Every member of the object or list here.
    fn members(&mut self, visit: &mut dyn FnMut(Key, Range<usize>)) -> Option<()> {
        self.each(&mut |key, value| {
            visit(key, value);
            true
        })
    }

    /// The members of the object or list here, as long as they are wanted.
    fn each(&mut self, wanted: &mut dyn FnMut(Key, Range<usize>) -> bool) -> Option<()> {
        let open = *self.bytes.get(self.at)?;
        if !matches!(open, b'{' | b'[') {
            return Some(());
        }
        self.at += 1;
        let mut number = 0;
        loop {
            self.space();
            if matches!(self.bytes.get(self.at)?, b'}' | b']') {
                return Some(());
            }
            let mut key = Err(number);
            if open == b'{' {
                let start = self.at;
                self.at = self.end_of_string()?;
                key = Ok(start..self.at);
                self.space();
                (*self.bytes.get(self.at)? == b':').then_some(())?;
                self.at += 1;
                self.space();
            }
            let value = self.at;
            self.at = self.end_of_value()?;
            if !wanted(key, value..self.at) {
                return Some(());
            }
            self.space();
            match self.bytes.get(self.at)? {
                b',' => self.at += 1,
                b'}' | b']' => {}
                _ => return None,
            }
            number += 1;
        }
    }

    fn end_of_string(&self) -> Option<usize> {
        let mut at = self.at;
        (*self.bytes.get(at)? == b'"').then_some(())?;
        at += 1;
        loop {
            match self.bytes.get(at)? {
                b'"' => return Some(at + 1),
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
    }

    /// The end of the value here.
    fn end_of_value(&self) -> Option<usize> {
        let mut inner = Scan { bytes: self.bytes, at: self.at };
        let mut depth = 0_usize;
        loop {
            match inner.bytes.get(inner.at)? {
                b'"' => inner.at = inner.end_of_string()?,
                b'{' | b'[' => {
                    depth += 1;
                    inner.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    inner.at += 1;
                }
                b'/' => return None,
                b',' | b':' | b' ' | b'\n' | b'\r' | b'\t' if depth > 0 => {
                    inner.at += 1;
                    continue;
                }
                _ => {
                    let word = inner.bytes[inner.at..].iter();
                    let word =
                        word.take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.'));
                    let length = word.count();
                    inner.at += if length == 0 { return None } else { length };
                }
            }
            if depth == 0 {
                return Some(inner.at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::pointer;
    use super::*;
    use crate::diag::{At, Diagnostics, DocId};
    use crate::doc::{Node, Value, parse_json};

    /// Every value and key of a document has the pointer that the tree gives.
    fn check(text: &str) {
        let root = parse_json(DocId(0), text, &mut Diagnostics::new()).expect("JSON");
        let mut places = Vec::new();
        visit(&root, &mut places);
        for at in places {
            let found = pointer_in_text(text, at.start as usize..at.end as usize);
            assert_eq!(found, pointer(&root, at), "{at:?} of {text}");
            let outline = Outline::of(text).expect("JSON");
            assert_eq!(outline.pointer(text, at.start as usize..at.end as usize), found, "{at:?} of {text}");
        }
    }

    fn visit(node: &Node, places: &mut Vec<At>) {
        places.push(node.at);
        match &node.value {
            Value::Array(items) => items.iter().for_each(|item| visit(item, places)),
            Value::Object(object) => {
                for entry in object.iter() {
                    places.push(entry.key_at);
                    visit(&entry.value, places);
                }
            }
            _ => {}
        }
    }

    #[test]
    fn the_text_tells_what_the_tree_tells() {
        check(r#"{"a/b": [{"c": 1, "d~": "x\"]}"}, {"c": [[], {}, -2.5, null]}], "e\u0041": {"f": {}}}"#);
        check("[1, [2, [3]], \"\\\\\"]");
        check("7");
        assert_eq!(pointer_in_text("{\"a\": /* no */ 1}", 15..16), None);
        assert_eq!(pointer_in_text("{\"a\"", 1..2), None);
        assert!(Outline::of("{\"a\": [1, /* no */ 2]}").is_none() && Outline::of("{\"a\"").is_none());
    }
}
