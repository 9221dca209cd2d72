//! Constant expressions: initial values and the offsets of active segments
//! (specification, section 3.3.10, with the extended-const proposal).

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::cell::{Cell, CellValue};
use crate::num;

/// A constant expression in postfix order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConstExpr(Ops);

/// Nearly all expressions are one operator, and a module may have a hundred thousand of
/// them: those need no memory of their own. The number tells which it is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ops {
    One(ConstOp),
    Other(Box<[ConstOp]>),
}

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
        let mut ops = ops.into_iter();
        Self(match (ops.next(), ops.next()) {
            (Some(op), None) => Ops::One(op),
            (first, second) => Ops::Other(first.into_iter().chain(second).chain(ops).collect()),
        })
    }

    /// The operators in postfix order.
    #[must_use]
    pub fn ops(&self) -> &[ConstOp] {
        match &self.0 {
            Ops::One(op) => core::slice::from_ref(op),
            Ops::Other(ops) => ops,
        }
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
        let mut stack: Vec<Cell> = Vec::new();
        let ops = match &self.0 {
            Ops::One(op) => return op.eval(env, || None),
            Ops::Other(ops) => ops,
        };
        for op in ops {
            let value = op.eval(env, || stack.pop())?;
            stack.push(value);
        }
        match *stack {
            [value] => Some(value),
            _ => None,
        }
    }
}

impl ConstOp {
    /// The value of the operator on operands that `pop` takes off the stack.
    fn eval(self, env: &impl ConstEnv, mut pop: impl FnMut() -> Option<Cell>) -> Option<Cell> {
        match self {
            Self::I32Const(value) => Some(Cell::new(value)),
            Self::I64Const(value) => Some(Cell::new(value)),
            Self::F32Const(bits) => Some(Cell::new(bits)),
            Self::F64Const(bits) => Some(Cell::new(bits)),
            Self::GlobalGet(index) => env.global(index),
            Self::RefNull => Some(Cell::ZERO),
            Self::RefFunc(index) => env.func_ref(index),
            Self::I32Add => binary(&mut pop, num::i32_add),
            Self::I32Sub => binary(&mut pop, num::i32_sub),
            Self::I32Mul => binary(&mut pop, num::i32_mul),
            Self::I64Add => binary(&mut pop, num::i64_add),
            Self::I64Sub => binary(&mut pop, num::i64_sub),
            Self::I64Mul => binary(&mut pop, num::i64_mul),
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
