//! Platform services, their private endpoints, and the private zones that lead there.

use super::estate::{Items, Out};
use super::network;
use super::plan::{Plan, PrivatePlace, Spoke};
use super::rng::Stream;
use super::value::{object, part, put, reference};
use crate::doc::{Node, Object};
use crate::inventory::ResourceId;
use crate::services::{NameParts, fill};

/// Services that get private endpoints: type, sub-resource, zone, host name, start of the name.
const KINDS: &[(&str, &str, &str, &str, &str)] = &[
    (
        "Microsoft.Storage/storageAccounts",
        "blob",
        "privatelink.blob.core.windows.net",
        "{name}.blob.core.windows.net",
        "st",
    ),
    ("Microsoft.KeyVault/vaults", "vault", "privatelink.vaultcore.azure.net", "{name}.vault.azure.net", "kv"),
    (
        "Microsoft.Sql/servers",
        "sqlServer",
        "privatelink.database.windows.net",
        "{name}.database.windows.net",
        "sql",
    ),
    (
        "Microsoft.EventHub/namespaces",
        "namespace",
        "privatelink.servicebus.windows.net",
        "{name}.servicebus.windows.net",
        "evh",
    ),
    ("Microsoft.Web/sites", "sites", "privatelink.azurewebsites.net", "{name}.azurewebsites.net", "app"),
];

/// A service with its private endpoint.
pub(super) struct Service {
    kind: &'static (&'static str, &'static str, &'static str, &'static str, &'static str),
    number: u32,
    place: PrivatePlace,
}

impl Service {
    fn name(&self, seed: u64) -> String {
        format!("{}netwhy{:x}{:06}", self.kind.4, seed & 0xffff, self.number)
    }

    fn id(&self, seed: u64) -> ResourceId {
        ResourceId::in_group(&self.place.subscription, &self.place.group, self.kind.0, &self.name(seed))
    }

    fn endpoint(&self) -> ResourceId {
        let name = format!("pe-{}-{:06}", self.kind.1, self.number).to_lowercase();
        let kind = "Microsoft.Network/privateEndpoints";
        ResourceId::in_group(&self.place.subscription, &self.place.group, kind, &name)
    }
}

fn all(plan: &Plan) -> impl Iterator<Item = Service> + '_ {
    let kinds = KINDS.len().min(plan.sizes.zones as usize).max(1);
    plan.private_places().enumerate().map(move |(number, place)| Service {
        kind: &KINDS[number % kinds],
        number: number as u32,
        place,
    })
}

/// The public host name of the service with a number.
pub(super) fn host(plan: &Plan, number: u32) -> String {
    let kinds = KINDS.len().min(plan.sizes.zones as usize).max(1);
    let kind = &KINDS[number as usize % kinds];
    let name = format!("{}netwhy{:x}{:06}", kind.4, plan.settings.seed & 0xffff, number);
    let parts = NameParts { name: &name, region: None, guid: "" };
    fill(kind.3, &parts).unwrap_or_default()
}

/// The usual port of the service with a number.
pub(super) fn port(plan: &Plan, number: u32) -> u16 {
    let kinds = KINDS.len().min(plan.sizes.zones as usize).max(1);
    if KINDS[number as usize % kinds].4 == "sql" { 1433 } else { 443 }
}

/// Names of the zones: those of the services first, then the company's own.
fn zone_names(plan: &Plan) -> impl Iterator<Item = String> {
    let own = plan.sizes.zones.saturating_sub(KINDS.len() as u32);
    let services = KINDS.iter().map(|k| k.2.to_owned()).take(plan.sizes.zones as usize);
    services.chain((0..own).map(|n| format!("app{:02}.corp.contoso.example", n + 1)))
}

fn zone_id(plan: &Plan, name: &str) -> ResourceId {
    let hub = plan.hub(0);
    ResourceId::in_group(&hub.subscription(), "rg-dns", "Microsoft.Network/privateDnsZones", name)
}

/// How many spokes a zone is linked to beside the hubs.
fn linked_spokes(plan: &Plan) -> u32 {
    plan.sizes.links.saturating_sub(plan.sizes.hubs).min(plan.sizes.spokes)
}

/// Whether the zones are linked to a spoke.
pub(super) fn is_linked(plan: &Plan, spoke: &Spoke) -> bool {
    spoke.number < linked_spokes(plan)
}

/// Every private endpoint.
pub(super) fn endpoints(plan: &Plan, out: &mut Out<'_>) -> Items {
    let seed = plan.settings.seed;
    for service in all(plan) {
        let (place, group) = (&service.place, service.kind.1);
        let vnet = subnet_of(plan, place);
        let connection = part! { "connection",
            "privateLinkServiceId": service.id(seed).as_str(), "groupIds": vec![group],
            "privateLinkServiceConnectionState": object! { "status": "Approved" },
        };
        let address = part! { "ipconfig1",
            "groupId": group, "memberName": group, "privateIPAddress": place.ip.as_str(),
        };
        let properties = object! {
            "subnet": reference(&vnet),
            "privateLinkServiceConnections": vec![connection],
            "ipConfigurations": vec![address],
        };
        out.put(service.endpoint(), object! { "location": place.location, "properties": properties })?;
    }
    Ok(())
}

fn subnet_of(plan: &Plan, place: &PrivatePlace) -> ResourceId {
    let name = format!("{}/{}", place.vnet, place.subnet);
    if plan.is_flat() {
        let hub = plan.hubs().find(|hub| hub.vnet() == place.vnet).unwrap_or(plan.hub(0));
        return network::hub_subnet(&hub, &place.subnet);
    }
    ResourceId::in_group(&place.subscription, &place.group, super::estate::SUBNET, &name)
}

/// Every zone group.
pub(super) fn zone_groups(plan: &Plan, out: &mut Out<'_>) -> Items {
    for service in all(plan) {
        let zone = zone_id(plan, service.kind.2);
        let configuration = part! { "zone", "privateDnsZoneId": zone.as_str() };
        let body = object! { "properties": object! { "privateDnsZoneConfigs": vec![configuration] } };
        out.put(service.endpoint().child("privateDnsZoneGroups", "default"), body)?;
    }
    Ok(())
}

/// Every private zone; the company's own have a record for each of a few balancers.
pub(super) fn zones(plan: &Plan, out: &mut Out<'_>) -> Items {
    for (number, name) in zone_names(plan).enumerate() {
        let mut properties = Object::new();
        if number >= KINDS.len() {
            let spokes = (0..10).map(|n| (number as u32 * 10 + n) % plan.sizes.spokes).map(|n| plan.spoke(n));
            let record = |(n, spoke): (usize, Spoke)| {
                object! { "name": format!("www{n:02}"), "recordType": "A", "addresses": vec![spoke.balancer_ip(1)] }
            };
            let records: Vec<Node> = spokes.enumerate().map(record).collect();
            put(&mut properties, "recordSets", records);
        }
        out.put(zone_id(plan, &name), object! { "location": "global", "properties": properties })?;
    }
    Ok(())
}

/// Every link: each zone to the hubs, and to as many spokes as there are links.
pub(super) fn links(plan: &Plan, out: &mut Out<'_>) -> Items {
    for name in zone_names(plan) {
        let zone = zone_id(plan, &name);
        let hubs = plan.hubs().map(|hub| (format!("to-hub-{}", hub.tail()), network::hub_vnet(&hub)));
        let spokes = (0..linked_spokes(plan)).filter(|_| !plan.is_flat()).map(|n| plan.spoke(n));
        let spokes = spokes.map(|s| (format!("to-app-{}", s.tail()), network::spoke_vnet(plan, &s)));
        for (link, vnet) in hubs.chain(spokes) {
            let properties = object! { "virtualNetwork": reference(&vnet), "registrationEnabled": false };
            let body = object! { "location": "global", "properties": properties };
            out.put(zone.child("virtualNetworkLinks", &link), body)?;
        }
    }
    Ok(())
}

/// Every service: most are closed to the public, some let a few in, some are open.
pub(super) fn services(plan: &Plan, out: &mut Out<'_>) -> Items {
    let seed = plan.settings.seed;
    for kind in KINDS {
        for service in all(plan).filter(|s| s.kind.0 == kind.0) {
            let mut rng = plan.rng(Stream::Service, service.number);
            let (access, action) = match rng.below(20) {
                0..=13 => ("Disabled", "Deny"),
                14..=16 => ("Enabled", "Deny"),
                _ => ("Enabled", "Allow"),
            };
            let mut properties = Object::new();
            put(&mut properties, "publicNetworkAccess", access);
            if matches!(service.kind.4, "st" | "kv") {
                let rules = object! { "defaultAction": action, "bypass": "AzureServices" };
                put(&mut properties, "networkAcls", rules);
            }
            out.put(
                service.id(seed),
                object! { "location": service.place.location, "properties": properties },
            )?;
        }
    }
    Ok(())
}
