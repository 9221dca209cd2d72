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
      f64.abs)))
