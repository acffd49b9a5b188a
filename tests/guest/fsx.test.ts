/**
 * fsx (programs/fsx.c): random operations on one file, mapped and plain, each checked against a copy in memory; as a guest the file ends as it does
 * natively. In the kernel's memory, and on a store below it. ISOPAGE_SEED runs one seed again.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { boot, type Kernel, O } from '../../dist/src/index.js'
import { effort, seedOf, soak } from '../support/effort.ts'
import { Store } from '../support/store.ts'
import { ask, decoded, textOf } from './ask.ts'

const FILE_MAX = 256 * 1024
const HOUR_MS = 3_600_000
const inNode = !('window' in globalThis || 'Deno' in globalThis || 'Bun' in globalThis)
/** In a soak ten million in all, most of them in Node; elsewhere a second or so. */
const COUNT = soak && !inNode ? 1_000_000 : soak ? 4_000_000 : effort(100_000)

const { guestPrograms, runProgram } = await ask()
const { wasm } = await guestPrograms()
const bytes = decoded(wasm)

describe('fsx as a guest', () => {
  let kernel: Kernel
  const store = new Store()
  beforeAll(async () => {
    kernel = await boot({ memory: '16MiB', mounts: { '/store': store } })
  })
  afterAll(async () => {
    kernel.check()
    await kernel.close()
  })

  const seed = seedOf() >>> 0
  const runs = [
    ['in the kernel', '/', seed, COUNT, {}],
    ['on a store', '/store', seed + 1, Math.ceil(COUNT / 4), {}],
    ['with accessors', '/', seed + 2, COUNT / 2, { backEnd: 'accessors' }],
  ] as const

  test.each(runs)(
    '%s leaves the file that it leaves natively (%s, seed %i, %i operations)',
    {
      timeout: soak ? HOUR_MS : 60_000,
    },
    async (_, cwd, own, count, options) => {
      const args = [own, count].map(String)
      const chunks: Uint8Array[] = []
      const listen = (chunk: Uint8Array) => void chunks.push(chunk.slice())
      const guest = await kernel.run(bytes, {
        args: ['fsx', ...args],
        cwd,
        stdout: listen,
        ...options,
      })
      const { status } = await guest.exited
      const stdout = textOf(chunks)
      expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^\d+ bytes/) })
      const native = await runProgram('fsx', args, 'fsx')
      if (!native) return
      expect(stdout).toBe(native.stdout)
      const left = await kept(kernel, `${cwd}/fsx`)
      expect(left.length).toBe(decoded(native.file).length)
      const file = decoded(native.file)
      expect(left.findIndex((byte, at) => byte !== file[at])).toBe(-1)
    },
  )
})

async function kept(kernel: Kernel, path: string): Promise<Uint8Array> {
  using process = kernel.process()
  const fd = await process.promises.open(path, O.RDONLY)
  const into = new Uint8Array(FILE_MAX)
  return into.subarray(0, await process.promises.pread(fd, into, 0))
}
