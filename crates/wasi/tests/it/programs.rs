//! The C programs of `workloads/wasi/`, compared with what they did on Wasmtime.
//!
//! `NAME.expected` was written by Wasmtime (`cargo xtask wasi-oracle`): how the
//! program ended, what it wrote, and the files it left behind. Here the same program
//! runs in the same world, and must have come to the same.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use damson::{Engine, Linker, Module, Store};
use damson_wasi::{OutputPipe, Permissions, WasiCtx, WasiCtxBuilder};

macro_rules! programs {
    ($($name:ident)*) => {
        const PROGRAMS: &[&str] = &[$( stringify!($name) ),*];

        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )*
    };
}

programs! {
    args_env
    clocks
    descriptors
    dirs
    exit_code
    exit_early
    files
    links
    open_flags
    paths
    random
    readonly
    rename
    stdio
    times
    trap
    unstable
}

#[test]
fn every_program_is_tested() {
    let mut found: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    found.sort();
    assert_eq!(found, PROGRAMS);
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workloads/wasi")
}

#[track_caller]
fn check(name: &str) {
    let expected = fs::read_to_string(folder().join(name).with_extension("expected")).unwrap();
    let found = run(&fs::read(folder().join(name).with_extension("wasm")).unwrap());
    for (index, (expected, found)) in expected.lines().zip(found.lines()).enumerate() {
        assert_eq!(found, expected, "{name}.expected, line {}", index + 1);
    }
    assert_eq!(found, expected);
}

/// Runs a program in the world that `world.txt` describes; what came of it.
fn run(wasm: &[u8]) -> String {
    let folders = tempfile::tempdir().unwrap();
    let (box_folder, fixed) = (folders.path().join("box"), folders.path().join("fixed"));
    fs::create_dir(&box_folder).unwrap();
    fs::create_dir(&fixed).unwrap();
    let (out, err) = (OutputPipe::new(1 << 20), OutputPipe::new(1 << 20));
    let wasi = world(&fixed)
        .stdout(out.clone())
        .stderr(err.clone())
        .preopened_dir(&box_folder, "/box", Permissions::ReadWrite)
        .preopened_dir(&fixed, "/fixed", Permissions::ReadOnly);

    let engine = Engine::default();
    let module = Module::new(&engine, wasm).expect("a valid module");
    let mut store = Store::new(&engine, wasi.build().expect("a context"));
    let mut linker = <Linker<WasiCtx>>::new(&engine);
    damson_wasi::add_to_linker(&mut linker, |wasi| wasi).expect("an empty linker");
    let instance = linker
        .instantiate_and_start(&mut store, &module)
        .expect("all imports are defined");
    let start = instance
        .get_typed_func::<(), ()>(&store, "_start")
        .expect("a command module");
    let end = match start.call(&mut store, ()) {
        Ok(()) => "exit 0".to_owned(),
        Err(error) => match error.i32_exit_status() {
            Some(code) => format!("exit {code}"),
            None => {
                assert!(error.as_trap_code().is_some(), "{error}");
                "trap".to_owned()
            }
        },
    };

    let mut report = end + "\n";
    for (name, pipe) in [("stdout", out), ("stderr", err)] {
        writeln!(report, "--- {name}").unwrap();
        for line in pipe.take().split(|byte| *byte == b'\n') {
            writeln!(report, "{}", escaped(line)).unwrap();
        }
    }
    for (name, path) in [("box", box_folder), ("fixed", fixed)] {
        writeln!(report, "--- {name}").unwrap();
        tree(&path, "", &mut report);
    }
    report
}

/// Makes the files of `world.txt` in `fixed` and passes on the rest.
fn world(fixed: &Path) -> WasiCtxBuilder {
    let mut wasi = WasiCtxBuilder::new();
    let text = fs::read_to_string(folder().join("world.txt")).unwrap();
    for line in text.lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (what, rest) = line.split_once(' ').expect(line);
        let pair = |separator| rest.split_once(separator).expect(line);
        let text = |text: &str| text.replace("\\n", "\n");
        match what {
            "arg" => wasi = wasi.arg(rest),
            "env" => wasi = wasi.env(pair('=').0, pair('=').1),
            "stdin" => wasi = wasi.stdin(std::io::Cursor::new(text(rest))),
            "dir" => fs::create_dir(fixed.join(rest)).unwrap(),
            "file" => fs::write(fixed.join(pair(' ').0), text(pair(' ').1)).unwrap(),
            "link" => symlink(pair(' ').1, &fixed.join(pair(' ').0)),
            _ => panic!("world.txt: {line}"),
        }
    }
    wasi
}

#[cfg(unix)]
fn symlink(target: &str, link: &Path) {
    std::os::unix::fs::symlink(target, link).unwrap();
}

/// A line for everything in the folder, in the order of the names' bytes.
fn tree(folder: &Path, prefix: &str, report: &mut String) {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    for name in names {
        let path = folder.join(&name);
        let shown = format!("{prefix}{}", escaped(name.as_encoded_bytes()));
        let metadata = fs::symlink_metadata(&path).unwrap();
        if metadata.is_symlink() {
            let target = fs::read_link(&path).unwrap().into_os_string();
            let target = escaped(target.as_encoded_bytes());
            writeln!(report, "link {shown} to {target}").unwrap();
        } else if metadata.is_dir() {
            writeln!(report, "directory {shown}").unwrap();
            tree(&path, &format!("{shown}/"), report);
        } else {
            let data = fs::read(&path).unwrap();
            let (length, start) = (data.len(), escaped(&data[..data.len().min(40)]));
            writeln!(report, "file {shown} of {length} bytes \"{start}\"").unwrap();
        }
    }
}

/// Printable ASCII as it is, everything else as `\xNN`.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes {
        match byte {
            b'\\' => write!(text, "\\x{byte:02x}").unwrap(),
            b' '..=b'~' => text.push(byte.into()),
            _ => write!(text, "\\x{byte:02x}").unwrap(),
        }
    }
    text
}
