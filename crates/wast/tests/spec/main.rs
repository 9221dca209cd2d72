//! The integration tests of `damson-wast`: the official testsuite, and proof that
//! a script which should fail is reported as failing.

mod failing;
mod groups;
mod listed;
mod testsuite;
