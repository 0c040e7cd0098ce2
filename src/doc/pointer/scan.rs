//! The JSON pointer of a place, found in the text itself: for documents too large to be read into a tree a second time.

use std::ops::Range;

/// The pointer of the innermost value or key at a place in well-formed JSON; `None` where the text has comments, or
/// is no JSON on the way there.
pub fn pointer_in_text(text: &str, place: Range<usize>) -> Option<String> {
    let mut scan = Scan { bytes: text.as_bytes(), at: if text.starts_with('\u{feff}') { 3 } else { 0 } };
    let mut out = String::new();
    loop {
        scan.space();
        let start = scan.at;
        if start == place.start && scan.end_of_value()? == place.end {
            return Some(out);
        }
        match scan.step(&place)? {
            Some(step) => {
                out.push('/');
                out.push_str(&super::escape(&step.name(text)));
                if step.is_key {
                    return Some(out);
                }
                scan.at = step.value;
            }
            None => return Some(out),
        }
    }
}

/// A member of an object or list that holds the place.
struct Step {
    key: Result<Range<usize>, usize>,
    is_key: bool,
    value: usize,
}

impl Step {
    fn name(&self, text: &str) -> String {
        match &self.key {
            Ok(range) => {
                let quoted = &text[range.clone()];
                serde_json::from_str(quoted).unwrap_or_else(|_| quoted.trim_matches('"').to_owned())
            }
            Err(number) => number.to_string(),
        }
    }
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
        let open = *self.bytes.get(self.at)?;
        if !matches!(open, b'{' | b'[') {
            return Some(None);
        }
        self.at += 1;
        let mut number = 0;
        loop {
            self.space();
            if matches!(self.bytes.get(self.at)?, b'}' | b']') || self.at > place.start {
                return Some(None);
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
            let is_key = key.as_ref().is_ok_and(|k| k.start <= place.start && place.end <= k.end);
            if is_key || (value <= place.start && place.end <= self.at) {
                return Some(Some(Step { key, is_key, value }));
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
    }
}
