//! The choice among a subnet's routes, with the knobs and private endpoint policies that bear on it.

use super::{AttachmentId, Choice, EffectiveRoute, Network, Read, RouteState, Selection};
use crate::inventory::{Id, PrivateEndpointNetworkPolicies, Subnet, Unknown, VirtualNetwork};
use crate::net::{IpAddr, IpNet};

/// A knob that bears on the choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteKnob {
    /// Whether a user-defined route may beat a service endpoint's (D-4).
    ServiceEndpointOverridable,
    /// Whether a learnt 0.0.0.0/0 removes None routes (D-14).
    BgpDefaultRemovesNone,
}

impl Network {
    /// What a subnet's table says to a destination (RT-24b).
    pub fn choose(&self, subnet: Id<Subnet>, ip: IpAddr) -> Choice<'_> {
        self.with_selection(|with| self.read(subnet, Read::Route(ip)).routes.choose(ip, with))
    }

    /// What a subnet's table may say to a destination where routes of unknown prefixes make that unknown; nothing
    /// where it is unknown for another reason.
    pub fn possible(&self, subnet: Id<Subnet>, ip: IpAddr) -> Vec<Choice<'_>> {
        self.with_selection(|with| self.read(subnet, Read::Route(ip)).routes.possible(ip, with))
    }

    /// What the routes of a network say by themselves, whatever route tables its subnets have.
    pub fn choose_by_network(&self, vnet: Id<VirtualNetwork>, ip: IpAddr) -> Choice<'_> {
        self.with_selection(|with| self.vnet(vnet).routes.choose(ip, with))
    }

    /// Every route of a subnet's table with its state (RT-21).
    pub fn effective_routes(&self, subnet: Id<Subnet>) -> Vec<(EffectiveRoute, RouteState)> {
        self.with_selection(|with| self.subnet(subnet).routes.effective(with))
    }

    /// What the table would say with a knob set the other way.
    pub fn choose_otherwise(&self, subnet: Id<Subnet>, ip: IpAddr, knob: RouteKnob) -> Choice<'_> {
        self.with_selection(|with| {
            let mut other = with.clone();
            match knob {
                RouteKnob::ServiceEndpointOverridable => {
                    other.service_endpoint_overridable = !with.service_endpoint_overridable;
                }
                RouteKnob::BgpDefaultRemovesNone => {
                    other.bgp_default_removes_none = !with.bgp_default_removes_none;
                }
            }
            self.read(subnet, Read::Route(ip)).routes.choose(ip, &other)
        })
    }

    fn with_selection<T>(&self, work: impl FnOnce(&Selection<'_>) -> T) -> T {
        let beaten = |id| self.private_endpoint_beaten_from(id);
        let is_public = |ip| self.is_public(ip);
        work(&Selection {
            is_public: &is_public,
            tags: &self.tags,
            service_endpoint_overridable: self.profile.service_endpoint_route_overridable,
            bgp_default_removes_none: self.profile.bgp_default_removes_none_routes,
            private_endpoint_beaten_from: &beaten,
        })
    }

    /// How long a user-defined route must be to beat a private endpoint's /32 (RT-24).
    pub(crate) fn private_endpoint_beaten_from(&self, id: AttachmentId) -> Result<u8, Unknown> {
        let row = self.attachment(id);
        let subnet = &self.inventory.subnets[row.subnet];
        let policies = subnet.private_endpoint_network_policies.or(PrivateEndpointNetworkPolicies::Disabled);
        let bits = if row.address.is_some_and(|ip| ip.is_ipv6()) { 128 } else { 32 };
        if !policies.map_err(Clone::clone)?.routes() {
            return Ok(bits);
        }
        let space = &self.inventory.virtual_networks[row.vnet].address_prefixes;
        let holds = |p: &&IpNet| row.address.is_some_and(|ip| p.contains(&ip));
        Ok(space.iter().filter(holds).map(|p| p.prefix_len()).max().unwrap_or(bits))
    }
}
