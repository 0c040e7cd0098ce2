//! Allow-lists in the languages that estates are written in: resources to copy, not estates.
//!
//! ARM is made first; Bicep is the same resources in other brackets. Terraform has resources of its own.

use crate::analysis::requirements::{
    FIRST, LAST, Line, Place, Requirements, STEP, Selector, Way, firewall_rules, group_name, nsg_protocol,
    port_words, rule_name,
};
use crate::net::Protocol;
use serde_json::{Map, Value as Json, json};

/// The lines of one place.
fn at<'a>(found: &'a Requirements, place: &Place) -> Vec<&'a Line> {
    found.lines.iter().filter(|line| line.place == *place).collect()
}

/// An ARM template with a security group for each subnet, a rule collection group for each firewall, and the outbound
/// rules of managed networks.
pub fn arm(found: &Requirements) -> String {
    let template = json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": parameters(found),
        "resources": resources(found)
    });
    format!("{template:#}\n")
}

/// What a template cannot know: the name of each firewall's policy.
fn parameters(found: &Requirements) -> Json {
    let firewall = |place: &&&Place| matches!(place, Place::Firewall(_));
    let all: Map<String, Json> = found
        .places()
        .iter()
        .filter(firewall)
        .map(|place| {
            let about = format!("Policy of the firewall {}", place.id().name());
            (policy_parameter(place), json!({ "type": "string", "metadata": { "description": about } }))
        })
        .collect();
    Json::Object(all)
}

fn policy_parameter(place: &Place) -> String {
    let name: String = place.id().name().chars().filter(char::is_ascii_alphanumeric).collect();
    format!("policyOf{name}")
}

fn resources(found: &Requirements) -> Vec<Json> {
    let mut all = Vec::new();
    for place in found.places() {
        let lines = at(found, place);
        match place {
            Place::Subnet(id) => all.push(json!({
                "type": "Microsoft.Network/networkSecurityGroups",
                "apiVersion": "2024-05-01",
                "name": group_name(id),
                "location": "[resourceGroup().location]",
                "properties": { "securityRules": security_rules(&lines) }
            })),
            Place::Firewall(_) => all.push(json!({
                "type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
                "apiVersion": "2024-05-01",
                "name": format!("[concat(parameters('{}'), '/required')]", policy_parameter(place)),
                "properties": { "priority": 100, "ruleCollections": rule_collections(&lines) }
            })),
            Place::ManagedNetwork(id) => all.extend(lines.iter().map(|line| {
                json!({
                    "type": "Microsoft.MachineLearningServices/workspaces/outboundRules",
                    "apiVersion": "2024-04-01",
                    "name": format!("{}/{}", id.name(), rule_name(line)),
                    "properties": managed_rule(line)
                })
            })),
        }
    }
    all
}

fn security_rules(lines: &[&Line]) -> Vec<Json> {
    let mut rules = Vec::new();
    for way in [Way::Outbound, Way::Inbound] {
        let own: Vec<&&Line> = lines.iter().filter(|line| line.way == way).collect();
        for (number, line) in own.iter().enumerate() {
            let far = line.selector.word();
            let (source, destination) =
                if way == Way::Outbound { ("*".to_owned(), far) } else { (far, "*".to_owned()) };
            rules.push(json!({ "name": rule_name(line), "properties": {
                "description": description(&line.why),
                "priority": FIRST + STEP * number,
                "direction": way.word(),
                "access": "Allow",
                "protocol": nsg_protocol(line.protocol),
                "sourceAddressPrefix": source,
                "sourcePortRange": "*",
                "destinationAddressPrefix": destination,
                "destinationPortRanges": port_words(&line.ports)
            } }));
        }
        if !own.is_empty() {
            let word = way.word();
            rules.push(
                json!({ "name": format!("deny-the-rest-{}", word.to_ascii_lowercase()), "properties": {
                "priority": LAST, "direction": word, "access": "Deny", "protocol": "*",
                "sourceAddressPrefix": "*", "sourcePortRange": "*",
                "destinationAddressPrefix": "*", "destinationPortRange": "*"
            } }),
            );
        }
    }
    rules
}

/// AZURE: descriptions of rules have at most 140 characters.
fn description(why: &str) -> String {
    match why.char_indices().nth(137) {
        Some((end, _)) if why.chars().count() > 140 => format!("{}...", &why[..end]),
        _ => why.to_owned(),
    }
}

fn rule_collections(lines: &[&Line]) -> Vec<Json> {
    let rules = firewall_rules(lines);
    let network: Vec<Json> = rules
        .network
        .iter()
        .map(|(name, protocols, sources, destination, ports)| {
            json!({ "ruleType": "NetworkRule", "name": name, "ipProtocols": protocols, "sourceAddresses": sources,
                "destinationAddresses": [destination], "destinationPorts": ports })
        })
        .collect();
    let application: Vec<Json> = rules
        .application
        .iter()
        .map(|(name, protocols, sources, names)| {
            let protocols: Vec<Json> =
                protocols.iter().map(|(p, port)| json!({ "protocolType": p, "port": port })).collect();
            json!({ "ruleType": "ApplicationRule", "name": name, "protocols": protocols, "sourceAddresses": sources,
                "targetFqdns": names })
        })
        .collect();
    let collection = |name: &str, priority: usize, rules: Vec<Json>| {
        json!({ "ruleCollectionType": "FirewallPolicyFilterRuleCollection", "name": name, "priority": priority,
            "action": { "type": "Allow" }, "rules": rules })
    };
    let mut all = Vec::new();
    if !network.is_empty() {
        all.push(collection("required-network", 200, network));
    }
    if !application.is_empty() {
        all.push(collection("required-names", 300, application));
    }
    all
}

fn managed_rule(line: &Line) -> Json {
    match &line.selector {
        Selector::PrivateEndpoint(id, group) => json!({ "type": "PrivateEndpoint", "category": "UserDefined",
            "destination": { "serviceResourceId": id.as_str(), "subresourceTarget": &**group, "sparkEnabled": false } }),
        Selector::Fqdn(host) => json!({ "type": "FQDN", "category": "UserDefined", "destination": &**host }),
        other => json!({ "type": "ServiceTag", "category": "UserDefined",
            "destination": { "serviceTag": other.word(), "protocol": managed_protocol(line.protocol),
                "portRanges": port_words(&line.ports).join(",") } }),
    }
}

fn managed_protocol(protocol: Option<Protocol>) -> &'static str {
    match protocol {
        None => "*",
        Some(Protocol::Udp) => "UDP",
        Some(_) => "TCP",
    }
}

/// The same as Bicep.
pub fn bicep(found: &Requirements) -> String {
    let mut out = String::new();
    for place in found.places().iter().filter(|place| matches!(place, Place::Firewall(_))) {
        out.push_str(&format!(
            "@description('Policy of the firewall {}')\nparam {} string\n\n",
            place.id().name().replace('\'', ""),
            policy_parameter(place)
        ));
    }
    for (number, resource) in resources(found).iter().enumerate() {
        let text = |key: &str| resource[key].as_str().unwrap_or_default();
        out.push_str(&format!(
            "resource required{} '{}@{}' = {{\n",
            number + 1,
            text("type"),
            text("apiVersion")
        ));
        let name = text("name");
        match name
            .strip_prefix("[concat(parameters('")
            .and_then(|rest| rest.strip_suffix("'), '/required')]"))
        {
            Some(parameter) => out.push_str(&format!("  name: '${{{parameter}}}/required'\n")),
            None => out.push_str(&format!("  name: {}\n", bicep_text(name))),
        }
        if !resource["location"].is_null() {
            out.push_str("  location: resourceGroup().location\n");
        }
        out.push_str("  properties: ");
        bicep_value(&mut out, &resource["properties"], 2);
        out.push_str("\n}\n\n");
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn bicep_value(out: &mut String, value: &Json, indent: usize) {
    let pad = " ".repeat(indent);
    match value {
        Json::Object(entries) => {
            out.push_str("{\n");
            for (key, value) in entries {
                out.push_str(&format!("{pad}  {key}: "));
                bicep_value(out, value, indent + 2);
                out.push('\n');
            }
            out.push_str(&format!("{pad}}}"));
        }
        Json::Array(items) if items.iter().all(|item| !item.is_object()) => {
            let items: Vec<String> =
                items.iter().map(|i| i.as_str().map_or(i.to_string(), bicep_text)).collect();
            out.push_str(&format!("[{}]", items.join(", ")));
        }
        Json::Array(items) => {
            out.push_str("[\n");
            for item in items {
                out.push_str(&format!("{pad}  "));
                bicep_value(out, item, indent + 2);
                out.push('\n');
            }
            out.push_str(&format!("{pad}]"));
        }
        Json::String(text) => out.push_str(&bicep_text(text)),
        other => out.push_str(&other.to_string()),
    }
}

fn bicep_text(text: &str) -> String {
    format!(
        "'{}'",
        text.replace('\\', "\\\\").replace('\'', "\\'").replace("${", "\\${").replace('\n', "\\n")
    )
}

/// The same as Terraform (azurerm).
pub fn terraform(found: &Requirements) -> String {
    let mut out = String::new();
    for place in found.places() {
        let lines = at(found, place);
        match place {
            Place::Subnet(id) => terraform_group(&mut out, &group_name(id), &lines),
            Place::Firewall(id) => terraform_firewall(&mut out, id.name(), &lines),
            Place::ManagedNetwork(id) => {
                lines.iter().for_each(|line| terraform_managed(&mut out, id.name(), line))
            }
        }
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn hcl(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace("${", "$${").replace("%{", "%%{");
    format!("\"{}\"", escaped.replace('\n', "\\n"))
}

fn hcl_list(words: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    format!("[{}]", words.into_iter().map(|w| hcl(w.as_ref())).collect::<Vec<_>>().join(", "))
}

/// A name as Terraform addresses it.
fn address(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    if plain.starts_with(|c: char| c.is_ascii_alphabetic()) { plain } else { format!("r_{plain}") }
}

fn terraform_group(out: &mut String, name: &str, lines: &[&Line]) {
    out.push_str(&format!("resource \"azurerm_network_security_group\" \"{}\" {{\n", address(name)));
    out.push_str(&format!("  name                = {}\n  location            = var.location\n  resource_group_name = var.resource_group_name\n", hcl(name)));
    for rule in security_rules(lines) {
        let property = |key: &str| rule["properties"][key].as_str().map(hcl);
        out.push_str(&format!(
            "\n  security_rule {{\n    name = {}\n",
            hcl(rule["name"].as_str().unwrap_or_default())
        ));
        out.push_str(&format!("    priority = {}\n", rule["properties"]["priority"]));
        for (theirs, ours) in [
            ("direction", "direction"),
            ("access", "access"),
            ("protocol", "protocol"),
            ("source_address_prefix", "sourceAddressPrefix"),
            ("source_port_range", "sourcePortRange"),
            ("destination_address_prefix", "destinationAddressPrefix"),
            ("destination_port_range", "destinationPortRange"),
            ("description", "description"),
        ] {
            if let Some(value) = property(ours) {
                out.push_str(&format!("    {theirs} = {value}\n"));
            }
        }
        if let Some(ports) = rule["properties"]["destinationPortRanges"].as_array() {
            let ports: Vec<&str> = ports.iter().filter_map(Json::as_str).collect();
            match ports[..] {
                ["*"] => out.push_str("    destination_port_range = \"*\"\n"),
                _ => out.push_str(&format!("    destination_port_ranges = {}\n", hcl_list(ports))),
            }
        }
        out.push_str("  }\n");
    }
    out.push_str("}\n\n");
}

fn terraform_firewall(out: &mut String, name: &str, lines: &[&Line]) {
    let rules = firewall_rules(lines);
    out.push_str(&format!(
        "resource \"azurerm_firewall_policy_rule_collection_group\" \"{}_required\" {{\n",
        address(name)
    ));
    out.push_str("  name               = \"required\"\n  firewall_policy_id = var.firewall_policy_id\n  priority           = 100\n");
    if !rules.network.is_empty() {
        out.push_str("\n  network_rule_collection {\n    name     = \"required-network\"\n    priority = 200\n    action   = \"Allow\"\n");
        for (name, protocols, sources, destination, ports) in &rules.network {
            out.push_str(&format!(
                "\n    rule {{\n      name = {}\n      protocols = {}\n      source_addresses = {}\n      destination_addresses = {}\n      destination_ports = {}\n    }}\n",
                hcl(name), hcl_list(protocols), hcl_list(sources), hcl_list([destination]), hcl_list(ports)
            ));
        }
        out.push_str("  }\n");
    }
    if !rules.application.is_empty() {
        out.push_str("\n  application_rule_collection {\n    name     = \"required-names\"\n    priority = 300\n    action   = \"Allow\"\n");
        for (name, protocols, sources, names) in &rules.application {
            out.push_str(&format!("\n    rule {{\n      name = {}\n", hcl(name)));
            for (protocol, port) in protocols {
                out.push_str(&format!(
                    "      protocols {{\n        type = {}\n        port = {port}\n      }}\n",
                    hcl(protocol)
                ));
            }
            out.push_str(&format!(
                "      source_addresses = {}\n      destination_fqdns = {}\n    }}\n",
                hcl_list(sources),
                hcl_list(names)
            ));
        }
        out.push_str("  }\n");
    }
    out.push_str("}\n\n");
}

fn terraform_managed(out: &mut String, workspace: &str, line: &Line) {
    let name = rule_name(line);
    let own = format!("{}_{}", address(workspace), address(&name));
    let kind = match &line.selector {
        Selector::PrivateEndpoint(..) => "private_endpoint",
        Selector::Fqdn(_) => "fqdn",
        _ => "service_tag",
    };
    out.push_str(&format!(
        "resource \"azurerm_machine_learning_workspace_network_outbound_rule_{kind}\" \"{own}\" {{\n  name         = {}\n  workspace_id = var.workspace_id\n",
        hcl(&name)
    ));
    match &line.selector {
        Selector::PrivateEndpoint(id, group) => out.push_str(&format!(
            "  service_resource_id = {}\n  sub_resource_target = {}\n",
            hcl(id.as_str()),
            hcl(group)
        )),
        Selector::Fqdn(host) => out.push_str(&format!("  destination_fqdn = {}\n", hcl(host))),
        other => out.push_str(&format!(
            "  service_tag = {}\n  protocol    = {}\n  port_ranges = {}\n",
            hcl(&other.word()),
            hcl(managed_protocol(line.protocol)),
            hcl(&port_words(&line.ports).join(","))
        )),
    }
    out.push_str("}\n\n");
}
