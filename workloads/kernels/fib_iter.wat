;; Fibonacci numbers by a loop over two locals, modulo 2^64, folded to 32 bits.
(module
  (func (export "run") (param $n i32) (result i32)
    (local $a i64) (local $b i64) (local $sum i64)
    (local.set $b (i64.const 1))
    (loop $again
      (local.set $sum (i64.add (local.get $a) (local.get $b)))
      (local.set $a (local.get $b))
      (local.set $b (local.get $sum))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.wrap_i64 (i64.xor (local.get $a) (i64.shr_u (local.get $a) (i64.const 32))))))
