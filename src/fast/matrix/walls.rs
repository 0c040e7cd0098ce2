//! The rules of firewalls for pairs of classes: a row of bits for each class and side, and what the rules that hold both
//! say to each service.

use super::Service;
use crate::fast::compile::FirewallRules;
use crate::fast::rules::{Draft, Says, Side};
use hashbrown::HashMap;

/// A row of rules, 64 in a word.
type Row = Vec<u64>;

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
    sources: Rows,
    destinations: Rows,
    /// For each rule the services it is about, and what it says.
    rules: Vec<(Vec<bool>, Word)>,
    /// Application rules that may hold a class and a service, whatever the name: these the walk must ask.
    applications: Rows,
    named: Vec<Vec<bool>>,
    services: usize,
}

/// Rows of classes, each distinct one once.
#[derive(Debug)]
struct Rows {
    of: Vec<u32>,
    list: Vec<Row>,
}

impl Rows {
    /// Which rules hold each class on a side; `order` are classes by address.
    fn new<'d>(
        rules: impl Iterator<Item = &'d Side> + Clone,
        order: &[(u32, u32)],
        tags: impl Fn(u32) -> [u64; 4],
    ) -> Self {
        let width = rules.clone().count().div_ceil(64).max(1);
        let mut rows = vec![0u64; width * order.len()];
        let mut all = vec![0u64; width];
        let tagged: Vec<(usize, [u64; 4])> = order
            .iter()
            .map(|(_, class)| (*class as usize, tags(*class)))
            .filter(|(_, tags)| *tags != [0; 4])
            .collect();
        for (number, side) in rules.enumerate() {
            let (word, bit) = (number / 64, 1u64 << (number % 64));
            if side.any {
                all[word] |= bit;
                continue;
            }
            for (low, high) in &side.ranges {
                let first = order.partition_point(|(ip, _)| ip < low);
                let inside = order[first..].iter().take_while(|(ip, _)| ip <= high);
                inside.for_each(|(_, class)| rows[*class as usize * width + word] |= bit);
            }
            for (class, tags) in &tagged {
                let holds = |t: &u16| tags[usize::from(*t) / 64] >> (t % 64) & 1 != 0;
                if side.tags.iter().any(holds) {
                    rows[class * width + word] |= bit;
                }
            }
        }
        let mut numbers: HashMap<Row, u32, foldhash::fast::FixedState> = HashMap::default();
        let mut out = Self { of: Vec::with_capacity(order.len()), list: Vec::new() };
        for row in rows.chunks(width) {
            let row: Row = row.iter().zip(&all).map(|(own, all)| own | all).collect();
            let next = out.list.len() as u32;
            let number = *numbers.entry(row).or_insert_with_key(|row| {
                out.list.push(row.clone());
                next
            });
            out.of.push(number);
        }
        out
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
        services: &[Service],
    ) -> Self {
        let word = |draft: &Draft| match draft.says {
            _ if draft.doubtful => Word::Doubt,
            Says::Deny => Word::Deny,
            Says::Allow | Says::AlwaysAllow => Word::Allow,
        };
        let may: Vec<&Draft> =
            from.application.iter().filter(|(_, may)| *may).map(|(draft, _)| draft).collect();
        Self {
            sources: Rows::new(from.network.iter().map(|d| &d.source), order, tags),
            destinations: Rows::new(from.network.iter().map(|d| &d.destination), order, tags),
            rules: from.network.iter().map(|d| (about(d, services), word(d))).collect(),
            applications: Rows::new(may.iter().map(|d| &d.source), order, tags),
            named: may.iter().map(|d| about(d, services)).collect(),
            services: services.len(),
        }
    }

    /// What the rules say to a pair, by number.
    pub(super) fn key(&self, from: usize, to: usize) -> [u32; 3] {
        [self.sources.of[from], self.destinations.of[to], self.applications.of[from]]
    }

    /// What they say to each service; `None` where the walk must ask.
    pub(super) fn say(&self, key: [u32; 3]) -> Option<Vec<Word>> {
        let [source, destination, application] = key;
        let rows = [&self.sources.list[source as usize], &self.destinations.list[destination as usize]];
        let mut out = vec![Word::Nothing; self.services];
        let mut open = self.services;
        'rules: for (word, (a, b)) in rows[0].iter().zip(rows[1]).enumerate() {
            let mut both = a & b;
            while both != 0 {
                let (about, says) = &self.rules[word * 64 + both.trailing_zeros() as usize];
                both &= both - 1;
                for (said, about) in out.iter_mut().zip(about) {
                    if *about && *said == Word::Nothing {
                        *said = *says;
                        open -= 1;
                    }
                }
                if open == 0 {
                    break 'rules;
                }
            }
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
            let wall = Wall::new(rules, &ips, |_| [0; 4], services);
            wall.say(wall.key(from, to))
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
