import { WINDOW_END, WINDOW_START } from '../../assembly/abi'
import { frameAddress, frameOf } from '../../assembly/frame'
import { lock, unlock } from '../../assembly/lock'
import {
  frameOfPte,
  makePte,
  nextPte,
  PTE_READ,
  PTE_ZERO,
  pteAt,
  pteOf,
  setPte,
  trimTables,
} from '../../assembly/pte'
import { K } from '../../assembly/root'
import { AT, BORDER, begin, bootMemory, end, PAGE, process } from './support/memory'
import { below, chance, reseed } from './support/random'

bootMemory()

const COUNT: u32 = 64
/** Pages on both sides of the border between two tables. */
const FIRST: u32 = BORDER - (COUNT / 2) * PAGE
const set = new StaticArray<bool>(COUNT)

/** An entry that names the frame of zeros, as a load of untouched memory makes it. */
function fill(address: u32): void {
  lock()
  const at = makePte(process.space!, address)
  if (at != 0 && load<u32>(at) == 0) setPte(at, K.zeroFrame | PTE_READ | PTE_ZERO)
  unlock()
  assert(at != 0, 'no table')
}

function empty(address: u32): void {
  lock()
  const at = pteAt(process.space!, address)
  if (at != 0) setPte(at, 0)
  unlock()
}

function trim(start: u32, end: u32): void {
  lock()
  trimTables(process.space!, start, end)
  unlock()
}

function finish(): void {
  const space = process.space!
  for (let at = nextPte(space, WINDOW_START, WINDOW_END); at < WINDOW_END; ) {
    empty(at)
    at = nextPte(space, at + PAGE, WINDOW_END)
  }
  trim(WINDOW_START, WINDOW_END)
  assert(space.directory == 0 && space.tables == 0, 'tables were left')
  end()
}

describe('page tables', () => {
  beforeEach(begin)
  afterEach(finish)

  it('are none before the first page: no entry, nothing found', () => {
    const space = process.space!
    expect(pteAt(space, AT)).toBe(0)
    expect(pteOf(space, AT)).toBe(0)
    expect(nextPte(space, WINDOW_START, WINDOW_END)).toBe(WINDOW_END)
  })

  it('begin with a directory and one table, which counts its entries', () => {
    const space = process.space!
    fill(AT)
    fill(AT + PAGE)
    expect(space.tables).toBe(2)
    expect(frameOf(pteAt(space, AT)).refs).toBe(2)
    expect(frameOf(space.directory).refs).toBe(1)
    expect(pteAt(space, AT + PAGE) - pteAt(space, AT)).toBe(4)
    expect(<u32>frameAddress(frameOfPte(pteOf(space, AT)))).toBe(K.zeroFrame)
    expect(pteOf(space, AT + 2 * PAGE)).toBe(0)
  })

  it('keep an emptied table until it is trimmed, and then free it with the directory', () => {
    const space = process.space!
    const free = K.freeFrames
    fill(AT)
    empty(AT)
    expect(space.tables).toBe(2)
    trim(AT, AT + PAGE)
    expect(space.tables).toBe(0)
    expect(space.directory).toBe(0)
    expect(K.freeFrames).toBe(free)
  })

  it('of which one is trimmed stay when another has entries', () => {
    const space = process.space!
    fill(BORDER - PAGE)
    fill(BORDER)
    expect(space.tables).toBe(3)
    empty(BORDER)
    trim(WINDOW_START, WINDOW_END)
    expect(space.tables).toBe(2)
    expect(pteOf(space, BORDER - PAGE)).not.toBe(0)
    expect(pteAt(space, BORDER)).toBe(0)
  })
})

describe('page tables at random', () => {
  beforeEach(begin)
  afterEach(finish)

  it('find the next entry as a walk over all pages would', () => {
    reseed('page tables')
    const space = process.space!
    for (let step = 0; step < 2000; step++) {
      const page = below(COUNT)
      const address = FIRST + page * PAGE
      set[page] = chance(60)
      if (set[page]) fill(address)
      else empty(address)
      if (chance(20)) trim(FIRST, FIRST + COUNT * PAGE)
      const from = below(COUNT)
      let expected = from
      while (expected < COUNT && !set[expected]) expected++
      const found = nextPte(space, FIRST + from * PAGE, FIRST + COUNT * PAGE)
      assert(found == FIRST + expected * PAGE, `step ${step}: page ${(found - FIRST) / PAGE}`)
    }
  })
})
