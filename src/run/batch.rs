//! Batches of flows from a file of any length: read as a stream, answered on all cores, given out in order.
//!
//! A reader cuts the stream into blocks of whole lines and does nothing else to them but count; the dispatcher gives
//! the blocks to the workers in turn and takes their answers in the same turn, so order needs no sorting. A worker
//! takes the lines apart, answers them and writes the answers, all into one text for a block. Never more than
//! `EACH` blocks for each worker are under way, so memory does not depend on the length of the file.

mod blocks;

use super::cancel::Cancel;
use super::engine::{self, Decided};
use super::files::{self, FileError, FileFault};
use super::load::workers;
use crate::diag::{Diagnostic, Sources};
use crate::fast::{self, Asker, Fast};
use crate::network::Network;
use crate::report::Locator;
use crate::scenario::{Layout, LineError, Lines, Row};
use blocks::{Block, read};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
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

/// What answers a row: it gets the short answer, where such are wanted, and appends to a text.
pub trait Answer:
    Fn(&Desk<'_>, Row, Option<Decided>, &mut String) -> Result<(), Diagnostic> + Send + Sync + 'static
{
}

impl<F> Answer for F where
    F: Fn(&Desk<'_>, Row, Option<Decided>, &mut String) -> Result<(), Diagnostic> + Send + Sync + 'static
{
}

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

/// Whether short answers are wanted.
#[derive(Clone, Debug)]
pub enum Short {
    /// No, every flow is traced whole.
    No,
    /// Yes; the tables are compiled.
    Yes,
    /// Yes, by these tables.
    By(Arc<Fast>),
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

    /// Answers every flow. `answer` runs on the workers and appends to the text of its block; where short answers are
    /// wanted it is given them, a block decided at once. `consume` runs here, in the order of the lines. When somebody
    /// asks to stop, the blocks under way are still given out.
    pub async fn run(
        self,
        network: Arc<Network>,
        sources: Arc<Sources>,
        cancel: Cancel,
        short: Short,
        answer: impl Answer,
        mut consume: impl FnMut(Answers) -> io::Result<()>,
    ) -> Result<(), BatchError> {
        let Batch { path, stream, .. } = self;
        let (blocks, mut ready) = mpsc::channel::<io::Result<Block>>(EACH);
        let (lines, stop) = (Lines::new(layout_of(&path)), cancel.clone());
        let reader = spawn_blocking(move || read(stream, lines, &stop, &blocks));
        let answer = Arc::new(answer);
        let fast = match short {
            Short::By(tables) => Some(tables),
            Short::Yes => {
                let network = network.clone();
                Some(Arc::new(finished(spawn_blocking(move || fast::compile(&network))).await))
            }
            Short::No => None,
        };
        let mut crew: Vec<Worker> =
            (0..workers()).map(|_| Worker::start(&network, fast.as_ref(), &sources, &answer)).collect();
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

struct Worker {
    work: mpsc::Sender<Block>,
    done: mpsc::Receiver<Answers>,
    task: JoinHandle<()>,
}

impl Worker {
    fn start(
        network: &Arc<Network>,
        fast: Option<&Arc<Fast>>,
        sources: &Arc<Sources>,
        answer: &Arc<impl Answer>,
    ) -> Self {
        let (work, mut inbox) = mpsc::channel::<Block>(EACH);
        let (outbox, done) = mpsc::channel(EACH);
        let (network, sources, answer) = (network.clone(), sources.clone(), answer.clone());
        let fast = fast.cloned();
        let task = spawn_blocking(move || {
            let locator = Locator::new(&sources);
            let desk = Desk { network: &network, locator: &locator };
            let mut asker = fast.as_deref().map(|fast| Asker::new(&network, fast));
            while let Some(block) = inbox.blocking_recv() {
                let mut answers = Answers { bytes: block.len(), ..Answers::default() };
                let rows: Vec<Result<Row, LineError>> = block.rows().collect();
                let mut short = asker.as_mut().map(|asker| {
                    let sound: Vec<&Row> = rows.iter().flatten().collect();
                    engine::decide_all(asker, &network, &sound).into_iter()
                });
                for row in rows {
                    let told = row.and_then(|row| {
                        let (line, before) = (row.line, answers.text.len());
                        let decided = short.as_mut().and_then(Iterator::next);
                        answer(&desk, row, decided, &mut answers.text).map_err(|fault| {
                            answers.text.truncate(before);
                            LineError { line, message: told(&fault) }
                        })
                    });
                    match told {
                        Ok(()) => answers.flows += 1,
                        Err(fault) => answers.faults.push(fault),
                    }
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
pub fn layout_of(path: &Path) -> Option<Layout> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(Layout::Csv),
        "ndjson" | "jsonl" => Some(Layout::Ndjson),
        _ => None,
    }
}
