//! Which slot of the frame holds what.
//!
//! ```text
//! 0 .. params | .. linkage | linkage, +1 | locals | temporaries
//! ```
//!
//! A value on the operand stack at height `h` has the temporary `h` as its
//! *home*: the slot where it is found wherever the translator cannot know
//! better. Homes are in the order of the stack, so arguments that are at home
//! are already where the callee expects them.

use damson_ir::Slot;

use super::{Limit, Stop};

/// Slots are numbers of 16 bits; the largest is not used, so that their count
/// also fits.
const MAX_SLOTS: usize = u16::MAX as usize;

#[derive(Debug)]
pub(crate) struct Frame {
    params: usize,
    /// `max(params, results)`, the first of the two linkage slots.
    linkage: usize,
    /// All locals, parameters included.
    locals: usize,
    /// Cells that the frame needs as far as it is known.
    cells: usize,
}

impl Frame {
    pub(crate) fn new(params: usize, results: usize) -> Self {
        let linkage = params.max(results);
        Self {
            params,
            linkage,
            locals: params,
            cells: linkage + 2,
        }
    }

    pub(crate) fn declare_locals(&mut self, count: u32) {
        self.locals += count as usize;
    }

    pub(crate) fn num_params(&self) -> u32 {
        self.params as u32
    }

    pub(crate) fn num_declared(&self) -> usize {
        self.locals - self.params
    }

    /// The slot of a local; makes it part of the frame.
    pub(crate) fn local(&mut self, local: u32) -> Result<Slot, Stop> {
        let local = local as usize;
        if local < self.params {
            return self.reserve(local, 1);
        }
        self.reserve(self.linkage + 2 + (local - self.params), 1)
    }

    /// The local that has this slot.
    pub(crate) fn local_of(&self, slot: Slot) -> Option<u32> {
        let slot = usize::from(slot.0);
        if slot < self.params {
            return Some(slot as u32);
        }
        let declared = slot.checked_sub(self.linkage + 2)?;
        (declared < self.num_declared()).then_some((self.params + declared) as u32)
    }

    /// The home of the value at a height of the operand stack.
    pub(crate) fn home(&mut self, height: usize) -> Result<Slot, Stop> {
        self.homes(height, 1)
    }

    /// The first of the homes of `count` values from a height on.
    pub(crate) fn homes(&mut self, height: usize, count: usize) -> Result<Slot, Stop> {
        self.reserve(self.first_home() + height, count)
    }

    /// Whether `slot` is the home of a height, without making it part of the
    /// frame.
    pub(crate) fn is_home(&self, slot: Slot, height: usize) -> bool {
        usize::from(slot.0) == self.first_home() + height
    }

    /// Whether `slot` is the home of a height or above.
    pub(crate) fn is_home_from(&self, slot: Slot, height: usize) -> bool {
        usize::from(slot.0) >= self.first_home() + height
    }

    pub(crate) fn cells(&self) -> u32 {
        self.cells as u32
    }

    fn first_home(&self) -> usize {
        self.linkage + 2 + self.num_declared()
    }

    #[inline]
    fn reserve(&mut self, first: usize, count: usize) -> Result<Slot, Stop> {
        let end = first + count;
        if end > self.cells {
            self.grow(end)?;
        }
        // Not beyond the limit that `grow` checks.
        Ok(Slot(first as u16))
    }

    /// Makes the frame larger.
    #[cold]
    fn grow(&mut self, end: usize) -> Result<(), Stop> {
        if end > MAX_SLOTS {
            let limit = Limit {
                what: "slots",
                limit: MAX_SLOTS as u64,
                found: end as u64,
            };
            return Err(limit.into());
        }
        self.cells = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_come_first_and_the_linkage_leaves_room_for_results() {
        let mut frame = Frame::new(1, 3);
        frame.declare_locals(2);
        assert_eq!(frame.cells(), 5);
        assert_eq!(frame.local(0).unwrap(), Slot(0));
        assert_eq!(frame.local(1).unwrap(), Slot(5));
        assert_eq!(frame.local(2).unwrap(), Slot(6));
        assert_eq!(frame.home(0).unwrap(), Slot(7));
        assert_eq!(frame.homes(1, 3).unwrap(), Slot(8));
        assert_eq!(frame.cells(), 11);
    }

    #[test]
    fn unused_locals_need_no_cells() {
        let mut frame = Frame::new(0, 0);
        frame.declare_locals(50_000);
        assert_eq!(frame.cells(), 2);
    }

    #[test]
    fn the_last_slot_is_a_limit() {
        let mut frame = Frame::new(0, 0);
        assert!(frame.home(MAX_SLOTS - 3).is_ok());
        assert_eq!(frame.cells() as usize, MAX_SLOTS);
        assert!(matches!(frame.home(MAX_SLOTS - 2), Err(Stop::Limit(_))));
    }
}
