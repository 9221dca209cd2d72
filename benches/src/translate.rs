//! Eager translation, side by side: bytes to code that is ready to run, on one core.
//!
//! Two loads: all programs of the set, which are small, one after the other; and one
//! large module, if there is a file, for which `cargo xtask bench --translate` fetches
//! CPython 3.12 as it is published for WASI: 26 MB.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use sha2::{Digest, Sha256};

use crate::engine::damson::Damson;
use crate::engine::{Engine, PEERS};
use crate::rounds::{cpu_time, decimal, milliseconds};
use crate::set;
use crate::stats::{median, minimum};

/// Time eager translation
#[derive(Args)]
pub(crate) struct TranslateArgs {
    /// How often each engine translates
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// A large module
    #[arg(long, value_name = "FILE")]
    large: Option<PathBuf>,
    /// What SHA-256 the large module must have, in hexadecimal
    #[arg(long, value_name = "DIGITS", requires = "large")]
    sha256: Option<String>,
}

/// Runs the command.
///
/// # Errors
///
/// When a file is not what it should be, or an engine does not take a module.
pub(crate) fn run(args: &TranslateArgs) -> anyhow::Result<()> {
    let mut loads = vec![("the set", Vec::new())];
    for workload in set::SET {
        loads[0].1.push(workload.wasm()?);
    }
    if let Some(path) = &args.large {
        let bytes = fs::read(path).with_context(|| format!("{}", path.display()))?;
        if let Some(expected) = &args.sha256 {
            let found: String = Sha256::digest(&bytes)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            anyhow::ensure!(
                found == *expected,
                "{}: expected the SHA-256 {expected}, found {found}",
                path.display()
            );
        }
        loads.push(("the large module", vec![bytes]));
    }
    let engines: Vec<&dyn Engine> = std::iter::once::<&dyn Engine>(&Damson)
        .chain(PEERS.iter().copied())
        .collect();
    println!(
        "{:18}{:>8}{:>12}{:>12}{:>8}{:>8}",
        "least ms; ratios", "MB", "engine", "time", "min", "med"
    );
    for (name, modules) in &loads {
        let seconds = measure(&engines, modules, args.rounds)?;
        let megabytes = modules.iter().map(Vec::len).sum::<usize>() as f64 / 1e6;
        let least = |engine: usize| minimum(seconds[engine].iter().copied());
        for (at, engine) in engines.iter().enumerate() {
            let ratio = least(0).zip(least(at)).map(|(own, peer)| own / peer);
            let pairs = seconds[0].iter().zip(&seconds[at]);
            println!(
                "{name:18}{megabytes:8.2}{:>12}{:>12}{:>8}{:>8}",
                engine.name(),
                milliseconds(least(at)),
                decimal(ratio),
                decimal(median(pairs.map(|(own, peer)| own / peer)))
            );
        }
    }
    Ok(())
}

/// Seconds by engine and round; none for an engine that does not take all modules.
fn measure(
    engines: &[&dyn Engine],
    modules: &[Vec<u8>],
    rounds: u32,
) -> anyhow::Result<Vec<Vec<f64>>> {
    let mut seconds = vec![Vec::new(); engines.len()];
    let mut refused = vec![false; engines.len()];
    for _ in 0..rounds.max(1) {
        for (at, engine) in engines.iter().enumerate() {
            if refused[at] {
                continue;
            }
            let start = cpu_time();
            let result = modules.iter().try_for_each(|wasm| engine.translate(wasm));
            let took = (cpu_time() - start).as_secs_f64();
            match result {
                Ok(()) => seconds[at].push(took),
                Err(error) if at == 0 => return Err(error),
                Err(error) => {
                    eprintln!("{} does not translate all: {error:#}", engine.name());
                    refused[at] = true;
                }
            }
        }
    }
    Ok(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_digest_is_refused() {
        let args = TranslateArgs {
            rounds: 1,
            large: Some(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").into()),
            sha256: Some("00".to_owned()),
        };
        let message = format!("{:#}", run(&args).unwrap_err());
        assert!(message.contains("expected the SHA-256 00"), "{message}");
    }

    #[test]
    fn translating_takes_time_and_errors_are_errors() {
        let wasm = set::find("fib").unwrap().wasm().unwrap();
        let seconds = measure(&[&Damson], &[wasm], 2).unwrap();
        assert!(seconds[0].iter().all(|seconds| *seconds > 0.0));
        assert!(measure(&[&Damson], &[b"no module".to_vec()], 1).is_err());
    }
}
