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

/** @param {WebAssembly.Memory} memory */
export function treeFiles(memory) {
  let serial = 100
  const node = (type) => ({
    type,
    ino: serial++,
    nlink: 1,
    mtime: BigInt(serial) * 1_000_000_000n,
    atime: 0n,
    bytes: new Uint8Array(0),
    entries: new Map(),
    target: '',
  })
  const root = node('directory')
  const open = new Map()
  let nextFd = 1000

  const view = () => new DataView(memory.buffer)
  const bytesAt = (at, length) => new Uint8Array(memory.buffer, at >>> 0, length)
  const text = (at, length) => new TextDecoder().decode(bytesAt(at, length).slice())
  const fail = (errno) => {
    throw new Failure(errno)
  }

  /** => the directory that has the last name of a path, and that name. */
  function parentOf(path) {
    const names = path === '' ? [] : path.split('/')
    const name = names.pop() ?? ''
    let dir = root
    for (const part of names) {
      dir = dir.entries.get(part) ?? fail(ENOENT)
      if (dir.type !== 'directory') fail(ENOTDIR)
    }
    return { dir, name }
  }
  function find(path) {
    if (path === '') return root
    const { dir, name } = parentOf(path)
    return dir.entries.get(name) ?? fail(ENOENT)
  }
  function add(path, type) {
    const { dir, name } = parentOf(path)
    if (dir.entries.has(name)) fail(EEXIST)
    const made = node(type)
    dir.entries.set(name, made)
    return made
  }
  const opened = (fd) => open.get(fd) ?? fail(EBADF)

  function putStat(at, { ino, type, nlink, bytes, atime, mtime }) {
    const to = view()
    const values = [0, ino, TYPES[type], nlink, bytes.length, atime, mtime, mtime]
    values.forEach((value, i) => {
      to.setBigUint64((at >>> 0) + i * 8, BigInt(value), true)
    })
  }
  function resize(file, size) {
    const grown = new Uint8Array(size)
    grown.set(file.bytes.subarray(0, size))
    file.bytes = grown
    file.mtime += 1_000_000_000n
  }
  function vectors(iovs, count) {
    const list = view()
    return Array.from({ length: count }, (_, i) =>
      bytesAt(
        list.getUint32((iovs >>> 0) + i * 8, true),
        list.getUint32((iovs >>> 0) + i * 8 + 4, true),
      ),
    )
  }
  function remove(path, wanted) {
    const { dir, name } = parentOf(path)
    const there = dir.entries.get(name) ?? fail(ENOENT)
    if (wanted === 'directory' && there.type !== 'directory') fail(ENOTDIR)
    if (wanted !== 'directory' && there.type === 'directory') fail(EISDIR)
    if (there.entries.size > 0) fail(ENOTEMPTY)
    dir.entries.delete(name)
    there.nlink--
  }

  const functions = {
    path_open(_fd, _lookup, at, length, oflags, rights, _inheriting, _fdflags, result) {
      const path = text(at, length)
      const { dir, name } = parentOf(path)
      let file = path === '' ? root : dir.entries.get(name)
      if (file && oflags & EXCL) fail(EEXIST)
      if (!file && !(oflags & CREAT)) fail(ENOENT)
      const writes = (BigInt.asUintN(64, rights) & RIGHTS_WRITE) !== 0n
      if (writes && name.startsWith('denied')) fail(EACCES)
      file ??= add(path, 'file')
      if (file.type === 'symlink') fail(ELOOP)
      if (file.type !== 'directory' && oflags & DIRECTORY) fail(ENOTDIR)
      if (file.type === 'directory' && writes) fail(EISDIR)
      open.set(nextFd, { file, writes })
      view().setUint32(result >>> 0, nextFd++, true)
    },
    fd_close: (fd) => open.delete(fd) || fail(EBADF),
    fd_pread(fd, iovs, count, offset, result) {
      const { file } = opened(fd)
      let at = Number(offset)
      for (const into of vectors(iovs, count)) {
        const part = file.bytes.subarray(at, at + into.length)
        into.set(part)
        at += part.length
      }
      view().setUint32(result >>> 0, at - Number(offset), true)
    },
    fd_pwrite(fd, iovs, count, offset, result) {
      const { file, writes } = opened(fd)
      if (!writes) fail(EBADF)
      let at = Number(offset)
      for (const from of vectors(iovs, count)) {
        if (at + from.length > file.bytes.length) resize(file, at + from.length)
        file.bytes.set(from, at)
        at += from.length
      }
      view().setUint32(result >>> 0, at - Number(offset), true)
    },
    fd_filestat_get: (fd, at) => putStat(at, fd < 100 ? root : opened(fd).file),
    fd_filestat_set_size: (fd, size) => resize(opened(fd).file, Number(size)),
    fd_sync: (fd) => opened(fd),
    fd_datasync: (fd) => opened(fd),
    fd_readdir(fd, at, length, cookie, result) {
      let used = 0
      const names = [...opened(fd).file.entries].slice(Number(cookie))
      names.forEach(([name, { ino, type }], i) => {
        const letters = new TextEncoder().encode(name)
        const entry = new Uint8Array(24 + letters.length)
        const head = new DataView(entry.buffer)
        head.setBigUint64(0, cookie + BigInt(i) + 1n, true)
        head.setBigUint64(8, BigInt(ino), true)
        head.setUint32(16, letters.length, true)
        head.setUint8(20, TYPES[type])
        entry.set(letters, 24)
        const part = entry.subarray(0, Math.max(0, length - used))
        bytesAt(at + used, part.length).set(part)
        used += part.length
      })
      view().setUint32(result >>> 0, used, true)
    },
    path_filestat_get: (_fd, _lookup, at, length, result) => putStat(result, find(text(at, length))),
    path_filestat_set_times(_fd, _lookup, at, length, atime, mtime, flags) {
      const file = find(text(at, length))
      if (flags & 1) file.atime = atime
      if (flags & 4) file.mtime = mtime
    },
    path_create_directory: (_fd, at, length) => add(text(at, length), 'directory'),
    path_remove_directory: (_fd, at, length) => remove(text(at, length), 'directory'),
    path_unlink_file: (_fd, at, length) => remove(text(at, length), 'file'),
    path_rename(_fd, at, length, _newFd, newAt, newLength) {
      const from = parentOf(text(at, length))
      const moved = from.dir.entries.get(from.name) ?? fail(ENOENT)
      const to = parentOf(text(newAt, newLength))
      const there = to.dir.entries.get(to.name)
      if (there && there.entries.size > 0) fail(ENOTEMPTY)
      if (there) there.nlink--
      from.dir.entries.delete(from.name)
      to.dir.entries.set(to.name, moved)
    },
    path_link(_fd, _lookup, at, length, _newFd, newAt, newLength) {
      const file = find(text(at, length))
      const { dir, name } = parentOf(text(newAt, newLength))
      if (dir.entries.has(name)) fail(EEXIST)
      file.nlink++
      dir.entries.set(name, file)
    },
    path_symlink(target, targetLength, _fd, at, length) {
      add(text(at, length), 'symlink').target = text(target, targetLength)
    },
    path_readlink(_fd, at, length, to, most, result) {
      const link = find(text(at, length))
      if (link.type !== 'symlink') fail(EINVAL)
      const part = new TextEncoder().encode(link.target).subarray(0, most)
      bytesAt(to, part.length).set(part)
      view().setUint32(result >>> 0, part.length, true)
    },
  }
  const guarded = (call) =>
    function answer(...args) {
      try {
        call(...args)
        return 0
      } catch (error) {
        if (error instanceof Failure) return error.errno
        throw error
      }
    }
  return Object.fromEntries(
    Object.entries(functions).map(([name, call]) => [name, guarded(call)]),
  )
}
