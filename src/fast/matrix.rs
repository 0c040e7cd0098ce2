//! All pairs of machines, by classes: one flow for each pair of classes and service.
//!
//! Input: a network, its tables, its [`Classes`]. Output: a row of [`Cell`]s for a class of senders at a time, so memory
//! does not grow with the number of pairs. A cell is answered by the walk for one pair of its members, which answers
//! for all. What the walk leaves to the full engine is asked there for every pair of members, as long as the
//! [`Budget`] lasts; beyond it stays unknown, and is counted.

use super::classes::{Class, Classes};
use super::flow::{FlowIds, Verdict};
use super::tables::Fast;
use super::{Asker, End};
use crate::net::Protocol;
use crate::network::{AttachmentId, Network};
use crate::trace::{Cause, Outcome};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Service {
    /// The protocol.
    pub protocol: Protocol,
    /// The port; 0 for a protocol without ports.
    pub port: u16,
}

/// An end of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// A class of machines.
    Class(u32),
    /// A public client, or a public host.
    Internet,
}

/// How an answer came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum By {
    /// One pair answered for all.
    Class,
    /// The full engine answered each pair.
    Engine,
    /// Nobody: the budget was spent.
    Nobody,
}

/// Pairs of machines with one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Receivers.
    pub to: Side,
    /// The service, by its place in the list.
    pub service: u16,
    /// The answer.
    pub outcome: Outcome,
    /// Why, where it is not allowed.
    pub cause: Option<Cause>,
    /// How many pairs.
    pub pairs: u64,
    /// How the answer came about.
    pub by: By,
}

/// How many pairs the full engine may still be asked for.
#[derive(Debug)]
pub struct Budget(AtomicU64);

impl Budget {
    /// So many pairs.
    pub fn new(pairs: u64) -> Self {
        Self(AtomicU64::new(pairs))
    }

    fn take(&self, pairs: u64) -> bool {
        self.0.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(pairs)).is_ok()
    }
}

/// All pairs of a network.
#[derive(Debug)]
pub struct Matrix<'n> {
    net: &'n Network,
    fast: &'n Fast,
    classes: &'n Classes,
    services: &'n [Service],
}

/// Flows answered at once.
const AT_ONCE: usize = 4_096;

impl<'n> Matrix<'n> {
    /// The pairs of these classes and services.
    pub fn new(net: &'n Network, fast: &'n Fast, classes: &'n Classes, services: &'n [Service]) -> Self {
        Self { net, fast, classes, services }
    }

    /// Every end there is: the classes, then the internet.
    pub fn sides(&self) -> impl Iterator<Item = Side> + use<> {
        (0..self.classes.list.len() as u32).map(Side::Class).chain([Side::Internet])
    }

    /// How many flows it takes, at most, beside what the full engine is asked.
    pub fn size(&self) -> u64 {
        let sides = self.classes.list.len() as u64 + 1;
        sides * sides * self.services.len() as u64
    }

    /// Who answers; each thread has its own.
    pub fn asker(&self) -> Asker<'n> {
        Asker::new(self.net, self.fast)
    }

    /// Everything that one class of senders may ask for.
    pub fn row(&self, asker: &mut Asker<'_>, from: Side, budget: &Budget) -> Vec<Cell> {
        asker.tidy();
        let mut cells: Vec<(Side, u16, u64)> = Vec::new();
        let mut ids: Vec<FlowIds> = Vec::new();
        for to in self.sides() {
            let Some((a, b, pairs)) = self.example(from, to) else { continue };
            let first = asker.between(a, b, Protocol::Tcp, 0);
            for (number, service) in self.services.iter().enumerate() {
                cells.push((to, number as u16, pairs));
                let port = if service.protocol.has_ports() { service.port } else { 0 };
                ids.push(FlowIds { protocol: service.protocol as u8, port, ..first });
            }
        }
        let mut verdicts = vec![Verdict::PENDING; ids.len()];
        for (ids, verdicts) in ids.chunks(AT_ONCE).zip(verdicts.chunks_mut(AT_ONCE)) {
            asker.walk_only(ids, verdicts);
        }
        let mut out = Vec::with_capacity(cells.len());
        for ((to, service, pairs), verdict) in cells.into_iter().zip(&verdicts) {
            let Verdict { outcome, cause, deferred, .. } = *verdict;
            let cell = Cell { to, service, outcome, cause, pairs, by: By::Class };
            match deferred {
                false => out.push(cell),
                true => self.in_full(asker, from, cell, budget, &mut out),
            }
        }
        out
    }

    /// Two different machines of two classes, and how many such pairs there are.
    fn example(&self, from: Side, to: Side) -> Option<(End, End, u64)> {
        let (senders, receivers) = (self.members(from), self.members(to));
        let pairs = match (senders, receivers) {
            (Some(a), Some(b)) if from == to => a.len() as u64 * (b.len() as u64 - 1),
            (a, b) => a.map_or(1, <[u32]>::len) as u64 * b.map_or(1, <[u32]>::len) as u64,
        };
        if pairs == 0 || from == Side::Internet && to == Side::Internet {
            return None;
        }
        let end = |members: Option<&[u32]>, n: usize| match members {
            None => End::Internet,
            Some(members) => End::Attachment(AttachmentId(members[n])),
        };
        Some((end(senders, 0), end(receivers, usize::from(from == to)), pairs))
    }

    fn members(&self, side: Side) -> Option<&[u32]> {
        match side {
            Side::Class(class) => {
                let Class { members } = &self.classes.list[class as usize];
                Some(members)
            }
            Side::Internet => None,
        }
    }

    /// Asks the full engine for every pair of a cell.
    fn in_full(&self, asker: &mut Asker<'_>, from: Side, cell: Cell, budget: &Budget, out: &mut Vec<Cell>) {
        if !budget.take(cell.pairs) {
            out.push(Cell { outcome: Outcome::Unknown, cause: None, by: By::Nobody, ..cell });
            return;
        }
        let service = self.services[usize::from(cell.service)];
        let ends = |side: Side| match self.members(side) {
            None => vec![End::Internet],
            Some(members) => members.iter().map(|n| End::Attachment(AttachmentId(*n))).collect(),
        };
        let receivers = ends(cell.to);
        let mut found: Vec<(Outcome, Option<Cause>, u64)> = Vec::new();
        for sender in ends(from) {
            let others = receivers.iter().filter(|receiver| **receiver != sender);
            let ids: Vec<FlowIds> =
                others.map(|to| asker.between(sender, *to, service.protocol, service.port)).collect();
            let mut verdicts = vec![Verdict::PENDING; ids.len()];
            asker.decide(&ids, &mut verdicts);
            for verdict in &verdicts {
                match found.iter_mut().find(|f| (f.0, f.1) == (verdict.outcome, verdict.cause)) {
                    Some(same) => same.2 += 1,
                    None => found.push((verdict.outcome, verdict.cause, 1)),
                }
            }
            asker.tidy();
        }
        found.sort_unstable_by_key(|(outcome, cause, _)| (*outcome, *cause));
        out.extend(found.into_iter().map(|(outcome, cause, pairs)| Cell {
            outcome,
            cause,
            pairs,
            by: By::Engine,
            ..cell
        }));
    }
}
