//! Host functions: their types, their calls, their errors.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use damson::errors::HostError;
use damson::{
    Caller, Engine, Error, ExternRef, F32, F64, Func, FuncType, Linker, Nullable, Store, TrapCode,
    Val, ValType,
};

use crate::module;

/// Calls a wrapped closure through a Wasm function of the same signature, so that
/// both directions of every conversion are used.
fn through_wasm(params: &str, results: &str, count: usize) -> String {
    let gets: String = (0..count).map(|i| format!("(local.get {i})")).collect();
    format!(
        r#"(module
            (import "host" "f" (func $f (param {params}) (result {results})))
            (func (export "f") (param {params}) (result {results}) (call $f {gets})))"#
    )
}

/// The type of every parameter below.
macro_rules! int {
    ($arg:ident) => {
        i32
    };
}

macro_rules! arity {
    ($($name:ident($($arg:ident)*) = $count:literal;)*) => { $(
        #[test]
        fn $name() {
            let engine = Engine::default();
            let closure = |$($arg: i32),*| ($($arg + 100,)*);
            let types = vec!["i32"; $count].join(" ");
            let module = module(&engine, &through_wasm(&types, &types, $count));
            let mut linker = Linker::new(&engine);
            linker.func_wrap("host", "f", closure).expect("not defined yet");
            let mut store = Store::new(&engine, ());
            let instance = linker.instantiate_and_start(&mut store, &module).expect("it fits");

            let inputs: Vec<Val> = (0..$count).map(Val::I32).collect();
            let mut outputs = vec![Val::I64(0); $count];
            let func = instance.get_func(&store, "f").expect("it is exported");
            func.call(&mut store, &inputs, &mut outputs).expect("it runs");
            for (i, output) in outputs.iter().enumerate() {
                assert_eq!(output.i32(), Some(i as i32 + 100), "result {i}");
            }

            // The same through typed functions, of Wasm and of the host.
            type Tuple = ($(int!($arg),)*);
            let mut next = 0..;
            let inputs: Tuple = ($( { let $arg = next.next().expect("endless"); $arg }, )*);
            let typed = func.typed::<Tuple, Tuple>(&store).expect("its type");
            let host = Func::wrap(&mut store, closure).typed::<Tuple, Tuple>(&store);
            for func in [typed, host.expect("its type")] {
                let ($($arg,)*) = func.call(&mut store, inputs).expect("it runs");
                assert_eq!(vec![$($arg),*], (100..100 + $count).collect::<Vec<i32>>());
            }
        }
    )* };
}

arity! {
    arity_1(a) = 1;
    arity_2(a b) = 2;
    arity_3(a b c) = 3;
    arity_4(a b c d) = 4;
    arity_5(a b c d e) = 5;
    arity_6(a b c d e f) = 6;
    arity_7(a b c d e f g) = 7;
    arity_8(a b c d e f g h) = 8;
    arity_9(a b c d e f g h i) = 9;
    arity_10(a b c d e f g h i j) = 10;
    arity_11(a b c d e f g h i j k) = 11;
    arity_12(a b c d e f g h i j k l) = 12;
    arity_13(a b c d e f g h i j k l m) = 13;
    arity_14(a b c d e f g h i j k l m n) = 14;
    arity_15(a b c d e f g h i j k l m n o) = 15;
    arity_16(a b c d e f g h i j k l m n o p) = 16;
}

#[test]
fn arity_0() {
    let engine = Engine::default();
    let module = module(&engine, &through_wasm("", "", 0));
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("host", "f", |mut caller: Caller<'_, u32>| {
            *caller.data_mut() += 1
        })
        .expect("not defined yet");
    let mut store = Store::new(&engine, 0);
    let instance = linker
        .instantiate_and_start(&mut store, &module)
        .expect("it fits");
    let func = instance.get_func(&store, "f").expect("it is exported");
    func.call(&mut store, &[], &mut []).expect("it runs");
    func.typed::<(), ()>(&store)
        .expect("its type")
        .call(&mut store, ())
        .expect("it runs");
    assert_eq!(*store.data(), 2);
}

#[test]
fn all_types_cross_both_ways() {
    type Numbers = (u32, u64, f32, f64, F32, F64);
    let engine = Engine::default();
    let types = "i32 i64 f32 f64 f32 f64";
    let module = module(&engine, &through_wasm(types, types, 6));
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap(
            "host",
            "f",
            |a: u32, b: u64, c: f32, d: f64, e: F32, f: F64| (a, b, c, d, e, f),
        )
        .expect("not defined yet");
    let mut store = Store::new(&engine, ());
    let instance = linker
        .instantiate_and_start(&mut store, &module)
        .expect("it fits");
    let func = instance
        .get_typed_func::<Numbers, Numbers>(&store, "f")
        .expect("its type");
    let (signalling32, signalling64) = (0x7fa0_0001, 0xfff4_0000_0000_0001);
    let inputs = (
        u32::MAX,
        u64::MAX - 1,
        -0.0_f32,
        f64::MIN_POSITIVE,
        F32::from_bits(signalling32),
        F64::from_bits(signalling64),
    );
    let outputs = func.call(&mut store, inputs).expect("it runs");
    assert_eq!(outputs, inputs);
    assert_eq!(outputs.2.to_bits(), (-0.0_f32).to_bits());
}

#[test]
fn references_cross_both_ways_and_null_stays_null() {
    type References = (Option<Func>, Nullable<ExternRef>);
    let engine = Engine::default();
    let types = "funcref externref";
    let module = module(&engine, &through_wasm(types, types, 2));
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("host", "f", |f: Nullable<Func>, e: Option<ExternRef>| {
            (f, e)
        })
        .expect("not defined yet");
    let mut store = Store::new(&engine, ());
    let instance = linker
        .instantiate_and_start(&mut store, &module)
        .expect("it fits");
    let func = instance
        .get_typed_func::<References, References>(&store, "f")
        .expect("its type");

    let none = func
        .call(&mut store, (None, Nullable::Null))
        .expect("it runs");
    assert_eq!(none, (None, Nullable::Null));
    let object = ExternRef::new(&mut store, String::from("object"));
    let inputs = (Some(*func.func()), Nullable::Val(object));
    let outputs = func.call(&mut store, inputs).expect("it runs");
    assert_eq!(outputs, inputs);
    let Nullable::Val(back) = outputs.1 else {
        panic!("null came back")
    };
    assert_eq!(
        back.data(&store)
            .downcast_ref::<String>()
            .expect("a string"),
        "object"
    );
}

#[test]
fn a_fallible_host_function_without_results() {
    let mut store = Store::new(&Engine::default(), ());
    let func = Func::wrap(&mut store, |fail: i32| -> Result<(), Error> {
        if fail == 0 {
            Ok(())
        } else {
            Err(Error::new("told to fail"))
        }
    });
    let func = func.typed::<i32, ()>(&store).expect("its type");
    func.call(&mut store, 0).expect("it runs");
    assert_eq!(
        func.call(&mut store, 1).expect_err("told to").to_string(),
        "told to fail"
    );
}

#[test]
fn untyped_functions_have_any_number_of_parameters_and_results() {
    const COUNT: usize = 1000;
    let engine = Engine::default();
    let types = vec!["i64"; COUNT].join(" ");
    let module = module(&engine, &through_wasm(&types, &types, COUNT));
    let ty = FuncType::new(vec![ValType::I64; COUNT], vec![ValType::I64; COUNT]);
    let mut linker = Linker::new(&engine);
    linker
        .func_new("host", "f", ty, |_, inputs, outputs| {
            for (input, output) in inputs.iter().zip(outputs.iter_mut().rev()) {
                *output = Val::I64(input.i64().expect("an i64") * 2);
            }
            Ok(())
        })
        .expect("not defined yet");
    let mut store = Store::new(&engine, ());
    let instance = linker
        .instantiate_and_start(&mut store, &module)
        .expect("it fits");
    let func = instance.get_func(&store, "f").expect("it is exported");
    let inputs: Vec<Val> = (0..COUNT as i64).map(Val::I64).collect();
    let mut outputs = vec![Val::I32(0); COUNT];
    func.call(&mut store, &inputs, &mut outputs)
        .expect("it runs");
    for (i, output) in outputs.iter().rev().enumerate() {
        assert_eq!(output.i64(), Some(i as i64 * 2));
    }
}

#[test]
fn outputs_of_an_untyped_function_begin_as_defaults() {
    let mut store = Store::new(&Engine::default(), ());
    let results = [
        ValType::I32,
        ValType::F64,
        ValType::FuncRef,
        ValType::ExternRef,
    ];
    let func = Func::new(&mut store, FuncType::new([], results), |_, _, outputs| {
        let types: Vec<_> = outputs.iter().map(Val::ty).collect();
        assert_eq!(
            types,
            [
                ValType::I32,
                ValType::F64,
                ValType::FuncRef,
                ValType::ExternRef
            ]
        );
        Ok(())
    });
    let mut outputs = [Val::I64(1); 4];
    func.call(&mut store, &[], &mut outputs).expect("it runs");
    assert_eq!(outputs[0].i32(), Some(0));
    assert_eq!(outputs[1].f64(), Some(F64::from(0.0)));
    assert!(outputs[2].funcref().expect("a funcref").is_null());
    assert!(outputs[3].externref().expect("an externref").is_null());
}

#[test]
fn a_wrong_output_of_an_untyped_function_is_an_error() {
    let mut store = Store::new(&Engine::default(), ());
    let ty = FuncType::new([], [ValType::I32, ValType::I64]);
    let func = Func::new(&mut store, ty, |_, _, outputs| {
        outputs[1] = Val::F32(1.0.into());
        Ok(())
    });
    let error = func
        .call(&mut store, &[], &mut [Val::I32(0), Val::I32(0)])
        .expect_err("wrong");
    assert_eq!(error.to_string(), "result 1: expected i64, found f32");
}

#[test]
fn the_caller_gives_data_exports_and_the_engine() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module
            (import "host" "log" (func $log (param i32 i32)))
            (memory (export "memory") 1)
            (data (i32.const 16) "hello")
            (func (export "run") (call $log (i32.const 16) (i32.const 5))))"#,
    );
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap(
            "host",
            "log",
            |mut caller: Caller<'_, Vec<String>>, start: u32, len: u32| {
                let memory = caller
                    .get_export("memory")
                    .and_then(|item| item.into_memory());
                let memory = memory.ok_or_else(|| Error::new("no memory"))?;
                let (bytes, log) = memory.data_and_store_mut(&mut caller);
                let text = &bytes[start as usize..][..len as usize];
                log.push(String::from_utf8_lossy(text).into_owned());
                assert!(caller.get_export("nothing").is_none());
                assert!(caller.instance().is_some());
                Ok::<(), Error>(())
            },
        )
        .expect("not defined yet");
    let mut store = Store::new(&engine, Vec::new());
    let instance = linker
        .instantiate_and_start(&mut store, &module)
        .expect("it fits");
    let run = instance
        .get_typed_func::<(), ()>(&store, "run")
        .expect("its type");
    run.call(&mut store, ()).expect("it runs");
    assert_eq!(store.data(), &["hello"]);
}

#[test]
fn a_host_function_called_by_the_host_has_no_calling_instance() {
    let mut store = Store::new(&Engine::default(), ());
    let func = Func::wrap(&mut store, |caller: Caller<'_, ()>| {
        i32::from(caller.instance().is_none() && caller.get_export("memory").is_none())
    });
    let func = func.typed::<(), i32>(&store).expect("its type");
    assert_eq!(func.call(&mut store, ()).expect("it runs"), 1);
}

#[derive(Debug, PartialEq)]
struct Own(u32);
impl fmt::Display for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "own error {}", self.0)
    }
}
impl HostError for Own {}

const NESTED: &str = r#"(module
    (import "host" "f" (func $f (param i32) (result i32)))
    (func (export "f") (param i32) (result i32) (call $f (local.get 0))))"#;

/// Host, Wasm, host, Wasm, ... `depth` levels down; then the innermost host function fails.
fn nested_failure(depth: i32, fail: fn() -> Error) -> Error {
    let engine = Engine::default();
    let module = module(&engine, NESTED);
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap(
            "host",
            "f",
            move |mut caller: Caller<'_, u32>, depth: i32| {
                if depth == 0 {
                    return Err(fail());
                }
                let again = caller.get_export("f").and_then(|item| item.into_func());
                let again = again.ok_or_else(|| Error::new("no function"))?;
                let again = again.typed::<i32, i32>(&caller)?;
                let result = again.call(&mut caller, depth - 1);
                *caller.data_mut() += 1;
                result
            },
        )
        .expect("not defined yet");
    let mut store = Store::new(&engine, 0);
    let instance = linker
        .instantiate_and_start(&mut store, &module)
        .expect("it fits");
    let func = instance
        .get_typed_func::<i32, i32>(&store, "f")
        .expect("its type");
    let error = func
        .call(&mut store, depth)
        .expect_err("the innermost fails");
    assert_eq!(*store.data(), depth as u32, "every level saw the error");
    error
}

#[test]
fn a_host_error_passes_all_levels_as_itself() {
    let error = nested_failure(6, || Error::host(Own(7)));
    assert_eq!(error.downcast::<Own>(), Some(Own(7)));
    let error = nested_failure(0, || Error::other(std::io::Error::other("disk")));
    assert_eq!(
        error
            .downcast_ref::<std::io::Error>()
            .expect("it is one")
            .to_string(),
        "disk"
    );
    assert_eq!(
        nested_failure(3, || Error::i32_exit(5)).i32_exit_status(),
        Some(5)
    );
    let error = nested_failure(3, || TrapCode::IntegerOverflow.into());
    assert_eq!(error.as_trap_code(), Some(TrapCode::IntegerOverflow));
}

#[test]
fn a_panic_of_a_host_function_unwinds_and_leaves_the_store_usable() {
    let engine = Engine::default();
    let module = module(&engine, NESTED);
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("host", "f", |mut caller: Caller<'_, u32>, depth: i32| {
            *caller.data_mut() += 1;
            if depth == 0 {
                panic!("the host's own mistake");
            }
            if depth < 0 {
                return depth;
            }
            let again = caller
                .get_export("f")
                .and_then(|item| item.into_func())
                .expect("exported");
            let again = again.typed::<i32, i32>(&caller).expect("its type");
            again
                .call(&mut caller, depth - 1)
                .expect("it panics instead")
        })
        .expect("not defined yet");
    let mut store = Store::new(&engine, 0);
    let instance = linker
        .instantiate_and_start(&mut store, &module)
        .expect("it fits");
    let func = instance
        .get_typed_func::<i32, i32>(&store, "f")
        .expect("its type");
    // Often enough to notice call depth or stack that a panic does not give back.
    for round in 1..=200 {
        let panic = catch_unwind(AssertUnwindSafe(|| func.call(&mut store, 3)))
            .expect_err("the innermost panics");
        assert_eq!(
            panic.downcast_ref::<&str>(),
            Some(&"the host's own mistake")
        );
        assert_eq!(*store.data(), round * 5 - 1);
        assert_eq!(func.call(&mut store, -1).expect("it still runs"), -1);
    }
}
