//! Limits on what a module may have, for embedders that read modules of strangers.
//!
//! Parsing takes linear time and memory whatever the limits are; they make the
//! factor small. Counts that a section announces are compared before the section
//! is read. What is imported counts like what is defined.

use wasmparser::Payload;

use crate::parse::Parts;

/// How much a module may have. `None` stands for no limit, which is the default of
/// every field; [`EnforcedLimits::strict`] sets all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnforcedLimits {
    /// The greatest number of globals.
    pub max_globals: Option<u32>,
    /// The greatest number of functions.
    pub max_functions: Option<u32>,
    /// The greatest number of tables.
    pub max_tables: Option<u32>,
    /// The greatest number of element segments.
    pub max_element_segments: Option<u32>,
    /// The greatest number of memories.
    pub max_memories: Option<u32>,
    /// The greatest number of data segments.
    pub max_data_segments: Option<u32>,
    /// The greatest number of parameters of a function type. Blocks have the types
    /// of functions, so this holds for them too.
    pub max_params: Option<usize>,
    /// The greatest number of results of a function type.
    pub max_results: Option<usize>,
    /// How short function bodies may be on average.
    pub min_avg_bytes_per_function: Option<AvgBytesPerFunctionLimit>,
}

/// Very many very short functions cost more to compile than their bytes show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AvgBytesPerFunctionLimit {
    /// The limit holds from this size of the code section in bytes on.
    pub req_funcs_bytes: u32,
    /// The least number of bytes that a function must have on average.
    pub min_avg_bytes_per_function: u32,
}

impl EnforcedLimits {
    /// Limits that ordinary programs stay far below.
    #[must_use]
    pub const fn strict() -> Self {
        Self {
            max_globals: Some(1_000),
            max_functions: Some(10_000),
            max_tables: Some(100),
            max_element_segments: Some(1_000),
            max_memories: Some(1),
            max_data_segments: Some(1_000),
            max_params: Some(32),
            max_results: Some(32),
            min_avg_bytes_per_function: Some(AvgBytesPerFunctionLimit {
                req_funcs_bytes: 1_000,
                min_avg_bytes_per_function: 40,
            }),
        }
    }

    /// Compares what a section announces, before it is read.
    pub(crate) fn check_section(
        &self,
        payload: &Payload<'_>,
        parts: &Parts,
    ) -> Result<(), EnforcedLimitsError> {
        let after = |present: usize, announced: u32| present.saturating_add(announced as usize);
        match payload {
            Payload::FunctionSection(section) => {
                self.functions(after(parts.funcs.len(), section.count()))
            }
            Payload::TableSection(section) => {
                self.tables(after(parts.tables.len(), section.count()))
            }
            Payload::MemorySection(section) => {
                self.memories(after(parts.memories.len(), section.count()))
            }
            Payload::GlobalSection(section) => {
                self.globals(after(parts.globals.len(), section.count()))
            }
            Payload::ElementSection(section) => {
                exceeds(section.count() as usize, self.max_element_segments)
                    .map_or(Ok(()), |limit| {
                        Err(EnforcedLimitsError::TooManyElementSegments { limit })
                    })
            }
            Payload::DataSection(section) => {
                exceeds(section.count() as usize, self.max_data_segments).map_or(Ok(()), |limit| {
                    Err(EnforcedLimitsError::TooManyDataSegments { limit })
                })
            }
            Payload::CodeSectionStart { count, size, .. } => self.average(*count, *size),
            _ => Ok(()),
        }
    }

    /// Compares what imports and types have added, which no section announces.
    pub(crate) fn check_entities(&self, parts: &Parts) -> Result<(), EnforcedLimitsError> {
        self.functions(parts.funcs.len())?;
        self.tables(parts.tables.len())?;
        self.memories(parts.memories.len())?;
        self.globals(parts.globals.len())?;
        // Types come in one section, the first, so this is not done often.
        if !parts.funcs.is_empty() || parts.types.is_empty() {
            return Ok(());
        }
        for ty in &parts.types {
            if let Some(limit) = self.max_params.filter(|&limit| ty.params().len() > limit) {
                return Err(EnforcedLimitsError::TooManyParameters { limit });
            }
            if let Some(limit) = self.max_results.filter(|&limit| ty.results().len() > limit) {
                return Err(EnforcedLimitsError::TooManyResults { limit });
            }
        }
        Ok(())
    }

    fn functions(&self, count: usize) -> Result<(), EnforcedLimitsError> {
        exceeds(count, self.max_functions).map_or(Ok(()), |limit| {
            Err(EnforcedLimitsError::TooManyFunctions { limit })
        })
    }

    fn tables(&self, count: usize) -> Result<(), EnforcedLimitsError> {
        exceeds(count, self.max_tables).map_or(Ok(()), |limit| {
            Err(EnforcedLimitsError::TooManyTables { limit })
        })
    }

    fn memories(&self, count: usize) -> Result<(), EnforcedLimitsError> {
        exceeds(count, self.max_memories).map_or(Ok(()), |limit| {
            Err(EnforcedLimitsError::TooManyMemories { limit })
        })
    }

    fn globals(&self, count: usize) -> Result<(), EnforcedLimitsError> {
        exceeds(count, self.max_globals).map_or(Ok(()), |limit| {
            Err(EnforcedLimitsError::TooManyGlobals { limit })
        })
    }

    /// The average size of function bodies in a code section of `bytes` bytes.
    fn average(&self, functions: u32, bytes: u32) -> Result<(), EnforcedLimitsError> {
        let (Some(rule), Some(avg)) = (
            self.min_avg_bytes_per_function,
            bytes.checked_div(functions),
        ) else {
            return Ok(());
        };
        let limit = rule.min_avg_bytes_per_function;
        if bytes >= rule.req_funcs_bytes && avg < limit {
            return Err(EnforcedLimitsError::MinAvgBytesPerFunction { limit, avg });
        }
        Ok(())
    }
}

/// The limit, if `count` exceeds it.
fn exceeds(count: usize, limit: Option<u32>) -> Option<u32> {
    limit.filter(|&limit| count > limit as usize)
}

/// A module has more than [`EnforcedLimits`] allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnforcedLimitsError {
    /// Too many globals.
    #[error("more globals than the limit of {limit}")]
    TooManyGlobals {
        /// The greatest number allowed.
        limit: u32,
    },
    /// Too many tables.
    #[error("more tables than the limit of {limit}")]
    TooManyTables {
        /// The greatest number allowed.
        limit: u32,
    },
    /// Too many functions.
    #[error("more functions than the limit of {limit}")]
    TooManyFunctions {
        /// The greatest number allowed.
        limit: u32,
    },
    /// Too many memories.
    #[error("more memories than the limit of {limit}")]
    TooManyMemories {
        /// The greatest number allowed.
        limit: u32,
    },
    /// Too many element segments.
    #[error("more element segments than the limit of {limit}")]
    TooManyElementSegments {
        /// The greatest number allowed.
        limit: u32,
    },
    /// Too many data segments.
    #[error("more data segments than the limit of {limit}")]
    TooManyDataSegments {
        /// The greatest number allowed.
        limit: u32,
    },
    /// A function type with too many parameters.
    #[error("a function type with more parameters than the limit of {limit}")]
    TooManyParameters {
        /// The greatest number allowed.
        limit: usize,
    },
    /// A function type with too many results.
    #[error("a function type with more results than the limit of {limit}")]
    TooManyResults {
        /// The greatest number allowed.
        limit: usize,
    },
    /// Functions are too short on average.
    #[error("functions of {avg} bytes on average, at least {limit} are demanded")]
    MinAvgBytesPerFunction {
        /// The least number demanded.
        limit: u32,
        /// The number found.
        avg: u32,
    },
}
