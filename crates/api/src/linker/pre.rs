//! Modules whose imports are looked up already.

use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use super::{Definition, link, link_and_start};
use crate::error::Error;
use crate::instance::Instance;
use crate::module::Module;
use crate::store::AsContextMut;

/// A module with a definition for each import, from
/// [`Linker::instantiate_pre`](crate::Linker::instantiate_pre).
///
/// It can be instantiated in many stores, with no name looked up again.
///
/// # Example
///
/// ```
/// # #[cfg(feature = "wat")] {
/// use damson::{Engine, Linker, Module, Store};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"
///     (module (import "host" "id" (func $id (result i32)))
///       (func (export "run") (result i32) (call $id)))
/// "#)?;
/// let mut linker = Linker::<i32>::new(&engine);
/// linker.func_wrap("host", "id", |caller: damson::Caller<'_, i32>| *caller.data())?;
/// let pre = linker.instantiate_pre(&module)?;
/// for id in 0..3 {
///     let mut store = Store::new(&engine, id);
///     let instance = pre.instantiate(&mut store)?;
///     let run = instance.get_typed_func::<(), i32>(&store, "run")?;
///     assert_eq!(run.call(&mut store, ())?, id);
/// }
/// # }
/// # Ok::<(), damson::Error>(())
/// ```
pub struct InstancePre<T> {
    module: Module,
    /// One for each import.
    definitions: Vec<Definition>,
    data: PhantomData<fn(T) -> T>,
}

impl<T: 'static> InstancePre<T> {
    pub(super) fn new(module: Module, definitions: Vec<Definition>) -> Self {
        Self {
            module,
            definitions,
            data: PhantomData,
        }
    }

    /// The module.
    #[must_use]
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// Instantiates the module and runs its start function.
    ///
    /// # Errors
    ///
    /// - If the module was made for another engine than the store.
    /// - If a definition belongs to another store or has another type than the import.
    /// - If an active segment does not fit, or the start function traps. What was
    ///   written to imported memories and tables before stays written.
    pub fn instantiate(&self, mut context: impl AsContextMut<Data = T>) -> Result<Instance, Error> {
        let definitions: Vec<&Definition> = self.definitions.iter().collect();
        let mut ctx = context.as_context_mut();
        link_and_start(&mut ctx.pruned_mut(), &self.module, &definitions)
    }

    /// Instantiates the module like [`InstancePre::instantiate`]; its start function may
    /// wait, see [`Func::call_async`](crate::Func::call_async).
    ///
    /// # Errors
    ///
    /// As [`InstancePre::instantiate`].
    pub async fn instantiate_async(
        &self,
        mut context: impl AsContextMut<Data = T>,
    ) -> Result<Instance, Error> {
        let mut ctx = context.as_context_mut();
        let instance = {
            let definitions: Vec<&Definition> = self.definitions.iter().collect();
            link(&mut ctx.pruned_mut(), &self.module, &definitions)?
        };
        instance.start_async(&mut ctx, &self.module).await?;
        Ok(instance)
    }
}

impl<T> Clone for InstancePre<T> {
    fn clone(&self) -> Self {
        Self {
            module: self.module.clone(),
            definitions: self.definitions.clone(),
            data: PhantomData,
        }
    }
}

impl<T> fmt::Debug for InstancePre<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstancePre")
            .field("module", &self.module)
            .finish_non_exhaustive()
    }
}
