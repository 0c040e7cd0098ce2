//! Doors that others keep: security admin rules, access policies, DNS servers, switches of deployments and endpoints.

use super::super::change_text::{ChangeText, quoted, target_of};
use super::rules::{slug, unused};
use super::{Case, Means, Proposal};
use crate::inventory::{
    AdminRule, Direction, Id, MlDeployment, PrivateDnsZone, ResourceId, VirtualNetworkLink,
};
use crate::net::{IpAddr, Protocol};
use crate::network::{HOST_ADDRESS, identities_of};
use crate::trace::{self, Endpoint, Flow, Outcome};

/// What somebody should know who changes what a network manager enforces.
const CENTRAL: &str =
    "security admin rules belong to whoever governs the network; groups still decide afterwards";

impl Case<'_> {
    /// A security admin rule before the one that denies, for this flow; at last, no such rule.
    pub(super) fn admin_rules(&self) -> Vec<Proposal> {
        let inventory = &self.network.inventory;
        let (Some(header), Some(rule)) = (self.header, self.admin_rule()) else { return Vec::new() };
        let row = &inventory.admin_rules[rule];
        let Some(collection) = row.id.parent() else { return Vec::new() };
        let inbound = row.direction.known() == Some(&Direction::Inbound);
        let taken: Vec<i64> = inventory
            .admin_rules
            .iter()
            .filter(|other| other.id.is_within(collection.as_str()))
            .filter_map(|other| other.priority.known().copied())
            .collect();
        let denying = row.priority.known().copied().unwrap_or(1);
        let slot = (1..denying).rev().find(|p| !taken.contains(p));
        let mut found = Vec::new();
        let far = if inbound { header.source } else { header.destination };
        for (means, far) in self.far_ends(far).into_iter().filter(|(_, far)| far != "VirtualNetwork") {
            let Some(priority) = slot else { continue };
            let name = unused(&format!("allow-{}-{}", slug(&far), self.flow.port), |name| {
                !inventory.named(&format!("{}/{name}", collection.full_name())).is_empty()
            });
            let (source, destination) = if inbound { (&*far, "*") } else { ("*", &*far) };
            let side = if inbound { "Inbound" } else { "Outbound" };
            let end = |text: &str| {
                let kind = if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
                    "ServiceTag"
                } else {
                    "IPPrefix"
                };
                format!("[{{ addressPrefix: {}, addressPrefixType: {kind} }}]", quoted(text))
            };
            let mut changes = ChangeText::default();
            changes.add(
                "adminRules",
                &format!(
                    "{{ id: {}, priority: {priority}, direction: {side}, access: Allow, protocol: {}, sources: {}, destinations: {}, sourcePortRanges: ['0-65535'], destinationPortRanges: ['{}'] }}",
                    quoted(&format!("{}/rules/{name}", collection.as_str())),
                    self.flow.protocol.name(),
                    end(source),
                    end(destination),
                    header.port,
                ),
            );
            let text = format!(
                "allow {} {} {far} before `{}` of `{}`",
                self.ports(),
                if inbound { "in from" } else { "out to" },
                row.id.name(),
                collection.name()
            );
            found.push(Proposal::new(means, text, changes).mind(CENTRAL));
        }
        let mut changes = ChangeText::default();
        changes.set(&target_of(inventory, &row.id), "access", "Allow");
        let text = format!("let security groups decide what `{}` denies: access Allow", row.id.name());
        found.push(Proposal::new(Means::Removal, text, changes).mind(CENTRAL));
        found
    }

    fn admin_rule(&self) -> Option<Id<AdminRule>> {
        let evidence = &self.blocker.evidence;
        let (collection, name) = (evidence.resource.as_ref()?, evidence.name.as_deref()?);
        let rules = self.network.inventory.admin_rules.rows();
        let mut mine = rules.filter(|(_, rule)| {
            rule.id.name().eq_ignore_ascii_case(name) && rule.id.is_within(collection.as_str())
        });
        mine.next().map(|(id, _)| id)
    }

    /// An access policy of the vault for the caller.
    pub(super) fn access_policies(&self) -> Vec<Proposal> {
        let inventory = &self.network.inventory;
        let (Some(who), Some(vault)) = (&self.flow.identity, &self.blocker.evidence.resource) else {
            return Vec::new();
        };
        let keys = inventory.follow_any(who).map(|slot| identities_of(inventory, slot)).unwrap_or_default();
        let key = keys.first().cloned().unwrap_or_else(|| who.clone());
        let mut changes = ChangeText::default();
        let policy = format!("{{ objectId: {}, permissions: {{ secrets: [get, list] }} }}", quoted(&key));
        changes.append(&target_of(inventory, vault), "accessPolicies", &policy);
        let text = format!("give `{who}` an access policy of `{}` that reads secrets", vault.name());
        vec![Proposal::new(Means::Setting, text, changes)]
    }

    /// Whatever opens the question to a DNS server of one's own.
    pub(super) fn dns_servers(&self) -> Vec<Proposal> {
        let Some(vnet) = self.vnet() else { return Vec::new() };
        let servers = &self.network.inventory.virtual_networks[vnet].dns_servers.items;
        let own = [HOST_ADDRESS];
        let servers: &[IpAddr] = if servers.is_empty() { &own } else { servers };
        let mut found = Vec::new();
        for server in servers {
            let question = Flow {
                to: Endpoint::Address(*server),
                protocol: Protocol::Udp,
                port: 53,
                identity: None,
                action: None,
                path: None,
                scheme: None,
                ..self.flow.clone()
            };
            let trace = trace::trace(self.network, &question);
            if trace.outcome == Outcome::Blocked
                && let Some(case) = Case::new(self.network, &trace)
            {
                found.extend(case.against_the_blocker());
            }
        }
        found
    }

    /// The fallback of a zone link: names that it does not hold are asked on the internet.
    pub(super) fn fallback(&self) -> Vec<Proposal> {
        let inventory = &self.network.inventory;
        let zone = self.blocker.evidence.resource.as_ref().and_then(|id| inventory.row::<PrivateDnsZone>(id));
        let (Some(zone), Some(vnet)) = (zone, self.vnet()) else { return Vec::new() };
        let id = &inventory.private_dns_zones[zone].id;
        let leads = |link: &&VirtualNetworkLink| {
            let network = link.virtual_network.known().and_then(|r| inventory.follow(r).row());
            link.id.is_within(id.as_str()) && network == Some(vnet)
        };
        let links = inventory.zone_links.iter().filter(leads);
        let propose = |link: &VirtualNetworkLink| {
            let mut changes = ChangeText::default();
            changes.set(&target_of(inventory, &link.id), "resolutionPolicy", "NxDomainRedirect");
            let text = format!("let names that `{}` does not hold be asked on the internet", id.name());
            Proposal::new(Means::Setting, text, changes)
        };
        links.map(propose).collect()
    }

    /// The switch of a deployment that is isolated.
    pub(super) fn deployment_egress(&self) -> Vec<Proposal> {
        let inventory = &self.network.inventory;
        let named = inventory.follow_any(&self.flow.from.to_string()).and_then(|slot| inventory.id_of(slot));
        let ids = [self.blocker.evidence.resource.as_ref(), named];
        let deployment = ids.into_iter().flatten().find(|id| inventory.row::<MlDeployment>(id).is_some());
        let Some(id) = deployment else { return Vec::new() };
        let mut changes = ChangeText::default();
        changes.set(&target_of(inventory, id), "egressPublicNetworkAccess", "Enabled");
        let text = format!("give `{}` back its way out", id.name());
        vec![
            Proposal::new(Means::Removal, text, changes)
                .mind("the deployment reaches the whole internet then"),
        ]
    }

    /// The public endpoint of whatever refuses its own.
    pub(super) fn public_access(&self, id: &ResourceId) -> Proposal {
        let mut changes = ChangeText::default();
        changes.set(&target_of(&self.network.inventory, id), "publicNetworkAccess", "Enabled");
        let text = format!("enable public access of `{}`", id.name());
        Proposal::new(Means::Removal, text, changes)
    }
}
