//! Text from files and callers, made safe to show.
//!
//! A resource may be called anything, a terminal escape or a line of our own output included. Characters
//! that move the cursor, end a line, turn the writing direction or show nothing are written as escapes.

use std::borrow::Cow;
use std::fmt::Write;

/// Names longer than this are shortened in the middle where people read them.
pub const LONG_NAME: usize = 120;

/// Whether a character could change how the text around it is shown.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The text on one line with unsafe characters as escapes: `\n`, `\t`, `\u{1b}`.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unsafe(c) => {
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// The text with each unsafe character replaced by one of the same length in bytes, so that byte ranges
/// into it still hold. Line feeds, tabs and carriage returns before a line feed stay.
pub fn clean_in_place(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| is_unsafe(c) && !matches!(c, '\n' | '\t')) {
        return Cow::Borrowed(text);
    }
    let mut chars = text.chars().peekable();
    let mut out = String::with_capacity(text.len());
    while let Some(c) = chars.next() {
        let kept = matches!(c, '\n' | '\t') || (c == '\r' && chars.peek() == Some(&'\n'));
        out.push_str(match c.len_utf8() {
            _ if kept || !is_unsafe(c) => {
                out.push(c);
                continue;
            }
            1 => "?",
            2 => "\u{b7}",
            3 => "\u{fffd}",
            _ => "\u{fffd}?",
        });
    }
    Cow::Owned(out)
}

/// The text in at most `most` columns, its middle replaced by `dots`.
pub fn elide<'a>(text: &'a str, most: usize, dots: &str) -> Cow<'a, str> {
    if width(text) <= most {
        return Cow::Borrowed(text);
    }
    let room = most.saturating_sub(width(dots));
    let tail = room / 2;
    Cow::Owned(format!("{}{dots}{}", head(text, room - tail), end(text, tail)))
}

/// The text in at most `most` columns, its beginning replaced by `dots`: the end of a path says most.
pub fn elide_start<'a>(text: &'a str, most: usize, dots: &str) -> Cow<'a, str> {
    if width(text) <= most {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{dots}{}", end(text, most.saturating_sub(width(dots)))))
}

/// The text in at most `most` columns, its end replaced by `dots`.
pub fn elide_end<'a>(text: &'a str, most: usize, dots: &str) -> Cow<'a, str> {
    if width(text) <= most {
        return Cow::Borrowed(text);
    }
    let kept = head(text, most.saturating_sub(width(dots)));
    Cow::Owned(format!("{}{dots}", kept.trim_end()))
}

/// The first characters that fit into `room` columns.
pub(super) fn head(text: &str, room: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += char_width(c);
        if used > room {
            return &text[..at];
        }
    }
    text
}

fn end(text: &str, room: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices().rev() {
        used += char_width(c);
        if used > room {
            return &text[at + c.len_utf8()..];
        }
    }
    text
}

/// How many columns a terminal gives the text.
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().map(char_width).sum() }
}

fn char_width(c: char) -> usize {
    match c as u32 {
        0x300..=0x36f | 0x483..=0x489 | 0x591..=0x5bd | 0x610..=0x61a | 0x64b..=0x65f => 0,
        0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x20d0..=0x20ff | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f => 0,
        0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff => 2,
        0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1f64f => 2,
        0x1f680..=0x1f6ff | 0x1f900..=0x1f9ff | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_unsafe_is_left() {
        for (text, expected) in [
            ("web-vm", "web-vm"),
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\u{1b}[31mred\u{9b}m", "\\u{1b}[31mred\\u{9b}m"),
            ("a\u{202e}b\u{200b}", "a\\u{202e}b\\u{200b}"),
            ("Zürich 東京", "Zürich 東京"),
        ] {
            assert_eq!(clean(text), expected);
            let same = clean_in_place(text);
            assert_eq!(same.len(), text.len());
            assert!(!same.contains(|c| is_unsafe(c) && !matches!(c, '\n' | '\t')), "{same:?}");
        }
    }

    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(elide("abcdefghij", 10, "…"), "abcdefghij");
        assert_eq!(elide("abcdefghijk", 6, "…"), "abc…jk");
        assert_eq!(elide_start("prod/net/estate.yaml:4", 12, "…"), "…tate.yaml:4");
        assert_eq!((width("東京"), width("é"), width("e\u{301}")), (4, 1, 1));
    }
}
