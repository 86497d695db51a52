//! Where in the scenario the call is: shown in the call's timeline, and by replay.

/// Enters a step: `id` is its stable identifier, `name` what people call it, each up to 256 bytes.
/// What the scenario does next belongs to it, until the next step.
pub fn step(id: &str, name: &str) {
    crate::bindings::tandem::pbx::trace::step(id, name);
}
