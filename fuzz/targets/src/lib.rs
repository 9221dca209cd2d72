//! What libFuzzer calls: one function for each way in which bytes reach Damson.
//!
//! A function panics when something that must hold does not. The programs in
//! `fuzz_targets/` hand libFuzzer's bytes to them; here they are ordinary
//! functions, so that their tests run on stable, with bytes made from seeds, and
//! [`smoke`] can drive them without libFuzzer.

pub mod api;
mod modules;
pub mod smoke;
mod verifier;

// Random bytecode is made and run by what the executor's own tests use, so that
// one place knows what the instructions want.
#[path = "../../../crates/executor/tests/it/generator.rs"]
mod generator;
#[allow(dead_code, reason = "most of it serves the executor's tests only")]
#[path = "../../../crates/executor/tests/it/support.rs"]
mod support;
#[path = "../../../crates/executor/tests/it/world.rs"]
mod world;

use std::cell::Cell;
use std::sync::Once;

pub use self::api::api;
pub use self::modules::{differential, execute, parse, translate};
pub use self::verifier::{digest, verifier, verifier_seed};

/// A target: it panics when something does not hold.
pub type Target = fn(&[u8]);

/// All of them, by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("parse", parse),
    ("translate", translate),
    ("execute", execute),
    ("differential", differential),
    ("verifier", verifier),
    ("api", api),
];

thread_local! {
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Lets panics that are caught be caught, as some are documented, and others are
/// those of other engines. libFuzzer's own hook would end the process.
pub fn set_panic_hook() {
    drop(std::panic::take_hook());
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !EXPECTED.get() {
            report(info);
        }
    }));
}

/// Runs what may panic, without a report of it.
pub(crate) fn expecting_panics<R>(run: impl FnOnce() -> R) -> R {
    static HOOK: Once = Once::new();
    HOOK.call_once(set_panic_hook);
    EXPECTED.set(true);
    let result = run();
    EXPECTED.set(false);
    result
}
