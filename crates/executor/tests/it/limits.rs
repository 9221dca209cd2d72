//! Stack, depth and fuel; what the embedder decides; wrong use.

use crate::support::*;
use damson_executor::ir::*;
use damson_executor::store::types::{PAGE_SIZE, RefType};
use damson_executor::store::{Cell, FuncType, PrunedStore, StoreConfig, TrapCode};
use damson_executor::{CallError, CodeMap, CompileError, Compiler, DefineError, call};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn number() -> FuncType {
    FuncType::new([I64], [I64])
}

/// depth(n) = n == 0 ? 0 : depth(n - 1) + 1, with a frame of `frame` cells.
fn depth(frame: u32) -> Module {
    let mut module = Module::default();
    let ty = module.ty_of(&number());
    module.func(ty, frame, |code| {
        let done = code.new_label();
        code.op(IntTest::I64Eqz, &[br_if(done), s(0)]);
        code.op(IntBinary::I64Sub, &[rs(4), s(0), imm(1)]);
        let [base, linkage] = frame_at(4, &number());
        code.op(Call::Call, &[Operand::DefinedFunc(0), base, linkage]);
        code.op(IntBinary::I64Add, &[Operand::R, Operand::Acc, imm(1)]);
        code.op(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc]);
        code.bind(done);
        code.op(ReturnValue::IntReturn, &[code.linkage(), imm(0)]);
    });
    module
}

#[test]
fn calls_nest_as_deep_as_configured() {
    for max in [1, 2, 100] {
        let mut config = StoreConfig::default();
        config.max_call_depth = max;
        let mut store = PrunedStore::new((), config);
        let instance = depth(8).instantiate(&mut store, &[]);
        let func = func(&store, instance, 0);
        let most = u64::from(max) - 1;
        for _ in 0..3 {
            assert_eq!(run(&mut store, func, &[most]).unwrap(), [most]);
            assert_eq!(
                trap(run(&mut store, func, &[most + 1])),
                TrapCode::StackOverflow
            );
        }
    }
}

#[test]
fn frames_take_as_much_stack_as_configured() {
    // A frame begins 4 cells after that of its caller and takes 20.
    for frames in [1, 2, 50] {
        let mut config = StoreConfig::default();
        config.stack_bytes = 8 * (4 * (frames as usize - 1) + 20);
        let mut store = PrunedStore::new((), config);
        let instance = depth(20).instantiate(&mut store, &[]);
        let func = func(&store, instance, 0);
        for _ in 0..3 {
            assert_eq!(run(&mut store, func, &[frames - 1]).unwrap(), [frames - 1]);
            assert_eq!(
                trap(run(&mut store, func, &[frames])),
                TrapCode::StackOverflow
            );
        }
    }
}

#[test]
fn no_stack_and_no_depth_are_traps() {
    for (stack_bytes, max_call_depth) in [(0, 9), (7, 9), (31, 9), (1 << 20, 0)] {
        let mut config = StoreConfig::default();
        config.stack_bytes = stack_bytes;
        config.max_call_depth = max_call_depth;
        let mut store = PrunedStore::new((), config);
        let instance = depth(8).instantiate(&mut store, &[]);
        let func = func(&store, instance, 0);
        assert_eq!(trap(run(&mut store, func, &[0])), TrapCode::StackOverflow);
    }
    let mut config = StoreConfig::default();
    config.max_host_nesting = 0;
    let mut store = PrunedStore::new((), config);
    let instance = depth(8).instantiate(&mut store, &[]);
    let func = func(&store, instance, 0);
    let error = run(&mut store, func, &[0]).unwrap_err();
    assert!(matches!(error, CallError::HostNesting), "{error}");
}

#[test]
fn a_stack_that_cannot_be_had_is_an_error() {
    let mut config = StoreConfig::default();
    config.stack_bytes = usize::MAX;
    let mut store = PrunedStore::new((), config);
    let instance = depth(8).instantiate(&mut store, &[]);
    let func = func(&store, instance, 0);
    assert!(matches!(
        run(&mut store, func, &[0]),
        Err(CallError::Stack(_))
    ));
}

#[test]
fn tail_calls_need_room_for_the_new_frame() {
    let mut config = StoreConfig::default();
    config.stack_bytes = 8 * 20;
    let mut store = PrunedStore::new((), config);
    let mut module = Module::default();
    let ty = module.ty_of(&number());
    let callees = [20, 21].map(|frame| {
        module.func(ty, frame, |code| {
            code.op(ReturnValue::IntReturn, &[code.linkage(), s(0)])
        })
    });
    let callers = callees.map(|callee| {
        module.func(ty, 4, |code| {
            let frame = tail_from(code, 0, &number());
            code.op(
                ReturnCall::ReturnCall,
                &[&[Operand::DefinedFunc(callee)][..], &frame].concat(),
            );
        })
    });
    let instance = module.instantiate(&mut store, &[]);
    let [fits, large] = callers.map(|index| func(&store, instance, index));
    assert_eq!(run(&mut store, fits, &[5]).unwrap(), [5]);
    assert_eq!(trap(run(&mut store, large, &[5])), TrapCode::StackOverflow);
    assert_eq!(run(&mut store, fits, &[5]).unwrap(), [5]);
}

/// A loop of n rounds that takes 3 units in each, and 1 at its start.
fn metered() -> Module {
    let mut module = Module::default();
    let ty = module.ty_of(&number());
    module.func(ty, 8, |code| {
        let (again, done) = (code.new_label(), code.new_label());
        code.op(ConsumeFuel::ConsumeFuel, &[Operand::Count(1)]);
        code.op(CopyValue::IntCopy, &[to(4), s(0)]);
        code.op(IntTest::I64Eqz, &[br_if(done), s(4)]);
        code.bind(again);
        code.op(ConsumeFuel::ConsumeFuel, &[Operand::Count(3)]);
        code.op(IntBinary::I64Sub, &[rs(4), s(4), imm(1)]);
        code.op(IntTest::I64Nez, &[br_if(again), s(4)]);
        code.bind(done);
        code.op(ReturnValue::IntReturn, &[code.linkage(), s(0)]);
    });
    module
}

#[test]
fn fuel_is_taken_and_runs_out() {
    let mut store = store_with_fuel(100);
    let instance = metered().instantiate(&mut store, &[]);
    let func = func(&store, instance, 0);
    assert_eq!(run(&mut store, func, &[10]).unwrap(), [10]);
    assert_eq!(store.as_ref().fuel(), Some(69));
    assert_eq!(trap(run(&mut store, func, &[100])), TrapCode::OutOfFuel);
    // 68 are 22 rounds of 3 units and a rest.
    assert_eq!(store.as_ref().fuel(), Some(2));
    store.as_mut().set_fuel(31).unwrap();
    assert_eq!(run(&mut store, func, &[10]).unwrap(), [10]);
    assert_eq!(store.as_ref().fuel(), Some(0));
    store.as_mut().set_fuel(30).unwrap();
    assert_eq!(trap(run(&mut store, func, &[10])), TrapCode::OutOfFuel);
}

/// Where the code does not charge everywhere, threading leaves its branches as they are.
#[test]
fn charges_count_in_code_that_is_not_metered_too() {
    let mut store = store_with_fuel(1000);
    let mut module = Module::default();
    let ty = module.ty_of(&number());
    module.func(ty, 8, |code| {
        let again = code.new_label();
        code.op(CopyValue::IntCopy, &[to(4), s(0)]);
        code.bind(again);
        code.op(ConsumeFuel::ConsumeFuel, &[Operand::Count(3)]);
        code.op(IntBinary::I64Sub, &[rs(4), s(4), imm(1)]);
        code.op(IntTest::I64Nez, &[br_if(again), s(4)]);
        code.op(ReturnValue::IntReturn, &[code.linkage(), s(0)]);
    });
    let instance = module.instantiate(&mut store, &[]);
    let func = func(&store, instance, 0);
    assert_eq!(run(&mut store, func, &[10]).unwrap(), [10]);
    assert_eq!(store.as_ref().fuel(), Some(1000 - 30));
    store.as_mut().set_fuel(29).unwrap();
    assert_eq!(trap(run(&mut store, func, &[10])), TrapCode::OutOfFuel);
    assert_eq!(store.as_ref().fuel(), Some(2));
    store.as_mut().set_fuel(30).unwrap();
    assert_eq!(run(&mut store, func, &[10]).unwrap(), [10]);
    assert_eq!(store.as_ref().fuel(), Some(0));
}

/// A short loop around another: each goes back to its own beginning, and charges what that says.
#[test]
fn short_loops_charge_for_themselves() {
    let mut store = store_with_fuel(1000);
    let mut module = Module::default();
    let ty = module.ty_of(&number());
    module.func(ty, 8, |code| {
        let [outer, inner] = [(); 2].map(|()| code.new_label());
        code.op(ConsumeFuel::ConsumeFuel, &[Operand::Count(1)]);
        code.op(CopyValue::IntCopy, &[to(4), s(0)]);
        code.op(CopyValue::IntCopy, &[to(6), imm(0)]);
        code.bind(outer);
        code.op(ConsumeFuel::ConsumeFuel, &[Operand::Count(10)]);
        code.op(CopyValue::IntCopy, &[to(5), imm(3)]);
        code.bind(inner);
        code.op(ConsumeFuel::ConsumeFuel, &[Operand::Count(2)]);
        code.op(IntBinary::I64Add, &[rs(6), s(6), imm(1)]);
        code.op(IntBinary::I64Sub, &[rs(5), s(5), imm(1)]);
        code.op(IntTest::I64Nez, &[br_if(inner), s(5)]);
        code.op(IntBinary::I64Sub, &[rs(4), s(4), imm(1)]);
        code.op(IntTest::I64Nez, &[br_if(outer), s(4)]);
        code.op(ReturnValue::IntReturn, &[code.linkage(), s(6)]);
    });
    let instance = module.instantiate(&mut store, &[]);
    let func = func(&store, instance, 0);
    assert_eq!(run(&mut store, func, &[20]).unwrap(), [60]);
    assert_eq!(store.as_ref().fuel(), Some(1000 - 1 - 20 * (10 + 3 * 2)));
}

/// What was charged before a trap stays charged.
#[test]
fn a_trap_gives_nothing_back() {
    let mut store = store_with_fuel(1000);
    let mut module = Module::default();
    let ty = module.ty_of(&number());
    module.func(ty, 8, |code| {
        let again = code.new_label();
        code.op(ConsumeFuel::ConsumeFuel, &[Operand::Count(1)]);
        code.bind(again);
        code.op(ConsumeFuel::ConsumeFuel, &[Operand::Count(3)]);
        code.op(IntBinary::I64Sub, &[rs(0), s(0), imm(1)]);
        code.op(IntTest::I64Nez, &[br_if(again), s(0)]);
        code.op(Unreachable::Unreachable, &[]);
    });
    let instance = module.instantiate(&mut store, &[]);
    let func = func(&store, instance, 0);
    for left in [1000 - 31, 1000 - 62] {
        let trapped = trap(run(&mut store, func, &[10]));
        assert_eq!(trapped, TrapCode::UnreachableCodeReached);
        assert_eq!(store.as_ref().fuel(), Some(left));
    }
}

/// A switch back to what charges charges, and is not done again when there was too little.
#[test]
fn a_switch_charges_once_where_it_goes() {
    use damson_executor::store::FuelDecision;
    for fuel in [0, 1, 2, 3, 100, 1000] {
        let given = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&given);
        let mut config = StoreConfig::default();
        config.fuel = Some(fuel);
        config.vtable.fuel_exhausted = Some(Box::new(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            FuelDecision::Add(1)
        }));
        let mut store = PrunedStore::new((), config);
        let mut module = Module::default();
        let ty = module.ty_of(&number());
        module.func(ty, 8, |code| {
            let [again, done] = [(); 2].map(|()| code.new_label());
            code.op(ConsumeFuel::ConsumeFuel, &[Operand::Count(2)]);
            code.op(CopyValue::IntCopy, &[to(4), imm(0)]);
            code.bind(again);
            code.op(ConsumeFuel::ConsumeFuel, &[Operand::Count(5)]);
            code.op(IntBinary::I64Add, &[rs(4), s(4), imm(1)]);
            code.op(IntBinary::I64Sub, &[rs(0), s(0), imm(1)]);
            code.push_br_table(Operand::Acc, &[done, again]).unwrap();
            code.bind(done);
            code.op(ConsumeFuel::ConsumeFuel, &[Operand::Count(7)]);
            code.op(ReturnValue::IntReturn, &[code.linkage(), s(4)]);
        });
        let instance = module.instantiate(&mut store, &[]);
        let func = func(&store, instance, 0);
        assert_eq!(run(&mut store, func, &[40]).unwrap(), [40]);
        let (given, left) = (given.load(Ordering::Relaxed), store.as_ref().fuel());
        assert_eq!(fuel + given - left.unwrap(), 2 + 40 * 5 + 7, "from {fuel}");
        assert!(given == 0 || left == Some(0), "from {fuel}");
    }
}

/// A store that does not meter has no fuel but what it is given on the way.
#[test]
fn code_that_charges_asks_in_a_store_that_does_not_meter() {
    use damson_executor::store::FuelDecision;
    let mut store = PrunedStore::new((), StoreConfig::default());
    let instance = metered().instantiate(&mut store, &[]);
    let without = func(&store, instance, 0);
    assert_eq!(trap(run(&mut store, without, &[10])), TrapCode::OutOfFuel);

    let asked = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&asked);
    let mut config = StoreConfig::default();
    config.vtable.fuel_exhausted = Some(Box::new(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        FuelDecision::Add(1)
    }));
    let mut store = PrunedStore::new((), config);
    let instance = metered().instantiate(&mut store, &[]);
    let func = func(&store, instance, 0);
    assert_eq!(run(&mut store, func, &[10]).unwrap(), [10]);
    assert_eq!(asked.load(Ordering::Relaxed), 31);
}

/// The largest charge, where a branch takes it.
#[test]
fn the_largest_charge_is_taken_by_a_branch() {
    let most = u64::from(u32::MAX);
    let mut module = Module::default();
    let ty = module.ty_of(&number());
    module.func(ty, 8, |code| {
        let dear = code.new_label();
        code.op(ConsumeFuel::ConsumeFuel, &[Operand::Count(1)]);
        code.op(Br::Br, &[Operand::Target(dear.into())]);
        code.bind(dear);
        code.op(ConsumeFuel::ConsumeFuel, &[Operand::Count(u32::MAX)]);
        code.op(ReturnValue::IntReturn, &[code.linkage(), s(0)]);
    });
    let mut store = store_with_fuel(0);
    let instance = module.instantiate(&mut store, &[]);
    let func = func(&store, instance, 0);
    for (fuel, left) in [
        (most, None),
        (most + 1, Some(0)),
        (u64::MAX, Some(u64::MAX - most - 1)),
    ] {
        store.as_mut().set_fuel(fuel).unwrap();
        let result = run(&mut store, func, &[6]);
        match left {
            Some(left) => {
                assert_eq!(result.unwrap(), [6]);
                assert_eq!(store.as_ref().fuel(), Some(left));
            }
            None => {
                assert_eq!(trap(result), TrapCode::OutOfFuel);
                assert_eq!(store.as_ref().fuel(), Some(fuel - 1));
            }
        }
    }
}

/// A map for stores that meter takes code that could run without end from nobody: neither when
/// it is defined nor when it is made on the way.
#[test]
fn code_for_stores_that_meter_takes_fuel() {
    /// A loop without end, which takes fuel where it says.
    fn endless(at_start: bool, in_loop: bool) -> Module {
        let mut module = Module::default();
        let ty = module.ty_of(&FuncType::new([], []));
        module.func(ty, 8, |code| {
            let again = code.new_label();
            if at_start {
                code.op(ConsumeFuel::ConsumeFuel, &[Operand::Count(1)]);
            }
            code.bind(again);
            if in_loop {
                code.op(ConsumeFuel::ConsumeFuel, &[Operand::Count(1)]);
            }
            code.op(Br::Br, &[Operand::Target(again.into())]);
        });
        module
    }
    /// Makes the code of one function.
    struct One(Verified);
    impl Compiler for One {
        fn compile(&self, _: u32) -> Result<Verified, CompileError> {
            Ok(self.0.clone())
        }
    }
    for (at_start, in_loop) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut module = endless(at_start, in_loop);
        module.shape.funcs = module.funcs.into();
        let shape = Arc::new(module.shape);
        let verified = module.code[0].clone().verify(&shape, 0).unwrap();
        assert_eq!(verified.is_metered(), in_loop);
        let first_calls = || vec![3].into_boxed_slice();
        let map = CodeMap::metered(Arc::clone(&shape), None, None, first_calls());
        let defined = map.define(0, verified.clone());
        // A map that is not for them takes it.
        let plain = CodeMap::new(Arc::clone(&shape));
        plain.define(0, verified.clone()).unwrap();
        let compiler = Box::new(One(verified));
        let lazy = CodeMap::metered(Arc::clone(&shape), Some(compiler), None, first_calls());
        let mut store = store_with_fuel(100);
        let instance = store.as_mut().instantiate(&shape, lazy.handle(), &[]);
        let func = func(&store, instance.unwrap(), 0);
        let error = run(&mut store, func, &[]).unwrap_err();
        if in_loop {
            defined.unwrap();
            assert_eq!(trap(Err(error)), TrapCode::OutOfFuel);
            continue;
        }
        let refused = DefineError::NotMetered { func_index: 0 };
        assert_eq!(defined.unwrap_err(), refused);
        assert!(!map.is_defined(0) && !lazy.is_defined(0));
        let CallError::Compile { source, .. } = error else {
            panic!("{error}")
        };
        assert_eq!(source.downcast_ref(), Some(&refused));
    }
}

#[test]
fn the_embedder_may_give_more_fuel_on_the_way() {
    use damson_executor::store::FuelDecision;
    let given = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&given);
    let mut config = StoreConfig::default();
    config.fuel = Some(5);
    config.vtable.fuel_exhausted = Some(Box::new(move |_| {
        match count.fetch_add(1, Ordering::Relaxed) {
            // Less than what the next instruction takes, too.
            ..1000 => FuelDecision::Add(1),
            _ => FuelDecision::Trap,
        }
    }));
    let mut store = PrunedStore::new((), config);
    let instance = metered().instantiate(&mut store, &[]);
    let func = func(&store, instance, 0);
    assert_eq!(run(&mut store, func, &[300]).unwrap(), [300]);
    assert_eq!(given.load(Ordering::Relaxed), 901 - 5);
    assert_eq!(trap(run(&mut store, func, &[300])), TrapCode::OutOfFuel);
    // Bulk work asks as well.
    let operands = [Operand::Memory(0), s(0), s(1), s(2)];
    let bulk = operation(MemoryFill::MemoryFill, &operands).instantiate(&mut store, &[]);
    let bulk = self::func(&store, bulk, 0);
    given.store(900, Ordering::Relaxed);
    store.as_mut().set_fuel(0).unwrap();
    run(&mut store, bulk, &[0, 1, 64 * 100]).unwrap();
    assert_eq!(
        trap(run(&mut store, bulk, &[0, 1, 64])),
        TrapCode::OutOfFuel
    );
}

#[test]
fn the_embedder_is_told_when_a_border_is_crossed() {
    use damson_executor::store::CallHook::{
        CallingHost, CallingWasm, ReturningFromHost, ReturningFromWasm,
    };
    use std::sync::Mutex;
    let crossings = Arc::new(Mutex::new(Vec::new()));
    let (seen, refused) = (Arc::clone(&crossings), Arc::new(Mutex::new(None)));
    let refuse = Arc::clone(&refused);
    let mut config = StoreConfig::default();
    config.vtable.call_hook = Some(Box::new(move |_, crossing| {
        seen.lock().unwrap().push(crossing);
        let refused = *refuse.lock().unwrap() == Some(crossing);
        if refused {
            Err("refused".into())
        } else {
            Ok(())
        }
    }));
    let mut store = PrunedStore::new((), config);
    let body = host(&mut store, &number(), |_, cells| {
        match cells[0].get::<u64>() {
            0 => Err("failed".into()),
            _ => Ok(()),
        }
    });
    let mut module = Module::default();
    let ty = module.ty_of(&number());
    let imported = module.import_func(ty);
    let index = module.func(ty, 6, |code| {
        code.op(CopyValue::IntCopy, &[to(3), s(0)]);
        let [base, linkage] = frame_at(3, &number());
        code.op(
            CallImport::CallImport,
            &[Operand::ImportedFunc(imported), base, linkage],
        );
        code.op(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc]);
    });
    let instance = module.instantiate(&mut store, &[body.into()]);
    let func = func(&store, instance, index);
    let all = vec![
        CallingWasm,
        CallingHost,
        ReturningFromHost,
        ReturningFromWasm,
    ];
    for (refuse, argument, expected, message) in [
        (None, 1, all.clone(), ""),
        (None, 0, all.clone(), "failed"),
        (Some(CallingWasm), 1, vec![CallingWasm], "refused"),
        (
            Some(CallingHost),
            1,
            vec![CallingWasm, CallingHost, ReturningFromWasm],
            "refused",
        ),
        (Some(ReturningFromHost), 1, all.clone(), "refused"),
        (Some(ReturningFromHost), 0, all.clone(), "failed"),
        (Some(ReturningFromWasm), 1, all, "refused"),
    ] {
        *refused.lock().unwrap() = refuse;
        crossings.lock().unwrap().clear();
        let found = match run(&mut store, func, &[argument]) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, message, "{refuse:?}");
        assert_eq!(*crossings.lock().unwrap(), expected, "{refuse:?}");
    }
}

/// A function whose three parameters are the slots of an instruction; `rs` if it has a result.
fn operation(op: impl Operation, operands: &[Operand]) -> Module {
    let mut module = Module::default();
    module.memory(2, None);
    module.memory(2, None);
    module.table(RefType::Func, 1000, None);
    module.table(RefType::Func, 1000, None);
    let ty = module.ty(&[I64; 3], &[]);
    module.func(ty, 8, |code| {
        code.op(op, operands);
        code.op(Return::Return, &[code.linkage()]);
    });
    let functions = vec![0; 500];
    module.elements(&functions);
    module.data(&[1; 1 << 16]);
    module
}

#[test]
fn bulk_work_takes_fuel_in_proportion() {
    let (memory, table) = (Operand::Memory, Operand::Table);
    let slots = [s(0), s(1), s(2)];
    let with = |operands: &[Operand]| [operands, &slots].concat();
    // (instruction, arguments, fuel): a unit for every 64 bytes begun.
    let cases: Vec<(Module, [u64; 3], u64)> = vec![
        (
            operation(MemoryFill::MemoryFill, &with(&[memory(0)])),
            [0, 0, 65_536],
            1024,
        ),
        (
            operation(MemoryFill::MemoryFill, &with(&[memory(0)])),
            [0, 0, 65],
            2,
        ),
        (
            operation(MemoryFill::MemoryFill, &with(&[memory(0)])),
            [0, 0, 0],
            0,
        ),
        (
            operation(MemoryCopy::MemoryCopy, &with(&[memory(0), memory(1)])),
            [0, 0, 6400],
            100,
        ),
        (
            operation(MemoryCopy::MemoryCopy, &with(&[memory(0), memory(0)])),
            [1, 0, 6400],
            100,
        ),
        (
            operation(
                MemoryInit::MemoryInit,
                &with(&[memory(1), Operand::Data(0)]),
            ),
            [0, 0, 6401],
            101,
        ),
        (
            operation(TableFill::TableFill, &with(&[table(0)])),
            [0, 0, 80],
            10,
        ),
        (
            operation(TableCopy::TableCopy, &with(&[table(0), table(1)])),
            [0, 0, 801],
            101,
        ),
        (
            operation(TableCopy::TableCopy, &with(&[table(0), table(0)])),
            [0, 0, 8],
            1,
        ),
        (
            operation(TableInit::TableInit, &with(&[table(1), Operand::Elem(0)])),
            [0, 0, 480],
            60,
        ),
        (
            operation(MemoryGrow::MemoryGrow, &[rs(6), memory(0), s(0)]),
            [3, 0, 0],
            3 * 1024,
        ),
        // What cannot grow is not paid for.
        (
            operation(MemoryGrow::MemoryGrow, &[rs(6), memory(0), s(0)]),
            [65_535, 0, 0],
            0,
        ),
        (
            operation(TableGrow::TableGrow, &[rs(6), table(0), s(1), s(0)]),
            [800, 0, 0],
            100,
        ),
    ];
    for (module, arguments, expected) in cases {
        let mut store = store_with_fuel(10_000);
        let instance = module.instantiate(&mut store, &[]);
        let what = module_text(&store, instance);
        let func = func(&store, instance, 0);
        run(&mut store, func, &arguments).unwrap();
        assert_eq!(
            store.as_ref().fuel(),
            Some(10_000 - expected),
            "{what} of {arguments:?}"
        );
        if expected > 0 {
            store.as_mut().set_fuel(expected - 1).unwrap();
            assert_eq!(trap(run(&mut store, func, &arguments)), TrapCode::OutOfFuel);
            assert_eq!(
                store.as_ref().fuel(),
                Some(expected - 1),
                "nothing is taken"
            );
            store.as_mut().set_fuel(expected).unwrap();
            run(&mut store, func, &arguments).unwrap();
        }
    }
    assert_eq!(PAGE_SIZE, 65_536);
}

/// Something to tell cases apart by.
fn module_text(store: &PrunedStore, instance: damson_executor::store::InstanceHandle) -> String {
    format!(
        "{:?}",
        store.as_ref().instance(instance).unwrap().func(0).unwrap()
    )
}

#[test]
fn a_store_without_metering_does_not_count_bulk_work() {
    let operands = [Operand::Memory(0), s(0), s(1), s(2)];
    let mut store = store();
    let instance = operation(MemoryFill::MemoryFill, &operands).instantiate(&mut store, &[]);
    let func = func(&store, instance, 0);
    run(&mut store, func, &[0, 0, 65_536]).unwrap();
    assert_eq!(store.as_ref().fuel(), None);
}

#[test]
fn the_limiter_decides_on_growth() {
    use damson_executor::store::{GrowDecision, GrowRequest, HostDataMut};
    for (decision, expected) in [
        (GrowDecision::Allow, Ok(2)),
        (GrowDecision::Deny, Ok(u64::from(u32::MAX))),
        (GrowDecision::Trap, Err(TrapCode::GrowthOperationLimited)),
    ] {
        let mut config = StoreConfig::default();
        config.vtable.limiter = Some(Box::new(move |_: HostDataMut<'_>, request: GrowRequest| {
            if request.current == 0 {
                GrowDecision::Allow
            } else {
                decision
            }
        }));
        let mut store = PrunedStore::new((), config);
        let mut module = Module::default();
        module.memory(2, None);
        let ty = module.ty_of(&number());
        module.func(ty, 6, |code| {
            code.op(MemoryGrow::MemoryGrow, &[rs(4), Operand::Memory(0), s(0)]);
            code.op(ReturnValue::IntReturn, &[code.linkage(), s(4)]);
        });
        let instance = module.instantiate(&mut store, &[]);
        let func = func(&store, instance, 0);
        match expected {
            Ok(old) => assert_eq!(run(&mut store, func, &[1]).unwrap(), [old]),
            Err(code) => assert_eq!(trap(run(&mut store, func, &[1])), code),
        }
    }
}

#[test]
fn wrong_use_is_an_error_that_says_what() {
    let mut store = store();
    let instance = depth(8).instantiate(&mut store, &[]);
    let function = func(&store, instance, 0);
    for len in [0, 2, 300] {
        let error = call(store.as_mut(), function, &mut vec![Cell::ZERO; len]).unwrap_err();
        assert!(
            matches!(error, CallError::CellCount { expected: 1, found, .. } if found == len),
            "{error}"
        );
        assert!(error.to_string().contains("1 cells"), "{error}");
    }
    let mut other = self::store();
    let error = call(other.as_mut(), function, &mut [Cell::ZERO]).unwrap_err();
    assert!(matches!(error, CallError::ForeignHandle(_)), "{error}");
}
