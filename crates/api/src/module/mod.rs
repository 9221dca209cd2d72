//! Modules: parsed programs, with their code.
//!
//! A module is made once and instantiated often, in any store of its engine. Three
//! layers meet here and nowhere else: the translator's parsed module, the executor's
//! code map that the functions' code goes into, and, for the lazy modes, the
//! compiler ([`compile`]) by which the executor gets code at a function's first call.

mod compile;
mod disassembly;
mod types;
mod unchecked;

use alloc::sync::Arc;
use core::fmt;
use core::ops::Range;

use damson_core::{Bytes, CodeHandle, ExternType, FuncType, InstantiateError, ModuleShape};
use damson_executor::CodeMap;
use damson_translator as translator;

use crate::engine::Engine;
use crate::error::Error;

pub use self::disassembly::{DisassembledInstr, Disassembly};
pub use self::types::{
    CustomSection, CustomSectionsIter, ExportType, ImportType, ModuleExportsIter, ModuleImportsIter,
};

/// A validated program that can be instantiated.
///
/// Cloning is cheap and shares everything, code included.
///
/// # Example
///
/// ```
/// # #[cfg(feature = "wat")] {
/// use damson::{Engine, Module};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"
///     (module
///       (import "host" "now" (func (result i64)))
///       (func (export "later") (param i64) (result i64) (local.get 0)))
/// "#)?;
/// assert_eq!(module.imports().next().unwrap().name(), "now");
/// let later = module.get_export("later").unwrap();
/// assert_eq!(later.to_string(), "function (i64) -> i64");
/// assert_eq!(module.defined_funcs(), 1..2);
/// # }
/// # Ok::<(), damson::Error>(())
/// ```
#[derive(Clone)]
pub struct Module {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    parsed: Arc<translator::Module>,
    code: Arc<CodeMap>,
}

impl Module {
    /// Parses and validates a module, and translates it as the engine's
    /// [`CompilationMode`](crate::CompilationMode) says.
    ///
    /// With the feature `wat` the text format is accepted too. Bytes count as text if the
    /// first one that is not white space is `(` or `;`; no binary begins like that.
    ///
    /// What the module keeps of the bytes is copied; [`Module::from_bytes`] does without.
    ///
    /// # Errors
    ///
    /// If the module is malformed, invalid, or uses a proposal that is not supported or
    /// not enabled; the error names the place.
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Engine, Module};
    ///
    /// let engine = Engine::default();
    /// let module = Module::new(&engine, b"\0asm\x01\0\0\0")?;
    /// assert_eq!(module.exports().len(), 0);
    /// // A section that ends too early.
    /// let error = Module::new(&engine, b"\0asm\x01\0\0\0\x01\x7f").unwrap_err();
    /// assert!(error.to_string().contains("offset"), "{error}");
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn new(engine: &Engine, wasm: impl AsRef<[u8]>) -> Result<Self, Error> {
        let wasm = wasm.as_ref();
        #[cfg(feature = "wat")]
        let parsed_text = parse_text(wasm)?;
        #[cfg(feature = "wat")]
        let wasm = parsed_text.as_deref().unwrap_or(wasm);
        Self::from_binary(engine, wasm)
    }

    /// [`Module::new`] for bytes that the module may keep: it shares them instead of
    /// copying its code, data and custom sections, which is most of what making a large
    /// module costs in the mode [`Lazy`](crate::CompilationMode::Lazy).
    ///
    /// A `Vec<u8>` or a `Box<[u8]>` is taken over as it is. A clone of [`Bytes`] serves
    /// several modules, and `Bytes::from_owner` makes them of a mapped file or of whatever
    /// else has bytes. All of them stay as long as the module or an instance of it does.
    ///
    /// # Errors
    ///
    /// As [`Module::new`].
    ///
    /// # Example
    ///
    /// ```no_run
    /// use damson::{Engine, Module};
    ///
    /// let engine = Engine::default();
    /// let module = Module::from_bytes(&engine, std::fs::read("program.wasm")?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_bytes(engine: &Engine, wasm: impl Into<Bytes>) -> Result<Self, Error> {
        let wasm = wasm.into();
        #[cfg(feature = "wat")]
        let wasm = parse_text(&wasm)?.map_or(wasm, Bytes::from);
        let config = engine.translator_config();
        Self::from_parsed(engine, translator::Module::parse_shared(&wasm, &config)?)
    }

    fn from_binary(engine: &Engine, wasm: &[u8]) -> Result<Self, Error> {
        let config = engine.translator_config();
        Self::from_parsed(engine, translator::Module::parse(wasm, &config)?)
    }

    fn from_parsed(engine: &Engine, parsed: translator::Module) -> Result<Self, Error> {
        let parsed = Arc::new(parsed);
        if let (Some(index), false) = (parsed.shape().start, engine.config().allow_start_fn) {
            return Err(InstantiateError::UnexpectedStartFn { index }.into());
        }
        let code = compile::code_map(&parsed, engine.config())?;
        Ok(Self {
            inner: Arc::new(Inner {
                engine: engine.clone(),
                parsed,
                code,
            }),
        })
    }

    /// Checks a binary module, function bodies included, without making anything of it.
    ///
    /// # Errors
    ///
    /// If the module is malformed, invalid, or uses a proposal that is not supported or
    /// not enabled; the error names the place.
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Engine, Module};
    ///
    /// let engine = Engine::default();
    /// assert!(Module::validate(&engine, b"\0asm\x01\0\0\0").is_ok());
    /// assert!(Module::validate(&engine, b"\0asm\x02\0\0\0").is_err());
    /// ```
    pub fn validate(engine: &Engine, wasm: &[u8]) -> Result<(), Error> {
        Ok(translator::validate(wasm, &engine.translator_config())?)
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    pub(crate) fn shape(&self) -> &Arc<ModuleShape> {
        self.inner.parsed.shape()
    }

    pub(crate) fn code(&self) -> CodeHandle {
        self.inner.code.handle()
    }

    /// The imports, in their order in the module.
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use damson::{Engine, Module};
    ///
    /// let module = Module::new(&Engine::default(), r#"
    ///     (module (import "env" "memory" (memory 2)) (import "env" "now" (func (result i64))))
    /// "#)?;
    /// let needed: Vec<String> = module
    ///     .imports()
    ///     .map(|import| format!("{}::{}: {}", import.module(), import.name(), import.ty()))
    ///     .collect();
    /// assert_eq!(needed, ["env::memory: memory of 2.. pages", "env::now: function () -> i64"]);
    /// # }
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn imports(&self) -> ModuleImportsIter<'_> {
        ModuleImportsIter::new(self.shape())
    }

    /// The exports, in their order in the module.
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use damson::{Engine, Module};
    ///
    /// let module = Module::new(&Engine::default(), r#"
    ///     (module (memory (export "memory") 1) (func (export "run") (param f64)))
    /// "#)?;
    /// let names = module.exports().map(|export| export.name());
    /// assert!(names.eq(["memory", "run"]));
    /// # }
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn exports(&self) -> ModuleExportsIter<'_> {
        ModuleExportsIter::new(self.shape())
    }

    /// The type of the export of a name.
    #[must_use]
    pub fn get_export(&self, name: &str) -> Option<ExternType> {
        let shape = self.shape();
        shape.export_type(shape.exports.iter().find(|export| &*export.name == name)?)
    }

    /// The custom sections, in their order in the module.
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use damson::{Engine, Module};
    ///
    /// let module = Module::new(&Engine::default(), r#"(module (@custom "license" "MIT"))"#)?;
    /// let section = module.custom_sections().find(|section| section.name() == "license");
    /// assert_eq!(section.unwrap().data(), b"MIT");
    /// # }
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn custom_sections(&self) -> CustomSectionsIter<'_> {
        CustomSectionsIter::new(&self.inner.parsed)
    }

    /// The indices of the functions that the module defines; those that it imports
    /// come before them.
    #[must_use]
    pub fn defined_funcs(&self) -> Range<u32> {
        self.inner.parsed.defined_funcs()
    }

    /// The name of a function in the module's name section.
    #[must_use]
    pub fn func_name(&self, func_index: u32) -> Option<&str> {
        self.inner.parsed.func_name(func_index)
    }

    /// Where a function's body is in the binary, in bytes from its start; `None` if
    /// the module defines no function of that index.
    #[must_use]
    pub fn body_range(&self, func_index: u32) -> Option<Range<u64>> {
        self.inner.parsed.body_range(func_index)
    }

    /// A function's body as in the binary: its local declarations, then its operators.
    #[must_use]
    pub fn body_bytes(&self, func_index: u32) -> Option<&[u8]> {
        self.inner.parsed.body_bytes(func_index)
    }

    /// The function types that the module declares, in their order.
    pub fn types(&self) -> impl ExactSizeIterator<Item = &FuncType> {
        self.shape().types.iter()
    }

    /// Translates a function now, unless it has been: what its first call would do in a
    /// lazy [`CompilationMode`](crate::CompilationMode).
    ///
    /// An embedder that shows progress, or has time to spare between calls, translates
    /// [`Module::defined_funcs`] one by one.
    ///
    /// # Errors
    ///
    /// - If the module defines no function of that index.
    /// - If the function is invalid, which only a lazily validated one can be.
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use damson::{CompilationMode, Config, Engine, Module};
    ///
    /// let mut config = Config::default();
    /// config.compilation_mode(CompilationMode::Lazy);
    /// let module = Module::new(&Engine::new(&config), "(module (func) (func nop))")?;
    /// for index in module.defined_funcs() {
    ///     assert_eq!(module.bytecode_size(index), None);
    ///     module.precompile(index)?;
    ///     assert!(module.bytecode_size(index).is_some());
    /// }
    /// assert!(module.precompile(2).is_err());
    /// # }
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn precompile(&self, func_index: u32) -> Result<(), Error> {
        let prepared = self.inner.code.prepare(func_index);
        prepared.map_err(Error::from_call_error)
    }

    /// Size of a function's bytecode in bytes; `None` if it is not translated yet, or if the
    /// module defines no function of that index.
    #[must_use]
    pub fn bytecode_size(&self, func_index: u32) -> Option<usize> {
        self.inner.code.code_bytes(func_index)
    }

    /// The bytecode of a function, to be printed.
    ///
    /// The function is translated for the purpose, whether its code exists already or not.
    ///
    /// # Errors
    ///
    /// - If the module defines no function of that index.
    /// - If the function is invalid, which only a lazily validated one can be.
    pub fn disassemble(&self, func_index: u32) -> Result<Disassembly, Error> {
        Ok(Disassembly(
            self.inner.parsed.translate_for_display(func_index)?,
        ))
    }
}

/// The module in the binary format, if `bytes` are in the text format.
#[cfg(feature = "wat")]
fn parse_text(bytes: &[u8]) -> Result<Option<alloc::vec::Vec<u8>>, Error> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if matches!(first, Some(b'(' | b';')) {
        Ok(Some(wat::parse_bytes(bytes)?.into_owned()))
    } else {
        Ok(None)
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module")
            .field("parsed", &self.inner.parsed)
            .finish_non_exhaustive()
    }
}
