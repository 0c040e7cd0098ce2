//! What a batch needs of a network in words, written down: so that a stored estate answers without its network.
//!
//! A [`Directory`] holds what ends of flows mean, who decides by what name, which route of a table held, and what names
//! of services resolve to, each as the network itself said it when the estate was compiled ([`directory`]). It is tables of
//! words in memory of somebody else, read where they lie. **It never guesses**: what does not stand in it, letter by
//! letter, is asked of the network ([`super::Known`] gives such a flow back), and so is what a damaged offset leads to.
//!
//! | section | rows |
//! |---|---|
//! | `words` | texts, each once: its length and its letters |
//! | `ends` | open addressing by the XXH3 of a name: the name, and a slot or the number of what it means |
//! | `owners` | names of resources by table and row, of attachments by number |
//! | `rules` | names of the rules of groups and networks, lists that are alike once |
//! | `routes` | routes of subnets by number, route tables that are alike once |
//! | `names` | what a name is, by what a network sees of zones; and which application rules it fits |

mod write;

use super::arena::Memory;
use super::flow::{Aim, Start};
use super::names::Found;
use super::tables::NOBODY;
use crate::inventory::{Slot, TableTag};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use twox_hash::XxHash3_64;

pub use write::{Sections, directory};

/// The sections, in their order.
pub const SECTIONS: [&str; 6] = ["words", "ends", "owners", "rules", "routes", "names"];

const WORDS: usize = 0;
const ENDS: usize = 1;
const OWNERS: usize = 2;
const RULES: usize = 3;
const ROUTES: usize = 4;
const NAMES: usize = 5;

/// The bit of what is no slot.
const MORE: u32 = 1 << 31;

/// Words of an end that is more than a slot.
const END: usize = 8;

/// A route's owner where it is the owner of its list.
const OF_LIST: u32 = 0;

/// The owner of a route, or of a list, where there is none.
const OF_NOBODY: u32 = u32::MAX;

/// Names of a network, where it lies in a file.
#[derive(Clone)]
pub struct Directory {
    memory: Arc<dyn Memory>,
    sections: [Range<usize>; SECTIONS.len()],
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a directory of {} bytes", self.sections.iter().map(Range::len).sum::<usize>())
    }
}

/// What an end of a flow means as destination.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Meant<'d> {
    /// An address, and what it is.
    Address(u32, Aim),
    /// A name to be resolved.
    Name(&'d str),
}

/// A list of names of rules, or of routes, in a section.
#[derive(Clone, Copy)]
struct List<'d> {
    section: &'d [u8],
    at: usize,
}

impl List<'_> {
    fn get(&self, number: usize) -> Option<u32> {
        let count = word(self.section, self.at)? as usize;
        (number < count).then(|| word(self.section, self.at + 1 + number))?
    }
}

fn word(section: &[u8], number: usize) -> Option<u32> {
    let at = number.checked_mul(4)?;
    Some(u32::from_le_bytes(section.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// What is written plus one, so that nothing is zero.
fn less_one(number: u32) -> Option<u32> {
    number.checked_sub(1)
}

impl Directory {
    /// A directory whose sections lie there in memory.
    pub fn lying(memory: Arc<dyn Memory>, sections: [Range<usize>; SECTIONS.len()]) -> Option<Self> {
        let bytes = memory.bytes().len();
        sections.iter().all(|range| range.start <= range.end && range.end <= bytes).then_some(())?;
        Some(Self { memory, sections })
    }

    /// A directory of sections that lie nowhere yet.
    pub fn of(sections: &Sections) -> Self {
        let mut ends = sections.iter().scan(0, |end, section| {
            *end += section.len();
            Some(*end - section.len()..*end)
        });
        let ranges = std::array::from_fn(|_| ends.next().unwrap_or_default());
        let memory: Box<[u8]> = sections.concat().into();
        Self { memory: Arc::new(memory), sections: ranges }
    }

    fn section(&self, number: usize) -> &[u8] {
        &self.memory.bytes()[self.sections[number].clone()]
    }

    fn text(&self, place: u32) -> Option<&str> {
        let words = self.section(WORDS).get(place as usize..)?;
        let (length, rest) = words.split_first_chunk()?;
        std::str::from_utf8(rest.get(..u32::from_le_bytes(*length) as usize)?).ok()
    }

    /// What stands for a name: a slot, or the place of more.
    fn end(&self, name: &str) -> Option<u32> {
        let ends = self.section(ENDS);
        let size = word(ends, 0)? as usize;
        let hash = XxHash3_64::oneshot(name.as_bytes());
        let first = usize::try_from(hash % u64::try_from(size).ok().filter(|size| *size > 0)?).ok()?;
        for step in 0..size {
            let at = 1 + 2 * ((first + step) % size);
            let text = less_one(word(ends, at)?)?;
            if self.text(text)? == name {
                return word(ends, at + 1);
            }
        }
        None
    }

    fn more(&self, what: u32, number: usize) -> Option<u32> {
        let ends = self.section(ENDS);
        let place = (what & !MORE) as usize;
        word(ends, 1 + 2 * word(ends, 0)? as usize + place * END + number)
    }

    /// Where a sender starts.
    pub(super) fn start(&self, name: &str) -> Option<Start> {
        let what = self.end(name)?;
        if what & MORE == 0 {
            return Some(Start::Slot(what));
        }
        let (a, b) = (self.more(what, 1)?, self.more(what, 2)?);
        match self.more(what, 0)? {
            1 => Some(Start::Slot(a)),
            2 => Some(Start::Subnet(a, b)),
            3 => Some(Start::Internet(a)),
            _ => None,
        }
    }

    /// What a receiver is; `ip_of` tells the address of a slot.
    pub(super) fn meant(&self, name: &str, ip_of: impl Fn(u32) -> Option<u32>) -> Option<Meant<'_>> {
        let what = self.end(name)?;
        if what & MORE == 0 {
            return Some(Meant::Address(ip_of(what)?, Aim::Slot(what)));
        }
        let second = self.more(what, 4)?;
        match self.more(what, 3)? {
            1 => {
                let aim = [self.more(what, 5)?, self.more(what, 6)?, self.more(what, 7)?];
                Some(Meant::Address(second, aim_of(aim)?))
            }
            2 => self.text(second).map(Meant::Name),
            _ => None,
        }
    }

    /// The name of a resource; `None` where it does not stand here.
    pub(super) fn resource(&self, slot: Slot) -> Option<&str> {
        let owners = self.section(OWNERS);
        let tables = word(owners, 0)? as usize;
        let table =
            TableTag::ALL.iter().position(|(tag, ..)| *tag == slot.table).unwrap_or(tables.checked_sub(1)?);
        let (from, to) = (word(owners, 1 + table)?, word(owners, 2 + table)?);
        let at = from.checked_add(slot.row).filter(|at| *at < to)?;
        self.text(less_one(word(owners, at as usize)?)?)
    }

    /// The name of what an attachment belongs to.
    pub(super) fn owner(&self, attachment: u32) -> Option<&str> {
        let owners = self.section(OWNERS);
        let tables = word(owners, 0)? as usize;
        let from = word(owners, 1 + tables)?;
        self.text(less_one(word(owners, from.checked_add(attachment)? as usize)?)?)
    }

    /// `group/rule`.
    pub(super) fn group_rule(&self, nsg: u32, inbound: bool, rule: u16) -> Option<String> {
        let section = self.section(RULES);
        let groups = word(section, 0)?;
        let at = 1 + 3 * (nsg < groups).then_some(nsg)? as usize;
        let list = List { section, at: word(section, at + 1 + usize::from(!inbound))? as usize };
        let rule = self.text(list.get(usize::from(rule))?)?;
        Some(format!("{}/{rule}", self.text(less_one(word(section, at)?)?)?))
    }

    /// A security admin rule of a network.
    pub(super) fn admin_rule(&self, vnet: u32, inbound: bool, rule: u16) -> Option<&str> {
        let section = self.section(RULES);
        let from = 1 + 3 * word(section, 0)? as usize;
        let at = from + 1 + 2 * (vnet < word(section, from)?).then_some(vnet)? as usize;
        let list = List { section, at: word(section, at + usize::from(!inbound))? as usize };
        self.text(list.get(usize::from(rule))?)
    }

    fn routes(&self, subnet: u32) -> Option<List<'_>> {
        let section = self.section(ROUTES);
        let at = (subnet < word(section, 0)?).then(|| word(section, 1 + subnet as usize))??;
        Some(List { section, at: less_one(at)? as usize + 1 })
    }

    /// A route of a subnet's table: `table/route`; `None` inside where it has no name.
    pub(super) fn route(&self, subnet: u32, route: u16) -> Option<Option<String>> {
        let list = self.routes(subnet)?;
        let body = list.get(usize::from(route))? as usize;
        let owner = match word(list.section, body + 1)? {
            OF_LIST => word(list.section, list.at.checked_sub(1)?)?,
            own => own,
        };
        let text = |number: u32| match less_one(number).filter(|_| number != OF_NOBODY) {
            Some(place) => self.text(place).map(Some),
            None => Some(None),
        };
        Some(match (text(owner)?, text(word(list.section, body)?)?) {
            (Some(owner), Some(name)) => Some(format!("{owner}/{name}")),
            (owner, name) => owner.or(name).map(str::to_owned),
        })
    }

    /// The number of the route of a subnet's table that holds an address by a prefix of this length (RT-17).
    pub(super) fn route_of(&self, subnet: u32, destination: u32, length: u8) -> Option<u16> {
        let list = self.routes(subnet)?;
        let mut best: Option<(u32, u16)> = None;
        for number in 0..word(list.section, list.at)? {
            let body = list.get(number as usize)? as usize;
            let (rank, count) = (word(list.section, body + 2)?, word(list.section, body + 3)? as usize);
            for prefix in 0..count {
                let at = body + 4 + 2 * prefix;
                let (first, own) = (word(list.section, at)?, word(list.section, at + 1)?);
                let mask = u32::MAX.checked_shl(32_u32.checked_sub(own)?).unwrap_or(0);
                if own == u32::from(length) && destination & mask == first {
                    let found = (rank, u16::try_from(number).ok()?);
                    best = Some(best.map_or(found, |best| best.min(found)));
                }
            }
        }
        best.map(|(_, number)| number)
    }

    /// Whether the example of a public client has a public address here.
    pub(super) fn client(&self) -> Option<()> {
        (word(self.section(NAMES), 5)? == 1).then_some(())
    }

    /// What a slot is to the internet: its public address, or that the network must say; `None` where that is nothing
    /// else than inside.
    pub(super) fn outside(&self, slot: u32) -> Option<Option<u32>> {
        let names = self.section(NAMES);
        let at = word(names, 0)? as usize;
        let count = word(names, at)? as usize;
        let rows = names.get(4 * (at + 1)..)?;
        let row = |number: usize| word(rows, 3 * number);
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low.midpoint(high);
            if row(middle)? < slot { low = middle + 1 } else { high = middle }
        }
        if low == count || row(low)? != slot {
            return None;
        }
        Some(if word(rows, 3 * low + 1)? == 1 { word(rows, 3 * low + 2) } else { None })
    }

    /// What a name is to senders of a network, and the server they ask; [`NOBODY`] for the internet. The text of what
    /// keeps a private zone from answering comes beside it.
    pub(super) fn name(&self, vnet: u32, name: &str) -> Option<(Found, Option<Option<&str>>)> {
        let names = self.section(NAMES);
        let views = word(names, 1)? as usize;
        let row = match vnet {
            NOBODY => 0,
            vnet => (vnet < word(names, views)?.checked_sub(1)?).then_some(vnet as usize + 1)?,
        };
        let view = less_one(word(names, views + 1 + 2 * row)?)? as usize;
        let server = word(names, views + 2 + 2 * row)?;
        let (number, count) = self.number(name)?;
        let table = word(names, 3)? as usize;
        let found = less_one(word(names, table + view * count + number as usize)?)? as usize;
        let part = |n: usize| word(names, found + n);
        let shadow = match part(4)? {
            0 => None,
            1 => Some(None),
            place => Some(Some(self.text(place.checked_sub(2)?)?)),
        };
        let aim = aim_of([part(1)?, part(2)?, part(3)?])?;
        Some((Found::Address { ip: part(0)?, aim, shadow: NOBODY, server }, shadow))
    }

    /// The number of a name, and how many there are.
    fn number(&self, name: &str) -> Option<(u32, usize)> {
        let names = self.section(NAMES);
        let at = word(names, 2)? as usize;
        let count = word(names, at)? as usize;
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low.midpoint(high);
            match self.text(word(names, at + 1 + middle)?)?.cmp(name) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some((middle as u32, count)),
            }
        }
        None
    }

    /// Which application rules of a firewall a name fits, and behind that, which it may fit.
    pub(super) fn application_row(&self, firewall: u32, name: Option<&str>) -> Option<Vec<u64>> {
        let names = self.section(NAMES);
        let at = word(names, 4)? as usize;
        let (firewalls, count) = (word(names, at)?, word(names, at + 1)? as usize);
        let number = match name {
            None => 0,
            Some(name) => self.number(name)?.0 as usize + 1,
        };
        let firewall = (firewall < firewalls && number < count).then_some(firewall as usize)?;
        let row = less_one(word(names, at + 2 + firewall * count + number)?)? as usize;
        let width = word(names, row)? as usize;
        let doubles = (0..width).map(|n| {
            Some(u64::from(word(names, row + 1 + 2 * n)?) | u64::from(word(names, row + 2 + 2 * n)?) << 32)
        });
        doubles.collect()
    }
}

/// An aim as three words.
fn aim_words(aim: Aim) -> Option<[u32; 3]> {
    Some(match aim {
        Aim::Nothing => [0, 0, 0],
        Aim::Slot(slot) => [1, slot, 0],
        Aim::Service(service, position) => [2, service, u32::from(position)],
        Aim::Foreign => [3, 0, 0],
        Aim::WellKnown => [4, 0, 0],
        Aim::Host(host) => [5, host, 0],
        Aim::Public => [6, 0, 0],
        Aim::Unresolved(_) | Aim::Other => return None,
    })
}

/// An aim of three words.
fn aim_of([kind, a, b]: [u32; 3]) -> Option<Aim> {
    Some(match kind {
        0 => Aim::Nothing,
        1 => Aim::Slot(a),
        2 => Aim::Service(a, u8::try_from(b).ok()?),
        3 => Aim::Foreign,
        4 => Aim::WellKnown,
        5 => Aim::Host(a),
        6 => Aim::Public,
        _ => return None,
    })
}
