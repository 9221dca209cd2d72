//! The builder.

use crate::support;
use damson_ir::*;

fn acc_eqz(label: Label) -> [Operand; 2] {
    [Operand::BrIf(label.into()), Operand::Acc]
}

/// The targets of the instruction at `at`, as cells.
fn targets(function: &Function, at: usize) -> Vec<i64> {
    let instr = Instr::decode(&function.cells, at).unwrap();
    instr
        .branches()
        .map(|by| at as i64 + i64::from(by))
        .collect()
}

#[test]
fn labels_are_bound_before_and_after_branches() {
    let mut code = FunctionBuilder::new(0, 0);
    let (back, ahead) = (code.new_label(), code.new_label());
    code.push(ConsumeFuel::ConsumeFuel, &[Operand::Count(1)])
        .unwrap();
    code.bind(back);
    let first = code.push(IntTest::I32Eqz, &acc_eqz(ahead)).unwrap();
    let second = code.push(IntTest::I32Nez, &acc_eqz(back)).unwrap();
    let third = code.push(Br::Br, &[Operand::Target(back.into())]).unwrap();
    code.bind(ahead);
    let end = code.push(Return::Return, &[code.linkage()]).unwrap();
    let function = code.finish(2).unwrap();
    assert_eq!(targets(&function, first), [end as i64]);
    assert_eq!(targets(&function, second), [first as i64]);
    assert_eq!(targets(&function, third), [first as i64]);
}

#[test]
fn a_label_bound_again_moves() {
    let mut code = FunctionBuilder::new(0, 0);
    let label = code.new_label();
    code.bind(label);
    let at = code.push(Br::Br, &[Operand::Target(label.into())]).unwrap();
    code.bind(label);
    let end = code.push(Unreachable::Unreachable, &[]).unwrap();
    assert_eq!(targets(&code.finish(2).unwrap(), at), [end as i64]);
}

#[test]
fn a_branch_needs_a_bound_label() {
    let mut code = FunctionBuilder::new(0, 0);
    let (bound, unbound) = (code.new_label(), code.new_label());
    code.bind(bound);
    code.push(Br::Br, &[Operand::Target(bound.into())]).unwrap();
    let at = code.push_br_table(Operand::Acc, &[bound, unbound]).unwrap() as u32;
    let error = code.finish(2).unwrap_err();
    assert_eq!(error, BuildError::UnboundLabel { at, label: 1 });
    assert!(error.to_string().contains("label 1"), "{error}");
}

#[test]
fn a_label_of_another_builder_is_no_panic() {
    let mut other = FunctionBuilder::new(0, 0);
    other.new_label();
    let foreign = other.new_label();
    let mut code = FunctionBuilder::new(0, 0);
    code.bind(foreign);
    code.push(Br::Br, &[Operand::Target(foreign.into())])
        .unwrap();
    assert!(matches!(
        code.finish(2),
        Err(BuildError::UnboundLabel { .. })
    ));
}

/// A sequence is the same, made of its first part and the others or at once.
#[test]
fn joined_instructions_are_the_sequence() {
    for opcode in Opcode::all() {
        let op = opcode.op();
        if !op.shape().is_some_and(Shape::is_sequence) {
            continue;
        }
        let operands = support::operands(opcode, 0);
        let mut at_once = FunctionBuilder::new(0, 0);
        at_once.push(Unreachable::Unreachable, &[]).unwrap();
        at_once.push(op, &operands).unwrap();
        let mut joined = FunctionBuilder::new(0, 0);
        joined.push(Unreachable::Unreachable, &[]).unwrap();
        let first = op.instructions()[0];
        let (own, others) = operands.split_at(first.family().info().operands.len());
        let at = joined.push(first, own).unwrap();
        joined.write(at, opcode, others);
        assert_eq!(joined.finish(64), at_once.finish(64), "{opcode}");
    }
}

#[test]
fn joined_instructions_keep_their_labels_and_offsets() {
    let add = IntBinary::I32Add.op();
    let [sum, copy] = [10, 11].map(|slot| Operand::Rs(Slot(slot)));
    let first = [sum, Operand::Slot(Slot(4)), Operand::Imm(5)];
    let fused = Op::tile(Shape::AddThenBr, &[add, Br::Br.op()]).unwrap();
    let kinds = Kinds::of_operands(&first).and(Kind::Target);
    let opcode = fused.form_of(kinds).unwrap();

    let mut code = FunctionBuilder::new(0, 0);
    let label = code.new_label();
    let at = code.push(add, &first).unwrap();
    code.mark_site(at, 0, 7);
    code.write(at, opcode, &[Operand::Target(label.into())]);
    code.mark_site(at, 1, 8);
    let next = code.position();
    code.mark_offset(9);
    code.mark_offset(10);
    code.push(add, &[copy, Operand::Acc, Operand::Imm(-1)])
        .unwrap();
    code.bind(label);
    let end = code.push(Unreachable::Unreachable, &[]).unwrap();
    let function = code.finish(12).unwrap();
    assert_eq!(targets(&function, at), [end as i64]);
    assert_eq!(function.offsets, [(0, 7), (1, 8), (next as u32, 10)]);
}

#[test]
fn an_operand_is_replaced_where_the_length_stays() {
    let mut code = FunctionBuilder::new(0, 0);
    let slot = |index| Operand::Slot(Slot(index));
    let at = code
        .push(IntBinary::I32Add, &[Operand::R, slot(5), slot(6)])
        .unwrap();
    code.patch_operand(at, 0, Operand::Rs(Slot(9))).unwrap();
    code.patch_operand(at, 2, slot(7)).unwrap();
    let error = code
        .patch_operand(at, 1, Operand::Span(Slot(1)))
        .unwrap_err();
    assert_eq!(error.kinds, [Kind::Rs, Kind::Span, Kind::Slot]);
    // `R` in place of `Rs` leaves the cell count as it is; a wider immediate would not.
    let copy = [Operand::R, Operand::Imm(1)];
    let copy = code.push(CopyValue::IntCopy, &copy).unwrap();
    code.patch_operand(copy, 1, Operand::Imm64(u64::MAX))
        .unwrap();
    code.patch_operand(copy, 0, Operand::Rs(Slot(8)))
        .unwrap_err();
    let function = code.finish(20).unwrap();
    let patched = Instr::decode(&function.cells, at).unwrap();
    assert_eq!(patched.opcode.op(), IntBinary::I32Add.op());
    assert_eq!(
        patched.operands[..],
        [Operand::Rs(Slot(9)), slot(5), slot(7)]
    );
    let copied = Instr::decode(&function.cells, copy).unwrap();
    assert_eq!(copied.operands[..], [Operand::R, Operand::Imm64(u64::MAX)]);
}

#[test]
fn a_branch_target_is_replaced_with_its_label() {
    let mut code = FunctionBuilder::new(0, 0);
    let (old, new) = (code.new_label(), code.new_label());
    let compare = [
        Operand::BrIf(old.into()),
        Operand::Acc,
        Operand::Slot(Slot(5)),
    ];
    let at = code.push(FloatCompare::F32Lt, &compare).unwrap();
    let plain = [Operand::R, Operand::Slot(Slot(4)), Operand::Slot(Slot(5))];
    let fresh = code.push(FloatCompare::F32Lt, &plain).unwrap();
    let last = code.push(Br::Br, &[Operand::Target(new.into())]).unwrap();
    code.patch_operand(at, 0, Operand::BrUnless(new.into()))
        .unwrap();
    code.patch_operand(fresh, 0, Operand::BrIf(new.into()))
        .unwrap();
    code.bind(new);
    code.push(Unreachable::Unreachable, &[]).unwrap();
    // `old` is named no more, so it need not be bound.
    let function = code.finish(20).unwrap();
    let end = function.cells.len() as i64 - 1;
    for branch in [at, fresh, last] {
        assert_eq!(targets(&function, branch), [end], "{branch}");
    }
    assert_eq!(
        Instr::decode(&function.cells, at).unwrap().operands[0].kind(),
        Kind::BrUnless
    );
}

#[test]
fn an_operand_that_is_not_there_is_not_replaced() {
    let mut code = FunctionBuilder::new(0, 0);
    let at = code.push(Unreachable::Unreachable, &[]).unwrap();
    assert!(code.patch_operand(at, 0, Operand::R).is_err());
    assert!(code.patch_operand(at, usize::MAX, Operand::R).is_err());
}

#[test]
fn linkage_stands_after_parameters_or_results() {
    for (params, results, linkage) in [(0, 0, 0), (3, 1, 3), (1, 3, 3), (u16::MAX, 0, u16::MAX)] {
        let code = FunctionBuilder::new(params, results);
        assert_eq!(code.linkage(), Operand::Linkage(Slot(linkage)));
        assert_eq!(code.finish(9).unwrap().linkage(), linkage);
    }
}

/// What is inserted before a loop moves the loop, and nothing else changes.
#[test]
fn an_inserted_instruction_moves_what_follows() {
    let build = |inserted: bool| {
        let mut code = FunctionBuilder::new(1, 0);
        let copy = [Operand::R, Operand::Slot(Slot(0))];
        let (before, end) = (code.new_label(), code.new_label());
        code.push(IntTest::I32Eqz, &acc_eqz(before)).unwrap();
        code.push(IntTest::I32Nez, &acc_eqz(end)).unwrap();
        code.bind(before);
        let start = code.position();
        if !inserted {
            code.push(CopyValue::IntCopy, &copy).unwrap();
        }
        let (again, inside) = (code.new_label(), code.new_label());
        code.bind(again);
        code.mark_offset(7);
        code.push(IntTest::I32Nez, &acc_eqz(inside)).unwrap();
        code.push_br_table(Operand::Acc, &[inside, again, end])
            .unwrap();
        code.bind(inside);
        code.push(Br::Br, &[Operand::Target(again.into())]).unwrap();
        if inserted {
            let cells = code
                .insert(start, again, CopyValue::IntCopy, &copy)
                .unwrap();
            assert_eq!(code.bound_at(before), Some(start));
            assert_eq!(code.bound_at(again), Some(start + cells));
        }
        code.bind(end);
        code.push(Return::Return, &[code.linkage()]).unwrap();
        code.finish(3).unwrap()
    };
    let (expected, found) = (build(false), build(true));
    assert_eq!(found.cells, expected.cells);
    assert_eq!(found.offsets, expected.offsets);
}

/// The instruction at each place of a function, as text.
fn listing(function: &Function) -> Vec<String> {
    let instrs = function.instructions().map(|(_, instr)| instr.unwrap());
    instrs
        .map(|instr| {
            let operands = instr.operands.iter().map(|operand| format!(" {operand}"));
            format!("{}{}", instr.opcode.op(), operands.collect::<String>())
        })
        .collect()
}

#[test]
fn a_branch_to_a_return_returns() {
    let mut code = FunctionBuilder::new(0, 1);
    let (ints, floats) = (code.new_label(), code.new_label());
    let shapes = Op::tile(Shape::CopyThenBr, &[CopyValue::IntCopy.op(), Br::Br.op()]);
    let copy_and_branch = shapes.unwrap();
    let to = |label: Label| Operand::Target(label.into());
    let value = Slot(4);
    let mut push = |from: Operand, to_slot: Slot, label: Label| {
        code.push(copy_and_branch, &[Operand::To(to_slot), from, to(label)])
            .unwrap();
    };
    push(Operand::Slot(Slot(3)), value, ints);
    push(Operand::Acc, value, ints);
    push(Operand::Slot(Slot(3)), value, floats);
    // The accumulator of integers is not what a float is returned from; what is returned is
    // another slot; the return of a constant is longer.
    push(Operand::Acc, value, floats);
    push(Operand::Slot(Slot(3)), Slot(5), ints);
    code.push(Br::Br, &[to(floats)]).unwrap();
    code.bind(ints);
    code.push(
        ReturnValue::IntReturn,
        &[code.linkage(), Operand::Slot(value)],
    )
    .unwrap();
    code.bind(floats);
    code.push(
        ReturnValue::F64Return,
        &[code.linkage(), Operand::Slot(value)],
    )
    .unwrap();
    // Behind it: a branch backwards.
    code.push(Br::Br, &[to(ints)]).unwrap();
    let listed = listing(&code.build(6).unwrap());
    assert_eq!(
        listed,
        [
            "return link r1 r3",
            "return link r1 acc",
            "f64.return link r1 r3",
            "copy;br r4 acc +8",
            "copy;br r5 r3 +4",
            "f64.return link r1 r4",
            "return link r1 r4",
            "f64.return link r1 r4",
            "return link r1 r4",
        ]
    );
    // The builder knows of what it has changed.
    assert_eq!(listing(&code.finish(6).unwrap()), listed);
}

#[test]
fn a_label_that_is_missing_changes_nothing() {
    let mut code = FunctionBuilder::new(0, 0);
    let (first, second) = (code.new_label(), code.new_label());
    code.push(Br::Br, &[Operand::Target(first.into())]).unwrap();
    code.push(IntTest::I32Eqz, &acc_eqz(second)).unwrap();
    code.bind(first);
    code.push(Return::Return, &[code.linkage()]).unwrap();
    let error = code.build(2).unwrap_err();
    assert!(
        matches!(error, BuildError::UnboundLabel { at: 2, .. }),
        "{error}"
    );
    code.bind(second);
    code.push(Unreachable::Unreachable, &[]).unwrap();
    let expected = [
        "return link r0",
        "i32.eqz if +4 acc",
        "return link r0",
        "unreachable",
    ];
    assert_eq!(listing(&code.build(2).unwrap()), expected);
    assert_eq!(listing(&code.build(2).unwrap()), expected);
}
