#![expect(unsafe_code, reason = "owns heap values that others point at")]
//! Owners of heap values that raw pointers point at.
//!
//! A `Box` claims to be the only way to its content each time it is moved, so
//! it cannot own what an executor points at. These two own through raw pointers,
//! hand those out, and free everything once, when they are dropped.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;
use core::ptr::NonNull;

/// Values at stable addresses, added one by one and removed all at once.
///
/// Hands out raw pointers only; who turns one into a reference is responsible
/// for it.
pub(crate) struct Arena<E> {
    items: Vec<NonNull<E>>,
}

impl<E> Arena<E> {
    pub(crate) const fn new() -> Self {
        Self { items: Vec::new() }
    }

    /// The index that the next value will get.
    ///
    /// # Panics
    ///
    /// After 2³² - 2 values, which need hundreds of gigabytes before: an index
    /// plus one has to fit 32 bits.
    pub(crate) fn next_index(&self) -> u32 {
        self.next_index_after(0)
    }

    /// The index that a value will get after `ahead` others.
    ///
    /// # Panics
    ///
    /// As [`next_index`](Self::next_index).
    pub(crate) fn next_index_after(&self, ahead: u32) -> u32 {
        u32::try_from(self.items.len())
            .ok()
            .and_then(|index| index.checked_add(ahead))
            .filter(|&index| index < u32::MAX - 1)
            .expect("a store holds less than 2^32 entities of a kind")
    }

    /// Adds a value. Its address does not change until the arena is dropped.
    pub(crate) fn push(&mut self, value: E) -> NonNull<E> {
        // Grow the list first: if that fails, `value` is dropped and not leaked.
        self.items.reserve(1);
        let item = NonNull::from(Box::leak(Box::new(value)));
        self.items.push(item);
        item
    }

    pub(crate) fn get(&self, index: usize) -> Option<NonNull<E>> {
        self.items.get(index).copied()
    }
}

impl<E> Drop for Arena<E> {
    fn drop(&mut self) {
        let items = mem::take(&mut self.items);
        // SAFETY: each pointer came from `Box::leak` in `push` and is turned back
        // once. A vector drops its other elements also when one panics.
        let boxes: Vec<Box<E>> = items
            .into_iter()
            .map(|item| unsafe { Box::from_raw(item.as_ptr()) })
            .collect();
        drop(boxes);
    }
}

/// A fixed array that others point into.
pub(crate) struct PinnedArray<T: Copy> {
    items: NonNull<[T]>,
}

impl<T: Copy> PinnedArray<T> {
    pub(crate) fn new(items: impl Into<Box<[T]>>) -> Self {
        Self {
            items: NonNull::from(Box::leak(items.into())),
        }
    }

    pub(crate) const fn as_ptr(&self) -> *const T {
        self.items.as_ptr().cast_const().cast()
    }

    pub(crate) const fn as_slice(&self) -> &[T] {
        // SAFETY: the array is initialised, owned by this value, and never written.
        unsafe { self.items.as_ref() }
    }
}

impl<T: Copy> Drop for PinnedArray<T> {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `Box::leak` in `new`.
        drop(unsafe { Box::from_raw(self.items.as_ptr()) });
    }
}
