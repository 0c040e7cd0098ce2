//! All pairs of machines on all cores: blocks of senders, given out in order, memory bounded by a block.

mod columns;
mod lines;

use super::load::in_order;
use crate::fast::classes::{Classes, classes};
use crate::fast::matrix::{Budget, By, Cell, Matrix, Service, Side};
use crate::fast::{self, Fast, tables::NOBODY};
use crate::network::{AttachmentId, Network};
use crate::report::reach::{Answers, CauseRow, Exposure, ReachReport, ServiceRow, VERSION};
use crate::trace::{Cause, Outcome};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

pub use columns::Columns;
pub use lines::{Lines, write_members};

/// Classes of senders answered at once.
const BLOCK: usize = 32;

/// Receivers named in the summary.
const MOST_EXPOSED: usize = 10;

/// Everything needed to ask.
#[derive(Debug)]
pub struct Pairs {
    network: Arc<Network>,
    fast: Arc<Fast>,
    classes: Arc<Classes>,
    services: Arc<[Service]>,
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
        let work = move |()| {
            let fast = tables.clone().unwrap_or_else(|| Arc::new(fast::compile(&own)));
            let classes = classes(&own, &fast);
            (fast, Arc::new(classes))
        };
        let mut made = in_order(vec![()], work).await;
        let (fast, classes) = made.remove(0);
        Self { network, fast, classes, services: services.into() }
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
        Matrix::new(&self.network, &self.fast, &self.classes, &self.services)
    }

    /// What one end may ask of another.
    pub fn between(&self, from: Side, to: Side, budget: u64) -> Vec<Cell> {
        let matrix = self.matrix();
        let cells = matrix.row(&mut matrix.asker(), from, &Budget::new(budget));
        cells.into_iter().filter(|cell| cell.to == to).collect()
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
        if flows > most {
            return Err(TooMany { sides, services: self.services.len() as u64, flows });
        }
        let budget = Arc::new(Budget::new(budget));
        let mut summary = Summary::new(&self);
        let all: Vec<Side> = self.matrix().sides().collect();
        for block in all.chunks(BLOCK) {
            let (own, budget) = (self.clone(), budget.clone());
            let rows = in_order(parts(block), move |part: Vec<Side>| {
                let matrix = own.matrix();
                let mut asker = matrix.asker();
                part.iter().map(|from| (*from, matrix.row(&mut asker, *from, &budget))).collect::<Vec<_>>()
            });
            for (from, cells) in rows.await.into_iter().flatten() {
                summary.add(&self, from, &cells);
                for taker in takers.iter_mut() {
                    if let Err(error) = taker.take(&self, from, &cells) {
                        return Ok(Err(error));
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

/// A block in parts of a few senders, so that every core has some.
fn parts(block: &[Side]) -> Vec<Vec<Side>> {
    block.chunks(4).map(<[Side]>::to_vec).collect()
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
        }
    }

    fn add(&mut self, pairs: &Pairs, from: Side, cells: &[Cell]) {
        for cell in cells {
            let answers = &mut self.services[usize::from(cell.service)];
            match cell.outcome {
                Outcome::Allowed => answers.allowed += cell.pairs,
                Outcome::Blocked => answers.blocked += cell.pairs,
                Outcome::Unknown => answers.unknown += cell.pairs,
                Outcome::Mixed => answers.mixed += cell.pairs,
            }
            match cell.by {
                By::Class => {}
                By::Engine => self.engine += cell.pairs,
                By::Nobody => self.unasked += cell.pairs,
            }
            if cell.outcome != Outcome::Allowed {
                let key = (cell.outcome, cell.cause, cell.by == By::Nobody);
                *self.causes.entry(key).or_default() += cell.pairs;
            }
        }
        for same in cells.chunk_by(|a, b| a.to == b.to) {
            let open = same.iter().filter(|c| c.outcome == Outcome::Allowed);
            let (Some(most), Side::Class(to)) = (open.map(|c| c.pairs).max(), same[0].to) else { continue };
            let exposed = &mut self.exposed[to as usize];
            match from {
                // Where the full engine answered, the best service stands for all.
                Side::Class(_) => exposed.0 += most / pairs.size(same[0].to),
                Side::Internet => exposed.1 = true,
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
