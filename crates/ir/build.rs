//! Chooses the size of the instruction set: emits `cfg(damson_compact)` for a compact one.
//! `src/tiles.rs` says what that is, and `IS_COMPACT` which one it became.

use std::env;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(damson_compact)");
    println!("cargo::rerun-if-changed=build.rs");
    let asked = env::var_os("CARGO_FEATURE_COMPACT").is_some();
    // Speed is no subject there, and the time and memory of the compiler are.
    let unoptimized = env::var("OPT_LEVEL").is_ok_and(|level| level == "0");
    if asked || unoptimized {
        println!("cargo::rustc-cfg=damson_compact");
    }
}
