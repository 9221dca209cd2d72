//! Modules from files.

use std::fs;
use std::path::Path;

use damson::{Engine, Module};

use crate::failure::Failure;

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
    text.map_err(|error| about(path, error))
}

/// Makes a module of what [`binary`] has read from `path`.
pub(crate) fn module(engine: &Engine, path: &Path, binary: &[u8]) -> Result<Module, Failure> {
    Module::new(engine, binary).map_err(|error| about(path, error))
}

/// A failure that says which file it is about.
pub(crate) fn about(path: &Path, error: impl std::fmt::Display) -> Failure {
    Failure::Other(format!("{}: {error}", path.display()))
}
