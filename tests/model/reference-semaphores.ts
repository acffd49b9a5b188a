/** Semaphore sets of the reference (ipc-reference.ts): Linux's ipc/sem.c in its simplest form. */

import {
  ASLEEP,
  may,
  type Outcome,
  type Outcomes,
  owns,
  type Perm,
  Table,
} from './reference-table.ts'

const IPC_NOWAIT = 0x800
const SEM_UNDO = 0x1000
const SEMVMX = 32767

interface Operation {
  readonly num: number
  readonly op: number
  readonly flags: number
}

interface Sleeper {
  readonly process: number
  readonly operations: readonly Operation[]
}

interface SemaphoreSet extends Perm {
  values: number[]
  sleepers: Sleeper[]
  /** By process: what its exit adds to each semaphore. */
  undos: Map<number, number[]>
}

/** Three numbers an operation; a semaphore number below 0 is none. */
function operationsOf(numbers: readonly number[]): Operation[] {
  const found: Operation[] = []
  for (let at = 1; at + 2 < numbers.length; at += 3) {
    const [num, op, flags] = numbers.slice(at) as [number, number, number]
    if (num >= 0) found.push({ num, op, flags })
  }
  return found
}

export class Semaphores extends Table<SemaphoreSet> {
  get(process: number, key: number, count: number, flags: number): Outcome {
    return this.open(
      process,
      key,
      flags,
      (set) => (count > set.values.length ? 'EINVAL' : undefined),
      (perm) =>
        count === 0
          ? 'EINVAL'
          : { ...perm, values: new Array(count).fill(0), sleepers: [], undos: new Map() },
    )
  }

  operate(process: number, numbers: readonly number[], woken: Outcomes): Outcome {
    const operations = operationsOf(numbers)
    if (operations.length === 0) return 'EINVAL'
    const set = this.at(numbers[0] as number)
    if (!set) return 'EINVAL'
    if (operations.some(({ num }) => num >= set.values.length)) return 'EFBIG'
    const alters = operations.some(({ op }) => op !== 0)
    if (!may(process, set, alters ? 2 : 4)) return 'EACCES'
    const outcome = attempt(set, process, operations)
    if (outcome === ASLEEP) set.sleepers.push({ process, operations })
    if (outcome === 'ok' && alters) serve(set, woken)
    return outcome
  }

  setValue(process: number, number: number, num: number, value: number, woken: Outcomes): Outcome {
    if (value < 0 || value > SEMVMX) return 'ERANGE'
    const set = this.at(number)
    if (!set) return 'EINVAL'
    if (num < 0 || num >= set.values.length) return 'EINVAL'
    if (!may(process, set, 2)) return 'EACCES'
    set.values[num] = value
    for (const undo of set.undos.values()) undo[num] = 0
    serve(set, woken)
    return 'ok'
  }

  setAll(process: number, number: number, value: number, woken: Outcomes): Outcome {
    const set = this.at(number)
    if (!set) return 'EINVAL'
    if (!may(process, set, 2)) return 'EACCES'
    if (value < 0 || value > SEMVMX) return 'ERANGE'
    set.values.fill(value)
    set.undos.clear()
    serve(set, woken)
    return 'ok'
  }

  remove(process: number, number: number, woken: Outcomes): Outcome {
    const set = this.at(number)
    if (!set) return 'EINVAL'
    if (!owns(process, set)) return 'EPERM'
    for (const { process: who } of set.sleepers) woken.set(who, 'EIDRM')
    set.removed = true
    set.key = 0
    return 'ok'
  }

  /** The process's sleep ended without its operations. */
  forget(process: number): void {
    for (const set of this.objects) {
      set.sleepers = set.sleepers.filter((one) => one.process !== process)
    }
  }

  /** The process ends: what it did with SEM_UNDO is taken back, down to 0 and up to SEMVMX. */
  undo(process: number, woken: Outcomes): void {
    for (const set of this.objects) {
      const undo = set.undos.get(process)
      if (!undo || set.removed) continue
      set.values = set.values.map((value, num) =>
        Math.min(Math.max(value + (undo[num] as number), 0), SEMVMX),
      )
      set.undos.delete(process)
      serve(set, woken)
    }
  }

  facts(): string[] {
    return this.objects.map((set, number) => {
      if (set.removed) return `set ${number}: gone`
      const counts = set.values.map((value, num) => {
        const waiting = set.sleepers.map((one) => blockedBy(set, one))
        const ncnt = waiting.filter((by) => by?.num === num && by.op < 0).length
        const zcnt = waiting.filter((by) => by?.num === num && by.op === 0).length
        return `${value}/${ncnt}/${zcnt}`
      })
      return `set ${number}: ${set.mode} ${counts.join(' ')}`
    })
  }
}

/** Does all operations or none. => 'ok', ASLEEP, EAGAIN, ERANGE. */
function attempt(set: SemaphoreSet, process: number, operations: readonly Operation[]): Outcome {
  const values = [...set.values]
  const undo = [...(set.undos.get(process) ?? new Array(values.length).fill(0))] as number[]
  for (const { num, op, flags } of operations) {
    const value = values[num] as number
    const blocks = op === 0 ? value !== 0 : value + op < 0
    if (blocks) return flags & IPC_NOWAIT ? 'EAGAIN' : ASLEEP
    if (value + op > SEMVMX) return 'ERANGE'
    values[num] = value + op
    if (!(flags & SEM_UNDO)) continue
    undo[num] = (undo[num] as number) - op
    const adjustment = undo[num] as number
    if (adjustment > SEMVMX || adjustment < -SEMVMX - 1) return 'ERANGE'
  }
  set.values = values
  if (operations.some(({ flags }) => flags & SEM_UNDO)) set.undos.set(process, undo)
  return 'ok'
}

/** => the operation that keeps a sleeper asleep. */
function blockedBy(set: SemaphoreSet, { operations }: Sleeper): Operation | undefined {
  const values = [...set.values]
  return operations.find(({ num, op }) => {
    const value = values[num] as number
    if (op === 0 ? value !== 0 : value + op < 0) return true
    values[num] = value + op
    return false
  })
}

/**
 * Completes sleepers that can go on, as Linux's do_smart_update: who only waits for zero first; then who alters, first come first served, and after each of
 * them all from the beginning.
 */
function serve(set: SemaphoreSet, woken: Outcomes): void {
  for (;;) {
    for (const sleeper of set.sleepers.filter((one) => !alters(one))) complete(set, sleeper, woken)
    const next = set.sleepers.filter(alters).find((one) => complete(set, one, woken))
    if (!next) return
  }
}

function alters({ operations }: Sleeper): boolean {
  return operations.some(({ op }) => op !== 0)
}

/** => the sleeper has an outcome now. */
function complete(set: SemaphoreSet, sleeper: Sleeper, woken: Outcomes): boolean {
  const outcome = attempt(set, sleeper.process, sleeper.operations)
  if (outcome === ASLEEP) return false
  set.sleepers.splice(set.sleepers.indexOf(sleeper), 1)
  woken.set(sleeper.process, outcome)
  return true
}
