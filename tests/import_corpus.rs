//! Every collected file that holds resources is written as an estate file, and reading that gives the same
//! inventory.
//!
//! Reads `../shared/data`; where that is not there the test says so and passes.

#![allow(clippy::print_stderr, clippy::print_stdout, reason = "a skipped test says so")]
#![allow(clippy::disallowed_methods, reason = "tests read their fixtures")]

#[path = "support/collected.rs"]
mod collected;

use collected::collected;
use netwhy::diag::{Code, Diagnostics, Severity, Sources};
use netwhy::doc::parse_yaml;
use netwhy::formats::native;
use netwhy::inventory::{Inventory, RawResource, build, normalize};
use netwhy::run::load::{Settings, load};
use std::path::{Path, PathBuf};

/// Each file with its parameter file, where it has one.
fn inputs(data: &Path) -> Vec<Vec<PathBuf>> {
    let mut out = Vec::new();
    for folder in ["arm", "arm-jsonc", "exports", "terraform"] {
        for entry in data.join(folder).read_dir().expect("a folder").flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".json") && !name.ends_with(".parameters.json") {
                let parameters = path.with_extension("parameters.json");
                out.push(if parameters.exists() { vec![path, parameters] } else { vec![path] });
            }
        }
    }
    out.sort();
    out
}

fn loaded(paths: &[PathBuf]) -> (Vec<RawResource>, bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let loaded =
        runtime.block_on(load(paths, &[], &Settings::default(), Sources::default())).expect("readable");
    let foreign =
        |n: &netwhy::diag::Diagnostic| n.code == Code::UnknownFormat && n.severity == Severity::Error;
    (loaded.raws, loaded.notes.iter().any(foreign))
}

/// An inventory as text, without places, and without who said it.
fn shown(inventory: &Inventory) -> Vec<String> {
    let text = format!("{inventory:#?}");
    let text = text.split("    index: ").next().unwrap_or_default();
    let mut out = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let bare = line.trim_start();
        if bare.starts_with("at: At {") {
            // The document of a place is a block inside its block.
            lines.by_ref().find(|line| line.trim_start().starts_with("},"));
        } else if !bare.starts_with("origin: ") && bare != "}," && bare != "}" {
            out.push(line.to_owned());
        }
    }
    out
}

#[test]
fn every_collected_file_keeps_its_meaning() {
    let Some(data) = collected("") else { return };
    let mut resources = 0;
    for paths in inputs(&data) {
        let (raws, foreign) = loaded(&paths);
        if foreign {
            continue;
        }
        resources += raws.len();
        let written = native::write(&raws, native::Style { short_names: false });
        let mut notes = Diagnostics::new();
        let root = parse_yaml(netwhy::diag::DocId(0), &written.text, &mut notes).expect("YAML");
        let again = native::load(&root, &mut notes);
        assert!(!notes.has_errors(), "{}: {:?}", paths[0].display(), notes.iter().next());
        let got = shown(&build(again, &mut Diagnostics::new()));
        let wanted = shown(&build(normalize(raws, &mut Diagnostics::new()), &mut Diagnostics::new()));
        let differs = got.iter().zip(&wanted).position(|(a, b)| a != b);
        if let Some(line) = differs.or((got.len() != wanted.len()).then_some(got.len().min(wanted.len()))) {
            let near =
                |lines: &[String]| lines[line.saturating_sub(20)..(line + 4).min(lines.len())].join("\n");
            panic!("{}\n--- got\n{}\n--- wanted\n{}", paths[0].display(), near(&got), near(&wanted));
        }
    }
    assert!(resources > 500, "{resources}");
}
