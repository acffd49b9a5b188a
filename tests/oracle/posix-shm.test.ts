/**
 * The same steps of POSIX shared memory on Linux (posix-shm.c, glibc) and on Isopage: every call says the same.
 *
 * Left out: `/.` and `/..`, which glibc opens as directories and Isopage refuses; O_CREAT on an object of another user, which Linux refuses or not as
 * fs.protected_regular says; mode bits other than permissions, which POSIX leaves open.
 */

import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { boot, F, type Kernel, type Mapping, O, type Process } from '../../dist/src/index.js'
import { inBrowser } from '../conformance/runtime.ts'
import { effort, seedOf } from '../support/effort.ts'
import { outcome } from '../support/errno.ts'

const native = inBrowser ? undefined : await import('./native.ts')
const absence = native ? native.posixShmAbsence() : 'a browser has no C compiler'
const SCRIPTS = 4000
const PAGE = 4096
const UIDS = [0, 65534, 10, 11]
const GIDS = [0, 65534, 65534, 11]
const OPEN = { CREAT: 4, EXCL: 8, TRUNC: 16 } as const

/** As name_of in posix-shm.c. */
const NAMES = [
  ...['/a', '/b', '/c'],
  ...['', '/', '//', '/.', '/..', 'a', '//a', '/a/b', '/a/'],
  ...[`/${'x'.repeat(255)}`, `/${'x'.repeat(256)}`],
]
const DOTS = [6, 7]

type Step = readonly [name: string, who: number, ...numbers: number[]]

const WRITTEN: readonly { says: string; script: string }[] = [
  {
    says: 'names',
    script: `open 1 0 0 7 384, open 1 1 8 15 384, open 1 1 9 3 0, open 1 1 3 7 384, open 1 1 4 7 384, open 1 1 5 7 384, open 1 1 10 7 384,
      open 1 1 11 7 384, open 1 1 12 7 384, open 1 1 13 7 384, unlink 1 3, unlink 1 4, unlink 1 5, unlink 1 10, unlink 1 11, unlink 1 13, unlink 1 12,
      unlink 1 12, unlink 1 8, unlink 1 0`,
  },
  {
    says: 'creation, EEXIST, ENOENT, mode less umask, close on exec',
    script: `open 1 0 0 3 0, open 1 0 0 15 438, stat 1 0, open 1 1 0 15 438, open 1 1 0 11 438, stat 1 1, umask 1 63, open 1 2 1 7 511, stat 1 2,
      unlink 1 2, unlink 1 1, stat 1 2, unlink 1 1`,
  },
  {
    says: 'owner, group and others have what their bits say; the directory is sticky',
    script: `umask 1 0, open 1 0 0 7 416, open 2 0 0 1 0, open 2 0 0 3 0, open 3 0 0 1 0, open 0 0 0 3 0, chmod 2 0 511, chmod 1 0 4, open 1 1 0 1 0,
      open 2 1 0 1 0, open 3 1 0 1 0, open 3 1 0 2 0, chmod 1 0 511, unlink 2 0, unlink 3 0, unlink 0 0, open 0 0 1 7 511, unlink 1 1, unlink 0 1`,
  },
  {
    says: 'O_TRUNC with O_RDONLY truncates, where writing is allowed; ftruncate on a read-only descriptor is EINVAL',
    script: `open 1 0 0 7 420, truncate 1 0 8192, write 1 0 0 7, open 1 1 0 1 0, truncate 1 1 0, write 1 1 0 1, open 2 0 0 17 0, stat 1 0, open 1 1 0 17 0,
      stat 1 0, read 1 0 0, truncate 1 0 1, read 1 0 0, read 1 0 1`,
  },
  {
    says: 'an object outlives its name, its descriptors and its size',
    script: `open 1 0 0 7 420, truncate 1 0 4096, map 1 0 0 3, store 1 0 0 9, load 1 0 4096, truncate 1 0 8192, load 1 0 4096, unlink 1 0, stat 1 0, close 1 0,
      load 1 0 0, open 1 0 0 7 420, truncate 1 0 4096, read 1 0 0, map 1 1 0 1, store 1 1 0 1, truncate 1 0 0, load 1 1 0, load 1 0 0, unmap 1 0, unlink 1 0`,
  },
  {
    says: 'what a descriptor may map',
    script: `open 1 0 0 7 420, truncate 1 0 8192, open 1 1 0 1 0, open 1 2 0 2 0, map 1 0 1 3, map 1 0 1 1, store 1 0 0 1, map 1 0 2 1, map 1 0 2 2, map 1 0 3 1, unlink 1 0`,
  },
]

const slot = fc.nat(1)
const name = fc.oneof(
  { weight: 12, arbitrary: fc.nat(2) },
  { weight: 1, arbitrary: fc.constantFrom(...NAMES.keys()).filter((n) => !DOTS.includes(n)) },
)
const mode = fc.constantFrom(0, 0o600, 0o644, 0o640, 0o666, 0o777, 0o004, 0o060)
const offset = fc.constantFrom(0, 1, PAGE - 1, PAGE, 2 * PAGE - 1)
const numbers: readonly [string, number, fc.Arbitrary<readonly number[]>][] = [
  [
    'open',
    12,
    fc.tuple(
      slot,
      name,
      fc
        .tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom(0, 0, 4, 4, 4, 12, 8, 16, 20, 28))
        .map(([a, b]) => a | b),
      mode,
    ),
  ],
  ['unlink', 4, fc.tuple(name)],
  ['close', 2, fc.tuple(slot)],
  ['umask', 1, fc.tuple(fc.constantFrom(0, 0o22, 0o77, 0o777))],
  ['stat', 4, fc.tuple(slot)],
  ['chmod', 2, fc.tuple(slot, mode)],
  ['truncate', 5, fc.tuple(slot, fc.constantFrom(0, 1, 100, PAGE, PAGE + 1, 2 * PAGE))],
  ['read', 3, fc.tuple(slot, offset)],
  ['write', 3, fc.tuple(slot, offset, fc.integer({ min: 1, max: 250 }))],
  ['map', 4, fc.tuple(slot, slot, fc.constantFrom(1, 3, 3))],
  ['unmap', 1, fc.tuple(slot)],
  ['load', 5, fc.tuple(slot, offset)],
  ['store', 5, fc.tuple(slot, offset, fc.integer({ min: 1, max: 250 }))],
]
const script: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    ...numbers.map(([call, weight, rest]) => ({
      weight,
      arbitrary: fc
        .tuple(fc.constantFrom(0, 1, 1, 1, 2, 2, 3), rest)
        .map(([who, n]): Step => [call, who, ...n]),
    })),
  ),
  { minLength: 5, maxLength: 60, size: 'max' },
)

describe.skipIf(absence)(
  `POSIX shared memory against Linux${absence ? ` (skipped: ${absence})` : ''}`,
  () => {
    let kernel: Kernel
    let oracle: import('./native.ts').PosixShmOracle
    beforeAll(async () => {
      kernel = await boot({ memory: '32MiB' })
      oracle = new (native as typeof import('./native.ts')).PosixShmOracle()
    })
    afterAll(async () => {
      oracle?.[Symbol.dispose]()
      await kernel?.close()
    })

    function compare(steps: readonly Step[]): void {
      const said = new Side(kernel).run(steps)
      kernel.check()
      const compared = said.map(({ step }) => step.join(' '))
      const expected = oracle.run(compared)
      const lines = (outcomes: readonly string[]) =>
        compared.map((step, i) => `${step} => ${outcomes[i]}`)
      expect(lines(said.map(({ says }) => says))).toEqual(lines(expected))
      expect(kernel.stats()).toMatchObject({ processes: 0, mappings: 0, objects: 0 })
    }

    test.for(WRITTEN)('$says', ({ script }) => {
      compare(
        script.split(',').map((line) => {
          const [call, ...n] = line.trim().split(/\s+/)
          return [call as string, ...n.map(Number)] as unknown as Step
        }),
      )
    })

    test('random scripts have the same outcomes', () => {
      const seed = seedOf()
      const numRuns = effort(SCRIPTS)
      console.log(`posix-shm oracle: ISOPAGE_SEED=${seed}, ${numRuns} scripts`)
      fc.assert(fc.property(script, compare), { seed, numRuns })
    })
  },
)

interface User {
  readonly process: Process
  readonly slots: number[]
  readonly maps: (Mapping | undefined)[]
}

/** Isopage's side: a process for each user. */
class Side {
  readonly #kernel: Kernel
  readonly #users: readonly User[]

  constructor(kernel: Kernel) {
    this.#kernel = kernel
    this.#users = UIDS.map((uid, who) => ({
      process: kernel.process({ uid, gid: GIDS[who] as number }),
      slots: [-1, -1, -1, -1],
      maps: [],
    }))
  }

  /** => what was done, and what was said to it. */
  run(steps: readonly Step[]): { step: Step; says: string }[] {
    const done: { step: Step; says: string }[] = []
    for (const step of steps) {
      if (!this.#isComparable(step)) continue
      let says = 'ok'
      const failed = outcome(() => {
        says = this.#step(step)
      })
      done.push({ step, says: failed === 'ok' ? says : failed })
    }
    this.#end()
    return done
  }

  #isComparable([call, who, , name = 0, flags = 0]: Step): boolean {
    if (call !== 'open' || (flags & OPEN.CREAT) === 0) return true
    const owner = this.#ownerOf(NAMES[name] as string)
    return owner === undefined || owner === UIDS[who] || owner === 0
  }

  #ownerOf(name: string): number | undefined {
    const root = this.#kernel.process()
    try {
      return root.fstat(root.shm_open(name, O.RDONLY)).uid
    } catch {
      return undefined
    } finally {
      root.exit()
    }
  }

  #step([call, who, ...n]: Step): string {
    const [a = 0, b = 0, c = 0, d = 0] = n
    const user = this.#users[who] as User
    const { process, slots, maps } = user
    const fd = slots[a] as number
    if (call === 'open') {
      const opened = process.shm_open(NAMES[b] as string, flagsOf(c), d)
      if (fd >= 0) process.close(fd)
      slots[a] = opened
    } else if (call === 'unlink') process.shm_unlink(NAMES[a] as string)
    else if (call === 'umask') process.umask(a)
    else if (call === 'close') {
      slots[a] = -1
      process.close(fd)
    } else if (call === 'stat') {
      const { size, mode, uid, gid, nlink } = process.fstat(fd)
      return `ok ${size} ${(mode & 0o7777).toString(8)} ${uid} ${gid} ${nlink} ${process.fcntl(fd, F.GETFD)}`
    } else if (call === 'chmod') process.fchmod(fd, b)
    else if (call === 'truncate') process.ftruncate(fd, b)
    else if (call === 'read') {
      const byte = new Uint8Array(1)
      return `ok ${process.pread(fd, byte, b) === 0 ? 'none' : byte[0]}`
    } else if (call === 'write') process.pwrite(fd, Uint8Array.of(c), b)
    else if (call === 'map') {
      const map = process.mmap({ fd: slots[b] as number, length: 2 * PAGE, prot: c })
      maps[a]?.unmap()
      maps[a] = map
    } else if (call === 'unmap') {
      maps[a]?.unmap()
      maps[a] = undefined
    } else if (!maps[a]) return 'none'
    else if (call === 'load') return `ok ${maps[a].read(b, 1)[0]}`
    else maps[a].write(b, Uint8Array.of(c))
    return 'ok'
  }

  #end(): void {
    for (const { process } of this.#users) process.exit()
    const root = this.#kernel.process()
    for (const name of NAMES) outcome(() => root.shm_unlink(name))
    root.exit()
  }
}

function flagsOf(flags: number): number {
  const access = [O.RDONLY, O.RDONLY, O.WRONLY, O.RDWR][flags & 3] as number
  const more = (bit: number, flag: number) => (flags & bit ? flag : 0)
  return access | more(OPEN.CREAT, O.CREAT) | more(OPEN.EXCL, O.EXCL) | more(OPEN.TRUNC, O.TRUNC)
}
