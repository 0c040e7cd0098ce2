//! Callers that a service lets in for what they are, not for where they come from: members of its network security
//! perimeter, trusted services, listed resource instances (NSP, ST-2 (c), ST-6, KV-3); and services that call by
//! themselves.

use super::Cause;
use super::engine::Walk;
use super::model::{Evidence, StepKind};
use super::question::{Origin, Target};
use super::service::rule_of;
use super::state::{Arrival, Next, Place, State, by, of};
use crate::inventory::{
    AccessMode, DefaultAction, Direction, Field, Id, PerimeterAccessRule, PerimeterAssociation,
    PlatformService, PublicNetworkAccess, ResourceId, Slot, TableTag, Unknown,
};
use crate::rules as azure;

/// Kinds of services that Microsoft lists as trusted and that sign in with an identity of their own. A kind that is not
/// here may be trusted for some scenario: only Microsoft's list tells (KV-3, ST-6).
const TRUSTED: &[&str] = &[
    "Microsoft.ApiManagement/service",
    "Microsoft.CognitiveServices/accounts",
    "Microsoft.ContainerRegistry/registries",
    "Microsoft.DataFactory/factories",
    "Microsoft.Databricks/accessConnectors",
    "Microsoft.EventGrid/topics",
    "Microsoft.MachineLearningServices/workspaces",
    "Microsoft.Search/searchServices",
    "Microsoft.Sql/servers",
    "Microsoft.Synapse/workspaces",
];

/// Kinds of services whose bypass is on unless something else is written.
const BYPASS_BY_DEFAULT: &[&str] = &[
    "Microsoft.Storage/storageAccounts",
    "Microsoft.KeyVault/vaults",
    "Microsoft.ContainerRegistry/registries",
];

impl Walk<'_> {
    /// The association of a resource with a perimeter.
    fn association(&self, id: &ResourceId) -> Option<(Id<PerimeterAssociation>, &PerimeterAssociation)> {
        let inventory = &self.net.inventory;
        inventory.perimeter_associations.rows().find(|(_, a)| {
            let resource = a.private_link_resource.known().and_then(|r| inventory.follow_any(&r.text));
            resource.and_then(|x| inventory.id_of(x)) == Some(id)
        })
    }

    /// NSP-1, NSP-2: an enforced perimeter replaces the resource's own settings.
    pub(super) fn perimeter(&self, s: &mut State, service: Id<PlatformService>) -> bool {
        let id = &self.net.inventory.services[service].id;
        let Some((row, association)) = self.association(id) else { return false };
        let slot = Slot { table: TableTag::PerimeterAssociation, row: row.raw() };
        let evidence = of(self.net, Some(slot), &[azure::NSP_1, azure::NSP_2]);
        match association.access_mode.or(AccessMode::Learning) {
            Err(unknown) => {
                let unknown = unknown.clone();
                s.unknown(StepKind::Admit, Cause::UnknownValue, &unknown, evidence);
                return true;
            }
            Ok(AccessMode::Enforced) => {}
            // A resource that leaves its public access to the perimeter asks the perimeter's rules whatever the mode.
            Ok(_)
                if matches!(
                    self.net.inventory.services[service].written_access(),
                    Ok(Some(PublicNetworkAccess::SecuredByPerimeter))
                ) => {}
            Ok(_) => {
                s.note(StepKind::Admit, evidence, || {
                    "the perimeter only watches: the resource's own settings decide".into()
                });
                return false;
            }
        }
        if self.inside_perimeter(s, association) {
            s.assume(
                None,
                "the caller signs in with its managed identity: within a perimeter a SAS is refused (NSP-2)",
            );
            s.pass(StepKind::Admit, evidence, || "caller and resource are in the same perimeter".into());
            return true;
        }
        match self.perimeter_rule(s, association, Direction::Inbound) {
            Ok(Some((rule, by_subscription))) => {
                let row = &self.net.inventory.perimeter_rules[rule];
                if by_subscription {
                    s.assume(None, "the caller signs in with a managed identity of its subscription: by a subscription's rule a SAS is refused (NSP-2)");
                }
                let evidence = Evidence { resource: Some(row.id.clone()), at: row.at, ..evidence };
                s.pass(StepKind::Admit, evidence, || {
                    format!("the perimeter's rule `{}` lets it in", row.id.name())
                });
            }
            Ok(None) => {
                let caller = match s.origin {
                    Origin::Service(_) | Origin::Managed(..) => self.caller_resource(s),
                    _ => None,
                };
                let caller =
                    caller.map_or_else(|| s.header.source.to_string(), |id| format!("`{}`", id.name()));
                let text = format!("the perimeter has no inbound rule for {caller}");
                s.block(StepKind::Admit, Cause::PerimeterDeny, evidence, text);
            }
            Err(unknown) => s.unknown(StepKind::Admit, Cause::UnknownValue, &unknown, evidence),
        }
        true
    }

    /// Whether the caller is a service of the same perimeter.
    fn inside_perimeter(&self, s: &State, association: &PerimeterAssociation) -> bool {
        let Origin::Service(caller) = s.origin else { return false };
        let own = self.association(&self.net.inventory.services[caller].id);
        let perimeter = association.id.parent();
        perimeter.is_some() && own.is_some_and(|(_, own)| own.id.parent() == perimeter)
    }

    /// The rule of an association's profile that lets a flow in or out, and whether it is for a subscription.
    fn perimeter_rule(
        &self,
        s: &State,
        association: &PerimeterAssociation,
        direction: Direction,
    ) -> Result<Option<(Id<PerimeterAccessRule>, bool)>, Unknown> {
        let inventory = &self.net.inventory;
        let profile = match association.profile.known().and_then(|p| inventory.follow(p).row()) {
            Some(profile) => inventory.perimeter_profiles[profile].id.clone(),
            None => {
                let why = "the profile of the perimeter, with its access rules, is in none of the files";
                return Err(Unknown::new(association.at, why));
            }
        };
        let caller = self.caller_resource(s);
        let mut doubt = None;
        for (id, rule) in
            inventory.perimeter_rules.rows().filter(|(_, r)| r.id.parent().as_ref() == Some(&profile))
        {
            match rule.direction.known() {
                Some(own) if *own == direction => {}
                Some(_) => continue,
                None => {
                    doubt = doubt.or(rule.direction.unknown().cloned());
                    continue;
                }
            }
            if direction == Direction::Outbound {
                let names = &rule.fully_qualified_domain_names;
                let fits = |host: &str| names.iter().any(|n| crate::services::name_matches(n, host));
                if s.host.as_ref().is_some_and(|h| fits(h)) {
                    return Ok(Some((id, false)));
                }
                doubt = doubt.or(names.unknown.clone());
                continue;
            }
            let backbone = matches!(s.origin, Origin::Service(_) | Origin::Managed(..));
            if !backbone && rule.address_prefixes.iter().any(|p| p.contains(&s.header.source)) {
                return Ok(Some((id, false)));
            }
            for tag in rule.service_tags.iter().filter(|_| !backbone) {
                match self.net.tags.find(tag) {
                    Some(found) if self.net.tags.set(found).contains(s.header.source) => {
                        return Ok(Some((id, false)));
                    }
                    Some(_) => {}
                    None => {
                        doubt =
                            doubt.or(Some(Unknown::new(rule.at, format!("the prefixes of the tag `{tag}`"))))
                    }
                }
            }
            if !rule.perimeters.is_empty() {
                let why = "rules that let in whole perimeters are not followed";
                doubt = doubt.or(Some(Unknown::new(rule.at, why)));
            }
            if caller
                .as_ref()
                .is_some_and(|c| rule.subscriptions.iter().any(|text| is_in_subscription(c, text)))
            {
                return Ok(Some((id, true)));
            }
            doubt = doubt.or(rule.address_prefixes.unknown.clone()).or(rule.subscriptions.unknown.clone());
        }
        doubt.map_or(Ok(None), Err)
    }

    /// The resource that calls.
    fn caller_resource(&self, s: &State) -> Option<ResourceId> {
        let inventory = &self.net.inventory;
        match &s.origin {
            Origin::Attachment(id) => inventory.id_of(self.net.attachment(*id).owner).cloned(),
            Origin::Service(service) => Some(inventory.services[*service].id.clone()),
            Origin::Managed(slot, _) => inventory.id_of(*slot).cloned(),
            _ => None,
        }
    }

    /// ST-2 (c), ST-6, KV-3: a trusted service or a listed resource instance, whatever the public switch says.
    pub(super) fn trusted(&self, s: &mut State, service: Id<PlatformService>) -> bool {
        let Origin::Service(caller) = s.origin else { return false };
        let row = &self.net.inventory.services[service];
        let caller = &self.net.inventory.services[caller];
        let kind = row.id.kind();
        let rules: &[azure::RuleId] = match rule_of(&kind) {
            azure::KV_1 => &[azure::KV_1, azure::KV_3],
            azure::ST_2 => &[azure::ST_2, azure::ST_6],
            azure::ACR_1 => &[azure::ACR_1],
            _ => &[],
        };
        let evidence = self.service_evidence(service, rules);
        let name = caller.id.name();
        if row.resource_access_rules.iter().any(|r| instance_matches(r, &caller.id)) {
            s.assume(
                None,
                format!("`{name}` signs in with its managed identity, in the tenant that the rule names"),
            );
            s.pass(StepKind::Admit, evidence, || "a resource instance rule names the caller".into());
            return true;
        }
        let open = row.default_action.is_absent() && row.public_network_access.is_absent();
        let bypass = match &row.bypass {
            // Messaging namespaces say it with a switch.
            Field::Known(text) => text
                .split(',')
                .any(|w| ["AzureServices", "true"].iter().any(|word| w.trim().eq_ignore_ascii_case(word))),
            Field::Absent => !open && BYPASS_BY_DEFAULT.iter().any(|k| k.eq_ignore_ascii_case(&kind)),
            Field::Unknown(unknown) => {
                let unknown = unknown.clone();
                s.unknown(StepKind::Admit, Cause::UnknownValue, &unknown, evidence);
                return true;
            }
        };
        if !bypass {
            return false;
        }
        if !TRUSTED.iter().any(|k| k.eq_ignore_ascii_case(&caller.id.kind())) {
            // What is open to everybody asks for no list.
            if self.open_to_all(row) {
                return false;
            }
            let why = format!(
                "whether `{name}` ({}) is on Microsoft's list of trusted services for this: the list is Microsoft's and changes",
                caller.id.kind()
            );
            s.unknown(StepKind::Admit, Cause::UnknownValue, &Unknown::new(caller.at, why), evidence);
            return true;
        }
        if row.bypass.is_absent() {
            s.assume(
                None,
                format!(
                    "`{}` does not say what bypasses its firewall: AzureServices, as Azure sets it",
                    row.id.name()
                ),
            );
        }
        s.assume(
            None,
            format!(
                "`{name}` is on Microsoft's list of trusted services for this and acts in the same tenant"
            ),
        );
        s.pass(StepKind::Admit, evidence, || "trusted Azure services are let through".into());
        true
    }

    /// A platform service acting by itself: it reaches other services over Microsoft's own network, never
    /// through the estate's.
    pub(super) fn leave_service(&self, s: &mut State) -> Next {
        self.leave_perimeter(s);
        match &s.target {
            Some(Target::Service(..) | Target::Foreign(..)) => {
                s.note(StepKind::Forward, by(&[azure::PE_4]), || {
                    "over Microsoft's own network, not the estate's".into()
                });
                Next::Go(Place::AtService(Arrival::Backbone))
            }
            Some(Target::Attachment(id)) => {
                let id = *id;
                if let Some(next) = self.manage_compute(s, id) {
                    return next;
                }
                let text = "a service cannot open flows into a virtual network through a private endpoint";
                s.block(StepKind::Forward, Cause::ServiceCannotInitiate, by(&[azure::PE_4]), text);
                Next::Go(Place::Arrive(id))
            }
            _ => Next::Go(Place::Public),
        }
    }

    /// NSP-1: out of an enforced perimeter goes what stays within it and what a rule names.
    fn leave_perimeter(&self, s: &mut State) {
        let Origin::Service(caller) = s.origin else { return };
        let Some((row, association)) = self.association(&self.net.inventory.services[caller].id) else {
            return;
        };
        if !association.access_mode.is(AccessMode::Enforced) {
            return;
        }
        let within = match &s.target {
            Some(Target::Service(service, _)) => {
                let other = self.association(&self.net.inventory.services[*service].id);
                other.is_some_and(|(_, o)| o.id.parent() == association.id.parent())
            }
            Some(Target::Attachment(_)) => return,
            _ => false,
        };
        let slot = Slot { table: TableTag::PerimeterAssociation, row: row.raw() };
        let evidence = of(self.net, Some(slot), &[azure::NSP_1, azure::NSP_2]);
        if within {
            s.pass(StepKind::Filter, evidence, || "the target is in the same perimeter".into());
            return;
        }
        match self.perimeter_rule(s, association, Direction::Outbound) {
            Ok(Some((rule, _))) => {
                let rule = &self.net.inventory.perimeter_rules[rule];
                let evidence = Evidence { resource: Some(rule.id.clone()), at: rule.at, ..evidence };
                s.pass(StepKind::Filter, evidence, || {
                    format!("the perimeter's rule `{}` lets it out", rule.id.name())
                });
            }
            Ok(None) => {
                let host = s.host.clone().unwrap_or_else(|| s.header.destination.to_string().into());
                let text = format!("the perimeter has no outbound rule for `{host}`");
                s.block(StepKind::Filter, Cause::PerimeterDeny, evidence, text);
            }
            Err(unknown) => s.unknown(StepKind::Filter, Cause::UnknownValue, &unknown, evidence),
        }
    }

    /// Whether a service lets in everybody.
    fn open_to_all(&self, row: &PlatformService) -> bool {
        row.public_access(self.has_endpoint(row)).is_ok_and(|a| a == PublicNetworkAccess::Enabled)
            && !row.restricts()
            && row.rest().is_ok_and(|a| a == DefaultAction::Allow)
    }
}

/// A resource instance rule names one resource, or all of a type with `*`.
fn instance_matches(rule: &str, caller: &ResourceId) -> bool {
    let (rule, caller) = (rule.to_ascii_lowercase(), caller.as_str().to_ascii_lowercase());
    if !rule.contains('*') {
        return rule == caller;
    }
    let (r, c): (Vec<&str>, Vec<&str>) = (rule.split('/').collect(), caller.split('/').collect());
    r.len() == c.len() && r.iter().zip(&c).all(|(r, c)| *r == "*" || r == c)
}

/// Whether a resource is in a subscription, given by its id or its number.
fn is_in_subscription(resource: &ResourceId, text: &str) -> bool {
    let text = text.trim_end_matches('/');
    match text.starts_with('/') {
        true => resource.is_within(text),
        false => resource.is_within(&format!("/subscriptions/{text}")),
    }
}
