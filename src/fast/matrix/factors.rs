//! What a pair of classes is decided by, read once for each class instead of once for each pair.
//!
//! For the most common ways, straight or through firewalls of the hubs, an answer follows from a few numbers: which
//! rules hold at the sender and at the receiver, which firewalls stand between in both directions, which of their rules
//! hold, and what is fixed about both ends. [`Factors`] gives those numbers ([`Path`]); pairs with the same numbers have
//! the same answer, so one of them is walked and the others are told. Whatever has another way (appliances, gateways,
//! translation of the sender, sets of more than 64 rules) has no numbers, and is walked by itself.

use super::Service;
use super::outside;
use super::walls::Wall;
use crate::fast::compile::firewall_rules;
use crate::fast::cpu::Cpu;
use crate::fast::forward::is_public;
use crate::fast::lines::Line;
use crate::fast::routes::{self, Chosen, HopKind, NetworkRoute, UserRoute};
use crate::fast::rules::{self, Ask};
use crate::fast::spans;
use crate::fast::tables::{
    Fast, Kind, NOBODY, SUBNET_LINES, SlotRow, SubnetRow, UNREACHABLE, VnetRow, slot, subnet, vnet,
};
use crate::fast::tree::Tree;
use crate::network::Network;
use hashbrown::HashMap;
use std::sync::OnceLock;

type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// Where routes lead: to the number of a firewall, or to what stands above [`CODES`].
pub(super) type Code = u16;

/// The address is where the route leads.
pub(super) const LEADS: Code = Code::MAX;
/// Only the walk knows.
pub(super) const OTHER: Code = Code::MAX - 1;
const DROPPED: Code = Code::MAX - 2;
const NO_ROUTE: Code = Code::MAX - 3;
const USER_NONE: Code = Code::MAX - 4;
const NOT_REACHED: Code = Code::MAX - 5;
const TO_INTERNET: Code = Code::MAX - 6;
const TO_INTERNET_BY_USER: Code = Code::MAX - 7;
/// Below it a code is the number of a firewall.
const CODES: Code = Code::MAX - 16;

/// More kinds of firewalls than this have no codes.
const MOST_KINDS: u32 = 1 << 12;

/// More codes than this are worked out for each pair again.
const MOST_CODES: usize = 1 << 26;

/// A layer of rules, and whether it is one of security admin rules.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stratum {
    pub head: u32,
    pub template: u32,
    pub admin: bool,
    /// Whether it asks for application security groups.
    pub grouped: bool,
}

/// What stands at a place in one direction.
pub(super) type Strata = Vec<Stratum>;

/// An address, and what is known of it wherever it is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address {
    pub ip: u32,
    pub public: bool,
    pub tags: u32,
}

/// A machine that stands for its class.
#[derive(Debug)]
pub(super) struct One {
    pub ip: u32,
    pub here: SubnetRow,
    pub home: VnetRow,
    pub public: bool,
    pub tags: u32,
    /// What is fixed about it, by number.
    pub fixed: u32,
    pub out: Strata,
    pub into: Strata,
    /// For each layer of `into`, the rules that hold it as receiver.
    pub received: Vec<u64>,
    /// What `VirtualNetwork` and `Internet` add to the rules of `into` that hold a sender.
    pub added: Vec<[u64; 4]>,
    /// Its subnet's routes, by number.
    pub context: u32,
    /// Its subnet's `VirtualNetwork`, by number.
    pub tag: u32,
    /// Its network, and its memberships in application security groups.
    pub home_number: u32,
    run: (u32, u32),
    /// Its own outbound method.
    pub method: u32,
    /// Whether its address leads to it inside its network.
    pub visible: bool,
    /// Whether a set of its has too many rules for numbers.
    pub wide: bool,
}

/// A firewall of a hub.
#[derive(Debug)]
struct Gate {
    here: SubnetRow,
    /// Its rules, by number.
    wall: u32,
    /// What the walk reads of it but its rules and routes, by number.
    kind: u32,
    /// For each class, the code of its routes; [`OTHER`] where the sender is translated.
    codes: Vec<Code>,
}

impl One {
    #[inline(always)]
    pub(super) fn address(&self) -> Address {
        Address { ip: self.ip, public: self.public, tags: self.tags }
    }
}

/// Where a route leads.
pub(super) enum Lead {
    /// To the internet, with this code where the address is not public.
    Out(Code),
    /// It has a code, whoever holds the address.
    Code(Code),
    /// To the holder of the address in a network.
    Inside(u32),
}

/// The numbers of a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Path {
    /// What is fixed about both ends, and the codes there and back, one after the other.
    pub shape: u128,
    /// Which rules of the firewalls are asked; [`NOBODY`] for none.
    pub walls: [u32; 2],
}

/// What all pairs are decided by.
#[derive(Debug)]
pub struct Factors {
    pub(super) ones: Vec<One>,
    gates: Vec<Gate>,
    gate_of: Map<u32, Code>,
    pub(super) contexts: Vec<SubnetRow>,
    codes: OnceLock<Vec<Vec<Code>>>,
    pub(super) tags: Vec<Tree>,
    pub(super) walls: Vec<Wall>,
    /// Addresses and numbers of the machines, in order.
    pub(super) order: Vec<(u32, u32)>,
}

impl Factors {
    /// Reads the machines that stand for classes.
    pub(super) fn new<C: Cpu>(
        cpu: C,
        net: &Network,
        fast: &Fast,
        machines: &[u32],
        services: &[Service],
    ) -> Self {
        let mut numbers = Numbers::default();
        let ones: Vec<One> = machines.iter().map(|n| one(cpu, fast, *n, &mut numbers)).collect();
        let (contexts, tags) = (numbers.contexts.list, numbers.tags.list);
        let mut order: Vec<(u32, u32)> = ones.iter().enumerate().map(|(n, one)| (one.ip, n as u32)).collect();
        order.sort_unstable();
        let walls = walls(net, fast, &ones, &order, outside::host(cpu, fast), services);
        let mut out = Self {
            ones,
            gates: Vec::new(),
            gate_of: Map::default(),
            contexts,
            codes: OnceLock::new(),
            tags,
            walls: walls.0,
            order,
        };
        out.gates(cpu, fast, &walls.1);
        out
    }

    /// For each context of routes the code of each machine; nothing where they are too many to be kept.
    fn codes<C: Cpu>(&self, cpu: C, fast: &Fast) -> &[Vec<Code>] {
        self.codes.get_or_init(|| match self.contexts.len().saturating_mul(self.ones.len()) <= MOST_CODES {
            true => self.contexts.iter().map(|here| self.row_of_codes(cpu, fast, here)).collect(),
            false => Vec::new(),
        })
    }

    fn gates<C: Cpu>(&mut self, cpu: C, fast: &Fast, wall_of: &[u32]) {
        let mut kinds = Numbered::default();
        for place in fast.slot_of.iter().copied().filter(|place| *place != NOBODY) {
            let row = fast.slot(place);
            if row.kind() != Kind::Firewall || !row.has(slot::PLATFORM) {
                continue;
            }
            let firewall = &fast.firewalls[row.about as usize];
            let many = self.gates.len() >= usize::from(CODES);
            if firewall.doubt || many || wall_of[row.about as usize] == NOBODY {
                continue;
            }
            let (here, home) = (fast.subnet(row.subnet), fast.vnet(row.vnet));
            let flags = [row.flags, here.flags & ((1 << subnet::LENGTH_AT) - 1), home.flags];
            let read = (flags, firewall.listens.clone(), firewall.any_port, firewall.proxy);
            let kind = kinds.number(read, || ());
            if kind >= MOST_KINDS {
                continue;
            }
            self.gate_of.insert(place, self.gates.len() as Code);
            self.gates.push(Gate { here, wall: wall_of[row.about as usize], kind, codes: Vec::new() });
        }
        // Codes name gates, so all of them must be numbered first.
        for (place, gate) in self.gate_of.clone() {
            let firewall = &fast.firewalls[fast.slot(place).about as usize];
            let mut codes = self.row_of_codes(cpu, fast, &self.gates[usize::from(gate)].here);
            for (code, one) in codes.iter_mut().zip(&self.ones) {
                let private = firewall.private.rank(cpu, &fast.lines, one.ip) & 1 != 0;
                if !private || fast.slot(place).ip == one.ip {
                    *code = OTHER;
                }
            }
            self.gates[usize::from(gate)].codes = codes;
        }
    }

    fn row_of_codes<C: Cpu>(&self, cpu: C, fast: &Fast, here: &SubnetRow) -> Vec<Code> {
        self.ones.iter().map(|one| self.code(cpu, fast, here, one)).collect()
    }

    /// Where the routes of a subnet lead for the address of a machine, by code.
    fn code<C: Cpu>(&self, cpu: C, fast: &Fast, here: &SubnetRow, to: &One) -> Code {
        match self.lead(cpu, fast, here, to.address()) {
            Lead::Out(_) if to.public => OTHER,
            Lead::Code(code) | Lead::Out(code) => code,
            Lead::Inside(home) if to.visible && home == to.home_number => LEADS,
            Lead::Inside(_) => OTHER,
        }
    }

    /// Where the routes of a subnet lead for an address.
    pub(super) fn lead<C: Cpu>(&self, cpu: C, fast: &Fast, here: &SubnetRow, to: Address) -> Lead {
        let (lines, ip) = (&fast.lines, to.ip);
        if here.endpoints != 0 {
            let mine = fast.service_endpoints[here.endpoints as usize - 1];
            let tags = fast.tag_sets[to.tags as usize];
            if tags.iter().zip(&mine).any(|(a, b)| a & b != 0) {
                return Lead::Code(OTHER);
            }
        }
        if here.has(subnet::TABLE_DOUBT) {
            return Lead::Code(OTHER);
        }
        let user = |spans: spans::Spans| {
            UserRoute(spans::half(cpu, lines.line(spans.line(spans.tree.rank(cpu, lines, ip))), ip))
        };
        let user = user(here.user.base).or(user(here.user.own));
        let network = NetworkRoute::read(lines, here.network.end(), here.network.rank(cpu, lines, ip));
        let (hop, by_user) = match routes::choose(user, &network, here.knobs()) {
            Chosen::Doubt | Chosen::Endpoint(_) | Chosen::Gateway(_) => return Lead::Code(OTHER),
            Chosen::Nothing => return Lead::Code(NO_ROUTE),
            Chosen::None => return Lead::Code(DROPPED),
            Chosen::User(route) => (fast.user_hop(here, route.hop()), true),
            Chosen::Network(hop) => (hop, false),
        };
        let code = match hop.kind() {
            HopKind::Local => return Lead::Inside(here.vnet),
            HopKind::Network => return Lead::Inside(hop.about()),
            HopKind::None if by_user => USER_NONE,
            HopKind::None => DROPPED,
            HopKind::Internet if by_user => return Lead::Out(TO_INTERNET_BY_USER),
            HopKind::Internet => return Lead::Out(TO_INTERNET),
            HopKind::Appliance => match fast.appliance(here.vnet, hop.about()) {
                UNREACHABLE => NOT_REACHED,
                place => self.gate_of.get(&place).copied().unwrap_or(OTHER),
            },
            HopKind::Other => OTHER,
        };
        Lead::Code(code)
    }

    /// For each context of routes, the code of a machine; none where they are too many to be kept.
    pub(super) fn column<C: Cpu>(&self, cpu: C, fast: &Fast, of: usize) -> Vec<Code> {
        self.codes(cpu, fast).iter().map(|codes| codes[of]).collect()
    }

    /// The places on a way whose first code is known; `None` where only the walk knows.
    #[inline(always)]
    fn way(&self, first: Code, to: usize) -> Option<[Code; 3]> {
        let mut out = [first, OTHER, OTHER];
        for n in 0..2 {
            if out[n] >= CODES {
                return (out[n] != OTHER).then_some(out);
            }
            out[n + 1] = self.gates[usize::from(out[n])].codes[to];
        }
        (out[2] >= CODES && out[2] != OTHER).then_some(out)
    }

    /// The ways between two machines, and whose rules stand there; `column` is that of the sender.
    #[inline(always)]
    pub(super) fn path<C: Cpu>(
        &self,
        cpu: C,
        fast: &Fast,
        (from, to): (usize, usize),
        column: &[Code],
    ) -> Option<Path> {
        let (a, b) = (&self.ones[from], &self.ones[to]);
        let code = |of: &One, end: &One| self.code(cpu, fast, &self.contexts[of.context as usize], end);
        let first =
            self.codes(cpu, fast).get(a.context as usize).map_or_else(|| code(a, b), |codes| codes[to]);
        let back = || column.get(b.context as usize).copied().unwrap_or_else(|| code(b, a));
        self.path_by((from, to), first, back)
    }

    /// The same, once it is known where the routes of the sender lead, and those of the receiver.
    #[inline(always)]
    pub(super) fn path_by(
        &self,
        (from, to): (usize, usize),
        first: Code,
        back: impl FnOnce() -> Code,
    ) -> Option<Path> {
        let (a, b) = (&self.ones[from], &self.ones[to]);
        if a.wide || b.wide {
            return None;
        }
        let there = self.way(first, to)?;
        let wall = |n: usize| self.gates.get(usize::from(there[n])).map_or(NOBODY, |gate| gate.wall);
        // Behind the first code that is no gate nothing stands.
        let walls = [wall(0), wall(1)];
        let back = if there.contains(&LEADS) { self.way(back(), from)? } else { [OTHER; 3] };
        let fixed = [u16::try_from(a.fixed).ok()?, u16::try_from(b.fixed).ok()?];
        let ends = u128::from(fixed[0]) << 16 | u128::from(fixed[1]);
        Some(Path { shape: self.alike(there, back) << 32 | ends, walls })
    }

    /// Both ways with the gates counted as they are met: which gate it is matters no further than its kind.
    #[inline(always)]
    fn alike(&self, there: [Code; 3], back: [Code; 3]) -> u128 {
        let (mut met, mut count) = ([OTHER; 6], 0);
        there.into_iter().chain(back).fold(0, |all, code| {
            let Some(gate) = self.gates.get(usize::from(code)) else { return all << 16 | u128::from(code) };
            let known = met[..count].iter().position(|m| *m == code);
            let number = known.unwrap_or_else(|| {
                met[count] = code;
                count += 1;
                count - 1
            });
            all << 16 | u128::from(gate.kind << 3) | number as u128
        })
    }

    /// Where each gate leads for a machine.
    pub(super) fn codes_of_gates(&self, of: usize) -> impl Iterator<Item = Code> + Clone {
        self.gates.iter().map(move |gate| gate.codes[of])
    }

    /// Where each gate leads for a machine, and which of the rules of firewalls about many pairs hold it, as sender and
    /// as receiver.
    pub(super) fn column_of_gates(&self, of: usize) -> [Vec<u32>; 2] {
        let codes = self.codes_of_gates(of).map(u32::from);
        let sides = self.walls.iter().flat_map(|wall| wall.side(of));
        let others = self.walls.iter().map(|wall| wall.other_side(of));
        [codes.clone().chain(sides).collect(), codes.chain(others).collect()]
    }

    /// Which `VirtualNetwork` tags hold an address.
    pub(super) fn tags_of<C: Cpu>(&self, cpu: C, fast: &Fast, ip: u32) -> Vec<bool> {
        self.tags.iter().map(|tag| tag.rank(cpu, &fast.lines, ip) & 1 != 0).collect()
    }

    /// The rules of a sender's sets that hold it.
    pub(super) fn sent<C: Cpu>(&self, cpu: C, fast: &Fast, from: usize) -> Vec<u64> {
        let a = &self.ones[from];
        let ask = Ask { groups: [a.run, (0, 0)], ..asked_at(cpu, fast, a, a, a) };
        a.out.iter().map(|s| rules::side(cpu, fast.around(), s.head, &ask, 0).unwrap_or(0)).collect()
    }

    /// The groups of what holds an address in a machine's network (ASG-3).
    fn groups_at(&self, fast: &Fast, place: usize, ip: u32) -> (u32, u32) {
        let found = fast.at_address(self.ones[place].home_number, ip);
        found.and_then(|(slot, _)| fast.member_runs.get(&slot)).copied().unwrap_or_default()
    }

    /// The rules of a set with groups that hold a receiver, as the sender's network sees it.
    pub(super) fn held_in_group<C: Cpu>(
        &self,
        cpu: C,
        fast: &Fast,
        from: usize,
        b: Address,
        head: u32,
    ) -> u64 {
        let groups = [(0, 0), self.groups_at(fast, from, b.ip)];
        let ask = Ask { destination: b.ip, tags: [0, b.tags], groups, ..Ask::default() };
        rules::side(cpu, fast.around(), head, &ask, 1).unwrap_or(0)
    }

    /// The rules of a set with groups that hold a sender, as the receiver's network sees it.
    pub(super) fn sends_in_group<C: Cpu>(
        &self,
        cpu: C,
        fast: &Fast,
        from: usize,
        to: usize,
        head: u32,
    ) -> u64 {
        let a = &self.ones[from];
        let groups = [self.groups_at(fast, to, a.ip), (0, 0)];
        let ask = Ask { source: a.ip, tags: [a.tags, 0], groups, ..Ask::default() };
        rules::side(cpu, fast.around(), head, &ask, 0).unwrap_or(0)
    }

    /// For each machine, the rules of a set that hold it as receiver by its address and service tags.
    pub(super) fn held<C: Cpu>(&self, cpu: C, fast: &Fast, head: u32) -> Vec<u64> {
        let one = |b: &One| {
            let ask = Ask { destination: b.ip, tags: [0, b.tags], ..Ask::default() };
            rules::side(cpu, fast.around(), head, &ask, 1).unwrap_or(0)
        };
        self.ones.iter().map(one).collect()
    }

    /// The rules of a set that hold a sender by its address and service tags.
    #[inline(always)]
    pub(super) fn sends<C: Cpu>(&self, cpu: C, fast: &Fast, from: usize, head: u32) -> u64 {
        let a = &self.ones[from];
        let ask = Ask { source: a.ip, tags: [a.tags, 0], ..Ask::default() };
        rules::side(cpu, fast.around(), head, &ask, 0).unwrap_or(0)
    }

    /// Whether `Internet`, as a machine sees it, holds another.
    #[inline(always)]
    pub(super) fn internet<C: Cpu>(&self, cpu: C, fast: &Fast, place: usize, of: usize) -> bool {
        internet(cpu, fast, &self.ones[place], self.ones[of].address())
    }

    /// The rules of a sender's set that hold an address.
    pub(super) fn holds_receiver<C: Cpu>(
        &self,
        cpu: C,
        fast: &Fast,
        from: usize,
        b: Address,
        stratum: &Stratum,
    ) -> u64 {
        let a = &self.ones[from];
        let ask = Ask { destination: b.ip, tags: [0, b.tags], ..Ask::default() };
        let rows = match stratum.grouped {
            true => self.held_in_group(cpu, fast, from, b, stratum.head),
            false => rules::side(cpu, fast.around(), stratum.head, &ask, 1).unwrap_or(0),
        };
        let added = rules::added(&fast.lines, stratum.head);
        let tagged = a.here.tag.rank(cpu, &fast.lines, b.ip) & 1 != 0;
        rows | only(tagged, added[2]) | only(internet(cpu, fast, a, b), added[3])
    }

    /// The rules of a receiver's set that hold a sender.
    pub(super) fn holds_sender<C: Cpu>(
        &self,
        cpu: C,
        fast: &Fast,
        (from, to): (usize, usize),
        n: usize,
    ) -> u64 {
        let (a, b) = (&self.ones[from], &self.ones[to]);
        let (head, added) = (b.into[n].head, b.added[n]);
        let rows = match b.into[n].grouped {
            true => self.sends_in_group(cpu, fast, from, to, head),
            false => self.sends(cpu, fast, from, head),
        };
        let tagged = b.here.tag.rank(cpu, &fast.lines, a.ip) & 1 != 0;
        rows | only(tagged, added[0]) | only(internet(cpu, fast, b, a.address()), added[1])
    }

    /// Which machines a `VirtualNetwork` tag holds.
    pub(super) fn tagged<C: Cpu>(&self, cpu: C, fast: &Fast, tag: usize) -> Vec<bool> {
        let tag = self.tags[tag];
        self.ones.iter().map(|one| tag.rank(cpu, &fast.lines, one.ip) & 1 != 0).collect()
    }

    /// The `VirtualNetwork` tag of a machine's subnet, by number.
    pub(super) fn tag_of(&self, one: usize) -> usize {
        self.ones[one].tag as usize
    }

    /// Whether the `VirtualNetwork` tag of a machine's subnet may hold more.
    pub(super) fn tag_doubt(&self, one: usize) -> bool {
        self.ones[one].here.has(subnet::TAG_DOUBT)
    }
}

/// Whether `Internet`, as a place sees it, holds a machine.
#[inline(always)]
fn internet<C: Cpu>(cpu: C, fast: &Fast, place: &One, of: Address) -> bool {
    match place.home.has(vnet::OWN_INTERNET) {
        true => place.home.internet.rank(cpu, &fast.lines, of.ip) & 1 != 0,
        false => of.public,
    }
}

/// A row where a condition holds, else nothing.
#[inline(always)]
pub(super) fn only(holds: bool, row: u64) -> u64 {
    row & u64::from(holds).wrapping_neg()
}

/// What a machine's rules see of a flow between two.
fn asked_at<C: Cpu>(cpu: C, fast: &Fast, place: &One, from: &One, to: &One) -> Ask {
    let holds = |of: &One| place.here.tag.rank(cpu, &fast.lines, of.ip) & 1 != 0;
    Ask {
        source: from.ip,
        destination: to.ip,
        network: [holds(from), holds(to)],
        internet: [from, to].map(|of| internet(cpu, fast, place, of.address())),
        tags: [from.tags, to.tags],
        ..Ask::default()
    }
}

/// Things with numbers.
#[derive(Default)]
struct Numbered<K, V> {
    numbers: Map<K, u32>,
    list: Vec<V>,
}

impl<K: std::hash::Hash + Eq, V> Numbered<K, V> {
    fn number(&mut self, key: K, value: impl FnOnce() -> V) -> u32 {
        let next = self.list.len() as u32;
        let number = *self.numbers.entry(key).or_insert(next);
        if number == next {
            self.list.push(value());
        }
        number
    }
}

#[derive(Default)]
struct Numbers {
    fixed: Numbered<[u32; 5], ()>,
    contexts: Numbered<[Line; SUBNET_LINES as usize], SubnetRow>,
    tags: Numbered<Tree, Tree>,
}

fn one<C: Cpu>(cpu: C, fast: &Fast, machine: u32, numbers: &mut Numbers) -> One {
    let place = fast.slot_of[machine as usize];
    let row = fast.slot(place);
    let (here, home) = (fast.subnet(row.subnet), fast.vnet(row.vnet));
    let public = is_public(cpu, fast, row.ip);
    let tags = match public || fast.tags_private {
        true => fast.lines.word(fast.tag_rows, fast.tags.rank(cpu, &fast.lines, row.ip)),
        false => 0,
    };
    let flags = here.flags & ((1 << subnet::LENGTH_AT) - 1);
    let named = u32::from(row.nsg != 0) | u32::from(here.nsg != 0) << 1;
    let fixed = numbers.fixed.number([row.flags, row.about, flags, home.flags, named], || ());
    let context = numbers.contexts.number(context_of(&here), || here);
    let strata = |side: usize| strata(fast, &row, &here, &home, side);
    let (out, into) = (strata(1), strata(0));
    let lone = |s: &Stratum| rules::side(cpu, fast.around(), s.head, &Ask::default(), 0).is_some();
    let wide = out.iter().chain(&into).any(|s| !lone(s)) || fast.all_doubtful || special(row.ip);
    let run = fast.member_runs.get(&place).copied().unwrap_or_default();
    let tag = numbers.tags.number(here.tag, || here.tag);
    let (received, added) = (Vec::new(), Vec::new());
    let mut one = One {
        ip: row.ip,
        here,
        home,
        public,
        tags,
        fixed,
        out,
        into,
        received,
        added,
        context,
        tag,
        home_number: row.vnet,
        run,
        method: row.method,
        visible: fast.at_address(row.vnet, row.ip).is_some_and(|(found, _)| found == place),
        wide,
    };
    let ask = Ask { groups: [(0, 0), run], ..asked_at(cpu, fast, &one, &one, &one) };
    let received = |s: &Stratum| rules::side(cpu, fast.around(), s.head, &ask, 1).unwrap_or(0);
    one.received = one.into.iter().map(received).collect();
    one.added = one.into.iter().map(|s| rules::added(&fast.lines, s.head)).collect();
    one
}

/// Addresses the walk knows by heart.
fn special(ip: u32) -> bool {
    let known = [crate::network::HOST_ADDRESS, crate::network::METADATA_ADDRESS];
    let known = known.into_iter().chain(crate::network::LICENSING_ADDRESSES);
    ip >= 0xe000_0000 || known.into_iter().any(|k| k == crate::net::IpAddr::V4(ip.into()))
}

/// What the routes of a subnet follow from.
fn context_of(here: &SubnetRow) -> [Line; SUBNET_LINES as usize] {
    let mut row = *here;
    row.flags &= subnet::OF_ROUTES | subnet::POLICIES;
    (row.rules, row.tag, row.method, row.nsg) = ([0; 2], Tree::default(), 0, 0);
    // Written out or not, the way says the same.
    row.way = spans::Spans::default();
    row.lines()
}

/// The layers of rules at a machine, in the order they are asked.
fn strata(fast: &Fast, row: &SlotRow, here: &SubnetRow, home: &VnetRow, side: usize) -> Strata {
    let stratum = |head: u32, admin: bool| {
        let (template, grouped) =
            (rules::template_of(&fast.lines, head), rules::asks_groups(&fast.lines, head));
        Stratum { head, template, admin, grouped }
    };
    let ruled = row.has(slot::RULED) && !here.has(subnet::SPARED) && home.admin[side] != 0;
    let admin = ruled.then(|| stratum(home.admin[side], true));
    let of_subnet = here.has(subnet::GROUP).then(|| stratum(here.rules[side], false));
    let of_slot = (row.nsg != 0).then(|| stratum(fast.groups[row.nsg as usize - 1][side], false));
    let groups = if side == 0 { [of_subnet, of_slot] } else { [of_slot, of_subnet] };
    admin.into_iter().chain(groups.into_iter().flatten()).collect()
}

/// The rules of firewalls, and which of them each has; [`NOBODY`] where only the walk knows.
fn walls(
    net: &Network,
    fast: &Fast,
    ones: &[One],
    order: &[(u32, u32)],
    host: Address,
    services: &[Service],
) -> (Vec<Wall>, Vec<u32>) {
    let host = (host.ip, fast.tag_sets[host.tags as usize]);
    let tags: Vec<u32> = ones.iter().map(|one| one.tags).collect();
    let (mut walls, mut known, mut of) = (Vec::new(), Vec::new(), Vec::new());
    for rules in firewall_rules(net) {
        let number = match known.iter().position(|k| *k == rules) {
            Some(number) => number,
            None => {
                walls.push(Wall::new(
                    &rules,
                    order,
                    |n| fast.tag_sets[tags[n as usize] as usize],
                    host,
                    services,
                ));
                known.push(rules);
                known.len() - 1
            }
        };
        of.push(number as u32);
    }
    (walls, of)
}
