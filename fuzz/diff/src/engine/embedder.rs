//! Running a case on Damson or on wasmi: the same text, because Damson's interface
//! has wasmi's names.

/// Defines `run` against a crate. Beside it there must be `is_same`, which says whether two
/// functions are one, and `trap_in_words`, which knows traps that an error only tells of.
macro_rules! embedder {
    ($engine:ident) => {
        use damson_generator::{Const, Effect, FUEL, HostFn, Ty};
        use $engine::{
            Caller, Config, Engine, Error, Extern, F32, F64, FuncType, Instance, Linker, Module,
            Nullable, Ref, Store, TrapCode, Val, ValType,
        };

        use crate::outcome::{Case, Element, Ended, HostData, Outcome, State, Stop};
        use crate::value::Value;

        /// Runs the case in a store that was made ready for the configuration; gives
        /// what was observed and how much fuel is left.
        pub(crate) fn run(
            case: &Case,
            wasm: &[u8],
            config: &Config,
            make_ready: impl FnOnce(&mut Store<HostData>),
        ) -> (Outcome, u64) {
            let engine = Engine::new(config);
            let module = match Module::new(&engine, wasm) {
                Ok(module) => module,
                Err(error) => return (Outcome::Refused(error.to_string()), 0),
            };
            let mut store = Store::new(&engine, HostData::default());
            make_ready(&mut store);
            let mut linker = Linker::new(&engine);
            define_host(&mut linker);
            let mut peer = None;
            if module.imports().any(|import| import.module() == "peer") {
                match instantiate_peer(&mut store, &mut linker, &engine) {
                    Ok(instance) => peer = Some(instance),
                    Err(error) => return (Outcome::Refused(error.to_string()), 0),
                }
            }
            let mut ended = Vec::new();
            let mut state = Vec::new();
            match linker.instantiate_and_start(&mut store, &module) {
                Err(error) => ended.push(Err(stop(&error))),
                Ok(instance) => {
                    ended.push(Ok(Vec::new()));
                    if let Some(peer) = peer {
                        introduce(&mut store, peer, instance);
                    }
                    for (name, args) in &case.calls {
                        // What is left after a run was cut off says nothing.
                        if ended.last() != Some(&Err(Stop::OUT_OF_FUEL)) {
                            ended.push(call(&mut store, instance, name, args));
                        }
                    }
                    state = observe(&store, instance, "");
                    if let Some(peer) = peer {
                        state.extend(observe(&store, peer, "peer "));
                    }
                }
            }
            let left = store.get_fuel().unwrap_or(0);
            (
                Outcome::Ran {
                    ended,
                    log: store.into_data().log,
                    state,
                },
                left,
            )
        }

        fn call(
            store: &mut Store<HostData>,
            instance: Instance,
            name: &str,
            args: &[Value],
        ) -> Ended {
            if let Some(counter) = instance.get_global(&*store, "fuel") {
                counter
                    .set(&mut *store, Val::I32(FUEL))
                    .expect("`fuel` is a mutable i32");
            }
            let Some(func) = instance.get_func(&*store, name) else {
                return Err(Stop::Other(format!("no function {name} is exported")));
            };
            let args: Vec<_> = args.iter().map(|arg| to_val(*arg)).collect();
            let ty = func.ty(&*store);
            let mut results: Vec<_> = ty
                .results()
                .iter()
                .map(|ty| Val::default_for_ty(*ty))
                .collect();
            match func.call(store, &args, &mut results) {
                Ok(()) => Ok(results.iter().map(from_val).collect()),
                Err(error) => Err(stop(&error)),
            }
        }

        /// An instance of the module that programs may import from.
        fn instantiate_peer(
            store: &mut Store<HostData>,
            linker: &mut Linker<HostData>,
            engine: &Engine,
        ) -> Result<Instance, Error> {
            let module = Module::new(engine, crate::outcome::peer())?;
            let instance = linker.instantiate_and_start(&mut *store, &module)?;
            linker.instance(&mut *store, "peer", instance)?;
            Ok(instance)
        }

        /// Lets the peer call the program.
        fn introduce(store: &mut Store<HostData>, peer: Instance, instance: Instance) {
            let table = peer
                .get_table(&*store, "table")
                .expect("the peer exports it");
            if let Some(f0) = instance.get_func(&*store, "f0") {
                let element = Ref::Func(Nullable::Val(f0));
                table
                    .set(&mut *store, 0, element)
                    .expect("it has two elements");
            }
        }

        fn define_host(linker: &mut Linker<HostData>) {
            for host in HostFn::all().filter(|host| host.module() == "host") {
                let types = |types: &[Ty]| types.iter().map(|ty| val_type(*ty)).collect::<Vec<_>>();
                let ty = FuncType::new(types(host.params()), types(host.results_ty()));
                linker
                    .func_new("host", host.name(), ty, move |caller, args, results| {
                        host_call(host, caller, args, results)
                    })
                    .expect("the names differ");
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
                    results[0] = Val::I32(call_back(caller, *arg)?);
                }
                (Effect::Fail, ..) => return Err(Error::new("the host failed")),
                _ => return Err(Error::new("the host function was called in another way")),
            }
            Ok(())
        }

        /// Calls the export `f0`. Running out of fuel goes on to the caller, as the
        /// rest of a run that is cut off must not be observed.
        fn call_back(mut caller: Caller<'_, HostData>, arg: i32) -> Result<i32, Error> {
            let func = caller.get_export("f0").and_then(Extern::into_func);
            let (Some(func), true) = (func, caller.data().nesting < HostFn::MAX_NESTING) else {
                return Ok(-1);
            };
            caller.data_mut().nesting += 1;
            let mut results = [Val::I32(0)];
            let ended = func.call(&mut caller, &[Val::I32(arg)], &mut results);
            caller.data_mut().nesting -= 1;
            match (ended, &results[0]) {
                (Ok(()), Val::I32(result)) => Ok(*result),
                (Err(error), _) if error.as_trap_code() == Some(TrapCode::OutOfFuel) => Err(error),
                _ => Ok(-1),
            }
        }

        fn observe(store: &Store<HostData>, instance: Instance, of: &str) -> Vec<(String, State)> {
            let mut exports: Vec<_> = instance
                .exports(store)
                .map(|export| (format!("{of}{}", export.name()), export.into_extern()))
                .collect();
            exports.sort_by(|(a, _), (b, _)| a.cmp(b));
            let funcs: Vec<_> = exports
                .iter()
                .filter_map(|(name, export)| Some((name.clone(), export.into_func()?)))
                .collect();
            exports
                .into_iter()
                .filter_map(|(name, export)| {
                    let state = match export {
                        Extern::Global(global) => State::Global(from_val(&global.get(store))),
                        Extern::Memory(memory) => State::Memory(memory.data(store).to_vec()),
                        Extern::Table(table) => {
                            let elements = (0..table.size(store)).map(|at| {
                                let func = match table.get(store, at) {
                                    Some(
                                        Ref::Func(Nullable::Null) | Ref::Extern(Nullable::Null),
                                    ) => return Element::Null,
                                    Some(Ref::Func(Nullable::Val(func))) => func,
                                    _ => return Element::Other,
                                };
                                let export = funcs.iter().find(|(_, other)| is_same(&func, other));
                                export.map_or(Element::Other, |(name, _)| {
                                    Element::Export(name.clone())
                                })
                            });
                            State::Table(elements.collect())
                        }
                        _ => return None,
                    };
                    Some((name, state))
                })
                .collect()
        }

        fn stop(error: &Error) -> Stop {
            let Some(code) = error.as_trap_code() else {
                let message = error.to_string();
                if message == "the host failed" {
                    return Stop::HostFailed;
                }
                return trap_in_words(&message).map_or(Stop::Other(message), Stop::Trap);
            };
            Stop::Trap(match code {
                TrapCode::UnreachableCodeReached => "UnreachableCodeReached",
                TrapCode::MemoryOutOfBounds => "MemoryOutOfBounds",
                TrapCode::TableOutOfBounds => "TableOutOfBounds",
                TrapCode::IndirectCallToNull => "IndirectCallToNull",
                TrapCode::IntegerDivisionByZero => "IntegerDivisionByZero",
                TrapCode::IntegerOverflow => "IntegerOverflow",
                TrapCode::BadConversionToInteger => "BadConversionToInteger",
                TrapCode::StackOverflow => "StackOverflow",
                TrapCode::BadSignature => "BadSignature",
                TrapCode::OutOfFuel => "OutOfFuel",
                _ => return Stop::Other(error.to_string()),
            })
        }

        fn val_type(ty: Ty) -> ValType {
            match ty {
                Ty::I32 => ValType::I32,
                Ty::I64 => ValType::I64,
                Ty::F32 => ValType::F32,
                Ty::F64 => ValType::F64,
                Ty::Func => ValType::FuncRef,
            }
        }

        fn to_val(value: Value) -> Val {
            match value {
                Value::Const(Const::I32(value)) => Val::I32(value),
                Value::Const(Const::I64(value)) => Val::I64(value),
                Value::Const(Const::F32(bits)) => Val::F32(F32::from_bits(bits)),
                Value::Const(Const::F64(bits)) => Val::F64(F64::from_bits(bits)),
                Value::Const(Const::NullFunc) | Value::Func => Val::FuncRef(Nullable::Null),
                Value::NullExtern | Value::Extern => Val::ExternRef(Nullable::Null),
            }
        }

        fn from_val(value: &Val) -> Value {
            match value {
                Val::I32(value) => Const::I32(*value).into(),
                Val::I64(value) => Const::I64(*value).into(),
                Val::F32(value) => Const::F32(value.to_bits()).into(),
                Val::F64(value) => Const::F64(value.to_bits()).into(),
                Val::FuncRef(Nullable::Null) => Const::NullFunc.into(),
                Val::FuncRef(Nullable::Val(_)) => Value::Func,
                Val::ExternRef(Nullable::Null) => Value::NullExtern,
                _ => Value::Extern,
            }
        }
    };
}

pub(crate) use embedder;
