//! What a component says of itself, read without compiling it: names of imports and exports, and how much it takes.
//!
//! The work is linear in the file, and what is kept of it is bounded.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentOuterAliasKind, ComponentTypeRef, Instance, Parser,
    Payload, Validator,
};

/// Names that are kept of each kind.
const NAMES_MAX: usize = 256;

/// What was found. Sums are lower bounds: instances within nested components are the compiler's to count.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) imports: Names,
    pub(crate) exports: Names,
    /// Core modules that are instantiated, as often as they are.
    pub(crate) core_instances: u64,
    /// What those take.
    pub(crate) sizes: Sizes,
    /// Why the file cannot be read to its end, or is not valid; with the offset.
    pub(crate) broken: Option<String>,
}

/// The first names, and how many more there are.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) first: Vec<String>,
    pub(crate) more: u64,
}

impl Names {
    fn add(&mut self, name: &str) {
        if self.first.len() < NAMES_MAX {
            self.first.push(name.to_owned());
        } else {
            self.more += 1;
        }
    }
}

/// What a core module has from its start.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) memories: u64,
    pub(crate) memory_bytes: u64,
    pub(crate) tables: u64,
    pub(crate) table_elements: u64,
}

impl Sizes {
    fn add(&mut self, other: Self) {
        self.memories = self.memories.saturating_add(other.memories);
        self.memory_bytes = self.memory_bytes.saturating_add(other.memory_bytes);
        self.tables = self.tables.saturating_add(other.tables);
        self.table_elements = self.table_elements.saturating_add(other.table_elements);
    }
}

/// Reads a component from end to end.
pub(crate) fn survey(bytes: &[u8]) -> Survey {
    let mut reader = Reader::default();
    let read = reader.read(bytes);
    let mut survey = reader.survey;
    // The validator's complaint comes first: it understands what it reads.
    let checked = Validator::new().validate_all(bytes).map(|_| ());
    survey.broken = checked.and(read).err().map(|error| error.to_string());
    survey
}

/// The names that a component imports, as far as it can be read. Nothing is checked.
pub(crate) fn imports(bytes: &[u8]) -> Vec<String> {
    let mut reader = Reader::default();
    let _ = reader.read(bytes); // what cannot be read is told by `survey`
    reader.survey.imports.first
}

#[derive(Default)]
struct Reader {
    survey: Survey,
    /// The modules and components around the one being read; none: the outermost component itself.
    around: Vec<Within>,
    /// The outermost component's core modules by their index, where their text is in this file.
    modules: Vec<Option<Sizes>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Module,
    Component,
}

impl Reader {
    fn read(&mut self, bytes: &[u8]) -> wasmparser::Result<()> {
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::ModuleSection { .. } => {
                    if self.around.is_empty() {
                        self.modules.push(Some(Sizes::default()));
                    }
                    self.around.push(Within::Module);
                }
                Payload::ComponentSection { .. } => self.around.push(Within::Component),
                Payload::End(_) => drop(self.around.pop()),
                payload => match self.around.as_slice() {
                    [] => self.outermost(payload)?,
                    [Within::Module] => self.module(payload)?,
                    _ => (),
                },
            }
        }
        Ok(())
    }

    fn outermost(&mut self, payload: Payload<'_>) -> wasmparser::Result<()> {
        match payload {
            Payload::ComponentImportSection(imports) => {
                for import in imports {
                    let import = import?;
                    self.survey.imports.add(import.name.name);
                    if matches!(import.ty, ComponentTypeRef::Module(_)) {
                        self.modules.push(None);
                    }
                }
            }
            Payload::ComponentExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    self.survey.exports.add(export.name.name);
                    if export.kind == ComponentExternalKind::Module {
                        self.modules.push(None); // an export is a name for the same thing again
                    }
                }
            }
            Payload::ComponentAliasSection(aliases) => {
                for alias in aliases {
                    if let ComponentAlias::InstanceExport {
                        kind: ComponentExternalKind::Module,
                        ..
                    }
                    | ComponentAlias::Outer {
                        kind: ComponentOuterAliasKind::CoreModule,
                        ..
                    } = alias?
                    {
                        self.modules.push(None);
                    }
                }
            }
            Payload::InstanceSection(instances) => {
                for instance in instances {
                    if let Instance::Instantiate { module_index, .. } = instance? {
                        self.survey.core_instances += 1;
                        let sizes = self.modules.get(module_index as usize).copied().flatten();
                        self.survey.sizes.add(sizes.unwrap_or_default());
                    }
                }
            }
            _ => (),
        }
        Ok(())
    }

    fn module(&mut self, payload: Payload<'_>) -> wasmparser::Result<()> {
        let Some(Some(sizes)) = self.modules.last_mut() else {
            return Ok(());
        };
        match payload {
            Payload::MemorySection(memories) => {
                for memory in memories {
                    let memory = memory?;
                    let page_bytes = 1_u64.checked_shl(memory.page_size_log2()).unwrap_or(u64::MAX);
                    sizes.add(Sizes {
                        memories: 1,
                        memory_bytes: memory.initial.saturating_mul(page_bytes),
                        ..Sizes::default()
                    });
                }
            }
            Payload::TableSection(tables) => {
                for table in tables {
                    sizes.add(Sizes {
                        tables: 1,
                        table_elements: table?.ty.initial,
                        ..Sizes::default()
                    });
                }
            }
            _ => (),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Survey {
        survey(&wat::parse_str(text).unwrap())
    }

    #[test]
    fn a_module_counts_as_often_as_it_is_instantiated() {
        let found = of("(component
            (core module $unused (memory 100))
            (core module $m (memory 2) (table 3 funcref))
            (core instance (instantiate $m)) (core instance (instantiate $m)))");
        assert_eq!(found.broken, None);
        assert_eq!(found.core_instances, 2);
        let sizes = found.sizes;
        assert_eq!((sizes.memories, sizes.memory_bytes), (2, 4 << 16));
        assert_eq!((sizes.tables, sizes.table_elements), (2, 6));
    }

    #[test]
    fn what_nested_components_import_is_their_own_affair() {
        let found = of(r#"(component
            (component (import "inner" (func)) (core module (memory 9)) (core module $n (memory 9)))
            (core module $m (memory 1)) (core instance (instantiate $m))
            (import "outer" (func)))"#);
        assert_eq!(found.imports.first, ["outer"]);
        assert_eq!(found.sizes.memories, 1);
    }

    #[test]
    fn a_cut_or_invalid_file_is_broken_and_its_names_are_kept() {
        let bytes = wat::parse_str(r#"(component (import "one" (func)) (core module (func)))"#).unwrap();
        let cut = survey(&bytes[..bytes.len() - 3]);
        assert_eq!(cut.imports.first, ["one"]);
        assert!(cut.broken.is_some());
    }
}
