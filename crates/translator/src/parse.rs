//! Reads the sections of a module: each is validated, then turned into its
//! part of the [`ModuleShape`].
//!
//! Validation comes first, section by section, so the conversion never meets
//! counts, indices or types that the validator would have refused. Function
//! bodies are only located here; they are validated when they are translated.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;
use damson_core::{
    Bytes, DataDecl, ElementDecl, ElementItems, Export, ExternKind, GlobalDecl, Import, ImportType,
    ModuleShape, SegmentMode, TableDecl,
};
use wasmparser::{
    self as wp, FromReader, Parser, Payload, SectionLimited, ValidPayload, Validator,
    ValidatorResources,
};

use crate::config::Config;
use crate::convert;
use crate::custom::{CustomSection, Names};
use crate::error::Error;

/// What parsing finds in a module.
#[derive(Default)]
pub(crate) struct Parsed {
    pub(crate) shape: ModuleShape,
    /// Where each defined function's body is in the binary.
    pub(crate) bodies: Vec<Range<u64>>,
    /// What the validator knows of the module; there is none if there is no
    /// body to validate.
    pub(crate) resources: Option<ValidatorResources>,
    pub(crate) custom_sections: Vec<CustomSection>,
    pub(crate) names: Names,
    /// Where the contents of the code section start in the binary.
    pub(crate) code_section: u64,
}

/// The parts of a shape while they grow.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) types: Vec<damson_core::FuncType>,
    imports: Vec<Import>,
    pub(crate) funcs: Vec<u32>,
    pub(crate) tables: Vec<TableDecl>,
    pub(crate) memories: Vec<damson_core::MemoryType>,
    pub(crate) globals: Vec<GlobalDecl>,
    exports: Vec<Export>,
    start: Option<u32>,
    elements: Vec<ElementDecl>,
    data: Vec<DataDecl>,
}

/// The bytes of a module, and how parts of them are kept.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// Somebody else's: what is kept is copied.
    Borrowed(&'a [u8]),
    /// What is kept shares them.
    Shared(&'a Bytes),
}

impl<'a> Source<'a> {
    fn all(self) -> &'a [u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }

    /// Bytes that do not borrow; `part` is some of [`all`](Self::all).
    fn keep(self, part: &[u8]) -> Bytes {
        match self {
            Self::Borrowed(_) => Bytes::copy_from_slice(part),
            Self::Shared(bytes) => bytes.slice_ref(part),
        }
    }

    /// The bytes between two offsets; none if they are no such.
    pub(crate) fn keep_range(self, range: &Range<u64>) -> Bytes {
        self.keep(slice(self.all(), range))
    }
}

/// The bytes of a range of offsets; empty if there are none.
pub(crate) fn slice<'a>(bytes: &'a [u8], range: &Range<u64>) -> &'a [u8] {
    let range = usize::try_from(range.start)
        .ok()
        .zip(usize::try_from(range.end).ok());
    range
        .and_then(|(start, end)| bytes.get(start..end))
        .unwrap_or_default()
}

pub(crate) fn parse(source: Source<'_>, config: &Config) -> Result<Parsed, Error> {
    let features = config.wasm_features();
    let mut validator = Validator::new_with_features(features);
    let mut parser = Parser::new(0);
    parser.set_features(features);

    let mut parts = Parts::default();
    let mut parsed = Parsed::default();
    let mut names = None;
    for payload in parser.parse_all(source.all()) {
        let payload = payload.map_err(|error| Error::from_parser(&error))?;
        config.limits.check_section(&payload, &parts)?;
        let valid = validator
            .payload(&payload)
            .map_err(|error| Error::from_validator(&error, || first_read_error(&payload)))?;
        if let ValidPayload::Func(func, body) = valid {
            parsed.bodies.push(body.range());
            parsed.resources.get_or_insert(func.resources);
            continue;
        }
        if let Payload::CustomSection(section) = &payload {
            if config.ignore_custom_sections {
                continue;
            }
            if section.name() == "name" {
                names = Some((section.data(), section.data_offset()));
            }
            parsed.custom_sections.push(CustomSection {
                name: section.name().into(),
                data: source.keep(section.data()),
                offset: section.data_offset(),
            });
            continue;
        }
        if let Payload::CodeSectionStart {
            unchecked_range, ..
        } = &payload
        {
            parsed.code_section = unchecked_range.start;
        }
        parts.read(payload, source).map_err(|error| match error {
            ReadError::Parser(error) => Error::from_parser(&error),
            ReadError::Convert(error) => error,
        })?;
        config.limits.check_entities(&parts)?;
    }
    if let Some((data, offset)) = names {
        parsed.names = Names::read(data, offset, parts.funcs.len());
    }
    parsed.shape = parts.finish();
    Ok(parsed)
}

/// Either of the two ways to fail while reading a validated section.
enum ReadError {
    Parser(wp::Error),
    Convert(Error),
}

impl From<wp::Error> for ReadError {
    fn from(error: wp::Error) -> Self {
        Self::Parser(error)
    }
}

impl From<Error> for ReadError {
    fn from(error: Error) -> Self {
        Self::Convert(error)
    }
}

impl Parts {
    fn read(&mut self, payload: Payload<'_>, source: Source<'_>) -> Result<(), ReadError> {
        match payload {
            Payload::TypeSection(section) => {
                let offset = section.range().start;
                for ty in section.into_iter_err_on_gc_types() {
                    self.types.push(convert::func_type(&ty?, offset)?);
                }
            }
            Payload::ImportSection(section) => {
                for item in section.into_imports_with_offsets() {
                    let (offset, import) = item?;
                    self.import(import, offset)?;
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    self.funcs.push(ty?);
                }
            }
            Payload::TableSection(section) => {
                for item in section.into_iter_with_offsets() {
                    let (offset, table) = item?;
                    let init = match &table.init {
                        wp::TableInit::RefNull => None,
                        wp::TableInit::Expr(expr) => Some(convert::const_expr(expr)?),
                    };
                    self.tables.push(TableDecl {
                        ty: convert::table_type(table.ty, offset)?,
                        init,
                    });
                }
            }
            Payload::MemorySection(section) => {
                for ty in section {
                    self.memories.push(convert::memory_type(ty?));
                }
            }
            Payload::GlobalSection(section) => {
                for item in section.into_iter_with_offsets() {
                    let (offset, global) = item?;
                    self.globals.push(GlobalDecl {
                        ty: convert::global_type(global.ty, offset)?,
                        init: Some(convert::const_expr(&global.init_expr)?),
                    });
                }
            }
            Payload::ExportSection(section) => {
                for item in section.into_iter_with_offsets() {
                    let (offset, export) = item?;
                    self.export(export, offset)?;
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::ElementSection(section) => {
                for element in section {
                    self.element(element?)?;
                }
            }
            Payload::DataSection(section) => {
                for data in section {
                    self.data(data?, source)?;
                }
            }
            // The counts of the data count and code sections were compared by
            // the validator. What else exists (tags, components) it refuses.
            _ => {}
        }
        Ok(())
    }

    fn import(&mut self, import: wp::Import<'_>, offset: u64) -> Result<(), Error> {
        let ty = match import.ty {
            wp::TypeRef::Func(index) => {
                self.funcs.push(index);
                ImportType::Func(index)
            }
            wp::TypeRef::Table(ty) => {
                let ty = convert::table_type(ty, offset)?;
                self.tables.push(TableDecl { ty, init: None });
                ImportType::Table(ty)
            }
            wp::TypeRef::Memory(ty) => {
                let ty = convert::memory_type(ty);
                self.memories.push(ty);
                ImportType::Memory(ty)
            }
            wp::TypeRef::Global(ty) => {
                let ty = convert::global_type(ty, offset)?;
                self.globals.push(GlobalDecl { ty, init: None });
                ImportType::Global(ty)
            }
            wp::TypeRef::Tag(_) | wp::TypeRef::FuncExact(_) => {
                return Err(Error::Invalid {
                    message: "unknown kind of import".into(),
                    offset,
                });
            }
        };
        self.imports.push(Import {
            module: import.module.into(),
            name: import.name.into(),
            ty,
        });
        Ok(())
    }

    fn export(&mut self, export: wp::Export<'_>, offset: u64) -> Result<(), Error> {
        let kind = match export.kind {
            wp::ExternalKind::Func => ExternKind::Func,
            wp::ExternalKind::Table => ExternKind::Table,
            wp::ExternalKind::Memory => ExternKind::Memory,
            wp::ExternalKind::Global => ExternKind::Global,
            wp::ExternalKind::Tag | wp::ExternalKind::FuncExact => {
                return Err(Error::Invalid {
                    message: "unknown kind of export".into(),
                    offset,
                });
            }
        };
        self.exports.push(Export {
            name: export.name.into(),
            kind,
            index: export.index,
        });
        Ok(())
    }

    fn element(&mut self, element: wp::Element<'_>) -> Result<(), ReadError> {
        let offset = element.range.start;
        let mode = match &element.kind {
            wp::ElementKind::Passive => SegmentMode::Passive,
            wp::ElementKind::Declared => SegmentMode::Declared,
            wp::ElementKind::Active {
                table_index,
                offset_expr,
            } => SegmentMode::Active {
                index: table_index.unwrap_or(0),
                offset: convert::const_expr(offset_expr)?,
            },
        };
        let (ty, items) = match element.items {
            wp::ElementItems::Functions(items) => {
                let items = items.into_iter().collect::<Result<Box<[u32]>, _>>()?;
                (damson_core::RefType::Func, ElementItems::Funcs(items))
            }
            wp::ElementItems::Expressions(ty, items) => {
                let mut exprs = Vec::new();
                for expr in items {
                    exprs.push(convert::const_expr(&expr?)?);
                }
                (
                    convert::ref_type(ty, offset)?,
                    ElementItems::Exprs(exprs.into()),
                )
            }
        };
        self.elements.push(ElementDecl { ty, items, mode });
        Ok(())
    }

    fn data(&mut self, data: wp::Data<'_>, source: Source<'_>) -> Result<(), Error> {
        let mode = match &data.kind {
            wp::DataKind::Passive => SegmentMode::Passive,
            wp::DataKind::Active {
                memory_index,
                offset_expr,
            } => SegmentMode::Active {
                index: *memory_index,
                offset: convert::const_expr(offset_expr)?,
            },
        };
        self.data.push(DataDecl {
            bytes: source.keep(data.data),
            mode,
        });
        Ok(())
    }

    fn finish(self) -> ModuleShape {
        ModuleShape {
            types: self.types.into(),
            imports: self.imports.into(),
            funcs: self.funcs.into(),
            tables: self.tables.into(),
            memories: self.memories.into(),
            globals: self.globals.into(),
            exports: self.exports.into(),
            start: self.start,
            elements: self.elements.into(),
            data: self.data.into(),
        }
    }
}

/// Reads a section without validating it: the first error.
#[cold]
fn first_read_error(payload: &Payload<'_>) -> Option<wp::Error> {
    fn first<'a, T: FromReader<'a>>(section: &SectionLimited<'a, T>) -> Option<wp::Error> {
        section.clone().into_iter().find_map(Result::err)
    }
    fn in_expr(expr: &wp::ConstExpr<'_>) -> Option<wp::Error> {
        expr.get_operators_reader()
            .into_iter()
            .find_map(Result::err)
    }
    match payload {
        Payload::TypeSection(section) => first(section),
        Payload::ImportSection(section) => first(section),
        Payload::FunctionSection(section) => first(section),
        Payload::TableSection(section) => first(section),
        Payload::MemorySection(section) => first(section),
        Payload::TagSection(section) => first(section),
        Payload::GlobalSection(section) => section
            .clone()
            .into_iter()
            .find_map(|global| global.map_or_else(Some, |global| in_expr(&global.init_expr))),
        Payload::ExportSection(section) => first(section),
        Payload::ElementSection(section) => first(section),
        Payload::DataSection(section) => first(section),
        // Sections in the wrong order or unknown ones are no errors of
        // reading, but the binary format fixes the order.
        Payload::UnknownSection { .. } | Payload::Version { .. } => None,
        _ => None,
    }
}
