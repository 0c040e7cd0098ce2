//! Batches of flows from a file of any length: read as a stream, answered on all cores, given out in order.
//!
//! A reader cuts the stream into blocks of whole lines and does nothing else to them but count; the dispatcher gives
//! the blocks to the workers in turn and takes their answers in the same turn, so order needs no sorting. A worker
//! takes the lines apart, answers them and writes the answers, all into one text for a block. Never more than
//! `EACH` blocks for each worker are under way, so memory does not depend on the length of the file.

mod blocks;

use super::cancel::Cancel;
use super::engine::{self, Decided, Traced};
use super::files::{self, FileError, FileFault};
use super::load::workers;
use super::snapshot::Standby;
use crate::diag::{Diagnostic, Sources};
use crate::fast::{self, Asker, Fast, Known};
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
    /// The network of a stored estate cannot be made.
    Estate(String),
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Estate {
    /// A network that is there, and its documents.
    Ready(Arc<Network>, Arc<Sources>, Short),
    /// Tables of a stored estate, which give short answers.
    Stored(Arc<Standby>),
}

/// What a worker needs to answer a line.
pub struct Desk<'a> {
    /// The network.
    pub network: &'a Network,
    /// Finds places in the documents.
    pub locator: &'a Locator<'a>,
}

/// What answers a row: it gets the short answer, or a desk with the network where such are not wanted, and appends to a
/// text.
pub trait Answer: Fn(Ask<'_>, Row, &mut String) -> Result<(), Diagnostic> + Send + Sync + 'static {}

impl<F> Answer for F where F: Fn(Ask<'_>, Row, &mut String) -> Result<(), Diagnostic> + Send + Sync + 'static {}

/// How a row is to be answered.
pub enum Ask<'a> {
    /// By the whole trace.
    Whole(&'a Desk<'a>),
    /// By this short answer.
    Short(Decided),
    /// By this one with its path.
    Path(Traced),
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
    /// What keeps the network from being made, which ends the batch.
    broken: Option<String>,
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
    /// Yes, and with the path of each; by tables, where they are there.
    Path(Option<Arc<Fast>>),
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
        estate: Estate,
        cancel: Cancel,
        answer: impl Answer,
        mut consume: impl FnMut(Answers) -> io::Result<()>,
    ) -> Result<(), BatchError> {
        let Batch { path, stream, .. } = self;
        let (blocks, mut ready) = mpsc::channel::<io::Result<Block>>(EACH);
        let (lines, stop) = (Lines::new(layout_of(&path)), cancel.clone());
        let reader = spawn_blocking(move || read(stream, lines, &stop, &blocks));
        let answer = Arc::new(answer);
        let estate = Arc::new(compiled(estate).await);
        let mut crew: Vec<Worker> = (0..workers()).map(|_| Worker::start(&estate, &answer)).collect();
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

/// The same estate, its tables compiled where they are wanted.
async fn compiled(estate: Estate) -> Estate {
    match estate {
        Estate::Ready(network, sources, Short::Yes) => {
            let own = network.clone();
            let tables = finished(spawn_blocking(move || fast::compile(&own))).await;
            Estate::Ready(network, sources, Short::By(Arc::new(tables)))
        }
        Estate::Ready(network, sources, Short::Path(None)) => {
            let own = network.clone();
            let tables = finished(spawn_blocking(move || fast::compile(&own))).await;
            Estate::Ready(network, sources, Short::Path(Some(Arc::new(tables))))
        }
        estate => estate,
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
                give(answers.unwrap_or_default(), consume)?;
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
    fn start(estate: &Arc<Estate>, answer: &Arc<impl Answer>) -> Self {
        let (work, inbox) = mpsc::channel::<Block>(EACH);
        let (outbox, done) = mpsc::channel(EACH);
        let (estate, answer) = (estate.clone(), answer.clone());
        let task = spawn_blocking(move || match &*estate {
            Estate::Ready(network, sources, short) => {
                let locator = Locator::new(sources);
                let desk = Desk { network, locator: &locator };
                let mut asker = match short {
                    Short::By(tables) | Short::Path(Some(tables)) => Some(Asker::new(network, tables)),
                    Short::Yes | Short::No | Short::Path(None) => None,
                };
                let deep = matches!(short, Short::Path(_));
                serve(inbox, &outbox, &*answer, |rows| {
                    Ok(match &mut asker {
                        Some(asker) if deep => {
                            engine::trace_all(asker, network, rows).into_iter().map(Ask::Path).collect()
                        }
                        Some(asker) => shortly(engine::decide_all(asker, network, rows)),
                        None => rows.iter().map(|_| Ask::Whole(&desk)).collect(),
                    })
                });
            }
            Estate::Stored(standby) => {
                let mut known = Known::new(&standby.tables, &standby.directory);
                let mut asker = None;
                serve(inbox, &outbox, &*answer, |rows| {
                    engine::decide_stored(&mut known, &mut asker, standby, rows).map(shortly)
                });
            }
        });
        Self { work, done, task }
    }

    async fn give_out(
        &mut self,
        consume: &mut impl FnMut(Answers) -> io::Result<()>,
    ) -> Result<(), BatchError> {
        give(self.done.recv().await.unwrap_or_default(), consume)
    }
}

fn shortly<'a>(decided: Vec<Decided>) -> Vec<Ask<'a>> {
    decided.into_iter().map(Ask::Short).collect()
}

/// Gives out the answers to a block, unless they are none.
fn give(answers: Answers, consume: &mut impl FnMut(Answers) -> io::Result<()>) -> Result<(), BatchError> {
    match answers.broken {
        Some(why) => Err(BatchError::Estate(why)),
        None => consume(answers).map_err(BatchError::Write),
    }
}

/// Answers blocks until there are no more: `asks` tells how each of the sound rows of one is to be answered.
fn serve<'a>(
    mut inbox: mpsc::Receiver<Block>,
    outbox: &mpsc::Sender<Answers>,
    answer: &impl Answer,
    mut asks: impl FnMut(&[&Row]) -> Result<Vec<Ask<'a>>, String>,
) {
    while let Some(block) = inbox.blocking_recv() {
        let mut answers = Answers { bytes: block.len(), ..Answers::default() };
        let rows: Vec<Result<Row, LineError>> = block.rows().collect();
        let sound: Vec<&Row> = rows.iter().flatten().collect();
        match asks(&sound) {
            Ok(asks) => write(&mut answers, rows, asks, answer),
            Err(why) => answers.broken = Some(why),
        }
        if outbox.blocking_send(answers).is_err() {
            return;
        }
    }
}

fn write(answers: &mut Answers, rows: Vec<Result<Row, LineError>>, asks: Vec<Ask<'_>>, answer: &impl Answer) {
    let mut asks = asks.into_iter();
    for row in rows {
        let told = row.and_then(|row| {
            let (line, before) = (row.line, answers.text.len());
            let ask = asks.next().unwrap_or_else(|| unreachable!("INVARIANT: every sound row has an answer"));
            answer(ask, row, &mut answers.text).map_err(|fault| {
                answers.text.truncate(before);
                LineError { line, message: told(&fault) }
            })
        });
        match told {
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
pub fn layout_of(path: &Path) -> Option<Layout> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(Layout::Csv),
        "ndjson" | "jsonl" => Some(Layout::Ndjson),
        _ => None,
    }
}
