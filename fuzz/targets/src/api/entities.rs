//! Memories, tables, globals and objects, as the host uses them.

use std::sync::Arc;

use damson::errors::ErrorKind;
use damson::{
    Error, ExternRef, Global, Memory, MemoryType, Mutability, Ref, RefType, Table, TableType,
    ValType,
};

use super::model::{GlobalModel, MemoryModel, PAGE, TableModel, Value};
use super::world::{Thing, Token, World, is_foreign, panics_as_foreign, with};

/// An object with a number.
struct Object(
    u64,
    #[expect(dead_code, reason = "counts the objects that live")] Token,
);

impl World<'_> {
    pub(super) fn new_memory(&mut self) {
        let home = self.home();
        let minimum = self.below(3) as u32;
        let maximum = minimum + self.below(3) as u32;
        let ty = MemoryType::new(minimum, Some(maximum));
        let made = with!(&mut self.homes[home].held, store => Memory::new(store, ty));
        let memory = made.expect("a small memory");
        let model = MemoryModel {
            minimum: minimum.into(),
            pages: minimum.into(),
            maximum: maximum.into(),
            bytes: Default::default(),
        };
        self.model.memories.insert(memory, model);
        self.add(home, Thing::Memory(memory));
    }

    pub(super) fn grow_memory(&mut self) {
        let home = self.home();
        let by = if self.chance(90) {
            self.below(3) as u64
        } else {
            u64::MAX - 1
        };
        if let Some(memory) = self
            .foreign(home, Thing::memory)
            .filter(|_| self.chance(20))
        {
            let grown = with!(&mut self.homes[home].held, store => memory.grow(store, by));
            is_foreign(grown.expect_err("a foreign memory"));
            return;
        }
        let Some(memory) = self.own(home, Thing::memory) else {
            return;
        };
        let grown = with!(&mut self.homes[home].held, store => memory.grow(store, by));
        let model = self
            .model
            .memories
            .get_mut(&memory)
            .expect("a known memory");
        match model.grow(by) {
            Some(before) => assert_eq!(grown.expect("it may grow"), before),
            None => {
                let error = grown.expect_err("beyond its maximum");
                assert!(matches!(Error::from(error).kind(), ErrorKind::Memory(_)));
            }
        }
    }

    /// Where to access a memory, and how many bytes.
    fn range(&mut self, len: usize) -> (usize, usize) {
        let count = self.below(6);
        let at = match self.below(8) {
            0 => len,
            1 => len.saturating_sub(count),
            2 => usize::MAX - 2,
            _ => self.below(20),
        };
        (at, count)
    }

    pub(super) fn read_memory(&mut self) {
        let home = self.home();
        if let Some(memory) = self
            .foreign(home, Thing::memory)
            .filter(|_| self.chance(20))
        {
            let read = with!(&self.homes[home].held, store => memory.read(store, 0, &mut []));
            is_foreign(read.expect_err("a foreign memory"));
            return;
        }
        let Some(memory) = self.own(home, Thing::memory) else {
            return;
        };
        let (at, count) = self.range(self.model.memories[&memory].len());
        let model = &self.model.memories[&memory];
        let mut found = vec![1; count];
        let read = with!(&self.homes[home].held, store => memory.read(store, at, &mut found));
        if at.checked_add(count).is_some_and(|end| end <= model.len()) {
            read.expect("inside of the memory");
            for (at, byte) in (at..).zip(found) {
                assert_eq!(byte, model.bytes.get(&at).copied().unwrap_or(0), "at {at}");
            }
        } else {
            let error = read.expect_err("outside of the memory");
            assert!(matches!(Error::from(error).kind(), ErrorKind::Memory(_)));
            assert!(found.iter().all(|byte| *byte == 1), "nothing is copied");
        }
    }

    pub(super) fn write_memory(&mut self) {
        let home = self.home();
        if let Some(memory) = self
            .foreign(home, Thing::memory)
            .filter(|_| self.chance(20))
        {
            let written = with!(&mut self.homes[home].held, store => memory.write(store, 0, &[]));
            is_foreign(written.expect_err("a foreign memory"));
            return;
        }
        let Some(memory) = self.own(home, Thing::memory) else {
            return;
        };
        let len = self.model.memories[&memory].len();
        let (at, count) = self.range(len);
        let bytes: Vec<u8> = (0..count).map(|_| self.below(256) as u8).collect();
        let inside = at.checked_add(count).is_some_and(|end| end <= len);
        if inside && self.chance(30) {
            with!(&mut self.homes[home].held, store => {
                memory.data_mut(store)[at..at + count].copy_from_slice(&bytes);
            });
        } else {
            let written =
                with!(&mut self.homes[home].held, store => memory.write(store, at, &bytes));
            assert_eq!(written.is_ok(), inside, "{at} {count} {len}");
        }
        if inside {
            let model = self
                .model
                .memories
                .get_mut(&memory)
                .expect("a known memory");
            model.bytes.extend((at..).zip(bytes));
        }
    }

    pub(super) fn new_table(&mut self) {
        let home = self.home();
        let element = if self.chance(75) {
            RefType::Func
        } else {
            RefType::Extern
        };
        let size = self.below(5) as u32;
        let maximum = size + self.below(5) as u32;
        let ty = TableType::new(element, size, Some(maximum));
        let init = self.element(home, element);
        let made = with!(&mut self.homes[home].held, store => Table::new(store, ty, init.to_ref()));
        let table = made.expect("a small table");
        let model = TableModel {
            element,
            maximum: maximum as usize,
            elements: vec![init; size as usize],
        };
        self.model.tables.insert(table, model);
        self.add(home, Thing::Table(table));
    }

    fn element(&mut self, home: usize, ty: RefType) -> Value {
        let ty = match ty {
            RefType::Func => ValType::FuncRef,
            _ => ValType::ExternRef,
        };
        self.value(home, ty)
    }

    /// A table and a value for it, or else an expected error.
    fn table_and_value(&mut self, home: usize) -> Option<(Table, Value)> {
        let table = self.own(home, Thing::table)?;
        let element = self.model.tables[&table].element;
        let value = self.element(home, element);
        // References of the wrong type and of the wrong store.
        if self.chance(10) {
            let wrong = match element {
                RefType::Func => Ref::null(RefType::Extern),
                _ => Ref::null(RefType::Func),
            };
            let set = with!(&mut self.homes[home].held, store => table.set(store, 0, wrong));
            let error = set.expect_err("a wrong type");
            assert!(
                matches!(Error::from(error).kind(), ErrorKind::Table(_)),
                "{error:?}"
            );
        }
        if element == RefType::Func
            && let Some(func) = self.foreign(home, Thing::func).filter(|_| self.chance(20))
        {
            let grown =
                with!(&mut self.homes[home].held, store => table.grow(store, 0, func.into()));
            is_foreign(grown.expect_err("a foreign element"));
        }
        Some((table, value))
    }

    pub(super) fn grow_table(&mut self) {
        let home = self.home();
        let Some((table, value)) = self.table_and_value(home) else {
            return;
        };
        let by = if self.chance(90) {
            self.below(4) as u64
        } else {
            u64::MAX - 1
        };
        let grown =
            with!(&mut self.homes[home].held, store => table.grow(store, by, value.to_ref()));
        let model = self.model.tables.get_mut(&table).expect("a known table");
        let before = model.elements.len();
        if (before as u64)
            .checked_add(by)
            .is_some_and(|size| size <= model.maximum as u64)
        {
            assert_eq!(grown.expect("it may grow"), before as u64);
            model.elements.resize(before + by as usize, value);
        } else {
            let error = grown.expect_err("beyond its maximum");
            assert!(matches!(Error::from(error).kind(), ErrorKind::Table(_)));
        }
    }

    pub(super) fn table_element(&mut self) {
        let home = self.home();
        let Some((table, value)) = self.table_and_value(home) else {
            return;
        };
        let at = if self.chance(95) {
            self.below(7) as u64
        } else {
            u64::MAX
        };
        let (found, set) = with!(&mut self.homes[home].held, store => {
            (table.get(&*store, at), table.set(store, at, value.to_ref()))
        });
        let model = self.model.tables.get_mut(&table).expect("a known table");
        let place = usize::try_from(at)
            .ok()
            .and_then(|at| model.elements.get_mut(at));
        assert_eq!(found.map(Value::of_ref), place.as_deref().copied());
        match place {
            Some(place) => {
                set.expect("inside of the table");
                *place = value;
            }
            None => assert!(matches!(
                Error::from(set.expect_err("outside of the table")).kind(),
                ErrorKind::Table(_)
            )),
        }
    }

    pub(super) fn fill_table(&mut self) {
        let home = self.home();
        let Some((table, value)) = self.table_and_value(home) else {
            return;
        };
        let (at, count) = (self.below(7), self.below(5));
        let filled = with!(&mut self.homes[home].held, store => {
            table.fill(store, at as u64, value.to_ref(), count as u64)
        });
        let model = self.model.tables.get_mut(&table).expect("a known table");
        match model.elements.get_mut(at..at + count) {
            Some(places) => {
                filled.expect("inside of the table");
                places.fill(value);
            }
            None => drop(filled.expect_err("outside of the table")),
        }
    }

    pub(super) fn new_global(&mut self) {
        let home = self.home();
        let ty = [
            ValType::I32,
            ValType::I32,
            ValType::I64,
            ValType::F64,
            ValType::FuncRef,
            ValType::ExternRef,
        ][self.below(6)];
        let value = self.value(home, ty);
        let mutable = self.chance(80);
        let mutability = if mutable {
            Mutability::Var
        } else {
            Mutability::Const
        };
        let global = with!(&mut self.homes[home].held, store => {
            Global::new(store, value.to_val(), mutability)
        });
        self.model
            .globals
            .insert(global, GlobalModel { mutable, value });
        self.add(home, Thing::Global(global));
    }

    pub(super) fn set_global(&mut self) {
        let home = self.home();
        let Some(global) = self.own(home, Thing::global) else {
            return;
        };
        let GlobalModel { mutable, value } = self.model.globals[&global];
        let ty = if self.chance(85) {
            value.ty()
        } else {
            ValType::I64
        };
        let new = self.value(home, ty);
        if let Some(func) = self.foreign(home, Thing::func).filter(|_| self.chance(20)) {
            let set = with!(&mut self.homes[home].held, store => global.set(store, func.into()));
            let error = set.expect_err("a foreign value");
            if mutable && value.ty() == ValType::FuncRef {
                is_foreign(error);
            }
        }
        let set = with!(&mut self.homes[home].held, store => global.set(store, new.to_val()));
        if mutable && ty == value.ty() {
            set.expect("a mutable global of this type");
            let model = self.model.globals.get_mut(&global).expect("a known global");
            model.value = new;
        } else {
            let error = set.expect_err("a constant, or another type");
            assert!(matches!(Error::from(error).kind(), ErrorKind::Global(_)));
        }
    }

    pub(super) fn new_object(&mut self) {
        let home = self.home();
        let number = self.input.arbitrary().unwrap_or(0);
        let object = Object(number, Arc::clone(&self.token));
        let object = with!(&mut self.homes[home].held, store => ExternRef::new(store, object));
        self.model.objects.insert(object, number);
        self.add(home, Thing::Object(object));
    }

    pub(super) fn use_object(&mut self) {
        let home = self.home();
        let Some(object) = self.object(home) else {
            return;
        };
        let number = with!(&self.homes[home].held, store => {
            let data = object.data(store);
            assert!(!data.is::<u64>());
            data.downcast_ref::<Object>().expect("what was put in").0
        });
        assert_eq!(number, self.model.objects[&object]);
    }

    /// Accessors whose documentation says that they panic.
    pub(super) fn foreign_accessor(&mut self) {
        let home = self.home();
        let Some(thing) = self.foreign(home, Some) else {
            return;
        };
        let held = &mut self.homes[home].held;
        panics_as_foreign(|| match thing {
            Thing::Func(func) => with!(held, store => _ = func.ty(&*store)),
            Thing::Memory(memory) => {
                with!(held, store => _ = memory.data_mut(store).len());
            }
            Thing::Table(table) => with!(held, store => _ = table.get(&*store, 0)),
            Thing::Global(global) => with!(held, store => _ = global.get(&*store)),
            Thing::Instance(instance, _) => {
                with!(held, store => _ = instance.get_export(&*store, "add"));
            }
            Thing::Object(object) => {
                with!(held, store => _ = object.data(&*store).is::<u64>());
            }
        });
    }

    /// Compares something with the model.
    pub(super) fn compare_one(&mut self) {
        let home = self.home();
        if let Some(thing) = self.own(home, Some) {
            self.compare(home, thing);
        }
    }

    /// Compares everything that is left with the model.
    pub(super) fn compare_all(&self) {
        for item in &self.items {
            let home = self.homes.iter().position(|home| home.number == item.home);
            if let Some(home) = home {
                self.compare(home, item.thing);
            }
        }
    }

    fn compare(&self, home: usize, thing: Thing) {
        let held = &self.homes[home].held;
        match thing {
            Thing::Func(func) => {
                let ty = with!(held, store => func.ty(store));
                let (params, results) = self.model.ty(func);
                assert_eq!((ty.params(), ty.results()), (&params[..], &results[..]));
            }
            Thing::Memory(memory) => {
                let model = &self.model.memories[&memory];
                let ty = with!(held, store => memory.ty(store));
                assert_eq!(
                    (ty.minimum(), ty.maximum()),
                    (model.minimum, Some(model.maximum))
                );
                assert_eq!(with!(held, store => memory.size(store)), model.pages);
                let data = with!(held, store => memory.data(store));
                assert_eq!(data.len(), model.len());
                assert!(model.bytes.iter().all(|(at, byte)| data[*at] == *byte));
                // What lies between is zero; a page's start shows new pages, too.
                let page_starts = (0..data.len()).step_by(PAGE);
                for at in page_starts.chain(0..data.len().min(64)) {
                    assert_eq!(data[at], model.bytes.get(&at).copied().unwrap_or(0));
                }
            }
            Thing::Table(table) => {
                let model = &self.model.tables[&table];
                let found: Vec<_> = with!(held, store => {
                    (0..table.size(store)).map(|at| table.get(store, at)).collect()
                });
                let found: Vec<_> = found.into_iter().flatten().map(Value::of_ref).collect();
                assert_eq!(found, model.elements);
            }
            Thing::Global(global) => {
                let found = with!(held, store => global.get(store));
                assert_eq!(Value::from(&found), self.model.globals[&global].value);
            }
            Thing::Instance(instance, _) => {
                with!(held, store => assert!(instance.get_func(store, "add").is_some()));
            }
            Thing::Object(_) => {}
        }
    }
}
