//! From a program to a Wasm binary.
//!
//! Exports: the functions that the host calls as `f` and their index, the memories,
//! the globals as `g` and their index, the tables as `t` and theirs, and `fuel`, a
//! counter that makes every program end: functions that call others and loops
//! that repeat take one off it, and return zeros when it is used up. The host sets
//! it to [`FUEL`] before each call.

mod body;
mod uses;

use std::borrow::Cow;

use wasm_encoder::{
    CodeSection, ConstExpr, DataCountSection, DataSection, ElementSection, Elements, EntityType,
    ExportKind, ExportSection, FunctionSection, GlobalSection, GlobalType, HeapType, ImportSection,
    MemorySection, MemoryType, Module, RefType, TableSection, TableType, TypeSection, ValType,
};

use crate::ast::{Callee, Const, Program, Sig, Ty};

#[cfg(test)]
pub(crate) use self::body::guard_position;
use self::uses::Uses;

/// What the global `fuel` is set to before each call.
pub const FUEL: i32 = 120;

impl From<Ty> for ValType {
    fn from(ty: Ty) -> Self {
        match ty {
            Ty::I32 => Self::I32,
            Ty::I64 => Self::I64,
            Ty::F32 => Self::F32,
            Ty::F64 => Self::F64,
            Ty::Func => Self::FUNCREF,
        }
    }
}

fn const_expr(value: Const) -> ConstExpr {
    match value {
        Const::I32(value) => ConstExpr::i32_const(value),
        Const::I64(value) => ConstExpr::i64_const(value),
        Const::F32(bits) => ConstExpr::f32_const(wasm_encoder::Ieee32::new(bits)),
        Const::F64(bits) => ConstExpr::f64_const(wasm_encoder::Ieee64::new(bits)),
        Const::NullFunc => ConstExpr::ref_null(HeapType::FUNC),
    }
}

/// The module being written.
struct Emitter<'a> {
    program: &'a Program,
    uses: Uses,
    /// The module's types, in order.
    types: Vec<Sig>,
    /// Whether the counter is used.
    metered: bool,
    form: Form,
}

/// How a program is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Usual,
    /// Instructions that some engine mistranslates are written in another way.
    Plain,
    /// Nothing makes loops and recursion end.
    Endless,
}

impl Program {
    /// The binary module.
    #[must_use]
    pub fn to_wasm(&self) -> Vec<u8> {
        self.emit(Form::Usual)
    }

    /// The same program without parameters of `if`, which locals carry instead, and
    /// without `select`, which becomes an `if`. For engines that mistranslate these,
    /// as wasmi 2.0.0 does.
    #[must_use]
    pub fn to_plain_wasm(&self) -> Vec<u8> {
        self.emit(Form::Plain)
    }

    /// The same program without the counter: loops and recursion need not end.
    #[must_use]
    pub fn to_endless_wasm(&self) -> Vec<u8> {
        self.emit(Form::Endless)
    }

    fn emit(&self, form: Form) -> Vec<u8> {
        let uses = Uses::of(self);
        Emitter {
            program: self,
            uses,
            types: Vec::new(),
            metered: false,
            form,
        }
        .module()
    }
}

impl Emitter<'_> {
    fn module(mut self) -> Vec<u8> {
        let mut code = CodeSection::new();
        let mut functions = FunctionSection::new();
        let program = self.program;
        for func in self.uses.funcs.clone() {
            functions.function(self.type_index(&program.funcs[func].sig));
            code.function(&self.body(&program.funcs[func]));
        }
        let mut imports = ImportSection::new();
        for host in self.uses.hosts.clone() {
            let sig = Sig {
                params: host.params().to_vec(),
                results: host.results_ty().to_vec(),
            };
            imports.import(
                host.module(),
                host.name(),
                EntityType::Function(self.type_index(&sig)),
            );
        }
        let mut types = TypeSection::new();
        for Sig { params, results } in &self.types {
            let vals = |types: &[Ty]| {
                types
                    .iter()
                    .map(|ty| ValType::from(*ty))
                    .collect::<Vec<_>>()
            };
            types.ty().function(vals(params), vals(results));
        }

        let mut module = Module::new();
        module.section(&types).section(&imports).section(&functions);
        if !self.uses.tables.is_empty() {
            module.section(&self.tables());
        }
        if !self.uses.memories.is_empty() {
            module.section(&self.memories());
        }
        module
            .section(&self.globals())
            .section(&self.exports())
            .section(&self.elements());
        let data = self.data();
        if !self.uses.data.is_empty() {
            module.section(&DataCountSection { count: data.len() });
        }
        module.section(&code);
        if !data.is_empty() {
            module.section(&data);
        }
        module.finish()
    }

    fn type_index(&mut self, sig: &Sig) -> u32 {
        let known = self.types.iter().position(|ty| ty == sig);
        let index = known.unwrap_or_else(|| {
            self.types.push(sig.clone());
            self.types.len() - 1
        });
        index as u32
    }

    fn func_index(&self, callee: Callee) -> u32 {
        match callee {
            Callee::Host(host) => {
                let position = self.uses.hosts.iter().position(|used| *used == host);
                position.expect("every host function that is called is used") as u32
            }
            Callee::Func(func) => {
                self.uses.hosts.len() as u32 + Uses::position(&self.uses.funcs, func)
            }
        }
    }

    /// The counter comes after the program's own globals.
    fn fuel_index(&self) -> u32 {
        self.uses.globals.len() as u32
    }

    fn tables(&self) -> TableSection {
        let mut section = TableSection::new();
        for &table in &self.uses.tables {
            let table = &self.program.tables[table];
            section.table(TableType {
                element_type: RefType::FUNCREF,
                table64: false,
                minimum: table.elements.len() as u64,
                maximum: Some(table.maximum),
                shared: false,
            });
        }
        section
    }

    fn memories(&self) -> MemorySection {
        let mut section = MemorySection::new();
        for &memory in &self.uses.memories {
            let memory = &self.program.memories[memory];
            section.memory(MemoryType {
                minimum: memory.minimum,
                maximum: Some(memory.maximum),
                memory64: false,
                shared: false,
                page_size_log2: None,
            });
        }
        section
    }

    fn globals(&self) -> GlobalSection {
        let mut section = GlobalSection::new();
        for &global in &self.uses.globals {
            let global = &self.program.globals[global];
            let ty = GlobalType {
                val_type: global.init.ty().into(),
                mutable: global.mutable,
                shared: false,
            };
            section.global(ty, &const_expr(global.init));
        }
        if self.metered {
            let ty = GlobalType {
                val_type: ValType::I32,
                mutable: true,
                shared: false,
            };
            section.global(ty, &ConstExpr::i32_const(FUEL));
        }
        section
    }

    fn exports(&self) -> ExportSection {
        let mut section = ExportSection::new();
        let mut exported: Vec<usize> = self
            .program
            .invocations
            .iter()
            .map(|call| call.func)
            .collect();
        if self.uses.hosts.iter().any(|host| host.calls_back()) {
            exported.push(0);
        }
        exported.sort_unstable();
        exported.dedup();
        for func in exported {
            let index = self.func_index(Callee::Func(func));
            section.export(&format!("f{func}"), ExportKind::Func, index);
        }
        for (at, memory) in (0..).zip(&self.uses.memories) {
            // The first is what functions of the host look for.
            let name = match memory {
                0 => "memory".to_owned(),
                memory => format!("memory{memory}"),
            };
            section.export(&name, ExportKind::Memory, at);
        }
        for (at, global) in (0..).zip(&self.uses.globals) {
            section.export(&format!("g{global}"), ExportKind::Global, at);
        }
        for (at, table) in (0..).zip(&self.uses.tables) {
            section.export(&format!("t{table}"), ExportKind::Table, at);
        }
        if self.metered {
            section.export("fuel", ExportKind::Global, self.fuel_index());
        }
        section
    }

    fn elements(&self) -> ElementSection {
        let mut section = ElementSection::new();
        // Passive segments first: their indices are those of the set.
        for &elements in &self.uses.elements {
            let items = self.items(&self.program.elements[elements]);
            section.passive(Elements::Expressions(RefType::FUNCREF, items.into()));
        }
        for (at, &table) in (0..).zip(&self.uses.tables) {
            let items = self.items(&self.program.tables[table].elements);
            let offset = ConstExpr::i32_const(0);
            section.active(
                Some(at),
                &offset,
                Elements::Expressions(RefType::FUNCREF, items.into()),
            );
        }
        if !self.uses.referenced.is_empty() {
            let funcs: Vec<u32> = self
                .uses
                .referenced
                .iter()
                .map(|func| self.func_index(Callee::Func(*func)))
                .collect();
            section.declared(Elements::Functions(Cow::Owned(funcs)));
        }
        section
    }

    fn items(&self, elements: &[Option<usize>]) -> Vec<ConstExpr> {
        elements
            .iter()
            .map(|element| match element {
                Some(func) => ConstExpr::ref_func(self.func_index(Callee::Func(*func))),
                None => ConstExpr::ref_null(HeapType::FUNC),
            })
            .collect()
    }

    fn data(&self) -> DataSection {
        let mut section = DataSection::new();
        for &data in &self.uses.data {
            section.passive(self.program.data[data].iter().copied());
        }
        for (at, &memory) in (0..).zip(&self.uses.memories) {
            for (offset, bytes) in &self.program.memories[memory].active {
                section.active(at, &ConstExpr::i32_const(*offset), bytes.iter().copied());
            }
        }
        section
    }
}
