//! What callgrind writes.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};

/// The instructions of one run, by function.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Profile {
    /// The workload.
    pub(super) name: String,
    pub(super) total: u64,
    /// What each function took by itself, most first.
    pub(super) functions: Vec<(String, u64)>,
}

impl Profile {
    /// Reads callgrind's format, with names and positions not compressed: `fn=NAME` opens
    /// a function, lines of two numbers are its costs, and the line after a `calls=` is
    /// what a callee took and does not count.
    pub(super) fn parse(name: &str, text: &str) -> anyhow::Result<Self> {
        let mut functions = BTreeMap::<String, u64>::new();
        let mut current = None;
        let mut callee = false;
        let mut totals = None;
        for line in text.lines() {
            if let Some(function) = line.strip_prefix("fn=") {
                current = Some(short(function));
            } else if line.starts_with("calls=") {
                callee = true;
            } else if let Some(total) = line.strip_prefix("totals: ") {
                totals = Some(total.trim().parse::<u64>().context("totals")?);
            } else if line.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) {
                if std::mem::take(&mut callee) {
                    continue;
                }
                // A line without a cost is allowed, and costs nothing.
                let cost = line.split(' ').nth(1).map_or(Ok(0), str::parse::<u64>);
                let cost = cost.with_context(|| format!("expected a cost in {line:?}"))?;
                let function = current.clone().context("a cost outside of a function")?;
                *functions.entry(function).or_default() += cost;
            }
        }
        let total = functions.values().sum();
        let totals = totals.context("there is no line with the total")?;
        ensure!(
            total == totals,
            "the functions took {total} instructions, but the total is {totals}"
        );
        ensure!(total > 0, "nothing was counted");
        let mut functions: Vec<_> = functions
            .into_iter()
            .filter(|(_, cost)| *cost > 0)
            .collect();
        functions.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Ok(Self {
            name: name.to_owned(),
            total,
            functions,
        })
    }
}

/// A symbol without mangling, without the paths of modules, and a handler's without what
/// all of them share.
fn short(symbol: &str) -> String {
    // Callgrind marks levels of recursion.
    let symbol = symbol.split('\'').next().unwrap_or(symbol);
    let name = format!("{:#}", rustc_demangle::demangle(symbol)).replace("::<", "<");
    let name: String = name
        .split_inclusive(|c: char| !c.is_alphanumeric() && c != '_' && c != ':')
        .map(|path| match path.rsplit_once("::") {
            Some((front, last)) if !front.is_empty() => last,
            _ => path,
        })
        .collect();
    let inner = name.strip_prefix("handler<");
    let inner = inner.and_then(|name| name.strip_suffix('>'));
    inner.unwrap_or(&name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
# callgrind format
version: 1
positions: line
events: Ir

fl=a.rs
fn=outer
3 10
cfi=b.rs
cfn=inner
calls=2 7
4 900
5 1

fn=inner
7 80
8 9

totals: 100
";

    #[test]
    fn costs_belong_to_the_function_that_has_them() {
        let profile = Profile::parse("fib", OUTPUT).unwrap();
        assert_eq!(profile.total, 100);
        let expected = [("inner".to_owned(), 89), ("outer".to_owned(), 11)];
        assert_eq!(profile.functions, expected);
    }

    #[test]
    fn what_does_not_add_up_is_refused() {
        assert!(Profile::parse("fib", &OUTPUT.replace("8 9", "8 8")).is_err());
        assert!(Profile::parse("fib", "totals: 0\n").is_err());
        assert!(Profile::parse("fib", "3 10\ntotals: 10\n").is_err());
        assert!(Profile::parse("fib", "fn=a\n3 10\n").is_err());
    }

    #[test]
    fn a_handler_is_called_by_its_instruction() {
        assert_eq!(short("a::b::handler<x::Set<u32, y::R>>"), "Set<u32, R>");
        assert_eq!(short("a::handler::<x::Zero>"), "Zero");
        assert_eq!(short("<a::B as c::D>::run"), "<B as D>::run");
        assert_eq!(short("alloc::vec::push'2"), "push");
    }
}
