import {
  EINVAL,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_NONE,
  PROT_READ,
  SIGBUS,
  SIGSEGV,
  WINDOW_END,
} from '../../assembly/abi'
import { sysAccess, sysRelease, sysTouch } from '../../assembly/access'
import { holderOf } from '../../assembly/grant'
import { K } from '../../assembly/root'
import { me } from '../../assembly/thread'
import { failCalls } from './support/disk'
import {
  AT,
  begin,
  bootMemory,
  end,
  makeFile,
  map,
  PAGE,
  peek,
  process,
  resultWord,
  show,
} from './support/memory'

bootMemory()

describe('tracked access', () => {
  beforeEach(begin)
  afterEach(() => {
    sysRelease()
    end()
  })

  it('grants the bytes that are asked for, where they lie', () => {
    map(1, MAP_PRIVATE, AT)
    expect(sysAccess(process, AT + 100, 50, true)).toBe(0)
    expect(resultWord(4)).toBe(50)
    expect(me().grantBytes).toBe(50)
    expect(me().grantStart).toBe(AT + 100)
    expect(me().grantWrite).toBe(1)
    memory.fill(<usize>resultWord(), 9, 50)
    expect(sysAccess(process, AT, PAGE, false)).toBe(0)
    expect(load<u8>(<usize>resultWord() + 99)).toBe(0)
    expect(load<u8>(<usize>resultWord() + 149)).toBe(9)
    expect(me().grantWrite).toBe(0)
    sysRelease()
    expect(me().grantBytes).toBe(0)
  })

  it('ends a stretch where the frames do, or the mapping, or the right', () => {
    map(4, MAP_SHARED, AT)
    sysTouch(process, AT, 4 * PAGE)
    expect(sysAccess(process, AT + 10, 1 << 20, true)).toBe(0)
    const bytes = resultWord(4)
    expect((bytes + 10) % PAGE).toBe(0)
    expect(bytes).toBeLessThanOrEqual(4 * PAGE - 10)
    map(1, MAP_PRIVATE, AT + 2 * PAGE, PROT_READ)
    expect(sysAccess(process, AT, 4 * PAGE, true)).toBe(0)
    expect(resultWord(4)).toBeLessThanOrEqual(2 * PAGE)
    expect(sysAccess(process, AT, 4 * PAGE, false)).toBe(0)
    expect(resultWord(4)).toBeLessThanOrEqual(2 * PAGE)
  })

  it('of length 0 is EINVAL, outside of the window or at a hole SIGSEGV', () => {
    map(1, MAP_PRIVATE, AT)
    expect(sysAccess(process, AT, 0, false)).toBe(-EINVAL)
    expect(sysAccess(process, AT + PAGE, 1, false)).toBe(-SIGSEGV)
    expect(sysAccess(process, 0, 1, false)).toBe(-SIGSEGV)
    expect(sysAccess(process, WINDOW_END, 1, false)).toBe(-SIGSEGV)
    expect(sysAccess(process, 0xffffffffffffffff, 1, true)).toBe(-SIGSEGV)
    expect(me().grantBytes).toBe(0)
  })

  it('without the right is SIGSEGV, and grants nothing', () => {
    map(1, MAP_PRIVATE, AT, PROT_NONE)
    map(1, MAP_PRIVATE, AT + PAGE, PROT_READ)
    expect(sysAccess(process, AT, 1, false)).toBe(-SIGSEGV)
    expect(sysAccess(process, AT + PAGE, 1, false)).toBe(0)
    expect(sysAccess(process, AT + PAGE, 1, true)).toBe(-SIGSEGV)
    expect(me().grantBytes).toBe(0)
    expect(holderOf(process.space!, AT, AT + PAGE)).toBe(-1)
  })
})

describe('tracked access of a file', () => {
  beforeEach(begin)
  afterEach(() => {
    sysRelease()
    end()
  })

  it('makes every page of a stretch that it stores to dirty, one that it loads from none', () => {
    const file = makeFile(4)
    show(file, 4)
    expect(sysAccess(process, AT, 4 * PAGE, false)).toBe(0)
    expect(file.dirtyPages).toBe(0)
    for (let page: u32 = 0; page < 4; page++) sysAccess(process, AT + page * PAGE, 1, true)
    expect(file.dirtyPages).toBe(4)
    expect(sysAccess(process, AT, 4 * PAGE, true)).toBe(0)
    expect(resultWord(4) % PAGE).toBe(0)
  })

  it('past its end is SIGBUS, and so is a page that cannot be read', () => {
    show(makeFile(2), 4)
    expect(sysAccess(process, AT + 2 * PAGE, 1, false)).toBe(-SIGBUS)
    failCalls(3, 0, 1, 29)
    expect(sysAccess(process, AT, 1, false)).toBe(-SIGBUS)
    expect(peek(AT)).toBe(1)
  })

  it('stops a stretch of stores at dirtyPagesMax', () => {
    const file = makeFile(8)
    show(file, 8)
    for (let page: u32 = 0; page < 8; page++) peek(AT + page * PAGE)
    const most = K.dirtyPagesMax
    K.dirtyPagesMax = 3
    expect(sysAccess(process, AT, 8 * PAGE, true)).toBe(0)
    expect(resultWord(4)).toBeLessThanOrEqual(3 * PAGE)
    expect(file.dirtyPages).toBeLessThanOrEqual(3)
    K.dirtyPagesMax = most
  })

  it('touch makes the pages of a range dirty, from the first that it touches to the last', () => {
    const file = makeFile(4)
    show(file, 4)
    expect(sysTouch(process, AT + PAGE + 5, PAGE)).toBe(0)
    expect(file.dirtyPages).toBe(2)
    expect(me().grantBytes).toBe(0)
    expect(sysTouch(process, AT + 3 * PAGE, 2 * PAGE)).toBe(-SIGSEGV)
    expect(file.dirtyPages).toBe(3)
  })
})
