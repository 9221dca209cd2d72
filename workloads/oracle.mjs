// Runs a workload under Node, the oracle that `cargo xtask workloads` compares with.
//
//   node oracle.mjs start FILE.wasm [argument]   as a WASI command
//   node oracle.mjs run FILE.wasm SIZE           the export `run`, called twice, every import a trap
//
// `run` prints the checksum as the programs do: eight hexadecimal digits.
import { readFileSync } from "node:fs";
import { WASI } from "node:wasi";

const [mode, file, ...rest] = process.argv.slice(2);
const module = new WebAssembly.Module(readFileSync(file));

if (mode === "start") {
  const wasi = new WASI({ version: "preview1", args: ["workload", ...rest], env: {}, returnOnExit: true });
  process.exitCode = wasi.start(new WebAssembly.Instance(module, wasi.getImportObject()));
} else if (mode === "run") {
  const imports = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    (imports[from] ??= {})[name] = () => {
      throw new Error(`run called the import ${from}.${name}`);
    };
  }
  const instance = new WebAssembly.Instance(module, imports);
  const sum = instance.exports.run(Number(rest[0])) >>> 0;
  const again = instance.exports.run(Number(rest[0])) >>> 0;
  if (sum !== again) throw new Error(`run gave ${sum}, and when called again ${again}`);
  console.log(sum.toString(16).padStart(8, "0"));
} else {
  console.error("usage: node oracle.mjs start|run FILE.wasm [argument]");
  process.exitCode = 2;
}
