//! `netwhy what-if` and `netwhy diff` as people and scripts meet them, and the real template they were made for.

#![allow(clippy::disallowed_methods, reason = "these tests run the program and read its golden files")]

use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Runs the program in the project's folder.
fn netwhy(words: &[&str]) -> (i32, String, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_netwhy"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(words)
        .output()
        .expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (done.status.code().unwrap_or(-1), text(done.stdout), text(done.stderr))
}

/// What a command prints, against its golden file.
fn check(name: &str, words: &[&str]) {
    let (code, out, err) = netwhy(words);
    assert_eq!(code, 0, "{words:?}\n{err}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/what-if").join(name);
    if std::env::var_os("NETWHY_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, &out).expect("written");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(out, golden, "{name}: NETWHY_BLESS=1 writes it anew");
}

const PACK: &str = "scenarios/first-trace/first-trace.yaml";
const ESTATE: &str = "scenarios/secured-workspace/estate.yaml";

#[test]
fn a_removed_rule_breaks_a_flow_and_the_repair_brings_it_back() {
    let words = ["what-if", "--scenario", PACK, "--remove", "apps-nsg/allow-web-and-ssh"];
    check("first-trace.txt", &words);
    check("first-trace.md", &[&words[..], &["--format", "markdown"]].concat());
    check("first-trace.json", &[&words[..], &["--format", "json"]].concat());
    check("first-trace.verbose.txt", &[&words[..], &["--verbose"]].concat());
}

#[test]
fn a_workspace_of_the_estate_loses_its_telemetry_only() {
    let words = [
        "what-if",
        ESTATE,
        "--client",
        "jumpbox",
        "--block-tag",
        "AzureMonitor",
        "--subnet",
        "ml-vnet/snet-training",
    ];
    check("monitor.txt", &words);
    let (code, out, _) = netwhy(&[&words[..], &["--format", "json"]].concat());
    assert_eq!(code, 0);
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((&report["summary"]["brokenNow"], &report["summary"]["brokenLater"]), (&0.into(), &0.into()));
    assert!(report["summary"]["degraded"].as_u64() > Some(0), "{out}");
    let (code, ..) = netwhy(&[&words[..], &["--fail-on-break"]].concat());
    assert_eq!(code, 1);
}

#[test]
fn every_means_of_blocking_leaves_private_endpoints_alone() {
    for by in ["nsg", "route-none", "firewall", "no-default-outbound"] {
        let words = [
            "what-if",
            ESTATE,
            "--client",
            "jumpbox",
            "--block-outbound",
            "--by",
            by,
            "--no-fixes",
            "--format",
            "json",
        ];
        let (code, out, err) = netwhy(&words);
        assert_eq!(code, 0, "{by}: {err}");
        let report: Value = serde_json::from_str(&out).expect("JSON");
        let rows = report["rows"].as_array().expect("rows");
        let status = |workload: &str, id: &str| {
            let row = rows.iter().find(|row| row["workload"] == workload && row["id"] == id);
            row.unwrap_or_else(|| panic!("{workload} {id}"))["status"].clone()
        };
        for id in ["compute.out.blob", "compute.out.files", "compute.out.workspace"] {
            assert_eq!(status("ci1", id), "still works", "{by}: {id}");
        }
        // The NAT gateway is a way out of its own, and stays.
        let cut = if by == "no-default-outbound" { "still works" } else { "broken now" };
        assert_eq!(status("ci1", "compute.out.batch"), cut, "{by}");
    }
}

#[test]
fn a_service_switched_off_and_a_closed_door_are_seen() {
    for (flag, name, id) in [
        ("--switch-off", "contosomlst", "compute.out.blob"),
        ("--remove", "pe-vault", "compute.out.kv"),
        ("--switch-off", "contoso-ml-kv", "compute.out.kv"),
    ] {
        let words = ["what-if", ESTATE, "--client", "jumpbox", flag, name, "--no-fixes", "--format", "json"];
        let (code, out, err) = netwhy(&words);
        assert_eq!(code, 0, "{flag} {name}: {err}");
        let report: Value = serde_json::from_str(&out).expect("JSON");
        let rows = report["rows"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["workload"] == "ci1" && row["id"] == id).expect("the need");
        assert_eq!(row["status"], "broken now", "{flag} {name}");
    }
}

#[test]
fn faulty_questions_are_told() {
    for (words, fault) in [
        (&["what-if", ESTATE][..], "nothing is to change"),
        (&["what-if", ESTATE, "--switch-off", "nothing-here"][..], "is not the name or id of one resource"),
        (&["what-if", ESTATE, "--block-tag", "Storage:http"][..], "is neither a port nor a range"),
        (&["what-if", ESTATE, "--block-outbound", "--subnet", "snet-trainin"][..], "is no subnet"),
        (&["what-if", ESTATE, "--set", "x=1"][..], "NAME:PROPERTY=VALUE"),
        (&["what-if", "scenarios/first-trace/estate.yaml", "--block-outbound"][..], "no workload"),
        (&["diff", ESTATE][..], "is no Terraform plan"),
    ] {
        let (code, out, err) = netwhy(words);
        assert!(code == 2 || code == 3, "{words:?}: {code}");
        assert!(err.contains(fault) && out.is_empty(), "{words:?}\n{out}{err}");
    }
}

#[test]
fn an_estate_against_itself_and_against_a_harder_one() {
    let same = ["diff", ESTATE, ESTATE, "--fail-on-difference"];
    let (code, out, err) = netwhy(&same);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.starts_with("NO DIFFERENCE"), "{out}");
    let harder = ["diff", ESTATE, "--change", "tests/golden/what-if/harder.yaml"];
    check("diff.txt", &harder);
    check("diff.md", &[&harder[..], &["--format", "markdown"]].concat());
    for (what, code) in [("behaviour", 1), ("configuration", 1), ("any", 1)] {
        assert_eq!(netwhy(&[&harder[..], &["--fail-on-difference", what]].concat()).0, code, "{what}");
    }
}

#[test]
fn blocking_outbound_of_the_real_template_makes_sense() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/arm");
    let files = ["json", "parameters.json"].map(|end| {
        folder.join(format!("quickstart__machine-learning-end-to-end-secure.{end}")).display().to_string()
    });
    if !Path::new(&files[0]).exists() {
        println!("skipped: {} is not here", files[0]);
        return;
    }
    let (code, out, err) = netwhy(&["what-if", &files[0], &files[1], "--block-outbound", "--format", "json"]);
    assert_eq!(code, 0, "{err}");
    let report: Value = serde_json::from_str(&out).expect("JSON");
    let rows = report["rows"].as_array().expect("rows");
    let of = |workload: &str, id: &str| {
        let row = rows.iter().find(|row| row["workload"] == workload && row["id"] == id);
        row.unwrap_or_else(|| panic!("{workload} {id}"))["status"].clone()
    };
    assert_eq!(of("gen2oz-ci001", "compute.out.batch"), "broken now");
    assert_eq!(of("cluster001", "compute.out.msstorage"), "broken later");
    assert_eq!(of("cluster001", "compute.out.monitor"), "degraded");
    assert_eq!(of("cluster001", "compute.out.blob"), "still works");
    assert_eq!(of("cluster001", "ci.in.aml"), "still works");
    assert_eq!(of("aks-gen2oz-3ast", "aks.mcr"), "broken later");
    // The template's zone for the vault has the wrong name, so this never worked.
    assert_eq!(of("cluster001", "compute.out.kv"), "broken before");
    let causes = report["causes"].as_array().expect("causes");
    let vault =
        causes.iter().find(|cause| cause["cause"]["code"] == "DNS_ZONE_NOT_LINKED").expect("the vault's");
    let fix = vault["fixes"][0]["text"].as_str().expect("a repair");
    assert!(fix.contains("privatelink.vaultcore.azure.net"), "{fix}");
    assert_eq!(report["summary"]["unknown"], 0, "{out}");
}
