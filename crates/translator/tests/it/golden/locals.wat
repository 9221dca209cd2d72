;; A local that is set while the stack still names it.
(module
  (func $increment (param i32) (result i32)
    (local.set 0 (i32.add (local.get 0) (i32.const 1)))
    (local.get 0))
  (func $old_value_survives (param i32) (result i32)
    local.get 0
    (local.set 0 (i32.const 5))
    local.get 0
    i32.sub)
  (func $swap (param i32 i32) (result i32 i32)
    local.get 0
    local.get 1
    local.set 0
    local.set 1
    local.get 0
    local.get 1)
  (func $operation_on_the_old_value (param i32 i32) (result i32)
    (i32.mul (local.get 0) (local.get 1))
    (local.set 1 (i32.const 0))
    local.get 1
    i32.add)
  (func $tee (param i32) (result i32)
    (i32.mul (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (local.get 0)))
  (func $only_what_is_read_first_is_cleared (param i32) (result i64) (local i32 i64 i32)
    (local.set 1 (local.get 0))
    (if (local.get 1) (then (local.set 2 (i64.const 1))))
    (local.get 2))
  (func $nothing_to_clear (param i32) (result i32) (local i32)
    (local.set 1 (i32.shl (local.get 0) (i32.const 3)))
    (i32.add (local.get 1) (local.get 0))))
