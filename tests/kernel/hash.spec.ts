import { hash, hashHigh, hashLow } from '../../assembly/hash'
import { below, reseed } from './support/random'

const BYTES: usize = memory.data(65536, 64)

describe('hash', () => {
  it('is the same for the same bytes, wherever they lie', () => {
    reseed('hash')
    for (let i: usize = 0; i < 4096; i += 4) store<u32>(BYTES + i, below(0xffffffff))
    hash(BYTES, 4096)
    const low = hashLow
    const high = hashHigh
    memory.copy(BYTES + 8192 + 64, BYTES, 4096)
    hash(BYTES + 8192 + 64, 4096)
    expect(hashLow).toBe(low)
    expect(hashHigh).toBe(high)
  })

  it('changes in both halves with any single bit', () => {
    memory.fill(BYTES, 0, 4096)
    hash(BYTES, 4096)
    const low = hashLow
    const high = hashHigh
    for (let bit: usize = 0; bit < 32768; bit += 13) {
      const at = BYTES + (bit >> 3)
      const mask: u32 = (<u32>1) << (<u32>bit & 7)
      store<u8>(at, <u8>mask)
      hash(BYTES, 4096)
      store<u8>(at, 0)
      assert(hashLow != low && hashHigh != high, 'a bit was not seen')
    }
  })

  it('sees 64-byte lines that changed places, and what is as long but shifted', () => {
    for (let i: u32 = 0; i < 4096; i += 64) memory.fill(BYTES + i, <u8>(i >> 6), 64)
    hash(BYTES, 4096)
    const low = hashLow
    for (let line: usize = 1; line < 64; line++) {
      memory.fill(BYTES, <u8>line, 64)
      memory.fill(BYTES + (line << 6), 0, 64)
      hash(BYTES, 4096)
      memory.fill(BYTES, 0, 64)
      memory.fill(BYTES + (line << 6), <u8>line, 64)
      assert(hashLow != low, 'a swap was not seen')
    }
  })

  it('tells lengths apart', () => {
    memory.fill(BYTES, 0, 65536)
    hash(BYTES, 4096)
    const low = hashLow
    hash(BYTES, 8192)
    expect(hashLow != low).toBe(true)
  })

  it('has no collision among random pages that differ in few bytes', () => {
    reseed('hash collisions')
    const seen = new Set<u64>()
    memory.fill(BYTES, 0, 4096)
    for (let i: u32 = 0; i < 2000; i++) {
      store<u32>(BYTES, i)
      store<u8>(BYTES + 4 + below(4092), <u8>below(256))
      hash(BYTES, 4096)
      assert(!seen.has(hashLow), 'a collision')
      seen.add(hashLow)
    }
  })
})
