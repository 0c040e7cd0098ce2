//! Loading is tested on real files in a folder of its own.

#![expect(clippy::disallowed_methods, reason = "tests make their own files")]

use super::*;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("netwhy-load-{}-{name}", std::process::id()));
        for (file, text) in files {
            let place = path.join(file);
            std::fs::create_dir_all(place.parent().expect("below the folder")).expect("made");
            std::fs::write(place, text).expect("written");
        }
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Loads paths of a folder and prints ids and diagnostics, or what could not be read.
fn check(name: &str, files: &[(&str, &str)], paths: &[&str], expected: &[&str]) {
    let folder = Folder::new(name, files);
    let paths: Vec<PathBuf> = paths.iter().map(|p| folder.0.join(p)).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let loaded = runtime.block_on(load(&paths, &[], &Settings::default(), Sources::default()));
    let got: Vec<String> = match loaded {
        Ok(loaded) => {
            let ids = loaded.raws.iter().map(|raw| raw.id.full_name());
            let notes =
                loaded.notes.iter().map(|n| n.to_string().replace(&folder.0.display().to_string(), ""));
            ids.chain(notes).collect()
        }
        Err(errors) => {
            errors.iter().map(|e| e.to_string().replace(&folder.0.display().to_string(), "")).collect()
        }
    };
    assert_eq!(got, expected, "{name}");
}

const A: &str = "netwhy: estate/1\nrouteTables: [{ name: a }]\n";
const B: &str = "{\"netwhy\": \"estate/1\", \"routeTables\": [{\"name\": \"b\"}]}";

#[test]
fn files_and_folders_come_in_order() {
    check("order", &[("x/2.yaml", A), ("x/1.json", B), ("x/notes.txt", "?")], &["x"], &["b", "a"]);
    check("given", &[("2.yaml", A), ("1.json", B)], &["2.yaml", "1.json", "2.yaml"], &["a", "b"]);
}

#[test]
fn what_is_no_estate_is_a_fault_only_where_it_was_named() {
    let other = "name: ci\n";
    check(
        "folder",
        &[("a.yaml", A), ("ci.yaml", other)],
        &["."],
        &[
            "a",
            "note[unknown-format]: `/./ci.yaml` cannot be read as it is: it looks like a document with the keys `name`",
        ],
    );
    check(
        "named",
        &[("ci.yaml", other)],
        &["ci.yaml"],
        &[
            "error[unknown-format]: `/ci.yaml` cannot be read as it is: it looks like a document with the keys `name`",
        ],
    );
    check(
        "broken",
        &[("a.json", "{")],
        &["a.json"],
        &["error[syntax]: not well-formed JSON: unterminated object"],
    );
}

#[test]
fn every_file_that_cannot_be_read_is_named() {
    check(
        "missing",
        &[("a.yaml", A)],
        &["no.yaml", "a.yaml", "never.yaml"],
        &[
            "cannot read `/no.yaml`: no such file or directory",
            "cannot read `/never.yaml`: no such file or directory",
        ],
    );
    check(
        "empty",
        &[("x/notes.txt", "")],
        &["x"],
        &["the folder `/x` holds no file named *.yaml, *.yml, *.json, *.jsonc or *.tfstate"],
    );
}

#[test]
fn a_template_given_alone_finds_the_parameters_beside_it() {
    let template = r#"{
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0", "parameters": { "name": { "type": "string" } },
        "resources": [{ "type": "Microsoft.Network/routeTables", "apiVersion": "2023-09-01", "name": "[parameters('name')]" }]
    }"#;
    let parameters = |name: &str| {
        format!(
            r#"{{ "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
                "contentVersion": "1.0.0.0", "parameters": {{ "name": {{ "value": "{name}" }} }} }}"#
        )
    };
    let (one, two) = (parameters("one"), parameters("two"));
    let files = [("main.json", template), ("main.parameters.json", &one), ("other.parameters.json", &two)];
    let note = "note[parameters-beside]: the parameters of `/main.json` are taken from this file beside it";
    check("beside", &files, &["main.json"], &["one", note]);
    check("named-first", &files, &["main.json", "main.parameters.json"], &["one"]);
    // A name of the user's choice wins, and nothing else is looked for.
    check("other", &files, &["main.json", "other.parameters.json"], &["two"]);
    // What is no template takes no notice of such a file.
    check("no-template", &[("a.json", B), ("a.parameters.json", &one)], &["a.json"], &["b"]);
}
