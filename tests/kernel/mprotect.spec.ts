import {
  EACCES,
  EINVAL,
  ENOMEM,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_NONE,
  PROT_READ,
  SIGSEGV,
} from '../../assembly/abi'
import { edit } from '../../assembly/journal'
import { lock, unlock } from '../../assembly/lock'
import { sysMunmap } from '../../assembly/mmap'
import { sysMprotect } from '../../assembly/mprotect'
import { K } from '../../assembly/root'
import { findVma, Vma } from '../../assembly/vma'
import {
  AT,
  begin,
  bootMemory,
  end,
  map,
  PAGE,
  peek,
  poke,
  process,
  RIGHTS,
} from './support/memory'
import { dieAtEveryPush } from './support/transactions'

bootMemory()

function protect(page: u32, pages: u32, prot: u32): i32 {
  return sysMprotect(process, AT + page * PAGE, pages * PAGE, prot)
}

describe('mprotect', () => {
  beforeEach(() => {
    begin()
    dieAtEveryPush(true)
  })
  afterEach(end)

  it('takes rights from entries that are there, and gives them back with their bytes', () => {
    map(3, MAP_PRIVATE, AT)
    for (let page: u32 = 0; page < 3; page++) poke(AT + page * PAGE, 7)
    expect(protect(1, 1, PROT_NONE)).toBe(0)
    expect(peek(AT + PAGE)).toBe(-SIGSEGV)
    expect(poke(AT, 8)).toBe(0)
    expect(protect(0, 3, PROT_READ)).toBe(0)
    expect(process.space!.count).toBe(1)
    expect(poke(AT, 9)).toBe(-SIGSEGV)
    expect(peek(AT)).toBe(8)
    expect(peek(AT + PAGE)).toBe(7)
    expect(protect(0, 3, RIGHTS)).toBe(0)
    expect(poke(AT + PAGE, 9)).toBe(0)
  })

  it('refuses unaligned addresses and unknown bits with EINVAL; length 0 is fine anywhere', () => {
    map(1, MAP_PRIVATE, AT)
    expect(sysMprotect(process, AT + 1, PAGE, PROT_READ)).toBe(-EINVAL)
    expect(protect(0, 1, 8)).toBe(-EINVAL)
    expect(sysMprotect(process, 0, 0, PROT_READ)).toBe(0)
    expect(sysMprotect(process, 0, PAGE, PROT_READ)).toBe(-ENOMEM)
    expect(sysMprotect(process, 0xfffffffffffff000, PAGE, PROT_READ)).toBe(-ENOMEM)
  })

  it('stops at a hole with ENOMEM and at a mapping that may not be written with EACCES; what was before is done', () => {
    map(4, MAP_PRIVATE, AT, PROT_READ)
    map(1, MAP_SHARED, AT + 4 * PAGE, PROT_READ)
    sysMunmap(process, AT + PAGE, PAGE)
    expect(protect(0, 3, RIGHTS)).toBe(-ENOMEM)
    expect(poke(AT, 1)).toBe(0)
    expect(poke(AT + 2 * PAGE, 1)).toBe(-SIGSEGV)
    lock()
    edit<Vma>(findVma(process.space!, AT + 4 * PAGE)!).maxProt = PROT_READ
    unlock()
    expect(protect(2, 3, RIGHTS)).toBe(-EACCES)
    expect(poke(AT + 2 * PAGE, 1)).toBe(0)
    expect(poke(AT + 4 * PAGE, 1)).toBe(-SIGSEGV)
  })

  it('charges a private mapping that gains WRITE; without the frames it is ENOMEM with nothing done', () => {
    map(2, MAP_PRIVATE, AT, PROT_READ)
    const limit = K.commitLimit
    K.commitLimit = K.committed
    expect(protect(0, 2, RIGHTS)).toBe(-ENOMEM)
    K.commitLimit = limit
    expect(process.space!.charged).toBe(0)
    expect(poke(AT, 1)).toBe(-SIGSEGV)
    expect(protect(0, 2, RIGHTS)).toBe(0)
    expect(process.space!.charged).toBe(2)
  })
})
