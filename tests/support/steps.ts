/**
 * The step language: one call of one process, as a name and whole numbers. The same steps are run by Isopage (interpreter.ts),
 * by the reference (tests/model/reference.ts) and by Linux (tests/oracle/oracle.c), and what each says is compared.
 *
 * A step is `[name, process, ...numbers]`:
 *   addresses   bytes from the start of the process's arena, ARENA_PAGES pages; NOWHERE is the address 0
 *   files       0..FILES-1, by name; see `pathOf`
 *   slots       0..SLOTS-1 of the process: variables that hold a descriptor, -1 when none
 *   flags       prot, map, msync, madvise, mremap, fallocate, flock, fcntl lock kinds, whence: Linux's numbers (and wasi-libc's);
 *               those of open are OPEN below
 *
 * An outcome is a line of text: `ok`, `ok N`, an errno's name, `SIGSEGV@N`, `SIGBUS@N` (where, as an address above), or bytes
 * as runs (`3x0 1x7`). An address outside the arena is `away`; what was placed there is unmapped again at once.
 */

export const PAGE = 4096
export const ARENA_PAGES = 24
export const FILES = 4
export const SLOTS = 4
export const PROCESSES = 3
export const NOWHERE = -PAGE

/** Flags of `open` in steps. */
export const OPEN = { READ: 1, WRITE: 2, CREAT: 4, EXCL: 8, TRUNC: 16, APPEND: 32 } as const

/** How many numbers follow the process. */
export const STEP_NUMBERS = {
  mmap: 6, // address, length, prot, flags, slot, offset
  munmap: 2, // address, length
  mprotect: 3, // address, length, prot
  mremap: 5, // address, old length, new length, flags, new address
  msync: 3, // address, length, flags
  madvise: 3, // address, length, advice
  mincore: 2, // address, length
  mlock: 2, // address, length
  munlock: 2, // address, length
  mlockall: 1, // flags
  munlockall: 0,
  load: 2, // address, length
  store: 3, // address, length, value
  open: 3, // slot, file, flags
  close: 1, // slot
  dup: 2, // slot, slot of the copy
  read: 2, // slot, length
  write: 3, // slot, length, value
  pread: 3, // slot, length, offset
  pwrite: 4, // slot, length, value, offset
  lseek: 3, // slot, offset, whence
  ftruncate: 2, // slot, size
  fallocate: 4, // slot, mode, offset, length
  fsync: 1, // slot
  size: 1, // slot; also the number of links
  unlink: 1, // file
  rename: 2, // file, file
  link: 2, // file, file
  flock: 2, // slot, operation
  setlk: 4, // slot, kind, start, length
  getlk: 4, // slot, kind, start, length
  fork: 1, // the process that exits, for the child to take its place; EINVAL when that is the parent
} as const

export type StepName = keyof typeof STEP_NUMBERS
export type Step = readonly [name: StepName, process: number, ...numbers: number[]]

/** Names of files: one letter each. */
export function nameOf(file: number): string {
  return 'abcdefgh'[file] as string
}

/** Bytes as runs of equal ones: `4096x0 2x7`; `none` when there are none. */
export function runs(bytes: ArrayLike<number>): string {
  const parts: string[] = []
  for (let at = 0; at < bytes.length; ) {
    let end = at + 1
    while (end < bytes.length && bytes[end] === bytes[at]) end++
    parts.push(`${end - at}x${bytes[at]}`)
    at = end
  }
  return parts.join(' ') || 'none'
}

/** A step as a line of text, and as what to paste into a pinned test. */
export function format(step: Step): string {
  return step.join(' ')
}

/** Reads a script: a step a line, `#` begins a comment. */
export function parse(script: string): Step[] {
  return script
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '')
    .map((line) => {
      const [name, ...numbers] = line.split(/\s+/)
      const expected = STEP_NUMBERS[name as StepName]
      if (expected === undefined || numbers.length !== expected + 1) {
        throw new Error(`no step: '${line}'`)
      }
      return [name as StepName, ...numbers.map(Number)] as unknown as Step
    })
}
