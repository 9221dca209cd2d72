#![expect(unsafe_code, reason = "reads what loom watches")]
//! Every order in which threads can use an entry, tried by `loom`.
//!
//! The value holds a `loom` cell, so a thread that could read it before it was
//! written is found, and a `loom` pointer, so one that is never freed is found, too.
//!
//! What the executor does around an entry is written out here in its order: what an instance
//! that meters is lent, and how code is found by its address.
//!
//! `loom` runs the thread that spawns the others first, and goes back from there to where two
//! threads use the same object, of whose uses it remembers the last one only. A first thread
//! that reads what the others publish may so be left with one order: readers are spawned. Each
//! model was seen to fail with the order that it is about turned round.

use super::CodeEntry;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::mem::ManuallyDrop;
use core::ptr;
use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Mutex};
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

/// A function's entry in its module, and that of an instance that meters: see `InstanceCode` of
/// the executor. The second refers to what the first one owns.
struct Lent {
    own: ManuallyDrop<CodeEntry<Box<Code>>>,
    shared: Arc<CodeEntry<Box<Code>>>,
}

impl Lent {
    fn of(shared: &Arc<CodeEntry<Box<Code>>>) -> Self {
        Self {
            own: ManuallyDrop::new(CodeEntry::new()),
            shared: Arc::clone(shared),
        }
    }

    /// What the driver does when the instance calls the function for the first time.
    fn first_call(&self, number: u32) {
        let made = self
            .shared
            .get_or_publish(|| Ok::<_, ()>(code(number)), drop);
        assert!(made.is_ok());
        // SAFETY: the shared entry lives as long as the own one, which is never dropped.
        unsafe { self.own.lend(self.shared.as_ptr()) };
    }
}

#[test]
fn instances_that_meter_run_the_code_that_their_module_owns() {
    loom::model(|| {
        let shared = Arc::new(CodeEntry::new());
        let threads: Vec<_> = [1, 2]
            .into_iter()
            .map(|number| {
                let instance = Lent::of(&shared);
                thread::spawn(move || {
                    assert!(instance.own.get().is_none(), "nobody else's call counts");
                    instance.first_call(number);
                    let code = instance.own.get().expect("lent");
                    assert!(
                        ptr::eq(code, instance.shared.as_ptr()),
                        "that of the module"
                    );
                    read(code)
                    // The instance goes, its module's code stays.
                })
            })
            .collect();
        let ran: Vec<_> = threads
            .into_iter()
            .map(|thread| thread.join().expect("it ends"))
            .collect();
        assert_eq!(ran[0], ran[1], "one code for all instances");
        assert_eq!(shared.get().map(read), Some(ran[0]));
        // Freed by its one owner: loom finds what is left, and what is freed twice.
    });
}

#[test]
fn code_that_is_lent_is_seen_whole_or_not_at_all() {
    loom::model(|| {
        let instance = Arc::new(Lent::of(&Arc::new(CodeEntry::new())));
        // SAFETY: as in `first_call`. Nothing is there to be lent yet.
        unsafe { instance.own.lend(instance.shared.as_ptr()) };
        assert!(instance.own.get().is_none());
        let caller = {
            let instance = Arc::clone(&instance);
            thread::spawn(move || instance.first_call(5))
        };
        let seen = instance.own.get().map(read);
        assert!(seen.is_none() || seen == Some(5));
        instance.first_call(6);
        let code = instance.own.get().map(read);
        assert!(seen.is_none() || seen == code, "it stays");
        assert!(matches!(code, Some(5 | 6)));
        caller.join().expect("it ends");
        assert_eq!(instance.own.get().map(read), code);
    });
}

/// Functions and the map from addresses to them, as in `CodeMap` of the executor: code is noted
/// before it is published, and code that was not published is forgotten before it is freed.
#[derive(Default)]
struct Noted {
    entries: [CodeEntry<Box<Code>>; 2],
    by_address: Mutex<BTreeMap<usize, usize>>,
}

fn address(code: &Code) -> usize {
    ptr::from_ref(code).addr()
}

impl Noted {
    fn run(&self, func: usize, number: u32) {
        let make = || {
            let code = code(number);
            let mut by_address = self.by_address.lock().expect("nobody panics");
            let before = by_address.insert(address(&code), func);
            assert_eq!(before, None, "who was there has gone before");
            Ok::<_, ()>(code)
        };
        let discard = |code: Box<Code>| {
            let mut by_address = self.by_address.lock().expect("nobody panics");
            assert_eq!(by_address.remove(&address(&code)), Some(func));
        };
        let code = self.entries[func].get_or_publish(make, discard);
        self.trap_in(func, code.expect("it is made"));
    }

    /// Whoever runs code finds which function it is of.
    fn trap_in(&self, func: usize, code: &Code) {
        read(code);
        let by_address = self.by_address.lock().expect("nobody panics");
        assert_eq!(by_address.get(&address(code)), Some(&func));
    }
}

#[test]
fn whoever_runs_code_finds_it_by_its_address() {
    loom::model(|| {
        let map = Arc::new(Noted::default());
        let other = {
            let map = Arc::clone(&map);
            thread::spawn(move || {
                // A handler takes what is there.
                if let Some(code) = map.entries[0].get() {
                    map.trap_in(0, code);
                }
                map.run(0, 1);
            })
        };
        map.run(0, 2);
        other.join().expect("it ends");
        let by_address = map.by_address.lock().expect("nobody panics");
        assert_eq!(by_address.len(), 1, "one code of one function");
    });
}

#[test]
fn freed_code_leaves_its_address_to_others() {
    loom::model(|| {
        let map = Arc::new(Noted::default());
        let other = {
            let map = Arc::clone(&map);
            thread::spawn(move || {
                map.run(0, 1);
                // It may be where the code was that one of both has thrown away.
                map.run(1, 3);
            })
        };
        map.run(0, 2);
        other.join().expect("it ends");
        let by_address = map.by_address.lock().expect("nobody panics");
        assert_eq!(by_address.len(), 2);
    });
}
