//! What a guest may take: the limiter behind `--max-memory`.

use damson::ResourceLimiter;
use damson::errors::{LimiterError, MemoryError, TableError};

/// Counts what all memories and tables of a store take together.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    max_memory: Option<usize>,
    used: usize,
    /// What was used before the last growth that was allowed.
    before: usize,
    /// What there would have been after the last growth that was refused.
    refused: Option<usize>,
}

/// What an element of a table takes.
const ELEMENT: usize = 8;

impl Limits {
    pub(crate) fn new(max_memory: Option<usize>) -> Self {
        Self {
            max_memory,
            ..Self::default()
        }
    }

    /// A sentence on the limit, if the guest has met it.
    pub(crate) fn note(&self) -> Option<String> {
        let (refused, max) = (self.refused?, self.max_memory?);
        Some(format!(
            "it was refused memory: the limit is {max} bytes and it asked for {refused} in all; \
             `--max-memory` raises it"
        ))
    }

    fn growing(&mut self, current: usize, desired: usize) -> bool {
        let total = self.used.saturating_sub(current).saturating_add(desired);
        if self.max_memory.is_some_and(|max| total > max) {
            self.refused = Some(total);
            return false;
        }
        self.before = self.used;
        self.used = total;
        true
    }

    /// The last growth did not happen.
    fn failed(&mut self) {
        self.used = self.before;
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        Ok(self.growing(current, desired))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        let [current, desired] = [current, desired].map(|size| size.saturating_mul(ELEMENT));
        Ok(self.growing(current, desired))
    }

    fn memory_grow_failed(&mut self, _error: &MemoryError) -> Result<(), LimiterError> {
        self.failed();
        Ok(())
    }

    fn table_grow_failed(&mut self, _error: &TableError) -> Result<(), LimiterError> {
        self.failed();
        Ok(())
    }

    // Their number is bounded by the one module there is.

    fn instances(&self) -> usize {
        usize::MAX
    }

    fn tables(&self) -> usize {
        usize::MAX
    }

    fn memories(&self) -> usize {
        usize::MAX
    }
}

#[cfg(test)]
mod tests {
    use damson::{Memory, MemoryType};

    use super::*;

    #[test]
    fn memories_and_tables_count_together() {
        let mut limits = Limits::new(Some(1000));
        assert!(limits.memory_growing(0, 500, None).unwrap());
        assert!(limits.table_growing(0, 50, None).unwrap());
        assert!(limits.memory_growing(500, 600, None).unwrap());
        assert!(limits.note().is_none());
        assert!(!limits.table_growing(50, 51, None).unwrap());
        assert!(
            limits
                .note()
                .unwrap()
                .contains("the limit is 1000 bytes and it asked for 1008 in all")
        );
        assert!(!limits.memory_growing(0, usize::MAX, None).unwrap());
        assert!(
            Limits::new(None)
                .table_growing(0, usize::MAX, None)
                .unwrap()
        );
    }

    #[test]
    fn what_was_allowed_and_not_to_be_had_is_not_counted() {
        let ty = MemoryType::new(1, None);
        let storage = || damson::storage::StaticStorage::new(Box::leak(vec![0; 1 << 16].into()));
        let mut store = damson::Store::new(&damson::Engine::default(), Limits::new(Some(1 << 18)));
        store.limiter(|limits| limits);
        let memory = Memory::with_storage(&mut store, ty, storage()).unwrap();
        let used = |store: &damson::Store<Limits>| store.data().used;
        assert_eq!(used(&store), 1 << 16);
        // The limit has room for it, the storage has not.
        assert!(memory.grow(&mut store, 2).is_err());
        assert_eq!(used(&store), 1 << 16);
        assert!(store.data().note().is_none());
    }
}
