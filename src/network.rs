//! The compiled network: immutable tables the trace only looks up.

use crate::diag::Diagnostics;
use crate::inventory::Inventory;
use crate::profile::Profile;

/// An estate compiled for tracing. Immutable; share it freely between threads.
#[derive(Debug)]
pub struct Network {
    /// The resources it was compiled from: names and provenance.
    pub inventory: Inventory,
    /// The knobs it was compiled with.
    pub profile: Profile,
}

/// Compiles an inventory.
pub fn compile(inventory: Inventory, profile: Profile, _notes: &mut Diagnostics) -> Network {
    Network { inventory, profile }
}
