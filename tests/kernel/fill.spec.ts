import { EIO, WASI_FD_PREAD } from '../../assembly/abi'
import { findPage, PAGE_BUSY } from '../../assembly/cache'
import { abandonFill, addCleared, clearTail, makePresent, RETRY, runMax } from '../../assembly/fill'
import { Frame, frameAddress } from '../../assembly/frame'
import { edit } from '../../assembly/journal'
import { lock, unlock } from '../../assembly/lock'
import { MemObject } from '../../assembly/object'
import { K } from '../../assembly/root'
import { callsOf, failCalls, shorten } from './support/disk'
import { begin, bootMemory, end, makeFile, PAGE } from './support/memory'
import { dieAtEveryPush } from './support/transactions'

bootMemory()

function present(file: MemObject, index: u64, run: u32): i32 {
  lock()
  const result = makePresent(file, index, run)
  unlock()
  return result
}

function byte(file: MemObject, index: u64, offset: u32): u8 {
  return load<u8>(frameAddress(findPage(file, index)!) + offset)
}

describe('filling', () => {
  beforeEach(() => {
    begin()
    dieAtEveryPush(true)
  })
  afterEach(end)

  it('reads a run in one go, up to the end of the file and the first page that is there', () => {
    const file = makeFile(8)
    expect(present(file, 5, 1)).toBe(RETRY)
    expect(present(file, 2, 100)).toBe(RETRY)
    expect(file.resident).toBe(4)
    expect(present(file, 6, 100)).toBe(RETRY)
    expect(file.resident).toBe(6)
    expect(callsOf(WASI_FD_PREAD)).toBe(3)
    for (let page: u32 = 2; page < 8; page++) expect(byte(file, page, 512)).toBe(<u8>(page + 1))
    expect(present(file, 2, 1)).toBe(RETRY)
    expect(callsOf(WASI_FD_PREAD)).toBe(3)
    expect(runMax()).toBe((1 << 20) / PAGE)
  })

  it('goes on after short reads, and clears what lies past the end', () => {
    const file = makeFile(2)
    file.size = PAGE + 600
    shorten(1000)
    expect(present(file, 0, 2)).toBe(RETRY)
    expect(byte(file, 0, 3584)).toBe(1)
    expect(byte(file, 1, 512)).toBe(2)
    expect(byte(file, 1, 1024)).toBe(0)
  })

  it('that fails takes its pages out again, and every frame back', () => {
    const file = makeFile(4)
    present(file, 0, 1)
    const free = K.freeFrames
    failCalls(WASI_FD_PREAD, 0, 2, EIO)
    expect(present(file, 1, 3)).toBe(-EIO)
    expect(callsOf(WASI_FD_PREAD)).toBe(3)
    expect(file.resident).toBe(1)
    expect(K.freeFrames).toBe(free)
    expect(present(file, 1, 3)).toBe(RETRY)
  })

  it('keeps what was read before a failure', () => {
    const file = makeFile(8)
    shorten(2 * PAGE + 100)
    failCalls(WASI_FD_PREAD, 1, 1, EIO)
    const free = K.freeFrames
    expect(present(file, 1, 6)).toBe(RETRY)
    expect(file.resident).toBe(2)
    expect(K.freeFrames).toBe(free - 2)
    for (let page: u32 = 1; page < 3; page++) {
      expect(byte(file, page, 512)).toBe(<u8>(page + 1))
      expect(findPage(file, page)!.flags & PAGE_BUSY).toBe(0)
    }
  })

  it('reads the page that is wanted alone when a run of them fails', () => {
    const file = makeFile(8)
    failCalls(WASI_FD_PREAD, 0, 1, EIO)
    expect(present(file, 3, 4)).toBe(RETRY)
    expect(file.resident).toBe(1)
    expect(byte(file, 3, 512)).toBe(4)
  })

  it('makes a page of zeros where there is nothing to read', () => {
    const file = makeFile(1)
    lock()
    const result = addCleared(file, 9)
    unlock()
    expect(result).toBe(RETRY)
    expect(byte(file, 9, 0)).toBe(0)
    expect(findPage(file, 9)!.flags & PAGE_BUSY).toBe(0)
    expect(callsOf(WASI_FD_PREAD)).toBe(0)
  })

  it('of a thread that died vanishes: who wants the pages reads them', () => {
    const file = makeFile(3)
    present(file, 0, 3)
    lock()
    for (let page: u32 = 1; page < 3; page++) edit<Frame>(findPage(file, page)!).flags |= PAGE_BUSY
    abandonFill(file, 1, 2)
    clearTail(file, 0, findPage(file, 0)!)
    unlock()
    expect(file.resident).toBe(1)
    expect(byte(file, 0, 0)).toBe(1)
  })
})
