//! Deciding the flows of a block together.
//!
//! The lines of a block become numbers, the numbers are decided in one go by [`crate::fast`], and the decisions are
//! written in the order of the lines. The answers are the full engine's.

use super::blocks::Block;
use super::{Answers, WriteOne, told};
use crate::diag::At;
use crate::fast::{Asker, Fast, FlowIds, Verdict};
use crate::network::Network;
use crate::run::engine;
use crate::scenario::{LineError, Row};
use crate::trace::Flow;

/// After so many flows everything learnt of their ends is forgotten, or a batch of ever new addresses would fill the
/// memory.
const REMEMBERED: usize = 1 << 18;

/// Decides blocks, and keeps what it needs for that.
pub(super) struct Clerk<'n> {
    network: &'n Network,
    fast: &'n Fast,
    asker: Asker<'n>,
    asked: usize,
    flows: Vec<(usize, Flow)>,
    ids: Vec<FlowIds>,
    verdicts: Vec<Verdict>,
}

impl<'n> Clerk<'n> {
    pub(super) fn new(network: &'n Network, fast: &'n Fast) -> Self {
        Self {
            network,
            fast,
            asker: Asker::new(network, fast),
            asked: 0,
            flows: Vec::new(),
            ids: Vec::new(),
            verdicts: Vec::new(),
        }
    }

    /// Answers the lines of a block.
    pub(super) fn answer(&mut self, block: &Block, write: &WriteOne, answers: &mut Answers) {
        if self.asked > REMEMBERED {
            self.asker = Asker::new(self.network, self.fast);
            self.asked = 0;
        }
        self.flows.clear();
        self.ids.clear();
        for row in block.rows() {
            match row.and_then(|row| self.read(row)) {
                Ok((line, flow, ids)) => {
                    self.flows.push((line, flow));
                    self.ids.push(ids);
                }
                Err(fault) => answers.faults.push(fault),
            }
        }
        self.verdicts.clear();
        self.verdicts.resize(self.ids.len(), Verdict::PENDING);
        self.asker.decide(&self.ids, &mut self.verdicts);
        for ((line, flow), verdict) in self.flows.iter().zip(&self.verdicts) {
            write(*line, flow, &self.asker.decision(verdict), &mut answers.text);
        }
        answers.flows += self.flows.len() as u64;
        self.asked += self.flows.len();
    }

    fn read(&mut self, row: Row) -> Result<(usize, Flow, FlowIds), LineError> {
        let Row { line, name, question } = row;
        let flow = question.flow(name, At::NOWHERE, &self.network.inventory);
        let read = flow.and_then(|flow| {
            let ids = self.asker.read(&flow).map_err(|error| engine::misunderstood(&error, At::NOWHERE))?;
            Ok((line, flow, ids))
        });
        read.map_err(|fault| LineError { line, message: told(&fault) })
    }
}
