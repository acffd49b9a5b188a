import {
  EBUSY,
  EINVAL,
  EIO,
  ENOMEM,
  MAP_PRIVATE,
  MAP_SHARED,
  MS_ASYNC,
  MS_INVALIDATE,
  MS_SYNC,
  WASI_FD_DATASYNC,
  WASI_FD_PWRITE,
} from '../../assembly/abi'
import { findPage, isDirty } from '../../assembly/cache'
import { sysMlock, sysMunlock } from '../../assembly/mlock'
import { sysMunmap } from '../../assembly/mmap'
import { sysMsync } from '../../assembly/msync'
import { K } from '../../assembly/root'
import { sysViewClose, sysViewOpen } from '../../assembly/view'
import { writeOld } from '../../assembly/writeback'
import { byteAt, callsOf, failCalls, passMs, setByte } from './support/disk'
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
  resultWord,
  show,
} from './support/memory'

bootMemory()

const FD: i32 = 5

function sync(pages: u32, flags: u32 = MS_SYNC): i32 {
  return sysMsync(process, AT, pages * PAGE, flags)
}

describe('msync', () => {
  beforeEach(begin)
  afterEach(end)

  it('refuses unaligned addresses, unknown flags, and SYNC with ASYNC with EINVAL; length 0 is fine', () => {
    show(makeFile(1), 1)
    expect(sysMsync(process, AT + 1, PAGE, MS_SYNC)).toBe(-EINVAL)
    expect(sync(1, 8)).toBe(-EINVAL)
    expect(sync(1, MS_SYNC | MS_ASYNC)).toBe(-EINVAL)
    expect(sync(0)).toBe(0)
    expect(sysMsync(process, 4096, PAGE, MS_SYNC)).toBe(-ENOMEM)
  })

  it('writes the dirty pages of its range and makes them durable', () => {
    show(makeFile(4), 4)
    for (let page: u32 = 0; page < 4; page++) poke(AT + page * PAGE, 70 + page)
    expect(sysMsync(process, AT + PAGE, 2 * PAGE, MS_SYNC)).toBe(0)
    expect(callsOf(WASI_FD_PWRITE)).toBe(1)
    expect(callsOf(WASI_FD_DATASYNC)).toBe(1)
    expect(byteAt(FD, 0)).toBe(1)
    expect(byteAt(FD, PAGE)).toBe(71)
    expect(byteAt(FD, 2 * PAGE)).toBe(72)
    expect(byteAt(FD, 3 * PAGE)).toBe(4)
    expect(K.dirtyPages).toBe(2)
  })

  it('goes on over holes and says ENOMEM; private and anonymous memory are fine', () => {
    const file = makeFile(4)
    show(file, 4)
    sysMunmap(process, AT + PAGE, PAGE)
    poke(AT, 9)
    poke(AT + 2 * PAGE, 9)
    expect(sync(4)).toBe(-ENOMEM)
    expect(file.dirtyPages).toBe(0)
    map(2, MAP_PRIVATE, AT + 8 * PAGE)
    map(2, MAP_SHARED, AT + 10 * PAGE)
    expect(sysMsync(process, AT + 8 * PAGE, 4 * PAGE, MS_SYNC)).toBe(0)
  })
})

describe('msync in the background', () => {
  beforeEach(begin)
  afterEach(end)

  it('MS_ASYNC, and 0, let the next background round write what is young', () => {
    const file = makeFile(2)
    show(file, 2)
    for (let flags: u32 = 0; flags <= MS_ASYNC; flags++) {
      poke(AT, 5 + flags)
      expect(writeOld(100, 1000)).toBe(0)
      expect(sync(2, flags)).toBe(0)
      expect(isDirty(findPage(file, 0)!)).toBe(true)
      expect(writeOld(100, 1000)).toBe(1)
      expect(byteAt(FD, 0)).toBe(5 + flags)
      expect(file.scheduled).toBe(0)
    }
  })

  it('a page is written once it is as old as asked; a younger one only beside an old one', () => {
    show(makeFile(24), 24)
    poke(AT, 5)
    passMs(600)
    poke(AT + PAGE, 6)
    poke(AT + 20 * PAGE, 7)
    expect(writeOld(100, 1000)).toBe(0)
    passMs(500)
    expect(writeOld(100, 1000)).toBe(2)
    expect(byteAt(FD, 0)).toBe(5)
    expect(byteAt(FD, PAGE)).toBe(6)
    expect(byteAt(FD, 20 * PAGE)).toBe(21)
    passMs(501)
    expect(writeOld(100, 1000)).toBe(1)
    expect(byteAt(FD, 20 * PAGE)).toBe(7)
  })

  it('a failure there is told once by each mapping, and the page stays dirty', () => {
    const file = makeFile(2)
    show(file, 2)
    show(file, 2, AT + 8 * PAGE)
    poke(AT, 5)
    failCalls(WASI_FD_PWRITE, 0, 1, EIO)
    expect(writeOld(100, 0)).toBe(-EIO)
    expect(file.dirtyPages).toBe(1)
    expect(sync(2)).toBe(-EIO)
    expect(byteAt(FD, 0)).toBe(5)
    expect(sync(2)).toBe(0)
    expect(sysMsync(process, AT + 8 * PAGE, PAGE, MS_ASYNC)).toBe(-EIO)
    expect(sysMsync(process, AT + 8 * PAGE, PAGE, MS_ASYNC)).toBe(0)
  })
})

describe('MS_INVALIDATE', () => {
  beforeEach(begin)
  afterEach(end)

  it('drops clean pages and keeps dirty ones; with SYNC these are written first', () => {
    show(makeFile(2), 2)
    expect(peek(AT)).toBe(1)
    poke(AT + PAGE, 50)
    setByte(FD, 0, 40)
    setByte(FD, PAGE, 41)
    expect(sync(2, MS_INVALIDATE)).toBe(0)
    expect(peek(AT)).toBe(40)
    expect(peek(AT + PAGE)).toBe(50)
    expect(sync(2, MS_INVALIDATE | MS_SYNC)).toBe(0)
    expect(byteAt(FD, PAGE)).toBe(50)
    expect(peek(AT + PAGE)).toBe(50)
  })

  it('of locked pages and of pages under a view is EBUSY, and drops nothing', () => {
    const file = makeFile(2)
    show(file, 2)
    peek(AT)
    sysMlock(process, AT + PAGE, PAGE)
    expect(sync(2, MS_INVALIDATE)).toBe(-EBUSY)
    sysMunlock(process, AT + PAGE, PAGE)
    expect(sysViewOpen(process, AT, PAGE)).toBe(0)
    const view = resultWord(4)
    expect(sync(2, MS_INVALIDATE)).toBe(-EBUSY)
    expect(sysMsync(process, AT + PAGE, PAGE, MS_INVALIDATE)).toBe(0)
    sysViewClose(view)
    expect(sync(2, MS_INVALIDATE)).toBe(0)
    expect(file.resident).toBe(0)
  })
})
