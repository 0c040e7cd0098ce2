//! Opening a compiled estate: until it can answer flows, and until it has answered the first.
//!
//! `cargo bench --bench snapshot`; ids are `snapshot/stage/size`. `header` is what every command does, `open` what
//! batches do: every section they ask is summed up. `first` is one flow between two interfaces more. Beside it stands
//! `verify`, every byte of the file, and `whole`, which reads all resources and makes the network. The file is in the
//! page cache. `NETWHY_SNAPSHOT=FILE` opens that one, `NETWHY_BENCH=xl` makes that estate, otherwise `l`.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use netwhy::diag::{Diagnostics, Sources};
use netwhy::doc::parse_json_packed;
use netwhy::formats::native;
use netwhy::generate::{Format, Profile as Size, Settings, Shape, write};
use netwhy::profile::Profile;
use netwhy::run::engine;
use netwhy::run::snapshot::{Draft, Snapshot, Standby};
use netwhy::scenario::{Layout, Lines};
use netwhy::tags::ServiceTags;
use netwhy::{fast, inventory, network};
use std::hint::black_box;
use std::path::{Path, PathBuf};

/// A file that is removed at the end, unless it was there before.
struct Given {
    path: PathBuf,
    size: &'static str,
    made: bool,
}

impl Drop for Given {
    fn drop(&mut self) {
        if self.made {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "a bench takes its size from outside")]
fn given() -> Given {
    if let Ok(path) = std::env::var("NETWHY_SNAPSHOT") {
        return Given { path: path.into(), size: "given", made: false };
    }
    let (size, sizes) = match std::env::var("NETWHY_BENCH").as_deref() {
        Ok("xl") => ("xl", Size::Xl.sizes()),
        _ => ("l", Size::L.sizes()),
    };
    let path = std::env::temp_dir().join(format!("netwhy-bench-{}.netwhy", std::process::id()));
    make(&path, Settings { sizes, shape: Shape::HubSpoke, seed: 1, unique: false });
    Given { path, size, made: true }
}

fn make(path: &Path, settings: Settings) {
    let mut text = Vec::new();
    write(&settings, Format::Json, "a bench", &mut text, |_| Ok(())).expect("memory takes it");
    let text = String::from_utf8(text).expect("text");
    let (mut sources, mut notes) = (Sources::default(), Diagnostics::new());
    let doc = sources.add("estate.json", text.as_str());
    let raws = native::load(&parse_json_packed(doc, &text, &mut notes).expect("JSON"), &mut notes);
    let tags = ServiceTags::builtin();
    let draft = Draft::begin(path, &sources, &raws, &tags).expect("begun");
    let built = inventory::build(raws, &mut notes);
    let network = network::compile(built, tags, Profile::default(), &mut notes);
    draft.end(&network, &fast::compile(&network), false).expect("written");
}

fn standby(path: &Path) -> Standby {
    Standby::of(Snapshot::open(path).expect("a snapshot")).expect("whole").expect("with words")
}

fn answered(standby: &Standby) -> usize {
    let mut lines = Lines::new(Some(Layout::Csv));
    lines.take("from,to,protocol,port").expect("a header");
    let row = lines.take("nic-web-00001-001,internet,tcp,443").expect("a flow").expect("a row");
    let mut known = fast::Known::new(&standby.tables, &standby.directory);
    let answers = engine::decide_stored(&mut known, &mut None, standby, &[&row]).expect("answers");
    answers.len()
}

fn snapshot(c: &mut Criterion) {
    let given = given();
    let (path, size) = (given.path.as_path(), given.size);
    // Words, tables and the engine say the same before anything is timed.
    let asked = standby(path);
    assert_eq!(answered(&asked), 1);
    assert!(!asked.is_made(), "the flow takes no network");
    let mut group = c.benchmark_group("snapshot");
    group.sample_size(10);
    group.bench_function(BenchmarkId::new("header", size), |b| {
        b.iter(|| black_box(Snapshot::open(path)).is_ok());
    });
    group.bench_function(BenchmarkId::new("open", size), |b| b.iter(|| black_box(standby(path))));
    group.bench_function(BenchmarkId::new("first", size), |b| b.iter(|| answered(&standby(path))));
    group.throughput(Throughput::Bytes(std::fs::metadata(path).expect("a file").len()));
    group.bench_function(BenchmarkId::new("verify", size), |b| {
        b.iter(|| Snapshot::open(path).and_then(|snapshot| snapshot.verify()).is_ok());
    });
    if given.made {
        group.bench_function(BenchmarkId::new("whole", size), |b| {
            b.iter(|| standby(path).network().is_ok());
        });
    }
    group.finish();
}

criterion_group!(benches, snapshot);
criterion_main!(benches);
