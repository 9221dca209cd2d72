;; Several results, and branches that move many values.
(module
  (func $six (result i32 i32 i32 i32 i32 i32)
    (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4) (i32.const 5) (i32.const 6))
  (func $span_moves_down (param i32) (result i32)
    (block (result i32 i32 i32 i32 i32 i32)
      i32.const 0
      call $six
      (br_if 0 (local.get 0))
      br 0)
    i32.add i32.add i32.add i32.add i32.add)
  (func $results_of_an_if (param i32) (result i32 i32)
    (if (result i32 i32) (local.get 0)
      (then (i32.const 1) (local.get 0))
      (else (i32.const 2) (i32.clz (local.get 0)))))
  (func $more_results_than_parameters (param i32) (result i32 i32 i32)
    (local.get 0) (i32.const 5) (local.get 0)))
