import { MAP_SHARED } from '../../assembly/abi'
import { findPage, PAGE_REFERENCED } from '../../assembly/cache'
import { dropClean, evict, mayLeave, passedSome } from '../../assembly/evict'
import { Frame } from '../../assembly/frame'
import { edit } from '../../assembly/journal'
import { lock, unlock } from '../../assembly/lock'
import { sysMlock } from '../../assembly/mlock'
import { MemObject } from '../../assembly/object'
import { K } from '../../assembly/root'
import { sysViewClose, sysViewOpen } from '../../assembly/view'
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
  resultWord,
  showRead,
} from './support/memory'

bootMemory(600)

const PAGES: u32 = 16

/** Wants all frames. => whether that succeeded. */
function wantAll(): bool {
  lock()
  const got = evict(K.frameCount)
  unlock()
  return got
}

function mayGo(file: MemObject, page: u32): bool {
  lock()
  const may = mayLeave(findPage(file, page)!)
  unlock()
  return may
}

describe('eviction', () => {
  beforeEach(begin)
  afterEach(end)

  it('takes clean pages of files out of mappings and cache; a touch reads them again', () => {
    const file = showRead(PAGES)
    expect(wantAll()).toBe(false)
    expect(file.resident).toBe(0)
    expect(K.cachedPages).toBe(0)
    for (let page: u32 = 0; page < PAGES; page++) expect(peek(AT + page * PAGE)).toBe(page + 1)
  })

  it('passes over a page once when it was referenced since the last round', () => {
    const file = showRead(PAGES)
    lock()
    for (let page: u32 = 0; page < PAGES; page++) {
      edit<Frame>(findPage(file, page)!).flags &= ~PAGE_REFERENCED
    }
    edit<Frame>(findPage(file, 5)!).flags |= PAGE_REFERENCED
    evict(K.freeFrames + PAGES - 1)
    unlock()
    expect(findPage(file, 5) != null).toBe(true)
    expect(file.resident).toBe(1)
  })

  it('leaves dirty, locked, viewed and granted pages, and memory that no store backs', () => {
    const file = showRead(PAGES)
    map(1, MAP_SHARED, AT + 64 * PAGE)
    poke(AT + 64 * PAGE, 3)
    poke(AT, 9)
    sysMlock(process, AT + PAGE, PAGE)
    expect(sysViewOpen(process, AT + 2 * PAGE, PAGE)).toBe(0)
    const view = resultWord(4)
    expect(mayGo(file, 0)).toBe(false)
    expect(mayGo(file, 2)).toBe(false)
    expect(mayGo(file, 3)).toBe(true)
    wantAll()
    expect(file.resident).toBe(3)
    expect(passedSome()).toBe(true)
    expect(findPage(file, 0) != null && findPage(file, 1) != null).toBe(true)
    expect(peek(AT + 64 * PAGE)).toBe(3)
    sysViewClose(view)
  })

  it('of one object drops what may leave, and only that', () => {
    const file = showRead(PAGES)
    poke(AT + 3 * PAGE, 9)
    lock()
    dropClean(file)
    unlock()
    expect(file.resident).toBe(1)
    expect(peek(AT + 3 * PAGE)).toBe(9)
  })
})
