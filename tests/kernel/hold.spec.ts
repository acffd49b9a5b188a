/**
 * What a thread's slot names while a call of it runs outside of the lock, and who lets go of it: hold, io, release, file. (The deaths of fills and of
 * write-backs are in fill.spec and writeback.spec.)
 */
import {
  AT_FDCWD,
  EWOULDBLOCK_PARK,
  O_CREAT,
  O_DIRECTORY,
  O_RDONLY,
  O_RDWR,
} from '../../assembly/abi'
import { attachThread } from '../../assembly/boot'
import { readyBuffer } from '../../assembly/buffer'
import { addPage } from '../../assembly/cache'
import { charge } from '../../assembly/commit'
import { sysReap } from '../../assembly/exit'
import { fileAt } from '../../assembly/fd'
import { File, openFiles } from '../../assembly/file'
import { allocFrame, FRAME_PAGE } from '../../assembly/frame'
import {
  heldFile,
  heldInode,
  holdFile,
  holdInode,
  letGoFile,
  letGoInode,
  takePosition,
  takeWriter,
} from '../../assembly/hold'
import { Inode } from '../../assembly/inode'
import { beginIo, endIo, holdObject, IO_NONE, IO_RESIZE, letGoObject } from '../../assembly/io'
import { lock, unlock } from '../../assembly/lock'
import { sysMkdir, sysRmdir } from '../../assembly/names'
import { MemObject, newObject, OBJECT_ANON } from '../../assembly/object'
import { sysClose, sysOpen } from '../../assembly/open'
import { releaseObject } from '../../assembly/release'
import { K } from '../../assembly/root'
import { enter, me, sequenceOf } from '../../assembly/thread'
import { enqueue, isQueued, withdraw } from '../../assembly/wait'
import { checkAll, freeFrames } from './support/boot'
import { putText, textAt } from './support/kernel'
import { begin, bootMemory, end, goOnAsAnother, PAGE, process } from './support/memory'
import { dieAtEveryPush, dieForGood } from './support/transactions'

bootMemory(2600)

/** Pages of an object that is not freed in one transaction. */
const PAGES: u32 = 2200

function open(path: string, flags: u32): i32 {
  const bytes = putText(path, 0)
  return sysOpen(process, AT_FDCWD, textAt(0), bytes, flags, 0o644)
}

function fileOf(fd: i32): File {
  lock()
  const file = fileAt(process, fd)!
  unlock()
  return file
}

/** => what a call said that wants the lock, every checker run. */
function locked(call: () => i32): i32 {
  lock()
  const result = call()
  unlock()
  checkAll()
  return result
}

function reap(index: u32): void {
  assert(sysReap(index, sequenceOf(index), true) == 0, 'reap')
  checkAll()
}

/** This thread has died in a transaction: another goes on, and reaps it first. */
function replaceDead(): void {
  const dead = me().index
  assert(attachThread(0) >= 0, 'attach')
  enter()
  reap(dead)
  assert(readyBuffer() == 0, 'no buffer')
}

/** The file and the directory of a test. */
let file: File = changetype<File>(0)
let directory: Inode = changetype<Inode>(0)

function hold(): i32 {
  holdFile(file)
  return 0
}

function letGo(): i32 {
  letGoFile()
  return 0
}

describe('holds', () => {
  beforeEach(() => {
    begin()
    dieAtEveryPush(true)
  })
  afterEach(end)

  it('keep a description open after its last descriptor, until the thread lets go', () => {
    const before = openFiles()
    const fd = open('/held', O_CREAT | O_RDWR)
    file = fileOf(fd)
    expect(locked(hold)).toBe(0)
    expect(heldFile() == file).toBe(true)
    expect(sysClose(process, fd)).toBe(0)
    checkAll()
    expect(openFiles()).toBe(before + 1)
    expect(file.refs).toBe(1)
    expect(locked(letGo)).toBe(0)
    expect(me().file).toBe(0)
    expect(openFiles()).toBe(before)
    expect(locked(letGo)).toBe(0)
    expect(openFiles()).toBe(before)
  })

  it('let one thread at a time move an offset or write; a second one changes nothing, and a death gives both back', () => {
    const fd = open('/turns', O_CREAT | O_RDWR)
    file = fileOf(fd)
    const inode = file.inode!
    expect(locked(hold)).toBe(0)
    expect(locked(takePosition)).toBe(0)
    expect(locked(takeWriter)).toBe(0)
    const first = me().index
    expect(file.position).toBe(first + 1)
    expect(inode.writer).toBe(first + 1)
    goOnAsAnother()
    expect(locked(hold)).toBe(0)
    expect(locked(takePosition)).toBe(-EWOULDBLOCK_PARK)
    expect(locked(takeWriter)).toBe(-EWOULDBLOCK_PARK)
    expect(me().waits).toBe(0)
    lock()
    const sleeper = enqueue(changetype<usize>(file) + offsetof<File>('position'))!
    unlock()
    expect(locked(letGo)).toBe(0)
    expect(file.position).toBe(first + 1)
    reap(first)
    expect(isQueued(sleeper)).toBe(false)
    lock()
    withdraw(sleeper)
    unlock()
    expect(file.position).toBe(0)
    expect(inode.writer).toBe(0)
    expect(locked(hold)).toBe(0)
    expect(locked(takePosition)).toBe(0)
    expect(locked(letGo)).toBe(0)
    expect(file.refs).toBe(1)
  })

  it('keep a removed directory as long as a thread that walks on from it', () => {
    let bytes = putText('/walked', 0)
    expect(sysMkdir(process, AT_FDCWD, textAt(0), bytes, 0o755)).toBe(0)
    const fd = open('/walked', O_RDONLY | O_DIRECTORY)
    directory = fileOf(fd).inode!
    const inodes = K.inodes
    expect(
      locked(() => {
        holdInode(directory)
        return 0
      }),
    ).toBe(0)
    expect(heldInode() == directory).toBe(true)
    expect(sysClose(process, fd)).toBe(0)
    bytes = putText('/walked', 0)
    expect(sysRmdir(process, AT_FDCWD, textAt(0), bytes)).toBe(0)
    checkAll()
    expect(K.inodes).toBe(inodes)
    expect(directory.nlink).toBe(0)
    reap(goOnAsAnother())
    expect(K.inodes).toBe(inodes - 1)
    expect(
      locked(() => {
        letGoInode()
        return 0
      }),
    ).toBe(0)
  })
})

/** => an object of `pages` pages that were promised. */
function filled(pages: u32): MemObject {
  lock()
  assert(charge(pages), 'charge')
  const made = newObject(OBJECT_ANON, pages * PAGE)!
  made.reserved = pages
  for (let i: u32 = 0; i < pages; i++) addPage(made, i, allocFrame(FRAME_PAGE)!, 0)
  unlock()
  assert(made.resident == pages, 'pages')
  return made
}

let object: MemObject = changetype<MemObject>(0)

function release(): void {
  lock()
  releaseObject(object)
  unlock()
}

/** Slabs stay once they are there. */
function warm(): void {
  object = filled(3)
  release()
}

describe('objects in a slot', () => {
  beforeEach(() => {
    dieAtEveryPush(false)
    begin()
    warm()
  })
  afterEach(end)

  it('live until their last user lets go, and give every frame and promise back', () => {
    const free = freeFrames()
    const committed = K.committed
    const objects = K.objects
    dieAtEveryPush(true)
    object = filled(3)
    lock()
    holdObject(object)
    beginIo(IO_RESIZE, object, 7, 9)
    releaseObject(object)
    unlock()
    checkAll()
    expect(object.refs).toBe(2)
    expect(me().ioObject).toBe(<u32>changetype<usize>(object))
    expect(me().ioIndex).toBe(7)
    expect(me().ioCount).toBe(9)
    lock()
    endIo(object)
    unlock()
    expect(me().ioKind).toBe(IO_NONE)
    expect(K.objects).toBe(objects + 1)
    lock()
    letGoObject(me().index)
    letGoObject(me().index)
    unlock()
    expect(me().object).toBe(0)
    expect(K.objects).toBe(objects)
    expect(freeFrames()).toBe(free)
    expect(K.committed).toBe(committed)
  })

  it('are let go when their thread dies, and a resize that it had begun is open again', () => {
    object = filled(1)
    const objects = K.objects
    lock()
    holdObject(object)
    beginIo(IO_RESIZE, object, 0, 0)
    object.resizing = 1
    unlock()
    reap(goOnAsAnother())
    expect(object.resizing).toBe(0)
    expect(object.refs).toBe(1)
    release()
    expect(K.objects).toBe(objects - 1)
  })

  it('of many pages are freed whole, though who frees them dies at any moment', () => {
    const free = freeFrames()
    const committed = K.committed
    const objects = K.objects
    object = filled(PAGES)
    let freedByReap = false
    for (let part: u32 = 1; K.objects > objects; part++) {
      dieForGood(part * 2000)
      expect(release).toThrow()
      dieForGood(0)
      freedByReap = K.objects > objects
      replaceDead()
      assert(part < 9, 'never freed')
    }
    expect(freedByReap).toBe(true)
    expect(freeFrames()).toBe(free)
    expect(K.committed).toBe(committed)
  })
})
