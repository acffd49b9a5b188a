import {
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_NONE,
  PROT_READ,
  SIGBUS,
  SIGSEGV,
} from '../../assembly/abi'
import { FRAME_ANON } from '../../assembly/frame'
import { populate } from '../../assembly/populate'
import { frameOfPte, PTE_WRITE, PTE_ZERO, pteOf } from '../../assembly/pte'
import {
  begin,
  bootMemory,
  end,
  makeFile,
  map,
  PAGE,
  peek,
  poke,
  process,
  show,
} from './support/memory'
import { dieAtEveryPush } from './support/transactions'

bootMemory()
const PAGES: u32 = 6

function entry(address: u32, page: u32): u32 {
  return pteOf(process.space!, address + page * PAGE)
}

/** => pages of the mapping that have an entry. */
function present(address: u32): u32 {
  let count: u32 = 0
  for (let page: u32 = 0; page < PAGES; page++) if (entry(address, page) != 0) count++
  return count
}

describe('populating', () => {
  beforeEach(() => {
    begin()
    dieAtEveryPush(true)
  })
  afterEach(end)

  it('makes every page of the range present, and none beside it', () => {
    const at = map(PAGES)
    expect(populate(process.space!, at + PAGE, 4 * PAGE, false)).toBe(0)
    expect(present(at)).toBe(4)
    expect(entry(at, 0)).toBe(0)
    expect(entry(at, 5)).toBe(0)
    for (let page: u32 = 1; page < 5; page++) expect(entry(at, page) & PTE_ZERO).not.toBe(0)
    expect(populate(process.space!, at, 0, false)).toBe(0)
  })

  it('gives private pages a frame of their own where that is asked for', () => {
    const at = map(PAGES)
    expect(populate(process.space!, at, PAGES * PAGE, true)).toBe(0)
    for (let page: u32 = 0; page < PAGES; page++) {
      expect(entry(at, page) & PTE_WRITE).not.toBe(0)
      expect(frameOfPte(entry(at, page)).kind).toBe(FRAME_ANON)
    }
  })

  it('takes no copy of a private page that may only be read', () => {
    const at = map(PAGES, MAP_PRIVATE, 0, PROT_READ)
    expect(populate(process.space!, at, PAGES * PAGE, true)).toBe(0)
    for (let page: u32 = 0; page < PAGES; page++) {
      expect(entry(at, page) & PTE_ZERO).not.toBe(0)
    }
  })

  it('shows the pages of a shared object, dirty none of them', () => {
    const file = makeFile(PAGES)
    const at = show(file, PAGES)
    expect(populate(process.space!, at, PAGES * PAGE, true)).toBe(0)
    expect(present(at)).toBe(PAGES)
    expect(file.resident).toBe(PAGES)
    expect(file.dirtyPages).toBe(0)
  })

  it('charges a MAP_NORESERVE page when it has its frame', () => {
    const at = map(PAGES, MAP_PRIVATE | MAP_NORESERVE)
    const before = process.space!.charged
    expect(populate(process.space!, at, PAGES * PAGE, false)).toBe(0)
    expect(process.space!.charged).toBe(before)
    expect(populate(process.space!, at, PAGES * PAGE, true)).toBe(0)
    expect(peek(at)).toBe(0)
  })

  it('ends at the first page that cannot be: those before it stay', () => {
    const at = map(3)
    expect(populate(process.space!, at, PAGES * PAGE, true)).toBe(-SIGSEGV)
    expect(present(at)).toBe(3)
    const none = map(2, MAP_PRIVATE, 0, PROT_NONE)
    expect(populate(process.space!, none, PAGE, false)).toBe(-SIGSEGV)
    const file = makeFile(2)
    const past = show(file, 4)
    expect(populate(process.space!, past, 4 * PAGE, false)).toBe(-SIGBUS)
    expect(present(past)).toBe(2)
  })

  it('loses nothing that was stored before', () => {
    const at = map(PAGES, MAP_SHARED)
    expect(poke(at + PAGE, 9)).toBe(0)
    expect(populate(process.space!, at, PAGES * PAGE, true)).toBe(0)
    expect(peek(at + PAGE)).toBe(9)
  })
})
