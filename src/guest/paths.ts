/** Paths of a guest: bytes in its memory, put into the kernel's buffer for a call. */
import {
  BUFFER_PATH2,
  BUFFER_RESULT,
  EILSEQ,
  EINVAL,
  ENAMETOOLONG,
  EPERM,
  PATH_MAX,
} from '../../assembly/abi.js'
import { Errno } from './memory.js'
import type { GuestThread } from './thread.js'

const SLASH = 0x2f
const DOT = 0x2e

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Puts a path into the buffer, the second one of a call with `second`. => its address and bytes. ENAMETOOLONG. */
export function putPath(
  { instance }: GuestThread,
  path: Uint8Array,
  second = false,
): [number, number] {
  if (path.length >= PATH_MAX) throw new Errno(ENAMETOOLONG)
  const at = instance.resultAt - BUFFER_RESULT + (second ? BUFFER_PATH2 : 0)
  instance.bytes.set(path, at)
  return [at, path.length]
}

/**
 * => a path as preview 1 gives it: no NUL, text, and not above the directory that it begins at: EPERM. With `free` it may go up.
 */
export function checkedPath(path: Uint8Array, free: boolean): Uint8Array {
  if (path.includes(0)) throw new Errno(EINVAL)
  try {
    utf8.decode(path.slice())
  } catch {
    throw new Errno(EILSEQ)
  }
  if (!free && leaves(path)) throw new Errno(EPERM)
  return path
}

/** => the path is absolute, or its `..` go up more often than names went down. */
function leaves(path: Uint8Array): boolean {
  if (path[0] === SLASH) return true
  let depth = 0
  for (let start = 0; start <= path.length; ) {
    const slash = path.indexOf(SLASH, start)
    const end = slash < 0 ? path.length : slash
    const dots = path.subarray(start, end).every((byte) => byte === DOT) ? end - start : 0
    if (dots === 2) depth--
    else if (end > start && dots !== 1) depth++
    if (depth < 0) return true
    start = end + 1
  }
  return false
}
