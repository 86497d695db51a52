//! The demo domain that a server's first start makes.

use crate::failure::{Doing, Result};
use serde_json::Value;
use std::path::Path;

/// `DIR/demo.json`: whom to register and what to dial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demo {
    /// SIP domain.
    pub domain: String,
    /// UDP address as the file says it.
    pub sip_udp: String,
    /// Number of the menu.
    pub menu: String,
    /// Users 301, 302 and 303 with passwords.
    pub users: Vec<User>,
}

/// A user of the demo domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Name, which is the extension too.
    pub name: String,
    /// Password.
    pub password: String,
}

impl Demo {
    /// Reads the file.
    ///
    /// # Errors
    /// When it is missing or a field is.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).doing(&format!("reading {}", path.display()))?;
        let json: Value = serde_json::from_str(&text).doing("parsing demo.json")?;
        let field = |value: &Value, name: &str| {
            value
                .get(name)
                .and_then(Value::as_str)
                .map(str::to_owned)
                .doing(&format!("looking for {name:?} in demo.json"))
        };
        let users = json
            .get("users")
            .and_then(Value::as_array)
            .doing("looking for users in demo.json")?;
        Ok(Self {
            domain: field(&json, "domain")?,
            sip_udp: field(&json, "sip_udp")?,
            menu: field(&json, "menu")?,
            users: users
                .iter()
                .map(|user| {
                    Ok(User {
                        name: field(user, "name")?,
                        password: field(user, "password")?,
                    })
                })
                .collect::<Result<_>>()?,
        })
    }

    /// The user of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn user(&self, name: &str) -> Result<&User> {
        self.users
            .iter()
            .find(|user| user.name == name)
            .doing(&format!("looking for user {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Folder;

    #[test]
    fn demo_json_is_read_whole_or_refused() {
        let folder = Folder::new("demo").unwrap();
        let text = r#"{"domain":"demo.local","sip_udp":"127.0.0.1:5060","menu":"100","users":[{"name":"301","password":"x"}]}"#;
        let demo = Demo::read(&folder.write("demo.json", text).unwrap()).unwrap();
        assert_eq!(
            (demo.menu.as_str(), demo.user("301").unwrap().password.as_str()),
            ("100", "x")
        );
        assert!(demo.user("999").is_err());
        let short = folder.write("short.json", r#"{"domain":"demo.local"}"#).unwrap();
        assert!(Demo::read(&short).unwrap_err().to_string().contains("users"));
    }
}
