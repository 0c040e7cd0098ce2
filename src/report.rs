//! Answers as words and pictures.
//!
//! Input: traces, checked expectations and diagnostics. Output: text into a `String`, or JSON. Every format
//! is made from the versioned view types of [`view`]; nothing here decides anything, reads a file, asks the
//! terminal or knows the time. What a file or a caller wrote is shown with control characters made visible
//! ([`clean`]), and cannot change the form of an output.
//!
//! | to be read by | module |
//! |---|---|
//! | a person at a terminal | [`text`], [`diagnostics`], [`explain`] |
//! | a program | [`json`], [`flow`], [`view::schema`] |
//! | a person at a terminal | [`text`], [`diagnostics`], [`explain`], [`tags`] |
//! | a program | [`json`], [`view::schema`] |
//! | a build service | [`junit`], [`sarif`], [`github`] |
//! | a person looking at a picture | [`dot`], [`mermaid`] |
//! | somebody who wants to change something | [`impact`], [`diff`] |
//! | a person looking at a picture | [`dot`], [`mermaid`], [`map`] |
//! | somebody who wants to change something | [`impact`] |
//! | somebody who asks who reaches whom | [`reach`] |

pub mod catalogue;
pub mod check;
pub mod clean;
pub mod diagnostics;
pub mod diff;
pub mod dot;
pub mod explain;
pub mod flow;
pub mod flow_changes;
pub mod github;
pub mod impact;
pub mod json;
pub mod junit;
mod layout;
mod locate;
pub mod map;
pub mod mermaid;
mod picture;
pub mod reach;
pub mod replay;
pub mod requirements;
pub mod sarif;
pub mod snippet;
mod style;
mod table;
pub mod tags;
pub mod text;
pub mod view;
pub mod watcher;

pub use check::CheckedFlow;
pub use locate::{Locator, Place, Quote, QuotedLine};
pub use style::Style;
pub use view::TraceView;
