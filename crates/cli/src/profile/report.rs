//! What a profile looks like.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use inferno::flamegraph::{self, Options};

use super::{Unit, Work};
use crate::failure::Failure;

/// How many functions the table has at most.
const FUNCTIONS: usize = 50;

/// A flame graph.
pub(super) fn flame_graph(work: &Work, unit: Unit, title: &str) -> Result<Vec<u8>, Failure> {
    let mut options = Options::default();
    title.clone_into(&mut options.title);
    unit.text().clone_into(&mut options.count_name);
    let mut lines = folded(work);
    if lines.is_empty() {
        // A graph needs something to show.
        "nothing was executed 1\n".clone_into(&mut lines);
        "of nothing".clone_into(&mut options.count_name);
    }
    let mut svg = Vec::new();
    flamegraph::from_lines(&mut options, lines.lines(), &mut svg)
        .map_err(|error| Failure::other(format!("the flame graph cannot be drawn: {error}")))?;
    Ok(svg)
}

/// A line for each chain of functions, outermost first, with its work.
pub(super) fn folded(work: &Work) -> String {
    let mut lines = BTreeMap::new();
    for (stack, units) in &work.stacks {
        // What would end a name or a line.
        let names = stack.iter().map(|number| {
            let plain = |c: char| if c == ';' || c.is_control() { '_' } else { c };
            work.names[*number].chars().map(plain).collect::<String>()
        });
        *lines
            .entry(names.collect::<Vec<_>>().join(";"))
            .or_default() += *units;
    }
    let mut text = String::new();
    for (stack, units) in lines {
        let units: u64 = units;
        // Writing to a string does not fail.
        let _ = writeln!(text, "{stack} {units}");
    }
    text
}

/// The functions with most work of their own.
pub(super) fn tables(work: &Work, unit: Unit) -> String {
    let total = work.total();
    let (mut own, mut with_callees) = (vec![0; work.names.len()], vec![0; work.names.len()]);
    for (stack, units) in &work.stacks {
        if let Some(innermost) = stack.last() {
            own[*innermost] += *units;
        }
        // A function that calls itself is there once.
        for function in stack.iter().collect::<HashSet<_>>() {
            with_callees[*function] += *units;
        }
    }
    let mut functions: Vec<usize> = (0..work.names.len()).collect();
    functions.retain(|function| with_callees[*function] > 0);
    functions.sort_by_key(|function| {
        let function = *function;
        let work_done: (u64, u64) = (own[function], with_callees[function]);
        (std::cmp::Reverse(work_done), &work.names[function])
    });
    let mut text = format!("{total} {}{}\n\n", unit.text(), unit.reason());
    let share = |units: u64| 100.0 * units as f64 / total.max(1) as f64;
    let _ = writeln!(text, "    own  with callees  function");
    for function in functions.into_iter().take(FUNCTIONS) {
        let [own, all] = [own[function], with_callees[function]].map(share);
        let _ = writeln!(text, "{own:>6.2}%  {all:>11.2}%  {}", work.names[function]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(stacks: &[(&[&str], u64)]) -> Work {
        let mut work = Work::default();
        for (names, units) in stacks {
            let stack = names.iter().map(|name| work.number(name)).collect();
            work.note(stack, *units);
        }
        work
    }

    #[test]
    fn stacks_are_folded_in_order() {
        let work = work(&[
            (&["main", "b"], 3),
            (&["main", "a;\n b"], 5),
            (&["main"], 1),
            (&["main", "b"], 4),
            (&["never"], 0),
        ]);
        assert_eq!(folded(&work), "main 1\nmain;a__ b 5\nmain;b 7\n");
        let svg =
            String::from_utf8(flame_graph(&work, Unit::Instruction, "the title").unwrap()).unwrap();
        for part in [
            "<svg",
            "the title",
            "<title>b (7 instructions executed, 53.85%)</title>",
        ] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
        let svg = String::from_utf8(flame_graph(&work, Unit::Fuel, "x").unwrap()).unwrap();
        let part = "<title>b (7 units of fuel, skipped code included, 53.85%)</title>";
        assert!(svg.contains(part), "{svg}");
    }

    #[test]
    fn no_work_is_a_graph_that_says_so() {
        let svg =
            String::from_utf8(flame_graph(&work(&[]), Unit::Instruction, "x").unwrap()).unwrap();
        assert!(svg.contains("<title>nothing was executed ("), "{svg}");
        assert!(tables(&work(&[]), Unit::Instruction).starts_with("0 instructions"));
    }

    #[test]
    fn tables_tell_own_work_from_that_of_callees() {
        let work = work(&[
            (&["main", "f", "f", "g"], 60),
            (&["main", "f"], 30),
            (&["main"], 10),
        ]);
        let text = tables(&work, Unit::Instruction);
        let expected = "\
100 instructions executed

    own  with callees  function
 60.00%        60.00%  g
 30.00%        90.00%  f
 10.00%       100.00%  main
";
        assert_eq!(text, expected);
        let text = tables(&work, Unit::Fuel);
        let heading = "100 units of fuel, skipped code included (--fuel)\n\n";
        assert!(text.starts_with(heading), "{text}");
    }
}
