/** The kernel's counters as an object. The words that `stat_kernel` leaves are in this order: assembly/stat.ts. */
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
] as const

/** Counts of frames and pages are in pages. */
export type KernelStats = Readonly<Record<(typeof NAMES)[number], number>>

export function kernelStats({ view, resultAt }: Instance): KernelStats {
  const word = (index: number) => view.getUint32(resultAt + 4 * index, true)
  return Object.fromEntries(NAMES.map((name, index) => [name, word(index)])) as KernelStats
}
