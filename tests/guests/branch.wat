;; An honest scenario with a branch: enters the step `greet`, rings, draws a random number, sleeps 5 ms and then enters
;; the step `odd` or `even`, drops its leg and returns. An error of ring is returned as the error "no ring".
(component
  (type $leg-error-def (variant
    (case "gone") (case "wrong-state" string) (case "bad-argument" string) (case "media" string) (case "limit" string)))
  (import "tandem:pbx/leg@0.2.0" (instance $leg
    (export "leg" (type $leg (sub resource)))
    (export "leg-error" (type $leg-error (eq $leg-error-def)))
    (export "[method]leg.ring" (func (param "self" (borrow $leg)) (result (result (error $leg-error)))))))
  (alias export $leg "leg" (type $leg-type))
  (import "tandem:pbx/trace@0.2.0" (instance $trace
    (export "step" (func (param "id" string) (param "name" string)))))
  (import "tandem:pbx/random@0.2.0" (instance $chance (export "next" (func (result u64)))))
  (import "tandem:pbx/clock@0.2.0" (instance $clock (export "sleep-ms" (func (param "duration-ms" u32)))))
  (core module $store
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 4096))
    (data (i32.const 64) "greet" "Greeting" "odd" "Odd number" "even" "Even number" "no ring")
    ;; Texts of the host are laid one after another; nothing is freed.
    (func (export "realloc") (param $old i32) (param $old-len i32) (param $align i32) (param $len i32) (result i32)
      (global.get $next)
      (global.set $next
        (i32.and (i32.add (i32.add (global.get $next) (local.get $len)) (i32.const 7)) (i32.const -8)))))
  (core instance $store (instantiate $store))
  (core func $step (canon lower (func $trace "step") (memory (core memory $store "memory"))))
  (core func $random (canon lower (func $chance "next")))
  (core func $sleep-ms (canon lower (func $clock "sleep-ms")))
  (core func $ring
    (canon lower (func $leg "[method]leg.ring") (memory (core memory $store "memory")) (realloc (core func $store "realloc"))))
  (core func $drop-leg (canon resource.drop $leg-type))
  (core module $code
    (import "store" "memory" (memory 1))
    (import "host" "step" (func $step (param i32 i32 i32 i32)))
    (import "host" "random" (func $random (result i64)))
    (import "host" "sleep-ms" (func $sleep-ms (param i32)))
    (import "host" "ring" (func $ring (param i32 i32)))
    (import "host" "drop-leg" (func $drop-leg (param i32)))
    (export "memory" (memory 0))
    (func (export "handle") (param $caller i32) (result i32)
      (local $drawn i64)
      (call $step (i32.const 64) (i32.const 5) (i32.const 69) (i32.const 8))
      (call $ring (local.get $caller) (i32.const 512))
      (if (i32.load8_u (i32.const 512))
        (then
          (i32.store8 (i32.const 0) (i32.const 1))
          (i32.store (i32.const 4) (i32.const 105))
          (i32.store (i32.const 8) (i32.const 7))
          (return (i32.const 0))))
      (local.set $drawn (call $random))
      (i64.store (i32.const 1024) (local.get $drawn))
      (call $sleep-ms (i32.const 5))
      (if (i64.eqz (i64.and (local.get $drawn) (i64.const 1)))
        (then (call $step (i32.const 90) (i32.const 4) (i32.const 94) (i32.const 11)))
        (else (call $step (i32.const 77) (i32.const 3) (i32.const 80) (i32.const 10))))
      (call $drop-leg (local.get $caller))
      (i32.const 0)))
  (core instance $main (instantiate $code
    (with "store" (instance $store))
    (with "host" (instance
      (export "step" (func $step))
      (export "random" (func $random))
      (export "sleep-ms" (func $sleep-ms))
      (export "ring" (func $ring))
      (export "drop-leg" (func $drop-leg))))))
  (func $handle (param "caller" (own $leg-type)) (result (result (error string)))
    (canon lift (core func $main "handle") (memory (core memory $main "memory"))))
  (instance $handler (export "handle" (func $handle)))
  (export "tandem:pbx/call-handler@0.2.0" (instance $handler)))
