import { commit, depth, edit, put, rollback, save } from '../../assembly/journal'
import { below, reseed } from './support/random'

@unmanaged
class Pair {
  low: u64
  high: u64
}

const BYTES: usize = memory.data(4096, 16)
const COPY: usize = memory.data(4096, 16)

describe('journal', () => {
  beforeEach(() => {
    commit()
    memory.fill(BYTES, 0, 4096)
  })

  it('restores a word that was put', () => {
    store<u32>(BYTES, 7)
    put(BYTES, 8)
    expect(load<u32>(BYTES)).toBe(8)
    rollback()
    expect(load<u32>(BYTES)).toBe(7)
    expect(depth()).toBe(0)
  })

  it('restores a structure that was edited', () => {
    const pair = changetype<Pair>(BYTES)
    pair.low = 1
    pair.high = 2
    edit<Pair>(pair).low = 3
    pair.high = 4
    rollback()
    expect(pair.low).toBe(1)
    expect(pair.high).toBe(2)
  })

  it('keeps what was committed', () => {
    put(BYTES, 5)
    commit()
    rollback()
    expect(load<u32>(BYTES)).toBe(5)
  })

  it('restores the oldest bytes when a word was saved more than once', () => {
    for (let i: u32 = 1; i < 10; i++) put(BYTES, i)
    rollback()
    expect(load<u32>(BYTES)).toBe(0)
  })

  it('restores saves of every length that is a multiple of four, neighbours untouched', () => {
    for (let bytes: u32 = 4; bytes <= 256; bytes += 4) {
      memory.fill(BYTES, 0x55, 512)
      save(BYTES + 16, bytes)
      memory.fill(BYTES + 16, 0xaa, bytes)
      store<u8>(BYTES + 15, 1)
      store<u8>(BYTES + 16 + bytes, 2)
      rollback()
      expect(load<u8>(BYTES + 15)).toBe(1)
      expect(load<u8>(BYTES + 16 + bytes)).toBe(2)
      for (let i: u32 = 0; i < bytes; i++) {
        assert(load<u8>(BYTES + 16 + i) == 0x55, 'a byte was not restored')
      }
    }
  })

  it('restores the beginning from any depth, whatever overlaps', () => {
    reseed('journal')
    for (let round = 0; round < 500; round++) {
      commit()
      for (let i: usize = 0; i < 4096; i += 4) store<u32>(BYTES + i, below(0xffffffff))
      memory.copy(COPY, BYTES, 4096)
      const stores = below(40)
      for (let i: u32 = 0; i < stores; i++) {
        const at = BYTES + ((<usize>below(900)) << 2)
        const bytes: u32 = (1 + below(30)) << 2
        save(at, bytes)
        for (let j: u32 = 0; j < bytes; j += 4) store<u32>(at + j, below(0xffffffff))
      }
      rollback()
      assert(memory.compare(COPY, BYTES, 4096) == 0, 'the beginning was not restored')
    }
  })
})
