/** The kernel's module without the host around it: imports that do nothing. */

/** Instantiates core.wasm over a memory; only calls that need no host may be made. */
export async function bareKernel(module: WebAssembly.Module, memory: WebAssembly.Memory) {
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = { env: { memory } }
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {}
    if (kind === 'function') imports[from][name] = () => 0
  }
  const { exports } = await WebAssembly.instantiate(module, imports)
  return exports as Record<string, (...args: number[]) => number>
}
