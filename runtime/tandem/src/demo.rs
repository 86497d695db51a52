//! The first start: a domain to call in, and what to dial.

use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde::{Deserialize, Serialize};
use tandem_sip::auth::{Algorithm, ha1};
use tandem_store::{
    Credentials, DomainScope, NewAccount, NewDomain, NewEntryPoint, NewUser, Role, Store, StoreError,
};
use tandem_web::password::PasswordError;

use crate::{output, stock};

const DOMAIN: &str = "demo.local";
const MENU: &str = "100";
const USERS: [&str; 3] = ["301", "302", "303"];
const ADMIN: &str = "admin";
const FILE: &str = "demo.json";

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The administrator's password.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The file with the passwords.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
}

/// What `demo.json` holds.
#[derive(Debug, Serialize, Deserialize)]
struct Demo {
    domain: String,
    sip_udp: Option<SocketAddr>,
    menu: String,
    users: Vec<DemoUser>,
    /// Who administers the system; none: the data is of an earlier release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    admin: Option<DemoUser>,
}

#[derive(Debug, Serialize, Deserialize)]
struct DemoUser {
    name: String,
    password: String,
}

/// On an empty directory makes the demo domain, writes `demo.json` and tells what to dial. Later it only keeps the
/// address in that file true. `udp` is where the server listens.
pub async fn first_start(
    store: &Store,
    data: &Path,
    udp: &[SocketAddr],
    web: SocketAddr,
) -> Result<(), DemoError> {
    let path = data.join(FILE);
    let sip_udp = udp.first().copied();
    if let Ok(text) = fs::read_to_string(&path) {
        if let Ok(demo) = serde_json::from_str::<Demo>(&text)
            && demo.sip_udp != sip_udp
        {
            write(&path, &Demo { sip_udp, ..demo })?;
        }
        return Ok(());
    }
    if !store.domains().await?.is_empty() {
        return Ok(()); // someone set this up already
    }
    store.create_domain(&NewDomain::named(DOMAIN)).await?;
    let scope = store.domain_scope(DOMAIN).await?;
    let made = async {
        let demo = Demo {
            domain: DOMAIN.to_owned(),
            sip_udp,
            menu: MENU.to_owned(),
            users: fill(store, &scope).await?,
            admin: first_account(store).await?,
        };
        write(&path, &demo).map(|()| demo)
    };
    let made = made.await;
    match made {
        Ok(demo) => {
            // A closed standard output is no reason not to serve.
            let _ = output::write(&tell(&demo, &path, web));
            Ok(())
        }
        Err(error) => {
            // All of it or nothing, so that the next start makes it.
            if let Err(error) = store.delete_domain(&scope).await {
                tracing::error!(%error, domain = DOMAIN, "half a demo domain stays: remove it");
            }
            Err(error)
        }
    }
}

/// Makes an account for who administers the system; none: there is one already.
async fn first_account(store: &Store) -> Result<Option<DemoUser>, DemoError> {
    if !store.accounts(None).await?.is_empty() {
        return Ok(None);
    }
    let password = random_password();
    let hash = tandem_web::password::hash(&password)?;
    let new = NewAccount {
        name: ADMIN,
        display_name: "",
        role: Role::System,
        user: None,
        password: &hash,
    };
    store.add_account(None, &new).await?;
    Ok(Some(DemoUser {
        name: ADMIN.to_owned(),
        password,
    }))
}

async fn fill(store: &Store, scope: &DomainScope) -> Result<Vec<DemoUser>, DemoError> {
    stock::install(store, scope).await?;
    let menu = NewEntryPoint {
        title: "Demo menu".to_owned(),
        config: stock::DEMO_MENU.to_owned(),
        ..NewEntryPoint::new(MENU, "flow")
    };
    store.add_entry_point(scope, &menu).await?;
    let users: Vec<DemoUser> = USERS
        .map(|name| DemoUser {
            name: name.to_owned(),
            password: random_password(),
        })
        .into();
    let new: Vec<NewUser> = users
        .iter()
        .map(|user| NewUser {
            name: user.name.clone(),
            display_name: format!("Demo {}", user.name),
            credentials: credentials(&user.name, DOMAIN, &user.password),
        })
        .collect();
    store.create_users(scope, &new).await?;
    Ok(users)
}

/// Twenty characters out of 54, none of which is taken for another: 115 bits.
pub fn random_password() -> String {
    const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ2345678";
    let mut rng = StdRng::from_os_rng();
    let letter = |_| {
        LETTERS
            .get(rng.random_range(0..LETTERS.len()))
            .copied()
            .map(char::from)
    };
    (0..20).filter_map(letter).collect()
}

/// What the store keeps of a password.
pub fn credentials(user: &str, realm: &str, password: &str) -> Credentials {
    Credentials {
        ha1_md5: ha1(Algorithm::Md5, user, realm, password),
        ha1_sha256: ha1(Algorithm::Sha256, user, realm, password),
    }
}

/// Written beside and renamed, so that a reader never sees half of it; mode 0600, for it holds passwords.
fn write(path: &Path, demo: &Demo) -> Result<(), DemoError> {
    let temporary = path.with_extension("json.tmp");
    let write = || -> io::Result<()> {
        let _ = fs::remove_file(&temporary); // a left-over may have another mode
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)?;
        serde_json::to_writer_pretty(&mut file, demo)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|source| DemoError::File {
        path: path.to_owned(),
        source,
    })
}

/// Ten lines.
fn tell(demo: &Demo, path: &Path, web: SocketAddr) -> String {
    let server = demo
        .sip_udp
        .map_or_else(|| "(no UDP)".to_owned(), |address| address.to_string());
    let mut lines = vec![
        format!(
            "First start: the domain {} is ready to be called in.",
            demo.domain
        ),
        format!("SIP server (outbound proxy): {server}   domain: {}", demo.domain),
    ];
    for user in &demo.users {
        lines.push(format!("  user {}   password {}", user.name, user.password));
    }
    lines.push(format!(
        "Dial {MENU} for the menu: press 1 to call 302, 2 to call 303."
    ));
    lines.push("Dial 301, 302 or 303 to call each other.".to_owned());
    lines.push(format!(
        "baresip: <sip:301@{}>;auth_pass=PASSWORD;outbound=\"sip:{server};lr\"",
        demo.domain
    ));
    let admin = demo.admin.as_ref().map_or_else(String::new, |admin| {
        format!("   login {}, password {}", admin.name, admin.password)
    });
    lines.push(format!(
        "Console: http://{web}/{admin}. The passwords are in {} too.",
        path.display()
    ));
    lines.push(
        "After a call: `tandem call list`, then `tandem call replay ID` shows what its scenario did."
            .to_owned(),
    );
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_long_and_differ() {
        let (one, other) = (random_password(), random_password());
        assert_eq!((one.len(), other.len()), (20, 20));
        assert_ne!(one, other);
    }

    #[test]
    fn the_first_start_is_told_in_ten_lines() {
        let users = USERS
            .map(|name| DemoUser {
                name: name.into(),
                password: "p".into(),
            })
            .into();
        let demo = Demo {
            domain: DOMAIN.into(),
            sip_udp: None,
            menu: MENU.into(),
            users,
            admin: None,
        };
        assert_eq!(
            tell(&demo, Path::new("demo.json"), ([127, 0, 0, 1], 8080).into())
                .lines()
                .count(),
            10
        );
    }
}
