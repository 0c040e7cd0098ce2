//! Every parser, and the expression evaluator, on damaged input: no panic, no endless work, no runaway memory.
//!
//! A seeded mutator, so that a finding can be repeated: its message holds the target and the seed. Each run of the
//! tests tries a few hundred inputs per target. For longer:
//!
//! ```sh
//! NETWHY_FUZZ_SECONDS=600 NETWHY_FUZZ_TARGET=arm cargo test --locked --test fuzz_formats -- --nocapture
//! ```
//!
//! A long run takes the files of `../shared/data` as seeds too, where they are there, and writes every input to the
//! folder for temporary files before it tries it.
//!
//! The same targets for cargo-fuzz, which looks for inputs that reach new code, are in `fuzz/`.

#![allow(clippy::print_stdout, reason = "a long run says how far it came")]
#![allow(clippy::disallowed_methods, reason = "seeds are files, and a run has an end")]

#[path = "fuzz/targets.rs"]
mod targets;

#[path = "support/collected.rs"]
mod collected;
#[path = "support/scraps.rs"]
mod scraps;

use collected::collected;
use netwhy::doc::{Entry, Node, Number, Object, Value};
use scraps::SCRAPS;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use targets::{TARGETS, Target, tree};

/// One input may take so long; a debug build on a busy machine needs some room.
const SLOW: Duration = Duration::from_secs(20);

/// A generator with its seed in the open.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % below.max(1)
    }

    fn scrap(&mut self) -> &'static str {
        SCRAPS[self.next(SCRAPS.len())]
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.next(items.len())]
    }
}

// ---- mutation ----

fn boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The text with some bytes, words or lines lost, doubled, moved or replaced, or with a part of another.
fn damaged(text: &str, other: &str, random: &mut Random) -> String {
    let mut text = text.to_owned();
    for _ in 0..=random.next(5) {
        let (a, b) =
            (boundary(&text, random.next(text.len() + 1)), boundary(&text, random.next(text.len() + 1)));
        let (from, to) = (a.min(b), a.max(b));
        let short = boundary(&text, (from + random.next(12)).min(text.len())).max(from);
        match random.next(9) {
            0 if random.next(4) == 0 => text.truncate(a),
            1 => text.replace_range(from..short, ""),
            2 => text.insert_str(a, random.scrap()),
            3 => text.replace_range(from..short, random.scrap()),
            4 => {
                let piece: String = text[from..to].chars().take(200).collect();
                text.insert_str(boundary(&text, b.min(text.len())), &piece);
            }
            5 => {
                let start = boundary(other, random.next(other.len() + 1));
                let piece: String = other[start..].chars().take(random.next(300)).collect();
                text.insert_str(a, &piece);
            }
            6 => {
                let scrap = random.scrap().repeat(1 + random.next(600));
                text.insert_str(a, &scrap);
            }
            7 => {
                let end = boundary(&text, to.min(from + 4_000)).max(from);
                text.replace_range(from..end, "");
            }
            _ => {
                let mut lines: Vec<&str> = text.lines().collect();
                if !lines.is_empty() {
                    let (i, j) = (random.next(lines.len()), random.next(lines.len()));
                    lines.swap(i, j);
                    text = lines.join("\n");
                }
            }
        }
    }
    text
}

/// A tree with some values and keys changed, and long lists cut to a few items.
fn shaken(node: &Node, random: &mut Random) -> Node {
    let value = match &node.value {
        _ if random.next(80) == 0 => any_value(random),
        Value::String(text) if random.next(8) == 0 => Value::String(damaged_word(text, random).into()),
        Value::Array(items) => {
            let mut out = Vec::new();
            let most = 12;
            let skip = random.next((items.len() + 1).saturating_sub(most).max(1));
            for item in items.iter().skip(skip).take(most) {
                match random.next(40) {
                    0 => {}
                    1 => out.extend([shaken(item, random), item.clone()]),
                    _ => out.push(shaken(item, random)),
                }
            }
            Value::Array(Arc::new(out))
        }
        Value::Object(object) => {
            let mut out = Object::new();
            for entry in object.iter().take(200) {
                if random.next(60) == 0 {
                    continue;
                }
                let key: Arc<str> =
                    if random.next(90) == 0 { random.scrap().into() } else { entry.key.clone() };
                out.push(Entry { key, key_at: entry.key_at, value: shaken(&entry.value, random) });
            }
            Value::Object(Arc::new(out))
        }
        other => other.clone(),
    };
    Node { at: node.at, value }
}

fn any_value(random: &mut Random) -> Value {
    match random.next(8) {
        0 => Value::Null,
        1 => Value::Bool(random.next(2) == 0),
        2 => Value::Number(Number::Int([-7, 0, 1, 65_536, i64::MIN, i64::MAX][random.next(6)])),
        3 => Value::Number(Number::Float(1e300)),
        4 => Value::Array(Arc::new(vec![Node::built(Value::Null)])),
        5 => Value::Object(Arc::new(Object::new())),
        _ => Value::String(random.scrap().into()),
    }
}

fn damaged_word(text: &str, random: &mut Random) -> String {
    let mut text = text.to_owned();
    for _ in 0..=random.next(2) {
        let at = boundary(&text, random.next(text.len() + 1));
        match random.next(3) {
            0 => text.truncate(at),
            1 => text.insert_str(at, random.scrap()),
            _ => text = random.scrap().to_string(),
        }
    }
    text
}

/// The input of a seed number.
fn input(seeds: &[String], trees: &[Node], seed: u64) -> String {
    let mut random = Random::new(seed);
    if !trees.is_empty() && random.next(2) == 0 {
        let tree = random.pick(trees);
        let text = shaken(tree, &mut random).to_string();
        let other: &String = random.pick(seeds);
        return if random.next(4) == 0 { damaged(&text, other, &mut random) } else { text };
    }
    let (text, other): (&String, &String) = (random.pick(seeds), random.pick(seeds));
    damaged(text, other, &mut random)
}

// ---- runs ----

fn shared(folders: &[&str]) -> Vec<String> {
    let Some(data) = collected("") else { return Vec::new() };
    let mut paths: Vec<PathBuf> = Vec::new();
    for folder in folders {
        let Ok(entries) = data.join(folder).read_dir() else { continue };
        paths.extend(entries.flatten().map(|e| e.path()));
    }
    paths.sort();
    paths.iter().filter_map(|p| std::fs::read_to_string(p).ok()).collect()
}

/// Tries inputs until the number or the time is reached; gives how many, and the slowest.
fn run(target: &Target, many: u64, until: Option<Instant>, first: u64) -> (u64, Duration) {
    let mut seeds: Vec<String> = target.seeds.iter().map(|s| (*s).to_owned()).collect();
    if until.is_some() {
        seeds.extend(shared(target.folders));
    }
    let trees: Vec<Node> = seeds.iter().filter_map(|s| tree(s)).filter(|n| n.as_str().is_none()).collect();
    // Damaging a text byte by byte is for small ones; the large ones are shaken as trees.
    seeds.retain(|s| s.len() < 60_000);
    let last = std::env::temp_dir().join(format!("netwhy-fuzz-{}.last", target.name));
    let mut slowest = Duration::ZERO;
    let mut tried = 0;
    while tried < many && until.is_none_or(|end| Instant::now() < end) {
        let seed = first + tried;
        let text = input(&seeds, &trees, seed);
        if until.is_some() {
            // An overflow of the stack ends the program: then this is what is left.
            std::fs::write(&last, &text).expect("written");
        }
        let start = Instant::now();
        let done = std::panic::catch_unwind(|| (target.run)(&text));
        let took = start.elapsed();
        slowest = slowest.max(took);
        let shown: String = text.chars().take(2_000).collect();
        assert!(done.is_ok(), "target {}, seed {seed}, panics on: {shown}", target.name);
        assert!(took < SLOW, "target {}, seed {seed}, takes {took:?} on: {shown}", target.name);
        tried += 1;
    }
    (tried, slowest)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn damaged_input_does_no_harm() {
    let wanted = std::env::var("NETWHY_FUZZ_TARGET").ok();
    let seconds = number("NETWHY_FUZZ_SECONDS");
    let first = number("NETWHY_FUZZ_SEED").unwrap_or(1);
    for target in TARGETS.iter().filter(|t| wanted.as_deref().is_none_or(|w| w == t.name)) {
        let until = seconds.map(|s| Instant::now() + Duration::from_secs(s));
        let many = if until.is_some() { u64::MAX } else { 150 };
        let start = Instant::now();
        let (tried, slowest) = run(target, many, until, first);
        let took = start.elapsed().as_secs_f64();
        println!("{:<10} {tried:>8} inputs in {took:>6.1} s, the slowest {slowest:?}", target.name);
    }
}
