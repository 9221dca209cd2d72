//! Library modules that work on bytes: the host writes them into the guest's memory, calls,
//! and reads the answer.
//!
//! Without arguments it hashes with a module from the package `hash-wasm`, which is kept in
//! `workloads/real`. It also runs other modules of that package, and gofmt:
//!
//! ```text
//! library hash MODULE BITS < input    prints the digest
//! library format MODULE < input       prints the formatted text
//! ```

use std::fs;
use std::io::{self, Read, Write};

use damson::{Engine, Error, Instance, Linker, Memory, Module, Store, Val};

/// A module that imports nothing, ready to be called.
struct Library {
    store: Store<()>,
    instance: Instance,
    memory: Memory,
}

impl Library {
    fn new(wasm: &[u8]) -> Result<Self, Error> {
        let engine = Engine::default();
        let module = Module::new(&engine, wasm)?;
        let mut store = Store::new(&engine, ());
        let instance = <Linker<()>>::new(&engine).instantiate_and_start(&mut store, &module)?;
        let memory = instance.get_memory(&store, "memory");
        let memory = memory.ok_or_else(|| Error::new("no memory is exported"))?;
        let mut library = Self {
            store,
            instance,
            memory,
        };
        if library
            .instance
            .get_func(&library.store, "_initialize")
            .is_some()
        {
            library.call("_initialize", &[])?;
        }
        Ok(library)
    }

    /// Calls an export with as many of the arguments as it has parameters; its result, or 0.
    fn call(&mut self, name: &str, args: &[i32]) -> Result<i32, Error> {
        let func = self.instance.get_func(&self.store, name);
        let func = func.ok_or_else(|| Error::new(format!("no function `{name}`")))?;
        let ty = func.ty(&self.store);
        let args: Vec<Val> = args.iter().map(|arg| Val::I32(*arg)).collect();
        let mut results = vec![Val::I32(0); ty.results().len()];
        func.call(&mut self.store, &args[..ty.params().len()], &mut results)?;
        Ok(match results.first() {
            Some(Val::I32(result)) => *result,
            _ => 0,
        })
    }

    fn read(&self, at: i32, len: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; len];
        self.memory
            .read(&self.store, at as u32 as usize, &mut bytes)?;
        Ok(bytes)
    }
}

/// The digest by a module of `hash-wasm`.
fn hash(wasm: &[u8], bits: usize, input: &[u8]) -> Result<String, Error> {
    /// The size of the module's buffer.
    const BUFFER: usize = 16 * 1024;
    /// What SHA-3 puts behind its input.
    const PADDING: i32 = 6;
    let mut library = Library::new(wasm)?;
    let buffer = library.call("Hash_GetBuffer", &[])?;
    library.call("Hash_Init", &[bits as i32])?;
    for chunk in input.chunks(BUFFER) {
        let at = buffer as u32 as usize;
        library.memory.write(&mut library.store, at, chunk)?;
        library.call("Hash_Update", &[chunk.len() as i32])?;
    }
    library.call("Hash_Final", &[PADDING])?;
    let digest = library.read(buffer, bits / 8)?;
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The text as gofmt writes it.
fn format(wasm: &[u8], input: &[u8]) -> Result<Vec<u8>, Error> {
    /// What the module says when the text was as it should be.
    const UNCHANGED: i32 = 0;
    /// What it says when it has an output; with all other numbers that is an error message.
    const FORMATTED: i32 = 1;
    let mut library = Library::new(wasm)?;
    let at = library.call("alloc", &[input.len() as i32])?;
    library
        .memory
        .write(&mut library.store, at as u32 as usize, input)?;
    let found = library.call("format", &[])?;
    if found == UNCHANGED {
        return Ok(input.to_vec());
    }
    let (at, len) = (
        library.call("output_ptr", &[])?,
        library.call("output_len", &[])?,
    );
    let output = library.read(at, len as u32 as usize)?;
    if found != FORMATTED {
        return Err(Error::new(String::from_utf8_lossy(&output)));
    }
    Ok(output)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let input = || {
        let mut input = Vec::new();
        io::stdin().read_to_end(&mut input).map(|_| input)
    };
    match args[..] {
        [] => {
            let wasm = include_bytes!("../../../workloads/real/sha256.wasm");
            let digest = hash(wasm, 256, b"abc")?;
            println!("{digest}");
            // The first example of FIPS 180-2.
            let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
            assert_eq!(digest, expected);
            let million = hash(wasm, 256, &vec![b'a'; 1_000_000])?;
            let expected = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
            assert_eq!(million, expected);
        }
        ["hash", module, bits] => {
            println!("{}", hash(&fs::read(module)?, bits.parse()?, &input()?)?);
        }
        ["format", module] => io::stdout().write_all(&format(&fs::read(module)?, &input()?)?)?,
        _ => return Err("expected no arguments, hash MODULE BITS, or format MODULE".into()),
    }
    Ok(())
}
