;; Writes values of 32 KiB under ever other keys of its domain, until one is refused; then returns.
(component
  (import "tandem:pbx/leg@0.2.0" (instance $leg (export "leg" (type (sub resource)))))
  (alias export $leg "leg" (type $leg-type))
  (type $kv-error-def (variant (case "bad-argument" string) (case "not-a-number") (case "full" string) (case "unavailable")))
  (import "tandem:pbx/key-value@0.2.0" (instance $kv
    (export "kv-error" (type $kv-error (eq $kv-error-def)))
    (export "set" (func (param "key" string) (param "value" (list u8)) (result (result (error $kv-error)))))))
  (core module $store
    (memory (export "memory") 2)
    ;; An error's words go to the second page.
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0x10000)))
  (core instance $store (instantiate $store))
  (core func $set (canon lower (func $kv "set")
    (memory (core memory $store "memory")) (realloc (core func $store "realloc"))))
  (core module $code
    (import "store" "memory" (memory 2))
    (import "host" "set" (func $set (param i32 i32 i32 i32 i32)))
    (export "memory" (memory 0))
    ;; A letter for four bits of the number.
    (func $letter (param $at i32) (param $bits i32)
      (i32.store8 (local.get $at) (i32.add (i32.const 97) (i32.and (local.get $bits) (i32.const 15)))))
    (func (export "handle") (param $caller i32) (result i32)
      (local $number i32)
      (loop $again
        (call $letter (i32.const 16) (local.get $number))
        (call $letter (i32.const 17) (i32.shr_u (local.get $number) (i32.const 4)))
        (call $letter (i32.const 18) (i32.shr_u (local.get $number) (i32.const 8)))
        (call $letter (i32.const 19) (i32.shr_u (local.get $number) (i32.const 12)))
        (local.set $number (i32.add (local.get $number) (i32.const 1)))
        (call $set (i32.const 16) (i32.const 4) (i32.const 64) (i32.const 32768) (i32.const 32))
        (br_if $again (i32.eqz (i32.load8_u (i32.const 32)))))
      (i32.const 0)))
  (core instance $main (instantiate $code
    (with "store" (instance $store))
    (with "host" (instance (export "set" (func $set))))))
  (func $handle (param "caller" (own $leg-type)) (result (result (error string)))
    (canon lift (core func $main "handle") (memory (core memory $main "memory"))))
  (instance $handler (export "handle" (func $handle)))
  (export "tandem:pbx/call-handler@0.2.0" (instance $handler)))
