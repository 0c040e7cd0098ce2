//! How large an estate is and where its addresses lie, as functions of a number: nothing is stored, so that an
//! estate of any size needs no memory before it is written.

use super::rng::{Rng, Stream};
use crate::net::Ipv4Addr;

/// A size of estate: the profiles of the semantics file, section 18, and `giga`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// 30 interfaces.
    S,
    /// 2,000 interfaces, 40 spokes, two regions.
    M,
    /// 40,000 interfaces, 400 spokes, four regions.
    L,
    /// Azure's limits: 500 peerings, 1,000 rules, 400 routes, 1,000 private endpoints, 1,000 links, 65,536 interfaces.
    Xl,
    /// 1,000,000 interfaces, 20,000 networks, 100,000 subnets.
    Giga,
}

/// How the networks hang together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Hubs with a firewall and a gateway; spokes peer with their hub and route through it.
    HubSpoke,
    /// Virtual WAN hubs with a firewall and routing intent.
    Vwan,
    /// Clusters of spokes that peer with each other, and with a network of shared services.
    Mesh,
    /// A few large networks that are not joined.
    Flat,
}

/// What to generate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How much.
    pub sizes: Sizes,
    /// How it hangs together.
    pub shape: Shape,
    /// Where the random numbers start.
    pub seed: u64,
    /// Whether every security group is different, instead of a template with variations.
    pub unique: bool,
}

/// How many of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Regions.
    pub regions: u32,
    /// Hubs, or networks of shared services.
    pub hubs: u32,
    /// Spokes in all.
    pub spokes: u32,
    /// Subnets of a spoke that hold interfaces: web, app, data, management.
    pub tiers: u32,
    /// Interfaces in all.
    pub endpoints: u32,
    /// Interfaces in the shared subnet of a hub, among them.
    pub hub_endpoints: u32,
    /// Security groups of spokes; further subnets share.
    pub groups: u32,
    /// Rules of a security group.
    pub rules: u32,
    /// Route tables of spokes, at most two for each.
    pub tables: u32,
    /// Routes of a table.
    pub routes: u32,
    /// Private endpoints, each to a service of its own.
    pub private_endpoints: u32,
    /// Whether they all stand in the first hub.
    pub gathered: bool,
    /// Private DNS zones.
    pub zones: u32,
    /// Networks a zone is linked to at most: hubs first. Spokes that are not linked ask their hub's firewall.
    pub links: u32,
    /// Rules of the largest firewall policy.
    pub firewall_rules: u32,
    /// Rule collection groups of a policy.
    pub collection_groups: u32,
    /// Subscriptions.
    pub subscriptions: u32,
    /// Whether interfaces belong to virtual machines.
    pub machines: bool,
    /// One spoke in so many has an internal load balancer, a NAT gateway, application security groups.
    pub every: u32,
    /// Rules of the first security group, with four sources each; 0 for none that stands out.
    pub probe_rules: u32,
    /// Routes of the first table; 0 for none that stands out.
    pub probe_routes: u32,
}

impl Profile {
    /// The numbers of a profile.
    pub fn sizes(self) -> Sizes {
        let m = Sizes {
            regions: 2,
            hubs: 2,
            spokes: 40,
            tiers: 3,
            endpoints: 2_000,
            hub_endpoints: 0,
            groups: 120,
            rules: 40,
            tables: 54,
            routes: 15,
            private_endpoints: 150,
            gathered: false,
            zones: 25,
            links: 1_000,
            firewall_rules: 400,
            collection_groups: 6,
            subscriptions: 6,
            machines: true,
            every: 4,
            probe_rules: 0,
            probe_routes: 0,
        };
        match self {
            Profile::S => Sizes {
                regions: 1,
                hubs: 1,
                spokes: 3,
                endpoints: 30,
                groups: 9,
                rules: 10,
                tables: 3,
                routes: 8,
                private_endpoints: 5,
                zones: 5,
                firewall_rules: 30,
                collection_groups: 2,
                subscriptions: 2,
                every: 2,
                ..m
            },
            Profile::M => m,
            Profile::L => Sizes {
                regions: 4,
                hubs: 4,
                spokes: 400,
                tiers: 4,
                endpoints: 40_000,
                groups: 1_496,
                rules: 80,
                tables: 788,
                routes: 40,
                private_endpoints: 3_000,
                zones: 60,
                links: 400,
                firewall_rules: 3_000,
                collection_groups: 20,
                subscriptions: 30,
                ..m
            },
            Profile::Xl => Sizes {
                regions: 2,
                hubs: 2,
                spokes: 998,
                endpoints: 65_536,
                groups: 2_994,
                rules: 20,
                tables: 194,
                routes: 20,
                private_endpoints: 1_000,
                gathered: true,
                zones: 20,
                firewall_rules: 3_000,
                collection_groups: 60,
                subscriptions: 10,
                machines: false,
                every: 50,
                probe_rules: 1_000,
                probe_routes: 400,
                ..m
            },
            Profile::Giga => Sizes {
                regions: 8,
                hubs: 40,
                spokes: 19_960,
                tiers: 4,
                endpoints: 1_000_000,
                hub_endpoints: 50,
                groups: 79_840,
                rules: 45,
                tables: 19_960,
                routes: 400,
                private_endpoints: 20_000,
                zones: 40,
                links: 40,
                firewall_rules: 20_000,
                collection_groups: 40,
                subscriptions: 120,
                machines: false,
                every: 10,
                ..m
            },
        }
    }
}

/// Regions, with the short form used in names.
pub(super) const REGIONS: &[(&str, &str, &str)] = &[
    ("westeurope", "weu", "WestEurope"),
    ("northeurope", "neu", "NorthEurope"),
    ("eastus", "eus", "EastUS"),
    ("westus2", "wus2", "WestUS2"),
    ("southeastasia", "sea", "SoutheastAsia"),
    ("uksouth", "uks", "UKSouth"),
    ("swedencentral", "sdc", "SwedenCentral"),
    ("japaneast", "jpe", "JapanEast"),
];

/// Tiers of a spoke.
pub(super) const TIERS: &[&str] = &["web", "app", "data", "mgmt"];

/// Networks of a cluster that peer with each other, in the mesh.
pub(super) const CLUSTER: u32 = 20;

/// Where things are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) settings: Settings,
    pub(super) sizes: Sizes,
    /// Addresses of a subnet with interfaces.
    tier_space: u32,
    /// Addresses of a subnet with private endpoints.
    private_space: u32,
    /// Addresses of a spoke.
    spoke_space: u32,
    /// Addresses of a hub, and of its shared and private endpoint subnets.
    hub_space: u32,
    shared_space: u32,
    hub_private_space: u32,
    /// Addresses of a hub with its spokes.
    block: u32,
}

/// The first address of all.
const BASE: u32 = 0x0a00_0000;

/// Addresses of the first /24 of a hub: firewall, gateway, Bastion.
const HUB_FRONT: u32 = 256;

/// Room for `hosts` beside the five addresses that Azure keeps, and a few more.
fn space_for(hosts: u32) -> u32 {
    (hosts + 8).next_power_of_two().max(16)
}

impl Plan {
    pub(super) fn new(settings: Settings) -> Self {
        let sizes = settings.sizes;
        let (per_tier, rest) = (spread(sizes.spoke_endpoints(), sizes.spokes * sizes.tiers), 1);
        let tier_space = space_for(per_tier + rest);
        let in_spoke = if sizes.gathered { 0 } else { spread(sizes.private_endpoints, sizes.spokes) };
        let private_space = space_for(in_spoke);
        let spoke_space = (tier_space * sizes.tiers + private_space).next_power_of_two();
        let shared_space = space_for(sizes.hub_endpoints);
        let hub_private_space = space_for(if sizes.gathered { sizes.private_endpoints } else { 0 });
        let hub_space = (HUB_FRONT + 2 * shared_space.max(hub_private_space)).next_power_of_two();
        let spokes = spread(sizes.spokes, sizes.hubs);
        // The hub comes last in its block, aligned to its own size.
        let block = (spokes * spoke_space + 2 * hub_space).next_power_of_two();
        Self {
            settings,
            sizes,
            tier_space,
            private_space,
            spoke_space,
            hub_space,
            shared_space,
            hub_private_space,
            block,
        }
    }

    pub(super) fn rng(&self, stream: Stream, number: u32) -> Rng {
        Rng::of(self.settings.seed, stream, u64::from(number))
    }

    /// Whether there is a firewall in the hubs.
    pub(super) fn has_firewall(&self) -> bool {
        matches!(self.settings.shape, Shape::HubSpoke | Shape::Vwan)
    }

    /// Whether all spokes of a hub are subnets of one network.
    pub(super) fn is_flat(&self) -> bool {
        self.settings.shape == Shape::Flat
    }

    pub(super) fn is_hub_spoke(&self) -> bool {
        self.settings.shape == Shape::HubSpoke
    }

    pub(super) fn hubs(&self) -> impl Iterator<Item = Hub> + use<> {
        let plan = *self;
        (0..self.sizes.hubs).map(move |number| Hub { plan, number })
    }

    pub(super) fn hub(&self, number: u32) -> Hub {
        Hub { plan: *self, number }
    }

    pub(super) fn spokes(&self) -> impl Iterator<Item = Spoke> + use<> {
        let plan = *self;
        (0..self.sizes.spokes).map(move |number| Spoke { plan, number })
    }

    pub(super) fn spoke(&self, number: u32) -> Spoke {
        Spoke { plan: *self, number }
    }

    /// The subscription with a number, as an id that the seed gives.
    pub(super) fn subscription(&self, number: u32) -> String {
        let mut rng = self.rng(Stream::Id, number);
        let (a, b) = (rng.next(), rng.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            b >> 52,
            b & 0xffff_ffff_ffff
        )
    }
}

impl Sizes {
    fn spoke_endpoints(&self) -> u32 {
        self.endpoints - self.hub_endpoints * self.hubs
    }
}

/// How many each gets at most when `items` are spread over `places`.
fn spread(items: u32, places: u32) -> u32 {
    items.div_ceil(places.max(1))
}

/// The share of one place when items are spread evenly: first number and count.
fn share(items: u32, places: u32, place: u32) -> (u32, u32) {
    let at = |place: u32| (u64::from(items) * u64::from(place) / u64::from(places.max(1))) as u32;
    (at(place), at(place + 1) - at(place))
}

/// A prefix as Azure writes it.
pub(super) fn prefix(base: u32, space: u32) -> String {
    format!("{}/{}", Ipv4Addr::from(base), 32 - space.trailing_zeros())
}

/// A hub, or what stands in its place: a network of shared services.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hub {
    plan: Plan,
    pub(super) number: u32,
}

impl Hub {
    pub(super) fn region(&self) -> &'static (&'static str, &'static str, &'static str) {
        &REGIONS[(self.number % self.plan.sizes.regions) as usize % REGIONS.len()]
    }

    /// `weu-01`: what the names of its resources end with.
    pub(super) fn tail(&self) -> String {
        format!("{}-{:02}", self.region().1, self.number / self.plan.sizes.regions + 1)
    }

    pub(super) fn subscription(&self) -> String {
        self.plan.subscription(0)
    }

    pub(super) fn group(&self) -> String {
        format!("rg-connectivity-{}", self.tail())
    }

    pub(super) fn vnet(&self) -> String {
        let word = if self.plan.is_hub_spoke() { "hub" } else { "shared" };
        format!("vnet-{word}-{}", self.tail())
    }

    /// The numbers of its spokes.
    pub(super) fn spokes(&self) -> std::ops::Range<u32> {
        let (first, count) = share(self.plan.sizes.spokes, self.plan.sizes.hubs, self.number);
        first..first + count
    }

    fn block_base(&self) -> u32 {
        BASE + self.number * self.plan.block
    }

    /// The addresses of hub and spokes together.
    pub(super) fn block(&self) -> String {
        prefix(self.block_base(), self.plan.block)
    }

    fn base(&self) -> u32 {
        self.block_base() + self.plan.block - self.plan.hub_space
    }

    pub(super) fn prefix(&self) -> String {
        if self.plan.is_flat() { self.block() } else { prefix(self.base(), self.plan.hub_space) }
    }

    pub(super) fn firewall_prefix(&self) -> String {
        prefix(self.base(), 64)
    }

    pub(super) fn gateway_prefix(&self) -> String {
        prefix(self.base() + 64, 32)
    }

    pub(super) fn bastion_prefix(&self) -> String {
        prefix(self.base() + 128, 64)
    }

    pub(super) fn shared_base(&self) -> u32 {
        self.base() + HUB_FRONT.max(self.plan.shared_space)
    }

    pub(super) fn shared_prefix(&self) -> String {
        prefix(self.shared_base(), self.plan.shared_space)
    }

    fn private_base(&self) -> u32 {
        self.base() + self.plan.hub_space - self.plan.hub_private_space
    }

    pub(super) fn private_prefix(&self) -> String {
        prefix(self.private_base(), self.plan.hub_private_space)
    }

    /// The firewall's private address.
    pub(super) fn firewall_ip(&self) -> String {
        match self.plan.settings.shape {
            Shape::Vwan => Ipv4Addr::from(self.wan_base() + 132).to_string(),
            _ => Ipv4Addr::from(self.base() + 4).to_string(),
        }
    }

    /// The addresses of a Virtual WAN hub, which are its own.
    fn wan_base(&self) -> u32 {
        0x6440_0000 + self.number * 512
    }

    pub(super) fn wan_prefix(&self) -> String {
        prefix(self.wan_base(), 512)
    }

    /// Addresses of the interfaces in its shared subnet.
    pub(super) fn endpoint_ip(&self, number: u32) -> u32 {
        self.shared_base() + 4 + number
    }

    pub(super) fn endpoint(&self, number: u32) -> String {
        format!("nic-shared-{}-{:03}", self.tail(), number)
    }
}

/// A spoke: a network with a subnet for each tier and one for private endpoints.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spoke {
    plan: Plan,
    pub(super) number: u32,
}

impl Spoke {
    pub(super) fn hub(&self) -> Hub {
        let sizes = self.plan.sizes;
        let guess = (u64::from(self.number) * u64::from(sizes.hubs) / u64::from(sizes.spokes)) as u32;
        let near = guess.saturating_sub(1)..(guess + 2).min(sizes.hubs);
        let holds = |hub: &Hub| hub.spokes().contains(&self.number);
        near.map(|n| self.plan.hub(n)).find(holds).unwrap_or(self.plan.hub(guess))
    }

    pub(super) fn tail(&self) -> String {
        format!("{:05}", self.number + 1)
    }

    pub(super) fn subscription(&self) -> String {
        let sizes = self.plan.sizes;
        let workloads = sizes.subscriptions.saturating_sub(1).max(1);
        let number = (u64::from(self.number) * u64::from(workloads) / u64::from(sizes.spokes)) as u32;
        self.plan.subscription(1 + number)
    }

    pub(super) fn group(&self) -> String {
        format!("rg-app-{}", self.tail())
    }

    pub(super) fn vnet(&self) -> String {
        if self.plan.is_flat() { self.hub().vnet() } else { format!("vnet-app-{}", self.tail()) }
    }

    fn base(&self) -> u32 {
        let hub = self.hub();
        hub.block_base() + (self.number - hub.spokes().start) * self.plan.spoke_space
    }

    pub(super) fn prefix(&self) -> String {
        prefix(self.base(), self.plan.spoke_space)
    }

    pub(super) fn tier_base(&self, tier: u32) -> u32 {
        self.base() + tier * self.plan.tier_space
    }

    pub(super) fn tier_prefix(&self, tier: u32) -> String {
        prefix(self.tier_base(tier), self.plan.tier_space)
    }

    pub(super) fn subnet(&self, tier: u32) -> String {
        self.named(TIERS[tier as usize])
    }

    pub(super) fn private_subnet(&self) -> String {
        self.named("endpoints")
    }

    fn named(&self, word: &str) -> String {
        if self.plan.is_flat() { format!("snet-{word}-{}", self.tail()) } else { format!("snet-{word}") }
    }

    pub(super) fn private_base(&self) -> u32 {
        self.base() + self.plan.tier_space * self.plan.sizes.tiers
    }

    pub(super) fn private_prefix(&self) -> String {
        prefix(self.private_base(), self.plan.private_space)
    }

    /// The interfaces of a tier: first number and count.
    pub(super) fn endpoints(&self, tier: u32) -> (u32, u32) {
        let sizes = self.plan.sizes;
        let places = sizes.spokes * sizes.tiers;
        share(sizes.spoke_endpoints(), places, self.number * sizes.tiers + tier)
    }

    pub(super) fn endpoint(&self, tier: u32, number: u32) -> String {
        format!("nic-{}-{}-{:03}", TIERS[tier as usize], self.tail(), number)
    }

    /// The address of an interface; the last address before the broadcast one is a load balancer's.
    pub(super) fn endpoint_ip(&self, tier: u32, number: u32) -> u32 {
        self.tier_base(tier) + 4 + number
    }

    pub(super) fn balancer_ip(&self, tier: u32) -> String {
        Ipv4Addr::from(self.tier_base(tier) + self.plan.tier_space - 2).to_string()
    }

    /// Whether the spoke has what only some have: load balancer, NAT gateway, application security group.
    pub(super) fn is_rich(&self) -> bool {
        self.number.is_multiple_of(self.plan.sizes.every.max(1))
    }

    /// The number of the security group of a tier.
    pub(super) fn nsg_number(&self, tier: u32) -> u32 {
        (self.number * self.plan.sizes.tiers + tier) % self.plan.sizes.groups
    }

    /// The table of a tier: the second half of the tiers has its own where there are enough tables.
    pub(super) fn table(&self, tier: u32) -> Option<String> {
        let sizes = self.plan.sizes;
        if !self.plan.is_hub_spoke() || self.number >= sizes.tables {
            return None;
        }
        let second = self.number < sizes.tables.saturating_sub(sizes.spokes) && tier >= sizes.tiers / 2;
        Some(format!("rt-app-{}{}", self.tail(), if second { "-b" } else { "" }))
    }

    /// Its private endpoints: first number and count.
    pub(super) fn private_endpoints(&self) -> (u32, u32) {
        let sizes = self.plan.sizes;
        if sizes.gathered {
            return (0, 0);
        }
        share(sizes.private_endpoints, sizes.spokes, self.number)
    }
}

/// Where a private endpoint stands, and its address.
pub(super) struct PrivatePlace {
    pub(super) vnet: String,
    pub(super) subnet: String,
    pub(super) subscription: String,
    pub(super) group: String,
    pub(super) location: &'static str,
    pub(super) ip: String,
}

impl Plan {
    /// The place of each private endpoint, in the order of their numbers.
    pub(super) fn private_places(&self) -> Box<dyn Iterator<Item = PrivatePlace> + '_> {
        if self.sizes.gathered {
            let hub = self.hub(0);
            return Box::new((0..self.sizes.private_endpoints).map(move |number| PrivatePlace {
                vnet: hub.vnet(),
                subnet: "snet-endpoints".into(),
                subscription: hub.subscription(),
                group: hub.group(),
                location: hub.region().0,
                ip: Ipv4Addr::from(hub.private_base() + 4 + number).to_string(),
            }));
        }
        Box::new(self.spokes().flat_map(|spoke| {
            (0..spoke.private_endpoints().1).map(move |number| PrivatePlace {
                vnet: spoke.vnet(),
                subnet: spoke.private_subnet(),
                subscription: spoke.subscription(),
                group: spoke.group(),
                location: spoke.hub().region().0,
                ip: Ipv4Addr::from(spoke.private_base() + 4 + number).to_string(),
            })
        }))
    }
}
