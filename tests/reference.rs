//! The fast engine must agree with a slow, obvious tracer that is written from the rules alone.
//!
//! The reference works straight on the inventory. Random estates and flows ask both; outcome, cause and
//! what decided must be the same, for every flow. `NETWHY_SEED` repeats one seed, `NETWHY_REFERENCE_FLOWS` says
//! how many flows are asked: 10,000 unless told otherwise, 100,000 with `CI=true`.

#![allow(
    dead_code,
    clippy::wrong_self_convention,
    reason = "the generator keeps facts of its estates that not every question asks for"
)]

#[cfg(test)]
mod reference {
    mod agree;
    mod back;
    mod edge;
    mod estate;
    mod facts;
    mod faults;
    mod filters;
    mod firewall;
    mod laws;
    mod load;
    mod met;
    mod names;
    mod outside;
    mod planes;
    mod random;
    mod repair;
    mod routes;
    mod service;
    mod tracer;
    mod traps;
    mod walk;
    mod wan;
    mod well_formed;
    mod worlds;
}
