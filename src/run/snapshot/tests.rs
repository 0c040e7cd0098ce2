//! Round trips, and thousands of damaged and forged files.

#![expect(clippy::disallowed_methods, reason = "thousands of files, none of which must survive a crash")]

use super::*;
use crate::diag::{Diagnostics, Sources};
use crate::doc::parse_yaml;
use crate::formats::native;
use crate::network::compile;
use crate::profile::Profile;

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
    let (sources, raws) = estate();
    bytes(&sources, &raws, &ServiceTags::builtin(), &fast::compile(&network(&raws)))
}

/// A folder of one test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("netwhy-snapshot-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    /// Opens bytes as a file of their own.
    fn open(&self, bytes: &[u8]) -> Result<Snapshot, Refused> {
        let path = self.0.join("estate.netwhy");
        std::fs::write(&path, bytes).expect("written");
        Snapshot::open(&path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn loaded() -> Loaded {
    Loaded {
        sources: Sources::default(),
        raws: Vec::new(),
        changes: Vec::new(),
        tags: Arc::new(ServiceTags::default()),
        tags_after: None,
        facts: Default::default(),
        notes: Diagnostics::new(),
        documents: Vec::new(),
        compiled: None,
        expressions: Default::default(),
    }
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
    assert_eq!(fast::stored::store(&tables), fast::stored::store(&compiled));
}

#[test]
fn the_same_estate_is_the_same_file() {
    assert_eq!(written(), written());
}

/// Every damaged file is refused, with words, and none brings the program down.
#[test]
fn damaged_files_are_refused() {
    let folder = Folder::new("damage");
    let whole = written();
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    let mut below = |limit: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % limit as u64) as usize
    };
    for round in 0..4_000 {
        let mut bytes = whole.clone();
        match round % 5 {
            0 => bytes.truncate(below(whole.len())),
            1 => bytes.push(0),
            2 => {
                // The header, where most can go wrong.
                let at = below(HEADER + 5 * ENTRY);
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
        let refused = folder.open(&bytes).expect_err("a damaged file");
        assert!(refused.to_string().contains("estate.netwhy"), "{refused}");
    }
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
    let (mut opened, mut refused) = (0, 0);
    for _ in 0..2_000 {
        let mut bytes = whole.clone();
        let end = bytes.len() - CHECKSUM;
        for _ in 0..=below(3) {
            let at = below(end);
            bytes[at] = below(256) as u8;
        }
        let sum = XxHash3_64::oneshot(&bytes[..end]);
        bytes[end..].copy_from_slice(&sum.to_le_bytes());
        let Ok(snapshot) = folder.open(&bytes) else {
            refused += 1;
            continue;
        };
        let mut read = loaded();
        match (snapshot.estate(&mut read), snapshot.tables()) {
            (Ok(()), Ok(_)) => opened += 1,
            _ => refused += 1,
        }
    }
    assert!(opened > 0 && refused > 0, "{opened} opened, {refused} refused");
}

#[test]
fn another_version_is_told_from_damage() {
    let folder = Folder::new("version");
    for at in [8, 16] {
        let mut bytes = written();
        bytes[at] ^= 1;
        let end = bytes.len() - CHECKSUM;
        let sum = XxHash3_64::oneshot(&bytes[..end]);
        bytes[end..].copy_from_slice(&sum.to_le_bytes());
        let refused = folder.open(&bytes).expect_err("another version");
        assert!(matches!(refused, Refused::Version(_)), "{refused}");
        assert!(refused.to_string().contains("another version"), "{refused}");
    }
}
