import {
  BUFFER_DATA,
  MAP_PRIVATE,
  MAP_SHARED,
  PROCESSES_MAX,
  PROT_READ,
  STAT_KERNEL_BYTES,
  STAT_MAP_ANONYMOUS,
  STAT_MAP_BYTES,
  STAT_MAP_END,
  STAT_MAP_FLAGS,
  STAT_MAP_LOCKED,
  STAT_MAP_MOUNT,
  STAT_MAP_OBJECT_DIRTY,
  STAT_MAP_OBJECT_RESIDENT,
  STAT_MAP_OFFSET,
  STAT_MAP_PROT,
  STAT_MAP_SHARED,
  STAT_MAP_START,
  STAT_PAGE_DIRTY,
  STAT_PAGE_PRESENT,
  STAT_PAGE_PRIVATE,
  STAT_PAGE_VIEWED,
  STAT_PAGE_WRITABLE,
  STAT_PAGE_ZERO,
  STAT_PROCESS_BYTES,
  STAT_PROCESS_EUID,
  STAT_PROCESS_MAPPINGS,
  STAT_PROCESS_PAGES,
  STAT_PROCESS_PARENT,
  STAT_PROCESS_PID,
  STAT_PROCESS_THREADS,
} from '../../assembly/abi'
import { sysExit } from '../../assembly/exit'
import { lock, unlock } from '../../assembly/lock'
import { sysMlock } from '../../assembly/mlock'
import { K } from '../../assembly/root'
import {
  sysStatKernel,
  sysStatMaps,
  sysStatPages,
  sysStatProcesses,
  sysStatWaits,
} from '../../assembly/stat'
import { me } from '../../assembly/thread'
import { sysViewClose, sysViewOpen } from '../../assembly/view'
import { enqueue, POLLED, withdraw } from '../../assembly/wait'
import { spawn } from './support/boot'
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
  RIGHTS,
  resultWord,
  show,
} from './support/memory'

bootMemory()

function data(record: u32, bytes: u32, field: u32): u32 {
  return load<u32>(<usize>me().buffer + BUFFER_DATA + record * bytes + field)
}

function mapWord(record: u32, field: u32): u32 {
  return data(record, STAT_MAP_BYTES, field)
}

/** => the bits of one page. */
function bits(address: u32): u32 {
  expect(sysStatPages(process, address, 1)).toBe(1)
  return load<u8>(<usize>me().buffer + BUFFER_DATA)
}

describe('counters', () => {
  beforeEach(begin)
  afterEach(end)

  it('are those of the root, in their order', () => {
    const file = makeFile(2)
    show(file, 2)
    poke(AT, 1)
    expect(sysStatKernel()).toBe(STAT_KERNEL_BYTES)
    expect(resultWord(0)).toBe(PAGE)
    expect(resultWord(4)).toBe(K.frameCount)
    expect(resultWord(8)).toBe(K.freeFrames)
    expect(resultWord(12)).toBe(K.committed)
    expect(resultWord(16)).toBe(K.commitLimit)
    expect(resultWord(20)).toBe(1)
    expect(resultWord(24)).toBe(file.resident)
    expect(resultWord(32)).toBe(1)
    expect(resultWord(40)).toBe(1)
    expect(resultWord(48)).toBeGreaterThan(0)
    expect(resultWord(64)).toBe(0)
  })

  it('nobody asleep is no record, nor is a thread that runs, whatever it is queued for', () => {
    expect(sysStatWaits()).toBe(0)
    lock()
    const wait = enqueue(changetype<usize>(me()), POLLED)!
    unlock()
    sysStatKernel()
    expect(resultWord(64)).toBe(0)
    expect(sysStatWaits()).toBe(0)
    lock()
    withdraw(wait)
    unlock()
  })
})

describe('snapshots of mappings', () => {
  beforeEach(begin)
  afterEach(end)

  it('tell range, rights, kind, place in the file, and how much of the object is there', () => {
    const file = makeFile(4)
    map(2, MAP_PRIVATE, AT - 8 * PAGE, PROT_READ)
    show(file, 4)
    poke(AT + PAGE, 1)
    sysMlock(process, AT - 8 * PAGE, PAGE)
    expect(sysStatMaps(process, 0)).toBe(3)
    expect(mapWord(0, STAT_MAP_START)).toBe(AT - 8 * PAGE)
    expect(mapWord(0, STAT_MAP_END)).toBe(AT - 7 * PAGE)
    expect(mapWord(0, STAT_MAP_PROT)).toBe(PROT_READ)
    expect(mapWord(0, STAT_MAP_FLAGS)).toBe(STAT_MAP_ANONYMOUS | STAT_MAP_LOCKED)
    expect(mapWord(1, STAT_MAP_FLAGS)).toBe(STAT_MAP_ANONYMOUS)
    expect(mapWord(2, STAT_MAP_PROT)).toBe(RIGHTS)
    expect(mapWord(2, STAT_MAP_FLAGS)).toBe(STAT_MAP_SHARED)
    expect(mapWord(2, STAT_MAP_OBJECT_DIRTY)).toBe(1)
    expect(mapWord(2, STAT_MAP_OBJECT_RESIDENT)).toBe(file.resident)
    expect(<i32>mapWord(2, STAT_MAP_MOUNT)).toBe(-1)
    expect(mapWord(2, STAT_MAP_OFFSET)).toBe(0)
  })

  it('go on from any address, and end with 0', () => {
    map(1, MAP_PRIVATE, AT)
    map(1, MAP_SHARED, AT + 4 * PAGE)
    expect(sysStatMaps(process, AT)).toBe(2)
    expect(sysStatMaps(process, AT + PAGE)).toBe(1)
    expect(mapWord(0, STAT_MAP_START)).toBe(AT + 4 * PAGE)
    expect(sysStatMaps(process, AT + 5 * PAGE)).toBe(0)
  })
})

describe('snapshots of pages', () => {
  beforeEach(begin)
  afterEach(end)

  it('tell absent, zero, private, shared, dirty, and under a view; they fault nothing in', () => {
    map(2, MAP_PRIVATE, AT - 8 * PAGE)
    const file = makeFile(2)
    show(file, 2)
    expect(bits(AT - 9 * PAGE)).toBe(0)
    expect(bits(AT - 8 * PAGE)).toBe(0)
    peek(AT - 8 * PAGE)
    expect(bits(AT - 8 * PAGE)).toBe(STAT_PAGE_PRESENT | STAT_PAGE_ZERO)
    poke(AT - 8 * PAGE, 1)
    const own = STAT_PAGE_PRESENT | STAT_PAGE_PRIVATE | STAT_PAGE_WRITABLE
    expect(bits(AT - 8 * PAGE)).toBe(own)
    expect(bits(AT)).toBe(0)
    expect(file.resident).toBe(0)
    peek(AT)
    expect(bits(AT)).toBe(STAT_PAGE_PRESENT)
    poke(AT, 1)
    expect(bits(AT)).toBe(STAT_PAGE_PRESENT | STAT_PAGE_DIRTY | STAT_PAGE_WRITABLE)
    expect(sysViewOpen(process, AT, PAGE)).toBe(0)
    const view = resultWord(4)
    expect(bits(AT) & STAT_PAGE_VIEWED).toBe(STAT_PAGE_VIEWED)
    sysViewClose(view)
    expect(bits(AT) & STAT_PAGE_VIEWED).toBe(0)
    expect(bits(0xffffffff)).toBe(0)
  })
})

describe('snapshots of processes', () => {
  beforeEach(begin)
  afterEach(end)

  it('are a record each, in the order of the table, to its end', () => {
    const other = spawn()
    other.parent = process.pid
    other.euid = 1000
    map(3, MAP_PRIVATE, AT)
    expect(sysStatProcesses(0)).toBe(2)
    expect(resultWord()).toBe(PROCESSES_MAX)
    const mine = data(0, STAT_PROCESS_BYTES, STAT_PROCESS_PID) == process.pid ? 0 : 1
    expect(data(mine, STAT_PROCESS_BYTES, STAT_PROCESS_MAPPINGS)).toBe(1)
    expect(data(mine, STAT_PROCESS_BYTES, STAT_PROCESS_PAGES)).toBe(3)
    expect(data(1 - mine, STAT_PROCESS_BYTES, STAT_PROCESS_PARENT)).toBe(process.pid)
    expect(data(1 - mine, STAT_PROCESS_BYTES, STAT_PROCESS_EUID)).toBe(1000)
    expect(data(mine, STAT_PROCESS_BYTES, STAT_PROCESS_THREADS)).toBe(0)
    sysExit(other.pid, 0)
    expect(sysStatProcesses(PROCESSES_MAX)).toBe(0)
  })
})
