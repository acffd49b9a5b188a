/** A module with a provider factory, as a user would write one: files in a MemFS. */

import { MemFS } from '@wasmer/wasi'
import type { Provider } from '../../dist/src/providers/provider.js'
import { wasmer } from '../../dist/src/providers/wasmer.js'
import { startWasmer } from './wasmer-guest.ts'

export default async function memory(): Promise<Provider> {
  await startWasmer()
  return wasmer(new MemFS())
}
