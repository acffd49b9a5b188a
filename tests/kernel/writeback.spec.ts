import {
  BUFFER_DATA,
  EBADF,
  EIO,
  ENOSPC,
  WASI_FD_DATASYNC,
  WASI_FD_FILESTAT_SET_SIZE,
  WASI_FD_PREAD,
  WASI_FD_PWRITE,
  WASI_FD_SYNC,
} from '../../assembly/abi'
import { checkObject, findPage, markDirty, noteUnsynced } from '../../assembly/cache'
import { dropClean, evict } from '../../assembly/evict'
import { readObject, writeObject } from '../../assembly/fileio'
import { frameAddress } from '../../assembly/frame'
import { edit } from '../../assembly/journal'
import { lock, unlock } from '../../assembly/lock'
import { MemObject, newObject, OBJECT_FILE } from '../../assembly/object'
import { releaseObject } from '../../assembly/release'
import { setObjectSize } from '../../assembly/resize'
import { makeRoom } from '../../assembly/room'
import { K } from '../../assembly/root'
import { me } from '../../assembly/thread'
import { cleanSome, syncAll, syncObject } from '../../assembly/writeback'
import { bootSpec, checkAll } from './support/boot'
import {
  byteAt,
  callsOf,
  failCalls,
  passMs,
  pokeDuring,
  resetDisk,
  setByte,
  setSize,
  shorten,
  sizeOf,
} from './support/disk'
import { below, chance, reseed } from './support/random'
import { dieAtEveryPush, expectUndone, lookAtEnds } from './support/transactions'

bootSpec(600)

const FD: i32 = 5
const MOST: u32 = 40 * 4096
const model = new StaticArray<u8>(<i32>MOST)
let size: u32 = 0

function make(bytes: u32): MemObject {
  resetDisk()
  setSize(FD, bytes)
  size = bytes
  for (let i: u32 = 0; i < MOST; i++) model[i] = 0
  for (let i: u32 = 0; i < bytes; i++) {
    model[i] = <u8>(i * 7 + (i >> 12))
    setByte(FD, i, model[i])
  }
  lock()
  const object = newObject(OBJECT_FILE, bytes)!
  object.fd = FD
  object.writable = 1
  unlock()
  return object
}

/** What another thread does as soon as this one has cleaned all there was: it dirties as many pages. */
let victim: MemObject = changetype<MemObject>(0)
let rounds: u32 = 0

function dirtyAsMany(): void {
  if (rounds == 0 || K.dirtyPages != 0) return
  rounds--
  for (let i: u32 = 0; i < K.dirtyPagesMax; i++) markDirty(findPage(victim, i)!)
}

/** What another thread does at each moment: it dirties the page again. */
function dirtyAgain(): void {
  markDirty(findPage(victim, 0)!)
}

/** What another thread does while this one writes: it makes durable what was written before. */
function syncDuringWrite(): void {
  if (victim.writing != 0) edit<MemObject>(victim).unsynced = 0
}

/** Moments before the sync at which the store had all bytes and nothing said that they are not durable. */
let forgotten: u32 = 0
function lookBeforeSync(): void {
  if (victim.dirtyPages == 0 && victim.unsynced == 0 && callsOf(WASI_FD_DATASYNC) == 0) forgotten++
}

/** What another thread does until this one's second sync, and in it: the store takes more. */
function writeUntilSync(): void {
  if (victim.dirtyPages == 0 && callsOf(WASI_FD_DATASYNC) == 1) noteUnsynced(victim)
}

/** => an object with one dirty page, of provider descriptor `fd`. */
function makeDirty(fd: i32): MemObject {
  lock()
  const object = newObject(OBJECT_FILE, 0)!
  object.fd = fd
  object.writable = 1
  unlock()
  memory.fill(data(), 1, 10)
  assert(writeObject(object, 0, data(), 10) == 10, 'write')
  return object
}

function drop(object: MemObject): void {
  lock()
  releaseObject(object)
  unlock()
}

function data(): usize {
  return <usize>me().buffer + BUFFER_DATA
}

function write(object: MemObject, offset: u32, bytes: u32, value: u8): void {
  memory.fill(data(), value, bytes)
  const result = writeObject(object, offset, data(), bytes)
  assert(result == <i32>bytes, `write gave ${result}`)
  for (let i: u32 = 0; i < bytes; i++) model[offset + i] = value
  size = max(size, offset + bytes)
}

function compareRead(object: MemObject, offset: u32, bytes: u32): void {
  const expected: u32 = offset >= size ? 0 : min(bytes, size - offset)
  const result = readObject(object, offset, data(), bytes)
  assert(result == <i32>expected, `read gave ${result}`)
  for (let i: u32 = 0; i < expected; i++) {
    assert(load<u8>(data() + i) == model[offset + i], `byte ${offset + i} differs`)
  }
}

function compareDisk(): void {
  assert(<u32>sizeOf(FD) == size, `the file has ${sizeOf(FD)} bytes, not ${size}`)
  for (let i: u32 = 0; i < size; i++) {
    assert(<u8>byteAt(FD, i) == model[i], `byte ${i} of the file differs`)
  }
}

function check(object: MemObject): void {
  checkAll()
  lock()
  checkObject(object)
  unlock()
}

describe('write-back', () => {
  afterEach(() => {
    dieAtEveryPush(false)
    checkAll()
    assert(K.dirtyPages == 0 && K.cachedPages == 0, 'pages were left')
    expectUndone()
  })

  it('writes dirty pages only, neighbours in one call', () => {
    const object = make(20 * 4096)
    compareRead(object, 0, 65536)
    write(object, 4096, 3 * 4096, 1)
    write(object, 10 * 4096 + 5, 1, 2)
    expect(object.dirtyPages).toBe(4)
    expect(syncObject(object, false)).toBe(0)
    expect(callsOf(WASI_FD_PWRITE)).toBe(2)
    expect(callsOf(WASI_FD_SYNC)).toBe(1)
    expect(object.dirtyPages).toBe(0)
    compareDisk()
    drop(object)
  })

  it('keeps every page of a failed write dirty, counts the failure, and writes it the next time', () => {
    const object = make(8 * 4096)
    write(object, 0, 8192, 9)
    failCalls(WASI_FD_PWRITE, 0, 1, EIO)
    expect(syncObject(object, false)).toBe(-EIO)
    expect(object.dirtyPages).toBe(2)
    expect(object.failures).toBe(1)
    expect(object.failure).toBe(EIO)
    expect(syncObject(object, false)).toBe(0)
    compareDisk()
    drop(object)
  })

  it('goes on after short writes and short reads', () => {
    const object = make(8 * 4096)
    shorten(1000)
    compareRead(object, 0, 8 * 4096)
    write(object, 100, 9000, 3)
    expect(syncObject(object, false)).toBe(0)
    compareDisk()
    drop(object)
  })

  it('keeps a page dirty that is stored to while it is being written', () => {
    const object = make(4096)
    write(object, 0, 10, 4)
    lock()
    const at = frameAddress(findPage(object, 0)!)
    unlock()
    pokeDuring(WASI_FD_PWRITE, 0, at + 7, 77)
    model[7] = 77
    expect(syncObject(object, false)).toBe(0)
    expect(object.dirtyPages).toBe(1)
    expect(syncObject(object, false)).toBe(0)
    expect(object.dirtyPages).toBe(0)
    compareDisk()
    drop(object)
  })

  it('leaves no page behind when a read fails', () => {
    const object = make(8 * 4096)
    failCalls(WASI_FD_PREAD, 0, 1, EIO)
    expect(readObject(object, 0, data(), 100)).toBe(-EIO)
    expect(object.resident).toBe(0)
    compareRead(object, 0, 100)
    drop(object)
  })

  it('changes nothing when the store refuses a new size', () => {
    const object = make(8 * 4096)
    write(object, 0, 100, 1)
    failCalls(WASI_FD_FILESTAT_SET_SIZE, 0, 1, ENOSPC)
    expect(setObjectSize(object, 10)).toBe(-ENOSPC)
    expect(object.size).toBe(8 * 4096)
    expect(object.resizing).toBe(0)
    compareRead(object, 0, 8 * 4096)
    drop(object)
  })

  it('writes the pages of every object when room is wanted', () => {
    const object = make(4096)
    write(object, 0, 4096, 1)
    lock()
    const other = newObject(OBJECT_FILE, 4096)!
    other.fd = FD
    unlock()
    memory.fill(data(), 1, 4096)
    writeObject(other, 0, data(), 4096)
    expect(cleanSome(10)).toBe(2)
    expect(K.dirtyPages).toBe(0)
    drop(other)
    drop(object)
  })

  it('goes on with a store past dirtyPagesMax when others dirty as many pages as it cleaned', () => {
    const object = make(20 * 4096)
    const most = K.dirtyPagesMax
    K.dirtyPagesMax = 4
    compareRead(object, 0, 65536)
    write(object, 0, 4 * 4096, 1)
    victim = object
    rounds = 3
    lookAtEnds(dirtyAsMany)
    write(object, 9 * 4096, 4096, 2)
    lookAtEnds(null)
    K.dirtyPagesMax = most
    expect(rounds).toBe(0)
    expect(syncObject(object, false)).toBe(0)
    compareDisk()
    drop(object)
  })

  it('leaves a page as it was that would be one dirty page too many, when no other can be cleaned', () => {
    const object = make(20 * 4096)
    const most = K.dirtyPagesMax
    K.dirtyPagesMax = 4
    write(object, 0, 4 * 4096, 1)
    failCalls(WASI_FD_PWRITE, 0, 1, EIO)
    memory.fill(data(), 2, 4096)
    expect(writeObject(object, 9 * 4096, data(), 4096)).toBe(-EIO)
    expect(object.resident).toBe(4)
    compareRead(object, 9 * 4096, 4096)
    write(object, 9 * 4096, 4096, 2)
    K.dirtyPagesMax = most
    expect(syncObject(object, false)).toBe(0)
    compareDisk()
    drop(object)
  })

  it('finds room as long as pages can be cleaned, though others dirty as many', () => {
    const object = make(20 * 4096)
    compareRead(object, 0, 65536)
    write(object, 0, 4 * 4096, 1)
    const most = K.dirtyPagesMax
    K.dirtyPagesMax = 4
    victim = object
    rounds = 3
    lookAtEnds(dirtyAsMany)
    lock()
    const result = makeRoom(K.freeFrames + 14)
    unlock()
    lookAtEnds(null)
    K.dirtyPagesMax = most
    expect(result).toBe(0)
    compareDisk()
    drop(object)
  })

  it('syncs what it wrote though another sync came in between', () => {
    const object = make(4096)
    write(object, 0, 10, 1)
    victim = object
    lookAtEnds(syncDuringWrite)
    expect(syncObject(object, true)).toBe(0)
    lookAtEnds(null)
    expect(callsOf(WASI_FD_DATASYNC)).toBe(1)
    expect(syncObject(object, true)).toBe(0)
    expect(callsOf(WASI_FD_DATASYNC)).toBe(1)
    drop(object)
  })

  it('says that bytes are not durable until a sync that began after they were written is done', () => {
    const object = make(4096)
    write(object, 0, 10, 1)
    victim = object
    forgotten = 0
    lookAtEnds(lookBeforeSync)
    expect(syncObject(object, true)).toBe(0)
    expect(forgotten).toBe(0)
    expect(object.unsynced).toBe(0)
    write(object, 0, 10, 2)
    lookAtEnds(writeUntilSync)
    expect(syncObject(object, true)).toBe(0)
    lookAtEnds(null)
    expect(object.unsynced).not.toBe(0)
    failCalls(WASI_FD_DATASYNC, 0, 1, EIO)
    expect(syncObject(object, true)).toBe(-EIO)
    expect(object.unsynced).not.toBe(0)
    expect(object.listed).not.toBe(0)
    expect(syncObject(object, true)).toBe(0)
    expect(object.unsynced).toBe(0)
    expect(callsOf(WASI_FD_DATASYNC)).toBe(4)
    drop(object)
  })

  it('of a file that can be written asks the store at each fsync, for attributes of which there is no note', () => {
    const object = make(4096)
    expect(syncObject(object, true)).toBe(0)
    expect(callsOf(WASI_FD_DATASYNC)).toBe(0)
    expect(syncObject(object, false)).toBe(0)
    expect(callsOf(WASI_FD_SYNC)).toBe(1)
    write(object, 0, 10, 1)
    expect(syncObject(object, true)).toBe(0)
    expect(syncObject(object, false)).toBe(0)
    expect(callsOf(WASI_FD_DATASYNC)).toBe(1)
    expect(callsOf(WASI_FD_SYNC)).toBe(2)
    lock()
    edit<MemObject>(object).writable = 0
    unlock()
    expect(syncObject(object, false)).toBe(0)
    expect(callsOf(WASI_FD_SYNC)).toBe(2)
    drop(object)
  })

  it('of everything comes to each object once, whatever fails or becomes dirty meanwhile', () => {
    resetDisk()
    const objects: MemObject[] = []
    for (let i = 0; i < 9; i++) {
      if (i < 6) setSize(FD + i, 0)
      objects.push(makeDirty(FD + i))
    }
    expect(syncAll()).toBe(-EBADF)
    expect(callsOf(WASI_FD_PWRITE)).toBe(9)
    for (let i = 0; i < 6; i++) expect(sizeOf(FD + i)).toBe(10)
    for (let i = 6; i < 9; i++) setSize(FD + i, 0)
    victim = objects[7]
    lookAtEnds(dirtyAgain)
    expect(syncAll()).toBe(0)
    lookAtEnds(null)
    expect(callsOf(WASI_FD_PWRITE)).toBe(12)
    expect(syncAll()).toBe(0)
    for (let i = 0; i < 9; i++) {
      expect(sizeOf(FD + i)).toBe(10)
      drop(objects[i])
    }
    expect(K.dirtyObjects).toBe(0)
  })

  it('agrees with an array of bytes, loses nothing to failures, and a death leaves no trace', () => {
    reseed('write-back')
    const object = make(6 * 4096 + 100)
    for (let step = 0; step < 1500; step++) {
      dieAtEveryPush(step % 32 == 0)
      const what = below(100)
      const offset = below(MOST - 9000)
      if (what < 35) write(object, offset, 1 + below(9000), <u8>below(256))
      else if (what < 65) compareRead(object, offset, 1 + below(20000))
      else if (what < 72) {
        const bytes = below(MOST)
        assert(setObjectSize(object, bytes) == 0, 'ftruncate')
        for (let i = bytes; i < size; i++) model[i] = 0
        size = bytes
      } else if (what < 80) {
        const fails = chance(50)
        if (fails) failCalls(WASI_FD_PWRITE, below(3), 1, EIO)
        if (syncObject(object, chance(50)) == 0) {
          assert(syncObject(object, false) <= 0, 'sync')
          if (object.dirtyPages == 0 && !fails) compareDisk()
        }
      } else if (what < 88) {
        lock()
        dropClean(object)
        unlock()
      } else if (what < 94) {
        lock()
        evict(K.freeFrames + below(20))
        unlock()
      } else cleanSome(1 + below(10))
      passMs(1)
      check(object)
      expectUndone()
    }
    for (let i = 0; i < 6 && object.dirtyPages != 0; i++) syncObject(object, false)
    compareDisk()
    drop(object)
  })
})
