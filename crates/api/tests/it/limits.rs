//! What bounds a guest: limiters of stores, limits on modules, the stack.

use damson::errors::{
    EnforcedLimitsError, ErrorKind, InstantiationError, LimiterError, LinkerError, MemoryError,
    TableError,
};
use damson::{
    CallHook, Config, EnforcedLimits, Engine, Error, Func, FuncType, Instance, Linker, Memory,
    MemoryType, Module, Ref, RefType, ResourceLimiter, Store, StoreLimits, StoreLimitsBuilder,
    Table, TableType, Trap, TrapCode, ValType,
};

use crate::{MODES, engine_in, module};

const ONE_OF_EACH: &str = "(module (memory 1) (table 1 funcref))";

fn too_many(error: &Error) -> String {
    match error.kind() {
        ErrorKind::Instantiation(InstantiationError::TooMany(error)) => error.to_string(),
        kind => panic!("{kind}"),
    }
}

#[test]
fn instances_memories_and_tables_are_counted_at_instantiation() {
    let engine = Engine::default();
    let module = module(&engine, ONE_OF_EACH);
    let cases = [
        (StoreLimitsBuilder::new().instances(2), "instances"),
        (StoreLimitsBuilder::new().memories(2), "memories"),
        (StoreLimitsBuilder::new().tables(2), "tables"),
    ];
    for (limits, what) in cases {
        let mut store = Store::new(&engine, limits.build());
        store.limiter(|limits| limits);
        let linker = Linker::new(&engine);
        for _ in 0..2 {
            linker
                .instantiate_and_start(&mut store, &module)
                .expect("two are allowed");
        }
        let error = linker
            .instantiate_and_start(&mut store, &module)
            .expect_err("the third");
        assert_eq!(
            too_many(&error),
            format!("the resource limiter allows 2 {what}, and 3 would be in the store")
        );
        // What the host makes counts too.
        let memory = Memory::new(&mut store, MemoryType::new(1, None));
        assert_eq!(memory.is_err(), what == "memories");
        let ty = TableType::new(RefType::Func, 1, None);
        let table = Table::new(&mut store, ty, Ref::null(RefType::Func));
        assert_eq!(table.is_err(), what == "tables");
    }
}

#[test]
fn sizes_are_limited_at_instantiation() {
    let engine = Engine::default();
    let module = module(&engine, "(module (memory 2) (table 20 funcref))");
    let cases = [
        StoreLimitsBuilder::new().memory_size(2 * 65_536 - 1),
        StoreLimitsBuilder::new().table_elements(19),
    ];
    for limits in cases {
        let mut store = Store::new(&engine, limits.build());
        store.limiter(|limits| limits);
        let error = Instance::new(&mut store, &module, &[]).expect_err("too large");
        assert!(error.to_string().contains("refused"), "{error}");
        *store.data_mut() = StoreLimits::default();
        Instance::new(&mut store, &module, &[]).expect("no limits any more");
    }
}

/// Refuses everything, or lets everything pass, and takes notes.
#[derive(Default)]
struct Notes {
    asked: Vec<(&'static str, usize, usize, Option<usize>)>,
    failed: Vec<String>,
    stop_on_failure: bool,
}

impl Notes {
    fn failed(&mut self, error: &dyn core::fmt::Display) -> Result<(), LimiterError> {
        self.failed.push(error.to_string());
        if self.stop_on_failure {
            Err(LimiterError::ResourceLimiterDeniedAllocation)
        } else {
            Ok(())
        }
    }
}

impl ResourceLimiter for Notes {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        self.asked.push(("memory", current, desired, maximum));
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        self.asked.push(("table", current, desired, maximum));
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: &MemoryError) -> Result<(), LimiterError> {
        self.failed(error)
    }

    fn table_grow_failed(&mut self, error: &TableError) -> Result<(), LimiterError> {
        self.failed(error)
    }

    fn instances(&self) -> usize {
        usize::MAX
    }

    fn tables(&self) -> usize {
        usize::MAX
    }

    fn memories(&self) -> usize {
        usize::MAX
    }
}

#[test]
fn a_limiter_is_asked_in_bytes_and_elements_and_told_of_failures() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module
            (import "host" "memory" (memory 1))
            (table 2 9 funcref)
            (func (export "memory") (result i32) (memory.grow (i32.const 1)))
            (func (export "table") (result i32) (table.grow (ref.null func) (i32.const 3))))"#,
    );
    let mut store = Store::new(&engine, Notes::default());
    store.limiter(|notes| notes);
    let buffer = Box::leak(vec![0; 65_536].into());
    let memory = Memory::new_static(&mut store, MemoryType::new(1, Some(8)), buffer);
    let memory = memory.expect("one page");
    let instance = Instance::new(&mut store, &module, &[memory.into()]).expect("it fits");
    let grow_memory = instance.get_typed_func::<(), i32>(&store, "memory");
    let grow_memory = grow_memory.expect("its type");
    let grow_table = instance.get_typed_func::<(), i32>(&store, "table");
    let grow_table = grow_table.expect("its type");
    assert_eq!(grow_memory.call(&mut store, ()).expect("it runs"), -1);
    assert_eq!(grow_table.call(&mut store, ()).expect("it runs"), 2);
    let page = 65_536;
    assert_eq!(
        store.data().asked,
        [
            ("memory", 0, page, Some(8 * page)),
            ("table", 0, 2, Some(9)),
            ("memory", page, 2 * page, Some(8 * page)),
            ("table", 2, 5, Some(9)),
        ]
    );
    assert_eq!(
        store.data().failed,
        ["131072 bytes do not fit a storage of 65536 bytes"]
    );
    // Growth by nothing tells the size, and is nothing to be asked about.
    assert_eq!(memory.grow(&mut store, 0).expect("nothing to do"), 1);
    let table = Table::new(
        &mut store,
        TableType::new(RefType::Func, 0, None),
        Ref::null(RefType::Func),
    );
    let table = table.expect("no elements");
    let asked = store.data().asked.len();
    let grown = table.grow(&mut store, 0, Ref::null(RefType::Func));
    assert_eq!(grown.expect("nothing to do"), 0);
    assert_eq!(store.data().asked.len(), asked);
    store.data_mut().stop_on_failure = true;
    let error = memory.grow(&mut store, 1).expect_err("no room");
    let error = Error::from(error);
    assert_eq!(error.as_trap_code(), Some(TrapCode::GrowthOperationLimited));
    let error = grow_memory.call(&mut store, ()).expect_err("a trap");
    assert_eq!(error.as_trap_code(), Some(TrapCode::GrowthOperationLimited));
    assert_eq!(memory.size(&store), 1);
}

#[test]
fn tables_are_bounded_without_a_limiter() {
    let ty = |minimum| TableType::new(RefType::Func, minimum, None);
    let null = || Ref::null(RefType::Func);
    let mut config = Config::default();
    config.set_max_table_elements(7);
    let mut store = Store::new(&Engine::new(&config), ());
    let table = Table::new(&mut store, ty(5), null()).expect("fewer than seven");
    assert_eq!(table.grow(&mut store, 2, null()).expect("seven"), 5);
    let error = table.grow(&mut store, 1, null()).expect_err("eight");
    assert_eq!(
        Error::from(error).as_trap_code(),
        Some(TrapCode::TableOutOfBounds)
    );
    Table::new(&mut store, ty(8), null()).expect_err("eight");
    let mut store = Store::new(&Engine::default(), ());
    Table::new(&mut store, ty(10_000_001), null()).expect_err("more than ten millions");
}

#[test]
fn a_pruned_store_has_limiters_and_hooks_too() {
    let engine = Engine::default();
    let module = module(&engine, ONE_OF_EACH);
    let mut store = Store::new(&engine, ()).prune();
    store.limiter(StoreLimitsBuilder::new().instances(1).build());
    Instance::new(&mut store, &module, &[]).expect("the first");
    too_many(&Instance::new(&mut store, &module, &[]).expect_err("the second"));

    let func = Func::new(&mut store, FuncType::new([], []), |_, _, _| Ok(()));
    let start = crate::module(
        &engine,
        r#"(module (import "m" "f" (func $f)) (start $run) (func $run (call $f)))"#,
    );
    store.limiter(StoreLimits::default());
    store.call_hook(|crossing| match crossing {
        CallHook::CallingHost => Err(Error::new("no calls of the host")),
        _ => Ok(()),
    });
    let error = Instance::new(&mut store, &start, &[func.into()]).expect_err("the hook");
    assert_eq!(error.to_string(), "no calls of the host");
}

#[test]
fn limits_on_modules_hold_in_every_mode() {
    for mode in MODES {
        let mut config = engine_in(mode).config().clone();
        config.enforced_limits(EnforcedLimits::strict());
        let engine = Engine::new(&config);
        let wasm = wat::parse_str("(module (memory 1) (memory 1))").expect("a module");
        for error in [
            Module::new(&engine, &wasm).expect_err("two memories"),
            Module::validate(&engine, &wasm).expect_err("two memories"),
        ] {
            assert!(matches!(
                error.kind(),
                ErrorKind::UserLimits(EnforcedLimitsError::TooManyMemories { limit: 1 })
            ));
            assert_eq!(error.to_string(), "more memories than the limit of 1");
        }
    }
}

#[test]
fn start_functions_can_be_refused() {
    let mut config = Config::default();
    config.allow_start_fn(false);
    let engine = Engine::new(&config);
    let wasm = wat::parse_str("(module (func) (func $f) (start $f))").expect("a module");
    let error = Module::new(&engine, wasm).expect_err("a start function");
    assert!(matches!(
        error.kind(),
        ErrorKind::Instantiation(InstantiationError::UnexpectedStartFn { index: 1 })
    ));
    module(&engine, "(module (func))");
}

#[test]
fn a_stack_that_cannot_be_had_is_a_trap() {
    let mut config = Config::default();
    config.set_max_stack_height(usize::MAX / 4);
    let engine = Engine::new(&config);
    let module = module(&engine, r#"(module (func (export "f")))"#);
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).expect("nothing runs yet");
    let func = instance.get_func(&store, "f").expect("exported");
    let error = func.call(&mut store, &[], &mut []).expect_err("no memory");
    assert_eq!(error.trap(), Some(&Trap::new(TrapCode::OutOfSystemMemory)));
    assert_eq!(error.to_string(), "out of system memory");
}

#[test]
fn unknown_functions_can_be_put_off_until_they_are_called() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module
            (import "host" "known" (func $known (result i32)))
            (import "host" "unknown" (func $unknown (param i32)))
            (func (export "run") (param i32) (result i32)
                (if (local.get 0) (then (call $unknown (local.get 0))))
                (call $known)))"#,
    );
    let mut linker = Linker::<()>::new(&engine);
    linker.func_wrap("host", "known", || 5).expect("new");
    linker
        .define_unknown_imports_as_traps(&module)
        .expect("the same engine");
    let mut store = Store::new(&engine, ());
    let instance = linker
        .instantiate_and_start(&mut store, &module)
        .expect("everything is defined");
    let run = instance.get_typed_func::<i32, i32>(&store, "run");
    let run = run.expect("its type");
    assert_eq!(run.call(&mut store, 0).expect("not called"), 5);
    let error = run.call(&mut store, 1).expect_err("called");
    let ErrorKind::Linker(error) = error.kind() else {
        panic!("{error:?}");
    };
    assert_eq!(
        *error,
        LinkerError::MissingDefinition {
            module: "host".into(),
            name: "unknown".into(),
            ty: FuncType::new([ValType::I32], []).into(),
        }
    );

    // Memories cannot be put off.
    let memory = crate::module(&engine, r#"(module (import "host" "memory" (memory 1)))"#);
    linker
        .define_unknown_imports_as_traps(&memory)
        .expect("the same engine");
    assert!(linker.instantiate_and_start(&mut store, &memory).is_err());
    let abroad = crate::module(&Engine::default(), "(module)");
    assert!(linker.define_unknown_imports_as_traps(&abroad).is_err());
}
