//! All instances of one side with their ids and what refers to what.
//!
//! An id that Terraform does not know yet is made from names that it knows: stable, so that everything that
//! refers to the resource finds it.

use super::azapi;
use super::config::{References, Target};
use super::document::Instance;
use super::mapping::{Home, Type};
use super::types;
use crate::doc::Node;
use crate::formats::native::DEFAULT_SUBSCRIPTION;
use crate::inventory::ResourceId;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// Ids that depend on ids are followed this far.
const MAX_DEPTH: usize = 32;

/// Everything known about one side of a document.
pub(super) struct World<'d> {
    /// The instances.
    pub(super) all: Vec<Instance>,
    /// What refers to what.
    pub(super) references: References<'d>,
    /// The id of each instance, as far as it was asked for.
    ids: RefCell<Vec<Made>>,
    /// Ids of all instances now and before, in lower case.
    own: BTreeSet<String>,
    /// Attributes that only reflect resources of their own which the plan changes: the type of those
    /// resources, and the id in lower case of the resource that reflects them.
    stale: BTreeSet<(&'static str, String)>,
    /// Ids of everything that another instance lives in, in lower case with the child's segment.
    parents: BTreeSet<String>,
    /// Whether the document has a configuration, so that an absent expression means "not written".
    pub(super) configured: bool,
    subscription: String,
}

/// Attributes of a resource that show what resources of their own have set: the type, the attribute, the
/// other type, and where that names the resource. A plan that changes the other leaves them as they were.
const REFLECTED: &[(&str, &str, &str, &str)] = &[
    ("azurerm_key_vault", "access_policy", "azurerm_key_vault_access_policy", "key_vault_id"),
    ("azurerm_ip_group", "cidrs", "azurerm_ip_group_cidr", "ip_group_id"),
    (
        "azurerm_lb_backend_address_pool",
        "backend_ip_configurations",
        "azurerm_network_interface_backend_address_pool_association",
        "backend_address_pool_id",
    ),
    (
        "azurerm_storage_account",
        "network_rules",
        "azurerm_storage_account_network_rules",
        "storage_account_id",
    ),
    ("azurerm_virtual_network", "dns_servers", "azurerm_virtual_network_dns_servers", "virtual_network_id"),
];

/// An id in the making: ids depend on ids, and a circle has none.
#[derive(Clone)]
enum Made {
    Not,
    Now,
    Done(Option<ResourceId>),
}

impl<'d> World<'d> {
    /// `before` are the instances as they are now, when `all` are planned ones.
    pub(super) fn new(doc: &'d Node, all: Vec<Instance>, before: &[Instance]) -> Self {
        let references = References::new(doc, &all);
        let mut world = World {
            subscription: subscription(doc, &all),
            configured: doc.path("configuration.root_module").is_some(),
            ids: RefCell::new(vec![Made::Not; all.len()]),
            parents: BTreeSet::new(),
            own: before.iter().filter_map(|i| text(i, "id")).map(str::to_lowercase).collect(),
            stale: BTreeSet::new(),
            references,
            all,
        };
        for number in 0..world.all.len() {
            let Some(id) = world.id(number) else { continue };
            world.own.insert(id.as_str().to_lowercase());
            if let (Some(parent), Some(segment)) = (id.parent(), id.kind().rsplit('/').next()) {
                world.parents.insert(format!("{parent}|{segment}").to_lowercase());
            }
        }
        world.stale = world.find_stale(before);
        world
    }

    /// What reflects resources that differ from what they were.
    fn find_stale(&self, before: &[Instance]) -> BTreeSet<(&'static str, String)> {
        let mut stale = BTreeSet::new();
        for (_, _, kind, owner) in REFLECTED.iter().filter(|_| !before.is_empty()) {
            let old = before.iter().filter(|i| *i.kind == **kind);
            let old: BTreeMap<&str, &Instance> = old.map(|i| (&*i.address, i)).collect();
            let new = self.all.iter().filter(|i| *i.kind == **kind);
            let new: BTreeMap<&str, &Instance> = new.map(|i| (&*i.address, i)).collect();
            for address in old.keys().chain(new.keys()) {
                let pair = [old.get(address), new.get(address)];
                let [first, second] = pair.map(|i| i.map(|i| i.values.to_string()));
                if first != second {
                    let owners = pair.into_iter().flatten().filter_map(|i| self.given(i, owner, "", 0));
                    stale.extend(owners.map(|id| (*kind, id.as_str().to_lowercase())));
                }
            }
        }
        stale
    }

    /// Whether an attribute only reflects resources of their own that the plan changes.
    pub(super) fn is_stale(&self, instance: &Instance, base: &ResourceId, attribute: &str) -> bool {
        let first = attribute.split('.').next().unwrap_or(attribute);
        let reflects = |r: &&(&str, &str, &str, &str)| *instance.kind == *r.0 && r.1 == first;
        let Some((.., kind, _)) = REFLECTED.iter().find(reflects) else { return false };
        self.stale.contains(&(*kind, base.as_str().to_lowercase()))
    }

    /// Whether a resource is one of its own, now or before.
    pub(super) fn stands_alone(&self, id: &ResourceId) -> bool {
        self.own.contains(&id.as_str().to_lowercase())
    }

    /// The id of an instance.
    pub(super) fn id(&self, number: usize) -> Option<ResourceId> {
        self.id_at(number, 0)
    }

    fn id_at(&self, number: usize, depth: usize) -> Option<ResourceId> {
        let there = self.ids.borrow().get(number).cloned()?;
        match there {
            Made::Done(id) => return id,
            Made::Now => return None,
            Made::Not => {}
        }
        self.remember(number, Made::Now);
        let id = self.make_id(number, depth);
        self.remember(number, Made::Done(id.clone()));
        id
    }

    fn remember(&self, number: usize, made: Made) {
        if let Some(place) = self.ids.borrow_mut().get_mut(number) {
            *place = made;
        }
    }

    /// Whether some instance is a child of this kind of the resource.
    pub(super) fn has_children(&self, parent: &ResourceId, segment: &str) -> bool {
        self.parents.contains(&format!("{parent}|{segment}").to_lowercase())
    }

    fn make_id(&self, number: usize, depth: usize) -> Option<ResourceId> {
        let instance = self.all.get(number)?;
        if depth > MAX_DEPTH {
            return None;
        }
        if let Some(made) = azapi::id(self, instance, depth) {
            return Some(made);
        }
        let known = types::find(&instance.kind)?;
        let text = instance.values.get("id").and_then(Node::as_str).filter(|t| ResourceId::looks_like_one(t));
        let own = !matches!(known.home, Home::Sets(_) | Home::Item { .. } | Home::Nothing);
        match text {
            Some(text) if own => Some(ResourceId::new(text.split('|').next().unwrap_or(text))),
            Some(text) if matches!(known.home, Home::Item { .. }) && !text.contains('|') => {
                Some(ResourceId::new(text))
            }
            _ => self.synthetic(known, instance, depth),
        }
    }

    fn synthetic(&self, known: &Type, instance: &Instance, depth: usize) -> Option<ResourceId> {
        let name = self.name(instance);
        match &known.home {
            Home::Group => Some(ResourceId::under(&self.group(instance, depth), known.arm, &name)),
            Home::Named(parent) => {
                let above = parent_type(known.arm);
                if let Some(id) = self.linked(instance, parent, above, depth) {
                    return Some(id.child(segment(known.arm), &name));
                }
                let parent_name = text(instance, parent)?;
                let group = self.group(instance, depth);
                Some(ResourceId::under(&group, above, parent_name).child(segment(known.arm), &name))
            }
            Home::Parent(attribute) => {
                let id = self.given(instance, attribute, parent_type(known.arm), depth)?;
                Some(id.child(segment(known.arm), &name))
            }
            Home::Beside(attribute) => {
                let id = self.given(instance, attribute, "", depth)?.parent()?;
                Some(id.child(segment(known.arm), &name))
            }
            Home::Scope(attribute) => {
                let scope = self.given(instance, attribute, "", depth)?;
                Some(ResourceId::under(scope.as_str(), known.arm, &name))
            }
            Home::Item { parent, of, list, .. } => {
                let id = self.owner(instance, parent, of, depth)?;
                Some(id.child(segment(list), &name))
            }
            Home::Sets(_) | Home::Nothing => None,
        }
    }

    /// The resource an item or an association belongs to.
    pub(super) fn owner_of(&self, instance: &Instance, attribute: &str, of: &str) -> Option<ResourceId> {
        self.owner(instance, attribute, of, 0)
    }

    fn owner(&self, instance: &Instance, attribute: &str, of: &str, depth: usize) -> Option<ResourceId> {
        if !attribute.ends_with("_name") {
            return self.given(instance, attribute, of, depth);
        }
        self.linked(instance, attribute, of, depth).or_else(|| {
            let name = text(instance, attribute)?;
            Some(ResourceId::under(&self.group(instance, depth), of, name))
        })
    }

    /// The id an attribute holds, or that of the one resource it refers to.
    pub(super) fn given(
        &self,
        instance: &Instance,
        attribute: &str,
        of: &str,
        depth: usize,
    ) -> Option<ResourceId> {
        match text(instance, attribute) {
            Some(id) if ResourceId::looks_like_one(id) => Some(ResourceId::new(id)),
            Some(_) => None,
            None => self.linked(instance, attribute, of, depth),
        }
    }

    /// The id of the one resource of a type that an unknown attribute refers to.
    fn linked(&self, instance: &Instance, attribute: &str, of: &str, depth: usize) -> Option<ResourceId> {
        instance.values.get(attribute)?.why_unknown()?;
        let expression = self.references.expressions(instance)?.get(attribute)?;
        let found = self.references.targets(expression, instance);
        let mut fit = found.iter().filter_map(|t| self.fit(t, of, depth));
        let first = fit.next()?;
        fit.all(|other| other == first).then_some(first)
    }

    fn fit(&self, target: &Target, of: &str, depth: usize) -> Option<ResourceId> {
        let id = self.id_at(target.instance, depth + 1)?;
        (of.is_empty() || id.is_kind(of)).then_some(id)
    }

    /// The ids of all resources of a type that an expression refers to, or of parts of them.
    pub(super) fn links(&self, expression: &Node, instance: &Instance, of: &str) -> Vec<ResourceId> {
        let mut out: Vec<ResourceId> = Vec::new();
        for target in self.references.targets(expression, instance) {
            let Some(id) = self.part(&target).or_else(|| self.fit(&target, of, 0)) else { continue };
            if (of.is_empty() || id.is_kind(of)) && !out.contains(&id) {
                out.push(id);
            }
        }
        out
    }

    /// The id of a block of a resource: `azurerm_lb.x.frontend_ip_configuration[0].id`.
    fn part(&self, target: &Target) -> Option<ResourceId> {
        const PARTS: &[(&str, &str)] = &[
            ("frontend_ip_configuration", "frontendIPConfigurations"),
            ("backend_address_pool", "backendAddressPools"),
            ("ip_configuration", "ipConfigurations"),
            ("subnet", "subnets"),
        ];
        let [block, attribute] = target.attribute.as_slice() else { return None };
        let (_, segment) = PARTS.iter().find(|(b, _)| *b == block.name && attribute.name == "id")?;
        let blocks = self.all.get(target.instance)?.values.get(&block.name)?.as_array()?;
        let number: usize = match (&block.index, blocks.len()) {
            (Some(index), _) => index.parse().ok()?,
            (None, 1) => 0,
            (None, _) => return None,
        };
        let name = blocks.get(number)?.get("name").and_then(Node::as_str)?;
        Some(self.id(target.instance)?.child(segment, name))
    }

    /// A name, or the address where the name is not known yet.
    pub(super) fn name(&self, instance: &Instance) -> String {
        match text(instance, "name") {
            Some(name) => name.to_owned(),
            None => instance.address.replace('/', "_"),
        }
    }

    /// The scope of a resource group.
    pub(super) fn group(&self, instance: &Instance, depth: usize) -> String {
        let name = text(instance, "resource_group_name").map(str::to_owned).or_else(|| {
            let expression = self.references.expressions(instance)?.get("resource_group_name")?;
            let found = self.references.targets(expression, instance);
            let mut groups = found.iter().filter_map(|t| self.all.get(t.instance));
            let group = groups.find(|i| &*i.kind == "azurerm_resource_group")?;
            Some(self.name(group))
        });
        let parent = || self.parent_group(instance, depth);
        match name {
            Some(name) => format!("/subscriptions/{}/resourceGroups/{name}", self.subscription),
            None => parent()
                .unwrap_or_else(|| format!("/subscriptions/{}/resourceGroups/unknown", self.subscription)),
        }
    }

    /// Some types hold their group as an id.
    fn parent_group(&self, instance: &Instance, depth: usize) -> Option<String> {
        let id = self.given(instance, "resource_group_id", "", depth)?;
        Some(id.as_str().to_owned())
    }

    /// Words for an unknown value: where it comes from, as far as the plan tells.
    pub(super) fn why(&self, base: &str, expression: Option<&Node>) -> String {
        let references = expression.map(|e| super::document::items(e, "references")).unwrap_or_default();
        match references.iter().filter_map(Node::as_str).next() {
            Some(first) => format!("{base} ({first})"),
            None => base.to_owned(),
        }
    }
}

/// An attribute that is a text and not empty.
pub(super) fn text<'a>(instance: &'a Instance, attribute: &str) -> Option<&'a str> {
    instance.values.get(attribute).and_then(Node::as_str).filter(|t| !t.is_empty())
}

/// `subnets` of `Microsoft.Network/virtualNetworks/subnets`, or of a path `a.*.b` the `b`.
fn segment(kind: &str) -> &str {
    kind.rsplit(['/', '.']).next().unwrap_or(kind)
}

fn parent_type(kind: &str) -> &str {
    kind.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// The one subscription that ids in the document name; the zero id where there is none or several.
fn subscription(doc: &Node, all: &[Instance]) -> String {
    let mut found: BTreeSet<String> = BTreeSet::new();
    for instance in all {
        let id = instance.values.get("id").and_then(Node::as_str).map(ResourceId::new);
        found.extend(id.and_then(|id| id.subscription().map(str::to_lowercase)));
    }
    let written =
        doc.path("configuration.provider_config.azurerm.expressions.subscription_id.constant_value");
    let written = written.and_then(Node::as_str).map(str::to_owned);
    let only = || found.iter().next().filter(|_| found.len() == 1).cloned();
    written.or_else(only).unwrap_or_else(|| DEFAULT_SUBSCRIPTION.to_owned())
}
