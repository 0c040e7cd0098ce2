//! For every machine what its own rules and routes do along all others, in the order of their addresses.
//!
//! A row as sender holds what the filters there do to flows to each place, and the code of its routes; a row as receiver
//! what its filters do to flows from each place, and the code of the way back. Both change only where a prefix that the
//! machine's sets, tags or routes name begins or ends: a few dozen runs, however many machines there are.

use super::Service;
use super::factors::{Address, Code, Factors, LEADS, Lead, OTHER, One};
use super::filters::{Filters, NO_LAYER};
use super::runs::Runs;
use super::walls::Stretches;
use crate::fast::cpu::Cpu;
use crate::fast::rules;
use crate::fast::spans::{self, Spans};
use crate::fast::tables::{Fast, NOBODY, SubnetRow, vnet};
use crate::fast::tree::{self, Tree};
use hashbrown::HashMap;

type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// What one machine does to another, by number: the filter, and the code.
pub(super) type Value = (u32, Code);

/// The rows of all machines.
#[derive(Debug)]
pub(super) struct Rows {
    /// As senders and as receivers, in the order of addresses.
    pub of: [Vec<Runs>; 2],
    /// Values by number.
    pub values: Vec<Value>,
    /// What the filters of the values do.
    pub filters: Filters,
}

/// Reads rows.
struct Maker<'a> {
    fast: &'a Fast,
    factors: &'a Factors,
    services: &'a [Service],
    filters: Filters,
    numbers: Map<Value, u32>,
    values: Vec<Value>,
    /// Places where something begins, for what many machines share.
    lists: Vec<Vec<u32>>,
    templates: Map<(u32, usize), usize>,
    trees: Map<Tree, usize>,
    layers: Map<Spans, usize>,
    /// Places where an address is public and the one before is not, or where other service tags hold it.
    flips: Vec<u32>,
    /// Addresses of members of application security groups, by network.
    members: Map<u32, Vec<u32>>,
    /// Where the machines of a network are.
    homes: Map<u32, Stretches>,
    /// Codes of each context of routes.
    contexts: Vec<Runs>,
    cuts: Vec<u32>,
}

/// Reads the rows of all machines.
pub(super) fn rows<C: Cpu>(cpu: C, fast: &Fast, factors: &Factors, services: &[Service]) -> Rows {
    let mut maker = Maker {
        fast,
        factors,
        services,
        filters: Filters::default(),
        numbers: Map::default(),
        values: Vec::new(),
        lists: Vec::new(),
        templates: Map::default(),
        trees: Map::default(),
        layers: Map::default(),
        flips: Vec::new(),
        members: Map::default(),
        homes: Map::default(),
        contexts: Vec::new(),
        cuts: Vec::new(),
    };
    maker.flips();
    maker.members();
    maker.homes();
    maker.contexts = factors.contexts.iter().map(|here| maker.context(cpu, here)).collect();
    let places = 0..factors.order.len() as u32;
    let of = [0, 1].map(|side| places.clone().map(|place| maker.row(cpu, place, side)).collect());
    Rows { of, values: maker.values, filters: maker.filters }
}

impl Maker<'_> {
    fn one(&self, place: u32) -> &One {
        &self.factors.ones[self.factors.order[place as usize].1 as usize]
    }

    /// The first place whose address is not below one.
    fn place(&self, ip: u32) -> u32 {
        self.factors.order.partition_point(|(other, _)| *other < ip) as u32
    }

    fn places(&self, ips: &[u32]) -> Vec<u32> {
        let mut out: Vec<u32> = ips.iter().map(|ip| self.place(*ip)).collect();
        out.sort_unstable();
        out.dedup();
        out
    }

    fn flips(&mut self) {
        let what = |place: u32| (self.one(place).public, self.one(place).tags);
        self.flips =
            (1..self.factors.order.len() as u32).filter(|place| what(*place) != what(place - 1)).collect();
    }

    fn members(&mut self) {
        for slot in self.fast.member_runs.keys() {
            let spot = self.fast.spot(*slot);
            self.members.entry(spot.vnet).or_default().push(spot.ip);
        }
    }

    fn homes(&mut self) {
        for place in 0..self.factors.order.len() as u32 {
            let (home, visible) = (self.one(place).home_number, self.one(place).visible);
            if !visible {
                continue;
            }
            let list = self.homes.entry(home).or_default();
            match list.last_mut() {
                Some((_, until)) if *until == place => *until += 1,
                _ => list.push((place, place + 1)),
            }
        }
    }

    fn kept(&mut self, ips: &[u32]) -> usize {
        let list = self.places(ips);
        self.lists.push(list);
        self.lists.len() - 1
    }

    /// Cuts where a template's rules may become others.
    fn cut_by_template(&mut self, template: u32, side: usize) {
        let known = self.templates.get(&(template, side)).copied();
        let list = known.unwrap_or_else(|| {
            let list = self.kept(&rules::beginnings(&self.fast.lines, template, side));
            self.templates.insert((template, side), list);
            list
        });
        self.cuts.extend(&self.lists[list]);
    }

    /// Cuts where a set of addresses begins or ends.
    fn cut_by_tree(&mut self, tree: Tree) {
        let known = self.trees.get(&tree).copied();
        let list = known.unwrap_or_else(|| {
            let list = self.kept(&tree::keys(&self.fast.lines, tree));
            self.trees.insert(tree, list);
            list
        });
        self.cuts.extend(&self.lists[list]);
    }

    /// Cuts where a layer of a route table becomes another route.
    fn cut_by_layer(&mut self, layer: Spans) {
        let known = self.layers.get(&layer).copied();
        let list = known.unwrap_or_else(|| {
            let firsts = spans::said_halves(&self.fast.lines, layer);
            let list = self.kept(&firsts.iter().map(|(first, _)| *first).collect::<Vec<_>>());
            self.layers.insert(layer, list);
            list
        });
        self.cuts.extend(&self.lists[list]);
    }

    /// The cuts, in order, each once.
    fn take_cuts(&mut self) -> Vec<u32> {
        let mut cuts = std::mem::take(&mut self.cuts);
        cuts.push(0);
        cuts.extend(&self.flips);
        cuts.sort_unstable();
        cuts.dedup();
        while cuts.last().is_some_and(|last| *last as usize >= self.factors.order.len()) {
            cuts.pop();
        }
        cuts
    }

    /// The codes of a context of routes.
    fn context<C: Cpu>(&mut self, cpu: C, here: &SubnetRow) -> Runs {
        self.cut_by_layer(here.user.base);
        self.cut_by_layer(here.user.own);
        self.cut_by_tree(here.network);
        let cuts = self.take_cuts();
        let mut out = Runs::new(u32::from(OTHER));
        for (n, from) in cuts.iter().copied().enumerate() {
            let until = cuts.get(n + 1).copied().unwrap_or(self.factors.order.len() as u32);
            match self.factors.lead(cpu, self.fast, here, self.one(from).address()) {
                Lead::Out(_) if self.one(from).public => out.push(from, u32::from(OTHER)),
                Lead::Code(code) | Lead::Out(code) => out.push(from, u32::from(code)),
                Lead::Inside(home) => self.inside(home, (from, until), &mut out),
            }
        }
        self.cuts = cuts;
        self.cuts.clear();
        out
    }

    /// Where routes lead into a network: to its machines, and to nobody known between them.
    fn inside(&self, home: u32, (from, until): (u32, u32), out: &mut Runs) {
        let list = self.homes.get(&home).map_or(&[][..], Vec::as_slice);
        let first = list.partition_point(|(_, end)| *end <= from);
        let mut at = from;
        for (begin, end) in list[first..].iter().take_while(|(begin, _)| *begin < until) {
            let (begin, end) = ((*begin).max(from), (*end).min(until));
            if at < begin {
                out.push(at, u32::from(OTHER));
            }
            out.push(begin, u32::from(LEADS));
            at = end;
        }
        if at < until {
            out.push(at, u32::from(OTHER));
        }
    }

    /// The row of a machine as sender (0) or receiver (1).
    fn row<C: Cpu>(&mut self, cpu: C, own: u32, side: usize) -> Runs {
        let factors = self.factors;
        let number = factors.order[own as usize].1 as usize;
        let one = &factors.ones[number];
        if one.wide {
            return Runs::new(self.value((NOBODY, OTHER)));
        }
        // Senders ask for destinations, receivers for sources.
        let (strata, asked) = if side == 0 { (&one.out, 1) } else { (&one.into, 0) };
        for stratum in strata {
            self.cut_by_template(stratum.template, asked);
            let ends = rules::ends_of_patches(&self.fast.lines, stratum.head, asked);
            let ends = ends.into_iter().map(|ip| self.place(ip)).collect::<Vec<_>>();
            self.cuts.extend(ends);
        }
        if strata.iter().any(|s| s.grouped) {
            let ips = self.members.get(&one.home_number).cloned().unwrap_or_default();
            let ends = ips.iter().flat_map(|ip| [self.place(*ip), self.place(ip.saturating_add(1))]);
            let ends = ends.collect::<Vec<_>>();
            self.cuts.extend(ends);
        }
        self.cut_by_tree(one.here.tag);
        if one.home.has(vnet::OWN_INTERNET) {
            self.cut_by_tree(one.home.internet);
        }
        let context = one.context as usize;
        self.cuts.extend(self.contexts[context].list().iter().map(|(at, _)| at));
        let cuts = self.take_cuts();
        let sent = if side == 0 { factors.sent(cpu, self.fast, number) } else { Vec::new() };
        let mut out: Option<Runs> = None;
        let mut at = 0;
        for place in cuts.iter().copied() {
            let codes = self.contexts[context].list();
            while codes.get(at + 1).is_some_and(|(begin, _)| *begin <= place) {
                at += 1;
            }
            let code = codes[at].1 as Code;
            let other = factors.order[place as usize].1 as usize;
            let filter = match side {
                0 => self.leaving(cpu, number, &factors.ones[other], &sent),
                _ => self.entering(cpu, (other, number)),
            };
            let value = self.value((filter, code));
            match &mut out {
                None => out = Some(Runs::new(value)),
                Some(out) => out.push(place, value),
            }
        }
        self.cuts = cuts;
        self.cuts.clear();
        out.unwrap_or_else(|| Runs::new(0))
    }

    fn value(&mut self, value: Value) -> u32 {
        let next = self.values.len() as u32;
        let number = *self.numbers.entry(value).or_insert(next);
        if number == next {
            self.values.push(value);
        }
        number
    }

    /// What the filters of a sender do to flows to another machine.
    fn leaving<C: Cpu>(&mut self, cpu: C, from: usize, to: &One, sent: &[u64]) -> u32 {
        let (fast, factors, services) = (self.fast, self.factors, self.services);
        leave(cpu, (fast, factors, services), &mut self.filters, (from, sent), to.address())
    }

    /// What the filters of a receiver do to flows from another machine.
    fn entering<C: Cpu>(&mut self, cpu: C, (from, to): (usize, usize)) -> u32 {
        let (factors, fast) = (self.factors, self.fast);
        let mut layers = [NO_LAYER; 3];
        for (n, stratum) in factors.ones[to].into.iter().enumerate() {
            let rows = factors.holds_sender(cpu, fast, (from, to), n) & factors.ones[to].received[n];
            let doubt = factors.tag_doubt(to);
            layers[n] = self.filters.layer(fast.around(), self.services, stratum, rows, doubt);
        }
        self.filters.filter(self.services.len(), layers)
    }
}

/// What the filters of a sender do to flows to an address.
pub(super) fn leaving<C: Cpu>(
    cpu: C,
    fast: &Fast,
    factors: &Factors,
    services: &[Service],
    filters: &mut Filters,
    from: usize,
    to: Address,
) -> u32 {
    let sent = factors.sent(cpu, fast, from);
    leave(cpu, (fast, factors, services), filters, (from, &sent), to)
}

fn leave<C: Cpu>(
    cpu: C,
    (fast, factors, services): (&Fast, &Factors, &[Service]),
    filters: &mut Filters,
    (from, sent): (usize, &[u64]),
    to: Address,
) -> u32 {
    let mut layers = [NO_LAYER; 3];
    for (n, stratum) in factors.ones[from].out.iter().enumerate() {
        let rows = sent[n] & factors.holds_receiver(cpu, fast, from, to, stratum);
        layers[n] = filters.layer(fast.around(), services, stratum, rows, factors.tag_doubt(from));
    }
    filters.filter(services.len(), layers)
}
