#![expect(
    unsafe_code,
    reason = "wires new entities together inside the store core"
)]
//! Instantiation (specification, section 4.5.4): from a module's shape, its code
//! and its imports to an instance.
//!
//! Everything that can fail without a trace comes first: the shape, the code, the
//! imports, the memories and tables. Then the entities enter the store, and at
//! last the active segments are copied, elements before data, each in order. A
//! segment that does not fit is a trap, and what was written before it stays
//! visible, as the specification demands: imported tables may by then refer to
//! functions of the failed instance, so it stays in the store.
//!
//! The start function is not run here: that takes an executor.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ptr;

use crate::arena::PinnedArray;
use crate::cell::Cell;
use crate::code::CodeHandle;
use crate::const_expr::{ConstEnv, ConstExpr};
use crate::error::{CountExceeded, TypeMismatch};
use crate::func::{FuncEntity, HostFunc};
use crate::global::GlobalEntity;
use crate::handle::{ExternHandle, ForeignHandle, Handle, InstanceHandle};
use crate::instance::{Arrays, InstanceEntity};
use crate::memory::{MemoryEntity, MemoryError};
use crate::segment::Segments;
use crate::shape::{ElementItems, ModuleShape, SegmentMode};
use crate::shape_check::ShapeError;
use crate::store::{Counted, PrunedMut};
use crate::table::{TableEntity, TableError};
use crate::trap::{Trap, TrapCode};
use crate::types::ExternType;

/// A module could not be instantiated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InstantiateError {
    /// The description of the module contradicts itself.
    #[error("inconsistent module: {0}")]
    Shape(#[from] ShapeError),
    /// The code was verified for another module.
    #[error("the code belongs to another module")]
    CodeOfAnotherModule,
    /// There is not one piece of code for each function.
    #[error("expected code for {expected} functions, found code for {found}")]
    CodeCount {
        /// The number of functions that the module defines.
        expected: usize,
        /// The number of functions with code.
        found: usize,
    },
    /// The number of imports is wrong.
    #[error("expected {expected} imports, found {found}{}", first_missing(.missing.as_deref()))]
    ImportCount {
        /// The number of the module's imports.
        expected: usize,
        /// The number of handles given.
        found: usize,
        /// The first import that was not given, if there were too few.
        missing: Option<Box<MissingImport>>,
    },
    /// An import has the wrong type.
    #[error(
        "incompatible import type for `{}` from `{}` (import {}): expected {}, found {}",
        .0.name.escape_debug(), .0.module.escape_debug(), .0.index, .0.expected, .0.found
    )]
    ImportType(Box<ImportMismatch>),
    /// An import lives in another store.
    #[error("import {index}: {source}")]
    ForeignHandle {
        /// The index of the import.
        index: usize,
        /// Which stores.
        source: ForeignHandle,
    },
    /// A host function among the imports was made for other host data.
    #[error("import {index}: {source}")]
    HostData {
        /// The index of the import.
        index: usize,
        /// Which types.
        source: TypeMismatch,
    },
    /// The store has as many instances, memories or tables as the limiter allows.
    #[error(transparent)]
    TooMany(#[from] CountExceeded),
    /// A memory could not be made.
    #[error("memory {index}: {source}")]
    Memory {
        /// The index of the memory.
        index: usize,
        /// Why.
        source: MemoryError,
    },
    /// A table could not be made.
    #[error("table {index}: {source}")]
    Table {
        /// The index of the table.
        index: usize,
        /// Why.
        source: TableError,
    },
    /// The module has a start function, which the embedder does not allow. Only the
    /// embedder reports that.
    #[error("function {index} is a start function, and the configuration allows none")]
    UnexpectedStartFn {
        /// The index of the function in its module.
        index: u32,
    },
    /// An active segment does not fit its table or memory.
    #[error(transparent)]
    Trap(#[from] Trap),
}

/// What an import stands for.
#[derive(Debug)]
pub enum ImportItem {
    /// Something in the store.
    Extern(ExternHandle),
    /// A host function that is put into the store together with the instance.
    HostFunc(HostFunc),
}

/// An import has the wrong type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportMismatch {
    /// The index of the import.
    pub index: usize,
    /// The first part of its name.
    pub module: Box<str>,
    /// The second part of its name.
    pub name: Box<str>,
    /// The type that the module asks for.
    pub expected: ExternType,
    /// The type of what was given, as it is now.
    pub found: ExternType,
}

/// An import that was not given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingImport {
    /// The first part of its name.
    pub module: Box<str>,
    /// The second part of its name.
    pub name: Box<str>,
    /// The type that the module asks for.
    pub expected: ExternType,
}

fn first_missing(missing: Option<&MissingImport>) -> impl fmt::Display {
    fmt::from_fn(move |f| match missing {
        Some(import) => write!(
            f,
            ": the first one missing is `{}` from `{}`, a {}",
            import.name.escape_debug(),
            import.module.escape_debug(),
            import.expected
        ),
        None => Ok(()),
    })
}

/// The index spaces of an instance in the making, beginning with the imports.
#[derive(Default)]
struct Spaces {
    funcs: Vec<*mut FuncEntity>,
    tables: Vec<*mut TableEntity>,
    memories: Vec<*mut MemoryEntity>,
    globals: Vec<*mut GlobalEntity>,
}

impl ConstEnv for Spaces {
    fn global(&self, index: u32) -> Option<Cell> {
        let global = *self.globals.get(index as usize)?;
        // SAFETY: entities of the store that is being changed, which are valid and
        // not borrowed while a constant expression is evaluated.
        Some(unsafe { (*global).value })
    }

    fn func_ref(&self, index: u32) -> Option<Cell> {
        let func = *self.funcs.get(index as usize)?;
        // SAFETY: as in `global`; functions are never written.
        Some(unsafe { Cell::from_bits(u64::from((*func).index) + 1) })
    }
}

impl Spaces {
    /// The value of an expression that `ModuleShape::check` accepted.
    fn eval(&self, expr: &ConstExpr) -> Cell {
        expr.eval(self)
            .expect("checked constant expressions have a value")
    }

    fn eval_offset(&self, expr: &ConstExpr) -> u64 {
        self.eval(expr).get::<u32>().into()
    }
}

impl PrunedMut<'_> {
    /// Makes an instance of the module `shape` with this `code`. `imports` are
    /// what the module's imports stand for, in their order. The start function is
    /// not run.
    ///
    /// # Errors
    ///
    /// [`InstantiateError`]. Nothing has changed then, except for
    /// [`InstantiateError::Trap`]: the segments before the one that does not fit
    /// have been written.
    pub fn instantiate(
        &mut self,
        shape: &Arc<ModuleShape>,
        code: CodeHandle,
        imports: &[ExternHandle],
    ) -> Result<InstanceHandle, InstantiateError> {
        let imports = imports.iter().copied().map(ImportItem::Extern).collect();
        self.instantiate_with(shape, code, imports)
    }

    /// Like [`instantiate`](Self::instantiate), with host functions that are not in the store
    /// yet: where nothing has changed, they are not either.
    ///
    /// # Errors
    ///
    /// As for that.
    pub fn instantiate_with(
        &mut self,
        shape: &Arc<ModuleShape>,
        code: CodeHandle,
        imports: Vec<ImportItem>,
    ) -> Result<InstanceHandle, InstantiateError> {
        shape.check()?;
        check_code(shape, &code)?;
        let mut spaces = self.resolve_imports(shape, &imports)?;
        self.check_count(Counted::Instances, 1)?;
        let (memories, tables) = self.make_memories_and_tables(shape, &spaces)?;
        // From here on, nothing fails but active segments.
        self.push_host_funcs(imports, &mut spaces);
        spaces.memories.extend(
            memories
                .into_iter()
                .map(|memory| self.push_memory(memory).as_ptr()),
        );
        spaces.tables.extend(
            tables
                .into_iter()
                .map(|table| self.push_table(table).as_ptr()),
        );
        let instance = self.push_instance(shape, code, &mut spaces);
        // SAFETY: just pushed; nobody else uses it.
        let handle = unsafe { (*instance).handle() };
        spaces.fill_tables(shape).map_err(Trap::new)?;
        // SAFETY: as before, until the segments are copied.
        let segments = unsafe { (*instance).set_segments(spaces.make_segments(shape)) };
        spaces.init_tables(shape, segments).map_err(Trap::new)?;
        spaces.init_memories(shape, segments).map_err(Trap::new)?;
        Ok(handle)
    }

    /// Checks the imports and lists what they stand for: null for functions to come.
    fn resolve_imports(
        &mut self,
        shape: &ModuleShape,
        imports: &[ImportItem],
    ) -> Result<Spaces, InstantiateError> {
        if shape.imports.len() != imports.len() {
            let missing = shape.imports.get(imports.len()).map(|import| {
                Box::new(MissingImport {
                    module: import.module.clone(),
                    name: import.name.clone(),
                    expected: shape.import_type(import).expect("the shape was checked"),
                })
            });
            return Err(InstantiateError::ImportCount {
                expected: shape.imports.len(),
                found: imports.len(),
                missing,
            });
        }
        let mut spaces = Spaces::default();
        let core = self.core_ptr();
        for (index, (import, item)) in shape.imports.iter().zip(imports).enumerate() {
            let found = match item {
                ImportItem::Extern(handle) => self
                    .extern_type(*handle)
                    .map_err(|source| InstantiateError::ForeignHandle { index, source })?,
                ImportItem::HostFunc(func) => {
                    self.check_host_func(func)
                        .map_err(|source| InstantiateError::HostData { index, source })?;
                    func.ty().clone().into()
                }
            };
            let expected = shape.import_type(import).expect("the shape was checked");
            if !found.matches(&expected) {
                return Err(InstantiateError::ImportType(Box::new(ImportMismatch {
                    index,
                    module: import.module.clone(),
                    name: import.name.clone(),
                    expected,
                    found,
                })));
            }
            let handle = match item {
                ImportItem::Extern(handle) => *handle,
                ImportItem::HostFunc(_) => {
                    spaces.funcs.push(ptr::null_mut());
                    continue;
                }
            };
            let exists = "the type was found above";
            // SAFETY: the core is valid and used through this borrow only.
            unsafe {
                match handle {
                    ExternHandle::Func(handle) => {
                        let func = (*core).references.funcs.get(handle.index() as usize);
                        spaces.funcs.push(func.expect(exists).as_ptr());
                    }
                    ExternHandle::Table(handle) => {
                        let table = (*core).tables.get(handle.index() as usize);
                        spaces.tables.push(table.expect(exists).as_ptr());
                    }
                    ExternHandle::Memory(handle) => {
                        let memory = (*core).memories.get(handle.index() as usize);
                        spaces.memories.push(memory.expect(exists).as_ptr());
                    }
                    ExternHandle::Global(handle) => {
                        let global = (*core).globals.get(handle.index() as usize);
                        spaces.globals.push(global.expect(exists).as_ptr());
                    }
                }
            }
        }
        Ok(spaces)
    }

    /// Puts the host functions among the imports into the store.
    fn push_host_funcs(&mut self, imports: Vec<ImportItem>, spaces: &mut Spaces) {
        let mut places = spaces.funcs.iter_mut();
        for item in imports {
            match item {
                ImportItem::Extern(ExternHandle::Func(_)) => _ = places.next(),
                ImportItem::Extern(_) => {}
                ImportItem::HostFunc(func) => {
                    let place = places.next().expect("every imported function has a place");
                    *place = self.push_host_func(func).as_ptr();
                }
            }
        }
    }

    /// The module's own memories and tables, not yet in the store. Tables are
    /// filled with null: what else they hold may refer to functions to come.
    fn make_memories_and_tables(
        &mut self,
        shape: &ModuleShape,
        spaces: &Spaces,
    ) -> Result<(Vec<MemoryEntity>, Vec<TableEntity>), InstantiateError> {
        let mut memories = Vec::new();
        for (index, &ty) in shape
            .memories
            .iter()
            .enumerate()
            .skip(spaces.memories.len())
        {
            let memory = self
                .make_storage(ty)
                .and_then(|storage| self.new_memory(ty, storage, memories.len() as u32))
                .map_err(|source| match source {
                    MemoryError::TooMany(exceeded) => exceeded.into(),
                    source => InstantiateError::Memory { index, source },
                })?;
            memories.push(memory);
        }
        let mut tables = Vec::new();
        for (index, table) in shape.tables.iter().enumerate().skip(spaces.tables.len()) {
            let table = self
                .new_table(table.ty, tables.len() as u32, Cell::ZERO)
                .map_err(|source| match source {
                    TableError::TooMany(exceeded) => exceeded.into(),
                    source => InstantiateError::Table { index, source },
                })?;
            tables.push(table);
        }
        Ok((memories, tables))
    }

    /// Adds the instance with its functions and globals, without segments.
    fn push_instance(
        &mut self,
        shape: &Arc<ModuleShape>,
        code: CodeHandle,
        spaces: &mut Spaces,
    ) -> *mut InstanceEntity {
        let (id, core) = (self.id(), self.core_ptr());
        let entries = code.entries();
        let type_ids: Vec<u32> = shape.types.iter().map(|ty| self.intern_type(ty)).collect();

        // Functions point at their instance, so that comes first. The values of
        // globals may refer to functions, so those come next.
        // SAFETY: the core is valid and used through this borrow only.
        let instance = unsafe {
            let handle = Handle::new(id, (*core).instances.next_index());
            let entity = InstanceEntity::new(handle, Arc::clone(shape), code);
            (*core).instances.push(entity).as_ptr()
        };
        let imported = spaces.funcs.len();
        for (func_index, &type_index) in shape.funcs.iter().enumerate().skip(imported) {
            let func = FuncEntity::wasm(
                shape.types[type_index as usize].clone(),
                type_ids[type_index as usize],
                self.next_func(),
                instance,
                entries.wrapping_add(func_index - imported),
                func_index as u32,
            );
            spaces.funcs.push(self.push_func(func).as_ptr());
        }
        for global in shape.globals.iter().skip(spaces.globals.len()) {
            let init = global
                .init
                .as_ref()
                .expect("checked: a defined global has a value");
            let value = spaces.eval(init);
            // SAFETY: the core is valid and used through this borrow only.
            let globals = unsafe { &mut (*core).globals };
            let handle = Handle::new(id, globals.next_index());
            spaces.globals.push(
                globals
                    .push(GlobalEntity::new(global.ty, value, handle))
                    .as_ptr(),
            );
        }
        let values: Vec<*mut Cell> = spaces
            .globals
            .iter()
            // SAFETY: a field of a valid entity; no reference is made.
            .map(|&global| unsafe { &raw mut (*global).value })
            .collect();
        let arrays = Arrays {
            globals: PinnedArray::new(&*spaces.globals),
            global_values: PinnedArray::new(values),
            memories: PinnedArray::new(&*spaces.memories),
            tables: PinnedArray::new(&*spaces.tables),
            funcs: PinnedArray::new(&*spaces.funcs),
            type_ids: PinnedArray::new(type_ids),
        };
        // SAFETY: just pushed, and used here only.
        unsafe { (*instance).complete(arrays) };
        instance
    }
}

impl Spaces {
    /// Sets the elements of tables that begin with something other than null.
    fn fill_tables(&self, shape: &ModuleShape) -> Result<(), TrapCode> {
        for (decl, &table) in shape.tables.iter().zip(&self.tables) {
            if let Some(init) = &decl.init {
                let value = self.eval(init);
                // SAFETY: the tables of the store are valid and not borrowed.
                let table = unsafe { &mut *table };
                table.fill(0, value, table.size().into())?;
            }
        }
        Ok(())
    }

    /// The segments before any of them is dropped.
    fn make_segments(&self, shape: &ModuleShape) -> Segments {
        let item = |&func: &u32| self.func_ref(func).expect("checked: the function exists");
        let elements = shape
            .elements
            .iter()
            .map(|segment| match &segment.items {
                _ if segment.mode == SegmentMode::Declared => Box::default(),
                ElementItems::Funcs(items) => items.iter().map(item).collect(),
                ElementItems::Exprs(items) => items.iter().map(|expr| self.eval(expr)).collect(),
            })
            .collect();
        let data = shape
            .data
            .iter()
            .map(|segment| Some(segment.bytes.clone()))
            .collect();
        Segments { data, elements }
    }

    /// Copies the active element segments, and drops them.
    fn init_tables(&self, shape: &ModuleShape, segments: &mut Segments) -> Result<(), TrapCode> {
        for (i, segment) in (0..).zip(&shape.elements) {
            if let SegmentMode::Active { index, offset } = &segment.mode {
                let items = segments.elements(i);
                let table = self.tables[*index as usize];
                // SAFETY: the tables of the store are valid and not borrowed.
                let table = unsafe { &mut *table };
                table.init(self.eval_offset(offset), items, 0, items.len() as u64)?;
                segments.drop_elements(i);
            }
        }
        Ok(())
    }

    /// Copies the active data segments, and drops them.
    fn init_memories(&self, shape: &ModuleShape, segments: &mut Segments) -> Result<(), TrapCode> {
        for (i, segment) in (0..).zip(&shape.data) {
            if let SegmentMode::Active { index, offset } = &segment.mode {
                let bytes = segments.data(i);
                let memory = self.memories[*index as usize];
                // SAFETY: the memories of the store are valid and not borrowed.
                let memory = unsafe { &mut *memory };
                memory.init(self.eval_offset(offset), bytes, 0, bytes.len() as u64)?;
                segments.drop_data(i);
            }
        }
        Ok(())
    }
}

fn check_code(shape: &Arc<ModuleShape>, code: &CodeHandle) -> Result<(), InstantiateError> {
    let expected = shape.num_defined_funcs() as usize;
    if !Arc::ptr_eq(shape, code.shape()) {
        Err(InstantiateError::CodeOfAnotherModule)
    } else if code.len() != expected {
        Err(InstantiateError::CodeCount {
            expected,
            found: code.len(),
        })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
