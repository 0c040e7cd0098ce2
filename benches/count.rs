//! The walk alone over one batch, to be counted in instructions: `benches/count.sh` runs it under callgrind.

#![allow(clippy::print_stdout, reason = "the script reads the number of flows")]

mod support;

use netwhy::fast::{self, Verdict};
use netwhy::generate::Mix;
use support::{decided, flows, network, small};

/// Flows of the batch.
const FLOWS: usize = 20_000;

fn main() {
    let scale = small();
    let (settings, net) = network(&scale);
    let fast = fast::compile(&net);
    let asked = flows(settings, Mix::Uniform, FLOWS);
    let (mut asker, _, ids, verdicts, _) = decided(&net, &fast, &asked);
    let mut out = vec![Verdict::PENDING; ids.len()];
    asker.decide(&ids, &mut out);
    assert_eq!(out, verdicts);
    println!("{} flows", ids.len());
}
