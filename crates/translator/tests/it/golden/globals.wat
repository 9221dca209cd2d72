;; Reads of mutable globals stay before writes; those that never change are
;; constants or read whenever it suits.
(module
  (import "env" "base" (global $base i32))
  (global $sp (mut i32) (i32.const 1024))
  (global $derived i32 (global.get $base))
  (global $limit i32 (i32.const 2048))
  (global $scale (mut f64) (f64.const 1))
  (func $frame (result i32)
    (global.set $sp (i32.sub (global.get $sp) (i32.const 16)))
    (global.get $sp))
  (func $old_value (result i32)
    global.get $sp
    (global.set $sp (i32.const 0))
    global.get $limit
    i32.add)
  (func $never_changes (result i32)
    global.get $derived
    (global.set $sp (i32.const 0))
    global.get $base
    i32.sub)
  (func $floats (param f64)
    (global.set $scale (f64.mul (global.get $scale) (local.get 0)))
    (global.set $scale (f64.const 2.5))
    (global.set $scale (f64.const 0.1))))
