//! Service tag files and the built-in table.

use super::*;
use crate::diag::DocId;
use crate::doc::parse_json;
use crate::net::parse_addresses;

fn parse(text: &str) -> (ServiceTags, Diagnostics) {
    let mut notes = Diagnostics::new();
    let node = parse_json(DocId(0), text, &mut notes).expect("JSON");
    let tags = ServiceTags::from_json(&node, &mut notes).expect("a service tag file");
    (tags, notes)
}

/// A file of the shared data, if it is there.
fn shared(name: &str) -> Option<ServiceTags> {
    let path = format!("{}/../shared/data/service-tags/{name}", env!("CARGO_MANIFEST_DIR"));
    #[expect(clippy::disallowed_methods, reason = "a test reads its data")]
    let text = std::fs::read_to_string(path).ok();
    if text.is_none() {
        println!("skipped: {name} is not here");
    }
    text.map(|text| {
        let (tags, notes) = parse(&text);
        assert!(notes.is_empty(), "{name}: {:?}", notes.iter().next());
        tags
    })
}

fn check(tags: &ServiceTags, typed: &str, expected: &str) {
    assert_eq!(tags.find(typed).map(|id| tags.name(id)).unwrap_or("-"), expected, "{typed}");
}

#[test]
fn builtin_finds_any_usual_spelling() {
    let tags = ServiceTags::builtin();
    for (typed, expected) in [
        ("Storage", "Storage"),
        ("storage.westeurope", "Storage.WestEurope"),
        (" Storage.West Europe ", "Storage.WestEurope"),
        ("Keyvault.westeurope", "AzureKeyVault.WestEurope"),
        ("KeyVault", "AzureKeyVault"),
        ("AzureFrontDoor.FrontEnd", "AzureFrontDoor.Frontend"),
        ("FrontDoor.Backend", "AzureFrontDoor.Backend"),
        ("AzureCloud.francecentral", "AzureCloud.centralfrance"),
        ("Storage.centralfrance", "Storage.FranceCentral"),
        ("AzureCloud.WestEurope", "AzureCloud.westeurope"),
        ("AzureFrontDoor", "-"),
        ("Internet", "-"),
        ("VirtualNetwork", "-"),
        ("Storage.", "-"),
        ("", "-"),
    ] {
        check(&tags, typed, expected);
    }
    let regional = tags.regional("BatchNodeManagement", "West US 2").expect("a regional tag");
    assert_eq!(tags.name(regional), "BatchNodeManagement.WestUS2");
    assert_eq!(tags.parent(regional).map(|id| tags.name(id)), Some("BatchNodeManagement"));
    assert_eq!(tags.nearest("AzureActiveDirectry"), Some("AzureActiveDirectory"));
    assert_eq!(tags.nearest("VirtualNetworks"), Some("VirtualNetwork"));
    assert_eq!((tags.cloud(), tags.change_number()), ("Public", 376));
}

#[test]
fn every_tag_of_a_service_is_in_the_builtin_table() {
    let tags = ServiceTags::builtin();
    let of_services = crate::services::SERVICES.iter().filter_map(|s| s.tag);
    let of_hosts = crate::services::HOSTS.iter().filter_map(|h| h.tag);
    // `AzureRelay` is documented as a tag but stands in no publication under that name.
    for tag in of_services.chain(of_hosts).filter(|t| *t != "AzureRelay") {
        check(&tags, tag, tag);
    }
}

#[test]
fn holders_agree_with_sets() {
    let tags = ServiceTags::builtin();
    for id in tags.iter() {
        let ip = tags.representative(id).expect("no tag is empty");
        let slow: Vec<TagId> = tags.iter().filter(|t| tags.set(*t).contains(ip)).collect();
        assert_eq!(tags.holding(ip), slow, "{ip}");
        assert!(slow.contains(&id), "{} {ip}", tags.name(id));
        assert!(tags.parent(id).is_none_or(|p| slow.contains(&p)), "{}", tags.name(id));
    }
    for nowhere in ["10.0.0.1", "0.0.0.0", "255.255.255.255", "::", "2001:db8::1"] {
        assert_eq!(tags.holding(nowhere.parse().expect("an address")), vec![], "{nowhere}");
    }
}

#[test]
fn representatives_avoid_other_tags() {
    let (tags, _) = parse(
        r#"{"changeNumber": "7", "cloud": "X", "values": [
            {"name": "A", "properties": {"addressPrefixes": ["20.0.0.0/24", "20.0.1.0/24"]}},
            {"name": "B", "properties": {"addressPrefixes": ["20.0.0.0/25", "20.0.1.4/32", "2001:db8::/64"]}},
            {"name": "AzureCloud", "addressPrefixes": ["20.0.0.0/8"]},
            {"name": "C", "addressPrefixes": ["2001:db8::/64"]}]}"#,
    );
    for (tag, ip) in
        [("A", "20.0.0.129"), ("B", "20.0.0.1"), ("AzureCloud", "20.0.2.1"), ("C", "2001:db8::1")]
    {
        let id = tags.find(tag).expect(tag);
        let got = tags.representative(id).map(|ip| ip.to_string());
        let held = tags.holding(got.as_deref().unwrap_or_default().parse().expect("an address"));
        assert!(held.contains(&id));
        assert_eq!(got.as_deref(), Some(ip), "{tag}");
    }
    assert_eq!(tags.change_number(), 7);
}

#[test]
fn a_tag_that_cannot_be_read_stays_unknown() {
    let (tags, notes) = parse(
        r#"{"changeNumber": 1, "cloud": "X", "values": [
            {"name": "Good", "properties": {"addressPrefixes": ["20.0.0.0/24"]}},
            {"name": "Bad", "properties": {"addressPrefixes": ["20.0.1.0/24", "20.0.2.0/99"]}},
            {"name": "Twice", "properties": {"addressPrefixes": ["20.0.3.0/24"]}},
            {"name": "twice", "properties": {"addressPrefixes": ["20.0.4.0/24"]}},
            {"name": "Bare"}, {"properties": {}}, 7]}"#,
    );
    let names: Vec<&str> = tags.iter().map(|id| tags.name(id)).collect();
    assert_eq!(names, ["Good"]);
    let codes: Vec<&str> = notes.iter().map(|d| d.code.name()).collect();
    assert_eq!(codes, ["bad-value", "duplicate-resource", "missing-field", "missing-field", "missing-field"]);
    let mut notes = Diagnostics::new();
    let node = parse_json(DocId(0), "[1]", &mut notes).expect("JSON");
    assert!(ServiceTags::from_json(&node, &mut notes).is_err());
}

#[test]
fn published_files_load_whole() {
    for (file, cloud, change, count) in [
        ("eliaquimbrandao__ServiceTags_Public_20251110.json", "Public", 376, 3041),
        ("ryanborMSFT__ServiceTags_China_20260720.json", "China", 405, 327),
        ("ryanborMSFT__ServiceTags_Public_20250127.json", "Public", 343, 2647),
    ] {
        let Some(tags) = shared(file) else { continue };
        assert_eq!((tags.cloud(), tags.change_number(), tags.len()), (cloud, change, count), "{file}");
        assert!(tags.iter().any(|id| !tags.set(id).v6().is_empty()), "{file}");
    }
}

#[test]
fn builtin_table_is_a_part_of_its_publication() {
    let Some(whole) = shared("eliaquimbrandao__ServiceTags_Public_20251110.json") else { return };
    let part = ServiceTags::builtin();
    for id in part.iter() {
        let name = part.name(id);
        let published = whole.find(name).unwrap_or_else(|| panic!("{name} is not published"));
        assert_eq!(whole.name(published), name);
        assert_eq!(part.set(id), whole.set(published), "{name}");
        let v4 = |tags: &ServiceTags, id: TagId| -> Vec<IpNet> {
            tags.tags[id.index()].prefixes.iter().filter(|p| p.addr().is_ipv4()).copied().collect()
        };
        assert_eq!(v4(&part, id), v4(&whole, published), "{name}");
    }
    // All regional forms are there too, but for one subtag of Entra ID that is far larger than the rest.
    for id in whole.iter().filter(|id| whole.parent(*id).is_some_and(|p| part.find(whole.name(p)).is_some()))
    {
        let name = whole.name(id);
        assert!(part.find(name).is_some() || name == "AzureActiveDirectory.ServiceEndpoint", "{name}");
    }
    let known = parse_addresses("13.66.60.119").expect("an address");
    let adf = part.find("AzureActiveDirectory").expect("Entra ID");
    assert!(!part.set(adf).meets(&known));
}

#[test]
fn prefixes_keep_their_length_as_published() {
    let tags = ServiceTags::builtin();
    let length = |tag: &str| tags.longest_prefix(tags.find(tag)?, "20.47.7.10".parse().ok()?);
    // The tag of the whole service is published in larger pieces than its regions.
    assert_eq!(length("Storage"), Some(18));
    assert_eq!(length("Storage.WestEurope"), Some(24));
    assert_eq!(length("AzureCloud"), Some(24));
    assert_eq!(length("Storage.EastUS"), None);
}
