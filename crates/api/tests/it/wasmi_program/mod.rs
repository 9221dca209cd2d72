//! A program written against the documented interface of wasmi 2.0.
//!
//! It names no other crate than `wasmi`. Here that name stands for Damson, and
//! `fuzz/diff/tests/wasmi_program.rs` compiles and runs the same file with wasmi, so it
//! cannot drift away from what it claims to be. Each function goes through one part
//! of the interface: every type and method that both have in the same shape.
//!
//! What wasmi has and Damson has not, or in another shape, is listed in
//! `docs/migrating-from-wasmi.md`.

mod entities;
mod resuming;
mod unchecked;

use std::fmt;

use wasmi::errors::{
    EnforcedLimitsError, ErrorKind, FuelError, FuncError, HostError, InstantiationError,
    LinkerError,
};
use wasmi::{
    AsContext, AsContextMut, CallHook, Caller, CompilationMode, Config, CustomSection,
    CustomSectionsIter, EnforcedLimits, Engine, EngineWeak, Error, ExportType, Extern, ExternRef,
    ExternType, F32, F64, Func, FuncType, GlobalType, ImportType, Instance, IntoFunc, Linker,
    Memory, MemoryType, Module, ModuleExportsIter, ModuleImportsIter, Mutability, Nullable,
    ResourceLimiter, Store, StoreContext, StoreContextMut, StoreLimits, StoreLimitsBuilder,
    TableType, TrapCode, TypedFunc, Val, ValType, WasmParams, WasmResults, WasmRet, WasmTy,
    WasmTyList,
};

/// What a host keeps in its store.
#[derive(Debug, Default)]
struct Host {
    log: Vec<i32>,
    crossings: Vec<&'static str>,
    limits: StoreLimits,
}

#[derive(Debug, PartialEq)]
struct Refused(u32);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused with {}", self.0)
    }
}

impl HostError for Refused {}

/// Never made.
#[derive(Debug)]
struct Other;

impl fmt::Display for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("other")
    }
}

impl HostError for Other {}

fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the text is a module")
}

fn start(text: &str) -> Result<(Store<Host>, Instance), Error> {
    let engine = Engine::default();
    let module = Module::new(&engine, wasm(text))?;
    let mut store = Store::new(&engine, Host::default());
    let linker = <Linker<Host>>::new(&engine);
    let instance: Instance = linker.instantiate_and_start(&mut store, &module)?;
    Ok((store, instance))
}

#[test]
fn configuration() -> Result<(), Error> {
    let mut config = Config::default();
    config
        .set_max_recursion_depth(1_000)
        .set_max_stack_height(1 << 20)
        .wasm_mutable_global(true)
        .wasm_sign_extension(true)
        .wasm_saturating_float_to_int(true)
        .wasm_multi_value(true)
        .wasm_multi_memory(true)
        .wasm_bulk_memory(true)
        .wasm_reference_types(true)
        .wasm_tail_call(true)
        .wasm_extended_const(true)
        .floats(true)
        .consume_fuel(false)
        .allow_start_fn(true)
        .ignore_custom_sections(false)
        .compilation_mode(CompilationMode::LazyTranslation)
        .enforced_limits(EnforcedLimits::default());
    let engine = Engine::new(&config.clone());
    Module::new(&engine, wasm("(module (func (local f32)))"))?;

    // Each switch is known by what is refused when it is off.
    type Switch = fn(&mut Config) -> &mut Config;
    let off: &[(Switch, &str)] = &[
        (
            |c| c.wasm_mutable_global(false),
            r#"(module (global (import "m" "g") (mut i32)))"#,
        ),
        (
            |c| c.wasm_sign_extension(false),
            "(module (func (drop (i32.extend8_s (i32.const 0)))))",
        ),
        (
            |c| c.wasm_saturating_float_to_int(false),
            "(module (func (drop (i32.trunc_sat_f32_s (f32.const 0)))))",
        ),
        (
            |c| c.wasm_multi_value(false),
            "(module (func (result i32 i32) unreachable))",
        ),
        (
            |c| c.wasm_multi_memory(false),
            "(module (memory 0) (memory 0))",
        ),
        (
            |c| c.wasm_bulk_memory(false),
            "(module (memory 0) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))",
        ),
        (
            |c| c.wasm_reference_types(false),
            "(module (func (param externref)))",
        ),
        (
            |c| c.wasm_tail_call(false),
            "(module (func $f (return_call $f)))",
        ),
        (
            |c| c.wasm_extended_const(false),
            "(module (global i32 (i32.add (i32.const 1) (i32.const 1))))",
        ),
        (|c| c.floats(false), "(module (func (param f32)))"),
        (|c| c.allow_start_fn(false), "(module (func $f) (start $f))"),
    ];
    for (switch, text) in off {
        Module::new(&Engine::default(), wasm(text))?;
        let mut config = Config::default();
        // wasmi cannot switch reference types off without bulk memory off, and so on:
        // the rest stays at its default.
        switch(&mut config);
        let engine = Engine::new(&config);
        assert!(Module::new(&engine, wasm(text)).is_err(), "{text}");
    }
    for mode in [
        CompilationMode::Eager,
        CompilationMode::LazyTranslation,
        CompilationMode::Lazy,
    ] {
        let mut config = Config::default();
        config.compilation_mode(mode);
        Module::new(&Engine::new(&config), wasm("(module (func))"))?;
    }
    Ok(())
}

#[test]
fn limits_on_modules() {
    let mut config = Config::default();
    config.enforced_limits(EnforcedLimits::strict());
    let engine = Engine::new(&config);
    let refused = |text: &str| match Module::new(&engine, wasm(text))
        .expect_err("refused")
        .kind()
    {
        ErrorKind::UserLimits(error) => *error,
        other => panic!("{other}"),
    };
    let globals = format!("(module {})", "(global i32 (i32.const 0))".repeat(1001));
    assert!(matches!(
        refused(&globals),
        EnforcedLimitsError::TooManyGlobals { limit: 1000 }
    ));
    let params = format!("(module (type (func (param {}))))", "i32 ".repeat(33));
    assert!(matches!(
        refused(&params),
        EnforcedLimitsError::TooManyParameters { limit: 32 }
    ));
    let tables = format!("(module {})", "(table 0 funcref)".repeat(101));
    assert!(matches!(
        refused(&tables),
        EnforcedLimitsError::TooManyTables { limit: 100 }
    ));
    let short = format!("(module {})", "(func)".repeat(1000));
    assert!(matches!(
        refused(&short),
        EnforcedLimitsError::MinAvgBytesPerFunction { limit: 40, .. }
    ));
}

#[test]
fn engines() {
    let engine = Engine::default();
    let other: Engine = engine.clone();
    assert!(Engine::same(&engine, &other));
    assert!(!Engine::same(&engine, &Engine::new(&Config::default())));
    let _: &Config = engine.config();
    let weak: EngineWeak = engine.weak();
    assert!(weak.upgrade().is_some());
    drop((engine, other));
    assert!(weak.upgrade().is_none());
}

#[test]
fn modules() -> Result<(), Error> {
    let engine = Engine::default();
    let bytes = wasm(
        r#"(module
            (import "host" "f" (func (param i32 i64) (result f32)))
            (import "host" "g" (global (mut f64)))
            (func (export "run") (result i32) i32.const 1)
            (memory (export "memory") 1 2)
            (table (export "table") 3 funcref)
            (@custom "note" "text"))"#,
    );
    Module::validate(&engine, &bytes)?;
    assert!(Module::validate(&engine, b"not a module").is_err());
    let module = Module::new(&engine, &bytes)?;
    assert!(Engine::same(module.engine(), &engine));
    unchecked::module(&engine, &bytes)?;

    let imports: ModuleImportsIter<'_> = module.imports();
    assert_eq!(imports.len(), 2);
    let imports: Vec<ImportType<'_>> = imports.collect();
    assert_eq!((imports[0].module(), imports[0].name()), ("host", "f"));
    let ty: &FuncType = imports[0].ty().func().expect("a function");
    assert_eq!(ty.params(), [ValType::I32, ValType::I64]);
    assert_eq!(ty.results(), [ValType::F32]);
    let ty: &GlobalType = imports[1].ty().global().expect("a global");
    assert_eq!(
        (ty.content(), ty.mutability()),
        (ValType::F64, Mutability::Var)
    );
    assert!(ty.mutability().is_mut() && !ty.mutability().is_const());

    let exports: ModuleExportsIter<'_> = module.exports();
    // wasmi orders them by name, Damson as the module does.
    let mut exports: Vec<ExportType<'_>> = exports.collect();
    exports.sort_by_key(|export| export.name().to_owned());
    let names: Vec<&str> = exports.iter().map(ExportType::name).collect();
    assert_eq!(names, ["memory", "run", "table"]);
    let ty: &MemoryType = exports[0].ty().memory().expect("a memory");
    assert_eq!((ty.minimum(), ty.maximum()), (1, Some(2)));
    let ty: &TableType = exports[2].ty().table().expect("a table");
    assert_eq!((ty.minimum(), ty.maximum()), (3, None));
    assert!(matches!(
        module.get_export("run"),
        Some(ExternType::Func(_))
    ));
    assert!(module.get_export("walk").is_none());

    let sections: CustomSectionsIter<'_> = module.custom_sections();
    let sections: Vec<CustomSection<'_>> = sections.collect();
    let note = sections.iter().find(|section| section.name() == "note");
    assert_eq!(note.expect("it is there").data(), b"text");
    Ok(())
}

#[test]
fn stores_and_contexts() -> Result<(), Error> {
    fn shared(ctx: impl AsContext<Data = Host>) -> usize {
        let ctx: StoreContext<'_, Host> = ctx.as_context();
        let _: &Engine = ctx.engine();
        ctx.data().log.len()
    }
    fn exclusive(mut ctx: impl AsContextMut<Data = Host>) {
        let mut ctx: StoreContextMut<'_, Host> = ctx.as_context_mut();
        ctx.data_mut().log.push(7);
        assert_eq!(shared(&ctx), ctx.data().log.len());
        assert!(ctx.get_fuel().is_err());
        assert!(ctx.set_fuel(1).is_err());
    }
    let engine = Engine::default();
    let mut store = Store::new(&engine, Host::default());
    exclusive(&mut store);
    exclusive(store.as_context_mut());
    assert_eq!(shared(&store), 2);
    assert_eq!(shared(store.as_context()), 2);
    store.data_mut().log.clear();
    assert!(store.data().log.is_empty());
    assert!(Engine::same(store.engine(), &engine));
    assert!(store.into_data().log.is_empty());
    assert_eq!(*<Store<u8>>::default().data(), 0);
    Ok(())
}

#[test]
fn fuel() -> Result<(), Error> {
    let mut config = Config::default();
    config.consume_fuel(true);
    let engine = Engine::new(&config);
    let module = Module::new(
        &engine,
        wasm(r#"(module (func (export "forever") (loop (br 0))))"#),
    )?;
    let mut store = Store::new(&engine, ());
    assert_eq!(store.get_fuel()?, 0);
    store.set_fuel(10_000)?;
    let instance = Instance::new(&mut store, &module, &[])?;
    let forever = instance.get_typed_func::<(), ()>(&store, "forever")?;
    let error = forever.call(&mut store, ()).expect_err("out of fuel");
    assert_eq!(error.as_trap_code(), Some(TrapCode::OutOfFuel));
    assert!(store.get_fuel()? < 10_000);

    let error = Store::new(&Engine::default(), ())
        .set_fuel(1)
        .expect_err("off");
    assert!(matches!(
        error.kind(),
        ErrorKind::Fuel(FuelError::FuelMeteringDisabled)
    ));
    Ok(())
}

#[test]
fn host_functions() -> Result<(), Error> {
    let engine = Engine::default();
    let module = Module::new(
        &engine,
        wasm(
            r#"(module
                (import "host" "log" (func $log (param i32)))
                (import "host" "swap" (func $swap (param i32 f64) (result f64 i32)))
                (import "host" "untyped" (func $untyped (param i64 f32) (result i64)))
                (import "host" "refuse" (func $refuse (param i32) (result i32)))
                (memory (export "memory") 1)
                (data (i32.const 0) "\2a")
                (func (export "log") (param i32) (call $log (local.get 0)))
                (func (export "swap") (param i32 f64) (result f64 i32)
                    (call $swap (local.get 0) (local.get 1)))
                (func (export "untyped") (param i64 f32) (result i64)
                    (call $untyped (local.get 0) (local.get 1)))
                (func (export "refuse") (param i32) (result i32)
                    (call $refuse (local.get 0))))"#,
        ),
    )?;
    let mut linker = Linker::<Host>::new(&engine);
    linker
        .func_wrap("host", "log", |mut caller: Caller<'_, Host>, n: i32| {
            let memory = caller
                .get_export("memory")
                .and_then(Extern::into_memory)
                .expect("the module exports it");
            let first = memory.data(&caller)[0];
            let _: &Engine = caller.engine();
            assert!(caller.get_fuel().is_err());
            caller.data_mut().log.push(n + i32::from(first));
            assert!(!caller.data().log.is_empty());
        })?
        .func_wrap("host", "swap", |a: i32, b: f64| (b, a))?
        .func_wrap("host", "refuse", |n: u32| -> Result<u32, Error> {
            match n {
                0 => Err(Error::new("a message")),
                1 => Err(Error::host(Refused(77))),
                2 => Err(Error::i32_exit(3)),
                3 => Err(TrapCode::IntegerOverflow.into()),
                n => Ok(n),
            }
        })?
        .func_new(
            "host",
            "untyped",
            FuncType::new([ValType::I64, ValType::F32], [ValType::I64]),
            |_caller, inputs: &[Val], outputs: &mut [Val]| {
                let (Some(a), Some(b)) = (inputs[0].i64(), inputs[1].f32()) else {
                    return Err(Error::new("wrong types"));
                };
                outputs[0] = Val::I64(a + b.to_float() as i64);
                Ok(())
            },
        )?;
    let mut store = Store::new(&engine, Host::default());
    let instance = linker.instantiate_and_start(&mut store, &module)?;

    let log: TypedFunc<i32, ()> = instance.get_typed_func(&store, "log")?;
    log.call(&mut store, 1)?;
    assert_eq!(store.data().log, [43]);

    let swap = instance.get_typed_func::<(i32, f64), (f64, i32)>(&store, "swap")?;
    assert_eq!(swap.call(&mut store, (1, 2.5))?, (2.5, 1));

    let untyped = instance.get_func(&store, "untyped").expect("exported");
    let mut results = [Val::I32(0)];
    untyped.call(
        &mut store,
        &[Val::I64(40), Val::F32(2.0.into())],
        &mut results,
    )?;
    assert_eq!(results[0].i64(), Some(42));

    let refuse = instance.get_typed_func::<u32, u32>(&store, "refuse")?;
    assert_eq!(refuse.call(&mut store, 9)?, 9);
    let mut refused = |n| refuse.call(&mut store, n).expect_err("refused");
    assert_eq!(refused(0).to_string(), "a message");
    assert!(matches!(refused(0).kind(), ErrorKind::Message(_)));
    let mut error = refused(1);
    assert!(matches!(error.kind(), ErrorKind::Host(_)));
    assert_eq!(error.downcast_ref::<Refused>(), Some(&Refused(77)));
    error.downcast_mut::<Refused>().expect("it is one").0 = 5;
    let host = error.kind().as_host().expect("one of the host");
    assert!(host.is::<Refused>() && !host.is::<Other>());
    assert_eq!(host.downcast_ref::<Refused>(), Some(&Refused(5)));
    assert!(host.downcast_ref::<Other>().is_none());
    assert_eq!(error.downcast::<Refused>(), Some(Refused(5)));
    assert_eq!(refused(2).i32_exit_status(), Some(3));
    assert_eq!(refused(2).kind().as_i32_exit_status(), Some(3));
    assert_eq!(refused(3).as_trap_code(), Some(TrapCode::IntegerOverflow));
    assert_eq!(
        refused(3).kind().as_trap_code(),
        Some(TrapCode::IntegerOverflow)
    );
    Ok(())
}

#[test]
fn functions() -> Result<(), Error> {
    fn wrap<P, R>(store: &mut Store<()>, func: impl IntoFunc<(), P, R>) -> Func {
        Func::wrap(store, func)
    }
    fn apply<P: WasmParams, R: WasmResults>(
        store: &mut Store<()>,
        func: Func,
        params: P,
    ) -> Result<R, Error> {
        func.typed::<P, R>(&*store)?.call(store, params)
    }
    fn is_ty<T: WasmTy>() {}
    fn is_list<T: WasmTyList>() {}
    fn is_ret<T: WasmRet>() {}
    is_ty::<i32>();
    is_ty::<u32>();
    is_ty::<i64>();
    is_ty::<u64>();
    is_ty::<f32>();
    is_ty::<f64>();
    is_ty::<F32>();
    is_ty::<F64>();
    is_ty::<Nullable<Func>>();
    is_ty::<Nullable<ExternRef>>();
    is_list::<()>();
    is_list::<(i32, f32, u64)>();
    is_ret::<()>();
    is_ret::<(u32, f64)>();
    is_ret::<Result<(), Error>>();
    is_ret::<Result<i64, Error>>();

    let mut store = Store::new(&Engine::default(), ());
    let add = wrap(&mut store, |a: i32, b: i32| a.wrapping_add(b));
    assert_eq!(apply::<_, i32>(&mut store, add, (40, 2))?, 42);
    let ty: FuncType = add.ty(&store);
    assert_eq!(ty, FuncType::new([ValType::I32; 2], [ValType::I32]));
    assert!(ty > FuncType::new([], []), "types have an order");

    let error = add.typed::<(i32, i64), i32>(&store).expect_err("types");
    assert!(matches!(
        error.kind(),
        ErrorKind::Func(FuncError::MismatchingParameterType { .. })
    ));
    let error = add.typed::<i32, i32>(&store).expect_err("count");
    assert!(matches!(
        error.kind(),
        ErrorKind::Func(FuncError::MismatchingParameterLen { .. })
    ));
    let error = add.typed::<(i32, i32), i64>(&store).expect_err("result");
    assert!(matches!(
        error.kind(),
        ErrorKind::Func(FuncError::MismatchingResultType { .. })
    ));
    let error = add.typed::<(i32, i32), ()>(&store).expect_err("results");
    assert!(matches!(
        error.kind(),
        ErrorKind::Func(FuncError::MismatchingResultLen { .. })
    ));
    let typed = add.typed::<(i32, i32), i32>(&store)?;
    let same: &Func = typed.func();
    let mut results = [Val::default_for_ty(ValType::I32)];
    same.call(&mut store, &[Val::I32(1), Val::I32(2)], &mut results)?;
    assert_eq!(results[0].i32(), Some(3));
    assert!(add.call(&mut store, &[], &mut results).is_err());
    assert!(
        add.call(&mut store, &[Val::I32(1), Val::I32(2)], &mut [])
            .is_err()
    );

    let ty = FuncType::new([], [ValType::F64]);
    let pi = Func::new(&mut store, ty, |_, _, results| {
        results[0] = Val::F64(3.5.into());
        Ok(())
    });
    assert_eq!(apply::<(), f64>(&mut store, pi, ())?, 3.5);
    Ok(())
}

#[test]
fn linking() -> Result<(), Error> {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let mut linker: Linker<()> = Linker::new(&engine);
    assert!(Engine::same(linker.engine(), &engine));
    let memory = Memory::new(&mut store, MemoryType::new(1, None))?;
    linker.define("host", "memory", memory)?;
    assert!(matches!(
        linker.get(&store, "host", "memory"),
        Some(Extern::Memory(_))
    ));
    assert!(linker.get(&store, "host", "nothing").is_none());
    let twice: Result<_, LinkerError> = linker.define("host", "memory", memory);
    assert!(matches!(
        twice,
        Err(LinkerError::DuplicateDefinition { .. })
    ));
    linker.allow_shadowing(true);
    linker.define("host", "memory", Extern::Memory(memory))?;
    linker.allow_shadowing(false);
    linker.alias_module("host", "env")?;

    let library = Module::new(
        &engine,
        wasm(r#"(module (func (export "one") (result i32) i32.const 1))"#),
    )?;
    let library = linker.instantiate_and_start(&mut store, &library)?;
    linker.instance(&mut store, "library", library)?;
    let user = Module::new(
        &engine,
        wasm(
            r#"(module
                (import "library" "one" (func $one (result i32)))
                (import "env" "memory" (memory 1))
                (func (export "two") (result i32) (i32.add (call $one) (call $one))))"#,
        ),
    )?;
    let instance = linker.clone().instantiate_and_start(&mut store, &user)?;
    let two = instance.get_typed_func::<(), i32>(&store, "two")?;
    assert_eq!(two.call(&mut store, ())?, 2);

    let empty = <Linker<()>>::new(&engine);
    let error = empty
        .instantiate_and_start(&mut store, &user)
        .expect_err("missing");
    assert!(matches!(
        error.kind(),
        ErrorKind::Linker(LinkerError::MissingDefinition { .. })
    ));
    linker.allow_shadowing(true);
    linker.func_wrap("library", "one", || 1_i64)?;
    let error = linker
        .instantiate_and_start(&mut store, &user)
        .expect_err("types");
    assert!(matches!(
        error.kind(),
        // wasmi reports it like the other types that do not fit, Damson with the names.
        ErrorKind::Linker(LinkerError::InvalidTypeDefinition { .. }) | ErrorKind::Instantiation(_)
    ));
    let error: Error = Instance::new(&mut store, &user, &[]).expect_err("imports");
    let kind: &ErrorKind = error.kind();
    let ErrorKind::Instantiation(reason) = kind else {
        panic!("{kind}");
    };
    let _: &InstantiationError = reason;
    Ok(())
}

#[test]
fn limits_on_stores() -> Result<(), Error> {
    let text = r#"(module
        (memory (export "m") 1) (table (export "t") 1 funcref)
        (func (export "grow_memory") (param i32) (result i32) (memory.grow (local.get 0)))
        (func (export "grow_table") (param i32) (result i32)
            (table.grow (ref.null func) (local.get 0))))"#;
    let (mut store, instance) = start(text)?;
    store.data_mut().limits = StoreLimitsBuilder::new()
        .memory_size(3 * 65_536)
        .table_elements(4)
        .instances(2)
        .tables(2)
        .memories(3)
        .build();
    store.limiter(|host| &mut host.limits);
    let limiter: &dyn ResourceLimiter = &store.data().limits;
    assert_eq!(
        (limiter.instances(), limiter.tables(), limiter.memories()),
        (2, 2, 3)
    );
    let grow_memory = instance.get_typed_func::<i32, i32>(&store, "grow_memory")?;
    let grow_table = instance.get_typed_func::<i32, i32>(&store, "grow_table")?;
    assert_eq!(grow_memory.call(&mut store, 3)?, -1);
    assert_eq!(grow_memory.call(&mut store, 2)?, 1);
    assert_eq!(grow_table.call(&mut store, 4)?, -1);
    assert_eq!(grow_table.call(&mut store, 3)?, 1);
    let memory = instance.get_memory(&store, "m").expect("exported");
    assert!(memory.grow(&mut store, 1).is_err());

    // One more instance fits, two do not.
    let module = Module::new(store.engine(), wasm(text))?;
    Instance::new(&mut store, &module, &[])?;
    let error = Instance::new(&mut store, &module, &[]).expect_err("too many");
    assert!(
        matches!(error.kind(), ErrorKind::Instantiation(_)),
        "{error}"
    );

    store.data_mut().limits = StoreLimitsBuilder::new()
        .memory_size(0)
        .trap_on_grow_failure(true)
        .build();
    let error = grow_memory.call(&mut store, 1).expect_err("a trap");
    assert_eq!(error.as_trap_code(), Some(TrapCode::GrowthOperationLimited));
    Ok(())
}

#[test]
fn call_hooks() -> Result<(), Error> {
    let engine = Engine::default();
    let mut store = Store::new(&engine, Host::default());
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "f", || ())?;
    let text = r#"(module (import "host" "f" (func $f)) (func (export "run") (call $f)))"#;
    let instance = linker.instantiate_and_start(&mut store, &Module::new(&engine, wasm(text))?)?;
    store.call_hook(|host, crossing| {
        host.crossings.push(match crossing {
            CallHook::CallingWasm => "to wasm",
            CallHook::ReturningFromWasm => "from wasm",
            CallHook::CallingHost => "to host",
            CallHook::ReturningFromHost => "from host",
        });
        Ok(())
    });
    let run = instance.get_typed_func::<(), ()>(&store, "run")?;
    run.call(&mut store, ())?;
    assert_eq!(
        store.data().crossings,
        ["to wasm", "to host", "from host", "from wasm"]
    );
    store.call_hook(|_, crossing| match crossing {
        CallHook::CallingHost => Err(Error::host(Refused(1))),
        _ => Ok(()),
    });
    let error = run.call(&mut store, ()).expect_err("the hook refuses");
    assert_eq!(error.downcast_ref::<Refused>(), Some(&Refused(1)));
    Ok(())
}

#[test]
fn traps() -> Result<(), Error> {
    let (mut store, instance) = start(
        r#"(module (memory 1) (table 1 funcref) (type $t (func))
            (func (export "unreachable") unreachable)
            (func (export "memory") (drop (i32.load (i32.const 65536))))
            (func (export "table") (call_indirect (type $t) (i32.const 1)))
            (func (export "null") (call_indirect (type $t) (i32.const 0)))
            (func (export "zero") (drop (i32.div_s (i32.const 1) (i32.const 0))))
            (func (export "overflow") (drop (i32.div_s (i32.const 0x80000000) (i32.const -1))))
            (func (export "nan") (drop (i32.trunc_f32_s (f32.const nan))))
            (func $deep (export "deep") (call $deep)))"#,
    )?;
    for (name, code) in [
        ("unreachable", TrapCode::UnreachableCodeReached),
        ("memory", TrapCode::MemoryOutOfBounds),
        ("table", TrapCode::TableOutOfBounds),
        ("null", TrapCode::IndirectCallToNull),
        ("zero", TrapCode::IntegerDivisionByZero),
        ("overflow", TrapCode::IntegerOverflow),
        ("nan", TrapCode::BadConversionToInteger),
        ("deep", TrapCode::StackOverflow),
    ] {
        let func = instance.get_typed_func::<(), ()>(&store, name)?;
        let error = func.call(&mut store, ()).expect_err("a trap");
        assert_eq!(error.as_trap_code(), Some(code), "{name}");
        assert!(matches!(error.kind(), ErrorKind::TrapCode(_)));
    }
    Ok(())
}
