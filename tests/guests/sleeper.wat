;; Sleeps a second, for ever.
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
      (loop $again
        (call $sleep-ms (i32.const 1000))
        (br $again))
      (unreachable)))
  (core instance $main (instantiate $code
    (with "host" (instance
      (export "now-ms" (func $now-ms))
      (export "sleep-ms" (func $sleep-ms))))))
  (func $handle (param "caller" (own $leg-type)) (result (result (error string)))
    (canon lift (core func $main "handle") (memory (core memory $main "memory"))))
  (instance $handler (export "handle" (func $handle)))
  (export "tandem:pbx/call-handler@0.2.0" (instance $handler)))
