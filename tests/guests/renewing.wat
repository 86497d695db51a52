;; Computes for a while and begins anew, for ever.
(component
  (import "tandem:pbx/leg@0.2.0" (instance $leg (export "leg" (type (sub resource)))))
  (alias export $leg "leg" (type $leg-type))
  (import "tandem:pbx/checkpoint@0.2.0" (instance $checkpoint
    (alias outer 1 $leg-type (type $leg-outer))
    (export "leg" (type $leg-in (eq $leg-outer)))
    (type $error-def (variant (case "bad-argument" string) (case "no-call")))
    (export "checkpoint-error" (type $error (eq $error-def)))
    (export "renew" (func (param "state" (list u8)) (result (result (error $error)))))))
  (core module $store
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0x8000)))
  (core instance $store (instantiate $store))
  (core func $renew (canon lower (func $checkpoint "renew")
    (memory (core memory $store "memory")) (realloc (core func $store "realloc"))))
  (core module $code
    (import "store" "memory" (memory 1))
    (import "host" "renew" (func $renew (param i32 i32 i32)))
    (export "memory" (memory 0))
    (func (export "handle") (param $caller i32) (result i32)
      (local $left i32)
      (local.set $left (i32.const 1000000))
      (loop $again
        (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (call $renew (i32.const 16) (i32.const 0) (i32.const 128))
      (unreachable)))
  (core instance $main (instantiate $code
    (with "store" (instance $store))
    (with "host" (instance (export "renew" (func $renew))))))
  (func $handle (param "caller" (own $leg-type)) (result (result (error string)))
    (canon lift (core func $main "handle") (memory (core memory $main "memory"))))
  (instance $handler (export "handle" (func $handle)))
  (export "tandem:pbx/call-handler@0.2.0" (instance $handler)))
