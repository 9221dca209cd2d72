//! A parsed module: its shape, and its function bodies waiting to be
//! translated.

use alloc::sync::Arc;
use core::ops::Range;
use damson_core::{Bytes, ModuleShape};
use damson_ir::Function;
use wasmparser::{
    BinaryReader, FuncToValidate, FuncValidator, FuncValidatorAllocations, FunctionBody,
    ValidatorResources, WasmFeatures,
};

use crate::config::Config;
use crate::custom::{CustomSection, DebugInfo};
use crate::error::Error;
use crate::func::{self, Options, Scratch};
use crate::parse::{self, Parsed, Source, slice};

/// A module that was parsed, and validated but for its function bodies.
///
/// It has what it needs of the Wasm binary (the code section, the data segments and the
/// custom sections), either copied or shared with who made the module. It is `Send` and
/// `Sync`: functions may be translated on any thread, in any order, each as often as one
/// likes.
pub struct Module {
    shape: Arc<ModuleShape>,
    config: Config,
    features: WasmFeatures,
    /// The bytes of all bodies, from the first one to the last.
    code: Bytes,
    /// Where `code` starts in the Wasm binary.
    code_offset: u64,
    /// `Some` if there is at least one body.
    resources: Option<ValidatorResources>,
    debug_info: Arc<DebugInfo>,
}

const _: () = {
    const fn shared_between_threads<T: Send + Sync>() {}
    shared_between_threads::<Module>();
};

/// Memory that translating one function needs and the next one can reuse.
#[derive(Default)]
pub struct Allocations {
    validator: FuncValidatorAllocations,
    pub(crate) scratch: Scratch,
}

impl core::fmt::Debug for Allocations {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Allocations").finish_non_exhaustive()
    }
}

impl core::fmt::Debug for Module {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Module")
            .field("config", &self.config)
            .field("num_defined", &self.debug_info.bodies.len())
            .finish_non_exhaustive()
    }
}

/// Parses and validates a whole module, function bodies included.
///
/// # Errors
///
/// The first reason found to refuse it.
pub fn validate(bytes: &[u8], config: &Config) -> Result<(), Error> {
    Module::parse(bytes, config)?.validate_bodies()
}

impl Module {
    /// Parses a Wasm binary and validates everything but function bodies. What the
    /// module keeps of the bytes is copied.
    ///
    /// # Errors
    ///
    /// If the bytes are no module, an invalid one, or one that uses a proposal
    /// that `config` does not enable.
    pub fn parse(bytes: &[u8], config: &Config) -> Result<Self, Error> {
        Self::from_source(Source::Borrowed(bytes), config)
    }

    /// Like [`Self::parse`], without a copy: the module shares the bytes, which stay as
    /// long as it, its shape or its debug information does.
    ///
    /// # Errors
    ///
    /// As [`Self::parse`].
    pub fn parse_shared(bytes: &Bytes, config: &Config) -> Result<Self, Error> {
        Self::from_source(Source::Shared(bytes), config)
    }

    fn from_source(source: Source<'_>, config: &Config) -> Result<Self, Error> {
        let Parsed {
            shape,
            bodies,
            resources,
            custom_sections,
            names,
            code_section,
        } = parse::parse(source, config)?;
        let start = bodies.first().map_or(0, |body| body.start);
        let end = bodies.last().map_or(0, |body| body.end);
        let debug_info = DebugInfo {
            names,
            custom_sections: custom_sections.into(),
            code_section,
            imported: shape.num_imported_funcs(),
            bodies: bodies.into(),
        };
        Ok(Self {
            shape: Arc::new(shape),
            config: *config,
            features: config.wasm_features(),
            code: source.keep_range(&(start..end)),
            code_offset: start,
            resources,
            debug_info: Arc::new(debug_info),
        })
    }

    /// Everything about the module but its function bodies.
    #[must_use]
    pub fn shape(&self) -> &Arc<ModuleShape> {
        &self.shape
    }

    /// The options that the module was parsed with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How many functions the module defines. Their indices follow those of
    /// the imported functions.
    #[must_use]
    pub fn num_defined(&self) -> u32 {
        // The validator allows a million functions.
        self.debug_info.bodies.len() as u32
    }

    /// The indices of the functions that the module defines.
    #[must_use]
    pub fn defined_funcs(&self) -> Range<u32> {
        let imported = self.num_imported();
        imported..imported + self.num_defined()
    }

    /// The custom sections in the order of the binary.
    pub fn custom_sections(&self) -> core::slice::Iter<'_, CustomSection> {
        self.debug_info.custom_sections()
    }

    /// What the module says about its code.
    #[must_use]
    pub fn debug_info(&self) -> &Arc<DebugInfo> {
        &self.debug_info
    }

    /// The name that the name section gives to a function.
    #[must_use]
    pub fn func_name(&self, func_index: u32) -> Option<&str> {
        self.debug_info.func_name(func_index)
    }

    /// Whether the bytecode of the module's functions consumes fuel.
    #[must_use]
    pub fn consumes_fuel(&self) -> bool {
        self.config.consume_fuel
    }

    /// Where a function's body is in the Wasm binary, in bytes; `None` if the
    /// function is imported or does not exist.
    #[must_use]
    pub fn body_range(&self, func_index: u32) -> Option<Range<u64>> {
        self.debug_info.body_range(func_index)
    }

    /// The bytes of a function's body: its local declarations, then its
    /// operators. `None` if the function is imported or does not exist.
    #[must_use]
    pub fn body_bytes(&self, func_index: u32) -> Option<&[u8]> {
        let body = self.body_range(func_index)?;
        // Bodies lie within the code section in order.
        Some(slice(
            &self.code,
            &(body.start - self.code_offset..body.end - self.code_offset),
        ))
    }

    /// Validates the body of one function.
    ///
    /// # Errors
    ///
    /// If the body is malformed or invalid, or if there is none.
    pub fn validate_body(&self, func_index: u32) -> Result<(), Error> {
        self.validate_body_with(func_index, &mut Allocations::default())
    }

    /// Like [`Self::validate_body`], reusing memory between functions.
    ///
    /// # Errors
    ///
    /// As [`Self::validate_body`].
    pub fn validate_body_with(
        &self,
        func_index: u32,
        allocations: &mut Allocations,
    ) -> Result<(), Error> {
        let (body, mut validator) = self.body(func_index, allocations)?;
        let result = validator.validate(&body);
        allocations.validator = validator.into_allocations();
        result.map_err(|error| body_error(&error, &body))
    }

    /// Validates the bodies of all functions.
    ///
    /// # Errors
    ///
    /// The first reason found to refuse one.
    pub fn validate_bodies(&self) -> Result<(), Error> {
        let mut allocations = Allocations::default();
        self.defined_funcs()
            .try_for_each(|index| self.validate_body_with(index, &mut allocations))
    }

    /// Validates and translates the body of one function.
    ///
    /// # Errors
    ///
    /// If the body is malformed or invalid, if it exceeds what the bytecode can
    /// express, or if there is none.
    pub fn translate(&self, func_index: u32) -> Result<Function, Error> {
        self.translate_with(func_index, &mut Allocations::default())
    }

    /// Like [`Self::translate`], reusing memory between functions.
    ///
    /// # Errors
    ///
    /// As [`Self::translate`].
    pub fn translate_with(
        &self,
        func_index: u32,
        allocations: &mut Allocations,
    ) -> Result<Function, Error> {
        self.translate_marking(func_index, allocations, false)
    }

    /// Like [`Self::translate`], for people to read: every instruction is marked
    /// with the operator it was made at, not only those that can trap or call.
    ///
    /// # Errors
    ///
    /// As [`Self::translate`].
    pub fn translate_for_display(&self, func_index: u32) -> Result<Function, Error> {
        self.translate_marking(func_index, &mut Allocations::default(), true)
    }

    fn translate_marking(
        &self,
        func_index: u32,
        allocations: &mut Allocations,
        mark_all: bool,
    ) -> Result<Function, Error> {
        let (body, mut validator) = self.body(func_index, allocations)?;
        let options = Options {
            num_imported: self.num_imported(),
            consume_fuel: self.config.consume_fuel,
            exact_fuel: self.config.exact_fuel,
            check_epochs: self.config.epoch_interruption,
            mark_all,
        };
        let scratch = &mut allocations.scratch;
        let result = func::translate(
            &self.shape,
            func_index,
            options,
            &body,
            &mut validator,
            scratch,
        );
        allocations.validator = validator.into_allocations();
        #[cfg(debug_assertions)]
        if let Ok(function) = &result {
            assert_verified(&self.shape, func_index, function);
        }
        result
    }

    /// A function's body and a validator for it.
    pub(crate) fn body(
        &self,
        func_index: u32,
        allocations: &mut Allocations,
    ) -> Result<(FunctionBody<'_>, FuncValidator<ValidatorResources>), Error> {
        let no_body = || Error::NoBody {
            func_index,
            imported: self.num_imported(),
            total: self.shape.funcs.len() as u32,
        };
        let offset = self.body_range(func_index).ok_or_else(no_body)?.start;
        let bytes = self.body_bytes(func_index).ok_or_else(no_body)?;
        let resources = self.resources.clone().ok_or_else(no_body)?;
        let ty = *self
            .shape
            .funcs
            .get(func_index as usize)
            .ok_or_else(no_body)?;
        let reader = BinaryReader::new_features(bytes, offset, self.features);
        let func = FuncToValidate {
            resources,
            index: func_index,
            ty,
            features: self.features,
        };
        let validator = func.into_validator(core::mem::take(&mut allocations.validator));
        Ok((FunctionBody::new(reader), validator))
    }

    fn num_imported(&self) -> u32 {
        (self.shape.funcs.len() - self.debug_info.bodies.len()) as u32
    }
}

/// Whoever runs code has it verified, in every build: the executor takes nothing else. Here
/// a debug build notices at once, also code that is only shown or compared.
#[cfg(debug_assertions)]
fn assert_verified(shape: &Arc<ModuleShape>, func_index: u32, function: &Function) {
    if let Err(error) = function.clone().verify(shape, func_index) {
        panic!("the translator made code that the verifier refuses: {error}\n{function}");
    }
}

/// The error for what the validator found in a function body.
#[cold]
pub(crate) fn body_error(error: &wasmparser::Error, body: &FunctionBody<'_>) -> Error {
    Error::from_validator(error, || {
        let mut locals = match body.get_locals_reader() {
            Ok(locals) => locals.into_iter(),
            Err(error) => return Some(error),
        };
        if let Some(error) = locals.by_ref().find_map(Result::err) {
            return Some(error);
        }
        let mut operators = locals.into_operators_reader();
        while !operators.eof() {
            if let Err(error) = operators.read() {
                return Some(error);
            }
        }
        operators.finish().err()
    })
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use alloc::boxed::Box;

    use damson_core::types::FuncType;
    use damson_ir::{FunctionBuilder, Operand, ReturnValue, Slot};

    use super::*;

    /// A shape of one function without parameters, and its code, which returns a slot.
    fn returning(slot: u16) -> (Arc<ModuleShape>, Function) {
        let ty = FuncType::new([], [damson_core::ValType::I32]);
        let shape = ModuleShape {
            types: Box::new([ty]),
            funcs: Box::new([0]),
            ..ModuleShape::default()
        };
        let mut code = FunctionBuilder::new(0, 1);
        let operands = [code.linkage(), Operand::Slot(Slot(slot))];
        code.push(ReturnValue::IntReturn, &operands).unwrap();
        (Arc::new(shape), code.finish(4).unwrap())
    }

    #[test]
    fn code_that_passes_the_verifier_is_fine() {
        let (shape, code) = returning(3);
        assert_verified(&shape, 0, &code);
    }

    #[test]
    #[should_panic(expected = "the translator made code that the verifier refuses: function 0")]
    fn code_that_does_not_is_noticed_where_it_is_made() {
        // Slot 1 is where the frame keeps its way back.
        let (shape, code) = returning(1);
        assert_verified(&shape, 0, &code);
    }
}
