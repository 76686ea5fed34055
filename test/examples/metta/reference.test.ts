/**
 * The assertions of the test scripts of hyperon-experimental (python/tests/scripts and lib/tests) that fall into the core, with
 * other names and values. Each test is one script, and names it.
 */
import { expect, it } from "vitest"
import { faults, run } from "./support.ts"

/** A program whose assertions all hold. */
const holds = (script: string, text: string): void => {
  it(script, () => {
    expect(faults(text)).toEqual([])
  })
}

holds(
  "a1_symbols: patterns search whole atoms, not their parts",
  `((a b) c) (((z a) b) c) (in ((a b) c))
  !(assertEqualToResult (match &self (($x b) c) $x) (a (z a)))
  (Ann is a nurse) (Bob is a baker)
  !(assertEqualToResult (match &self ($who is a $what) ($what $who)) ((nurse Ann) (baker Bob)))
  (:= (Tall Ann) T) (:= (Old Bob) T) (:= (Tall Bob) F)
  !(assertEqualToResult (match &self (:= (Tall $who) T) (really $who)) ((really Ann)))
  !(assertEqualToResult (match &self (:= ($how $who) T) ($who $how)) ((Ann Tall) (Bob Old)))
  !(assertEqualToResult (match &self (:= ($how $who) $tv) ($tv $who $how)) ((T Ann Tall) (T Bob Old) (F Bob Tall)))
  !(assertEqualToResult (match &self (:= (Tall Bob) $tv) $tv) (F))`
)

holds(
  "a3_twoside: atoms of a space have variables, and queries have several parts",
  `(follows (Bird $x) (Sings $x)) (follows (Bird $x) (Flies $x)) (Bird Polly) (Fish Wanda)
  !(assertEqualToResult (match &self (follows (Bird Polly) $what) $what) ((Sings Polly) (Flies Polly)))
  !(assertEqualToResult (match &self (follows ($p $x) (Sings Polly)) ($x perhaps $p)) ((Polly perhaps Bird)))
  !(assertEqualToResult (match &self (, (Bird $x) (follows (Bird $x) $y)) $y) ((Sings Polly) (Flies Polly)))
  !(assertEqualToResult (match &self (, (follows ($p $x) (Sings $x)) (follows ($p $x) (Flies $x))) (surely $p)) ((surely Bird)))`
)

holds(
  "b0_chaining_prelim: a match in what a match gives",
  `(:= (Id $x) $x) (:= (Const $x $y) $x) (:= (Both $f $g $x) ($f $x ($g $x)))
  !(assertEqualToResult (match &self (:= (Both Const Const v) $r) $r) ((Const v (Const v))))
  !(assertEqualToResult (match &self (:= (Both Const Const v) $r) (match &self (:= $r $s) $s)) (v))
  (:= (Sum $x O) $x) (:= (Sum $x (N $y)) (Sum (N $x) $y))
  !(assertEqualToResult (match &self (:= (Sum (N O) (N O)) $r) (match &self (:= $r $s) $s)) ((N (N O))))`
)

holds(
  "b1_equal_chain: rules apply until none does",
  `(= (Id $x) $x) (= ((Const $x) $y) $x) (= (Const $x $y) $x) (= (Both $f $g $x) ($f $x ($g $x)))
  !(assertEqual (Both Const Const v) v) !(assertEqual (no rule at all) (no rule at all))
  (= (Sum $x O) $x) (= (Sum $x (N $y)) (Sum (N $x) $y))
  !(assertEqual (Sum (N O) (N O)) (N (N O))) !(assertEqual (box (Sum (N O) (N O))) (box (N (N O))))`
)

holds(
  "b2_backchain: deduction and explanation",
  `(Known (sings Polly)) (Known (flies Polly))
  (Implies (Both (Known (sings $x)) (Known (flies $x))) (Known (bird $x))) (Implies (Known (bird $x)) (Known (hatches $x)))
  (= (shown (Known ($p $x))) (match &self (Known ($p $x)) T))
  (= (shown (Known ($p $x))) (match &self (Implies $a (Known ($p $x))) (shown $a)))
  (= (shown (Both $a $b)) (Both (shown $a) (shown $b))) (= (Both T T) T) (= (given T $then) $then)
  !(assertEqualToResult (shown (Known (swims Polly))) ())
  !(assertEqual (shown (Known (hatches Polly))) T)
  !(assertEqual (given (shown (Known (hatches $x))) $x) Polly)
  (= (why (Known ($p $x))) (match &self (Known ($p $x)) ($p $x)))
  (= (why (Known ($p $x))) (match &self (Implies $a (Known ($p $x))) (($p $x) by (why $a))))
  (= (why (Both $a $b)) (Both (why $a) (why $b)))
  !(assertEqual (why (Known (hatches Polly))) ((hatches Polly) by ((bird Polly) by (Both (sings Polly) (flies Polly)))))`
)

holds(
  "b3_direct: rules as questions",
  `(= (Both T T) T) (= (bird $x) (Both (sings $x) (flies $x))) (= (sings Polly) T) (= (flies Polly) T) (= (pet $x) (bird $x))
  (= (given T $then) $then)
  !(assertEqual (pet Polly) T) !(assertEqual (collapse (given (pet $x) $x)) (Polly))
  !(assertEqual (collapse (match &self (= ($p Polly) T) $p)) (sings flies))`
)

holds(
  "b4_nondeterm: none, one and many results",
  `(= (size) small) (= (size) large) (= (size) huge)
  !(assertEqual (collapse (match &self (= (size) $x) $x)) (small large huge))
  !(assertEqual (collapse (match &self (= (taste) $x) $x)) ())
  !(assertEqual (collapse (size)) (small large huge)) !(assertEqual (collapse (taste)) ((taste)))
  (= (coin) H) (= (coin) T) (= (two $x $y) ($x $y))
  !(assertEqual (collapse (two (coin) (coin))) ((H H) (H T) (T H) (T T)))
  (= (other) huge) (= (other) tiny) (= (eq $x $x) yes) (= (common $x $y) (match &self (= (eq $x $y) yes) $x))
  !(assertEqual (collapse (common (size) (other))) (huge))
  (= (turn $x $y) ($y $x)) !(assertEqual (collapse (turn a (superpose (b c d)))) ((b a) (c a) (d a)))`
)

it("b5_types_prelim: what is checked where types are declared", () => {
  expect(
    faults(`(= (Sum $x O) $x) (= (Sum $x (N $y)) (Sum (N $x) $y)) !(assertEqual (Sum N O) N)
    (: O Nat) (: N (-> Nat Nat)) (: Sum (-> Nat Nat Nat)) (: Two Nat) (: Two Word)
    !(assertEqualToResult (Sum N O) ((Error (Sum N O) (BadArgType 1 Nat (-> Nat Nat)))))
    !(assertEqualToResult (Sum (N O) O) ((N O))) !(assertEqual (Sum Thing O) Thing) !(assertEqualToResult (Sum O Two) ((Sum O Two)))
    (: Row (-> Type Type)) (: End (Row $t)) (: Link (-> $t (Row $t) (Row $t)))
    !(assertEqualToResult (Link (N O) (Link O End)) ((Link (N O) (Link O End))))
    !(assertEqualToResult (Link N (Link O End)) ((Error (Link N (Link O End)) (BadArgType 2 (Row (-> Nat Nat)) (Row Nat)))))
    (: eq (-> $t $t Type)) (= (eq $x $x) T) !(assertEqual (eq (Sum O O) O) T) !(assertEqualToResult (eq O (N O)) ((eq O (N O))))
    !(assertEqualToResult (eq O N) ((Error (eq O N) (BadArgType 2 Nat (-> Nat Nat)))))
    (: Hue Property) (: Red Hue) (: Form Property) (: Disc Form) (: alike (-> $t $t Type)) (= (alike $x $y) T)
    !(assertEqual (alike Hue Form) T) !(assertEqualToResult (alike Red Disc) ((Error (alike Red Disc) (BadArgType 2 Hue Form))))
    (Old Bob) (= (Old Bob) T) !(assertEqual (Old $who) T) !(assertEqual (match &self (Old $who) $who) Bob)
    !(assertEqual (match &self (Old $who) (Old $who)) T)
    !(assertEqual (let $r (Sum (N O) O) (match &self (= (eq $r (N O)) $tv) $tv)) T)
    !(assertEqualToResult (match &self (= (eq (Sum (N O) O) (N O)) $tv) $tv) ())
    !(assertEqual (let (N (N $r)) (Sum (N O) (N O)) $r) O)
    (: eqa (-> Atom Atom Type)) (= (eqa $x $x) T) !(assertEqual (eqa (Sum O O) (Sum O O)) T)
    !(assertEqualToResult (eqa O (Sum O O)) ((eqa O (Sum O O)))) !(assertEqual (let $z (Sum O O) (eqa O $z)) T)`)
  ).toEqual([])
})

holds(
  "c1_grounded_basic: numbers",
  `!(assertEqualToResult (+ 1 (* 2 2.5)) (6.0)) !(assertEqualToResult (- 9 (/ 3 1.5)) (7.0)) !(assertEqualToResult (% 23 10) (3))
  !(assertEqualToResult (< 3 (+ 1 (* 2 5))) (True)) !(assertEqualToResult (and (> 5 1) (< 5 1)) (False))
  !(assertEqualToResult (log (+ 1 2)) ((log 3))) !(assertEqualToResult (> 4 (+ log 2)) ((> 4 (+ log 2))))
  !(assertEqualToResult (> 4 (+ $x 2)) ((> 4 (+ $x 2)))) !(assertEqualToResult (== 5 (+ 2 3)) (True))
  !(assertEqualToResult (== (P Q) (P (Q R))) (False)) !(assertEqualToResult (== 4 (+ log 2)) (False))
  !(assertEqualToResult (+ 2 "word") ((Error (+ 2 "word") (BadArgType 2 Number String))))
  (: log Log) !(assertEqualToResult (== 4 (+ log 2)) ((Error (+ log 2) (BadArgType 1 Number Log))))
  (= (cube $x) (* $x (* $x $x))) !(assertEqualToResult (cube 3) (27))
  !(assertEqual (+ (superpose (1 2 3)) 1) (superpose (2 3 4))) (= (coin) 0) (= (coin) 1) !(assertEqualToResult (+ 1 (coin)) (1 2))
  (= (fac $n) (if (== $n 0) 1 (* (fac (- $n 1)) $n))) !(assertEqual (fac 5) 120)
  (= (coins $n) (if (> $n 0) (:: (coin) (coins (- $n 1))) end)) (= (weigh end end) 0)
  (= (weigh (:: $x $xs) (:: $b $bs)) (+ (* $x $b) (weigh $xs $bs)))
  !(assertEqualToResult (let $t (coins 3) (if (== (weigh (:: 2 (:: 4 (:: 7 end))) $t) 9) $t (empty))) ((:: 1 (:: 0 (:: 1 end)))))`
)

holds(
  "c2_spaces: other spaces",
  `!(bind! &kb (new-space)) !(add-atom &kb (Mars is Red)) !(add-atom &kb (Red is-a Color)) !(add-atom &kb (Mars is-a Planet))
  !(assertEqualToResult (match &kb (, ($o is $p) ($p is-a Color) ($o is-a Planet)) ($o $p)) ((Mars Red)))
  !(assertEqualToResult (match &self ($p is-a Color) $p) ()) (Ball is Red)
  !(assertEqualToResult (match &kb ($p is-a Color) (match &self ($o is $p) $o)) (Ball))`
)

holds(
  "c3_pln_stv: truth values of conclusions",
  `(= (least $a $b) (if (< $a $b) $a $b)) (= (s (stv $s $c)) $s) (= (c (stv $s $c)) $c)
  (= (TV $x) (match &self (.tv $x $stv) $stv))
  (= (TV (Both $a $b)) (stv (least (s (TV $a)) (s (TV $b))) (least (c (TV $a)) (c (TV $b)))))
  (= (TV $x) (match &self (.tv (Implies $y $x) (stv $s $c)) (stv (* $s (s (TV $y))) (* $c (c (TV $y))))))
  (.tv (sings Polly) (stv 0.5 0.75)) (.tv (flies Polly) (stv 0.25 1.0)) (.tv (Implies (Both (sings $x) (flies $x)) (bird $x)) (stv 0.5 0.5))
  !(assertEqual (TV (sings Polly)) (stv 0.5 0.75)) !(assertEqual (TV (Both (sings Polly) (flies Polly))) (stv 0.25 0.75))
  !(assertEqual (TV (bird Polly)) (stv 0.125 0.375))`
)

holds(
  "d2_higherfunc: functions that take and give functions",
  `(: curried (-> (-> $a $b $c) (-> $a (-> $b $c)))) (= (((curried $f) $x) $y) ($f $x $y))
  !(assertEqual (get-type (curried *)) (-> Number (-> Number Number))) !(assertEqualToResult ((curried *) 2) (((curried *) 2)))
  !(assertEqual (((curried *) 2) 3) 6)
  (: bound (-> (-> $a $b $c) $a (-> $b $c))) (= ((bound $f $a) $b) ($f $a $b))
  !(assertEqual (get-type (bound * 2)) (-> Number Number)) !(assertEqual (get-type ((bound * 2) 3)) Number)
  !(assertEqualToResult (get-type ((bound * 2) "S")) ()) !(assertEqual ((bound * 2) 3) 6)
  (: Polly Thing) (: Bird Thing) (: isa (-> Thing Thing Bool)) (= (isa Polly Bird) True) (= (isa-polly) (bound isa Polly))
  !(assertEqualToResult (isa-polly) ((bound isa Polly))) !(assertEqual ((isa-polly) Bird) True)
  (: fn (-> Atom $t (-> $a $t))) (= ((fn $var $body) $arg) (let $var $arg $body))
  !(assertEqual ((fn $x (* $x 3)) 2) 6) !(assertEqual ((fn ($x $y) (* $x $y)) (2 7)) 14)
  (: None (-> (Opt $t))) (: Some (-> $t (Opt $t))) (: over (-> (-> $a $b) ($F $a) ($F $b)))
  (= (over $f ($c)) ($c)) (= (over $f ($c $x)) ($c ($f $x))) (= (over $f ($c $x $xs)) ($c ($f $x) (over $f $xs)))
  !(assertEqual (over (bound * 2) (Some 5)) (Some 10)) !(assertEqual (over (bound * 2) (None)) (None))
  !(assertEqual (get-type (over (bound * 1) (Some 5))) (Opt Number)) !(assertEqual (over (bound * 2) (Free 5 (Free 8 (Z)))) (Free 10 (Free 16 (Z))))
  !(assertEqualToResult (get-type (over (bound * 2) (Some "5"))) ())
  (= (put $x End) (Link $x End))
  (= (put $x (Link $h $t)) (case (< $x $h) ((True (Link $x (Link $h $t))) (False (Link $h (put $x $t))))))
  (= (sorted End) End) (= (sorted (Link $h $t)) (put $h (sorted $t)))
  !(assertEqual (sorted (Link 3 (Link 1 (Link 2 End)))) (Link 1 (Link 2 (Link 3 End))))`
)

holds(
  "d4_type_prop: propositions as types",
  `(: Thing Type) (: Polly Thing) (: Wanda Thing) (: Bird (-> Thing Type)) (: Flier (-> Thing Type))
  (: BirdsFly (-> (Bird $t) (Flier $t))) (: PollyIsBird (Bird Polly)) (: WandaIsBird (Bird Wanda))
  !(assertEqual (get-type (Flier Wanda)) Type) !(assertEqual (get-type (BirdsFly PollyIsBird)) (Flier Polly))
  !(assertEqualToResult (get-type (BirdsFly (Bird Polly))) ()) !(assertEqualToResult (Flier Wanda) ((Flier Wanda)))
  (: given (-> Type $t $t)) (= (given T $then) $then) (: T Type) (= (Bird Polly) T) (= (Bird Wanda) T) (= (Flier $x) (Bird $x))
  !(assertEqual (Flier Wanda) T) !(assertEqualToResult (given (Flier $x) $x) (Polly Wanda))`
)

it("d5_auto_types: errors of types inside of other operations", () => {
  expect(run(`!(collapse (+ 5 "S")) (: f (-> $t Number)) !(f (+ 5 "S")) !(== 5 "S")`)).toEqual([
    ['((Error (+ 5 "S") (BadArgType 2 Number String)))'],
    ['(Error (+ 5 "S") (BadArgType 2 Number String))'],
    ['(Error (== 5 "S") (BadArgType 2 Number String))']
  ])
})

holds(
  "e1_kb_write: conclusions are written into a space",
  `!(bind! &kb (new-space)) (= (bird $x) (and (sings $x) (flies $x))) (= (sings Polly) True) (= (flies Polly) True)
  (= (sings Jack) True) (= (flies Jack) True) (= (pet $x) (bird $x)) (: given (-> %Undefined% Atom %Undefined%)) (= (given True $then) $then)
  !(assertEqualToResult (given (pet $x) (add-atom &kb (Pet $x))) (() ()))
  !(assertEqualToResult (match &kb (Pet $x) $x) (Polly Jack))`
)

holds(
  "test_stdlib: the operations of the standard library",
  `!(assertEqualToResult (superpose (a b c)) (a b c)) (= (one) 1) !(assertEqualToResult (superpose ((one) 2)) (1 2))
  !(assertEqualToResult (case Empty ((yes yes) (Empty no))) (no)) !(assertEqualToResult (case (unify (P Q) (P Q) yes Empty) ((yes yes) (Empty no))) (yes))
  !(assertEqualToResult (case (unify (Q P) (P Q) yes Empty) ((yes yes) (Empty no))) (no))
  !(assertIncludes (superpose (7 8 9)) (8 9)) !(assertEqualToResult (= (f) (+ 1 2)) ((= (f) 3)))
  !(assertEqualToResult (noeval (= (f) (+ 1 2))) ((= (f) (+ 1 2)))) !(assertEqualToResult (quote (= (f) (+ 1 2))) ((quote (= (f) (+ 1 2)))))
  !(assertEqualToResult (id (noeval (+ 1 2))) (3)) !(assert (or True False)) !(assertEqualMsg (+ 1 2) 3 "never")
  (= (g1 $x) $x) (= (g2 $x) $x) !(assertAlphaEqual (g1 $x) (g2 $y))
  (pairing A B) (= (paired $x $y) (match &self (pairing $x $y) True)) !(assertEqual ((paired $a B) $a) (True A))
  !(assertEqual (let $all ((t P) (t Q)) (map-atom $all $each (let ($t $v) $each $v))) (P Q))`
)
