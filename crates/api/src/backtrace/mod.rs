//! Where Wasm code was when a call failed.
//!
//! The executor records frames as function indices and byte offsets; here they get names,
//! from the name section and, with the feature `addr2line`, from DWARF. That work is done
//! when somebody looks: to fail costs the same with and without debug information.
//!
//! Frames of host functions are not among them. They are the host's own, and a debugger or
//! the host's backtrace shows them.

#[cfg(feature = "addr2line")]
mod bounded;
mod names;
#[cfg(feature = "addr2line")]
mod symbols;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use damson_executor::Suspended;
use damson_executor::backtrace::{self, Backtrace};
use damson_translator::DebugInfo;

use crate::engine::Engine;
use crate::error::Error;
use crate::store::AsContext;

/// The Wasm functions that were active at a time, innermost first.
///
/// [`Error::wasm_backtrace`](crate::Error::wasm_backtrace) has the one of a failed call; a host
/// function gets that of its own call with [`WasmBacktrace::capture`]. It is printed with
/// `{}`.
///
/// # Example
///
/// ```
/// # #[cfg(feature = "wat")] {
/// use damson::{Engine, Linker, Module, Store};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module
///     (func $inner unreachable)
///     (func $outer (export "outer") call $inner))"#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = <Linker<()>>::new(&engine).instantiate_and_start(&mut store, &module)?;
/// let outer = instance.get_typed_func::<(), ()>(&store, "outer")?;
///
/// let error = outer.call(&mut store, ()).unwrap_err();
/// let backtrace = error.wasm_backtrace().unwrap();
/// let names = backtrace.frames().iter().map(|frame| frame.func_name());
/// assert!(names.eq([Some("inner"), Some("outer")]));
/// # }
/// # Ok::<(), damson::Error>(())
/// ```
#[derive(Clone)]
pub struct WasmBacktrace {
    frames: Box<[FrameInfo]>,
    truncated: bool,
}

impl WasmBacktrace {
    /// `None` if there is no frame.
    pub(crate) fn new(backtrace: Backtrace) -> Option<Self> {
        let frames: Box<[FrameInfo]> = backtrace
            .frames
            .into_iter()
            .map(|frame| FrameInfo {
                func_index: frame.func_index,
                offset: frame.offset,
                module: frame.origin.and_then(|origin| origin.downcast().ok()),
            })
            .collect();
        let truncated = backtrace.truncated;
        (!frames.is_empty()).then_some(Self { frames, truncated })
    }

    fn captured(store: &impl AsContext, limit: u32) -> Self {
        Self::or_empty(backtrace::capture(store.as_context().pruned_ref(), limit))
    }

    /// All frames of a suspended call.
    pub(crate) fn of_suspended(call: &Suspended, ctx: impl AsContext) -> Result<Self, Error> {
        let frames = call.backtrace(ctx.as_context().pruned_ref(), u32::MAX)?;
        Ok(Self::or_empty(frames))
    }

    /// Also without a frame.
    fn or_empty(backtrace: Backtrace) -> Self {
        Self::new(backtrace).unwrap_or(Self {
            frames: Box::default(),
            truncated: false,
        })
    }

    /// The functions that are active now: those that led to the host function which asks.
    ///
    /// Without frames if backtraces are off
    /// ([`Config::wasm_backtrace`](crate::Config::wasm_backtrace)).
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use damson::{Caller, Engine, Linker, Module, Store, WasmBacktrace};
    ///
    /// let engine = Engine::default();
    /// let mut linker = Linker::<Vec<u32>>::new(&engine);
    /// linker.func_wrap("host", "mark", |mut caller: Caller<'_, Vec<u32>>| {
    ///     let backtrace = WasmBacktrace::capture(&caller);
    ///     *caller.data_mut() = backtrace.frames().iter().map(|frame| frame.func_index()).collect();
    /// })?;
    /// let module = Module::new(&engine, r#"
    ///     (module (import "host" "mark" (func $mark))
    ///       (func $inner (call $mark))
    ///       (func (export "run") (call $inner)))
    /// "#)?;
    /// let mut store = Store::new(&engine, Vec::new());
    /// let instance = linker.instantiate(&mut store, &module)?;
    /// instance.get_typed_func::<(), ()>(&store, "run")?.call(&mut store, ())?;
    /// assert_eq!(store.into_data(), [1, 2]);
    /// # }
    /// # Ok::<(), damson::Error>(())
    /// ```
    #[must_use]
    pub fn capture(store: impl AsContext) -> Self {
        let limit = Engine::of(store.as_context().pruned_ref())
            .config()
            .max_backtrace;
        Self::captured(&store, limit)
    }

    /// Like [`WasmBacktrace::capture`], but with all frames, and also if backtraces are off.
    #[must_use]
    pub fn force_capture(store: impl AsContext) -> Self {
        Self::captured(&store, u32::MAX)
    }

    /// The frames, innermost first.
    #[must_use]
    pub fn frames(&self) -> &[FrameInfo] {
        &self.frames
    }

    /// Whether there are more callers than
    /// [`Config::wasm_backtrace_max_frames`](crate::Config::wasm_backtrace_max_frames) allows.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }
}

/// A heading and a line for each frame, with the places in the source below it.
impl fmt::Display for WasmBacktrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("wasm backtrace:")?;
        for (number, frame) in self.frames.iter().enumerate() {
            write!(f, "\n{number:>5}: {frame}")?;
        }
        if self.truncated {
            f.write_str("\n       ... and further callers")?;
        }
        Ok(())
    }
}

impl fmt::Debug for WasmBacktrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasmBacktrace")
            .field("frames", &self.frames)
            .field("truncated", &self.truncated)
            .finish()
    }
}

/// One call of a Wasm function in a [`WasmBacktrace`].
///
/// # Example
///
/// ```
/// # #[cfg(feature = "wat")] {
/// use damson::{Engine, Instance, Module, Store};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"
///     (module $shop (func $pay (export "pay") nop unreachable))
/// "#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let pay = instance.get_typed_func::<(), ()>(&store, "pay")?;
/// let error = pay.call(&mut store, ()).unwrap_err();
/// let frame = &error.wasm_backtrace().unwrap().frames()[0];
/// assert_eq!((frame.module_name(), frame.func_name()), (Some("shop"), Some("pay")));
/// // The body begins with the number of declared locals and `nop`.
/// assert_eq!(frame.func_offset(), Some(2));
/// let body = module.body_range(frame.func_index()).unwrap();
/// assert_eq!(frame.module_offset(), Some(body.start as usize + 2));
/// # }
/// # Ok::<(), damson::Error>(())
/// ```
#[derive(Clone)]
pub struct FrameInfo {
    func_index: u32,
    offset: Option<u32>,
    module: Option<Arc<ModuleDebug>>,
}

impl FrameInfo {
    /// Index of the function in its module's function index space.
    #[must_use]
    pub fn func_index(&self) -> u32 {
        self.func_index
    }

    /// The function's name in the module's name section, as it is there.
    #[must_use]
    pub fn func_name(&self) -> Option<&str> {
        self.info()?.func_name(self.func_index)
    }

    /// The function's name for people: decoded with the feature `demangle`, its index where
    /// it has none, and control characters as escapes. This is how backtraces show it.
    pub fn display_name(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(|f| match self.func_name() {
            Some(name) => names::write(f, name),
            None => write!(f, "<function {}>", self.func_index),
        })
    }

    /// The module's name in its name section.
    #[must_use]
    pub fn module_name(&self) -> Option<&str> {
        self.info()?.module_name()
    }

    /// Where the operator is that the call is at: bytes from the start of the Wasm binary.
    #[must_use]
    pub fn module_offset(&self) -> Option<usize> {
        self.offset.map(|offset| offset as usize)
    }

    /// Where the operator is that the call is at: bytes from the start of the function's body.
    #[must_use]
    pub fn func_offset(&self) -> Option<usize> {
        let body = self.info()?.body_range(self.func_index)?;
        let offset = u64::from(self.offset?).checked_sub(body.start)?;
        usize::try_from(offset).ok()
    }

    /// Where the operator is in the source, if the module has DWARF: the function that it
    /// was written in and, when that was inlined, those that it is part of, innermost first.
    ///
    /// Always empty without the feature `addr2line`. The first frame that is asked makes its
    /// module's debug information be read.
    #[must_use]
    pub fn symbols(&self) -> Box<[FrameSymbol]> {
        #[cfg(feature = "addr2line")]
        if let (Some(module), Some(offset)) = (&self.module, self.offset) {
            return module.symbols.at(&module.info, offset);
        }
        Box::default()
    }

    fn info(&self) -> Option<&DebugInfo> {
        Some(&self.module.as_deref()?.info)
    }
}

/// The byte offset and the function's name, then the places in the source, if they are known.
impl fmt::Display for FrameInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(offset) = self.offset {
            write!(f, "{offset:#8x} - ")?;
        }
        if let Some(module) = self.module_name() {
            names::plain(f, module)?;
            f.write_str("!")?;
        }
        self.display_name().fmt(f)?;
        let symbols = self.symbols();
        let last = symbols.len().saturating_sub(1);
        for (index, symbol) in symbols.iter().enumerate() {
            write!(f, "\n{:17}", "")?;
            // What is inlined has another name than the function.
            if index < last
                && let Some(name) = symbol.name()
            {
                names::write(f, name)?;
                f.write_str(" (inlined) ")?;
            }
            f.write_str("at ")?;
            names::plain(f, symbol.file().unwrap_or("<unknown file>"))?;
            if let Some(line) = symbol.line() {
                write!(f, ":{line}")?;
                if let Some(column) = symbol.column() {
                    write!(f, ":{column}")?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for FrameInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameInfo")
            .field("module_name", &self.module_name())
            .field("func_index", &self.func_index)
            .field("func_name", &self.func_name())
            .field("module_offset", &self.module_offset())
            .field("symbols", &self.symbols())
            .finish()
    }
}

/// A place in the source, from DWARF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameSymbol {
    name: Option<String>,
    file: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
}

impl FrameSymbol {
    /// The function, as the linker knows it.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The file, as the compiler recorded it.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The line, from 1.
    #[must_use]
    pub fn line(&self) -> Option<u32> {
        self.line
    }

    /// The column, from 1.
    #[must_use]
    pub fn column(&self) -> Option<u32> {
        self.column
    }
}

/// What a module's code map keeps for backtraces: it stays when the module is dropped.
pub(crate) struct ModuleDebug {
    info: Arc<DebugInfo>,
    #[cfg(feature = "addr2line")]
    symbols: symbols::Symbols,
}

impl ModuleDebug {
    pub(crate) fn new(info: Arc<DebugInfo>) -> Arc<Self> {
        Arc::new(Self {
            info,
            #[cfg(feature = "addr2line")]
            symbols: symbols::Symbols::default(),
        })
    }
}
