//! The types with limits: memories and tables.
//!
//! Indices into both have 32 bits. The forms with 64-bit indices (the memory64
//! proposal) and pages of other sizes (custom page sizes) have their names in
//! [`MemoryTypeBuilder`], which refuses them.

use core::fmt;

use crate::types::{PAGE_SIZE, RefType};

/// The type of a linear memory, in pages of [`PAGE_SIZE`] bytes.
///
/// # Example
///
/// ```
/// use damson_core::MemoryType;
///
/// let ty = MemoryType::new(1, Some(16));
/// assert_eq!((ty.minimum(), ty.maximum()), (1, Some(16)));
/// assert_eq!(ty.to_string(), "memory of 1..=16 pages");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MemoryType {
    minimum: u64,
    maximum: Option<u64>,
}

impl MemoryType {
    /// A memory of at least `minimum` and at most `maximum` pages.
    #[must_use]
    pub const fn new(minimum: u32, maximum: Option<u32>) -> Self {
        Self {
            minimum: minimum as u64,
            maximum: match maximum {
                Some(maximum) => Some(maximum as u64),
                None => None,
            },
        }
    }

    /// [`MemoryType::new`] with wider numbers. Whether a memory of that size can
    /// exist is found out when one is made.
    #[must_use]
    pub const fn of_pages(minimum: u64, maximum: Option<u64>) -> Self {
        Self { minimum, maximum }
    }

    /// Sets one limit after the other.
    #[must_use]
    pub const fn builder() -> MemoryTypeBuilder {
        MemoryTypeBuilder::new()
    }

    /// Whether addresses have 64 bits: never, so far.
    #[must_use]
    pub const fn is_64(&self) -> bool {
        false
    }

    /// The least size, in pages.
    #[must_use]
    pub const fn minimum(self) -> u64 {
        self.minimum
    }

    /// The greatest size, in pages.
    #[must_use]
    pub const fn maximum(self) -> Option<u64> {
        self.maximum
    }
}

/// A [`MemoryType`] in the making.
///
/// # Example
///
/// ```
/// use damson_core::{MemoryType, MemoryTypeBuilder};
///
/// let ty = MemoryTypeBuilder::new().min(1).max(Some(3)).build();
/// assert_eq!(ty, Ok(MemoryType::new(1, Some(3))));
/// assert!(MemoryTypeBuilder::new().memory64(true).build().is_err(), "not supported");
/// assert!(MemoryTypeBuilder::new().min(4).max(Some(3)).build().is_err());
/// ```
#[derive(Debug, Clone, Copy)]
pub struct MemoryTypeBuilder {
    ty: MemoryType,
    memory64: bool,
    page_size_log2: u8,
}

/// A [`MemoryTypeBuilder`] was asked for what no memory can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryTypeError {
    /// 64-bit addresses.
    #[error("memories with 64-bit addresses (memory64) are not supported")]
    Memory64,
    /// Pages of another size.
    #[error("pages of 2^{log2} bytes are not supported, they have 2^16 (65536)")]
    PageSize {
        /// The logarithm of the size to the base of 2.
        log2: u8,
    },
    /// The limits contradict each other, or the address space.
    #[error(
        "a {ty} is impossible: the minimum must not exceed the maximum, \
         nor either of them 65536 pages"
    )]
    Limits {
        /// The type.
        ty: MemoryType,
    },
}

impl Default for MemoryTypeBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryTypeBuilder {
    /// A memory of any size, with 32-bit addresses and pages of 65,536 bytes.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            ty: MemoryType::new(0, None),
            memory64: false,
            page_size_log2: PAGE_SIZE.trailing_zeros() as u8,
        }
    }

    /// Whether addresses have 64 bits, which is refused by [`build`](Self::build).
    pub const fn memory64(&mut self, memory64: bool) -> &mut Self {
        self.memory64 = memory64;
        self
    }

    /// The least size, in pages.
    pub const fn min(&mut self, minimum: u64) -> &mut Self {
        self.ty.minimum = minimum;
        self
    }

    /// The greatest size, in pages.
    pub const fn max(&mut self, maximum: Option<u64>) -> &mut Self {
        self.ty.maximum = maximum;
        self
    }

    /// The logarithm of the size of a page; everything but 16 is refused by
    /// [`build`](Self::build).
    pub const fn page_size_log2(&mut self, log2: u8) -> &mut Self {
        self.page_size_log2 = log2;
        self
    }

    /// The type.
    ///
    /// # Errors
    ///
    /// [`MemoryTypeError`] if no memory can be of that type.
    pub fn build(self) -> Result<MemoryType, MemoryTypeError> {
        const MAX_PAGES: u64 = crate::types::MAX_PAGES;
        let ty = self.ty;
        let maximum = ty.maximum.unwrap_or(MAX_PAGES);
        if self.memory64 {
            Err(MemoryTypeError::Memory64)
        } else if 1_usize.checked_shl(self.page_size_log2.into()) != Some(PAGE_SIZE) {
            let log2 = self.page_size_log2;
            Err(MemoryTypeError::PageSize { log2 })
        } else if ty.minimum > maximum || maximum > MAX_PAGES {
            Err(MemoryTypeError::Limits { ty })
        } else {
            Ok(ty)
        }
    }
}

/// The limits of a memory or table, as the text format writes them.
fn limits(f: &mut fmt::Formatter<'_>, minimum: u64, maximum: Option<u64>) -> fmt::Result {
    match maximum {
        Some(maximum) => write!(f, "{minimum}..={maximum}"),
        None => write!(f, "{minimum}.."),
    }
}

impl fmt::Display for MemoryType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory of ")?;
        limits(f, self.minimum, self.maximum)?;
        f.write_str(" pages")
    }
}

/// The type of a table.
///
/// # Example
///
/// ```
/// use damson_core::{RefType, TableType};
///
/// let ty = TableType::new(RefType::Func, 10, None);
/// assert_eq!((ty.element(), ty.minimum(), ty.maximum()), (RefType::Func, 10, None));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TableType {
    element: RefType,
    minimum: u32,
    maximum: Option<u32>,
}

impl TableType {
    /// A table of at least `minimum` and at most `maximum` elements.
    #[must_use]
    pub const fn new(element: RefType, minimum: u32, maximum: Option<u32>) -> Self {
        Self {
            element,
            minimum,
            maximum,
        }
    }

    /// The same with another minimum.
    pub(crate) const fn with_minimum(self, minimum: u32) -> Self {
        Self { minimum, ..self }
    }

    /// Whether indices have 64 bits: never, so far.
    #[must_use]
    pub const fn is_64(&self) -> bool {
        false
    }

    /// The type of the elements.
    #[must_use]
    pub const fn element(&self) -> RefType {
        self.element
    }

    /// The least number of elements.
    #[must_use]
    pub const fn minimum(&self) -> u64 {
        self.minimum as u64
    }

    /// The greatest number of elements.
    #[must_use]
    pub const fn maximum(&self) -> Option<u64> {
        match self.maximum {
            Some(maximum) => Some(maximum as u64),
            None => None,
        }
    }
}

impl fmt::Display for TableType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("table of ")?;
        limits(f, self.minimum(), self.maximum())?;
        write!(f, " {}", self.element)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builder_makes_what_new_makes() {
        let mut builder = MemoryType::builder();
        builder
            .min(1)
            .max(Some(3))
            .page_size_log2(16)
            .memory64(false);
        assert_eq!(builder.build(), Ok(MemoryType::new(1, Some(3))));
        assert_eq!(
            MemoryTypeBuilder::default().build(),
            Ok(MemoryType::new(0, None))
        );
        assert_eq!(MemoryType::of_pages(7, None), MemoryType::new(7, None));
    }

    #[test]
    fn the_builder_refuses_what_cannot_be() {
        let build = |change: &dyn Fn(&mut MemoryTypeBuilder)| {
            let mut builder = MemoryTypeBuilder::new();
            change(&mut builder);
            builder.build()
        };
        assert_eq!(
            build(&|b| {
                b.memory64(true);
            }),
            Err(MemoryTypeError::Memory64)
        );
        for log2 in [0, 15, 17, 200] {
            assert_eq!(
                build(&|b| {
                    b.page_size_log2(log2);
                }),
                Err(MemoryTypeError::PageSize { log2 })
            );
        }
        for (min, max) in [(2, Some(1)), (0, Some(65_537)), (65_537, None)] {
            let ty = MemoryType::of_pages(min, max);
            assert_eq!(
                build(&|b| {
                    b.min(min).max(max);
                }),
                Err(MemoryTypeError::Limits { ty })
            );
        }
        assert!(
            build(&|b| {
                b.min(65_536).max(Some(65_536));
            })
            .is_ok()
        );
    }
}
