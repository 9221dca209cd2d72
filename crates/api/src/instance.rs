//! Instances: modules brought to life in a store.

use alloc::vec::Vec;

use damson_core::{
    ForeignHandle, ImportItem, InstanceEntity, InstanceHandle, PrunedMut, PrunedRef,
};

use crate::engine::Engine;
use crate::error::{Error, FuncError};
use crate::externals::{ExportsIter, Extern};
use crate::func::{Func, TypedFunc, WasmParams, WasmResults};
use crate::global::Global;
use crate::memory::Memory;
use crate::module::Module;
use crate::store::{AsContext, AsContextMut, StoreContext, StoreContextMut};
use crate::table::Table;

/// An instance of a module in a store.
///
/// # Example
///
/// ```
/// # #[cfg(feature = "wat")] {
/// use damson::{Engine, Instance, Module, Store};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"
///     (module
///       (memory (export "memory") 1)
///       (func (export "double") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2))))
/// "#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let double = instance.get_typed_func::<i32, i32>(&store, "double")?;
/// assert_eq!(double.call(&mut store, 21)?, 42);
/// assert_eq!(instance.get_memory(&store, "memory").unwrap().size(&store), 1);
/// assert!(instance.get_func(&store, "treble").is_none());
/// # }
/// # Ok::<(), damson::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Instance(InstanceHandle);

impl Instance {
    pub(crate) const fn from_handle(handle: InstanceHandle) -> Self {
        Self(handle)
    }

    /// Instantiates a module with its imports in order, and runs its start function.
    ///
    /// A [`Linker`](crate::Linker) finds imports by name.
    ///
    /// The start function is a call like others, and the last step: host functions that it
    /// calls may use the instance, call it, and make other instances. Before it, no code of
    /// the host gets the store (a limiter is told sizes only), so nobody meets an instance
    /// that is not complete.
    ///
    /// # Errors
    ///
    /// - If the module was made for another engine than the store.
    /// - If the number or a type of the imports does not fit.
    /// - If an import belongs to another store.
    /// - If an active segment does not fit, or the start function traps. What was
    ///   written to imported memories and tables before stays written.
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use damson::{Engine, Func, Instance, Module, Store};
    ///
    /// let engine = Engine::default();
    /// let module = Module::new(&engine, r#"
    ///     (module
    ///       (import "host" "add" (func $add (param i32)))
    ///       (func $start (call $add (i32.const 5)))
    ///       (start $start))
    /// "#)?;
    /// let mut store = Store::new(&engine, 1);
    /// let error = Instance::new(&mut store, &module, &[]).unwrap_err();
    /// assert!(error.to_string().contains("`add` from `host`"), "{error}");
    ///
    /// let add = Func::wrap(&mut store, |mut caller: damson::Caller<'_, i32>, n: i32| {
    ///     *caller.data_mut() += n;
    /// });
    /// Instance::new(&mut store, &module, &[add.into()])?;
    /// assert_eq!(*store.data(), 6);
    /// # }
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn new(
        mut store: impl AsContextMut,
        module: &Module,
        imports: &[Extern],
    ) -> Result<Self, Error> {
        let mut ctx = store.as_context_mut();
        let instance = Self::allocate(&mut ctx.pruned_mut(), module, items(imports))?;
        instance.start(&mut ctx.pruned_mut(), module)?;
        Ok(instance)
    }

    /// Everything of an instantiation but the start function.
    pub(crate) fn allocate(
        store: &mut PrunedMut<'_>,
        module: &Module,
        imports: Vec<ImportItem>,
    ) -> Result<Self, Error> {
        Engine::of(store.as_ref()).check("module", module.engine())?;
        let instance = store.instantiate_with(module.shape(), module.code(), imports)?;
        Ok(Self(instance))
    }

    /// Runs the start function of a freshly allocated instance, if its module has one.
    pub(crate) fn start(self, store: &mut PrunedMut<'_>, module: &Module) -> Result<(), Error> {
        match self.start_func(store.as_ref(), module)? {
            Some(start) => crate::func::run(store, start.handle(), &mut []),
            None => Ok(()),
        }
    }

    /// Runs the start function, which may wait.
    pub(crate) async fn start_async<T: 'static>(
        self,
        ctx: &mut StoreContextMut<'_, T>,
        module: &Module,
    ) -> Result<(), Error> {
        match self.start_func(ctx.pruned_ref(), module)? {
            Some(start) => crate::func::run_async(ctx, start, &mut []).await,
            None => Ok(()),
        }
    }

    fn start_func(self, store: PrunedRef<'_>, module: &Module) -> Result<Option<Func>, Error> {
        let Some(start) = module.shape().start else {
            return Ok(None);
        };
        let func = store.instance(self.0)?.func(start);
        let handle = func.expect("validation checked the index").handle();
        Ok(Some(Func::from_handle(handle)))
    }

    /// Instantiates a module like [`Instance::new`]; its start function may wait, see
    /// [`Func::call_async`].
    ///
    /// # Errors
    ///
    /// As [`Instance::new`].
    pub async fn new_async(
        mut store: impl AsContextMut,
        module: &Module,
        imports: &[Extern],
    ) -> Result<Self, Error> {
        let mut ctx = store.as_context_mut();
        let instance = Self::allocate(&mut ctx.pruned_mut(), module, items(imports))?;
        instance.start_async(&mut ctx, module).await?;
        Ok(instance)
    }

    fn entity<'a>(&self, store: PrunedRef<'a>) -> Result<&'a InstanceEntity, ForeignHandle> {
        store.instance(self.0)
    }

    /// [`Instance::entity`] where a foreign handle is documented to panic.
    #[track_caller]
    fn own<'a>(&self, store: PrunedRef<'a>) -> &'a InstanceEntity {
        match self.entity(store) {
            Ok(entity) => entity,
            Err(error) => panic!("{error}"),
        }
    }

    /// What the instance exports under a name.
    ///
    /// # Panics
    ///
    /// Panics if `store` does not own this [`Instance`].
    pub fn get_export(&self, store: impl AsContext, name: &str) -> Option<Extern> {
        let handle = self.own(store.as_context().pruned_ref()).export(name)?;
        Extern::from_handle(handle)
    }

    /// The exported function of a name.
    ///
    /// # Panics
    ///
    /// If `store` does not own this [`Instance`].
    pub fn get_func(&self, store: impl AsContext, name: &str) -> Option<Func> {
        self.get_export(store, name)?.into_func()
    }

    /// The exported function of a name, with typed parameters and results.
    ///
    /// # Errors
    ///
    /// - If no function of that name is exported.
    /// - If its signature is another one.
    /// - If `store` does not own this [`Instance`].
    pub fn get_typed_func<Params, Results>(
        &self,
        store: impl AsContext,
        name: &str,
    ) -> Result<TypedFunc<Params, Results>, Error>
    where
        Params: WasmParams,
        Results: WasmResults,
    {
        let export = self.entity(store.as_context().pruned_ref())?.export(name);
        export
            .and_then(Extern::from_handle)
            .and_then(Extern::into_func)
            .ok_or_else(|| FuncError::ExportedFuncNotFound { name: name.into() })?
            .typed(store)
    }

    /// The exported global of a name.
    ///
    /// # Panics
    ///
    /// If `store` does not own this [`Instance`].
    pub fn get_global(&self, store: impl AsContext, name: &str) -> Option<Global> {
        self.get_export(store, name)?.into_global()
    }

    /// The exported table of a name.
    ///
    /// # Panics
    ///
    /// If `store` does not own this [`Instance`].
    pub fn get_table(&self, store: impl AsContext, name: &str) -> Option<Table> {
        self.get_export(store, name)?.into_table()
    }

    /// The exported memory of a name.
    ///
    /// # Panics
    ///
    /// If `store` does not own this [`Instance`].
    pub fn get_memory(&self, store: impl AsContext, name: &str) -> Option<Memory> {
        self.get_export(store, name)?.into_memory()
    }

    /// All exports, in their order in the module.
    ///
    /// # Panics
    ///
    /// Panics if `store` does not own this [`Instance`].
    pub fn exports<'ctx, T: 'static>(
        &self,
        store: impl Into<StoreContext<'ctx, T>>,
    ) -> ExportsIter<'ctx> {
        ExportsIter::new(self.own(store.into().pruned_ref()))
    }

    /// The same with an error for a handle of another store.
    pub(crate) fn try_exports<'ctx, T: 'static>(
        &self,
        store: StoreContext<'ctx, T>,
    ) -> Result<ExportsIter<'ctx>, ForeignHandle> {
        Ok(ExportsIter::new(self.entity(store.pruned_ref())?))
    }
}

/// Imports as the core knows them.
fn items(imports: &[Extern]) -> Vec<ImportItem> {
    let imports = imports.iter();
    imports
        .map(|import| ImportItem::Extern(import.handle()))
        .collect()
}
