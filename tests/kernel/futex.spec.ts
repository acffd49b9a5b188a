import {
  BUFFER_RESULT,
  EAGAIN,
  EINVAL,
  ETIMEDOUT,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  MREMAP_MAYMOVE,
  PROT_READ,
  PROT_WRITE,
  SIGSEGV,
  WINDOW_START,
} from '../../assembly/abi'
import { sysAccess, sysRelease } from '../../assembly/access'
import { sysFutexWait, sysFutexWake } from '../../assembly/futex'
import { sysMmap } from '../../assembly/mmap'
import { sysMremap } from '../../assembly/mremap'
import { noSource } from '../../assembly/source'
import { me } from '../../assembly/thread'
import { bootSpec, checkAll, spawn } from './support/boot'
import { passMs } from './support/disk'
import { dieAtEveryPush, exemptStatic, expectUndone } from './support/transactions'

bootSpec(400)
exemptStatic(changetype<usize>(noSource()), 8192)

passMs(1)
const process = spawn()
const RIGHTS: u32 = PROT_READ | PROT_WRITE

function map(flags: u32): u32 {
  return <u32>sysMmap(process, 0, 8192, RIGHTS, flags | MAP_ANONYMOUS, -1, 0)
}

function put(address: u32, value: u32): void {
  assert(sysAccess(process, address, 4, true) == 0, 'access')
  store<u32>(<usize>load<u32>(<usize>me().buffer + BUFFER_RESULT), value)
  sysRelease()
}

describe('futexes', () => {
  beforeEach(() => {
    dieAtEveryPush(true)
  })

  afterEach(() => {
    dieAtEveryPush(false)
    checkAll()
    expectUndone()
  })

  it('refuse a word that is unaligned or not mapped', () => {
    const address = map(MAP_PRIVATE)
    expect(sysFutexWait(process, address + 2, 0, 0)).toBe(-EINVAL)
    expect(sysFutexWake(process, address + 1, 1)).toBe(-EINVAL)
    expect(sysFutexWait(process, WINDOW_START - 4, 0, 0)).toBe(-SIGSEGV)
    expect(sysFutexWake(process, 0xfe000000, 1)).toBe(-SIGSEGV)
    expect(sysFutexWait(process, 0xfe000000, 0, 0)).toBe(-SIGSEGV)
  })

  it('give EAGAIN when the word is another already', () => {
    const address = map(MAP_SHARED)
    put(address + 8, 7)
    expect(sysFutexWait(process, address + 8, 6, -1)).toBe(-EAGAIN)
    expect(sysFutexWait(process, address + 8, 7, 0)).toBe(-ETIMEDOUT)
  })

  it('see the same word of a shared object through a second mapping', () => {
    const address = map(MAP_SHARED)
    put(address, 5)
    const twin = <u32>sysMremap(process, address, 0, 8192, MREMAP_MAYMOVE, 0)
    expect(twin != address).toBe(true)
    expect(sysFutexWait(process, twin, 4, -1)).toBe(-EAGAIN)
    expect(sysFutexWait(process, twin, 5, 0)).toBe(-ETIMEDOUT)
  })

  it('wake nobody where nobody sleeps, and leave no node behind', () => {
    const address = map(MAP_PRIVATE)
    expect(sysFutexWait(process, address, 0, 0)).toBe(-ETIMEDOUT)
    expect(sysFutexWake(process, address, 10)).toBe(0)
    expect(me().waits).toBe(0)
    sysMmap(process, address, 4096, RIGHTS, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
    expect(sysFutexWake(process, address, 10)).toBe(0)
  })
})
