//! `netwhy reach --matrix`: all pairs of machines, by classes.

use super::args::{EstateArgs, OutputArgs};
use super::console::Console;
use super::sink::Sink;
use super::{Failure, exit, load};
use crate::diag::{At, Diagnostics, Sources};
use crate::fast::matrix::{Service, Side};
use crate::net::Protocol;
use crate::network::{AttachmentId, Network};
use crate::report::reach::ReachReport;
use crate::report::{self, Locator, TraceView};
use crate::run::engine;
use crate::run::load::Loaded;
use crate::run::reach::{Columns, Lines, Pairs, Taker, TooMany, word, write_members};
use crate::scenario::{self, Question};
use crate::trace::{self, Origin, Target, Wanted};
use clap::{Args as ClapArgs, ValueEnum};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// All pairs of machines.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(super) struct ReachArgs {
    /// Files and folders that describe the estate, any mix of formats; `-` is standard input
    #[arg(value_name = "ESTATE", required = true)]
    pub(super) estate: Vec<PathBuf>,
    /// Ask for every pair of machines, and the internet
    #[arg(long, required_unless_present = "explain")]
    pub(super) matrix: bool,
    /// What to ask for: `tcp/443`, `udp/53`, `icmp` (repeat for several); else SSH, RDP, HTTP, HTTPS, SQL, DNS and ICMP
    #[arg(long = "service", value_name = "PROTOCOL/PORT")]
    pub(super) service: Vec<String>,
    /// Write every pair of classes as CSV; `-` is standard output, and the summary goes to standard error then
    #[arg(long, value_name = "FILE")]
    pub(super) csv: Option<PathBuf>,
    /// Write every pair of classes as Parquet
    #[arg(long, value_name = "FILE")]
    pub(super) parquet: Option<PathBuf>,
    /// Write which machines are in each class, as CSV
    #[arg(long, value_name = "FILE")]
    pub(super) members: Option<PathBuf>,
    /// Show one cell and the trace behind it: two machines, and a port or `udp/53`
    #[arg(long, num_args = 3, value_names = ["FROM", "TO", "PORT"])]
    pub(super) explain: Option<Vec<String>>,
    /// Refuse what takes more flows than this; for the summary alone few flows answer for all
    #[arg(long, value_name = "FLOWS", default_value_t = 500_000_000)]
    pub(super) limit: u64,
    /// Pairs that may be asked one by one where one does not answer for its class; the rest stays unknown
    #[arg(long, value_name = "PAIRS", default_value_t = 1_000_000)]
    pub(super) engine_limit: u64,
    /// Show every cause
    #[arg(short, long)]
    pub(super) verbose: bool,
    #[command(flatten)]
    pub(super) settings: EstateArgs,
    /// Output format of the summary
    #[arg(long, value_enum, default_value_t = ReachFormat::Text, value_name = "FORMAT", help_heading = "Output")]
    pub(super) format: ReachFormat,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// Formats of the summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ReachFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

const EXAMPLES: &str = "\
Examples:
  netwhy reach estate.yaml --matrix
  netwhy reach export/ --matrix --service tcp/443 --service tcp/1433 --parquet pairs.parquet --members classes.csv
  netwhy reach estate.yaml --explain web-vm db-vm 1433";

/// What is asked for where nobody says.
const USUAL: [(Protocol, u16); 7] = [
    (Protocol::Tcp, 22),
    (Protocol::Tcp, 80),
    (Protocol::Tcp, 443),
    (Protocol::Tcp, 1433),
    (Protocol::Tcp, 3389),
    (Protocol::Udp, 53),
    (Protocol::Icmp, 0),
];

/// The most services asked for at once.
const MOST_SERVICES: usize = 1_024;

/// Asks for all pairs, or shows one cell.
pub(super) async fn run(args: ReachArgs, console: &Console) -> Result<u8, Failure> {
    let services = services(&args)?;
    let table_on_stdout = table_on_stdout(&args)?;
    let mut loaded = load::loaded(&args.estate, &[], &args.settings.settings(), Sources::default()).await?;
    let profile = load::profile(&args.settings.profile_set)?;
    let changes = std::mem::take(&mut loaded.changes);
    let (network, log) = load::consumed(&mut loaded, &changes, profile, args.settings.lenient, console)?;
    for line in &log {
        console.say(&format!("changed: {line}"));
    }
    let as_compiled = changes.is_empty() && args.settings.profile_set.is_empty();
    let tables = load::tables(&loaded, &network, as_compiled);
    let network = Arc::new(network);
    if let Some(words) = &args.explain {
        return explain(&args, words, network, &loaded, console).await;
    }
    let pairs = Arc::new(Pairs::new(network, tables, services).await);
    let report = ask(&args, &pairs, console).await?;
    let mut text = String::new();
    if table_on_stdout && args.output.output.is_none() {
        report::reach::text(&mut text, &report, &console.style(console.colors_stderr(), args.verbose));
        console.write(&text);
        return Ok(exit::DONE);
    }
    let mut out = Sink::open(args.output.output.as_deref(), console)?;
    let style = console.style(out.colors(console), args.verbose);
    match args.format {
        ReachFormat::Text => report::reach::text(&mut text, &report, &style),
        ReachFormat::Json => report::json::pretty(&mut text, &report),
    }
    out.write_all(text.as_bytes())?;
    out.finish()?;
    Ok(exit::DONE)
}

/// Whether a table takes standard output, so that the summary goes to standard error. One thing alone can be there, and
/// only text.
fn table_on_stdout(args: &ReachArgs) -> Result<bool, Failure> {
    let is_stdout = |path: &Option<PathBuf>| path.as_ref().is_some_and(|path| path.as_os_str() == "-");
    if is_stdout(&args.parquet) {
        let message = "`--parquet -`: Parquet is no text for standard output; name a file";
        return Err(Failure::Usage(message.into()));
    }
    let several =
        [&args.csv, &args.members, &args.output.output].into_iter().filter(|p| is_stdout(p)).count();
    let table = is_stdout(&args.csv) || is_stdout(&args.members);
    if several > 1 || table && args.output.output.is_none() && args.format == ReachFormat::Json {
        let message = "standard output takes one of the pairs, the classes and the summary; name files for the others: \
                       `--csv FILE`, `--members FILE`, `-o FILE`";
        return Err(Failure::Usage(message.into()));
    }
    Ok(table)
}

fn services(args: &ReachArgs) -> Result<Vec<Service>, Failure> {
    let mut services: Vec<Service> = match args.service.is_empty() {
        true => USUAL.map(|(protocol, port)| Service { protocol, port }).to_vec(),
        false => args.service.iter().map(|text| service("--service", text)).collect::<Result<_, _>>()?,
    };
    let mut seen = Vec::new();
    services.retain(|service| {
        let new = !seen.contains(service);
        seen.push(*service);
        new
    });
    if services.len() > MOST_SERVICES {
        return Err(Failure::Usage(format!("more than {MOST_SERVICES} services")));
    }
    Ok(services)
}

/// `443`, `tcp/443`, `icmp`.
fn service(flag: &str, text: &str) -> Result<Service, Failure> {
    let (protocol, port) = match text.trim().split_once('/') {
        Some((protocol, port)) => (protocol, Some(port)),
        None if text.trim().parse::<u32>().is_ok() => ("tcp", Some(text)),
        None => (text.trim(), None),
    };
    let fault = |why: String| Failure::Usage(format!("`{flag}`: `{text}`: {why}"));
    let Some(protocol) = Protocol::parse(protocol) else {
        let turned = port.and_then(Protocol::parse).filter(|_| protocol.trim().parse::<u16>().is_ok());
        return Err(fault(match turned {
            Some(turned) => {
                format!("the protocol comes first: `{}/{protocol}`", turned.name().to_lowercase())
            }
            None => {
                "this is neither a port, as in `443`, nor a protocol with one, as in `udp/53` or `icmp`; the \
                     protocols are tcp, udp, icmp, esp, ah"
                    .into()
            }
        }));
    };
    let port = match (protocol.has_ports(), port) {
        (false, None) => 0,
        (false, Some(_)) => return Err(fault(format!("{protocol} has no ports"))),
        (true, None) => return Err(fault("the port is missing, as in `tcp/443`".into())),
        (true, Some(port)) => match port.trim().parse::<u16>() {
            Ok(port) if port != 0 => port,
            _ => return Err(fault(format!("`{port}` is not a port from 1 to 65535"))),
        },
    };
    Ok(Service { protocol, port })
}

/// A file that several hands write to, one after the other.
#[derive(Clone)]
struct Shared(Arc<Mutex<Sink>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}

impl Shared {
    fn create(path: &Option<PathBuf>, console: &Console) -> Result<Option<Self>, Failure> {
        match path {
            Some(path) => Ok(Some(Self(Arc::new(Mutex::new(Sink::open(Some(path), console)?))))),
            None => Ok(None),
        }
    }

    /// Puts the file in its place, once nobody else holds it.
    fn finish(self) -> Result<(), Failure> {
        if let Some(file) = Arc::into_inner(self.0) {
            file.into_inner().unwrap_or_else(PoisonError::into_inner).finish()?;
        }
        Ok(())
    }
}

async fn ask(args: &ReachArgs, pairs: &Arc<Pairs>, console: &Console) -> Result<ReachReport, Failure> {
    let (csv, parquet) = (Shared::create(&args.csv, console)?, Shared::create(&args.parquet, console)?);
    let mut takers: Vec<Box<dyn Taker>> = Vec::new();
    if let Some(file) = &csv {
        takers.push(Box::new(Lines::new(io::BufWriter::new(file.clone()))?));
    }
    if let Some(file) = &parquet {
        takers.push(Box::new(Columns::new(file.clone())?));
    }
    let report = match pairs.clone().ask(args.limit, args.engine_limit, &mut takers).await {
        Ok(report) => report?,
        Err(too_many) => return Err(refused(&too_many, args.limit)),
    };
    drop(takers);
    for file in [csv, parquet].into_iter().flatten() {
        file.finish()?;
    }
    if let Some(path) = &args.members {
        let mut file = Sink::open(Some(path), console)?;
        write_members(pairs, &mut file)?;
        file.finish()?;
    }
    Ok(report)
}

fn refused(too_many: &TooMany, limit: u64) -> Failure {
    let TooMany { sides, services, flows } = too_many;
    Failure::Usage(format!(
        "{sides} ends by {sides} ends by {services} services are {flows} flows, more than the limit of {limit}; ask for fewer services, or raise `--limit`"
    ))
}

/// One cell, and the trace behind it.
async fn explain(
    args: &ReachArgs,
    words: &[String],
    network: Arc<Network>,
    loaded: &Loaded,
    console: &Console,
) -> Result<u8, Failure> {
    let service = service("--explain", &words[2])?;
    let end = |text: &str| scenario::endpoint(text).map_err(|e| Failure::Usage(format!("`--explain`: {e}")));
    let question = Question {
        from: end(&words[0])?.endpoint,
        to: end(&words[1])?.endpoint,
        protocol: service.protocol,
        port: service.protocol.has_ports().then_some(service.port),
        source_port: None,
        identity: None,
        action: None,
        path: None,
    };
    let locator = Locator::new(&loaded.sources);
    let told = |fault| {
        let mut notes = Diagnostics::new();
        notes.push(fault);
        console.diagnostics(&notes, locator.sources());
        Failure::Input(Vec::new())
    };
    let answer = engine::answer(&question, None, At::NOWHERE, &network).map_err(told)?;
    let view = TraceView::with(&answer, &network, &locator);
    let ends = trace::understand(&network, &answer.flow).ok().and_then(|q| ends(&q));
    let mut out = Sink::open(args.output.output.as_deref(), console)?;
    let style = console.style(out.colors(console), args.verbose);
    let mut text = String::new();
    if args.format == ReachFormat::Json {
        report::json::pretty(&mut text, &view);
    } else {
        let pairs = Pairs::new(network.clone(), None, vec![service]).await;
        text.push_str(&cell(&pairs, ends, args.engine_limit));
        report::text::trace(&mut text, &view, &style);
    }
    out.write_all(text.as_bytes())?;
    out.finish()?;
    Ok(exit::DONE)
}

/// The two ends, where both are machines or the internet.
fn ends(question: &trace::Question) -> Option<(Option<AttachmentId>, Option<AttachmentId>)> {
    let from = match &question.origin {
        Origin::Attachment(id) => Some(*id),
        Origin::Internet(_) => None,
        _ => return None,
    };
    let to = match &question.target {
        Wanted::Address(_, Some(Target::Attachment(id))) => Some(*id),
        Wanted::Address(_, Some(Target::Internet)) => None,
        _ => return None,
    };
    Some((from, to))
}

/// What the matrix says of the classes of two ends.
fn cell(pairs: &Pairs, ends: Option<(Option<AttachmentId>, Option<AttachmentId>)>, budget: u64) -> String {
    let side = |end: Option<AttachmentId>| match end {
        None => Some(Side::Internet),
        Some(id) => match pairs.classes().of.get(id.index()).copied() {
            Some(class) if (class as usize) < pairs.classes().list.len() => Some(Side::Class(class)),
            _ => None,
        },
    };
    let sides = ends.and_then(|(from, to)| Some((side(from)?, side(to)?)));
    let Some((from, to)) = sides else {
        return "not a cell of the matrix: one of the ends is neither a machine nor the internet\n\n".into();
    };
    let mut text =
        format!("cell: {} -> {} {}: ", pairs.name(from), pairs.name(to), word(pairs.services()[0]));
    let cells = pairs.between(from, to, budget);
    let told: Vec<String> = cells
        .iter()
        .map(|cell| {
            let cause = cell.cause.map(|c| format!(" {}", c.code())).unwrap_or_default();
            let many = if cell.pairs == 1 { "pair" } else { "pairs" };
            format!("{}{cause} for {} {many}", cell.outcome.word(), cell.pairs)
        })
        .collect();
    text.push_str(&if told.is_empty() { "the same machine".to_owned() } else { told.join(", ") });
    text.push_str("\n\n");
    text
}
