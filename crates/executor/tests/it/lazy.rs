//! Missing code, code that is made on the way, and what keeps it alive.

use crate::support::*;
use damson_executor::ir::*;
use damson_executor::store::types::RefType;
use damson_executor::store::{FuncType, TrapCode};
use damson_executor::{CallError, CodeMap, CompileError, Compiler, DefineError, call};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn number() -> FuncType {
    FuncType::new([I64], [I64])
}

/// A function that calls a function without code.
fn calls_missing() -> Module {
    let mut module = Module::default();
    let ty = module.ty_of(&number());
    module.func(ty, 8, |code| {
        code.op(CopyValue::IntCopy, &[to(4), s(0)]);
        let [base, linkage] = frame_at(4, &number());
        code.op(Call::Call, &[Operand::DefinedFunc(1), base, linkage]);
        code.op(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc]);
    });
    module.declare(ty);
    module
}

#[test]
fn a_function_without_code_is_an_error() {
    let mut store = store();
    let instance = calls_missing().instantiate(&mut store, &[]);
    for index in [0, 1, 0] {
        let func = func(&store, instance, index);
        let error = run(&mut store, func, &[1]).unwrap_err();
        assert!(
            matches!(error, CallError::NoCode { func_index: 1 }),
            "{error}"
        );
    }
}

/// Makes code for the functions of a module from a list, counting how often, and how many of
/// it are alive.
struct Shelf {
    shape: Arc<damson_executor::store::ModuleShape>,
    functions: Vec<Option<Function>>,
    made: Arc<AtomicU64>,
    alive: Arc<AtomicU64>,
}

impl Shelf {
    fn code_map(module: Module) -> (Arc<CodeMap>, Arc<AtomicU64>, Arc<AtomicU64>) {
        let functions = module.code.iter().cloned().map(Some).collect();
        Self::code_map_of(module, functions)
    }

    fn code_map_of(
        mut module: Module,
        functions: Vec<Option<Function>>,
    ) -> (Arc<CodeMap>, Arc<AtomicU64>, Arc<AtomicU64>) {
        module.shape.funcs = module.funcs.into();
        let shape = Arc::new(module.shape);
        let (made, alive) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(1)));
        let shelf = Self {
            shape: Arc::clone(&shape),
            functions,
            made: Arc::clone(&made),
            alive: Arc::clone(&alive),
        };
        (CodeMap::with_compiler(shape, Box::new(shelf)), made, alive)
    }
}

impl Compiler for Shelf {
    fn compile(&self, func_index: u32) -> Result<Verified, CompileError> {
        self.made.fetch_add(1, Ordering::Relaxed);
        let imported = self.shape.num_imported_funcs();
        let function = &self.functions[(func_index - imported) as usize];
        let function = function.clone().ok_or("nothing on the shelf")?;
        Ok(function.verify(&self.shape, func_index)?)
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

/// even(n) = n == 0 ? 1 : odd(n - 1), odd(n) = n == 0 ? 0 : even(n - 1); with calls, tail calls
/// and calls through a table; and a function that is never called.
fn even_and_odd(how: Family) -> Module {
    let mut module = Module::default();
    let ty = module.ty_of(&number());
    let imported = module.import_func(ty);
    assert_eq!(
        imported, 0,
        "so that indices of defined functions are shifted"
    );
    let table = module.table(RefType::Func, 2, None);
    for (own, other) in [(1, 2), (2, 1)] {
        module.func(ty, 10, |code| {
            let done = code.new_label();
            code.op(IntTest::I64Eqz, &[br_if(done), s(0)]);
            code.op(IntBinary::I64Sub, &[rs(5), s(0), imm(1)]);
            code.op(CopyValue::IntCopy, &[to(4), imm(other - 1)]);
            let direct = [Operand::DefinedFunc(other as u32)];
            let indirect = [s(4), Operand::FuncTable(table), Operand::Type(ty)];
            let frame = frame_at(5, &number());
            let tail = tail_from(code, 5, &number());
            match how {
                Family::Call => code.op(Call::Call, &[&direct[..], &frame].concat()),
                Family::CallIndirect => {
                    code.op(
                        CallIndirect::CallIndirect,
                        &[&indirect[..], &frame].concat(),
                    );
                }
                Family::ReturnCall => {
                    code.op(ReturnCall::ReturnCall, &[&direct[..], &tail].concat());
                }
                _ => {
                    let operands = [&indirect[..], &tail].concat();
                    code.op(ReturnCallIndirect::ReturnCallIndirect, &operands);
                }
            }
            if matches!(how, Family::Call | Family::CallIndirect) {
                code.op(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc]);
            }
            code.bind(done);
            code.op(ReturnValue::IntReturn, &[code.linkage(), imm(2 - own)]);
        });
    }
    module.func(ty, 3, |code| code.op(Unreachable::Unreachable, &[]));
    module.fill_table(table, 0, &[1, 2]);
    module
}

#[test]
fn functions_are_compiled_when_they_are_first_called() {
    let ways = [
        Family::Call,
        Family::CallIndirect,
        Family::ReturnCall,
        Family::ReturnCallIndirect,
    ];
    for how in ways {
        let (map, made, _) = Shelf::code_map(even_and_odd(how));
        let mut store = store();
        let unused = host(&mut store, &number(), |_, _| Ok(()));
        let shape = Arc::clone(map.shape());
        let instance = store
            .as_mut()
            .instantiate(&shape, map.handle(), &[unused.into()])
            .unwrap();
        assert_eq!(made.load(Ordering::Relaxed), 0, "nothing is compiled ahead");
        let even = func(&store, instance, 1);
        assert_eq!(run(&mut store, even, &[0]).unwrap(), [1]);
        assert_eq!(made.load(Ordering::Relaxed), 1);
        assert!(map.is_defined(1) && !map.is_defined(2) && !map.is_defined(3));
        assert_eq!(run(&mut store, even, &[7]).unwrap(), [0]);
        assert_eq!(run(&mut store, even, &[8]).unwrap(), [1]);
        assert_eq!(made.load(Ordering::Relaxed), 2, "{how:?}: each once");
        assert!(map.is_defined(2) && !map.is_defined(3));
    }
}

/// A read, then a call, in one instruction: the read may trap, and its address may be where
/// the result goes.
#[test]
fn a_call_that_a_trap_prevents_asks_for_no_code() {
    let wanted = Opcode::all().filter(|opcode| {
        let families: Vec<_> = opcode.op().parts().iter().map(|op| op.family()).collect();
        families == [Family::Load, Family::Call]
    });
    let wanted: Vec<_> = wanted.collect();
    assert_eq!(wanted.is_empty(), IS_COMPACT);
    for load_then_call in wanted {
        let mut module = Module::default();
        let ty = module.ty_of(&number());
        module.memory(1, Some(1));
        module.func(ty, 8, |code| {
            code.op(CopyValue::IntCopy, &[rs(4), s(0)]);
            let [base, linkage] = frame_at(4, &number());
            let address = match load_then_call.form().kinds[1] {
                Kind::Acc => Operand::Acc,
                _ => s(4),
            };
            let (at, callee) = (Operand::Offset(1), Operand::DefinedFunc(1));
            let operands = [rs(4), address, at, callee, base, linkage];
            push_opcode(code, load_then_call, &operands);
            code.op(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc]);
        });
        module.func(ty, 3, |code| {
            code.op(IntBinary::I64Add, &[Operand::R, s(0), imm(1)]);
            code.op(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc]);
        });
        let (map, made, _) = Shelf::code_map(module);
        let mut store = store();
        let shape = Arc::clone(map.shape());
        let instance = store.as_mut().instantiate(&shape, map.handle(), &[]);
        let instance = instance.unwrap();
        let memory = memory(&store, instance, 0);
        store.as_mut().memory_mut(memory).unwrap().data_mut()[8] = 40;
        let caller = func(&store, instance, 0);
        let code = trap(run(&mut store, caller, &[65536]));
        assert_eq!(code, TrapCode::MemoryOutOfBounds, "{load_then_call}");
        assert_eq!(made.load(Ordering::Relaxed), 1, "{load_then_call}");
        for _ in 0..2 {
            let found = run(&mut store, caller, &[7]).unwrap();
            assert_eq!(found, [41], "{load_then_call}");
        }
        assert_eq!(made.load(Ordering::Relaxed), 2, "{load_then_call}");
    }
}

#[test]
fn functions_are_compiled_inside_of_nested_host_calls() {
    // Wasm calls the host, which calls a function that nobody has called before, and so on.
    const DEPTH: u32 = 20;
    let mut module = Module::default();
    let ty = module.ty_of(&number());
    let imported = module.import_func(ty);
    for _ in 0..DEPTH {
        module.func(ty, 8, |code| {
            code.op(IntBinary::I64Add, &[rs(4), s(0), imm(1)]);
            let [base, linkage] = frame_at(4, &number());
            code.op(
                CallImport::CallImport,
                &[Operand::ImportedFunc(imported), base, linkage],
            );
            code.op(IntBinary::I64Add, &[Operand::R, Operand::Acc, imm(1000)]);
            code.op(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc]);
        });
    }
    let (map, made, alive) = Shelf::code_map(module);
    let mut store = store();
    // Calls the function number `cells[0]` of the instance that calls it.
    let next = host(&mut store, &number(), |host, cells| {
        let index = cells[0].get::<u32>() + 1;
        let instance = host.store.instance(host.instance.unwrap())?;
        match instance.func(index) {
            Some(func) => {
                let func = func.handle();
                Ok(call(host.store, func, cells)?)
            }
            None => Ok(()),
        }
    });
    let shape = Arc::clone(map.shape());
    let instance = store
        .as_mut()
        .instantiate(&shape, map.handle(), &[next.into()])
        .unwrap();
    let first = func(&store, instance, 1);
    let expected = u64::from(DEPTH) * 1001;
    assert_eq!(run(&mut store, first, &[0]).unwrap(), [expected]);
    assert_eq!(made.load(Ordering::Relaxed), u64::from(DEPTH));
    assert_eq!(run(&mut store, first, &[0]).unwrap(), [expected]);
    assert_eq!(made.load(Ordering::Relaxed), u64::from(DEPTH));
    // Code and compiler live as long as anything that may run them, and no longer.
    drop(map);
    assert_eq!(run(&mut store, first, &[0]).unwrap(), [expected]);
    assert_eq!(alive.load(Ordering::Relaxed), 1);
    drop(store);
    assert_eq!(
        alive.load(Ordering::Relaxed),
        0,
        "the map is freed with the store"
    );
    assert_eq!(
        Arc::strong_count(&shape),
        1,
        "nothing else holds the module"
    );
}

#[test]
fn a_compiler_that_fails_is_asked_again() {
    let module = calls_missing();
    let first = module.code[0].clone();
    // Nothing, then code of another function.
    let other = {
        let mut code = FunctionBuilder::new(3, 3);
        code.op(Unreachable::Unreachable, &[]);
        code.finish(5).unwrap()
    };
    for (second, message) in [(None, "nothing on the shelf"), (Some(other), "parameters")] {
        let (map, made, _) = Shelf::code_map_of(module.clone(), vec![Some(first.clone()), second]);
        let mut store = store();
        let shape = Arc::clone(map.shape());
        let instance = store
            .as_mut()
            .instantiate(&shape, map.handle(), &[])
            .unwrap();
        let func = func(&store, instance, 0);
        for round in 0..3 {
            let error = run(&mut store, func, &[1]).unwrap_err();
            let CallError::Compile {
                func_index: 1,
                source,
            } = error
            else {
                panic!("{error}")
            };
            assert!(source.to_string().contains(message), "{source}");
            assert_eq!(made.load(Ordering::Relaxed), 2 + round);
        }
    }
}

/// Gives for every function the code of function 0.
struct Confused(Arc<damson_executor::store::ModuleShape>, Function);

impl Compiler for Confused {
    fn compile(&self, _: u32) -> Result<Verified, CompileError> {
        Ok(self.1.clone().verify(&self.0, 0)?)
    }
}

#[test]
fn code_of_another_function_is_refused() {
    let mut module = calls_missing();
    let function = module.code[0].clone();
    module.shape.funcs = module.funcs.clone().into();
    let shape = Arc::new(module.shape);
    let compiler = Confused(Arc::clone(&shape), function);
    let map = CodeMap::with_compiler(Arc::clone(&shape), Box::new(compiler));
    let mut store = store();
    let instance = store
        .as_mut()
        .instantiate(&shape, map.handle(), &[])
        .unwrap();
    let func = func(&store, instance, 0);
    let error = run(&mut store, func, &[1]).unwrap_err();
    let CallError::Compile {
        func_index: 1,
        source,
    } = error
    else {
        panic!("{error}")
    };
    let expected = DefineError::OtherFunction {
        expected: 1,
        found: 0,
    };
    assert_eq!(*source.downcast::<DefineError>().unwrap(), expected);
}

#[test]
fn code_is_defined_once_and_where_it_belongs() {
    let mut module = calls_missing();
    let function = module.code[0].clone();
    module.shape.funcs = module.funcs.clone().into();
    let shape = Arc::new(module.shape.clone());
    // Equal, but not the same.
    let twin = Arc::new(module.shape);
    let map = CodeMap::new(Arc::clone(&shape));
    let verified = function.clone().verify(&shape, 0).unwrap();
    let foreign = function.verify(&twin, 0).unwrap();
    let error = map.define(0, foreign).unwrap_err();
    assert_eq!(error, DefineError::OtherModule { func_index: 0 });
    let error = map.define(1, verified.clone()).unwrap_err();
    assert_eq!(
        error,
        DefineError::OtherFunction {
            expected: 1,
            found: 0
        }
    );
    assert!(!map.is_defined(0));
    map.define(0, verified.clone()).unwrap();
    assert!(map.is_defined(0) && !map.is_defined(1) && !map.is_defined(u32::MAX));
    let error = map.define(0, verified).unwrap_err();
    assert_eq!(error, DefineError::AlreadyDefined { func_index: 0 });
    assert!(error.to_string().contains("function 0"), "{error}");
}

#[test]
fn threads_share_code_that_is_compiled_on_the_way() {
    for _ in 0..20 {
        let (map, _, _) = Shelf::code_map(even_and_odd(Family::Call));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut store = store();
                    let unused = host(&mut store, &number(), |_, _| Ok(()));
                    let shape = Arc::clone(map.shape());
                    let imports = [unused.into()];
                    let instance = store.as_mut().instantiate(&shape, map.handle(), &imports);
                    let even = func(&store, instance.unwrap(), 1);
                    assert_eq!(run(&mut store, even, &[101]).unwrap(), [0]);
                });
            }
        });
    }
}
