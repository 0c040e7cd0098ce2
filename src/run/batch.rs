//! Batches of flows from a file of any length: read as a stream, answered on all cores, given out in order.
//!
//! A reader hands over chunks of lines; the dispatcher gives them to the workers in turn and takes their answers
//! in the same turn, so order needs no sorting. Never more than two chunks for each worker are under way.

use super::cancel::Cancel;
use super::files::{self, FileError, FileFault};
use super::load::workers;
use crate::diag::{Diagnostic, Sources};
use crate::network::Network;
use crate::report::Locator;
use crate::scenario::{Layout, LineError, Lines, Row};
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

/// Lines handed to a worker at once.
const CHUNK: usize = 256;

/// Chunks a worker may have at once.
const EACH: usize = 2;

/// How a batch ended.
#[derive(Debug)]
pub enum BatchError {
    /// The file cannot be read.
    File(FileError),
    /// The answers cannot be written.
    Write(io::Error),
}

/// What a worker needs to answer a line.
pub struct Desk<'a> {
    /// The network.
    pub network: &'a Network,
    /// Finds places in the documents.
    pub locator: &'a Locator<'a>,
}

type Chunk = Vec<Result<Row, LineError>>;
type Answers<T> = Vec<Result<T, LineError>>;

/// Answers every flow of a file. `answer` runs on the workers, `consume` here, in the order of the lines.
pub async fn run<T: Send + 'static>(
    path: PathBuf,
    network: Arc<Network>,
    sources: Arc<Sources>,
    cancel: Cancel,
    answer: impl Fn(&Desk<'_>, Row) -> Result<T, Diagnostic> + Send + Sync + 'static,
    mut consume: impl FnMut(Result<T, LineError>) -> io::Result<()>,
) -> Result<(), BatchError> {
    let lines = files::open_lines(&path).map_err(BatchError::File)?;
    let (chunks, mut ready) = mpsc::channel::<io::Result<Chunk>>(EACH);
    let (layout, stop) = (layout_of(&path), cancel.clone());
    let reader = spawn_blocking(move || read(lines, layout, &stop, &chunks));
    let answer = Arc::new(answer);
    let mut crew: Vec<Worker<T>> =
        (0..workers()).map(|_| Worker::start(&network, &sources, &answer)).collect();
    let result = dispatch(&path, &mut ready, &mut crew, &cancel, &mut consume).await;
    drop(ready);
    for worker in crew {
        drop((worker.work, worker.done));
        finished(worker.task).await;
    }
    // A reader that waits for input that may never come is left alone.
    if !cancel.is_asked() && result.is_ok() {
        finished(reader).await;
    }
    result
}

async fn dispatch<T>(
    path: &Path,
    ready: &mut mpsc::Receiver<io::Result<Chunk>>,
    crew: &mut [Worker<T>],
    cancel: &Cancel,
    consume: &mut impl FnMut(Result<T, LineError>) -> io::Result<()>,
) -> Result<(), BatchError> {
    let (mut given, mut taken) = (0, 0);
    loop {
        let chunk = tokio::select! {
            chunk = ready.recv() => chunk,
            () = cancel.asked() => return Ok(()),
        };
        let Some(chunk) = chunk else { break };
        let fault = |error| FileError { path: path.to_owned(), fault: FileFault::Read(error) };
        let chunk = chunk.map_err(|error| BatchError::File(fault(error)))?;
        let number = crew.len();
        if given - taken == EACH * number {
            crew[taken % number].give_out(consume).await?;
            taken += 1;
        }
        // A worker that is gone has panicked, and tells so when it is joined.
        if crew[given % number].work.send(chunk).await.is_err() {
            return Ok(());
        }
        given += 1;
    }
    while taken < given && !cancel.is_asked() {
        let number = crew.len();
        crew[taken % number].give_out(consume).await?;
        taken += 1;
    }
    Ok(())
}

struct Worker<T> {
    work: mpsc::Sender<Chunk>,
    done: mpsc::Receiver<Answers<T>>,
    task: JoinHandle<()>,
}

impl<T: Send + 'static> Worker<T> {
    fn start(
        network: &Arc<Network>,
        sources: &Arc<Sources>,
        answer: &Arc<impl Fn(&Desk<'_>, Row) -> Result<T, Diagnostic> + Send + Sync + 'static>,
    ) -> Self {
        let (work, mut inbox) = mpsc::channel::<Chunk>(EACH);
        let (outbox, done) = mpsc::channel(EACH);
        let (network, sources, answer) = (network.clone(), sources.clone(), answer.clone());
        let task = spawn_blocking(move || {
            let locator = Locator::new(&sources);
            let desk = Desk { network: &network, locator: &locator };
            let one = |row: Row| {
                let line = row.line;
                answer(&desk, row).map_err(|fault| LineError { line, message: told(&fault) })
            };
            while let Some(chunk) = inbox.blocking_recv() {
                let answers: Answers<T> = chunk.into_iter().map(|row| row.and_then(one)).collect();
                if outbox.blocking_send(answers).is_err() {
                    return;
                }
            }
        });
        Self { work, done, task }
    }
}

impl<T> Worker<T> {
    async fn give_out(
        &mut self,
        consume: &mut impl FnMut(Result<T, LineError>) -> io::Result<()>,
    ) -> Result<(), BatchError> {
        let answers = self.done.recv().await.unwrap_or_default();
        answers.into_iter().try_for_each(consume).map_err(BatchError::Write)
    }
}

fn told(fault: &Diagnostic) -> String {
    match &fault.help {
        Some(help) => format!("{}; {help}", fault.message),
        None => fault.message.clone(),
    }
}

async fn finished<R>(handle: JoinHandle<R>) -> R {
    match handle.await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// The layout a file name tells; otherwise its first line will.
fn layout_of(path: &Path) -> Option<Layout> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(Layout::Csv),
        "ndjson" | "jsonl" => Some(Layout::Ndjson),
        _ => None,
    }
}

/// Reads lines into chunks until the end, a fault of the file, or nobody wants more.
fn read(
    mut lines: Box<dyn BufRead + Send>,
    layout: Option<Layout>,
    cancel: &Cancel,
    chunks: &mpsc::Sender<io::Result<Chunk>>,
) {
    let mut parser = Lines::new(layout);
    let mut text = String::new();
    loop {
        let mut chunk = Vec::with_capacity(CHUNK);
        let mut more = true;
        while chunk.len() < CHUNK && more {
            text.clear();
            match lines.read_line(&mut text) {
                Ok(0) => more = false,
                Ok(_) => chunk.extend(parser.take(text.trim_end_matches('\n')).transpose()),
                Err(error) => {
                    let _ = chunks.blocking_send(Err(error));
                    return;
                }
            }
            more &= !parser.is_lost();
        }
        let gone = !chunk.is_empty() && chunks.blocking_send(Ok(chunk)).is_err();
        if gone || !more || cancel.is_asked() {
            return;
        }
    }
}
