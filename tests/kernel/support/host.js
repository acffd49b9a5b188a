/**
 * The host that the kernel's unit tests run on: what env.ts and wasi_snapshot_preview1.ts import, and disk.ts, by which specs
 * script it. Files are bytes by descriptor; names do not exist (path calls are ENOSYS). Everything is deterministic: the clock moves
 * a thousandth of a millisecond with each look and when a spec says so, randomness is seeded by ISOPAGE_SEED (1 by default).
 */

const EBADF = 8
const ENOSYS = 52
const PATH_CALLS = [
  'path_open',
  'fd_readdir',
  'path_filestat_get',
  'path_filestat_set_times',
  'path_create_directory',
  'path_remove_directory',
  'path_unlink_file',
  'path_rename',
  'path_link',
  'path_symlink',
  'path_readlink',
]

/** @param {WebAssembly.Memory} memory */
export function createHost(memory) {
  const disk = createDisk(memory)
  const faults = []
  const seed = Number(process.env.ISOPAGE_SEED ?? 1) >>> 0
  let clock = 1000
  let state = seed || 1
  const env = {
    now: (realtime) => {
      clock += 1 / 1024
      return (realtime ? 1.7e12 : 0) + clock
    },
    random: () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return state
    },
    panicked: (code, detail) => {
      throw new Error(`kernel panic ${code}, detail ${detail >>> 0}`)
    },
    stalled: (owner) => {
      throw new Error(`the kernel lock is held by thread ${owner}`)
    },
    stopped: () => {
      throw new Error('this thread was stopped')
    },
    serve: () => {},
    faulted: (kind, address) => {
      faults.push({ kind, address: address >>> 0 })
    },
  }
  const script = {
    seed: () => seed,
    faultKind: () => faults.at(-1)?.kind ?? 0,
    faultAddress: () => faults.at(-1)?.address ?? 0,
    passMs: (ms) => {
      clock += ms
    },
    ...disk.script,
  }
  return { env, disk: script, wasi_snapshot_preview1: disk.wasi }
}

function createDisk(memory) {
  const files = new Map()
  const calls = new Map()
  let plans = []
  let most = Number.POSITIVE_INFINITY

  const fileOf = (fd) => {
    if (!files.has(fd)) files.set(fd, { bytes: new Uint8Array(0), size: 0 })
    return files.get(fd)
  }
  const resize = (file, size) => {
    if (size > file.bytes.length) {
      const bytes = new Uint8Array(Math.max(size, file.bytes.length * 2))
      bytes.set(file.bytes.subarray(0, file.size))
      file.bytes = bytes
    }
    if (size < file.size) file.bytes.fill(0, size, file.size)
    file.size = size
  }
  /** Counts the call and does what is planned for it. => errno */
  const begin = (op) => {
    calls.set(op, (calls.get(op) ?? 0) + 1)
    let error = 0
    plans = plans.filter((plan) => {
      if (plan.op !== op || plan.after-- > 0) return true
      if (plan.error !== undefined) error = plan.error
      else new Uint8Array(memory.buffer)[plan.address] = plan.value
      return --plan.times > 0
    })
    return error
  }
  /** Moves bytes between a file and the buffers of an iovec array. */
  const transfer = (op, fd, iovs, count, offset, result, move) => {
    const error = begin(op)
    if (error !== 0) return error
    if (!files.has(fd)) return EBADF
    const view = new DataView(memory.buffer)
    let done = 0
    for (let i = 0; i < count; i++) {
      const to = view.getUint32(iovs + 8 * i, true)
      const bytes = Math.min(view.getUint32(iovs + 8 * i + 4, true), most - done)
      done += move(fileOf(fd), Number(offset) + done, new Uint8Array(memory.buffer, to, bytes))
    }
    view.setUint32(result, done, true)
    return 0
  }
  const read = (file, offset, to) => {
    const bytes = file.bytes.subarray(offset, Math.min(file.size, offset + to.length))
    to.set(bytes)
    return bytes.length
  }
  const write = (file, offset, from) => {
    if (offset + from.length > file.size) resize(file, offset + from.length)
    file.bytes.set(from, offset)
    return from.length
  }
  const plain = (op, work) => (fd, argument) => {
    const error = begin(op)
    if (error !== 0) return error
    if (!files.has(fd)) return EBADF
    work(fileOf(fd), argument)
    return 0
  }
  const wasi = {
    // The numbers are WASI_* of assembly/abi.ts.
    fd_close: plain(2, () => {}),
    fd_pread: (fd, iovs, n, offset, to) => transfer(3, fd >>> 0, iovs, n, offset, to, read),
    fd_pwrite: (fd, iovs, n, offset, to) => transfer(4, fd >>> 0, iovs, n, offset, to, write),
    fd_filestat_get: plain(5, (file, to) => {
      const view = new DataView(memory.buffer, to, 64)
      for (let i = 0; i < 64; i++) view.setUint8(i, 0)
      view.setBigUint64(32, BigInt(file.size), true)
    }),
    fd_filestat_set_size: plain(6, (file, size) => resize(file, Number(size))),
    fd_filestat_set_times: plain(19, () => {}),
    fd_sync: plain(7, () => {}),
    fd_datasync: plain(8, () => {}),
  }
  for (const name of PATH_CALLS) wasi[name] = () => ENOSYS
  const script = {
    resetDisk: () => {
      files.clear()
      calls.clear()
      plans = []
      most = Number.POSITIVE_INFINITY
    },
    setSize: (fd, size) => resize(fileOf(fd), size),
    sizeOf: (fd) => fileOf(fd).size,
    setByte: (fd, offset, value) => {
      fileOf(fd).bytes[offset] = value
    },
    byteAt: (fd, offset) => fileOf(fd).bytes[offset] ?? 0,
    failCalls: (op, after, times, error) => plans.push({ op, after, times, error }),
    pokeDuring: (op, after, address, value) =>
      plans.push({ op, after, times: 1, address: address >>> 0, value }),
    shorten: (bytes) => {
      most = bytes || Number.POSITIVE_INFINITY
    },
    callsOf: (op) => calls.get(op) ?? 0,
  }
  return { wasi, script }
}
