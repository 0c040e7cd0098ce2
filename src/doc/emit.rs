//! A value tree as YAML: short things on one line, long ones in blocks.

use super::node::{Node, Object, Value};
use std::fmt::Write;

/// The key under which an unknown value is written.
pub const UNKNOWN_KEY: &str = "$unknown";

/// Objects and lists that fit this many columns stand on one line.
const COLUMNS: usize = 110;

/// Writes a tree as a YAML document. Reading it again gives the same values; an unknown value is an object with
/// the one key [`UNKNOWN_KEY`].
pub fn emit_yaml(node: &Node) -> String {
    let mut out = String::new();
    match &node.value {
        Value::Object(object) if !object.is_empty() => entries(object, 0, &mut out),
        Value::Array(items) if !items.is_empty() => list(items, 0, &mut out),
        Value::Packed(packed) => list(packed.full(), 0, &mut out),
        _ => {
            flow(node, &mut out);
            out.push('\n');
        }
    }
    out
}

/// The entries of an object, a line each; the first continues the line that is begun.
fn entries(object: &Object, indent: usize, out: &mut String) {
    for (number, entry) in object.iter().enumerate() {
        if number > 0 {
            out.extend(std::iter::repeat_n(' ', indent));
        }
        let key = scalar(&entry.key);
        if is_long(&key) {
            let _ = writeln!(out, "? {key}");
            out.extend(std::iter::repeat_n(' ', indent));
        } else {
            out.push_str(&key);
        }
        out.push(':');
        value(&entry.value, indent, indent + entry.key.len() + 2, out);
    }
}

/// Whether a key must be marked as one: YAML looks for the colon of a plain one in 1,024 characters only.
fn is_long(key: &str) -> bool {
    key.chars().count() > 1_000
}

/// A value behind its key: on the line where it fits, else as a block.
fn value(node: &Node, indent: usize, column: usize, out: &mut String) {
    if let Value::Packed(_) = &node.value {
        return value(&node.unpacked(), indent, column, out);
    }
    let mut line = String::new();
    flow(node, &mut line);
    match &node.value {
        Value::Object(object) if !object.is_empty() && !fits(node, &line, column) => {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent + 2));
            entries(object, indent + 2, out);
        }
        Value::Array(items) if !items.is_empty() && !fits(node, &line, column) => {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent + 2));
            list(items, indent + 2, out);
        }
        _ => {
            out.push(' ');
            out.push_str(&line);
            out.push('\n');
        }
    }
}

fn list(items: &[Node], indent: usize, out: &mut String) {
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            out.extend(std::iter::repeat_n(' ', indent));
        }
        out.push_str("- ");
        let mut line = String::new();
        flow(item, &mut line);
        match &item.value {
            Value::Object(object) if !object.is_empty() && !fits(item, &line, indent + 2) => {
                entries(object, indent + 2, out);
            }
            Value::Array(inner) if !inner.is_empty() && !fits(item, &line, indent + 2) => {
                list(inner, indent + 2, out);
            }
            Value::Packed(packed) => list(packed.full(), indent + 2, out),
            _ => {
                out.push_str(&line);
                out.push('\n');
            }
        }
    }
}

/// Whether a value may stand on one line: it is short, and a list of objects is not hidden in it.
fn fits(node: &Node, line: &str, column: usize) -> bool {
    let objects = |items: &[Node]| items.iter().any(|i| i.as_object().is_some_and(|o| !o.is_empty()));
    let plain = match &node.value {
        Value::Array(items) => !objects(items),
        Value::Packed(_) => false,
        Value::Object(object) => object.iter().all(|e| !e.value.as_array().is_some_and(objects)),
        _ => true,
    };
    plain && column + line.chars().count() <= COLUMNS
}

fn flow(node: &Node, out: &mut String) {
    match &node.value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => {
            let _ = write!(out, "{truth}");
        }
        Value::Number(number) => {
            let _ = write!(out, "{number}");
        }
        Value::String(text) => out.push_str(&scalar(text)),
        Value::Unknown(why) => {
            let _ = write!(out, "{{ {UNKNOWN_KEY}: {} }}", quoted(why));
        }
        Value::Array(_) | Value::Packed(_) => {
            out.push('[');
            for (number, item) in node.as_array().unwrap_or_default().iter().enumerate() {
                out.push_str(if number == 0 { "" } else { ", " });
                flow(item, out);
            }
            out.push(']');
        }
        Value::Object(object) if object.is_empty() => out.push_str("{}"),
        Value::Object(object) => {
            out.push_str("{ ");
            for (number, entry) in object.iter().enumerate() {
                out.push_str(if number == 0 { "" } else { ", " });
                let key = scalar(&entry.key);
                let _ = if is_long(&key) { write!(out, "? {key} : ") } else { write!(out, "{key}: ") };
                flow(&entry.value, out);
            }
            out.push_str(" }");
        }
    }
}

/// A string, in quotes wherever some YAML reader could take it for something else.
fn scalar(text: &str) -> String {
    let safe = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'/' | b'-');
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '/' || c == '$')
        && text[1..].bytes().all(safe)
        && !KEYWORDS.iter().any(|k| k.eq_ignore_ascii_case(text));
    let dotted = text.bytes().filter(|b| *b == b'.').count() == 3
        && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'/'))
        && text.starts_with(|c: char| c.is_ascii_digit());
    if word || dotted { text.to_owned() } else { quoted(text) }
}

/// Words that YAML 1.1 or 1.2 takes for something other than a string.
const KEYWORDS: &[&str] = &["null", "true", "false", "yes", "no", "on", "off", "y", "n"];

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if (c as u32) < 0x20 || (0x7f..0xa0).contains(&(c as u32)) => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Diagnostics, DocId};
    use crate::doc::{parse_json, parse_yaml};

    /// Writes JSON as YAML, compares, and reads it back to the same values.
    fn check(json: &str, expected: &str) {
        let mut notes = Diagnostics::new();
        let node = parse_json(DocId(0), json, &mut notes).expect("json");
        let yaml = emit_yaml(&node);
        assert_eq!(yaml, expected, "{json}");
        let back = parse_yaml(DocId(0), &yaml, &mut notes).expect("the YAML reads");
        assert_eq!(back.to_string(), node.to_string(), "{yaml}");
    }

    #[test]
    fn short_things_stand_on_one_line() {
        check(r#"{"a": {"b": [1, true, null]}, "c": []}"#, "a: { b: [1, true, null] }\nc: []\n");
        check(
            r#"{"vnets": [{"name": "hub", "subnets": [{"name": "a", "prefix": "10.0.0.0/24"}]}]}"#,
            "vnets:\n  - name: hub\n    subnets:\n      - { name: a, prefix: 10.0.0.0/24 }\n",
        );
        check("[]", "[]\n");
        let long = "k".repeat(1_100);
        check(
            &format!(r#"{{"{long}": 1, "a": {{"{long}": [{{"b": 1}}]}}}}"#),
            &format!("? {long}\n: 1\na:\n  ? {long}\n  :\n    - {{ b: 1 }}\n"),
        );
        check("[[1], [[{\"a\": 1}]]]", "- [1]\n- [[{ a: 1 }]]\n");
    }

    #[test]
    fn strings_stay_strings() {
        check(
            r#"["no", "10", "1.5", "~", "", "a b", "a: b", "x#y", "*", "10.0.0.4", "1e3", "-", "é", "a\u0007b", "\u2028", "A", "N", "/x/y", "2020-01-01", "0x10", "a,b", "\"", "\\"]"#,
            "[\"no\", \"10\", \"1.5\", \"~\", \"\", \"a b\", \"a: b\", \"x#y\", \"*\", 10.0.0.4, \"1e3\", \"-\", \"é\", \"a\\x07b\", \"\\u2028\", A, \"N\", /x/y, \"2020-01-01\", \"0x10\", \"a,b\", \"\\\"\", \"\\\\\"]\n"
                .replace("[\"no\"", "- \"no\"").replace("]\n", "\n").replace(", ", "\n- ").as_str(),
        );
    }

    #[test]
    fn unknown_values_are_told() {
        let node = Node::built(Value::Unknown("parameter `x` has no value".into()));
        assert_eq!(emit_yaml(&node), "{ $unknown: \"parameter `x` has no value\" }\n");
    }
}
