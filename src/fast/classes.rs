//! Machines that no table tells apart, so that one of each class answers for all.
//!
//! Two machines are alike where everything the walk reads of them is: what their slots and subnets say, and which sets
//! of addresses hold theirs. Every set that a rule, a route or a firewall names takes part, whether it matters or not:
//! too many classes cost time, too few would be wrong. A sweep over all beginnings and ends gives each interval of
//! addresses a signature of 128 bits, the sum of the numbers of the sets that hold it; what is asked by number (routes
//! to one machine, public addresses, forwarding) makes a class of its own.

use super::tables::{Fast, Kind, NOBODY, SlotRow, SubnetRow, slot, subnet};
use crate::inventory::{AddressMeaning, AddressWord};
use crate::net::{AddressSet, IpAddr, IpNet};
use crate::network::{Attachment, AttachmentKind, EffectiveRoute, Network, NextHop, RoutePrefix, RuleSet};
use crate::tags::TagId;
use crate::trace::judge_of;
use hashbrown::{HashMap, HashSet};
use std::hash::BuildHasher;

/// Machines that no table tells apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// The machines, by their number in the network, in order.
    pub members: Vec<u32>,
}

/// All machines by class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Classes {
    /// The classes, in order of their first members.
    pub list: Vec<Class>,
    /// Class of each attachment; [`NOBODY`] for what is no machine, or has no IPv4 address.
    pub of: Vec<u32>,
}

/// Everything the walk reads of a machine but its address.
type Content = ([u64; 2], [u32; 8], [u32; 17], Vec<u32>, Vec<u32>, u32);

/// Puts machines into classes.
pub fn classes(net: &Network, fast: &Fast) -> Classes {
    let space = Space::new(net);
    let letters = let_in(fast);
    let mut numbers: HashMap<Content, u32, foldhash::fast::FixedState> = HashMap::default();
    let mut out = Classes { list: Vec::new(), of: vec![NOBODY; net.attachments.len()] };
    for (number, attachment) in net.attachments.iter().enumerate() {
        let place = fast.slot_of[number];
        if place == NOBODY || fast.slot(place).kind() != Kind::Machine {
            continue;
        }
        let row = fast.slot(place);
        // The hash finds one holder of an address; another one is asked by number alone.
        let hidden = fast.at_address(row.vnet, row.ip).is_none_or(|(found, _)| found != place);
        let alone = hidden
            || held_twice(net, row.ip)
            || has_public(net, attachment)
            || row.has(slot::FORWARDS | slot::FORWARDS_DOUBT);
        // What a service starts may have public addresses that only the full engine knows of.
        let of_service = matches!(attachment.kind, AttachmentKind::Compute(_));
        let mut groups: Vec<u32> = attachment.asgs.iter().map(|g| g.raw()).collect();
        groups.sort_unstable();
        let content: Content = (
            space.signature(row.ip),
            of_slot(fast, &row),
            of_subnet(fast, row.subnet),
            groups,
            letters.get(&row.subnet).cloned().unwrap_or_default(),
            if alone { number as u32 } else { NOBODY - u32::from(of_service) },
        );
        let next = out.list.len() as u32;
        let class = *numbers.entry(content).or_insert(next);
        if class == next {
            out.list.push(Class { members: Vec::new() });
        }
        out.list[class as usize].members.push(number as u32);
        out.of[number] = class;
    }
    out
}

/// Whether an address is somebody else's too: in another network, or in public.
fn held_twice(net: &Network, ip: u32) -> bool {
    let ip = IpAddr::V4(ip.into());
    let from = net.by_ip.partition_point(|(other, _)| *other < ip);
    let holders = net.by_ip[from..].iter().take_while(|(other, _)| *other == ip).count();
    holders > 1 || net.by_public_address.contains_key(&ip)
}

/// Whether a resource has a public address of its own, at this address or another one.
fn has_public(net: &Network, attachment: &Attachment) -> bool {
    let key = (attachment.owner.table, attachment.owner.row);
    let from = net.by_owner.partition_point(|(other, _)| *other < key);
    let own = net.by_owner[from..].iter().take_while(|(other, _)| *other == key);
    own.map(|(_, id)| net.attachment(*id)).any(|row| !row.public_ip.is_none())
}

/// Which services let each subnet in, by their place in the list.
fn let_in(fast: &Fast) -> HashMap<u32, Vec<u32>> {
    let mut out: HashMap<u32, Vec<u32>> = HashMap::new();
    for (place, subnet) in fast.let_in.iter().enumerate() {
        out.entry(*subnet).or_default().push(place as u32);
    }
    out
}

/// A slot without its address, number and the number of its subnet.
fn of_slot(fast: &Fast, row: &SlotRow) -> [u32; 8] {
    let heads = match row.nsg {
        0 => [NOBODY; 2],
        nsg => fast.groups[nsg as usize - 1],
    };
    [row.vnet, row.flags, heads[0], heads[1], row.about, row.method, u32::from(row.nsg != 0), 0]
}

/// A subnet without its number.
fn of_subnet(fast: &Fast, number: u32) -> [u32; 17] {
    // Where addresses lead follows from the rest.
    let SubnetRow { vnet, flags, rules, admin, tag, way: _, nsg, user, network, method, endpoints } =
        fast.subnet(number);
    // The length of the prefix matters only for addresses that no machine has.
    let flags = flags & ((1 << subnet::LENGTH_AT) - 1);
    let named = u32::from(nsg != 0);
    let (base, own) = (user.base.tree, user.own.tree);
    let routes = [base.root, base.shape, own.root, own.shape, user.hops, network.root, network.shape];
    let [a, b, c, d, e, f, g] = routes;
    let ([i, j], [k, l]) = (rules, admin);
    [vnet, flags, i, j, k, l, tag.root, tag.shape, a, b, c, d, e, f, g, method, endpoints << 1 | named]
}

/// Addresses by the sets that hold them.
struct Space {
    starts: Vec<u32>,
    signatures: Vec<[u64; 2]>,
}

impl Space {
    fn new(net: &Network) -> Self {
        let mut sets = Sets::default();
        sets.network(net);
        sets.events.sort_unstable_by_key(|e| e.0);
        let mut out = Space { starts: vec![0], signatures: vec![[0; 2]] };
        let mut now = [0u64; 2];
        for same in sets.events.chunk_by(|a, b| a.0 == b.0) {
            for (_, add, number) in same {
                for (word, more) in now.iter_mut().zip(number) {
                    *word = if *add { word.wrapping_add(*more) } else { word.wrapping_sub(*more) };
                }
            }
            let at = same[0].0;
            if at == 0 {
                out.signatures[0] = now;
            } else {
                out.starts.push(at);
                out.signatures.push(now);
            }
        }
        out
    }

    fn signature(&self, ip: u32) -> [u64; 2] {
        self.signatures[self.starts.partition_point(|s| *s <= ip) - 1]
    }
}

/// Sets of addresses met so far, each once.
#[derive(Default)]
struct Sets {
    events: Vec<(u32, bool, [u64; 2])>,
    known: HashSet<[u64; 2], foldhash::fast::FixedState>,
    /// Sets by where they are kept, so that shared ones are read once.
    seen: HashSet<usize, foldhash::fast::FixedState>,
    tags: HashSet<TagId>,
}

impl Sets {
    fn add(&mut self, ranges: &[(u32, u32)]) {
        if ranges.is_empty() {
            return;
        }
        let number = [3, 5].map(|seed| foldhash::fast::FixedState::with_seed(seed).hash_one(ranges));
        if !self.known.insert(number) {
            return;
        }
        for (low, high) in ranges {
            self.events.push((*low, true, number));
            self.events.extend(high.checked_add(1).map(|end| (end, false, number)));
        }
    }

    fn single(&mut self, ip: IpAddr) {
        if let IpAddr::V4(ip) = ip {
            self.add(&[(ip.into(), ip.into())]);
        }
    }

    fn set(&mut self, set: &AddressSet) {
        self.add(set.v4());
    }

    /// A set that many share.
    fn shared(&mut self, set: &std::sync::Arc<AddressSet>) {
        if self.seen.insert(std::sync::Arc::as_ptr(set) as usize) {
            self.set(set);
        }
    }

    fn tag(&mut self, net: &Network, tag: TagId) {
        if self.tags.insert(tag) {
            self.set(net.tags.set(tag));
        }
    }

    fn network(&mut self, net: &Network) {
        self.set(&net.public);
        for vnet in &net.vnets {
            self.set(&vnet.space);
            let routes = &vnet.routes.vnet;
            if self.seen.insert(std::sync::Arc::as_ptr(routes) as usize) {
                let all = routes.system.iter().chain(&routes.gateway).chain(&routes.private_endpoints);
                all.for_each(|route| self.route(net, route));
            }
        }
        for subnet in &net.subnets {
            self.shared(&subnet.virtual_network_tag);
            self.shared(&subnet.internet_tag);
            if let Some(user) = &subnet.routes.user
                && self.seen.insert(std::sync::Arc::as_ptr(user) as usize)
            {
                user.routes.iter().for_each(|route| self.route(net, route));
            }
            subnet.routes.service_endpoints.iter().for_each(|route| self.route(net, route));
        }
        let rules = [&net.security.inbound, &net.security.outbound, &net.admin.inbound, &net.admin.outbound];
        rules.into_iter().flatten().for_each(|set| self.rules(net, set));
        self.firewalls(net);
        for service in net.inventory.services.iter() {
            service.ip_rules.iter().for_each(|word| self.word(net, word));
        }
        // What the walk knows by heart.
        self.single(crate::network::HOST_ADDRESS);
        self.single(crate::network::METADATA_ADDRESS);
        crate::network::LICENSING_ADDRESSES.into_iter().for_each(|ip| self.single(ip));
    }

    fn route(&mut self, net: &Network, route: &EffectiveRoute) {
        match &route.prefix {
            Some(RoutePrefix::Net(IpNet::V4(net))) => {
                self.add(&[(net.network().into(), net.broadcast().into())]);
            }
            Some(RoutePrefix::Tag(tag)) => self.tag(net, *tag),
            _ => {}
        }
        if let Ok(NextHop::Appliance(ips)) = &route.hop {
            ips.iter().for_each(|ip| self.single(*ip));
        }
    }

    fn rules(&mut self, net: &Network, set: &RuleSet) {
        for side in set.rules.iter().flat_map(|r| [&r.source, &r.destination]) {
            self.set(&side.set);
            side.tags.iter().for_each(|tag| self.tag(net, *tag));
            side.platform.iter().flat_map(|p| p.addresses()).for_each(|ip| self.single(*ip));
        }
    }

    fn firewalls(&mut self, net: &Network) {
        let inventory = &net.inventory;
        for firewall in 0..inventory.azure_firewalls.len() {
            let judge = judge_of(net, crate::inventory::Id::new(firewall));
            self.set(&judge.private);
            for rule in judge.rules.iter().map(|r| r.rule) {
                let words = rule.source_addresses.iter().chain(rule.destination_addresses.iter());
                words.for_each(|word| self.word(net, word));
            }
        }
        for word in inventory.ip_groups.iter().flat_map(|g| g.ip_addresses.iter()) {
            self.word(net, word);
        }
    }

    fn word(&mut self, net: &Network, word: &AddressWord) {
        match &word.means {
            AddressMeaning::Any => {}
            AddressMeaning::Addresses(set) => self.set(set),
            AddressMeaning::Tag(name) => {
                if let Some(tag) = net.tags.find(name) {
                    self.tag(net, tag);
                }
            }
        }
    }
}
