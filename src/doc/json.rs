//! JSON as Azure Resource Manager accepts it: comments, line breaks in strings, trailing commas.

mod quick;

use super::MAX_DEPTH;
use super::node::{Entry, Node, Number, Object, Value};
use crate::diag::{At, Code, Diagnostic, Diagnostics, DocId};
use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::ParseErrorKind;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

/// Reads a JSON document. A document that is not JSON gives the diagnostic that says where.
pub fn parse_json(doc: DocId, text: &str, notes: &mut Diagnostics) -> Result<Node, Diagnostic> {
    parse(doc, text, false, notes)
}

/// The same, with long lists of objects packed ([`Value::Packed`]). For formats that know packed lists.
pub fn parse_json_packed(doc: DocId, text: &str, notes: &mut Diagnostics) -> Result<Node, Diagnostic> {
    parse(doc, text, true, notes)
}

fn parse(doc: DocId, text: &str, pack: bool, notes: &mut Diagnostics) -> Result<Node, Diagnostic> {
    if text.len() > u32::MAX as usize {
        return Err(Diagnostic::new(Code::TooLarge, At::NOWHERE, "the file is larger than 4 GiB"));
    }
    let offset = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let packed = if pack { quick::read(doc, text, offset, true) } else { None };
    match packed.or_else(|| quick::read(doc, text, offset, false)) {
        Some(root) => Ok(root),
        None => careful(doc, text, offset, notes),
    }
}

/// Reads what the quick reader gave up at, and says what is wrong with it.
fn careful(doc: DocId, text: &str, offset: usize, notes: &mut Diagnostics) -> Result<Node, Diagnostic> {
    let parsed = parse_to_ast(&text[offset..], &CollectOptions::default(), &ParseOptions::default());
    let parsed = parsed.map_err(|error| {
        let start = (error.range().start + offset) as u32;
        let at = At { doc, start, end: start + 1 };
        if matches!(error.kind(), ParseErrorKind::NestingDepthExceeded) {
            return Diagnostic::new(Code::TooDeep, at, super::too_deep());
        }
        Diagnostic::new(
            Code::Syntax,
            at,
            format!("not well-formed JSON: {}", lower(&error.kind().to_string())),
        )
    })?;
    let Some(value) = parsed.value else {
        return Err(Diagnostic::new(Code::Syntax, At { doc, start: 0, end: 0 }, "the document is empty"));
    };
    Reader { doc, offset, notes }.read(value, 0)
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).collect::<String>().trim_end_matches('.').to_owned()
}

struct Reader<'n> {
    doc: DocId,
    offset: usize,
    notes: &'n mut Diagnostics,
}

impl Reader<'_> {
    fn at(&self, node: &impl Ranged) -> At {
        let range = node.range();
        At { doc: self.doc, start: (range.start + self.offset) as u32, end: (range.end + self.offset) as u32 }
    }

    fn read(&mut self, value: ast::Value<'_>, depth: usize) -> Result<Node, Diagnostic> {
        let at = self.at(&value);
        if depth > MAX_DEPTH {
            return Err(Diagnostic::new(Code::TooDeep, at, super::too_deep()));
        }
        let value = match value {
            ast::Value::NullKeyword(_) => Value::Null,
            ast::Value::BooleanLit(lit) => Value::Bool(lit.value),
            ast::Value::NumberLit(lit) => number(lit.value).ok_or_else(|| {
                Diagnostic::new(Code::Syntax, at, format!("`{}` is not a number", lit.value))
            })?,
            ast::Value::StringLit(lit) => Value::String(lit.value.into()),
            ast::Value::Array(array) => {
                let items = array.elements.into_iter().map(|e| self.read(e, depth + 1));
                Value::Array(items.collect::<Result<Vec<_>, _>>()?.into())
            }
            ast::Value::Object(object) => Value::Object(self.object(object, depth)?.into()),
        };
        Ok(Node { at, value })
    }

    fn object(&mut self, object: ast::Object<'_>, depth: usize) -> Result<Object, Diagnostic> {
        let mut out = Object::new();
        let mut seen = hashbrown::HashSet::with_capacity(object.properties.len());
        for property in object.properties {
            let key_at = self.at(&property.name);
            let key = property.name.into_string();
            let value = self.read(property.value, depth + 1)?;
            if seen.insert(key.to_ascii_lowercase()) {
                out.push(Entry { key: key.into(), key_at, value });
            } else {
                let message = format!("the key `{key}` stands here a second time");
                self.notes.push(Diagnostic::new(Code::DuplicateKey, key_at, message));
                out.set(key, key_at, value);
            }
        }
        Ok(out)
    }
}

fn number(text: &str) -> Option<Value> {
    let text = text.trim_start_matches('+');
    if let Ok(int) = text.parse() {
        return Some(Value::Number(Number::Int(int)));
    }
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    if let Some(int) = hex.and_then(|h| i64::from_str_radix(h, 16).ok()) {
        return Some(Value::Number(Number::Int(int)));
    }
    text.parse().ok().filter(|f: &f64| f.is_finite()).map(|f| Value::Number(Number::Float(f)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let mut notes = Diagnostics::new();
        let got = match parse_json(DocId(0), text, &mut notes) {
            Ok(node) => node.to_string(),
            Err(diagnostic) => format!("{}@{}", diagnostic.code.name(), diagnostic.at.start),
        };
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn reads_what_azure_reads() {
        check(r#"{"a": [1, 2.5, -3, true, null], "b": "x"}"#, r#"{"a":[1,2.5,-3,true,null],"b":"x"}"#);
        check("{ // note\n \"a\": \"x\ny\", /* c */ }", r#"{"a":"x\ny"}"#);
        check("\u{feff}[1]", "[1]");
        check(r#"{"a":1,"A":2}"#, r#"{"a":2}"#);
    }

    /// The quick reader gives the tree of the careful one, or nothing.
    fn same(text: &str) -> bool {
        let offset = if text.starts_with('\u{feff}') { 3 } else { 0 };
        let mut notes = Diagnostics::new();
        let careful = careful(DocId(3), text, offset, &mut notes);
        let mut read = false;
        for pack in [false, true] {
            if let Some(quick) = quick::read(DocId(3), text, offset, pack) {
                assert_eq!(careful.as_ref(), Ok(&quick), "{text}");
                assert_eq!(careful.as_ref(), Ok(&quick.unpacked()), "{text}");
                assert!(notes.is_empty(), "the careful reader has something to say of {text}");
                read = true;
            }
        }
        read
    }

    #[test]
    fn both_readers_give_the_same_tree() {
        for text in [
            r#"{"a": [1, 2.5, -3, true, null, false, 0, -0.5e3], "b": "x\ny\u00e9\/", "c": {}, "d": [[], [{}]]}"#,
            "\u{feff}// a note\n[1, /* é */ 2,\n]",
            r#"{"é": "\\", "ü": "a\"b", "B": "b",}"#,
            "{ \"a\": \"x\ny\", }",
        ] {
            assert!(same(text), "{text}");
        }
        for text in [
            "{'a': 1}",
            r#"{"a": 1, "A": 2}"#,
            "[01]",
            "[+1]",
            "[0x1]",
            "[1 2]",
            "{",
            "[\"a]",
            "[\"\\x\"]",
            "[\"\\ud800\"]",
            "",
            "[1]]",
            "[1e999]",
            "[1.]",
            "[.5]",
            "{a: 1}",
            "[-]",
            "[1234567890123456789012]",
        ] {
            assert!(!same(text), "{text}");
        }
    }

    #[test]
    fn packed_lists_say_the_same() {
        let rule = |name: &str| format!(r#"{{"name": "{name}", "list": [{{"x": 1}}, {{"y": [2]}}]}}"#);
        let rules = |names: &[&str]| names.iter().map(|n| rule(n)).collect::<Vec<_>>().join(",\n ");
        let text = format!(
            r#"{{"groups": [{{"rules": [{}]}}, {{"rules": [{}]}}, {{"rules": [{}, 7]}}]}}"#,
            rules(&["a", "b", "c", "a", "d", "a"]),
            rules(&["b", "b", "e", "b", "d"]),
            rules(&["b", "b", "e", "b", "d"]),
        );
        assert!(same(&text));
        let root = parse_json_packed(DocId(3), &text, &mut Diagnostics::new()).expect("JSON");
        let groups = root.get("groups").and_then(Node::as_array).expect("groups");
        let Some(Value::Packed(packed)) = groups[0].get("rules").map(|n| n.value.clone()) else {
            panic!("packed")
        };
        assert_eq!((packed.len(), packed.shapes()), (6, 5));
        let places: Vec<&str> =
            packed.iter().map(|item| &text[item.at.start as usize..item.at.end as usize]).collect();
        assert_eq!(places[3], rule("a"));
        assert!(!matches!(groups[2].get("rules").map(|n| &n.value), Some(Value::Packed(_))));
        let unknown = text.replace("\"x\": 1", "\"$unknown\": \"why\"");
        let root = parse_json_packed(DocId(3), &unknown, &mut Diagnostics::new()).expect("JSON");
        let groups = root.get("groups").and_then(Node::as_array).expect("groups");
        assert!(!matches!(groups[0].get("rules").map(|n| &n.value), Some(Value::Packed(_))));
        same(&unknown);
    }

    #[test]
    fn refuses_the_rest_with_a_place() {
        check("", "syntax@0");
        check("{\"a\": }", "syntax@6");
        check(&"[".repeat(100_000), "too-deep@512");
        check(&format!("{}{}", "[".repeat(300), "]".repeat(300)), "too-deep@257");
    }
}
