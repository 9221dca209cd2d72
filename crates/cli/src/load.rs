//! Modules from files.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::{Duration, Instant};

use damson::errors::ErrorKind;
use damson::{CompilationMode, Config, Engine, Module};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::failure::Failure;
use crate::options::{Mode, ProposalOptions};

/// How long people wait without being told what for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Reads the file at `path` as a module in binary form. A file counts as text
/// when its first visible character is one that no binary begins with.
pub(crate) fn binary(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = fs::read(path).map_err(|error| about(path, error))?;
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if !matches!(first, Some(b'(' | b';')) {
        return Ok(bytes);
    }
    // Its errors show the line and name the file themselves.
    let text = wat::Parser::new()
        .parse_bytes(Some(path), &bytes)
        .map(|binary| binary.into_owned());
    text.map_err(|error| invalid(path, error))
}

/// Turns proposals on and off.
pub(crate) fn apply(proposals: &ProposalOptions, config: &mut Config) {
    for (proposal, enable) in &proposals.wasm {
        (proposal.set)(config, *enable);
    }
}

/// An engine that translates nothing before it is told to.
pub(crate) fn engine(mut config: Config, mode: Mode) -> Engine {
    // Eager compilation is done one by one, to show how far it is.
    config.compilation_mode(match mode {
        Mode::Eager => CompilationMode::Lazy,
        lazy => lazy.into(),
    });
    Engine::new(&config)
}

/// Makes a module of what [`binary`] has read from `path`, for an [`engine`] in this mode.
pub(crate) fn module(
    engine: &Engine,
    mode: Mode,
    path: &Path,
    binary: &[u8],
) -> Result<Module, Failure> {
    let module = Module::new(engine, binary).map_err(|error| of_module(path, &error))?;
    if mode == Mode::Eager {
        translate(&module).map_err(|error| of_module(path, &error))?;
    }
    Ok(module)
}

/// Translates all functions; on a terminal a bar shows how far it is, if that takes long.
pub(crate) fn translate(module: &Module) -> Result<(), damson::Error> {
    let start = Instant::now();
    let mut patience = io::stderr().is_terminal().then_some(PATIENCE);
    let mut bar: Option<ProgressBar> = None;
    for index in module.defined_funcs() {
        module.precompile(index)?;
        if let Some(bar) = &bar {
            bar.inc(1);
        } else if patience.is_some_and(|patience| start.elapsed() >= patience) {
            patience = None;
            bar = Some(progress(module, index));
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    Ok(())
}

/// A bar that has come to the function `index`.
fn progress(module: &Module, index: u32) -> ProgressBar {
    let funcs = module.defined_funcs();
    let bar = ProgressBar::with_draw_target(
        Some(u64::from(funcs.end - funcs.start)),
        ProgressDrawTarget::stderr(),
    );
    let style = ProgressStyle::with_template("translating [{bar:40}] {pos} of {len} functions");
    if let Ok(style) = style {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_position(u64::from(index + 1 - funcs.start));
    bar
}

/// A failure to make a module.
pub(crate) fn of_module(path: &Path, error: &damson::Error) -> Failure {
    match error.kind() {
        ErrorKind::Wasm(_) => invalid(path, error),
        _ => about(path, error),
    }
}

/// A failure that says which file it is about.
pub(crate) fn about(path: &Path, error: impl std::fmt::Display) -> Failure {
    Failure::other(format!("{}: {error}", path.display()))
}

/// A failure that says which module cannot be used.
pub(crate) fn invalid(path: &Path, error: impl std::fmt::Display) -> Failure {
    Failure::Invalid(format!("{}: {error}", path.display()))
}
