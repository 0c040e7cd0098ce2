//! Ask your Azure network why.
pub mod rules;
