//! Batches of flows, a line each: CSV with a header, or NDJSON.
//!
//! Fed line by line, so that a file of any length needs no memory. A faulty line is an error with its number
//! and does not stop the rest.

use super::{Question, endpoint};
use crate::diag::{Code, Diagnostics, DocId, nearest};
use crate::doc::{Node, Value, parse_json};
use crate::net::Protocol;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// How a batch is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Comma-separated values under a header.
    Csv,
    /// A JSON object a line.
    Ndjson,
}

impl Layout {
    /// The layout of a file, from its first line that is not empty.
    pub fn of(line: &str) -> Layout {
        if line.trim_start().starts_with('{') { Layout::Ndjson } else { Layout::Csv }
    }
}

/// The columns a batch may have; the first three must be there.
const COLUMNS: &[&str] = &["from", "to", "protocol", "port", "source_port", "name", "as", "action"];

/// One flow of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its line, from one.
    pub line: usize,
    /// Its name.
    pub name: Option<Arc<str>>,
    /// What is asked.
    pub question: Question,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineError {
    /// The line, from one.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for LineError {}

/// Reads a batch line by line.
#[derive(Clone, Debug)]
pub struct Lines {
    layout: Option<Layout>,
    /// For each column of a CSV file, its number in [`COLUMNS`].
    header: Option<Vec<usize>>,
    /// Whether a line that is not empty was taken.
    begun: bool,
    /// Whether no line can be read.
    lost: bool,
    line: usize,
}

/// The fields of a line, by number of the column.
type Cells<'t> = [Option<Cow<'t, str>>; COLUMNS.len()];

impl Lines {
    /// A reader; without a layout the first line tells it.
    pub fn new(layout: Option<Layout>) -> Self {
        Self { layout, header: None, begun: false, lost: false, line: 0 }
    }

    /// Whether lines can be taken anywhere in the file: the layout is known, and the header of a CSV file was read.
    pub fn is_ready(&self) -> bool {
        self.begun
    }

    /// A reader that goes on after so many lines.
    pub fn after(&self, line: usize) -> Lines {
        Lines { line, ..self.clone() }
    }

    /// Passes over a line that cannot be taken, and says so.
    pub fn refuse(&mut self, message: &str) -> LineError {
        self.line += 1;
        LineError { line: self.line, message: message.into() }
    }

    /// Whether the first line was such that no other can be read: a faulty header, or a file that is not laid out as its
    /// name says.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// Takes the next line, without its line break; empty lines and the header give nothing.
    pub fn take(&mut self, text: &str) -> Result<Option<Row>, LineError> {
        self.line += 1;
        let text = text.strip_prefix('\u{feff}').filter(|_| self.line == 1).unwrap_or(text);
        let text = text.trim_end_matches('\r');
        if text.trim().is_empty() {
            return Ok(None);
        }
        let layout = *self.layout.get_or_insert_with(|| Layout::of(text));
        let first = !std::mem::replace(&mut self.begun, true);
        if let Some(message) = Some(layout).filter(|_| first).and_then(|layout| misnamed(layout, text)) {
            self.lost = true;
            return Err(LineError { line: self.line, message });
        }
        let cells = match (layout, &self.header) {
            (Layout::Ndjson, _) => json_cells(text),
            (Layout::Csv, None) => match header(text) {
                Ok(header) => {
                    self.header = Some(header);
                    return Ok(None);
                }
                Err(message) => {
                    self.header = Some(Vec::new());
                    self.lost = true;
                    Err(message)
                }
            },
            (Layout::Csv, Some(header)) => csv_cells(text, header),
        };
        let row = cells.and_then(|cells| row(self.line, &cells));
        row.map(Some).map_err(|message| LineError { line: self.line, message })
    }
}

/// What to say of a first line that the name of its file does not lead one to expect.
fn misnamed(layout: Layout, text: &str) -> Option<String> {
    match layout {
        Layout::Csv if Layout::of(text) == Layout::Ndjson => Some(
            "this is a JSON object, and the name of the file says CSV: name it `.ndjson`, or give it on standard input"
                .into(),
        ),
        Layout::Ndjson if header(text).is_ok() => Some(
            "this is the header of a CSV file, and the name of the file says NDJSON: name it `.csv`, or give it on \
             standard input"
                .into(),
        ),
        _ => None,
    }
}

fn header(text: &str) -> Result<Vec<usize>, String> {
    let mut columns = Vec::new();
    if let Some(other) = [';', '\t'].into_iter().find(|other| text.contains(*other) && !text.contains(',')) {
        return Err(format!("columns are separated by commas, and this header has {other:?}"));
    }
    for name in split(text)? {
        let name = name.trim();
        let same = |column: &&str| column.eq_ignore_ascii_case(name);
        let Some(column) = COLUMNS.iter().position(same) else {
            let near = nearest(name, COLUMNS.iter().copied());
            let help = near.map_or_else(
                || format!("the columns are {}", COLUMNS.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            return Err(format!("there is no column `{name}`; {help}"));
        };
        if columns.contains(&column) {
            return Err(format!("the column `{name}` stands here twice"));
        }
        columns.push(column);
    }
    for (number, name) in COLUMNS.iter().enumerate().take(2) {
        if !columns.contains(&number) {
            return Err(format!("the header has no column `{name}`"));
        }
    }
    Ok(columns)
}

fn csv_cells<'t>(text: &'t str, header: &[usize]) -> Result<Cells<'t>, String> {
    let mut cells = Cells::default();
    let mut put = |number: usize, value: Cow<'t, str>| {
        let column = header.get(number).copied();
        if let (Some(column), false) = (column, value.is_empty()) {
            cells[column] = Some(value);
        }
    };
    let mut count = 0;
    if text.contains('"') {
        for value in split(text)? {
            put(count, Cow::Owned(value.trim().to_owned()));
            count += 1;
        }
    } else {
        for value in text.split(',') {
            put(count, Cow::Borrowed(value.trim()));
            count += 1;
        }
    }
    match count == header.len() {
        true => Ok(cells),
        false => Err(format!("{count} values under {} columns", header.len())),
    }
}

/// The values of a CSV line; quotes as usual, doubled inside.
fn split(text: &str) -> Result<Vec<String>, String> {
    let mut values = vec![String::new()];
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        let value = values.last_mut().expect("INVARIANT: a line has at least one value");
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                value.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if value.trim().is_empty() => {
                value.clear();
                quoted = true;
            }
            ',' if !quoted => values.push(String::new()),
            c => value.push(c),
        }
    }
    if quoted { Err("a quote is not closed on this line".into()) } else { Ok(values) }
}

fn json_cells(text: &str) -> Result<Cells<'_>, String> {
    if let Some(cells) = plain_cells(text) {
        return Ok(cells);
    }
    let mut notes = Diagnostics::new();
    let root = parse_json(DocId(0), text, &mut notes).map_err(|d| d.message)?;
    let Some(object) = root.as_object() else { return Err(format!("{} and no object", root.value.kind())) };
    let mut cells = Cells::default();
    if let Some(twice) = notes.iter().find(|note| note.code == Code::DuplicateKey) {
        return Err(twice.message.clone());
    }
    for entry in object.iter() {
        let Some(column) = COLUMNS.iter().position(|c| *c == &*entry.key) else {
            let near = nearest(&entry.key, COLUMNS.iter().copied());
            let help = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            return Err(format!("a flow has no field `{}`{help}", entry.key));
        };
        cells[column] = cell(&entry.value)?.map(Cow::Owned);
    }
    Ok(cells)
}

fn cell(node: &Node) -> Result<Option<String>, String> {
    match &node.value {
        Value::Null => Ok(None),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) => Ok(Some(text.trim().into())),
        Value::Number(number) => Ok(Some(number.to_string())),
        other => Err(format!("{} where a text or number belongs", other.kind())),
    }
}

/// The fields of an object that holds nothing but known keys, each once, plain texts and whole numbers: nearly every
/// line there is. Anything else is left to the reader that can say what is wrong.
fn plain_cells(text: &str) -> Option<Cells<'_>> {
    let mut cells = Cells::default();
    let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim_start();
    loop {
        let (key, after) = plain_text(rest)?;
        let column = COLUMNS.iter().position(|c| *c == key)?;
        let after = after.trim_start().strip_prefix(':')?.trim_start();
        let (value, after) = if after.starts_with('"') {
            plain_text(after)?
        } else {
            let end = after.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(after.len());
            let number = &after[..end];
            // A number that begins with 0 is for the other reader, and so is one too long to be a port.
            (!number.starts_with('0') && (1..10).contains(&end)).then_some((number, &after[end..]))?
        };
        let value = value.trim();
        if cells[column].is_some() || value.is_empty() {
            return None;
        }
        cells[column] = Some(Cow::Borrowed(value));
        let after = after.trim_start();
        if after.is_empty() {
            return Some(cells);
        }
        rest = after.strip_prefix(',')?.trim_start();
    }
}

/// A quoted text without escapes at the start, and what follows it.
fn plain_text(text: &str) -> Option<(&str, &str)> {
    let (inside, after) = text.strip_prefix('"')?.split_once('"')?;
    let plain = inside.bytes().all(|b| b != b'\\' && b >= 0x20);
    plain.then_some((inside, after))
}

fn row(line: usize, cells: &Cells<'_>) -> Result<Row, String> {
    let [from, to, protocol, port, source_port, name, identity, action] = cells;
    let shared = |cell: &Option<Cow<'_, str>>| cell.as_deref().map(Into::into);
    let end = |cell: &Option<Cow<'_, str>>, name: &str| match cell {
        Some(text) => endpoint(text).map_err(|e| e.to_string()),
        None => Err(format!("the flow has no `{name}`")),
    };
    let number = |cell: &Option<Cow<'_, str>>| match cell {
        Some(text) => text
            .parse::<u16>()
            .ok()
            .filter(|port| *port != 0)
            .map(Some)
            .ok_or_else(|| format!("`{text}` is not a port from 1 to 65535")),
        None => Ok(None),
    };
    let protocol = match protocol {
        Some(text) => Protocol::parse(text).ok_or_else(|| format!("`{text}` is not a protocol"))?,
        None => Protocol::Tcp,
    };
    let (from, to) = (end(from, "from")?, end(to, "to")?);
    let port = number(port)?;
    if port.is_some() && to.port.is_some() && port != to.port {
        return Err("the port is said twice: in `to` and on its own".into());
    }
    Ok(Row {
        line,
        name: shared(name),
        question: Question {
            from: from.endpoint,
            to: to.endpoint,
            protocol,
            port: port.or(to.port),
            source_port: number(source_port)?,
            identity: shared(identity),
            action: shared(action),
            path: to.path,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds lines and prints what comes of each.
    fn check(text: &str, expected: &[&str]) {
        let mut lines = Lines::new(None);
        let mut got = Vec::new();
        for line in text.lines() {
            match lines.take(line) {
                Ok(None) => {}
                Ok(Some(Row { line, name, question: q })) => got.push(format!(
                    "{line} {} {} -> {} {} {:?}",
                    name.as_deref().unwrap_or("-"),
                    q.from,
                    q.to,
                    q.protocol,
                    q.port
                )),
                Err(error) => got.push(error.to_string()),
            }
        }
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn csv() {
        check(
            "\u{feff}name,from,to,protocol,port\r\n\"a, \"\"b\"\"\",vm1,10.0.0.4,tcp,443\r\n\r\n,vm1,https://pypi.org,,\n",
            &["2 a, \"b\" vm1 -> 10.0.0.4 Tcp Some(443)", "4 - vm1 -> pypi.org Tcp Some(443)"],
        );
    }

    #[test]
    fn ndjson() {
        check(
            "{\"from\":\"vm1\",\"to\":\"vm2\",\"port\":22}\n{\"from\":\"vm1\",\"to\":\"vm2\",\"prot\":\"udp\"}\n[]\n{\n",
            &[
                "1 - vm1 -> vm2 Tcp Some(22)",
                "line 2: a flow has no field `prot`; did you mean `port`?",
                "line 3: a list and no object",
                "line 4: not well-formed JSON: unterminated object",
            ],
        );
    }

    #[test]
    fn a_key_that_stands_twice_is_refused() {
        check(
            "{\"from\":\"a\",\"to\":\"b\",\"port\":22,\"port\":443}\n{\"from\":\"a\",\"to\":\"b\",\"To\":null}\n",
            &[
                "line 1: the key `port` stands here a second time",
                "line 2: the key `To` stands here a second time",
            ],
        );
    }

    #[test]
    fn a_name_that_says_another_layout_is_told() {
        let first = |layout, text: &str| {
            let mut lines = Lines::new(Some(layout));
            let fault = lines.take("").and_then(|_| lines.take(text)).expect_err("another layout");
            assert!(lines.is_lost());
            fault.to_string()
        };
        let told = first(Layout::Csv, "{\"from\":\"a\",\"to\":\"b\"}");
        assert!(
            told.starts_with("line 2: this is a JSON object, and the name of the file says CSV"),
            "{told}"
        );
        let told = first(Layout::Ndjson, "to,from");
        assert!(told.contains("header of a CSV file") && told.contains("says NDJSON"), "{told}");
        // A line that is neither is told by what is wrong with it, and the next one is read.
        let mut lines = Lines::new(Some(Layout::Ndjson));
        assert!(lines.take("{").is_err() && !lines.is_lost());
        assert!(lines.take("{\"from\":\"a\",\"to\":\"b\"}").is_ok_and(|row| row.is_some()));
    }

    #[test]
    fn plain_objects_are_read_alike() {
        for text in [
            r#"{"from":"a","to":"b","port":443}"#,
            r#" { "from" : "a" , "to" : "b:22", "protocol": "udp", "name": "x" } "#,
            r#"{"from":"a","to":"b","source_port":"80","as":"me","action":"read"}"#,
        ] {
            let plain = plain_cells(text).expect("plain");
            let root = parse_json(DocId(0), text, &mut Diagnostics::new()).expect("JSON");
            for entry in root.as_object().expect("an object").iter() {
                let column = COLUMNS.iter().position(|c| *c == &*entry.key).expect("a column");
                assert_eq!(
                    plain[column].as_deref(),
                    cell(&entry.value).expect("a text").as_deref(),
                    "{text}"
                );
            }
            assert_eq!(plain.iter().flatten().count(), root.as_object().expect("an object").len());
        }
        for text in [
            "{}",
            "{\"from\":\"\"}",
            r#"{"from":"\u0061"}"#,
            r#"{"port":0443}"#,
            r#"{"port":4.5}"#,
            r#"{"from":"a","from":"b"}"#,
            r#"{"from":"a",}"#,
            r#"{"from":"a"}}"#,
            r#"{"from":null}"#,
            r#"{"x":"a"}"#,
            r#"{"port":12345678901}"#,
        ] {
            assert_eq!(plain_cells(text), None, "{text}");
        }
    }

    #[test]
    fn a_reader_goes_on_anywhere() {
        let mut lines = Lines::new(None);
        assert!(!lines.is_ready());
        assert_eq!(lines.take("to,from"), Ok(None));
        assert!(lines.is_ready());
        let row = lines.after(7).take("b,a").expect("a row").expect("a row");
        assert_eq!((row.line, row.question.from.to_string().as_str()), (8, "a"));
        assert_eq!(lines.after(3).refuse("too long").to_string(), "line 4: too long");
    }

    #[test]
    fn faulty_lines_do_not_stop_the_rest() {
        check(
            "from,to,port\nvm1,vm2,99999\nvm1\nvm1,\"vm2,1\nvm1,vm2:22,23\n,vm2,1\nvm1,vm2,1",
            &[
                "line 2: `99999` is not a port from 1 to 65535",
                "line 3: 1 values under 3 columns",
                "line 4: a quote is not closed on this line",
                "line 5: the port is said twice: in `to` and on its own",
                "line 6: the flow has no `from`",
                "7 - vm1 -> vm2 Tcp Some(1)",
            ],
        );
        check(
            "form,to\nvm1,vm2",
            &["line 1: there is no column `form`; did you mean `from`?", "line 2: 2 values under 0 columns"],
        );
        check("from,port\n", &["line 1: the header has no column `to`"]);
        check("from;to;port\n", &["line 1: columns are separated by commas, and this header has ';'"]);
    }
}
