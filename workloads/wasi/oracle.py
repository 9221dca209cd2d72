"""Runs a program of this folder on Wasmtime and prints what came of it.

    python oracle.py MODULE SCRATCH

SCRATCH is a folder that this script may empty. The report has the form of the files
NAME.expected; README.md describes it. `cargo xtask wasi-oracle` calls this.

Programs that import the older version of WASI need an older package (18.0.2 has it),
which has no read-only directories.
"""

import os
import shutil
import sys

from wasmtime import Engine, ExitTrap, Linker, Module, Store, Trap, WasiConfig

HERE = os.path.dirname(os.path.abspath(__file__))


def build(world, fixed):
    """Reads world.txt and makes the files it describes."""
    args, env, stdin = [], [], b""
    for line in world.splitlines():
        if line == "" or line.startswith("#"):
            continue
        what, rest = line.split(" ", 1)
        if what == "arg":
            args.append(rest)
        elif what == "env":
            env.append(tuple(rest.split("=", 1)))
        elif what == "stdin":
            stdin = rest.replace("\\n", "\n").encode()
        elif what == "dir":
            os.mkdir(os.path.join(fixed, rest))
        elif what == "file":
            name, text = rest.split(" ", 1)
            with open(os.path.join(fixed, name), "wb") as file:
                file.write(text.replace("\\n", "\n").encode())
        elif what == "link":
            name, target = rest.split(" ", 1)
            os.symlink(target, os.path.join(fixed, name))
        else:
            sys.exit(f"world.txt: {line}")
    return args, env, stdin


def escaped(data):
    """Printable ASCII as it is, everything else as \\xNN."""
    plain = lambda byte: 32 <= byte < 127 and byte != ord("\\")
    return "".join(chr(byte) if plain(byte) else f"\\x{byte:02x}" for byte in data)


def tree(folder, prefix=b""):
    """A line for everything in the folder, in the order of the names' bytes."""
    lines = []
    for name in sorted(os.listdir(os.fsencode(folder))):
        path, shown = os.path.join(os.fsencode(folder), name), prefix + name
        if os.path.islink(path):
            lines.append(f"link {escaped(shown)} to {escaped(os.readlink(path))}")
        elif os.path.isdir(path):
            lines.append(f"directory {escaped(shown)}")
            lines += tree(path, shown + b"/")
        else:
            with open(path, "rb") as file:
                data = file.read()
            lines.append(f'file {escaped(shown)} of {len(data)} bytes "{escaped(data[:40])}"')
    return lines


def execute(module, folders, args, env, streams):
    config = WasiConfig()
    config.argv, config.env = args, env
    config.stdin_file, config.stdout_file, config.stderr_file = streams
    config.preopen_dir(folders[0], "/box")
    try:
        config.preopen_dir(folders[1], "/fixed", False)
    except TypeError:
        config.preopen_dir(folders[1], "/fixed")
    engine = Engine()
    store = Store(engine)
    store.set_wasi(config)
    linker = Linker(engine)
    linker.define_wasi()
    instance = linker.instantiate(store, Module.from_file(engine, module))
    try:
        instance.exports(store)["_start"](store)
    except ExitTrap as error:
        return f"exit {error.code}"
    except Trap:
        return "trap"
    return "exit 0"


def run(module, scratch):
    shutil.rmtree(scratch, ignore_errors=True)
    box, fixed = os.path.join(scratch, "box"), os.path.join(scratch, "fixed")
    os.makedirs(box)
    os.makedirs(fixed)
    with open(os.path.join(HERE, "world.txt"), encoding="utf-8") as file:
        args, env, stdin = build(file.read(), fixed)
    streams = [os.path.join(scratch, name) for name in ("stdin", "stdout", "stderr")]
    with open(streams[0], "wb") as file:
        file.write(stdin)
    end = execute(module, [box, fixed], args, env, streams)
    report = [end]
    for name, path in zip(("stdout", "stderr"), streams[1:]):
        with open(path, "rb") as file:
            lines = file.read().split(b"\n")
        report.append(f"--- {name}")
        report += [escaped(line) for line in lines]
    report.append("--- box")
    report += tree(box)
    report.append("--- fixed")
    report += tree(fixed)
    return "\n".join(report) + "\n"


if __name__ == "__main__":
    sys.stdout.write(run(sys.argv[1], sys.argv[2]))
