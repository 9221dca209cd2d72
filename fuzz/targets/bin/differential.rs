//! See `damson_targets::differential`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| damson_targets::differential(bytes));
