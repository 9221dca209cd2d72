//! Tests of [`super`].

use alloc::vec;

use super::*;

/// Global `i` is `100 + i`, for three of them; function `i` is the reference `i + 1`.
struct Env;

impl ConstEnv for Env {
    fn global(&self, index: u32) -> Option<Cell> {
        (index < 3).then(|| Cell::new(100 + index))
    }

    fn func_ref(&self, index: u32) -> Option<Cell> {
        Some(Cell::from_bits(u64::from(index) + 1))
    }
}

fn eval(ops: &[ConstOp]) -> Option<Cell> {
    ConstExpr::new(ops.iter().copied()).eval(&Env)
}

#[test]
fn single_operators() {
    assert_eq!(eval(&[ConstOp::I32Const(-1)]), Some(Cell::new(-1i32)));
    assert_eq!(
        eval(&[ConstOp::I64Const(i64::MIN)]),
        Some(Cell::new(i64::MIN))
    );
    assert_eq!(
        eval(&[ConstOp::F32Const(0x7fa0_0001)]),
        Some(Cell::from_bits(0x7fa0_0001))
    );
    assert_eq!(
        eval(&[ConstOp::F64Const(1 << 63)]),
        Some(Cell::new(-0.0f64))
    );
    assert_eq!(eval(&[ConstOp::RefNull]), Some(Cell::ZERO));
    assert_eq!(eval(&[ConstOp::RefFunc(4)]), Some(Cell::from_bits(5)));
    assert_eq!(eval(&[ConstOp::GlobalGet(2)]), Some(Cell::new(102i32)));
}

#[test]
fn arithmetic_wraps_at_its_width_and_keeps_operands_in_order() {
    use ConstOp::*;
    let i32s = |op| eval(&[I32Const(i32::MIN), I32Const(3), op]).map(Cell::get::<i32>);
    assert_eq!(i32s(I32Add), Some(i32::MIN + 3));
    assert_eq!(i32s(I32Sub), Some(i32::MAX - 2));
    assert_eq!(i32s(I32Mul), Some(i32::MIN));
    let i64s = |op| eval(&[I64Const(i64::MIN), I64Const(3), op]).map(Cell::get::<i64>);
    assert_eq!(i64s(I64Add), Some(i64::MIN + 3));
    assert_eq!(i64s(I64Sub), Some(i64::MAX - 2));
    assert_eq!(i64s(I64Mul), Some(i64::MIN));
    let nested = [GlobalGet(0), I32Const(2), I32Const(5), I32Mul, I32Sub];
    assert_eq!(eval(&nested), Some(Cell::new(90i32)));
}

#[test]
fn ill_formed_expressions_have_no_value() {
    use ConstOp::*;
    for ops in [
        vec![],
        vec![I32Add],
        vec![I32Const(1), I32Add],
        vec![I32Const(1), I32Const(1)],
        vec![GlobalGet(3)],
    ] {
        assert_eq!(eval(&ops), None, "{ops:?}");
    }
}
