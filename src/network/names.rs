//! Compiled name resolution: private zones with their records and links, public names.

use super::attach::{AttachmentId, AttachmentKind, hub_of, target_of, target_type};
use super::called::{OwnName, own_names};
use super::{Attachment, Bound, normal_region};
use crate::diag::At;
use crate::inventory::{
    Field, Id, InternetHost, Inventory, PlatformService, PrivateDnsZone, PrivateDnsZoneGroup, RecordType,
    ResolutionPolicy, ResourceId, Slot, TableTag, Unknown, VirtualMachine, VirtualNetwork,
    VirtualNetworkLink,
};
use crate::net::IpAddr;
use crate::services::{
    EndpointKind, INSTANCE_HOSTS, NameParts, ServiceKind, fill, service_kind, without_instance_port,
    without_zone_number,
};
use crate::tags::{ServiceTags, TagId};
use hashbrown::HashMap;
use std::sync::Arc;

/// The API version that brought `resolutionPolicy` (DNS-7).
const FALLBACK_SINCE: &str = "2024-06-01";

type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// A record of a private zone.
#[derive(Clone, Debug)]
pub struct ZoneRecord {
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// The target of a CNAME.
    pub cname: Option<Arc<str>>,
    /// Whether an address was assumed because Azure assigns it at deployment.
    pub assumed: bool,
    /// Why it may hold more or else.
    pub unknown: Option<Unknown>,
    /// What wrote it: the zone, or the zone group of a private endpoint.
    pub owner: Slot,
    /// Where it is written.
    pub at: At,
}

/// A private zone as one virtual network sees it.
#[derive(Clone, Debug)]
pub struct ZoneView {
    /// The zone.
    pub zone: Id<PrivateDnsZone>,
    /// The link that makes it visible.
    pub link: Id<VirtualNetworkLink>,
    /// Whether a name that is not there is asked publicly (DNS-7); unknown stays unknown.
    pub fallback: Result<bool, Unknown>,
    /// Other links of the network to zones of the same name, of which Azure takes only one (DNS-11).
    pub rivals: Vec<ZoneView>,
    /// Why the network may not see the zone at all.
    pub doubt: Option<Unknown>,
}

/// What a public name is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PublicTarget {
    /// An endpoint of a platform service of the estate, by position in its kind's list.
    Service(Id<PlatformService>, usize),
    /// A host that somebody described.
    Host(Id<InternetHost>),
    /// A Front Door endpoint or custom domain, in its table.
    FrontDoor(Slot),
    /// A public address resource with a name.
    Address(Slot),
}

/// A public name and its address.
#[derive(Clone, Debug)]
pub struct PublicName {
    /// What it is.
    pub target: PublicTarget,
    /// Its public address.
    pub address: Option<IpAddr>,
    /// The service tag the address stands for.
    pub tag: Option<TagId>,
    /// The `privatelink` name it points to, where the service has a private endpoint (DNS-5).
    pub privatelink: Option<Arc<str>>,
    /// The same, where the service has private endpoints but none for this name's sub-resource (PE-2).
    pub other_privatelink: Option<Arc<str>>,
}

/// A zone that is linked to nobody knows which network, or of which nothing but its name is known.
#[derive(Clone, Debug)]
pub struct FloatingZone {
    /// Its name, lower case.
    pub zone: Arc<str>,
    /// The network; any, where that is not known.
    pub vnet: Option<Id<VirtualNetwork>>,
    /// What is not known.
    pub why: Unknown,
}

/// Name resolution of an estate.
#[derive(Debug, Default)]
pub struct Names {
    /// Zones each virtual network sees, the longest name first.
    pub views: Vec<Vec<ZoneView>>,
    /// Name of each zone, lower case.
    pub zone_names: Vec<Arc<str>>,
    /// Records by zone and full name, lower case.
    pub records: Map<(u32, Arc<str>), ZoneRecord>,
    /// Names that are there in a zone with a wildcard.
    pub there: Map<u32, hashbrown::HashSet<Arc<str>, foldhash::fast::FixedState>>,
    /// Why a zone may hold more records than these.
    pub zone_unknown: Map<u32, Unknown>,
    /// Public names of the estate, lower case.
    pub public: Map<Arc<str>, PublicName>,
    /// Public names with a star at the front, the longest first.
    pub wildcards: Vec<(Arc<str>, PublicName)>,
    /// For each platform service and endpoint: its full name.
    pub service_hosts: Vec<Vec<Option<Arc<str>>>>,
    /// For each platform service: whether its workspace id is a stand-in.
    pub stand_in_ids: Vec<bool>,
    /// Zones that a network may see, of which the files do not tell enough.
    pub floating: Vec<FloatingZone>,
    /// Tags of one region that the rules name.
    pub regional: Vec<TagId>,
    /// Names that lead to a service by another of its names, which is not told.
    pub untold: Map<Arc<str>, Unknown>,
    /// Machines that registered themselves: by registering network.
    pub registered: Map<(u32, Arc<str>), AttachmentId>,
}

/// A GUID-shaped stand-in for an id that only a deployment knows; the same for the same resource.
pub(super) fn stand_in_guid(id: &ResourceId) -> String {
    let mut words = [0xcbf2_9ce4_8422_2325u64, 0x9e37_79b9_7f4a_7c15];
    for (i, byte) in id.as_str().bytes().enumerate() {
        let word = &mut words[i & 1];
        *word = (*word ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0000_0100_0000_01b3);
    }
    let [a, b] = words;
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        b >> 52,
        b & 0xffff_ffff_ffff
    )
}

pub(super) fn names(inventory: &Inventory, attachments: &[Attachment], tags: &ServiceTags) -> Names {
    let mut names = Names { views: vec![Vec::new(); inventory.virtual_networks.len()], ..Names::default() };
    names.zone_names =
        inventory.private_dns_zones.iter().map(|z| z.id.name().to_ascii_lowercase().into()).collect();
    names.regional = super::regions::regional_tags(inventory, tags);
    host_names(inventory, &mut names);
    links(inventory, &mut names);
    let others = written_records(inventory, &mut names);
    group_records(inventory, attachments, &mut names);
    registered(inventory, attachments, &mut names);
    note_names(&mut names, &others);
    public_names(inventory, tags, &mut names);
    names
}

/// The kind of a platform service.
pub(super) fn kind_of(service: &PlatformService) -> Option<&'static ServiceKind> {
    service_kind(&service.id.kind())
}

fn host_names(inventory: &Inventory, names: &mut Names) {
    for service in inventory.services.iter() {
        let guid = service.workspace_id.known().map(|g| g.to_string());
        names.stand_in_ids.push(guid.is_none());
        let guid = guid.unwrap_or_else(|| stand_in_guid(&service.id));
        let region = service.location.known().map(|l| normal_region(l));
        let name = service.label();
        let parts = NameParts { name: &name, region: region.as_deref(), guid: &guid };
        let endpoints = kind_of(service).map_or(&[][..], |k| k.endpoints);
        if service.is_label_untold() {
            names.service_hosts.push(vec![None; endpoints.len()]);
            continue;
        }
        names.service_hosts.push(endpoints.iter().map(|e| fill(e.host, &parts).map(Into::into)).collect());
    }
}

fn links(inventory: &Inventory, names: &mut Names) {
    for (id, link) in inventory.zone_links.rows() {
        names.floating.extend(floating(inventory, link));
        let Some(zone) = zone_of_link(inventory, link) else { continue };
        let Bound::To(vnet) = Bound::follow(inventory, &link.virtual_network) else { continue };
        let fallback = link.resolution_policy.or(ResolutionPolicy::Default);
        // DNS-7: only privatelink zones fall back.
        let private = names.zone_names[zone.index()].starts_with("privatelink.");
        let fallback =
            fallback.map(|p| private && p == ResolutionPolicy::NxDomainRedirect).map_err(Clone::clone);
        let fallback = match (&fallback, link.api_version.as_deref()) {
            (Ok(true), Some(version)) if version.get(..10).is_some_and(|day| day < FALLBACK_SINCE) => {
                let why = format!(
                    "whether the link `{}` falls back: API version {version} does not have resolutionPolicy, which came with {FALLBACK_SINCE} (DNS-7)",
                    link.id.full_name()
                );
                Err(Unknown::new(link.at, why))
            }
            _ => fallback,
        };
        let of_zone = &inventory.private_dns_zones[zone];
        let doubt = doubt(&link.id, link.at, link.uncertain.as_deref())
            .or_else(|| doubt(&of_zone.id, of_zone.at, of_zone.uncertain.as_deref()));
        names.views[vnet.index()].push(ZoneView { zone, link: id, fallback, rivals: Vec::new(), doubt });
    }
    let zone_names = &names.zone_names;
    for view in &mut names.views {
        view.sort_by_key(|v| (std::cmp::Reverse(zone_names[v.zone.index()].len()), v.zone));
        // DNS-11: only one zone of a name can be linked to a network.
        view.dedup_by(|next, kept| {
            let same = zone_names[next.zone.index()] == zone_names[kept.zone.index()];
            if same && next.zone != kept.zone {
                let rival = ZoneView { rivals: Vec::new(), ..next.clone() };
                kept.rivals.push(rival);
            }
            same
        });
    }
}

/// A link of which not both ends are known: the zone may be any network's, or its records be anything.
fn floating(inventory: &Inventory, link: &VirtualNetworkLink) -> Option<FloatingZone> {
    let zone = match link.private_dns_zone.known() {
        Some(reference) => {
            reference.id().map_or_else(|| reference.text.to_string(), |id| id.name().to_owned())
        }
        None => link.id.parent()?.name().to_owned(),
    };
    let zone: Arc<str> = zone.to_ascii_lowercase().into();
    let known = zone_of_link(inventory, link).is_some();
    match &link.virtual_network {
        Field::Unknown(unknown) => {
            let why = format!(
                "whether the private zone `{zone}` is linked where the name is asked: {}",
                unknown.why
            );
            Some(FloatingZone { zone, vnet: None, why: Unknown::new(link.at, why) })
        }
        Field::Known(reference) if !known => {
            let vnet = inventory.follow(reference).row()?;
            let why = format!("what the private zone `{zone}` holds, which is in none of the files");
            Some(FloatingZone { zone, vnet: Some(vnet), why: Unknown::new(link.at, why) })
        }
        _ => None,
    }
}

/// Why what hangs on a resource is not known, where it may not be deployed.
fn doubt(id: &ResourceId, at: At, uncertain: Option<&str>) -> Option<Unknown> {
    let why = uncertain?;
    Some(Unknown::new(at, format!("whether `{}` is deployed is not known: {why}", id.full_name())))
}

fn zone_of_link(inventory: &Inventory, link: &VirtualNetworkLink) -> Option<Id<PrivateDnsZone>> {
    match link.private_dns_zone.known() {
        Some(reference) => inventory.follow(reference).row(),
        None => inventory.row(&link.id.parent()?),
    }
}

fn full_name(record: &str, zone: &str) -> Arc<str> {
    let record = record.to_ascii_lowercase();
    if record == "@" || record.is_empty() { zone.into() } else { format!("{record}.{zone}").into() }
}

/// Puts in the records that somebody wrote; gives the names of those that hold no address.
fn written_records(inventory: &Inventory, names: &mut Names) -> Vec<(u32, Arc<str>)> {
    let mut others = Vec::new();
    for (id, zone) in inventory.private_dns_zones.rows() {
        let zone_name = names.zone_names[id.index()].clone();
        if let Some(unknown) = &zone.record_sets.unknown {
            names.zone_unknown.insert(id.raw(), unknown.clone());
        }
        for set in &zone.record_sets {
            let kind = set.record_type.known().copied();
            let guessed = if set.cname.is_absent() { RecordType::A } else { RecordType::Cname };
            if !matches!(kind.unwrap_or(guessed), RecordType::A | RecordType::Aaaa | RecordType::Cname) {
                others.push((id.raw(), full_name(&set.name, &zone_name)));
                continue;
            }
            let record = ZoneRecord {
                addresses: set.addresses.items.clone(),
                cname: set.cname.known().map(|c| c.trim_end_matches('.').to_ascii_lowercase().into()),
                assumed: false,
                unknown: set.addresses.unknown.clone().or_else(|| set.cname.unknown().cloned()),
                owner: Slot { table: TableTag::PrivateDnsZone, row: id.raw() },
                at: set.at,
            };
            add_record(names, id, full_name(&set.name, &zone_name), record);
        }
    }
    others
}

fn add_record(names: &mut Names, zone: Id<PrivateDnsZone>, name: Arc<str>, record: ZoneRecord) {
    match names.records.get_mut(&(zone.raw(), name.clone())) {
        None => {
            names.records.insert((zone.raw(), name), record);
        }
        Some(old) => {
            for ip in record.addresses {
                if !old.addresses.contains(&ip) {
                    old.addresses.push(ip);
                }
            }
            old.cname = old.cname.take().or(record.cname);
            old.unknown = old.unknown.take().or(record.unknown);
        }
    }
}

/// The private endpoint and zones of a zone group.
fn group_parts(inventory: &Inventory, group: &PrivateDnsZoneGroup) -> Option<(u32, Vec<Id<PrivateDnsZone>>)> {
    let endpoint = match group.private_endpoint.known() {
        Some(reference) => inventory.follow(reference).row(),
        None => inventory.row(&group.id.parent()?),
    }?;
    let written = group.configs.iter().filter_map(|c| c.private_dns_zone_id.known());
    let zones = written.chain(group.private_dns_zones.iter()).filter_map(|r| inventory.follow(r).row());
    Some((endpoint.raw(), zones.collect()))
}

/// Records that zone groups write for their private endpoints (DNS-5, PE-8).
fn group_records(inventory: &Inventory, attachments: &[Attachment], names: &mut Names) {
    let members = members_of(attachments);
    for (id, group) in inventory.zone_groups.rows() {
        let Some((endpoint, zones)) = group_parts(inventory, group) else { continue };
        let owner = Slot { table: TableTag::PrivateDnsZoneGroup, row: id.raw() };
        let endpoint_row = &inventory.private_endpoints.as_slice()[endpoint as usize];
        let (target, groups) = target_of(inventory, endpoint_row);
        let kind = target
            .and_then(|s| inventory.id_of(s))
            .map(ResourceId::kind)
            .or_else(|| target_type(endpoint_row));
        let Some(service) = kind.as_deref().and_then(service_kind) else { continue };
        let own = target_parts(inventory, target, endpoint_row);
        let shared = projects_of(inventory, target).map(|project| parts_of(&inventory.services[project]));
        let all: Vec<_> = own.into_iter().chain(shared).collect();
        let used =
            service.endpoints.iter().filter(|e| groups.iter().any(|g| g.eq_ignore_ascii_case(e.group)));
        for (entry, (name, region, guid)) in used.flat_map(|e| all.iter().map(move |parts| (e, parts))) {
            let parts = NameParts { name, region: region.as_deref(), guid };
            let (Some(zone_name), Some(record)) =
                (entry.zone.and_then(|z| fill(z, &parts)), fill(entry.record, &parts))
            else {
                continue;
            };
            let zone = zones.iter().find(|z| *names.zone_names[z.index()] == *zone_name);
            let Some(zone) = zone.copied() else { continue };
            let address = members.get(&(endpoint, entry.member)).copied();
            let record_row = group_record(group, owner, address);
            add_record(names, zone, full_name(&record, &zone_name), record_row);
        }
        for (zone_name, record, member) in own_records(inventory, target, service, &groups) {
            let zone = zones.iter().find(|z| names.zone_names[z.index()].as_ref() == zone_name);
            let Some(zone) = zone.copied() else { continue };
            let record_row = group_record(group, owner, members.get(&(endpoint, member)).copied());
            add_record(names, zone, full_name(&record, zone_name), record_row);
        }
    }
}

/// A record that a zone group writes.
fn group_record(group: &PrivateDnsZoneGroup, owner: Slot, address: Option<&Attachment>) -> ZoneRecord {
    let doubt = doubt(&group.id, group.at, group.uncertain.as_deref());
    ZoneRecord {
        addresses: address.filter(|_| doubt.is_none()).and_then(|a| a.address).into_iter().collect(),
        cname: None,
        assumed: address.is_some_and(|a| a.assumed),
        unknown: match address {
            _ if doubt.is_some() => doubt,
            Some(a) if a.address.is_some() => None,
            Some(a) => Some(a.address_unknown()),
            None => Some(Unknown::new(group.at, "the private endpoint's subnet is not known")),
        },
        owner,
        at: group.at,
    }
}

/// Zone, record and address of the names that a target has beside those of its kind.
fn own_records(
    inventory: &Inventory,
    target: Option<Slot>,
    kind: &'static ServiceKind,
    groups: &[Arc<str>],
) -> Vec<(&'static str, String, u8)> {
    let Some(Slot { table: TableTag::PlatformService, row }) = target else { return Vec::new() };
    let names = own_names(&inventory.services.as_slice()[row as usize]).into_iter();
    let used = names.filter_map(|name| {
        let endpoint = kind.endpoints.get(name.position)?;
        let asked = groups.iter().any(|g| g.eq_ignore_ascii_case(endpoint.group));
        let zone = endpoint.zone.filter(|zone| asked && !zone.contains('{'))?;
        Some((zone, name.record?, name.member))
    });
    used.collect()
}

/// Name, region and workspace id of a private endpoint's target.
fn target_parts(
    inventory: &Inventory,
    target: Option<Slot>,
    endpoint: &crate::inventory::PrivateEndpoint,
) -> Option<(String, Option<String>, String)> {
    if let Some(Slot { table: TableTag::PlatformService, row }) = target {
        return Some(parts_of(&inventory.services.as_slice()[row as usize]));
    }
    let text = endpoint
        .target
        .known()
        .or_else(|| endpoint.connections.items.first()?.private_link_service_id.known())?;
    let id = text.id()?;
    Some((id.name().to_ascii_lowercase(), None, stand_in_guid(&id)))
}

fn parts_of(service: &PlatformService) -> (String, Option<String>, String) {
    let guid = service.workspace_id.known().map_or_else(|| stand_in_guid(&service.id), |g| g.to_string());
    let region = service.location.known().map(|l| normal_region(l));
    (service.label(), region, guid)
}

/// The projects of a hub, which its private endpoints serve too.
fn projects_of(inventory: &Inventory, hub: Option<Slot>) -> impl Iterator<Item = Id<PlatformService>> + '_ {
    let hub =
        hub.filter(|slot| slot.table == TableTag::PlatformService).map(|slot| Id::new(slot.row as usize));
    let all = inventory.services.rows().filter(move |_| hub.is_some());
    all.filter(move |(id, row)| !row.hub.is_absent() && hub_of(inventory, *id) == hub).map(|(id, _)| id)
}

/// Attachments of private endpoints, the first of each member.
fn members_of(attachments: &[Attachment]) -> Map<(u32, u8), &Attachment> {
    let mut out = Map::default();
    for attachment in attachments {
        if let AttachmentKind::PrivateEndpoint(id, member) = attachment.kind {
            out.entry((id.raw(), member)).or_insert(attachment);
        }
    }
    out
}

/// Machines of networks that register themselves in a zone.
fn registered(inventory: &Inventory, attachments: &[Attachment], names: &mut Names) {
    let machines = machines(inventory);
    let mut homes: Vec<Vec<u32>> = vec![Vec::new(); inventory.virtual_networks.len()];
    for (number, attachment) in attachments.iter().enumerate() {
        homes[attachment.vnet.index()].push(number as u32);
    }
    for link in inventory.zone_links.iter().filter(|l| l.registration_enabled.is(true)) {
        let Some(zone) = zone_of_link(inventory, link) else { continue };
        let Bound::To(vnet) = Bound::follow(inventory, &link.virtual_network) else { continue };
        let zone_name = names.zone_names[zone.index()].clone();
        let doubt = doubt(&link.id, link.at, link.uncertain.as_deref());
        for attachment in homes[vnet.index()].iter().map(|n| &attachments[*n as usize]) {
            let Some(name) = machine_name(inventory, &machines, attachment) else { continue };
            let missing = || attachment.address.is_none().then(|| attachment.address_unknown());
            let record = ZoneRecord {
                addresses: attachment.address.filter(|_| doubt.is_none()).into_iter().collect(),
                cname: None,
                assumed: attachment.assumed,
                unknown: doubt.clone().or_else(missing),
                owner: attachment.owner,
                at: attachment.at,
            };
            add_record(names, zone, full_name(&name, &zone_name), record);
        }
    }
    for (number, attachment) in attachments.iter().enumerate() {
        if let Some(name) = machine_name(inventory, &machines, attachment) {
            let key = (attachment.vnet.raw(), name.to_ascii_lowercase().into());
            names.registered.entry(key).or_insert(AttachmentId(number as u32));
        }
    }
}

/// The host name a machine registers: its virtual machine's.
fn machine_name(
    inventory: &Inventory,
    machines: &[Option<Id<VirtualMachine>>],
    attachment: &Attachment,
) -> Option<String> {
    match attachment.kind {
        AttachmentKind::Host(id) => Some(inventory.hosts[id].id.name().to_owned()),
        AttachmentKind::Interface(nic) => {
            let vm = machines[nic.index()]?;
            Some(inventory.virtual_machines[vm].id.name().to_owned())
        }
        _ => None,
    }
}

/// The virtual machine of each interface.
pub(super) fn machines(inventory: &Inventory) -> Vec<Option<Id<VirtualMachine>>> {
    let mut out = vec![None; inventory.network_interfaces.len()];
    for (id, machine) in inventory.virtual_machines.rows() {
        for nic in machine.network_interfaces.iter().filter_map(|r| inventory.follow(r).row()) {
            out[nic.index()].get_or_insert(id);
        }
    }
    for (nic, row) in inventory.network_interfaces.rows() {
        if let Some(machine) = row.virtual_machine.known() {
            out[nic.index()] = inventory.follow(machine).row();
        }
    }
    out
}

/// The virtual machine of an interface.
pub(crate) fn machine_of(
    inventory: &Inventory,
    nic: Id<crate::inventory::NetworkInterface>,
) -> Option<Id<crate::inventory::VirtualMachine>> {
    if let Some(vm) = inventory.network_interfaces[nic].virtual_machine.known() {
        return inventory.follow(vm).row();
    }
    inventory
        .virtual_machines
        .rows()
        .find(|(_, vm)| vm.network_interfaces.iter().any(|r| inventory.follow(r).row() == Some(nic)))
        .map(|(id, _)| id)
}

fn public_names(inventory: &Inventory, tags: &ServiceTags, names: &mut Names) {
    let connected = services_with_endpoints(inventory);
    for (id, service) in inventory.services.rows() {
        let Some(kind) = kind_of(service) else { continue };
        let tag = service_tag(kind, service, tags);
        for (position, endpoint) in kind.endpoints.iter().enumerate() {
            let Some(host) = names.service_hosts[id.index()][position].clone() else { continue };
            if endpoint.is_secondary() && !service.may_be_read_elsewhere() {
                continue;
            }
            let private = is_connected(&connected, id, endpoint.group);
            let any = connected.contains_key(&id.raw());
            let name = PublicName {
                target: PublicTarget::Service(id, position),
                address: tag.and_then(|t| tags.representative(t)),
                tag,
                privatelink: if private { privatelink_name(service, endpoint) } else { None },
                other_privatelink: if any && !private { privatelink_name(service, endpoint) } else { None },
            };
            insert_public(names, &host, name);
        }
        for own in own_names(service) {
            own_public_name(names, id, kind, own, &connected, tag.map(|t| (t, tags.representative(t))));
        }
    }
    online_endpoint_names(inventory, tags, &connected, names);
    instance_names(inventory, tags, names);
    for (id, host) in inventory.internet_hosts.rows() {
        let tag = host.service_tag.known().and_then(|t| tags.find(t));
        let address = host.addresses.items.first().copied().or_else(|| tags.representative(tag?));
        for name in &host.names {
            let private = host.has_private_endpoint.is(true).then(|| privatelink_of_public(name)).flatten();
            let public = PublicName {
                target: PublicTarget::Host(id),
                address,
                tag,
                privatelink: private,
                other_privatelink: None,
            };
            insert_public(names, name, public);
        }
    }
    front_door_names(inventory, tags, names);
    names.wildcards.sort_by(|a, b| (b.0.len(), &a.0).cmp(&(a.0.len(), &b.0)));
}

/// A name that a service has beside those of its kind.
fn own_public_name(
    names: &mut Names,
    id: Id<PlatformService>,
    kind: &ServiceKind,
    own: OwnName,
    connected: &Connected,
    tag: Option<(TagId, Option<IpAddr>)>,
) {
    let Some(endpoint) = kind.endpoints.get(own.position) else { return };
    if names.public.contains_key(own.host.as_str()) {
        return;
    }
    let private = is_connected(connected, id, endpoint.group);
    let any = connected.contains_key(&id.raw());
    if let Some(doubt) = own.doubt.filter(|_| any) {
        names.untold.insert(own.host.as_str().into(), doubt);
    }
    let zone = endpoint.zone.filter(|zone| !zone.contains('{'));
    let alias: Option<Arc<str>> =
        own.record.zip(zone).map(|(record, zone)| format!("{record}.{zone}").into());
    let name = PublicName {
        target: PublicTarget::Service(id, own.position),
        address: tag.and_then(|(_, ip)| ip),
        tag: tag.map(|(tag, _)| tag),
        privatelink: alias.clone().filter(|_| private),
        other_privatelink: alias.filter(|_| any && !private),
    };
    insert_public(names, &own.host, name);
}

/// Every online endpoint of the estate by its own name, so that it leads to its own workspace and not to whichever
/// stands first in its region.
fn online_endpoint_names(
    inventory: &Inventory,
    tags: &ServiceTags,
    connected: &Connected,
    names: &mut Names,
) {
    const ONLINE: &str = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints";
    for endpoint in inventory.ml_endpoints.iter().filter(|e| e.id.is_kind(ONLINE)) {
        let workspace = endpoint.id.parent().and_then(|id| inventory.row::<PlatformService>(&id));
        let Some(workspace) = workspace else { continue };
        let service = &inventory.services[workspace];
        let Some(kind) = kind_of(service) else { continue };
        let tag = service_tag(kind, service, tags);
        for (position, entry) in kind.endpoints.iter().enumerate().filter(|(_, e)| e.host.starts_with("*.")) {
            let Some(any) = names.service_hosts[workspace.index()][position].clone() else { continue };
            let label = endpoint.id.name();
            let private = is_connected(connected, workspace, entry.group);
            let alias = privatelink_name(service, entry).filter(|_| private);
            let name = PublicName {
                target: PublicTarget::Service(workspace, position),
                address: tag.and_then(|t| tags.representative(t)),
                tag,
                privatelink: alias.map(|a| a.replacen('*', &label.to_ascii_lowercase(), 1).into()),
                other_privatelink: None,
            };
            insert_public(names, &any.replacen('*', label, 1), name);
        }
    }
}

/// Every compute instance by the names it has in its region: who asks for them comes to the workspace, whose switches
/// decide (AML-1, AML-3).
fn instance_names(inventory: &Inventory, tags: &ServiceTags, names: &mut Names) {
    let is_instance = |c: &&crate::inventory::MlCompute| {
        c.compute_type.known().is_some_and(|kind| kind.eq_ignore_ascii_case("ComputeInstance"))
    };
    for compute in inventory.ml_computes.iter().filter(is_instance) {
        let workspace = compute.id.parent().and_then(|id| inventory.row::<PlatformService>(&id));
        let Some(workspace) = workspace else { continue };
        let service = &inventory.services[workspace];
        let Some(kind) = kind_of(service) else { continue };
        let tag = service_tag(kind, service, tags);
        let location = compute.location.known().or(service.location.known());
        let region = location.map(|l| normal_region(l));
        let name = compute.id.name().to_ascii_lowercase();
        let parts = NameParts { name: &name, region: region.as_deref(), guid: "" };
        for host in INSTANCE_HOSTS.iter().filter_map(|pattern| fill(pattern, &parts)) {
            let public = PublicName {
                target: PublicTarget::Service(workspace, 0),
                address: tag.and_then(|t| tags.representative(t)),
                tag,
                privatelink: None,
                other_privatelink: None,
            };
            insert_public(names, &host, public);
        }
    }
}

fn insert_public(names: &mut Names, host: &str, name: PublicName) {
    let host: Arc<str> = host.trim_end_matches('.').to_ascii_lowercase().into();
    if host.starts_with("*.") {
        names.wildcards.push((host, name));
    } else {
        names.public.insert(host, name);
    }
}

/// The tag of a service's public endpoint, regional where the region is known.
fn service_tag(kind: &ServiceKind, service: &PlatformService, tags: &ServiceTags) -> Option<TagId> {
    let tag = kind.tag?;
    let regional = service.location.known().filter(|_| kind.regional).and_then(|l| tags.regional(tag, l));
    regional.or_else(|| tags.find(tag))
}

/// Groups of private endpoints by service.
type Connected = Map<u32, Vec<Arc<str>>>;

fn is_connected(connected: &Connected, service: Id<PlatformService>, group: &str) -> bool {
    connected.get(&service.raw()).is_some_and(|groups| groups.iter().any(|g| g.eq_ignore_ascii_case(group)))
}

/// Which services have a private endpoint anywhere in the estate, by row and group.
fn services_with_endpoints(inventory: &Inventory) -> Connected {
    let mut out = Connected::default();
    for endpoint in inventory.private_endpoints.iter() {
        let (target, groups) = target_of(inventory, endpoint);
        if let Some(Slot { table: TableTag::PlatformService, row }) = target {
            out.entry(row).or_default().extend(groups);
        }
    }
    for (id, service) in inventory.services.rows() {
        if !service.private_endpoint_connections.items.is_empty()
            && out.get(&id.raw()).is_none_or(Vec::is_empty)
        {
            // An export lists the connections of the resource but not their sub-resources.
            let groups = kind_of(service).map_or(&[][..], |k| k.endpoints);
            out.entry(id.raw()).or_default().extend(groups.iter().map(|e| Arc::from(e.group)));
        }
    }
    for id in inventory.services.rows().filter(|(_, row)| !row.hub.is_absent()).map(|(id, _)| id) {
        let hub = hub_of(inventory, id).and_then(|hub| out.get(&hub.raw()).cloned());
        if let Some(groups) = hub {
            out.entry(id.raw()).or_default().extend(groups);
        }
    }
    out
}

fn privatelink_name(service: &PlatformService, endpoint: &EndpointKind) -> Option<Arc<str>> {
    let guid = service.workspace_id.known().map_or_else(|| stand_in_guid(&service.id), |g| g.to_string());
    let region = service.location.known().map(|l| normal_region(l));
    let name = service.label();
    let parts = NameParts { name: &name, region: region.as_deref(), guid: &guid };
    Some(format!("{}.{}", fill(endpoint.record, &parts)?, fill(endpoint.zone?, &parts)?).into())
}

/// The `privatelink` name of somebody else's service.
pub(crate) fn privatelink_of_public(host: &str) -> Option<Arc<str>> {
    let (_, endpoint, name) = crate::services::service_of_host(host)?;
    let parts = NameParts { name, region: None, guid: "" };
    Some(format!("{}.{}", fill(endpoint.record, &parts)?, fill(endpoint.zone?, &parts)?).into())
}

fn front_door_names(inventory: &Inventory, tags: &ServiceTags, names: &mut Names) {
    let tag = tags.find("AzureFrontDoor.Frontend");
    let address = tag.and_then(|t| tags.representative(t));
    let mut add = |host: &str, slot: Slot| {
        let target = PublicTarget::FrontDoor(slot);
        insert_public(
            names,
            host,
            PublicName { target, address, tag, privatelink: None, other_privatelink: None },
        );
    };
    for (id, endpoint) in inventory.front_door_endpoints.rows() {
        let slot = Slot { table: TableTag::FrontDoorEndpoint, row: id.raw() };
        match &endpoint.host_name {
            Field::Known(host) => add(host, slot),
            _ => add(&format!("{}.azurefd.net", endpoint.id.name()), slot),
        }
    }
    for (id, domain) in inventory.custom_domains.rows() {
        if let Some(host) = domain.host_name.known() {
            add(host, Slot { table: TableTag::CustomDomain, row: id.raw() });
        }
    }
    for (id, address) in inventory.public_ip_addresses.rows() {
        let slot = Slot { table: TableTag::PublicIpAddress, row: id.raw() };
        let region = address.location.known().map(|l| normal_region(l));
        let label = address.domain_name_label.known();
        let own = address.fqdn.known().map(|f| f.to_string());
        let host = own.or_else(|| Some(format!("{}.{}.cloudapp.azure.com", label?, region?)));
        if let Some(host) = host {
            let name = PublicName {
                target: PublicTarget::Address(slot),
                address: None,
                tag: None,
                privatelink: None,
                other_privatelink: None,
            };
            insert_public(names, &host, name);
        }
    }
}

impl Names {
    /// The longest zone a network sees that holds the name (DNS-4).
    pub fn zone_for(&self, vnet: Id<VirtualNetwork>, name: &str) -> Option<&ZoneView> {
        self.views[vnet.index()].iter().find(|v| is_under(name, &self.zone_names[v.zone.index()]))
    }

    /// Why a network may see another zone for a name than those that are known, a longer one (DNS-4).
    pub fn may_see(&self, vnet: Id<VirtualNetwork>, name: &str) -> Option<&Unknown> {
        let covers = |f: &&FloatingZone| f.vnet.is_none_or(|v| v == vnet) && is_under(name, &f.zone);
        let longest = self.floating.iter().filter(covers).max_by_key(|f| f.zone.len())?;
        let known = self.zone_for(vnet, name).map_or(0, |view| self.zone_names[view.zone.index()].len());
        (longest.zone.len() > known).then_some(&longest.why)
    }

    /// Whether two views of zones of one name answer a name alike.
    pub fn answer_alike(&self, one: &ZoneView, other: &ZoneView, name: &str) -> bool {
        let told = |view: &ZoneView| {
            let record = self.record(view.zone, name)?;
            let mut addresses = record.addresses.clone();
            addresses.sort_unstable();
            Some((addresses, record.cname.clone(), record.unknown.is_some()))
        };
        match (told(one), told(other)) {
            (Some(one), Some(other)) => !one.2 && one == other,
            (None, None) => {
                let whole = |view: &ZoneView| !self.zone_unknown.contains_key(&view.zone.raw());
                whole(one)
                    && whole(other)
                    && matches!((&one.fallback, &other.fallback), (Ok(a), Ok(b)) if a == b)
            }
            _ => false,
        }
    }

    /// A record of a zone, with its wildcard where the name is not there at all.
    pub fn record(&self, zone: Id<PrivateDnsZone>, name: &str) -> Option<&ZoneRecord> {
        let get = |name: &str| self.records.get(&(zone.raw(), Arc::from(name)));
        get(name).or_else(|| {
            let there = self.there.get(&zone.raw())?;
            get(&wildcard_of(name, &self.zone_names[zone.index()], |name| there.contains(name))?)
        })
    }

    /// A public name of the estate.
    pub fn public(&self, name: &str) -> Option<&PublicName> {
        let exact = self.public.get(name).or_else(|| {
            let plain = without_zone_number(name).or_else(|| without_instance_port(name))?;
            self.public.get(&*plain)
        });
        exact.or_else(|| {
            self.wildcards.iter().find(|(p, _)| crate::services::name_matches(p, name)).map(|(_, n)| n)
        })
    }
}

/// The wildcard that answers for a name of a zone: that of the closest name above it that is there, be it only because
/// others lie below that (RFC 4592). None does for a name that is there itself, whatever its records are of.
pub(crate) fn wildcard_of(name: &str, zone: &str, there: impl Fn(&str) -> bool) -> Option<String> {
    if there(name) {
        return None;
    }
    let mut rest = name;
    while let Some((_, parent)) = rest.split_once('.') {
        if parent == zone || there(parent) {
            return Some(format!("*.{parent}"));
        }
        rest = parent;
    }
    None
}

/// Notes which names there are in zones that have a wildcard, whatever their records are of: `others` are those that
/// hold no address. A name is there too where others lie below it.
fn note_names(names: &mut Names, others: &[(u32, Arc<str>)]) {
    let wild: Vec<u32> =
        names.records.keys().filter(|(_, name)| name.starts_with("*.")).map(|(z, _)| *z).collect();
    for zone in wild {
        names.there.entry(zone).or_default();
    }
    let told = names.records.keys().chain(others);
    for (zone, name) in told {
        let Some(there) = names.there.get_mut(zone) else { continue };
        let mut rest = name.clone();
        while there.insert(rest.clone()) {
            let Some((_, parent)) = rest.split_once('.') else { break };
            rest = parent.into();
        }
    }
}

/// Whether a name is a zone's name or below it.
pub(crate) fn is_under(name: &str, zone: &str) -> bool {
    name == zone
        || (name.len() > zone.len()
            && name.ends_with(zone)
            && name.as_bytes()[name.len() - zone.len() - 1] == b'.')
}
