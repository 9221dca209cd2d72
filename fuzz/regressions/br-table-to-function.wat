;; Constants through a br_table to the function's label, of which wasmi 2.0.0 got one wrong in a larger module
;; call f i32:0
;; call f i32:7
;; expect instantiation = ()
;; expect call 1 = (i32:12 i32:32)
;; expect call 2 = (i32:12 i32:32)
;; expect 0 calls of the host
(module
  (func (export "f") (param i32) (result i32 i32)
    i32.const 12
    i32.const 32
    local.get 0
    br_table 0 0))
