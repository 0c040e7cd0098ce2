//! Outbound methods and public space (OUT, NAT, PIP): how a private sender gets a public address, and who
//! answers at a public one.

use super::engine::{Walk, is_internet};
use super::family;
use super::model::{Evidence, HopKind, StepKind, Zone};
use super::question::Target;
use super::state::{Arrival, Device, End, Next, Place, State, Terminal, by, of};
use super::{Cause, Disposition};
use crate::diag::At;
use crate::inventory::{
    ApplicationGateway, Field, FrontendIpConfiguration, Id, NatGateway, Origin, PublicIpAddress, Sku, Slot,
    Subnet, TableTag, Unknown,
};
use crate::net::Header;
use crate::net::{AddressSet, IpAddr, IpNet, Protocol, ProtocolMatch, host_prefix};
use crate::network::{AttachmentId, AttachmentKind, Bound, Network, Occupant, Tri};
use crate::rules as azure;

/// The public address of a NAT gateway for one family.
enum Public {
    /// This one, or another of all of these.
    Is(IpAddr, AddressSet),
    /// It has some, of which no file tells the address.
    Untold,
    /// It has addresses of the other family alone.
    OtherFamily,
    /// It has none.
    None,
}

/// A public source address, with what gives it.
pub(super) type Method = (IpAddr, Evidence, String);

const STORAGE: &str = "Microsoft.Storage/storageAccounts";

/// The public address of a default outbound connection: Microsoft's, and it may change.
pub(crate) const DEFAULT_OUTBOUND: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 200));

/// The public IPv6 address of a NAT gateway whose own is not told.
const NAT_OUTBOUND_V6: IpAddr = IpAddr::V6(std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x200));

/// The day Azure retired Basic public addresses (PIP-3).
const BASIC_RETIRED: &str = "2025-09-30";

impl Walk<'_> {
    /// The outbound method of a sender; `None` (with a blocker or unknown written down) where there is none.
    pub(super) fn outbound_method(
        &self,
        s: &mut State,
        subnet: Id<Subnet>,
        from: Option<AttachmentId>,
    ) -> Option<Method> {
        if let Some(method) = self.nat_gateway(s, subnet) {
            return Some(method);
        }
        if let Some(method) = from.and_then(|id| self.own_public_address(s, id)) {
            return Some(method);
        }
        if let Some(method) = from.and_then(|id| self.node_address(s, id)) {
            return Some(method);
        }
        if let Some(method) = from.and_then(|id| self.outbound_rule(s, id)) {
            return Some(method);
        }
        if let Some(method) = from.and_then(|id| self.cluster_method(s, id)) {
            return Some(method);
        }
        if !s.is_clear() && s.missing.iter().any(|m| m.text.contains("public address")) {
            return None;
        }
        self.default_outbound(s, subnet, from)
    }

    /// The public address that Azure gives each node of a compute where the files ask for one: it is a way out of
    /// the node's own, and only the deployment knows it.
    fn node_address(&self, s: &mut State, id: AttachmentId) -> Option<Method> {
        let row = self.net.attachment(id);
        let AttachmentKind::Compute(compute) = row.kind else { return None };
        let compute = &self.net.inventory.ml_computes[compute];
        if !compute.enable_node_public_ip.is(true) || s.header.source.is_ipv6() {
            return None;
        }
        let name = compute.id.name();
        s.assume(None, format!("{DEFAULT_OUTBOUND} stands for the public address that Azure gives `{name}`"));
        let evidence = of(self.net, Some(row.owner), &[azure::OUT_1, azure::PIP_2]);
        Some((DEFAULT_OUTBOUND, evidence, format!("the node's own public address, {DEFAULT_OUTBOUND} here")))
    }

    fn address_of(&self, address: Id<PublicIpAddress>) -> Option<IpAddr> {
        self.net.public_addresses[address.index()].0
    }

    fn nat_gateway(&self, s: &mut State, subnet: Id<Subnet>) -> Option<Method> {
        let bound = Bound::follow(&self.net.inventory, &self.net.inventory.subnets[subnet].nat_gateway);
        let gateway = match bound {
            Bound::None => return None,
            Bound::Unknown(unknown) => return Some(self.unknown_nat_gateway(s, subnet, &unknown)),
            Bound::To(gateway) => gateway,
        };
        let row = &self.net.inventory.nat_gateways[gateway];
        let slot = Slot { table: TableTag::NatGateway, row: gateway.raw() };
        let evidence = of(self.net, Some(slot), &[azure::OUT_1, azure::NAT_1]);
        let public = match self.public_of_gateway(row, s.header.source) {
            // A gateway without IPv6 addresses leaves IPv6 alone.
            Public::OtherFamily | Public::None if s.header.source.is_ipv6() => return None,
            Public::OtherFamily => {
                let why = format!(
                    "whether the NAT gateway `{}`, which has IPv6 addresses alone, leaves IPv4 to other ways out",
                    row.id.name()
                );
                let unknown = Unknown::new(row.at, why);
                s.unknown(StepKind::Translate, Cause::UnknownValue, &unknown, evidence);
                return None;
            }
            other => other,
        };
        s.hop(HopKind::NatGateway, row.id.name().to_owned(), Some(row.id.clone()), Zone::Yours);
        self.nat_protocol(s, &evidence);
        let public = match public {
            Public::Is(public, all) => {
                self.any_of(s, row.id.name(), public, all);
                public
            }
            Public::Untold => self.untold_public(s, row),
            Public::None | Public::OtherFamily => {
                let text = format!("the NAT gateway `{}` has no public address", row.id.name());
                s.block(StepKind::Translate, Cause::NoOutboundMethod, evidence, text);
                return None;
            }
        };
        let addresses = match s.header.source.is_ipv6() {
            true => row.public_ip_addresses_v6.iter().count().max(1),
            false => row.public_ip_addresses.iter().count().max(1),
        };
        s.assume(
            None,
            format!(
                "`{}` has a port left of the 64,512 of each of its addresses, {addresses} at least (NAT-7)",
                row.id.name()
            ),
        );
        let evidence = Evidence { rules: [&evidence.rules[..], &[azure::NAT_7]].concat(), ..evidence };
        Some((public, evidence, format!("the NAT gateway gives {public}")))
    }

    /// Of several public addresses Azure takes any: what follows is told for one, and what would not be the same for
    /// another is looked at where it matters.
    fn any_of(&self, s: &mut State, name: &str, public: IpAddr, all: AddressSet) {
        let others = all.minus(&one_by_one([public]));
        if others.is_empty() {
            return;
        }
        let list: Vec<String> = others.to_prefixes().iter().take(4).map(ToString::to_string).collect();
        s.assume(
            None,
            format!(
                "`{name}` takes {public} of its public addresses here; it may take any, {} too",
                list.join(", ")
            ),
        );
        s.other_sources = others;
    }

    /// A gateway whose addresses are in none of the files carries all the same.
    fn untold_public(&self, s: &mut State, row: &NatGateway) -> IpAddr {
        let stands = if s.header.source.is_ipv6() { NAT_OUTBOUND_V6 } else { DEFAULT_OUTBOUND };
        let name = row.id.name();
        s.assume(None, format!("{stands} stands for the public address of `{name}`, which no file tells"));
        s.source_unknown =
            Some(Unknown::new(row.at, format!("the public address of the NAT gateway `{name}`")));
        stands
    }

    /// The public address by which a NAT gateway sends on what comes from an address.
    fn public_of_gateway(&self, row: &NatGateway, source: IpAddr) -> Public {
        let inventory = &self.net.inventory;
        // Standard, which is meant where no class is written, carries IPv4 alone.
        let second = row.sku.known().is_some_and(|sku| sku.eq_ignore_ascii_case("StandardV2"));
        if source.is_ipv6() && !second && row.sku.unknown().is_none() {
            return Public::None;
        }
        let lists = [&row.public_ip_addresses, &row.public_ip_addresses_v6];
        let blocks = [&row.public_ip_prefixes, &row.public_ip_prefixes_v6];
        let addresses = lists.into_iter().flatten().filter_map(|r| inventory.follow(r).row());
        let prefixes = blocks.into_iter().flatten().filter_map(|r| inventory.follow(r).row());
        let prefixes: Vec<IpNet> =
            prefixes.filter_map(|p| inventory.public_ip_prefixes[p].ip_prefix.known().copied()).collect();
        let first = prefixes.iter().map(IpNet::addr);
        let told: Vec<IpAddr> = addresses.filter_map(|a| self.address_of(a)).chain(first).collect();
        if let Some(public) = told.iter().find(|ip| family::same(**ip, source)) {
            let alike = |ip: &IpAddr| family::same(*ip, source);
            let mut all = one_by_one(told.iter().copied().filter(alike));
            prefixes
                .iter()
                .filter(|p| alike(&p.addr()))
                .for_each(|p| all.extend(&AddressSet::from_prefix(p)));
            return Public::Is(*public, all);
        }
        let v4 = !row.public_ip_addresses.is_empty() || !row.public_ip_prefixes.is_empty();
        let v6 = !row.public_ip_addresses_v6.is_empty() || !row.public_ip_prefixes_v6.is_empty();
        let (own, other) = if source.is_ipv6() { (v6, v4) } else { (v4, v6) };
        // What is listed without a family of its own is of IPv4 unless it is told to be of the other.
        match (own && (source.is_ipv6() || told.is_empty()), other || !told.is_empty()) {
            (true, _) => Public::Untold,
            (false, true) => Public::OtherFamily,
            (false, false) => Public::None,
        }
    }

    /// A NAT gateway that no file describes carries what every NAT gateway does; only its address is not known.
    fn unknown_nat_gateway(&self, s: &mut State, subnet: Id<Subnet>, unknown: &Unknown) -> Method {
        let why = format!("the address of the subnet's NAT gateway: {}", unknown.why);
        let slot = Slot { table: TableTag::Subnet, row: subnet.raw() };
        let evidence = of(self.net, Some(slot), &[azure::OUT_1, azure::NAT_1]);
        s.assume(
            None,
            format!("{DEFAULT_OUTBOUND} stands for the address of a NAT gateway in none of the files"),
        );
        s.source_unknown = Some(Unknown::new(unknown.at, why));
        self.nat_protocol(s, &evidence);
        (
            DEFAULT_OUTBOUND,
            evidence,
            format!("the NAT gateway of the subnet gives an address, {DEFAULT_OUTBOUND} here"),
        )
    }

    /// A NAT gateway carries TCP and UDP (NAT-3).
    pub(super) fn nat_protocol(&self, s: &mut State, evidence: &Evidence) {
        if !s.header.protocol.has_ports() {
            let evidence = Evidence { rules: vec![azure::NAT_3], ..evidence.clone() };
            let text = "a NAT gateway carries TCP and UDP only";
            s.block(StepKind::Translate, Cause::NatProtocol, evidence, text);
        }
    }

    fn own_public_address(&self, s: &mut State, id: AttachmentId) -> Option<Method> {
        let row = self.net.attachment(id);
        if let AttachmentKind::Firewall(firewall) = row.kind {
            let row = &self.net.inventory.azure_firewalls[firewall];
            let method = self.firewall_address(firewall)?;
            self.any_of(s, row.id.name(), method.0, one_by_one(firewall_addresses(self.net, firewall)));
            return Some(method);
        }
        if let AttachmentKind::ApplicationGateway(gateway) = row.kind {
            return self.gateway_front(gateway);
        }
        match &row.public_ip {
            Bound::To(address) => {
                let slot = Slot { table: TableTag::PublicIpAddress, row: address.raw() };
                let public = self.address_of(*address).unwrap_or(DEFAULT_OUTBOUND);
                let evidence = of(self.net, Some(slot), &[azure::OUT_1, azure::PIP_2]);
                Some((public, evidence, format!("its own public address {public}")))
            }
            Bound::Unknown(unknown) => {
                let unknown = Unknown::new(
                    unknown.at,
                    format!("the public address of `{}`: {}", row.name, unknown.why),
                );
                s.unknown(StepKind::Translate, Cause::DanglingReference, &unknown, by(&[azure::OUT_1]));
                None
            }
            Bound::None => None,
        }
    }

    fn firewall_address(&self, firewall: Id<crate::inventory::AzureFirewall>) -> Option<Method> {
        let row = &self.net.inventory.azure_firewalls[firewall];
        let address = firewall_fields(row).find_map(|f| self.net.inventory.follow(f.known()?).row())?;
        let slot = Slot { table: TableTag::AzureFirewall, row: firewall.raw() };
        let public = self.address_of(address)?;
        Some((
            public,
            of(self.net, Some(slot), &[azure::FW_19]),
            format!("the firewall's public address {public}"),
        ))
    }

    /// An application gateway leaves by its public frontend.
    fn gateway_front(&self, gateway: Id<ApplicationGateway>) -> Option<Method> {
        let fronts = self.net.inventory.application_gateways[gateway].frontend_ip_configurations.iter();
        let mut fronts = fronts.filter_map(|f| self.net.inventory.follow(f.public_ip_address.known()?).row());
        let address = fronts.next()?;
        let slot = Slot { table: TableTag::PublicIpAddress, row: address.raw() };
        let public = self.address_of(address).unwrap_or(DEFAULT_OUTBOUND);
        let evidence = of(self.net, Some(slot), &[azure::OUT_1, azure::AGW_4]);
        Some((public, evidence, format!("the gateway's public frontend, {public}")))
    }

    /// AGW-4: an isolated gateway without a public frontend has no way out of its own.
    fn is_isolated_gateway(&self, id: AttachmentId) -> bool {
        let AttachmentKind::ApplicationGateway(gateway) = self.net.attachment(id).kind else { return false };
        self.net.inventory.application_gateways[gateway].enable_network_isolation.is(true)
    }

    /// A Standard public load balancer gives an outbound address to its pool (LB-9).
    fn outbound_rule(&self, s: &mut State, id: AttachmentId) -> Option<Method> {
        let (balancer, public) = outbound_rule(self.net, id, s.header.protocol)?;
        let slot = Slot { table: TableTag::LoadBalancer, row: balancer };
        let evidence = of(self.net, Some(slot), &[azure::OUT_1, azure::LB_9, azure::LB_10]);
        if let Some(unknown) = self.may_lack(slot) {
            s.unknown(StepKind::Translate, Cause::UncertainResource, &unknown, evidence.clone());
        }
        let public = match public {
            Ok(public) => public,
            Err(unknown) => {
                s.unknown(StepKind::Translate, Cause::UnknownValue, &unknown, evidence.clone());
                DEFAULT_OUTBOUND
            }
        };
        let all = one_by_one(outbound_frontends(self.net, id, balancer));
        let name = self.net.inventory.load_balancers.as_slice()[balancer as usize].id.name();
        self.any_of(s, name, public, all);
        let pools = self.net.pools.of(id);
        let others = (0..self.net.attachments.len()).map(|n| AttachmentId(n as u32));
        let size = others.filter(|other| self.net.pools.of(*other).iter().any(|p| pools.contains(p))).count();
        s.assume(None, match preallocated(size) {
            Some(ports) => format!("`{name}` has a port left of the {ports} that each of {size} backends gets by default (LB-10)"),
            None => format!("`{name}` has a port left for each of {size} backends (LB-10)"),
        });
        Some((public, evidence, format!("the load balancer's frontend gives {public}")))
    }

    /// Default outbound access, where it exists (OUT-4, OUT-5).
    fn default_outbound(
        &self,
        s: &mut State,
        subnet: Id<Subnet>,
        from: Option<AttachmentId>,
    ) -> Option<Method> {
        let row = &self.net.inventory.subnets[subnet];
        let slot = Slot { table: TableTag::Subnet, row: subnet.raw() };
        if s.header.source.is_ipv6() {
            let text = "IPv6 has no default outbound access, and no IPv6 address of a NAT gateway, interface or \
                outbound rule: nothing gives a public address";
            s.block(
                StepKind::Translate,
                Cause::NoOutboundMethod,
                of(self.net, Some(slot), &[azure::OUT_1]),
                text,
            );
            return None;
        }
        if from.is_some_and(|id| self.is_isolated_gateway(id)) {
            let text = "a gateway with network isolation and without a public frontend leaves by a NAT gateway or an \
                appliance, and its subnet has none";
            let evidence = of(self.net, Some(slot), &[azure::AGW_4, azure::OUT_1]);
            s.block(StepKind::Translate, Cause::NoOutboundMethod, evidence, text);
            return None;
        }
        if let Some(AttachmentKind::Firewall(firewall)) = from.map(|id| self.net.attachment(id).kind) {
            if let Some(unknown) = untold_address(&self.net.inventory.azure_firewalls[firewall]) {
                let evidence = of(self.net, Some(slot), &[azure::FW_19]);
                s.unknown(StepKind::Translate, Cause::DanglingReference, &unknown, evidence);
                return None;
            }
            let text = "a firewall without a public address has no way out of its own: forced tunnelling leads it elsewhere";
            let evidence = of(self.net, Some(slot), &[azure::FW_19, azure::OUT_1]);
            s.block(StepKind::Translate, Cause::NoOutboundMethod, evidence, text);
            return None;
        }
        let private = match &row.default_outbound_access {
            Field::Known(allowed) => !allowed,
            Field::Unknown(unknown) => {
                s.unknown(
                    StepKind::Translate,
                    Cause::UnknownValue,
                    &unknown.clone(),
                    of(self.net, Some(slot), &[azure::OUT_4]),
                );
                return None;
            }
            Field::Absent => self.private_by_default(s, subnet),
        };
        let managed = !row.delegations.items.is_empty();
        if private && managed {
            let evidence = of(self.net, Some(slot), &[azure::OUT_8]);
            let text = "the service that the subnet is delegated to has a way out of its own".into();
            return Some((DEFAULT_OUTBOUND, evidence, text));
        }
        let flexible = from.is_some_and(|id| self.in_flexible_set(id));
        let behind = from.and_then(|id| self.behind_balancer(id));
        if let (Some(unknown), false, false) =
            (behind.and_then(|(balancer, _)| self.may_lack(balancer)), private, flexible)
        {
            let evidence = of(self.net, behind.map(|(balancer, _)| balancer), &[azure::OUT_4, azure::LB_9]);
            s.unknown(StepKind::Translate, Cause::UncertainResource, &unknown, evidence);
            return None;
        }
        if let (Some((balancer, true)), false, false) = (behind, private, flexible) {
            let text = "behind a public Standard load balancer whose rules give no outbound address";
            s.block(
                StepKind::Translate,
                Cause::NoOutboundMethod,
                of(self.net, Some(balancer), &[azure::OUT_1, azure::LB_9]),
                text,
            );
            return None;
        }
        if let (Some((balancer, false)), false, false) = (behind, private, flexible) {
            let evidence = of(self.net, Some(balancer), &[azure::OUT_4, azure::OUT_11]);
            let why = "whether default outbound access remains behind a Standard load balancer without a public \
                frontend: the documented conditions keep it (OUT-4), what is known of such balancers takes it away \
                (OUT-11). A NAT gateway, a public address or defaultOutboundAccess would say";
            let unknown = Unknown::new(self.net.inventory.at_of(balancer), why);
            s.unknown(StepKind::Translate, Cause::UnknownValue, &unknown, evidence);
        }
        if !private && !flexible {
            if let Some(unknown) = from.and_then(|id| self.cluster_without_way(id)) {
                let evidence = of(self.net, Some(slot), &[azure::OUT_1, azure::OUT_4]);
                s.unknown(StepKind::Translate, Cause::UnknownValue, &unknown, evidence);
            }
            if !s.header.protocol.has_ports() {
                let evidence = of(self.net, Some(slot), &[azure::OUT_4]);
                s.block(
                    StepKind::Translate,
                    Cause::NatProtocol,
                    evidence,
                    "default outbound access carries no ICMP",
                );
            }
            s.warn("the flow leaves by default outbound access: its address is Microsoft's and may change (OUT-4)");
            let mut evidence = of(self.net, Some(slot), &[azure::OUT_4]);
            if from.is_some_and(|id| self.in_pool_by_address(id)) {
                evidence.rules.push(azure::OUT_9);
            }
            return Some((
                DEFAULT_OUTBOUND,
                evidence,
                "default outbound access gives an address of Microsoft's".into(),
            ));
        }
        match self.same_region_storage(s, subnet) {
            Tri::Yes => {
                let evidence = of(self.net, Some(slot), &[azure::OUT_7]);
                s.pass(StepKind::Translate, evidence, || {
                    "storage of the same region stays reachable without an outbound method".into()
                });
                return None;
            }
            Tri::Unknown(unknown) => {
                let evidence = of(self.net, Some(slot), &[azure::OUT_7]);
                s.unknown(StepKind::Translate, Cause::UnknownValue, &unknown, evidence);
                return None;
            }
            Tri::No => {}
        }
        let why = if flexible { "a flexible scale set" } else { "a private subnet" };
        let rules = [azure::OUT_1, azure::OUT_4, if private { azure::OUT_6 } else { azure::OUT_4 }];
        let text = format!(
            "{why}, and no NAT gateway, public address or outbound rule: nothing gives a public address"
        );
        s.block(StepKind::Translate, Cause::NoOutboundMethod, of(self.net, Some(slot), &rules), text);
        None
    }

    /// Why it is not known whether something is deployed.
    fn may_lack(&self, slot: Slot) -> Option<Unknown> {
        let id = self.net.inventory.id_of(slot)?;
        self.net.presence.get(id).cloned()
    }

    /// The Standard load balancer in whose pool an interface is, by its configuration, and whether it has a public front:
    /// it takes default outbound access away (LB-9), or may (OUT-11). A pool by address does not (OUT-9).
    fn behind_balancer(&self, id: AttachmentId) -> Option<(Slot, bool)> {
        let inventory = &self.net.inventory;
        let address = self.net.attachment(id).address;
        let pools = self.net.pools.of(id);
        let balancers = inventory.load_balancers.rows();
        let found = balancers.filter_map(|(row, balancer)| {
            let mine = balancer.backend_address_pools.iter().any(|pool| {
                let by_address = pool.addresses.iter().any(|a| a.ip_address.known() == address.as_ref());
                !by_address && pools.contains(&pool.id())
            });
            let standard = balancer.sku.is(Sku::Standard);
            let public = balancer.frontend_ip_configurations.iter().any(|f| !f.public_ip_address.is_absent());
            let slot = Slot { table: TableTag::LoadBalancer, row: row.raw() };
            (mine && standard).then_some((slot, public))
        });
        // A public one decides for sure, so it is told before one that is not.
        let found: Vec<(Slot, bool)> = found.collect();
        found.iter().find(|(_, public)| *public).or(found.first()).copied()
    }

    fn in_pool_by_address(&self, id: AttachmentId) -> bool {
        let Some(address) = self.net.attachment(id).address else { return false };
        let pools = self.net.inventory.load_balancers.iter().flat_map(|b| &b.backend_address_pools);
        pools.flat_map(|pool| &pool.addresses).any(|a| a.ip_address.known() == Some(&address))
    }

    /// Whether a subnet that does not say is private: by the knob, else by the API version (OUT-5).
    fn private_by_default(&self, s: &mut State, subnet: Id<Subnet>) -> bool {
        if let Some(allowed) = self.net.profile.default_outbound_for_new_vnets {
            s.assume(
                Some("defaultOutboundForNewVnets"),
                format!(
                    "subnets that do not say {} default outbound access",
                    if allowed { "have" } else { "have no" }
                ),
            );
            return !allowed;
        }
        let row = &self.net.inventory.subnets[subnet];
        let vnet = self.net.ground(subnet).vnet;
        let version =
            row.api_version.clone().or_else(|| self.net.inventory.virtual_networks[vnet].api_version.clone());
        let new = version.as_ref().is_some_and(|v| v.get(..10).is_some_and(|d| d > "2026-03-31"))
            && row.origin != Origin::Deployed;
        let text = match (&version, new) {
            (Some(v), true) => {
                format!("API version {v} makes subnets private unless they say otherwise (OUT-5)")
            }
            (Some(v), false) => format!("API version {v} leaves default outbound access on (OUT-5)"),
            (None, _) => "subnets that do not say have default outbound access (OUT-5)".into(),
        };
        s.assume(Some("defaultOutboundForNewVnets"), text);
        new
    }

    fn in_flexible_set(&self, id: AttachmentId) -> bool {
        let AttachmentKind::ScaleSet(set) = self.net.attachment(id).kind else { return false };
        let mode = &self.net.inventory.scale_sets[set].orchestration_mode;
        mode.known().is_some_and(|m| m.eq_ignore_ascii_case("Flexible"))
    }

    /// OUT-7: storage accounts of the same region, one's own or not. A name that stands for no known account tells
    /// no region; an address does.
    fn same_region_storage(&self, s: &State, subnet: Id<Subnet>) -> Tri {
        let vnet = self.net.ground(subnet).vnet;
        let region = self.net.region(vnet);
        let unplaced = |id: &crate::inventory::ResourceId, at: At| {
            Tri::Unknown(Unknown::new(
                at,
                format!("the region of `{}`, which the files do not tell", id.name()),
            ))
        };
        let home = &self.net.inventory.virtual_networks[vnet];
        match &s.target {
            Some(Target::Service(service, _)) => {
                let row = &self.net.inventory.services[*service];
                match (&row.location, region) {
                    _ if !row.id.is_kind(STORAGE) => Tri::No,
                    (Field::Known(place), Some(region)) => {
                        Tri::of(crate::network::normal_region(place) == region)
                    }
                    (Field::Known(_), None) => unplaced(&home.id, home.at),
                    (Field::Unknown(unknown), _) => Tri::Unknown(unknown.clone()),
                    (Field::Absent, _) => unplaced(&row.id, row.at),
                }
            }
            Some(Target::Foreign(kind, name)) if kind.arm_type == STORAGE => {
                let why =
                    format!("the region of the storage account `{name}`, which is in none of the files");
                Tri::Unknown(Unknown::new(At::NOWHERE, why))
            }
            Some(Target::Foreign(..) | Target::WellKnown(_) | Target::FrontDoor(_)) => Tri::No,
            _ => {
                let tag = match &region {
                    Some(region) => self.net.tags.regional("Storage", region),
                    None => self.net.tags.find("Storage"),
                };
                let holds = tag.is_some_and(|t| self.net.tags.set(t).contains(s.header.destination));
                if holds && region.is_none() { unplaced(&home.id, home.at) } else { Tri::of(holds) }
            }
        }
    }

    /// In public space: who answers at the destination?
    pub(super) fn in_public(&self, s: &mut State) -> Next {
        if s.returning {
            return self.public_back(s);
        }
        let destination = s.header.destination;
        match s.target.clone() {
            Some(Target::Service(..) | Target::Foreign(..)) => {
                return Next::Go(Place::AtService(Arrival::Public));
            }
            Some(Target::FrontDoor(slot)) => return self.at_front_door(s, slot),
            Some(Target::WellKnown(host)) => {
                let name = s.host.as_ref().map_or_else(|| host.host.to_owned(), |h| h.to_string());
                s.hop(HopKind::Service, format!("{} ({name})", host.what), None, Zone::Azure);
                s.pass(StepKind::Deliver, by(&[azure::CP_1]), || format!("{} answers", host.what));
                return Next::End(End::Arrived(Terminal::Internet, Disposition::Accepted));
            }
            Some(Target::Host(host)) => return self.at_internet_host(s, host),
            _ => {}
        }
        if let Some(occupant) = self.net.by_public_address.get(&destination).copied() {
            return self.at_public_address(s, occupant);
        }
        if let Some(Target::Attachment(id)) = s.target
            && let Some(next) = self.at_node_address(s, id)
        {
            return next;
        }
        if !self.net.is_public(destination) {
            let text = format!("{destination} is a private address and cannot be reached from public space");
            s.block(StepKind::Route, Cause::PrivateOnlyTarget, by(&[azure::TAG_5]), text);
            return self.onward_from_public(s);
        }
        s.hop(HopKind::Internet, format!("internet {destination}"), None, Zone::Internet);
        if let Some(Target::Attachment(id)) = s.target {
            let name = &self.net.attachment(id).name;
            let text = format!(
                "`{name}` has {destination} inside its virtual network; the internet does not lead there"
            );
            s.block(StepKind::Route, Cause::PrivateOnlyTarget, by(&[azure::RT_30, azure::PEER_2]), text);
            return self.onward_from_public(s);
        }
        if !is_internet(s.target.as_ref()) || s.host.is_some() {
            s.note(StepKind::Deliver, by(&[]), || "a public host".into());
        }
        s.pass(StepKind::Deliver, by(&[azure::RT_30]), || format!("leaves the estate towards {destination}"));
        Next::End(End::Arrived(Terminal::Internet, Disposition::ExitsNetwork))
    }

    /// After a flow from outside was stopped at the border, look at the target's own rules too.
    fn onward_from_public(&self, s: &mut State) -> Next {
        match s.target {
            Some(Target::Attachment(id)) => Next::Go(Place::Arrive(id)),
            _ => Next::End(End::Stopped),
        }
    }

    fn at_internet_host(&self, s: &mut State, host: Id<crate::inventory::InternetHost>) -> Next {
        let row = &self.net.inventory.internet_hosts[host];
        let name = s.host.as_ref().map_or_else(|| row.id.name().to_owned(), |h| h.to_string());
        s.hop(HopKind::Internet, format!("{name} ({})", s.header.destination), None, Zone::Internet);
        let slot = Slot { table: TableTag::InternetHost, row: host.raw() };
        let closed = row.listens.given && !row.listens.iter().any(|r| r.contains(s.header.port));
        if closed && s.header.protocol.has_ports() {
            s.block(
                StepKind::Deliver,
                Cause::NothingListens,
                of(self.net, Some(slot), &[]),
                format!("{name} does not listen on port {}", s.header.port),
            );
        } else {
            s.pass(StepKind::Deliver, of(self.net, Some(slot), &[]), || format!("{name} answers"));
        }
        Next::End(End::Arrived(Terminal::Internet, Disposition::ExitsNetwork))
    }

    fn at_public_address(&self, s: &mut State, occupant: Occupant) -> Next {
        match occupant {
            Occupant::Attachment(id) => self.to_own_public_address(s, id),
            Occupant::Frontend(balancer, frontend) => self.at_frontend(s, None, balancer, frontend),
            Occupant::Firewall(firewall) => self.at_firewall_from_public(s, firewall),
            Occupant::ApplicationGateway(gateway) => self.at_application_gateway(s, None, gateway),
            Occupant::Bastion(bastion) => self.at_bastion_from_public(s, bastion),
            Occupant::Gateway(gateway) => {
                let row = &self.net.inventory.virtual_network_gateways[gateway];
                s.hop(HopKind::Gateway, row.id.name().to_owned(), Some(row.id.clone()), Zone::Yours);
                let slot = Slot { table: TableTag::VirtualNetworkGateway, row: gateway.raw() };
                let vpn = s.header.protocol == Protocol::Udp && matches!(s.header.port, 500 | 4500)
                    || s.header.protocol == Protocol::Tcp && s.header.port == 443
                    || s.header.protocol == Protocol::Esp;
                if !vpn {
                    s.block(
                        StepKind::Deliver,
                        Cause::NothingListens,
                        of(self.net, Some(slot), &[]),
                        "a VPN gateway answers IKE, ESP and SSTP only",
                    );
                }
                self.over_microsoft_peering(s, slot);
                Next::End(End::Arrived(Terminal::Internet, Disposition::Accepted))
            }
            Occupant::Elsewhere(address) => {
                let row = &self.net.inventory.public_ip_addresses[address];
                let bearer = row.ip_configuration.known().map(|r| r.to_string()).unwrap_or_default();
                let why = format!("what bears `{}`, which is in none of the files: {bearer}", row.id.name());
                let slot = Slot { table: TableTag::PublicIpAddress, row: address.raw() };
                let evidence = of(self.net, Some(slot), &[azure::PIP_2]);
                let unknown = Unknown::new(row.at, why);
                s.unknown(StepKind::Deliver, Cause::DanglingReference, &unknown, evidence);
                Next::End(End::Stopped)
            }
            Occupant::Nothing => {
                let text = format!(
                    "{} is a public address of the estate that takes nothing in",
                    s.header.destination
                );
                s.block(StepKind::Deliver, Cause::OriginUnmatched, by(&[azure::NAT_2]), text);
                Next::End(End::Stopped)
            }
        }
    }

    /// Where a network has ExpressRoute too, a gateway's public address may be learnt over Microsoft peering, and a
    /// tunnel meant as backup goes down with the circuit (GW-7).
    fn over_microsoft_peering(&self, s: &mut State, gateway: Slot) {
        if self.net.inventory.express_route_circuits.is_empty() {
            return;
        }
        let name = self.net.inventory.id_of(gateway).map(|id| id.name().to_owned()).unwrap_or_default();
        s.note(StepKind::Deliver, of(self.net, Some(gateway), &[azure::GW_7]), || {
            "the routes of Microsoft peering are in none of the files".into()
        });
        s.assume(
            None,
            format!(
                "the public address of `{name}` is reached over the internet, not Microsoft peering (GW-7)"
            ),
        );
    }

    /// An instance-level public address: one-to-one, closed until a group allows (PIP-1, PIP-2).
    fn to_own_public_address(&self, s: &mut State, id: AttachmentId) -> Next {
        self.enter(s, id);
        let row = self.net.attachment(id);
        let Some(private) = row.address else {
            s.unknown(StepKind::Translate, Cause::UnknownValue, &row.address_unknown(), by(&[azure::PIP_2]));
            return Next::End(End::Stopped);
        };
        let evidence = match &row.public_ip {
            Bound::To(address) => of(
                self.net,
                Some(Slot { table: TableTag::PublicIpAddress, row: address.raw() }),
                &[azure::PIP_2, azure::NSG_8],
            ),
            _ => by(&[azure::PIP_2]),
        };
        self.lead_to(s, id, private, evidence);
        let sku = row.public_ip.row().map(|a| self.sku(s, a));
        if sku == Some(Some(Sku::Basic)) {
            self.retired(s);
        }
        self.through_front(s, sku.unwrap_or(Some(Sku::Standard)), azure::PIP_1);
        Next::Go(Place::Arrive(id))
    }

    /// Basic addresses exist in old estates only (PIP-3).
    fn retired(&self, s: &mut State) {
        let today = self.net.profile.as_of.clone();
        if today.as_str() >= BASIC_RETIRED {
            s.warn(format!("Basic public addresses were retired on {BASIC_RETIRED} (PIP-3)"));
            s.assume(Some("asOf"), format!("the question is about {today}"));
        }
    }

    /// The class of a public address; an absent one means Basic in a template, Standard in our own file.
    pub(super) fn sku(&self, s: &mut State, address: Id<PublicIpAddress>) -> Option<Sku> {
        let row = &self.net.inventory.public_ip_addresses[address];
        match (&row.sku, row.origin) {
            (Field::Known(sku), _) => Some(*sku),
            (Field::Unknown(unknown), _) => {
                let unknown = unknown.clone();
                s.unknown(StepKind::Filter, Cause::UnknownValue, &unknown, by(&[azure::PIP_1]));
                None
            }
            (Field::Absent, Origin::Template | Origin::Planned) => {
                s.assume(
                    None,
                    format!("`{}` names no SKU, so its API's default holds: Basic", row.id.name()),
                );
                Some(Sku::Basic)
            }
            (Field::Absent, _) => {
                s.assume(None, format!("`{}` names no SKU: taken as Standard", row.id.name()));
                Some(Sku::Standard)
            }
        }
    }

    /// Notes that the flow comes in by a public front, which is closed at first unless it is Basic.
    pub(super) fn through_front(&self, s: &mut State, sku: Option<Sku>, rule: azure::RuleId) {
        s.closed_front = Some(rule).filter(|_| sku.is_some_and(|k| k != Sku::Basic));
    }

    /// A Standard public front is closed where no group of subnet or interface is there to open it.
    pub(super) fn closed_unless_grouped(&self, s: &mut State, id: AttachmentId, rule: azure::RuleId) {
        if s.open.is_some() {
            return;
        }
        let row = self.net.attachment(id);
        if row.nsg.is_none() && self.net.ground(row.subnet).nsg.is_none() {
            let text = format!(
                "Standard public addresses are closed until a network security group allows, and `{}` has none",
                row.name
            );
            let evidence = of(self.net, Some(row.owner), &[rule]);
            s.block(StepKind::Filter, Cause::PublicAddressClosed, evidence, text);
        }
    }

    /// A Bastion host at its public address, which leads to its subnet (NSG-8).
    fn at_bastion_from_public(&self, s: &mut State, bastion: Id<crate::inventory::BastionHost>) -> Next {
        let row = &self.net.inventory.bastion_hosts[bastion];
        let found = self.net.attachments.iter().position(|a| a.kind == AttachmentKind::Bastion(bastion));
        let id = found.map(|n| AttachmentId(n as u32));
        let Some((id, private)) = id.and_then(|id| Some((id, self.net.attachment(id).address?))) else {
            s.hop(HopKind::Bastion, row.id.name().to_owned(), Some(row.id.clone()), Zone::Yours);
            let unknown = Unknown::new(row.at, format!("the subnet of `{}` is not known", row.id.name()));
            s.unknown(StepKind::Deliver, Cause::UnknownValue, &unknown, by(&[azure::BAS_1]));
            return Next::End(End::Stopped);
        };
        self.enter(s, id);
        self.lead_to(s, id, private, by(&[azure::BAS_1, azure::NSG_8]));
        Next::Go(Place::Arrive(id))
    }

    /// A public address leads to a private one: undone as the answer leaves.
    fn lead_to(&self, s: &mut State, id: AttachmentId, private: IpAddr, evidence: Evidence) {
        let before = s.header;
        let after = Header { destination: private, ..before };
        s.remember(Device::Inbound(id), before, after, &self.net.attachment(id).name);
        s.rewrite(StepKind::Translate, after, evidence, || format!("its public address leads to {private}"));
    }
}

/// The ports that each backend of a pool gets by default, by the size of the pool (LB-10).
fn preallocated(size: usize) -> Option<u16> {
    const BY_SIZE: [(usize, u16); 6] =
        [(50, 1024), (100, 512), (200, 256), (400, 128), (800, 64), (1000, 32)];
    BY_SIZE.iter().find(|(most, _)| size <= *most).map(|(_, ports)| *ports)
}

/// The load balancer that gives an attachment an outbound address for a protocol, by outbound rule or by a
/// load-balancing rule that does not switch it off (LB-9), and the address; an error where the files do not tell
/// which protocols the rule is for. Ports are what it translates, so it carries TCP and UDP only, and each only where
/// a rule is for it.
pub(crate) fn outbound_rule(
    network: &Network,
    id: AttachmentId,
    protocol: Protocol,
) -> Option<(u32, Result<IpAddr, Unknown>)> {
    if !protocol.has_ports() {
        return None;
    }
    let pools = network.pools.of(id);
    for balancer in network.pools.balancers_of(id) {
        let named = |pool: &str| network.pools.named(&network.inventory, pool, Some(balancer));
        let mine = |pool: &str| named(pool).iter().any(|p| pools.contains(p));
        let row = &network.inventory.load_balancers.as_slice()[balancer as usize];
        let is_for = |field: &Field<ProtocolMatch>, usual: ProtocolMatch| match field.or(usual) {
            Ok(protocols) => Tri::of(protocols.contains(protocol)),
            Err(unknown) => Tri::Unknown(unknown.clone()),
        };
        let outbound = row.outbound_rules.iter().filter_map(|r| {
            let own = r.backend_address_pool.known().is_some_and(|p| mine(&p.text));
            let front = r.frontend_ip_configurations.items.first()?;
            own.then(|| (is_for(&r.protocol, ProtocolMatch::ANY), front.text.clone()))
        });
        let rules = row.load_balancing_rules.iter().filter_map(|r| {
            let own =
                !r.disable_outbound_snat.is(true) && r.backend_address_pool.iter().any(|p| mine(&p.text));
            let front = r.frontend_ip_configuration.known()?;
            own.then(|| (is_for(&r.protocol, ProtocolMatch::only(Protocol::Tcp)), front.text.clone()))
        });
        let mut fronts: Vec<_> = outbound.chain(rules).filter(|(fits, _)| *fits != Tri::No).collect();
        // One that is for the protocol for certain comes before one that may be.
        fronts.sort_by_key(|(fits, _)| *fits != Tri::Yes);
        let Some((certain, frontend)) = fronts.into_iter().next() else { continue };
        let config = row.frontend_ip_configurations.iter().find(|f| names_part(&frontend, &f.id(), &f.name));
        if let Some(unknown) = config.and_then(|c| untold_prefix(network, c)) {
            return Some((balancer, Err(unknown)));
        }
        let fits = |ip: &IpAddr| network.attachment(id).address.is_none_or(|own| family::same(own, *ip));
        let mut addresses = config.into_iter().flat_map(|c| addresses_of_front(network, c));
        if let Some(public) = addresses.find(fits) {
            let public = match certain {
                Tri::Unknown(unknown) => Err(unknown),
                _ => Ok(public),
            };
            return Some((balancer, public));
        }
    }
    None
}

fn firewall_fields(
    row: &crate::inventory::AzureFirewall,
) -> impl Iterator<Item = &Field<crate::inventory::Ref<PublicIpAddress>>> {
    let configured = row.ip_configurations.iter().map(|c| &c.public_ip_address);
    configured.chain(std::iter::once(&row.public_ip_address))
}

/// Why the public address of a firewall that has one, but none that files tell, is not known.
fn untold_address(row: &crate::inventory::AzureFirewall) -> Option<Unknown> {
    firewall_fields(row).find_map(|field| match field {
        Field::Unknown(unknown) => Some(unknown.clone()),
        Field::Known(address) => {
            let why = format!("the public address of `{}`: `{}`", row.id.name(), address.text);
            Some(Unknown::new(address.at, why))
        }
        Field::Absent => None,
    })
}

/// The public addresses of a firewall that files tell: it takes any of them for what it sends on (FW-19).
pub(crate) fn firewall_addresses(
    network: &Network,
    firewall: Id<crate::inventory::AzureFirewall>,
) -> impl Iterator<Item = IpAddr> + '_ {
    let fields = firewall_fields(&network.inventory.azure_firewalls[firewall]);
    let rows = fields.filter_map(|f| network.inventory.follow(f.known()?).row());
    rows.filter_map(|row| network.public_addresses[row.index()].0)
}

/// The public addresses of the frontends that a balancer's outbound rules name for an attachment.
pub(crate) fn outbound_frontends(network: &Network, id: AttachmentId, balancer: u32) -> Vec<IpAddr> {
    let pools = network.pools.of(id);
    let row = &network.inventory.load_balancers.as_slice()[balancer as usize];
    let mine = |pool: &str| {
        network.pools.named(&network.inventory, pool, Some(balancer)).iter().any(|p| pools.contains(p))
    };
    let rules = row.outbound_rules.iter();
    let own = rules.filter(|r| r.backend_address_pool.known().is_some_and(|p| mine(&p.text)));
    let named = own.flat_map(|r| r.frontend_ip_configurations.iter());
    let fronts = named.filter_map(|front| {
        row.frontend_ip_configurations.iter().find(|f| names_part(&front.text, &f.id(), &f.name))
    });
    let alike = |ip: &IpAddr| network.attachment(id).address.is_none_or(|own| family::same(own, *ip));
    fronts.flat_map(|front| addresses_of_front(network, front)).filter(alike).collect()
}

/// The public addresses of a frontend: its own, or those of its prefix.
fn addresses_of_front<'n>(
    network: &'n Network,
    front: &FrontendIpConfiguration,
) -> impl Iterator<Item = IpAddr> + use<'n> {
    let inventory = &network.inventory;
    let own = front.public_ip_address.known().and_then(|r| inventory.follow(r).row());
    let own = own.and_then(|row| network.public_addresses[row.index()].0);
    let prefix = front.public_ip_prefix.known().and_then(|r| inventory.follow(r).row());
    let prefix = prefix.and_then(|row| inventory.public_ip_prefixes[row].ip_prefix.known());
    own.into_iter().chain(prefix.into_iter().flat_map(crate::network::addresses_of_public))
}

/// Why the addresses of a frontend's prefix are not known, if it has one.
fn untold_prefix(network: &Network, front: &FrontendIpConfiguration) -> Option<Unknown> {
    let inventory = &network.inventory;
    if let Some(unknown) = front.public_ip_prefix.unknown() {
        return Some(unknown.clone());
    }
    let reference = front.public_ip_prefix.known()?;
    let row = inventory.follow(reference).row();
    let known = row.is_some_and(|row| inventory.public_ip_prefixes[row].ip_prefix.known().is_some());
    let why = || format!("the addresses of the public prefix `{}`", reference.text);
    (!known).then(|| Unknown::new(reference.at, why()))
}

fn one_by_one(addresses: impl IntoIterator<Item = IpAddr>) -> AddressSet {
    let prefixes: Vec<IpNet> = addresses.into_iter().map(host_prefix).collect();
    AddressSet::from_prefixes(&prefixes)
}

/// Whether a reference names a part by id or by its bare name.
pub(super) fn names_part(text: &str, id: &crate::inventory::ResourceId, name: &str) -> bool {
    if crate::inventory::ResourceId::looks_like_one(text) {
        return crate::inventory::ResourceId::new(text) == *id;
    }
    text.eq_ignore_ascii_case(name) || text.rsplit('/').next().is_some_and(|t| t.eq_ignore_ascii_case(name))
}
