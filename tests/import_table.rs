//! How much of every collected file is understood: a table for each kind of file, as the loader reads them.
//!
//! Reads `../shared/data`; where that is not there the tests say so and pass.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "the table is what the run is for, seconds in it"
)]

use netwhy::diag::{At, Diagnostic, Severity, Sources};
use netwhy::doc::{Node, Value};
use netwhy::inventory::{Origin, RawResource, is_modelled};
use netwhy::run::load::{Loaded, Settings, load};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

fn data() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found =
        ["../shared/data", "../../shared/data"].map(|f| root.join(f)).into_iter().find(|f| f.is_dir());
    if found.is_none() {
        println!("skipped: the collected files are not here");
    }
    found
}

fn read(paths: &[PathBuf], settings: &Settings) -> Loaded {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(load(paths, &[], settings, Sources::default())).expect("readable")
}

/// Every unknown value with the place of the text that made it.
fn unknowns(node: &Node, path: &str, out: &mut Vec<(String, At, String)>) {
    match &node.value {
        Value::Unknown(why) => out.push((path.to_owned(), node.at, why.to_string())),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, n)| unknowns(n, &format!("{path}/{i}"), out));
        }
        Value::Object(object) => {
            object.iter().for_each(|e| unknowns(&e.value, &format!("{path}/{}", e.key), out));
        }
        _ => {}
    }
}

#[derive(Default)]
struct Row {
    files: usize,
    faulty: usize,
    resources: usize,
    modelled: usize,
    resolved: usize,
    notes: [usize; 3],
    seconds: f64,
    open: BTreeMap<String, usize>,
    unexplained: Vec<String>,
}

impl Row {
    fn add(&mut self, name: &str, paths: &[PathBuf], settings: &Settings) {
        let start = Instant::now();
        let loaded = read(paths, settings);
        self.seconds += start.elapsed().as_secs_f64();
        self.files += 1;
        for note in &loaded.notes {
            self.notes[note.severity as usize] += 1;
        }
        if loaded.notes.has_errors() {
            self.faulty += 1;
            for note in loaded.notes.iter().filter(|n| n.severity == Severity::Error) {
                println!("    {name} {} {note}", loaded.sources.short(note.at).unwrap_or_default());
            }
        }
        self.resources += loaded.raws.len();
        for raw in loaded.raws.iter().filter(|r| r.origin != Origin::Mentioned && is_modelled(&r.id.kind())) {
            self.resource(name, raw, &loaded);
        }
    }

    fn resource(&mut self, name: &str, raw: &RawResource, loaded: &Loaded) {
        self.modelled += 1;
        let mut found = Vec::new();
        unknowns(&raw.body, "", &mut found);
        if raw.id.to_string().contains('{') {
            found.push(("id".into(), raw.at, format!("the id is {}", raw.id)));
        }
        self.resolved += usize::from(found.is_empty());
        for (path, at, why) in found {
            if !loaded.notes.iter().any(|note| explains(note, at, &why)) {
                self.unexplained.push(format!("{name} {} {path}: {why}", raw.id.kind()));
            }
            *self.open.entry(format!("{name} {} {path}: {why}", raw.id.kind())).or_default() += 1;
        }
    }
}

fn explains(note: &Diagnostic, at: At, why: &str) -> bool {
    (note.at.is_somewhere() && note.at.doc == at.doc && note.at.start <= at.end && at.start <= note.at.end)
        || note.message.contains(why)
}

#[test]
fn table() {
    let Some(data) = data() else { return };
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    for folder in ["arm", "arm-jsonc", "exports", "terraform", "service-tags", "flow-logs"] {
        let mut files: Vec<PathBuf> =
            data.join(folder).read_dir().expect("a folder").flatten().map(|e| e.path()).collect();
        files.sort();
        for path in files {
            let name = path.file_name().expect("name").to_string_lossy().into_owned();
            let settings = Settings::default();
            if name.ends_with(".parameters.json") {
                continue;
            }
            let parameters = path.with_extension("parameters.json");
            let with = parameters.exists();
            let kind = match (folder, with) {
                ("arm", true) => "arm with parameters",
                ("arm", false) => "arm without",
                (other, _) => other,
            };
            let paths = if with { vec![path, parameters] } else { vec![path] };
            rows.entry(kind).or_default().add(&name, &paths, &settings);
        }
    }
    let mut text = String::new();
    for (kind, row) in &rows {
        writeln!(
            text,
            "{kind:<22} files {:>3} faulty {:>2} resources {:>5} modelled {:>5} resolved {:>5} notes {:?} unexplained {} {:.2}s",
            row.files, row.faulty, row.resources, row.modelled, row.resolved, row.notes, row.unexplained.len(), row.seconds
        )
        .expect("text");
    }
    for (kind, row) in &rows {
        for (why, n) in &row.open {
            println!("OPEN {kind}: {n} x {why}");
        }
        for line in &row.unexplained {
            println!("UNEXPLAINED {kind}: {line}");
        }
    }
    println!("{text}");
}
