//! What Azure makes beside a compute with a public address, and no template names: the address and the security group.

use crate::analysis::change_text::{ChangeText, quoted, target_of};
use crate::inventory::Field;
use crate::network::{AttachmentKind, Network};

/// Changes that stand for what Azure will make, and the computes they are for.
///
/// AZURE: a compute instance or cluster gets a public address unless `enableNodePublicIp` says no, behind a security
/// group that lets the service's callers in (how-to-secure-training-vnet, read 2024-04-08).
pub fn stand_ins(network: &Network) -> (ChangeText, Vec<String>) {
    let mut text = ChangeText::default();
    let mut names = Vec::new();
    for attachment in &network.attachments {
        let AttachmentKind::Compute(id) = attachment.kind else { continue };
        let compute = &network.inventory.ml_computes[id];
        let kind = compute.compute_type.known().map(|kind| kind.to_ascii_lowercase());
        let own = matches!(kind.as_deref(), Some("computeinstance" | "amlcompute"));
        let public = matches!(compute.enable_node_public_ip, Field::Absent | Field::Known(true));
        let told = !compute.public_ip_address.is_absent() || !compute.network_security_group.is_absent();
        if !own || !public || told {
            continue;
        }
        let name = compute.id.name();
        let (address, group) = (quoted(&format!("{name}-azure-ip")), quoted(&format!("{name}-azure-nsg")));
        let target = target_of(&network.inventory, &compute.id);
        text.add("publicIPAddresses", &format!("{{ name: {address}, sku: Standard }}"));
        text.add("networkSecurityGroups", &format!("{{ name: {group}, securityRules: [{RULES}] }}"));
        text.set(&target, "publicIPAddress", &address);
        text.set(&target, "networkSecurityGroup", &group);
        names.push(name.to_owned());
    }
    (text, names)
}

/// What the automatic group lets in.
const RULES: &str = "{ name: AzureMachineLearning, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, \
    sourceAddressPrefix: AzureMachineLearning, sourcePortRange: \"*\", destinationAddressPrefix: \"*\", \
    destinationPortRange: 44224 }, { name: BatchNodeManagement, priority: 110, direction: Inbound, access: Allow, \
    protocol: Tcp, sourceAddressPrefix: BatchNodeManagement, sourcePortRange: \"*\", destinationAddressPrefix: \"*\", \
    destinationPortRange: 29876-29877 }";
