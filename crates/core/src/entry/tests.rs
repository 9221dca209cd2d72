//! What one thread sees of an entry; what several see is in `models.rs`.

use super::CodeEntry;
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::sync::Arc;

/// An entry shares its value between threads, and drops it in one of them.
const fn crosses_threads<T: Send + Sync>() {}
const _: () = crosses_threads::<CodeEntry<Box<u64>>>();

#[test]
fn the_first_value_stays() {
    let entry = CodeEntry::new();
    assert_eq!(entry.get(), None);
    let first: *const u32 = entry.publish(Box::new(1)).unwrap();
    assert_eq!(entry.publish(Box::new(2)), Err(Box::new(2)));
    assert_eq!(entry.get(), Some(&1));
    assert!(core::ptr::eq(first, entry.get().unwrap()));
    let made = entry.get_or_publish(
        || -> Result<_, ()> { unreachable!("there is a value") },
        drop,
    );
    assert_eq!(made, Ok(&1));
}

#[test]
fn a_failure_changes_nothing() {
    let entry = CodeEntry::new();
    for error in [1, 2] {
        assert_eq!(entry.get_or_publish(|| Err(error), drop), Err(error));
        assert_eq!(entry.get(), None);
    }
    assert_eq!(
        entry.get_or_publish(|| Ok::<_, ()>(Box::new(7)), drop),
        Ok(&7)
    );
    assert_eq!(entry.get(), Some(&7));
}

#[test]
fn whoever_makes_a_value_while_another_appears_gets_the_other() {
    let entry = CodeEntry::new();
    let mut discarded = None;
    let made = entry.get_or_publish(
        || {
            entry.publish(Box::new(1)).unwrap();
            Ok::<_, ()>(Box::new(2))
        },
        |mine| discarded = Some(mine),
    );
    assert_eq!(made, Ok(&1));
    assert_eq!(discarded, Some(Box::new(2)));
}

#[test]
fn every_value_is_dropped_once() {
    let value = Rc::new(());
    let entry = CodeEntry::new();
    entry.publish(Box::new(Rc::clone(&value))).unwrap();
    drop(entry.publish(Box::new(Rc::clone(&value))));
    assert_eq!(Rc::strong_count(&value), 2);
    drop(entry);
    assert_eq!(Rc::strong_count(&value), 1);
    drop(CodeEntry::<Box<Arc<()>>>::default());
}

#[test]
fn it_tells_whether_it_is_empty() {
    let entry = CodeEntry::new();
    assert_eq!(
        alloc::format!("{entry:?}"),
        "CodeEntry { published: false }"
    );
    entry.publish(Box::new(1)).unwrap();
    assert_eq!(alloc::format!("{entry:?}"), "CodeEntry { published: true }");
}
