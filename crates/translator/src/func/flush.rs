//! When values leave the symbolic stack for a place of their own.
//!
//! A pending tree is emitted as late as possible, so that its consumer says
//! where the result goes. These are the reasons to emit it earlier, and the
//! only place where they are written down:
//!
//! | about to happen | what leaves the symbolic stack first |
//! |---|---|
//! | a local is set | entries that name it ([`preserve`](FuncTranslator::preserve)) |
//! | an accumulator is written | the entry that depends on it ([`vacate`](FuncTranslator::vacate)) |
//! | a home is written | the tree that reads it ([`clear_readers`](FuncTranslator::clear_readers)) |
//! | an effect, a trap, a branch | the trees that must keep their place ([`settle_ordered`](FuncTranslator::settle_ordered)) |
//! | a call | both of the above, and trees that read where the callee's frame will be |
//! | a branch moves values | what waits below them for an accumulator ([`release_accs`](FuncTranslator::release_accs)) |
//! | a block begins | everything but constants ([`settle_all`](FuncTranslator::settle_all)) |
//!
//! # Why this ends
//!
//! Emitting a tree writes an accumulator, which may oblige another entry to be
//! emitted first, and so on. There is no cycle:
//!
//! - An entry that depends on an accumulator has no reader of its home: the
//!   reader was emitted before the accumulator was loaded, or taken over from
//!   an operand. So a chain of readers has at most one such entry, its last,
//!   which is emitted first.
//! - A tree that reads one accumulator and writes another is only made when
//!   nobody owns the other one. So whoever must make way for a tree is younger
//!   than it.
//!
//! Should the argument be wrong, translation stops with an error instead of
//! running in circles: code comes from strangers.

use core::mem;

use damson_ir::Operand;

use super::stack::REACH;
use super::typing::Class;
use super::value::{TreeOp, Value};
use super::{FuncTranslator, Limit, Stop};

/// How often a value may make way for another that makes way in its turn. Each
/// accumulator has one owner, so a handful is the most that the argument above
/// allows.
const MAX_NESTING: u32 = 32;

impl FuncTranslator<'_> {
    /// Brings the value at a position home.
    pub(crate) fn settle(&mut self, position: usize) -> Result<(), Stop> {
        self.work += 1;
        if matches!(
            self.stack.get(position).map(|entry| entry.value),
            None | Some(Value::Home)
        ) {
            return Ok(());
        }
        if self.nesting >= MAX_NESTING {
            debug_assert!(false, "values make way for each other in circles");
            let limit = Limit {
                what: "values that make way for each other",
                limit: MAX_NESTING.into(),
                found: (self.nesting + 1).into(),
            };
            return Err(limit.into());
        }
        self.nesting += 1;
        let result = self
            .clear_readers(position)
            .and_then(|()| self.settle_unread(position));
        self.nesting -= 1;
        result
    }

    /// Emits the pending tree that reads the home of a position.
    pub(crate) fn clear_readers(&mut self, position: usize) -> Result<(), Stop> {
        let Some(first) = self.reader(position) else {
            return Ok(());
        };
        // A reader's own home may have a reader. The last one comes first.
        let mut chain = mem::take(&mut self.chain);
        chain.clear();
        let mut reader = Some(first);
        while let Some(position) = reader {
            chain.push(position);
            reader = self.reader(position);
        }
        for &position in chain.iter().rev() {
            self.work += 1;
            self.settle_unread(position)?;
        }
        self.chain = chain;
        Ok(())
    }

    /// The position of the pending tree that reads the home of `position` and
    /// lies below it.
    pub(crate) fn reader(&self, position: usize) -> Option<usize> {
        if !self.stack.has_trees() {
            return None;
        }
        let below = position.saturating_sub(REACH)..position;
        below.rev().find(|&candidate| {
            let tree = self.stack.tree(candidate);
            tree.is_some_and(|tree| {
                tree.leaves().iter().any(
                    |leaf| matches!(leaf, Operand::Slot(slot) if self.frame.is_home(*slot, position)),
                )
            })
        })
    }

    /// Brings a value home of which nobody reads the home.
    fn settle_unread(&mut self, position: usize) -> Result<(), Stop> {
        let Some(entry) = self.stack.get(position) else {
            return Ok(());
        };
        let class = entry.class();
        match entry.value {
            Value::Home => return Ok(()),
            Value::Const(bits) => {
                let home = self.frame.home(position)?;
                self.copy_const(entry.ty, bits, Operand::To(home))?;
            }
            Value::Local(local) => {
                let (src, home) = (self.frame.local(local)?, self.frame.home(position)?);
                self.copy_slot(class, src, Operand::To(home))?;
            }
            Value::Acc => {
                let home = self.frame.home(position)?;
                self.emit(class.copy(), &[Operand::To(home), Operand::Acc], None)?;
                self.known.acc_written(class, Some(home));
            }
            Value::Tree(_) => {
                let home = self.frame.home(position)?;
                return self.force(position, Operand::Rs(home), Value::Home);
            }
        }
        self.stack.set(position, Value::Home);
        Ok(())
    }

    /// Emits the pending tree at a position with the destination `dst`, after
    /// which the value is where `becomes` says.
    pub(crate) fn force(
        &mut self,
        position: usize,
        dst: Operand,
        becomes: Value,
    ) -> Result<(), Stop> {
        let Some(entry) = self.stack.get(position) else {
            return Ok(());
        };
        self.vacate(entry.class(), position)?;
        match self.stack.detach(position) {
            // Its accumulators are free again before its result takes one.
            Some(tree) => self.emit_detached(tree, dst)?,
            None => {
                // Whoever made way for it needed it to be at home.
                let home = self.frame.home(position)?;
                if dst != Operand::Rs(home) {
                    self.copy_slot(entry.class(), home, dst)?;
                }
            }
        }
        self.stack.set(position, becomes);
        Ok(())
    }

    /// Brings the value home that depends on an accumulator which is about to
    /// be written, unless it is the one at `except`.
    pub(crate) fn vacate(&mut self, class: Class, except: usize) -> Result<(), Stop> {
        match self.stack.owner(class) {
            Some(owner) if owner != except => self.settle(owner),
            _ => Ok(()),
        }
    }

    /// Emits the pending tree at a position to its accumulator.
    pub(crate) fn force_to_acc(&mut self, position: usize) -> Result<(), Stop> {
        // Should the value have to leave the accumulator, its home is free.
        self.clear_readers(position)?;
        if self.stack.tree(position).is_some() {
            self.force(position, Operand::R, Value::Acc)?;
        }
        Ok(())
    }

    /// Before an effect: emits the pending trees that must keep their place
    /// and lie below `end`. What lies above are operands of the effect.
    pub(crate) fn settle_ordered(&mut self, end: usize) -> Result<(), Stop> {
        if !self.stack.has_ordered(end) {
            return Ok(());
        }
        let mut positions = mem::take(&mut self.ordered);
        positions.clear();
        self.stack.take_ordered(end, &mut positions);
        for &position in &positions {
            self.work += 1;
            let position = position as usize;
            if self.stack.tree(position).is_some() {
                self.settle(position)?;
            }
        }
        self.ordered = positions;
        Ok(())
    }

    /// Before an operation that must keep its place and has operands from `base` on. Reads may
    /// wait for each other: they only trap in the same way.
    pub(crate) fn settle_before(&mut self, op: TreeOp, base: usize) -> Result<(), Stop> {
        if op.is_ordered() && (!op.only_reads() || self.stack.ordered_traps(base)) {
            self.settle_ordered(base)?;
        }
        Ok(())
    }

    /// Before a local is set: brings the values home that name it. `except` is
    /// the position of the new value.
    pub(crate) fn preserve(&mut self, local: u32, except: usize) -> Result<(), Stop> {
        if !self.stack.has_uses(local) {
            return Ok(());
        }
        let mut uses = mem::take(&mut self.uses);
        uses.clear();
        self.stack.take_uses(local, &mut uses);
        let slot = self.frame.local(local)?;
        for &position in &uses {
            self.work += 1;
            let position = position as usize;
            if position != except && self.stack.names(position, local, slot) {
                self.settle(position)?;
            }
        }
        self.uses = uses;
        Ok(())
    }

    /// Before control flow divides or joins: brings all values below `end`
    /// home but constants.
    pub(crate) fn settle_all(&mut self, end: usize) -> Result<(), Stop> {
        for position in self.stack.settled()..end {
            self.work += 1;
            if !matches!(
                self.stack.get(position).map(|entry| entry.value),
                Some(Value::Const(_))
            ) {
                self.settle(position)?;
            }
        }
        Ok(())
    }

    /// Brings the topmost `count` values below `end` home, constants too.
    pub(crate) fn settle_span(&mut self, start: usize, end: usize) -> Result<(), Stop> {
        for position in start..end {
            self.settle(position)?;
        }
        Ok(())
    }

    /// Before a call whose frame begins at the home of `base`: no value below
    /// depends on what the callee overwrites.
    pub(crate) fn make_room_for_call(&mut self, base: usize) -> Result<(), Stop> {
        self.settle_ordered(base)?;
        for position in base.saturating_sub(REACH)..base {
            let frame = &self.frame;
            let reads_callee = self.stack.tree(position).is_some_and(|tree| {
                tree.leaves().iter().any(
                    |leaf| matches!(leaf, Operand::Slot(slot) if frame.is_home_from(*slot, base)),
                )
            });
            if reads_callee {
                self.settle(position)?;
            }
        }
        self.release_accs(base)
    }

    /// Brings the values below `end` home that depend on an accumulator.
    pub(crate) fn release_accs(&mut self, end: usize) -> Result<(), Stop> {
        for class in Class::ALL {
            if self.stack.owner(class).is_some_and(|owner| owner < end) {
                self.vacate(class, end)?;
            }
        }
        Ok(())
    }
}
