#![no_std]
#![no_main]
#![expect(unsafe_code, reason = "an allocator, and the C library's interface")]
//! A program without Rust's standard library: its own allocator and panic handler, and of
//! the C library the entry point, `write` and `abort`. It runs a Wasm module with a host
//! function and ends with status 0 if the results are right.
//!
//! `cargo xtask size` builds it for size and says how large the interpreter is.

extern crate alloc;

use alloc::format;
use alloc::vec::Vec;
use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicUsize, Ordering};

use damson::{Caller, Config, Engine, Error, Linker, Module, Store, TrapCode};

#[link(name = "c")]
unsafe extern "C" {
    fn write(fd: c_int, bytes: *const c_void, count: usize) -> isize;
    fn abort() -> !;
}

/// Memory for everything: a device would have its own.
const HEAP_BYTES: usize = 8 << 20;

/// Gives memory out from the front, and takes the piece that was given out last back.
#[repr(align(16))]
struct Heap {
    bytes: UnsafeCell<[u8; HEAP_BYTES]>,
    used: AtomicUsize,
}

// SAFETY: pieces do not overlap: `used` is claimed by compare-and-exchange.
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap = Heap {
    bytes: UnsafeCell::new([0; HEAP_BYTES]),
    used: AtomicUsize::new(0),
};

// SAFETY: a piece lies within the heap, behind all that are in use, and is aligned.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let base = self.bytes.get().cast::<u8>();
        let mut used = self.used.load(Ordering::Relaxed);
        loop {
            let start = (base.addr() + used).next_multiple_of(layout.align()) - base.addr();
            let Some(end) = start
                .checked_add(layout.size())
                .filter(|&end| end <= HEAP_BYTES)
            else {
                return core::ptr::null_mut();
            };
            match self
                .used
                .compare_exchange(used, end, Ordering::Relaxed, Ordering::Relaxed)
            {
                // SAFETY: `start <= end <= HEAP_BYTES`.
                Ok(_) => return unsafe { base.add(start) },
                Err(now) => used = now,
            }
        }
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        let start = piece.addr() - self.bytes.get().addr();
        // If it is not the last piece, it is lost.
        let _ = self.used.compare_exchange(
            start + layout.size(),
            start,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    print("panic\n");
    // SAFETY: it takes nothing and does not return.
    unsafe { abort() }
}

/// The compiled `alloc` crate refers to these two for unwinding, which does not happen here.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// See [`rust_eh_personality`].
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    // SAFETY: it takes nothing and does not return.
    unsafe { abort() }
}

fn print(text: &str) {
    // SAFETY: the text is valid for as many bytes as it has.
    unsafe { write(1, text.as_ptr().cast(), text.len()) };
}

/// ```wat
/// (module
///   (import "h" "t" (func $t (param i32)))
///   (func $fib (export "fib") (param i32) (result i32)
///     (call $t (local.get 0))
///     (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
///       (then (local.get 0))
///       (else (i32.add
///         (call $fib (i32.sub (local.get 0) (i32.const 1)))
///         (call $fib (i32.sub (local.get 0) (i32.const 2))))))))
/// ```
#[rustfmt::skip]
const FIB: &[u8] = &[
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00,
    // types: (i32) -> (), (i32) -> i32
    0x01, 0x0a, 0x02, 0x60, 0x01, 0x7f, 0x00, 0x60, 0x01, 0x7f, 0x01, 0x7f,
    // import "h" "t"
    0x02, 0x07, 0x01, 0x01, b'h', 0x01, b't', 0x00, 0x00,
    // one function, exported as "fib"
    0x03, 0x02, 0x01, 0x01,
    0x07, 0x07, 0x01, 0x03, b'f', b'i', b'b', 0x00, 0x01,
    0x0a, 0x22, 0x01, 0x20, 0x00,
    0x20, 0x00, 0x10, 0x00,
    0x20, 0x00, 0x41, 0x02, 0x48, 0x04, 0x7f, 0x20, 0x00, 0x05,
    0x20, 0x00, 0x41, 0x01, 0x6b, 0x10, 0x01,
    0x20, 0x00, 0x41, 0x02, 0x6b, 0x10, 0x01,
    0x6a, 0x0b, 0x0b,
];

fn run() -> Result<(), Error> {
    let mut config = Config::default();
    config.set_max_stack_height(64 * 1024).consume_fuel(true);
    let engine = Engine::new(&config);
    let module = Module::new(&engine, FIB)?;
    let mut linker = Linker::<Vec<i32>>::new(&engine);
    linker.func_wrap("h", "t", |mut caller: Caller<'_, Vec<i32>>, n: i32| {
        caller.data_mut().push(n);
    })?;
    let mut store = Store::new(&engine, Vec::new());
    store.set_fuel(1_000_000)?;
    let instance = linker.instantiate_and_start(&mut store, &module)?;
    let fib = instance.get_typed_func::<i32, i32>(&store, "fib")?;
    let result = fib.call(&mut store, 15)?;
    let calls = store.data().len();
    print(&format!("fib(15) = {result} in {calls} calls\n"));
    if (result, calls) != (610, 1973) {
        return Err(Error::new("a wrong result"));
    }
    // Without end, but for the stack.
    let error = fib.call(&mut store, 1 << 30);
    match error.map_err(|error| error.as_trap_code()) {
        Err(Some(TrapCode::StackOverflow)) => Ok(()),
        _ => Err(Error::new("expected a stack overflow")),
    }
}

/// The C library calls this.
#[unsafe(no_mangle)]
pub extern "C" fn main(_count: c_int, _arguments: *const *const u8) -> c_int {
    match run() {
        Ok(()) => 0,
        Err(error) => {
            print(&format!("{error}\n"));
            1
        }
    }
}
