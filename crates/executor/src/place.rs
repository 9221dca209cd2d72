//! Where instructions find operands and leave results, as types.
//!
//! Each kind of the instruction table is a type here. Sources implement [`Place`],
//! destinations [`Dst`]; everything else that an instruction carries is read by
//! [`read_u16`], [`read_u32`] or a type with a method of its own. Operands are packed, so
//! their byte positions, counted from the cell after the handler's address, are sums of the
//! sizes before them: constants after inlining.
#![expect(
    unsafe_code,
    reason = "reads operands, slots and memory without checks that the verifier made"
)]

use crate::dispatch::computed;
use crate::expr::Fault;
use damson_core::context::{Context, Regs};
use damson_core::{Cell, CellValue, TrapCode};

/// A value that has an accumulator.
pub(crate) trait Value: CellValue {
    /// Reads its accumulator.
    fn from_acc(regs: &Regs) -> Self;
    /// Writes its accumulator.
    fn to_acc(self, regs: &mut Regs);
    /// The same value, see [`computed`](crate::dispatch::computed); floats have registers
    /// enough.
    #[inline(always)]
    fn computed(self) -> Self {
        self
    }
    /// Decodes an immediate of 32 bits, see [`Kind::Imm`](damson_ir::Kind::Imm).
    fn from_imm(imm: i32) -> Self;
}

macro_rules! impl_integer_value {
    ($($ty:ty: |$imm:ident| $from_imm:expr;)*) => {$(
        impl Value for $ty {
            #[inline(always)]
            fn from_acc(regs: &Regs) -> Self {
                Cell::from_bits(regs.acc).get()
            }
            #[inline(always)]
            fn to_acc(self, regs: &mut Regs) {
                regs.acc = Cell::new(self).to_bits();
            }
            #[inline(always)]
            fn computed(self) -> Self {
                Cell::from_bits(computed(Cell::new(self).to_bits())).get()
            }
            #[inline(always)]
            fn from_imm($imm: i32) -> Self {
                $from_imm
            }
        }
    )*};
}

impl_integer_value! {
    i32: |imm| imm;
    u32: |imm| imm.cast_unsigned();
    i64: |imm| i64::from(imm);
    u64: |imm| i64::from(imm).cast_unsigned();
    bool: |imm| imm != 0;
}

impl Value for f32 {
    #[inline(always)]
    fn from_acc(regs: &Regs) -> Self {
        regs.f32acc
    }
    #[inline(always)]
    fn to_acc(self, regs: &mut Regs) {
        regs.f32acc = self;
    }
    #[inline(always)]
    fn from_imm(imm: i32) -> Self {
        Self::from_bits(imm.cast_unsigned())
    }
}

impl Value for f64 {
    #[inline(always)]
    fn from_acc(regs: &Regs) -> Self {
        regs.f64acc
    }
    #[inline(always)]
    fn to_acc(self, regs: &mut Regs) {
        regs.f64acc = self;
    }
    #[inline(always)]
    fn from_imm(imm: i32) -> Self {
        Self::from(f32::from_bits(imm.cast_unsigned()))
    }
}

/// The operand bytes of the instruction that `regs.ip` points to, from the byte `at` on.
///
/// # Safety
///
/// `regs.ip` points to an instruction with an operand at `at`.
#[inline(always)]
pub(crate) unsafe fn operand<T: Copy>(regs: &Regs, at: usize) -> T {
    // SAFETY: the operands follow the handler's address; packing does not align them.
    unsafe {
        regs.ip
            .cast::<u8>()
            .add(size_of::<Cell>() + at)
            .cast::<T>()
            .read_unaligned()
    }
}

/// Reads an operand of 16 bits.
///
/// # Safety
///
/// As for [`Place::read`].
#[inline(always)]
pub(crate) unsafe fn read_u16(regs: &Regs, at: usize) -> usize {
    // SAFETY: as the caller promises.
    usize::from(unsafe { operand::<u16>(regs, at) })
}

/// Reads an operand of 32 bits.
///
/// # Safety
///
/// As for [`Place::read`].
#[inline(always)]
pub(crate) unsafe fn read_u32(regs: &Regs, at: usize) -> u32 {
    // SAFETY: as the caller promises.
    unsafe { operand::<u32>(regs, at) }
}

/// The slot that the 16-bit operand at `at` names.
///
/// # Safety
///
/// As for [`Place::read`].
#[inline(always)]
pub(crate) unsafe fn slot_at(regs: &Regs, at: usize) -> *mut Cell {
    // SAFETY: the verifier has checked that the slot lies in the frame.
    unsafe { regs.sp.add(read_u16(regs, at)) }
}

/// A source of a value.
pub(crate) trait Place {
    /// Size of the operand.
    const BYTES: usize;
    /// Reads the value.
    ///
    /// # Safety
    ///
    /// `regs` are those of a handler and its instruction has this operand at the byte `at`.
    unsafe fn read<V: Value>(regs: &Regs, at: usize) -> V;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $Kind:ident)*) => {$(
        $(#[$doc])*
        pub(crate) struct $Kind;
    )*};
}

kinds! {
    Slot Acc Imm Imm64
    R Rs To BrIf BrUnless
    Offset MemOffset
    Target Targets
    Func DefinedFunc ImportedFunc Type Memory Table FuncTable Global GlobalMut Data Elem
    Base Span Linkage CalleeLinkage TailLinkage Count
}

impl Place for Slot {
    const BYTES: usize = 2;
    #[inline(always)]
    unsafe fn read<V: Value>(regs: &Regs, at: usize) -> V {
        // SAFETY: as the caller promises; every cell of the stack is initialised.
        unsafe { (*slot_at(regs, at)).get() }
    }
}

impl Place for Acc {
    const BYTES: usize = 0;
    #[inline(always)]
    unsafe fn read<V: Value>(regs: &Regs, _at: usize) -> V {
        V::from_acc(regs)
    }
}

impl Place for Imm {
    const BYTES: usize = 4;
    #[inline(always)]
    unsafe fn read<V: Value>(regs: &Regs, at: usize) -> V {
        // SAFETY: as the caller promises.
        V::from_imm(unsafe { operand::<i32>(regs, at) })
    }
}

impl Place for Imm64 {
    const BYTES: usize = 8;
    #[inline(always)]
    unsafe fn read<V: Value>(regs: &Regs, at: usize) -> V {
        // SAFETY: as the caller promises.
        Cell::from_bits(unsafe { operand::<u64>(regs, at) }).get()
    }
}

/// A destination of a value.
pub(crate) trait Dst<V> {
    /// Size of the operand.
    const BYTES: usize;
    /// Whether it is a branch.
    const BRANCHES: bool;
    /// Takes the value; the operand is at the byte `at`. Tells whether to branch to the target
    /// there.
    ///
    /// # Safety
    ///
    /// As for [`Place::read`].
    unsafe fn put(regs: &mut Regs, value: V, at: usize) -> bool;
}

/// Number of cells of an instruction with so many bytes of operands.
#[inline(always)]
pub(crate) const fn cells(operand_bytes: usize) -> usize {
    1 + operand_bytes.div_ceil(size_of::<Cell>())
}

impl<V: Value> Dst<V> for R {
    const BYTES: usize = 0;
    const BRANCHES: bool = false;
    #[inline(always)]
    unsafe fn put(regs: &mut Regs, value: V, _at: usize) -> bool {
        value.to_acc(regs);
        false
    }
}

impl<V: Value> Dst<V> for Rs {
    const BYTES: usize = 2;
    const BRANCHES: bool = false;
    #[inline(always)]
    unsafe fn put(regs: &mut Regs, value: V, at: usize) -> bool {
        value.to_acc(regs);
        // SAFETY: as the caller promises; the slot is in the frame.
        unsafe { *slot_at(regs, at) = Cell::new(value) };
        false
    }
}

impl<V: Value> Dst<V> for To {
    const BYTES: usize = 2;
    const BRANCHES: bool = false;
    #[inline(always)]
    unsafe fn put(regs: &mut Regs, value: V, at: usize) -> bool {
        // SAFETY: as the caller promises; the slot is in the frame.
        unsafe { *slot_at(regs, at) = Cell::new(value) };
        false
    }
}

impl Dst<bool> for BrIf {
    const BYTES: usize = 4;
    const BRANCHES: bool = true;
    #[inline(always)]
    unsafe fn put(_regs: &mut Regs, taken: bool, _at: usize) -> bool {
        taken
    }
}

impl Dst<bool> for BrUnless {
    const BYTES: usize = 4;
    const BRANCHES: bool = true;
    #[inline(always)]
    unsafe fn put(_regs: &mut Regs, value: bool, _at: usize) -> bool {
        !value
    }
}

#[inline(always)]
fn out_of_bounds(site: usize) -> Fault {
    Fault {
        code: TrapCode::MemoryOutOfBounds,
        site,
    }
}

/// Where in which memory an access goes, apart from its address operand.
pub(crate) trait Access {
    /// Size of the operand.
    const BYTES: usize;
    /// The first of `size` bytes at `index` plus the offset in the operand at `at`; `site` is
    /// the number of this access among the operations that can trap.
    ///
    /// # Errors
    ///
    /// [`TrapCode::MemoryOutOfBounds`]
    ///
    /// # Safety
    ///
    /// As for [`Place::read`], and `cx` is the running context. The bytes are valid until the
    /// memory grows.
    unsafe fn resolve<M>(
        cx: *mut Context,
        regs: &Regs,
        at: usize,
        index: u32,
        site: usize,
    ) -> Result<*mut M, Fault>;
}

impl Access for Offset {
    const BYTES: usize = 4;
    #[inline(always)]
    unsafe fn resolve<M>(
        cx: *mut Context,
        regs: &Regs,
        at: usize,
        index: u32,
        site: usize,
    ) -> Result<*mut M, Fault> {
        // SAFETY: as the caller promises. The sum of two 32-bit numbers fits; the limit is
        // the length of memory 0 less the access's size (negative if that is less than
        // zero), so an address that is not above it leaves room for the access.
        unsafe {
            let address = u64::from(index) + u64::from(read_u32(regs, at));
            let limit = &raw const (*cx).mem0_limits[size_of::<M>().ilog2() as usize];
            // A second access of the same width would keep the limit of the first in a
            // register that is not there.
            let limit = match site {
                0 => *limit,
                _ => limit.read_volatile(),
            };
            if address.cast_signed() > limit {
                return Err(out_of_bounds(site));
            }
            Ok(regs.mem0.add(address as usize).cast())
        }
    }
}

impl Access for MemOffset {
    const BYTES: usize = 8;
    #[inline(always)]
    unsafe fn resolve<M>(
        cx: *mut Context,
        regs: &Regs,
        at: usize,
        index: u32,
        site: usize,
    ) -> Result<*mut M, Fault> {
        // SAFETY: as the caller promises; the verifier has checked that the memory exists.
        unsafe {
            let operand = operand::<u64>(regs, at);
            let address = u64::from(index) + (operand >> 32);
            let memory = *(*(*cx).instance).memories.add(operand as u32 as usize);
            // As with the limits of memory 0; memories have at most 2^32 bytes.
            let limit = (*memory).len as i64 - size_of::<M>() as i64;
            if address.cast_signed() > limit {
                return Err(out_of_bounds(site));
            }
            Ok((*memory).base.add(address as usize).cast())
        }
    }
}
