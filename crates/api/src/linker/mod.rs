//! The linker: definitions by name, from which a module's imports are taken.
//!
//! A linker is not bound to a store. Host functions are kept as closures that are
//! put into a store when a module that imports them is instantiated there; that is
//! where the core checks, once, that they were made for the store's type of data.
//! Other definitions are handles and serve their own store only.

mod define;
mod pre;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use damson_core::{ExternType, FuncType, HostFunc, ImportItem, PrunedMut};

use crate::engine::Engine;
use crate::error::{Error, LinkerError};
use crate::externals::Extern;
use crate::func::Func;
use crate::instance::Instance;
use crate::module::{ImportType, Module};
use crate::store::{AsContext, AsContextMut};

pub use self::pre::InstancePre;

/// Definitions by module and name, for stores with data `T`.
///
/// # Example
///
/// ```
/// use damson::{Engine, Linker, Module, Store};
///
/// # #[cfg(feature = "wat")]
/// # fn main() -> Result<(), damson::Error> {
/// let engine = Engine::default();
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("math", "square", |x: i64| x * x)?;
///
/// let module = Module::new(&engine, r#"
///     (module
///       (import "math" "square" (func $square (param i64) (result i64)))
///       (func (export "fourth_power") (param i64) (result i64)
///         (call $square (call $square (local.get 0)))))
/// "#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = linker.instantiate_and_start(&mut store, &module)?;
/// let fourth_power = instance.get_typed_func::<i64, i64>(&store, "fourth_power")?;
/// assert_eq!(fourth_power.call(&mut store, 3)?, 81);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "wat"))]
/// # fn main() {}
/// ```
pub struct Linker<T> {
    engine: Engine,
    allow_shadowing: bool,
    /// By module name, then by name.
    definitions: BTreeMap<Box<str>, BTreeMap<Box<str>, Definition>>,
    /// Every host function among the definitions was made for this type.
    data: PhantomData<fn(T) -> T>,
}

#[derive(Clone)]
enum Definition {
    /// Something that lives in one store.
    Extern(Extern),
    /// A host function that can be put into any store with the linker's type of data.
    Host(HostDefinition),
}

#[derive(Clone)]
struct HostDefinition {
    ty: FuncType,
    /// Makes the function, once for each instantiation.
    make: Arc<dyn Fn() -> HostFunc + Send + Sync>,
}

impl Definition {
    /// The type of the definition.
    fn ty(&self, store: &PrunedMut<'_>) -> Result<ExternType, Error> {
        match self {
            Self::Extern(item) => Ok(store.as_ref().extern_type(item.handle())?),
            Self::Host(host) => Ok(host.ty.clone().into()),
        }
    }

    /// The definition as an import: a host function is put into the store with the instance.
    fn item(&self) -> ImportItem {
        match self {
            Self::Extern(item) => ImportItem::Extern(item.handle()),
            Self::Host(host) => ImportItem::HostFunc((host.make)()),
        }
    }

    /// The definition in a store.
    fn link(&self, store: &mut PrunedMut<'_>) -> Result<Extern, Error> {
        match self {
            Self::Extern(item) => Ok(*item),
            Self::Host(host) => Ok(Func::alloc(store, (host.make)())?.into()),
        }
    }
}

impl<T> Linker<T> {
    /// An empty linker of an engine.
    #[must_use]
    pub fn new(engine: &Engine) -> Self {
        Self {
            engine: engine.clone(),
            allow_shadowing: false,
            definitions: BTreeMap::new(),
            data: PhantomData,
        }
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether a later definition may replace an earlier one; off by default.
    pub fn allow_shadowing(&mut self, allow: bool) -> &mut Self {
        self.allow_shadowing = allow;
        self
    }

    fn insert(
        &mut self,
        module: &str,
        name: &str,
        definition: Definition,
    ) -> Result<&mut Self, LinkerError> {
        if !self.allow_shadowing && self.find(module, name).is_some() {
            let (module, name) = (module.into(), name.into());
            return Err(LinkerError::DuplicateDefinition { module, name });
        }
        match self.definitions.get_mut(module) {
            Some(names) => names.insert(name.into(), definition),
            None => self
                .definitions
                .entry(module.into())
                .or_default()
                .insert(name.into(), definition),
        };
        Ok(self)
    }

    fn find(&self, module: &str, name: &str) -> Option<&Definition> {
        self.definitions.get(module)?.get(name)
    }

    /// Defines something that lives in a store; it serves that store only.
    ///
    /// # Errors
    ///
    /// If the name is defined already and shadowing is not allowed.
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use damson::{Engine, Linker, Memory, MemoryType, Module, Store};
    ///
    /// let engine = Engine::default();
    /// let mut store = Store::new(&engine, ());
    /// let memory = Memory::new(&mut store, MemoryType::new(1, None))?;
    /// memory.write(&mut store, 0, &[42])?;
    /// let mut linker = Linker::new(&engine);
    /// linker.define("env", "memory", memory)?;
    /// assert!(linker.define("env", "memory", memory).is_err(), "a second time");
    ///
    /// let module = Module::new(&engine, r#"
    ///     (module (import "env" "memory" (memory 1))
    ///       (func (export "first") (result i32) (i32.load8_u (i32.const 0))))
    /// "#)?;
    /// let instance = linker.instantiate(&mut store, &module)?;
    /// let first = instance.get_typed_func::<(), i32>(&store, "first")?;
    /// assert_eq!(first.call(&mut store, ())?, 42);
    /// # }
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn define(
        &mut self,
        module: &str,
        name: &str,
        item: impl Into<Extern>,
    ) -> Result<&mut Self, LinkerError> {
        self.insert(module, name, Definition::Extern(item.into()))
    }

    /// Defines everything of one module name under another one too.
    ///
    /// # Errors
    ///
    /// - If nothing is defined under `module`.
    /// - If one of the names is defined already and shadowing is not allowed; those
    ///   before it stay defined.
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Engine, Linker, Store};
    ///
    /// let mut store = Store::new(&Engine::default(), ());
    /// let mut linker = Linker::new(store.engine());
    /// linker.func_wrap("wasi_snapshot_preview1", "sched_yield", || 0)?;
    /// linker.alias_module("wasi_snapshot_preview1", "wasi_unstable")?;
    /// assert!(linker.resolve(&mut store, "wasi_unstable", "sched_yield")?.is_some());
    /// assert!(linker.alias_module("wasi", "other").is_err(), "nothing to alias");
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn alias_module(&mut self, module: &str, as_module: &str) -> Result<(), Error> {
        let Some(names) = self.definitions.get(module) else {
            return Err(LinkerError::UnknownModule {
                module: module.into(),
            }
            .into());
        };
        for (name, definition) in names.clone() {
            self.insert(as_module, &name, definition)?;
        }
        Ok(())
    }
}

impl<T: 'static> Linker<T> {
    /// What is defined under a name, if it lives in a store.
    ///
    /// A host function of the linker itself lives in no store yet and is not found
    /// here: see [`Linker::resolve`].
    pub fn get(
        &self,
        context: impl AsContext<Data = T>,
        module: &str,
        name: &str,
    ) -> Option<Extern> {
        match self.find(module, name)? {
            Definition::Extern(item) => context
                .as_context()
                .pruned_ref()
                .extern_type(item.handle())
                .ok()
                .map(|_| *item),
            Definition::Host(_) => None,
        }
    }

    /// What is defined under a name, in a store: a host function is put into it.
    ///
    /// # Errors
    ///
    /// If the linker was made for another engine than the store.
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Engine, Extern, Linker, Store};
    ///
    /// let engine = Engine::default();
    /// let mut linker = Linker::<()>::new(&engine);
    /// linker.func_wrap("math", "neg", |x: i64| -x)?;
    /// let mut store = Store::new(&engine, ());
    /// // It is in no store yet.
    /// assert!(linker.get(&store, "math", "neg").is_none());
    /// let neg = linker.resolve(&mut store, "math", "neg")?.and_then(Extern::into_func).unwrap();
    /// assert_eq!(neg.typed::<i64, i64>(&store)?.call(&mut store, 7)?, -7);
    /// assert!(linker.resolve(&mut store, "math", "abs")?.is_none());
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn resolve(
        &self,
        mut context: impl AsContextMut<Data = T>,
        module: &str,
        name: &str,
    ) -> Result<Option<Extern>, Error> {
        let mut ctx = context.as_context_mut();
        ctx.engine().check("linker", &self.engine)?;
        let definition = self.find(module, name);
        definition
            .map(|definition| definition.link(&mut ctx.pruned_mut()))
            .transpose()
    }

    /// Instantiates a module with imports from this linker, and runs its start function.
    ///
    /// The start function is a call like others, and the last step: host functions that it
    /// calls may use the instance, call it, and make other instances. Before it, no code of
    /// the host gets the store (a limiter is told sizes only), so nobody meets an instance
    /// that is not complete.
    ///
    /// # Errors
    ///
    /// - If an import is not defined, or the definition has another type; the error
    ///   names the import and the types.
    /// - If the module or linker was made for another engine than the store, or a
    ///   definition belongs to another store.
    /// - If an active segment does not fit, or the start function traps. What was
    ///   written to imported memories and tables before stays written.
    pub fn instantiate_and_start(
        &self,
        mut context: impl AsContextMut<Data = T>,
        module: &Module,
    ) -> Result<Instance, Error> {
        let mut ctx = context.as_context_mut();
        let mut store = ctx.pruned_mut();
        Engine::of(store.as_ref()).check("linker", &self.engine)?;
        let definitions = self.definitions_for(module)?;
        link_and_start(&mut store, module, &definitions)
    }

    /// Like [`Linker::instantiate_and_start`], under the name that Wasmtime gives it.
    ///
    /// # Errors
    ///
    /// As [`Linker::instantiate_and_start`].
    pub fn instantiate(
        &self,
        context: impl AsContextMut<Data = T>,
        module: &Module,
    ) -> Result<Instance, Error> {
        self.instantiate_and_start(context, module)
    }

    /// Instantiates a module like [`Linker::instantiate`]; its start function may wait, see
    /// [`Func::call_async`].
    ///
    /// # Errors
    ///
    /// As [`Linker::instantiate_and_start`].
    pub async fn instantiate_async(
        &self,
        mut context: impl AsContextMut<Data = T>,
        module: &Module,
    ) -> Result<Instance, Error> {
        let mut ctx = context.as_context_mut();
        ctx.engine().check("linker", &self.engine)?;
        let definitions = self.definitions_for(module)?;
        let instance = link(&mut ctx.pruned_mut(), module, &definitions)?;
        drop(definitions);
        instance.start_async(&mut ctx, module).await?;
        Ok(instance)
    }

    /// Looks up the imports of a module once, for many instantiations.
    ///
    /// # Errors
    ///
    /// If an import is not defined, or is a host function of another type; the error
    /// names the import and the types.
    pub fn instantiate_pre(&self, module: &Module) -> Result<InstancePre<T>, Error> {
        self.engine.check("module", module.engine())?;
        let definitions = self.definitions_for(module)?.into_iter().cloned().collect();
        Ok(InstancePre::new(module.clone(), definitions))
    }

    /// The definition of each import, in order. Types of host functions are checked
    /// here; others are not known without their store.
    fn definitions_for(&self, module: &Module) -> Result<Vec<&Definition>, Error> {
        module
            .imports()
            .map(|import| self.definition_for(&import))
            .collect()
    }

    fn definition_for(&self, import: &ImportType<'_>) -> Result<&Definition, Error> {
        let Some(definition) = self.find(import.module(), import.name()) else {
            let (module, name) = (import.module().into(), import.name().into());
            return Err(LinkerError::MissingDefinition {
                module,
                name,
                ty: import.ty().clone(),
            }
            .into());
        };
        if let Definition::Host(host) = definition {
            check_type(import, ExternType::Func(host.ty.clone()))?;
        }
        Ok(definition)
    }
}

/// Checks the type of a definition against an import.
fn check_type(import: &ImportType<'_>, found: ExternType) -> Result<(), LinkerError> {
    if found.matches(import.ty()) {
        return Ok(());
    }
    Err(LinkerError::InvalidTypeDefinition {
        module: import.module().into(),
        name: import.name().into(),
        expected: import.ty().clone(),
        found,
    })
}

/// Instantiates a module of the store's engine with one definition for each import, and runs
/// its start function.
fn link_and_start(
    store: &mut PrunedMut<'_>,
    module: &Module,
    definitions: &[&Definition],
) -> Result<Instance, Error> {
    let instance = link(store, module, definitions)?;
    instance.start(store, module)?;
    Ok(instance)
}

/// Everything of an instantiation but the start function.
///
/// Where it fails, no host function has been put into the store.
fn link(
    store: &mut PrunedMut<'_>,
    module: &Module,
    definitions: &[&Definition],
) -> Result<Instance, Error> {
    Engine::of(store.as_ref()).check("module", module.engine())?;
    for (import, definition) in module.imports().zip(definitions) {
        check_type(&import, definition.ty(store)?)?;
    }
    let imports = definitions.iter().map(|definition| definition.item());
    Instance::allocate(store, module, imports.collect())
}

impl<T> Clone for Linker<T> {
    fn clone(&self) -> Self {
        Self {
            engine: self.engine.clone(),
            allow_shadowing: self.allow_shadowing,
            definitions: self.definitions.clone(),
            data: PhantomData,
        }
    }
}

impl<T> Default for Linker<T> {
    fn default() -> Self {
        Self::new(&Engine::default())
    }
}

impl<T> fmt::Debug for Linker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self
            .definitions
            .iter()
            .flat_map(|(module, names)| names.keys().map(move |name| (module, name)));
        f.debug_set().entries(names).finish()
    }
}
