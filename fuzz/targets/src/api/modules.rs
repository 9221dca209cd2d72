//! The modules of the sequences, and what their functions do.

use std::sync::OnceLock;

/// Where a module has its entities from, and whether it starts something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Template {
    /// It defines everything.
    Own,
    /// It imports a function, a memory, a table and a global.
    Imports,
    /// The same, with a start function that writes to the memory and traps when the
    /// global is [`UNLUCKY`].
    Starts,
}

/// For this value of the global the start function traps.
pub(super) const UNLUCKY: i32 = 13;

/// What the start function writes to the memory's first byte.
pub(super) const STARTED: u8 = 42;

impl Template {
    pub(super) const ALL: [Self; 3] = [Self::Own, Self::Imports, Self::Starts];

    pub(super) const fn has_imports(self) -> bool {
        !matches!(self, Self::Own)
    }

    /// The binary module.
    pub(super) fn wasm(self) -> &'static [u8] {
        static MODULES: OnceLock<[Vec<u8>; 3]> = OnceLock::new();
        let modules = MODULES.get_or_init(|| {
            Self::ALL.map(|template| wat::parse_str(template.text()).expect("a valid text"))
        });
        &modules[self as usize]
    }

    fn text(self) -> String {
        let head = match self {
            Self::Own => {
                r#"
                (memory $m 1 3)
                (table $t 4 8 funcref)
                (global $g (mut i32) (i32.const 5))
                (func $f (param i32) (result i32) local.get 0)
                (elem (i32.const 1) $f $deep)"#
            }
            _ => {
                r#"
                (import "env" "f" (func $f (param i32) (result i32)))
                (import "env" "m" (memory $m 1))
                (import "env" "t" (table $t 2 funcref))
                (import "env" "g" (global $g (mut i32)))"#
            }
        };
        let start = if self == Self::Starts {
            format!(
                "(func $start
                  (i32.store8 (i32.const 0) (i32.const {STARTED}))
                  (if (i32.eq (global.get $g) (i32.const {UNLUCKY})) (then unreachable)))
                (start $start)"
            )
        } else {
            String::new()
        };
        format!("(module {head} {BODY} {start})")
    }
}

const BODY: &str = r#"
    (type $unary (func (param i32) (result i32)))
    (export "f" (func $f))
    (export "m" (memory $m))
    (export "t" (table $t))
    (export "g" (global $g))
    (func (export "add") (param i32 i32) (result i32)
      (i32.add (local.get 0) (local.get 1)))
    (func (export "div") (param i32 i32) (result i32)
      (i32.div_s (local.get 0) (local.get 1)))
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
    (func (export "get") (result i32) (global.get $g))
    (func (export "set") (param i32) (global.set $g (local.get 0)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "pick") (param i32) (result funcref) (table.get $t (local.get 0)))
    (func (export "put") (param i32 funcref) (table.set $t (local.get 0) (local.get 1)))
    (func (export "indirect") (param i32 i32) (result i32)
      (call_indirect $t (type $unary) (local.get 1) (local.get 0)))
    (func (export "tail_indirect") (param i32 i32) (result i32)
      (return_call_indirect $t (type $unary) (local.get 1) (local.get 0)))
    (func (export "swap") (param i64 f64) (result f64 i64) (local.get 1) (local.get 0))
    (func (export "object") (param externref) (result externref) (local.get 0))
    (func $deep (export "deep") (param i32) (result i32)
      (if (result i32) (i32.le_s (local.get 0) (i32.const 0))
        (then (i32.const 0))
        (else (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))))
    (func (export "call_f") (param i32) (result i32)
      (i32.add (call $f (local.get 0)) (i32.const 1)))
    (func (export "tail_f") (param i32) (result i32) (return_call $f (local.get 0)))
"#;

/// What an exported function does; the names are those of the exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Add,
    Div,
    Load,
    Store,
    Get,
    Set,
    Grow,
    Pick,
    Put,
    Indirect,
    Swap,
    Object,
    Deep,
    CallF,
    TailF,
}

/// The exported functions, except `f`.
pub(super) const EXPORTS: &[(&str, What)] = &[
    ("add", What::Add),
    ("div", What::Div),
    ("load", What::Load),
    ("store", What::Store),
    ("get", What::Get),
    ("set", What::Set),
    ("grow", What::Grow),
    ("pick", What::Pick),
    ("put", What::Put),
    ("indirect", What::Indirect),
    ("tail_indirect", What::Indirect),
    ("swap", What::Swap),
    ("object", What::Object),
    ("deep", What::Deep),
    ("call_f", What::CallF),
    ("tail_f", What::TailF),
];
