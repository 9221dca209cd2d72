//! What a host function learns of its call.
#![expect(
    unsafe_code,
    reason = "types the store of a host call by the check at link time"
)]

use damson_core::{HostCall, InstanceHandle, PrunedRef};

use crate::engine::Engine;
use crate::error::Error;
use crate::externals::Extern;
use crate::instance::Instance;
use crate::store::{AsContext, AsContextMut, StoreContext, StoreContextMut};

/// The view of the store that a host function receives, with the calling instance.
///
/// It is a context: everything that takes one takes `&mut caller`, calls back into
/// Wasm included. It is not the store: the owner stays out of reach while Wasm runs.
///
/// # Example
///
/// ```
/// # #[cfg(feature = "wat")] {
/// // A host function that reads a text of its caller's.
/// use damson::{Caller, Engine, Error, Extern, Linker, Module, Store, TrapCode};
///
/// fn log(mut caller: Caller<'_, Vec<String>>, at: u32, len: u32) -> Result<(), Error> {
///     let memory = caller.get_export("memory").and_then(Extern::into_memory);
///     let memory = memory.ok_or_else(|| Error::new("no memory is exported"))?;
///     // Both are the guest's: nothing is allocated before they are checked.
///     let rest = memory.data(&caller).get(at as usize..);
///     let bytes = rest.and_then(|rest| rest.get(..len as usize));
///     let text = String::from_utf8_lossy(bytes.ok_or(TrapCode::MemoryOutOfBounds)?).into();
///     caller.data_mut().push(text);
///     Ok(())
/// }
///
/// let engine = Engine::default();
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("host", "log", log)?;
/// let module = Module::new(&engine, r#"
///     (module
///       (import "host" "log" (func $log (param i32 i32)))
///       (memory (export "memory") 1)
///       (data (i32.const 4) "hello")
///       (func (export "run") (param i32) (call $log (i32.const 4) (local.get 0))))
/// "#)?;
/// let mut store = Store::new(&engine, Vec::new());
/// let instance = linker.instantiate(&mut store, &module)?;
/// let run = instance.get_typed_func::<i32, ()>(&store, "run")?;
/// run.call(&mut store, 5)?;
/// assert!(run.call(&mut store, -1).is_err());
/// assert_eq!(store.into_data(), ["hello"]);
/// # }
/// # Ok::<(), damson::Error>(())
/// ```
#[derive(Debug)]
pub struct Caller<'a, T: 'static> {
    ctx: StoreContextMut<'a, T>,
    instance: Option<InstanceHandle>,
}

impl<'a, T: 'static> Caller<'a, T> {
    /// The caller of a host function that was made for `T`.
    pub(super) fn of_call(call: HostCall<'a>) -> Self {
        let HostCall {
            store, instance, ..
        } = call;
        // SAFETY: this runs in the body of a host function only, and every body of this
        // crate is wrapped by `host_func::<T>`. For an ordinary `T` that records the
        // type, and the core checks it against the store's data when the function is
        // linked into the store (`alloc_host_func`); the data's type never changes. For
        // `Erased` the view promises nothing of the data.
        let ctx = unsafe { StoreContextMut::from_core(store) };
        Self { ctx, instance }
    }

    pub(super) fn pruned_ref(&self) -> PrunedRef<'_> {
        self.ctx.pruned_ref()
    }

    /// The same caller for a shorter time.
    pub(super) fn reborrow(&mut self) -> Caller<'_, T> {
        Caller {
            ctx: self.ctx.as_context_mut(),
            instance: self.instance,
        }
    }

    /// The instance that called, if Wasm did: a host function that the host calls
    /// directly has none.
    #[must_use]
    pub fn instance(&self) -> Option<Instance> {
        self.instance.map(Instance::from_handle)
    }

    /// What the calling instance exports under a name.
    ///
    /// `None` too if the host called the function directly.
    #[must_use]
    pub fn get_export(&self, name: &str) -> Option<Extern> {
        self.instance()?.get_export(&self.ctx, name)
    }

    /// The host's data.
    #[must_use]
    pub fn data(&self) -> &T {
        self.ctx.data()
    }

    /// The host's data.
    #[must_use]
    pub fn data_mut(&mut self) -> &mut T {
        self.ctx.data_mut()
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        self.ctx.engine()
    }

    /// The fuel left.
    ///
    /// # Errors
    ///
    /// If the engine does not meter ([`Config::consume_fuel`](crate::Config::consume_fuel)).
    pub fn get_fuel(&self) -> Result<u64, Error> {
        self.ctx.get_fuel()
    }

    /// Sets the fuel left.
    ///
    /// # Errors
    ///
    /// If the engine does not meter ([`Config::consume_fuel`](crate::Config::consume_fuel)).
    pub fn set_fuel(&mut self, fuel: u64) -> Result<(), Error> {
        self.ctx.set_fuel(fuel)
    }
}

impl<T: 'static> AsContext for Caller<'_, T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        self.ctx.as_context()
    }
}

impl<T: 'static> AsContextMut for Caller<'_, T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        self.ctx.as_context_mut()
    }
}

/// A context as a caller without an instance, to call a host function's Rust code directly.
impl<'a, C: AsContextMut> From<&'a mut C> for Caller<'a, C::Data> {
    fn from(ctx: &'a mut C) -> Self {
        Self {
            ctx: ctx.as_context_mut(),
            instance: None,
        }
    }
}
