//! Modules made by hand.
#![expect(unsafe_code, reason = "an instance gives its memories by pointer")]

use damson_executor::ir::{
    Function, FunctionBuilder, Label, Opcode, Operand, Operation, Slot, Verified,
};
use damson_executor::store::shape::{
    ConstExpr, ConstOp, DataDecl, ElementDecl, ElementItems, GlobalDecl, Import, ImportType,
    SegmentMode, TableDecl,
};
use damson_executor::store::types::{GlobalType, MemoryType, Mutability, RefType, TableType};
use damson_executor::store::{
    Bytes, Cell, CodeHandle, ExternHandle, FuncHandle, FuncType, HostCall, HostError, HostFunc,
    InstanceHandle, MemoryHandle, ModuleShape, PrunedStore, StoreConfig, TrapCode, ValType,
};
use damson_executor::{CallError, CodeMap, call};
use std::sync::Arc;

pub(crate) const I32: ValType = ValType::I32;
pub(crate) const I64: ValType = ValType::I64;

/// Operand: a slot.
pub(crate) fn s(index: u16) -> Operand {
    Operand::Slot(Slot(index))
}

/// Destination: the accumulator and a slot.
pub(crate) fn rs(index: u16) -> Operand {
    Operand::Rs(Slot(index))
}

/// Destination: a slot.
pub(crate) fn to(index: u16) -> Operand {
    Operand::To(Slot(index))
}

/// Operand: the first of several slots.
pub(crate) fn span(index: u16) -> Operand {
    Operand::Span(Slot(index))
}

/// Operand: an immediate.
pub(crate) fn imm(value: i32) -> Operand {
    Operand::Imm(value)
}

/// Destination: a branch if the result is true.
pub(crate) fn br_if(label: Label) -> Operand {
    Operand::BrIf(label.into())
}

/// The operands after the callee of a call with arguments from `base` on.
pub(crate) fn frame_at(base: u16, ty: &FuncType) -> [Operand; 2] {
    let linkage = base + ty.cells() as u16;
    [
        Operand::Base(Slot(base)),
        Operand::CalleeLinkage(Slot(linkage)),
    ]
}

/// The operands after the callee of a tail call with arguments from `src` on.
pub(crate) fn tail_from(code: &FunctionBuilder, src: u16, ty: &FuncType) -> [Operand; 4] {
    let linkage = Slot(ty.cells() as u16);
    let count = Operand::Count(ty.params().len() as u32);
    [
        code.linkage(),
        span(src),
        count,
        Operand::TailLinkage(linkage),
    ]
}

/// Appends an instruction that the table must have.
pub(crate) trait Push {
    /// Appends it.
    fn op(&mut self, op: impl Operation, operands: &[Operand]);
}

impl Push for FunctionBuilder {
    fn op(&mut self, op: impl Operation, operands: &[Operand]) {
        self.push(op, operands).unwrap();
    }
}

/// Appends the instruction with this opcode.
pub(crate) fn push_opcode(code: &mut FunctionBuilder, opcode: Opcode, operands: &[Operand]) {
    let at = code.push(opcode.op(), operands).unwrap();
    assert!(at < code.position());
}

/// A constant expression.
pub(crate) fn constant(value: i64) -> ConstExpr {
    ConstExpr::new([ConstOp::I64Const(value)])
}

/// An offset of an active segment.
fn offset(value: i32) -> ConstExpr {
    ConstExpr::new([ConstOp::I32Const(value)])
}

/// Appends to one of the boxed lists of a shape and returns the index.
fn append<T>(list: &mut Box<[T]>, item: T) -> u32 {
    let mut items = std::mem::take(list).into_vec();
    items.push(item);
    *list = items.into();
    list.len() as u32 - 1
}

/// A module under construction.
#[derive(Default, Clone)]
pub(crate) struct Module {
    pub(crate) shape: ModuleShape,
    /// The types of all functions.
    pub(crate) funcs: Vec<u32>,
    pub(crate) code: Vec<Function>,
}

impl Module {
    /// Adds a type and returns its index.
    pub(crate) fn ty(&mut self, params: &[ValType], results: &[ValType]) -> u32 {
        self.ty_of(&FuncType::new(
            params.iter().copied(),
            results.iter().copied(),
        ))
    }

    /// Adds a type and returns its index.
    pub(crate) fn ty_of(&mut self, ty: &FuncType) -> u32 {
        append(&mut self.shape.types, ty.clone())
    }

    /// The type with this index.
    pub(crate) fn type_at(&self, ty: u32) -> FuncType {
        self.shape.types[ty as usize].clone()
    }

    fn import(&mut self, ty: ImportType) {
        let import = Import {
            module: "host".into(),
            name: "import".into(),
            ty,
        };
        append(&mut self.shape.imports, import);
    }

    /// Imports a function.
    pub(crate) fn import_func(&mut self, ty: u32) -> u32 {
        self.import(ImportType::Func(ty));
        self.declare(ty)
    }

    /// Imports a memory.
    pub(crate) fn import_memory(&mut self, ty: MemoryType) -> u32 {
        self.import(ImportType::Memory(ty));
        append(&mut self.shape.memories, ty)
    }

    /// Imports a table of functions.
    pub(crate) fn import_table(&mut self, minimum: u32) -> u32 {
        let ty = TableType::new(RefType::Func, minimum, None);
        self.import(ImportType::Table(ty));
        append(&mut self.shape.tables, TableDecl { ty, init: None })
    }

    /// Adds a memory.
    pub(crate) fn memory(&mut self, pages: u64, maximum: Option<u64>) -> u32 {
        append(
            &mut self.shape.memories,
            MemoryType::of_pages(pages, maximum),
        )
    }

    /// Adds a table.
    pub(crate) fn table(&mut self, element: RefType, size: u32, maximum: Option<u32>) -> u32 {
        let ty = TableType::new(element, size, maximum);
        append(&mut self.shape.tables, TableDecl { ty, init: None })
    }

    /// Adds a mutable global.
    pub(crate) fn global(&mut self, ty: ValType, init: ConstExpr) -> u32 {
        let ty = GlobalType::new(ty, Mutability::Var);
        append(
            &mut self.shape.globals,
            GlobalDecl {
                ty,
                init: Some(init),
            },
        )
    }

    /// Adds a passive data segment.
    pub(crate) fn data(&mut self, bytes: &[u8]) -> u32 {
        let segment = DataDecl {
            bytes: Bytes::copy_from_slice(bytes),
            mode: SegmentMode::Passive,
        };
        append(&mut self.shape.data, segment)
    }

    /// Adds a passive element segment.
    pub(crate) fn elements(&mut self, funcs: &[u32]) -> u32 {
        self.segment(funcs, SegmentMode::Passive)
    }

    /// Adds an active element segment.
    pub(crate) fn fill_table(&mut self, index: u32, at: i32, funcs: &[u32]) -> u32 {
        let offset = offset(at);
        self.segment(funcs, SegmentMode::Active { index, offset })
    }

    fn segment(&mut self, funcs: &[u32], mode: SegmentMode) -> u32 {
        let segment = ElementDecl {
            ty: RefType::Func,
            items: ElementItems::Funcs(funcs.into()),
            mode,
        };
        append(&mut self.shape.elements, segment)
    }

    /// Adds a function, all imports have to be there.
    pub(crate) fn func(
        &mut self,
        ty: u32,
        frame: u32,
        build: impl FnOnce(&mut FunctionBuilder),
    ) -> u32 {
        let signature = &self.shape.types[ty as usize];
        let (params, results) = (signature.params().len(), signature.results().len());
        let mut code = FunctionBuilder::new(params as u16, results as u16);
        build(&mut code);
        self.code.push(code.finish(frame).unwrap());
        self.declare(ty)
    }

    /// Adds a function without code.
    pub(crate) fn declare(&mut self, ty: u32) -> u32 {
        self.funcs.push(ty);
        self.funcs.len() as u32 - 1
    }

    /// Verifies and defines everything.
    pub(crate) fn finish(mut self) -> (Arc<ModuleShape>, CodeHandle) {
        self.shape.funcs = self.funcs.into();
        let shape = Arc::new(self.shape);
        let map = CodeMap::new(Arc::clone(&shape));
        for (index, function) in self.code.into_iter().enumerate() {
            let func_index = shape.num_imported_funcs() + index as u32;
            let verified: Verified = function.verify(&shape, func_index).unwrap();
            map.define(func_index, verified).unwrap();
        }
        let handle = map.handle();
        (shape, handle)
    }

    /// Makes an instance in a store.
    pub(crate) fn instantiate(
        self,
        store: &mut PrunedStore,
        imports: &[ExternHandle],
    ) -> InstanceHandle {
        let (shape, handle) = self.finish();
        store.as_mut().instantiate(&shape, handle, imports).unwrap()
    }
}

/// A function of an instance by its index.
pub(crate) fn func(store: &PrunedStore, instance: InstanceHandle, index: u32) -> FuncHandle {
    let instance = store.as_ref().instance(instance).unwrap();
    instance.func(index).unwrap().handle()
}

/// A memory of an instance by its index.
pub(crate) fn memory(store: &PrunedStore, instance: InstanceHandle, index: u32) -> MemoryHandle {
    let memory = store.as_ref().instance(instance).unwrap().memory(index);
    // SAFETY: memories live as long as their store, which is borrowed and not running.
    unsafe { (*memory).handle() }
}

/// The bytes of a memory of an instance.
pub(crate) fn bytes(store: &PrunedStore, instance: InstanceHandle, index: u32) -> &[u8] {
    let memory = memory(store, instance, index);
    store.as_ref().memory(memory).unwrap().data()
}

/// A store with a unit as data.
pub(crate) fn store() -> PrunedStore {
    PrunedStore::new((), StoreConfig::default())
}

/// A store with some fuel.
pub(crate) fn store_with_fuel(fuel: u64) -> PrunedStore {
    let mut config = StoreConfig::default();
    config.fuel = Some(fuel);
    PrunedStore::new((), config)
}

/// Adds a host function to a store.
pub(crate) fn host(
    store: &mut PrunedStore,
    ty: &FuncType,
    body: impl Fn(HostCall<'_>, &mut [Cell]) -> Result<(), HostError> + Send + Sync + 'static,
) -> FuncHandle {
    store
        .as_mut()
        .alloc_host_func(HostFunc::untyped(ty.clone(), body))
        .unwrap()
}

/// Calls a function with 64-bit arguments; returns the cells.
pub(crate) fn run(
    store: &mut PrunedStore,
    func: FuncHandle,
    arguments: &[u64],
) -> Result<Vec<u64>, CallError> {
    let len = store.as_ref().func(func).unwrap().ty().cells();
    let mut cells: Vec<Cell> = arguments
        .iter()
        .map(|&bits| Cell::from_bits(bits))
        .collect();
    cells.resize(len, Cell::ZERO);
    call(store.as_mut(), func, &mut cells)?;
    Ok(cells.into_iter().map(Cell::to_bits).collect())
}

/// The trap that a call ended with.
pub(crate) fn trap(result: Result<Vec<u64>, CallError>) -> TrapCode {
    match result {
        Err(CallError::Trap(trap)) => trap.code,
        other => panic!("expected a trap, found {other:?}"),
    }
}

/// Makes a module of one function without imports, and calls it.
pub(crate) fn eval(
    types: (&[ValType], &[ValType]),
    frame: u32,
    arguments: &[u64],
    build: impl FnOnce(&mut FunctionBuilder),
) -> Result<Vec<u64>, CallError> {
    let mut module = Module::default();
    let ty = module.ty(types.0, types.1);
    let index = module.func(ty, frame, build);
    let mut store = store();
    let instance = module.instantiate(&mut store, &[]);
    let func = func(&store, instance, index);
    run(&mut store, func, arguments)
}
