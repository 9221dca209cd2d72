//! `damson run`: starts a WASI command module, or calls one function.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use damson::{Config, Engine, ExternType, Func, Instance, Linker, Module, Store, Val};
use damson_wasi::{WasiCtx, WasiCtxBuilder};

use crate::failure::Failure;
use crate::options::RunOptions;
use crate::{load, values};

/// The entry point of a WASI command module.
const START: &str = "_start";
/// What a WASI reactor module wants called before any of its functions.
const INITIALIZE: &str = "_initialize";

/// A module that is ready to run, and what it was made of.
struct Guest<'a> {
    options: &'a RunOptions,
    path: &'a Path,
    module: Module,
    store: Store<WasiCtx>,
    instance: Instance,
}

pub(crate) fn run(options: &RunOptions) -> Result<(), Failure> {
    let Some((file, args)) = options.command.split_first() else {
        return Err(Failure::Usage("a FILE is required".to_owned()));
    };
    let path = Path::new(file);
    let engine = Engine::new(&config(options));
    let module = load::module(&engine, path, &load::binary(path)?)?;

    // What can be known to be wrong is said before anything runs.
    let call = match &options.invoke {
        None if module.get_export(START).is_none() => return Err(no_start(path, &module)),
        None => Call::Start,
        Some(name) => Call::Invoke {
            name,
            args: arguments(&module, name, args)?,
        },
    };

    let mut store = Store::new(&engine, wasi(options, path, args)?);
    if let Some(fuel) = options.fuel {
        store
            .set_fuel(fuel)
            .map_err(|error| load::about(path, error))?;
    }
    let mut linker = <Linker<WasiCtx>>::new(&engine);
    damson_wasi::add_to_linker(&mut linker, |wasi| wasi)
        .map_err(|error| load::about(path, error))?;
    let instance = match linker.instantiate_and_start(&mut store, &module) {
        Ok(instance) => instance,
        Err(error) => return guest_error(options, path, &error),
    };
    let mut guest = Guest {
        options,
        path,
        module,
        store,
        instance,
    };
    match call {
        Call::Start => guest.call(START, &[]).map(drop),
        Call::Invoke { name, args } => guest.invoke(name, &args),
    }
}

/// What is to be called.
enum Call<'a> {
    Start,
    Invoke { name: &'a str, args: Vec<Val> },
}

fn config(options: &RunOptions) -> Config {
    let mut config = Config::default();
    config.consume_fuel(options.fuel.is_some());
    config.compilation_mode(options.compilation_mode.into());
    if let Some(bytes) = options.max_stack {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        config.set_max_stack_height(bytes);
        // Every call takes more than this, so that the bytes alone decide.
        config.set_max_recursion_depth(bytes / 8);
    }
    config
}

fn wasi(options: &RunOptions, path: &Path, args: &[OsString]) -> Result<WasiCtx, Failure> {
    let mut wasi = WasiCtxBuilder::new().inherit_stdio();
    // A program sees its file's name, not where the file happens to lie.
    let name = path.file_name().unwrap_or(path.as_os_str());
    wasi = wasi.arg(name.as_encoded_bytes());
    if options.invoke.is_none() {
        wasi = wasi.args(args.iter().map(|arg| arg.as_encoded_bytes()));
    }
    for (name, value) in &options.env {
        wasi = wasi.env(name, value);
    }
    wasi.build()
        .map_err(|error| Failure::Usage(error.to_string()))
}

fn guest_error(options: &RunOptions, path: &Path, error: &damson::Error) -> Result<(), Failure> {
    Failure::of_guest(&path.display().to_string(), error, options.fuel)
}

impl Guest<'_> {
    fn invoke(&mut self, name: &str, args: &[Val]) -> Result<(), Failure> {
        if self.module.get_export(INITIALIZE).is_some() && name != INITIALIZE {
            // A guest that ends here has nothing left to call.
            if self.call(INITIALIZE, &[])?.is_none() {
                return Ok(());
            }
        }
        let mut out = io::stdout().lock();
        for result in self.call(name, args)?.unwrap_or_default() {
            writeln!(out, "{}", values::text(&result))
                .map_err(|error| Failure::of_output(&error))?;
        }
        Ok(())
    }

    /// Calls the export `name`; `None` when the guest ended itself, content.
    fn call(&mut self, name: &str, args: &[Val]) -> Result<Option<Vec<Val>>, Failure> {
        let func = self.func(name)?;
        let types = func.ty(&self.store);
        let mut results: Vec<Val> = types
            .results()
            .iter()
            .map(|ty| Val::default_for_ty(*ty))
            .collect();
        match func.call(&mut self.store, args, &mut results) {
            Ok(()) => Ok(Some(results)),
            Err(error) => guest_error(self.options, self.path, &error).map(|()| None),
        }
    }

    fn func(&self, name: &str) -> Result<Func, Failure> {
        self.instance.get_func(&self.store, name).ok_or_else(|| {
            load::about(
                self.path,
                format_args!("the export `{name}` is not a function"),
            )
        })
    }
}

/// Reads the arguments of the exported function `name` by its type.
fn arguments(module: &Module, name: &str, args: &[OsString]) -> Result<Vec<Val>, Failure> {
    let ty = match module.get_export(name) {
        Some(ExternType::Func(ty)) => ty,
        Some(other) => {
            return Err(Failure::Usage(format!(
                "the export `{name}` is no function but {other}"
            )));
        }
        None => {
            return Err(Failure::Usage(format!(
                "no function is exported as `{name}`; {}",
                exported_functions(module)
            )));
        }
    };
    if ty.params().len() != args.len() {
        return Err(Failure::Usage(format!(
            "`{name}` has type {ty}: expected {} arguments, found {}",
            ty.params().len(),
            args.len()
        )));
    }
    let mut values = Vec::with_capacity(args.len());
    for (index, (ty, arg)) in ty.params().iter().zip(args).enumerate() {
        let value = values::parse(&arg.to_string_lossy(), *ty).map_err(|error| {
            Failure::Usage(format!("argument {} of `{name}`: {error}", index + 1))
        })?;
        values.push(value);
    }
    Ok(values)
}

fn no_start(path: &Path, module: &Module) -> Failure {
    load::about(
        path,
        format_args!(
            "this is no command module, because it exports no `{START}`; {}",
            exported_functions(module)
        ),
    )
}

/// A sentence that names what `--invoke` could be given.
fn exported_functions(module: &Module) -> String {
    let names: Vec<String> = module
        .exports()
        .filter(|export| matches!(export.ty(), ExternType::Func(_)))
        .map(|export| format!("`{}`", export.name()))
        .collect();
    if names.is_empty() {
        "it exports no functions".to_owned()
    } else {
        format!("`--invoke` can call {}", names.join(", "))
    }
}
