//! What functions are called.
//!
//! Many modules have no name section, because it is stripped to save space; what they export
//! has a name all the same. Backtraces do not use it: they know of the module what is needed to
//! find a place in the source, and say `<function N>` as other engines do.

use std::collections::HashMap;

use damson::{ExternType, Module};

/// What functions are called: in the name section, or else where they are exported.
pub(crate) struct Names<'a> {
    module: &'a Module,
    /// The first export of each function that is exported.
    exports: HashMap<u32, &'a str>,
}

impl<'a> Names<'a> {
    pub(crate) fn new(module: &'a Module) -> Self {
        let mut exports = HashMap::new();
        for export in module.exports() {
            if let ExternType::Func(_) = export.ty() {
                exports.entry(export.index()).or_insert(export.name());
            }
        }
        Self { module, exports }
    }

    /// The name of a function, if it has one.
    pub(crate) fn get(&self, index: u32) -> Option<&'a str> {
        let exported = || self.exports.get(&index).copied();
        self.module.func_name(index).or_else(exported)
    }

    /// The function that is exported under a name.
    pub(crate) fn exported(&self, name: &str) -> Option<u32> {
        let mut exports = self.module.exports();
        let export = exports.find(|export| export.name() == name)?;
        matches!(export.ty(), ExternType::Func(_)).then_some(export.index())
    }
}
