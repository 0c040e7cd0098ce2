//! From text to resources: how many bytes a second.
//!
//! `cargo bench --bench load`; ids are `stage/format/size`. The text is generated outside the timed part. `raw` ends
//! with the resources as the format found them, `build` with the inventory, references checked. The careful JSON
//! reader stands beside as the baseline: it is what documents with faults are read with.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use netwhy::diag::{Diagnostics, DocId};
use netwhy::doc::{parse_json, parse_json_packed, parse_yaml};
use netwhy::formats::{export, native};
use netwhy::generate::{Format, Profile, Settings, Shape, write};
use netwhy::inventory::{self, RawResource};
use netwhy::tags::ServiceTags;
use std::hint::black_box;

fn text(profile: Profile, unique: bool, format: Format) -> String {
    let settings = Settings { sizes: profile.sizes(), shape: Shape::HubSpoke, seed: 1, unique };
    let mut out = Vec::new();
    write(&settings, format, "a bench", &mut out, |_| Ok(())).expect("memory takes it");
    String::from_utf8(out).expect("text")
}

fn raws(text: &str, format: Format, notes: &mut Diagnostics) -> Vec<RawResource> {
    match format {
        Format::Arm => {
            let root = parse_json_packed(DocId(0), text, notes).expect("JSON");
            export::load(&root, notes).resources
        }
        Format::Json => native::load(&parse_json_packed(DocId(0), text, notes).expect("JSON"), notes),
        Format::Yaml => native::load(&parse_yaml(DocId(0), text, notes).expect("YAML"), notes),
    }
}

fn estates(c: &mut Criterion) {
    let mut group = c.benchmark_group("load");
    group.sample_size(10);
    for (name, unique, format) in
        [("json", false, Format::Json), ("json-unique", true, Format::Json), ("arm", false, Format::Arm)]
    {
        let text = text(Profile::L, unique, format);
        let mut notes = Diagnostics::new();
        let expected = raws(&text, format, &mut notes).len();
        assert!(notes.is_empty() && expected > 40_000);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(BenchmarkId::new(format!("raw/{name}"), "l"), |b| {
            b.iter(|| black_box(raws(&text, format, &mut Diagnostics::new())).len());
        });
        group.bench_function(BenchmarkId::new(format!("build/{name}"), "l"), |b| {
            b.iter(|| {
                let mut notes = Diagnostics::new();
                inventory::build(raws(&text, format, &mut notes), &mut notes)
            });
        });
    }
    let text = text(Profile::M, false, Format::Yaml);
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function(BenchmarkId::new("raw/yaml", "m"), |b| {
        b.iter(|| black_box(raws(&text, Format::Yaml, &mut Diagnostics::new())).len());
    });
    group.finish();
}

/// A file of service tags in the size of the published one: 3,000 tags of about 30 prefixes.
fn tags(c: &mut Criterion) {
    let mut text = String::from("{\"changeNumber\": 1, \"cloud\": \"Public\", \"values\": [");
    for tag in 0..3_000_u32 {
        let comma = if tag == 0 { "" } else { "," };
        let name = format!("Service{}.Region{}", tag / 60, tag % 60);
        text.push_str(&format!("{comma}\n  {{\n    \"name\": \"{name}\",\n    \"id\": \"{name}\",\n    \"properties\": {{\n      \"changeNumber\": 1,\n      \"region\": \"\",\n      \"platform\": \"Azure\",\n      \"systemService\": \"X\",\n      \"addressPrefixes\": ["));
        for n in 0..30 {
            let comma = if n == 0 { "" } else { "," };
            let ip = std::net::Ipv4Addr::from(0x1400_0000 + (tag * 30 + n) * 4096);
            text.push_str(&format!("{comma}\n        \"{ip}/24\""));
        }
        text.push_str("\n      ]\n    }\n  }");
    }
    text.push_str("\n]}\n");
    let mut group = c.benchmark_group("load");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function(BenchmarkId::new("tags", "90000-prefixes"), |b| {
        b.iter(|| {
            let mut notes = Diagnostics::new();
            let root = parse_json(DocId(0), &text, &mut notes).expect("JSON");
            ServiceTags::from_json(&root, &mut notes).expect("tags").len()
        });
    });
    group.finish();
}

criterion_group!(benches, estates, tags);
criterion_main!(benches);
