//! Flows that start in no network of the estate: compute in a managed network of Microsoft's (AML-5), and services that
//! call by themselves (ST-2 (c), ST-6, KV-3, NSP).

use super::facts::Facts;
use super::names::{Asker, resolve_in, service_names};
use super::service::{association, authorize, in_perimeter};
use super::walk::Call;
use super::worlds::{Stop, Worlds};
use netwhy::inventory::{
    AccessMode, DefaultAction, Direction, Id, IsolationMode, ManagedRuleTarget, PlatformService,
    PublicNetworkAccess, Slot, TableTag,
};
use netwhy::net::IpAddr;
use netwhy::services::{name_matches, service_of_host};
use netwhy::trace::{Cause, Endpoint, Flow};

/// Who sends.
#[derive(Clone, Copy)]
pub(crate) enum Outsider {
    /// Compute of a workspace, in no network of the estate.
    Managed(Id<PlatformService>),
    /// A service.
    Service(Id<PlatformService>),
}

/// The sender, where it is in no network of the estate.
pub(crate) fn outsider(f: &Facts, from: &Endpoint) -> Option<Outsider> {
    let Endpoint::Named(name) = from else { return None };
    match f.inv.follow_any(name)? {
        Slot { table: TableTag::PlatformService, row } => Some(Outsider::Service(Id::new(row as usize))),
        Slot { table: TableTag::MlCompute, row } => {
            let compute: &netwhy::inventory::MlCompute = &f.inv.ml_computes[Id::new(row as usize)];
            let workspace = f.inv.row::<PlatformService>(&compute.id.parent()?)?;
            compute.subnet.known().is_none().then_some(Outsider::Managed(workspace))
        }
        _ => None,
    }
}

/// One world.
pub(crate) fn trace(f: &Facts, w: &Worlds, from: Outsider, flow: &Flow) -> Result<(), Stop> {
    let name = match &flow.to {
        Endpoint::Fqdn(name) => name.trim_end_matches('.').to_ascii_lowercase(),
        _ => return Err(Stop { cause: Cause::UnknownName, decider: None }),
    };
    let ip = resolve_in(f, w, Asker::Internet, &name)?.ip;
    let target = f.inv.services.rows().find_map(|(id, _)| {
        let end = service_names(f, id).iter().position(|e| e.host == name)?;
        Some((id, end))
    });
    let private = match from {
        Outsider::Managed(workspace) => managed(f, workspace, target, &name, ip, flow)?,
        Outsider::Service(service) => {
            leaves_perimeter(f, service, target, &name)?;
            false
        }
    };
    let Some((service, end)) = target else { return listens(f, &name, flow) };
    if !private {
        admitted(f, from, service)?;
    }
    match &flow.identity {
        Some(who) => {
            let call = Call { service: Some((service, end)), ..Call::bare() };
            authorize(f, who, flow.action.as_deref(), &call)
        }
        None => Ok(()),
    }
}

fn listens(f: &Facts, name: &str, flow: &Flow) -> Result<(), Stop> {
    let host = f.inv.internet_hosts.iter().find(|h| h.names.iter().any(|n| name_matches(n, name)));
    let shut = host.filter(|h| h.listens.given && !h.listens.iter().any(|r| r.contains(flow.port)));
    match shut {
        Some(host) => Err(Stop { cause: Cause::NothingListens, decider: Some(host.id.full_name()) }),
        None => Ok(()),
    }
}

/// AML-5: whether it goes by a private endpoint of the managed network; a stop where nothing approves it.
fn managed(
    f: &Facts,
    workspace: Id<PlatformService>,
    target: Option<(Id<PlatformService>, usize)>,
    name: &str,
    ip: IpAddr,
    flow: &Flow,
) -> Result<bool, Stop> {
    let row = &f.inv.services[workspace];
    let mode = row.managed_network_isolation.known().copied().unwrap_or(IsolationMode::Disabled);
    if mode == IsolationMode::Disabled {
        return Ok(false);
    }
    let approved = mode == IsolationMode::AllowOnlyApprovedOutbound;
    let rules = row.managed_network_rules.known().map_or(&[][..], |r| &r.0);
    if let Some((service, end)) = target {
        let other = &f.inv.services[service];
        let ends = service_names(f, service);
        let group = ends[end].kind.group.to_ascii_lowercase();
        let is = |field: &netwhy::inventory::Field<netwhy::inventory::Ref<PlatformService>>| {
            f.row(field) == Some(service)
        };
        let own = service == workspace
            || is(&row.key_vault)
            || is(&row.container_registry)
            || is(&row.storage_account) && (group == "blob" || group == "file");
        let closed = other.public_network_access.is(PublicNetworkAccess::Disabled);
        let by_rule = rules.iter().filter(|r| r.in_force == Ok(true)).any(|rule| match &rule.opens {
            ManagedRuleTarget::PrivateEndpoint { resource, group: own } => {
                let means = resource.eq_ignore_ascii_case(other.id.name())
                    || resource.eq_ignore_ascii_case(other.id.as_str());
                means && own.eq_ignore_ascii_case(&group)
            }
            _ => false,
        });
        if own && (approved || closed) || by_rule {
            return Ok(true);
        }
    }
    let required = [
        "AzureMachineLearning",
        "AzureActiveDirectory",
        "BatchNodeManagement",
        "AzureResourceManager",
        "AzureFrontDoor.FirstParty",
        "MicrosoftContainerRegistry",
        "AzureMonitor",
    ];
    let within = |tag: &str| f.tag(tag).is_some_and(|set| set.contains(ip));
    let storage = service_of_host(name).is_some_and(|(kind, ..)| kind.section == "storageAccounts");
    let lets = |opens: &ManagedRuleTarget| match opens {
        ManagedRuleTarget::Fqdn(own) => matches!(flow.port, 80 | 443) && !storage && name_matches(own, name),
        ManagedRuleTarget::ServiceTag { tag, protocol, ports, .. } => {
            protocol.contains(flow.protocol) && ports.iter().any(|p| p.contains(flow.port)) && within(tag)
        }
        _ => false,
    };
    let speaks = |denies: bool| {
        let mut own = rules.iter().filter(|r| r.in_force == Ok(true) && r.denies == Ok(denies));
        own.any(|r| lets(&r.opens))
    };
    if !approved {
        let denied = rules.iter().find(|r| r.in_force == Ok(true) && r.denies == Ok(true) && lets(&r.opens));
        return match denied {
            Some(rule) => {
                let decider = Some(format!("{}/{}", row.id.full_name(), rule.name));
                Err(Stop { cause: Cause::ManagedNetworkDeny, decider })
            }
            None => Ok(false),
        };
    }
    match required.iter().any(|t| within(t)) || speaks(false) {
        // Which of two goes first is not documented.
        true if speaks(true) => Err(Stop { cause: Cause::UnknownValue, decider: None }),
        true => Ok(false),
        false => Err(Stop { cause: Cause::ManagedNetworkDeny, decider: Some(row.id.full_name()) }),
    }
}

/// NSP-1: out of an enforced perimeter goes what stays within it or what a rule names.
fn leaves_perimeter(
    f: &Facts,
    service: Id<PlatformService>,
    target: Option<(Id<PlatformService>, usize)>,
    name: &str,
) -> Result<(), Stop> {
    let Some(own) = association(f, service) else { return Ok(()) };
    let within =
        target.and_then(|(t, _)| association(f, t)).is_some_and(|o| o.id.parent() == own.id.parent());
    if !own.access_mode.is(AccessMode::Enforced) || within {
        return Ok(());
    }
    let profile = f.row(&own.profile).map(|p| f.inv.perimeter_profiles[p].id.clone());
    let lets = f.inv.perimeter_rules.iter().any(|r| {
        r.id.parent() == profile
            && r.direction.is(Direction::Outbound)
            && r.fully_qualified_domain_names.iter().any(|n| name_matches(n, name))
    });
    match lets {
        true => Ok(()),
        false => Err(Stop { cause: Cause::PerimeterDeny, decider: Some(own.id.full_name()) }),
    }
}

/// ST-2 for a caller that no address stands for.
fn admitted(f: &Facts, from: Outsider, service: Id<PlatformService>) -> Result<(), Stop> {
    let row = &f.inv.services[service];
    let name = Some(row.id.full_name());
    let caller = match from {
        Outsider::Service(caller) => Some(caller),
        Outsider::Managed(_) => None,
    };
    let subject = match from {
        Outsider::Service(caller) => &f.inv.services[caller].id,
        Outsider::Managed(workspace) => &f.inv.services[workspace].id,
    };
    if let Some(says) = in_perimeter(f, service, None, caller, Some(subject)) {
        return says;
    }
    let closed = row.public_network_access.is(PublicNetworkAccess::Disabled);
    let denies = match row.id.is_kind("Microsoft.DocumentDB/databaseAccounts") {
        true => row.is_virtual_network_filter_enabled.is(true) || !row.ip_rules.is_empty(),
        false => row.default_action.is(DefaultAction::Deny),
    };
    if let Some(caller) = caller {
        let caller = &f.inv.services[caller].id;
        if row.resource_access_rules.iter().any(|r| r.eq_ignore_ascii_case(caller.as_str())) {
            return Ok(());
        }
        let usual = ["storageAccounts", "vaults", "registries"];
        let says_nothing = row.default_action.is_absent() && row.public_network_access.is_absent();
        let bypass = match row.bypass.known() {
            Some(text) => text.split(',').any(|w| w.trim() == "AzureServices"),
            None => !says_nothing && usual.iter().any(|k| row.id.kind().ends_with(k)),
        };
        // KV-3, ST-6: of the kinds that random estates have, these are on Microsoft's list; of the others it would tell.
        let listed =
            ["MachineLearningServices/workspaces", "ContainerRegistry/registries", "Search/searchServices"];
        if bypass && listed.iter().any(|k| caller.is_kind(&format!("Microsoft.{k}"))) {
            return Ok(());
        }
        if bypass && (closed || denies) {
            return Err(Stop { cause: Cause::UnknownValue, decider: None });
        }
    }
    match (closed, denies) {
        (true, _) => Err(Stop { cause: Cause::PublicAccessDisabled, decider: name }),
        (false, true) => Err(Stop { cause: Cause::ServiceFirewallDeny, decider: name }),
        (false, false) => Ok(()),
    }
}
