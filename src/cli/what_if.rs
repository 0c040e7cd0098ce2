//! `netwhy what-if`: what a change breaks.

use super::args::{BlockBy, ImpactFormat, WhatIfArgs};
use super::console::Console;
use super::sink::Sink;
use super::{Failure, catalogue, exit, flow_changes, load, names, trace};
use crate::analysis::block::{Block, By};
use crate::analysis::change_text::{ChangeText, quoted};
use crate::analysis::impact::{Subjects, Who};
use crate::catalogue::Catalogue;
use crate::diag::{Diagnostics, Sources};
use crate::inventory::change::Change;
use crate::net::{PortRange, Protocol, parse_prefix};
use crate::network::Network;
use crate::profile::Profile;
use crate::report::impact::{self, Heading, ImpactReport};
use crate::report::{self, Locator, Style};
use crate::run::load::{Loaded, Settings};
use crate::run::repair::{self, Budget};
use crate::run::what_if::{self as engine, Ask, Estate, WhatIf};
use crate::scenario::Scenario;
use std::io::Write;
use std::path::Path;

/// Asks, for the estate or for each scenario.
pub(super) async fn run(args: WhatIfArgs, console: &Console) -> Result<u8, Failure> {
    let ask = ask(&args)?;
    let nothing = ask.blocks.is_empty() && ask.typed.is_empty() && args.settings.change.is_empty();
    if nothing && args.service_tags_after.is_none() {
        return Err(Failure::Usage(
            "nothing is to change; `--block-outbound`, `--remove NAME`, `--change FILE` ...".into(),
        ));
    }
    if let Some(flows) = &args.flows {
        return flow_changes::run(&args, flows, &ask.typed, console).await;
    }
    let known = catalogue::with(&args.catalogue, console)?;
    let mut reports = Vec::new();
    if args.scenario.is_empty() {
        let estate = Desk::of_estate(&args).await?;
        reports.push(estate.report(&args, ask.clone(), &known, console)?);
    }
    for path in &args.scenario {
        let estate = Desk::of_scenario(path, &args, console).await?;
        reports.push(estate.report(&args, ask.clone(), &known, console)?);
    }
    let mut out = Sink::open(args.output.output.as_deref(), console)?;
    let style = console.style(out.colors(console), args.verbose);
    out.write_all(written(&reports, args.format, &style).as_bytes())?;
    out.finish()?;
    let broken = reports.iter().any(|report| report.summary.harmed() > 0);
    Ok(if broken && args.fail_on_break { exit::FAILED } else { exit::DONE })
}

fn written(reports: &[ImpactReport], format: ImpactFormat, style: &Style) -> String {
    let mut text = String::new();
    match (format, reports) {
        (ImpactFormat::Json, [one]) => report::json::pretty(&mut text, one),
        (ImpactFormat::Json, several) => report::json::pretty(&mut text, several),
        (_, several) => {
            for (number, report) in several.iter().enumerate() {
                if number > 0 {
                    text.push('\n');
                }
                match format {
                    ImpactFormat::Markdown => impact::markdown(&mut text, report),
                    _ => impact::text(&mut text, report, style),
                }
            }
        }
    }
    text
}

/// What is said of an estate in which nothing sends or answers.
const EMPTY: &str =
    "nothing in the estate sends or answers: it has no machine, subnet or service with a name";

/// Whom to ask about, as the flags say.
fn who(args: &WhatIfArgs, network: &Network) -> Result<Who, Failure> {
    for name in &args.client {
        names::sender(network, "--client", name)?;
    }
    let workloads = names::workloads(network, &args.workload)?;
    Ok(Who { clients: args.client.clone(), workloads, implied: args.implied, most: args.places })
}

/// More repairs than this are an allow-list.
const MANY: usize = 3;

/// An estate that is asked about, before it is compiled.
struct Desk {
    subject: String,
    loaded: Loaded,
    scenario: Option<Scenario>,
    base: Vec<Change>,
    profile: Profile,
}

impl Desk {
    async fn of_estate(args: &WhatIfArgs) -> Result<Desk, Failure> {
        let profile = load::profile(&args.settings.profile_set)?;
        let settings =
            Settings { service_tags_after: args.service_tags_after.clone(), ..args.settings.settings() };
        let loaded = load::loaded(&args.estate, &[], &settings, Sources::default()).await?;
        let subject = args.estate.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ");
        Ok(Desk { subject, loaded, scenario: None, base: Vec::new(), profile })
    }

    async fn of_scenario(path: &Path, args: &WhatIfArgs, console: &Console) -> Result<Desk, Failure> {
        let (sources, scenario) = trace::read_scenario(path, console)?;
        let parts = trace::parts(&args.estate, &args.settings, Some((path, &sources, &scenario)))?;
        let profile = load::profile(&parts.knobs)?;
        let settings = Settings { service_tags_after: args.service_tags_after.clone(), ..parts.settings };
        let loaded = load::loaded(&parts.paths, &parts.inline, &settings, parts.sources).await?;
        let subject = format!("{} ({})", scenario.name, path.display());
        Ok(Desk { subject, loaded, scenario: Some(scenario), base: parts.changes, profile })
    }

    fn estate(&self) -> Estate<'_> {
        Estate {
            raws: &self.loaded.raws,
            base: &self.base,
            profile: &self.profile,
            tags: &self.loaded.tags,
            known: &self.loaded.notes,
        }
    }

    /// The flows of the scenario, else what the estate's workloads need.
    fn subjects(
        &mut self,
        catalogue: &Catalogue,
        before: Network,
        who: &Who,
        notes: &mut Diagnostics,
    ) -> (Network, Subjects) {
        if let Some(scenario) = &self.scenario {
            let subjects = engine::of_pack(&scenario.cases, catalogue, &before, notes);
            return (before, subjects);
        }
        let mut base = std::mem::take(&mut self.base);
        let mut sources = std::mem::take(&mut self.loaded.sources);
        let compile =
            |base: &[Change], notes: &mut Diagnostics| Estate { base, ..self.estate() }.network(&[], notes).0;
        let found = engine::of_estate(catalogue, who, &before, &mut base, &mut sources, notes, compile);
        (self.base, self.loaded.sources) = (base, sources);
        found
    }

    fn report(
        mut self,
        args: &WhatIfArgs,
        mut ask: Ask,
        known: &Catalogue,
        console: &Console,
    ) -> Result<ImpactReport, Failure> {
        ask.files = std::mem::take(&mut self.loaded.changes);
        let lenient = args.settings.lenient;
        let (before, _) =
            load::compiled(&mut self.loaded, &self.base, self.profile.clone(), lenient, console)?;
        ask.tags = self.loaded.tags_after.clone();
        let who = who(args, &before)?;
        let mut notes = Diagnostics::new();
        let (before, mut subjects) = self.subjects(known, before, &who, &mut notes);
        if subjects.needs.is_empty() && self.scenario.is_none() {
            subjects.remarks.push(EMPTY.into());
        } else if subjects.needs.is_empty() {
            console.diagnostics(&notes, &self.loaded.sources);
            return Err(Failure::Input(vec!["the scenario has no flow to ask about".into()]));
        }
        let words = ask.words.clone();
        let mut sources = std::mem::take(&mut self.loaded.sources);
        let estate = self.estate();
        let answer =
            engine::ask(estate, before, subjects, &ask, &mut sources, &mut notes).map_err(|obstacle| {
                match obstacle.is_unknown_name() {
                    true => Failure::Input(vec![obstacle.to_string()]),
                    false => Failure::Usage(obstacle.to_string()),
                }
            })?;
        console.diagnostics(&notes, &sources);
        let Some(answer) = answer else { return Err(Failure::Input(Vec::new())) };
        let heading = Heading {
            subject: self.subject.clone(),
            question: words,
            change_file: answer.text.clone(),
            remarks: answer.remarks.clone(),
            left_out: answer.left_out,
        };
        let locator = Locator::new(&sources);
        let mut report =
            ImpactReport::new(heading, &answer.workloads, &answer.impacts, &answer.log, &locator);
        if !args.no_fixes {
            self.fixes(&answer, &mut report);
        }
        Ok(report)
    }

    /// What would put right what does not work, tried out on the changed estate.
    fn fixes(&self, answer: &WhatIf, report: &mut ImpactReport) {
        let base = [&self.base[..], &answer.changes].concat();
        let estate = Estate { base: &base, ..self.estate() };
        let mut budget = Budget::for_resources(self.loaded.raws.len());
        let found = repair::of_impacts(estate, &answer.after, &answer.impacts, &mut budget);
        found.shared.iter().for_each(|shared| report.add_fix(shared.view()));
        if found.shared.len() > MANY && self.scenario.is_none() {
            report.remarks.push("`netwhy requirements` prints what is needed as one allow-list".into());
        }
        for (why, impacts) in &found.without {
            report.add_no_fix(why, impacts);
        }
    }
}

/// The question of the flags.
fn ask(args: &WhatIfArgs) -> Result<Ask, Failure> {
    let mut ask = Ask { subnets: args.subnet.clone(), ..Ask::default() };
    let mut words = Words::default();
    if args.block_outbound {
        ask.blocks.push(Block::Outbound(by(args.by)));
        words.add(&format!("outbound blocked {}", means(args.by)));
    }
    for text in &args.block_tag {
        let (tag, rest) = text.split_once(':').map_or((&**text, None), |(tag, rest)| (tag, Some(rest)));
        let (ports, protocol) = rest.map_or(Ok((Vec::new(), None)), |rest| ports("--block-tag", rest))?;
        ask.blocks.push(Block::To { destination: tag.into(), ports, protocol });
        words.add(&format!("{text} blocked"));
    }
    for text in &args.block_port {
        let (ports, protocol) = ports("--block-port", text)?;
        ask.blocks.push(Block::To { destination: "*".into(), ports, protocol });
        words.add(&format!("port {text} blocked"));
    }
    for text in &args.block_prefix {
        if parse_prefix(text).is_none() {
            return Err(Failure::Usage(format!("`--block-prefix`: `{text}` is not an address prefix")));
        }
        ask.blocks.push(Block::To { destination: text.as_str().into(), ports: Vec::new(), protocol: None });
        words.add(&format!("{text} blocked"));
    }
    for name in &args.block_fqdn {
        ask.blocks.push(Block::Fqdn(name.as_str().into()));
        words.add(&format!("{name} blocked"));
    }
    for name in &args.switch_off {
        ask.blocks.push(Block::SwitchOff(name.as_str().into()));
        words.add(&format!("{name} switched off"));
    }
    for name in &args.disable_public_access {
        ask.blocks.push(Block::PublicAccess(name.as_str().into()));
        words.add(&format!("public access of {name} disabled"));
    }
    if let Some(file) = &args.service_tags_after {
        words.add(&format!("service tags of {}", file.display()));
    }
    typed(args, &mut ask.typed, &mut words)?;
    args.settings.change.iter().for_each(|file| words.add(&format!("changes of {}", file.display())));
    if !args.subnet.is_empty() {
        words.add(&format!("at {}", args.subnet.join(", ")));
    }
    ask.words = words.0;
    Ok(ask)
}

/// The question in words, part by part.
#[derive(Default)]
struct Words(String);

impl Words {
    fn add(&mut self, part: &str) {
        if !self.0.is_empty() {
            self.0.push_str("; ");
        }
        self.0.push_str(part);
    }
}

fn typed(args: &WhatIfArgs, text: &mut ChangeText, words: &mut Words) -> Result<(), Failure> {
    for name in &args.remove {
        // What refers to it goes with it, as it would have to in Azure.
        text.detach(name);
        words.add(&format!("{name} removed"));
    }
    for item in &args.add {
        let item = item.replace('\n', " ");
        text.line(format!("add: {item}"));
        words.add(&format!("added {item}"));
    }
    for item in &args.set {
        let parts = item.split_once('=').and_then(|(left, value)| Some((left.rsplit_once(':')?, value)));
        let Some(((target, property), value)) = parts else {
            return Err(Failure::Usage(format!("`--set {item}` is not of the form NAME:PROPERTY=VALUE")));
        };
        let scalar = value.is_empty() || !value.starts_with(['[', '{', '"', '\'']);
        let number = value.parse::<i64>().is_ok() || ["true", "false", "null"].contains(&value);
        let value = if scalar && !number { quoted(value) } else { value.replace('\n', " ") };
        text.set(target, property, &value);
        words.add(&format!("{target} {property} = {value}"));
    }
    Ok(())
}

/// `443,8787/tcp` as ports and protocol.
fn ports(flag: &str, text: &str) -> Result<(Vec<PortRange>, Option<Protocol>), Failure> {
    let (ports, protocol) = text.split_once('/').map_or((text, None), |(ports, rest)| (ports, Some(rest)));
    let fault = |what: &str| Failure::Usage(format!("`{flag}`: `{what}` is neither a port nor a range"));
    let ports: Result<Vec<PortRange>, Failure> =
        ports.split(',').map(|part| PortRange::parse(part.trim()).ok_or_else(|| fault(part))).collect();
    let protocol = match protocol {
        None => None,
        Some(name) => Some(Protocol::parse(name).ok_or_else(|| {
            Failure::Usage(format!("`{flag}`: `{name}` is none of tcp, udp, icmp, esp, ah"))
        })?),
    };
    Ok((ports?, protocol))
}

fn by(by: BlockBy) -> By {
    match by {
        BlockBy::Nsg => By::Nsg,
        BlockBy::RouteNone => By::RouteNone,
        BlockBy::Firewall => By::Firewall,
        BlockBy::NoDefaultOutbound => By::NoDefaultOutbound,
        BlockBy::ManagedNetwork => By::ManagedNetwork,
    }
}

fn means(by: BlockBy) -> &'static str {
    match by {
        BlockBy::Nsg => "by a security rule that denies the tag Internet",
        BlockBy::RouteNone => "by a route of 0.0.0.0/0 to None",
        BlockBy::Firewall => "by a firewall without rules",
        BlockBy::NoDefaultOutbound => "by taking default outbound access away",
        BlockBy::ManagedNetwork => "by a managed network with approved outbound only",
    }
}
