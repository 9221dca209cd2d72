//! Appends instructions, and knows what the accumulators hold besides.
//!
//! An instruction that writes its accumulator and a slot leaves the same value
//! in both, until one of them changes. [`Known`] remembers that, so that the
//! next instruction reads the accumulator instead of waiting for the slot.

use arrayvec::ArrayVec;
use damson_core::types::ValType;
use damson_ir::{
    CopyValue, FunctionBuilder, Kinds, Label, MAX_PARTS, Op, Operand, Operands, Operation, Slot,
};

use super::tile::{begins_sequence, sequence};
use super::typing::{Class, immediate};
use super::value::{Tree, TreeOp, has_form, mirrored};
use super::{FuncTranslator, Stop};

/// For each accumulator the slots that hold the same value, at most two.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Known {
    slots: [[Option<Slot>; 2]; 3],
}

impl Known {
    /// The accumulators may hold anything.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    fn is_nothing(&self) -> bool {
        self.slots.as_flattened().iter().all(Option::is_none)
    }

    /// A slot changes.
    fn slot_written(&mut self, slot: Slot) {
        for known in self.slots.as_flattened_mut() {
            if *known == Some(slot) {
                *known = None;
            }
        }
    }

    /// A slot receives what the accumulator holds.
    fn acc_copied(&mut self, class: Class, slot: Slot) {
        self.slot_written(slot);
        let [first, second] = &mut self.slots[class as usize];
        if first.is_none() {
            *first = Some(slot);
        } else {
            *second = Some(slot);
        }
    }

    /// An accumulator changes; `slot` receives the same value.
    pub(crate) fn acc_written(&mut self, class: Class, slot: Option<Slot>) {
        if let Some(slot) = slot {
            self.slot_written(slot);
        }
        self.slots[class as usize] = [slot, None];
    }

    /// The slots that hold the same as the accumulator.
    pub(crate) fn slots(&self, class: Class) -> [Option<Slot>; 2] {
        self.slots[class as usize]
    }

    fn holds(&self, class: Class, slot: Slot) -> bool {
        self.slots[class as usize].contains(&Some(slot))
    }
}

/// The instruction that was appended last.
#[derive(Debug, Default)]
pub(crate) struct Last {
    /// `None` if it cannot become one with the next.
    op: Option<Op>,
    at: usize,
    end: usize,
    operands: Operands,
    sites: ArrayVec<u32, MAX_PARTS>,
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
        operands: &[Operand],
        sites: &[u32],
    ) -> Result<(), Stop> {
        if let Some(fused) = self.fuse(builder, op, operands, sites) {
            builder.truncate(self.at);
            mark_sites(builder, mark, &self.sites);
            builder.push(fused, &self.operands)?;
            self.op = Some(fused);
            self.end = builder.position();
            return Ok(());
        }
        self.op = None;
        if begins_sequence(op.family()) {
            self.op = Some(op);
            self.at = builder.position();
            self.operands.clear();
            self.operands.try_extend_from_slice(operands).ok();
            self.sites.clear();
            self.sites.try_extend_from_slice(sites).ok();
        }
        mark_sites(builder, mark, sites);
        builder.push(op, operands)?;
        self.end = builder.position();
        Ok(())
    }

    /// What this instruction and the next become together, if they do: then this one has the
    /// operands of both.
    fn fuse(
        &mut self,
        builder: &FunctionBuilder,
        op: Op,
        operands: &[Operand],
        sites: &[u32],
    ) -> Option<Op> {
        let first = self.op?;
        let shape = sequence(first, op.family())?;
        if self.end != builder.position() || builder.is_bound_after(self.at) {
            return None;
        }
        let mut parts = first.parts();
        parts.try_push(op).ok()?;
        let fused = Op::tile(shape, &parts)?;
        fused.form_of(Kinds::of_operands(&self.operands).and_operands(operands))?;
        // What the table has a form for is not more than an instruction can have.
        self.operands.try_extend_from_slice(operands).ok()?;
        self.sites.try_extend_from_slice(sites).ok()?;
        Some(fused)
    }
}

/// Marks the next instruction with the operators that can trap.
fn mark_sites(builder: &mut FunctionBuilder, mark: Option<u32>, sites: &[u32]) {
    if let Some(offset) = mark {
        builder.mark_offset(offset);
    }
    for (index, offset) in sites.iter().enumerate() {
        builder.mark_site(index, *offset);
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
        let site = self.site.take();
        self.append(op.op(), operands, site.as_slice())?;
        self.note_effects(operands, result);
        Ok(())
    }

    /// Appends an instruction, or makes one of the last instruction and this
    /// one if the table has it. `sites` are the operators that can trap, in
    /// the order of execution.
    pub(crate) fn append(
        &mut self,
        op: Op,
        operands: &[Operand],
        sites: &[u32],
    ) -> Result<(), Stop> {
        self.work += 1;
        let mark = self.mark_all.then_some(self.offset);
        self.last
            .append(&mut self.builder, mark, op, operands, sites)
    }

    fn note_effects(&mut self, operands: &[Operand], result: Option<Class>) {
        for operand in operands {
            match *operand {
                Operand::To(slot) => self.known.slot_written(slot),
                Operand::Rs(slot) => {
                    if let Some(class) = result {
                        self.known.acc_written(class, Some(slot));
                    }
                }
                Operand::R => {
                    if let Some(class) = result {
                        self.known.acc_written(class, None);
                    }
                }
                _ => {}
            }
        }
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
        let tree = self.stack.detached(id);
        let (op, operands) = self.tree_instr(dst, tree)?;
        if tree.shape.is_some() && !has_form(op, &operands) {
            let (inner, outer) = tree.in_two();
            self.stack.free_tree(id);
            return self.emit_in_two(&inner, &outer, dst);
        }
        let class = tree.root().result_class();
        let mark = self.mark_all.then_some(self.offset);
        self.work += 1;
        self.last
            .append(&mut self.builder, mark, op, &operands, &tree.sites)?;
        self.stack.free_tree(id);
        self.note_result(&operands, class);
        Ok(())
    }

    fn emit_tree(&mut self, tree: &Tree, dst: Operand) -> Result<(), Stop> {
        let (op, operands) = self.tree_instr(dst, tree)?;
        if tree.shape.is_some() && !has_form(op, &operands) {
            let (inner, outer) = tree.in_two();
            return self.emit_in_two(&inner, &outer, dst);
        }
        self.append(op, &operands, &tree.sites)?;
        self.note_result(&operands, tree.root().result_class());
        Ok(())
    }

    /// Notes what the instruction of a tree does, of which the result has a class.
    fn note_result(&mut self, operands: &[Operand], class: Class) {
        // A branch has a tree's operation but writes no accumulator.
        if operands.first().is_some_and(|dst| dst.target().is_none()) {
            self.note_effects(operands, Some(class));
        }
    }

    /// Appends a test or comparison that would be one instruction with a
    /// branch only: first its operand, then itself.
    fn emit_in_two(&mut self, inner: &Tree, outer: &Tree, dst: Operand) -> Result<(), Stop> {
        self.emit_tree(inner, Operand::R)?;
        self.emit_tree(outer, dst)
    }

    /// The instruction of a tree.
    fn tree_instr(&self, dst: Operand, tree: &Tree) -> Result<(Op, Operands), Stop> {
        let op = tree.op.ok_or(Stop::Operator)?;
        let mut operands = self.with_known_accs(op, Some(dst), &tree.leaves, &tree.classes);
        match (tree.root(), &operands[..]) {
            // Sequences have no forms of comparing branches with only the second operand in
            // the accumulator: the other way round they have.
            (TreeOp::IntCompare(compare), [Operand::BrIf(_), Operand::Slot(_), Operand::Acc])
                if tree.shape.is_none() =>
            {
                operands.swap(1, 2);
                Ok((mirrored(compare).op(), operands))
            }
            _ => Ok((op, operands)),
        }
    }

    /// All operands; the slot that an accumulator is known to equal is replaced by the
    /// accumulator where the table has such a form.
    pub(crate) fn with_known_accs(
        &self,
        op: Op,
        head: Option<Operand>,
        leaves: &[Operand],
        classes: &[Class],
    ) -> Operands {
        let mut operands: Operands = head.into_iter().collect();
        let first = operands.len();
        // A form has no more operands than there is room for.
        operands.try_extend_from_slice(leaves).ok();
        if self.known.is_nothing() {
            return operands;
        }
        for (index, (leaf, class)) in leaves.iter().zip(classes).enumerate() {
            let Operand::Slot(slot) = *leaf else { continue };
            if !self.known.holds(*class, slot) {
                continue;
            }
            operands[first + index] = Operand::Acc;
            if !has_form(op, &operands) {
                operands[first + index] = *leaf;
            }
        }
        operands
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
