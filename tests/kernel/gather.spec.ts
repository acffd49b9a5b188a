import {
  EIO,
  ENOMEM,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  SIGSEGV,
  WASI_FD_PREAD,
} from '../../assembly/abi'
import { findPage } from '../../assembly/cache'
import { frameIndex } from '../../assembly/frame'
import { freeGather, gather } from '../../assembly/gather'
import { lock, unlock } from '../../assembly/lock'
import { sysMunmap } from '../../assembly/mmap'
import { frameOfPte, PTE_PRIVATE, pteOf } from '../../assembly/pte'
import { K } from '../../assembly/root'
import { me } from '../../assembly/thread'
import { sysViewClose, sysViewOpen } from '../../assembly/view'
import { callsOf, failCalls } from './support/disk'
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
import { dieAtEveryPush } from './support/transactions'

bootMemory()

/** Gathers the first pages at AT. */
function bring(pages: u32): i32 {
  return gather(process.space!, AT, pages)
}

/** => the private pages of [AT, AT + pages) lie in one run of frames. */
function inOneRun(pages: u32): bool {
  const first = frameIndex(frameOfPte(pteOf(process.space!, AT)))
  for (let i: u32 = 0; i < pages; i++) {
    const entry = pteOf(process.space!, AT + i * PAGE)
    if ((entry & PTE_PRIVATE) == 0 || frameIndex(frameOfPte(entry)) != first + i) return false
  }
  return true
}

describe('gathering', () => {
  beforeEach(begin)
  afterEach(end)

  it('brings private pages together with their bytes, and makes those that are not there', () => {
    map(8, MAP_PRIVATE, AT)
    for (let page = 7; page >= 0; page -= 2) poke(AT + page * PAGE, 10 + page)
    dieAtEveryPush(true)
    expect(bring(8)).toBe(0)
    dieAtEveryPush(false)
    expect(inOneRun(8)).toBe(true)
    for (let page: u32 = 0; page < 8; page++) {
      expect(peek(AT + page * PAGE)).toBe(page % 2 == 1 ? 10 + page : 0)
    }
    expect(me().gatherCount).toBe(0)
  })

  it('brings shared pages together, which their other mappings show still', () => {
    const file = makeFile(6)
    show(file, 6)
    show(file, 6, AT + 64 * PAGE)
    for (let page = 5; page > 2; page--) poke(AT + page * PAGE, 50 + page)
    expect(bring(6)).toBe(0)
    const first = frameIndex(findPage(file, 0)!)
    for (let page: u32 = 0; page < 6; page++) {
      expect(frameIndex(findPage(file, page)!)).toBe(first + page)
      expect(peek(AT + (64 + page) * PAGE)).toBe(page > 2 ? 50 + page : page + 1)
    }
    expect(file.dirtyPages).toBe(3)
  })

  it('reads absent pages of a file in one go', () => {
    show(makeFile(16), 16)
    expect(bring(16)).toBe(0)
    expect(callsOf(WASI_FD_PREAD)).toBe(1)
  })

  it('charges pages of MAP_NORESERVE, once', () => {
    map(4, MAP_PRIVATE | MAP_NORESERVE, AT)
    poke(AT, 1)
    const before = K.committed
    expect(bring(4)).toBe(0)
    expect(K.committed).toBe(before + 3)
    expect(bring(4)).toBe(0)
    expect(K.committed).toBe(before + 3)
  })
})

describe('gathering that fails', () => {
  beforeEach(begin)
  afterEach(end)

  it('gives its run of frames back: a hole, a page that cannot be read, no run so long', () => {
    map(4, MAP_PRIVATE, AT)
    sysMunmap(process, AT + 2 * PAGE, PAGE)
    const free = K.freeFrames
    expect(bring(4)).toBe(-SIGSEGV)
    expect(me().gatherCount).toBe(0)
    expect(K.freeFrames).toBeGreaterThanOrEqual(free - 5)
    expect(bring(K.frameCount)).toBe(-ENOMEM)
    show(makeFile(4), 4, AT + 64 * PAGE)
    failCalls(WASI_FD_PREAD, 0, 1, EIO)
    expect(gather(process.space!, AT + 64 * PAGE, 4)).toBe(-EIO)
    expect(me().gatherCount).toBe(0)
    expect(peek(AT + 64 * PAGE)).toBe(1)
  })

  it('moves no page that another view pins', () => {
    map(4, MAP_SHARED, AT)
    expect(sysViewOpen(process, AT + 2 * PAGE, PAGE)).toBe(0)
    const view = resultWord(4)
    expect(bring(4)).toBe(-ENOMEM)
    store<u8>(<usize>resultWord(), 1)
    expect(sysViewClose(view)).toBe(0)
    expect(bring(4)).toBe(0)
  })

  it('is undone by whoever finds the thread dead: the frames of its run are free again', () => {
    map(4, MAP_PRIVATE, AT)
    expect(bring(4)).toBe(0)
    const free = K.freeFrames
    lock()
    freeGather(me().index)
    unlock()
    expect(K.freeFrames).toBe(free)
  })
})
