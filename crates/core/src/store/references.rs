//! What reference cells can name: the functions and extern objects of a store.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::any::Any;
use core::ptr::NonNull;

use crate::arena::Arena;
use crate::cell::Cell;
use crate::func::FuncEntity;

/// An object of the host that Wasm can hold a reference to.
pub(crate) type ExternObject = Box<dyn Any + Send + Sync>;

/// The functions and extern objects of a store. Nothing is ever removed.
pub(crate) struct References {
    pub(crate) funcs: Arena<FuncEntity>,
    externs: Vec<ExternObject>,
}

impl References {
    pub(crate) const fn new() -> Self {
        Self {
            funcs: Arena::new(),
            externs: Vec::new(),
        }
    }

    /// The index that a non-null reference cell holds.
    fn index(cell: Cell) -> Option<usize> {
        usize::try_from(cell.to_bits().checked_sub(1)?).ok()
    }

    /// The function that a cell refers to; `None` for null and nonsense.
    pub(crate) fn func_of_cell(&self, cell: Cell) -> Option<NonNull<FuncEntity>> {
        self.funcs.get(Self::index(cell)?)
    }

    /// The object that a cell refers to; `None` for null and nonsense.
    pub(crate) fn extern_of_cell(&self, cell: Cell) -> Option<&(dyn Any + Send + Sync)> {
        self.externs.get(Self::index(cell)?).map(|object| &**object)
    }

    /// Whether a cell is null or refers to an object.
    pub(crate) fn is_extern(&self, cell: Cell) -> bool {
        cell == Cell::ZERO || self.extern_of_cell(cell).is_some()
    }

    pub(crate) fn push_extern(&mut self, object: ExternObject) -> Cell {
        self.externs.push(object);
        Cell::from_bits(self.externs.len() as u64)
    }
}
