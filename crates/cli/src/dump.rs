//! `damson dump`: the bytecode of each function beside its WebAssembly.
//!
//! The operators are printed by `wasmprinter`, which also knows where each line
//! comes from; the translator says for its instructions at which operator they
//! were made. Instructions are never reordered: the operators are put between
//! them, each before the first instruction that was made at it or later. An
//! operator without an instruction of its own was folded into a later one or
//! needs none.

use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};
use std::ops::Range;

use damson::{Config, Module};

use crate::failure::Failure;
use crate::load;
use crate::names::Names;
use crate::options::{DumpOptions, Mode};
use crate::output::{self, plain, styled};

pub(crate) fn run(options: &DumpOptions) -> Result<(), Failure> {
    let path = &options.file;
    let binary = load::binary(path)?;
    let mode = Mode::LazyTranslation;
    let engine = load::engine(Config::default(), mode);
    let module = load::module(&engine, mode, path, &binary)?;
    let names = Names::new(&module);
    let functions = match &options.function {
        None => module.defined_funcs(),
        Some(function) => {
            let index = pick(&module, &names, function).map_err(Failure::Usage)?;
            index..index + 1
        }
    };

    let mut text = String::new();
    let lines = wasmprinter::Config::new()
        .offsets_and_lines(&binary, &mut text)
        .map_err(|error| load::invalid(path, format_args!("{error:#}")))?
        .filter_map(|(offset, text)| {
            Some(Line {
                offset: offset?,
                text: text.trim_end(),
            })
        })
        .collect::<Vec<Line<'_>>>();

    let mut out = BufWriter::new(anstream::stdout().lock());
    for index in functions {
        let name = names
            .get(index)
            .map(|name| format!(" {}", plain(name)))
            .unwrap_or_default();
        let code = module
            .disassemble(index)
            .map_err(|error| load::of_module(path, &error))?;
        let instructions = code.instructions().map(|instruction| {
            let mut text = instruction.text;
            if let Some(name) = instruction.callee.and_then(|index| names.get(index)) {
                // Writing to a string does not fail.
                let name = styled(output::DIM, format!("; {}", plain(name)));
                let _ = write!(text, "  {name}");
            }
            Instruction {
                cell: instruction.cell,
                offset: instruction.wasm_offset,
                text,
            }
        });
        let lines = module
            .body_range(index)
            .map_or(&[][..], |body| within(&lines, &body));
        let heading = styled(output::HEADING, format!("function {index}{name}"));
        let written = writeln!(
            out,
            "{heading}: {} parameters, {} results, a frame of {} cells",
            code.params(),
            code.results(),
            code.frame_cells()
        )
        .and_then(|()| interleave(&mut out, lines, instructions))
        .and_then(|()| writeln!(out));
        written.map_err(|error| Failure::of_output(&error))?;
    }
    out.flush().map_err(|error| Failure::of_output(&error))
}

/// The function that is meant by an index or a name; names of the name section come first.
fn pick(module: &Module, names: &Names<'_>, function: &str) -> Result<u32, String> {
    let defined = module.defined_funcs();
    if let Ok(index) = function.parse() {
        return if defined.contains(&index) {
            Ok(index)
        } else {
            Err(no_function(index, &defined))
        };
    }
    let mut named = defined.filter(|index| module.func_name(*index) == Some(function));
    match (named.next(), named.next()) {
        (Some(index), None) => Ok(index),
        (None, _) => match names.exported(function) {
            Some(index) if !module.defined_funcs().contains(&index) => {
                Err(no_function(index, &module.defined_funcs()))
            }
            Some(index) => Ok(index),
            None => Err(format!(
                "no function of the module's own is named or exported as `{function}`"
            )),
        },
        (Some(first), Some(second)) => Err(format!(
            "several functions are named `{function}`, {first} and {second} among them"
        )),
    }
}

fn no_function(index: u32, defined: &Range<u32>) -> String {
    let Range { start, end } = defined;
    match index {
        _ if defined.is_empty() => "the module defines no functions".to_owned(),
        _ if index < *start => format!(
            "function {index} is imported and has no bytecode; the module's own are {start} to {}",
            end - 1
        ),
        _ => format!(
            "there is no function {index}; the module's own are {start} to {}",
            end - 1
        ),
    }
}

/// A line of the module's text.
struct Line<'a> {
    /// Where the binary says so, in bytes from its start.
    offset: u64,
    text: &'a str,
}

/// An instruction of bytecode.
struct Instruction {
    /// Index of its first cell.
    cell: usize,
    /// At which operator it was made, if that was recorded.
    offset: Option<u32>,
    text: String,
}

/// The lines of one body. Lines are in the order of their offsets.
fn within<'a, 'b>(lines: &'a [Line<'b>], body: &Range<u64>) -> &'a [Line<'b>] {
    let before = |end: u64| lines.partition_point(|line| line.offset < end);
    &lines[before(body.start)..before(body.end)]
}

fn interleave(
    out: &mut impl Write,
    lines: &[Line<'_>],
    instructions: impl Iterator<Item = Instruction>,
) -> io::Result<()> {
    // The function's header and its locals are no operators.
    let header = lines
        .iter()
        .take_while(|line| line.text.trim_start().starts_with('('))
        .count();
    let (header, mut operators) = lines.split_at(header);
    print(out, header)?;
    for Instruction { cell, offset, text } in instructions {
        if let Some(offset) = offset {
            let made = operators.partition_point(|line| line.offset <= u64::from(offset));
            print(out, &operators[..made])?;
            operators = &operators[made..];
        }
        writeln!(out, "{:16}{cell:>5}  {}", "", styled(output::CODE, text))?;
    }
    print(out, operators)
}

fn print(out: &mut impl Write, lines: &[Line<'_>]) -> io::Result<()> {
    for Line { offset, text } in lines {
        // Everything is inside of a module.
        let text = text.strip_prefix("  ").unwrap_or(text);
        // The function's `end` is a parenthesis in the text format.
        let text = if text == ")" { "end" } else { text };
        writeln!(
            out,
            "{}  {text}",
            styled(output::DIM, format_args!("{offset:#08x}"))
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> Vec<Line<'static>> {
        [
            (0x10, "  (func $f (param i32)"),
            (0x11, "    (local i64)"),
            (0x13, "    local.get 0"),
            (0x15, "    i32.eqz"),
            (0x16, "    drop"),
            (0x17, "  )"),
            (0x19, "  (func $g"),
        ]
        .into_iter()
        .map(|(offset, text)| Line { offset, text })
        .collect()
    }

    fn instruction(cell: usize, offset: Option<u32>) -> Instruction {
        Instruction {
            cell,
            offset,
            text: format!("op{cell}"),
        }
    }

    fn printed(instructions: Vec<Instruction>) -> Vec<String> {
        let lines = lines();
        let mut out = Vec::new();
        interleave(
            &mut out,
            within(&lines, &(0x10..0x18)),
            instructions.into_iter(),
        )
        .unwrap();
        let text = String::from_utf8(out).unwrap();
        let text = anstream::adapter::strip_str(&text).to_string();
        text.lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    }

    #[test]
    fn instructions_follow_the_operator_they_were_made_at() {
        let found = printed(vec![
            instruction(0, None),
            instruction(1, Some(0x15)),
            instruction(3, None),
            instruction(4, Some(0x13)),
            instruction(5, Some(0x17)),
        ]);
        let expected = [
            "0x000010 (func $f (param i32)",
            "0x000011 (local i64)",
            "0 op0",
            "0x000013 local.get 0",
            "0x000015 i32.eqz",
            "1 op1",
            "3 op3",
            "4 op4",
            "0x000016 drop",
            "0x000017 end",
            "5 op5",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn operators_after_the_last_instruction_are_printed_too() {
        assert_eq!(printed(vec![]).len(), 6);
        assert_eq!(printed(vec![]).last().unwrap(), "0x000017 end");
    }

    #[test]
    fn wrong_numbers_of_functions_are_explained() {
        assert!(no_function(0, &(2..5)).contains("imported"));
        assert!(no_function(5, &(2..5)).contains("2 to 4"));
        assert!(no_function(5, &(2..2)).contains("no functions"));
    }
}
