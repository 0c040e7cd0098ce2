//! From documents to resources.
//!
//! Input: parsed documents ([`crate::doc::Node`]). Output: [`crate::inventory::RawResource`]s in the shape
//! of Azure Resource Manager, plus diagnostics. Formats know the inventory; the inventory knows no format.

pub mod arm;
pub mod change;
pub mod detect;
pub mod export;
pub(crate) mod fields;
pub mod native;
pub mod terraform;

pub use fields::Word;
