//! Resources by name, in few bytes: names are read out of the ids, none is kept twice.

use super::{Inventory, ResourceId, Slot};
use hashbrown::HashTable;
use std::hash::Hasher;

/// Which resources have a name, or a name with their parents'.
#[derive(Clone, Debug, Default)]
pub(super) struct NameIndex {
    /// The slots, those of one name together and in table order.
    slots: Vec<Slot>,
    groups: HashTable<Group>,
}

/// The slots of one name.
#[derive(Clone, Copy, Debug)]
struct Group {
    hash: u64,
    first: u32,
    len: u32,
    /// Whether the first slot has it as its full name, or else as its last part.
    full: bool,
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
        let mut index = Self { slots: Vec::with_capacity(entries.len()), groups: HashTable::new() };
        for same in entries.chunk_by(|a, b| a.hash == b.hash) {
            index.put(inventory, same);
        }
        index.groups.shrink_to(0, |g| g.hash);
        index
    }

    /// Puts in what has one hash: nearly always one name.
    fn put(&mut self, inventory: &Inventory, same: &[Entry]) {
        let mut rest: Vec<&Entry> = same.iter().collect();
        while let Some(head) = rest.first() {
            let (full, first) = (head.full, self.slots.len() as u32);
            let name = text(inventory, head.slot, full);
            let (own, others): (Vec<&Entry>, Vec<&Entry>) = rest
                .iter()
                .partition(|e| same.len() == 1 || text(inventory, e.slot, e.full).eq_ignore_ascii_case(&name));
            self.slots.extend(own.iter().map(|e| e.slot));
            let group = Group { hash: head.hash, first, len: own.len() as u32, full };
            self.groups.insert_unique(group.hash, group, |g| g.hash);
            rest = others;
        }
    }

    /// The slots of a name.
    pub(super) fn get(&self, inventory: &Inventory, name: &str) -> &[Slot] {
        let hash = hash(name);
        let found = self.groups.find(hash, |g| {
            let called = |id: &ResourceId| match g.full {
                true => id.is_called(name),
                false => id.name().eq_ignore_ascii_case(name),
            };
            g.hash == hash && inventory.id_of(self.slots[g.first as usize]).is_some_and(called)
        });
        found.map_or(&[], |g| self.of(g))
    }

    fn of(&self, group: &Group) -> &[Slot] {
        &self.slots[group.first as usize..(group.first + group.len) as usize]
    }

    /// Every name in lower case with its slots, in no order.
    pub(super) fn each(&self, inventory: &Inventory, visit: &mut dyn FnMut(String, &[Slot])) {
        for group in &self.groups {
            let slots = self.of(group);
            visit(text(inventory, slots[0], group.full).to_ascii_lowercase(), slots);
        }
    }
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
