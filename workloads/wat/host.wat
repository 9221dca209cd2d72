;; Calls out: `run n` calls the import "host" "print" with n, n - 1, .. 1 and
;; returns nothing. `run 3` prints 3, 2 and 1.
(module
  (import "host" "print" (func $print (param i32)))
  (func (export "run") (param $n i32)
    (block $done
      (loop $again
        (br_if $done (i32.eqz (local.get $n)))
        (call $print (local.get $n))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $again)))))
