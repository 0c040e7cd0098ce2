//! Doors of services: private endpoints with their names, service firewalls, roles.

use super::super::change_text::{ChangeText, quoted, target_of};
use super::rules::{slug, unused};
use super::{Case, Means, Proposal};
use crate::inventory::{
    ConnectionStatus, Id, MlEndpoint, PlatformService, PrivateDnsZone, PrivateDnsZoneGroup, PrivateEndpoint,
    Slot, Subnet, TableTag, VirtualNetwork,
};
use crate::network::{AttachmentKind, normal_region, target_of as target_of_endpoint};
use crate::services::{EndpointKind, ServiceKind};
use crate::trace::Cause;

/// What somebody should know who opens a public endpoint.
const OPENS: &str = "this opens the public endpoint to whomever the service's firewall lets in";

impl Case<'_> {
    /// A private endpoint with its names, a rule of the service's firewall, or the public endpoint.
    pub(super) fn service_doors(&self) -> Vec<Proposal> {
        let Some((service, _, kind)) = self.service() else { return self.endpoint_door() };
        let mut found: Vec<Proposal> = self.private_endpoint().into_iter().collect();
        found.extend(self.endpoint_door());
        let by_firewall = matches!(self.blocker.cause, Cause::ServiceFirewallDeny | Cause::DnsZoneNotLinked);
        if by_firewall {
            found.extend(self.subnet_rule(service, kind));
            found.extend(self.address_rule(service));
        }
        let id = &self.network.inventory.services[service].id;
        if self.blocker.cause == Cause::PublicAccessDisabled {
            found.push(self.public_access(id).mind(OPENS));
        }
        if self.blocker.cause == Cause::ServiceFirewallDeny {
            let list = rules_of(&self.network.inventory.services[service], kind);
            let mut changes = ChangeText::default();
            changes.set(&target_of(&self.network.inventory, id), &format!("{list}.defaultAction"), "Allow");
            let text = format!("let every network in at `{}`", id.name());
            found.push(Proposal::new(Means::Everything, text, changes).mind(OPENS));
        }
        found
    }

    /// The switch of an online endpoint that answers nobody outside.
    fn endpoint_door(&self) -> Vec<Proposal> {
        let id = self.blocker.evidence.resource.as_ref();
        let closed = self.blocker.cause == Cause::PublicAccessDisabled;
        let endpoint = id.filter(|id| closed && self.network.inventory.row::<MlEndpoint>(id).is_some());
        endpoint.map(|id| self.public_access(id).mind(OPENS)).into_iter().collect()
    }

    /// A private endpoint to the service that is asked for, with its names.
    pub(super) fn private_endpoint(&self) -> Option<Proposal> {
        let (service, number, kind) = self.service()?;
        self.private_door(service, kind.endpoints.get(number)?)
    }

    /// Everything that is missing between the sender and a private endpoint: the endpoint, zone, link, record.
    fn private_door(&self, service: Id<PlatformService>, kind: &EndpointKind) -> Option<Proposal> {
        let inventory = &self.network.inventory;
        let id = &inventory.services[service].id;
        let zone_name = self.zone_name(service, kind)?;
        let endpoint = self.endpoint_to(service, kind);
        let vnet = self.vnet().or_else(|| endpoint.map(|(_, subnet)| self.network.subnet(subnet).vnet))?;
        let mut changes = ChangeText::default();
        let mut done: Vec<String> = Vec::new();
        let endpoint_name = match endpoint {
            Some((endpoint, _)) => target_of(inventory, &inventory.private_endpoints[endpoint].id),
            None => {
                let subnet = self.endpoint_subnet(vnet).or_else(|| self.subnet())?;
                let name = unused(&format!("pe-{}-{}", slug(id.name()), slug(kind.group)), |name| {
                    !inventory.named(name).is_empty()
                });
                let subnet = target_of(inventory, &inventory.subnets[subnet].id);
                changes.add(
                    "privateEndpoints",
                    &format!(
                        "{{ name: {name}, subnet: {}, target: {}, groupIds: [{}], privateDnsZoneGroups: [{{ name: default, privateDnsZones: [{}] }}] }}",
                        quoted(&subnet),
                        quoted(id.as_str()),
                        kind.group,
                        quoted(&zone_name)
                    ),
                );
                done.push(format!("a private endpoint to `{}` ({}) in `{subnet}`", id.name(), kind.group));
                name
            }
        };
        let zone = inventory
            .private_dns_zones
            .rows()
            .find(|(_, zone)| zone.id.name().eq_ignore_ascii_case(&zone_name))
            .map(|(zone, _)| zone);
        self.zone_and_link(zone, &zone_name, vnet, &mut changes, &mut done);
        if let Some((endpoint, _)) = endpoint {
            self.group(endpoint, &endpoint_name, zone, &zone_name, &mut changes, &mut done);
        }
        if changes.is_empty() {
            return None;
        }
        let means = if endpoint.is_some() { Means::Setting } else { Means::PrivateEndpoint };
        Some(Proposal::new(means, format!("add {}", done.join(", ")), changes))
    }

    fn zone_and_link(
        &self,
        zone: Option<Id<PrivateDnsZone>>,
        zone_name: &str,
        vnet: Id<VirtualNetwork>,
        changes: &mut ChangeText,
        done: &mut Vec<String>,
    ) {
        let inventory = &self.network.inventory;
        let vnet_id = &inventory.virtual_networks[vnet].id;
        let link = format!(
            "{{ name: {}, virtualNetwork: {}, registrationEnabled: false }}",
            quoted(&format!("link-{}", slug(vnet_id.name()))),
            quoted(vnet_id.as_str())
        );
        match zone {
            None => {
                let zone = quoted(zone_name);
                changes.add("privateDnsZones", &format!("{{ name: {zone}, virtualNetworkLinks: [{link}] }}"));
                done.push(format!("the zone `{zone_name}`, linked to `{}`", vnet_id.name()));
            }
            Some(zone) if !self.network.names.views[vnet.index()].iter().any(|view| view.zone == zone) => {
                let id = &inventory.private_dns_zones[zone].id;
                changes.append(&target_of(inventory, id), "virtualNetworkLinks", &link);
                done.push(format!("a link of `{zone_name}` to `{}`", vnet_id.name()));
            }
            Some(_) => {}
        }
    }

    /// The record of a private endpoint in its zone, by its zone group.
    fn group(
        &self,
        endpoint: Id<PrivateEndpoint>,
        name: &str,
        zone: Option<Id<PrivateDnsZone>>,
        zone_name: &str,
        changes: &mut ChangeText,
        done: &mut Vec<String>,
    ) {
        let inventory = &self.network.inventory;
        let id = &inventory.private_endpoints[endpoint].id;
        let leads = |text: &str| zone.is_some() && inventory.find::<PrivateDnsZone>(text).row() == zone;
        let own = |group: &&PrivateDnsZoneGroup| {
            group.id.is_within(id.as_str())
                || group.private_endpoint.known().and_then(|r| inventory.follow(r).row()) == Some(endpoint)
        };
        let groups: Vec<&PrivateDnsZoneGroup> = inventory.zone_groups.iter().filter(own).collect();
        let has = groups.iter().any(|group| {
            let configs = group.configs.items.iter().filter_map(|c| c.private_dns_zone_id.known());
            configs.chain(group.private_dns_zones.items.iter()).any(|zone| leads(&zone.text))
        });
        if has {
            return;
        }
        let zone = quoted(zone_name);
        match groups.first() {
            None => {
                changes.add(
                    "privateDnsZoneGroups",
                    &format!("{{ parent: {}, name: default, privateDnsZones: [{zone}] }}", quoted(name)),
                );
            }
            Some(group) if group.configs.items.is_empty() => {
                changes.append(&target_of(inventory, &group.id), "privateDnsZones", &zone);
            }
            Some(group) => {
                let config = format!("{{ name: {zone}, privateDnsZoneId: {zone} }}");
                changes.append(&target_of(inventory, &group.id), "privateDnsZoneConfigs", &config);
            }
        }
        done.push(format!("the record of `{name}` in `{zone_name}`"));
    }

    fn zone_name(&self, service: Id<PlatformService>, kind: &EndpointKind) -> Option<String> {
        let zone = kind.zone?;
        let location = self.network.inventory.services[service].location.known();
        match location {
            Some(location) => Some(zone.replace("{region}", &normal_region(location))),
            None => (!zone.contains('{')).then(|| zone.to_owned()),
        }
    }

    /// A private endpoint that leads to the service: one in the sender's network before all others.
    fn endpoint_to(
        &self,
        service: Id<PlatformService>,
        kind: &EndpointKind,
    ) -> Option<(Id<PrivateEndpoint>, Id<Subnet>)> {
        let inventory = &self.network.inventory;
        let wanted = Slot { table: TableTag::PlatformService, row: service.raw() };
        let mut found: Vec<(bool, Id<PrivateEndpoint>, Id<Subnet>)> = Vec::new();
        for attachment in &self.network.attachments {
            let AttachmentKind::PrivateEndpoint(endpoint, _) = attachment.kind else { continue };
            let (target, groups) = target_of_endpoint(inventory, &inventory.private_endpoints[endpoint]);
            if target == Some(wanted) && groups.iter().any(|group| group.eq_ignore_ascii_case(kind.group)) {
                found.push((Some(attachment.vnet) != self.vnet(), endpoint, attachment.subnet));
            }
        }
        found.sort();
        found.first().map(|(_, endpoint, subnet)| (*endpoint, *subnet))
    }

    /// Where a network keeps its private endpoints.
    fn endpoint_subnet(&self, vnet: Id<VirtualNetwork>) -> Option<Id<Subnet>> {
        let own = self.network.attachments.iter().filter(|a| a.vnet == vnet);
        own.filter(|a| matches!(a.kind, AttachmentKind::PrivateEndpoint(..))).map(|a| a.subnet).min()
    }

    /// A service endpoint of the sender's subnet and a rule for it.
    fn subnet_rule(&self, service: Id<PlatformService>, kind: &ServiceKind) -> Option<Proposal> {
        let inventory = &self.network.inventory;
        let (subnet, endpoint) = (self.subnet()?, kind.service_endpoint?);
        let row = &inventory.services[service];
        let subnet = &inventory.subnets[subnet];
        let mut changes = ChangeText::default();
        if !subnet.service_endpoints.items.iter().any(|e| e.service.eq_ignore_ascii_case(endpoint)) {
            changes.append(
                &target_of(inventory, &subnet.id),
                "serviceEndpoints",
                &format!("{{ service: {endpoint} }}"),
            );
        }
        let list = rules_of(row, kind);
        let id = quoted(subnet.id.as_str());
        let rule = if list == RULE_SETS {
            format!("{{ subnet: {{ id: {id} }} }}")
        } else {
            format!("{{ id: {id} }}")
        };
        changes.append(&target_of(inventory, &row.id), &format!("{list}.virtualNetworkRules"), &rule);
        let text =
            format!("let `{}` in at `{}`, over a service endpoint", subnet.id.full_name(), row.id.name());
        Some(Proposal::new(Means::Way, text, changes))
    }

    /// A rule for the public address the flow comes from.
    fn address_rule(&self, service: Id<PlatformService>) -> Option<Proposal> {
        let inventory = &self.network.inventory;
        let row = &inventory.services[service];
        let kind = crate::services::service_kind(&row.id.kind())?;
        let source = self.real(self.header?.source).filter(|ip| self.network.is_public(*ip))?;
        let list = rules_of(row, kind);
        let mut changes = ChangeText::default();
        changes.append(
            &target_of(inventory, &row.id),
            &format!("{list}.ipRules"),
            &format!("{{ {}: {} }}", mask_of(list), quoted(&source.to_string())),
        );
        Some(Proposal::new(Means::Address, format!("let {source} in at `{}`", row.id.name()), changes))
    }

    /// The approval a private endpoint waits for.
    pub(super) fn approval(&self) -> Vec<Proposal> {
        let inventory = &self.network.inventory;
        let id = self.blocker.evidence.resource.as_ref();
        let Some(endpoint) = id.and_then(|id| inventory.row::<PrivateEndpoint>(id)) else {
            return Vec::new();
        };
        let row = &inventory.private_endpoints[endpoint];
        let mut changes = ChangeText::default();
        changes.set(&target_of(inventory, &row.id), "status", ConnectionStatus::Approved.word());
        let text = format!("approve the connection of `{}`", row.id.name());
        vec![Proposal::new(Means::Setting, text, changes)]
    }

    /// The least role that grants what the caller wants, on the resource itself.
    pub(super) fn roles(&self) -> Vec<Proposal> {
        let inventory = &self.network.inventory;
        let (Some(who), Some(id)) = (&self.flow.identity, &self.blocker.evidence.resource) else {
            return Vec::new();
        };
        let target = target_of(inventory, id);
        let kind = id.kind();
        let roles = ROLES.iter().filter(|(of, _)| kind.eq_ignore_ascii_case(of));
        let propose = |(_, role): &(&str, &str)| {
            let name = unused(&format!("{}-on-{}", slug(who), slug(id.name())), |name| {
                !inventory.named(name).is_empty()
            });
            let mut changes = ChangeText::default();
            changes.add(
                "roleAssignments",
                &format!(
                    "{{ name: {}, principal: {}, role: {}, scope: {} }}",
                    quoted(&name),
                    quoted(who),
                    quoted(role),
                    quoted(&target)
                ),
            );
            Proposal::new(Means::Setting, format!("give `{who}` the role {role} on `{target}`"), changes)
        };
        roles.map(propose).collect()
    }
}

/// Roles by kind of resource, the least first. Trying them out tells which one is enough.
const ROLES: &[(&str, &str)] = &[
    ("Microsoft.Storage/storageAccounts", "Storage Blob Data Reader"),
    ("Microsoft.Storage/storageAccounts", "Storage Blob Data Contributor"),
    ("Microsoft.Storage/storageAccounts", "Storage File Data SMB Share Contributor"),
    ("Microsoft.Storage/storageAccounts", "Storage Queue Data Contributor"),
    ("Microsoft.Storage/storageAccounts", "Storage Table Data Contributor"),
    ("Microsoft.Storage/storageAccounts", "Reader"),
    ("Microsoft.KeyVault/vaults", "Key Vault Secrets User"),
    ("Microsoft.KeyVault/vaults", "Key Vault Secrets Officer"),
    ("Microsoft.KeyVault/vaults", "Reader"),
    ("Microsoft.ContainerRegistry/registries", "AcrPull"),
    ("Microsoft.ContainerRegistry/registries", "AcrPush"),
    ("Microsoft.MachineLearningServices/workspaces", "Reader"),
    ("Microsoft.MachineLearningServices/workspaces", "AzureML Data Scientist"),
    ("Microsoft.MachineLearningServices/workspaces", "Contributor"),
];

/// What a service calls the rules of its firewall.
fn rules_of(row: &PlatformService, kind: &ServiceKind) -> &'static str {
    let registry = row.id.is_kind("Microsoft.ContainerRegistry/registries");
    let spaces =
        ["Microsoft.EventHub/namespaces", "Microsoft.ServiceBus/namespaces", "Microsoft.Relay/namespaces"];
    match kind.arm_type {
        k if spaces.contains(&k) => RULE_SETS,
        _ if registry => "networkRuleSet",
        _ => "networkAcls",
    }
}

/// What messaging namespaces call the rules of their firewall.
const RULE_SETS: &str = "networkRuleSets";

/// What an address rule of a list calls the address.
fn mask_of(list: &str) -> &'static str {
    if list == RULE_SETS { "ipMask" } else { "value" }
}
