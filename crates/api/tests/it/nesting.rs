//! Calls inside of calls where one may ask what is allowed: beyond the limit, and while an
//! instance is being made.

use std::future::Future;

use damson::errors::{ErrorKind, FuncError};
use damson::{
    AsContext, Caller, Config, Engine, Error, Extern, Func, Linker, Memory, ResourceLimiter, Store,
    TrapCode,
};

use crate::module;

/// An engine on which calls of the host nest so deep.
fn engine(limit: u32) -> Engine {
    let mut config = Config::default();
    config.set_max_host_nesting(limit);
    Engine::new(&config)
}

/// The error says that it was the host, and what the limit is; for a guest it is a trap.
fn is_too_deep(error: &Error, expected: u32) {
    let ErrorKind::Func(FuncError::TooDeeplyNested { limit }) = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!(*limit, expected);
    assert_eq!(
        error.to_string(),
        format!(
            "call stack exhausted: calls of the host nest more than {expected} deep \
             (`Config::set_max_host_nesting`)"
        )
    );
    assert_eq!(error.as_trap_code(), Some(TrapCode::StackOverflow));
}

#[test]
fn re_entrancy_ends_at_the_configured_limit() {
    fn again(mut caller: Caller<'_, u32>) -> Result<(), Error> {
        *caller.data_mut() += 1;
        let again = Func::wrap(&mut caller, again);
        again.call(&mut caller, &[], &mut [])
    }
    for limit in [1, 5, 60] {
        let mut store = Store::new(&engine(limit), 0_u32);
        let func = Func::wrap(&mut store, again);
        let error = func.call(&mut store, &[], &mut []).expect_err("too deep");
        is_too_deep(&error, limit);
        assert_eq!(store.into_data(), limit);
    }
}

/// Calls the export `run` of the caller's instance, and waits for it.
fn again(
    mut caller: Caller<'_, u32>,
    (): (),
) -> Box<dyn Future<Output = Result<(), Error>> + Send + '_> {
    Box::new(async move {
        *caller.data_mut() += 1;
        let run = caller.get_export("run").and_then(Extern::into_func);
        let run = run.ok_or_else(|| Error::new("not exported"))?;
        run.call_async(&mut caller, &[], &mut []).await
    })
}

#[test]
fn async_calls_nest_up_to_the_same_limit() {
    for limit in [1, 5, 60] {
        let engine = engine(limit);
        let mut linker = Linker::new(&engine);
        linker
            .func_wrap_async("host", "again", again)
            .expect("not defined yet");
        let text = r#"(module (import "host" "again" (func $again))
            (func (export "run") (call $again)))"#;
        let mut store = Store::new(&engine, 0_u32);
        let instance = linker
            .instantiate(&mut store, &module(&engine, text))
            .expect("it fits");
        let run = instance.get_func(&store, "run").expect("exported");
        for _ in 0..2 {
            let future = run.call_async(&mut store, &[], &mut []);
            let error = crate::at_once(future).expect_err("too deep");
            is_too_deep(&error, limit);
            assert_eq!(std::mem::take(store.data_mut()), limit);
        }
    }
}

/// What a limiter notes while an instance is made.
#[derive(Default)]
struct Host {
    asked: u32,
    called: u32,
}

impl ResourceLimiter for Host {
    fn memory_growing(
        &mut self,
        _: usize,
        _: usize,
        _: Option<usize>,
    ) -> Result<bool, damson::errors::LimiterError> {
        // It has the data, and no store: there is nothing to call yet.
        self.asked += 1;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _: usize,
        _: usize,
        _: Option<usize>,
    ) -> Result<bool, damson::errors::LimiterError> {
        self.asked += 1;
        Ok(true)
    }

    fn instances(&self) -> usize {
        10
    }

    fn tables(&self) -> usize {
        10
    }

    fn memories(&self) -> usize {
        10
    }
}

/// The start function is a call like others, of an instance that is complete: host functions
/// may use it and call it, make other instances, and fail.
#[test]
fn the_host_may_call_while_an_instance_starts() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module
            (import "host" "starting" (func $starting (param i32)))
            (memory (export "memory") 1) (table 1 funcref)
            (data (i32.const 7) "written")
            (global $calls (export "calls") (mut i32) (i32.const 0))
            (func (export "call") (param i32)
              (global.set $calls (i32.add (global.get $calls) (local.get 0))))
            (func $start (call $starting (i32.const 5)))
            (start $start))"#,
    );
    let mut linker = Linker::<Host>::new(&engine);
    let inner = module.clone();
    linker
        .func_wrap(
            "host",
            "starting",
            move |mut caller: Caller<'_, Host>, n: i32| -> Result<(), Error> {
                caller.data_mut().called += 1;
                let instance = caller.instance().expect("it calls");
                let memory: Memory = instance.get_memory(&caller, "memory").expect("exported");
                assert_eq!(memory.data(&caller)[7..14], *b"written");
                let call = instance.get_typed_func::<i32, ()>(&caller, "call")?;
                call.call(&mut caller, n)?;
                match caller.data().called {
                    // The second instance is made while the first one starts.
                    1 => {
                        let mut linker = Linker::new(caller.engine());
                        let nested = Func::wrap(&mut caller, |n: i32| assert_eq!(n, 5));
                        linker.define("host", "starting", nested)?;
                        linker.instantiate(&mut caller, &inner).map(drop)
                    }
                    _ => Err(Error::new("not again")),
                }
            },
        )
        .expect("not defined yet");
    let mut store = Store::new(&engine, Host::default());
    store.limiter(|host| host);
    let instance = linker.instantiate(&mut store, &module).expect("it starts");
    let calls = instance.get_global(&store, "calls").expect("exported");
    assert_eq!(calls.get(store.as_context()).i32(), Some(5));
    assert_eq!((store.data().called, store.data().asked), (1, 4));
    // What a start function ends with is what the instantiation ends with.
    let error = linker
        .instantiate(&mut store, &module)
        .expect_err("it fails");
    assert_eq!(error.to_string(), "not again");
    assert_eq!(
        error.wasm_backtrace().map(|trace| trace.frames().len()),
        Some(1)
    );
}
