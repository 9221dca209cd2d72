//! `damson compile`: what translating a module costs.

use std::io::Write;
use std::time::Instant;

use damson::{Config, Module};

use crate::failure::Failure;
use crate::load;
use crate::options::{CompileOptions, Mode};
use crate::output::time;

pub(crate) fn run(options: &CompileOptions) -> Result<(), Failure> {
    let path = &options.file;
    let binary = load::binary(path)?;
    let mut config = Config::default();
    config.consume_fuel(options.fuel);
    load::apply(&options.proposals, &mut config);
    let engine = load::engine(config, Mode::Eager);

    let start = Instant::now();
    // Lazily: function bodies are only located yet.
    let module = load::module(&engine, Mode::Lazy, path, &binary)?;
    let parsed = start.elapsed();
    let start = Instant::now();
    load::translate(&module).map_err(|error| load::of_module(path, &error))?;
    let translated = start.elapsed();

    let funcs = module.defined_funcs();
    let code: usize = sum(&module, |index| module.body_bytes(index).map(<[u8]>::len));
    let bytecode: usize = sum(&module, |index| module.bytecode_size(index));
    let speed = code as f64 / 1e6 / translated.as_secs_f64().max(1e-9);
    let text = format!(
        "module      {} bytes\n\
         functions   {}\n\
         code        {code} bytes\n\
         bytecode    {bytecode} bytes, {:.2} for each byte of code\n\
         parsing     {}\n\
         translation {}, validation included; {speed:.1} MB of code each second\n",
        binary.len(),
        funcs.len(),
        bytecode as f64 / code.max(1) as f64,
        time(parsed),
        time(translated),
    );
    let written = anstream::stdout().write_all(text.as_bytes());
    written.map_err(|error| Failure::of_output(&error))
}

fn sum(module: &Module, size: impl Fn(u32) -> Option<usize>) -> usize {
    module.defined_funcs().filter_map(size).sum()
}
