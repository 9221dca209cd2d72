//! The functions of WASI, and how they get into a linker.
//!
//! One table at the end of this file lists every function with its signature.
//! A row needs a method of the same name on [`Call`], which says in plain Rust
//! what the function does; the linker's closures are made from the table. Where a
//! row has a second list after `=>`, it says how the numbers of the signature make
//! up the method's arguments: a path is a descriptor, an address and a length
//! ([`At`]), a list of vectors an address and a count ([`IoVecs`]).
//!
//! What the specification leaves open is as in Wasmtime, so that a program sees no
//! difference: mostly which errno a descriptor of the wrong kind gives.

mod fd;
mod file;
mod path;
mod poll;
mod process;
mod sock;
mod threads;

use damson::{AsContextMut, Caller, Erased, Error, Extern, Linker, StoreContextMut};

use self::path::{At, OpenRequest};
pub use self::threads::ThreadsUnsupported;
use crate::abi::Abi;
use crate::guest::{GuestMemory, IoVecs};
use crate::{Errno, WasiCtx};

/// One call of a guest: its context, its memory, and which version of the
/// interface it speaks.
pub(crate) struct Call<'a> {
    pub(crate) ctx: &'a mut WasiCtx,
    pub(crate) memory: GuestMemory<'a>,
    pub(crate) abi: Abi,
}

/// Defines WASI for modules that `linker` links. `get` finds the context in the
/// store's data.
///
/// # Errors
///
/// When the linker has one of the names already.
pub fn add_to_linker<T: 'static>(
    linker: &mut Linker<T>,
    get: impl Fn(&mut T) -> &mut WasiCtx + Copy + Send + Sync + 'static,
) -> Result<(), Error> {
    fn same<T>(context: StoreContextMut<'_, T>) -> Result<StoreContextMut<'_, T>, Error> {
        Ok(context)
    }
    define_all(linker, Way { view: same, get })
}

/// Defines WASI in a linker for stores whose data type is given up.
///
/// `get` finds the context in data of the type `T`. Every call checks that the
/// store's data is a `T`; in another store the functions fail with an error that
/// names both types.
///
/// ```
/// use damson::{Engine, Erased, Linker, Module, Store};
/// use damson_wasi::{WasiCtx, WasiCtxBuilder};
///
/// struct Plugin {
///     wasi: WasiCtx,
/// }
///
/// let engine = Engine::default();
/// let mut linker = <Linker<Erased>>::new(&engine);
/// damson_wasi::add_to_pruned_linker(&mut linker, |plugin: &mut Plugin| &mut plugin.wasi)?;
///
/// let wasi = WasiCtxBuilder::new().build()?;
/// let mut store = Store::new(&engine, Plugin { wasi }).prune();
/// let module = Module::new(&engine, "(module (func (export \"_start\")))")?;
/// let instance = linker.instantiate_and_start(&mut store, &module)?;
/// instance.get_typed_func::<(), ()>(&store, "_start")?.call(&mut store, ())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When the linker has one of the names already.
pub fn add_to_pruned_linker<T: 'static>(
    linker: &mut Linker<Erased>,
    get: impl Fn(&mut T) -> &mut WasiCtx + Copy + Send + Sync + 'static,
) -> Result<(), Error> {
    fn checked<T: 'static>(
        context: StoreContextMut<'_, Erased>,
    ) -> Result<StoreContextMut<'_, T>, Error> {
        Ok(context.try_context_mut()?)
    }
    define_all(linker, Way { view: checked, get })
}

/// The way from a call to its context: from what the linker knows of the store to
/// its data `T`, and from there to the context.
struct Way<S: 'static, T: 'static, G> {
    view: View<S, T>,
    get: G,
}

/// A view of the same store with another type of data.
type View<S, T> = for<'a> fn(StoreContextMut<'a, S>) -> Result<StoreContextMut<'a, T>, Error>;

impl<S, T, G: Copy> Clone for Way<S, T, G> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S, T, G: Copy> Copy for Way<S, T, G> {}

impl<S, T, G: Fn(&mut T) -> &mut WasiCtx> Way<S, T, G> {
    /// Runs `body` with the caller's memory and context; the errno is the guest's
    /// result. A caller that exports no memory is an error of the module, not of
    /// the call, and ends the guest.
    fn call(
        &self,
        caller: &mut Caller<'_, S>,
        abi: Abi,
        name: &str,
        body: impl FnOnce(&mut Call<'_>) -> Result<(), Errno>,
    ) -> Result<u32, Error> {
        let memory = caller
            .get_export("memory")
            .and_then(Extern::into_memory)
            .ok_or_else(|| {
                Error::new(format!(
                    "{module}.{name} was called by a module that exports no memory named `memory`",
                    module = abi.module()
                ))
            })?;
        let context = (self.view)(caller.as_context_mut())?;
        let (bytes, data) = memory.data_and_store_mut(context);
        let mut call = Call {
            ctx: (self.get)(data),
            memory: GuestMemory::new(bytes),
            abi,
        };
        Ok(match body(&mut call) {
            Ok(()) => 0,
            Err(errno) => u32::from(errno.number()),
        })
    }
}

fn define_all<S: 'static, T: 'static, G>(
    linker: &mut Linker<S>,
    way: Way<S, T, G>,
) -> Result<(), Error>
where
    G: Fn(&mut T) -> &mut WasiCtx + Copy + Send + Sync + 'static,
{
    for abi in [Abi::Preview1, Abi::Unstable] {
        define_with_memory(linker, abi, way)?;
        process::define_without_memory(linker, abi)?;
    }
    threads::define(linker)
}

macro_rules! functions {
    ($( $name:ident($($arg:ident: $ty:ty),*) $(=> ($($value:expr),*))?; )*) => {
        /// Names of the functions that work on the caller's memory.
        #[cfg(test)]
        pub(crate) const WITH_MEMORY: &[&str] = &[$( stringify!($name) ),*];

        fn define_with_memory<S: 'static, T: 'static, G>(
            linker: &mut Linker<S>,
            abi: Abi,
            way: Way<S, T, G>,
        ) -> Result<(), Error>
        where
            G: Fn(&mut T) -> &mut WasiCtx + Copy + Send + Sync + 'static,
        {
            $(
                linker.func_wrap(
                    abi.module(),
                    stringify!($name),
                    move |mut caller: Caller<'_, S>, $($arg: $ty),*| -> Result<u32, Error> {
                        way.call(&mut caller, abi, stringify!($name), |call| {
                            functions!(@call call.$name [$($arg),*] $(=> $($value),*)?)
                        })
                    },
                )?;
            )*
            Ok(())
        }
    };
    (@call $call:ident.$name:ident [$($arg:ident),*]) => {
        $call.$name($($arg),*)
    };
    (@call $call:ident.$name:ident [$($arg:ident),*] => $($value:expr),*) => {
        $call.$name($($value),*)
    };
}

// Numbers narrower than 32 bits travel as `u32`; the methods check them.
functions! {
    args_get(argv: u32, buffer: u32);
    args_sizes_get(count: u32, size: u32);
    environ_get(environ: u32, buffer: u32);
    environ_sizes_get(count: u32, size: u32);
    clock_res_get(id: u32, resolution: u32);
    clock_time_get(id: u32, precision: u64, time: u32);
    fd_advise(fd: u32, offset: u64, length: u64, advice: u32);
    fd_allocate(fd: u32, offset: u64, length: u64);
    fd_close(fd: u32);
    fd_datasync(fd: u32);
    fd_fdstat_get(fd: u32, stat: u32);
    fd_fdstat_set_flags(fd: u32, flags: u32);
    fd_fdstat_set_rights(fd: u32, base: u64, inheriting: u64);
    fd_filestat_get(fd: u32, stat: u32);
    fd_filestat_set_size(fd: u32, size: u64);
    fd_filestat_set_times(fd: u32, atim: u64, mtim: u64, flags: u32);
    fd_pread(fd: u32, list: u32, count: u32, offset: u64, read: u32)
        => (fd, IoVecs { list, count }, offset, read);
    fd_prestat_get(fd: u32, prestat: u32);
    fd_prestat_dir_name(fd: u32, path: u32, length: u32);
    fd_pwrite(fd: u32, list: u32, count: u32, offset: u64, written: u32)
        => (fd, IoVecs { list, count }, offset, written);
    fd_read(fd: u32, list: u32, count: u32, read: u32) => (fd, IoVecs { list, count }, read);
    fd_readdir(fd: u32, buffer: u32, length: u32, cookie: u64, used: u32);
    fd_renumber(from: u32, to: u32);
    fd_seek(fd: u32, offset: u64, whence: u32, position: u32);
    fd_sync(fd: u32);
    fd_tell(fd: u32, position: u32);
    fd_write(fd: u32, list: u32, count: u32, written: u32)
        => (fd, IoVecs { list, count }, written);
    path_create_directory(fd: u32, path: u32, length: u32) => (At { fd, path, length });
    path_filestat_get(fd: u32, flags: u32, path: u32, length: u32, stat: u32)
        => (At { fd, path, length }, flags, stat);
    path_filestat_set_times(
        fd: u32, flags: u32, path: u32, length: u32, atim: u64, mtim: u64, fst_flags: u32
    ) => (At { fd, path, length }, flags, [atim, mtim], fst_flags);
    path_link(
        old_fd: u32, flags: u32, old: u32, old_length: u32, new_fd: u32, new: u32, new_length: u32
    ) => (At::new(old_fd, old, old_length), flags, At::new(new_fd, new, new_length));
    path_open(
        fd: u32, lookup: u32, path: u32, length: u32, open_flags: u32, rights: u64,
        inheriting: u64, fd_flags: u32, opened: u32
    ) => (
        At { fd, path, length },
        OpenRequest { lookup, open_flags, rights, inheriting, fd_flags },
        opened
    );
    path_readlink(fd: u32, path: u32, length: u32, buffer: u32, buffer_length: u32, used: u32)
        => (At { fd, path, length }, buffer, buffer_length, used);
    path_remove_directory(fd: u32, path: u32, length: u32) => (At { fd, path, length });
    path_rename(old_fd: u32, old: u32, old_length: u32, new_fd: u32, new: u32, new_length: u32)
        => (At::new(old_fd, old, old_length), At::new(new_fd, new, new_length));
    path_symlink(contents: u32, contents_length: u32, fd: u32, path: u32, length: u32)
        => (contents, contents_length, At { fd, path, length });
    path_unlink_file(fd: u32, path: u32, length: u32) => (At { fd, path, length });
    poll_oneoff(subscriptions: u32, events: u32, count: u32, occurred: u32);
    random_get(buffer: u32, length: u32);
    sock_accept(fd: u32, flags: u32, accepted: u32);
    sock_recv(fd: u32, list: u32, count: u32, flags: u32, read: u32, out_flags: u32)
        => (fd, IoVecs { list, count }, flags, read, out_flags);
    sock_send(fd: u32, list: u32, count: u32, flags: u32, written: u32)
        => (fd, IoVecs { list, count }, flags, written);
    sock_shutdown(fd: u32, how: u32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_46_functions_are_there() {
        let mut names: Vec<&str> = [WITH_MEMORY, process::WITHOUT_MEMORY].concat();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 46);
    }
}
