//! The execution set: what is measured, at which sizes.
//!
//! The modules are in `workloads/`: programs with checked results, and kernels, of which
//! [`kernels`](crate::kernels) knows the results. Sizes are chosen for the
//! measurement: a timed run takes some 20 to 80 ms on Damson, long enough for the clock
//! and short enough to be interleaved often; a counted run takes some millions of native
//! instructions.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;

use crate::engine::{Engine, Guest};
use crate::kernels::kernel;

/// A workload of the set.
#[derive(Clone, Copy)]
pub(crate) struct Workload {
    /// The name of the module in `workloads/`.
    pub(crate) name: &'static str,
    /// The size for times.
    pub(crate) timed: i32,
    /// The size for counts.
    pub(crate) counted: i32,
    /// What it is used for when fused instructions are chosen.
    #[cfg_attr(
        not(feature = "count"),
        expect(dead_code, reason = "only sequences are counted by halves")
    )]
    pub(crate) half: Half,
}

/// A half of the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    /// Shows which sequences of instructions to fuse.
    Choose,
    /// Shows whether that was worth it.
    Judge,
}

use Half::{Choose, Judge};

const fn workload(name: &'static str, timed: i32, counted: i32, half: Half) -> Workload {
    Workload {
        name,
        timed,
        counted,
        half,
    }
}

/// All of them. The halves have a share of each kind of program.
pub(crate) const SET: &[Workload] = &[
    workload("argon", 1_024, 16, Choose),
    workload("bulk_memory", 200_000, 2_000, Choose),
    workload("coremark_like", 100, 4, Choose),
    workload("count_global", 8_000_000, 100_000, Judge),
    workload("count_local", 8_000_000, 100_000, Choose),
    workload("count_param", 8_000_000, 100_000, Judge),
    workload("deflate", 128, 4, Judge),
    workload("dfa", 256, 4, Choose),
    workload("dynamic", 10_000, 500, Choose),
    workload("fib", 30, 20, Judge),
    workload("fib_iter", 6_000_000, 100_000, Judge),
    workload("fib_tail", 3_000_000, 50_000, Choose),
    workload("host_calls", 500_000, 20_000, Choose),
    workload("json", 500, 20, Judge),
    workload("keccak", 256, 8, Judge),
    workload("lists", 20_000, 1_000, Judge),
    workload("mandelbrot", 400, 40, Choose),
    workload("matmul", 128, 24, Judge),
    workload("nbody", 20_000, 500, Choose),
    workload("nqueens", 11, 8, Choose),
    workload("sha256", 256, 16, Judge),
    workload("sieve", 1_000_000, 20_000, Choose),
    workload("sort", 10_000, 1_000, Judge),
    workload("spectral", 400, 40, Judge),
    workload("trees", 80_000, 4_000, Judge),
    workload("vm", 2_000, 100, Choose),
    workload("wordcount", 30_000, 1_000, Choose),
];

/// The workloads of which the name contains `filter`.
///
/// # Errors
///
/// When there are none.
pub(crate) fn select(filter: Option<&str>) -> anyhow::Result<Vec<Workload>> {
    let names = |workload: &&Workload| filter.is_none_or(|text| workload.name.contains(text));
    let selected: Vec<_> = SET.iter().filter(names).copied().collect();
    anyhow::ensure!(
        !selected.is_empty(),
        "no workload's name contains {:?}; there are: {}",
        filter.unwrap_or_default(),
        SET.iter().map(|w| w.name).collect::<Vec<_>>().join(", ")
    );
    Ok(selected)
}

/// The workload of that name.
///
/// # Errors
///
/// When there is none.
pub(crate) fn find(name: &str) -> anyhow::Result<Workload> {
    let found = SET.iter().find(|workload| workload.name == name);
    found
        .copied()
        .with_context(|| format!("there is no workload {name:?}"))
}

impl Workload {
    /// The module's bytes.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub(crate) fn wasm(&self) -> anyhow::Result<Vec<u8>> {
        if let Some(kernel) = kernel(self.name) {
            return Ok(wat::parse_str(kernel.text)?);
        }
        let path = folder().join(format!("{}.wasm", self.name));
        fs::read(&path).with_context(|| format!("{}", path.display()))
    }

    /// An instance, which has given the right result for the test size.
    ///
    /// # Errors
    ///
    /// When the engine does not take the module, or is wrong.
    pub(crate) fn load(&self, engine: &dyn Engine) -> anyhow::Result<Box<dyn Guest>> {
        let place = || format!("{} on {}", self.name, engine.name());
        let mut guest = engine.load(&self.wasm()?).with_context(place)?;
        self.check(&mut *guest).with_context(place)?;
        Ok(guest)
    }

    /// The same for an engine that need not take every module: says why it does not.
    ///
    /// # Errors
    ///
    /// When the engine gives a wrong result.
    pub(crate) fn try_load(
        &self,
        engine: &dyn Engine,
    ) -> anyhow::Result<Result<Box<dyn Guest>, anyhow::Error>> {
        let mut guest = match engine.load(&self.wasm()?) {
            Ok(guest) => guest,
            Err(error) => return Ok(Err(error)),
        };
        // Some translate, and refuse, when a function is called.
        if let Err(error) = guest.run(self.counted) {
            return Ok(Err(error));
        }
        let place = || format!("{} on {}", self.name, engine.name());
        self.check(&mut *guest).with_context(place)?;
        Ok(Ok(guest))
    }

    /// Fails unless the guest gives what native code gave as well.
    fn check(&self, guest: &mut dyn Guest) -> anyhow::Result<()> {
        let (size, expected) = self.expected()?;
        let found = guest.run(size)?.cast_unsigned();
        anyhow::ensure!(
            found == expected,
            "expected {expected:08x} for size {size}, found {found:08x}"
        );
        Ok(())
    }

    /// A small size and its checksum.
    fn expected(&self) -> anyhow::Result<(i32, u32)> {
        if let Some(kernel) = kernel(self.name) {
            let expected = (kernel.expected)(self.counted);
            return Ok((self.counted, expected.cast_unsigned()));
        }
        let path = folder().join("expected.txt");
        let table = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
        let parse = |line: &str| {
            let mut fields = line.split(' ').skip(1);
            let size = fields.next()?.parse().ok()?;
            let checksum = u32::from_str_radix(fields.next()?, 16).ok()?;
            Some((size, checksum))
        };
        table
            .lines()
            .find(|line| line.split(' ').next() == Some(self.name))
            .and_then(parse)
            .with_context(|| format!("{} is not in {}", self.name, path.display()))
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../workloads")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::damson::Damson;
    use crate::kernels;

    #[test]
    fn every_workload_is_in_the_set_once() {
        let mut names: Vec<_> = SET.iter().map(|workload| workload.name).collect();
        names.sort_unstable();
        let mut modules: Vec<_> = fs::read_dir(folder())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|e| e == "wasm"))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        modules.extend(kernels::NAMES.iter().map(|name| (*name).to_owned()));
        modules.sort_unstable();
        assert_eq!(names, modules);
        assert!(SET.is_sorted_by_key(|workload| workload.name));
    }

    #[test]
    fn every_workload_gives_its_result_and_takes_its_counted_size() {
        for workload in SET {
            let mut guest = workload.load(&Damson).unwrap();
            let first = guest.run(workload.counted).unwrap();
            assert_eq!(
                guest.run(workload.counted).unwrap(),
                first,
                "{}",
                workload.name
            );
        }
    }

    #[test]
    fn an_engine_that_is_wrong_is_found() {
        struct Wrong;
        impl Guest for Wrong {
            fn run(&mut self, _: i32) -> anyhow::Result<i32> {
                Ok(7)
            }
        }
        impl Engine for Wrong {
            fn name(&self) -> &'static str {
                "wrong"
            }
            fn load(&self, _: &[u8]) -> anyhow::Result<Box<dyn Guest>> {
                Ok(Box::new(Wrong))
            }
        }
        let error = SET[0].load(&Wrong).err().unwrap();
        let message = format!("{error:#}");
        assert!(message.contains("on wrong"), "{message}");
        assert!(message.contains("found 00000007"), "{message}");
    }

    #[test]
    fn a_filter_that_matches_nothing_is_an_error() {
        assert_eq!(select(Some("fib")).unwrap()[0].name, "fib");
        assert!(select(Some("no such")).is_err());
        assert!(find("fi").is_err());
    }
}
