//! `damson wast`: runs scripts of the WebAssembly test suite.

use std::fs;
use std::io::{self, Write};

use damson_wast::{Options, Runner};

use crate::failure::Failure;
use crate::options::WastOptions;

/// Runs all scripts, also after one of them failed.
pub(crate) fn run(options: &WastOptions) -> Result<(), Failure> {
    let runner = Runner::new(Options::default());
    let mut out = io::stdout().lock();
    let mut failed = 0;
    for path in &options.files {
        let name = path.display().to_string();
        let line = match fs::read_to_string(path) {
            Ok(script) => {
                let report = runner.run_script(&name, &script);
                failed += usize::from(!report.is_success());
                report.to_string()
            }
            Err(error) => {
                failed += 1;
                format!("{name}: {error}")
            }
        };
        writeln!(out, "{line}").map_err(|error| Failure::of_output(&error))?;
    }
    if failed == 0 {
        Ok(())
    } else {
        Err(Failure::other(format!(
            "{failed} of {} scripts failed",
            options.files.len()
        )))
    }
}
