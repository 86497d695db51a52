//! Which world's scenarios an entry point can start: its name's beginning says so.

use sqlx::Row;

use crate::engine::Write;
use crate::{DomainScope, StoreError};

/// The world of what starts with this name, without package and version.
fn world_of(number: &str) -> &'static str {
    if number.starts_with("web:") {
        "web-scenario"
    } else if number.starts_with("event:") {
        "event-scenario"
    } else {
        "call-scenario"
    }
}

/// Refuses an entry point whose active version is of another world. Errors: [`StoreError::Invalid`].
pub(crate) async fn fits_world(
    write: &mut Write,
    scope: &DomainScope,
    number: &str,
) -> Result<(), StoreError> {
    let row = sqlx::query(
        "SELECT m.name, m.world FROM entry_points e \
         JOIN modules m ON m.domain_id = e.domain_id AND m.name = e.module AND m.hash = e.hash \
         WHERE e.domain_id = $1 AND e.number = $2",
    )
    .bind(scope.id())
    .bind(number)
    .fetch_one(&mut **write)
    .await?;
    let (name, world): (String, String) = (row.try_get("name")?, row.try_get("world")?);
    fits(number, &name, &world)
}

/// Whether an entry point starts scenarios of this world. Errors: [`StoreError::Invalid`].
pub(crate) fn fits(number: &str, module: &str, world: &str) -> Result<(), StoreError> {
    let wanted = world_of(number);
    if short(world) == wanted {
        return Ok(());
    }
    Err(StoreError::invalid(
        "scenario",
        format!("{number} starts a {wanted}, and {module} is of the world {world}"),
    ))
}

/// `call-scenario` of `tandem:pbx/call-scenario@0.2.0`.
fn short(world: &str) -> &str {
    let name = world.rsplit_once('/').map_or(world, |(_, name)| name);
    name.split_once('@').map_or(name, |(name, _)| name)
}

/// Canaries are judged by the calls that they get. Errors: [`StoreError::Invalid`].
pub(crate) fn no_canary_but_of_calls(number: &str) -> Result<(), StoreError> {
    if world_of(number) == "call-scenario" {
        return Ok(());
    }
    Err(StoreError::invalid(
        "canary",
        "only numbers have one: requests and events are not shared out",
    ))
}
