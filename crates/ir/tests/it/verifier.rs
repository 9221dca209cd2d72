//! The verifier: each condition with a function that breaks it and a neighbour that does not.

use crate::support::*;
use damson_core::shape::ModuleShape;
use damson_core::types::RefType;
use damson_core::{FuncType, ValType};
use damson_ir::*;
use std::sync::Arc;

fn verify(function: Function) -> Result<Verified, VerifyErrorKind> {
    function.verify(&shape(), FUNC).map_err(|error| {
        assert_eq!(error.func_index, FUNC);
        assert!(
            error.to_string().starts_with("function 2, cell "),
            "{error}"
        );
        error.kind
    })
}

/// The verdict on one instruction.
fn verdict(opcode: Opcode, operands: &[Operand]) -> Result<(), VerifyErrorKind> {
    verify(function(opcode, operands)).map(drop)
}

fn is_index(kind: &VerifyErrorKind, index: u32) -> bool {
    matches!(kind, VerifyErrorKind::Index { index: found, .. } if *found == index)
}

#[test]
fn every_opcode_is_accepted_with_valid_operands() {
    let shape = shape();
    for opcode in Opcode::all() {
        let verified = valid(opcode).verify(&shape, FUNC);
        let verified = verified.unwrap_or_else(|error| panic!("{opcode}: {error}"));
        assert!(Arc::ptr_eq(verified.shape(), &shape));
        assert_eq!(verified.func_index(), FUNC);
        assert_eq!(verified.function(), &valid(opcode));
    }
}

/// Otherwise the result would be written over the linkage, or one of two never.
#[test]
fn one_value_is_returned_where_the_function_has_one_result() {
    let mut tried = 0;
    for opcode in Opcode::all() {
        let returns = |part: &Op| part.family() == Family::ReturnValue;
        if !opcode.op().parts().iter().any(returns) {
            continue;
        }
        for results in [0, 2] {
            let ty = FuncType::new(
                [ValType::I64; PARAMS as usize],
                vec![ValType::I64; usize::from(results)],
            );
            let mut function = valid(opcode);
            function.results = results;
            let verdict = function.verify(&shape_with(ty), FUNC);
            let expected = VerifyErrorKind::ValueCount {
                found: 1,
                expected: usize::from(results),
            };
            assert_eq!(
                verdict.map(drop).map_err(|error| error.kind),
                Err(expected),
                "{opcode}"
            );
        }
        tried += 1;
    }
    assert!(tried > if IS_COMPACT { 2 } else { 100 }, "{tried}");
}

/// Operands of the same kind that are wrong wherever they stand.
fn wrong(operand: Operand, to: i32) -> Vec<Operand> {
    let frame = FRAME as u16;
    let slots = [LINKAGE, LINKAGE + 1, frame, u16::MAX].map(Slot);
    let spans = [LINKAGE, LINKAGE + 1, frame, u16::MAX].map(Slot);
    let targets = [to - 1, to + 1, -1, i32::MIN, i32::MAX].map(Target::By);
    let linkages = |right: Slot| [right.0 - 1, right.0 + 1, u16::MAX].map(Slot);
    let many = |make: fn(u32) -> Operand, len: u32| vec![make(len), make(u32::MAX)];
    match operand {
        Operand::R | Operand::Acc | Operand::Imm(_) | Operand::Imm64(_) => vec![],
        Operand::Offset(_) | Operand::Count(_) => vec![],
        Operand::Rs(_) => slots.map(Operand::Rs).into(),
        Operand::To(_) => slots.map(Operand::To).into(),
        Operand::Slot(_) => slots.map(Operand::Slot).into(),
        Operand::Span(_) => spans.map(Operand::Span).into(),
        // A branch to the instruction itself is in order.
        Operand::BrIf(_) => targets.map(Operand::BrIf).into(),
        Operand::BrUnless(_) => targets.map(Operand::BrUnless).into(),
        Operand::Target(_) => targets.map(Operand::Target).into(),
        Operand::Targets(_) => vec![Operand::Targets(0)],
        Operand::Base(_) => [0, LINKAGE, LINKAGE + 1, frame - 1, frame - 2, u16::MAX]
            .map(|base| Operand::Base(Slot(base)))
            .into(),
        Operand::Linkage(right) => linkages(right).map(Operand::Linkage).into(),
        Operand::CalleeLinkage(right) => linkages(right).map(Operand::CalleeLinkage).into(),
        Operand::TailLinkage(right) => linkages(right).map(Operand::TailLinkage).into(),
        Operand::MemOffset(..) => vec![Operand::MemOffset(2, 0), Operand::MemOffset(u32::MAX, 0)],
        Operand::Memory(_) => many(Operand::Memory, 2),
        Operand::Func(_) => many(Operand::Func, 4),
        // Imported functions are no defined ones, and the other way round.
        Operand::DefinedFunc(_) => [0, 1, 4, u32::MAX].map(Operand::DefinedFunc).into(),
        Operand::ImportedFunc(_) => [2, 3, 4, u32::MAX].map(Operand::ImportedFunc).into(),
        Operand::Type(_) => many(Operand::Type, 2),
        Operand::Table(_) => many(Operand::Table, 2),
        Operand::FuncTable(_) => [1, 2, u32::MAX].map(Operand::FuncTable).into(),
        Operand::Global(_) => many(Operand::Global, 2),
        Operand::GlobalMut(_) => [1, 2, u32::MAX].map(Operand::GlobalMut).into(),
        Operand::Data(_) => many(Operand::Data, 2),
        Operand::Elem(_) => many(Operand::Elem, 2),
    }
}

#[test]
fn every_operand_of_every_opcode_is_checked() {
    let mut rejected = 0;
    for opcode in Opcode::all() {
        let to = cells(opcode, &operands(opcode, 0)) as i32;
        let right = operands(opcode, to);
        for (index, &operand) in right.iter().enumerate() {
            for wrong in wrong(operand, to) {
                assert_eq!(wrong.kind(), operand.kind());
                let mut operands = right.clone();
                operands[index] = wrong;
                // A branch to the start of the instruction itself is in order.
                if wrong.target() == Some(Target::By(0)) {
                    continue;
                }
                verdict(opcode, &operands).expect_err(&format!("{opcode}: {wrong:?}"));
                rejected += 1;
            }
        }
    }
    assert!(rejected > 4 * Opcode::COUNT, "{rejected}");
}

#[test]
fn every_count_is_checked() {
    for opcode in Opcode::all() {
        let right = operands(opcode, 0);
        let Some(index) = right
            .iter()
            .position(|operand| operand.kind() == Kind::Count)
        else {
            continue;
        };
        if opcode.family() == Family::ConsumeFuel {
            continue;
        }
        let Operand::Count(count) = right[index] else {
            unreachable!()
        };
        let exact = right.iter().any(|operand| operand.kind() == Kind::Linkage);
        for wrong in [count - 1, count + 1, FRAME, u32::MAX] {
            let mut operands = right.clone();
            operands[index] = Operand::Count(wrong);
            let accepted = verdict(opcode, &operands).is_ok();
            // Spans may have any length that fits, results and arguments have one.
            assert_eq!(accepted, !exact && wrong <= count + 1, "{opcode}: {wrong}");
        }
    }
}

#[test]
fn a_span_lies_below_or_above_the_linkage() {
    let opcode = Zero::Zero.op().form(&[Kind::Span, Kind::Count]).unwrap();
    let (linkage, frame) = (u32::from(LINKAGE), FRAME);
    for first in 0..=frame + 1 {
        for count in [0, 1, 2, 3, frame - 5, frame - 4, frame - 3, frame, u32::MAX] {
            let end = u64::from(first) + u64::from(count);
            let below = end <= u64::from(linkage);
            let above = first >= linkage + 2 && end <= u64::from(frame);
            let span = Operand::Span(Slot(first as u16));
            let accepted = verdict(opcode, &[span, Operand::Count(count)]).is_ok();
            // No slots at all may be named anywhere in the frame or at its end, not beyond.
            let none = count == 0 && first <= frame;
            assert_eq!(accepted, none || below || above, "{count} from {first}");
        }
    }
}

#[test]
fn the_type_of_a_callee_is_what_counts() {
    for opcode in Opcode::all() {
        let right = operands(opcode, 0);
        for (index, operand) in right.iter().enumerate() {
            let other = match operand.kind() {
                Kind::DefinedFunc => Operand::DefinedFunc(OTHER_FUNC),
                Kind::Type => Operand::Type(OTHER_TYPE),
                _ => continue,
            };
            let mut operands = right.clone();
            operands[index] = other;
            // () -> () has its linkage at its base, and no results to return in our stead.
            verdict(opcode, &operands).expect_err(&opcode.to_string());
            let has_base = operands.iter().any(|operand| operand.kind() == Kind::Base);
            for operand in &mut operands {
                match operand {
                    Operand::CalleeLinkage(linkage) => *linkage = Slot(20),
                    Operand::TailLinkage(linkage) => *linkage = Slot(0),
                    Operand::Count(count) => *count = 0,
                    _ => {}
                }
            }
            let expected = if has_base {
                Ok(())
            } else {
                let (expected, found) = (usize::from(RESULTS), 0);
                Err(VerifyErrorKind::ValueCount { found, expected })
            };
            assert_eq!(verdict(opcode, &operands), expected, "{opcode}");
        }
    }
}

#[test]
fn tables_and_segments_of_one_operation_hold_the_same() {
    let (copy, init) = (TableCopy::TableCopy, TableInit::TableInit);
    let slots = [10, 11, 12].map(|slot| Operand::Slot(Slot(slot)));
    let both = |table, other| [&[Operand::Table(table), other][..], &slots].concat();
    for (table, other) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let ty = |index| [RefType::Func, RefType::Extern][index as usize];
        let expected = if table == other {
            Ok(())
        } else {
            let (expected, found) = (ty(table), ty(other));
            Err(VerifyErrorKind::RefTypes { expected, found })
        };
        let operands = both(table, Operand::Table(other));
        let opcode = copy.op().form(&kinds(&operands)).unwrap();
        assert_eq!(verdict(opcode, &operands), expected);
        let operands = both(table, Operand::Elem(other));
        let opcode = init.op().form(&kinds(&operands)).unwrap();
        assert_eq!(verdict(opcode, &operands), expected);
    }
}

fn kinds(operands: &[Operand]) -> Vec<Kind> {
    operands.iter().map(|operand| operand.kind()).collect()
}

/// A function of any type that only traps.
fn trapping(params: u16, results: u16, frame_cells: u32) -> Function {
    let mut code = FunctionBuilder::new(params, results);
    code.push(Unreachable::Unreachable, &[]).unwrap();
    code.finish(frame_cells).unwrap()
}

#[test]
fn only_functions_of_the_module_itself_have_code() {
    for func_index in [0, 1, 4, u32::MAX] {
        let error = trapping(PARAMS, RESULTS, FRAME)
            .verify(&shape(), func_index)
            .unwrap_err();
        assert_eq!(error.kind, VerifyErrorKind::NotDefined);
    }
    trapping(PARAMS, RESULTS, FRAME)
        .verify(&shape(), FUNC)
        .unwrap();
    trapping(0, 0, FRAME).verify(&shape(), OTHER_FUNC).unwrap();
}

#[test]
fn the_signature_is_that_of_the_type() {
    for (params, results) in [(0, 0), (1, 1), (3, 1), (2, 0), (2, 2), (1, 2)] {
        let error = verify(trapping(params, results, FRAME)).unwrap_err();
        let found = (usize::from(params), usize::from(results));
        let expected = (usize::from(PARAMS), usize::from(RESULTS));
        assert_eq!(error, VerifyErrorKind::Signature { expected, found });
    }
    verify(trapping(PARAMS, RESULTS, FRAME)).unwrap();
}

#[test]
fn more_parameters_than_slots_are_no_overflow() {
    let shape = |params| {
        Arc::new(ModuleShape {
            types: [FuncType::new(vec![ValType::I32; params], [])].into(),
            funcs: [0].into(),
            ..ModuleShape::default()
        })
    };
    trapping(65_534, 0, 65_536)
        .verify(&shape(65_534), 0)
        .unwrap();
    let error = trapping(65_535, 0, 65_536)
        .verify(&shape(65_535), 0)
        .unwrap_err();
    assert!(
        matches!(error.kind, VerifyErrorKind::FrameSize { least: 65_537, .. }),
        "{error}"
    );
    let error = trapping(0, 0, 65_536)
        .verify(&shape(65_536), 0)
        .unwrap_err();
    assert!(
        matches!(error.kind, VerifyErrorKind::Signature { .. }),
        "{error}"
    );
}

#[test]
fn a_frame_has_room_for_the_linkage_and_fits_slots() {
    for (found, accepted) in [
        (0, false),
        (3, false),
        (4, true),
        (65_536, true),
        (65_537, false),
        (u32::MAX, false),
    ] {
        let result = verify(trapping(PARAMS, RESULTS, found)).map(drop);
        let error = VerifyErrorKind::FrameSize {
            found,
            least: 4,
            most: 65_536,
        };
        assert_eq!(result, if accepted { Ok(()) } else { Err(error) });
    }
}

#[test]
fn the_last_slot_of_the_largest_frame_is_usable() {
    let mut code = FunctionBuilder::new(PARAMS, RESULTS);
    let last = Slot(u16::MAX);
    code.push(
        CopyValue::IntCopy,
        &[Operand::Rs(last), Operand::Slot(last)],
    )
    .unwrap();
    code.push(Unreachable::Unreachable, &[]).unwrap();
    verify(code.finish(65_536).unwrap()).unwrap();
}

#[test]
fn code_does_not_run_past_its_end() {
    assert_eq!(
        verify(function_of(vec![])).unwrap_err(),
        VerifyErrorKind::FallsThrough
    );
    for opcode in Opcode::all() {
        let to = cells(opcode, &operands(opcode, 0));
        let mut alone = function(opcode, &operands(opcode, 0));
        alone.cells.truncate(to);
        // Branches go to the instruction itself.
        let mut code = Vec::new();
        append(&mut code, opcode, &operands(opcode, 0), 0);
        let function = function_of(code);
        let ends = Instr::decode(&function.cells, 0).unwrap().is_terminator();
        let expected = if ends {
            Ok(())
        } else {
            Err(VerifyErrorKind::FallsThrough)
        };
        assert_eq!(verify(function).map(drop), expected, "{opcode}");
    }
}

#[test]
fn cells_are_instructions_up_to_the_end() {
    let mut function = valid(unreachable());
    function.cells.push(Opcode::COUNT as u64);
    let error = verify(function.clone()).unwrap_err();
    let found = Opcode::COUNT as u64;
    assert_eq!(
        error,
        VerifyErrorKind::Decode(DecodeError::NoSuchOpcode { found })
    );
    function.cells.pop();
    verify(function).unwrap();
}

#[test]
fn a_branch_table_needs_a_default() {
    let mut code = FunctionBuilder::new(PARAMS, RESULTS);
    code.push_br_table(Operand::Acc, &[]).unwrap();
    let error = verify(code.finish(FRAME).unwrap()).unwrap_err();
    assert_eq!(error, VerifyErrorKind::NoTargets);
}

#[test]
fn each_target_of_a_branch_table_is_checked() {
    let opcode = BrTable::BrTable
        .op()
        .form(&[Kind::Acc, Kind::Targets])
        .unwrap();
    for index in 0..4 {
        let mut function = function(opcode, &[Operand::Acc, Operand::Targets(4)]);
        verify(function.clone()).unwrap();
        // A target beside an instruction, in either half of either cell.
        function.cells[2 + index / 2] += 1 << (32 * (index % 2));
        let error = verify(function).unwrap_err();
        assert_eq!(error, VerifyErrorKind::Target { target: 5 });
    }
}

#[test]
fn a_call_fits_between_the_linkage_and_the_end_of_the_frame() {
    let opcode = Call::Call.op();
    let kinds = [Kind::DefinedFunc, Kind::Base, Kind::CalleeLinkage];
    let opcode = opcode.form(&kinds).unwrap();
    let call = |base: u16| {
        let linkage = Slot(base + LINKAGE);
        let operands = [
            Operand::DefinedFunc(FUNC),
            Operand::Base(Slot(base)),
            Operand::CalleeLinkage(linkage),
        ];
        verdict(opcode, &operands)
    };
    // The callee's linkage and its locals may lie beyond the caller's frame.
    let last = FRAME as u16 - PARAMS;
    assert_eq!(call(LINKAGE + 2), Ok(()));
    assert_eq!(call(last), Ok(()));
    for base in [0, LINKAGE, LINKAGE + 1, last + 1] {
        let error = VerifyErrorKind::CallBase {
            base: Slot(base),
            cells: 2,
        };
        assert_eq!(call(base), Err(error));
    }
}

#[test]
fn errors_say_what_is_wrong() {
    let copy = |slot| {
        let opcode = CopyValue::IntCopy
            .op()
            .form(&[Kind::R, Kind::Slot])
            .unwrap();
        verdict(opcode, &[Operand::R, Operand::Slot(Slot(slot))]).unwrap_err()
    };
    let error = copy(64);
    assert_eq!(
        error,
        VerifyErrorKind::Slot {
            slot: Slot(64),
            frame: 64,
            linkage: 2
        }
    );
    assert!(error.to_string().contains("r64"), "{error}");
    let opcode = GlobalGet::IntGlobalGet
        .op()
        .form(&[Kind::R, Kind::Global])
        .unwrap();
    let error = verdict(opcode, &[Operand::R, Operand::Global(9)]).unwrap_err();
    assert!(is_index(&error, 9), "{error}");
    assert!(error.to_string().contains("global"), "{error}");
}

/// A loop of one branch, with or without fuel at the start and at its head.
fn counted_loop(start: u32, head: Option<u32>) -> Function {
    let mut code = FunctionBuilder::new(PARAMS, RESULTS);
    let label = code.new_label();
    code.push(ConsumeFuel::ConsumeFuel, &[Operand::Count(start)])
        .unwrap();
    code.push(CopyValue::IntCopy, &[Operand::R, Operand::Imm(1)])
        .unwrap();
    code.bind(label);
    if let Some(head) = head {
        code.push(ConsumeFuel::ConsumeFuel, &[Operand::Count(head)])
            .unwrap();
    }
    code.push(
        IntTest::I32Nez,
        &[Operand::BrIf(label.into()), Operand::Acc],
    )
    .unwrap();
    code.push(Unreachable::Unreachable, &[]).unwrap();
    code.finish(FRAME).unwrap()
}

#[test]
fn code_is_metered_if_every_way_back_takes_fuel() {
    let metered = |function| verify(function).unwrap().is_metered();
    assert!(metered(counted_loop(1, Some(1))));
    assert!(!metered(counted_loop(0, Some(1))));
    assert!(!metered(counted_loop(1, Some(0))));
    assert!(!metered(counted_loop(1, None)));
    assert!(
        !metered(trapping(PARAMS, RESULTS, FRAME)),
        "the start takes none"
    );
}

#[test]
fn a_module_verifier_says_the_same_of_each_function() {
    let shape = shape();
    let verifier = ModuleVerifier::new(Arc::clone(&shape));
    for opcode in Opcode::all() {
        let verified = verifier.verify(valid(opcode), FUNC).unwrap();
        assert!(Arc::ptr_eq(verified.shape(), &shape));
        assert_eq!(verified.func_index(), FUNC);
    }
    for func_index in [0, 1, 3, 4, u32::MAX] {
        let function = trapping(PARAMS, RESULTS, FRAME);
        let expected = function.clone().verify(&shape, func_index).unwrap_err();
        assert_eq!(verifier.verify(function, func_index).unwrap_err(), expected);
    }
}
