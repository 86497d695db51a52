//! A component, read as far as linking goes.

use std::collections::HashMap;

use wasm_encoder::ExportKind;
use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, ExternalKind, Instance, Parser, Payload, TypeRef,
};

use super::words;

/// Something in a core index space.
pub(super) type Core = (Kind, u32);

/// A component, as far as it is looked into.
#[derive(Default)]
pub(super) struct Parts<'a> {
    /// In the component's order.
    pub(super) items: Vec<Item<'a>>,
    pub(super) modules: Vec<CoreModule<'a>>,
    pub(super) instances: Vec<CoreInstance<'a>>,
    /// The core index spaces.
    pub(super) spaces: HashMap<Kind, Vec<Source<'a>>>,
}

pub(super) enum Item<'a> {
    Raw {
        id: u8,
        data: &'a [u8],
    },
    Alias(ComponentAlias<'a>),
    /// The number is the core function that it makes.
    Canon(CanonicalFunction, Option<u32>),
    Instance(u32),
}

pub(super) enum CoreInstance<'a> {
    /// Of a module, with an instance for each name that it imports from.
    Of(usize, HashMap<&'a str, u32>),
    Inline(HashMap<&'a str, Core>),
}

/// Where something in a core index space comes from.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    Export(u32, &'a str),
    /// A canonical function; whether it needs something of an instance.
    Canon {
        needs: bool,
    },
}

/// The same, seen through inline instances.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Origin<'a> {
    /// What an instance of a module exports.
    Of(u32, &'a str),
    /// A core function that a canonical function makes.
    Canon(u32),
}

#[derive(Default)]
pub(super) struct CoreModule<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) imports: HashMap<Kind, Vec<Import<'a>>>,
    pub(super) exports: HashMap<&'a str, Core>,
    /// How many it has of its own.
    pub(super) own: HashMap<Kind, u32>,
    pub(super) globals: Vec<wasmparser::ConstExpr<'a>>,
}

#[derive(Clone, Copy)]
pub(super) struct Import<'a> {
    pub(super) module: &'a str,
    pub(super) name: &'a str,
    pub(super) ty: TypeRef,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Func,
    Table,
    Memory,
    Global,
}

pub(super) const KINDS: [Kind; 4] = [Kind::Func, Kind::Table, Kind::Memory, Kind::Global];

impl Kind {
    pub(super) fn of(kind: ExternalKind) -> Result<Self, String> {
        match kind {
            ExternalKind::Func => Ok(Self::Func),
            ExternalKind::Table => Ok(Self::Table),
            ExternalKind::Memory => Ok(Self::Memory),
            ExternalKind::Global => Ok(Self::Global),
            ExternalKind::Tag | ExternalKind::FuncExact => Err("it has tags, or exact functions".to_owned()),
        }
    }

    pub(super) fn of_import(ty: TypeRef) -> Result<Self, String> {
        match ty {
            TypeRef::Func(_) => Ok(Self::Func),
            TypeRef::Table(_) => Ok(Self::Table),
            TypeRef::Memory(_) => Ok(Self::Memory),
            TypeRef::Global(_) => Ok(Self::Global),
            TypeRef::Tag(_) | TypeRef::FuncExact(_) => Err("it has tags, or exact functions".to_owned()),
        }
    }

    pub(super) fn exported(self) -> ExportKind {
        match self {
            Self::Func => ExportKind::Func,
            Self::Table => ExportKind::Table,
            Self::Memory => ExportKind::Memory,
            Self::Global => ExportKind::Global,
        }
    }
}

/// What a canonical function takes of core instances.
pub(super) fn needs(function: &CanonicalFunction) -> Result<Vec<Core>, String> {
    let (core, options) = match function {
        CanonicalFunction::Lift {
            core_func_index,
            options,
            ..
        } => (Some((Kind::Func, *core_func_index)), options),
        CanonicalFunction::Lower { options, .. } => (None, options),
        CanonicalFunction::ResourceNew { .. }
        | CanonicalFunction::ResourceDrop { .. }
        | CanonicalFunction::ResourceRep { .. } => return Ok(Vec::new()),
        other => {
            return Err(format!(
                "it has a canonical function of a kind not known here: {other:?}"
            ));
        }
    };
    let options = options.iter().filter_map(|option| match option {
        CanonicalOption::Memory(index) => Some((Kind::Memory, *index)),
        CanonicalOption::Realloc(index)
        | CanonicalOption::PostReturn(index)
        | CanonicalOption::Callback(index) => Some((Kind::Func, *index)),
        _ => None,
    });
    Ok(core.into_iter().chain(options).collect())
}

impl<'a> Parts<'a> {
    pub(super) fn read(component: &'a [u8]) -> Result<Self, String> {
        let mut parts = Self::default();
        let mut parser = Parser::new(0);
        let mut rest = component;
        loop {
            let wasmparser::Chunk::Parsed { consumed, payload } = parser.parse(rest, true).map_err(words)?
            else {
                return Err("it is cut".to_owned());
            };
            rest = rest.get(consumed..).unwrap_or_default();
            match payload {
                Payload::End(_) => return Ok(parts),
                Payload::ModuleSection {
                    unchecked_range: range,
                    ..
                } => {
                    parts.modules.push(CoreModule::read(part(component, &range)?)?);
                    rest = component.get(range.end..).unwrap_or_default();
                }
                Payload::ComponentSection {
                    unchecked_range: range,
                    ..
                } => {
                    let data = part(component, &range)?;
                    parts.items.push(Item::Raw { id: 4, data });
                    rest = component.get(range.end..).unwrap_or_default();
                }
                payload => parts.take(component, payload)?,
            }
        }
    }

    fn take(&mut self, component: &'a [u8], payload: Payload<'a>) -> Result<(), String> {
        match payload {
            Payload::Version { .. } => (),
            Payload::InstanceSection(section) => {
                for instance in section {
                    self.items.push(Item::Instance(self.instances.len() as u32));
                    self.instances.push(core_instance(instance.map_err(words)?)?);
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    match alias.map_err(words)? {
                        ComponentAlias::CoreInstanceExport {
                            kind,
                            instance_index,
                            name,
                        } => {
                            let space = self.spaces.entry(Kind::of(kind)?).or_default();
                            space.push(Source::Export(instance_index, name));
                        }
                        ComponentAlias::Outer { .. } => {
                            return Err("it has aliases of what is outside".to_owned());
                        }
                        alias @ ComponentAlias::InstanceExport { .. } => self.items.push(Item::Alias(alias)),
                    }
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
                    let function = function.map_err(words)?;
                    let needs = !needs(&function)?.is_empty();
                    let made = if let CanonicalFunction::Lift { .. } = function {
                        None
                    } else {
                        let space = self.spaces.entry(Kind::Func).or_default();
                        space.push(Source::Canon { needs });
                        Some(space.len() as u32 - 1)
                    };
                    self.items.push(Item::Canon(function, made));
                }
            }
            Payload::CoreTypeSection(_) | Payload::ComponentStartSection { .. } => {
                return Err("it has sections that are not known here".to_owned());
            }
            other => {
                let (id, range) = other
                    .as_section()
                    .ok_or("it has sections that are not known here")?;
                let data = part(component, &range)?;
                self.items.push(Item::Raw { id, data });
            }
        }
        Ok(())
    }

    pub(super) fn origin(&self, (kind, index): Core) -> Result<Origin<'a>, String> {
        let source = self.spaces.get(&kind).and_then(|space| space.get(index as usize));
        match *source.ok_or("an index names nothing")? {
            Source::Export(instance, name) => self.export(instance, name),
            Source::Canon { .. } => Ok(Origin::Canon(index)),
        }
    }

    pub(super) fn export(&self, instance: u32, name: &'a str) -> Result<Origin<'a>, String> {
        match self
            .instances
            .get(instance as usize)
            .ok_or("an index names nothing")?
        {
            CoreInstance::Of(..) => Ok(Origin::Of(instance, name)),
            CoreInstance::Inline(exports) => {
                let core = exports
                    .get(name)
                    .ok_or_else(|| format!("{name} is not exported"))?;
                self.origin(*core)
            }
        }
    }

    /// The module that an instance is of, and where it takes its imports from.
    pub(super) fn of(&self, instance: u32) -> Result<(&CoreModule<'a>, &HashMap<&'a str, u32>), String> {
        match self.instances.get(instance as usize) {
            Some(CoreInstance::Of(module, from)) => {
                let module = self.modules.get(*module).ok_or("an index names nothing")?;
                Ok((module, from))
            }
            _ => Err("an index names nothing".to_owned()),
        }
    }

    pub(super) fn imported(&self, instance: u32, import: Import<'a>) -> Result<Origin<'a>, String> {
        let (_, from) = self.of(instance)?;
        let from = from.get(import.module).ok_or("an import from nowhere")?;
        self.export(*from, import.name)
    }
}

fn core_instance(instance: Instance<'_>) -> Result<CoreInstance<'_>, String> {
    Ok(match instance {
        Instance::Instantiate { module_index, args } => {
            let args = args.iter().map(|arg| (arg.name, arg.index));
            CoreInstance::Of(module_index as usize, args.collect())
        }
        Instance::FromExports(exports) => {
            let exports = exports.iter().map(|export| {
                let core = (Kind::of(export.kind)?, export.index);
                Ok((export.name, core))
            });
            CoreInstance::Inline(exports.collect::<Result<_, String>>()?)
        }
    })
}

impl<'a> CoreModule<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let mut module = Self {
            bytes,
            ..Self::default()
        };
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(words)? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let wasmparser::Import {
                            module: from,
                            name,
                            ty,
                        } = import.map_err(words)?;
                        let imports = module.imports.entry(Kind::of_import(ty)?).or_default();
                        imports.push(Import {
                            module: from,
                            name,
                            ty,
                        });
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export.map_err(words)?;
                        module
                            .exports
                            .insert(export.name, (Kind::of(export.kind)?, export.index));
                    }
                }
                Payload::FunctionSection(section) => drop(module.own.insert(Kind::Func, section.count())),
                Payload::TableSection(section) => drop(module.own.insert(Kind::Table, section.count())),
                Payload::MemorySection(section) => drop(module.own.insert(Kind::Memory, section.count())),
                Payload::GlobalSection(section) => {
                    module.own.insert(Kind::Global, section.count());
                    for global in section {
                        module.globals.push(global.map_err(words)?.init_expr);
                    }
                }
                Payload::StartSection { .. } => return Err("a module has a start function".to_owned()),
                Payload::TagSection(_) => return Err("a module has tags".to_owned()),
                _ => (),
            }
        }
        Ok(module)
    }

    pub(super) fn imports(&self, kind: Kind) -> &[Import<'a>] {
        self.imports.get(&kind).map_or(&[], Vec::as_slice)
    }
}

pub(super) fn part<'a>(component: &'a [u8], range: &std::ops::Range<usize>) -> Result<&'a [u8], String> {
    let part = component.get(range.clone());
    part.ok_or_else(|| "it is cut".to_owned())
}
