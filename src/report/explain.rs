//! What a word of the output means: causes, dispositions, diagnostics, numbered rules, doubts and knobs.
//!
//! Each rule comes with Microsoft's page, how well it is founded, and the date of the copy that was read.

use super::check::EXPECTATION_FAILED;
use super::layout::{Margin, Words, flow};
use super::style::{Paint, Style};
use super::table::{Cell, Fit, Table};
use super::text::counted;
use crate::diag::{Code, nearest};
use crate::profile::{ForwardedTrafficMode, KNOBS, Knob, MlEra, PeeringAccessMode, Profile};
use crate::rules::doubts::{DOUBTS, Doubt};
use crate::rules::{RuleId, state};
use crate::trace::{Cause, Disposition};
use serde::Serialize;
use std::fmt;

/// Nothing has this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotKnown {
    /// What was asked.
    pub word: String,
    /// What may have been meant.
    pub nearest: Option<&'static str>,
}

impl fmt::Display for NotKnown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = super::clean::clean(&self.word);
        write!(f, "`{word}` is no cause, diagnostic, rule, doubt or knob")?;
        match self.nearest {
            Some(near) => write!(f, "; did you mean `{near}`?"),
            None => write!(f, "; `netwhy explain` lists them"),
        }
    }
}

impl std::error::Error for NotKnown {}

/// What a word can be.
enum Topic {
    Cause(Cause),
    Disposition(Disposition),
    Code(Code),
    Rule(RuleId),
    Doubt(&'static Doubt),
    Knob(&'static Knob),
    ExpectationFailed,
}

/// Causes that come about on the sender's side as well as on the receiver's.
const EITHER_SIDE: [Cause; 3] = [Cause::NsgRuleDeny, Cause::NsgDefaultDeny, Cause::AdminRuleDeny];

/// What a word means, or the known word nearest to it.
pub fn explain(word: &str, style: &Style) -> Result<String, NotKnown> {
    let topic = topic(word).ok_or_else(|| NotKnown { word: word.into(), nearest: near(word) })?;
    let mut page = Page { out: String::new(), style };
    match topic {
        Topic::Cause(cause) => page.cause(cause),
        Topic::Disposition(disposition) => page.disposition(disposition),
        Topic::Code(code) => page.code(code),
        Topic::Rule(rule) => page.one_rule(rule),
        Topic::Doubt(doubt) => page.doubt(doubt),
        Topic::Knob(knob) => page.knob(knob),
        Topic::ExpectationFailed => {
            page.title(EXPECTATION_FAILED, "result of a check");
            page.text(
                "A flow gets through although the scenario expects that it does not, so there is no cause.",
            );
        }
    }
    Ok(page.out)
}

fn topic(word: &str) -> Option<Topic> {
    let word = word.trim();
    let same = |name: &str| squeezed(name) == squeezed(word);
    let disposition = || Disposition::ALL.iter().copied().find(|d| same(d.word())).map(Topic::Disposition);
    let code = || Code::ALL.iter().copied().find(|c| same(c.name())).map(Topic::Code);
    let knob = || KNOBS.iter().find(|k| same(k.name)).map(Topic::Knob);
    let cause = Cause::ALL.iter().copied().find(|c| same(c.code())).map(Topic::Cause);
    // Some words name both a cause and something else; the spelling tells which is meant.
    let code_as_spelt = Code::ALL.iter().copied().find(|c| c.name() == word).map(Topic::Code);
    let spelt = code_as_spelt.or_else(|| disposition().filter(|_| word.contains(' ')));
    spelt
        .or(cause)
        .or_else(code)
        .or_else(|| Doubt::find(word).map(Topic::Doubt))
        .or_else(|| RuleId::find(word).map(Topic::Rule))
        .or_else(knob)
        .or_else(disposition)
        .or_else(|| same(EXPECTATION_FAILED).then_some(Topic::ExpectationFailed))
}

/// Letters and digits only, in lower case.
fn squeezed(word: &str) -> String {
    word.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn near(word: &str) -> Option<&'static str> {
    let numbered = word.len() < 9 && word.contains(|c: char| c.is_ascii_digit());
    if let Some(rule) = numbered.then(|| RuleId::nearest(word)).flatten() {
        return Some(rule.id());
    }
    let causes = Cause::ALL.iter().map(|c| c.code());
    let codes = Code::ALL.iter().map(|c| c.name());
    let dispositions = Disposition::ALL.iter().map(|d| d.word());
    nearest(word, causes.chain(codes).chain(KNOBS.iter().map(|k| k.name)).chain(dispositions))
}

struct Page<'a> {
    out: String,
    style: &'a Style,
}

impl Page<'_> {
    fn title(&mut self, name: &str, what: &str) {
        let words = Words::default().piece(Paint::Strong, name).aside(Paint::Dim, what);
        flow(&mut self.out, self.style, Margin::blank(0), &words);
        self.out.push('\n');
    }

    fn text(&mut self, text: &str) {
        flow(&mut self.out, self.style, Margin::blank(2), &Words::default().text(Paint::Plain, text));
    }

    fn heading(&mut self, text: &str) {
        self.out.push('\n');
        self.out.push_str(&self.style.paint(Paint::Strong, text));
        self.out.push('\n');
    }

    fn field(&mut self, label: &str, text: &str) {
        let first = self.style.paint(Paint::Dim, &format!("  {label:<10}"));
        let words = Words::default().text(Paint::Plain, text);
        flow(&mut self.out, self.style, Margin::blank(12).starting(&first), &words);
    }

    fn cause(&mut self, cause: Cause) {
        self.title(cause.code(), "cause");
        self.text(cause.what());
        self.out.push('\n');
        let side = if EITHER_SIDE.contains(&cause) { ", or denied out at the sender's side" } else { "" };
        self.field("ends as", &format!("{}{side}", cause.disposition().word()));
        self.field("caller", cause.noticed().word());
        self.cited(cause.what());
    }

    fn disposition(&mut self, disposition: Disposition) {
        self.title(disposition.word(), "disposition: how a flow ends");
        let causes: Vec<Cause> = Cause::ALL
            .iter()
            .copied()
            .filter(|c| {
                let out = disposition == Disposition::DeniedOut && EITHER_SIDE.contains(c);
                c.disposition() == disposition || out
            })
            .collect();
        if causes.is_empty() {
            self.text("The flow is not stopped, so no cause comes under it.");
        }
        for cause in causes {
            let words = Words::default().text(Paint::Plain, first_sentence(cause.what()));
            let first = format!("  {}\n    ", self.style.paint(Paint::Name, cause.code()));
            flow(&mut self.out, self.style, Margin::blank(4).starting(&first), &words);
        }
    }

    fn code(&mut self, code: Code) {
        self.title(code.name(), "diagnostic: a fault of the input");
        self.text(code.what());
        self.out.push('\n');
        self.field("severity", code.severity().name());
        self.cited(code.what());
    }

    fn one_rule(&mut self, rule: RuleId) {
        self.title(rule.id(), "rule: what Azure does");
        self.text(rule.rule().says);
        self.out.push('\n');
        self.source(rule);
        match state::not_modelled(rule) {
            Some(why) => self.field("state", &format!("{NOT_MODELLED}: {why}")),
            None => self.field("state", IMPLEMENTED),
        }
        for (number, test) in state::tests(rule).iter().enumerate() {
            self.field(if number == 0 { "tests" } else { "" }, test);
        }
        self.cited_but(rule.rule().says, vec![rule.id()]);
    }

    fn source(&mut self, rule: RuleId) {
        let rule = rule.rule();
        let dated = if rule.dated.is_empty() { "without a date" } else { rule.dated };
        self.field("page", rule.page);
        self.field("grade", &format!("{}: {} ({dated})", rule.grade, rule.grade.meaning()));
    }

    fn doubt(&mut self, doubt: &Doubt) {
        self.title(doubt.id, "doubt: the documents disagree or are silent");
        self.text(doubt.says);
        self.out.push('\n');
        self.field("assumed", doubt.default);
        if let Some(knob) = doubt.knob {
            self.field("knob", &format!("{knob} changes it"));
        }
        self.cited(doubt.says);
    }

    fn knob(&mut self, knob: &Knob) {
        self.title(knob.name, "knob of the profile");
        self.text(knob.what);
        self.out.push('\n');
        self.field("values", knob.values);
        if let Some(default) = default_of(knob.name) {
            self.field("default", &default);
        }
        for doubt in DOUBTS.iter().filter(|d| d.knob == Some(knob.name)) {
            self.heading(&format!("{}, the doubt behind it", doubt.id));
            self.text(doubt.says);
            self.field("assumed", doubt.default);
        }
        let doubts = DOUBTS.iter().filter(|d| d.knob == Some(knob.name)).map(|d| d.id);
        self.cited_but(knob.what, doubts.collect());
    }

    fn cited(&mut self, text: &str) {
        self.cited_but(text, Vec::new());
    }

    /// The rules and doubts that a text names, in full, but for those that were `seen`.
    fn cited_but(&mut self, text: &str, mut seen: Vec<&'static str>) {
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-') {
            let Some((id, says)) = named(word).filter(|(id, _)| !seen.contains(id)) else { continue };
            seen.push(id);
            self.heading(id);
            self.text(says);
            if let Some(rule) = RuleId::find(id) {
                self.source(rule);
            }
        }
    }
}

/// The rule or doubt that a word of a text names.
fn named(word: &str) -> Option<(&'static str, &'static str)> {
    let (family, number) = word.split_once('-')?;
    let like_one =
        family.chars().all(|c| c.is_ascii_uppercase()) && number.starts_with(|c: char| c.is_ascii_digit());
    if !like_one {
        return None;
    }
    let rule = RuleId::find(word).map(|r| (r.id(), r.rule().says));
    rule.or_else(|| Doubt::find(word).map(|d| (d.id, d.says)))
}

fn first_sentence(text: &str) -> &str {
    let end = text.find(". ").into_iter().chain(text.find("? ")).min();
    end.map_or(text, |end| &text[..=end])
}

/// What a knob is set to unless somebody says otherwise.
fn default_of(knob: &str) -> Option<String> {
    let p = Profile::default();
    let perhaps = |value: Option<bool>, absent: &str| value.map_or(absent.to_owned(), |v| v.to_string());
    Some(match knob {
        "asOf" => p.as_of,
        "defaultOutboundForNewVnets" => perhaps(p.default_outbound_for_new_vnets, "byApiVersion"),
        "udrPrefixesInVirtualNetworkTag" => p.udr_prefixes_in_virtual_network_tag.to_string(),
        "forwardedTrafficMode" => match p.forwarded_traffic_mode {
            ForwardedTrafficMode::TagOnly => "tagOnly".into(),
            ForwardedTrafficMode::PlatformDrop => "platformDrop".into(),
        },
        "peeringAccessMode" => match p.peering_access_mode {
            PeeringAccessMode::ByDate => "byDate".into(),
            PeeringAccessMode::PlatformDrop => "platformDrop".into(),
            PeeringAccessMode::TagOnly => "tagOnly".into(),
        },
        "serviceEndpointRouteOverridable" => p.service_endpoint_route_overridable.to_string(),
        "dnatThenNetworkDeny" => p.dnat_then_network_deny.to_string(),
        "noneRoutes" => p.none_routes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        "extraNoneRoutes" if p.extra_none_routes.is_empty() => "none".into(),
        "bgpDefaultRemovesNoneRoutes" => p.bgp_default_removes_none_routes.to_string(),
        "adminRulesStateful" => p.admin_rules_stateful.to_string(),
        "privatelinkAliasPerSubResource" => p.privatelink_alias_per_sub_resource.to_string(),
        "endpointPublicInPrivateWorkspace" => p.endpoint_public_in_private_workspace.to_string(),
        "mlEra" => match p.ml_era {
            MlEra::Y2021 => "aml-2021".into(),
            MlEra::Y2022 => "aml-2022".into(),
            MlEra::Y2023 => "aml-2023".into(),
            MlEra::Y2026 => "aml-2026".into(),
        },
        "smtpBlocked" => perhaps(p.smtp_blocked, "unknown"),
        _ => return None,
    })
}

/// Everything that can be explained, a line each.
pub fn index(style: &Style) -> String {
    let mut page = Page { out: String::new(), style };
    page.text("`netwhy explain WORD` says what a word of the output means.");
    page.list("Causes: why a flow ends", Cause::ALL.iter().map(|c| (c.code(), c.what())));
    page.list("Dispositions: how it ends", Disposition::ALL.iter().map(|d| (d.word(), "")));
    page.list("Diagnostics: faults of the input", Code::ALL.iter().map(|c| (c.name(), c.what())));
    page.list("Knobs: what may be assumed otherwise", KNOBS.iter().map(|k| (k.name, k.what)));
    page.list("Doubts: where the documents disagree", DOUBTS.iter().map(|d| (d.id, d.says)));
    page.heading("Rules: what Azure does");
    page.text(&format!("{}; `netwhy explain --rules` lists them", counted(RuleId::all().count(), "rule")));
    page.out
}

impl Page<'_> {
    fn list(&mut self, title: &str, rows: impl Iterator<Item = (&'static str, &'static str)>) {
        self.heading(title);
        let mut table = Table::new(&[("", Fit::Keep), ("", Fit::End)]);
        for (name, what) in rows {
            table.row(vec![Cell::new(Paint::Name, name), Cell::new(Paint::Plain, first_sentence(what))]);
        }
        table.bare().write(&mut self.out, self.style, 2);
    }
}

/// A line of the table of rules, as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleView {
    /// Family and number.
    pub id: &'static str,
    /// `implemented` or `not modelled`.
    pub state: &'static str,
    /// Why it is not modelled, and what an answer says instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// What Azure does, in a sentence.
    pub summary: &'static str,
    /// The tests and scenarios that name it.
    pub tests: &'static [&'static str],
    /// What Azure does, in full.
    pub says: &'static str,
    /// Microsoft's page.
    pub page: &'static str,
    /// How well it is founded: A, B, C, E, F or K.
    pub grade: char,
    /// Date of the copy that was read.
    pub dated: &'static str,
}

const IMPLEMENTED: &str = "implemented";

const NOT_MODELLED: &str = "not modelled";

/// Every rule of the catalogue with its state, in the order of the catalogue.
pub fn rules() -> Vec<RuleView> {
    let view = |id: RuleId| {
        let (rule, reason) = (id.rule(), state::not_modelled(id));
        RuleView {
            id: rule.id,
            state: if reason.is_none() { IMPLEMENTED } else { NOT_MODELLED },
            reason,
            summary: first_sentence(rule.says),
            tests: state::tests(id),
            says: rule.says,
            page: rule.page,
            grade: rule.grade.letter(),
            dated: rule.dated,
        }
    };
    RuleId::all().map(view).collect()
}

/// The table of rules as data.
pub fn rules_json(out: &mut String) {
    super::json::pretty(out, &rules());
}

/// The first test, and how many more there are; all of them where somebody wants everything.
fn tests_in_short(rule: &RuleView, verbose: bool) -> String {
    match (rule.reason, rule.tests) {
        (Some(reason), _) => reason.to_owned(),
        (None, [first, rest @ ..]) if !verbose && !rest.is_empty() => format!("{first} (+{})", rest.len()),
        (None, tests) => tests.join("; "),
    }
}

/// Columns of a table that goes to no terminal.
const PIPED_WIDTH: usize = 160;

/// Writes the table of all rules and a line that counts them.
pub fn rules_table(out: &mut String, style: &Style) {
    // Where no terminal says how wide a line may be, rows are cut all the same unless everything is wanted.
    let piped = style.width == 0 && !style.verbose;
    let style = &Style { width: if piped { PIPED_WIDTH } else { style.width }, ..*style };
    let rules = rules();
    let mut table = Table::new(&[
        ("rule", Fit::Keep),
        ("grade", Fit::Keep),
        ("state", Fit::Keep),
        ("what Azure does", Fit::End),
        ("tests, or why not", Fit::End),
    ]);
    for rule in &rules {
        let paint = if rule.state == IMPLEMENTED { Paint::Good } else { Paint::Dim };
        table.row(vec![
            Cell::new(Paint::Name, rule.id),
            Cell::new(Paint::Plain, &rule.grade.to_string()),
            Cell::new(paint, rule.state),
            Cell::new(Paint::Plain, rule.summary),
            Cell::new(Paint::Plain, &tests_in_short(rule, style.verbose)),
        ]);
    }
    table.write(out, style, 0);
    let many = |state: &str| rules.iter().filter(|r| r.state == state).count();
    let text = format!(
        "{}: {} implemented, {} not modelled",
        counted(rules.len(), "rule"),
        many(IMPLEMENTED),
        many(NOT_MODELLED)
    );
    out.push('\n');
    flow(out, style, Margin::blank(0), &Words::default().text(Paint::Strong, &text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_explained() {
        let style = Style::default();
        let causes = Cause::ALL.iter().map(|c| c.code());
        let codes = Code::ALL.iter().map(|c| c.name());
        let others = Disposition::ALL.iter().map(|d| d.word()).chain(KNOBS.iter().map(|k| k.name));
        let numbered = RuleId::all().map(RuleId::id).chain(DOUBTS.iter().map(|d| d.id));
        for word in causes.chain(codes).chain(others).chain(numbered).chain([EXPECTATION_FAILED]) {
            let text = explain(word, &style).expect(word);
            assert!(text.starts_with(word), "{word}: {text}");
        }
        for knob in KNOBS {
            assert!(default_of(knob.name).is_some(), "{}", knob.name);
        }
    }

    #[test]
    fn slips_find_what_was_meant() {
        for (word, meant) in [
            ("NSG_RULE_DENNY", Some("NSG_RULE_DENY")),
            ("unknwon-field", Some("unknown-field")),
            ("NGS-4", Some("NSG-4")),
            ("forwardTrafficMode", Some("forwardedTrafficMode")),
            ("\u{1b}[31m", None),
        ] {
            let error = explain(word, &Style::default()).expect_err(word);
            assert_eq!(error.nearest, meant, "{word}");
            assert!(!error.to_string().contains('\u{1b}'));
        }
        assert!(explain("nsg4", &Style::default()).is_ok_and(|t| t.starts_with("NSG-4")));
        assert!(explain("unknown_value", &Style::default()).is_ok_and(|t| t.starts_with("UNKNOWN_VALUE")));
    }
}
