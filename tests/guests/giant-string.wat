;; Hands over a text of sixteen mebibytes.
(component
  (import "tandem:pbx/leg@0.2.0" (instance $leg (export "leg" (type (sub resource)))))
  (alias export $leg "leg" (type $leg-type))
  (type $level-def (enum "debug" "info" "warn" "error"))
  (import "tandem:pbx/log@0.2.0" (instance $log
    (export "level" (type $level (eq $level-def)))
    (export "write" (func (param "level" $level) (param "text" string)))))
  (core module $store (memory (export "memory") 257))
  (core instance $store (instantiate $store))
  (core func $write (canon lower (func $log "write") (memory (core memory $store "memory"))))
  (core module $code
    (import "store" "memory" (memory 257))
    (import "host" "write" (func $write (param i32 i32 i32)))
    (export "memory" (memory 0))
    (func (export "handle") (param $caller i32) (result i32)
      (call $write (i32.const 1) (i32.const 0) (i32.const 0x1000000))
      (i32.const 0)))
  (core instance $main (instantiate $code
    (with "store" (instance $store))
    (with "host" (instance (export "write" (func $write))))))
  (func $handle (param "caller" (own $leg-type)) (result (result (error string)))
    (canon lift (core func $main "handle") (memory (core memory $main "memory"))))
  (instance $handler (export "handle" (func $handle)))
  (export "tandem:pbx/call-handler@0.2.0" (instance $handler)))
