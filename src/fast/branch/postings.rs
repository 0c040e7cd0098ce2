//! Which flows asked which table, and with what: eight bytes each, in the order of the tables.

use crate::fast::trail::{By, Note, Record};
use crate::network::{Network, SubnetRow};

/// A flow that asked a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Posting {
    /// The flow, and above it whether its header had been translated.
    flow: u32,
    /// The number of the rule that held, or the address looked up.
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

/// What the standing flows asked.
#[derive(Debug)]
pub(super) struct Postings {
    rules: Lists,
    routes: Lists,
    places: Lists,
    full: Lists,
    /// Flows by name that ask a server over the network.
    pub always: Vec<u32>,
    /// Flows by name that ask the host.
    pub named: Vec<u32>,
}

impl Postings {
    /// Who asked a set of rules, and which rule held.
    pub(super) fn of_rules(&self, nsg: u32, inbound: bool) -> &[Posting] {
        self.rules.of(nsg as usize * 2 + usize::from(!inbound))
    }

    /// Who asked a route table, and for which address.
    pub(super) fn of_routes(&self, table: u32) -> &[Posting] {
        self.routes.of(table as usize)
    }

    /// Who asked rules in a subnet.
    pub(super) fn of_places(&self, subnet: u32) -> &[Posting] {
        self.places.of(subnet as usize)
    }

    /// Flows whose answer the full engine read from a subnet.
    pub(super) fn read_from(&self, subnet: u32) -> impl Iterator<Item = u32> + '_ {
        self.full.of(subnet as usize).iter().map(|p| p.flow())
    }

    pub(super) fn bytes(&self) -> usize {
        let lists = [&self.rules, &self.routes, &self.places, &self.full];
        lists.into_iter().map(Lists::bytes).sum::<usize>() + (self.always.len() + self.named.len()) * 4
    }
}

/// Gathers postings, flow by flow.
pub(super) struct Writer<'n> {
    net: &'n [SubnetRow],
    subnets: Vec<u32>,
    tables: [usize; 3],
    rules: Vec<(u32, Posting)>,
    routes: Vec<(u32, Posting)>,
    places: Vec<(u32, Posting)>,
    full: Vec<(u32, Posting)>,
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
            rules: Vec::with_capacity(flows * 3),
            routes: Vec::with_capacity(flows * 3),
            places: Vec::with_capacity(flows * 2),
            full: Vec::new(),
            always: Vec::new(),
            named: Vec::new(),
        }
    }

    /// A flow that was walked.
    pub(super) fn walked(&mut self, flow: u32, records: &[Record]) {
        let (mut own, mut place) = (flow, None);
        for record in records {
            match record.read() {
                Note::At(id) => place = Some(self.subnets[id.index()]),
                Note::Within(subnet) => place = Some(subnet.raw()),
                Note::Translated(_) => own |= TRANSLATED,
                Note::Group { nsg, inbound, rule } => {
                    let detail = rule.unwrap_or(u32::MAX);
                    self.rules.push((nsg * 2 + u32::from(!inbound), Posting { flow: own, detail }));
                    self.at(place, own);
                }
                Note::Admin { .. } => self.at(place, own),
                Note::Route { subnet, destination, by } if by != By::NetworkAlone => {
                    if let Some(table) = self.net[subnet.index()].route_table.row() {
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

    /// A flow that the full engine answered, from these subnets.
    pub(super) fn in_full(&mut self, flow: u32, subnets: &[u32]) {
        self.full.extend(subnets.iter().map(|s| (*s, Posting { flow, detail: 0 })));
    }

    /// A flow by name: the way of its question, and the subnets its name was read from.
    pub(super) fn asked(&mut self, flow: u32, question: &[Record], read: &[u32]) {
        let mut subnets: Vec<u32> = read.to_vec();
        for record in question {
            subnets.extend(match record.read() {
                Note::At(id) => Some(self.subnets[id.index()]),
                Note::Within(subnet) | Note::Route { subnet, .. } => Some(subnet.raw()),
                _ => None,
            });
        }
        subnets.sort_unstable();
        subnets.dedup();
        self.in_full(flow, &subnets);
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
        let [rules, routes, subnets] = self.tables;
        Postings {
            rules: Lists::new(rules, self.rules),
            routes: Lists::new(routes, self.routes),
            places: Lists::new(subnets, self.places),
            full: Lists::new(subnets, self.full),
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
