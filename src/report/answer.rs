//! An answer with Azure's field names as text: lists of alike things as tables, everything else as lines.

use super::layout::{Margin, Words, flow};
use super::style::{Paint, Style};
use super::table::{Cell, Fit, Table};
use serde::Serialize;
use serde_json::{Map, Value};

/// Cells of a table show this many items of a list.
const SHOWN: usize = 3;

/// Deeper than any answer goes.
const MAX_DEPTH: usize = 12;

/// Writes an answer.
pub fn text<T: Serialize>(out: &mut String, value: &T, style: &Style) {
    let value = serde_json::to_value(value).unwrap_or(Value::Null);
    let mut page = Page { out, style };
    match &value {
        Value::Object(fields) => page.fields(fields, 0),
        other => page.line(0, "", &said(other)),
    }
}

struct Page<'a> {
    out: &'a mut String,
    style: &'a Style,
}

impl Page<'_> {
    fn fields(&mut self, fields: &Map<String, Value>, depth: usize) {
        for (key, value) in fields {
            match value {
                Value::Array(items) if items.iter().any(Value::is_object) => self.list(key, items, depth),
                Value::Object(inner) if !inner.is_empty() && depth < MAX_DEPTH => {
                    self.line(depth, key, "");
                    self.fields(inner, depth + 1);
                }
                Value::Array(items) if items.is_empty() => {}
                Value::Object(_) | Value::Null => {}
                other => self.line(depth, key, &said(other)),
            }
        }
    }

    fn list(&mut self, key: &str, items: &[Value], depth: usize) {
        let flat = |v: &Value| match v {
            Value::Array(items) => !items.iter().any(Value::is_object),
            Value::Object(_) => false,
            _ => true,
        };
        let objects: Vec<&Map<String, Value>> = items.iter().filter_map(Value::as_object).collect();
        // What is the top of an answer needs no heading.
        if key != "value" {
            self.line(depth, key, "");
        }
        if objects.iter().all(|o| o.values().all(flat)) {
            self.table(&objects, depth + usize::from(key != "value"));
            return;
        }
        for object in objects {
            self.fields(object, depth + 1);
            self.out.push('\n');
        }
    }

    fn table(&mut self, rows: &[&Map<String, Value>], depth: usize) {
        let mut keys: Vec<&str> = Vec::new();
        for key in rows.iter().flat_map(|row| row.keys()) {
            if !keys.contains(&key.as_str()) {
                keys.push(key);
            }
        }
        let cell = |row: &Map<String, Value>, key: &str| row.get(key).map(said).unwrap_or_default();
        keys.retain(|key| rows.iter().any(|row| !cell(row, key).is_empty()));
        let mut table = Table::new(&vec![("", Fit::End); keys.len()]).bare();
        table.row(keys.iter().map(|key| Cell::new(Paint::Dim, key)).collect());
        for row in rows {
            table.row(keys.iter().map(|key| Cell::new(Paint::Plain, &cell(row, key))).collect());
        }
        table.write(self.out, self.style, 2 * depth);
    }

    fn line(&mut self, depth: usize, key: &str, text: &str) {
        let words = Words::default().piece(Paint::Name, key).text(Paint::Plain, text);
        flow(self.out, self.style, Margin::blank(2 * depth), &words);
    }
}

/// A value in a few words.
fn said(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let shown: Vec<String> = items.iter().take(SHOWN).map(said).collect();
            let more = items.len().saturating_sub(SHOWN);
            if more == 0 { shown.join(", ") } else { format!("{} (+{more})", shown.join(", ")) }
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(value: &Value, expected: &str) {
        let mut out = String::new();
        text(&mut out, value, &Style { width: 0, ..Style::default() });
        assert_eq!(out, expected);
    }

    #[test]
    fn tables_and_lines() {
        check(
            &json!({ "access": "Deny", "ruleName": "securityRules/no", "none": null }),
            "access Deny\nruleName securityRules/no\n",
        );
        check(
            &json!({ "value": [{ "state": "Active", "addressPrefix": ["10.0.0.0/16"] }, { "state": "Invalid", "addressPrefix": [] }] }),
            "addressPrefix  state\n10.0.0.0/16    Active\n               Invalid\n",
        );
    }
}
