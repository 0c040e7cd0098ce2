//! The picture of an estate, before any drawing language: networks as boxes, subnets as cards that list what stands in
//! them, and lines for peerings, routes, name resolution and what private endpoints lead to.
//!
//! A page holds some thirty cards, an estate may hold thousands of resources. So what stands in a subnet is listed in its
//! card and not drawn; things of one kind are counted once there are many; networks that look alike share one box; zones
//! and services with the same lines share one card. Nothing is left out without a count that says so.

mod build;
mod dot;
mod managed;
mod mermaid;

pub use dot::dot;
pub use mermaid::mermaid;

use crate::network::{EdgeKind, NodeKind};

/// A card: a subnet with what stands in it, or something outside every network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Title and contents, a line each.
    pub lines: Vec<String>,
    /// What it is.
    pub kind: NodeKind,
}

/// A box around cards: a virtual network, or what belongs together outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its title.
    pub title: String,
    /// Its cards, by number.
    pub cards: Vec<usize>,
    /// Whether it is a virtual network.
    pub network: bool,
}

/// One end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// A card.
    Card(usize),
    /// A box.
    Frame(usize),
}

/// A line between two ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// From.
    pub from: End,
    /// To.
    pub to: End,
    /// How they hang together.
    pub kind: EdgeKind,
    /// What stands on it.
    pub label: String,
    /// Whether it works as it stands.
    pub works: bool,
}

/// The picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map {
    /// The title.
    pub title: String,
    /// All cards.
    pub cards: Vec<Card>,
    /// The boxes.
    pub frames: Vec<Frame>,
    /// Cards in no box.
    pub loose: Vec<usize>,
    /// The lines.
    pub lines: Vec<Line>,
}

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detail {
    /// Draw role assignments too.
    pub grants: bool,
    /// List everything, and draw every network.
    pub all: bool,
}

impl Map {
    /// The picture of an estate.
    pub fn of(network: &crate::network::Network, title: &str, detail: Detail) -> Map {
        build::map(network, title, detail)
    }
}

#[cfg(test)]
mod tests;
