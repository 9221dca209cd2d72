//! The long run of the bad-input test.
//!
//! The test itself lives with the crate that must withstand the input
//! (`crates/api`, integration test `bad_input`); this task only asks it for more
//! modules and another seed than the bounded run of `cargo xtask ci` uses.

use clap::Args;

use crate::invocation::Invocation;
use crate::release::PACKAGES;

/// Feed many damaged and random modules to the release build
///
/// Runs the bad-input test of the crate `damson` with the given number of
/// modules and seed. The same seed gives the same modules.
#[derive(Args)]
pub(crate) struct BadInputArgs {
    /// How many modules to generate
    #[arg(long, default_value_t = 2_000_000)]
    modules: u64,
    /// The seed of the generator
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the task.
///
/// # Errors
///
/// When the test fails.
pub(crate) fn run(args: &BadInputArgs) -> anyhow::Result<()> {
    let invocation = bounded()
        .env("DAMSON_BAD_INPUT_MODULES", args.modules.to_string())
        .env("DAMSON_BAD_INPUT_SEED", args.seed.to_string());
    println!("{invocation}");
    invocation.run()
}

/// The bounded form of the test, as a step of `ci`.
pub(crate) fn bounded() -> Invocation {
    Invocation::cargo(&format!(
        "test --release --locked {PACKAGES} --test it bad_input -- --nocapture"
    ))
}
