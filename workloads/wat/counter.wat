;; A loop and a global that outlives the call. `count n` adds 1, 2, .. n to the
;; global and returns its value: `count 10` gives 55, and once more 110. `total`
;; reads it, `reset` sets it to 0.
(module
  (global $total (mut i32) (i32.const 0))
  (func (export "count") (param $n i32) (result i32)
    (block $done
      (loop $again
        (br_if $done (i32.eqz (local.get $n)))
        (global.set $total (i32.add (global.get $total) (local.get $n)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $again)))
    (global.get $total))
  (func (export "total") (result i32)
    (global.get $total))
  (func (export "reset")
    (global.set $total (i32.const 0))))
