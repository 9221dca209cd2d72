//! The stores and what has come out of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arbitrary::Unstructured;
use damson::errors::ErrorKind;
use damson::{
    CompilationMode, Config, Engine, Error, ExternRef, Func, Global, Instance, Memory, Module,
    PrunedStore, Store, Table,
};

use super::model::{Model, Value};
use super::modules::Template;
use super::waiting::{FAR, Waiting};

/// Whatever must not be leaked.
pub(super) type Token = Arc<()>;

/// Data of another type than a number.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) number: u64,
    pub(super) _token: Token,
}

/// Which type of data a store has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Guest,
}

/// A store as one holds it.
pub(super) enum Held {
    Number(Store<u64>),
    Guest(Store<Guest>),
    Pruned(PrunedStore, Kind),
}

/// Does the same with a store of any type.
macro_rules! with {
    ($held:expr, $store:ident => $body:expr) => {
        match $held {
            $crate::api::world::Held::Number($store) => $body,
            $crate::api::world::Held::Guest($store) => $body,
            $crate::api::world::Held::Pruned($store, _) => $body,
        }
    };
}
pub(super) use with;

/// A store, and what is known of it.
pub(super) struct Home {
    pub(super) held: Held,
    /// Unlike that of every other store.
    pub(super) number: u32,
    pub(super) engine: usize,
    /// What its data says.
    pub(super) data: u64,
}

/// A handle, and the number of its store.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub(super) home: u32,
    pub(super) thing: Thing,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Thing {
    Func(Func),
    Memory(Memory),
    Table(Table),
    Global(Global),
    Instance(Instance, Template),
    Object(ExternRef),
}

/// What a sequence came to.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) instances: usize,
    pub(super) returned: usize,
    pub(super) answered: usize,
    pub(super) interrupted: usize,
}

pub(super) struct World<'a> {
    pub(super) input: Unstructured<'a>,
    pub(super) token: Token,
    pub(super) engines: Vec<Engine>,
    /// With the index of their engine.
    pub(super) modules: Vec<(usize, Template, Module)>,
    pub(super) homes: Vec<Home>,
    next_number: u32,
    pub(super) items: Vec<Item>,
    pub(super) model: Model,
    pub(super) waiting: Vec<Waiting>,
    pub(super) tally: Tally,
}

/// More than any call takes.
pub(super) const PLENTY: u64 = 1 << 32;

/// The engine whose code can be interrupted.
pub(super) const INTERRUPTIBLE: usize = 0;

/// The engine that does not meter.
const UNMETERED: usize = 2;

/// Of a store, in bytes.
const STACK: usize = 64 << 10;

/// At a time.
const MAX_STORES: usize = 5;

impl<'a> World<'a> {
    pub(super) fn new(input: Unstructured<'a>, token: Token) -> Self {
        let engine = |number, mode, metered| {
            let mut config = Config::default();
            config.compilation_mode(mode).consume_fuel(metered);
            config.epoch_interruption(number == INTERRUPTIBLE);
            // Enough for what the sequences call, and quickly made.
            config.set_max_stack_height(STACK);
            Engine::new(&config)
        };
        let engines = vec![
            engine(INTERRUPTIBLE, CompilationMode::Eager, true),
            engine(1, CompilationMode::Lazy, true),
            // As it is by default.
            engine(UNMETERED, CompilationMode::Eager, false),
        ];
        let mut world = Self {
            input,
            token,
            engines,
            modules: Vec::new(),
            homes: Vec::new(),
            next_number: 0,
            items: Vec::new(),
            model: Model::default(),
            waiting: Vec::new(),
            tally: Tally::default(),
        };
        world.new_store();
        world.new_module();
        world
    }

    /// A number below `limit`, which is not zero.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.input.int_in_range(0..=limit - 1).unwrap_or(0)
    }

    /// True in `percent` of 100 cases.
    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Many are small, some are at the edges.
    pub(super) fn int(&mut self) -> i32 {
        match self.below(6) {
            0 => self.input.arbitrary().unwrap_or(0),
            1 => [-1, i32::MIN, i32::MAX, 65535, 65536, 131_072][self.below(6)],
            _ => self.below(10) as i32,
        }
    }

    /// The index of a store.
    pub(super) fn home(&mut self) -> usize {
        self.below(self.homes.len())
    }

    pub(super) fn meters(&self, home: usize) -> bool {
        self.homes[home].engine != UNMETERED
    }

    /// Gives a store enough fuel for any call.
    pub(super) fn refuel(&mut self, home: usize) {
        if self.meters(home) {
            with!(&mut self.homes[home].held, store => store.set_fuel(PLENTY))
                .expect("the engine meters");
        }
    }

    pub(super) fn add(&mut self, home: usize, thing: Thing) {
        let home = self.homes[home].number;
        if !self.items.iter().any(|item| item.thing == thing) {
            self.items.push(Item { home, thing });
        }
    }

    /// Something of a store that fits, the last ones more often.
    pub(super) fn own<T>(&mut self, home: usize, fits: impl Fn(Thing) -> Option<T>) -> Option<T> {
        let number = self.homes[home].number;
        self.pick(|item| (item.home == number).then(|| fits(item.thing))?)
    }

    /// Something of any other store, one that is dropped perhaps.
    pub(super) fn foreign<T>(
        &mut self,
        home: usize,
        fits: impl Fn(Thing) -> Option<T>,
    ) -> Option<T> {
        let number = self.homes[home].number;
        self.pick(|item| (item.home != number).then(|| fits(item.thing))?)
    }

    fn pick<T>(&mut self, fits: impl Fn(&Item) -> Option<T>) -> Option<T> {
        let mut all: Vec<T> = self.items.iter().filter_map(fits).collect();
        if all.is_empty() {
            return None;
        }
        let at = self.below(all.len());
        Some(all.swap_remove(at))
    }

    pub(super) fn new_store(&mut self) {
        if self.homes.len() >= MAX_STORES {
            return self.drop_store();
        }
        let engine = self.below(self.engines.len());
        let data = self.input.arbitrary().unwrap_or(0);
        let held = if self.chance(50) {
            Held::Number(Store::new(&self.engines[engine], data))
        } else {
            let guest = Guest {
                number: data,
                _token: Arc::clone(&self.token),
            };
            Held::Guest(Store::new(&self.engines[engine], guest))
        };
        let mut held = held;
        with!(&mut held, store => store.set_epoch_deadline(FAR));
        self.homes.push(Home {
            held,
            number: self.next_number,
            engine,
            data,
        });
        self.next_number += 1;
    }

    /// Drops a store, unless it is the last one; its handles stay.
    pub(super) fn drop_store(&mut self) {
        if self.homes.len() < 2 {
            return;
        }
        let at = self.home();
        let home = self.homes.swap_remove(at);
        if self.chance(50) {
            let found = match home.held {
                Held::Number(store) => store.into_data(),
                Held::Guest(store) => store.into_data().number,
                Held::Pruned(store, Kind::Number) => recovered::<u64>(store).into_data(),
                Held::Pruned(store, Kind::Guest) => recovered::<Guest>(store).into_data().number,
            };
            assert_eq!(found, home.data);
        }
    }

    fn replace(&mut self, at: usize, change: impl FnOnce(Held) -> Held) {
        let home = self.homes.remove(at);
        let held = change(home.held);
        self.homes.insert(at, Home { held, ..home });
    }

    pub(super) fn prune(&mut self) {
        let at = self.home();
        self.replace(at, |held| match held {
            Held::Number(store) => Held::Pruned(store.prune(), Kind::Number),
            Held::Guest(store) => Held::Pruned(store.prune(), Kind::Guest),
            pruned @ Held::Pruned(..) => pruned,
        });
    }

    /// Recovers a pruned store, after a try with a wrong type.
    pub(super) fn recover(&mut self) {
        let at = self.home();
        let owned = self.chance(70);
        self.replace(at, |held| match held {
            Held::Pruned(mut store, kind) => {
                let (number, guest) = (kind == Kind::Number, kind == Kind::Guest);
                assert!(store.holds::<u64>() == number && store.holds::<Guest>() == guest);
                assert_eq!(store.try_context_mut::<u64>().is_ok(), number);
                assert_eq!(store.try_context::<Guest>().is_ok(), guest);
                let store = store
                    .try_into_store::<i64>()
                    .map(drop)
                    .expect_err("it holds no i64")
                    .0;
                match kind {
                    _ if !owned => Held::Pruned(store, kind),
                    Kind::Number => Held::Number(recovered(store)),
                    Kind::Guest => Held::Guest(recovered(store)),
                }
            }
            typed => typed,
        });
    }

    /// Reads and writes the data.
    pub(super) fn host_data(&mut self) {
        let at = self.home();
        let new = self.input.arbitrary().unwrap_or(0);
        let home = &mut self.homes[at];
        let old = match &mut home.held {
            Held::Number(store) => std::mem::replace(store.data_mut(), new),
            Held::Guest(store) => std::mem::replace(&mut store.data_mut().number, new),
            Held::Pruned(store, Kind::Number) => {
                let mut context = store.try_context_mut::<u64>().expect("it holds one");
                std::mem::replace(context.data_mut(), new)
            }
            Held::Pruned(store, Kind::Guest) => {
                let mut context = store.try_context_mut::<Guest>().expect("it holds one");
                std::mem::replace(&mut context.data_mut().number, new)
            }
        };
        assert_eq!(old, home.data);
        home.data = new;
    }

    /// Sets and reads the fuel.
    pub(super) fn fuel(&mut self) {
        let at = self.home();
        let fuel = self.input.arbitrary().unwrap_or(0);
        let meters = self.meters(at);
        let (set, found) = with!(&mut self.homes[at].held, store => {
            (store.set_fuel(fuel), store.get_fuel())
        });
        if meters {
            set.expect("the engine meters");
            assert_eq!(found.expect("the engine meters"), fuel);
        } else {
            let errors = [
                set.expect_err("no metering"),
                found.expect_err("no metering"),
            ];
            for error in errors {
                assert!(matches!(error.kind(), ErrorKind::Fuel(_)), "{error}");
            }
        }
    }

    /// A value of a type, of the store if it is a reference.
    pub(super) fn value(&mut self, home: usize, ty: damson::ValType) -> Value {
        use damson::ValType;
        match ty {
            ValType::I32 => Value::I32(self.int()),
            ValType::I64 => Value::I64(self.input.arbitrary().unwrap_or(0)),
            ValType::F64 => Value::F64(f64::from(self.int()).to_bits()),
            ValType::FuncRef if self.chance(80) => Value::Func(self.func(home)),
            ValType::ExternRef if self.chance(80) => Value::Object(self.object(home)),
            ValType::FuncRef => Value::Func(None),
            _ => Value::Object(None),
        }
    }

    pub(super) fn func(&mut self, home: usize) -> Option<Func> {
        self.own(home, Thing::func)
    }

    pub(super) fn object(&mut self, home: usize) -> Option<ExternRef> {
        self.own(home, Thing::object)
    }
}

fn recovered<T: 'static>(store: PrunedStore) -> Store<T> {
    store
        .try_into_store()
        .map_err(|(_, mismatch)| mismatch)
        .expect("the type it was made with")
}

impl Thing {
    pub(super) const fn func(self) -> Option<Func> {
        match self {
            Self::Func(func) => Some(func),
            _ => None,
        }
    }

    pub(super) const fn memory(self) -> Option<Memory> {
        match self {
            Self::Memory(memory) => Some(memory),
            _ => None,
        }
    }

    pub(super) const fn table(self) -> Option<Table> {
        match self {
            Self::Table(table) => Some(table),
            _ => None,
        }
    }

    pub(super) const fn global(self) -> Option<Global> {
        match self {
            Self::Global(global) => Some(global),
            _ => None,
        }
    }

    pub(super) const fn object(self) -> Option<ExternRef> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    pub(super) const fn instance(self) -> Option<(Instance, Template)> {
        match self {
            Self::Instance(instance, template) => Some((instance, template)),
            _ => None,
        }
    }
}

/// The error that names both stores.
pub(super) fn is_foreign(error: impl Into<Error>) {
    let error = error.into();
    assert!(
        matches!(error.kind(), ErrorKind::ForeignHandle(_)),
        "{error:?}"
    );
}

/// The documented panic on a foreign handle.
pub(super) fn panics_as_foreign(run: impl FnOnce()) {
    let payload = crate::expecting_panics(|| catch_unwind(AssertUnwindSafe(run)))
        .expect_err("a documented panic");
    let message = payload.downcast_ref::<String>().expect("a message");
    assert!(message.contains("was used with"), "{message}");
}
