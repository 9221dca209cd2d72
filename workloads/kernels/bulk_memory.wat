;; Fills, copies and overlapping copies of 16 bytes up to 16 KiB in four pages. Each turn
;; marks a byte before it copies, and folds the place to which the mark must have come.
(module
  (memory 4)
  (func (export "run") (param $n i32) (result i32)
    (local $sum i32) (local $len i32) (local $at i32) (local $mark i32)
    (loop $again
      ;; Sixteen shifted left by 0 to 10, in turn.
      (local.set $len (i32.shl (i32.const 16) (i32.rem_u (local.get $n) (i32.const 11))))
      (local.set $at (i32.and (i32.mul (local.get $n) (i32.const 4099)) (i32.const 0xffff)))
      (local.set $mark
        (i32.add
          (local.get $at)
          (i32.and (i32.mul (local.get $n) (i32.const 13)) (i32.sub (local.get $len) (i32.const 1)))))
      (memory.fill (local.get $at) (local.get $n) (local.get $len))
      (i32.store8 (local.get $mark) (i32.mul (local.get $n) (i32.const 7)))
      (memory.copy
        (i32.add (local.get $at) (i32.const 0x18000)) (local.get $at) (local.get $len))
      (memory.copy
        (i32.add (local.get $at) (i32.const 0x18003))
        (i32.add (local.get $at) (i32.const 0x18000))
        (local.get $len))
      (local.set $sum
        (i32.add
          (i32.mul (local.get $sum) (i32.const 31))
          (i32.sub
            (i32.load8_u offset=0x18003 (local.get $mark))
            (i32.load8_u offset=0x18000 (local.get $at)))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))
