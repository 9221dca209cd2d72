//! When functions are validated and translated.
//!
//! In every mode code reaches the executor verified only. The lazy compiler keeps the
//! parsed module alive and works from the code map, so a module's functions stay
//! callable after the [`Module`](super::Module) itself is dropped.

use alloc::boxed::Box;
use alloc::sync::Arc;

use damson_core::fuel;
use damson_executor::{CodeMap, CompileError, Compiler};
use damson_ir::{ModuleVerifier, Verified};
use damson_translator::{Allocations, Module as Parsed};
use spin::Mutex;

use crate::backtrace::ModuleDebug;
use crate::config::{CompilationMode, Config};
use crate::error::{CompilationError, Error};

/// The code map of a parsed module, filled as far as the mode says.
pub(super) fn code_map(parsed: &Arc<Parsed>, config: &Config) -> Result<Arc<CodeMap>, Error> {
    match config.compilation_mode {
        CompilationMode::Eager => eager(parsed, config),
        CompilationMode::LazyTranslation => {
            parsed.validate_bodies()?;
            Ok(lazy(parsed, config))
        }
        CompilationMode::Lazy => Ok(lazy(parsed, config)),
    }
}

fn eager(parsed: &Parsed, config: &Config) -> Result<Arc<CodeMap>, Error> {
    let code = new_map(parsed, None, config);
    let verifier = ModuleVerifier::new(Arc::clone(parsed.shape()));
    let mut allocations = Allocations::default();
    for func_index in parsed.defined_funcs() {
        let verified = compile(parsed, &verifier, func_index, &mut allocations)
            .map_err(|source| Error::from_compile(func_index, source))?;
        code.define(func_index, verified)
            .map_err(|source| CompilationError {
                func_index,
                source: Box::new(source),
            })?;
    }
    Ok(code)
}

fn lazy(parsed: &Arc<Parsed>, config: &Config) -> Arc<CodeMap> {
    let compiler = Box::new(Lazy {
        parsed: Arc::clone(parsed),
        verifier: ModuleVerifier::new(Arc::clone(parsed.shape())),
        allocations: Mutex::default(),
    });
    new_map(parsed, Some(compiler), config)
}

/// A map without code. Where the module's code consumes fuel, the first call of a function
/// costs as much as to compile its body, in every mode: what a program costs must depend
/// neither on the mode nor on whether another store has called the function before. An
/// engine can do without that charge.
fn new_map(parsed: &Parsed, compiler: Option<Box<dyn Compiler>>, config: &Config) -> Arc<CodeMap> {
    let shape = Arc::clone(parsed.shape());
    let debug = ModuleDebug::new(Arc::clone(parsed.debug_info()));
    if !parsed.consumes_fuel() {
        return CodeMap::with_origin(shape, compiler, debug);
    }
    if !config.charge_first_calls {
        return CodeMap::metered(shape, compiler, Some(debug), Box::default());
    }
    let cost = |func_index| {
        let body = parsed.body_range(func_index);
        fuel::of_body(body.map_or(0, |body| body.end - body.start))
    };
    let first_calls = parsed.defined_funcs().map(cost).collect();
    CodeMap::metered(shape, compiler, Some(debug), first_calls)
}

/// Gives the executor code at a function's first call.
struct Lazy {
    parsed: Arc<Parsed>,
    verifier: ModuleVerifier,
    /// Memory that one function leaves for the next. Threads that compile at once have their
    /// own instead of waiting.
    allocations: Mutex<Allocations>,
}

impl Compiler for Lazy {
    fn compile(&self, func_index: u32) -> Result<Verified, CompileError> {
        let (parsed, verifier) = (&self.parsed, &self.verifier);
        match self.allocations.try_lock() {
            Some(mut allocations) => compile(parsed, verifier, func_index, &mut allocations),
            None => compile(parsed, verifier, func_index, &mut Allocations::default()),
        }
    }
}

fn compile(
    parsed: &Parsed,
    verifier: &ModuleVerifier,
    func_index: u32,
    allocations: &mut Allocations,
) -> Result<Verified, CompileError> {
    let function = parsed.translate_with(func_index, allocations)?;
    Ok(verifier.verify(function, func_index)?)
}
