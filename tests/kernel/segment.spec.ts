import {
  EINVAL,
  ENOMEM,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MREMAP_MAYMOVE,
  PROT_READ,
  PROT_WRITE,
  SIGSEGV,
  WINDOW_END,
} from '../../assembly/abi'
import {
  IPC_CREAT,
  IPC_EXCL,
  IPC_PERM_KEY,
  IPC_PERM_MODE,
  IPC_PRIVATE,
  IPC_RMID,
  IPC_STAT,
  SHM_DEST,
  SHM_NORESERVE,
  SHM_REMAP,
} from '../../assembly/ipcabi'
import { sysMmap, sysMunmap } from '../../assembly/mmap'
import { sysMprotect } from '../../assembly/mprotect'
import { sysMremap } from '../../assembly/mremap'
import { K } from '../../assembly/root'
import { sysShmctl } from '../../assembly/shm'
import { spawn } from './support/boot'
import { below, reseed } from './support/random'
import {
  AT,
  at,
  attach,
  begin,
  bootSegments,
  ctl,
  dt,
  exit,
  field,
  finish,
  get,
  make,
  nattch,
  PAGE,
  peek,
  poke,
  root,
  step,
} from './support/segments'
import { dieAtEveryPush } from './support/transactions'

bootSegments()

describe('System V segments', () => {
  beforeEach(() => {
    begin()
  })

  afterEach(() => {
    finish()
  })

  it('are promised their frames when made, unless SHM_NORESERVE', () => {
    const before = K.committed
    const id = make(100)
    expect(K.committed).toBeGreaterThan(before + 99)
    expect(ctl(root, id, IPC_RMID)).toBe(0)
    expect(K.committed).toBe(before)
    const loose = get(root, IPC_PRIVATE, 100 * PAGE, SHM_NORESERVE | 0o600)
    const made = K.committed
    expect(made - before).toBeLessThan(5)
    const start = attach(root, loose)
    const attached = K.committed
    expect(poke(root, start + 5 * PAGE, 1)).toBe(0)
    expect(K.committed).toBeGreaterThan(attached)
    expect(get(root, IPC_PRIVATE, (<u64>K.frameCount) << 12, 0)).toBe(-ENOMEM)
  })

  it('show one set of pages to whoever attaches, zero at first', () => {
    const other = spawn()
    const id = make(3)
    const a = attach(root, id)
    const b = attach(other, id)
    const c = attach(root, id)
    expect(a).not.toBe(c)
    expect(peek(root, a + 2 * PAGE)).toBe(0)
    expect(poke(root, a + 2 * PAGE + 5, 77)).toBe(0)
    expect(peek(other, b + 2 * PAGE + 5)).toBe(77)
    expect(peek(root, c + 2 * PAGE + 5)).toBe(77)
    expect(dt(root, a)).toBe(0)
    expect(peek(root, a)).toBe(-SIGSEGV)
    exit(other)
    expect(attach(root, id)).toBe(a)
    expect(peek(root, a + 2 * PAGE + 5)).toBe(77)
  })

  it('end at the last detach once removed; until then the id works, the key is free', () => {
    const id = get(root, 5, 2 * PAGE, IPC_CREAT | 0o600)
    const other = spawn()
    const a = attach(root, id)
    expect(poke(root, a, 9)).toBe(0)
    expect(ctl(root, id, IPC_RMID)).toBe(0)
    expect(field(id, IPC_PERM_MODE)).toBe(0o600 | SHM_DEST)
    expect(field(id, IPC_PERM_KEY)).toBe(0)
    const again = get(root, 5, PAGE, IPC_CREAT | IPC_EXCL | 0o600)
    expect(again).not.toBe(id)
    const b = attach(other, id)
    expect(dt(root, a)).toBe(0)
    expect(peek(other, b)).toBe(9)
    expect(ctl(root, id, IPC_RMID)).toBe(0)
    exit(other)
    expect(ctl(root, id, IPC_STAT)).toBe(-EINVAL)
    expect(at(root, id)).toBe(-EINVAL)
    expect(ctl(root, id, IPC_RMID)).toBe(-EINVAL)
    expect(nattch(again)).toBe(0)
  })

  it('count their mappings: a hole makes two, a part that is protected another, a whole munmap none', () => {
    const id = make(10)
    const start = attach(root, id)
    expect(nattch(id)).toBe(1)
    expect(step(sysMunmap(root, start + 3 * PAGE, PAGE))).toBe(0)
    expect(nattch(id)).toBe(2)
    expect(step(sysMprotect(root, start + 6 * PAGE, PAGE, PROT_READ))).toBe(0)
    expect(nattch(id)).toBe(4)
    // Linux never makes them one again.
    expect(step(sysMprotect(root, start + 6 * PAGE, PAGE, PROT_READ | PROT_WRITE))).toBe(0)
    expect(nattch(id)).toBe(4)
    expect(step(sysMunmap(root, start, 4 * PAGE))).toBe(0)
    expect(nattch(id)).toBe(3)
    expect(step(sysMunmap(root, start, 10 * PAGE))).toBe(0)
    expect(nattch(id)).toBe(0)
    expect(dt(root, start)).toBe(-EINVAL)
  })

  it('detach all that is left of an attach by its start, and nothing of another', () => {
    const id = make(10)
    const start = attach(root, id, AT)
    const other = attach(root, id)
    expect(step(sysMunmap(root, start, 2 * PAGE))).toBe(0)
    expect(step(sysMunmap(root, start + 5 * PAGE, PAGE))).toBe(0)
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
    const wall = sysMmap(root, start + 5 * PAGE, PAGE, PROT_READ, flags, -1, 0)
    expect(<u32>wall).toBe(start + 5 * PAGE)
    expect(nattch(id)).toBe(3)
    expect(dt(root, start + 2 * PAGE)).toBe(-EINVAL)
    expect(dt(root, start + 1)).toBe(-EINVAL)
    expect(dt(root, start)).toBe(0)
    expect(nattch(id)).toBe(1)
    expect(peek(root, start + 5 * PAGE)).toBe(0)
    expect(dt(root, start)).toBe(-EINVAL)
    expect(dt(root, wall)).toBe(-EINVAL)
    expect(dt(root, other)).toBe(0)
    expect(nattch(id)).toBe(0)
    expect(dt(root, 0)).toBe(-EINVAL)
    expect(dt(root, WINDOW_END)).toBe(-EINVAL)
  })

  it('move with mremap, and are detached at the new address', () => {
    const id = make(4)
    const start = attach(root, id)
    expect(poke(root, start + PAGE, 5)).toBe(0)
    const moved = <u32>(
      step(sysMremap(root, start, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | 2, AT + (64 << 20)))
    )
    expect(moved).toBe(AT + (64 << 20))
    expect(nattch(id)).toBe(1)
    expect(peek(root, moved + PAGE)).toBe(5)
    expect(dt(root, start)).toBe(-EINVAL)
    const twin = <u32>step(sysMremap(root, moved, 0, 4 * PAGE, MREMAP_MAYMOVE, 0))
    expect(nattch(id)).toBe(2)
    expect(dt(root, moved)).toBe(0)
    expect(nattch(id)).toBe(1)
    expect(peek(root, twin + PAGE)).toBe(5)
    expect(dt(root, twin)).toBe(0)
    expect(nattch(id)).toBe(0)
  })

  it('detach no part of another attach that a move put in the place of theirs', () => {
    const id = make(4)
    const start = attach(root, id, AT)
    const other = attach(root, id, AT + 8 * PAGE)
    expect(step(sysMunmap(root, start + 2 * PAGE, 2 * PAGE))).toBe(0)
    const to = start + 2 * PAGE
    expect(<u32>step(sysMremap(root, other + 2 * PAGE, 2 * PAGE, 2 * PAGE, 3, to))).toBe(to)
    expect(nattch(id)).toBe(3)
    expect(dt(root, start)).toBe(0)
    expect(nattch(id)).toBe(2)
    expect(peek(root, to)).toBe(0)
    expect(dt(root, start)).toBe(0)
    expect(dt(root, other)).toBe(0)
    expect(nattch(id)).toBe(0)
  })

  it('stay one mapping when they are large and move piece by piece', () => {
    dieAtEveryPush(false)
    const pages: u32 = 9000
    const id = get(root, IPC_PRIVATE, pages * PAGE, SHM_NORESERVE | 0o600)
    const start = attach(root, id, AT)
    expect(poke(root, start + 8999 * PAGE, 3)).toBe(0)
    const to = AT + (256 << 20)
    const grown = (pages + 10) * PAGE
    expect(<u32>step(sysMremap(root, start, pages * PAGE, grown, 3, to))).toBe(to)
    expect(nattch(id)).toBe(1)
    expect(peek(root, to + 8999 * PAGE)).toBe(3)
    expect(dt(root, to)).toBe(0)
    expect(nattch(id)).toBe(0)
  })

  it('survive being mapped over by themselves after they were removed', () => {
    const id = make(2)
    attach(root, id, AT)
    expect(ctl(root, id, IPC_RMID)).toBe(0)
    expect(attach(root, id, AT, SHM_REMAP)).toBe(AT)
    expect(nattch(id)).toBe(1)
    expect(dt(root, AT)).toBe(0)
    expect(ctl(root, id, IPC_STAT)).toBe(-EINVAL)
  })

  it('agree with a count of their attaches, whatever is done to them, under a death at any push', () => {
    reseed('segments')
    const ids = new StaticArray<i32>(4)
    const starts = new StaticArray<u32>(24)
    for (let i = 0; i < 4; i++) ids[i] = -1
    for (let step_: u32 = 0; step_ < 1200; step_++) {
      dieAtEveryPush(step_ % 16 == 0)
      const i = below(4)
      const j = below(24)
      const what = below(8)
      if (ids[i] < 0 || sysShmctl(root, ids[i], IPC_STAT, 0, 0, 0) != 0) {
        ids[i] = make(below(8) + 1)
      } else if (what < 3) {
        if (starts[j] == 0) starts[j] = attach(root, ids[i])
      } else if (what < 5 && starts[j] != 0) {
        dt(root, starts[j])
        starts[j] = 0
      } else if (what == 5 && starts[j] != 0) {
        step(sysMunmap(root, starts[j] + below(4) * PAGE, (below(3) + 1) * PAGE))
      } else if (what == 6 && starts[j] != 0) {
        const pages = below(3) + 1
        step(sysMprotect(root, starts[j], pages * PAGE, PROT_READ | (below(2) * PROT_WRITE)))
      } else if (what == 7 && below(3) == 0) ctl(root, ids[i], IPC_RMID)
    }
  })
})
