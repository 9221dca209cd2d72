//! What the symbolic operand stack holds: values that are known, values that
//! are somewhere, and operations that were not emitted yet.

use arrayvec::ArrayVec;
use damson_core::types::ValType;
use damson_ir::{
    FloatBinary, FloatCompare, FloatSelect, GlobalGet, IntBinary, IntCompare, IntSelect, IntTest,
    Kinds, Load, MAX_PARTS, MemorySize, Op, Operand, Operation, RefFunc, Shape, TableGet,
    TableSize, Unary,
};

use super::typing::{Class, Typed};

/// One value on the operand stack. Its position is its height.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) ty: ValType,
    pub(crate) value: Value,
}

impl Entry {
    pub(crate) fn class(&self) -> Class {
        Class::of(self.ty)
    }
}

/// Where a value is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value {
    /// A constant: the bits of its cell.
    Const(u64),
    /// What the local holds now.
    Local(u32),
    /// The slot that belongs to its position, its *home*.
    Home,
    /// The accumulator of its type. Only while the operands of one operation
    /// are gathered.
    Acc,
    /// A pending tree of the stack, not emitted yet.
    Tree(u32),
}

/// Where values of the stack are.
pub(crate) type Leaves = ArrayVec<Operand, MAX_LEAVES>;

/// No tile has more operands besides its destination.
pub(crate) const MAX_LEAVES: usize = 6;

/// A pending tree of operations: everything that emitting it needs but a destination.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    /// The outermost operation first, then those of its operands.
    pub(crate) ops: ArrayVec<TreeOp, MAX_PARTS>,
    /// How they belong together; `None` for a single one.
    pub(crate) shape: Option<Shape>,
    /// The operation of the tables that they are together.
    pub(crate) op: Option<Op>,
    /// The destination, then the leaves, as the instruction has them. As long as nobody has said
    /// where the result goes, that is the accumulator.
    pub(crate) operands: ArrayVec<Operand, { 1 + MAX_LEAVES }>,
    /// The accumulator that each leaf uses if it is in one.
    pub(crate) classes: ArrayVec<Class, MAX_LEAVES>,
    /// The kinds of the leaves.
    pub(crate) kinds: Kinds,
    /// Which accumulators leaves are in, a bit for each.
    pub(crate) accs: u8,
    /// Offsets in the binary of the operations that can trap, in the order of execution.
    pub(crate) sites: ArrayVec<u32, MAX_PARTS>,
    /// Whether it must keep its place among effects.
    pub(crate) is_ordered: bool,
}

impl Tree {
    pub(crate) fn clear(&mut self) {
        self.ops.clear();
        self.operands.clear();
        self.operands.push(Operand::R);
        self.classes.clear();
        (self.kinds, self.accs) = (Kinds::default(), 0);
        self.sites.clear();
    }

    /// Adds the last leaf, which uses the accumulator of a class if it is in one.
    #[inline]
    pub(crate) fn push_leaf(&mut self, leaf: Operand, class: Class) {
        // No form has more operands than there is room for. (Asking first, and not for the error:
        // AddressSanitizer takes the place of an error that is not looked at for one out of scope.)
        if self.operands.is_full() || self.classes.is_full() {
            debug_assert!(false, "no form has so many leaves");
            return;
        }
        self.operands.push(leaf);
        self.classes.push(class);
        self.kinds = self.kinds.and(leaf.kind());
        self.note_acc(leaf, class);
    }

    /// Notes where a leaf is.
    #[inline]
    pub(crate) fn note_acc(&mut self, leaf: Operand, class: Class) {
        if leaf == Operand::Acc {
            self.accs |= 1 << class as u8;
        }
    }

    /// Whether a leaf is in the accumulator of a class.
    pub(crate) fn reads_acc(&self, class: Class) -> bool {
        self.accs >> class as u8 & 1 == 1
    }

    /// The operands but the destination.
    pub(crate) fn leaves(&self) -> &[Operand] {
        self.operands.get(1..).unwrap_or(&[])
    }

    /// The outermost operation.
    pub(crate) fn root(&self) -> TreeOp {
        // A tree has at least one.
        self.ops[0]
    }

    /// Replaces the outermost operation by one of the same family.
    pub(crate) fn set_root(&mut self, root: TreeOp) {
        self.ops[0] = root;
        self.op = match self.shape {
            None => Some(root.op()),
            Some(shape) => tile(shape, &self.ops),
        };
    }

    /// Whether one of the operations can trap.
    pub(crate) fn traps(&self) -> bool {
        !self.sites.is_empty()
    }

    /// Whether it reads what an effect may change, but does not trap in another way than by
    /// reading: two such trees may change places.
    pub(crate) fn only_reads(&self) -> bool {
        self.ops.iter().all(|op| op.only_reads())
    }
}

/// The tile of this shape with these parts.
pub(crate) fn tile(shape: Shape, parts: &[TreeOp]) -> Option<Op> {
    let parts: ArrayVec<Op, MAX_PARTS> = parts.iter().map(|part| part.op()).collect();
    Op::tile(shape, &parts)
}

/// An operation that produces one value and has no effect but a trap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TreeOp {
    IntBinary(IntBinary),
    FloatBinary(FloatBinary),
    IntCompare(IntCompare),
    FloatCompare(FloatCompare),
    IntTest(IntTest),
    Unary(Unary),
    Load {
        op: Load,
        memory: u32,
        offset: u32,
    },
    /// Leaves: the condition, then the values.
    IntSelect,
    /// Leaves: the condition, then the values.
    FloatSelect(FloatSelect),
    /// `state` is false for a global that never changes.
    GlobalGet {
        op: GlobalGet,
        global: u32,
        state: bool,
    },
    RefFunc(u32),
    MemorySize(u32),
    TableSize(u32),
    TableGet(u32),
}

/// Evaluates `$body` with `$name` bound to the operation of the table.
macro_rules! with_operation {
    ($tree_op:expr, |$name:ident| $body:expr) => {
        match $tree_op {
            TreeOp::IntBinary($name) => $body,
            TreeOp::FloatBinary($name) => $body,
            TreeOp::IntCompare($name) => $body,
            TreeOp::FloatCompare($name) => $body,
            TreeOp::IntTest($name) => $body,
            TreeOp::Unary($name) => $body,
            TreeOp::Load { op: $name, .. } => $body,
            TreeOp::IntSelect => {
                let $name = IntSelect::IntSelect;
                $body
            }
            TreeOp::FloatSelect($name) => $body,
            TreeOp::GlobalGet { op: $name, .. } => $body,
            TreeOp::RefFunc(_) => {
                let $name = RefFunc::RefFunc;
                $body
            }
            TreeOp::MemorySize(_) => {
                let $name = MemorySize::MemorySize;
                $body
            }
            TreeOp::TableSize(_) => {
                let $name = TableSize::TableSize;
                $body
            }
            TreeOp::TableGet(_) => {
                let $name = TableGet::TableGet;
                $body
            }
        }
    };
}

impl TreeOp {
    /// The accumulator that receives the result.
    pub(crate) fn result_class(self) -> Class {
        match self {
            Self::IntBinary(op) => op.result_class(),
            Self::FloatBinary(op) => op.result_class(),
            Self::IntCompare(op) => op.result_class(),
            Self::FloatCompare(op) => op.result_class(),
            Self::IntTest(op) => op.result_class(),
            Self::Unary(op) => op.result_class(),
            Self::Load { op, .. } => op.result_class(),
            Self::FloatSelect(op) => op.result_class(),
            Self::GlobalGet { op, .. } => op.result_class(),
            Self::IntSelect
            | Self::RefFunc(_)
            | Self::MemorySize(_)
            | Self::TableSize(_)
            | Self::TableGet(_) => Class::Int,
        }
    }

    /// The accumulator that a leaf uses if it is in one.
    pub(crate) fn leaf_class(self, leaf: usize) -> Class {
        match self {
            Self::IntBinary(op) => op.operand_class(),
            Self::FloatBinary(op) => op.operand_class(),
            Self::IntCompare(op) => op.operand_class(),
            Self::FloatCompare(op) => op.operand_class(),
            Self::IntTest(op) => op.operand_class(),
            Self::Unary(op) => op.operand_class(),
            Self::FloatSelect(op) if leaf > 0 => op.operand_class(),
            _ => Class::Int,
        }
    }

    /// Whether the operation can trap.
    pub(crate) fn traps(self) -> bool {
        match self {
            Self::IntBinary(op) => int_binary_traps(op),
            Self::Unary(op) => unary_traps(op),
            Self::Load { .. } | Self::TableGet(_) => true,
            _ => false,
        }
    }

    /// Whether the operation must keep its place among effects: because it
    /// can trap, or because it reads what an effect may change.
    pub(crate) fn is_ordered(self) -> bool {
        match self {
            Self::GlobalGet { state, .. } => state,
            Self::MemorySize(_) | Self::TableSize(_) => true,
            _ => self.traps(),
        }
    }

    /// The operation in the instruction table.
    pub(crate) fn op(self) -> Op {
        with_operation!(self, |op| op.op())
    }

    /// The operand between the destination and the values.
    pub(crate) fn head(self) -> Option<Operand> {
        match self {
            Self::GlobalGet { global, .. } => Some(Operand::Global(global)),
            Self::RefFunc(func) => Some(Operand::Func(func)),
            Self::MemorySize(memory) => Some(Operand::Memory(memory)),
            Self::TableSize(table) | Self::TableGet(table) => Some(Operand::Table(table)),
            _ => None,
        }
    }

    /// The operand after the values.
    pub(crate) fn tail(self) -> Option<Operand> {
        match self {
            Self::Load { memory, offset, .. } => Some(access(memory, offset)),
            _ => None,
        }
    }

    /// Whether the table has forms with slots only.
    pub(crate) fn takes_slots_only(self) -> bool {
        matches!(self, Self::TableGet(_))
    }

    /// Whether the order of the operands does not matter.
    pub(crate) fn commutes(self) -> bool {
        use FloatBinary::*;
        use IntBinary::*;
        match self {
            Self::IntBinary(op) => matches!(
                op,
                I32Add
                    | I32Mul
                    | I32And
                    | I32Or
                    | I32Xor
                    | I64Add
                    | I64Mul
                    | I64And
                    | I64Or
                    | I64Xor
            ),
            Self::FloatBinary(op) => matches!(op, F32Add | F32Mul | F64Add | F64Mul),
            _ => false,
        }
    }

    /// The operation that does the same with its operands exchanged.
    pub(crate) fn mirrored(self) -> Option<Self> {
        match self {
            Self::IntCompare(op) => Some(Self::IntCompare(mirrored(op))),
            Self::FloatCompare(op) => Some(Self::FloatCompare(mirrored_float(op))),
            _ => self.commutes().then_some(self),
        }
    }

    /// See [`Tree::only_reads`].
    pub(crate) fn only_reads(self) -> bool {
        matches!(self, Self::Load { .. }) || !self.traps()
    }
}

/// Whether the table has a form of `op` with operands of these kinds.
pub(crate) fn has_form(op: Op, operands: &[Operand]) -> bool {
    op.form_of(Kinds::of_operands(operands)).is_some()
}

/// The operand that says which memory is accessed and at which offset.
pub(crate) fn access(memory: u32, offset: u32) -> Operand {
    match memory {
        0 => Operand::Offset(offset),
        _ => Operand::MemOffset(memory, offset),
    }
}

fn int_binary_traps(op: IntBinary) -> bool {
    use IntBinary::*;
    matches!(
        op,
        I32DivS | I32DivU | I32RemS | I32RemU | I64DivS | I64DivU | I64RemS | I64RemU
    )
}

fn unary_traps(op: Unary) -> bool {
    use Unary::*;
    matches!(
        op,
        I32TruncF32S
            | I32TruncF32U
            | I32TruncF64S
            | I32TruncF64U
            | I64TruncF32S
            | I64TruncF32U
            | I64TruncF64S
            | I64TruncF64U
    )
}

/// The comparison that is true where `op` is false.
pub(crate) fn negated(op: IntCompare) -> IntCompare {
    use IntCompare::*;
    match op {
        I32Eq => I32Ne,
        I32Ne => I32Eq,
        I32LtS => I32GeS,
        I32LtU => I32GeU,
        I32GtS => I32LeS,
        I32GtU => I32LeU,
        I32LeS => I32GtS,
        I32LeU => I32GtU,
        I32GeS => I32LtS,
        I32GeU => I32LtU,
        I64Eq => I64Ne,
        I64Ne => I64Eq,
        I64LtS => I64GeS,
        I64LtU => I64GeU,
        I64GtS => I64LeS,
        I64GtU => I64LeU,
        I64LeS => I64GtS,
        I64LeU => I64GtU,
        I64GeS => I64LtS,
        I64GeU => I64LtU,
    }
}

/// The comparison with its operands exchanged.
pub(crate) fn mirrored(op: IntCompare) -> IntCompare {
    use IntCompare::*;
    match op {
        I32Eq | I32Ne | I64Eq | I64Ne => op,
        I32LtS => I32GtS,
        I32LtU => I32GtU,
        I32GtS => I32LtS,
        I32GtU => I32LtU,
        I32LeS => I32GeS,
        I32LeU => I32GeU,
        I32GeS => I32LeS,
        I32GeU => I32LeU,
        I64LtS => I64GtS,
        I64LtU => I64GtU,
        I64GtS => I64LtS,
        I64GtU => I64LtU,
        I64LeS => I64GeS,
        I64LeU => I64GeU,
        I64GeS => I64LeS,
        I64GeU => I64LeU,
    }
}

/// The float comparison with its operands exchanged.
pub(crate) fn mirrored_float(op: FloatCompare) -> FloatCompare {
    use FloatCompare::*;
    match op {
        F32Eq | F32Ne | F64Eq | F64Ne => op,
        F32Lt => F32Gt,
        F32Gt => F32Lt,
        F32Le => F32Ge,
        F32Ge => F32Le,
        F64Lt => F64Gt,
        F64Gt => F64Lt,
        F64Le => F64Ge,
        F64Ge => F64Le,
    }
}

/// The test that is true where `op` is false.
pub(crate) fn negated_test(op: IntTest) -> IntTest {
    use IntTest::*;
    match op {
        I32Eqz => I32Nez,
        I32Nez => I32Eqz,
        I64Eqz => I64Nez,
        I64Nez => I64Eqz,
    }
}

#[cfg(test)]
mod tests {
    use super::super::typing::Fold;
    use super::*;

    const VALUES: [u64; 5] = [0, 1, 0x7fff_ffff, 0x8000_0000, u64::MAX];

    #[test]
    fn negated_and_mirrored_comparisons_agree_with_the_original() {
        for &op in IntCompare::ALL {
            for x in VALUES {
                for y in VALUES {
                    let result = op.fold([x, y]).unwrap();
                    assert_eq!(negated(op).fold([x, y]), Some(1 - result), "{op:?} {x} {y}");
                    assert_eq!(mirrored(op).fold([y, x]), Some(result), "{op:?} {x} {y}");
                }
            }
        }
        for &op in IntTest::ALL {
            for x in VALUES {
                assert_eq!(
                    negated_test(op).fold([x]),
                    Some(1 - op.fold([x]).unwrap()),
                    "{op:?}"
                );
            }
        }
    }

    #[test]
    fn mirrored_float_comparisons_agree_with_the_original() {
        let f32s = [0.0, -0.0, 1.0, f32::NAN].map(|value: f32| u64::from(value.to_bits()));
        let f64s = [0.0, -0.0, 1.0, f64::NAN].map(f64::to_bits);
        for &op in FloatCompare::ALL {
            let values = if op.operand_class() == Class::F32 {
                f32s
            } else {
                f64s
            };
            for x in values {
                for y in values {
                    assert_eq!(mirrored_float(op).fold([y, x]), op.fold([x, y]), "{op:?}");
                }
            }
        }
    }

    #[test]
    fn exactly_the_operations_that_cannot_be_folded_trap() {
        // Integers: zero divides nothing and nothing divides by it.
        for &op in IntBinary::ALL {
            assert_eq!(int_binary_traps(op), op.fold([1, 0]).is_none(), "{op:?}");
        }
        // Floats: a NaN of either width has all exponent bits set.
        for &op in Unary::ALL {
            assert_eq!(unary_traps(op), op.fold([u64::MAX]).is_none(), "{op:?}");
        }
    }
}
