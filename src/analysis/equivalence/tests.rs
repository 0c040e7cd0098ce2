//! Comparisons against asking every packet of a small space, and in words.

use super::*;
use crate::inventory::Unknown;
use crate::net::{IpAddr, PortRange, PortSet, Protocol, ProtocolMatch};
use crate::network::{AddressMatch, CompiledRule, HOST_ADDRESS, Place, Platform, RuleBody, Ruling, Verdict};

/// A sequence of numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

fn net(text: &str) -> AddressSet {
    AddressSet::from_prefix(&text.parse().expect("a prefix"))
}

fn side(text: &str) -> AddressMatch {
    match text {
        "*" => AddressMatch::everything(),
        "VirtualNetwork" => AddressMatch { virtual_network: true, ..AddressMatch::default() },
        "Internet" => AddressMatch { internet: true, ..AddressMatch::default() },
        "AzureLoadBalancer" => AddressMatch { load_balancer: true, ..AddressMatch::default() },
        "AzurePlatformDNS" => AddressMatch { platform: Some(Platform::Dns), ..AddressMatch::default() },
        "?" => {
            let unknown = Some(Unknown::new(At::NOWHERE, "a parameter without a value"));
            AddressMatch { set: net("10.0.0.0/30"), unknown, ..AddressMatch::default() }
        }
        prefix => AddressMatch { set: net(prefix), ..AddressMatch::default() },
    }
}

/// `Allow Tcp 10.0.0.0/8 * -> VirtualNetwork 443`
fn rule(text: &str) -> CompiledRule {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [verdict, protocol, from, source_ports, _, to, to_ports] = words[..] else { panic!("{text}") };
    let ports = |text: &str| PortSet::new(text.split(',').map(|p| PortRange::parse(p).expect("a port")));
    let set = |text: &str| if text == "*" { PortSet::all() } else { ports(text) };
    let body = RuleBody {
        name: text.into(),
        priority: 100,
        verdict: Some(if verdict == "Allow" { Verdict::Allow } else { Verdict::Deny }),
        default: false,
        protocol: ProtocolMatch::parse(protocol).expect("a protocol"),
        source: side(from),
        source_ports: set(source_ports),
        destination: side(to),
        destination_ports: set(to_ports),
        unknown: None,
    };
    CompiledRule::new(At::NOWHERE, body)
}

fn set(rules: &[&str]) -> RuleSet {
    RuleSet { rules: rules.iter().map(|r| rule(r)).collect(), unknown: None }
}

/// A place to ask in.
struct World {
    inventory: Inventory,
    tags: ServiceTags,
    network: AddressSet,
    internet: AddressSet,
    public: AddressSet,
}

impl World {
    fn new() -> Self {
        let public = AddressSet::all().minus(&net("10.0.0.0/8"));
        World {
            inventory: Inventory::default(),
            tags: ServiceTags::builtin(),
            network: net("10.0.0.0/28").union(&net("168.63.129.16/32")),
            internet: public.minus(&net("168.63.129.16/32")),
            public,
        }
    }

    fn rules<'a>(&'a self, set: &'a RuleSet, anywhere: bool) -> Rules<'a> {
        let around = match anywhere {
            true => Around::Anywhere { public: &self.public },
            false => Around::At { virtual_network: &self.network, internet: &self.internet, doubt: false },
        };
        Rules { set, inventory: &self.inventory, tags: &self.tags, around }
    }

    fn place<'a>(&'a self, network: &'a AddressSet, internet: &'a AddressSet) -> Place<'a> {
        Place {
            tags: &self.tags,
            virtual_network: network,
            internet,
            virtual_network_doubts: &[],
            source_asgs: &[],
            destination_asgs: &[],
        }
    }
}

/// What a set comes to, host's own services apart: `None` where it is not known.
fn allows(set: &RuleSet, header: &Header, place: &Place<'_>) -> Option<bool> {
    let exempt = header.destination == HOST_ADDRESS;
    if exempt && header.port != 53 {
        return Some(true);
    }
    let same =
        |a: Option<Verdict>, b: Option<Verdict>| (a == Some(Verdict::Deny)) == (b == Some(Verdict::Deny));
    match set.decide_by(header, place, |r| exempt && r.destination.platform.is_none(), same) {
        Ruling::Rule(number) => Some(set.rules[number].verdict != Some(Verdict::Deny)),
        Ruling::NoMatch => Some(true),
        Ruling::Unknown(..) => None,
    }
}

const PREFIXES: &[&str] = &[
    "*",
    "10.0.0.0/29",
    "10.0.0.4/30",
    "10.0.0.0/30",
    "10.0.0.6/32",
    "8.8.8.0/31",
    "Internet",
    "VirtualNetwork",
];
const PORTS: &[&str] = &["*", "443", "80-443", "53", "1-79", "22,80"];

fn random_rule(random: &mut Random, doubts: bool) -> String {
    let to = match random.below(12) {
        0 => "AzurePlatformDNS",
        1 => "168.63.129.16/32",
        2..=4 if doubts => "?",
        _ => random.one(PREFIXES),
    };
    let from = if random.below(12) == 0 { "AzureLoadBalancer" } else { random.one(PREFIXES) };
    let source_ports = if random.below(6) == 0 { "0-1023" } else { "*" };
    format!(
        "{} {} {from} {source_ports} -> {to} {}",
        random.one(&["Allow", "Deny"]),
        random.one(&["Tcp", "Udp", "*", "Icmp"]),
        random.one(PORTS)
    )
}

fn addresses() -> Vec<IpAddr> {
    let v4 = ["9.9.9.9", "10.0.0.0", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7", "10.0.0.9"];
    let more = ["10.0.1.0", "8.8.8.0", "8.8.8.2", "168.63.129.16", "2001:db8::1"];
    v4.iter().chain(&more).map(|t| t.parse().expect("an address")).collect()
}

/// Every packet that rules of the pool can tell apart.
fn every_packet(mut each: impl FnMut(Header)) {
    for source in addresses() {
        for destination in addresses().into_iter().filter(|d| d.is_ipv4() == source.is_ipv4()) {
            for protocol in [Protocol::Tcp, Protocol::Udp, Protocol::Icmp, Protocol::Ah] {
                let ports: &[u16] = if protocol.has_ports() { &[1, 22, 53, 80, 81, 443, 8080] } else { &[0] };
                for port in ports {
                    for source_port in if protocol.has_ports() { [0, 1000, 50_000] } else { [1; 3] } {
                        each(Header { source, destination, protocol, source_port, port: *port });
                    }
                }
            }
        }
    }
}

/// The answer must be that of asking every packet.
fn check(before: &RuleSet, after: &RuleSet, world: &World) -> Equivalence {
    let answer = compare(&world.rules(before, false), &world.rules(after, false), true);
    let place = world.place(&world.network, &world.internet);
    let (mut differs, mut doubt) = (None, false);
    every_packet(|header| match (allows(before, &header, &place), allows(after, &header, &place)) {
        (Some(a), Some(b)) if a != b => differs = Some(header),
        (Some(_), Some(_)) => {}
        (a, b) => doubt |= a != b || a.is_none(),
    });
    match &answer {
        Equivalence::Equal => assert!(differs.is_none(), "{before:?}\n{after:?}\n{differs:?}"),
        Equivalence::Unknown(_) => {
            assert!(differs.is_none() && doubt, "{before:?}\n{after:?}\n{differs:?}");
        }
        Equivalence::Differs(witness) => {
            let said = [before, after].map(|set| allows(set, &witness.header, &place));
            assert_eq!(
                said,
                witness.said.each_ref().map(|s| Some(s.allows)),
                "{witness:?}\n{before:?}\n{after:?}"
            );
            assert_ne!(said[0], said[1]);
            assert!(differs.is_some(), "{before:?}\n{after:?}\n{witness:?}");
        }
        Equivalence::TooLarge => panic!("small sets"),
    }
    answer
}

/// A set that says the same in other words, or nearly.
fn varied(rules: &[String], random: &mut Random, doubts: bool) -> Vec<String> {
    let mut out = rules.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(out.len() as u64) as usize;
        match random.below(5) {
            0 => out.swap(at, (at + 1) % rules.len()),
            1 => out.insert(at, random_rule(random, doubts)),
            2 => out.insert(at, out[at].clone()),
            3 => {
                let halves = out[at].replacen("10.0.0.0/29", "10.0.0.0/30", 1);
                out.insert(at, halves);
            }
            _ => {
                let last = out.len() - 1;
                out[last] = out[last].replacen("Deny", "Allow", 1);
            }
        }
    }
    out
}

#[test]
fn answers_are_those_of_asking_every_packet() {
    let world = World::new();
    let mut counts = [0; 3];
    for seed in 1..400u64 {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let doubts = seed % 3 == 0;
        let count = 1 + random.below(8);
        let rules: Vec<String> = (0..count).map(|_| random_rule(&mut random, doubts)).collect();
        let other = match random.below(4) {
            0 => (0..count).map(|_| random_rule(&mut random, doubts)).collect(),
            _ => varied(&rules, &mut random, doubts),
        };
        let sets = [rules, other].map(|r| set(&r.iter().map(String::as_str).collect::<Vec<_>>()));
        match check(&sets[0], &sets[1], &world) {
            Equivalence::Equal => counts[0] += 1,
            Equivalence::Differs(_) => counts[1] += 1,
            _ => counts[2] += 1,
        }
    }
    assert!(counts.iter().all(|c| *c > 10), "every kind of answer is met: {counts:?}");
}

/// What holds in any network holds in each, and an example shows a network in which it is one.
#[test]
fn anywhere_is_every_network() {
    let world = World::new();
    let networks = ["10.0.0.0/28", "10.0.0.4/30", "8.8.8.0/31", "0.0.0.0/0", "10.0.0.6/32"].map(net);
    let mut counts = [0; 2];
    for seed in 1..200u64 {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let rules: Vec<String> = (0..1 + random.below(6)).map(|_| random_rule(&mut random, false)).collect();
        let other = varied(&rules, &mut random, false);
        let [before, after] = [rules, other].map(|r| set(&r.iter().map(String::as_str).collect::<Vec<_>>()));
        match compare(&world.rules(&before, true), &world.rules(&after, true), true) {
            Equivalence::Equal => {
                counts[0] += 1;
                for network in &networks {
                    let internet = world.public.minus(network);
                    let place = world.place(network, &internet);
                    every_packet(|h| {
                        assert_eq!(allows(&before, &h, &place), allows(&after, &h, &place), "{h}")
                    });
                }
            }
            Equivalence::Differs(witness) => {
                counts[1] += 1;
                let (mut network, mut internet) = (AddressSet::empty(), AddressSet::empty());
                let addresses = [witness.header.source, witness.header.destination];
                for (end, ip) in witness.ends.iter().zip(addresses) {
                    let one = AddressSet::from_range(ip, ip).expect("one address");
                    if end.virtual_network == Some(true) {
                        network.extend(&one);
                    }
                    if end.internet == Some(true) {
                        internet.extend(&one);
                    }
                }
                let place = world.place(&network, &internet);
                let said = [&before, &after].map(|set| allows(set, &witness.header, &place));
                assert_eq!(said, witness.said.each_ref().map(|s| Some(s.allows)), "{witness:?}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(counts.iter().all(|c| *c > 20), "{counts:?}");
}

fn words(before: &[&str], after: &[&str]) -> String {
    match check(&set(before), &set(after), &World::new()) {
        Equivalence::Equal => "equal".into(),
        Equivalence::Unknown(why) => format!("unknown: {}", why.join(", ")),
        Equivalence::TooLarge => "too large".into(),
        Equivalence::Differs(witness) => {
            let rule = |said: &Said| said.rule.as_deref().unwrap_or("no rule").to_owned();
            format!("{}: {} | {}", witness.header, rule(&witness.said[0]), rule(&witness.said[1]))
        }
    }
}

#[test]
fn other_words_for_the_same_are_equal() {
    let deny = "Deny * * * -> * *";
    let whole = ["Allow Tcp 10.0.0.0/29 * -> * 443", deny];
    let halves = ["Allow Tcp 10.0.0.4/30 * -> * 443", "Allow Tcp 10.0.0.0/30 * -> * 443", deny];
    assert_eq!(words(&whole, &halves), "equal");
    let shadowed = ["Allow Tcp 10.0.0.0/29 * -> * 443", deny, "Allow * * * -> * *"];
    assert_eq!(words(&whole, &shadowed), "equal");
    let ports = ["Allow Tcp 10.0.0.0/29 * -> * 80-443", deny];
    let parts = ["Allow Tcp 10.0.0.0/29 * -> * 80-200", "Allow Tcp 10.0.0.0/29 * -> * 201-443", deny];
    assert_eq!(words(&ports, &parts), "equal");
}

#[test]
fn a_difference_is_shown_by_a_packet() {
    let deny = "Deny * * * -> * *";
    let before = ["Allow Tcp 10.0.0.0/29 * -> * 443", deny];
    let after = ["Deny Tcp 10.0.0.6/32 * -> * *", "Allow Tcp 10.0.0.0/29 * -> * 443", deny];
    let told = words(&before, &after);
    assert!(told.starts_with("Tcp 10.0.0.6 ->") && told.contains("Deny Tcp 10.0.0.6/32"), "{told}");
}

#[test]
fn what_is_not_known_matters_only_where_it_could() {
    let deny = "Deny * * * -> * *";
    let doubt = ["Allow Tcp * * -> ? 443", deny];
    assert_eq!(words(&doubt, &doubt), "equal");
    let told = words(&doubt, &[deny]);
    assert!(told.ends_with(":443: Allow Tcp * * -> ? 443 | Deny * * * -> * *"), "{told}");
    assert_eq!(words(&["Deny Tcp * * -> ? 443", deny], &[deny]), "equal");
    let wide = ["Allow Tcp * * -> 10.0.0.0/30 443", deny];
    assert_eq!(words(&doubt, &wide), "unknown: a parameter without a value");
}

#[test]
fn groups_may_hold_anybody() {
    let inventory =
        crate::inventory::build(["a", "b"].map(group).to_vec(), &mut crate::diag::Diagnostics::new());
    let world = World { inventory, ..World::new() };
    let ids: Vec<_> = world.inventory.asgs.iter().map(|g| g.id.clone()).collect();
    assert_eq!(ids.len(), 2);
    let member =
        |n: usize| AddressMatch { asgs: vec![crate::inventory::Id::new(n)], ..AddressMatch::default() };
    let with = |rules: &[(usize, &str)]| {
        let mut out = set(&rules.iter().map(|(_, text)| *text).collect::<Vec<_>>());
        for (rule, (group, _)) in out.rules.iter_mut().zip(rules).filter(|(_, (group, _))| *group < 2) {
            rule.source = member(*group);
        }
        out
    };
    let (allow, deny) = ("Allow Tcp * * -> * 443", "Deny * * * -> * *");
    let ask = |a: &RuleSet, b: &RuleSet| compare(&world.rules(a, true), &world.rules(b, true), true);
    let before = with(&[(0, allow), (1, allow), (9, deny)]);
    assert_eq!(ask(&before, &with(&[(1, allow), (0, allow), (9, deny)])), Equivalence::Equal);
    let denied = with(&[(1, "Deny Tcp * * -> * 443"), (0, allow), (9, deny)]);
    let Equivalence::Differs(witness) = ask(&before, &denied) else { panic!("a member of b is denied") };
    assert!(witness.ends[0].groups.iter().any(|g| g.ends_with("/b")), "{witness:?}");
}

fn group(name: &str) -> crate::inventory::RawResource {
    let text = format!("netwhy: estate/1\napplicationSecurityGroups: [{{ name: {name} }}]\n");
    let mut notes = crate::diag::Diagnostics::new();
    let file = crate::diag::Sources::default().add("estate.yaml", text.as_str());
    let root = crate::doc::parse_yaml(file, &text, &mut notes).expect("YAML");
    crate::formats::native::load(&root, &mut notes).remove(0)
}
