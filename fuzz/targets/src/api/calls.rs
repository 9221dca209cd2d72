//! Calls of functions: untyped, typed and raw, right and wrong.

use damson::errors::ErrorKind;
use damson::{Cell, Error, Func, TrapCode, Val, ValType};

use super::instances::HOST_FAILED;
use super::model::{Does, End, Value};
use super::modules::What;
use super::world::{Thing, World, is_foreign, with};

/// A deeper recursion than any stack here holds is not tried.
const MAX_RECURSION: i32 = 60;

impl World<'_> {
    /// A function and arguments for it.
    pub(super) fn func_and_args(&mut self, home: usize) -> Option<(Func, Vec<Value>)> {
        let func = self.func(home)?;
        let (params, _) = self.model.ty(func);
        let mut args: Vec<_> = params.iter().map(|ty| self.value(home, *ty)).collect();
        // Any function may lead to the one that recurses.
        for arg in &mut args {
            if let Value::I32(value) = arg
                && *value > MAX_RECURSION
                && self.may_recurse(func)
            {
                *value %= MAX_RECURSION;
            }
        }
        // A table of functions only holds functions that some sequence can call.
        Some((func, args))
    }

    fn may_recurse(&self, func: Func) -> bool {
        !matches!(
            self.model.funcs[&func],
            Does::Export {
                what: What::Add
                    | What::Div
                    | What::Load
                    | What::Store
                    | What::Get
                    | What::Set
                    | What::Grow
                    | What::Pick
                    | What::Put
                    | What::Swap
                    | What::Object,
                ..
            }
        )
    }

    pub(super) fn call(&mut self) {
        let home = self.home();
        let Some((func, args)) = self.func_and_args(home) else {
            return;
        };
        self.refuel(home);
        let vals: Vec<_> = args.iter().map(|arg| arg.to_val()).collect();
        let (_, results) = self.model.ty(func);
        let mut found = vec![Val::I32(0); results.len()];
        let ended = with!(&mut self.homes[home].held, store => func.call(store, &vals, &mut found));
        let found = ended.map(|()| found.iter().map(Value::from).collect());
        self.compare_end(func, &args, found);
    }

    pub(super) fn compare_end(
        &mut self,
        func: Func,
        args: &[Value],
        found: Result<Vec<Value>, Error>,
    ) {
        match (self.model.call(func, args), found) {
            (End::Results(expected), Ok(found)) => {
                assert_eq!(found, expected);
                self.tally.returned += 1;
            }
            (End::Trap(code), Err(error)) => {
                assert_eq!(error.as_trap_code(), Some(code), "{error:?}");
            }
            (End::HostFailed, Err(error)) => {
                assert!(error.to_string().contains(HOST_FAILED), "{error:?}");
            }
            (expected, found) => {
                let does = self.model.funcs[&func];
                panic!("{does:?} of {args:?}: expected {expected:?}, found {found:?}");
            }
        }
    }

    /// Wrong numbers and types of arguments, wrong stores.
    pub(super) fn call_wrongly(&mut self) {
        let home = self.home();
        let Some((func, args)) = self.func_and_args(home) else {
            return;
        };
        let mut vals: Vec<_> = args.iter().map(|arg| arg.to_val()).collect();
        let mut results = vec![Val::I32(0); self.model.ty(func).1.len()];
        let foreign = self.foreign(home, Thing::func);
        let kind = self.below(5);
        let held = &mut self.homes[home].held;
        let error = match (kind, foreign) {
            (0, Some(foreign)) => {
                let ended = with!(held, store => foreign.call(store, &vals, &mut results));
                is_foreign(ended.expect_err("a foreign function"));
                return;
            }
            (1, Some(foreign)) if self.model.ty(func).0.contains(&ValType::FuncRef) => {
                let last = vals.len() - 1;
                vals[last] = foreign.into();
                let ended = with!(held, store => func.call(store, &vals, &mut results));
                is_foreign(ended.expect_err("a foreign argument"));
                return;
            }
            (2, _) => {
                results.push(Val::I32(0));
                with!(held, store => func.call(store, &vals, &mut results))
            }
            (3, _) if !vals.is_empty() => {
                // No function takes an `f32`.
                vals[0] = Val::F32(0.0.into());
                with!(held, store => func.call(store, &vals, &mut results))
            }
            _ => {
                vals.push(Val::I32(0));
                with!(held, store => func.call(store, &vals, &mut results))
            }
        }
        .expect_err("a wrong call");
        assert!(matches!(error.kind(), ErrorKind::Func(_)), "{error:?}");
    }

    /// As a function of two `i32`, or one.
    pub(super) fn typed_call(&mut self) {
        let home = self.home();
        let Some((func, args)) = self.func_and_args(home) else {
            return;
        };
        self.refuel(home);
        let (params, results) = self.model.ty(func);
        let held = &mut self.homes[home].held;
        let one = with!(&mut *held, store => func.typed::<i32, i32>(&*store));
        let two = with!(&mut *held, store => func.typed::<(i32, i32), i32>(&*store));
        let swap = with!(&mut *held, store => func.typed::<(i64, f64), (f64, i64)>(&*store));
        let i32s = |count| params == vec![ValType::I32; count] && results == [ValType::I32];
        assert_eq!((one.is_ok(), two.is_ok()), (i32s(1), i32s(2)));
        let found = match (&args[..], one, two, swap) {
            ([Value::I32(x)], Ok(one), ..) => {
                with!(held, store => one.call(store, *x)).map(|x| vec![Value::I32(x)])
            }
            ([Value::I32(x), Value::I32(y)], _, Ok(two), _) => {
                with!(held, store => two.call(store, (*x, *y))).map(|x| vec![Value::I32(x)])
            }
            ([Value::I64(x), Value::F64(y)], _, _, Ok(swap)) => {
                let found = with!(held, store => swap.call(store, (*x, f64::from_bits(*y))));
                found.map(|(y, x)| vec![Value::F64(y.to_bits()), Value::I64(x)])
            }
            _ => return,
        };
        self.compare_end(func, &args, found);
    }

    /// With cells of any bits: an error or a trap at most.
    pub(super) fn raw_call(&mut self) {
        let home = self.home();
        let Some(func) = self.own(home, Thing::func) else {
            return;
        };
        let pure = matches!(
            self.model.funcs[&func],
            Does::Export {
                what: What::Add | What::Div | What::Object | What::Swap,
                ..
            } | Does::Adds(_)
        );
        let (params, results) = self.model.ty(func);
        let len = params.len().max(results.len());
        self.refuel(home);
        let mut cells: Vec<Cell> = (0..len)
            .map(|_| Cell::from_bits(self.input.arbitrary().unwrap_or(0)))
            .collect();
        let held = &mut self.homes[home].held;
        let wrong = with!(&mut *held, store => {
            func.call_raw(store, &mut vec![Cell::from_bits(0); len + 1])
        });
        drop(wrong.expect_err("too many cells"));
        if pure {
            let ended = with!(held, store => func.call_raw(store, &mut cells));
            assert!(ended.is_ok() || ended.is_err_and(|error| error.as_trap_code().is_some()));
        }
    }

    /// A recursion ends when the fuel does, and the store goes on.
    pub(super) fn out_of_fuel(&mut self) {
        let home = self.home();
        if !self.meters(home) {
            return;
        }
        let deep = self.own(home, Thing::func).filter(|func| {
            matches!(
                self.model.funcs[func],
                Does::Export {
                    what: What::Deep,
                    ..
                }
            )
        });
        let Some(deep) = deep else { return };
        let fuel = self.below(60) as u64;
        let ended = with!(&mut self.homes[home].held, store => {
            store.set_fuel(fuel).expect("the engine meters");
            deep.typed::<i32, i32>(&*store).expect("its type").call(store, i32::MAX)
        });
        let code = ended.expect_err("not enough fuel").as_trap_code();
        assert_eq!(code, Some(TrapCode::OutOfFuel));
    }
}
