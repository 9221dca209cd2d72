//! Finding functions in a program by the beginning of their demangled names.

use std::collections::BTreeMap;

use anyhow::Context;
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};

/// What the demangled names of functions that never return begin with. A call
/// of one of them ends the path it is on.
const DIVERGING: &[&str] = &[
    "core::panicking::",
    "core::option::unwrap_failed",
    "core::option::expect_failed",
    "core::result::unwrap_failed",
    "core::slice::index::slice_",
    "alloc::alloc::handle_alloc_error",
    "alloc::raw_vec::handle_error",
];

/// A function of a program.
pub(super) struct Function<'a> {
    /// All names of the function: those with equal code may share it.
    pub(super) names: Vec<String>,
    /// Its address in the program.
    pub(super) address: u64,
    /// Its instructions.
    pub(super) code: &'a [u8],
    /// Addresses of functions that never return, sorted.
    pub(super) diverging: Vec<u64>,
}

/// The functions whose demangled name begins with `prefix`, by address.
///
/// # Errors
///
/// When the bytes are no x86-64 program with symbols.
pub(super) fn functions<'a>(bytes: &'a [u8], prefix: &str) -> anyhow::Result<Vec<Function<'a>>> {
    let file = object::File::parse(bytes).context("not a program this task can read")?;
    anyhow::ensure!(
        file.architecture() == object::Architecture::X86_64,
        "the program is for {:?}, this task reads x86-64",
        file.architecture()
    );
    let mut found: BTreeMap<u64, Function<'a>> = BTreeMap::new();
    let mut diverging = Vec::new();
    for symbol in file
        .symbols()
        .filter(|symbol| symbol.kind() == SymbolKind::Text)
    {
        let Ok(mangled) = symbol.name() else { continue };
        // The alternate form leaves out the hash of the crate.
        let name = format!("{:#}", rustc_demangle::demangle(mangled));
        if DIVERGING.iter().any(|prefix| name.starts_with(prefix)) {
            diverging.push(symbol.address());
        }
        if !name.starts_with(prefix) || symbol.size() == 0 {
            continue;
        }
        if let Some(function) = found.get_mut(&symbol.address()) {
            function.names.push(name);
            continue;
        }
        let section = symbol
            .section_index()
            .and_then(|index| file.section_by_index(index).ok())
            .with_context(|| format!("{name} is in no section"))?;
        let code = section
            .data_range(symbol.address(), symbol.size())?
            .with_context(|| format!("{name} is not inside its section"))?;
        let function = Function {
            names: vec![name],
            address: symbol.address(),
            code,
            diverging: Vec::new(),
        };
        found.insert(symbol.address(), function);
    }
    diverging.sort_unstable();
    Ok(found
        .into_values()
        .map(|mut function| {
            function.names.sort_unstable();
            function.diverging.clone_from(&diverging);
            function
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_by_name_in_a_real_program() {
        let program = std::env::current_exe().expect("a test has a program");
        let bytes = std::fs::read(program).expect("which can be read");
        // Whichever mangling this test was built with, the path is the same.
        let functions = functions(&bytes, "xtask::audit::binary::functions").expect("has symbols");
        assert!(functions.iter().any(|function| !function.code.is_empty()));
        assert!(
            functions
                .iter()
                .all(|function| !function.diverging.is_empty())
        );
    }

    #[test]
    fn what_is_no_program_is_an_error() {
        assert!(functions(b"not a program", "x").is_err());
    }
}
