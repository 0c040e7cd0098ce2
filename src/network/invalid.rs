//! Configurations that Azure refuses or that do not work as they stand, each named with its rule.
//!
//! Nothing here changes an answer: the flow is traced through what is written. A person reads these beside the answer.

use super::{Bound, SubnetRole, SubnetRow, normal_region};
use crate::diag::{At, Code, Diagnostic, Diagnostics};
use crate::inventory::{
    AddressMeaning, Asg, DefaultAction, DnsForwardingRuleset, Field, Id, Inventory, Kind, Nsg, Ref, Sku,
    Subnet, VirtualNetwork,
};
use crate::net::{AddressSet, IpAddr, IpNet};
use crate::rules::{self as azure, RuleId};
use crate::services::service_kind;
use hashbrown::{HashMap, HashSet};
use std::collections::BTreeMap;

/// Looks at everything.
pub(super) fn configurations(inventory: &Inventory, subnets: &[SubnetRow], notes: &mut Diagnostics) {
    let mut look = Look { inventory, subnets, notes };
    look.rules_of_groups();
    look.special_subnets();
    look.addresses();
    look.subnet_spaces();
    look.route_tables();
    look.application_groups();
    look.peerings();
    look.gateways();
    look.nat_gateways();
    look.service_endpoints();
    look.zones();
    look.zone_groups();
    look.private_endpoints();
    look.workspace_networks();
    look.services();
    look.hubs();
    look.balancers();
    look.rulesets();
    look.private_origins();
}

/// Address space that no virtual network may use (PLAT-4).
const FORBIDDEN: [&str; 5] =
    ["224.0.0.0/4", "255.255.255.255/32", "127.0.0.0/8", "169.254.0.0/16", "168.63.129.16/32"];

/// Zone names that Azure keeps for itself (DNS-17).
const RESERVED_ZONES: [&str; 4] = ["azure.com", "core.windows.net", "windows.net", "azure.net"];

/// The zone that a gateway's own storage is looked up in (GW-8).
const BLOB_ZONE: &str = "privatelink.blob.core.windows.net";

/// What machines of a workspace use among themselves (AML-2).
const BRIDGE_RANGE: &str = "172.17.0.0/16";

/// Private endpoints of one network, and with high scale (PE-11).
const MOST_ENDPOINTS: usize = 1_000;
const MOST_ENDPOINTS_HIGH: usize = 5_000;

/// Kinds of services whose private zones are called the same everywhere.
const SETTLED_ZONES: [&str; 6] = [
    "Microsoft.Storage/storageAccounts",
    "Microsoft.KeyVault/vaults",
    "Microsoft.ContainerRegistry/registries",
    "Microsoft.DocumentDB/databaseAccounts",
    "Microsoft.Sql/servers",
    "Microsoft.MachineLearningServices/workspaces",
];

struct Look<'a> {
    inventory: &'a Inventory,
    subnets: &'a [SubnetRow],
    notes: &'a mut Diagnostics,
}

impl Look<'_> {
    fn say(&mut self, at: At, rule: RuleId, message: String) {
        self.notes.push(Diagnostic::new(Code::InvalidConfiguration, at, format!("{message} ({rule})")));
    }

    /// What Azure refuses without a numbered rule.
    fn refuse(&mut self, at: At, message: String) {
        self.notes.push(Diagnostic::new(Code::InvalidConfiguration, at, message));
    }

    fn row<K: Kind>(&self, field: &Field<Ref<K>>) -> Option<Id<K>> {
        self.inventory.follow(field.known()?).row()
    }

    /// NSG-2: a priority of one's own is 100 to 4096, and serves once in each direction.
    fn rules_of_groups(&mut self) {
        let inventory = self.inventory;
        for group in inventory.nsgs.iter() {
            let mut seen = BTreeMap::new();
            for rule in &group.security_rules {
                let (Some(priority), Some(direction)) = (rule.priority.known(), rule.direction.known())
                else {
                    continue;
                };
                if !(100..=4096).contains(priority) {
                    let text =
                        format!("`{}` has priority {priority}, and 100 to 4096 are allowed", rule.name);
                    self.say(rule.at, azure::NSG_2, text);
                }
                if let Some(other) = seen.insert((format!("{direction}"), *priority), &rule.name) {
                    let text = format!("`{other}` and `{}` have the same priority {priority}", rule.name);
                    self.say(rule.at, azure::NSG_2, text);
                }
            }
        }
    }

    /// NSG-22, NSG-23, NSG-24, RT-34: subnets that Azure knows by name.
    fn special_subnets(&mut self) {
        let inventory = self.inventory;
        for (number, subnet) in inventory.subnets.iter().enumerate() {
            let row = &self.subnets[number];
            let name = subnet.id.full_name();
            match row.role {
                SubnetRole::Gateway if !row.nsg.is_none() => {
                    self.say(subnet.at, azure::NSG_22, format!("`{name}` takes no network security group"));
                }
                SubnetRole::Firewall if !row.nsg.is_none() => {
                    let text = format!("the network security group of `{name}` has no effect");
                    self.say(subnet.at, azure::NSG_21, text);
                }
                SubnetRole::RouteServer if !(row.nsg.is_none() && row.route_table.is_none()) => {
                    let text = format!("`{name}` takes no network security group and no route table");
                    self.say(subnet.at, azure::NSG_23, text);
                }
                SubnetRole::Bastion => {
                    if let Bound::To(group) = row.nsg {
                        self.bastion_group(subnet, group);
                    }
                }
                _ => {}
            }
        }
    }

    /// The four flows of Bastion, as far as rules of one's own tell.
    fn bastion_group(&mut self, subnet: &Subnet, group: Id<Nsg>) {
        let group = &self.inventory.nsgs[group];
        let has = |direction: &str, tags: &[&str], port: u16| {
            group.security_rules.iter().any(|rule| {
                let words = if direction == "Inbound" { &rule.source } else { &rule.destination };
                let named = words.iter().any(|w| match &w.means {
                    AddressMeaning::Any => true,
                    AddressMeaning::Tag(tag) => tags.iter().any(|t| t.eq_ignore_ascii_case(tag)),
                    AddressMeaning::Addresses(_) => tags.contains(&"clients"),
                });
                named
                    && rule.access.known().is_some_and(|a| a.to_string() == "Allow")
                    && rule.direction.known().is_some_and(|d| d.to_string() == direction)
                    && rule.destination_ports.iter().any(|p| p.low <= port && port <= p.high)
            })
        };
        let needed: [(&str, &[&str], u16); 5] = [
            ("Inbound", &["Internet", "VirtualNetwork", "clients"], 443),
            ("Inbound", &["GatewayManager"], 443),
            ("Outbound", &["VirtualNetwork"], 22),
            ("Outbound", &["VirtualNetwork"], 3389),
            ("Outbound", &["AzureCloud"], 443),
        ];
        for (direction, tags, port) in needed {
            if !has(direction, tags, port) {
                let way = if direction == "Inbound" { "in from" } else { "out to" };
                let tag = tags.first().copied().unwrap_or_default();
                let text = format!(
                    "`{}` has no rule of its own that lets {port} {way} {tag}: Azure puts no group before Bastion without it",
                    group.id.full_name()
                );
                self.say(subnet.at, azure::NSG_24, text);
            }
        }
    }

    /// PLAT-4, PLAT-5: space that is not for virtual networks, addresses that Azure keeps.
    fn addresses(&mut self) {
        let inventory = self.inventory;
        let forbidden: Vec<IpNet> = FORBIDDEN.iter().filter_map(|p| p.parse().ok()).collect();
        for network in inventory.virtual_networks.iter() {
            for prefix in &network.address_prefixes {
                let space = AddressSet::from_prefix(prefix);
                if let Some(bad) = forbidden.iter().find(|f| AddressSet::from_prefix(f).meets(&space)) {
                    let text = format!("`{}` has {prefix}, and {bad} is not for networks", network.id.name());
                    self.say(network.at, azure::PLAT_4, text);
                }
            }
        }
        let configs = inventory.network_interfaces.iter().flat_map(|nic| {
            nic.ip_configurations.iter().map(move |c| (nic.id.name(), &c.subnet, &c.private_ip_address, c.at))
        });
        let hosts = inventory.hosts.iter().map(|h| (h.id.name(), &h.subnet, &h.private_ip_address, h.at));
        let held: Vec<_> = configs.chain(hosts).collect();
        let mut holders: HashMap<(u32, IpAddr), &str> = HashMap::new();
        for (name, subnet, ip, at) in held {
            let (Some(subnet), Some(ip)) = (self.row(subnet), ip.known()) else { continue };
            let row = &self.subnets[subnet.index()];
            if let Some(other) = holders.insert((row.vnet.raw(), *ip), name) {
                let text =
                    format!("`{other}` and `{name}` have the same address {ip} in one virtual network");
                self.refuse(at, text);
            }
            if !row.space.is_empty() && !row.space.contains(*ip) {
                let subnet = inventory.subnets[subnet].id.full_name();
                self.refuse(at, format!("`{name}` has {ip}, which is not in its subnet `{subnet}`"));
            }
            let prefixes = &inventory.subnets[subnet].address_prefixes;
            if prefixes.iter().any(|prefix| is_reserved(prefix, *ip)) {
                let text = format!("`{name}` has {ip}, which Azure keeps for itself in its subnet");
                self.say(at, azure::PLAT_5, text);
            }
        }
    }

    /// A subnet lies in its network, and no two share an address.
    fn subnet_spaces(&mut self) {
        let inventory = self.inventory;
        let mut pieces: Vec<(u32, IpNet, Id<Subnet>)> = Vec::new();
        for (id, subnet) in inventory.subnets.rows() {
            let vnet = self.subnets[id.index()].vnet;
            let space = AddressSet::from_prefixes(&inventory.virtual_networks[vnet].address_prefixes.items);
            for prefix in &subnet.address_prefixes {
                pieces.push((vnet.raw(), *prefix, id));
                let inside = space.is_empty() || space.covers(&AddressSet::from_prefix(prefix));
                if !inside {
                    let network = inventory.virtual_networks[vnet].id.name();
                    let text = format!(
                        "`{}` has {prefix}, which is not in the space of `{network}`",
                        subnet.id.name()
                    );
                    self.refuse(subnet.at, text);
                }
            }
        }
        pieces.sort_unstable_by_key(|(vnet, prefix, id)| (*vnet, *prefix, id.raw()));
        for pair in pieces.windows(2) {
            let [(a_vnet, a, one), (b_vnet, b, two)] = pair else { continue };
            if a_vnet == b_vnet && one != two && a.contains(b) {
                let (one, two) = (&inventory.subnets[*one], &inventory.subnets[*two]);
                let text =
                    format!("`{}` and `{}` share addresses: {a} and {b}", one.id.name(), two.id.name());
                self.refuse(two.at, text);
            }
        }
    }

    /// RT-27, RT-10: one route for a prefix in a table, and an address where the next hop is an appliance.
    fn route_tables(&mut self) {
        let inventory = self.inventory;
        for table in inventory.route_tables.iter() {
            let mut seen: HashMap<String, &str> = HashMap::new();
            for route in &table.routes {
                let Some(prefix) = route.address_prefix.known() else { continue };
                let prefix = prefix.text.to_ascii_lowercase();
                if let Some(other) = seen.insert(prefix.clone(), &route.name) {
                    let text = format!(
                        "the routes `{other}` and `{}` of `{}` are for the same prefix {prefix}",
                        route.name,
                        table.id.name()
                    );
                    self.say(route.at, azure::RT_27, text);
                }
            }
        }
    }

    /// ASG-2: the members of an application security group are in one network.
    fn application_groups(&mut self) {
        let inventory = self.inventory;
        let mut homes: BTreeMap<u32, (Id<VirtualNetwork>, bool)> = BTreeMap::new();
        for nic in inventory.network_interfaces.iter() {
            for config in &nic.ip_configurations {
                let Some(subnet) = self.row(&config.subnet) else { continue };
                let home = self.subnets[subnet.index()].vnet;
                for group in &config.application_security_groups {
                    let Some(group) = inventory.follow(group).row() else { continue };
                    let entry = homes.entry(group.raw()).or_insert((home, false));
                    entry.1 |= entry.0 != home;
                }
            }
        }
        for (group, _) in homes.iter().filter(|(_, (_, several))| *several) {
            let group = &inventory.asgs[Id::new(*group as usize)];
            let text = format!("members of `{}` are in several virtual networks", group.id.name());
            self.say(group.at, azure::ASG_2, text);
        }
        self.pairs_of_groups(&homes);
    }

    /// ASG-3: the groups on both sides of a rule have their members in one network.
    fn pairs_of_groups(&mut self, homes: &BTreeMap<u32, (Id<VirtualNetwork>, bool)>) {
        let inventory = self.inventory;
        let home = |group: &Ref<Asg>| {
            let row = inventory.follow(group).row()?;
            homes.get(&row.raw()).filter(|(_, several)| !several).map(|(vnet, _)| (row, *vnet))
        };
        for rule in inventory.nsgs.iter().flat_map(|group| &group.security_rules) {
            let sources: Vec<_> = rule.source_asgs.iter().filter_map(home).collect();
            let mut pairs = rule.destination_asgs.iter().filter_map(home).flat_map(|to| {
                sources.iter().filter(move |from| from.1 != to.1).map(move |from| (from.0, to.0))
            });
            let Some((from, to)) = pairs.next() else { continue };
            let text = format!(
                "`{}` has `{}` and `{}` on its sides, whose members are in different virtual networks",
                rule.name,
                inventory.asgs[from].id.name(),
                inventory.asgs[to].id.name()
            );
            self.say(rule.at, azure::ASG_3, text);
        }
    }

    /// PEER-7: who uses a remote gateway has none of its own, and uses one.
    fn peerings(&mut self) {
        let inventory = self.inventory;
        let mut users: BTreeMap<String, usize> = BTreeMap::new();
        let homes: HashSet<crate::inventory::ResourceId> = inventory
            .virtual_network_gateways
            .iter()
            .flat_map(|g| g.ip_configurations.iter().map(|c| &c.subnet).chain([&g.subnet]))
            .filter_map(|s| inventory.subnets[self.row(s)?].id.parent())
            .collect();
        for peering in inventory.peerings.iter().filter(|p| p.use_remote_gateways.is(true)) {
            let Some(network) = peering.id.parent() else { continue };
            let count = users.entry(network.as_str().to_ascii_lowercase()).or_default();
            *count += 1;
            if *count == 2 {
                let text = format!("`{}` uses the gateways of two peers, and may use one's", network.name());
                self.say(peering.at, azure::PEER_7, text);
            }
            let own = homes.contains(&network);
            if own {
                let text = format!("`{}` has a gateway of its own and uses a peer's", network.name());
                self.say(peering.at, azure::PEER_7, text);
            }
        }
    }

    /// GW-1: one gateway of each kind in a network.
    fn gateways(&mut self) {
        let inventory = self.inventory;
        let mut seen = BTreeMap::new();
        for gateway in inventory.virtual_network_gateways.iter() {
            let configs = gateway.ip_configurations.iter().map(|c| &c.subnet).chain([&gateway.subnet]);
            let home = configs.filter_map(|s| self.row(s)).next().map(|s| self.subnets[s.index()].vnet);
            let (Some(home), Some(kind)) = (home, gateway.gateway_type.known()) else { continue };
            if seen.insert((home.raw(), kind.to_string()), ()).is_some() {
                let network = &inventory.virtual_networks[home].id;
                self.say(gateway.at, azure::GW_1, format!("`{}` has two {kind} gateways", network.name()));
            }
        }
    }

    /// NAT-4, NAT-5: where a NAT gateway cannot stand.
    fn nat_gateways(&mut self) {
        let inventory = self.inventory;
        // Subnets with an interface that has a Basic public address.
        let configs = inventory.network_interfaces.iter().flat_map(|nic| &nic.ip_configurations);
        let public = configs.filter(|config| config.public_ip_address.known().is_some());
        let basic = public.filter(|config| {
            let address = self.row(&config.public_ip_address);
            address.is_some_and(|a| inventory.public_ip_addresses[a].sku.is(Sku::Basic))
        });
        let basic: HashSet<u32> = basic.filter_map(|c| self.row(&c.subnet)).map(Id::raw).collect();
        for (number, subnet) in inventory.subnets.iter().enumerate() {
            if subnet.nat_gateway.known().is_none() {
                continue;
            }
            let name = subnet.id.full_name();
            let managed =
                subnet.delegations.iter().any(|d| d.eq_ignore_ascii_case("Microsoft.Sql/managedInstances"));
            if self.subnets[number].role == SubnetRole::Gateway || managed {
                self.say(subnet.at, azure::NAT_4, format!("`{name}` takes no NAT gateway"));
            }
            if basic.contains(&(number as u32)) {
                let text = format!(
                    "`{name}` has a NAT gateway and Basic public addresses, which do not go together"
                );
                self.say(subnet.at, azure::NAT_5, text);
            }
            self.region_of_nat(subnet);
        }
        self.addresses_of_nat_gateways();
    }

    /// A NAT gateway is in the region of the networks whose subnets it serves.
    fn region_of_nat(&mut self, subnet: &Subnet) {
        let inventory = self.inventory;
        let gateway = self.row(&subnet.nat_gateway).map(|row| &inventory.nat_gateways[row]);
        let vnet = subnet.id.parent().and_then(|id| inventory.row::<VirtualNetwork>(&id));
        let (Some(gateway), Some(vnet)) = (gateway, vnet.map(|row| &inventory.virtual_networks[row])) else {
            return;
        };
        let (Some(own), Some(served)) = (gateway.location.known(), vnet.location.known()) else { return };
        if normal_region(own) != normal_region(served) {
            let text = format!(
                "`{}` is in {own} and serves `{}` in {served}: Azure refuses that",
                gateway.id.name(),
                subnet.id.full_name()
            );
            self.refuse(subnet.at, text);
        }
    }

    /// NAT-5: a NAT gateway has no Basic addresses of its own either.
    fn addresses_of_nat_gateways(&mut self) {
        let inventory = self.inventory;
        for gateway in inventory.nat_gateways.iter() {
            let addresses = gateway.public_ip_addresses.iter().filter_map(|a| inventory.follow(a).row());
            for address in addresses.map(|row| &inventory.public_ip_addresses[row]) {
                if address.sku.is(Sku::Basic) {
                    let text = format!(
                        "`{}` has the Basic address `{}`, and takes Standard ones",
                        gateway.id.name(),
                        address.id.name()
                    );
                    self.say(gateway.at, azure::NAT_5, text);
                }
            }
        }
    }

    /// SE-5, SEP-1, SEP-4: endpoints and policies that do not go together.
    fn service_endpoints(&mut self) {
        let inventory = self.inventory;
        for (number, subnet) in inventory.subnets.iter().enumerate() {
            let name = subnet.id.full_name();
            let has = |service: &str| {
                subnet.service_endpoints.iter().any(|e| e.service.eq_ignore_ascii_case(service))
            };
            if has("Microsoft.Storage") && has("Microsoft.Storage.Global") {
                let text =
                    format!("`{name}` has Microsoft.Storage and Microsoft.Storage.Global, and may have one");
                self.say(subnet.at, azure::SE_5, text);
            }
            let special = !matches!(self.subnets[number].role, SubnetRole::Ordinary);
            let holds = |c: &crate::inventory::IpConfiguration| {
                self.row(&c.subnet).is_some_and(|s| s.index() == number)
            };
            let gateway =
                inventory.application_gateways.iter().any(|g| g.gateway_ip_configurations.iter().any(holds));
            if gateway && subnet.service_endpoint_policies.iter().next().is_some() {
                let text =
                    format!("`{name}` holds an application gateway, and takes no service endpoint policy");
                self.say(subnet.at, azure::AGW_3, text);
            }
            if special && subnet.service_endpoint_policies.iter().next().is_some() {
                self.say(subnet.at, azure::SEP_4, format!("`{name}` takes no service endpoint policy"));
            }
        }
    }

    fn holds_gateway(&self, network: Id<VirtualNetwork>) -> bool {
        let here = |subnet: Id<Subnet>| self.subnets[subnet.index()].vnet == network;
        self.inventory.virtual_network_gateways.iter().any(|gateway| {
            let configs = gateway.ip_configurations.iter().map(|c| &c.subnet);
            configs.chain([&gateway.subnet]).any(|s| self.row(s).is_some_and(here))
        })
    }

    /// DNS-11, DNS-17, PE-8: names that are not for private zones, two zones of one name in a network, two groups of
    /// one endpoint.
    fn zones(&mut self) {
        let inventory = self.inventory;
        for zone in inventory.private_dns_zones.iter() {
            let name = zone.id.name().to_ascii_lowercase();
            if !name.contains('.') || RESERVED_ZONES.contains(&name.as_str()) {
                self.say(zone.at, azure::DNS_17, format!("`{name}` is no name for a private zone"));
            }
        }
        let mut linked = BTreeMap::new();
        for link in inventory.zone_links.iter() {
            let zone = self.row(&link.private_dns_zone).map(|z| inventory.private_dns_zones[z].id.clone());
            let Some(zone) = zone.or_else(|| link.id.parent()) else { continue };
            let Some(network) = self.row(&link.virtual_network) else { continue };
            let falls_back = link.resolution_policy.is(crate::inventory::ResolutionPolicy::NxDomainRedirect);
            if zone.name().eq_ignore_ascii_case(BLOB_ZONE) && !falls_back && self.holds_gateway(network) {
                let name = inventory.virtual_networks[network].id.name();
                let text =
                    format!("`{BLOB_ZONE}` is linked to `{name}`, whose gateway may lose its own storage");
                self.say(link.at, azure::GW_8, text);
            }
            let key = (zone.name().to_ascii_lowercase(), network.raw());
            match linked.insert(key, zone.clone()) {
                Some(other) if other != zone => {
                    let network = inventory.virtual_networks[network].id.name();
                    let text =
                        format!("two zones `{}` are linked to `{network}`, and one may be", zone.name());
                    self.say(link.at, azure::DNS_11, text);
                }
                _ => {}
            }
        }
        let mut grouped = BTreeMap::new();
        for group in inventory.zone_groups.iter() {
            let owner = self.row(&group.private_endpoint).map(|e| inventory.private_endpoints[e].id.clone());
            let Some(owner) = owner.or_else(|| group.id.parent()) else { continue };
            if grouped.insert(owner.as_str().to_ascii_lowercase(), ()).is_some() {
                let text = format!("`{}` has two DNS zone groups, and may have one", owner.name());
                self.say(group.at, azure::PE_8, text);
            }
        }
    }

    /// DNS-5: a zone group writes records where names of its target are looked up.
    fn zone_groups(&mut self) {
        let inventory = self.inventory;
        for group in inventory.zone_groups.iter() {
            let endpoint = match group.private_endpoint.known() {
                Some(reference) => inventory.follow(reference).row(),
                None => group.id.parent().and_then(|id| inventory.row(&id)),
            };
            let Some(endpoint) = endpoint.map(|e| &inventory.private_endpoints[e]) else { continue };
            let (target, groups) = super::target_of(inventory, endpoint);
            let kind = target.and_then(|s| inventory.id_of(s)).and_then(|id| service_kind(&id.kind()));
            let Some(kind) =
                kind.filter(|k| SETTLED_ZONES.iter().any(|s| s.eq_ignore_ascii_case(k.arm_type)))
            else {
                continue;
            };
            let own =
                kind.endpoints.iter().filter(|e| groups.iter().any(|g| g.eq_ignore_ascii_case(e.group)));
            let valid: Vec<&str> = own.filter_map(|e| e.zone).collect();
            let Some(right) = valid.first() else { continue };
            let written = group.configs.iter().filter_map(|c| c.private_dns_zone_id.known());
            for zone in
                written.chain(group.private_dns_zones.iter()).filter_map(|r| inventory.follow(r).row())
            {
                let name = inventory.private_dns_zones[zone].id.name().to_ascii_lowercase();
                if valid.iter().any(|v| super::is_under(&name, v)) {
                    continue;
                }
                let text = format!(
                    "`{}` writes into `{name}`, where no name of `{}` is looked up: its zone is `{right}`",
                    group.id.full_name(),
                    endpoint.id.name()
                );
                self.say(group.at, azure::DNS_5, text);
            }
        }
    }

    /// PE-11: how many private endpoints a network takes, and what high scale asks for.
    fn private_endpoints(&mut self) {
        let inventory = self.inventory;
        let mut held = vec![0usize; inventory.virtual_networks.len()];
        let mut unrouted: BTreeMap<u32, String> = BTreeMap::new();
        for endpoint in inventory.private_endpoints.iter() {
            let Some(subnet) = self.row(&endpoint.subnet) else { continue };
            let home = self.subnets[subnet.index()].vnet;
            held[home.index()] += 1;
            let policies = &inventory.subnets[subnet].private_endpoint_network_policies;
            if !policies.known().is_some_and(|p| p.routes()) {
                unrouted.entry(home.raw()).or_insert_with(|| inventory.subnets[subnet].id.full_name());
            }
        }
        for (id, network) in inventory.virtual_networks.rows() {
            let scale = network.private_endpoint_vnet_policies.known();
            let high = scale.is_some_and(|p| p.eq_ignore_ascii_case("Basic"));
            let (count, name) = (held[id.index()], network.id.name());
            let most = if high { MOST_ENDPOINTS_HIGH } else { MOST_ENDPOINTS };
            if count > most {
                let text = format!("`{name}` has {count} private endpoints, and takes {most}");
                self.say(network.at, azure::PE_11, text);
            }
            if let (true, Some(subnet)) = (high, unrouted.get(&id.raw())) {
                let text = format!(
                    "`{name}` has privateEndpointVNetPolicies Basic, which needs the route table policy on `{subnet}`"
                );
                self.say(network.at, azure::PE_11, text);
            }
        }
    }

    /// AML-2: a range that the machines of a workspace use among themselves is not for its networks.
    fn workspace_networks(&mut self) {
        let inventory = self.inventory;
        let computes = inventory.ml_computes.iter().map(|c| &c.subnet);
        let endpoints = inventory.private_endpoints.iter().filter(|e| {
            let (target, _) = super::target_of(inventory, e);
            let id = target.and_then(|t| inventory.id_of(t));
            id.is_some_and(|id| id.is_kind("Microsoft.MachineLearningServices/workspaces"))
        });
        let subnets = computes.chain(endpoints.map(|e| &e.subnet)).filter_map(|s| self.row(s));
        let homes: std::collections::BTreeSet<u32> =
            subnets.map(|s| self.subnets[s.index()].vnet.raw()).collect();
        let Ok(range) = BRIDGE_RANGE.parse::<IpNet>() else { return };
        let range = AddressSet::from_prefix(&range);
        for home in homes {
            let network = &inventory.virtual_networks[Id::new(home as usize)];
            if AddressSet::from_prefixes(&network.address_prefixes.items).meets(&range) {
                let text = format!(
                    "`{}` holds parts of a workspace and addresses of {BRIDGE_RANGE}, which must not be used there",
                    network.id.name()
                );
                self.say(network.at, azure::AML_2, text);
            }
        }
    }

    /// ST-3, ACR-1: a storage account's address rules are for public IPv4 addresses, and not for the smallest ranges; a
    /// registry's rules take its highest tier.
    fn services(&mut self) {
        let inventory = self.inventory;
        let private: Vec<AddressSet> = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]
            .iter()
            .filter_map(|p| p.parse().ok())
            .map(|p: IpNet| AddressSet::from_prefix(&p))
            .collect();
        for service in inventory.services.iter() {
            let registry = service.id.is_kind("Microsoft.ContainerRegistry/registries");
            let lesser = service.sku.known().is_some_and(|s| !s.eq_ignore_ascii_case("Premium"));
            if registry && lesser && service.default_action.is(DefaultAction::Deny) {
                let text = format!("`{}` has network rules, which take the Premium tier", service.id.name());
                self.say(service.at, azure::ACR_1, text);
            }
            if !service.id.is_kind("Microsoft.Storage/storageAccounts") {
                continue;
            }
            for word in &service.ip_rules {
                let AddressMeaning::Addresses(set) = word.means.clone() else { continue };
                let small = word.text.ends_with("/31") || word.text.ends_with("/32");
                if small || private.iter().any(|p| p.meets(&set)) {
                    let text = format!("`{}` takes no address rule for {}", service.id.name(), word.text);
                    self.say(service.at, azure::ST_3, text);
                }
            }
        }
    }

    /// VWAN-8, VWAN-11: what routing intent excludes.
    fn hubs(&mut self) {
        let inventory = self.inventory;
        for intent in inventory.routing_intents.iter() {
            let Some(hub) = intent.id.parent() else { continue };
            let below = |id: &crate::inventory::ResourceId| id.parent().is_some_and(|p| p == hub);
            let own = |name: &str| {
                name.eq_ignore_ascii_case("defaultRouteTable") || name.eq_ignore_ascii_case("noneRouteTable")
            };
            if inventory.hub_route_tables.iter().any(|t| below(&t.id) && !own(t.id.name())) {
                let text = format!("`{}` has routing intent and route tables of one's own", hub.name());
                self.say(intent.at, azure::VWAN_11, text);
            }
        }
    }

    /// AFD-3: origins over private link are for Premium profiles.
    fn private_origins(&mut self) {
        let inventory = self.inventory;
        for origin in inventory.origins.iter() {
            if origin.private_link.known().is_none() {
                continue;
            }
            let profile = origin.id.ancestor("Microsoft.Cdn/profiles");
            let profile = profile.and_then(|id| inventory.row::<crate::inventory::FrontDoorProfile>(&id));
            let Some(sku) = profile.and_then(|p| inventory.front_door_profiles[p].sku.known()) else {
                continue;
            };
            if !sku.to_ascii_lowercase().starts_with("premium") {
                let text =
                    format!("`{}` is a private origin, and its profile is {sku}", origin.id.full_name());
                self.say(origin.at, azure::AFD_3, text);
            }
        }
    }

    /// DNS-13: a ruleset serves networks of its own region.
    fn rulesets(&mut self) {
        let inventory = self.inventory;
        for link in inventory.ruleset_links.iter() {
            let ruleset = link.id.parent().and_then(|id| inventory.row::<DnsForwardingRuleset>(&id));
            let ruleset = ruleset.map(|row| &inventory.forwarding_rulesets[row]);
            let vnet = self.row(&link.virtual_network).map(|row| &inventory.virtual_networks[row]);
            let (Some(ruleset), Some(vnet)) = (ruleset, vnet) else { continue };
            let (Some(own), Some(linked)) = (ruleset.location.known(), vnet.location.known()) else {
                continue;
            };
            if normal_region(own) != normal_region(linked) {
                let text = format!(
                    "`{}` is in {own} and is linked to `{}` in {linked}: Azure refuses that, and what is traced by the link would not happen",
                    ruleset.id.name(),
                    vnet.id.name()
                );
                self.say(link.at, azure::DNS_13, text);
            }
        }
    }

    /// LB-6: HA ports are for internal Standard load balancers.
    fn balancers(&mut self) {
        let inventory = self.inventory;
        for balancer in inventory.load_balancers.iter() {
            let public =
                balancer.frontend_ip_configurations.iter().any(|f| f.public_ip_address.known().is_some());
            let basic = balancer.sku.is(Sku::Basic);
            for rule in &balancer.load_balancing_rules {
                if rule.frontend_port.is(0) && (public || basic) {
                    let text = format!("`{}` is for internal Standard load balancers only", rule.name);
                    self.say(balancer.at, azure::LB_6, text);
                }
            }
        }
    }
}

/// The network's own address, the three after it, and the last one of an IPv4 subnet.
pub(crate) fn is_reserved(prefix: &IpNet, ip: IpAddr) -> bool {
    let (IpNet::V4(net), IpAddr::V4(ip)) = (prefix, ip) else { return false };
    if !net.contains(&ip) || net.prefix_len() > 29 {
        return false;
    }
    u32::from(ip) - u32::from(net.network()) < 4 || ip == net.broadcast()
}
