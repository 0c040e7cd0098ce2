//! What a file does not tell decides nothing: every value of every case's estate is withheld in turn, and the answer is
//! then either the one it was, or not known.

use super::case::{Case, Question, World};
use netwhy::diag::Severity;
use netwhy::doc::{Entry, Node, Object, Value};
use netwhy::trace::Outcome;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A way down a tree: the number of the entry or item at each level.
type Place = Vec<usize>;

/// Keys that say what a resource is called or where it stands in the file, which no deployment leaves open.
const NAMES: &[&str] =
    &["netwhy", "defaults", "name", "id", "resourceGroup", "apiVersion", "existing", "uncertain"];

/// What was found: the property, without the numbers of items, and an example for each.
pub(crate) type Found = BTreeMap<String, (usize, String)>;

/// Withholds everything in every world of a case.
pub(crate) fn check(case: &Case, found: &mut Found) -> usize {
    let mut asked = 0;
    for (changes, settled, questions) in case.worlds() {
        let Some(root) = settled.root.as_ref() else { continue };
        let world = World::of(root, &settled);
        let told: Vec<Option<Outcome>> =
            questions.iter().map(|q| outcome(&world, q).filter(|_| !is_refused(&world, q))).collect();
        let mut places = Vec::new();
        leaves(root, &mut Vec::new(), String::new(), &mut places);
        for (place, path) in places {
            let changed = World::of(&without(root, &place), &settled);
            if errors(&changed) > errors(&world) {
                continue;
            }
            for (question, told) in questions.iter().zip(&told) {
                asked += 1;
                let now = outcome(&changed, question);
                if let (Some(told), Some(now)) = (told, now)
                    && now != Outcome::Unknown
                    && now != *told
                {
                    let row = found.entry(path.clone()).or_insert_with(|| {
                        let label = case.label();
                        (
                            0,
                            format!(
                                "{label}: {changes:?}: {}: {} -> {}",
                                question.text,
                                told.word(),
                                now.word()
                            ),
                        )
                    });
                    row.0 += 1;
                }
            }
        }
    }
    asked
}

fn errors(world: &World) -> usize {
    world.notes().iter().filter(|n| n.severity == Severity::Error).count()
}

/// Whether an answer is unknown because two values contradict each other: without one of them nothing does.
fn is_refused(world: &World, question: &Question) -> bool {
    world
        .trace(&question.flow)
        .is_some_and(|trace| trace.missing.iter().any(|m| m.text.contains("which Azure refuses")))
}

fn outcome(world: &World, question: &Question) -> Option<Outcome> {
    world.trace(&question.flow).map(|trace| trace.outcome)
}

/// Every value below a node with its place, and the names of the properties down to it.
fn leaves(node: &Node, place: &mut Place, path: String, out: &mut Vec<(Place, String)>) {
    let mut down = |n: usize, child: &Node, path: String, out: &mut Vec<(Place, String)>| {
        place.push(n);
        out.push((place.clone(), path.clone()));
        leaves(child, place, path, out);
        place.pop();
    };
    match &node.value {
        Value::Object(object) => {
            for (n, entry) in object.iter().enumerate().filter(|(_, e)| !NAMES.contains(&&*e.key)) {
                let path =
                    if path.is_empty() { entry.key.to_string() } else { format!("{path}.{}", entry.key) };
                down(n, &entry.value, path, out);
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                down(n, item, format!("{path}[]"), out);
            }
        }
        _ => {}
    }
}

/// The tree with one value withheld.
fn without(node: &Node, place: &[usize]) -> Node {
    let Some((first, rest)) = place.split_first() else {
        return Node { at: node.at, value: Value::Unknown("withheld".into()) };
    };
    let value = match &node.value {
        Value::Object(object) => {
            let mut out = Object::new();
            for (n, entry) in object.iter().enumerate() {
                let value = if n == *first { without(&entry.value, rest) } else { entry.value.clone() };
                out.push(Entry { value, ..entry.clone() });
            }
            Value::Object(Arc::new(out))
        }
        Value::Array(items) => {
            let item =
                |(n, item): (usize, &Node)| if n == *first { without(item, rest) } else { item.clone() };
            Value::Array(Arc::new(items.iter().enumerate().map(item).collect()))
        }
        other => other.clone(),
    };
    Node { at: node.at, value }
}
