//! Service tags: lists, who holds an address, and what changed between two publications.

use super::clean::clean;
use super::style::{Paint, Style};
use super::table::{Cell, Fit, Table};
use crate::net::{AddressSet, IpAddr, IpNet};
use crate::tags::{ServiceTags, TagChange, TagChangeKind, TagId};
use serde::Serialize;
use std::fmt::Write;

/// So many prefixes of one tag are shown unless all are wanted.
const SHOWN: usize = 8;

/// A table of tags as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TableView {
    /// `Public`, `AzureGovernment`, `China`.
    pub cloud: String,
    /// The number of the publication.
    pub change_number: u64,
    /// Its name.
    pub source: String,
}

/// A tag as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TagView {
    /// Its name.
    pub name: String,
    /// Its prefixes, IPv4 first; adjacent ones joined.
    pub address_prefixes: Vec<String>,
}

/// Who holds an address or prefix, as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HoldersView {
    /// The address or prefix as asked.
    pub asked: String,
    /// Tags that hold all of it, each with the prefixes that do.
    pub tags: Vec<TagView>,
    /// Tags that hold a part of it, each with that part.
    pub partly: Vec<TagView>,
}

/// What changed, as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangesView {
    /// The older table.
    pub before: TableView,
    /// The newer table.
    pub after: TableView,
    /// The tags that differ.
    pub changes: Vec<ChangeView>,
}

/// One tag that changed, as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeView {
    /// Its name.
    pub name: String,
    /// `new`, `gone` or `changed`.
    pub kind: &'static str,
    /// Prefixes that came.
    pub added: Vec<String>,
    /// Prefixes that went.
    pub removed: Vec<String>,
}

/// A table as data.
pub fn table_view(tags: &ServiceTags) -> TableView {
    TableView {
        cloud: tags.cloud().to_owned(),
        change_number: tags.change_number(),
        source: tags.source_name().to_owned(),
    }
}

/// A tag as data.
pub fn tag_view(tags: &ServiceTags, id: TagId) -> TagView {
    view_of(tags, id, tags.set(id))
}

fn view_of(tags: &ServiceTags, id: TagId, set: &AddressSet) -> TagView {
    TagView { name: tags.name(id).to_owned(), address_prefixes: words(set) }
}

fn words(set: &AddressSet) -> Vec<String> {
    set.to_prefixes().iter().map(ToString::to_string).collect()
}

/// Who holds a set, as data.
pub fn holders_view(tags: &ServiceTags, asked: &str, set: &AddressSet) -> HoldersView {
    let (all, part) = tags.holding_set(set);
    let first = set.first();
    // What holds an address is best told by the published prefix around it.
    let around = |id: &TagId| match first {
        Some(ip) => around(tags.set(*id), ip).into_iter().collect(),
        None => Vec::new(),
    };
    let whole =
        all.iter().map(|id| TagView { name: tags.name(*id).to_owned(), address_prefixes: around(id) });
    let partly = part.iter().map(|id| view_of(tags, *id, &tags.set(*id).intersection(set)));
    HoldersView { asked: asked.to_owned(), tags: whole.collect(), partly: partly.collect() }
}

fn around(set: &AddressSet, ip: IpAddr) -> Option<String> {
    set.to_prefixes().iter().find(|p: &&IpNet| p.contains(&ip)).map(ToString::to_string)
}

/// What changed, as data.
pub fn changes_view(before: &ServiceTags, after: &ServiceTags, changes: &[TagChange]) -> ChangesView {
    let view = |change: &TagChange| ChangeView {
        name: change.name.to_string(),
        kind: match change.kind {
            TagChangeKind::New => "new",
            TagChangeKind::Gone => "gone",
            TagChangeKind::Changed => "changed",
        },
        added: words(&change.added),
        removed: words(&change.removed),
    };
    ChangesView {
        before: table_view(before),
        after: table_view(after),
        changes: changes.iter().map(view).collect(),
    }
}

/// A list of tags with how many prefixes each has.
pub fn list(out: &mut String, tags: &ServiceTags, ids: &[TagId], style: &Style) {
    let mut table =
        Table::new(&[("tag", Fit::Keep), ("IPv4", Fit::Keep), ("IPv6", Fit::Keep), ("first", Fit::End)]);
    for id in ids {
        let prefixes = tags.set(*id).to_prefixes();
        let v4 = prefixes.iter().filter(|p| p.addr().is_ipv4()).count();
        let first = prefixes.first().map(ToString::to_string).unwrap_or_default();
        let numbers = [v4, prefixes.len() - v4].map(|n| n.to_string());
        table.row(vec![
            Cell::new(Paint::Plain, tags.name(*id)),
            Cell::new(Paint::Plain, &numbers[0]),
            Cell::new(Paint::Plain, &numbers[1]),
            Cell::new(Paint::Dim, &first),
        ]);
    }
    table.write(out, style, 0);
    let plural = if ids.len() == 1 { "" } else { "s" };
    line(out, &format!("{} tag{plural} of {}, in the {}", ids.len(), tags.len(), tags.source_name()));
}

/// The prefixes of a tag.
pub fn show(out: &mut String, tags: &ServiceTags, id: TagId, style: &Style) {
    line(out, &format!("{}  ({})", tags.name(id), tags.source_name()));
    prefixes(out, "  ", &words(tags.set(id)), usize::MAX, style);
}

/// Who holds an address or prefix.
pub fn holders(out: &mut String, tags: &ServiceTags, view: &HoldersView, style: &Style) {
    line(out, &view.asked);
    if view.tags.is_empty() && view.partly.is_empty() {
        line(out, &format!("  in none of the {} tags of the {}", tags.len(), tags.source_name()));
    }
    let wide = view.tags.iter().chain(&view.partly).map(|t| t.name.len()).max().unwrap_or(0);
    for tag in &view.tags {
        line(out, &format!("  {:<wide$}  {}", tag.name, tag.address_prefixes.join(", ")));
    }
    for tag in &view.partly {
        let shown = if style.verbose { usize::MAX } else { SHOWN };
        let more = tag.address_prefixes.len().saturating_sub(shown);
        let some: Vec<&str> = tag.address_prefixes.iter().take(shown).map(String::as_str).collect();
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        line(out, &format!("  {:<wide$}  a part: {}{rest}", tag.name, some.join(", ")));
    }
}

/// What changed.
pub fn changes(out: &mut String, view: &ChangesView, style: &Style) {
    for change in &view.changes {
        let sign = match change.kind {
            "new" => '+',
            "gone" => '-',
            _ => '~',
        };
        let counts = format!("+{} -{}", change.added.len(), change.removed.len());
        line(out, &format!("{sign} {}  {counts} prefixes", change.name));
        let shown = if style.verbose { usize::MAX } else { SHOWN };
        prefixes(out, "    + ", &change.added, shown, style);
        prefixes(out, "    - ", &change.removed, shown, style);
    }
    let count = |kind: &str| view.changes.iter().filter(|c| c.kind == kind).count();
    let (before, after) = (&view.before, &view.after);
    line(
        out,
        &format!(
            "{} tags new, {} gone, {} changed from change {} to change {} ({})",
            count("new"),
            count("gone"),
            count("changed"),
            before.change_number,
            after.change_number,
            after.cloud
        ),
    );
    if before.cloud != after.cloud {
        line(out, &format!("the files are of two clouds: {} and {}", before.cloud, after.cloud));
    }
}

fn prefixes(out: &mut String, margin: &str, all: &[String], most: usize, _style: &Style) {
    for prefix in all.iter().take(most) {
        line(out, &format!("{margin}{prefix}"));
    }
    if all.len() > most {
        line(out, &format!("{margin}... {} more (--verbose shows all)", all.len() - most));
    }
}

fn line(out: &mut String, text: &str) {
    // A `String` takes whatever is written to it.
    let _ = writeln!(out, "{}", clean(text));
}
