//! What would open a blocked flow: small changes, best first, as lines of a change file.
//!
//! Input: a network and the trace of a flow that is blocked in it. Output: [`Proposal`]s against the first blocker.
//! They are guesses by somebody who knows Azure; whoever shows them has to apply them and trace again, for a later
//! blocker, a base policy or a second group may still say no.
//!
//! The order is that of [`Means`]: first what is plainly missing, then a private endpoint, a service tag, a name, an
//! address; what takes a safeguard away comes last. Among equals the smaller change comes first.

mod doors;
mod names;
mod reasons;
mod rules;
mod ways;

pub use reasons::reason;

use super::change_text::ChangeText;
use crate::inventory::{Id, PlatformService, Subnet, VirtualNetwork};
use crate::net::{Header, IpAddr};
use crate::network::{Network, PublicTarget};
use crate::services::{self, ServiceKind};
use crate::tags::{ServiceTags, TagId};
use crate::trace::{
    self, Blocker, Cause, Disposition, Endpoint, Flow, INTERNET_CLIENT, INTERNET_HOST, Origin, Trace, Wanted,
};
use std::fmt;
use std::sync::Arc;

/// By which means a proposal opens a flow. The order is that of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Means {
    /// A setting that is plainly missing: a link, an approval, the other side of a peering, a role.
    Setting,
    /// A private endpoint.
    PrivateEndpoint,
    /// A rule for a service tag.
    ServiceTag,
    /// A rule for a name.
    Name,
    /// A rule for an address.
    Address,
    /// Another way: a route, a gateway, a service endpoint.
    Way,
    /// Taking a safeguard away.
    Removal,
    /// Opening a way to everybody.
    Everything,
}

impl Means {
    /// The words for a person.
    pub fn word(self) -> &'static str {
        match self {
            Self::Setting => "setting",
            Self::PrivateEndpoint => "private endpoint",
            Self::ServiceTag => "service tag",
            Self::Name => "name",
            Self::Address => "address",
            Self::Way => "way",
            Self::Removal => "removal",
            Self::Everything => "everything",
        }
    }
}

impl fmt::Display for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A change that may open a flow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Proposal {
    /// By which means.
    pub means: Means,
    /// The changes.
    pub changes: ChangeText,
    /// In one line.
    pub text: String,
    /// What to mind.
    pub caution: Option<&'static str>,
}

impl Proposal {
    fn new(means: Means, text: impl Into<String>, changes: ChangeText) -> Self {
        Self { means, changes, text: text.into(), caution: None }
    }

    fn mind(mut self, caution: &'static str) -> Self {
        self.caution = Some(caution);
        self
    }

    /// What is preferred: means first, then fewer lines.
    fn rank(&self) -> (Means, usize) {
        (self.means, self.changes.lines().len())
    }

    fn letters(&self) -> usize {
        self.changes.lines().iter().map(String::len).sum()
    }
}

/// What might open a blocked flow, best first. Nothing where it is not blocked, or where nothing comes to mind.
pub fn proposals(network: &Network, trace: &Trace) -> Vec<Proposal> {
    let Some(case) = Case::new(network, trace) else { return Vec::new() };
    let mut found: Vec<(usize, Proposal)> = case.proposals().into_iter().enumerate().collect();
    // Tags come narrowest first, and the narrow ones have the longer names.
    let letters = |(number, proposal): &(usize, Proposal)| match proposal.means {
        Means::ServiceTag => *number,
        _ => proposal.letters(),
    };
    found.sort_by(|a, b| {
        let rank = |item: &(usize, Proposal)| (item.1.rank(), letters(item));
        rank(a).cmp(&rank(b)).then_with(|| a.1.cmp(&b.1))
    });
    let mut best: Vec<Proposal> = Vec::new();
    for (_, proposal) in found {
        if !best.contains(&proposal) {
            best.push(proposal);
        }
    }
    best
}

/// A blocked flow, with what the proposals ask of it.
struct Case<'a> {
    network: &'a Network,
    flow: &'a Flow,
    blocker: &'a Blocker,
    trace: &'a Trace,
    /// The header where it is blocked; absent before a name is resolved.
    header: Option<Header>,
    origin: Option<Origin>,
}

impl<'a> Case<'a> {
    fn new(network: &'a Network, trace: &'a Trace) -> Option<Self> {
        let blocker = trace.blockers.first()?;
        let origin = trace::understand(network, &trace.flow).ok().map(|q| q.origin);
        Some(Self { network, flow: &trace.flow, blocker, trace, header: header_at(trace, blocker), origin })
    }

    fn proposals(&self) -> Vec<Proposal> {
        let mut found = self.against_the_blocker();
        // A private endpoint goes past whatever stands before the public one.
        let on_the_way = matches!(
            self.blocker.disposition,
            Disposition::DeniedOut
                | Disposition::DeniedInTransit
                | Disposition::NullRouted
                | Disposition::NoOutboundMethod
        );
        if on_the_way && self.header.is_some_and(|header| self.network.is_public(header.destination)) {
            found.extend(self.private_endpoint());
        }
        found
    }

    fn against_the_blocker(&self) -> Vec<Proposal> {
        match self.blocker.cause {
            Cause::NsgRuleDeny | Cause::NsgDefaultDeny => self.security_rules(),
            Cause::AdminRuleDeny => self.admin_rules(),
            Cause::PublicAddressClosed => self.new_group(),
            Cause::FirewallNetworkRuleDeny
            | Cause::FirewallApplicationRuleDeny
            | Cause::FirewallApplicationRuleNoMatch
            | Cause::FirewallDefaultDeny => self.firewall_rules(),
            Cause::ManagedNetworkDeny => self.managed_rules(),
            Cause::UdrNone | Cause::NextHopUnreachable | Cause::InvalidNextHop => self.routes(),
            Cause::NextHopNotForwarding => self.ip_forwarding(),
            Cause::PeeringNotConnected | Cause::PeeringNoAccess | Cause::ForwardedTrafficDropped => {
                self.peerings()
            }
            Cause::SystemRouteNone | Cause::NoRoute | Cause::ReturnNoRoute => {
                [self.new_peering(), self.remote_gateways(), self.propagation()].concat()
            }
            Cause::NoOutboundMethod => self.outbound_methods(),
            Cause::AsymmetricReturn => [self.straight_back(), self.same_way_back()].concat(),
            Cause::RoutingLoop => self.out_of_the_loop(),
            Cause::DnsServerUnreachable => self.dns_servers(),
            Cause::DeploymentEgressDisabled => self.deployment_egress(),
            Cause::AccessPolicyMissing => self.access_policies(),
            Cause::DnsZoneShadow | Cause::DnsNxDomain => [self.service_doors(), self.fallback()].concat(),
            Cause::DnsZoneNotLinked
            | Cause::PublicAccessDisabled
            | Cause::ServiceFirewallDeny
            | Cause::ServiceEndpointPolicyDeny => self.service_doors(),
            Cause::PeNotApproved => self.approval(),
            Cause::RbacMissingDataRole | Cause::RbacMissingRole => self.roles(),
            _ => Vec::new(),
        }
    }

    /// The subnet the flow starts in.
    fn subnet(&self) -> Option<Id<Subnet>> {
        match self.origin.as_ref()? {
            Origin::Attachment(id) => Some(self.network.attachment(*id).subnet),
            Origin::Subnet(id, _) => Some(*id),
            _ => None,
        }
    }

    /// The virtual network the flow starts in.
    fn vnet(&self) -> Option<Id<VirtualNetwork>> {
        self.subnet().map(|subnet| self.network.subnet(subnet).vnet)
    }

    /// The name asked for, where one is.
    fn host(&self) -> Option<Arc<str>> {
        match &trace::understand(self.network, self.flow).ok()?.target {
            Wanted::Name(name) => Some(name.clone()),
            _ => match &self.flow.to {
                Endpoint::Fqdn(name) => Some(name.to_ascii_lowercase().into()),
                _ => None,
            },
        }
    }

    /// The service of the estate that is asked for, and which of its endpoints.
    fn service(&self) -> Option<(Id<PlatformService>, usize, &'static ServiceKind)> {
        let host = self.host()?;
        let PublicTarget::Service(id, endpoint) = self.network.names.public(&host)?.target else {
            return None;
        };
        let kind = services::service_kind(&self.network.inventory.services[id].id.kind())?;
        Some((id, endpoint, kind))
    }

    /// The address, where it may stand in a rule: one that only stands in for a public service means nothing there.
    fn real(&self, ip: IpAddr) -> Option<IpAddr> {
        let inventory = &self.network.inventory;
        let asked = [&self.flow.from, &self.flow.to].into_iter().any(|end| *end == Endpoint::Address(ip));
        let written = || inventory.internet_hosts.iter().any(|host| host.addresses.items.contains(&ip));
        let own = || self.network.public_addresses.iter().any(|(own, assumed)| *own == Some(ip) && !assumed);
        let office = || inventory.on_premises_sites.iter().any(|site| site.public_ip_address.is(ip));
        (!self.network.is_public(ip) || asked || written() || own() || office()).then_some(ip)
    }

    /// Tags that would cover an address, the one Microsoft documents for the name first, regional before global.
    fn tags(&self, ip: IpAddr) -> Vec<String> {
        let tags: &ServiceTags = &self.network.tags;
        if !self.network.is_public(ip) {
            return vec!["VirtualNetwork".to_owned()];
        }
        if [INTERNET_CLIENT, INTERNET_HOST].contains(&ip) {
            // Somebody asked for the internet as such gets it; a name outside Azure is in no tag.
            let asked = [&self.flow.from, &self.flow.to].contains(&&Endpoint::Internet);
            return if asked { vec!["Internet".to_owned()] } else { Vec::new() };
        }
        let documented = self.host().and_then(|host| {
            let known = services::well_known(&host).and_then(|known| known.tag);
            known.or_else(|| services::service_of_host(&host).and_then(|(kind, ..)| kind.tag))
        });
        let service = self.service().and_then(|(.., kind)| kind.tag);
        let size = |tag: &TagId| {
            tags.set(*tag).v4().iter().map(|(low, high)| u64::from(high - low) + 1).sum::<u64>()
        };
        let mut holding: Vec<TagId> = tags.holding(ip);
        holding.retain(|tag| !tags.name(*tag).starts_with("AzureCloud"));
        holding.sort_by_key(|tag| (size(tag), tags.name(*tag).to_owned()));
        let fits = |tag: &TagId, base: &str| {
            let name = tags.name(*tag);
            name.eq_ignore_ascii_case(base)
                || name.get(..=base.len()).is_some_and(|head| head.eq_ignore_ascii_case(&format!("{base}.")))
        };
        let mut names: Vec<String> = Vec::new();
        for base in [documented, service].into_iter().flatten() {
            names.extend(holding.iter().filter(|tag| fits(tag, base)).map(|tag| tags.name(*tag).to_owned()));
        }
        names.extend(holding.iter().map(|tag| tags.name(*tag).to_owned()));
        let mut seen = Vec::new();
        names.retain(|name| {
            !seen.contains(name) && {
                seen.push(name.clone());
                true
            }
        });
        names.truncate(2);
        names
    }

    /// The port and protocol for a person: `443/tcp`.
    fn ports(&self) -> String {
        format!("{}/{}", self.flow.port, self.flow.protocol.name().to_lowercase())
    }
}

/// The header as it is where the flow is blocked.
fn header_at(trace: &Trace, blocker: &Blocker) -> Option<Header> {
    let back = trace.back.as_ref().map_or(&[][..], |back| &back.hops);
    let mut header = None;
    for (number, hop) in trace.hops.iter().chain(back).enumerate().take(blocker.hop + 1) {
        header = hop.header.or(header);
        for step in &hop.steps {
            if number == blocker.hop && step.cause == Some(blocker.cause) && step.evidence == blocker.evidence
            {
                return header;
            }
            header = step.after.or(header);
        }
    }
    header
}
