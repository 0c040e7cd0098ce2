//! The collected real files, which lie beside the project where there are any, and are no part of it.

#![allow(clippy::print_stdout, reason = "a test without its data says that it is skipped")]

use std::path::{Path, PathBuf};

/// A folder or file of the collection; where it is not there, that is said.
pub(crate) fn collected(part: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = ["../shared/data", "../../shared/data"].map(|data| root.join(data).join(part));
    let found = places.into_iter().find(|place| place.exists());
    if found.is_none() {
        println!("skipped: ../shared/data/{part} is not here");
    }
    found
}
