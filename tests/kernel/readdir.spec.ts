/** Listing and where one is: readdir, cwd. Every size of a read, directories that change under a reader, the longest paths. */
import {
  BUFFER_DATA,
  BUFFER_DATA_BYTES,
  DIRENT_BYTES,
  DIRENT_INO,
  DIRENT_NAME_BYTES,
  DIRENT_NEXT,
  DIRENT_TYPE,
  DT_DIR,
  DT_LNK,
  DT_REG,
  DT_UNKNOWN,
  EACCES,
  EBADF,
  EINVAL,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  O_CREAT,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
} from '../../assembly/abi'
import { sysFchdir } from '../../assembly/cwd'
import { openFiles } from '../../assembly/file'
import { Process } from '../../assembly/process'
import { sysReaddir } from '../../assembly/readdir'
import { K } from '../../assembly/root'
import {
  chdir,
  chmod,
  close,
  getcwd,
  mkdir,
  mkfifo,
  mount,
  open,
  rename,
  rmdir,
  stat,
  step,
  symlink,
  unlink,
} from './support/files'
import { anotherProcess, bootForSpec, getText, process, textAt } from './support/kernel'
import { structures } from './support/shortage'

bootForSpec()

/** What the last read left: names joined, and the cookie to go on with. */
let names: string = ''
let cookie: u64 = 0

/** => bytes or -errno of one read; its entries, which are whole, in `names`. */
function read(fd: i32, from: u64, bytes: u32): i32 {
  const got = step(sysReaddir(process, fd, from, bytes))
  names = ''
  let at: u32 = 0
  while (got > 0 && at < <u32>got) {
    const entry = textAt(BUFFER_DATA + at)
    const length = load<u32>(entry, DIRENT_NAME_BYTES)
    names += `${getText(BUFFER_DATA + at + DIRENT_BYTES, length)} `
    cookie = load<u64>(entry, DIRENT_NEXT)
    at += DIRENT_BYTES + length
  }
  assert(got < 0 || at == <u32>got, 'an entry was cut off')
  return got
}

function create(path: string): void {
  close(process, open(process, path, O_CREAT | O_RDWR))
}

/** => type and number of the only entry after the dots. */
function typeOf(fd: i32): u32 {
  assert(read(fd, 2, 4096) > 0, 'no entry')
  assert(load<u64>(textAt(BUFFER_DATA), DIRENT_INO) != 0, 'no number')
  return load<u32>(textAt(BUFFER_DATA), DIRENT_TYPE)
}

describe('readdir', () => {
  it('gives each entry once, whatever a read holds: a size that fits one but not the next leaves the next', () => {
    mkdir(process, '/r')
    create('/r/x')
    create('/r/y')
    const fd = open(process, '/r', O_RDONLY | O_DIRECTORY)
    for (let bytes: u32 = 20; bytes < 106; bytes++) {
      cookie = 0
      let seen = ''
      let reads = 0
      let got = read(fd, 0, bytes)
      while (got > 0) {
        seen += names
        assert(++reads < 9, `${bytes} bytes: no end`)
        got = read(fd, cookie, bytes)
      }
      const whole = seen.startsWith('. .. ') && seen.length == '. .. x y '.length
      if (bytes < DIRENT_BYTES + 2) assert(got == -EINVAL, `${bytes} bytes: ${got}`)
      else assert(got == 0 && whole, `${bytes} bytes: ${seen}`)
    }
    close(process, fd)
  })

  it('meets every entry that stays exactly once, while others come and go', () => {
    mkdir(process, '/c')
    for (let i = 0; i < 60; i++) create(`/c/stays${i}`)
    const fd = open(process, '/c', O_RDONLY | O_DIRECTORY)
    let turn = 0
    for (let round = 0; round < 4; round++) {
      const seen = new Map<string, i32>()
      let got = read(fd, 0, 200)
      while (got > 0) {
        const met = names.trimEnd().split(' ')
        for (let i = 0; i < met.length; i++) {
          seen.set(met[i], (seen.has(met[i]) ? seen.get(met[i]) : 0) + 1)
        }
        const at = cookie
        for (let i = 0; i < 4; i++) {
          const path = `/c/comes${(turn * 7919) % 40}`
          if (turn++ % 3 != 0) create(path)
          else unlink(process, path)
        }
        got = read(fd, at, 200)
      }
      for (let i = 0; i < 60; i++) assert(seen.get(`stays${i}`) == 1, `stays${i}`)
      assert(seen.get('.') == 1 && seen.get('..') == 1, 'dots')
      for (let i = 0; i < 40; i++) {
        const name = `comes${i}`
        assert(!seen.has(name) || seen.get(name) == 1, name)
      }
    }
    close(process, fd)
  })

  it('says what each entry is, ends past the last cookie, and takes any', () => {
    mkdir(process, '/k')
    const fd = open(process, '/k', O_RDONLY | O_DIRECTORY)
    create('/k/a')
    expect(typeOf(fd)).toBe(DT_REG)
    unlink(process, '/k/a')
    symlink(process, 'x', '/k/a')
    expect(typeOf(fd)).toBe(DT_LNK)
    unlink(process, '/k/a')
    mkfifo(process, '/k/a')
    expect(typeOf(fd)).toBe(DT_UNKNOWN)
    unlink(process, '/k/a')
    mkdir(process, '/k/a')
    expect(typeOf(fd)).toBe(DT_DIR)
    expect(read(fd, 1, 4096)).toBe(2 * DIRENT_BYTES + 3)
    expect(names).toBe('.. a ')
    expect(read(fd, cookie, 4096)).toBe(0)
    expect(read(fd, 0xffffffff, 4096)).toBe(0)
    expect(read(fd, 0xffffffffffffffff, 0xffffffff)).toBe(0)
    expect(read(fd, 0, BUFFER_DATA_BYTES + 1)).toBe(3 * DIRENT_BYTES + 4)
    rmdir(process, '/k/a')
    rmdir(process, '/k')
    expect(read(fd, 0, 4096)).toBe(-ENOENT)
    close(process, fd)
  })

  it('is for directories that are open for reading', () => {
    create('/file')
    const before = openFiles()
    expect(read(-1, 0, 4096)).toBe(-EBADF)
    expect(read(99, 0, 4096)).toBe(-EBADF)
    const path = open(process, '/', O_PATH)
    expect(read(path, 0, 4096)).toBe(-EBADF)
    const file = open(process, '/file', O_RDONLY)
    expect(read(file, 0, 4096)).toBe(-ENOTDIR)
    const written = open(process, '/file', O_WRONLY)
    expect(read(written, 0, 4096)).toBe(-EBADF)
    close(process, path)
    close(process, file)
    close(process, written)
    expect(openFiles()).toBe(before)
  })

  it('of a mount keeps what it read first until its end or its close, and leaves nothing of it', () => {
    expect(mount(process, 0, '/mnt')).toBe(0)
    for (let i = 0; i < 90; i++) mkdir(process, `/mnt/${'directory'.repeat(12)}${i}`)
    for (let bytes: u32 = 50; bytes < 53; bytes++) {
      const small = open(process, '/mnt', O_RDONLY | O_DIRECTORY)
      expect(read(small, 0, bytes)).toBe(bytes < 51 ? 25 : 51)
      expect(read(small, cookie, 4096)).toBeGreaterThan(0)
      expect(names.startsWith(bytes < 51 ? '.. directory' : 'directory')).toBe(true)
      close(process, small)
      step(0)
    }
    const fd = open(process, '/mnt', O_RDONLY | O_DIRECTORY)
    const before = structures()
    expect(read(fd, 0, 4096)).toBeGreaterThan(2000)
    expect(structures()).toBeGreaterThan(before)
    rmdir(process, `/mnt/${'directory'.repeat(12)}89`)
    let count = names.split(' ').length
    while (read(fd, cookie, 4096) > 0) count += names.split(' ').length - 1
    expect(count).toBe(93)
    expect(structures()).toBe(before)
    expect(read(fd, 0, 4096)).toBeGreaterThan(2000)
    close(process, fd)
    step(0)
    expect(structures()).toBeLessThan(before)
  })
})

const part = 'p'.repeat(254)

/** => a process whose working directory has a path of 4080 bytes. */
function deepWalker(): Process {
  const walker = anotherProcess(0, 0)
  chdir(walker, '/')
  for (let i = 0; i < 16; i++) {
    expect(mkdir(walker, part)).toBe(0)
    expect(chdir(walker, part)).toBe(0)
  }
  expect(getcwd(walker).length).toBe(4080)
  return walker
}

describe('the working directory', () => {
  it('is said while its path has fewer than 4096 bytes, in the tree', () => {
    const walker = deepWalker()
    expect(mkdir(walker, 'q'.repeat(14))).toBe(0)
    expect(mkdir(walker, 'r'.repeat(15))).toBe(0)
    expect(chdir(walker, 'q'.repeat(14))).toBe(0)
    expect(getcwd(walker).length).toBe(4095)
    expect(chdir(walker, `../${'r'.repeat(15)}`)).toBe(0)
    expect(getcwd(walker)).toBe(`!${ENAMETOOLONG}`)
    expect(chdir(walker, '..')).toBe(0)
    expect(rmdir(walker, 'q'.repeat(14))).toBe(0)
    expect(rmdir(walker, 'r'.repeat(15))).toBe(0)
    for (let i = 0; i < 16; i++) {
      expect(chdir(walker, '..')).toBe(0)
      expect(rmdir(walker, part)).toBe(0)
    }
  })

  it('is entered by descriptor too, with the right to search', () => {
    const user = anotherProcess(1000, 1000)
    mkdir(process, '/closed', 0o744)
    const fd = open(user, '/closed', O_RDONLY | O_DIRECTORY)
    expect(step(sysFchdir(user, fd))).toBe(-EACCES)
    expect(chdir(user, '/closed')).toBe(-EACCES)
    chmod(process, '/closed', 0o755)
    expect(step(sysFchdir(user, fd))).toBe(0)
    expect(getcwd(user)).toBe('/closed')
    expect(step(sysFchdir(user, 5))).toBe(-EBADF)
    const file = open(user, '/file', O_RDONLY)
    expect(step(sysFchdir(user, file))).toBe(-ENOTDIR)
    expect(rename(process, '/closed', '/opened')).toBe(0)
    expect(getcwd(user)).toBe('/opened')
    const inodes = K.inodes
    expect(rmdir(process, '/opened')).toBe(0)
    expect(K.inodes).toBe(inodes)
    expect(getcwd(user)).toBe(`!${ENOENT}`)
    close(user, fd)
    expect(chdir(user, '/')).toBe(0)
    expect(K.inodes).toBe(inodes - 1)
  })

  it('of a mount on the root is said while its path has fewer than 4096 bytes', () => {
    expect(mount(process, 1, '/')).toBe(0)
    const walker = deepWalker()
    expect(mkdir(walker, 'q'.repeat(14))).toBe(0)
    expect(chdir(walker, 'q'.repeat(14))).toBe(0)
    expect(getcwd(walker).length).toBe(4095)
    expect(chdir(walker, '..')).toBe(0)
    expect(mkdir(walker, 'r'.repeat(15))).toBe(0)
    expect(chdir(walker, 'r'.repeat(15))).toBe(0)
    expect(getcwd(walker)).toBe(`!${ENAMETOOLONG}`)
    expect(stat(walker, '.')).toBe(0)
  })
})
