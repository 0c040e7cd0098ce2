//! From raw resources to an [`Inventory`]: children put in their place, duplicates merged, references checked.

use super::change::property::superseded;
use super::names::NameIndex;
use super::read::{Memo, Reader, Unknown};
use super::ruleset;
use super::values::{FIRST_ADDRESS, LAST_ADDRESS};
use super::withheld;
use super::{Inventory, Nsg, Origin, RawResource, ResourceId, RuleCollectionGroup, Slot, TableTag};
use crate::diag::{At, Code, Diagnostic, Diagnostics, nearest};
use crate::doc::{Node, Object, Value};
use crate::services;
use hashbrown::HashMap;
use std::sync::Arc;

/// Children that stand inside their parent in one place and alone in another; here they stand alone.
const OUT: &[(&str, &str, &str)] = &[
    ("Microsoft.Network/virtualNetworks", "subnets", "subnets"),
    ("Microsoft.Network/virtualNetworks", "virtualNetworkPeerings", "virtualNetworkPeerings"),
    ("Microsoft.Network/firewallPolicies", "ruleCollectionGroups", "ruleCollectionGroups"),
    ("Microsoft.Network/privateDnsZones", "virtualNetworkLinks", "virtualNetworkLinks"),
    ("Microsoft.Network/privateEndpoints", "privateDnsZoneGroups", "privateDnsZoneGroups"),
    ("Microsoft.Network/dnsResolvers", "inboundEndpoints", "inboundEndpoints"),
    ("Microsoft.Network/dnsResolvers", "outboundEndpoints", "outboundEndpoints"),
    ("Microsoft.Network/dnsForwardingRulesets", "virtualNetworkLinks", "virtualNetworkLinks"),
    ("Microsoft.Network/virtualHubs", "hubVirtualNetworkConnections", "hubVirtualNetworkConnections"),
    ("Microsoft.Network/virtualHubs", "hubRouteTables", "hubRouteTables"),
    ("Microsoft.MachineLearningServices/workspaces", "computes", "computes"),
    ("Microsoft.MachineLearningServices/workspaces", "onlineEndpoints", "onlineEndpoints"),
    ("Microsoft.Network/networkManagers", "networkGroups", "networkGroups"),
    ("Microsoft.Network/networkManagers", "connectivityConfigurations", "connectivityConfigurations"),
    ("Microsoft.Network/networkManagers", "securityAdminConfigurations", "securityAdminConfigurations"),
    ("Microsoft.Network/networkManagers/securityAdminConfigurations", "ruleCollections", "ruleCollections"),
    ("Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections", "rules", "rules"),
    ("Microsoft.Network/networkSecurityPerimeters", "profiles", "profiles"),
    ("Microsoft.Network/networkSecurityPerimeters", "resourceAssociations", "resourceAssociations"),
    ("Microsoft.Network/networkSecurityPerimeters/profiles", "accessRules", "accessRules"),
    ("Microsoft.Cdn/profiles", "afdEndpoints", "afdEndpoints"),
    ("Microsoft.Cdn/profiles", "originGroups", "originGroups"),
    ("Microsoft.Cdn/profiles", "customDomains", "customDomains"),
    ("Microsoft.Cdn/profiles/originGroups", "origins", "origins"),
    ("Microsoft.Cdn/profiles/afdEndpoints", "routes", "routes"),
];

/// The children a resource of this type may hold in our own estate file: property and child segment.
pub fn inline_children(kind: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    OUT.iter().filter(move |(parent, ..)| parent.eq_ignore_ascii_case(kind)).map(|(_, p, s)| (*p, *s))
}

/// Children that belong into a list of their parent.
const IN: &[(&str, &str)] = &[
    ("Microsoft.Network/networkSecurityGroups/securityRules", "securityRules"),
    ("Microsoft.Network/routeTables/routes", "routes"),
    ("Microsoft.Network/loadBalancers/backendAddressPools", "backendAddressPools"),
    ("Microsoft.Network/loadBalancers/inboundNatRules", "inboundNatRules"),
    ("Microsoft.Network/virtualHubs/ipConfigurations", "ipConfigurations"),
    ("Microsoft.Network/virtualHubs/bgpConnections", "bgpConnections"),
    ("Microsoft.Network/dnsForwardingRulesets/forwardingRules", "forwardingRules"),
    (
        "Microsoft.Network/serviceEndpointPolicies/serviceEndpointPolicyDefinitions",
        "serviceEndpointPolicyDefinitions",
    ),
    ("Microsoft.Web/sites/config", "config"),
    ("Microsoft.Web/sites/slots/config", "config"),
    ("Microsoft.KeyVault/vaults/accessPolicies", "accessPolicies"),
    ("Microsoft.MachineLearningServices/workspaces/outboundRules", "managedNetwork.outboundRules"),
    ("Microsoft.Cache/Redis/firewallRules", "ipRules"),
    ("Microsoft.DBforMariaDB/servers/firewallRules", "ipRules"),
    ("Microsoft.DBforMySQL/flexibleServers/firewallRules", "ipRules"),
    ("Microsoft.DBforMySQL/servers/firewallRules", "ipRules"),
    ("Microsoft.DBforPostgreSQL/flexibleServers/firewallRules", "ipRules"),
    ("Microsoft.DBforPostgreSQL/servers/firewallRules", "ipRules"),
    ("Microsoft.DBforMariaDB/servers/virtualNetworkRules", "virtualNetworkRules"),
    ("Microsoft.DBforMySQL/servers/virtualNetworkRules", "virtualNetworkRules"),
    ("Microsoft.DBforPostgreSQL/servers/virtualNetworkRules", "virtualNetworkRules"),
    ("Microsoft.Sql/servers/firewallRules", "ipRules"),
    ("Microsoft.Sql/servers/ipv6FirewallRules", "ipRules"),
    ("Microsoft.Sql/servers/virtualNetworkRules", "virtualNetworkRules"),
    ("Microsoft.Synapse/workspaces/firewallRules", "ipRules"),
];

/// Types of hub gateways that share one table.
const HUB_GATEWAYS: &[&str] = &[
    "Microsoft.Network/vpnGateways",
    "Microsoft.Network/expressRouteGateways",
    "Microsoft.Network/p2sVpnGateways",
];

/// The tables of types met so far, as they are spelt.
#[derive(Default)]
struct Tags(HashMap<String, TableTag>);

impl Tags {
    fn of(&mut self, id: &ResourceId) -> TableTag {
        let kind = id.kind();
        match self.0.get(&kind) {
            Some(tag) => *tag,
            None => {
                let tag = tag_of(&kind);
                self.0.insert(kind, tag);
                tag
            }
        }
    }
}

/// The table of a resource type.
pub(super) fn tag_of(kind: &str) -> TableTag {
    let same = |word: &&str| word.eq_ignore_ascii_case(kind);
    if let Some((tag, ..)) = TableTag::ALL.iter().find(|(_, t, _)| same(t)) {
        return *tag;
    }
    if services::service_kind(kind).is_some() {
        return TableTag::PlatformService;
    }
    match kind {
        k if HUB_GATEWAYS.iter().any(|t| t.eq_ignore_ascii_case(k)) => TableTag::HubGateway,
        k if k.eq_ignore_ascii_case("Microsoft.MachineLearningServices/workspaces/batchEndpoints") => {
            TableTag::MlEndpoint
        }
        k if k.eq_ignore_ascii_case("Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies") => {
            TableTag::WafPolicy
        }
        _ => TableTag::Unmodelled,
    }
}

/// Whether resources of this type are read into a table, or into their parent.
pub fn is_modelled(kind: &str) -> bool {
    tag_of(kind) != TableTag::Unmodelled || list_of(kind).is_some()
}

/// Whether a resource of this type may have a part in a flow that is not modelled.
pub fn is_stranger(kind: &str) -> bool {
    !is_modelled(kind) && !super::has_no_network_meaning(kind)
}

/// Builds the inventory. The order of `raws` does not matter. `strict` names the documents whose unknown
/// fields are refused (our own files).
pub fn build(raws: Vec<RawResource>, notes: &mut Diagnostics) -> Inventory {
    let raws = normalize(raws, notes);
    let mut inventory = Inventory::default();
    let mut memo = Memo::default();
    let mut tags = Tags::default();
    // Each description is let go as soon as it is read.
    let mut withheld = Vec::new();
    for raw in raws {
        let strict = raw.origin == Origin::Estate;
        let scope = raw.id.clone();
        withheld.extend(withheld::of(&raw, tags.of(&raw.id)));
        let mut reader = Reader { notes, strict, scope, untold: untold(&raw), memo: &mut memo };
        inventory.read(tags.of(&raw.id), &raw, &mut reader);
    }
    index(&mut inventory);
    inventory.withheld = withheld.into_iter().filter_map(|found| found.placed(&inventory)).collect();
    check_references(&inventory, notes);
    inventory
}

/// Builds an inventory of resources that come one after the other and are let go at once, so that memory holds none of
/// their descriptions. Each must be told once, and wholly: nothing is merged, no child is put into its parent.
pub struct Collector<'a> {
    inventory: Inventory,
    memo: Memo,
    tags: Tags,
    notes: &'a mut Diagnostics,
}

impl<'a> Collector<'a> {
    /// Begins.
    pub fn new(notes: &'a mut Diagnostics) -> Self {
        Self { inventory: Inventory::default(), memo: Memo::of_objects(), tags: Tags::default(), notes }
    }

    /// Takes a resource, with the children that stand inside it.
    pub fn add(&mut self, raw: RawResource) {
        for mut raw in put_children_out(vec![raw]) {
            complete_zone(&mut raw);
            ruleset::settle(&mut raw);
            let strict = raw.origin == Origin::Estate;
            let (scope, untold) = (raw.id.clone(), untold(&raw));
            let mut reader = Reader { notes: self.notes, strict, scope, untold, memo: &mut self.memo };
            self.inventory.read(self.tags.of(&raw.id), &raw, &mut reader);
        }
    }

    /// All of them, sorted, references checked.
    pub fn finish(mut self) -> Inventory {
        self.inventory.sort();
        index(&mut self.inventory);
        check_references(&self.inventory, self.notes);
        self.inventory
    }
}

impl Inventory {
    /// Gives a security group or a rule collection group the rules of another of the same id; everything else of it
    /// stays. Tells where it is.
    pub(crate) fn replace_rules(&mut self, with: &RawResource, notes: &mut Diagnostics) -> Option<Slot> {
        let slot = self.slot(&with.id)?;
        let row = slot.row as usize;
        let mut memo = Memo::default();
        // Who says so, and where, stays as it was.
        macro_rules! put {
            ($table:ident, $kind:ident) => {{
                let old = self.$table.as_slice().get(row)?;
                let raw = RawResource {
                    id: old.id.clone(),
                    at: old.at,
                    origin: old.origin,
                    uncertain: old.uncertain.clone(),
                    api_version: old.api_version.clone(),
                    body: with.body.clone(),
                };
                let (strict, scope) = (raw.origin == Origin::Estate, raw.id.clone());
                let mut reader = Reader { notes, strict, scope, untold: None, memo: &mut memo };
                self.$table.put(row, $kind::from_raw(&raw, &mut reader));
            }};
        }
        match slot.table {
            TableTag::Nsg => put!(nsgs, Nsg),
            TableTag::RuleCollectionGroup => put!(rule_collection_groups, RuleCollectionGroup),
            _ => return None,
        }
        Some(slot)
    }
}

/// One description for each resource, sorted by id, with children where the tables want them. Doing it twice
/// changes nothing.
pub fn normalize(raws: Vec<RawResource>, notes: &mut Diagnostics) -> Vec<RawResource> {
    let mut out = put_children_out(raws);
    out.iter_mut().for_each(ruleset::settle);
    let single = with_networks(merge_duplicates(out, notes));
    let mut whole = merge_duplicates(put_children_in(single), notes);
    whole.iter_mut().for_each(ruleset::settle);
    in_doubt(whole)
}

/// What is not known to be deployed decides nothing for certain: a peering between networks that are, the
/// collections of a rule collection group, the connection of a private endpoint. Of a group, a table or an address
/// that something certain refers to, nothing is known: if it is not deployed, it was there before.
fn in_doubt(mut raws: Vec<RawResource>) -> Vec<RawResource> {
    const PEERING: &str = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings";
    let doubtful: hashbrown::HashSet<ResourceId> =
        raws.iter().filter(|raw| raw.uncertain.is_some()).map(|raw| raw.id.clone()).collect();
    if doubtful.is_empty() {
        return raws;
    }
    let alone = |raw: &RawResource| !raw.id.parent().is_some_and(|parent| doubtful.contains(&parent));
    let leant_on = leant_on(&raws, &doubtful);
    for raw in &mut raws {
        let Some(why) = raw.uncertain.as_ref().map(|why| doubt(&raw.id, why)) else { continue };
        if raw.id.is_kind(PEERING) && alone(raw) {
            raw.body = with_unknown(&raw.body, "peeringState", &why);
        } else if raw.id.is_kind("Microsoft.Network/firewallPolicies/ruleCollectionGroups") {
            raw.body = without_actions(&raw.body, &why);
        } else if raw.id.is_kind("Microsoft.Network/privateEndpoints") {
            raw.body = with_unknown(&raw.body, "status", &why);
        } else if leant_on.contains(&raw.id) {
            raw.body = unknown_body(&raw.body, &why);
        }
    }
    raws
}

/// Kinds of which a certain resource makes use by referring to them, and which have no table of doubts of their own.
const SHARED: &[&str] = &[
    "Microsoft.Network/firewallPolicies",
    "Microsoft.Network/ipGroups",
    "Microsoft.Network/natGateways",
    "Microsoft.Network/networkSecurityGroups",
    "Microsoft.Network/publicIPAddresses",
    "Microsoft.Network/routeTables",
];

/// The doubtful resources of these kinds that a certain one refers to.
fn leant_on(
    raws: &[RawResource],
    doubtful: &hashbrown::HashSet<ResourceId>,
) -> hashbrown::HashSet<ResourceId> {
    let shared: hashbrown::HashSet<&ResourceId> =
        doubtful.iter().filter(|id| SHARED.iter().any(|kind| id.is_kind(kind))).collect();
    let mut out = hashbrown::HashSet::new();
    if !shared.is_empty() {
        let mut names: hashbrown::HashMap<String, Vec<&ResourceId>> = hashbrown::HashMap::new();
        shared.iter().for_each(|id| names.entry(id.name().to_ascii_lowercase()).or_default().push(id));
        let certain = raws.iter().filter(|raw| raw.uncertain.is_none() && is_modelled(&raw.id.kind()));
        certain.for_each(|raw| references("", &raw.body, &names, &mut out));
    }
    out
}

/// What a body refers to: by id, or as our own files do by a name below a property that is called after the kind.
fn references(
    key: &str,
    node: &Node,
    wanted: &hashbrown::HashMap<String, Vec<&ResourceId>>,
    out: &mut hashbrown::HashSet<ResourceId>,
) {
    match &node.value {
        Value::String(text) => {
            let whole = ResourceId::looks_like_one(text).then(|| ResourceId::new(text));
            let name = text.rsplit('/').next().unwrap_or(text).to_ascii_lowercase();
            let of_name = wanted.get(&name).into_iter().flatten();
            let meant = of_name.filter(|id| match &whole {
                Some(whole) => whole == **id,
                None => text.len() == name.len() && is_called_after(key, &id.kind()),
            });
            out.extend(meant.map(|id| (*id).clone()));
        }
        Value::Array(items) => items.iter().for_each(|item| references(key, item, wanted, out)),
        Value::Packed(packed) => packed.full().iter().for_each(|item| references(key, item, wanted, out)),
        Value::Object(object) => {
            object.iter().for_each(|entry| references(&entry.key, &entry.value, wanted, out));
        }
        _ => {}
    }
}

/// Whether a property is one that refers to a kind: `routeTable`, `destinationIpGroups`, `basePolicy`.
fn is_called_after(key: &str, kind: &str) -> bool {
    let (key, kind) = (key.to_ascii_lowercase(), kind.to_ascii_lowercase());
    let many = kind.rsplit('/').next().unwrap_or_default();
    let stem = ["ies", "es", "s"].iter().find_map(|end| many.strip_suffix(end)).unwrap_or(many);
    key.contains(stem) || (key == "basepolicy" && many == "firewallpolicies")
}

/// The body of a rule collection group, with what its collections do unknown.
fn without_actions(body: &Node, why: &str) -> Node {
    let Some(list) = children(body, "ruleCollections").and_then(Node::as_array) else {
        return with_unknown(body, "ruleCollections", why);
    };
    let inner = list.iter().map(|one| match one.as_object() {
        Some(_) => with_unknown(one, "action", why),
        None => one.clone(),
    });
    let list = Node::array(body.at, inner.collect());
    let mut object = object_of(&without(body, "ruleCollections"));
    match object.get("properties").cloned() {
        Some(properties) => {
            let mut inner = object_of(&properties);
            inner.set("ruleCollections", body.at, list);
            object.set("properties", properties.at, Node::object(properties.at, inner));
        }
        None => {
            object.set("ruleCollections", body.at, list);
        }
    }
    Node::object(body.at, object)
}

fn doubt(id: &ResourceId, why: &str) -> String {
    format!("whether `{}` is deployed is not known: {why}", id.full_name())
}

/// The property that decides what a rule, route or record does. Of one that may not be there, this is not known.
fn deciding(kind: &str) -> Option<&'static str> {
    const DECIDING: &[(&str, &str)] = &[
        ("Microsoft.Network/networkSecurityGroups/securityRules", "access"),
        ("Microsoft.Network/routeTables/routes", "nextHopType"),
        ("Microsoft.Network/privateDnsZones/A", "aRecords"),
        ("Microsoft.Network/privateDnsZones/AAAA", "aaaaRecords"),
        ("Microsoft.Network/privateDnsZones/CNAME", "cnameRecord"),
        ("Microsoft.Network/dnsZones/A", "aRecords"),
        ("Microsoft.Network/dnsZones/AAAA", "aaaaRecords"),
        ("Microsoft.Network/dnsZones/CNAME", "cnameRecord"),
    ];
    DECIDING.iter().find(|(t, _)| t.eq_ignore_ascii_case(kind)).map(|(_, property)| *property)
}

/// The body with a property unknown, where its properties stand.
fn with_unknown(body: &Node, key: &str, why: &str) -> Node {
    let mut object = object_of(&without(body, key));
    let value = Node::unknown(body.at, why);
    match object.get("properties").cloned() {
        Some(properties) if properties.why_unknown().is_some() => {}
        Some(properties) => {
            let mut inner = object_of(&properties);
            inner.set(key, body.at, value);
            object.set("properties", properties.at, Node::object(properties.at, inner));
        }
        None => {
            object.set(key, body.at, value);
        }
    }
    Node::object(body.at, object)
}

/// A subnet lives in its virtual network, also where the files tell of the subnet alone: then nothing is known of
/// the network but that it is there.
fn with_networks(mut raws: Vec<RawResource>) -> Vec<RawResource> {
    let known: hashbrown::HashSet<&ResourceId> = raws.iter().map(|raw| &raw.id).collect();
    let mut missing: std::collections::BTreeMap<ResourceId, At> = std::collections::BTreeMap::new();
    for raw in raws.iter().filter(|raw| raw.id.is_kind("Microsoft.Network/virtualNetworks/subnets")) {
        if let Some(parent) = raw.id.parent().filter(|parent| !known.contains(parent)) {
            missing.entry(parent).or_insert(raw.at);
        }
    }
    drop(known);
    let body = |at| Node::object(at, Object::new());
    raws.extend(missing.into_iter().map(|(id, at)| RawResource {
        id,
        at,
        origin: Origin::Mentioned,
        uncertain: None,
        api_version: None,
        body: body(at),
    }));
    raws
}

/// Why everything that is not written is unknown, for a resource that is only mentioned.
fn untold(raw: &RawResource) -> Option<Unknown> {
    let why =
        || format!("`{}` is only mentioned; what it is made of is in none of the files", raw.id.full_name());
    (raw.origin == Origin::Mentioned).then(|| Unknown::new(raw.at, why()))
}

fn object_of(node: &Node) -> Object {
    node.as_object().cloned().unwrap_or_default()
}

/// Whether this property holds the children: in `properties`, or beside it in flat sources.
fn children<'a>(body: &'a Node, property: &str) -> Option<&'a Node> {
    body.get("properties").and_then(|p| p.get(property)).or_else(|| body.get(property))
}

fn put_children_out(raws: Vec<RawResource>) -> Vec<RawResource> {
    let mut out = Vec::with_capacity(raws.len());
    let mut work = raws;
    while let Some(mut raw) = work.pop() {
        let kind = raw.id.kind();
        for (property, segment) in inline_children(&kind) {
            let Some(items) = children(&raw.body, property).and_then(Node::as_array) else { continue };
            work.extend(items.iter().filter_map(|item| child_of(&raw, segment, item)));
            let unknown: Vec<Node> = items.iter().filter(|i| i.why_unknown().is_some()).cloned().collect();
            raw.body = without(&raw.body, property);
            raw.body = unknown.into_iter().fold(raw.body, |body, item| appended(&body, property, item));
        }
        out.push(raw);
    }
    out
}

/// A child written inside its parent. One that is only named there, as exports do (`ruleCollectionGroups:
/// [{ id }]`), is a resource whose properties are not known.
fn child_of(parent: &RawResource, segment: &str, item: &Node) -> Option<RawResource> {
    let word = |key: &str| item.get(key).and_then(Node::as_str);
    let own = word("id").map(ResourceId::new).filter(|id| id.parent().is_some_and(|p| p == parent.id));
    let id = match (own, word("name")) {
        (Some(id), _) => id,
        (None, Some(name)) => parent.id.child(segment, name.rsplit('/').next().unwrap_or(name)),
        (None, None) => return None,
    };
    let named_only = parent.origin == Origin::Deployed
        && item
            .as_object()
            .is_some_and(|o| o.iter().all(|e| NAMES.iter().any(|n| n.eq_ignore_ascii_case(&e.key))));
    let (origin, body) = match named_only {
        true => (Origin::Mentioned, unknown_body(item, "only its name is given, in its parent")),
        false => (parent.origin, item.clone()),
    };
    let (uncertain, api_version) = (parent.uncertain.clone(), parent.api_version.clone());
    Some(RawResource { id, at: item.at, origin, uncertain, api_version, body })
}

/// Keys that name a child and say nothing of it.
const NAMES: &[&str] = &["id", "name", "type", "etag", "resourceGroup"];

fn unknown_body(item: &Node, why: &str) -> Node {
    let mut body = object_of(item);
    body.set("properties", item.at, Node::unknown(item.at, why));
    Node::object(item.at, body)
}

/// The body without a property, wherever it stands.
fn without(body: &Node, property: &str) -> Node {
    let mut object = object_of(body);
    object.remove(property);
    if let Some(inner) = object.get("properties").filter(|p| p.get(property).is_some()) {
        let (at, mut properties) = (inner.at, object_of(inner));
        properties.remove(property);
        object.set("properties", at, Node::object(at, properties));
    }
    Node::object(body.at, object)
}

fn put_children_in(raws: Vec<RawResource>) -> Vec<RawResource> {
    let (inside, mut own): (Vec<_>, Vec<_>) =
        raws.into_iter().partition(|raw| list_of(&raw.id.kind()).is_some());
    let mut inside = inside;
    if inside.is_empty() {
        own.iter_mut().for_each(complete_zone);
        return own;
    }
    inside.sort_by(|a, b| (&a.id, a.origin).cmp(&(&b.id, b.origin)));
    let mut by_parent: HashMap<ResourceId, usize> =
        own.iter().enumerate().map(|(i, r)| (r.id.clone(), i)).collect();
    for child in inside {
        let (Some(list), Some(parent)) = (list_of(&child.id.kind()), child.id.parent()) else { continue };
        let at = *by_parent.entry(parent.clone()).or_insert_with(|| {
            own.push(mentioned(parent.clone(), &child, list));
            own.len() - 1
        });
        if let Some(why) = ruleset::unread_child(&child.id, list) {
            own[at].body = with_unknown(&own[at].body, list, &why);
            continue;
        }
        // What a template adds does not change the item of the same name that an export shows.
        let outranked = own[at].origin > child.origin && own[at].origin != Origin::Mentioned;
        let mut item = child_item(&child);
        let doubtful = child.uncertain.as_deref().filter(|_| own[at].uncertain.is_none());
        if let (Some(why), Some(property)) = (doubtful, deciding(&child.id.kind())) {
            item = with_unknown(&item, property, &doubt(&child.id, why));
        }
        if !(outranked && holds(&own[at].body, list, &item)) {
            own[at].body = appended(&own[at].body, list, item);
        }
    }
    own.iter_mut().for_each(complete_zone);
    own
}

/// A zone that says it holds more record sets, or more links, than the files tell, has unknown ones.
///
/// Without this an export of zones alone would answer every name with NXDOMAIN.
fn complete_zone(raw: &mut RawResource) {
    let zones = ["Microsoft.Network/privateDnsZones", "Microsoft.Network/dnsZones"];
    let count = raw.body.path("properties.numberOfRecordSets").and_then(Node::as_int);
    let Some(count) = count.filter(|_| zones.iter().any(|z| raw.id.is_kind(z))) else { return };
    let list = raw.body.path("properties.recordSets").and_then(Node::as_array).unwrap_or_default();
    let known = list.len();
    let told = list.iter().any(|item| item.why_unknown().is_some());
    if (known as i64) < count && !told {
        let why = format!("the zone holds {count} record sets, and the files tell {known} of them");
        raw.body = appended(&raw.body, "recordSets", Node::unknown(raw.at, why));
    }
}

/// The list of the parent that holds children of this type.
fn list_of(kind: &str) -> Option<&'static str> {
    if let Some(record) = strip_prefix_ignore_case(kind, "Microsoft.Network/privateDnsZones/") {
        return (!record.eq_ignore_ascii_case("virtualNetworkLinks") && !record.contains('/'))
            .then_some("recordSets");
    }
    if let Some(record) = strip_prefix_ignore_case(kind, "Microsoft.Network/dnsZones/") {
        return (!record.contains('/')).then_some("recordSets");
    }
    let own = IN.iter().find(|(t, _)| t.eq_ignore_ascii_case(kind)).map(|(_, list)| *list);
    own.or_else(|| ruleset::list_of(kind))
}

fn strip_prefix_ignore_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

/// A parent that only a child tells of. It may have other children of the kind.
fn mentioned(id: ResourceId, child: &RawResource, list: &str) -> RawResource {
    let why = format!("other {list} of `{}` are in none of the files", id.full_name());
    let empty = Node::object(child.at, Object::new());
    RawResource {
        id,
        at: child.at,
        origin: Origin::Mentioned,
        uncertain: None,
        api_version: None,
        body: appended(&empty, list, Node::unknown(child.at, why)),
    }
}

/// A child as an item of its parent's list: its own short name, and its type for record sets.
fn child_item(child: &RawResource) -> Node {
    let mut object = with_address_rule(object_of(&child.body));
    object.set("name", child.at, Node::string(child.at, child.id.name()));
    let kind = child.id.kind();
    let record = kind.rsplit('/').next().unwrap_or_default();
    object.set("type", child.at, Node::string(child.at, record));
    Node::object(child.at, object)
}

/// Address rules that are resources say `startIpAddress` and `endIpAddress`, subnet rules
/// `virtualNetworkSubnetId`; inside their service they read as a range in `value` and a subnet in `id`.
fn with_address_rule(mut object: Object) -> Object {
    let body = Node::built(Value::Object(Arc::new(object.clone())));
    let member = |keys: &[&str]| {
        let inner = body.get("properties");
        keys.iter().find_map(|k| inner.and_then(|p| p.get(k)).or_else(|| body.get(k)))
    };
    let ends = (member(FIRST_ADDRESS), member(LAST_ADDRESS));
    if let (Some(low), Some(high)) = ends {
        let range = match (low.as_str(), high.as_str()) {
            (Some(low_text), Some(high_text)) => Node::string(low.at, format!("{low_text}-{high_text}")),
            _ => Node::unknown(low.at, "the range of an address rule is not known"),
        };
        object.set("value", low.at, range);
    }
    if let Some(subnet) = member(&[ruleset::SUBNET_OF_RULE]) {
        object.set("id", subnet.at, subnet.clone());
    }
    object
}

/// The body with an item appended to the list at a dotted path below `properties`. Where the properties are
/// unknown they stay so, and the item stands beside them.
fn appended(body: &Node, path: &str, item: Node) -> Node {
    let mut object = object_of(body);
    let inner = object.get("properties").cloned();
    if inner.as_ref().is_some_and(|i| i.why_unknown().is_some()) {
        return append_at(body, path, item);
    }
    let at = inner.as_ref().map_or(body.at, |p| p.at);
    let inner = inner.unwrap_or_else(|| Node::object(at, Object::new()));
    object.set("properties", at, append_at(&inner, path, item));
    Node::object(body.at, object)
}

/// Whether the list at a dotted path below `properties` holds an item of the same name.
fn holds(body: &Node, path: &str, item: &Node) -> bool {
    let list = body.path(&format!("properties.{path}")).and_then(Node::as_array).unwrap_or_default();
    list.iter().any(|other| key(other) == key(item))
}

fn append_at(node: &Node, path: &str, item: Node) -> Node {
    let mut object = object_of(node);
    let (head, rest) = path.split_once('.').map_or((path, None), |(h, r)| (h, Some(r)));
    let here = object.get(head).cloned();
    let next = match (rest, here) {
        (Some(rest), here) => {
            append_at(&here.unwrap_or_else(|| Node::object(node.at, Object::new())), rest, item)
        }
        (None, Some(list)) if list.as_array().is_some() => {
            let mut items = list.as_array().unwrap_or_default().to_vec();
            let same = |n: &Node| key(n) == key(&item);
            match items.iter().position(same) {
                Some(at) => items[at] = item,
                None => items.push(item),
            }
            Node::array(list.at, items)
        }
        (None, Some(map)) if map.as_object().is_some() => {
            let mut entries = object_of(&map);
            let name: Arc<str> = item.get("name").and_then(Node::as_str).unwrap_or_default().into();
            entries.set(name, item.at, item.get("properties").cloned().unwrap_or(item.clone()));
            Node::object(map.at, entries)
        }
        (None, Some(other)) if other.why_unknown().is_some() => other,
        (None, _) => Node::array(item.at, vec![item]),
    };
    object.set(head, next.at, next);
    Node::object(node.at, object)
}

/// What makes a list item the same as another: name and, for records, type.
fn key(item: &Node) -> Option<(String, String)> {
    let word = |k: &str| item.get(k).and_then(Node::as_str).map(str::to_ascii_lowercase);
    let last = |name: String| name.rsplit('/').next().unwrap_or_default().to_owned();
    let kind = word("type").map(last).unwrap_or_default();
    let kind = if kind.len() <= 5 { kind } else { String::new() };
    Some((last(word("name")?), kind))
}

/// Merges descriptions of one resource: a later origin wins property by property, a list as a whole, and a
/// disagreement is noted. Of two of the same origin the one read last wins.
fn merge_duplicates(mut raws: Vec<RawResource>, notes: &mut Diagnostics) -> Vec<RawResource> {
    raws.sort_by(|a, b| (&a.id, a.origin, a.at).cmp(&(&b.id, b.origin, b.at)));
    let mut out: Vec<RawResource> = Vec::with_capacity(raws.len());
    for raw in raws {
        match out.last_mut().filter(|last| last.id == raw.id) {
            None => out.push(raw),
            Some(last) => merge(last, raw, notes),
        }
    }
    out
}

fn merge(older: &mut RawResource, newer: RawResource, notes: &mut Diagnostics) {
    let mut differs = None;
    if let (Some(body), None) = (without_unknown_properties(&older.body), newer.body.get("properties")) {
        // Our own file writes properties beside the name. They replace properties of which nothing is known, as they
        // do where they stand in `properties` too.
        older.body = body;
    }
    if let Some(shape) = tag_of(&newer.id.kind()).shape() {
        let (body, gone) = superseded(&older.body, &newer.body, &shape);
        older.body = body;
        let other = gone.iter().find(|g| !same_meaning(&g.old, &g.new));
        differs = other.map(|g| (g.path.to_owned(), g.old.at));
    }
    let mut inside = None;
    older.body = merged(&older.body, &newer.body, &mut inside);
    let differs = differs.or(inside);
    if let Some((path, at)) = differs.filter(|_| older.origin != Origin::Mentioned) {
        let message = format!("`{}` is described twice, and `{path}` differs", newer.id.full_name());
        notes.push(
            Diagnostic::new(Code::DuplicateResource, newer.at, message)
                .also(at, "the other description")
                .help(winner(older.origin, newer.origin)),
        );
    }
    older.origin = newer.origin;
    older.at = newer.at;
    older.api_version = newer.api_version.or(older.api_version.take());
    if older.uncertain.is_some() {
        older.uncertain = newer.uncertain;
    }
}

/// The body without its properties, where nothing of those is known.
fn without_unknown_properties(body: &Node) -> Option<Node> {
    body.get("properties")?.why_unknown()?;
    let own = body.as_object()?.iter().filter(|e| !e.key.eq_ignore_ascii_case("properties"));
    Some(Node::object(body.at, own.cloned().collect()))
}

/// Whether two spellings say the same: a value alone is a list of one.
pub fn same_meaning(a: &Node, b: &Node) -> bool {
    fn only(node: &Node) -> &Node {
        match node.as_array() {
            Some([one]) => one,
            _ => node,
        }
    }
    a.why_unknown().is_some() || b.why_unknown().is_some() || same_value(&only(a).value, &only(b).value)
}

/// Why one description wins over the other.
fn winner(older: Origin, newer: Origin) -> &'static str {
    match (older, newer) {
        (a, b) if a == b => "this one counts, because it was read last",
        (_, Origin::Estate) => "this one counts: an estate file is what a person says",
        (_, Origin::Planned) => "this one counts: what is planned is to outrank what is deployed",
        _ => {
            "this one counts: what is deployed outranks a template or plan; `--prefer planned` turns that round"
        }
    }
}

/// `newer` laid over `older`: objects key by key, everything else replaced.
fn merged(older: &Node, newer: &Node, differs: &mut Option<(String, crate::diag::At)>) -> Node {
    match (&older.value, &newer.value) {
        (Value::Object(a), Value::Object(b)) => {
            let mut object = (**a).clone();
            for entry in b.iter() {
                let value = match a.get(&entry.key) {
                    None => entry.value.clone(),
                    Some(old) => {
                        let had = differs.is_some();
                        let value = merged(old, &entry.value, differs);
                        if let (false, Some((path, _))) = (had, differs.as_mut()) {
                            *path = if path.is_empty() {
                                entry.key.to_string()
                            } else {
                                format!("{}.{path}", entry.key)
                            };
                        }
                        value
                    }
                };
                object.set(entry.key.clone(), entry.key_at, value);
            }
            Node::object(newer.at, object)
        }
        (Value::Unknown(_), _) => newer.clone(),
        (_, Value::Unknown(_)) => older.clone(),
        (a, b) if same_value(a, b) => newer.clone(),
        _ => {
            differs.get_or_insert((String::new(), older.at));
            newer.clone()
        }
    }
}

/// Equality of values without regard to places and, for strings, to case.
fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.eq_ignore_ascii_case(b),
        (Value::Packed(a), _) => same_value(&Value::Array(Arc::new(a.full().to_vec())), b),
        (_, Value::Packed(b)) => same_value(a, &Value::Array(Arc::new(b.full().to_vec()))),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same_value(&a.value, &b.value))
        }
        (Value::Object(a), Value::Object(b)) => {
            let (beside_a, beside_b) = (is_beside_an_id(a), is_beside_an_id(b));
            a.len() - usize::from(beside_a) == b.len() - usize::from(beside_b)
                && a.iter()
                    .filter(|e| !beside_a || !e.key.eq_ignore_ascii_case(GROUP_NAME))
                    .all(|e| b.get(&e.key).is_some_and(|v| same_value(&e.value.value, &v.value)))
        }
        (a, b) => a == b,
    }
}

/// The command line writes the group's name beside every id, which holds it already.
const GROUP_NAME: &str = "resourceGroup";

fn is_beside_an_id(object: &Object) -> bool {
    object.get("id").is_some() && object.get(GROUP_NAME).is_some()
}

/// A host of the internet that names no name is called as its resource is, where that can be one in the DNS.
fn name_hosts(inventory: &mut Inventory) {
    for host in inventory.internet_hosts.iter_mut() {
        let name = host.id.name();
        if !host.names.given && is_dns_name(name) {
            let name = name.into();
            host.names.given = true;
            host.names.items.push(name);
        }
    }
}

/// Whether a text has the form of a name in the DNS: labels of letters, digits and hyphens, of which the last is no
/// number.
pub(super) fn is_dns_name(text: &str) -> bool {
    let word = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    let text = text.strip_prefix("*.").unwrap_or(text);
    let last = text.rsplit('.').next().unwrap_or_default();
    text.contains('.') && text.split('.').all(word) && last.starts_with(|c: char| c.is_ascii_alphabetic())
}

fn index(inventory: &mut Inventory) {
    name_hosts(inventory);
    let mut count = 0;
    inventory.each(&mut |_, _, _, _| count += 1);
    let mut ids: HashMap<ResourceId, Slot, foldhash::fast::FixedState> = HashMap::default();
    ids.reserve(count);
    inventory.each(&mut |id, slot, _, _| {
        ids.insert(id.clone(), slot);
    });
    inventory.index = ids;
    inventory.names = NameIndex::new(inventory);
}

fn check_references(inventory: &Inventory, notes: &mut Diagnostics) {
    let mut found = Vec::new();
    let mut spellings = Spellings::default();
    inventory.refs(&mut |owner, text, kind, at| {
        let by_id = ResourceId::looks_like_one(text);
        let fits = |slot: &&Slot| kind.is_empty() || fits_table(slot.table, kind);
        let hits = if by_id {
            usize::from(inventory.slot(&ResourceId::new(text)).is_some())
        } else {
            inventory.named(text).iter().filter(fits).count()
        };
        if hits == 1 {
            return;
        }
        let inner = by_id && names_a_part(inventory, &ResourceId::new(text));
        // Groups, subscriptions and management groups are scopes: they exist without being listed.
        let scope = by_id && ResourceId::new(text).kind().starts_with("Microsoft.Resources/");
        let own = !by_id && kind.is_empty() && names_a_part_of(inventory, owner, text);
        if inner || scope || own {
            return;
        }
        found.push(if hits == 0 {
            dangling(inventory, owner, text, kind, at, &mut spellings)
        } else {
            let candidates: Vec<_> = inventory
                .named(text)
                .iter()
                .filter(fits)
                .filter_map(|s| inventory.id_of(*s))
                .map(ToString::to_string)
                .collect();
            Diagnostic::new(Code::AmbiguousReference, at, format!("`{text}` fits {hits} resources"))
                .help(format!("use the id of one of {}", candidates.join(", ")))
        });
    });
    found.into_iter().for_each(|d| notes.push(d));
}

fn fits_table(table: TableTag, kind: &str) -> bool {
    TableTag::ALL.get(table as usize).is_some_and(|(_, t, _)| *t == kind)
}

/// Whether the id names a part of a resource that is there: a frontend, a pool, an ip configuration.
fn names_a_part(inventory: &Inventory, id: &ResourceId) -> bool {
    let mut here = id.parent();
    while let Some(id) = here {
        if inventory.slot(&id).is_some() {
            return true;
        }
        here = id.parent();
    }
    false
}

/// Whether a name means a part of its owner, or, as `resource/part`, of a resource that is there.
fn names_a_part_of(inventory: &Inventory, owner: &ResourceId, text: &str) -> bool {
    let (whole, part) = text.rsplit_once('/').unwrap_or(("", text));
    inventory.has_part(owner, part)
        || inventory
            .named(whole)
            .iter()
            .filter_map(|slot| inventory.id_of(*slot))
            .any(|id| inventory.has_part(id, part))
}

fn dangling(
    inventory: &Inventory,
    owner: &ResourceId,
    text: &str,
    kind: &'static str,
    at: crate::diag::At,
    spellings: &mut Spellings,
) -> Diagnostic {
    let what = if kind.is_empty() { "resource" } else { kind };
    let message =
        format!("`{}` refers to the {what} `{text}`, which is in none of the files", owner.full_name());
    let diagnostic = Diagnostic::new(Code::DanglingReference, at, message);
    match spellings.nearest(inventory, kind, text.rsplit('/').next().unwrap_or(text)) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic,
    }
}

/// Names of one kind are compared so often in all: a large estate with every second reference wrong is not to take
/// hours, and who reads the first hundred suggestions has seen what is wrong.
const MOST_COMPARED: usize = 20_000_000;

/// The names that a reference may have meant, by kind.
#[derive(Default)]
struct Spellings {
    names: HashMap<&'static str, Vec<String>>,
    compared: usize,
}

impl Spellings {
    /// The name of a kind that is nearest to a wrong one, as long as that has not been asked too often.
    fn nearest(&mut self, inventory: &Inventory, kind: &'static str, wanted: &str) -> Option<&str> {
        let names = self.names.entry(kind).or_insert_with(|| {
            let mut names = Vec::new();
            inventory.names.each(inventory, &mut |name, slots| {
                if slots.iter().any(|s| kind.is_empty() || fits_table(s.table, kind)) {
                    names.push(name);
                }
            });
            names.sort_unstable();
            names
        });
        self.compared += names.len();
        if self.compared > MOST_COMPARED {
            return None;
        }
        nearest(wanted, names.iter().map(String::as_str).filter(|n| *n != wanted))
    }
}
