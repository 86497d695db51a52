//! The schema's steps, in their order. A step that has been released is never changed.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;

use sqlx::SqlSafeStr as _;
use sqlx::error::BoxDynError;
use sqlx::migrate::{Migration, MigrationSource, MigrationType};

/// Number, name and text of each file in `migrations/`.
const STEPS: &[(i64, &str, &str)] = &[
    (1, "first", include_str!("../migrations/0001_first.sql")),
    (2, "kv once", include_str!("../migrations/0002_kv_once.sql")),
    (3, "canary", include_str!("../migrations/0003_canary.sql")),
    (4, "journals", include_str!("../migrations/0004_journals.sql")),
    (
        5,
        "scenario upload",
        include_str!("../migrations/0005_scenario_upload.sql"),
    ),
    (7, "services", include_str!("../migrations/0007_services.sql")),
    (
        8,
        "schedules contacts",
        include_str!("../migrations/0008_schedules_contacts.sql"),
    ),
    (10, "fallback", include_str!("../migrations/0010_fallback.sql")),
    (11, "limits", include_str!("../migrations/0011_limits.sql")),
    (12, "events", include_str!("../migrations/0012_events.sql")),
    (13, "mail", include_str!("../migrations/0013_mail.sql")),
    (14, "voicemail", include_str!("../migrations/0014_voicemail.sql")),
    (
        15,
        "originated",
        include_str!("../migrations/0015_originated.sql"),
    ),
    (
        17,
        "scenario log",
        include_str!("../migrations/0017_scenario_log.sql"),
    ),
    (
        19,
        "module limits",
        include_str!("../migrations/0019_module_limits.sql"),
    ),
    (
        20,
        "module grants",
        include_str!("../migrations/0020_module_grants.sql"),
    ),
    (21, "timers", include_str!("../migrations/0021_timers.sql")),
    (22, "console", include_str!("../migrations/0022_console.sql")),
    (24, "call list", include_str!("../migrations/0024_call_list.sql")),
    (
        25,
        "call messages",
        include_str!("../migrations/0025_call_messages.sql"),
    ),
    (26, "flows", include_str!("../migrations/0026_flows.sql")),
    (
        27,
        "module settings",
        include_str!("../migrations/0027_module_settings.sql"),
    ),
    (28, "blocked", include_str!("../migrations/0028_blocked.sql")),
    (29, "totp", include_str!("../migrations/0029_totp.sql")),
    (30, "samples", include_str!("../migrations/0030_samples.sql")),
    (
        31,
        "domain language",
        include_str!("../migrations/0031_domain_language.sql"),
    ),
];

/// [`STEPS`] as sqlx takes them. Its macro would do the same at compile time, and have the database compiled twice.
#[derive(Debug)]
pub(crate) struct Steps;

impl MigrationSource<'static> for Steps {
    fn resolve(self) -> Pin<Box<dyn Future<Output = Result<Vec<Migration>, BoxDynError>> + Send + 'static>> {
        let step = |(number, name, text): &(i64, &'static str, &'static str)| {
            let (name, text) = (Cow::Borrowed(*name), text.into_sql_str());
            Migration::new(*number, name, MigrationType::Simple, text, false)
        };
        Box::pin(async move { Ok(STEPS.iter().map(step).collect()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_step() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .expect("the folder is there")
            .map(|file| {
                file.expect("it is read")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        files.sort();
        let steps: Vec<String> = STEPS
            .iter()
            .map(|(number, name, _)| format!("{number:04}_{}.sql", name.replace(' ', "_")))
            .collect();
        assert_eq!(steps, files);
    }
}
