//! The disassembler: bytecode as text.

use crate::{Function, Instr, Operand, Target};
use core::fmt;

impl Instr<'_> {
    /// The instruction as text, with branch targets as absolute cells when the index of its
    /// first cell is known.
    pub fn display(&self, at: usize) -> impl fmt::Display {
        fmt::from_fn(move |f| {
            write!(f, "{}", self.opcode.op())?;
            let names = self.opcode.family().info().operands;
            for (index, operand) in self.operands.iter().enumerate() {
                f.write_str(if index == 0 { " " } else { ", " })?;
                match *operand {
                    Operand::BrIf(Target::By(by)) => write!(f, "if -> {}", absolute(at, by))?,
                    Operand::BrUnless(Target::By(by)) => {
                        write!(f, "unless -> {}", absolute(at, by))?
                    }
                    Operand::Target(Target::By(by)) => write!(f, "-> {}", absolute(at, by))?,
                    Operand::Count(count) => write!(f, "{} {count}", names[index])?,
                    Operand::Targets(_) => {
                        f.write_str("[")?;
                        for (index, by) in self.targets().enumerate() {
                            write!(
                                f,
                                "{}{}",
                                if index == 0 { "" } else { " " },
                                absolute(at, by)
                            )?;
                        }
                        f.write_str("]")?;
                    }
                    other => write!(f, "{other}")?,
                }
            }
            Ok(())
        })
    }
}

/// A branch target as the index of a cell.
fn absolute(at: usize, by: i32) -> i64 {
    at as i64 + i64::from(by)
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "params {} results {} frame {}",
            self.params, self.results, self.frame_cells
        )?;
        for (at, instr) in self.instructions() {
            match instr {
                Ok(instr) => writeln!(f, "{at:5}  {}", instr.display(at))?,
                Err(error) => writeln!(f, "{at:5}  <{error}>")?,
            }
        }
        Ok(())
    }
}
