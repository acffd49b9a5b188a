/** fast-check arbitraries of scripts: steps that mostly make sense, and often enough do not. */

import * as fc from 'fast-check'
import {
  ARENA_PAGES,
  FILES,
  NOWHERE,
  PAGE,
  PROCESSES,
  SLOTS,
  type Step,
  type StepName,
} from './steps.ts'

const FIXED = 16
const ANONYMOUS = 32
const NOREPLACE = 0x100000

/** Mostly the first: what happens to one file shows more than what happens to four. */
const file = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.nat(FILES - 1) },
)
const slot = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.nat(SLOTS - 1) },
)
const value = fc.integer({ min: 1, max: 250 })
/** Sizes and offsets in files: at and beside page borders. */
const offset = fc.oneof(
  fc.nat(6).map((page) => page * PAGE),
  fc
    .tuple(fc.nat(6), fc.constantFrom(-1, 1, 7, 100, 4000))
    .map(([page, more]) => Math.max(0, page * PAGE + more)),
)
const bytes = fc.oneof(fc.constantFrom(0, 1, 5, 100, PAGE, 2 * PAGE), fc.nat(3 * PAGE))
/** Whole pages inside the arena: [address, length]. */
const range = fc
  .tuple(fc.nat(ARENA_PAGES - 1), fc.integer({ min: 1, max: 6 }))
  .map(([page, pages]) => [page * PAGE, Math.min(pages, ARENA_PAGES - page) * PAGE] as const)
/** Now and then unaligned, empty, or ending inside a page. */
const roughRange = fc.oneof(
  { weight: 10, arbitrary: range },
  {
    weight: 1,
    arbitrary: fc
      .tuple(range, fc.constantFrom(0, 1, 100), fc.constantFrom(0, -1, -100, -PAGE))
      .map(
        ([[address, length], off, less]) =>
          [address + off, Math.max(0, length + less - off)] as const,
      ),
  },
)
const access = fc
  .tuple(fc.nat(ARENA_PAGES * PAGE - 1), fc.oneof(fc.constantFrom(1, 4, 100), fc.nat(3 * PAGE)))
  .map(
    ([address, length]) => [address, Math.min(length + 1, ARENA_PAGES * PAGE - address)] as const,
  )
const prot = fc.oneof(
  { weight: 6, arbitrary: fc.constant(3) },
  { weight: 3, arbitrary: fc.constantFrom(0, 1, 2, 5, 7) },
)

/** mmap: [address, length, prot, flags, slot, offset]. */
const mapping = fc
  .tuple(
    range,
    prot,
    fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom(1, 2) },
      { weight: 1, arbitrary: fc.constantFrom(0, 3, 4) },
    ),
    fc.boolean(),
    fc.oneof(
      { weight: 8, arbitrary: fc.constant(FIXED) },
      { weight: 3, arbitrary: fc.constantFrom(0, NOREPLACE) },
    ),
    fc.oneof(
      { weight: 12, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.constantFrom(0x2000, 0x4000, 0x8000) },
    ),
    slot,
    fc.oneof(
      { weight: 20, arbitrary: fc.nat(5).map((page) => page * PAGE) },
      { weight: 1, arbitrary: fc.constant(100) },
    ),
    fc.oneof(
      { weight: 20, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.constantFrom(-1, -PAGE, -4000) },
    ),
  )
  .map(([[address, length], p, type, anonymous, place, more, s, at, less]) => {
    const flags = type | (anonymous ? ANONYMOUS : 0) | place | more
    return [address, Math.max(0, length + less), p, flags, s, at]
  })

/** mremap: [address, old length, new length, flags, new address]. */
const remapping = fc
  .tuple(range, range, fc.constantFrom(0, 1, 1, 3, 3, 3, 2, 4), fc.nat(11))
  .map(([[address, before], [to, after], flags, odd]) => {
    const room = ARENA_PAGES * PAGE - (flags & 2 ? to : address)
    const length = Math.min(after, room)
    return [
      address + (odd === 1 ? 1 : 0),
      odd === 2 ? 0 : before,
      odd === 3 ? 0 : length,
      flags,
      to,
    ]
  })

const lockRange = fc
  .tuple(fc.nat(40), fc.nat(20))
  .map(([start, length]) => [start, length] as const)

type Numbers = readonly number[]

const numbersOf: Readonly<Record<StepName, { weight: number; numbers: fc.Arbitrary<Numbers> }>> = {
  mmap: { weight: 14, numbers: mapping },
  munmap: { weight: 5, numbers: roughRange },
  mprotect: {
    weight: 5,
    numbers: fc
      .tuple(
        roughRange,
        fc.oneof({ weight: 12, arbitrary: prot }, { weight: 1, arbitrary: fc.constant(16) }),
      )
      .map(([[a, l], p]) => [a, l, p]),
  },
  mremap: { weight: 6, numbers: remapping },
  msync: {
    weight: 5,
    numbers: fc
      .tuple(roughRange, fc.constantFrom(4, 4, 1, 0, 6, 2, 5, 8))
      .map(([[a, l], f]) => [a, l, f]),
  },
  madvise: {
    weight: 8,
    numbers: fc
      .tuple(roughRange, fc.constantFrom(0, 1, 2, 3, 3, 3, 4, 4, 4, 8, 9, 9, 77))
      .map(([[a, l], f]) => [a, l, f]),
  },
  mincore: { weight: 1, numbers: roughRange },
  mlock: { weight: 2, numbers: roughRange },
  munlock: { weight: 2, numbers: roughRange },
  mlockall: { weight: 1, numbers: fc.constantFrom(0, 1, 2, 3).map((flags) => [flags]) },
  munlockall: { weight: 1, numbers: fc.constant([]) },
  load: { weight: 12, numbers: access },
  store: { weight: 16, numbers: fc.tuple(access, value).map(([[a, l], v]) => [a, l, v]) },
  open: {
    weight: 12,
    numbers: fc.tuple(slot, file, fc.constantFrom(7, 7, 7, 7, 3, 1, 2, 15, 23, 39, 17)),
  },
  close: { weight: 2, numbers: slot.map((s) => [s]) },
  dup: { weight: 2, numbers: fc.tuple(slot, slot) },
  read: { weight: 3, numbers: fc.tuple(slot, bytes) },
  write: { weight: 6, numbers: fc.tuple(slot, bytes, value) },
  pread: { weight: 4, numbers: fc.tuple(slot, bytes, offset) },
  pwrite: { weight: 8, numbers: fc.tuple(slot, bytes, value, offset) },
  lseek: {
    weight: 2,
    numbers: fc.tuple(slot, fc.oneof(offset, fc.constantFrom(-1, -5000)), fc.nat(2)),
  },
  ftruncate: { weight: 7, numbers: fc.tuple(slot, offset) },
  fallocate: {
    weight: 3,
    numbers: fc.tuple(slot, fc.constantFrom(0, 0, 1, 3, 3, 3, 2), offset, bytes),
  },
  fsync: { weight: 2, numbers: slot.map((s) => [s]) },
  size: { weight: 2, numbers: slot.map((s) => [s]) },
  unlink: { weight: 2, numbers: file.map((f) => [f]) },
  rename: { weight: 2, numbers: fc.tuple(file, file) },
  link: { weight: 2, numbers: fc.tuple(file, file) },
  flock: { weight: 3, numbers: fc.tuple(slot, fc.constantFrom(5, 6, 8, 5, 6, 7)) },
  setlk: {
    weight: 3,
    numbers: fc.tuple(slot, fc.nat(2), lockRange).map(([s, k, [a, l]]) => [s, k, a, l]),
  },
  getlk: {
    weight: 2,
    numbers: fc.tuple(slot, fc.nat(2), lockRange).map(([s, k, [a, l]]) => [s, k, a, l]),
  },
  fork: { weight: 5, numbers: fc.nat(PROCESSES - 1).map((process) => [process]) },
}

const step: fc.Arbitrary<Step> = fc.oneof(
  ...(Object.keys(numbersOf) as StepName[]).map((name) => ({
    weight: numbersOf[name].weight,
    arbitrary: fc
      .tuple(fc.nat(PROCESSES - 1), numbersOf[name].numbers)
      .map(([process, numbers]) => [name, process, ...numbers] as unknown as Step),
  })),
)

/** Opens a file in the first slots of both processes, so that what follows has something to work on. */
const opening: fc.Arbitrary<Step[]> = fc.tuple(file, offset, value).map(([f, size, v]) => [
  ['open', 0, 0, f, 7],
  ['open', 1, 0, f, 7],
  ['pwrite', 0, 0, size, v, 0],
])

/** Scripts of up to `steps` random steps. */
export function scripts(steps: number): fc.Arbitrary<Step[]> {
  return fc
    .tuple(opening, fc.array(step, { minLength: 1, maxLength: steps, size: 'max' }))
    .map(([first, rest]) => [...first, ...rest])
}

export { NOWHERE }
