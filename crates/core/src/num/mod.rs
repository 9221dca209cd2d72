//! The semantics of every numeric instruction.
