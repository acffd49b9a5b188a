/** The public API of Isopage: everything that `import ... from 'isopage'` gives. */

import { ABI_VERSION } from '../assembly/abi.js'

export { coreModule } from './core.js'

/** The version of the kernel's ABI that this package speaks; `core.wasm` exports the same number. */
export const abiVersion: number = ABI_VERSION
