//! How much a store may have: the embedder's limiter.
//!
//! The store asks before anything is made or grows, so a refusal leaves no trace.
//! What is limited is what a guest can ask for: instances, memories and their
//! bytes, tables and their elements. The book-keeping around them is not counted.

use alloc::boxed::Box;
use core::marker::PhantomData;

use damson_core::{
    Counted, ExternKind, GrowDecision, GrowError, GrowFailure, GrowRequest, HostDataMut, Limiter,
    MemoryError, PrunedMut, TableError,
};

/// What a [`ResourceLimiter`] answers where the guest is to be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimiterError {
    /// The guest is stopped by the trap
    /// [`TrapCode::GrowthOperationLimited`](crate::TrapCode::GrowthOperationLimited).
    #[error("the resource limiter refused an allocation")]
    ResourceLimiterDeniedAllocation,
}

/// Decides how much a store may have.
///
/// [`Store::limiter`](crate::Store::limiter) puts one in charge; [`StoreLimits`] is one
/// with fixed limits.
///
/// # Example
///
/// A limit for all memories of a store together:
///
/// ```
/// use damson::errors::LimiterError;
/// use damson::{Engine, Memory, MemoryType, ResourceLimiter, Store};
///
/// struct Budget {
///     bytes: usize,
/// }
///
/// impl ResourceLimiter for Budget {
///     fn memory_growing(
///         &mut self,
///         current: usize,
///         desired: usize,
///         _maximum: Option<usize>,
///     ) -> Result<bool, LimiterError> {
///         match self.bytes.checked_sub(desired - current) {
///             Some(left) => {
///                 self.bytes = left;
///                 Ok(true)
///             }
///             None => Ok(false),
///         }
///     }
///
///     fn table_growing(
///         &mut self,
///         _current: usize,
///         desired: usize,
///         _maximum: Option<usize>,
///     ) -> Result<bool, LimiterError> {
///         Ok(desired <= 1_000)
///     }
///
///     fn instances(&self) -> usize { 10 }
///     fn tables(&self) -> usize { 10 }
///     fn memories(&self) -> usize { 10 }
/// }
///
/// let mut store = Store::new(&Engine::default(), Budget { bytes: 3 * 65_536 });
/// store.limiter(|budget| budget);
/// let memory = Memory::new(&mut store, MemoryType::new(2, None))?;
/// assert!(memory.grow(&mut store, 2).is_err());
/// assert_eq!(memory.grow(&mut store, 1)?, 2);
/// assert!(Memory::new(&mut store, MemoryType::new(1, None)).is_err());
/// # Ok::<(), damson::Error>(())
/// ```
pub trait ResourceLimiter {
    /// Asked before a memory grows from `current` to `desired` bytes; when it is made,
    /// `current` is 0. `maximum` is what its type allows.
    ///
    /// `Ok(false)` makes the growth fail: `memory.grow` gives -1, and an operation of
    /// the host an error.
    ///
    /// # Errors
    ///
    /// An error stops the guest by a trap instead.
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError>;

    /// Asked before a table grows from `current` to `desired` elements, likewise.
    ///
    /// # Errors
    ///
    /// As [`memory_growing`](Self::memory_growing).
    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError>;

    /// Told that a memory did not grow although it was allowed.
    ///
    /// # Errors
    ///
    /// An error stops the guest by a trap.
    fn memory_grow_failed(&mut self, _error: &MemoryError) -> Result<(), LimiterError> {
        Ok(())
    }

    /// Told that a table did not grow although it was allowed.
    ///
    /// # Errors
    ///
    /// An error stops the guest by a trap.
    fn table_grow_failed(&mut self, _error: &TableError) -> Result<(), LimiterError> {
        Ok(())
    }

    /// How many instances the store may have.
    fn instances(&self) -> usize;

    /// How many tables the store may have, those of instances included.
    fn tables(&self) -> usize;

    /// How many memories the store may have, those of instances included.
    fn memories(&self) -> usize;
}

/// A [`ResourceLimiter`] with fixed limits for each memory and each table, made by
/// [`StoreLimitsBuilder`].
///
/// Without more said, memories and tables may have any size, and a store 10,000
/// instances, 10,000 tables and 10,000 memories.
///
/// # Example
///
/// ```
/// use damson::{Engine, Memory, MemoryType, Store, StoreLimits, StoreLimitsBuilder};
///
/// struct Host {
///     limits: StoreLimits,
/// }
///
/// let limits = StoreLimitsBuilder::new().memory_size(1 << 20).build();
/// let mut store = Store::new(&Engine::default(), Host { limits });
/// store.limiter(|host| &mut host.limits);
/// assert!(Memory::new(&mut store, MemoryType::new(16, None)).is_ok());
/// assert!(Memory::new(&mut store, MemoryType::new(17, None)).is_err());
/// ```
#[derive(Debug, Clone)]
pub struct StoreLimits {
    memory_size: Option<usize>,
    table_elements: Option<usize>,
    instances: usize,
    tables: usize,
    memories: usize,
    trap_on_grow_failure: bool,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self {
            memory_size: None,
            table_elements: None,
            instances: 10_000,
            tables: 10_000,
            memories: 10_000,
            trap_on_grow_failure: false,
        }
    }
}

impl StoreLimits {
    /// Whether a growth is allowed.
    fn decide(&self, desired: usize, limit: Option<usize>) -> Result<bool, LimiterError> {
        let allowed = limit.is_none_or(|limit| desired <= limit);
        if allowed {
            Ok(true)
        } else {
            self.failed().map(|()| false)
        }
    }

    fn failed(&self) -> Result<(), LimiterError> {
        if self.trap_on_grow_failure {
            Err(LimiterError::ResourceLimiterDeniedAllocation)
        } else {
            Ok(())
        }
    }
}

impl ResourceLimiter for StoreLimits {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        self.decide(desired, self.memory_size)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        self.decide(desired, self.table_elements)
    }

    fn memory_grow_failed(&mut self, _error: &MemoryError) -> Result<(), LimiterError> {
        self.failed()
    }

    fn table_grow_failed(&mut self, _error: &TableError) -> Result<(), LimiterError> {
        self.failed()
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        self.memories
    }
}

/// Makes [`StoreLimits`].
///
/// # Example
///
/// ```
/// # #[cfg(feature = "wat")] {
/// use damson::{Engine, Instance, Module, Store, StoreLimitsBuilder, TrapCode};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"
///     (module (memory 1) (func (export "grow") (drop (memory.grow (i32.const 9)))))
/// "#)?;
/// let limits = StoreLimitsBuilder::new()
///     .memory_size(4 << 16)
///     .instances(1)
///     .trap_on_grow_failure(true)
///     .build();
/// let mut store = Store::new(&engine, limits);
/// store.limiter(|limits| limits);
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let grow = instance.get_typed_func::<(), ()>(&store, "grow")?;
/// let error = grow.call(&mut store, ()).unwrap_err();
/// assert_eq!(error.as_trap_code(), Some(TrapCode::GrowthOperationLimited));
/// assert!(Instance::new(&mut store, &module, &[]).is_err(), "one instance only");
/// # }
/// # Ok::<(), damson::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct StoreLimitsBuilder(StoreLimits);

impl StoreLimitsBuilder {
    /// The default limits, to be changed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The greatest size of each memory in bytes.
    #[must_use]
    pub fn memory_size(mut self, limit: usize) -> Self {
        self.0.memory_size = Some(limit);
        self
    }

    /// The greatest number of elements of each table.
    #[must_use]
    pub fn table_elements(mut self, limit: usize) -> Self {
        self.0.table_elements = Some(limit);
        self
    }

    /// The greatest number of instances.
    #[must_use]
    pub fn instances(mut self, limit: usize) -> Self {
        self.0.instances = limit;
        self
    }

    /// The greatest number of tables.
    #[must_use]
    pub fn tables(mut self, tables: usize) -> Self {
        self.0.tables = tables;
        self
    }

    /// The greatest number of memories.
    #[must_use]
    pub fn memories(mut self, memories: usize) -> Self {
        self.0.memories = memories;
        self
    }

    /// Whether a growth that fails, for whatever reason but the maximum of the type,
    /// stops the guest by a trap; off by default.
    #[must_use]
    pub fn trap_on_grow_failure(mut self, trap: bool) -> Self {
        self.0.trap_on_grow_failure = trap;
        self
    }

    /// The limits.
    #[must_use]
    pub fn build(self) -> StoreLimits {
        self.0
    }
}

/// Finds a limiter in the host data of a store, for the core.
struct InData<T, F> {
    find: F,
    data: PhantomData<fn(T)>,
}

/// Makes the limiter that `find` finds in the host data decide in a store whose host
/// data is a `T`.
pub(crate) fn limit_by_data<T, F>(mut store: PrunedMut<'_>, find: F)
where
    T: 'static,
    F: Send + Sync + 'static + FnMut(&mut T) -> &mut dyn ResourceLimiter,
{
    let data = PhantomData::<fn(T)>;
    store.vtable_mut().limiter = Some(Box::new(InData { find, data }));
}

/// Makes a limiter of its own decide in a store.
pub(crate) fn limit_by<L>(mut store: PrunedMut<'_>, limiter: L)
where
    L: ResourceLimiter + Send + Sync + 'static,
{
    store.vtable_mut().limiter = Some(Box::new(Own(limiter)));
}

impl<T, F> Limiter for InData<T, F>
where
    T: 'static,
    F: Send + Sync + FnMut(&mut T) -> &mut dyn ResourceLimiter,
{
    fn growing(&mut self, mut data: HostDataMut<'_>, request: GrowRequest) -> GrowDecision {
        growing(self.find(&mut data), request)
    }

    fn grow_failed(
        &mut self,
        mut data: HostDataMut<'_>,
        kind: ExternKind,
        error: &GrowError,
    ) -> GrowFailure {
        grow_failed(self.find(&mut data), kind, error)
    }

    fn max_count(&mut self, mut data: HostDataMut<'_>, counted: Counted) -> usize {
        max_count(self.find(&mut data), counted)
    }
}

impl<T, F> InData<T, F>
where
    T: 'static,
    F: Send + Sync + FnMut(&mut T) -> &mut dyn ResourceLimiter,
{
    fn find<'a>(&mut self, data: &'a mut HostDataMut<'_>) -> &'a mut dyn ResourceLimiter {
        // Put into a store with such data, which never changes its type.
        (self.find)(data.get::<T>().expect("the data of a `Store<T>` is a `T`"))
    }
}

/// A limiter that is no part of the host data.
struct Own<L>(L);

impl<L: ResourceLimiter + Send + Sync> Limiter for Own<L> {
    fn growing(&mut self, _: HostDataMut<'_>, request: GrowRequest) -> GrowDecision {
        growing(&mut self.0, request)
    }

    fn grow_failed(
        &mut self,
        _: HostDataMut<'_>,
        kind: ExternKind,
        error: &GrowError,
    ) -> GrowFailure {
        grow_failed(&mut self.0, kind, error)
    }

    fn max_count(&mut self, _: HostDataMut<'_>, counted: Counted) -> usize {
        max_count(&mut self.0, counted)
    }
}

fn growing(limiter: &mut dyn ResourceLimiter, request: GrowRequest) -> GrowDecision {
    let size = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
    let (current, desired) = (size(request.current), size(request.desired));
    let maximum = request.maximum.map(size);
    let allowed = match request.kind {
        ExternKind::Memory => limiter.memory_growing(current, desired, maximum),
        _ => limiter.table_growing(current, desired, maximum),
    };
    match allowed {
        Ok(true) => GrowDecision::Allow,
        Ok(false) => GrowDecision::Deny,
        Err(_) => GrowDecision::Trap,
    }
}

fn grow_failed(
    limiter: &mut dyn ResourceLimiter,
    kind: ExternKind,
    error: &GrowError,
) -> GrowFailure {
    let told = match kind {
        ExternKind::Memory => limiter.memory_grow_failed(&MemoryError::from(*error)),
        _ => limiter.table_grow_failed(&TableError::from(*error)),
    };
    match told {
        Ok(()) => GrowFailure::Report,
        Err(_) => GrowFailure::Trap,
    }
}

fn max_count(limiter: &mut dyn ResourceLimiter, counted: Counted) -> usize {
    match counted {
        Counted::Instances => limiter.instances(),
        Counted::Tables => limiter.tables(),
        Counted::Memories => limiter.memories(),
        // A kind that this crate does not know has no limit in it.
        _ => usize::MAX,
    }
}
