;; wasmi 2.0.0 gives 1 to `mix`: a local just written lies below a loop's parameter
;; call f3 i32:1
;; expect instantiation = ()
;; expect call 1 = ()
;; expect log mix(i32:0 i64:0 f32:0x00000000 f64:0x0000000000000000)
;; expect 1 calls of the host
(module
  (import "host" "mix" (func $mix (param i32 i64 f32 f64) (result i32)))
  (func (export "f3") (param i32)
    (local i32)
    f32.const 0
    local.get 0
    f32.convert_i32_s
    f32.gt
    local.set 1
    local.get 1
    local.get 0
    loop (param i32) (result i64 f32)
      drop
      i64.const 0
      f32.const 0
    end
    f64.const 0
    call $mix
    drop))
