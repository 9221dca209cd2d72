//! What needs no instruction, or another one, because an operand is known:
//! constants are folded, negations are taken into comparisons.

use damson_ir::{IntBinary, IntTest};

use super::FuncTranslator;
use super::typing::{Fold, immediate};
use super::value::{Entry, TreeOp, Value, negated, negated_test};

impl FuncTranslator<'_> {
    /// Replaces the topmost `N` values by the result of `op` if they are
    /// constants on which it does not trap.
    pub(crate) fn fold_top<const N: usize>(&mut self, op: impl Fold<N>) -> bool {
        let Some(bits) = self.top_consts().and_then(|operands| op.fold(operands)) else {
            return false;
        };
        self.stack.truncate(self.stack.height().saturating_sub(N));
        self.stack.push(op.result_type(), Value::Const(bits));
        true
    }

    /// The topmost `N` values if all of them are constants.
    fn top_consts<const N: usize>(&self) -> Option<[u64; N]> {
        let base = self.stack.height().checked_sub(N)?;
        let mut consts = [0; N];
        for (index, bits) in consts.iter_mut().enumerate() {
            match self.stack.get(base + index)?.value {
                Value::Const(value) => *bits = value,
                _ => return None,
            }
        }
        Some(consts)
    }

    /// `i32.eqz` of a pending comparison is the opposite comparison.
    pub(crate) fn negate_top(&mut self, op: IntTest) -> bool {
        if op != IntTest::I32Eqz {
            return false;
        }
        let top = self.stack.height().wrapping_sub(1);
        let Some(tree) = self.stack.tree_mut(top) else {
            return false;
        };
        let opposite = match tree.root() {
            TreeOp::IntCompare(op) => TreeOp::IntCompare(negated(op)),
            TreeOp::IntTest(op) => TreeOp::IntTest(negated_test(op)),
            _ => return false,
        };
        tree.set_root(opposite);
        true
    }

    /// The addition of the opposite for the subtraction of a constant: there are more tiles of
    /// additions.
    pub(crate) fn without_subtraction(&mut self, op: TreeOp) -> TreeOp {
        let top = self.stack.height().wrapping_sub(1);
        let Some(Entry {
            ty,
            value: Value::Const(bits),
        }) = self.stack.get(top)
        else {
            return op;
        };
        let (add, opposite) = match op {
            TreeOp::IntBinary(IntBinary::I32Sub) => {
                (IntBinary::I32Add, (bits as u32).wrapping_neg().into())
            }
            TreeOp::IntBinary(IntBinary::I64Sub) => (IntBinary::I64Add, bits.wrapping_neg()),
            _ => return op,
        };
        if immediate(ty, opposite).is_none() {
            return op;
        }
        self.stack.set(top, Value::Const(opposite));
        TreeOp::IntBinary(add)
    }
}
