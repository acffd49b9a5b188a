/**
 * Where the sockets of inspected kernels are: one folder of the user's, nobody else's, with one socket a kernel, named `PID-KERNEL.sock`.
 *
 *   $XDG_RUNTIME_DIR/isopage       where that variable names a folder
 *   TMPDIR/isopage-UID             else
 *
 * Invariants:
 *   1. The folder is a folder, no symbolic link, belongs to who runs this, and only he may enter it (mode 0700): checked each time, as
 *      anybody may have made it where everybody may write.
 *   2. A socket's file is removed by whoever made it; a file whose process is gone, by whoever lists.
 * No static import of a Node module: only runtimes with node:fs come here.
 */
import { IsopageError } from '../errors.js'
import { builtin } from '../runtime.js'

export interface SocketFile {
  readonly path: string
  readonly pid: number
  /** The first eight characters of its kernel's id. */
  readonly kernel: string
}

/** sun_path without its end, on Linux and, shorter, elsewhere. */
const PATH_BYTES_MAX = 103
const NAME = /^(\d+)-([0-9a-f]{8})\.sock$/

/** => the folder, made if need be. ERR_INSPECT when what is there is not the user's alone, ERR_UNSUPPORTED on Windows. */
export async function socketFolder(): Promise<string> {
  const fs = await builtin('node:fs')
  if (process.platform === 'win32' || !process.getuid) {
    throw new IsopageError(
      'ERR_UNSUPPORTED',
      'ERR_UNSUPPORTED: inspect needs a system whose sockets are files',
    )
  }
  const uid = process.getuid()
  const path = await folderPath(uid)
  try {
    fs.mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw refused(path, 'can be made', error)
  }
  const found = fs.lstatSync(path)
  if (found.isSymbolicLink() || !found.isDirectory()) throw refused(path, 'is a folder itself')
  if (found.uid !== uid) throw refused(path, `belongs to you, uid ${uid}`)
  if ((found.mode & 0o77) !== 0) throw refused(path, 'is open to you alone: mode 0700')
  return path
}

async function folderPath(uid: number): Promise<string> {
  const fs = await builtin('node:fs')
  const runtime = process.env.XDG_RUNTIME_DIR
  if (runtime?.startsWith('/') && fs.statSync(runtime, { throwIfNoEntry: false })?.isDirectory()) {
    return `${runtime.replace(/\/+$/, '')}/isopage`
  }
  const { tmpdir } = await builtin('node:os')
  return `${tmpdir().replace(/\/+$/, '')}/isopage-${uid}`
}

/** => the path of a kernel's socket. ERR_INSPECT when no socket can have it. */
export async function socketPath(pid: number, kernelId: string): Promise<string> {
  const path = `${await socketFolder()}/${pid}-${kernelId.slice(0, 8)}.sock`
  if (new TextEncoder().encode(path).length <= PATH_BYTES_MAX) return path
  throw new IsopageError(
    'ERR_INSPECT',
    `ERR_INSPECT: '${path}' is longer than the ${PATH_BYTES_MAX} bytes of a socket's path: set XDG_RUNTIME_DIR to a shorter folder`,
  )
}

/** => the sockets of processes that live. Those of dead ones are removed. */
export async function socketFiles(): Promise<SocketFile[]> {
  const fs = await builtin('node:fs')
  const folder = await socketFolder()
  const found = fs.readdirSync(folder).flatMap((name) => {
    const [, pid, kernel] = NAME.exec(name) ?? []
    return kernel === undefined ? [] : [{ path: `${folder}/${name}`, pid: Number(pid), kernel }]
  })
  const dead = found.filter(({ pid }) => !isAlive(pid))
  for (const { path } of dead) fs.rmSync(path, { force: true })
  return found.filter((file) => !dead.includes(file)).sort((a, b) => a.pid - b.pid)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM'
  }
}

function refused(path: string, rule: string, cause?: unknown): IsopageError {
  return new IsopageError(
    'ERR_INSPECT',
    `ERR_INSPECT: sockets are kept in '${path}' only when that ${rule}`,
    { cause },
  )
}
