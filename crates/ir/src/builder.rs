//! Builds functions: appends instructions, resolves labels.

use crate::code::{MAX_CELLS, pack, replace, set_target, targets_mut};
use crate::{
    BrTable, CopyValue, DecodeError, EncodeError, Family, Function, Instr, InstrRef, Kinds, Label,
    Opcode, Operand, Operands, Operation, ReturnValue, Target, encode,
};
use alloc::vec::Vec;

/// Builds the code of one function.
///
/// Instructions are appended with [`push`](Self::push). A branch names a [`Label`], which
/// [`bind`](Self::bind) places, before or after the branch.
///
/// ```
/// use damson_ir::{FunctionBuilder, IntBinary, Operand, ReturnValue, Slot};
///
/// // fn(a, b) -> (a + b) * 2
/// let mut code = FunctionBuilder::new(2, 1);
/// code.push(IntBinary::I32Add, &[Operand::R, Operand::Slot(Slot(0)), Operand::Slot(Slot(1))])?;
/// code.push(IntBinary::I32Mul, &[Operand::R, Operand::Acc, Operand::Imm(2)])?;
/// code.push(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc])?;
/// let function = code.finish(4)?;
/// assert_eq!(function.frame_cells, 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct FunctionBuilder {
    function: Function,
    /// Where each label is bound.
    labels: Vec<Option<u32>>,
    /// Places that wait for a label.
    fixups: Vec<Fixup>,
    /// Where a label was bound last: earlier instructions belong together with it.
    last_bound: u32,
}

/// A branch target to fill in when all labels are bound.
#[derive(Debug, Clone, Copy)]
struct Fixup {
    /// First cell of the instruction.
    at: u32,
    place: FixupPlace,
    label: Label,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FixupPlace {
    /// The operand that is a target, of which there is one at most.
    Operand,
    /// The target with this index of a `br_table` of which the targets start at this cell.
    Table { first: u32, index: u32 },
}

/// Why a function could not be finished.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The operands of an instruction are of the wrong kinds.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A branch names a label that was not bound.
    #[error("the branch at cell {at} goes to label {label}, which was never bound")]
    UnboundLabel {
        /// First cell of the branch.
        at: u32,
        /// The number of the label.
        label: u32,
    },
    /// The code has more cells than positions can be counted.
    #[error("the function has {found} cells of code, at most {limit} are possible")]
    TooLong {
        /// Number of cells found.
        found: usize,
        /// Number of cells possible.
        limit: usize,
    },
}

impl FunctionBuilder {
    /// Begins a function with numbers of parameters and results.
    #[must_use]
    pub fn new(params: u16, results: u16) -> Self {
        let mut builder = Self::default();
        builder.restart(params, results);
        builder
    }

    /// Forgets everything and begins another function, in the same memory.
    pub fn restart(&mut self, params: u16, results: u16) {
        let Function {
            params: own_params,
            results: own_results,
            frame_cells,
            cells,
            offsets,
        } = &mut self.function;
        (*own_params, *own_results, *frame_cells) = (params, results, 0);
        cells.clear();
        offsets.clear();
        self.labels.clear();
        self.fixups.clear();
        self.last_bound = 0;
    }

    /// The linkage operand of the function's returns and tail calls.
    #[must_use]
    pub fn linkage(&self) -> Operand {
        Operand::Linkage(crate::Slot(self.function.linkage()))
    }

    /// Index of the cell that the next instruction will start at.
    #[must_use]
    pub fn position(&self) -> usize {
        self.function.cells.len()
    }

    /// A label that is not bound yet.
    pub fn new_label(&mut self) -> Label {
        let label = Label(self.labels.len() as u32);
        self.labels.push(None);
        label
    }

    /// Binds a label to the next instruction. Binding it again moves it.
    pub fn bind(&mut self, label: Label) {
        let position = self.position() as u32;
        self.last_bound = position;
        if let Some(bound) = self.labels.get_mut(label.0 as usize) {
            *bound = Some(position);
        }
    }

    /// Says that the next instruction belongs to the Wasm operator at this byte offset.
    pub fn mark_offset(&mut self, wasm_offset: u32) {
        self.mark_site(self.position(), 0, wasm_offset);
    }

    /// The same for the operation `site` of the last or the next instruction, which starts at
    /// the cell `at`, among those that can trap, in the order of execution.
    #[inline]
    pub fn mark_site(&mut self, at: usize, site: usize, wasm_offset: u32) {
        let cell = (at + site) as u32;
        match self.function.offsets.last_mut() {
            Some(last) if last.0 == cell => last.1 = wasm_offset,
            _ => self.function.offsets.push((cell, wasm_offset)),
        }
    }

    /// Whether a label is bound after the start of the instruction at the cell `at`.
    #[must_use]
    pub fn is_bound_after(&self, at: usize) -> bool {
        self.last_bound as usize > at
    }

    /// Appends an instruction; branch targets are labels. Returns the index of its first cell.
    ///
    /// # Errors
    ///
    /// When the table has no form with these kinds of operands.
    pub fn push(&mut self, op: impl Operation, operands: &[Operand]) -> Result<usize, EncodeError> {
        let (op, at) = (op.op(), self.position());
        let opcode = op
            .form_of(Kinds::of_operands(operands))
            .ok_or_else(|| EncodeError::new(op, operands))?;
        self.write(at, opcode, operands);
        Ok(at)
    }

    /// Appends operands to the last instruction, which starts at the cell `at`, and gives it the
    /// opcode that it has with them: so two instructions become a sequence. No label may be
    /// bound in between. At the [position](Self::position) it begins an instruction.
    ///
    /// # Panics
    ///
    /// If `at` is beyond the position.
    #[inline]
    pub fn write(&mut self, at: usize, opcode: Opcode, operands: &[Operand]) {
        debug_assert!(!self.is_bound_after(at));
        let cells = &mut self.function.cells;
        let packed = InstrRef::decode(cells, at).map_or(0, |last| {
            debug_assert_eq!(at + last.cells(), cells.len());
            last.row().bytes
        });
        pack(opcode, at, packed.into(), operands, cells);
        if opcode.row().target_at.is_none() {
            return;
        }
        for operand in operands {
            if let Some(Target::Label(label)) = operand.target() {
                self.fixups.push(Fixup {
                    at: at as u32,
                    place: FixupPlace::Operand,
                    label,
                });
            }
        }
    }

    /// Appends a `br_table`; the default target comes last. Returns the index of its first
    /// cell.
    ///
    /// # Errors
    ///
    /// When `index` is neither a slot nor the accumulator.
    pub fn push_br_table(
        &mut self,
        index: Operand,
        targets: &[Label],
    ) -> Result<usize, EncodeError> {
        self.push_switch(BrTable::BrTable, &[index], targets)
    }

    /// The same with any operation that jumps by a table; `operands` are those before the
    /// targets.
    ///
    /// # Errors
    ///
    /// When the table has no such form.
    pub fn push_switch(
        &mut self,
        op: impl Operation,
        operands: &[Operand],
        targets: &[Label],
    ) -> Result<usize, EncodeError> {
        let mut all: Operands = operands
            .iter()
            .copied()
            .take(Operands::new().capacity() - 1)
            .collect();
        all.push(Operand::Targets(targets.len() as u32));
        let at = self.push(op, &all)?;
        let first = self.position();
        self.function
            .cells
            .resize(first + targets.len().div_ceil(2), 0);
        for (index, &label) in targets.iter().enumerate() {
            let place = FixupPlace::Table {
                first: first as u32,
                index: index as u32,
            };
            self.fixups.push(Fixup {
                at: at as u32,
                place,
                label,
            });
        }
        Ok(at)
    }

    /// Inserts an instruction before the cell `at`, which must be the start of one. `label` and
    /// those made after it move along if they are bound there; those made before it must not be
    /// bound after `at`, and lead to the new instruction if they are bound there. Returns its
    /// number of cells.
    ///
    /// # Errors
    ///
    /// As for [`push`](Self::push).
    pub fn insert(
        &mut self,
        at: usize,
        label: Label,
        op: impl Operation,
        operands: &[Operand],
    ) -> Result<usize, EncodeError> {
        let end = self.position();
        encode(op, operands, &mut self.function.cells)?;
        let count = self.position() - end;
        self.function.cells[at..].rotate_right(count);
        let (at, by) = (at as u32, count as u32);
        for bound in self.labels.iter_mut().skip(label.0 as usize).flatten() {
            if *bound >= at {
                *bound += by;
            }
        }
        for fixup in self.fixups.iter_mut().rev() {
            if fixup.at < at {
                break;
            }
            fixup.at += by;
            if let FixupPlace::Table { first, .. } = &mut fixup.place {
                *first += by;
            }
        }
        for (cell, _) in self.function.offsets.iter_mut().rev() {
            if *cell < at {
                break;
            }
            *cell += by;
        }
        if self.last_bound >= at {
            self.last_bound += by;
        }
        Ok(count)
    }

    /// Where the labels are bound that were made after this one.
    pub fn labels_after(&self, label: Label) -> impl ExactSizeIterator<Item = Option<usize>> {
        let after = self.labels.iter().skip(label.0 as usize + 1);
        after.map(|bound| bound.map(|cell| cell as usize))
    }

    /// Where a label is bound.
    #[must_use]
    pub fn bound_at(&self, label: Label) -> Option<usize> {
        let bound = self.labels.get(label.0 as usize).copied().flatten();
        bound.map(|cell| cell as usize)
    }

    /// The instruction at a cell.
    ///
    /// # Errors
    ///
    /// When none starts there.
    pub fn instr_at(&self, at: usize) -> Result<Instr<'_>, DecodeError> {
        Instr::decode(&self.function.cells, at)
    }

    /// Replaces the operand `index` of the instruction at the cell `at` by one of the same
    /// kind, or of a kind for which the table has a form of as many cells. A label that the
    /// old operand named is forgotten, one that the new operand names is resolved.
    ///
    /// # Errors
    ///
    /// When the table has no form with this kind, or one of another length, or the
    /// instruction has no such operand.
    pub fn patch_operand(
        &mut self,
        at: usize,
        index: usize,
        operand: Operand,
    ) -> Result<(), EncodeError> {
        let Ok(Instr {
            opcode,
            mut operands,
            ..
        }) = self.instr_at(at)
        else {
            debug_assert!(false, "the builder patches what it has encoded");
            return Ok(());
        };
        let Some(old) = operands.get_mut(index) else {
            return Err(EncodeError::new(opcode.op(), &[operand]));
        };
        let old = core::mem::replace(old, operand);
        replace(opcode.op(), &operands, at, &mut self.function.cells)?;
        // Fixups are in the order of instructions: `insert` relies on it.
        let at = at as u32;
        let first = self.fixups.partition_point(|fixup| fixup.at < at);
        if old.target().is_some() && self.fixups.get(first).is_some_and(|fixup| fixup.at == at) {
            self.fixups.remove(first);
        }
        if let Some(Target::Label(label)) = operand.target() {
            let place = FixupPlace::Operand;
            self.fixups.insert(first, Fixup { at, place, label });
        }
        Ok(())
    }

    /// Resolves the labels and ends the function. A branch to a return becomes that return.
    ///
    /// # Errors
    ///
    /// When a branch names a label that is not bound, or the code is too long.
    pub fn finish(mut self, frame_cells: u32) -> Result<Function, BuildError> {
        self.resolve(frame_cells)?;
        Ok(self.function)
    }

    /// The same for a builder that will be [restarted](Self::restart): the function gets as
    /// much memory as it needs, and the builder keeps its own. Code may be appended and the
    /// function built again, but labels that were bound may not move.
    ///
    /// # Errors
    ///
    /// As for [`finish`](Self::finish).
    pub fn build(&mut self, frame_cells: u32) -> Result<Function, BuildError> {
        self.resolve(frame_cells)?;
        Ok(self.function.clone())
    }

    /// Replaces a branch to a return by that return, which is one instruction less on the way;
    /// the same for a copy and a branch to the return of what was copied. Returns `false` where
    /// that is not so, or where the return is longer than what it would replace.
    fn return_instead(&mut self, at: usize, bound: usize) -> bool {
        let cells = &mut self.function.cells;
        let (Ok(branch), Ok(target)) =
            (InstrRef::decode(cells, at), InstrRef::decode(cells, bound))
        else {
            return false;
        };
        if !matches!(
            target.opcode().family(),
            Family::Return | Family::ReturnValue
        ) {
            return false;
        }
        let returns = target.opcode().op();
        let mut operands: Operands = target.operands().collect();
        if branch.opcode().family() == Family::CopyThenBr {
            let copy: Operands = branch.operands().collect();
            let ([Operand::To(to), from, _], [_, value]) = (&copy[..], &mut operands[..]) else {
                return false;
            };
            // Only a copy of cells, or of what the accumulator for integers holds.
            if branch.opcode().op().parts().first() != Some(&CopyValue::IntCopy.op()) {
                return false;
            }
            let is_int = returns == ReturnValue::IntReturn.op();
            if *value != Operand::Slot(*to) || !(is_int || matches!(from, Operand::Slot(_))) {
                return false;
            }
            *value = *from;
        }
        replace(returns, &operands, at, cells).is_ok()
    }

    /// Fills in one branch target. Returns `true` if there is no target any more.
    fn resolve_one(&mut self, fixup: Fixup, bound: u32) -> bool {
        // Both fit: the code is not longer than `MAX_CELLS`.
        let by = bound.cast_signed() - fixup.at.cast_signed();
        let (at, cells) = (fixup.at as usize, &mut self.function.cells);
        match fixup.place {
            FixupPlace::Operand => {
                let family = set_target(cells, at, by);
                matches!(family, Some(Family::Br | Family::CopyThenBr))
                    && self.return_instead(at, bound as usize)
            }
            FixupPlace::Table { first, index } => {
                targets_mut(&mut cells[first as usize..])[index as usize] = by;
                false
            }
        }
    }

    fn resolve(&mut self, frame_cells: u32) -> Result<(), BuildError> {
        let found = self.position();
        if found > MAX_CELLS {
            return Err(BuildError::TooLong {
                found,
                limit: MAX_CELLS,
            });
        }
        // Nothing changes unless everything can be resolved.
        for fixup in &self.fixups {
            if self.bound_at(fixup.label).is_none() {
                return Err(BuildError::UnboundLabel {
                    at: fixup.at,
                    label: fixup.label.0,
                });
            }
        }
        let mut fixups = core::mem::take(&mut self.fixups);
        fixups.retain(|fixup| {
            let bound = self.labels.get(fixup.label.0 as usize).copied().flatten();
            bound.is_some_and(|bound| !self.resolve_one(*fixup, bound))
        });
        self.fixups = fixups;
        self.function.frame_cells = frame_cells;
        Ok(())
    }
}
