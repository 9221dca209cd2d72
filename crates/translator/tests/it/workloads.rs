//! Real programs: every function of the workloads must pass the verifier.

use std::path::Path;

use damson_translator::{Config, Module};

use crate::support::disassemble;

#[test]
fn every_function_of_the_workloads_is_accepted_by_the_verifier() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workloads");
    let mut functions = 0;
    for entry in std::fs::read_dir(&dir).expect("the workloads are in the repository") {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "wasm") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for consume_fuel in [false, true] {
            let mut config = Config::default();
            config.consume_fuel = consume_fuel;
            let module = Module::parse(&bytes, &config)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let text = disassemble(&module);
            assert!(!text.is_empty(), "{}", path.display());
            functions += module.num_defined();
        }
    }
    assert!(functions > 100, "only {functions} functions were found");
}
