//! Checked expectations as JUnit XML, for build services that show tests.
//!
//! One suite for each scenario, one case for each flow. There are no times in it: the same answers make the
//! same file.

use super::check::CheckedFlow;
use super::clean::clean;
use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

/// The XML; it fails only where the XML writer does.
pub fn report(checks: &[CheckedFlow]) -> Result<String, SerializeError> {
    let mut report = Report::new("netwhy check");
    let mut suites: Vec<(&str, TestSuite)> = Vec::new();
    for checked in checks {
        let at = suites.iter().position(|(name, _)| *name == checked.scenario).unwrap_or_else(|| {
            suites.push((&checked.scenario, TestSuite::new(&*clean(&checked.scenario))));
            suites.len() - 1
        });
        suites[at].1.add_test_case(case(checked));
    }
    report.add_test_suites(suites.into_iter().map(|(_, suite)| suite));
    report.to_string()
}

fn case(checked: &CheckedFlow) -> TestCase {
    let mut status = TestCaseStatus::success();
    if !checked.held {
        status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_message(&*clean(&checked.message));
        status.set_type(checked.code());
        status.set_description(description(checked));
    }
    let name = match &checked.variant {
        Some(variant) => format!("{} [{variant}]", checked.flow),
        None => checked.flow.clone(),
    };
    let mut case = TestCase::new(&*clean(&name), status);
    case.set_classname(&*clean(&checked.scenario));
    if let Some((file, line)) = checked.place() {
        case.extra.insert("file".into(), (&*clean(file)).into());
        if let Some(line) = line {
            case.extra.insert("line".into(), line.to_string().as_str().into());
        }
    }
    case
}

/// What a person reads who opens the failed case.
fn description(checked: &CheckedFlow) -> String {
    let mut lines = vec![checked.question.clone(), checked.message.clone()];
    if let Some(decider) = &checked.decider {
        lines.push(format!("decided by {decider}"));
    }
    if let Some((file, line)) = checked.place() {
        lines.push(line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}")));
    }
    let lines: Vec<_> = lines.iter().map(|l| clean(l)).collect();
    // The trace is text of our own, cleaned where it was made.
    let trace = checked.trace.as_deref().unwrap_or_default();
    format!("\n{}\n\n{trace}", lines.join("\n")).trim_end().to_owned() + "\n"
}
