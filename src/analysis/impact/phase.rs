//! Phases in the life of a workload, and when a block in one shows.

/// When a block shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Timing {
    /// With the next thing somebody does.
    Now,
    /// Not before this happens.
    At(&'static str),
}

/// Phases that lie ahead of a workload that runs, with the event that brings them about.
///
/// What is in none of these is something that goes on all the time (`open`, `sign-in`, `run`, `score` ...): a block
/// there shows now, which is also the safe thing to say of a phase nobody knows.
const EVENTS: &[(&str, &str)] = &[
    ("create", "the next create"),
    ("install", "the next installation"),
    ("prepare", "the next installation"),
    ("start", "the next start"),
    ("scale", "the next scale-up"),
    ("upgrade", "the next upgrade"),
    ("deploy", "the next deployment"),
    ("pull image", "the next image pull"),
    ("build image", "the next image build"),
    ("token", "the next token"),
    ("patch", "the next update"),
];

/// When a block in this phase shows.
pub fn timing(phase: &str) -> Timing {
    let found = EVENTS.iter().find(|(word, _)| word.eq_ignore_ascii_case(phase.trim()));
    found.map_or(Timing::Now, |(_, event)| Timing::At(event))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_shows_now_and_what_lies_ahead_later() {
        assert_eq!(timing("run"), Timing::Now);
        assert_eq!(timing("Scale "), Timing::At("the next scale-up"));
        assert_eq!(timing("no such phase"), Timing::Now);
    }
}
