//! What a module imports, for engines that do not tell, or not well enough.

use wasmparser::{CompositeInnerType, FuncType, Parser, Payload, TypeRef};

/// An imported function.
pub(super) struct Imported {
    pub(super) module: String,
    pub(super) name: String,
    pub(super) ty: FuncType,
}

/// The functions that a module imports, in order.
///
/// # Errors
///
/// When the bytes are no module, or it imports anything else.
pub(super) fn imports(wasm: &[u8]) -> anyhow::Result<Vec<Imported>> {
    let mut types = Vec::new();
    let mut imported = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::TypeSection(groups) => {
                for group in groups {
                    for ty in group?.into_types() {
                        types.push(ty.composite_type.inner);
                    }
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import?;
                    let ty = match import.ty {
                        TypeRef::Func(index) => types.get(index as usize),
                        _ => None,
                    };
                    let Some(CompositeInnerType::Func(ty)) = ty else {
                        anyhow::bail!("expected functions as imports, found {import:?}");
                    };
                    imported.push(Imported {
                        module: import.module.to_owned(),
                        name: import.name.to_owned(),
                        ty: ty.clone(),
                    });
                }
            }
            _ => {}
        }
    }
    Ok(imported)
}
