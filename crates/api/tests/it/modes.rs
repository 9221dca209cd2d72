//! When functions are validated and translated.

use damson::errors::{ErrorKind, WasmError};
use damson::{Bytes, CompilationMode, Config, Engine, Linker, Module, Store};

use crate::{MODES, engine_in};

/// A module whose second function has a body of the wrong type.
fn half_invalid() -> Vec<u8> {
    wat::parse_str(
        r#"(module
            (func (export "good") (result i32) (i32.const 1))
            (func (export "bad") (result i32) (i64.const 1)))"#,
    )
    .expect("the text format does not validate")
}

#[test]
fn an_invalid_function_is_found_when_the_mode_says() {
    let wasm = half_invalid();
    for mode in [CompilationMode::Eager, CompilationMode::LazyTranslation] {
        let error = Module::new(&engine_in(mode), &wasm).expect_err("invalid");
        assert!(
            matches!(error.kind(), ErrorKind::Wasm(WasmError::Invalid { .. })),
            "{error}"
        );
    }
    let engine = engine_in(CompilationMode::Lazy);
    let module = Module::new(&engine, &wasm).expect("nobody called it yet");
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine)
        .instantiate_and_start(&mut store, &module)
        .expect("it fits");
    let good = instance
        .get_typed_func::<(), i32>(&store, "good")
        .expect("its type");
    let bad = instance
        .get_typed_func::<(), i32>(&store, "bad")
        .expect("its type");
    for _ in 0..2 {
        let error = bad.call(&mut store, ()).expect_err("invalid");
        assert!(
            matches!(error.kind(), ErrorKind::Wasm(WasmError::Invalid { .. })),
            "{error}"
        );
        assert!(error.to_string().contains("type mismatch"), "{error}");
        assert_eq!(good.call(&mut store, ()).expect("it runs"), 1);
    }
    assert!(
        Module::validate(&engine, &wasm).is_err(),
        "validation is never lazy"
    );
}

#[test]
fn lazily_compiled_functions_need_the_module_no_more() {
    for mode in MODES {
        let engine = engine_in(mode);
        let mut store = Store::new(&engine, ());
        let instance = {
            let module = crate::module(
                &engine,
                r#"(module (func $g (result i32) (i32.const 6))
                    (func (export "f") (result i32) (i32.mul (call $g) (call $g))))"#,
            );
            Linker::new(&engine)
                .instantiate_and_start(&mut store, &module)
                .expect("it fits")
        };
        drop(engine);
        let f = instance
            .get_typed_func::<(), i32>(&store, "f")
            .expect("its type");
        assert_eq!(f.call(&mut store, ()).expect("it runs"), 36);
    }
}

#[test]
fn threads_share_a_lazily_compiled_module() {
    let engine = engine_in(CompilationMode::Lazy);
    let funcs: String = (0..200)
        .map(|i| {
            let next = if i == 199 {
                "(local.get 0)".to_owned()
            } else {
                format!("(call {} (local.get 0))", i + 1)
            };
            format!("(func (param i64) (result i64) (i64.add {next} (i64.const {i})))")
        })
        .collect();
    let module = crate::module(
        &engine,
        &format!(r#"(module {funcs} (export "f" (func 0)))"#),
    );
    std::thread::scope(|scope| {
        for n in 0..4 {
            let (engine, module) = (&engine, &module);
            scope.spawn(move || {
                let mut store = Store::new(engine, ());
                let instance = Linker::new(engine)
                    .instantiate_and_start(&mut store, module)
                    .expect("it fits");
                let f = instance
                    .get_typed_func::<i64, i64>(&store, "f")
                    .expect("its type");
                assert_eq!(f.call(&mut store, n).expect("it runs"), n + 199 * 200 / 2);
            });
        }
    });
}

#[test]
fn proposals_can_be_switched_off() {
    type Setter = fn(&mut Config, bool) -> &mut Config;
    let modules: [(&str, Setter); 9] = [
        (
            "(module (global (mut i32) (i32.const 0)) (export \"g\" (global 0)))",
            Config::wasm_mutable_global,
        ),
        (
            "(module (func (drop (i32.extend8_s (i32.const 1)))))",
            Config::wasm_sign_extension,
        ),
        (
            "(module (func (drop (i32.trunc_sat_f32_s (f32.const 1)))))",
            Config::wasm_saturating_float_to_int,
        ),
        (
            "(module (func (result i32 i32) (i32.const 1) (i32.const 2)))",
            Config::wasm_multi_value,
        ),
        ("(module (memory 1) (memory 1))", Config::wasm_multi_memory),
        (
            "(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))",
            Config::wasm_bulk_memory,
        ),
        (
            "(module (func (param externref)))",
            Config::wasm_reference_types,
        ),
        (
            "(module (func $f (return_call $f)))",
            Config::wasm_tail_call,
        ),
        (
            "(module (global i32 (i32.add (i32.const 1) (i32.const 2))))",
            Config::wasm_extended_const,
        ),
    ];
    for (wat, setter) in modules {
        let wasm = wat::parse_str(wat).expect("a module");
        Module::new(&Engine::default(), &wasm).expect("on by default");
        let mut config = Config::default();
        // Reference types are built on bulk memory and cannot be had without.
        config.wasm_reference_types(false);
        setter(&mut config, true);
        Module::new(&Engine::new(&config), &wasm).expect("switched on");
        setter(&mut config, false);
        let error = Module::new(&Engine::new(&config), &wasm).expect_err("switched off");
        assert!(
            matches!(error.kind(), ErrorKind::Wasm(WasmError::Unsupported { .. })),
            "{wat}: {error}"
        );
    }
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    let wasm = wat::parse_str("(module (func (drop (v128.const i32x4 0 0 0 0))))").expect("text");
    let error = Module::new(&Engine::default(), wasm).expect_err("not supported");
    assert!(error.to_string().contains("simd"), "{error}");
}

#[test]
#[cfg(feature = "wat")]
fn text_is_accepted_and_its_errors_are_its_own() {
    let engine = Engine::default();
    for text in [
        "(module)",
        "  ;; a comment\n(module)",
        "(memory 1)",
        "(; block ;) (module)",
    ] {
        Module::new(&engine, text).expect(text);
    }
    let error = Module::new(&engine, "(module (func (bogus)))").expect_err("no such thing");
    assert!(matches!(error.kind(), ErrorKind::Wat(_)), "{error}");
    for bytes in [&b""[..], b"\0as", b"\0asm", b"wasm", b"\0asm\x0d\0\x01\0"] {
        let error = Module::new(&engine, bytes).expect_err("no module");
        assert!(
            matches!(error.kind(), ErrorKind::Wasm(_)),
            "{bytes:?}: {error}"
        );
    }
}

#[test]
fn bytecode_can_be_printed_in_every_mode() {
    for mode in MODES {
        let engine = engine_in(mode);
        let module = crate::module(
            &engine,
            r#"(module (import "a" "b" (func))
                (func $named (param i32) (result i32) (i32.add (local.get 0) (i32.const 77))))"#,
        );
        assert_eq!(module.defined_funcs(), 1..2);
        assert_eq!(module.func_name(1), Some("named"));
        let text = module.disassemble(1).expect("defined").to_string();
        assert!(text.contains("i32.add") && text.contains("77"), "{text}");
        for index in [0, 2, u32::MAX] {
            let error = module.disassemble(index).expect_err("not defined");
            assert!(error.to_string().contains(&index.to_string()), "{error}");
        }
    }
}

#[test]
fn custom_sections_are_kept() {
    let engine = Engine::default();
    let module = crate::module(
        &engine,
        r#"(module (@custom "first" "\01\02") (@custom "second" ""))"#,
    );
    let sections: Vec<_> = module
        .custom_sections()
        .map(|s| (s.name(), s.data()))
        .collect();
    assert_eq!(sections, [("first", &[1, 2][..]), ("second", &[][..])]);
}

#[test]
fn functions_can_be_translated_before_their_first_call() {
    for mode in MODES {
        let module = Module::new(
            &engine_in(mode),
            wat::parse_str(
                r#"(module (import "a" "b" (func)) (func (result i32) (i32.const 1))
                    (func (param i32) (result i32) (i32.clz (local.get 0))))"#,
            )
            .unwrap(),
        )
        .unwrap();
        let eager = mode == CompilationMode::Eager;
        for func in [1, 2] {
            assert_eq!(module.bytecode_size(func).is_some(), eager);
            for _ in 0..2 {
                module.precompile(func).unwrap();
            }
            let listing = module.disassemble(func).unwrap();
            let last = listing.instructions().last().unwrap();
            let size = module.bytecode_size(func).unwrap();
            assert!(
                size > last.cell * 8 && size.is_multiple_of(8),
                "{size} {last:?}"
            );
        }
        for none in [0, 3] {
            assert!(module.precompile(none).is_err());
            assert_eq!(module.bytecode_size(none), None);
        }
    }
    let module = Module::new(&engine_in(CompilationMode::Lazy), half_invalid()).unwrap();
    module.precompile(0).unwrap();
    let error = module.precompile(1).unwrap_err();
    assert!(error.to_string().contains("type mismatch"), "{error}");
}

/// The bytes go with the module, whoever else has them, and text is taken as by `new`.
#[test]
fn modules_of_owned_bytes_are_as_others() {
    let text = r#"(module (memory 1) (data (i32.const 8) "\2a")
        (func (export "f") (result i32) (i32.load8_u (i32.const 8))))"#;
    let binary = wat::parse_str(text).expect("a module");
    for mode in MODES {
        let engine = engine_in(mode);
        let run = |module: &Module| {
            let mut store = Store::new(&engine, ());
            let instance = <Linker<()>>::new(&engine).instantiate_and_start(&mut store, module);
            let instance = instance.expect("it fits");
            let func = instance.get_typed_func::<(), i32>(&store, "f");
            func.expect("its type")
                .call(&mut store, ())
                .expect("it runs")
        };
        let shared = Bytes::from(binary.clone());
        let module = Module::from_bytes(&engine, shared.clone()).expect("valid");
        assert!(!shared.is_unique(), "shared with the module");
        assert_eq!(run(&module), 42);
        drop(module);
        assert!(shared.is_unique(), "the module has let go of it");
        assert_eq!(
            run(&Module::from_bytes(&engine, binary.clone()).expect("valid")),
            42
        );
        let from_text = Module::from_bytes(&engine, text.to_owned());
        #[cfg(feature = "wat")]
        assert_eq!(run(&from_text.expect("valid")), 42);
        #[cfg(not(feature = "wat"))]
        assert!(from_text.is_err());
        let cut = Module::from_bytes(&engine, binary[..20].to_vec());
        assert!(matches!(
            cut.expect_err("cut off").kind(),
            ErrorKind::Wasm(_)
        ));
    }
}
