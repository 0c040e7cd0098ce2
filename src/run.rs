//! The rim: files, many scenarios at once, streams of events. The only place with tokio and with file functions.
//!
//! Input: paths and settings. Output: loaded estates, and [`Event`]s in a stable order. How the parts talk: one
//! dispatcher owns the order. It starts a task for each scenario, in order and as far as there are permits;
//! each task sends its events through a bounded channel of its own; the dispatcher drains the channels one
//! after the other. So the output does not depend on who is fast, a slow reader slows the workers down, and the
//! scenario at the head always has a permit, so nothing can wait in a circle.

pub mod batch;
pub mod cancel;
pub mod check;
pub mod consume;
pub mod diff;
pub mod engine;
pub mod event;
pub mod files;
mod judge;
pub mod load;
pub mod observed;
pub mod reach;
pub mod render;
pub mod repair;
pub mod snapshot;
pub mod standing;
pub mod what_if;

pub use cancel::Cancel;
pub use event::{Event, Tally};
pub use load::{Loaded, Settings, load};
