//! Generated estates load without a fault, in every format alike.

use netwhy::diag::DocId;
use netwhy::diag::{Diagnostics, Sources};
use netwhy::doc::{parse_json, parse_json_packed, parse_yaml};
use netwhy::formats::{export, native};
use netwhy::generate::*;
use netwhy::inventory::{self, RawResource};

fn settings(profile: Profile, shape: Shape) -> Settings {
    Settings { sizes: profile.sizes(), shape, seed: 7, unique: false }
}

fn text(settings: &Settings, format: Format) -> String {
    let mut out = Vec::new();
    write(settings, format, "a test", &mut out, |_| Ok(())).expect("memory takes it");
    String::from_utf8(out).expect("text")
}

/// Loads a text, asserts that nothing is wrong, and gives the resources.
fn loaded(settings: &Settings, format: Format) -> Vec<RawResource> {
    let text = text(settings, format);
    let mut notes = Diagnostics::new();
    let mut sources = Sources::default();
    let doc = sources.add("estate", text.as_str());
    let root = match format {
        Format::Yaml => parse_yaml(doc, &text, &mut notes),
        Format::Json | Format::Arm => parse_json(doc, &text, &mut notes),
    };
    let root = root.expect("well-formed");
    let raws = match format {
        Format::Arm => export::load(&root, &mut notes).resources,
        _ => native::load(&root, &mut notes),
    };
    let inventory = inventory::build(raws.clone(), &mut notes);
    let told: Vec<_> = notes.iter().map(|n| format!("{n} {:?}", sources.short(n.at))).take(5).collect();
    assert!(told.is_empty(), "{told:#?}");
    assert_eq!(inventory.network_interfaces.len(), settings.sizes.endpoints as usize);
    raws
}

/// The estate in one spelling, to compare: two lists stand in an object of their own in an export, and may do so in
/// our file.
fn canonical(raws: &[RawResource]) -> String {
    let text = native::write(raws, native::Style { short_names: true }).text;
    let bare = |line: &str| {
        let inner =
            ["addressSpace: { ", "dhcpOptions: { "].iter().find_map(|word| line.trim().strip_prefix(word));
        let indent = line.len() - line.trim_start().len();
        inner.map_or(line.to_owned(), |inner| format!("{}{}", &line[..indent], inner.trim_end_matches(" }")))
    };
    text.lines().map(bare).collect::<Vec<_>>().join("\n")
}

fn check(profile: Profile, shape: Shape) {
    let settings = settings(profile, shape);
    let json = canonical(&loaded(&settings, Format::Json));
    same(&json, &canonical(&loaded(&settings, Format::Arm)), "an export");
    same(&json, &canonical(&loaded(&settings, Format::Yaml)), "YAML");
    let mut raws = Vec::new();
    let all = resources(&settings, &mut |raw| {
        raws.push(raw);
        Ok(())
    });
    assert_eq!(all, Ok(()));
    same(&json, &canonical(&raws), "the resources themselves");
}

fn same(one: &str, other: &str, what: &str) {
    let differing = one.lines().zip(other.lines()).find(|(a, b)| a != b);
    assert_eq!(differing, None, "{what}");
    assert_eq!(one.lines().count(), other.lines().count(), "{what}");
}

#[test]
fn every_format_gives_the_same_inventory() {
    for shape in [Shape::HubSpoke, Shape::Vwan, Shape::Mesh, Shape::Flat] {
        check(Profile::S, shape);
    }
}

/// One resource after the other gives what all at once give.
fn check_collected(shape: Shape, unique: bool) {
    let settings = Settings { unique, ..settings(Profile::S, shape) };
    let mut raws = Vec::new();
    let put = &mut |raw| {
        raws.push(raw);
        Ok(())
    };
    resources(&settings, put).expect("nobody stops it");
    let (mut notes, mut others) = (Diagnostics::new(), Diagnostics::new());
    // The maps behind the tables have no order of their own.
    let tables = |inventory: inventory::Inventory| {
        let text = format!("{inventory:?}");
        let end = text.find(", index: ").expect("the tables come first");
        text[..end].to_owned()
    };
    let whole = tables(inventory::build(raws, &mut notes));
    assert!(whole.contains("nsg-"), "{shape:?}");
    assert!(whole == tables(netwhy::generate::inventory(&settings, &mut others)), "{shape:?}");
    assert_eq!(notes.iter().count(), others.iter().count());
}

#[test]
fn one_after_the_other_is_all_at_once() {
    for shape in [Shape::HubSpoke, Shape::Vwan, Shape::Mesh, Shape::Flat] {
        check_collected(shape, false);
    }
    check_collected(Shape::HubSpoke, true);
}

#[test]
fn the_seed_decides() {
    let one = settings(Profile::S, Shape::HubSpoke);
    let other = Settings { seed: 8, ..one };
    assert_eq!(text(&one, Format::Json), text(&one, Format::Json));
    assert_ne!(text(&one, Format::Json), text(&other, Format::Json));
    let unique = Settings { unique: true, ..settings(Profile::M, Shape::HubSpoke) };
    assert_ne!(text(&settings(Profile::M, Shape::HubSpoke), Format::Json), text(&unique, Format::Json));
}

#[test]
fn flows_are_lines_of_the_estate() {
    let settings = settings(Profile::S, Shape::HubSpoke);
    for mix in [Mix::Uniform, Mix::Zipf, Mix::EastWest, Mix::Internet, Mix::Paas] {
        let flows = Flows::new(settings, mix, Layout::Csv);
        let mut out = String::new();
        (0..100).for_each(|n| flows.line(n, &mut out));
        let mut again = String::new();
        (0..100).for_each(|n| flows.line(n, &mut again));
        assert_eq!(out, again);
        assert!(out.lines().all(|l| l.starts_with("nic-") && l.split(',').count() == 4), "{out}");
    }
}

/// What an estate's text gives, places and faults included, read plainly or with packed lists.
fn read(text: &str, format: Format, packed: bool) -> [String; 4] {
    let mut notes = Diagnostics::new();
    let parse = if packed { parse_json_packed } else { parse_json };
    let root = parse(DocId(0), text, &mut notes).expect("well-formed");
    let raws = match format {
        Format::Arm => export::load(&root, &mut notes).resources,
        _ => native::load(&root, &mut notes),
    };
    let inventory = inventory::build(raws, &mut notes);
    notes.sort();
    let told: Vec<String> = notes.iter().map(|n| format!("{:?} {n}", n.at)).collect();
    [
        format!("{:?}", inventory.nsgs),
        format!("{:?}", inventory.route_tables),
        format!("{:?}", inventory.rule_collection_groups),
        told.join("\n"),
    ]
}

#[test]
fn packed_lists_give_the_same_inventory_places_and_faults() {
    let settings = settings(Profile::M, Shape::HubSpoke);
    for format in [Format::Json, Format::Arm] {
        let good = text(&settings, format);
        let faults = [
            ("\"access\":\"Deny\"", "\"access\":\"Denie\""),
            ("\"protocol\":\"Udp\"", "\"protocol\":7"),
            ("\"nextHopType\":\"None\"", "\"nextHopTipe\":\"None\""),
            ("asg-web-00001", "asg-web-99999"),
        ];
        let bad = faults.iter().fold(good.clone(), |text, (right, wrong)| text.replace(right, wrong));
        for text in [&good, &bad] {
            let (plain, packed) = (read(text, format, false), read(text, format, true));
            for (plain, packed) in plain.iter().zip(&packed) {
                let at = plain.bytes().zip(packed.bytes()).position(|(a, b)| a != b);
                let near = at.map(|at| (&plain[at.saturating_sub(80)..], &packed[at.saturating_sub(80)..]));
                assert_eq!(near.map(|(a, b)| (a.get(..200), b.get(..200))), None, "{format:?}");
                assert_eq!(plain.len(), packed.len());
            }
        }
        assert_ne!(read(&bad, format, true)[3], "", "{format:?}: faults are told");
    }
}
