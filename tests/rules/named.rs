//! Which tests and scenarios name which rule, read from the sources, held against the table that the program prints.

use super::case::Case;
use netwhy::rules::{RuleId, state};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = folder.read_dir() else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, ending, found);
        } else if path.extension().is_some_and(|e| e == ending) {
            found.push(path);
        }
    }
}

fn texts(folder: &str, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    walk(&root().join(folder), ending, &mut found);
    found.sort();
    let text = |path: PathBuf| {
        let name = path.strip_prefix(root()).expect("below").to_string_lossy().replace('\\', "/");
        (name, std::fs::read_to_string(&path).expect("a text"))
    };
    found.into_iter().map(text).collect()
}

type Names = BTreeMap<RuleId, BTreeSet<String>>;

fn add(names: &mut Names, rule: &str, name: &str, wrong: &mut Vec<String>) {
    match RuleId::find(rule) {
        Some(id) => drop(names.entry(id).or_default().insert(name.to_owned())),
        None => wrong.push(format!("{name} names {rule}, which is no rule")),
    }
}

/// Scenarios declare what they exercise: `rules: [PEER-6, TAG-2]`.
fn scenarios(names: &mut Names, wrong: &mut Vec<String>) {
    for (file, text) in texts("scenarios", "yaml") {
        let Some(list) = text.lines().find_map(|l| l.strip_prefix("rules: [")) else { continue };
        for rule in list.trim_end().trim_end_matches(']').split(',') {
            add(names, rule.trim(), file.trim_start_matches("scenarios/"), wrong);
        }
    }
}

/// Tests in Rust say so in a line above them: `/// Rules: RT-20, RT-21.`
fn tests(names: &mut Names, wrong: &mut Vec<String>) {
    for (file, text) in texts("tests", "rs").into_iter().chain(texts("src", "rs")) {
        let mut said: Option<&str> = None;
        for line in text.lines().map(str::trim) {
            if let Some(list) = line.strip_prefix("/// Rules: ") {
                said = Some(list);
            } else if let Some(rest) = line.strip_prefix("fn ").or_else(|| line.strip_prefix("async fn ")) {
                let Some(list) = said.take() else { continue };
                let name = rest.split(['(', '<']).next().unwrap_or_default();
                for rule in list.trim_end_matches('.').split(',') {
                    let file = file.trim_start_matches("tests/").trim_end_matches(".rs");
                    add(names, rule.trim(), &format!("{file}: {name}"), wrong);
                }
            }
        }
    }
}

/// Which rules the engine cites.
fn cited() -> BTreeSet<RuleId> {
    let constants: BTreeMap<String, RuleId> =
        RuleId::all().map(|r| (r.id().replace('-', "_").to_ascii_uppercase(), r)).collect();
    let mut out = BTreeSet::new();
    for (file, text) in texts("src", "rs") {
        if file.starts_with("src/rules") {
            continue;
        }
        let code: String =
            text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        for word in code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            out.extend(constants.get(word));
        }
    }
    out
}

/// Rules that a trap of the scenarios needs.
fn needed_by_traps() -> BTreeSet<RuleId> {
    let mut names = Names::new();
    scenarios(&mut names, &mut Vec::new());
    let trap = |files: &BTreeSet<String>| files.iter().any(|f| f.starts_with("traps/"));
    names.into_iter().filter(|(_, files)| trap(files)).map(|(rule, _)| rule).collect()
}

pub(crate) fn check(cases: &[Case]) {
    let (mut names, mut wrong) = (Names::new(), Vec::new());
    for case in cases {
        for rule in &case.rules {
            add(&mut names, rule, &case.name(), &mut wrong);
        }
    }
    scenarios(&mut names, &mut wrong);
    tests(&mut names, &mut wrong);
    let mut table = String::new();
    for (rule, tests) in &names {
        for test in tests {
            table.push_str(&format!("{}\t{test}\n", rule.id()));
        }
    }
    let path = root().join("src/rules/tests.txt");
    if std::env::var("NETWHY_BLESS").is_ok() {
        std::fs::write(&path, &table).expect("written");
    }
    // What the file says is so; a newer test that it does not list yet is no fault.
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let real: BTreeSet<&str> = table.lines().collect();
    let listed: BTreeSet<&str> = written.lines().collect();
    wrong.extend(
        listed.difference(&real).map(|line| format!("src/rules/tests.txt lists what is not: {line}")),
    );
    let shown: BTreeSet<&str> = listed.iter().filter_map(|line| line.split('\t').next()).collect();
    let (cited, needed) = (cited(), needed_by_traps());
    let mut open = 0;
    for rule in RuleId::all() {
        match state::not_modelled(rule) {
            Some(_) => {
                open += 1;
                if cited.contains(&rule) {
                    wrong.push(format!("{rule} is not modelled and yet cited by the engine"));
                }
                if needed.contains(&rule) {
                    wrong.push(format!("{rule} is not modelled and a trap needs it"));
                }
                if names.contains_key(&rule) {
                    wrong.push(format!("{rule} is not modelled and yet named by a test"));
                }
            }
            None if !names.contains_key(&rule) => wrong.push(format!("{rule} is named by no test")),
            None if !shown.contains(rule.id()) => {
                wrong.push(format!(
                    "src/rules/tests.txt has no test of {rule}; NETWHY_BLESS=1 writes it anew"
                ));
            }
            None => {}
        }
    }
    let all = RuleId::all().count();
    println!("{} of {all} rules are modelled, {open} are not", all - open);
    assert!(open * 10 <= all, "{open} of {all} rules are not modelled");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
