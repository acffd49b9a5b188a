/** `isopage/guest`: programs in WebAssembly as processes of a kernel. Loaded by `kernel.run` and `kernel.load` when they are first called. */
export { type Exit, Guest } from './guest.js'
export type { LoadOptions, RunOptions } from './options.js'
export { backEndOfEngine, type ModuleSource, prepare } from './prepare.js'
export {
  type BackEndName,
  type Description,
  describe,
  GuestModuleError,
  type GuestModuleRule,
  type InstrumentOptions,
  instrument,
} from './rewrite/index.js'
export { close, load, type Place, type Plugin, run } from './run.js'
export type { Stdin, Stdout } from './stdio.js'
export { Workers } from './workers.js'
