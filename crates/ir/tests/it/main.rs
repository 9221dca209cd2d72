//! The bytecode as its users see it: what the encoder writes, the decoder reads, the
//! disassembler prints and the verifier accepts.

mod builder;
mod coding;
mod random;
mod support;
mod table;
mod verifier;
