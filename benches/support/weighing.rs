//! What is held in memory at the moment, as the allocator of a bench.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static BYTES: AtomicU64 = AtomicU64::new(0);
static BLOCKS: AtomicU64 = AtomicU64::new(0);

/// The system's allocator, with what is held at the moment.
pub(crate) struct Weighing;

/// What the system's allocator takes for a block: a word beside it, in steps of 16 bytes.
fn taken(size: usize) -> u64 {
    ((size as u64 + 8).next_multiple_of(16)).max(32)
}

// SAFETY: everything is handed on to the system's allocator unchanged.
#[allow(unsafe_code, reason = "an allocator is unsafe by nature")]
unsafe impl GlobalAlloc for Weighing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(taken(layout.size()), Relaxed);
        BLOCKS.fetch_add(1, Relaxed);
        // SAFETY: the caller's duty is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        BYTES.fetch_sub(taken(layout.size()), Relaxed);
        BLOCKS.fetch_sub(1, Relaxed);
        // SAFETY: the caller's duty is the system's.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        BYTES.fetch_add(taken(size), Relaxed);
        BYTES.fetch_sub(taken(layout.size()), Relaxed);
        // SAFETY: the caller's duty is the system's.
        unsafe { System.realloc(ptr, layout, size) }
    }
}

/// Bytes and blocks held at the moment, where the allocator is [`Weighing`].
pub(crate) fn live() -> (usize, usize) {
    (BYTES.load(Relaxed) as usize, BLOCKS.load(Relaxed) as usize)
}
