/** Mount points and what providers say: mount, mountfs; and paths of a mount when memory is out: mounted, rename. (Files of mounts are in mounted.spec.) */
import {
  EBUSY,
  EINVAL,
  EIO,
  ENOENT,
  ENOTCAPABLE,
  ENOTDIR,
  ENOTSUP,
  EWOULDBLOCK_PARK,
  MOUNT_READONLY,
  MOUNTS_MAX,
  O_CREAT,
  O_RDWR,
  S_IFDIR,
  S_IFLNK,
  S_IFREG,
  WASI_PREOPEN,
} from '../../assembly/abi'
import { lock, unlock } from '../../assembly/lock'
import { checkMounts, isReadOnly, pointOf } from '../../assembly/mount'
import {
  filestat,
  outcome,
  rootFd,
  SCRATCH_BYTES,
  scratch,
  statMode,
  toMs,
  WALK_PART_BYTES,
  walkPart,
} from '../../assembly/mountfs'
import { K } from '../../assembly/root'
import { chdir, close, getcwd, list, mkdir, mount, open, rename, stat, step } from './support/files'
import { anotherProcess, bootForSpec, process } from './support/kernel'
import { feed, spare, starve, structures } from './support/shortage'

bootForSpec()

function mounts(): u32 {
  lock()
  const count = checkMounts()
  unlock()
  return count
}

describe('mount', () => {
  it('covers a directory of the tree once, and makes the way to it', () => {
    expect(mount(process, 0, '//deep///down/here/')).toBe(0)
    expect(list(process, '/deep/down')).toBe('. .. here')
    expect(mount(process, MOUNTS_MAX - 1, '/last', MOUNT_READONLY)).toBe(0)
    expect(mounts()).toBe(2)
    expect(isReadOnly(0)).toBe(false)
    expect(isReadOnly(<i32>MOUNTS_MAX - 1)).toBe(true)
    expect(isReadOnly(-1)).toBe(false)
    expect(pointOf(0).covered).toBe(1)
  })

  it('that is refused makes no directory, in the tree or in another mount', () => {
    const inodes = K.inodes
    expect(mount(process, 0, '/another')).toBe(-EBUSY)
    expect(stat(process, '/another')).toBe(-ENOENT)
    expect(mount(process, 1, '/deep/down/here')).toBe(-EBUSY)
    expect(mount(process, 1, '/deep/down/here/inside/it')).toBe(-ENOTSUP)
    expect(stat(process, '/deep/down/here/inside')).toBe(-ENOENT)
    mkdir(process, '/deep/down/here/there')
    expect(mount(process, 1, '/deep/down/here/there')).toBe(-ENOTSUP)
    close(process, open(process, '/file', O_CREAT | O_RDWR))
    expect(mount(process, 1, '/file')).toBe(-ENOTDIR)
    expect(mount(process, 1, '/file/below')).toBe(-ENOTDIR)
    expect(mount(process, MOUNTS_MAX, '/x')).toBe(-EINVAL)
    expect(mount(process, 1, '')).toBe(-EINVAL)
    expect(mount(process, 1, 'relative')).toBe(-EINVAL)
    expect(mount(process, 1, `/${'x'.repeat(4095)}`)).toBe(-EINVAL)
    expect(stat(process, '/x')).toBe(-ENOENT)
    expect(mounts()).toBe(2)
    expect(K.inodes).toBe(inodes + 1)
  })
})

function type(number: u8): u32 {
  store<u8>(filestat(), number, 16)
  return statMode()
}

describe('what a provider says', () => {
  it('is an errno of WASI, that this thread may not wait, or EIO', () => {
    expect(outcome(0)).toBe(0)
    expect(outcome(ENOENT)).toBe(-ENOENT)
    expect(outcome(ENOTCAPABLE)).toBe(-ENOTCAPABLE)
    expect(outcome(ENOTCAPABLE + 1)).toBe(-EIO)
    expect(outcome(0xffffffff)).toBe(-EIO)
    expect(outcome(EWOULDBLOCK_PARK)).toBe(-EWOULDBLOCK_PARK)
  })

  it('is a directory, a file, a symlink or of no type, with what the provider itself allows', () => {
    expect(type(3)).toBe(S_IFDIR | 0o777)
    expect(type(4)).toBe(S_IFREG | 0o666)
    expect(type(7)).toBe(S_IFLNK | 0o777)
    expect(type(0)).toBe(0o666)
    expect(type(255)).toBe(0o666)
    expect(toMs(1500000)).toBe(1.5)
    expect(toMs(<u64>-1000000)).toBe(-1)
  })

  it('stands apart from walks and texts in the thread’s buffer', () => {
    expect(<u32>(walkPart(1) - walkPart(0))).toBe(WALK_PART_BYTES)
    expect(<u32>(scratch() - walkPart(1))).toBe(WALK_PART_BYTES)
    expect(<u32>(filestat() - scratch())).toBe(SCRATCH_BYTES)
    expect(rootFd(3)).toBe(<u64>WASI_PREOPEN + 3)
  })
})

describe('a rename in a mount while memory is out', () => {
  it('forgets a path that it cannot keep, whole, and leaves no piece of another', () => {
    const walker = anotherProcess(0, 0)
    const part = 'p'.repeat(250)
    expect(mkdir(walker, '/deep/down/here/top')).toBe(0)
    expect(chdir(walker, '/deep/down/here/top')).toBe(0)
    for (let i = 0; i < 9; i++) {
      expect(mkdir(walker, part)).toBe(0)
      expect(chdir(walker, part)).toBe(0)
    }
    const long = getcwd(walker)
    expect(long.length).toBeGreaterThan(2040)
    expect(rename(process, '/deep/down/here/top', '/deep/down/here/roof')).toBe(0)
    expect(getcwd(walker)).toBe(long.replace('top', 'roof'))
    step(0)
    const before = structures()
    starve()
    expect(spare(2048)).toBe(true) // for the first piece of two
    expect(rename(process, '/deep/down/here/roof', '/deep/down/here/cave')).toBe(0)
    feed()
    expect(getcwd(walker)).toBe(`!${ENOENT}`)
    step(0)
    expect(structures()).toBe(before - 2)
    expect(chdir(walker, '/')).toBe(0)
  })
})
