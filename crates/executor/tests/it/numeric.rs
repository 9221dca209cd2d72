//! Every numeric instruction in every form, against the function that the table names.

use crate::support::*;
use damson_executor::ir::*;
use damson_executor::store::{Cell, TrapCode, num};
use std::collections::HashMap;

/// What the table says about an operation.
#[derive(Clone, Copy)]
struct Numeric {
    /// Types of the operands.
    operands: [Class; 2],
    /// Type of the result.
    result: Class,
    /// The bits of the result for those of the operands.
    apply: fn(u64, u64) -> Result<u64, TrapCode>,
}

/// Which accumulator holds a value, and how wide it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(non_camel_case_types, reason = "named as in the table")]
enum Class {
    i32,
    i64,
    f32,
    f64,
    bool,
}

/// A value, or a value or a trap, as bits.
trait Outcome {
    fn outcome(self) -> Result<u64, TrapCode>;
}

macro_rules! impl_outcome {
    ($($ty:ty)*) => {$(
        impl Outcome for $ty {
            fn outcome(self) -> Result<u64, TrapCode> {
                Ok(Cell::new(self).to_bits())
            }
        }
        impl Outcome for Result<$ty, TrapCode> {
            fn outcome(self) -> Result<u64, TrapCode> {
                self.map(|value| Cell::new(value).to_bits())
            }
        }
    )*};
}

impl_outcome!(i32 i64 f32 f64 bool);

macro_rules! numeric {
    ($map:ident $op:expr, [$function:ident: $lhs:ident, $rhs:ident -> $out:ident]) => {
        $map.insert(
            $op,
            Numeric {
                operands: [Class::$lhs, Class::$rhs],
                result: Class::$out,
                apply: |lhs, rhs| {
                    num::$function(Cell::from_bits(lhs).get(), Cell::from_bits(rhs).get()).outcome()
                },
            },
        );
    };
    ($map:ident $op:expr, [$function:ident: $in:ident -> $out:ident]) => {
        $map.insert(
            $op,
            Numeric {
                operands: [Class::$in; 2],
                result: Class::$out,
                apply: |value, _| num::$function(Cell::from_bits(value).get()).outcome(),
            },
        );
    };
    ($map:ident $op:expr, $other:tt) => {};
}

fn numeric() -> HashMap<Op, Numeric> {
    let mut map = HashMap::new();
    macro_rules! collect {
        ($( $(#[$family_doc:meta])* $Family:ident {
            ops { $( $(#[$op_doc:meta])* $Op:ident $name:literal $semantics:tt, )* }
            operands $names:tt
            forms $forms:tt
        } )*) => {$($(
            numeric!(map $Family::$Op.op(), $semantics);
        )*)*};
    }
    damson_executor::ir::instruction_table!(collect);
    map
}

/// Bits of interesting values. Narrow values have noise above them, which must not matter.
fn edges(class: Class) -> Vec<u64> {
    const NOISE: u64 = 0xdead_beef_0000_0000;
    let narrow = |bits: u32| NOISE | u64::from(bits);
    match class {
        Class::i32 | Class::bool => [
            0,
            1,
            2,
            31,
            33,
            0x7fff_ffff,
            0x8000_0000,
            0xffff_fff9,
            u32::MAX,
        ]
        .map(narrow)
        .into(),
        Class::i64 => [
            0,
            1,
            2,
            63,
            65,
            1 << 32,
            i64::MAX as u64,
            1 << 63,
            -7_i64 as u64,
            u64::MAX,
        ]
        .into(),
        Class::f32 => [
            0.0,
            -0.0,
            1.5,
            -2.5,
            3e9,
            -1e30,
            f32::INFINITY,
            f32::MIN_POSITIVE,
            f32::NAN,
        ]
        .map(|value: f32| narrow(value.to_bits()))
        .into(),
        Class::f64 => [
            0.0,
            -0.0,
            1.5,
            -2.5,
            3e9,
            -1e300,
            f64::INFINITY,
            f64::MIN_POSITIVE,
            f64::NAN,
        ]
        .map(f64::to_bits)
        .into(),
    }
}

/// Immediates, and what they mean to an operand.
fn immediates(class: Class) -> Vec<(i32, u64)> {
    let floats =
        || [0.0, -0.0, 1.5, -2.5, f32::INFINITY, f32::NAN].map(|value: f32| value.to_bits());
    match class {
        Class::i32 | Class::bool => [0, 1, -1, 33, i32::MIN, i32::MAX]
            .map(|imm| (imm, u64::from(imm as u32)))
            .into(),
        Class::i64 => [0, 1, -1, 65, i32::MIN, i32::MAX]
            .map(|imm| (imm, i64::from(imm) as u64))
            .into(),
        Class::f32 => floats().map(|bits| (bits as i32, u64::from(bits))).into(),
        Class::f64 => floats()
            .map(|bits| (bits as i32, f64::from(f32::from_bits(bits)).to_bits()))
            .into(),
    }
}

fn copy_of(class: Class) -> CopyValue {
    match class {
        Class::i32 | Class::i64 | Class::bool => CopyValue::IntCopy,
        Class::f32 => CopyValue::F32Copy,
        Class::f64 => CopyValue::F64Copy,
    }
}

/// Slot of an `Rs` destination, and where a copy of the accumulator goes.
const RESULT: u16 = 6;
const COPY: u16 = 7;
/// What is in [`RESULT`] unless the instruction writes it.
const UNTOUCHED: i32 = 0x5a5a;

/// A function (a, b) -> (slot, accumulator) that executes the instruction once; the operands
/// are a and b, or the immediate. A branch gives (1, 1) if taken, else (0, 0).
fn add_function(module: &mut Module, ty: u32, opcode: Opcode, op: Numeric, immediate: i32) -> u32 {
    module.func(ty, 8, |code| {
        code.op(CopyValue::IntCopy, &[to(RESULT), imm(UNTOUCHED)]);
        let taken = code.new_label();
        let kinds = opcode.form().kinds;
        let mut operands = vec![match kinds[0] {
            Kind::R => Operand::R,
            Kind::Rs => rs(RESULT),
            Kind::BrIf => br_if(taken),
            Kind::BrUnless => Operand::BrUnless(taken.into()),
            other => panic!("{opcode}: {other:?} as a destination"),
        }];
        for (index, kind) in kinds[1..].iter().enumerate() {
            operands.push(match kind {
                Kind::Slot => s(index as u16),
                Kind::Imm => imm(immediate),
                Kind::Acc => {
                    code.op(copy_of(op.operands[index]), &[Operand::R, s(index as u16)]);
                    Operand::Acc
                }
                other => panic!("{opcode}: {other:?} as a source"),
            });
        }
        push_opcode(code, opcode, &operands);
        match kinds[0] {
            Kind::BrIf | Kind::BrUnless => {
                for (value, end) in [(0, false), (1, true)] {
                    if end {
                        code.bind(taken);
                    }
                    code.op(CopyValue::IntCopy, &[to(RESULT), imm(value)]);
                    code.op(CopyValue::IntCopy, &[to(COPY), imm(value)]);
                    code.op(
                        ReturnSpan::ReturnSpan,
                        &[code.linkage(), span(RESULT), Operand::Count(2)],
                    );
                }
            }
            _ => {
                code.op(copy_of(op.result), &[to(COPY), Operand::Acc]);
                code.op(
                    ReturnSpan::ReturnSpan,
                    &[code.linkage(), span(RESULT), Operand::Count(2)],
                );
            }
        }
    })
}

/// Whether two results agree: all NaNs are equal where the specification leaves their payload
/// open.
fn agree(opcode: Opcode, class: Class, found: u64, expected: u64) -> bool {
    let exact = ["abs", "neg", "copysign", "reinterpret"];
    let open = !exact.iter().any(|name| opcode.op().name().contains(name));
    let nan = |bits: u64| match class {
        Class::f32 => bits >> 32 == 0 && f32::from_bits(bits as u32).is_nan(),
        Class::f64 => f64::from_bits(bits).is_nan(),
        _ => false,
    };
    found == expected || open && nan(found) && nan(expected)
}

#[test]
fn every_numeric_instruction_in_every_form() {
    let table = numeric();
    let mut module = Module::default();
    let ty = module.ty(&[I64, I64], &[I64, I64]);
    let mut cases = Vec::new();
    for opcode in Opcode::all() {
        let Some(&op) = table.get(&opcode.op()) else {
            continue;
        };
        let sources = &opcode.form().kinds[1..];
        let place = sources.iter().position(|kind| *kind == Kind::Imm);
        match place {
            Some(place) => {
                for (immediate, value) in immediates(op.operands[place]) {
                    let index = add_function(&mut module, ty, opcode, op, immediate);
                    cases.push((opcode, op, index, Some((place, value))));
                }
            }
            None => cases.push((
                opcode,
                op,
                add_function(&mut module, ty, opcode, op, 0),
                None,
            )),
        }
    }
    let mut store = store();
    let instance = module.instantiate(&mut store, &[]);
    let mut traps = 0;
    for (opcode, op, index, immediate) in cases {
        let func = func(&store, instance, index);
        let mut choices = op.operands.map(edges);
        if let Some((place, value)) = immediate {
            choices[place] = vec![value];
        } else if opcode.form().kinds.len() == 2 {
            choices[1] = vec![0];
        }
        for &lhs in &choices[0] {
            for &rhs in &choices[1] {
                let what = || format!("{opcode} of {lhs:#x} and {rhs:#x}");
                let found = run(&mut store, func, &[lhs, rhs]);
                let expected = match (op.apply)(lhs, rhs) {
                    Ok(expected) => expected,
                    Err(code) => {
                        assert_eq!(trap(found), code, "{}", what());
                        traps += 1;
                        continue;
                    }
                };
                let found = found.unwrap();
                let (slot, acc) = match opcode.form().kinds[0] {
                    Kind::R => (UNTOUCHED as u64, expected),
                    Kind::BrUnless => (expected ^ 1, expected ^ 1),
                    _ => (expected, expected),
                };
                let class = op.result;
                assert!(
                    agree(opcode, class, found[0], slot),
                    "{}: slot {:#x}, not {slot:#x}",
                    what(),
                    found[0]
                );
                assert!(
                    agree(opcode, class, found[1], acc),
                    "{}: acc {:#x}, not {acc:#x}",
                    what(),
                    found[1]
                );
            }
        }
    }
    assert!(traps > 1000, "{traps} traps");
    let all = [
        Family::IntBinary,
        Family::FloatBinary,
        Family::IntCompare,
        Family::FloatCompare,
        Family::IntTest,
        Family::Unary,
    ];
    let ops: usize = all.iter().map(|family| family.info().ops.len()).sum();
    assert_eq!(table.len(), ops, "operations with a function");
}

#[test]
fn an_instruction_leaves_the_other_accumulators_alone() {
    // The three accumulators hold a value each; an instruction writes that of its result only.
    for (class, value) in [(Class::i64, 11), (Class::f32, 12), (Class::f64, 13)] {
        let result = eval((&[], &[I64; 3]), 16, &[], |code| {
            code.op(CopyValue::IntCopy, &[Operand::R, Operand::Imm64(1)]);
            code.op(CopyValue::F32Copy, &[Operand::R, Operand::Imm64(2)]);
            code.op(CopyValue::F64Copy, &[Operand::R, Operand::Imm64(3)]);
            code.op(copy_of(class), &[Operand::R, Operand::Imm64(value)]);
            // None of these changes an accumulator.
            code.op(CopyValue::IntCopy, &[to(15), imm(4)]);
            code.op(CopyValue::F32Copy, &[to(14), imm(4)]);
            code.op(CopyValue::F64Copy, &[to(13), imm(4)]);
            code.op(Zero::Zero, &[span(12), Operand::Count(3)]);
            code.op(CopySpan::CopySpan, &[span(11), span(12), Operand::Count(3)]);
            for (index, copy) in CopyValue::ALL.iter().enumerate() {
                code.op(*copy, &[to(index as u16), Operand::Acc]);
            }
            code.op(Return::Return, &[code.linkage()]);
        });
        let mut expected = [1, 2, 3];
        expected[[Class::i64, Class::f32, Class::f64]
            .iter()
            .position(|&c| c == class)
            .unwrap()] = value;
        assert_eq!(result.unwrap(), expected, "{class:?}");
    }
}
