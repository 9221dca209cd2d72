//! Which locals need their initial value.
//!
//! A declared local is zero until it is set, and a frame holds whatever was on
//! the stack before, so the locals must be cleared at entry: all but those that
//! are certainly set before they are read. A set counts from where it stands
//! to the end of the innermost block that a branch can leave past it; that is
//! no complete analysis, but it needs no second pass.
//!
//! The clearing instruction is emitted at entry for all declared locals and
//! narrowed at the end to those that turned out to need it.

use alloc::vec::Vec;

use damson_ir::{Function, Instr, Operand, Zero};

use super::{FuncTranslator, Stop};

/// What is known about the declared locals of the current function.
#[derive(Debug, Default)]
pub(crate) struct Locals {
    /// For each local the function in which it was last set for certain. The
    /// number of the function makes entries of earlier functions void.
    set_in: Vec<u32>,
    function: u32,
    /// The first locals are parameters, which the caller has set.
    params: u32,
    /// The locals set for certain here, in the order of the sets.
    log: Vec<u32>,
    /// The first and the last local that is read before it is set.
    needed: Option<(u32, u32)>,
    /// Where the locals are cleared.
    clear_at: Option<usize>,
}

impl Locals {
    /// Forgets the previous function.
    fn reset(&mut self, params: u32) {
        self.params = params;
        self.log.clear();
        self.needed = None;
        self.clear_at = None;
        match self.function.checked_add(1) {
            Some(next) => self.function = next,
            None => {
                self.set_in.clear();
                self.function = 1;
            }
        }
    }

    fn is_set(&self, local: u32) -> bool {
        local < self.params || self.set_in.get(local as usize) == Some(&self.function)
    }

    /// Notes that a local is set.
    pub(crate) fn set(&mut self, local: u32) {
        if self.is_set(local) {
            return;
        }
        let index = local as usize;
        if index >= self.set_in.len() {
            self.set_in.resize(index + 1, 0);
        }
        self.set_in[index] = self.function;
        self.log.push(local);
    }

    /// Notes that a local is read.
    pub(crate) fn read(&mut self, local: u32) {
        if self.is_set(local) {
            return;
        }
        self.needed = Some(match self.needed {
            Some((first, last)) => (first.min(local), last.max(local)),
            None => (local, local),
        });
    }

    /// A mark to return to.
    pub(crate) fn mark(&self) -> usize {
        self.log.len()
    }

    /// Forgets the sets since a mark: there is a way around them.
    pub(crate) fn unset_since(&mut self, mark: usize) {
        for local in self.log.drain(mark.min(self.log.len())..) {
            if let Some(set_in) = self.set_in.get_mut(local as usize) {
                *set_in = 0;
            }
        }
    }
}

impl FuncTranslator<'_> {
    /// Clears the declared locals.
    pub(crate) fn clear_locals(&mut self) -> Result<(), Stop> {
        self.locals.reset(self.frame.num_params());
        if self.frame.num_declared() == 0 {
            return Ok(());
        }
        self.locals.clear_at = Some(self.builder.position());
        // Placeholders of the right kinds.
        let first = Operand::Span(damson_ir::Slot(0));
        self.emit(Zero::Zero, &[first, Operand::Count(0)], None)
    }

    /// Narrows the clearing of locals to those that need it. Returns where it
    /// stands if none does.
    pub(crate) fn finish_locals(&mut self) -> Result<Option<usize>, Stop> {
        let Some(at) = self.locals.clear_at else {
            return Ok(None);
        };
        let Some((first, last)) = self.locals.needed else {
            return Ok(Some(at));
        };
        let slot = self.frame.local(first)?;
        self.frame.local(last)?;
        self.builder.patch_operand(at, 0, Operand::Span(slot))?;
        let count = last - first + 1;
        self.builder.patch_operand(at, 1, Operand::Count(count))?;
        self.charge_cleared(count);
        Ok(None)
    }
}

/// Takes out the instruction at a cell in the first basic block.
///
/// Nothing before it branches, and what comes after it only branches to what
/// comes after it, so all distances stay as they are.
pub(crate) fn take_out(function: &mut Function, at: usize) {
    let Ok(cells) = Instr::decode(&function.cells, at).map(|instr| instr.cells()) else {
        return;
    };
    function.cells.drain(at..at + cells);
    for (cell, _) in &mut function.offsets {
        if *cell as usize > at {
            *cell -= cells as u32;
        }
    }
}
