//! Appends instructions, and knows what the accumulators hold besides.
//!
//! An instruction that writes its accumulator and a slot leaves the same value
//! in both, until one of them changes. [`Known`] remembers that, so that the
//! next instruction reads the accumulator instead of waiting for the slot.

use arrayvec::ArrayVec;
use damson_core::types::ValType;
use damson_ir::{Label, Operand, Operation, Slot};

use super::typing::{Class, immediate};
use super::value::{Leaf, Tree, TreeOp, has_form};
use super::{FuncTranslator, Stop};

/// For each accumulator the slot that holds the same value.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Known {
    slots: [Option<Slot>; 3],
}

impl Known {
    /// The accumulators may hold anything.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// A slot changes.
    fn slot_written(&mut self, slot: Slot) {
        for known in &mut self.slots {
            if *known == Some(slot) {
                *known = None;
            }
        }
    }

    /// An accumulator changes; `slot` receives the same value.
    pub(crate) fn acc_written(&mut self, class: Class, slot: Option<Slot>) {
        if let Some(slot) = slot {
            self.slot_written(slot);
        }
        self.slots[class as usize] = slot;
    }

    fn holds(&self, class: Class, slot: Slot) -> bool {
        self.slots[class as usize] == Some(slot)
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
        if self.mark_all {
            self.mark_offset();
        }
        self.builder.push(op, operands)?;
        self.note_effects(operands, result);
        Ok(())
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
        self.builder.mark_offset(self.offset);
    }

    /// Appends the instruction of a tree.
    ///
    /// The accumulators that it writes and reads are free: see
    /// [`flush`](super::flush).
    pub(crate) fn emit_tree(&mut self, tree: &Tree, dst: Operand) -> Result<(), Stop> {
        let leaves = self.leaf_operands(tree.op, dst, &tree.leaves);
        let operands = tree.op.operands(dst, &leaves);
        if tree.op.traps() || self.mark_all {
            self.builder.mark_offset(tree.offset);
        }
        self.work += 1;
        tree.op.push(&mut self.builder, &operands)?;
        // A branch has a tree's operation but writes no accumulator.
        if dst.target().is_none() {
            self.note_effects(&operands, Some(tree.op.result_class()));
        }
        Ok(())
    }

    /// The leaves as operands; the slot that an accumulator is known to equal
    /// is replaced by the accumulator where the table has such a form.
    fn leaf_operands(&self, op: TreeOp, dst: Operand, leaves: &[Leaf]) -> ArrayVec<Operand, 3> {
        let mut operands: ArrayVec<Operand, 3> = leaves.iter().map(|leaf| leaf.operand()).collect();
        for (index, leaf) in leaves.iter().enumerate() {
            let Leaf::Slot(slot) = *leaf else { continue };
            if !self.known.holds(op.leaf_class(index), slot) {
                continue;
            }
            operands[index] = Operand::Acc;
            if !op.has_form(dst, &operands) {
                operands[index] = Operand::Slot(slot);
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
        leaf: Leaf,
        with: impl Fn(Operand) -> ArrayVec<Operand, 8>,
    ) -> Operand {
        match leaf {
            Leaf::Slot(slot)
                if self.known.holds(class, slot) && has_form(op.op(), &with(Operand::Acc)) =>
            {
                Operand::Acc
            }
            _ => leaf.operand(),
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
            return self.emit(class.copy(), &to_acc, Some(class));
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
