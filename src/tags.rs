//! Service tags: names that stand for address prefixes of Azure's own services.
//!
//! Input: the small table of the project, or Microsoft's published file as a value tree. Output: an
//! immutable [`ServiceTags`] that finds a tag by any usual spelling and tells which tags hold an address.
//! It knows no estate and no rule. A tag that is not in the table is not found; it is never empty.
//!
//! The tags that mean something else in every network (`VirtualNetwork`, `Internet` ...) have no
//! prefixes; they are named in [`SYMBOLIC`] and are not in any table.

mod builtin;
mod compare;
mod index;
mod published;

pub use compare::{TagChange, TagChangeKind};

use crate::diag::{Diagnostic, Diagnostics, nearest};
use crate::doc::Node;
use crate::net::{AddressSet, IpAddr, IpNet};
use crate::services::TAG_ALIASES;
use index::Index;
use std::sync::{Arc, OnceLock};

/// Tags without published prefixes: their meaning depends on where they are used.
pub const SYMBOLIC: &[&str] = &[
    "VirtualNetwork",
    "AzureLoadBalancer",
    "Internet",
    "AzurePlatformDNS",
    "AzurePlatformIMDS",
    "AzurePlatformLKM",
];

/// Regions whose name in regional tags of `AzureCloud` differs from the region's own name.
///
/// AZURE: `Storage.FranceCentral` but `AzureCloud.centralfrance`; read in the published files of 2025-11.
const REGION_CODES: &[(&str, &str)] = &[
    ("brazilnortheast", "brazilne"),
    ("brazilsoutheast", "brazilse"),
    ("chilecentral", "chilec"),
    ("francecentral", "centralfrance"),
    ("francesouth", "southfrance"),
    ("germanynorth", "germanyn"),
    ("germanywestcentral", "germanywc"),
    ("norwayeast", "norwaye"),
    ("norwaywest", "norwayw"),
    ("switzerlandnorth", "switzerlandn"),
    ("switzerlandwest", "switzerlandw"),
];

/// Number of a tag within its [`ServiceTags`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagId(u32);

impl TagId {
    /// The number: tags are counted from zero in the order of their names.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A table of service tags, sorted by name.
#[derive(Clone, Debug, Default)]
pub struct ServiceTags {
    cloud: Arc<str>,
    change_number: u64,
    source_name: Arc<str>,
    tags: Vec<Tag>,
    index: OnceLock<Index>,
    /// For each tag the addresses that are new to it, in a table that came after another.
    fresh: Vec<AddressSet>,
}

#[derive(Clone, Debug)]
struct Tag {
    name: Arc<str>,
    /// The name in lower case; the table is sorted by it.
    key: Arc<str>,
    set: AddressSet,
    /// Its prefixes as published, sorted: a route for a tag is a route for each of them (RT-17), and neighbours
    /// do not make a longer block.
    prefixes: Vec<IpNet>,
    parent: Option<TagId>,
}

impl Tag {
    fn new(name: Arc<str>, mut prefixes: Vec<IpNet>) -> Tag {
        prefixes.iter_mut().for_each(|net| *net = net.trunc());
        prefixes.sort_unstable();
        prefixes.dedup();
        let set = AddressSet::from_prefixes(&prefixes);
        Tag { key: name.to_lowercase().into(), name, set, prefixes, parent: None }
    }
}

impl ServiceTags {
    /// The table that comes with the project: the tags workloads meet most often, each one complete.
    pub fn builtin() -> ServiceTags {
        builtin::load()
    }

    /// Reads a file as Microsoft publishes it every week, or the answer of the Service Tag Discovery API.
    ///
    /// A tag with a prefix that cannot be read is left out, so that it stays unknown.
    pub fn from_json(node: &Node, notes: &mut Diagnostics) -> Result<ServiceTags, Diagnostic> {
        published::read(node, notes)
    }

    /// Whether a document is such a file.
    pub fn is_published(node: &Node) -> bool {
        published::looks_like_one(node)
    }

    /// A table of these tags with their prefixes.
    pub fn of_prefixes(
        cloud: &str,
        change_number: u64,
        source_name: &str,
        named: Vec<(Arc<str>, Vec<IpNet>)>,
    ) -> ServiceTags {
        let mut tags: Vec<Tag> = named.into_iter().map(|(name, prefixes)| Tag::new(name, prefixes)).collect();
        tags.sort_by(|a, b| a.key.cmp(&b.key));
        tags.dedup_by(|a, b| a.key == b.key);
        let mut table = ServiceTags {
            cloud: cloud.into(),
            change_number,
            source_name: source_name.into(),
            tags,
            index: OnceLock::new(),
            fresh: Vec::new(),
        };
        for i in 0..table.tags.len() {
            table.tags[i].parent = table.tags[i].key.rsplit_once('.').and_then(|(base, _)| table.exact(base));
        }
        table
    }

    fn exact(&self, key: &str) -> Option<TagId> {
        self.tags.binary_search_by(|t| (*t.key).cmp(key)).ok().map(|i| TagId(i as u32))
    }

    /// The tag of a name, without regard to case. Spellings of Microsoft's own texts
    /// ([`TAG_ALIASES`]) and regions written as `West Europe`, `westeurope` or by their code are found.
    pub fn find(&self, name: &str) -> Option<TagId> {
        let name = name.trim().to_lowercase();
        if let Some(tag) = self.exact(&name) {
            return Some(tag);
        }
        let (base, rest) = name.split_once('.').map_or((&*name, None), |(b, r)| (b, Some(r)));
        let alias = TAG_ALIASES.iter().find(|(a, _)| a.eq_ignore_ascii_case(base));
        let bases = [Some(base.to_owned()), alias.map(|(_, tag)| tag.to_lowercase())];
        let Some(rest) = rest else { return bases.iter().flatten().find_map(|b| self.exact(b)) };
        let region: String = rest.chars().filter(|c| !c.is_whitespace()).collect();
        let other = other_region_name(&region);
        bases.iter().flatten().find_map(|base| {
            let of = |region: &str| self.exact(&format!("{base}.{region}"));
            of(&region).or_else(|| other.and_then(of))
        })
    }

    /// The form of a tag for one region: `Storage` in `westeurope` is `Storage.WestEurope`.
    pub fn regional(&self, tag: &str, region: &str) -> Option<TagId> {
        self.find(&format!("{}.{region}", tag.trim()))
    }

    /// The name as published.
    pub fn name(&self, id: TagId) -> &str {
        &self.tags[id.index()].name
    }

    /// The addresses of a tag.
    pub fn set(&self, id: TagId) -> &AddressSet {
        &self.tags[id.index()].set
    }

    /// The length of the longest published prefix of a tag that holds an address.
    pub fn longest_prefix(&self, id: TagId, ip: IpAddr) -> Option<u8> {
        let prefixes = &self.tags[id.index()].prefixes;
        let bits = if ip.is_ipv4() { 32 } else { 128 };
        let listed =
            |len: &u8| IpNet::new(ip, *len).is_ok_and(|net| prefixes.binary_search(&net.trunc()).is_ok());
        (0..=bits).rev().find(listed)
    }

    /// The prefixes of a tag as published, sorted.
    pub fn prefixes(&self, id: TagId) -> &[IpNet] {
        &self.tags[id.index()].prefixes
    }

    /// The tag this one is a part of: `Storage` for `Storage.WestEurope`.
    pub fn parent(&self, id: TagId) -> Option<TagId> {
        self.tags[id.index()].parent
    }

    /// Every tag that holds all of a set, and every tag that holds a part of it, in the order of names.
    pub fn holding_set(&self, set: &AddressSet) -> (Vec<TagId>, Vec<TagId>) {
        let (mut all, mut part) = (Vec::new(), Vec::new());
        for id in self.iter() {
            let own = self.set(id);
            if own.covers(set) {
                all.push(id);
            } else if own.meets(set) {
                part.push(id);
            }
        }
        (all, part)
    }

    /// Every tag that holds an address, in the order of names. The first call builds an index.
    pub fn holding(&self, ip: IpAddr) -> Vec<TagId> {
        self.index().at(ip).to_vec()
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::new(self.tags.iter().map(|t| &t.set)))
    }

    /// An example address of a tag: IPv4 if there is one, then the first usable host of a part that as few other tags
    /// as possible hold (`AzureCloud` and its regions not counted). The same table gives the same address always.
    pub fn representative(&self, id: TagId) -> Option<IpAddr> {
        let crowd = |tags: &[TagId]| tags.iter().filter(|t| !self.is_cloud(**t)).count();
        let fresh = self.fresh.get(id.index()).and_then(|fresh| self.example(fresh, &crowd));
        // New addresses of IPv6 alone move nobody who is asked over IPv4.
        match fresh {
            Some(ip) if ip.is_ipv4() => fresh,
            _ => self.example(self.set(id), &crowd).filter(|ip| ip.is_ipv4() || fresh.is_none()).or(fresh),
        }
    }

    /// Addresses that stand for a tag of which it is not known which region's is meant: one of each of these regional
    /// tags of it, and one beside them all. Nothing where none is a part of it.
    pub fn by_region(&self, id: TagId, regional: &[TagId]) -> Vec<IpAddr> {
        let key = format!("{}.", self.tags[id.index()].key);
        // All of Azure's addresses of a region hold those of the tag there.
        let of = |r: &TagId| {
            let name = &self.tags[r.index()].key;
            let region = name.strip_prefix(&*key).or_else(|| name.strip_prefix("azurecloud."))?;
            self.find(&format!("{key}{region}"))
        };
        let own: std::collections::BTreeSet<TagId> = regional.iter().filter_map(of).collect();
        if own.is_empty() {
            return Vec::new();
        }
        let crowd = |tags: &[TagId]| tags.iter().filter(|t| !self.is_cloud(**t)).count();
        let rest = own.iter().fold(self.set(id).clone(), |rest, r| rest.minus(self.set(*r)));
        let beside = self.example(&rest, &crowd);
        let own = own.iter().filter_map(|r| self.representative(*r));
        beside.into_iter().chain(own).filter(IpAddr::is_ipv4).collect()
    }

    fn example(&self, set: &AddressSet, crowd: &dyn Fn(&[TagId]) -> usize) -> Option<IpAddr> {
        let parts = self.index().parts(set).into_iter();
        parts.map(|(ip, tags)| (ip.is_ipv6(), crowd(tags), ip)).min().map(|(.., ip)| ip)
    }

    /// The same table as what comes after an older one: the example addresses of a tag are among those that are new to
    /// it, if there are some. What was only allowed by the older addresses shows so.
    pub fn moved_from(&self, older: &ServiceTags) -> ServiceTags {
        let nothing = AddressSet::empty();
        let new_to = |tag: &Tag| {
            let before = older.exact(&tag.key).map_or(&nothing, |id| older.set(id));
            let all_new = before.is_empty();
            if all_new { AddressSet::empty() } else { tag.set.minus(before) }
        };
        ServiceTags { fresh: self.tags.iter().map(new_to).collect(), ..self.clone() }
    }

    fn is_cloud(&self, id: TagId) -> bool {
        let key = &self.tags[id.index()].key;
        key.strip_prefix("azurecloud").is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// Every tag, in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = TagId> + use<> {
        (0..self.tags.len() as u32).map(TagId)
    }

    /// How many tags there are.
    pub fn len(&self) -> usize {
        self.tags.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty()
    }

    /// The cloud the table is of: `Public`, `China`, `AzureGovernment`.
    pub fn cloud(&self) -> &str {
        &self.cloud
    }

    /// The number of the publication.
    pub fn change_number(&self) -> u64 {
        self.change_number
    }

    /// What to call the table when an answer depends on it.
    pub fn source_name(&self) -> &str {
        &self.source_name
    }

    /// The known name nearest to what was typed, symbolic tags included.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        nearest(name, self.tags.iter().map(|t| &*t.name).chain(SYMBOLIC.iter().copied()))
    }
}

/// Whether a name is one of [`SYMBOLIC`], without regard to case.
pub fn is_symbolic(name: &str) -> bool {
    SYMBOLIC.iter().any(|s| s.eq_ignore_ascii_case(name.trim()))
}

fn other_region_name(region: &str) -> Option<&'static str> {
    REGION_CODES.iter().find_map(|(name, code)| match region {
        r if r == *name => Some(*code),
        r if r == *code => Some(*name),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
