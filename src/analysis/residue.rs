//! What can still leave: the ways out that an allow-list leaves open, each shown by a flow that passes.
//!
//! Input: a compiled [`Network`] and senders. Output: [`Finding`]s, each with the flow that proves it and the rule that
//! lets it through. A service tag stands for a whole service, never for one customer's part of it, so a tag that is
//! needed for one's own account lets data into a stranger's; a name with `*` lets it to whoever can get a name below it;
//! questions to a DNS server carry what their names spell.
//!
//! Accounts of strangers are in no estate: add [`stand_ins`] to it before it is compiled, or the flows to them are
//! `unknown` and found as such.

use super::needs::host_of;
use crate::catalogue::{Catalogue, TagFact};
use crate::diag::At;
use crate::inventory::change::Change;
use crate::inventory::{FirewallRule, Id, ManagedRuleTarget, Subnet};
use crate::net::Protocol;
use crate::network::{HOST_ADDRESS, Network, normal_region};
use crate::services::{SERVICES, service_of_host, well_known};
use crate::trace::{self, Action, Endpoint, Evidence, Flow, HopKind, Origin, Outcome, Step, StepKind, Trace};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How much can leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// To anybody, with no more than a connection.
    High,
    /// To anybody who prepares for it.
    Medium,
    /// Through a door that the platform needs; narrow or slow.
    Low,
}

impl Severity {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// What kind of way out it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Everything leaves.
    Internet,
    /// A service tag reaches strangers.
    Tag,
    /// A name with `*`.
    Wildcard,
    /// A service endpoint without a policy.
    ServiceEndpoint,
    /// Questions to a DNS server.
    Dns,
}

impl Kind {
    /// A word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Internet => "open-internet",
            Self::Tag => "tag-reaches-others",
            Self::Wildcard => "wildcard-name",
            Self::ServiceEndpoint => "service-endpoint-without-policy",
            Self::Dns => "dns-tunnel",
        }
    }
}

/// A way out that is open, or may be.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// How much can leave.
    pub severity: Severity,
    /// What kind of way it is.
    pub kind: Kind,
    /// Who can send.
    pub sender: String,
    /// What lets it through: a tag, a pattern, an address.
    pub by: String,
    /// One sentence for a person.
    pub text: String,
    /// What would close it.
    pub advice: String,
    /// The flow that proves it.
    pub probe: Flow,
    /// Whether it passes; `Unknown` where the files do not tell.
    pub outcome: Outcome,
    /// What lets it pass.
    pub evidence: Evidence,
}

/// The name that strangers' things have in probes.
const STRANGER: &str = "exfiltration";

/// Hosts of strangers for the probes: accounts without a private endpoint, in the region of each network and in
/// another one.
pub fn stand_ins(catalogue: &Catalogue, network: &Network) -> Vec<Change> {
    let mut done = BTreeSet::new();
    let mut changes = Vec::new();
    for (host, tag) in regions(network).iter().flat_map(|region| probes(catalogue, region)) {
        let stranger = host.contains(STRANGER) || host.starts_with("other.");
        if stranger && network.names.public(&host).is_none() && done.insert(host.clone()) {
            // A number that no other stand-in has.
            changes.extend(host_of(&host, Some(tag), 9_000 + done.len()));
        }
    }
    changes
}

/// Every region that a network of the estate is in.
fn regions(network: &Network) -> BTreeSet<String> {
    let vnets = network.inventory.virtual_networks.iter();
    let services = network.inventory.services.iter().filter_map(|s| s.location.known());
    vnets.filter_map(|v| v.location.known()).chain(services).map(|l| normal_region(l)).collect()
}

/// Another region, for what a regional tag keeps in.
fn elsewhere(region: &str) -> &'static str {
    if region == "northeurope" { "westeurope" } else { "northeurope" }
}

/// Names of strangers with the tags their addresses belong to.
fn probes(catalogue: &Catalogue, region: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for fact in &catalogue.tags {
        let Some(probe) = &fact.probe else { continue };
        let host = probe.replace("{region}", region);
        if !by_region(fact) {
            found.push((host, fact.name.to_string()));
            continue;
        }
        for region in [region, elsewhere(region)] {
            found.push((
                host.replacen(STRANGER, &format!("{STRANGER}{region}"), 1),
                format!("{}.{region}", fact.name),
            ));
        }
    }
    found
}

fn by_region(fact: &TagFact) -> bool {
    SERVICES.iter().any(|s| s.tag == Some(&*fact.name) && s.regional)
}

/// What can leave from these senders, the worst first. Senders are named as flows name them.
pub fn residue(network: &Network, senders: &[Endpoint], catalogue: &Catalogue) -> Vec<Finding> {
    let mut found = Vec::new();
    for sender in senders {
        let probe = Probe { network, sender };
        let open = probe.internet(&mut found);
        probe.tags(catalogue, open, &mut found);
        if !open {
            probe.wildcards(&mut found);
        }
        probe.service_endpoints(&mut found);
        probe.dns(&mut found);
    }
    found.sort_by(|a, b| (a.severity, &a.sender, a.kind, &a.by).cmp(&(b.severity, &b.sender, b.kind, &b.by)));
    found
}

struct Probe<'a> {
    network: &'a Network,
    sender: &'a Endpoint,
}

impl Probe<'_> {
    fn flow(&self, to: Endpoint, protocol: Protocol, port: u16) -> Flow {
        let name = Some(format!("{} leaves", self.sender).into());
        Flow { name, ..Flow::new(self.sender.clone(), to, protocol, port) }
    }

    fn region(&self) -> Option<String> {
        let Ok(question) =
            trace::understand(self.network, &self.flow(Endpoint::Internet, Protocol::Tcp, 443))
        else {
            return None;
        };
        match question.origin {
            Origin::Attachment(id) => self.network.region(self.network.attachment(id).vnet),
            Origin::Subnet(subnet, _) => self.network.region(self.network.subnet(subnet).vnet),
            Origin::Managed(_, service) | Origin::Service(service) => {
                self.network.inventory.services[service].location.known().map(|l| normal_region(l))
            }
            Origin::Site(..) | Origin::Branch(..) | Origin::Internet(_) => None,
        }
    }

    fn subnet(&self) -> Option<Id<Subnet>> {
        let question =
            trace::understand(self.network, &self.flow(Endpoint::Internet, Protocol::Tcp, 443)).ok()?;
        match question.origin {
            Origin::Attachment(id) => Some(self.network.attachment(id).subnet),
            Origin::Subnet(subnet, _) => Some(subnet),
            _ => None,
        }
    }

    /// Whether anything at all reaches any public host.
    fn internet(&self, found: &mut Vec<Finding>) -> bool {
        let name = format!("{STRANGER}.example");
        let trace = self.trace(Endpoint::Fqdn(name.into()), Protocol::Tcp, 443);
        let open = trace.outcome != Outcome::Blocked;
        if open {
            found.push(
                self.finding(
                    Said {
                        severity: Severity::High,
                        kind: Kind::Internet,
                        by: "Internet".into(),
                        text: "any public host is reached, so everything can leave".into(),
                        advice:
                            "deny outbound at the subnet or send it through a firewall that allows by name"
                                .into(),
                    },
                    trace,
                ),
            );
        }
        open
    }

    /// Tags that reach strangers. Where everything is open they say nothing more.
    fn tags(&self, catalogue: &Catalogue, open: bool, found: &mut Vec<Finding>) {
        let Some(region) = self.region().filter(|_| !open) else { return };
        let facts = catalogue.tags.iter().filter(|fact| fact.probe.is_some());
        for fact in facts {
            let hosts = probes(catalogue, &region);
            let base = |tag: &str| catalogue.tag(tag).is_some_and(|t| t.name == fact.name);
            let open: Vec<(String, Trace)> = hosts
                .into_iter()
                .filter(|(_, tag)| base(tag))
                .map(|(host, tag)| {
                    let port = if &*fact.name == "Sql" { 1433 } else { 443 };
                    (tag, self.trace(Endpoint::Fqdn(host.into()), Protocol::Tcp, port))
                })
                .filter(|(_, trace)| trace.outcome != Outcome::Blocked)
                .collect();
            let everywhere = by_region(fact) && open.len() > 1;
            if let Some((tag, trace)) = open.into_iter().next() {
                found.push(self.finding(tag_said(fact, &tag, everywhere), trace));
            }
        }
    }

    /// Names with `*` in rules of firewalls and managed networks.
    fn wildcards(&self, found: &mut Vec<Finding>) {
        let inventory = &self.network.inventory;
        let mut patterns: BTreeSet<Arc<str>> = BTreeSet::new();
        let mut rules = |rule: &FirewallRule| {
            patterns.extend(
                rule.target_fqdns
                    .iter()
                    .chain(rule.destination_fqdns.iter())
                    .filter(|f| f.starts_with('*'))
                    .cloned(),
            );
        };
        for group in inventory.rule_collection_groups.iter() {
            group.rule_collections.iter().flat_map(|c| c.rules.iter()).for_each(&mut rules);
        }
        for firewall in inventory.azure_firewalls.iter() {
            firewall.application_rule_collections.iter().flat_map(|c| c.rules.iter()).for_each(&mut rules);
        }
        for service in inventory.services.iter() {
            let managed = service.managed_network_rules.known().into_iter().flat_map(|rules| &rules.0);
            patterns.extend(managed.filter_map(|rule| match &rule.opens {
                ManagedRuleTarget::Fqdn(name) if name.starts_with('*') => Some(name.clone()),
                _ => None,
            }));
        }
        let region = self.region().unwrap_or_default();
        for pattern in patterns {
            let host = pattern.replacen('*', STRANGER, 1);
            // Below names of Microsoft's own nobody else gets one; accounts are probed in the region.
            if well_known(&host).is_some() {
                continue;
            }
            let host = match service_of_host(&host) {
                Some(_) => pattern.replacen('*', &format!("{STRANGER}{region}"), 1),
                None => host,
            };
            let trace = self.trace(Endpoint::Fqdn(host.as_str().into()), Protocol::Tcp, 443);
            if trace.outcome != Outcome::Blocked {
                found.push(self.finding(
                    Said {
                        severity: Severity::Medium,
                        kind: Kind::Wildcard,
                        by: pattern.to_string(),
                        text: format!(
                            "every name below `{}` is reached; whoever can get one can take data in",
                            &pattern[1..]
                        ),
                        advice: "name the hosts that are needed, one by one".into(),
                    },
                    trace,
                ));
            }
        }
    }

    fn service_endpoints(&self, found: &mut Vec<Finding>) {
        let (Some(subnet), Some(region)) = (self.subnet(), self.region()) else { return };
        let row = &self.network.inventory.subnets[subnet];
        let storage = row
            .service_endpoints
            .iter()
            .any(|e| e.service.to_ascii_lowercase().starts_with("microsoft.storage"));
        if !storage || !row.service_endpoint_policies.items.is_empty() {
            return;
        }
        let host = format!("{STRANGER}{region}.blob.core.windows.net");
        let trace = self.trace(Endpoint::Fqdn(host.into()), Protocol::Tcp, 443);
        if trace.outcome != Outcome::Blocked {
            found.push(self.finding(Said {
                severity: Severity::High,
                kind: Kind::ServiceEndpoint,
                by: "Microsoft.Storage".into(),
                text: format!("the service endpoint of `{}` has no policy: it leads to every tenant's accounts, past any firewall", row.id.full_name()),
                advice: "attach a service endpoint policy that names your accounts, and the alias /services/Azure/MachineLearning where computes stand".into(),
            }, trace));
        }
    }

    /// Names are looked up for whoever asks, and the question itself carries data.
    fn dns(&self, found: &mut Vec<Finding>) {
        let Some(subnet) = self.subnet() else { return };
        let vnet = self.network.subnet(subnet).vnet;
        let servers = &self.network.inventory.virtual_networks[vnet].dns_servers.items;
        let own: Vec<crate::net::IpAddr> =
            if servers.is_empty() { vec![HOST_ADDRESS] } else { servers.clone() };
        for server in own {
            let trace = self.trace(Endpoint::Address(server), Protocol::Udp, 53);
            if trace.outcome != Outcome::Blocked {
                let azure = server == HOST_ADDRESS;
                let advice = match azure {
                    true => {
                        "a DNS security policy on the network, or a DNS server of your own that answers listed names only; a rule on the tag AzurePlatformDNS closes Azure DNS altogether"
                    }
                    false => "let the server answer listed names only",
                };
                found.push(self.finding(
                    Said {
                        severity: Severity::Low,
                        kind: Kind::Dns,
                        by: server.to_string(),
                        text: format!("{server} looks up any public name, so names can carry data out"),
                        advice: advice.into(),
                    },
                    trace,
                ));
            }
        }
    }

    fn trace(&self, to: Endpoint, protocol: Protocol, port: u16) -> Trace {
        trace::trace(self.network, &self.flow(to, protocol, port))
    }

    fn finding(&self, said: Said, trace: Trace) -> Finding {
        Finding {
            severity: said.severity,
            kind: said.kind,
            sender: self.sender.to_string(),
            by: said.by,
            text: said.text,
            advice: said.advice,
            outcome: trace.outcome,
            evidence: passing(&trace),
            probe: trace.flow,
        }
    }
}

struct Said {
    severity: Severity,
    kind: Kind,
    by: String,
    text: String,
    advice: String,
}

fn tag_said(fact: &TagFact, tag: &str, everywhere: bool) -> Said {
    let by = if everywhere || !by_region(fact) { fact.name.to_string() } else { tag.to_owned() };
    let reach = match (by_region(fact), everywhere) {
        (false, _) => "",
        (true, true) => ", in every region",
        (true, false) => " of the region",
    };
    let others = fact.others.as_deref().unwrap_or("other customers of the service");
    let (severity, advice) = match &*fact.name {
        "Storage" => (
            Severity::High,
            "reach your own account by private endpoint; for Microsoft's accounts use the region's tag, a service endpoint and a service endpoint policy",
        ),
        "AzureFrontDoor.Frontend" => (
            Severity::High,
            "allow ml.azure.com and the hosts of AutoML by name on a firewall instead of the tag",
        ),
        "AzureMonitor" => (Severity::Medium, "an Azure Monitor private link scope, and no tag"),
        "AzureActiveDirectory" | "AzureResourceManager" => {
            (Severity::Low, "tenant restrictions on a proxy; the platform needs the tag")
        }
        "AzureMachineLearning" => {
            (Severity::Low, "the platform needs the tag; other workspaces refuse callers without a role")
        }
        "AzureContainerRegistry" => (
            Severity::High,
            "reach your own by private endpoint; what Microsoft's extensions fetch from registries of its own, allow by name on a firewall instead of the tag",
        ),
        _ => (Severity::High, "reach your own by private endpoint, and drop the tag"),
    };
    let text = format!("{by} reaches {others}{reach}");
    Said { severity, kind: Kind::Tag, by, text, advice: advice.into() }
}

/// What let a flow pass: the last rule asked outside name resolution.
fn passing(trace: &Trace) -> Evidence {
    let hops = trace.hops.iter().filter(|hop| hop.kind != HopKind::Resolver);
    let rule = |step: &&Step| {
        step.kind == StepKind::Filter && step.action == Action::Pass && step.evidence.decider().is_some()
    };
    let rules: Vec<&Step> = hops.flat_map(|hop| &hop.steps).filter(rule).collect();
    rules
        .last()
        .map_or_else(|| Evidence { at: At::NOWHERE, ..Evidence::default() }, |step| step.evidence.clone())
}
