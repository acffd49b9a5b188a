/** The C programs of programs/, each a rule of what calls must do: as guests they say what they say natively, and end the same way. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { boot, type Kernel } from '../../dist/src/index.js'
import type { GuestPrograms } from './build.ts'

const { programs, wasm } = await ask()
const bytes = Uint8Array.from(atob(wasm), (char) => char.charCodeAt(0))
const inNode = !('window' in globalThis || 'Deno' in globalThis || 'Bun' in globalThis)

/** Pages have no compiler and no native programs: the process that drives them has. */
async function ask(): Promise<GuestPrograms> {
  if (!('window' in globalThis)) return (await import('./build.ts')).guestPrograms()
  const { commands } = await import('vitest/browser')
  return (commands as unknown as { guestPrograms(): Promise<GuestPrograms> }).guestPrograms()
}

/** All runtimes by the back end that they have; in Node the one for engines with one memory too. */
const backEnds = inNode ? (['multi-memory', 'accessors'] as const) : (['default'] as const)

describe.each(backEnds)('C programs as guests (%s)', (backEnd) => {
  let kernel: Kernel
  beforeAll(async () => {
    kernel = await boot({ memory: '256MiB' })
  })
  afterAll(async () => {
    kernel.check()
    await kernel.close()
  })

  for (const { name, says, args, native, absent } of programs) {
    test.skipIf(absent)(`${name}: ${absent ? `${absent}: ` : ''}${says}`, async () => {
      const host = kernel.process()
      const cwd = `/${name}`
      host.mkdir(cwd, 0o700)
      const chunks: Uint8Array[] = []
      const guest = await kernel.run(bytes, {
        args: [name, ...args],
        cwd,
        parent: host.pid,
        stdout: (chunk: Uint8Array) => void chunks.push(chunk.slice()),
        stderr: 'ignore',
        ...(backEnd === 'default' ? {} : { backEnd }),
      })
      const { status } = await guest.exited
      host.exit()
      expect({ status, stdout: textOf(chunks) }).toEqual(native)
    })
  }
})

function textOf(chunks: readonly Uint8Array[]): string {
  const whole = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return new TextDecoder().decode(whole)
}
