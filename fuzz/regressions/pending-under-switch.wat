;; wasmi 2.0.0 gives another number: values pending under an `if` and a `br_table`
;; call f2 i64:0 f32:0x00000000
;; expect instantiation = ()
;; expect call 1 = (i64:0)
;; expect 0 calls of the host
;; expect memory = 65536 bytes, hash 0xeb05052ea5b62325
(module
  (type (;0;) (func (param i64 f32) (result i64)))
  (type (;1;) (func (param i64 i64 i64) (result i64)))
  (memory (;0;) 1 3)
  (export "f2" (func 0))
  (export "memory" (memory 0))
  (func (;0;) (type 0) (param i64 f32) (result i64)
    (local i32 i32)
    block (result i64) ;; label = @1
      block (result i64) ;; label = @2
        block (result i64) ;; label = @3
          i64.const 0
          i32.const 0
          local.get 0
          i64.const 0
          i64.const 0
          i64.const 0
          local.get 2
          if (type 1) (param i64 i64 i64) (result i64) ;; label = @4
            local.set 0
            local.set 0
            local.set 0
            i64.const 0
          else
            local.set 0
            local.set 0
            local.set 0
            i64.const 0
          end
          local.set 0
          local.set 0
          local.set 3
          i32.const 0
          i32.const 0
          i32.lt_s
          br_table 2 (;@1;) 0 (;@3;) 1 (;@2;) 2 (;@1;) 1 (;@2;)
        end
        local.set 0
        i64.const 0
      end
    end
    f64.convert_i64_s
    f64.const 0x0p+0 (;=0;)
    f64.lt
    f32.const 0x0p+0 (;=0;)
    f32.store align=1
    local.get 0
  )
)
