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
pub mod what_if;

pub use fields::Word;

/// Which estate of a plan or a what-if is meant. A Terraform state has only one, which both give.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// What is deployed now.
    Before,
    /// What will be deployed.
    #[default]
    After,
}
