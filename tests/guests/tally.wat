;; An honest scenario whose requests depend on what it heard: writes to its log, draws a random number, reads the clock,
;; enters the step `count`, adds the number's lowest three bits plus one to the key `tally`, sleeps for as many
;; milliseconds as the sum says, adds once more, writes to its log, drops its leg and returns.
(component
  (type $kv-error-def (variant (case "bad-argument" string) (case "not-a-number") (case "full" string) (case "unavailable")))
  (type $level-def (enum "debug" "info" "warn" "error"))
  (import "tandem:pbx/leg@0.2.0" (instance $leg (export "leg" (type (sub resource)))))
  (alias export $leg "leg" (type $leg-type))
  (import "tandem:pbx/trace@0.2.0" (instance $trace
    (export "step" (func (param "id" string) (param "name" string)))))
  (import "tandem:pbx/random@0.2.0" (instance $chance (export "next" (func (result u64)))))
  (import "tandem:pbx/clock@0.2.0" (instance $clock
    (export "now-ms" (func (result u64)))
    (export "sleep-ms" (func (param "duration-ms" u32)))))
  (import "tandem:pbx/log@0.2.0" (instance $log
    (export "level" (type $level (eq $level-def)))
    (export "write" (func (param "level" $level) (param "text" string)))))
  (import "tandem:pbx/key-value@0.2.0" (instance $pairs
    (export "kv-error" (type $kv-error (eq $kv-error-def)))
    (export "increment" (func (param "key" string) (param "by" s64) (result (result s64 (error $kv-error)))))))
  (core module $store
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 4096))
    (data (i32.const 64) "count" "Counting" "tally")
    ;; Texts of the host are laid one after another; nothing is freed.
    (func (export "realloc") (param $old i32) (param $old-len i32) (param $align i32) (param $len i32) (result i32)
      (global.get $next)
      (global.set $next
        (i32.and (i32.add (i32.add (global.get $next) (local.get $len)) (i32.const 7)) (i32.const -8)))))
  (core instance $store (instantiate $store))
  (core func $step (canon lower (func $trace "step") (memory (core memory $store "memory"))))
  (core func $random (canon lower (func $chance "next")))
  (core func $now-ms (canon lower (func $clock "now-ms")))
  (core func $sleep-ms (canon lower (func $clock "sleep-ms")))
  (core func $write (canon lower (func $log "write") (memory (core memory $store "memory"))))
  (core func $increment
    (canon lower (func $pairs "increment") (memory (core memory $store "memory")) (realloc (core func $store "realloc"))))
  (core func $drop-leg (canon resource.drop $leg-type))
  (core module $code
    (import "store" "memory" (memory 1))
    (import "host" "step" (func $step (param i32 i32 i32 i32)))
    (import "host" "random" (func $random (result i64)))
    (import "host" "now-ms" (func $now-ms (result i64)))
    (import "host" "sleep-ms" (func $sleep-ms (param i32)))
    (import "host" "write" (func $write (param i32 i32 i32)))
    (import "host" "increment" (func $increment (param i32 i32 i64 i32)))
    (import "host" "drop-leg" (func $drop-leg (param i32)))
    (export "memory" (memory 0))
    ;; The sum: its result lies at 512, an ok's number at 520.
    (func $add (param $by i64) (result i64)
      (call $increment (i32.const 77) (i32.const 5) (local.get $by) (i32.const 512))
      (i64.load (i32.const 520)))
    (func (export "handle") (param $caller i32) (result i32)
      (local $by i64)
      (call $write (i32.const 1) (i32.const 64) (i32.const 5))
      (local.set $by (i64.add (i64.and (call $random) (i64.const 7)) (i64.const 1)))
      (i64.store (i32.const 1024) (call $now-ms))
      (call $step (i32.const 64) (i32.const 5) (i32.const 69) (i32.const 8))
      (call $sleep-ms (i32.wrap_i64 (call $add (local.get $by))))
      (i64.store (i32.const 1032) (call $add (i64.const 1)))
      (call $write (i32.const 1) (i32.const 69) (i32.const 8))
      (call $drop-leg (local.get $caller))
      (i32.const 0)))
  (core instance $main (instantiate $code
    (with "store" (instance $store))
    (with "host" (instance
      (export "step" (func $step))
      (export "random" (func $random))
      (export "now-ms" (func $now-ms))
      (export "sleep-ms" (func $sleep-ms))
      (export "write" (func $write))
      (export "increment" (func $increment))
      (export "drop-leg" (func $drop-leg))))))
  (func $handle (param "caller" (own $leg-type)) (result (result (error string)))
    (canon lift (core func $main "handle") (memory (core memory $main "memory"))))
  (instance $handler (export "handle" (func $handle)))
  (export "tandem:pbx/call-handler@0.2.0" (instance $handler)))
