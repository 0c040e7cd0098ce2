//! Small values that fields hold: addresses, ports, words.

use super::read::{Read, Reader, Unknown, text_of as text};
use crate::diag::Code;
use crate::doc::{Node, Value};
use crate::net::{
    AddressSet, IpAddr, IpNet, PortRange, Protocol, ProtocolMatch, parse_addresses, parse_prefix,
};
use serde_json::{Value as Json, json};
use std::sync::Arc;

impl Read for IpNet {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Result<Self, Unknown> {
        let text = text(node, reader)?;
        parse_prefix(&text).ok_or_else(|| {
            reader.bad(Code::BadValue, node.at, format!("`{text}` is not an address prefix"), None)
        })
    }

    fn schema() -> Json {
        json!({ "type": "string", "examples": ["10.0.0.0/16", "2001:db8::/48"] })
    }
}

impl Read for IpAddr {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Result<Self, Unknown> {
        let text = text(node, reader)?;
        let bare = text.trim().strip_suffix("/32").unwrap_or(text.trim());
        bare.parse()
            .map_err(|_| reader.bad(Code::BadValue, node.at, format!("`{text}` is not an IP address"), None))
    }

    fn schema() -> Json {
        json!({ "type": "string", "examples": ["10.0.0.4"] })
    }
}

/// What an address field of a rule or route may hold. One word in memory, and what it says once for a whole estate.
#[derive(Clone, Debug, PartialEq)]
pub struct AddressWord(Arc<AddressText>);

/// What an [`AddressWord`] says.
#[derive(Debug, PartialEq)]
pub struct AddressText {
    /// As written.
    pub text: Arc<str>,
    /// What it means.
    pub means: AddressMeaning,
}

impl std::ops::Deref for AddressWord {
    type Target = AddressText;
    fn deref(&self) -> &AddressText {
        &self.0
    }
}

/// The meaning of an [`AddressWord`].
#[derive(Clone, Debug, PartialEq)]
pub enum AddressMeaning {
    /// `*`, `Any`, `0.0.0.0/0`: every address (NSG-15).
    Any,
    /// A prefix, an address or a range.
    Addresses(AddressSet),
    /// A service tag by name.
    Tag(Arc<str>),
}

impl AddressWord {
    /// The meaning of a word as Azure reads it.
    pub fn parse(text: &str) -> Option<AddressWord> {
        let trimmed = text.trim();
        let any = trimmed == "*" || trimmed.eq_ignore_ascii_case("any");
        let means = if any {
            AddressMeaning::Any
        } else if let Some(set) = parse_addresses(trimmed) {
            AddressMeaning::Addresses(set)
        } else if is_tag(trimmed) {
            AddressMeaning::Tag(trimmed.into())
        } else {
            return None;
        };
        Some(AddressWord(Arc::new(AddressText { text: trimmed.into(), means })))
    }
}

/// Whether a word has the shape of a service tag: letters first, then letters, digits, dots, dashes.
fn is_tag(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

/// What rules that are resources call the ends of their range.
pub(super) const FIRST_ADDRESS: &[&str] = &["startIpAddress", "startIP", "startIPv6Address"];
pub(super) const LAST_ADDRESS: &[&str] = &["endIpAddress", "endIP", "endIPv6Address"];

/// The address of a rule that is an object: the range of its ends, or what its kind of service calls it. `None` where
/// it has none, or does something else than let in.
fn address_of_rule(rule: &Node, reader: &mut Reader<'_>) -> Option<Result<AddressWord, Unknown>> {
    let member = |keys: &[&str]| {
        let inner = rule.get("properties");
        keys.iter()
            .find_map(|k| inner.and_then(|p| p.get(k)).or_else(|| rule.get(k)))
            .filter(|n| !n.is_null())
    };
    if let Some(action) = member(&["action"]) {
        let lets_in = |text: &str| ["Allow", "Accept"].iter().any(|w| w.eq_ignore_ascii_case(text));
        if !action.as_str().is_some_and(lets_in) {
            return Some(Err(Unknown::new(action.at, "what an address rule that does not say Allow does")));
        }
    }
    if let (Some(low), Some(high)) = (member(FIRST_ADDRESS), member(LAST_ADDRESS)) {
        let (low, high) = (text(low, reader), text(high, reader));
        let range = low.and_then(|low| Ok(format!("{low}-{}", high?)));
        return Some(range.and_then(|range| AddressWord::read(&Node::string(rule.at, range), reader)));
    }
    member(&["ipMask", "value", "ipAddressOrRange"]).map(|n| AddressWord::read(n, reader))
}

impl Read for AddressWord {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Result<Self, Unknown> {
        if node.as_object().is_some()
            && let Some(read) = address_of_rule(node, reader)
        {
            return read;
        }
        let text = text(node, reader)?;
        reader.memo.word(&text).ok_or_else(|| {
            let message = format!("`{text}` is neither an address, a prefix nor a service tag");
            reader.bad(Code::BadValue, node.at, message, None)
        })
    }

    fn schema() -> Json {
        json!({ "type": "string", "description": "address, prefix, service tag or *" })
    }
}

impl Read for PortRange {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Result<Self, Unknown> {
        let text = text(node, reader)?;
        PortRange::parse(&text).ok_or_else(|| {
            reader.bad(Code::BadValue, node.at, format!("`{text}` is not a port or range of ports"), None)
        })
    }

    fn schema() -> Json {
        json!({ "type": ["string", "integer"], "examples": ["443", "1000-2000", "*"] })
    }
}

impl Read for ProtocolMatch {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Result<Self, Unknown> {
        let text = text(node, reader)?;
        if text.eq_ignore_ascii_case("all") {
            return Ok(ProtocolMatch::ANY);
        }
        ProtocolMatch::parse(&text).ok_or_else(|| {
            let help = "one of Tcp, Udp, Icmp, Esp, Ah, *".to_owned();
            reader.bad(Code::BadValue, node.at, format!("`{text}` is not a protocol"), Some(help))
        })
    }

    fn schema() -> Json {
        json!({ "enum": ["Tcp", "Udp", "Icmp", "Esp", "Ah", "*"] })
    }
}

impl Read for Protocol {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Result<Self, Unknown> {
        let text = text(node, reader)?;
        Protocol::parse(&text).ok_or_else(|| {
            let help = "one of Tcp, Udp, Icmp, Esp, Ah".to_owned();
            reader.bad(Code::BadValue, node.at, format!("`{text}` is not a protocol"), Some(help))
        })
    }

    fn schema() -> Json {
        json!({ "enum": ["Tcp", "Udp", "Icmp", "Esp", "Ah"] })
    }
}

/// A managed identity block: `{ type, principalId, userAssignedIdentities }`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ManagedIdentity {
    /// Whether a system-assigned identity exists.
    pub system_assigned: bool,
    /// Its object id, where the source tells it.
    pub principal_id: Option<Arc<str>>,
    /// Ids of user-assigned identities.
    pub user_assigned: Vec<Arc<str>>,
}

impl Read for ManagedIdentity {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Result<Self, Unknown> {
        if let Some(why) = node.why_unknown() {
            return Err(Unknown::new(node.at, why.clone()));
        }
        if node.as_object().is_none() {
            return Err(reader.bad(Code::WrongType, node.at, "an identity is an object".into(), None));
        }
        let kind = node.get("type").and_then(Node::as_str).unwrap_or_default().to_ascii_lowercase();
        let user = node.get("userAssignedIdentities");
        let user_assigned = match user.map(|n| &n.value) {
            Some(Value::Object(object)) => object.iter().map(|e| e.key.clone()).collect(),
            Some(Value::Array(items)) => items.iter().filter_map(Node::as_str).map(Into::into).collect(),
            _ => Vec::new(),
        };
        Ok(Self {
            system_assigned: kind.contains("systemassigned"),
            principal_id: node.get("principalId").and_then(Node::as_str).map(Into::into),
            user_assigned,
        })
    }

    fn inside() -> super::shape::Inside {
        super::shape::Inside::Open
    }

    fn schema() -> Json {
        json!({ "type": "object", "properties": {
            "type": { "type": "string", "examples": ["SystemAssigned", "UserAssigned"] },
            "principalId": { "type": "string" },
            "userAssignedIdentities": {}
        } })
    }
}
