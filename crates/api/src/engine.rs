//! The engine: a configuration that modules, linkers and stores share.

use alloc::sync::{Arc, Weak};

use damson_core::{Epoch, PrunedRef, StoreConfig};

use crate::config::Config;
use crate::error::EngineMismatch;
use crate::memory::StorageMaker;

/// A configuration shared by modules, linkers and stores.
///
/// Cloning gives another handle to the same engine. What is made for one engine
/// cannot be used with another, because their modules may accept different programs
/// and meter them differently.
///
/// # Example
///
/// ```
/// use damson::{Config, Engine, Module};
///
/// let mut config = Config::default();
/// config.wasm_multi_memory(false);
/// let engine = Engine::new(&config);
/// # #[cfg(feature = "wat")]
/// assert!(Module::new(&engine, "(module (memory 1) (memory 1))").is_err());
/// assert!(Engine::same(&engine, &engine.clone()));
/// assert!(!Engine::same(&engine, &Engine::default()));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    config: Config,
    epoch: Arc<Epoch>,
}

impl Engine {
    /// An engine with a configuration.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            inner: Arc::new(Inner {
                config: config.clone(),
                epoch: Arc::default(),
            }),
        }
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Whether both handles name the same engine.
    #[must_use]
    pub fn same(a: &Self, b: &Self) -> bool {
        Arc::ptr_eq(&a.inner, &b.inner)
    }

    /// Begins the next epoch: stores of this engine whose deadline it is stop what they run,
    /// wherever [`Config::epoch_interruption`] is on.
    ///
    /// To be called from any thread; it never waits, so a signal handler may call it. See
    /// [`Store::set_epoch_deadline`](crate::Store::set_epoch_deadline).
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use damson::{Config, Engine, Instance, Module, Store, TrapCode};
    ///
    /// let mut config = Config::default();
    /// config.epoch_interruption(true);
    /// let engine = Engine::new(&config);
    /// let module = Module::new(&engine, r#"(module (func (export "spin") (loop (br 0))))"#)?;
    /// let mut store = Store::new(&engine, ());
    /// let spin = Instance::new(&mut store, &module, &[])?.get_typed_func::<(), ()>(&store, "spin")?;
    ///
    /// store.set_epoch_deadline(1);
    /// engine.increment_epoch(); // a clock's thread does so, as a rule
    /// let error = spin.call(&mut store, ()).unwrap_err();
    /// assert_eq!(error.as_trap_code(), Some(TrapCode::Interrupt));
    /// # }
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn increment_epoch(&self) {
        self.inner.epoch.increment();
    }

    /// A handle that does not keep the engine alive.
    #[must_use]
    pub fn weak(&self) -> EngineWeak {
        EngineWeak {
            inner: Arc::downgrade(&self.inner),
        }
    }

    /// The configuration of a store of this engine. The store keeps the engine as
    /// the core's embedder object, where [`Engine::of`] finds it.
    pub(crate) fn store_config(&self) -> StoreConfig {
        let config = self.config();
        let mut store = StoreConfig::default();
        store.stack_bytes = config.max_stack_bytes;
        store.max_call_depth = config.max_call_depth;
        store.max_table_elements = config.max_table_elements;
        store.max_trace = config.max_backtrace;
        store.max_host_nesting = config.max_host_nesting;
        store.memory_storage = config.memory_storage.as_ref().map(StorageMaker::to_core);
        store.fuel = config.consume_fuel.then_some(0);
        store.epoch = Some(Arc::clone(&self.inner.epoch));
        store.embedder = Some(Arc::new(self.clone()));
        store
    }

    /// What modules of this engine are parsed and translated with.
    pub(crate) fn translator_config(&self) -> damson_translator::Config {
        let mut config = damson_translator::Config::default();
        config.features = self.config().features;
        config.consume_fuel = self.config().consume_fuel;
        config.exact_fuel = self.config().exact_fuel;
        config.floats = self.config().floats;
        config.ignore_custom_sections = self.config().ignore_custom_sections;
        config.limits = self.config().limits;
        config.epoch_interruption = self.config().epoch_interruption;
        config
    }

    /// The engine of a store.
    ///
    /// # Panics
    ///
    /// If the store was not made with [`Engine::store_config`]; no public function
    /// of this crate lets such a store in.
    pub(crate) fn of(store: PrunedRef<'_>) -> &Engine {
        store
            .embedder()
            .and_then(|embedder| embedder.downcast_ref::<Self>())
            .expect("a store of this crate is made with its engine as the embedder object")
    }

    /// Checks that `found`, the engine of a `what`, is this engine.
    pub(crate) fn check(&self, what: &'static str, found: &Self) -> Result<(), EngineMismatch> {
        if Self::same(self, found) {
            Ok(())
        } else {
            Err(EngineMismatch { what })
        }
    }
}

/// A handle to an [`Engine`] that does not keep it alive.
///
/// # Example
///
/// ```
/// use damson::Engine;
///
/// let engine = Engine::default();
/// let weak = engine.weak();
/// assert!(weak.upgrade().is_some_and(|same| Engine::same(&same, &engine)));
/// drop(engine);
/// assert!(weak.upgrade().is_none());
/// ```
#[derive(Debug, Clone)]
pub struct EngineWeak {
    inner: Weak<Inner>,
}

impl EngineWeak {
    /// The engine, if another handle still keeps it alive.
    #[must_use]
    pub fn upgrade(&self) -> Option<Engine> {
        self.inner.upgrade().map(|inner| Engine { inner })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::num::NonZeroUsize;
    use damson_translator::EnforcedLimits;

    #[test]
    fn clones_are_the_same_engine_and_others_are_not() {
        let engine = Engine::default();
        assert!(Engine::same(&engine, &engine.clone()));
        assert!(!Engine::same(&engine, &Engine::default()));
    }

    #[test]
    fn a_weak_handle_does_not_keep_the_engine() {
        let engine = Engine::default();
        let weak = engine.weak();
        assert!(Engine::same(&weak.upgrade().expect("alive"), &engine));
        drop(engine);
        assert!(weak.upgrade().is_none());
    }

    #[test]
    fn settings_reach_the_store() {
        let mut config = Config::default();
        config
            .set_max_stack_height(123_456)
            .set_max_recursion_depth(77)
            .wasm_backtrace(false)
            .set_max_host_nesting(7)
            .consume_fuel(true);
        let store = Engine::new(&config).store_config();
        assert_eq!(
            (
                store.stack_bytes,
                store.max_call_depth,
                store.max_host_nesting,
                store.fuel
            ),
            (123_456, 77, 7, Some(0))
        );
        assert_eq!(store.max_trace, 0);
        config.wasm_backtrace(true);
        let default = Engine::default().store_config().max_trace;
        assert_eq!(Engine::new(&config).store_config().max_trace, default);
        config
            .wasm_backtrace_max_frames(NonZeroUsize::new(3))
            .wasm_backtrace(true);
        assert_eq!(Engine::new(&config).store_config().max_trace, 3);
        config.wasm_backtrace_max_frames(None);
        assert_eq!(Engine::new(&config).store_config().max_trace, 0);
        assert_eq!(Engine::default().store_config().fuel, None);
    }

    #[test]
    fn settings_reach_the_translator() {
        let mut config = Config::default();
        config.consume_fuel(true).wasm_tail_call(false);
        let translator = Engine::new(&config).translator_config();
        assert!(translator.consume_fuel && !translator.features.tail_call);
        assert!(!Engine::default().translator_config().consume_fuel);

        type Set = fn(&mut Config) -> &mut Config;
        type IsSet = fn(&damson_translator::Config) -> bool;
        let settings: [(Set, IsSet); 3] = [
            (|c| c.floats(false), |t| !t.floats),
            (
                |c| c.ignore_custom_sections(true),
                |t| t.ignore_custom_sections,
            ),
            (
                |c| c.enforced_limits(EnforcedLimits::strict()),
                |t| t.limits == EnforcedLimits::strict(),
            ),
        ];
        for (set, _) in settings {
            let mut config = Config::default();
            set(&mut config);
            let translator = Engine::new(&config).translator_config();
            let found = settings.map(|(_, is_set)| is_set(&translator));
            let expected = settings.map(|(other, _)| core::ptr::fn_addr_eq(other, set));
            assert_eq!(found, expected);
        }
    }
}
