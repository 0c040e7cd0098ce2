//! Resources by name, in few bytes: names are read out of the ids, none is kept twice.

use super::{Inventory, ResourceId, Slot};
use std::hash::Hasher;

/// Which resources have a name, or a name with their parents'.
#[derive(Clone, Debug, Default)]
pub(super) struct NameIndex {
    /// The slots, those of one name together and in table order; names in the order of their hashes.
    slots: Vec<Slot>,
    /// The names, in the same order.
    groups: Vec<Group>,
    /// The first name of each beginning of a hash, and the end of the last.
    starts: Vec<u32>,
}

/// The slots of one name: from here to where the next begins.
#[derive(Clone, Copy, Debug)]
struct Group {
    /// The last bits of its hash.
    hash: u32,
    /// The first slot, and in the lowest bit whether that has it as its full name, or else as its last part.
    first: u32,
}

impl Group {
    fn first(self) -> usize {
        (self.first >> 1) as usize
    }

    fn is_full(self) -> bool {
        self.first & 1 == 1
    }
}

/// One name of one resource, before names are put together.
struct Entry {
    hash: u64,
    order: u32,
    full: bool,
    slot: Slot,
}

impl NameIndex {
    /// Indexes every resource.
    pub(super) fn new(inventory: &Inventory) -> Self {
        let mut entries = Vec::with_capacity(2 * inventory.len());
        inventory.each(&mut |id, slot, _, _| {
            let (full, short) = (id.full_name(), id.name());
            let mut push = |text: &str, full: bool| {
                entries.push(Entry { hash: hash(text), order: entries.len() as u32, full, slot });
            };
            if full.len() != short.len() {
                push(short, false);
            }
            push(&full, true);
        });
        entries.sort_unstable_by_key(|e| (e.hash, e.order));
        let mut index = Self { slots: Vec::with_capacity(entries.len()), ..Self::default() };
        let bits = (entries.len().max(1)).ilog2();
        index.starts = Vec::with_capacity((1 << bits) + 1);
        for same in entries.chunk_by(|a, b| a.hash == b.hash) {
            let start = beginning(same[0].hash, bits);
            index.starts.resize((start + 1).max(index.starts.len()), index.groups.len() as u32);
            index.put(inventory, same);
        }
        index.starts.resize((1 << bits) + 1, index.groups.len() as u32);
        index.groups.shrink_to_fit();
        index
    }

    /// Puts in what has one hash: nearly always one name.
    fn put(&mut self, inventory: &Inventory, same: &[Entry]) {
        let mut rest: Vec<&Entry> = same.iter().collect();
        while let Some(head) = rest.first() {
            let (first, name) = (self.slots.len() as u32, text(inventory, head.slot, head.full));
            self.groups.push(Group { hash: head.hash as u32, first: first << 1 | u32::from(head.full) });
            let (own, others): (Vec<&Entry>, Vec<&Entry>) = rest.iter().partition(|e| {
                same.len() == 1 || text(inventory, e.slot, e.full).eq_ignore_ascii_case(&name)
            });
            self.slots.extend(own.iter().map(|e| e.slot));
            rest = others;
        }
    }

    /// The slots of a name.
    pub(super) fn get(&self, inventory: &Inventory, name: &str) -> &[Slot] {
        let bits = self.starts.len().checked_sub(1).and_then(usize::checked_ilog2);
        let Some(bits) = bits else { return &[] };
        let hash = hash(name);
        let start = beginning(hash, bits);
        let groups = self.starts[start] as usize..self.starts[start + 1] as usize;
        let called = |group: &Group| {
            let is = |id: &ResourceId| match group.is_full() {
                true => id.is_called(name),
                false => id.name().eq_ignore_ascii_case(name),
            };
            group.hash == hash as u32 && inventory.id_of(self.slots[group.first()]).is_some_and(is)
        };
        groups.into_iter().find(|g| called(&self.groups[*g])).map_or(&[], |g| self.of(g))
    }

    /// The slots of a name by its number.
    fn of(&self, number: usize) -> &[Slot] {
        let end = self.groups.get(number + 1).map_or(self.slots.len(), |g| g.first());
        &self.slots[self.groups[number].first()..end]
    }

    /// Every name in lower case with its slots, in no order.
    pub(super) fn each(&self, inventory: &Inventory, visit: &mut dyn FnMut(String, &[Slot])) {
        for (number, group) in self.groups.iter().enumerate() {
            let slots = self.of(number);
            visit(text(inventory, slots[0], group.is_full()).to_ascii_lowercase(), slots);
        }
    }
}

/// Where a hash stands among all: its first bits.
fn beginning(hash: u64, bits: u32) -> usize {
    (hash >> 1 >> (63 - bits)) as usize
}

/// A name of a resource.
fn text(inventory: &Inventory, slot: Slot, full: bool) -> String {
    let of = |id: &ResourceId| if full { id.full_name() } else { id.name().to_owned() };
    inventory.id_of(slot).map(of).unwrap_or_default()
}

/// A hash that does not see case.
fn hash(text: &str) -> u64 {
    let mut hasher = std::hash::BuildHasher::build_hasher(&foldhash::fast::FixedState::default());
    super::resource_id::hash_without_case(text, &mut hasher);
    hasher.finish()
}
