//! What instances import and export.

use core::iter::FusedIterator;

use damson_core::{ExternHandle, ExternType, InstanceEntity};

use crate::func::Func;
use crate::global::Global;
use crate::memory::Memory;
use crate::store::AsContext;
use crate::table::Table;

/// Something that can be imported and exported.
///
/// # Example
///
/// ```
/// # #[cfg(feature = "wat")] {
/// use damson::{Engine, Extern, Instance, Module, Store};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"
///     (module (memory (export "memory") 1) (global (export "version") i32 (i32.const 3)))
/// "#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let memory = instance.get_export(&store, "memory").unwrap();
/// assert_eq!(memory.ty(&store).to_string(), "memory of 1.. pages");
/// assert!(memory.into_memory().is_some() && memory.into_func().is_none());
/// let Some(Extern::Global(version)) = instance.get_export(&store, "version") else {
///     panic!("it is a global")
/// };
/// assert_eq!(version.get(&store).i32(), Some(3));
/// # }
/// # Ok::<(), damson::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Extern {
    /// A function.
    Func(Func),
    /// A table.
    Table(Table),
    /// A linear memory.
    Memory(Memory),
    /// A global.
    Global(Global),
}

impl Extern {
    /// `None` for kinds that this crate does not know yet.
    pub(crate) fn from_handle(handle: ExternHandle) -> Option<Self> {
        match handle {
            ExternHandle::Func(handle) => Some(Self::Func(Func::from_handle(handle))),
            ExternHandle::Table(handle) => Some(Self::Table(Table::from_handle(handle))),
            ExternHandle::Memory(handle) => Some(Self::Memory(Memory::from_handle(handle))),
            ExternHandle::Global(handle) => Some(Self::Global(Global::from_handle(handle))),
            _ => None,
        }
    }

    pub(crate) fn handle(self) -> ExternHandle {
        match self {
            Self::Func(func) => func.handle().into(),
            Self::Table(table) => table.handle().into(),
            Self::Memory(memory) => memory.handle().into(),
            Self::Global(global) => global.handle().into(),
        }
    }

    /// The function, if this is one.
    #[must_use]
    pub fn into_func(self) -> Option<Func> {
        if let Self::Func(func) = self {
            Some(func)
        } else {
            None
        }
    }

    /// The table, if this is one.
    #[must_use]
    pub fn into_table(self) -> Option<Table> {
        if let Self::Table(table) = self {
            Some(table)
        } else {
            None
        }
    }

    /// The memory, if this is one.
    #[must_use]
    pub fn into_memory(self) -> Option<Memory> {
        if let Self::Memory(memory) = self {
            Some(memory)
        } else {
            None
        }
    }

    /// The global, if this is one.
    #[must_use]
    pub fn into_global(self) -> Option<Global> {
        if let Self::Global(global) = self {
            Some(global)
        } else {
            None
        }
    }

    /// The type. A memory or table may have become larger than its minimum.
    ///
    /// # Panics
    ///
    /// If this item does not belong to the `store` provided.
    pub fn ty(&self, store: impl AsContext) -> ExternType {
        match self {
            Self::Func(func) => func.ty(store).into(),
            Self::Table(table) => table.ty(store).into(),
            Self::Memory(memory) => memory.ty(store).into(),
            Self::Global(global) => global.ty(store).into(),
        }
    }
}

impl From<Func> for Extern {
    fn from(func: Func) -> Self {
        Self::Func(func)
    }
}

impl From<Table> for Extern {
    fn from(table: Table) -> Self {
        Self::Table(table)
    }
}

impl From<Memory> for Extern {
    fn from(memory: Memory) -> Self {
        Self::Memory(memory)
    }
}

impl From<Global> for Extern {
    fn from(global: Global) -> Self {
        Self::Global(global)
    }
}

/// An export of an instance.
#[derive(Debug, Clone, Copy)]
pub struct Export<'instance> {
    name: &'instance str,
    item: Extern,
}

impl<'instance> Export<'instance> {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &'instance str {
        self.name
    }

    /// The type. A memory or table may have become larger than its minimum.
    ///
    /// # Panics
    ///
    /// If `ctx` does not own this [`Export`].
    pub fn ty(&self, ctx: impl AsContext) -> ExternType {
        self.item.ty(ctx)
    }

    /// What is exported.
    #[must_use]
    pub fn into_extern(self) -> Extern {
        self.item
    }

    /// The function, if this is one.
    #[must_use]
    pub fn into_func(self) -> Option<Func> {
        self.item.into_func()
    }

    /// The table, if this is one.
    #[must_use]
    pub fn into_table(self) -> Option<Table> {
        self.item.into_table()
    }

    /// The memory, if this is one.
    #[must_use]
    pub fn into_memory(self) -> Option<Memory> {
        self.item.into_memory()
    }

    /// The global, if this is one.
    #[must_use]
    pub fn into_global(self) -> Option<Global> {
        self.item.into_global()
    }
}

/// The exports of an instance, in their order in the module.
#[derive(Debug, Clone)]
pub struct ExportsIter<'instance> {
    instance: &'instance InstanceEntity,
    /// Exports given out so far.
    next: usize,
}

impl<'instance> ExportsIter<'instance> {
    pub(crate) fn new(instance: &'instance InstanceEntity) -> Self {
        Self { instance, next: 0 }
    }
}

impl<'instance> Iterator for ExportsIter<'instance> {
    type Item = Export<'instance>;

    fn next(&mut self) -> Option<Self::Item> {
        let export = self.instance.shape().exports.get(self.next)?;
        self.next += 1;
        let handle = self.instance.export(&export.name)?;
        Some(Export {
            name: &export.name,
            item: Extern::from_handle(handle)?,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.instance.shape().exports.len() - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for ExportsIter<'_> {}
impl FusedIterator for ExportsIter<'_> {}
