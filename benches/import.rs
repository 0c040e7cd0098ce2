//! How fast files of others are read: every collected template, a whole publication of service tags, exports.
//!
//! `cargo bench --bench import`. Reads `../shared/data`; where that is not there, only the small samples of the
//! project are read, and that is said.

#![allow(clippy::print_stderr, reason = "a bench without its data says so")]
#![allow(clippy::disallowed_methods, reason = "a bench reads its fixtures")]

#[path = "../tests/support/collected.rs"]
mod collected;

use collected::collected;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use netwhy::diag::{Diagnostics, DocId, Sources};
use netwhy::doc::{Node, parse_json, parse_yaml};
use netwhy::formats::{arm, native};
use netwhy::run::load::{Settings, load};
use netwhy::tags::ServiceTags;
use std::hint::black_box;
use std::path::{Path, PathBuf};

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = folder.read_dir().expect("a folder").flatten().map(|e| e.path());
    let mut files: Vec<PathBuf> = entries.filter(|p| p.extension().is_some_and(|e| e == "json")).collect();
    files.sort();
    files
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).expect("readable")
}

fn json(text: &str) -> Node {
    parse_json(DocId(0), text, &mut Diagnostics::new()).expect("JSON")
}

/// Every template with its parameter file: text to resources, on one core.
fn templates(c: &mut Criterion) {
    let Some(data) = collected("") else { return };
    let pairs: Vec<(String, Option<String>)> = files(&data.join("arm"))
        .iter()
        .filter(|p| !p.to_string_lossy().ends_with(".parameters.json"))
        .map(|p| {
            let parameters = p.with_extension("parameters.json");
            (text(p), parameters.exists().then(|| text(&parameters)))
        })
        .collect();
    let bytes: usize = pairs.iter().map(|(t, p)| t.len() + p.as_ref().map_or(0, String::len)).sum();
    let mut group = c.benchmark_group("arm");
    group.sample_size(10).throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("all templates", |b| {
        b.iter(|| {
            pairs
                .iter()
                .map(|(template, parameters)| {
                    let given = parameters.as_ref().map(|p| json(p));
                    let given: Vec<&Node> = given.iter().collect();
                    let template = json(template);
                    arm::load(&template, &given, &arm::Options::default(), &mut Diagnostics::new())
                        .resources
                        .len()
                })
                .sum::<usize>()
        });
    });
    let largest = pairs.iter().max_by_key(|(t, _)| t.len()).expect("a template");
    group.throughput(Throughput::Bytes(largest.0.len() as u64));
    group.bench_function("the largest, parsed only", |b| b.iter(|| json(black_box(&largest.0))));
    group.finish();
}

/// A whole publication of service tags: text to table, and the index of addresses.
fn service_tags(c: &mut Criterion) {
    let Some(data) = collected("") else { return };
    let all = files(&data.join("service-tags"));
    let largest = all.iter().map(|p| text(p)).max_by_key(String::len).expect("a file");
    let mut group = c.benchmark_group("service tags");
    group.sample_size(10).throughput(Throughput::Bytes(largest.len() as u64));
    group.bench_function("a publication", |b| {
        b.iter(|| ServiceTags::from_json(&json(&largest), &mut Diagnostics::new()).expect("tags").len());
    });
    group.bench_function("a publication with its index", |b| {
        b.iter(|| {
            let tags = ServiceTags::from_json(&json(&largest), &mut Diagnostics::new()).expect("tags");
            tags.holding("20.38.98.100".parse().expect("an address")).len()
        });
    });
    group.bench_function("the built-in table", |b| b.iter(|| ServiceTags::builtin().len()));
    group.finish();
}

/// The loader as the program calls it, folders of exports and the project's own estate.
fn folders(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut group = c.benchmark_group("load");
    group.sample_size(10);
    let estate = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/secured-workspace/estate.yaml");
    let own = text(&estate);
    group.bench_function("an estate file", |b| {
        b.iter(|| {
            let mut notes = Diagnostics::new();
            let root = parse_yaml(DocId(0), &own, &mut notes).expect("YAML");
            native::load(&root, &mut notes).len()
        });
    });
    if let Some(data) = collected("") {
        let exports = vec![data.join("exports")];
        group.bench_function("all exports", |b| {
            b.iter(|| {
                let loaded = runtime.block_on(load(&exports, &[], &Settings::default(), Sources::default()));
                loaded.expect("readable").raws.len()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, templates, service_tags, folders);
criterion_main!(benches);
