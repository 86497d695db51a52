;; Answers its caller, adds one to the key `tally` twelve times with a pause after each, hangs up by dropping its leg.
(component
  (type $leg-error-def (variant (case "gone") (case "wrong-state" string) (case "bad-argument" string)
    (case "media" string) (case "limit" string)))
  (type $kv-error-def (variant (case "bad-argument" string) (case "not-a-number") (case "full" string) (case "unavailable")))
  (import "tandem:pbx/leg@0.2.0" (instance $leg
    (export "leg" (type $leg-inner (sub resource)))
    (export "leg-error" (type $leg-error (eq $leg-error-def)))
    (export "[method]leg.answer" (func (param "self" (borrow $leg-inner)) (result (result (error $leg-error)))))))
  (alias export $leg "leg" (type $leg-type))
  (import "tandem:pbx/clock@0.2.0" (instance $clock (export "sleep-ms" (func (param "duration-ms" u32)))))
  (import "tandem:pbx/key-value@0.2.0" (instance $pairs
    (export "kv-error" (type $kv-error (eq $kv-error-def)))
    (export "increment" (func (param "key" string) (param "by" s64) (result (result s64 (error $kv-error)))))))
  (core module $store
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 4096))
    (data (i32.const 64) "tally")
    ;; Texts of the host are laid one after another; nothing is freed.
    (func (export "realloc") (param $old i32) (param $old-len i32) (param $align i32) (param $len i32) (result i32)
      (global.get $next)
      (global.set $next
        (i32.and (i32.add (i32.add (global.get $next) (local.get $len)) (i32.const 7)) (i32.const -8)))))
  (core instance $store (instantiate $store))
  (core func $answer
    (canon lower (func $leg "[method]leg.answer") (memory (core memory $store "memory")) (realloc (core func $store "realloc"))))
  (core func $sleep-ms (canon lower (func $clock "sleep-ms")))
  (core func $increment
    (canon lower (func $pairs "increment") (memory (core memory $store "memory")) (realloc (core func $store "realloc"))))
  (core func $drop-leg (canon resource.drop $leg-type))
  (core module $code
    (import "store" "memory" (memory 1))
    (import "host" "answer" (func $answer (param i32 i32)))
    (import "host" "sleep-ms" (func $sleep-ms (param i32)))
    (import "host" "increment" (func $increment (param i32 i32 i64 i32)))
    (import "host" "drop-leg" (func $drop-leg (param i32)))
    (export "memory" (memory 0))
    (func (export "handle") (param $caller i32) (result i32)
      (local $left i32)
      (call $answer (local.get $caller) (i32.const 512))
      (local.set $left (i32.const 12))
      (loop $again
        (call $increment (i32.const 64) (i32.const 5) (i64.const 1) (i32.const 512))
        (call $sleep-ms (i32.const 150))
        (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (call $drop-leg (local.get $caller))
      (i32.const 0)))
  (core instance $main (instantiate $code
    (with "store" (instance $store))
    (with "host" (instance
      (export "answer" (func $answer))
      (export "sleep-ms" (func $sleep-ms))
      (export "increment" (func $increment))
      (export "drop-leg" (func $drop-leg))))))
  (func $handle (param "caller" (own $leg-type)) (result (result (error string)))
    (canon lift (core func $main "handle") (memory (core memory $main "memory"))))
  (instance $handler (export "handle" (func $handle)))
  (export "tandem:pbx/call-handler@0.2.0" (instance $handler)))
