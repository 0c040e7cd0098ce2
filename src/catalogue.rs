//! What workloads need from the network: the required-egress catalogue.
//!
//! Input: the catalogue that comes with the program (`catalogue/azure-ml.yaml`), a user's own, or the service's
//! live answer about one workspace ([`live`]). Output: a [`Catalogue`] of [`Need`]s: who opens which connection,
//! to which names, by which ports, when in the life of the work, and what a person sees where it is blocked.
//! Names carry their service tag, private zone and sub-resource from [`crate::services`], so no fact stands
//! twice. Nothing here knows an estate; [`crate::analysis::needs`] brings the two together.
//!
//! ```
//! use netwhy::catalogue::{Catalogue, Filter, Workload};
//! use netwhy::profile::MlEra;
//!
//! let catalogue = Catalogue::builtin();
//! let filter = Filter { workload: Some(Workload::ComputeInstance), era: Some(MlEra::Y2026), ..Filter::default() };
//! let hosts: Vec<_> = catalogue.select(&filter).flat_map(|need| need.names("westeurope")).collect();
//! assert!(hosts.iter().any(|name| name.host == "login.microsoftonline.com" && name.tag.as_deref() == Some("AzureActiveDirectory")));
//! ```

mod file;
pub mod live;
mod schema;
mod target;
mod words;

pub use file::{VERSION, era_word, is_catalogue, load};
pub use schema::schema;
pub use target::{Name, OwnEndpoint, tag_of};
pub use words::{Actor, Condition, Direction, Moment, Phase, Workload};

use crate::diag::{At, Diagnostics, Sources};
use crate::doc::parse_yaml;
use crate::net::{IpAddr, PortRange, Protocol};
use crate::profile::MlEra;
use std::sync::{Arc, LazyLock};

/// The file that comes with the program.
const BUILTIN: &str = include_str!("../catalogue/azure-ml.yaml");

/// Facts about what workloads need.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalogue {
    /// What it is called.
    pub name: Arc<str>,
    /// Where the facts were read.
    pub sources: Vec<Source>,
    /// The service tags the needs come to.
    pub tags: Vec<TagFact>,
    /// Whom connections lead to.
    pub services: Vec<Service>,
    /// The connections.
    pub needs: Vec<Need>,
    /// Names to put in the place of stand-ins, once it is added to another.
    replaced: Vec<(Arc<str>, Vec<Arc<str>>)>,
}

/// Where a fact was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The key that needs refer to.
    pub id: Arc<str>,
    /// The page.
    pub page: Arc<str>,
    /// The date of the text.
    pub date: Option<Arc<str>>,
}

/// What a service tag stands for in this catalogue, and whom else it lets through.
#[derive(Clone, Debug, PartialEq)]
pub struct TagFact {
    /// Its name without a region.
    pub name: Arc<str>,
    /// What it is used for.
    pub what: Arc<str>,
    /// What is usually asked of it.
    pub ports: Vec<Ports>,
    /// Which way.
    pub direction: Direction,
    /// Whether Azure Firewall takes it in network rules.
    pub azure_firewall: bool,
    /// Whose resources it reaches beside one's own.
    pub others: Option<Arc<str>>,
    /// A name under it that belongs to somebody else.
    pub probe: Option<Arc<str>>,
    /// Where that was read.
    pub sources: Vec<Arc<str>>,
    /// Where it is written.
    pub at: At,
}

/// Whom a connection leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The word needs refer to.
    pub name: Arc<str>,
    /// What people call it.
    pub label: Arc<str>,
    /// What it is there for.
    pub purpose: Arc<str>,
    /// Where it is written.
    pub at: At,
}

/// A protocol with a range of ports; every protocol where none is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ports {
    /// The protocol; absent means any.
    pub protocol: Option<Protocol>,
    /// The ports.
    pub range: PortRange,
}

/// A connection that some workload needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Need {
    /// Its id, as the scenarios call it.
    pub id: Arc<str>,
    /// Whom it leads to: [`Service::name`].
    pub service: Arc<str>,
    /// Which way, seen from the workload.
    pub direction: Direction,
    /// Who wants it.
    pub workloads: Vec<Workload>,
    /// Who opens it.
    pub from: Vec<Actor>,
    /// Public names it leads to; `*.` stands for any labels, `{region}` for the region.
    pub hosts: Vec<Arc<str>>,
    /// Endpoints of the workspace's own resources it leads to.
    pub own: Vec<OwnEndpoint>,
    /// Addresses it leads to.
    pub addresses: Vec<IpAddr>,
    /// Service tags, where no name tells them: the sender's for inbound connections.
    pub tags: Vec<Arc<str>>,
    /// Protocols and ports.
    pub ports: Vec<Ports>,
    /// When in the life of the work it is opened.
    pub phases: Vec<Phase>,
    /// What does not work without it.
    pub needed_for: Vec<Arc<str>>,
    /// What a person sees where it is blocked.
    pub breaks: Arc<str>,
    /// Whether the work itself goes on without it.
    pub degrades: bool,
    /// Needed by those alone who use this.
    pub feature: Option<Arc<str>>,
    /// Needed in such set-ups alone; all of them have to hold.
    pub only: Vec<Condition>,
    /// What else has to be set up, beside the network.
    pub setup: Vec<Arc<str>>,
    /// Whether it lies outside the customer's network, so that no rule there decides.
    pub outside: bool,
    /// Whether the platform lets it through by itself.
    pub platform: bool,
    /// What the documents disagree about.
    pub disputed: Option<Arc<str>>,
    /// The first generation of texts it holds in.
    pub since: Option<MlEra>,
    /// The last generation of texts it holds in.
    pub until: Option<MlEra>,
    /// Where that was read: [`Source::id`].
    pub sources: Vec<Arc<str>>,
    /// Where it is written.
    pub at: At,
}

/// Which needs are wanted; what is absent does not matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this workload.
    pub workload: Option<Workload>,
    /// To this service.
    pub service: Option<Arc<str>>,
    /// In this phase.
    pub phase: Option<Phase>,
    /// In this direction.
    pub direction: Option<Direction>,
    /// In this generation of texts.
    pub era: Option<MlEra>,
}

impl Filter {
    /// Whether a need is wanted.
    pub fn wants(&self, need: &Need) -> bool {
        let workload = |w: Workload| need.workloads.contains(&w) || need.workloads.contains(&Workload::Any);
        self.workload.is_none_or(workload)
            && self.service.as_ref().is_none_or(|s| s.eq_ignore_ascii_case(&need.service))
            && self.phase.is_none_or(|p| need.phases.contains(&p))
            && self.direction.is_none_or(|d| need.direction == d)
            && self.era.is_none_or(|era| need.holds_in(era))
    }
}

impl Need {
    /// Whether it holds in a generation of texts.
    pub fn holds_in(&self, era: MlEra) -> bool {
        self.since.is_none_or(|since| since <= era) && self.until.is_none_or(|until| era <= until)
    }

    /// When a block shows, by phase.
    pub fn moments(&self) -> Vec<Moment> {
        let mut moments: Vec<Moment> = self.phases.iter().map(|p| p.moment()).collect();
        moments.sort_unstable();
        moments.dedup();
        moments
    }

    /// Everything it leads to by name, with service tag, private zone and sub-resource, where they are known.
    pub fn names(&self, region: &str) -> Vec<Name> {
        let public = self.hosts.iter().map(|host| Name::public(host, region));
        let own = self.own.iter().map(|own| Name::own(*own, region));
        public.chain(own).collect()
    }
}

impl Catalogue {
    /// The catalogue that comes with the program.
    pub fn builtin() -> &'static Catalogue {
        static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
            let doc = Sources::default().add("catalogue/azure-ml.yaml", BUILTIN);
            let mut notes = Diagnostics::new();
            let root = parse_yaml(doc, BUILTIN, &mut notes).ok();
            root.and_then(|root| load(&root, &mut notes)).unwrap_or_default()
        });
        &CATALOGUE
    }

    /// The text of the catalogue that comes with the program, for messages that point into it.
    pub fn builtin_text() -> &'static str {
        BUILTIN
    }

    /// The needs that a filter wants, in the order of the file.
    pub fn select<'a>(&'a self, filter: &'a Filter) -> impl Iterator<Item = &'a Need> {
        self.needs.iter().filter(|need| filter.wants(need))
    }

    /// The service a need leads to.
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|s| s.name.eq_ignore_ascii_case(name))
    }

    /// A need by its id.
    pub fn need(&self, id: &str) -> Option<&Need> {
        self.needs.iter().find(|n| n.id.eq_ignore_ascii_case(id))
    }

    /// What is known about a tag; the region behind it does not matter.
    pub fn tag(&self, name: &str) -> Option<&TagFact> {
        let same = |tag: &&TagFact| {
            name.get(..tag.name.len()).is_some_and(|head| head.eq_ignore_ascii_case(&tag.name))
                && matches!(name.as_bytes().get(tag.name.len()), None | Some(b'.'))
        };
        self.tags.iter().filter(same).max_by_key(|tag| tag.name.len())
    }

    /// Adds another catalogue. What it calls by the same name takes the place of what was there.
    pub fn add(&mut self, other: Catalogue) {
        merge(&mut self.sources, other.sources, |s| &s.id);
        merge(&mut self.tags, other.tags, |t| &t.name);
        merge(&mut self.services, other.services, |s| &s.name);
        merge(&mut self.needs, other.needs, |n| &n.id);
        for (stand_in, names) in &other.replaced {
            self.replace(stand_in, names);
        }
    }

    /// Puts names in the place of a stand-in, as `python-index.example` is one.
    pub fn replace(&mut self, stand_in: &str, names: &[Arc<str>]) {
        for need in &mut self.needs {
            let with = |host: &Arc<str>| match host.eq_ignore_ascii_case(stand_in) {
                true => names.to_vec(),
                false => vec![host.clone()],
            };
            need.hosts = need.hosts.iter().flat_map(with).collect();
        }
    }
}

fn merge<T>(into: &mut Vec<T>, from: Vec<T>, key: impl Fn(&T) -> &Arc<str>) {
    for item in from {
        match into.iter().position(|old| key(old).eq_ignore_ascii_case(key(&item))) {
            Some(at) => into[at] = item,
            None => into.push(item),
        }
    }
}

impl Ports {
    /// Reads `tcp/443`, `udp/5831`, `tcp/29876-29877` or `any/443`.
    pub fn parse(text: &str) -> Option<Ports> {
        let (protocol, range) = text.trim().split_once('/')?;
        let protocol = match protocol.trim() {
            any if any.eq_ignore_ascii_case("any") || any == "*" => None,
            name => Some(Protocol::parse(name)?),
        };
        Some(Ports { protocol, range: PortRange::parse(range)? })
    }

    /// One protocol and port to try it with.
    pub fn example(&self) -> (Protocol, u16) {
        (self.protocol.unwrap_or(Protocol::Tcp), self.range.low)
    }

    /// The ports to ask about: every one of a short range, else its ends.
    pub fn asked(&self) -> Vec<u16> {
        const SHORT: u16 = 16;
        let PortRange { low, high } = self.range;
        match high.saturating_sub(low) < SHORT {
            true => (low..=high).collect(),
            false => vec![low, high],
        }
    }
}

impl std::fmt::Display for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.protocol {
            Some(protocol) => write!(f, "{}/{}", protocol.name().to_ascii_lowercase(), self.range),
            None => write!(f, "any/{}", self.range),
        }
    }
}

#[cfg(test)]
mod tests;
