//! What the tests share.

use std::fmt::Write as _;

use damson_translator::{Config, Module};

/// Parses a module in text form.
pub(crate) fn module(wat: &str, config: &Config) -> Module {
    let wasm = wat::parse_str(wat).expect("the test's module is well-formed");
    Module::parse(&wasm, config).expect("the test's module is valid")
}

/// Translates every function of a module, verifies it and prints it.
pub(crate) fn disassemble(module: &Module) -> String {
    let mut text = String::new();
    for func_index in module.defined_funcs() {
        let function = module
            .translate(func_index)
            .unwrap_or_else(|error| panic!("function {func_index}: {error}"));
        let name = module
            .func_name(func_index)
            .map(|name| format!(" ${name}"))
            .unwrap_or_default();
        writeln!(text, "func {func_index}{name}\n{function}").unwrap();
        let verified = function
            .verify(module.shape(), func_index)
            .unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(
            verified.is_metered(),
            module.config().consume_fuel,
            "function {func_index}"
        );
    }
    text
}
