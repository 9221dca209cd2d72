//! See `damson_targets::parse`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| damson_targets::parse(bytes));
