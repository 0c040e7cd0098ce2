//! Recorded answers of real Azure, asked again and compared field by field.
//!
//! Reads `../shared/data/exports`; where that is not there the test says so and passes. Recordings are told by their
//! content: any file with checks, or with effective routes or rules, takes part. A disagreement is listed in
//! [`EXPLAINED`] with the reason, which the recording itself must give; an entry that is not needed fails the test.

#![allow(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a skipped test says so; the count is the result"
)]
#![allow(clippy::disallowed_methods, reason = "tests read their fixtures")]

#[path = "support/collected.rs"]
mod collected;

use collected::collected;
use netwhy::analysis::replay::{Replayed, replay, routes_alone};
use netwhy::diag::{Diagnostics, Sources};
use netwhy::doc::parse_json;
use netwhy::formats::export::{self, ExportKind};
use netwhy::profile::Profile;
use netwhy::tags::ServiceTags;
use std::path::{Path, PathBuf};

/// A field in which Azure's answer and ours differ, and why that is no fault of ours.
struct Explained {
    /// A part of the file's name.
    file: &'static str,
    /// The number of the check in the file, from 1.
    check: usize,
    /// The field.
    field: &'static str,
    /// What the recording itself says about it.
    why: &'static str,
}

const EXPLAINED: &[Explained] = &[
    explained(
        "nic-effective-route-table",
        1,
        "value/default 172.16.0.0/12",
        "recorded with three None routes, though the page names four; the knob `noneRoutes` sets them (D-19)",
    ),
    explained("peering-connectivity-java", 1, "connectionStatus", TOO_EARLY),
    explained("peering-connectivity-java", 1, "hops/1/type", TOO_EARLY),
    explained(
        "vnet2vnet-vpn-java",
        1,
        "hops/1/address",
        "the public address is recorded before Azure gave it one: `publicIPAllocationMethod` is Dynamic, and \
         there is no `ipAddress`",
    ),
];

const TOO_EARLY: &str = "asked 71 seconds before check 2, which has the same resources and is Reachable the other way; \
    no issue is named, and the agent did not yet know what the address is (type Destination)";

const fn explained(file: &'static str, check: usize, field: &'static str, why: &'static str) -> Explained {
    Explained { file, check, field, why }
}

/// Answers that nothing is asked about, by operation.
const NOT_ASKED: &[(&str, &str)] = &[("topology", "netwhy has no question for a topology")];

/// Every answer of every file, with the file's name and the number in it.
fn answers(folder: &Path) -> Vec<(String, usize, Replayed)> {
    let mut files: Vec<PathBuf> =
        folder.read_dir().expect("a folder").flatten().map(|entry| entry.path()).collect();
    files.sort();
    let (tags, profile) = (ServiceTags::builtin(), Profile::default());
    let mut out = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path).expect("readable");
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (mut notes, mut sources) = (Diagnostics::new(), Sources::default());
        let doc = sources.add(name.clone(), text.as_str());
        let Ok(root) = parse_json(doc, &text, &mut notes) else { continue };
        let replayed = match export::kind(&root) {
            Some(ExportKind::Recording) => {
                replay(&export::load(&root, &mut notes).facts.checks, &tags, &profile)
            }
            Some(ExportKind::EffectiveRoutes) => {
                let facts = export::load(&root, &mut notes).facts;
                facts.effective_routes.iter().map(|r| routes_alone(r, &root, &tags, &profile)).collect()
            }
            _ => continue,
        };
        out.extend(replayed.into_iter().enumerate().map(|(number, one)| (name.clone(), number + 1, one)));
    }
    out
}

fn explanation(file: &str, check: usize, field: &str) -> Option<usize> {
    EXPLAINED.iter().position(|e| file.contains(e.file) && e.check == check && field == e.field)
}

/// Rules: NW-1, NW-3, NW-4, NW-5, NSG-28, PEER-5, RT-2.
#[test]
fn recorded_answers_are_ours() {
    let Some(folder) = collected("exports") else { return };
    let answers = answers(&folder);
    assert!(!answers.is_empty(), "there is no recording in {}", folder.display());
    let (mut asked, mut agreeing, mut fields, mut same) = (0, 0, 0, 0);
    let (mut faults, mut needed) = (Vec::new(), Vec::new());
    for (file, check, one) in &answers {
        if let Some(why) = &one.not_asked {
            if !NOT_ASKED.contains(&(one.operation.as_str(), why.as_str())) {
                faults.push(format!("{file} {check}: {} is not asked: {why}", one.operation));
            }
            continue;
        }
        asked += 1;
        agreeing += usize::from(one.agrees());
        fields += one.fields.len();
        same += one.fields.iter().filter(|f| f.agrees).count();
        for (field, why) in &one.set_aside {
            println!("{file} {check}: {field} is set aside: {why}");
        }
        for field in one.differing() {
            match explanation(file, *check, &field.field) {
                Some(entry) => {
                    if one.explanation(field).is_none() {
                        faults.push(format!("{file} {check}: the program does not explain {}", field.field));
                    }
                    needed.push(entry);
                    println!("{file} {check}: {} differs: {}", field.field, EXPLAINED[entry].why);
                }
                None => faults.push(format!(
                    "{file} {check} ({} {}): {}: Azure says {}, we say {}",
                    one.operation, one.question, field.field, field.azure, field.ours
                )),
            }
        }
    }
    println!("{agreeing} of {asked} recorded answers agree; {same} of {fields} fields");
    let idle = EXPLAINED.iter().enumerate().filter(|(n, _)| !needed.contains(n));
    faults.extend(idle.map(|(_, e)| format!("no longer needed: {} {} {}", e.file, e.check, e.field)));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
