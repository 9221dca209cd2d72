//! `damson run --profile`.

use std::fs;

use crate::program::{damson, file, wasi_program};

/// Three functions whose work is 6 : 3 : 1, called in turns by a fourth one.
const WORKER: &str = r#"
    (func $much (param $n i32) (loop $l
        (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br_if $l (local.get $n))))
    (func $some (param $n i32) (loop $l
        (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br_if $l (local.get $n))))
    (func $_ZN5plant4growEv (param $n i32) (loop $l
        (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br_if $l (local.get $n))))
    (func $start (export "_start") (local $n i32)
        (loop $l
            (call $much (i32.const 600))
            (call $some (i32.const 300))
            (call $_ZN5plant4growEv (i32.const 100))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $l (i32.lt_u (local.get $n) (i32.const 300)))))"#;

/// Runs a program with a profile of this name; what the program prints, and the profile.
fn profile(name: &str, options: &[&str], command: &[&str]) -> (String, String) {
    let target = file(name, "to be overwritten");
    let output = damson(&[&["run", "--profile", &target], options, command].concat()).success();
    (output, fs::read_to_string(target).expect("a profile"))
}

/// The shares of own work in a profile in text form.
fn own(profile: &str) -> Vec<(String, f64)> {
    let table = profile
        .lines()
        .skip_while(|line| !line.ends_with("  function"))
        .skip(1);
    table
        .take_while(|line| !line.is_empty())
        .map(|line| {
            let mut fields = line.split_whitespace();
            let share = fields.next().expect("a share").trim_end_matches('%');
            let name = fields.skip(1).collect::<Vec<_>>().join(" ");
            (name, share.parse().expect("a number"))
        })
        .collect()
}

#[test]
fn functions_stand_in_the_order_of_their_work() {
    let path = file("profile.wat", wasi_program(WORKER));
    let (_, text) = profile("work.txt", &[], &[&path]);
    let own = own(&text);
    let names: Vec<&str> = own.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[..3], ["much", "some", "plant::grow()"], "{text}");
    for ((name, found), expected) in own.iter().zip([60.0, 30.0, 10.0]) {
        assert!((found - expected).abs() < 3.0, "{name}: {text}");
    }
    // All of it happened in the function that calls them.
    let start = text.lines().find(|line| line.ends_with("  start"));
    assert!(start.is_some_and(|line| line.contains("100.00%")), "{text}");
    // It is the same at every run and in every mode.
    // (Instructions are repeated when code was missing, which a build that counts them shows.)
    let functions = |text: &str| {
        text.split("\n\n")
            .take(2)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    for options in [&[][..], &["--compilation-mode", "lazy"]] {
        let (_, again) = profile("work_again.txt", options, &[&path]);
        assert_eq!(functions(&again), functions(&text));
    }
}

/// What a branch skips is no work: a loop of an interpreter has much of that.
#[test]
fn code_that_does_not_run_does_not_count() {
    let skipped = "(nop)".repeat(200);
    let guest = format!(
        r#"
        (func $skips (param $n i32) (loop $l
            (block $b (br_if $b (local.get $n)) {skipped})
            (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br_if $l (local.get $n))))
        (func $works (param $n i32) (loop $l
            (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br_if $l (local.get $n))))
        (func $start (export "_start") (local $n i32)
            (loop $l
                (call $skips (i32.const 600))
                (call $works (i32.const 600))
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if $l (i32.lt_u (local.get $n) (i32.const 300)))))"#
    );
    let path = file("profile_skips.wat", wasi_program(&guest));
    // Nine operators in each round, and six.
    let (_, text) = profile("skips.txt", &[], &[&path]);
    for ((name, found), expected) in own(&text).iter().zip([60.0, 40.0]) {
        assert!((found - expected).abs() < 3.0, "{name}: {text}");
    }
    let (count, unit) = text
        .lines()
        .next()
        .and_then(|line| line.split_once(' '))
        .expect("two");
    assert_eq!(unit, "instructions executed");
    let total: u64 = count.parse().expect("a number");
    // 300 rounds with 600 of both, and what calls them.
    assert!((2_700_000..2_720_000).contains(&total), "{text}");
    // `bench` counts the same, but for a slice, and not the 36 million that are skipped.
    let report = damson(&["bench", "--runs", "1", &path]).success();
    assert!(
        (total..total + total / 100).contains(&instructions(&report)),
        "{report}"
    );

    // A limit counts as it does without a profile.
    let (_, text) = profile("skips_limited.txt", &["--fuel", "100000000"], &[&path]);
    assert_eq!(own(&text)[0].0, "skips", "{text}");
    assert!(own(&text)[0].1 > 90.0, "{text}");
    let heading = text.lines().next().expect("a heading");
    let unit = " units of fuel, skipped code included (--fuel)";
    assert!(heading.ends_with(unit), "{text}");
    let args = ["bench", "--runs", "1", "--fuel", "100000000", &path];
    let report = damson(&args).success();
    let about = report.lines().find_map(|line| line.strip_prefix("about "));
    assert!(
        about.is_some_and(|line| line.contains(" instructions, ")),
        "{report}"
    );
}

/// How many instructions `bench` has counted.
fn instructions(report: &str) -> u64 {
    let mut lines = report.lines();
    let count = lines.find_map(|line| line.split_once(" instructions, "));
    let (count, _) = count.unwrap_or_else(|| panic!("no count in\n{report}"));
    count.parse().expect("a number and nothing else")
}

#[test]
fn stacks_are_complete() {
    let path = file("profile_stacks.wat", wasi_program(WORKER));
    let (_, folded) = profile("stacks.folded", &[], &[&path]);
    let units = |stack: &str| -> u64 {
        let line = folded.lines().find_map(|line| line.strip_prefix(stack));
        let line = line.unwrap_or_else(|| panic!("no {stack} in\n{folded}"));
        line.trim().parse().expect("a number")
    };
    assert!(units("start;much ") > units("start;some "));
    assert!(units("start;some ") > units("start;plant::grow() "));
    let sum: u64 = folded
        .lines()
        .map(|line| line.rsplit(' ').next().expect("units").parse::<u64>())
        .sum::<Result<u64, _>>()
        .expect("numbers");
    // What a run executes in all, but for a slice.
    let report = damson(&["bench", "--runs", "1", &path]).success();
    let count = instructions(&report);
    assert!(
        (count * 99 / 100..=count * 101 / 100).contains(&sum),
        "{report}\n{folded}"
    );
}

/// Without a name section exports have names; a name there comes first, also that of another.
#[test]
fn functions_are_called_what_they_are_exported_as() {
    let module = r#"(module
        (func (export "work") (param i32) (loop $l
            (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br_if $l (local.get 0))))
        (func $named (export "other") (call 0 (i32.const 1000)))
        (func (export "named") (param i32) (call 0 (local.get 0)))
        (func (export "_start") (call 0 (i32.const 1000)) (call 1) (call 2 (i32.const 1000))))"#;
    let path = file("profile_exports.wat", module);
    let (_, folded) = profile("exports.folded", &[], &[&path]);
    let stacks: Vec<&str> = folded
        .lines()
        .filter_map(|line| Some(line.rsplit_once(' ')?.0))
        .collect();
    for stack in [
        "_start",
        "_start;<function 2>;work",
        "_start;named;work",
        "_start;work",
    ] {
        assert!(stacks.contains(&stack), "{stack}: {folded}");
    }
}

#[test]
fn a_flame_graph_names_the_functions() {
    let path = file("profile_svg.wat", wasi_program(WORKER));
    let (_, svg) = profile("flames.svg", &[], &[&path]);
    assert!(svg.starts_with("<?xml"), "{svg}");
    assert!(svg.trim_end().ends_with("</svg>"), "{svg}");
    for part in [
        "profile_svg.wat",
        "<title>much (",
        "<title>plant::grow() (",
        " instructions executed, ",
    ] {
        assert!(svg.contains(part), "{part}: {svg}");
    }
    let (_, svg) = profile("flames_fuel.svg", &["--fuel", "100000000"], &[&path]);
    assert!(
        svg.contains(" units of fuel, skipped code included, "),
        "{svg}"
    );
}

/// The program does what it does without a profile: its output, its results, its exit code.
#[test]
fn profiled_programs_do_the_same() {
    let module = wasi_program(
        r#"(global $ready (mut i32) (i32.const 0))
        (func (export "_initialize") (global.set $ready (i32.const 1)))
        (func $fac (export "fac") (param i64) (result i64)
            (if (i32.eqz (global.get $ready)) (then unreachable))
            (if (result i64) (i64.eqz (local.get 0))
                (then (i64.const 1))
                (else (i64.mul (local.get 0) (call $fac (i64.sub (local.get 0) (i64.const 1)))))))
        (data (i32.const 64) "bye")
        (func $leave (export "_start")
            (call $print (i32.const 64) (i32.const 3))
            (call $proc_exit (i32.const 9)))"#,
    );
    let path = file("profile_same.wat", module);
    let command = ["--invoke", "fac", &path, "20"];
    let (output, text) = profile("fac.txt", &["--fuel", "100000"], &command);
    assert_eq!(output, "2432902008176640000\n");
    assert!(own(&text).iter().any(|(name, _)| name == "fac"), "{text}");

    let target = file("leave.txt", "");
    let outcome = damson(&["run", "--profile", &target, &path]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(9), "bye"));
    assert!(
        fs::read_to_string(&target)
            .expect("a profile")
            .contains("leave")
    );
}

/// Limits and traps are as without a profile, and what was found until then is kept.
#[test]
fn profiles_of_programs_that_fail_are_written() {
    let module = r#"(module
        (func $spin (loop $l (br $l)))
        (func $start (export "_start") (call $spin))
        (func $deep (export "deep") (call $deep))
        (func $trap (export "trap") unreachable))"#;
    let path = file("profile_fail.wat", module);
    for (options, complaint) in [
        (&["--fuel", "100000"][..], "`--fuel` raises it\n"),
        (&["--timeout", "100ms"], "`--timeout` raises it\n"),
        (&["--invoke", "deep"], "`--stack-size` raises it\n"),
        (&["--invoke", "trap"], " - trap\n"),
    ] {
        let target = file("fail.folded", "");
        let args = [&["run", "--profile", &target], options, &[&path]].concat();
        let stderr = damson(&args).failure(134);
        assert!(stderr.ends_with(complaint), "{stderr}");
        assert!(stderr.contains("wasm backtrace:\n    0: "), "{stderr}");
        let folded = fs::read_to_string(target).expect("a profile");
        let expected = match options[1] {
            "deep" => "deep;deep ",
            "trap" => "trap ",
            _ => "start;spin ",
        };
        assert!(folded.contains(expected), "{expected}: {folded}");
    }
}

#[test]
fn a_profile_that_cannot_be_written_is_known_before_the_program_runs() {
    let module = wasi_program(
        r#"(data (i32.const 64) "ran")
        (func (export "_start") (call $print (i32.const 64) (i32.const 3)))"#,
    );
    let path = file("profile_nowhere.wat", module);
    let stderr = damson(&["run", "--profile", "no/such/folder/x.svg", &path]).failure(1);
    let expected = "error: the profile cannot be written to no/such/folder/x.svg: ";
    assert!(stderr.starts_with(expected), "{stderr}");
    for name in ["x.png", "x"] {
        let stderr = damson(&["run", "--profile", name, &path]).failure(2);
        assert!(stderr.contains("ends in .svg"), "{stderr}");
    }
}

/// The exit code and the message are those of the program, also when it never ran.
#[test]
fn what_becomes_of_a_program_is_told_with_every_profile() {
    let segment = r#"(module (memory 1) (data (i32.const 65536) "x") (func (export "_start")))"#;
    let missing = r#"(module (import "no" "where" (func)) (func (export "_start")))"#;
    let empty = r#"(module (func (export "_start")))"#;
    for (name, module, options, code, complaint) in [
        ("segment", segment, &[][..], 134, "out of bounds"),
        ("missing", missing, &[], 65, "no::where"),
        ("fuel", empty, &["--fuel", "0"], 134, "`--fuel` raises it"),
    ] {
        let path = file(&format!("profile_early_{name}.wat"), module);
        for ending in ["svg", "txt", "folded"] {
            let target = file(&format!("early_{name}.{ending}"), "");
            let args = [&["run", "--profile", &target], options, &[&path]].concat();
            let stderr = damson(&args).failure(code);
            assert!(stderr.contains(complaint), "{name} {ending}: {stderr}");
            let about_it = stderr.contains("the profile") || stderr.contains("graph");
            assert!(!about_it, "{name} {ending}: {stderr}");
        }
    }
}

/// What cannot be written after all is a note beside what became of the program.
#[cfg(unix)]
#[test]
fn an_unwritten_profile_does_not_hide_how_the_program_ended() {
    let module = wasi_program(
        r#"(func (export "_start") (call $proc_exit (i32.const 9)))
        (func (export "trap") unreachable)
        (func (export "seven") (result i32) (i32.const 7))"#,
    );
    let path = file("profile_full.wat", module);
    // A device that takes nothing, under a name that says what to write.
    let target = file("full.txt", "");
    fs::remove_file(&target).expect("just written");
    std::os::unix::fs::symlink("/dev/full", &target).expect("a link");
    let run = |more: &[&str]| damson(&[&["run", "--profile", &target], more].concat());
    let expected = "the profile cannot be written to ";
    let stderr = run(&[&path]).failure(9);
    assert!(stderr.starts_with(&format!("note: {expected}")), "{stderr}");
    let stderr = run(&["--invoke", "trap", &path]).failure(134);
    assert!(stderr.contains("unreachable"), "{stderr}");
    assert!(stderr.contains(&format!("note: {expected}")), "{stderr}");
    // Without another failure it is one.
    let outcome = run(&["--invoke", "seven", &path]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), "7\n"));
    assert!(outcome.stderr.starts_with(&format!("error: {expected}")));
}

/// What was there before stays until there is something to write.
#[test]
fn an_old_profile_survives_a_module_that_cannot_be_used() {
    let path = file("profile_invalid.wat", "(module (func (result i32)))");
    let target = file("survivor.txt", "older");
    damson(&["run", "--profile", &target, &path]).failure(65);
    assert_eq!(fs::read_to_string(target).expect("a profile"), "older");
}

/// Only a build that counts has pairs; `cargo test -p damson-cli --features count` tests it.
#[test]
fn pairs_of_instructions_are_counted_in_a_build_for_that() {
    let path = file("profile_pairs.wat", wasi_program(WORKER));
    let (_, text) = profile("pairs.txt", &[], &[&path]);
    let mut pairs = text
        .lines()
        .skip_while(|line| *line != "  share  pair")
        .skip(1);
    if cfg!(feature = "count") {
        let first = pairs.next().expect("a pair");
        assert!(first.contains(" ; "), "{text}");
        assert!(text.contains(" bytecode instructions\n"), "{text}");
        assert!(!text.contains("consume_fuel"), "{text}");
    } else {
        assert_eq!(pairs.next(), None, "{text}");
        assert!(text.ends_with(" --features count\n"), "{text}");
    }
}
