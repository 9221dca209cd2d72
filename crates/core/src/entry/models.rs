#![expect(unsafe_code, reason = "reads what loom watches")]
//! Every order in which threads can use an entry, tried by `loom`.
//!
//! The value holds a `loom` cell, so a thread that could read it before it was
//! written is found, and a `loom` pointer, so one that is never freed is found, too.

use super::CodeEntry;
use alloc::boxed::Box;
use alloc::vec::Vec;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

/// Stands for the code of a function.
struct Code {
    cells: UnsafeCell<u32>,
    /// Notices when it is freed.
    _alive: Arc<()>,
}

/// Made in two steps, as code is: the second one must not be seen late.
fn code(number: u32) -> Box<Code> {
    let code = Box::new(Code {
        cells: UnsafeCell::new(0),
        _alive: Arc::new(()),
    });
    // SAFETY: nobody else knows it yet.
    code.cells.with_mut(|cells| unsafe { *cells = number });
    code
}

fn read(code: &Code) -> u32 {
    // SAFETY: nobody writes code that was published; loom checks it.
    code.cells.with(|cells| unsafe { *cells })
}

#[test]
fn threads_that_compile_at_once_run_the_same_code() {
    loom::model(|| {
        let entry = Arc::new(CodeEntry::new());
        let made = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = [1, 2]
            .into_iter()
            .map(|number| {
                let (entry, made) = (Arc::clone(&entry), Arc::clone(&made));
                thread::spawn(move || {
                    let make = || {
                        made.fetch_add(1, Ordering::Relaxed);
                        Ok::<_, ()>(code(number))
                    };
                    let got = entry.get_or_publish(make, |mine| assert_eq!(read(&mine), number));
                    read(got.expect("it is made"))
                })
            })
            .collect();
        let here = entry.get().map(read);
        let ran: Vec<_> = threads
            .into_iter()
            .map(|thread| thread.join().expect("it ends"))
            .collect();
        assert_eq!(ran[0], ran[1], "one code for all");
        assert!(here.is_none() || here == Some(ran[0]), "and it stays");
        assert_eq!(entry.get().map(read), Some(ran[0]));
        assert!((1..=2).contains(&made.load(Ordering::Relaxed)));
    });
}

#[test]
fn a_reader_sees_nothing_or_all_of_it() {
    loom::model(|| {
        let entry = Arc::new(CodeEntry::new());
        let writer = {
            let entry = Arc::clone(&entry);
            thread::spawn(move || entry.publish(code(7)).is_ok())
        };
        let first = entry.get().map(read);
        let second = entry.get().map(read);
        assert!(first.is_none() || first == Some(7));
        assert!(second == Some(7) || first.is_none(), "it does not vanish");
        assert!(writer.join().expect("it ends"), "there was no other");
    });
}

#[test]
fn a_compiler_that_fails_in_one_thread_does_not_hinder_the_other() {
    loom::model(|| {
        let entry = Arc::new(CodeEntry::new());
        let fails = {
            let entry = Arc::clone(&entry);
            thread::spawn(move || {
                // It may find what the other has made instead.
                entry.get_or_publish(|| Err("refused"), drop).map(read)
            })
        };
        let here = entry
            .get_or_publish(|| Ok::<_, ()>(code(3)), drop)
            .map(read);
        assert_eq!(here, Ok(3));
        let there = fails.join().expect("it ends");
        assert!(matches!(there, Ok(3) | Err("refused")), "{there:?}");
        // Asked again, it finds the code.
        let again = entry.get_or_publish(|| Err("refused"), drop).map(read);
        assert_eq!(again, Ok(3));
    });
}

#[test]
fn of_two_definitions_one_is_refused_and_freed() {
    loom::model(|| {
        let entry = Arc::new(CodeEntry::new());
        let other = {
            let entry = Arc::clone(&entry);
            thread::spawn(move || entry.publish(code(1)).map_err(|mine| read(&mine)).is_ok())
        };
        let here = entry.publish(code(2)).map_err(|mine| read(&mine)).is_ok();
        let there = other.join().expect("it ends");
        assert!(here != there, "exactly one is taken");
        let expected = if here { 2 } else { 1 };
        assert_eq!(entry.get().map(read), Some(expected));
        // The last owner of the entry frees what it holds: loom finds what is left.
    });
}
