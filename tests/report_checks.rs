//! Checked expectations and diagnostics, for people and for build services.

#[path = "report_samples.rs"]
mod samples;

use netwhy::diag::{At, Code, Diagnostic, Diagnostics, DocId, Sources};
use netwhy::report::diagnostics::{text, views};
use netwhy::report::{CheckedFlow, Locator, Style, TraceView, check, github, json, junit, sarif};
use samples::check as golden;

fn checks() -> Vec<CheckedFlow> {
    let world = samples::world();
    let locator = Locator::new(&world.sources);
    let view = |trace| TraceView::with(&trace, &world.network, &locator);
    let blocked = view(samples::blocked());
    let mut trace = String::new();
    netwhy::report::text::trace(&mut trace, &blocked, &Style { width: 90, ..Style::default() });
    vec![
        CheckedFlow {
            variant: Some("outbound blocked".into()),
            trace: Some(trace),
            scenario_file: Some("scenarios/app.yaml".into()),
            scenario_line: Some(12),
            ..CheckedFlow::new("app", &blocked, false, "expected allowed, but it is blocked")
        },
        CheckedFlow::new("app", &view(samples::allowed()), true, "allowed as expected"),
        CheckedFlow {
            scenario_file: Some("scenarios/egress 100%.yaml".into()),
            scenario_line: Some(7),
            ..CheckedFlow::new(
                "egress",
                &view(samples::allowed()),
                false,
                "expected blocked, but it is allowed",
            )
        },
        CheckedFlow::new("egress", &view(samples::unknown()), true, "unknown as expected"),
    ]
}

const FAULTY: &str = "netwhy: estate/1\nvirtualNetworks:\n  - name: hub\n    adressPrefixes: [10.0.0.0/16]\n  - name: spoke\n    addressPrefixes: [10.0.128.0/17]\n    tags: { note: \"\u{1b}[31m\u{9b}é\" }\n";

/// Diagnostics as the readers would raise them, and the documents they speak of.
fn diagnostics() -> (Sources, Diagnostics) {
    let mut sources = Sources::default();
    let doc = sources.add("prod/estate.yaml", FAULTY);
    let long = format!("{{\"pad\": \"{}\", \"nextHopType\": \"Nowhere\"}}", "x".repeat(5_000));
    let export = sources.add("prod/export.json", long.as_str());
    let at = |doc: DocId, text: &str, part: &str| {
        let start = text.find(part).expect("in the text") as u32;
        At { doc, start, end: start + part.len() as u32 }
    };
    let mut notes = Diagnostics::new();
    notes.push(
        Diagnostic::new(
            Code::UnknownField,
            at(doc, FAULTY, "adressPrefixes"),
            "`virtualNetworks` has no field `adressPrefixes`",
        )
        .help("did you mean `addressPrefixes`?"),
    );
    notes.push(
        Diagnostic::new(
            Code::OverlappingPeers,
            at(doc, FAULTY, "10.0.128.0/17"),
            "the address spaces of `spoke` and `hub` overlap",
        )
        .also(at(doc, FAULTY, "10.0.0.0/16"), "overlaps with this"),
    );
    notes.push(Diagnostic::new(
        Code::BadValue,
        at(export, &long, "\"Nowhere\""),
        "`Nowhere` is no next hop type",
    ));
    notes.push(Diagnostic::new(
        Code::NotUnderstood,
        at(doc, FAULTY, "\u{1b}[31m\u{9b}é"),
        "a note with \u{1b}[31mcontrol\ncharacters",
    ));
    for n in 0..9 {
        notes.push(Diagnostic::new(
            Code::UnknownKind,
            At::NOWHERE,
            format!("`Microsoft.Test/kind{n}` is not modelled"),
        ));
    }
    (sources, notes)
}

#[test]
fn checks_as_text() {
    let mut out = String::new();
    check::summary(&mut out, &checks(), &Style::default());
    out.push_str("\n--- verbose\n");
    check::summary(&mut out, &checks(), &Style { verbose: true, ..Style::default() });
    out.push_str("\n--- none\n");
    check::summary(&mut out, &[], &Style::default());
    golden("check.txt", &out);
}

#[test]
fn checks_for_build_services() {
    let (sources, notes) = diagnostics();
    let locator = Locator::new(&sources);
    golden("check.junit.xml", &junit::report(&checks()).expect("XML"));
    let mut log = String::new();
    json::pretty(&mut log, &sarif::log(&checks(), &notes, &locator));
    golden("check.sarif.json", &log);
    let mut commands = String::new();
    github::checks(&mut commands, &checks());
    github::diagnostics(&mut commands, &notes, &locator);
    golden("check.github.txt", &commands);
    let mut lines = String::new();
    checks().iter().for_each(|c| json::line(&mut lines, c));
    golden("check.ndjson", &lines);
}

#[test]
fn sarif_results_name_their_rule() {
    let (sources, notes) = diagnostics();
    let log = sarif::log(&checks(), &notes, &Locator::new(&sources));
    let run = &log["runs"][0];
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), 2 + notes.len());
    for result in results {
        let index = result["ruleIndex"].as_u64().expect("an index") as usize;
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    }
}

#[test]
fn diagnostics_are_drawn_at_their_line() {
    let (sources, notes) = diagnostics();
    let locator = Locator::new(&sources);
    let mut out = String::new();
    text(&mut out, &notes, &locator, &Style::default());
    golden("diagnostics.txt", &out);
    out.clear();
    text(&mut out, &notes, &locator, &Style { unicode: false, color: true, ..Style::default() });
    golden("diagnostics.color.txt", &out.replace('\u{1b}', "ESC"));
    out.clear();
    json::pretty(&mut out, &views(&notes, &locator));
    golden("diagnostics.json", &out);
}

#[test]
fn no_faults_no_words() {
    let sources = Sources::default();
    let mut out = String::new();
    text(&mut out, &Diagnostics::new(), &Locator::new(&sources), &Style::default());
    assert_eq!(out, "");
}
