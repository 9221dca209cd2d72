//! Wasmtime.

use damson_generator::{Const, Effect, FUEL, HostFn, Ty};
use wasmtime::{
    Caller, Config, Engine, Error, Extern, FuncType, Instance, Linker, Module, Ref, RefType, Store,
    Trap, Val, ValType,
};

use crate::outcome::{Case, Element, Ended, HostData, Outcome, State, Stop};
use crate::value::Value;

/// The message of the error with which the host fails.
const HOST_FAILED: &str = "the host failed";

/// Runs the case on Wasmtime.
#[must_use]
pub fn observe_run(case: &Case) -> Outcome {
    match run(case) {
        Ok(outcome) => outcome,
        Err(error) => Outcome::Refused(format!("{error:#}")),
    }
}

fn run(case: &Case) -> Result<Outcome, Error> {
    let mut config = Config::new();
    config
        .wasm_tail_call(true)
        .wasm_multi_memory(true)
        .wasm_backtrace_max_frames(None);
    let engine = Engine::new(&config)?;
    let module = Module::new(&engine, &case.wasm)?;
    let mut store = Store::new(&engine, HostData::default());
    let mut linker = Linker::new(&engine);
    for host in HostFn::all().filter(|host| host.module() == "host") {
        let types = |types: &[Ty]| types.iter().map(|ty| val_type(*ty)).collect::<Vec<_>>();
        let ty = FuncType::new(&engine, types(host.params()), types(host.results_ty()));
        linker.func_new("host", host.name(), ty, move |caller, args, results| {
            host_call(host, caller, args, results)
        })?;
    }
    let mut peer = None;
    if module.imports().any(|import| import.module() == "peer") {
        let module = Module::new(&engine, crate::outcome::peer())?;
        let instance = linker.instantiate(&mut store, &module)?;
        linker.instance(&mut store, "peer", instance)?;
        peer = Some(instance);
    }
    let mut ended = Vec::new();
    let mut state = Vec::new();
    match linker.instantiate(&mut store, &module) {
        Err(error) => ended.push(Err(stop(&error))),
        Ok(instance) => {
            ended.push(Ok(Vec::new()));
            if let Some(peer) = peer {
                introduce(&mut store, peer, instance);
            }
            for (name, args) in &case.calls {
                ended.push(call(&mut store, instance, name, args));
            }
            state = observe(&mut store, instance, "");
            if let Some(peer) = peer {
                state.extend(observe(&mut store, peer, "peer "));
            }
        }
    }
    Ok(Outcome::Ran {
        ended,
        log: store.into_data().log,
        state,
    })
}

/// Lets the peer call the program.
fn introduce(store: &mut Store<HostData>, peer: Instance, instance: Instance) {
    let table = peer
        .get_table(&mut *store, "table")
        .expect("the peer exports it");
    if let Some(f0) = instance.get_func(&mut *store, "f0") {
        table
            .set(&mut *store, 0, Ref::Func(Some(f0)))
            .expect("it has two elements");
    }
}

fn call(store: &mut Store<HostData>, instance: Instance, name: &str, args: &[Value]) -> Ended {
    if let Some(counter) = instance.get_global(&mut *store, "fuel") {
        counter
            .set(&mut *store, Val::I32(FUEL))
            .expect("`fuel` is a mutable i32");
    }
    let Some(func) = instance.get_func(&mut *store, name) else {
        return Err(Stop::Other(format!("no function {name} is exported")));
    };
    let args: Vec<_> = args.iter().map(|arg| to_val(*arg)).collect();
    let mut results = vec![Val::I32(0); func.ty(&*store).results().len()];
    match func.call(store, &args, &mut results) {
        Ok(()) => Ok(results.iter().map(from_val).collect()),
        Err(error) => Err(stop(&error)),
    }
}

fn host_call(
    host: HostFn,
    mut caller: Caller<'_, HostData>,
    args: &[Val],
    results: &mut [Val],
) -> Result<(), Error> {
    let values: Vec<_> = args.iter().map(from_val).collect();
    caller.data_mut().log.push((host, values.clone()));
    let consts: Vec<_> = values
        .iter()
        .filter_map(|value| match value {
            Value::Const(value) => Some(*value),
            _ => None,
        })
        .collect();
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    match (host.effect(), &*consts, memory) {
        (Effect::None, ..) => {
            for (result, value) in results.iter_mut().zip(host.results(&consts)) {
                *result = to_val(value.into());
            }
        }
        (Effect::Grow, [Const::I32(pages)], Some(memory)) => {
            let old = memory.grow(&mut caller, (*pages & 1) as u64);
            results[0] = Val::I32(old.map_or(-1, |pages| pages as i32));
        }
        (Effect::Poke, [Const::I32(address), Const::I32(value)], Some(memory)) => {
            let data = memory.data_mut(&mut caller);
            if !data.is_empty() {
                let at = address.cast_unsigned() as usize % data.len();
                data[at] = *value as u8;
            }
        }
        (Effect::CallBack, [Const::I32(arg)], _) => {
            results[0] = Val::I32(call_back(caller, *arg));
        }
        (Effect::Fail, ..) => return Err(Error::msg(HOST_FAILED)),
        _ => return Err(Error::msg("the host function was called in another way")),
    }
    Ok(())
}

fn call_back(mut caller: Caller<'_, HostData>, arg: i32) -> i32 {
    let func = caller.get_export("f0").and_then(Extern::into_func);
    let (Some(func), true) = (func, caller.data().nesting < HostFn::MAX_NESTING) else {
        return -1;
    };
    caller.data_mut().nesting += 1;
    let mut results = [Val::I32(0)];
    let ended = func.call(&mut caller, &[Val::I32(arg)], &mut results);
    caller.data_mut().nesting -= 1;
    match (ended, &results[0]) {
        (Ok(()), Val::I32(result)) => *result,
        _ => -1,
    }
}

fn observe(store: &mut Store<HostData>, instance: Instance, of: &str) -> Vec<(String, State)> {
    let mut exports: Vec<_> = instance
        .exports(&mut *store)
        .map(|export| (format!("{of}{}", export.name()), export.into_extern()))
        .collect();
    exports.sort_by(|(a, _), (b, _)| a.cmp(b));
    let funcs: Vec<_> = exports
        .iter()
        .filter_map(|(name, export)| Some((name.clone(), export.clone().into_func()?)))
        .map(|(name, func)| (name, func.to_raw(&mut *store)))
        .collect();
    let mut states = Vec::new();
    for (name, export) in exports {
        let state = match export {
            Extern::Global(global) => State::Global(from_val(&global.get(&mut *store))),
            Extern::Memory(memory) => State::Memory(memory.data(&*store).to_vec()),
            Extern::Table(table) => {
                let elements = (0..table.size(&*store)).map(|at| {
                    let func = match table.get(&mut *store, at) {
                        Some(element) if element.is_null() => return Element::Null,
                        Some(Ref::Func(Some(func))) => func.to_raw(&mut *store),
                        _ => return Element::Other,
                    };
                    let export = funcs.iter().find(|(_, other)| *other == func);
                    export.map_or(Element::Other, |(name, _)| Element::Export(name.clone()))
                });
                State::Table(elements.collect())
            }
            _ => continue,
        };
        states.push((name, state));
    }
    states
}

fn stop(error: &Error) -> Stop {
    let Some(trap) = error.downcast_ref::<Trap>() else {
        return match format!("{:#}", error.root_cause()) {
            message if message == HOST_FAILED => Stop::HostFailed,
            message => Stop::Other(message),
        };
    };
    Stop::Trap(match trap {
        Trap::UnreachableCodeReached => "UnreachableCodeReached",
        Trap::MemoryOutOfBounds => "MemoryOutOfBounds",
        Trap::TableOutOfBounds => "TableOutOfBounds",
        Trap::IndirectCallToNull => "IndirectCallToNull",
        Trap::IntegerDivisionByZero => "IntegerDivisionByZero",
        Trap::IntegerOverflow => "IntegerOverflow",
        Trap::BadConversionToInteger => "BadConversionToInteger",
        Trap::StackOverflow => "StackOverflow",
        Trap::BadSignature => "BadSignature",
        _ => return Stop::Other(error.to_string()),
    })
}

fn val_type(ty: Ty) -> ValType {
    match ty {
        Ty::I32 => ValType::I32,
        Ty::I64 => ValType::I64,
        Ty::F32 => ValType::F32,
        Ty::F64 => ValType::F64,
        Ty::Func => ValType::Ref(RefType::FUNCREF),
    }
}

fn to_val(value: Value) -> Val {
    match value {
        Value::Const(Const::I32(value)) => Val::I32(value),
        Value::Const(Const::I64(value)) => Val::I64(value),
        Value::Const(Const::F32(bits)) => Val::F32(bits),
        Value::Const(Const::F64(bits)) => Val::F64(bits),
        Value::Const(Const::NullFunc) | Value::Func => Val::FuncRef(None),
        Value::NullExtern | Value::Extern => Val::ExternRef(None),
    }
}

fn from_val(value: &Val) -> Value {
    match value {
        Val::I32(value) => Const::I32(*value).into(),
        Val::I64(value) => Const::I64(*value).into(),
        Val::F32(bits) => Const::F32(*bits).into(),
        Val::F64(bits) => Const::F64(*bits).into(),
        Val::FuncRef(None) => Const::NullFunc.into(),
        Val::FuncRef(Some(_)) => Value::Func,
        Val::ExternRef(None) => Value::NullExtern,
        _ => Value::Extern,
    }
}
