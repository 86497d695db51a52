;; Computes for some hundredths of a second and asks for the time, three times, then returns.
(component
  (import "tandem:pbx/leg@0.2.0" (instance $leg (export "leg" (type (sub resource)))))
  (alias export $leg "leg" (type $leg-type))
  (import "tandem:pbx/clock@0.2.0" (instance $clock
    (export "now-ms" (func (result u64)))
    (export "sleep-ms" (func (param "duration-ms" u32)))))
  (core func $now-ms (canon lower (func $clock "now-ms")))
  (core func $sleep-ms (canon lower (func $clock "sleep-ms")))
  (core module $code
    (import "host" "now-ms" (func $now-ms (result i64)))
    (import "host" "sleep-ms" (func $sleep-ms (param i32)))
    (memory (export "memory") 1)
    (func (export "handle") (param $caller i32) (result i32)
      (local $left i32) (local $round i64)
      (local.set $left (i32.const 3))
      (loop $again
        (local.set $round (i64.const 40000000))
        (loop $compute
          (br_if $compute (i64.ne (i64.const 0) (local.tee $round (i64.sub (local.get $round) (i64.const 1))))))
        (drop (call $now-ms))
        (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (i32.const 0)))
  (core instance $main (instantiate $code
    (with "host" (instance
      (export "now-ms" (func $now-ms))
      (export "sleep-ms" (func $sleep-ms))))))
  (func $handle (param "caller" (own $leg-type)) (result (result (error string)))
    (canon lift (core func $main "handle") (memory (core memory $main "memory"))))
  (instance $handler (export "handle" (func $handle)))
  (export "tandem:pbx/call-handler@0.2.0" (instance $handler)))
