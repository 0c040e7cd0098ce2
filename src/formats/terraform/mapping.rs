//! The words in which the tables say how an `azurerm` resource becomes an Azure one.
//!
//! One [`Type`] for each Terraform type: the Azure type, where its id comes from, and for each attribute
//! where Azure Resource Manager keeps it. Names of older provider versions stand beside the newer ones,
//! `ip_forwarding_enabled|enable_ip_forwarding`: the first one present counts.

/// How one or several Terraform types map.
#[derive(Debug)]
pub(super) struct Type {
    /// Terraform's types.
    pub(super) tf: &'static [&'static str],
    /// Azure's type, or of an item in a list of its parent the segment it would have.
    pub(super) arm: &'static str,
    /// Where it lives.
    pub(super) home: Home,
    /// Its attributes.
    pub(super) attrs: &'static [Attr],
}

/// Where a resource lives, from which its id follows when Terraform does not know it yet.
#[derive(Debug)]
pub(super) enum Home {
    /// In a resource group.
    Group,
    /// In a parent that an attribute names (`virtual_network_name`), in the same resource group.
    Named(&'static str),
    /// In a parent whose id an attribute holds.
    Parent(&'static str),
    /// In the parent of the resource whose id an attribute holds.
    Beside(&'static str),
    /// On any resource: role assignments, locks.
    Scope(&'static str),
    /// No resource: sets properties of the one whose id an attribute holds.
    Sets(&'static str),
    /// No resource of its own: an item appended to a list of the one whose id, or name where `named`, an
    /// attribute holds.
    Item {
        /// The attribute that holds the parent, by id; one that ends in `_name` holds a name.
        parent: &'static str,
        /// The parent's type.
        of: &'static str,
        /// The list, below `properties`; `a.*.b` is the list `b` of every item of `a`, or of the one
        /// that `only` names.
        list: &'static str,
        /// The attribute that names the item of `a`.
        only: &'static str,
    },
    /// Says nothing about the network.
    Nothing,
}

/// What an absent or unknown value means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    /// Azure's default.
    Default,
    /// Something is missing: it must not be taken for the default.
    Unknown,
    /// Azure assigns it when the resource is created.
    Assigned,
}

/// One attribute.
#[derive(Clone, Copy, Debug)]
pub(super) enum Attr {
    /// The value as it is.
    Copy(&'static str, &'static str, Absent),
    /// The id of another resource, as `{ id }`, with that resource's type.
    Id(&'static str, &'static str, &'static str),
    /// The id of another resource, as a text.
    IdText(&'static str, &'static str, &'static str),
    /// Ids, each as an object with this one key, or as texts where the key is empty.
    Ids(&'static str, &'static str, &'static str, &'static str),
    /// Texts, each as an object with this one key.
    Each(&'static str, &'static str, &'static str),
    /// Blocks as items of a list; several attributes may fill the same list.
    Blocks(&'static str, &'static str, &'static [Attr]),
    /// The first block, as an object.
    One(&'static str, &'static str, &'static [Attr]),
    /// Blocks where a flag in the block is set, or is not.
    Where(&'static str, &'static str, bool, &'static str, &'static [Attr]),
    /// Blocks that may be resources of their own too (rules, routes, subnets).
    Children(&'static str, &'static str, &'static [Attr]),
    /// A list with one item made of own attributes.
    Make(&'static str, &'static [Attr]),
    /// One word for true and one for false.
    Switch(&'static str, &'static str, &'static str, &'static str),
    /// The opposite truth value.
    Not(&'static str, &'static str),
    /// A word that is always the same, and where it goes.
    Const(&'static str, &'static str),
    /// A list of words as one text with commas.
    Join(&'static str, &'static str),
    /// The name of a part of this resource (of the parent, for an item), as the part's id: its segment
    /// stands third.
    Part(&'static str, &'static str, &'static str),
    /// Without this attribute the document is only a part, and what it becomes is unknown.
    Must(&'static str, &'static str),
    /// The `identity` block.
    Identity,
}

impl Attr {
    /// The attribute it reads, if it reads one.
    pub(super) fn from(&self) -> &'static str {
        match *self {
            Attr::Copy(from, ..)
            | Attr::Id(from, ..)
            | Attr::IdText(from, ..)
            | Attr::Ids(from, ..)
            | Attr::Each(from, ..)
            | Attr::Blocks(from, ..)
            | Attr::One(from, ..)
            | Attr::Where(from, ..)
            | Attr::Children(from, ..)
            | Attr::Switch(from, ..)
            | Attr::Not(from, ..)
            | Attr::Join(from, ..)
            | Attr::Part(from, ..)
            | Attr::Must(from, ..) => from,
            Attr::Make(..) | Attr::Const(..) | Attr::Identity => "",
        }
    }
}

pub(super) const fn copy(from: &'static str, to: &'static str) -> Attr {
    Attr::Copy(from, to, Absent::Default)
}

pub(super) const fn need(from: &'static str, to: &'static str) -> Attr {
    Attr::Copy(from, to, Absent::Unknown)
}

pub(super) const fn assigned(from: &'static str, to: &'static str) -> Attr {
    Attr::Copy(from, to, Absent::Assigned)
}

pub(super) const fn id(from: &'static str, to: &'static str, of: &'static str) -> Attr {
    Attr::Id(from, to, of)
}

pub(super) const fn id_text(from: &'static str, to: &'static str, of: &'static str) -> Attr {
    Attr::IdText(from, to, of)
}

pub(super) const fn ids(from: &'static str, to: &'static str, of: &'static str) -> Attr {
    Attr::Ids(from, to, "id", of)
}

pub(super) const fn blocks(from: &'static str, to: &'static str, attrs: &'static [Attr]) -> Attr {
    Attr::Blocks(from, to, attrs)
}

pub(super) const fn on_off(from: &'static str, to: &'static str) -> Attr {
    Attr::Switch(from, to, "Enabled", "Disabled")
}

/// A resource in a resource group.
pub(super) const fn group(tf: &'static [&'static str], arm: &'static str, attrs: &'static [Attr]) -> Type {
    Type { tf, arm, home: Home::Group, attrs }
}

/// A resource in a parent that is named.
pub(super) const fn named(
    tf: &'static [&'static str],
    arm: &'static str,
    parent: &'static str,
    attrs: &'static [Attr],
) -> Type {
    Type { tf, arm, home: Home::Named(parent), attrs }
}

/// A resource in a parent that is given by id.
pub(super) const fn child(
    tf: &'static [&'static str],
    arm: &'static str,
    parent: &'static str,
    attrs: &'static [Attr],
) -> Type {
    Type { tf, arm, home: Home::Parent(parent), attrs }
}

/// Properties of another resource.
pub(super) const fn sets(
    tf: &'static [&'static str],
    target: &'static str,
    of: &'static str,
    attrs: &'static [Attr],
) -> Type {
    Type { tf, arm: of, home: Home::Sets(target), attrs }
}

/// An item of a list of another resource.
pub(super) const fn item(
    tf: &'static [&'static str],
    parent: &'static str,
    of: &'static str,
    list: &'static str,
    attrs: &'static [Attr],
) -> Type {
    Type { tf, arm: "", home: Home::Item { parent, of, list, only: "" }, attrs }
}

/// An item of a list of items of another resource.
pub(super) const fn inner_item(
    tf: &'static [&'static str],
    parent: &'static str,
    of: &'static str,
    list: &'static str,
    only: &'static str,
    attrs: &'static [Attr],
) -> Type {
    Type { tf, arm: "", home: Home::Item { parent, of, list, only }, attrs }
}

/// Types of Azure Resource Manager that references lead to.
pub(super) mod arm {
    pub(in super::super) const ANY: &str = "";
    pub(in super::super) const ASG: &str = "Microsoft.Network/applicationSecurityGroups";
    pub(in super::super) const CIRCUIT: &str = "Microsoft.Network/expressRouteCircuits";
    pub(in super::super) const CLUSTER: &str = "Microsoft.ContainerService/managedClusters";
    pub(in super::super) const FIREWALL: &str = "Microsoft.Network/azureFirewalls";
    pub(in super::super) const FIREWALL_POLICY: &str = "Microsoft.Network/firewallPolicies";
    pub(in super::super) const GATEWAY: &str = "Microsoft.Network/virtualNetworkGateways";
    pub(in super::super) const HUB: &str = "Microsoft.Network/virtualHubs";
    pub(in super::super) const HUB_TABLE: &str = "Microsoft.Network/virtualHubs/hubRouteTables";
    pub(in super::super) const IP_GROUP: &str = "Microsoft.Network/ipGroups";
    pub(in super::super) const LB: &str = "Microsoft.Network/loadBalancers";
    pub(in super::super) const LOCAL_GATEWAY: &str = "Microsoft.Network/localNetworkGateways";
    pub(in super::super) const NAT: &str = "Microsoft.Network/natGateways";
    pub(in super::super) const NETWORK_GROUP: &str = "Microsoft.Network/networkManagers/networkGroups";
    pub(in super::super) const NIC: &str = "Microsoft.Network/networkInterfaces";
    pub(in super::super) const NSG: &str = "Microsoft.Network/networkSecurityGroups";
    pub(in super::super) const POOL: &str = "Microsoft.Network/loadBalancers/backendAddressPools";
    pub(in super::super) const PRIVATE_ENDPOINT: &str = "Microsoft.Network/privateEndpoints";
    pub(in super::super) const PRIVATE_ZONE: &str = "Microsoft.Network/privateDnsZones";
    pub(in super::super) const PUBLIC_IP: &str = "Microsoft.Network/publicIPAddresses";
    pub(in super::super) const PUBLIC_PREFIX: &str = "Microsoft.Network/publicIPPrefixes";
    pub(in super::super) const ROUTE_TABLE: &str = "Microsoft.Network/routeTables";
    pub(in super::super) const STORAGE: &str = "Microsoft.Storage/storageAccounts";
    pub(in super::super) const SUBNET: &str = "Microsoft.Network/virtualNetworks/subnets";
    pub(in super::super) const VAULT: &str = "Microsoft.KeyVault/vaults";
    pub(in super::super) const VM: &str = "Microsoft.Compute/virtualMachines";
    pub(in super::super) const VNET: &str = "Microsoft.Network/virtualNetworks";
    pub(in super::super) const WAN: &str = "Microsoft.Network/virtualWans";
    pub(in super::super) const WORKSPACE: &str = "Microsoft.MachineLearningServices/workspaces";
}
