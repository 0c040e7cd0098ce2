//! The catalogue of needs: for a person, for a program, for a page.

use super::clean::clean;
use super::layout::{Margin, Words, flow};
use super::style::{Paint, Style};
use super::table::{Cell, Fit, Table};
use crate::catalogue::{Catalogue, Filter, Name, Need, Source};
use serde::Serialize;

/// The version of the JSON.
const VERSION: &str = "netwhy/catalogue-view/1";

/// A catalogue, or the part of it that is asked for.
#[derive(Clone, Debug, Serialize)]
pub struct CatalogueView {
    schema: &'static str,
    name: String,
    /// The region that is filled into names.
    region: String,
    needs: Vec<NeedView>,
    tags: Vec<TagView>,
}

/// A need.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NeedView {
    id: String,
    service: String,
    label: String,
    purpose: String,
    direction: &'static str,
    workloads: Vec<&'static str>,
    from: Vec<&'static str>,
    names: Vec<NameView>,
    addresses: Vec<String>,
    service_tags: Vec<String>,
    ports: Vec<String>,
    phases: Vec<&'static str>,
    block_shows: Vec<&'static str>,
    needed_for: Vec<String>,
    breaks: String,
    degrades: bool,
    outside: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    feature: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    only: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    setup: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disputed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<&'static str>,
    sources: Vec<SourceView>,
}

/// A name a need leads to.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NameView {
    host: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_dns_zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<&'static str>,
}

/// Where a fact was read.
#[derive(Clone, Debug, Serialize)]
struct SourceView {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
}

/// A service tag the needs come to.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TagView {
    name: String,
    what: String,
    azure_firewall: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    also_reaches: Option<String>,
}

impl CatalogueView {
    /// The needs that a filter wants.
    pub fn new(catalogue: &Catalogue, filter: &Filter, region: &str) -> Self {
        let needs: Vec<NeedView> =
            catalogue.select(filter).map(|need| view(catalogue, need, region)).collect();
        let used = |name: &str| {
            needs
                .iter()
                .flat_map(|n| &n.service_tags)
                .any(|tag| catalogue.tag(tag).is_some_and(|t| &*t.name == name))
        };
        let tags = catalogue.tags.iter().filter(|tag| used(&tag.name)).map(|tag| TagView {
            name: tag.name.to_string(),
            what: tag.what.to_string(),
            azure_firewall: tag.azure_firewall,
            also_reaches: tag.others.as_deref().map(Into::into),
        });
        let tags = tags.collect();
        Self { schema: VERSION, name: catalogue.name.to_string(), region: region.into(), needs, tags }
    }

    /// Whether nothing is wanted.
    pub fn is_empty(&self) -> bool {
        self.needs.is_empty()
    }
}

fn view(catalogue: &Catalogue, need: &Need, region: &str) -> NeedView {
    let service = catalogue.service(&need.service);
    let names: Vec<NameView> = need.names(region).into_iter().map(name).collect();
    let mut service_tags: Vec<String> = names.iter().filter_map(|n| n.service_tag.clone()).collect();
    service_tags.extend(need.tags.iter().map(|tag| tag.replace("{region}", region)));
    service_tags.sort();
    service_tags.dedup();
    let texts = |list: &[std::sync::Arc<str>]| list.iter().map(ToString::to_string).collect();
    NeedView {
        id: need.id.to_string(),
        service: need.service.to_string(),
        label: service.map_or(&need.service, |s| &s.label).to_string(),
        purpose: service.map_or("", |s| &s.purpose).to_owned(),
        direction: need.direction.word(),
        workloads: need.workloads.iter().map(|w| w.word()).collect(),
        from: need.from.iter().map(|a| a.word()).collect(),
        names,
        addresses: need.addresses.iter().map(ToString::to_string).collect(),
        service_tags,
        ports: need.ports.iter().map(ToString::to_string).collect(),
        phases: need.phases.iter().map(|p| p.word()).collect(),
        block_shows: need.moments().iter().map(|m| m.word()).collect(),
        needed_for: texts(&need.needed_for),
        breaks: need.breaks.to_string(),
        degrades: need.degrades,
        outside: need.outside,
        feature: need.feature.as_deref().map(Into::into),
        only: need.only.iter().map(|c| c.word()).collect(),
        setup: texts(&need.setup),
        disputed: need.disputed.as_deref().map(Into::into),
        since: need.since.map(era),
        until: need.until.map(era),
        sources: need.sources.iter().map(|id| source(catalogue, id)).collect(),
    }
}

fn name(name: Name) -> NameView {
    NameView { host: name.host, service_tag: name.tag, private_dns_zone: name.zone, group_id: name.group }
}

fn source(catalogue: &Catalogue, id: &str) -> SourceView {
    let found: Option<&Source> = catalogue.sources.iter().find(|s| &*s.id == id);
    SourceView {
        id: id.into(),
        page: found.map(|s| s.page.to_string()),
        date: found.and_then(|s| s.date.as_deref()).map(Into::into),
    }
}

fn era(era: crate::profile::MlEra) -> &'static str {
    crate::catalogue::era_word(era)
}

/// The catalogue for a person: a table for each service, or everything about each need.
pub fn text(view: &CatalogueView, style: &Style) -> String {
    let mut out = String::new();
    let mut services: Vec<&str> = Vec::new();
    for need in &view.needs {
        if !services.contains(&&*need.service) {
            services.push(&need.service);
        }
    }
    for service in services {
        let needs: Vec<&NeedView> = view.needs.iter().filter(|n| n.service == service).collect();
        let Some(first) = needs.first() else { continue };
        let words = Words::default().text(Paint::Strong, &first.label);
        let words = words.text(Paint::Dim, &format!("{} {}", style.signs().note, first.purpose));
        flow(&mut out, style, Margin::blank(0), &words);
        match style.verbose {
            true => needs.iter().for_each(|need| whole(&mut out, need, style)),
            false => table(&mut out, &needs, style),
        }
        out.push('\n');
    }
    let plural = if view.needs.len() == 1 { "" } else { "s" };
    out.push_str(&format!("{} need{plural}, names for {}", view.needs.len(), clean(&view.region)));
    out.push_str(if style.verbose {
        "\n"
    } else {
        "; --verbose tells when, what for, and where each was read\n"
    });
    out
}

fn table(out: &mut String, needs: &[&NeedView], style: &Style) {
    let columns = [
        ("need", Fit::Keep),
        ("to", Fit::Middle),
        ("ports", Fit::End),
        ("service tag", Fit::End),
        ("when", Fit::End),
        ("only", Fit::End),
    ];
    let mut table = Table::new(&columns);
    for need in needs {
        for (line, (target, tag)) in targets(need).into_iter().enumerate() {
            let first = |text: String| if line == 0 { text } else { String::new() };
            table.row(vec![
                Cell::new(Paint::Name, &first(need.id.clone())),
                Cell::new(Paint::Plain, &target),
                Cell::new(Paint::Plain, &first(need.ports.join(", "))),
                Cell::new(if tag == "-" { Paint::Dim } else { Paint::Plain }, &tag),
                Cell::new(Paint::Dim, &first(need.phases.join(", "))),
                Cell::new(Paint::Dim, &first(only(need))),
            ]);
        }
    }
    table.write(out, style, 2);
}

/// For whom alone it is needed.
fn only(need: &NeedView) -> String {
    let mut words: Vec<&str> = need.only.clone();
    words.extend(need.feature.as_deref());
    words.extend(need.disputed.as_ref().map(|_| "disputed"));
    words.join(", ")
}

/// Names with their tags; what is no name in words.
fn targets(need: &NeedView) -> Vec<(String, String)> {
    let dash = |tag: &Option<String>| tag.clone().unwrap_or_else(|| "-".into());
    let mut found: Vec<(String, String)> =
        need.names.iter().map(|n| (n.host.clone(), dash(&n.service_tag))).collect();
    found.extend(need.addresses.iter().map(|a| (a.clone(), "-".into())));
    if need.direction == "inbound" {
        found.extend(need.service_tags.iter().map(|tag| ("the workload, from".into(), tag.clone())));
    }
    if found.is_empty() {
        found.push(("outside your network".into(), "-".into()));
    }
    found
}

fn whole(out: &mut String, need: &NeedView, style: &Style) {
    let head = Words::default().text(Paint::Name, &need.id).text(Paint::Plain, &need.ports.join(", "));
    flow(out, style, Margin::blank(2), &head);
    let mut say = |label: &str, text: &str| {
        if !text.is_empty() {
            let first = format!("      {label:<12}");
            let words = Words::default().text(Paint::Plain, text);
            flow(out, style, Margin { first: &first, rest: "                  ", columns: 18 }, &words);
        }
    };
    for (target, tag) in targets(need) {
        let zone = need.names.iter().find(|n| n.host == target).and_then(|n| n.private_dns_zone.as_deref());
        let zone = zone.map_or(String::new(), |zone| format!(", privately {zone}"));
        let tag = if tag == "-" { "no service tag" } else { &tag };
        say("to", &format!("{target} ({tag}{zone})"));
    }
    say("opened by", &need.from.join(", "));
    say("for", &need.needed_for.join("; "));
    say("when", &format!("{}; a block shows {}", need.phases.join(", "), need.block_shows.join(", ")));
    say("without it", &need.breaks);
    say("only for", need.feature.as_deref().unwrap_or(""));
    say("only with", &need.only.join(", "));
    say("set up", &need.setup.join("; "));
    say("disputed", need.disputed.as_deref().unwrap_or(""));
    let era = [need.since.map(|e| format!("since {e}")), need.until.map(|e| format!("until {e}"))];
    say("texts", &era.into_iter().flatten().collect::<Vec<_>>().join(", "));
    pages(&need.sources).iter().for_each(|page| say("read in", page));
}

/// Each page once, with the dates of the texts that were read.
fn pages(sources: &[SourceView]) -> Vec<String> {
    let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
    for source in sources {
        let page = source.page.as_deref().unwrap_or(&source.id);
        let date = source.date.as_deref().unwrap_or("undated");
        match found.iter_mut().find(|(known, _)| *known == page) {
            Some((_, dates)) => dates.push(date),
            None => found.push((page, vec![date])),
        }
    }
    found.into_iter().map(|(page, dates)| format!("{page} ({})", dates.join(", "))).collect()
}

/// The catalogue as a Markdown table.
pub fn markdown(view: &CatalogueView) -> String {
    let mut out = format!("# {}\n\nNames are filled in for `{}`.\n\n", cell(&view.name), cell(&view.region));
    out.push_str("| Need | Opened by | To | Ports | Service tag | Private DNS zone | When | Needed for | Without it | Read in |\n");
    out.push_str("|---|---|---|---|---|---|---|---|---|---|\n");
    for need in &view.needs {
        let list = |items: &[String]| {
            items.iter().map(|i| format!("`{}`", cell(i))).collect::<Vec<_>>().join("<br>")
        };
        let hosts: Vec<String> =
            need.names.iter().map(|n| n.host.clone()).chain(need.addresses.clone()).collect();
        let mut zones: Vec<String> = need.names.iter().filter_map(|n| n.private_dns_zone.clone()).collect();
        zones.dedup();
        let read: Vec<String> = need.sources.iter().map(read_in).collect();
        let row = [
            format!("`{}`", cell(&need.id)),
            need.from.join(", "),
            if hosts.is_empty() { cell(&need.label) } else { list(&hosts) },
            list(&need.ports),
            list(&need.service_tags),
            list(&zones),
            need.phases.join(", "),
            cell(&need.needed_for.join("; ")),
            cell(&need.breaks),
            read.join(", "),
        ];
        out.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    out
}

fn read_in(source: &SourceView) -> String {
    match &source.page {
        Some(page) if page.starts_with("https://") => format!("[{}]({})", cell(&source.id), cell(page)),
        _ => cell(&source.id),
    }
}

/// A text that cannot leave its cell.
fn cell(text: &str) -> String {
    clean(text).replace('|', "\\|").replace('`', "'").replace('<', "&lt;").replace('\n', " ")
}
