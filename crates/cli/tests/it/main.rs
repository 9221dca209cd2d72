//! The program `damson`, run as people run it.

mod dump;
mod invoke;
mod profile;
mod program;
mod readme;
mod reports;
mod run;
mod usage;
mod wast;
mod workloads;
