//! The rules of firewalls for pairs of classes. Few rules are about many pairs: a row of bits for each class and side says
//! which of those hold it. The many rules about few pairs are lists: which of them hold a class on a side, and which
//! pairs that makes ([`Wall::spots`]).

use super::Service;
use crate::fast::compile::FirewallRules;
use crate::fast::rules::{Draft, Says, Side};
use hashbrown::HashMap;

/// A row of rules, 64 in a word.
type Row = Vec<u64>;

/// Stretches of places in the order of addresses: first, and first beyond.
pub(super) type Stretches = Vec<(u32, u32)>;

/// A rule about more pairs of classes than this has a bit in every row.
const FEW: u64 = 2_048;

/// What a firewall's rules say to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Word {
    Nothing,
    Allow,
    Deny,
    Doubt,
}

/// The rules of a firewall.
#[derive(Debug)]
pub(super) struct Wall {
    /// The rules about many pairs, in order, and which of them hold each class.
    broad: Vec<u32>,
    sources: Rows,
    destinations: Rows,
    /// Those about few, by class.
    narrow: [Lists; 2],
    spots: Vec<(Stretches, Stretches)>,
    /// For each rule the services it is about, and what it says.
    rules: Vec<(Vec<bool>, Word)>,
    /// By sender, those about a host of the internet.
    outward: Rows,
    /// Application rules that may hold a class and a service, whatever the name: these the walk must ask.
    applications: Rows,
    named: Vec<Vec<bool>>,
    services: usize,
}

/// Classes by address, and the service tags of some.
struct Order<'a> {
    list: &'a [(u32, u32)],
    tagged: Vec<(u32, [u64; 4])>,
}

impl<'a> Order<'a> {
    fn new(list: &'a [(u32, u32)], tags: impl Fn(u32) -> [u64; 4]) -> Self {
        let places = list.iter().enumerate().map(|(place, (_, class))| (place as u32, tags(*class)));
        Self { list, tagged: places.filter(|(_, tags)| *tags != [0; 4]).collect() }
    }

    fn all(&self) -> u32 {
        self.list.len() as u32
    }

    /// Where a side of a rule holds; stretches may overlap.
    fn stretches(&self, side: &Side) -> Stretches {
        if side.any {
            return vec![(0, self.all())];
        }
        let from = |x: u32| self.list.partition_point(|(ip, _)| *ip < x) as u32;
        let behind = |x: u32| self.list.partition_point(|(ip, _)| *ip <= x) as u32;
        let ranges = side.ranges.iter().map(|(low, high)| (from(*low), behind(*high)));
        let tagged = self.tagged.iter().filter(|(_, tags)| side.tags.iter().any(|t| holds(tags, *t)));
        ranges.chain(tagged.map(|(place, _)| (*place, place + 1))).filter(|(a, b)| a < b).collect()
    }

    fn classes(&self, stretches: &Stretches) -> impl Iterator<Item = u32> {
        stretches.iter().flat_map(|(a, b)| &self.list[*a as usize..*b as usize]).map(|(_, class)| *class)
    }
}

/// Whether a tag is among those that hold an address.
fn holds(tags: &[u64; 4], tag: u16) -> bool {
    tags[usize::from(tag) / 64] >> (tag % 64) & 1 != 0
}

fn size(stretches: &Stretches) -> u64 {
    stretches.iter().map(|(a, b)| u64::from(b - a)).sum()
}

/// Rows of classes, each distinct one once.
#[derive(Debug)]
struct Rows {
    of: Vec<u32>,
    list: Vec<Row>,
}

impl Rows {
    /// Which rules hold each class on a side, by where they do.
    fn new(rules: &[&Stretches], order: &Order<'_>) -> Self {
        let width = rules.len().div_ceil(64).max(1);
        let mut rows = vec![0u64; width * order.list.len()];
        let mut all = vec![0u64; width];
        for (number, stretches) in rules.iter().enumerate() {
            let (word, bit) = (number / 64, 1u64 << (number % 64));
            if stretches.contains(&(0, order.all())) {
                all[word] |= bit;
                continue;
            }
            order.classes(stretches).for_each(|class| rows[class as usize * width + word] |= bit);
        }
        let mut numbers: HashMap<Row, u32, foldhash::fast::FixedState> = HashMap::default();
        let mut out = Self { of: Vec::with_capacity(order.list.len()), list: Vec::new() };
        let mut row = Row::new();
        for own in rows.chunks(width) {
            row.clear();
            row.extend(own.iter().zip(&all).map(|(own, all)| own | all));
            let number = numbers.get(&row).copied().unwrap_or_else(|| {
                let next = out.list.len() as u32;
                numbers.insert(row.clone(), next);
                out.list.push(row.clone());
                next
            });
            out.of.push(number);
        }
        out
    }
}

/// Lists of rules by class, in order.
#[derive(Debug)]
struct Lists {
    starts: Vec<u32>,
    rules: Vec<u32>,
}

impl Lists {
    fn new(rules: impl Iterator<Item = (u32, Vec<u32>)>, classes: usize) -> Self {
        let mut pairs: Vec<(u32, u32)> =
            rules.flat_map(|(rule, of)| of.into_iter().map(move |class| (class, rule))).collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut starts = vec![0; classes + 1];
        pairs.iter().for_each(|(class, _)| starts[*class as usize + 1] += 1);
        for class in 0..classes {
            starts[class + 1] += starts[class];
        }
        Self { starts, rules: pairs.into_iter().map(|(_, rule)| rule).collect() }
    }

    #[inline(always)]
    fn of(&self, class: usize) -> &[u32] {
        &self.rules[self.starts[class] as usize..self.starts[class + 1] as usize]
    }
}

fn about(draft: &Draft, services: &[Service]) -> Vec<bool> {
    let one = |service: &Service| {
        let ports = !service.protocol.has_ports() || draft.ports.contains(service.port);
        draft.protocols >> service.protocol as u8 & 1 != 0 && (ports || draft.ports.is_all())
    };
    services.iter().map(one).collect()
}

impl Wall {
    pub(super) fn new(
        from: &FirewallRules,
        order: &[(u32, u32)],
        tags: impl Fn(u32) -> [u64; 4] + Copy,
        host: (u32, [u64; 4]),
        services: &[Service],
    ) -> Self {
        Self::split(from, &Order::new(order, tags), host, services, FEW)
    }

    /// The same, where rules about no more pairs than this stand in lists.
    fn split(
        from: &FirewallRules,
        order: &Order<'_>,
        host: (u32, [u64; 4]),
        services: &[Service],
        most: u64,
    ) -> Self {
        let word = |draft: &Draft| match draft.says {
            _ if draft.doubtful => Word::Doubt,
            Says::Deny => Word::Deny,
            Says::Allow | Says::AlwaysAllow => Word::Allow,
        };
        let may: Vec<&Draft> =
            from.application.iter().filter(|(_, may)| *may).map(|(draft, _)| draft).collect();
        let sides = |d: &Draft| (order.stretches(&d.source), order.stretches(&d.destination));
        let all: Vec<(Stretches, Stretches)> = from.network.iter().map(sides).collect();
        let pairs = |n: usize| size(&all[n].0) * size(&all[n].1);
        let (broad, few): (Vec<u32>, Vec<u32>) =
            (0..all.len() as u32).filter(|n| pairs(*n as usize) > 0).partition(|n| pairs(*n as usize) > most);
        let rows = |side: fn(&(Stretches, Stretches)) -> &Stretches| {
            let rules: Vec<&Stretches> = broad.iter().map(|n| side(&all[*n as usize])).collect();
            Rows::new(&rules, order)
        };
        let lists = |side: fn(&(Stretches, Stretches)) -> &Stretches| {
            let rules = few.iter().map(|n| (*n, order.classes(side(&all[*n as usize])).collect()));
            Lists::new(rules, order.list.len())
        };
        let outside = |d: &&Draft| {
            let ranges = d.destination.ranges.iter().any(|(low, high)| (*low..=*high).contains(&host.0));
            d.destination.any || ranges || d.destination.tags.iter().any(|tag| holds(&host.1, *tag))
        };
        let outward: Vec<Stretches> =
            from.network.iter().filter(outside).map(|d| order.stretches(&d.source)).collect();
        let named: Vec<Stretches> = may.iter().map(|d| order.stretches(&d.source)).collect();
        Self {
            sources: rows(|sides| &sides.0),
            destinations: rows(|sides| &sides.1),
            narrow: [lists(|sides| &sides.0), lists(|sides| &sides.1)],
            spots: few.iter().map(|n| all[*n as usize].clone()).collect(),
            rules: from.network.iter().map(|d| (about(d, services), word(d))).collect(),
            outward: Rows::new(&outward.iter().collect::<Vec<_>>(), order),
            applications: Rows::new(&named.iter().collect::<Vec<_>>(), order),
            named: may.iter().map(|d| about(d, services)).collect(),
            services: services.len(),
            broad,
        }
    }

    /// Which rules about many pairs hold a sender, by number, and which hold a receiver.
    pub(super) fn side(&self, from: usize) -> [u32; 2] {
        [self.sources.of[from], self.applications.of[from]]
    }

    /// Which rules about a host of the internet hold a sender, by number.
    pub(super) fn outward(&self, from: usize) -> u32 {
        self.outward.of[from]
    }

    pub(super) fn other_side(&self, to: usize) -> u32 {
        self.destinations.of[to]
    }

    /// What the rules about many pairs say to a pair, by number.
    pub(super) fn key(&self, from: usize, to: usize) -> [u32; 3] {
        [self.sources.of[from], self.destinations.of[to], self.applications.of[from]]
    }

    /// Where the rules about few pairs hold: senders and receivers, in the order of addresses.
    pub(super) fn spots(&self) -> &[(Stretches, Stretches)] {
        &self.spots
    }

    /// The rules about few pairs that hold this one.
    #[inline(always)]
    pub(super) fn few(&self, from: usize, to: usize) -> impl Iterator<Item = u32> {
        let (a, b) = (self.narrow[0].of(from), self.narrow[1].of(to));
        let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
        short.iter().copied().filter(|rule| long.binary_search(rule).is_ok())
    }

    /// What they say to each service, those about few pairs in order; `None` where the walk must ask.
    pub(super) fn say(&self, key: [u32; 3], few: &[u32]) -> Option<Vec<Word>> {
        let [source, destination, application] = key;
        let rows = [&self.sources.list[source as usize], &self.destinations.list[destination as usize]];
        let mut out = vec![Word::Nothing; self.services];
        let mut open = self.services;
        let mut ask = |rule: u32| {
            let (about, says) = &self.rules[rule as usize];
            for (said, about) in out.iter_mut().zip(about) {
                if *about && *said == Word::Nothing {
                    *said = *says;
                    open -= 1;
                }
            }
            open > 0
        };
        let mut few = few.iter().copied().peekable();
        let mut left = true;
        for (word, (a, b)) in rows[0].iter().zip(rows[1]).enumerate() {
            let mut both = a & b;
            while left && both != 0 {
                let next = self.broad[word * 64 + both.trailing_zeros() as usize];
                left = match few.next_if(|rule| *rule < next) {
                    Some(rule) => ask(rule),
                    None => {
                        both &= both - 1;
                        ask(next)
                    }
                };
            }
        }
        while let Some(rule) = few.next().filter(|_| left) {
            left = ask(rule);
        }
        let may = &self.applications.list[application as usize];
        let asked = |n: usize| may[n / 64] >> (n % 64) & 1 != 0;
        let left =
            |about: &Vec<bool>| about.iter().zip(&out).any(|(about, said)| *about && *said == Word::Nothing);
        let unknown = self.named.iter().enumerate().any(|(n, about)| asked(n) && left(about));
        (!unknown).then_some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{PortRange, PortSet, Protocol};

    fn draft(source: (u32, u32), destination: (u32, u32), port: u16, says: Says) -> Draft {
        let side = |range| Side { ranges: vec![range], ..Side::default() };
        Draft {
            source: side(source),
            destination: side(destination),
            protocols: 1,
            source_ports: PortSet::all(),
            ports: PortSet::new([PortRange { low: port, high: port }]),
            says,
            doubtful: false,
            platform: false,
        }
    }

    #[test]
    fn the_first_rule_that_holds_both_ends_says_it() {
        let network = vec![
            draft((0, 10), (20, 30), 443, Says::Deny),
            draft((0, 100), (0, 100), 443, Says::Allow),
            draft((0, 100), (25, 25), 22, Says::Allow),
        ];
        let any = Side { any: true, ..Side::default() };
        let application = vec![(Draft { source: any, ..draft((0, 0), (0, 0), 80, Says::Allow) }, true)];
        let service = |port| Service { protocol: Protocol::Tcp, port };
        let services = [service(443), service(22), service(80)];
        let ips = [(5, 1), (25, 0), (50, 2)];
        let say = |rules: &FirewallRules, services: &[Service], from, to| {
            let order = Order::new(&ips, |_| [0; 4]);
            // Each rule in rows, each in lists, and some in either.
            let said = [0, 1, 2, FEW].map(|most| {
                let wall = Wall::split(rules, &order, (0, [0; 4]), services, most);
                let few: Vec<u32> = wall.few(from, to).collect();
                wall.say(wall.key(from, to), &few)
            });
            assert!(said.iter().all(|s| *s == said[0]), "{from} to {to}: {said:?}");
            said[0].clone()
        };
        use Word::{Allow, Deny, Nothing};
        let plain = FirewallRules { network: network.clone(), application: Vec::new() };
        assert_eq!(say(&plain, &services, 1, 0), Some(vec![Deny, Allow, Nothing]));
        assert_eq!(say(&plain, &services, 2, 0), Some(vec![Allow, Allow, Nothing]));
        assert_eq!(say(&plain, &services, 0, 2), Some(vec![Allow, Nothing, Nothing]));
        let named = FirewallRules { network, application };
        assert_eq!(say(&named, &services, 1, 0), None, "the name decides about port 80");
        assert_eq!(say(&named, &services[..2], 1, 0), Some(vec![Deny, Allow]));
    }
}
