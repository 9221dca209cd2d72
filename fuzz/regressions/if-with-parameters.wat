;; wasmi 2.0.0 gives 0: an `if` with a parameter over a pending value
;; call f1 i32:1 i64:1
;; expect instantiation = ()
;; expect call 1 = (i64:1)
;; expect log log_f64(f64:0x0000000000000000)
;; expect 1 calls of the host
;; expect memory = 65536 bytes, hash 0xeb05052ea5b62325
(module
  (type (;0;) (func (param i32 i64) (result i64)))
  (type (;1;) (func (param f64) (result i64)))
  (type (;2;) (func (result i32 i32)))
  (type (;3;) (func (param f64)))
  (import "host" "log_f64" (func (;0;) (type 3) (param f64)))
  (memory (;0;) 1 4)
  (export "f1" (func 1))
  (export "memory" (memory 0))
  (func (;1;) (type 0) (param i32 i64) (result i64)
    (local i64 f64)
    local.get 1
    f64.const 0x0p+0 (;=0;)
    i64.const 0
    local.get 2
    i64.lt_s
    if (type 1) (param f64) (result i64) ;; label = @1
      loop (type 2) (result i32 i32) ;; label = @2
        i32.const 0
        i32.const 0
      end
      i32.lt_s
      i32.const 0
      i32.store16 align=1
      local.set 3
      i64.const 0
    else
      call 0
      i64.const 0
    end
    local.get 0
    select (result i64)
  )
)
