//! Writing and reading again must give the same inventory, for every kind and every way of writing a body.

use super::*;
use crate::diag::{Code, DocId};
use crate::doc::parse_yaml;
use crate::formats::native;
use crate::inventory::FieldShape;

/// A small generator with a seed, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % below as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.next(n) == 0
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.next(words.len())]
    }
}

const WORDS: &[&str] = &[
    "10.0.0.4",
    "10.1.0.0/16",
    "*",
    "Allow",
    "Deny",
    "Tcp",
    "443",
    "80-90",
    "Standard",
    "Storage.WestEurope",
    "true",
    "a: b",
    "hub",
    "no",
    "Approved",
    "Inbound",
    "é\u{7f}\u{2028}",
    " x",
    "~",
    "",
];

/// Any value a file may have at a field.
fn value(dice: &mut Dice, inside: &Inside, names: &[ResourceId], depth: usize) -> Node {
    match dice.next(12) {
        0 => return Node::unknown(At::NOWHERE, "parameter `p` has no value"),
        1 => return Node::built(Value::Null),
        2 => return Node::built(Value::Bool(dice.one_in(2))),
        3 => return Node::built(Value::Number(crate::doc::Number::Int(dice.next(5000) as i64))),
        _ => {}
    }
    match inside {
        Inside::Block(shape) if depth < 3 && !dice.one_in(8) => {
            let items = (0..dice.next(3)).map(|n| block(dice, shape, names, depth + 1, n)).collect();
            Node::array(At::NOWHERE, items)
        }
        Inside::Reference(_) if !dice.one_in(6) => {
            let id = Node::string(At::NOWHERE, names[dice.next(names.len())].as_str());
            let one = |id: Node| {
                let mut object = Object::new();
                object.set("id", At::NOWHERE, id);
                Node::object(At::NOWHERE, object)
            };
            match dice.next(3) {
                0 => id,
                1 => one(id),
                _ => Node::array(At::NOWHERE, vec![one(id)]),
            }
        }
        _ if dice.one_in(3) => {
            let items = (0..dice.next(3)).map(|_| Node::string(At::NOWHERE, dice.pick(WORDS))).collect();
            Node::array(At::NOWHERE, items)
        }
        _ => Node::string(At::NOWHERE, dice.pick(WORDS)),
    }
}

fn block(dice: &mut Dice, shape: &Shape, names: &[ResourceId], depth: usize, number: usize) -> Node {
    let mut flat = Object::new();
    let mut inner = Object::new();
    flat.set("name", At::NOWHERE, Node::string(At::NOWHERE, format!("item{number}")));
    fill(dice, &shape.fields, names, depth, &mut flat, &mut inner);
    if !inner.is_empty() {
        flat.set("properties", At::NOWHERE, Node::object(At::NOWHERE, inner));
    }
    Node::object(At::NOWHERE, flat)
}

/// Sets some of the fields, each in `properties` or beside them, under one of its spellings.
fn fill(
    dice: &mut Dice,
    fields: &[FieldShape],
    names: &[ResourceId],
    depth: usize,
    flat: &mut Object,
    inner: &mut Object,
) {
    for field in fields {
        if !dice.one_in(2) {
            continue;
        }
        let path = dice.pick(field.paths);
        let value = match path.split_once(".*.") {
            Some((_, tail)) => {
                let item = |dice: &mut Dice| {
                    let mut object = Object::new();
                    set(&mut object, tail, value(dice, &field.inside, names, depth));
                    Node::object(At::NOWHERE, object)
                };
                Node::array(At::NOWHERE, (0..dice.next(3)).map(|_| item(dice)).collect())
            }
            None => value(dice, &field.inside, names, depth),
        };
        let path = path.split_once(".*.").map_or(path, |(head, _)| head);
        set(if dice.one_in(3) { &mut *flat } else { &mut *inner }, path, value);
    }
}

/// An estate with resources of every kind.
fn estate(seed: u64) -> Vec<RawResource> {
    let mut dice = Dice(seed);
    let kinds: Vec<&str> =
        TableTag::ALL.iter().map(|(_, kind, _)| *kind).filter(|k| k.contains('/')).collect();
    let mut kinds: Vec<String> = kinds.into_iter().map(str::to_owned).collect();
    kinds.extend(SERVICES.iter().map(|s| s.arm_type.to_owned()));
    kinds.push("Microsoft.Other/things".into());
    let id = |kind: &str, number: usize, dice: &mut Dice| {
        let depth = kind.matches('/').count();
        let name: Vec<String> =
            (0..depth).map(|d| format!("n{}", if d + 1 == depth { number } else { 0 })).collect();
        ResourceId::in_group(dice.pick(&["s1", "s2"]), dice.pick(&["g1", "g1", "g2"]), kind, &name.join("/"))
    };
    let ids: Vec<ResourceId> = (0..60)
        .map(|_| {
            let kind = kinds[dice.next(kinds.len())].clone();
            let number = dice.next(3);
            id(&kind, number, &mut dice)
        })
        .collect();
    let mut out: Vec<RawResource> = Vec::new();
    for id in &ids {
        if out.iter().any(|raw| raw.id == *id) {
            continue;
        }
        let (mut flat, mut inner) = (Object::new(), Object::new());
        if let Some(shape) = TableTag::of(&id.kind()).shape() {
            fill(&mut dice, &shape.fields, &ids, 0, &mut flat, &mut inner);
        }
        let inner = if dice.one_in(12) {
            // Only the head of a resource stands beside properties that nobody told.
            let head = ["sku", "kind", "identity", "location"];
            flat = flat.iter().filter(|e| head.contains(&&*e.key)).cloned().collect();
            Node::unknown(At::NOWHERE, "not in the export")
        } else {
            Node::object(At::NOWHERE, inner)
        };
        flat.set("properties", At::NOWHERE, inner);
        out.push(RawResource {
            id: id.clone(),
            at: At::NOWHERE,
            origin: *[Origin::Mentioned, Origin::Template, Origin::Deployed, Origin::Estate]
                .get(dice.next(4))
                .expect("one of four"),
            uncertain: dice.one_in(6).then(|| "condition unknown".into()),
            api_version: dice.one_in(3).then(|| "2024-05-01".into()),
            body: Node::object(At::NOWHERE, flat),
        });
    }
    out
}

/// An inventory as text, without places and without who said it.
fn shown(inventory: &Inventory) -> String {
    let text = format!("{inventory:#?}");
    let end = text.find("    index: ").expect("the index comes last");
    let mut out = String::new();
    let mut lines = text[..end].lines();
    while let Some(line) = lines.next() {
        if line.trim_start().starts_with("at: At {") {
            lines.by_ref().find(|line| line.trim_start().starts_with("},"));
            // The block inside of a place is one level deep; its own end was just passed.
            lines.by_ref().next();
            continue;
        }
        if !line.trim_start().starts_with("origin: ") {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

fn read(text: &str, notes: &mut Diagnostics) -> Vec<RawResource> {
    let root = parse_yaml(DocId(0), text, notes).unwrap_or_else(|fault| panic!("{fault}\n{text}"));
    native::load(&root, notes)
}

fn check(seed: u64) {
    let raws = estate(seed);
    let wanted = shown(&build(normalize(raws.clone(), &mut Diagnostics::new()), &mut Diagnostics::new()));
    let written = write(&raws, Style { short_names: false });
    let mut notes = Diagnostics::new();
    let again = read(&written.text, &mut notes);
    let got = shown(&build(again, &mut notes));
    let refused =
        notes.iter().find(|n| matches!(n.code, Code::UnknownField | Code::Syntax | Code::MissingField));
    assert!(refused.is_none(), "seed {seed}: {refused:?}\n{}", written.text);
    if got != wanted {
        let line = got.lines().zip(wanted.lines()).position(|(a, b)| a != b).unwrap_or(0);
        let near =
            |text: &str| text.lines().skip(line.saturating_sub(25)).take(40).collect::<Vec<_>>().join("\n");
        panic!(
            "seed {seed} at line {line}\n--- got\n{}\n--- wanted\n{}\n--- file\n{}",
            near(&got),
            near(&wanted),
            written.text
        );
    }
    let short = Style { short_names: true };
    let once = read(&write(&raws, short).text, &mut Diagnostics::new());
    let twice = read(&write(&once, short).text, &mut Diagnostics::new());
    let inventory = |raws| shown(&build(raws, &mut Diagnostics::new()));
    assert!(inventory(once) == inventory(twice), "seed {seed}: writing what was written changes it");
}

#[test]
fn reading_what_was_written_gives_the_same_inventory() {
    (0..12).for_each(check);
}

#[test]
fn a_file_reads_like_one_written_by_hand() {
    let text = "\
netwhy: estate/1
defaults: { subscription: s, resourceGroup: g }
virtualNetworks:
  - name: hub
    addressSpace: { addressPrefixes: [10.0.0.0/16] }
    subnets:
      - { name: apps, addressPrefix: 10.0.1.0/24, networkSecurityGroup: web }
networkSecurityGroups:
  - { name: web, location: westeurope }
";
    let by_hand = "
netwhy: estate/1
virtualNetworks:
  - id: /subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/hub
    properties:
      addressSpace: { addressPrefixes: [10.0.0.0/16] }
      provisioningState: Succeeded
      subnets:
        - name: apps
          properties:
            addressPrefix: 10.0.1.0/24
            networkSecurityGroup: { id: /subscriptions/S/resourceGroups/G/providers/Microsoft.Network/networkSecurityGroups/web }
networkSecurityGroups:
  - id: /subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/web
    location: westeurope
";
    let mut notes = Diagnostics::new();
    let written = write(&read(by_hand, &mut notes), Style { short_names: true });
    assert_eq!(written.text, text);
    assert_eq!((written.resources, written.unmodelled.len()), (3, 0));
}
