//! Numbered rules: what Azure does to a packet, a name look-up and a data-plane call.
//!
//! Code cites a rule by its constant, so a citation is checked when it compiles:
//!
//! ```
//! use netwhy::rules::{self, RuleId};
//!
//! assert_eq!(rules::NSG_4.id(), "NSG-4");
//! assert_eq!(RuleId::find("rt24a"), Some(rules::RT_24A));
//! ```
//!
//! [`doubts`] holds the points where the documents disagree or are silent, [`limits`] the service
//! limits that size an estate.

use std::fmt;

/// Index of a numbered rule in the catalogue.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(u16);

/// One numbered rule.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Family and number, `NSG-4` or `RT-24a`.
    pub id: &'static str,
    /// What Azure does, precise enough to check a verdict with.
    pub says: &'static str,
    /// The page the rule was read from or, where it goes beyond any page, the page it extends.
    pub page: &'static str,
    /// How well the rule is founded.
    pub grade: Grade,
    /// Date of the copy of `page` that was read: `07/2025`, or the year alone; empty when the copy has
    /// no date.
    pub dated: &'static str,
}

/// How well a rule is founded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Grade {
    /// Microsoft's page, in a copy of 2024 or later: normative.
    A,
    /// Microsoft's page, in a copy from before 2024: normative, but to be read again before a release.
    B,
    /// The REST or SDK contract: normative for names and for what exists, not for behaviour.
    C,
    /// Inferred here from graded facts: the default, switchable in the engine profile.
    E,
    /// A public report from the field: the default only where the pages are silent, switchable too.
    F,
    /// General knowledge that was not checked: never the only ground of a verdict.
    K,
}

impl Grade {
    /// The letter alone.
    pub fn letter(self) -> char {
        match self {
            Self::A => 'A',
            Self::B => 'B',
            Self::C => 'C',
            Self::E => 'E',
            Self::F => 'F',
            Self::K => 'K',
        }
    }

    /// What the letter stands for, as one phrase.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::A => "Microsoft's page, copy of 2024 or later",
            Self::B => "Microsoft's page, copy from before 2024",
            Self::C => "REST or SDK contract",
            Self::E => "inferred from documented facts",
            Self::F => "public field report",
            Self::K => "general knowledge, not checked",
        }
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.letter())
    }
}

/// Declares the rules of one file: constant, id, grade, page, text. Constants are numbered on from the
/// file named after `after`.
macro_rules! rules {
    (after $before:expr; $($name:ident $id:literal $grade:ident $page:ident: $says:literal;)+) => {
        pub(super) const START: u16 = $before;
        pub(super) const END: u16 = START + RULES.len() as u16;

        pub(super) const RULES: &[super::Rule] = &[$(super::Rule {
            id: $id,
            says: $says,
            page: super::pages::$page.url,
            grade: super::Grade::$grade,
            dated: super::pages::$page.dated,
        }),+];

        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        enum Nth { $($name),+ }

        $(#[doc = $says] pub const $name: super::RuleId = super::RuleId(START + Nth::$name as u16);)+

        #[cfg(test)]
        pub(super) const NAMES: &[(super::RuleId, &str)] = &[$(($name, stringify!($name))),+];
    };
}

mod access;
mod admin;
mod balance;
mod dns;
pub mod doubts;
mod edge;
mod endpoint;
mod firewall;
mod gateway;
pub mod limits;
mod nsg;
mod outbound;
mod output;
mod paas;
mod packet;
mod pages;
mod peering;
mod platform;
mod route;
pub mod state;

pub use access::*;
pub use admin::*;
pub use balance::*;
pub use dns::*;
pub use edge::*;
pub use endpoint::*;
pub use firewall::*;
pub use gateway::*;
pub use nsg::*;
pub use outbound::*;
pub use output::*;
pub use paas::*;
pub use packet::*;
pub use peering::*;
pub use platform::*;
pub use route::*;

/// The files in the order of the catalogue; each numbers its rules on from the one before.
const FILES: &[&[Rule]] = &[
    packet::RULES,
    nsg::RULES,
    platform::RULES,
    admin::RULES,
    route::RULES,
    outbound::RULES,
    peering::RULES,
    gateway::RULES,
    firewall::RULES,
    balance::RULES,
    edge::RULES,
    dns::RULES,
    endpoint::RULES,
    paas::RULES,
    access::RULES,
    output::RULES,
];

const COUNT: usize = output::END as usize;

static TABLE: [Rule; COUNT] = {
    let mut table = [FILES[0][0]; COUNT];
    let (mut file, mut next) = (0, 0);
    while file < FILES.len() {
        let mut row = 0;
        while row < FILES[file].len() {
            table[next] = FILES[file][row];
            row += 1;
            next += 1;
        }
        file += 1;
    }
    assert!(next == COUNT);
    table
};

impl RuleId {
    /// The rule itself.
    pub fn rule(self) -> &'static Rule {
        &TABLE[usize::from(self.0)]
    }

    /// Family and number, `NSG-4`.
    pub fn id(self) -> &'static str {
        self.rule().id
    }

    /// Every rule, in the order of the catalogue.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..).take(COUNT).map(Self)
    }

    /// The rule with this id in any case, with or without its dash: `nsg4`, `NSG-4`, `NSG_4`.
    pub fn find(text: &str) -> Option<Self> {
        let (family, number) = split(text);
        Self::all().find(|rule| {
            let (f, n) = split(rule.id());
            f.eq_ignore_ascii_case(family) && n.eq_ignore_ascii_case(number)
        })
    }

    /// The rule whose id is spelt most like this one, if any comes near; the same family first.
    pub fn nearest(text: &str) -> Option<Self> {
        let (family, number) = split(text);
        let squeezed = format!("{family}{number}").to_ascii_uppercase();
        let reach = (squeezed.chars().count() / 3).max(1);
        Self::all()
            .map(|rule| {
                let (f, n) = split(rule.id());
                let distance = strsim::osa_distance(&squeezed, &format!("{f}{n}").to_ascii_uppercase());
                (distance, !f.eq_ignore_ascii_case(family), rule)
            })
            .filter(|&(distance, ..)| distance <= reach)
            .min()
            .map(|(.., rule)| rule)
    }
}

/// Family and number of an id, without what joins them.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (family, number) = text.split_at(end);
    (family, number.strip_prefix(['-', '_', ' ']).unwrap_or(number))
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

impl fmt::Debug for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doubts::{DOUBTS, Doubt};

    const FAMILIES: &[(&str, usize)] = &[
        ("PKT", 9),
        ("NSG", 28),
        ("TAG", 11),
        ("ASG", 5),
        ("PLAT", 6),
        ("SAR", 12),
        ("RT", 38),
        ("ASYM", 6),
        ("OUT", 12),
        ("PEER", 14),
        ("GW", 11),
        ("RS", 7),
        ("VWAN", 15),
        ("FW", 29),
        ("NAT", 8),
        ("LB", 12),
        ("PIP", 3),
        ("AGW", 4),
        ("AFD", 4),
        ("BAS", 2),
        ("CP", 3),
        ("PE", 12),
        ("DNS", 20),
        ("SE", 8),
        ("SEP", 4),
        ("ST", 9),
        ("KV", 4),
        ("ACR", 2),
        ("COS", 4),
        ("AML", 7),
        ("NSP", 2),
        ("RBAC", 6),
        ("NW", 8),
    ];

    const KNOBS: [&str; 12] = [
        "asOf",
        "defaultOutboundForNewVnets",
        "udrPrefixesInVirtualNetworkTag",
        "forwardedTrafficMode",
        "peeringAccessMode",
        "serviceEndpointRouteOverridable",
        "dnatThenNetworkDeny",
        "noneRoutes",
        "extraNoneRoutes",
        "bgpDefaultRemovesNoneRoutes",
        "adminRulesStateful",
        "privatelinkAliasPerSubResource",
    ];

    const NAMES: &[&[(RuleId, &str)]] = &[
        packet::NAMES,
        nsg::NAMES,
        platform::NAMES,
        admin::NAMES,
        route::NAMES,
        outbound::NAMES,
        peering::NAMES,
        gateway::NAMES,
        firewall::NAMES,
        balance::NAMES,
        edge::NAMES,
        dns::NAMES,
        endpoint::NAMES,
        paas::NAMES,
        access::NAMES,
        output::NAMES,
    ];

    /// Ids of rules and doubts that a text mentions.
    fn cited(text: &str) -> impl Iterator<Item = &str> {
        text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').filter(|word| {
            let Some((family, number)) = word.split_once('-') else { return false };
            (family == "D" || FAMILIES.iter().any(|&(name, _)| name == family))
                && number.starts_with(|c: char| c.is_ascii_digit())
        })
    }

    fn check_text(id: &str, says: &str) {
        let length = says.chars().count();
        assert!((1..=700).contains(&length), "{id} has {length} characters");
        assert!(says.is_ascii() && !says.contains("  "), "{id} has odd characters or spaces");
        assert!(says.ends_with(['.', '?']), "{id} ends in mid sentence");
        for other in cited(says) {
            assert!(RuleId::find(other).is_some() || Doubt::find(other).is_some(), "{id} cites {other}");
            assert_ne!(id, other, "{id} cites itself");
        }
    }

    #[test]
    fn families_are_whole_and_in_order() {
        let mut ids = RuleId::all().map(RuleId::id);
        for &(family, count) in FAMILIES {
            for id in ids.by_ref().take(count) {
                assert_eq!(split(id).0, family);
            }
        }
        assert_eq!(ids.next(), None);
        assert_eq!(FAMILIES.iter().map(|&(_, count)| count).sum::<usize>(), RuleId::all().count());
    }

    #[test]
    fn ids_are_unique_and_found() {
        let mut seen = std::collections::BTreeSet::new();
        for rule in RuleId::all() {
            let id = rule.id();
            assert!(seen.insert(id), "{id} twice");
            for text in [id.to_owned(), id.to_lowercase(), id.replace('-', ""), id.replace('-', "_")] {
                assert_eq!(RuleId::find(&text), Some(rule));
                assert_eq!(RuleId::nearest(&text), Some(rule));
            }
            assert_eq!(format!("{rule} {rule:?}"), format!("{id} {id}"));
        }
        for text in ["", "-", "NSG", "NSG-", "4", "NSG-99", "NSG--4", "é-1", "D-1"] {
            assert_eq!(RuleId::find(text), None, "{text}");
        }
    }

    #[test]
    fn constants_carry_the_id_they_are_named_after() {
        let mut next = 0;
        for &(rule, name) in NAMES.iter().copied().flatten() {
            assert_eq!(rule.0, next, "{name} is out of order");
            assert_eq!(rule.id().replace('-', "_").to_uppercase(), name);
            next += 1;
        }
        assert_eq!(usize::from(next), COUNT);
    }

    #[test]
    fn a_slip_of_the_keys_finds_the_rule_meant() {
        for (text, rule) in [
            ("NGS-4", Some(NSG_4)),
            ("RBCA 3", Some(RBAC_3)),
            ("ROUTE", None),
            ("nsg-99", Some(NSG_9)),
            ("ST-12", Some(ST_1)),
            ("firewall", None),
            ("", None),
        ] {
            assert_eq!(RuleId::nearest(text), rule, "{text}");
        }
    }

    #[test]
    fn texts_and_pages_are_fit_to_print() {
        for Rule { id, says, page, dated, .. } in RuleId::all().map(RuleId::rule) {
            check_text(id, says);
            assert!(page.starts_with("https://learn.microsoft.com/"), "{id}: {page}");
            assert!(!page.ends_with(".md") && !page.contains("/articles/"), "{id}: {page}");
            assert!(dated.len() <= 7, "{id}: {dated}");
        }
    }

    #[test]
    fn doubts_are_numbered_and_name_real_knobs() {
        for (at, doubt) in DOUBTS.iter().enumerate() {
            assert_eq!(doubt.id, format!("D-{}", at + 1));
            assert_eq!(Doubt::find(&doubt.id.to_lowercase().replace('-', "")).map(|d| d.id), Some(doubt.id));
            check_text(doubt.id, doubt.says);
            assert!(!doubt.default.is_empty());
            assert!(doubt.knob.is_none_or(|knob| KNOBS.contains(&knob)), "{}", doubt.id);
        }
        assert!(Doubt::find("D-999").is_none() && Doubt::find("NSG-1").is_none());
    }

    #[test]
    fn limits_are_unique_and_sourced() {
        let mut seen = std::collections::BTreeSet::new();
        for limit in limits::LIMITS {
            assert!(seen.insert(limit.what), "{} twice", limit.what);
            assert!(!limit.value.is_empty());
            assert!(limit.source.starts_with("https://learn.microsoft.com/"));
        }
    }
}
