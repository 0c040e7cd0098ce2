//! Azure Firewall: DNAT, network rules, application rules, translation, in the order of FW-2 and FW-3.

use super::Cause;
use super::engine::Walk;
use super::forward::MAX_GUESSES;
use super::model::{Evidence, HopKind, Scheme, StepKind, Zone};
use super::state::{Device, End, Next, Place, State, by, of};
use super::worlds::{Asked, Guess};
use crate::inventory::{
    AddressMeaning, AddressWord, AzureFirewall, Field, FirewallAction, FirewallPolicy, FirewallRule,
    FirewallRuleType, Id, IpGroup, Many, Ref, Slot, TableTag, ThreatIntelMode, Unknown, is_way_out,
};
use crate::net::Header;
use crate::net::{AddressSet, IpAddr, PortRange, Protocol};
use crate::network::{
    AttachmentId, AttachmentKind, Choice, EffectiveRoute, Network, RoutePrefix, RouteSource, Tri,
};
use crate::rules as azure;
use crate::services::name_matches;
use std::sync::Arc;

/// A rule with the collection it stands in.
pub(crate) struct Ranked<'a> {
    pub(crate) action: Option<FirewallAction>,
    pub(crate) collection: &'a Arc<str>,
    pub(crate) rule: &'a FirewallRule,
    pub(crate) kind: FirewallRuleType,
    pub(crate) owner: Slot,
}

impl Ranked<'_> {
    /// Whether it is a network rule that names its destinations only.
    fn is_by_name(&self) -> bool {
        self.kind == FirewallRuleType::NetworkRule
            && self.rule.destination_fqdns.given
            && !names_addresses(self.rule)
    }
}

/// Where a firewall stands that translates a destination.
struct Stand {
    /// What remembers the flow.
    device: Device,
    /// Its private address, which the destination sees.
    address: Option<IpAddr>,
    /// What to call it.
    name: String,
    /// Where the flow goes from there.
    next: Place,
}

/// What network rules leave to application rules.
enum NetworkRules {
    /// Nothing: one matched, or it cannot be known.
    Settled,
    /// Everything.
    NoMatch,
    /// Everything, unless a rule denies that may match.
    MayDeny(Unknown),
    /// Everything, unless a rule allows that may match, or one denies.
    MayAllow {
        /// Why that is not known.
        why: Unknown,
        /// Which rule may allow.
        evidence: Evidence,
        /// Why it is not known whether another denies.
        denies: Option<Unknown>,
    },
}

/// Policies may inherit this deep; Azure allows one level, a file may claim any.
const MAX_PARENTS: usize = 8;

impl<'n> Walk<'n> {
    /// At a firewall from inside: as next hop, or addressed itself.
    pub(super) fn at_firewall(&self, s: &mut State, id: AttachmentId, firewall: Id<AzureFirewall>) -> Next {
        self.enter(s, id);
        self.only_ipv4(s, firewall);
        self.direct_path(s, id, firewall);
        let rules = self.rules_of(s, firewall);
        let row = self.net.attachment(id);
        if row.address == Some(s.header.destination) {
            if self.is_dns_proxy(firewall) && s.header.port == 53 {
                s.pass(StepKind::Deliver, of(self.net, Some(row.owner), &[azure::FW_15]), || {
                    "the firewall answers DNS".into()
                });
                return Next::End(End::Arrived(
                    super::state::Terminal::Attachment(id),
                    super::Disposition::Accepted,
                ));
            }
            return self.dnat(s, self.stand(id), firewall, &rules);
        }
        self.session_begins(s, Device::Transit(id));
        let before = s.header;
        self.judge(s, firewall, &rules, &|s| {
            self.translate(s, id, firewall, before);
            Next::Go(Place::Leave(id))
        })
    }

    /// At a firewall's public address (FW-8).
    pub(super) fn at_firewall_from_public(&self, s: &mut State, firewall: Id<AzureFirewall>) -> Next {
        let row = &self.net.inventory.azure_firewalls[firewall];
        let found = self.net.attachments.iter().position(|a| a.kind == AttachmentKind::Firewall(firewall));
        if let Some(id) = found.map(|n| AttachmentId(n as u32)) {
            self.enter(s, id);
            self.only_ipv4(s, firewall);
            let rules = self.rules_of(s, firewall);
            return self.dnat(s, self.stand(id), firewall, &rules);
        }
        s.hop(HopKind::AzureFirewall, row.id.name().to_owned(), Some(row.id.clone()), Zone::Yours);
        let hub = row.virtual_hub.known().and_then(|r| self.net.inventory.follow(r).row());
        let (Some(hub), Some(address)) = (hub, row.hub_private_ip_address.known().copied()) else {
            let what = if hub.is_some() { "private address" } else { "subnet" };
            let unknown = Unknown::new(row.at, format!("the {what} of `{}` is not known", row.id.name()));
            s.unknown(StepKind::Forward, Cause::UnknownValue, &unknown, by(&[]));
            return Next::End(End::Stopped);
        };
        let rules = self.rules_of(s, firewall);
        let stand = Stand {
            device: Device::Hub(hub),
            address: Some(address),
            name: row.id.name().to_owned(),
            next: Place::Hub(hub, true),
        };
        self.dnat(s, stand, firewall, &rules)
    }

    /// A firewall in a subnet.
    fn stand(&self, id: AttachmentId) -> Stand {
        let row = self.net.attachment(id);
        let name = row.name.to_string();
        Stand { device: Device::Transit(id), address: row.address, name, next: Place::Leave(id) }
    }

    /// A firewall that learns a default route has no direct path to the internet, which it needs unless it was built
    /// for forced tunnelling (RT-35).
    fn direct_path(&self, s: &mut State, id: AttachmentId, firewall: Id<AzureFirewall>) {
        let row = &self.net.inventory.azure_firewalls[firewall];
        let destination = s.header.destination;
        if !row.management_ip_configuration.is_absent() || !self.net.is_public(destination) {
            return;
        }
        let attachment = self.net.attachment(id);
        let Choice::Route(routes, _) = self.net.choose(attachment.subnet, destination) else { return };
        let everything =
            |r: &EffectiveRoute| matches!(&r.prefix, Some(RoutePrefix::Net(net)) if is_way_out(net));
        let learnt = |r: &&EffectiveRoute| r.source == RouteSource::VirtualNetworkGateway && everything(r);
        let Some(route) = routes.first().copied().filter(learnt) else { return };
        let name = row.id.name();
        if row.ip_configurations.is_empty() {
            s.assume(
                None,
                format!("`{name}` was built for forced tunnelling, for it learns a default route (RT-35)"),
            );
            return;
        }
        let why = format!(
            "`{name}` learns a default route and was not built for forced tunnelling: whether it works is not known (RT-35)"
        );
        let evidence = Evidence { at: route.at, ..of(self.net, Some(attachment.owner), &[azure::RT_35]) };
        s.unknown(StepKind::Forward, Cause::UnsupportedResource, &Unknown::new(route.at, why), evidence);
    }

    /// Azure Firewall is documented for IPv4 alone; what becomes of an IPv6 packet that is sent to one is not.
    fn only_ipv4(&self, s: &mut State, firewall: Id<AzureFirewall>) {
        if s.header.destination.is_ipv6() {
            let row = &self.net.inventory.azure_firewalls[firewall];
            let why = format!(
                "`{}` is an Azure Firewall, and what one does with IPv6 is not modelled",
                row.id.name()
            );
            let unknown = Unknown::new(row.at, why);
            s.unknown(StepKind::Filter, Cause::UnsupportedResource, &unknown, by(&[]));
        }
    }

    fn slot_of_firewall(&self, firewall: Id<AzureFirewall>) -> Slot {
        Slot { table: TableTag::AzureFirewall, row: firewall.raw() }
    }

    fn policy(&self, firewall: Id<AzureFirewall>) -> Option<Id<FirewallPolicy>> {
        let field = &self.net.inventory.azure_firewalls[firewall].firewall_policy;
        self.net.inventory.follow(field.known()?).row()
    }

    /// The policies that hold, the parent first (FW-3).
    fn policies(&self, firewall: Id<AzureFirewall>) -> Vec<Id<FirewallPolicy>> {
        let mut chain = Vec::new();
        let mut here = self.policy(firewall);
        while let Some(policy) = here.filter(|p| !chain.contains(p) && chain.len() < MAX_PARENTS) {
            chain.push(policy);
            let base = &self.net.inventory.firewall_policies[policy].base_policy;
            here = base.known().and_then(|b| self.net.inventory.follow(b).row());
        }
        chain.reverse();
        chain
    }

    /// Whether some of the firewall's rules are in none of the files; then no match means nothing. The unknown itself
    /// was written down when the rules were gathered.
    fn policy_unknown(&self, firewall: Id<AzureFirewall>) -> bool {
        let inventory = &self.net.inventory;
        let own = &inventory.azure_firewalls[firewall].firewall_policy;
        let lost = |r: &Ref<FirewallPolicy>| inventory.follow(r).row().is_none();
        own.unknown().is_some()
            || own.known().is_some_and(lost)
            || self
                .policies(firewall)
                .iter()
                .any(|p| inventory.firewall_policies[*p].base_policy.known().is_some_and(lost))
    }

    /// Whether the firewall answers DNS for its clients (FW-15).
    pub(super) fn is_dns_proxy(&self, firewall: Id<AzureFirewall>) -> bool {
        let inventory = &self.net.inventory;
        let classic = inventory.azure_firewalls[firewall].classic_dns_proxy.is(true);
        classic || self.policies(firewall).iter().any(|p| inventory.firewall_policies[*p].dns_proxy.is(true))
    }

    /// The firewall's own DNS servers.
    pub(super) fn firewall_dns_servers(&self, firewall: Id<AzureFirewall>) -> Vec<IpAddr> {
        let policies = self.policies(firewall);
        let last = policies.last().map(|p| &self.net.inventory.firewall_policies[*p]);
        last.map(|p| p.dns_servers.items.clone()).unwrap_or_default()
    }

    /// Every rule in the order it is asked within its type. What cannot be ordered or read is written down.
    fn rules_of(&self, s: &mut State, firewall: Id<AzureFirewall>) -> Vec<Ranked<'n>> {
        let inventory = &self.net.inventory;
        let row = &inventory.azure_firewalls[firewall];
        let mut out = Vec::new();
        if let Field::Known(reference) = &row.firewall_policy
            && self.policy(firewall).is_none()
        {
            let unknown = Unknown::new(
                reference.at,
                format!("the policy `{}` is in none of the files", reference.text),
            );
            s.unknown(StepKind::Filter, Cause::DanglingReference, &unknown, by(&[azure::FW_3]));
        }
        if let Some(unknown) = row.firewall_policy.unknown() {
            s.unknown(StepKind::Filter, Cause::UnknownValue, &unknown.clone(), by(&[azure::FW_3]));
        }
        for policy in self.policies(firewall) {
            let base = &inventory.firewall_policies[policy].base_policy;
            if let Some(reference) = base.known().filter(|b| inventory.follow(b).row().is_none()) {
                let unknown = Unknown::new(
                    reference.at,
                    format!("the parent policy `{}` is in none of the files", reference.text),
                );
                s.unknown(StepKind::Filter, Cause::DanglingReference, &unknown, by(&[azure::FW_3]));
            }
            out.extend(self.rules_of_policy(policy));
        }
        let classic = [
            (&row.nat_rule_collections, FirewallRuleType::NatRule),
            (&row.network_rule_collections, FirewallRuleType::NetworkRule),
            (&row.application_rule_collections, FirewallRuleType::ApplicationRule),
        ];
        for (collections, kind) in classic {
            let mut sorted: Vec<_> = collections.iter().collect();
            sorted.sort_by_key(|c| c.priority.known().copied().unwrap_or(i64::MAX));
            for collection in sorted {
                let action = collection.action.known().copied();
                let owner = self.slot_of_firewall(firewall);
                out.extend(collection.rules.iter().map(|rule| Ranked {
                    action,
                    collection: &collection.name,
                    rule,
                    kind,
                    owner,
                }));
            }
        }
        if !self.is_dns_proxy(firewall) && out.iter().any(Ranked::is_by_name) {
            s.warn(
                "network rules by name need the firewall's DNS proxy and match nothing without it (FW-14)",
            );
            out.retain(|r| !r.is_by_name());
        }
        out
    }

    fn rules_of_policy(&self, policy: Id<FirewallPolicy>) -> Vec<Ranked<'n>> {
        let inventory = &self.net.inventory;
        let id = &inventory.firewall_policies[policy].id;
        let mut groups: Vec<_> = inventory
            .rule_collection_groups
            .rows()
            .filter(|(_, g)| g.id.parent().is_some_and(|p| p == *id))
            .collect();
        groups.sort_by_key(|(row, g)| (g.priority.known().copied().unwrap_or(i64::MAX), *row));
        let mut out = Vec::new();
        for (row, group) in groups {
            let owner = Slot { table: TableTag::RuleCollectionGroup, row: row.raw() };
            let mut collections: Vec<_> = group.rule_collections.iter().collect();
            collections.sort_by_key(|c| c.priority.known().copied().unwrap_or(i64::MAX));
            for collection in collections {
                let nat = collection
                    .rule_collection_type
                    .known()
                    .is_some_and(|t| t.to_ascii_lowercase().contains("nat"))
                    || collection.action.is(FirewallAction::Dnat);
                let action = collection.action.known().copied();
                for rule in collection.rules.iter() {
                    let fallback = if nat {
                        FirewallRuleType::NatRule
                    } else if rule.target_fqdns.given
                        || rule.fqdn_tags.given
                        || rule.target_urls.given
                        || rule.web_categories.given
                    {
                        FirewallRuleType::ApplicationRule
                    } else {
                        FirewallRuleType::NetworkRule
                    };
                    let kind = rule.rule_type.known().copied().unwrap_or(fallback);
                    out.push(Ranked { action, collection: &collection.name, rule, kind, owner });
                }
            }
        }
        out
    }

    fn evidence_of(&self, ranked: &Ranked<'_>, rules: &[azure::RuleId]) -> Evidence {
        let name = format!("{}/{}", ranked.collection, ranked.rule.name);
        Evidence { name: Some(name.into()), at: ranked.rule.at, ..of(self.net, Some(ranked.owner), rules) }
    }

    /// Judges the flow by the rules of a firewall, and sends it on.
    pub(super) fn judge_at(
        &self,
        s: &mut State,
        firewall: Id<AzureFirewall>,
        onward: &dyn Fn(&mut State) -> Next,
    ) -> Next {
        let rules = self.rules_of(s, firewall);
        self.judge(s, firewall, &rules, onward)
    }

    /// Network rules, then application rules, then the default deny (FW-1, FW-2, FW-5); then onward. Where a network
    /// rule may allow and may not match, the source that the destination sees may differ, so both ways are walked.
    fn judge(
        &self,
        s: &mut State,
        firewall: Id<AzureFirewall>,
        rules: &[Ranked<'_>],
        onward: &dyn Fn(&mut State) -> Next,
    ) -> Next {
        let stopped = s.blockers.len();
        self.threat_intelligence(s, firewall);
        match self.network_rules(s, rules) {
            NetworkRules::Settled => {}
            NetworkRules::NoMatch => self.judge_by_application(s, firewall, rules),
            NetworkRules::MayDeny(unknown) => self.unless_denied(s, firewall, rules, &unknown),
            NetworkRules::MayAllow { why, evidence, denies } => {
                let at = Asked::Firewall(firewall, s.header);
                let known = s.guesses.iter().find(|g| g.at == at).map(|g| g.way);
                if known.is_none() && s.guesses.len() >= MAX_GUESSES {
                    s.unknown(StepKind::Filter, super::filter::cause_of(&why), &why, evidence);
                    return onward(s);
                }
                let go = |s: &mut State, way: usize| {
                    match (way, &denies) {
                        (0, _) => s.note(StepKind::Filter, evidence.clone(), || {
                            format!("{}: here as if this network rule matched and allowed", why.why)
                        }),
                        (_, Some(deny)) => self.unless_denied(s, firewall, rules, deny),
                        (_, None) => self.judge_by_application(s, firewall, rules),
                    }
                    self.on_open_flows(s, stopped);
                    onward(s)
                };
                if let Some(way) = known {
                    return go(s, way);
                }
                let mut ways: Vec<(State, Next)> = (0..2)
                    .map(|way| {
                        let mut branch = s.clone();
                        branch.guesses.push(Guess { at: at.clone(), way, of: 2 });
                        let next = go(&mut branch, way);
                        (branch, next)
                    })
                    .collect();
                let mut doubt = s.clone();
                doubt.stands_for_unknown = true;
                doubt.unknown(StepKind::Filter, super::filter::cause_of(&why), &why, evidence.clone());
                ways.push((doubt, Next::End(End::Stopped)));
                return Next::Forked(ways);
            }
        }
        self.on_open_flows(s, stopped);
        onward(s)
    }

    /// FW-9: what the rules of today say of a flow that is open already.
    fn on_open_flows(&self, s: &mut State, stopped: usize) {
        if s.open.is_some() {
            s.note(StepKind::Filter, by(&[azure::FW_9]), || {
                "the firewall asks its rules of today about open flows too".into()
            });
            s.blockers.iter_mut().skip(stopped).for_each(|b| b.evidence.rules.push(azure::FW_9));
        }
    }

    /// A network rule that may match denies: that matters only where what comes after would let the flow through.
    fn unless_denied(
        &self,
        s: &mut State,
        firewall: Id<AzureFirewall>,
        rules: &[Ranked<'_>],
        unknown: &Unknown,
    ) {
        let said = s.blockers.len();
        self.judge_by_application(s, firewall, rules);
        if s.blockers.len() == said {
            let cause = super::filter::cause_of(unknown);
            s.unknown(StepKind::Filter, cause, unknown, by(&[azure::FW_5]));
        }
    }

    /// Application rules, then the default deny.
    fn judge_by_application(&self, s: &mut State, firewall: Id<AzureFirewall>, rules: &[Ranked<'_>]) {
        if self.application_rules(s, firewall, rules) || self.policy_unknown(firewall) {
            return;
        }
        let evidence = of(self.net, Some(self.slot_of_firewall(firewall)), &[azure::FW_1, azure::FW_5]);
        let listens = |r: &Ranked<'_>| {
            r.kind == FirewallRuleType::ApplicationRule
                && application_protocol(r.rule, s.header.port, None) == Tri::Yes
        };
        let tcp = s.header.protocol == Protocol::Tcp;
        if tcp && (app_protocol(s.header.port).is_some() || rules.iter().any(listens)) {
            let evidence = Evidence { rules: vec![azure::FW_1, azure::FW_5, azure::FW_24], ..evidence };
            let name =
                s.host.clone().map_or_else(|| "a request without a name".to_owned(), |h| format!("`{h}`"));
            let evidence = match s.host.clone().filter(|h| is_microsofts(h)) {
                Some(host) if self.may_be_infrastructure(s, &host) => return,
                Some(_) => Evidence { rules: [&evidence.rules[..], &[azure::FW_13]].concat(), ..evidence },
                None => evidence,
            };
            let text = format!("no network rule and no application rule matches {name}");
            s.block(StepKind::Filter, Cause::FirewallApplicationRuleNoMatch, evidence, text);
        } else {
            s.block(
                StepKind::Filter,
                Cause::FirewallDefaultDeny,
                evidence,
                "no rule matches; the firewall denies by default",
            );
        }
    }

    /// Just before its final deny Azure Firewall lets names of Azure's own infrastructure through, of which no page
    /// lists them all (FW-13): of those of managed disks it is not known, others are taken to be none.
    fn may_be_infrastructure(&self, s: &mut State, host: &str) -> bool {
        if !host.to_ascii_lowercase().ends_with(MANAGED_DISKS) {
            s.assume(None, format!("`{host}` is none of the names of Azure's infrastructure that the firewall lets through of its own accord (FW-13)"));
            return false;
        }
        let why = format!(
            "whether `{host}` is a name of Azure's infrastructure, which the firewall lets through of its own accord (FW-13)"
        );
        let unknown = Unknown::new(crate::diag::At::NOWHERE, why);
        s.unknown(StepKind::Filter, Cause::UnknownValue, &unknown, by(&[azure::FW_13]));
        true
    }

    fn threat_intelligence(&self, s: &mut State, firewall: Id<AzureFirewall>) {
        let inventory = &self.net.inventory;
        let own = inventory.azure_firewalls[firewall].threat_intel_mode.is(ThreatIntelMode::Deny);
        let policy = self
            .policies(firewall)
            .iter()
            .any(|p| inventory.firewall_policies[*p].threat_intel_mode.is(ThreatIntelMode::Deny));
        if own || policy {
            s.assume(None, "threat intelligence knows nothing bad of the addresses and names (FW-2)");
        }
        let drops = |p: &Id<FirewallPolicy>| {
            let mode = inventory.firewall_policies[*p].intrusion_detection.known();
            mode.is_some_and(|m| m.eq_ignore_ascii_case("Deny"))
        };
        if self.policies(firewall).iter().any(drops) {
            s.assume(None, "intrusion prevention finds nothing in the contents (FW-12)");
        }
    }

    /// What network rules say.
    fn network_rules(&self, s: &mut State, rules: &[Ranked<'_>]) -> NetworkRules {
        let mut doubts: Vec<(Unknown, &Ranked<'_>)> = Vec::new();
        for ranked in rules.iter().filter(|r| r.kind == FirewallRuleType::NetworkRule) {
            match self.network_match(s, ranked.rule) {
                Tri::No => {}
                Tri::Unknown(unknown) => doubts.push((unknown, ranked)),
                Tri::Yes => {
                    match doubts.into_iter().find(|(_, other)| other.action != ranked.action) {
                        Some((unknown, _)) => {
                            let evidence = self.evidence_of(ranked, &[azure::FW_5]);
                            let cause = super::filter::cause_of(&unknown);
                            s.unknown(StepKind::Filter, cause, &unknown, evidence);
                        }
                        None => self.settle(s, ranked, false),
                    }
                    return NetworkRules::Settled;
                }
            }
        }
        if let Some((why, ranked)) = doubts.iter().find(|(_, ranked)| ranked.action.is_none()) {
            let evidence = self.evidence_of(ranked, &[azure::FW_5]);
            s.unknown(StepKind::Filter, super::filter::cause_of(why), why, evidence);
            return NetworkRules::Settled;
        }
        let (denies, allows): (Vec<_>, Vec<_>) =
            doubts.into_iter().partition(|(_, ranked)| ranked.action == Some(FirewallAction::Deny));
        let denies = denies.into_iter().next().map(|(why, _)| why);
        match (allows.into_iter().next(), denies) {
            (Some((why, ranked)), denies) => {
                let evidence = self.evidence_of(ranked, &[azure::FW_5]);
                NetworkRules::MayAllow { why, evidence, denies }
            }
            (None, Some(unknown)) => NetworkRules::MayDeny(unknown),
            (None, None) => NetworkRules::NoMatch,
        }
    }

    fn settle(&self, s: &mut State, ranked: &Ranked<'_>, application: bool) {
        let evidence = self.evidence_of(ranked, &[azure::FW_3, azure::FW_5]);
        let kind = if application { "application" } else { "network" };
        let text = format!("{kind} rule `{}` of `{}`", ranked.rule.name, ranked.collection);
        match ranked.action {
            Some(FirewallAction::Deny) if application => {
                s.block(
                    StepKind::Filter,
                    Cause::FirewallApplicationRuleDeny,
                    evidence,
                    format!("{text} denies"),
                );
            }
            Some(FirewallAction::Deny) => {
                s.block(StepKind::Filter, Cause::FirewallNetworkRuleDeny, evidence, format!("{text} denies"));
            }
            Some(_) => s.pass(StepKind::Filter, evidence, || format!("{text} allows")),
            None => {
                let unknown = Unknown::new(
                    ranked.rule.at,
                    format!("the action of the collection `{}` is not known", ranked.collection),
                );
                s.unknown(StepKind::Filter, Cause::UnknownValue, &unknown, evidence);
            }
        }
    }

    fn network_match(&self, s: &State, rule: &FirewallRule) -> Tri {
        let header = s.header;
        network_protocol(rule, header.protocol)
            .and(|| ports(&rule.destination_ports, &header))
            .and(|| self.address(&rule.source_addresses, &rule.source_ip_groups, header.source))
            .and(|| {
                let by_address = if names_addresses(rule) {
                    self.address(&rule.destination_addresses, &rule.destination_ip_groups, header.destination)
                } else {
                    Tri::No
                };
                by_address.or(|| self.by_name(&rule.destination_fqdns, s))
            })
    }

    /// FW-14: a name in a network rule stands for the addresses it resolves to; here for the name asked, and for
    /// the addresses that somebody says a host of the internet has.
    fn by_name(&self, names: &Many<Arc<str>>, s: &State) -> Tri {
        let host = s.host.as_deref();
        let shares = |name: &str| {
            let public = self.net.names.public(&name.to_ascii_lowercase());
            let Some(crate::network::PublicTarget::Host(id)) = public.map(|p| p.target) else { return false };
            self.net.inventory.internet_hosts[id].addresses.items.contains(&s.header.destination)
        };
        if names.iter().any(|n| host.is_some_and(|h| n.eq_ignore_ascii_case(h)) || shares(n)) {
            return Tri::Yes;
        }
        names.unknown.clone().map_or(Tri::No, Tri::Unknown)
    }

    fn address(&self, words: &Many<AddressWord>, groups: &Many<Ref<IpGroup>>, ip: IpAddr) -> Tri {
        let mut unknown = words.unknown.clone().or_else(|| groups.unknown.clone());
        if !words.given && !groups.given {
            return Tri::Yes;
        }
        let mut word = |w: &AddressWord| match &w.means {
            AddressMeaning::Any => true,
            AddressMeaning::Addresses(set) => set.contains(ip),
            AddressMeaning::Tag(name) => match self.net.tags.find(name) {
                Some(tag) => self.net.tags.set(tag).contains(ip),
                None => {
                    let why = format!("the prefixes of the service tag `{name}` are not in the table in use");
                    unknown.get_or_insert(Unknown::new(crate::diag::At::NOWHERE, why));
                    false
                }
            },
        };
        if words.iter().any(&mut word) {
            return Tri::Yes;
        }
        for group in groups {
            match self.net.inventory.follow(group).row() {
                Some(row) if self.net.inventory.ip_groups[row].ip_addresses.iter().any(&mut word) => {
                    return Tri::Yes;
                }
                Some(_) => {}
                None => {
                    unknown = Some(Unknown::new(
                        group.at,
                        format!("the IP group `{}` is in none of the files", group.text),
                    ));
                    break;
                }
            }
        }
        unknown.map_or(Tri::No, Tri::Unknown)
    }

    /// `true` where an application rule, or doubt about one, settles the matter. A rule that may match matters only
    /// where those below it say something else.
    fn application_rules(&self, s: &mut State, firewall: Id<AzureFirewall>, rules: &[Ranked<'_>]) -> bool {
        if s.header.protocol != Protocol::Tcp {
            return false;
        }
        self.takes_a_protocol(s, rules);
        let mut doubts: Vec<(Unknown, &Ranked<'_>)> = Vec::new();
        for ranked in rules.iter().filter(|r| r.kind == FirewallRuleType::ApplicationRule) {
            match self.application_fits(s, ranked, s.scheme) {
                Tri::No => {}
                Tri::Yes => {
                    match doubts.iter().find(|(_, other)| other.action != ranked.action) {
                        Some((unknown, other)) => self.application_doubt(s, unknown, other),
                        None => {
                            self.settle(s, ranked, true);
                            sql_by_proxy(s, ranked);
                            tells_a_name(s, ranked);
                            self.proxied(s);
                            let leans = self.leans_on_protocol(s, rules);
                            self.speaks(s, firewall, ranked.rule, leans);
                        }
                    }
                    return true;
                }
                Tri::Unknown(unknown) => doubts.push((unknown, ranked)),
            }
        }
        // What no rule matches is denied, and so is what may match rules that deny.
        match doubts.iter().find(|(_, other)| other.action != Some(FirewallAction::Deny)) {
            Some((unknown, other)) => self.application_doubt(s, unknown, other),
            None => return false,
        }
        true
    }

    /// Whether an application rule is about a flow of which this is spoken.
    fn application_fits(&self, s: &State, ranked: &Ranked<'_>, scheme: Option<Scheme>) -> Tri {
        let rule = ranked.rule;
        application_protocol(rule, s.header.port, scheme)
            .and(|| self.address(&rule.source_addresses, &rule.source_ip_groups, s.header.source))
            .and(|| application_name(rule, s.host.as_deref()))
    }

    /// Whether the rules judge HTTP on the port asked otherwise than HTTPS, where nobody says which of the two is meant.
    fn leans_on_protocol(&self, s: &State, rules: &[Ranked<'_>]) -> bool {
        let judged = |scheme| {
            let mut rules = rules.iter().filter(|r| r.kind == FirewallRuleType::ApplicationRule);
            rules.find(|r| self.application_fits(s, r, Some(scheme)) == Tri::Yes).map(|r| r.action)
        };
        s.scheme.is_none() && judged(Scheme::Http) != judged(Scheme::Https)
    }

    /// On the port of a protocol, that one is taken to be spoken; written down where a rule names the port for another.
    fn takes_a_protocol(&self, s: &mut State, rules: &[Ranked<'_>]) {
        let port = s.header.port;
        let Some(own) = app_protocol(port) else { return };
        let mut named = rules.iter().flat_map(|r| r.rule.ip_protocols.iter());
        let other = named.any(|p| p.port == Some(port) && !p.protocol.eq_ignore_ascii_case(own));
        if other && self.leans_on_protocol(s, rules) {
            s.assume(None, format!("what is spoken on port {port} is {own}, the protocol whose port it is"));
        }
    }

    /// What an application rule takes a flow for: on a port that is no protocol's own, for what the rule says. Of HTTP the
    /// firewall asks for the name itself (FW-6).
    fn speaks(&self, s: &mut State, firewall: Id<AzureFirewall>, rule: &FirewallRule, leans: bool) {
        let port = s.header.port;
        let says = || rule.ip_protocols.iter().find(|p| p.port == Some(port)).map(|p| &*p.protocol);
        let asked = s.scheme.map(Scheme::word).or(app_protocol(port));
        let protocol = asked.or_else(says).unwrap_or("Http");
        if asked.is_none() && leans {
            s.assume(
                None,
                format!("what is spoken on port {port} is {protocol}, as the rule `{}` says", rule.name),
            );
        }
        if !protocol.eq_ignore_ascii_case("Http") || s.returning {
            return;
        }
        let own = |a: &crate::network::Attachment| a.kind == AttachmentKind::Firewall(firewall);
        match self.net.attachments.iter().position(own) {
            Some(number) => self.connects_by_name(s, AttachmentId(number as u32), firewall),
            None => self.asks_from_hub(s, firewall),
        }
    }

    /// A firewall of a hub has no network whose zones it could ask. The public address of a name it finds like anybody;
    /// whether its own servers know the private one, no file tells (FW-6).
    fn asks_from_hub(&self, s: &mut State, firewall: Id<AzureFirewall>) {
        let Some(name) = s.host.clone().filter(|_| !self.net.is_public(s.header.destination)) else { return };
        let row = &self.net.inventory.azure_firewalls[firewall];
        let why =
            format!("what the hub's firewall `{}` resolves `{name}` to, where it connects", row.id.name());
        let evidence = of(self.net, Some(self.slot_of_firewall(firewall)), &[azure::FW_6]);
        s.unknown(StepKind::Resolve, Cause::UnknownValue, &Unknown::new(row.at, why), evidence);
    }

    fn application_doubt(&self, s: &mut State, unknown: &Unknown, ranked: &Ranked<'_>) {
        let evidence = self.evidence_of(ranked, &[azure::FW_17]);
        s.unknown(StepKind::Filter, super::filter::cause_of(unknown), unknown, evidence);
    }

    /// An application rule is a proxy: the destination sees the firewall (FW-19).
    fn proxied(&self, s: &mut State) {
        s.proxied_here = s.hops.len();
        s.warn("an application rule matched: the destination sees an address of AzureFirewallSubnet (FW-19)");
    }

    /// Translation of the source (FW-19): always by an application rule, by a network rule only outside the
    /// private ranges of the policy.
    /// `before` is what the sender sent.
    fn translate(&self, s: &mut State, id: AttachmentId, firewall: Id<AzureFirewall>, before: Header) {
        let here = s.header;
        let translates = self.translates(s, firewall);
        let own = self.net.attachment(id).address;
        let after = match own.filter(|_| translates) {
            Some(own) => Header { source: own, ..here },
            None => here,
        };
        s.remember(Device::Transit(id), before, after, &self.net.attachment(id).name);
        if after != here {
            let slot = self.slot_of_firewall(firewall);
            s.rewrite(StepKind::Translate, after, of(self.net, Some(slot), &[azure::FW_19]), || {
                format!("source becomes {}", after.source)
            });
        }
    }

    /// Whether the firewall at which the flow is puts its own address in the place of the sender's (FW-19). Where its
    /// ranges cannot be read, that is written down.
    pub(super) fn translates(&self, s: &mut State, firewall: Id<AzureFirewall>) -> bool {
        if s.proxied_here == s.hops.len() {
            return true;
        }
        let (private, unread) = self.snat_private(firewall);
        let stays = private.contains(s.header.destination);
        if let Some(unknown) = unread.filter(|_| !stays) {
            let cause = super::filter::cause_of(&unknown);
            s.unknown(StepKind::Translate, cause, &unknown, self.by_ranges_of(firewall));
        }
        if !stays && !self.net.is_public(s.header.destination) {
            self.may_have_learnt(s, firewall);
        }
        !stays
    }

    /// A firewall that learns its private ranges leaves them alone too (FW-19); which they are, its Route Server knows.
    fn may_have_learnt(&self, s: &mut State, firewall: Id<AzureFirewall>) {
        for policy in self.policies(firewall) {
            let row = &self.net.inventory.firewall_policies[policy];
            let why = match (row.snat_learns.known(), row.snat_learns.unknown()) {
                (Some(word), _) if word.eq_ignore_ascii_case("Enabled") => Unknown::new(
                    row.at,
                    format!(
                        "whether the private ranges that `{}` learns hold the destination",
                        row.id.name()
                    ),
                ),
                (None, Some(unknown)) => unknown.clone(),
                _ => continue,
            };
            let evidence = of(
                self.net,
                Some(Slot { table: TableTag::FirewallPolicy, row: policy.raw() }),
                &[azure::FW_19],
            );
            s.unknown(StepKind::Translate, super::filter::cause_of(&why), &why, evidence);
            return;
        }
    }

    /// What leaves for the internet with an address that its firewall was told not to translate gets no answer: the
    /// firewall has no other way to give it a public one (FW-19).
    pub(super) fn left_untranslated(&self, s: &mut State, from: Option<AttachmentId>) {
        let Some(row) = from.map(|id| self.net.attachment(id)) else { return };
        let AttachmentKind::Firewall(firewall) = row.kind else { return };
        if row.address.is_none() || row.address == Some(s.header.source) {
            return;
        }
        if !self.net.inventory.subnets[row.subnet].nat_gateway.is_absent() {
            let why = format!(
                "whether the NAT gateway of AzureFirewallSubnet takes what `{}` leaves untranslated",
                row.name
            );
            let unknown = Unknown::new(row.at, why);
            s.unknown(StepKind::Translate, Cause::UnsupportedResource, &unknown, self.by_ranges_of(firewall));
        } else {
            self.kept_private(s, firewall);
        }
    }

    /// A firewall leaves the source of what goes to the internet as it is.
    pub(super) fn kept_private(&self, s: &mut State, firewall: Id<AzureFirewall>) {
        let name = self.net.inventory.azure_firewalls[firewall].id.name();
        let Header { source, destination, .. } = s.header;
        let text = format!(
            "`{name}` leaves the source {source} as it is, for its private ranges hold {destination}: nothing gives it a \
             public address"
        );
        s.block(StepKind::Translate, Cause::NoOutboundMethod, self.by_ranges_of(firewall), text);
    }

    /// The private ranges that somebody gave a firewall, and where: its policy's, a child's before its parent's, or those
    /// of a firewall without policy.
    fn snat_ranges(&self, firewall: Id<AzureFirewall>) -> Option<(&'n Many<Arc<str>>, Slot)> {
        let inventory = &self.net.inventory;
        let told = |list: &Many<Arc<str>>| list.given || list.unknown.is_some();
        let policies = self.policies(firewall);
        if policies.is_empty() {
            let own = &inventory.azure_firewalls[firewall].classic_snat_ranges;
            return told(own).then(|| (own, self.slot_of_firewall(firewall)));
        }
        policies.iter().rev().find_map(|policy| {
            let list = &inventory.firewall_policies[*policy].snat_private_ranges;
            let slot = Slot { table: TableTag::FirewallPolicy, row: policy.raw() };
            told(list).then_some((list, slot))
        })
    }

    fn by_ranges_of(&self, firewall: Id<AzureFirewall>) -> Evidence {
        let owner =
            self.snat_ranges(firewall).map_or_else(|| self.slot_of_firewall(firewall), |(_, slot)| slot);
        of(self.net, Some(owner), &[azure::FW_19])
    }

    /// The destinations private to the firewall, to which a network rule leaves the source alone, and why there may be
    /// more of them.
    fn snat_private(&self, firewall: Id<AzureFirewall>) -> (AddressSet, Option<Unknown>) {
        let Some((list, owner)) = self.snat_ranges(firewall) else { return (iana_private(), None) };
        let mut set = AddressSet::empty();
        let mut unread = list.unknown.clone();
        // A classic firewall has them in one text.
        for word in list.iter().flat_map(|text| text.split(',')).map(str::trim).filter(|w| !w.is_empty()) {
            match crate::net::parse_addresses(word) {
                _ if word.eq_ignore_ascii_case("IANAPrivateRanges") => set.extend(&iana_private()),
                Some(more) => set.extend(&more),
                None => {
                    let why = format!("what the private range `{word}` means");
                    unread.get_or_insert(Unknown::new(self.net.inventory.at_of(owner), why));
                }
            }
        }
        (set, unread)
    }

    /// A DNAT rule for what is addressed to the firewall (FW-8).
    fn dnat(&self, s: &mut State, stand: Stand, firewall: Id<AzureFirewall>, rules: &[Ranked<'_>]) -> Next {
        let header = s.header;
        for ranked in rules.iter().filter(|r| r.kind == FirewallRuleType::NatRule) {
            let rule = ranked.rule;
            let fits = network_protocol(rule, header.protocol)
                .and(|| ports(&rule.destination_ports, &header))
                .and(|| self.address(&rule.source_addresses, &rule.source_ip_groups, header.source))
                .and(|| self.dnat_destination(rule, header.destination, firewall));
            match fits {
                Tri::No => {}
                Tri::Unknown(unknown) => {
                    s.unknown(
                        StepKind::Translate,
                        super::filter::cause_of(&unknown),
                        &unknown,
                        self.evidence_of(ranked, &[azure::FW_8]),
                    );
                    return Next::End(End::Stopped);
                }
                Tri::Yes => return self.dnat_by(s, stand, ranked, rules),
            }
        }
        if self.policy_unknown(firewall) {
            return Next::End(End::Stopped);
        }
        let evidence = of(self.net, Some(self.slot_of_firewall(firewall)), &[azure::FW_8, azure::FW_1]);
        s.block(
            StepKind::Translate,
            Cause::FirewallNotForwarding,
            evidence,
            format!("no DNAT rule takes {header}"),
        );
        Next::End(End::Stopped)
    }

    fn dnat_destination(&self, rule: &FirewallRule, ip: IpAddr, firewall: Id<AzureFirewall>) -> Tri {
        match self.address(&rule.destination_addresses, &rule.destination_ip_groups, ip) {
            // A template names the firewall's public address by reference, which only a deployment knows.
            Tri::Unknown(_) if rule.destination_addresses.items.is_empty() => {
                let owns = self.net.by_public_address.get(&ip)
                    == Some(&crate::network::Occupant::Firewall(firewall));
                Tri::of(owns)
            }
            other => other,
        }
    }

    fn dnat_by(&self, s: &mut State, stand: Stand, ranked: &Ranked<'_>, rules: &[Ranked<'_>]) -> Next {
        let rule = ranked.rule;
        let evidence = self.evidence_of(ranked, &[azure::FW_8]);
        let Some(destination) = rule.translated_address.known().copied() else {
            let why = match rule.translated_fqdn.known() {
                Some(name) => format!(
                    "the address of `{name}`, to which `{}` translates: the firewall looks it up itself, which is not modelled",
                    rule.name
                ),
                None => format!("the translated address of `{}` is not known", rule.name),
            };
            let unknown = Unknown::new(rule.at, why);
            s.unknown(StepKind::Translate, Cause::UnknownValue, &unknown, evidence);
            return Next::End(End::Stopped);
        };
        self.session_begins(s, stand.device);
        let before = s.header;
        let port = rule.translated_port.known().and_then(|p| u16::try_from(*p).ok()).unwrap_or(before.port);
        let source = stand.address.unwrap_or(before.source);
        let after = Header { source, destination, port, ..before };
        s.rewrite(StepKind::Translate, after, evidence, || {
            format!("DNAT rule `{}` leads to {destination}:{port}", rule.name)
        });
        s.remember(stand.device, before, after, &stand.name);
        self.denied_after_dnat(s, rules);
        Next::Go(stand.next)
    }

    /// Whether a network rule denies what a DNAT rule let in (D-1); the knob says whether that counts.
    fn denied_after_dnat(&self, s: &mut State, rules: &[Ranked<'_>]) {
        let mut network = rules.iter().filter(|r| r.kind == FirewallRuleType::NetworkRule);
        let hit = network.find(|r| self.network_match(s, r.rule) == Tri::Yes);
        let Some(deny) = hit.filter(|r| r.action == Some(FirewallAction::Deny)) else { return };
        let counts = self.net.profile.dnat_then_network_deny;
        let may = if counts { "may still deny" } else { "cannot deny" };
        s.assume(
            Some("dnatThenNetworkDeny"),
            format!("a network rule {may} what a DNAT rule translated (D-1)"),
        );
        if counts {
            self.settle(s, deny, false);
        }
    }
}

/// The ranges to which a firewall translates nothing unless it is told otherwise (FW-19).
fn iana_private() -> AddressSet {
    let mut set = AddressSet::empty();
    for range in ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"] {
        if let Some(more) = crate::net::parse_addresses(range) {
            set.extend(&more);
        }
    }
    set
}

/// Where Azure keeps what managed disks tell of themselves.
const MANAGED_DISKS: &str = ".blob.storage.azure.net";

/// Whether a name may be one of Azure's own infrastructure.
fn is_microsofts(host: &str) -> bool {
    const OWN: [&str; 4] = [".windows.net", ".azure.com", ".azure.net", ".microsoft.com"];
    let host = host.to_ascii_lowercase();
    OWN.iter().any(|suffix| host.ends_with(suffix))
}

/// Whether a network rule names its destinations by address; an empty list beside names says nothing.
pub(crate) fn names_addresses(rule: &FirewallRule) -> bool {
    let named = |items: bool, unknown: &Option<Unknown>| items || unknown.is_some();
    named(!rule.destination_addresses.items.is_empty(), &rule.destination_addresses.unknown)
        || named(!rule.destination_ip_groups.items.is_empty(), &rule.destination_ip_groups.unknown)
}

/// An application rule reads the names of SQL only where the server's connection policy is Proxy; redirection, Azure's
/// default for callers inside Azure, goes on to other ports (FW-25).
fn sql_by_proxy(s: &mut State, ranked: &Ranked<'_>) {
    let Some(host) = s.host.clone().filter(|_| s.header.port == 1433) else { return };
    if ranked.action == Some(FirewallAction::Allow) && host.ends_with(".database.windows.net") {
        s.assume(None, format!("the connection policy of `{host}` is Proxy: redirection, the default for callers inside Azure, needs network rules for 11000-11999 (FW-25)"));
    }
}

/// HTTPS is judged by the name that the client tells: where it tells none, as clients do that are given an address, an
/// Azure Firewall denies it whatever its rules say (FW-6).
fn tells_a_name(s: &mut State, ranked: &Ranked<'_>) {
    let plain = s.scheme == Some(Scheme::Http) || s.scheme.is_none() && s.header.port == 80;
    if s.host.is_none() && !plain && !s.returning && ranked.action == Some(FirewallAction::Allow) {
        s.assume(
            None,
            format!(
                "the client tells a server name, which `{}` lets through and no rule before it denies: without one (SNI) the firewall denies HTTPS (FW-6)",
                ranked.rule.name
            ),
        );
    }
}

/// What a firewall judges by.
pub(crate) struct Judge<'n> {
    /// Its rules, in the order they are asked within their kind.
    pub(crate) rules: Vec<Ranked<'n>>,
    /// Whether some of them are in none of the files.
    pub(crate) incomplete: bool,
    /// Destinations to which a network rule leaves the source alone.
    pub(crate) private: AddressSet,
    /// Whether some of them are outside of the usual private ranges.
    pub(crate) keeps_more: bool,
    /// Whether it answers DNS.
    pub(crate) proxy: bool,
}

/// What a firewall judges by, for those who write it down in another form.
pub(crate) fn judge_of(net: &Network, firewall: Id<AzureFirewall>) -> Judge<'_> {
    let walk = Walk { net, depth: 0 };
    let nobody = super::question::Origin::Internet(super::question::INTERNET_CLIENT);
    let header = Header {
        source: super::question::INTERNET_CLIENT,
        destination: super::question::INTERNET_HOST,
        protocol: Protocol::Tcp,
        source_port: 0,
        port: 0,
    };
    let mut state = State::new(header, nobody, false);
    let rules = walk.rules_of(&mut state, firewall);
    let (private, unread) = walk.snat_private(firewall);
    let incomplete = !state.missing.is_empty() || walk.policy_unknown(firewall) || unread.is_some();
    let usual = iana_private();
    let is_usual = |(low, high): &(u32, u32)| usual.v4().iter().any(|(a, b)| a <= low && high <= b);
    let keeps_more = !private.v4().iter().all(is_usual);
    Judge { rules, incomplete, private, keeps_more, proxy: walk.is_dns_proxy(firewall) }
}

fn network_protocol(rule: &FirewallRule, protocol: Protocol) -> Tri {
    if let Some(unknown) = &rule.ip_protocols.unknown {
        return Tri::Unknown(unknown.clone());
    }
    let any_port = rule.destination_ports.iter().all(|p| p.is_all());
    Tri::of(rule.ip_protocols.iter().any(|p| {
        if p.protocol.eq_ignore_ascii_case("any") {
            // FW-11: with a port it means TCP and UDP, without one every protocol.
            return any_port || protocol.has_ports();
        }
        Protocol::parse(&p.protocol) == Some(protocol)
    }))
}

fn ports(ports: &Many<PortRange>, header: &Header) -> Tri {
    if let Some(unknown) = &ports.unknown {
        return Tri::Unknown(unknown.clone());
    }
    let all = !ports.given || ports.iter().any(|p| p.is_all());
    Tri::of(all || (header.protocol.has_ports() && ports.iter().any(|p| p.contains(header.port))))
}

/// The application protocol of a port that the firewall's proxy reads by itself (FW-5).
fn app_protocol(port: u16) -> Option<&'static str> {
    match port {
        80 => Some("Http"),
        443 => Some("Https"),
        1433 => Some("Mssql"),
        _ => None,
    }
}

/// Whether an application rule is about a port: its protocol's own, or one it names. What runs on a port that
/// is no protocol's own is taken to be what the rule says.
pub(crate) fn application_protocol(rule: &FirewallRule, port: u16, scheme: Option<Scheme>) -> Tri {
    if let Some(unknown) = &rule.ip_protocols.unknown {
        return Tri::Unknown(unknown.clone());
    }
    let usual = |p: &str| match p.to_ascii_lowercase().as_str() {
        "http" => 80,
        "https" => 443,
        _ => 1433,
    };
    let own = scheme.map(Scheme::word).or(app_protocol(port));
    let tagged =
        scheme.is_none() && !rule.ip_protocols.given && rule.fqdn_tags.given && matches!(port, 80 | 443);
    Tri::of(
        tagged
            || rule.ip_protocols.iter().any(|p| {
                p.port.unwrap_or_else(|| usual(&p.protocol)) == port
                    && own.is_none_or(|own| p.protocol.eq_ignore_ascii_case(own))
            }),
    )
}

/// FQDN tags whose members this program knows well enough to say no.
const KNOWN_FQDN_TAGS: &[(&str, &[&str])] = &[(
    "AzureKubernetesService",
    &[
        "*.azmk8s.io",
        "mcr.microsoft.com",
        "*.data.mcr.microsoft.com",
        "management.azure.com",
        "login.microsoftonline.com",
        "packages.microsoft.com",
        "acs-mirror.azureedge.net",
        "packages.aks.azure.com",
    ],
)];

pub(crate) fn application_name(rule: &FirewallRule, host: Option<&str>) -> Tri {
    let Some(host) = host else { return Tri::of(rule.target_fqdns.iter().any(|f| &**f == "*")) };
    let url = |u: &str| u.split('/').next().unwrap_or_default().to_owned();
    let named = rule.target_fqdns.iter().any(|f| &**f == "*" || wildcard(f, host))
        || rule.target_urls.iter().any(|u| wildcard(&url(u), host));
    if named {
        return Tri::Yes;
    }
    for tag in &rule.fqdn_tags {
        match KNOWN_FQDN_TAGS.iter().find(|(t, _)| t.eq_ignore_ascii_case(tag)) {
            Some((_, members)) if members.iter().any(|m| name_matches(m, host)) => return Tri::Yes,
            Some(_) => {}
            None => {
                let why = format!("the members of the FQDN tag `{tag}` are Microsoft's to know");
                return Tri::Unknown(Unknown::new(rule.at, why));
            }
        }
    }
    if let Some(category) = rule.web_categories.items.first() {
        let why = format!("which names the web category `{category}` holds is Microsoft's to know");
        return Tri::Unknown(Unknown::new(rule.at, why));
    }
    let unknown = rule.target_fqdns.unknown.clone().or_else(|| rule.target_urls.unknown.clone());
    unknown.map_or(Tri::No, Tri::Unknown)
}

/// `*.contoso.com` does not match the bare domain (FW-16); `*contoso.com` does.
fn wildcard(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(rest) if !rest.starts_with('.') => {
            let (rest, host) = (rest.to_ascii_lowercase(), host.to_ascii_lowercase());
            host.ends_with(&rest)
        }
        _ => name_matches(pattern, host),
    }
}
