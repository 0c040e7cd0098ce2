//! YAML 1.2 with the core schema: `no` stays a string, `010` is ten, anchors are bounded.

use super::node::{Node, Number, Object, Value};
use super::{MAX_ALIAS_GROWTH, MAX_DEPTH};
use crate::diag::{At, Code, Diagnostic, Diagnostics, DocId};
use hashbrown::HashMap;
use saphyr_parser::{Event, Parser, ScalarStyle, Span};

/// Reads the first document of a YAML file. Several documents in one file are refused.
pub fn parse_yaml(doc: DocId, text: &str, notes: &mut Diagnostics) -> Result<Node, Diagnostic> {
    if text.len() > u32::MAX as usize {
        return Err(Diagnostic::new(Code::TooLarge, At::NOWHERE, "the file is larger than 4 GiB"));
    }
    let mut builder = Builder {
        doc,
        text,
        offsets: Offsets::new(text),
        stack: Vec::new(),
        anchors: HashMap::new(),
        grown: 0,
        root: None,
        notes,
    };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let start = builder.offsets.byte(error.marker().index());
            let at = At { doc, start, end: start };
            if error.info() == TOO_DEEP {
                return Diagnostic::new(Code::TooDeep, at, super::too_deep());
            }
            Diagnostic::new(Code::Syntax, at, format!("not well-formed YAML: {}", error.info()))
        })?;
        builder.event(event, span)?;
    }
    builder
        .root
        .ok_or_else(|| Diagnostic::new(Code::Syntax, At { doc, start: 0, end: 0 }, "the document is empty"))
}

/// What the parser says of lists within lists where it gives up.
const TOO_DEEP: &str = "recursion limit exceeded";

/// From character index to byte offset; the parser counts characters.
struct Offsets {
    /// Byte offset of every 64th character; empty when the text is ASCII.
    marks: Vec<u32>,
    text: Box<str>,
}

impl Offsets {
    fn new(text: &str) -> Self {
        if text.is_ascii() {
            return Self { marks: Vec::new(), text: "".into() };
        }
        let marks = text.char_indices().step_by(64).map(|(i, _)| i as u32).collect();
        Self { marks, text: text.into() }
    }

    fn byte(&self, index: usize) -> u32 {
        if self.marks.is_empty() {
            return index as u32;
        }
        let Some(&mark) = self.marks.get(index / 64) else { return self.text.len() as u32 };
        let rest = &self.text[mark as usize..];
        let more = rest.char_indices().nth(index % 64).map_or(rest.len(), |(i, _)| i);
        mark + more as u32
    }
}

enum Open {
    Sequence { at: At, anchor: usize, items: Vec<Node> },
    Mapping { at: At, anchor: usize, object: Object, key: Option<(std::sync::Arc<str>, At)> },
}

struct Builder<'t, 'n> {
    doc: DocId,
    text: &'t str,
    offsets: Offsets,
    stack: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    grown: usize,
    root: Option<Node>,
    notes: &'n mut Diagnostics,
}

impl Builder<'_, '_> {
    fn at(&self, span: Span) -> At {
        let start = self.offsets.byte(span.start.index());
        let end = self.offsets.byte(span.end.index());
        let end = (start..=end.min(self.text.len() as u32)).next_back().unwrap_or(start);
        At { doc: self.doc, start, end }
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Diagnostic> {
        let at = self.at(span);
        match event {
            Event::DocumentStart(_) if self.root.is_some() => {
                return Err(Diagnostic::new(Code::Syntax, at, "a second YAML document in one file")
                    .help("put each document into a file of its own"));
            }
            Event::Scalar(text, style, anchor, _) => {
                let value = if style == ScalarStyle::Plain {
                    plain(&text)
                } else {
                    Value::String(text.as_ref().into())
                };
                self.close(Node { at, value }, anchor)?;
            }
            Event::SequenceStart(anchor, _) => self.open(Open::Sequence { at, anchor, items: Vec::new() })?,
            Event::MappingStart(anchor, _) => {
                self.open(Open::Mapping { at, anchor, object: Object::new(), key: None })?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(at)?,
            Event::Alias(anchor) => self.alias(anchor, at)?,
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, open: Open) -> Result<(), Diagnostic> {
        if self.stack.len() > MAX_DEPTH {
            let (Open::Sequence { at, .. } | Open::Mapping { at, .. }) = open;
            return Err(Diagnostic::new(Code::TooDeep, at, super::too_deep()));
        }
        self.stack.push(open);
        Ok(())
    }

    fn end(&mut self, last: At) -> Result<(), Diagnostic> {
        match self.stack.pop() {
            Some(Open::Sequence { at, anchor, items }) => {
                self.close(Node::array(At { end: last.end.max(at.end), ..at }, items), anchor)
            }
            Some(Open::Mapping { at, anchor, object, .. }) => {
                self.close(Node::object(At { end: last.end.max(at.end), ..at }, object), anchor)
            }
            None => Ok(()),
        }
    }

    fn alias(&mut self, anchor: usize, at: At) -> Result<(), Diagnostic> {
        let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
            return Err(Diagnostic::new(Code::Syntax, at, "an alias without its anchor"));
        };
        self.grown += size;
        if self.grown > MAX_ALIAS_GROWTH {
            let message = format!("aliases repeat more than {MAX_ALIAS_GROWTH} values");
            return Err(Diagnostic::new(Code::ExpansionLimit, at, message));
        }
        self.close(node, 0)
    }

    /// A value is complete: give it to what is open around it.
    fn close(&mut self, node: Node, anchor: usize) -> Result<(), Diagnostic> {
        if anchor != 0 {
            let size = weigh(&node);
            self.anchors.insert(anchor, (node.clone(), size));
        }
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Open::Sequence { items, .. }) => items.push(node),
            Some(Open::Mapping { object, key, .. }) => match key.take() {
                None => *key = Some((key_text(&node)?, node.at)),
                Some((name, key_at)) => {
                    if object.set(name.clone(), key_at, node).is_some() {
                        let message = format!("the key `{name}` stands here a second time");
                        self.notes.push(
                            Diagnostic::new(Code::DuplicateKey, key_at, message)
                                .severity(crate::diag::Severity::Error),
                        );
                    }
                }
            },
        }
        Ok(())
    }
}

fn key_text(node: &Node) -> Result<std::sync::Arc<str>, Diagnostic> {
    match &node.value {
        Value::String(s) => Ok(s.clone()),
        Value::Number(n) => Ok(n.to_string().into()),
        Value::Bool(b) => Ok(b.to_string().into()),
        other => Err(Diagnostic::new(Code::Syntax, node.at, format!("{} cannot be a key", other.kind()))),
    }
}

/// How many values a tree repeats when it is aliased.
fn weigh(node: &Node) -> usize {
    match &node.value {
        Value::Array(items) => items.iter().map(weigh).sum::<usize>().saturating_add(1),
        Value::Object(object) => object.iter().map(|e| weigh(&e.value)).sum::<usize>().saturating_add(1),
        _ => 1,
    }
}

fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
        && let Ok(int) = text.trim_start_matches('+').parse()
    {
        return Value::Number(Number::Int(int));
    }
    let looks_float = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'-' | b'+'));
    // A number too large for a float stays text, as in JSON.
    if looks_float
        && digits.bytes().filter(|b| *b == b'.').count() <= 1
        && let Some(float) = text.parse::<f64>().ok().filter(|f| f.is_finite())
    {
        return Value::Number(Number::Float(float));
    }
    Value::String(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let mut notes = Diagnostics::new();
        let got = match parse_yaml(DocId(0), text, &mut notes) {
            Ok(node) => node.to_string(),
            Err(diagnostic) => format!("{}@{}", diagnostic.code.name(), diagnostic.at.start),
        };
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn scalars_follow_the_core_schema() {
        check(
            "a: no\nb: 10.0.0.0/8\nc: 443\nd: 1.5\ne: ~\nf: \"7\"",
            r#"{"a":"no","b":"10.0.0.0/8","c":443,"d":1.5,"e":null,"f":"7"}"#,
        );
        check("- 10.0.0.4\n- 010\n- 80-90\n- true\n- '*'", r#"["10.0.0.4",10,"80-90",true,"*"]"#);
    }

    #[test]
    fn anchors_are_copied_and_bounded() {
        check("a: &x [1, 2]\nb: *x", r#"{"a":[1,2],"b":[1,2]}"#);
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for i in 1..12 {
            let row = vec![format!("*a{}", i - 1); 10].join(",");
            bomb.push_str(&format!("a{i}: &a{i} [{row}]\n"));
        }
        let mut notes = Diagnostics::new();
        let error = parse_yaml(DocId(0), &bomb, &mut notes).expect_err("a bomb");
        assert_eq!(error.code, Code::ExpansionLimit);
    }

    #[test]
    fn faults_have_a_place() {
        check("", "syntax@0");
        check("a: [1", "syntax@5");
        check("é: 1\n? [a]\n: 1", "syntax@8");
        check(&"[".repeat(100_000), "too-deep@255");
    }
}
