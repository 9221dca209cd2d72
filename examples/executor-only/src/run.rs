//! Bytecode on a store: verified, threaded, called.

use std::error::Error;
use std::sync::Arc;

use damson_executor::store::{
    Cell, ExternHandle, FuncType, HostFunc, Import as ModuleImport, ImportType, ModuleShape,
    PrunedStore, StoreConfig, ValType,
};
use damson_executor::{CodeMap, call};

use crate::compile::{Import, compile};
use crate::parse::parse;

/// The host functions, in the order of their definitions below.
const IMPORTS: [Import; 3] = [
    Import {
        name: "abs",
        arguments: 1,
    },
    Import {
        name: "max",
        arguments: 2,
    },
    Import {
        name: "print",
        arguments: 1,
    },
];

/// What the host keeps in the store.
#[derive(Default)]
struct Host {
    printed: Vec<i64>,
}

/// A store with the host functions in it.
pub(crate) struct Calculator {
    store: PrunedStore,
    functions: Vec<ExternHandle>,
}

/// The type of a function of so many numbers.
fn type_of(arguments: usize) -> FuncType {
    FuncType::new(vec![ValType::I64; arguments], [ValType::I64])
}

impl Calculator {
    pub(crate) fn new() -> Result<Self, Box<dyn Error>> {
        let mut store = PrunedStore::new(Host::default(), StoreConfig::default());
        let bodies = [
            // These two need no data and would serve any store.
            HostFunc::untyped(type_of(1), |_, cells| {
                cells[0] = Cell::new(cells[0].get::<i64>().wrapping_abs());
                Ok(())
            }),
            HostFunc::untyped(type_of(2), |_, cells| {
                cells[0] = Cell::new(cells[0].get::<i64>().max(cells[1].get()));
                Ok(())
            }),
            // This one is for stores with a `Host`, which is checked once, below.
            HostFunc::new::<Host>(type_of(1), |mut call, cells| {
                let host = call.store.data_mut::<Host>()?;
                host.printed.push(cells[0].get());
                Ok(())
            }),
        ];
        let mut functions = Vec::new();
        for body in bodies {
            functions.push(store.as_mut().alloc_host_func(body)?.into());
        }
        Ok(Self { store, functions })
    }

    /// The value of an expression.
    pub(crate) fn evaluate(
        &mut self,
        text: &str,
        variables: &[(String, i64)],
    ) -> Result<i64, Box<dyn Error>> {
        let names: Vec<String> = variables.iter().map(|(name, _)| name.clone()).collect();
        let function = compile(&parse(text)?, &names, &IMPORTS)?;

        // What the code may refer to: the host functions, and the expression itself.
        let types: Vec<FuncType> = IMPORTS
            .iter()
            .map(|import| type_of(import.arguments))
            .chain([type_of(names.len())])
            .collect();
        let imports = (0..).zip(&IMPORTS).map(|(index, import)| ModuleImport {
            module: "host".into(),
            name: import.name.into(),
            ty: ImportType::Func(index),
        });
        let shape = Arc::new(ModuleShape {
            imports: imports.collect(),
            funcs: (0..types.len() as u32).collect(),
            types: types.into(),
            ..ModuleShape::default()
        });

        // Only verified code runs.
        let expression = IMPORTS.len() as u32;
        let map = CodeMap::new(Arc::clone(&shape));
        map.define(expression, function.verify(&shape, expression)?)?;

        let mut store = self.store.as_mut();
        let instance = store.instantiate(&shape, map.handle(), &self.functions)?;
        let func = store.instance(instance)?.func(expression);
        let func = func.ok_or("the module defines the expression")?.handle();

        // Arguments go in and the result comes out in the same cells.
        let mut cells: Vec<Cell> = variables.iter().map(|(_, n)| Cell::new(*n)).collect();
        cells.resize(cells.len().max(1), Cell::ZERO);
        call(store, func, &mut cells)?;
        Ok(cells[0].get())
    }

    /// What expressions have printed so far.
    pub(crate) fn printed(&self) -> &[i64] {
        let host = self.store.as_ref().data::<Host>();
        host.map_or(&[], |host| &host.printed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, variables: &[(&str, i64)]) -> Result<i64, String> {
        let mut calculator = Calculator::new().expect("the host functions fit");
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, n)| ((*name).to_owned(), *n))
            .collect();
        let value = calculator.evaluate(text, &variables);
        value.map_err(|error| error.to_string())
    }

    #[test]
    fn expressions_have_their_values() {
        let variables = [("x", 4), ("y", 8)];
        for (text, expected) in [
            ("42", 42),
            ("9223372036854775807", i64::MAX),
            ("1 - 2 * 3 - 4", -9),
            ("-(2 + 3) % 3", -2),
            ("7 / 2 + 7 % 2", 4),
            ("x * y + x", 36),
            ("max(x, 10) * (y - 1)", 70),
            ("1 + max(abs(-5) - x, max(y, 2 * x)) * 2", 17),
            ("abs(x - y) + abs(y - x)", 8),
        ] {
            assert_eq!(value(text, &variables), Ok(expected), "{text}");
        }
    }

    #[test]
    fn deep_expressions_grow_their_frame() {
        let text = format!("{}1{}", "(1 + ".repeat(90), ")".repeat(90));
        assert_eq!(value(&text, &[]), Ok(91));
        let calls = format!("{}1{}", "max(0, ".repeat(90), ")".repeat(90));
        assert_eq!(value(&calls, &[]), Ok(1));
    }

    #[test]
    fn what_goes_wrong_is_an_error() {
        for (text, message) in [
            ("1 +", "expected an expression at byte 3"),
            ("x", "`x` has no value"),
            ("min(1, 2)", "there is no function `min`"),
            ("max(1)", "`max` takes 2 arguments, found 1"),
        ] {
            assert_eq!(value(text, &[]), Err(message.to_owned()));
        }
        let error = value("1 / 0", &[]).expect_err("a trap");
        assert!(error.starts_with("integer divide by zero"), "{error}");
    }

    #[test]
    fn printing_reaches_the_host() {
        let mut calculator = Calculator::new().expect("the host functions fit");
        calculator
            .evaluate("print(1) + print(2 * 3)", &[])
            .expect("it runs");
        calculator.evaluate("print(9)", &[]).expect("it runs");
        assert_eq!(calculator.printed(), [1, 6, 9]);
    }
}
