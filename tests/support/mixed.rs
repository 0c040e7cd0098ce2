//! Flows beside those of a random estate: the ends of one with the port of another.

use crate::reference::random::Random;
use netwhy::trace::Flow;

/// Adds so many.
pub(crate) fn mix(flows: &mut Vec<Flow>, random: &mut Random, many: usize) {
    for _ in 0..many {
        let mut mixed = random.one(flows);
        mixed.from = random.one(flows).from;
        mixed.port = random.one(flows).port;
        mixed.identity = None;
        flows.push(mixed);
    }
}
