//! JSON for programs: pretty for one answer, a line each for many.
//!
//! Characters that could disturb a terminal are written as `\u` escapes, which every reader takes back.

use super::clean::is_unsafe;
use serde::Serialize;
use std::fmt::Write;

/// Writes a value over several lines, for a person to look at too.
pub fn pretty<T: Serialize + ?Sized>(out: &mut String, value: &T) {
    let text = serde_json::to_string_pretty(value).expect("INVARIANT: views hold nothing JSON cannot");
    push(out, &text);
}

/// Writes a value on one line: one item of an NDJSON stream.
pub fn line<T: Serialize + ?Sized>(out: &mut String, value: &T) {
    let text = serde_json::to_string(value).expect("INVARIANT: views hold nothing JSON cannot");
    push(out, &text);
}

/// Adds serialised JSON; beyond the escapes JSON demands, only strings can hold such characters.
fn push(out: &mut String, text: &str) {
    if text.contains(|c| !matches!(c, '\n' | '\t') && is_unsafe(c)) {
        for c in text.chars() {
            match c {
                '\n' | '\t' => out.push(c),
                c if is_unsafe(c) => escape(out, c),
                c => out.push(c),
            }
        }
    } else {
        out.push_str(text);
    }
    out.push('\n');
}

fn escape(out: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        let _ = write!(out, "\\u{unit:04x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_come_back() {
        let text = "a\u{1b}\u{9b}\u{202e}\u{e0041}\u{7f}\né\"";
        let mut out = String::new();
        line(&mut out, text);
        pretty(&mut out, &[text]);
        assert!(!out.contains(|c| c != '\n' && is_unsafe(c)), "{out}");
        let (first, rest) = out.split_once('\n').expect("two values");
        assert_eq!(serde_json::from_str::<String>(first).expect("JSON"), text);
        assert_eq!(serde_json::from_str::<Vec<String>>(rest).expect("JSON"), [text]);
    }
}
