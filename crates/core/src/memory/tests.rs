#![expect(unsafe_code, reason = "uses entities as an executor does")]
//! Tests of [`super`].

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::handle::MemoryHandle;
use crate::storage::{HeapStorage, StaticStorage};
use crate::store::PrunedStore;
use crate::testing::{raw_memory, store};

fn memory(store: &mut PrunedStore, min: u64, max: Option<u64>) -> MemoryHandle {
    store
        .as_mut()
        .alloc_memory(MemoryType::of_pages(min, max))
        .unwrap()
}

#[test]
fn a_new_memory_is_zero_and_as_large_as_its_minimum() {
    let mut store = store();
    let handle = memory(&mut store, 2, Some(5));
    let memory = store.as_ref().memory(handle).unwrap();
    assert_eq!(memory.pages(), 2);
    assert_eq!(memory.data().len(), 2 * PAGE_SIZE);
    assert!(memory.data().iter().all(|&byte| byte == 0));
    assert_eq!(memory.handle(), handle);
    assert_eq!(memory.current_type(), MemoryType::new(2, Some(5)));
}

#[test]
fn impossible_types_are_errors() {
    let mut store = store();
    for (min, max) in [
        (2, Some(1)),
        (MAX_PAGES + 1, None),
        (0, Some(MAX_PAGES + 1)),
    ] {
        let ty = MemoryType::of_pages(min, max);
        let error = store.as_mut().alloc_memory(ty).unwrap_err();
        assert_eq!(error, MemoryError::InvalidMemoryType { ty });
    }
    assert!(
        memory(&mut store, 0, Some(0)).index() == 0,
        "no failed one was added"
    );
}

#[test]
fn growth_keeps_bytes_clears_new_ones_and_ends_at_the_maximum() {
    let mut store = store();
    let handle = memory(&mut store, 1, Some(3));
    store
        .as_mut()
        .memory_mut(handle)
        .unwrap()
        .data_mut()
        .fill(9);
    assert_eq!(store.as_mut().grow_memory(handle, 0), Ok(1));
    assert_eq!(store.as_mut().grow_memory(handle, 2), Ok(1));
    for delta in [1, u64::MAX] {
        assert_eq!(
            store.as_mut().grow_memory(handle, delta),
            Err(GrowError::BeyondMaximum {
                kind: ExternKind::Memory,
                current: 3,
                delta,
                maximum: 3
            })
        );
    }
    let memory = store.as_ref().memory(handle).unwrap();
    assert_eq!(memory.pages(), 3);
    assert!(memory.data()[..PAGE_SIZE].iter().all(|&byte| byte == 9));
    assert!(memory.data()[PAGE_SIZE..].iter().all(|&byte| byte == 0));
}

#[test]
fn growth_without_a_maximum_ends_at_four_gibibytes() {
    let mut store = store();
    let handle = memory(&mut store, 1, None);
    let error = store.as_mut().grow_memory(handle, MAX_PAGES).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a memory of size 1 cannot grow by 65536: at most 65536 are possible"
    );
    assert_eq!(error.trap_code(), None);
}

#[test]
fn limits_say_where_an_access_ends() {
    let mut store = store();
    let handle = memory(&mut store, 0, None);
    let limits = store.as_ref().memory(handle).unwrap().limits();
    assert_eq!(limits, [-1, -2, -4, -8, -16]);
    store.as_mut().grow_memory(handle, 1).unwrap();
    let limits = store.as_ref().memory(handle).unwrap().limits();
    assert_eq!(limits, [65_535, 65_534, 65_532, 65_528, 65_520]);
}

#[test]
fn reads_and_writes_are_checked_as_a_whole() {
    let mut store = store();
    let handle = memory(&mut store, 1, None);
    let mut store = store.as_mut();
    let mut memory = store.memory_mut(handle).unwrap();
    memory.write(65_534, &[1, 2]).unwrap();
    let mut buffer = [0; 2];
    memory.read(65_534, &mut buffer).unwrap();
    assert_eq!(buffer, [1, 2]);
    memory.read(65_536, &mut []).unwrap();

    let error = memory.write(65_535, &[7, 7]).unwrap_err();
    assert_eq!(
        error,
        MemoryError::OutOfBoundsAccess {
            offset: 65_535,
            len: 2,
            size: 65_536
        }
    );
    assert_eq!(memory.data()[65_535], 2, "nothing is written");
    assert!(memory.read(u64::MAX, &mut buffer).is_err());
    assert!(memory.read(65_537, &mut []).is_err());
}

#[test]
fn a_static_buffer_bounds_growth_and_the_failure_is_told() {
    let buffer = Box::leak(vec![0xff; 2 * PAGE_SIZE + 5].into_boxed_slice());
    let mut store = store();
    let storage = Box::new(StaticStorage::new(buffer));
    let handle = store
        .as_mut()
        .alloc_memory_with(MemoryType::new(1, None), storage)
        .unwrap();
    assert_eq!(store.as_mut().grow_memory(handle, 1), Ok(1));
    let error = store.as_mut().grow_memory(handle, 1).unwrap_err();
    assert!(matches!(
        error,
        GrowError::Storage(StorageError::Capacity { .. })
    ));
    let memory = store.as_ref().memory(handle).unwrap();
    assert_eq!(memory.pages(), 2);
    assert!(memory.data().iter().all(|&byte| byte == 0));
}

#[test]
fn a_storage_may_come_with_bytes_of_whole_pages() {
    let with = |len: usize, ty| {
        let mut storage = HeapStorage::new();
        storage.grow(len).unwrap();
        store()
            .as_mut()
            .alloc_memory_with(ty, Box::new(storage))
            .map(|_| ())
    };
    let ty = MemoryType::new(1, Some(2));
    assert_eq!(with(0, ty), Ok(()));
    assert_eq!(with(2 * PAGE_SIZE, ty), Ok(()));
    for bytes in [PAGE_SIZE + 1, 3 * PAGE_SIZE] {
        assert_eq!(with(bytes, ty), Err(MemoryError::StorageSize { bytes, ty }));
    }
}

#[test]
fn no_room_is_an_error() {
    struct Full;
    // SAFETY: the length is always 0.
    unsafe impl MemoryStorage for Full {
        fn base(&mut self) -> *mut u8 {
            core::ptr::NonNull::dangling().as_ptr()
        }
        fn len(&self) -> usize {
            0
        }
        fn grow(&mut self, new_len: usize) -> Result<(), StorageError> {
            Err(StorageError::OutOfMemory {
                requested: new_len as u64,
            })
        }
    }
    let mut store = store();
    let ty = MemoryType::new(1, None);
    let error = store
        .as_mut()
        .alloc_memory_with(ty, Box::new(Full))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot make a memory of 1 page: no memory for 65536 bytes"
    );
    let handle = store
        .as_mut()
        .alloc_memory_with(MemoryType::new(0, None), Box::new(Full))
        .unwrap();
    assert!(store.as_mut().grow_memory(handle, 1).is_err());
    assert_eq!(store.as_ref().memory(handle).unwrap().data(), []);
}

/// A number that is interesting as an offset or length near one page.
fn extent() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..80u64,
        (PAGE_SIZE as u64 - 80)..(PAGE_SIZE as u64 + 80),
        (u64::MAX - 80)..=u64::MAX,
        any::<u64>()
    ]
}

/// The index range, computed with numbers that cannot overflow.
fn fits(start: u64, len: u64, size: usize) -> Option<core::ops::Range<usize>> {
    let end = u128::from(start) + u128::from(len);
    (end <= size as u128).then_some(start as usize..end as usize)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn bulk_operations_agree_with_a_plain_vector(
        dst in extent(), src in extent(), len in extent(), value: u8, seed: u8,
    ) {
        let mut store = store();
        let [a, b] = [memory(&mut store, 1, None), memory(&mut store, 1, None)];
        let mut model: Vec<u8> =
            (0..PAGE_SIZE).map(|i| (i as u8).wrapping_mul(31).wrapping_add(seed)).collect();
        for handle in [a, b] {
            store.as_mut().memory_mut(handle).unwrap().data_mut().copy_from_slice(&model);
        }
        let other = model.clone();
        let [base_a, base_b] = [a, b].map(|handle| raw_memory(&mut store, handle));
        // Unit tests of the entity's own methods, as an executor calls them.
        // SAFETY: two different memories of a store that is not used meanwhile.
        let (memory, source) = unsafe { (&mut *base_a, &*base_b) };
        let out_of_bounds = Err(TrapCode::MemoryOutOfBounds);

        let expected = fits(dst, len, PAGE_SIZE).map(|range| model[range].fill(value));
        prop_assert_eq!(memory.fill(dst, value, len), expected.ok_or(()).or(out_of_bounds));
        prop_assert!(memory.data() == model);

        let ranges = fits(dst, len, PAGE_SIZE).zip(fits(src, len, PAGE_SIZE));
        let expected = ranges.clone().map(|(dst, src)| model.copy_within(src, dst.start));
        prop_assert_eq!(memory.copy_within(dst, src, len), expected.ok_or(()).or(out_of_bounds));
        prop_assert!(memory.data() == model);

        let expected = ranges.map(|(dst, src)| model[dst].copy_from_slice(&other[src]));
        let result = memory.copy_from(dst, source, src, len);
        prop_assert_eq!(result, expected.ok_or(()).or(out_of_bounds));
        prop_assert!(memory.data() == model);

        let segment = &other[..100];
        let ranges = fits(dst, len, PAGE_SIZE).zip(fits(src, len, 100));
        let expected = ranges.map(|(dst, src)| model[dst].copy_from_slice(&segment[src]));
        let result = memory.init(dst, segment, src, len);
        prop_assert_eq!(result, expected.ok_or(()).or(out_of_bounds));
        prop_assert!(memory.data() == model);
    }
}
