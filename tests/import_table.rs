//! How much of every collected file is understood: a table for each kind of file, as the loader reads them.
//!
//! Templates get the parameter file beside them; parameters without a value, and placeholders of test pipelines
//! (`GEN-PASSWORD`, `GET-PREREQ-vnetName`), get one made up here, as a person would give it with `--parameter`.
//!
//! Reads `../shared/data`; where that is not there the tests say so and pass.

#![allow(clippy::print_stdout, reason = "the table is what the run is for")]
#![allow(clippy::disallowed_methods, reason = "tests read their fixtures")]

#[path = "support/collected.rs"]
mod collected;

use collected::collected;
use netwhy::diag::{At, Diagnostic, Diagnostics, DocId, Severity, Sources};
use netwhy::doc::{Node, Value, parse_json};
use netwhy::inventory::{Origin, RawResource, is_modelled};
use netwhy::run::load::{Loaded, Settings, load};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

fn read(paths: &[PathBuf], settings: &Settings) -> Loaded {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(load(paths, &[], settings, Sources::default())).expect("readable")
}

/// Values that a type alone does not tell: a part of the parameter's name, and what it takes.
const GIVEN: &[(&str, &str)] = &[
    ("principalid", "\"11111111-1111-1111-1111-111111111111\""),
    ("objectid", "\"11111111-1111-1111-1111-111111111111\""),
    ("identityid", "\"11111111-1111-1111-1111-111111111111\""),
    ("subscriptionid", "\"22222222-2222-2222-2222-222222222222\""),
    ("subscription", "\"22222222-2222-2222-2222-222222222222\""),
    ("tenantid", "\"33333333-3333-3333-3333-333333333333\""),
    ("addressprefixes", "[\"10.50.0.0/16\"]"),
    ("addressprefix", "\"10.50.0.0/24\""),
    ("vnetcidr", "\"10.50.0.0/16\""),
    (
        "virtualnetworkresourceid",
        "\"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v\"",
    ),
    (
        "subnetresourceid",
        "\"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/x\"",
    ),
    ("keyvaultid", "\"/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v\""),
    ("cmk_keyvault_id", "\"/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v\""),
    ("cmk_keyvault_key_uri", "\"https://v.vault.azure.net/keys/k/1\""),
    ("hostname", "\"www.contoso.example\""),
    ("customdomainname", "\"www.contoso.example\""),
    ("location", "\"westeurope\""),
    ("frontendipconfigurations", "[{\"name\":\"f\"}]"),
    ("clustersettings", "{\"clusterMode\":\"activePassiveNoBgp\"}"),
    ("name", "\"given\""),
];

/// A value for a parameter by its declaration.
fn made_up(template: &Json, name: &str, declared: &Json) -> String {
    let declared = resolved(template, declared);
    if let Some(first) = declared["allowedValues"].get(0) {
        return first.to_string();
    }
    let lower = name.to_lowercase();
    let known = GIVEN.iter().find(|(part, _)| lower.ends_with(part)).map(|(_, value)| (*value).to_owned());
    let kind = declared["type"].as_str().unwrap_or_default().to_lowercase();
    let fits = |value: &str| match kind.as_str() {
        "array" => value.starts_with('['),
        "object" | "secureobject" => value.starts_with('{'),
        "int" => value.parse::<i64>().is_ok(),
        "bool" => value == "true" || value == "false",
        _ => value.starts_with('"'),
    };
    known.filter(|value| fits(value)).unwrap_or_else(|| match kind.as_str() {
        "array" => "[]".into(),
        "object" | "secureobject" => whole(template, &declared),
        "int" => declared["minValue"].as_i64().unwrap_or(1).to_string(),
        "bool" => "false".into(),
        _ => {
            format!("\"{}\"", lower.chars().filter(char::is_ascii_alphanumeric).take(12).collect::<String>())
        }
    })
}

/// An object with every property that its type requires.
fn whole(template: &Json, declared: &Json) -> String {
    let properties = declared["properties"].as_object().cloned().unwrap_or_default();
    let needed = properties.iter().filter(|(_, d)| resolved(template, d)["nullable"] != true);
    let items: Vec<String> =
        needed.map(|(name, d)| format!("\"{name}\":{}", made_up(template, name, d))).collect();
    format!("{{{}}}", items.join(","))
}

fn resolved(template: &Json, declared: &Json) -> Json {
    let mut declared = declared.clone();
    for _ in 0..8 {
        let Some(name) = declared["$ref"].as_str().and_then(|r| r.strip_prefix("#/definitions/")) else {
            break;
        };
        let nullable = declared["nullable"] == true;
        declared = template["definitions"][name].clone();
        if nullable {
            declared["nullable"] = true.into();
        }
    }
    declared
}

/// What a person would give: a value for every parameter that has none, or only a placeholder.
fn given(template: &Path, parameters: Option<&Path>) -> Vec<String> {
    let json = |path: &Path| -> Json {
        let text = std::fs::read_to_string(path).expect("readable");
        // Comments and line breaks in strings are ours to read; what comes out is plain JSON.
        let node = parse_json(DocId(0), &text, &mut Diagnostics::new()).expect("JSON");
        serde_json::from_str(&node.to_string()).expect("JSON")
    };
    let template = json(template);
    let parameters = parameters.map(json).unwrap_or_default();
    let mut out = Vec::new();
    for (name, declared) in template["parameters"].as_object().into_iter().flatten() {
        let own = parameters["parameters"].as_object().into_iter().flatten();
        let value = own.clone().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v);
        let placeholder = value.is_some_and(|v| {
            let text = v["value"].as_str().unwrap_or_default();
            let secret = declared["type"].as_str().is_some_and(|t| t.eq_ignore_ascii_case("secureString"));
            let made = text.starts_with("GEN-") && (secret || !text.starts_with("GEN-UNIQUE"));
            made || text.starts_with("GET-PREREQ") || v["reference"].is_object()
        });
        let declared = resolved(&template, declared);
        let optional = !declared["defaultValue"].is_null() || declared["nullable"] == true;
        if placeholder || (value.is_none() && !optional) {
            out.push(format!("{name}={}", made_up(&template, name, &declared)));
        }
    }
    out
}

/// Every unknown value with the place of the text that made it.
fn unknowns(node: &Node, path: &str, out: &mut Vec<(String, At, String)>) {
    match &node.value {
        Value::Unknown(why) => out.push((path.to_owned(), node.at, why.to_string())),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, n)| unknowns(n, &format!("{path}/{i}"), out));
        }
        Value::Object(object) => {
            object.iter().for_each(|e| unknowns(&e.value, &format!("{path}/{}", e.key), out));
        }
        _ => {}
    }
}

#[derive(Default)]
struct Row {
    files: usize,
    faulty: BTreeSet<String>,
    resources: usize,
    modelled: usize,
    resolved: usize,
    notes: [usize; 3],
    seconds: f64,
    open: BTreeMap<String, usize>,
    unexplained: BTreeSet<String>,
}

impl Row {
    fn add(&mut self, name: &str, paths: &[PathBuf], settings: &Settings) {
        let start = Instant::now();
        let loaded = read(paths, settings);
        self.seconds += start.elapsed().as_secs_f64();
        self.files += 1;
        for note in &loaded.notes {
            self.notes[note.severity as usize] += 1;
            if note.severity == Severity::Error {
                self.faulty.insert(format!("{name}: {note}"));
            }
        }
        self.resources += loaded.raws.len();
        for raw in loaded.raws.iter().filter(|r| r.origin != Origin::Mentioned && is_modelled(&r.id.kind())) {
            self.resource(name, raw, &loaded);
        }
    }

    fn resource(&mut self, name: &str, raw: &RawResource, loaded: &Loaded) {
        self.modelled += 1;
        let mut found = Vec::new();
        unknowns(&raw.body, "", &mut found);
        if raw.id.to_string().contains('{') {
            found.push(("id".into(), raw.at, format!("a part of the id is not known: {}", raw.id)));
        }
        // A secret has a value, which is not carried along.
        let is_secret =
            |why: &str| [" is a secret", " is a secret of a key vault"].iter().any(|end| why.ends_with(end));
        found.retain(|(.., why)| !is_secret(why));
        self.resolved += usize::from(found.is_empty());
        for (path, at, why) in found {
            let line = format!("{name} {} {path}: {why}", raw.id.kind());
            if !loaded.notes.iter().any(|note| explains(note, at, &why)) {
                self.unexplained.insert(line.clone());
            }
            *self.open.entry(line).or_default() += 1;
        }
    }
}

/// Whether a diagnostic is about the text that an unknown value comes from, or gives the same reason.
fn explains(note: &Diagnostic, at: At, why: &str) -> bool {
    let meets = note.at.doc == at.doc && note.at.start <= at.end && at.start <= note.at.end;
    (note.at.is_somewhere() && meets) || note.message.contains(why)
}

#[test]
fn nearly_everything_collected_is_understood() {
    let Some(data) = collected("") else { return };
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    for folder in ["arm", "arm-jsonc", "exports", "terraform", "service-tags", "flow-logs"] {
        let mut files: Vec<PathBuf> =
            data.join(folder).read_dir().expect("a folder").flatten().map(|e| e.path()).collect();
        files.sort();
        for path in files {
            let name = path.file_name().expect("name").to_string_lossy().into_owned();
            if name.ends_with(".parameters.json") || name.contains(".param.") {
                continue;
            }
            let parameters = Some(path.with_extension("parameters.json")).filter(|p| p.exists());
            let is_template = folder.starts_with("arm");
            let parameter_texts = if is_template { given(&path, parameters.as_deref()) } else { Vec::new() };
            let settings = Settings { parameter_texts, ..Settings::default() };
            let paths: Vec<PathBuf> = [Some(path), parameters].into_iter().flatten().collect();
            rows.entry(folder).or_default().add(&name, &paths, &settings);
        }
    }
    println!("{}", table(&rows));
    for (kind, row) in &rows {
        row.open.iter().for_each(|(why, n)| println!("open in {kind}: {n} x {why}"));
        row.unexplained.iter().for_each(|line| println!("not explained in {kind}: {line}"));
        row.faulty.iter().for_each(|line| println!("fault in {kind}: {line}"));
    }
    for kind in ["arm", "arm-jsonc", "exports", "terraform", "service-tags"] {
        let row = &rows[kind];
        assert!(row.faulty.is_empty(), "{kind}: {:?}", row.faulty);
        assert!(row.unexplained.is_empty(), "{kind}: {:?}", row.unexplained);
    }
    // A plan says itself what is known only after it is applied, and a drawing holds no rules; a template given its
    // parameters tells nearly everything.
    let share = |kinds: &[&str], percent: usize| {
        let sum = |of: fn(&Row) -> usize| kinds.iter().map(|kind| of(&rows[kind])).sum::<usize>();
        let (modelled, resolved) = (sum(|r| r.modelled), sum(|r| r.resolved));
        assert!(resolved * 100 >= modelled * percent, "{kinds:?}: {resolved} of {modelled}");
    };
    share(&["arm", "arm-jsonc"], 98);
    share(&["arm", "arm-jsonc", "exports", "terraform"], 97);
}

fn table(rows: &BTreeMap<&str, Row>) -> String {
    let mut text = String::from(
        "kind          files  resources  modelled  resolved  unknown  errors  warnings  notes  seconds\n",
    );
    for (kind, row) in rows {
        let Row { files, resources, modelled, resolved, notes: [notes, warnings, errors], seconds, .. } = row;
        let unknown = modelled - resolved;
        writeln!(
            text,
            "{kind:<12} {files:>6} {resources:>10} {modelled:>9} {resolved:>9} {unknown:>8} {errors:>7} {warnings:>9} {notes:>6} {seconds:>8.2}"
        )
        .expect("text");
    }
    text
}
