/**
 * The ring, from the side that owns files: takes a request that another thread put there, makes the WASI call with its
 * arguments, and gives the result back. The one place that decodes requests; layouts stand in assembly/abi.ts, the
 * protocol in assembly/pager.ts.
 */
import * as abi from '../assembly/abi.js'
import type { WasiFiles } from './providers/preview1.js'

/** What is needed of an instance. */
export interface RingSide {
  readonly view: DataView
  readonly lastCalls: {
    ring_take(): number
    ring_done(slot: number, errno: number): number
  }
}

/**
 * The function of each op, and its parameters in order: `n` a 32-bit number, `b` a 64-bit one.
 * Source: the witx of preview 1, which is also the order in which pager.ts stores the arguments.
 */
const OPS: ReadonlyMap<number, readonly [keyof WasiFiles, string]> = new Map([
  [abi.WASI_PATH_OPEN, ['path_open', 'nnnnnbbnn']],
  [abi.WASI_FD_CLOSE, ['fd_close', 'n']],
  [abi.WASI_FD_PREAD, ['fd_pread', 'nnnbn']],
  [abi.WASI_FD_PWRITE, ['fd_pwrite', 'nnnbn']],
  [abi.WASI_FD_FILESTAT_GET, ['fd_filestat_get', 'nn']],
  [abi.WASI_FD_FILESTAT_SET_SIZE, ['fd_filestat_set_size', 'nb']],
  [abi.WASI_FD_FILESTAT_SET_TIMES, ['fd_filestat_set_times', 'nbbn']],
  [abi.WASI_FD_SYNC, ['fd_sync', 'n']],
  [abi.WASI_FD_DATASYNC, ['fd_datasync', 'n']],
  [abi.WASI_FD_READDIR, ['fd_readdir', 'nnnbn']],
  [abi.WASI_PATH_FILESTAT_GET, ['path_filestat_get', 'nnnnn']],
  [abi.WASI_PATH_FILESTAT_SET_TIMES, ['path_filestat_set_times', 'nnnnbbn']],
  [abi.WASI_PATH_CREATE_DIRECTORY, ['path_create_directory', 'nnn']],
  [abi.WASI_PATH_REMOVE_DIRECTORY, ['path_remove_directory', 'nnn']],
  [abi.WASI_PATH_UNLINK_FILE, ['path_unlink_file', 'nnn']],
  [abi.WASI_PATH_RENAME, ['path_rename', 'nnnnnn']],
  [abi.WASI_PATH_LINK, ['path_link', 'nnnnnnn']],
  [abi.WASI_PATH_SYMLINK, ['path_symlink', 'nnnnn']],
  [abi.WASI_PATH_READLINK, ['path_readlink', 'nnnnnn']],
])

/** Serves every request that waits for this thread; those that a provider answers later are in `later` until then. => how many it took. */
export function serveRing(side: RingSide, files: WasiFiles, later: Set<Promise<void>>): number {
  let taken = 0
  for (; taken < abi.RING_SLOTS; taken++) {
    const slot = side.lastCalls.ring_take() >>> 0
    if (slot === 0) break
    const errno = callFor(side.view, slot, files)
    if (typeof errno === 'number') side.lastCalls.ring_done(slot, errno)
    else {
      const answer = errno.then((late) => void side.lastCalls.ring_done(slot, late))
      later.add(answer)
      answer.finally(() => later.delete(answer))
    }
  }
  return taken
}

function callFor(view: DataView, slot: number, files: WasiFiles): number | Promise<number> {
  const op = OPS.get(view.getUint32(slot + abi.RING_OP, true))
  if (!op) return abi.ENOSYS
  const [name, parameters] = op
  const args = Array.from(parameters, (kind, index) => {
    const at = slot + abi.RING_ARGS + 8 * index
    return kind === 'b' ? view.getBigUint64(at, true) : view.getUint32(at, true)
  })
  return (files[name] as (...args: unknown[]) => number | Promise<number>)(...args)
}
