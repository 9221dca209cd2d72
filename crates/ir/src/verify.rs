//! The verifier: which bytecode the executor may run.
//!
//! The executor trusts its code: it reads operands, slots and entities without a check. This
//! pass is what makes that sound. It accepts a function exactly if
//!
//! 1. its cells are instructions one after the other, the last of which never falls through,
//! 2. branch targets are starts of instructions,
//! 3. slots lie inside the frame and are never one of the two linkage slots (a function could
//!    otherwise forge the address it returns to),
//! 4. a call's frame begins above the linkage slots, and its arguments and results fit,
//! 5. linkage operands are the ones that the types of caller and callee give,
//! 6. indices exist in the module, for the kind of thing the instruction needs: mutable
//!    globals, tables of functions, tables and segments of the same element type.
//!
//! Values are not typed: a slot or an accumulator may hold any bits. Whatever must not be
//! arbitrary (function references, addresses) is checked by the instruction that uses it.

use crate::{Family, Function, InstrRef, Kind, MAX_CELLS, Op, Operand, Slot};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use damson_core::FuncType;
use damson_core::shape::ModuleShape;
use damson_core::types::RefType;

mod error;

pub use error::{VerifyError, VerifyErrorKind};

/// Code that the executor may run for one function of one module. Only
/// [`Function::verify`] makes it, and nothing changes it afterwards:
///
/// ```compile_fail,E0451
/// # use damson_ir::{Function, Verified};
/// # fn unverified(function: Function, verified: Verified) -> Verified {
/// Verified { function, ..verified }
/// # }
/// ```
///
/// ```compile_fail,E0594
/// # fn changed(verified: damson_ir::Verified) {
/// verified.function().cells = Vec::new();
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Verified {
    function: Function,
    shape: Arc<ModuleShape>,
    func_index: u32,
    metered: bool,
}

impl Verified {
    /// The code.
    #[must_use]
    pub fn function(&self) -> &Function {
        &self.function
    }

    /// The code, by value; it is no longer known to be verified.
    #[must_use]
    pub fn into_function(self) -> Function {
        self.function
    }

    /// The module that the code was verified against.
    #[must_use]
    pub fn shape(&self) -> &Arc<ModuleShape> {
        &self.shape
    }

    /// The index of the function in its module.
    #[must_use]
    pub fn func_index(&self) -> u32 {
        self.func_index
    }

    /// Whether the code takes fuel at its start and on every way back, so that it ends when
    /// it has a limited amount of it.
    #[must_use]
    pub fn is_metered(&self) -> bool {
        self.metered
    }
}

/// Slots are 16-bit numbers.
const MAX_FRAME_CELLS: u32 = 1 << 16;

impl Function {
    /// Checks that the executor may run this code as function `func_index` (in the module's
    /// function index space) of the module `shape`. Takes time linear in the code and in the
    /// imports of the module; a [`ModuleVerifier`] looks at those once for many functions.
    ///
    /// # Errors
    ///
    /// When one of the conditions in the module's documentation does not hold; the error
    /// names an instruction concerned.
    pub fn verify(
        self,
        shape: &Arc<ModuleShape>,
        func_index: u32,
    ) -> Result<Verified, VerifyError> {
        ModuleVerifier::new(Arc::clone(shape)).verify(self, func_index)
    }
}

/// Verifies the functions of one module.
///
/// It has counted the imports of the module, so that verifying a function takes time linear
/// in its code alone.
#[derive(Debug, Clone)]
pub struct ModuleVerifier {
    shape: Arc<ModuleShape>,
    imported_funcs: u32,
}

impl ModuleVerifier {
    /// A verifier for the functions of the module `shape`.
    #[must_use]
    pub fn new(shape: Arc<ModuleShape>) -> Self {
        // The shape cannot change as long as this value shares it.
        let imported_funcs = shape.num_imported_funcs();
        Self {
            shape,
            imported_funcs,
        }
    }

    /// Checks that the executor may run `function` as function `func_index` (in the module's
    /// function index space).
    ///
    /// # Errors
    ///
    /// As for [`Function::verify`].
    pub fn verify(&self, function: Function, func_index: u32) -> Result<Verified, VerifyError> {
        let metered = FunctionVerifier::new(self, &function, func_index)
            .and_then(|verifier| verifier.run())?;
        Ok(Verified {
            function,
            shape: Arc::clone(&self.shape),
            func_index,
            metered,
        })
    }
}

struct FunctionVerifier<'a> {
    function: &'a Function,
    shape: &'a ModuleShape,
    func_index: u32,
    ty: &'a FuncType,
    imported_funcs: u32,
    /// The first of the function's linkage slots.
    linkage: u32,
    /// Where instructions start, as far as the code was looked at.
    starts: CellSet,
    /// Branches to what was not looked at yet: from where, and to where.
    forward: Vec<(usize, usize)>,
}

type Outcome<T = ()> = Result<T, VerifyErrorKind>;

/// Checks the number of cells.
fn check_length(found: usize) -> Outcome {
    if found > MAX_CELLS {
        let most = MAX_CELLS;
        return Err(VerifyErrorKind::TooLong { found, most });
    }
    Ok(())
}

impl<'a> FunctionVerifier<'a> {
    fn new(
        module: &'a ModuleVerifier,
        function: &'a Function,
        func_index: u32,
    ) -> Result<Self, VerifyError> {
        let (shape, imported_funcs) = (&*module.shape, module.imported_funcs);
        let whole = |kind| VerifyError {
            func_index,
            at: 0,
            kind,
        };
        let ty = shape
            .func_type(func_index)
            .filter(|_| func_index >= imported_funcs)
            .ok_or_else(|| whole(VerifyErrorKind::NotDefined))?;
        let expected = (ty.params().len(), ty.results().len());
        let found = (usize::from(function.params), usize::from(function.results));
        if found != expected {
            return Err(whole(VerifyErrorKind::Signature { expected, found }));
        }
        check_length(function.cells.len()).map_err(whole)?;
        let linkage = u32::from(function.linkage());
        let least = linkage + 2;
        if !(least..=MAX_FRAME_CELLS).contains(&function.frame_cells) {
            let found = function.frame_cells;
            return Err(whole(VerifyErrorKind::FrameSize {
                found,
                least,
                most: MAX_FRAME_CELLS,
            }));
        }
        Ok(Self {
            function,
            shape,
            func_index,
            ty,
            imported_funcs,
            linkage,
            starts: CellSet::new(function.cells.len()),
            forward: Vec::new(),
        })
    }

    /// Checks everything, in one pass; tells whether the code is metered.
    fn run(mut self) -> Result<bool, VerifyError> {
        let cells = &self.function.cells;
        let mut metered = self.takes_fuel(0);
        let (mut at, mut last) = (0, None);
        while at < cells.len() {
            let instr =
                InstrRef::decode(cells, at).map_err(|error| self.error(at, error.into()))?;
            self.starts.insert(at);
            metered &= self
                .instruction(at, instr)
                .map_err(|kind| self.error(at, kind))?;
            last = Some((at, instr.row().is_terminator));
            at += instr.cells();
        }
        match last {
            Some((_, true)) => {}
            Some((at, false)) => return Err(self.error(at, VerifyErrorKind::FallsThrough)),
            None => return Err(self.error(0, VerifyErrorKind::FallsThrough)),
        }
        for &(from, to) in &self.forward {
            if !self.starts.contains(to) {
                let target = to as i64;
                return Err(self.error(from, VerifyErrorKind::Target { target }));
            }
        }
        Ok(metered)
    }

    /// Whether a `consume_fuel` of at least one unit is at the cell.
    fn takes_fuel(&self, at: usize) -> bool {
        InstrRef::decode(&self.function.cells, at).is_ok_and(|instr| {
            instr.opcode().family() == Family::ConsumeFuel
                && matches!(instr.operands().next(), Some(Operand::Count(1..)))
        })
    }

    fn error(&self, at: usize, kind: VerifyErrorKind) -> VerifyError {
        VerifyError {
            func_index: self.func_index,
            at,
            kind,
        }
    }

    /// Checks one instruction; tells whether its ways back take fuel.
    fn instruction(&mut self, at: usize, instr: InstrRef<'_>) -> Outcome<bool> {
        let row = instr.row();
        let bytes = instr.operand_bytes();
        let mut metered = true;
        // Nearly all operands are slots, so they are not decoded.
        for &at in row.slots() {
            self.slot(Slot(u16::from_ne_bytes(bytes_at(bytes, at))))?;
        }
        if row.has_slots_only {
            return Ok(true);
        }
        if row.uses_memory {
            exists("memory", 0, self.shape.memories.len())?;
        }
        if let Some(target) = row.target_at {
            metered &= self.branch(at, i32::from_ne_bytes(bytes_at(bytes, target)))?;
        }
        if let Some(func) = row.defined_func_at {
            self.defined_func(u32::from_ne_bytes(bytes_at(bytes, func)))?;
        }
        if row.has_others {
            self.each_operand(instr.operands())?;
            for by in instr.targets() {
                metered &= self.branch(at, by)?;
            }
        }
        if row.has_relations {
            self.relations(instr)?;
        }
        Ok(metered)
    }

    /// Checks a branch; tells whether it takes fuel if it is a way back.
    fn branch(&mut self, at: usize, by: i32) -> Outcome<bool> {
        let target = at as i64 + i64::from(by);
        let cell = usize::try_from(target)
            .ok()
            .filter(|&cell| cell < self.function.cells.len());
        let cell = cell.ok_or(VerifyErrorKind::Target { target })?;
        if cell > at {
            self.forward.push((at, cell));
            return Ok(true);
        }
        if !self.starts.contains(cell) {
            return Err(VerifyErrorKind::Target { target });
        }
        Ok(self.takes_fuel(cell))
    }

    /// Checks operands one by one.
    fn each_operand(&self, mut operands: impl Iterator<Item = Operand> + Clone) -> Outcome {
        while let Some(operand) = operands.next() {
            self.operand(operand, &operands)?;
        }
        Ok(())
    }

    /// Checks one operand; a span needs the count among those that follow it.
    fn operand(
        &self,
        operand: Operand,
        following: &(impl Iterator<Item = Operand> + Clone),
    ) -> Outcome {
        let shape = self.shape;
        match operand {
            Operand::R
            | Operand::Acc
            | Operand::Imm(_)
            | Operand::Imm64(_)
            | Operand::Count(_)
            | Operand::BrIf(_)
            | Operand::BrUnless(_)
            | Operand::Target(_) => Ok(()),
            Operand::Rs(slot) | Operand::To(slot) | Operand::Slot(slot) => self.slot(slot),
            Operand::Targets(0) => Err(VerifyErrorKind::NoTargets),
            Operand::Targets(_) => Ok(()),
            Operand::Span(first) => {
                let count = following.clone().find_map(|operand| match operand {
                    Operand::Count(count) => Some(count),
                    _ => None,
                });
                self.span(first, count.ok_or(VerifyErrorKind::Form)?)
            }
            // What they must be depends on the callee, see `relations`.
            Operand::Base(_) | Operand::CalleeLinkage(_) | Operand::TailLinkage(_) => Ok(()),
            Operand::Linkage(found) => {
                let expected = usize::from(self.function.linkage());
                equal_linkage(found, expected)
            }
            Operand::Offset(_) => exists("memory", 0, shape.memories.len()),
            Operand::MemOffset(index, _) | Operand::Memory(index) => {
                exists("memory", index, shape.memories.len())
            }
            Operand::Func(index) => exists("function", index, shape.funcs.len()),
            Operand::DefinedFunc(index) => self.defined_func(index),
            Operand::ImportedFunc(index) => {
                exists("imported function", index, self.imported_funcs as usize)
            }
            Operand::Type(index) => exists("type", index, shape.types.len()),
            Operand::Table(index) => exists("table", index, shape.tables.len()),
            Operand::FuncTable(index) => match self.table_element(index) {
                Some(RefType::Func) => Ok(()),
                _ => Err(VerifyErrorKind::Index {
                    what: "table of functions",
                    index,
                }),
            },
            Operand::Global(index) => exists("global", index, shape.globals.len()),
            Operand::GlobalMut(index) => match shape.globals.get(index as usize) {
                Some(global) if global.ty.mutability() == damson_core::types::Mutability::Var => {
                    Ok(())
                }
                _ => Err(VerifyErrorKind::Index {
                    what: "mutable global",
                    index,
                }),
            },
            Operand::Data(index) => exists("data segment", index, shape.data.len()),
            Operand::Elem(index) => exists("element segment", index, shape.elements.len()),
        }
    }

    fn defined_func(&self, index: u32) -> Outcome {
        let is_imported = index < self.imported_funcs;
        let count = self.shape.funcs.len();
        exists(
            "defined function",
            index,
            if is_imported { 0 } else { count },
        )
    }

    /// Checks what several operands must be together.
    fn relations(&self, instr: InstrRef<'_>) -> Outcome {
        let op = instr.opcode().op();
        let mut operands = instr.operands();
        for instruction in op.instructions() {
            let count = instruction.family().info().operands.len();
            let mut own = operands.by_ref().take(count);
            self.relations_of(deciding(instruction), &mut own)?;
            // Those that were not looked at.
            own.for_each(drop);
        }
        Ok(())
    }

    /// The same for the operands of one family.
    fn relations_of(
        &self,
        family: Family,
        operands: &mut impl Iterator<Item = Operand>,
    ) -> Outcome {
        match family {
            Family::ReturnValue => equal_count(1, self.ty.results().len()),
            Family::ReturnSpan => match first(operands)? {
                [_, _, Operand::Count(count)] => {
                    equal_count(count as usize, self.ty.results().len())
                }
                _ => Err(VerifyErrorKind::Form),
            },
            Family::Call | Family::CallImport => match first(operands)? {
                [func, Operand::Base(base), Operand::CalleeLinkage(linkage)] => {
                    self.call(self.callee(func)?, base, linkage)
                }
                _ => Err(VerifyErrorKind::Form),
            },
            Family::CallIndirect => match first(operands)? {
                [
                    _,
                    _,
                    Operand::Type(ty),
                    Operand::Base(base),
                    Operand::CalleeLinkage(linkage),
                ] => self.call(self.type_at(ty)?, base, linkage),
                _ => Err(VerifyErrorKind::Form),
            },
            Family::ReturnCall | Family::ReturnCallImport => match first(operands)? {
                [
                    func,
                    _,
                    _,
                    Operand::Count(count),
                    Operand::TailLinkage(linkage),
                ] => self.tail_call(self.callee(func)?, count, linkage),
                _ => Err(VerifyErrorKind::Form),
            },
            Family::ReturnCallIndirect => match first(operands)? {
                [
                    _,
                    _,
                    Operand::Type(ty),
                    _,
                    _,
                    Operand::Count(count),
                    Operand::TailLinkage(linkage),
                ] => self.tail_call(self.type_at(ty)?, count, linkage),
                _ => Err(VerifyErrorKind::Form),
            },
            Family::TableCopy => match first(operands)? {
                [Operand::Table(to), Operand::Table(from)] => {
                    same_ref_types(self.table_element(to), self.table_element(from))
                }
                _ => Err(VerifyErrorKind::Form),
            },
            Family::TableInit => match first(operands)? {
                [Operand::Table(table), Operand::Elem(elem)] => {
                    let segment = self.shape.elements.get(elem as usize);
                    same_ref_types(self.table_element(table), segment.map(|segment| segment.ty))
                }
                _ => Err(VerifyErrorKind::Form),
            },
            // `operand` has left these to an arm above.
            _ if operands.any(|operand| {
                let kind = operand.kind();
                matches!(kind, Kind::Base | Kind::CalleeLinkage | Kind::TailLinkage)
            }) =>
            {
                Err(VerifyErrorKind::Form)
            }
            _ => Ok(()),
        }
    }

    fn table_element(&self, index: u32) -> Option<RefType> {
        self.shape
            .tables
            .get(index as usize)
            .map(|table| table.ty.element())
    }

    fn callee(&self, func: Operand) -> Outcome<&'a FuncType> {
        let (Operand::DefinedFunc(index) | Operand::ImportedFunc(index)) = func else {
            return Err(VerifyErrorKind::Index {
                what: "function",
                index: u32::MAX,
            });
        };
        self.shape.func_type(index).ok_or(VerifyErrorKind::Index {
            what: "function",
            index,
        })
    }

    fn type_at(&self, index: u32) -> Outcome<&'a FuncType> {
        self.shape
            .types
            .get(index as usize)
            .ok_or(VerifyErrorKind::Index {
                what: "type",
                index,
            })
    }

    /// A call puts the callee's frame on the caller's from `base` on. That frame may reach
    /// over the end of the caller's (the executor checks the stack), but it must not begin
    /// at or below the caller's linkage, and what the caller reads afterwards must be its own.
    fn call(&self, callee: &FuncType, base: Slot, linkage: Slot) -> Outcome {
        let cells = callee.cells();
        let end = usize::from(base.0) + cells;
        if u32::from(base.0) < u32::from(self.function.linkage()) + 2
            || end > self.function.frame_cells as usize
        {
            return Err(VerifyErrorKind::CallBase { base, cells });
        }
        equal_linkage(linkage, end)
    }

    /// A tail call moves its arguments to the start of the frame, over the linkage if need be
    /// (the handler reads it first), and returns in the caller's stead.
    fn tail_call(&self, callee: &FuncType, count: u32, linkage: Slot) -> Outcome {
        equal_count(count as usize, callee.params().len())?;
        equal_count(callee.results().len(), self.ty.results().len())?;
        equal_linkage(linkage, callee.cells())
    }

    /// Whether a slot is in the frame and not one of the two linkage slots.
    fn is_usable(&self, slot: Slot) -> bool {
        let slot = u32::from(slot.0);
        slot < self.function.frame_cells && slot.wrapping_sub(self.linkage) > 1
    }

    fn slot(&self, slot: Slot) -> Outcome {
        if self.is_usable(slot) {
            return Ok(());
        }
        Err(VerifyErrorKind::Slot {
            slot,
            frame: self.function.frame_cells,
            linkage: self.function.linkage(),
        })
    }

    fn span(&self, first: Slot, count: u32) -> Outcome {
        let linkage = u64::from(self.function.linkage());
        let start = u64::from(first.0);
        let end = start + u64::from(count);
        let below = end <= linkage;
        let above = start >= linkage + 2;
        // A span of no slots still has an address, which must not lie beyond the frame.
        let inside = end <= u64::from(self.function.frame_cells);
        if inside && (count == 0 || below || above) {
            Ok(())
        } else {
            Err(VerifyErrorKind::Span { first, count })
        }
    }
}

/// The family whose rules hold for an instruction that is no sequence. The operands of a tree's
/// parts do not depend on each other, but a value can only be returned from a function that
/// has one result.
fn deciding(instruction: Op) -> Family {
    let returns = |part: &Op| part.family() == Family::ReturnValue;
    match instruction.shape() {
        None => instruction.family(),
        Some(_) if instruction.parts().iter().any(returns) => Family::ReturnValue,
        Some(_) => Family::IntBinary,
    }
}

/// The first operands.
fn first<const N: usize>(operands: &mut impl Iterator<Item = Operand>) -> Outcome<[Operand; N]> {
    let mut first = [Operand::R; N];
    for operand in &mut first {
        *operand = operands.next().ok_or(VerifyErrorKind::Form)?;
    }
    Ok(first)
}

/// The bytes from `at` on. Forms have the operands that their rows tell of.
fn bytes_at<const N: usize>(bytes: &[u8], at: u8) -> [u8; N] {
    let from = bytes.get(usize::from(at)..).unwrap_or(&[]);
    debug_assert!(from.len() >= N, "the instruction has the cells of its form");
    from.first_chunk().copied().unwrap_or([u8::MAX; N])
}

fn exists(what: &'static str, index: u32, len: usize) -> Outcome {
    if (index as usize) < len {
        Ok(())
    } else {
        Err(VerifyErrorKind::Index { what, index })
    }
}

fn equal_linkage(found: Slot, expected: usize) -> Outcome {
    if usize::from(found.0) == expected {
        Ok(())
    } else {
        Err(VerifyErrorKind::Linkage { found, expected })
    }
}

fn equal_count(found: usize, expected: usize) -> Outcome {
    if found == expected {
        Ok(())
    } else {
        Err(VerifyErrorKind::ValueCount { found, expected })
    }
}

/// Both exist: the operands were checked one by one before.
fn same_ref_types(first: Option<RefType>, second: Option<RefType>) -> Outcome {
    match (first, second) {
        (Some(expected), Some(found)) if expected != found => {
            Err(VerifyErrorKind::RefTypes { expected, found })
        }
        _ => Ok(()),
    }
}

/// A set of cells of a function.
#[derive(Debug)]
struct CellSet {
    words: Vec<u64>,
}

impl CellSet {
    fn new(cells: usize) -> Self {
        Self {
            words: vec![0; cells.div_ceil(64)],
        }
    }

    fn insert(&mut self, cell: usize) {
        self.words[cell / 64] |= 1 << (cell % 64);
    }

    fn contains(&self, cell: usize) -> bool {
        let word = self.words.get(cell / 64).copied().unwrap_or(0);
        word >> (cell % 64) & 1 == 1
    }
}

#[cfg(test)]
mod tests;
