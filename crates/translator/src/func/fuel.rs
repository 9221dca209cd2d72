//! What charges fuel for the code: where it stands, and how much it takes.
//!
//! Which code is a stretch is said in `docs/fuel.md`, and decided where blocks begin and end.

use damson_core::fuel;
use damson_ir::{ConsumeFuel, Operand};

use super::{FuncTranslator, Stop};

/// How many slots may be moved for one unit of fuel.
const SLOTS_PER_UNIT: u32 = fuel::BYTES_PER_UNIT as u32 / 8;

/// An instruction that charges fuel for the operators of a stretch of code.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FuelPoint {
    pub(crate) at: usize,
    units: u32,
}

impl FuncTranslator<'_> {
    /// Begins a stretch of code that charges for itself.
    pub(crate) fn charge(&mut self) -> Result<(), Stop> {
        if !self.consume_fuel {
            return Ok(());
        }
        self.mark_offset();
        let at = self.builder.position();
        self.emit(ConsumeFuel::ConsumeFuel, &[Operand::Count(1)], None)?;
        self.fuel = Some(self.fuel_points.len());
        self.fuel_points.push(FuelPoint { at, units: 0 });
        Ok(())
    }

    /// The same where a basic block begins, if each is to be charged by itself.
    pub(crate) fn charge_block(&mut self) -> Result<(), Stop> {
        match self.exact_fuel {
            true => self.charge(),
            false => Ok(()),
        }
    }

    /// Fills in how much the charges are, when all operators are counted.
    pub(crate) fn settle_fuel(&mut self) -> Result<(), Stop> {
        for index in 0..self.fuel_points.len() {
            let FuelPoint { at, units } = self.fuel_points[index];
            // At least one, so that no loop is free.
            let units = Operand::Count(units.max(1));
            self.builder.patch_operand(at, 0, units)?;
            self.work += 1;
        }
        Ok(())
    }

    /// Adds to the charge of the current stretch.
    fn count_units(&mut self, units: u32) {
        if let Some(point) = self.fuel.and_then(|at| self.fuel_points.get_mut(at)) {
            point.units = point.units.saturating_add(units);
        }
    }

    /// Counts an operator that can be reached.
    pub(crate) fn count_operator(&mut self) {
        self.count_units(fuel::OPERATOR);
    }

    /// Counts slots that one instruction moves: a unit for every 64 bytes, as the executor
    /// takes for bulk operations.
    pub(crate) fn count_slots(&mut self, slots: u32) {
        self.count_units(slots / SLOTS_PER_UNIT);
    }

    /// Charges at the start of the function for slots that are cleared there.
    pub(crate) fn charge_cleared(&mut self, slots: u32) {
        if let Some(first) = self.fuel_points.first_mut() {
            let units = first.units.max(1);
            first.units = units.saturating_add(slots / SLOTS_PER_UNIT);
        }
    }
}
