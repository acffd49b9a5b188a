import { BUFFER_DATA } from '../../assembly/abi'
import { clearArray, freeArray, inArray, newArray, saveArray } from '../../assembly/array'
import { abandon, lock, unlock } from '../../assembly/lock'
import { K } from '../../assembly/root'
import { copyText, freeText, newText, Text, textBytes } from '../../assembly/text'
import { me } from '../../assembly/thread'
import { begin, bootMemory, end } from './support/memory'
import { dieAtEveryPush } from './support/transactions'

bootMemory()

const LENGTHS: StaticArray<u32> = [1, 2, 7, 8, 9, 255, 256, 2039, 2040, 2041, 4096, 9000]

function data(): usize {
  return <usize>me().buffer + BUFFER_DATA
}

describe('texts', () => {
  beforeEach(begin)
  afterEach(end)

  it('of any length come back whole, and as much of them as is asked for', () => {
    for (let i = 0; i < LENGTHS.length; i++) {
      const bytes = LENGTHS[i]
      for (let at: u32 = 0; at < bytes; at++) store<u8>(data() + at, <u8>(at * 7 + i))
      lock()
      const text = newText(data(), bytes)
      unlock()
      assert(text != null, 'no text')
      expect(textBytes(text)).toBe(bytes)
      const to = data() + 16384
      memory.fill(to, 0xee, 16384)
      expect(copyText(text, to, bytes)).toBe(bytes)
      expect(memory.compare(to, data(), bytes)).toBe(0)
      expect(load<u8>(to + bytes)).toBe(0xee)
      expect(copyText(text, to, bytes >> 1)).toBe(bytes >> 1)
      lock()
      freeText(text!)
      unlock()
    }
    expect(textBytes(null)).toBe(0)
  })

  it('that a call abandons are gone', () => {
    lock()
    newText(data(), 5000)
    abandon()
    unlock()
    const committed = K.committed
    lock()
    const text: Text | null = newText(data(), 5000)
    freeText(text!)
    unlock()
    expect(K.committed).toBeGreaterThanOrEqual(committed)
  })
})

describe('arrays', () => {
  beforeEach(begin)
  afterEach(end)

  it('of any length are cleared, hold every element, and are undone when the thread dies', () => {
    const lengths: StaticArray<u32> = [4, 2048, 2052, 10000]
    for (let i = 0; i < lengths.length; i++) {
      const bytes = lengths[i]
      lock()
      const array = newArray(bytes)
      unlock()
      assert(array != 0, 'no array')
      for (let at: u32 = 0; at < bytes; at += 4) {
        assert(load<u32>(inArray(array, at)) == 0, 'not cleared')
        store<u32>(inArray(array, at), at ^ 0x5a5a)
      }
      for (let at: u32 = 0; at < bytes; at += 4) {
        assert(load<u32>(inArray(array, at)) == (at ^ 0x5a5a), 'another element')
      }
      dieAtEveryPush(true)
      lock()
      saveArray(array, bytes)
      clearArray(array, bytes)
      unlock()
      dieAtEveryPush(false)
      expect(load<u32>(inArray(array, bytes - 4))).toBe(0)
      lock()
      freeArray(array, bytes)
      unlock()
    }
  })
})
