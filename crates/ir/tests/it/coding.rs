//! Encoder, decoder and disassembler.

use crate::support::*;
use damson_ir::*;
use std::collections::HashSet;

#[test]
fn every_opcode_is_encoded_decoded_and_printed() {
    let mut printed = HashSet::new();
    for opcode in Opcode::all() {
        let given = operands(opcode, cells(opcode, &operands(opcode, 0)) as i32);
        let function = valid(opcode);
        let instr = Instr::decode(&function.cells, 0).unwrap();
        assert_eq!(instr.opcode, opcode, "{opcode}");
        assert_eq!(&instr.operands[..], &given[..], "{opcode}");
        assert_eq!(instr.cells(), cells(opcode, &given), "{opcode}");
        // The next instruction starts right after it, and nothing follows that one.
        let next = Instr::decode(&function.cells, instr.cells()).unwrap();
        assert_eq!(next.opcode, unreachable(), "{opcode}");
        assert_eq!(function.cells.len(), instr.cells() + 1, "{opcode}");
        let text = instr.display(0).to_string();
        assert!(text.starts_with(opcode.op().name()), "{opcode}: {text}");
        // Every slot, index and number is in the text.
        for operand in &given {
            match operand {
                Operand::Rs(slot) | Operand::To(slot) | Operand::Slot(slot) => {
                    assert!(text.contains(&slot.to_string()), "{opcode}: {text}");
                }
                Operand::Imm(value) => assert!(text.contains(&value.to_string()), "{text}"),
                Operand::Func(index) | Operand::DefinedFunc(index) => {
                    assert!(text.contains(&format!("func{index}")), "{text}");
                }
                _ => {}
            }
        }
        printed.insert(format!("{opcode}"));
    }
    // The full name of an opcode leaves no doubt, except where integers and references have
    // the Wasm name of an operation that takes more forms in another family.
    assert!(printed.len() + 8 > Opcode::COUNT, "{} names", printed.len());
}

#[test]
fn operands_keep_their_widest_values() {
    let extremes = [
        Operand::Rs(Slot(u16::MAX)),
        Operand::To(Slot(u16::MAX)),
        Operand::Slot(Slot(u16::MAX)),
        Operand::Imm(i32::MIN),
        Operand::Imm64(u64::MAX),
        Operand::Offset(u32::MAX),
        Operand::MemOffset(u32::MAX, u32::MAX - 1),
        Operand::BrIf(Target::By(i32::MIN)),
        Operand::BrUnless(Target::By(i32::MAX)),
        Operand::Target(Target::By(-1)),
        Operand::Func(u32::MAX),
        Operand::DefinedFunc(u32::MAX),
        Operand::ImportedFunc(u32::MAX),
        Operand::Type(u32::MAX),
        Operand::Memory(u32::MAX),
        Operand::Table(u32::MAX),
        Operand::FuncTable(u32::MAX),
        Operand::Global(u32::MAX),
        Operand::GlobalMut(u32::MAX),
        Operand::Data(u32::MAX),
        Operand::Elem(u32::MAX),
        Operand::Base(Slot(u16::MAX)),
        Operand::Span(Slot(u16::MAX)),
        Operand::Linkage(Slot(u16::MAX)),
        Operand::CalleeLinkage(Slot(u16::MAX)),
        Operand::TailLinkage(Slot(u16::MAX)),
        Operand::Count(u32::MAX),
    ];
    let mut seen = HashSet::new();
    for opcode in Opcode::all() {
        let mut wide = operands(opcode, 0);
        for operand in &mut wide {
            if let Some(extreme) = extremes
                .iter()
                .find(|extreme| extreme.kind() == operand.kind())
            {
                *operand = *extreme;
                seen.insert(extreme.kind());
            }
        }
        let mut code = Vec::new();
        append(&mut code, opcode, &wide, -1);
        // What one operand holds does not reach into its neighbours.
        let instr = Instr::decode(&code, 0).unwrap();
        assert_eq!(&instr.operands[..], &wide[..], "{opcode}");
    }
    let unused = |kind| !Opcode::all().any(|opcode| opcode.form().kinds.contains(&kind));
    for extreme in extremes {
        assert!(
            seen.contains(&extreme.kind()) || unused(extreme.kind()),
            "{extreme:?}"
        );
    }
}

#[test]
fn a_kind_takes_as_many_bytes_as_it_says() {
    for opcode in Opcode::all() {
        let bytes: usize = opcode.form().kinds.iter().map(|kind| kind.bytes()).sum();
        assert_eq!(opcode.form().bytes(), bytes);
        assert_eq!(opcode.cells(), 1 + bytes.div_ceil(8), "{opcode}");
    }
}

#[test]
fn a_br_table_keeps_its_targets() {
    let mut code = FunctionBuilder::new(0, 0);
    let labels: Vec<_> = (0..5).map(|_| code.new_label()).collect();
    let at = code.push_br_table(Operand::Acc, &labels).unwrap();
    let mut bound = Vec::new();
    for &label in &labels {
        code.bind(label);
        bound.push(code.position() as i32);
        code.push(Unreachable::Unreachable, &[]).unwrap();
    }
    let function = code.finish(2).unwrap();
    let instr = Instr::decode(&function.cells, at).unwrap();
    assert_eq!(instr.cells(), 2 + 3, "five targets take three cells");
    assert_eq!(instr.targets().collect::<Vec<_>>(), bound);
    assert_eq!(instr.branches().collect::<Vec<_>>(), bound);
    assert!(instr.is_terminator());
}

#[test]
fn cells_that_are_no_instruction_are_refused() {
    let none = DecodeError::NoSuchOpcode {
        found: Opcode::COUNT as u64,
    };
    assert_eq!(Instr::decode(&[Opcode::COUNT as u64], 0).unwrap_err(), none);
    let huge = DecodeError::NoSuchOpcode { found: u64::MAX };
    assert_eq!(Instr::decode(&[u64::MAX], 0).unwrap_err(), huge);
    let past = DecodeError::Truncated {
        expected: 1,
        found: 0,
    };
    assert_eq!(Instr::decode(&[], 0).unwrap_err(), past);
    assert_eq!(Instr::decode(&[0], 7).unwrap_err(), past);
    for opcode in Opcode::all().filter(|opcode| opcode.cells() > 1) {
        let mut code = valid(opcode).cells;
        // The instruction itself, one cell short.
        code.truncate(code.len() - 2);
        let expected = cells(opcode, &operands(opcode, 0));
        let error = DecodeError::Truncated {
            expected,
            found: expected - 1,
        };
        assert_eq!(Instr::decode(&code, 0).unwrap_err(), error, "{opcode}");
        assert!(error.to_string().contains(&expected.to_string()), "{error}");
    }
}

#[test]
fn a_form_that_the_table_lacks_is_refused() {
    let mut code = Vec::new();
    let error = encode(
        IntBinary::I32Add,
        &[Operand::R, Operand::Acc, Operand::Acc],
        &mut code,
    );
    let error = error.unwrap_err();
    assert_eq!(error.op, IntBinary::I32Add.op());
    assert_eq!(error.kinds, [Kind::R, Kind::Acc, Kind::Acc]);
    assert!(error.to_string().contains("i32.add"), "{error}");
    assert!(code.is_empty(), "nothing is written");
    // As many operands as one likes are an error, not a panic.
    for len in [0, 1, 2, 4, 8, 9, 11, 100] {
        assert!(encode(IntBinary::I32Add, &vec![Operand::Acc; len], &mut code).is_err());
        assert_eq!(IntBinary::I32Add.op().form(&vec![Kind::Acc; len]), None);
    }
}

#[test]
fn a_function_as_text() {
    // fn(n) -> sum of 1..=n, with a call, a load and a table to see their operands.
    let mut code = FunctionBuilder::new(1, 1);
    let (again, done) = (code.new_label(), code.new_label());
    code.push(Zero::Zero, &[Operand::Span(Slot(3)), Operand::Count(2)])
        .unwrap();
    code.bind(again);
    code.push(ConsumeFuel::ConsumeFuel, &[Operand::Count(6)])
        .unwrap();
    let slot = |index| Operand::Slot(Slot(index));
    code.push(IntTest::I32Eqz, &[Operand::BrIf(done.into()), slot(0)])
        .unwrap();
    code.push(IntBinary::I64Add, &[Operand::Rs(Slot(3)), slot(3), slot(0)])
        .unwrap();
    code.push(
        IntBinary::I32Sub,
        &[Operand::Rs(Slot(0)), slot(0), Operand::Imm(1)],
    )
    .unwrap();
    let at = Operand::MemOffset(1, 16);
    code.push(Load::I64Load32U, &[Operand::R, Operand::Acc, at])
        .unwrap();
    code.push(
        CopyValue::F64Copy,
        &[Operand::To(Slot(4)), Operand::Imm64(0x3ff0 << 48)],
    )
    .unwrap();
    let call = [
        Operand::DefinedFunc(7),
        Operand::Base(Slot(5)),
        Operand::CalleeLinkage(Slot(6)),
    ];
    code.push(Call::Call, &call).unwrap();
    code.push_br_table(Operand::Slot(Slot(0)), &[again, done, done])
        .unwrap();
    code.bind(done);
    code.push(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc])
        .unwrap();
    let mut function = code.finish(8).unwrap();
    function.cells.push(u64::MAX);
    let expected = "\
params 1 results 1 frame 8
    0  zero r3.., count 2
    2  consume_fuel amount 6
    4  i32.eqz if -> 21, r0
    6  i64.add acc+r3, r3, r0
    8  i32.sub acc+r0, r0, 1
   10  i64.load32_u acc, acc, mem1+16
   12  f64.copy r4, 0x3ff0000000000000
   15  call func7, base r5, callee link r6
   17  br_table r0, [2 21 21]
   21  return link r1, acc
";
    let error = "<no opcode 0xffffffffffffffff; there are ";
    let text = function.to_string();
    let (code, last) = text.split_at(text.rfind(error).unwrap() - 7);
    assert_eq!(code, expected);
    assert!(last.starts_with("   23  "), "{last}");
}

#[test]
fn targets_and_functions_are_changed_where_they_are() {
    let target = |operand: &mut Operand| match operand {
        Operand::BrIf(target) | Operand::BrUnless(target) | Operand::Target(target) => {
            *target = Target::By(1234);
        }
        Operand::DefinedFunc(index) => *index += 77,
        _ => {}
    };
    let (mut branches, mut calls) = (0, 0);
    for opcode in Opcode::all() {
        let before = valid(opcode);
        let mut cells = before.cells.clone();
        let old: Vec<i32> = Instr::decode(&cells, 0).unwrap().branches().collect();
        let mut seen = Vec::new();
        map_targets(&mut cells, 0, |by| {
            seen.push(by);
            1234
        })
        .unwrap();
        assert_eq!(seen, old, "{opcode}");
        map_defined_func(&mut cells, 0, |index| {
            calls += 1;
            index + 77
        })
        .unwrap();
        branches += seen.len();
        // Nothing else is different.
        let mut expected = Instr::decode(&before.cells, 0).unwrap().operands;
        expected.iter_mut().for_each(target);
        let after = Instr::decode(&cells, 0).unwrap();
        assert_eq!(after.operands, expected, "{opcode}");
        assert!(after.branches().all(|by| by == 1234), "{opcode}");
        assert_eq!(cells.len(), before.cells.len());
    }
    assert!(branches > 100 && calls > 1, "{branches} {calls}");
    assert!(map_targets(&mut [], 0, |by| by).is_err());
    assert!(map_defined_func(&mut [u64::MAX], 0, |index| index).is_err());
}
