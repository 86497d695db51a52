;; Returns at once: what one call costs at the least.
(component
  (import "tandem:pbx/leg@0.2.0" (instance $leg (export "leg" (type (sub resource)))))
  (alias export $leg "leg" (type $leg-type))
  (core module $code
    (memory (export "memory") 1)
    (func (export "handle") (param $caller i32) (result i32)
      (i32.const 0)))
  (core instance $main (instantiate $code))
  (func $handle (param "caller" (own $leg-type)) (result (result (error string)))
    (canon lift (core func $main "handle") (memory (core memory $main "memory"))))
  (instance $handler (export "handle" (func $handle)))
  (export "tandem:pbx/call-handler@0.2.0" (instance $handler)))
