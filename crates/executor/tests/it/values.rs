//! Copies, selections, globals, returns, branches, and what moves several slots.

use crate::support::*;
use damson_executor::ir::*;
use damson_executor::store::shape::{ConstExpr, ConstOp};
use damson_executor::store::{TrapCode, ValType};

const BITS: u64 = 0x8765_4321_fedc_ba98;
const IMM: i32 = -0x1234_5678;

/// How an operation treats the values it moves: their accumulator and width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Int,
    F32,
    F64,
}

impl Class {
    /// The class that the name of an operation tells.
    fn of(opcode: Opcode) -> Self {
        match opcode.op().name().split_once('.') {
            Some(("f32", _)) => Self::F32,
            Some(("f64", _)) => Self::F64,
            _ => Self::Int,
        }
    }

    fn copy(self) -> CopyValue {
        match self {
            Self::Int => CopyValue::IntCopy,
            Self::F32 => CopyValue::F32Copy,
            Self::F64 => CopyValue::F64Copy,
        }
    }

    /// What a cell with these bits holds after it was moved.
    fn moved(self, bits: u64) -> u64 {
        match self {
            Self::F32 => bits & u64::from(u32::MAX),
            _ => bits,
        }
    }

    /// The bits of an immediate.
    fn immediate(self, imm: i32) -> u64 {
        match self {
            Self::Int => i64::from(imm) as u64,
            Self::F32 => u64::from(imm.cast_unsigned()),
            Self::F64 => f64::from(f32::from_bits(imm.cast_unsigned())).to_bits(),
        }
    }
}

fn of_family(family: Family) -> impl Iterator<Item = Opcode> {
    Opcode::all().filter(move |opcode| opcode.family() == family)
}

#[test]
fn copies_in_every_form() {
    for opcode in of_family(Family::CopyValue) {
        let class = Class::of(opcode);
        let &[dst, src] = opcode.form().kinds else {
            panic!("{opcode}")
        };
        // (value) -> (destination slot, accumulator)
        let result = eval((&[I64], &[I64; 2]), 8, &[BITS], |code| {
            code.op(CopyValue::IntCopy, &[to(5), imm(5)]);
            let acc = if src == Kind::Acc { s(0) } else { imm(7) };
            code.op(class.copy(), &[Operand::R, acc]);
            let dst = match dst {
                Kind::R => Operand::R,
                Kind::Rs => rs(5),
                _ => to(5),
            };
            let src = match src {
                Kind::Slot => s(0),
                Kind::Acc => Operand::Acc,
                Kind::Imm => imm(IMM),
                _ => Operand::Imm64(BITS),
            };
            push_opcode(code, opcode, &[dst, src]);
            code.op(class.copy(), &[to(6), Operand::Acc]);
            code.op(
                ReturnSpan::ReturnSpan,
                &[code.linkage(), span(5), Operand::Count(2)],
            );
        });
        let value = if src == Kind::Imm {
            class.immediate(IMM)
        } else {
            class.moved(BITS)
        };
        let before = if src == Kind::Acc {
            class.moved(BITS)
        } else {
            class.immediate(7)
        };
        let slot = if dst == Kind::R { 5 } else { value };
        let acc = if dst == Kind::To { before } else { value };
        assert_eq!(result.unwrap(), [slot, acc], "{opcode}");
    }
}

#[test]
fn selections_in_every_form() {
    let families = [Family::IntSelect, Family::FloatSelect];
    for opcode in families.into_iter().flat_map(of_family) {
        let class = Class::of(opcode);
        let &[dst, cond, lhs, rhs] = opcode.form().kinds else {
            panic!("{opcode}")
        };
        for condition in [0_u64, 1, 0x8000_0000, 0xffff_ffff_0000_0000] {
            // (condition, left, right) -> (destination slot, accumulator)
            let arguments = [condition, BITS, !BITS];
            let result = eval((&[I64; 3], &[I64; 2]), 12, &arguments, |code| {
                code.op(CopyValue::IntCopy, &[to(5), imm(5)]);
                let mut operand = |kind, slot, class: Class, immediate| match kind {
                    Kind::Slot => s(slot),
                    Kind::Imm => imm(immediate),
                    _ => {
                        code.op(class.copy(), &[Operand::R, s(slot)]);
                        Operand::Acc
                    }
                };
                let sources = [
                    operand(cond, 0, Class::Int, 0),
                    operand(lhs, 1, class, IMM),
                    operand(rhs, 2, class, -IMM),
                ];
                let dst = if dst == Kind::R { Operand::R } else { rs(5) };
                push_opcode(code, opcode, &[&[dst][..], &sources].concat());
                code.op(class.copy(), &[to(6), Operand::Acc]);
                code.op(
                    ReturnSpan::ReturnSpan,
                    &[code.linkage(), span(5), Operand::Count(2)],
                );
            });
            let (kind, bits, immediate) = match condition as u32 {
                0 => (rhs, !BITS, -IMM),
                _ => (lhs, BITS, IMM),
            };
            let value = if kind == Kind::Imm {
                class.immediate(immediate)
            } else {
                class.moved(bits)
            };
            let slot = if dst == Kind::R { 5 } else { value };
            assert_eq!(
                result.unwrap()[..2],
                [slot, value],
                "{opcode} if {condition:#x}"
            );
        }
    }
}

#[test]
fn globals_in_every_form() {
    for set in of_family(Family::GlobalSet) {
        for get in of_family(Family::GlobalGet).filter(|get| Class::of(*get) == Class::of(set)) {
            let class = Class::of(set);
            let mut module = Module::default();
            let global = [11, 12, 13].map(|value| module.global(I64, constant(value)))[1];
            let ty = module.ty(&[I64], &[I64; 2]);
            // (value) -> (destination slot, accumulator): the global is set, then read.
            let index = module.func(ty, 8, |code| {
                let src = match set.form().kinds[1] {
                    Kind::Slot => s(0),
                    Kind::Imm => imm(IMM),
                    _ => {
                        code.op(class.copy(), &[Operand::R, s(0)]);
                        Operand::Acc
                    }
                };
                push_opcode(code, set, &[Operand::GlobalMut(global), src]);
                code.op(class.copy(), &[Operand::R, imm(1)]);
                code.op(CopyValue::IntCopy, &[to(5), imm(5)]);
                let dst = if get.form().kinds[0] == Kind::R {
                    Operand::R
                } else {
                    rs(5)
                };
                push_opcode(code, get, &[dst, Operand::Global(global)]);
                code.op(class.copy(), &[to(6), Operand::Acc]);
                code.op(
                    ReturnSpan::ReturnSpan,
                    &[code.linkage(), span(5), Operand::Count(2)],
                );
            });
            let mut store = store();
            let instance = module.instantiate(&mut store, &[]);
            let func = func(&store, instance, index);
            let value = match set.form().kinds[1] {
                Kind::Imm => class.immediate(IMM),
                _ => class.moved(BITS),
            };
            let slot = if get.form().kinds[0] == Kind::R {
                5
            } else {
                value
            };
            assert_eq!(
                run(&mut store, func, &[BITS]).unwrap(),
                [slot, value],
                "{set}, {get}"
            );
        }
    }
}

#[test]
fn an_imported_global_is_shared() {
    use damson_executor::store::Cell;
    use damson_executor::store::shape::{GlobalDecl, Import, ImportType};
    use damson_executor::store::types::{GlobalType, Mutability};
    let mut store = store();
    let ty = GlobalType::new(I64, Mutability::Var);
    let shared = store.as_mut().alloc_global(ty, Cell::new(40_i64));
    let mut module = Module::default();
    let import = Import {
        module: "m".into(),
        name: "g".into(),
        ty: ImportType::Global(ty),
    };
    module.shape.imports = [import].into();
    module.shape.globals = [GlobalDecl { ty, init: None }].into();
    let ty = module.ty(&[], &[]);
    let index = module.func(ty, 3, |code| {
        code.op(GlobalGet::IntGlobalGet, &[Operand::R, Operand::Global(0)]);
        code.op(IntBinary::I64Add, &[Operand::R, Operand::Acc, imm(1)]);
        code.op(
            GlobalSet::IntGlobalSet,
            &[Operand::GlobalMut(0), Operand::Acc],
        );
        code.op(Return::Return, &[code.linkage()]);
    });
    let instances = [(); 2].map(|()| module.clone().instantiate(&mut store, &[shared.into()]));
    for instance in instances {
        let func = func(&store, instance, index);
        run(&mut store, func, &[]).unwrap();
    }
    assert_eq!(
        store.as_ref().global(shared).unwrap().get().get::<i64>(),
        42
    );
}

#[test]
fn returns_of_one_value_in_every_form() {
    for opcode in of_family(Family::ReturnValue) {
        let copies = [CopyValue::IntCopy, CopyValue::F32Copy, CopyValue::F64Copy];
        for (index, copy) in copies.into_iter().enumerate() {
            // The operations of the family stand in the order of the classes.
            let class = [Class::Int, Class::F32, Class::F64][index];
            if opcode.op() != ReturnValue::ALL[index].op() {
                continue;
            }
            let src = opcode.form().kinds[1];
            let mut module = Module::default();
            let ty = module.ty(&[I64], &[I64]);
            let callee = module.func(ty, 4, |code| {
                let src = match src {
                    Kind::Slot => s(0),
                    Kind::Imm => imm(IMM),
                    Kind::Imm64 => Operand::Imm64(BITS),
                    _ => {
                        code.op(copy, &[Operand::R, s(0)]);
                        Operand::Acc
                    }
                };
                push_opcode(code, opcode, &[code.linkage(), src]);
            });
            // The result is in the caller's slot and in the accumulator.
            let two = module.ty(&[I64], &[I64; 2]);
            let signature = module.type_at(ty);
            let caller = module.func(two, 8, |code| {
                code.op(CopyValue::IntCopy, &[to(4), s(0)]);
                let [base, linkage] = frame_at(4, &signature);
                code.op(Call::Call, &[Operand::DefinedFunc(callee), base, linkage]);
                code.op(copy, &[to(5), Operand::Acc]);
                code.op(
                    ReturnSpan::ReturnSpan,
                    &[code.linkage(), span(4), Operand::Count(2)],
                );
            });
            let mut store = store();
            let instance = module.instantiate(&mut store, &[]);
            let value = if src == Kind::Imm {
                class.immediate(IMM)
            } else {
                class.moved(BITS)
            };
            let callee = func(&store, instance, callee);
            assert_eq!(
                run(&mut store, callee, &[BITS]).unwrap(),
                [value],
                "{opcode}"
            );
            let caller = func(&store, instance, caller);
            assert_eq!(
                run(&mut store, caller, &[BITS]).unwrap(),
                [value, value],
                "{opcode}"
            );
        }
    }
}

#[test]
fn spans_are_copied_as_if_through_a_buffer() {
    const LEN: u16 = 12;
    for (dst, src, count) in [
        (0, 0, 12),
        (0, 1, 5),
        (1, 0, 5),
        (0, 6, 6),
        (6, 0, 6),
        (3, 4, 8),
        (4, 3, 8),
        (11, 0, 1),
        (5, 2, 0),
    ] {
        let results = [I64; LEN as usize];
        let base = LEN + 2;
        let result = eval((&[], &results), 40, &[], |code| {
            for slot in 0..LEN {
                code.op(
                    CopyValue::IntCopy,
                    &[to(base + slot), imm(i32::from(slot) + 100)],
                );
            }
            let count = Operand::Count(count);
            code.op(
                CopySpan::CopySpan,
                &[span(base + dst), span(base + src), count],
            );
            code.op(
                ReturnSpan::ReturnSpan,
                &[code.linkage(), span(base), Operand::Count(LEN.into())],
            );
        });
        let mut expected: Vec<u64> = (100..100 + u64::from(LEN)).collect();
        let (src, count) = (usize::from(src), count as usize);
        expected.copy_within(src..src + count, usize::from(dst));
        assert_eq!(result.unwrap(), expected, "{count} from {src} to {dst}");
    }
}

#[test]
fn spans_across_the_linkage() {
    // From above the linkage to results and back: neither touches what lies between.
    let result = eval((&[I64; 3], &[I64; 3]), 12, &[1, 2, 3], |code| {
        code.op(CopySpan::CopySpan, &[span(9), span(0), Operand::Count(3)]);
        code.op(Zero::Zero, &[span(0), Operand::Count(3)]);
        code.op(IntBinary::I64Add, &[rs(9), s(9), s(0)]);
        code.op(CopySpan::CopySpan, &[span(0), span(10), Operand::Count(2)]);
        code.op(CopySpan::CopySpan, &[span(2), span(9), Operand::Count(1)]);
        code.op(Return::Return, &[code.linkage()]);
    });
    assert_eq!(result.unwrap(), [2, 3, 1]);
}

#[test]
fn zero_clears_its_slots_and_no_others() {
    for (first, count) in [(0, 0), (0, 1), (2, 3), (0, 8), (7, 1)] {
        let result = eval((&[], &[I64; 8]), 20, &[], |code| {
            for slot in 0..8 {
                code.op(CopyValue::IntCopy, &[to(slot), imm(1)]);
            }
            code.op(Zero::Zero, &[span(first), Operand::Count(count)]);
            code.op(Return::Return, &[code.linkage()]);
        });
        let cleared = u32::from(first)..u32::from(first) + count;
        let expected: Vec<u64> = (0..8)
            .map(|slot| u64::from(!cleared.contains(&slot)))
            .collect();
        assert_eq!(result.unwrap(), expected);
    }
}

#[test]
fn branch_tables() {
    for opcode in of_family(Family::BrTable) {
        for targets in 1..=5 {
            for index in [
                0,
                1,
                2,
                3,
                4,
                5,
                6,
                1 << 31,
                u64::from(u32::MAX),
                1 << 32,
                u64::MAX,
            ] {
                let result = eval((&[I64], &[I64]), 4, &[index], |code| {
                    let labels: Vec<_> = (0..targets).map(|_| code.new_label()).collect();
                    let operand = if opcode.form().kinds[0] == Kind::Slot {
                        s(0)
                    } else {
                        code.op(CopyValue::IntCopy, &[Operand::R, s(0)]);
                        Operand::Acc
                    };
                    code.push_br_table(operand, &labels).unwrap();
                    for (number, label) in labels.into_iter().enumerate() {
                        code.bind(label);
                        code.op(
                            ReturnValue::IntReturn,
                            &[code.linkage(), imm(number as i32)],
                        );
                    }
                });
                let expected = u64::from((index as u32).min(targets - 1));
                assert_eq!(
                    result.unwrap(),
                    [expected],
                    "{opcode}: {index:#x} of {targets}"
                );
            }
        }
    }
}

#[test]
fn a_loop_goes_back_and_on() {
    // Sum of 1..=n by way of `br` back and `br_if` out.
    let sum = eval((&[I32], &[I64]), 8, &[1000], |code| {
        let (again, done) = (code.new_label(), code.new_label());
        code.op(Zero::Zero, &[span(3), Operand::Count(1)]);
        code.bind(again);
        code.op(IntTest::I32Eqz, &[br_if(done), s(0)]);
        code.op(IntBinary::I64Add, &[rs(3), s(3), s(0)]);
        code.op(IntBinary::I32Sub, &[rs(0), s(0), imm(1)]);
        code.op(Br::Br, &[Operand::Target(again.into())]);
        code.bind(done);
        code.op(ReturnValue::IntReturn, &[code.linkage(), s(3)]);
    });
    assert_eq!(sum.unwrap(), [500_500]);
}

#[test]
fn unreachable_traps() {
    let result = eval((&[], &[]), 2, &[], |code| {
        code.op(Unreachable::Unreachable, &[])
    });
    assert_eq!(trap(result), TrapCode::UnreachableCodeReached);
}

/// The largest possible frame, used to its last slot.
#[test]
fn the_largest_frame() {
    let result = eval((&[I64], &[I64]), 1 << 16, &[BITS], |code| {
        code.op(Zero::Zero, &[span(3), Operand::Count((1 << 16) - 3)]);
        code.op(CopyValue::IntCopy, &[to(u16::MAX), s(0)]);
        code.op(
            CopySpan::CopySpan,
            &[span(3), span(4), Operand::Count((1 << 16) - 4)],
        );
        code.op(ReturnValue::IntReturn, &[code.linkage(), s(u16::MAX - 1)]);
    });
    assert_eq!(result.unwrap(), [BITS]);
}

#[test]
fn a_global_may_start_as_a_function() {
    let mut module = Module::default();
    let init = ConstExpr::new([ConstOp::RefFunc(0)]);
    let global = module.global(ValType::FuncRef, init);
    let ty = module.ty(&[], &[I64; 2]);
    let index = module.func(ty, 6, |code| {
        code.op(GlobalGet::IntGlobalGet, &[rs(0), Operand::Global(global)]);
        code.op(RefFunc::RefFunc, &[rs(1), Operand::Func(0)]);
        code.op(RefFunc::RefFunc, &[Operand::R, Operand::Func(0)]);
        code.op(IntBinary::I64Sub, &[rs(1), s(1), Operand::Acc]);
        code.op(Return::Return, &[code.linkage()]);
    });
    let mut store = store();
    let instance = module.instantiate(&mut store, &[]);
    let func = func(&store, instance, index);
    let reference = store.as_ref().func_ref(func).unwrap().to_bits();
    assert_ne!(reference, 0);
    assert_eq!(run(&mut store, func, &[]).unwrap(), [reference, 0]);
}
