/**
 * A booted kernel for specs: small, in memory behind the spec's own heap, with this thread attached and IN.
 *
 * Each spec file is an instance of its own: boot once, at its top.
 */
import { attachThread, bootKernel } from '../../../assembly/boot'
import { readyBuffer } from '../../../assembly/buffer'
import { FRAME_BYTES } from '../../../assembly/frame'
import { lock, unlock } from '../../../assembly/lock'
import { PANIC } from '../../../assembly/panic'
import { newProcess, Process } from '../../../assembly/process'
import { K } from '../../../assembly/root'
import { enter } from '../../../assembly/thread'
import { sysCheck } from '../../../assembly/verify'
import { ignoreTransaction, watchTransactions } from './transactions'

/** Boots a kernel of about `frames` frames of 4096 bytes; its transactions are watched from then on. */
export function bootSpec(frames: u32, mappingsMax: u32 = 4096, dirtyPagesMax: u32 = 256): void {
  const bytes = frames * (4096 + FRAME_BYTES) + 8192
  const pages = <i32>((bytes + 0xffff) >> 16)
  const base = (<u32>memory.grow(pages)) << 16
  const result = bootKernel(
    <f64>(base + <u32>pages * 65536),
    12,
    1000,
    mappingsMax,
    dirtyPagesMax,
    1000,
    4096,
    base,
  )
  assert(result == 0, 'boot failed')
  assert(attachThread(0) == 0, 'attach failed')
  enter()
  assert(readyBuffer() == 0, 'no buffer')
  watchTransactions()
}

/** => a process that is root. */
export function spawn(): Process {
  lock()
  const process = newProcess(0)
  unlock()
  assert(process != null, 'no process')
  return process!
}

/** Runs every structure checker. */
export function checkAll(): void {
  sysCheck()
}

/** Forgets a panic that a spec provoked, and does not judge the transaction it happened in. */
export function forgetPanic(): void {
  ignoreTransaction()
  store<u32>(PANIC, 0)
}

/** => frames in no use. */
export function freeFrames(): u32 {
  return K.freeFrames
}
