//! Paragraphs with hanging indentation, wrapped by columns rather than bytes.

use super::clean::{clean, elide, head, width};
use super::style::{Paint, Style};

/// Pieces longer than this are shortened even where they may not be broken.
const LONGEST: usize = 200;

/// A run of words, each with its purpose.
#[derive(Clone, Debug, Default)]
pub(super) struct Words(Vec<Word>);

#[derive(Clone, Debug)]
struct Word {
    text: String,
    paint: Paint,
    /// Kept whole although it is wider than the line, so that it can be copied or clicked.
    whole: bool,
    /// Blanks between the word before and this one.
    gap: usize,
}

impl Words {
    /// Adds text that may be broken at its spaces.
    pub(super) fn text(mut self, paint: Paint, text: &str) -> Self {
        for word in clean(text).split_whitespace() {
            // A broken address cannot be opened.
            let whole = word.contains("://") && word.len() < LONGEST;
            self.0.push(Word { text: word.to_owned(), paint, whole, gap: 1 });
        }
        self
    }

    /// Adds a piece that stays on one line: a name, a list in brackets.
    pub(super) fn piece(self, paint: Paint, text: &str) -> Self {
        self.apart(1, paint, text)
    }

    /// Adds a piece that stays on one line, set off by two blanks: a place, a code.
    pub(super) fn aside(self, paint: Paint, text: &str) -> Self {
        self.apart(2, paint, text)
    }

    /// Adds text right behind the last word.
    pub(super) fn glue(self, paint: Paint, text: &str) -> Self {
        self.apart(0, paint, text)
    }

    fn apart(mut self, gap: usize, paint: Paint, text: &str) -> Self {
        if !text.is_empty() {
            let text = elide(&clean(text), LONGEST, "...").into_owned();
            self.0.push(Word { text, paint, whole: true, gap });
        }
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What stands before the first and before every further line; both `columns` wide.
#[derive(Clone, Copy)]
pub(super) struct Margin<'a> {
    pub(super) first: &'a str,
    pub(super) rest: &'a str,
    pub(super) columns: usize,
}

impl<'a> Margin<'a> {
    /// Blanks before each line.
    pub(super) fn blank(columns: usize) -> Margin<'static> {
        const BLANKS: &str = "                                                                ";
        let blanks = &BLANKS[..columns.min(BLANKS.len())];
        Margin { first: blanks, rest: blanks, columns: blanks.len() }
    }

    /// Another beginning of the first line.
    pub(super) fn starting(self, first: &'a str) -> Margin<'a> {
        Margin { first, ..self }
    }
}

/// Writes a paragraph.
pub(super) fn flow(out: &mut String, style: &Style, margin: Margin<'_>, words: &Words) {
    let room = style.room(margin.columns);
    let mut line = Line::default();
    out.push_str(margin.first);
    for word in words.0.iter().flat_map(|w| broken(w, room)) {
        if line.columns > 0 && line.columns + word.gap + width(&word.text) > room {
            line.end(out, style);
            out.push_str(margin.rest);
        }
        line.push(word);
    }
    line.end(out, style);
}

/// A line under construction; neighbours of one colour share their colour sequence.
#[derive(Default)]
struct Line {
    parts: Vec<(Paint, String)>,
    columns: usize,
}

impl Line {
    fn push(&mut self, word: Word) {
        let gap = if self.columns == 0 { 0 } else { word.gap };
        self.columns += gap + width(&word.text);
        let blanks = " ".repeat(gap);
        match self.parts.last_mut() {
            Some((paint, text)) if *paint == word.paint => {
                text.push_str(&blanks);
                text.push_str(&word.text);
            }
            _ => {
                self.parts.push((Paint::Plain, blanks));
                self.parts.push((word.paint, word.text));
            }
        }
    }

    fn end(&mut self, out: &mut String, style: &Style) {
        for (paint, text) in self.parts.drain(..) {
            out.push_str(&style.paint(paint, &text));
        }
        self.columns = 0;
        out.truncate(out.trim_end_matches(' ').len());
        out.push('\n');
    }
}

/// The word in parts that fit, unless it is to stay whole.
fn broken(word: &Word, room: usize) -> Vec<Word> {
    if word.whole || width(&word.text) <= room {
        return vec![word.clone()];
    }
    let mut parts = Vec::new();
    let mut rest = word.text.as_str();
    while !rest.is_empty() {
        let part = match head(rest, room) {
            "" => rest,
            part => part,
        };
        rest = &rest[part.len()..];
        parts.push(Word { text: part.to_owned(), ..word.clone() });
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: Words, width: usize, expected: &str) {
        let style = Style { width, ..Style::default() };
        let mut out = String::new();
        flow(&mut out, &style, Margin::blank(4).starting("  - "), &words);
        assert_eq!(out, expected);
    }

    #[test]
    fn wraps_with_a_hanging_indent() {
        let text = "the quick brown fox jumps over the lazy dog";
        let words = Words::default().text(Paint::Plain, text);
        check(words.clone(), 30, "  - the quick brown fox jumps\n    over the lazy dog\n");
        check(words, 0, &format!("  - {text}\n"));
    }

    #[test]
    fn places_stay_whole_and_long_words_break() {
        let place = "a/very/long/path/of/an/estate.yaml:12";
        let words = Words::default().text(Paint::Plain, "see").piece(Paint::Dim, place);
        check(words, 20, &format!("  - see\n    {place}\n"));
        let words = Words::default().text(Paint::Plain, &"x".repeat(30)).glue(Paint::Plain, ",");
        check(words, 20, &format!("  - {}\n    {},\n", "x".repeat(24), "x".repeat(6)));
    }
}
