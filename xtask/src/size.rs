//! `cargo xtask size`: how large the interpreter is where size matters.
//!
//! Builds `examples/no-std`, a program without the standard library, optimised for size,
//! runs it, looks for the standard library in it and prints its sections.

use std::fs;

use anyhow::{Context, ensure};
use object::{Object, ObjectSection, ObjectSymbol, SectionKind};

use crate::invocation::{Invocation, workspace_root};

/// The folder of the program.
const PROGRAM: &str = "examples/no-std";

/// Print the size of a small interpreter
#[derive(clap::Args)]
pub(crate) struct SizeArgs {
    /// With the common instructions only, which takes a fraction of the time to build
    #[arg(long)]
    compact: bool,
}

/// Builds and runs the program, checks that nothing of `std` is in it, prints its size.
///
/// # Errors
///
/// When the program cannot be built, fails, or contains the standard library.
pub(crate) fn run(args: &SizeArgs) -> anyhow::Result<()> {
    let target = workspace_root().join("target/no-std");
    let manifest = format!("{PROGRAM}/Cargo.toml");
    let features = if args.compact {
        "--features compact"
    } else {
        ""
    };
    Invocation::cargo(&format!(
        "run --release --locked --manifest-path {manifest} {features}"
    ))
    .env("CARGO_TARGET_DIR", target.to_string_lossy())
    .run()?;
    let path = target.join("release/no-std");
    let bytes = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
    let file = object::File::parse(&*bytes)?;
    let std: Vec<String> = file
        .symbols()
        .filter_map(|symbol| symbol.name().ok().map(demangled))
        .filter(|name| name.starts_with("std::") || name.starts_with("<std::"))
        .collect();
    ensure!(std.is_empty(), "the standard library is in it: {std:?}");
    for what in ["code", "constants", "data", "unwinding"] {
        let sections = file.sections().filter(|section| {
            let name = section.name().unwrap_or_default();
            part(name, section.kind()) == Some(what)
        });
        let size: u64 = sections.map(|section| section.size()).sum();
        println!("{what:10} {size:>9} bytes");
    }
    Ok(())
}

/// What a section belongs to. Tables for unwinding are for debuggers: the program aborts.
fn part(name: &str, kind: SectionKind) -> Option<&'static str> {
    Some(match kind {
        _ if name.starts_with(".eh_frame") || name == ".gcc_except_table" => "unwinding",
        SectionKind::Text => "code",
        SectionKind::ReadOnlyData
        | SectionKind::ReadOnlyString
        | SectionKind::ReadOnlyDataWithRel => "constants",
        SectionKind::Data => "data",
        _ => return None,
    })
}

fn demangled(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_told_apart() {
        assert_eq!(part(".text", SectionKind::Text), Some("code"));
        assert_eq!(
            part(".rodata", SectionKind::ReadOnlyString),
            Some("constants")
        );
        assert_eq!(
            part(".eh_frame_hdr", SectionKind::ReadOnlyData),
            Some("unwinding")
        );
        assert_eq!(part(".bss", SectionKind::UninitializedData), None);
    }
}
