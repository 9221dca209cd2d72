//! Modules from files.
//!
//! A large module is read into pages of two mebibytes where the system has them: thousands
//! of small ones would take as long as the reading itself. The module shares these bytes.
//! Mapping the file would cost less still, but who changed the file would change the module.

use std::fs::File;
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

/// How much of a file is looked at before the rest is read.
const HEAD: u64 = 64 << 10;

/// What binaries begin with, and what follows in those of core modules and of components.
const MAGIC: &[u8] = b"\0asm";
const CORE: [u8; 2] = [0, 0];
const COMPONENT: [u8; 2] = [1, 0];

/// How long people wait without being told what for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Reads the file at `path`, or standard input for `-`, as a module in binary form. What is
/// no module, or no core module, is refused by its first bytes, before the rest is read.
pub(crate) fn binary(path: &Path) -> Result<Bytes, Failure> {
    let read = if path == Path::new("-") {
        read(&mut io::stdin().lock(), 0)
    } else {
        read_file(path)
    };
    let bytes = match read.map_err(|error| about(path, error))? {
        Ok(bytes) => bytes,
        Err(reason) => return Err(invalid(path, reason)),
    };
    if bytes.starts_with(MAGIC) {
        return Ok(bytes);
    }
    // Its errors show the line and name the file themselves.
    let text = wat::Parser::new().parse_bytes(Some(path), &bytes);
    let binary = text.map_err(|error| invalid(path, error))?.into_owned();
    look_at(&binary).map_err(|reason| invalid(path, reason))?;
    Ok(binary.into())
}

/// Whether what begins like this can be a module, binary or text; why not.
fn look_at(head: &[u8]) -> Result<(), &'static str> {
    if let Some(version) = head.strip_prefix(MAGIC) {
        // Two bytes of the version, then two that tell what it is a version of.
        return match version.get(2..4) {
            Some(layer) if layer == COMPONENT => Err("this is a component, not a core module: \
                 the component-model proposal is not supported"),
            // Other versions of modules, and what ends here, are explained by who parses it.
            Some(layer) if layer != CORE => Err("this is no core module"),
            _ => Ok(()),
        };
    }
    match head.iter().find(|byte| !byte.is_ascii_whitespace()) {
        // Module fields and comments.
        Some(b'(' | b';') => Ok(()),
        Some(_) => Err("this is no WebAssembly module, neither binary nor text"),
        None if head.len() as u64 >= HEAD => Ok(()),
        None => Err("this is no WebAssembly module: there is nothing in it"),
    }
}

/// Reads a whole file, unless its beginning shows that it is no module.
fn read_file(path: &Path) -> io::Result<Result<Bytes, &'static str>> {
    let mut file = File::open(path)?;
    // A hint: what is no regular file has none, and others may change.
    let length = file.metadata()?.len();
    read(&mut file, length)
}

/// Reads all that is in `source`, of perhaps this length, unless its beginning shows that it
/// is no module.
fn read(source: &mut impl Read, length: u64) -> io::Result<Result<Bytes, &'static str>> {
    let mut head = Vec::new();
    source.by_ref().take(HEAD).read_to_end(&mut head)?;
    if let Err(reason) = look_at(&head) {
        return Ok(Err(reason));
    }
    rest(source, head, length).map(Ok)
}

/// What was read and what follows it, perhaps of this length in all.
fn rest(source: &mut impl Read, mut head: Vec<u8>, length: u64) -> io::Result<Bytes> {
    if length < LARGE {
        source.read_to_end(&mut head)?;
        return Ok(head.into());
    }
    let mut pages = large_pages(length)?;
    let mut filled = head.len();
    pages[..filled].copy_from_slice(&head);
    loop {
        match source.read(&mut pages[filled..]) {
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
    source.read_to_end(&mut all)?;
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
        for length in [8, HEAD - 1, HEAD, HEAD + 1, LARGE - 1, LARGE, LARGE + 4096] {
            let mut contents: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            contents[..8].copy_from_slice(b"\0asm\x01\0\0\0");
            std::fs::write(&path, &contents).unwrap();
            for read in [
                read_file(&path),
                // The length was another one when it was asked for.
                read(&mut &contents[..], length / 2),
                read(&mut &contents[..], LARGE),
            ] {
                assert!(read.unwrap().unwrap() == contents, "{length} bytes");
            }
        }
        assert!(read_file(&folder.path().join("none")).is_err());
    }

    #[test]
    fn the_first_bytes_tell_what_is_no_module() {
        for module in [
            &b"\0asm"[..],
            b"\0asm\x01\0\0\0",
            b"\0asm\x02\0\0\0",
            b"(module)",
            b"\r\n\t (func)",
            b";; a comment",
        ] {
            assert_eq!(look_at(module), Ok(()), "{module:?}");
        }
        for (other, reason) in [
            (&b""[..], "nothing"),
            (b" \n", "nothing"),
            (b"\0as", "neither binary nor text"),
            (b"\x7fELF\x02\x01\x01", "neither binary nor text"),
            (b"\0\0\0\0", "neither binary nor text"),
            (b"print(1)", "neither binary nor text"),
            (b"\0asm\x0d\0\x01\0", "is a component, not a core module"),
            (b"\0asm\x01\0\x02\0", "no core module"),
        ] {
            let found = look_at(other).unwrap_err();
            assert!(found.contains(reason), "{other:?}: {found}");
        }
        // Text may begin with much white space.
        assert_eq!(look_at(&[b' '; HEAD as usize]), Ok(()));
        // The rest is not read.
        let mut zeros = io::repeat(0);
        assert!(read(&mut zeros, 0).unwrap().is_err());
    }
}
