//! A calculator whose expressions run on Damson's executor.
//!
//! ```text
//! cargo run -p executor-only -- 'max(x, 10) * (y - 1)' x=4 y=8
//! ```
//!
//! There is no WebAssembly in it: [`parse`] makes a tree of the text, [`compile`]
//! makes bytecode of the tree, and [`run`] verifies the bytecode and runs it on a
//! pruned store whose host functions the expressions may call.

mod compile;
mod parse;
mod run;

use std::env;
use std::error::Error;

use crate::run::Calculator;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let Some(text) = arguments.next() else {
        println!("usage: executor-only EXPRESSION [NAME=NUMBER]...");
        println!("with + - * / % and parentheses, and the functions abs(n), max(a, b), print(n)");
        return Ok(());
    };
    let mut variables = Vec::new();
    for argument in arguments {
        let (name, value) = argument
            .split_once('=')
            .ok_or_else(|| format!("expected NAME=NUMBER, found `{argument}`"))?;
        variables.push((name.to_owned(), value.parse()?));
    }
    let mut calculator = Calculator::new()?;
    let result = calculator.evaluate(&text, &variables)?;
    for line in calculator.printed() {
        println!("printed {line}");
    }
    println!("{result}");
    Ok(())
}
