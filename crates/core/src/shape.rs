//! What a module consists of, apart from its code.
//!
//! A [`ModuleShape`] is what a translator learns from everything but the
//! function bodies, and what an embedder of the executor writes by hand. The
//! bytecode verifier checks code against it, instantiation makes entities from
//! it; both hold it through the same `Arc`, and whether code and instance belong
//! together is the question whether the two `Arc`s are the same.
//!
//! The fields are public and a shape is therefore *not* known to be consistent.
//! [`ModuleShape::check`] decides that, and instantiation calls it: a shape full
//! of wrong indices is an error, never a panic. The check covers what the store
//! relies on (indices, limits, types of constant expressions), which is a part
//! of Wasm validation; the rest is the translator's work.

use alloc::boxed::Box;

use bytes::Bytes;

pub use crate::const_expr::{ConstExpr, ConstOp};
pub use crate::shape_check::ShapeError;
use crate::types::{ExternKind, ExternType, FuncType, GlobalType, MemoryType, RefType, TableType};

/// A module without its function bodies, see the [module documentation](self).
///
/// Every index space lists what is imported first, in the order of
/// [`imports`](Self::imports). `Default` is the empty module.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModuleShape {
    /// The function types.
    pub types: Box<[FuncType]>,
    /// The imports, in their order in the module.
    pub imports: Box<[Import]>,
    /// The function index space: an index into [`types`](Self::types) each.
    pub funcs: Box<[u32]>,
    /// The table index space.
    pub tables: Box<[TableDecl]>,
    /// The memory index space.
    pub memories: Box<[MemoryType]>,
    /// The global index space.
    pub globals: Box<[GlobalDecl]>,
    /// The exports, in their order in the module.
    pub exports: Box<[Export]>,
    /// The function that runs as the last step of instantiation.
    pub start: Option<u32>,
    /// The element segments.
    pub elements: Box<[ElementDecl]>,
    /// The data segments.
    pub data: Box<[DataDecl]>,
}

/// Something that the module needs from outside.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// The first part of the name.
    pub module: Box<str>,
    /// The second part of the name.
    pub name: Box<str>,
    /// What is needed.
    pub ty: ImportType,
}

/// The type of an import.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum ImportType {
    /// A function; an index into [`ModuleShape::types`].
    Func(u32),
    /// A table.
    Table(TableType),
    /// A linear memory.
    Memory(MemoryType),
    /// A global.
    Global(GlobalType),
}

impl ImportType {
    /// The kind without the details.
    #[must_use]
    pub const fn kind(&self) -> ExternKind {
        match self {
            Self::Func(_) => ExternKind::Func,
            Self::Table(_) => ExternKind::Table,
            Self::Memory(_) => ExternKind::Memory,
            Self::Global(_) => ExternKind::Global,
        }
    }
}

/// A table of the module.
#[derive(Debug, Clone, PartialEq)]
pub struct TableDecl {
    /// Its type.
    pub ty: TableType,
    /// The initial value of its elements; `None` means null. Imported tables have none.
    pub init: Option<ConstExpr>,
}

/// A global of the module.
#[derive(Debug, Clone, PartialEq)]
pub struct GlobalDecl {
    /// Its type.
    pub ty: GlobalType,
    /// Its initial value; `None` exactly if it is imported.
    pub init: Option<ConstExpr>,
}

/// Something that the module offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Its name; unique in the module.
    pub name: Box<str>,
    /// The index space that [`index`](Self::index) counts in.
    pub kind: ExternKind,
    /// The index of what is exported.
    pub index: u32,
}

/// An element segment: references for a table.
#[derive(Debug, Clone, PartialEq)]
pub struct ElementDecl {
    /// The type of the references.
    pub ty: RefType,
    /// The references.
    pub items: ElementItems,
    /// When and where they are copied.
    pub mode: SegmentMode,
}

/// The references of an element segment.
#[derive(Debug, Clone, PartialEq)]
pub enum ElementItems {
    /// Function indices.
    Funcs(Box<[u32]>),
    /// One constant expression each.
    Exprs(Box<[ConstExpr]>),
}

impl ElementItems {
    /// The number of references.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Funcs(items) => items.len(),
            Self::Exprs(items) => items.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A data segment: bytes for a memory.
#[derive(Debug, Clone, PartialEq)]
pub struct DataDecl {
    /// The bytes; shared with every instance, and perhaps with the module's binary.
    pub bytes: Bytes,
    /// When and where they are copied.
    pub mode: SegmentMode,
}

/// When and where a segment is copied.
#[derive(Debug, Clone, PartialEq)]
pub enum SegmentMode {
    /// By an instruction (`memory.init`, `table.init`) only.
    Passive,
    /// At instantiation.
    Active {
        /// The index of the table or memory.
        index: u32,
        /// Where the first element or byte goes; an `i32`.
        offset: ConstExpr,
    },
    /// Never: an element segment that only declares references for `ref.func`.
    Declared,
}

impl ModuleShape {
    fn imported(&self, kind: ExternKind) -> u32 {
        let count = self
            .imports
            .iter()
            .filter(|import| import.ty.kind() == kind)
            .count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// How many functions are imported. Counts the imports each time.
    #[must_use]
    pub fn num_imported_funcs(&self) -> u32 {
        self.imported(ExternKind::Func)
    }

    /// How many tables are imported. Counts the imports each time.
    #[must_use]
    pub fn num_imported_tables(&self) -> u32 {
        self.imported(ExternKind::Table)
    }

    /// How many memories are imported. Counts the imports each time.
    #[must_use]
    pub fn num_imported_memories(&self) -> u32 {
        self.imported(ExternKind::Memory)
    }

    /// How many globals are imported. Counts the imports each time.
    #[must_use]
    pub fn num_imported_globals(&self) -> u32 {
        self.imported(ExternKind::Global)
    }

    /// How many functions the module defines itself. Counts the imports each time.
    #[must_use]
    pub fn num_defined_funcs(&self) -> u32 {
        let funcs = u32::try_from(self.funcs.len()).unwrap_or(u32::MAX);
        funcs.saturating_sub(self.num_imported_funcs())
    }

    /// The type of a function of the function index space.
    #[must_use]
    pub fn func_type(&self, func_index: u32) -> Option<&FuncType> {
        let ty = *self.funcs.get(func_index as usize)?;
        self.types.get(ty as usize)
    }

    /// The type of an import; `None` if it names a function type that does not exist.
    #[must_use]
    pub fn import_type(&self, import: &Import) -> Option<ExternType> {
        Some(match import.ty {
            ImportType::Func(ty) => ExternType::Func(self.types.get(ty as usize)?.clone()),
            ImportType::Table(ty) => ExternType::Table(ty),
            ImportType::Memory(ty) => ExternType::Memory(ty),
            ImportType::Global(ty) => ExternType::Global(ty),
        })
    }

    /// The type of an export as it is declared; `None` if its index is out of range.
    #[must_use]
    pub fn export_type(&self, export: &Export) -> Option<ExternType> {
        let index = export.index as usize;
        Some(match export.kind {
            ExternKind::Func => ExternType::Func(self.func_type(export.index)?.clone()),
            ExternKind::Table => ExternType::Table(self.tables.get(index)?.ty),
            ExternKind::Memory => ExternType::Memory(*self.memories.get(index)?),
            ExternKind::Global => ExternType::Global(self.globals.get(index)?.ty),
        })
    }
}
