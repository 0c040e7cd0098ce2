//! Possible worlds: what the files do not tell may be one thing or another, so try every way.
//!
//! The tracer asks [`Worlds::pick`] wherever something is unknown, or wherever Azure spreads flows over
//! equal branches. [`explore`] runs it again for every way to answer, and compares the endings: if all are
//! the same, the unknown did not matter.

use netwhy::trace::{Cause, Disposition, Outcome};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Why there is more than one way to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// One of the ways is true, and the files do not tell which.
    Unknown(Cause),
    /// All of the ways are taken, by different flows.
    Spread,
}

/// One world under way: the choices made so far.
pub(crate) struct Worlds {
    script: Vec<usize>,
    log: RefCell<Vec<(Why, usize)>>,
}

impl Worlds {
    /// One of `ways`, numbered from zero.
    pub(crate) fn pick(&self, why: Why, ways: usize) -> usize {
        if ways < 2 {
            return 0;
        }
        let mut log = self.log.borrow_mut();
        log.push((why, ways));
        self.script.get(log.len() - 1).copied().unwrap_or(0)
    }

    /// Whether something unknown holds.
    pub(crate) fn maybe(&self, cause: Cause) -> bool {
        self.pick(Why::Unknown(cause), 2) == 1
    }
}

/// What stops a flow: why, and what decided.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stop {
    /// Why.
    pub(crate) cause: Cause,
    /// `resource/rule`.
    pub(crate) decider: Option<String>,
}

/// The decider of a block that stands only in a world where something unknown blocks.
const SUPPOSED: &str = "something unknown";

impl Stop {
    /// In a world where what the files do not tell blocks the flow.
    pub(crate) fn supposed(cause: Cause) -> Stop {
        Stop { cause, decider: Some(SUPPOSED.to_owned()) }
    }

    pub(crate) fn is_supposed(&self) -> bool {
        self.decider.as_deref() == Some(SUPPOSED)
    }
}

/// The answer of the reference: the outcome, and every cause with its decider that some world ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The answer in one word.
    pub(crate) outcome: Outcome,
    /// Causes and deciders that are right.
    pub(crate) stops: BTreeSet<Stop>,
    /// What is unknown on the way, whether or not it changes the answer.
    pub(crate) doubts: BTreeSet<Cause>,
    /// What certainly stops some branch in some world.
    pub(crate) seen: BTreeSet<Stop>,
    /// Every outcome that some world has.
    possible: BTreeSet<Outcome>,
}

/// Runs the tracer in every world. `None` where there are too many.
pub(crate) fn explore(run: &dyn Fn(&Worlds) -> Result<(), Stop>) -> Option<Answer> {
    let mut budget = 3000;
    below(Vec::new(), run, &mut budget)
}

fn below(
    script: Vec<usize>,
    run: &dyn Fn(&Worlds) -> Result<(), Stop>,
    budget: &mut usize,
) -> Option<Answer> {
    *budget = budget.checked_sub(1)?;
    let depth = script.len();
    let world = Worlds { script: script.clone(), log: RefCell::default() };
    let ending = run(&world);
    let Some((why, ways)) = world.log.borrow().get(depth).copied() else { return Some(leaf(ending)) };
    let mut answers = Vec::new();
    for way in 0..ways {
        let mut longer = script.clone();
        longer.push(way);
        answers.push(below(longer, run, budget)?);
    }
    Some(together(why, answers))
}

fn leaf(ending: Result<(), Stop>) -> Answer {
    let outcome = match &ending {
        Ok(()) => Outcome::Allowed,
        Err(stop) if stop.is_supposed() || stop.cause == Cause::SmtpBlocked => Outcome::Blocked,
        Err(stop) if stop.cause == Cause::Intermittent => Outcome::Mixed,
        Err(stop) if stop.cause.disposition() == Disposition::InsufficientInfo => Outcome::Unknown,
        Err(_) => Outcome::Blocked,
    };
    let stops: BTreeSet<Stop> = ending.err().into_iter().collect();
    let certain = |s: &&Stop| outcome == Outcome::Blocked && !s.is_supposed();
    let seen = stops.iter().filter(certain).cloned().collect();
    Answer { outcome, stops, doubts: BTreeSet::new(), seen, possible: [outcome].into() }
}

/// What equal branches come to in every world, whatever is unknown on each: allowed beside blocked is mixed.
fn spread(branches: &[Answer]) -> BTreeSet<Outcome> {
    let mut worlds: BTreeSet<BTreeSet<Outcome>> = [BTreeSet::new()].into();
    for branch in branches {
        let longer = |world: &BTreeSet<Outcome>| {
            let more = branch.possible.iter().map(|o| world.iter().copied().chain([*o]).collect());
            more.collect::<Vec<BTreeSet<Outcome>>>()
        };
        worlds = worlds.iter().flat_map(longer).collect();
    }
    let one = |world: &BTreeSet<Outcome>| {
        let has = |o: Outcome| world.contains(&o);
        match world.iter().next() {
            _ if has(Outcome::Mixed) || has(Outcome::Allowed) && has(Outcome::Blocked) => Outcome::Mixed,
            _ if has(Outcome::Unknown) => Outcome::Unknown,
            first => first.copied().unwrap_or(Outcome::Unknown),
        }
    };
    worlds.iter().map(one).collect()
}

fn together(why: Why, answers: Vec<Answer>) -> Answer {
    let possible = match why {
        Why::Spread => spread(&answers),
        Why::Unknown(_) => answers.iter().flat_map(|a| a.possible.iter().copied()).collect(),
    };
    let all = answers.iter().flat_map(|a| a.stops.iter().cloned()).collect::<BTreeSet<_>>();
    let one = possible.iter().next().copied().filter(|_| possible.len() == 1);
    let outcome = one.unwrap_or(Outcome::Unknown);
    let mut stops: BTreeSet<Stop> = match outcome {
        // What makes it unknown: this choice, or those below that are left open.
        Outcome::Unknown => answers
            .iter()
            .filter(|a| a.outcome == Outcome::Unknown)
            .flat_map(|a| a.stops.iter().cloned())
            .collect(),
        // What certainly blocks decides, not what only may.
        _ => {
            let certain: BTreeSet<Stop> = all.iter().filter(|s| !s.is_supposed()).cloned().collect();
            if certain.is_empty() { all } else { certain }
        }
    };
    if let (Outcome::Unknown, Why::Unknown(cause), None) = (outcome, why, one) {
        stops.insert(Stop { cause, decider: None });
    }
    let mut doubts: BTreeSet<Cause> = answers.iter().flat_map(|a| a.doubts.iter().copied()).collect();
    if let Why::Unknown(cause) = why {
        doubts.insert(cause);
    }
    let seen = answers.iter().flat_map(|a| a.seen.iter().cloned()).collect();
    Answer { outcome, stops, doubts, seen, possible }
}
