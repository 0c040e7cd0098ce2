//! Estates as text, resource by resource: our own file as YAML or JSON, or an export of Azure Resource Manager.
//!
//! Nothing is kept beyond the resource at hand, so memory does not grow with the estate.

use crate::doc::{Entry, Node, Object, Value, emit_yaml};
use crate::inventory::{RawResource, ResourceId, TableTag};
use crate::services::service_kind;
use std::fmt::Write as _;
use std::io::{self, Write};

/// How an estate is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Our own file, as YAML.
    Yaml,
    /// Our own file, as JSON.
    Json,
    /// What `az` and the REST interface answer: a list of resources with their ids and properties.
    Arm,
}

/// Writes resources that come kind by kind.
pub struct Writer<W> {
    out: W,
    format: Format,
    section: Option<&'static str>,
    text: String,
    written: u64,
}

impl<W: Write> Writer<W> {
    /// Begins an estate; `title` says what it is, for people.
    pub fn begin(mut out: W, format: Format, title: &str) -> io::Result<Self> {
        match format {
            Format::Yaml => write!(out, "netwhy: estate/1\nname: \"{title}\"\n")?,
            Format::Json => write!(out, "{{\"netwhy\":\"estate/1\",\"name\":\"{title}\"")?,
            Format::Arm => write!(out, "{{\"value\":[")?,
        }
        Ok(Self { out, format, section: None, text: String::new(), written: 0 })
    }

    /// Writes a resource. Those of one section must come together.
    pub fn resource(&mut self, raw: &RawResource) -> io::Result<()> {
        self.text.clear();
        match self.format {
            Format::Arm => {
                self.text.push_str(if self.written == 0 { "\n" } else { ",\n" });
                json(&exported(raw), &mut self.text);
            }
            Format::Json => {
                let first = self.enter(section_of(&raw.id));
                self.text.push_str(if first { "\n" } else { ",\n" });
                json(&flat(raw), &mut self.text);
            }
            Format::Yaml => {
                self.enter(section_of(&raw.id));
                for (number, line) in emit_yaml(&flat(raw)).lines().enumerate() {
                    let _ = writeln!(self.text, "{}{line}", if number == 0 { "  - " } else { "    " });
                }
            }
        }
        self.written += 1;
        self.out.write_all(self.text.as_bytes())
    }

    /// Begins a section where another was open; tells whether it did.
    fn enter(&mut self, section: &'static str) -> bool {
        if self.section == Some(section) {
            return false;
        }
        let had = self.section.replace(section).is_some();
        match self.format {
            Format::Yaml => {
                let _ = writeln!(self.text, "{section}:");
            }
            _ => {
                self.text.push_str(if had { "\n],\n" } else { ",\n" });
                let _ = write!(self.text, "\"{section}\":[");
            }
        }
        true
    }

    /// Ends the estate and gives back what was written to.
    pub fn end(mut self) -> io::Result<W> {
        match (self.format, self.section) {
            (Format::Yaml, _) => {}
            (Format::Json, None) => self.out.write_all(b"}\n")?,
            (Format::Json, Some(_)) => self.out.write_all(b"\n]}\n")?,
            (Format::Arm, _) => self.out.write_all(b"\n]}\n")?,
        }
        Ok(self.out)
    }

    /// How many resources were written.
    pub fn written(&self) -> u64 {
        self.written
    }
}

fn section_of(id: &ResourceId) -> &'static str {
    let kind = id.kind();
    match TableTag::of(&kind) {
        TableTag::PlatformService => service_kind(&kind).map_or("resources", |s| s.section),
        tag => TableTag::ALL.iter().find(|(t, ..)| *t == tag).map_or("resources", |(.., section)| section),
    }
}

/// A resource as an export has it.
fn exported(raw: &RawResource) -> Node {
    let mut object = Object::new();
    super::value::put(&mut object, "id", raw.id.as_str());
    super::value::put(&mut object, "name", raw.id.name());
    super::value::put(&mut object, "type", raw.id.kind());
    entries(&raw.body).for_each(|entry| object.push(entry.clone()));
    super::value::ToNode::node(object)
}

/// A resource as our own file has it: no `properties`, names instead of ids.
fn flat(raw: &RawResource) -> Node {
    let mut object = Object::new();
    super::value::put(&mut object, "name", raw.id.full_name());
    super::value::put(&mut object, "subscription", raw.id.subscription().unwrap_or_default());
    super::value::put(&mut object, "resourceGroup", raw.id.resource_group().unwrap_or_default());
    flatten(&raw.body, &mut object);
    super::value::ToNode::node(object)
}

fn entries(node: &Node) -> impl Iterator<Item = &Entry> {
    node.as_object().into_iter().flat_map(Object::iter)
}

fn flatten(node: &Node, out: &mut Object) {
    for entry in entries(node) {
        match &*entry.key {
            // Containers of one list whose name our own file leaves out.
            "properties" | "addressSpace" | "dhcpOptions" => flatten(&entry.value, out),
            _ => out.push(Entry { value: short(&entry.value), ..entry.clone() }),
        }
    }
}

fn short(node: &Node) -> Node {
    match &node.value {
        Value::Object(object) => match (object.len(), object.get("id")) {
            (1, Some(id)) => short(id),
            _ => {
                let mut out = Object::new();
                flatten(node, &mut out);
                super::value::ToNode::node(out)
            }
        },
        Value::Packed(_) => short(&node.unpacked()),
        Value::Array(items) => Node::array(node.at, items.iter().map(short).collect()),
        Value::String(text) if text.starts_with("/subscriptions/") => {
            let id = ResourceId::new(text);
            let own = TableTag::of(&id.kind()) != TableTag::Unmodelled;
            if own { Node::string(node.at, id.full_name()) } else { node.clone() }
        }
        _ => node.clone(),
    }
}

/// Compact JSON, with a line for each item of a list of objects, so that a place in the file is a line.
pub(super) fn json(node: &Node, out: &mut String) {
    match &node.value {
        Value::Null | Value::Unknown(_) => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => {
            let _ = write!(out, "{number}");
        }
        Value::String(text) => quoted(text, out),
        Value::Packed(_) => json(&node.unpacked(), out),
        Value::Array(items) => {
            let lines = items.len() > 1 && items[0].as_object().is_some();
            out.push('[');
            for (number, item) in items.iter().enumerate() {
                out.push_str(if number == 0 { "" } else { "," });
                out.push_str(if lines { "\n" } else { "" });
                json(item, out);
            }
            out.push(']');
        }
        Value::Object(object) => {
            out.push('{');
            for (number, entry) in object.iter().enumerate() {
                out.push_str(if number == 0 { "" } else { "," });
                quoted(&entry.key, out);
                out.push(':');
                json(&entry.value, out);
            }
            out.push('}');
        }
    }
}

fn quoted(text: &str, out: &mut String) {
    let plain = |b: u8| b >= 0x20 && b != b'"' && b != b'\\';
    if text.bytes().all(plain) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::Value::String(text.to_owned()).to_string());
    }
}
