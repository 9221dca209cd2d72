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
    // LLVM turns a call in tail position into a jump when it optimises and the target's
    // backend supports sibling calls with this signature.
    let jumps = matches!(arch.as_str(), "x86_64" | "aarch64" | "riscv64")
        && matches!(opt_level.as_str(), "2" | "3" | "s" | "z");
    if jumps && !forced_loop {
        println!("cargo::rustc-cfg=damson_tail_dispatch");
    }
}
