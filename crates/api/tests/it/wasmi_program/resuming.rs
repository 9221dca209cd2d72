//! Calls that are resumed after a host function has failed, or the fuel is used up.

use wasmi::errors::{ErrorKind, FuncError};
use wasmi::{
    AsContext, Config, Engine, Error, Func, Instance, Linker, Module, ResumableCall,
    ResumableCallHostTrap, ResumableCallOutOfFuel, Store, TypedFunc, TypedResumableCall,
    TypedResumableCallHostTrap, TypedResumableCallOutOfFuel, Val,
};

use super::{Refused, wasm};

/// `ask` is refused; `run` asks twice, `count` counts.
fn guest() -> Result<(Store<()>, Instance), Error> {
    let mut config = Config::default();
    config.consume_fuel(true);
    let engine = Engine::new(&config);
    let module = Module::new(
        &engine,
        wasm(
            r#"(module
                (import "host" "ask" (func $ask (param i32) (result i64)))
                (func (export "run") (param i32) (result i64)
                  (i64.mul (call $ask (local.get 0)) (call $ask (i32.const 1))))
                (func (export "count") (param i32) (result i32) (local i32)
                  (loop $again
                    (local.set 1 (i32.add (local.get 1) (i32.const 1)))
                    (br_if $again (i32.lt_u (local.get 1) (local.get 0))))
                  (local.get 1)))"#,
        ),
    )?;
    let mut linker = <Linker<()>>::new(&engine);
    linker.func_wrap("host", "ask", |what: u32| -> Result<i64, Error> {
        Err(Error::host(Refused(what)))
    })?;
    let mut store = Store::new(&engine, ());
    store.set_fuel(100_000)?;
    let instance = linker.instantiate_and_start(&mut store, &module)?;
    Ok((store, instance))
}

#[test]
fn calls_over_values() -> Result<(), Error> {
    let (mut store, instance) = guest()?;
    let run: Func = instance.get_func(&store, "run").expect("exported");
    let mut result = [Val::I64(0)];
    let ResumableCall::HostTrap(call) =
        run.call_resumable(&mut store, &[Val::I32(7)], &mut result)?
    else {
        panic!("it is refused")
    };
    let call: ResumableCallHostTrap = call;
    assert_eq!(
        call.host_error().downcast_ref::<Refused>(),
        Some(&Refused(7))
    );
    assert_eq!(call.host_func().ty(&store).results().len(), 1);
    let call = call.resume(&mut store, &[Val::I64(6)], &mut result)?;
    let ResumableCall::HostTrap(call) = call else {
        panic!("it is refused again")
    };
    let call = call.resume::<()>(&mut store, &[Val::I64(7)], &mut result)?;
    assert!(matches!(call, ResumableCall::Finished));
    assert_eq!(result[0].i64(), Some(42));

    let ResumableCall::HostTrap(call) =
        run.call_resumable::<()>(&mut store, &[Val::I32(3)], &mut result)?
    else {
        panic!("it is refused")
    };
    let error: Error = call.into_host_error();
    assert_eq!(error.downcast::<Refused>(), Some(Refused(3)));

    let ResumableCall::HostTrap(call) =
        run.call_resumable(&mut store, &[Val::I32(3)], &mut result)?
    else {
        panic!("it is refused")
    };
    let error = call
        .resume(&mut store, &[Val::I32(6)], &mut result)
        .expect_err("another type");
    assert!(matches!(
        error.kind(),
        ErrorKind::Func(FuncError::MismatchingResultType { .. })
    ));

    let count = instance.get_func(&store, "count").expect("exported");
    let mut result = [Val::I32(0)];
    store.set_fuel(2_000)?;
    let mut call = count.call_resumable(&mut store, &[Val::I32(5_000)], &mut result)?;
    let mut pauses = 0;
    while let ResumableCall::OutOfFuel(paused) = call {
        let paused: ResumableCallOutOfFuel = paused;
        assert!(paused.required_fuel() > store.as_context().get_fuel()?);
        store.set_fuel(2_000.max(paused.required_fuel()))?;
        pauses += 1;
        call = paused.resume::<()>(&mut store, &mut result)?;
    }
    assert!(matches!(call, ResumableCall::Finished) && pauses > 1);
    assert_eq!(result[0].i32(), Some(5_000));
    Ok(())
}

#[test]
fn typed_calls() -> Result<(), Error> {
    let (mut store, instance) = guest()?;
    let run: TypedFunc<i32, i64> = instance.get_typed_func(&store, "run")?;
    let TypedResumableCall::HostTrap(call) = run.call_resumable(&mut store, 7)? else {
        panic!("it is refused")
    };
    let call: TypedResumableCallHostTrap<i64> = call;
    assert_eq!(call.host_error().to_string(), "refused with 7");
    let TypedResumableCall::HostTrap(call) = call.resume(&mut store, &[Val::I64(-2)])? else {
        panic!("it is refused again")
    };
    let TypedResumableCall::Finished(result) = call.resume::<()>(&mut store, &[Val::I64(4)])?
    else {
        panic!("there is nothing else to ask")
    };
    assert_eq!(result, -8);

    let count = instance.get_typed_func::<i32, i32>(&store, "count")?;
    store.set_fuel(2_000)?;
    let TypedResumableCall::OutOfFuel(call) = count.call_resumable(&mut store, 5_000)? else {
        panic!("it takes more")
    };
    let call: TypedResumableCallOutOfFuel<i32> = call;
    assert!(call.required_fuel() > 0);
    store.set_fuel(1_000_000)?;
    let TypedResumableCall::Finished(result) = call.resume::<()>(&mut store)? else {
        panic!("it was enough")
    };
    assert_eq!(result, 5_000);
    Ok(())
}
