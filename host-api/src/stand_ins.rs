//! Traps in the place of imports, so that the others can be looked at: linking ends at the first that does not fit.

use wasmtime::bail;
use wasmtime::component::types::{Component as Type, ComponentItem};
use wasmtime::component::{Component, InstancePre, Linker, LinkerInstance, ResourceType};

use crate::door::Door;
use crate::modules::INTERFACES;

/// Resources of one component that are looked at. Ours are two.
const RESOURCES_MAX: usize = 64;

/// Which of a component's imports have another shape than ours, at most one thing of each interface; nothing: all that
/// exist fit, or it has too many resources to say.
pub(crate) fn misfits(linker: &Linker<Door>, component: &Component) -> Vec<String> {
    let of_it = component.component_type();
    let mut found = Vec::new();
    let Some(own) = resources(linker, &of_it) else {
        return found;
    };
    for (name, _) in of_it.imports(linker.engine()) {
        if !INTERFACES.contains(&name) {
            continue;
        }
        let alone = with_stand_ins(linker, &of_it, &own, |other| other != name);
        if let Err(error) = alone.instantiate_pre(component)
            && error.to_string().contains(&format!("`{name}`"))
        {
            found.push(format!("{error:#}"));
        }
    }
    found
}

/// Links a component with traps in the place of imports that do not exist.
pub(crate) fn link(linker: &Linker<Door>, component: &Component) -> wasmtime::Result<InstancePre<Door>> {
    let of_it = component.component_type();
    let Some(own) = resources(linker, &of_it) else {
        bail!("it imports more than {RESOURCES_MAX} resources");
    };
    let is_unknown = |name: &str| !INTERFACES.contains(&name);
    with_stand_ins(linker, &of_it, &own, is_unknown).instantiate_pre(component)
}

/// The imports and exports by which a component's resources come into it. Later ones of the same resource must be left
/// out: another interface uses it.
fn resources(linker: &Linker<Door>, of_it: &Type) -> Option<Vec<(String, String)>> {
    let (engine, mut seen, mut first) = (linker.engine(), Vec::<ResourceType>::new(), Vec::new());
    for (name, item) in of_it.imports(engine) {
        let ComponentItem::ComponentInstance(instance) = item.ty else {
            continue;
        };
        for (export, item) in instance.exports(engine) {
            if let ComponentItem::Resource(resource) = item.ty
                && !seen.contains(&resource)
            {
                if seen.len() == RESOURCES_MAX {
                    return None;
                }
                seen.push(resource);
                first.push((name.to_owned(), export.to_owned()));
            }
        }
    }
    Some(first)
}

fn with_stand_ins(
    linker: &Linker<Door>,
    of_it: &Type,
    own: &[(String, String)],
    stands_in: impl Fn(&str) -> bool,
) -> Linker<Door> {
    let mut linker = linker.clone();
    for (name, item) in of_it.imports(&linker.engine().clone()) {
        if stands_in(name) {
            // What has no stand-in does not link, and is told as itself.
            let _ = stand_in(&mut linker, name, &item.ty, own);
        }
    }
    linker
}

/// Puts traps in the place of an import's functions, whatever they are. Resources that are ours stay ours.
fn stand_in(
    linker: &mut Linker<Door>,
    name: &str,
    item: &ComponentItem,
    own: &[(String, String)],
) -> wasmtime::Result<()> {
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
                    ComponentItem::Resource(_) if own.iter().any(|(of, is)| of == name && is == export) => {
                        linker.allow_shadowing(false);
                        let host = ResourceType::host::<()>();
                        // Refused where there is one.
                        let _ = linker.instance(name)?.resource(export, host, |_, _| Ok(()));
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
    instance.func_new(function, |_, _, _, _| bail!("unknown import"))
}
