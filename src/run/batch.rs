//! Batches of flows from a file of any length: read as a stream, answered on all cores, given out in order.

use super::cancel::Cancel;
use super::engine;
use super::files::{self, FileError};
use super::load::workers;
use crate::diag::At;
use crate::network::Network;
use crate::scenario::{Layout, LineError, Lines, Row};
use crate::trace::Trace;
use std::collections::VecDeque;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

/// Lines handed to a worker at once.
const CHUNK: usize = 256;

/// What came of a line.
#[derive(Debug)]
pub enum Answer<T> {
    /// The flow was traced.
    Traced(usize, T),
    /// The line is faulty.
    Faulty(LineError),
}

/// How a batch ended.
#[derive(Debug)]
pub enum BatchError {
    /// The file cannot be read.
    File(FileError),
    /// The answers cannot be written.
    Write(io::Error),
}

/// Counts of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Flows traced.
    pub traced: usize,
    /// Faulty lines.
    pub faulty: usize,
}

type Chunk = Vec<Result<Row, LineError>>;

/// Answers every flow of a file. `view` runs on the workers, `consume` here, in the order of the lines.
pub async fn run<T: Send + 'static>(
    path: PathBuf,
    network: Arc<Network>,
    cancel: Cancel,
    view: impl Fn(&Trace) -> T + Send + Sync + 'static,
    mut consume: impl FnMut(Answer<T>) -> io::Result<()>,
) -> Result<Count, BatchError> {
    let (chunks, mut ready) = mpsc::channel::<io::Result<Chunk>>(2);
    let layout = layout_of(&path);
    let lines = files::open_lines(&path).map_err(BatchError::File)?;
    let stop = cancel.clone();
    let reader = spawn_blocking(move || read(lines, layout, &stop, &chunks));
    let view = Arc::new(view);
    let mut running: VecDeque<JoinHandle<Vec<Answer<T>>>> = VecDeque::new();
    let mut count = Count::default();
    let mut result = Ok(());
    while let Some(chunk) = ready.recv().await {
        if running.len() >= 2 * workers() {
            result = result.and(give_out(running.pop_front(), &mut count, &mut consume).await);
        }
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => {
                let error = FileError { path: path.clone(), fault: files::FileFault::Read(error) };
                result = result.and(Err(BatchError::File(error)));
                break;
            }
        };
        if result.is_err() || cancel.is_asked() {
            cancel.now();
            break;
        }
        let (network, view) = (network.clone(), view.clone());
        running.push_back(spawn_blocking(move || answer(chunk, &network, &*view)));
    }
    while let Some(handle) = running.pop_front() {
        if result.is_ok() {
            result = give_out(Some(handle), &mut count, &mut consume).await;
        }
    }
    drop(ready);
    finished(reader).await;
    result.map(|()| count)
}

async fn finished<R>(handle: JoinHandle<R>) -> R {
    match handle.await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

async fn give_out<T>(
    handle: Option<JoinHandle<Vec<Answer<T>>>>,
    count: &mut Count,
    consume: &mut impl FnMut(Answer<T>) -> io::Result<()>,
) -> Result<(), BatchError> {
    let Some(handle) = handle else { return Ok(()) };
    for answer in finished(handle).await {
        match &answer {
            Answer::Traced(..) => count.traced += 1,
            Answer::Faulty(_) => count.faulty += 1,
        }
        consume(answer).map_err(BatchError::Write)?;
    }
    Ok(())
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

fn answer<T>(chunk: Chunk, network: &Network, view: &impl Fn(&Trace) -> T) -> Vec<Answer<T>> {
    let one = |row: Row| {
        let line = row.line;
        match engine::flow(&row.question, row.name, At::NOWHERE, network) {
            Ok(flow) => Answer::Traced(line, view(&engine::answer(network, &flow))),
            Err(fault) => Answer::Faulty(LineError { line, message: fault.message }),
        }
    };
    chunk.into_iter().map(|row| row.map_or_else(Answer::Faulty, one)).collect()
}
