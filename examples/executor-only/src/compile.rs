//! Tree to bytecode.
//!
//! A frame is `[parameters | linkage | temporaries]`. An expression is evaluated into
//! the first free temporary; what it needs on the way lies above. The verifier checks
//! the result, so a mistake here is an error and never undefined behaviour.

use std::fmt;

use damson_executor::ir::{
    BuildError, CallImport, CopyValue, EncodeError, Function, FunctionBuilder, IntBinary, Operand,
    ReturnValue, Slot,
};

use crate::parse::{Expr, Operator};

/// A host function as expressions see it: its name, and how many arguments it has. Its
/// index among the module's imports is its place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) name: &'static str,
    pub(crate) arguments: usize,
}

#[derive(Debug)]
pub(crate) enum CompileError {
    UnknownVariable(String),
    UnknownFunction(String),
    Arguments {
        function: String,
        expected: usize,
        found: usize,
    },
    TooLarge,
    Build(Box<dyn std::error::Error>),
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownVariable(name) => write!(f, "`{name}` has no value"),
            Self::UnknownFunction(name) => write!(f, "there is no function `{name}`"),
            Self::Arguments {
                function,
                expected,
                found,
            } => write!(f, "`{function}` takes {expected} arguments, found {found}"),
            Self::TooLarge => f.write_str("the expression needs too many temporaries"),
            Self::Build(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CompileError {}

impl From<BuildError> for CompileError {
    fn from(error: BuildError) -> Self {
        Self::Build(error.into())
    }
}

impl From<EncodeError> for CompileError {
    fn from(error: EncodeError) -> Self {
        Self::Build(error.into())
    }
}

struct Compiler<'a> {
    code: FunctionBuilder,
    variables: &'a [String],
    imports: &'a [Import],
    /// Cells that the frame needs.
    frame: u32,
}

/// The function from the values of `variables` to the value of `expr`.
pub(crate) fn compile(
    expr: &Expr,
    variables: &[String],
    imports: &[Import],
) -> Result<Function, CompileError> {
    let parameters = u16::try_from(variables.len()).map_err(|_| CompileError::TooLarge)?;
    // The result takes the place of the parameters, and two cells link the frames.
    let first = parameters.max(1).checked_add(2);
    let first = first.ok_or(CompileError::TooLarge)?;
    let mut compiler = Compiler {
        code: FunctionBuilder::new(parameters, 1),
        variables,
        imports,
        frame: u32::from(first),
    };
    compiler.expr(expr, first)?;
    let linkage = compiler.code.linkage();
    compiler.code.push(
        ReturnValue::IntReturn,
        &[linkage, Operand::Slot(Slot(first))],
    )?;
    Ok(compiler.code.finish(compiler.frame)?)
}

impl Compiler<'_> {
    /// Notes that the frame reaches `cells` cells beyond slot `at`; gives the slot there.
    fn reserve(&mut self, at: u16, cells: usize) -> Result<u16, CompileError> {
        let end = usize::from(at) + cells;
        let end = u16::try_from(end).map_err(|_| CompileError::TooLarge)?;
        self.frame = self.frame.max(end.into());
        Ok(end)
    }

    /// Evaluates `expr` into slot `to`; slots above may change.
    fn expr(&mut self, expr: &Expr, to: u16) -> Result<(), CompileError> {
        let next = self.reserve(to, 1)?;
        let result = Operand::To(Slot(to));
        match expr {
            Expr::Number(number) => {
                let bits = Operand::Imm64(number.cast_unsigned());
                self.code.push(CopyValue::IntCopy, &[result, bits])?;
            }
            Expr::Variable(name) => {
                let index = self.variables.iter().position(|known| known == name);
                let index = index.ok_or_else(|| CompileError::UnknownVariable(name.clone()))?;
                let from = Operand::Slot(Slot(index as u16));
                self.code.push(CopyValue::IntCopy, &[result, from])?;
            }
            Expr::Binary(operator, left, right) => {
                self.expr(left, to)?;
                self.expr(right, next)?;
                let operation = match operator {
                    Operator::Add => IntBinary::I64Add,
                    Operator::Sub => IntBinary::I64Sub,
                    Operator::Mul => IntBinary::I64Mul,
                    Operator::Div => IntBinary::I64DivS,
                    Operator::Rem => IntBinary::I64RemS,
                };
                let (left, right) = (Operand::Slot(Slot(to)), Operand::Slot(Slot(next)));
                self.code
                    .push(operation, &[Operand::Rs(Slot(to)), left, right])?;
            }
            Expr::Call(name, arguments) => self.call(name, arguments, to)?,
        }
        Ok(())
    }

    /// Calls a host function; its frame begins at slot `to`, where its result will be.
    fn call(&mut self, name: &str, arguments: &[Expr], to: u16) -> Result<(), CompileError> {
        let index = self.imports.iter().position(|import| import.name == name);
        let index = index.ok_or_else(|| CompileError::UnknownFunction(name.to_owned()))?;
        let expected = self.imports[index].arguments;
        if arguments.len() != expected {
            return Err(CompileError::Arguments {
                function: name.to_owned(),
                expected,
                found: arguments.len(),
            });
        }
        for (argument, slot) in arguments.iter().zip(to..) {
            self.expr(argument, slot)?;
        }
        let linkage = self.reserve(to, expected.max(1))?;
        self.reserve(linkage, 2)?;
        self.code.push(
            CallImport::CallImport,
            &[
                Operand::ImportedFunc(index as u32),
                Operand::Base(Slot(to)),
                Operand::CalleeLinkage(Slot(linkage)),
            ],
        )?;
        Ok(())
    }
}
