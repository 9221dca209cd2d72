//! Several instances in one store: of one module, and of modules that use each other.

use damson::{Engine, Extern, Instance, Linker, Store};

use crate::{MODES, engine_in, module};

#[test]
fn instances_of_one_module_have_state_of_their_own() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module
            (global $n (mut i32) (i32.const 0))
            (memory 1)
            (func (export "count") (result i32)
              (global.set $n (i32.add (global.get $n) (i32.const 1)))
              (i32.store8 (global.get $n) (i32.const 1))
              (i32.add (global.get $n) (i32.load8_u (i32.const 2)))))"#,
    );
    let mut store = Store::new(&engine, ());
    let linker = Linker::new(&engine);
    let mut count = || {
        let instance = linker
            .instantiate_and_start(&mut store, &module)
            .expect("it fits");
        instance
            .get_typed_func::<(), i32>(&store, "count")
            .expect("its type")
    };
    let (a, b) = (count(), count());
    assert_eq!(a.call(&mut store, ()).expect("it runs"), 1);
    assert_eq!(a.call(&mut store, ()).expect("it runs"), 3);
    assert_eq!(b.call(&mut store, ()).expect("it runs"), 1);
    assert_eq!(a.call(&mut store, ()).expect("it runs"), 4);
}

/// Two modules that call each other through a shared table, each with a memory and a
/// global of its own that the other must not see.
const PING: &str = r#"(module
    (type $f (func (param i32) (result i32)))
    (table $t (export "table") 4 funcref)
    (elem (i32.const 0) func $ping)
    (memory (export "memory") 1)
    (data (i32.const 0) "\01")
    (global $g i32 (i32.const 1000))
    (func $ping (export "ping") (param i32) (result i32)
      (if (result i32) (i32.eqz (local.get 0))
        (then (i32.load8_u (i32.const 0)))
        (else
          (i32.add
            (call_indirect $t (type $f) (i32.sub (local.get 0) (i32.const 1)) (i32.const 1))
            (i32.add (i32.load8_u (i32.const 0)) (global.get $g)))))))"#;

const PONG: &str = r#"(module
    (type $f (func (param i32) (result i32)))
    (import "ping" "table" (table $t 4 funcref))
    (import "ping" "ping" (func $ping (param i32) (result i32)))
    (elem (i32.const 1) func $pong)
    (memory 2)
    (data (i32.const 0) "\02")
    (global $g (mut i32) (i32.const 2000000))
    (func $pong (param i32) (result i32)
      (if (result i32) (i32.eqz (local.get 0))
        (then (i32.load8_u (i32.const 0)))
        (else
          (i32.add
            (call $ping (i32.sub (local.get 0) (i32.const 1)))
            (i32.add (i32.load8_u (i32.const 0)) (global.get $g))))))
    (func (export "tail") (param i32) (result i32)
      (return_call_indirect $t (type $f) (local.get 0) (i32.const 0))))"#;

fn ping_pong(engine: &Engine) -> (Store<()>, Instance, Instance) {
    let mut store = Store::new(engine, ());
    let mut linker = Linker::new(engine);
    let ping = linker
        .instantiate_and_start(&mut store, &module(engine, PING))
        .expect("it fits");
    linker
        .instance(&mut store, "ping", ping)
        .expect("not defined yet");
    let pong = linker
        .instantiate_and_start(&mut store, &module(engine, PONG))
        .expect("it fits");
    (store, ping, pong)
}

#[test]
fn calls_between_instances_switch_memories_and_globals() {
    for mode in MODES {
        let (mut store, ping, pong) = ping_pong(&engine_in(mode));
        let ping = ping
            .get_typed_func::<i32, i32>(&store, "ping")
            .expect("its type");
        let tail = pong
            .get_typed_func::<i32, i32>(&store, "tail")
            .expect("its type");
        for func in [ping, tail] {
            assert_eq!(func.call(&mut store, 0).expect("it runs"), 1);
            assert_eq!(func.call(&mut store, 1).expect("it runs"), 1 + 1000 + 2);
            // Five levels of each, the last a ping.
            let expected = 5 * 1001 + 5 * 2_000_002 + 1;
            assert_eq!(func.call(&mut store, 10).expect("it runs"), expected);
        }
    }
}

#[test]
fn a_function_keeps_the_identity_of_its_instance_when_reexported() {
    let engine = Engine::default();
    let inner = module(
        &engine,
        r#"(module (memory 1) (data (i32.const 0) "\2a")
            (func (export "f") (result i32) (i32.load8_u (i32.const 0))))"#,
    );
    let outer = module(
        &engine,
        r#"(module (import "inner" "f" (func (result i32))) (memory 1) (export "f" (func 0)))"#,
    );
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    let inner = linker
        .instantiate_and_start(&mut store, &inner)
        .expect("it fits");
    linker
        .instance(&mut store, "inner", inner)
        .expect("not defined yet");
    let outer = linker
        .instantiate_and_start(&mut store, &outer)
        .expect("it fits");
    let [a, b] = [inner, outer].map(|instance| {
        instance
            .get_export(&store, "f")
            .and_then(Extern::into_func)
            .expect("exported")
    });
    assert_eq!(a, b, "one function");
    let f = b.typed::<(), i32>(&store).expect("its type");
    assert_eq!(f.call(&mut store, ()).expect("it runs"), 42);
}

#[test]
fn a_failed_instantiation_leaves_its_earlier_writes_and_a_usable_store() {
    let engine = Engine::default();
    let (mut store, ping, _) = ping_pong(&engine);
    let mut linker = Linker::new(&engine);
    linker
        .instance(&mut store, "ping", ping)
        .expect("not defined yet");
    let failing = module(
        &engine,
        r#"(module
            (import "ping" "memory" (memory 1))
            (data (i32.const 10) "kept")
            (data (i32.const 65535) "too long"))"#,
    );
    linker
        .instantiate_and_start(&mut store, &failing)
        .expect_err("the second segment");
    let memory = ping.get_memory(&store, "memory").expect("exported");
    assert_eq!(&memory.data(&store)[10..14], b"kept");
    assert_eq!(
        memory.data(&store)[65_535],
        0,
        "nothing of the segment that does not fit"
    );
}
