//! What a document is, told from its content.

use crate::diag::{Diagnostics, DocId};
use crate::doc::{Node, parse_json, parse_yaml};
use crate::formats::{change, native};
use crate::scenario;
use crate::tags::ServiceTags;
use std::fmt;
use std::path::Path;

/// What a document is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Our own estate file.
    Estate,
    /// A scenario.
    Scenario,
    /// A change file.
    Changes,
    /// A template of Azure Resource Manager.
    Template,
    /// Parameters of a template.
    Parameters,
    /// Microsoft's service tags.
    ServiceTags,
    /// Something else; what it looks like.
    Unknown(&'static str),
    /// It is not well-formed; a diagnostic says where.
    Unreadable,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Estate => "an estate file",
            Self::Scenario => "a scenario",
            Self::Changes => "a change file",
            Self::Template => "a template of Azure Resource Manager",
            Self::Parameters => "a parameter file",
            Self::ServiceTags => "a service tag file",
            Self::Unknown(what) => what,
            Self::Unreadable => "not readable",
        })
    }
}

/// Parses a document: JSON where it begins like JSON, else YAML. What is wrong goes to `notes`.
pub fn parse(doc: DocId, text: &str, notes: &mut Diagnostics) -> Option<Node> {
    let begins = text.trim_start();
    let result = if begins.starts_with(['{', '[', '/']) {
        let mut yaml_notes = Diagnostics::new();
        parse_json(doc, text, notes).or_else(|fault| {
            // YAML's flow style begins like JSON; where it is neither, the JSON fault is the better hint.
            let yaml = parse_yaml(doc, text, &mut yaml_notes).map_err(|_| fault)?;
            notes.extend(yaml_notes);
            Ok(yaml)
        })
    } else {
        parse_yaml(doc, text, notes)
    };
    result.map_err(|fault| notes.push(fault)).ok()
}

/// Tells what a document is. The path serves only for hints.
pub fn recognise(root: &Node, path: &Path) -> Kind {
    if native::is_estate(root) {
        Kind::Estate
    } else if scenario::is_scenario(root) {
        Kind::Scenario
    } else if change::is_changes(root) {
        Kind::Changes
    } else if ServiceTags::is_published(root) {
        Kind::ServiceTags
    } else if let Some(kind) = super::import::azure_kind(root) {
        kind
    } else {
        Kind::Unknown(looks_like(root, path))
    }
}

fn looks_like(root: &Node, path: &Path) -> &'static str {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    let has = |keys: &[&str]| keys.iter().all(|key| root.get(key).is_some());
    match () {
        () if extension == "bicep" => "Bicep source; `bicep build` makes the JSON template that is read here",
        () if extension == "tf" => "Terraform source; `terraform show -json` makes what is read here",
        () if root.get("netwhy").is_some() => "a netwhy file of a kind that this version does not know",
        () if has(&["format_version", "planned_values"]) => "a Terraform plan",
        () if has(&["terraform_version", "resources"]) => "a Terraform state",
        () if NATIVE_WORDS.iter().any(|word| root.get(word).is_some()) => {
            "perhaps an estate file, but it does not begin with `netwhy: estate/1`"
        }
        () if root.as_str().is_some() => "plain text",
        () => "nothing that is read here",
    }
}

/// Sections that tell an estate file without its first line.
const NATIVE_WORDS: &[&str] = &["virtualNetworks", "networkSecurityGroups", "flows"];
