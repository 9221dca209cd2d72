//! Values that a short loop carries in the accumulator from round to round.
//!
//! At a label the accumulator may hold anything, so the first instruction of a
//! loop reads a slot that the last one of the round before has just written,
//! and waits for it. In a loop of a few instructions that wait is most of the
//! time. If all ways back to the beginning leave in the accumulator what the
//! slot holds, the first instruction reads the accumulator instead, and the way
//! in loads it once.
//!
//! Whether that is so is known at the end of the loop. The instruction on the
//! way in is inserted then, which moves the loop: that is why only short ones
//! are considered, and why the work stays linear.

use damson_ir::{CopyValue, Family, Instr, Label, Op, Operand, Slot};

use super::typing::Class;
use super::value::has_form;
use super::{FuncTranslator, Stop};

/// Cells of code of the longest loop that carries a value: about three
/// instructions. In a longer one the wait is hidden behind other work.
const MOST_CELLS: usize = 12;

/// Labels in the longest such loop.
const MOST_LABELS: usize = 8;

/// What the ways back to the beginning of a loop leave in the accumulator.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Carried {
    /// There is no way back yet.
    #[default]
    Unknown,
    /// What one of these slots holds.
    Slots([Option<Slot>; 2]),
}

impl Carried {
    /// Adds a way back.
    pub(crate) fn meet(&mut self, slots: [Option<Slot>; 2]) {
        *self = Self::Slots(match *self {
            Self::Unknown => slots,
            Self::Slots(before) => before.map(|slot| slot.filter(|_| slots.contains(&slot))),
        });
    }

    fn holds(self, slot: Slot) -> bool {
        matches!(self, Self::Slots(slots) if slots.contains(&Some(slot)))
    }
}

impl FuncTranslator<'_> {
    /// The slots that hold the same as the integer accumulator.
    pub(crate) fn int_acc(&self) -> [Option<Slot>; 2] {
        self.known.slots(Class::Int)
    }

    /// At the end of a loop with this label and these ways back: lets its first instruction
    /// read the accumulator if that pays. `entry` is what the accumulator holds on the way in.
    pub(crate) fn carry(
        &mut self,
        label: Label,
        carried: Carried,
        entry: [Option<Slot>; 2],
    ) -> Result<(), Stop> {
        let (Carried::Slots(_), Some(start)) = (carried, self.builder.bound_at(label)) else {
            return Ok(());
        };
        if self.builder.position() - start > MOST_CELLS {
            return Ok(());
        }
        self.work += 1;
        let Some((at, index, slot)) = self.first_read(start, carried) else {
            return Ok(());
        };
        if !self.is_alone(label, start, at) {
            return Ok(());
        }
        if self.builder.patch_operand(at, index, Operand::Acc).is_err() {
            // The form with the accumulator is shorter: the slot does as well.
            return Ok(());
        }
        // What follows must not be made one with instructions as they were.
        self.last.forget();
        if entry.contains(&Some(slot)) {
            return Ok(());
        }
        let load = [Operand::R, Operand::Slot(slot)];
        let cells = self
            .builder
            .insert(start, label, CopyValue::IntCopy, &load)?;
        for point in self.fuel_points.iter_mut().rev() {
            if point.at < start {
                break;
            }
            point.at += cells;
        }
        Ok(())
    }

    /// Whether no label in the loop is bound between its beginning and the instruction at the
    /// cell `at`: whoever comes from there has something else in the accumulator. Loops with
    /// many labels are not looked at.
    fn is_alone(&self, label: Label, start: usize, at: usize) -> bool {
        let mut labels = self.builder.labels_after(label);
        let between = start..=at;
        labels.len() <= MOST_LABELS
            && labels.all(|inner| inner.is_none_or(|cell| !between.contains(&cell)))
    }

    /// The first instruction of a loop that does something, its first operand among `carried`,
    /// and that operand's slot, if the table has a form with the accumulator there.
    fn first_read(&self, start: usize, carried: Carried) -> Option<(usize, usize, Slot)> {
        let mut at = start;
        let mut instr = self.builder.instr_at(at).ok()?;
        while matches!(
            instr.opcode.family(),
            Family::ConsumeFuel | Family::CheckEpoch
        ) {
            at += instr.cells();
            if at >= self.builder.position() {
                return None;
            }
            instr = self.builder.instr_at(at).ok()?;
        }
        let count = first_part_operands(&instr)?;
        let mut operands = instr.operands.clone();
        for index in 0..count {
            let Operand::Slot(slot) = operands[index] else {
                continue;
            };
            if !carried.holds(slot) {
                continue;
            }
            operands[index] = Operand::Acc;
            if has_form(instr.opcode.op(), &operands) {
                return Some((at, index, slot));
            }
            operands[index] = Operand::Slot(slot);
        }
        None
    }
}

/// How many operands of an instruction are read from the integer accumulator as it is before
/// the instruction, if they are in it.
fn first_part_operands(instr: &Instr<'_>) -> Option<usize> {
    let op = instr.opcode.op();
    let first = match op.shape() {
        None => op,
        Some(shape) if shape.is_sequence() => *op.instructions().first()?,
        Some(_) => return None,
    };
    reads_int(first).then(|| first.family().info().operands.len())
}

/// Whether the operands of an operation are integers.
fn reads_int(op: Op) -> bool {
    match op.family() {
        Family::IntBinary | Family::IntCompare | Family::IntTest | Family::Load => true,
        Family::CopyValue => op == damson_ir::Operation::op(CopyValue::IntCopy),
        _ => false,
    }
}
