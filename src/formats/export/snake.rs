//! Workspaces as `az ml` writes them: `public_network_access` where Azure says `publicNetworkAccess`.

use crate::doc::{Entry, Node, Object, Value};

/// Words whose values are written in the same way: `allow_only_approved_outbound`.
const WORDS: &[&str] = &["type", "isolation_mode"];

/// Whether a key is spelt with underscores, and is no column of Resource Graph.
pub(super) fn is_snake(key: &str) -> bool {
    key.contains('_') && !key.starts_with('_') && !key.starts_with("properties_")
}

/// The same with Azure's spelling, at every depth.
pub(super) fn to_camel(node: &Node) -> Node {
    match &node.value {
        Value::Packed(_) => to_camel(&node.unpacked()),
        Value::Array(items) => Node::array(node.at, items.iter().map(to_camel).collect()),
        Value::Object(object) => Node::object(node.at, keys(object)),
        _ => node.clone(),
    }
}

/// The object with Azure's spelling. Tags keep theirs.
pub(super) fn keys(object: &Object) -> Object {
    let entries = object.iter().map(|e| {
        let value = match &e.value.value {
            Value::String(text) if WORDS.contains(&&*e.key) && !text.contains('/') => {
                Node::string(e.value.at, camel(text))
            }
            _ if &*e.key == "tags" => e.value.clone(),
            _ => to_camel(&e.value),
        };
        Entry { key: camel(&e.key).into(), key_at: e.key_at, value }
    });
    entries.collect()
}

/// `isolation_mode` as `isolationMode`. Case is all the same afterwards.
fn camel(text: &str) -> String {
    let mut parts = text.split('_');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        out.extend(letters.next().map(|c| c.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}
