//! The service's own network rules (section 15) and authorization (section 16).

use super::facts::Facts;
use super::names::{Asked, Named, endpoint_target, kind_of, service_names, zone_name};
use super::walk::{Arrival, Call, Start, Way};
use super::worlds::{Stop, Worlds};
use netwhy::inventory::{
    AddressMeaning, ConnectionStatus, DefaultAction, Id, PerimeterAssociation, Permission, PlatformService,
    PrivateEndpoint, PublicNetworkAccess, ResourceId, RoleDefinition, Subnet, TableTag,
};
use netwhy::net::IpAddr;
use netwhy::network::{AttachmentKind, normal_region};
use netwhy::trace::Cause;

/// How a request reached the public endpoint.
enum Came {
    /// With a public address, from this region of Azure where it is one. No file may tell the address.
    Public { address: IpAddr, region: Option<String>, nameless: bool, within: bool },
    /// Over a service endpoint of a subnet.
    Subnet(Id<Subnet>),
}

/// What the service says to a packet that arrived.
pub(crate) fn admit(
    f: &Facts,
    w: &Worlds,
    way: &Way,
    call: &Call,
    named: Option<&Named>,
) -> Result<(), Stop> {
    match way.arrival {
        Arrival::Endpoint(place) => own_resource(f, place, call),
        Arrival::Outside => {
            let Some((service, _)) = call.service.or(way.origin) else { return Ok(()) };
            let region = way.left.and_then(|v| f.region(v));
            let subject = sender(f, way);
            if let Some(says) = in_perimeter(f, service, Some(way.last.source), None, subject.as_ref()) {
                return says;
            }
            let within = way.left.is_some();
            let came = Came::Public { address: way.last.source, region, nameless: way.nameless, within };
            public(f, w, service, &came).map_err(|s| because(f, s, named))
        }
        Arrival::ServiceEndpoint(subnet) => {
            let Some((service, _)) = call.service else { return Ok(()) };
            let subject = sender(f, way);
            if let Some(says) = in_perimeter(f, service, Some(way.last.source), None, subject.as_ref()) {
                return says;
            }
            public(f, w, service, &Came::Subnet(subnet)).map_err(|s| because(f, s, named))
        }
        _ => Ok(()),
    }
}

/// The resource that sends, where it is in a network of the estate.
fn sender(f: &Facts, way: &Way) -> Option<ResourceId> {
    match way.start {
        Start::Holder(place) => f.owner(&f.holders[place]),
        _ => None,
    }
}

/// The association of a service with a perimeter.
pub(crate) fn association<'a>(
    f: &'a Facts,
    service: Id<PlatformService>,
) -> Option<&'a PerimeterAssociation> {
    let id = &f.inv.services[service].id;
    f.inv.perimeter_associations.iter().find(|a| {
        let resource = a.private_link_resource.known().and_then(|r| f.inv.follow_any(&r.text));
        resource.and_then(|s| f.inv.id_of(s)) == Some(id)
    })
}

/// NSP-1, NSP-2: an enforced perimeter says who may come in - from an address, from the same perimeter, of a
/// subscription - whatever the resource itself says; `None` where there is none, or one that only watches.
pub(crate) fn in_perimeter(
    f: &Facts,
    service: Id<PlatformService>,
    source: Option<IpAddr>,
    caller: Option<Id<PlatformService>>,
    subject: Option<&ResourceId>,
) -> Option<Result<(), Stop>> {
    let own = association(f, service)?;
    if !own.access_mode.is(netwhy::inventory::AccessMode::Enforced) {
        return None;
    }
    let same = caller.and_then(|c| association(f, c)).is_some_and(|o| o.id.parent() == own.id.parent());
    let profile = f.row(&own.profile).map(|p| f.inv.perimeter_profiles[p].id.clone());
    let lets = f.inv.perimeter_rules.iter().any(|r| {
        r.id.parent() == profile
            && r.direction.is(netwhy::inventory::Direction::Inbound)
            && (r.address_prefixes.iter().any(|p| source.is_some_and(|ip| p.contains(&ip)))
                || r.subscriptions.iter().any(|s| subject.is_some_and(|id| id.is_within(s))))
    });
    let decider = Some(own.id.full_name());
    Some(if same || lets { Ok(()) } else { Err(Stop { cause: Cause::PerimeterDeny, decider }) })
}

/// PE-1: a connection that is not approved carries nothing.
pub(crate) fn connected(f: &Facts, way: &Way) -> Result<(), Stop> {
    let Arrival::Endpoint(place) = way.arrival else { return Ok(()) };
    let AttachmentKind::PrivateEndpoint(id, _) = f.holders[place].kind else { return Ok(()) };
    match status(f, id) {
        ConnectionStatus::Approved => Ok(()),
        _ => {
            let decider = Some(f.inv.private_endpoints[id].id.full_name());
            Err(Stop { cause: Cause::PeNotApproved, decider })
        }
    }
}

/// PE-2, PE-3.
fn own_resource(f: &Facts, place: usize, call: &Call) -> Result<(), Stop> {
    let AttachmentKind::PrivateEndpoint(id, _) = f.holders[place].kind else { return Ok(()) };
    let row = &f.inv.private_endpoints[id];
    let name = Some(row.id.full_name());
    let (target, groups) = endpoint_target(f, id);
    if let Some((service, end)) = call.service {
        let group = service_names(f, service).into_iter().nth(end).map(|e| e.kind.group);
        let serves = group.is_some_and(|g| groups.iter().any(|own| own.eq_ignore_ascii_case(g)));
        if target != Some(service) || !serves {
            return Err(Stop { cause: Cause::PeWrongResource, decider: name });
        }
    }
    Ok(())
}

/// The state of a connection: as written in short, or as deployed, else approved on creation.
fn status(f: &Facts, id: Id<PrivateEndpoint>) -> ConnectionStatus {
    let row = &f.inv.private_endpoints[id];
    if let Some(status) = row.status.known() {
        return *status;
    }
    let deployed = row.connections.items.first().and_then(|c| c.status.known());
    deployed.copied().unwrap_or(match row.manual_connections.items.is_empty() {
        true => ConnectionStatus::Approved,
        false => ConnectionStatus::Pending,
    })
}

/// DNS-9, DNS-10: refused only because the private zone is not linked where the name was asked.
fn because(f: &Facts, stop: Stop, named: Option<&Named>) -> Stop {
    if stop.is_supposed() {
        return stop;
    }
    // Where anybody asks, no zone could be linked.
    let Some(Named { unlinked: Some(name), asked, .. }) = named else { return stop };
    let zone =
        f.inv.private_dns_zones.rows().find(|(id, _)| name.ends_with(&format!(".{}", zone_name(f, *id))));
    // No such zone at all: what misses it is the zone that is there in its place, else the network asked in.
    let decider = match (zone, asked) {
        (_, Asked::Publicly) => return stop,
        (Some((_, row)), _) => Some(row.id.full_name()),
        (None, _) if in_its_place(f, name).is_some() => in_its_place(f, name),
        (None, Asked::In(vnet)) => Some(f.inv.virtual_networks[*vnet].id.full_name()),
        (None, Asked::OnPremises) => None,
    };
    Stop { cause: Cause::DnsZoneNotLinked, decider }
}

/// The zone that the zone group of a name's private endpoint writes into, where that is none of the service's.
fn in_its_place(f: &Facts, alias: &str) -> Option<String> {
    let owner = |id| service_names(f, id).into_iter().any(|e| e.private.as_deref() == Some(alias));
    let (service, _) = f.inv.services.rows().find(|(id, _)| owner(*id))?;
    let valid: Vec<String> = service_names(f, service)
        .iter()
        .filter_map(|e| e.private.as_deref()?.split_once(".privatelink."))
        .map(|(_, suffix)| format!("privatelink.{suffix}"))
        .collect();
    f.inv.zone_groups.iter().find_map(|group| {
        let endpoint = match group.private_endpoint.known() {
            Some(reference) => f.inv.follow(reference).row(),
            None => group.id.parent().and_then(|id| f.inv.row(&id)),
        }?;
        if endpoint_target(f, endpoint).0 != Some(service) {
            return None;
        }
        let written = group.configs.iter().filter_map(|c| c.private_dns_zone_id.known());
        let mut zones = written.chain(group.private_dns_zones.iter()).filter_map(|r| f.inv.follow(r).row());
        let wrong = zones.find(|z| valid.iter().all(|v| zone_name(f, *z) != *v))?;
        Some(f.inv.private_dns_zones[wrong].id.full_name())
    })
}

/// ST-2 and its like, for the public endpoint.
fn public(f: &Facts, w: &Worlds, id: Id<PlatformService>, came: &Came) -> Result<(), Stop> {
    let row = &f.inv.services[id];
    let name = Some(row.id.full_name());
    // ST-2 (d), KV-2.
    if row.public_network_access.is(PublicNetworkAccess::Disabled) {
        return Err(Stop { cause: Cause::PublicAccessDisabled, decider: name });
    }
    let cosmos = row.id.is_kind("Microsoft.DocumentDB/databaseAccounts");
    let storage = row.id.is_kind("Microsoft.Storage/storageAccounts");
    let open = match cosmos {
        // COS-1: no list, no filter.
        true => row.ip_rules.is_empty() && !row.is_virtual_network_filter_enabled.is(true),
        // ST-2 (e).
        false => !row.default_action.is(DefaultAction::Deny),
    };
    if open {
        return Ok(());
    }
    let listed = match came {
        // ST-2 (f): a subnet's rule needs the identity that only a service endpoint gives (SE-4).
        Came::Subnet(subnet) => {
            row.virtual_network_rules.iter().any(|r| f.inv.follow(r).row() == Some(*subnet))
        }
        Came::Public { address, region, nameless, within } => {
            // ST-4: the address of a client in the same region is never a public one.
            let here = row.location.known().map(|l| normal_region(l));
            let same_region = storage && region.is_some() && *region == here;
            let any_azure = cosmos && region.is_some() && row.ip_rules.iter().any(|w| *w.text == *"0.0.0.0");
            let named = row.ip_rules.iter().any(|w| match &w.means {
                AddressMeaning::Addresses(set) => set.contains(*address),
                AddressMeaning::Any => true,
                AddressMeaning::Tag(_) => false,
            });
            let may = *nameless && !row.ip_rules.is_empty() && !same_region;
            // Whether the client is in the account's region is told by both locations or not at all.
            let unplaced = storage && *within && (region.is_none() || here.is_none());
            if unplaced && (named || may) && !w.maybe(Cause::UnknownValue) {
                return Err(Stop::supposed(Cause::ServiceFirewallDeny));
            }
            any_azure || (named && !same_region) || (may && w.maybe(Cause::DanglingReference))
        }
    };
    match listed {
        true => Ok(()),
        false => Err(Stop { cause: Cause::ServiceFirewallDeny, decider: name }),
    }
}

/// RBAC-1: deny assignments, then the sum of the roles.
pub(crate) fn authorize(f: &Facts, who: &str, action: Option<&str>, call: &Call) -> Result<(), Stop> {
    let Some((service, end)) = call.service else { return Ok(()) };
    let row = &f.inv.services[service];
    // What nobody wrote down that a caller needs, nobody can say that it has.
    let Some((action, data)) = wanted(f, service, end, action) else {
        return Err(Stop { cause: Cause::UnknownValue, decider: None });
    };
    let Some(people) = principals(f, who) else {
        return Err(Stop { cause: Cause::UnknownIdentity, decider: None });
    };
    let is_me = |text: &str| {
        principals(f, text).is_some_and(|p| people.contains(&p[0]))
            || people.iter().any(|p| p.eq_ignore_ascii_case(text))
    };
    // A vault that does not say decides by access policies.
    if row.id.is_kind("Microsoft.KeyVault/vaults") && !row.enable_rbac_authorization.is(true) {
        let listed = row
            .access_policies
            .iter()
            .any(|p| p.object_id.known().is_some_and(|o| is_me(o)) && !p.secrets.is_empty());
        return match listed {
            true => Ok(()),
            false => Err(Stop { cause: Cause::AccessPolicyMissing, decider: Some(row.id.full_name()) }),
        };
    }
    for deny in f.inv.deny_assignments.iter() {
        let scope = scope_of(f, deny.scope.known().map(|r| &*r.text), &deny.id);
        let names = |list: &[netwhy::inventory::DeniedPrincipal]| {
            list.iter().any(|p| p.object_id.known().is_some_and(|id| is_me(id)))
        };
        let hits = names(&deny.principals.items) && !names(&deny.exclude_principals.items);
        if hits && row.id.is_within(&scope) && deny.permissions.iter().any(|p| permits(p, &action, data)) {
            return Err(Stop { cause: Cause::RbacDenyAssignment, decider: Some(deny.id.full_name()) });
        }
    }
    for assignment in f.inv.role_assignments.iter() {
        let scope = scope_of(f, assignment.scope.known().map(|r| &*r.text), &assignment.id);
        let mine = assignment.principal_id.known().is_some_and(|p| is_me(p));
        let role = assignment.role_definition_id.known();
        if mine && row.id.is_within(&scope) && role.is_some_and(|r| grants(f, r, &action, data)) {
            return Ok(());
        }
    }
    let cause = if data { Cause::RbacMissingDataRole } else { Cause::RbacMissingRole };
    Err(Stop { cause, decider: Some(row.id.full_name()) })
}

/// The action that reading means, and whether it is one of the data plane.
fn wanted(
    f: &Facts,
    service: Id<PlatformService>,
    end: usize,
    action: Option<&str>,
) -> Option<(String, bool)> {
    let kind = kind_of(f, service)?;
    let group = kind.endpoints.get(end)?.group;
    let reading = match (kind.arm_type, group) {
        ("Microsoft.Storage/storageAccounts", "blob" | "dfs") => {
            ("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read", true)
        }
        ("Microsoft.Storage/storageAccounts", "file") => {
            ("Microsoft.Storage/storageAccounts/fileServices/fileshares/files/read", true)
        }
        ("Microsoft.KeyVault/vaults", _) => ("Microsoft.KeyVault/vaults/secrets/getSecret/action", true),
        ("Microsoft.ContainerRegistry/registries", _) => {
            ("Microsoft.ContainerRegistry/registries/pull/read", false)
        }
        _ => return None,
    };
    match action {
        None => Some((reading.0.to_owned(), reading.1)),
        Some(action) => Some((action.to_owned(), reading.1)),
    }
}

/// Everybody a name stands for, itself first: the principal or resource, then its groups (RBAC-2).
fn principals(f: &Facts, who: &str) -> Option<Vec<String>> {
    let slot = f.inv.follow_any(who).or_else(|| {
        let by_object = f
            .inv
            .principals
            .rows()
            .find(|(_, p)| p.object_id.known().is_some_and(|o| o.eq_ignore_ascii_case(who)));
        by_object.map(|(id, _)| netwhy::inventory::Slot { table: TableTag::Principal, row: id.raw() })
    })?;
    let id = f.inv.id_of(slot)?.to_string().to_ascii_lowercase();
    let mut out = vec![id];
    if slot.table == TableTag::Principal {
        let mut open = vec![Id::new(slot.row as usize)];
        while let Some(next) = open.pop() {
            let row: &netwhy::inventory::Principal = &f.inv.principals[next];
            for group in row.member_of.iter().filter_map(|r| f.inv.follow(r).row()) {
                let text = f.inv.principals[group].id.to_string().to_ascii_lowercase();
                if !out.contains(&text) {
                    out.push(text);
                    open.push(group);
                }
            }
        }
    }
    Some(out)
}

/// Where an assignment holds: as said, by name or id, else where it lives.
fn scope_of(f: &Facts, said: Option<&str>, id: &ResourceId) -> String {
    match said {
        Some(text) => match f.inv.follow_any(text).and_then(|s| f.inv.id_of(s)) {
            Some(id) => id.to_string(),
            None => text.to_owned(),
        },
        None => id.scope().to_owned(),
    }
}

fn permits(permission: &Permission, action: &str, data: bool) -> bool {
    let (yes, no) = match data {
        true => (&permission.data_actions, &permission.not_data_actions),
        false => (&permission.actions, &permission.not_actions),
    };
    yes.iter().any(|p| wildcard(p, action)) && !no.iter().any(|p| wildcard(p, action))
}

fn wildcard(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    match pattern.split_once('*') {
        None => pattern == action,
        Some((head, tail)) => {
            action.len() >= head.len() + tail.len() && action.starts_with(head) && {
                let rest = &action[head.len()..];
                (0..=rest.len()).any(|at| rest.is_char_boundary(at) && wildcard_tail(tail, &rest[at..]))
            }
        }
    }
}

fn wildcard_tail(pattern: &str, text: &str) -> bool {
    if pattern.contains('*') { wildcard(pattern, text) } else { pattern == text }
}

/// Built-in roles by what they can do to data: name, control actions, data actions.
const ROLES: &[(&str, &[&str], &[&str])] = &[
    ("Owner", &["*"], &[]),
    ("Contributor", &["*"], &[]),
    ("Reader", &["*/read"], &[]),
    (
        "Storage Blob Data Reader",
        &[],
        &["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"],
    ),
    (
        "Storage Blob Data Contributor",
        &[],
        &["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*"],
    ),
    ("Storage Blob Data Owner", &[], &["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*"]),
    ("Key Vault Secrets User", &[], &["Microsoft.KeyVault/vaults/secrets/getSecret/action"]),
    ("AcrPull", &["Microsoft.ContainerRegistry/registries/pull/read"], &[]),
];

fn grants(f: &Facts, role: &str, action: &str, data: bool) -> bool {
    let own = f.inv.role_definitions.iter().find(|r: &&RoleDefinition| {
        r.id.name().eq_ignore_ascii_case(role)
            || r.id.as_str().eq_ignore_ascii_case(role)
            || r.role_name.known().is_some_and(|n| n.eq_ignore_ascii_case(role))
    });
    if let Some(own) = own {
        return own.permissions.iter().any(|p| permits(p, action, data));
    }
    let known = ROLES.iter().find(|(name, ..)| name.eq_ignore_ascii_case(role));
    known.is_some_and(|(_, control, on_data)| {
        let list = if data { on_data } else { control };
        list.iter().any(|p| wildcard(p, action))
    })
}
