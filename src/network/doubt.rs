//! What may be true of some addresses, and why that cannot be known.

use crate::inventory::Unknown;
use crate::net::{AddressSet, IpAddr};

/// Something that may hold for these addresses, and for no others.
#[derive(Clone, Debug)]
pub struct Doubt {
    /// The addresses it may hold for.
    pub may_hold: AddressSet,
    /// Why it cannot be known.
    pub why: Unknown,
}

impl Doubt {
    /// A doubt about every address.
    pub(super) fn everywhere(why: Unknown) -> Self {
        Self { may_hold: AddressSet::all(), why }
    }

    /// The first doubt about an address.
    pub fn about(doubts: &[Doubt], ip: IpAddr) -> Option<&Unknown> {
        doubts.iter().find(|d| d.may_hold.contains(ip)).map(|d| &d.why)
    }
}
