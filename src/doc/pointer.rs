//! From a place back to its JSON pointer.

mod scan;

pub use scan::Outline;

use super::node::{Node, Value};
use super::packed::Packed;
use crate::diag::At;

/// The JSON pointer of the innermost value or key that starts at `at`, within the tree of its document.
pub fn pointer(root: &Node, at: At) -> Option<String> {
    if root.at.doc != at.doc {
        return None;
    }
    let mut out = String::new();
    let mut here = root;
    loop {
        if here.at.start == at.start && here.at.end == at.end {
            return Some(out);
        }
        let next = match &here.value {
            Value::Object(object) => object.iter().find_map(|e| {
                let key = e.key_at.start <= at.start && at.end <= e.key_at.end && e.key_at.doc == at.doc;
                (key || holds(&e.value, at)).then(|| (escape(&e.key), &e.value))
            }),
            Value::Packed(packed) => {
                // Only the item wanted is made.
                let mut items = packed.iter().enumerate();
                let found = items.find(|(_, item)| item.at.start <= at.start && at.end <= item.at.end);
                let Some((number, item)) = found.filter(|_| here.at.doc == at.doc) else { return Some(out) };
                let inner = pointer(&Packed::one(&item), at).unwrap_or_default();
                return Some(format!("{out}/{number}{inner}"));
            }
            Value::Array(items) => {
                items.iter().enumerate().find(|(_, n)| holds(n, at)).map(|(i, n)| (i.to_string(), n))
            }
            _ => None,
        };
        let Some((step, node)) = next else { return Some(out) };
        out.push('/');
        out.push_str(&step);
        here = node;
        if !holds(here, at) {
            return Some(out);
        }
    }
}

fn holds(node: &Node, at: At) -> bool {
    node.at.doc == at.doc && node.at.start <= at.start && at.end <= node.at.end
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Diagnostics, DocId};

    #[test]
    fn finds_values_and_keys() {
        let text = r#"{"a/b": [{"c": 1}, {"c": 22}]}"#;
        let root = super::super::parse_json(DocId(0), text, &mut Diagnostics::new()).expect("json");
        let start = text.find("22").expect("in the text") as u32;
        let at = At { doc: DocId(0), start, end: start + 2 };
        assert_eq!(pointer(&root, at).as_deref(), Some("/a~1b/1/c"));
        assert_eq!(pointer(&root, root.at).as_deref(), Some(""));
    }
}
