//! The scenarios that come with the program.

use tandem_directory::StartedBy;
use tandem_host_api::World;
use tandem_store::{DomainScope, Module, NewEntryPoint, NewVersion, Store, StoreError};
use tandem_web::Provided;

/// One of them.
pub struct Stock {
    /// Its module's name.
    pub name: &'static str,
    /// What starts it.
    pub world: World,
    /// The component.
    pub component: &'static [u8],
}

impl Stock {
    async fn put(&self, store: &Store, scope: &DomainScope) -> Result<Module, StoreError> {
        let new = NewVersion {
            name: self.name,
            world: self.world.name(),
            component: self.component,
            note: "",
            signature: None,
            imports: Some(&tandem_host_api::imports(self.component)),
            settings: None,
            from_flow: false,
        };
        store.put_version(scope, &new).await
    }
}

/// The component that runs flows.
pub const FLOW: &[u8] = include_bytes!("../../../scenarios/dist/flow.wasm");

/// What each is for is in docs/scenarios/stock.md.
pub const STOCK: [Stock; 12] = [
    Stock {
        name: "callback",
        world: World::Call,
        component: include_bytes!("../../../scenarios/dist/callback.wasm"),
    },
    Stock {
        name: "callback-watch",
        world: World::Event,
        component: include_bytes!("../../../scenarios/dist/callback-watch.wasm"),
    },
    Stock {
        name: "crm",
        world: World::Call,
        component: include_bytes!("../../../scenarios/dist/crm.wasm"),
    },
    Stock {
        name: "entry",
        world: World::Call,
        component: include_bytes!("../../../scenarios/dist/entry.wasm"),
    },
    Stock {
        name: "flow",
        world: World::Call,
        component: FLOW,
    },
    Stock {
        name: "hours",
        world: World::Call,
        component: include_bytes!("../../../scenarios/dist/hours.wasm"),
    },
    Stock {
        name: "line",
        world: World::Call,
        component: include_bytes!("../../../scenarios/dist/line.wasm"),
    },
    Stock {
        name: "recorder",
        world: World::Call,
        component: include_bytes!("../../../scenarios/dist/recorder.wasm"),
    },
    Stock {
        name: "reminder",
        world: World::Call,
        component: include_bytes!("../../../scenarios/dist/reminder.wasm"),
    },
    Stock {
        name: "reminder-watch",
        world: World::Event,
        component: include_bytes!("../../../scenarios/dist/reminder-watch.wasm"),
    },
    Stock {
        name: "ring-group",
        world: World::Call,
        component: include_bytes!("../../../scenarios/dist/ring-group.wasm"),
    },
    Stock {
        name: "voicemail",
        world: World::Call,
        component: include_bytes!("../../../scenarios/dist/voicemail.wasm"),
    },
];

/// The flow that the demo domain's menu number runs.
pub const DEMO_MENU: &str = include_str!("../../../scenarios/flow/demo-menu.json");

/// The pattern of the entry point that takes what no other does.
pub const EVERYTHING: &str = "*";

/// Gives a domain the newest version of a stock module, if `name` is one and the domain has none of that name: a domain
/// that was made by an earlier release lacks what came later.
pub async fn provide(store: &Store, scope: &DomainScope, name: &str) -> Result<(), StoreError> {
    let Some(stock) = STOCK.iter().find(|stock| stock.name == name) else {
        return Ok(());
    };
    if store.module(scope, name).await?.is_none() {
        stock.put(store, scope).await?;
    }
    Ok(())
}

/// Gives a domain the stock modules, and an entry point for extensions.
pub async fn install(store: &Store, scope: &DomainScope) -> Result<Vec<Module>, StoreError> {
    let mut modules = Vec::new();
    for stock in &STOCK {
        modules.push(stock.put(store, scope).await?);
    }
    let everything = NewEntryPoint {
        title: "Extensions".to_owned(),
        ..NewEntryPoint::new(EVERYTHING, "entry")
    };
    store.add_entry_point(scope, &everything).await?;
    Ok(modules)
}

/// What the HTTP API asks of numbers and stock scenarios.
pub struct OfStore(pub Store);

impl tandem_web::Stock for OfStore {
    fn check_number(&self, number: &str) -> Result<(), String> {
        StartedBy::parse(number)
            .map(drop)
            .map_err(|error| error.to_string())
    }

    fn provide<'a>(&'a self, scope: &'a DomainScope, scenario: &'a str) -> Provided<'a> {
        Box::pin(provide(&self.0, scope, scenario))
    }

    fn install<'a>(&'a self, scope: &'a DomainScope) -> Provided<'a> {
        Box::pin(async move { install(&self.0, scope).await.map(drop) })
    }
}
