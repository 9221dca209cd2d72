//! Linear memories.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;

use damson_core::store::MakeStorage;
use damson_core::{
    ForeignHandle, MemoryEntity, MemoryError, MemoryHandle, MemoryStorage, MemoryType, PrunedRef,
    StaticStorage, StorageError,
};

use crate::error::Error;
use crate::store::{AsContext, AsContextMut, StoreContext, StoreContextMut};

/// A linear memory in a store.
///
/// # Example
///
/// ```
/// use damson::{Engine, Memory, MemoryType, Store};
///
/// let mut store = Store::new(&Engine::default(), ());
/// let memory = Memory::new(&mut store, MemoryType::new(1, Some(2)))?;
/// memory.write(&mut store, 10, b"damson")?;
/// let mut bytes = [0; 3];
/// memory.read(&store, 13, &mut bytes)?;
/// assert_eq!(&bytes, b"son");
/// assert_eq!(memory.data(&store)[10], b'd');
///
/// assert_eq!(memory.grow(&mut store, 1)?, 1);
/// assert_eq!(memory.size(&store), 2);
/// assert!(memory.grow(&mut store, 1).is_err(), "beyond its maximum");
/// # Ok::<(), damson::Error>(())
/// ```
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
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Engine, Memory, MemoryType, Store};
    ///
    /// let buffer: &'static mut [u8] = Box::leak(vec![0; 3 << 16].into_boxed_slice());
    /// let mut store = Store::new(&Engine::default(), ());
    /// let memory = Memory::new_static(&mut store, MemoryType::new(1, None), buffer)?;
    /// assert_eq!(memory.grow(&mut store, 2)?, 1);
    /// assert!(memory.grow(&mut store, 1).is_err(), "the buffer has three pages");
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn new_static(
        ctx: impl AsContextMut,
        ty: MemoryType,
        buffer: &'static mut [u8],
    ) -> Result<Self, Error> {
        Self::with_storage(ctx, ty, StaticStorage::new(buffer))
    }

    /// A memory in a storage of the caller's choice, see [`crate::storage`].
    ///
    /// The storage grows to the minimum of the type. Bytes that it already has are
    /// kept; they must be whole pages.
    ///
    /// # Errors
    ///
    /// If the type cannot exist, or the storage has no room or another size.
    ///
    /// # Example
    ///
    /// ```
    /// use damson::storage::HeapStorage;
    /// use damson::{Engine, Memory, MemoryType, Store};
    ///
    /// let mut store = Store::new(&Engine::default(), ());
    /// let ty = MemoryType::new(2, Some(4));
    /// let memory = Memory::with_storage(&mut store, ty, HeapStorage::new())?;
    /// assert_eq!(memory.data_size(&store), 2 << 16);
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn with_storage(
        mut ctx: impl AsContextMut,
        ty: MemoryType,
        storage: impl MemoryStorage + 'static,
    ) -> Result<Self, Error> {
        Ok(Self(
            ctx.as_context_mut()
                .pruned_mut()
                .alloc_memory_with(ty, Box::new(storage))?,
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

    /// The type that it was made with. For how large it is now, see [`size`](Self::size).
    ///
    /// # Panics
    ///
    /// Panics if `ctx` does not own this [`Memory`].
    pub fn ty(&self, ctx: impl AsContext) -> MemoryType {
        self.own(ctx.as_context().pruned_ref()).ty()
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

    /// The address of the first byte.
    ///
    /// It changes when the memory grows, and is good for [`data_size`](Self::data_size)
    /// bytes. Reading and writing there is unsafe: nobody else may have the bytes
    /// borrowed, and no Wasm code may run meanwhile.
    ///
    /// # Panics
    ///
    /// Panics if `ctx` does not own this [`Memory`].
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Engine, Memory, MemoryType, Store};
    ///
    /// let mut store = Store::new(&Engine::default(), ());
    /// let memory = Memory::new(&mut store, MemoryType::new(1, None))?;
    /// memory.write(&mut store, 5, &[9])?;
    /// // SAFETY: within the memory, nobody has it borrowed, and nothing runs.
    /// let byte = unsafe { *memory.data_ptr(&store).add(5) };
    /// assert_eq!(byte, 9);
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn data_ptr(&self, ctx: impl AsContext) -> *mut u8 {
        self.own(ctx.as_context().pruned_ref()).base
    }

    /// Adds pages of zeros and gives the number of pages before.
    ///
    /// # Errors
    ///
    /// - If the maximum would be exceeded, or there is no memory.
    /// - If the memory belongs to another store.
    pub fn grow(&self, mut ctx: impl AsContextMut, additional: u64) -> Result<u64, MemoryError> {
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
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Engine, Memory, MemoryType, Store};
    ///
    /// let mut store = Store::new(&Engine::default(), vec![1_u8, 2, 3]);
    /// let memory = Memory::new(&mut store, MemoryType::new(1, None))?;
    /// let (bytes, data) = memory.data_and_store_mut(&mut store);
    /// bytes[..3].copy_from_slice(data);
    /// data.clear();
    /// assert_eq!(memory.data(&store)[..4], [1, 2, 3, 0]);
    /// # Ok::<(), damson::Error>(())
    /// ```
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
    pub fn read(
        &self,
        ctx: impl AsContext,
        offset: usize,
        buffer: &mut [u8],
    ) -> Result<(), MemoryError> {
        let ctx = ctx.as_context();
        self.entity(ctx.pruned_ref())?.read(offset as u64, buffer)
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
    ) -> Result<(), MemoryError> {
        let mut ctx = ctx.as_context_mut();
        ctx.pruned_mut()
            .memory_mut(self.0)?
            .write(offset as u64, buffer)
    }
}

/// Makes the storage of memories, as [`Config::memory_storage`](crate::Config::memory_storage)
/// keeps it.
#[derive(Clone)]
pub(crate) struct StorageMaker(MakeStorage);

impl StorageMaker {
    pub(crate) fn new<S, F>(make: F) -> Self
    where
        S: MemoryStorage + 'static,
        F: Fn(MemoryType) -> Result<S, StorageError> + Send + Sync + 'static,
    {
        Self(Arc::new(move |ty| Ok(Box::new(make(ty)?))))
    }

    pub(crate) fn to_core(&self) -> MakeStorage {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for StorageMaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StorageMaker")
    }
}
