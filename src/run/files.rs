//! Reading and writing files, with errors that name the path. Nothing else in the program touches files.

#![expect(clippy::disallowed_methods, reason = "this is the one place that touches files")]

use crate::diag::{At, Code, Diagnostic};
use std::fmt;
use std::io::{self, Read as _, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A file larger than this is not read: places in it are numbers of four bytes.
pub const MAX_BYTES: u64 = u32::MAX as u64;

/// Folders are not followed more deeply than this.
const MAX_DEPTH: usize = 64;

/// What went wrong with a file.
#[derive(Debug)]
pub struct FileError {
    /// Which file.
    pub path: PathBuf,
    /// What went wrong.
    pub fault: FileFault,
}

/// What can go wrong with a file.
#[derive(Debug)]
pub enum FileFault {
    /// It cannot be read.
    Read(io::Error),
    /// It cannot be written.
    Write(io::Error),
    /// It is no text: the byte at which that shows.
    NotText(usize),
    /// It is an archive, such as a saved Terraform plan.
    Archive,
    /// It is larger than [`MAX_BYTES`].
    TooLarge(u64),
    /// A folder holds nothing that could be read; what was passed over in it.
    EmptyFolder(Vec<Skipped>),
    /// It is to be written to standard output, and cannot be.
    NotStandardOutput,
}

impl FileError {
    fn new(path: &Path, fault: FileFault) -> Self {
        Self { path: path.to_owned(), fault }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.fault {
            FileFault::Read(error) => write!(f, "cannot read `{path}`: {}", reason(error)),
            FileFault::Write(error) => write!(f, "cannot write `{path}`: {}", reason(error)),
            FileFault::Archive => write!(
                f,
                "`{path}` is an archive; if it is a saved Terraform plan, show it: `terraform show -json {path} > plan.json`"
            ),
            FileFault::NotText(at) => write!(f, "`{path}` is no text: byte {at} is not UTF-8"),
            FileFault::TooLarge(bytes) => {
                write!(f, "`{path}` has {bytes} bytes; files up to {MAX_BYTES} bytes are read")
            }
            FileFault::EmptyFolder(skipped) => {
                write!(
                    f,
                    "the folder `{path}` holds no file named *.yaml, *.yml, *.json, *.jsonc or *.tfstate"
                )?;
                skipped.iter().take(TOLD).try_for_each(|skipped| write!(f, "; {skipped}"))
            }
            FileFault::NotStandardOutput => {
                write!(
                    f,
                    "`{path}` stands for standard output, which takes no file of this kind; name a file"
                )
            }
        }
    }
}

/// Entries of an empty folder that its error tells of.
const TOLD: usize = 3;

/// The system's own words, lower case and without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = text.chars();
    chars.next().map(|c| c.to_ascii_lowercase()).into_iter().chain(chars).collect()
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.fault {
            FileFault::Read(error) | FileFault::Write(error) => Some(error),
            _ => None,
        }
    }
}

/// Something in a folder that may be a part of the estate and is not read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// Its path.
    pub path: PathBuf,
    /// What it is, as the end of a sentence.
    pub why: String,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not read: {}", self.path.display(), self.why)
    }
}

impl Skipped {
    /// What to tell of it.
    pub fn note(&self) -> Diagnostic {
        Diagnostic::new(Code::SkippedFile, At::NOWHERE, self.to_string())
            .help("name it yourself, or take it out of the folder")
    }
}

/// What there is to read behind paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expanded {
    /// The files.
    pub files: Vec<Found>,
    /// What was passed over in folders.
    pub skipped: Vec<Skipped>,
}

/// A file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its path; `-` is standard input.
    pub path: PathBuf,
    /// Whether it was named, and not found in a folder.
    pub named: bool,
}

/// The files behind paths, in order: a file is itself, a folder is what it holds, sorted by path. A file that is
/// met again is read once, unless it is named again: a template may be deployed several times.
pub fn expand(paths: &[PathBuf]) -> Result<Expanded, FileError> {
    let mut out = Expanded::default();
    let mut seen: hashbrown::HashMap<PathBuf, PathBuf> = hashbrown::HashMap::new();
    for path in paths {
        let mut found = Vec::new();
        if path != Path::new("-") && path.is_dir() {
            let mut skipped = Vec::new();
            walk(path, 0, &has_our_extension, &mut found, &mut skipped)?;
            if found.is_empty() {
                walk(path, 0, &is_source, &mut found, &mut Vec::new())?;
            }
            found.sort();
            skipped.sort();
            if found.is_empty() {
                return Err(FileError::new(path, FileFault::EmptyFolder(skipped)));
            }
            out.skipped.extend(skipped);
        } else {
            found.push(path.clone());
        }
        let named = found.len() == 1 && found[0] == *path;
        for path in found {
            let same = std::fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
            let first = seen.get(&same).cloned();
            if first.is_none() || named {
                let path = first.unwrap_or_else(|| path.clone());
                seen.insert(same, path.clone());
                out.files.push(Found { path, named });
            }
        }
    }
    Ok(out)
}

/// The files of a folder whose names say that they might be ours. Hidden ones are left out; what else might be ours
/// and is not read is `skipped`.
fn walk(
    folder: &Path,
    depth: usize,
    wanted: &dyn Fn(&Path) -> bool,
    out: &mut Vec<PathBuf>,
    skipped: &mut Vec<Skipped>,
) -> Result<(), FileError> {
    let fail = |error| FileError::new(folder, FileFault::Read(error));
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let kind = entry.file_type().map_err(fail)?;
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if kind.is_dir() && depth < MAX_DEPTH {
            walk(&path, depth + 1, wanted, out, skipped)?;
            continue;
        }
        match why_skipped(&path, kind, wanted(&path)) {
            Some(why) => skipped.push(Skipped { path, why }),
            None if wanted(&path) => out.push(path),
            None => {}
        }
    }
    Ok(())
}

/// Why an entry that may be a part of the estate is not read; nothing where it is, or is no part.
fn why_skipped(path: &Path, kind: std::fs::FileType, wanted: bool) -> Option<String> {
    let may_be_folder = path.extension().is_none();
    match std::fs::metadata(path) {
        Ok(_) if kind.is_dir() => Some(format!("it lies more than {MAX_DEPTH} folders deep")),
        Ok(data) if data.is_dir() => Some("it is a link to a folder, and such links are not followed".into()),
        Ok(data) if wanted && !data.is_file() => Some(NO_PLAIN_FILE.into()),
        Ok(_) => None,
        Err(error) if wanted || may_be_folder => Some(match (kind.is_symlink(), error.kind()) {
            (true, io::ErrorKind::NotFound) => "it is a link to nothing".into(),
            _ => reason(&error),
        }),
        Err(_) => None,
    }
}

const NO_PLAIN_FILE: &str = "it is no plain file";

/// Opens a file. A folder can be opened on some systems, and fails in other words on each when it is read.
fn open(path: &Path) -> io::Result<std::fs::File> {
    let file = std::fs::File::open(path)?;
    match file.metadata()?.is_dir() {
        true => Err(is_a_folder()),
        false => Ok(file),
    }
}

fn is_a_folder() -> io::Error {
    io::Error::other("it is a folder, and one file is wanted")
}

/// Opens a file that is to be mapped.
pub fn open_plain(path: &Path) -> io::Result<std::fs::File> {
    let data = std::fs::metadata(path)?;
    match data.is_file() || data.is_dir() {
        true => open(path),
        // A pipe would be waited for.
        false => Err(io::Error::other(NO_PLAIN_FILE)),
    }
}

fn has_our_extension(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    matches!(extension.as_str(), "yaml" | "yml" | "json" | "jsonc" | "tfstate")
}

/// Sources that have to be compiled first; a folder that holds nothing else says so.
fn is_source(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    matches!(extension.as_str(), "bicep" | "bicepparam" | "tf" | "tfplan")
}

/// Whether a file is there.
pub fn exists(path: &Path) -> bool {
    path.is_file()
}

/// Reads a text file, or standard input for `-`. UTF-16 with its mark is read too: that is how Windows
/// PowerShell saves the output of a command.
pub fn read_text(path: &Path) -> Result<String, FileError> {
    let fail = |error| FileError::new(path, FileFault::Read(error));
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(fail)?;
    } else {
        let file = open(path).map_err(fail)?;
        let metadata = file.metadata().map_err(fail)?;
        bytes.reserve_exact(metadata.len().min(MAX_BYTES) as usize + 1);
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(fail)?;
    }
    if bytes.len() as u64 > MAX_BYTES {
        return Err(FileError::new(path, FileFault::TooLarge(bytes.len() as u64)));
    }
    let fault = if bytes.starts_with(b"PK\x03\x04") { Some(FileFault::Archive) } else { None };
    decode(bytes).map_err(|at| FileError::new(path, fault.unwrap_or(FileFault::NotText(at))))
}

/// Opens a file to be read as a stream, with its length where that is known; `-` is standard input.
pub fn open_stream(path: &Path) -> Result<(Box<dyn io::Read + Send>, Option<u64>), FileError> {
    if path == Path::new("-") {
        return Ok((Box::new(io::stdin()), None));
    }
    let fail = |e| FileError::new(path, FileFault::Read(e));
    let file = open(path).map_err(fail)?;
    let length = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|m| m.len());
    Ok((Box::new(file), length))
}

fn decode(bytes: Vec<u8>) -> Result<String, usize> {
    let wide = |big: bool| {
        let unit = move |pair: &[u8]| match *pair {
            [a, b] if big => u16::from_be_bytes([a, b]),
            [a, b] => u16::from_le_bytes([a, b]),
            _ => 0xfffd,
        };
        char::decode_utf16(bytes[2..].chunks(2).map(unit)).map(|c| c.unwrap_or('\u{fffd}')).collect()
    };
    match bytes.get(..2) {
        Some([0xff, 0xfe]) => return Ok(wide(false)),
        Some([0xfe, 0xff]) => return Ok(wide(true)),
        _ => {}
    }
    let text = String::from_utf8(bytes).map_err(|error| error.utf8_error().valid_up_to())?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// How many bytes files and folders have together; what cannot be looked at counts nothing, and is told when it is read.
pub fn size_of(paths: &[PathBuf]) -> Result<u64, FileError> {
    let found = expand(paths)?.files;
    Ok(found.iter().filter_map(|file| std::fs::metadata(&file.path).ok()).map(|data| data.len()).sum())
}

/// Bytes of memory that a program can still have, where the system tells.
pub fn free_memory() -> Option<u64> {
    let text = read_text(Path::new("/proc/meminfo")).ok()?;
    let line = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    };
    Some((line("MemAvailable")? + line("SwapFree").unwrap_or(0)) << 10)
}

/// A file that appears whole or not at all: written beside its place and moved there by [`WholeFile::finish`].
/// What is no plain file (a pipe, a terminal) is written to directly.
#[derive(Debug)]
pub struct WholeFile {
    path: PathBuf,
    beside: Option<PathBuf>,
    file: io::BufWriter<std::fs::File>,
}

/// Distinguishes files written at the same time.
static NUMBER: AtomicU32 = AtomicU32::new(0);

impl WholeFile {
    /// Begins a file.
    pub fn create(path: &Path) -> Result<Self, FileError> {
        if path == Path::new("-") {
            return Err(FileError::new(path, FileFault::NotStandardOutput));
        }
        let fail = |error| FileError::new(path, FileFault::Write(error));
        let place = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if place.is_dir() {
            return Err(fail(is_a_folder()));
        }
        if place.exists() && !place.is_file() {
            let file = std::fs::OpenOptions::new().write(true).open(&place).map_err(fail)?;
            return Ok(Self { path: place, beside: None, file: io::BufWriter::new(file) });
        }
        let name = place.file_name().ok_or_else(|| fail(io::Error::other("it has no file name")))?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let beside =
            place.with_file_name(format!(".{}.{}-{number}.part", name.to_string_lossy(), std::process::id()));
        let file = std::fs::OpenOptions::new().write(true).create_new(true).open(&beside).map_err(fail)?;
        if let Ok(old) = std::fs::metadata(&place) {
            file.set_permissions(old.permissions()).map_err(fail)?;
        }
        Ok(Self { path: place, beside: Some(beside), file: io::BufWriter::new(file) })
    }

    /// Writes over its first bytes, which were written before.
    pub fn begin_with(&mut self, bytes: &[u8]) -> io::Result<()> {
        let end = self.file.stream_position()?;
        self.file.seek(io::SeekFrom::Start(0))?;
        self.file.write_all(bytes)?;
        self.file.seek(io::SeekFrom::Start(end))?;
        Ok(())
    }

    /// Puts the file in its place.
    pub fn finish(mut self) -> Result<(), FileError> {
        let done = self.file.flush().and_then(|()| match self.beside.take() {
            Some(beside) => {
                self.file.get_ref().sync_all()?;
                std::fs::rename(&beside, &self.path).inspect_err(|_| {
                    let _: io::Result<()> = std::fs::remove_file(&beside);
                })
            }
            None => Ok(()),
        });
        done.map_err(|error| FileError::new(&self.path, FileFault::Write(error)))
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            let _: io::Result<()> = std::fs::remove_file(beside);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of its own for a test, removed at its end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("netwhy-files-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&path).expect("a folder");
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _: io::Result<()> = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let folder = Folder::new("whole");
        let path = folder.0.join("out.txt");
        let mut file = WholeFile::create(&path).expect("created");
        file.write_all(b"half").expect("written");
        drop(file);
        assert!(!path.exists(), "an unfinished file leaves nothing");
        assert_eq!(std::fs::read_dir(&folder.0).expect("listed").count(), 0);
        let mut file = WholeFile::create(&path).expect("created");
        file.write_all(b"whole").expect("written");
        file.finish().expect("in place");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "whole");
    }

    #[test]
    fn folders_are_walked_in_order() {
        let folder = Folder::new("walk");
        for name in ["b.yaml", "a.json", "x.txt", ".hidden.yaml"] {
            std::fs::write(folder.0.join(name), "x").expect("written");
        }
        std::fs::create_dir(folder.0.join("c")).expect("made");
        std::fs::write(folder.0.join("c/d.yml"), "x").expect("written");
        let found = expand(&[folder.0.join("b.yaml"), folder.0.clone()]).expect("walked");
        assert_eq!(found.skipped, []);
        let names: Vec<_> = found
            .files
            .iter()
            .map(|f| (f.path.strip_prefix(&folder.0).expect("below").display().to_string(), f.named))
            .collect();
        assert_eq!(names, [("b.yaml".into(), true), ("a.json".into(), false), ("c/d.yml".into(), false)]);
    }

    #[test]
    #[cfg(unix)]
    fn what_is_passed_over_in_a_folder_is_told() {
        let folder = Folder::new("skipped");
        let link =
            |to: &str, name: &str| std::os::unix::fs::symlink(to, folder.0.join(name)).expect("linked");
        link("/no/such/file.yaml", "gone.yaml");
        link("/no/such/folder", "gone");
        link("/no/such/picture.png", "picture.png");
        link(".", "round");
        let told = |found: &[Skipped]| -> Vec<String> {
            found.iter().map(|s| s.to_string().replace(&folder.0.display().to_string(), "")).collect()
        };
        let all = [
            "`/gone` is not read: it is a link to nothing",
            "`/gone.yaml` is not read: it is a link to nothing",
            "`/round` is not read: it is a link to a folder, and such links are not followed",
        ];
        let error = expand(std::slice::from_ref(&folder.0)).expect_err("nothing is left").to_string();
        assert!(error.contains("holds no file named") && error.ends_with("not followed"), "{error}");
        std::fs::write(folder.0.join("a.yaml"), "x").expect("written");
        link("a.yaml", "b.yaml");
        let found = expand(std::slice::from_ref(&folder.0)).expect("walked");
        assert_eq!(found.files.len(), 1, "a link to a file is that file");
        assert_eq!(told(&found.skipped), all);
    }

    #[test]
    fn a_folder_is_no_file_in_the_same_words_everywhere() {
        let folder = Folder::new("is-folder");
        let words = |error: String| {
            let (_, why) = error.split_once("`: ").expect("a reason");
            why.to_owned()
        };
        let path = &folder.0;
        let read = words(read_text(path).expect_err("a folder").to_string());
        assert_eq!(read, "it is a folder, and one file is wanted");
        assert_eq!(words(open_stream(path).map(|_| ()).expect_err("a folder").to_string()), read);
        assert_eq!(words(WholeFile::create(path).expect_err("a folder").to_string()), read);
        assert_eq!(open_plain(path).expect_err("a folder").to_string(), read);
    }

    #[test]
    fn texts_of_windows_are_read_and_other_bytes_refused() {
        assert_eq!(decode(vec![0xff, 0xfe, b'a', 0, 0xe9, 0]), Ok("aé".into()));
        assert_eq!(decode(vec![0xfe, 0xff, 0, b'a']), Ok("a".into()));
        assert_eq!(decode(vec![0xef, 0xbb, 0xbf, b'a']), Ok("a".into()));
        assert_eq!(decode(vec![b'a', 0xff]), Err(1));
    }
}
