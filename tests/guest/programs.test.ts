/** The C programs of programs/, each a rule of what calls must do: as guests they say what they say natively, and end the same way. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { boot, type Kernel, type Process } from '../../dist/src/index.js'
import { ask, decoded, textOf } from './ask.ts'
import type { GuestProgram, NativeRun } from './build.ts'

const { programs, wasm } = await (await ask()).guestPrograms()
const bytes = decoded(wasm)
const inNode = !('window' in globalThis || 'Deno' in globalThis || 'Bun' in globalThis)

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

  for (const program of programs) {
    const { name, says, native, absent } = program
    test.skipIf(absent)(`${name}: ${absent ? `${absent}: ` : ''}${says}`, async () => {
      const host = kernel.process()
      host.mkdir(`/${name}`, 0o700)
      const ran = await start(kernel, host, backEnd, program)
      host.exit()
      expect(ran).toEqual(native)
    })
  }
})

/** Starts the processes of a program together. => what each of them did. */
async function start(
  kernel: Kernel,
  host: Process,
  backEnd: (typeof backEnds)[number],
  { name, processes, piped }: GuestProgram,
): Promise<NativeRun[]> {
  // Between each and the next: [to read from, to write to].
  const pipes = piped ? processes.slice(1).map(() => host.pipe()) : []
  const end = (fd: number | undefined) => fd !== undefined && { process: host, fd }
  const chunks = processes.map((): Uint8Array[] => [])
  const starting = processes.map((args, index) =>
    kernel.run(bytes, {
      args: [name, ...args],
      cwd: `/${name}`,
      parent: host.pid,
      stdin: end(pipes[index - 1]?.[0]) || 'ignore',
      stdout:
        end(pipes[index]?.[1]) || ((chunk: Uint8Array) => void chunks[index]?.push(chunk.slice())),
      stderr: 'ignore',
      ...(backEnd === 'default' ? {} : { backEnd }),
    }),
  )
  const guests = await Promise.all(starting)
  for (const fd of pipes.flat()) host.close(fd)
  const statuses = await Promise.all(guests.map(async ({ exited }) => (await exited).status))
  return statuses.map((status, index) => ({ status, stdout: textOf(chunks[index] ?? []) }))
}
