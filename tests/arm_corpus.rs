//! Every collected template loads: no expression is misread, and nearly everything has a value.
//!
//! Reads `../shared/data`; where that is not there the tests say so and pass.

#[path = "support/collected.rs"]
mod collected;

use collected::collected;
use netwhy::diag::{Code, Diagnostics, Severity, Sources};
use netwhy::doc::{Node, Value, parse_json};
use netwhy::formats::arm::{Deployment, Options, load, looks_like_parameters, looks_like_template};
use netwhy::inventory::Origin;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

struct Loaded {
    name: String,
    deployment: Deployment,
    notes: Diagnostics,
    sources: Sources,
    has_parameters: bool,
}

#[expect(clippy::disallowed_methods, reason = "tests read their fixtures")]
fn read(path: &Path, sources: &mut Sources) -> Node {
    let text = std::fs::read_to_string(path).expect("readable");
    let name = path.file_name().expect("a file").to_string_lossy().into_owned();
    let doc = sources.add(name, text.as_str());
    parse_json(doc, &text, &mut Diagnostics::new()).expect("json")
}

fn templates(data: &Path) -> Vec<PathBuf> {
    let folders = ["arm", "arm-jsonc"].map(|folder| data.join(folder));
    let files = folders.iter().flat_map(|f| f.read_dir().expect("folder").flatten().map(|e| e.path()));
    let mut files: Vec<PathBuf> = files.filter(|p| p.extension().is_some_and(|e| e == "json")).collect();
    files.sort();
    files
}

fn load_file(path: &Path) -> Option<Loaded> {
    let mut sources = Sources::default();
    let template = read(path, &mut sources);
    if !looks_like_template(&template) {
        assert!(looks_like_parameters(&template), "{} is neither", path.display());
        return None;
    }
    let parameters = path.with_extension("parameters.json");
    let parameters = parameters.exists().then(|| read(&parameters, &mut sources));
    let mut notes = Diagnostics::new();
    let given: Vec<&Node> = parameters.iter().collect();
    let deployment = load(&template, &given, &Options::default(), &mut notes);
    let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
    Some(Loaded { name, deployment, notes, sources, has_parameters: parameters.is_some() })
}

/// Why a value is unknown as it must be: secrets, and what only a deployment knows.
fn is_expected(why: &str) -> bool {
    ["secret", "only a deployment knows", "GEN-", "GET-PREREQ-"].iter().any(|word| why.contains(word))
}

fn unknowns(node: &Node, path: &str, out: &mut Vec<(String, String)>) {
    match &node.value {
        Value::Unknown(why) => out.push((path.to_owned(), why.to_string())),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, n)| unknowns(n, &format!("{path}/{i}"), out));
        }
        Value::Object(object) => {
            object.iter().for_each(|e| unknowns(&e.value, &format!("{path}/{}", e.key), out));
        }
        _ => {}
    }
}

const COUNTED: [&str; 5] = [
    "microsoft.network/",
    "microsoft.machinelearningservices/",
    "microsoft.storage/",
    "microsoft.keyvault/",
    "microsoft.containerregistry/",
];

/// How many counted resources there are, how many have a value everywhere, and why the others have not.
#[derive(Default)]
struct Resolution {
    all: usize,
    resolved: usize,
    open: BTreeMap<String, usize>,
}

impl Resolution {
    fn count(&mut self, loaded: &Loaded) {
        for resource in &loaded.deployment.resources {
            let kind = resource.id.kind().to_lowercase();
            if !COUNTED.iter().any(|t| kind.starts_with(t)) || resource.origin == Origin::Mentioned {
                continue;
            }
            let mut found = Vec::new();
            unknowns(resource.body.get("properties").unwrap_or(&resource.body), "", &mut found);
            found.retain(|(_, why)| !is_expected(why));
            self.all += 1;
            self.resolved += usize::from(found.is_empty());
            if let Some((path, why)) = found.first() {
                *self.open.entry(format!("{} {kind} {path}: {why}", loaded.name)).or_default() += 1;
            }
        }
    }
}

#[test]
fn every_template_loads() {
    let Some(data) = collected("") else { return };
    let mut resolution = Resolution::default();
    let mut sums = [0usize; 4];
    let mut bad = Vec::new();
    println!("{:<64} {:>9} {:>6} {:>11} {:>8}", "template", "resources", "nested", "expressions", "unknown");
    for loaded in templates(&data).iter().filter_map(|path| load_file(path)) {
        let stats = loaded.deployment.stats;
        let row = [stats.resources, stats.deployments, stats.expressions, stats.unknown];
        println!("{:<64} {:>9} {:>6} {:>11} {:>8}", loaded.name, row[0], row[1], row[2], row[3]);
        sums.iter_mut().zip(row).for_each(|(sum, n)| *sum += n);
        for note in &loaded.notes {
            let line = format!("{} {note}", loaded.sources.short(note.at).unwrap_or_default());
            println!("    {line}");
            if note.code == Code::BadExpression || note.severity == Severity::Error {
                bad.push(line);
            }
        }
        if loaded.has_parameters {
            resolution.count(&loaded);
        }
    }
    println!("{:<64} {:>9} {:>6} {:>11} {:>8}", "sum", sums[0], sums[1], sums[2], sums[3]);
    let Resolution { all, resolved, open } = resolution;
    println!("resolved with parameters given: {resolved} of {all}");
    open.iter().for_each(|(why, n)| println!("  {n} x {why}"));
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    assert!(resolved * 100 >= all * 98, "{resolved} of {all} resolved");
}
