//! Runs WebAssembly spec test scripts (`.wast`) on Damson's public API.
//!
//! A script is a list of directives: modules to instantiate, calls to make and
//! assertions about their outcome ([the reference interpreter's manual][manual]
//! has the grammar). [`Runner`] executes one script after the other, each in a
//! store of its own, and answers with a [`Report`]: how many assertions held,
//! which directives failed and why, and which were not executed and why.
//!
//! ```
//! use damson_wast::{Options, Runner};
//!
//! let runner = Runner::new(Options::default());
//! let report = runner.run_script(
//!     "example.wast",
//!     r#"
//!     (module (func (export "half") (param f32) (result f32)
//!         (f32.mul (local.get 0) (f32.const 0.5))))
//!     (assert_return (invoke "half" (f32.const 3)) (f32.const 1.5))
//!     (assert_return (invoke "half" (f32.const nan)) (f32.const nan:canonical))
//!     "#,
//! );
//! assert_eq!(report.passed, 2);
//! assert!(report.is_success());
//! ```
//!
//! # Invariants
//!
//! - **Every assertion is counted exactly once**: as passed, failed or skipped.
//!   Directives that assert nothing (`module`, `register`, `invoke`) are not
//!   counted, but appear among the failures when they do not succeed.
//! - **Messages are checked**, not only that something went wrong. Where Damson
//!   words an error differently from the scripts, [`messages`] says so in a table
//!   with reasons; there is no other place that forgives a message.
//! - A directive is skipped only if it needs something Damson does not have; a
//!   skipped directive never counts as passed.
//!
//! # Deliberately not done
//!
//! - Components, threads, exceptions and stack switching: their directives are
//!   reported as skipped.
//! - The print functions of the `spectest` module print nothing.
//!
//! [manual]: https://github.com/WebAssembly/spec/blob/main/interpreter/README.md#scripts

mod directive;
pub mod messages;
mod options;
mod report;
mod runner;
mod session;
mod spectest;
mod values;

pub use options::Options;
pub use report::{Failure, Report, Skipped};
pub use runner::Runner;
