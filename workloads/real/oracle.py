"""Does on Wasmtime what `cargo xtask real` does on Damson.

    python oracle.py run [--compilation-mode MODE] [--dir HOST::GUEST]... MODULE [ARGS]...
    python oracle.py run --invoke NAME MODULE [ARGS]...
    python oracle.py format MODULE < INPUT
    python oracle.py hash MODULE BITS [INIT [FINAL [BEFORE]]] < INPUT
    python oracle.py scrypt MODULE COST < BLOCK
    python oracle.py argon2 MODULE MEMORY < BLOCKS
    python oracle.py bcrypt MODULE COST < SALT-AND-PASSWORD

The command lines are those of `damson` and of the example `library`, so that
`cargo xtask real --oracle` can put this in their place.
"""

import ctypes
import sys

from wasmtime import Engine, ExitTrap, Linker, Module, Store, WasiConfig


def instantiate(module, config=None):
    engine = Engine()
    store = Store(engine)
    linker = Linker(engine)
    if config is not None:
        store.set_wasi(config)
        linker.define_wasi()
    return store, linker.instantiate(store, Module.from_file(engine, module)).exports(store)


def run(args):
    config = WasiConfig()
    invoke = None
    while args[0].startswith("--"):
        option, value = args[:2]
        args = args[2:]
        if option == "--dir":
            config.preopen_dir(*value.split("::"))
        elif option == "--invoke":
            invoke = value
        elif option != "--compilation-mode":
            sys.exit(f"unknown option {option}")
    if invoke is not None:
        store, exports = instantiate(args[0])
        print(exports[invoke](store, *map(int, args[1:])))
        return 0
    config.argv = [args[0].rsplit("/", 1)[-1], *args[1:]]
    config.inherit_stdout()
    config.inherit_stderr()
    store, exports = instantiate(args[0], config)
    try:
        exports["_start"](store)
    except ExitTrap as error:
        return error.code
    return 0


class Library:
    def __init__(self, module):
        self.store, self.exports = instantiate(module)
        if "_initialize" in self.exports:
            self.call("_initialize")

    def call(self, name, *args):
        function = self.exports[name]
        return function(self.store, *args[: len(function.type(self.store).params)])

    def memory(self, at, length):
        start = ctypes.addressof(self.exports["memory"].data_ptr(self.store).contents)
        return (ctypes.c_ubyte * length).from_address(start + at)

    def write(self, at, data):
        self.memory(at, len(data))[:] = data


def format(module, text):
    library = Library(module)
    library.write(library.call("alloc", len(text)), text)
    found = library.call("format")
    output = bytes(library.memory(library.call("output_ptr"), library.call("output_len")))
    if found not in (0, 1):
        sys.exit(output.decode())
    return text if found == 0 else output


def digest(data, module, bits, init=None, last=6, before=0):
    library = Library(module)
    buffer = library.call("Hash_GetBuffer")
    library.write(buffer, before.to_bytes(8, "little"))
    library.call("Hash_Init", bits if init is None else init)
    for start in range(0, len(data), 16384):
        chunk = data[start : start + 16384]
        library.write(buffer, chunk)
        library.call("Hash_Update", len(chunk))
    library.call("Hash_Final", last)
    return bytes(library.memory(buffer, bits // 8)).hex()


def scrypt(block, module, cost):
    library = Library(module)
    library.call("Hash_SetMemorySize", len(block) + 128 * cost + 256)
    buffer = library.call("Hash_GetBuffer")
    library.write(buffer, block)
    library.call("scrypt", 1, cost, 1)
    return bytes(library.memory(buffer, len(block))).hex()


def argon2(blocks, module, kibibytes):
    library = Library(module)
    library.call("Hash_SetMemorySize", (kibibytes + 1) * 1024)
    buffer = library.call("Hash_GetBuffer")
    settings = b"".join(n.to_bytes(4, "little") for n in (1, 32, kibibytes, 2, 0x13, 2))
    library.write(buffer + kibibytes * 1024, settings)
    library.write(buffer, blocks)
    library.call("Hash_Calculate", 0, kibibytes)
    return bytes(library.memory(buffer, 1024)).hex()


def bcrypt(data, module, cost):
    library = Library(module)
    buffer = library.call("Hash_GetBuffer")
    library.write(buffer, data)
    library.call("bcrypt", len(data) - 16, cost, 1)
    return bytes(library.memory(buffer, 60)).decode()


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "run":
        sys.exit(run(rest))
    data = sys.stdin.buffer.read()
    if what == "format":
        sys.stdout.buffer.write(format(rest[0], data))
    else:
        work = {"hash": digest, "scrypt": scrypt, "argon2": argon2, "bcrypt": bcrypt}[what]
        print(work(data, rest[0], *map(int, rest[1:])))
