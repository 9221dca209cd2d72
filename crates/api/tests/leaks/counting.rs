//! The system's allocator, which counts what each thread holds.
#![expect(unsafe_code, reason = "counts what the allocator hands out")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// What was allocated and not freed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Live {
    pub(crate) bytes: isize,
    pub(crate) blocks: isize,
}

struct Counting;

thread_local! {
    static LIVE: Cell<Live> = const { Cell::new(Live { bytes: 0, blocks: 0 }) };
    /// The most bytes at a time since it was last forgotten.
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// What this thread has allocated and not freed.
pub(crate) fn live() -> Live {
    LIVE.get()
}

/// What a thread holds at most, from a moment on.
pub(crate) struct Measure {
    before: isize,
}

/// Begins to measure how much this thread holds at most.
pub(crate) fn forget_peak() -> Measure {
    let before = LIVE.get().bytes;
    PEAK.set(before);
    Measure { before }
}

impl Measure {
    /// How many bytes more it held than in the beginning, at most.
    pub(crate) fn peak(&self) -> isize {
        PEAK.get() - self.before
    }
}

fn count(bytes: isize, blocks: isize) {
    // Threads that are ending count no more.
    let _ = LIVE.try_with(|live| {
        let Live {
            bytes: b,
            blocks: n,
        } = live.get();
        live.set(Live {
            bytes: b + bytes,
            blocks: n + blocks,
        });
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(b + bytes)));
    });
}

// SAFETY: does what the system's allocator does.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize, 1);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize, 1);
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize), -1);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize, 0);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;
