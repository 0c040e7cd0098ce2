//! The tables: which Azure resource every `azurerm` type is.
//!
//! Attribute names were read in the provider's documentation, versions 2 to 4 (2025-11).

mod access;
mod edge;
mod network;
mod security;
mod service;
mod wide;

use super::mapping::Type;

const ALL: &[&[Type]] =
    &[network::TYPES, security::TYPES, wide::TYPES, edge::TYPES, service::TYPES, access::TYPES];

/// How a Terraform type maps, if it is known.
pub(super) fn find(tf: &str) -> Option<&'static Type> {
    ALL.iter().flat_map(|table| table.iter()).find(|t| t.tf.contains(&tf))
}

/// Every Terraform type that is known.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = &'static Type> {
    ALL.iter().flat_map(|table| table.iter())
}
