//! Calls, recursion, traps.

use crate::support::*;
use damson_executor::CallError;
use damson_executor::ir::*;
use damson_executor::store::TrapCode;

/// fib(n) = n < 2 ? n : fib(n - 2) + fib(n - 1)
fn fib(module: &mut Module) -> u32 {
    let ty = module.ty(&[I32], &[I64]);
    module.func(ty, 8, |code| {
        let recurse = code.new_label();
        code.push(
            IntCompare::I32GeU,
            &[Operand::BrIf(recurse.into()), s(0), Operand::Imm(2)],
        )
        .unwrap();
        code.push(ReturnValue::IntReturn, &[code.linkage(), s(0)])
            .unwrap();
        code.bind(recurse);
        code.push(IntBinary::I32Sub, &[rs(4), s(0), Operand::Imm(2)])
            .unwrap();
        call_self(code, 4);
        code.push(IntBinary::I32Sub, &[rs(5), s(0), Operand::Imm(1)])
            .unwrap();
        call_self(code, 5);
        code.push(IntBinary::I64Add, &[Operand::R, s(4), Operand::Acc])
            .unwrap();
        code.push(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc])
            .unwrap();
    })
}

fn call_self(code: &mut FunctionBuilder, base: u16) {
    code.push(
        Call::Call,
        &[
            Operand::DefinedFunc(0),
            Operand::Base(Slot(base)),
            Operand::CalleeLinkage(Slot(base + 1)),
        ],
    )
    .unwrap();
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
    let index = module.func(ty, 5, |code| {
        code.push(CopyValue::IntCopy, &[Operand::To(Slot(4)), s(0)])
            .unwrap();
        call_self(code, 4);
        code.push(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc])
            .unwrap();
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
