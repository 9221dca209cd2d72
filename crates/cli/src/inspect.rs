//! `damson inspect`: what a module consists of and what it needs.

use std::fmt::{self, Write as _};
use std::io::Write;

use damson::{Config, Engine, Module};

use crate::failure::Failure;
use crate::load;
use crate::options::{InspectOptions, Mode, Proposal};
use crate::output::{self, counted, plain, styled};

pub(crate) fn run(options: &InspectOptions) -> Result<(), Failure> {
    let path = &options.file;
    let binary = load::binary(path)?;
    let engine = load::engine(Config::default(), Mode::LazyTranslation);
    let module = load::module(&engine, Mode::LazyTranslation, path, &binary)?;

    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = describe(&mut text, &module, &binary);
    let written = anstream::stdout().write_all(text.as_bytes());
    written.map_err(|error| Failure::of_output(&error))
}

fn describe(out: &mut String, module: &Module, binary: &[u8]) -> fmt::Result {
    let funcs = module.defined_funcs();
    let code: usize = funcs
        .clone()
        .filter_map(|index| module.body_bytes(index).map(<[u8]>::len))
        .sum();
    writeln!(
        out,
        "{} bytes, {} of its own with {code} bytes of code",
        binary.len(),
        counted(funcs.len(), "function")
    )?;

    let types: Vec<_> = module.types().enumerate().collect();
    list(out, "type", &types, |(index, ty)| format!("{index}: {ty}"))?;
    let imports: Vec<_> = module.imports().collect();
    list(out, "import", &imports, |import| {
        let [module, name] = [import.module(), import.name()].map(plain);
        format!("{module}::{name}  {}", import.ty())
    })?;
    let exports: Vec<_> = module.exports().collect();
    list(out, "export", &exports, |export| {
        format!("{}  {}", plain(export.name()), export.ty())
    })?;
    let sections: Vec<_> = module.custom_sections().collect();
    list(out, "custom section", &sections, |section| {
        format!("{}  {} bytes", plain(section.name()), section.data().len())
    })?;
    let needed = needed(binary);
    list(out, "proposal needed", &needed, |proposal| {
        proposal.name.to_owned()
    })
}

/// A heading, and a line for each item.
fn list<T>(out: &mut String, noun: &str, items: &[T], line: impl Fn(&T) -> String) -> fmt::Result {
    let heading = match noun {
        // "1 proposal needed", "2 proposals needed"
        "proposal needed" => format!("{} needed", counted(items.len(), "proposal")),
        noun => counted(items.len(), noun),
    };
    writeln!(out, "{}", styled(output::HEADING, heading))?;
    for item in items {
        writeln!(out, "  {}", line(item))?;
    }
    Ok(())
}

/// The proposals without which the module would be refused.
fn needed(binary: &[u8]) -> Vec<&'static Proposal> {
    let refused_without = |proposal: &&Proposal| {
        let mut config = Config::default();
        (proposal.set)(&mut config, false);
        Module::validate(&Engine::new(&config), binary).is_err()
    };
    Proposal::ALL.iter().filter(refused_without).collect()
}
