//! Benchmarks of Damson. Each is a target in `benches/`; run one with
//! `cargo bench -p damson-bench --bench NAME`.
//!
//! Speed is measured here and never in tests: machines are noisy.
