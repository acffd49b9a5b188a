import {
  BUFFER_RESULT,
  EFAULT,
  ENOMEM,
  MADV_DONTNEED,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  SIGBUS,
  SIGSEGV,
  WINDOW_START,
} from '../../assembly/abi'
import { sysAccess, sysRelease } from '../../assembly/access'
import { sysExit } from '../../assembly/exit'
import { sysMadvise } from '../../assembly/madvise'
import { sysMlock, sysMunlock } from '../../assembly/mlock'
import { sysMmap, sysMunmap } from '../../assembly/mmap'
import { sysMprotect } from '../../assembly/mprotect'
import { sysMremap } from '../../assembly/mremap'
import { pteOf } from '../../assembly/pte'
import { noSource } from '../../assembly/source'
import { me } from '../../assembly/thread'
import { findVma, VMA_DYING } from '../../assembly/vma'
import { bootSpec, checkAll, freeFrames, spawn } from './support/boot'
import { below, chance, reseed } from './support/random'
import { dieAtEveryPush, exemptStatic, expectUndone, lookAtEnds } from './support/transactions'

bootSpec(1600)
exemptStatic(changetype<usize>(noSource()), 32)

const PAGES: u32 = 128
/** The range stands across the border between two page tables. */
const BASE: u32 = WINDOW_START + (4 << 20) - (PAGES << 11)
const OBJECTS: u32 = 4000

/** The model, by page: what is mapped there, as what, with what in it. */
const NONE: u32 = 0
const OWN: u32 = 1
const SHARED: u32 = 2
const kinds = new StaticArray<u32>(PAGES)
const prots = new StaticArray<u32>(PAGES)
const objects = new StaticArray<u32>(PAGES)
const indexes = new StaticArray<u32>(PAGES)
const values = new StaticArray<u8>(PAGES)
const locked = new StaticArray<bool>(PAGES)
const loose = new StaticArray<bool>(PAGES)
const charged = new StaticArray<bool>(PAGES)
const objectPages = new StaticArray<u32>(OBJECTS)
const objectValues = new StaticArray<u8>(<i32>OBJECTS * 32)
let made: u32 = 0

let process = spawn()

function addressOf(page: u32): u64 {
  return BASE + (page << 12)
}

function clear(page: u32): void {
  kinds[page] = NONE
  prots[page] = 0
  objects[page] = 0
  indexes[page] = 0
  values[page] = 0
  locked[page] = false
  loose[page] = false
  charged[page] = false
}

function copy(from: u32, to: u32): void {
  kinds[to] = kinds[from]
  prots[to] = prots[from]
  objects[to] = objects[from]
  indexes[to] = indexes[from]
  values[to] = values[from]
  locked[to] = locked[from]
  loose[to] = loose[from]
  charged[to] = charged[from]
}

/** Pages a and a + 1 show one mapping. */
function joined(page: u32): bool {
  const after = page + 1
  if (kinds[page] == NONE || kinds[page] != kinds[after] || prots[page] != prots[after])
    return false
  if (locked[page] != locked[after] || loose[page] != loose[after]) return false
  if (charged[page] != charged[after]) return false
  if (kinds[page] == OWN) return true
  return objects[page] == objects[after] && indexes[page] + 1 == indexes[after]
}

/** => first page past the mapping that holds `page`. */
function endOf(page: u32): u32 {
  while (page + 1 < PAGES && joined(page)) page++
  return page + 1
}

function noteWrite(page: u32): void {
  if (kinds[page] == OWN && !loose[page] && (prots[page] & PROT_WRITE) != 0) charged[page] = true
}

function map(page: u32, count: u32): void {
  const shared = chance(40)
  const prot = chance(20) ? below(8) : PROT_READ | PROT_WRITE
  const reserve = !shared && chance(30) ? MAP_NORESERVE : 0
  const flags = (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS | MAP_FIXED | reserve
  const result = sysMmap(process, addressOf(page), count << 12, prot, flags, -1, 0)
  assert(<u32>result == <u32>addressOf(page), `mmap gave ${result}`)
  if (shared) objectPages[made] = count
  for (let i: u32 = 0; i < count; i++) {
    clear(page + i)
    kinds[page + i] = shared ? SHARED : OWN
    prots[page + i] = prot
    loose[page + i] = reserve != 0
    objects[page + i] = made
    indexes[page + i] = i
    noteWrite(page + i)
  }
  if (shared) made++
}

function unmap(page: u32, count: u32): void {
  assert(sysMunmap(process, addressOf(page), count << 12) == 0, 'munmap')
  for (let i: u32 = 0; i < count; i++) clear(page + i)
}

function protect(page: u32, count: u32): void {
  const prot = below(8)
  let expected = 0
  for (let i: u32 = 0; i < count; i++) {
    if (kinds[page + i] == NONE) {
      expected = -ENOMEM
      break
    }
    prots[page + i] = prot
    noteWrite(page + i)
  }
  const result = sysMprotect(process, addressOf(page), count << 12, prot)
  assert(result == expected, `mprotect gave ${result}`)
}

function isPast(page: u32): bool {
  return kinds[page] == SHARED && indexes[page] >= objectPages[objects[page]]
}

function lockPages(page: u32, count: u32, on: bool): void {
  let expected = 0
  for (let i: u32 = 0; i < count; i++) {
    if (kinds[page + i] == NONE) {
      expected = -ENOMEM
      break
    }
    locked[page + i] = on
    if (on && (prots[page + i] == 0 || isPast(page + i))) expected = -ENOMEM
  }
  const address = addressOf(page)
  const result = on
    ? sysMlock(process, address, count << 12)
    : sysMunlock(process, address, count << 12)
  assert(result == expected, `mlock gave ${result}`)
}

/** Zeroes private pages: madvise DONTNEED of one whole mapping's part. */
function drop(page: u32, count: u32): void {
  for (let i: u32 = 0; i < count; i++) if (kinds[page + i] == NONE || locked[page + i]) return
  assert(sysMadvise(process, addressOf(page), count << 12, MADV_DONTNEED) == 0, 'madvise')
  for (let i: u32 = 0; i < count; i++) values[page + i] = 0
}

function move(page: u32, count: u32): void {
  const to = below(PAGES - count + 1)
  if (to < page + count && page < to + count) return
  const fits = kinds[page] != NONE && page + count <= endOf(page)
  const flags = MREMAP_FIXED | MREMAP_MAYMOVE
  const bytes = count << 12
  const result = sysMremap(process, addressOf(page), bytes, bytes, flags, addressOf(to))
  assert(result == (fits ? <i32>addressOf(to) : -EFAULT), `mremap gave ${result}`)
  for (let i: u32 = 0; fits && i < count; i++) {
    copy(page + i, to + i)
    clear(page + i)
  }
}

function resize(page: u32, before: u32, after: u32): void {
  const result = sysMremap(process, addressOf(page), before << 12, after << 12, 0, 0)
  if (kinds[page] == NONE || (after > before && page + before > endOf(page))) {
    assert(result == -EFAULT, `mremap gave ${result}`)
    return
  }
  let free = after <= before || endOf(page) == page + before
  for (let i = before; i < after; i++) if (kinds[page + i] != NONE) free = false
  assert(result == (free ? <i32>addressOf(page) : -ENOMEM), `mremap gave ${result}`)
  for (let i = before; free && i < after; i++) {
    copy(page + i - 1, page + i)
    values[page + i] = 0
    indexes[page + i] = indexes[page + i - 1] + 1
  }
  for (let i = after; i < before; i++) clear(page + i)
}

/** Loads, or stores, the first byte of a page. */
function touch(page: u32, write: bool): void {
  const may = (prots[page] & (write ? PROT_WRITE : PROT_READ | PROT_WRITE | PROT_EXEC)) != 0
  const result = sysAccess(process, addressOf(page), 1, write)
  if (kinds[page] == NONE || !may) assert(result == -SIGSEGV, `SIGSEGV, not ${result}`)
  else if (isPast(page)) assert(result == -SIGBUS, `SIGBUS, not ${result}`)
  else {
    assert(result == 0, `access gave ${result}`)
    const at = <usize>load<u32>(<usize>me().buffer + BUFFER_RESULT)
    const slot = objects[page] * 32 + indexes[page]
    const known = kinds[page] == OWN ? values[page] : objectValues[slot]
    assert(load<u8>(at) == known, `page ${page} holds ${load<u8>(at)}, not ${known}`)
    if (write) {
      const value = <u8>below(256)
      store<u8>(at, value)
      if (kinds[page] == OWN) values[page] = value
      else objectValues[slot] = value
    }
  }
  sysRelease()
}

function compareCounts(): void {
  let mappings: u32 = 0
  let pages: u32 = 0
  let lockedPages: u32 = 0
  let promised: u32 = 0
  for (let page: u32 = 0; page < PAGES; page++) {
    if (kinds[page] == NONE) continue
    pages++
    if (locked[page]) lockedPages++
    if (charged[page]) promised++
    if (page + 1 == PAGES || !joined(page)) mappings++
  }
  const space = process.space!
  assert(space.mappedPages == pages, `${space.mappedPages} pages, not ${pages}`)
  assert(space.lockedPages == lockedPages, `${space.lockedPages} locked, not ${lockedPages}`)
  assert(space.charged == promised, `${space.charged} promised, not ${promised}`)
  assert(space.count == mappings, `${space.count} mappings, not ${mappings}`)
}

function step(): void {
  const page = below(PAGES)
  const count: u32 = 1 + below(min<u32>(24, PAGES - page))
  const what = below(100)
  if (what < 18) map(page, count)
  else if (what < 26) unmap(page, count)
  else if (what < 38) protect(page, count)
  else if (what < 44) lockPages(page, count, true)
  else if (what < 48) lockPages(page, count, false)
  else if (what < 52) drop(page, count)
  else if (what < 60) move(page, count)
  else if (what < 68) resize(page, 1 + below(count), count)
  else if (what < 70) resize(page, count, 1 + below(count))
  else touch(page, chance(60))
}

/** A process that does `steps` things at random, then ends. */
function live(steps: u32): void {
  process = spawn()
  for (let page: u32 = 0; page < PAGES; page++) clear(page)
  for (let i: u32 = 0; i < steps; i++) {
    dieAtEveryPush(i % 32 == 0)
    step()
    checkAll()
    compareCounts()
    expectUndone()
  }
  dieAtEveryPush(false)
  assert(sysExit(process.pid, 0) == 0, 'exit')
  checkAll()
  expectUndone()
}

let torn: bool = false

/** A mapping that another thread could fault in now has lost its page already. */
function lookForTorn(): void {
  const space = process.space!
  const vma = findVma(space, <u32>addressOf(1))
  if (vma == null || (vma.flags & VMA_DYING) != 0) return
  if (pteOf(space, <u32>addressOf(1)) == 0) torn = true
}

describe('spaces', () => {
  it('agree with an array of pages, and a death in any transaction leaves no trace', () => {
    reseed('spaces')
    live(1500)
    expect(made).toBeGreaterThan(50)
  })

  it('give every frame back when their process ends', () => {
    reseed('spaces that end')
    live(100)
    const free = freeFrames()
    for (let i = 0; i < 5; i++) live(60)
    expect(freeFrames()).toBe(free)
  })

  it('gives page tables back that a move left empty', () => {
    process = spawn()
    sysExit(process.pid, 0)
    const free = freeFrames()
    process = spawn()
    for (let page: u32 = 0; page < PAGES; page++) clear(page)
    const rights = PROT_READ | PROT_WRITE
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
    sysMmap(process, addressOf(0), 4096, rights, flags, -1, 0)
    assert(sysAccess(process, addressOf(0), 1, true) == 0, 'access')
    sysRelease()
    const far = addressOf(PAGES - 1)
    const how = MREMAP_MAYMOVE | MREMAP_FIXED
    expect(sysMremap(process, addressOf(0), 4096, 4096, how, far)).toBe(<i32>far)
    checkAll()
    sysExit(process.pid, 0)
    checkAll()
    expect(freeFrames()).toBe(free)
    expectUndone()
  })

  it('unmap two mappings in one transaction, or mark them first', () => {
    process = spawn()
    const rights = PROT_READ | PROT_WRITE
    const flags = MAP_ANONYMOUS | MAP_FIXED
    sysMmap(process, addressOf(0), 4096, rights, flags | MAP_SHARED, -1, 0)
    sysMmap(process, addressOf(1), 4096, rights, flags | MAP_PRIVATE, -1, 0)
    for (let page: u32 = 0; page < 2; page++) sysAccess(process, addressOf(page), 1, true)
    sysRelease()
    lookAtEnds(lookForTorn)
    sysMunmap(process, addressOf(0), 8192)
    lookAtEnds(null)
    expect(torn).toBe(false)
    sysExit(process.pid, 0)
    checkAll()
    expectUndone()
  })
})
