//! Which flows asked which table, and with what: eight bytes each, in the order of the tables.
//!
//! The walk tells by its records what it asked, the full engine by what its network was read for.

use crate::fast::trail::{By, Note, Record};
use crate::inventory::{Id, Subnet};
use crate::net::{Header, IpAddr};
use crate::network::{Network, Read, SubnetRow};

/// A flow that asked a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Posting {
    /// The flow, and above it whether its header had been translated.
    flow: u32,
    /// The number of the rule that held, of the header that was asked with, or the address looked up.
    pub detail: u32,
}

const TRANSLATED: u32 = 1 << 31;

impl Posting {
    pub(super) fn flow(self) -> u32 {
        self.flow & !TRANSLATED
    }

    pub(super) fn is_translated(self) -> bool {
        self.flow & TRANSLATED != 0
    }
}

/// Postings of many tables, one after the other.
#[derive(Debug, Default)]
struct Lists {
    firsts: Vec<u32>,
    all: Vec<Posting>,
}

impl Lists {
    fn of(&self, table: usize) -> &[Posting] {
        &self.all[self.firsts[table] as usize..self.firsts[table + 1] as usize]
    }

    /// Sorts postings by their table, flows in order within each.
    fn new(tables: usize, found: Vec<(u32, Posting)>) -> Self {
        let mut firsts = vec![0u32; tables + 1];
        for (table, _) in &found {
            firsts[*table as usize + 1] += 1;
        }
        for table in 0..tables {
            firsts[table + 1] += firsts[table];
        }
        let mut next = firsts.clone();
        let mut all = vec![Posting { flow: 0, detail: 0 }; found.len()];
        for (table, posting) in found {
            let place = &mut next[table as usize];
            all[*place as usize] = posting;
            *place += 1;
        }
        Self { firsts, all }
    }

    fn bytes(&self) -> usize {
        self.firsts.len() * size_of::<u32>() + self.all.len() * size_of::<Posting>()
    }
}

/// What walks asked.
#[derive(Debug)]
pub(super) struct Trodden {
    rules: Lists,
    routes: Lists,
    places: Lists,
}

/// Sets of rules stand by group, the inbound one first.
fn set(nsg: u32, inbound: bool) -> u32 {
    nsg * 2 + u32::from(!inbound)
}

impl Trodden {
    /// Who asked a set of rules, and which rule held.
    pub(super) fn of_rules(&self, nsg: u32, inbound: bool) -> &[Posting] {
        self.rules.of(set(nsg, inbound) as usize)
    }

    /// Who asked a route table, and for which address.
    pub(super) fn of_routes(&self, table: u32) -> &[Posting] {
        self.routes.of(table as usize)
    }

    /// Who asked rules in a subnet.
    pub(super) fn of_places(&self, subnet: u32) -> &[Posting] {
        self.places.of(subnet as usize)
    }
}

/// What the standing flows asked.
#[derive(Debug)]
pub(super) struct Postings {
    /// Flows that were walked.
    pub walked: Trodden,
    /// Flows by name, by the way of the question to their server.
    pub questions: Trodden,
    /// What the full engine read, for a flow or its name: a subnet, its tag, its routes, a set of rules.
    whole: Lists,
    tags: Lists,
    routes: Lists,
    rules: Lists,
    headers: Vec<Header>,
    /// Flows by name that ask a server over the network.
    pub always: Vec<u32>,
    /// Flows by name that ask the host.
    pub named: Vec<u32>,
}

impl Postings {
    /// Flows that the full engine read a subnet for.
    pub(super) fn of_whole(&self, subnet: u32) -> impl Iterator<Item = u32> + '_ {
        self.whole.of(subnet as usize).iter().map(|p| p.flow())
    }

    /// Those for which it read the subnet's tag.
    pub(super) fn of_tag(&self, subnet: u32) -> impl Iterator<Item = u32> + '_ {
        self.tags.of(subnet as usize).iter().map(|p| p.flow())
    }

    /// Those for which it read the subnet's routes, and for which address.
    pub(super) fn of_routes(&self, subnet: u32) -> &[Posting] {
        self.routes.of(subnet as usize)
    }

    /// Those for which it read a set of rules, and with which header.
    pub(super) fn of_rules(&self, nsg: u32, inbound: bool) -> impl Iterator<Item = (u32, &Header)> + '_ {
        let list = self.rules.of(set(nsg, inbound) as usize).iter();
        list.map(|p| (p.flow(), &self.headers[p.detail as usize]))
    }

    pub(super) fn bytes(&self) -> usize {
        let trodden =
            [&self.walked, &self.questions].into_iter().flat_map(|t| [&t.rules, &t.routes, &t.places]);
        let lists = trodden.chain([&self.whole, &self.tags, &self.routes, &self.rules]);
        lists.map(Lists::bytes).sum::<usize>()
            + self.headers.len() * size_of::<Header>()
            + (self.always.len() + self.named.len()) * 4
    }
}

/// Postings of walks so far.
#[derive(Default)]
struct Steps {
    rules: Vec<(u32, Posting)>,
    routes: Vec<(u32, Posting)>,
    places: Vec<(u32, Posting)>,
}

impl Steps {
    fn walked(&mut self, net: &[SubnetRow], subnets: &[u32], flow: u32, records: &[Record]) {
        let (mut own, mut place) = (flow, None);
        for record in records {
            match record.read() {
                Note::At(id) => place = Some(subnets[id.index()]),
                Note::Within(subnet) => place = Some(subnet.raw()),
                Note::Translated(_) => own |= TRANSLATED,
                Note::Group { nsg, inbound, rule } => {
                    let detail = rule.unwrap_or(u32::MAX);
                    self.rules.push((set(nsg, inbound), Posting { flow: own, detail }));
                    self.at(place, own);
                }
                Note::Admin { .. } => self.at(place, own),
                Note::Route { subnet, destination, by } if by != By::NetworkAlone => {
                    if let Some(table) = net[subnet.index()].route_table.row() {
                        self.routes.push((table.raw(), Posting { flow: own, detail: destination }));
                    }
                }
                _ => {}
            }
        }
    }

    fn at(&mut self, place: Option<u32>, flow: u32) {
        let Some(place) = place else { return };
        let posting = Posting { flow, detail: 0 };
        if self.places.last() != Some(&(place, posting)) {
            self.places.push((place, posting));
        }
    }

    fn done(self, [rules, routes, places]: [usize; 3]) -> Trodden {
        Trodden {
            rules: Lists::new(rules, self.rules),
            routes: Lists::new(routes, self.routes),
            places: Lists::new(places, self.places),
        }
    }
}

/// Gathers postings, flow by flow.
pub(super) struct Writer<'n> {
    net: &'n [SubnetRow],
    subnets: Vec<u32>,
    tables: [usize; 3],
    walked: Steps,
    questions: Steps,
    whole: Vec<(u32, Posting)>,
    tags: Vec<(u32, Posting)>,
    routes: Vec<(u32, Posting)>,
    rules: Vec<(u32, Posting)>,
    headers: Vec<Header>,
    always: Vec<u32>,
    named: Vec<u32>,
}

impl<'n> Writer<'n> {
    pub(super) fn new(net: &'n Network, flows: usize) -> Self {
        assert!(flows < TRANSLATED as usize, "INVARIANT: fewer than 2^31 flows stand");
        Self {
            net: &net.subnets,
            subnets: net.attachments.iter().map(|a| a.subnet.raw()).collect(),
            tables: [net.inventory.nsgs.len() * 2, net.inventory.route_tables.len(), net.subnets.len()],
            walked: Steps {
                rules: Vec::with_capacity(flows * 3),
                routes: Vec::with_capacity(flows * 3),
                places: Vec::with_capacity(flows * 2),
            },
            questions: Steps::default(),
            whole: Vec::new(),
            tags: Vec::new(),
            routes: Vec::new(),
            rules: Vec::new(),
            headers: Vec::new(),
            always: Vec::new(),
            named: Vec::new(),
        }
    }

    /// A flow that was walked.
    pub(super) fn walked(&mut self, flow: u32, records: &[Record]) {
        self.walked.walked(self.net, &self.subnets, flow, records);
    }

    /// A flow that the full engine answered, or whose name it looked up, by what it read.
    pub(super) fn in_full(&mut self, flow: u32, reads: &[(Id<Subnet>, Read)]) {
        for (subnet, read) in reads {
            let posting = |detail| Posting { flow, detail };
            match read {
                Read::Tag => self.tags.push((subnet.raw(), posting(0))),
                Read::Route(IpAddr::V4(ip)) => self.routes.push((subnet.raw(), posting((*ip).into()))),
                Read::Whole | Read::Route(IpAddr::V6(_)) => self.whole.push((subnet.raw(), posting(0))),
                Read::Rules(nsg, inbound, header) => {
                    let known = self.headers.last() == Some(header);
                    let at = self.headers.len() - usize::from(known);
                    if !known {
                        self.headers.push(*header);
                    }
                    self.rules.push((set(nsg.raw(), *inbound), posting(at as u32)));
                }
            }
        }
    }

    /// A flow by name: the way of its question, and what its name was read from.
    pub(super) fn asked(&mut self, flow: u32, question: &[Record], reads: &[(Id<Subnet>, Read)]) {
        self.questions.walked(self.net, &self.subnets, flow, question);
        self.in_full(flow, reads);
    }

    /// A flow by name, whose servers are asked over the network.
    pub(super) fn always(&mut self, flow: u32) {
        self.always.push(flow);
    }

    /// A flow by name that asks the host.
    pub(super) fn named(&mut self, flow: u32) {
        self.named.push(flow);
    }

    pub(super) fn done(self) -> Postings {
        let [sets, _, subnets] = self.tables;
        Postings {
            walked: self.walked.done(self.tables),
            questions: self.questions.done(self.tables),
            whole: Lists::new(subnets, self.whole),
            tags: Lists::new(subnets, self.tags),
            routes: Lists::new(subnets, self.routes),
            rules: Lists::new(sets, self.rules),
            headers: self.headers,
            always: self.always,
            named: self.named,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postings_stand_by_table_in_the_order_of_flows() {
        let posting = |flow: u32| Posting { flow, detail: flow * 10 };
        let lists = Lists::new(4, [(2, 0), (0, 1), (2, 2), (3, 3)].map(|(t, f)| (t, posting(f))).to_vec());
        assert_eq!(lists.of(0), [posting(1)]);
        assert_eq!(lists.of(1), []);
        assert_eq!(lists.of(2), [posting(0), posting(2)]);
        assert_eq!(lists.of(3), [posting(3)]);
    }

    #[test]
    fn a_translated_flow_keeps_its_number() {
        let posting = Posting { flow: 7 | TRANSLATED, detail: 0 };
        assert_eq!((posting.flow(), posting.is_translated()), (7, true));
    }
}
