//! The estate as typed resources: the most important input of everything else.
//!
//! Input: [`RawResource`]s from any format, all in the shape of Azure Resource Manager. Output: an
//! `Inventory` of sorted tables with references that can be followed. It knows no format, no file and no
//! clock. What is missing is recorded as missing, never guessed.

mod raw;
mod resource_id;

pub use raw::{Origin, RawResource};
pub use resource_id::ResourceId;
