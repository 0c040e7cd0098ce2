//! Outbound methods: what a subnet gives, and what an attachment has of its own (OUT-1).

use super::Maker;
use crate::fast::tables::Method;
use crate::inventory::{Field, Id, Origin, Subnet};
use crate::net::{IpAddr, Protocol};
use crate::network::{AttachmentId, AttachmentKind, Bound};

/// The address of a default outbound connection, as the full engine has it.
const DEFAULT_OUTBOUND: IpAddr = crate::trace::DEFAULT_OUTBOUND;

impl Maker<'_> {
    /// Begins the list: the first method is the one most subnets have.
    pub(super) fn outbound(&mut self) {
        self.fast.methods.push(Method::Default);
    }

    fn method(&mut self, method: Method) -> u32 {
        let list = &mut self.fast.methods;
        let recent = list.len().saturating_sub(64);
        let known = list[..list.len().min(4)].iter().position(|m| *m == method);
        let known = known.or_else(|| list[recent..].iter().position(|m| *m == method).map(|n| n + recent));
        known.unwrap_or_else(|| {
            list.push(method);
            list.len() - 1
        }) as u32
    }

    /// The method a subnet gives.
    pub(super) fn subnet_method(&mut self, number: usize) -> u32 {
        let method = self.nat_gateway(number).unwrap_or_else(|| self.default_outbound(number));
        self.method(method)
    }

    fn nat_gateway(&self, number: usize) -> Option<Method> {
        let inventory = &self.net.inventory;
        let gateway = match Bound::follow(inventory, &inventory.subnets.as_slice()[number].nat_gateway) {
            Bound::None => return None,
            Bound::Unknown(_) => return Some(Method::Doubt),
            Bound::To(gateway) => gateway,
        };
        let row = &inventory.nat_gateways[gateway];
        let addresses = row.public_ip_addresses.iter().filter_map(|r| inventory.follow(r).row());
        let own = addresses.filter_map(|a| self.net.public_addresses[a.index()].0).next();
        let prefixes = row.public_ip_prefixes.iter().filter_map(|r| inventory.follow(r).row());
        let prefix = prefixes
            .filter_map(|p| inventory.public_ip_prefixes[p].ip_prefix.known().map(|n| n.addr()))
            .next();
        let public = own.or(prefix);
        // Of several addresses Azure takes any, which the full engine weighs.
        let blocks = row.public_ip_prefixes.iter().filter_map(|r| inventory.follow(r).row());
        let whole = |n: &crate::net::IpNet| n.prefix_len() == if n.addr().is_ipv6() { 128 } else { 32 };
        let spread = blocks
            .filter_map(|p| inventory.public_ip_prefixes[p].ip_prefix.known())
            .any(|prefix| !whole(prefix));
        if spread || row.public_ip_addresses.iter().count() + row.public_ip_prefixes.iter().count() > 1 {
            return Some(Method::Doubt);
        }
        let of_ipv6 = !row.public_ip_addresses_v6.is_empty() || !row.public_ip_prefixes_v6.is_empty();
        if public.is_none()
            && row.public_ip_addresses.is_empty()
            && row.public_ip_prefixes.is_empty()
            && !of_ipv6
        {
            return Some(Method::NatEmpty(gateway.raw()));
        }
        Some(match public {
            Some(IpAddr::V4(ip)) => Method::Nat(gateway.raw(), ip.into()),
            // What stands for an address that no file tells, and what IPv6 takes, the full engine knows.
            Some(IpAddr::V6(_)) | None => Method::Doubt,
        })
    }

    /// Default outbound access (OUT-4, OUT-5).
    fn default_outbound(&self, number: usize) -> Method {
        let row = &self.net.inventory.subnets.as_slice()[number];
        let private = match &row.default_outbound_access {
            Field::Known(allowed) => !allowed,
            Field::Unknown(_) => return Method::Doubt,
            Field::Absent => self.private_by_default(Id::new(number)),
        };
        match private {
            // OUT-8: what a service manages has a way of its own.
            true if !row.delegations.items.is_empty() => Method::Doubt,
            true => Method::Nothing,
            false => Method::Default,
        }
    }

    fn private_by_default(&self, subnet: Id<Subnet>) -> bool {
        if let Some(allowed) = self.net.profile.default_outbound_for_new_vnets {
            return !allowed;
        }
        let row = &self.net.inventory.subnets[subnet];
        let vnet = self.net.subnet(subnet).vnet;
        let version =
            row.api_version.clone().or_else(|| self.net.inventory.virtual_networks[vnet].api_version.clone());
        version.as_ref().is_some_and(|v| v.get(..10).is_some_and(|d| d > "2026-03-31"))
            && row.origin != Origin::Deployed
    }

    /// The method an attachment has of its own, plus one; 0 for none.
    pub(super) fn own_method(&mut self, number: usize) -> u32 {
        match self.method_of(AttachmentId(number as u32)) {
            Some(method) => self.method(method) + 1,
            None => 0,
        }
    }

    fn method_of(&self, id: AttachmentId) -> Option<Method> {
        let row = self.net.attachment(id);
        let address = |ip: IpAddr| match ip {
            IpAddr::V4(ip) => Method::Address(ip.into()),
            IpAddr::V6(_) => Method::Doubt,
        };
        let own = match row.kind {
            AttachmentKind::Firewall(firewall) => {
                if crate::trace::firewall_addresses(self.net, firewall).nth(1).is_some() {
                    return Some(Method::Doubt);
                }
                match self.firewall_address(firewall) {
                    None => return Some(Method::Doubt),
                    own => own,
                }
            }
            _ => match &row.public_ip {
                Bound::To(public) => {
                    Some(self.net.public_addresses[public.index()].0.unwrap_or(DEFAULT_OUTBOUND))
                }
                Bound::Unknown(_) => return Some(Method::Doubt),
                Bound::None => None,
            },
        };
        if let Some(own) = own {
            return Some(address(own));
        }
        // What Azure gives a compute's or a cluster's node is an assumption that the full engine tells.
        if matches!(row.kind, AttachmentKind::Compute(_) | AttachmentKind::ServiceNode(_)) {
            return Some(Method::Doubt);
        }
        let several = |balancer| crate::trace::outbound_frontends(self.net, id, balancer).len() > 1;
        if crate::trace::outbound_rule(self.net, id, Protocol::Tcp)
            .is_some_and(|(balancer, _)| several(balancer))
        {
            return Some(Method::Doubt);
        }
        let given = |protocol| crate::trace::outbound_rule(self.net, id, protocol).map(|(_, public)| public);
        match [given(Protocol::Tcp), given(Protocol::Udp)] {
            [Some(Ok(IpAddr::V4(tcp))), Some(Ok(IpAddr::V4(udp)))] if tcp == udp => {
                return Some(Method::Ported(tcp.into()));
            }
            [None, None] => {}
            _ => return Some(Method::Doubt),
        }
        // OUT-9, OUT-11: what a load balancer takes from its pool, the full engine knows.
        if !self.net.pools.of(id).is_empty() {
            return Some(Method::Doubt);
        }
        // Instances of a flexible scale set have no default outbound access.
        let AttachmentKind::ScaleSet(set) = row.kind else { return None };
        let mode = self.net.inventory.scale_sets[set].orchestration_mode.known();
        mode.is_some_and(|m| m.eq_ignore_ascii_case("Flexible")).then_some(Method::Doubt)
    }

    fn firewall_address(&self, firewall: Id<crate::inventory::AzureFirewall>) -> Option<IpAddr> {
        let inventory = &self.net.inventory;
        let row = &inventory.azure_firewalls[firewall];
        let configured = row.ip_configurations.iter().map(|c| &c.public_ip_address);
        let mut fields = configured.chain(std::iter::once(&row.public_ip_address));
        let address = fields.find_map(|f| inventory.follow(f.known()?).row())?;
        self.net.public_addresses[address.index()].0
    }
}
