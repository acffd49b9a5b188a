/** `opfs` conforms, in a worker of a browser. Not where there is no OPFS: Node, Deno, Bun. */

import { describe, expect, test } from 'vitest'
import type { Capabilities, Provider, ProviderSpec } from '../../dist/src/providers/provider.js'
import { instantiate, mountOf, opfs } from '../../dist/src/providers/specs.js'
import { pause } from '../support/pause.ts'
import { importing, startThread, type Thread } from '../support/thread.ts'
import { CREATE, make, READ_WRITE, shared, textOf } from './fixture.ts'
import { codeOf, inBrowser } from './runtime.ts'
import { conformance } from './suite.ts'

const METHODS = [
  ...['open', 'close', 'pread', 'pwrite', 'truncate', 'sync', 'stat', 'lstat', 'readdir'],
  ...['mkdir', 'rmdir', 'unlink', 'rename', 'link', 'symlink', 'readlink', 'utimes', 'dispose'],
] as const

type Answer = { value: unknown } | { code: string; message: string }

/** A provider in another thread, called by messages; views over shared memory stay the same bytes. */
async function remote(thread: Thread, spec: ProviderSpec): Promise<Provider> {
  const { name, capabilities } = await thread.call<{ name: string; capabilities: Capabilities }>(
    'mount',
    mountOf(spec),
  )
  const methods = METHODS.map((method) => {
    const call = async (...args: unknown[]) => {
      const answer = await thread.call<Answer>('call', method, ...args)
      if ('value' in answer) return answer.value
      throw Object.assign(new Error(answer.message), { code: answer.code })
    }
    return [method, call]
  })
  return { name, capabilities, ...Object.fromEntries(methods) }
}

/** It makes providers by spec. */
const module = importing(new URL('./provider.thread.ts', import.meta.url))

let directories = 0

/** A provider over a directory of its own; ends with the directory gone and the thread dead. */
async function fixture(moves = true) {
  const name = `conformance-${Date.now()}-${++directories}`
  const thread = await startThread(module)
  if (!moves) expect(await thread.call('forgetMove')).toBe(false)
  const provider = await remote(thread, opfs(name))
  const end = async () => {
    await thread.end()
    const root = await navigator.storage.getDirectory()
    // A browser frees the access handles of an ended worker a little later.
    for (let tries = 0; tries < 100; tries++) {
      if ((await codeOf(() => root.removeEntry(name, { recursive: true }))) === 'none') return
      await pause(20)
    }
  }
  return { provider, end, name }
}

if (!inBrowser) {
  describe('opfs outside browsers', () => {
    test('is refused with ENOTSUP and a word on where it works', async () => {
      await expect(instantiate(mountOf(opfs()))).rejects.toThrow('dedicated worker of a browser')
      expect(await codeOf(() => instantiate(mountOf(opfs())))).toBe('ENOTSUP')
    })
  })
} else {
  conformance('opfs', () => fixture())
  conformance('opfs where the browser moves no files', () => fixture(false))

  describe('opfs', () => {
    test('on the main thread it is refused with ENOTSUP', async () => {
      expect(await codeOf(() => instantiate(mountOf(opfs())))).toBe('ENOTSUP')
    })

    test('another tab, or thread, that has the file open makes it EBUSY', async () => {
      const { provider, name, end } = await fixture()
      await provider.open('f', CREATE)
      await using other = await startThread(module)
      const second = await remote(other, opfs(name))
      expect(await codeOf(() => second.open('f', READ_WRITE))).toBe('EBUSY')
      await end()
    })

    test('bytes that were synced are there for the next provider', async () => {
      const { provider, name, end } = await fixture()
      await make(provider, 'f', 'kept')
      await provider.dispose?.()
      await using other = await startThread(module)
      const second = await remote(other, opfs(name))
      expect(await textOf(second, 'f')).toBe('kept')
      await second.dispose?.()
      await end()
    })

    test('files unlinked while open leave nothing behind', async () => {
      const { provider, end } = await fixture()
      const handle = await provider.open('f', CREATE)
      await provider.unlink('f')
      const root = await navigator.storage.getDirectory()
      const orphans = await root.getDirectoryHandle('.isopage-orphans')
      const count = async () => {
        let found = 0
        for await (const _ of orphans.keys()) found++
        return found
      }
      expect(await count()).toBe(1)
      await provider.close(handle)
      expect(await count()).toBe(0)
      await end()
    })

    test('reads and writes that meet a rename wait for it and reach the same file', async () => {
      const { provider, end } = await fixture()
      await make(provider, 'f', 'abc')
      const handle = await provider.open('f', READ_WRITE)
      const into = shared(3)
      const [, read, written] = await Promise.all([
        provider.rename('f', 'g'),
        provider.pread(handle, into, 0),
        provider.pwrite(handle, shared('X'), 2),
      ])
      expect([read, written]).toEqual([3, 1])
      await provider.close(handle)
      expect(await textOf(provider, 'g')).toBe('abX')
      await end()
    })
  })
}
