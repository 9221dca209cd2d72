//! Behaviour of every WASI function, seen from inside a module.

mod behaviour;
mod guest;
mod hostile;
