import {
  EBUSY,
  ESRCH,
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  MAP_SHARED,
  STATE_SEQ_SHIFT,
  THREAD_STATE,
  THREADS_MAX,
} from '../../assembly/abi'
import { sysAccess } from '../../assembly/access'
import { attachThread } from '../../assembly/boot'
import { readyBuffer } from '../../assembly/buffer'
import { sysCreate, sysJoin, sysLeave } from '../../assembly/credentials'
import { detachThread, sysExit, sysReap } from '../../assembly/exit'
import { edit } from '../../assembly/journal'
import { lock } from '../../assembly/lock'
import { sysMmap } from '../../assembly/mmap'
import { findProcess, hasThread, Process, threadCount } from '../../assembly/process'
import { K } from '../../assembly/root'
import { enter, me, THREAD_BYTES, THREADS } from '../../assembly/thread'
import { checkAll, spawn } from './support/boot'
import {
  AT,
  begin,
  bootMemory,
  end,
  goOnAsAnother,
  makeFile,
  map,
  PAGE,
  poke,
  process,
  RIGHTS,
  show,
} from './support/memory'
import { dieAtEveryPush } from './support/transactions'

bootMemory(1200)

function sequenceOf(index: u32): u32 {
  return load<u32>(THREADS + index * THREAD_BYTES + THREAD_STATE) >> STATE_SEQ_SHIFT
}

function made(): Process {
  return findProcess(sysCreate(0, 0, 0))!
}

/** The whole life of a process with eight private pages; its exit, if `dying`, with a death before every push. */
function live(dying: bool): void {
  const other = spawn()
  const at = <u32>sysMmap(other, 0, 8 * PAGE, RIGHTS, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0)
  for (let page: u32 = 0; page < 8; page++) sysAccess(other, at + page * PAGE, 1, true)
  dieAtEveryPush(dying)
  assert(sysExit(other.pid, 3) == 0, 'exit')
  dieAtEveryPush(false)
}

describe('the end of a process', () => {
  beforeEach(begin)
  afterEach(end)

  it('gives back its mappings, private pages, promises and page tables, whenever the thread dies', () => {
    live(false) // slabs stay once they are there
    const free = K.freeFrames
    const committed = K.committed
    live(true)
    expect(K.freeFrames).toBe(free)
    expect(K.committed).toBe(committed)
    checkAll()
  })

  it('of no process, and of one that has exited, is ESRCH', () => {
    const pid = spawn().pid
    expect(sysExit(pid, 0)).toBe(0)
    expect(sysExit(pid, 0)).toBe(-ESRCH)
    expect(sysExit(0, 0)).toBe(-ESRCH)
    expect(sysExit(0xffffffff, 0)).toBe(-ESRCH)
    expect(sysLeave(pid)).toBe(-ESRCH)
  })

  it('leaves its children without a parent, whose number is not used for another', () => {
    const parent = spawn()
    const child = spawn()
    child.parent = parent.pid
    const pid = parent.pid
    sysExit(pid, 0)
    expect(child.parent).toBe(0)
    expect(spawn().pid).not.toBe(pid)
    sysExit(child.pid, 0)
    sysExit(pid + 2, 0)
  })

  it('leaves what it stored to a file in the cache, dirty', () => {
    const file = makeFile(2)
    show(file, 2)
    poke(AT + PAGE, 9)
    sysExit(process.pid, 0)
    expect(file.dirtyPages).toBe(1)
    expect(K.mappings).toBe(0)
    expect(file.refs).toBe(1)
  })
})

describe('the end of a thread', () => {
  beforeEach(begin)
  afterEach(end)

  it('ends the processes that it alone runs, and no other', () => {
    const alone = made().pid
    const both = made()
    const dead = goOnAsAnother()
    sysJoin(both)
    expect(threadCount(both)).toBe(2)
    expect(sysReap(dead, sequenceOf(dead), true)).toBe(0)
    expect(findProcess(alone) == null).toBe(true)
    expect(threadCount(both)).toBe(1)
    expect(hasThread(both, me().index)).toBe(true)
    expect(sysLeave(both.pid)).toBe(0)
    expect(findProcess(both.pid) == null).toBe(true)
  })

  it('is believed with proof only, once, and of the thread that is meant', () => {
    const dead = goOnAsAnother()
    const sequence = sequenceOf(dead)
    expect(sysReap(dead, sequence, false)).toBe(-EBUSY)
    expect(sysReap(dead, sequence + 1, true)).toBe(-ESRCH)
    expect(sysReap(THREADS_MAX, 0, true)).toBe(-ESRCH)
    expect(sysReap(dead, sequence, true)).toBe(0)
    expect(sysReap(dead, sequence, true)).toBe(-ESRCH)
  })

  it('drops its grant, so that the page can go', () => {
    map(1, MAP_SHARED, AT)
    expect(sysAccess(process, AT, 1, true)).toBe(0)
    const dead = goOnAsAnother()
    expect(sysReap(dead, sequenceOf(dead), true)).toBe(0)
    expect(sysExit(process.pid, 0)).toBe(0)
    expect(K.mappings).toBe(0)
  })

  it('inside of a transaction undoes what it had begun', () => {
    const pid = process.pid
    lock()
    edit<Process>(process).umask = 0o777
    const dead = me().index
    assert(attachThread(0) >= 0, 'attach')
    enter()
    expect(sysReap(dead, sequenceOf(dead), true)).toBe(0)
    assert(readyBuffer() == 0, 'no buffer')
    expect(process.umask).toBe(0o22)
    expect(findProcess(pid) == process).toBe(true)
    checkAll()
  })

  it('that detaches itself leaves its processes and its slot', () => {
    const first = goOnAsAnother()
    const index = me().index
    expect(index).not.toBe(first)
    const pid = made().pid
    detachThread()
    expect(load<u32>(THREADS + index * THREAD_BYTES) & 0x3f).toBe(0)
    assert(attachThread(0) >= 0, 'attach')
    enter()
    assert(readyBuffer() == 0, 'no buffer')
    expect(findProcess(pid) == null).toBe(true)
  })
})
