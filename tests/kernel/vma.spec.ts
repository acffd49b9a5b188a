import {
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  MCL_CURRENT,
  MCL_ONFAULT,
  PROT_READ,
  WINDOW_END,
} from '../../assembly/abi'
import { lock, unlock } from '../../assembly/lock'
import { sysMlockall } from '../../assembly/mlock'
import { sysMprotect } from '../../assembly/mprotect'
import { K } from '../../assembly/root'
import {
  addressOf,
  byPage,
  findVma,
  firstWithin,
  indexOf,
  mergePiece,
  mergeVma,
  nextVma,
  pagesIn,
  setRange,
  splitVma,
  Vma,
  vmaByPage,
  wantsCharge,
} from '../../assembly/vma'
import {
  AT,
  begin,
  bootMemory,
  end,
  makeFile,
  map,
  PAGE,
  process,
  RIGHTS,
  show,
} from './support/memory'

bootMemory()

/** Gives the mapping at `from` the range [start, end). */
function move(from: u32, start: u32, end: u32): void {
  lock()
  setRange(at(from), start, end)
  unlock()
}

/** Splits the mapping that holds it, before `address`. */
function split(address: u32): void {
  lock()
  splitVma(at(address), address)
  unlock()
}

function merge(address: u32): void {
  lock()
  mergeVma(at(address))
  unlock()
}

function at(address: u32): Vma {
  return findVma(process.space!, address)!
}

describe('mappings', () => {
  beforeEach(begin)
  afterEach(end)

  it('are found by any address inside, and by none outside', () => {
    map(2, MAP_SHARED, AT)
    const space = process.space!
    expect(findVma(space, AT - 1) == null).toBe(true)
    expect(at(AT) == at(AT + 2 * PAGE - 1)).toBe(true)
    expect(findVma(space, AT + 2 * PAGE) == null).toBe(true)
    expect(nextVma(space, 0) == at(AT)).toBe(true)
    expect(nextVma(space, AT + 2 * PAGE) == null).toBe(true)
    expect(firstWithin(space, AT - PAGE, AT) == null).toBe(true)
    expect(firstWithin(space, AT - PAGE, AT + 1) == at(AT)).toBe(true)
    expect(firstWithin(space, AT, AT) == null).toBe(true)
  })

  it('turn addresses into pages of their object and back', () => {
    show(makeFile(4), 4)
    const vma = at(AT)
    expect(indexOf(vma, AT + 3 * PAGE + 5)).toBe(3)
    expect(addressOf(vma, 3)).toBe(AT + 3 * PAGE)
    expect(vmaByPage(byPage(vma)) == vma).toBe(true)
    expect(pagesIn(vma)).toBe(4)
  })

  it('split into two that show the same pages, and merge into the one they were', () => {
    const file = makeFile(4)
    show(file, 4)
    const refs = file.refs
    split(AT + 3 * PAGE)
    expect(at(AT + 3 * PAGE).pageStart).toBe(3)
    expect(pagesIn(at(AT))).toBe(3)
    expect(file.refs).toBe(refs + 1)
    expect(process.space!.count).toBe(2)
    expect(process.space!.mappedPages).toBe(4)
    merge(AT + 3 * PAGE)
    expect(pagesIn(at(AT))).toBe(4)
    expect(file.refs).toBe(refs)
    expect(process.space!.count).toBe(1)
  })

  it('count the pages of a range that is changed in place, locked ones too', () => {
    show(makeFile(4), 4)
    expect(sysMlockall(process, MCL_CURRENT | MCL_ONFAULT)).toBe(0)
    move(AT, AT + PAGE, AT + 3 * PAGE)
    expect(process.space!.mappedPages).toBe(2)
    expect(process.space!.lockedPages).toBe(2)
    expect(at(AT + PAGE).pageStart).toBe(1)
    move(AT + PAGE, AT, AT + 4 * PAGE)
    expect(at(AT).pageStart).toBe(0)
    expect(process.space!.lockedPages).toBe(4)
  })
})

describe('neighbours', () => {
  beforeEach(begin)
  afterEach(end)

  it('that could be one mapping are one, in whatever order they came', () => {
    map(1, MAP_PRIVATE, AT)
    map(1, MAP_PRIVATE, AT + 2 * PAGE)
    expect(process.space!.count).toBe(2)
    map(1, MAP_PRIVATE, AT + PAGE)
    expect(process.space!.count).toBe(1)
  })

  it('of another protection, promise, object or offset stay apart', () => {
    map(1, MAP_PRIVATE, AT)
    map(1, MAP_PRIVATE, AT + PAGE, PROT_READ)
    map(1, MAP_NORESERVE | MAP_PRIVATE, AT + 2 * PAGE)
    map(1, MAP_SHARED, AT + 3 * PAGE)
    map(1, MAP_SHARED, AT + 4 * PAGE)
    expect(process.space!.count).toBe(5)
    const file = makeFile(2)
    show(file, 1, AT + 8 * PAGE)
    show(file, 1, AT + 9 * PAGE) // page 0 again, not page 1
    expect(process.space!.count).toBe(7)
  })

  it('that are pieces of one attach stay apart, but for those that a move brought', () => {
    show(makeFile(2), 2)
    at(AT).attach = 7
    split(AT + PAGE)
    merge(AT + PAGE)
    expect(process.space!.count).toBe(2)
    lock()
    mergePiece(at(AT + PAGE))
    unlock()
    expect(process.space!.count).toBe(1)
    at(AT).attach = 0
  })

  it('of whose promises one is charged already are told apart by that', () => {
    map(1, MAP_PRIVATE, AT, PROT_READ)
    expect(wantsCharge(at(AT))).toBe(false)
    const before = K.committed
    expect(sysMprotect(process, AT, PAGE, RIGHTS)).toBe(0)
    expect(K.committed).toBe(before + 1)
    expect(process.space!.charged).toBe(1)
    expect(sysMprotect(process, AT, PAGE, PROT_READ)).toBe(0)
    expect(K.committed).toBe(before + 1)
    map(1, MAP_PRIVATE, AT + PAGE, PROT_READ)
    expect(process.space!.count).toBe(2)
    expect(nextVma(process.space!, WINDOW_END) == null).toBe(true)
  })
})
