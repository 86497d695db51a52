//! The scenarios that come with the program.

use tandem_store::{DomainScope, Module, NewEntryPoint, Store, StoreError};

/// One of them.
pub struct Stock {
    /// Its module's name.
    pub name: &'static str,
    /// The component.
    pub component: &'static [u8],
}

/// Calls a user by extension, runs a flow given as data, takes and plays messages.
pub const STOCK: [Stock; 3] = [
    Stock {
        name: "entry",
        component: include_bytes!("../../../scenarios/dist/entry.wasm"),
    },
    Stock {
        name: "flow",
        component: include_bytes!("../../../scenarios/dist/flow.wasm"),
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
