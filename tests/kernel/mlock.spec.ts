import {
  EINVAL,
  ENOMEM,
  EPERM,
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  MCL_CURRENT,
  MCL_FUTURE,
  MCL_ONFAULT,
  RLIM_INFINITY,
  SIGBUS,
  SIGSEGV,
} from '../../assembly/abi'
import { lockLimit, sysMlock, sysMlockall, sysMunlock, sysMunlockall } from '../../assembly/mlock'
import { sysMmap, sysMunmap } from '../../assembly/mmap'
import { populate } from '../../assembly/populate'
import { pteOf } from '../../assembly/pte'
import {
  AT,
  begin,
  bootMemory,
  end,
  makeFile,
  map,
  PAGE,
  process,
  RIGHTS,
  show,
} from './support/memory'
import { dieAtEveryPush } from './support/transactions'

bootMemory()

describe('mlock', () => {
  beforeEach(() => {
    begin()
    dieAtEveryPush(true)
  })
  afterEach(end)

  it('rounds the address down, brings pages in, and does not nest', () => {
    map(3, MAP_PRIVATE, AT)
    expect(sysMlock(process, AT + PAGE + 100, 10)).toBe(0)
    expect(process.space!.lockedPages).toBe(1)
    expect(process.space!.count).toBe(3)
    expect(pteOf(process.space!, AT + PAGE)).not.toBe(0)
    expect(pteOf(process.space!, AT)).toBe(0)
    expect(sysMlock(process, AT, 3 * PAGE)).toBe(0)
    expect(process.space!.lockedPages).toBe(3)
    expect(sysMunlock(process, AT + 1, 3 * PAGE - 1)).toBe(0)
    expect(process.space!.lockedPages).toBe(0)
    expect(process.space!.count).toBe(1)
    expect(sysMlock(process, AT, 0)).toBe(0)
  })

  it('at a hole is ENOMEM, and outside of the window', () => {
    map(3, MAP_PRIVATE, AT)
    sysMunmap(process, AT + PAGE, PAGE)
    expect(sysMlock(process, AT, 3 * PAGE)).toBe(-ENOMEM)
    expect(process.space!.lockedPages).toBe(1)
    expect(sysMunlock(process, AT, 3 * PAGE)).toBe(-ENOMEM)
    expect(sysMlock(process, 0, PAGE)).toBe(-ENOMEM)
    expect(sysMlock(process, AT, 1 << 40)).toBe(-ENOMEM)
    expect(sysMunlock(process, 0xfffffffffffff000, PAGE)).toBe(-ENOMEM)
  })

  it('over RLIMIT_MEMLOCK is ENOMEM, with limit 0 EPERM; root locks what it likes', () => {
    map(3, MAP_PRIVATE, AT)
    const space = process.space!
    space.limitMemlock = 2 * PAGE
    expect(lockLimit(process, 1000)).toBe(0)
    process.euid = 5
    expect(sysMlock(process, AT, 3 * PAGE)).toBe(-ENOMEM)
    expect(sysMlock(process, AT, 2 * PAGE)).toBe(0)
    expect(sysMlock(process, AT + PAGE, PAGE)).toBe(0)
    expect(lockLimit(process, 1)).toBe(ENOMEM)
    space.limitMemlock = 0
    expect(sysMlock(process, AT, PAGE)).toBe(-EPERM)
    space.limitMemlock = RLIM_INFINITY
    expect(lockLimit(process, 1000)).toBe(0)
  })
})

describe('mlockall', () => {
  beforeEach(begin)
  afterEach(end)

  it('of nothing, and of flags that are none, is EINVAL', () => {
    expect(sysMlockall(process, 0)).toBe(-EINVAL)
    expect(sysMlockall(process, MCL_ONFAULT)).toBe(-EINVAL)
    expect(sysMlockall(process, 8)).toBe(-EINVAL)
  })

  it('locks what is mapped, and what will be, until munlockall', () => {
    const file = makeFile(2)
    show(file, 2)
    expect(sysMlockall(process, MCL_CURRENT | MCL_FUTURE)).toBe(0)
    expect(file.resident).toBe(2)
    const anon = MAP_PRIVATE | MAP_ANONYMOUS
    const later = <u32>sysMmap(process, 0, PAGE, RIGHTS, anon, -1, 0)
    expect(process.space!.lockedPages).toBe(3)
    expect(pteOf(process.space!, later)).not.toBe(0)
    expect(sysMunlockall(process)).toBe(0)
    expect(process.space!.lockedPages).toBe(0)
    sysMmap(process, 0, PAGE, RIGHTS, anon, -1, 0)
    expect(process.space!.lockedPages).toBe(0)
  })

  it('with MCL_ONFAULT brings nothing in', () => {
    map(2, MAP_PRIVATE, AT)
    expect(sysMlockall(process, MCL_CURRENT | MCL_ONFAULT)).toBe(0)
    expect(pteOf(process.space!, AT)).toBe(0)
    expect(process.space!.lockedPages).toBe(2)
  })
})

describe('populating', () => {
  beforeEach(begin)
  afterEach(end)

  it('stops at the first page that cannot be had, and keeps those before it', () => {
    map(1, MAP_PRIVATE, AT)
    show(makeFile(1), 2, AT + PAGE)
    expect(populate(process.space!, AT, 3 * PAGE, true)).toBe(-SIGBUS)
    expect(pteOf(process.space!, AT + PAGE)).not.toBe(0)
    expect(populate(process.space!, AT - PAGE, PAGE, false)).toBe(-SIGSEGV)
  })
})
