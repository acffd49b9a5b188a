/**
 * Segments of specs: calls that sweep and check as the system-call table does, and a beginning and an end for each test that count frames and promises.
 */
import { BUFFER_RESULT, WINDOW_START } from '../../../assembly/abi'
import { sysAccess, sysRelease } from '../../../assembly/access'
import { sysExit } from '../../../assembly/exit'
import { sweepIdle } from '../../../assembly/idle'
import { sysIpcNext } from '../../../assembly/ipc'
import {
  IPC_PRIVATE,
  IPC_RMID,
  IPC_SHM,
  IPC_STAT,
  SHM_STAT_ANY,
  SHMID_DS_NATTCH,
} from '../../../assembly/ipcabi'
import { Process } from '../../../assembly/process'
import { K } from '../../../assembly/root'
import { segmentPages } from '../../../assembly/segment'
import { sysShmat, sysShmctl, sysShmdt, sysShmget, sysShmObserve } from '../../../assembly/shm'
import { noSource } from '../../../assembly/source'
import { bootSpec, checkAll, spawn } from './boot'
import { textAt } from './kernel'
import { dieAtEveryPush, exemptStatic, expectUndone } from './transactions'
export const PAGE: u32 = 4096
export const AT: u32 = WINDOW_START + (16 << 20)

/** The process that most steps are for; root. */
export let root: Process = changetype<Process>(0)

/** As the system-call table ends a call: what became idle is swept, and every checker runs. */
export function step(result: i32): i32 {
  sweepIdle()
  checkAll()
  return result
}

export function get(process: Process, key: i32, size: u64, flags: u32): i32 {
  return step(sysShmget(process, key, size, flags))
}

export function make(pages: u32, mode: u32 = 0o600): i32 {
  const id = get(root, IPC_PRIVATE, pages * PAGE, mode)
  assert(id >= 0, `shmget gave ${id}`)
  return id
}

export function at(process: Process, id: i32, address: u64 = 0, flags: u32 = 0): i32 {
  return step(sysShmat(process, id, address, flags))
}

/** Attaches where it must work. => the address. */
export function attach(process: Process, id: i32, address: u64 = 0, flags: u32 = 0): u32 {
  const result = at(process, id, address, flags)
  assert(result >= 0 || result < -4096, `shmat gave ${result}`)
  return <u32>result
}

export function dt(process: Process, address: u64): i32 {
  return step(sysShmdt(process, address))
}

export function ctl(process: Process, id: i32, command: u32): i32 {
  return step(sysShmctl(process, id, command, 0, 0, 0))
}

export function field(id: i32, offset: u32): u32 {
  assert(sysShmctl(root, id, IPC_STAT, 0, 0, 0) == 0, 'IPC_STAT')
  return load<u32>(textAt(BUFFER_RESULT) + offset)
}

export function time(id: i32, offset: u32): i64 {
  assert(sysShmctl(root, id, IPC_STAT, 0, 0, 0) == 0, 'IPC_STAT')
  return load<i64>(textAt(BUFFER_RESULT) + offset)
}

export function nattch(id: i32): u32 {
  return field(id, SHMID_DS_NATTCH)
}

export function user(uid: u32, gid: u32): Process {
  const process = spawn()
  process.uid = uid
  process.euid = uid
  process.gid = gid
  process.egid = gid
  return process
}

export function exit(process: Process): void {
  step(sysExit(process.pid, 0))
}

/** Stores a byte as a guest would. => 0 or -errno. */
export function poke(process: Process, address: u32, value: u32): i32 {
  const granted = sysAccess(process, address, 1, true)
  if (granted < 0) return granted
  store<u8>(load<u32>(textAt(BUFFER_RESULT)), <u8>value)
  sysRelease()
  return 0
}

/** => the byte, or -errno. */
export function peek(process: Process, address: u32): i32 {
  const granted = sysAccess(process, address, 1, false)
  if (granted < 0) return granted
  const value = load<u8>(load<u32>(textAt(BUFFER_RESULT)))
  sysRelease()
  return value
}

export function removeAll(): void {
  let slot = sysIpcNext(IPC_SHM, 0)
  while (slot >= 0) {
    const id = sysShmObserve(slot, SHM_STAT_ANY)
    step(sysShmctl(root, id, IPC_RMID, 0, 0, 0))
    slot = sysIpcNext(IPC_SHM, slot + 1)
  }
}

let committed: u32 = 0
let freeFrames: u32 = 0

/** Boots a kernel for segments. */
export function bootSegments(): void {
  bootSpec(1600)
  exemptStatic(changetype<usize>(noSource()), 32)
}

/** Before each test. */
export function begin(): void {
  // Slabs and tables that stay once they are there.
  root = spawn()
  const warm = make(2)
  attach(root, warm)
  exit(root)
  root = spawn()
  removeAll()
  committed = K.committed
  freeFrames = K.freeFrames
  dieAtEveryPush(true)
}

/** After each test: what it made is gone, and every frame is back. */
export function finish(): void {
  dieAtEveryPush(false)
  exit(root)
  root = spawn()
  removeAll()
  expectUndone()
  assert(segmentPages() == 0, 'pages of segments')
  assert(K.committed == committed, `committed ${K.committed}, was ${committed}`)
  assert(K.freeFrames == freeFrames, `free ${K.freeFrames}, were ${freeFrames}`)
}
