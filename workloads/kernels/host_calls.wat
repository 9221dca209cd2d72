;; Calls the host for each number down from the parameter, with the result so far:
;; `host` `mix: [i32 i32] -> [i32]`.
(module
  (import "host" "mix" (func $mix (param i32 i32) (result i32)))
  (func (export "run") (param $n i32) (result i32)
    (local $sum i32)
    (loop $again
      (local.set $sum (call $mix (local.get $sum) (local.get $n)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))
