//! Chooses the dispatch backend: emits `cfg(damson_tail_dispatch)` where handlers may end in
//! tail calls. `src/dispatch.rs` is the only file that asks for it.

use std::env;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(damson_tail_dispatch)");
    println!("cargo::rerun-if-changed=build.rs");
    let arch = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    let opt_level = env::var("OPT_LEVEL").unwrap_or_default();
    // Counting is done by the loop.
    let forced_loop = ["CARGO_FEATURE_PORTABLE_DISPATCH", "CARGO_FEATURE_COUNT"]
        .iter()
        .any(|feature| env::var_os(feature).is_some());
    // The floats must travel in registers of their own: there are too many integers already.
    let has_float_registers = {
        let features = env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
        let has = |wanted| features.split(',').any(|feature| feature == wanted);
        let target = env::var("TARGET").unwrap_or_default();
        match arch.as_str() {
            "x86_64" => has("sse2"),
            "aarch64" => has("neon"),
            // Whether it has doubles is not told to build scripts.
            "riscv64" => ["riscv64gc", "riscv64a23"]
                .iter()
                .any(|name| target.starts_with(name)),
            _ => false,
        }
    };
    // LLVM turns a call in tail position into a jump when it optimises and the target's
    // backend supports sibling calls with this signature.
    let jumps = has_float_registers && matches!(opt_level.as_str(), "2" | "3" | "s" | "z");
    if jumps && !forced_loop {
        println!("cargo::rustc-cfg=damson_tail_dispatch");
    }
}
