/**
 * The file functions of WASI preview 1 over a tree in memory, for the kernel's unit tests: every mount is one and the same
 * tree, which begins empty with each spec. It keeps count of descriptors that are open: `fd_close` of one that is not is EBADF.
 * A name that begins with `denied` cannot be opened for writing (EACCES).
 */

const [EACCES, EBADF, EEXIST, EINVAL, EISDIR] = [2, 8, 20, 28, 31]
const [ENOENT, ENOTDIR, ENOTEMPTY, ELOOP] = [44, 54, 55, 32]
const TYPES = { directory: 3, file: 4, symlink: 7 }
const RIGHTS_WRITE = 64n
const [CREAT, DIRECTORY, EXCL] = [1, 2, 4]

class Failure extends Error {
  constructor(errno) {
    super(`errno ${errno}`)
    this.errno = errno
  }
}

const node = (type, serial) => ({
  type,
  ino: serial,
  nlink: 1,
  mtime: BigInt(serial) * 1_000_000_000n,
  atime: 0n,
  bytes: new Uint8Array(0),
  entries: new Map(),
  target: '',
})

const fail = (errno) => {
  throw new Failure(errno)
}

class Tree {
  #memory
  #serial = 100
  #root = node('directory', 99)
  #open = new Map()
  #nextFd = 1000

  constructor(memory) {
    this.#memory = memory
  }

  #view() {
    return new DataView(this.#memory.buffer)
  }

  #bytes(at, length) {
    return new Uint8Array(this.#memory.buffer, at >>> 0, length)
  }

  #text(at, length) {
    return new TextDecoder().decode(this.#bytes(at, length).slice())
  }

  /** => the directory that has the last name of a path, and that name. */
  #parentOf(path) {
    const names = path === '' ? [] : path.split('/')
    const name = names.pop() ?? ''
    let dir = this.#root
    for (const part of names) {
      dir = dir.entries.get(part) ?? fail(ENOENT)
      if (dir.type !== 'directory') fail(ENOTDIR)
    }
    return { dir, name }
  }

  #find(at, length) {
    const path = this.#text(at, length)
    if (path === '') return this.#root
    const { dir, name } = this.#parentOf(path)
    return dir.entries.get(name) ?? fail(ENOENT)
  }

  #add(path, type) {
    const { dir, name } = this.#parentOf(path)
    if (dir.entries.has(name)) fail(EEXIST)
    const made = node(type, this.#serial++)
    dir.entries.set(name, made)
    return made
  }

  #opened(fd) {
    return this.#open.get(fd) ?? fail(EBADF)
  }

  #putStat(at, { ino, type, nlink, bytes, atime, mtime }) {
    const values = [0, ino, TYPES[type], nlink, bytes.length, atime, mtime, mtime]
    const to = this.#view()
    for (const [i, value] of values.entries()) {
      to.setBigUint64((at >>> 0) + i * 8, BigInt(value), true)
    }
  }

  #resize(file, size) {
    const grown = new Uint8Array(size)
    grown.set(file.bytes.subarray(0, size))
    file.bytes = grown
    file.mtime += 1_000_000_000n
  }

  #vectors(iovs, count) {
    const list = this.#view()
    const word = (at) => list.getUint32((iovs >>> 0) + at, true)
    return Array.from({ length: count }, (_, i) => this.#bytes(word(i * 8), word(i * 8 + 4)))
  }

  #remove(at, length, directory) {
    const { dir, name } = this.#parentOf(this.#text(at, length))
    const there = dir.entries.get(name) ?? fail(ENOENT)
    if (directory !== (there.type === 'directory')) fail(directory ? ENOTDIR : EISDIR)
    if (there.entries.size > 0) fail(ENOTEMPTY)
    dir.entries.delete(name)
    there.nlink--
  }

  path_open(_fd, _lookup, at, length, oflags, rights, _inheriting, _fdflags, result) {
    const path = this.#text(at, length)
    const { dir, name } = this.#parentOf(path)
    let file = path === '' ? this.#root : dir.entries.get(name)
    if (file && oflags & EXCL) fail(EEXIST)
    if (!file && !(oflags & CREAT)) fail(ENOENT)
    const writes = (BigInt.asUintN(64, rights) & RIGHTS_WRITE) !== 0n
    if (writes && name.startsWith('denied')) fail(EACCES)
    file ??= this.#add(path, 'file')
    if (file.type === 'symlink') fail(ELOOP)
    if (file.type !== 'directory' && oflags & DIRECTORY) fail(ENOTDIR)
    if (file.type === 'directory' && writes) fail(EISDIR)
    this.#open.set(this.#nextFd, { file, writes })
    this.#view().setUint32(result >>> 0, this.#nextFd++, true)
  }

  fd_close(fd) {
    if (!this.#open.delete(fd)) fail(EBADF)
  }

  fd_pread(fd, iovs, count, offset, result) {
    const { file } = this.#opened(fd)
    let at = Number(offset)
    for (const into of this.#vectors(iovs, count)) {
      const part = file.bytes.subarray(at, at + into.length)
      into.set(part)
      at += part.length
    }
    this.#view().setUint32(result >>> 0, at - Number(offset), true)
  }

  fd_pwrite(fd, iovs, count, offset, result) {
    const { file, writes } = this.#opened(fd)
    if (!writes) fail(EBADF)
    let at = Number(offset)
    for (const from of this.#vectors(iovs, count)) {
      if (at + from.length > file.bytes.length) this.#resize(file, at + from.length)
      file.bytes.set(from, at)
      at += from.length
    }
    this.#view().setUint32(result >>> 0, at - Number(offset), true)
  }

  fd_filestat_get(fd, at) {
    this.#putStat(at, fd < 100 ? this.#root : this.#opened(fd).file)
  }

  fd_filestat_set_size(fd, size) {
    this.#resize(this.#opened(fd).file, Number(size))
  }

  fd_sync(fd) {
    this.#opened(fd)
  }

  fd_datasync(fd) {
    this.#opened(fd)
  }

  fd_readdir(fd, at, length, cookie, result) {
    const names = [...this.#opened(fd).file.entries].slice(Number(cookie))
    let used = 0
    for (const [i, [name, { ino, type }]] of names.entries()) {
      const letters = new TextEncoder().encode(name)
      const entry = new Uint8Array(24 + letters.length)
      const head = new DataView(entry.buffer)
      head.setBigUint64(0, cookie + BigInt(i) + 1n, true)
      head.setBigUint64(8, BigInt(ino), true)
      head.setUint32(16, letters.length, true)
      head.setUint8(20, TYPES[type])
      entry.set(letters, 24)
      const part = entry.subarray(0, Math.max(0, length - used))
      this.#bytes((at >>> 0) + used, part.length).set(part)
      used += part.length
    }
    this.#view().setUint32(result >>> 0, used, true)
  }

  path_filestat_get(_fd, _lookup, at, length, result) {
    this.#putStat(result, this.#find(at, length))
  }

  path_filestat_set_times(_fd, _lookup, at, length, atime, mtime, flags) {
    const file = this.#find(at, length)
    if (flags & 1) file.atime = atime
    if (flags & 4) file.mtime = mtime
  }

  fd_filestat_set_times(fd, atime, mtime, flags) {
    const { file } = this.#opened(fd)
    if (flags & 1) file.atime = atime
    if (flags & 4) file.mtime = mtime
  }

  path_create_directory(_fd, at, length) {
    this.#add(this.#text(at, length), 'directory')
  }

  path_remove_directory(_fd, at, length) {
    this.#remove(at, length, true)
  }

  path_unlink_file(_fd, at, length) {
    this.#remove(at, length, false)
  }

  path_rename(_fd, at, length, _newFd, newAt, newLength) {
    const from = this.#parentOf(this.#text(at, length))
    const moved = from.dir.entries.get(from.name) ?? fail(ENOENT)
    const to = this.#parentOf(this.#text(newAt, newLength))
    const there = to.dir.entries.get(to.name)
    if (there && there.entries.size > 0) fail(ENOTEMPTY)
    if (there) there.nlink--
    from.dir.entries.delete(from.name)
    to.dir.entries.set(to.name, moved)
  }

  path_link(_fd, _lookup, at, length, _newFd, newAt, newLength) {
    const file = this.#find(at, length)
    const { dir, name } = this.#parentOf(this.#text(newAt, newLength))
    if (dir.entries.has(name)) fail(EEXIST)
    file.nlink++
    dir.entries.set(name, file)
  }

  path_symlink(target, targetLength, _fd, at, length) {
    this.#add(this.#text(at, length), 'symlink').target = this.#text(target, targetLength)
  }

  path_readlink(_fd, at, length, to, most, result) {
    const link = this.#find(at, length)
    if (link.type !== 'symlink') fail(EINVAL)
    const part = new TextEncoder().encode(link.target).subarray(0, most)
    this.#bytes(to, part.length).set(part)
    this.#view().setUint32(result >>> 0, part.length, true)
  }
}

/** @param {WebAssembly.Memory} memory */
export function treeFiles(memory) {
  const tree = new Tree(memory)
  const names = Object.getOwnPropertyNames(Tree.prototype).filter((name) =>
    /^(fd|path)_/.test(name),
  )
  return Object.fromEntries(names.map((name) => [name, (...args) => answer(tree, name, args)]))
}

/** => the errno of a call, 0 when it was done. */
function answer(tree, name, args) {
  try {
    tree[name](...args)
    return 0
  } catch (error) {
    if (error instanceof Failure) return error.errno
    throw error
  }
}
