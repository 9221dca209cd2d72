//! Code in its threaded form, and the map of a module's functions.
//!
//! Code is [threaded](crate::threading) once, when it is defined.
#![expect(unsafe_code, reason = "owns code that is reached through pointers")]

use crate::CallError;
use crate::threading::thread;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::alloc::{Layout, LayoutError};
use core::any::Any;
use core::fmt;
use core::mem::{ManuallyDrop, offset_of};
use core::ptr::{self, NonNull};
use damson_core::entry::{CodeEntry, Owner};
use damson_core::shape::ModuleShape;
use damson_core::{Cell, CodeHandle};
use damson_ir::Verified;
use spin::Mutex;

/// Why code for a function could not be made.
pub type CompileError = Box<dyn core::error::Error + Send + Sync>;

/// Makes code for functions when they are called for the first time.
///
/// The executor calls it outside of the dispatch loop, in the thread that called the
/// function; two threads may ask for the same function at once.
pub trait Compiler: Send + Sync {
    /// Makes the code of a function, by its index in the module's function index space.
    ///
    /// # Errors
    ///
    /// When there is no code, for instance because the function is invalid. The call that
    /// needed it fails with [`CallError::Compile`](crate::CallError::Compile).
    fn compile(&self, func_index: u32) -> Result<Verified, CompileError>;
}

/// Code of one function, ready to run.
///
/// The cells stand behind it in memory, so that a call finds the first instruction without
/// reading where it is: every access on that way is one that the next instruction waits for.
#[repr(C)]
pub(crate) struct Code {
    /// Size of the frame.
    pub(crate) frame_bytes: usize,
    /// How many cells there are.
    len: usize,
    offsets: Box<[(u32, u32)]>,
    func_index: u32,
    /// Where they begin.
    cells: [Cell; 0],
}

/// Owns code with its cells.
pub(crate) struct CodeBox(NonNull<Code>);

impl Code {
    /// The first instruction.
    ///
    /// # Safety
    ///
    /// The pointer is that of a [`CodeBox`].
    #[inline(always)]
    pub(crate) unsafe fn start(code: *const Self) -> *const Cell {
        // SAFETY: the cells are in the same allocation.
        unsafe { code.byte_add(offset_of!(Self, cells)).cast() }
    }

    /// Threads verified code. `imported` functions come before those of the module.
    fn thread(code: Verified, imported: u32) -> CodeBox {
        let (func_index, metered) = (code.func_index(), code.is_metered());
        let mut function = code.into_function();
        thread(&mut function.cells, imported, metered);
        let code = Self {
            frame_bytes: function.frame_cells as usize * size_of::<Cell>(),
            len: function.cells.len(),
            offsets: function.offsets.into_boxed_slice(),
            func_index,
            cells: [],
        };
        CodeBox::new(code, &function.cells)
    }

    /// The address of the first cell.
    fn start_addr(&self) -> usize {
        ptr::from_ref(&self.cells).addr()
    }

    /// The index of the cell that `ip` points to, if it is one of this code.
    fn position(&self, ip: *const Cell) -> Option<usize> {
        let bytes = ip.addr().checked_sub(self.start_addr())?;
        Some(bytes / size_of::<Cell>()).filter(|&cell| cell < self.len)
    }

    /// The byte offset of the Wasm operator that the instruction at the cell belongs to.
    fn wasm_offset(&self, cell: usize) -> Option<u32> {
        let after = self.offsets.partition_point(|&(at, _)| at as usize <= cell);
        self.offsets
            .get(after.checked_sub(1)?)
            .map(|&(_, offset)| offset)
    }
}

impl CodeBox {
    /// Moves both to memory of their own; `code` says how many cells there are.
    fn new(code: Code, cells: &[u64]) -> Self {
        debug_assert_eq!(code.len, cells.len());
        let Ok(layout) = Self::layout(cells.len()) else {
            alloc::alloc::handle_alloc_error(Layout::new::<Code>())
        };
        // SAFETY: the layout is not empty; it has room for the code, then for the cells, which
        // are as large and aligned as the numbers that become them.
        unsafe {
            let Some(this) = NonNull::new(alloc::alloc::alloc(layout).cast::<Code>()) else {
                alloc::alloc::handle_alloc_error(layout)
            };
            this.write(code);
            let start = Code::start(this.as_ptr()).cast_mut().cast::<u64>();
            start.copy_from_nonoverlapping(cells.as_ptr(), cells.len());
            Self(this)
        }
    }

    fn layout(len: usize) -> Result<Layout, LayoutError> {
        let (layout, _) = Layout::new::<Code>().extend(Layout::array::<Cell>(len)?)?;
        Ok(layout)
    }
}

const _: () = {
    assert!(offset_of!(Code, cells) == size_of::<Code>());
    assert!(size_of::<Cell>() == size_of::<u64>() && align_of::<Cell>() == align_of::<u64>());
};

// SAFETY: code and cells stay where they are, and nobody writes them.
unsafe impl Owner for CodeBox {
    type Value = Code;
    fn into_raw(self) -> *mut Code {
        ManuallyDrop::new(self).0.as_ptr()
    }
    unsafe fn from_raw(code: *mut Code) -> Self {
        // SAFETY: as the caller promises: from `into_raw`, so not null.
        Self(unsafe { NonNull::new_unchecked(code) })
    }
}

// SAFETY: it owns code and cells, which are plain data.
unsafe impl Send for CodeBox {}
// SAFETY: nobody writes them.
unsafe impl Sync for CodeBox {}

impl core::ops::Deref for CodeBox {
    type Target = Code;
    fn deref(&self) -> &Code {
        // SAFETY: it owns the code.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for CodeBox {
    fn drop(&mut self) {
        let Ok(layout) = Self::layout(self.len) else {
            // There is a layout: the code was made with it.
            return;
        };
        // SAFETY: made in `new` with this layout, and dropped once.
        unsafe {
            self.0.drop_in_place();
            alloc::alloc::dealloc(self.0.as_ptr().cast(), layout);
        }
    }
}

/// Why code was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DefineError {
    /// The code was verified against another module.
    #[error("the code of function {func_index} was verified against another module")]
    OtherModule {
        /// The function.
        func_index: u32,
    },
    /// The code was verified as that of another function.
    #[error("expected code of function {expected}, found code of function {found}")]
    OtherFunction {
        /// The function to define.
        expected: u32,
        /// The function that the code is for.
        found: u32,
    },
    /// The function has code already.
    #[error("function {func_index} has code already")]
    AlreadyDefined {
        /// The function.
        func_index: u32,
    },
    /// The map is one for stores that meter, and the code takes no fuel where it begins or
    /// where it goes back.
    #[error("expected metered code for function {func_index}: it could run without end")]
    NotMetered {
        /// The function.
        func_index: u32,
    },
}

/// The code of a module's functions, shared by its instances, stores and threads.
///
/// A function gets its code by [`define`](Self::define), or by the map's [`Compiler`] when
/// it is first called, and keeps it as long as the map lives.
pub struct CodeMap {
    shape: Arc<ModuleShape>,
    imported: u32,
    /// One for each function that the module defines.
    entries: Box<[CodeEntry<CodeBox>]>,
    compiler: Option<Box<dyn Compiler>>,
    /// The function of each code, by the address of its first instruction.
    by_address: Mutex<BTreeMap<usize, u32>>,
    origin: Option<Arc<dyn Any + Send + Sync>>,
    /// Whether all code has to be metered.
    metered: bool,
    /// The fuel that the first call of each function in an instance costs; empty if there is
    /// no such charge.
    first_calls: Box<[u64]>,
}

impl CodeMap {
    /// A map in which no function has code. A call of one that has none is an error.
    #[must_use]
    pub fn new(shape: Arc<ModuleShape>) -> Arc<Self> {
        Self::make(shape, None, None, None)
    }

    /// A map in which `compiler` makes missing code.
    #[must_use]
    pub fn with_compiler(shape: Arc<ModuleShape>, compiler: Box<dyn Compiler>) -> Arc<Self> {
        Self::make(shape, Some(compiler), None, None)
    }

    /// A map that remembers what its code was made of: something of the embedder's, which
    /// the frames of a [`Backtrace`](crate::Backtrace) lead back to.
    #[must_use]
    pub fn with_origin(
        shape: Arc<ModuleShape>,
        compiler: Option<Box<dyn Compiler>>,
        origin: Arc<dyn Any + Send + Sync>,
    ) -> Arc<Self> {
        Self::make(shape, compiler, Some(origin), None)
    }

    /// A map for stores that meter. It takes no other code than metered one
    /// ([`Verified::is_metered`]), which cannot run without end unless it takes fuel.
    ///
    /// The first call of a function in an instance costs the fuel that `first_calls` says, by
    /// the function's index among those that the module defines. That is so whether the
    /// function has code already or `compiler` makes it: what a program costs does not depend
    /// on who has run it before. A function that is missing in `first_calls` costs nothing.
    #[must_use]
    pub fn metered(
        shape: Arc<ModuleShape>,
        compiler: Option<Box<dyn Compiler>>,
        origin: Option<Arc<dyn Any + Send + Sync>>,
        first_calls: Box<[u64]>,
    ) -> Arc<Self> {
        Self::make(shape, compiler, origin, Some(first_calls))
    }

    fn make(
        shape: Arc<ModuleShape>,
        compiler: Option<Box<dyn Compiler>>,
        origin: Option<Arc<dyn Any + Send + Sync>>,
        first_calls: Option<Box<[u64]>>,
    ) -> Arc<Self> {
        let imported = shape.num_imported_funcs();
        let defined = shape.funcs.len().saturating_sub(imported as usize);
        Arc::new(Self {
            shape,
            imported,
            entries: (0..defined).map(|_| CodeEntry::new()).collect(),
            compiler,
            by_address: Mutex::new(BTreeMap::new()),
            origin,
            metered: first_calls.is_some(),
            first_calls: first_calls.unwrap_or_default(),
        })
    }

    /// The fuel that the first call of a function in an instance costs.
    pub(crate) fn first_call_cost(&self, func_index: u32) -> u64 {
        let defined = func_index.checked_sub(self.imported);
        let cost = defined.and_then(|index| self.first_calls.get(index as usize));
        cost.copied().unwrap_or(0)
    }

    fn entry(&self, func_index: u32) -> Option<&CodeEntry<CodeBox>> {
        self.entries
            .get(func_index.checked_sub(self.imported)? as usize)
    }

    /// The module.
    #[must_use]
    pub fn shape(&self) -> &Arc<ModuleShape> {
        &self.shape
    }

    /// How many functions the module imports: where its own begin.
    pub(crate) fn imported(&self) -> u32 {
        self.imported
    }

    /// Gives a function its code; `func_index` counts in the module's function index space.
    ///
    /// Code that was not verified is not taken, in any build:
    ///
    /// ```compile_fail,E0308
    /// # use damson_executor::{CodeMap, ir::Function};
    /// # fn define(map: &CodeMap, function: Function) {
    /// let _ = map.define(0, function);
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When the code was verified for something else, or the function has code already.
    pub fn define(&self, func_index: u32, code: Verified) -> Result<(), DefineError> {
        let (entry, code) = self.thread(func_index, code)?;
        match entry.publish(code) {
            Ok(_) => Ok(()),
            Err(code) => {
                self.discard(&code);
                Err(DefineError::AlreadyDefined { func_index })
            }
        }
    }

    /// Threads code for a function, which is found by its address from then on; gives the
    /// entry that it is for, too.
    fn thread(
        &self,
        func_index: u32,
        code: Verified,
    ) -> Result<(&CodeEntry<CodeBox>, CodeBox), DefineError> {
        if !Arc::ptr_eq(code.shape(), &self.shape) {
            return Err(DefineError::OtherModule { func_index });
        }
        let other = DefineError::OtherFunction {
            expected: func_index,
            found: code.func_index(),
        };
        if code.func_index() != func_index {
            return Err(other);
        }
        if self.metered && !code.is_metered() {
            return Err(DefineError::NotMetered { func_index });
        }
        // The verifier has checked that the module defines the function.
        let entry = self.entry(func_index).ok_or(other)?;
        let code = Code::thread(code, self.imported);
        // Before it is published: from then on another thread may run it, and trap in it.
        let start = code.start_addr();
        self.by_address.lock().insert(start, func_index);
        Ok((entry, code))
    }

    /// Whether a function has code.
    #[must_use]
    pub fn is_defined(&self, func_index: u32) -> bool {
        self.entry(func_index)
            .is_some_and(|entry| entry.get().is_some())
    }

    /// The code of a function, made if it is missing.
    pub(crate) fn supply(&self, func_index: u32) -> Result<&Code, SupplyError> {
        let entry = self.entry(func_index).ok_or(SupplyError::NoCode)?;
        let make = || {
            let compiler = self.compiler.as_ref().ok_or(SupplyError::NoCode)?;
            let code = compiler.compile(func_index).map_err(SupplyError::Compile)?;
            match self.thread(func_index, code) {
                Ok((_, code)) => Ok(code),
                Err(error) => Err(SupplyError::Compile(Box::new(error))),
            }
        };
        entry.get_or_publish(make, |code| self.discard(&code))
    }

    /// Forgets code that was not published and is about to be dropped.
    fn discard(&self, code: &Code) {
        self.by_address.lock().remove(&code.start_addr());
    }

    /// Sees to it that a function has code, as its first call would.
    ///
    /// # Errors
    ///
    /// When there is no compiler, or it fails.
    pub fn prepare(&self, func_index: u32) -> Result<(), CallError> {
        match self.supply(func_index) {
            Ok(_) => Ok(()),
            Err(SupplyError::NoCode) => Err(CallError::NoCode { func_index }),
            Err(SupplyError::Compile(source)) => Err(CallError::Compile { func_index, source }),
        }
    }

    /// The size of a function's code in bytes, if it has any.
    #[must_use]
    pub fn code_bytes(&self, func_index: u32) -> Option<usize> {
        let code = self.entry(func_index)?.get()?;
        Some(code.len * size_of::<Cell>())
    }

    /// The function to which the instruction at `ip` belongs, and the byte offset of its Wasm
    /// operator.
    pub(crate) fn locate(&self, ip: *const Cell) -> Option<(u32, Option<u32>)> {
        let code = self.find(ip)?;
        Some((code.func_index, code.wasm_offset(code.position(ip)?)))
    }

    /// The code to which the instruction at `ip` belongs.
    pub(crate) fn find(&self, ip: *const Cell) -> Option<&Code> {
        let before = {
            let by_address = self.by_address.lock();
            by_address
                .range(..=ip.addr())
                .next_back()
                .map(|(_, &func_index)| func_index)
        };
        let code = self.entry(before?)?.get()?;
        code.position(ip).map(|_| code)
    }

    /// What the code was made of, if the map was told.
    pub(crate) fn origin(&self) -> Option<&Arc<dyn Any + Send + Sync>> {
        self.origin.as_ref()
    }

    /// The map as the store knows it: what an instance of the module is made with, and no
    /// second one where first calls cost fuel.
    #[must_use]
    pub fn handle(self: &Arc<Self>) -> CodeHandle {
        if !self.first_calls.is_empty() {
            return InstanceCode::handle(self);
        }
        let keep_alive: Arc<dyn Any + Send + Sync> = Arc::clone(self) as _;
        // SAFETY: the entries live as long as the map and do not move. They are empty, for
        // which the handlers look, or hold code that was verified for this shape.
        unsafe {
            CodeHandle::new(
                keep_alive,
                self.entries.as_ptr().cast(),
                self.entries.len(),
                Arc::clone(&self.shape),
            )
        }
    }
}

/// The functions that one instance has called, where first calls cost fuel: an instance sees
/// the others as functions without code, so their first call comes to the driver.
pub(crate) struct InstanceCode {
    map: Arc<CodeMap>,
    /// What they hold is the map's, so they do not drop it.
    entries: Box<[ManuallyDrop<CodeEntry<CodeBox>>]>,
}

impl InstanceCode {
    fn handle(map: &Arc<CodeMap>) -> CodeHandle {
        let entry = |_| ManuallyDrop::new(CodeEntry::new());
        let code = Arc::new(Self {
            map: Arc::clone(map),
            entries: map.entries.iter().map(entry).collect(),
        });
        let (entries, len) = (code.entries.as_ptr().cast(), code.entries.len());
        // SAFETY: the entries live as long as `code` and do not move. They are empty, for
        // which the handlers look, or hold code of the map, which `code` keeps alive.
        unsafe { CodeHandle::new(code, entries, len, Arc::clone(&map.shape)) }
    }

    pub(crate) fn map(&self) -> &CodeMap {
        &self.map
    }

    /// Lets the instance see the code of a function.
    pub(crate) fn take_over(&self, func_index: u32) {
        let defined = func_index.wrapping_sub(self.map.imported) as usize;
        let shared = self.map.entry(func_index);
        if let (Some(own), Some(shared)) = (self.entries.get(defined), shared) {
            // SAFETY: the map lives as long as the entry, which is never dropped.
            unsafe { own.lend(shared.as_ptr()) };
        }
    }
}

/// Why a function has no code.
pub(crate) enum SupplyError {
    NoCode,
    Compile(CompileError),
}

impl fmt::Debug for CodeMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let compiled = self.entries.iter().filter(|entry| entry.get().is_some());
        f.debug_struct("CodeMap")
            .field("functions", &self.entries.len())
            .field("compiled", &compiled.count())
            .finish()
    }
}
