//! What no instruction of the present table can show: forms without a rule are refused.

use super::*;

/// The verdict on operands that a family does not have.
fn verdict(operands: &[Operand]) -> Outcome {
    let shape = ModuleShape {
        types: [FuncType::new([], [])].into(),
        funcs: [0].into(),
        ..ModuleShape::default()
    };
    let module = ModuleVerifier::new(Arc::new(shape));
    let function = Function {
        frame_cells: 10,
        ..Function::default()
    };
    let verifier = FunctionVerifier::new(&module, &function, 0).expect("it is defined");
    verifier.each_operand(operands.iter().copied())?;
    verifier.relations_of(Family::Unreachable, &mut operands.iter().copied())
}

#[test]
fn a_span_needs_a_count_after_it() {
    let (span, count) = (Operand::Span(Slot(2)), Operand::Count(3));
    assert_eq!(verdict(&[span, count]), Ok(()));
    assert_eq!(verdict(&[span, span, count]), Ok(()));
    assert_eq!(verdict(&[span]), Err(VerifyErrorKind::Form));
    assert_eq!(verdict(&[count, span]), Err(VerifyErrorKind::Form));
    let beyond = Operand::Span(Slot(8));
    for operands in [[beyond, span, count], [span, beyond, count]] {
        assert!(matches!(
            verdict(&operands),
            Err(VerifyErrorKind::Span { first: Slot(8), .. })
        ));
    }
}

#[test]
fn operands_that_depend_on_a_callee_need_a_rule() {
    for operand in [
        Operand::Base(Slot(2)),
        Operand::CalleeLinkage(Slot(2)),
        Operand::TailLinkage(Slot(0)),
    ] {
        assert_eq!(verdict(&[operand]), Err(VerifyErrorKind::Form));
    }
}

/// Code of that length is not made for a test.
#[test]
fn code_is_not_longer_than_distances() {
    assert_eq!(check_length(MAX_CELLS), Ok(()));
    let too_long = VerifyErrorKind::TooLong {
        found: MAX_CELLS + 1,
        most: MAX_CELLS,
    };
    assert_eq!(check_length(MAX_CELLS + 1), Err(too_long));
}
