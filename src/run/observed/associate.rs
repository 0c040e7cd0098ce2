//! What Network Watcher's topology says hangs together, beside what the files say.
//!
//! An association fills what no file tells (the security group of a subnet that is only named), and where a file
//! says otherwise that is a difference. It never overrules a file.

use crate::diag::{At, Code, Diagnostic, Diagnostics};
use crate::doc::{Entry, Node, Object};
use crate::formats::export::{Association, Facts};
use crate::inventory::{
    Field, Inventory, Kind, Many, NetworkInterface, Nsg, Origin, PublicIpAddress, RawResource, Ref,
    ResourceId, RouteTable, Subnet, VirtualMachine,
};
use std::collections::{BTreeMap, BTreeSet};

/// An association seen from the resource whose property it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Link {
    owner: ResourceId,
    target: ResourceId,
}

/// What the files say of a link.
enum Ours {
    /// The same.
    Same,
    /// Something else, and what it says in its place.
    Other(Vec<ResourceId>),
    /// Nothing.
    Untold,
}

/// The properties that associations speak of: whose, to what, and which of them hold one value and can be filled.
const PROPERTIES: &[(&str, &str, Option<&str>)] = &[
    (
        "Microsoft.Network/networkInterfaces",
        "Microsoft.Network/networkSecurityGroups",
        Some("networkSecurityGroup"),
    ),
    (
        "Microsoft.Network/virtualNetworks/subnets",
        "Microsoft.Network/networkSecurityGroups",
        Some("networkSecurityGroup"),
    ),
    ("Microsoft.Network/virtualNetworks/subnets", "Microsoft.Network/routeTables", Some("routeTable")),
    ("Microsoft.Network/networkInterfaces", "Microsoft.Compute/virtualMachines", Some("virtualMachine")),
    ("Microsoft.Network/networkInterfaces", "Microsoft.Network/virtualNetworks/subnets", None),
    ("Microsoft.Network/networkInterfaces", "Microsoft.Network/publicIPAddresses", None),
];

/// The resources that the associations tell of, and a diagnostic for each that a file contradicts.
pub(super) fn resources(facts: &Facts, inventory: &Inventory, notes: &mut Diagnostics) -> Vec<RawResource> {
    let seen: BTreeMap<Link, At> = facts.associations.iter().filter_map(link).collect();
    let mut filled: BTreeMap<(ResourceId, &str), Vec<(&Link, At)>> = BTreeMap::new();
    for (link, at) in &seen {
        match ours(inventory, link) {
            Ours::Same => {}
            Ours::Untold => {
                if let Some(property) = property(link) {
                    filled.entry((link.owner.clone(), property)).or_default().push((link, *at));
                }
            }
            Ours::Other(others) => notes.push(differs(link, *at, &others)),
        }
    }
    unseen(facts, inventory, &seen, notes);
    let single = filled.into_iter().filter(|(_, links)| links.len() == 1);
    single
        .filter_map(|((_, property), links)| links.first().map(|(link, at)| raw(link, property, *at)))
        .collect()
}

/// The association as a link, whichever side tells it; nothing where no property stands for it.
fn link(association: &Association) -> Option<(Link, At)> {
    let (from, to) = (&association.from, &association.to);
    let fits = |owner: &ResourceId, target: &ResourceId| {
        PROPERTIES.iter().any(|(o, t, _)| owner.is_kind(o) && target.is_kind(t))
    };
    let (owner, target) = if fits(from, to) {
        (from, to)
    } else if fits(to, from) {
        (to, from)
    } else {
        return None;
    };
    Some((Link { owner: owner.clone(), target: target.clone() }, association.at))
}

/// The property that holds a link, where it holds one alone.
fn property(link: &Link) -> Option<&'static str> {
    let fitting = PROPERTIES.iter().find(|(o, t, _)| link.owner.is_kind(o) && link.target.is_kind(t));
    fitting.and_then(|(.., property)| *property)
}

fn ours(inventory: &Inventory, link: &Link) -> Ours {
    if let Some(row) = inventory.row::<Subnet>(&link.owner) {
        let subnet = &inventory.subnets[row];
        return if link.target.is_kind("Microsoft.Network/routeTables") {
            field(inventory, &subnet.route_table, &link.target)
        } else {
            field(inventory, &subnet.network_security_group, &link.target)
        };
    }
    let Some(row) = inventory.row::<NetworkInterface>(&link.owner) else { return Ours::Untold };
    let interface = &inventory.network_interfaces[row];
    let configurations = &interface.ip_configurations;
    if link.target.is_kind("Microsoft.Network/networkSecurityGroups") {
        field(inventory, &interface.network_security_group, &link.target)
    } else if link.target.is_kind("Microsoft.Compute/virtualMachines") {
        machine(inventory, interface, link)
    } else if link.target.is_kind("Microsoft.Network/virtualNetworks/subnets") {
        any(inventory, configurations, |c| &c.subnet, &link.target)
    } else {
        any::<_, PublicIpAddress>(inventory, configurations, |c| &c.public_ip_address, &link.target)
    }
}

/// The id that a reference leads to.
fn id_of<K: Kind>(inventory: &Inventory, reference: &Ref<K>) -> ResourceId {
    let row = inventory.follow(reference).row();
    row.map_or_else(|| ResourceId::new(&reference.text), |row| K::table(inventory)[row].id().clone())
}

fn field<K: Kind>(inventory: &Inventory, field: &Field<Ref<K>>, target: &ResourceId) -> Ours {
    match field {
        Field::Unknown(_) => Ours::Untold,
        Field::Absent => Ours::Other(Vec::new()),
        Field::Known(reference) => match id_of(inventory, reference) {
            id if id == *target => Ours::Same,
            id => Ours::Other(vec![id]),
        },
    }
}

/// The same for a field in each item of a list.
fn any<T: 'static, K: Kind>(
    inventory: &Inventory,
    items: &Many<T>,
    of: impl Fn(&T) -> &Field<Ref<K>>,
    target: &ResourceId,
) -> Ours {
    let mut others = Vec::new();
    let mut is_untold = items.unknown.is_some();
    for item in &items.items {
        match field(inventory, of(item), target) {
            Ours::Same => return Ours::Same,
            Ours::Other(more) => others.extend(more),
            Ours::Untold => is_untold = true,
        }
    }
    if is_untold { Ours::Untold } else { Ours::Other(others) }
}

/// The machine of an interface, which either of the two may tell.
fn machine(inventory: &Inventory, interface: &NetworkInterface, link: &Link) -> Ours {
    let of_interface = field(inventory, &interface.virtual_machine, &link.target);
    let Some(row) = inventory.row::<VirtualMachine>(&link.target) else { return of_interface };
    let machine = &inventory.virtual_machines[row].network_interfaces;
    let has_it = machine.items.iter().any(|r| id_of(inventory, r) == link.owner);
    match of_interface {
        Ours::Same => Ours::Same,
        _ if has_it => Ours::Same,
        _ if machine.unknown.is_some() => Ours::Untold,
        other => other,
    }
}

/// Security groups and route tables that a file puts where the topology shows both ends and no association.
fn unseen(facts: &Facts, inventory: &Inventory, seen: &BTreeMap<Link, At>, notes: &mut Diagnostics) {
    let listed: BTreeSet<&ResourceId> = facts.associations.iter().flat_map(|a| [&a.from, &a.to]).collect();
    let at = |link: &Link| {
        facts.associations.iter().find(|a| a.from == link.owner || a.to == link.owner).map(|a| a.at)
    };
    let mut told: Vec<Link> = Vec::new();
    let mut tell = |owner: &ResourceId, target: Option<ResourceId>| {
        told.extend(target.map(|target| Link { owner: owner.clone(), target }));
    };
    for subnet in inventory.subnets.as_slice() {
        tell(&subnet.id, subnet.network_security_group.known().map(|r| id_of::<Nsg>(inventory, r)));
        tell(&subnet.id, subnet.route_table.known().map(|r| id_of::<RouteTable>(inventory, r)));
    }
    for interface in inventory.network_interfaces.as_slice() {
        tell(&interface.id, interface.network_security_group.known().map(|r| id_of::<Nsg>(inventory, r)));
    }
    // A link that differs was said already, from its other side.
    let is_said = |link: &Link| seen.keys().any(|s| s.owner == link.owner && property(s) == property(link));
    for link in told {
        let shows_both = listed.contains(&link.owner) && listed.contains(&link.target);
        if let (true, Some(at)) = (shows_both && !is_said(&link), at(&link)) {
            let message = format!(
                "the files put `{}` at `{}`, and Network Watcher's topology shows both without that",
                link.target.full_name(),
                link.owner.full_name()
            );
            notes.push(Diagnostic::new(Code::EffectiveDiffers, at, message));
        }
    }
}

fn differs(link: &Link, at: At, others: &[ResourceId]) -> Diagnostic {
    let (owner, target) = (link.owner.full_name(), link.target.full_name());
    let theirs = if others.is_empty() {
        "nothing".to_owned()
    } else {
        others.iter().map(|id| format!("`{}`", id.full_name())).collect::<Vec<_>>().join(", ")
    };
    let message = format!(
        "Network Watcher's topology shows `{target}` at `{owner}`, and the files say {theirs} in its place"
    );
    Diagnostic::new(Code::EffectiveDiffers, at, message)
}

/// The owner with one property; of a resource that is only mentioned everything else stays unknown.
fn raw(link: &Link, property: &str, at: At) -> RawResource {
    let object = |key: &str, value: Node| {
        Node::object(at, Object::from_iter([Entry { key: key.into(), key_at: at, value }]))
    };
    let reference = object("id", Node::string(at, link.target.as_str()));
    RawResource {
        id: link.owner.clone(),
        at,
        origin: Origin::Mentioned,
        uncertain: None,
        api_version: None,
        body: object("properties", object(property, reference)),
    }
}
