//! Recorded questions asked again: Azure's answer beside ours, field by field.
//!
//! Input: checks of a recording ([`Check`]: question, answer, the resources as they stood), or effective routes and
//! rules as exported, with the network they are of. Output: one [`Replayed`] for each answer. A recording is told
//! by its content, so that any of the same shape can be tried.
//!
//! | operation | our question |
//! |---|---|
//! | `ipFlowVerify` | [`ip_flow_verify`](super::ip_flow_verify) |
//! | `nextHop` | [`next_hop`](super::next_hop) |
//! | `connectivityCheck` | [`connectivity`](super::connectivity) |
//! | `networkConfigurationDiagnostic` | [`nsg_diagnostics`](super::nsg_diagnostics) |
//! | `securityGroupView` | [`security_group_view`](super::security_group_view) |
//! | `effectiveRouteTable` | [`effective_routes`](super::effective_routes) |
//! | `effectiveNetworkSecurityGroups` | [`effective_rules`](super::effective_rules) |

mod around;
mod aside;
mod ask;
mod compare;
mod stand_in;
mod table;

pub use compare::Compared;
pub use table::{routes_alone, routes_of, rules_of};

use crate::diag::{At, Diagnostics};
use crate::doc::Node;
use crate::formats::export::{Check, Operation};
use crate::inventory;
use crate::network::{self, Network};
use crate::profile::Profile;
use crate::tags::ServiceTags;
use serde_json::Value;

/// One answer of Azure's beside ours.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    /// Where it is recorded.
    pub at: At,
    /// When it was asked, as written.
    pub date: Option<String>,
    /// The operation, in Azure's spelling.
    pub operation: String,
    /// The question in one line.
    pub question: String,
    /// The fields of Azure's answer.
    pub fields: Vec<Compared>,
    /// Fields of Azure's answer that tell nothing of the network, and why.
    pub set_aside: Vec<(String, &'static str)>,
    /// Why it was not asked.
    pub not_asked: Option<String>,
}

impl Replayed {
    /// Whether it was asked and every field agrees.
    pub fn agrees(&self) -> bool {
        self.not_asked.is_none() && self.fields.iter().all(|f| f.agrees)
    }

    /// Why a field differs though neither answer is wrong, where the recording itself tells.
    pub fn explanation(&self, field: &Compared) -> Option<&'static str> {
        match self.operation.as_str() {
            "effectiveRouteTable" => {
                let none = |side: &Value| side.get("nextHopType").is_some_and(|hop| hop == "None");
                let (lacks, more) = (none(&field.ours), none(&field.azure));
                match (field.field.starts_with("value/default "), lacks, more) {
                    (true, true, false) if field.azure.is_null() => Some(
                        "the recording lacks this None route: real tables differ in theirs, and the knob `noneRoutes` \
                         sets the list (D-19)",
                    ),
                    (true, false, true) if field.ours.is_null() => Some(
                        "real tables drop further ranges, of which no page has the list; the knob `extraNoneRoutes` \
                         adds them (D-12)",
                    ),
                    _ => None,
                }
            }
            "connectivityCheck" if self.is_too_early() => {
                let ends = field.field == "connectionStatus" || field.azure == "Destination";
                ends.then_some(
                    "Azure names no issue on the way and does not know what the destination is (type Destination): its \
                     agent was asked before it knew the network",
                )
            }
            "connectivityCheck" => {
                let address = field.field.ends_with("/address") && field.ours.is_null();
                address.then_some(
                    "the address stands nowhere in the recorded resources: they were read before Azure had given it",
                )
            }
            _ => None,
        }
    }

    /// Whether a connectivity check found the way shut without any issue on it.
    fn is_too_early(&self) -> bool {
        let unreachable = |f: &Compared| f.field == "connectionStatus" && f.azure == "Unreachable";
        let issue = |f: &Compared| {
            f.field.ends_with("/issues") && f.azure.as_array().is_some_and(|list| !list.is_empty())
        };
        self.fields.iter().any(unreachable) && !self.fields.iter().any(issue)
    }

    /// The fields that differ.
    pub fn differing(&self) -> impl Iterator<Item = &Compared> {
        self.fields.iter().filter(|f| !f.agrees)
    }
}

/// Asks every check again, each of the resources of its time.
pub fn replay(checks: &[Check], tags: &ServiceTags, profile: &Profile) -> Vec<Replayed> {
    let mut last: Option<(*const inventory::RawResource, Network)> = None;
    let mut out = Vec::new();
    for check in checks {
        let here = check.resources.as_ptr();
        if last.as_ref().is_none_or(|(at, _)| *at != here) {
            let mut notes = Diagnostics::new();
            let inventory = inventory::build(stand_in::with_networks(&check.resources), &mut notes);
            last = Some((here, network::compile(inventory, tags.clone(), then(check, profile), &mut notes)));
        }
        if let Some((_, network)) = &last {
            out.push(one(network, check));
        }
    }
    out
}

/// The profile on the day of a recording: Azure's answer is of its time.
fn then(check: &Check, profile: &Profile) -> Profile {
    let date = check.date.as_deref().unwrap_or_default();
    let mut words = date.split(|c: char| !c.is_ascii_digit());
    let year = words.find(|word| word.len() == 4).map(|year| format!("{year}-01-01"));
    Profile { as_of: year.unwrap_or_else(|| profile.as_of.clone()), ..profile.clone() }
}

fn one(network: &Network, check: &Check) -> Replayed {
    let mut out = Replayed {
        at: check.at,
        date: check.date.as_deref().map(str::to_owned),
        operation: spelt(&check.operation),
        question: String::new(),
        fields: Vec::new(),
        set_aside: Vec::new(),
        not_asked: None,
    };
    let azure = json(&check.response);
    if azure.is_null() {
        out.not_asked = Some("the recording does not tell Azure's answer".into());
        return out;
    }
    match ask::ask(network, check, &azure) {
        Ok((question, ours)) => {
            out.question = question;
            out.fields = compare::compare(&azure, as_far_as_known(&ours));
            match check.operation {
                Operation::ConnectivityCheck => {
                    aside::connection(network, &check.request, &azure, &ours, &mut out);
                }
                Operation::Other(_) => {
                    aside::routes(&azure, false, &mut out);
                    aside::rules(&mut out);
                }
                _ => {}
            }
        }
        Err(why) => out.not_asked = Some(why),
    }
    out
}

/// An answer that hangs on something the recording does not hold is compared as far as it is known.
fn as_far_as_known(ours: &Value) -> &Value {
    ours.get("x-known").unwrap_or(ours)
}

fn spelt(operation: &Operation) -> String {
    match operation {
        Operation::IpFlowVerify => "ipFlowVerify".into(),
        Operation::NextHop => "nextHop".into(),
        Operation::ConnectivityCheck => "connectivityCheck".into(),
        Operation::SecurityGroupView => "securityGroupView".into(),
        Operation::Topology => "topology".into(),
        Operation::Other(name) => name.to_string(),
    }
}

/// A value tree as JSON; what is unknown is `null`.
fn json(node: &Node) -> Value {
    use crate::doc::{Number, Value as Tree};
    match &node.value {
        Tree::Null | Tree::Unknown(_) => Value::Null,
        Tree::Bool(value) => Value::Bool(*value),
        Tree::Number(Number::Int(value)) => Value::from(*value),
        Tree::Number(Number::Float(value)) => Value::from(*value),
        Tree::String(text) => Value::String(text.to_string()),
        Tree::Array(items) => items.iter().map(json).collect(),
        Tree::Packed(packed) => packed.full().iter().map(json).collect(),
        Tree::Object(object) => {
            object.iter().map(|entry| (entry.key.to_string(), json(&entry.value))).collect()
        }
    }
}
