//! Makes one core module of all that a component instantiates beside each other.
//!
//! componentize-py links Python's libraries when the component is instantiated, which happens for every call: thousands
//! of imports are looked up, thousands of table elements written one by one. In one module all of that is settled when
//! it is compiled.
//!
//! What is instantiated stays apart only where it must: what imports host functions that need a memory of the others
//! (the fix-ups of wit-component) comes after them. Order is kept: data and elements of a later module lie over those of
//! an earlier one. A component that has anything which this does not know is refused, never guessed at.

use std::collections::HashMap;
use std::fmt::Display;

use wasm_encoder::reencode::utils as encode;
use wasm_encoder::reencode::{self, Reencode, ReencodeComponent};
use wasm_encoder::{
    Alias, CanonicalFunctionSection, CodeSection, Component, ComponentAliasSection, ConstExpr,
    DataCountSection, DataSection, ElementSection, EntityType, ExportKind, ExportSection, FunctionSection,
    GlobalSection, ImportSection, InstanceSection, MemorySection, Module, ModuleArg, ModuleSection,
    RawSection, TableSection, TypeSection,
};
use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, ExternalKind, Instance, Operator, Parser, Payload,
    TypeRef,
};

/// A component with its core modules in one; the error says why it stays as it is.
pub fn merged(component: &[u8]) -> Result<Vec<u8>, String> {
    let parts = Parts::read(component)?;
    let plan = Plan::of(&parts)?;
    plan.write()
}

fn words(error: impl Display) -> String {
    error.to_string()
}

fn part<'a>(component: &'a [u8], range: &std::ops::Range<usize>) -> Result<&'a [u8], String> {
    let part = component.get(range.clone());
    part.ok_or_else(|| "it is cut".to_owned())
}

/// Something in a core index space.
type Core = (Kind, u32);

/// A component, as far as it is looked into.
#[derive(Default)]
struct Parts<'a> {
    /// In the component's order.
    items: Vec<Item<'a>>,
    modules: Vec<CoreModule<'a>>,
    instances: Vec<CoreInstance<'a>>,
    /// The core index spaces.
    spaces: HashMap<Kind, Vec<Source<'a>>>,
}

enum Item<'a> {
    Raw {
        id: u8,
        data: &'a [u8],
    },
    Alias(ComponentAlias<'a>),
    /// The number is the core function that it makes.
    Canon(CanonicalFunction, Option<u32>),
    Instance(u32),
}

enum CoreInstance<'a> {
    /// Of a module, with an instance for each name that it imports from.
    Of(usize, HashMap<&'a str, u32>),
    Inline(HashMap<&'a str, Core>),
}

/// Where something in a core index space comes from.
#[derive(Clone, Copy)]
enum Source<'a> {
    Export(u32, &'a str),
    /// A canonical function; whether it needs something of an instance.
    Canon {
        needs: bool,
    },
}

/// The same, seen through inline instances.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Origin<'a> {
    /// What an instance of a module exports.
    Of(u32, &'a str),
    /// A core function that a canonical function makes.
    Canon(u32),
}

#[derive(Default)]
struct CoreModule<'a> {
    bytes: &'a [u8],
    imports: HashMap<Kind, Vec<Import<'a>>>,
    exports: HashMap<&'a str, Core>,
    /// How many it has of its own.
    own: HashMap<Kind, u32>,
    globals: Vec<wasmparser::ConstExpr<'a>>,
}

#[derive(Clone, Copy)]
struct Import<'a> {
    module: &'a str,
    name: &'a str,
    ty: TypeRef,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Func,
    Table,
    Memory,
    Global,
}

const KINDS: [Kind; 4] = [Kind::Func, Kind::Table, Kind::Memory, Kind::Global];

impl Kind {
    fn of(kind: ExternalKind) -> Result<Self, String> {
        match kind {
            ExternalKind::Func => Ok(Self::Func),
            ExternalKind::Table => Ok(Self::Table),
            ExternalKind::Memory => Ok(Self::Memory),
            ExternalKind::Global => Ok(Self::Global),
            ExternalKind::Tag | ExternalKind::FuncExact => Err("it has tags, or exact functions".to_owned()),
        }
    }

    fn of_import(ty: TypeRef) -> Result<Self, String> {
        match ty {
            TypeRef::Func(_) => Ok(Self::Func),
            TypeRef::Table(_) => Ok(Self::Table),
            TypeRef::Memory(_) => Ok(Self::Memory),
            TypeRef::Global(_) => Ok(Self::Global),
            TypeRef::Tag(_) | TypeRef::FuncExact(_) => Err("it has tags, or exact functions".to_owned()),
        }
    }

    fn exported(self) -> ExportKind {
        match self {
            Self::Func => ExportKind::Func,
            Self::Table => ExportKind::Table,
            Self::Memory => ExportKind::Memory,
            Self::Global => ExportKind::Global,
        }
    }
}

/// What a canonical function takes of core instances.
fn needs(function: &CanonicalFunction) -> Result<Vec<Core>, String> {
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
    fn read(component: &'a [u8]) -> Result<Self, String> {
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

    fn origin(&self, (kind, index): Core) -> Result<Origin<'a>, String> {
        let source = self.spaces.get(&kind).and_then(|space| space.get(index as usize));
        match *source.ok_or("an index names nothing")? {
            Source::Export(instance, name) => self.export(instance, name),
            Source::Canon { .. } => Ok(Origin::Canon(index)),
        }
    }

    fn export(&self, instance: u32, name: &'a str) -> Result<Origin<'a>, String> {
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
    fn of(&self, instance: u32) -> Result<(&CoreModule<'a>, &HashMap<&'a str, u32>), String> {
        match self.instances.get(instance as usize) {
            Some(CoreInstance::Of(module, from)) => {
                let module = self.modules.get(*module).ok_or("an index names nothing")?;
                Ok((module, from))
            }
            _ => Err("an index names nothing".to_owned()),
        }
    }

    fn imported(&self, instance: u32, import: Import<'a>) -> Result<Origin<'a>, String> {
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

    fn imports(&self, kind: Kind) -> &[Import<'a>] {
        self.imports.get(&kind).map_or(&[], Vec::as_slice)
    }
}

/// What becomes one module, and where everything is in it.
struct Plan<'a, 'p> {
    parts: &'p Parts<'a>,
    /// Instances that are merged, in their order.
    merged: Vec<u32>,
    /// Those that come after.
    late: Vec<u32>,
    /// Canonical functions that the module imports: where, and as what.
    imports: HashMap<u32, (u32, u32, TypeRef)>,
    /// Where the own entities of each merged instance begin.
    begins: HashMap<(u32, Kind), u32>,
}

impl<'a, 'p> Plan<'a, 'p> {
    fn of(parts: &'p Parts<'a>) -> Result<Self, String> {
        let mut plan = Self {
            parts,
            merged: Vec::new(),
            late: Vec::new(),
            imports: HashMap::new(),
            begins: HashMap::new(),
        };
        for instance in 0..parts.instances.len() as u32 {
            if let Ok((module, _)) = parts.of(instance) {
                if plan.is_late(instance, module)? {
                    plan.late.push(instance);
                } else {
                    plan.merged.push(instance);
                }
            }
        }
        if plan.merged.len() < 2 {
            return Err("it has one core module".to_owned());
        }
        plan.number()?;
        Ok(plan)
    }

    fn is_late(&self, instance: u32, module: &CoreModule<'a>) -> Result<bool, String> {
        for import in KINDS.iter().flat_map(|kind| module.imports(*kind)) {
            match self.parts.imported(instance, *import)? {
                Origin::Of(of, _) if self.late.contains(&of) => return Ok(true),
                Origin::Canon(index) => {
                    let source = self.parts.spaces.get(&Kind::Func);
                    let source = source.and_then(|space| space.get(index as usize));
                    if let Some(Source::Canon { needs: true }) = source {
                        return Ok(true);
                    }
                }
                Origin::Of(..) => (),
            }
        }
        Ok(false)
    }

    fn number(&mut self) -> Result<(), String> {
        for &instance in &self.merged {
            let (module, _) = self.parts.of(instance)?;
            for import in module.imports(Kind::Func) {
                if let Origin::Canon(function) = self.parts.imported(instance, *import)? {
                    let next = self.imports.len() as u32;
                    self.imports
                        .entry(function)
                        .or_insert((next, instance, import.ty));
                }
            }
        }
        for kind in KINDS {
            let mut next = if kind == Kind::Func {
                self.imports.len() as u32
            } else {
                0
            };
            for &instance in &self.merged {
                self.begins.insert((instance, kind), next);
                let (module, _) = self.parts.of(instance)?;
                next += module.own.get(&kind).copied().unwrap_or_default();
            }
        }
        Ok(())
    }

    /// Where something of a merged instance's module is in the one module.
    fn place(&self, instance: u32, (kind, index): Core) -> Result<u32, String> {
        let (module, _) = self.parts.of(instance)?;
        let imports = module.imports(kind);
        if let Some(import) = imports.get(index as usize) {
            return self.place_of(self.parts.imported(instance, *import)?);
        }
        let begins = self
            .begins
            .get(&(instance, kind))
            .ok_or("it is not in the one module")?;
        Ok(begins + (index - imports.len() as u32))
    }

    fn place_of(&self, origin: Origin<'a>) -> Result<u32, String> {
        match origin {
            Origin::Canon(function) => {
                let (place, ..) = self.imports.get(&function).ok_or("an index names nothing")?;
                Ok(*place)
            }
            Origin::Of(instance, name) => {
                let (module, _) = self.parts.of(instance)?;
                let core = module
                    .exports
                    .get(name)
                    .ok_or_else(|| format!("{name} is not exported"))?;
                self.place(instance, *core)
            }
        }
    }

    /// The number that a global of a merged instance's module begins with.
    fn global(&self, instance: u32, global: u32) -> Result<i32, String> {
        let (module, _) = self.parts.of(instance)?;
        let imports = module.imports(Kind::Global);
        if let Some(import) = imports.get(global as usize) {
            let Origin::Of(of, name) = self.parts.imported(instance, *import)? else {
                return Err("a global that is a function".to_owned());
            };
            let (from, _) = self.parts.of(of)?;
            let Some((Kind::Global, index)) = from.exports.get(name) else {
                return Err(format!("{name} is not exported"));
            };
            return self.global(of, *index);
        }
        let init = module.globals.get(global as usize - imports.len());
        self.number_of(instance, init.ok_or("an index names nothing")?)
    }

    /// The number that a constant expression of a merged instance's module is.
    fn number_of(&self, instance: u32, expr: &wasmparser::ConstExpr<'a>) -> Result<i32, String> {
        let mut stack: Vec<i32> = Vec::new();
        let mut operators = expr.get_operators_reader();
        loop {
            let mut two = |with: fn(i32, i32) -> i32| match (stack.pop(), stack.pop()) {
                (Some(second), Some(first)) => Ok(with(first, second)),
                _ => Err("a constant is computed of nothing".to_owned()),
            };
            let number = match operators.read().map_err(words)? {
                Operator::I32Const { value } => value,
                Operator::GlobalGet { global_index } => self.global(instance, global_index)?,
                Operator::I32Add => two(i32::wrapping_add)?,
                Operator::I32Sub => two(i32::wrapping_sub)?,
                Operator::I32Mul => two(i32::wrapping_mul)?,
                Operator::End => {
                    return stack.pop().ok_or_else(|| "a constant is nothing".to_owned());
                }
                other => return Err(format!("a constant is computed by {other:?}")),
            };
            stack.push(number);
        }
    }

    /// The one module, which exports what is wanted of it by number.
    fn module(&self, wanted: &[(Kind, u32)]) -> Result<Module, String> {
        let mut made = Sections::default();
        let mut first_types = HashMap::new();
        for &instance in &self.merged {
            first_types.insert(instance, made.types.len());
            let mut merge = Merge {
                plan: self,
                instance,
                types: made.types.len(),
                data: made.data.len(),
                elements: made.elements.len(),
            };
            let (module, _) = self.parts.of(instance)?;
            made.take(&mut merge, module.bytes)?;
        }
        let mut imports: Vec<_> = self.imports.values().collect();
        imports.sort_unstable_by_key(|(place, ..)| *place);
        let mut import_section = ImportSection::new();
        for (place, instance, ty) in imports {
            let TypeRef::Func(ty) = ty else {
                return Err("a canonical function is imported as something else".to_owned());
            };
            let first = first_types.get(instance).copied().unwrap_or_default();
            import_section.import("", &place.to_string(), EntityType::Function(first + ty));
        }
        let mut exports = ExportSection::new();
        for (number, (kind, place)) in wanted.iter().enumerate() {
            exports.export(&number.to_string(), kind.exported(), *place);
        }
        Ok(made.finish(&import_section, &exports))
    }

    /// What of the one module is asked for from outside.
    fn wanted(&self) -> Result<Vec<(Kind, u32)>, String> {
        let mut wanted = Vec::new();
        let mut want = |kind, origin: Origin<'a>| -> Result<(), String> {
            if let Origin::Of(instance, _) = origin
                && self.merged.contains(&instance)
            {
                let place = (kind, self.place_of(origin)?);
                if !wanted.contains(&place) {
                    wanted.push(place);
                }
            }
            Ok(())
        };
        for item in &self.parts.items {
            if let Item::Canon(function, _) = item {
                for (kind, index) in needs(function)? {
                    want(kind, self.parts.origin((kind, index))?)?;
                }
            }
        }
        for &late in &self.late {
            let (module, _) = self.parts.of(late)?;
            for kind in KINDS {
                for import in module.imports(kind) {
                    want(kind, self.parts.imported(late, *import)?)?;
                }
            }
        }
        Ok(wanted)
    }

    fn write(&self) -> Result<Vec<u8>, String> {
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

/// The sections of the one module.
#[derive(Default)]
struct Sections {
    types: TypeSection,
    functions: FunctionSection,
    tables: TableSection,
    memories: MemorySection,
    globals: GlobalSection,
    elements: ElementSection,
    code: CodeSection,
    data: DataSection,
    counts_data: bool,
}

impl Sections {
    fn take(&mut self, merge: &mut Merge<'_, '_, '_>, bytes: &[u8]) -> Result<(), String> {
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(words)? {
                Payload::TypeSection(section) => merge
                    .parse_type_section(&mut self.types, section)
                    .map_err(words)?,
                Payload::FunctionSection(section) => {
                    merge
                        .parse_function_section(&mut self.functions, section)
                        .map_err(words)?;
                }
                Payload::TableSection(section) => merge
                    .parse_table_section(&mut self.tables, section)
                    .map_err(words)?,
                Payload::MemorySection(section) => {
                    merge
                        .parse_memory_section(&mut self.memories, section)
                        .map_err(words)?;
                }
                Payload::GlobalSection(section) => {
                    merge
                        .parse_global_section(&mut self.globals, section)
                        .map_err(words)?;
                }
                Payload::ElementSection(section) => {
                    merge
                        .parse_element_section(&mut self.elements, section)
                        .map_err(words)?;
                }
                Payload::DataSection(section) => {
                    merge.parse_data_section(&mut self.data, section).map_err(words)?
                }
                Payload::CodeSectionEntry(body) => {
                    merge.parse_function_body(&mut self.code, body).map_err(words)?;
                }
                Payload::DataCountSection { .. } => self.counts_data = true,
                // Imports are settled, exports made anew, and nobody reads the rest.
                _ => (),
            }
        }
        Ok(())
    }

    fn finish(self, imports: &ImportSection, exports: &ExportSection) -> Module {
        let mut module = Module::new();
        module
            .section(&self.types)
            .section(imports)
            .section(&self.functions)
            .section(&self.tables)
            .section(&self.memories)
            .section(&self.globals)
            .section(exports)
            .section(&self.elements);
        if self.counts_data {
            module.section(&DataCountSection {
                count: self.data.len(),
            });
        }
        module.section(&self.code).section(&self.data);
        module
    }
}

/// Gives the indices of one merged instance's module those that they have in the one module.
struct Merge<'m, 'a, 'p> {
    plan: &'m Plan<'a, 'p>,
    instance: u32,
    types: u32,
    data: u32,
    elements: u32,
}

impl Merge<'_, '_, '_> {
    fn at(&self, kind: Kind, index: u32) -> Result<u32, reencode::Error<String>> {
        let place = self.plan.place(self.instance, (kind, index));
        place.map_err(reencode::Error::UserError)
    }
}

impl Reencode for Merge<'_, '_, '_> {
    type Error = String;

    fn data_index(&mut self, data: u32) -> Result<u32, reencode::Error<String>> {
        Ok(self.data + data)
    }

    fn element_index(&mut self, element: u32) -> Result<u32, reencode::Error<String>> {
        Ok(self.elements + element)
    }

    fn function_index(&mut self, function: u32) -> Result<u32, reencode::Error<String>> {
        self.at(Kind::Func, function)
    }

    fn global_index(&mut self, global: u32) -> Result<u32, reencode::Error<String>> {
        self.at(Kind::Global, global)
    }

    fn memory_index(&mut self, memory: u32) -> Result<u32, reencode::Error<String>> {
        self.at(Kind::Memory, memory)
    }

    fn table_index(&mut self, table: u32) -> Result<u32, reencode::Error<String>> {
        self.at(Kind::Table, table)
    }

    fn type_index(&mut self, ty: u32) -> Result<u32, reencode::Error<String>> {
        Ok(self.types + ty)
    }

    /// A global that was imported may be read in a constant, one of the module itself may not.
    fn const_expr(&mut self, expr: wasmparser::ConstExpr<'_>) -> Result<ConstExpr, reencode::Error<String>> {
        let reads = |operator| matches!(operator, Ok(Operator::GlobalGet { .. }));
        if expr.get_operators_reader().into_iter().any(reads) {
            let number = self.plan.number_of(self.instance, &expr);
            return number
                .map(|number| ConstExpr::i32_const(number))
                .map_err(reencode::Error::UserError);
        }
        encode::const_expr(self, expr)
    }
}

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
            Origin::Of(instance, name) => match self.late.get(&instance) {
                Some(late) => (*late, name.to_owned()),
                None => {
                    let place = (kind, self.plan.place_of(origin)?);
                    let number = self.wanted.iter().position(|wanted| *wanted == place);
                    (
                        self.one()?,
                        number.ok_or("something is not exported")?.to_string(),
                    )
                }
            },
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
        let mut arguments: Vec<(String, Vec<(String, ExportKind, u32)>)> = Vec::new();
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
        arguments: Vec<(String, Vec<(String, ExportKind, u32)>)>,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A component that links at instantiation: `main` has the memory and the table, `lib` puts itself into both, and
    /// the host function that needs the memory comes by way of a table that is filled last.
    fn linked(lib: &str) -> Vec<u8> {
        let text = format!(
            r#"(component
                (import "ask" (func $ask (param "what" string)))
                (core module $shim
                    (table (export "$imports") 1 funcref)
                    (func (export "0") (param i32 i32) (call_indirect (param i32 i32) (local.get 0) (local.get 1) (i32.const 0))))
                (core module $main
                    (import "ask" "0" (func $ask (param i32 i32)))
                    (memory (export "memory") 1)
                    (table (export "table") 4 funcref)
                    (global (export "base") i32 (i32.const 64))
                    (func (export "twice") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
                    (func (export "tell") (call $ask (i32.const 72) (i32.const 3)))
                    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0)))
                (core module $lib {lib})
                (core module $fixup
                    (import "" "0" (func (param i32 i32)))
                    (import "" "$imports" (table 1 funcref))
                    (elem (i32.const 0) func 0))
                (core instance $shim (instantiate $shim))
                (core instance $main (instantiate $main (with "ask" (instance $shim))))
                (alias core export $main "memory" (core memory $memory))
                (core func $lowered (canon lower (func $ask) (memory $memory)))
                (core instance $lib (instantiate $lib (with "env" (instance $main))))
                (core instance $last (export "$imports" (table $shim "$imports")) (export "0" (func $lowered)))
                (core instance (instantiate $fixup (with "" (instance $last))))
                (func (export "run") (result u32) (canon lift (core func $lib "run"))))"#
        );
        wat::parse_str(text).unwrap()
    }

    const LIB: &str = r#"
        (import "env" "memory" (memory 1))
        (import "env" "table" (table 4 funcref))
        (import "env" "base" (global $base i32))
        (import "env" "twice" (func $twice (param i32) (result i32)))
        (import "env" "tell" (func $tell))
        (global $here i32 (i32.add (global.get $base) (i32.const 8)))
        (func $own (result i32) (call $tell) (call $twice (global.get $here)))
        (elem (i32.const 2) func $own)
        (data (offset (i32.add (global.get $base) (i32.const 8))) "abc")
        (func (export "run") (result i32) (call_indirect (result i32) (i32.const 2)))"#;

    fn core_modules(component: &[u8]) -> usize {
        let payloads = Parser::new(0).parse_all(component);
        let is_module = |payload: &Payload<'_>| matches!(payload, Payload::ModuleSection { .. });
        payloads
            .filter(|payload| is_module(payload.as_ref().unwrap()))
            .count()
    }

    #[test]
    fn what_is_linked_at_instantiation_becomes_one_module() {
        let component = linked(LIB);
        assert_eq!(core_modules(&component), 4);
        let merged = merged(&component).unwrap();
        wasmparser::Validator::new().validate_all(&merged).unwrap();
        // The one, and what fills the table of host functions.
        assert_eq!(core_modules(&merged), 2);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let starts = format!("{LIB} (func $begin) (start $begin)");
        assert_eq!(
            merged(&linked(&starts)).unwrap_err(),
            "a module has a start function"
        );
        let alone = wat::parse_str("(component (core module $m) (core instance (instantiate $m)))").unwrap();
        assert_eq!(merged(&alone).unwrap_err(), "it has one core module");
        assert!(merged(b"no component").is_err());
        let whole = linked(LIB);
        assert!(merged(&whole[..whole.len() / 2]).is_err());
    }
}
