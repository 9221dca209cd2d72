//! Calls within an instance, recursion, indirect calls.

use crate::support::*;
use damson_executor::CallError;
use damson_executor::ir::*;
use damson_executor::store::types::RefType;
use damson_executor::store::{Cell, FuncType, TrapCode};

/// Appends a call of a function of the same module.
fn call_own(code: &mut FunctionBuilder, func: u32, base: u16, ty: &FuncType) {
    let [base, linkage] = frame_at(base, ty);
    code.op(Call::Call, &[Operand::DefinedFunc(func), base, linkage]);
}

/// fib(n) = n < 2 ? n : fib(n - 2) + fib(n - 1)
fn fib(module: &mut Module) -> u32 {
    let ty = module.ty(&[I32], &[I64]);
    let signature = module.type_at(ty);
    module.func(ty, 8, |code| {
        let recurse = code.new_label();
        code.op(IntCompare::I32GeU, &[br_if(recurse), s(0), imm(2)]);
        code.op(ReturnValue::IntReturn, &[code.linkage(), s(0)]);
        code.bind(recurse);
        code.op(IntBinary::I32Sub, &[rs(4), s(0), imm(2)]);
        call_own(code, 0, 4, &signature);
        code.op(IntBinary::I32Sub, &[rs(5), s(0), imm(1)]);
        call_own(code, 0, 5, &signature);
        code.op(IntBinary::I64Add, &[Operand::R, s(4), Operand::Acc]);
        code.op(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc]);
    })
}

#[test]
fn recursion() {
    let mut module = Module::default();
    let index = fib(&mut module);
    let mut store = store();
    let instance = module.instantiate(&mut store, &[]);
    let fib = func(&store, instance, index);
    assert_eq!(run(&mut store, fib, &[20]).unwrap(), [6765]);
}

#[test]
fn endless_recursion_is_a_trap_and_the_store_stays_usable() {
    let mut module = Module::default();
    let ty = module.ty(&[I32], &[I32]);
    let signature = module.type_at(ty);
    let index = module.func(ty, 5, |code| {
        code.op(CopyValue::IntCopy, &[to(4), s(0)]);
        call_own(code, 0, 4, &signature);
        code.op(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc]);
    });
    let mut store = store();
    let instance = module.instantiate(&mut store, &[]);
    let endless = func(&store, instance, index);
    for _ in 0..3 {
        let error = run(&mut store, endless, &[20]).unwrap_err();
        assert!(
            matches!(error, CallError::Trap(trap) if trap.code == TrapCode::StackOverflow),
            "{error}"
        );
    }
}

#[test]
fn arguments_and_results_lie_in_the_callers_frame() {
    // More results than parameters, and the other way round.
    for (params, results) in [(0, 0), (0, 3), (3, 0), (2, 5), (5, 2), (1, 1), (40, 41)] {
        let mut module = Module::default();
        let ty = module.ty(&vec![I64; params], &vec![I64; results]);
        let signature = module.type_at(ty);
        let cells = signature.cells() as u16;
        // Result i is the sum of the parameters plus i.
        let callee = module.func(ty, u32::from(cells) + 3, |code| {
            let sum = cells + 2;
            code.op(Zero::Zero, &[span(sum), Operand::Count(1)]);
            for param in 0..params as u16 {
                code.op(IntBinary::I64Add, &[rs(sum), s(sum), s(param)]);
            }
            for result in 0..results as u16 {
                code.op(IntBinary::I64Add, &[rs(result), s(sum), imm(result.into())]);
            }
            code.op(Return::Return, &[code.linkage()]);
        });
        // (first argument) -> results, with arguments first, first + 1, ...
        let ty = module.ty(&[I64], &vec![I64; results]);
        let linkage = (results as u16).max(1);
        let base = linkage + 3;
        let caller = module.func(ty, u32::from(base + cells), |code| {
            let guard = linkage + 2;
            code.op(CopyValue::IntCopy, &[to(guard), imm(99)]);
            for param in 0..params as u16 {
                code.op(
                    IntBinary::I64Add,
                    &[rs(base + param), s(0), imm(param.into())],
                );
            }
            call_own(code, callee, base, &signature);
            // The slot below the callee's frame is as it was.
            let fine = code.new_label();
            code.op(IntCompare::I64Eq, &[br_if(fine), s(guard), imm(99)]);
            code.op(Unreachable::Unreachable, &[]);
            code.bind(fine);
            let count = Operand::Count(results as u32);
            code.op(ReturnSpan::ReturnSpan, &[code.linkage(), span(base), count]);
        });
        let mut store = store();
        let instance = module.instantiate(&mut store, &[]);
        let func = func(&store, instance, caller);
        let found = run(&mut store, func, &[1000]).unwrap();
        let sum: u64 = (1000..1000 + params as u64).sum();
        let expected: Vec<u64> = (sum..sum + results as u64).collect();
        assert_eq!(
            found[..results],
            expected,
            "{params} parameters, {results} results"
        );
    }
}

#[test]
fn the_accumulator_holds_the_only_result_of_a_call() {
    for (index, value) in [(0, 0x1234_5678_9abc), (1, 0x3fc0_0000), (2, 0x3ff8 << 48)] {
        let mut module = Module::default();
        let ty = module.ty(&[I64], &[I64]);
        let signature = module.type_at(ty);
        let callee = module.func(ty, 3, |code| {
            code.op(ReturnValue::ALL[index], &[code.linkage(), s(0)]);
        });
        let caller = module.func(ty, 8, |code| {
            code.op(CopyValue::IntCopy, &[to(4), s(0)]);
            call_own(code, callee, 4, &signature);
            // Only the accumulator counts.
            code.op(CopyValue::IntCopy, &[to(4), imm(0)]);
            code.op(ReturnValue::ALL[index], &[code.linkage(), Operand::Acc]);
        });
        let mut store = store();
        let instance = module.instantiate(&mut store, &[]);
        let func = func(&store, instance, caller);
        assert_eq!(run(&mut store, func, &[value]).unwrap(), [value]);
    }
}

/// The opcodes of a family of indirect calls: one for each place of the index.
fn forms(family: Family) -> Vec<Opcode> {
    Opcode::all()
        .filter(|opcode| opcode.family() == family)
        .collect()
}

/// Calls element `index` of a table by way of a form; the table holds, in this order:
/// a function of the same instance, null, one of another type, one of another instance,
/// a host function. The argument is 5.
fn call_element(opcode: Opcode, index: u64) -> Result<Vec<u64>, CallError> {
    let mut store = store();
    let number = FuncType::new([I64], [I64]);

    let mut other = Module::default();
    let ty = other.ty_of(&FuncType::new([], []));
    let unused = other.func(ty, 2, |code| code.op(Unreachable::Unreachable, &[]));
    assert_eq!(unused, 0, "so that indices of types and functions differ");
    let ty = other.ty_of(&number);
    let triple = other.func(ty, 4, |code| {
        code.op(IntBinary::I64Mul, &[Operand::R, s(0), imm(3)]);
        code.op(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc]);
    });
    let other = other.instantiate(&mut store, &[]);
    let triple = func(&store, other, triple);
    let hundredfold = host(&mut store, &number, |_, cells| {
        cells[0] = Cell::new(cells[0].get::<i64>() * 100);
        Ok(())
    });

    let mut module = Module::default();
    let ty = module.ty_of(&number);
    let imported = [(); 2].map(|()| module.import_func(ty));
    let table = module.table(RefType::Func, 5, None);
    let double = module.func(ty, 4, |code| {
        code.op(IntBinary::I64Add, &[Operand::R, s(0), s(0)]);
        code.op(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc]);
    });
    let wrong = module.ty(&[I64], &[]);
    let wrong = module.func(wrong, 3, |code| code.op(Return::Return, &[code.linkage()]));
    module.fill_table(table, 0, &[double]);
    module.fill_table(table, 2, &[wrong, imported[0], imported[1]]);
    let caller = module.ty(&[I64, I64], &[I64]);
    let caller = module.func(caller, 16, |code| {
        code.op(CopyValue::IntCopy, &[to(9), s(1)]);
        let element = match opcode.form().kinds[0] {
            Kind::Slot => s(0),
            Kind::Imm => imm(index as u32 as i32),
            _ => {
                code.op(CopyValue::IntCopy, &[Operand::R, s(0)]);
                Operand::Acc
            }
        };
        let callee = [element, Operand::FuncTable(table), Operand::Type(ty)];
        if opcode.family() == Family::CallIndirect {
            push_opcode(code, opcode, &[&callee[..], &frame_at(9, &number)].concat());
            code.op(IntBinary::I64Add, &[Operand::R, Operand::Acc, imm(1)]);
            code.op(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc]);
        } else {
            let frame = tail_from(code, 9, &number);
            push_opcode(code, opcode, &[&callee[..], &frame].concat());
        }
    });
    let instance = module.instantiate(&mut store, &[triple.into(), hundredfold.into()]);
    let func = func(&store, instance, caller);
    let result = run(&mut store, func, &[index, 5]);
    // Whatever came of it, the store works on.
    assert!(run(&mut store, func, &[0, 5]).is_ok() || opcode.form().kinds[0] == Kind::Imm);
    result
}

#[test]
fn indirect_calls() {
    let forms = [
        forms(Family::CallIndirect),
        forms(Family::ReturnCallIndirect),
    ]
    .concat();
    assert_eq!(forms.len(), 5);
    for opcode in forms {
        let more = u64::from(opcode.family() == Family::CallIndirect);
        for (index, expected) in [(0, 10), (3, 15), (4, 500)] {
            let found = call_element(opcode, index).unwrap();
            assert_eq!(found[0], expected + more, "{opcode}: element {index}");
        }
        for (index, expected) in [
            (1, TrapCode::IndirectCallToNull),
            (2, TrapCode::BadSignature),
            (5, TrapCode::TableOutOfBounds),
            (1 << 31, TrapCode::TableOutOfBounds),
            (u64::from(u32::MAX), TrapCode::TableOutOfBounds),
        ] {
            let found = trap(call_element(opcode, index));
            assert_eq!(found, expected, "{opcode}: element {index}");
        }
    }
}

#[test]
fn tail_calls_take_no_space() {
    // count(n, a) = n == 0 ? a : count(n - 1, a + 1), directly and through a table.
    for indirect in [false, true] {
        let mut module = Module::default();
        let ty = module.ty(&[I64, I64], &[I64]);
        let signature = module.type_at(ty);
        let table = module.table(RefType::Func, 1, None);
        let index = module.func(ty, 8, |code| {
            let done = code.new_label();
            code.op(IntTest::I64Eqz, &[br_if(done), s(0)]);
            code.op(IntBinary::I64Sub, &[rs(4), s(0), imm(1)]);
            code.op(IntBinary::I64Add, &[rs(5), s(1), imm(1)]);
            let frame = tail_from(code, 4, &signature);
            if indirect {
                code.op(Zero::Zero, &[span(7), Operand::Count(1)]);
                let callee = [s(7), Operand::FuncTable(table), Operand::Type(ty)];
                code.op(
                    ReturnCallIndirect::ReturnCallIndirect,
                    &[&callee[..], &frame].concat(),
                );
            } else {
                code.op(
                    ReturnCall::ReturnCall,
                    &[&[Operand::DefinedFunc(0)][..], &frame].concat(),
                );
            }
            code.bind(done);
            code.op(ReturnValue::IntReturn, &[code.linkage(), s(1)]);
        });
        module.fill_table(table, 0, &[index]);
        let mut store = store();
        let instance = module.instantiate(&mut store, &[]);
        let func = func(&store, instance, index);
        let n = if cfg!(debug_assertions) {
            100_000
        } else {
            1_000_000
        };
        assert_eq!(run(&mut store, func, &[n, 0]).unwrap()[0], n);
    }
}

#[test]
fn a_tail_call_may_pass_more_or_fewer_parameters() {
    // first(a) -> wide(a, a + 1, .., a + 19) -> narrow(sum) -> sum + 1
    let mut module = Module::default();
    let one = module.ty(&[I64], &[I64]);
    let twenty = module.ty(&[I64; 20], &[I64]);
    let (narrow_ty, wide_ty) = (module.type_at(one), module.type_at(twenty));
    let (wide, narrow) = (1, 2);
    let first = module.func(one, 40, |code| {
        for index in 0..20 {
            code.op(IntBinary::I64Add, &[rs(5 + index), s(0), imm(index.into())]);
        }
        let frame = tail_from(code, 5, &wide_ty);
        code.op(
            ReturnCall::ReturnCall,
            &[&[Operand::DefinedFunc(wide)][..], &frame].concat(),
        );
    });
    module.func(twenty, 24, |code| {
        for index in 1..20 {
            code.op(IntBinary::I64Add, &[rs(0), s(0), s(index)]);
        }
        let frame = tail_from(code, 0, &narrow_ty);
        code.op(
            ReturnCall::ReturnCall,
            &[&[Operand::DefinedFunc(narrow)][..], &frame].concat(),
        );
    });
    module.func(one, 3, |code| {
        code.op(IntBinary::I64Add, &[Operand::R, s(0), imm(1)]);
        code.op(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc]);
    });
    // The result reaches a caller that called the first function in the ordinary way.
    let outer = module.func(one, 6, |code| {
        code.op(CopyValue::IntCopy, &[to(4), s(0)]);
        call_own(code, first, 4, &narrow_ty);
        code.op(IntBinary::I64Add, &[Operand::R, s(4), Operand::Acc]);
        code.op(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc]);
    });
    let mut store = store();
    let instance = module.instantiate(&mut store, &[]);
    let sum = (100..120).sum::<u64>() + 1;
    for (index, expected) in [(first, sum), (outer, 2 * sum)] {
        let func = func(&store, instance, index);
        assert_eq!(run(&mut store, func, &[100]).unwrap(), [expected]);
    }
}
