//! What the README shows is what the program prints.

#![allow(clippy::disallowed_methods, reason = "the README is read as a file")]

use std::path::Path;
use std::process::Command;

/// A command of a block, and the lines below it.
fn commands(readme: &str) -> Vec<(&str, String)> {
    let mut out: Vec<(&str, String)> = Vec::new();
    for block in readme.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        for line in block.lines() {
            match (line.strip_prefix("$ "), out.last_mut()) {
                (Some(command), _) => out.push((command, String::new())),
                (None, Some((_, shown))) => shown.push_str(&format!("{line}\n")),
                (None, None) => panic!("`{line}` stands before any command"),
            }
        }
    }
    out
}

/// What a command prints where it is run in the project's folder.
fn printed(command: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut words = command.split_whitespace();
    match words.next() {
        Some("cat") => {
            words.map(|file| std::fs::read_to_string(folder.join(file)).expect("a file")).collect()
        }
        Some("netwhy") => {
            let done = Command::new(env!("CARGO_BIN_EXE_netwhy")).current_dir(folder).args(words).output();
            let done = done.expect("the program starts");
            assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
            String::from_utf8(done.stdout).expect("text")
        }
        other => panic!("{other:?} is no command that a test can run"),
    }
}

#[test]
fn every_command_shown_prints_what_is_shown() {
    let readme = include_str!("../README.md");
    let commands = commands(readme);
    assert!(commands.len() > 3, "{commands:?}");
    for (command, shown) in commands {
        assert_eq!(printed(command).trim_end(), shown.trim_end(), "{command}");
    }
}

#[test]
fn every_command_named_is_one() {
    let help = Command::new(env!("CARGO_BIN_EXE_netwhy")).arg("--help").output().expect("the program starts");
    let help = String::from_utf8(help.stdout).expect("text");
    let named: Vec<&str> = include_str!("../README.md").split("`netwhy ").skip(1).collect();
    assert!(named.len() > 10);
    for rest in named {
        let word = rest.split([' ', '`']).next().unwrap_or_default();
        assert!(help.contains(&format!("  {word} ")), "`netwhy {word}` is no command");
    }
}
