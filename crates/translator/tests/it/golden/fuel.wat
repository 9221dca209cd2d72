;; Fuel is charged at the start of the function, of loops, of the arms of an
;; `if`, and after a block that is branched out of.
(module
  (func $loop (param i32) (result i32)
    (block
      (br_if 0 (i32.eqz (local.get 0)))
      (loop
        (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
        (br_if 0 (local.get 0))))
    (local.get 0))
  (func $if (param i32) (result i32)
    (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.const 2))))
  (func $empty))
