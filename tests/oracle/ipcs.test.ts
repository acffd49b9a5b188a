/**
 * The text of `ipcs` against util-linux's own, byte for byte: ipcs.c makes objects natively in an IPC namespace of its own, tells their fields,
 * and runs `ipcs` there; from the same fields ours prints the same, and the same steps through Isopage give the same fields.
 */

import { describe, expect, test } from 'vitest'
import { boot, IPC, type Kernel, SEM, SHM } from '../../dist/src/index.js'
import { pause } from '../support/pause.ts'

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

describe.skipIf(reason)('ipcs prints as util-linux does', () => {
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

/** The steps of ipcs.c. */
function makeSegments(kernel: Kernel): void {
  const p = kernel.process()
  const first = p.shmget(0x1234, 3 * 4096 + 100, IPC.CREAT | 0o640)
  const at = p.shmat(first)
  p.shmat(first, { flags: SHM.RDONLY })
  at.write(0, new Uint8Array(2 * 4096).fill(1))
  const second = p.shmget(IPC.PRIVATE, 1024 * 1024, 0o600)
  p.shmat(second)
  p.shmctl(second, SHM.LOCK)
  p.shmctl(second, IPC.RMID)
  const third = p.shmget(0xbeef, 1, IPC.CREAT | 0o600)
  p.shmdt(p.shmat(third))
  p.shmctl(third, IPC.SET, { uid: 1000, gid: 12345, mode: 0o606 })
}

function makeQueues(kernel: Kernel): void {
  const p = kernel.process()
  const first = p.msgget(0x77, IPC.CREAT | 0o666)
  for (const bytes of [10, 20, 30]) p.msgsnd(first, 1, new Uint8Array(bytes))
  p.msgrcv(first)
  const second = p.msgget(IPC.PRIVATE, 0o600)
  p.msgctl(second, IPC.SET, { qbytes: 1000 })
}

async function makeSets(kernel: Kernel, signal: AbortSignal) {
  const p = kernel.process()
  const first = p.semget(-2, 3, IPC.CREAT | 0o644)
  p.semctl(first, 1, SEM.SETVAL, 5)
  p.semop(first, [
    { num: 0, op: 2 },
    { num: 1, op: -1 },
  ])
  p.semget(IPC.PRIVATE, 1, 0)
  const sleeps = [
    kernel.process().promises.semop(first, [{ num: 2, op: -1 }], { signal }),
    kernel.process().promises.semop(first, [{ num: 1, op: 0 }], { signal }),
  ]
  const waiting = () => p.semctl(first, 2, SEM.GETNCNT) + p.semctl(first, 1, SEM.GETZCNT)
  while (waiting() < 2) await pause(1)
  return { slept: Promise.allSettled(sleeps) }
}

/** Times as set or not, pids as somebody's or nobody's. */
function normal(value: object): object {
  const text = JSON.stringify(value, (key, field) =>
    /^[a-z]?time$|pid$/.test(key) && field !== 0 ? 1 : field,
  )
  return JSON.parse(text)
}

test.skipIf(reason)('the same steps give the same objects, field by field', async () => {
  const { pids: _, ...native } = nativeIpcs([]).ipcs
  await using kernel = await boot({ memory: '64MiB' })
  const end = new AbortController()
  const { slept } = await makeSets(kernel, end.signal)
  makeSegments(kernel)
  makeQueues(kernel)
  const { shm, msg, sem, shmPages } = kernel.ipcs()
  end.abort()
  await slept
  expect(normal({ shm, msg, sem, shmPages })).toEqual(normal(native))
})
