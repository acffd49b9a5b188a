/** The kernel's counters, and who sleeps on what, as objects. The words that `stat_kernel` leaves are in this order: assembly/stat.ts. */
import * as abi from '../assembly/abi.js'
import type { Instance } from './instance.js'

const NAMES = [
  'pageSize',
  'frames',
  'framesFree',
  'framesCommitted',
  'commitLimit',
  'dirtyPages',
  'cachedPages',
  'orphanFrames',
  'processes',
  'objects',
  'mappings',
  'inodes',
  'largestFreeRun',
  'segments',
  'queues',
  'semaphoreSets',
  'sleepers',
] as const

/** Counts of frames and pages are in pages; `sleepers` are threads that sleep in a call until another does something. */
export type KernelStats = Readonly<Record<(typeof NAMES)[number], number>>

export function kernelStats({ view, resultAt }: Instance): KernelStats {
  const word = (index: number) => view.getUint32(resultAt + 4 * index, true)
  return Object.fromEntries(NAMES.map((name, index) => [name, word(index)])) as KernelStats
}

/** A thread that sleeps in a call. */
export interface Sleeper {
  /** Its slot. */
  readonly thread: number
  /** The process whose call it is in; 0 for none. */
  readonly pid: number
  /** What it sleeps on; `word` is a futex, or a lock in a page, `queue` one of System V. */
  readonly on: (typeof KINDS)[number]
  /** The id of the System V object; for the others an address in the kernel, the same for all who sleep on the same. */
  readonly id: number
}

/** By the numbers WAIT_ON_*. */
const KINDS = [
  'other',
  'segment',
  'queue',
  'semaphores',
  'word',
  'pipe',
  'posix-mq',
  'poll',
] as const

/** => the records that `stat_waits` left. */
export function readSleepers({ view, dataAt }: Instance, count: number): Sleeper[] {
  return Array.from({ length: count }, (_, index) => {
    const word = (field: number) =>
      view.getUint32(dataAt + index * abi.STAT_WAIT_BYTES + field, true)
    return {
      thread: word(abi.STAT_WAIT_THREAD),
      pid: word(abi.STAT_WAIT_PID),
      on: KINDS[word(abi.STAT_WAIT_ON)] ?? 'other',
      id: word(abi.STAT_WAIT_ID),
    }
  })
}
