import {
  EFBIG,
  EINVAL,
  EIO,
  ENXIO,
  MAP_PRIVATE,
  MAP_SHARED,
  OFFSET_MAX,
  SIGBUS,
  WASI_FD_FILESTAT_SET_SIZE,
} from '../../assembly/abi'
import { attachThread } from '../../assembly/boot'
import { readyBuffer } from '../../assembly/buffer'
import { checkObject, findPage } from '../../assembly/cache'
import { sysReap } from '../../assembly/exit'
import { readObject, writeObject } from '../../assembly/fileio'
import { sysMunmap } from '../../assembly/mmap'
import { MemObject } from '../../assembly/object'
import { punchObject, seekData, seekHole, setObjectSize } from '../../assembly/resize'
import { K } from '../../assembly/root'
import { enter, me, sequenceOf } from '../../assembly/thread'
import { findVma } from '../../assembly/vma'
import { checkAll } from './support/boot'
import { callsOf, failCalls, sizeOf } from './support/disk'
import {
  AT,
  begin,
  bootMemory,
  end,
  goOnAsAnother,
  makeFile,
  map,
  PAGE,
  peek,
  poke,
  process,
  show,
} from './support/memory'
import { dieAtEveryPush, dieForGood } from './support/transactions'

bootMemory()

const FD: i32 = 5

function buffer(): usize {
  return <usize>me().buffer + 16384
}

/** The object without a store behind a new shared mapping of 8 pages at AT, page i full of i + 1. */
function bare(): MemObject {
  map(8, MAP_SHARED, AT)
  for (let page: u32 = 0; page < 8; page++) poke(AT + page * PAGE, 1 + page)
  return findVma(process.space!, AT)!.object!
}

describe('a new size', () => {
  beforeEach(() => {
    begin()
    dieAtEveryPush(true)
  })
  afterEach(end)

  it('that is smaller takes pages, entries and private copies past it', () => {
    const file = makeFile(4)
    show(file, 4)
    for (let page: u32 = 0; page < 4; page++) poke(AT + page * PAGE, 9)
    expect(setObjectSize(file, PAGE + 10)).toBe(0)
    expect(sizeOf(FD)).toBe(PAGE + 10)
    expect(file.resident).toBe(2)
    expect(file.dirtyPages).toBe(2)
    expect(peek(AT + 2 * PAGE)).toBe(-SIGBUS)
    expect(peek(AT + PAGE)).toBe(9)
    expect(setObjectSize(file, 4 * PAGE)).toBe(0)
    expect(peek(AT + 2 * PAGE)).toBe(0)
    expect(peek(AT + PAGE + 10)).toBe(0)
  })

  it('that is larger clears what mappings stored past the old end', () => {
    const file = makeFile(1)
    setObjectSize(file, 100)
    show(file, 1)
    poke(AT + 200, 7)
    expect(peek(AT + 200)).toBe(7)
    expect(setObjectSize(file, 300)).toBe(0)
    expect(peek(AT + 200)).toBe(0)
  })

  it('that the store refuses changes nothing, one past the largest offset is EFBIG', () => {
    const file = makeFile(2)
    show(file, 2)
    poke(AT + PAGE, 9)
    failCalls(WASI_FD_FILESTAT_SET_SIZE, 0, 1, EIO)
    expect(setObjectSize(file, 1)).toBe(-EIO)
    expect(file.size).toBe(2 * PAGE)
    expect(file.resizing).toBe(0)
    expect(peek(AT + PAGE)).toBe(9)
    expect(setObjectSize(file, OFFSET_MAX + 1)).toBe(-EFBIG)
    expect(callsOf(WASI_FD_FILESTAT_SET_SIZE)).toBe(1)
  })
})

let shrinking: MemObject = changetype<MemObject>(0)
let finished: bool = false

/** Cuts the object, and dies after it at the latest. */
function cutAndDie(): void {
  setObjectSize(shrinking, PAGE + 10)
  finished = true
  unreachable()
}

/** Another thread goes on for this one, which is dead. */
function replaceDead(): void {
  const dead = me().index
  assert(attachThread(0) >= 0, 'attach')
  enter()
  assert(sysReap(dead, sequenceOf(dead), true) == 0, 'reap')
  assert(readyBuffer() == 0, 'no buffer')
  checkAll()
}

describe('a death while a size is made smaller', () => {
  it('leaves the old size or the new one, and nothing past it that growth would show', () => {
    dieAtEveryPush(false)
    begin()
    goOnAsAnother() // both slots have their buffers from now on
    let moment: u32 = 0
    let cuts: u32 = 0
    for (finished = false; !finished; sysMunmap(process, AT, 16 * PAGE)) {
      shrinking = bare()
      map(8, MAP_PRIVATE, AT + 8 * PAGE)
      dieForGood(++moment)
      expect(cutAndDie).toThrow()
      dieForGood(0)
      replaceDead()
      assert(shrinking.resizing == 0 && shrinking.uncut == 0, 'still resizing')
      assert(checkObject(shrinking) == (shrinking.size == 8 * PAGE ? 8 : 2), `${moment}`)
      if (shrinking.size == 8 * PAGE) continue
      cuts++
      assert(peek(AT + 7 * PAGE) == -SIGBUS, 'a page past the end')
      expect(setObjectSize(shrinking, 8 * PAGE)).toBe(0)
      assert(peek(AT + PAGE) == 2 && peek(AT + PAGE + 10) == 0, 'the last page')
      for (let page: u32 = 2; page < 8; page++) assert(peek(AT + page * PAGE) == 0, 'old bytes')
    }
    expect(cuts).toBeGreaterThan(10)
    end()
  })
})

describe('holes', () => {
  beforeEach(() => {
    begin()
    dieAtEveryPush(true)
  })
  afterEach(end)

  it('free whole pages and clear the parts at their ends; the size stays', () => {
    const object = bare()
    const free = K.freeFrames
    for (let page: u32 = 0; page < 8; page++) poke(AT + page * PAGE + 99, 50)
    expect(punchObject(object, PAGE + 50, 4 * PAGE + 10)).toBe(0)
    expect(object.size).toBe(8 * PAGE)
    expect(K.freeFrames).toBeGreaterThanOrEqual(free + 2)
    expect(peek(AT + PAGE)).toBe(2)
    expect(peek(AT + PAGE + 99)).toBe(0)
    expect(peek(AT + 2 * PAGE)).toBe(0)
    expect(peek(AT + 4 * PAGE)).toBe(0)
    expect(peek(AT + 4 * PAGE + 99)).toBe(50)
    expect(punchObject(object, 5 * PAGE + 99, 5 * PAGE + 100)).toBe(0)
    expect(peek(AT + 5 * PAGE)).toBe(6)
    expect(peek(AT + 5 * PAGE + 99)).toBe(0)
  })

  it('are for objects without a store', () => {
    expect(punchObject(makeFile(2), 0, PAGE)).toBe(-EINVAL)
  })

  it('are found, and data, and the end', () => {
    const object = bare()
    punchObject(object, 2 * PAGE, 4 * PAGE)
    expect(seekHole(object, 0)).toBe(2 * PAGE)
    expect(seekHole(object, 2 * PAGE + 7)).toBe(2 * PAGE + 7)
    expect(seekData(object, 2 * PAGE)).toBe(4 * PAGE)
    expect(seekData(object, 5 * PAGE + 7)).toBe(5 * PAGE + 7)
    expect(seekHole(object, 5 * PAGE)).toBe(8 * PAGE)
    expect(seekHole(object, 8 * PAGE)).toBe(-ENXIO)
    expect(seekData(object, 8 * PAGE)).toBe(-ENXIO)
    const file = makeFile(2)
    expect(seekData(file, 10)).toBe(10)
    expect(seekHole(file, 10)).toBe(2 * PAGE)
  })
})

describe('read and write on an object', () => {
  beforeEach(begin)
  afterEach(end)

  it('see the pages that mappings show, and the other way round', () => {
    const file = makeFile(2)
    show(file, 2)
    poke(AT + 10, 33)
    expect(readObject(file, 8, buffer(), 4)).toBe(4)
    expect(load<u8>(buffer() + 2)).toBe(33)
    store<u8>(buffer(), 44)
    expect(writeObject(file, 20, buffer(), 1)).toBe(1)
    expect(peek(AT + 20)).toBe(44)
    expect(findPage(file, 0)!.mapped).toBe(1)
  })

  it('end at the end of the file, and move it', () => {
    const file = makeFile(1)
    expect(readObject(file, PAGE - 10, buffer(), 100)).toBe(10)
    expect(readObject(file, PAGE, buffer(), 100)).toBe(0)
    memory.fill(buffer(), 5, 100)
    expect(writeObject(file, 2 * PAGE, buffer(), 100)).toBe(100)
    expect(file.size).toBe(2 * PAGE + 100)
    expect(readObject(file, PAGE, buffer(), 10)).toBe(10)
    expect(load<u8>(buffer())).toBe(0)
    expect(writeObject(file, OFFSET_MAX, buffer(), 1)).toBe(-EFBIG)
    expect(writeObject(file, OFFSET_MAX - 1, buffer(), 0)).toBe(0)
    map(1, MAP_PRIVATE, AT)
  })
})
