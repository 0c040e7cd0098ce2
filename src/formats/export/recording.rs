//! Recorded questions to Network Watcher, Azure's answers, and the resources as they stood at the time.

use super::{EffectiveRules, Facts, facts, shape};
use crate::diag::{At, Code, Diagnostic, Diagnostics};
use crate::doc::Node;
use crate::inventory::RawResource;
use std::sync::Arc;

/// One question with its answer.
#[derive(Clone, Debug)]
pub struct Check {
    /// Where it is recorded.
    pub at: At,
    /// When it was asked, as written.
    pub date: Option<Arc<str>>,
    /// What was asked.
    pub operation: Operation,
    /// The address asked, which names the watcher.
    pub uri: Option<Arc<str>>,
    /// The question's body; `null` where it was not recorded.
    pub request: Node,
    /// Azure's answer.
    pub response: Node,
    /// The resources as they stood then.
    pub resources: Arc<[RawResource]>,
}

impl Check {
    /// The effective rules an answer holds, for a security group view.
    pub fn effective_rules(&self, notes: &mut Diagnostics) -> Vec<EffectiveRules> {
        let mut facts = Facts::default();
        facts::rules(&self.response, &mut facts, notes);
        facts.effective_rules
    }
}

/// What Network Watcher was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Which rule decides about a packet.
    IpFlowVerify,
    /// Where a packet goes next.
    NextHop,
    /// Whether a connection comes about, measured by an agent.
    ConnectivityCheck,
    /// Which rules apply to a machine.
    SecurityGroupView,
    /// Which resources hang together.
    Topology,
    /// Something else.
    Other(Arc<str>),
}

impl Operation {
    fn parse(text: &str) -> Operation {
        const NAMES: &[(&str, Operation)] = &[
            ("ipFlowVerify", Operation::IpFlowVerify),
            ("nextHop", Operation::NextHop),
            ("connectivityCheck", Operation::ConnectivityCheck),
            ("securityGroupView", Operation::SecurityGroupView),
            ("topology", Operation::Topology),
        ];
        let known = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        known.map_or_else(|| Operation::Other(text.into()), |(_, operation)| operation.clone())
    }
}

/// Whether a document is a recording, be it a faulty one.
pub(super) fn is_one(node: &Node) -> bool {
    let parts = ["operation", "request", "response", "resources"];
    let is_check =
        |check: &Node| parts.iter().filter(|part| check.get(part).is_some()).count() > parts.len() / 2;
    node.get("checks").and_then(Node::as_array).is_some_and(|checks| checks.iter().any(is_check))
}

/// The checks in the order recorded. A check that says its resources are those of the one before shares
/// them.
pub(super) fn checks(node: &Node, notes: &mut Diagnostics) -> Vec<Check> {
    let mut out: Vec<Check> = Vec::new();
    for check in node.get("checks").and_then(Node::as_array).unwrap_or_default() {
        let resources = match check.get("resources").and_then(Node::as_array) {
            Some(items) => items.iter().filter_map(|item| shape::resource(item, notes)).collect(),
            None => match out.last() {
                Some(before) => before.resources.clone(),
                None => {
                    let message = "the first check does not say which resources there were";
                    notes.push(Diagnostic::new(Code::MissingField, check.at, message));
                    Arc::default()
                }
            },
        };
        for part in ["operation", "response"] {
            if check.get(part).is_none_or(Node::is_null) {
                let message = format!("a recorded check has no `{part}`");
                notes.push(Diagnostic::new(Code::MissingField, check.at, message));
            }
        }
        out.push(read(check, resources));
    }
    out
}

fn read(check: &Node, resources: Arc<[RawResource]>) -> Check {
    let word = |key: &str| check.get(key).and_then(Node::as_str).map(Arc::from);
    let body = |key: &str| check.get(key).cloned().unwrap_or_else(|| Node::built(crate::doc::Value::Null));
    Check {
        at: check.at,
        date: word("date"),
        operation: Operation::parse(check.get("operation").and_then(Node::as_str).unwrap_or_default()),
        uri: word("requestUri"),
        request: body("request"),
        response: body("response"),
        resources,
    }
}
