//! Translates one function body: one pass over its operators, each validated
//! and then translated.
//!
//! | file | what it decides |
//! |---|---|
//! | [`operator`] | which operator goes where |
//! | [`select`] | which operation, which operands |
//! | [`tile`] | which operations become one instruction |
//! | [`control`] | blocks, branches, where values are at labels |
//! | [`carry`] | what short loops keep in the accumulator |
//! | [`call`] | calls and returns |
//! | [`fold`] | what known operands save |
//! | [`flush`] | when a pending value is emitted |
//! | [`stack`] | what the operand stack holds |
//! | [`frame`] | which slot holds what |
//! | [`emit`] | appends instructions |
//! | [`typing`] | what the instruction table says about an operation |
//! | [`locals`] | which locals need their initial value |
//!
//! # Invariants
//!
//! - Work is linear in the body: every step of a loop in here is paid for by
//!   an operator, an operand, a result or a declared local that was not paid
//!   for before. `work` counts the steps, and tests compare the counts.
//! - Code that cannot be reached is validated but not translated; only the
//!   nesting of its blocks is followed.
//!
//! # Fuel
//!
//! With `consume_fuel`, code is charged in *stretches*, each by one instruction at its
//! beginning: the function, the body of a loop, an arm of an `if`, and what follows
//! the end of a block that nothing but branches lead to (a case of a `br_table`, as
//! a rule). A stretch goes on after the blocks and loops in it; it costs one unit
//! for each operator that is in it and in no stretch inside of it.
//!
//! Operators that cannot be reached cost nothing; those behind a branch out of the
//! stretch are paid before it, also if the branch is taken. So fuel is never
//! charged too late. An instruction that moves or clears many slots costs a unit
//! more for every 64 bytes; what a bulk operation costs in addition is the
//! executor's business. The whole of it is in `docs/fuel.md`.
//!
//! # Interruption
//!
//! With `check_epochs`, functions and rounds of loops begin with an instruction
//! that leaves the executor's loop when the epoch's deadline has come.

#[cfg(test)]
mod bombs;
mod call;
mod carry;
mod control;
mod emit;
mod flush;
mod fold;
mod frame;
mod fuel;
mod locals;
mod memory;
mod operator;
mod select;
mod stack;
mod tile;
mod typing;
mod value;

use alloc::boxed::Box;
use alloc::vec::Vec;

use damson_core::shape::ModuleShape;
use damson_ir::{BuildError, EncodeError, Function, FunctionBuilder};
use wasmparser::{FuncValidator, FunctionBody, ValidatorResources};

use crate::error::Error;
use crate::module::body_error;

use control::Control;
use emit::{Known, Last};
use frame::Frame;
use fuel::FuelPoint;
use locals::Locals;
use operator::Halt;
use stack::Stack;

/// Why translation stops although the function is valid. Small, because everything returns it.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The bytecode cannot express it.
    Limit(Box<Limit>),
    /// The instruction table lacks what the translator wants.
    Build(Box<BuildError>),
    /// The validator accepted an operator that the translator does not know.
    Operator,
}

/// What the bytecode cannot express.
#[derive(Debug)]
pub(crate) struct Limit {
    pub(crate) what: &'static str,
    pub(crate) limit: u64,
    pub(crate) found: u64,
}

impl From<Limit> for Stop {
    #[cold]
    fn from(limit: Limit) -> Self {
        Self::Limit(limit.into())
    }
}

impl From<EncodeError> for Stop {
    #[cold]
    fn from(error: EncodeError) -> Self {
        BuildError::from(error).into()
    }
}

impl From<BuildError> for Stop {
    #[cold]
    fn from(error: BuildError) -> Self {
        Self::Build(error.into())
    }
}

/// What is the same for all functions of a module.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// How many functions the module imports; they come first.
    pub(crate) num_imported: u32,
    pub(crate) consume_fuel: bool,
    /// Whether each basic block is charged by itself.
    pub(crate) exact_fuel: bool,
    pub(crate) check_epochs: bool,
    /// Whether every instruction is marked with its operator, not only those
    /// that need it at run time.
    pub(crate) mark_all: bool,
}

/// Memory that translating one function needs and the next one can reuse.
#[derive(Default)]
pub(crate) struct Scratch {
    builder: FunctionBuilder,
    stack: Stack,
    controls: Vec<Control>,
    locals: Locals,
    chain: Vec<usize>,
    uses: Vec<u32>,
    ordered: Vec<u32>,
    fuel_points: Vec<FuelPoint>,
    /// The steps that the last translation took.
    pub(crate) work: u64,
}

/// A function while it is translated.
struct FuncTranslator<'a> {
    shape: &'a ModuleShape,
    validator: &'a mut FuncValidator<ValidatorResources>,
    builder: FunctionBuilder,
    frame: Frame,
    /// How many functions the module imports; they come first.
    num_imported: u32,
    /// How many results the function has.
    results: u16,
    stack: Stack,
    controls: Vec<Control>,
    locals: Locals,
    known: Known,
    /// Whether the current operator can be reached.
    reachable: bool,
    /// Offset of the current operator in the binary.
    offset: u32,
    /// The body, and its offset.
    body: &'a [u8],
    body_start: u32,
    /// What charges for the current stretch of code, in `fuel_points`.
    fuel: Option<usize>,
    /// Everything that charges, in the order of the code.
    fuel_points: Vec<FuelPoint>,
    consume_fuel: bool,
    /// Whether each basic block is charged by itself.
    exact_fuel: bool,
    check_epochs: bool,
    mark_all: bool,
    chain: Vec<usize>,
    uses: Vec<u32>,
    ordered: Vec<u32>,
    work: u64,
    /// How many values make way for each other just now.
    nesting: u32,
    /// The operator of the next instruction, if that can trap or call.
    site: Option<u32>,
    /// The last instruction, with which the next one may become one.
    last: Last,
}

/// Validates and translates a function body.
pub(crate) fn translate(
    shape: &ModuleShape,
    func_index: u32,
    options: Options,
    body: &FunctionBody<'_>,
    validator: &mut FuncValidator<ValidatorResources>,
    scratch: &mut Scratch,
) -> Result<Function, Error> {
    let no_type = || Error::Invalid {
        message: "unknown type of a function".into(),
        offset: body.range().start,
    };
    let ty = shape.func_type(func_index).ok_or_else(no_type)?;
    let (params, results) = (ty.params().len(), ty.results().len());
    // The validator allows a thousand of each.
    let mut builder = core::mem::take(&mut scratch.builder);
    builder.restart(params as u16, results as u16);
    let mut translator = FuncTranslator {
        shape,
        validator,
        builder,
        frame: Frame::new(params, results),
        num_imported: options.num_imported,
        results: results as u16,
        stack: core::mem::take(&mut scratch.stack),
        controls: core::mem::take(&mut scratch.controls),
        locals: core::mem::take(&mut scratch.locals),
        known: Known::default(),
        reachable: true,
        offset: 0,
        body: body.as_bytes(),
        body_start: position(body.range().start),
        fuel: None,
        fuel_points: core::mem::take(&mut scratch.fuel_points),
        consume_fuel: options.consume_fuel,
        exact_fuel: options.exact_fuel,
        check_epochs: options.check_epochs,
        mark_all: options.mark_all,
        chain: core::mem::take(&mut scratch.chain),
        uses: core::mem::take(&mut scratch.uses),
        ordered: core::mem::take(&mut scratch.ordered),
        work: 0,
        nesting: 0,
        site: None,
        last: Last::default(),
    };
    translator.stack.reset();
    translator.controls.clear();
    translator.fuel_points.clear();
    let result = translator.body(body, func_index);
    let FuncTranslator {
        mut builder,
        frame,
        stack,
        controls,
        locals,
        chain,
        uses,
        ordered,
        fuel_points,
        work,
        offset,
        ..
    } = translator;
    scratch.stack = stack;
    scratch.controls = controls;
    scratch.locals = locals;
    scratch.chain = chain;
    scratch.uses = uses;
    scratch.ordered = ordered;
    scratch.fuel_points = fuel_points;
    scratch.work = work;
    let function = result.and_then(|unneeded| {
        let function = builder
            .build(frame.cells())
            .map_err(|error| stopped(error.into(), func_index, offset.into()))?;
        Ok((function, unneeded))
    });
    scratch.builder = builder;
    let (mut function, unneeded) = function?;
    if let Some(at) = unneeded {
        locals::take_out(&mut function, at);
    }
    Ok(function)
}

/// An offset in a binary; the limit on the size of bodies is below what does not fit.
fn position(offset: u64) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// The error for a translation that stopped.
#[cold]
fn stopped(stop: Stop, func_index: u32, offset: u64) -> Error {
    match stop {
        Stop::Limit(reached) => Error::Limit {
            what: reached.what,
            limit: reached.limit,
            found: reached.found,
            func_index,
            offset,
        },
        Stop::Build(source) => Error::Build {
            source: *source,
            func_index,
            offset,
        },
        Stop::Operator => Error::Invalid {
            message: "unknown operator".into(),
            offset,
        },
    }
}

/// Whether code begins with an `end` after which there are only more of them, a few, up to a
/// `return` or the function's own.
fn returns_after_end(code: &[u8]) -> bool {
    const END: u8 = 0x0b;
    const RETURN: u8 = 0x0f;
    const FEW: usize = 4;
    let [END, rest @ ..] = code else {
        return false;
    };
    let ends = rest.iter().take(FEW).take_while(|&&byte| byte == END);
    rest.get(ends.count()).is_none_or(|&byte| byte == RETURN)
}

impl FuncTranslator<'_> {
    /// Whether nothing comes between the current operator, an `end`, and a return.
    fn returns_next(&self) -> bool {
        let at = self.offset.wrapping_sub(self.body_start);
        self.body.get(at as usize..).is_some_and(returns_after_end)
    }

    /// Translates everything. Returns where an instruction stands that turned
    /// out not to be needed.
    fn body(&mut self, body: &FunctionBody<'_>, func_index: u32) -> Result<Option<usize>, Error> {
        let mut reader = body.get_binary_reader();
        let invalid = |error: wasmparser::Error| body_error(&error, body);
        self.validator.read_locals(&mut reader).map_err(invalid)?;
        let declared = self.validator.len_locals() as usize;
        let params = self
            .shape
            .func_type(func_index)
            .map_or(0, |ty| ty.params().len());
        self.frame
            .declare_locals(declared.saturating_sub(params) as u32);

        let start = reader.original_position();
        self.offset = position(start);
        self.begin(func_index)
            .map_err(|stop| stopped(stop, func_index, start))?;

        while !reader.eof() {
            self.offset = position(reader.original_position());
            match reader.visit_operator(self).map_err(invalid)? {
                Ok(()) => {}
                Err(Halt::Invalid(error)) => return Err(invalid(error)),
                Err(Halt::Stop(stop)) => return Err(stopped(stop, func_index, self.offset.into())),
            }
        }
        reader.finish_expression(self).map_err(invalid)?;
        let stopped = |stop| stopped(stop, func_index, start);
        let unneeded = self.finish_locals().map_err(stopped)?;
        self.settle_fuel().map_err(stopped)?;
        Ok(unneeded)
    }
}
