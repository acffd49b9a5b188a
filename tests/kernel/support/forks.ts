/** What the specs of fork stand on: a booted kernel, one process with mappings at a fixed place, and loads and stores by page. */
import {
  AT_FDCWD,
  BUFFER_RESULT,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  PROT_READ,
  PROT_WRITE,
  STATE_SEQ_SHIFT,
  THREAD_STATE,
} from '../../../assembly/abi'
import { sysAccess, sysRelease } from '../../../assembly/access'
import { attachThread } from '../../../assembly/boot'
import { sysReap } from '../../../assembly/exit'
import { sysFork } from '../../../assembly/fork'
import { sysMmap } from '../../../assembly/mmap'
import { sysOpen } from '../../../assembly/open'
import { findProcess, Process } from '../../../assembly/process'
import { frameOfPte, pteOf } from '../../../assembly/pte'
import { noSource } from '../../../assembly/source'
import { beginCall, endCall, enter, me, THREAD_BYTES, THREADS } from '../../../assembly/thread'
import { bootSpec, spawn } from './boot'
import { putText, textAt } from './kernel'
import { exemptStatic } from './transactions'

bootSpec(1100)
exemptStatic(changetype<usize>(noSource()), 8192)

export const RIGHTS: u32 = PROT_READ | PROT_WRITE
export const OWN: u32 = MAP_PRIVATE | MAP_ANONYMOUS
export const BASE: u32 = 0x90000000
export const PAGES: u32 = 8
/** The process of the spec that forks. */
export let parent: Process = spawn()

/** Another process is the parent from now on. */
export function setParent(process: Process): void {
  parent = process
}

export function at(page: u32): u32 {
  return BASE + (page << 12)
}

export function map(
  page: u32,
  pages: u32,
  flags: u32 = OWN,
  rights: u32 = RIGHTS,
  fd: i32 = -1,
): void {
  const result = sysMmap(parent, at(page), pages << 12, rights, flags | MAP_FIXED, fd, 0)
  assert(result == <i32>at(page), `mmap gave ${result}`)
}

export function access(process: Process, page: u32, write: bool): i32 {
  const result = sysAccess(process, at(page), 1, write)
  sysRelease()
  return result
}

export function loadByte(process: Process, page: u32): u8 {
  assert(access(process, page, false) == 0, 'load')
  return load<u8>(<usize>load<u32>(<usize>me().buffer + BUFFER_RESULT))
}

export function storeByte(process: Process, page: u32, value: u8): void {
  assert(access(process, page, true) == 0, 'store')
  store<u8>(<usize>load<u32>(<usize>me().buffer + BUFFER_RESULT), value)
}

export function open(process: Process, path: string, flags: u32): i32 {
  const bytes = putText(path, 0)
  return sysOpen(process, AT_FDCWD, textAt(0), bytes, flags, 0o644)
}

export function fork(): Process {
  beginCall(parent.pid)
  const pid = sysFork(parent)
  endCall()
  assert(pid > 0, `fork gave ${pid}`)
  return findProcess(<u32>pid)!
}

export function refsOf(process: Process, page: u32): u32 {
  return frameOfPte(pteOf(process.space!, at(page))).refs
}

/** Plays the next thread, the one before being dead: its slot is reaped. */
export function replaceThread(): void {
  const dead = me().index
  const sequence = load<u32>(THREADS + dead * THREAD_BYTES + THREAD_STATE) >> STATE_SEQ_SHIFT
  assert(attachThread(0) >= 0, 'no slot')
  enter()
  assert(sysReap(dead, sequence, true) == 0, 'reap')
}
