//! Which parameter file belongs to which template.

use super::{Kind, Read, Role, whole};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::formats::detect::Detected;
use std::path::{Path, PathBuf};

const TEMPLATE: Kind = Kind::Is(Detected::ArmTemplate);
const PARAMETERS: Kind = Kind::Is(Detected::ArmParameters);

/// For each document, the parameter files that hold for it, later ones winning; empty for what is no template.
pub(super) fn pair(reads: &[Read], notes: &mut Diagnostics) -> Vec<Vec<usize>> {
    let mut pairs = vec![Vec::new(); reads.len()];
    let templates: Vec<usize> = (0..reads.len()).filter(|i| reads[*i].kind == TEMPLATE).collect();
    for number in 0..reads.len() {
        let read = &reads[number];
        match read.role {
            Role::Estate { .. } if read.kind == PARAMETERS => match template_of(reads, &templates, number) {
                Some(template) => pairs[template].push(number),
                None => notes.push(orphan(read)),
            },
            Role::Beside if read.kind == PARAMETERS => {
                // Read behind everything that was named: what somebody chose is known by now, and wins.
                let template = template_by_name(reads, &templates, number);
                if let Some(template) = template.filter(|t| pairs[*t].is_empty()) {
                    pairs[template].push(number);
                    notes.push(taken(read, &reads[template]));
                }
            }
            Role::Parameters if read.kind == PARAMETERS && templates.is_empty() => notes.push(orphan(read)),
            _ => {}
        }
    }
    for template in templates {
        if let [first, second, ..] = pairs[template][..] {
            let message = format!("several parameter files fit `{}`", reads[template].path.display());
            notes.push(
                Diagnostic::new(Code::AmbiguousReference, whole(reads[second].doc), message)
                    .also(whole(reads[first].doc), "another one")
                    .help("choose with `--parameters FILE`, or name the template again before each to deploy it several times"),
            );
        }
        let explicit = (0..reads.len()).filter(|i| reads[*i].role == Role::Parameters);
        let explicit = explicit.filter(|i| reads[*i].kind == PARAMETERS);
        pairs[template].extend(explicit);
    }
    for read in reads.iter().filter(|r| r.role == Role::Parameters && r.root.is_some()) {
        if read.kind != PARAMETERS {
            notes.push(super::not_wanted(read.doc, "a parameter file", &read.kind));
        }
    }
    pairs
}

fn orphan(read: &Read) -> Diagnostic {
    Diagnostic::new(
        Code::NotUnderstood,
        whole(read.doc),
        "the parameter file belongs to none of the templates given",
    )
    .help("name it right behind its template, or with `--parameters FILE`")
}

fn taken(read: &Read, template: &Read) -> Diagnostic {
    let message =
        format!("the parameters of `{}` are taken from this file beside it", template.path.display());
    Diagnostic::new(Code::ParametersBeside, whole(read.doc), message).help("choose with `--parameters FILE`")
}

/// The parameter file that tools write beside a template; nothing for what is a parameter file itself.
pub(super) fn usual_parameters(template: &Path) -> Option<PathBuf> {
    let json = template.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
    (json && base_name(template).is_none()).then(|| template.with_extension("parameters.json"))
}

fn template_by_name(reads: &[Read], templates: &[usize], parameters: usize) -> Option<usize> {
    let path = &reads[parameters].path;
    let base = base_name(path)?;
    let fits = |t: &usize| {
        reads[*t].path.parent() == path.parent() && stem(&reads[*t].path).eq_ignore_ascii_case(&base)
    };
    templates.iter().copied().find(fits)
}

/// By name; else the template named right before it; else the only template of its folder.
fn template_of(reads: &[Read], templates: &[usize], parameters: usize) -> Option<usize> {
    let path = &reads[parameters].path;
    let beside = |template: &usize| reads[*template].path.parent() == path.parent();
    let by_name = template_by_name(reads, templates, parameters);
    let by_order = || {
        let before = parameters.checked_sub(1)?;
        let named = |i: usize| reads[i].role == Role::Estate { named: true };
        (named(before) && named(parameters) && reads[before].kind == TEMPLATE).then_some(before)
    };
    let only = || {
        let mut all = templates.iter().copied().filter(beside);
        all.next().filter(|_| all.next().is_none())
    };
    let template = by_name.or_else(by_order).or_else(only)?;
    // A template that is named several times belongs to the parameters behind each time.
    let mut same = templates.iter().copied().filter(|t| reads[*t].path == reads[template].path);
    Some(same.rfind(|t| *t < parameters).unwrap_or(template))
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// `main` of `main.parameters.json`, `main.parameters.dev.json` and `main.param.json`; nothing for
/// `parameters.json`.
fn base_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    let at =
        [".parameters.", ".parameter.", ".param.", ".params."].iter().find_map(|word| name.find(word))?;
    Some(path.file_name()?.to_string_lossy().get(..at)?.to_owned())
}
