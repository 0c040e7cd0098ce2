//! What a file is, told from its content.
//!
//! Input: a file's name, its text and, where it is JSON or YAML, its value tree. Output: one word for the
//! format that reads it, or what it looks like and the command that turns it into something readable. The
//! name counts only where the content tells nothing.

use super::export::{self, ExportKind};
use super::{change, native, what_if};
use crate::diag::{At, Code, Diagnostic};
use crate::doc::Node;
use crate::inventory::ResourceId;
use crate::tags::ServiceTags;

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detected {
    /// A template of Azure Resource Manager, also one compiled from Bicep.
    ArmTemplate,
    /// A parameter file of such a template.
    ArmParameters,
    /// Our own estate file.
    EstateFile,
    /// Our own scenario file.
    ScenarioFile,
    /// Our own change file.
    ChangeFile,
    /// Microsoft's service tags.
    ServiceTags,
    /// An export of running resources.
    Export(ExportKind),
    /// `terraform show -json` of a plan.
    TerraformPlan,
    /// `terraform show -json` of a state, or a state file.
    TerraformState,
    /// The result of a deployment's what-if.
    WhatIfResult,
    /// A flow log of a network security group or virtual network.
    FlowLog,
    /// Bicep source, which has to be compiled.
    BicepSource,
    /// A Bicep parameter file, which has to be compiled.
    BicepParameters,
    /// Terraform source, which has to be planned.
    TerraformSource,
    /// A plan as Terraform saves it, which has to be shown.
    TerraformBinaryPlan,
    /// Nothing that can be read.
    Unknown {
        /// What it looks like, as the end of a sentence.
        looks_like: String,
    },
}

/// Tells what a file is. `parsed` is its value tree if it is JSON or YAML.
pub fn detect(name: &str, text: &str, parsed: Option<&Node>) -> Detected {
    if text.starts_with("PK\u{3}\u{4}") && is_saved_plan(name, text) {
        return Detected::TerraformBinaryPlan;
    }
    if let Some(found) = source(name, text, parsed) {
        return found;
    }
    match parsed.filter(|n| n.as_object().is_some() || n.as_array().is_some()) {
        Some(node) => document(node).unwrap_or_else(|| Detected::Unknown { looks_like: guess(node) }),
        None => Detected::Unknown { looks_like: guess_text(text).to_owned() },
    }
}

/// Whether an archive is a saved plan, by its name or by the names of the files in it.
fn is_saved_plan(name: &str, text: &str) -> bool {
    let head = text.char_indices().nth(4096).map_or(text, |(at, _)| &text[..at]);
    let is_named = has_extension(name, &["tfplan", "plan", "out"]) || name.eq_ignore_ascii_case("tfplan");
    is_named || head.contains("tfplan") || head.contains("tfstate")
}

fn has_extension(name: &str, extensions: &[&str]) -> bool {
    let end = name.rsplit('.').next().unwrap_or_default();
    name.contains('.') && extensions.iter().any(|e| e.eq_ignore_ascii_case(end))
}

/// Source text that only its own compiler understands.
fn source(name: &str, text: &str, parsed: Option<&Node>) -> Option<Detected> {
    let tree = parsed.is_some_and(|n| n.as_object().is_some() || n.as_array().is_some());
    if tree {
        return None;
    }
    let lines = || text.lines().map(str::trim_start).take(2_000);
    let starts = |words: &[&str]| lines().any(|line| words.iter().any(|w| line.starts_with(w)));
    if has_extension(name, &["bicepparam"])
        || lines().any(|l| l.starts_with("using '") && l.contains(".bicep"))
    {
        return Some(Detected::BicepParameters);
    }
    let bicep = || lines().any(|l| is_declaration(l, &["resource", "module"], '\''));
    if has_extension(name, &["bicep"]) || starts(&["targetScope ="]) || bicep() {
        return Some(Detected::BicepSource);
    }
    let terraform = || {
        starts(&["terraform {"])
            || lines().any(|l| {
                ["resource \"", "data \"", "module \"", "provider \"", "variable \""]
                    .iter()
                    .any(|w| l.starts_with(w) && l.trim_end().ends_with('{'))
            })
    };
    (has_extension(name, &["tf", "tfvars", "hcl"]) || terraform()).then_some(Detected::TerraformSource)
}

/// `WORD name 'type'`: a declaration of Bicep.
fn is_declaration(line: &str, words: &[&str], quote: char) -> bool {
    let mut parts = line.split_whitespace();
    parts.next().is_some_and(|first| words.contains(&first))
        && parts.next().is_some()
        && parts.next().is_some_and(|third| third.starts_with(quote))
}

fn document(node: &Node) -> Option<Detected> {
    let own = node.get("netwhy").and_then(Node::as_str);
    if native::is_estate(node) {
        return Some(Detected::EstateFile);
    }
    if own.is_some_and(|v| v.starts_with("scenario/")) {
        return Some(Detected::ScenarioFile);
    }
    if change::is_changes(node) {
        return Some(Detected::ChangeFile);
    }
    if own.is_some() {
        return None;
    }
    if ServiceTags::is_published(node) {
        return Some(Detected::ServiceTags);
    }
    terraform(node)
        .or_else(|| arm(node))
        .or_else(|| what_if::looks_like_one(node).then_some(Detected::WhatIfResult))
        .or_else(|| is_flow_log(node).then_some(Detected::FlowLog))
        .or_else(|| export::kind(node).map(Detected::Export))
}

fn terraform(node: &Node) -> Option<Detected> {
    let has = |key: &str| node.get(key).is_some();
    if has("format_version") {
        let plan = ["planned_values", "resource_changes", "prior_state"].iter().any(|k| has(k));
        return match (plan, has("values")) {
            (true, _) => Some(Detected::TerraformPlan),
            (false, true) => Some(Detected::TerraformState),
            (false, false) => is_empty_state(node).then_some(Detected::TerraformState),
        };
    }
    let saved = has("terraform_version") && node.get("version").and_then(Node::as_int).is_some();
    (saved && (has("resources") || has("modules"))).then_some(Detected::TerraformState)
}

/// What `terraform show -json` writes where nothing is deployed.
fn is_empty_state(node: &Node) -> bool {
    let known = ["format_version", "terraform_version", "checks"];
    node.as_object().is_some_and(|o| o.iter().all(|e| known.contains(&&*e.key)))
}

fn arm(node: &Node) -> Option<Detected> {
    let schema = node.get("$schema").and_then(Node::as_str).unwrap_or_default().to_ascii_lowercase();
    if schema.contains("deploymentparameters.json") {
        return Some(Detected::ArmParameters);
    }
    let template = schema.contains("deploymenttemplate.json");
    let versioned = node.get("contentVersion").is_some();
    if template || (versioned && node.get("resources").is_some()) {
        return Some(Detected::ArmTemplate);
    }
    (versioned && node.get("parameters").is_some()).then_some(Detected::ArmParameters)
}

fn is_flow_log(node: &Node) -> bool {
    let first = node.get("records").and_then(Node::as_array).and_then(<[Node]>::first);
    first.is_some_and(|r| {
        r.get("flowRecords").is_some()
            || r.path("properties.flows").is_some()
            || r.get("category").and_then(Node::as_str).is_some_and(|c| c.ends_with("FlowEvent"))
    })
}

/// Documents of other tools that people point a network tool at, by keys that give them away.
const STRANGERS: &[(&[&str], &str)] = &[
    (&["netwhy"], "a file of this program in a version or kind that it does not know"),
    (&["hub", "spokes"], "a drawing of hub and spokes by another tool, without subnets and peerings"),
    (&["apiVersion", "kind", "metadata"], "a Kubernetes manifest"),
    (&["AWSTemplateFormatVersion"], "an AWS CloudFormation template"),
    (&["policyRule"], "an Azure Policy definition"),
    (&["handler", "view"], "a portal form of an Azure application"),
    (&["handler", "parameters"], "a portal form of an Azure application"),
    (&["deployment", "version"], "a Pulumi stack"),
    (&["jobs", "on"], "a GitHub workflow"),
    (&["stages"], "a pipeline definition"),
    (&["runs", "version"], "a SARIF report"),
    (&["services"], "a Compose file"),
    (
        &["@level", "@message"],
        "log lines of `terraform plan -json`; `terraform show -json PLAN` gives what is needed",
    ),
    (&["error"], "an error answer of a command, not its result"),
    (&["responses"], "answers of a batch call without status and content"),
    (
        &["ipRules", "virtualNetworkRules"],
        "the network rules of a service without the service itself; `az resource show --ids ID` tells both",
    ),
    (
        &["virtualMachine"],
        "addresses of machines as `az vm list-ip-addresses` prints them; `az network nic list` and `az network public-ip list` can be read",
    ),
    (
        &["RoleAssignmentId"],
        "role assignments as PowerShell writes them; `az role assignment list --all` can be read",
    ),
    (&["VaultUri", "ResourceId"], "a key vault as PowerShell writes it; `az keyvault show` can be read"),
    (&["Resources"], "an AWS CloudFormation template"),
];

fn guess(node: &Node) -> String {
    let Some(object) = node.as_object() else {
        let first = node.as_array().and_then(<[Node]>::first);
        let is_id = first.and_then(Node::as_str).is_some_and(ResourceId::looks_like_one);
        let known =
            first.filter(|f| f.as_object().is_some()).map(guess).filter(|g| !g.contains("with the keys"));
        return match is_id {
            true => "a list of resource ids; `az resource show --ids ID...` tells what they are".to_owned(),
            false => known.unwrap_or_else(|| "a list of items without Azure resource ids".to_owned()),
        };
    };
    let known = STRANGERS.iter().find(|(keys, _)| keys.iter().all(|k| object.get(k).is_some()));
    if let Some((_, what)) = known {
        return (*what).to_owned();
    }
    let keys: Vec<&str> = object.iter().map(|e| &*e.key).take(4).collect();
    match keys.is_empty() {
        true => "an empty document".to_owned(),
        false => format!("a document with the keys `{}`", keys.join("`, `")),
    }
}

fn guess_text(text: &str) -> &'static str {
    let start = text.trim_start();
    if start.is_empty() {
        return "an empty file";
    }
    if start.contains("\u{1b}[") {
        return "the coloured output of a terminal; `--output json` gives what is needed";
    }
    if let Some(table) = guess_table(start) {
        return table;
    }
    if is_lines(start) {
        return "several JSON documents in one file; one list of them can be read (`jq -s . FILE`)";
    }
    match start.as_bytes() {
        [b'{' | b'[', ..] if start.contains("\"@level\"") => {
            "log lines of `terraform plan -json`; `terraform show -json PLAN` gives what is needed"
        }
        [b'{' | b'[', ..] => "JSON that is not well formed",
        [b'<', ..] => "XML or HTML",
        [b'P', b'K', 3, 4, ..] => "an archive",
        _ if start.contains('\0') => "binary data",
        _ => "plain text",
    }
}

/// Tables for people: what `az` prints with `--output table` or `tsv`, and what a portal saves.
fn guess_table(text: &str) -> Option<&'static str> {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let second = lines.next().unwrap_or_default();
    let is_rule = second.starts_with("---") && second.chars().all(|c| c == '-' || c == ' ');
    if is_rule || (first.contains('\t') && first.contains("/subscriptions/")) {
        return Some("a table for people; `--output json` gives what is needed");
    }
    let mut columns = first.split(',').map(|c| c.trim_matches(['"', ' ', '\u{feff}']).to_ascii_lowercase());
    let is_csv = first.matches(',').count() > 1
        && columns.any(|c| ["id", "name", "resource id", "type"].contains(&&*c));
    (is_csv && !first.starts_with(['{', '['])).then_some(
        "a table with commas, as a portal saves it; `az graph query -q QUERY` gives what is needed",
    )
}

/// Whether every line is a JSON document of its own.
fn is_lines(text: &str) -> bool {
    let whole = |line: &str| line.starts_with('{') && line.trim_end().ends_with('}');
    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).take(20);
    lines.next().is_some_and(whole) && lines.next().is_some_and(whole) && lines.all(whole)
}

impl Detected {
    /// What to call it.
    pub fn label(&self) -> &str {
        match self {
            Self::ArmTemplate => "an ARM template",
            Self::ArmParameters => "a parameter file of an ARM template",
            Self::EstateFile => "an estate file",
            Self::ScenarioFile => "a scenario file",
            Self::ChangeFile => "a change file",
            Self::ServiceTags => "a service tag file",
            Self::Export(kind) => kind.label(),
            Self::TerraformPlan => "a Terraform plan",
            Self::TerraformState => "a Terraform state",
            Self::WhatIfResult => "the result of a what-if deployment",
            Self::FlowLog => "a flow log",
            Self::BicepSource => "Bicep source",
            Self::BicepParameters => "a Bicep parameter file",
            Self::TerraformSource => "Terraform source",
            Self::TerraformBinaryPlan => "a saved Terraform plan",
            Self::Unknown { looks_like } => looks_like,
        }
    }

    /// For a file that cannot be read as it is: what it is, and the command that makes it readable.
    pub fn refusal(&self, name: &str, at: At) -> Option<Diagnostic> {
        let help = match self {
            Self::BicepSource => format!("compile it: `az bicep build --file {name} --stdout > template.json`"),
            Self::BicepParameters => format!(
                "compile it: `az bicep build-params --file {name} --stdout > deployment.json`, which holds the template too"
            ),
            Self::TerraformSource => {
                "plan it: `terraform plan -out tfplan && terraform show -json tfplan > plan.json`".to_owned()
            }
            Self::TerraformBinaryPlan => format!("show it: `terraform show -json {name} > plan.json`"),
            Self::Unknown { .. } => "what can be read: ARM templates, exports of `az`, Resource Graph and Network Watcher, `terraform show -json`, and estate files, which begin with `netwhy: estate/1`".to_owned(),
            _ => return None,
        };
        let message = format!("`{name}` cannot be read as it is: it looks like {}", self.label());
        Some(Diagnostic::new(Code::UnknownFormat, at, message).help(help))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Diagnostics, DocId};
    use crate::doc::{parse_json, parse_yaml};

    fn check(name: &str, text: &str, expected: &str) {
        let mut notes = Diagnostics::new();
        let json = parse_json(DocId(0), text, &mut notes).ok();
        let node = json.or_else(|| parse_yaml(DocId(0), text, &mut notes).ok());
        let found = detect(name, text, node.as_ref());
        let help = found.refusal(name, At::NOWHERE).and_then(|d| d.help).unwrap_or_default();
        let command = help.split('`').nth(1).filter(|_| !matches!(found, Detected::Unknown { .. }));
        let got = [found.label(), command.unwrap_or_default()].join("|");
        assert_eq!(got.trim_end_matches('|'), expected, "{name}: {text}");
    }

    #[test]
    fn content_decides() {
        let schema = "https://schema.management.azure.com/schemas/2019-04-01";
        check(
            "x",
            &format!(r#"{{"$schema":"{schema}/deploymentTemplate.json#","resources":[]}}"#),
            "an ARM template",
        );
        check(
            "x",
            &format!(r#"{{"$schema":"{schema}/deploymentParameters.json#"}}"#),
            "a parameter file of an ARM template",
        );
        check("x", r#"{"contentVersion":"1.0.0.0","resources":[]}"#, "an ARM template");
        check("x", "netwhy: estate/1\n", "an estate file");
        check("x", "netwhy: scenario/1\n", "a scenario file");
        check("x", "netwhy: changes/1\n", "a change file");
        check("x", "netwhy: other/1\n", "a file of this program in a version or kind that it does not know");
        check(
            "x",
            r#"{"changeNumber":1,"values":[{"name":"A","properties":{"addressPrefixes":[]}}]}"#,
            "a service tag file",
        );
        check("x", r#"{"format_version":"1.2","planned_values":{}}"#, "a Terraform plan");
        check("x", r#"{"format_version":"1.0","values":{}}"#, "a Terraform state");
        check("x", r#"{"version":4,"terraform_version":"1.5.0","resources":[]}"#, "a Terraform state");
        check("x", r#"{"status":"Succeeded","changes":[]}"#, "the result of a what-if deployment");
        check(
            "x",
            r#"{"changes":[{"resourceId":"/x","changeType":"Create"}]}"#,
            "the result of a what-if deployment",
        );
        check("x", r#"{"records":[{"category":"FlowLogFlowEvent","flowRecords":{}}]}"#, "a flow log");
        check("x", r#"{"value":[]}"#, "a list of exported resources");
    }

    #[test]
    fn sources_name_their_compiler() {
        check("a.bicep", "", "Bicep source|az bicep build --file a.bicep --stdout > template.json");
        check(
            "a.txt",
            "param x string\nresource v 'Microsoft.Network/virtualNetworks@2023-09-01' = {\n}",
            "Bicep source|az bicep build --file a.txt --stdout > template.json",
        );
        check(
            "a.bicepparam",
            "using './main.bicep'",
            "a Bicep parameter file|az bicep build-params --file a.bicepparam --stdout > deployment.json",
        );
        let terraform =
            "Terraform source|terraform plan -out tfplan && terraform show -json tfplan > plan.json";
        check("main.tf", "# nothing", terraform);
        check("x", "resource \"azurerm_subnet\" \"a\" {\n}", terraform);
        check(
            "a.tfplan",
            "PK\u{3}\u{4}\u{0}",
            "a saved Terraform plan|terraform show -json a.tfplan > plan.json",
        );
        check("a.bicep", r#"{"value":[]}"#, "a list of exported resources");
    }

    #[test]
    fn strangers_are_named() {
        check(
            "x",
            r#"{"hub":{},"spokes":[]}"#,
            "a drawing of hub and spokes by another tool, without subnets and peerings",
        );
        check("x", "apiVersion: v1\nkind: Pod\nmetadata: {}\n", "a Kubernetes manifest");
        check("x", r#"{"a":1,"b":2}"#, "a document with the keys `a`, `b`");
        check("x", "{}", "an empty document");
        check("x", "[7]", "a list of items without Azure resource ids");
        check("x", "", "an empty file");
        check("x", "{\"a\": ", "JSON that is not well formed");
        check("x", "<html>", "XML or HTML");
        check(
            "x",
            "[\"/subscriptions/s/resourceGroups/g/providers/A.B/c/d\"]",
            "a list of resource ids; `az resource show --ids ID...` tells what they are",
        );
        check(
            "x",
            r#"[{"RoleAssignmentId":"/providers/x"}]"#,
            "role assignments as PowerShell writes them; `az role assignment list --all` can be read",
        );
        check(
            "x",
            "\u{1b}[37m[\u{1b}[39;49;00m {}]",
            "the coloured output of a terminal; `--output json` gives what is needed",
        );
        let table = "a table for people; `--output json` gives what is needed";
        check("x", "Name    Location\n------  ----------\nv       westeurope\n", table);
        check("x", "/subscriptions/s/resourceGroups/g\tv\n", table);
        check(
            "x",
            "NAME,TYPE,LOCATION\nv,x,y\n",
            "a table with commas, as a portal saves it; `az graph query -q QUERY` gives what is needed",
        );
        check(
            "x",
            "{\"a\":1}\n{\"a\":2}\n",
            "several JSON documents in one file; one list of them can be read (`jq -s . FILE`)",
        );
    }

    #[test]
    fn shared_files_are_what_they_are() {
        let root = format!("{}/../shared/data", env!("CARGO_MANIFEST_DIR"));
        for (folder, fits) in [
            ("arm", &["an ARM template", "a parameter file of an ARM template"][..]),
            ("flow-logs", &["a flow log"]),
            ("service-tags", &["a service tag file"]),
            ("terraform", &["a Terraform plan", "a Terraform state"]),
        ] {
            let Ok(files) = std::fs::read_dir(format!("{root}/{folder}")) else {
                println!("skipped: the shared files of {folder} are not here");
                continue;
            };
            for path in files.filter_map(|f| f.ok().map(|f| f.path())) {
                #[expect(clippy::disallowed_methods, reason = "a test reads its data")]
                let text = std::fs::read_to_string(&path).expect("a file");
                let node = parse_json(DocId(0), &text, &mut Diagnostics::new()).expect("JSON");
                let found = detect("x", &text, Some(&node));
                assert!(fits.contains(&found.label()), "{path:?}: {found:?}");
            }
        }
    }
}
