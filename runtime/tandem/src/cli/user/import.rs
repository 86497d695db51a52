//! `tandem user import`: what the HTTP API does with a CSV file, without it.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::json;
use tandem_store::user_file::USERS_FILE_BYTES_MAX;
use tandem_store::{DomainScope, NewUser, Store, UserFile};

use crate::cli::{Context, Failure};
use crate::demo;
use crate::output::{self, Table};

/// Problems that are printed.
const PRINTED: usize = 100;

/// Makes the users of a file, all of them or none; passwords are printed once.
pub(super) async fn import(
    context: &Context,
    store: &Store,
    scope: &DomainScope,
    path: &Path,
    dry_run: bool,
) -> Result<(), Failure> {
    let mut file = UserFile::read(&bytes(path)?);
    store.check_user_file(scope, &mut file).await?;
    if !file.problems.is_empty() {
        return Err(Failure::Usage(problems(path, &file)));
    }
    let number = file.users.len();
    if dry_run {
        let line = format!("{number} users would be made");
        return Ok(output::say(
            context.json,
            &json!({ "created": number, "dry_run": true }),
            &line,
        )?);
    }
    let realm = store.domain(scope).await?.realm;
    let (mut new, mut made) = (Vec::new(), Vec::new());
    for user in file.users {
        let password = user.password.unwrap_or_else(demo::random_password);
        let credentials = demo::credentials(&user.name, &realm, &password);
        made.push((user.name.clone(), password));
        let user_new = NewUser {
            name: user.name,
            display_name: user.display_name,
            credentials,
        };
        new.push((user_new, user.numbers));
    }
    store.import_users(scope, &new).await?;
    let users: Vec<_> = made
        .iter()
        .map(|(name, password)| json!({ "name": name, "password": password }))
        .collect();
    let told = json!({ "created": number, "domain": scope.name(), "users": users });
    output::print(context.json, &told, || {
        let mut table = Table::new(["NAME", "PASSWORD (shown this once)"], "no users");
        for (name, password) in made {
            table.row([name, password]);
        }
        table
    })?;
    Ok(())
}

/// The file, or the standard input for `-`.
fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let most = USERS_FILE_BYTES_MAX;
    let mut bytes = Vec::new();
    let mut read =
        |from: &mut dyn Read| -> io::Result<usize> { from.take(most as u64 + 1).read_to_end(&mut bytes) };
    let read = if path.as_os_str() == "-" {
        read(&mut io::stdin())
    } else {
        File::open(path).and_then(|mut file| read(&mut file))
    };
    read.map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
    if bytes.len() > most {
        let words = format!("{} is over {most} bytes", path.display());
        return Err(Failure::Usage(words));
    }
    Ok(bytes)
}

fn problems(path: &Path, file: &UserFile) -> String {
    let all = file.problems.len() as u64 + file.problems_untold;
    let mut words = format!("nobody was made; {}:", path.display());
    for problem in file.problems.iter().take(PRINTED) {
        let detail = problem.detail.replace(char::is_control, " ");
        let _ = write!(words, "\n  line {}: {detail}", problem.line); // to a string: it never fails
    }
    if all > PRINTED as u64 {
        let _ = write!(words, "\n  and {} more", all - PRINTED as u64);
    }
    words
}
