use crate::User;

/// Finds a user of the domain by its extension, or by a number that leads to it.
pub fn find_user(number: &str) -> Option<User> {
    crate::bindings::tandem::pbx::directory::find_user(number)
}
