//! The impact report as Markdown, for pull requests and wikis.

use super::text::{left_out, merged, plural, targets, told};
use super::{CauseGroup, ImpactReport};
use crate::analysis::impact::Status;

/// Writes a report.
pub fn markdown(out: &mut String, report: &ImpactReport) {
    let summary = &report.summary;
    let verdict = summary.verdict(report.is_changed());
    out.push_str(&format!("## {verdict}: {}\n\n", inline(&report.question)));
    out.push_str(&format!(
        "{}: {}, {}, {}.\n\n",
        inline(&report.subject),
        plural(summary.workloads, "workload", "workloads"),
        plural(summary.dependencies, "dependency", "dependencies"),
        plural(summary.flows, "flow", "flows")
    ));
    if let Some(text) = left_out(summary.left_out) {
        out.push_str(&format!("**{text}**\n\n"));
    }
    out.push_str("| status | dependencies |\n|---|---:|\n");
    for status in Status::ALL.into_iter().filter(|status| summary.of(*status) > 0) {
        out.push_str(&format!("| {status} | {} |\n", summary.of(status)));
    }
    if !report.changes.is_empty() {
        out.push_str("\n### Changed\n\n");
        for change in &report.changes {
            out.push_str(&format!("- {}\n", inline(&change.text)));
        }
    }
    if !report.causes.is_empty() {
        out.push_str("\n### Why\n");
    }
    report.causes.iter().for_each(|group| cause(out, report, group));
    untouched(out, report, Status::Repaired, "Works now, and did not before");
    untouched(out, report, Status::Works, "Still works");
    if !report.remarks.is_empty() {
        out.push_str("\n### To know\n\n");
        report.remarks.iter().for_each(|remark| out.push_str(&format!("- {}\n", inline(remark))));
    }
}

fn cause(out: &mut String, report: &ImpactReport, group: &CauseGroup) {
    let code = group.cause.as_ref().map_or("no cause is told", |c| c.code.code());
    let decider =
        group.evidence.decider.as_deref().map(|d| format!(" by `{}`", ticks(d))).unwrap_or_default();
    let place = group.evidence.place().map(|p| format!(" ({})", inline(&p))).unwrap_or_default();
    let before = if group.before { ", before the change too" } else { "" };
    out.push_str(&format!("\n#### {}. {code}{decider}{place}{before}\n\n", group.number));
    if let Some(missing) = &group.missing {
        out.push_str(&format!("Missing: {}\n\n", inline(missing)));
    }
    if !group.quote.lines.is_empty() {
        // As many back quotes as it takes for none of the lines to end the block.
        let fence = "`".repeat(longest_ticks(group).max(2) + 1);
        out.push_str(&format!("{fence}yaml\n"));
        group
            .quote
            .lines
            .iter()
            .for_each(|line| out.push_str(&format!("{}\n", super::super::clean::clean(&line.text))));
        out.push_str(&format!("{fence}\n\n"));
    }
    out.push_str("| status | workload | dependency | target | what is seen |\n|---|---|---|---|---|\n");
    for row in merged(report, group) {
        let mut workloads = row.workloads.clone();
        workloads.dedup();
        let cells = [
            row.row.status.word(),
            &workloads.join(", "),
            &row.row.dependency,
            &targets(row.row),
            &told(row.row),
        ]
        .map(inline);
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    for (number, fix) in group.fixes.iter().enumerate() {
        if number == 0 {
            out.push_str("\nPuts it right, tried out:\n\n");
        }
        out.push_str(&format!("{}. {}\n", number + 1, inline(&fix.text)));
        fix.changes.iter().for_each(|change| out.push_str(&format!("   - `{}`\n", ticks(change))));
        fix.caution.iter().for_each(|caution| out.push_str(&format!("   - {}\n", inline(caution))));
    }
    for missing in &group.no_fixes {
        let many = plural(missing.rows.len(), "dependency", "dependencies");
        out.push_str(&format!("\nNothing small opens {many} of these: {}\n", inline(&missing.text)));
    }
}

fn untouched(out: &mut String, report: &ImpactReport, status: Status, title: &str) {
    let rows: Vec<_> = report.rows.iter().filter(|row| row.status == status).collect();
    if rows.is_empty() {
        return;
    }
    out.push_str(&format!("\n### {title}\n\n"));
    out.push_str("| workload | dependency | target |\n|---|---|---|\n");
    for row in rows {
        let cells = [row.workload.as_str(), &row.dependency, &targets(row)].map(inline);
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
}

fn longest_ticks(group: &CauseGroup) -> usize {
    let runs = |text: &str| text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    group.quote.lines.iter().map(|line| runs(&line.text)).max().unwrap_or(0)
}

/// Text that stays text: nothing in it makes a table cell, a heading, a link or HTML.
pub(in crate::report) fn inline(text: &str) -> String {
    let mut out = String::new();
    for c in super::super::clean::clean(&text.replace(['\n', '\r'], " ")).chars() {
        match c {
            '|' | '<' | '>' | '[' | ']' | '*' | '_' | '`' | '\\' | '#' | '!' | '~' => {
                out.push('\\');
                out.push(c);
            }
            '&' => out.push_str("&amp;"),
            c => out.push(c),
        }
    }
    out
}

/// Text inside back quotes.
fn ticks(text: &str) -> String {
    super::super::clean::clean(text).replace('`', "'").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        assert_eq!(inline("a|b <script> [x](y) `c`\nd"), "a\\|b \\<script\\> \\[x\\](y) \\`c\\` d");
    }
}
