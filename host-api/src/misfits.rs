//! Which of a component's imports have another shape than ours: linking ends at the first, so each is linked alone.

use wasmtime::bail;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, LinkerInstance, ResourceType};

use crate::door::Door;
use crate::modules::INTERFACES;

/// What does not fit, at most one thing of each interface; nothing: all imports that exist fit.
pub(crate) fn misfits(linker: &Linker<Door>, component: &Component) -> Vec<String> {
    let (engine, of_it) = (linker.engine(), component.component_type());
    let mut found = Vec::new();
    for (name, _) in of_it.imports(engine) {
        if !INTERFACES.contains(&name) {
            continue;
        }
        let mut alone = linker.clone();
        for (other, item) in of_it.imports(engine).filter(|(other, _)| *other != name) {
            // What has no stand-in does not link, and is told as itself.
            let _ = stand_in(&mut alone, other, &item.ty);
        }
        if let Err(error) = alone.instantiate_pre(component)
            && error.to_string().contains(&format!("`{name}`"))
        {
            found.push(format!("{error:#}"));
        }
    }
    found
}

/// Puts traps in the place of an import's functions, whatever they are. Resources that are ours stay ours, for other
/// imports name them, too.
fn stand_in(linker: &mut Linker<Door>, name: &str, item: &ComponentItem) -> wasmtime::Result<()> {
    match item {
        ComponentItem::ComponentFunc(_) => trap(&mut linker.root(), name),
        ComponentItem::ComponentInstance(instance) => {
            let engine = linker.engine().clone();
            for (export, item) in instance.exports(&engine) {
                match item.ty {
                    ComponentItem::ComponentFunc(_) => {
                        linker.allow_shadowing(true);
                        trap(&mut linker.instance(name)?, export)?;
                    }
                    ComponentItem::Resource(_) => {
                        linker.allow_shadowing(false);
                        // Refused where there is one.
                        let _ = linker.instance(name)?.resource(
                            export,
                            ResourceType::host::<()>(),
                            |_, _| Ok(()),
                        );
                    }
                    _ => (),
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn trap(instance: &mut LinkerInstance<'_, Door>, function: &str) -> wasmtime::Result<()> {
    instance.func_new(function, |_, _, _, _| bail!("it only stands in for a function"))
}
