//! See `damson_targets::execute`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| damson_targets::execute(bytes));
