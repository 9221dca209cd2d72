//! A module that is ready to run, with what the command line gives it.

use std::ffi::OsString;
use std::path::Path;

#[cfg(unix)]
use damson::MemoryType;
#[cfg(unix)]
use damson::storage::{ReservedStorage, StorageError};
use damson::{
    Bytes, Config, Engine, ExternType, Func, Instance, Linker, Module, Store, TrapCode, Val,
    WasmBacktrace,
};
use damson_wasi::{Permissions, WasiCtx, WasiCtxBuilder};

use crate::failure::{Failure, timeout_note};
use crate::limits::Limits;
use crate::options::GuestOptions;
use crate::output::plain;
use crate::profile::{Profiler, Stop};
use crate::watchdog::Watchdog;
use crate::{load, values};

/// The entry point of a WASI command module.
const START: &str = "_start";
/// What a WASI reactor module wants called before any of its functions.
const INITIALIZE: &str = "_initialize";

/// Bytes of a page of memory.
#[cfg(unix)]
const PAGE: u64 = 1 << 16;

/// What the host keeps in the store.
pub(crate) struct Host {
    pub(crate) wasi: WasiCtx,
    limits: Limits,
}

/// What the guest reads and writes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Streams {
    /// What this process does.
    Inherit,
    /// Nothing, and nowhere.
    Nothing,
}

/// A module, and what is to be called in it.
pub(crate) struct Program<'a> {
    pub(crate) options: &'a GuestOptions,
    pub(crate) path: &'a Path,
    args: &'a [OsString],
    pub(crate) engine: Engine,
    pub(crate) module: Module,
    call: Call<'a>,
    watchdog: Option<&'a Watchdog>,
}

/// What is to be called.
enum Call<'a> {
    Start,
    Invoke { name: &'a str, args: Vec<Val> },
}

/// An instance of a [`Program`].
pub(crate) struct Guest<'a> {
    program: &'a Program<'a>,
    pub(crate) store: Store<Host>,
    instance: Instance,
    profiler: Option<&'a mut Profiler>,
}

/// The file and its arguments.
pub(crate) fn command(options: &GuestOptions) -> Result<(&Path, &[OsString]), Failure> {
    match options.command.split_first() {
        Some((file, args)) => Ok((Path::new(file), args)),
        None => Err(Failure::Usage("a FILE is required".to_owned())),
    }
}

/// Whoever sees to `--timeout`, from now on.
pub(crate) fn watchdog(options: &GuestOptions) -> Result<Option<Watchdog>, Failure> {
    let (path, _) = command(options)?;
    let name = path.display().to_string();
    let timeout = options.timeout;
    Ok(timeout.map(|timeout| Watchdog::new(name, timeout)))
}

/// The engine's configuration.
pub(crate) fn config(options: &GuestOptions) -> Config {
    let mut config = Config::default();
    config.consume_fuel(options.fuel.is_some());
    config.epoch_interruption(options.timeout.is_some());
    load::apply(&options.proposals, &mut config);
    // Elsewhere a reservation takes what it reserves.
    #[cfg(unix)]
    config.memory_storage(reserved);
    if let Some(bytes) = options.stack_size {
        config.set_max_stack_height(bytes);
        // Every call takes more than this, so that the bytes alone decide.
        config.set_max_recursion_depth(bytes / 8);
    }
    config
}

/// Memory that grows in place. Where address space is short (`ulimit -v`), it can grow to
/// less, but holds what it begins with.
#[cfg(unix)]
fn reserved(ty: MemoryType) -> Result<ReservedStorage, StorageError> {
    let least = ty.minimum().saturating_mul(PAGE);
    let mut most = ty
        .maximum()
        .map_or(1 << 32, |pages| pages.saturating_mul(PAGE));
    loop {
        let capacity = usize::try_from(most).unwrap_or(usize::MAX);
        match ReservedStorage::new(capacity) {
            Err(_) if most / 2 > least => most /= 2,
            made => return made,
        }
    }
}

impl<'a> Program<'a> {
    /// Makes the module, and finds out what can be known to be wrong before anything runs.
    pub(crate) fn new(
        options: &'a GuestOptions,
        config: Config,
        binary: &Bytes,
        watchdog: Option<&'a Watchdog>,
    ) -> Result<Self, Failure> {
        let (path, args) = command(options)?;
        let engine = load::engine(config, options.compilation_mode);
        let module = load::module(&engine, options.compilation_mode, path, binary)?;
        let call = match &options.invoke {
            None => match module.get_export(START) {
                None => return Err(no_start(path, &module)),
                Some(ty) => {
                    no_parameters(path, START, &ty)?;
                    Call::Start
                }
            },
            Some(name) => {
                let args = arguments(&module, name, args)?;
                if let Some(ty) = module.get_export(INITIALIZE)
                    && name != INITIALIZE
                {
                    no_parameters(path, INITIALIZE, &ty)?;
                }
                Call::Invoke { name, args }
            }
        };
        Ok(Self {
            options,
            path,
            args,
            engine,
            module,
            call,
            watchdog,
        })
    }

    /// Makes a store and an instance; `None` if the guest ended itself, content.
    pub(crate) fn instantiate(
        &'a self,
        streams: Streams,
        fuel: Option<u64>,
        mut profiler: Option<&'a mut Profiler>,
    ) -> Result<Option<Guest<'a>>, Failure> {
        let about = |error: damson::Error| load::about(self.path, error);
        let host = Host {
            wasi: self.wasi(streams)?,
            limits: Limits::new(self.options.max_memory),
        };
        let mut store = Store::new(&self.engine, host);
        store.limiter(|host| &mut host.limits);
        if let Some(watchdog) = self.watchdog {
            watchdog.guard(&self.engine, &mut store);
        }
        let fuel = match &profiler {
            Some(profiler) => Some(profiler.all()),
            None => fuel,
        };
        if let Some(fuel) = fuel {
            store.set_fuel(fuel).map_err(about)?;
        }
        let mut linker = <Linker<Host>>::new(&self.engine);
        damson_wasi::add_to_linker(&mut linker, |host: &mut Host| &mut host.wasi).map_err(about)?;
        let instance = linker.instantiate_and_start(&mut store, &self.module);
        if let Some(profiler) = &mut profiler {
            profiler.name(&self.module);
            profiler.instantiated(&store).map_err(about)?;
        }
        match instance {
            Ok(instance) => Ok(Some(Guest {
                program: self,
                store,
                instance,
                profiler,
            })),
            Err(error) => self.fail(&error, store.data()).map(|()| None),
        }
    }

    fn wasi(&self, streams: Streams) -> Result<WasiCtx, Failure> {
        let mut wasi = WasiCtxBuilder::new();
        match streams {
            Streams::Inherit => wasi = wasi.inherit_stdio(),
            Streams::Nothing => {
                wasi = wasi
                    .stdin(std::io::empty())
                    .stdout(std::io::sink())
                    .stderr(std::io::sink());
            }
        }
        // A program sees its file's name, not where the file happens to lie.
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        wasi = wasi.arg(name.as_encoded_bytes());
        if let Call::Start = self.call {
            wasi = wasi.args(self.args.iter().map(|arg| arg.as_encoded_bytes()));
        }
        for (name, value) in &self.options.env {
            wasi = wasi.env(name.as_encoded_bytes(), value.as_encoded_bytes());
        }
        for dir in &self.options.dir {
            wasi = wasi.preopened_dir(&dir.host, &dir.guest, Permissions::ReadWrite);
        }
        wasi.build()
            .map_err(|error| Failure::Usage(with_reasons(&error)))
    }

    /// What an error while the guest was running comes to.
    fn fail(&self, error: &damson::Error, host: &Host) -> Result<(), Failure> {
        let mut notes = Vec::from_iter(host.limits.note());
        notes.extend(limit_note(error.as_trap_code(), self.options));
        Failure::of_guest(&self.path.display().to_string(), error, notes)
    }
}

/// An error and what it comes from.
fn with_reasons(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut reason = error.source();
    while let Some(error) = reason {
        text += &format!(": {error}");
        reason = error.source();
    }
    text
}

/// What to say of the limit that a trap is about: which one, and how to raise it.
fn limit_note(trap: Option<TrapCode>, options: &GuestOptions) -> Option<String> {
    match (trap?, options) {
        (
            TrapCode::OutOfFuel,
            GuestOptions {
                fuel: Some(fuel), ..
            },
        ) => Some(format!(
            "the limit is {fuel} units of fuel; `--fuel` raises it"
        )),
        (
            TrapCode::Interrupt,
            GuestOptions {
                timeout: Some(timeout),
                ..
            },
        ) => Some(timeout_note(*timeout)),
        (
            TrapCode::StackOverflow,
            GuestOptions {
                stack_size: Some(bytes),
                ..
            },
        ) => Some(format!(
            "the limit is {bytes} bytes of stack; `--stack-size` raises it"
        )),
        (
            TrapCode::OutOfSystemMemory,
            GuestOptions {
                stack_size: Some(bytes),
                ..
            },
        ) => Some(format!(
            "the system has no memory for a stack of up to {bytes} bytes, which `--stack-size` \
             allows"
        )),
        (TrapCode::StackOverflow, _) => {
            Some("the limit is the default size of the stack; `--stack-size` raises it".to_owned())
        }
        _ => None,
    }
}

impl Guest<'_> {
    /// Runs what the command line says; the results if that is a function.
    pub(crate) fn run(&mut self) -> Result<Vec<Val>, Failure> {
        let program = self.program;
        match &program.call {
            Call::Start => self.call(START, &[]).map(|_| Vec::new()),
            Call::Invoke { name, args } => {
                if program.module.get_export(INITIALIZE).is_some() && *name != INITIALIZE {
                    // A guest that ends here has nothing left to call.
                    if self.call(INITIALIZE, &[])?.is_none() {
                        return Ok(Vec::new());
                    }
                }
                Ok(self.call(name, args)?.unwrap_or_default())
            }
        }
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
        let outcome = match &mut self.profiler {
            None => func.call(&mut self.store, args, &mut results),
            Some(profiler) => {
                match profiler.call(&mut self.store, name, func, args, &mut results) {
                    Ok(()) => Ok(()),
                    Err(Stop::Error(error)) => Err(error),
                    Err(Stop::OutOfFuel(backtrace)) => return Err(self.out_of_fuel(backtrace)),
                }
            }
        };
        match outcome {
            Ok(()) => Ok(Some(results)),
            Err(error) => self.program.fail(&error, self.store.data()).map(|()| None),
        }
    }

    /// The end of a call that waits for fuel and will not get any.
    fn out_of_fuel(&self, backtrace: WasmBacktrace) -> Failure {
        let Program { path, options, .. } = self.program;
        let trap = TrapCode::OutOfFuel;
        let mut notes = Vec::from_iter(self.store.data().limits.note());
        notes.extend(limit_note(Some(trap), options));
        Failure::Trap {
            message: format!("{}: {trap}", path.display()),
            backtrace: Some(backtrace),
            notes,
        }
    }

    fn func(&self, name: &str) -> Result<Func, Failure> {
        self.instance.get_func(&self.store, name).ok_or_else(|| {
            load::about(
                self.program.path,
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

/// What starts or initializes a module is called with nothing.
fn no_parameters(path: &Path, name: &str, ty: &ExternType) -> Result<(), Failure> {
    match ty {
        ExternType::Func(func) if func.params().is_empty() => Ok(()),
        other => Err(load::invalid(
            path,
            format_args!(
                "the export `{name}` must be a function without parameters; it is a {other}"
            ),
        )),
    }
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
        .map(|export| format!("`{}`", plain(export.name())))
        .collect();
    if names.is_empty() {
        "it exports no functions".to_owned()
    } else {
        format!("`--invoke` can call {}", names.join(", "))
    }
}
