//! Small changes of binary modules that are valid: sections are copied but for one.

use std::ops::Range;

use wasm_encoder::{Encode, Module, RawSection, SectionId};
use wasmparser::{BinaryReader, CodeSectionReader, Parser};

/// The module with its global of this index exported as `name`; none if it exports nothing.
#[must_use]
pub(crate) fn with_exported_global(wasm: &[u8], name: &str, global: u32) -> Option<Vec<u8>> {
    changed(wasm, SectionId::Export, |exports| {
        let mut reader = BinaryReader::new(exports, 0);
        let count = reader.read_var_u32().expect("a valid section");
        let mut section = Vec::new();
        (count + 1).encode(&mut section);
        section.extend_from_slice(&exports[reader.original_position() as usize..]);
        name.encode(&mut section);
        section.push(wasm_encoder::ExportKind::Global as u8);
        global.encode(&mut section);
        section
    })
}

/// The module with nothing but a trap in the function of this number, counted among those it
/// defines; none if there is none.
#[must_use]
pub(crate) fn with_empty_body(wasm: &[u8], number: usize) -> Option<Vec<u8>> {
    /// No locals, `unreachable`, `end`.
    const TRAP: &[u8] = &[0, 0x00, 0x0b];
    let mut found = false;
    let changed = changed(wasm, SectionId::Code, |code| {
        let bodies = CodeSectionReader::new(BinaryReader::new(code, 0)).expect("a valid section");
        let mut section = Vec::new();
        bodies.count().encode(&mut section);
        for (at, body) in bodies.into_iter().enumerate() {
            let range = body.expect("a valid section").range();
            let body = match at == number {
                true => TRAP,
                false => part(code, range),
            };
            found |= at == number;
            body.encode(&mut section);
        }
        section
    });
    changed.filter(|_| found)
}

/// The module with the contents of one section changed; none if it does not have it.
fn changed(
    wasm: &[u8],
    which: SectionId,
    mut change: impl FnMut(&[u8]) -> Vec<u8>,
) -> Option<Vec<u8>> {
    let mut module = Module::new();
    let mut found = false;
    for payload in Parser::new(0).parse_all(wasm) {
        let Some((id, range)) = payload.ok()?.as_section() else {
            continue;
        };
        let old = part(wasm, range);
        let new;
        let data = match id == which as u8 {
            true => {
                found = true;
                new = change(old);
                &new
            }
            false => old,
        };
        module.section(&RawSection { id, data });
    }
    found.then(|| module.finish())
}

/// Where the parser says that something is.
fn part(bytes: &[u8], Range { start, end }: Range<u64>) -> &[u8] {
    &bytes[start as usize..end as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(wasm: &[u8]) -> String {
        wasmparser::validate(wasm).expect("a valid module");
        wasmprinter::print_bytes(wasm).expect("a module")
    }

    #[test]
    fn changed_modules_are_valid() {
        let wasm = wat::parse_str(
            r#"(module (global i32 (i32.const 1)) (global (mut i32) (i32.const 2))
                 (func (export "f") (result i32) global.get 0)
                 (func (export "g") (result i32) global.get 1)
                 (memory 1) (data (i32.const 0) "xyz"))"#,
        )
        .expect("a valid text");
        let exported = with_exported_global(&wasm, "fuel", 1).expect("it has exports");
        let text_of = text(&exported);
        assert!(
            text_of.contains(r#"(export "fuel" (global 1))"#),
            "{text_of}"
        );
        assert!(text_of.contains("xyz"), "{text_of}");
        let empty = text(&with_empty_body(&wasm, 1).expect("there are two"));
        assert!(
            empty.contains("unreachable") && empty.contains("global.get 0"),
            "{empty}"
        );
        assert!(!empty.contains("global.get 1"), "{empty}");
        assert_eq!(with_empty_body(&wasm, 2), None);
        let nothing = wat::parse_str("(module)").expect("a valid text");
        assert_eq!(with_exported_global(&nothing, "fuel", 0), None);
    }
}
