//! Makes one core module of all that a component instantiates beside each other.
//!
//! componentize-py links Python's libraries when the component is instantiated, which happens for every call: thousands
//! of imports are looked up, thousands of table elements written one by one. In one module all of that is settled when
//! it is compiled.
//!
//! What is instantiated stays apart only where it must: what imports host functions that need a memory of the others
//! (the fix-ups of wit-component) comes after them. Order is kept: data and elements of a later module lie over those of
//! an earlier one. A component that has anything which this does not know is refused, never guessed at.

mod module;
mod parts;
mod plan;
mod write;

use std::fmt::Display;

use parts::Parts;
use plan::Plan;

/// A component with its core modules in one; the error says, for people, why it stays as it is. What it gives is as valid
/// as what it was given, which it does not check: whoever runs it does.
pub fn merged(component: &[u8]) -> Result<Vec<u8>, String> {
    let parts = Parts::read(component)?;
    let plan = Plan::of(&parts)?;
    plan.write()
}

pub(crate) fn words(error: impl Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use wasmparser::{Parser, Payload};

    use super::*;

    /// A component that links at instantiation: `main` has the memory and the table, `lib` puts itself into both, and
    /// the host function that needs the memory comes by way of a table that is filled last.
    fn linked(lib: &str) -> Vec<u8> {
        let text = format!(
            r#"(component
                (import "ask" (func $ask (param "what" string)))
                (core module $shim
                    (table (export "$imports") 1 funcref)
                    (func (export "0") (param i32 i32) (call_indirect (param i32 i32) (local.get 0) (local.get 1) (i32.const 0))))
                (core module $main
                    (import "ask" "0" (func $ask (param i32 i32)))
                    (memory (export "memory") 1)
                    (table (export "table") 4 funcref)
                    (global (export "base") i32 (i32.const 64))
                    (func (export "twice") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
                    (func (export "tell") (call $ask (i32.const 72) (i32.const 3)))
                    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0)))
                (core module $lib {lib})
                (core module $fixup
                    (import "" "0" (func (param i32 i32)))
                    (import "" "$imports" (table 1 funcref))
                    (elem (i32.const 0) func 0))
                (core instance $shim (instantiate $shim))
                (core instance $main (instantiate $main (with "ask" (instance $shim))))
                (alias core export $main "memory" (core memory $memory))
                (core func $lowered (canon lower (func $ask) (memory $memory)))
                (core instance $lib (instantiate $lib (with "env" (instance $main))))
                (core instance $last (export "$imports" (table $shim "$imports")) (export "0" (func $lowered)))
                (core instance (instantiate $fixup (with "" (instance $last))))
                (func (export "run") (result u32) (canon lift (core func $lib "run"))))"#
        );
        wat::parse_str(text).unwrap()
    }

    const LIB: &str = r#"
        (import "env" "memory" (memory 1))
        (import "env" "table" (table 4 funcref))
        (import "env" "base" (global $base i32))
        (import "env" "twice" (func $twice (param i32) (result i32)))
        (import "env" "tell" (func $tell))
        (global $here i32 (i32.add (global.get $base) (i32.const 8)))
        (func $own (result i32) (call $tell) (call $twice (global.get $here)))
        (elem (i32.const 2) func $own)
        (data (offset (i32.add (global.get $base) (i32.const 8))) "abc")
        (func (export "run") (result i32) (call_indirect (result i32) (i32.const 2)))"#;

    fn core_modules(component: &[u8]) -> usize {
        let payloads = Parser::new(0).parse_all(component);
        let is_module = |payload: &Payload<'_>| matches!(payload, Payload::ModuleSection { .. });
        payloads
            .filter(|payload| is_module(payload.as_ref().unwrap()))
            .count()
    }

    #[test]
    fn what_is_linked_at_instantiation_becomes_one_module() {
        let component = linked(LIB);
        assert_eq!(core_modules(&component), 4);
        let merged = merged(&component).unwrap();
        wasmparser::Validator::new().validate_all(&merged).unwrap();
        // The one, and what fills the table of host functions.
        assert_eq!(core_modules(&merged), 2);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let starts = format!("{LIB} (func $begin) (start $begin)");
        assert_eq!(
            merged(&linked(&starts)).unwrap_err(),
            "a module has a start function"
        );
        let alone = wat::parse_str("(component (core module $m) (core instance (instantiate $m)))").unwrap();
        assert_eq!(merged(&alone).unwrap_err(), "it has one core module");
        assert!(merged(b"no component").is_err());
        let whole = linked(LIB);
        assert!(merged(&whole[..whole.len() / 2]).is_err());
    }
}
