/**
 * Where Isopage differs from Linux on purpose, or where Linux leaves the outcome to chance: such steps are left out of the scripts
 * that both run. Each has its reason.
 */

import type { Pages } from '../model/pages.ts'
import { Reference } from '../model/reference.ts'
import { ARENA_PAGES, PAGE, type Step } from '../support/steps.ts'

const MADV_FREE = 8
const MREMAP_FIXED = 2
const MAP_TYPE = 15
const MAP_SHARED_VALIDATE = 3
const MAP_FIXED_NOREPLACE = 0x100000

/** => the steps of a script that both sides owe the same outcome. */
export function comparable(steps: readonly Step[]): Step[] {
  const reference = new Reference({ mounted: false })
  return steps.filter((step) => {
    if (difference(reference, step) !== undefined) return false
    reference.run(step)
    return true
  })
}

/** => why the step is not compared. */
function difference(reference: Reference, [name, process, ...n]: Step): string | undefined {
  const [a = 0, b = 0, c = 0, d = 0] = n
  if (name === 'madvise' && c === MADV_FREE)
    return 'Linux frees the pages when it likes, Isopage at once'
  if (name === 'pwrite' && reference.processes[process]?.slots[a]?.append) {
    return 'Linux appends, POSIX writes at the offset'
  }
  if (name === 'mmap' && (d & MAP_TYPE) === MAP_SHARED_VALIDATE && d & MAP_FIXED_NOREPLACE) {
    return 'Linux forgot MAP_FIXED_NOREPLACE among the flags that MAP_SHARED_VALIDATE knows'
  }
  if (name === 'mremap' && b === 0 && d & MREMAP_FIXED && a === n[4]) {
    return 'Linux unmaps the mapping that is to be doubled onto itself, Isopage refuses the overlap'
  }
  if (name === 'mremap') {
    const length = Math.max(b, c, PAGE)
    const moved = d & MREMAP_FIXED && reference.isPatchwork(process, n[4] as number, length)
    if (moved || reference.isPatchwork(process, a, length)) {
      return 'which mappings are one is for each system to decide; Linux 6.17 and later move several at once'
    }
  }
  if (name === 'flock' && isMapped(reference, reference.processes[process]?.slots[a]?.pages)) {
    return 'on Linux a mapping keeps the open description, and its flock, here the file alone'
  }
  if ((name === 'load' || name === 'store') && touchesTail(reference, process, a, b)) {
    return 'ext4 clears what was stored past the end when it writes the page back, Isopage in the copy that it writes'
  }
  return undefined
}

function isMapped(reference: Reference, pages: Pages | undefined): boolean {
  return reference.processes.some(({ arena }) => arena.some((page) => page && page.pages === pages))
}

function touchesTail(reference: Reference, process: number, address: number, length: number) {
  for (
    let page = Math.floor(address / PAGE);
    page < ARENA_PAGES && page * PAGE < address + length;
    page++
  ) {
    const mapped = reference.processes[process]?.arena[page]
    const pages: Pages | null | undefined = mapped?.pages
    if (!mapped || !pages?.isFile || mapped.copy) continue
    const end = pages.size - mapped.index * PAGE
    if (end < PAGE && address + length - page * PAGE > end) return true
  }
  return false
}
