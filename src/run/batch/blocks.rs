//! Cutting a stream into blocks of whole lines.
//!
//! Input: a stream of bytes. Output: blocks that can be read on their own, wherever they stand: each knows the header
//! and the number of its first line.

use crate::run::cancel::Cancel;
use crate::scenario::{LineError, Lines, Row};
use std::io::{self, Read};
use tokio::sync::mpsc;

/// Bytes read at once.
const SIZE: usize = 64 << 10;

/// A line longer than this is refused: no flow is so long, and a stream without line breaks must not fill the memory.
const MAX_LINE: usize = 1 << 20;

/// Whole lines of a file.
#[derive(Debug)]
pub(super) struct Block {
    lines: Lines,
    bytes: Vec<u8>,
    /// Whether the bytes are the beginning of a line that is too long.
    too_long: bool,
}

impl Block {
    /// How many bytes the lines have.
    pub(super) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The flows of the lines, and what is wrong with the others.
    pub(super) fn rows(&self) -> impl Iterator<Item = Result<Row, LineError>> + '_ {
        let mut lines = self.lines.clone();
        let whole = self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes);
        let refused = self.too_long.then(|| lines.clone().refuse("the line is longer than 1 MiB"));
        let each = whole.split(|b| *b == b'\n').filter(|_| !self.too_long);
        let rows = each.filter_map(move |line| match std::str::from_utf8(line) {
            Ok(text) => lines.take(text).transpose(),
            Err(_) => Some(Err(lines.refuse("the line is no UTF-8 text"))),
        });
        rows.chain(refused.map(Err))
    }
}

/// Reads blocks until the end, a fault of the file, or nobody wants more.
pub(super) fn read(
    mut stream: Box<dyn Read + Send>,
    lines: Lines,
    cancel: &Cancel,
    blocks: &mpsc::Sender<io::Result<Block>>,
) {
    let mut cutter = Cutter { lines, line: 0, rest: Vec::new(), skips: false };
    let mut bytes = vec![0; SIZE];
    loop {
        let (found, last) = match stream.read(&mut bytes) {
            Ok(0) => (cutter.end(), true),
            Ok(count) => (cutter.cut(&bytes[..count]), false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let _ = blocks.blocking_send(Err(error));
                return;
            }
        };
        let gone = found.into_iter().any(|block| blocks.blocking_send(Ok(block)).is_err());
        if gone || last || cutter.lines.is_lost() || cancel.is_asked() {
            return;
        }
    }
}

/// Puts together what was read in pieces.
struct Cutter {
    lines: Lines,
    /// Lines so far.
    line: usize,
    /// The line that is not complete yet.
    rest: Vec<u8>,
    /// Whether the rest of a line that is too long is passed over.
    skips: bool,
}

impl Cutter {
    /// Takes bytes and gives the blocks that are complete.
    fn cut(&mut self, mut bytes: &[u8]) -> Vec<Block> {
        let mut out = Vec::new();
        if self.skips {
            let Some(end) = bytes.iter().position(|b| *b == b'\n') else { return out };
            bytes = &bytes[end + 1..];
            self.skips = false;
        }
        let Some(end) = bytes.iter().rposition(|b| *b == b'\n') else {
            self.rest.extend_from_slice(bytes);
            if self.rest.len() > MAX_LINE {
                let begun = std::mem::take(&mut self.rest);
                out.push(Block { lines: self.lines.after(self.line), bytes: begun, too_long: true });
                self.line += 1;
                self.skips = true;
            }
            return out;
        };
        let mut whole = std::mem::take(&mut self.rest);
        whole.extend_from_slice(&bytes[..=end]);
        self.rest.extend_from_slice(&bytes[end + 1..]);
        self.block(whole, &mut out);
        out
    }

    /// The last line, which may have no line break.
    fn end(&mut self) -> Vec<Block> {
        let mut out = Vec::new();
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            self.block(rest, &mut out);
        }
        out
    }

    /// Whole lines as blocks. The first lines, up to the header, are a block each: what follows needs to know it.
    fn block(&mut self, whole: Vec<u8>, out: &mut Vec<Block>) {
        let mut from = 0;
        while !self.lines.is_ready() && from < whole.len() {
            let end = whole[from..].iter().position(|b| *b == b'\n').map_or(whole.len(), |i| from + i + 1);
            let lines = self.lines.after(self.line);
            out.push(Block { lines, bytes: whole[from..end].to_vec(), too_long: false });
            let text = String::from_utf8_lossy(&whole[from..end]);
            let mut reader = self.lines.after(self.line);
            // What is wrong with the line is told when the block is read.
            let _ = reader.take(text.trim_end_matches('\n'));
            self.lines = reader;
            self.line += 1;
            from = end;
        }
        if from < whole.len() && !self.lines.is_lost() {
            let lines = self.lines.after(self.line);
            let bytes = if from == 0 { whole } else { whole[from..].to_vec() };
            self.line += bytes.iter().filter(|b| **b == b'\n').count();
            out.push(Block { lines, bytes, too_long: false });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Layout;

    /// Cuts a text that comes in pieces of a size, and prints every line's number and flow.
    fn check(layout: Option<Layout>, text: &[u8], size: usize) -> Vec<String> {
        let mut cutter = Cutter { lines: Lines::new(layout), line: 0, rest: Vec::new(), skips: false };
        let mut blocks: Vec<Block> = text.chunks(size).flat_map(|piece| cutter.cut(piece)).collect();
        blocks.extend(cutter.end());
        let rows = blocks.iter().flat_map(Block::rows);
        rows.map(|row| match row {
            Ok(row) => format!("{} {}", row.line, row.question.to),
            Err(error) => error.to_string(),
        })
        .collect()
    }

    #[test]
    fn pieces_do_not_matter() {
        let text = b"\n\nfrom,to\r\na,b\n\n\"a\",c,d\na,\xff\na,e";
        let expected =
            ["4 b", "line 6: 3 values under 2 columns", "line 7: the line is no UTF-8 text", "8 e"];
        for size in [1, 2, 3, 7, 1000] {
            assert_eq!(check(None, text, size), expected, "{size}");
        }
        for size in [1, 5, 1000] {
            let json = b"{\"from\":\"a\",\"to\":\"b\"}\n{\"from\":\"a\",\"to\":\"c\"}\n";
            assert_eq!(check(Some(Layout::Ndjson), json, size), ["1 b", "2 c"]);
        }
        assert_eq!(
            check(None, b"fro,to\na,b\n", 1000)[..1],
            ["line 1: there is no column `fro`; did you mean `from`?"]
        );
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut text = b"from,to\na,b\n".to_vec();
        text.extend(std::iter::repeat_n(b'x', 3 * MAX_LINE));
        text.extend(b"\na,c\n");
        assert_eq!(check(None, &text, SIZE), ["2 b", "line 3: the line is longer than 1 MiB", "4 c"]);
    }
}
