//! The one module, section by section.

use std::collections::HashMap;

use wasm_encoder::reencode::utils as encode;
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{
    CodeSection, ConstExpr, DataCountSection, DataSection, ElementSection, EntityType, ExportSection,
    FunctionSection, GlobalSection, ImportSection, MemorySection, Module, TableSection, TypeSection,
};
use wasmparser::{Operator, Parser, Payload, TypeRef};

use super::parts::Kind;
use super::plan::Plan;
use super::words;

impl Plan<'_, '_> {
    /// The one module, which exports what is wanted of it by number.
    pub(super) fn module(&self, wanted: &[(Kind, u32)]) -> Result<Module, String> {
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
                    merge.parse_data_section(&mut self.data, section).map_err(words)?;
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
pub(super) struct Merge<'m, 'a, 'p> {
    pub(super) plan: &'m Plan<'a, 'p>,
    pub(super) instance: u32,
    pub(super) types: u32,
    pub(super) data: u32,
    pub(super) elements: u32,
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
                .map(ConstExpr::i32_const)
                .map_err(reencode::Error::UserError);
        }
        encode::const_expr(self, expr)
    }
}
