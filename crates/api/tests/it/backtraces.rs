//! Backtraces: which Wasm functions were active when a call failed.

use std::num::NonZeroUsize;

use damson::{
    Caller, CompilationMode, Config, Engine, Error, Func, Instance, Linker, Module, Store,
    TypedResumableCall, Val, WasmBacktrace,
};

use crate::{MODES, engine_in, instance_of, module};

/// The names of the functions, innermost first; `?` for those that have none.
fn names(backtrace: &WasmBacktrace) -> Vec<&str> {
    let frames = backtrace.frames().iter();
    frames
        .map(|frame| frame.func_name().unwrap_or("?"))
        .collect()
}

/// Those of the functions that were active when the error arose.
fn active(error: &Error) -> Vec<&str> {
    names(error.wasm_backtrace().expect("a backtrace"))
}

/// Calls an export without parameters and results, which fails.
fn fail(store: &mut Store<()>, instance: Instance, name: &str) -> Error {
    let func = instance.get_typed_func::<(), ()>(&*store, name).unwrap();
    func.call(store, ()).unwrap_err()
}

const CHAIN: &str = r#"(module $chain
    (func $c (param i64 i64) (result i32) (i32.div_s (i32.const 1) (i32.const 0)))
    (func $b (param i32) (local i64) (drop (call $c (i64.const 0) (i64.const 1))))
    (func (export "a") nop (call $b (i32.const 1))))"#;

#[test]
fn the_chain_of_calls_has_names_and_offsets_in_every_mode() {
    let binary = wat::parse_str(CHAIN).unwrap();
    let parsed = Module::new(&Engine::default(), &binary).unwrap();
    let last = |func: u32, operator: u8| {
        let (body, range) = (parsed.body_bytes(func), parsed.body_range(func));
        let at = body.unwrap().iter().rposition(|byte| *byte == operator);
        range.unwrap().start as usize + at.unwrap()
    };
    let (div, call_c, call_b) = (last(0, 0x6d), last(1, 0x10), last(2, 0x10));
    for mode in MODES {
        let engine = engine_in(mode);
        let mut store = Store::new(&engine, ());
        // Names outlive the module.
        let instance = {
            let module = Module::new(&engine, &binary).unwrap();
            Instance::new(&mut store, &module, &[]).unwrap()
        };
        let error = fail(&mut store, instance, "a");
        let backtrace = error.wasm_backtrace().expect("a backtrace");
        assert_eq!(names(backtrace), ["c", "b", "?"], "{mode:?}");
        let frames = backtrace.frames();
        let found: Vec<_> = frames
            .iter()
            .map(|frame| (frame.func_index(), frame.module_offset().unwrap()))
            .collect();
        assert_eq!(found, [(0, div), (1, call_c), (2, call_b)], "{mode:?}");
        assert!(frames.iter().all(|f| f.module_name() == Some("chain")));
        // Body: size of the locals' declarations, `nop`, constant, call.
        assert_eq!(frames[2].func_offset(), Some(4));
        assert!(!backtrace.is_truncated());
        assert!(error.downcast_ref::<WasmBacktrace>().is_some());

        let text = format!("{error:?}");
        let expected = format!(
            "integer divide by zero in function 0 at byte offset {div:#x}\n\
             wasm backtrace:\n    0: {div:#8x} - chain!c\n    1: {call_c:#8x} - chain!b\n    \
             2: {call_b:#8x} - chain!<function 2>"
        );
        assert_eq!(text, expected);
        assert!(!error.to_string().contains('\n'));
        assert!(format!("{error:#?}").contains("func_name: Some("));
    }
}

/// Instances call each other, with and without tail calls; the last one traps.
#[test]
fn the_chain_goes_through_instances() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    for (name, text) in [
        (
            "last",
            r#"(module (func $trap unreachable)
                (func $last (export "f") (param i32 i32) (call $trap)))"#,
        ),
        (
            "tail",
            r#"(module (import "last" "f" (func $f (param i32 i32)))
                (func $jump (param i64) (return_call $f (i32.const 1) (i32.const 2)))
                (func $tail (export "f") (param i64) (return_call $jump (local.get 0))))"#,
        ),
        (
            "middle",
            r#"(module (import "tail" "f" (func $f (param i64)))
                (table 1 funcref) (elem (i32.const 0) func $f) (type $t (func (param i64)))
                (func $inner (param i64) (call_indirect (type $t) (local.get 0) (i32.const 0)))
                (func $middle (export "f") (result i32) (call $inner (i64.const 7)) (i32.const 1)))"#,
        ),
        (
            "first",
            r#"(module (import "middle" "f" (func $f (result i32)))
                (func $first (export "f") (drop (call $f))))"#,
        ),
    ] {
        let instance = linker
            .instantiate_and_start(&mut store, &module(&engine, text))
            .unwrap();
        linker.instance(&mut store, name, instance).unwrap();
        if name == "first" {
            for _ in 0..2 {
                let error = fail(&mut store, instance, "f");
                // The functions that made tail calls are gone.
                let expected = ["trap", "last", "inner", "middle", "first"];
                assert_eq!(active(&error), expected);
            }
        }
    }
}

/// `outer` calls the host, which calls `inner`, which calls what it is given.
const NESTED: &str = r#"(module
    (import "host" "call" (func $host (param i32) (result i32)))
    (func $inner (export "inner") (param i32) (result i32)
        (if (result i32) (local.get 0)
            (then (call $host (i32.sub (local.get 0) (i32.const 1))))
            (else unreachable)))
    (func $deeper (param i32) (result i32) (i32.add (i32.const 1) (call $host (local.get 0))))
    (func $tail (export "tail") (param i32) (result i32) (return_call $host (local.get 0)))
    (func $through (export "through") (param i32) (result i32)
        (i32.add (i32.const 1) (call $tail (local.get 0))))
    (func $fine (export "fine") (param i32) (result i32) (local.get 0))
    (func $outer (export "outer") (param i32) (result i32) (call $deeper (local.get 0))))"#;

/// An instance of [`NESTED`] whose host function is `host`.
fn nested(
    config: &Config,
    host: impl Fn(Caller<'_, ()>, i32) -> Result<i32, Error> + Send + Sync + 'static,
) -> (Store<()>, Instance) {
    let engine = Engine::new(config);
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "call", host).unwrap();
    let instance = linker
        .instantiate_and_start(&mut store, &module(&engine, NESTED))
        .unwrap();
    (store, instance)
}

fn export(caller: &Caller<'_, ()>, name: &str) -> Func {
    let export = caller.get_export(name).expect("an export");
    export.into_func().expect("a function")
}

fn call_inner(mut caller: Caller<'_, ()>, depth: i32) -> Result<i32, Error> {
    // Calls that succeed leave no trace, nor do failures that the host deals with.
    let fine = export(&caller, "fine").typed::<i32, i32>(&caller)?;
    assert_eq!(fine.call(&mut caller, 3)?, 3);
    let inner = export(&caller, "inner").typed::<i32, i32>(&caller)?;
    if depth > 0 {
        assert!(inner.call(&mut caller, 0).is_err());
    }
    inner.call(&mut caller, depth)
}

#[test]
fn the_chain_goes_through_host_functions() {
    for mode in MODES {
        let mut config = Config::default();
        config.compilation_mode(mode);
        let (mut store, instance) = nested(&config, call_inner);
        let mut call = |name: &str, depth| {
            let func = instance.get_typed_func::<i32, i32>(&store, name).unwrap();
            func.call(&mut store, depth).unwrap_err()
        };
        assert_eq!(active(&call("outer", 0)), ["inner", "deeper", "outer"]);
        let expected = ["inner", "inner", "inner", "deeper", "outer"];
        assert_eq!(active(&call("outer", 2)), expected);
        // The frame of a function that made a tail call to the host is gone.
        assert_eq!(active(&call("through", 1)), ["inner", "inner", "through"]);
        assert_eq!(active(&call("tail", 0)), ["inner"]);
    }
}

#[test]
fn an_error_of_the_host_shows_who_called_it() {
    let (mut store, instance) = nested(&Config::default(), |_, _| Err(Error::new("no")));
    for (name, expected) in [
        ("outer", &["deeper", "outer"][..]),
        ("through", &["through"]),
        ("tail", &[]),
    ] {
        let func = instance.get_typed_func::<i32, i32>(&store, name).unwrap();
        let error = func.call(&mut store, 0).unwrap_err();
        assert_eq!(error.to_string(), "no");
        let found = error.wasm_backtrace().map(names).unwrap_or_default();
        assert_eq!(found, expected);
    }
}

/// A call that can be resumed tells the same as one that cannot.
#[test]
fn a_suspended_call_shows_who_called_the_host() {
    for mode in MODES {
        let mut config = Config::default();
        config.compilation_mode(mode);
        let refuse = |_: Caller<'_, ()>, _| Err(Error::new("no"));
        let (mut store, instance) = nested(&config, refuse);
        for (name, expected) in [
            ("outer", &["deeper", "outer"][..]),
            ("through", &["through"]),
            ("tail", &[]),
        ] {
            let func = instance.get_typed_func::<i32, i32>(&store, name).unwrap();
            let plain = func.call(&mut store, 0).unwrap_err();
            let call = func.call_resumable(&mut store, 0).unwrap();
            let TypedResumableCall::HostTrap(call) = call else {
                panic!("{call:?}")
            };
            assert_eq!(names(&call.wasm_backtrace(&store).unwrap()), expected);
            let other = Store::new(store.engine(), ());
            call.wasm_backtrace(&other).expect_err("another store");
            assert_eq!(format!("{:?}", call.host_error()), format!("{plain:?}"));
            let error = call.into_host_error();
            let found = error.wasm_backtrace().map(names).unwrap_or_default();
            assert_eq!(found, expected, "{name}");
        }
    }
}

#[test]
fn a_suspended_call_shows_the_frames_below_its_host_function() {
    let (mut store, instance) = nested(&Config::default(), |mut caller, depth| {
        if depth == 0 {
            return Err(Error::new("no"));
        }
        // What this ends with passes through.
        let inner = export(&caller, "inner").typed::<i32, i32>(&caller)?;
        inner.call(&mut caller, depth)
    });
    let outer = instance
        .get_typed_func::<i32, i32>(&store, "outer")
        .unwrap();
    let call = outer.call_resumable(&mut store, 1).unwrap();
    let TypedResumableCall::HostTrap(call) = call else {
        panic!("{call:?}")
    };
    // The error is from the inner call, what waits is the outer one.
    assert_eq!(active(call.host_error()), ["inner", "deeper", "outer"]);
    let waiting = call.wasm_backtrace(&store).unwrap();
    assert_eq!(names(&waiting), ["deeper", "outer"]);
    let call = call.resume(&mut store, &[Val::I32(8)]).unwrap();
    assert!(matches!(call, TypedResumableCall::Finished(9)));
}

#[test]
fn the_switch_is_for_suspended_calls_too() {
    let mut config = Config::default();
    config.wasm_backtrace(false);
    let (mut store, instance) = nested(&config, |_, _| Err(Error::new("no")));
    let outer = instance
        .get_typed_func::<i32, i32>(&store, "outer")
        .unwrap();
    let call = outer.call_resumable(&mut store, 1).unwrap();
    let TypedResumableCall::HostTrap(call) = call else {
        panic!("{call:?}")
    };
    assert!(call.host_error().wasm_backtrace().is_none());
    // Who asks for it gets it.
    let waiting = call.wasm_backtrace(&store).unwrap();
    assert_eq!(names(&waiting), ["deeper", "outer"]);
}

#[test]
fn a_host_function_can_ask_who_calls_it() {
    for enabled in [true, false] {
        let mut config = Config::default();
        config.wasm_backtrace(enabled);
        let (mut store, instance) = nested(&config, move |mut caller, depth| {
            let expected = if depth == 1 {
                &["deeper", "outer"][..]
            } else {
                &["inner", "deeper", "outer"]
            };
            let all = WasmBacktrace::force_capture(&caller);
            assert_eq!(names(&all), expected);
            let captured = WasmBacktrace::capture(&caller);
            assert_eq!(names(&captured), if enabled { expected } else { &[] });
            if depth == 0 {
                return Ok(5);
            }
            let inner = export(&caller, "inner").typed::<i32, i32>(&caller)?;
            inner.call(&mut caller, depth)
        });
        let outer = instance
            .get_typed_func::<i32, i32>(&store, "outer")
            .unwrap();
        assert_eq!(outer.call(&mut store, 1).unwrap(), 6);
        assert!(WasmBacktrace::force_capture(&store).frames().is_empty());
    }
}

#[test]
fn there_is_a_limit_and_a_switch() {
    let text = r#"(module (func $f (export "f") (param i32)
        (if (local.get 0) (then (call $f (i32.sub (local.get 0) (i32.const 1)))) (else unreachable))))"#;
    for (frames, depth, found, truncated) in [
        (None, 3, 0, false),
        (NonZeroUsize::new(4), 3, 4, false),
        (NonZeroUsize::new(4), 4, 4, true),
        (NonZeroUsize::new(1), 900, 1, true),
        (NonZeroUsize::MAX.into(), 900, 901, false),
    ] {
        let mut config = Config::default();
        config.wasm_backtrace_max_frames(frames);
        let engine = Engine::new(&config);
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module(&engine, text), &[]).unwrap();
        let f = instance.get_typed_func::<i32, ()>(&store, "f").unwrap();
        let error = f.call(&mut store, depth).unwrap_err();
        let backtrace = error.wasm_backtrace();
        assert_eq!(backtrace.map_or(0, |b| b.frames().len()), found);
        assert_eq!(
            backtrace.is_some_and(WasmBacktrace::is_truncated),
            truncated
        );
        let text = format!("{error:?}");
        assert_eq!(text.contains("further callers"), truncated, "{text}");
    }
}

#[test]
fn endless_recursion_and_bulk_operations_have_backtraces() {
    let (mut store, instance) = instance_of(
        r#"(module (memory 1)
            (func $r (export "recursion") (call $r))
            (func $fill (memory.fill (i32.const 65535) (i32.const 0) (i32.const 2)))
            (func $bulk (export "bulk") (call $fill)))"#,
    );
    let error = fail(&mut store, instance, "recursion");
    assert_eq!(active(&error), ["r"; 20]);
    let error = fail(&mut store, instance, "bulk");
    assert_eq!(active(&error), ["fill", "bulk"]);
}

#[test]
fn a_function_that_cannot_be_compiled_shows_who_called_it() {
    let engine = engine_in(CompilationMode::Lazy);
    let text = r#"(module (func $invalid (result i32) (i64.const 0))
        (func $caller (export "f") (drop (call $invalid))))"#;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module(&engine, text), &[]).unwrap();
    assert_eq!(active(&fail(&mut store, instance, "f")), ["caller"]);
}

#[test]
fn a_start_function_has_a_backtrace_and_an_instantiation_has_none() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let start = module(&engine, "(module (func $s unreachable) (start $s))");
    let error = Instance::new(&mut store, &start, &[]).unwrap_err();
    assert_eq!(active(&error), ["s"]);
    let segment = module(&engine, r#"(module (memory 0) (data (i32.const 0) "x"))"#);
    let error = Instance::new(&mut store, &segment, &[]).unwrap_err();
    assert!(error.as_trap_code().is_some() && error.wasm_backtrace().is_none());
}

/// Code that one thread makes is found by another one that traps in it.
#[test]
fn threads_share_lazily_made_code() {
    let engine = engine_in(CompilationMode::Lazy);
    let funcs: String = (0..200)
        .map(|n| format!("(func $f{n} (export \"f{n}\") (call $g{n})) (func $g{n} unreachable)"))
        .collect();
    let module = module(&engine, &format!("(module {funcs})"));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut store = Store::new(&engine, ());
                let instance = Instance::new(&mut store, &module, &[]).unwrap();
                for n in 0..200 {
                    let error = fail(&mut store, instance, &format!("f{n}"));
                    assert_eq!(active(&error), [format!("g{n}"), format!("f{n}")]);
                }
            });
        }
    });
}

/// A module's names are its own business, but a backtrace is printed on terminals.
#[test]
fn names_cannot_act_on_a_terminal() {
    let text = r#"(module $"m\1b[2J" (func $"f\r\n\1b]0;x\07\e2\80\ae" (export "f") unreachable))"#;
    let (mut store, instance) = instance_of(text);
    let error = fail(&mut store, instance, "f");
    let backtrace = error.wasm_backtrace().expect("a backtrace");
    assert_eq!(active(&error), ["f\r\n\u{1b}]0;x\u{7}\u{202e}"]);
    let shown = backtrace.to_string();
    let name = r"m\u{1b}[2J!f\r\n\u{1b}]0;x\u{7}\u{202e}";
    assert!(shown.ends_with(name), "{shown:?}");
}

#[cfg(feature = "demangle")]
#[test]
fn names_are_written_as_in_the_source() {
    let (mut store, instance) = instance_of(
        r#"(module
            (func $_ZN4core6option4Some17h0123456789abcdefE unreachable)
            (func $_ZN3foo3barEi (call $_ZN4core6option4Some17h0123456789abcdefE))
            (func $_Zebra (export "f") (call $_ZN3foo3barEi)))"#,
    );
    let text = format!("{:?}", fail(&mut store, instance, "f"));
    for name in [" core::option::Some\n", " foo::bar(int)\n", " _Zebra"] {
        assert!(text.contains(name), "{name}: {text}");
    }
}

/// The module has DWARF by clang, whose lines are in `dwarf/inline.c`.
#[cfg(feature = "addr2line")]
#[test]
fn dwarf_gives_files_and_lines() {
    let (mut store, instance) = {
        let engine = Engine::default();
        let module = Module::new(&engine, include_bytes!("dwarf/inline.wasm")).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        (store, instance)
    };
    let outer = instance
        .get_typed_func::<i32, i32>(&store, "outer")
        .unwrap();
    assert_eq!(outer.call(&mut store, 2).unwrap(), 26);
    let error = outer.call(&mut store, 1).unwrap_err();
    let backtrace = error.wasm_backtrace().expect("a backtrace");
    let places: Vec<Vec<_>> = backtrace
        .frames()
        .iter()
        .map(|frame| {
            let symbols = frame.symbols();
            let place = |s: &damson::FrameSymbol| (s.name().unwrap().to_owned(), s.line().unwrap());
            symbols.iter().map(place).collect()
        })
        .collect();
    let place = |name: &str, line| (name.to_owned(), line);
    assert_eq!(
        places,
        [
            vec![place("checked", 7), place("quarter", 12)],
            vec![place("outer", 17)]
        ]
    );
    let text = error.wasm_backtrace().unwrap().to_string();
    for line in [
        "\n                 checked (inlined) at /source/inline.c:7:5\n",
        "\n                 at /source/inline.c:12:14\n",
        "\n                 at /source/inline.c:17:16",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

/// Debug information may be wrong in every way: places are unknown then, nothing else.
#[cfg(feature = "addr2line")]
#[test]
fn broken_dwarf_is_no_error() {
    let binary = include_bytes!("dwarf/inline.wasm");
    let start = binary
        .windows(11)
        .position(|bytes| bytes == b".debug_info")
        .unwrap();
    let engine = Engine::default();
    let mut seed = 1_u32;
    for round in 0..300 {
        let mut broken = binary.to_vec();
        for _ in 0..=round % 8 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = start + 11 + seed as usize % (broken.len() - start - 11);
            broken[at] = broken[at].wrapping_add((seed >> 24) as u8);
        }
        // Headers of sections may be hit, too.
        let Ok(module) = Module::new(&engine, &broken) else {
            continue;
        };
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let outer = instance
            .get_typed_func::<i32, i32>(&store, "outer")
            .unwrap();
        let error = outer.call(&mut store, 1).unwrap_err();
        assert_eq!(error.wasm_backtrace().unwrap().frames().len(), 2);
        assert!(!format!("{error:?}").is_empty());
    }
}
