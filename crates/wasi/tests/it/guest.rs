//! A module that does nothing but pass calls on: for each WASI function it has
//! an export of the same name that calls the import. A test plays the guest's
//! program in Rust, with the guest's memory before it.

use damson::{Engine, Error, Instance, Linker, Memory, Module, Store, Val, ValType};
use damson_wasi::{Errno, WasiCtx, WasiCtxBuilder};

/// Every function with its parameter types (`i`: i32, `I`: i64). All give an
/// errno but `proc_exit`.
pub(crate) const FUNCTIONS: [(&str, &str); 46] = [
    ("args_get", "ii"),
    ("args_sizes_get", "ii"),
    ("environ_get", "ii"),
    ("environ_sizes_get", "ii"),
    ("clock_res_get", "ii"),
    ("clock_time_get", "iIi"),
    ("fd_advise", "iIIi"),
    ("fd_allocate", "iII"),
    ("fd_close", "i"),
    ("fd_datasync", "i"),
    ("fd_fdstat_get", "ii"),
    ("fd_fdstat_set_flags", "ii"),
    ("fd_fdstat_set_rights", "iII"),
    ("fd_filestat_get", "ii"),
    ("fd_filestat_set_size", "iI"),
    ("fd_filestat_set_times", "iIIi"),
    ("fd_pread", "iiiIi"),
    ("fd_prestat_get", "ii"),
    ("fd_prestat_dir_name", "iii"),
    ("fd_pwrite", "iiiIi"),
    ("fd_read", "iiii"),
    ("fd_readdir", "iiiIi"),
    ("fd_renumber", "ii"),
    ("fd_seek", "iIii"),
    ("fd_sync", "i"),
    ("fd_tell", "ii"),
    ("fd_write", "iiii"),
    ("path_create_directory", "iii"),
    ("path_filestat_get", "iiiii"),
    ("path_filestat_set_times", "iiiiIIi"),
    ("path_link", "iiiiiii"),
    ("path_open", "iiiiiIIii"),
    ("path_readlink", "iiiiii"),
    ("path_remove_directory", "iii"),
    ("path_rename", "iiiiii"),
    ("path_symlink", "iiiii"),
    ("path_unlink_file", "iii"),
    ("poll_oneoff", "iiii"),
    ("proc_exit", "i"),
    ("proc_raise", "i"),
    ("sched_yield", ""),
    ("random_get", "ii"),
    ("sock_accept", "iii"),
    ("sock_recv", "iiiiii"),
    ("sock_send", "iiiii"),
    ("sock_shutdown", "ii"),
];

fn passing_on(wasi_module: &str, memory: &str) -> String {
    let (mut imports, mut wrappers) = (String::new(), String::new());
    for (name, params) in FUNCTIONS {
        let types: Vec<&str> = params
            .chars()
            .map(|c| if c == 'i' { "i32" } else { "i64" })
            .collect();
        let types = types.join(" ");
        let result = if name == "proc_exit" {
            ""
        } else {
            "(result i32)"
        };
        let args: String = (0..params.len())
            .map(|index| format!("(local.get {index})"))
            .collect();
        imports +=
            &format!("(import {wasi_module:?} {name:?} (func ${name} (param {types}) {result}))\n");
        wrappers +=
            &format!("(func (export {name:?}) (param {types}) {result} (call ${name} {args}))\n");
    }
    format!("(module {imports} {memory} {wrappers})")
}

/// Bytes of the guest's memory.
pub(crate) const MEMORY_SIZE: u32 = 65536;

pub(crate) struct Guest {
    store: Store<WasiCtx>,
    instance: Instance,
    memory: Option<Memory>,
}

impl Guest {
    pub(crate) fn new(wasi: WasiCtxBuilder) -> Self {
        Self::with(
            "wasi_snapshot_preview1",
            "(memory (export \"memory\") 1 1)",
            wasi,
        )
    }

    /// A guest that imports from `wasi_module` and declares its memory so.
    pub(crate) fn with(wasi_module: &str, memory: &str, wasi: WasiCtxBuilder) -> Self {
        let engine = Engine::default();
        let module = Module::new(&engine, passing_on(wasi_module, memory)).expect("a valid module");
        let mut store = Store::new(&engine, wasi.build().expect("a context"));
        let mut linker = <Linker<WasiCtx>>::new(&engine);
        damson_wasi::add_to_linker(&mut linker, |wasi| wasi).expect("an empty linker");
        let instance = linker
            .instantiate_and_start(&mut store, &module)
            .expect("all functions are defined");
        let memory = instance.get_memory(&store, "memory");
        Self {
            store,
            instance,
            memory,
        }
    }

    /// Calls a WASI function; the result is the errno.
    pub(crate) fn try_call(&mut self, name: &str, args: &[u64]) -> Result<u16, Error> {
        let func = self
            .instance
            .get_func(&self.store, name)
            .expect("an export");
        let types = func.ty(&self.store);
        assert_eq!(types.params().len(), args.len(), "{name}");
        let args: Vec<Val> = types
            .params()
            .iter()
            .zip(args)
            .map(|(ty, arg)| match ty {
                ValType::I32 => Val::I32(u32::try_from(*arg).expect("32 bits") as i32),
                _ => Val::I64(*arg as i64),
            })
            .collect();
        let mut results = vec![Val::I32(-1); types.results().len()];
        func.call(&mut self.store, &args, &mut results)?;
        let errno = results[0].i32().expect("an errno");
        Ok(u16::try_from(errno).expect("16 bits"))
    }

    /// Calls a WASI function, which must succeed.
    #[track_caller]
    pub(crate) fn ok(&mut self, name: &str, args: &[u64]) {
        assert_eq!(
            self.try_call(name, args).expect("no trap"),
            0,
            "{name}{args:?}"
        );
    }

    /// Calls a WASI function, which must fail with `errno`.
    #[track_caller]
    pub(crate) fn fails(&mut self, name: &str, args: &[u64], errno: Errno) {
        let found = self.try_call(name, args).expect("no trap");
        assert_eq!(found, errno.number(), "{name}{args:?} should be {errno:?}");
    }

    pub(crate) fn write(&mut self, address: usize, bytes: &[u8]) {
        let memory = self.memory.expect("a memory");
        memory
            .write(&mut self.store, address, bytes)
            .expect("inside the memory");
    }

    pub(crate) fn write_u32s(&mut self, address: usize, values: &[u32]) {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.write(address, &bytes);
    }

    pub(crate) fn bytes(&self, address: usize, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        let memory = self.memory.expect("a memory");
        memory
            .read(&self.store, address, &mut bytes)
            .expect("inside the memory");
        bytes
    }

    pub(crate) fn u32(&self, address: usize) -> u32 {
        u32::from_le_bytes(self.bytes(address, 4).try_into().expect("4 bytes"))
    }

    pub(crate) fn u64(&self, address: usize) -> u64 {
        u64::from_le_bytes(self.bytes(address, 8).try_into().expect("8 bytes"))
    }

    /// Puts a path into the memory: its address and length.
    pub(crate) fn path(&mut self, path: impl AsRef<[u8]>) -> [u64; 2] {
        let path = path.as_ref();
        self.write(PATH, path);
        [PATH as u64, path.len() as u64]
    }

    /// Puts a second path into the memory.
    pub(crate) fn other_path(&mut self, path: impl AsRef<[u8]>) -> [u64; 2] {
        let path = path.as_ref();
        self.write(OTHER_PATH, path);
        [OTHER_PATH as u64, path.len() as u64]
    }

    /// Calls `path_open` on the first preopened directory, following symbolic
    /// links.
    pub(crate) fn open(&mut self, path: &str, open: Open) -> Result<u64, u16> {
        let [at, length] = self.path(path);
        let args = [
            open.dir,
            open.lookup,
            at,
            length,
            open.flags,
            open.rights,
            0,
            open.fd_flags,
            64,
        ];
        match self.try_call("path_open", &args).expect("no trap") {
            0 => Ok(u64::from(self.u32(64))),
            errno => Err(errno),
        }
    }

    /// Opens what must be there.
    #[track_caller]
    pub(crate) fn opened(&mut self, path: &str, open: Open) -> u64 {
        self.open(path, open)
            .unwrap_or_else(|errno| panic!("{path}: errno {errno}"))
    }

    /// Writes to a descriptor; how much was written.
    #[track_caller]
    pub(crate) fn write_fd(&mut self, fd: u64, bytes: &[u8]) -> u32 {
        self.write(DATA, bytes);
        self.write_u32s(80, &[DATA as u32, bytes.len() as u32]);
        self.ok("fd_write", &[fd, 80, 1, 64]);
        self.u32(64)
    }

    /// Reads from a descriptor.
    #[track_caller]
    pub(crate) fn read_fd(&mut self, fd: u64, length: u32) -> Vec<u8> {
        self.write_u32s(80, &[DATA as u32, length]);
        self.ok("fd_read", &[fd, 80, 1, 64]);
        self.bytes(DATA, self.u32(64) as usize)
    }

    /// Where a descriptor stands.
    #[track_caller]
    pub(crate) fn tell(&mut self, fd: u64) -> u64 {
        self.ok("fd_tell", &[fd, 64]);
        self.u64(64)
    }
}

/// Where paths and data of the helpers are.
const PATH: usize = 1024;
const OTHER_PATH: usize = 8192;
const DATA: usize = 16384;

/// How a test opens: for reading and writing the first preopened directory's file,
/// following symbolic links, if it does not say otherwise.
#[derive(Clone, Copy)]
pub(crate) struct Open {
    pub(crate) dir: u64,
    pub(crate) lookup: u64,
    pub(crate) flags: u64,
    pub(crate) rights: u64,
    pub(crate) fd_flags: u64,
}

pub(crate) const READ: u64 = 1 << 1;
pub(crate) const WRITE: u64 = 1 << 6;

impl Default for Open {
    fn default() -> Self {
        Self {
            dir: 3,
            lookup: 1,
            flags: 0,
            rights: READ | WRITE,
            fd_flags: 0,
        }
    }
}
