//! How modules are damaged.

/// A module to damage.
pub(super) struct Base {
    pub(super) name: String,
    pub(super) wasm: Vec<u8>,
}

/// A small generator of numbers that look random (SplitMix64).
pub(super) struct Rng(u64);

impl Rng {
    /// The numbers of one input.
    pub(super) fn new(seed: u64, number: u64) -> Self {
        let mut rng = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
        rng.0 = rng.next().wrapping_add(number);
        rng
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, 0 if there is none.
    fn below(&mut self, end: usize) -> usize {
        if end == 0 {
            0
        } else {
            (self.next() % end as u64) as usize
        }
    }

    fn byte(&mut self) -> u8 {
        self.next() as u8
    }

    /// A range of at most `longest` within `len`.
    fn range(&mut self, len: usize, longest: usize) -> std::ops::Range<usize> {
        let start = self.below(len);
        let end = start + self.below((len - start).min(longest) + 1);
        start..end
    }
}

/// A damaged module, and what was done to which.
pub(super) fn damaged(rng: &mut Rng, bases: &[Base]) -> (Vec<u8>, String) {
    // Small modules are quicker, and more of their damage hits something that matters.
    let small = bases.len() - SMALL.len();
    let index = if rng.below(5) == 0 {
        rng.below(small)
    } else {
        small + rng.below(SMALL.len())
    };
    let base = &bases[index];
    let mut wasm = base.wasm.clone();
    let mut story = base.name.clone();
    // Bytes that are no module at all only rarely: the header gives them away.
    let kinds = if rng.below(20) == 0 { 10 } else { 8 };
    // Mostly one wound: of modules with several hardly any is accepted.
    let wounds = if rng.below(3) == 0 {
        2 + rng.below(3)
    } else {
        1
    };
    for _ in 0..wounds {
        let kind = rng.below(kinds);
        story.push_str(damage(rng, &mut wasm, kind, bases));
    }
    (wasm, story)
}

fn damage(rng: &mut Rng, wasm: &mut Vec<u8>, kind: usize, bases: &[Base]) -> &'static str {
    /// Behind magic number and version.
    const BODY: usize = 8;
    let len = wasm.len();
    match kind {
        0 => {
            wasm.truncate(rng.below(len + 1));
            ", truncated"
        }
        1 | 2 => {
            let flips = if rng.below(4) == 0 {
                2 + rng.below(3)
            } else {
                1
            };
            for _ in 0..flips {
                let at = BODY + rng.below(len.saturating_sub(BODY));
                if let Some(byte) = wasm.get_mut(at) {
                    *byte ^= 1 << rng.below(8);
                }
            }
            ", bits flipped"
        }
        3 | 4 => {
            let at = BODY + rng.below(len.saturating_sub(BODY));
            if let Some(byte) = wasm.get_mut(at) {
                *byte = match rng.below(4) {
                    0 => byte.wrapping_add(1),
                    1 => byte.wrapping_sub(1),
                    // Operators, small indices and types are where the choices are.
                    2 => [
                        0x00, 0x01, 0x0b, 0x40, 0x41, 0x6a, 0x7e, 0x7f, 0x80, 0xfc, 0xff,
                    ][rng.below(11)],
                    _ => rng.byte(),
                };
            }
            ", a byte changed"
        }
        5 => {
            let range = rng.range(len, 16);
            wasm.drain(range);
            ", bytes removed"
        }
        6 => {
            let at = rng.below(len + 1);
            let new: Vec<u8> = (0..=rng.below(8)).map(|_| rng.byte()).collect();
            wasm.splice(at..at, new);
            ", bytes inserted"
        }
        7 => {
            let other = &bases[rng.below(bases.len())].wasm;
            let piece = other[rng.range(other.len(), 64)].to_vec();
            let to = rng.range(len, 64);
            let to = to.start..(to.start + piece.len()).min(len).max(to.start);
            wasm.splice(to, piece);
            ", overwritten with a piece of another"
        }
        8 => {
            wasm.truncate(BODY);
            wasm.extend((0..rng.below(200)).map(|_| rng.byte()));
            ", random behind its header"
        }
        _ => {
            *wasm = (0..rng.below(100)).map(|_| rng.byte()).collect();
            ", random"
        }
    }
}

/// Small modules that together use everything the translator accepts.
pub(super) const SMALL: &[&str] = &[
    // Control flow and numbers.
    r#"(module
        (func (export "f") (param i32 i64 f32 f64) (result i32)
          (local i32 i64)
          (block $a (result i32)
            (loop $l (param) (result i32)
              (local.set 4 (i32.add (local.get 4) (i32.const 1)))
              (br_if $l (i32.lt_u (local.get 4) (i32.const 10)))
              (br_if $a (local.get 0) (i32.eqz (local.get 0)))
              (drop)
              (if (result i32) (i64.eqz (local.get 1))
                (then (i32.trunc_sat_f32_s (local.get 2)))
                (else (i32.wrap_i64 (i64.trunc_sat_f64_u (local.get 3))))))))
        (func (export "g") (param i64) (result f64)
          (select (f64.convert_i64_s (local.get 0)) (f64.const 1.5)
            (i64.lt_s (i64.rotl (local.get 0) (i64.const 7)) (i64.const 3)))))"#,
    // Tables, indirect and tail calls, references.
    r#"(module
        (type $t (func (param i32) (result i32)))
        (table $a 4 8 funcref) (table $b 2 externref)
        (elem (table $a) (i32.const 0) func $x $y)
        (elem $passive func $y $x)
        (elem declare func $z)
        (func $x (type $t) (local.get 0))
        (func $y (type $t) (return_call $x (i32.mul (local.get 0) (i32.const 3))))
        (func $z (type $t) (return_call_indirect $a (type $t) (local.get 0) (i32.const 1)))
        (func (export "f") (param i32) (result i32)
          (table.init $a $passive (i32.const 2) (i32.const 0) (i32.const 2))
          (elem.drop $passive)
          (table.set $a (i32.const 0) (ref.func $z))
          (drop (table.grow $a (ref.null func) (i32.const 1)))
          (table.copy $a $a (i32.const 1) (i32.const 2) (i32.const 1))
          (table.fill $a (i32.const 3) (ref.null func) (i32.const 1))
          (i32.add (table.size $b)
            (call_indirect $a (type $t) (local.get 0) (i32.const 1))))
        (func (export "e") (param externref) (result i32)
          (table.set $b (i32.const 1) (local.get 0))
          (ref.is_null (table.get $b (i32.const 0)))))"#,
    // Memories, bulk operations, segments.
    r#"(module
        (memory $m (export "memory") 1 3) (memory $n 1)
        (data (i32.const 8) "hello world")
        (data $p "passive")
        (func (export "f") (param i32) (result i64)
          (memory.init $p (i32.const 100) (i32.const 1) (i32.const 5))
          (data.drop $p)
          (memory.copy $n $m (i32.const 0) (i32.const 8) (i32.const 11))
          (memory.fill $m (i32.const 200) (i32.const 7) (i32.const 300))
          (drop (memory.grow $m (i32.const 1)))
          (i32.store16 $m offset=4 (local.get 0) (i32.const -1))
          (f64.store $n (i32.const 64) (f64.load $m (i32.const 8)))
          (i64.add (i64.load32_s $n offset=3 (i32.const 1))
            (i64.extend_i32_u (i32.load8_s $m (local.get 0))))))"#,
    // Imports, globals, constant expressions, a start function.
    r#"(module
        (import "m" "f" (func $f (param i64) (result i64)))
        (import "m" "g" (global $g i32))
        (import "m" "memory" (memory 1))
        (import "m" "table" (table 2 funcref))
        (global $h (mut i64) (i64.const -1))
        (global $i i32 (i32.add (global.get $g) (i32.mul (i32.const 3) (i32.const 5))))
        (global $r funcref (ref.func $s))
        (data (global.get $g) "abc")
        (elem (offset (i32.const 0)) funcref (ref.func $s) (ref.null func))
        (func $s (global.set $h (call $f (global.get $h))))
        (start $s)
        (export "run" (func $s)) (export "h" (global $h)) (export "r" (global $r))
        (func (export "i") (result i32 i64 f32) (global.get $i) (global.get $h) (f32.const nan)))"#,
    // Several values, nested blocks, br_table.
    r#"(module
        (func $two (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
        (func (export "f") (param i32) (result i32)
          (local i64)
          (i32.const 1) (i64.const 2)
          (block (param i32 i64) (result i64 i32)
            (call $two)
            (block (param i64 i32) (result i64 i32)
              (local.get 0)
              (br_table 0 1 0)))
          (local.set 0) (local.set 1)
          (block $c (block $b (block $a
            (br_table $a $b $c (local.get 0)))
            (return (i32.const 10)))
            (local.set 0 (i32.clz (local.get 0))))
          (i32.xor (local.get 0) (i32.wrap_i64 (local.get 1)))))"#,
    // Recursion.
    r#"(module
        (func $fib (export "fib") (param i32) (result i32)
          (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
            (then (local.get 0))
            (else (i32.add
              (call $fib (i32.sub (local.get 0) (i32.const 1)))
              (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
        (func $forever (export "forever") (call $forever)))"#,
];
