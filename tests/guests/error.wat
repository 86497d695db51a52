;; Returns the error "nobody home".
(component
  (import "tandem:pbx/leg@0.2.0" (instance $leg (export "leg" (type (sub resource)))))
  (alias export $leg "leg" (type $leg-type))
  (core module $code
    (memory (export "memory") 1)
    (data (i32.const 16) "nobody home")
    (func (export "handle") (param $caller i32) (result i32)
      ;; result<_, string> in memory: 1 says error, then where its text is and how long.
      (i32.store8 (i32.const 0) (i32.const 1))
      (i32.store (i32.const 4) (i32.const 16))
      (i32.store (i32.const 8) (i32.const 11))
      (i32.const 0)))
  (core instance $main (instantiate $code))
  (func $handle (param "caller" (own $leg-type)) (result (result (error string)))
    (canon lift (core func $main "handle") (memory (core memory $main "memory"))))
  (instance $handler (export "handle" (func $handle)))
  (export "tandem:pbx/call-handler@0.2.0" (instance $handler)))
