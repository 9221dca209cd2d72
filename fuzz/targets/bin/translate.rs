//! See `damson_targets::translate`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| damson_targets::translate(bytes));
