//! The collected templates, each by its path.

use super::collected::collected;

/// In order of their names, without the files of parameters; none where the collection is not there.
pub(crate) fn templates() -> Option<Vec<String>> {
    let entries = std::fs::read_dir(collected("arm")?).expect("a folder");
    let mut files: Vec<String> = entries
        .map(|entry| entry.expect("an entry").path().display().to_string())
        .filter(|path| path.ends_with(".json") && !path.contains("param"))
        .collect();
    files.sort();
    Some(files)
}
