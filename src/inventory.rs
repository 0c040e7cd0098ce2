//! The estate as typed resources: the most important input of everything else.
//!
//! Input: [`RawResource`]s from any format, all in the shape of Azure Resource Manager. Output: an
//! [`Inventory`] of sorted tables with references that can be followed. It knows no format, no file and no
//! clock. What is missing is recorded as missing, never guessed.

mod access;
mod aside;
mod balancer;
mod beside;
mod builder;
pub mod change;
mod dns;
mod firewall;
mod front_door;
mod gateway;
mod identity;
mod interface;
mod manager;
mod names;
mod nsg;
mod private_link;
mod raw;
pub(crate) mod read;
mod resource_id;
mod route;
mod ruleset;
mod service;
mod shape;
mod table;
mod told;
mod values;
mod vnet;
mod withheld;

pub use access::{Restrictions, is_anybody};
pub use aside::has_no_network_meaning;
pub use balancer::*;
pub use builder::{Collector, build, inline_children, is_modelled, is_stranger, normalize, same_meaning};
pub use dns::*;
pub use firewall::*;
pub use front_door::*;
pub use gateway::*;
pub use identity::*;
pub use interface::*;
pub use manager::*;
pub use nsg::*;
pub use private_link::*;
pub use raw::{Origin, RawResource};
pub use read::{AnyKind, Field, List, Many, Place, Reason, Ref, Unknown};
pub use resource_id::ResourceId;
pub use route::*;
pub use ruleset::is_rule_word;
use serde::{Deserialize, Serialize};
pub use service::*;
pub use shape::{FieldShape, Inside, Shape};
pub use table::{Id, Table};
pub use told::ToldNames;
pub use values::{AddressMeaning, AddressText, AddressWord, ManagedIdentity};
pub use vnet::*;
pub use withheld::Withheld;

use crate::diag::At;
use hashbrown::HashMap;

/// Fields that any resource may have beside those of its kind.
pub(crate) const HEAD: &[&str] = &[
    "id",
    "name",
    "type",
    "apiVersion",
    "location",
    "tags",
    "sku",
    "kind",
    "identity",
    "zones",
    "properties",
    "etag",
    "plan",
    "managedBy",
    "extendedLocation",
    "resourceGroup",
    "subscription",
    "scope",
    "systemData",
    "parent",
    "existing",
    "uncertain",
];

/// A kind of resource with a table of its own.
pub trait Kind: Sized + 'static {
    /// Its resource type.
    const TYPE: &'static str;
    /// Its section in our own estate file.
    const SECTION: &'static str;
    /// Which table is its own.
    const TAG: TableTag;
    /// Its table.
    fn table(inventory: &Inventory) -> &Table<Self>;
    /// Its id.
    fn id(&self) -> &ResourceId;
}

/// A resource of a type that is not modelled: kept by id, so that a flow meeting it can say so.
#[derive(Clone, Debug)]
pub struct Unmodelled {
    /// Its id.
    pub id: ResourceId,
    /// Where it is declared.
    pub at: At,
    /// Who says so.
    pub origin: Origin,
    /// Host names that it tells of itself, lower case.
    pub told_names: Vec<std::sync::Arc<str>>,
    /// Why it may have others.
    pub untold_names: Option<Unknown>,
}

/// Where a resource is kept.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Which table.
    pub table: TableTag,
    /// Which row.
    pub row: u32,
}

impl Unmodelled {
    fn of(raw: &RawResource) -> Self {
        let aside = has_no_network_meaning(&raw.id.kind());
        let (told_names, untold_names) = if aside { (Vec::new(), None) } else { told::names_in(&raw.body) };
        Self { id: raw.id.clone(), at: raw.at, origin: raw.origin, told_names, untold_names }
    }
}

macro_rules! kinds {
    ($($field:ident : $kind:ident = $arm_type:literal, $section:literal;)*) => {
        /// Every table of the inventory.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum TableTag { $(#[doc = $arm_type] $kind,)* /// Types that are not modelled.
            Unmodelled }

        impl TableTag {
            /// Type and section of every table.
            pub const ALL: &'static [(TableTag, &'static str, &'static str)] = &[$((TableTag::$kind, $arm_type, $section)),*];

            /// The table that holds resources of this type.
            pub fn of(kind: &str) -> TableTag {
                builder::tag_of(kind)
            }

            /// What is read of its resources; `None` for types that are not modelled.
            pub fn shape(self) -> Option<Shape> {
                match self {
                    $(TableTag::$kind => Some($kind::shape()),)*
                    TableTag::Unmodelled => None,
                }
            }
        }

        /// All resources of an estate, by kind, sorted by id.
        #[derive(Clone, Debug, Default)]
        pub struct Inventory {
            $(#[doc = $arm_type] pub $field: Table<$kind>,)*
            /// Resources of types that are not modelled.
            pub unmodelled: Vec<Unmodelled>,
            pub(in crate::inventory) index: HashMap<ResourceId, Slot, foldhash::fast::FixedState>,
            pub(in crate::inventory) names: names::NameIndex,
            /// What the files hold and do not tell.
            pub withheld: Vec<Withheld>,
        }

        $(impl Kind for $kind {
            const TYPE: &'static str = $arm_type;
            const SECTION: &'static str = $section;
            const TAG: TableTag = TableTag::$kind;
            fn table(inventory: &Inventory) -> &Table<Self> { &inventory.$field }
            fn id(&self) -> &ResourceId { &self.id }
        })*

        impl Inventory {
            /// Reads one raw resource into its table.
            pub(in crate::inventory) fn read(&mut self, tag: TableTag, raw: &RawResource, reader: &mut read::Reader<'_>) {
                match tag {
                    $(TableTag::$kind => { let row = $kind::from_raw(raw, reader); self.$field.push(row); })*
                    TableTag::Unmodelled => self.unmodelled.push(Unmodelled::of(raw)),
                }
            }

            /// Sorts every table by id.
            pub(in crate::inventory) fn sort(&mut self) {
                $(self.$field.sort();)*
                self.unmodelled.sort_unstable_by(|a, b| a.id.cmp(&b.id));
            }

            /// Visits every reference of every resource.
            pub(in crate::inventory) fn refs(&self, visit: &mut dyn FnMut(&ResourceId, &str, &'static str, At)) {
                $(for row in self.$field.iter() { row.refs(&mut |text, kind, at| visit(&row.id, text, kind, at)); })*
            }

            /// Whether a resource has a part of this name: a frontend, a pool, a probe.
            pub(in crate::inventory) fn has_part(&self, id: &ResourceId, name: &str) -> bool {
                let mut found = false;
                let mut look = |part: &str| found |= part.eq_ignore_ascii_case(name);
                let Some(slot) = self.slot(id) else { return false };
                match slot.table {
                    $(TableTag::$kind => { if let Some(row) = self.$field.as_slice().get(slot.row as usize) { row.parts(&mut look); } })*
                    TableTag::Unmodelled => {}
                }
                found
            }

            /// Visits the id of every resource with its slot, in table order.
            pub fn each(&self, visit: &mut dyn FnMut(&ResourceId, Slot, At, Origin)) {
                $(for (row, resource) in self.$field.iter().enumerate() {
                    visit(&resource.id, Slot { table: TableTag::$kind, row: row as u32 }, resource.at, resource.origin);
                })*
                for (row, resource) in self.unmodelled.iter().enumerate() {
                    visit(&resource.id, Slot { table: TableTag::Unmodelled, row: row as u32 }, resource.at, resource.origin);
                }
            }

            /// The id of the resource in a slot.
            pub fn id_of(&self, slot: Slot) -> Option<&ResourceId> {
                let row = slot.row as usize;
                match slot.table {
                    $(TableTag::$kind => self.$field.as_slice().get(row).map(|r| &r.id),)*
                    TableTag::Unmodelled => self.unmodelled.get(row).map(|r| &r.id),
                }
            }

            /// Where the resource in a slot is declared.
            pub fn at_of(&self, slot: Slot) -> At {
                let row = slot.row as usize;
                let at = match slot.table {
                    $(TableTag::$kind => self.$field.as_slice().get(row).map(|r| r.at),)*
                    TableTag::Unmodelled => self.unmodelled.get(row).map(|r| r.at),
                };
                at.unwrap_or(At::NOWHERE)
            }

            /// Why it is not certain that the resource in a slot is deployed, where it is not.
            pub fn uncertain(&self, slot: Slot) -> Option<&std::sync::Arc<str>> {
                let row = slot.row as usize;
                match slot.table {
                    $(TableTag::$kind => self.$field.as_slice().get(row)?.uncertain.as_ref(),)*
                    TableTag::Unmodelled => None,
                }
            }
        }

        /// The JSON Schema of every section of our own estate file.
        pub fn section_schemas() -> Vec<(&'static str, serde_json::Value)> {
            vec![$(($section, $kind::schema())),*]
        }
    };
}

kinds! {
    virtual_networks: VirtualNetwork = "Microsoft.Network/virtualNetworks", "virtualNetworks";
    subnets: Subnet = "Microsoft.Network/virtualNetworks/subnets", "subnets";
    peerings: VirtualNetworkPeering = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings", "virtualNetworkPeerings";
    nsgs: Nsg = "Microsoft.Network/networkSecurityGroups", "networkSecurityGroups";
    asgs: Asg = "Microsoft.Network/applicationSecurityGroups", "applicationSecurityGroups";
    route_tables: RouteTable = "Microsoft.Network/routeTables", "routeTables";
    network_interfaces: NetworkInterface = "Microsoft.Network/networkInterfaces", "networkInterfaces";
    public_ip_addresses: PublicIpAddress = "Microsoft.Network/publicIPAddresses", "publicIPAddresses";
    public_ip_prefixes: PublicIpPrefix = "Microsoft.Network/publicIPPrefixes", "publicIPPrefixes";
    virtual_machines: VirtualMachine = "Microsoft.Compute/virtualMachines", "virtualMachines";
    scale_sets: ScaleSet = "Microsoft.Compute/virtualMachineScaleSets", "virtualMachineScaleSets";
    hosts: Host = "netwhy.Estate/hosts", "hosts";
    nat_gateways: NatGateway = "Microsoft.Network/natGateways", "natGateways";
    virtual_network_gateways: VirtualNetworkGateway = "Microsoft.Network/virtualNetworkGateways", "virtualNetworkGateways";
    local_network_gateways: LocalNetworkGateway = "Microsoft.Network/localNetworkGateways", "localNetworkGateways";
    connections: Connection = "Microsoft.Network/connections", "connections";
    express_route_circuits: ExpressRouteCircuit = "Microsoft.Network/expressRouteCircuits", "expressRouteCircuits";
    on_premises_sites: OnPremisesSite = "netwhy.Estate/onPremisesSites", "onPremisesSites";
    bgp_routes: BgpRoute = "netwhy.Estate/bgpRoutes", "bgpRoutes";
    virtual_wans: VirtualWan = "Microsoft.Network/virtualWans", "virtualWans";
    virtual_hubs: VirtualHub = "Microsoft.Network/virtualHubs", "virtualHubs";
    hub_connections: HubVirtualNetworkConnection = "Microsoft.Network/virtualHubs/hubVirtualNetworkConnections", "hubVirtualNetworkConnections";
    hub_route_tables: HubRouteTable = "Microsoft.Network/virtualHubs/hubRouteTables", "hubRouteTables";
    routing_intents: RoutingIntent = "Microsoft.Network/virtualHubs/routingIntent", "routingIntents";
    hub_gateways: HubGateway = "Microsoft.Network/vpnGateways", "hubGateways";
    load_balancers: LoadBalancer = "Microsoft.Network/loadBalancers", "loadBalancers";
    application_gateways: ApplicationGateway = "Microsoft.Network/applicationGateways", "applicationGateways";
    bastion_hosts: BastionHost = "Microsoft.Network/bastionHosts", "bastionHosts";
    waf_policies: WafPolicy = "Microsoft.Network/FrontDoorWebApplicationFirewallPolicies", "wafPolicies";
    azure_firewalls: AzureFirewall = "Microsoft.Network/azureFirewalls", "azureFirewalls";
    firewall_policies: FirewallPolicy = "Microsoft.Network/firewallPolicies", "firewallPolicies";
    rule_collection_groups: RuleCollectionGroup = "Microsoft.Network/firewallPolicies/ruleCollectionGroups", "ruleCollectionGroups";
    ip_groups: IpGroup = "Microsoft.Network/ipGroups", "ipGroups";
    private_endpoints: PrivateEndpoint = "Microsoft.Network/privateEndpoints", "privateEndpoints";
    zone_groups: PrivateDnsZoneGroup = "Microsoft.Network/privateEndpoints/privateDnsZoneGroups", "privateDnsZoneGroups";
    private_link_services: PrivateLinkService = "Microsoft.Network/privateLinkServices", "privateLinkServices";
    private_dns_zones: PrivateDnsZone = "Microsoft.Network/privateDnsZones", "privateDnsZones";
    dns_zones: DnsZone = "Microsoft.Network/dnsZones", "dnsZones";
    zone_links: VirtualNetworkLink = "Microsoft.Network/privateDnsZones/virtualNetworkLinks", "virtualNetworkLinks";
    dns_resolvers: DnsResolver = "Microsoft.Network/dnsResolvers", "dnsResolvers";
    inbound_endpoints: InboundEndpoint = "Microsoft.Network/dnsResolvers/inboundEndpoints", "inboundEndpoints";
    outbound_endpoints: OutboundEndpoint = "Microsoft.Network/dnsResolvers/outboundEndpoints", "outboundEndpoints";
    forwarding_rulesets: DnsForwardingRuleset = "Microsoft.Network/dnsForwardingRulesets", "dnsForwardingRulesets";
    ruleset_links: RulesetLink = "Microsoft.Network/dnsForwardingRulesets/virtualNetworkLinks", "rulesetLinks";
    network_managers: NetworkManager = "Microsoft.Network/networkManagers", "networkManagers";
    network_groups: NetworkGroup = "Microsoft.Network/networkManagers/networkGroups", "networkGroups";
    static_members: StaticMember = "Microsoft.Network/networkManagers/networkGroups/staticMembers", "staticMembers";
    connectivity_configurations: ConnectivityConfiguration = "Microsoft.Network/networkManagers/connectivityConfigurations", "connectivityConfigurations";
    security_admin_configurations: SecurityAdminConfiguration = "Microsoft.Network/networkManagers/securityAdminConfigurations", "securityAdminConfigurations";
    admin_rule_collections: AdminRuleCollection = "Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections", "adminRuleCollections";
    admin_rules: AdminRule = "Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections/rules", "adminRules";
    perimeters: NetworkSecurityPerimeter = "Microsoft.Network/networkSecurityPerimeters", "networkSecurityPerimeters";
    perimeter_profiles: PerimeterProfile = "Microsoft.Network/networkSecurityPerimeters/profiles", "perimeterProfiles";
    perimeter_rules: PerimeterAccessRule = "Microsoft.Network/networkSecurityPerimeters/profiles/accessRules", "perimeterAccessRules";
    perimeter_associations: PerimeterAssociation = "Microsoft.Network/networkSecurityPerimeters/resourceAssociations", "perimeterAssociations";
    service_endpoint_policies: ServiceEndpointPolicy = "Microsoft.Network/serviceEndpointPolicies", "serviceEndpointPolicies";
    front_door_profiles: FrontDoorProfile = "Microsoft.Cdn/profiles", "frontDoorProfiles";
    front_door_endpoints: FrontDoorEndpoint = "Microsoft.Cdn/profiles/afdEndpoints", "frontDoorEndpoints";
    origin_groups: OriginGroup = "Microsoft.Cdn/profiles/originGroups", "originGroups";
    origins: FrontDoorOrigin = "Microsoft.Cdn/profiles/originGroups/origins", "origins";
    front_door_routes: FrontDoorRoute = "Microsoft.Cdn/profiles/afdEndpoints/routes", "frontDoorRoutes";
    custom_domains: CustomDomain = "Microsoft.Cdn/profiles/customDomains", "customDomains";
    front_door_security_policies: FrontDoorSecurityPolicy = "Microsoft.Cdn/profiles/securityPolicies", "frontDoorSecurityPolicies";
    services: PlatformService = "platform service", "services";
    ml_computes: MlCompute = "Microsoft.MachineLearningServices/workspaces/computes", "computes";
    ml_endpoints: MlEndpoint = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints", "onlineEndpoints";
    ml_deployments: MlDeployment = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments", "onlineDeployments";
    internet_hosts: InternetHost = "netwhy.Estate/internetHosts", "internetHosts";
    user_assigned_identities: UserAssignedIdentity = "Microsoft.ManagedIdentity/userAssignedIdentities", "userAssignedIdentities";
    principals: Principal = "netwhy.Estate/principals", "principals";
    role_assignments: RoleAssignment = "Microsoft.Authorization/roleAssignments", "roleAssignments";
    role_definitions: RoleDefinition = "Microsoft.Authorization/roleDefinitions", "roleDefinitions";
    deny_assignments: DenyAssignment = "Microsoft.Authorization/denyAssignments", "denyAssignments";
    locks: Lock = "Microsoft.Authorization/locks", "locks";
}

/// What following a reference gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Found<T> {
    /// The resource.
    Row(Id<T>),
    /// It is in none of the files.
    Dangling,
    /// The name fits several resources.
    Ambiguous,
}

impl<T> Found<T> {
    /// The row, if there is one.
    pub fn row(self) -> Option<Id<T>> {
        if let Found::Row(id) = self { Some(id) } else { None }
    }
}

impl Inventory {
    /// Whether the files withhold something that an answer may lean on.
    pub fn is_withheld(&self) -> bool {
        !self.withheld.is_empty()
    }

    /// The slot of a resource id.
    pub fn slot(&self, id: &ResourceId) -> Option<Slot> {
        self.index.get(id).copied()
    }

    /// The slots whose name, or `parent/name`, is this one.
    pub fn named(&self, name: &str) -> &[Slot] {
        self.names.get(self, name)
    }

    /// Follows a reference to a resource of a known kind.
    pub fn follow<K: Kind>(&self, reference: &Ref<K>) -> Found<K> {
        self.find(&reference.text)
    }

    /// Finds a resource of a known kind by id or name.
    pub fn find<K: Kind>(&self, text: &str) -> Found<K> {
        if ResourceId::looks_like_one(text) {
            return self.row(&ResourceId::new(text)).map_or(Found::Dangling, Found::Row);
        }
        let own = self.named(text).iter().filter(|slot| slot.table == K::TAG);
        let mut rows = own.map(|slot| Id::new(slot.row as usize));
        match (rows.next(), rows.next()) {
            (None, _) => Found::Dangling,
            (Some(row), None) => Found::Row(row),
            _ => Found::Ambiguous,
        }
    }

    /// Follows a reference to a resource of any kind.
    pub fn follow_any(&self, text: &str) -> Option<Slot> {
        if ResourceId::looks_like_one(text) {
            return self.slot(&ResourceId::new(text));
        }
        match self.named(text) {
            [slot] => Some(*slot),
            _ => None,
        }
    }

    /// The row of a resource id in the table of a known kind.
    pub fn row<K: Kind>(&self, id: &ResourceId) -> Option<Id<K>> {
        let slot = self.slot(id).filter(|slot| slot.table == K::TAG);
        slot.map(|slot| Id::new(slot.row as usize))
    }

    /// How many resources there are.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }
}
