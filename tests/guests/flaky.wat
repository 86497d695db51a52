;; Answers and returns, but for as many calls in a thousand as $failing says returns the error "bad luck" before: a test
;; writes another number there. 0 or less: none. An error of answer is "no answer".
(component
  (type $leg-error-def (variant
    (case "gone") (case "wrong-state" string) (case "bad-argument" string) (case "media" string) (case "limit" string)))
  (import "tandem:pbx/leg@0.2.0" (instance $leg
    (export "leg" (type $leg (sub resource)))
    (export "leg-error" (type $leg-error (eq $leg-error-def)))
    (export "[method]leg.answer" (func (param "self" (borrow $leg)) (result (result (error $leg-error)))))))
  (alias export $leg "leg" (type $leg-type))
  (import "tandem:pbx/random@0.2.0" (instance $chance (export "next" (func (result u64)))))
  (core module $store
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 4096))
    (data (i32.const 64) "bad luck" "no answer")
    ;; Texts of the host are laid one after another; nothing is freed.
    (func (export "realloc") (param $old i32) (param $old-len i32) (param $align i32) (param $len i32) (result i32)
      (global.get $next)
      (global.set $next
        (i32.and (i32.add (i32.add (global.get $next) (local.get $len)) (i32.const 7)) (i32.const -8)))))
  (core instance $store (instantiate $store))
  (core func $random (canon lower (func $chance "next")))
  (core func $answer
    (canon lower (func $leg "[method]leg.answer") (memory (core memory $store "memory")) (realloc (core func $store "realloc"))))
  (core func $drop-leg (canon resource.drop $leg-type))
  (core module $code
    (import "store" "memory" (memory 1))
    (import "host" "random" (func $random (result i64)))
    (import "host" "answer" (func $answer (param i32 i32)))
    (import "host" "drop-leg" (func $drop-leg (param i32)))
    (export "memory" (memory 0))
    (global $failing i64 (i64.const 200))
    (func $error (param $text i32) (param $len i32) (result i32)
      (i32.store8 (i32.const 0) (i32.const 1))
      (i32.store (i32.const 4) (local.get $text))
      (i32.store (i32.const 8) (local.get $len))
      (i32.const 0))
    (func (export "handle") (param $caller i32) (result i32)
      (if (i64.lt_s (i64.rem_u (call $random) (i64.const 1000)) (global.get $failing))
        (then (return (call $error (i32.const 64) (i32.const 8)))))
      (call $answer (local.get $caller) (i32.const 512))
      (if (i32.load8_u (i32.const 512))
        (then (return (call $error (i32.const 72) (i32.const 9)))))
      (call $drop-leg (local.get $caller))
      (i32.const 0)))
  (core instance $main (instantiate $code
    (with "store" (instance $store))
    (with "host" (instance
      (export "random" (func $random))
      (export "answer" (func $answer))
      (export "drop-leg" (func $drop-leg))))))
  (func $handle (param "caller" (own $leg-type)) (result (result (error string)))
    (canon lift (core func $main "handle") (memory (core memory $main "memory"))))
  (instance $handler (export "handle" (func $handle)))
  (export "tandem:pbx/call-handler@0.2.0" (instance $handler)))
