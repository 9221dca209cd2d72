//! How scripts are run.

use damson::Config;

/// How a [`Runner`](crate::Runner) runs scripts.
#[derive(Debug, Clone, Default)]
pub struct Options {
    config: Config,
    fuel: Option<u64>,
    lazy_validation: bool,
}

impl Options {
    /// Scripts run with this engine configuration.
    ///
    /// Which proposals it enables decides what `assert_invalid` and
    /// `assert_malformed` find. Later calls of [`Options::fuel`] change this
    /// configuration, so call this first.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Meters execution and gives every directive `fuel` units.
    #[must_use]
    pub fn fuel(mut self, fuel: u64) -> Self {
        self.config.consume_fuel(true);
        self.fuel = Some(fuel);
        self
    }

    /// Tells that the configuration leaves function bodies unvalidated until
    /// they are first called.
    ///
    /// `assert_invalid` then accepts that `Module::new` lets a module pass which
    /// `Module::validate` rejects.
    #[must_use]
    pub fn lazy_validation(mut self, lazy: bool) -> Self {
        self.lazy_validation = lazy;
        self
    }

    pub(crate) fn engine_config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn fuel_per_directive(&self) -> Option<u64> {
        self.fuel
    }

    pub(crate) fn is_lazy_validation(&self) -> bool {
        self.lazy_validation
    }
}
