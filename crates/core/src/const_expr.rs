//! Constant expressions: initial values and the offsets of active segments
//! (specification, section 3.3.10, with the extended-const proposal).

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::cell::{Cell, CellValue};
use crate::num;

/// A constant expression in postfix order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConstExpr(pub Box<[ConstOp]>);

/// One operator of a constant expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConstOp {
    /// `i32.const`
    I32Const(i32),
    /// `i64.const`
    I64Const(i64),
    /// `f32.const`, as bits
    F32Const(u32),
    /// `f64.const`, as bits
    F64Const(u64),
    /// `global.get` of an immutable global
    GlobalGet(u32),
    /// `ref.null`, of the type that the context expects
    RefNull,
    /// `ref.func`
    RefFunc(u32),
    /// `i32.add`
    I32Add,
    /// `i32.sub`
    I32Sub,
    /// `i32.mul`
    I32Mul,
    /// `i64.add`
    I64Add,
    /// `i64.sub`
    I64Sub,
    /// `i64.mul`
    I64Mul,
}

impl ConstExpr {
    /// An expression of these operators.
    pub fn new(ops: impl IntoIterator<Item = ConstOp>) -> Self {
        Self(ops.into_iter().collect())
    }

    /// The operators in postfix order.
    #[must_use]
    pub fn ops(&self) -> &[ConstOp] {
        &self.0
    }
}

/// What a constant expression can read.
pub(crate) trait ConstEnv {
    /// The value of a global.
    fn global(&self, index: u32) -> Option<Cell>;
    /// The reference to a function.
    fn func_ref(&self, index: u32) -> Option<Cell>;
}

impl ConstExpr {
    /// The value in `env`; `None` if the expression is ill-formed, which
    /// [`ModuleShape::check`](crate::ModuleShape::check) excludes.
    pub(crate) fn eval(&self, env: &impl ConstEnv) -> Option<Cell> {
        // Nearly all expressions are one operator.
        let mut stack: Vec<Cell> = Vec::with_capacity(1);
        for &op in self.ops() {
            let mut pop = || stack.pop();
            let value = match op {
                ConstOp::I32Const(value) => Cell::new(value),
                ConstOp::I64Const(value) => Cell::new(value),
                ConstOp::F32Const(bits) => Cell::new(bits),
                ConstOp::F64Const(bits) => Cell::new(bits),
                ConstOp::GlobalGet(index) => env.global(index)?,
                ConstOp::RefNull => Cell::ZERO,
                ConstOp::RefFunc(index) => env.func_ref(index)?,
                ConstOp::I32Add => binary(&mut pop, num::i32_add)?,
                ConstOp::I32Sub => binary(&mut pop, num::i32_sub)?,
                ConstOp::I32Mul => binary(&mut pop, num::i32_mul)?,
                ConstOp::I64Add => binary(&mut pop, num::i64_add)?,
                ConstOp::I64Sub => binary(&mut pop, num::i64_sub)?,
                ConstOp::I64Mul => binary(&mut pop, num::i64_mul)?,
            };
            stack.push(value);
        }
        match *stack {
            [value] => Some(value),
            _ => None,
        }
    }
}

fn binary<V: CellValue>(
    pop: &mut impl FnMut() -> Option<Cell>,
    op: impl Fn(V, V) -> V,
) -> Option<Cell> {
    let (rhs, lhs) = (pop()?, pop()?);
    Some(Cell::new(op(lhs.get(), rhs.get())))
}

#[cfg(test)]
mod tests;
