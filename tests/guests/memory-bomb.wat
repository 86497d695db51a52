;; Takes all the memory that it can have, a mebibyte at a time, and writes into it.
(component
  (import "tandem:pbx/leg@0.2.0" (instance $leg (export "leg" (type (sub resource)))))
  (alias export $leg "leg" (type $leg-type))
  (core module $code
    (memory (export "memory") 1)
    (func (export "handle") (param $caller i32) (result i32)
      (local $page i32)
      (loop $again
        (local.set $page (memory.grow (i32.const 16)))
        (i32.store (i32.shl (local.get $page) (i32.const 16)) (i32.const 1))
        (br $again))
      (unreachable)))
  (core instance $main (instantiate $code))
  (func $handle (param "caller" (own $leg-type)) (result (result (error string)))
    (canon lift (core func $main "handle") (memory (core memory $main "memory"))))
  (instance $handler (export "handle" (func $handle)))
  (export "tandem:pbx/call-handler@0.2.0" (instance $handler)))
