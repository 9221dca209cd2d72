//! When functions are validated and translated.
//!
//! In every mode code reaches the executor verified only. The lazy compiler keeps the
//! parsed module alive and works from the code map, so a module's functions stay
//! callable after the [`Module`](super::Module) itself is dropped.

use alloc::boxed::Box;
use alloc::sync::Arc;

use damson_executor::{CodeMap, CompileError, Compiler};
use damson_ir::{ModuleVerifier, Verified};
use damson_translator::Module as Parsed;

use crate::config::CompilationMode;
use crate::error::{CompilationError, Error};

/// The code map of a parsed module, filled as far as the mode says.
pub(super) fn code_map(parsed: &Arc<Parsed>, mode: CompilationMode) -> Result<Arc<CodeMap>, Error> {
    match mode {
        CompilationMode::Eager => eager(parsed),
        CompilationMode::LazyTranslation => {
            parsed.validate_bodies()?;
            Ok(lazy(parsed))
        }
        CompilationMode::Lazy => Ok(lazy(parsed)),
    }
}

fn eager(parsed: &Parsed) -> Result<Arc<CodeMap>, Error> {
    let code = CodeMap::new(Arc::clone(parsed.shape()));
    let verifier = ModuleVerifier::new(Arc::clone(parsed.shape()));
    for func_index in parsed.defined_funcs() {
        let verified = compile(parsed, &verifier, func_index)
            .map_err(|source| Error::from_compile(func_index, source))?;
        code.define(func_index, verified)
            .map_err(|source| CompilationError {
                func_index,
                source: Box::new(source),
            })?;
    }
    Ok(code)
}

fn lazy(parsed: &Arc<Parsed>) -> Arc<CodeMap> {
    let compiler = Box::new(Lazy {
        parsed: Arc::clone(parsed),
        verifier: ModuleVerifier::new(Arc::clone(parsed.shape())),
    });
    CodeMap::with_compiler(Arc::clone(parsed.shape()), compiler)
}

/// Gives the executor code at a function's first call.
struct Lazy {
    parsed: Arc<Parsed>,
    verifier: ModuleVerifier,
}

impl Compiler for Lazy {
    fn compile(&self, func_index: u32) -> Result<Verified, CompileError> {
        compile(&self.parsed, &self.verifier, func_index)
    }
}

fn compile(
    parsed: &Parsed,
    verifier: &ModuleVerifier,
    func_index: u32,
) -> Result<Verified, CompileError> {
    let function = parsed.translate(func_index)?;
    Ok(verifier.verify(function, func_index)?)
}
