;; A pending sum of two results of one call lies where the next call puts its frame
;; call f1
;; call f2 i32:7
;; expect instantiation = ()
;; expect call 1 = (i32:8)
;; expect call 2 = (i32:15)
;; expect 0 calls of the host
(module
  (func $g (result i32) (local i32 i32 i32) i32.const 5)
  (func $two (result i32 i32) i32.const 1 i32.const 2)
  (func (export "f1") (result i32) (call $two) i32.add (call $g) i32.add)
  (func (export "f2") (param i32) (result i32)
    (block (result i32 i32) (i32.const 3) (local.get 0))
    i32.add (call $g) i32.add))
