//! What the table promises of itself.

use damson_ir::*;
use std::collections::{HashMap, HashSet};

#[test]
fn opcodes_are_numbered_without_gaps() {
    let mut next = 0;
    for family in &FAMILIES {
        assert_eq!(usize::from(family.first), next, "{}", family.name);
        next += family.ops.len() * family.forms.len();
    }
    assert_eq!(next, Opcode::COUNT);
    assert_eq!(Opcode::all().count(), Opcode::COUNT);
    for (number, opcode) in Opcode::all().enumerate() {
        assert_eq!(opcode.number(), number);
        assert_eq!(Opcode::new(number), Some(opcode));
        assert_eq!(
            opcode.op().form(opcode.form().kinds),
            Some(opcode),
            "{opcode}"
        );
        assert_eq!(opcode.op().family(), opcode.family());
    }
    for number in [Opcode::COUNT, 0xffff, 0x1_0000, usize::MAX] {
        assert_eq!(Opcode::new(number), None);
    }
}

#[test]
fn families_are_complete_and_without_duplicates() {
    for info in &FAMILIES {
        let name = info.name;
        assert!(info.ops.len() > 0 && !info.forms.is_empty(), "{name}");
        match &info.ops {
            Ops::Single(names) => {
                let unique: HashSet<_> = names.iter().collect();
                assert_eq!(unique.len(), names.len(), "operations of {name}");
            }
            Ops::Tiles { parts, .. } => {
                assert!(parts.len() > 1 && parts.len() <= MAX_PARTS, "{name}");
                for part in *parts {
                    let unique: HashSet<_> = part.iter().collect();
                    assert_eq!(unique.len(), part.len(), "operations of {name}");
                    assert!(part.iter().all(|op| op.shape().is_none()), "{name}");
                }
            }
        }
        let forms: HashSet<_> = info.forms.iter().map(|form| form.kinds).collect();
        assert_eq!(forms.len(), info.forms.len(), "forms of {name}");
        for form in info.forms {
            assert_eq!(form.kinds.len(), info.operands.len(), "{name}: {form:?}");
        }
    }
}

#[test]
fn a_destination_comes_first_and_comes_once() {
    use Kind::{BrIf, BrUnless, R, Rs, To};
    for opcode in Opcode::all() {
        let firsts: Vec<usize> = opcode
            .op()
            .instructions()
            .iter()
            .scan(0, |next, instruction| {
                let first = *next;
                *next += instruction.family().info().operands.len();
                Some(first)
            })
            .collect();
        for (index, kind) in opcode.form().kinds.iter().enumerate() {
            let destination = matches!(kind, R | Rs | To | BrIf | BrUnless);
            assert!(!destination || firsts.contains(&index), "{opcode}");
        }
    }
}

#[test]
fn a_tile_is_found_by_its_shape_and_its_parts() {
    let mut tiles = 0;
    for op in Opcode::all().map(Opcode::op) {
        let parts = op.parts();
        match op.shape() {
            Some(shape) => {
                assert_eq!(Op::tile(shape, &parts), Some(op), "{op}");
                assert_eq!(Op::tile(shape, &parts[1..]), None, "{op}");
                tiles += 1;
            }
            None => assert_eq!(parts[..], [op]),
        }
    }
    assert!(tiles > if IS_COMPACT { 100 } else { 1_000 }, "{tiles}");
    let (add, load) = (IntBinary::I32Add.op(), Load::I32Load.op());
    assert!(Op::tile(Shape::BinLoad, &[add, load]).is_some());
    assert_eq!(Op::tile(Shape::BinLoad, &[load, add]), None);
    let tile = Op::tile(Shape::BinBin, &[add, add]).unwrap();
    assert_eq!(
        Op::tile(Shape::BinBin, &[add, tile]),
        None,
        "parts are single"
    );
}

/// A sequence is verified by verifying its instructions, so its operands must be theirs. Only
/// its first and its last one may leave it.
#[test]
fn the_forms_of_a_sequence_are_forms_of_its_instructions() {
    for opcode in Opcode::all() {
        let op = opcode.op();
        if !op.shape().is_some_and(Shape::is_sequence) {
            continue;
        }
        let instructions = op.instructions();
        let mut kinds = opcode.form().kinds;
        for (index, instruction) in instructions.iter().enumerate() {
            let (own, rest) = kinds.split_at(instruction.family().info().operands.len());
            assert!(instruction.form(own).is_some(), "{opcode}");
            kinds = rest;
            let inside = index > 0 && index + 1 < instructions.len();
            assert!(!inside || !own.contains(&Kind::BrIf), "{opcode}");
            let ends = matches!(
                instruction.family(),
                Family::Br | Family::Return | Family::ReturnValue | Family::Call
            );
            assert!(!ends || index + 1 == instructions.len(), "{opcode}");
        }
        assert!(kinds.is_empty(), "{opcode}");
        let parts = instructions
            .iter()
            .flat_map(|instruction| instruction.parts());
        assert!(parts.eq(op.parts()), "{opcode}");
    }
}

/// Each operation that can trap has a cell of its own, see `FunctionBuilder::mark_site`.
#[test]
fn a_tile_has_a_cell_for_each_operation_that_can_trap() {
    for opcode in Opcode::all() {
        let accesses = opcode.form().kinds.iter();
        let accesses = accesses.filter(|kind| matches!(kind, Kind::Offset | Kind::MemOffset));
        assert!(accesses.count() <= opcode.cells(), "{opcode}");
    }
}

#[test]
fn what_follows_from_other_operands_stands_where_the_verifier_looks() {
    for opcode in Opcode::all() {
        let kinds = opcode.form().kinds;
        let has = |kind| kinds.contains(&kind);
        // A call names its callee, the base and the callee's linkage, in this order.
        assert_eq!(has(Kind::Base), has(Kind::CalleeLinkage), "{opcode}");
        if has(Kind::Base) {
            assert_eq!(
                kinds[kinds.len() - 2..],
                [Kind::Base, Kind::CalleeLinkage],
                "{opcode}"
            );
        }
        // Spans are followed by their count, at most with another span between.
        for (index, _) in kinds
            .iter()
            .enumerate()
            .filter(|(_, kind)| **kind == Kind::Span)
        {
            let after = kinds[index + 1..].iter().find(|kind| **kind != Kind::Span);
            assert_eq!(after, Some(&Kind::Count), "{opcode}");
        }
        // Targets of a table follow the last operand.
        if has(Kind::Targets) {
            assert_eq!(kinds.last(), Some(&Kind::Targets), "{opcode}");
        }
    }
}

#[test]
fn names_of_operations_are_those_of_the_wasm_text_format() {
    // An operation of another family may have the same name only if it does the same.
    let mut families: HashMap<&str, Vec<&str>> = HashMap::new();
    for info in &FAMILIES {
        if let Ops::Single(names) = info.ops {
            for name in names {
                families.entry(name).or_default().push(info.name);
            }
        }
    }
    families.retain(|_, families| families.len() > 1);
    assert_eq!(
        families,
        HashMap::from([("return", vec!["Return", "ReturnValue"])])
    );
}
