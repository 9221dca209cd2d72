;; Counts the parameter of a loop, which is on the operand stack, down to 0; gives how
;; far that was.
(module
  (func (export "run") (param $n i32) (result i32)
    (local $left i32)
    (local.get $n)
    (loop $again (param i32) (result i32)
      (i32.sub (i32.const 1))
      (local.tee $left)
      (br_if $again (local.get $left)))
    (i32.sub (local.get $n))
    (i32.mul (i32.const -1))))
