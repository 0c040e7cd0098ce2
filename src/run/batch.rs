//! Batches of flows from a file of any length: read as a stream, answered on all cores, given out in order.
//!
//! A reader cuts the stream into blocks of whole lines and does nothing else to them but count; the dispatcher gives
//! the blocks to the workers in turn and takes their answers in the same turn, so order needs no sorting. A worker
//! takes the lines apart, answers them and writes the answers, all into one text for a block. Never more than
//! [`EACH`] blocks for each worker are under way, so memory does not depend on the length of the file.

mod blocks;
mod together;

use super::cancel::Cancel;
use super::engine;
use super::files::{self, FileError, FileFault};
use super::load::workers;
use crate::diag::{Diagnostic, Sources};
use crate::fast::Fast;
use crate::network::Network;
use crate::report::Locator;
use crate::scenario::{Layout, LineError, Lines, Row};
use crate::trace::{Decision, Flow};
use blocks::{Block, read};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use together::Clerk;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

/// Blocks a worker may have at once.
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

/// How lines are answered.
pub enum Work {
    /// One after the other, each as the desk likes.
    Each(AnswerOne),
    /// Decided together and written one after the other: the fast way, for short answers.
    Together(WriteOne),
}

/// Answers a flow and appends to the text of its block.
pub type AnswerOne = Box<dyn Fn(&Desk<'_>, Row, &mut String) -> Result<(), Diagnostic> + Send + Sync>;

/// Writes a decision: line, flow, what was decided, and the text of the block.
pub type WriteOne = Box<dyn Fn(usize, &Flow, &Decision, &mut String) + Send + Sync>;

/// The answers to a block of lines.
#[derive(Debug, Default)]
pub struct Answers {
    /// What the workers wrote, in the order of the lines.
    pub text: String,
    /// How many flows were answered.
    pub flows: u64,
    /// The lines that could not be.
    pub faults: Vec<LineError>,
    /// How many bytes the lines had.
    pub bytes: u64,
}

/// A batch whose file is open.
pub struct Batch {
    path: PathBuf,
    stream: Box<dyn io::Read + Send>,
    length: Option<u64>,
}

impl Batch {
    /// Opens the file.
    pub fn open(path: PathBuf) -> Result<Self, FileError> {
        let (stream, length) = files::open_stream(&path)?;
        Ok(Self { path, stream, length })
    }

    /// Its length in bytes, where that is known.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// Answers every flow. `work` is done by the workers; `consume` runs here, in the order of the lines. When somebody
    /// asks to stop, the blocks under way are still given out.
    pub async fn run(
        self,
        network: Arc<Network>,
        sources: Arc<Sources>,
        cancel: Cancel,
        work: Work,
        mut consume: impl FnMut(Answers) -> io::Result<()>,
    ) -> Result<(), BatchError> {
        let Batch { path, stream, .. } = self;
        let (blocks, mut ready) = mpsc::channel::<io::Result<Block>>(EACH);
        let (lines, stop) = (Lines::new(layout_of(&path)), cancel.clone());
        let reader = spawn_blocking(move || read(stream, lines, &stop, &blocks));
        let fast = match work {
            Work::Each(_) => None,
            Work::Together(_) => {
                let network = network.clone();
                Some(Arc::new(finished(spawn_blocking(move || engine::fast(&network))).await))
            }
        };
        let desk = Shared { network, sources, fast, work: Arc::new(work) };
        let mut crew: Vec<Worker> = (0..workers()).map(|_| Worker::start(&desk)).collect();
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
}

async fn dispatch(
    path: &Path,
    ready: &mut mpsc::Receiver<io::Result<Block>>,
    crew: &mut [Worker],
    cancel: &Cancel,
    consume: &mut impl FnMut(Answers) -> io::Result<()>,
) -> Result<(), BatchError> {
    let number = crew.len();
    let (mut given, mut taken) = (0, 0);
    loop {
        let block = tokio::select! {
            block = ready.recv() => block,
            () = cancel.asked() => None,
            // Whoever waits for input, at a terminal or behind a pipe, sees the answers to what came so far.
            answers = crew[taken % number].done.recv(), if taken < given => {
                consume(answers.unwrap_or_default()).map_err(BatchError::Write)?;
                taken += 1;
                continue;
            }
        };
        let Some(block) = block else { break };
        let fault = |error| FileError { path: path.to_owned(), fault: FileFault::Read(error) };
        let block = block.map_err(|error| BatchError::File(fault(error)))?;
        if given - taken == EACH * number {
            crew[taken % number].give_out(consume).await?;
            taken += 1;
        }
        // A worker that is gone has panicked, and tells so when it is joined.
        if crew[given % number].work.send(block).await.is_err() {
            return Ok(());
        }
        given += 1;
    }
    while taken < given {
        crew[taken % number].give_out(consume).await?;
        taken += 1;
    }
    Ok(())
}

/// What all workers share.
#[derive(Clone)]
struct Shared {
    network: Arc<Network>,
    sources: Arc<Sources>,
    fast: Option<Arc<Fast>>,
    work: Arc<Work>,
}

struct Worker {
    work: mpsc::Sender<Block>,
    done: mpsc::Receiver<Answers>,
    task: JoinHandle<()>,
}

impl Worker {
    fn start(shared: &Shared) -> Self {
        let (work, mut inbox) = mpsc::channel::<Block>(EACH);
        let (outbox, done) = mpsc::channel(EACH);
        let shared = shared.clone();
        let task = spawn_blocking(move || {
            let locator = Locator::new(&shared.sources);
            let desk = Desk { network: &shared.network, locator: &locator };
            let mut clerk = shared.fast.as_deref().map(|fast| Clerk::new(&shared.network, fast));
            while let Some(block) = inbox.blocking_recv() {
                let mut answers = Answers { bytes: block.len(), ..Answers::default() };
                match (&*shared.work, &mut clerk) {
                    (Work::Together(write), Some(clerk)) => clerk.answer(&block, write, &mut answers),
                    (Work::Each(answer), _) => each(&block, &desk, answer, &mut answers),
                    (Work::Together(_), None) => {}
                }
                if outbox.blocking_send(answers).is_err() {
                    return;
                }
            }
        });
        Self { work, done, task }
    }

    async fn give_out(
        &mut self,
        consume: &mut impl FnMut(Answers) -> io::Result<()>,
    ) -> Result<(), BatchError> {
        consume(self.done.recv().await.unwrap_or_default()).map_err(BatchError::Write)
    }
}

/// Answers the lines of a block one after the other.
fn each(block: &Block, desk: &Desk<'_>, answer: &AnswerOne, answers: &mut Answers) {
    for row in block.rows() {
        let result = row.and_then(|row| {
            let (line, before) = (row.line, answers.text.len());
            answer(desk, row, &mut answers.text).map_err(|fault| {
                answers.text.truncate(before);
                LineError { line, message: told(&fault) }
            })
        });
        match result {
            Ok(()) => answers.flows += 1,
            Err(fault) => answers.faults.push(fault),
        }
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
