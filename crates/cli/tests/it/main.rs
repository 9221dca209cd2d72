//! The program `damson`, run as people run it.

mod dump;
mod invoke;
mod limits;
mod profile;
mod program;
mod readme;
mod reports;
mod run;
mod usage;
mod wast;
mod workloads;
