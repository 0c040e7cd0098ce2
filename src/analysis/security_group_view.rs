//! Security group view: the groups of a machine's interfaces, with every rule that acts there.
//!
//! The older form of the effective rules: it names default rules in another way and shows the platform's own
//! last word on each side as a rule.

use super::effective::{self, EffectiveRuleView, IdView};
use super::subject::{self, AskError, Subject};
use super::words;
use crate::network::{AttachmentKind, Network};
use crate::trace::Spot;
use serde::Serialize;

/// The groups of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecurityGroupView {
    /// One for each interface.
    pub network_interfaces: Vec<InterfaceView>,
}

/// The groups of an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InterfaceView {
    /// The interface.
    pub id: String,
    /// What acts there.
    pub security_rule_associations: GroupAssociations,
}

/// What acts at an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupAssociations {
    /// The interface, where it has a group of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_interface_association: Option<IdView>,
    /// The subnet, where it has a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_association: Option<IdView>,
    /// Every rule, outbound first.
    pub effective_security_rules: Vec<EffectiveRuleView>,
    /// Why there may be others.
    #[serde(rename = "x-unknown", skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// The view of a machine or interface.
pub fn security_group_view(network: &Network, subject: &Subject) -> Result<SecurityGroupView, AskError> {
    let mut out = SecurityGroupView::default();
    for spot in &subject.spots {
        let Some(id) = subject::resource(network, *spot) else { continue };
        // Every address of an interface meets the same rules.
        if out.network_interfaces.iter().any(|view| view.id == id.as_str()) || !is_interface(network, *spot) {
            continue;
        }
        let one = Subject { text: subject.text.clone(), spots: vec![*spot] };
        let security_rule_associations = associations(network, &one)?;
        out.network_interfaces.push(InterfaceView { id: id.as_str().to_owned(), security_rule_associations });
    }
    Ok(out)
}

fn is_interface(network: &Network, spot: Spot) -> bool {
    matches!(spot, Spot::Attachment(id) if matches!(network.attachment(id).kind, AttachmentKind::Interface(_)))
}

fn associations(network: &Network, subject: &Subject) -> Result<GroupAssociations, AskError> {
    let groups = effective::effective_rules(network, subject, None)?;
    let mut out = GroupAssociations { unknown: groups.unknown, ..GroupAssociations::default() };
    let mut rules: Vec<EffectiveRuleView> = Vec::new();
    for group in groups.value {
        out.network_interface_association =
            out.network_interface_association.or(group.association.network_interface);
        out.subnet_association = out.subnet_association.or(group.association.subnet);
        out.unknown.extend(group.unknown);
        rules.extend(group.effective_security_rules);
    }
    let any = !rules.is_empty();
    for direction in ["Outbound", "Inbound"] {
        out.effective_security_rules.extend(any.then(|| last_word(direction)));
        let own = rules.iter().filter(|rule| rule.direction == direction);
        out.effective_security_rules.extend(own.map(|rule| EffectiveRuleView {
            name: words::rule_of_view(&rule.name),
            expanded_source_address_prefix: Vec::new(),
            expanded_destination_address_prefix: Vec::new(),
            ..rule.clone()
        }));
    }
    Ok(out)
}

/// What the platform does where no rule of a group matches.
fn last_word(direction: &'static str) -> EffectiveRuleView {
    let every = || vec!["*".to_owned()];
    let all = || "0-65535".to_owned();
    EffectiveRuleView {
        name: format!("Default{direction}DenyAll"),
        protocol: "All".into(),
        source_port_range: all(),
        destination_port_range: all(),
        source_port_ranges: vec![all()],
        destination_port_ranges: vec![all()],
        source_address_prefix: "*".into(),
        destination_address_prefix: "*".into(),
        source_address_prefixes: every(),
        destination_address_prefixes: every(),
        access: Some("Deny"),
        priority: 65500,
        direction,
        ..EffectiveRuleView::default()
    }
}
