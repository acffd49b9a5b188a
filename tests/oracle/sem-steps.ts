/** The steps of sems.c, made on Isopage: the same outcomes and states, as the same text. */

import { IPC, type Kernel, MAP, O, type Process, SEM, type SemInfo } from '../../dist/src/index.js'
import { type Call, chosen, ok, ScriptSteps, SLOTS, said, USERS } from './script-steps.ts'

const SEM_BYTES = 16
const PAGE = 4096

/** One process of a script, with the page of unnamed semaphores. */
interface Side {
  readonly process: Process
  readonly page: number
  readonly named: (number | undefined)[]
}

export class SemSteps extends ScriptSteps {
  readonly #sides: Side[]

  constructor(kernel: Kernel) {
    super(kernel)
    this.#sides = USERS.map((_, which) => this.#start(which))
    const { process, page } = this.#sides[0] as Side
    for (const slot of SLOTS) process.sem_init(page + SEM_BYTES * slot, true, 0)
  }

  #start(which: number): Side {
    const process = this.kernel.process(USERS[which] as (typeof USERS)[number])
    process.umask(0)
    const fd = process.shm_open('/page', O.CREAT | O.RDWR, 0o666)
    process.ftruncate(fd, PAGE)
    const { address } = process.mmap({ fd, length: PAGE, flags: MAP.SHARED })
    return { process, page: address, named: [] }
  }

  protected override process(which: number): Process {
    return (this.#sides[which] as Side).process
  }

  protected override replace(which: number): void {
    this.#sides[which] = this.#start(which)
  }

  protected override call(
    which: number,
    name: string,
    path: string,
    n: number[],
  ): Call | undefined {
    return name.startsWith('sem_') ? this.#posix(which, name, path, n) : this.#systemV(name, n)
  }

  #systemV(name: string, n: number[]): Call {
    const [a = 0, b = 0, c = 0, d = 0] = n
    const id = this.ids[a] ?? a
    const ctl = (num: number, command: number, ...more: unknown[]): Call => ({
      name: 'semctl',
      args: [id, num, command, ...more],
      say: ok,
    })
    const slot = (command: number): Call => ({
      name: 'semctl',
      args: [id & 0x7fff, 0, command],
      say: (found) => `ok ${(found as { id: number }).id}`,
    })
    const calls: Record<string, () => Call> = {
      semget: () => ({ name, args: [b, c, d], say: (made) => this.#made(a, made) }) as Call,
      semop: () => operation(id, b, n.slice(2)),
      getval: () => ctl(b, SEM.GETVAL),
      getpid: () => ctl(b, SEM.GETPID),
      getncnt: () => ctl(b, SEM.GETNCNT),
      getzcnt: () => ctl(b, SEM.GETZCNT),
      setval: () => ctl(b, SEM.SETVAL, c),
      setall: () => ctl(0, SEM.SETALL, this.#cut(id, n.slice(1))),
      getall: () => ctl(0, SEM.GETALL),
      set: () => ctl(0, IPC.SET, { uid: b, gid: c, mode: d }),
      rmid: () => ctl(0, IPC.RMID),
      stat: () => ctl(0, IPC.STAT),
      stat_slot: () => slot(SEM.STAT),
      stat_any: () => slot(SEM.STAT_ANY),
      info: () => ({ name: 'semctl', args: [0, 0, a ? SEM.INFO : IPC.INFO], say: limits }),
    }
    return chosen(calls, name)
  }

  /** C reads as many values as there are semaphores, and the rest of its array is 0. */
  #cut(id: number, values: number[]): number[] {
    const { process } = this.#sides[0] as Side
    const known = Number(said(() => `${process.semctl(id, 0, IPC.STAT).nsems}`))
    const count = Number.isNaN(known) ? values.length : known
    return Array.from({ length: count }, (_, i) => values[i] ?? 0)
  }

  #made(slot: number, id: unknown): string {
    this.ids[slot] = id as number
    return `ok ${id}`
  }

  #posix(which: number, name: string, path: string, n: number[]): Call | undefined {
    const { page, named } = this.#sides[which] as Side
    const [a = 0, b = 0, c = 0, d = 0] = n
    if (name === 'sem_unlink') return { name, args: [path], say: ok }
    if (name === 'sem_open') {
      const flags = (b & 1 ? O.CREAT : 0) | (b & 2 ? O.EXCL : 0)
      const keep = (sem: unknown) => {
        named[a] = sem as number
        return 'ok'
      }
      return { name, args: [path, flags, c, d], say: keep }
    }
    const sem = a < SLOTS.length ? page + SEM_BYTES * a : named[a]
    if (sem === undefined) return undefined
    if (name === 'sem_close') named[a] = undefined
    if (name === 'sem_init') return { name, args: [sem, true, b], say: ok }
    if (name === 'sem_timedwait') return { name, args: [sem, b ? 1000 : -1000], say: ok }
    return {
      name: name as 'sem_wait',
      args: [sem],
      say: (value) => (name === 'sem_getvalue' ? `ok ${value}` : 'ok'),
    }
  }

  /** What the sets and the unnamed semaphores say of themselves. */
  protected override state(): string {
    const { process: root, page } = this.#sides[0] as Side
    const sets = this.ids.map((id, slot) => {
      if (said(() => `${root.semctl(id, 0, IPC.STAT).nsems}`) === 'EINVAL') return ''
      const { perm, otime, ctime, nsems } = root.semctl(id, 0, IPC.STAT)
      const { key, uid, gid, cuid, cgid, mode, seq } = perm
      const times = [otime, ctime].map((time, i) => this.moved(slot, i, time)).join('')
      const owner = `key ${(key >>> 0).toString(16)} uid ${uid} gid ${gid} cuid ${cuid} cgid ${cgid}`
      const sems = Array.from({ length: Math.min(nsems, 4) }, (_, i) => ` ${this.#sem(id, i)}`)
      return ` | ${id}: ${owner} mode ${mode.toString(8)} seq ${seq} times ${times} nsems ${nsems}${sems.join('')}`
    })
    const values = SLOTS.map((slot) => root.sem_getvalue(page + SEM_BYTES * slot))
    return `${sets.join('')} | ${values.join(' ')}`
  }

  #sem(id: number, num: number): string {
    const { process: root } = this.#sides[0] as Side
    const [value, pid, waiting, zero] = [SEM.GETVAL, SEM.GETPID, SEM.GETNCNT, SEM.GETZCNT].map(
      (command) => root.semctl(id, num, command),
    )
    const which = this.#sides.findIndex(({ process }) => process.pid === pid) + 1
    return `${value}/${pid === 0 ? 0 : which || -1}/${waiting}/${zero}`
  }
}

function operation(id: number, timeoutMs: number, n: number[]): Call {
  const operations = Array.from({ length: Math.floor(n.length / 3) }, (_, i) => ({
    num: n[3 * i] as number,
    op: n[3 * i + 1] as number,
    flags: n[3 * i + 2] as number,
  }))
  if (timeoutMs < 0) return { name: 'semop', args: [id, operations], say: ok }
  return { name: 'semtimedop', args: [id, operations, timeoutMs], say: ok }
}

function limits(info: unknown): string {
  const { last, ...fields } = info as SemInfo
  return `ok ${last}: ${Object.values(fields).join(' ')}`
}
