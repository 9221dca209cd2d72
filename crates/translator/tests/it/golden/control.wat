;; Blocks, loops and branches.
(module
  (func $countdown (param i32) (result i32) (local i32)
    (loop
      (local.set 1 (i32.add (local.get 1) (local.get 0)))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1))
  (func $counter_as_block_parameter (param i32) (result i32)
    (local.get 0)
    (loop (param i32) (result i32)
      i32.const 1
      i32.sub
      local.tee 0
      local.get 0
      br_if 0))
  (func $if_else (param i32 i32) (result i32)
    (if (result i32) (i32.lt_u (local.get 0) (local.get 1))
      (then (local.get 0))
      (else (i32.add (local.get 1) (i32.const 1)))))
  (func $float_condition (param f32) (result i32)
    (if (f32.lt (local.get 0) (f32.const 1)) (then (return (i32.const 1))))
    (i32.const 0))
  (func $not (param i32 i32) (result i32)
    (block
      (br_if 0 (i32.eqz (i32.eq (local.get 0) (local.get 1))))
      (br_if 0 (i32.eqz (local.get 0)))
      (return (i32.const 1)))
    (i32.const 2))
  (func $values_move_down (param i32 i32) (result i32)
    (block (result i32)
      i32.const 7
      local.get 0
      local.get 1
      br_if 0
      i32.add))
  (func $return_of_a_br_if (param i32) (result i32)
    (br_if 0 (i32.mul (local.get 0) (i32.const 3)) (local.get 0)))
  (func $values_survive_a_block (param i32) (result i32)
    local.get 0
    (block (local.set 0 (i32.const 3)))
    local.get 0
    i32.add)
  (func $unreachable_code (result i32)
    (block (br 0) (loop (br 0)) (drop (i32.const 1)))
    (unreachable)
    (i32.add)
    (if (then) (else)))
  (func $constant_conditions (result i32)
    (if (i32.const 0) (then unreachable))
    (block (br_if 0 (i32.const 1)) unreachable)
    (if (result i32) (i32.const 1) (then (i32.const 4)) (else (i32.const 5)))))
