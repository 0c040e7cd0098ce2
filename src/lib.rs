//! Ask your Azure network why.
pub mod diag;
pub mod doc;
pub mod net;
pub mod rules;
