/**
 * A module as it is, without us: an ordinary memory, and the least of WASI that C's library asks for when it begins. Whatever else it imports says ENOSYS.
 */

const ENOSYS = 52

/** @returns {Promise<WebAssembly.Exports>} */
export async function plainExports(bytes) {
  const module = await WebAssembly.compile(bytes)
  let memory
  const view = () => new DataView(memory.buffer)
  const known = {
    environ_sizes_get(count, length) {
      view().setUint32(count, 0, true)
      view().setUint32(length, 0, true)
      return 0
    },
    environ_get: () => 0,
    clock_time_get(_clock, _precision, at) {
      view().setBigUint64(at, BigInt(Date.now()) * 1_000_000n, true)
      return 0
    },
    proc_exit(status) {
      throw new Error(`the program exited with ${status}`)
    },
  }
  const imports = {}
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    if (kind !== 'function') throw new Error(`the program imports ${from}.${name}, a ${kind}`)
    imports[from] ??= {}
    imports[from][name] = known[name] ?? (() => ENOSYS)
  }
  const { exports } = await WebAssembly.instantiate(module, imports)
  memory = exports.memory
  exports._initialize()
  return exports
}
