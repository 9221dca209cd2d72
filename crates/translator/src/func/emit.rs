//! Appends instructions, and knows what the accumulators hold besides.
//!
//! An instruction that writes its accumulator and a slot leaves the same value
//! in both, until one of them changes. [`Known`] remembers that, so that the
//! next instruction reads the accumulator instead of waiting for the slot.

use arrayvec::ArrayVec;
use damson_core::types::ValType;
use damson_ir::{
    CopyValue, EncodeError, FunctionBuilder, Kind, Kinds, Label, MAX_PARTS, Op, Opcode, Operand,
    Operation, Slot,
};

use super::tile::{begins_sequence, sequence};
use super::typing::{Class, immediate};
use super::value::{TreeOp, has_form, mirrored};
use super::{FuncTranslator, Stop};

/// For each accumulator the slots that hold the same value, at most two.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    slots: [[Slot; 2]; 3],
}

/// No slot: frames have none with this number.
const NONE: Slot = Slot(u16::MAX);

impl Default for Known {
    fn default() -> Self {
        Self {
            slots: [[NONE; 2]; 3],
        }
    }
}

impl Known {
    /// The accumulators may hold anything.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// A slot changes.
    fn slot_written(&mut self, slot: Slot) {
        for known in self.slots.as_flattened_mut() {
            *known = if *known == slot { NONE } else { *known };
        }
    }

    /// A slot receives what the accumulator holds.
    fn acc_copied(&mut self, class: Class, slot: Slot) {
        self.slot_written(slot);
        let [first, second] = &mut self.slots[class as usize];
        let free = if *first == NONE { first } else { second };
        *free = slot;
    }

    /// An accumulator changes; `slot` receives the same value.
    pub(crate) fn acc_written(&mut self, class: Class, slot: Option<Slot>) {
        if let Some(slot) = slot {
            self.slot_written(slot);
        }
        self.slots[class as usize] = [slot.unwrap_or(NONE), NONE];
    }

    /// The slots that hold the same as the accumulator.
    pub(crate) fn slots(&self, class: Class) -> [Option<Slot>; 2] {
        self.slots[class as usize].map(|slot| Some(slot).filter(|slot| *slot != NONE))
    }

    fn holds(&self, class: Class, slot: Slot) -> bool {
        self.slots[class as usize].contains(&slot)
    }

    /// What changes by an instruction with this destination, if it is one, which receives a
    /// value of the class `result`. A branch writes no accumulator.
    #[inline]
    fn note_result(&mut self, dst: Operand, result: Option<Class>) {
        match (dst, result) {
            (Operand::To(slot), _) => self.slot_written(slot),
            (Operand::Rs(slot), Some(result)) => self.acc_written(result, Some(slot)),
            (Operand::R, Some(result)) => self.acc_written(result, None),
            _ => {}
        }
    }

    /// Replaces slots by the accumulators that are known to hold the same, where the table has
    /// such a form of `op`. The last operands are leaves that use accumulators of `classes`.
    /// `kinds` are those of the operands; returns what becomes of them.
    #[inline]
    pub(crate) fn replace_slots(
        &self,
        op: Op,
        mut kinds: Kinds,
        operands: &mut [Operand],
        classes: &[Class],
    ) -> Kinds {
        let first = operands.len().saturating_sub(classes.len());
        let leaves = operands.iter_mut().skip(first).zip(classes);
        for (index, (leaf, class)) in leaves.enumerate() {
            if let Operand::Slot(slot) = *leaf
                && self.holds(*class, slot)
            {
                let replaced = kinds.with(classes.len() - 1 - index, Kind::Acc);
                if op.form_of(replaced).is_some() {
                    (*leaf, kinds) = (Operand::Acc, replaced);
                }
            }
        }
        kinds
    }
}

/// The instruction that was appended last.
#[derive(Debug, Default)]
pub(crate) struct Last {
    /// `None` if it cannot become one with the next.
    op: Option<Op>,
    /// The single operations that it consists of.
    parts: ArrayVec<Op, MAX_PARTS>,
    /// The kinds of its operands.
    kinds: Kinds,
    at: usize,
    end: usize,
    /// How many of its operations can trap.
    sites: usize,
}

impl Last {
    /// Nothing is to become one with what follows.
    pub(crate) fn forget(&mut self) {
        self.op = None;
    }

    /// Appends an instruction behind this one, or makes one of both if the table has it.
    /// `mark` is the operator it was made at, if that is to be known of every instruction.
    fn append(
        &mut self,
        builder: &mut FunctionBuilder,
        mark: Option<u32>,
        op: Op,
        kinds: Kinds,
        operands: &[Operand],
        sites: &[u32],
    ) -> Result<(), Stop> {
        let opcode = match self.fuse(builder, op, kinds, operands.len()) {
            Some(opcode) => opcode,
            None => {
                self.op = None;
                if begins_sequence(op.family()) {
                    (self.op, self.kinds) = (Some(op), kinds);
                    self.parts = op.parts();
                }
                (self.at, self.sites) = (builder.position(), 0);
                op.form_of(kinds)
                    .ok_or_else(|| EncodeError::new(op, operands))?
            }
        };
        builder.write(self.at, opcode, operands);
        self.end = builder.position();
        if let (0, Some(offset)) = (self.sites, mark) {
            builder.mark_site(self.at, 0, offset);
        }
        for offset in sites {
            builder.mark_site(self.at, self.sites, *offset);
            self.sites += 1;
        }
        Ok(())
    }

    /// Becomes what this instruction and the next are together, if the table has it; returns
    /// the opcode of that. The next one has `count` operands of these kinds. If the table has it
    /// not, the next takes the place of this one.
    fn fuse(
        &mut self,
        builder: &FunctionBuilder,
        op: Op,
        kinds: Kinds,
        count: usize,
    ) -> Option<Opcode> {
        let first = self.op?;
        let shape = sequence(first, op.family())?;
        if self.end != builder.position() || builder.is_bound_after(self.at) {
            return None;
        }
        self.parts.try_extend_from_slice(&op.parts()).ok()?;
        let fused = Op::tile(shape, &self.parts)?;
        let kinds = self.kinds.followed_by(kinds, count);
        let opcode = fused.form_of(kinds)?;
        (self.op, self.kinds) = (Some(fused), kinds);
        Some(opcode)
    }
}

impl FuncTranslator<'_> {
    /// Appends an instruction whose destination, if it has one, receives a
    /// value of the class `result`.
    ///
    /// Slots that are not among the operands are the caller's business.
    pub(crate) fn emit(
        &mut self,
        op: impl Operation,
        operands: &[Operand],
        result: Option<Class>,
    ) -> Result<(), Stop> {
        self.work += 1;
        let site = self.site.take();
        let mark = self.mark_all.then_some(self.offset);
        let kinds = Kinds::of_operands(operands);
        let (last, builder) = (&mut self.last, &mut self.builder);
        last.append(builder, mark, op.op(), kinds, operands, site.as_slice())?;
        if let Some(dst) = operands.first() {
            self.known.note_result(*dst, result);
        }
        Ok(())
    }

    /// Says that the next instruction can trap or call, and for which operator.
    pub(crate) fn mark_offset(&mut self) {
        self.site = Some(self.offset);
    }

    /// Appends the instruction of a tree that is not on the stack, and frees it.
    ///
    /// The accumulators that it writes and reads are free: see
    /// [`flush`](super::flush).
    pub(crate) fn emit_detached(&mut self, id: u32, dst: Operand) -> Result<(), Stop> {
        self.work += 1;
        let mark = self.mark_all.then_some(self.offset);
        let tree = self.stack.detached_mut(id);
        let (mut op, root) = (tree.op.ok_or(Stop::Operator)?, tree.root());
        tree.operands[0] = dst;
        let (operands, classes) = (&mut tree.operands, &tree.classes);
        let kinds = Kinds::default().and(dst.kind());
        let kinds = kinds.followed_by(tree.kinds, classes.len());
        let mut kinds = self.known.replace_slots(op, kinds, operands, classes);
        if tree.shape.is_some() {
            if op.form_of(kinds).is_none() {
                return self.emit_in_two(id, dst);
            }
        } else if let TreeOp::IntCompare(compare) = root
            && let [Operand::BrIf(_), Operand::Slot(_), Operand::Acc] = operands[..]
        {
            // Sequences have no forms of comparing branches with only the second operand in
            // the accumulator: the other way round they have.
            operands.swap(1, 2);
            (op, kinds) = (mirrored(compare).op(), Kinds::of_operands(operands));
        }
        self.last
            .append(&mut self.builder, mark, op, kinds, operands, &tree.sites)?;
        self.known.note_result(dst, Some(root.result_class()));
        self.stack.free_tree(id);
        Ok(())
    }

    /// Appends a test or comparison that would be one instruction with a
    /// branch only: first its operand, then itself.
    #[cold]
    fn emit_in_two(&mut self, id: u32, dst: Operand) -> Result<(), Stop> {
        let (inner, outer) = self.stack.detached(id).in_two();
        *self.stack.detached_mut(id) = inner;
        self.emit_detached(id, Operand::R)?;
        let id = self.stack.new_tree();
        *self.stack.detached_mut(id) = outer;
        self.emit_detached(id, dst)
    }

    /// Appends the instruction of a tree that has no result and is not on the stack, and frees
    /// it. `head` is its operand before the leaves.
    pub(crate) fn emit_statement(&mut self, id: u32, head: Option<Operand>) -> Result<(), Stop> {
        self.work += 1;
        let mark = self.mark_all.then_some(self.offset);
        let tree = self.stack.detached_mut(id);
        let op = tree.op.ok_or(Stop::Operator)?;
        let (kinds, classes) = (tree.kinds, &tree.classes);
        let (operands, kinds) = match head {
            Some(head) => {
                tree.operands[0] = head;
                let kinds = Kinds::default()
                    .and(head.kind())
                    .followed_by(kinds, classes.len());
                (&mut tree.operands[..], kinds)
            }
            None => (&mut tree.operands[1..], kinds),
        };
        let kinds = self.known.replace_slots(op, kinds, operands, classes);
        self.last
            .append(&mut self.builder, mark, op, kinds, operands, &tree.sites)?;
        self.stack.free_tree(id);
        Ok(())
    }

    /// The operand of a statement: the accumulator instead of `leaf` if it is
    /// known to hold the same and `with` gives an instruction that exists.
    pub(crate) fn prefer_acc(
        &self,
        op: impl Operation,
        class: Class,
        leaf: Operand,
        with: impl Fn(Operand) -> ArrayVec<Operand, 8>,
    ) -> Operand {
        match leaf {
            Operand::Slot(slot)
                if self.known.holds(class, slot) && has_form(op.op(), &with(Operand::Acc)) =>
            {
                Operand::Acc
            }
            _ => leaf,
        }
    }

    /// Copies a constant. With the destination `To` no accumulator changes.
    pub(crate) fn copy_const(&mut self, ty: ValType, bits: u64, dst: Operand) -> Result<(), Stop> {
        let class = Class::of(ty);
        let src = immediate(ty, bits).map_or(Operand::Imm64(bits), Operand::Imm);
        self.emit(class.copy(), &[dst, src], Some(class))
    }

    /// Copies a slot. With the destination `To` no accumulator changes.
    pub(crate) fn copy_slot(&mut self, class: Class, src: Slot, dst: Operand) -> Result<(), Stop> {
        let to_acc = [dst, Operand::Acc];
        if self.known.holds(class, src) && has_form(class.copy().op(), &to_acc) {
            self.emit(class.copy(), &to_acc, Some(class))?;
            if let Operand::To(slot) = dst {
                self.known.acc_copied(class, slot);
            }
            return Ok(());
        }
        if matches!(dst, Operand::To(_)) {
            // A cell is a cell: one instruction less to be met in sequences.
            return self.emit(CopyValue::IntCopy, &[dst, Operand::Slot(src)], Some(class));
        }
        self.emit(class.copy(), &[dst, Operand::Slot(src)], Some(class))
    }

    /// Binds a label that code reaches from elsewhere: the accumulators may
    /// hold anything.
    pub(crate) fn bind(&mut self, label: Label) {
        self.builder.bind(label);
        self.known.forget();
    }
}
