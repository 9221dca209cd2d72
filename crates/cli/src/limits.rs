//! What a guest may take: the limiter behind `--max-memory`.

use damson::ResourceLimiter;
use damson::errors::LimiterError;

/// Counts what all memories and tables of a store take together.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    max_memory: Option<usize>,
    used: usize,
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
        self.used = total;
        true
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
}
