//! Compute in networks that Microsoft manages: the managed network of a workspace (AML-5), and the older switch that
//! isolates one deployment.

use super::Cause;
use super::engine::Walk;
use super::model::{Evidence, StepKind};
use super::question::Target;
use super::state::{Arrival, End, Next, Place, State, of};
use crate::inventory::{
    Field, Id, IsolationMode, ManagedRule, ManagedRuleTarget, MlDeployment, PlatformService,
    PublicNetworkAccess, ResourceId, Slot, TableTag, Unknown,
};
use crate::net::IpAddr;
use crate::network::Tri;
use crate::rules as azure;
use crate::services::{name_matches, service_kind, service_of_host};

/// Tags that a managed network approves by itself.
const REQUIRED_TAGS: &[&str] = &[
    "AzureMachineLearning",
    "AzureActiveDirectory",
    "BatchNodeManagement",
    "AzureResourceManager",
    "AzureFrontDoor.FirstParty",
    "MicrosoftContainerRegistry",
    "AzureMonitor",
];

/// Sub-resources of the workspace's own storage account that get private endpoints by themselves.
const STORAGE_GROUPS: &[&str] = &["blob", "file"];

const STORAGE: &str = "Microsoft.Storage/storageAccounts";

impl Walk<'_> {
    /// A compute in the managed network of a workspace (AML-5).
    pub(super) fn leave_managed(&self, s: &mut State, slot: Slot, workspace: Id<PlatformService>) -> Next {
        let workspace = self.network_of(s, workspace);
        let row = &self.net.inventory.services[workspace];
        let evidence = of(
            self.net,
            Some(Slot { table: TableTag::PlatformService, row: workspace.raw() }),
            &[azure::AML_5],
        );
        match row.managed_network_isolation.or(IsolationMode::Disabled) {
            Err(unknown) => {
                let unknown = unknown.clone();
                s.unknown(StepKind::Filter, Cause::UnknownValue, &unknown, evidence);
                Next::End(End::Stopped)
            }
            Ok(IsolationMode::Disabled) => self.leave_without_network(s, slot, workspace),
            Ok(mode) => {
                self.ignored_switch(s, slot);
                self.leave_managed_network(s, slot, workspace, mode, evidence)
            }
        }
    }

    /// The workspace whose managed network it is: a project shares its hub's.
    fn network_of(&self, s: &mut State, workspace: Id<PlatformService>) -> Id<PlatformService> {
        let inventory = &self.net.inventory;
        let row = &inventory.services[workspace];
        let hub = crate::network::hub_of(inventory, workspace)
            .filter(|_| row.managed_network_isolation.is_absent());
        let Some(hub) = hub else { return workspace };
        let text = format!("the project `{}` shares the managed network of its hub", row.id.name());
        s.assume(None, text);
        hub
    }

    fn leave_managed_network(
        &self,
        s: &mut State,
        slot: Slot,
        workspace: Id<PlatformService>,
        mode: IsolationMode,
        evidence: Evidence,
    ) -> Next {
        match self.managed_endpoint(s, workspace, mode) {
            Tri::Yes => {
                s.pass(StepKind::Filter, evidence, || {
                    "the managed network has a private endpoint for it".into()
                });
                return through_private_endpoint();
            }
            Tri::Unknown(unknown) => {
                s.unknown(StepKind::Filter, Cause::UnknownValue, &unknown, evidence);
                return after_managed(s);
            }
            Tri::No => {}
        }
        let row = &self.net.inventory.services[workspace];
        let denied = self.denied_outbound(s, row);
        let approved = match mode {
            IsolationMode::AllowInternetOutbound => Tri::Yes,
            _ => self.approved_outbound(s, row),
        };
        match (approved, denied) {
            (Tri::Yes, Denied::No) => s.pass(StepKind::Filter, evidence, || match mode {
                IsolationMode::AllowInternetOutbound => "the managed network allows internet outbound".into(),
                _ => "an outbound rule of the managed network approves it".into(),
            }),
            (Tri::Yes, Denied::By(rule)) if mode == IsolationMode::AllowInternetOutbound => {
                let evidence = Evidence { name: Some(rule.name.clone()), at: rule.at, ..evidence };
                let text = format!("the outbound rule `{}` of the managed network denies it", rule.name);
                s.block(StepKind::Filter, Cause::ManagedNetworkDeny, evidence, text);
            }
            (Tri::Yes, Denied::By(rule)) => {
                let why = format!(
                    "which goes first of two outbound rules: one approves this, and `{}` denies it",
                    rule.name
                );
                let unknown = Unknown::new(rule.at, why);
                s.unknown(StepKind::Filter, Cause::UnknownValue, &unknown, evidence);
            }
            (Tri::Yes, Denied::Unknown(unknown)) | (Tri::Unknown(unknown), _) => {
                s.unknown(StepKind::Filter, Cause::UnknownValue, &unknown, evidence);
            }
            (Tri::No, _) if self.managed_rules_changed(s, workspace) => {}
            (Tri::No, _) => {
                let name = self.net.inventory.id_of(slot).map(ResourceId::full_name).unwrap_or_default();
                let text = format!(
                    "`{name}` is in a managed network that allows only approved outbound, and no rule approves this"
                );
                s.block(StepKind::Filter, Cause::ManagedNetworkDeny, evidence, text);
            }
        }
        after_managed(s)
    }

    /// Whether the managed network has a private endpoint for the target's sub-resource: by a rule, or one that it
    /// makes by itself for the workspace and its own resources - always where only approved outbound is allowed,
    /// else for those that are closed to the public.
    fn managed_endpoint(&self, s: &mut State, workspace: Id<PlatformService>, mode: IsolationMode) -> Tri {
        let Some(Target::Service(service, position)) = s.target else { return Tri::No };
        let row = &self.net.inventory.services[workspace];
        let group = self.group_of(service, position);
        if self.default_endpoint(s, workspace, service, group) {
            let target = &self.net.inventory.services[service];
            match target.public_network_access.or(PublicNetworkAccess::Enabled) {
                _ if mode == IsolationMode::AllowOnlyApprovedOutbound => return Tri::Yes,
                Ok(PublicNetworkAccess::Enabled) => {}
                Ok(_) => return Tri::Yes,
                Err(unknown) => return Tri::Unknown(unknown.clone()),
            }
        }
        self.endpoint_by_rule(row, service, group)
    }

    /// The sub-resource of an endpoint of a service.
    fn group_of(&self, service: Id<PlatformService>, position: usize) -> &'static str {
        let kind = service_kind(&self.net.inventory.services[service].id.kind());
        kind.and_then(|k| k.endpoints.get(position)).map_or("", |e| e.group)
    }

    /// Whether the target is one of the workspace's own resources, to which endpoints are made by default.
    fn default_endpoint(
        &self,
        s: &mut State,
        workspace: Id<PlatformService>,
        service: Id<PlatformService>,
        group: &str,
    ) -> bool {
        if !self.is_own(workspace, service) {
            return false;
        }
        if !self.net.inventory.services[service].id.is_kind(STORAGE) {
            return true;
        }
        if group.eq_ignore_ascii_case("file") {
            s.assume(None, "the managed network makes an endpoint for file shares as it does for blobs");
        }
        STORAGE_GROUPS.iter().any(|g| g.eq_ignore_ascii_case(group))
    }

    /// Whether a service is the workspace, a project of it, or its storage account, key vault or registry.
    fn is_own(&self, workspace: Id<PlatformService>, service: Id<PlatformService>) -> bool {
        let row = &self.net.inventory.services[workspace];
        let own = [&row.storage_account, &row.key_vault, &row.container_registry];
        service == workspace
            || crate::network::hub_of(&self.net.inventory, service) == Some(workspace)
            || own.iter().any(|f| f.known().and_then(|r| self.net.inventory.follow(r).row()) == Some(service))
    }

    fn endpoint_by_rule(&self, row: &PlatformService, service: Id<PlatformService>, group: &str) -> Tri {
        let id = &self.net.inventory.services[service].id;
        let means = |resource: &str| match ResourceId::looks_like_one(resource) {
            true => ResourceId::new(resource) == *id,
            false => resource.eq_ignore_ascii_case(id.name()),
        };
        let opens = |rule: &ManagedRule| {
            matches!(&rule.opens, ManagedRuleTarget::PrivateEndpoint { resource, group: own }
                if means(resource) && own.eq_ignore_ascii_case(group))
        };
        let mut found = Tri::No;
        for rule in rules_of(row).iter().filter(|r| opens(r)) {
            found = found.or(|| holds(row, rule));
        }
        found.or(|| unreadable_rule(row).map_or(Tri::No, Tri::Unknown))
    }

    fn approved_outbound(&self, s: &mut State, row: &PlatformService) -> Tri {
        let header = s.header;
        if REQUIRED_TAGS.iter().any(|t| self.in_tag(t, header.destination)) {
            return Tri::Yes;
        }
        let mut found = Tri::No;
        for rule in rules_of(row).iter().filter(|r| r.denies == Ok(false)) {
            let approves = self.speaks_of(s, rule);
            let by_name = matches!(rule.opens, ManagedRuleTarget::Fqdn(_));
            if approves && by_name && s.host.as_ref().is_some_and(|h| is_storage(h)) {
                let text = format!(
                    "the rule `{}` does not hold: storage is not opened by name in this mode",
                    rule.name
                );
                s.note(
                    StepKind::Filter,
                    Evidence { at: rule.at, ..super::state::by(&[azure::AML_5]) },
                    || text,
                );
            } else if approves {
                if holds(row, rule) == Tri::No {
                    let text = format!("the rule `{}` would approve it and is not in force", rule.name);
                    let evidence = Evidence { at: rule.at, ..super::state::by(&[azure::AML_5]) };
                    s.note(StepKind::Filter, evidence, || text);
                }
                found = found.or(|| holds(row, rule));
            }
        }
        found.or(|| unreadable_rule(row).map_or(Tri::No, Tri::Unknown))
    }

    /// Whether a rule for a name or a service tag is about the flow.
    fn speaks_of(&self, s: &State, rule: &ManagedRule) -> bool {
        let header = s.header;
        match &rule.opens {
            ManagedRuleTarget::Fqdn(name) => {
                matches!(header.port, 80 | 443) && s.host.as_ref().is_some_and(|h| name_matches(name, h))
            }
            ManagedRuleTarget::ServiceTag { tag, prefixes, protocol, ports } => {
                let within = match prefixes.is_empty() {
                    true => self.in_tag(tag, header.destination),
                    false => prefixes.iter().any(|p| p.contains(&header.destination)),
                };
                protocol.contains(header.protocol) && ports.iter().any(|p| p.contains(header.port)) && within
            }
            ManagedRuleTarget::PrivateEndpoint { .. } | ManagedRuleTarget::Unknown(_) => false,
        }
    }

    /// Whether a rule of the managed network denies the flow.
    fn denied_outbound<'a>(&self, s: &State, row: &'a PlatformService) -> Denied<'a> {
        let mut doubt = None;
        for rule in rules_of(row).iter().filter(|r| r.denies != Ok(false) && self.speaks_of(s, r)) {
            match (&rule.denies, holds(row, rule)) {
                (Ok(_), Tri::Yes) => return Denied::By(rule),
                (_, Tri::No) => {}
                (Err(unknown), _) => doubt = doubt.or(Some(unknown.clone())),
                (_, Tri::Unknown(unknown)) => doubt = doubt.or(Some(unknown)),
            }
        }
        doubt.map_or(Denied::No, Denied::Unknown)
    }

    fn in_tag(&self, tag: &str, ip: IpAddr) -> bool {
        self.net.tags.find(tag).is_some_and(|t| self.net.tags.set(t).contains(ip))
    }

    /// No managed network: compute leaves over Microsoft's, unless its deployment has been isolated by itself.
    fn leave_without_network(&self, s: &mut State, slot: Slot, workspace: Id<PlatformService>) -> Next {
        match self.isolated_deployment(slot) {
            Err(unknown) => {
                let unknown = unknown.clone();
                let evidence = of(self.net, Some(slot), &[azure::AML_5]);
                s.unknown(StepKind::Filter, Cause::UnknownValue, &unknown, evidence);
                after_managed(s)
            }
            Ok(Some(deployment)) => self.leave_isolated(s, deployment, workspace),
            Ok(None) => {
                s.assume(None, "the compute has no network of its own and leaves over Microsoft's");
                after_managed(s)
            }
        }
    }

    /// The deployment whose own switch shuts it off: the sender, or those behind the endpoint that sends.
    fn isolated_deployment(&self, slot: Slot) -> Result<Option<Id<MlDeployment>>, Unknown> {
        let deployments = &self.net.inventory.ml_deployments;
        let mine: Vec<_> = match slot.table {
            TableTag::MlDeployment => vec![Id::new(slot.row as usize)],
            TableTag::MlEndpoint => {
                let endpoint = &self.net.inventory.ml_endpoints.as_slice()[slot.row as usize].id;
                deployments
                    .rows()
                    .filter(|(_, d)| d.id.is_within(endpoint.as_str()))
                    .map(|(id, _)| id)
                    .collect()
            }
            _ => Vec::new(),
        };
        let mut isolated = Vec::new();
        for id in &mine {
            let access = &deployments[*id].egress_public_network_access;
            match access.or(PublicNetworkAccess::Enabled).map_err(Clone::clone)? {
                PublicNetworkAccess::Enabled => {}
                _ => isolated.push(*id),
            }
        }
        match isolated.first() {
            Some(first) if isolated.len() < mine.len() => {
                let why =
                    "some deployments of the endpoint are isolated and some are not: name the deployment";
                Err(Unknown::new(deployments[*first].at, why))
            }
            first => Ok(first.copied()),
        }
    }

    /// Three private endpoints - workspace, its storage, its registry - and nothing else.
    fn leave_isolated(
        &self,
        s: &mut State,
        deployment: Id<MlDeployment>,
        workspace: Id<PlatformService>,
    ) -> Next {
        let slot = Slot { table: TableTag::MlDeployment, row: deployment.raw() };
        let evidence = of(self.net, Some(slot), &[azure::AML_5]);
        let row = &self.net.inventory.services[workspace];
        let reached = |field: &Field<crate::inventory::Ref<PlatformService>>| {
            field.known().and_then(|r| self.net.inventory.follow(r).row())
        };
        let has_endpoint = match s.target {
            Some(Target::Service(service, position)) => {
                let blob = self.group_of(service, position).eq_ignore_ascii_case("blob");
                service == workspace
                    || reached(&row.storage_account) == Some(service) && blob
                    || reached(&row.container_registry) == Some(service)
            }
            _ => false,
        };
        if has_endpoint {
            let text = "one of the deployment's three private endpoints: workspace, storage, registry";
            s.pass(StepKind::Filter, evidence, || text.into());
            return through_private_endpoint();
        }
        let name = self.net.inventory.ml_deployments[deployment].id.full_name();
        let text = format!(
            "`{name}` has egressPublicNetworkAccess Disabled: it reaches the workspace, its storage and its registry alone"
        );
        s.block(StepKind::Filter, Cause::DeploymentEgressDisabled, evidence, text);
        after_managed(s)
    }

    /// Where the workspace has a managed network, the older switch means nothing.
    fn ignored_switch(&self, s: &mut State, slot: Slot) {
        if slot.table != TableTag::MlDeployment {
            return;
        }
        let deployment = &self.net.inventory.ml_deployments.as_slice()[slot.row as usize];
        if !deployment.egress_public_network_access.is_absent() {
            s.note(StepKind::Filter, of(self.net, Some(slot), &[azure::AML_5]), || {
                "egressPublicNetworkAccess is ignored: the workspace has a managed network".into()
            });
        }
    }
}

/// The private endpoint stands in a network of Microsoft's, not in the estate.
pub(super) fn through_private_endpoint() -> Next {
    Next::Go(Place::AtService(Arrival::ManagedEndpoint))
}

fn after_managed(s: &State) -> Next {
    match s.target {
        Some(Target::Service(..) | Target::Foreign(..)) => Next::Go(Place::AtService(Arrival::Backbone)),
        _ => Next::Go(Place::Public),
    }
}

/// What the rules that deny say of a flow.
enum Denied<'a> {
    /// Nothing.
    No,
    /// This one denies it.
    By(&'a ManagedRule),
    /// One may.
    Unknown(Unknown),
}

fn rules_of(row: &PlatformService) -> &[ManagedRule] {
    row.managed_network_rules.known().map_or(&[], |r| &r.0)
}

/// Whether a rule is in force. As long as the network itself is not made, none is, and all will be.
fn holds(row: &PlatformService, rule: &ManagedRule) -> Tri {
    let waits = row.managed_network_status.known().is_some_and(|s| s.eq_ignore_ascii_case("Inactive"));
    match &rule.in_force {
        Ok(holds) => Tri::of(*holds || waits),
        Err(unknown) => Tri::Unknown(unknown.clone()),
    }
}

/// A rule that cannot be read might open what no other does.
fn unreadable_rule(row: &PlatformService) -> Option<Unknown> {
    let inside = || {
        let rules = row.managed_network_rules.known()?;
        rules.0.iter().find_map(|rule| match &rule.opens {
            ManagedRuleTarget::Unknown(unknown) => Some(unknown.clone()),
            _ => None,
        })
    };
    row.managed_network_rules.unknown().cloned().or_else(inside)
}

/// Whether a name is a storage account's.
fn is_storage(host: &str) -> bool {
    service_of_host(host).is_some_and(|(kind, ..)| kind.arm_type.eq_ignore_ascii_case(STORAGE))
}
