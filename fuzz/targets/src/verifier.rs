//! Arbitrary bytecode: what the verifier accepts runs cleanly.
//!
//! The first byte says what the others are: the cells of one function, or choices
//! of the generator that the executor's tests have, wild (with wrong operands and
//! damaged cells, so that much is refused) or tame (so that all is accepted). Either
//! way the module has more functions than that, of which two instances call each
//! other's, and a host that calls back; fuel, stack and memory are scarce.
//!
//! A function runs when it is accepted and takes fuel wherever it may go back; in place of
//! one that is accepted and does not there is another, as nothing would end it.
//!
//! Values are arbitrary, too, so nothing is known of results, but they must not
//! depend on how instructions are dispatched: see [`digest`].

use crate::generator::{self, Random, Style};
use crate::world::{self, Digest, Tally};
use damson_executor::ir::Function;
use damson_executor::store::ModuleShape;

/// Bytes as bytecode.
///
/// # Panics
///
/// When an accepted function does something that no function may.
pub fn verifier(bytes: &[u8]) {
    run(bytes, &mut Tally::default());
}

fn run(bytes: &[u8], tally: &mut Tally) {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    match kind % 3 {
        0 => cells(rest, tally),
        kind => {
            let style = Style { wild: kind == 1 };
            world::run_module(&mut Random::of_bytes(rest), style, tally, &mut Digest(0));
        }
    }
}

/// The bytes are the seed of the calls, which function it is, the size of its frame,
/// and its cells.
fn cells(bytes: &[u8], tally: &mut Tally) {
    let Some((&[seed, which, frame], rest)) = bytes.split_first_chunk() else {
        return;
    };
    let which = u32::from(which) % generator::DEFINED.len() as u32;
    let (words, _) = rest.as_chunks();
    let words: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
    let mut random = Random::new(u64::from(seed));
    let mut other = Random::new(u64::from(seed) + 1);
    let mut source = |shape: &ModuleShape, func_index: u32| {
        let first = generator::IMPORTED.len() as u32;
        if func_index - first != which {
            return generator::function(&mut other, Style { wild: false }, shape, func_index);
        }
        let ty = shape
            .func_type(func_index)
            .expect("a function of the module");
        Function {
            params: ty.params().len() as u16,
            results: ty.results().len() as u16,
            frame_cells: frame.into(),
            cells: words.clone(),
            offsets: Vec::new(),
        }
    };
    world::run_module_of(&mut source, &mut random, tally);
}

/// What a number of tame modules compute: the same with each way of dispatch.
#[must_use]
pub fn digest(modules: u64) -> u64 {
    world::run_modules(modules, Style { wild: false }, &mut Tally::default())
}

/// An input that is the cells of a function of the generator.
#[must_use]
pub fn verifier_seed(seed: u64) -> Vec<u8> {
    let shape = generator::shape();
    let which = seed as u32 % generator::DEFINED.len() as u32;
    let func_index = generator::IMPORTED.len() as u32 + which;
    let mut random = Random::new(seed);
    let function = generator::function(&mut random, Style { wild: false }, &shape, func_index);
    let mut bytes = vec![0, seed as u8, which as u8, function.frame_cells as u8];
    bytes.extend(function.cells.iter().flat_map(|cell| cell.to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_and_cells_are_accepted_and_refused() {
        for kind in 0..3 {
            let mut tally = Tally::default();
            for number in 0..300 {
                let mut bytes = damson_generator::bytes(number, 1200);
                if kind == 0 {
                    bytes = verifier_seed(number);
                    // Every third is damaged.
                    if number % 3 == 0 {
                        let at = 4 + (number as usize * 7919) % (bytes.len() - 4);
                        bytes[at] ^= 1 << (number % 8);
                    }
                }
                bytes[0] = kind;
                run(&bytes, &mut tally);
            }
            assert!(tally.metered > 1000, "{} of kind {kind}", tally.metered);
            let all = tally.accepted == tally.generated;
            assert_eq!(all, kind == 2, "{} of {}", tally.accepted, tally.generated);
            assert!(tally.outcomes["results"] > 300, "{:?}", tally.outcomes);
        }
    }

    /// What a seed stands for is accepted: then mutations of it often are.
    #[test]
    fn seeds_are_accepted() {
        for number in 0..100 {
            let mut tally = Tally::default();
            run(&verifier_seed(number), &mut tally);
            assert_eq!(tally.accepted, tally.generated, "seed {number}");
        }
    }

    /// Cells are of the instruction table of their day: when it has changed, make seeds
    /// anew (`damson-smoke verifier --make-seeds fuzz/seeds`).
    #[test]
    fn stored_seeds_are_of_this_instruction_table() {
        let stored = crate::smoke::inputs(&crate::smoke::seeds("verifier")).expect("files");
        let (mut cells, mut accepted) = (0, 0);
        for (_, bytes) in stored {
            if bytes[0] % 3 == 0 {
                let mut tally = Tally::default();
                run(&bytes, &mut tally);
                cells += 1;
                accepted += usize::from(tally.accepted == tally.generated);
            }
        }
        assert!(cells >= 20, "{cells} seeds are cells");
        assert!(4 * accepted > 3 * cells, "{accepted} of {cells} accepted");
    }

    #[test]
    fn a_digest_depends_on_what_is_computed() {
        assert_eq!(digest(5), digest(5));
        assert_ne!(digest(5), digest(6));
    }
}
