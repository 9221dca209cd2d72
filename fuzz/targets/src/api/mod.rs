//! Random sequences of API calls on several engines, stores and types of data.
//!
//! The bytes choose one call after the other: stores are made, pruned, recovered
//! and dropped, modules compiled and instantiated by hand or through a linker,
//! functions called untyped, typed, raw and in
//! slices of fuel, calls left waiting, code interrupted, memories, tables and globals used by
//! the host and by code, and all of that with handles of the wrong store, modules
//! of the wrong engine and values of the wrong type. A model ([`model`]) knows what
//! each call must give; at the end what the stores hold is compared with it.
//!
//! # Invariants
//!
//! - The model is exact: where it says nothing, nothing depends on it. A store that
//!   meters gets enough fuel before each call; running out of it is tried with a
//!   function that leaves no trace.
//! - The modules are fixed ([`modules`]); what code computes is the business of the
//!   other targets.
//! - What is put into stores holds a token, so that a leak shows at the end.
//!
//! Deliberately absent: threads, panics of host functions, futures (`call_async`), limiters
//! and call hooks: their tests are those of the façade.

mod calls;
mod entities;
mod instances;
mod model;
mod modules;
mod waiting;
mod world;

use std::sync::Arc;

use arbitrary::Unstructured;

use self::world::World;

/// Calls in one sequence, at most.
const MAX_CALLS: usize = 400;

/// Bytes as a sequence of API calls.
///
/// # Panics
///
/// When a call gives what the model does not expect.
pub fn api(bytes: &[u8]) {
    run(bytes, &mut Vec::new());
}

/// Runs the sequence, and notes what was called.
fn run(bytes: &[u8], names: &mut Vec<&'static str>) {
    let token = Arc::new(());
    let mut world = World::new(Unstructured::new(bytes), Arc::clone(&token));
    for _ in 0..MAX_CALLS {
        if world.input.is_empty() {
            break;
        }
        names.push(step(&mut world));
    }
    world.compare_all();
    drop(world);
    assert_eq!(Arc::strong_count(&token), 1, "something is never dropped");
}

/// One call; gives its name.
fn step<'a>(world: &mut World<'a>) -> &'static str {
    type Step<'a> = fn(&mut World<'a>);
    let steps: &[(&str, Step<'a>)] = &[
        ("new store", World::new_store),
        ("drop store", World::drop_store),
        ("prune", World::prune),
        ("recover", World::recover),
        ("module", World::new_module),
        ("bad module", World::bad_module),
        ("drop module", World::drop_module),
        ("instantiate", World::instantiate),
        ("instantiate", World::instantiate),
        ("link", World::link),
        ("link", World::link),
        ("exports", World::exports),
        ("call", World::call),
        ("call", World::call),
        ("call", World::call),
        ("call", World::call),
        ("call wrongly", World::call_wrongly),
        ("typed call", World::typed_call),
        ("raw call", World::raw_call),
        ("out of fuel", World::out_of_fuel),
        ("call in slices", World::call_in_slices),
        ("resume", World::resume),
        ("answer for the host", World::answer_for_the_host),
        ("interrupt", World::interrupt),
        ("host function", World::host_func),
        ("memory", World::new_memory),
        ("grow memory", World::grow_memory),
        ("read memory", World::read_memory),
        ("write memory", World::write_memory),
        ("table", World::new_table),
        ("grow table", World::grow_table),
        ("table element", World::table_element),
        ("fill table", World::fill_table),
        ("global", World::new_global),
        ("set global", World::set_global),
        ("object", World::new_object),
        ("use object", World::use_object),
        ("fuel", World::fuel),
        ("host data", World::host_data),
        ("foreign accessor", World::foreign_accessor),
        ("compare", World::compare_one),
    ];
    let (name, step) = steps[world.below(steps.len())];
    step(world);
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn sequences_do_what_the_model_says() {
        let mut counts = BTreeMap::new();
        for seed in 0..600 {
            let mut names = Vec::new();
            run(&damson_generator::bytes(seed, 1500), &mut names);
            for name in names {
                *counts.entry(name).or_insert(0) += 1;
            }
        }
        assert!(counts.values().all(|count| *count > 100), "{counts:?}");
        assert!(counts.len() > 30, "{counts:?}");
    }

    /// Instances come to be, and most calls reach their function.
    #[test]
    fn sequences_get_somewhere() {
        let (mut instances, mut returned) = (0, 0);
        let (mut answered, mut interrupted, mut waited) = (0, 0, 0);
        for seed in 0..200 {
            let bytes = damson_generator::bytes(seed, 1500);
            let mut world = World::new(Unstructured::new(&bytes), Arc::new(()));
            while !world.input.is_empty() {
                step(&mut world);
                waited += usize::from(!world.waiting.is_empty());
            }
            instances += world.tally.instances;
            returned += world.tally.returned;
            answered += world.tally.answered;
            interrupted += world.tally.interrupted;
        }
        assert!(
            instances > 400 && returned > 1000,
            "{instances}, {returned}"
        );
        assert!(
            answered > 0 && interrupted > 20 && waited > 50,
            "{answered}, {interrupted}, {waited}"
        );
    }
}
