//! Linear memories.

use alloc::boxed::Box;

use damson_core::{
    ForeignHandle, MemoryEntity, MemoryHandle, MemoryType, PrunedRef, StaticStorage,
};

use crate::error::Error;
use crate::store::{AsContext, AsContextMut, StoreContext, StoreContextMut};

/// A linear memory in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Memory(MemoryHandle);

impl Memory {
    pub(crate) const fn from_handle(handle: MemoryHandle) -> Self {
        Self(handle)
    }

    pub(crate) const fn handle(self) -> MemoryHandle {
        self.0
    }

    /// A memory of zeros.
    ///
    /// # Errors
    ///
    /// If the type cannot exist, or there is no memory for it.
    pub fn new(mut ctx: impl AsContextMut, ty: MemoryType) -> Result<Self, Error> {
        Ok(Self(ctx.as_context_mut().pruned_mut().alloc_memory(ty)?))
    }

    /// A memory in the caller's buffer, which is zeroed as far as the memory reaches.
    ///
    /// # Errors
    ///
    /// If the type cannot exist, or its minimum does not fit the buffer.
    pub fn new_static(
        mut ctx: impl AsContextMut,
        ty: MemoryType,
        buffer: &'static mut [u8],
    ) -> Result<Self, Error> {
        let storage = Box::new(StaticStorage::new(buffer));
        Ok(Self(
            ctx.as_context_mut()
                .pruned_mut()
                .alloc_memory_with(ty, storage)?,
        ))
    }

    fn entity<'a>(&self, store: PrunedRef<'a>) -> Result<&'a MemoryEntity, ForeignHandle> {
        store.memory(self.0)
    }

    /// [`Memory::entity`] where a foreign handle is documented to panic.
    #[track_caller]
    fn own<'a>(&self, store: PrunedRef<'a>) -> &'a MemoryEntity {
        match self.entity(store) {
            Ok(entity) => entity,
            Err(error) => panic!("{error}"),
        }
    }

    /// The type. Its minimum is the current size.
    ///
    /// # Panics
    ///
    /// Panics if `ctx` does not own this [`Memory`].
    pub fn ty(&self, ctx: impl AsContext) -> MemoryType {
        self.own(ctx.as_context().pruned_ref()).current_type()
    }

    /// The size in pages of 65,536 bytes.
    ///
    /// # Panics
    ///
    /// Panics if `ctx` does not own this [`Memory`].
    pub fn size(&self, ctx: impl AsContext) -> u64 {
        self.own(ctx.as_context().pruned_ref()).pages()
    }

    /// The size in bytes.
    ///
    /// # Panics
    ///
    /// Panics if `ctx` does not own this [`Memory`].
    pub fn data_size(&self, ctx: impl AsContext) -> usize {
        self.own(ctx.as_context().pruned_ref()).len
    }

    /// Adds pages of zeros and gives the number of pages before.
    ///
    /// # Errors
    ///
    /// - If the maximum would be exceeded, or there is no memory.
    /// - If the memory belongs to another store.
    pub fn grow(&self, mut ctx: impl AsContextMut, additional: u64) -> Result<u64, Error> {
        Ok(ctx
            .as_context_mut()
            .pruned_mut()
            .grow_memory(self.0, additional)?)
    }

    /// The bytes.
    ///
    /// # Panics
    ///
    /// Panics if `ctx` does not own this [`Memory`].
    pub fn data<'a, T: 'static>(&self, ctx: impl Into<StoreContext<'a, T>>) -> &'a [u8] {
        self.own(ctx.into().pruned_ref()).data()
    }

    /// The bytes.
    ///
    /// # Panics
    ///
    /// Panics if `ctx` does not own this [`Memory`].
    pub fn data_mut<'a, T: 'static>(&self, ctx: impl Into<StoreContextMut<'a, T>>) -> &'a mut [u8] {
        match ctx.into().into_pruned_mut().into_memory_mut(self.0) {
            Ok(memory) => memory.into_data_mut(),
            Err(error) => panic!("{error}"),
        }
    }

    /// The bytes and the host's data at the same time.
    ///
    /// # Panics
    ///
    /// Panics if `ctx` does not own this [`Memory`].
    pub fn data_and_store_mut<'a, T: 'static>(
        &self,
        ctx: impl Into<StoreContextMut<'a, T>>,
    ) -> (&'a mut [u8], &'a mut T) {
        match ctx.into().into_memory_and_data_mut(self.0) {
            Ok((memory, data)) => (memory, data),
            Err(error) => panic!("{error}"),
        }
    }

    /// Copies bytes from the memory.
    ///
    /// # Errors
    ///
    /// - If the range lies outside the memory; then nothing is copied.
    /// - If the memory belongs to another store.
    pub fn read(&self, ctx: impl AsContext, offset: usize, buffer: &mut [u8]) -> Result<(), Error> {
        let ctx = ctx.as_context();
        Ok(self.entity(ctx.pruned_ref())?.read(offset as u64, buffer)?)
    }

    /// Copies bytes to the memory.
    ///
    /// # Errors
    ///
    /// - If the range lies outside the memory; then nothing is copied.
    /// - If the memory belongs to another store.
    pub fn write(
        &self,
        mut ctx: impl AsContextMut,
        offset: usize,
        buffer: &[u8],
    ) -> Result<(), Error> {
        let mut ctx = ctx.as_context_mut();
        Ok(ctx
            .pruned_mut()
            .memory_mut(self.0)?
            .write(offset as u64, buffer)?)
    }
}
