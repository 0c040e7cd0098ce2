//! Yes, no, or not known: the logic every match is made in.

use crate::inventory::Unknown;

/// A truth value that may not be known.
#[derive(Clone, Debug, PartialEq)]
pub enum Tri {
    /// It holds.
    Yes,
    /// It does not hold.
    No,
    /// It cannot be known, and why.
    Unknown(Unknown),
}

impl Tri {
    /// `Yes` or `No`.
    pub fn of(b: bool) -> Tri {
        if b { Tri::Yes } else { Tri::No }
    }

    /// Both hold: a `No` decides, whatever is unknown beside it.
    pub fn and(self, other: impl FnOnce() -> Tri) -> Tri {
        match self {
            Tri::No => Tri::No,
            Tri::Yes => other(),
            Tri::Unknown(u) => match other() {
                Tri::No => Tri::No,
                _ => Tri::Unknown(u),
            },
        }
    }

    /// One holds: a `Yes` decides.
    pub fn or(self, other: impl FnOnce() -> Tri) -> Tri {
        match self {
            Tri::Yes => Tri::Yes,
            Tri::No => other(),
            Tri::Unknown(u) => match other() {
                Tri::Yes => Tri::Yes,
                _ => Tri::Unknown(u),
            },
        }
    }

    /// `Some` where it is known.
    pub fn known(&self) -> Option<bool> {
        match self {
            Tri::Yes => Some(true),
            Tri::No => Some(false),
            Tri::Unknown(_) => None,
        }
    }
}
