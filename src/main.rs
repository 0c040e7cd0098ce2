//! The `netwhy` command.
fn main() {}
