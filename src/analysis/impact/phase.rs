//! When a block in a phase of a workload's life shows.

use crate::catalogue::{Moment, Phase};

/// When a block shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Timing {
    /// With the next thing somebody does.
    Now,
    /// Not before this happens.
    At(&'static str),
}

/// When a block in this phase shows. A phase that nobody knows may be any time, so the safe thing to say is now.
pub fn timing(phase: &str) -> Timing {
    match Phase::parse(phase).map(Phase::moment) {
        None | Some(Moment::Now) => Timing::Now,
        Some(moment) => Timing::At(moment.word()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_shows_now_and_what_lies_ahead_later() {
        assert_eq!(timing("run"), Timing::Now);
        assert_eq!(timing("Scale "), Timing::At("next scale-up"));
        assert_eq!(timing("no such phase"), Timing::Now);
    }
}
