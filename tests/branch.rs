//! A branch must answer what compiling the changed estate anew answers, and leave nothing behind.

#![allow(dead_code, reason = "the generator of the reference keeps facts that only its own questions need")]

#[path = "support/mixed.rs"]
mod mixed;
mod reference {
    pub(crate) mod estate;
    pub(crate) mod load;
    pub(crate) mod planes;
    pub(crate) mod random;
}

use mixed::mix;
use netwhy::diag::{At, Diagnostics, DocId};
use netwhy::doc::parse_yaml;
use netwhy::fast::branch::{Branch, Standing};
use netwhy::fast::lines::Line;
use netwhy::fast::{self, Asker, FlowIds, Verdict};
use netwhy::formats::native;
use netwhy::generate::{self, Flows, Layout, Mix, Profile as Size, Settings, Shape};
use netwhy::inventory::Id;
use netwhy::net::Protocol;
use netwhy::network::{self, Network};
use netwhy::profile::Profile;
use netwhy::run::what_if::Estate as WhatIfEstate;
use netwhy::scenario::{Layout as Rows, Lines, Row};
use netwhy::tags::ServiceTags;
use netwhy::trace::{Decision, Endpoint, Flow, decide};
use reference::estate::{Case, Estate, case};
use reference::load::{changed, flow, network as network_of};
use reference::random::Random;
use serde_json::{Value, json};

/// Estates asked about.
const ESTATES: u64 = 150;

/// Branches of each.
const BRANCHES: usize = 3;

/// Flows beside those of the estate, from mixtures of their ends.
const MIXED: usize = 24;

fn compiled(estate: &Estate) -> Option<Network> {
    let mut profile = Profile::default();
    for (knob, value) in &estate.knobs {
        profile.set(knob, value).expect("the generator knows the knobs");
    }
    network_of(&estate.text(), &profile, &ServiceTags::builtin()).ok()
}

/// The lists of one kind of an estate: which resource, and how many items.
fn lists(estate: &Estate, section: &str, list: &str) -> Vec<(usize, usize)> {
    let rows = estate.sections.get(section).and_then(Value::as_array);
    let count = |row: &Value| row[list].as_array().map(Vec::len);
    rows.into_iter().flatten().enumerate().filter_map(|(n, row)| Some((n, count(row)?))).collect()
}

/// Changes one item of a list: takes one away, changes one, or adds one that is like another.
fn change(random: &mut Random, estate: &mut Estate, section: &str, list: &str, number: usize) -> bool {
    let found = lists(estate, section, list);
    let full: Vec<(usize, usize)> = found.iter().copied().filter(|(_, count)| *count > 0).collect();
    if full.is_empty() {
        return false;
    }
    let (from, count) = random.one(&full);
    let model = estate.sections[section][from][list][random.below(count)].clone();
    let (to, _) = random.one(&found);
    match random.below(4) {
        0 => {
            let items = estate.sections[section][from][list].as_array_mut().expect("a list");
            items.remove(random.below(count));
        }
        1 => {
            let mut item = model;
            item["name"] = json!(format!("added-{number}"));
            vary(random, &mut item, list);
            estate.sections[section][to][list].as_array_mut().expect("a list").push(item);
        }
        _ => {
            let at = random.below(count);
            vary(random, &mut estate.sections[section][from][list][at], list);
        }
    }
    true
}

fn vary(random: &mut Random, item: &mut Value, list: &str) {
    const PREFIXES: [&str; 8] = [
        "0.0.0.0/0",
        "10.0.0.0/8",
        "10.0.0.0/16",
        "10.0.0.0/24",
        "10.0.1.0/24",
        "10.0.0.10/32",
        "10.1.0.0/16",
        "52.0.0.0/8",
    ];
    if list == "routes" {
        match random.below(3) {
            0 => item["addressPrefix"] = json!(random.pick(&PREFIXES)),
            1 => {
                item["nextHopType"] = json!(random.pick(&["None", "Internet", "VnetLocal"]));
                let item = item.as_object_mut().expect("an object");
                item.remove("nextHopIpAddress");
                item.remove("nextHop");
            }
            _ => {
                item["nextHopType"] = json!("VirtualAppliance");
                item["nextHopIpAddress"] = json!(random.pick(&["10.0.0.10", "10.0.1.4", "10.0.0.4"]));
                item.as_object_mut().expect("an object").remove("nextHop");
            }
        }
        return;
    }
    let taken = 100 + random.below(3_900);
    match random.below(5) {
        0 => item["access"] = json!(random.pick(&["Allow", "Deny"])),
        1 => item["direction"] = json!(random.pick(&["Inbound", "Outbound"])),
        2 => {
            let item = item.as_object_mut().expect("an object");
            for list in ["destinationAddressPrefixes", "destinationApplicationSecurityGroups"] {
                item.remove(list);
            }
            item.insert("destinationAddressPrefix".into(), json!(random.pick(&PREFIXES)));
        }
        3 => {
            item.as_object_mut().expect("an object").remove("destinationPortRanges");
            item["destinationPortRange"] = json!(random.pick(&["*", "443", "22-80"]));
        }
        _ => {}
    }
    item["priority"] = json!(taken);
}

/// Makes a branch what another reading of the estate is; `false` where it cannot be.
fn follow(branch: &mut Branch<'_>, after: &Network) -> bool {
    let groups = after.inventory.nsgs.as_slice().iter().enumerate();
    let groups = groups.map(|(n, row)| branch.become_group(Id::new(n), row)).collect::<Vec<_>>();
    let tables = after.inventory.route_tables.as_slice().iter().enumerate();
    let tables = tables.map(|(n, row)| branch.become_table(Id::new(n), row)).collect::<Vec<_>>();
    groups.into_iter().chain(tables).all(|done| done)
}

fn standing(network: Network, flows: &[Flow]) -> (Standing, Vec<Flow>) {
    let fast = fast::compile(&network);
    let mut asked = Vec::new();
    let standing = Standing::new(network, fast, |asker| {
        let mut ids: Vec<FlowIds> = Vec::new();
        for flow in flows {
            if let Ok(one) = asker.read(flow) {
                asked.push(flow.clone());
                ids.push(one);
            }
        }
        ids
    });
    (standing, asked)
}

fn all(standing: &Standing) -> (Vec<Decision>, Vec<Line>) {
    let answers = (0..standing.len()).map(|n| standing.decision(n)).collect();
    (answers, standing.tables().lines.as_slice().to_vec())
}

/// Counts of what a test saw.
#[derive(Default)]
struct Seen {
    branches: usize,
    changed: usize,
    decided: usize,
    flows: usize,
}

fn check_case(seed: u64, seen: &mut Seen) {
    let Case { estate, flows } = case(seed, 12);
    let mut flows: Vec<Flow> = flows.iter().map(|text| flow(text)).collect();
    let mut random = Random::new(seed);
    mix(&mut flows, &mut random, MIXED);
    let before = compiled(&estate).expect("a sound estate");
    let (mut standing, flows) = standing(before, &flows);
    let base = all(&standing);
    for (flow, answer) in flows.iter().zip(&base.0) {
        assert_eq!(*answer, decide(standing.network(), flow), "seed {seed}: {flow:?}");
    }
    for number in 0..BRANCHES {
        let mut other = Estate { sections: estate.sections.clone(), knobs: estate.knobs.clone() };
        let changes = 1 + random.below(2);
        let lists = [("networkSecurityGroups", "securityRules"), ("routeTables", "routes")];
        let mut done = false;
        for n in 0..changes {
            let (section, list) = random.one(&lists);
            done |= change(&mut random, &mut other, section, list, number * 10 + n);
        }
        // Not every change gives an estate that can be read: a priority may be taken.
        let Some(after) = compiled(&other).filter(|_| done) else { continue };
        let mut branch = standing.branch();
        if !follow(&mut branch, &after) {
            continue;
        }
        let again = branch.again();
        for (n, flow) in flows.iter().enumerate() {
            let place = format!("seed {seed}, branch {number}: {flow:?}\n{}", other.text());
            assert_eq!(branch.decision(n), decide(&after, flow), "{place}");
            let told = again.changed.iter().find(|c| c.flow as usize == n);
            let differs = branch.decision(n) != base.0[n];
            assert_eq!(told.is_some(), differs, "{place}");
            if let Some(told) = told {
                assert_eq!((&told.before, &told.after), (&base.0[n], &branch.decision(n)), "{place}");
            }
        }
        seen.branches += 1;
        seen.changed += again.changed.len();
        seen.decided += again.decided;
        seen.flows += flows.len();
        drop(branch);
        assert!(all(&standing) == base, "seed {seed}: a branch leaves nothing behind");
    }
}

#[test]
fn random_changes_are_answered_as_if_compiled_anew() {
    let mut seen = Seen::default();
    for seed in 1..=ESTATES {
        check_case(seed, &mut seen);
    }
    let Seen { branches, changed, decided, flows } = seen;
    println!("{branches} branches of {flows} flows: {decided} decided again, {changed} changed");
    assert!(branches >= 100 && changed >= 50 && decided < flows);
}

fn generated(size: Size, mix: Mix, count: u64) -> (Network, Vec<Flow>) {
    let settings = Settings { sizes: size.sizes(), shape: Shape::HubSpoke, seed: 7, unique: false };
    let mut notes = Diagnostics::new();
    let inventory = generate::inventory(&settings, &mut notes);
    let network = network::compile(inventory, ServiceTags::builtin(), Profile::default(), &mut notes);
    let lines = Flows::new(settings, mix, Layout::Csv);
    let endpoint = |text: &str| match text.parse() {
        Ok(ip) => Endpoint::Address(ip),
        Err(_) if text == "internet" => Endpoint::Internet,
        Err(_) if text.contains('.') => Endpoint::Fqdn(text.into()),
        Err(_) => Endpoint::Named(text.into()),
    };
    let flows = (0..count).map(|number| {
        let mut text = String::new();
        lines.line(number, &mut text);
        let words: Vec<&str> = text.trim().split(',').collect();
        Flow {
            name: None,
            from: endpoint(words[0]),
            to: endpoint(words[1]),
            protocol: Protocol::parse(words[2]).expect("a protocol"),
            port: words[3].parse().expect("a port"),
            source_port: None,
            identity: None,
            action: None,
            path: None,
            scheme: None,
        }
    });
    let flows = flows.collect();
    (network, flows)
}

/// In an estate of templates and shared tables, against tables compiled anew for the changed network.
#[test]
fn rules_and_routes_of_a_large_estate_touch_few_flows() {
    let (network, flows) = generated(Size::S, Mix::Uniform, 3_000);
    let (mut standing, flows) = standing(network, &flows);
    let base = all(&standing);
    let mut random = Random::new(11);
    let (mut decided, mut changed) = (0, 0);
    for number in 0..60 {
        let mut branch = standing.branch();
        let inventory = &branch.network().inventory;
        let nsg = random.below(inventory.nsgs.len());
        let rules = &inventory.nsgs.as_slice()[random.below(inventory.nsgs.len())].security_rules.items;
        let table = random.below(inventory.route_tables.len());
        let routes = &inventory.route_tables.as_slice()[table].routes.items;
        match (number % 4, rules.is_empty() || routes.is_empty()) {
            (_, true) => continue,
            (0, _) => {
                let rule = random.one(rules);
                branch.put_rule(Id::new(nsg), &rule);
            }
            (1, _) => {
                let own = &inventory.nsgs.as_slice()[nsg].security_rules.items;
                let name = own.first().map(|r| r.name.clone()).unwrap_or_default();
                branch.remove_rule(Id::new(nsg), &name);
            }
            (2, _) => {
                let name = random.one(routes).name.clone();
                branch.remove_route(Id::new(table), &name);
            }
            _ => {
                let others = &inventory.route_tables.as_slice()[random.below(inventory.route_tables.len())];
                let route = random.one(&others.routes.items);
                branch.put_route(Id::new(table), &route);
            }
        }
        let again = branch.again();
        decided += again.decided;
        changed += again.changed.len();
        let tables = fast::compile(branch.network());
        let mut asker = Asker::new(branch.network(), &tables);
        let ids: Vec<FlowIds> = flows.iter().map(|flow| asker.read(flow).expect("read before")).collect();
        let mut verdicts = vec![Verdict::PENDING; ids.len()];
        for (n, (ids, verdict)) in ids.chunks(1).zip(verdicts.chunks_mut(1)).enumerate() {
            asker.decide(ids, verdict);
            assert_eq!(branch.decision(n), asker.decision(&verdict[0]), "{number}: {:?}", flows[n]);
        }
        drop(branch);
        assert!(all(&standing) == base, "{number}: a branch leaves nothing behind");
    }
    println!("{decided} decided again, {changed} changed, {} bytes remembered", standing.remembered());
    assert!(
        changed > 0 && decided < 60 * flows.len() / 10,
        "{decided} of {} decided again",
        60 * flows.len()
    );
}

/// Three tables that have most routes in common, and so share a layer: one of two subnets with every kind of next hop,
/// in a network with a gateway that learns routes.
fn routed(random: &mut Random, propagates: bool) -> Value {
    let common: Vec<Value> = (0..14)
        .map(|n| match n {
            0 => route("default", "0.0.0.0/0", "10.0.3.4"),
            1..8 => route(&format!("near-{n}"), &format!("10.{n}.0.0/16"), "10.0.3.4"),
            _ => route(&format!("far-{n}"), &format!("172.30.{n}.0/24"), "Internet"),
        })
        .collect();
    let table = |name: &str, own: Vec<Value>| {
        let routes: Vec<Value> = common.iter().cloned().chain(own).collect();
        json!({ "name": name, "routes": routes, "disableBgpRoutePropagation": !propagates })
    };
    let own: Vec<Value> = (0..random.below(9)).map(|n| any_route(random, &format!("own-{n}"))).collect();
    let subnet = |name: &str, third: usize, table: Option<&str>| {
        let mut subnet = json!({ "name": name, "addressPrefix": format!("10.0.{third}.0/24") });
        if let Some(table) = table {
            subnet["routeTable"] = json!(table);
        }
        subnet
    };
    let host = |name: &str, subnet: &str, ip: &str, forwards: bool| json!({ "name": name, "subnet": subnet, "privateIPAddress": ip, "forwards": forwards });
    json!({
        "netwhy": "estate/1",
        "virtualNetworks": [{ "name": "hub", "addressPrefixes": ["10.0.0.0/16"], "subnets": [
            subnet("a", 0, Some("rt")), subnet("b", 1, Some("rt")), subnet("c", 2, Some("rt-other")),
            subnet("d", 4, Some("rt-third")), subnet("nva", 3, None), subnet("GatewaySubnet", 251, None),
        ] }],
        "hosts": [
            host("vm-a", "hub/a", "10.0.0.4", false), host("vm-b", "hub/b", "10.0.1.4", false),
            host("vm-c", "hub/c", "10.0.2.4", false), host("vm-d", "hub/d", "10.0.4.4", false),
            host("first", "hub/nva", "10.0.3.4", true), host("second", "hub/nva", "10.0.3.5", true),
        ],
        "routeTables": [
            table("rt", own), table("rt-other", Vec::new()), table("rt-third", vec![route("x", "10.200.0.0/16", "None")]),
        ],
        "virtualNetworkGateways": [{ "name": "gw", "gatewayType": "Vpn", "subnet": "hub/GatewaySubnet" }],
        "onPremisesSites": [{ "name": "site", "addressPrefixes": ["172.30.100.0/24"], "connectedTo": ["gw"] }],
        "bgpRoutes": [
            { "name": "learnt", "addressPrefix": "10.3.0.0/17", "learnedBy": "gw", "site": "site" },
            { "name": "wide", "addressPrefix": "172.30.0.0/18", "learnedBy": "gw", "site": "site" },
        ],
    })
}

fn route(name: &str, prefix: &str, hop: &str) -> Value {
    match hop.starts_with('1') {
        true => {
            json!({ "name": name, "addressPrefix": prefix, "nextHopType": "VirtualAppliance", "nextHopIpAddress": hop })
        }
        false => json!({ "name": name, "addressPrefix": prefix, "nextHopType": hop }),
    }
}

/// Prefixes that lie in each other, beside each other and on the edges; few, so that tables have the same ones.
const COVERED: [&str; 24] = [
    "0.0.0.0/0",
    "0.0.0.0/1",
    "128.0.0.0/1",
    "10.0.0.0/8",
    "10.0.0.0/16",
    "10.0.1.0/24",
    "10.0.1.4/32",
    "10.2.0.0/15",
    "10.2.0.0/16",
    "10.3.0.0/16",
    "10.3.0.0/17",
    "10.3.128.0/17",
    "10.3.0.0/24",
    "172.16.0.0/12",
    "172.30.8.0/24",
    "172.30.9.0/24",
    "172.30.8.0/23",
    "172.30.8.128/25",
    "172.30.8.255/32",
    "52.0.0.0/8",
    "255.255.255.255/32",
    "0.0.0.0/32",
    "fd00::/8",
    "Storage",
];

fn any_route(random: &mut Random, name: &str) -> Value {
    // A tag now and then: such a table is compiled as a whole.
    let count = COVERED.len() - usize::from(!random.chance(5));
    let prefix = random.pick(&COVERED[..count]);
    let hop = random.pick(&[
        "10.0.3.4",
        "10.0.3.5",
        "10.0.99.9",
        "Internet",
        "None",
        "VnetLocal",
        "VirtualNetworkGateway",
    ]);
    let mut route = route(name, prefix, hop);
    if random.chance(4) {
        route["hasBgpOverride"] = json!(true);
    }
    route
}

/// One route of a table another way: comes, goes, leads elsewhere, covers something else.
fn edited(random: &mut Random, routes: &mut Vec<Value>, number: usize) {
    let at = random.below(routes.len().max(1));
    match random.below(5) {
        0 if !routes.is_empty() => {
            routes.remove(at);
        }
        1 if !routes.is_empty() => {
            let name = routes[at]["name"].as_str().unwrap_or_default().to_owned();
            let hop = any_route(random, "")["nextHopType"].clone();
            let prefix = routes[at]["addressPrefix"].as_str().unwrap_or_default().to_owned();
            let hop = hop.as_str().filter(|h| *h != "VirtualAppliance").unwrap_or("10.0.3.5");
            routes[at] = route(&name, &prefix, hop);
        }
        2 if !routes.is_empty() => {
            let name = routes[at]["name"].as_str().unwrap_or_default().to_owned();
            routes[at] = any_route(random, &name);
        }
        _ => routes.push(any_route(random, &format!("late-{number}"))),
    }
}

/// Flows to the edges of every prefix.
fn to_edges() -> Vec<Flow> {
    let mut out = Vec::new();
    let common = (1..14).flat_map(|n| [format!("10.{n}.0.0/16"), format!("172.30.{n}.0/24")]);
    for prefix in COVERED.iter().map(|p| (*p).to_owned()).chain(common) {
        let Ok(net) = prefix.parse::<netwhy::net::IpNet>() else { continue };
        let netwhy::net::IpNet::V4(net) = net else { continue };
        let (first, last) = (u32::from(net.network()), u32::from(net.broadcast()));
        let edges = [first.checked_sub(1), Some(first), Some(last), last.checked_add(1)];
        for ip in edges.into_iter().flatten().map(std::net::Ipv4Addr::from) {
            for from in ["vm-a", "vm-b", "vm-c"] {
                let (from, to) = (Endpoint::Named(from.into()), Endpoint::Address(ip.into()));
                out.push(Flow::new(from, to, Protocol::Tcp, 443));
            }
        }
    }
    out
}

/// Single routes another way, some after each other, are what compiling the changed estate anew is.
#[test]
fn random_routes_are_patched_as_if_compiled_anew() {
    let (tags, profile) = (ServiceTags::builtin(), Profile::default());
    let network = |estate: &Value| network_of(&estate.to_string(), &profile, &tags).ok();
    let flows = to_edges();
    let mut random = Random::new(5);
    let (mut branches, mut changed) = (0, 0);
    for number in 0..6 {
        let estate = routed(&mut random, number % 2 == 0);
        let before = network_of(&estate.to_string(), &profile, &tags).expect("a sound estate");
        let (mut standing, flows) = standing(before, &flows);
        let base = all(&standing);
        for _ in 0..12 {
            let mut branch = standing.branch();
            let mut other = estate.clone();
            for step in 0..1 + random.below(3) {
                let mut next = other.clone();
                let table = random.one(&[0, 0, 0, 1]);
                let routes = next["routeTables"][table]["routes"].as_array_mut().expect("a list");
                edited(&mut random, routes, step);
                let Some(after) = network(&next) else { continue };
                if !follow(&mut branch, &after) {
                    continue;
                }
                other = next;
                let again = branch.again();
                let tables = fast::compile(&after);
                let mut asker = Asker::new(&after, &tables);
                let mut differing = 0;
                for (n, flow) in flows.iter().enumerate() {
                    let ids = asker.read(flow).expect("read before");
                    let mut verdict = [Verdict::PENDING];
                    asker.decide(&[ids], &mut verdict);
                    let anew = asker.decision(&verdict[0]);
                    assert_eq!(branch.decision(n), anew, "{number}, {step}: {flow:?}\n{other:#}");
                    differing += usize::from(anew != base.0[n]);
                }
                assert!(
                    again.changed.len() <= differing,
                    "{number}, {step}: told what is the same\n{other:#}"
                );
                (branches, changed) = (branches + 1, changed + differing);
            }
            drop(branch);
            assert!(all(&standing) == base, "{number}: a branch leaves nothing behind");
        }
    }
    println!("{branches} branches, {changed} flows answered otherwise");
    assert!(branches > 75 && changed > 1_000, "{branches} {changed}");
}

/// What `what-if --flows` says of a change file, against both worlds compiled.
fn check_list(seed: u64, changes: &Value, branched: &mut usize) -> Option<usize> {
    let Case { estate, flows: texts } = case(seed, 12);
    let mut profile = Profile::default();
    for (knob, value) in &estate.knobs {
        profile.set(knob, value).expect("the generator knows the knobs");
    }
    let tags = ServiceTags::builtin();
    let before = network_of(&estate.text(), &profile, &tags).ok()?;
    let after = changed(&estate.text(), changes, &profile, &tags).ok()?;
    let mut notes = Diagnostics::new();
    let root = parse_yaml(DocId(0), &estate.text(), &mut notes).ok()?;
    let raws = native::load(&root, &mut notes);
    let list = parse_yaml(DocId(1), &format!("[{changes}]"), &mut notes).ok()?;
    let list = netwhy::formats::change::read(&list, &mut notes);
    let flows: Vec<Flow> = texts.iter().map(|text| flow(text)).filter(|f| f.identity.is_none()).collect();
    let mut lines = Lines::new(Some(Rows::Csv));
    lines.take("from,to,protocol,port").expect("a header");
    let row = |f: &Flow| format!("{},{},{},{}", f.from, f.to, f.protocol.name().to_lowercase(), f.port);
    let rows: Vec<Row> = flows.iter().filter_map(|f| lines.take(&row(f)).ok().flatten()).collect();
    // As the list is understood: a word may be a name there.
    let read = |row: &Row| row.question.flow(None, At::NOWHERE, &before.inventory).ok();
    let asked: Vec<Flow> = rows.iter().filter_map(read).collect();
    let known = notes.clone();
    let world = WhatIfEstate { raws: &raws, base: &[], profile: &profile, tags: &tags, known: &known };
    let told = netwhy::run::standing::flows(world, before, &list, rows, &mut Diagnostics::new());
    *branched += usize::from(told.branched);
    let before = network_of(&estate.text(), &profile, &tags).expect("compiled before");
    for one in &told.changed {
        assert_eq!(one.before, decide(&before, &one.flow), "seed {seed}: {changes}");
        assert_eq!(one.after, decide(&after, &one.flow), "seed {seed}: {changes}");
    }
    let differing = asked.iter().filter(|f| decide(&before, f) != decide(&after, f)).count();
    assert_eq!(
        told.changed.len() + told.faults.len(),
        differing + told.faults.len(),
        "seed {seed}: {changes}"
    );
    Some(told.changed.len())
}

#[test]
fn lists_of_flows_are_told_alike_by_a_branch_and_by_compiling_anew() {
    let (mut branched, mut asked, mut differing) = (0, 0, 0);
    for seed in 1..=60 {
        let rule = json!({ "name": "late", "priority": 101, "direction": "Inbound", "access": "Deny",
            "protocol": "*", "sourceAddressPrefix": "*", "sourcePortRange": "*",
            "destinationAddressPrefix": "*", "destinationPortRange": "*" });
        let route = json!({ "name": "late", "addressPrefix": "0.0.0.0/0", "nextHopType": "None" });
        for change in [
            json!({ "add": { "target": "nsg0", "securityRules": [rule] } }),
            json!({ "add": { "target": "rt0", "routes": [route] } }),
            json!({ "remove": { "target": "nsg0", "detach": true } }),
        ] {
            if let Some(count) = check_list(seed, &change, &mut branched) {
                (asked, differing) = (asked + 1, differing + count);
            }
        }
    }
    println!("{asked} lists, {branched} by a branch, {differing} flows answered otherwise");
    assert!(branched > 20 && branched < asked && differing > 20, "{asked} {branched} {differing}");
}
