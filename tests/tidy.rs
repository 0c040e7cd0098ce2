//! House rules, kept by reading the sources: layers, absences, documentation.

#![allow(clippy::disallowed_methods, reason = "this test reads the sources")]

use netwhy::diag::Code;
use netwhy::trace::Cause;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Modules that may touch files, clocks and tokio.
const RIM: &[&str] = &["run", "cli", "main", "lib"];

/// Words that the core may not contain, and why.
const FORBIDDEN: &[(&str, &str)] = &[
    ("tokio", "the engine is called without a runtime"),
    ("std::fs", "the core reads no files"),
    ("std::net::Tcp", "the core opens no sockets"),
    ("std::time::Instant", "the core has no clock"),
    ("SystemTime", "the core has no clock"),
    ("std::env", "the core takes its settings as arguments"),
    ("println!", "the core prints nothing"),
    ("tracing_subscriber", "logs are installed at the rim"),
];

fn sources() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a source file");
            let inside = path.strip_prefix(&root).expect("below src").to_owned();
            let first =
                inside.components().next().expect("a component").as_os_str().to_string_lossy().into_owned();
            (first.trim_end_matches(".rs").to_owned(), inside, text)
        })
        .collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The part of a file that is not tests.
fn code(path: &Path, text: &str) -> String {
    if path.file_stem().is_some_and(|s| s == "tests") {
        return String::new();
    }
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let lines = text[..end].lines().filter(|l| !l.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn layers_go_one_way() {
    let mut wrong = Vec::new();
    for (module, path, text) in sources() {
        let Some((_, allowed)) = netwhy::LAYERS.iter().find(|(m, _)| *m == module) else { continue };
        for used in code(&path, &text).split("crate::").skip(1) {
            let name: String = used.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            let known = netwhy::LAYERS.iter().any(|(m, _)| *m == name);
            if known && name != module && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{} uses {name}, a layer above it", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_is_in_the_table() {
    let listed: BTreeSet<&str> = netwhy::LAYERS.iter().map(|(m, _)| *m).collect();
    for (module, path, _) in sources() {
        assert!(
            ["lib", "main"].contains(&module.as_str()) || listed.contains(module.as_str()),
            "{}",
            path.display()
        );
    }
}

#[test]
fn the_core_has_no_input_or_output() {
    let mut wrong = Vec::new();
    for (module, path, text) in sources() {
        if RIM.contains(&module.as_str()) {
            continue;
        }
        for (word, why) in FORBIDDEN {
            if code(&path, &text).contains(word) {
                wrong.push(format!("{} has `{word}`: {why}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is() {
    for (_, path, text) in sources() {
        assert!(text.starts_with("//!"), "{} does not begin with a module comment", path.display());
    }
}

#[test]
fn petgraph_is_private_to_the_topology() {
    for (_, path, text) in sources() {
        let own = path.ends_with("network/topology.rs");
        assert!(own || !code(&path, &text).contains("petgraph"), "{} uses petgraph", path.display());
    }
}

/// Every code and cause has words, is raised somewhere, and is exercised by a test or scenario.
#[test]
fn codes_and_causes_are_documented_and_raised() {
    let all: Vec<_> = sources();
    let raised = |needle: &str, own: &str| {
        all.iter().any(|(_, path, text)| !path.ends_with(own) && code(path, text).contains(needle))
    };
    let mut wrong = Vec::new();
    for code in Code::ALL {
        assert!(code.what().len() > 20, "{} has no description", code.name());
        if !raised(&format!("Code::{code:?}"), "diag/code.rs") {
            wrong.push(format!("the diagnostic {} is never raised", code.name()));
        }
    }
    for cause in Cause::ALL {
        assert!(cause.what().len() > 20, "{} has no description", cause.code());
        if !raised(&format!("Cause::{cause:?}"), "trace/cause.rs") {
            wrong.push(format!("the cause {} is never given", cause.code()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether `benches/count.sh` takes a count of instructions for as good as the stored one.
fn check_count(count: u64, stored: u64, passes: bool) {
    let words =
        ["benches/count.sh".to_owned(), "--compare".to_owned(), count.to_string(), stored.to_string()];
    let mut bash = std::process::Command::new("bash");
    let out = bash.args(words).current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("bash runs");
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert_eq!(out.status.success(), passes, "{said}");
    assert_eq!(said.contains("slower"), !passes, "{said}");
}

#[test]
fn a_walk_of_a_tenth_more_instructions_is_refused() {
    let stored = std::fs::read_to_string("benches/count.txt").expect("a figure is stored");
    let stored: u64 = stored.trim().parse().expect("a number");
    check_count(stored, stored, true);
    check_count(stored * 104 / 100, stored, true);
    check_count(stored * 110 / 100, stored, false);
    check_count(stored * 9 / 10, stored, true);
}
