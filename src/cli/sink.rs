//! Where answers go: standard output, or a file that appears whole or not at all.

use super::Failure;
use super::console::Console;
use crate::run::files::WholeFile;
use anstream::AutoStream;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// An open output.
pub(super) enum Sink {
    Stdout(BufWriter<AutoStream<io::Stdout>>),
    File(WholeFile),
}

impl Sink {
    /// Opens the output.
    pub(super) fn open(path: Option<&Path>, console: &Console) -> Result<Self, Failure> {
        Ok(match path {
            Some(path) if path != Path::new("-") => Sink::File(WholeFile::create(path)?),
            _ => Sink::Stdout(BufWriter::with_capacity(
                1 << 16,
                AutoStream::new(io::stdout(), console.choice()),
            )),
        })
    }

    /// Whether it is coloured.
    pub(super) fn colors(&self, console: &Console) -> bool {
        matches!(self, Sink::Stdout(_)) && console.colors_stdout()
    }

    /// Whether a person sees what is written as it comes.
    pub(super) fn is_watched(&self) -> bool {
        use std::io::IsTerminal;
        matches!(self, Sink::Stdout(_)) && io::stdout().is_terminal()
    }

    /// Puts a file in its place.
    pub(super) fn finish(self) -> Result<(), Failure> {
        match self {
            Sink::Stdout(mut out) => out.flush()?,
            Sink::File(file) => file.finish()?,
        }
        Ok(())
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Sink::Stdout(out) => out.write(bytes),
            Sink::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Sink::Stdout(out) => out.flush(),
            Sink::File(file) => file.flush(),
        }
    }
}
