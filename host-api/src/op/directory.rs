//! Who a number leads to.

use serde::{Deserialize, Serialize};

/// `directory.user`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Name, which is the extension.
    pub name: String,
    /// For people; may be empty.
    pub display_name: String,
    /// A device is registered now.
    pub registered: bool,
}
