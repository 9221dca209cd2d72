(set-logic QF_BV)
; Factors of a product of two primes, as words of 16 bits.
(declare-fun p () (_ BitVec 16))
(declare-fun q () (_ BitVec 16))
(assert (= (bvmul ((_ zero_extend 16) p) ((_ zero_extend 16) q)) (_ bv10403 32)))
(assert (bvugt p (_ bv1 16)))
(assert (bvult p q))
(check-sat)
(exit)
