/**
 * The compiled kernel: finds core.wasm beside this package and compiles it once for this thread.
 * Invariant: no import of a Node module, so that browsers load this file as it is.
 */

const coreUrl = new URL('../core.wasm', import.meta.url)

let compiled: Promise<WebAssembly.Module> | undefined

/** The kernel's module, compiled at the first call; a failed attempt is not remembered. */
export function coreModule(): Promise<WebAssembly.Module> {
  compiled ??= compileCore().catch((cause) => {
    compiled = undefined
    throw new Error(`isopage: core.wasm could not be loaded from ${coreUrl}`, { cause })
  })
  return compiled
}

async function compileCore(): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await readCore())
}

/** The bytes of core.wasm. Node's fetch refuses file: URLs, so files are read by node:fs there. */
async function readCore(): Promise<BufferSource> {
  if (coreUrl.protocol === 'file:') {
    // A variable keeps bundlers for browsers from resolving the name.
    const name = 'node:fs/promises'
    const fs: typeof import('node:fs/promises') = await import(/* @vite-ignore */ name)
    return new Uint8Array(await fs.readFile(coreUrl))
  }
  const response = await fetch(coreUrl)
  if (!response.ok) throw new Error(`HTTP ${response.status} ${response.statusText}`)
  return response.arrayBuffer()
}
