//! Users out of a spreadsheet: all of a CSV file, or none of it.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{MethodRouter, get};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tandem_store::user_file::USERS_FILE_BYTES_MAX;
use tandem_store::{LineProblem, NewUser, TokenScope, UserFile};
use utoipa::{IntoParams, ToSchema};

use super::{MakeCredentials, change, made, remove, show};
use crate::api::caller::Caller;
use crate::api::problem::ApiError;
use crate::api::{Api, body};

/// Names of an import that the audit log keeps.
const NAMES_KEPT: usize = 1_000;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// Only look at the file: nothing is made.
    #[serde(default)]
    dry_run: bool,
}

/// What has become of a file of users, or, in a dry run, would become of it.
#[derive(Serialize, ToSchema)]
#[schema(as = UsersImported)]
pub(crate) struct Imported {
    /// How many were made, or would be.
    created: u64,
    /// Those that were made, with what their phones log in with; passwords are told once. Of a dry run: none.
    users: Vec<Made>,
    /// Of a dry run: everything that is wrong with the file, by line; at most 1,000 are told.
    problems: Vec<LineProblem>,
    /// How many more there are.
    problems_untold: u64,
}

/// A user that was made.
#[derive(Serialize, ToSchema)]
#[schema(as = UserMade)]
pub(crate) struct Made {
    name: String,
    password: String,
}

/// Makes the users of a CSV file, all of them or none.
///
/// A line has the columns' names (`name`, `display_name`, `numbers`, `password`), then each a user; commas, semicolons or
/// tabs part the fields, spaces the numbers. Who has no password gets one. A file with anything wrong is refused with all
/// `problems`, by line. At most 20,000 users and 4 MiB.
#[utoipa::path(post, path = "/users/import", tag = "users", params(Asked), request_body(content = String, content_type = "text/csv"), responses((status = 200, body = Imported, description = "of a dry run"), (status = 201, body = Imported)))]
pub(crate) async fn import(
    caller: Result<Caller, ApiError>,
    State(api): State<Api>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
    mut body: Body,
) -> Result<(StatusCode, Json<Imported>), ApiError> {
    let imported = async {
        let caller = caller?;
        let scope = caller.may(TokenScope::UsersWrite)?;
        let asked = body::query(asked)?;
        let make = api.makes_credentials()?;
        let _place = api.shared.uploading.place(scope, "upload")?;
        let announced = body::announced(&headers);
        let file = body::upload(&mut body, announced, USERS_FILE_BYTES_MAX, api.limits()).await?;
        let file = blocking(move || Ok(UserFile::read(&file))).await?;
        take(&api, &caller, file, make, asked.dry_run).await
    };
    let imported: Result<_, ApiError> = imported.await;
    if imported.as_ref().is_err_and(|error| !error.is_timeout()) {
        body::discard(&mut body, api.limits()).await;
    }
    imported
}

async fn take(
    api: &Api,
    caller: &Caller,
    mut file: UserFile,
    make: MakeCredentials,
    dry_run: bool,
) -> Result<(StatusCode, Json<Imported>), ApiError> {
    let scope = caller.may(TokenScope::UsersWrite)?;
    if dry_run {
        api.store().check_user_file(scope, &mut file).await?;
        let well = file.problems.is_empty();
        let looked_at = Imported {
            created: if well { file.users.len() as u64 } else { 0 },
            users: Vec::new(),
            problems: file.problems,
            problems_untold: file.problems_untold,
        };
        return Ok((StatusCode::OK, Json(looked_at)));
    }
    let realm = api.store().domain(scope).await?.realm;
    let number = file.users.len();
    let editing = api
        .edit(caller, Some(scope), format!("users of a file: {number}"))
        .await;
    api.store().check_user_file(scope, &mut file).await?;
    if !file.problems.is_empty() {
        return Err(ApiError::bad_user_file(&file.problems, file.problems_untold));
    }
    let (new, made) = blocking(move || with_credentials(file, &realm, make)).await?;
    api.store().import_users(scope, &new).await?;
    let names: Vec<_> = made.iter().take(NAMES_KEPT).map(|user| &user.name).collect();
    editing.made(&json!({ "created": number, "names": names })).await;
    let imported = Imported {
        created: number as u64,
        users: made,
        problems: Vec::new(),
        problems_untold: 0,
    };
    Ok((StatusCode::CREATED, Json(imported)))
}

/// Users with their numbers, as the store takes them, and with their passwords, as they are told.
type New = (Vec<(NewUser, Vec<String>)>, Vec<Made>);

fn with_credentials(file: UserFile, realm: &str, make: MakeCredentials) -> Result<New, ApiError> {
    let mut all = New::default();
    for user in file.users {
        let password = match user.password {
            Some(password) => password,
            None => made()?,
        };
        let new = NewUser {
            credentials: make(&user.name, realm, &password),
            name: user.name.clone(),
            display_name: user.display_name,
        };
        all.0.push((new, user.numbers));
        all.1.push(Made {
            name: user.name,
            password,
        });
    }
    Ok(all)
}

/// Does what takes a core for a while where that holds nobody up.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| ApiError::busy(StatusCode::SERVICE_UNAVAILABLE, "the server stops"))?
}

/// The other methods of the import's path are those of a user who is called `import`.
pub(crate) fn user_of_this_name() -> MethodRouter<Api> {
    const NAME: &str = "import";
    let name = || Ok(Path(NAME.to_owned()));
    get(move |caller: Caller, api: State<Api>| show(caller, api, name()))
        .patch(
            move |caller: Caller, api: State<Api>, headers: HeaderMap, body: Result<Bytes, _>| {
                change(caller, api, name(), headers, body)
            },
        )
        .delete(move |caller: Caller, api: State<Api>, headers: HeaderMap| {
            remove(caller, api, name(), headers)
        })
}
