/** The system-call table: the only exports of core.wasm. */

import { ABI_VERSION } from './abi'

/** The ABI version that this binary was compiled with; a pure function, callable before boot. */
export function abiVersion(): u32 {
  return ABI_VERSION
}
