//! Documents as trees of values that know where they stand.
//!
//! Input: the text of a JSON (with comments) or YAML file. Output: a [`Node`] tree. Every format is
//! read into this one shape; a value that cannot be known is a value of its own, [`Value::Unknown`],
//! and never a default. Depth and size are bounded, so any bytes are safe.

mod emit;
mod json;
mod node;
mod packed;
mod pointer;
mod yaml;

pub use emit::{UNKNOWN_KEY, emit_yaml};
pub use json::{parse_json, parse_json_packed};
pub use node::{Entry, Node, Number, Object, Value};
pub use packed::{Packed, PackedItem, Shelf};
pub use pointer::{Outline, pointer};
pub use yaml::parse_yaml;

/// Values nested more deeply than this are refused.
pub const MAX_DEPTH: usize = 256;

/// What is said of values nested more deeply, whoever meets the limit first.
fn too_deep() -> String {
    format!("values are nested more than {MAX_DEPTH} deep")
}

/// A YAML document may grow to this many times its size in nodes through aliases.
pub const MAX_ALIAS_GROWTH: usize = 1_000_000;
