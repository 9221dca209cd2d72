// What every workload in Rust shares: as `workload.h` does for C, the command line, the
// `run` export, the output and the checksum helpers.
//
// A program defines NAME, TEST_SIZE, DEFAULT_SIZE and MAX_SIZE, includes this file, and
// defines `work`, which does everything for a size and gives the outcome. It must not
// make a system call, so it does without `HashMap`, which wants random numbers.

/// What a run found.
struct Outcome {
    checksum: u32,
    /// Numbers for people.
    lines: Vec<(&'static str, u64)>,
}

/// Folds `value` into the checksum `sum`; the order of the calls matters.
fn mix(sum: u32, value: u32) -> u32 {
    let sum = (sum ^ value).wrapping_mul(0x9E37_79B1);
    sum ^ (sum >> 15)
}

/// Folds all 64 bits of `value`.
#[allow(dead_code)] // Not every program has such values.
fn mix64(sum: u32, value: u64) -> u32 {
    mix(mix(sum, value as u32), (value >> 32) as u32)
}

/// A xorshift generator; `state` must not be 0.
fn next_random(state: &mut u32) -> u32 {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    *state
}

/// The benchmark's entry: no WASI call, traps on a size outside of 1..=MAX_SIZE.
#[no_mangle]
#[inline(never)]
pub extern "C" fn run(size: i32) -> i32 {
    work(checked(size)).checksum as i32
}

fn checked(size: i32) -> u32 {
    if size < 1 || size > MAX_SIZE {
        std::process::abort();
    }
    size as u32
}

fn parse_size(text: &str) -> Option<i32> {
    match text {
        "test" => Some(TEST_SIZE),
        _ => text.parse().ok().filter(|size| (1..=MAX_SIZE).contains(size)),
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let size = match &args[..] {
        [] => Some(DEFAULT_SIZE),
        [text] => parse_size(text),
        _ => None,
    };
    let size = match size {
        Some(size) => size,
        None => {
            eprintln!("usage: {NAME} [size | test]");
            std::process::exit(2);
        }
    };
    let outcome = work(checked(size));
    println!("{NAME} {size}");
    for (label, value) in &outcome.lines {
        println!("{label} {value}");
    }
    println!("checksum {:08x}", outcome.checksum);
}
