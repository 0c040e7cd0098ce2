//! Changes as text: lines of a change file that anybody can read, keep and apply.
//!
//! What-if and repairs do not reach into the tables. They write what a person could have written, so it takes the same
//! road as any change file, and a rule that decides has a line to show.

use crate::inventory::{Inventory, ResourceId, TableTag};
use std::net::IpAddr;

/// Lines of a change file, in order. Each is one item of its `changes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangeText {
    lines: Vec<String>,
}

impl ChangeText {
    /// Adds items to a list of a resource; `items` are flow mappings.
    pub fn append(&mut self, target: &str, list: &str, items: &str) -> &mut Self {
        self.line(format!("add: {{ target: {}, {list}: [{items}] }}", quoted(target)))
    }

    /// Adds resources to a section; `items` are flow mappings.
    pub fn add(&mut self, section: &str, items: &str) -> &mut Self {
        self.line(format!("add: {{ {section}: [{items}] }}"))
    }

    /// Sets a property to a value that is valid YAML.
    pub fn set(&mut self, target: &str, property: &str, value: &str) -> &mut Self {
        self.line(format!("set: {{ target: {}, {property}: {value} }}", quoted(target)))
    }

    /// Takes a resource or part away.
    pub fn remove(&mut self, target: &str) -> &mut Self {
        self.line(format!("remove: {}", quoted(target)))
    }

    /// Takes a resource away with every reference to it.
    pub fn detach(&mut self, target: &str) -> &mut Self {
        self.line(format!("remove: {{ target: {}, detach: true }}", quoted(target)))
    }

    /// Adds an item as somebody wrote it.
    pub fn line(&mut self, line: String) -> &mut Self {
        self.lines.push(line);
        self
    }

    /// Adds all lines of another.
    pub fn extend(&mut self, other: &ChangeText) -> &mut Self {
        self.lines.extend(other.lines.iter().cloned());
        self
    }

    /// The lines.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The change file, with a word on top about where it comes from.
    pub fn file(&self, about: &str) -> String {
        let mut out = String::new();
        for line in about.lines() {
            out.push_str(&format!("# {line}\n"));
        }
        out.push_str("netwhy: changes/1\nchanges:\n");
        for line in &self.lines {
            out.push_str(&format!("  - {line}\n"));
        }
        if self.lines.is_empty() {
            out.truncate(out.len() - 1);
            out.push_str(" []\n");
        }
        out
    }
}

/// A word as a YAML scalar: bare where it can be, else in double quotes.
pub fn quoted(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
        && !["true", "false", "null", "yes", "no", "on", "off"].contains(&&*text.to_ascii_lowercase());
    if plain { text.to_owned() } else { format!("{text:?}") }
}

/// What a change calls a resource: its name where that fits nothing else, else its id.
pub fn target_of(inventory: &Inventory, id: &ResourceId) -> String {
    let name = id.full_name();
    if inventory.named(&name).len() == 1 { name } else { id.as_str().to_owned() }
}

/// The section of estate files a kind of resource stands in.
pub fn section_of(table: TableTag) -> &'static str {
    TableTag::ALL.iter().find(|(tag, ..)| *tag == table).map_or("resources", |(.., section)| section)
}

/// An address as a prefix of its own.
pub fn host_prefix(ip: IpAddr) -> String {
    if ip.is_ipv4() { format!("{ip}/32") } else { format!("{ip}/128") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_bare_only_where_yaml_takes_them_for_text() {
        for (word, want) in [
            ("web-nsg/allow", "web-nsg/allow"),
            ("*", "\"*\""),
            ("10.0.0.0/24", "\"10.0.0.0/24\""),
            ("no", "\"no\""),
            ("a b", "\"a b\""),
            ("a\"b", "\"a\\\"b\""),
        ] {
            assert_eq!(quoted(word), want);
        }
    }

    #[test]
    fn a_file_holds_its_lines() {
        let mut text = ChangeText::default();
        assert_eq!(text.file("nothing"), "# nothing\nnetwhy: changes/1\nchanges: []\n");
        text.remove("web-nsg/allow").set("vnet/apps", "natGateway", "null");
        let want = "# two\nnetwhy: changes/1\nchanges:\n  - remove: web-nsg/allow\n  - set: { target: vnet/apps, natGateway: null }\n";
        assert_eq!(text.file("two"), want);
    }
}
