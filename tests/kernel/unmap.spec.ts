import { MAP_PRIVATE, MAP_SHARED, SIGSEGV } from '../../assembly/abi'
import { edit } from '../../assembly/journal'
import { lock, unlock } from '../../assembly/lock'
import { K } from '../../assembly/root'
import { cut, cutBoth, finishDying, unmapRange } from '../../assembly/unmap'
import { findVma, VMA_DYING, Vma } from '../../assembly/vma'
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

bootMemory(1400)

function unmap(start: u32, pages: u32): i32 {
  lock()
  const result = unmapRange(process.space!, start, start + pages * PAGE)
  unlock()
  return result
}

describe('unmapping a range', () => {
  beforeEach(begin)
  afterEach(end)

  it('sets borders inside of mappings, none where one stands or in a hole', () => {
    map(4, MAP_PRIVATE, AT)
    lock()
    const all = cut(process.space!, AT) && cut(process.space!, AT - PAGE)
    const one = process.space!.count
    const both = cutBoth(process.space!, AT + PAGE, AT + 2 * PAGE)
    unlock()
    expect(all && both).toBe(true)
    expect(one).toBe(1)
    expect(process.space!.count).toBe(3)
  })

  it('gives back frames, tables and promises, whenever the thread dies', () => {
    map(40, MAP_PRIVATE, AT)
    for (let page: u32 = 0; page < 40; page++) poke(AT + page * PAGE, 1)
    const committed = K.committed
    dieAtEveryPush(true)
    expect(unmap(AT, 40)).toBe(0)
    dieAtEveryPush(false)
    expect(K.committed).toBeLessThanOrEqual(committed - 40)
    expect(process.space!.tables).toBe(0)
    expect(process.space!.charged).toBe(0)
  })

  it('that is large goes in pieces, over many mappings and holes', () => {
    for (let i: u32 = 0; i < 20; i++) {
      map(20, i % 2 == 0 ? MAP_PRIVATE : MAP_SHARED, AT + i * 25 * PAGE)
      poke(AT + i * 25 * PAGE, i)
    }
    expect(unmap(AT + 10 * PAGE, 19 * 25)).toBe(0)
    expect(process.space!.mappedPages).toBe(10 + 10)
    expect(peek(AT)).toBe(0)
    expect(peek(AT + 11 * PAGE)).toBe(-SIGSEGV)
  })

  it('that a dead thread had begun is finished by another', () => {
    const file = makeFile(4)
    show(file, 4)
    poke(AT + PAGE, 9)
    lock()
    edit<Vma>(findVma(process.space!, AT)!).flags |= VMA_DYING
    unlock()
    expect(peek(AT)).toBe(-SIGSEGV)
    lock()
    finishDying(process.space!)
    unlock()
    expect(process.space!.count).toBe(0)
    expect(file.refs).toBe(1)
    expect(file.dirtyPages).toBe(1)
  })
})
