//! Drives the targets on a stable toolchain: the smoke run of `cargo xtask ci`.

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use damson_targets::{TARGETS, Target, digest, set_panic_hook, smoke};

/// Run fuzz targets on their seeds, their regressions and mutations of both
#[derive(Parser)]
#[command(max_term_width = 100)]
struct Cli {
    /// The targets; all of them if none is named
    targets: Vec<String>,
    /// How long to run each
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// How often to run each at most; 6,000 times for `differential`, so that a fast machine
    /// meets no more modules about which another engine is wrong than others do
    #[arg(long)]
    executions: Option<u64>,
    /// Run these files instead, once
    #[arg(long, num_args = 1.., value_name = "FILE")]
    replay: Vec<PathBuf>,
    /// Print what tame bytecode computes, for a comparison of builds, and end
    #[arg(long)]
    digest: bool,
    /// Write inputs to begin with, made by the generators, into folders of this one, and
    /// end: `fuzz/seeds`, when the instruction table has changed
    #[arg(long, value_name = "FOLDER")]
    make_seeds: Option<PathBuf>,
    /// Run the one target in this process
    #[arg(long, hide = true)]
    worker: bool,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<bool> {
    if cli.digest {
        println!("digest {:#018x}", digest(400));
        return Ok(true);
    }
    let names: Vec<&str> = match &cli.targets[..] {
        [] => TARGETS.iter().map(|(name, _)| *name).collect(),
        names => names.iter().map(String::as_str).collect(),
    };
    let targets: Vec<(&str, Target)> = names
        .into_iter()
        .map(known)
        .collect::<anyhow::Result<_>>()?;
    if let Some(folder) = &cli.make_seeds {
        smoke::make_seeds(folder, &targets)?;
        return Ok(true);
    }
    if cli.worker || !cli.replay.is_empty() {
        for (name, target) in targets {
            work(cli, name, target)?;
        }
        return Ok(true);
    }
    // All at once: a target has one thread, and whoever waits has more processors.
    let mut children = Vec::new();
    for (name, _) in targets {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([name, "--worker", "--seconds", &cli.seconds.to_string()]);
        if let Some(executions) = cli.executions {
            command.args(["--executions", &executions.to_string()]);
        }
        children.push((name, command.spawn()?));
    }
    let mut passed = true;
    for (name, mut child) in children {
        let status = child.wait()?;
        if !status.success() {
            let input = last_input(name);
            println!("{name}: {status}; its last input is in {}", input.display());
            passed = false;
        }
    }
    Ok(passed)
}

fn known(name: &str) -> anyhow::Result<(&str, Target)> {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    target
        .copied()
        .map(|(_, target)| (name, target))
        .with_context(|| format!("there is no target {name}"))
}

fn work(cli: &Cli, name: &str, target: Target) -> anyhow::Result<()> {
    set_panic_hook();
    if !cli.replay.is_empty() {
        for path in &cli.replay {
            target(&std::fs::read(path).with_context(|| format!("{}", path.display()))?);
        }
        return Ok(());
    }
    let mut stored = smoke::inputs(&smoke::seeds(name))?;
    stored.extend(smoke::inputs(&smoke::regressions(name))?);
    let inputs: Vec<_> = stored.into_iter().map(|(_, bytes)| bytes).collect();
    let last = last_input(name);
    let folder = last.parent().context("a file is in a folder")?;
    std::fs::create_dir_all(folder)?;
    // Where the input is, should the process end here.
    let before = |input: &[u8]| drop(std::fs::write(&last, input));
    let limits = smoke::Limits {
        time: Duration::from_secs(cli.seconds),
        executions: cli.executions.unwrap_or(match name {
            "differential" => 6000,
            _ => u64::MAX,
        }),
    };
    let smoke::Report { stored, executions } = smoke::run(target, &inputs, limits, SEED, before);
    println!("{name}: {executions} executions, {stored} of them stored inputs");
    Ok(())
}

/// Where the mutations begin: at the same place each time, as this is to show what a change
/// broke. wasmi is wrong about one module in a thousand, which fresh ones would meet; looking
/// for those is for runs that somebody judges.
const SEED: u64 = 1;

fn last_input(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../artifacts")
        .join(name)
        .join("smoke-input")
}
