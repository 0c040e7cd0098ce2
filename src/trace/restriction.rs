//! Access restrictions of a web app: rules asked in the order of their priority; the first that fits decides.

use super::engine::{Walk, is_public};
use super::model::{Evidence, HopKind, StepKind};
use super::question::Target;
use super::state::{Arrival, State};
use super::{Cause, filter};
use crate::inventory::{
    AccessRestriction, AddressMeaning, AddressWord, DefaultAction, Field, FrontDoorProfile, Headers, Id,
    PlatformService, Unknown, is_anybody,
};
use crate::network::Tri;
use crate::services::service_kind;

impl Walk<'_> {
    /// The rules of the site, or of its tools.
    pub(super) fn access_restrictions(
        &self,
        s: &mut State,
        service: Id<PlatformService>,
        arrival: &Arrival,
        evidence: Evidence,
    ) {
        let row = &self.net.inventory.services[service];
        let of = row.restrictions(self.is_for_tools(s));
        if let Some(unknown) = of.doubt.or_else(|| of.list.unknown.clone()) {
            return s.unknown(StepKind::Admit, Cause::UnknownValue, &unknown, evidence);
        }
        let mut rules: Vec<_> = of.list.iter().collect();
        if let Some(unknown) = rules.iter().find_map(|r| r.priority.unknown()) {
            return s.unknown(StepKind::Admit, Cause::UnknownValue, &unknown.clone(), evidence);
        }
        rules.sort_by_key(|r| r.priority.known().copied().unwrap_or(LAST));
        for rule in &rules {
            let evidence = Evidence { name: Some(rule.name.clone()), at: rule.at, ..evidence.clone() };
            match self.fits_restriction(s, rule, arrival) {
                Tri::No => {}
                Tri::Unknown(unknown) => {
                    return s.unknown(StepKind::Admit, filter::cause_of(&unknown), &unknown, evidence);
                }
                Tri::Yes => {
                    return self.restricted(
                        s,
                        service,
                        &rule.action,
                        evidence,
                        &format!("the access restriction `{}`", rule.name),
                    );
                }
            }
        }
        let silent = if rules.is_empty() { DefaultAction::Allow } else { DefaultAction::Deny };
        let rest = match of.rest {
            Field::Absent => Field::Known(silent),
            written => written.clone(),
        };
        self.restricted(s, service, &rest, evidence, "what no access restriction of the site names");
    }

    fn restricted(
        &self,
        s: &mut State,
        service: Id<PlatformService>,
        action: &Field<DefaultAction>,
        evidence: Evidence,
        what: &str,
    ) {
        match action.or(DefaultAction::Allow) {
            Ok(DefaultAction::Allow) => {
                s.pass(StepKind::Admit, evidence, || format!("{what}: let in"));
            }
            Ok(DefaultAction::Deny) => {
                let text = format!("{what}: {} is refused", s.header.source);
                self.refuse_public(s, service, evidence, Cause::ServiceFirewallDeny, text);
            }
            Err(unknown) => s.unknown(StepKind::Admit, Cause::UnknownValue, &unknown.clone(), evidence),
        }
    }

    /// Whether the flow asks for the tools of a site, which have rules of their own.
    fn is_for_tools(&self, s: &State) -> bool {
        let Some(Target::Service(service, position)) = s.target else { return false };
        let kind = service_kind(&self.net.inventory.services[service].id.kind());
        kind.and_then(|k| k.endpoints.get(position)).is_some_and(|e| e.host.contains(".scm."))
    }

    fn fits_restriction(&self, s: &State, rule: &AccessRestriction, arrival: &Arrival) -> Tri {
        let fits = match (&rule.subnet, &rule.ip_address) {
            (Field::Unknown(unknown), _) | (_, Field::Unknown(unknown)) => Tri::Unknown(unknown.clone()),
            (Field::Known(subnet), _) => match arrival {
                Arrival::ServiceEndpoint(from, _) => {
                    let id = &self.net.inventory.subnets[*from].id;
                    let named = subnet
                        .id()
                        .map_or_else(|| self.net.inventory.follow(subnet).row() == Some(*from), |i| i == *id);
                    Tri::of(named)
                }
                _ => Tri::No,
            },
            (Field::Absent, Field::Known(text)) if is_anybody(text) => Tri::Yes,
            (Field::Absent, Field::Known(text)) => self.fits_address(s, rule, text, arrival),
            (Field::Absent, Field::Absent) => Tri::Yes,
        };
        match (&fits, &rule.headers) {
            (Tri::No, _) => fits,
            (_, Field::Unknown(unknown)) => Tri::Unknown(unknown.clone()),
            (_, Field::Known(headers)) if headers.any() => self.has_headers(s, rule, headers),
            _ => fits,
        }
    }

    /// Headers are the client's to write, except the one by which a Front Door tells which it is.
    fn has_headers(&self, s: &State, rule: &AccessRestriction, headers: &Headers) -> Tri {
        let edge = s.hops.iter().rev().find(|h| h.kind == HopKind::FrontDoor).and_then(|h| h.id.as_ref());
        let profile = edge.and_then(|id| self.net.inventory.row::<FrontDoorProfile>(id));
        let own = profile.map(|p| &self.net.inventory.front_door_profiles[p].front_door_id);
        match own {
            Some(Field::Known(id)) if !headers.others => {
                Tri::of(headers.front_doors.iter().any(|f| f.eq_ignore_ascii_case(id)))
            }
            Some(_) if !headers.others => Tri::Unknown(Unknown::new(
                rule.at,
                format!(
                    "whether this Front Door is the one whose id the access restriction `{}` asks for: say it with frontDoorId",
                    rule.name
                ),
            )),
            _ => Tri::Unknown(Unknown::new(
                rule.at,
                format!(
                    "which headers the request has: the access restriction `{}` asks for some",
                    rule.name
                ),
            )),
        }
    }

    fn fits_address(&self, s: &State, rule: &AccessRestriction, text: &str, arrival: &Arrival) -> Tri {
        if !is_public(arrival) {
            // Neither a service endpoint nor Microsoft's own network shows a public address.
            return Tri::No;
        }
        if let Some(unknown) = &s.source_unknown {
            return Tri::Unknown(unknown.clone());
        }
        let mut found = Tri::No;
        for word in text.split(',').map(str::trim).filter(|w| !w.is_empty()) {
            let tri = self.word_holds(s, rule, word);
            match tri {
                Tri::Yes => return Tri::Yes,
                Tri::Unknown(_) => found = tri,
                Tri::No => {}
            }
        }
        found
    }

    fn word_holds(&self, s: &State, rule: &AccessRestriction, word: &str) -> Tri {
        let source = s.header.source;
        let unread = || {
            Tri::Unknown(Unknown::new(
                rule.at,
                format!("what `{word}` of the access restriction `{}` stands for", rule.name),
            ))
        };
        // An address with a mask of its own, as old versions write it.
        let single = rule.subnet_mask.known().is_none_or(|m| &**m == "255.255.255.255");
        if !single {
            return unread();
        }
        match AddressWord::parse(word).map(|w| w.means.clone()) {
            Some(AddressMeaning::Any) => Tri::Yes,
            Some(AddressMeaning::Addresses(set)) => Tri::of(set.contains(source)),
            Some(AddressMeaning::Tag(tag)) => match self.net.tags.find(&tag) {
                Some(tag) => Tri::of(self.net.tags.set(tag).contains(source)),
                None => unread(),
            },
            None => unread(),
        }
    }
}

/// The place of a rule that writes none.
const LAST: i64 = 65_000;
