import { fillChain, freeChain, newChain, readChain, writeChain } from '../../assembly/chain'
import { abandon, lock, unlock } from '../../assembly/lock'
import { K } from '../../assembly/root'
import { bootSpec, checkAll } from './support/boot'
import { below, reseed } from './support/random'
import { dieAtEveryPush, expectUndone } from './support/transactions'

bootSpec(900)

const BYTES_MAX: u32 = 65536
const from: usize = memory.data(65536, 16)
const to: usize = memory.data(65540, 16)

function pattern(salt: u32, bytes: u32): void {
  for (let i: u32 = 0; i < bytes; i++) store<u8>(from + i, <u8>(i * 31 + salt + (i >> 8)))
}

function make(bytes: u32, salt: u32): u32 {
  pattern(salt, bytes)
  lock()
  const chain = newChain(bytes)
  if (chain != 0) fillChain(chain, bytes, from)
  else abandon()
  unlock()
  return chain
}

function holds(chain: u32, salt: u32, bytes: u32): bool {
  pattern(salt, bytes)
  memory.fill(to, 0xee, bytes + 4)
  readChain(chain, bytes, to)
  return memory.compare(from, to, bytes) == 0 && load<u32>(to + bytes) == 0xeeeeeeee
}

function drop(chain: u32, bytes: u32): void {
  lock()
  freeChain(chain, bytes)
  unlock()
}

describe('byte chains', () => {
  beforeEach(() => {
    dieAtEveryPush(true)
  })

  afterEach(() => {
    dieAtEveryPush(false)
    checkAll()
    expectUndone()
  })

  it('give back what was put in, at every length around a block, and all of their memory', () => {
    const lengths: u32[] = [1, 3, 4, 12, 2043, 2044, 2045, 4087, 4088, 4089, 65535, BYTES_MAX]
    for (let i = 0; i < lengths.length; i++) {
      drop(make(lengths[i], i), lengths[i]) // the last slab of a class stays
      const committed = K.committed
      const chain = make(lengths[i], i)
      assert(chain != 0 && holds(chain, i, lengths[i]), `length ${lengths[i]}`)
      drop(chain, lengths[i])
      assert(K.committed == committed, `memory of length ${lengths[i]}`)
    }
  })

  it('give their first bytes alone when asked for fewer', () => {
    const chain = make(5000, 7)
    expect(holds(chain, 7, 0)).toBe(true)
    expect(holds(chain, 7, 1)).toBe(true)
    expect(holds(chain, 7, 2044)).toBe(true)
    expect(holds(chain, 7, 2045)).toBe(true)
    drop(chain, 5000)
  })

  it('change in their first bytes and keep the rest; a death at any push undoes it', () => {
    const lengths: u32[] = [1, 7, 2044, 2046, 5000]
    for (let i = 0; i < lengths.length; i++) {
      const bytes = lengths[i]
      const changed = max(bytes / 2, 1)
      const chain = make(bytes, 1)
      pattern(2, changed)
      lock()
      writeChain(chain, changed, from)
      unlock()
      assert(holds(chain, 2, changed), 'the changed part')
      readChain(chain, bytes, to)
      pattern(1, bytes)
      assert(memory.compare(from + changed, to + changed, bytes - changed) == 0, 'the rest')
      drop(chain, bytes)
    }
  })

  it('are 0 when memory is out, and then the call leaves nothing behind', () => {
    dieAtEveryPush(false)
    const chains: u32[] = []
    let chain = make(BYTES_MAX, 0)
    while (chain != 0) {
      chains.push(chain)
      chain = make(BYTES_MAX, chains.length)
    }
    const committed = K.committed
    expect(make(BYTES_MAX, 0)).toBe(0)
    expect(K.committed).toBe(committed)
    for (let i = 0; i < chains.length; i++) {
      assert(holds(chains[i], i, BYTES_MAX), 'contents')
      drop(chains[i], BYTES_MAX)
    }
  })

  it('keep apart, many at once in any order', () => {
    reseed('chains')
    const chains = new StaticArray<u32>(40)
    const lengths = new StaticArray<u32>(40)
    for (let step: u32 = 0; step < 600; step++) {
      dieAtEveryPush(step % 16 == 0)
      const i = below(40)
      if (chains[i] != 0) {
        assert(holds(chains[i], i, lengths[i]), `chain ${i}`)
        drop(chains[i], lengths[i])
        chains[i] = 0
      } else {
        lengths[i] = below(6000) + 1
        chains[i] = make(lengths[i], i)
        assert(chains[i] != 0, 'memory')
      }
    }
    for (let i: u32 = 0; i < 40; i++) if (chains[i] != 0) drop(chains[i], lengths[i])
  })
})
