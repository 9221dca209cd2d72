//! What a guest says does not make its host allocate: neither in the examples that people
//! copy, nor where names and debug information are shown.

use damson::{Engine, Linker, Module, Store, StoreLimits, StoreLimitsBuilder};

#[cfg(any(feature = "demangle", feature = "wat"))]
use super::counting::forget_peak;
use super::counting::live;

#[cfg(feature = "wat")]
#[path = "../../examples/plugin.rs"]
#[allow(dead_code, unreachable_pub, reason = "a program of its own, too")]
mod plugin;

#[cfg(feature = "wat")]
#[test]
fn an_example_does_not_allocate_what_its_guest_asks_for() {
    // One of its plugins says that a text has four gigabytes. What it needs is less than this.
    const MOST: isize = 64 << 20;
    let measure = forget_peak();
    plugin::main().expect("the example runs");
    assert!(measure.peak() < MOST, "{}", measure.peak());
}

/// The message of a trap in a function of that name, with its backtrace.
#[cfg(feature = "demangle")]
fn trap_in(name: &str) -> String {
    let engine = Engine::default();
    let text = format!("(module (func ${name} (export \"f\") unreachable))");
    let wasm = wat::parse_str(text).expect("a module");
    let module = Module::new(&engine, wasm).expect("valid");
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine)
        .instantiate(&mut store, &module)
        .expect("it imports nothing");
    let func = instance
        .get_typed_func::<(), ()>(&store, "f")
        .expect("its type");
    format!("{:?}", func.call(&mut store, ()).expect_err("a trap"))
}

#[cfg(feature = "demangle")]
#[test]
fn a_name_that_stands_for_a_long_text_is_not_written_out() {
    // Each level names the one before twice: 2^22 times `int`.
    let mut name = String::from("_Z1f1AIiiE");
    for level in 0..21 {
        let digit = char::from_digit(level, 36).expect("few levels");
        let digit = digit.to_ascii_uppercase();
        name += &format!("S_IS{digit}_S{digit}_E");
    }
    let measure = forget_peak();
    let text = trap_in(&name);
    assert!(text.contains(&name) && text.len() < 4096);
    assert!(measure.peak() < 4 << 20, "{}", measure.peak());
}

/// Who tries again in the same store does not fill it with the linker's host functions.
#[test]
fn refused_instantiations_leave_nothing_in_their_store() {
    let engine = Engine::default();
    let text = r#"(module (import "m" "f" (func)) (import "m" "g" (func (param i32)))
        (memory 2) (table 1 funcref))"#;
    let wasm = wat::parse_str(text).expect("a module");
    let module = Module::new(&engine, wasm).expect("valid");
    let mut linker = Linker::<StoreLimits>::new(&engine);
    linker.func_wrap("m", "f", || ()).expect("new");
    linker.func_wrap("m", "g", |_: i32| ()).expect("new");
    let pre = linker.instantiate_pre(&module).expect("all is defined");
    for limits in [
        StoreLimitsBuilder::new().instances(0),
        StoreLimitsBuilder::new().memories(0),
        StoreLimitsBuilder::new().memory_size(1 << 16),
        StoreLimitsBuilder::new().table_elements(0),
    ] {
        let mut store = Store::new(&engine, limits.build());
        store.limiter(|limits| limits);
        let mut refuse = || {
            linker
                .instantiate(&mut store, &module)
                .expect_err("refused");
            pre.instantiate(&mut store).expect_err("refused");
        };
        // What the first time leaves is there once.
        refuse();
        let before = live();
        for _ in 0..100 {
            refuse();
        }
        assert_eq!(live(), before);
    }
}
