/** Rounds against the clock, and the mounts that rows use. */

import { disk, O, opfs } from '../../dist/src/index.js'

/**
 * @param {number} count
 * @param {(index: number) => void} round
 * @returns {number} nanoseconds of one round
 */
export function nsPerRound(count, round) {
  const startMs = performance.now()
  for (let i = 0; i < count; i++) round(i)
  return ((performance.now() - startMs) * 1e6) / count
}

/** A folder on the disk as a mount: node:fs where there is one, else the origin private file system. */
export function diskMount(dir) {
  return typeof globalThis.process?.versions?.node === 'string' ? disk(dir) : opfs(dir)
}

const CHUNK = 2 ** 20

/**
 * Opens the file that rows map: `bytes` long, every block of it written.
 * @returns {number} its descriptor
 */
export function openFilled(process, path, bytes) {
  const fd = process.open(path, O.CREAT | O.RDWR, 0o600)
  const chunk = new Uint8Array(CHUNK).fill(7)
  for (let at = 0; at < bytes; at += CHUNK) process.pwrite(fd, chunk, at)
  process.fsync(fd)
  return fd
}
