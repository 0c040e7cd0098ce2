//! Network Watcher's answers for people: tables where Azure gives lists, a line or two where it gives a word.

use super::clean::clean;
use super::style::{Paint, Style};
use super::table::{Cell, Fit, Table};
use crate::analysis::{
    ConnectivityInformation, Diagnosis, EffectiveGroup, EffectiveGroups, EffectiveRouteView, EffectiveRoutes,
    EvaluatedGroup, FlowVerification, GroupResult, NextHopResult, ProfileResult,
};

/// So many prefixes are written out; of more, the number.
const WRITTEN_OUT: usize = 3;

/// Effective routes as a table, the beaten ones too.
pub fn routes(out: &mut String, answer: &EffectiveRoutes, style: &Style) {
    let mut table = Table::new(&[
        ("Source", Fit::Keep),
        ("State", Fit::Keep),
        ("Address Prefix", Fit::Middle),
        ("Next Hop Type", Fit::Keep),
        ("Next Hop IP", Fit::End),
        ("Name", Fit::Middle),
    ]);
    for route in &answer.value {
        let paint = if route.state == "Active" { Paint::Plain } else { Paint::Dim };
        table.row(vec![
            Cell::new(paint, route.source),
            Cell::new(paint, route.state),
            Cell::new(paint, &covered(route)),
            Cell::new(paint, route.next_hop_type.unwrap_or("?")),
            Cell::new(paint, &route.next_hop_ip_address.join(" ")),
            Cell::new(paint, route.name.as_deref().unwrap_or_default()),
        ]);
    }
    table.write(out, style, 0);
    let own = answer.value.iter().filter_map(|r| r.unknown.as_ref());
    unknown(out, style, answer.unknown.iter().chain(own));
}

/// What a route covers: its service tag, or its prefixes.
fn covered(route: &EffectiveRouteView) -> String {
    match &route.destination_service_tags[..] {
        [] => prefixes(&route.address_prefix),
        tags => tags.join(" "),
    }
}

fn prefixes(all: &[String]) -> String {
    if all.len() <= WRITTEN_OUT {
        return all.join(" ");
    }
    let first = all[..WRITTEN_OUT - 1].join(" ");
    format!("{first} and {} more", all.len() + 1 - WRITTEN_OUT)
}

/// Effective rules, a table for each group.
pub fn rules(out: &mut String, answer: &EffectiveGroups, style: &Style) {
    if answer.value.is_empty() && answer.unknown.is_empty() {
        out.push_str("no network security group is attached: nothing is denied (NSG-5)\n");
    }
    for (number, group) in answer.value.iter().enumerate() {
        if number > 0 {
            out.push('\n');
        }
        out.push_str(&style.paint(Paint::Strong, &heading(group)));
        out.push('\n');
        group_table(group).write(out, style, 2);
        let own = group.effective_security_rules.iter().flat_map(|r| &r.unknown);
        unknown(out, style, group.unknown.iter().chain(own));
    }
    unknown(out, style, answer.unknown.iter());
}

fn heading(group: &EffectiveGroup) -> String {
    let place = &group.association;
    let name = group.network_security_group.as_ref().map(|g| last(&g.id));
    match (&place.network_manager, &place.network_interface, &place.subnet) {
        (Some(manager), ..) => format!("security admin rules of {}", last(&manager.id)),
        (_, Some(nic), _) => format!("{} on the interface {}", name.unwrap_or_default(), last(&nic.id)),
        (_, _, Some(subnet)) => format!("{} on the subnet {}", name.unwrap_or_default(), last(&subnet.id)),
        _ => name.unwrap_or_default(),
    }
}

fn group_table(group: &EffectiveGroup) -> Table {
    let mut table = Table::new(&[
        ("Direction", Fit::Keep),
        ("Priority", Fit::Keep),
        ("Access", Fit::Keep),
        ("Protocol", Fit::Keep),
        ("Source", Fit::Middle),
        ("Destination", Fit::Middle),
        ("Port", Fit::End),
        ("Name", Fit::Middle),
    ])
    .right(1);
    for rule in &group.effective_security_rules {
        let access = rule.note.map_or_else(|| rule.access.unwrap_or("?"), |_| "AlwaysAllow");
        let paint = if access == "Deny" { Paint::Bad } else { Paint::Plain };
        table.row(vec![
            Cell::new(Paint::Plain, rule.direction),
            Cell::new(Paint::Plain, &rule.priority.to_string()),
            Cell::new(paint, access),
            Cell::new(Paint::Plain, &rule.protocol),
            Cell::new(Paint::Plain, &prefixes(&rule.source_address_prefixes)),
            Cell::new(Paint::Plain, &prefixes(&rule.destination_address_prefixes)),
            Cell::new(Paint::Plain, &ports(&rule.destination_port_ranges)),
            Cell::new(Paint::Name, &rule.name),
        ]);
    }
    table
}

/// `443` for `443-443`, `*` for all.
fn ports(ranges: &[String]) -> String {
    let short = |range: &String| match range.split_once('-') {
        Some(("0", "65535")) => "*".to_owned(),
        Some((first, last)) if first == last => first.to_owned(),
        _ => range.clone(),
    };
    ranges.iter().map(short).collect::<Vec<_>>().join(" ")
}

/// The name at the end of a resource id.
fn last(id: &str) -> String {
    clean(id.rsplit('/').next().unwrap_or(id)).into_owned()
}

/// The next hop, and the route that says so.
pub fn next_hop(out: &mut String, answer: &NextHopResult, style: &Style) {
    field(out, style, "next hop", answer.next_hop_type.unwrap_or("not known"));
    match &answer.all[..] {
        [] => optional(out, style, "address", answer.next_hop_ip_address.as_deref()),
        all => field(out, style, "addresses", &all.join(" ")),
    }
    if let Some(route) = &answer.route {
        let name = route.name.as_deref().map(|n| format!("{n}, ")).unwrap_or_default();
        let text = format!("{name}{} (source {})", route.address_prefix, route.source);
        field(out, style, "route", &text);
    }
    optional(out, style, "table", answer.route_table_id.as_deref());
    unknown(out, style, answer.unknown.iter());
}

/// Allow or Deny, and the rule.
pub fn flow_verify(out: &mut String, answer: &FlowVerification, style: &Style) {
    let access = answer.access.unwrap_or("not known");
    out.push_str(&style.paint(paint(answer.access), access));
    out.push('\n');
    optional(out, style, "rule", answer.rule_name.as_deref());
    optional(out, style, "group", answer.group.as_deref());
    optional(out, style, "on", answer.applied_to.as_deref());
    optional(out, style, "note", answer.note);
    if let Some(known) = &answer.known {
        let access = known.access.unwrap_or("nothing");
        let rule = known.rule_name.as_deref().map(|r| format!(" by {r}")).unwrap_or_default();
        field(out, style, "known rules", &format!("{access}{rule}"));
    }
    unknown(out, style, answer.unknown.iter());
}

fn paint(access: Option<&str>) -> Paint {
    match access {
        Some("Allow") => Paint::Good,
        Some(_) => Paint::Bad,
        None => Paint::Warn,
    }
}

/// The status, the hops, and what stops it at which.
pub fn connectivity(out: &mut String, answer: &ConnectivityInformation, style: &Style) {
    let paint = match answer.connection_status {
        "Reachable" => Paint::Good,
        "Unreachable" => Paint::Bad,
        _ => Paint::Warn,
    };
    out.push_str(&style.paint(paint, answer.connection_status));
    out.push('\n');
    optional(out, style, "cause", answer.cause);
    let mut table = Table::new(&[
        ("Hop", Fit::Keep),
        ("Type", Fit::Keep),
        ("Address", Fit::Keep),
        ("Resource", Fit::Start),
        ("Issue", Fit::Keep),
        ("Why", Fit::End),
    ]);
    for (number, hop) in answer.hops.iter().enumerate() {
        let resource = last(hop.known_resource.as_deref().unwrap_or(&hop.resource_id));
        let cell = |issue: Option<&crate::analysis::Issue>| match issue {
            Some(issue) => [
                Cell::new(Paint::Bad, &format!("{} {}", issue.origin, issue.kind)),
                Cell::new(Paint::Plain, &issue.note),
            ],
            None => [Cell::new(Paint::Plain, ""), Cell::new(Paint::Plain, "")],
        };
        let first = vec![
            Cell::new(Paint::Plain, &(number + 1).to_string()),
            Cell::new(Paint::Plain, hop.kind),
            Cell::new(Paint::Plain, hop.address.as_deref().unwrap_or_default()),
            Cell::new(Paint::Name, &resource),
        ];
        table.row(first.into_iter().chain(cell(hop.issues.first())).collect());
        for issue in hop.issues.iter().skip(1) {
            let blank = (0..4).map(|_| Cell::new(Paint::Plain, ""));
            table.row(blank.chain(cell(Some(issue))).collect());
        }
    }
    table.write(out, style, 2);
    for text in &answer.assumptions {
        field(out, style, "assumed", text);
    }
    unknown(out, style, answer.unknown.iter());
}

/// Every rule looked at, and which part of it matched.
pub fn diagnosis(out: &mut String, answer: &Diagnosis, style: &Style) {
    for ProfileResult { network_security_group_result: result, .. } in &answer.results {
        let GroupResult { security_rule_access_result: access, note, .. } = result;
        out.push_str(&style.paint(paint(*access), access.unwrap_or("not known")));
        out.push('\n');
        optional(out, style, "note", *note);
        for group in &result.evaluated_network_security_groups {
            evaluated(out, group, style);
        }
        unknown(out, style, result.unknown.iter());
    }
}

fn evaluated(out: &mut String, group: &EvaluatedGroup, style: &Style) {
    let reached = if group.not_reached { " (not asked: an earlier one denies)" } else { "" };
    let heading = format!(
        "\n{} on {}{reached}",
        last(group.network_security_group_id.as_deref().unwrap_or_default()),
        last(group.applied_to.as_deref().unwrap_or_default())
    );
    out.push_str(&style.paint(Paint::Strong, &heading));
    out.push('\n');
    if let Some(rule) = &group.matched_rule {
        let text = format!("{} ({})", rule.rule_name, rule.action.unwrap_or("?"));
        field(out, style, "matched", &text);
    }
    let mut table = Table::new(&[
        ("Rule", Fit::Middle),
        ("protocol", Fit::Keep),
        ("source", Fit::Keep),
        ("source port", Fit::Keep),
        ("destination", Fit::Keep),
        ("destination port", Fit::Keep),
    ]);
    let signs = style.signs();
    let known = |matched: bool| {
        Cell::new(if matched { Paint::Good } else { Paint::Bad }, if matched { signs.yes } else { signs.no })
    };
    let maybe = |matched: Option<bool>| matched.map_or_else(|| Cell::new(Paint::Warn, signs.unknown), known);
    for rule in &group.rules_evaluation_result {
        table.row(vec![
            Cell::new(Paint::Plain, &rule.name),
            known(rule.protocol_matched),
            maybe(rule.source_matched),
            known(rule.source_port_matched),
            maybe(rule.destination_matched),
            known(rule.destination_port_matched),
        ]);
    }
    table.write(out, style, 2);
    if !group.partly.is_empty() {
        field(out, style, "match a part", &group.partly.join(", "));
    }
    unknown(out, style, group.unknown.iter());
}

fn optional(out: &mut String, style: &Style, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        field(out, style, name, value);
    }
}

fn field(out: &mut String, style: &Style, name: &str, value: &str) {
    out.push_str(&format!("  {}  {}\n", style.paint(Paint::Dim, name), clean(value)));
}

/// What the files would have to say, each thing once.
fn unknown<'a>(out: &mut String, style: &Style, texts: impl Iterator<Item = &'a String>) {
    let mut said: Vec<&str> = Vec::new();
    for text in texts {
        if !said.contains(&text.as_str()) {
            said.push(text);
            let line = format!("  {} {}\n", style.paint(Paint::Warn, "not known:"), clean(text));
            out.push_str(&line);
        }
    }
}
