//! What must not compile.

#[test]
fn what_would_break_the_store_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/it/ui/*.rs");
}
