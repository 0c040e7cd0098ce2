//! What would open a blocked flow.

use serde::Serialize;

/// A change that opens blocked flows, tried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FixView {
    /// In one line.
    pub text: String,
    /// By which means: `private endpoint`, `service tag`, `name`, `address` ...
    pub kind: &'static str,
    /// Items of a change file that do it.
    pub changes: Vec<String>,
    /// In a report of many: the rows whose flows it opens, by number from one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<usize>,
    /// What to mind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caution: Option<&'static str>,
}
