//! Programs that must not compile, each for the reason beside it.
//!
//! `TRYBUILD=overwrite cargo test -p damson --test it compile_fail` writes the compiler's
//! messages anew; read them before committing, they must still name the right reason.

#[test]
fn misuse_of_stores_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/it/ui/*.rs");
}
