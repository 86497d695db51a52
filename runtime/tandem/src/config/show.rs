//! Writing a configuration back as TOML that explains itself.

use std::fmt::Write as _;

use super::keys::SECTIONS;
use super::load::Loaded;

/// Every key with its documentation and value; keys that were set say where.
pub fn show(loaded: &Loaded) -> String {
    let mut text = String::new();
    for section in SECTIONS {
        // A String takes all that is written to it.
        for line in section.docs {
            let _ = writeln!(text, "#{line}");
        }
        let _ = writeln!(text, "[{}]", section.name);
        for key in section.keys {
            for line in key.docs {
                let _ = writeln!(text, "#{line}");
            }
            let name = key.path.rsplit('.').next().unwrap_or(key.path);
            let _ = write!(text, "{name} = {}", (key.write)(&loaded.config));
            if let Some(origin) = loaded.origins.get(key.path) {
                let origin = origin.to_string().replace(char::is_control, " ");
                let _ = write!(text, " # {origin}");
            }
            text.push('\n');
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load;

    #[test]
    fn what_is_shown_loads_to_the_same() {
        let sets = [
            "sip.udp=127.0.0.1:7,[::1]:8",
            "media.announce=192.0.2.9",
            "domain.default=a\"b",
        ];
        let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
        let loaded = load(None, &sets).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("t.toml");
        std::fs::write(&path, show(&loaded)).unwrap();
        assert_eq!(load(Some(&path), &[]).unwrap().config, loaded.config);
    }

    #[test]
    fn every_key_is_documented() {
        for section in SECTIONS {
            for key in section.keys {
                assert!(key.docs.concat().len() > 10, "{}", key.path);
            }
        }
    }
}
