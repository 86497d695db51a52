//! The scenarios that come with the program.

use tandem_store::{DomainScope, Module, NewEntryPoint, Store, StoreError};

/// One of them.
pub struct Stock {
    /// Its module's name.
    pub name: &'static str,
    /// The component.
    pub component: &'static [u8],
}

/// What each is for is in docs/scenarios/stock.md.
pub const STOCK: [Stock; 6] = [
    Stock {
        name: "crm",
        component: include_bytes!("../../../scenarios/dist/crm.wasm"),
    },
    Stock {
        name: "entry",
        component: include_bytes!("../../../scenarios/dist/entry.wasm"),
    },
    Stock {
        name: "flow",
        component: include_bytes!("../../../scenarios/dist/flow.wasm"),
    },
    Stock {
        name: "hours",
        component: include_bytes!("../../../scenarios/dist/hours.wasm"),
    },
    Stock {
        name: "ring-group",
        component: include_bytes!("../../../scenarios/dist/ring-group.wasm"),
    },
    Stock {
        name: "voicemail",
        component: include_bytes!("../../../scenarios/dist/voicemail.wasm"),
    },
];

/// The flow that the demo domain's menu number runs.
pub const DEMO_MENU: &str = include_str!("../../../scenarios/flow/demo-menu.json");

/// The WIT world of call scenarios, as modules are filed under it.
pub const WORLD: &str = tandem_host_api::WORLD;

/// The pattern of the entry point that takes what no other does.
pub const EVERYTHING: &str = "*";

/// Gives a domain the newest version of a stock module, if `name` is one and the domain has none of that name: a domain
/// that was made by an earlier release lacks what came later.
pub async fn provide(store: &Store, scope: &DomainScope, name: &str) -> Result<(), StoreError> {
    let Some(stock) = STOCK.iter().find(|stock| stock.name == name) else {
        return Ok(());
    };
    if store.module(scope, name).await?.is_none() {
        store.put_module(scope, name, WORLD, stock.component).await?;
    }
    Ok(())
}

/// Gives a domain the stock modules, and an entry point for extensions.
pub async fn install(store: &Store, scope: &DomainScope) -> Result<Vec<Module>, StoreError> {
    let mut modules = Vec::new();
    for stock in &STOCK {
        modules.push(
            store
                .put_module(scope, stock.name, WORLD, stock.component)
                .await?,
        );
    }
    let everything = NewEntryPoint {
        title: "Extensions".to_owned(),
        ..NewEntryPoint::new(EVERYTHING, "entry")
    };
    store.add_entry_point(scope, &everything).await?;
    Ok(modules)
}
