//! Names that try to take over the terminal, the file or the picture do not.

#[path = "report_samples.rs"]
mod samples;

use netwhy::diag::{At, Code, Diagnostic, Diagnostics, Sources};
use netwhy::network::Network;
use netwhy::report::clean::is_unsafe;
use netwhy::report::text::{FlowRow, flows_table, trace};
use netwhy::report::{
    CheckedFlow, Locator, Style, TraceView, check, diagnostics, dot, github, json, junit, mermaid, sarif,
};
use proptest::prelude::*;
use std::sync::LazyLock;

static WORLD: LazyLock<(Sources, Network)> = LazyLock::new(|| {
    let world = samples::world();
    (world.sources, world.network)
});

fn view(evil: &str, long: &str) -> TraceView {
    TraceView::new(&samples::hostile_with(evil, long), &WORLD.1, &WORLD.0)
}

fn checked(view: &TraceView, evil: &str) -> CheckedFlow {
    CheckedFlow {
        variant: Some(evil.into()),
        file: Some(evil.into()),
        ..CheckedFlow::new(evil, view, false, evil)
    }
}

/// Our own colour sequences taken out, no control character but the line feed is left.
fn assert_quiet(text: &str) {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        let end = after.find(|c: char| !c.is_ascii_digit() && c != ';').expect("a sequence ends");
        assert!(after[end..].starts_with('m'), "only colours: {after:.20}");
        rest = &after[end + 1..];
    }
    plain.push_str(rest);
    assert!(!plain.contains(|c| c != '\n' && is_unsafe(c)), "{plain:?}");
    assert!(!plain.lines().any(|l| l.starts_with("ALLOWED") || l.starts_with("ok ")), "{plain}");
}

fn all_text(evil: &str, long: &str, style: &Style) -> String {
    let view = view(evil, long);
    let mut out = String::new();
    trace(&mut out, &view, style);
    flows_table(&mut out, &[FlowRow::from(&view)], style);
    check::summary(&mut out, &[checked(&view, evil)], style);
    let mut notes = Diagnostics::new();
    notes.push(Diagnostic::new(Code::BadValue, At::NOWHERE, evil).help(evil).also(At::NOWHERE, evil));
    diagnostics::text(&mut out, &notes, &Locator::new(&WORLD.0), style);
    out
}

/// Outside quoted strings a graph holds only what we write.
fn assert_dot(text: &str) {
    let mut bare = String::new();
    let mut chars = text.chars();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' if quoted => drop(chars.next()),
            '"' => quoted = !quoted,
            c if quoted => assert!(!is_unsafe(c), "{c:?}"),
            c => bare.push(c),
        }
    }
    assert!(!quoted, "a string is left open: {text}");
    assert_eq!(bare.matches("->").count(), 1, "{bare}");
    assert!(!bare.contains("evil"), "{bare}");
}

/// Every line of a flowchart has one of our forms, and strings hold nothing with a meaning.
fn assert_mermaid(text: &str) {
    for line in text.lines().skip(3) {
        let parts: Vec<&str> = line.split('"').collect();
        assert_eq!(parts.len() % 2, 1, "{line}");
        for quoted in parts.iter().skip(1).step_by(2) {
            let quoted = quoted.replace("<br/>", " ");
            assert!(!quoted.contains(['<', '>', '&', '`', '\\', '%', '|', '[', '{']), "{line}");
        }
        let known = ["subgraph ", "end", "h0", "h1", "linkStyle ", "classDef ", "flowchart "];
        assert!(known.iter().any(|k| line.trim_start().starts_with(k)), "{line}");
    }
}

/// Tags are balanced, attributes quoted, and no character is left that XML refuses.
fn assert_xml(text: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").expect("a declaration");
    while let Some(at) = rest.find('<') {
        assert!(!rest[..at].contains("]]>"), "{rest}");
        let end = rest[at..].find('>').expect("a tag ends") + at;
        let tag = &rest[at + 1..end];
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
        match (tag.starts_with('/'), tag.ends_with('/')) {
            (true, _) => assert_eq!(open.pop(), Some(name)),
            (false, false) => open.push(name),
            (false, true) => {}
        }
        rest = &rest[end + 1..];
    }
    assert_eq!(open, Vec::<&str>::new());
    assert!(!text.contains(|c| c != '\n' && is_unsafe(c)));
}

fn assert_all(evil: &str, long: &str, style: &Style) {
    assert_quiet(&all_text(evil, long, style));
    let view = view(evil, long);
    let checks = [checked(&view, evil)];
    let mut text = String::new();
    json::line(&mut text, &view);
    assert_eq!(text.matches('\n').count(), 1);
    let back: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(back["warnings"][0], evil);
    assert_eq!(back["question"]["to"]["asked"], long);
    text.clear();
    json::pretty(&mut text, &sarif::log(&checks, &Diagnostics::new(), &Locator::new(&WORLD.0)));
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
    text.clear();
    github::checks(&mut text, &checks);
    assert_eq!(text.matches('\n').count(), 1, "{text}");
    assert!(text.starts_with("::error "));
    assert_xml(&junit::report(&checks).expect("XML"));
    assert_dot(&dot::trace(&view));
    assert_mermaid(&mermaid::trace(&view));
}

#[test]
fn known_tricks() {
    let long = "very-long-name-".repeat(400);
    for evil in [
        samples::EVIL,
        "\r\nALLOWED  a -> b",
        "\"]; evil -> h0 [x=\"",
        "\\\"; evil -> h0 [x=\"\\",
        "h0[\"x\"] --> h1\nend\nclick h0 \"javascript:alert(1)\"",
        "`**md**` <img src=x onerror=alert(1)> #quot; &quot; %%{init: {}}%%",
        "]]></failure><failure message=\"x\" ",
        "::error file=a::b\n::warning::c %0A",
        "\u{feff}\u{200b}\u{2028}\u{2029}\u{85}\u{0}",
        "",
        " ",
    ] {
        for width in [0, 1, 40, 100] {
            for (color, unicode, verbose) in [(false, true, true), (true, false, false)] {
                assert_all(evil, &long, &Style { color, unicode, width, verbose });
            }
        }
    }
}

#[test]
fn lines_stay_readable() {
    let long = "very-long-name-".repeat(400);
    let text = all_text(samples::EVIL, &long, &Style { width: 80, ..Style::default() });
    let widest = text.lines().map(netwhy::report::clean::width).max().unwrap_or(0);
    assert!(widest <= 240 && text.len() < 20_000, "{widest} columns, {} bytes", text.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_is_harmless(evil in any::<String>(), long in "\\PC*", width in 0_usize..160, unicode: bool, color: bool, verbose: bool) {
        // A text that begins like one of our own lines is only looked for in the known tricks.
        prop_assume!(!evil.starts_with("ALLOWED") && !evil.starts_with("ok "));
        assert_all(&evil, &long, &Style { color, unicode, width, verbose });
    }
}
