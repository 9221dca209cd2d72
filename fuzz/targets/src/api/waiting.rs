//! Calls that wait and go on, and code that is interrupted.

use std::collections::{HashMap, HashSet};

use damson::errors::ErrorKind;
use damson::{Error, Func, ResumableCall, ResumableCallOutOfFuel, TrapCode, Val};

use super::instances::HOST_FAILED;
use super::model::{Does, Value};
use super::modules::What;
use super::world::{INTERRUPTIBLE, World, is_foreign, with};

/// Calls that wait at a time.
const MAX_WAITING: usize = 6;

/// Epochs until the deadline of a store that is not to be interrupted.
pub(super) const FAR: u64 = 1 << 40;

/// A call of the recursive function that has no fuel left.
pub(super) struct Waiting {
    /// The number of its store.
    home: u32,
    func: Func,
    argument: Value,
    call: ResumableCallOutOfFuel,
}

impl World<'_> {
    /// The function calls no other, so that running out of fuel stops it itself.
    fn is_alone(&self, func: Func) -> bool {
        match self.model.funcs[&func] {
            Does::Same => true,
            Does::Export { what, .. } => {
                !matches!(what, What::Indirect | What::CallF | What::TailF)
            }
            _ => false,
        }
    }

    fn set_fuel(&mut self, home: usize, fuel: u64) {
        with!(&mut self.homes[home].held, store => store.set_fuel(fuel))
            .expect("the engine meters");
    }

    /// With little fuel, and some more whenever it is used up; a call without effects may be
    /// left waiting.
    pub(super) fn call_in_slices(&mut self) {
        let home = self.home();
        let Some((func, args)) = self.func_and_args(home) else {
            return;
        };
        if !self.meters(home) || !self.is_alone(func) {
            return;
        }
        let vals: Vec<_> = args.iter().map(|arg| arg.to_val()).collect();
        let mut found = vec![Val::I32(0); self.model.ty(func).1.len()];
        let fuel = self.below(30) as u64;
        self.set_fuel(home, fuel);
        let mut ended = with!(&mut self.homes[home].held, store => {
            func.call_resumable(store, &vals, &mut found)
        });
        let ended = loop {
            let call = match ended {
                Ok(ResumableCall::Finished) => break Ok(found.iter().map(Value::from).collect()),
                Ok(ResumableCall::OutOfFuel(call)) => call,
                Ok(other) => panic!("no host function is called: {other:?}"),
                Err(error) => break Err(error),
            };
            let required = call.required_fuel();
            assert!(required > 0, "there was that much");
            if let Does::Export {
                what: What::Deep, ..
            } = self.model.funcs[&func]
                && self.waiting.len() < MAX_WAITING
                && self.chance(30)
            {
                self.waiting.push(Waiting {
                    home: self.homes[home].number,
                    func,
                    argument: args[0],
                    call,
                });
                return;
            }
            let fuel = required + self.below(30) as u64;
            self.set_fuel(home, fuel);
            ended = with!(&mut self.homes[home].held, store => call.resume(store, &mut found));
        };
        self.compare_end(func, &args, ended);
    }

    /// Goes on with a call that waits, or gives it up, or tries another store.
    pub(super) fn resume(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let at = self.below(self.waiting.len());
        let Waiting {
            home,
            func,
            argument,
            call,
        } = self.waiting.swap_remove(at);
        let choice = self.below(10);
        let at = self.homes.iter().position(|found| match choice {
            0 => found.number != home,
            _ => found.number == home,
        });
        let mut found = [Val::I32(0)];
        match (choice, at) {
            (1, _) => {}
            (2.., Some(home)) => {
                self.refuel(home);
                let ended = with!(&mut self.homes[home].held, store => {
                    call.resume(store, &mut found)
                });
                assert!(matches!(ended, Ok(ResumableCall::Finished)), "{ended:?}");
                self.compare_end(func, &[argument], Ok(vec![Value::from(&found[0])]));
            }
            // Another store, or one that came after its own was dropped.
            (_, at) => {
                let ended = with!(&mut self.homes[at.unwrap_or(0)].held, store => {
                    call.resume(store, &mut found)
                });
                if at.is_some() || self.homes[0].number != home {
                    is_foreign(ended.map(drop).expect_err("a call of another store"));
                }
            }
        }
    }

    /// A host function fails in a call that goes on with a result of ours, or a wrong one.
    pub(super) fn answer_for_the_host(&mut self) {
        let home = self.home();
        let funcs = &self.model.funcs;
        let asking: HashMap<Func, (Func, i32)> = funcs
            .iter()
            .filter_map(|(func, does)| {
                let Does::Export { what, of } = does else {
                    return None;
                };
                let more = match what {
                    What::CallF => 1,
                    What::TailF => 0,
                    _ => return None,
                };
                (funcs[&of.f] == Does::Fails).then_some((*func, (of.f, more)))
            })
            .collect();
        let asks = self.own(home, |thing| {
            thing.func().filter(|func| asking.contains_key(func))
        });
        let Some(func) = asks else { return };
        let (host, more) = asking[&func];
        self.refuel(home);
        let (answer, choice) = (self.int(), self.below(4));
        let mut found = [Val::I32(0)];
        let held = &mut self.homes[home].held;
        let ended = with!(&mut *held, store => {
            func.call_resumable(store, &[Val::I32(1)], &mut found)
        });
        let call = match ended {
            Ok(ResumableCall::HostTrap(call)) => call,
            other => panic!("the host function fails: {other:?}"),
        };
        assert_eq!(call.host_func(), host);
        assert!(call.host_error().to_string().contains(HOST_FAILED));
        match choice {
            0 => drop(call.into_host_error()),
            1 => {
                let ended = with!(held, store => {
                    call.resume(store, &[Val::I64(answer.into())], &mut found)
                });
                let error: Error = ended.map(drop).expect_err("a wrong type");
                assert!(matches!(error.kind(), ErrorKind::Func(_)), "{error:?}");
            }
            _ => {
                let ended = with!(held, store => {
                    call.resume(store, &[Val::I32(answer)], &mut found)
                });
                assert!(matches!(ended, Ok(ResumableCall::Finished)), "{ended:?}");
                assert_eq!(found[0].i32(), Some(answer.wrapping_add(more)));
                self.tally.answered += 1;
            }
        }
    }

    /// Epochs pass; code stops when their deadline has come, and not before.
    pub(super) fn interrupt(&mut self) {
        let home = self.home();
        if self.homes[home].engine != INTERRUPTIBLE {
            return;
        }
        let is_deep = |does: &Does| {
            matches!(
                does,
                Does::Export {
                    what: What::Deep,
                    ..
                }
            )
        };
        let funcs = self.model.funcs.iter();
        let deep: HashSet<Func> = funcs
            .filter(|(_, does)| is_deep(does))
            .map(|(func, _)| *func)
            .collect();
        let deep = self.own(home, |thing| {
            thing.func().filter(|func| deep.contains(func))
        });
        let Some(deep) = deep else { return };
        self.refuel(home);
        let (deadline, passed) = (self.below(4) as u64, self.below(4) as u64);
        let engine = self.engines[INTERRUPTIBLE].clone();
        let mut found = [Val::I32(0)];
        let ended = with!(&mut self.homes[home].held, store => {
            store.set_epoch_deadline(deadline);
            for _ in 0..passed {
                engine.increment_epoch();
            }
            let ended = deep.call(&mut *store, &[Val::I32(3)], &mut found);
            store.set_epoch_deadline(FAR);
            ended
        });
        match ended {
            Ok(()) => {
                assert!(passed < deadline, "{passed} epochs of {deadline}");
                assert_eq!(found[0].i32(), Some(3));
            }
            Err(error) => {
                assert!(passed >= deadline, "{passed} epochs of {deadline}: {error}");
                assert_eq!(error.as_trap_code(), Some(TrapCode::Interrupt));
                self.tally.interrupted += 1;
            }
        }
    }
}
