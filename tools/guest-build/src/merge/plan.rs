//! What becomes one module, and where everything is in it.

use std::collections::HashMap;

use wasmparser::{Operator, TypeRef};

use super::parts::{Core, CoreModule, Item, KINDS, Kind, Origin, Parts, Source, needs};
use super::words;

/// What becomes one module, and where everything is in it.
pub(super) struct Plan<'a, 'p> {
    pub(super) parts: &'p Parts<'a>,
    /// Instances that are merged, in their order.
    pub(super) merged: Vec<u32>,
    /// Those that come after.
    pub(super) late: Vec<u32>,
    /// Canonical functions that the module imports: where, and as what.
    pub(super) imports: HashMap<u32, (u32, u32, TypeRef)>,
    /// Where the own entities of each merged instance begin.
    begins: HashMap<(u32, Kind), u32>,
}

impl<'a, 'p> Plan<'a, 'p> {
    pub(super) fn of(parts: &'p Parts<'a>) -> Result<Self, String> {
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
    pub(super) fn place(&self, instance: u32, (kind, index): Core) -> Result<u32, String> {
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

    pub(super) fn place_of(&self, origin: Origin<'a>) -> Result<u32, String> {
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
    pub(super) fn number_of(&self, instance: u32, expr: &wasmparser::ConstExpr<'a>) -> Result<i32, String> {
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

    /// What of the one module is asked for from outside.
    pub(super) fn wanted(&self) -> Result<Vec<(Kind, u32)>, String> {
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
}
