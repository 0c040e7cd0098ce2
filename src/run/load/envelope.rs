//! What is wrapped around a document: lines of warning before it, several documents in one file, and answers and
//! requests that carry a template with its parameters.
//!
//! Input: a text or a value tree. Output: the same without its wrapping, every value still at its place in the
//! file.

use crate::diag::{At, Code, Diagnostic, Diagnostics, DocId, Severity};
use crate::doc::{Entry, Node, Object, Value, parse_json};
use crate::formats::arm;
use std::borrow::Cow;

/// A document out of its wrapping.
pub(super) struct Opened {
    pub(super) root: Node,
    /// The parameter file of the template that the document is, where both came together.
    pub(super) parameters: Option<Node>,
}

/// What the command line says before its answer, where both went into one file.
const PREAMBLE: &str = "WARNING:";

/// The text without the lines of warning before it. Blanks take their place, so that every place stays right.
pub(super) fn without_warnings<'t>(doc: DocId, text: &'t str, notes: &mut Diagnostics) -> Cow<'t, str> {
    let lines = text.split_inclusive('\n').take_while(|line| line.starts_with(PREAMBLE));
    let length: usize = lines.map(str::len).sum();
    let rest = &text[length..];
    if length == 0 || !rest.trim_start().starts_with(['{', '[']) {
        return Cow::Borrowed(text);
    }
    let at = At { doc, start: 0, end: length.saturating_sub(1) as u32 };
    let message = "warnings of the command are no part of its answer and were left out";
    notes.push(Diagnostic::new(Code::NotUnderstood, at, message).severity(Severity::Note));
    Cow::Owned(" ".repeat(length) + rest)
}

/// One JSON document a line, as one list.
pub(super) fn lines(doc: DocId, text: &str) -> Option<Node> {
    let mut joined = String::with_capacity(text.len() + 2);
    joined.push('[');
    let mut left = text.lines().filter(|line| !line.trim().is_empty()).count();
    if left < 2 {
        return None;
    }
    for line in text.split_inclusive('\n') {
        let inner = line.trim();
        let is_blank = inner.is_empty();
        if !(is_blank || inner.starts_with('{') && inner.ends_with('}')) {
            return None;
        }
        left -= usize::from(!is_blank);
        match line.strip_suffix('\n') {
            Some(own) => {
                joined.push_str(own);
                joined.push(if is_blank || left == 0 { ' ' } else { ',' });
            }
            None => joined.push_str(line),
        }
    }
    joined.push(']');
    let list = parse_json(doc, &joined, &mut Diagnostics::new()).ok()?;
    // The bracket in front has moved everything by one.
    let back = |at: At| At { start: at.start.saturating_sub(1), end: at.end.saturating_sub(1), ..at };
    Some(moved(&list, &back))
}

/// The document within the answer or request that carries it: the export of a resource group, a template spec, the
/// body of a deployment, what `az bicep build-params` writes, the answers of a batch call.
pub(super) fn opened(root: Node, notes: &mut Diagnostics) -> Opened {
    if let Some(both) = of_texts(&root, notes) {
        return both;
    }
    if let Some(answers) = of_batch(&root, notes) {
        return Opened { root: answers, parameters: None };
    }
    let carriers = ["template", "mainTemplate", "properties.template", "properties.mainTemplate"];
    let found = carriers.iter().find_map(|path| {
        let inside = root.path(path).filter(|inner| arm::looks_like_template(inner))?;
        let values = path
            .rsplit_once('.')
            .map_or("parameters".to_owned(), |(around, _)| format!("{around}.parameters"));
        Some((inside.clone(), root.path(&values).map(as_parameters)))
    });
    match found {
        Some((template, parameters)) => Opened { root: template, parameters: parameters.flatten() },
        None => Opened { root, parameters: None },
    }
}

fn as_parameters(values: &Node) -> Option<Node> {
    values.as_object()?;
    let mut file = Object::new();
    file.set("parameters", values.at, values.clone());
    Some(Node::object(values.at, file))
}

/// `az bicep build-params --stdout` writes template and parameter file as two texts.
fn of_texts(root: &Node, notes: &mut Diagnostics) -> Option<Opened> {
    let mut inner = |key: &str| {
        let text = root.get(key)?;
        let node = parse_json(text.at.doc, text.as_str()?, &mut Diagnostics::new());
        match node {
            // Its places are places in the text, which is not how it stands in the file.
            Ok(node) => Some(moved(&node, &|_| text.at)),
            Err(fault) => {
                notes.push(Diagnostic { at: text.at, ..fault });
                None
            }
        }
    };
    let (parameters, template) = (inner("parametersJson")?, inner("templateJson"));
    Some(match template {
        Some(template) => Opened { root: template, parameters: Some(parameters) },
        None => Opened { root: parameters, parameters: None },
    })
}

/// The contents of the answers of a batch call.
fn of_batch(root: &Node, notes: &mut Diagnostics) -> Option<Node> {
    let answers = root.get("responses").and_then(Node::as_array)?;
    let is_answer = |answer: &Node| answer.get("content").is_some() && answer.get("httpStatusCode").is_some();
    if answers.is_empty() || !answers.iter().all(is_answer) {
        return None;
    }
    let mut out = Vec::new();
    for answer in answers {
        let status = answer.get("httpStatusCode").and_then(Node::as_int).unwrap_or_default();
        match answer.get("content") {
            Some(content) if (200..300).contains(&status) => out.push(content.clone()),
            _ => {
                let message =
                    format!("a call of the batch failed with status {status}; what it asked for is missing");
                notes.push(Diagnostic::new(Code::NotUnderstood, answer.at, message));
            }
        }
    }
    Some(Node::array(root.at, out))
}

/// The same tree with every place moved.
fn moved(node: &Node, to: &dyn Fn(At) -> At) -> Node {
    let value = match &node.value {
        Value::Array(items) => Node::array(node.at, items.iter().map(|item| moved(item, to)).collect()).value,
        Value::Object(object) => {
            let entries = object.iter().map(|entry| Entry {
                key_at: to(entry.key_at),
                value: moved(&entry.value, to),
                ..entry.clone()
            });
            Node::object(node.at, entries.collect()).value
        }
        other => other.clone(),
    };
    Node::new(to(node.at), value)
}
