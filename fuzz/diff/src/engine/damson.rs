//! Damson.

use damson::CompilationMode;

use super::embedder::embedder;

embedder!(damson);

/// How Damson is asked to run a module.
#[derive(Debug, Clone, Copy)]
pub struct Mode {
    /// What it is called in reports.
    pub name: &'static str,
    compilation: CompilationMode,
    metered: bool,
}

impl Mode {
    /// All modes that differ in what code is made or when.
    pub const ALL: [Self; 4] = [
        Self {
            name: "eager",
            compilation: CompilationMode::Eager,
            metered: false,
        },
        Self {
            name: "lazy",
            compilation: CompilationMode::Lazy,
            metered: false,
        },
        Self {
            name: "metered",
            compilation: CompilationMode::Eager,
            metered: true,
        },
        Self {
            name: "metered, lazily translated",
            compilation: CompilationMode::LazyTranslation,
            metered: true,
        },
    ];
    /// Code that pays for what it does.
    pub const METERED: Self = Self::ALL[2];

    /// Runs the case in this mode; gives the fuel that was used as well.
    #[must_use]
    pub fn run(self, case: &Case, fuel: u64) -> (Outcome, u64) {
        let mut config = Config::default();
        config
            .compilation_mode(self.compilation)
            .consume_fuel(self.metered);
        let (outcome, left) = run(case, &case.wasm, &config, self.metered.then_some(fuel));
        (outcome, if self.metered { fuel - left } else { 0 })
    }
}
