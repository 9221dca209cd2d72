//! Arguments, environment, clocks, random numbers, and the end of the process.

use damson::{Error, Linker};

use super::Call;
use crate::Errno;
use crate::abi::{Abi, ClockId};
use crate::ctx::StringList;
use crate::guest::{GuestMemory, offset};

/// Names of the functions that need no memory of the caller.
#[cfg(test)]
pub(crate) const WITHOUT_MEMORY: &[&str] = &["proc_exit", "proc_raise", "sched_yield"];

/// Defines the functions that work for a module without a memory, too.
pub(crate) fn define_without_memory<T: 'static>(
    linker: &mut Linker<T>,
    abi: Abi,
) -> Result<(), Error> {
    let module = abi.module();
    linker.func_wrap(module, "proc_exit", |code: i32| -> Result<(), Error> {
        Err(Error::i32_exit(code))
    })?;
    // WASI has signal numbers but no way to receive one.
    linker.func_wrap(module, "proc_raise", |_signal: u32| {
        u32::from(Errno::NotSup.number())
    })?;
    linker.func_wrap(module, "sched_yield", || {
        std::thread::yield_now();
        0_u32
    })?;
    Ok(())
}

impl Call<'_> {
    pub(crate) fn args_get(&mut self, argv: u32, buffer: u32) -> Result<(), Errno> {
        write_strings(&mut self.memory, &self.ctx.args, argv, buffer)
    }

    pub(crate) fn args_sizes_get(&mut self, count: u32, size: u32) -> Result<(), Errno> {
        self.memory.write_u32(count, self.ctx.args.count())?;
        self.memory.write_u32(size, self.ctx.args.size)
    }

    pub(crate) fn environ_get(&mut self, environ: u32, buffer: u32) -> Result<(), Errno> {
        write_strings(&mut self.memory, &self.ctx.env, environ, buffer)
    }

    pub(crate) fn environ_sizes_get(&mut self, count: u32, size: u32) -> Result<(), Errno> {
        self.memory.write_u32(count, self.ctx.env.count())?;
        self.memory.write_u32(size, self.ctx.env.size)
    }

    pub(crate) fn clock_res_get(&mut self, id: u32, resolution: u32) -> Result<(), Errno> {
        let nanoseconds = self.ctx.clock.resolution(ClockId::try_from(id)?)?;
        self.memory.write_u64(resolution, nanoseconds)
    }

    /// The precision is a wish; every reading is as precise as it can be.
    pub(crate) fn clock_time_get(
        &mut self,
        id: u32,
        _precision: u64,
        time: u32,
    ) -> Result<(), Errno> {
        let id = ClockId::try_from(id)?;
        // Checked first: a reading moves a virtual clock.
        self.memory.slice(time, 8)?;
        let nanoseconds = self.ctx.clock.now(id)?;
        self.memory.write_u64(time, nanoseconds)
    }

    pub(crate) fn random_get(&mut self, buffer: u32, length: u32) -> Result<(), Errno> {
        self.ctx.random.fill(self.memory.slice_mut(buffer, length)?)
    }
}

/// Writes the strings one after another to `buffer`, each with a zero byte at
/// its end, and their addresses to `pointers`.
fn write_strings(
    memory: &mut GuestMemory<'_>,
    list: &StringList,
    pointers: u32,
    buffer: u32,
) -> Result<(), Errno> {
    let mut address = buffer;
    let mut pointer = pointers;
    for string in &list.strings {
        memory.write_u32(pointer, address)?;
        memory.write(address, string)?;
        let length = u32::try_from(string.len()).map_err(|_| Errno::Fault)?;
        let end = offset(address, length, 1)?;
        memory.write(end, &[0])?;
        address = end.checked_add(1).ok_or(Errno::Fault)?;
        pointer = pointer.checked_add(4).ok_or(Errno::Fault)?;
    }
    Ok(())
}
