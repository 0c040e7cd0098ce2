//! The comparison as Markdown, for pull requests.

use super::super::impact::{Answer, inline};
use super::super::text::brief;
use super::DiffReport;
use crate::analysis::compare::Difference;

/// Writes a report.
pub fn markdown(out: &mut String, report: &DiffReport) {
    let (word, _) = report.headline();
    out.push_str(&format!("## {word}: {} → {}\n\n", inline(&report.before), inline(&report.after)));
    let flows = match report.flows_asked {
        0 => report.counts(),
        asked => format!("{asked} flows asked, {} answered differently", report.behaviour.len()),
    };
    out.push_str(&format!("{flows}; {} resources differ.\n", report.configuration.len()));
    for difference in Difference::ALL.into_iter().filter(|difference| report.count(*difference) > 0) {
        out.push_str(&format!(
            "\n### Flows: {}\n\n| from | to | was | is |\n|---|---|---|---|\n",
            difference.word()
        ));
        for flow in report.behaviour.iter().filter(|flow| flow.difference == difference) {
            let answer = |answer: &Option<Answer>| answer.as_ref().map_or("not there".to_owned(), told);
            let cells = [brief(&flow.from), brief(&flow.to), answer(&flow.before), answer(&flow.after)];
            out.push_str(&format!("| {} |\n", cells.map(|cell| inline(&cell)).join(" | ")));
        }
    }
    if !report.configuration.is_empty() {
        configuration(out, report);
    }
    if !report.groups.is_empty() {
        super::groups::markdown(out, &report.groups, inline);
    }
}

fn configuration(out: &mut String, report: &DiffReport) {
    out.push_str("\n### Configuration\n\n| | resource | field | was | is |\n|---|---|---|---|---|\n");
    for resource in &report.configuration {
        let row = |path: &str, before: &str, after: &str| {
            let cells = [resource.how.word(), &resource.name, path, before, after].map(inline);
            format!("| {} |\n", cells.join(" | "))
        };
        if resource.fields.is_empty() {
            out.push_str(&row("", "", ""));
        }
        for field in &resource.fields {
            let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned());
            out.push_str(&row(&field.path, &value(&field.before), &value(&field.after)));
        }
    }
}

fn told(answer: &Answer) -> String {
    let words = [Some(answer.outcome.word()), answer.cause, answer.decider.as_deref()];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}
