;; Branch tables: direct targets, targets that take values along, and returns.
(module
  (func $direct (param i32) (result i32)
    (block (block (block (br_table 0 1 2 1 (local.get 0))) (return (i32.const 10))) (return (i32.const 11)))
    (i32.const 12))
  (func $with_values (param i32 f64) (result f64)
    (block (result f64)
      (block (result f64)
        f64.const 0.5
        (f64.neg (local.get 1))
        (i32.and (local.get 0) (i32.const 3))
        br_table 0 1 2 0)
      f64.abs))
  (func $each_table_has_its_own_ways (param i32 i32) (result i32)
    (block (result i32)
      (if (local.get 0)
        (then i32.const 5 local.get 0 local.get 1 br_table 1 1)
        (else i32.const 6 i32.const 7 i32.const 8 local.get 1 br_table 1 2))
      unreachable)))
