;; wasmi 2.0.0 gives the first operand: `select` on an `i32.eqz`
;; call f1 i32:1
;; call f1 i32:0
;; expect instantiation = ()
;; expect call 1 = (i32:0)
;; expect call 2 = (i32:0)
;; expect log id_f32(f32:0x3f800000)
;; expect log id_f32(f32:0x00000000)
;; expect 2 calls of the host
;; expect g3 = i32:1
;; expect g4 = f64:0x0000000000000000
;; expect memory = 65536 bytes, hash 0xeb05052ea5b62325
(module
  (type (;0;) (func (param i32) (result i32)))
  (type (;1;) (func (param f32) (result f32)))
  (import "host" "id_f32" (func (;0;) (type 1) (param f32) (result f32)))
  (memory (;0;) 1 3)
  (global (;0;) (mut i32) i32.const 0)
  (global (;1;) (mut f64) f64.const 0x0p+0 (;=0;))
  (export "f1" (func 1))
  (export "memory" (memory 0))
  (export "g3" (global 0))
  (export "g4" (global 1))
  (func (;1;) (type 0) (param i32) (result i32)
    (local f32)
    f32.const 0x0p+0 (;=0;)
    f32.const 0x0p+0 (;=0;)
    f32.const 0x1p+0 (;=1;)
    local.get 0
    i32.eqz
    select
    call 0
    local.set 1
    i32.const 0
    i32.const 0
    i32.or
    f64.load align=1
    global.set 1
    f32.const 0x0p+0 (;=0;)
    f32.ge
    global.set 0
    i32.const 0
  )
)
