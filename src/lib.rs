//! Ask your Azure network why.
pub mod cli;
pub mod diag;
pub mod doc;
pub mod formats;
pub mod inventory;
pub mod net;
pub mod network;
pub mod profile;
pub mod report;
pub mod rules;
pub mod run;
pub mod scenario;
pub mod services;
pub mod tags;
pub mod trace;
