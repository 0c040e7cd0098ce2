//! Connection troubleshoot: does a connection come about, over which hops, and what stops it (NW-5, NW-6)?
//!
//! Azure sends probes from an agent; here the trace is followed, and told in Azure's words. Causes that Azure
//! has no issue type for get one that begins with `x-` (NW-8).

use super::diagnose::{self, ProfileResult, SecurityRuleAnalysis};
use super::next_hop::{self, SYSTEM_ROUTE};
use super::subject::AskError;
use super::words;
use crate::inventory::{ResourceId, Slot};
use crate::net::{Header, IpAddr};
use crate::network::{AttachmentId, AttachmentKind, Network, RouteSource, machine_of};
use crate::trace::{
    Action, Blocker, Cause, Disposition, Endpoint, Evidence, Flow, Hop, HopKind, Noticed, Origin, Outcome,
    Spot, Step, StepKind, Trace, trace, understand,
};
use serde::Serialize;
use serde_json::{Map, Value};

/// Whether a connection comes about.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectivityInformation {
    /// The way, hop by hop.
    pub hops: Vec<ConnectivityHop>,
    /// `Reachable`, `Unreachable`, `Degraded` where equal paths disagree, `Unknown`.
    pub connection_status: &'static str,
    /// Always none: nothing is sent.
    pub probes_sent: u32,
    /// Always none: nothing is sent.
    pub probes_failed: u32,
    /// Whether the sender can open the connection.
    pub source_port_status: &'static str,
    /// Whether the receiver's port answers.
    pub destination_port_status: &'static str,
    /// Where the sender's subnet sends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_hop_analysis: Option<NextHopAnalysis>,
    /// What the rules at the sender say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_security_rule_analysis: Option<SecurityRuleAnalysis>,
    /// What the rules at the receiver say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_security_rule_analysis: Option<SecurityRuleAnalysis>,
    /// Our code for what stops it first.
    #[serde(rename = "x-cause", skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'static str>,
    /// What was taken for granted.
    #[serde(rename = "x-assumptions", skip_serializing_if = "Vec::is_empty")]
    pub assumptions: Vec<String>,
    /// What the files would have to say.
    #[serde(rename = "x-unknown", skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// The next hop of the sender's subnet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NextHopAnalysis {
    /// As the next hop question answers; absent where the files do not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_hop_type: Option<&'static str>,
    /// The appliance or gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_hop_ip_address: Option<String>,
    /// The route table, else `System Route`.
    pub route_table_id: String,
}

/// One hop.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectivityHop {
    /// `Source`, `VirtualAppliance`, `VirtualNetworkGateway`, `VirtualNetwork`, `VirtualMachine`, `Internet`,
    /// `Destination` where Azure sees no further, and words of our own that begin with `x-`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its number in this answer.
    pub id: String,
    /// Its address; absent where the files do not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Its resource; empty where it is none, or where Azure sees none.
    pub resource_id: String,
    /// The hops after it.
    pub next_hop_ids: Vec<String>,
    /// The hops before it.
    pub previous_hop_ids: Vec<String>,
    /// The links to the hops after it.
    pub links: Vec<HopLink>,
    /// The links to the hops before it.
    pub previous_links: Vec<HopLink>,
    /// What stops the connection here.
    pub issues: Vec<Issue>,
    /// The resource, where Azure's answer does not name it.
    #[serde(rename = "x-resourceId", skip_serializing_if = "Option::is_none")]
    pub known_resource: Option<String>,
}

/// A link between two hops.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HopLink {
    /// The other hop.
    pub next_hop_id: String,
    /// `VirtualNetwork`, `VirtualNetworkGateway`, `Internet`.
    pub link_type: &'static str,
    /// Always empty: issues stand at the hops.
    pub issues: Vec<Issue>,
    /// Always empty.
    pub context: Map<String, Value>,
    /// Always empty.
    pub resource_id: &'static str,
}

/// What stops the connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Issue {
    /// `Inbound`, `Outbound` or `Local`, as seen from the hop.
    pub origin: &'static str,
    /// `Error` or `Warning`.
    pub severity: &'static str,
    /// Azure's type, or one of our own that begins with `x-`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What decided.
    pub context: Vec<Context>,
    /// Our code.
    #[serde(rename = "x-cause", skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'static str>,
    /// One line for a person.
    #[serde(rename = "x-note")]
    pub note: String,
}

/// A key and a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Context {
    /// The key.
    pub key: &'static str,
    /// The value.
    pub value: String,
}

/// Follows a flow and tells it as connection troubleshoot does.
pub fn connectivity(network: &Network, flow: &Flow) -> Result<ConnectivityInformation, AskError> {
    let question = understand(network, flow).map_err(AskError::Misunderstood)?;
    let answer = trace(network, flow);
    let mut walk = Telling { network, trace: &answer, hops: Vec::new(), of: vec![0; answer.hops.len()] };
    walk.hops();
    walk.issues();
    let (start, end) = walk.headers();
    let spot = match question.origin {
        Origin::Attachment(id) => Some(Spot::Attachment(id)),
        Origin::Subnet(subnet, _) => Some(Spot::Subnet(subnet)),
        _ => None,
    };
    let receiver = walk.receiver();
    let rules = |spot: Option<Spot>, header: Option<Header>, inbound: bool| {
        let profile = diagnose::profile_of(&header?, inbound)?;
        let network_security_group_result = diagnose::judged(network, spot?, &profile);
        Some(SecurityRuleAnalysis { results: vec![ProfileResult { profile, network_security_group_result }] })
    };
    let unknown = answer.missing.iter().map(|m| m.text.clone()).collect();
    Ok(ConnectivityInformation {
        connection_status: status(answer.outcome),
        probes_sent: 0,
        probes_failed: 0,
        source_port_status: if answer.outcome == Outcome::Allowed { "Reachable" } else { "Unknown" },
        destination_port_status: port_status(&answer),
        next_hop_analysis: spot.zip(start).map(|(spot, header)| analysis(network, spot, header.destination)),
        source_security_rule_analysis: rules(spot, start, false),
        destination_security_rule_analysis: rules(receiver.map(Spot::Attachment), end, true),
        cause: answer.cause.map(Cause::code),
        assumptions: answer.assumptions.iter().map(|a| a.text.clone()).collect(),
        unknown,
        hops: walk.linked(),
    })
}

fn status(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allowed => "Reachable",
        Outcome::Blocked => "Unreachable",
        Outcome::Mixed => "Degraded",
        Outcome::Unknown => "Unknown",
    }
}

fn port_status(answer: &Trace) -> &'static str {
    let noticed = answer.blockers.first().map(|b| answer.noticed_of(b));
    match (answer.outcome, noticed) {
        (Outcome::Allowed, _) => "Reachable",
        (Outcome::Mixed, _) => "Unstable",
        (Outcome::Blocked, Some(Noticed::Reset | Noticed::ResetAfterHandshake)) => "NoConnection",
        (Outcome::Blocked, Some(Noticed::Timeout)) => "Timeout",
        // The port answers, and what answers refuses.
        (
            Outcome::Blocked,
            Some(
                Noticed::Http403Network
                | Noticed::Http403Permission
                | Noticed::LoginRefused
                | Noticed::RefusedByService
                | Noticed::Http502,
            ),
        ) => "Reachable",
        _ => "Unknown",
    }
}

fn analysis(network: &Network, spot: Spot, destination: IpAddr) -> NextHopAnalysis {
    let found = next_hop::towards(network, super::subject::subnet_of(network, spot), destination);
    NextHopAnalysis {
        next_hop_type: found.next_hop_type,
        next_hop_ip_address: found.next_hop_ip_address,
        route_table_id: found.route_table_id.unwrap_or_else(|| SYSTEM_ROUTE.into()),
    }
}

/// A trace being told.
struct Telling<'a> {
    network: &'a Network,
    trace: &'a Trace,
    hops: Vec<Draft>,
    /// The hop of the answer for each hop of the trace.
    of: Vec<usize>,
}

/// A hop before it is linked.
struct Draft {
    kind: &'static str,
    address: Option<String>,
    resource: String,
    known: Option<String>,
    issues: Vec<Issue>,
}

impl Telling<'_> {
    /// The first hop that is no look-up of a name.
    fn start(&self) -> usize {
        let sends = |hop: &Hop| hop.steps.iter().any(|s| s.kind == StepKind::Originate);
        let hops = &self.trace.hops;
        let first = hops.iter().position(sends);
        first.or_else(|| hops.iter().position(|h| h.kind != HopKind::Resolver)).unwrap_or(0)
    }

    /// The header as it leaves the sender and as it reaches the receiver.
    fn headers(&self) -> (Option<Header>, Option<Header>) {
        let hops = &self.trace.hops;
        let start = hops.get(self.start()).and_then(|h| h.header);
        let end = hops.iter().rev().find(|h| h.kind != HopKind::Resolver).and_then(|h| h.header);
        (start, end)
    }

    /// The interface that takes the flow.
    fn receiver(&self) -> Option<AttachmentId> {
        let hop = self.trace.hops.last().filter(|h| h.kind == HopKind::Interface)?;
        let id = self.attachment(hop, hop.header?.destination)?;
        let row = self.network.attachment(id);
        (row.address == Some(hop.header?.destination)).then_some(id)
    }

    fn hops(&mut self) {
        let hops = &self.trace.hops;
        let start = self.start();
        let mut beyond_gateway = false;
        for (number, hop) in hops.iter().enumerate() {
            if number < start || hop.kind == HopKind::Resolver {
                continue;
            }
            let last = number + 1 == hops.len();
            let draft = if number == start {
                self.source(hop)
            } else {
                self.next(hop, last && self.arrives(hop), beyond_gateway)
            };
            beyond_gateway |= draft.kind == "VirtualNetworkGateway";
            self.hops.push(draft);
            self.of[number] = self.hops.len() - 1;
        }
        self.destination();
    }

    /// Whether a hop is where the flow wants to go.
    fn arrives(&self, hop: &Hop) -> bool {
        match hop.kind {
            HopKind::Interface => self.receiver().is_some(),
            HopKind::AzureFirewall | HopKind::Gateway | HopKind::NatGateway | HopKind::VirtualHub => false,
            _ => true,
        }
    }

    fn source(&self, hop: &Hop) -> Draft {
        let address = hop.header.map(|h| h.source);
        let attachment = address.and_then(|ip| self.attachment(hop, ip));
        let machine = attachment.and_then(|id| self.machine(id));
        let own = hop.id.as_ref().map(|id| id.as_str().to_owned());
        Draft {
            kind: "Source",
            address: address.map(|ip| ip.to_string()),
            resource: machine.or(own).unwrap_or_default(),
            known: None,
            issues: Vec::new(),
        }
    }

    fn next(&self, hop: &Hop, arrives: bool, beyond_gateway: bool) -> Draft {
        let goes_to = hop.header.map(|h| h.destination);
        let id = hop.id.as_ref().map(|id| id.as_str().to_owned());
        let attachment = goes_to.and_then(|ip| self.attachment(hop, ip));
        let address = match (arrives, attachment) {
            (true, _) => goes_to,
            (false, Some(id)) => self.network.attachment(id).address,
            (false, None) => None,
        };
        let (kind, address, resource) = match hop.kind {
            HopKind::Interface if arrives => {
                let (kind, resource) = self.machine_or_address(attachment);
                (kind, address, resource.or(id))
            }
            HopKind::Interface | HopKind::Appliance | HopKind::AzureFirewall => {
                ("VirtualAppliance", address, id)
            }
            HopKind::Subnet | HopKind::VirtualNetwork => ("VirtualNetwork", goes_to, id),
            HopKind::Gateway => ("VirtualNetworkGateway", self.gateway_address(hop), id),
            HopKind::Internet => ("Internet", goes_to, Some("Internet".into())),
            HopKind::Service if goes_to.is_some_and(|ip| self.network.is_public(ip)) => {
                ("Internet", goes_to, id)
            }
            HopKind::Service => ("x-Service", goes_to, id),
            HopKind::OnPremises => ("Destination", goes_to, id),
            HopKind::VirtualHub => ("x-VirtualHub", None, id),
            HopKind::NatGateway => ("x-NatGateway", None, id),
            HopKind::LoadBalancer => ("x-LoadBalancer", goes_to, id),
            HopKind::ApplicationGateway => ("x-ApplicationGateway", goes_to, id),
            HopKind::FrontDoor => ("x-FrontDoor", goes_to, id),
            HopKind::Bastion => ("x-Bastion", goes_to, id),
            HopKind::PrivateEndpoint => ("x-PrivateEndpoint", goes_to, id),
            HopKind::ManagedNetwork => ("x-ManagedNetwork", None, id),
            HopKind::Platform | HopKind::Resolver => ("x-Platform", goes_to, id),
        };
        // Behind a gateway Azure sees an address and no more.
        let hidden = arrives && beyond_gateway;
        Draft {
            kind: if hidden { "Destination" } else { kind },
            address: address.map(|ip| ip.to_string()),
            known: resource.clone().filter(|r| hidden && !r.is_empty()),
            resource: resource.filter(|_| !hidden).unwrap_or_default(),
            issues: Vec::new(),
        }
    }

    /// A destination that was asked for by name is a machine; one asked for by address is an IP configuration.
    fn machine_or_address(&self, attachment: Option<AttachmentId>) -> (&'static str, Option<String>) {
        let machine = attachment.and_then(|id| self.machine(id));
        match (&self.trace.flow.to, machine) {
            (Endpoint::Named(_), Some(machine)) => ("VirtualMachine", Some(machine)),
            _ => ("VirtualNetwork", attachment.and_then(|id| self.ip_configuration(id))),
        }
    }

    /// Where the way ends before its destination, the destination stands behind it all the same.
    fn destination(&mut self) {
        let (Some(first), Some(end)) = (self.hops.first(), self.headers().1) else { return };
        let goes_to = end.destination.to_string();
        let lone = self.hops.len() == 1;
        let to_itself = lone && first.address.as_ref() == Some(&goes_to);
        let there = self.hops.iter().skip(1).any(|h| h.address.as_ref() == Some(&goes_to));
        let on_platform = self.trace.hops.last().is_some_and(|h| h.kind == HopKind::Service);
        if there || on_platform || self.failed_look_up() {
            return;
        }
        let own = self.trace.hops.last().filter(|_| to_itself);
        let attachment = own.and_then(|hop| self.attachment(hop, end.destination));
        let (kind, resource) = match attachment {
            Some(id) => self.machine_or_address(Some(id)),
            None => ("Destination", None),
        };
        let (address, resource) = (Some(goes_to), resource.unwrap_or_default());
        self.hops.push(Draft { kind, address, resource, known: None, issues: Vec::new() });
    }

    /// Whether the name gave no address, so that there is no destination.
    fn failed_look_up(&self) -> bool {
        let start = self.start();
        let fails = |h: &Hop| {
            h.steps
                .iter()
                .any(|s| s.kind == StepKind::Resolve && matches!(s.action, Action::Block | Action::Unknown))
        };
        self.trace.hops.iter().take(start + 1).any(fails)
    }

    /// The attachment of a hop's resource, the one with this address first.
    fn attachment(&self, hop: &Hop, ip: IpAddr) -> Option<AttachmentId> {
        let slot = self.network.inventory.slot(hop.id.as_ref()?)?;
        self.attachment_of(slot, ip)
    }

    fn attachment_of(&self, slot: Slot, ip: IpAddr) -> Option<AttachmentId> {
        let rows = self.network.attachments.iter().enumerate().filter(|(_, a)| a.owner == slot);
        let own: Vec<_> = rows.collect();
        let found = own.iter().find(|(_, a)| a.address == Some(ip)).or(own.first())?;
        Some(AttachmentId(found.0 as u32))
    }

    /// The machine of an interface.
    fn machine(&self, id: AttachmentId) -> Option<String> {
        let AttachmentKind::Interface(nic) = self.network.attachment(id).kind else { return None };
        let inventory = &self.network.inventory;
        let row = machine_of(inventory, nic).map(|m| inventory.virtual_machines[m].id.as_str().to_owned());
        let named = || inventory.network_interfaces[nic].virtual_machine.known().map(|r| r.text.to_string());
        row.or_else(named)
    }

    /// The IP configuration of an interface that holds an address.
    fn ip_configuration(&self, id: AttachmentId) -> Option<String> {
        let row = self.network.attachment(id);
        let AttachmentKind::Interface(nic) = row.kind else { return None };
        let nic = &self.network.inventory.network_interfaces[nic];
        let same = |c: &&crate::inventory::IpConfiguration| c.at == row.at;
        let config = nic.ip_configurations.iter().find(same)?;
        Some(nic.id.child("ipConfigurations", &config.name).as_str().to_owned())
    }

    fn gateway_address(&self, hop: &Hop) -> Option<IpAddr> {
        let id = hop.id.as_ref()?;
        let row = self.network.inventory.row::<crate::inventory::VirtualNetworkGateway>(id)?;
        next_hop::public_addresses(self.network, row).next()
    }

    fn issues(&mut self) {
        let there = self.trace.hops.len();
        for blocker in &self.trace.blockers {
            let hop = if blocker.hop < there { self.of[blocker.hop] } else { self.hops.len() - 1 };
            let issues = issues_of(blocker);
            if let Some(draft) = self.hops.get_mut(hop) {
                draft.issues.extend(issues);
            }
        }
        let unknown = |s: &&Step| s.action == Action::Unknown;
        for (number, hop) in self.trace.hops.iter().enumerate() {
            for step in hop.steps.iter().filter(unknown) {
                if let Some(draft) = self.hops.get_mut(self.of[number]) {
                    draft.issues.push(doubt(step));
                }
            }
        }
        self.at_times();
    }

    /// What stops the connection at times only is no blocker of its way, and stands where it was noted, else at the end.
    fn at_times(&mut self) {
        let (Outcome::Mixed, true, Some(cause)) =
            (self.trace.outcome, self.trace.blockers.is_empty(), self.trace.cause)
        else {
            return;
        };
        let hops = self.trace.hops.iter().enumerate();
        let mut noted = hops.flat_map(|(number, hop)| hop.steps.iter().map(move |step| (number, step)));
        let noted = noted.find(|(_, step)| step.kind == StepKind::Balance && step.action == Action::Note);
        let evidence = noted.map(|(_, step)| &step.evidence);
        let hop = noted.map_or(self.hops.len().saturating_sub(1), |(number, _)| self.of[number]);
        let issue = Issue {
            origin: "Local",
            severity: "Warning",
            kind: issue_type(cause),
            context: evidence.map_or_else(Vec::new, |e| context(cause, e)),
            cause: Some(cause.code()),
            note: self.trace.warnings.last().cloned().unwrap_or_default(),
        };
        if let Some(draft) = self.hops.get_mut(hop) {
            draft.issues.push(issue);
        }
    }

    fn linked(self) -> Vec<ConnectivityHop> {
        let id = |n: usize| format!("hop-{n}");
        let link = |to: usize, kind: &'static str| HopLink {
            next_hop_id: id(to),
            link_type: kind,
            issues: Vec::new(),
            context: Map::new(),
            resource_id: "",
        };
        let kinds: Vec<&'static str> = self.hops.iter().map(|h| h.kind).collect();
        let count = kinds.len();
        let hops = self.hops.into_iter().enumerate();
        hops.map(|(n, draft)| {
            let next = (n + 1 < count).then(|| link(n + 1, link_type(kinds[n + 1])));
            let previous = n.checked_sub(1).map(|p| link(p, link_type(kinds[n])));
            ConnectivityHop {
                kind: draft.kind,
                id: id(n),
                address: draft.address,
                resource_id: draft.resource,
                next_hop_ids: next.iter().map(|l| l.next_hop_id.clone()).collect(),
                previous_hop_ids: previous.iter().map(|l| l.next_hop_id.clone()).collect(),
                links: next.into_iter().collect(),
                previous_links: previous.into_iter().collect(),
                issues: draft.issues,
                known_resource: draft.known,
            }
        })
        .collect()
    }
}

fn link_type(to: &str) -> &'static str {
    match to {
        "Internet" => "Internet",
        "VirtualNetworkGateway" => "VirtualNetworkGateway",
        _ => "VirtualNetwork",
    }
}

/// A blocker as Azure tells it: a missing route gives two issues.
fn issues_of(blocker: &Blocker) -> Vec<Issue> {
    let issue = |origin, kind, context| Issue {
        origin,
        severity: "Error",
        kind,
        context,
        cause: Some(blocker.cause.code()),
        note: blocker.text.clone(),
    };
    let kind = issue_type(blocker.cause);
    let context = context(blocker.cause, &blocker.evidence);
    let mut out = Vec::new();
    if matches!(blocker.cause, Cause::SystemRouteNone | Cause::NoRoute) {
        out.push(issue("Local", "RouteMissing", Vec::new()));
    }
    out.push(issue(origin(blocker, kind), kind, context));
    out
}

/// Where an issue lies as seen from its hop.
fn origin(blocker: &Blocker, kind: &str) -> &'static str {
    match (kind, blocker.disposition) {
        (_, Disposition::DeniedIn) => "Inbound",
        ("NoListenerOnDestination" | "x-PaasFirewall" | "x-Rbac" | "x-FirewallRule", _) => "Local",
        ("x-PrivateEndpointNotApproved" | "x-Balancer" | "Platform", _) => "Local",
        _ => "Outbound",
    }
}

fn context(cause: Cause, evidence: &Evidence) -> Vec<Context> {
    let rule = || {
        let name = evidence.name.as_deref()?;
        Some(words::rule_in_issue(evidence.resource.as_ref(), name))
    };
    let entry = |key, value| vec![Context { key, value }];
    match issue_type(cause) {
        "NetworkSecurityRule" => rule().map_or_else(Vec::new, |value| entry("RuleName", value)),
        "UserDefinedRoute" => {
            let user =
                evidence.resource.as_ref().is_some_and(|id| id.is_kind("Microsoft.Network/routeTables"));
            let source = if user { RouteSource::User.word() } else { "System" };
            let mut out = entry("RouteType", source.to_owned());
            if matches!(cause, Cause::UdrNone | Cause::SystemRouteNone | Cause::NoRoute) {
                out.extend(entry("ErrorMessage", "NextHop Type None, NextHop IP ".to_owned()));
            }
            out
        }
        _ => evidence.decider().map_or_else(Vec::new, |value| entry("x-decider", value)),
    }
}

fn doubt(step: &Step) -> Issue {
    let resource = step.evidence.resource.as_ref().map(ResourceId::full_name);
    let context = resource.into_iter().map(|value| Context { key: "x-decider", value });
    Issue {
        origin: "Local",
        severity: "Warning",
        kind: "Unknown",
        context: context.collect(),
        cause: step.cause.map(Cause::code),
        note: step.text.clone(),
    }
}

/// The issue type of a cause: Azure's where it has one.
pub fn issue_type(cause: Cause) -> &'static str {
    use Cause as C;
    match cause {
        C::NsgRuleDeny | C::NsgDefaultDeny | C::AdminRuleDeny | C::PublicAddressClosed => {
            "NetworkSecurityRule"
        }
        // NW-6: for any route, a system route too.
        C::UdrNone
        | C::SystemRouteNone
        | C::NoRoute
        | C::NextHopUnreachable
        | C::NextHopNotForwarding
        | C::InvalidNextHop
        | C::RoutingLoop
        | C::HopLimit
        | C::PrivateOnlyTarget
        | C::NoCommonFamily
        | C::ServiceCannotInitiate => "UserDefinedRoute",
        C::DnsZoneShadow | C::DnsNxDomain | C::DnsServerUnreachable | C::DnsLoop => "DnsResolution",
        C::NothingListens => "NoListenerOnDestination",
        C::PlatformProtocol | C::SmtpBlocked | C::BastionPort => "Platform",
        C::PeeringNotConnected
        | C::PeeringNoAccess
        | C::ForwardedTrafficDropped
        | C::SubnetPeeringOutside
        | C::BasicBalancerAcrossPeering => "x-PeeringState",
        C::FirewallNetworkRuleDeny
        | C::FirewallApplicationRuleDeny
        | C::FirewallApplicationRuleNoMatch
        | C::FirewallDefaultDeny
        | C::FirewallNotForwarding => "x-FirewallRule",
        C::NoOutboundMethod | C::NatProtocol => "x-NoOutboundMethod",
        C::PeNotApproved => "x-PrivateEndpointNotApproved",
        C::DnsZoneNotLinked
        | C::PeWrongResource
        | C::ServiceFirewallDeny
        | C::PublicAccessDisabled
        | C::PerimeterDeny
        | C::ServiceEndpointPolicyDeny
        | C::ServiceEndpointSwitched
        | C::ManagedNetworkDeny
        | C::DeploymentEgressDisabled => "x-PaasFirewall",
        C::RbacMissingDataRole | C::RbacMissingRole | C::RbacDenyAssignment | C::AccessPolicyMissing => {
            "x-Rbac"
        }
        C::AsymmetricReturn | C::ReturnNoRoute | C::SessionNotKnown => "x-AsymmetricRoute",
        C::NoBackend
        | C::ProbeDown
        | C::Hairpin
        | C::FrontendPortClosed
        | C::GatewaySubnetRules
        | C::FrontDoorHostUnknown
        | C::FrontDoorOriginDown => "x-Balancer",
        C::AddressNotInUse | C::OriginUnmatched => "x-AddressNotInUse",
        C::UnknownServiceTag
        | C::UnknownValue
        | C::UnsupportedResource
        | C::DanglingReference
        | C::UnknownName
        | C::UnknownIdentity
        | C::UncertainResource
        | C::Intermittent => "Unknown",
    }
}
