//! "Block outbound": what a person would change to keep traffic in, as lines of a change file.
//!
//! Input: a network, the places that count (subnets, workspaces) and what to block. Output: [`ChangeText`] and remarks
//! on what the change does beside what was asked. Nothing is applied here.
//!
//! A rule that blocks goes before every rule there is: the question is what depends on the way out, not what
//! the rules at hand happen to spare.

use super::change_text::{ChangeText, quoted, target_of};
use super::implied;
use crate::inventory::{
    Direction, Id, Nsg, Origin, PlatformService, ResourceId, RouteTable, Sku, Subnet, TableTag,
    VirtualNetwork,
};
use crate::net::{AddressSet, IpNet, PortRange, Protocol, parse_prefix};
use crate::network::{Attachment, AttachmentKind, Bound, Network};
use crate::tags::is_symbolic;
use crate::trace::{self, Endpoint, Flow, HopKind};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// By which means the way out is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// A security rule that denies the tag `Internet`.
    Nsg,
    /// A route of `0.0.0.0/0` to `None`.
    RouteNone,
    /// A route of `0.0.0.0/0` to a firewall without rules.
    Firewall,
    /// No default outbound access.
    NoDefaultOutbound,
    /// A managed network that allows approved outbound only.
    ManagedNetwork,
}

/// One thing to block.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// Everything that leaves.
    Outbound(By),
    /// A destination of security rules: a service tag or prefix; `*` for any.
    To {
        /// The tag or prefix.
        destination: Arc<str>,
        /// The ports; none means all.
        ports: Vec<PortRange>,
        /// The protocol; none means all.
        protocol: Option<Protocol>,
    },
    /// A name. Security groups know none: a firewall on the way does, and whoever looks it up.
    Fqdn(Arc<str>),
    /// A resource that is there no longer: a machine, a gateway, a firewall; a service that answers nobody.
    SwitchOff(Arc<str>),
    /// The public endpoint of a service.
    PublicAccess(Arc<str>),
}

impl Block {
    /// Whether it takes effect where workloads send from, rather than at a resource that is named.
    pub fn is_at_senders(&self) -> bool {
        matches!(self, Self::Outbound(_) | Self::To { .. } | Self::Fqdn(_))
    }
}

/// What counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Places {
    /// Subnets that workloads send from.
    pub subnets: Vec<Id<Subnet>>,
    /// Workspaces whose managed network workloads send from.
    pub workspaces: Vec<Id<PlatformService>>,
}

/// Lines of a change file, and what to know about them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The changes.
    pub text: ChangeText,
    /// What else they do, or do not.
    pub remarks: Vec<String>,
}

/// Why something cannot be blocked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// No workload sends from a subnet or managed network of the estate.
    Nowhere,
    /// No workload sends from a managed network.
    NoManagedNetwork,
    /// No free range for a network to put a firewall in.
    NoRoom,
    /// Nothing is called so.
    NoSuch(Arc<str>),
    /// Several resources are called so; their ids.
    Several(Arc<str>, Vec<String>),
    /// The resource has no public endpoint to close.
    NoService(Arc<str>),
    /// The table of service tags does not have it; the nearest name that it has.
    NoTag(Arc<str>, Option<String>),
    /// The name cannot be one of DNS.
    NoName(Arc<str>),
}

impl Obstacle {
    /// Whether a name was given that the input does not have.
    pub fn is_unknown_name(&self) -> bool {
        matches!(self, Self::NoSuch(_) | Self::Several(..) | Self::NoService(_) | Self::NoTag(..))
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuch(name) => return write!(f, "`{name}` is not the name or id of one resource of the estate"),
            Self::Several(name, ids) => {
                return write!(f, "`{name}` fits {} resources; use the id of one of {}", ids.len(), ids.join(", "));
            }
            Self::NoService(name) => return write!(f, "`{name}` is no service with a public endpoint"),
            Self::NoTag(name, near) => {
                write!(f, "`{name}` is neither an address prefix nor a service tag of the table in use")?;
                return match near {
                    Some(near) => write!(f, "; did you mean `{near}`?"),
                    None => f.write_str("; `--service-tags FILE` takes Microsoft's whole file"),
                };
            }
            Self::NoName(name) => return write!(f, "`{name}` is no name of a host: labels of letters, digits and hyphens, `*.` at the front for any"),
            Self::Nowhere => "no workload sends from a subnet of the estate, so there is nothing to block it at; name one with `--subnet`",
            Self::NoManagedNetwork => "no workload sends from the managed network of a workspace: compute stands in subnets of your own, which such a network does not govern. `--by nsg` and `--by firewall` close the way out of these; a workspace gets a managed network with `--set WORKSPACE:managedNetwork.isolationMode=AllowOnlyApprovedOutbound`",
            Self::NoRoom => "no private range is free for the network of a firewall",
        })
    }
}

/// The name of whatever a block adds.
const NAME: &str = "what-if-block";

/// Plans the blocks.
pub fn plan(network: &Network, places: &Places, blocks: &[Block]) -> Result<Plan, Obstacle> {
    let managed = blocks.contains(&Block::Outbound(By::ManagedNetwork));
    let none =
        places.subnets.is_empty() && places.workspaces.is_empty() && implied::places(network).is_empty();
    if none && !managed && blocks.iter().all(Block::is_at_senders) {
        let remark = "nothing is blocked: the estate has no subnet that machines could stand in, so nothing in it leaves by a way that could be closed";
        return Ok(Plan { text: ChangeText::default(), remarks: vec![remark.to_owned()] });
    }
    let mut planner =
        Planner { network, places, plan: Plan::default(), rules: Vec::new(), names: Vec::new() };
    for block in blocks {
        planner.block(block)?;
    }
    planner.security_rules()?;
    planner.names_taken_away()?;
    Ok(planner.plan)
}

struct Planner<'a> {
    network: &'a Network,
    places: &'a Places,
    plan: Plan,
    /// Security rules to put on top, without name and priority.
    rules: Vec<String>,
    /// Names to take away.
    names: Vec<Arc<str>>,
}

impl Planner<'_> {
    fn block(&mut self, block: &Block) -> Result<(), Obstacle> {
        match block {
            Block::Outbound(By::Nsg) => self.rules.push(deny("Internet", &[], None)),
            Block::Outbound(By::RouteNone) => self.default_route("nextHopType: None", "null")?,
            Block::Outbound(By::Firewall) => self.firewall()?,
            Block::Outbound(By::NoDefaultOutbound) => self.no_default_outbound()?,
            Block::Outbound(By::ManagedNetwork) => self.managed()?,
            Block::To { destination, ports, protocol } => {
                self.known_destination(destination)?;
                self.rules.push(deny(destination, ports, *protocol))
            }
            Block::Fqdn(name) if !is_host(name) => return Err(Obstacle::NoName(name.clone())),
            Block::Fqdn(name) => self.names.push(name.clone()),
            Block::SwitchOff(name) => self.switch_off(name)?,
            Block::PublicAccess(name) => {
                let id = self.named(name)?;
                let slot = self.network.inventory.slot(&id);
                if !slot.is_some_and(|s| matches!(s.table, TableTag::PlatformService | TableTag::MlEndpoint))
                {
                    return Err(Obstacle::NoService(name.clone()));
                }
                self.plan.text.set(&self.target(&id), "publicNetworkAccess", "Disabled");
            }
        }
        Ok(())
    }

    /// A misspelt tag would make a rule that matches nothing, and an answer that nothing breaks.
    fn known_destination(&self, text: &Arc<str>) -> Result<(), Obstacle> {
        let tags = &self.network.tags;
        let known =
            &**text == "*" || parse_prefix(text).is_some() || is_symbolic(text) || tags.find(text).is_some();
        match known {
            true => Ok(()),
            false => Err(Obstacle::NoTag(text.clone(), tags.nearest(text).map(str::to_owned))),
        }
    }

    fn named(&self, name: &Arc<str>) -> Result<ResourceId, Obstacle> {
        let inventory = &self.network.inventory;
        let found = inventory.follow_any(name).and_then(|slot| inventory.id_of(slot));
        if let Some(id) = found {
            return Ok(id.clone());
        }
        let several = inventory.named(name).iter().filter_map(|slot| inventory.id_of(*slot));
        let mut ids: Vec<String> = several.map(ToString::to_string).collect();
        ids.sort();
        match ids.is_empty() {
            true => Err(Obstacle::NoSuch(name.clone())),
            false => Err(Obstacle::Several(name.clone(), ids)),
        }
    }

    /// A service that is off answers on no endpoint, public or private; everything else is as if it were not there.
    fn switch_off(&mut self, name: &Arc<str>) -> Result<(), Obstacle> {
        let id = self.named(name)?;
        let network = self.network;
        let inventory = &network.inventory;
        let slot = inventory.slot(&id).ok_or_else(|| Obstacle::NoSuch(name.clone()))?;
        let target = self.target(&id);
        match slot.table {
            // Its name and its private endpoints stay, and lead to what answers nobody.
            TableTag::PlatformService => {
                self.plan.text.set(&target, "listens", "[]");
            }
            TableTag::VirtualMachine => {
                let machine = &inventory.virtual_machines.as_slice()[slot.row as usize];
                for nic in &machine.network_interfaces.items {
                    if let Some(row) = inventory.follow(nic).row() {
                        self.plan.text.detach(&target_of(inventory, &inventory.network_interfaces[row].id));
                    }
                }
                self.plan.text.detach(&target);
            }
            _ => {
                self.plan.text.detach(&target);
            }
        }
        Ok(())
    }

    fn subnets(&self) -> Result<&[Id<Subnet>], Obstacle> {
        let subnets = &self.places.subnets[..];
        if subnets.is_empty() { Err(Obstacle::Nowhere) } else { Ok(subnets) }
    }

    fn subnet_id(&self, subnet: Id<Subnet>) -> &ResourceId {
        &self.network.inventory.subnets[subnet].id
    }

    fn target(&self, id: &ResourceId) -> String {
        target_of(&self.network.inventory, id)
    }

    /// Puts the rules before all others of every group at hand, and a new group where there is none.
    fn security_rules(&mut self) -> Result<(), Obstacle> {
        if self.rules.is_empty() {
            return Ok(());
        }
        let subnets = self.subnets()?.to_vec();
        let mut groups: Vec<Id<Nsg>> =
            subnets.iter().filter_map(|s| self.network.subnet(*s).nsg.row()).collect();
        groups.sort();
        groups.dedup();
        for group in groups {
            self.rules_of_group(group, &subnets);
        }
        let bare: Vec<Id<Subnet>> =
            subnets.into_iter().filter(|s| self.network.subnet(*s).nsg.row().is_none()).collect();
        if bare.is_empty() {
            return Ok(());
        }
        // A group denies what comes in unless it is told otherwise, which nobody asked for.
        let (open, closed): (Vec<_>, Vec<_>) =
            bare.into_iter().partition(|subnet| self.may_stay_open(*subnet));
        let rules = numbered(&self.rules, FIRST);
        let as_before = "{ name: inbound-as-before, priority: 4096, direction: Inbound, access: Allow, protocol: \"*\", sourceAddressPrefix: \"*\", sourcePortRange: \"*\", destinationAddressPrefix: \"*\", destinationPortRange: \"*\" }";
        for (name, rules, subnets) in [
            (NAME.to_owned(), format!("{rules}, {as_before}"), open),
            (format!("{NAME}-in-closed"), rules, closed),
        ] {
            if subnets.is_empty() {
                continue;
            }
            self.plan
                .text
                .add("networkSecurityGroups", &format!("{{ name: {name}, securityRules: [{rules}] }}"));
            for subnet in subnets {
                let target = self.target(self.subnet_id(subnet));
                self.plan.text.set(&target, "networkSecurityGroup", &name);
            }
        }
        Ok(())
    }

    /// Whether a rule that lets everything in would leave a subnet as it is: nothing in it is closed for want of a group
    /// (PIP-1, LB-2).
    fn may_stay_open(&self, subnet: Id<Subnet>) -> bool {
        let network = self.network;
        let balanced = network.inventory.load_balancers.iter().any(|balancer| {
            let public = balancer.frontend_ip_configurations.iter().any(|f| !f.public_ip_address.is_absent());
            public && !balancer.sku.is(Sku::Basic)
        });
        let closed = |a: &Attachment| match a.public_ip {
            Bound::None => {
                balanced && matches!(a.kind, AttachmentKind::Interface(_) | AttachmentKind::ScaleSet(_))
            }
            Bound::To(address) => {
                let row = &network.inventory.public_ip_addresses[address];
                // An absent class means Basic in a template (PIP-3).
                let made = matches!(row.origin, Origin::Template | Origin::Planned);
                !(row.sku.is(Sku::Basic) || (row.sku.is_absent() && made))
            }
            Bound::Unknown(_) => true,
        };
        let mut inside = network.attachments.iter().filter(|a| a.subnet == subnet && a.nsg.row().is_none());
        !inside.any(closed)
    }

    fn rules_of_group(&mut self, group: Id<Nsg>, subnets: &[Id<Subnet>]) {
        let network = self.network;
        let row = &network.inventory.nsgs[group];
        let target = self.target(&row.id);
        let mut taken: Vec<(i64, &str)> = row
            .security_rules
            .items
            .iter()
            .filter(|rule| rule.direction.known() != Some(&Direction::Inbound))
            .filter_map(|rule| Some((*rule.priority.known()?, &*rule.name)))
            .collect();
        taken.sort();
        let free = FIRST + self.rules.len() as i64..;
        for (next, (priority, rule)) in free.zip(taken) {
            if priority >= next {
                break;
            }
            self.plan.text.set(&format!("{target}/{rule}"), "priority", &next.to_string());
        }
        let rules = numbered(&self.rules, FIRST);
        self.plan.text.append(&target, "securityRules", &rules);
        let others = network.inventory.subnets.rows().filter(|(id, _)| !subnets.contains(id));
        let others: Vec<String> = others
            .filter(|(id, _)| network.subnet(*id).nsg.row() == Some(group))
            .map(|(_, subnet)| format!("`{}`", subnet.id.full_name()))
            .collect();
        if !others.is_empty() {
            let others = others.join(", ");
            self.plan.remarks.push(format!("`{}` also stands before {others}", row.id.name()));
        }
    }

    /// Makes `0.0.0.0/0` of every subnet go somewhere else; `hop` are the fields of the route.
    fn default_route(&mut self, hop: &str, address: &str) -> Result<(), Obstacle> {
        let network = self.network;
        let subnets = self.subnets()?.to_vec();
        let mut tables: Vec<Id<RouteTable>> =
            subnets.iter().filter_map(|s| network.subnet(*s).route_table.row()).collect();
        tables.sort();
        tables.dedup();
        for table in tables {
            let row = &network.inventory.route_tables[table];
            let target = self.target(&row.id);
            let whole = |text: &str| text == "0.0.0.0/0";
            let old = row
                .routes
                .items
                .iter()
                .find(|route| route.address_prefix.known().is_some_and(|prefix| whole(&prefix.text)));
            match old {
                Some(route) => {
                    let target = format!("{target}/{}", route.name);
                    let (_, kind) = hop.split_once("nextHopType: ").unwrap_or(("", "None"));
                    let kind = kind.split(',').next().unwrap_or("None");
                    self.plan.text.set(&target, "nextHopType", kind);
                    self.plan.text.set(&target, "nextHopIpAddress", address);
                }
                None => {
                    let route = format!("{{ name: {NAME}, addressPrefix: 0.0.0.0/0, {hop} }}");
                    self.plan.text.append(&target, "routes", &route);
                }
            }
        }
        let bare: Vec<Id<Subnet>> =
            subnets.into_iter().filter(|s| network.subnet(*s).route_table.row().is_none()).collect();
        if bare.is_empty() {
            return Ok(());
        }
        let route = format!("{{ name: default, addressPrefix: 0.0.0.0/0, {hop} }}");
        self.plan.text.add("routeTables", &format!("{{ name: {NAME}, routes: [{route}] }}"));
        for subnet in bare {
            let target = self.target(self.subnet_id(subnet));
            self.plan.text.set(&target, "routeTable", NAME);
        }
        Ok(())
    }

    fn no_default_outbound(&mut self) -> Result<(), Obstacle> {
        for subnet in self.subnets()?.to_vec() {
            let row = &self.network.inventory.subnets[subnet];
            let target = self.target(&row.id);
            self.plan.text.set(&target, "defaultOutboundAccess", "false");
            if row.nat_gateway.known().is_some() {
                let remark = format!("`{}` keeps the way out of its NAT gateway", row.id.full_name());
                self.plan.remarks.push(remark);
            }
        }
        Ok(())
    }

    fn managed(&mut self) -> Result<(), Obstacle> {
        if self.places.workspaces.is_empty() {
            return Err(Obstacle::NoManagedNetwork);
        }
        for workspace in &self.places.workspaces {
            let target = self.target(&self.network.inventory.services[*workspace].id);
            self.plan.text.set(&target, "managedNetwork.isolationMode", "AllowOnlyApprovedOutbound");
        }
        Ok(())
    }

    /// A firewall in a network of its own, peered with the networks at hand, and everything sent to it.
    fn firewall(&mut self) -> Result<(), Obstacle> {
        let network = self.network;
        let mut vnets: Vec<Id<VirtualNetwork>> =
            self.subnets()?.iter().map(|s| network.subnet(*s).vnet).collect();
        vnets.sort();
        vnets.dedup();
        let prefix = free_range(network).ok_or(Obstacle::NoRoom)?;
        let address = prefix.hosts().nth(3).ok_or(Obstacle::NoRoom)?;
        let peerings: Vec<String> = vnets
            .iter()
            .enumerate()
            .map(|(n, vnet)| {
                let remote = quoted(network.inventory.virtual_networks[*vnet].id.as_str());
                format!("{{ name: to-{n}, remoteVirtualNetwork: {remote}, allowForwardedTraffic: true }}")
            })
            .collect();
        self.plan.text.add(
            "virtualNetworks",
            &format!(
                "{{ name: {NAME}-hub, addressPrefixes: [{prefix}], subnets: [{{ name: AzureFirewallSubnet, addressPrefix: {prefix} }}], virtualNetworkPeerings: [{}] }}",
                peerings.join(", ")
            ),
        );
        for vnet in &vnets {
            let target = self.target(&network.inventory.virtual_networks[*vnet].id);
            let peering =
                format!("{{ name: {NAME}, remoteVirtualNetwork: {NAME}-hub, allowForwardedTraffic: true }}");
            self.plan.text.append(&target, "virtualNetworkPeerings", &peering);
        }
        self.plan.text.add("firewallPolicies", &format!("{{ name: {NAME}-policy, sku: Standard }}"));
        self.plan.text.add("publicIPAddresses", &format!("{{ name: {NAME}-ip, sku: Standard }}"));
        self.plan.text.add(
            "azureFirewalls",
            &format!(
                "{{ name: {NAME}-firewall, subnet: {NAME}-hub/AzureFirewallSubnet, privateIPAddress: {address}, publicIPAddress: {NAME}-ip, firewallPolicy: {NAME}-policy }}"
            ),
        );
        let hop = format!("nextHopType: VirtualAppliance, nextHopIpAddress: {address}");
        self.default_route(&hop, &address.to_string())
    }

    /// Takes names away from those who use them. A firewall on the way denies them; where there is none, a private zone of
    /// the name without a record does, for nothing but a look-up and a firewall ever sees a name. Both leave every route
    /// and every address as they are.
    fn names_taken_away(&mut self) -> Result<(), Obstacle> {
        if self.names.is_empty() {
            return Ok(());
        }
        let subnets = self.subnets()?.to_vec();
        let (filtered, open): (Vec<_>, Vec<_>) =
            subnets.into_iter().partition(|subnet| self.leaves_by_firewall(*subnet));
        if !filtered.is_empty() {
            self.firewall_names();
        }
        if !open.is_empty() {
            self.empty_zones(&open);
        }
        Ok(())
    }

    /// Whether what a subnet sends to the names comes by a firewall with a policy that could deny them.
    fn leaves_by_firewall(&self, subnet: Id<Subnet>) -> bool {
        let network = self.network;
        let flow =
            Flow::tcp(Endpoint::Named(self.subnet_id(subnet).as_str().into()), Endpoint::Internet, 443);
        let by_firewall =
            || trace::trace(network, &flow).hops.iter().any(|h| h.kind == HopKind::AzureFirewall);
        !network.inventory.firewall_policies.is_empty() && by_firewall()
    }

    /// Denies the names at the firewalls there are.
    fn firewall_names(&mut self) {
        let names = self.names.iter().map(|n| quoted(n)).collect::<Vec<_>>().join(", ");
        let deny = format!(
            "{{ name: {NAME}-names, priority: 100, action: Deny, rules: [{{ name: {NAME}, ruleType: ApplicationRule, protocols: ['Http:80', 'Https:443'], sourceAddresses: ['*'], targetFqdns: [{names}] }}] }}"
        );
        for policy in self.network.inventory.firewall_policies.iter() {
            let target = self.target(&policy.id);
            let group = format!("{{ name: {NAME}, priority: 100, ruleCollections: [{deny}] }}");
            self.plan.text.append(&target, "ruleCollectionGroups", &group);
        }
        let remark = "a network rule that allows the address of a name comes before application rules, and lets it through all the same";
        self.plan.remarks.push(remark.to_owned());
    }

    /// A zone of each name without a record, linked where senders' questions are answered (DNS-6).
    fn empty_zones(&mut self, subnets: &[Id<Subnet>]) {
        let network = self.network;
        let vnets: BTreeSet<Id<VirtualNetwork>> = subnets.iter().map(|s| network.subnet(*s).vnet).collect();
        let mut asked = vnets.clone();
        for vnet in &vnets {
            for server in &network.inventory.virtual_networks[*vnet].dns_servers.items {
                let own = network.attachments.iter().filter(|a| a.address == Some(*server));
                asked.extend(own.map(|a| a.vnet));
            }
        }
        let zones: BTreeSet<String> = self
            .names
            .iter()
            .map(|name| name.trim_start_matches("*.").trim_end_matches('.').to_ascii_lowercase())
            .collect();
        for zone in &zones {
            let taken =
                network.inventory.private_dns_zones.iter().any(|z| z.id.name().eq_ignore_ascii_case(zone));
            if taken {
                let remark =
                    format!("`{zone}` is a private zone of the estate already; `--remove` its records");
                self.plan.remarks.push(remark);
                continue;
            }
            let links: Vec<String> = asked
                .iter()
                .enumerate()
                .map(|(number, vnet)| {
                    let id = quoted(network.inventory.virtual_networks[*vnet].id.as_str());
                    format!("{{ name: {NAME}-{}, virtualNetwork: {id} }}", number + 1)
                })
                .collect();
            self.plan.text.add(
                "privateDnsZones",
                &format!("{{ name: {}, virtualNetworkLinks: [{}] }}", quoted(zone), links.join(", ")),
            );
        }
        let remark = "no firewall is on the way that could deny a name, so its look-up is made to fail: a private zone without records hides the name and everything below it. Who knows an address, or asks another DNS server, gets through";
        self.plan.remarks.push(remark.to_owned());
    }
}

/// Whether a text could be the name of a host, with `*.` in front for any labels.
fn is_host(name: &str) -> bool {
    let rest = name.strip_prefix("*.").unwrap_or(name).trim_end_matches('.');
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    rest.contains('.') && rest.len() <= 253 && rest.split('.').all(label)
}

/// The first priority a rule may have.
const FIRST: i64 = 100;

/// The fields of a security rule that denies, without name and priority.
fn deny(destination: &str, ports: &[PortRange], protocol: Option<Protocol>) -> String {
    let protocol = protocol.map_or("\"*\"".to_owned(), |p| quoted(p.name()));
    let ports = match ports {
        [] => "destinationPortRange: \"*\"".to_owned(),
        ports => {
            let ports: Vec<String> = ports.iter().map(|p| format!("\"{p}\"")).collect();
            format!("destinationPortRanges: [{}]", ports.join(", "))
        }
    };
    format!(
        "direction: Outbound, access: Deny, protocol: {protocol}, sourceAddressPrefix: \"*\", sourcePortRange: \"*\", destinationAddressPrefix: {}, {ports}",
        quoted(destination)
    )
}

fn numbered(rules: &[String], first: i64) -> String {
    let rule = |(n, rule): (usize, &String)| {
        let tail = if n == 0 { String::new() } else { format!("-{}", n + 1) };
        format!("{{ name: {NAME}{tail}, priority: {}, {rule} }}", first + n as i64)
    };
    rules.iter().enumerate().map(rule).collect::<Vec<_>>().join(", ")
}

/// Ranges a network of our own may take, if nothing in the estate does.
const RANGES: &[&str] = &["10.255.255.0/26", "172.31.255.0/26", "192.168.255.0/26", "100.127.255.0/26"];

fn free_range(network: &Network) -> Option<IpNet> {
    let sites = network.inventory.on_premises_sites.iter().flat_map(|s| s.address_prefixes.items.iter());
    let sites = AddressSet::from_prefixes(sites);
    let free = |prefix: &IpNet| {
        let range = AddressSet::from_prefix(prefix);
        !sites.meets(&range) && !network.vnets.iter().any(|vnet| vnet.space.meets(&range))
    };
    RANGES.iter().filter_map(|text| parse_prefix(text)).find(free)
}
