import {
  EAGAIN,
  EFAULT,
  EINVAL,
  ENOMEM,
  MAP_PRIVATE,
  MAP_SHARED,
  MREMAP_DONTUNMAP,
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
  PROT_READ,
  SIGBUS,
  SIGSEGV,
} from '../../assembly/abi'
import { frameOf } from '../../assembly/frame'
import { sysMlock } from '../../assembly/mlock'
import { sysMremap } from '../../assembly/mremap'
import { pteOf } from '../../assembly/pte'
import { K } from '../../assembly/root'
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

bootMemory()

const FAR: u32 = AT + 256 * PAGE
const MOVE: u32 = MREMAP_MAYMOVE
const EXACTLY: u32 = MREMAP_MAYMOVE | MREMAP_FIXED

function remap(from: u32, before: u32, after: u32, flags: u32, to: u32 = 0): i32 {
  return sysMremap(process, from, before * PAGE, after * PAGE, flags, to)
}

describe('mremap refuses', () => {
  beforeEach(() => {
    begin()
    map(2, MAP_PRIVATE, AT)
    map(1, MAP_PRIVATE, AT + 2 * PAGE, PROT_READ)
    poke(AT, 7)
  })
  afterEach(() => {
    expect(process.space!.mappedPages).toBe(3)
    expect(peek(AT)).toBe(7)
    end()
  })

  it('with EINVAL what no mapping could do', () => {
    expect(sysMremap(process, AT + 1, PAGE, PAGE, MOVE, 0)).toBe(-EINVAL)
    expect(remap(AT, 1, 0, MOVE)).toBe(-EINVAL)
    expect(remap(AT, 1, 1, 8)).toBe(-EINVAL)
    expect(remap(AT, 1, 1, MOVE | MREMAP_DONTUNMAP)).toBe(-EINVAL)
    expect(remap(AT, 1, 1, MREMAP_FIXED, FAR)).toBe(-EINVAL)
    expect(remap(AT, 1, 1, EXACTLY, FAR + 1)).toBe(-EINVAL)
    expect(remap(AT, 2, 2, EXACTLY, AT + PAGE)).toBe(-EINVAL)
    expect(remap(AT, 1, 1, EXACTLY, 4096)).toBe(-EINVAL)
    expect(remap(AT, 0, 1, MOVE)).toBe(-EINVAL)
  })

  it('with EFAULT a hole, and growth or a move over more than one mapping', () => {
    expect(remap(AT + 3 * PAGE, 1, 2, MOVE)).toBe(-EFAULT)
    expect(remap(4096, 1, 2, MOVE)).toBe(-EFAULT)
    expect(remap(AT + PAGE, 2, 3, MOVE)).toBe(-EFAULT)
    expect(remap(AT + PAGE, 2, 2, EXACTLY, FAR)).toBe(-EFAULT)
  })

  it('with ENOMEM growth without room, past RLIMIT_AS or the promises, with EAGAIN past RLIMIT_MEMLOCK', () => {
    expect(remap(AT, 2, 3, 0)).toBe(-ENOMEM)
    process.space!.limitAs = 3 * PAGE
    expect(remap(AT, 2, 3, MOVE)).toBe(-ENOMEM)
    process.space!.limitAs = 0xffffffff
    const limit = K.commitLimit
    K.commitLimit = K.committed
    expect(remap(AT, 2, 100, MOVE)).toBe(-ENOMEM)
    K.commitLimit = limit
    sysMlock(process, AT, 2 * PAGE)
    process.euid = 1
    process.space!.limitMemlock = 2 * PAGE
    expect(remap(AT, 2, 3, MOVE)).toBe(-EAGAIN)
  })
})

describe('mremap', () => {
  beforeEach(() => {
    begin()
    dieAtEveryPush(true)
  })
  afterEach(end)

  it('shrinks, over several mappings too, and gives the promise back', () => {
    map(2, MAP_PRIVATE, AT)
    map(2, MAP_PRIVATE, AT + 2 * PAGE, PROT_READ)
    expect(<u32>remap(AT, 4, 1, 0)).toBe(AT)
    expect(process.space!.mappedPages).toBe(1)
    expect(process.space!.charged).toBe(1)
  })

  it('grows in place where there is room', () => {
    map(1, MAP_PRIVATE, AT)
    poke(AT, 3)
    expect(<u32>remap(AT, 1, 3, 0)).toBe(AT)
    expect(peek(AT)).toBe(3)
    expect(peek(AT + 2 * PAGE)).toBe(0)
    expect(process.space!.charged).toBe(3)
    expect(process.space!.count).toBe(1)
  })

  it('moves private pages with their frames, and replaces what is where they go', () => {
    map(2, MAP_PRIVATE, AT)
    poke(AT + PAGE, 5)
    const frame = frameOf(pteOf(process.space!, AT + PAGE) & ~0xfff)
    map(1, MAP_PRIVATE, FAR + PAGE)
    poke(FAR + PAGE, 6)
    expect(<u32>remap(AT, 2, 3, EXACTLY, FAR)).toBe(FAR)
    expect(peek(AT)).toBe(-SIGSEGV)
    expect(peek(FAR + PAGE)).toBe(5)
    expect(frameOf(pteOf(process.space!, FAR + PAGE) & ~0xfff) == frame).toBe(true)
    expect(peek(FAR + 2 * PAGE)).toBe(0)
    expect(process.space!.mappedPages).toBe(3)
  })

  it('with old size 0 shows shared pages a second time', () => {
    map(2, MAP_SHARED, AT)
    const twin = <u32>remap(AT + PAGE, 0, 1, MOVE)
    poke(twin, 9)
    expect(peek(AT + PAGE)).toBe(9)
    expect(process.space!.mappedPages).toBe(3)
  })

  it('grows past the end of a file, where an access is SIGBUS', () => {
    show(makeFile(1), 1)
    expect(<u32>remap(AT, 1, 2, 0)).toBe(AT)
    expect(peek(AT)).toBe(1)
    expect(peek(AT + PAGE)).toBe(-SIGBUS)
  })
})
