//! Descriptions of a module's imports, exports and custom sections.

use core::iter::FusedIterator;

use damson_core::{ExternType, ModuleShape};
use damson_translator as translator;

/// An import of a module.
#[derive(Debug, Clone)]
pub struct ImportType<'module> {
    module: &'module str,
    name: &'module str,
    ty: ExternType,
}

impl<'module> ImportType<'module> {
    /// The module name.
    #[must_use]
    pub fn module(&self) -> &'module str {
        self.module
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &'module str {
        self.name
    }

    /// The type that is expected.
    #[must_use]
    pub fn ty(&self) -> &ExternType {
        &self.ty
    }
}

/// The imports of a module, in order.
#[derive(Debug, Clone)]
pub struct ModuleImportsIter<'module> {
    shape: &'module ModuleShape,
    imports: core::slice::Iter<'module, damson_core::Import>,
}

impl<'module> ModuleImportsIter<'module> {
    pub(super) fn new(shape: &'module ModuleShape) -> Self {
        Self {
            shape,
            imports: shape.imports.iter(),
        }
    }
}

impl<'module> Iterator for ModuleImportsIter<'module> {
    type Item = ImportType<'module>;

    fn next(&mut self) -> Option<Self::Item> {
        let import = self.imports.next()?;
        let ty = self
            .shape
            .import_type(import)
            .expect("validation checked the type index");
        Some(ImportType {
            module: &import.module,
            name: &import.name,
            ty,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.imports.size_hint()
    }
}

impl ExactSizeIterator for ModuleImportsIter<'_> {}
impl FusedIterator for ModuleImportsIter<'_> {}

/// An export of a module.
#[derive(Debug, Clone)]
pub struct ExportType<'module> {
    name: &'module str,
    ty: ExternType,
    index: u32,
}

impl<'module> ExportType<'module> {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &'module str {
        self.name
    }

    /// The type.
    #[must_use]
    pub fn ty(&self) -> &ExternType {
        &self.ty
    }

    /// The index of what is exported, in the module's index space for its kind: of a function,
    /// the one that [`Module::func_name`](crate::Module::func_name) takes.
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use damson::{Engine, Module};
    ///
    /// let module = Module::new(&Engine::default(), r#"
    ///     (module (import "env" "f" (func)) (memory (export "m") 1) (func (export "g")))
    /// "#)?;
    /// let indices = module.exports().map(|export| (export.name(), export.index()));
    /// assert!(indices.eq([("m", 0), ("g", 1)]));
    /// # }
    /// # Ok::<(), damson::Error>(())
    /// ```
    #[must_use]
    pub fn index(&self) -> u32 {
        self.index
    }
}

/// The exports of a module, in order.
#[derive(Debug, Clone)]
pub struct ModuleExportsIter<'module> {
    shape: &'module ModuleShape,
    exports: core::slice::Iter<'module, damson_core::Export>,
}

impl<'module> ModuleExportsIter<'module> {
    pub(super) fn new(shape: &'module ModuleShape) -> Self {
        Self {
            shape,
            exports: shape.exports.iter(),
        }
    }
}

impl<'module> Iterator for ModuleExportsIter<'module> {
    type Item = ExportType<'module>;

    fn next(&mut self) -> Option<Self::Item> {
        let export = self.exports.next()?;
        let ty = self
            .shape
            .export_type(export)
            .expect("validation checked the index");
        Some(ExportType {
            name: &export.name,
            ty,
            index: export.index,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.exports.size_hint()
    }
}

impl ExactSizeIterator for ModuleExportsIter<'_> {}
impl FusedIterator for ModuleExportsIter<'_> {}

/// A custom section of a module.
#[derive(Debug, Clone, Copy)]
pub struct CustomSection<'module> {
    section: &'module translator::CustomSection,
}

impl<'module> CustomSection<'module> {
    pub(super) fn new(section: &'module translator::CustomSection) -> Self {
        Self { section }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &'module str {
        &self.section.name
    }

    /// The bytes, without the name.
    #[must_use]
    pub fn data(&self) -> &'module [u8] {
        &self.section.data
    }
}

/// The custom sections of a module, in order.
#[derive(Debug, Clone)]
pub struct CustomSectionsIter<'module> {
    sections: core::slice::Iter<'module, translator::CustomSection>,
}

impl<'module> CustomSectionsIter<'module> {
    pub(super) fn new(module: &'module translator::Module) -> Self {
        let sections = module.custom_sections();
        Self { sections }
    }
}

impl<'module> Iterator for CustomSectionsIter<'module> {
    type Item = CustomSection<'module>;

    fn next(&mut self) -> Option<Self::Item> {
        self.sections.next().map(CustomSection::new)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.sections.size_hint()
    }
}

impl ExactSizeIterator for CustomSectionsIter<'_> {}
impl FusedIterator for CustomSectionsIter<'_> {}
