//! Round trips, and thousands of damaged and forged files.

#![expect(clippy::disallowed_methods, reason = "thousands of files, none of which must survive a crash")]

use super::*;
use crate::diag::{Diagnostics, Sources};
use crate::doc::parse_yaml;
use crate::formats::native;
use crate::net::Protocol;
use crate::network::compile;
use crate::profile::Profile;
use crate::run::engine;
use crate::scenario::{Layout, Lines, Row};
use crate::trace::{Decision, Endpoint, Flow};
use std::sync::atomic::{AtomicU32, Ordering};
use twox_hash::XxHash3_64;

const ESTATE: &str = "\
netwhy: estate/1
virtualNetworks:
  - name: hub
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - { name: apps, addressPrefix: 10.0.1.0/24, networkSecurityGroup: web }
      - { name: data, addressPrefix: 10.0.2.0/24 }
networkSecurityGroups:
  - name: web
    securityRules:
      - { name: deny-sql, priority: 100, direction: Outbound, access: Deny, protocol: Tcp, sourceAddressPrefix: '*',
          sourcePortRange: '*', destinationAddressPrefix: Sql, destinationPortRange: '1433' }
hosts: [{ name: web-1, subnet: hub/apps }, { name: db-1, subnet: hub/data }]
";

fn estate() -> (Sources, Vec<RawResource>) {
    let (mut sources, mut notes) = (Sources::default(), Diagnostics::new());
    let doc = sources.add("estate.yaml", ESTATE);
    let root = parse_yaml(doc, ESTATE, &mut notes).expect("YAML");
    (sources, native::load(&root, &mut notes))
}

fn network(raws: &[RawResource]) -> Network {
    let mut notes = Diagnostics::new();
    let inventory = crate::inventory::build(raws.to_vec(), &mut notes);
    compile(inventory, ServiceTags::builtin(), Profile::default(), &mut notes)
}

fn written() -> Vec<u8> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let folder = Folder::new(&format!("written-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
    let (sources, raws) = estate();
    let (path, net) = (folder.0.join("whole.netwhy"), network(&raws));
    let draft = Draft::begin(&path, &sources, &raws, &ServiceTags::builtin()).expect("begun");
    draft.end(&net, &fast::compile(&net), false).expect("written");
    std::fs::read(&path).expect("there")
}

/// Puts right checksums into forged bytes: of each section, of the table, of the header.
fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let number = |bytes: &[u8], at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
    let table = number(&bytes, 32) as usize;
    for at in (table..bytes.len()).step_by(40) {
        let from = number(&bytes, at + 16) as usize;
        let part = from.checked_add(number(&bytes, at + 24) as usize).and_then(|to| bytes.get(from..to));
        let sum = part.map(XxHash3_64::oneshot).unwrap_or_default();
        bytes[at + 32..at + 40].copy_from_slice(&sum.to_le_bytes());
    }
    let sum = XxHash3_64::oneshot(&bytes[table..]);
    bytes[40..48].copy_from_slice(&sum.to_le_bytes());
    let sum = XxHash3_64::oneshot(&bytes[..48]);
    bytes[48..56].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// Where the table of a file begins.
fn table_of(bytes: &[u8]) -> usize {
    u64::from_le_bytes(bytes[32..40].try_into().expect("8 bytes")) as usize
}

/// Flows by stored tables, or what they are refused for; the first two take no network.
fn asked(snapshot: Snapshot, count: usize) -> Result<Vec<(Flow, Decision)>, String> {
    let standby = Standby::of(snapshot).map_err(|refused| refused.to_string())?;
    let standby = standby.map_err(|_| "read as a whole".to_owned())?;
    let lines =
        ["web-1,db-1,tcp,443", "web-1,internet,tcp,443", "10.0.1.4,db-1,tcp,22", "web-1,gitlab.com,tcp,443"];
    let mut reader = Lines::new(Some(Layout::Csv));
    reader.take("from,to,protocol,port").expect("a header");
    let rows: Vec<Row> =
        lines.iter().map(|line| reader.take(line).expect("a flow").expect("a row")).collect();
    let mut known = fast::Known::new(&standby.tables, &standby.directory);
    let (mut asker, rows) = (None, rows.iter().take(count).collect::<Vec<_>>());
    let answers = engine::decide_stored(&mut known, &mut asker, &standby, &rows)?;
    answers.into_iter().map(|answer| answer.map_err(|fault| fault.message)).collect()
}

/// A folder of one test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("netwhy-snapshot-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    /// Opens bytes as a file of their own, as one that is too large to be looked at as a whole.
    fn open(&self, bytes: &[u8]) -> Result<Snapshot, Refused> {
        Container::open(&self.write(bytes), 0).map(Snapshot)
    }

    fn write(&self, bytes: &[u8]) -> PathBuf {
        let path = self.0.join("estate.netwhy");
        std::fs::write(&path, bytes).expect("written");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn loaded() -> Loaded {
    Loaded::default()
}

#[test]
fn what_was_written_is_read_again() {
    let folder = Folder::new("round");
    let (sources, raws) = estate();
    let snapshot = folder.open(&written()).expect("a snapshot");
    let mut read = loaded();
    // Another document stands before, so that all places move.
    read.sources.add("scenario.yaml", "flows: []");
    snapshot.estate(&mut read).expect("an estate");
    assert_eq!(read.raws.len(), raws.len());
    for (old, new) in raws.iter().zip(&read.raws) {
        assert_eq!((&old.id, old.origin, &old.uncertain), (&new.id, new.origin, &new.uncertain));
        assert_eq!(old.body.to_string(), new.body.to_string());
        assert_eq!(sources.short(old.at), read.sources.short(new.at));
    }
    let builtin = ServiceTags::builtin();
    assert_eq!(read.tags.len(), builtin.len());
    assert!(builtin.iter().all(|id| read.tags.set(id) == builtin.set(id)));
    let net = network(&read.raws);
    let compiled = fast::compile(&net);
    let tables = snapshot.tables().expect("tables").of(&net).expect("of this network");
    assert_eq!(tables.lines, compiled.lines);
    assert_eq!(fast::stored::lists(&tables), fast::stored::lists(&compiled));
}

#[test]
fn the_same_estate_is_the_same_file() {
    assert_eq!(written(), written());
}

/// Every damaged file is refused, with words, and none brings the program down. Whoever asks only some sections is
/// refused, or gets the right answers.
#[test]
fn damaged_files_are_refused() {
    let folder = Folder::new("damage");
    let whole = written();
    let right = asked(folder.open(&whole).expect("a snapshot"), 4).expect("answers");
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    let mut below = |limit: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % limit as u64) as usize
    };
    let mut answered = 0;
    for round in 0..4_000 {
        let count = if round % 2 == 0 { 2 } else { 4 };
        let mut bytes = whole.clone();
        match round % 5 {
            0 => bytes.truncate(below(whole.len())),
            1 => bytes.push(0),
            2 => {
                // The header, where most can go wrong.
                let table = table_of(&whole);
                let at = if below(2) == 0 { below(64) } else { table + below(whole.len() - table) };
                bytes[at] ^= 1 << below(8);
            }
            3 => {
                let at = below(whole.len());
                bytes[at] = bytes[at].wrapping_add(1 + below(255) as u8);
            }
            _ => {
                let (a, b) = (below(whole.len()), below(whole.len()));
                bytes.swap(a, b);
                if bytes == whole {
                    continue;
                }
            }
        }
        let refused = folder.open(&bytes).and_then(|snapshot| snapshot.verify()).expect_err("a damaged file");
        assert!(refused.to_string().contains("estate.netwhy"), "{refused}");
        assert!(Snapshot::open(&folder.write(&bytes)).is_err(), "a small file is looked at as a whole");
        match folder.open(&bytes).map(|snapshot| asked(snapshot, count)) {
            Ok(Ok(answers)) => {
                assert_eq!(answers, right[..count]);
                answered += 1;
            }
            Ok(Err(why)) => assert!(why.contains("estate.netwhy"), "{why}"),
            Err(_) => {}
        }
    }
    assert!(answered > 0, "texts of documents are not needed for these answers");
}

/// Whoever forges a file with the right checksum may get a wrong answer, but no crash from reading it.
#[test]
fn forged_files_bring_nothing_down() {
    let folder = Folder::new("forged");
    let whole = written();
    let mut random = 7u64;
    let mut below = |limit: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % limit as u64) as usize
    };
    let (_, raws) = estate();
    let tables = fast::compile(&network(&raws));
    let (mut opened, mut refused) = (0, 0);
    for _ in 0..2_000 {
        let mut bytes = whole.clone();
        for _ in 0..=below(3) {
            let at = below(bytes.len());
            bytes[at] = below(256) as u8;
        }
        if table_of(&bytes) != table_of(&whole) {
            continue;
        }
        let bytes = resealed(bytes);
        let Ok(snapshot) = folder.open(&bytes) else {
            refused += 1;
            continue;
        };
        let mut read = loaded();
        match (snapshot.estate(&mut read), snapshot.directory()) {
            (Ok(()), Ok(_)) => opened += 1,
            _ => refused += 1,
        }
        forged_words(&snapshot, &tables);
    }
    assert!(opened > 0 && refused > 0, "{opened} opened, {refused} refused");
}

#[test]
fn another_version_is_told_from_damage() {
    let folder = Folder::new("version");
    for at in [8, 16] {
        let mut bytes = written();
        bytes[at] ^= 1;
        let bytes = resealed(bytes);
        let refused = folder.open(&bytes).expect_err("another version");
        assert!(matches!(refused, Refused::Version(_)), "{refused}");
        assert!(refused.to_string().contains("another version"), "{refused}");
    }
}

/// Names and flows of a forged directory may mean anything, but asking for them reads no other memory and ends.
fn forged_words(snapshot: &Snapshot, tables: &Fast) {
    let Ok(Some(directory)) = snapshot.directory() else { return };
    let mut known = fast::Known::new(tables, &directory);
    for to in ["db-1", "web", "gitlab.com"] {
        let (from, to) = (Endpoint::Named("web-1".into()), Endpoint::Named(to.into()));
        let mut flow = Flow::new(from, to, Protocol::Tcp, 443);
        let _ = known.read(&mut flow);
    }
}
