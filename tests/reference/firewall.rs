//! Azure Firewall (section 10 of the rules).

use super::facts::{Facts, PRIVATE, Tri, net};
use super::filters::{Packet, tag_matches};
use super::names::{Asker, resolve_in};
use super::worlds::{Stop, Worlds};
use netwhy::inventory::{
    AddressMeaning, AddressWord, AzureFirewall, FirewallAction, FirewallPolicy, FirewallProtocol,
    FirewallRule, FirewallRuleType, Id, IpGroup, Many, Ref, RuleCollection, RuleCollectionGroup,
};
use netwhy::net::{IpAddr, Protocol};
use netwhy::trace::Cause;

/// What the firewall does with a packet it lets through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pass {
    /// By a network rule: the source stays for private destinations (FW-19).
    Network { translate: bool },
    /// By an application rule: always with an address of the firewall (FW-19); of HTTP it asks for the name itself (FW-6).
    Application { http: bool },
}

/// The policies of a firewall, parents first (FW-3).
fn policies(f: &Facts, firewall: &AzureFirewall) -> Result<Vec<Id<FirewallPolicy>>, Cause> {
    let mut out = Vec::new();
    let mut next = &firewall.firewall_policy;
    loop {
        match f.bound(next) {
            super::facts::Bound::Nothing => break,
            super::facts::Bound::Unknown(cause) => return Err(cause),
            super::facts::Bound::To(row) => {
                if out.contains(&row) {
                    break;
                }
                out.push(row);
                next = &f.inv.firewall_policies[row].base_policy;
            }
        }
    }
    out.reverse();
    Ok(out)
}

/// A rule where it stands.
struct Placed<'a> {
    group: &'a RuleCollectionGroup,
    collection: &'a RuleCollection,
    rule: &'a FirewallRule,
}

impl Placed<'_> {
    fn decider(&self) -> String {
        format!("{}/{}/{}", self.group.id.full_name(), self.collection.name, self.rule.name)
    }

    fn denies(&self) -> bool {
        self.collection.action.is(FirewallAction::Deny)
    }
}

/// FW-3: all rules of one type in the order they are asked.
fn in_order<'a>(f: &Facts<'a>, policies: &[Id<FirewallPolicy>], kind: FirewallRuleType) -> Vec<Placed<'a>> {
    let mut out = Vec::new();
    for policy in policies {
        let id = &f.inv.firewall_policies[*policy].id;
        let mut groups: Vec<_> =
            f.inv.rule_collection_groups.iter().filter(|g| g.id.parent().as_ref() == Some(id)).collect();
        groups.sort_by_key(|g| g.priority.known().copied());
        for group in groups {
            let mut collections: Vec<_> = group.rule_collections.iter().collect();
            collections.sort_by_key(|c| c.priority.known().copied());
            for collection in collections {
                let rules = collection.rules.iter().filter(|r| r.rule_type.is(kind));
                out.extend(rules.map(|rule| Placed { group, collection, rule }));
            }
        }
    }
    out
}

/// FW-2, FW-5: network rules, then application rules for HTTP, HTTPS and SQL, then deny.
pub(crate) fn filter(
    f: &Facts,
    w: &Worlds,
    place: usize,
    id: Id<AzureFirewall>,
    packet: &Packet,
    host: Option<&str>,
) -> Result<Pass, Stop> {
    let firewall = &f.inv.azure_firewalls[id];
    let name = Some(firewall.id.full_name());
    let policies = match policies(f, firewall) {
        Ok(policies) => policies,
        Err(cause) => {
            return match w.maybe(cause) {
                true => Err(Stop::supposed(cause)),
                false => Ok(Pass::Network { translate: !stays(f, &[], packet.destination) }),
            };
        }
    };
    for placed in in_order(f, &policies, FirewallRuleType::NetworkRule) {
        if !holds(w, network_matches(f, w, place, &policies, placed.rule, packet)) {
            continue;
        }
        if placed.denies() {
            return Err(Stop { cause: Cause::FirewallNetworkRuleDeny, decider: Some(placed.decider()) });
        }
        return Ok(Pass::Network { translate: !stays(f, &policies, packet.destination) });
    }
    let application = in_order(f, &policies, FirewallRuleType::ApplicationRule);
    let spoken = packet.protocol == Protocol::Tcp
        && ([80, 443, 1433].contains(&packet.port)
            || application.iter().any(|p| p.rule.ip_protocols.iter().any(|x| port_of(x) == packet.port)));
    if !spoken {
        return Err(Stop { cause: Cause::FirewallDefaultDeny, decider: name });
    }
    for placed in application {
        if !holds(w, application_matches(f, placed.rule, packet, host)) {
            continue;
        }
        if placed.denies() {
            return Err(Stop { cause: Cause::FirewallApplicationRuleDeny, decider: Some(placed.decider()) });
        }
        let says = placed.rule.ip_protocols.iter().find(|p| p.port == Some(packet.port));
        let http = match packet.port {
            80 => true,
            443 | 1433 => false,
            _ => says.is_none_or(|p| p.protocol.eq_ignore_ascii_case("Http")),
        };
        return Ok(Pass::Application { http });
    }
    Err(Stop { cause: Cause::FirewallApplicationRuleNoMatch, decider: name })
}

/// FW-8: where a DNAT rule sends what is addressed to the firewall. Default text of 2026: translated
/// traffic is not asked about network rules.
pub(crate) fn translate(
    f: &Facts,
    w: &Worlds,
    place: usize,
    id: Id<AzureFirewall>,
    packet: &Packet,
) -> Result<Packet, Stop> {
    let firewall = &f.inv.azure_firewalls[id];
    let closed = Stop { cause: Cause::FirewallNotForwarding, decider: Some(firewall.id.full_name()) };
    let policies = match policies(f, firewall) {
        Ok(policies) => policies,
        Err(cause) => return Err(Stop { cause, decider: None }),
    };
    for placed in in_order(f, &policies, FirewallRuleType::NatRule) {
        let rule = placed.rule;
        let matches = Tri::all([
            words(f, &rule.source_addresses, &rule.source_ip_groups, packet.source),
            words(f, &rule.destination_addresses, &rule.destination_ip_groups, packet.destination),
            protocols(rule, packet),
        ]);
        if !holds(w, matches) {
            continue;
        }
        let Some(to) = rule.translated_address.known() else { return Err(closed) };
        let port = rule.translated_port.known().and_then(|p| u16::try_from(*p).ok()).unwrap_or(packet.port);
        let after = Packet { destination: *to, port, ..*packet };
        if f.profile.dnat_then_network_deny {
            for network in in_order(f, &policies, FirewallRuleType::NetworkRule) {
                if !holds(w, network_matches(f, w, place, &policies, network.rule, &after)) {
                    continue;
                }
                if network.denies() {
                    let decider = Some(network.decider());
                    return Err(Stop { cause: Cause::FirewallNetworkRuleDeny, decider });
                }
                break;
            }
        }
        return Ok(after);
    }
    Err(closed)
}

/// FW-15: whether the firewall answers DNS, and which servers it asks (none means Azure's).
pub(crate) fn proxy_servers(f: &Facts, id: Id<AzureFirewall>) -> Option<Vec<IpAddr>> {
    let policy = f.row(&f.inv.azure_firewalls[id].firewall_policy)?;
    let policy = &f.inv.firewall_policies[policy];
    policy.dns_proxy.is(true).then(|| policy.dns_servers.items.clone())
}

/// FW-19: whether the source stays as it is towards this destination.
fn stays(f: &Facts, policies: &[Id<FirewallPolicy>], to: IpAddr) -> bool {
    // The firewall's own policy is the last; a child without ranges inherits its parent's.
    let given =
        policies.iter().rev().map(|p| &f.inv.firewall_policies[*p].snat_private_ranges).find(|r| r.given);
    match given {
        None => PRIVATE.iter().any(|p| net(p).contains(&to)),
        Some(ranges) => ranges.iter().any(|r| match &**r {
            r if r.eq_ignore_ascii_case("IANAPrivateRanges") => PRIVATE.iter().any(|p| net(p).contains(&to)),
            r => netwhy::net::parse_addresses(r).is_some_and(|set| set.contains(to)),
        }),
    }
}

/// FW-19: who was told to leave the source as it is on the way to an address, where that is out of the ordinary.
pub(crate) fn kept_by(f: &Facts, id: Id<AzureFirewall>) -> Option<String> {
    let policies = policies(f, &f.inv.azure_firewalls[id]).ok()?;
    let own = policies.iter().rev().find(|p| f.inv.firewall_policies[**p].snat_private_ranges.given);
    own.map(|p| f.inv.firewall_policies[*p].id.full_name())
}

fn holds(w: &Worlds, tri: Tri) -> bool {
    match tri {
        Tri::Yes => true,
        Tri::No => false,
        Tri::Unknown(cause) => w.maybe(cause),
    }
}

fn network_matches(
    f: &Facts,
    w: &Worlds,
    place: usize,
    policies: &[Id<FirewallPolicy>],
    rule: &FirewallRule,
    packet: &Packet,
) -> Tri {
    let by_name = || {
        // FW-14: needs the DNS proxy; matched by the addresses the firewall resolves.
        let proxy = policies.last().is_some_and(|p| f.inv.firewall_policies[*p].dns_proxy.is(true));
        Tri::any(rule.destination_fqdns.iter().map(|name| {
            let found = proxy.then(|| resolve_in(f, w, Asker::Holder(place), name)).and_then(Result::ok);
            Tri::of(found.is_some_and(|found| found.ip == packet.destination))
        }))
    };
    Tri::all([
        protocols(rule, packet),
        words(f, &rule.source_addresses, &rule.source_ip_groups, packet.source),
        Tri::any([
            words(f, &rule.destination_addresses, &rule.destination_ip_groups, packet.destination),
            by_name(),
        ]),
    ])
}

/// FW-11: Any with a port means TCP and UDP, Any with every port means everything.
fn protocols(rule: &FirewallRule, packet: &Packet) -> Tri {
    let ports = &rule.destination_ports;
    let every = !ports.given || ports.iter().any(|r| r.is_all());
    let port = every || (packet.protocol.has_ports() && ports.iter().any(|r| r.contains(packet.port)));
    let protocol = rule.ip_protocols.iter().any(|p| {
        if p.protocol.eq_ignore_ascii_case("any") {
            return every || packet.protocol.has_ports();
        }
        p.protocol.eq_ignore_ascii_case(packet.protocol.name())
    });
    Tri::of(port && protocol)
}

fn words(f: &Facts, words: &Many<AddressWord>, groups: &Many<Ref<IpGroup>>, address: IpAddr) -> Tri {
    let one = |word: &AddressWord| match &word.means {
        AddressMeaning::Any => Tri::Yes,
        AddressMeaning::Addresses(set) => Tri::of(set.contains(address)),
        AddressMeaning::Tag(tag) => tag_matches(f, tag, address),
    };
    let direct = words.iter().map(one);
    let grouped = groups.iter().map(|r| match f.inv.follow(r).row() {
        Some(row) => Tri::any(f.inv.ip_groups[row].ip_addresses.iter().map(one)),
        None => Tri::Unknown(Cause::DanglingReference),
    });
    Tri::any(direct.chain(grouped))
}

fn port_of(protocol: &FirewallProtocol) -> u16 {
    protocol.port.unwrap_or(match protocol.protocol.to_ascii_lowercase().as_str() {
        "http" => 80,
        "mssql" => 1433,
        _ => 443,
    })
}

/// FW-6: by the name in the request.
fn application_matches(f: &Facts, rule: &FirewallRule, packet: &Packet, host: Option<&str>) -> Tri {
    let port = rule.ip_protocols.iter().any(|p| port_of(p) == packet.port);
    let source = words(f, &rule.source_addresses, &rule.source_ip_groups, packet.source);
    let name = host.is_some_and(|host| rule.target_fqdns.iter().any(|pattern| name_fits(pattern, host)));
    let tagged =
        rule.fqdn_tags.iter().map(|tag| match (host, tag.eq_ignore_ascii_case("AzureKubernetesService")) {
            (None, _) => Tri::No,
            (Some(host), true) => Tri::of(KUBERNETES.iter().any(|pattern| name_fits(pattern, host))),
            // FW-17: the members are Microsoft's to know.
            (Some(_), false) => Tri::Unknown(Cause::UnknownValue),
        });
    Tri::all([Tri::of(port), source, Tri::any(std::iter::once(Tri::of(name)).chain(tagged))])
}

/// Some names of the FQDN tag `AzureKubernetesService`, as far as random flows ask for them.
const KUBERNETES: &[&str] = &["*.azmk8s.io", "mcr.microsoft.com", "management.azure.com"];

/// FW-16: a wildcard does not match the apex.
fn name_fits(pattern: &str, host: &str) -> bool {
    let (pattern, host) = (pattern.to_ascii_lowercase(), host.to_ascii_lowercase());
    match pattern.strip_prefix('*') {
        Some("") => true,
        Some(rest) => host.len() > rest.len() && host.ends_with(rest),
        None => pattern == host,
    }
}
