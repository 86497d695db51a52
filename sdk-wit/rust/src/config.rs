//! What the administrator set for this activation of the scenario.

use crate::bindings::tandem::pbx::config;

/// The configuration as JSON text, at most 1 MiB; `{}` when nothing was set.
pub fn document() -> String {
    config::document()
}

/// The number or pattern of the entry point that started the scenario.
pub fn entry_point() -> String {
    config::entry_point()
}

/// The name of the domain.
pub fn domain() -> String {
    config::domain()
}
