//! The host in the middle of a call: it calls back, grows memory, fails, panics.

use crate::support::*;
use damson_executor::ir::*;
use damson_executor::store::{
    Cell, FuncHandle, FuncType, PrunedStore, StoreConfig, TrapCode, TrapSite,
};
use damson_executor::{CallError, call};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

fn number() -> FuncType {
    FuncType::new([I64], [I64])
}

fn call_import(code: &mut FunctionBuilder, func: u32, base: u16, ty: &FuncType) {
    let [base, linkage] = frame_at(base, ty);
    code.op(
        CallImport::CallImport,
        &[Operand::ImportedFunc(func), base, linkage],
    );
}

/// What a host function finds out about a store only later: a function in it.
type Late = Arc<OnceLock<FuncHandle>>;

/// A Wasm function n -> n == 0 ? 0 : host(n - 1) + 1, and a host function that calls it.
fn ping_pong(
    store: &mut PrunedStore,
    body: impl Fn(
        damson_executor::store::HostCall<'_>,
        &mut [Cell],
        FuncHandle,
    ) -> Result<(), CallError>
    + Send
    + Sync
    + 'static,
) -> FuncHandle {
    let late = Late::default();
    let known = Arc::clone(&late);
    let pong = host(store, &number(), move |call, cells| {
        body(call, cells, *known.get().unwrap()).map_err(|error| match error {
            CallError::Host(error) => error,
            error => Box::new(error),
        })
    });
    let mut module = Module::default();
    let ty = module.ty_of(&number());
    let imported = module.import_func(ty);
    let ping = module.func(ty, 8, |code| {
        let done = code.new_label();
        code.op(IntTest::I64Eqz, &[br_if(done), s(0)]);
        code.op(IntBinary::I64Sub, &[rs(5), s(0), imm(1)]);
        // Must survive what the host does.
        code.op(CopyValue::IntCopy, &[to(4), s(0)]);
        call_import(code, imported, 5, &number());
        let fine = code.new_label();
        code.op(IntCompare::I64Eq, &[br_if(fine), s(4), s(0)]);
        code.op(Unreachable::Unreachable, &[]);
        code.bind(fine);
        code.op(IntBinary::I64Add, &[Operand::R, s(5), imm(1)]);
        code.op(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc]);
        code.bind(done);
        code.op(ReturnValue::IntReturn, &[code.linkage(), imm(0)]);
    });
    let instance = module.instantiate(store, &[pong.into()]);
    let ping = func(store, instance, ping);
    late.set(ping).unwrap();
    ping
}

/// Calls with the one cell of the host function.
fn call_back(
    host: damson_executor::store::HostCall<'_>,
    cells: &mut [Cell],
    func: FuncHandle,
) -> Result<(), CallError> {
    call(host.store, func, cells)
}

#[test]
fn host_and_wasm_call_each_other_up_to_the_limit() {
    let mut config = StoreConfig::default();
    config.max_host_nesting = 50;
    let mut store = PrunedStore::new((), config);
    let ping = ping_pong(&mut store, call_back);
    // 50 calls from the host: the first, and one for each host function in between.
    assert_eq!(run(&mut store, ping, &[49]).unwrap(), [49]);
    for _ in 0..3 {
        let error = run(&mut store, ping, &[50]).unwrap_err();
        let CallError::Host(error) = error else {
            panic!("{error}")
        };
        let error = error.downcast::<CallError>().unwrap();
        assert!(matches!(*error, CallError::HostNesting), "{error}");
        assert_eq!(run(&mut store, ping, &[49]).unwrap(), [49]);
    }
}

#[test]
fn nested_calls_share_the_depth_and_the_stack() {
    let mut config = StoreConfig::default();
    config.max_call_depth = 20;
    let mut store = PrunedStore::new((), config);
    let ping = ping_pong(&mut store, call_back);
    assert_eq!(run(&mut store, ping, &[19]).unwrap(), [19]);
    assert!(run(&mut store, ping, &[20]).is_err());
    assert_eq!(run(&mut store, ping, &[19]).unwrap(), [19]);

    let mut config = StoreConfig::default();
    // Frames of 8 cells, each of which begins after the 6 cells in use of the one before.
    config.stack_bytes = 8 * (19 * 6 + 8);
    let mut store = PrunedStore::new((), config);
    let ping = ping_pong(&mut store, call_back);
    assert_eq!(run(&mut store, ping, &[19]).unwrap(), [19]);
    assert!(run(&mut store, ping, &[20]).is_err());
    assert_eq!(run(&mut store, ping, &[19]).unwrap(), [19]);
}

#[test]
fn a_trap_that_the_host_catches_leaves_its_caller_running() {
    let mut store = store();
    let mut module = Module::default();
    let ty = module.ty(&[], &[]);
    let traps = module.func(ty, 2, |code| code.op(Unreachable::Unreachable, &[]));
    let other = module.instantiate(&mut store, &[]);
    let traps = func(&store, other, traps);
    let ping = ping_pong(&mut store, move |mut host, cells, ping| {
        for _ in 0..3 {
            let error = call(host.store.reborrow(), traps, &mut []).unwrap_err();
            assert!(matches!(error, CallError::Trap(_)));
        }
        call(host.store, ping, cells)
    });
    assert_eq!(run(&mut store, ping, &[30]).unwrap(), [30]);
}

#[test]
fn an_error_of_the_host_comes_through_all_frames() {
    #[derive(Debug, PartialEq, Eq)]
    struct Mine(u64);
    impl std::fmt::Display for Mine {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "mine {}", self.0)
        }
    }
    impl std::error::Error for Mine {}
    let mut store = store();
    let ping = ping_pong(&mut store, |host, cells, ping| {
        let n = cells[0].get::<u64>();
        if n == 3 {
            Err(CallError::Host(Box::new(Mine(n))))
        } else {
            call(host.store, ping, cells)
        }
    });
    assert_eq!(run(&mut store, ping, &[3]).unwrap(), [3]);
    for n in [4, 20] {
        let error = run(&mut store, ping, &[n]).unwrap_err();
        assert_eq!(error.to_string(), "mine 3");
        let CallError::Host(error) = error else {
            panic!("{error}")
        };
        assert_eq!(*error.downcast::<Mine>().unwrap(), Mine(3));
        assert_eq!(run(&mut store, ping, &[3]).unwrap(), [3]);
    }
}

/// Panics, without a message on the test's output.
fn panic_at_three(cells: &[Cell]) {
    if cells[0].get::<u64>() == 3 {
        std::panic::resume_unwind(Box::new("on purpose"));
    }
}

#[test]
fn a_panic_of_the_host_leaves_the_store_usable() {
    let mut config = StoreConfig::default();
    config.max_host_nesting = 12;
    config.max_call_depth = 12;
    config.stack_bytes = 8 * 80;
    let mut store = PrunedStore::new((), config);
    let ping = ping_pong(&mut store, |host, cells, ping| {
        panic_at_three(cells);
        call(host.store, ping, cells)
    });
    // Many times: whatever it took of the limits would be missing after a while.
    for _ in 0..30 {
        let result = catch_unwind(AssertUnwindSafe(|| run(&mut store, ping, &[10])));
        assert!(result.is_err(), "the panic arrives");
        assert_eq!(run(&mut store, ping, &[3]).unwrap(), [3]);
    }
    // A host function in the middle may catch it, too.
    let mut config = StoreConfig::default();
    config.max_host_nesting = 12;
    let mut store = PrunedStore::new((), config);
    let ping = ping_pong(&mut store, |host, cells, ping| {
        panic_at_three(cells);
        if cells[0].get::<u64>() != 6 {
            return call(host.store, ping, cells);
        }
        let caught = catch_unwind(AssertUnwindSafe(|| call(host.store, ping, cells)));
        assert!(caught.is_err());
        cells[0] = Cell::from_bits(100);
        Ok(())
    });
    for _ in 0..30 {
        assert_eq!(run(&mut store, ping, &[10]).unwrap(), [104]);
    }
}

#[test]
fn memory_may_grow_while_its_user_waits_for_the_host() {
    for tail in [false, true] {
        let mut store = store();
        let ty = damson_executor::store::MemoryType::new(1, None);
        let memory = store.as_mut().alloc_memory(ty).unwrap();
        let grow = host(&mut store, &FuncType::new([], []), move |mut call, _| {
            // Often, and together with other allocations, so that it moves.
            for _ in 0..4 {
                call.store.grow_memory(memory, 1)?;
                let ty = damson_executor::store::MemoryType::new(1, None);
                call.store.alloc_memory(ty)?;
            }
            let last = call.store.as_ref().memory(memory)?.data().len() - 1;
            call.store.memory_mut(memory)?.data_mut()[last] = 7;
            Ok(())
        });
        let mut module = Module::default();
        let empty = module.ty(&[], &[]);
        let imported = module.import_func(empty);
        module.import_memory(ty);
        let signature = module.type_at(empty);
        // Grows through a tail call in a function of its own, or directly.
        let grows = module.func(empty, 4, |code| {
            let frame = tail_from(code, 2, &signature);
            let callee = [Operand::ImportedFunc(imported)];
            code.op(
                ReturnCallImport::ReturnCallImport,
                &[&callee[..], &frame].concat(),
            );
        });
        let ty = module.ty(&[], &[I64; 3]);
        let index = module.func(ty, 12, |code| {
            code.op(IntStore::I32Store8, &[imm(1), imm(42), Operand::Offset(0)]);
            if tail {
                let [base, linkage] = frame_at(8, &signature);
                code.op(Call::Call, &[Operand::DefinedFunc(grows), base, linkage]);
            } else {
                call_import(code, imported, 8, &signature);
            }
            code.op(MemorySize::MemorySize, &[rs(0), Operand::Memory(0)]);
            code.op(IntBinary::I32Shl, &[rs(6), s(0), imm(16)]);
            code.op(IntBinary::I32Sub, &[rs(6), s(6), imm(1)]);
            code.op(Load::I64Load8U, &[rs(1), s(6), Operand::Offset(0)]);
            code.op(Load::I64Load8U, &[rs(2), imm(1), Operand::Offset(0)]);
            code.op(Return::Return, &[code.linkage()]);
        });
        let instance = module.instantiate(&mut store, &[grow.into(), memory.into()]);
        let func = func(&store, instance, index);
        for round in 1..=20 {
            assert_eq!(run(&mut store, func, &[]).unwrap(), [1 + 4 * round, 7, 42]);
        }
    }
}

#[test]
fn memory_that_a_nested_call_grows_is_seen_by_all() {
    // n -> grows its memory by a page, lets the host call with n - 1, reads the last byte.
    let mut store = store();
    let late = Late::default();
    let known = Arc::clone(&late);
    let nested = host(&mut store, &number(), move |host, cells| {
        Ok(call(host.store, *known.get().unwrap(), cells)?)
    });
    let mut module = Module::default();
    let ty = module.ty_of(&number());
    let imported = module.import_func(ty);
    module.memory(1, None);
    let index = module.func(ty, 10, |code| {
        let done = code.new_label();
        code.op(CopyValue::IntCopy, &[to(6), imm(1)]);
        code.op(MemoryGrow::MemoryGrow, &[rs(7), Operand::Memory(0), s(6)]);
        code.op(IntTest::I64Eqz, &[br_if(done), s(0)]);
        code.op(IntBinary::I64Sub, &[rs(8), s(0), imm(1)]);
        call_import(code, imported, 8, &number());
        code.bind(done);
        code.op(MemorySize::MemorySize, &[rs(6), Operand::Memory(0)]);
        code.op(IntBinary::I32Shl, &[rs(7), s(6), imm(16)]);
        code.op(IntBinary::I32Sub, &[rs(7), s(7), imm(8)]);
        code.op(IntStore::I64Store, &[s(7), s(6), Operand::Offset(0)]);
        code.op(Load::I64Load, &[Operand::R, s(7), Operand::Offset(0)]);
        code.op(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc]);
    });
    let instance = module.instantiate(&mut store, &[nested.into()]);
    let func = func(&store, instance, index);
    late.set(func).unwrap();
    assert_eq!(run(&mut store, func, &[20]).unwrap(), [22]);
    assert_eq!(run(&mut store, func, &[0]).unwrap(), [23]);
}

#[test]
fn the_host_adds_instances_while_wasm_runs() {
    let mut store = store();
    let made = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&made);
    let ping = ping_pong(&mut store, move |mut host, cells, ping| {
        let mut module = Module::default();
        module.memory(1, None);
        let ty = module.ty(&[], &[I64]);
        let index = module.func(ty, 3, |code| {
            code.op(ReturnValue::IntReturn, &[code.linkage(), imm(5)]);
        });
        let (shape, code) = module.finish();
        let instance = host.store.instantiate(&shape, code, &[]).unwrap();
        let func = host
            .store
            .instance(instance)
            .unwrap()
            .func(index)
            .unwrap()
            .handle();
        let mut result = [Cell::ZERO];
        call(host.store.reborrow(), func, &mut result)?;
        assert_eq!(result[0].get::<i64>(), 5);
        count.fetch_add(1, Ordering::Relaxed);
        call(host.store, ping, cells)
    });
    assert_eq!(run(&mut store, ping, &[40]).unwrap(), [40]);
    assert_eq!(made.load(Ordering::Relaxed), 40);
}

#[test]
fn the_host_calls_host_functions_like_any_other() {
    let mut store = store();
    let double = host(&mut store, &number(), |call, cells| {
        assert!(call.instance.is_none(), "no Wasm code made this call");
        cells[0] = Cell::new(cells[0].get::<i64>() * 2);
        Ok(())
    });
    assert_eq!(run(&mut store, double, &[21]).unwrap(), [42]);
    let fails = host(&mut store, &number(), |_, _| Err("refused".into()));
    let error = run(&mut store, fails, &[0]).unwrap_err();
    assert_eq!(error.to_string(), "refused");
}

#[test]
fn a_host_function_that_a_guest_lets_call_itself_comes_to_an_end() {
    let mut config = StoreConfig::default();
    config.max_host_nesting = 40;
    let mut store = PrunedStore::new((), config);
    let late = Late::default();
    let known = Arc::clone(&late);
    let levels = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&levels);
    let callback = host(&mut store, &number(), move |host, cells| {
        let level = count.fetch_add(1, Ordering::Relaxed);
        assert!(
            level < 1000,
            "without a limit the native stack would overflow"
        );
        Ok(call(host.store, *known.get().unwrap(), cells)?)
    });
    late.set(callback).unwrap();
    for _ in 0..3 {
        let mut error = run(&mut store, callback, &[0]).unwrap_err();
        while let CallError::Host(inner) = error {
            error = *inner.downcast().unwrap();
        }
        assert!(matches!(error, CallError::HostNesting), "{error}");
        assert_eq!(levels.swap(0, Ordering::Relaxed), 40);
    }
    let panics = host(&mut store, &number(), |_, _| {
        std::panic::resume_unwind(Box::new("on purpose"))
    });
    for _ in 0..50 {
        catch_unwind(AssertUnwindSafe(|| run(&mut store, panics, &[0]))).unwrap_err();
    }
    assert!(run(&mut store, callback, &[0]).is_err());
    assert_eq!(
        levels.load(Ordering::Relaxed),
        40,
        "panics leave nothing taken"
    );
}

#[test]
fn traps_say_where() {
    let mut store = store();
    let nothing = FuncType::new([], []);
    let mut inner = Module::default();
    let ty = inner.ty_of(&nothing);
    inner.declare(ty);
    inner.code.push({
        let mut code = FunctionBuilder::new(0, 0);
        code.mark_offset(0x10);
        code.op(Unreachable::Unreachable, &[]);
        code.finish(2).unwrap()
    });
    let trapping = inner.func(ty, 6, |code| {
        code.mark_offset(0x20);
        code.op(CopyValue::IntCopy, &[to(3), imm(0)]);
        code.mark_offset(0x2a);
        code.op(IntBinary::I32DivS, &[Operand::R, s(3), s(3)]);
        code.mark_offset(0x30);
        code.op(Unreachable::Unreachable, &[]);
    });
    let unmarked = inner.func(ty, 2, |code| code.op(Unreachable::Unreachable, &[]));
    let inner = inner.instantiate(&mut store, &[]);
    let imports = [trapping, unmarked].map(|index| func(&store, inner, index).into());
    let mut outer = Module::default();
    let ty = outer.ty_of(&nothing);
    let indices = [(); 2].map(|()| outer.import_func(ty));
    let callers = indices.map(|index| {
        outer.func(ty, 8, |code| {
            code.mark_offset(0x99);
            call_import(code, index, 3, &nothing);
            code.op(Return::Return, &[code.linkage()]);
        })
    });
    let recursive = outer.func(ty, 1000, |code| {
        code.op(CopyValue::IntCopy, &[to(3), imm(0)]);
        code.mark_offset(0x77);
        let [base, linkage] = frame_at(900, &nothing);
        code.op(Call::Call, &[Operand::DefinedFunc(4), base, linkage]);
        code.mark_offset(0x88);
        code.op(Return::Return, &[code.linkage()]);
    });
    assert_eq!(recursive, 4);
    let outer = outer.instantiate(&mut store, &imports);
    for (index, code, func_index, offset) in [
        (callers[0], TrapCode::IntegerDivisionByZero, 1, Some(0x2a)),
        (callers[1], TrapCode::UnreachableCodeReached, 2, None),
        (recursive, TrapCode::StackOverflow, 4, Some(0x77)),
    ] {
        let func = func(&store, outer, index);
        let error = run(&mut store, func, &[]).unwrap_err();
        let CallError::Trap(trap) = error else {
            panic!("{error}")
        };
        assert_eq!(trap.code, code);
        assert_eq!(trap.site, Some(TrapSite { func_index, offset }));
    }
}
