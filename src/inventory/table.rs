//! Sorted tables and their typed row numbers.

use super::{Kind, ResourceId};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

/// A row number of the table of `K`.
pub struct Id<K>(u32, PhantomData<fn() -> K>);

impl<K> Id<K> {
    /// The row with this number.
    pub fn new(row: usize) -> Self {
        Self(u32::try_from(row).expect("INVARIANT: tables hold fewer than 2^32 rows"), PhantomData)
    }

    /// The number.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// The number as stored.
    pub fn raw(self) -> u32 {
        self.0
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Id<K> {}

impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<K> Eq for Id<K> {}

impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Resources of one kind, sorted by id.
#[derive(Clone, Debug)]
pub struct Table<K> {
    rows: Vec<K>,
}

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self { rows: Vec::new() }
    }
}

impl<K> Table<K> {
    pub(super) fn iter_mut(&mut self) -> std::slice::IterMut<'_, K> {
        self.rows.iter_mut()
    }

    pub(super) fn push(&mut self, row: K) {
        self.rows.push(row);
    }

    /// Puts another row in the place of one with the same id.
    pub(super) fn put(&mut self, row: usize, with: K) {
        self.rows[row] = with;
    }

    pub(super) fn sort(&mut self)
    where
        K: Kind,
    {
        self.rows.sort_unstable_by(|a, b| a.id().cmp(b.id()));
        self.rows.shrink_to_fit();
    }

    /// The rows in order.
    pub fn as_slice(&self) -> &[K] {
        &self.rows
    }

    /// The rows in order.
    pub fn iter(&self) -> std::slice::Iter<'_, K> {
        self.rows.iter()
    }

    /// Row numbers with their rows, in order.
    pub fn rows(&self) -> impl Iterator<Item = (Id<K>, &K)> {
        self.rows.iter().enumerate().map(|(i, row)| (Id::new(i), row))
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl<K: Kind> Table<K> {
    /// The row of a resource id. Rows are pushed in the order of ids, so they can be searched.
    pub fn find(&self, id: &ResourceId) -> Option<Id<K>> {
        self.rows.binary_search_by(|row| row.id().cmp(id)).ok().map(Id::new)
    }
}

impl<K> std::ops::Index<Id<K>> for Table<K> {
    type Output = K;
    fn index(&self, id: Id<K>) -> &K {
        &self.rows[id.index()]
    }
}
