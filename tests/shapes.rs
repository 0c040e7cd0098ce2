//! What the command line, PowerShell, the REST API, Resource Graph, Network Watcher and the portal write, one small
//! file for each shape: every one is read, or recognised with a word on what to give instead.
//!
//! The files of `tests/shapes/` were written for this test after the documentation of those tools.

#![allow(clippy::disallowed_methods, reason = "tests read their fixtures")]

use netwhy::diag::Sources;
use netwhy::inventory::Origin;
use netwhy::run::load::{Settings, load};
use std::path::{Path, PathBuf};

/// A file, what it is taken for, its resources (`+` described, `?` only named), and the codes of what is said.
const SHAPES: &[(&str, &str)] = &[];

fn described(path: PathBuf) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let loaded =
        runtime.block_on(load(&[path], &[], &Settings::default(), Sources::default())).expect("readable");
    let mut out = loaded.documents[0].kind.label().to_owned();
    for raw in &loaded.raws {
        let is_bare = raw.body.get("properties").is_some_and(|p| p.why_unknown().is_some());
        let mark = if raw.origin == Origin::Mentioned || is_bare { '?' } else { '+' };
        out.push_str(&format!(" | {mark} {}", raw.id.full_name()));
    }
    let mut codes: Vec<&str> = loaded.notes.iter().map(|n| n.code.name()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes.iter().for_each(|code| out.push_str(&format!(" | {code}")));
    out
}

#[test]
fn every_shape_is_read_or_recognised() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shapes");
    let files = folder.read_dir().expect("a folder").flatten();
    let mut names: Vec<String> = files.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let got: Vec<String> =
        names.iter().map(|name| format!("{name}: {}", described(folder.join(name)))).collect();
    let wanted: Vec<String> = SHAPES.iter().map(|(name, what)| format!("{name}: {what}")).collect();
    assert_eq!(got, wanted, "{got:#?}");
}
