//! All pairs of machines on all cores: blocks of senders, given out in order, memory bounded by a block.

mod columns;
mod lines;

use super::load::in_order;
use crate::fast::classes::{Classes, classes};
use crate::fast::matrix::{
    Blocks, Budget, By, Cell, Desk, Factors, Limits, Matrix, Memo, NO_PAIR, Service, Side, blocks, factors,
};
use crate::fast::{self, Fast, tables::NOBODY};
use crate::network::{AttachmentId, Network};
use crate::report::reach::{Answers, CauseRow, Exposure, ReachReport, ServiceRow, VERSION};
use crate::trace::{Cause, Outcome};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

pub use columns::Columns;
pub use lines::{Lines, write_members};

/// Classes of senders answered at once where every cell is wanted, and where only their sums are.
const BLOCK: usize = 32;
const COUNTED: usize = 1_024;

/// Parts of all groups of senders where the sums are by blocks: so many at once are given out.
const PARTS: u32 = 64;
const AT_ONCE: usize = 8;

/// Receivers named in the summary.
const MOST_EXPOSED: usize = 10;

/// Everything needed to ask.
#[derive(Debug)]
pub struct Pairs {
    network: Arc<Network>,
    fast: Arc<Fast>,
    classes: Arc<Classes>,
    services: Arc<[Service]>,
    factors: Arc<Factors>,
    /// What workers found out, for the next part of the senders.
    memos: Mutex<Vec<Memo>>,
}

/// Why the pairs are not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// Classes of machines, and the internet.
    pub sides: u64,
    /// Services.
    pub services: u64,
    /// Flows it would take.
    pub flows: u64,
}

/// Who takes the cells of a class of senders.
pub trait Taker {
    /// Takes them; called in the order of the senders.
    fn take(&mut self, pairs: &Pairs, from: Side, cells: &[Cell]) -> io::Result<()>;

    /// There are no more.
    fn end(&mut self) -> io::Result<()>;
}

impl Pairs {
    /// Puts the machines of a network into classes; by these tables, where it has some already.
    pub async fn new(network: Arc<Network>, tables: Option<Arc<Fast>>, services: Vec<Service>) -> Self {
        let own = network.clone();
        let services: Arc<[Service]> = services.into();
        let asked = services.clone();
        let work = move |()| {
            let fast = tables.clone().unwrap_or_else(|| Arc::new(fast::compile(&own)));
            let classes = classes(&own, &fast);
            let factors = factors(&own, &fast, &classes, &asked);
            (fast, Arc::new(classes), Arc::new(factors))
        };
        let mut made = in_order(vec![()], work).await;
        let (fast, classes, factors) = made.remove(0);
        Self { network, fast, classes, services, factors, memos: Mutex::default() }
    }

    /// The services asked for.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The classes.
    pub fn classes(&self) -> &Classes {
        &self.classes
    }

    /// The name of an end: its first machine, and how many more there are.
    pub fn name(&self, side: Side) -> String {
        let Side::Class(class) = side else { return "internet".to_owned() };
        let members = &self.classes.list[class as usize].members;
        let first = &self.network.attachment(AttachmentId(members[0])).name;
        match members.len() {
            1 => first.to_string(),
            many => format!("{first} +{}", many - 1),
        }
    }

    /// How many machines an end stands for.
    pub fn size(&self, side: Side) -> u64 {
        match side {
            Side::Class(class) => self.classes.list[class as usize].members.len() as u64,
            Side::Internet => 1,
        }
    }

    fn matrix(&self) -> Matrix<'_> {
        Matrix::with(&self.network, &self.fast, &self.classes, &self.services, self.factors.clone())
    }

    /// What one end may ask of another.
    pub fn between(&self, from: Side, to: Side, budget: u64) -> Vec<Cell> {
        let matrix = self.matrix();
        let mut desk = matrix.asker();
        let mut cells = Vec::new();
        let numbers = matrix.answers(&mut desk, from);
        let found = matrix.sides().zip(numbers).find(|(side, number)| *side == to && *number != NO_PAIR);
        if let Some((_, number)) = found {
            matrix.cells(&mut desk, from, to, number, &Budget::new(budget), &mut cells);
        }
        cells
    }

    /// Asks for all pairs, unless it takes more flows than `most`; `budget` pairs at most go to the full engine.
    pub async fn ask(
        self: Arc<Self>,
        most: u64,
        budget: u64,
        takers: &mut [Box<dyn Taker>],
    ) -> Result<io::Result<ReachReport>, TooMany> {
        let flows = self.matrix().size();
        let sides = self.classes.list.len() as u64 + 1;
        let budget = Arc::new(Budget::new(budget));
        if takers.is_empty()
            && let Some(blocks) = self.clone().blocks().await
        {
            return self.by_blocks(blocks, most, budget).await.map(Ok);
        }
        if flows > most {
            return Err(TooMany { sides, services: self.services.len() as u64, flows });
        }
        let mut summary = Summary::new(&self);
        let all: Vec<Side> = self.matrix().sides().collect();
        let whole = !takers.is_empty();
        for block in all.chunks(if whole { BLOCK } else { COUNTED }) {
            let (own, budget) = (self.clone(), budget.clone());
            let done = in_order(parts(block), move |part: Vec<Side>| own.part(&part, &budget, whole));
            for (sums, rows) in done.await {
                summary.join(sums);
                for (from, cells) in rows {
                    for taker in takers.iter_mut() {
                        if let Err(error) = taker.take(&self, from, &cells) {
                            return Ok(Err(error));
                        }
                    }
                }
            }
        }
        for taker in takers.iter_mut() {
            if let Err(error) = taker.end() {
                return Ok(Err(error));
            }
        }
        Ok(Ok(summary.report(&self)))
    }
}

impl Pairs {
    /// The pairs in blocks with one answer each.
    async fn blocks(self: Arc<Self>) -> Option<Arc<Blocks>> {
        let work = move |()| blocks(&self.network, &self.fast, &self.factors, &self.classes, &self.services);
        in_order(vec![()], work).await.remove(0).map(Arc::new)
    }

    /// Asks for all pairs by blocks of them, as long as no more than so many flows must be walked.
    async fn by_blocks(
        self: Arc<Self>,
        blocks: Arc<Blocks>,
        most: u64,
        budget: Arc<Budget>,
    ) -> Result<ReachReport, TooMany> {
        let too_many = || {
            let (sides, services) = (self.classes.list.len() as u64 + 1, self.services.len() as u64);
            TooMany { sides, services, flows: self.matrix().size() }
        };
        // Pairs that stand apart, and those with the internet; a block costs next to nothing.
        let ends = 2 * self.classes.list.len() as u64;
        if (blocks.size().1 + ends).saturating_mul(self.services.len() as u64) > most {
            return Err(too_many());
        }
        let groups = blocks.senders();
        let part = groups.div_ceil(PARTS).max(1);
        let parts = (0..groups.div_ceil(part)).map(|n| n * part..((n + 1) * part).min(groups));
        let parts: Vec<_> = parts.collect();
        let alone = Arc::new(Budget::new(most));
        let mut summary = Summary::new(&self);
        for chunk in parts.chunks(AT_ONCE) {
            let (own, blocks) = (self.clone(), blocks.clone());
            let (budget, alone) = (budget.clone(), alone.clone());
            let work = move |part: std::ops::Range<u32>| {
                own.sums(&blocks, part, Limits { engine: &budget, alone: &alone })
            };
            for sums in in_order(chunk.to_vec(), work).await {
                summary.join(sums.ok_or_else(too_many)?);
            }
        }
        Ok(summary.report(&self))
    }

    /// The sums of some groups of senders; `None` where that takes too many flows.
    fn sums(&self, blocks: &Blocks, part: std::ops::Range<u32>, limits: Limits<'_>) -> Option<Summary> {
        let matrix = self.matrix();
        let mut desk = matrix.desk(self.memos().pop().unwrap_or_else(|| Memo::of(blocks)));
        let mut summary = Summary::new(self);
        let mut asked = Summary::new(self);
        let take = &mut |from: Side, cells: &[Cell]| asked.add(self, from, cells);
        let sums = matrix.sums(&mut desk, blocks, part, limits, take);
        let whole = sums.whole;
        for (number, pairs) in (0..).zip(sums.pairs).filter(|(_, pairs)| *pairs > 0) {
            summary.pending.insert(number, pairs);
        }
        summary.exposed = sums.exposed;
        summary.settle(&desk.memo);
        summary.join(asked);
        self.memos().push(desk.memo);
        whole.then_some(summary)
    }
}

/// The cells of senders.
type Rows = Vec<(Side, Vec<Cell>)>;

impl Pairs {
    /// The sums of some senders, and their cells where these are wanted.
    fn part(&self, senders: &[Side], budget: &Budget, whole: bool) -> (Summary, Rows) {
        let matrix = self.matrix();
        let mut desk = matrix.desk(self.memos().pop().unwrap_or_default());
        let (mut sums, mut rows) = (Summary::new(self), Vec::new());
        for from in senders {
            match whole {
                true => {
                    let cells = matrix.row(&mut desk, *from, budget);
                    sums.add(self, *from, &cells);
                    rows.push((*from, cells));
                }
                false => sums.count(self, &matrix, &mut desk, *from, budget),
            }
        }
        sums.settle(&desk.memo);
        self.memos().push(desk.memo);
        (sums, rows)
    }

    fn memos(&self) -> std::sync::MutexGuard<'_, Vec<Memo>> {
        self.memos.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A block in parts of a few senders, so that every core has some.
fn parts(block: &[Side]) -> Vec<Vec<Side>> {
    block.chunks(block.len().div_ceil(8).max(1)).map(<[Side]>::to_vec).collect()
}

/// What the screen shows.
struct Summary {
    services: Vec<Answers>,
    causes: BTreeMap<(Outcome, Option<Cause>, bool), u64>,
    /// For each class of receivers the machines that reach it by some service, and whether the internet does.
    exposed: Vec<(u64, bool)>,
    classes: u64,
    engine: u64,
    unasked: u64,
    /// Pairs by the number of their answers, not yet among the others.
    pending: BTreeMap<u32, u64>,
}

impl Summary {
    fn new(pairs: &Pairs) -> Self {
        Self {
            services: vec![Answers::default(); pairs.services.len()],
            causes: BTreeMap::new(),
            exposed: vec![(0, false); pairs.classes.list.len()],
            classes: pairs.classes.list.len() as u64,
            engine: 0,
            unasked: 0,
            pending: BTreeMap::new(),
        }
    }

    /// Counts the pairs of one class of senders without making their cells.
    fn count(
        &mut self,
        pairs: &Pairs,
        matrix: &Matrix<'_>,
        desk: &mut Desk<'_>,
        from: Side,
        budget: &Budget,
    ) {
        let numbers = matrix.answers(desk, from);
        for (to, number) in matrix.sides().zip(numbers) {
            if number == NO_PAIR {
                continue;
            }
            let kind = desk.memo.kind(number);
            if kind.deferred {
                let mut cells = Vec::new();
                matrix.cells(desk, from, to, number, budget, &mut cells);
                self.add(pairs, from, &cells);
                continue;
            }
            let count = matrix.pairs(from, to);
            *self.pending.entry(number).or_default() += count;
            if kind.open {
                self.expose(pairs, from, to, count);
            }
        }
    }

    /// Puts what was counted by number among the rest.
    fn settle(&mut self, memo: &Memo) {
        for (number, count) in std::mem::take(&mut self.pending) {
            for (service, answer) in memo.answers(number).iter().enumerate() {
                self.answer(service, answer.outcome, answer.cause, false, count);
            }
        }
    }

    /// Adds the sums of other senders.
    fn join(&mut self, other: Summary) {
        for (own, more) in self.services.iter_mut().zip(&other.services) {
            own.allowed += more.allowed;
            own.blocked += more.blocked;
            own.unknown += more.unknown;
            own.mixed += more.mixed;
        }
        for (key, count) in other.causes {
            *self.causes.entry(key).or_default() += count;
        }
        for (own, more) in self.exposed.iter_mut().zip(&other.exposed) {
            (own.0, own.1) = (own.0 + more.0, own.1 || more.1);
        }
        self.engine += other.engine;
        self.unasked += other.unasked;
    }

    fn answer(&mut self, service: usize, outcome: Outcome, cause: Option<Cause>, unasked: bool, count: u64) {
        let answers = &mut self.services[service];
        match outcome {
            Outcome::Allowed => answers.allowed += count,
            Outcome::Blocked => answers.blocked += count,
            Outcome::Unknown => answers.unknown += count,
            Outcome::Mixed => answers.mixed += count,
        }
        if outcome != Outcome::Allowed {
            *self.causes.entry((outcome, cause, unasked)).or_default() += count;
        }
    }

    /// Somebody reaches a class by some service.
    fn expose(&mut self, pairs: &Pairs, from: Side, to: Side, most: u64) {
        let Side::Class(class) = to else { return };
        let exposed = &mut self.exposed[class as usize];
        match from {
            // Where the full engine answered, the best service stands for all.
            Side::Class(_) => exposed.0 += most / pairs.size(to),
            Side::Internet => exposed.1 = true,
        }
    }

    fn add(&mut self, pairs: &Pairs, from: Side, cells: &[Cell]) {
        for cell in cells {
            let unasked = cell.by == By::Nobody;
            self.answer(usize::from(cell.service), cell.outcome, cell.cause, unasked, cell.pairs);
            match cell.by {
                By::Class => {}
                By::Engine => self.engine += cell.pairs,
                By::Nobody => self.unasked += cell.pairs,
            }
        }
        for same in cells.chunk_by(|a, b| a.to == b.to) {
            let open = same.iter().filter(|c| c.outcome == Outcome::Allowed);
            if let Some(most) = open.map(|c| c.pairs).max() {
                self.expose(pairs, from, same[0].to, most);
            }
        }
    }

    fn report(self, pairs: &Pairs) -> ReachReport {
        let machines = pairs.classes.list.iter().map(|c| c.members.len() as u64).sum::<u64>();
        let missing = pairs.fast.slot_of.iter().filter(|place| **place == NOBODY).count() as u64;
        let services = pairs.services.iter().zip(self.services);
        let services = services.map(|(service, answers)| ServiceRow { service: word(*service), answers });
        let mut causes: Vec<CauseRow> = self
            .causes
            .into_iter()
            .map(|((outcome, cause, unasked), pairs)| {
                let code = cause.map(|c| c.code().to_owned());
                let code = if unasked { Some("NOT_ASKED".to_owned()) } else { code };
                CauseRow { outcome: outcome.word(), cause: code.unwrap_or_default(), pairs }
            })
            .collect();
        causes.sort_by(|a, b| (b.pairs, &a.cause).cmp(&(a.pairs, &b.cause)));
        let mut exposed: Vec<(usize, (u64, bool))> = self.exposed.into_iter().enumerate().collect();
        let from_internet: u64 = exposed
            .iter()
            .filter(|(_, (_, internet))| *internet)
            .map(|(class, _)| pairs.classes.list[*class].members.len() as u64)
            .sum();
        exposed.sort_by_key(|(class, (senders, internet))| (!*internet, std::cmp::Reverse(*senders), *class));
        let exposed = exposed.into_iter().filter(|(_, (senders, internet))| *senders > 0 || *internet);
        let exposed = exposed.take(MOST_EXPOSED).map(|(class, (senders, internet))| {
            let side = Side::Class(class as u32);
            Exposure { machine: pairs.name(side), machines: pairs.size(side), senders, internet }
        });
        ReachReport {
            version: VERSION,
            machines,
            classes: self.classes,
            without_address: missing,
            services: services.collect(),
            causes,
            exposed: exposed.collect(),
            from_internet,
            asked_in_full: self.engine,
            not_asked: self.unasked,
        }
    }
}

/// A service as people write it: `tcp/443`.
pub fn word(service: Service) -> String {
    let protocol = service.protocol.name().to_lowercase();
    if service.protocol.has_ports() { format!("{protocol}/{}", service.port) } else { protocol }
}
