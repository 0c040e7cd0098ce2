//! Cells as CSV: a line for each pair of classes, service and answer; the members of classes in a file of their own.

use super::{Pairs, Taker, word};
use crate::fast::matrix::{By, Cell, Side};
use crate::network::AttachmentId;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Cells as lines.
pub struct Lines<W: Write>(W);

impl<W: Write> Lines<W> {
    /// Begins with the names of the columns.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(b"from_class,to_class,service,outcome,cause,pairs,answered_by,from,to\n")?;
        Ok(Self(out))
    }
}

impl<W: Write> Taker for Lines<W> {
    fn take(&mut self, pairs: &Pairs, from: Side, cells: &[Cell]) -> io::Result<()> {
        let mut text = String::new();
        let sender = quoted(&pairs.name(from));
        for cell in cells {
            let cause = cell.cause.map_or("", |c| c.code());
            let (a, b) = (number(from), number(cell.to));
            let service = word(pairs.services[usize::from(cell.service)]);
            let (outcome, by) = (cell.outcome.word(), by(cell.by));
            let receiver = quoted(&pairs.name(cell.to));
            let _ =
                writeln!(text, "{a},{b},{service},{outcome},{cause},{},{by},{sender},{receiver}", cell.pairs);
        }
        self.0.write_all(text.as_bytes())
    }

    fn end(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Writes the machines of every class.
pub fn write_members(pairs: &Pairs, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"class,machine,address,id\n")?;
    for (class, row) in pairs.classes().list.iter().enumerate() {
        for member in &row.members {
            let attachment = pairs.network().attachment(AttachmentId(*member));
            let id = pairs.network().inventory.id_of(attachment.owner);
            let address = attachment.address.map(|ip| ip.to_string()).unwrap_or_default();
            let id = id.map(|id| id.as_str().to_owned()).unwrap_or_default();
            writeln!(out, "{class},{},{address},{}", quoted(&attachment.name), quoted(&id))?;
        }
    }
    Ok(())
}

/// The number of a class; -1 for the internet.
pub(super) fn number(side: Side) -> i64 {
    match side {
        Side::Class(class) => i64::from(class),
        Side::Internet => -1,
    }
}

/// The word of who answered.
pub(super) fn by(by: By) -> &'static str {
    match by {
        By::Class => "class",
        By::Engine => "engine",
        By::Nobody => "nobody",
    }
}

/// A text as a field of CSV; what a spreadsheet would take for a formula is made harmless.
fn quoted(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@']);
    if !formula && !text.contains([',', '"', '\n', '\r']) {
        return text.to_owned();
    }
    let mark = if formula { "'" } else { "" };
    format!("\"{mark}{}\"", text.replace('"', "\"\""))
}
