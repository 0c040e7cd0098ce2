//! Traces made by hand, which the report tests render. The words are those the engine would choose.
#![allow(dead_code, reason = "each test of the reports takes the samples it needs")]

use netwhy::diag::{At, Diagnostics, DocId, Sources};
use netwhy::doc::{parse_json, parse_yaml};
use netwhy::formats::native;
use netwhy::inventory::{ResourceId, build};
use netwhy::net::{IpAddr, Protocol};
use netwhy::network::{Network, compile};
use netwhy::profile::Profile;
use netwhy::rules::{self, RuleId};
use netwhy::tags::ServiceTags;
use netwhy::trace::*;

/// The estate all samples are about.
pub(crate) const ESTATE: &str = r#"netwhy: estate/1
defaults: { resourceGroup: rg-app, location: westeurope }
virtualNetworks:
  - name: spoke
    addressPrefixes: [10.1.0.0/16]
    subnets:
      - { name: web, addressPrefix: 10.1.1.0/24, networkSecurityGroup: spoke-nsg, routeTable: to-hub }
      - { name: endpoints, addressPrefix: 10.1.2.0/24 }
  - name: hub
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - { name: AzureFirewallSubnet, addressPrefix: 10.0.0.0/26 }
networkSecurityGroups:
  - name: spoke-nsg
    securityRules:
      - { name: allow-sql, priority: 100, direction: Outbound, access: Allow, protocol: Tcp, sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: 10.1.4.0/24, destinationPortRange: 1433 }
      - { name: allow-vault-http, priority: 110, direction: Outbound, access: Allow, protocol: Tcp, sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: 10.1.2.0/24, destinationPortRange: 80 }
      - { name: allow-monitor, priority: 120, direction: Outbound, access: Allow, protocol: Tcp, sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: AzureMonitor, destinationPortRange: 443 }
      - name: deny-endpoints
        priority: 200
        direction: Outbound
        access: Deny
        protocol: "*"
        sourceAddressPrefix: "*"
        sourcePortRange: "*"
        destinationAddressPrefix: 10.1.2.0/24
        destinationPortRange: "*"
routeTables:
  - name: to-hub
    routes:
      - { name: default-via-firewall, addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.0.4 }
networkInterfaces:
  - name: web-vm-nic
    ipConfigurations: [{ name: ipconfig1, subnet: spoke/web, privateIPAddress: 10.1.1.4 }]
virtualMachines:
  - { name: web-vm, networkInterfaces: [web-vm-nic] }
keyVaults:
  - name: kv-prod
    publicNetworkAccess: Enabled
    networkAcls: { defaultAction: Deny, bypass: None }
"#;

/// A template with the firewall's policy, written as Azure Resource Manager would have it.
pub(crate) const TEMPLATE: &str = r#"{
  "resources": [
    {
      "type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
      "name": "hub-policy/apps",
      "properties": {
        "priority": 200,
        "ruleCollections": [
          {
            "name": "web-out",
            "rules": [
              {
                "ruleType": "ApplicationRule",
                "name": "allow-updates",
                "targetFqdns": ["*.ubuntu.com"]
              }
            ]
          }
        ]
      }
    }
  ]
}
"#;

/// Documents, network and the means to point into them.
pub(crate) struct World {
    pub(crate) sources: Sources,
    pub(crate) network: Network,
}

pub(crate) fn world() -> World {
    let mut sources = Sources::default();
    let mut notes = Diagnostics::new();
    let estate = sources.add("prod/estate.yaml", ESTATE);
    let template = sources.add("prod/hub-policy.json", TEMPLATE);
    let root = parse_yaml(estate, ESTATE, &mut notes).expect("the sample estate is YAML");
    parse_json(template, TEMPLATE, &mut notes).expect("the sample template is JSON");
    let inventory = build(native::load(&root, &mut notes), &mut notes);
    let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
    assert!(notes.is_empty(), "{notes:?}");
    World {
        sources,
        network: compile(inventory, ServiceTags::builtin(), Profile::default(), &mut Diagnostics::new()),
    }
}

/// The place of an item that begins with `start` and ends before `end`.
pub(crate) fn place(doc: u32, start: &str, end: &str) -> At {
    let text = if doc == 0 { ESTATE } else { TEMPLATE };
    let from = text.find(start).expect("the sample holds the text");
    let to = from + text[from..].find(end).expect("the sample holds the end");
    At { doc: DocId(doc), start: from as u32, end: to as u32 }
}

fn item(start: &str) -> At {
    place(0, start, "\n")
}

fn id(kind: &str, name: &str) -> ResourceId {
    ResourceId::in_group(native::DEFAULT_SUBSCRIPTION, "rg-app", kind, name)
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

pub(crate) fn header(source: &str, destination: &str, port: u16) -> Header {
    Header {
        source: ip(source),
        destination: ip(destination),
        protocol: Protocol::Tcp,
        source_port: 49_152,
        port,
    }
}

pub(crate) fn flow(from: Endpoint, to: Endpoint, port: u16) -> Flow {
    Flow::tcp(from, to, port)
}

pub(crate) fn step(kind: StepKind, action: Action, text: &str) -> Step {
    Step {
        kind,
        action,
        text: text.into(),
        before: None,
        after: None,
        evidence: Evidence::default(),
        cause: None,
    }
}

trait With {
    fn by(self, resource: Option<ResourceId>, name: &str, rules: &[RuleId], at: At) -> Self;
    fn was(self, header: Header) -> Self;
    fn becomes(self, header: Header) -> Self;
    fn because(self, cause: Cause) -> Self;
}

impl With for Step {
    fn by(mut self, resource: Option<ResourceId>, name: &str, rules: &[RuleId], at: At) -> Self {
        let name = (!name.is_empty()).then(|| name.into());
        self.evidence = Evidence { resource, name, rules: rules.to_vec(), at, near_misses: Vec::new() };
        self
    }
    fn was(mut self, header: Header) -> Self {
        self.before = Some(header);
        self
    }
    fn becomes(mut self, header: Header) -> Self {
        self.after = Some(header);
        self
    }
    fn because(mut self, cause: Cause) -> Self {
        self.cause = Some(cause);
        self
    }
}

pub(crate) fn hop(kind: HopKind, name: &str, id: Option<ResourceId>, zone: Zone, steps: Vec<Step>) -> Hop {
    Hop { kind, name: name.into(), id, zone, header: None, steps }
}

fn miss(name: &str, priority: i64, allows: bool, matched: [Option<bool>; 5], at: At) -> NearMiss {
    let [protocol, source, source_port, destination, destination_port] = matched;
    NearMiss {
        name: name.into(),
        priority,
        allows,
        protocol,
        source,
        source_port,
        destination,
        destination_port,
        at,
    }
}

pub(crate) fn empty(flow: Flow, outcome: Outcome, disposition: Disposition, cause: Option<Cause>) -> Trace {
    Trace {
        flow,
        outcome,
        disposition,
        cause,
        blockers: Vec::new(),
        hops: Vec::new(),
        back: None,
        assumptions: Vec::new(),
        missing: Vec::new(),
        warnings: Vec::new(),
        branches: Vec::new(),
    }
}

/// The blockers that the steps of the hops state.
fn blockers(hops: &[Hop]) -> Vec<Blocker> {
    let blocked = hops.iter().enumerate().flat_map(|(i, hop)| hop.steps.iter().map(move |s| (i, s)));
    let blocker = |(hop, step): (usize, &Step)| {
        let cause = step.cause.filter(|_| step.action == Action::Block)?;
        Some(Blocker {
            cause,
            disposition: if cause == Cause::NsgRuleDeny {
                Disposition::DeniedOut
            } else {
                cause.disposition()
            },
            hop,
            text: step.text.clone(),
            evidence: step.evidence.clone(),
        })
    };
    blocked.filter_map(blocker).collect()
}

fn vault_flow() -> Flow {
    let to = Endpoint::Fqdn("kv-prod.vault.azure.net".into());
    Flow {
        name: Some("app reads secrets".into()),
        identity: Some("web-vm".into()),
        ..flow(Endpoint::Named("web-vm".into()), to, 443)
    }
}

fn vault_name() -> Hop {
    let found = "kv-prod.vault.azure.net is an alias of kv-prod.privatelink.vaultcore.azure.net, \
                 which the linked zone answers with 10.1.2.5";
    let resolve = step(StepKind::Resolve, Action::Pass, found).by(
        Some(id("Microsoft.Network/privateDnsZones", "privatelink.vaultcore.azure.net")),
        "kv-prod",
        &[rules::DNS_6],
        item("keyVaults:"),
    );
    hop(HopKind::Resolver, "Azure DNS 168.63.129.16", None, Zone::Azure, vec![resolve])
}

fn nic(steps: Vec<Step>) -> Hop {
    let nic = id("Microsoft.Network/networkInterfaces", "web-vm-nic");
    hop(HopKind::Interface, "web-vm-nic", Some(nic), Zone::Yours, steps)
}

fn originate(to: &str, port: u16) -> Step {
    step(StepKind::Originate, Action::Pass, "10.1.1.4 opens the flow").becomes(header("10.1.1.4", to, port))
}

fn vault(steps: Vec<Step>) -> Hop {
    let kv = id("Microsoft.KeyVault/vaults", "kv-prod");
    hop(HopKind::Service, "kv-prod", Some(kv), Zone::Azure, steps)
}

fn endpoint() -> Hop {
    let kv = id("Microsoft.Network/privateEndpoints", "kv-prod-pe");
    let pass = step(
        StepKind::Filter,
        Action::Pass,
        "network policies of spoke/endpoints are off, so no rule is asked",
    )
    .by(
        Some(id("Microsoft.Network/virtualNetworks/subnets", "spoke/endpoints")),
        "",
        &[rules::NSG_26],
        item("{ name: endpoints"),
    );
    let forward = step(StepKind::Forward, Action::Pass, "carries the flow to kv-prod");
    hop(HopKind::PrivateEndpoint, "kv-prod-pe", Some(kv), Zone::Yours, vec![pass, forward])
}

/// A written rule denies at the sender; later the vault's own firewall would deny too.
pub(crate) fn blocked() -> Trace {
    const Y: Option<bool> = Some(true);
    const N: Option<bool> = Some(false);
    let mut deny =
        step(StepKind::Filter, Action::Block, "deny-endpoints (priority 200) denies TCP to 10.1.2.5:443")
            .by(
                Some(id("Microsoft.Network/networkSecurityGroups", "spoke-nsg")),
                "deny-endpoints",
                &[rules::NSG_4, rules::NSG_5],
                place(0, "name: deny-endpoints", "routeTables:"),
            )
            .because(Cause::NsgRuleDeny);
    deny.evidence.near_misses = vec![
        miss("allow-sql", 100, true, [Y, Y, Y, N, N], item("{ name: allow-sql")),
        miss("allow-vault-http", 110, true, [Y, Y, Y, Y, N], item("{ name: allow-vault-http")),
        miss("allow-monitor", 120, true, [Y, Y, Y, None, Y], item("{ name: allow-monitor")),
    ];
    let route = step(StepKind::Route, Action::Pass, "10.1.0.0/16 by next hop VirtualNetwork").by(
        Some(id("Microsoft.Network/virtualNetworks", "spoke")),
        "10.1.0.0/16",
        &[rules::RT_1],
        item("- name: spoke"),
    );
    let refuse = step(StepKind::Admit, Action::Block, "defaultAction Deny and no rule lets 10.1.1.4 in")
        .by(
            Some(id("Microsoft.KeyVault/vaults", "kv-prod")),
            "networkAcls",
            &[rules::KV_1],
            item("{ defaultAction: Deny"),
        )
        .because(Cause::ServiceFirewallDeny);
    let hops = vec![
        vault_name(),
        nic(vec![originate("10.1.2.5", 443), deny, route]),
        endpoint(),
        vault(vec![refuse]),
    ];
    Trace {
        blockers: blockers(&hops),
        hops,
        assumptions: vec![
            Assumption { knob: None, text: "the guest has no firewall of its own".into() },
            Assumption {
                knob: Some("udrPrefixesInVirtualNetworkTag"),
                text: "prefixes of user-defined routes belong to the tag VirtualNetwork".into(),
            },
        ],
        warnings: vec!["allow-sql can match nothing: no subnet holds 10.1.4.0/24".into()],
        ..empty(vault_flow(), Outcome::Blocked, Disposition::DeniedOut, Some(Cause::NsgRuleDeny))
    }
}

fn firewall(name: &str, steps: Vec<Step>) -> Hop {
    hop(HopKind::AzureFirewall, name, Some(id("Microsoft.Network/azureFirewalls", name)), Zone::Yours, steps)
}

fn to_firewall() -> Vec<Step> {
    let nsg = Some(id("Microsoft.Network/networkSecurityGroups", "spoke-nsg"));
    vec![
        originate("91.189.91.38", 443),
        step(
            StepKind::Filter,
            Action::Pass,
            "AllowInternetOutBound (priority 65001) allows TCP to 91.189.91.38:443",
        )
        .by(nsg, "defaultSecurityRules/AllowInternetOutBound", &[rules::NSG_3], At::NOWHERE),
        step(
            StepKind::Route,
            Action::Pass,
            "default-via-firewall sends 0.0.0.0/0 to VirtualAppliance 10.0.0.4",
        )
        .by(
            Some(id("Microsoft.Network/routeTables", "to-hub")),
            "default-via-firewall",
            &[rules::RT_12],
            item("{ name: default-via-firewall"),
        ),
    ]
}

/// Through the hub's firewall, translated, and back.
pub(crate) fn allowed() -> Trace {
    let rule = place(1, "{\n                \"ruleType\"", "\n            ]");
    let policy = Some(id("Microsoft.Network/firewallPolicies/ruleCollectionGroups", "hub-policy/apps"));
    let proxy =
        step(StepKind::Proxy, Action::Pass, "application rule allow-updates lets archive.ubuntu.com through")
            .by(policy, "web-out/allow-updates", &[rules::FW_5], rule);
    let snat = step(StepKind::Translate, Action::Rewrite, "leaves with the firewall's public address")
        .by(None, "", &[rules::FW_6], At::NOWHERE)
        .was(header("10.1.1.4", "91.189.91.38", 443))
        .becomes(Header { source_port: 2048, ..header("20.50.1.7", "91.189.91.38", 443) });
    let name = step(StepKind::Resolve, Action::Pass, "archive.ubuntu.com is 91.189.91.38").by(
        None,
        "",
        &[rules::DNS_1],
        At::NOWHERE,
    );
    let deliver = step(StepKind::Deliver, Action::Pass, "the internet takes it");
    let back = step(StepKind::Return, Action::Pass, "the firewall knows the flow and undoes the translation");
    Trace {
        hops: vec![
            hop(HopKind::Resolver, "Azure DNS 168.63.129.16", None, Zone::Azure, vec![name]),
            nic(to_firewall()),
            firewall("hub-fw", vec![proxy, snat]),
            hop(HopKind::Internet, "archive.ubuntu.com", None, Zone::Internet, vec![deliver]),
        ],
        back: Some(Return {
            outcome: Outcome::Allowed,
            hops: vec![
                hop(HopKind::Internet, "archive.ubuntu.com", None, Zone::Internet, vec![]),
                firewall("hub-fw", vec![back]),
                nic(vec![step(StepKind::Return, Action::Pass, "the flow record lets the answer in").by(
                    None,
                    "",
                    &[rules::NSG_12],
                    At::NOWHERE,
                )]),
            ],
        }),
        ..empty(
            flow(Endpoint::Named("web-vm".into()), Endpoint::Fqdn("archive.ubuntu.com".into()), 443),
            Outcome::Allowed,
            Disposition::ExitsNetwork,
            None,
        )
    }
}

/// A tag without prefixes stands before the rule that would decide.
pub(crate) fn unknown() -> Trace {
    let at = item("{ name: allow-monitor");
    let filter = step(StepKind::Filter, Action::Unknown, "allow-monitor (priority 120) names the tag AzureMonitor, whose prefixes are not known; after it AllowInternetOutBound would allow")
        .by(Some(id("Microsoft.Network/networkSecurityGroups", "spoke-nsg")), "allow-monitor", &[rules::TAG_7], at)
        .because(Cause::UnknownServiceTag);
    Trace {
        hops: vec![nic(vec![originate("20.60.7.1", 443), filter])],
        missing: vec![Missing {
            cause: Cause::UnknownServiceTag,
            text: "the prefixes of the service tag AzureMonitor: give the published service tag file with --tags".into(),
            at,
        }],
        ..empty(
            flow(Endpoint::Named("web-vm".into()), Endpoint::Address(ip("20.60.7.1")), 443),
            Outcome::Unknown,
            Disposition::InsufficientInfo,
            Some(Cause::UnknownServiceTag),
        )
    }
}

/// The answer goes round the firewall the request came through.
pub(crate) fn return_lost() -> Trace {
    let lost = step(
        StepKind::Return,
        Action::Block,
        "the answer goes straight to 10.1.1.4 by peering and misses hub-fw, which drops the rest of the flow",
    )
    .by(
        Some(id("Microsoft.Network/virtualNetworks/subnets", "spoke/endpoints")),
        "",
        &[rules::ASYM_1],
        item("{ name: endpoints"),
    )
    .because(Cause::AsymmetricReturn);
    let target = id("Microsoft.Network/virtualNetworks/subnets", "spoke/endpoints");
    let arrives = step(StepKind::Deliver, Action::Pass, "10.1.2.20 takes it");
    let receiver = |steps| hop(HopKind::Subnet, "spoke/endpoints", Some(target.clone()), Zone::Yours, steps);
    let back = vec![receiver(vec![lost.clone()]), nic(vec![])];
    let hops = vec![nic(to_firewall()), firewall("hub-fw", vec![]), receiver(vec![arrives])];
    let mut blocker = blockers(&back).remove(0);
    blocker.hop += hops.len();
    Trace {
        hops,
        back: Some(Return { outcome: Outcome::Blocked, hops: back }),
        blockers: vec![blocker],
        ..empty(
            flow(Endpoint::Named("web-vm".into()), Endpoint::Address(ip("10.1.2.20")), 22),
            Outcome::Blocked,
            Disposition::ReturnLost,
            Some(Cause::AsymmetricReturn),
        )
    }
}

/// Two firewalls at equal cost, one of which denies.
pub(crate) fn mixed() -> Trace {
    let deny = step(StepKind::Proxy, Action::Block, "no application rule matches archive.ubuntu.com")
        .by(
            Some(id("Microsoft.Network/azureFirewalls", "hub-fw-2")),
            "",
            &[rules::FW_1, rules::FW_5],
            At::NOWHERE,
        )
        .because(Cause::FirewallApplicationRuleNoMatch);
    let hops = vec![nic(to_firewall()), firewall("hub-fw-2", vec![deny])];
    let cause = Some(Cause::FirewallApplicationRuleNoMatch);
    let flow = allowed().flow;
    Trace {
        blockers: blockers(&hops),
        hops,
        branches: vec![allowed()],
        ..empty(flow, Outcome::Mixed, Disposition::DeniedInTransit, cause)
    }
}

/// Names that try to take over the terminal, the file or the picture.
pub(crate) fn hostile() -> Trace {
    hostile_with(EVIL, &"very-long-name-".repeat(400))
}

/// A name with something for every format.
pub(crate) const EVIL: &str = "x\u{1b}[2J\u{1b}[31mALLOWED\n  ✓ fine\u{202e}\u{7}\u{9b}1m\"]; evil -> node [label=\"<script>alert(1)</script> --> %% ]]> & ' `#`";

/// A trace all of whose names and texts are given.
pub(crate) fn hostile_with(evil: &str, long: &str) -> Trace {
    let deny = step(StepKind::Filter, Action::Block, evil)
        .by(
            Some(ResourceId::new(&format!(
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/{evil}"
            ))),
            long,
            &[rules::NSG_4],
            item("{ name: allow-sql"),
        )
        .because(Cause::NsgRuleDeny);
    let mut near = deny.clone();
    near.evidence.near_misses = vec![
        miss(evil, i64::MIN, true, [None; 5], At::NOWHERE),
        miss(long, i64::MAX, false, [None; 5], At::NOWHERE),
    ];
    let hops = vec![
        hop(HopKind::Interface, evil, Some(ResourceId::new(evil)), Zone::Yours, vec![near]),
        hop(HopKind::Appliance, long, None, Zone::Internet, vec![]),
    ];
    Trace {
        blockers: blockers(&hops),
        hops,
        assumptions: vec![Assumption { knob: None, text: evil.into() }],
        missing: vec![Missing { cause: Cause::UnknownName, text: evil.into(), at: At::NOWHERE }],
        warnings: vec![evil.into(), long.into()],
        ..empty(
            Flow {
                name: Some(evil.into()),
                identity: Some(evil.into()),
                action: Some(long.into()),
                ..flow(Endpoint::Named(evil.into()), Endpoint::Fqdn(long.into()), 443)
            },
            Outcome::Blocked,
            Disposition::DeniedOut,
            Some(Cause::NsgRuleDeny),
        )
    }
}

/// Every sample with its name.
pub(crate) fn samples() -> Vec<(&'static str, Trace)> {
    vec![
        ("blocked", blocked()),
        ("allowed", allowed()),
        ("unknown", unknown()),
        ("return_lost", return_lost()),
        ("mixed", mixed()),
        ("hostile", hostile()),
    ]
}

/// Compares with a golden file, or rewrites it when `NETWHY_BLESS` is set.
#[allow(clippy::disallowed_methods, reason = "golden files are read and written by tests")]
pub(crate) fn check(name: &str, actual: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/report").join(name);
    if std::env::var("NETWHY_BLESS").is_ok() {
        std::fs::write(&path, actual).expect("the golden file can be written");
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(actual == expected, "{name} differs; NETWHY_BLESS=1 rewrites it. Now:\n{actual}");
}

#[test]
fn the_samples_are_well_formed() {
    for (name, trace) in samples() {
        let stopped = matches!(trace.outcome, Outcome::Blocked | Outcome::Mixed);
        assert_eq!(stopped, !trace.blockers.is_empty(), "{name}");
        assert_eq!(trace.cause.is_some(), trace.outcome != Outcome::Allowed, "{name}");
    }
}
