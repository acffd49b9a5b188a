import {
  IDLE_INODES_MAX,
  IDLE_OPEN_MAX,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
} from '../../assembly/abi'
import { fileAt } from '../../assembly/fd'
import { checkIdle } from '../../assembly/idle'
import { Inode } from '../../assembly/inode'
import { lock, unlock } from '../../assembly/lock'
import { K } from '../../assembly/root'
import { syncAll } from '../../assembly/writeback'
import { close, mount, open, read, step, unlink, write } from './support/files'
import { bootWith, process } from './support/kernel'

function inodeAt(fd: i32): Inode {
  lock()
  const inode = fileAt(process, fd)!.inode!
  unlock()
  return inode
}

/** => inodes in the list. */
function listed(): u32 {
  lock()
  const count = checkIdle()
  unlock()
  return count
}

/** Makes a file that says `text`, durable, and reads it, so that a page of it is in the cache. */
function makeRead(path: string, text: string): void {
  const fd = open(process, path, O_CREAT | O_RDWR)
  assert(fd >= 0, `open gave ${fd}`)
  write(process, fd, text)
  assert(step(syncAll()) == 0, 'sync')
  close(process, fd)
}

describe('what nobody uses any more', () => {
  beforeAll(() => {
    bootWith(4096)
    expect(mount(process, 0, '/data')).toBe(0)
  })

  it('of a file of tmpfs stays while it has a name, and goes with its pages when it has none', () => {
    const inodes = K.inodes
    const objects = K.objects
    let committed: u32 = 0
    // The first round leaves slabs.
    for (let round = 0; round < 2; round++) {
      committed = K.committed
      const fd = open(process, '/file', O_CREAT | O_RDWR)
      expect(write(process, fd, 'some text')).toBe(9)
      close(process, fd)
      expect(K.objects).toBe(objects + 1)
      expect(open(process, '/file', O_RDONLY)).toBe(fd)
      expect(unlink(process, '/file')).toBe(0)
      expect(read(process, fd, 9)).toBe('some text')
      close(process, fd)
    }
    expect(K.inodes).toBe(inodes)
    expect(K.objects).toBe(objects)
    expect(K.committed).toBe(committed)
  })

  it('of a file of a mount goes at once when it has no page', () => {
    makeRead('/data/empty', '')
    const inodes = K.inodes
    const objects = K.objects
    const count = listed()
    const fd = open(process, '/data/empty', O_RDONLY)
    expect(K.objects).toBe(objects + 1)
    close(process, fd)
    expect(K.inodes).toBe(inodes)
    expect(K.objects).toBe(objects)
    expect(listed()).toBe(count)
  })

  it('of a clean file of a mount is kept without a descriptor, in the list, while it has pages', () => {
    makeRead('/data/clean', 'clean')
    const fd = open(process, '/data/clean', O_RDONLY)
    expect(read(process, fd, 5)).toBe('clean')
    const inode = inodeAt(fd)
    close(process, fd)
    expect(inode.object!.fd).toBe(-1)
    expect(inode.object!.resident).toBe(1)
    expect(inode.inLru).toBe(1)
  })

  it('of a dirty file of a mount keeps its descriptor until it is written back', () => {
    const fd = open(process, '/data/dirty', O_CREAT | O_RDWR)
    expect(write(process, fd, 'dirty')).toBe(5)
    const inode = inodeAt(fd)
    close(process, fd)
    expect(inode.object!.dirtyPages).toBe(1)
    expect(inode.object!.fd).toBeGreaterThanOrEqual(0)
    expect(inode.inLru).toBe(1)
    expect(step(syncAll())).toBe(0)
    expect(inode.object!.dirtyPages).toBe(0)
    expect(inode.object!.fd).toBe(-1)
    expect(inode.inLru).toBe(1)
  })

  it('of a file of a mount goes with its descriptor and its dirty pages when its name is gone', () => {
    const inodes = K.inodes
    const dirty = K.dirtyPages
    const fd = open(process, '/data/gone', O_CREAT | O_WRONLY)
    expect(write(process, fd, 'gone')).toBe(4)
    expect(unlink(process, '/data/gone')).toBe(0)
    expect(K.dirtyPages).toBe(dirty + 1)
    close(process, fd)
    expect(K.inodes).toBe(inodes)
    expect(K.dirtyPages).toBe(dirty)
  })

  it('is no more than IDLE_INODES_MAX files: the oldest go, the dirty ones written', () => {
    const first = open(process, '/data/0', O_CREAT | O_WRONLY)
    write(process, first, 'the oldest')
    close(process, first)
    for (let i: u32 = 1; i <= IDLE_INODES_MAX + 3; i++) makeRead(`/data/${i}`, `file ${i}`)
    expect(listed()).toBe(IDLE_INODES_MAX)
    let fd = open(process, '/data/0', O_RDONLY)
    expect(inodeAt(fd).object!.resident).toBe(0)
    expect(read(process, fd, 20)).toBe('the oldest')
    close(process, fd)
    fd = open(process, `/data/${IDLE_INODES_MAX}`, O_RDONLY)
    expect(inodeAt(fd).object!.resident).toBe(1)
    close(process, fd)
  })

  it('has no more than IDLE_OPEN_MAX descriptors of a provider: the oldest is written, and keeps its pages without', () => {
    const inodes: Inode[] = []
    for (let round = 0; round < 2; round++) {
      for (let i: u32 = 0; i < IDLE_OPEN_MAX + 2; i++) {
        const fd = open(process, `/data/open${i}`, O_CREAT | O_WRONLY)
        write(process, fd, round == 0 ? 'first' : 'second')
        if (round == 0) inodes.push(inodeAt(fd))
        close(process, fd)
      }
      step(0) // closes what the last sweep wrote
      let having: u32 = 0
      for (let i = 0; i < inodes.length; i++) if (inodes[i].object!.fd >= 0) having++
      expect(having).toBe(IDLE_OPEN_MAX)
      expect(inodes[0].object!.fd).toBe(-1)
      expect(inodes[0].object!.dirtyPages).toBe(0)
      expect(inodes[0].object!.resident).toBe(1)
      listed()
    }
    expect(step(syncAll())).toBe(0)
    for (let i = 0; i < inodes.length; i++) expect(inodes[i].object!.fd).toBe(-1)
  })
})
