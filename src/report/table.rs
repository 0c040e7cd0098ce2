//! Tables that fit the width: columns that may shrink give way, the widest first.

use super::clean::{clean, elide, elide_end, elide_start, width};
use super::style::{Paint, Style};

/// What a column does when the table is too wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// Keeps its width.
    Keep,
    /// Loses its middle.
    Middle,
    /// Loses its beginning.
    Start,
    /// Loses its end.
    End,
}

/// A cell.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    text: String,
    paint: Paint,
}

impl Cell {
    pub(super) fn new(paint: Paint, text: &str) -> Self {
        Self { text: elide(&clean(text), LONGEST, "...").into_owned(), paint }
    }
}

/// A table under construction.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<(&'static str, Fit)>,
    right: Option<usize>,
    bare: bool,
    rows: Vec<Vec<Cell>>,
}

/// No cell is longer, whatever the width: a DNS name fits.
const LONGEST: usize = 255;

/// No column shrinks below this.
const NARROWEST: usize = 12;

impl Table {
    pub(super) fn new(columns: &[(&'static str, Fit)]) -> Self {
        Self { columns: columns.to_vec(), right: None, bare: false, rows: Vec::new() }
    }

    /// Aligns a column to the right.
    pub(super) fn right(mut self, column: usize) -> Self {
        self.right = Some(column);
        self
    }

    /// Leaves the headings out.
    pub(super) fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    pub(super) fn row(&mut self, row: Vec<Cell>) {
        self.rows.push(row);
    }

    /// The columns it takes when nothing has to shrink.
    pub(super) fn width(&self) -> usize {
        let sizes = self.sizes(&Style { width: 0, ..Style::default() }, 0);
        let shown = sizes.iter().filter(|s| **s > 0).count();
        sizes.iter().sum::<usize>() + 2 * shown.saturating_sub(1)
    }

    /// Writes the table; columns in which no row says anything are left out.
    pub(super) fn write(&self, out: &mut String, style: &Style, indent: usize) {
        let sizes = self.sizes(style, indent);
        let heads: Vec<Cell> = self.columns.iter().map(|(name, _)| Cell::new(Paint::Dim, name)).collect();
        for row in std::iter::once(&heads).filter(|_| !self.bare).chain(&self.rows) {
            let from = out.len();
            out.push_str(&" ".repeat(indent));
            self.line(out, style, &sizes, row);
            let kept = from + out[from..].trim_end_matches(' ').len();
            out.truncate(kept);
            out.push('\n');
        }
    }

    fn line(&self, out: &mut String, style: &Style, sizes: &[usize], row: &[Cell]) {
        let mut first = true;
        for (column, (cell, size)) in row.iter().zip(sizes).enumerate().filter(|(_, (_, size))| **size > 0) {
            if !first {
                out.push_str("  ");
            }
            first = false;
            let dots = style.signs().dots;
            let text = match self.columns[column].1 {
                Fit::Start => elide_start(&cell.text, *size, dots),
                Fit::End => elide_end(&cell.text, *size, dots),
                _ => elide(&cell.text, *size, dots),
            };
            let blanks = " ".repeat(size.saturating_sub(width(&text)));
            let painted = style.paint(cell.paint, &text);
            let (before, after) = if self.right == Some(column) { (&*blanks, "") } else { ("", &*blanks) };
            out.push_str(&format!("{before}{painted}{after}"));
        }
    }

    fn sizes(&self, style: &Style, indent: usize) -> Vec<usize> {
        let widest = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            let widest = cells.map(|c| width(&c.text)).max().unwrap_or(0);
            if widest == 0 { 0 } else { widest.max(width(self.columns[column].0)) }
        };
        let mut sizes: Vec<usize> = (0..self.columns.len()).map(widest).collect();
        let shown = sizes.iter().filter(|s| **s > 0).count();
        let room = style.room(indent).saturating_sub(2 * shown.saturating_sub(1));
        self.shrink(&mut sizes, room);
        sizes
    }

    fn shrink(&self, sizes: &mut [usize], room: usize) {
        let mut over = sizes.iter().sum::<usize>().saturating_sub(room);
        while over > 0 {
            let mut able: Vec<usize> = (0..sizes.len())
                .filter(|c| self.columns[*c].1 != Fit::Keep && sizes[*c] > NARROWEST)
                .collect();
            able.sort_by_key(|c| std::cmp::Reverse(sizes[*c]));
            let Some(widest) = able.first().copied() else { return };
            let next = able.get(1).map_or(NARROWEST, |c| sizes[*c].max(NARROWEST));
            let step = (sizes[widest] - next).clamp(1, over);
            sizes[widest] -= step;
            over -= step;
        }
    }
}
