//! Bytecode to be looked at.

use alloc::string::{String, ToString};
use core::fmt;

use damson_ir::{Function, Instr, Operand};

/// The bytecode of one function; its [`Display`](fmt::Display) is one instruction per line.
///
/// # Example
///
/// ```
/// # #[cfg(feature = "wat")] {
/// use damson::{Engine, Module};
///
/// let module = Module::new(&Engine::default(), r#"
///     (module (func (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
/// "#)?;
/// let code = module.disassemble(0)?;
/// assert_eq!((code.params(), code.results()), (2, 1));
/// assert!(code.instructions().any(|instr| instr.text.contains("i32.add")));
/// println!("{code}");
/// # }
/// # Ok::<(), damson::Error>(())
/// ```
pub struct Disassembly(pub(super) Function);

/// One instruction of a [`Disassembly`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DisassembledInstr {
    /// Index of its first cell in the function.
    pub cell: usize,
    /// The Wasm operator it was made at, in bytes from the start of the binary, if that was
    /// recorded.
    pub wasm_offset: Option<u32>,
    /// The function that it calls by its index in the module's function index space.
    pub callee: Option<u32>,
    /// Its name and operands.
    pub text: String,
}

impl Disassembly {
    /// Number of parameters.
    #[must_use]
    pub fn params(&self) -> u16 {
        self.0.params
    }

    /// Number of results.
    #[must_use]
    pub fn results(&self) -> u16 {
        self.0.results
    }

    /// Size of the function's frame in cells.
    #[must_use]
    pub fn frame_cells(&self) -> u32 {
        self.0.frame_cells
    }

    /// The instructions in their order.
    pub fn instructions(&self) -> impl Iterator<Item = DisassembledInstr> {
        let offsets = &self.0.offsets;
        self.0
            .instructions()
            .map(|(cell, instr)| DisassembledInstr {
                cell,
                wasm_offset: offsets
                    .binary_search_by_key(&cell, |&(at, _)| at as usize)
                    .ok()
                    .map(|found| offsets[found].1),
                callee: instr.as_ref().ok().and_then(callee),
                text: match instr {
                    Ok(instr) => instr.display(cell).to_string(),
                    Err(error) => error.to_string(),
                },
            })
    }
}

fn callee(instr: &Instr<'_>) -> Option<u32> {
    instr.operands.iter().find_map(|operand| match *operand {
        Operand::DefinedFunc(index) | Operand::ImportedFunc(index) => Some(index),
        _ => None,
    })
}

impl fmt::Display for Disassembly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Disassembly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
