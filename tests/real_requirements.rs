//! Allow-lists of real templates, put to the test by the program itself: the lines go into the template as a change file,
//! every flow that is said to work is traced through it, and the template of rules is read back.

#![allow(clippy::disallowed_methods, reason = "this test runs the program on files")]
#![allow(
    clippy::print_stdout,
    reason = "a test that is skipped says so, and one that is not says what it saw"
)]

#[path = "support/collected.rs"]
mod collected;
#[path = "support/program.rs"]
mod program;
#[path = "support/templates.rs"]
mod templates;

use program::netwhy;
use serde_json::Value;
use std::path::{Path, PathBuf};
use templates::templates;

fn work(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("real-requirements");
    std::fs::create_dir_all(&folder).expect("a folder");
    folder.join(name)
}

/// The outcome of each flow of a batch, in its order.
fn outcomes(template: &str, flows: &str, changes: Option<&str>) -> Vec<String> {
    let mut words = vec!["trace", template, "--flows", flows, "--format", "ndjson"];
    words.extend(changes.iter().flat_map(|file| ["--change", file]));
    let (code, out, err) = netwhy(&words);
    assert_eq!(code, 0, "{words:?}\n{err}");
    let outcome = |line: &str| {
        let row: Value = serde_json::from_str(line).expect("JSON");
        row["outcome"].as_str().expect("an outcome").to_owned()
    };
    out.lines().map(outcome).collect()
}

/// Checks one template: how many flows were traced again, and how many rules read back.
fn check(template: &str, number: usize) -> (usize, usize) {
    let (code, out, err) = netwhy(&["requirements", template, "--format", "json"]);
    assert!(code < 2, "{template}: {err}");
    let found: Value = serde_json::from_str(&out).expect("JSON");
    let lines = found["lines"].as_array().expect("lines");
    if lines.is_empty() {
        return (0, 0);
    }
    let file = |end: &str| work(&format!("{number}.{end}")).display().to_string();
    let (flows, changes, rules) = (file("csv"), file("yaml"), file("json"));
    // A name that only a deployment makes (`st{name}`) is not one to ask for.
    let is_asked =
        |flow: &&Value| flow["works"] == true && !flow["to"].as_str().is_some_and(|to| to.contains('{'));
    let asked: Vec<&Value> = found["flows"].as_array().expect("flows").iter().filter(is_asked).collect();
    let mut rows = String::from("from,to,protocol,port\n");
    for flow in &asked {
        let word = |key: &str| flow[key].as_str().expect("a word").to_owned();
        rows.push_str(&format!("{},{},{},{}\n", word("from"), word("to"), word("protocol"), flow["port"]));
    }
    std::fs::write(&flows, rows).expect("written");
    let (code, _, err) = netwhy(&["requirements", template, "--format", "changes", "-o", &changes]);
    assert!(code < 2, "{template}: {err}");
    let (before, after) = (outcomes(template, &flows, None), outcomes(template, &flows, Some(&changes)));
    let mut traced = 0;
    let (_, estate, _) = netwhy(&["import", template]);
    for (flow, (before, after)) in asked.iter().zip(before.iter().zip(&after)) {
        // Accounts that stand in for Microsoft's own are known to the allow-list, and not to the template.
        let to = flow["to"].as_str().expect("a name");
        let account = to.contains(".core.windows.net") || to.contains(".azurecr.io");
        let stand_in = account && !to.split('.').next().is_some_and(|label| estate.contains(label));
        if before != "unknown" && !stand_in {
            assert_eq!(after, "allowed", "{template}: {flow:#}");
            traced += 1;
        }
    }
    (traced, read_back(template, lines, &rules))
}

/// The rules of security groups, written as a template and read again: every line is there.
fn read_back(template: &str, lines: &[Value], rules: &str) -> usize {
    let group = |line: &&Value| line["enforcedBy"] == "security group of";
    let wanted = lines.iter().filter(group).count();
    if wanted == 0 {
        return 0;
    }
    let (code, _, err) = netwhy(&["requirements", template, "--format", "arm", "-o", rules]);
    assert!(code < 2, "{template}: {err}");
    let (code, out, err) = netwhy(&["import", rules]);
    assert_eq!(code, 0, "{template}: {err}");
    let read = out.lines().filter(|line| line.contains("name: allow-")).count();
    assert!(read >= wanted, "{template}: {read} of {wanted} lines are read back\n{out}");
    wanted
}

#[test]
fn lines_of_real_templates_hold() {
    let Some(files) = templates() else { return };
    let (mut traced, mut read, mut templates) = (0, 0, 0);
    for (number, file) in files.iter().enumerate() {
        let (flows, rules) = check(file, number);
        templates += usize::from(flows > 0);
        traced += flows;
        read += rules;
    }
    println!("{templates} templates: {traced} flows traced through their lines, {read} rules read back");
    assert!(templates > 20 && traced > 150 && read > 50, "{templates} {traced} {read}");
}
