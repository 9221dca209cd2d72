//! Damson.

use damson::CompilationMode;

use super::embedder::embedder;

embedder!(damson);

fn is_same(one: &damson::Func, other: &damson::Func) -> bool {
    one == other
}

/// Every trap has its code.
const fn trap_in_words(_: &str) -> Option<&'static str> {
    None
}

/// Epochs until the deadline of a store that is not to be interrupted.
const FAR: u64 = 1 << 40;

/// How Damson is asked to run a module.
#[derive(Debug, Clone, Copy)]
pub struct Mode {
    /// What it is called in reports.
    pub name: &'static str,
    compilation: CompilationMode,
    metered: bool,
    /// Whether fuel counts what runs, and not also what a branch has skipped.
    pub(crate) exact: bool,
    interruptible: bool,
}

impl Mode {
    /// All modes that differ in what code is made or when.
    pub const ALL: [Self; 6] = [
        Self {
            name: "eager",
            compilation: CompilationMode::Eager,
            metered: false,
            exact: false,
            interruptible: false,
        },
        Self {
            name: "lazy",
            compilation: CompilationMode::Lazy,
            metered: false,
            exact: false,
            interruptible: false,
        },
        Self {
            name: "metered",
            compilation: CompilationMode::Eager,
            metered: true,
            exact: false,
            interruptible: false,
        },
        Self {
            name: "metered, lazily translated",
            compilation: CompilationMode::LazyTranslation,
            metered: true,
            exact: false,
            interruptible: false,
        },
        Self {
            name: "metered exactly",
            compilation: CompilationMode::Eager,
            metered: true,
            exact: true,
            interruptible: false,
        },
        Self {
            name: "interruptible",
            compilation: CompilationMode::Eager,
            metered: false,
            exact: false,
            interruptible: true,
        },
    ];
    /// Code that pays for what it does, made before it runs and while it does.
    pub const METERED: [Self; 2] = [Self::ALL[2], Self::ALL[3]];

    /// Runs the case in this mode; gives the fuel that was used as well.
    #[must_use]
    pub fn run(self, case: &Case, fuel: u64) -> (Outcome, u64) {
        let mut config = Config::default();
        config
            .compilation_mode(self.compilation)
            .consume_fuel(self.metered)
            .exact_fuel(self.exact)
            .epoch_interruption(self.interruptible);
        let (outcome, left) = run(case, &case.wasm, &config, |store| {
            if self.metered {
                store.set_fuel(fuel).expect("the configuration meters");
            }
            if self.interruptible {
                store.set_epoch_deadline(FAR);
            }
        });
        (outcome, if self.metered { fuel - left } else { 0 })
    }
}
