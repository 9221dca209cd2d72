//! Calls between instances and into the host: memory, globals and frames are those of whoever
//! runs.
#![expect(unsafe_code, reason = "looks at what the executor has allocated")]

use crate::support::*;
use damson_executor::ir::*;
use damson_executor::store::types::RefType;
use damson_executor::store::{
    Cell, FuncHandle, FuncType, InstanceHandle, PrunedStore, StoreConfig, TrapCode,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn number() -> FuncType {
    FuncType::new([I64], [I64])
}

/// Appends a call of an imported function.
fn call_import(code: &mut FunctionBuilder, func: u32, base: u16, ty: &FuncType) {
    let [base, linkage] = frame_at(base, ty);
    code.op(
        CallImport::CallImport,
        &[Operand::ImportedFunc(func), base, linkage],
    );
}

/// Appends a tail call of an imported function.
fn tail_call_import(code: &mut FunctionBuilder, func: u32, src: u16, ty: &FuncType) {
    let frame = tail_from(code, src, ty);
    let callee = [Operand::ImportedFunc(func)];
    code.op(
        ReturnCallImport::ReturnCallImport,
        &[&callee[..], &frame].concat(),
    );
}

/// An instance with a memory and a global, both marked with `mark`, and a function
/// n -> n + mark that reads both and its memory's size.
fn marked(store: &mut PrunedStore, mark: i32) -> (InstanceHandle, FuncHandle) {
    let mut module = Module::default();
    module.memory(1, None);
    let global = module.global(I64, constant(mark.into()));
    let ty = module.ty_of(&number());
    let index = module.func(ty, 8, |code| {
        code.op(GlobalGet::IntGlobalGet, &[rs(4), Operand::Global(global)]);
        code.op(
            IntStore::I64Store,
            &[imm(8), Operand::Acc, Operand::Offset(0)],
        );
        code.op(Load::I64Load, &[Operand::R, imm(8), Operand::Offset(0)]);
        code.op(IntBinary::I64Add, &[Operand::R, s(0), Operand::Acc]);
        code.op(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc]);
    });
    let instance = module.instantiate(store, &[]);
    let func = func(store, instance, index);
    (instance, func)
}

#[test]
fn each_instance_uses_its_own_memory_and_globals() {
    let mut store = store();
    let (other, add_ten) = marked(&mut store, 10);
    let mut module = Module::default();
    let ty = module.ty_of(&number());
    let imported = module.import_func(ty);
    module.memory(2, None);
    let global = module.global(I64, constant(5));
    let caller = module.func(ty, 12, |code| {
        code.op(IntStore::I64Store, &[imm(8), s(0), Operand::Offset(0)]);
        code.op(CopyValue::IntCopy, &[to(5), s(0)]);
        call_import(code, imported, 5, &number());
        // Past the end of the other instance's memory, inside ours.
        code.op(
            IntStore::I64Store,
            &[imm(65_536), Operand::Acc, Operand::Offset(0)],
        );
        code.op(GlobalGet::IntGlobalGet, &[rs(4), Operand::Global(global)]);
        code.op(IntBinary::I64Add, &[rs(4), s(4), s(5)]);
        code.op(GlobalSet::IntGlobalSet, &[Operand::GlobalMut(global), s(4)]);
        code.op(ReturnValue::IntReturn, &[code.linkage(), s(4)]);
    });
    let instance = module.instantiate(&mut store, &[add_ten.into()]);
    let func = func(&store, instance, caller);
    assert_eq!(run(&mut store, func, &[1]).unwrap(), [16]);
    assert_eq!(run(&mut store, func, &[2]).unwrap(), [28]);
    assert_eq!(bytes(&store, instance, 0)[8..10], [2, 0]);
    assert_eq!(bytes(&store, instance, 0)[65_536], 12);
    assert_eq!(bytes(&store, other, 0)[8], 10);
}

/// A chain of instances, each of which calls the next one with n + 1; the last adds 1000. Says
/// what each of them does: a call, or a tail call.
fn chain(store: &mut PrunedStore, tails: &[bool], last: FuncHandle) -> FuncHandle {
    let mut next = last;
    for (position, &tail) in tails.iter().enumerate().rev() {
        let mut module = Module::default();
        let ty = module.ty_of(&number());
        let imported = module.import_func(ty);
        module.memory(1, None);
        let index = module.func(ty, 8, |code| {
            code.op(IntBinary::I64Add, &[rs(4), s(0), imm(1)]);
            if tail {
                tail_call_import(code, imported, 4, &number());
                return;
            }
            call_import(code, imported, 4, &number());
            // Marks its own memory after it is back.
            let mark = imm(position as i32 + 1);
            code.op(IntStore::I32Store8, &[imm(0), mark, Operand::Offset(7)]);
            code.op(ReturnValue::IntReturn, &[code.linkage(), s(4)]);
        });
        let instance = module.instantiate(store, &[next.into()]);
        next = func(store, instance, index);
        if !tail {
            assert_eq!(bytes(store, instance, 0)[7], 0);
        }
    }
    next
}

#[test]
fn calls_and_tail_calls_through_many_instances() {
    for pattern in 0..64_u32 {
        let tails: Vec<bool> = (0..6).map(|bit| pattern >> bit & 1 == 1).collect();
        for host_at_the_end in [false, true] {
            let mut store = store();
            let last = if host_at_the_end {
                host(&mut store, &number(), |_, cells| {
                    cells[0] = Cell::new(cells[0].get::<i64>() + 1000);
                    Ok(())
                })
            } else {
                marked(&mut store, 1000).1
            };
            let first = chain(&mut store, &tails, last);
            for n in [1, 2] {
                let found = run(&mut store, first, &[n]).unwrap();
                assert_eq!(found, [n + 1006], "{tails:?}, host: {host_at_the_end}");
            }
        }
    }
}

/// Two instances whose functions tail call each other n times by way of a shared table.
fn mutual(store: &mut PrunedStore, own_call_between: bool) -> FuncHandle {
    let mut instances = Vec::new();
    let ty = damson_executor::store::TableType::new(RefType::Func, 2, None);
    let table = store.as_mut().alloc_table(ty, Cell::ZERO).unwrap();
    for side in 0..2_i32 {
        let mut module = Module::default();
        let ty = module.ty(&[I64, I64], &[I64]);
        let signature = module.type_at(ty);
        module.import_table(2);
        module.memory(1, None);
        // (n, sum): n == 0 ? sum : other(n - 1, sum + side + 1), after an optional call of a
        // function of its own.
        let index = module.func(ty, 12, |code| {
            let done = code.new_label();
            code.op(IntTest::I64Eqz, &[br_if(done), s(0)]);
            code.op(IntBinary::I64Sub, &[rs(4), s(0), imm(1)]);
            code.op(IntBinary::I64Add, &[rs(5), s(1), imm(side + 1)]);
            if own_call_between {
                code.op(CopySpan::CopySpan, &[span(7), span(4), Operand::Count(2)]);
                let [base, linkage] = frame_at(7, &signature);
                code.op(Call::Call, &[Operand::DefinedFunc(1), base, linkage]);
                code.op(CopyValue::IntCopy, &[to(5), Operand::Acc]);
            }
            let callee = [imm(1 - side), Operand::FuncTable(0), Operand::Type(ty)];
            let frame = tail_from(code, 4, &signature);
            code.op(CopyValue::IntCopy, &[Operand::R, callee[0]]);
            let callee = [Operand::Acc, callee[1], callee[2]];
            code.op(
                ReturnCallIndirect::ReturnCallIndirect,
                &[&callee[..], &frame].concat(),
            );
            code.bind(done);
            code.op(ReturnValue::IntReturn, &[code.linkage(), s(1)]);
        });
        // Gives its second parameter back.
        module.func(ty, 4, |code| {
            code.op(ReturnValue::IntReturn, &[code.linkage(), s(1)])
        });
        module.fill_table(0, side, &[index]);
        let instance = module.instantiate(store, &[table.into()]);
        instances.push(func(store, instance, index));
    }
    instances[0]
}

/// For how many ways back to an instance there is room.
fn bridges(store: &mut PrunedStore) -> usize {
    // SAFETY: the context lives as long as the store, which is borrowed and not running.
    unsafe { store.as_mut().context().as_ref() }
        .bridges
        .capacity()
}

#[test]
fn tail_calls_between_instances_take_no_space() {
    for own_call_between in [false, true] {
        let mut store = store();
        let func = mutual(&mut store, own_call_between);
        let n = if cfg!(debug_assertions) {
            100_000
        } else {
            1_000_000
        };
        assert_eq!(run(&mut store, func, &[n, 0]).unwrap()[0], n / 2 * 3);
        assert!(bridges(&mut store) < 10, "ways back to instances");
        assert_eq!(run(&mut store, func, &[3, 0]).unwrap()[0], 4);
    }
}

#[test]
fn endless_recursion_between_instances_is_a_trap() {
    let mut store = store();
    let ty = damson_executor::store::TableType::new(RefType::Func, 2, None);
    let table = store.as_mut().alloc_table(ty, Cell::ZERO).unwrap();
    let mut first = None;
    for side in 0..2_i32 {
        let mut module = Module::default();
        let ty = module.ty_of(&number());
        module.import_table(2);
        let index = module.func(ty, 8, |code| {
            code.op(CopyValue::IntCopy, &[to(4), s(0)]);
            let [base, linkage] = frame_at(4, &number());
            let callee = [imm(1 - side), Operand::FuncTable(0), Operand::Type(ty)];
            code.op(
                CallIndirect::CallIndirect,
                &[&callee[..], &[base, linkage]].concat(),
            );
            code.op(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc]);
        });
        module.fill_table(0, side, &[index]);
        let instance = module.instantiate(&mut store, &[table.into()]);
        first.get_or_insert(func(&store, instance, index));
    }
    for _ in 0..3 {
        assert_eq!(
            trap(run(&mut store, first.unwrap(), &[1])),
            TrapCode::StackOverflow
        );
    }
    let (_, fine) = marked(&mut store, 1);
    assert_eq!(run(&mut store, fine, &[1]).unwrap(), [2]);
}

/// A module that calls its imported function with arguments 1.. and returns all results.
fn pass_through(params: usize, results: usize, tail: bool) -> (Module, FuncType, u32) {
    let mut module = Module::default();
    let ty = module.ty(&vec![I64; params], &vec![I64; results]);
    let signature = module.type_at(ty);
    let imported = module.import_func(ty);
    let outer = module.ty(&[], &vec![I64; results]);
    let base = results as u16 + 2;
    let frame = u32::from(base) + signature.cells() as u32;
    let index = module.func(outer, frame, |code| {
        for param in 0..params as u16 {
            let operands = [to(base + param), imm(i32::from(param) + 1)];
            code.op(CopyValue::IntCopy, &operands);
        }
        if tail {
            tail_call_import(code, imported, base, &signature);
        } else {
            call_import(code, imported, base, &signature);
            let count = Operand::Count(results as u32);
            code.op(ReturnSpan::ReturnSpan, &[code.linkage(), span(base), count]);
        }
    });
    (module, signature, index)
}

#[test]
fn host_functions_of_many_parameters_and_results() {
    for (params, results) in [
        (0, 0),
        (1, 0),
        (0, 1),
        (3, 2),
        (2, 3),
        (300, 300),
        (1000, 2),
        (2, 1000),
    ] {
        for tail in [false, true] {
            let (module, ty, index) = pass_through(params, results, tail);
            let mut store = store();
            let calls = Arc::new(AtomicU64::new(0));
            let count = Arc::clone(&calls);
            let body = host(&mut store, &ty, move |call, cells| {
                assert!(call.instance.is_some());
                assert_eq!(cells.len(), params.max(results));
                for (index, cell) in cells[..params].iter().enumerate() {
                    assert_eq!(cell.to_bits(), index as u64 + 1);
                }
                for (index, cell) in cells[..results].iter_mut().enumerate() {
                    *cell = Cell::from_bits(7 * index as u64);
                }
                count.fetch_add(1, Ordering::Relaxed);
                Ok(())
            });
            let instance = module.instantiate(&mut store, &[body.into()]);
            let func = func(&store, instance, index);
            for round in 1..=2 {
                let found = run(&mut store, func, &[]).unwrap();
                let expected: Vec<u64> = (0..results as u64).map(|index| 7 * index).collect();
                assert_eq!(found, expected, "{params} parameters, {results} results");
                assert_eq!(calls.load(Ordering::Relaxed), round);
            }
        }
    }
}

#[test]
fn a_frame_that_ends_with_the_stack_is_enough_for_a_tail_call_into_the_host() {
    let mut config = StoreConfig::default();
    config.stack_bytes = 8 * 8;
    let mut store = PrunedStore::new((), config);
    let wide = FuncType::new([I64; 6], [I64]);
    let body = host(&mut store, &wide, |_, cells| {
        cells[0] = Cell::from_bits(cells.iter().map(|cell| cell.to_bits()).sum());
        Ok(())
    });
    let mut module = Module::default();
    let ty = module.ty_of(&wide);
    let imported = module.import_func(ty);
    // Its arguments are the parameters, or lie above the linkage.
    let below = module.func(ty, 8, |code| tail_call_import(code, imported, 0, &wide));
    let large = module.func(ty, 9, |code| code.op(Unreachable::Unreachable, &[]));
    let instance = module.instantiate(&mut store, &[body.into()]);
    let (below, large) = (func(&store, instance, below), func(&store, instance, large));
    for _ in 0..2 {
        assert_eq!(run(&mut store, below, &[1, 2, 3, 4, 5, 6]).unwrap()[0], 21);
        assert_eq!(
            trap(run(&mut store, large, &[0; 6])),
            TrapCode::StackOverflow
        );
    }
}

#[test]
fn a_tail_call_into_the_host_gives_back_the_depth_of_its_frame() {
    let mut config = StoreConfig::default();
    config.max_call_depth = 4;
    let mut store = PrunedStore::new((), config);
    let body = host(&mut store, &number(), |_, cells| {
        cells[0] = Cell::from_bits(cells[0].to_bits() + 1);
        Ok(())
    });
    let first = chain(&mut store, &[true], body);
    let mut module = Module::default();
    let ty = module.ty_of(&number());
    let imported = [body, first].map(|_| module.import_func(ty));
    let own = module.func(ty, 4, |code| {
        tail_call_import(code, imported[0], 0, &number())
    });
    // n -> calls both n times: a function of its own, and one of another instance.
    let index = module.func(ty, 8, |code| {
        let again = code.new_label();
        code.op(CopyValue::IntCopy, &[to(3), s(0)]);
        code.op(Zero::Zero, &[span(4), Operand::Count(1)]);
        code.bind(again);
        let [base, linkage] = frame_at(4, &number());
        code.op(Call::Call, &[Operand::DefinedFunc(own), base, linkage]);
        call_import(code, imported[1], 4, &number());
        code.op(IntBinary::I64Sub, &[rs(3), s(3), imm(1)]);
        code.op(IntTest::I64Nez, &[br_if(again), s(3)]);
        code.op(ReturnValue::IntReturn, &[code.linkage(), s(4)]);
    });
    let instance = module.instantiate(&mut store, &[body.into(), first.into()]);
    let func = func(&store, instance, index);
    assert_eq!(run(&mut store, func, &[100]).unwrap(), [300]);
}

#[test]
fn a_trap_that_the_host_catches_takes_its_ways_back_along() {
    // outer -> middle (another instance) -> host -> a chain of instances that traps. The way
    // back from middle leads to outer, not into what has trapped.
    let mut store = store();
    let mut module = Module::default();
    let ty = module.ty_of(&number());
    let traps = module.func(ty, 3, |code| code.op(Unreachable::Unreachable, &[]));
    let trapping = module.instantiate(&mut store, &[]);
    let trapping = func(&store, trapping, traps);
    let trapping = chain(&mut store, &[false, true, false], trapping);
    let catches = host(&mut store, &number(), move |host, cells| {
        assert!(damson_executor::call(host.store, trapping, cells).is_err());
        Ok(())
    });
    let outer = chain(&mut store, &[false, false], catches);
    for n in 0..3 {
        assert_eq!(run(&mut store, outer, &[n]).unwrap(), [n + 2]);
    }
}
