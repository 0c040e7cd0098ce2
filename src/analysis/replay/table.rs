//! Exported effective routes and rules beside ours.
//!
//! An export of effective routes does not name its interface. Where somebody says which it is, its table is
//! compared; where nobody does, the table itself tells the network around it (its own space, its peers, its learnt
//! and its user-defined routes), and what Azure made of them is predicted.

use super::{Replayed, around, aside, compare, json};
use crate::analysis::{AskError, Subject, effective_routes, effective_rules};
use crate::diag::{Diagnostics, Sources};
use crate::doc::{Node, parse_json};
use crate::formats::export::EffectiveRoutes;
use crate::formats::native;
use crate::inventory;
use crate::network::{self, Network};
use crate::profile::Profile;
use crate::tags::ServiceTags;
use serde_json::{Value, json};

/// What is asked where a table alone is the estate.
const ALONE: &str = "a subnet of the network that the table tells of";

/// Compares an exported table, as it is written, with the one of an interface.
pub fn routes_of(network: &Network, subject: &Subject, written: &Node) -> Result<Replayed, AskError> {
    let ours = effective_routes(network, subject, None)?;
    let ours = serde_json::to_value(ours).unwrap_or_default();
    Ok(side_by_side(written, "effectiveRouteTable", &subject.text, &ours))
}

/// Compares exported rules, as they are written, with those of an interface.
pub fn rules_of(network: &Network, subject: &Subject, written: &Node) -> Result<Replayed, AskError> {
    let ours = effective_rules(network, subject, None)?;
    let ours = serde_json::to_value(ours).unwrap_or_default();
    Ok(side_by_side(written, "effectiveNetworkSecurityGroups", &subject.text, &ours))
}

fn side_by_side(written: &Node, operation: &str, question: &str, ours: &Value) -> Replayed {
    let azure = match json(written) {
        Value::Array(items) => json!({ "value": items }),
        Value::Object(item) if !item.contains_key("value") => json!({ "value": [item] }),
        other => other,
    };
    let mut out = Replayed {
        at: written.at,
        date: None,
        operation: operation.into(),
        question: question.into(),
        fields: compare::compare(&azure, ours),
        set_aside: Vec::new(),
        not_asked: None,
    };
    aside::routes(&azure, question == ALONE, &mut out);
    aside::rules(&mut out);
    out
}

/// Predicts an exported table from what it tells of its own network.
pub fn routes_alone(
    routes: &EffectiveRoutes,
    written: &Node,
    tags: &ServiceTags,
    profile: &Profile,
) -> Replayed {
    let question = ALONE;
    let blank = side_by_side(
        &Node::new(written.at, crate::doc::Value::Null),
        "effectiveRouteTable",
        question,
        &Value::Null,
    );
    let refused = |why: &str| Replayed { not_asked: Some(why.into()), ..blank.clone() };
    let Some(estate) = around::around(routes) else {
        return refused("the table does not tell the network's own address space");
    };
    let network = match compiled(&estate, tags, profile) {
        Some(network) => network,
        None => return refused("the network that the table tells of cannot be built"),
    };
    let ours = Subject::find(&network, around::ASKED).and_then(|own| effective_routes(&network, &own, None));
    match ours {
        Ok(ours) => {
            let ours = serde_json::to_value(ours).unwrap_or_default();
            side_by_side(written, "effectiveRouteTable", question, &ours)
        }
        Err(error) => refused(&error.to_string()),
    }
}

fn compiled(estate: &Value, tags: &ServiceTags, profile: &Profile) -> Option<Network> {
    let mut notes = Diagnostics::new();
    let mut sources = Sources::default();
    let text = estate.to_string();
    let file = sources.add("table", text.as_str());
    let root = parse_json(file, &text, &mut notes).ok()?;
    let inventory = inventory::build(native::load(&root, &mut notes), &mut notes);
    let network = network::compile(inventory, tags.clone(), profile.clone(), &mut notes);
    (!notes.has_errors()).then_some(network)
}
