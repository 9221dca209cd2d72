//! Library modules that work on bytes: the host writes them into the guest's memory, calls,
//! and reads the answer.
//!
//! Without arguments it hashes with a module from the package `hash-wasm`, which is kept in
//! `workloads/real`. It also runs other modules of that package, and gofmt:
//!
//! ```text
//! library hash MODULE BITS [INIT [FINAL [BEFORE]]] < input    prints the digest
//! library scrypt MODULE COST < block                          prints the mixed block
//! library bcrypt MODULE COST < salt-and-password              prints the encoded hash
//! library argon2 MODULE MEMORY < blocks                       prints the last block
//! library format MODULE < input                               prints the formatted text
//! ```
//!
//! INIT and FINAL are what `Hash_Init` and `Hash_Final` are given: the number of bits unless
//! it is said, and what SHA-3 puts behind its input. BEFORE is a number that the module finds
//! in its buffer.

use std::fs;
use std::io::{self, Read, Write};

use damson::{Engine, Error, Instance, Linker, Memory, Module, Store, TrapCode, Val};

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

    fn write(&mut self, at: i32, bytes: &[u8]) -> Result<(), Error> {
        let at = at as u32 as usize;
        Ok(self.memory.write(&mut self.store, at, bytes)?)
    }

    fn read(&self, at: i32, len: usize) -> Result<Vec<u8>, Error> {
        // The module says where and how many: nothing is allocated before that is checked.
        let rest = self.memory.data(&self.store).get(at as u32 as usize..);
        let bytes = rest.and_then(|rest| rest.get(..len));
        Ok(bytes.ok_or(TrapCode::MemoryOutOfBounds)?.to_vec())
    }
}

/// What a module of `hash-wasm` is told besides its input.
#[derive(Default)]
struct Settings {
    /// For `Hash_Init`; the number of bits unless it is said.
    init: Option<i32>,
    /// For `Hash_Final`; what SHA-3 puts behind its input unless it is said.
    last: Option<i32>,
    /// In the buffer before `Hash_Init`.
    before: u64,
}

/// The digest by a module of `hash-wasm`.
fn hash(wasm: &[u8], bits: usize, settings: &Settings, input: &[u8]) -> Result<String, Error> {
    /// The size of the module's buffer.
    const BUFFER: usize = 16 * 1024;
    /// What SHA-3 puts behind its input.
    const PADDING: i32 = 6;
    let mut library = Library::new(wasm)?;
    let buffer = library.call("Hash_GetBuffer", &[])?;
    library.write(buffer, &settings.before.to_le_bytes())?;
    library.call("Hash_Init", &[settings.init.unwrap_or(bits as i32)])?;
    for chunk in input.chunks(BUFFER) {
        library.write(buffer, chunk)?;
        library.call("Hash_Update", &[chunk.len() as i32])?;
    }
    library.call("Hash_Final", &[settings.last.unwrap_or(PADDING)])?;
    Ok(hexadecimal(&library.read(buffer, bits / 8)?))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The part of scrypt that takes memory (`scryptROMix` of RFC 7914), on one block of input
/// with a block size of 1.
fn scrypt(wasm: &[u8], cost: i32, block: &[u8]) -> Result<String, Error> {
    let mut library = Library::new(wasm)?;
    let room = block.len() as i32 + 128 * cost + 256;
    library.call("Hash_SetMemorySize", &[room])?;
    let buffer = library.call("Hash_GetBuffer", &[])?;
    library.write(buffer, block)?;
    library.call("scrypt", &[1, cost, 1])?;
    Ok(hexadecimal(&library.read(buffer, block.len())?))
}

/// The part of Argon2id that takes memory (RFC 9106): from the first two blocks to the last
/// one, in two passes of one lane.
fn argon2(wasm: &[u8], kibibytes: i32, blocks: &[u8]) -> Result<String, Error> {
    const BLOCK: i32 = 1024;
    let mut library = Library::new(wasm)?;
    library.call("Hash_SetMemorySize", &[(kibibytes + 1) * BLOCK])?;
    let buffer = library.call("Hash_GetBuffer", &[])?;
    // Lanes, bytes of the hash, memory, passes, version 1.3, the variant "id".
    let settings = [1, 32, kibibytes, 2, 0x13, 2];
    let settings = settings.map(i32::to_le_bytes).concat();
    library.write(buffer + kibibytes * BLOCK, &settings)?;
    library.write(buffer, blocks)?;
    library.call("Hash_Calculate", &[0, kibibytes])?;
    Ok(hexadecimal(&library.read(buffer, BLOCK as usize)?))
}

/// The hash of a password as it is stored, of an input that begins with 16 bytes of salt.
fn bcrypt(wasm: &[u8], cost: i32, input: &[u8]) -> Result<String, Error> {
    /// The length of the result.
    const ENCODED: usize = 60;
    let mut library = Library::new(wasm)?;
    let buffer = library.call("Hash_GetBuffer", &[])?;
    library.write(buffer, input)?;
    let password = input.len().saturating_sub(16) as i32;
    library.call("bcrypt", &[password, cost, 1])?;
    Ok(String::from_utf8_lossy(&library.read(buffer, ENCODED)?).into_owned())
}

/// The text as gofmt writes it.
fn format(wasm: &[u8], input: &[u8]) -> Result<Vec<u8>, Error> {
    /// What the module says when the text was as it should be.
    const UNCHANGED: i32 = 0;
    /// What it says when it has an output; with all other numbers that is an error message.
    const FORMATTED: i32 = 1;
    let mut library = Library::new(wasm)?;
    let at = library.call("alloc", &[input.len() as i32])?;
    library.write(at, input)?;
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
            let digest = hash(wasm, 256, &Settings::default(), b"abc")?;
            println!("{digest}");
            // The first example of FIPS 180-2.
            let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
            assert_eq!(digest, expected);
            let million = hash(wasm, 256, &Settings::default(), &vec![b'a'; 1_000_000])?;
            let expected = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
            assert_eq!(million, expected);
        }
        ["hash", module, bits, ref more @ ..] if more.len() <= 3 => {
            let number = |index: usize| more.get(index).map(|text| text.parse()).transpose();
            let settings = Settings {
                init: number(0)?,
                last: number(1)?,
                before: more.get(2).map_or(Ok(0), |text| text.parse())?,
            };
            let digest = hash(&fs::read(module)?, bits.parse()?, &settings, &input()?)?;
            println!("{digest}");
        }
        ["scrypt", module, cost] => {
            println!("{}", scrypt(&fs::read(module)?, cost.parse()?, &input()?)?);
        }
        ["argon2", module, memory] => {
            println!(
                "{}",
                argon2(&fs::read(module)?, memory.parse()?, &input()?)?
            );
        }
        ["bcrypt", module, cost] => {
            println!("{}", bcrypt(&fs::read(module)?, cost.parse()?, &input()?)?);
        }
        ["format", module] => io::stdout().write_all(&format(&fs::read(module)?, &input()?)?)?,
        _ => return Err("expected no arguments, or hash, scrypt, argon2, bcrypt or format".into()),
    }
    Ok(())
}
