//! Bytecode made by hand, run without WebAssembly: the greatest common divisor.

use std::error::Error;
use std::sync::Arc;

use damson_executor::ir::{
    Br, CopyValue, FunctionBuilder, IntBinary, IntTest, Operand, ReturnValue, Slot,
};
use damson_executor::store::{Cell, FuncType, ModuleShape, PrunedStore, StoreConfig, ValType};
use damson_executor::{CodeMap, call};

fn main() -> Result<(), Box<dyn Error>> {
    // What code may refer to is declared in a shape: here one function and its type.
    let ty = FuncType::new([ValType::I32, ValType::I32], [ValType::I32]);
    let shape = Arc::new(ModuleShape {
        types: [ty].into(),
        funcs: [0].into(),
        ..ModuleShape::default()
    });

    // while b != 0 { (a, b) = (b, a % b) }; a
    let (a, b, rest) = (Slot(0), Slot(1), Slot(4)); // slots 2 and 3 link the frames
    let mut code = FunctionBuilder::new(2, 1);
    let (again, done) = (code.new_label(), code.new_label());
    code.bind(again);
    code.push(
        IntTest::I32Eqz,
        &[Operand::BrIf(done.into()), Operand::Slot(b)],
    )?;
    code.push(
        IntBinary::I32RemU,
        &[Operand::Rs(rest), Operand::Slot(a), Operand::Slot(b)],
    )?;
    code.push(CopyValue::IntCopy, &[Operand::To(a), Operand::Slot(b)])?;
    code.push(CopyValue::IntCopy, &[Operand::To(b), Operand::Slot(rest)])?;
    code.push(Br::Br, &[Operand::Target(again.into())])?;
    code.bind(done);
    code.push(ReturnValue::IntReturn, &[code.linkage(), Operand::Slot(a)])?;
    let function = code.finish(5)?;
    println!("{function}");

    // Only verified code runs, so nothing here needs to be trusted.
    let map = CodeMap::new(Arc::clone(&shape));
    map.define(0, function.verify(&shape, 0)?)?;

    let mut store = PrunedStore::new((), StoreConfig::default());
    let instance = store.as_mut().instantiate(&shape, map.handle(), &[])?;
    let gcd = store
        .as_ref()
        .instance(instance)?
        .func(0)
        .ok_or("a function")?
        .handle();

    // Arguments go in and results come out in the same cells.
    let mut cells = [Cell::new(1071_i32), Cell::new(462_i32)];
    call(store.as_mut(), gcd, &mut cells)?;
    println!("gcd(1071, 462) = {}", cells[0].get::<i32>());
    assert_eq!(cells[0].get::<i32>(), 21);
    Ok(())
}
