//! What an engine accepts and how much it may use.
//!
//! A configuration is fixed when its engine is made. It holds no clever defaults
//! of its own: the proposals come from the translator's [`Features`], the stack
//! limits from the core's [`StoreConfig`].

use core::num::NonZeroUsize;

use damson_core::StoreConfig;
use damson_translator::{EnforcedLimits, Features};

use crate::memory::StorageMaker;

/// When the functions of a module are validated and translated to bytecode.
///
/// # Example
///
/// ```
/// # #[cfg(feature = "wat")] {
/// use damson::{CompilationMode, Config, Engine, Module};
///
/// let text = "(module (func (result i32)))"; // gives no result
/// let made_in = |mode| {
///     let mut config = Config::default();
///     config.compilation_mode(mode);
///     Module::new(&Engine::new(&config), text)
/// };
/// assert!(made_in(CompilationMode::Eager).is_err());
/// assert!(made_in(CompilationMode::LazyTranslation).is_err());
/// let module = made_in(CompilationMode::Lazy)?;
/// assert!(module.precompile(0).is_err(), "known when it is called");
/// # }
/// # Ok::<(), damson::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CompilationMode {
    /// All functions when the module is made.
    #[default]
    Eager,
    /// Validated when the module is made, translated at their first call.
    LazyTranslation,
    /// Validated and translated at their first call. A module with an invalid
    /// function can be made and run as long as that function is not called.
    Lazy,
}

/// The configuration of an [`Engine`](crate::Engine).
///
/// # Example
///
/// ```
/// use damson::{CompilationMode, Config, Engine};
///
/// let mut config = Config::default();
/// config.consume_fuel(true).compilation_mode(CompilationMode::Lazy);
/// let engine = Engine::new(&config);
/// # assert!(engine.config().get_consume_fuel());
/// ```
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) features: Features,
    pub(crate) consume_fuel: bool,
    pub(crate) exact_fuel: bool,
    pub(crate) charge_first_calls: bool,
    pub(crate) epoch_interruption: bool,
    pub(crate) compilation_mode: CompilationMode,
    pub(crate) max_stack_bytes: usize,
    pub(crate) max_call_depth: u32,
    pub(crate) max_table_elements: u32,
    /// Frames of a backtrace; 0 if there are to be none.
    pub(crate) max_backtrace: u32,
    pub(crate) max_host_nesting: u32,
    pub(crate) floats: bool,
    pub(crate) allow_start_fn: bool,
    pub(crate) ignore_custom_sections: bool,
    pub(crate) limits: EnforcedLimits,
    pub(crate) memory_storage: Option<StorageMaker>,
}

impl Default for Config {
    fn default() -> Self {
        let store = StoreConfig::default();
        Self {
            features: Features::default(),
            consume_fuel: false,
            exact_fuel: false,
            charge_first_calls: true,
            epoch_interruption: false,
            compilation_mode: CompilationMode::default(),
            max_stack_bytes: store.stack_bytes,
            max_call_depth: store.max_call_depth,
            max_table_elements: store.max_table_elements,
            max_backtrace: store.max_trace,
            max_host_nesting: store.max_host_nesting,
            floats: true,
            allow_start_fn: true,
            ignore_custom_sections: false,
            limits: EnforcedLimits::default(),
            memory_storage: None,
        }
    }
}

/// Declares one setter for each proposal.
macro_rules! proposals {
    ($( $(#[$doc:meta])* $setter:ident => $field:ident ),* $(,)?) => {
        impl Config {
            $(
                $(#[$doc])*
                ///
                /// On by default.
                pub fn $setter(&mut self, enable: bool) -> &mut Self {
                    self.features.$field = enable;
                    self
                }
            )*
        }

        #[cfg(test)]
        mod tests {
            use super::*;

            /// Each setter with the field it must change, and only that one.
            #[test]
            fn every_setter_changes_its_own_field() {
                type Setter = fn(&mut Config, bool) -> &mut Config;
                type Getter = fn(&Features) -> bool;
                let all: &[(&str, Setter, Getter)] =
                    &[$( (stringify!($setter), Config::$setter, |f| f.$field) ),*];
                for (changed, set, _) in all {
                    let mut config = Config::default();
                    set(&mut config, false);
                    for (name, _, get) in all {
                        assert_eq!(get(&config.features), name != changed, "{changed}: {name}");
                    }
                    set(&mut config, true);
                    assert!(all.iter().all(|(_, _, get)| get(&config.features)), "{changed}");
                }
            }
        }
    };
}

proposals! {
    /// Imported and exported mutable globals (`mutable-global`).
    wasm_mutable_global => mutable_global,
    /// `i32.extend8_s` and its relatives (`sign-extension`).
    wasm_sign_extension => sign_extension,
    /// Saturating float-to-integer conversions (`nontrapping-float-to-int`).
    wasm_saturating_float_to_int => saturating_float_to_int,
    /// Blocks and functions with several results, blocks with parameters (`multi-value`).
    wasm_multi_value => multi_value,
    /// Several memories in one module (`multi-memory`).
    wasm_multi_memory => multi_memory,
    /// `memory.copy`, `table.init` and their relatives, passive segments (`bulk-memory`).
    wasm_bulk_memory => bulk_memory,
    /// `funcref` and `externref` values, several tables (`reference-types`).
    wasm_reference_types => reference_types,
    /// `return_call` and `return_call_indirect` (`tail-call`).
    wasm_tail_call => tail_call,
    /// Integer arithmetic in constant expressions (`extended-const`).
    wasm_extended_const => extended_const,
}

impl Config {
    /// Whether execution is metered; off by default.
    ///
    /// With metering on, a store starts with no fuel: give it some with
    /// [`Store::set_fuel`](crate::Store::set_fuel). Running out of it is the trap
    /// [`TrapCode::OutOfFuel`](crate::TrapCode::OutOfFuel).
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use damson::{Config, Engine, Instance, Module, Store, TrapCode};
    ///
    /// let mut config = Config::default();
    /// config.consume_fuel(true);
    /// let engine = Engine::new(&config);
    /// let module = Module::new(&engine, r#"(module (func (export "spin") (loop (br 0))))"#)?;
    /// let mut store = Store::new(&engine, ());
    /// store.set_fuel(10_000)?;
    /// let spin = Instance::new(&mut store, &module, &[])?.get_typed_func::<(), ()>(&store, "spin")?;
    /// let error = spin.call(&mut store, ()).unwrap_err();
    /// assert_eq!(error.as_trap_code(), Some(TrapCode::OutOfFuel));
    /// assert!(store.get_fuel()? < 10);
    /// # }
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn consume_fuel(&mut self, enable: bool) -> &mut Self {
        self.consume_fuel = enable;
        self
    }

    /// Whether execution is metered.
    #[must_use]
    pub fn get_consume_fuel(&self) -> bool {
        self.consume_fuel
    }

    /// Whether fuel counts the operators that run, where execution is metered; off by default.
    ///
    /// Otherwise code is charged in longer stretches, see `docs/fuel.md`: what follows a branch is
    /// paid for also if the branch is taken. That is enough to bound a guest, and quicker; a
    /// profile wants it exact. Exact fuel charges each basic block by itself. Only what follows
    /// a call or a trap that ends the guest is paid for without running.
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use damson::{Config, Engine, Instance, Module, Store};
    ///
    /// let cost = |exact| {
    ///     let mut config = Config::default();
    ///     config.consume_fuel(true).exact_fuel(exact).charge_first_calls(false);
    ///     let engine = Engine::new(&config);
    ///     let module = Module::new(&engine, r#"(module (func (export "f") (param i32)
    ///         (br_if 0 (local.get 0))
    ///         (drop (i32.add (i32.const 1) (i32.const 2)))))"#)?;
    ///     let mut store = Store::new(&engine, ());
    ///     store.set_fuel(100)?;
    ///     let f = Instance::new(&mut store, &module, &[])?.get_typed_func::<i32, ()>(&store, "f")?;
    ///     f.call(&mut store, 1)?;
    ///     Ok::<_, damson::Error>(100 - store.get_fuel()?)
    /// };
    /// assert_eq!(cost(false)?, 7);
    /// // local.get and br_if
    /// assert_eq!(cost(true)?, 2);
    /// # }
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn exact_fuel(&mut self, enable: bool) -> &mut Self {
        self.exact_fuel = enable;
        self
    }

    /// Whether the first call of a function in an instance costs fuel for its compilation,
    /// where execution is metered; on by default.
    ///
    /// Without that charge, fuel counts what is executed, which is what a profile wants; but a guest can then make the host compile its functions for nothing.
    pub fn charge_first_calls(&mut self, enable: bool) -> &mut Self {
        self.charge_first_calls = enable;
        self
    }

    /// Whether running code can be interrupted by
    /// [`Engine::increment_epoch`](crate::Engine::increment_epoch); off by default.
    ///
    /// With interruption on, code looks at the engine's epoch wherever a function or a round
    /// of a loop begins. What that costs is in `docs/fuel.md`: less than a tenth as a rule, half as
    /// much again in a loop that does nothing but count. A single bulk operation
    /// (`memory.fill`, ...) and a host function are not interrupted; the first is bounded by
    /// the size of the memory or table. A store begins with its deadline reached: see
    /// [`Store::set_epoch_deadline`](crate::Store::set_epoch_deadline).
    pub fn epoch_interruption(&mut self, enable: bool) -> &mut Self {
        self.epoch_interruption = enable;
        self
    }

    /// Whether running code can be interrupted.
    #[must_use]
    pub fn get_epoch_interruption(&self) -> bool {
        self.epoch_interruption
    }

    /// When functions are validated and translated;
    /// [`Eager`](CompilationMode::Eager) by default.
    pub fn compilation_mode(&mut self, mode: CompilationMode) -> &mut Self {
        self.compilation_mode = mode;
        self
    }

    /// When functions are validated and translated.
    #[must_use]
    pub fn get_compilation_mode(&self) -> CompilationMode {
        self.compilation_mode
    }

    /// Size in bytes of the stack on which a store runs Wasm functions; 1 MiB by default.
    ///
    /// The stack is allocated when the store first runs something. A call whose frame
    /// does not fit is the trap [`TrapCode::StackOverflow`](crate::TrapCode::StackOverflow).
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use damson::{Config, Engine, Instance, Module, Store, TrapCode};
    ///
    /// let mut config = Config::default();
    /// config.set_max_stack_height(4096);
    /// let engine = Engine::new(&config);
    /// let module = Module::new(&engine, r#"
    ///     (module (func $deep (export "deep") (param i32) (result i32)
    ///       (if (result i32) (local.get 0)
    ///         (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
    ///         (else (i32.const 0)))))
    /// "#)?;
    /// let mut store = Store::new(&engine, ());
    /// let deep = Instance::new(&mut store, &module, &[])?.get_typed_func::<i32, i32>(&store, "deep")?;
    /// assert_eq!(deep.call(&mut store, 10)?, 10);
    /// let error = deep.call(&mut store, 1000).unwrap_err();
    /// assert_eq!(error.as_trap_code(), Some(TrapCode::StackOverflow));
    /// # }
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn set_max_stack_height(&mut self, bytes: usize) -> &mut Self {
        self.max_stack_bytes = bytes;
        self
    }

    /// How many Wasm calls may be active in a store at a time; 10,000 by default.
    ///
    /// One call more is the trap [`TrapCode::StackOverflow`](crate::TrapCode::StackOverflow).
    /// Values above `u32::MAX` count as that.
    pub fn set_max_recursion_depth(&mut self, calls: usize) -> &mut Self {
        self.max_call_depth = u32::try_from(calls).unwrap_or(u32::MAX);
        self
    }

    /// How many elements a table may have, whatever its type says; 10,000,000 by default.
    ///
    /// A table that begins with more cannot be made
    /// ([`TableError::Allocation`](crate::errors::TableError)), and a growth beyond fails as one beyond the
    /// maximum does. [`StoreLimits`](crate::StoreLimits) may be stricter.
    pub fn set_max_table_elements(&mut self, elements: u32) -> &mut Self {
        self.max_table_elements = elements;
        self
    }

    /// Whether the error of a call that fails knows which Wasm functions were active
    /// ([`Error::wasm_backtrace`](crate::Error::wasm_backtrace)); on by default.
    ///
    /// A backtrace costs nothing before a call fails.
    pub fn wasm_backtrace(&mut self, enable: bool) -> &mut Self {
        let default = StoreConfig::default().max_trace;
        self.max_backtrace = match (enable, self.max_backtrace) {
            (false, _) => 0,
            (true, 0) => default,
            (true, frames) => frames,
        };
        self
    }

    /// How many frames a backtrace has at most, the innermost ones; 20 by default.
    /// `None` turns backtraces off.
    ///
    /// Values above `u32::MAX` count as that.
    pub fn wasm_backtrace_max_frames(&mut self, frames: Option<NonZeroUsize>) -> &mut Self {
        let frames = frames.map_or(0, NonZeroUsize::get);
        self.max_backtrace = u32::try_from(frames).unwrap_or(u32::MAX);
        self
    }

    /// How many calls that the host makes may be active in a store at a time: a host
    /// function that calls back is one of them, and each takes native stack.
    ///
    /// One call more is the error
    /// [`FuncError::TooDeeplyNested`](crate::errors::FuncError::TooDeeplyNested), which says
    /// what the limit is. For a guest that is like a trap: its
    /// [`as_trap_code`](crate::Error::as_trap_code) is
    /// [`TrapCode::StackOverflow`](crate::TrapCode::StackOverflow).
    pub fn set_max_host_nesting(&mut self, calls: u32) -> &mut Self {
        self.max_host_nesting = calls;
        self
    }

    /// Whether modules may have values and instructions of floating-point types;
    /// on by default.
    pub fn floats(&mut self, enable: bool) -> &mut Self {
        self.floats = enable;
        self
    }

    /// Whether modules may have a start function; on by default. Where it is off,
    /// [`Module::new`](crate::Module::new) refuses those that have one.
    pub fn allow_start_fn(&mut self, allow: bool) -> &mut Self {
        self.allow_start_fn = allow;
        self
    }

    /// Whether custom sections are skipped when a module is made; off by default.
    ///
    /// Where it is on, [`Module::custom_sections`](crate::Module::custom_sections) has
    /// none, and functions have no names.
    pub fn ignore_custom_sections(&mut self, enable: bool) -> &mut Self {
        self.ignore_custom_sections = enable;
        self
    }

    /// How much a module may have of what takes room and time to compile; no limits
    /// by default.
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Config, EnforcedLimits};
    ///
    /// let mut limits = EnforcedLimits::strict();
    /// limits.max_memories = Some(4);
    /// Config::default().enforced_limits(limits);
    /// ```
    pub fn enforced_limits(&mut self, limits: EnforcedLimits) -> &mut Self {
        self.limits = limits;
        self
    }

    /// What memories are kept in: `make` is asked once for each memory that an
    /// instance defines or [`Memory::new`](crate::Memory::new) makes.
    ///
    /// The storage it gives is empty and grows as the guest asks. The default is
    /// [`HeapStorage`](crate::storage::HeapStorage); see [`crate::storage`] for others.
    ///
    /// # Example
    ///
    /// ```
    /// use damson::storage::HeapStorage;
    /// use damson::{Config, Engine, Memory, MemoryType, Store};
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU64, Ordering};
    ///
    /// let asked = Arc::new(AtomicU64::new(0));
    /// let count = Arc::clone(&asked);
    /// let mut config = Config::default();
    /// config.memory_storage(move |ty: MemoryType| {
    ///     count.fetch_add(ty.minimum(), Ordering::Relaxed);
    ///     Ok(HeapStorage::new())
    /// });
    /// let mut store = Store::new(&Engine::new(&config), ());
    /// Memory::new(&mut store, MemoryType::new(3, None))?;
    /// assert_eq!(asked.load(Ordering::Relaxed), 3);
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn memory_storage<S, F>(&mut self, make: F) -> &mut Self
    where
        S: crate::storage::MemoryStorage + 'static,
        F: Fn(crate::MemoryType) -> Result<S, crate::storage::StorageError> + Send + Sync + 'static,
    {
        self.memory_storage = Some(StorageMaker::new(make));
        self
    }
}

/// Settings of wasmi that choose among things that Damson does not have. They let
/// programs compile unchanged, and the warning says what to know.
impl Config {
    /// Has no effect.
    #[deprecated(note = "has no effect: the stack of a store is allocated once, at its full size")]
    pub fn set_min_stack_height(&mut self, _bytes: usize) -> &mut Self {
        self
    }

    /// Has no effect.
    #[deprecated(note = "has no effect: a stack belongs to its store, an engine keeps none")]
    pub fn set_max_cached_stacks(&mut self, _stacks: usize) -> &mut Self {
        self
    }

    /// Has no effect.
    #[deprecated(note = "has no effect: modules that use custom page sizes are refused")]
    pub fn wasm_custom_page_sizes(&mut self, _enable: bool) -> &mut Self {
        self
    }

    /// Has no effect.
    #[deprecated(note = "has no effect: modules that use 64-bit memories or tables are refused")]
    pub fn wasm_memory64(&mut self, _enable: bool) -> &mut Self {
        self
    }

    /// Has no effect.
    #[deprecated(note = "has no effect: modules that use wide arithmetic are refused")]
    pub fn wasm_wide_arithmetic(&mut self, _enable: bool) -> &mut Self {
        self
    }
}
