import {
  EIO,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_EXEC,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
  SIGBUS,
  SIGSEGV,
  WASI_FD_PREAD,
} from '../../assembly/abi'
import { fault, isPast } from '../../assembly/fault'
import { lock, unlock } from '../../assembly/lock'
import { PTE_CHARGED, PTE_PRIVATE, PTE_READ, PTE_WRITE, PTE_ZERO, pteOf } from '../../assembly/pte'
import { K } from '../../assembly/root'
import { findVma, VMA_DYING } from '../../assembly/vma'
import { callsOf, failCalls, passMs } from './support/disk'
import {
  AT,
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

const LOAD: bool = false
const STORE: bool = true
const FLAGS: u32 = PTE_READ | PTE_WRITE | PTE_PRIVATE | PTE_ZERO | PTE_CHARGED

function touch(address: u32, write: bool): i32 {
  lock()
  const result = fault(process.space!, address, write)
  unlock()
  return result
}

/** => the entry's flags. */
function entry(address: u32): u32 {
  return pteOf(process.space!, address) & FLAGS
}

describe('a fault in private memory', () => {
  beforeEach(() => {
    begin()
    dieAtEveryPush(true)
  })
  afterEach(end)

  it('maps the frame of zeros for a load, a cleared frame of its own for a store', () => {
    map(2, MAP_PRIVATE, AT)
    expect(touch(AT, LOAD)).toBe(0)
    expect(entry(AT)).toBe(PTE_READ | PTE_ZERO)
    expect(touch(AT, STORE)).toBe(0)
    expect(entry(AT)).toBe(PTE_READ | PTE_WRITE | PTE_PRIVATE)
    expect(touch(AT + PAGE, STORE)).toBe(0)
    expect(entry(AT + PAGE)).toBe(PTE_READ | PTE_WRITE | PTE_PRIVATE)
    expect(peek(AT + PAGE)).toBe(0)
  })

  it('charges a page of MAP_NORESERVE when it is stored to, once', () => {
    map(1, MAP_PRIVATE | MAP_NORESERVE, AT)
    const committed = K.committed
    expect(touch(AT, LOAD)).toBe(0)
    expect(K.committed).toBe(committed)
    expect(touch(AT, STORE)).toBe(0)
    expect(touch(AT, STORE)).toBe(0)
    expect(entry(AT) & PTE_CHARGED).toBe(PTE_CHARGED)
    expect(K.committed).toBe(committed + 1)
  })

  it('that the promise account refuses is SIGBUS, and takes nothing', () => {
    map(1, MAP_PRIVATE | MAP_NORESERVE, AT)
    const limit = K.commitLimit
    K.commitLimit = K.committed
    expect(touch(AT, STORE)).toBe(-SIGBUS)
    expect(entry(AT)).toBe(0)
    K.commitLimit = limit
    expect(touch(AT, STORE)).toBe(0)
  })
})

describe('a fault without the right', () => {
  beforeEach(begin)
  afterEach(end)

  it('is SIGSEGV: a hole, a mapping on its way out, a forbidden access', () => {
    expect(touch(AT, LOAD)).toBe(-SIGSEGV)
    map(1, MAP_PRIVATE, AT, PROT_NONE)
    map(1, MAP_PRIVATE, AT + PAGE, PROT_READ)
    expect(touch(AT, LOAD)).toBe(-SIGSEGV)
    expect(touch(AT + PAGE, STORE)).toBe(-SIGSEGV)
    const vma = findVma(process.space!, AT + PAGE)!
    vma.flags |= VMA_DYING
    expect(touch(AT + PAGE, LOAD)).toBe(-SIGSEGV)
    vma.flags &= ~VMA_DYING
  })

  it('is none where WRITE or EXEC imply READ', () => {
    map(1, MAP_PRIVATE, AT, PROT_WRITE)
    map(1, MAP_PRIVATE, AT + 2 * PAGE, PROT_EXEC)
    expect(touch(AT, LOAD)).toBe(0)
    expect(touch(AT + 2 * PAGE, LOAD)).toBe(0)
    expect(touch(AT + 2 * PAGE, STORE)).toBe(-SIGSEGV)
  })
})

describe('a fault in a file', () => {
  beforeEach(begin)
  afterEach(end)

  it('gives the right to store only to a store, which makes the page dirty and moves its times', () => {
    const file = makeFile(2)
    show(file, 2)
    expect(touch(AT, LOAD)).toBe(0)
    expect(entry(AT)).toBe(PTE_READ)
    expect(file.dirtyPages).toBe(0)
    const before = file.mtimeMs
    passMs(5)
    expect(touch(AT, STORE)).toBe(0)
    expect(entry(AT)).toBe(PTE_READ | PTE_WRITE)
    expect(file.dirtyPages).toBe(1)
    expect(file.mtimeMs).toBeGreaterThan(before)
    expect(file.ctimeMs).toBe(file.mtimeMs)
  })

  it('reads more and more where it goes on in sequence', () => {
    show(makeFile(64), 64)
    for (let page: u32 = 0; page < 64; page++) peek(AT + page * PAGE)
    expect(callsOf(WASI_FD_PREAD)).toBeLessThan(10)
  })

  it('past its end is SIGBUS, one that the store cannot read too', () => {
    const file = makeFile(1)
    show(file, 2)
    expect(isPast(file, 0)).toBe(false)
    expect(isPast(file, 1)).toBe(true)
    expect(touch(AT + PAGE, LOAD)).toBe(-SIGBUS)
    failCalls(WASI_FD_PREAD, 0, 1, EIO)
    expect(touch(AT, STORE)).toBe(-SIGBUS)
    expect(file.resident).toBe(0)
    expect(touch(AT, STORE)).toBe(0)
  })

  it('past dirtyPagesMax writes other pages first; when the store refuses them it is SIGBUS', () => {
    const file = makeFile(8)
    show(file, 8)
    const most = K.dirtyPagesMax
    K.dirtyPagesMax = 2
    for (let page: u32 = 0; page < 4; page++) expect(poke(AT + page * PAGE, 9)).toBe(0)
    expect(file.dirtyPages).toBeLessThanOrEqual(2)
    expect(poke(AT + 4 * PAGE, 9)).toBe(0)
    poke(AT + 5 * PAGE, 9)
    failCalls(4, 0, 1000, EIO)
    poke(AT + 6 * PAGE, 9)
    expect(poke(AT + 7 * PAGE, 9)).toBe(-SIGBUS)
    expect(file.dirtyPages).toBe(2)
    K.dirtyPagesMax = most
    failCalls(4, 0, 0, 0)
  })

  it('in a shared object without a store maps the page for storing at once', () => {
    map(1, MAP_SHARED, AT)
    expect(touch(AT, LOAD)).toBe(0)
    expect(entry(AT)).toBe(PTE_READ | PTE_WRITE)
    expect(K.dirtyPages).toBe(0)
  })
})
