//! Chooses instructions: from Wasm operators to operations of the table, and
//! from values of the symbolic stack to operands that the table has a form for.
//!
//! An operation first asks [`compose`](FuncTranslator::compose) whether it and
//! the pending trees among its operands are a tile of the table. If not,
//! [`gather`](FuncTranslator::gather) gives each operand a place.

use arrayvec::ArrayVec;
use damson_core::types::ValType;
use damson_ir::{
    FloatBinary, FloatCompare, FloatSelect, IntBinary, IntCompare, IntTest, Kind, Kinds, Label,
    Operand, Target, Unary,
};
use wasmparser::Operator;

use super::frame::Frame;
use super::tile::{Consumer, Root};
use super::typing::{Class, Fold, immediate};
use super::value::{
    Entry, Leaves, Tree, TreeOp, Value, mirrored, mirrored_float, negated, negated_test,
};
use super::{FuncTranslator, Stop};

/// An operator whose only effect is to replace its operands by a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numeric {
    IntBinary(IntBinary),
    FloatBinary(FloatBinary),
    IntCompare(IntCompare),
    FloatCompare(FloatCompare),
    IntTest(IntTest),
    Unary(Unary),
}

macro_rules! numeric {
    ($( $Family:ident { $($Op:ident)* } )*) => {
        /// The operation of a numeric operator.
        #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see `operator`"))]
        #[cfg_attr(not(debug_assertions), inline(always))]
        pub(crate) fn numeric(operator: &Operator<'_>) -> Option<Numeric> {
            Some(match operator {
                $( $( Operator::$Op => Numeric::$Family($Family::$Op), )* )*
                _ => return None,
            })
        }
    };
}

numeric! {
    IntBinary {
        I32Add I32Sub I32Mul I32DivS I32DivU I32RemS I32RemU I32And I32Or I32Xor
        I32Shl I32ShrS I32ShrU I32Rotl I32Rotr
        I64Add I64Sub I64Mul I64DivS I64DivU I64RemS I64RemU I64And I64Or I64Xor
        I64Shl I64ShrS I64ShrU I64Rotl I64Rotr
    }
    FloatBinary {
        F32Add F32Sub F32Mul F32Div F32Min F32Max F32Copysign
        F64Add F64Sub F64Mul F64Div F64Min F64Max F64Copysign
    }
    IntCompare {
        I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU
        I64Eq I64Ne I64LtS I64LtU I64GtS I64GtU I64LeS I64LeU I64GeS I64GeU
    }
    FloatCompare {
        F32Eq F32Ne F32Lt F32Gt F32Le F32Ge
        F64Eq F64Ne F64Lt F64Gt F64Le F64Ge
    }
    IntTest { I32Eqz I64Eqz }
    Unary {
        I32Clz I32Ctz I32Popcnt I32Extend8S I32Extend16S
        I64Clz I64Ctz I64Popcnt I64Extend8S I64Extend16S I64Extend32S
        I32WrapI64 I64ExtendI32S I64ExtendI32U
        F32Abs F32Neg F32Ceil F32Floor F32Trunc F32Nearest F32Sqrt
        F64Abs F64Neg F64Ceil F64Floor F64Trunc F64Nearest F64Sqrt
        F32DemoteF64 F64PromoteF32
        I32TruncF32S I32TruncF32U I32TruncF64S I32TruncF64U
        I64TruncF32S I64TruncF32U I64TruncF64S I64TruncF64U
        I32TruncSatF32S I32TruncSatF32U I32TruncSatF64S I32TruncSatF64U
        I64TruncSatF32S I64TruncSatF32U I64TruncSatF64S I64TruncSatF64U
        F32ConvertI32S F32ConvertI32U F32ConvertI64S F32ConvertI64U
        F64ConvertI32S F64ConvertI32U F64ConvertI64S F64ConvertI64U
        I32ReinterpretF32 I64ReinterpretF64 F32ReinterpretI32 F64ReinterpretI64
    }
}

impl FuncTranslator<'_> {
    /// Translates a numeric operator.
    pub(crate) fn numeric(&mut self, op: Numeric) -> Result<(), Stop> {
        match op {
            Numeric::IntBinary(op) => self.binary(op, TreeOp::IntBinary(op)),
            Numeric::FloatBinary(op) => self.binary(op, TreeOp::FloatBinary(op)),
            Numeric::IntCompare(op) => {
                // The table has no immediate on the left of a comparison.
                let mirrored = TreeOp::IntCompare(mirrored(op));
                self.compare(op, TreeOp::IntCompare(op), mirrored)
            }
            Numeric::FloatCompare(op) => {
                let mirrored = TreeOp::FloatCompare(mirrored_float(op));
                self.compare(op, TreeOp::FloatCompare(op), mirrored)
            }
            Numeric::IntTest(op) => {
                if self.negate_top(op) {
                    return Ok(());
                }
                self.unary(op, TreeOp::IntTest(op))
            }
            Numeric::Unary(op) => self.unary(op, TreeOp::Unary(op)),
        }
    }

    fn binary(&mut self, op: impl Fold<2>, tree: TreeOp) -> Result<(), Stop> {
        match self.fold_top(op) {
            true => Ok(()),
            false => {
                let tree = self.without_subtraction(tree);
                self.push_operation(tree, 2, op.result_type())
            }
        }
    }

    fn compare(&mut self, op: impl Fold<2>, tree: TreeOp, mirrored: TreeOp) -> Result<(), Stop> {
        if self.fold_top(op) {
            return Ok(());
        }
        let lhs = self
            .stack
            .height()
            .checked_sub(2)
            .and_then(|lhs| self.stack.get(lhs));
        match lhs {
            Some(Entry {
                value: Value::Const(_),
                ..
            }) => self.push_reordered(mirrored, ValType::I32, REVERSED),
            _ => self.push_operation(tree, 2, ValType::I32),
        }
    }

    fn unary(&mut self, op: impl Fold<1>, tree: TreeOp) -> Result<(), Stop> {
        match self.fold_top(op) {
            true => Ok(()),
            false => self.push_operation(tree, 1, op.result_type()),
        }
    }

    /// Replaces the topmost `count` values by the pending operation on them.
    #[cfg_attr(
        not(debug_assertions),
        expect(clippy::inline_always, reason = "see below")
    )]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn push_operation(
        &mut self,
        op: TreeOp,
        count: usize,
        ty: ValType,
    ) -> Result<(), Stop> {
        self.push_reordered(op, ty, &IN_ORDER[..count])
    }

    /// The same with another order of the operands in the instruction than on
    /// the stack.
    ///
    /// Where an operator calls it the family of the operation is known, which in
    /// optimised builds decides most of what is asked here.
    #[cfg_attr(
        not(debug_assertions),
        expect(clippy::inline_always, reason = "see above")
    )]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn push_reordered(
        &mut self,
        op: TreeOp,
        ty: ValType,
        order: &'static [usize],
    ) -> Result<(), Stop> {
        let base = self.stack.height().saturating_sub(order.len());
        self.settle_before(op, base)?;
        // See the argument in `flush` why there are no cycles.
        let class = op.result_class();
        if self.stack.owner(class).is_some_and(|owner| owner < base)
            && self.reads_another(class, op, base, order.len())
        {
            self.vacate(class, base)?;
        }
        if self.stack.trees_from(base) == 0
            && let Some(tree) = self.plain(op, base, order)?
        {
            return self.push_pending(tree, base, ty);
        }
        self.push_moved(op, ty, base, order)
    }

    /// The same where a tile may be found, or operands have to be moved.
    #[inline(never)]
    fn push_moved(
        &mut self,
        op: TreeOp,
        ty: ValType,
        base: usize,
        order: &'static [usize],
    ) -> Result<(), Stop> {
        if let Some(tree) = self.tile_of(op, base, order)? {
            return self.push_pending(tree, base, ty);
        }
        let mut places = self.gather(base, op.takes_slots_only())?;
        self.fit(base, &mut places, |places| op.has_form_with(places, order))?;
        let tree = self.new_single(op, &places, order);
        self.push_pending(tree, base, ty)
    }

    /// Whether an operation on the values from `base` on, or a tree among them, reads another
    /// accumulator than this one.
    fn reads_another(&self, class: Class, op: TreeOp, base: usize, count: usize) -> bool {
        let another = |leaf: &Class| *leaf != class;
        (0..count).any(|leaf| another(&op.leaf_class(leaf)))
            || (base..self.stack.height()).any(|position| {
                let tree = self.stack.tree(position);
                tree.is_some_and(|tree| tree.classes.iter().any(another))
            })
    }

    /// A single operation on values of which none is a tree, if the table has a form for them
    /// where they are.
    #[cfg_attr(
        not(debug_assertions),
        expect(clippy::inline_always, reason = "see above")
    )]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn plain(&mut self, op: TreeOp, base: usize, order: &[usize]) -> Result<Option<u32>, Stop> {
        let (id, offset) = (self.stack.new_tree(), self.offset);
        let (entries, tree) = self.stack.entries_and_detached(base, id);
        tree.begin_single(op, offset);
        for (index, &source) in order.iter().enumerate() {
            let (position, slots_only) = (base + source, op.takes_slots_only());
            let leaf = match entries.get(source) {
                Some(entry) => place(&mut self.frame, *entry, position, slots_only)?,
                None => None,
            };
            let Some(leaf) = leaf else {
                self.stack.free_tree(id);
                return Ok(None);
            };
            tree.push_leaf(leaf, op.leaf_class(index));
        }
        if let Some(tail) = op.tail() {
            tree.push_leaf(tail, Class::Int);
        }
        let kinds = Kinds::default().and(Kind::R);
        let kinds = kinds.followed_by(tree.kinds, tree.classes.len());
        if op.op().form_of(kinds).is_none() {
            self.stack.free_tree(id);
            return Ok(None);
        }
        Ok(Some(id))
    }

    /// What [`gather_but`](Self::gather_but) gives, if nothing has to be emitted for it.
    #[inline]
    pub(crate) fn placed(
        &mut self,
        base: usize,
        slots_only: bool,
        keep: u8,
    ) -> Result<Option<Leaves>, Stop> {
        let mut places = Leaves::new();
        for position in base..self.stack.height() {
            let Some(entry) = self.stack.get(position) else {
                return Ok(None);
            };
            let leaf = match keep >> (position - base) & 1 {
                1 => Some(Operand::Imm(0)),
                _ => place(&mut self.frame, entry, position, slots_only)?,
            };
            match leaf {
                Some(leaf) => places.push(leaf),
                None => return Ok(None),
            }
        }
        Ok(Some(places))
    }

    /// The tile that an operation makes with the trees among its operands.
    fn tile_of(
        &mut self,
        op: TreeOp,
        base: usize,
        order: &'static [usize],
    ) -> Result<Option<u32>, Stop> {
        let (root, head) = match op {
            TreeOp::IntBinary(_) | TreeOp::FloatBinary(_) => (Root::Bin, Operand::R),
            TreeOp::IntCompare(_) => (Root::Compare, Operand::BrIf(Target::By(0))),
            TreeOp::FloatCompare(_) => (Root::FloatCompare, Operand::BrIf(Target::By(0))),
            TreeOp::IntTest(_) => (Root::Test, Operand::BrIf(Target::By(0))),
            TreeOp::Load { .. } => (Root::Load, Operand::R),
            TreeOp::IntSelect => (Root::Select, Operand::R),
            _ => return Ok(None),
        };
        let in_order = Consumer {
            root,
            op: op.op(),
            order,
            classes: [op.leaf_class(0), op.leaf_class(1), op.leaf_class(2)],
            head,
            tail: op.tail(),
        };
        let mirrored = op.mirrored().filter(|_| order.len() == 2);
        let ops = [op, mirrored.unwrap_or(op)];
        // Both operands are of one class.
        let reversed = Consumer {
            op: ops[1].op(),
            order: if order == REVERSED {
                &IN_ORDER[..2]
            } else {
                REVERSED
            },
            ..in_order
        };
        let count = 1 + usize::from(mirrored.is_some());
        let Some(tile) = self.compose(base, &[in_order, reversed][..count])? else {
            return Ok(None);
        };
        let offset = self.offset;
        let tree = self.stack.detached_mut(tile.tree);
        tree.is_ordered |= op.is_ordered();
        // A shape has no more parts than there is room for, and no more of them can trap.
        tree.ops.try_insert(0, ops[tile.consumer]).ok();
        if op.traps() {
            tree.sites.try_push(offset).ok();
        }
        Ok(Some(tile.tree))
    }

    /// A tree of a single operation with its operands at `places`, in the order of the stack.
    fn new_single(&mut self, op: TreeOp, places: &Leaves, order: &[usize]) -> u32 {
        let (id, offset) = (self.stack.new_tree(), self.offset);
        self.stack
            .detached_mut(id)
            .become_single(op, places, order, offset);
        id
    }

    /// Replaces the values from `base` on by a pending tree on them.
    fn push_pending(&mut self, tree: u32, base: usize, ty: ValType) -> Result<(), Stop> {
        // What the value at `base` reads is noted for this position already; what the tree has
        // of other trees is noted where they are merged.
        for position in base + 1..self.stack.height() {
            self.work += 1;
            if let Some(Entry {
                value: Value::Local(local),
                ..
            }) = self.stack.get(position)
            {
                self.stack.note_use(local, base);
            }
        }
        self.stack.truncate(base);
        debug_assert!(
            self.stack.detached(tree).accs == 0 || self.reader(base).is_none(),
            "nobody reads the home of what owns an accumulator"
        );
        self.stack.push_tree(ty, tree);
        self.work += 1;
        Ok(())
    }

    /// Finds a place for every value from `base` on, of which there are at
    /// most three. Afterwards each is a constant, in a slot or in the
    /// accumulator of its type, of which there is at most one per accumulator.
    ///
    /// With `slots_only` all of them are in slots.
    pub(crate) fn gather(&mut self, base: usize, slots_only: bool) -> Result<Leaves, Stop> {
        self.gather_but(base, slots_only, 0)
    }

    /// The same but for the values that `keep` names by a bit for each, which
    /// stay pending trees; what is returned for them means nothing.
    pub(crate) fn gather_but(
        &mut self,
        base: usize,
        slots_only: bool,
        keep: u8,
    ) -> Result<Leaves, Stop> {
        let end = self.stack.height();
        let pending = self.stack.trees_from(base) & !keep;
        match pending.count_ones() {
            0 => {}
            1 if !slots_only => {
                self.gather_last(base + pending.trailing_zeros() as usize, base)?;
            }
            _ => {
                for class in Class::ALL {
                    self.gather_trees(class, base, slots_only, keep)?;
                }
            }
        }
        let mut leaves = Leaves::new();
        for position in base..end {
            leaves.push(match keep >> (position - base) & 1 {
                1 => Operand::Imm(0),
                _ => self.place(position, base, slots_only)?,
            });
        }
        // Finding a place for one may have moved another home.
        self.refresh(base, &mut leaves)?;
        Ok(leaves)
    }

    /// Emits the operands that are trees of one class: one of them to the
    /// accumulator, the others to their homes.
    fn gather_trees(
        &mut self,
        class: Class,
        base: usize,
        slots_only: bool,
        keep: u8,
    ) -> Result<(), Stop> {
        let mut trees = ArrayVec::<usize, 3>::new();
        let mut candidates = self.stack.trees_from(base) & !keep;
        while candidates != 0 {
            let position = base + candidates.trailing_zeros() as usize;
            candidates &= candidates - 1;
            if self
                .stack
                .get(position)
                .is_some_and(|entry| entry.class() == class)
            {
                trees.push(position);
            }
        }
        // The last one stays in the accumulator; better one that does not
        // itself depend on an accumulator which the others would overwrite.
        let last = trees
            .iter()
            .rposition(|position| !self.stack.owns(*position));
        let last = last.or(trees.len().checked_sub(1)).filter(|_| !slots_only);
        let last = last.and_then(|index| trees.pop_at(index));
        for position in trees {
            self.settle(position)?;
        }
        match last {
            Some(position) => self.gather_last(position, base),
            None => Ok(()),
        }
    }

    /// Emits the operand to the accumulator that stays there.
    fn gather_last(&mut self, position: usize, base: usize) -> Result<(), Stop> {
        // The result takes the place of `base` and reads the accumulator.
        self.clear_readers(base)?;
        self.force_to_acc(position)
    }

    /// The leaf for an operand that is not a tree.
    fn place(&mut self, position: usize, base: usize, slots_only: bool) -> Result<Operand, Stop> {
        let Some(entry) = self.stack.get(position) else {
            return Ok(Operand::Slot(self.frame.home(position)?));
        };
        if let Some(leaf) = place(&mut self.frame, entry, position, slots_only)? {
            return Ok(leaf);
        }
        match entry.value {
            Value::Acc => Ok(Operand::Acc),
            Value::Const(_) if !slots_only => self.materialize(position, base),
            _ => {
                self.settle(position)?;
                Ok(Operand::Slot(self.frame.home(position)?))
            }
        }
    }

    /// Gives a constant a place: the accumulator, unless another operand is
    /// there.
    fn materialize(&mut self, position: usize, base: usize) -> Result<Operand, Stop> {
        if let Some(Entry {
            ty,
            value: Value::Const(bits),
        }) = self.stack.get(position)
        {
            let class = Class::of(ty);
            if self.stack.owner(class).is_none_or(|owner| owner < base) {
                self.vacate(class, position)?;
                self.clear_readers(base)?;
                self.clear_readers(position)?;
                self.copy_const(ty, bits, Operand::R)?;
                self.stack.set(position, Value::Acc);
                return Ok(Operand::Acc);
            }
        }
        self.settle(position)?;
        Ok(Operand::Slot(self.frame.home(position)?))
    }

    /// Moves operands until `fits` says that the table has a form for them:
    /// immediates to an accumulator or a slot, then accumulators to slots.
    pub(crate) fn fit(
        &mut self,
        base: usize,
        leaves: &mut Leaves,
        fits: impl Fn(&Leaves) -> bool,
    ) -> Result<(), Stop> {
        while !fits(leaves) {
            let immediate = leaves
                .iter()
                .position(|leaf| matches!(leaf, Operand::Imm(_)));
            let acc = leaves.iter().position(|leaf| matches!(leaf, Operand::Acc));
            match (immediate, acc) {
                (Some(index), _) => {
                    leaves[index] = self.materialize(base + index, base)?;
                    // Making room may have moved another operand home.
                    self.refresh(base, leaves)?;
                }
                (None, Some(index)) => {
                    self.settle(base + index)?;
                    self.refresh(base, leaves)?;
                }
                // Every operation has a form of slots; should one have none,
                // encoding it reports which.
                (None, None) => break,
            }
        }
        Ok(())
    }

    /// Reads again where the operands are.
    fn refresh(&mut self, base: usize, leaves: &mut Leaves) -> Result<(), Stop> {
        for (index, leaf) in leaves.iter_mut().enumerate() {
            if matches!(leaf, Operand::Acc)
                && matches!(
                    self.stack.get(base + index),
                    Some(Entry {
                        value: Value::Home,
                        ..
                    })
                )
            {
                *leaf = Operand::Slot(self.frame.home(base + index)?);
            }
        }
        Ok(())
    }

    /// Pops the topmost value and branches to `label` if it is not zero, or
    /// with `negate` if it is.
    pub(crate) fn branch_on_top(&mut self, label: Label, negate: bool) -> Result<(), Stop> {
        let top = self.stack.height().saturating_sub(1);
        let branch = |negate: bool| match negate {
            false => Operand::BrIf(label.into()),
            true => Operand::BrUnless(label.into()),
        };
        let root = self.stack.tree(top).map(Tree::root);
        let branched = match root {
            Some(TreeOp::IntCompare(op)) => {
                let op = if negate { negated(op) } else { op };
                Some((TreeOp::IntCompare(op), branch(false)))
            }
            Some(TreeOp::IntTest(op)) => {
                let op = if negate { negated_test(op) } else { op };
                Some((TreeOp::IntTest(op), branch(false)))
            }
            // With a NaN no comparison is true: there is no opposite.
            Some(root @ TreeOp::FloatCompare(_)) => Some((root, branch(negate))),
            _ => None,
        };
        if let Some((root, dst)) = branched
            && let Some(tree) = self.stack.detach(top)
        {
            self.stack.detached_mut(tree).set_root(root);
            self.stack.pop();
            return self.emit_detached(tree, dst);
        }
        let op = if negate {
            IntTest::I32Eqz
        } else {
            IntTest::I32Nez
        };
        let op = TreeOp::IntTest(op);
        let tree = match self.tile_of(op, top, &IN_ORDER[..1])? {
            Some(tree) => tree,
            None => {
                let mut places = self.gather(top, false)?;
                self.fit(top, &mut places, |places| {
                    !matches!(places.first(), Some(Operand::Imm(_)))
                })?;
                self.new_single(op, &places, &IN_ORDER[..1])
            }
        };
        self.stack.pop();
        self.emit_detached(tree, branch(false))
    }

    /// Translates a `select`.
    pub(crate) fn select(&mut self) -> Result<(), Stop> {
        let height = self.stack.height();
        let ty = height
            .checked_sub(3)
            .and_then(|lhs| self.stack.get(lhs))
            .map(|entry| entry.ty);
        let ty = ty.unwrap_or(ValType::I32);
        let op = match Class::of(ty) {
            Class::Int => TreeOp::IntSelect,
            Class::F32 => TreeOp::FloatSelect(FloatSelect::F32Select),
            Class::F64 => TreeOp::FloatSelect(FloatSelect::F64Select),
        };
        // Wasm has the condition last, the table has it first.
        self.push_reordered(op, ty, &[2, 0, 1])
    }
}

/// Where an instruction finds the value at a position, if nothing has to be emitted before.
#[inline]
fn place(
    frame: &mut Frame,
    entry: Entry,
    position: usize,
    slots_only: bool,
) -> Result<Option<Operand>, Stop> {
    Ok(match entry.value {
        Value::Const(bits) if !slots_only => immediate(entry.ty, bits).map(Operand::Imm),
        Value::Local(local) => Some(Operand::Slot(frame.local(local)?)),
        Value::Home => Some(Operand::Slot(frame.home(position)?)),
        Value::Const(_) | Value::Acc | Value::Tree(_) => None,
    })
}

/// Operands in the order of the stack.
const IN_ORDER: [usize; 3] = [0, 1, 2];

/// The second operand first.
const REVERSED: &[usize] = &[1, 0];

impl Tree {
    /// Makes an empty tree one of a single operation; what is on the stack, and the operand
    /// after that, is still missing.
    #[inline]
    fn begin_single(&mut self, op: TreeOp, offset: u32) {
        self.ops.push(op);
        (self.shape, self.op) = (None, Some(op.op()));
        self.is_ordered = op.is_ordered();
        if let Some(head) = op.head() {
            self.push_leaf(head, Class::Int);
        }
        if op.traps() {
            self.sites.push(offset);
        }
    }

    /// Makes an empty tree one of a single operation with its operands at `places`, in the order
    /// of the stack.
    fn become_single(&mut self, op: TreeOp, places: &Leaves, order: &[usize], offset: u32) {
        self.begin_single(op, offset);
        for (index, &source) in order.iter().enumerate() {
            self.push_leaf(places[source], op.leaf_class(index));
        }
        if let Some(tail) = op.tail() {
            self.push_leaf(tail, Class::Int);
        }
    }
}

impl TreeOp {
    /// Whether the table has a form of the operation with operands at these places.
    #[inline]
    fn has_form_with(self, places: &Leaves, order: &[usize]) -> bool {
        let mut kinds = Kinds::default().and(Kind::R);
        if let Some(head) = self.head() {
            kinds = kinds.and(head.kind());
        }
        for &source in order {
            kinds = kinds.and(places[source].kind());
        }
        if let Some(tail) = self.tail() {
            kinds = kinds.and(tail.kind());
        }
        self.op().form_of(kinds).is_some()
    }
}
