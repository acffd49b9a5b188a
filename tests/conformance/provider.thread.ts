/** A thread that owns one provider and serves its methods: OPFS needs a worker, disk is tried across threads. */

import type { MountedSpec, Provider } from '../../dist/src/providers/provider.js'
import { instantiate } from '../../dist/src/providers/specs.js'
import { serve } from '../support/thread-port.ts'

let provider: Provider | undefined

await serve({
  /** Makes this thread's browser one that moves no files, as WebKit is. */
  forgetMove() {
    for (const owner of [FileSystemHandle, FileSystemFileHandle, FileSystemDirectoryHandle]) {
      Reflect.deleteProperty(owner.prototype, 'move')
    }
    return 'move' in FileSystemFileHandle.prototype
  },
  async mount(mount: MountedSpec) {
    provider = await instantiate(mount)
    const { name, capabilities } = provider
    return { name, capabilities }
  },
  /** Errors go as values: a structured clone of one loses its code. */
  async call(method: keyof Provider, ...args: unknown[]) {
    try {
      const act = provider?.[method] as (...args: unknown[]) => unknown
      return { value: await act.apply(provider, args) }
    } catch (error) {
      const { code, message } = error as { code?: string; message: string }
      return { code: code ?? 'no code', message }
    }
  },
})
