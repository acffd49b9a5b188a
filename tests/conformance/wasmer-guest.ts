/** @wasmer/wasi for tests: its start-up, and a guest whose exports are its own imports. */

import { init, WASI } from '@wasmer/wasi'
import { reexport } from './reexport.ts'
import { inBrowser } from './runtime.ts'
import { sharedMemory, WasiCaller } from './wasi-caller.ts'

let started: Promise<unknown> | undefined

/** What a bare init() failed with when the package was started; '' where it works. */
export let bareInitFailure = ''

/** Starts the package once. A bare init() decodes its module with Buffer, which browsers lack. */
export function startWasmer(): Promise<unknown> {
  started ??= inBrowser ? startInBrowser() : init()
  return started
}

/** The package's module stands in its source as a data: URI. */
async function startInBrowser(): Promise<void> {
  bareInitFailure = await init().then(() => '', String)
  const { default: source } = await import('@wasmer/wasi/dist/Library.esm.min.js?raw')
  const base64 = /data:application\/wasm;base64,([\w+/=]+)/.exec(source)?.[1] ?? ''
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  await init(await WebAssembly.compile(bytes))
}

/** A guest of a new instance, over shared memory of `pages`. */
export function wasmerGuest(pages?: number) {
  const wasi = new WASI({ preopens: { '/': '/' } })
  const memory = sharedMemory(pages)
  const instance = wasi.instantiate(reexport(), { env: { memory } })
  const guest = new WasiCaller(memory, instance.exports as never)
  return { guest, wasi, root: 4 }
}
