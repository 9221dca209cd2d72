;; Fibonacci numbers by tail calls with accumulators, modulo 2^64, folded to 32 bits.
(module
  (func $fib (param $n i32) (param $a i64) (param $b i64) (result i64)
    (if (i32.eqz (local.get $n)) (then (return (local.get $a))))
    (return_call $fib
      (i32.sub (local.get $n) (i32.const 1))
      (local.get $b)
      (i64.add (local.get $a) (local.get $b))))
  (func (export "run") (param $n i32) (result i32)
    (local $a i64)
    (local.set $a (call $fib (local.get $n) (i64.const 0) (i64.const 1)))
    (i32.wrap_i64 (i64.xor (local.get $a) (i64.shr_u (local.get $a) (i64.const 32))))))
