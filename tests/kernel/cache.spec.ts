import { MAP_PRIVATE } from '../../assembly/abi'
import {
  checkObject,
  findPage,
  hashPage,
  inspect,
  isDirty,
  markDirty,
  movePage,
  nextPage,
  noteUnsynced,
  objectOf,
  PAGE_DIRTY,
  PAGE_HASHED,
  removePage,
  unlistDirty,
} from '../../assembly/cache'
import { addCleared } from '../../assembly/fill'
import { allocRun, FRAME_PAGE, Frame, frameAddress } from '../../assembly/frame'
import { edit } from '../../assembly/journal'
import { lock, unlock } from '../../assembly/lock'
import { MemObject } from '../../assembly/object'
import { INDEX_END } from '../../assembly/radix'
import { K } from '../../assembly/root'
import { syncObject } from '../../assembly/writeback'
import { byteAt, passMs } from './support/disk'
import { AT, begin, bootMemory, end, makeFile, map, PAGE, poke } from './support/memory'
import { dieAtEveryPush } from './support/transactions'

bootMemory()

const FD: i32 = 5
const INDEXES: StaticArray<u64> = [0, 3, 63, 64, 4095, 4096]

function add(file: MemObject, index: u64): void {
  lock()
  addCleared(file, index)
  unlock()
}

function remove(file: MemObject, index: u64): void {
  lock()
  removePage(findPage(file, index)!)
  unlock()
}

function mark(file: MemObject, index: u64): void {
  lock()
  markDirty(findPage(file, index)!)
  unlock()
}

function check(file: MemObject): u32 {
  lock()
  const pages = checkObject(file)
  unlock()
  return pages
}

describe('the page cache', () => {
  beforeEach(() => {
    begin()
    dieAtEveryPush(true)
  })
  afterEach(end)

  it('finds a page by object and index, and its object by the page', () => {
    const file = makeFile(2)
    file.size = (INDEXES[INDEXES.length - 1] + 1) * PAGE
    for (let i = 0; i < INDEXES.length; i++) add(file, INDEXES[i])
    expect(check(file)).toBe(INDEXES.length)
    expect(K.cachedPages).toBe(INDEXES.length)
    for (let i = 0; i < INDEXES.length; i++) {
      const frame = findPage(file, INDEXES[i])!
      expect(frame.index).toBe(INDEXES[i])
      expect(objectOf(frame) == file).toBe(true)
    }
    expect(findPage(file, 1) == null).toBe(true)
    expect(nextPage(file, 4, false)).toBe(63)
    expect(nextPage(file, 4097, false)).toBe(INDEX_END)
    for (let i = 0; i < INDEXES.length; i++) remove(file, INDEXES[i])
    expect(file.resident).toBe(0)
    expect(check(file)).toBe(0)
  })

  it('counts dirty pages once, by object and in all, and lists the object', () => {
    const file = makeFile(70)
    add(file, 1)
    add(file, 65)
    mark(file, 65)
    mark(file, 65)
    expect(file.dirtyPages).toBe(1)
    expect(K.dirtyPages).toBe(1)
    expect(file.listed).not.toBe(0)
    expect(nextPage(file, 0, true)).toBe(65)
    remove(file, 65)
    expect(K.dirtyPages).toBe(0)
    expect(file.listed).toBe(0)
    expect(nextPage(file, 0, true)).toBe(INDEX_END)
    expect(check(file)).toBe(1)
  })

  it('lists what was written and is not durable, as what is dirty', () => {
    const file = makeFile(1)
    lock()
    noteUnsynced(file)
    unlock()
    expect(file.listed).not.toBe(0)
    expect(K.dirtyObjects).toBe(<u32>changetype<usize>(file))
    lock()
    edit<MemObject>(file).unsynced = 0
    unlistDirty(file)
    unlock()
    expect(K.dirtyObjects).toBe(0)
  })

  it('moves a page to another frame with all that is known of it', () => {
    const file = makeFile(1)
    add(file, 0)
    mark(file, 0)
    const since = findPage(file, 0)!.dirtySince
    lock()
    const fresh: Frame = allocRun(1, FRAME_PAGE)!
    memory.fill(frameAddress(fresh), 7, PAGE)
    movePage(findPage(file, 0)!, fresh)
    unlock()
    expect(findPage(file, 0) == fresh).toBe(true)
    expect(isDirty(fresh)).toBe(true)
    expect(fresh.dirtySince).toBe(since)
    expect(check(file)).toBe(1)
    syncObject(file, false)
    expect(byteAt(FD, 100)).toBe(7)
  })
})

describe('pages that are stored to untold', () => {
  beforeEach(begin)
  afterEach(end)

  it('are dirty once they are inspected, if their bytes differ, and move the times of the file', () => {
    const file = makeFile(1)
    add(file, 0)
    const frame = findPage(file, 0)!
    lock()
    hashPage(frame)
    const same = inspect(frame)
    unlock()
    expect(same).toBe(false)
    expect(frame.flags & PAGE_HASHED).toBe(PAGE_HASHED)
    const before = file.mtimeMs
    passMs(3)
    store<u8>(frameAddress(frame) + 77, 1)
    lock()
    const found = inspect(frame)
    unlock()
    expect(found).toBe(true)
    expect(frame.flags & PAGE_DIRTY).toBe(PAGE_DIRTY)
    expect(file.mtimeMs).toBeGreaterThan(before)
  })

  it('of no store are never dirty', () => {
    map(1, MAP_PRIVATE, AT)
    poke(AT, 1)
    expect(K.dirtyPages).toBe(0)
  })
})
