//! Behaviour of every WASI function, seen from inside a module.

mod allocations;
mod behaviour;
mod dirs;
mod escape;
mod files;
mod guest;
mod hostile;
mod linking;
mod poll;
mod programs;
