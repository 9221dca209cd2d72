//! Modules from files.
//!
//! A large module is read into pages of two mebibytes where the system has them: thousands
//! of small ones would take as long as the reading itself. The module shares these bytes.
//! Mapping the file would cost less still, but who changed the file would change the module.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use damson::errors::ErrorKind;
use damson::{Bytes, CompilationMode, Config, Engine, Module};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use memmap2::MmapMut;

use crate::failure::Failure;
use crate::options::{Mode, ProposalOptions};
use crate::output::plain;

/// How long a file is when large pages begin to pay.
const LARGE: u64 = 4 << 20;

/// How long people wait without being told what for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Reads the file at `path` as a module in binary form. A file counts as text
/// when its first visible character is one that no binary begins with.
pub(crate) fn binary(path: &Path) -> Result<Bytes, Failure> {
    let bytes = read(path).map_err(|error| about(path, error))?;
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if !matches!(first, Some(b'(' | b';')) {
        return Ok(bytes);
    }
    // Its errors show the line and name the file themselves.
    let text = wat::Parser::new()
        .parse_bytes(Some(path), &bytes)
        .map(|binary| Bytes::from(binary.into_owned()));
    text.map_err(|error| invalid(path, error))
}

/// Reads a whole file.
fn read(path: &Path) -> io::Result<Bytes> {
    let mut file = File::open(path)?;
    // A hint: what is no regular file has none, and others may change.
    let length = file.metadata()?.len();
    if length < LARGE {
        return Ok(fs::read(path)?.into());
    }
    let mut pages = large_pages(length)?;
    let mut filled = 0;
    loop {
        match file.read(&mut pages[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if filled < pages.len() {
        return Ok(Bytes::from_owner(pages).slice(..filled));
    }
    // It has grown.
    let mut all = pages.to_vec();
    file.read_to_end(&mut all)?;
    Ok(all.into())
}

/// Memory for `length` bytes and one more, in large pages where the system has them.
fn large_pages(length: u64) -> io::Result<MmapMut> {
    let length = usize::try_from(length)
        .ok()
        .and_then(|length| length.checked_add(1));
    let pages = MmapMut::map_anon(length.ok_or(io::ErrorKind::FileTooLarge)?)?;
    #[cfg(target_os = "linux")]
    {
        // Advice, which not every system takes.
        let _ = pages.advise(memmap2::Advice::HugePage);
    }
    Ok(pages)
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
    binary: &Bytes,
) -> Result<Module, Failure> {
    let module =
        Module::from_bytes(engine, binary.clone()).map_err(|error| of_module(path, &error))?;
    if mode == Mode::Eager {
        translate(&module).map_err(|error| of_module(path, &error))?;
    }
    Ok(module)
}

/// Translates all functions; on a terminal a bar shows how far it is, if that takes long.
pub(crate) fn translate(module: &Module) -> Result<(), damson::Error> {
    let patience = io::stderr().is_terminal().then_some(PATIENCE);
    translate_showing(module, patience, ProgressDrawTarget::stderr)
}

/// Translates all functions; what takes longer than `patience` gets a bar on `target`.
fn translate_showing(
    module: &Module,
    patience: Option<Duration>,
    target: impl Fn() -> ProgressDrawTarget,
) -> Result<(), damson::Error> {
    let start = Instant::now();
    let mut bar: Option<ProgressBar> = None;
    for index in module.defined_funcs() {
        module.precompile(index)?;
        if let Some(bar) = &bar {
            bar.inc(1);
        } else if patience.is_some_and(|patience| start.elapsed() >= patience) {
            bar = Some(progress(module, index, target()));
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    Ok(())
}

/// A bar on `target` that has come to the function `index`.
fn progress(module: &Module, index: u32, target: ProgressDrawTarget) -> ProgressBar {
    let funcs = module.defined_funcs();
    let length = u64::from(funcs.end - funcs.start);
    let bar = ProgressBar::with_draw_target(Some(length), target);
    let style = ProgressStyle::with_template("translating [{bar:40}] {pos} of {len} functions");
    if let Ok(style) = style {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_position(u64::from(index + 1 - funcs.start));
    bar
}

/// A failure to make a module.
pub(crate) fn of_module(path: &Path, error: &damson::Error) -> Failure {
    let message = plain(&error.to_string());
    match error.kind() {
        ErrorKind::Wasm(_) => invalid(path, message),
        _ => about(path, message),
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use indicatif::InMemoryTerm;

    use super::*;

    fn four_functions() -> Module {
        let engine = engine(Config::default(), Mode::Lazy);
        let text = "(module (import \"m\" \"f\" (func)) (func) (func) (func) (func))";
        Module::new(&engine, wat::parse_str(text).unwrap()).unwrap()
    }

    #[test]
    fn a_bar_says_how_far_it_is() {
        let term = InMemoryTerm::new(5, 80);
        let target = ProgressDrawTarget::term_like(Box::new(term.clone()));
        let bar = progress(&four_functions(), 2, target);
        bar.tick();
        let shown = term.contents();
        assert!(shown.starts_with("translating [==="), "{shown}");
        assert!(shown.ends_with("] 2 of 4 functions"), "{shown}");
        bar.finish_and_clear();
        assert_eq!(term.contents(), "");
    }

    /// How many bars are made with this patience, what they leave behind, and whether
    /// everything is translated.
    fn bars(patience: Option<Duration>) -> (u32, String, bool) {
        let module = four_functions();
        let (term, count) = (InMemoryTerm::new(5, 80), Cell::new(0));
        let target = || {
            count.set(count.get() + 1);
            ProgressDrawTarget::term_like(Box::new(term.clone()))
        };
        translate_showing(&module, patience, target).unwrap();
        let mut funcs = module.defined_funcs();
        let all = funcs.all(|index| module.bytecode_size(index).is_some());
        (count.get(), term.contents(), all)
    }

    #[test]
    fn a_bar_is_for_those_who_wait_at_a_terminal() {
        assert_eq!(bars(None), (0, String::new(), true));
        assert_eq!(
            bars(Some(Duration::from_secs(3600))),
            (0, String::new(), true)
        );
        // Once, and gone at the end.
        assert_eq!(bars(Some(Duration::ZERO)), (1, String::new(), true));
    }

    #[test]
    fn files_of_any_length_are_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for length in [0, 1, LARGE - 1, LARGE, LARGE + 4096] {
            let contents: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            fs::write(&path, &contents).unwrap();
            assert!(read(&path).unwrap() == contents, "{length} bytes");
        }
        assert!(read(&folder.path().join("none")).is_err());
    }
}
