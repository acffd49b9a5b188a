/**
 * The text of `ipcs` against util-linux's own, byte for byte: ipcs.c makes objects natively in an IPC namespace of its own, tells their fields,
 * and runs `ipcs` there; from the same fields ours prints the same.
 */

import { describe, expect, test } from 'vitest'

const inBrowser = 'window' in globalThis
const { nativeIpcs, ipcsAbsence } = inBrowser ? ({} as never) : await import('./native.ts')
const { ipcsText, ipcText } = inBrowser
  ? ({} as never)
  : await import('../../dist/src/inspect/ipcs-text.js')
const { systemNames } = inBrowser ? ({} as never) : await import('../../dist/src/cli/names.js')
const reason = inBrowser ? 'a page runs no native program' : ipcsAbsence()

const LIMITS = {
  shmmni: 4096,
  shmmax: 0xfeffffff,
  shmall: 0xfeffffff,
  shmmin: 1,
  msgmni: 32000,
  msgmax: 8192,
  msgmnb: 16384,
  semmni: 32000,
  semmsl: 32000,
  semmns: 1024000000,
  semopm: 500,
  semvmx: 32767,
}

const FORMATS = {
  list: '',
  time: ' -t',
  pid: ' -p',
  creator: ' -c',
  limits: ' -l',
  summary: ' -u',
} as const
const UNITS = { default: '', bytes: ' -b', human: ' --human' } as const
const KINDS = { shm: ' -m', msg: ' -q', sem: ' -s' } as const

describe.skipIf(reason)(`ipcs prints as util-linux does${reason ? `: ${reason}` : ''}`, () => {
  const commands = [
    ...Object.values(FORMATS).flatMap((format) =>
      Object.values(UNITS).map((unit) => `ipcs${format}${unit}`),
    ),
    ...Object.values(KINDS).flatMap((kind) => [`ipcs${kind}`, `ipcs${kind} -t`]),
    'ipcs -a',
    'ipcs -m -s',
    ...Object.values(KINDS).flatMap((kind) =>
      Object.values(UNITS).flatMap((unit) => [0, 1].map((id) => `ipcs${kind} -i ${id}${unit}`)),
    ),
  ]
  const native = reason ? undefined : nativeIpcs(commands)
  const ipcs = { ...native?.ipcs, limits: LIMITS, pageSize: 4096 } as never
  const names = inBrowser ? undefined : systemNames()
  const printed = (command: string) => native?.printed.get(command)

  for (const [format, flag] of Object.entries(FORMATS)) {
    for (const [unit, unitFlag] of Object.entries(UNITS)) {
      test(`ipcs${flag}${unitFlag}`, () => {
        const text = ipcsText(ipcs, { format, unit, names } as never)
        expect(text).toBe(printed(`ipcs${flag}${unitFlag}`))
      })
    }
  }

  for (const [kind, flag] of Object.entries(KINDS)) {
    test(`ipcs${flag} alone, and -i of each unit`, () => {
      expect(ipcsText(ipcs, { kinds: [kind], names } as never)).toBe(printed(`ipcs${flag}`))
      expect(ipcsText(ipcs, { kinds: [kind], names, format: 'time' } as never)).toBe(
        printed(`ipcs${flag} -t`),
      )
      for (const [unit, unitFlag] of Object.entries(UNITS)) {
        for (const id of [0, 1]) {
          const text = ipcText(ipcs, kind as never, id, unit as never)
          expect(text).toBe(printed(`ipcs${flag} -i ${id}${unitFlag}`))
        }
      }
    })
  }

  test('several kinds stand in its order, and an id that is none prints nothing', () => {
    expect(ipcsText(ipcs, { kinds: ['sem', 'shm'], names } as never)).toBe(printed('ipcs -m -s'))
    expect(ipcsText(ipcs, { names } as never)).toBe(printed('ipcs -a'))
    expect(ipcText(ipcs, 'shm', 77)).toBeUndefined()
  })
})
