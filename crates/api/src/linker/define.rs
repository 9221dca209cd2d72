//! Definitions of host functions, and of what other instances export.

use alloc::boxed::Box;
use alloc::sync::Arc;

use damson_core::{Cell, ExternType, FuncType};

use super::{Definition, HostDefinition, Linker};
use crate::error::{Error, LinkerError};
use crate::func::{
    Caller, IntoFunc, WasmRet, WasmTyList, host_func, into_body, new_async, raw_body, untyped_body,
    wrapped_async,
};
use crate::instance::Instance;
use crate::module::Module;
use crate::store::AsContext;
use crate::value::Val;

impl<T: 'static> Linker<T> {
    /// Defines everything that an instance exports, under a module name.
    ///
    /// # Errors
    ///
    /// If one of the names is defined already and shadowing is not allowed; those
    /// before it stay defined.
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use damson::{Engine, Linker, Module, Store};
    ///
    /// let engine = Engine::default();
    /// let library = Module::new(&engine, r#"
    ///     (module (func (export "three") (result i32) (i32.const 3)))
    /// "#)?;
    /// let program = Module::new(&engine, r#"
    ///     (module (import "library" "three" (func $three (result i32)))
    ///       (func (export "nine") (result i32) (i32.mul (call $three) (call $three))))
    /// "#)?;
    /// let mut store = Store::new(&engine, ());
    /// let mut linker = Linker::new(&engine);
    /// let library = linker.instantiate(&mut store, &library)?;
    /// linker.instance(&store, "library", library)?;
    /// let program = linker.instantiate(&mut store, &program)?;
    /// let nine = program.get_typed_func::<(), i32>(&store, "nine")?;
    /// assert_eq!(nine.call(&mut store, ())?, 9);
    /// # }
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn instance(
        &mut self,
        store: impl AsContext<Data = T>,
        module_name: &str,
        instance: Instance,
    ) -> Result<&mut Self, Error> {
        for export in instance.try_exports(store.as_context())? {
            self.define(module_name, export.name(), export.into_extern())?;
        }
        Ok(self)
    }

    /// Defines a host function of any signature, over values.
    ///
    /// See [`Func::new`](crate::Func::new) for what the closure receives.
    ///
    /// # Errors
    ///
    /// If the name is defined already and shadowing is not allowed.
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Caller, Engine, Extern, FuncType, Linker, Store, Val, ValType};
    ///
    /// let mut store = Store::new(&Engine::default(), 0_usize);
    /// let mut linker = Linker::<usize>::new(store.engine());
    /// let ty = FuncType::new([ValType::I64, ValType::F32], []);
    /// linker.func_new("host", "count", ty, |mut caller: Caller<'_, usize>, params, _results| {
    ///     *caller.data_mut() += params.len();
    ///     Ok(())
    /// })?;
    /// let count = linker.resolve(&mut store, "host", "count")?.and_then(Extern::into_func).unwrap();
    /// count.call(&mut store, &[Val::I64(0), Val::from(0.5_f32)], &mut [])?;
    /// assert_eq!(*store.data(), 2);
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn func_new(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Result<&mut Self, LinkerError> {
        let func = Arc::new(func);
        let host = HostDefinition {
            ty: ty.clone(),
            make: Arc::new(move || {
                let body = untyped_body::<T, _, _>(ty.clone(), Arc::clone(&func));
                host_func::<T>(ty.clone(), body)
            }),
        };
        self.insert(module, name, Definition::Host(host))
    }

    /// Defines a host function of any signature, over raw cells.
    ///
    /// See [`Func::new_raw`](crate::Func::new_raw) for what the closure receives.
    ///
    /// # Errors
    ///
    /// If the name is defined already and shadowing is not allowed.
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Cell, Engine, Erased, Extern, FuncType, Linker, Store, ValType};
    ///
    /// let engine = Engine::default();
    /// let mut linker = Linker::<Erased>::new(&engine);
    /// let ty = FuncType::new([ValType::I32; 2], [ValType::I32]);
    /// linker.func_raw("host", "max", ty, |_caller, cells| {
    ///     cells[0] = Cell::new(cells[0].get::<i32>().max(cells[1].get()));
    ///     Ok(())
    /// })?;
    /// let mut store = Store::new(&engine, "any data").prune();
    /// let max = linker.resolve(&mut store, "host", "max")?.and_then(Extern::into_func).unwrap();
    /// let mut cells = [Cell::new(-5_i32), Cell::new(3_i32)];
    /// max.call_raw(&mut store, &mut cells)?;
    /// assert_eq!(cells[0].get::<i32>(), 3);
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn func_raw(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &mut [Cell]) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Result<&mut Self, LinkerError> {
        let func = Arc::new(func);
        let host = HostDefinition {
            ty: ty.clone(),
            make: Arc::new(move || {
                let body = raw_body::<T, _, _>(Arc::clone(&func));
                host_func::<T>(ty.clone(), body)
            }),
        };
        self.insert(module, name, Definition::Host(host))
    }

    /// Defines a host function from a closure with typed parameters and results.
    ///
    /// The closure may take a [`Caller`] first, then up to 16 parameters; it returns
    /// a [`WasmTy`](crate::WasmTy), a tuple of up to 16, or a `Result` of these.
    ///
    /// # Errors
    ///
    /// If the name is defined already and shadowing is not allowed.
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Caller, Engine, Error, Extern, Linker, Store};
    ///
    /// let mut store = Store::new(&Engine::default(), vec![10_i64, 20]);
    /// let mut linker = Linker::<Vec<i64>>::new(store.engine());
    /// linker.func_wrap("host", "at", |caller: Caller<'_, Vec<i64>>, index: u32| {
    ///     let found = caller.data().get(index as usize).copied();
    ///     found.ok_or_else(|| Error::new("no such index"))
    /// })?;
    /// let at = linker.resolve(&mut store, "host", "at")?.and_then(Extern::into_func).unwrap();
    /// let at = at.typed::<u32, i64>(&store)?;
    /// assert_eq!(at.call(&mut store, 1)?, 20);
    /// assert_eq!(at.call(&mut store, 2).unwrap_err().to_string(), "no such index");
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn func_wrap<Params, Results>(
        &mut self,
        module: &str,
        name: &str,
        func: impl IntoFunc<T, Params, Results>,
    ) -> Result<&mut Self, LinkerError> {
        let host = wrapped::<T, Params, Results, _>(func);
        self.insert(module, name, Definition::Host(host))
    }

    /// Defines every function that a module imports and that is not defined yet, as one
    /// that fails when it is called.
    ///
    /// The error of such a call names the import: it is
    /// [`LinkerError::MissingDefinition`]. Imports that are no functions stay undefined.
    ///
    /// # Errors
    ///
    /// If the module was made for another engine.
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use damson::errors::{ErrorKind, LinkerError};
    /// use damson::{Engine, Linker, Module, Store};
    ///
    /// let engine = Engine::default();
    /// let module = Module::new(&engine, r#"
    ///     (module
    ///       (import "host" "rare" (func $rare))
    ///       (func (export "run") (param i32) (if (local.get 0) (then (call $rare)))))
    /// "#)?;
    /// let mut linker = Linker::<()>::new(&engine);
    /// linker.define_unknown_imports_as_traps(&module)?;
    /// let mut store = Store::new(&engine, ());
    /// let instance = linker.instantiate(&mut store, &module)?;
    /// let run = instance.get_typed_func::<i32, ()>(&store, "run")?;
    /// run.call(&mut store, 0)?;
    /// let error = run.call(&mut store, 1).unwrap_err();
    /// assert!(matches!(error.kind(), ErrorKind::Linker(LinkerError::MissingDefinition { .. })));
    /// assert!(error.to_string().contains("host::rare"));
    /// # }
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn define_unknown_imports_as_traps(&mut self, module: &Module) -> Result<(), Error> {
        self.engine.check("module", module.engine())?;
        for import in module.imports() {
            let ExternType::Func(ty) = import.ty() else {
                continue;
            };
            if self.find(import.module(), import.name()).is_some() {
                continue;
            }
            let missing = LinkerError::MissingDefinition {
                module: import.module().into(),
                name: import.name().into(),
                ty: import.ty().clone(),
            };
            self.func_new(
                import.module(),
                import.name(),
                ty.clone(),
                move |_, _, _| Err(missing.clone().into()),
            )?;
        }
        Ok(())
    }

    /// Defines an async host function from a closure with typed parameters and results: see
    /// [`Func::wrap_async`](crate::Func::wrap_async).
    ///
    /// # Errors
    ///
    /// If the name is defined already and shadowing is not allowed.
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use damson::{Caller, Engine, Linker, Module, Store};
    /// use std::{pin::pin, task::{Context, Poll, Waker}};
    ///
    /// let engine = Engine::default();
    /// let module = Module::new(&engine, r#"
    ///     (module (import "host" "fetch" (func $fetch (param i32) (result i32)))
    ///       (func (export "run") (result i32) (call $fetch (i32.const 20))))
    /// "#)?;
    /// let mut linker = Linker::<u32>::new(&engine);
    /// linker.func_wrap_async("host", "fetch", |mut caller: Caller<'_, u32>, (n,): (i32,)| {
    ///     Box::new(async move {
    ///         *caller.data_mut() += 1;
    ///         std::future::ready(n * 2).await // a timer or a socket, as a rule
    ///     })
    /// })?;
    /// let mut store = Store::new(&engine, 0);
    /// let result = {
    ///     let mut session = pin!(async {
    ///         let instance = linker.instantiate_async(&mut store, &module).await?;
    ///         let run = instance.get_typed_func::<(), i32>(&store, "run")?;
    ///         run.call_async(&mut store, ()).await
    ///     });
    ///     // As an executor does.
    ///     session.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    /// };
    /// assert!(matches!(result, Poll::Ready(Ok(40))));
    /// assert_eq!(*store.data(), 1);
    /// # }
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn func_wrap_async<F, Params, Results>(
        &mut self,
        module: &str,
        name: &str,
        func: F,
    ) -> Result<&mut Self, LinkerError>
    where
        T: Send,
        F: for<'a> Fn(Caller<'a, T>, Params) -> Box<dyn Future<Output = Results> + Send + 'a>
            + Send
            + Sync
            + 'static,
        Params: WasmTyList + 'static,
        Results: WasmRet,
    {
        let func = Arc::new(func);
        let host = HostDefinition {
            ty: FuncType::new(Params::types(), Results::Ok::types()),
            make: Arc::new(move || wrapped_async::<T, F, Params, Results>(Arc::clone(&func))),
        };
        self.insert(module, name, Definition::Host(host))
    }

    /// Defines an async host function of any signature, over values: see
    /// [`Func::new_async`](crate::Func::new_async).
    ///
    /// # Errors
    ///
    /// If the name is defined already and shadowing is not allowed.
    pub fn func_new_async<F>(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        func: F,
    ) -> Result<&mut Self, LinkerError>
    where
        T: Send,
        F: for<'a> Fn(
                Caller<'a, T>,
                &'a [Val],
                &'a mut [Val],
            ) -> Box<dyn Future<Output = Result<(), Error>> + Send + 'a>
            + Send
            + Sync
            + 'static,
    {
        let func = Arc::new(func);
        let host = HostDefinition {
            ty: ty.clone(),
            make: Arc::new(move || new_async::<T, F>(ty.clone(), Arc::clone(&func))),
        };
        self.insert(module, name, Definition::Host(host))
    }
}

fn wrapped<T, Params, Results, F>(func: F) -> HostDefinition
where
    T: 'static,
    F: IntoFunc<T, Params, Results>,
{
    let func = Arc::new(func);
    let (ty, _) = into_body(Arc::clone(&func));
    let make = Arc::new(move || {
        let (ty, body) = into_body(Arc::clone(&func));
        host_func::<T>(ty, body)
    });
    HostDefinition { ty, make }
}
