//! Golden tests: `golden/*.wat` in, disassembled bytecode out; in `golden/compact` that of a
//! compact build, which builds without optimisation are.
//!
//! With `DAMSON_BLESS=1` in the environment the expected files are written
//! anew; look at the difference before you commit it. A file whose name begins
//! with `fuel` is translated with fuel metering.

use std::path::Path;

use damson_translator::Config;

use crate::support::{disassemble, module};

#[test]
fn bytecode_is_as_recorded() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden");
    let bless = std::env::var_os("DAMSON_BLESS").is_some();
    let mut different = Vec::new();
    let mut found = 0;
    let mut entries: Vec<_> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.extension().is_none_or(|extension| extension != "wat") {
            continue;
        }
        found += 1;
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut config = Config::default();
        config.consume_fuel = name.starts_with("fuel");
        let text = disassemble(&module(&std::fs::read_to_string(&path).unwrap(), &config));
        let expected = match damson_ir::IS_COMPACT {
            false => path.with_extension("txt"),
            true => dir.join("compact").join(format!("{name}.txt")),
        };
        if bless {
            std::fs::write(&expected, &text).unwrap();
        } else if std::fs::read_to_string(&expected).ok().as_deref() != Some(&text) {
            different.push(format!("{name}:\n{text}"));
        }
    }
    assert!(found >= 10, "only {found} golden files were found");
    assert!(
        different.is_empty(),
        "bytecode differs; set DAMSON_BLESS=1 to accept it\n{}",
        different.join("\n")
    );
}
