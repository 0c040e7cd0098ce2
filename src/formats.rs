//! From documents to resources.

pub mod arm;
