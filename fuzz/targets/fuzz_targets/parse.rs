//! See `damson_targets::parse`.
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: damson_targets::set_panic_hook(),
    |bytes: &[u8]| damson_targets::parse(bytes)
);
