//! `tandem scenario grants`

use clap::Args;
use tandem_host_api::Grants;
use tandem_store::{DomainScope, HostPattern, ModuleGrants, Store};

use super::http::pattern;
use super::{Context, Failure};
use crate::output;

/// Show or set what one scenario may import and reach
///
/// It is never more than what the domain's scenarios may. A version that imports more is started by no number from then
/// on. Calls in progress are refused what they ask of an interface that is withdrawn.
#[derive(Debug, Args)]
pub(super) struct ScenarioGrants {
    /// The scenario's name
    name: String,
    /// These interfaces and no others, such as leg,dial,key-value
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    only: Option<Vec<String>>,
    /// Every interface that the domain's scenarios may import
    #[arg(long, conflicts_with = "only")]
    all: bool,
    /// HTTP requests to these hosts and no others, of those that the domain may reach
    #[arg(long, value_name = "HOST[:PORT],…", value_delimiter = ',', value_parser = pattern)]
    http_only: Option<Vec<HostPattern>>,
    /// HTTP requests to every host that the domain may reach
    #[arg(long, conflicts_with = "http_only")]
    http_all: bool,
}

impl ScenarioGrants {
    pub(super) async fn run(
        &self,
        context: &Context,
        store: &Store,
        scope: &DomainScope,
    ) -> Result<(), Failure> {
        let name = &self.name;
        if let Some(only) = &self.only {
            let grants = Grants::only(only).map_err(Failure::Usage)?;
            survey(store, scope, name).await?;
            store.set_module_interfaces(scope, name, grants.names()).await?;
        } else if self.all {
            store.set_module_interfaces(scope, name, None).await?;
        }
        if self.http_only.is_some() || self.http_all {
            store
                .set_module_http_hosts(scope, name, self.http_only.as_deref())
                .await?;
        }
        if store.module(scope, name).await?.is_none() {
            return Err(tandem_store::StoreError::NotFound {
                what: "scenario",
                name: name.clone(),
            }
            .into());
        }
        let grants = store.module_grants_of(scope, name).await?;
        output::say(context.json, &grants, &in_words(name, &grants))?;
        Ok(())
    }
}

/// Looks at the versions of which nobody has noted what they import: an earlier release did not.
async fn survey(store: &Store, scope: &DomainScope, name: &str) -> Result<(), Failure> {
    for hash in store.unsurveyed(scope, name).await? {
        let component = store.module_bytes(scope, &hash).await?;
        let imports = tandem_host_api::imports(&component);
        store.note_imports(scope, &hash, &imports).await?;
    }
    Ok(())
}

fn in_words(name: &str, grants: &ModuleGrants) -> String {
    let listed = |names: Vec<String>| match names.as_slice() {
        [] => "none".to_owned(),
        names => names.join(", "),
    };
    let interfaces = grants.interfaces.clone();
    let interfaces = interfaces.map_or_else(|| "every interface of the domain's".to_owned(), listed);
    let hosts = grants.http_hosts.as_ref();
    let hosts = hosts.map(|hosts| hosts.iter().map(ToString::to_string).collect());
    let hosts = hosts.map_or_else(|| "every host of the domain's".to_owned(), listed);
    format!("scenario {name} may import {interfaces}; it may reach {hosts}")
}
