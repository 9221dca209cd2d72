//! The native stack does not grow, whatever runs for however long.
//!
//! In the tail-call backend this rests on the compiler: an instruction that ends in a call
//! instead of a jump leaves a frame behind each time. So every instruction that stays in the
//! dispatch loop runs more often, without leaving it, than a small native stack has room for
//! return addresses. What leaves the loop and traps are tried as often, too.

use crate::support::*;
use damson_executor::ir::*;
use damson_executor::store::types::RefType;
use damson_executor::store::{Cell, FuncHandle, FuncType, PrunedStore, StoreConfig, TrapCode};
use damson_executor::{CallError, call};

/// Room for 16,384 return addresses on top of what the test needs.
const NATIVE_STACK: usize = 256 << 10;

/// Slots of a function that only calls and computes; parameters and linkage are below.
const COUNTER: u16 = 4;
const THREE: u16 = 5;
const THREE_F32: u16 = 6;
const THREE_F64: u16 = 7;
const SCRATCH: u16 = 8;
const ARGUMENTS: u16 = 20;

fn number() -> FuncType {
    FuncType::new([I64], [I64])
}

/// The slot that holds a three of the type that a name begins with or says after `_`.
fn three(name: &str) -> (u16, CopyValue) {
    let (result, rest) = name.split_once('.').unwrap_or(("i64", name));
    let from = ["i32", "i64", "f32", "f64"]
        .into_iter()
        .find(|ty| rest.contains(&format!("_{ty}")));
    match from.unwrap_or(result) {
        "f32" => (THREE_F32, CopyValue::F32Copy),
        "f64" => (THREE_F64, CopyValue::F64Copy),
        _ => (THREE, CopyValue::IntCopy),
    }
}

/// What an instruction needs for its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stay {
    /// It goes on with the next instruction, in the loop.
    InLoop,
    /// It leaves the loop and comes back.
    Leaves,
    /// It ends its function or traps; tried by other means.
    Ends,
    /// It calls; tried by other means.
    Calls,
}

fn stay(opcode: Opcode) -> Stay {
    let op = opcode.op();
    let parts = op.parts();
    // The outermost part of a tree; the last part of a sequence, which goes on after a call.
    let decides = match op.shape() {
        Some(shape) if shape.is_sequence() => parts[parts.len() - 1],
        _ => parts[0],
    };
    match decides.family() {
        Family::Call if op.shape().is_some() => Stay::InLoop,
        Family::MemoryGrow
        | Family::MemoryFill
        | Family::MemoryCopy
        | Family::MemoryInit
        | Family::DataDrop
        | Family::TableSet
        | Family::TableGrow
        | Family::TableFill
        | Family::TableCopy
        | Family::TableInit
        | Family::ElemDrop => Stay::Leaves,
        Family::Return | Family::ReturnValue | Family::ReturnSpan | Family::Unreachable => {
            Stay::Ends
        }
        Family::Call
        | Family::CallImport
        | Family::CallIndirect
        | Family::ReturnCall
        | Family::ReturnCallImport
        | Family::ReturnCallIndirect => Stay::Calls,
        _ => Stay::InLoop,
    }
}

/// Appends the instruction so that it does not trap and goes on with the next one. Returns how
/// many instructions that takes. What calls calls `leaf`.
fn append(code: &mut FunctionBuilder, opcode: Opcode, leaf: u32) -> u64 {
    let kinds = opcode.form().kinds;
    let family = opcode.family();
    let is_tile = opcode.op().shape().is_some();
    let (value, copy) = three(opcode.op().name());
    // Nothing is written there, so that what is read is an address of something.
    let untouched = opcode.op().shape() == Some(Shape::LoadLoad);
    let next = code.new_label();
    let mut count = 1;
    let mut operands = Vec::new();
    if is_tile && kinds.contains(&Kind::Global) {
        // It may become an address by adding or subtracting three.
        code.op(GlobalSet::IntGlobalSet, &[Operand::GlobalMut(0), imm(6)]);
        count += 1;
    }
    let condition = matches!(family, Family::IntSelect | Family::FloatSelect);
    let address = matches!(family, Family::Load | Family::IntStore | Family::FloatStore);
    for (index, kind) in kinds.iter().enumerate() {
        // Conditions and addresses are integers, whatever the values are.
        let integer = condition && index == 1
            || address && index == usize::from(family == Family::Load)
            || matches!(family, Family::BrTable | Family::TableGet)
            || is_tile;
        let (slot, copy) = if integer {
            (THREE, CopyValue::IntCopy)
        } else {
            (value, copy)
        };
        let slot = match family {
            // Bulk operations and growth of three would go on and on.
            _ if stay(opcode) == Stay::Leaves => SCRATCH + 5,
            _ => slot,
        };
        operands.push(match kind {
            Kind::R => Operand::R,
            Kind::Rs => rs(SCRATCH),
            Kind::To => to(SCRATCH),
            Kind::BrIf => br_if(next),
            Kind::BrUnless => Operand::BrUnless(next.into()),
            Kind::Target => Operand::Target(next.into()),
            Kind::Slot => s(slot),
            Kind::Acc if is_tile => {
                for copy in CopyValue::ALL {
                    code.op(*copy, &[Operand::R, s(THREE)]);
                    count += 1;
                }
                Operand::Acc
            }
            Kind::Acc => {
                code.op(copy, &[Operand::R, s(slot)]);
                count += 1;
                Operand::Acc
            }
            Kind::Imm if slot == THREE => imm(3),
            Kind::Imm => imm(3_f32.to_bits() as i32),
            Kind::Imm64 => Operand::Imm64(3),
            Kind::Offset if untouched && index == 2 => Operand::Offset(4000),
            Kind::Offset => Operand::Offset(100),
            Kind::MemOffset => Operand::MemOffset(1, 100),
            Kind::Func => Operand::Func(0),
            Kind::DefinedFunc => Operand::DefinedFunc(leaf),
            Kind::Base => frame_at(ARGUMENTS, &number())[0],
            Kind::CalleeLinkage => frame_at(ARGUMENTS, &number())[1],
            Kind::Memory => Operand::Memory(1),
            Kind::Table => Operand::Table(0),
            Kind::Global => Operand::Global(0),
            Kind::GlobalMut => Operand::GlobalMut(0),
            Kind::Data => Operand::Data(0),
            Kind::Elem => Operand::Elem(0),
            Kind::Span => span(SCRATCH + index as u16),
            Kind::Count => Operand::Count(2),
            Kind::Targets => {
                code.push_switch(opcode.op(), &operands, &[next, next, next])
                    .unwrap();
                code.bind(next);
                return count;
            }
            other => panic!("{opcode}: {other:?}"),
        });
    }
    push_opcode(code, opcode, &operands);
    code.bind(next);
    count
}

/// Appends a loop that runs `body` as often as parameter 0 says, and what it needs.
fn looped(code: &mut FunctionBuilder, body: impl FnOnce(&mut FunctionBuilder)) {
    let again = code.new_label();
    code.op(Zero::Zero, &[span(SCRATCH), Operand::Count(10)]);
    code.op(CopyValue::IntCopy, &[to(COUNTER), s(0)]);
    code.op(CopyValue::IntCopy, &[to(THREE), imm(3)]);
    code.op(
        CopyValue::F32Copy,
        &[to(THREE_F32), imm(3_f32.to_bits() as i32)],
    );
    code.op(
        CopyValue::F64Copy,
        &[to(THREE_F64), imm(3_f32.to_bits() as i32)],
    );
    code.bind(again);
    body(code);
    code.op(IntBinary::I64Sub, &[rs(COUNTER), s(COUNTER), imm(1)]);
    code.op(IntTest::I64Nez, &[br_if(again), s(COUNTER)]);
    code.op(ReturnValue::IntReturn, &[code.linkage(), s(0)]);
}

/// What a call in a loop goes to.
#[derive(Clone, Copy)]
enum Callee {
    Own(u32),
    Imported(u32),
}

fn append_call(code: &mut FunctionBuilder, callee: Callee, ty: &FuncType) {
    code.op(CopyValue::IntCopy, &[to(ARGUMENTS), s(THREE)]);
    let frame = frame_at(ARGUMENTS, ty);
    match callee {
        Callee::Own(func) => {
            code.op(
                Call::Call,
                &[&[Operand::DefinedFunc(func)][..], &frame].concat(),
            );
        }
        Callee::Imported(func) => {
            let callee = [Operand::ImportedFunc(func)];
            code.op(CallImport::CallImport, &[&callee[..], &frame].concat());
        }
    }
}

fn forms(family: Family) -> impl Iterator<Item = Opcode> {
    Opcode::all().filter(move |opcode| opcode.family() == family)
}

/// Adds functions n -> ... that end in every way there is within an instance.
fn add_callees(module: &mut Module, ty: u32, table: u32) -> Vec<(u32, FuncType)> {
    let mut callees = Vec::new();
    let returns = Opcode::all().filter(|opcode| {
        let parts = opcode.op().parts();
        let returns = |part: &Op| matches!(part.family(), Family::ReturnValue | Family::Return);
        parts.iter().any(returns)
    });
    for opcode in returns {
        let index = module.func(ty, 3, |code| {
            if opcode.form().kinds.contains(&Kind::Offset) {
                code.op(CopyValue::IntCopy, &[rs(0), imm(0)]);
            }
            let operand = |kind: &Kind| match kind {
                // Nobody writes there.
                Kind::Offset => Operand::Offset(60_000),
                Kind::GlobalMut => Operand::GlobalMut(0),
                Kind::Linkage => code.linkage(),
                Kind::Rs => rs(0),
                Kind::Slot => s(0),
                Kind::Imm => imm(1),
                Kind::Imm64 => Operand::Imm64(1),
                _ => Operand::Acc,
            };
            let operands: Vec<_> = opcode.form().kinds.iter().map(operand).collect();
            push_opcode(code, opcode, &operands);
        });
        callees.push((index, number()));
    }
    let leaf = callees[0].0;
    module.fill_table(table, 0, &[leaf]);
    let three = FuncType::new([I64], [I64; 3]);
    let three_ty = module.ty_of(&three);
    let index = module.func(three_ty, 9, |code| {
        let operands = [code.linkage(), span(5), Operand::Count(3)];
        code.op(ReturnSpan::ReturnSpan, &operands);
    });
    callees.push((index, three.clone()));
    let index = module.func(three_ty, 5, |code| {
        code.op(Return::Return, &[code.linkage()])
    });
    callees.push((index, three));
    let tails = [Family::ReturnCall, Family::ReturnCallIndirect];
    for opcode in tails.into_iter().flat_map(forms) {
        let index = module.func(ty, 6, |code| {
            let frame = tail_from(code, 0, &number());
            code.op(CopyValue::IntCopy, &[rs(4), imm(0)]);
            let callee = match opcode.form().kinds[0] {
                Kind::DefinedFunc => vec![Operand::DefinedFunc(leaf)],
                Kind::Slot => vec![s(4), Operand::FuncTable(table), Operand::Type(ty)],
                _ => vec![Operand::Acc, Operand::FuncTable(table), Operand::Type(ty)],
            };
            push_opcode(code, opcode, &[&callee[..], &frame].concat());
        });
        callees.push((index, number()));
    }
    callees
}

/// Appends calls through a table in every form.
fn append_indirect(code: &mut FunctionBuilder, ty: u32, table: u32) {
    for opcode in forms(Family::CallIndirect) {
        code.op(CopyValue::IntCopy, &[rs(SCRATCH), imm(0)]);
        let element = match opcode.form().kinds[0] {
            Kind::Slot => s(SCRATCH),
            Kind::Imm => imm(0),
            _ => Operand::Acc,
        };
        let callee = [element, Operand::FuncTable(table), Operand::Type(ty)];
        push_opcode(
            code,
            opcode,
            &[&callee[..], &frame_at(ARGUMENTS, &number())].concat(),
        );
    }
}

/// A module with something for every instruction.
fn everything() -> (Module, u32, u32) {
    let mut module = Module::default();
    let ty = module.ty_of(&number());
    let table = module.table(RefType::Func, 8, None);
    module.memory(1, None);
    module.memory(1, None);
    module.global(I64, constant(0));
    module.data(b"data");
    module.elements(&[]);
    (module, ty, table)
}

fn store_for_ever() -> PrunedStore {
    store_with_fuel(u64::MAX / 2)
}

/// Runs every instruction that stays in the loop. Returns how many ran.
fn in_the_loop(rounds: u64) -> u64 {
    let (mut module, ty, table) = everything();
    let callees = add_callees(&mut module, ty, table);
    let leaf = callees[0].0;
    let mut instructions = 0;
    let index = module.func(ty, 40, |code| {
        looped(code, |code| {
            for opcode in Opcode::all().filter(|opcode| stay(*opcode) == Stay::InLoop) {
                instructions += append(code, opcode, leaf);
            }
            for (callee, ty) in &callees {
                append_call(code, Callee::Own(*callee), ty);
                instructions += 3;
            }
            append_indirect(code, ty, table);
        });
    });
    let mut store = store_for_ever();
    let instance = module.instantiate(&mut store, &[]);
    let func = func(&store, instance, index);
    assert_eq!(run(&mut store, func, &[rounds]).unwrap(), [rounds]);
    rounds * instructions
}

/// A module whose functions end in a tail call of what it imports.
fn tail_caller(store: &mut PrunedStore, callee: FuncHandle) -> FuncHandle {
    let mut module = Module::default();
    let ty = module.ty_of(&number());
    let imported = module.import_func(ty);
    let index = module.func(ty, 4, |code| {
        let frame = tail_from(code, 0, &number());
        let callee = [Operand::ImportedFunc(imported)];
        code.op(
            ReturnCallImport::ReturnCallImport,
            &[&callee[..], &frame].concat(),
        );
    });
    let instance = module.instantiate(store, &[callee.into()]);
    func(store, instance, index)
}

/// Runs everything that leaves the loop. Returns how many such instructions ran.
fn out_of_the_loop(rounds: u64) -> u64 {
    let mut store = store_for_ever();
    let trapping = {
        let mut module = Module::default();
        let ty = module.ty_of(&number());
        let index = module.func(ty, 3, |code| code.op(Unreachable::Unreachable, &[]));
        let instance = module.instantiate(&mut store, &[]);
        func(&store, instance, index)
    };
    let plain = host(&mut store, &number(), |_, _| Ok(()));
    // Calls a function that traps, and goes on.
    let catches = host(&mut store, &number(), move |host, cells| {
        let result = call(host.store, trapping, cells);
        assert!(matches!(result, Err(CallError::Trap(_))));
        Ok(())
    });
    let other = {
        let (mut module, ty, table) = everything();
        let leaf = add_callees(&mut module, ty, table)[0].0;
        let instance = module.instantiate(&mut store, &[]);
        func(&store, instance, leaf)
    };
    let tails = [plain, other].map(|callee| tail_caller(&mut store, callee));
    let chained = tail_caller(&mut store, tails[1]);
    let imports = [plain, catches, other, tails[0], tails[1], chained];

    let mut module = Module::default();
    let ty = module.ty_of(&number());
    let imported = imports.map(|_| module.import_func(ty));
    // Instructions write to the first table.
    module.table(RefType::Func, 8, None);
    let table = module.table(RefType::Func, 8, None);
    module.memory(1, None);
    module.memory(1, None);
    module.data(b"data");
    module.elements(&[]);
    module.fill_table(table, 0, &[imported[2]]);
    let leaf = imported[2];
    let mut instructions = 0;
    let index = module.func(ty, 40, |code| {
        looped(code, |code| {
            code.op(Zero::Zero, &[span(SCRATCH), Operand::Count(10)]);
            for opcode in Opcode::all().filter(|opcode| stay(*opcode) == Stay::Leaves) {
                instructions += append(code, opcode, leaf);
            }
            for callee in imported {
                append_call(code, Callee::Imported(callee), &number());
                instructions += 1;
            }
            append_indirect(code, ty, table);
            instructions += 3;
        });
    });
    let imports: Vec<_> = imports.into_iter().map(Into::into).collect();
    let instance = module.instantiate(&mut store, &imports);
    let func = func(&store, instance, index);
    assert_eq!(run(&mut store, func, &[rounds]).unwrap(), [rounds]);
    rounds * instructions
}

/// Raises traps of every kind. Returns how many.
fn traps(rounds: u64) -> u64 {
    let mut config = StoreConfig::default();
    config.fuel = Some(1000);
    config.max_call_depth = 50;
    let mut store = PrunedStore::new((), config);
    let (mut module, ty, table) = everything();
    let mut functions: Vec<(u32, TrapCode)> = Vec::new();
    let mut add = |module: &mut Module, code, build: &dyn Fn(&mut FunctionBuilder)| {
        functions.push((module.func(ty, 12, build), code));
    };
    add(&mut module, TrapCode::UnreachableCodeReached, &|code| {
        code.op(Unreachable::Unreachable, &[]);
    });
    add(&mut module, TrapCode::MemoryOutOfBounds, &|code| {
        code.op(Load::F64Load, &[rs(4), imm(-1), Operand::Offset(0)]);
        code.op(Unreachable::Unreachable, &[]);
    });
    add(&mut module, TrapCode::MemoryOutOfBounds, &|code| {
        let operands = [Operand::Memory(0), s(0), s(0), s(0)];
        code.op(CopyValue::IntCopy, &[to(0), imm(40_000)]);
        code.op(MemoryFill::MemoryFill, &operands);
        code.op(Unreachable::Unreachable, &[]);
    });
    add(&mut module, TrapCode::IntegerDivisionByZero, &|code| {
        code.op(IntBinary::I64DivS, &[Operand::R, s(0), imm(0)]);
        code.op(Unreachable::Unreachable, &[]);
    });
    add(&mut module, TrapCode::IndirectCallToNull, &|code| {
        let callee = [imm(7), Operand::FuncTable(table), Operand::Type(ty)];
        let operands = [&callee[..], &frame_at(5, &number())].concat();
        code.op(CallIndirect::CallIndirect, &operands);
        code.op(Unreachable::Unreachable, &[]);
    });
    add(&mut module, TrapCode::TableOutOfBounds, &|code| {
        code.op(CopyValue::IntCopy, &[to(4), imm(8)]);
        code.op(
            TableGet::TableGet,
            &[Operand::R, Operand::Table(table), s(4)],
        );
        code.op(Unreachable::Unreachable, &[]);
    });
    add(&mut module, TrapCode::StackOverflow, &|code| {
        let operands = [&[Operand::DefinedFunc(6)][..], &frame_at(5, &number())].concat();
        code.op(Call::Call, &operands);
        code.op(Unreachable::Unreachable, &[]);
    });
    add(&mut module, TrapCode::OutOfFuel, &|code| {
        code.op(ConsumeFuel::ConsumeFuel, &[Operand::Count(u32::MAX)]);
        code.op(Unreachable::Unreachable, &[]);
    });
    let instance = module.instantiate(&mut store, &[]);
    for _ in 0..rounds {
        for &(index, code) in &functions {
            store.as_mut().set_fuel(1000).unwrap();
            let func = func(&store, instance, index);
            let error = call(store.as_mut(), func, &mut [Cell::ZERO]).unwrap_err();
            assert!(
                matches!(error, CallError::Trap(trap) if trap.code == code),
                "{error}"
            );
        }
    }
    rounds * functions.len() as u64
}

fn on_a_small_stack(work: impl FnOnce() -> u64 + Send + 'static) -> u64 {
    let thread = std::thread::Builder::new().stack_size(NATIVE_STACK);
    thread.spawn(work).unwrap().join().unwrap()
}

/// Rounds for optimised builds, fewer for others.
fn rounds(optimised: u64) -> u64 {
    if cfg!(debug_assertions) {
        optimised / 100
    } else {
        optimised
    }
}

#[test]
fn hundreds_of_millions_of_instructions_take_no_native_stack() {
    let count = on_a_small_stack(|| in_the_loop(rounds(20_000)));
    // Each more often than the native stack has room for return addresses.
    assert!(count >= rounds(30_000_000), "{count} instructions");
}

#[test]
fn leaving_the_loop_takes_no_native_stack() {
    let count = on_a_small_stack(|| out_of_the_loop(rounds(200_000)));
    assert!(count >= rounds(4_000_000), "{count} instructions");
}

#[test]
fn traps_take_no_native_stack() {
    let count = on_a_small_stack(|| traps(rounds(100_000)));
    assert!(count >= rounds(800_000), "{count} traps");
}
