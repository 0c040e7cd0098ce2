//! Host names that resources tell of themselves: in properties that Azure fills in, or that somebody sets for a custom
//! domain. Read as hosts, whether they are written bare or as a URL.

use super::builder::is_dns_name;
use super::read::{Read, Reader, Unknown};
use super::shape::Inside;
use crate::doc::{Node, Value};
use std::sync::Arc;

/// A property may tell this many names; beyond, nobody would look for one.
const MOST: usize = 256;

/// Levels below a property in which names are looked for.
const DEEPEST: usize = 4;

/// The host names in a property, lower case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToldNames(pub Vec<Arc<str>>);

impl Read for ToldNames {
    fn read(node: &Node, _: &mut Reader<'_>) -> Result<Self, Unknown> {
        if let Some(why) = node.why_unknown() {
            return Err(Unknown::new(node.at, why.clone()));
        }
        let mut out = Vec::new();
        gather(node, DEEPEST, &mut out);
        Ok(Self(out))
    }

    fn inside() -> Inside {
        Inside::Open
    }

    fn schema() -> serde_json::Value {
        serde_json::json!({})
    }
}

fn gather(node: &Node, deep: usize, out: &mut Vec<Arc<str>>) {
    match &node.value {
        Value::String(text) if out.len() < MOST => out.extend(host_in(text)),
        Value::Array(items) if deep > 0 => items.iter().for_each(|item| gather(item, deep - 1, out)),
        Value::Object(object) if deep > 0 => {
            object.iter().for_each(|entry| gather(&entry.value, deep - 1, out));
        }
        _ => {}
    }
}

/// The host in a text that is one, or a URL.
fn host_in(text: &str) -> Option<Arc<str>> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = host.split_once(':').map_or(host, |(host, _)| host).trim_end_matches('.');
    (host.len() <= 253 && is_dns_name(host)).then(|| host.to_ascii_lowercase().into())
}

/// The host names that a resource of a type that is not modelled tells of itself.
/// Also why it may have more, where a property that would tell them is not known.
pub(super) fn names_in(body: &Node) -> (Vec<Arc<str>>, Option<Unknown>) {
    let (mut out, mut untold) = (Vec::new(), None);
    below(body, DEEPEST, &mut out, &mut untold);
    out.sort_unstable();
    out.dedup();
    (out, untold)
}

fn below(node: &Node, deep: usize, out: &mut Vec<Arc<str>>, untold: &mut Option<Unknown>) {
    if deep == 0 {
        return;
    }
    match &node.value {
        Value::Array(items) => items.iter().for_each(|item| below(item, deep - 1, out, untold)),
        Value::Object(object) => {
            for entry in object.iter() {
                let names = is_name_word(&entry.key);
                let whole = entry.key.eq_ignore_ascii_case("properties");
                if let Some(why) = entry.value.why_unknown().filter(|_| names || whole) {
                    untold.get_or_insert_with(|| Unknown::new(entry.value.at, why.clone()));
                }
                match names {
                    true => gather(&entry.value, deep, out),
                    false => below(&entry.value, deep - 1, out, untold),
                }
            }
        }
        _ => {}
    }
}

/// Whether a property of this name holds host names of the resource itself.
fn is_name_word(word: &str) -> bool {
    const PARTS: &[&str] = &["domain", "endpoint", "fqdn", "hostname"];
    const WHOLE: &[&str] = &["dataIngestionUri", "hsmUri", "uri", "url"];
    let lower = word.to_ascii_lowercase();
    PARTS.iter().any(|part| lower.contains(part))
        || WHOLE.iter().any(|whole| whole.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_stand_bare_or_in_a_url() {
        let check = |text: &str, host: Option<&str>| assert_eq!(host_in(text).as_deref(), host, "{text}");
        check("Files.contoso.com", Some("files.contoso.com"));
        check("https://acc.z6.web.core.windows.net/", Some("acc.z6.web.core.windows.net"));
        check("https://cos-westeurope.documents.azure.com:443/", Some("cos-westeurope.documents.azure.com"));
        check("westeurope", None);
        check("10.0.0.4", None);
        check("a b.contoso.com", None);
        check("", None);
    }
}
