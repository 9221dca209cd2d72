//! Everything that is allocated is freed, however a call ends.
#![expect(unsafe_code, reason = "counts what the allocator hands out")]

use crate::support::*;
use damson_executor::ir::*;
use damson_executor::store::{FuncType, TrapCode};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The system's allocator, which counts for each thread.
struct Counting;

thread_local! {
    /// Bytes that this thread has allocated and not freed.
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // Threads that are ending count no more.
    let _ = LIVE.try_with(|live| live.set(live.get() + bytes));
}

// SAFETY: does what the system's allocator does.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How many bytes more are allocated after `work` than before.
fn left_by(work: impl Fn()) -> isize {
    // The first time may initialise something for ever.
    work();
    let before = LIVE.get();
    work();
    LIVE.get() - before
}

fn number() -> FuncType {
    FuncType::new([I64], [I64])
}

/// A function that calls an imported one in another instance, which calls the host; the
/// argument says how that ends.
fn whole_life(argument: u64) {
    let mut store = store_with_fuel(10_000);
    let body = host(&mut store, &number(), |_, cells| match cells[0].to_bits() {
        1 => Err("refused".into()),
        2 => std::panic::resume_unwind(Box::new("on purpose")),
        _ => Ok(()),
    });
    let mut next = body;
    for _ in 0..3 {
        let mut module = Module::default();
        let ty = module.ty_of(&number());
        let imported = module.import_func(ty);
        module.memory(1, None);
        let index = module.func(ty, 8, |code| {
            code.mark_offset(7);
            code.op(ConsumeFuel::ConsumeFuel, &[Operand::Count(1)]);
            code.op(CopyValue::IntCopy, &[to(4), imm(1)]);
            code.op(MemoryGrow::MemoryGrow, &[rs(5), Operand::Memory(0), s(4)]);
            code.op(CopyValue::IntCopy, &[to(4), s(0)]);
            let [base, linkage] = frame_at(4, &number());
            let callee = Operand::ImportedFunc(imported);
            code.op(CallImport::CallImport, &[callee, base, linkage]);
            code.op(IntBinary::I64DivS, &[Operand::R, s(0), Operand::Acc]);
            code.op(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc]);
        });
        let instance = module.instantiate(&mut store, &[next.into()]);
        next = func(&store, instance, index);
    }
    let result = catch_unwind(AssertUnwindSafe(|| run(&mut store, next, &[argument])));
    match argument {
        0 => assert_eq!(trap(result.unwrap()), TrapCode::IntegerDivisionByZero),
        1 => assert_eq!(result.unwrap().unwrap_err().to_string(), "refused"),
        2 => assert!(result.is_err(), "the host's panic"),
        _ => assert_eq!(result.unwrap().unwrap(), [1]),
    }
}

#[test]
fn stores_free_all_that_they_and_their_code_have_allocated() {
    for argument in 0..4 {
        assert_eq!(
            left_by(|| whole_life(argument)),
            0,
            "after argument {argument}"
        );
    }
}

#[test]
fn code_is_freed_with_its_map() {
    use damson_executor::CodeMap;
    let mut module = Module::default();
    let ty = module.ty_of(&number());
    for _ in 0..10 {
        module.func(ty, 3, |code| code.op(Unreachable::Unreachable, &[]));
    }
    let code = module.code.clone();
    let (shape, handle) = module.finish();
    drop(handle);
    let make = || {
        let map = CodeMap::new(Arc::clone(&shape));
        for (index, function) in code.iter().enumerate() {
            let verified = function.clone().verify(&shape, index as u32).unwrap();
            // A second time: what is refused is freed, too.
            let again = verified.clone();
            map.define(index as u32, verified).unwrap();
            map.define(index as u32, again).unwrap_err();
        }
    };
    assert_eq!(left_by(make), 0);
}
