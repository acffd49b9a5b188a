import { rollback } from '../../assembly/journal'
import { lock, unlock } from '../../assembly/lock'
import { add, K, pageRound, Root, serial } from '../../assembly/root'
import { bootSpec, checkAll } from './support/boot'
import { expectUndone } from './support/transactions'

bootSpec(200)

describe('the root', () => {
  afterEach(() => {
    checkAll()
    expectUndone()
  })

  it('rounds bytes up to a page border, past 4 GiB too', () => {
    expect(pageRound(0)).toBe(0)
    expect(pageRound(1)).toBe(4096)
    expect(pageRound(4096)).toBe(4096)
    expect(pageRound(4097)).toBe(8192)
    expect(pageRound(0xffff_ffff)).toBe(0x1_0000_0000)
    expect(pageRound(0x1_0000_0001)).toBe(0x1_0000_1000)
  })

  it('never gives a serial twice, but for one that was undone', () => {
    lock()
    const first = serial()
    const second = serial()
    unlock()
    expect(second).toBe(first + 1)
    lock()
    serial()
    rollback()
    const third = serial()
    unlock()
    expect(third).toBe(second + 1)
  })

  it('counts up and down, and takes a count back with the transaction', () => {
    const before = K.dirtyPages
    lock()
    add(offsetof<Root>('dirtyPages'), 3)
    add(offsetof<Root>('dirtyPages'), -1)
    const during = K.dirtyPages
    rollback()
    const after = K.dirtyPages
    unlock()
    expect(during).toBe(before + 2)
    expect(after).toBe(before)
  })
})
