//! The component as it is written: what it had, with the one module where its many were.

use std::collections::HashMap;

use wasm_encoder::reencode::{self, Reencode, ReencodeComponent};
use wasm_encoder::{
    Alias, CanonicalFunctionSection, Component, ComponentAliasSection, ExportKind, InstanceSection, Module,
    ModuleArg, ModuleSection, RawSection,
};
use wasmparser::{CanonicalFunction, ComponentAlias};

use super::parts::{Core, Item, KINDS, Kind, Origin, needs};
use super::plan::Plan;
use super::words;

impl Plan<'_, '_> {
    /// The whole component.
    pub(super) fn write(&self) -> Result<Vec<u8>, String> {
        let wanted = self.wanted()?;
        let mut out = Out {
            plan: self,
            component: Component::new(),
            module: self.module(&wanted)?,
            wanted,
            instances: 0,
            modules: 0,
            one: None,
            late: HashMap::new(),
            functions: HashMap::new(),
            next: HashMap::new(),
            aliased: HashMap::new(),
        };
        for item in &self.parts.items {
            out.item(item)?;
        }
        Ok(out.component.finish())
    }
}

/// What an inline instance exports.
type Items = Vec<(String, ExportKind, u32)>;

/// The component as it is written.
struct Out<'a, 'p, 'o> {
    plan: &'o Plan<'a, 'p>,
    component: Component,
    module: Module,
    /// What the one module exports, by number.
    wanted: Vec<(Kind, u32)>,
    instances: u32,
    modules: u32,
    /// The instance of the one module, once it is there.
    one: Option<u32>,
    /// Instances that come after, by what they were.
    late: HashMap<u32, u32>,
    /// Core functions of canonical functions, by what they were.
    functions: HashMap<u32, u32>,
    /// The next index of each core index space.
    next: HashMap<Kind, u32>,
    aliased: HashMap<(Kind, u32, String), u32>,
}

impl<'a> Out<'a, '_, '_> {
    fn item(&mut self, item: &Item<'a>) -> Result<(), String> {
        match item {
            Item::Raw { id, data } => drop(self.component.section(&RawSection { id: *id, data })),
            Item::Alias(alias) => {
                let mut section = ComponentAliasSection::new();
                let alias = encode_alias(alias.clone())?;
                section.alias(alias);
                self.component.section(&section);
            }
            Item::Canon(function, made) => self.canon(function, *made)?,
            Item::Instance(instance) if self.plan.late.contains(instance) => self.late(*instance)?,
            Item::Instance(_) => (),
        }
        Ok(())
    }

    fn canon(&mut self, function: &CanonicalFunction, made: Option<u32>) -> Result<(), String> {
        let mut places = HashMap::new();
        for (kind, index) in needs(function)? {
            let origin = self.plan.parts.origin((kind, index))?;
            places.insert((kind, index), self.core(kind, origin)?);
        }
        let mut section = CanonicalFunctionSection::new();
        let mut moved = Moved(places);
        moved
            .parse_component_canonical(&mut section, function.clone())
            .map_err(words)?;
        self.component.section(&section);
        if let Some(made) = made {
            let place = self.count(Kind::Func);
            self.functions.insert(made, place);
        }
        Ok(())
    }

    fn count(&mut self, kind: Kind) -> u32 {
        let next = self.next.entry(kind).or_default();
        *next += 1;
        *next - 1
    }

    /// Where something is in the new component's core index spaces; what is not there yet is made.
    fn core(&mut self, kind: Kind, origin: Origin<'a>) -> Result<u32, String> {
        let (instance, name) = match origin {
            Origin::Canon(function) => {
                let place = self.functions.get(&function);
                return place
                    .copied()
                    .ok_or_else(|| "a function is used before it is there".to_owned());
            }
            Origin::Of(instance, name) => {
                if let Some(late) = self.late.get(&instance) {
                    (*late, name.to_owned())
                } else {
                    let place = (kind, self.plan.place_of(origin)?);
                    let number = self.wanted.iter().position(|wanted| *wanted == place);
                    let number = number.ok_or("something is not exported")?;
                    (self.one()?, number.to_string())
                }
            }
        };
        let key = (kind, instance, name);
        if let Some(place) = self.aliased.get(&key) {
            return Ok(*place);
        }
        let mut section = ComponentAliasSection::new();
        section.alias(Alias::CoreInstanceExport {
            instance,
            kind: kind.exported(),
            name: &key.2,
        });
        self.component.section(&section);
        let place = self.count(kind);
        self.aliased.insert(key, place);
        Ok(place)
    }

    /// The instance of the one module.
    fn one(&mut self) -> Result<u32, String> {
        if let Some(one) = self.one {
            return Ok(one);
        }
        let mut imports = Vec::new();
        for (function, (number, ..)) in &self.plan.imports {
            let place = self
                .functions
                .get(function)
                .ok_or("a function is used before it is there")?;
            imports.push((number.to_string(), ExportKind::Func, *place));
        }
        imports.sort_unstable_by_key(|(.., place)| *place);
        let module = std::mem::take(&mut self.module);
        let one = self.instantiate(&ModuleSection(&module), vec![(String::new(), imports)]);
        self.one = Some(one);
        Ok(one)
    }

    /// An instance that comes after the one module's.
    fn late(&mut self, instance: u32) -> Result<(), String> {
        let parts = self.plan.parts;
        let (module, from) = parts.of(instance)?;
        let mut arguments: Vec<(String, Items)> = Vec::new();
        let mut names: Vec<_> = from.keys().copied().collect();
        names.sort_unstable();
        for name in names {
            let mut items = Vec::new();
            for kind in KINDS {
                for import in module.imports(kind).iter().filter(|import| import.module == name) {
                    let origin = parts.imported(instance, *import)?;
                    items.push((import.name.to_owned(), kind.exported(), self.core(kind, origin)?));
                }
            }
            arguments.push((name.to_owned(), items));
        }
        let section = RawSection {
            id: 1,
            data: module.bytes,
        };
        let made = self.instantiate(&section, arguments);
        self.late.insert(instance, made);
        Ok(())
    }

    fn instantiate(
        &mut self,
        module: &impl wasm_encoder::ComponentSection,
        arguments: Vec<(String, Items)>,
    ) -> u32 {
        self.component.section(module);
        let mut section = InstanceSection::new();
        let mut given = Vec::new();
        for (name, items) in arguments {
            section.export_items(items);
            given.push((name, ModuleArg::Instance(self.instances)));
            self.instances += 1;
        }
        section.instantiate(self.modules, given);
        self.modules += 1;
        self.component.section(&section);
        self.instances += 1;
        self.instances - 1
    }
}

fn encode_alias(alias: ComponentAlias<'_>) -> Result<Alias<'_>, String> {
    reencode::RoundtripReencoder.component_alias(alias).map_err(words)
}

/// Gives what a canonical function takes of core instances its new indices.
struct Moved(HashMap<Core, u32>);

impl Moved {
    fn at(&self, kind: Kind, index: u32) -> Result<u32, reencode::Error<String>> {
        let place = self.0.get(&(kind, index)).copied();
        place.ok_or_else(|| reencode::Error::UserError("an index names nothing".to_owned()))
    }
}

impl Reencode for Moved {
    type Error = String;

    fn function_index(&mut self, function: u32) -> Result<u32, reencode::Error<String>> {
        self.at(Kind::Func, function)
    }

    fn memory_index(&mut self, memory: u32) -> Result<u32, reencode::Error<String>> {
        self.at(Kind::Memory, memory)
    }
}

impl ReencodeComponent for Moved {}
